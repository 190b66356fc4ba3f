"""The sheet of a commune, its link and the search: figures beside their references, and no text that runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, needs_browser, shows, started, unpack
from territoire_geo.maps._blob import pack
from territoire_geo.maps._commune import proposals_data, standings_data
from territoire_geo.maps._typography import typeset
from territoire_geo.proposals import Proposal

SCRIPTS = Path(__file__).parent / "maps_scripts"
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
pytestmark = pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")


def in_browser(test):
    for mark in needs_browser():
        test = mark(test)
    return test


def script(name):
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo():
    return tg.diagnose(*tg.load_demo())


@pytest.fixture(scope="module")
def order(demo):
    core = demo.territory.core
    return core.append(demo.territory.communes.index.difference(core))


def proposal(text, codes=("39008",), structures=()):
    return Proposal("mobility", "open", codes, 3.0, np.nan, np.nan, structures, text, text, {})


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


# Data


def test_proposals_hold_positions_and_rounded_people(demo, order):
    said = unpack(pack(proposals_data(demo, order, "fr")))
    assert len(said) == len(demo.proposals)
    keys = list(demo.structures.index)
    for one, told in zip(demo.proposals, said, strict=True):
        assert {order[int(place)] for place in told["communes"]} == set(one.communes)
        assert [keys[place] for place in told["structures"]] == list(one.structures)
        assert told["people"] == round(one.people)
        assert told["text"] == typeset(one.reason, "fr")
        assert (told["low"] is None) == np.isnan(one.low)
    assert proposals_data(demo, order, "en")[0]["text"] == demo.proposals[0].reason_en


def test_a_proposal_hides_few_people_and_what_the_page_lacks(order):
    diagnostic = replace(make_diagnostic(), proposals=[proposal("x", ("39008", "99999"), (("0", "ACI"),))])
    (told,) = proposals_data(diagnostic, pd.Index(["39009", "39008"]), "fr")
    assert (told["people"], told["low"], told["communes"], told["structures"]) == (1, None, [1], [])
    empty = replace(diagnostic, structures=diagnostic.structures.iloc[:0])
    assert proposals_data(empty, order, "fr")[0]["structures"] == []


def test_standings_say_totals_references_and_perimeters(demo):
    said = {one["id"]: one for one in standings_data(demo, "fr")}
    assert list(said) == demo.computed
    jobless = said["chomage_recensement"]
    assert jobless["total"] == pytest.approx(demo.totals["chomage_recensement"], abs=1e-4)
    assert jobless["reference"] == pytest.approx(demo.references["chomage_recensement"], abs=1e-4)
    assert jobless["fragile"] == demo.indicators.at["chomage_recensement", "fragile"]
    assert jobless["family"] == "E"
    assert jobless["ratio"]
    assert jobless["sources"]
    assert [row["id"] for row in jobless["perimeters"]] == ["departement", "region", "france", "density"]
    assert all(row["value"] is not None for one in said.values() for row in one["perimeters"])
    assert not said["population"]["ratio"]
    assert said["population"]["reference"] is None
    assert {one["label"] for one in standings_data(demo, "en")}.isdisjoint({jobless["label"]})


# The sheet


@in_browser
def test_the_sheet_of_a_commune(show, demo):
    page = show(demo)
    evaluate = page.evaluate
    code = demo.proposals[0].communes[0]
    index = evaluate("code => territoireGeo.data.codes.indexOf(code)", code)
    evaluate("index => { window.seen = []; territoireGeo.onSelect(state => window.seen.push(state.commune)); }", index)
    page.select_option("#tg-theme", "need:mobility")
    evaluate("index => territoireGeo.openCommune(index)", index)
    assert evaluate("window.seen") == [index]
    assert evaluate("document.activeElement.id") == "tg-sheet-title"
    row = demo.coverage.loc[(code, "mobility")]
    figure = page.locator('.tg-need[data-need="mobility"] summary').inner_text()
    assert f"{row['unmet_people']:.0f}" in figure
    assert f"{100 * row['unmet_people'] / row['demand']:.1f}".replace(".", ",") in figure
    # Every need, the one shown unfolded; bars never stand alone.
    assert page.locator(".tg-need").count() == len(demo.needs)
    assert page.locator(".tg-need[open]").count() == 1
    opened = page.locator(".tg-need[open]").inner_text()
    assert "u-dessus de l’ensemble du territoire (15,5\u00a0%)" in opened
    assert "servis" in opened
    width = page.locator(".tg-need[open] summary .tg-meter-fill").evaluate("bar => parseFloat(bar.style.width)")
    assert width == pytest.approx(100 * row["unmet_people"] / row["demand"], abs=0.06)
    assert page.locator(".tg-meter:not([aria-hidden]), .tg-split-bar:not([aria-hidden])").count() == 0
    states = evaluate(
        "[...document.querySelectorAll('.tg-need[open] .tg-split-bar span')].map(s => parseFloat(s.style.width))"
    )
    assert sum(states) == pytest.approx(100)
    # Its rank, with how far it holds.
    ranked = demo.ranking.table.loc[code]
    rank = page.locator(".tg-rank").inner_text()
    assert f"{ranked['rank']:.0f} sur {demo.ranking.table['rank'].notna().sum()}" in rank
    assert f"entre {ranked['rank_low']:.0f} et {ranked['rank_high']:.0f}" in rank
    # What is proposed there, and no more.
    mine = [one for one in demo.proposals if code in one.communes]
    assert page.locator("#tg-sheet .tg-proposal").count() == len(mine)


@in_browser
def test_measures_stand_beside_the_territory_and_its_reference(show, demo):
    page = show(demo)
    evaluate = page.evaluate
    code = demo.proposals[0].communes[0]
    index = evaluate("code => territoireGeo.data.codes.indexOf(code)", code)
    evaluate("index => territoireGeo.openCommune(index)", index)
    page.locator('[data-part="measures"] > summary').click()
    assert page.locator(".tg-measure").count() == len(demo.computed)
    value, whole, there = (
        found["chomage_recensement"] for found in (demo.measures.loc[code], demo.totals, demo.references)
    )
    line = page.locator(".tg-measure", has_text="Chômage").first.inner_text()
    digits = evaluate("territoireGeo.data.themes.find(theme => theme.id === 'measure:chomage_recensement').decimals")
    assert f"{value:.{digits}f}".replace(".", ",") in line
    side = "au-dessus" if value > there else "au-dessous"
    assert f"{side} de la référence (Jura\u00a0: {there:.{digits}f}".replace(".", ",") in line
    assert ("Au-dessus" if value > whole else "Au-dessous") in line
    assert "fragile" in line
    # What is unfolded stays so when the theme changes, and the theme of a measure comes first.
    page.locator(".tg-measure .tg-link").first.click()
    assert page.locator('[data-part="measures"]').get_attribute("open") is not None
    assert page.locator(".tg-now b").inner_text() == evaluate("i => territoireGeo.valueText(i)", index)
    # A structure, and back; Escape closes.
    page.locator(".tg-proposal summary").first.click()
    page.locator(".tg-proposal .tg-list button").first.click()
    page.locator(".tg-back").click()
    assert page.locator("#tg-sheet-title").inner_text() == evaluate("i => territoireGeo.data.names[i]", index)
    page.keyboard.press("Escape")
    assert page.locator("#tg-sheet").is_hidden()
    assert evaluate("territoireGeo.state.commune") is None
    # A neighbour has no needs of its own, and says so; what does not exist opens nothing.
    evaluate("territoireGeo.openCommune(territoireGeo.data.core)")
    assert "hors du territoire" in page.locator("#tg-sheet").inner_text()
    assert page.locator(".tg-need").count() == 0
    page.keyboard.press("Escape")
    for wrong in ("-1", "1e9", "null", "'0'", "undefined", "0.5"):
        evaluate(f"territoireGeo.openCommune({wrong})")
    evaluate("territoireGeo.openStructure(1e9)")
    assert page.locator("#tg-sheet").is_hidden()


@in_browser
def test_the_sheet_says_what_is_unknown_and_hides_few_people(show):
    diagnostic = make_diagnostic()
    page = show(diagnostic)
    page.select_option("#tg-theme", "need:childcare")
    page.evaluate("territoireGeo.openCommune(0)")
    assert "inconnu" in page.locator('.tg-need[data-need="childcare"] summary').inner_text()
    assert "secret statistique" in page.locator('.tg-need[data-need="childcare"]').inner_text()
    assert page.locator('.tg-need[data-need="childcare"] .tg-meter').count() == 0
    page.select_option("#tg-theme", "need:mobility")
    page.evaluate("territoireGeo.openCommune(1)")
    card = page.locator('.tg-need[data-need="mobility"]')
    assert "à portée d’une offre saturée" in card.inner_text()
    assert "sans rien à portée" not in card.inner_text()
    # On a phone, the sheet keeps within the screen and its parts fold.
    page.set_viewport_size({"width": 360, "height": 740})
    box = page.locator("#tg-sheet").bounding_box()
    assert (box["x"], box["width"]) == (0, 360)
    assert page.evaluate("document.querySelector('#tg-sheet').scrollWidth") <= 360
    page.locator('[data-part="needs"] > summary').click()
    assert card.is_hidden()


# The link


@in_browser
def test_the_link_follows_and_opens(show):
    page = show(make_diagnostic())
    assert page.evaluate("location.hash") == ""
    page.select_option("#tg-theme", "need:childcare")
    assert page.evaluate("location.hash") == "#theme=need:childcare"
    page.evaluate("territoireGeo.showCommune(2)")
    assert page.evaluate("location.hash") == "#commune=39010&theme=need:childcare"
    assert page.evaluate("history.length") == 2  # the blank page, and the map: choices leave no trail
    address = page.url
    page.keyboard.press("Escape")
    assert page.evaluate("location.hash") == "#theme=need:childcare"
    again = show.open(address)
    assert again.locator("#tg-sheet-title").inner_text() == "Commune 39010"
    assert again.evaluate("territoireGeo.theme().id") == "need:childcare"
    # A reader changes the address by hand.
    again.evaluate("location.hash = '#commune=39015&theme=measure:chomage'")
    again.locator("#tg-sheet-title", has_text="Commune 39015").wait_for()
    assert again.evaluate("territoireGeo.theme().id") == "measure:chomage"
    again.evaluate("territoireGeo.applyHash('#commune=75056&theme=need:nothing')")
    assert "absente de cette carte" in again.locator("#tg-link").inner_text()
    assert "thème absent" in again.locator("#tg-link").inner_text()
    assert again.locator("#tg-sheet-title").inner_text() == "Commune 39015"
    # Without a clipboard, the link is there to be taken.
    again.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })")
    again.locator("#tg-sheet .tg-share button").click()
    field = again.locator("#tg-link-field")
    field.wait_for()
    assert field.input_value() == again.url
    assert again.evaluate("getSelection().toString() || document.activeElement.value") == again.url
    again.locator("#tg-link .tg-close").click()
    assert field.is_hidden()
    # With one, it is copied.
    again.evaluate(
        "Object.defineProperty(navigator, 'clipboard',"
        " { value: { writeText: async text => { window.copied = text; } } })"
    )
    again.evaluate("territoireGeo.copyLink()")
    assert again.evaluate("window.copied") == again.url
    assert "Lien copié" in again.locator("#tg-link").inner_text()


@in_browser
def test_ten_thousand_hostile_addresses_change_nothing(show):
    page = show(make_diagnostic())
    page.evaluate("territoireGeo.openCommune(3)")
    told = page.evaluate(
        script("addresses"),
        [list(HOSTILE), 10_000],
    )
    assert told[0] > 4_000
    assert told[1:] == [0, 0, True]
    for hash_ in (
        "#commune=%",
        "#theme=__proto__",
        "#commune=" + "9" * 5_000,
        "#&&==&",
        "#commune=39008&commune=39009",
    ):
        page.evaluate("hash => territoireGeo.applyHash(hash)", hash_)
    assert page.evaluate("window.hacked === undefined")


# Search


@in_browser
def test_the_search_offers_what_is_typed(show):
    page = show(make_diagnostic(names={"39008": "Saint-Aubin", "39009": "Saint-Loup", "39016": "Saint-Aubin"}))
    assert page.locator("#tg-communes option").count() == 0
    page.fill("#tg-search", "st aub")
    offered = page.locator("#tg-communes option").evaluate_all("options => options.map(option => option.value)")
    assert offered == ["Saint-Aubin (39008)", "Saint-Aubin (39016)"]
    page.fill("#tg-search", "commune")
    assert page.locator("#tg-communes option").count() == 12
    page.fill("#tg-search", "Saint-Aubin (39016)")
    page.keyboard.press("Enter")
    assert "39016" in page.locator("#tg-sheet").inner_text()


@in_browser
def test_the_first_stops_of_the_keyboard(show):
    page = show(make_diagnostic())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "tg-skip-search"
    assert page.locator("#tg-skip-search").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "tg-search"
    page.focus("#tg-skip-map")
    page.keyboard.press("Enter")
    assert page.evaluate("territoireGeo.map.getContainer().contains(document.activeElement)")
    page.focus("#tg-skip-table")
    page.keyboard.press("Enter")
    assert page.locator("#tg-table").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "tg-skip-table"
