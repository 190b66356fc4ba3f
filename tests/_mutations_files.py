"""The same table in other files: zip, parquet and spreadsheets, whole and damaged."""

import io
import re
import zipfile
from random import Random

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from _mutations import Law, Mutant, figures, mutation, text
from _samples import Sample
from _workbook import workbook

# ------------------------------------------------------------ zip


def packed(members: dict[str, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content, kind)
    return sink.getvalue()


def flipped(content: bytes, rng: Random, most: int = 4) -> bytes:
    out = bytearray(content)
    for _ in range(rng.randint(1, most)):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


@mutation
def zip_nested(sample, rng):
    name = rng.choice(["a.csv", "dossier/été/a.CSV", "a/b/c/d/a.txt", "1.csv"])
    members = {name: text(sample).encode(), "__MACOSX/._a.csv": b"\0\5\26\7", "meta_a.csv": b"COD;LIB\nx;y\n"}
    kept = rng.sample(list(members), 3)
    kind = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    return Mutant(packed({name: members[name] for name in kept}, kind), Law.SAME, ".zip")


@mutation
def zip_flipped(sample, rng):
    kind = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    return Mutant(flipped(packed({"a.csv": text(sample).encode()}, kind), rng), Law.KEPT, ".zip")


@mutation
def zip_cut(sample, rng):
    content = packed({"a.csv": text(sample).encode()})
    return Mutant(content[: rng.randrange(len(content))], Law.KEPT, ".zip")


@mutation
def zip_strange(sample, rng):
    content = text(sample).encode()
    inner = packed({"a.csv": content})
    members = [
        {"a.zip": inner}, {"a.csv": content, "b.csv": content}, {"../a.csv": content}, {"/a.csv": content}, {},
        {"a.csv": b""}, {"a.json": b"{}"}, {"a.csv": content, "c.csv": b"x;y\n1;2\n"}, {"a.csv/": b""},
    ]  # fmt: skip
    return Mutant(packed(rng.choice(members)), Law.KEPT, ".zip")


# ------------------------------------------------------------ parquet


def frame(sample: Sample, *, numbers: bool) -> pa.Table:
    columns = dict(zip(sample.header, map(list, zip(*sample.rows, strict=True)), strict=True))
    if numbers:
        for name in sample.counts + sample.points:
            read = pd.to_numeric(pd.Series(columns[name]), errors="coerce")
            if read.notna().all():
                columns[name] = read
    return pa.table(columns)


def parquet(table: pa.Table, **options) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    return sink.getvalue().to_pybytes()


@mutation
def parquet_converted(sample, rng):
    table = frame(sample, numbers=rng.random() < 0.7)
    way = rng.choice(["", "category", "large", "blank"])
    texts = [name for name in table.column_names if pa.types.is_string(table[name].type)]
    for name in texts:
        place, cells = table.column_names.index(name), table[name]
        if way == "category":
            table = table.set_column(place, name, cells.dictionary_encode())
        elif way == "large":
            table = table.set_column(place, name, cells.cast(pa.large_string()))
        elif way == "blank":
            told = pa.array([cell or None for cell in cells.to_pylist()], pa.string())
            table = table.set_column(place, name, told)
    return Mutant(parquet(table, compression=rng.choice(["zstd", "snappy", "gzip", "none"])), Law.SAME, ".parquet")


@mutation
def parquet_codes_as_numbers(sample, rng):
    table = frame(sample, numbers=True)
    kind = rng.choice([pa.int64(), pa.float64()])
    for name in sample.codes:
        cells = [float(cell) if cell.isdecimal() else None for cell in table[name].to_pylist()]
        table = table.set_column(table.column_names.index(name), name, pa.array(cells, pa.float64()).cast(kind))
    return Mutant(parquet(table), Law.LESS, ".parquet") if sample.codes else None


@mutation
def parquet_flipped(sample, rng):
    kinds = ["zstd", "snappy", "gzip", "none"]
    content = parquet(frame(sample, numbers=rng.random() < 0.5), compression=rng.choice(kinds))
    return Mutant(flipped(content, rng, 2), Law.ANY, ".parquet")


@mutation
def parquet_flipped_with_checksums(sample, rng):
    table = frame(sample, numbers=rng.random() < 0.5)
    content = parquet(table, write_page_checksum=True, compression=rng.choice(["zstd", "snappy", "none"]))
    return Mutant(flipped(content, rng, 1), Law.ANY, ".parquet")


@mutation
def parquet_cut(sample, rng):
    content = parquet(frame(sample, numbers=False))
    return Mutant(content[: rng.randrange(len(content))], Law.KEPT, ".parquet")


# ------------------------------------------------------------ spreadsheets


def cells(sample: Sample, *, numbers: bool) -> list[list[object]]:
    places = {sample.header.index(name) for name in sample.counts + sample.points}

    def cell(at: int, value: str) -> object:
        read = numbers and at in places and re.fullmatch(r"-?\d+(\.\d+)?", value)
        return float(value) if read else value.replace("#", "n") or None

    return [list(sample.header), *([cell(at, value) for at, value in enumerate(row)] for row in sample.rows)]


LETTERS = 26  # columns that the small workbook of the tests can name


@mutation
def xlsx_converted(sample, rng):
    if len(sample.header) > LETTERS:
        return None
    titles = [["Un titre", None], [None], ["Mise en ligne"]][: rng.randint(0, 3)]
    sheets = {
        "Feuil1": [*titles, *cells(sample, numbers=rng.random() < 0.7)],
        "Documentation": [["x", "y"], ["1", "2"]],
    }
    return Mutant(workbook(sheets), Law.SAME, ".xlsx")


@mutation
def xlsx_codes_as_numbers(sample, _):
    if len(sample.header) > LETTERS or not sample.codes:
        return None
    places = {sample.header.index(name) for name in sample.codes}
    rows = [
        [float(cell) if at in places and str(cell).isdecimal() else cell for at, cell in enumerate(row)]
        for row in cells(sample, numbers=True)
    ]
    return Mutant(workbook({"Feuil1": rows}), Law.LESS, ".xlsx")


@mutation
def xlsx_edited(sample, rng):
    """A formula that failed, a formula without its result, a truth value, a date."""
    chosen = figures(sample, sample.counts)
    if len(sample.header) > LETTERS or not chosen:
        return None
    at, column = rng.choice(chosen)
    rows = cells(sample, numbers=True)
    odd = rng.choice(["#REF!", "#N/A", "#DIV/0!", "=1+1", "TRUE", -5.0, float("inf")])
    rows[at + 1][sample.header.index(column)] = odd
    law = Law.LESS if str(odd).startswith("#") else Law.KEPT  # the reader makes a formula that failed an empty cell
    return Mutant(workbook({"Feuil1": rows}), law, ".xlsx")


@mutation
def xlsx_damaged(sample, rng):
    if len(sample.header) > LETTERS:
        return None
    content = workbook({"Feuil1": cells(sample, numbers=True)})
    if rng.random() < 0.3:
        return Mutant(content[: rng.randrange(len(content))], Law.KEPT, ".xlsx")
    return Mutant(flipped(content, rng), Law.KEPT, ".xlsx")


@mutation
def xlsx_damaged_inside(sample, rng):
    """XML that is wrong although the zip is right: no checksum tells."""
    if len(sample.header) > LETTERS:
        return None
    content = workbook({"Feuil1": cells(sample, numbers=True)})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice([name for name in members if name.endswith(".xml")])
    members[name] = flipped(members[name], rng)
    return Mutant(packed(members), Law.ANY, ".xlsx")
