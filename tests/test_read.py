"""Reading files: CSV as a stream, spreadsheets from their row of codes, parquet by column, and what is damaged."""

import csv
import io
import subprocess
import sys
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from _workbook import titled, workbook
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TableError
from territoire_geo.loaders import _sheets
from territoire_geo.loaders._read import kept_tables, numbers, read_texts, summed
from territoire_geo.tables import Absence


@pytest.fixture
def read(tmp_path):
    """Write one file and read its tables."""

    def reader(content, name="a.csv", columns=None, **options):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return dict(read_texts(path, columns, **options))

    return reader


def only(*wanted):
    return lambda header: header & frozenset(wanted)


# CSV


FLAVOURS = {
    "bom and crlf": "\ufeffa;b\r\n1;é\r\n3;4\r\n".encode(),
    "carriage returns": "a;b\r1;é\r3;4\r".encode(),
    "windows-1252": "a;b\n1;é\n3;4\n".encode("cp1252"),
    "utf-16": "a;b\n1;é\n3;4\n".encode("utf-16"),
    "commas": "a,b\n1,é\n3,4".encode(),
    "tabs": "a\tb\n1\té\n3\t4".encode(),
    "quotes": '"a";"b"\n"1";"é"\n"3";"4"'.encode(),
    "blank lines": "\n\na;b\n\n1;é\n \n;\n3;4\n;;\n\n".encode(),
    "empty labels at the end": "a;b;;;\n1;é;;;\n3;4;;;\n".encode(),
    "empty labels of the header only": "a;b;;;\n1;é\n3;4\n".encode(),
    "empty cells at the end": "a;b\n1;é;;\n3;4;;\n".encode(),
    "nothing but spaces in nameless columns": "a;b;;\n1;é; ;\n3;4;;\n".encode(),
}


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_csv_is_read_whatever_its_flavour(read, flavour):
    (table,) = read(FLAVOURS[flavour]).values()
    assert table.to_dict("list") == {"a": ["1", "3"], "b": ["é", "4"]}
    assert set(map(str, table.dtypes)) == {"str"}


def test_cells_keep_what_they_hold(read):
    text = 'code;nom;note\n01001;"d\'une; ""x""\nsur deux lignes";3" de haut\n01002; ;\n'
    (table,) = read(text).values()
    assert table["code"].tolist() == ["01001", "01002"]
    assert table["nom"].tolist() == ['d\'une; "x"\nsur deux lignes', " "]
    assert table["note"].tolist() == ['3" de haut', ""]  # one quote inside a word is none
    assert not table.isna().any(axis=None)


def test_the_separator_is_that_of_the_header(read):
    (table,) = read("a;b\n1,2,3,4,5;6,7\n").values()
    assert table.to_dict("list") == {"a": ["1,2,3,4,5"], "b": ["6,7"]}


def test_wanted_columns_only_are_read(read):
    text = "a;b;;c;c\n1;2;x;3;4\n"
    (some,) = read(text, columns=only("b", "a", "zzz")).values()
    assert some.to_dict("list") == {"a": ["1"], "b": ["2"]}
    with pytest.raises(SourceFormatError, match="column 'c' stands twice"):
        read(text, columns=only("a", "c"))
    with pytest.raises(SourceFormatError, match="column 'c' stands twice"):
        read(text, columns=only("zzz"))  # none is named: all are read
    (everything,) = read("a;;b;\n1;x;2;y\n").values()
    assert everything.to_dict("list") == {"a": ["1"], "Unnamed: 1": ["x"], "b": ["2"], "Unnamed: 3": ["y"]}


def test_a_header_alone_is_an_empty_table(read):
    for text in ("a;b", "a;b;\n", "\ufeffa;b\r\n\r\n"):
        (table,) = read(text).values()
        assert table.empty
        assert table.columns.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        (" \n;;\n", "it is empty"),
        ("a;b\n1;2\n3\n", r"Expected 2 fields in line 3, saw 1.*truncated"),
        ("a;b;c\n1;2;3\n3;", r"Expected 3 fields in line 3, saw 2.*truncated"),
        ("a;b;c\n1;2\n3;4\n", "Expected 3 fields in line 2, saw 2"),
        ("a;b\n1;2\n3;4;5\n", "Expected 2 fields in line 3, saw 3.*Correct the row"),
        ("a;b\n1;2;\n3;4;5\n", "rows have more cells than the header"),
        ("a,b\n1,2\n3,4,5\n", "saw 3.*Quote decimal commas"),
        ("a;b\n1;2\x00\n", "NUL bytes"),
        ('a;b\n1;"2\n3;4\n', "EOF inside string"),  # as many cells as it takes, and wrong
        ('a;b\n"1;2\n', "EOF inside string"),
        ("a;b;a\n1;2;3\n", "column 'a' stands twice"),
        ("a;b\n" + "x" * 200_000 + ";1\n", "field larger than field limit"),
    ],
)
def test_a_damaged_csv_is_never_read_by_halves(read, text, said):
    with pytest.raises(SourceFormatError, match=said):
        read(text)


def test_a_file_that_is_not_there(tmp_path):
    for name in ("a.csv", "a.parquet", "a.xlsx", "a.zip"):
        with pytest.raises(SourceUnavailableError, match="cannot be read"):
            list(read_texts(tmp_path / name))


PEAK = """
import sys
from pathlib import Path
import pyarrow
from territoire_geo.loaders._read import read_texts
((_, table),) = read_texts(Path(sys.argv[1]), lambda header: frozenset({"V3", "V47"}))
print(pyarrow.default_memory_pool().max_memory(), *table.shape, *table.iloc[-1])
"""


def test_memory_holds_the_wanted_columns_not_the_file(tmp_path):
    path = tmp_path / "wide.csv"
    row = ";".join(str(1_000_000 + place) for place in range(50))
    path.write_text(";".join(f"V{place}" for place in range(50)) + "\n" + (row + "\n") * 100_000, encoding="ascii")
    # A process of its own: the high-water mark of memory is that of everything since its start.
    done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
    assert path.stat().st_size > 40_000_000
    peak, *shape, first, last = done.stdout.split()
    assert [*shape, first, last] == ["100000", "2", "1000003", "1000047"]
    assert int(peak) < 32_000_000  # three blocks of 8 MB and the two columns


# Spreadsheets


def test_titles_are_skipped_and_codes_are_the_header(read):
    rows = titled(["Code géographique", "Population", "Nom"], ["CODGEO", "P22_POP", "LIBGEO"], ["01001", 12.0, "A"])
    tables = read(workbook({"COM": rows, "Variables": [["VAR_ID", "VAR_LIB"], ["a", "b"]], "Vide": []}), "a.xlsx")
    assert {name: table.to_dict("list") for name, table in tables.items()} == {
        "COM": {"CODGEO": ["01001"], "P22_POP": ["12"], "LIBGEO": ["A"]}
    }


def test_a_known_header_is_preferred(read):
    rows = titled(["code_commune", "naissances"], ["CODGEO", "N"], ["39198", 600.0])
    by_codes, by_known = (
        next(iter(read(workbook({"a": rows}), "a.xlsx", known=known).values()))
        for known in (None, lambda header: "code_commune" in header)
    )
    assert by_codes.columns.tolist() == ["CODGEO", "N"]
    assert by_known.columns.tolist() == ["code_commune", "naissances"]
    assert by_known["naissances"].tolist() == ["N", "600"]


def test_a_table_of_words_has_the_header_of_its_first_row(read):
    rows = [["Type", "Nom"], ["AI", "ACI"], ["crèche", "Babil"]]
    (table,) = read(workbook({"a": rows}), "a.xlsx").values()
    assert table.to_dict("list") == {"Type": ["AI", "crèche"], "Nom": ["ACI", "Babil"]}


def test_numbers_are_written_exactly(read):
    cells = ["01001", 1001, 12.0, 12.5, 33965933600012.0, 0.1 + 0.2, 0.0, "#N/A", " s ", None]
    (table,) = read(workbook({"a": [["x", "y"], *([cell, 1] for cell in cells)]}), "a.xlsx").values()
    assert table["x"].tolist() == [
        "01001", "1001", "12", "12.5", "33965933600012", "0.30000000000000004", "0", "", "s", "",
    ]  # fmt: skip


def test_a_remark_beside_a_table_is_kept_apart(read):
    rows = [["x", "y"], ["a", 1, None, "note"], [None, None], [None, None, None, "seule"]]
    (table,) = read(workbook({"a": rows}), "a.xlsx").values()
    assert table.to_dict("list") == {"x": ["a", ""], "y": ["1", ""], "Unnamed: 3": ["note", "seule"]}
    (some,) = read(workbook({"a": rows}), "a.xlsx", only("y")).values()
    assert some.to_dict("list") == {"y": ["1"]}


def test_damaged_spreadsheets_are_one_clear_error(read, monkeypatch):
    good = workbook({"a": [["x", "y"], ["1", 2]]})
    for content in (b"", b"x", good[:100], good[:-30], b"\xd0\xcf\x11\xe0" + b"\0" * 600):
        with pytest.raises(SourceFormatError, match="not a readable spreadsheet"):
            read(content, "a.xlsx")
    with pytest.raises(SourceFormatError, match="column 'x' stands twice"):
        read(workbook({"a": [["x", "y", "x"], ["1", 2, 3]]}), "a.xlsx", known=lambda _: True)
    monkeypatch.setattr(_sheets, "SMALL", 100)
    monkeypatch.setattr(_sheets, "RATIO", 0)
    with pytest.raises(SourceFormatError, match="once unpacked"):
        read(good, "a.xlsx")


# Parquet, zip


def parquet(columns):
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_is_read_by_column(read):
    content = parquet({"a": ["1", None], "b": [1, 2], "c": [0.5, 1.5]})
    (table,) = read(content, "a.parquet", only("a", "b")).values()
    assert table.columns.tolist() == ["a", "b"]
    assert table["b"].tolist() == [1, 2]
    (everything,) = read(content, "a.parquet", only("zzz")).values()
    assert everything.columns.tolist() == ["a", "b", "c"]


def test_a_zip_gives_tables_of_every_format_but_what_documents_them(read, tmp_path):
    members = {
        "x/data_2022.CSV": "a;b\n1;2\n",
        "b.xlsx": workbook({"COM": [["q", "r"], ["1", 2]]}),
        "c.parquet": parquet({"d": [1]}),
        "meta_data_2022.CSV": "COD_VAR;LIB_VAR\na;b;c\n",
        "DS_metadata.csv": "x",
        "lisez-moi.txt": "a, b\nc",
        "e.pdf": b"%PDF",
    }
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    tables = read((tmp_path / "a.zip").read_bytes(), "a.zip", only("a", "q"))
    assert {name: table.columns.tolist() for name, table in tables.items()} == {
        "data_2022": ["a"],
        "COM": ["q"],
        "c": ["d"],
    }


def test_the_level_of_communes_is_chosen():
    levels = ["ARR", "AAV2020", "BV2022", "COM", "DEP", "EPCI", "REG", "UU2020", "ZE2020", "METROPOLE"]
    assert kept_tables([f"cc_filosofi_2021_{level}" for level in levels]) == ["cc_filosofi_2021_COM"]
    assert kept_tables(["ARM_2011", "COM_2011", "ARM_2022", "COM_2022"]) == ["COM_2022"]
    assert kept_tables(["DEP", "REG", "IRIS"]) == ["DEP", "REG", "IRIS"]  # none of communes: all
    assert kept_tables(["a_COM", "b_REG", "TELECOM"]) == ["a_COM", "b_REG", "TELECOM"]


# Numbers and sums


def test_french_thousands_are_numbers_and_marks_are_not():
    cells = ["1\u202f234,5", "1\u00a0234", "1 234", "s", "nd", "", "so", "*"]
    values, states = numbers(pd.DataFrame({"n": cells}), ["n"], where="t")
    np.testing.assert_equal(values["n"].to_numpy(), [1234.5, 1234, 1234, *[np.nan] * 5])
    assert states.to_dict() == {
        (3, "n"): Absence.SECRET,
        (6, "n"): Absence.NOT_APPLICABLE,
        (7, "n"): Absence.SECRET,
    }


def test_a_sum_with_an_unknown_part_is_unknown_and_says_why():
    rows = [
        ("a", "1,5"),
        ("a", "2"),
        ("b", "1"),
        ("b", "s"),
        ("c", "1"),
        ("c", "nd"),
        ("d", "so"),
        ("d", "s"),
        ("e", "so"),
    ]
    text = pd.DataFrame(rows, columns=["k", "n"])
    out = summed(text, ["k"], ["n"], where="t")
    assert dict(zip(out["k"], out["n"], strict=True)) == {"a": "3.5", "b": "s", "c": "", "d": "s", "e": "so"}
    with pytest.raises(TableError, match=r"t\.n: 'x' is not a number"):
        summed(pd.DataFrame({"k": ["a"], "n": ["x"]}), ["k"], ["n"], where="t")


def test_sums_are_exact_and_take_numbers_too():
    text = pd.DataFrame({"k": ["b", "a", "b"], "n": ["0.1", "7", "0.2"], "m": [1, 2, 4]})
    out = summed(text, ["k"], ["n", "m"], where="t")
    assert out["k"].tolist() == ["b", "a"]
    assert [float(cell) for cell in out["n"]] == [0.1 + 0.2, 7]
    assert [float(cell) for cell in out["m"]] == [5, 2]


# Files as their producers publish them


def contents(path):
    """Give the CSV of a published file: name -> content."""
    if path.suffix.lower() == ".csv":
        return {path.stem: path.read_bytes()}
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".csv") and "meta" not in name]
        return {PurePosixPath(name).stem: archive.read(name) for name in names}


def test_every_published_csv_is_read_as_pandas_reads_it(published):
    seen = 0
    for path in sorted(path for path in published.rglob("*") if path.suffix.lower() in {".csv", ".zip"}):
        expected = contents(path)
        tables = dict(read_texts(path)) if expected else {}
        for name, content in expected.items():
            separator = max(";,", key=content.split(b"\n", 1)[0].decode("utf-8-sig").count)
            frame = pd.read_csv(io.BytesIO(content), sep=separator, dtype="str", na_filter=False, encoding="utf-8-sig")
            frame = frame.rename(columns=str.strip)
            frame = frame[[column for column in frame if not column.startswith("Unnamed")]]
            pd.testing.assert_frame_equal(tables[name], frame, check_dtype=False, check_column_type=False)
            seen += 1
    assert seen == 29


@pytest.mark.parametrize(
    ("name", "shape"), [("IPRO_2022", (1345, 61)), ("DEMO_2022", (1400, 34)), ("REVN_2022", (1352, 32))]
)
def test_a_thousand_trailing_columns_are_dropped(published, name, shape):
    assert dict(read_texts(published / "qpv" / "insee_qpv_2022.zip"))[name].shape == shape


def test_multi_line_cells_of_a_published_file(published):
    path = published / "ressources" / "liste-fs-20240801_sans_contacts.csv"
    ((_, table),) = read_texts(path)
    assert len(table) == 2845
    with path.open(newline="", encoding="utf-8") as stream:
        assert table.iloc[:, 0].tolist() == [row[0] for row in csv.reader(stream)][1:]


def test_a_million_rows_by_column(published):
    ((_, table),) = read_texts(published / "insee" / "bpe_ens_2019.parquet", only("DCIRIS", "TYPEQU", "NB_EQUIP"))
    assert table.shape == (1_060_614, 3)
    assert table.loc[table["TYPEQU"] == "D502", "NB_EQUIP"].sum() == 12_338


def test_the_sheets_of_a_published_file(published):
    tables = dict(read_texts(published / "insee" / "table-appartenance-geo-communes-22.zip"))
    assert {name: table.shape for name, table in tables.items()} == {
        "COM": (34_955, 17),
        "Zones_supra_communales": (8984, 4),
    }
    assert tables["COM"].columns[:2].tolist() == ["CODGEO", "LIBGEO"]
    assert tables["Zones_supra_communales"]["NB_COM"].iloc[0] == "105"
