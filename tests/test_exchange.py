"""What is written can be read back: types, codes, unknowns, and nothing dangerous or half-written."""

import json
import sqlite3
from contextlib import closing
from types import MappingProxyType

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from territoire_geo.access import binary
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import ApproximateTravelWarning, TerritoireGeoError
from territoire_geo.exchange import _geopackage, write_geopackage, write_sources, write_tables
from territoire_geo.inventory import Inventory
from territoire_geo.measures import Access, Measure, Need, Note, Polarity, Target
from territoire_geo.neighbours import from_lists
from territoire_geo.priorities import prioritise
from territoire_geo.proposals import Proposal
from territoire_geo.standings import COLUMNS
from territoire_geo.tables import Source
from territoire_geo.territory import Territory

CODES = ["01001", "01002", "2A004", "39198"]  # the last one is the buffer
CORE = CODES[:3]
HOSTILE = ['=cmd|"/c calc"!A0', "+33 3 84", "-lès-Dole", "@SUM(1)", "\t=1+1", " =1", "＝1", "a;b\n“é”", "Ménil"]
SOURCE = Source("rp2021", "Recensement", "Insee", millesime="2021", cog_year=2024, sha256="ab" * 32)
TABLES = (
    "synthese", "couverture", "mesures", "structures", "portee", "inconnus", "definitions", "priorites", "propositions",
    "comparaison", "indicateurs", "sources", "dictionnaire",
)  # fmt: skip


def measure(name, **options):
    def count(inputs):
        return inputs.column(f"population.{name}")

    return Measure(
        name,
        options.get("label", f"libellé {name}"),
        f"label {name}",
        "personnes",
        Polarity.MORE_NEED,
        (f"population.{name}",),
        "compte",
        count,
    )


def need(name):
    def access(_inputs, _need, _decay):
        return Access(pd.DataFrame())

    def target(_inputs, _need):
        return Target(pd.Series(dtype="float64"), "norme", "norm")

    return Need(
        id=name,
        label=f"Besoin {name}",
        label_en=name,
        demand=measure("demand"),
        access=access,
        target=target,
        reach=15.0,
        shape=binary,
        others=(),
        access_unit="places par enfant",
        gap_unit="places",
        access_unit_en="places per child",
        gap_unit_en="places",
    )


def coverage():
    rows = pd.MultiIndex.from_product([CORE, ["childcare", "ageing"]], names=["code_commune", "need"])
    nan = np.nan
    frame = pd.DataFrame(
        {
            "demand": [40.0, 10.0, 0.0, 20.0, nan, 30.0],
            "access": [0.5, 0.1, 0.5, 0.2, nan, 0.0],
            "target": 0.6,
            "unmet_people": [6.6666666666, 3.2, 0.0, 0.0, nan, 30.0],
            "unmet_units": [4.0, 1.0, 0.0, 0.0, nan, 18.0],
        },
        index=rows,
    )
    served = frame["demand"] - frame["unmet_people"]
    return frame.assign(
        served=served,
        saturated=frame["unmet_people"].where(frame["access"].ne(0), 0.0),
        out_of_reach=frame["unmet_people"].where(frame["access"].eq(0), 0.0),
        reachable=frame["access"].gt(0),
        known_share=[1.0, 1.0, 1.0, 0.8, 0.0, 1.0],
        low=frame["unmet_people"],
        high=frame["unmet_people"] * 1.1,
    )


def territory():
    boxes = [shapely.box(900_000 + 2_000 * i, 6_600_000, 902_000 + 2_000 * i, 6_602_000) for i in range(len(CODES))]
    communes = gpd.GeoDataFrame(
        {
            "nom_commune": ["=L'Abergement", "Ménil", "Afa", "Dole"],
            "code_epci": ["200010650", "200010650", None, "200010650"],
            "code_departement": ["01", "01", "2A", "39"],
            "code_region": ["84", "84", "94", "27"],
            "population": [800.0, 250.0, np.nan, 23_708.0],
            "in_core": [True, True, True, False],
            "area_km2": 4.0,
        },
        geometry=boxes,
        index=pd.Index(CODES, name="code_commune"),
        crs=2154,
    )
    return Territory("Grand « Test »", communes.assign(point=communes.centroid), code="200010650", buffer_km=12.5)


def structures():
    count = len(HOSTILE)
    points = [shapely.Point(900_500 + 100 * i, 6_600_500) for i in range(count - 1)]
    return gpd.GeoDataFrame(
        {
            "name": HOSTILE,
            "naf": pd.Series(["8891A", *[None] * (count - 1)], dtype="str").to_numpy(),
            "is_siae": [True] * (count - 1) + [False],
            "postes": [-1.5, 12.0, *[np.nan] * (count - 2)],
            "childcare": "likely",
            "FID": "5",
            "=titre": "x",
            "people_childcare": 12.0,
        },
        geometry=[*points, None],
        index=pd.MultiIndex.from_tuples([(f"{i:014d}", "ACI") for i in range(count)], names=["siret", "kind"]),
        crs=2154,
    )


def standings():
    rows = {
        ("births", "france"): ["France", True, 10.0, 12.0, -2.0, -3.0, -1.0, 0.8, "below", 1.0, 1.0],
        ("births", "epci"): ["=EPCI", True, 10.0, np.nan, np.nan, np.nan, np.nan, np.nan, "unknown", 1.0, 0.0],
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["measure", "perimeter"])
    return pd.DataFrame(list(rows.values()), index=index, columns=list(COLUMNS))


def proposal():
    people = {"unmet_people": 12.0, "names": ["=L'Abergement"]}
    return Proposal(
        "childcare", "ask", ("01001", "01002"), 12.0, 6.0, 18.0, (("00000000000000", "ACI"),),
        "=Petite enfance : 12 enfants.", "Childcare: 12 children.", MappingProxyType(people),
    )  # fmt: skip


@pytest.fixture
def diagnostic():
    cover = coverage()
    scenarios = pd.DataFrame(
        {"unmet_people": [6.0, 8.0, 30.0, 40.0], "unmet_units": [3.0, 5.0, 17.0, 20.0]},
        index=pd.MultiIndex.from_product([["childcare", "ageing"], ["low", "high"]], names=["need", "scenario"]),
    )
    targets = pd.DataFrame({"label": "norme", "label_en": "norm", "value": 0.6}, index=["childcare", "ageing"])
    absences = pd.Series(
        ["naissances : non publié ; annees : secret", "offre : non publié"],
        index=pd.MultiIndex.from_tuples([("01002", "births"), ("2A004", "childcare")], names=["code_commune", "item"]),
    )
    measures = pd.DataFrame(
        {"population": [800.0, 250.0, np.nan], "births": [12.5, np.nan, 0.0]},
        index=pd.Index(CORE, name="code_commune"),
    )
    fields = {
        "territory": territory(),
        "needs": (need("childcare"), need("ageing")),
        "definitions": {name: measure(name) for name in measures.columns},
        "measures": measures,
        "context": measures.iloc[:0],
        "coverage": cover,
        "absences": absences,
        "structures": structures(),
        "reach": pd.DataFrame({"ACI": 1, "siae": 1, "answering": 1, "nearest_minutes": np.nan}, index=cover.index),
        "trips": pd.Series(dtype="float64"),
        "facilities": gpd.GeoDataFrame(geometry=[], crs=2154),
        "inventory": Inventory(*[pd.DataFrame() for _ in range(6)]),
        "commuting": None,
        "scenarios": scenarios,
        "targets": targets,
        "sensitivity": pd.DataFrame({"worst": False, "kept": 0.0}, index=cover.index),
        "inequality": pd.DataFrame({"gini": [0.2, np.nan]}, index=["childcare", "ageing"]),
        "conservation": pd.DataFrame({"supply": [10.0, np.nan]}, index=["childcare", "ageing"]),
        "indicators": pd.DataFrame({"state": ["", ""]}, index=["population", "births"]),
        "totals": pd.Series({"births": np.nan}),
        "references": pd.Series({"population": 260_000.0}),
        "standings": standings(),
        "contributions": pd.DataFrame(),
        "ranking": prioritise(
            cover, {"ensemble": {"childcare": 1.0, "ageing": 1.0}}, from_lists(dict.fromkeys(CORE, ()))
        ),
        "proposals": [proposal()],
        "sources": (SOURCE,),
        "table_sources": {"population": (SOURCE,)},
        "warnings": (Note(ApproximateTravelWarning, "À vol d'oiseau.", "As the crow flies."),),
        "settings": MappingProxyType({"speed_kmh": 50, "reference": "departement", "needs": ("childcare", "ageing")}),
    }
    return Diagnostic(**fields)


def replaced(diagnostic, **changes):
    fields = {name: getattr(diagnostic, name) for name in Diagnostic.__dataclass_fields__}
    return Diagnostic(**(fields | changes))


def read_csv(path, decimal=","):
    return pd.read_csv(path, sep=";", decimal=decimal, encoding="utf-8-sig", dtype={"code_commune": str})


def test_geopackage_round_trip_of_communes(diagnostic, tmp_path):
    path = write_geopackage(diagnostic, tmp_path / "dole.gpkg")
    read = gpd.read_file(path, layer="communes")
    assert read.crs == diagnostic.territory.crs
    assert read["code_commune"].tolist() == CODES
    assert read["code_epci"].isna().tolist() == [False, False, True, False]
    assert read["in_core"].dtype == bool
    assert read["in_core"].tolist() == [True, True, True, False]
    assert read.geometry.geom_equals(diagnostic.territory.communes.geometry.reset_index(drop=True)).all()
    points = gpd.GeoSeries(gpd.points_from_xy(read["point_x"], read["point_y"]))
    assert points.tolist() == diagnostic.territory.points.tolist()
    np.testing.assert_array_equal(read["births"], [12.5, np.nan, 0.0, np.nan])
    np.testing.assert_array_equal(read["childcare_unmet_people"], [6.6666666666, 0, np.nan, np.nan])
    np.testing.assert_allclose(read["ageing_unmet_share"], [0.32, 0, 1, np.nan])


def test_geopackage_measure_of_a_taken_name_is_kept_apart(diagnostic, tmp_path):
    read = gpd.read_file(write_geopackage(diagnostic, tmp_path / "a.gpkg"), layer="communes")
    np.testing.assert_array_equal(read["population"], [800, 250, np.nan, 23_708])
    np.testing.assert_array_equal(read["measure_population"], [800, 250, np.nan, np.nan])


def test_geopackage_round_trip_of_structures(diagnostic, tmp_path):
    read = gpd.read_file(write_geopackage(diagnostic, tmp_path / "dole.gpkg"), layer="structures")
    assert read["siret"].tolist() == [f"{i:014d}" for i in range(len(HOSTILE))]
    assert read["name"].tolist() == HOSTILE
    assert read["naf"].isna().sum() == len(HOSTILE) - 1
    assert read.geometry.isna().tolist() == [False] * (len(HOSTILE) - 1) + [True]
    assert read["FID_2"].tolist() == ["5"] * len(HOSTILE)
    assert read["is_siae"].dtype == bool


def test_geopackage_long_table_says_the_state(diagnostic, tmp_path):
    path = write_geopackage(diagnostic, tmp_path / "dole.gpkg")
    read = pyogrio.read_dataframe(path, layer="indicateurs_long", read_geometry=False)
    assert list(read.columns) == ["code_commune", "item", "value", "unit", "state", "label"]
    assert not read.duplicated(["code_commune", "item"]).any()
    states = read.set_index(["code_commune", "item"])["state"]
    assert states["01001", "births"] == "connu"
    assert states["2A004", "births"] == "connu"  # zero is a figure
    assert states["01002", "births"] == "secret"
    assert states["2A004", "population"] == "inconnu"
    assert states["2A004", "childcare_unmet_people"] == "non publié"
    assert states["01002", "childcare_unmet_share"] == "sans objet"
    assert states["2A004", "childcare_target"] == "connu"
    assert (read["value"].isna() == read["state"].ne("connu")).all()
    row = read.set_index(["code_commune", "item"]).loc[("01001", "childcare_unmet_units")]
    assert (row["value"], row["unit"], row["label"]) == (4.0, "places", "Besoin childcare : écart")


def test_geopackage_meta_is_json(diagnostic, tmp_path):
    path = write_geopackage(diagnostic, tmp_path / "dole.gpkg")
    read = pyogrio.read_dataframe(path, layer="meta", read_geometry=False).set_index("key")["value"].map(json.loads)
    assert read["name"] == "Grand « Test »"
    assert read["cog_year"] == 2026
    assert read["settings"] == {"speed_kmh": 50, "reference": "departement", "needs": ["childcare", "ageing"]}
    assert read["sources"][0]["sha256"] == "ab" * 32
    assert read["warnings"] == [
        {"category": "ApproximateTravelWarning", "fr": "À vol d'oiseau.", "en": "As the crow flies."}
    ]


def test_geopackage_follows_the_standard(diagnostic, tmp_path):
    path = write_geopackage(diagnostic, tmp_path / "dole.gpkg")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"GPKG")
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        kinds = dict(database.execute("SELECT table_name, data_type FROM gpkg_contents"))
        shapes = dict(database.execute("SELECT table_name, geometry_type_name FROM gpkg_geometry_columns"))
        types = {name: kind for _, name, kind, *_ in database.execute("PRAGMA table_info(communes)")}
        text = database.execute("SELECT typeof(code_commune), typeof(births) FROM communes WHERE births IS NULL")
        assert text.fetchall() == [("text", "null"), ("text", "null")]
    plain = ("indicateurs_long", "seance", "meta", "layer_styles")
    assert kinds == dict.fromkeys(("communes", "structures", "notes"), "features") | dict.fromkeys(plain, "attributes")
    assert shapes == {"communes": "MULTIPOLYGON", "structures": "POINT", "notes": "POINT"}
    assert types["code_commune"] == "TEXT"
    assert types["births"] == "REAL"


def test_same_diagnostic_same_bytes(diagnostic, tmp_path):
    for folder in ("a", "b"):
        write_geopackage(diagnostic, tmp_path / folder / "x.gpkg")
        write_tables(diagnostic, tmp_path / folder)
        write_sources(diagnostic, tmp_path / folder / "sources.json")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == sorted([*(f"{name}.csv" for name in TABLES), "x.gpkg", "sources.json"])
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_geopackage_replaces_a_former_file(diagnostic, tmp_path):
    path = tmp_path / "dole.sqlite"  # whatever its suffix
    path.write_text("former")
    write_geopackage(diagnostic, path)
    with closing(sqlite3.connect(path)) as database:
        layers = {name for (name,) in database.execute("SELECT table_name FROM gpkg_contents")}
    assert layers == {"communes", "structures", "notes", "indicateurs_long", "seance", "meta", "layer_styles"}
    assert [file.name for file in tmp_path.iterdir()] == ["dole.sqlite"]


def test_writes_without_structure(diagnostic, tmp_path):
    bare = replaced(diagnostic, structures=structures().iloc[:0], absences=diagnostic.absences.iloc[:0])
    path = write_geopackage(bare, tmp_path / "x.gpkg")
    assert len(gpd.read_file(path, layer="structures")) == 0
    write_tables(bare, tmp_path)
    assert read_csv(tmp_path / "structures.csv").empty
    assert read_csv(tmp_path / "inconnus.csv").empty


def test_tables_for_a_french_spreadsheet(diagnostic, tmp_path):
    paths = write_tables(diagnostic, tmp_path / "tableaux")
    assert [path.stem for path in paths] == list(TABLES)
    raw = {path.stem: path.read_bytes() for path in paths}
    assert all(content.startswith(b"\xef\xbb\xbf") for content in raw.values())
    first = raw["couverture"].decode("utf-8-sig").split("\r\n")[:2]
    assert first[0].startswith("code_commune;nom_commune;need;demand;")
    assert first[1].startswith("01001;'=L'Abergement;childcare;40;0,5;0,6;6,666666667;4;33,33333333;")
    assert ";oui;" in first[1]
    summary = read_csv(tmp_path / "tableaux" / "synthese.csv")
    assert summary["need"].tolist() == ["childcare", "ageing"]
    assert summary["unmet_people"].tolist() == pytest.approx([6.666666667, 33.2])
    cover = read_csv(tmp_path / "tableaux" / "couverture.csv").set_index(["code_commune", "need"])
    assert cover["a_afficher"].tolist() == ["7", "<5", "0", "0", "inconnu", "30"]
    assert cover.loc[("2A004", "childcare"), "etat"] == "non publié"
    assert np.isnan(cover.loc[("2A004", "childcare"), "unmet_people"])
    measures = read_csv(tmp_path / "tableaux" / "mesures.csv")
    assert measures["etat"].tolist() == ["connu", "births : secret", "population : inconnu"]
    assert measures["births"].isna().tolist() == [False, True, False]
    absences = read_csv(tmp_path / "tableaux" / "inconnus.csv")
    assert absences["label"].tolist() == ["libellé births", "Besoin childcare"]
    assert absences["etat"].tolist() == ["secret", "non publié"]
    assert absences["raison"][0] == "naissances : non publié ; annees : secret"
    assert absences["in_core"].tolist() == ["oui", "oui"]
    definitions = read_csv(tmp_path / "tableaux" / "definitions.csv").set_index("id")
    assert definitions["reference"]["population"] == 260_000
    assert definitions["sens"].tolist() == ["plus de besoin"] * 2
    assert definitions["territoire"].isna().all()
    assert definitions["sources"].tolist() == ["Insee, Recensement, 2021"] * 2


def test_decimal_point_on_demand(diagnostic, tmp_path):
    write_tables(diagnostic, tmp_path, decimal=".")
    assert read_csv(tmp_path / "mesures.csv", ".")["births"][0] == 12.5
    assert b"12.5" in (tmp_path / "mesures.csv").read_bytes()
    with pytest.raises(ValueError, match="';' is not a decimal mark"):
        write_tables(diagnostic, tmp_path, decimal=";")


def test_text_that_a_spreadsheet_would_run_is_neutralised(diagnostic, tmp_path):
    write_tables(diagnostic, tmp_path)
    read = read_csv(tmp_path / "structures.csv")
    assert read["name"].tolist() == ["'" + name for name in HOSTILE[:7]] + HOSTILE[7:]
    assert "'=titre" in read.columns
    assert read["postes"][0] == -1.5  # a negative number is a number
    assert read["lon"].isna().tolist() == [False] * (len(HOSTILE) - 1) + [True]
    assert read["lon"][0] == pytest.approx(5.61, abs=0.05)


def test_sources_are_complete_and_readable(diagnostic, tmp_path):
    text = write_sources(diagnostic, tmp_path / "new" / "sources.json").read_text(encoding="utf-8")
    read = json.loads(text)
    assert "À vol d'oiseau." in text
    assert list(read) == ["version", "territory", "settings", "sources", "warnings"]
    assert read["territory"] == {
        "name": "Grand « Test »",
        "code": "200010650",
        "cog_year": 2026,
        "communes": 3,
        "buffer_km": 12.5,
    }
    assert set(read["sources"][0]) == set(Source.__dataclass_fields__)


@pytest.mark.parametrize("write", [write_geopackage, write_tables, write_sources])
def test_unwritable_path_is_one_clear_error(write, diagnostic, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(TerritoireGeoError, match=r"file.*cannot be written \(.*--out") as caught:
        write(diagnostic, tmp_path / "file" / "below")
    assert isinstance(caught.value.__cause__, OSError)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_folder_in_the_way_is_said(diagnostic, tmp_path):
    (tmp_path / "dole.gpkg").mkdir()
    with pytest.raises(TerritoireGeoError, match=r"dole\.gpkg: cannot be written"):
        write_geopackage(diagnostic, tmp_path / "dole.gpkg")
    assert [path.name for path in tmp_path.iterdir()] == ["dole.gpkg"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), sqlite3.OperationalError("disk is full")])
def test_failure_leaves_the_former_file_and_nothing_else(error, diagnostic, tmp_path, monkeypatch):
    def fail(*_paths):
        raise error

    path = tmp_path / "dole.gpkg"
    path.write_text("former")
    monkeypatch.setattr(_geopackage, "_pack", fail)
    with pytest.raises(TerritoireGeoError, match=r"dole\.gpkg: cannot be written"):
        write_geopackage(diagnostic, path)
    assert path.read_text() == "former"
    assert [file.name for file in tmp_path.iterdir()] == ["dole.gpkg"]


def test_settings_without_json_form_are_named(diagnostic, tmp_path):
    with pytest.raises(TypeError, match=r"\(set\) has no JSON form"):
        write_sources(replaced(diagnostic, settings={"needs": {1}}), tmp_path / "sources.json")
    assert list(tmp_path.iterdir()) == []
