"""Structures, facilities, catchments and lines on the map: the same minutes and people as the diagnostic."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, needs_browser, shows, started, unpack
from territoire_geo.maps._blob import pack
from territoire_geo.maps._resources import facilities, kinds, structures, travel
from territoire_geo.maps._words import resources as words
from territoire_geo.reach import structure_reach

browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
quiet = pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")


def order_of(diagnostic):
    core = diagnostic.territory.core
    return core.append(diagnostic.territory.communes.index.difference(core))


def held(data):
    """Pack and unpack, as the page does."""
    return unpack(pack(data))


@pytest.fixture(scope="module")
def loaded():
    """Grand Dole: posts known for one structure in two, two known by their commune only, one by nothing."""
    territory, tables = tg.load_demo()
    table = tables.structures.assign(postes=np.where(np.arange(len(tables.structures)) % 2, 7.0, np.nan))
    inside = np.flatnonzero(table["code_commune"].isin(territory.core))[:2]
    table.loc[table.index[[*inside, 0]], ["lon", "lat"]] = np.nan
    table.loc[table.index[0], "code_commune"] = np.nan
    return territory, tables.replace(structures=table)


@pytest.fixture(scope="module")
def dole(loaded):
    with pytest.warns(tg.TerritoireGeoWarning):
        return tg.diagnose(*loaded)


@pytest.fixture(scope="module")
def by_table(loaded):
    """The same with minutes from a table, that are those of no rule."""
    territory, tables = loaded
    xy = territory.points.get_coordinates().to_numpy()
    km = np.hypot(*(xy[:, None, axis] - xy[None, :, axis] for axis in (0, 1))) / 1000
    index = pd.MultiIndex.from_product([territory.communes.index] * 2, names=["origin", "destination"])
    minutes = pd.Series((3 + 1.1 * km**1.05).ravel(), index=index)
    with pytest.warns(tg.TerritoireGeoWarning):
        return tg.diagnose(territory, tables, travel={"car": minutes})


def test_the_words_are_the_same_in_both_languages():
    assert list(words.FR) == list(words.EN)
    assert all(name.startswith("resources_") for name in words.FR)


# The diagnostic


def test_trips_are_those_that_people_are_counted_on(dole, by_table):
    for diagnostic in (dole, by_table):
        trips = diagnostic.trips
        assert trips.index.names == ["code_commune", "siret", "kind"]
        assert trips.groupby("code_commune").is_monotonic_increasing.all()
        for need in diagnostic.needs:
            near = trips[(trips <= structure_reach(need)) & trips.index.isin(diagnostic.territory.core, level=0)]
            demand = diagnostic.coverage["demand"].xs(need.id, level="need")
            people = near.index.get_level_values(0).map(demand).to_series(index=near.index).groupby(["siret", "kind"])
            expected = diagnostic.structures[f"people_{need.id}"].dropna()
            found = people.sum().reindex(expected.index).fillna(0.0)  # out of reach of everyone: nobody
            assert found.to_numpy() == pytest.approx(expected.to_numpy())
    assert dole.structures.index[0] not in dole.trips.index.droplevel(0)


def test_facilities_are_what_needs_and_measures_read(dole, loaded):
    frame = dole.facilities
    assert frame.crs == dole.territory.crs
    assert set(frame["type"]) == {"A304", "D502", "covoiturage", "france_services", "gare"}
    assert frame["type"].eq("gare").sum() == loaded[1].places["type"].eq("gare").sum()
    rough = frame[frame["approximate"]]
    assert set(rough["type"]) == {"A304", "D502"}
    assert (rough.geometry == dole.territory.points.reindex(rough["code_commune"]).set_axis(rough.index)).all()
    assert rough["amount"].sum() == loaded[1].facilities.query("code_equipement in ['A304', 'D502']")["nombre"].sum()
    assert frame[~frame["approximate"]]["amount"].isna().all()
    assert frame.index.is_monotonic_increasing
    assert frame.index.is_unique


@quiet
def test_facilities_of_a_user_keep_their_places_and_their_unknowns(loaded):
    territory, tables = loaded
    here = {"code_commune": territory.core[0]}
    own = pd.DataFrame([{"id": "a", "places": 12.0, "type": "x", "name": HOSTILE[0], **here}]).set_index("id")
    homes = pd.DataFrame(
        {"code_equipement": ["500", "460", "Z999", "500"], "nombre": 1.0, "capacite": [np.nan, 30.0, 5.0, 8.0]}
        | {"code_commune": [territory.core[0]] * 3 + ["75056"]},
        index=pd.Index(["h1", "h2", "other", "away"], name="id"),
    )
    frame = tg.diagnose(territory, tables.replace(childcare_places=own, facilities=homes, places=None)).facilities
    assert frame["amount"].to_dict() == pytest.approx(
        {"childcare_places/a": 12.0, "facilities/h1": np.nan, "facilities/h2": 30.0}, nan_ok=True
    )
    assert (frame["amount_unit"] == "places").all()
    assert frame["name"].to_dict()["childcare_places/a"] == HOSTILE[0]
    nothing = tg.diagnose(territory, tables.replace(facilities=None, places=None)).facilities
    assert nothing.empty
    assert nothing.crs == territory.crs


# The payload


def test_structures_say_what_is_known_of_their_place_and_posts(dole):
    order = order_of(dole)
    told = held({"rows": structures(dole, order)})["rows"]
    assert [one["siret"] for one in told] == list(dole.structures.index.get_level_values("siret"))
    assert told[0]["lat"] is None
    assert told[0]["commune"] is None
    rough = [one for one in told if one["lat"] is None and one["commune"] is not None]
    assert len(rough) == 2
    named = dole.structures.loc[[(one["siret"], one["kind"]) for one in rough], "code_commune"]
    assert list(named) == [order[int(one["commune"])] for one in rough]
    assert [one["posts"] for one in told[:4]] == [None, 7.0, None, 7.0]
    assert sum(kind["count"] for kind in kinds(dole, "fr")) == len(told)


def test_facilities_are_columns(dole):
    told = held(facilities(dole, order_of(dole), "fr", few=10_000))
    assert sum(kind["count"] for kind in told["types"]) == len(told["name"]) == len(dole.facilities)
    assert [told["types"][int(rank)]["id"] for rank in told["type"]] == list(dole.facilities["type"])
    assert [lat is None for lat in told["lat"]] == list(dole.facilities["approximate"])
    nothing = replace(dole, facilities=dole.facilities.iloc[:0])
    assert held(facilities(nothing, order_of(dole), "en", few=10_000))["types"] == []


def test_minutes_of_a_table_are_never_rounded_within_reach(by_table):
    order = order_of(by_table)
    told = held(travel(by_table, order))
    assert told["rule"] is None
    assert told["reach"] == [30, 15, 30, 30, 30]
    pairs = told["pairs"]
    assert sum(pairs["count"]) == len(pairs["minutes"]) == len(by_table.trips)
    exact = by_table.trips.loc[order[0]].to_numpy()
    found = np.array(pairs["minutes"][: len(exact)])
    assert (found >= exact - 1e-6).all()
    assert found == pytest.approx(exact, abs=0.0101)


# The page

PAIRS = """minutes => territoireGeo.data.codes.flatMap((_, index) =>
    territoireGeo.structuresWithin(index, minutes).map(({structure, minutes}) =>
        [index, territoireGeo.data.structures.indexOf(structure), minutes]))"""
COMMUNES = """([rank, minutes]) => territoireGeo.communesWithin(territoireGeo.data.structures[rank], minutes)
    .map(({index}) => territoireGeo.data.codes[index]).sort()"""
GLOW = """() => {
    window.glowing = [];
    territoireGeo.surface = {
        ...territoireGeo.surface,
        glow: (found) => window.glowing.push(found ? [...found.keys()] : null),
    };
}"""


def check_reach(page, diagnostic):
    """Hold what the page finds within reach against the diagnostic: pairs, minutes, people."""
    codes = page.evaluate("territoireGeo.data.codes")
    rank = pd.Index(codes)
    keys = diagnostic.structures.index
    for minutes in (30, 15):
        trips = diagnostic.trips[diagnostic.trips <= minutes]
        places = rank.get_indexer(trips.index.get_level_values(0))
        expected = dict(zip(zip(places, keys.get_indexer(trips.index.droplevel(0)), strict=True), trips, strict=True))
        found = {(index, structure): needed for index, structure, needed in page.evaluate(PAIRS, minutes)}
        assert found.keys() == expected.keys()
        assert [found[key] for key in expected] == pytest.approx(list(expected.values()), abs=0.02)
        key = trips.index[0][1:]
        near = trips.xs(key, level=("siret", "kind")).index
        assert page.evaluate(COMMUNES, [keys.get_loc(key), minutes]) == sorted(near)


def check_catchment(page, dole):
    """Communes lit and people told, by need; unknown for a structure without a place."""
    page.evaluate("territoireGeo.setTheme('need:insertion')")
    rank = page.evaluate("territoireGeo.data.structures.findIndex((one) => one.at && one.people[3] > 5)")
    page.evaluate("rank => territoireGeo.openStructure(territoireGeo.data.structures[rank])", rank)
    near = dole.trips.xs(dole.structures.index[rank], level=("siret", "kind"))
    lit = page.evaluate("window.glowing.at(-1).map((index) => territoireGeo.data.codes[index]).sort()")
    assert lit == sorted(near.index[near <= 30])
    told = page.locator(".tg-catchment").inner_text().replace("\u202f", "")
    assert f"{len(lit)} communes à portée, dont {near.index.isin(dole.territory.core).sum()} du territoire" in told
    assert f"{dole.structures['people_insertion'].iloc[rank]:.0f} personnes concernées" in told
    assert "à 50 km/h" in told
    page.evaluate("territoireGeo.setTheme('need:childcare')")
    lit = page.evaluate("window.glowing.at(-1).length")
    assert lit == (near <= 15).sum()
    page.evaluate("territoireGeo.closeSheet()")
    assert page.evaluate("window.glowing.at(-1)") is None
    page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures[0])")
    assert "Position inconnue" in page.locator(".tg-catchment").inner_text()


def check_lines(page, dole):
    """Lines to the nearest that answer, and their list."""
    page.evaluate("territoireGeo.setTheme('need:insertion')")
    code = page.evaluate("territoireGeo.data.codes[3]")
    reach = dole.reach.loc[(code, "insertion")]
    page.evaluate("territoireGeo.openCommune(3)")
    shown = page.locator(".tg-nearest").inner_text()
    assert f"dont {reach['answering']:.0f} répond" in shown
    labels = page.locator(".tg-minutes").all_inner_texts()
    assert len(labels) == page.locator("path.tg-line").count() == min(3, reach["answering"])
    assert labels[0] == f"{reach['nearest_minutes']:.0f}\u00a0min"
    page.locator(".tg-nearest .tg-link").first.click()
    assert page.locator("path.tg-line").count() == 0
    assert page.evaluate("Boolean(territoireGeo.state.structure)")
    page.evaluate("territoireGeo.closeSheet()")


def check_filters(page, dole):
    """Filters, then so many signs that they gather."""
    markers = page.locator(".tg-marker")
    levels = dole.structures["insertion"]
    answering = levels.isin(["declared", "likely", "probable"]) & dole.structures.geometry.notna()
    unsure = levels.eq("unknown") & dole.structures.geometry.notna()
    page.check("#tg-answering")
    assert markers.count() == answering.sum()
    page.check("#tg-unsure")
    assert markers.count() == (answering | unsure).sum()
    page.uncheck("#tg-answering")
    assert page.is_disabled("#tg-unsure")
    page.uncheck('input[value="ACI"]')
    left = dole.structures.index.get_level_values("kind") != "ACI"
    assert markers.count() == (left & dole.structures.geometry.notna()).sum()
    page.check('input[value="ACI"]')
    for box in page.locator("[data-facility]").all():
        box.check()
    bubbles = page.locator(".tg-bubble:not(.tg-bubble-facility)")
    assert bubbles.count() > 0
    assert markers.count() < 150
    name = page.locator(".tg-marker:has(.tg-bubble:not(.tg-bubble-facility))").first.get_attribute("aria-label")
    assert "structures, " in name
    assert "poste" in name
    total = page.evaluate("[...document.querySelectorAll('.tg-marker')].every((one) => one.getAttribute('aria-label'))")
    assert total


def check_keyboard(page):
    """One stop, arrows, and Enter comes nearer."""
    assert page.locator('.tg-marker[tabindex="0"]').count() == 1
    zoom = page.evaluate("territoireGeo.map.getZoom()")
    page.locator(".tg-marker:has(.tg-bubble)").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("territoireGeo.map.getZoom()") > zoom
    page.locator('.tg-marker[tabindex="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.classList.contains('tg-marker')")


class TestPage:
    pytestmark = needs_browser()

    def test_a_diagnostic_with_a_rule(self, show, dole):
        page = show(dole, motion="reduce")
        check_reach(page, dole)
        page.evaluate(GLOW)
        assert page.locator(".tg-marker").count() == int(dole.structures.geometry.notna().sum())
        check_catchment(page, dole)
        check_lines(page, dole)
        check_filters(page, dole)
        check_keyboard(page)

    def test_a_diagnostic_with_a_table(self, show, by_table):
        page = show(by_table, lang="en")
        check_reach(page, by_table)
        page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures.find((one) => one.at))")
        assert "from a table that was given" in page.locator(".tg-catchment").inner_text()

    def test_names_are_only_texts(self, show):
        diagnostic = make_diagnostic(structure_names=HOSTILE, words={"facility": HOSTILE[3]})
        page = show(diagnostic, size=(390, 844))
        page.evaluate("document.querySelector('.tg-structures').open = true")
        for box in page.locator("[data-facility]").all():
            page.evaluate("box => box.click()", box.element_handle())
        station = page.locator('.tg-marker[data-type="gare"]')
        assert HOSTILE[3] in station.get_attribute("aria-label")
        station.focus()
        page.keyboard.press("Enter")
        assert HOSTILE[3] in page.locator(".tg-place").inner_text()
        page.keyboard.press("Escape")
        page.wait_for_selector(".tg-place", state="detached")
        assert page.evaluate("document.activeElement.dataset.type") == "gare"
        page.evaluate("territoireGeo.openCommune(0)")
        assert HOSTILE[0] in page.locator(".tg-nearest").inner_text()
        # Estimates between 0 and 5 are never told.
        page.evaluate("territoireGeo.openStructure(territoireGeo.data.structures[0])")
        assert "<\u00a05 personne concernée" in page.locator(".tg-catchment").inner_text()
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src='x']").count() == 0
