"""The map in a real browser, with no network: what is drawn, said, sorted, found, and never run."""

import re

import folium
import numpy as np
import pytest

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, choose, needs_browser, shows, started
from territoire_geo.maps import draw_map
from territoire_geo.maps._typography import typeset

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright absent: pip install playwright")
pytestmark = needs_browser()
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)


@pytest.fixture(scope="module")
def demo():
    return tg.diagnose(*tg.load_demo())


def fill(page, code):
    return page.get_attribute(f'path[data-code="{code}"]', "fill")


def hover(page, code):
    """Bring the pointer over a commune, where neither a sign nor a panel hides it."""
    x, y = page.evaluate(
        """code => {
            const path = document.querySelector(`path[data-code="${code}"]`);
            const box = path.getBoundingClientRect();
            for (let down = 1; down < 40; down++) for (let across = 1; across < 40; across++) {
                const [x, y] = [box.left + box.width * across / 40, box.top + box.height * down / 40];
                if (document.elementFromPoint(x, y) === path) return [x, y];
            }
        }""",
        code,
    )
    page.mouse.move(x, y)
    return page.locator(".tg-tip").last.inner_text()  # the one before fades


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


# The demonstration territory


@pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")
def test_the_grand_dole(show, demo, tmp_path):
    page = show(demo)
    assert page.locator('path[data-core="1"]').count() == 47
    assert page.locator('path[data-core="0"]').count() == len(demo.territory.communes) - 47
    assert page.locator(".tg-marker").count() == int(demo.structures.geometry.notna().sum())
    assert (tmp_path / "carte0.html").stat().st_size <= 1_200_000
    names = texts(page, ".tg-town")
    assert "Dole" in names
    assert len(names) == len(set(names))
    choose(page, "measure:demandeurs_emploi")
    outside = demo.territory.communes.query("not in_core and code_departement == '21'").index[0]
    assert fill(page, outside) == "url(#tg-hatch-pale)"
    assert fill(page, demo.territory.core[0]).startswith("#")
    # The buffer of the Jura is known, and paler.
    neighbour = demo.territory.communes.query("not in_core and code_departement == '39'").index[0]
    assert fill(page, neighbour).startswith("#")
    assert float(page.get_attribute(f'path[data-code="{neighbour}"]', "fill-opacity")) < 0.5


@pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")
def test_a_figure_withheld_from_one_core_commune_is_hatched(show):
    territory, tables = tg.load_demo()
    births = tables.births.copy()
    code = territory.core[5]
    births.loc[code, "naissances"] = np.nan
    page = show(tg.diagnose(territory, tables.replace(births=births)))
    choose(page, "need:childcare")
    assert fill(page, code) == "url(#tg-hatch)"
    assert page.locator('path[data-core="1"][fill="url(#tg-hatch)"]').count() == 1
    assert "Inconnu\u00a0: chiffre non publié" in hover(page, code)
    assert "inconnu\n1" in page.locator(".tg-legend").inner_text()


@pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")
def test_a_share_of_nobody_is_not_an_unknown(show):
    territory, tables = tg.load_demo()
    births = tables.births.copy()
    code = territory.core[5]
    births.loc[code, "naissances"] = 0.0
    page = show(tg.diagnose(territory, tables.replace(births=births)))
    choose(page, "need:childcare")
    said = hover(page, code)
    assert "aucune personne concernée" in said
    assert "nconnu" not in said
    assert "aucune personne concernée\n1" in page.locator(".tg-legend").inner_text()


# Themes


def test_the_theme_changes_fills_legend_and_figures(show):
    page = show(make_diagnostic())
    before = [fill(page, f"390{rank}") for rank in (14, 15, 16, 17)]
    legend = page.locator(".tg-legend").inner_text()
    assert "Sources" in legend or "Source" in legend
    assert "RP 2018" in legend
    assert "bornes fixes" in legend
    assert texts(page, ".tg-legend li .tg-count")[:5] == ["2", "1", "3", "3", "3"]
    choose(page, "need:insertion")
    assert [fill(page, f"390{rank}") for rank in (14, 15, 16, 17)] != before
    assert page.locator(".tg-legend").inner_text() != legend
    assert "chômeurs" in page.locator(".tg-summary").inner_text()
    choose(page, "cross:insertion")
    assert page.locator(".tg-square td").count() == 9
    assert sum(int(text) for text in texts(page, ".tg-square td")) == 12
    assert "besoin fort, aucune réponse" in page.locator(".tg-corners").first.inner_text()


def test_unknown_is_hatched_and_says_why(show):
    page = show(make_diagnostic())
    choose(page, "need:childcare")
    assert fill(page, "39008") == "url(#tg-hatch)"
    assert "Inconnu\u00a0: secret statistique" in hover(page, "39008")
    assert page.get_attribute('path[data-code="39008"]', "aria-label").endswith("inconnu")
    choose(page, "cross:childcare")
    assert fill(page, "39008") == "url(#tg-hatch)"
    choose(page, "measure:demandeurs")
    assert fill(page, "39001") == "url(#tg-hatch-pale)"
    assert fill(page, "39008") == "#ffffcc"
    assert "Inconnu" in hover(page, "39004")


def test_the_hatching_is_really_drawn(show):
    page = show(make_diagnostic())
    choose(page, "need:childcare")
    assert page.locator("pattern#tg-hatch line").count() == 1
    assert page.evaluate("getComputedStyle(document.querySelector('.tg-defs')).display") != "none"


def test_people_come_first_in_french(show):
    page = show(make_diagnostic())
    choose(page, "need:childcare")
    said = hover(page, "39009")
    assert re.search(r"^Commune 39009\n+18 enfants sans place", said)
    assert "(entre 15 et 22)" in said
    assert "36,4\u00a0%" in said
    assert "64\u00a0% de la norme\u00a0: 0,255 pour une norme de 0,400 places par enfant" in said
    choose(page, "measure:niveau_vie")
    assert "19\u202f096\u00a0€ par an" in hover(page, "39009")


def test_small_estimates_are_not_printed(show):
    diagnostic = make_diagnostic()
    diagnostic.coverage.loc[("39009", "mobility"), ["demand", "unmet_people", "low", "high"]] = [40.0, 3.2, 0.0, 6.0]
    page = show(diagnostic)
    said = hover(page, "39009")
    assert "<\u00a05 " in said
    assert "entre 0 et 6" in said
    page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures[0])")
    assert page.locator("#tg-sheet .tg-levels tbody tr").first.locator("td").last.inner_text() == "<\u00a05"


def test_circles_follow_the_number_of_people(show):
    page = show(make_diagnostic())
    assert page.locator("path.tg-circle").count() == 11
    page.click("text=Cercles")
    assert page.locator("path.tg-circle").count() == 0
    page.click("text=Cercles")
    choose(page, "measure:chomage")
    assert page.locator("path.tg-circle").count() == 0


def test_layers_of_the_reader_are_drawn_without_a_request(show):
    def add(carte):
        folium.Marker([47.08, 5.49], tooltip="ici").add_to(carte.folium)
        folium.CircleMarker([47.1, 5.5], radius=4).add_to(carte.folium)

    page = show(make_diagnostic(), add=add)
    assert page.get_attribute("img.leaflet-marker-icon", "src").startswith("data:image/png;base64,")


def test_a_notebook_shows_the_map(browser, tmp_path):
    cell = tmp_path / "notebook.html"
    cell.write_text(f"<!DOCTYPE html><meta charset=utf-8>{draw_map(make_diagnostic())._repr_html_()}", encoding="utf-8")
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto(cell.as_uri())
    frame = page.frame_locator("iframe")
    sync_api.expect(frame.locator('path[data-core="1"]')).to_have_count(12)
    context.close()


# Structures


def test_structures_by_kind_and_by_need(show):
    page = show(make_diagnostic())
    seen = ".tg-marker:not(.tg-away)"
    assert page.locator(seen).count() == 8
    assert sorted(page.locator(f"{seen} text").all_text_contents()) == ["A", "C", "C", "E", "G", "H", "I", "T"]
    shapes = page.evaluate(
        """[...document.querySelectorAll('.tg-kind input:not([data-facility]) ~ svg')]
           .filter(svg => svg.querySelector('text')).map(svg => svg.lastChild.previousSibling.outerHTML)"""
    )
    assert len(set(shapes)) == 7
    page.uncheck('.tg-kind input[value="ACI"]')
    assert page.locator(seen).count() == 6
    page.check('.tg-kind input[value="ACI"]')
    page.check("#tg-answering")
    answering = page.locator(seen).count()
    assert 0 < answering < 8
    assert page.locator(f"{seen} .tg-full").count() == answering
    choose(page, "measure:chomage")
    assert page.locator(seen).count() == 8
    assert page.is_disabled("#tg-answering")


def test_the_sheet_of_a_structure(show):
    page = show(make_diagnostic())
    page.locator('.tg-marker[data-kind="ACI"]').first.click()
    sheet = page.locator("#tg-sheet").inner_text()
    assert "Structure 0" in sheet
    assert "Atelier ou chantier d’insertion (ACI)" in sheet
    assert "8891A" in sheet
    assert "1 rue de l'Église, 39100 Dole" in sheet
    levels = texts(page, "#tg-sheet .tg-levels tbody tr td:nth-child(2)")
    assert levels == [
        "oui, déclaré", "probable, d’après l’activité", "probable, d’après le type de structure", "inconnu", "non",
    ]  # fmt: skip
    assert page.get_attribute("#tg-sheet a", "href") == "https://example.org/"
    page.keyboard.press("Escape")
    assert page.locator("#tg-sheet").is_hidden()
    page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures[1])")
    assert "javascript:alert(1)" in page.locator("#tg-sheet").inner_text()
    assert page.locator("#tg-sheet a").count() == 0
    assert "Position approximative." in page.locator("#tg-sheet").inner_text()


def test_the_sheet_of_a_structure_says_where_it_comes_from(show):
    page = show(make_diagnostic())
    page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures[3])")
    sheet = page.locator("#tg-sheet").inner_text()
    assert "Liste des structures\u00a0: Plateforme de l’inclusion, Structures de l’IAE, décembre 2020." in sheet
    assert "Inconnu ne veut pas dire non." in sheet
    levels, people = (texts(page, f"#tg-sheet .tg-levels tbody tr td:nth-child({column})") for column in (2, 3))
    assert [told == "–" for told in people] == [level == "non" for level in levels]
    assert "1\u202f234" in people


def test_a_need_told_in_units(show):
    page = show(make_diagnostic())
    choose(page, "need:employment")
    need = page.evaluate("territoireGeo.need()")
    assert page.locator(".tg-big").inner_text().endswith(need["missing"])
    assert need["norm"] in page.locator(".tg-summary").inner_text()
    assert need["missing"] in hover(page, "39017")


def test_a_constant_measure_is_said_in_full(show):
    diagnostic = make_diagnostic()
    diagnostic.measures["niveau_vie"] = 20_000.0
    page = show(diagnostic)
    choose(page, "measure:niveau_vie")
    assert page.locator(".tg-big").inner_text().startswith("20\u202f000\n€ par an")
    counts = [text for text in texts(page, ".tg-legend li .tg-count") if "+" in text]
    assert "0 + 0" not in counts
    assert any(text.startswith("12 + ") for text in counts)


def test_structures_without_a_place_are_counted_in_the_limits(show):
    page = show(make_diagnostic())
    page.click("#tg-show-limits")
    limits = page.locator("#tg-limits").inner_text()
    assert "Structures sans position connue, absentes de la carte (1)" in limits
    assert "Structure 8 (AI)" in limits
    assert "Temps à vol d’oiseau." in limits
    assert "Plateforme de l’inclusion" in limits
    assert "50\u00a0km/h, détour 1,3" in limits


# Table, search, keyboard


def test_the_table_twin_sorts_and_shows(show):
    page = show(make_diagnostic())
    choose(page, "need:childcare")
    page.click("#tg-show-table")
    rows = "#tg-table tbody tr"
    assert page.locator(rows).count() == 12
    column = f"{rows} td:nth-child(3)"
    counts = texts(page, column)
    assert counts[-1] == "inconnu"
    assert [int(text) for text in counts[:-1]] == sorted((int(text) for text in counts[:-1]), reverse=True)
    page.focus("#tg-table thead th:nth-child(3) button")
    page.keyboard.press("Enter")
    counts = texts(page, column)
    assert counts[-1] == "inconnu"
    assert [int(text) for text in counts[:-1]] == sorted(int(text) for text in counts[:-1])
    assert page.get_attribute("#tg-table thead th:nth-child(3)", "aria-sort") == "ascending"
    page.click("#tg-table thead th:first-child button")
    assert texts(page, f"{rows} th")[0] == "Commune 39008"
    page.click(f"{rows} >> text=Commune 39009")
    assert page.locator("#tg-sheet-title").inner_text() == "Commune 39009"
    assert page.get_attribute('#tg-table tr[data-code="39009"]', "aria-current") == "true"


def test_search_opens_a_commune_whatever_the_accents(show):
    page = show(make_diagnostic(names={"39016": "Éclans-Nénon"}))
    page.fill("#tg-search", "commune")
    assert page.locator("#tg-communes option").count() == 12  # those of what is typed
    page.fill("#tg-search", "eclans-nenon")
    page.keyboard.press("Enter")
    assert page.locator("#tg-sheet-title").inner_text() == "Éclans-Nénon"
    page.fill("#tg-search", "Nulle part")
    page.keyboard.press("Enter")
    assert "Aucune commune" in page.locator(".tg-find").inner_text()


def test_search_forgives_and_offers_a_choice(show):
    names = {
        "39008": "Saint-Aubin", "39009": "Saint-Loup", "39010": "L'Étoile", "39011": "Villers-Robert",
        "39014": "Saint-Aubin-le-Haut", "39015": "Cœuvres",
    }  # fmt: skip
    page = show(make_diagnostic(names=names))

    def search(text):
        page.fill("#tg-search", text)
        page.keyboard.press("Enter")
        found = page.locator("#tg-sheet-title").inner_text() if page.locator("#tg-sheet").is_visible() else None
        if found:
            page.keyboard.press("Escape")
        return found

    for text, name in {
        "saint aubin": "Saint-Aubin", "ST AUBIN": "Saint-Aubin", "l’etoile": "L'Étoile", "villers": "Villers-Robert",
        "robert": "Villers-Robert", "coeuvres": "Cœuvres", "le haut": "Saint-Aubin-le-Haut", "39009": "Saint-Loup",
    }.items():  # fmt: skip
        assert search(text) == name, text
    assert search("Saint") is None
    said = page.locator(".tg-find [role=status]")
    assert texts(page, ".tg-choices button") == ["Saint-Aubin", "Saint-Loup", "Saint-Aubin-le-Haut"]
    page.click(".tg-choices >> text=Saint-Loup")
    assert page.locator("#tg-sheet-title").inner_text() == "Saint-Loup"
    page.keyboard.press("Escape")
    assert said.inner_text() == ""
    assert search("Commune") is None
    assert len(texts(page, ".tg-choices button")) == 6
    assert texts(page, ".tg-choices li")[-1] == "et 18 de plus"


def test_twin_names_are_told_apart(show):
    page = show(make_diagnostic(names={"39008": "Saint-Aubin", "39016": "Saint-Aubin"}))
    page.fill("#tg-search", "Saint-Aubin (39016)")
    page.keyboard.press("Enter")
    assert "39016" in page.locator("#tg-sheet").inner_text()


def test_the_map_is_walked_with_the_keyboard(show):
    page = show(make_diagnostic(), motion="reduce")
    assert page.locator('path[role="button"][tabindex="0"]').count() == 1
    page.focus('path[data-code="39008"]')
    page.keyboard.press("ArrowRight")
    active = "document.activeElement.dataset.code"
    assert page.evaluate(active) == "39009"
    page.keyboard.press("ArrowUp")
    assert page.evaluate(active) == "39015"
    assert "Commune 39015" in page.locator(".tg-tip").last.inner_text()
    page.keyboard.press("Enter")
    assert page.locator("#tg-sheet-title").inner_text() == "Commune 39015"
    page.keyboard.press("Escape")
    assert page.evaluate(active) == "39015"
    assert page.evaluate("territoireGeo.map.options.zoomAnimation") is False
    assert page.get_attribute('path[data-code="39015"]', "aria-label").startswith("Commune 39015, ")


# Size, language, safety


def test_a_phone(show):
    page = show(make_diagnostic(), size=(390, 844))
    panel = page.locator("#tg-panel").bounding_box()
    assert panel["width"] == 390
    assert panel["y"] > 844 / 3
    core = page.evaluate(
        "[...document.querySelectorAll('path[data-core=\"1\"]')].map(p => p.getBoundingClientRect().bottom)"
    )
    assert max(core) <= panel["y"]
    page.click("#tg-fold")
    assert page.locator("#tg-panel").bounding_box()["height"] < 200
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_on_a_phone_nothing_hides_the_core(show):
    page = show(make_diagnostic(), size=(390, 844))
    page.evaluate("territoireGeo.showTip(0, territoireGeo.data.points[0])")
    assert page.locator(".tg-tip").is_visible()
    page.evaluate("territoireGeo.openCommune(0)")
    page.evaluate("territoireGeo.showTip(0, territoireGeo.data.points[0])")
    assert not any(tip.is_visible() for tip in page.locator(".tg-tip").all())
    page.click("#tg-sheet .tg-close")
    boxes = "[...document.querySelectorAll('.leaflet-control')].map(part => part.getBoundingClientRect().top)"
    lowest = "[...document.querySelectorAll('path[data-core=\"1\"]')].map(part => part.getBoundingClientRect().bottom)"
    assert max(page.evaluate(lowest)) <= min(page.evaluate(boxes))
    page.click("#tg-show-table")
    assert "défile" in page.locator("#tg-table .tg-said").first.inner_text()
    assert page.locator("#tg-table thead").bounding_box()["height"] < 100


def test_metric_scale_and_english(show):
    page = show(make_diagnostic(), lang="en")
    assert re.fullmatch(r"\d+ k?m", page.locator(".leaflet-control-scale-line").inner_text())
    assert page.locator(".leaflet-control-scale-line").count() == 1
    page.click("#tg-show-limits")
    assert "Straight-line times." in page.locator("#tg-limits").inner_text()
    assert "Mobility" in texts(page, "#tg-theme option")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_shown_as_text(show, text):
    diagnostic = make_diagnostic(
        names={"39008": text, "39023": text, "39030": text},
        structure_names=(text,),
        words=dict.fromkeys(("territory", "measure", "need", "reason"), text),
    )
    page = show(diagnostic)
    assert text in page.locator("h1").inner_text()
    assert texts(page, "#tg-theme option")[0] == typeset(text, "fr")
    assert typeset(text, "fr") in page.locator(".tg-legend h2").inner_text()
    assert text in hover(page, "39008")
    page.evaluate("territoireGeo.openCommune(0)")
    assert page.locator("#tg-sheet-title").inner_text() == text
    page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures[0])")
    assert page.locator("#tg-sheet-title").inner_text() == text
    page.focus('.tg-marker[data-kind="ACI"]')
    assert text in page.locator(".tg-tip").last.inner_text()
    choose(page, "measure:chomage")
    page.click("#tg-show-table")
    assert text in texts(page, "#tg-table tbody th")
    page.click("#tg-drawer .tg-close")
    choose(page, "need:childcare")
    assert typeset(text, "fr") in hover(page, "39008")
    page.click("#tg-show-limits")
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("img, iframe").count() == 0


def test_the_policy_holds_against_an_injected_handler(show):
    page = show(make_diagnostic(), refused="Content Security Policy")
    blocked = page.evaluate(
        """() => new Promise(done => {
            document.addEventListener("securitypolicyviolation", event => done(event.violatedDirective));
            const box = document.createElement("div");
            box.setAttribute("onclick", "window.hacked = 1");
            document.body.append(box);
            box.click();
        })"""
    )
    assert blocked.startswith("script-src")
    assert page.evaluate("window.hacked === undefined")
