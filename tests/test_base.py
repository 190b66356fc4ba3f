"""The committed base against published figures, and the script that builds it against worked examples."""

import importlib
import re
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
EPSG = (2154, 2972, 2975, 4471, 5490)
AGES = ["pop_0_19", "pop_20_64", "pop_65_plus"]
SPLIT = {"15141", "60054", "85084"}  # communes that lost restored ones since the census by IRIS


@pytest.fixture(scope="module")
def table():
    return pd.read_parquet(DATA / "communes.parquet").set_index("code_commune")


@pytest.fixture(scope="module")
def contours():
    return {epsg: gpd.read_parquet(DATA / f"contours-{epsg}.parquet") for epsg in EPSG}


@pytest.fixture(scope="module")
def scripts():
    """Import the script's modules, which are not part of the package."""
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        yield importlib.import_module("build_base"), importlib.import_module("base_geometry")
    finally:
        sys.path.remove(str(ROOT / "scripts"))


# The table


def test_every_current_commune_once_and_sorted(table):
    assert len(table) == 34_969
    assert table.index.is_unique
    assert table.index.is_monotonic_increasing
    assert table.index.str.fullmatch(r"(\d{2}|2[AB])\d{3}").all()
    assert table["nom_commune"].notna().all()


def test_codes_and_names_of_territories(table):
    assert table["code_departement"].nunique() == 109
    assert table["code_epci"].nunique() == 1_255
    assert table["code_epci"].dropna().str.fullmatch(r"\d{9}").all()
    assert table.loc["39198", "nom_departement"] == "Jura"
    assert table.loc["39198", "nom_region"] == "Bourgogne-Franche-Comté"
    assert table.groupby("code_epci")["nom_epci"].nunique().eq(1).all()
    assert set(table["nature_epci"].dropna()) == {"CA", "CC", "CU", "METRO", "MET69"}


def test_four_islands_have_no_epci(table):
    alone = table[table["code_epci"].isna() & table["epsg"].notna()]
    assert alone.index.tolist() == ["22016", "29083", "29155", "85113"]


def test_grand_dole_has_47_communes(table):
    dole = table[table["code_epci"] == "200010650"]
    assert len(dole) == 47
    assert set(dole["nom_epci"]) == {"CA du Grand Dole"}
    assert set(dole["code_departement"]) == {"39"}


def test_former_codes_lead_to_one_current_commune(table):
    former = table["anciens_codes"].explode().dropna()
    assert len(former) == 4_240
    assert former.is_unique
    assert not former.isin(table.index).any()
    assert former.map(lambda code: re.fullmatch(r"(\d{2}|2[AB])\d{3}", code) is not None).all()
    assert "93059" in table.loc["93066", "anciens_codes"]  # Pierrefitte-sur-Seine, in Saint-Denis


def test_restored_communes_name_the_commune_they_left(table):
    assert table["retabli_de"].dropna().to_dict() == {
        "15031": "15141",
        "15035": "15141",
        "15047": "15141",
        "15171": "15141",
        "60694": "60054",
        "85165": "85084",
        "85212": "85084",
    }


# Figures published elsewhere


@pytest.mark.parametrize(
    ("column", "code", "ages"),
    [
        ("code_departement", "39", [57_636, 138_075, 62_853]),
        ("code_departement", "21", [121_039, 298_606, 115_877]),
        ("code_departement", "25", [135_105, 302_308, 109_682]),
        ("code_departement", "70", [52_755, 126_066, 55_480]),
        ("code_departement", "71", [116_752, 286_515, 146_048]),
        ("code_departement", "52", [35_666, 91_662, 43_729]),
        ("code_region", "27", [630_373, 1_507_298, 662_581]),
        ("code_epci", "200010650", [12_625, 28_868, 13_226]),
    ],
)
def test_ages_add_up_to_the_references(table, column, code, ages):
    chosen = table.loc[table[column] == code, AGES]
    assert chosen.sum().tolist() == ages


def test_ages_of_the_jura_are_its_population_of_2021(table):
    total = table.loc[table["code_departement"] == "39", AGES].sum().sum()
    assert total == pytest.approx(258_554, abs=20)  # the source rounds each IRIS


def test_france_misses_the_split_communes_only(table):
    published = np.array([16_013_133, 37_571_118, 13_823_803])
    split = np.array([241 + 200 + 2_632, 827 + 518 + 5_365, 585 + 159 + 1_402])
    assert table[AGES].sum().tolist() == (published - split).tolist()


def test_paris_lyon_marseille_are_counted_once(table):
    for code, people in {"75056": 2_103_778, "69123": 519_127}.items():
        assert table.loc[code, "population"] == people
        assert table.loc[code, AGES].sum() == pytest.approx(people, rel=0.03)
    assert not table.index.str.match(r"751|6938|132(0\d|1[0-6])").any()


def test_unknown_ages_are_named_and_stay_unknown(table):
    known = table[[*AGES, "residences_principales"]].notna()
    assert known.nunique(axis=1).eq(1).all()
    unknown = table.index[~known["pop_0_19"] & table["epsg"].notna()]
    restored = set(table.index[table["retabli_de"].notna()])
    assert set(unknown) == restored | SPLIT | set(table.index[table["code_departement"] == "976"])


def test_six_places_have_no_population_and_six_villages_nobody(table):
    assert table.index[table["population"].isna()].tolist() == [f"9841{n}" for n in range(1, 6)] + ["98901"]
    assert table.index[table["population"] == 0].tolist() == [f"55{n:03}" for n in (39, 50, 139, 189, 239, 307)]


# The polygons


def test_94_communes_of_the_overseas_collectivities_have_no_polygon(table):
    without = table[table["epsg"].isna()]
    assert len(without) == 94
    assert without["code_departement"].str.match(r"975|977|978|98\d").all()
    assert without[["x", "y", "point_source", "area_km2"]].isna().all(axis=None)


def test_contours_and_table_have_the_same_communes(table, contours):
    assert {int(epsg) for epsg in table["epsg"].dropna().unique()} == set(EPSG)
    for epsg, frame in contours.items():
        assert frame.crs.to_epsg() == epsg
        assert frame["code_commune"].tolist() == table.index[table["epsg"] == epsg].tolist()


@pytest.mark.parametrize("epsg", EPSG)
def test_contours_are_a_valid_coverage_on_whole_metres(contours, epsg):
    shapes = contours[epsg].geometry.to_numpy()
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    assert not (shapely.get_coordinates(shapes) % 1).any()


@pytest.mark.parametrize("epsg", EPSG)
def test_llivia_is_the_only_hole(contours, epsg):
    parts = shapely.get_parts(shapely.coverage_union_all(contours[epsg].geometry.to_numpy()))
    holes = [ring for part in parts for ring in part.interiors]
    if epsg != 2154:
        assert not holes
        return
    (hole,) = gpd.GeoSeries([shapely.Polygon(ring) for ring in holes], crs=epsg)
    centre = gpd.GeoSeries([hole.centroid], crs=epsg).to_crs(4326).iloc[0]
    assert (centre.x, centre.y) == pytest.approx((1.98, 42.46), abs=0.02)
    assert hole.area / 1e6 == pytest.approx(12.98, abs=0.01)


def test_points_lie_in_their_commune(table, contours):
    for epsg, frame in contours.items():
        mine = table[table["epsg"] == epsg]
        assert shapely.covers(frame.geometry.to_numpy(), shapely.points(mine["x"], mine["y"])).all()
    assert table["point_source"].value_counts().to_dict() == {"mairie": 33_113, "surface": 1_762}


def test_areas_are_those_of_the_polygons(table, contours):
    for frame in contours.values():
        drawn = frame.area.to_numpy() / 1e6
        assert table.loc[frame["code_commune"], "area_km2"].to_numpy() == pytest.approx(drawn, abs=1e-4)
    assert table.loc[table["epsg"] == 2154, "area_km2"].sum() == pytest.approx(548_861.5, abs=0.5)


def test_absorbed_communes_are_inside_their_successor(table, contours):
    saint_denis = contours[2154].set_index("code_commune").geometry["93066"]
    pierrefitte = gpd.GeoSeries(gpd.points_from_xy([2.3610], [48.9656]), crs=4326).to_crs(2154)
    assert pierrefitte.within(saint_denis).all()
    assert table.loc["93066", "area_km2"] == pytest.approx(15.88, abs=0.01)


def test_restored_communes_are_carved_out(table):
    assert table.loc["15141", "area_km2"] == pytest.approx(14.1, abs=0.1)
    assert table.loc[["15031", "15035", "15047", "15171"], "area_km2"].sum() == pytest.approx(78.1, abs=0.5)


def test_the_base_stays_light():
    assert sum(path.stat().st_size for path in DATA.glob("*.parquet")) < 9_000_000


# The script


def test_a_changed_package_is_refused(scripts, tmp_path):
    build_base, _ = scripts
    (tmp_path / build_base.ETALAB).write_bytes(b"another archive")
    with pytest.raises(build_base.BuildError, match=r"etalab.*sha256 is [0-9a-f]{64}, not c189"):
        build_base.obtain_packages(tmp_path)


def test_counts_are_summed_and_split_ones_stay_unknown(scripts):
    build_base, _ = scripts
    counts = pd.DataFrame({"people": [1.0, 2.0, 4.0, 8.0]}, index=["01001", "01002", "01003", "01009"])
    successors = pd.Series({"01002": "01001"})
    restored = pd.Series({"01004": "01003", "01010": "01009"})
    counts.loc["01010"] = 16.0  # published apart: nothing is unknown
    result = build_base.harmonise_counts(counts, successors, restored)
    assert result["people"].to_dict() == {"01001": 3.0, "01009": 8.0, "01010": 16.0}


def test_town_halls_outside_are_replaced(scripts):
    _, base_geometry = scripts
    codes = ["01001", "01002", "01003", "01004", "01005"]
    squares = gpd.GeoSeries(shapely.box(0, 0, 1_000, [1_000] * 5), index=codes, crs=2154)
    first = gpd.GeoSeries(shapely.points([500, 5_000, 5_000, 1_030], [400, 0, 0, 500]), codes[:4], crs=2154)
    second = gpd.GeoSeries(shapely.points([1, 200], [1, 300]), codes[:2], crs=2154)
    points = base_geometry.place_points(squares, first, second)
    assert points["point_source"].tolist() == ["mairie", "mairie", "surface", "mairie", "surface"]
    assert points[["x", "y"]].to_numpy()[[0, 1, 3]].tolist() == [[500, 400], [200, 300], [998, 500]]


@pytest.mark.skipif(not hasattr(shapely, "coverage_clean"), reason="the build needs shapely 2.2")
def test_slivers_go_to_the_repaired_commune(scripts):
    _, base_geometry = scripts
    ring = shapely.box(0, 0, 1_000.4, 1_000).difference(shapely.box(400, 400, 600, 600))
    inner = shapely.box(400, 400, 600, 580)
    polygons = gpd.GeoSeries({"01001": ring, "01002": inner}, crs=2154)
    cleaned, filled = base_geometry.clean_coverage(polygons, {"01002"})
    assert shapely.area(filled).tolist() == [200 * 20]
    assert cleaned["01002"].equals(shapely.box(400, 400, 600, 600))
    assert shapely.coverage_is_valid(cleaned.to_numpy())
