"""Territories of France by code, name or list, with their buffer, in their metric CRS."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from territoire_geo import NEEDS, Territory, load_territory
from territoire_geo.errors import CrsError, TableError, UnknownTerritoryError
from territoire_geo.loaders import _base
from territoire_geo.loaders._territory import plain
from territoire_geo.territory import COLUMNS


@pytest.mark.parametrize(
    ("asked", "name", "code", "communes"),
    [
        ("200010650", "CA du Grand Dole", "200010650", 47),
        ("39198", "Dole", "39198", 1),
        (" 39198 ", "Dole", "39198", 1),
        ("39", "Jura", "D39", 492),
        ("D39", "Jura", "D39", 492),
        ("d39", "Jura", "D39", 492),
        ("01", "Ain", "D01", 391),
        ("2A", "Corse-du-Sud", "D2A", 124),
        ("2b", "Haute-Corse", "D2B", 236),
        ("2A004", "Ajaccio", "2A004", 1),
        ("974", "La Réunion", "D974", 24),
        ("R27", "Bourgogne-Franche-Comté", "R27", 3685),
        ("R94", "Corse", "R94", 360),
        ("22016", "Île-de-Bréhat", "22016", 1),
        # names: accents, case, apostrophes and prefixes forgiven
        ("CA du Grand Dole", "CA du Grand Dole", "200010650", 47),
        ("grand dole", "CA du Grand Dole", "200010650", 47),
        ("Métropole de Lyon", "Métropole de Lyon", "200046977", 58),
        ("Communauté de communes Jura Nord", "CC Jura Nord", "243900560", 32),
        ("jura", "Jura", "D39", 492),
        ("département du Jura", "Jura", "D39", 492),
        ("Côte d'Or", "Côte-d'Or", "D21", 698),
        ("COTE D’OR", "Côte-d'Or", "D21", 698),
        ("bourgogne franche comte", "Bourgogne-Franche-Comté", "R27", 3685),
        ("Saint Etienne", "Saint-Étienne Métropole", "244200770", 53),
        ("st-etienne métropole", "Saint-Étienne Métropole", "244200770", 53),
        ("Dole", "Dole", "39198", 1),
        ("l hay les roses", "L'Haÿ-les-Roses", "94038", 1),
        ("Pin", "Pin", "70410", 1),  # not one of the nine Le Pin
        ("Y", "Y", "80829", 1),
    ],
)
def test_a_territory_answers_to_its_code_and_names(asked, name, code, communes):
    territory = load_territory(asked, buffer_km=0)
    assert (territory.name, territory.code, len(territory.core)) == (name, code, communes)
    assert set(territory.communes.columns) == set(COLUMNS)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Saint-Denis", r"4 territories.*11339.*30247.*93066.*97411.*Give the code"),
        ("Le Pin", "9 territories are called"),
        ("Sainte-Colombe", "12 territories.*and 2 more"),
        ("Doel", r"No territory is called 'Doel'.*Dole \(39198\)"),
        ("Cambrésis", r"Le Cateau-Cambrésis \(59136\)"),
        ("CC de Dole", r"nearest names are CA du Grand Dole \(200010650\)"),  # an EPCI was asked for, not the commune
        ("CC du Jura", r"No territory is called .CC du Jura.*CC Jura Nord"),  # nor the département
        ("1001", "leading zero was probably lost, '01001' was meant"),
        ("39474", r"'39474' is a former commune.*it is now Val-Sonnette \(39576\)"),
        ("75101", r"it is now Paris \(75056\)"),
        ("39999", r"No commune has the code '39999'.*\(39"),
        ("99999", "No commune has the code '99999'"),
        ("200010651", r"No EPCI has the code.*CA du Grand Dole \(200010650\)"),
        ("D97", "No département has the code '97'"),
        ("R99", r"No region has the code '99'.*Corse \(R94\)"),
        ("123456", "EPCI have 9 digits"),
        ("", "The name is empty"),
        ("  ", "The name is empty"),
        ("La", r"No territory is called 'La'"),
        (39, "39 is not text. Write codes between quotes"),
        (None, "is not text"),
        (b"39", "is not text"),
        ([], "The list of communes is empty"),
        (["39198", "39999"], "'39999': no commune of COG 2026"),
    ],
)
def test_what_is_not_found_names_the_nearest(asked, said):
    with pytest.raises(UnknownTerritoryError, match=said):
        load_territory(asked)


def test_a_list_of_communes_is_a_territory():
    territory = load_territory(["39198", "39300", "39198", "39474"], name="Mes communes", buffer_km=0)
    assert territory.name == "Mes communes"
    assert territory.core.tolist() == ["39198", "39300", "39576"]  # a former code follows its commune
    assert load_territory(pd.Series(["39198"]), buffer_km=0).core.tolist() == ["39198"]
    assert load_territory([39198], buffer_km=0).core.tolist() == ["39198"]
    with pytest.raises(TableError, match="'01001' was meant"):
        load_territory([1001])


@pytest.mark.parametrize("asked", ["975", "97501", "98711", "977", ["97801"], "R987"])
def test_overseas_collectivities_have_no_polygon(asked):
    with pytest.raises(CrsError, match="overseas collectivities have no polygon"):
        load_territory(asked)


def test_a_core_lies_in_one_part_of_france():
    with pytest.raises(CrsError, match=r"2 parts of France.*\[2154, 2975\]"):
        load_territory(["39198", "97411"])


PARTS = {"39": 2154, "2A": 2154, "971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}


@pytest.mark.parametrize(("asked", "epsg"), PARTS.items())
def test_each_part_of_france_has_its_metric_crs(asked, epsg):
    territory = load_territory(asked)
    assert territory.crs.to_epsg() == epsg
    assert territory.points.crs.to_epsg() == epsg
    communes = territory.communes
    assert not (communes.geometry.isna() | communes.geometry.is_empty).any()
    assert communes.area.to_numpy() / 1e6 == pytest.approx(communes["area_km2"].to_numpy(), abs=1e-4)


def test_mainland_france_is_its_34746_communes():
    france = load_territory("FR")
    assert len(france.core) == len(france.communes) == 34_746
    assert france.code == "FR"
    assert load_territory("France métropolitaine").name == "France métropolitaine"


# The buffer


def test_the_default_buffer_is_twice_the_largest_reach(demo):
    territory, _ = demo
    assert territory.buffer_km == pytest.approx(2 * 30 * 50 / 60 / 1.3)
    by_car = [need for need in NEEDS if need.mode == "car"]
    shorter = [need.within(20) for need in by_car]
    assert load_territory("39198", needs=shorter).buffer_km == pytest.approx(2 * 20 * 50 / 60 / 1.3)
    # Structures serve within 30 minutes, and mobility compares with the jobs of 20 minutes by car.
    shortest = [need.within(12) for need in by_car]
    assert load_territory("39198", needs=shortest).buffer_km == pytest.approx(30 * 50 / 60 / 1.3)


def test_the_buffer_is_every_commune_whose_point_is_near_a_point_of_the_core(demo):
    territory, _ = demo
    base = _base.communes().query("epsg == 2154")
    points = base[["x", "y"]].to_numpy(dtype="float64")
    core = points[base.index.isin(territory.core)]
    nearest = np.sqrt(((points[:, None, :] - core[None]) ** 2).sum(axis=2)).min(axis=1)
    expected = base.index[nearest <= territory.buffer_km * 1000]
    assert territory.communes.index.tolist() == expected.tolist()
    assert territory.communes.index.is_monotonic_increasing


def test_no_buffer_is_the_core_and_a_wrong_one_is_an_error():
    assert len(load_territory("39198", buffer_km=0).communes) == 1
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="is not a distance"):
            load_territory("39198", buffer_km=wrong)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CA du Grand Dole", "grand dole"),
        ("Métropole d'Aix-Marseille-Provence", "aix marseille provence"),
        ("ST  Étienne", "saint etienne"),
        ("L’Isle-Adam", "isle adam"),
        ("Œuilly", "oeuilly"),
        ("La", "la"),
        ("", ""),
    ],
)
def test_names_are_compared_plain(name, words):
    assert plain(name) == words


# The record


@pytest.fixture
def squares():
    codes = pd.Index(["39002", "39001"])
    boxes = [shapely.box(1000, 0, 2000, 1000), shapely.box(0, 0, 1000, 1000)]
    frame = gpd.GeoDataFrame(index=codes, geometry=boxes, crs=2154)
    frame["point"] = frame.geometry.centroid
    texts = {"nom_commune": "x", "code_epci": "200010650", "code_departement": "39", "code_region": "27"}
    return frame.assign(**texts, population=1.0, in_core=[True, False], area_km2=1.0)


def test_a_territory_sorts_its_communes_and_leaves_the_frame_alone(squares):
    territory = Territory("T", squares)
    assert territory.communes.index.tolist() == ["39001", "39002"]
    assert territory.communes.index.name == "code_commune"
    assert territory.core.tolist() == ["39002"]
    assert squares.index.tolist() == ["39002", "39001"]
    assert territory.points.loc["39001"].x == 500


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda f: f.drop(columns="population"), TableError, "'population' is missing"),
        (lambda f: f.to_crs(4326), CrsError, "EPSG:4326 is not metric. Use EPSG:2154"),
        (lambda f: f.set_crs(None, allow_override=True), CrsError, "no CRS is not metric"),
        (lambda f: f.assign(in_core=False), TableError, "no commune is in the core"),
        (lambda f: f.set_axis(["39001", "39001"]), TableError, "'39001' stands on several rows"),
        (lambda f: f.set_axis(["39001", "1001"]), TableError, "'01001' was meant"),
        (lambda f: f.assign(point=gpd.GeoSeries(f["point"]).to_crs(5490)), CrsError, "Use one CRS"),
    ],
)
def test_a_territory_checks_its_communes(squares, change, error, said):
    with pytest.raises(error, match=said):
        Territory("T", change(squares))


def test_points_are_located_in_any_crs(squares):
    territory = Territory("T", squares)
    points = gpd.GeoSeries([shapely.Point(1500, 500), shapely.Point(9e5, 9e5), None], index=["a", "b", "c"], crs=2154)
    found = territory.locate(points)
    assert found["a"] == "39002"
    assert found[["b", "c"]].isna().all()
    assert territory.locate(points.to_crs(4326)).equals(found)
    with pytest.raises(CrsError, match="the points have no CRS"):
        territory.locate(points.set_crs(None, allow_override=True))
