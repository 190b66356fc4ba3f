"""A diagnostic read back from its GeoPackage is the diagnostic; a file that is none is refused, and says why."""

import json
import sqlite3
import warnings
import zlib
from contextlib import closing
from dataclasses import fields, is_dataclass, replace
from shutil import copyfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from _diagnostic_factory import make_diagnostic
from territoire_geo import diagnose, draw_map, flows
from territoire_geo.errors import SourceFormatError, TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.exchange import _archive, _records, read_diagnostic, write_geopackage
from territoire_geo.inventory import Commuting
from territoire_geo.measures import Measure, Need
from territoire_geo.needs import NEEDS
from territoire_geo.tables import Note, Source
from territoire_geo.territory import Territory


@pytest.fixture(scope="module")
def computed(demo):
    territory, tables = demo
    weights = {
        "élus": {"childcare": 2.0, "employment": 1.0},
        "habitants": {"mobility": 3.0, "ageing": 1.0, "insertion": 1.0},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoireGeoWarning)
        return diagnose(territory, tables, weights=weights)


@pytest.fixture(scope="module")
def kept(computed, tmp_path_factory):
    return write_geopackage(computed, tmp_path_factory.mktemp("kept") / "dole é #1 ?%20.gpkg")


def assert_frames(one, other):
    """Compare frames and series exactly, places and types too."""
    if isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True)
        return
    shapes = [name for name in one.columns if str(one[name].dtype) == "geometry"]
    assert type(one) is type(other)
    assert list(one.columns) == list(other.columns)
    for name in shapes:
        assert one[name].crs == other[name].crs
        assert shapely.to_wkb(one[name].to_numpy()).tolist() == shapely.to_wkb(other[name].to_numpy()).tolist()
    left, right = (pd.DataFrame(frame.drop(columns=shapes)) for frame in (one, other))
    pd.testing.assert_frame_equal(left, right, check_exact=True)


def assert_words(one, other):
    """Compare what a need or a measure says."""
    for name in _records.NEED if isinstance(one, Need) else _records.MEASURE:
        assert getattr(one, name) == getattr(other, name), name


def assert_same(one, other, where="diagnostic"):
    """Compare records field by field, frames exactly."""
    if isinstance(one, pd.DataFrame | pd.Series):
        assert_frames(one, other)
    elif isinstance(one, Need | Measure):
        assert_words(one, other)
    elif is_dataclass(one):
        assert type(one) is type(other), where
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, tuple | list):
        assert type(one) is type(other), where
        for rank, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{where}[{rank}]")
    elif hasattr(one, "items"):
        assert list(one) == list(other), where
        for key in one:
            assert_same(one[key], other[key], f"{where}[{key}]")
    else:
        assert one == other or (one != one and other != other), where  # noqa: PLR0124 - NaN


def round_trip(diagnostic, folder):
    """Write, read, compare, write again: the same diagnostic and the same bytes."""
    path = write_geopackage(diagnostic, folder / "one.gpkg")
    read = read_diagnostic(path)
    for name in [field.name for field in fields(diagnostic)]:
        one = getattr(diagnostic, name)
        if name not in ("settings", "definitions", "table_sources"):
            assert_same(one, getattr(read, name), name)
        else:
            assert_same(dict(one), dict(getattr(read, name)), name)
    again = write_geopackage(read, folder / "two.gpkg")
    assert path.read_bytes() == again.read_bytes()
    return read


def test_reads_the_demonstration_back_exactly(computed, tmp_path):
    read = round_trip(computed, tmp_path)
    assert read.needs[0] == computed.needs[0]  # functions too
    assert read.definitions == computed.definitions
    assert read.ranking.agreement == computed.ranking.agreement
    pd.testing.assert_frame_equal(read.summary(), computed.summary(), check_exact=True)


def test_the_map_of_what_is_read_is_the_same_page(computed, kept):
    assert draw_map(read_diagnostic(kept)).to_html() == draw_map(computed).to_html()


def test_reads_unknowns_secrets_and_commuting_back(tmp_path):
    made = make_diagnostic()
    codes = made.territory.core
    pairs = pd.MultiIndex.from_product([codes, codes], names=["origin", "destination"])
    table = pd.DataFrame({"people": np.arange(len(pairs), dtype="float64") + 1}, index=pairs)
    table.columns = ["flux"] if "flux" in str(flows.Flows.of.__doc__) else list(table.columns)
    block = flows.Containment(
        10.0, 9.0, 5.0, 5.0, 4.0, float("nan"), 2, 0.5, float("nan"), 1.0, 0.0, flows.Reason.TOLD, flows.Reason.CUT
    )
    commuting = Commuting(block, table.iloc[:3], table.iloc[3:6], pd.DataFrame(columns=["place", "people", "share"]))
    read = round_trip(replace(made, commuting=commuting), tmp_path)
    assert read.commuting.territory.reason_workplace is flows.Reason.CUT


def test_reads_a_need_of_someone_else_back_but_does_not_compute_it(tmp_path):
    mine = replace(NEEDS[0], id="sante", label="Santé « à moi »", demand=replace(NEEDS[0].demand, id="my_people"))
    further = NEEDS[1].within(NEEDS[1].reach + 7)
    made = make_diagnostic(needs=(mine, further, *NEEDS[2:]))
    read = round_trip(made, tmp_path)
    assert read.needs[1] == further
    assert read.needs[0].label == "Santé « à moi »"
    for function in (read.needs[0].access, read.needs[0].shape, read.needs[0].demand.numerator):
        with pytest.raises(TerritoireGeoError, match="cannot be recomputed from a file"):
            function(None)
    assert draw_map(read).to_html() == draw_map(made).to_html()


def test_a_need_of_another_decay_is_not_taken_for_the_library_s(tmp_path):
    other = replace(NEEDS[1], shape=NEEDS[1].others[0])
    read = round_trip(make_diagnostic(needs=(NEEDS[0], other, *NEEDS[2:])), tmp_path)
    with pytest.raises(TerritoireGeoError, match="childcare"):
        read.needs[1].access(None, None, None)


def test_reads_a_territory_overseas_of_one_commune_without_structures(tmp_path):
    made = make_diagnostic()
    area = made.territory.communes
    moved = gpd.GeoDataFrame(
        area.drop(columns="point"), geometry=area.translate(-500_000, -4_500_000).to_numpy(), crs=2975
    )
    first = made.territory.core[2]
    moved = moved.assign(in_core=moved.index == first, point=moved.centroid)
    only = {
        "territory": Territory("Une île", moved, code=first, cog_year=2025, buffer_km=3),
        "measures": made.measures.loc[[first]],
        "coverage": made.coverage.loc[[first]],
        "structures": gpd.GeoDataFrame(made.structures.iloc[:0].to_crs(2975)),
        "facilities": made.facilities.iloc[:0].to_crs(2975),
        "trips": made.trips.iloc[:0],
        "absences": made.absences.iloc[:0],
    }
    read = round_trip(replace(made, **only), tmp_path)
    assert read.territory.crs.to_epsg() == 2975


def test_keeps_hostile_words(tmp_path):
    hostile = "</script><b>'; DROP TABLE meta; --\u2028\x07\n“é”"
    made = make_diagnostic(
        names={"39009": hostile},
        structure_names=[hostile],
        words={"territory": hostile, "need": hostile, "reason": hostile},
    )
    round_trip(made, tmp_path)


def edited(kept, tmp_path, *statements):
    path = tmp_path / "edited.gpkg"
    copyfile(kept, path)
    with closing(sqlite3.connect(path)) as database:
        database.create_function("ST_IsEmpty", 1, lambda _blob: 0)  # what the triggers of the index of places call
        for name in ("MinX", "MaxX", "MinY", "MaxY"):
            database.create_function(f"ST_{name}", 1, lambda _blob: 0.0)
        for statement in statements:
            if isinstance(statement, tuple):
                database.execute(*statement)
            else:
                database.execute(statement)
        database.commit()
    return path


def test_a_layer_edited_by_hand_is_read_and_told(computed, kept, tmp_path):
    code = computed.territory.core[0]
    siret, kind = computed.structures.index[0]
    path = edited(
        kept,
        tmp_path,
        (
            "UPDATE indicateurs_long SET value = 12.5 WHERE code_commune = ? AND item = 'childcare_unmet_people'",
            (code,),
        ),
        ("UPDATE communes SET nom_commune = 'Autre nom' WHERE code_commune = ?", (code,)),
        ("DELETE FROM structures WHERE siret = ? AND kind = ?", (siret, kind)),
    )
    read = read_diagnostic(path)
    assert read.coverage.loc[(code, "childcare"), "unmet_people"] == 12.5
    assert read.territory.communes.loc[code, "nom_commune"] == "Autre nom"
    assert (siret, kind) not in read.structures.index
    assert read.settings["edited_layers"] == ["communes", "indicateurs_long", "structures"]
    assert "modifiées à la main" in read.warnings[-1].fr
    draw_map(read).to_html()
    again = read_diagnostic(write_geopackage(read, tmp_path / "again.gpkg"))
    assert again.warnings == read.warnings
    assert again.settings == read.settings


def test_a_figure_that_was_removed_is_unknown(computed, kept, tmp_path):
    code, measure = computed.territory.core[0], computed.computed[0]
    for change in ("DELETE FROM indicateurs_long", "UPDATE indicateurs_long SET value = NULL"):
        path = edited(kept, tmp_path, (f"{change} WHERE code_commune = ? AND item = ?", (code, measure)))
        assert np.isnan(read_diagnostic(path).measures.loc[code, measure])


def test_a_column_or_a_style_that_someone_adds_changes_nothing(kept, tmp_path):
    path = edited(kept, tmp_path, "ALTER TABLE communes ADD COLUMN mine TEXT", "DELETE FROM layer_styles")
    assert "edited_layers" not in read_diagnostic(path).settings


BLOB = zlib.compress(b"\x05\x00\x00\x00\x00\x00\x00\x00[1,2]")
SET = "UPDATE territoire_geo_archive SET content = ? WHERE name ="
ENDLESS = (
    "CREATE VIEW indicateurs_long AS WITH RECURSIVE n(fid) AS (SELECT 1 UNION ALL SELECT fid FROM n) SELECT * FROM n"
)
COMPUTED = "CREATE TABLE meta (key TEXT, value TEXT AS (hex(zeroblob(900000000))))"
HEADER = b"GP\0\x01\0\0\0\0"
NESTED = HEADER + b"\x01\x06\0\0\0\x01\0\0\0" * 200_000  # shapes within shapes: GEOS alone would end the program
HUGE = HEADER + b"\x01\x03\0\0\0" + b"\xff" * 8
REFUSED = {
    "older": (["DELETE FROM meta WHERE key = 'format'"], "kept no archive.*Run the diagnostic again"),
    "newer": (["UPDATE meta SET value = '2' WHERE key = 'format'"], "format 2.*Upgrade"),
    "no number": (["UPDATE meta SET value = '\"1\"' WHERE key = 'format'"], "no number of a format"),
    "no archive": (["DROP TABLE territoire_geo_archive"], "was removed"),
    "no blob": (["DELETE FROM territoire_geo_archive WHERE name = 'trips'"], "« trips » is missing"),
    "broken blob": (["UPDATE territoire_geo_archive SET content = x'00ff' WHERE name = 'trips'"], "« trips » is not"),
    "text blob": (["UPDATE territoire_geo_archive SET content = 'x' WHERE name = 'trips'"], "« trips » is missing"),
    "list blob": ([(f"{SET} 'reach'", (BLOB,))], "« reach » is not"),
    "records": (["UPDATE territoire_geo_archive SET content = '{' WHERE name = 'records'"], "not a diagnostic"),
    "list": (["UPDATE territoire_geo_archive SET content = '[]' WHERE name = 'records'"], "not a diagnostic"),
    "deep": ([(f"{SET} 'records'", ("[" * 200_000,))], "not a diagnostic"),
    "empty": (["UPDATE territoire_geo_archive SET content = '{}' WHERE name = 'records'"], "not a diagnostic"),
    "meta": (["UPDATE meta SET value = '{' WHERE key = 'settings'"], "not a diagnostic"),
    "sources": (["UPDATE meta SET value = '[{\"id\": []}]' WHERE key = 'sources'"], "not a diagnostic"),
    "year": (["UPDATE meta SET value = '\"2026\"' WHERE key = 'cog_year'"], "cog_year"),
    "column": (["ALTER TABLE structures RENAME COLUMN name TO nom"], "structures: column name is missing"),
    "layer": (["DROP TABLE indicateurs_long"], "no layer"),
    "commune": (["DELETE FROM communes WHERE fid = (SELECT max(fid) FROM communes WHERE in_core)"], "communes: some"),
    "twice": (["INSERT INTO indicateurs_long (code_commune, item) SELECT code_commune, item FROM indicateurs_long"],
              "stands twice"),
    "text": (["UPDATE communes SET population = 'beaucoup' WHERE fid = 1"], "population: a value is not a number"),
    "geometry": (["UPDATE structures SET geom = x'00' WHERE fid = 1"], "geometry is none"),
    "line": (["UPDATE structures SET geom = x'4750000100000000' || x'0102000000' WHERE fid = 1"], "no POINT|is none"),
    "nested": ([("UPDATE communes SET geom = ? WHERE fid = 1", (NESTED,))], "geometry is no MULTIPOLYGON"),
    "huge": ([("UPDATE communes SET geom = ? WHERE fid = 1", (HUGE,))], "geometry is no MULTIPOLYGON"),
    "view": (["DROP TABLE indicateurs_long", ENDLESS], "no layer"),
    "computed column": (["ALTER TABLE meta RENAME TO old", COMPUTED], "meta: column value is missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_a_file_that_was_changed(kept, tmp_path, name):
    statements, words = REFUSED[name]
    with pytest.raises(SourceFormatError, match=words) as caught:
        read_diagnostic(edited(kept, tmp_path, *statements))
    assert "edited.gpkg" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_refuses_what_is_no_geopackage_of_ours(tmp_path):
    with pytest.raises(SourceFormatError, match="no such file"):
        read_diagnostic(tmp_path / "absent.gpkg")
    with pytest.raises(SourceFormatError, match="no such file"):
        read_diagnostic(tmp_path)
    text = tmp_path / "texte.gpkg"
    text.write_text("code;nom\n" * 1000)
    with pytest.raises(SourceFormatError, match="not a GeoPackage"):
        read_diagnostic(text)
    empty = tmp_path / "vide.gpkg"
    empty.touch()
    with pytest.raises(SourceFormatError, match="no layer"):
        read_diagnostic(empty)
    other = tmp_path / "autre.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=gpd.points_from_xy([0], [0]), crs=4326).to_file(other, layer="communes")
    with pytest.raises(SourceFormatError, match="no layer"):
        read_diagnostic(other)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_refuses_a_file_cut_short(kept, tmp_path, share):
    whole = kept.read_bytes()
    path = tmp_path / "cut.gpkg"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(SourceFormatError):
        read_diagnostic(path)


def test_reading_leaves_the_file_as_it_is(kept):
    before = kept.read_bytes()
    read_diagnostic(kept)
    assert kept.read_bytes() == before
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


FRAMES = {
    "empty": pd.DataFrame(),
    "columns only": pd.DataFrame(columns=["a", "b"]),
    "kinds": pd.DataFrame(
        {
            "i": pd.array([1, None, 3], dtype="Int64"), "b": pd.array([True, None, False], dtype="boolean"),
            "t": ["é", None, ""], "f": [0.1, np.nan, np.inf], "n": [True, False, True],
            "c": pd.Categorical(["x", None, "y"], categories=["y", "x", "z"], ordered=True),
            "o": pd.Series(["a", None, np.nan], dtype="object"), "m": pd.Series([1, "a", 2.5], dtype="object"),
            "s": np.array([1, 2, 3], dtype="int8"),
        },
    ),
    "five levels": pd.DataFrame(
        {"v": [1.0, 2.0]}, index=pd.MultiIndex.from_tuples([("b", 1, "x", True, np.nan), ("a", 2, "x", False, 1.5)])
    ),
    "series": pd.Series([1, 2], index=pd.Index([10, 20], name="class"), name="places"),
    "no name": pd.Series([1.5], index=["a"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_is_kept_exactly(name):
    frame = FRAMES[name]
    read = _archive.unpack(_archive.pack(frame))
    if isinstance(frame, pd.Series):
        pd.testing.assert_series_equal(read, frame, check_exact=True)
    else:
        pd.testing.assert_frame_equal(read, frame, check_exact=True, check_column_type="equiv")
    assert _archive.pack(read) == _archive.pack(frame)


def test_a_frame_of_something_else_is_refused():
    with pytest.raises(TerritoireGeoError, match="has no form in the file"):
        _archive.pack(pd.DataFrame({"a": [{}, {}]}))


def test_a_bomb_is_not_unpacked():
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        _archive.unpack(zlib.compress(b"\0" * 10_000_000), most=1000)
    header = {
        "name": None, "index": {"kind": "range", "name": None, "bounds": [0, 200, 1]},
        "data": [{"kind": "text", "dtype": "str", "none": False, "texts": ["x" * 1000],
                  "of": [{"kind": "number", "dtype": "int32", "size": 200}]}],
    }  # fmt: skip
    told = json.dumps(header).encode()
    bomb = zlib.compress(len(told).to_bytes(8, "little") + told + bytes(800))
    with pytest.raises(ValueError, match="larger than 5000 bytes"):
        _archive.unpack(bomb, most=5000)


def test_every_field_of_a_record_is_kept():
    functions = {"numerator", "denominator", "lacking", "less", "worked_out"}
    assert {field.name for field in fields(Measure)} - functions == set(_records.MEASURE)
    functions = {"demand", "access", "target", "shape", "others", "adapt"}
    assert {field.name for field in fields(Need)} - functions == set(_records.NEED)


def test_a_note_of_a_category_that_is_not_ours_is_a_plain_one():
    (note,) = _records.notes_of([{"category": "SystemExit", "fr": "a", "en": "b"}])
    assert note == Note(TerritoireGeoWarning, "a", "b")
    assert _records.sources_of([_records.asdict_plain(Source("a", "b", "c"))]) == (Source("a", "b", "c"),)
