"""Perimeters of geo.api.gouv.fr: what is asked, what is refused, and what they change in a territory."""

import json
import warnings
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from _loopback import Reply, json_reply, serve
from territoire_geo import load_territory
from territoire_geo.errors import (
    CrsError,
    SourceFormatError,
    SourceUnavailableError,
    StaleSourceWarning,
    TableError,
    UnknownTerritoryError,
)
from territoire_geo.loaders import _base
from territoire_geo.loaders._fetch import Door, Pace
from territoire_geo.loaders._live_perimeter import bring_up_to_date
from territoire_geo.loaders.geo_api import fetch_communes, fetch_epci_name

SAMPLES = Path(__file__).parents[2] / "shared" / "sources" / "samples" / "reconstructed"
DOLE = "200010650"
NAMES = {
    "nom": "nom_commune",
    "codeEpci": "code_epci",
    "codeDepartement": "code_departement",
    "codeRegion": "code_region",
}
SWAPPED = {"type": "Polygon", "coordinates": [[[47, 5], [47, 6], [48, 6], [47, 5]]]}


@pytest.fixture
def door(tmp_path):
    def opened(server):
        return Door(tmp_path / "cache", bases={"geo_api": server.url}, pace=Pace(attempts=1, progress=False))

    return opened


@pytest.fixture(scope="module")
def dole():
    return load_territory(DOLE)


def geometry(shape):
    """GeoJSON with the six decimals of the service."""
    return json.loads(shapely.to_geojson(shapely.set_precision(shape, 1e-6)))


def answer(communes, **changes):
    """Communes of a territory as the service gives them; `changes` by code, None to leave one out."""
    places = communes.to_crs(4326)
    halls = gpd.GeoSeries(communes["point"], crs=communes.crs).to_crs(4326)
    rows = []
    for code, row in places.iterrows():
        told = {name: row[column] for name, column in NAMES.items() if not pd.isna(row[column])}
        told |= {"code": code, "contour": geometry(row.geometry), "mairie": geometry(halls[code])}
        if not pd.isna(row["population"]):
            told["population"] = int(row["population"])
        change = changes.get(f"c{code}", {})
        if change is not None:
            rows.append(told | change)
    return rows


def epci(rows, code=DOLE):
    return {f"/epcis/{code}/communes": json_reply(rows)}


def same(left, right):
    assert (left.name, left.code, left.buffer_km, left.cog_year) == (right.name, right.code, right.buffer_km, 2026)
    pd.testing.assert_frame_equal(pd.DataFrame(left.communes), pd.DataFrame(right.communes))
    assert left.crs == right.crs


# ---------------------------------------------------------------- what the service answers


def test_communes_of_an_epci(door, dole):
    rows = answer(dole.communes.loc[dole.core])
    with serve(epci(rows)) as server:
        live = fetch_communes(door(server), DOLE)
        [request] = server.requests
    assert request.param("format") == "json"
    assert {"contour", "mairie", "codeEpci", "population"} <= set(request.param("fields").split(","))
    core = dole.communes.loc[dole.core]
    assert live.index.equals(dole.core)
    assert live.crs == dole.crs
    assert set(core.columns) - {"in_core"} == set(live.columns)
    pd.testing.assert_series_equal(live["population"], core["population"])
    assert (live["area_km2"] / core["area_km2"] - 1).abs().max() < 1e-3
    points = gpd.GeoSeries(live["point"], crs=live.crs)
    assert points.within(live.geometry).all()
    assert points.distance(gpd.GeoSeries(core["point"], crs=core.crs)).lt(1).mean() > 0.9


def test_the_sample_answers_are_read(door):
    if not SAMPLES.is_dir():
        pytest.skip(f"the samples of answers are not beside the repository: {SAMPLES}")
    collection = json.loads((SAMPLES / "geo_communes_geojson_contour.json").read_text())
    with serve({"/communes/39198": json_reply(collection)}) as server:
        live = fetch_communes(door(server), "39198")
    assert live.loc["39198", ["nom_commune", "population", "code_departement"]].tolist() == ["Dole", 23000, "39"]
    assert live["code_region"].isna().all()
    without = json.loads((SAMPLES / "geo_communes_default.json").read_text())
    with serve(epci(without)) as server, pytest.raises(SourceFormatError, match="contour of 39198"):
        fetch_communes(door(server), DOLE)


@pytest.mark.parametrize(
    ("asked", "path", "query"),
    [
        ("39", "/departements/39/communes", None),
        ("D39", "/departements/39/communes", None),
        ("R27", "/communes", ("codeRegion", "27")),
        ("39198", "/communes/39198", None),
    ],
)
def test_each_code_has_its_own_request(door, dole, asked, path, query):
    rows = answer(dole.communes.loc[["39198"]])
    with serve({path: json_reply(rows)}) as server:
        live = fetch_communes(door(server), asked)
        assert query is None or query in server.requests[0].params
    assert live.index.tolist() == ["39198"]


def test_a_list_asks_for_each_commune(door, dole):
    routes = {f"/communes/{row['code']}": json_reply(row) for row in answer(dole.communes.loc[["39198", "39150"]])}
    with serve(routes) as server:
        live = fetch_communes(door(server), ["39198", "39150", "39198"])
        assert len(server.requests) == 2
    assert live.index.tolist() == ["39150", "39198"]


def test_overseas_communes_have_their_own_crs(door):
    with serve({"/communes/97411": json_reply(answer(load_territory("97411", buffer_km=0).communes))}) as server:
        assert fetch_communes(door(server), "97411").crs.to_epsg() == 2975
    both = [load_territory(code, buffer_km=0).communes for code in ("97411", "39198")]
    routes = {f"/communes/{frame.index[0]}": json_reply(answer(frame)) for frame in both}
    with serve(routes) as server, pytest.raises(CrsError, match="several parts"):
        fetch_communes(door(server), ["97411", "39198"])


def test_an_island_has_no_epci_and_a_population_may_be_unknown(door, dole):
    rows = [answer(dole.communes.loc[["39198"]])[0]]
    del rows[0]["codeEpci"], rows[0]["population"]
    with serve({"/departements/39/communes": json_reply(rows)}) as server:
        live = fetch_communes(door(server), "39")
    assert live["code_epci"].isna().all()
    assert live["population"].isna().all()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"c39198": {"codeEpci": "240000000"}}, "of codeEpci 200010650 only"),
        ({"c39198": {"codeEpci": None}}, "of codeEpci 200010650 only"),
        ({"c39198": {"code": "39150"}}, "each commune once"),
        ({"c39198": {"code": "9198"}}, "a code and a name"),
        ({"c39198": {"nom": None}}, "a code and a name"),
        ({"c39198": {"population": "many"}}, "the population of 39198"),
        ({"c39198": {"population": -1}}, "the population of 39198"),
        ({"c39198": {"contour": None}}, "the contour of 39198"),
        ({"c39198": {"contour": {"type": "Point", "coordinates": [5.5, 47.0]}}}, "an area as the contour"),
        ({"c39198": {"contour": {"type": "Polygon"}}}, "the contour of 39198"),
        ({"c39198": {"contour": SWAPPED}}, "in France"),
    ],
)
def test_a_changed_answer_is_refused(door, dole, changes, why):
    rows = answer(dole.communes.loc[["39150", "39198"]], **changes)
    with serve(epci(rows)) as server, pytest.raises(SourceFormatError, match=why):
        fetch_communes(door(server), DOLE)


@pytest.mark.parametrize("body", [[], {}, {"type": "FeatureCollection", "features": []}, [1], "none", None])
def test_an_answer_without_communes_is_refused(door, body):
    with serve(epci(body)) as server, pytest.raises(SourceFormatError):
        fetch_communes(door(server), DOLE)


def test_a_refused_answer_is_not_kept(door, dole):
    ignored = answer(load_territory("39300", buffer_km=0).communes)  # another EPCI: the parameter was ignored
    rows = answer(dole.communes.loc[dole.core])
    with serve({f"/epcis/{DOLE}/communes": [json_reply(ignored), json_reply(rows)]}) as server:
        with pytest.raises(SourceFormatError, match="a parameter that is ignored"):
            fetch_communes(door(server), DOLE)
        assert len(fetch_communes(door(server), DOLE)) == 47


def test_text_errors_are_told(door):
    words = "This endpoint does not support an unfiltered API call with a geojson format output or a field with contour"
    with serve({"/communes": Reply(400, words)}) as server, pytest.raises(SourceUnavailableError, match="unfiltered"):
        fetch_communes(door(server), "R27")
    with serve({}) as server:
        with pytest.raises(UnknownTerritoryError, match="'200099999' today"):
            fetch_communes(door(server), "200099999")
        with pytest.raises(UnknownTerritoryError, match="'200099999' today"):
            fetch_epci_name(door(server), "200099999")


@pytest.mark.parametrize("code", ["", "Dole", "FR", "1234", "R", []])
def test_what_is_no_code_is_not_asked(tmp_path, code):
    with pytest.raises(UnknownTerritoryError):
        fetch_communes(Door(tmp_path), code)


def test_a_malformed_list_is_refused(tmp_path):
    with pytest.raises(TableError, match="leading zero"):
        fetch_communes(Door(tmp_path), ["1001"])


# ---------------------------------------------------------------- what it changes in a territory


def test_the_same_perimeter_is_the_same_territory(door, dole):
    with serve(epci(answer(dole.communes.loc[dole.core]))) as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        same(load_territory(DOLE, perimeter="live", door=door(server)), dole)
        same(load_territory("CA du Grand Dole", perimeter="live", door=door(server)), dole)


def test_the_same_communes_are_the_same_territory(door, dole):
    rows = answer(dole.communes.loc[["39198", "39150"]])
    codes = [row["code"] for row in rows]
    with serve({f"/communes/{row['code']}": json_reply(row) for row in rows}) as server:
        live = load_territory(codes, buffer_km=10, perimeter="live", door=door(server))
    same(live, load_territory(codes, buffer_km=10))


def neighbour(dole):
    """A commune that touches the core, the smallest."""
    around = dole.communes[~dole.communes["in_core"]]
    touching = around[around.touches(dole.communes.loc[dole.core].union_all())]
    return touching["area_km2"].idxmin()


def test_an_epci_that_gained_a_commune(door, dole):
    code = neighbour(dole)
    rows = answer(dole.communes.loc[[*dole.core, code]], **{f"c{code}": {"codeEpci": DOLE}})
    with serve(epci(rows)) as server, pytest.warns(StaleSourceWarning, match=rf"1 communes entered \('{code}'\)\."):
        live = load_territory(DOLE, perimeter="live", door=door(server))
    assert live.core.difference(dole.core).tolist() == [code]
    assert live.communes.loc[code, "code_epci"] == DOLE
    assert live.cog_year == 2026
    grown = load_territory([*dole.core, code], buffer_km=dole.buffer_km)
    assert live.communes.index.equals(grown.communes.index)
    assert live.communes.geometry.geom_equals(grown.communes.geometry).all()


def test_an_epci_that_lost_a_commune(door, dole):
    gone = dole.core[dole.core != "39198"][0]
    rows = answer(dole.communes.loc[dole.core], **{f"c{gone}": None})
    with serve(epci(rows)) as server, pytest.warns(StaleSourceWarning, match=rf"1 left \('{gone}'\)"):
        live = load_territory(DOLE, perimeter="live", door=door(server))
    assert not live.communes.loc[gone, "in_core"]
    assert pd.isna(live.communes.loc[gone, "code_epci"])  # in another one, that the answer does not tell
    assert len(live.core) == 46


def merged(communes, kept, gone, **told):
    """The row of a commune made of two."""
    row = answer(communes.loc[[kept]])[0]
    whole = communes.loc[[kept, gone]].to_crs(4326).union_all()
    people = int(communes.loc[[kept, gone], "population"].sum())
    return row | {"contour": geometry(whole), "population": people, "codeEpci": DOLE} | told


@pytest.mark.parametrize("known", [True, False])
def test_a_new_commune_that_absorbed_a_neighbour(door, dole, known):
    gone = neighbour(dole)
    own = dole.communes.touches(dole.communes.geometry[gone]) & dole.communes["in_core"]
    kept = dole.communes.index[own][0]
    row = merged(dole.communes, kept, gone, nom="Neuve", code=kept if known else "39999")
    rows = [*answer(dole.communes.loc[dole.core.drop(kept)]), row]
    with serve(epci(rows)) as server, pytest.warns(StaleSourceWarning, match="were absorbed") as told:
        live = load_territory(DOLE, perimeter="live", door=door(server))
    assert "the figures of a new commune are unknown" in str(told[0].message)
    new = row["code"]
    assert gone not in live.communes.index
    assert (kept in live.communes.index) == known
    assert live.communes.loc[new, "nom_commune"] == "Neuve"
    assert live.communes.loc[new, "population"] == row["population"]
    area = dole.communes.loc[[kept, gone], "area_km2"].sum()
    assert live.communes.loc[new, "area_km2"] == pytest.approx(area, rel=1e-3)
    assert live.points[new].within(live.communes.geometry[new])
    others = dole.core.drop(kept)
    assert live.communes.geometry[others].geom_equals(dole.communes.geometry[others]).all()
    assert live.communes.loc[others, "population"].equals(dole.communes.loc[others, "population"])
    overlap = live.communes.geometry.drop(new).intersection(live.communes.geometry[new]).area
    assert overlap.max() < 1e4  # a hectare: the polygons of the base and the six decimals of the service


def test_a_commune_re_established_inside_another(door, dole):
    code = "39198"
    whole = dole.communes.loc[[code]]
    west, south, east, north = whole.total_bounds
    half = shapely.box(west, south, (west + east) / 2, north)
    parts = gpd.GeoSeries([whole.geometry[code].intersection(half), whole.geometry[code].difference(half)], crs=2154)
    one, other = (geometry(shape) for shape in parts.to_crs(4326))
    told = answer(whole)[0]
    rows = answer(dole.communes.loc[dole.core], c39198={"contour": one})
    rows.append(told | {"code": "39998", "nom": "Rétablie", "contour": other, "mairie": None, "population": None})
    with serve(epci(rows)) as server, pytest.warns(StaleSourceWarning, match="'39198', '39998'"):
        live = load_territory(DOLE, perimeter="live", door=door(server))
    assert live.communes.loc["39998", "code_epci"] == DOLE
    assert pd.isna(live.communes.loc["39998", "population"])
    assert live.communes.loc[[code, "39998"], "area_km2"].sum() == pytest.approx(whole["area_km2"].iloc[0], rel=1e-3)
    assert live.points["39998"].within(live.communes.geometry["39998"])


@pytest.mark.parametrize(
    ("departement", "file"),
    [("2A", "communes-2A-corse-du-sud"), ("974", "communes-974-la-reunion"), ("79", "communes-79-deux-sevres")],
)
def test_another_generalisation_of_contours_is_no_change(published, departement, file):
    """Contours of 2018: in 2A and 974 nothing has changed since, in 79 38 communes have merged."""
    communes = load_territory(departement, buffer_km=0).communes
    contours = gpd.read_file(published / "contours_2018" / f"{file}.geojson").set_index("code").geometry
    contours = contours[contours.index.isin(communes.index)].to_crs(communes.crs)
    live = communes.loc[contours.index.sort_values()].set_geometry(contours)
    core, changes = bring_up_to_date(communes, live, communes.index)
    assert core.index.equals(communes.index)
    assert not len(changes.absorbed)
    merged_since = _base.communes().loc[changes.redrawn, "anciens_codes"].map(len) > 0
    assert merged_since.all()
    assert len(changes.redrawn) == {"2A": 0, "974": 0, "79": 16}[departement]


def test_an_epci_that_the_base_does_not_know(door, dole):
    code = "200099999"
    two = dole.communes.loc[["39198", "39150"]]
    rows = [row | {"codeEpci": code} for row in answer(two)]
    routes = epci(rows, code) | {f"/epcis/{code}": json_reply({"code": code, "nom": "CC du Futur"})}
    with serve(routes) as server, pytest.warns(StaleSourceWarning, match="2 communes entered"):
        live = load_territory(code, buffer_km=5, perimeter="live", door=door(server))
    assert (live.name, live.code, len(live.core)) == ("CC du Futur", code, 2)
    assert live.communes.loc[live.core, "code_epci"].eq(code).all()


def test_a_name_of_epci_that_is_not_one_is_refused(door):
    for body in ([], {"code": "200099999"}, {"code": "1", "nom": "x"}):
        with serve({"/epcis/200099999": json_reply(body)}) as server, pytest.raises(SourceFormatError):
            fetch_epci_name(door(server), "200099999")


def test_live_is_asked_for_by_name(tmp_path):
    with pytest.raises(ValueError, match="'now' is not one of embedded, live"):
        load_territory(DOLE, perimeter="now")
    with pytest.raises(ValueError, match="not all of France"):
        load_territory("FR", perimeter="live", door=Door(tmp_path))
    with pytest.raises(SourceUnavailableError, match="keep the embedded perimeter"):
        load_territory(DOLE, perimeter="live", door=Door(tmp_path, offline=True))
