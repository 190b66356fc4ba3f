"""Tables for spreadsheets and programs: complete, typed, inert, and read back as they were."""

import csv
import os
import re
import shutil
import subprocess
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from territoire_geo.errors import TerritoireGeoError
from territoire_geo.exchange import _workbook, write_tables
from territoire_geo.exchange._csv import harmless, read_table, write_french, write_machine
from territoire_geo.exchange._dictionary import described, dictionary
from territoire_geo.exchange._frames import frames, typed
from territoire_geo.tables import Source

HOSTILE = [
    '=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "\t=1+1", "\r=1+1", "＝1+1", "'quoted", "''", "'",
    "=cmd|' /C calc'!A0", " =1", "\n=1", "", "NA", "nan", "1,5", "01001", 'a;b,"c"\r\nd', "http://example.org",
    "_x0041_", "\x0b", "TRUE",
]  # fmt: skip
NAMES = [
    "synthese", "couverture", "mesures", "structures", "portee", "inconnus", "definitions", "priorites", "propositions",
    "comparaison", "indicateurs", "sources", "dictionnaire",
]  # fmt: skip


@pytest.fixture(scope="module")
def hostile(demo_diagnostic):
    diagnostic = demo_diagnostic
    found = diagnostic.structures.copy()
    found["name"] = (HOSTILE * len(found))[: len(found)]
    return replace(diagnostic, structures=found)


def every(diagnostic):
    tables = frames(diagnostic)
    return tables | {"dictionnaire": dictionary(diagnostic, tables)}


def test_every_column_has_its_entry(demo_diagnostic):
    tables = frames(demo_diagnostic)
    missing = [
        (name, column)
        for name, table in tables.items()
        for column in table.columns
        if described(demo_diagnostic, name, column) is None
    ]
    assert missing == []
    lines = dictionary(demo_diagnostic, tables)
    assert len(lines) == sum(len(table.columns) for table in tables.values())
    assert lines[["table", "column", "label", "label_en", "type", "empty"]].notna().all(axis=None)
    assert not lines.duplicated(["table", "column"]).any()
    told = lines.set_index(["table", "column"])
    assert told.loc[("structures", "people_childcare"), "label"] == "Personnes à portée : Petite enfance"
    assert told.loc[("mesures", "menages_sans_voiture"), "unit"] == "%"


def test_rank_of_each_college_has_its_entry(demo_diagnostic):
    ranking = demo_diagnostic.ranking
    ranks = ranking.rankings.iloc[:, [0]]
    two = replace(ranking, rankings=ranks.set_axis(["élus"], axis=1).assign(habitants=ranks.iloc[:, 0]))
    diagnostic = replace(demo_diagnostic, ranking=two)
    assert {"rank_élus", "rank_habitants"} <= set(frames(diagnostic)["priorites"].columns)
    assert described(diagnostic, "priorites", "rank_élus").label == "Rang selon : élus"


@pytest.mark.parametrize("which", ["demo_diagnostic", "hostile"])
def test_tables_are_read_back_as_they_were(which, request, tmp_path):
    diagnostic = request.getfixturevalue(which)
    write_tables(diagnostic, tmp_path, formats=("csv", "machine", "parquet"))
    for name, table in every(diagnostic).items():
        exact = read_table(tmp_path / "machine" / f"{name}.csv")
        pd.testing.assert_frame_equal(exact, table, check_exact=True)
        pd.testing.assert_frame_equal(read_table(tmp_path / f"{name}.csv"), table, rtol=1e-9)
        pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "parquet" / f"{name}.parquet"), table)


TEXTS = st.one_of(
    st.none(),
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12),
)
ROWS = st.lists(
    st.tuples(
        TEXTS,
        st.floats(-1e300, 1e300) | st.sampled_from([float("nan"), float("inf"), -float("inf")]),
        st.integers(-(2**53), 2**53),
        st.booleans(),
        st.sampled_from([None, True, False]),
    ),
    max_size=6,
)


@settings(max_examples=60, deadline=None, phases=[Phase.generate])
@given(ROWS)
def test_any_table_comes_back(tmp_path_factory, rows):
    table = pd.DataFrame(rows, columns=["=texte", "nombre", "entier", "oui", "peut_etre"])
    kinds = {"=texte": "str", "nombre": "float64", "entier": "int64", "oui": "bool", "peut_etre": "boolean"}
    table = typed(table.astype(kinds))
    folder = tmp_path_factory.mktemp("law")
    lines = [("t", "=texte", "texte"), ("t", "nombre", "nombre"), ("t", "entier", "entier"), ("t", "oui", "oui/non")]
    types = pd.DataFrame([*lines, ("t", "peut_etre", "oui/non")], columns=["table", "column", "type"], dtype="str")
    write_machine(types, folder / "dictionnaire.csv")
    write_machine(table, folder / "t.csv")
    pd.testing.assert_frame_equal(_known(read_table(folder / "t.csv")), _known(table), check_exact=True)
    write_french(table, folder / "t.csv", ",")
    write_french(types, folder / "dictionnaire.csv", ",")
    pd.testing.assert_frame_equal(_known(read_table(folder / "t.csv")), _known(table), rtol=1e-9)


def _known(table):
    """With nothing missing, a column of true and false is plain."""
    return table.astype({"peut_etre": "boolean"})


def test_removing_one_apostrophe_gives_every_text_back():
    texts = pd.Series([*HOSTILE, None], dtype="str")
    written = harmless(pd.DataFrame({"t": texts}), ("oui", "non"))["t"]
    pd.testing.assert_series_equal(written.str.removeprefix("'"), texts, check_names=False)
    assert written.iloc[:14].str.startswith("'").all()
    assert not written.dropna().str.match(r"\s*[=+\-@＝＋－＠]").any()
    assert written.dropna().ne("").all()
    assert written.isna().tolist() == [False] * len(HOSTILE) + [True]


def test_dialects(hostile, tmp_path):
    paths = write_tables(hostile, tmp_path, formats=("csv", "machine"))
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == [
        *(f"{name}.csv" for name in NAMES),
        *(f"machine/{name}.csv" for name in NAMES),
    ]
    french, plain = (tmp_path / "couverture.csv").read_bytes(), (tmp_path / "machine/couverture.csv").read_bytes()
    assert french.startswith(b"\xef\xbb\xbfcode_commune;")
    assert plain.startswith(b"code_commune,")
    assert b";oui;" in french
    assert b",True," not in plain
    assert b",true," in plain


def test_sources_are_told_once_with_their_tables(hostile):
    table = frames(hostile)["sources"]
    assert len(table) == len(hostile.sources)
    users = dict(zip(table["id"], table["tables"], strict=True))
    for name, cited in hostile.table_sources.items():
        assert all(name in users[source.id].split(", ") for source in cited)
    bare = replace(hostile, sources=(Source("x", "T", "P"),), table_sources={})
    only = frames(bare)["sources"].iloc[0]
    assert only[["licence", "millesime", "cog_year", "tables"]].isna().all()


def test_asking_for_what_does_not_exist(hostile, tmp_path):
    with pytest.raises(ValueError, match=r"'ods' is not a format.*csv, machine, xlsx, parquet"):
        write_tables(hostile, tmp_path / "x", formats=("csv", "ods"))
    assert not (tmp_path / "x").exists()
    assert [path.name for path in write_tables(hostile, tmp_path, formats="xlsx")] == ["diagnostic.xlsx"]


def test_reading_what_was_not_written_here(hostile, tmp_path):
    write_tables(hostile, tmp_path)
    (tmp_path / "autre.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(TerritoireGeoError, match=r"autre\.csv: a, b is not in dictionnaire\.csv"):
        read_table(tmp_path / "autre.csv")
    with pytest.raises(TerritoireGeoError, match=r"rien\.csv: cannot be read"):
        read_table(tmp_path / "rien.csv")
    text = (tmp_path / "synthese.csv").read_text(encoding="utf-8-sig")
    changed = re.sub(r"(mobility;[^;]*;)[^;]*", r"\1beaucoup", text)
    (tmp_path / "synthese.csv").write_text(changed, encoding="utf-8-sig")
    with pytest.raises(TerritoireGeoError, match=r"synthese\.csv: .*beaucoup.*was changed"):
        read_table(tmp_path / "synthese.csv")


def test_same_diagnostic_same_bytes(hostile, tmp_path):
    for folder in ("a", "b"):
        write_tables(hostile, tmp_path / folder, formats=("machine", "xlsx", "parquet"))
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path
    with zipfile.ZipFile(tmp_path / "a" / "diagnostic.xlsx") as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2000-01-01" in archive.read("docProps/core.xml")


def titles(path):
    with pd.ExcelFile(path, engine="calamine") as book:
        return book.sheet_names


def sheet(path, name):
    return pd.read_excel(path, sheet_name=name, engine="calamine", header=None, keep_default_na=False)


def test_workbook_is_typed(demo_diagnostic, tmp_path):
    (path,) = write_tables(demo_diagnostic, tmp_path, formats=("xlsx",))
    names = titles(path)
    assert names == ["Lisez-moi", *_workbook.TITLES.values()]
    assert all(len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    for name, table in frames(demo_diagnostic).items():
        read = sheet(path, _workbook.TITLES[name])
        assert read.iloc[0].tolist() == list(table.columns)
        body = read.iloc[2:].reset_index(drop=True)
        for place, column in enumerate(table.columns):
            cells, values = body[place], table[column]
            if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
                # Excel keeps fifteen digits.
                read_back = pd.to_numeric(cells.replace("", np.nan))
                np.testing.assert_allclose(read_back, values.astype("float64"), rtol=1e-14)
            elif pd.api.types.is_bool_dtype(values):
                assert set(cells) <= {"oui", "non", ""}
            else:
                assert cells.tolist() == values.fillna("").tolist()
    front = sheet(path, "Lisez-moi").astype(str).to_string()
    assert "pré-diagnostic" in front
    assert all(note.fr[:40] in front for note in demo_diagnostic.warnings)


def test_workbook_holds_hostile_and_long_texts(hostile, tmp_path, monkeypatch):
    found = hostile.structures.copy()
    long = "é" * 40_000
    found["name"] = [long, "😀" * 20_000, "\ufffe\x01a", *found["name"].iloc[3:]]
    (path,) = write_tables(replace(hostile, structures=found), tmp_path, formats="xlsx")
    names = frames(replace(hostile, structures=found))["structures"].columns.get_loc("name")
    read = sheet(path, "Structures").iloc[2:, names].tolist()
    assert read[0].startswith("ééé")
    assert read[0].endswith(_workbook.CUT)
    assert max(len(text.encode("utf-16-le")) // 2 for text in read) <= 32_767
    assert "2 : trop longs pour une cellule" in sheet(path, "Lisez-moi").to_string()
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert b"<f>" not in archive.read(name)
        assert not any("externalLink" in name for name in archive.namelist())
        assert not any(b"http://x" in archive.read(name) for name in archive.namelist() if name.endswith(".rels"))
    monkeypatch.setattr(_workbook, "ROWS", 10)
    (path,) = write_tables(hostile, tmp_path, formats="xlsx")
    rows = frames(hostile)["couverture"]
    parts = [name for name in titles(path) if name.startswith("Couverture")]
    assert parts[:2] == ["Couverture", "Couverture (2)"]
    assert sum(len(sheet(path, title)) - 2 for title in parts) == len(rows)


def convert(folder, form, paths, filters=()):
    """LibreOffice, with a profile and a home of its own."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed: soffice is not on the path")
    profile = (folder / "profile").as_uri()
    command = [office, "--headless", "--norestore", f"-env:UserInstallation={profile}", *filters]
    command += ["--convert-to", form, "--outdir", str(folder), *map(str, paths)]
    home = os.environ | {"HOME": str(folder)}
    subprocess.run(command, check=True, capture_output=True, timeout=60, env=home)


def test_nothing_runs_in_libreoffice(hostile, tmp_path):
    write_tables(hostile, tmp_path, formats=("csv", "machine", "xlsx"))
    shutil.copy(tmp_path / "structures.csv", tmp_path / "french.csv")
    shutil.copy(tmp_path / "machine" / "structures.csv", tmp_path / "plain.csv")
    convert(tmp_path, "fods", [tmp_path / "diagnostic.xlsx"])
    # Separator, quote, UTF-8, from line 1, and the cells judged as a double click does (numbers are seen).
    convert(tmp_path, "fods", [tmp_path / "french.csv"], ["--infilter=CSV:59,34,76,1,,0,false,true"])
    convert(tmp_path, "fods", [tmp_path / "plain.csv"], ["--infilter=CSV:44,34,76,1,,0,false,true"])
    for name in ("diagnostic", "french", "plain"):
        text = (tmp_path / f"{name}.fods").read_text(encoding="utf-8")
        assert "HYPERLINK(" in text, name
        assert "table:formula" not in text, name
        links = re.findall(r'<text:a [^>]*xlink:href="([^"]*)"', text)
        assert all(link.startswith("#") for link in links), name
        assert "table:dde-link" not in text, name


def test_csv_is_plain_rfc(hostile, tmp_path):
    write_tables(hostile, tmp_path, formats=("machine",))
    with (tmp_path / "machine" / "structures.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["name"].removeprefix("'") for row in rows] == hostile.structures["name"].tolist()
