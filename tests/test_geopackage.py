"""The GeoPackage in other programs: the standard, geopandas, QGIS; sessions; the styles against the map's."""

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from _diagnostic_factory import make_diagnostic
from territoire_geo.exchange import _styles, write_geopackage
from territoire_geo.maps import _scales, _static_draw, _static_legend, _texts, _themes
from territoire_geo.maps._words import core as words
from territoire_geo.sessions import Sessions

PYTHON = "/usr/bin/python3"  # that of the system, for which QGIS and GDAL are packaged
VALIDATOR = Path("/usr/lib/python3/dist-packages/osgeo_utils/samples/validate_gpkg.py")
QGIS = Path("/usr/lib/python3/dist-packages/qgis")
LAYERS = ("communes", "structures", "notes", "indicateurs_long", "seance", "meta")
OPENED = Path(__file__).with_name("_open_in_qgis.py")


def sessions():
    """Two notes that all files agree on, one in two versions, and the weights of a college in two versions."""
    texts = {
        "code_commune": ["39009", "39010"], "nom_commune": ["A", "B"], "theme": ["childcare", "autre"],
        "college": ["élus", np.nan], "statut": ["accord", "a_verifier"], "texte": ["=1+1 « é »", "b"],
        "cree": ["2026-01-01T00:00:00Z", np.nan], "modifie": [np.nan, np.nan],
    }  # fmt: skip
    index = pd.Index(["n1", "n2"], name="id")
    notes = gpd.GeoDataFrame(texts, index=index, geometry=[shapely.Point(5.5, 47.1), None], crs=4326)
    conflicts = pd.DataFrame(
        {
            "kind": ["note", "note", "weights", "weights"], "key": ["n3", "n3", "élus", "élus"],
            "version": [1, 2, 1, 2], "files": [("a.json",), ("b.json", "c.json"), ("a.json",), ("b.json",)],
            "code_commune": ["39011", "39011", np.nan, np.nan], "texte": ["oui", "non", np.nan, np.nan],
            "geometry": [shapely.Point(5.6, 47.1), None, None, None],
            "weights": [np.nan, np.nan, {"ageing": 1.0}, {"ageing": 2.0, "mobility": 1.0}],
        }
    )  # fmt: skip
    return Sessions(
        notes=notes,
        weights={"habitants": {"mobility": 3.0, "ageing": 1}},
        conflicts=gpd.GeoDataFrame(conflicts, geometry="geometry", crs=4326),
        refused=pd.DataFrame(columns=["file", "where", "reason", "reason_en"]),
        files=("a.json", "b.json", "c.json"),
        origins={("note", "n1"): ("a.json",), ("weights", "habitants"): ("a.json", "c.json")},
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write_geopackage(make_diagnostic(), tmp_path_factory.mktemp("out") / "essai.gpkg", sessions=sessions())


def test_the_rules_of_the_standard_hold(path):
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"GPKG")
        assert database.execute("PRAGMA user_version").fetchone()[0] == 10300
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        listed = dict(database.execute("SELECT table_name, identifier FROM gpkg_contents"))
        assert set(listed) == {*LAYERS, "layer_styles"}
        assert listed["communes"] == "Communes et besoins"
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert "territoire_geo_archive" in tables - set(listed)
        systems = {code for (code,) in database.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")}
        used = dict(database.execute("SELECT table_name, srs_id FROM gpkg_geometry_columns"))
        assert used == dict.fromkeys(LAYERS[:3], 2154)
        assert {-1, 0, 4326, 2154} <= systems
        indexed = {name for (name,) in database.execute("SELECT table_name FROM gpkg_extensions")}
        assert indexed == set(LAYERS[:3])
        assert {f"rtree_{layer}_geom" for layer in LAYERS[:3]} <= tables


def test_gdal_finds_it_valid(path):
    if not VALIDATOR.is_file():
        pytest.skip("GDAL's validate_gpkg.py is not installed (Debian: python3-gdal)")
    done = subprocess.run([PYTHON, VALIDATOR, path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]


def test_geopandas_reads_every_layer(path):
    assert {name for name, _ in pyogrio.list_layers(path)} == {*LAYERS, "layer_styles"}
    communes, structures, notes = (gpd.read_file(path, layer=layer) for layer in LAYERS[:3])
    assert all(frame.crs == 2154 for frame in (communes, structures, notes))
    assert communes["code_commune"].iloc[0] == "39001"
    assert structures["siret"].iloc[1] == "00000000000001"
    assert notes["id"].tolist() == ["n1", "n2", "n3", "n3"]
    assert notes["conflit"].tolist() == [False, False, True, True]
    assert notes["fichiers"].tolist() == ["a.json", "", "a.json", "b.json, c.json"]
    assert notes.geometry.isna().tolist() == [False, True, False, True]
    assert notes.to_crs(4326).geometry[0].distance(shapely.Point(5.5, 47.1)) < 1e-9
    assert notes["texte"].tolist() == ["=1+1 « é »", "b", "oui", "non"]
    long, seance, meta = (pyogrio.read_dataframe(path, layer=layer, read_geometry=False) for layer in LAYERS[3:])
    assert (long["value"].isna() == long["state"].ne("connu")).all()
    assert {"secret", "non publié"} <= set(long["state"])
    told = seance[["college", "need", "weight", "conflit"]].to_numpy().tolist()
    assert told == [
        ["habitants", "ageing", 1.0, False], ["habitants", "mobility", 3.0, False], ["élus", "ageing", 1.0, True],
        ["élus", "ageing", 2.0, True], ["élus", "mobility", 1.0, True],
    ]  # fmt: skip
    assert seance["label"].iloc[0] == "Vieillissement"
    assert json.loads(meta.set_index("key")["value"]["format"]) == 1


def test_without_sessions_the_layers_are_there_and_empty(tmp_path):
    path = write_geopackage(make_diagnostic(), tmp_path / "a.gpkg")
    notes = gpd.read_file(path, layer="notes")
    assert len(notes) == 0
    assert list(notes.columns) == list(gpd.read_file(write_sessions(tmp_path), layer="notes").columns)
    assert len(pyogrio.read_dataframe(path, layer="seance", read_geometry=False)) == 0


def write_sessions(folder):
    return write_geopackage(make_diagnostic(), folder / "b.gpkg", sessions=sessions())


def test_the_method_is_told(tmp_path):
    made = make_diagnostic()
    path = write_geopackage(replace(made, settings={**made.settings, "method": 7}), tmp_path / "a.gpkg")
    meta = pyogrio.read_dataframe(path, layer="meta", read_geometry=False).set_index("key")["value"]
    assert meta["method"] == "7"


def test_the_styles_are_those_of_the_map():
    assert _themes.SHARES.breaks == _styles.BREAKS
    assert _scales.YLGNBU == _styles.COLOURS
    assert (_styles.AROUND, _styles.EDGE) == (_static_draw._AROUND, _static_draw._EDGE)  # noqa: SLF001 - only colours
    assert (_styles.HATCH, _styles.INK) == (_static_legend.HATCH, _static_legend.INK)
    assert {kind: label for kind, (label, _, _) in _styles.KINDS.items()} == _texts.KIND_NAMES["fr"]
    assert len({shape for _, shape, _ in _styles.KINDS.values()}) == len(_styles.KINDS)
    assert len({colour for _, _, colour in _styles.KINDS.values()}) == len(_styles.KINDS)
    assert any(_styles.NOBODY in str(value) for value in vars(words).values())


def test_one_style_by_need_and_one_that_opens(path):
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT f_table_name, styleName, styleQML, useAsDefault FROM layer_styles").fetchall()
    for _, _, document, _ in rows:
        ET.fromstring(document)  # noqa: S314 - our own file
    communes = [(name, default) for layer, name, _, default in rows if layer == "communes"]
    assert len(communes) == 5
    assert [default for _, default in communes] == [1, 0, 0, 0, 0]
    assert communes[0][0] == "Mobilité : part non couverte"


def test_hostile_words_make_a_style_that_is_still_xml(tmp_path):
    made = make_diagnostic(words={"need": "</qgis>\x07\"'&<b>", "measure": "]]>\x00"})
    path = write_geopackage(made, tmp_path / "a.gpkg")
    with closing(sqlite3.connect(path)) as database:
        for (document,) in database.execute("SELECT styleQML FROM layer_styles"):
            ET.fromstring(document)  # noqa: S314 - our own file


def test_qgis_opens_it_ready_to_read(path, tmp_path):
    if not QGIS.is_dir():
        pytest.skip("QGIS is not installed (Debian: python3-qgis)")
    image = tmp_path / "map.png"
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PYTHONPATH": ""}
    command = [PYTHON, OPENED, path, ",".join(LAYERS), image]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr[-500:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(one["valid"] and one["loaded"] for one in told.values())
    renderers = {name: one["renderer"] for name, one in told.items() if one["crs"]}
    assert renderers == {
        "communes": "graduatedSymbol", "structures": "categorizedSymbol", "notes": "categorizedSymbol",
    }  # fmt: skip
    communes = told["communes"]
    assert len(communes["styles"]) == 5
    assert communes["labels"][-3:] == ["aucune personne concernée", "inconnu", "voisinage"]
    assert {"Commune", "Mobilité : part non couverte (0 à 1)"} <= set(communes["aliases"])
    assert image.stat().st_size > 1000
    # QGIS puts each commune in the class where the map puts it.
    frame = gpd.read_file(path, layer="communes").set_index("code_commune")
    share = (100 * frame["mobility_unmet_share"]).round(1)
    codes = _themes.SHARES.codes(share)
    for code, found in communes["classes"].items():
        if not frame.at[code, "in_core"]:
            expected = "voisinage"
        elif pd.isna(share[code]):
            expected = "aucune personne concernée" if frame.at[code, "mobility_unmet_people"] == 0 else "inconnu"
        else:
            expected = communes["labels"][int(codes[code])]
        assert found == [expected], code
