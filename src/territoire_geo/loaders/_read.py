"""Files to frames of text, whatever their format; then text to numbers and states of absence."""

import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Final

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from territoire_geo.cog import quote
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TableError
from territoire_geo.loaders._archive import members, open_member
from territoire_geo.loaders._base import DAMAGED
from territoire_geo.loaders._csv import TEXT, Columns, Opened, read_csv
from territoire_geo.loaders._sheets import Known, read_sheets
from territoire_geo.tables import Absence

TABLES: Final = (".csv", ".txt", ".parquet", ".xlsx", ".xls")
SUFFIXES: Final = (*TABLES, ".zip")
# What comes with tables and is none: labels of columns, documentation, a licence.
ABOUT: Final = re.compile(r"meta.*|.*metadata|variables.*|documentation|lisez.*|read.?me.*|licen[cs]e.*", re.IGNORECASE)
SPACES: Final = r"[\s\u00a0\u202f]"  # French thousands
GROUPED: Final = rf"[-+]?\d{{1,3}}(?:{SPACES}\d{{3}})+(?:[.,]\d*)?"  # "1 2" is no number
TWOFOLD: Final = r"[-+]?[1-9]\d{0,2},\d{3}"  # "1,234" is a French 1.234 and an English 1234
DEGREES: Final = ("lon", "lat")
# Insee gives one table by level under the same header: "cc_filosofi_2021_COM", "..._DEP"; "COM_2022", "ARM_2022".
LEVEL: Final = re.compile(
    r"(?P<head>.*?)(?<![A-Za-z])(?P<level>COM|ARM|ARR|AAV\d*|AU\d*|BV\d*|CV|DEP|EPCI|EPT|FR|FRANCE|METRO\w*|PETR|REG|"
    r"UU\d*|ZE\d*)(?:_(?P<year>\d{4}))?"
)
SYNONYMS: Final = {
    "longitude": "lon",
    "latitude": "lat",
    "code_insee": CODE_COMMUNE,
    "codgeo": CODE_COMMUNE,
    "depcom": CODE_COMMUNE,
}
TOKENS: Final = {
    "": Absence.NOT_PUBLISHED,
    "nd": Absence.NOT_PUBLISHED,
    "n/d": Absence.NOT_PUBLISHED,
    "na": Absence.NOT_PUBLISHED,
    "n/a": Absence.NOT_PUBLISHED,
    "nan": Absence.NOT_PUBLISHED,
    "null": Absence.NOT_PUBLISHED,
    "s": Absence.SECRET,
    "*": Absence.SECRET,
    "secret": Absence.SECRET,
    "so": Absence.NOT_APPLICABLE,
    "s.o.": Absence.NOT_APPLICABLE,
    "sans objet": Absence.NOT_APPLICABLE,
}


def sha256(path: Path) -> str:
    """
    Hash a file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    sha256
        Hexadecimal digest.

    Raises
    ------
    SourceUnavailableError
        If the file cannot be opened.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise SourceUnavailableError(_closed(path, error)) from error


def read_texts(
    path: Path, columns: Columns | None = None, *, known: Known | None = None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """
    Read the tables of a file as text.

    A CSV is UTF-8 (with or without BOM), UTF-16 with BOM or Windows-1252, separated by `;`, `,` or tabs; a spreadsheet
    gives each of its sheets, titles skipped; a zip gives each of its files, without writing anything to the disk.
    `kept_tables` tells which.

    Parameters
    ----------
    path
        A .csv, .txt, .parquet, .xlsx, .xls or .zip file.
    columns
        Which columns of a header to read, every one when None or when it names none of them.
    known
        Tells a header that somebody can read: a spreadsheet may have several rows that look like one.

    Yields
    ------
    tuple[str, pandas.DataFrame]
        Name of the table and its text, rows without a single figure left out; parquet columns that are numbers stay
        numbers.

    Raises
    ------
    SourceFormatError
        If the file is truncated, empty or not of the format its name says, or a zip is too large once unpacked.
    SourceUnavailableError
        If the file cannot be opened.
    """
    if path.suffix.lower() != ".zip":
        _open(path).close()  # a file that is not there is told as such, whatever its format
        yield from _tables(path.name, str(path), partial(_open, path), columns, known)
        return
    names = [name for name in members(path) if PurePosixPath(name).suffix.lower() in TABLES]
    kept = set(kept_tables([PurePosixPath(name).stem for name in names]))
    for name in names:
        if PurePosixPath(name).stem in kept:
            yield from _tables(name, f"{path}!{name}", partial(open_member, path, name), columns, known)


def kept_tables(names: Sequence[str]) -> list[str]:
    """
    Choose the tables of a file to read: not what documents them, nor levels of geography beside that of communes.

    Parameters
    ----------
    names
        Names of its tables.

    Returns
    -------
    kept_tables
        Those to read, in the same order. Of tables that differ by their level, that of communes, of the newest year;
        all when none is of communes.

    Examples
    --------
    >>> kept_tables(["cc_filosofi_2021_COM", "cc_filosofi_2021_BV2022", "cc_filosofi_2021_REG", "meta_cc"])
    ['cc_filosofi_2021_COM']
    >>> kept_tables(["COM_2016", "COM_2022", "ARM_2022", "Variables_2022", "Feuil1"])
    ['COM_2022', 'Feuil1']
    """
    parts = {name: match for name in names if (match := LEVEL.fullmatch(name))}
    newest: dict[str, str] = {}
    for match in parts.values():
        if match["level"] == "COM":
            newest[match["head"]] = max(newest.get(match["head"], ""), match["year"] or "")

    def is_kept(name: str) -> bool:
        match = parts.get(name)
        if match is None or match["head"] not in newest:
            return not ABOUT.fullmatch(name)
        return match["level"] == "COM" and (match["year"] or "") == newest[match["head"]]

    return [name for name in names if is_kept(name)]


def _closed(path: Path, error: OSError) -> str:
    return f"{path}: cannot be read ({error.strerror}). Check its name and rights."


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceUnavailableError(_closed(path, error)) from error


def _tables(
    name: str, where: str, opened: Opened, columns: Columns | None, known: Known | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    stem, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix.lower()
    if suffix == ".parquet":
        with opened() as stream:
            yield stem, _parquet(stream, where, columns)
    elif suffix in {".xlsx", ".xls"}:
        with opened() as stream:
            yield from read_sheets(stream, where, columns, known=known, kept=kept_tables)
    else:
        yield stem, read_csv(opened, where, columns)


def _parquet(stream: IO[bytes], where: str, columns: Columns | None) -> pd.DataFrame:
    try:
        source = stream if stream.seekable() else io.BytesIO(stream.read())
        file = pq.ParquetFile(source, page_checksum_verification=True)  # who writes them has them checked
        names = file.schema_arrow.names
        wanted = columns(frozenset(names)) if columns else frozenset(names)
        table = file.read(columns=[name for name in names if name in wanted] or None)
        table.validate(full=True)  # texts that are not UTF-8 would fail later
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True, split_blocks=True, self_destruct=True)
    except DAMAGED as error:
        why = str(error).partition("\n")[0]
        message = f"{where}: not a readable parquet file ({why}). Download or copy it again."
        raise SourceFormatError(message) from error
    if len(set(names)) < len(names):
        repeated = quote(dict.fromkeys(name for name in names if names.count(name) > 1))
        raise SourceFormatError(f"{where}: column {repeated} stands twice. Rename or remove one.")
    return frame


def header(columns: list[str]) -> list[str]:
    """
    Write the labels of a header as contracts do: "Code commune" becomes "code_commune".

    Parameters
    ----------
    columns
        Names of columns, as people write them.

    Returns
    -------
    header
        Lower-case words without accents, joined by underscores; the usual synonyms of our columns are translated.
    """
    words = [unicodedata.normalize("NFKD", column.lower()).encode("ascii", "ignore").decode() for column in columns]
    names = [re.sub(r"[^a-z0-9]+", "_", word).strip("_") for word in words]
    return [SYNONYMS.get(name, name) for name in names]


def numbers(frame: pd.DataFrame, columns: list[str], *, where: str) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """
    Turn columns of text into numbers, and keep why the others are missing.

    Parameters
    ----------
    frame
        A table of text, indexed by its key.
    columns
        Columns of numbers; decimal point or comma, French thousands.
    where
        The table, for the message.

    Returns
    -------
    tuple[pandas.DataFrame, pandas.Series]
        The table with floats, NaN unknown; and the `Absence` of each NaN that says more than "not published",
        indexed by (key, column).

    Raises
    ------
    TableError
        If a cell is neither a number nor a known mark of absence, or may be thousands or decimals: 1,234.
    """
    out = frame.copy()
    states = [pd.Series(index=pd.MultiIndex.from_arrays([[], []]), dtype="str")]
    for column in columns:
        cells = frame[column]
        if pd.api.types.is_numeric_dtype(cells):
            continue
        values = pd.to_numeric(cells.astype("str"), errors="coerce").to_numpy(dtype="float64", copy=True)
        out[column] = values
        if not np.isnan(values).any():
            continue
        left = cells[np.isnan(values)].astype("str")  # a blank, a mark of absence, a French number
        absent = left.str.strip().str.lower().map(TOKENS).where(left.notna(), Absence.NOT_PUBLISHED)
        read = _french(left[absent.isna()], f"{where}.{column}", signed=column in DEGREES)
        values[np.flatnonzero(np.isnan(values))[absent.isna().to_numpy()]] = read
        out[column] = values
        said = absent[absent.isin([Absence.SECRET, Absence.NOT_APPLICABLE])].astype("str")
        if len(said):
            states.append(said.set_axis(pd.MultiIndex.from_product([said.index, [column]])))
    return out, pd.concat(states)


def _french(cells: "pd.Series[str]", where: str, *, signed: bool) -> "pd.Series[float]":
    """Read numbers with a decimal comma, or thousands set apart by a space; raise for what is none."""
    bare = cells.str.strip()
    spaced = bare.str.contains(SPACES, regex=True)
    text = bare.where(~spaced | bare.str.fullmatch(GROUPED), "").str.replace(SPACES, "", regex=True)
    read = pd.to_numeric(text.str.replace(",", "."), errors="coerce")
    wrong = cells[read.isna()]
    if len(wrong):
        message = (
            f"{where}: {quote(wrong)} is not a number. Write a number, leave the cell empty (not published), or write "
            "s (secret) or so (sans objet)."
        )
        raise TableError(message)
    commas = bare[bare.str.contains(",", regex=False)]
    if len(commas) and not signed and commas.str.fullmatch(TWOFOLD).all():
        message = (
            f"{where}: {quote(commas)} may be thousands or decimals. Write 1234 for the first, 1.234 for the second."
        )
        raise TableError(message)
    return read


def summed(text: pd.DataFrame, keys: Sequence[str], columns: Sequence[str], *, where: str) -> pd.DataFrame:
    """
    Sum the counts of rows that share a key: the parts of a commune, of an employment area.

    Parameters
    ----------
    text
        A table of text, one row by part.
    keys
        Columns that name the whole.
    columns
        Columns of counts.
    where
        The table, for the message.

    Returns
    -------
    summed
        Keys and columns as text, one row by whole, in the order of the file. A sum with an unknown part is unknown:
        it holds the mark of what is missing, "s" when a part is secret.

    Raises
    ------
    TableError
        If a cell is neither a number nor a known mark of absence, or is negative or infinite: a sum would hide it.
    """
    frame = text.reset_index(drop=True)
    values, states = numbers(frame[list(columns)], list(columns), where=where)
    refuse_hidden(values, where=where)
    groups = frame.groupby(list(keys), sort=False, dropna=False)
    rank = groups.ngroup()
    whole = values.astype("float64").groupby(rank).sum(min_count=1).mask(values.isna().groupby(rank).any())
    out = frame.loc[~rank.duplicated(), list(keys)].reset_index(drop=True)
    for column in columns:
        sums = whole[column]
        out[column] = pd.Series([repr(value) for value in sums.to_list()], dtype=TEXT).mask(sums.isna(), "")
        said = states[states.index.get_level_values(1) == column].droplevel(1)
        for state, mark in ((Absence.NOT_APPLICABLE, "so"), (Absence.SECRET, "s")):  # a secret part outranks
            out.loc[rank[said.index[said == state]].unique(), column] = mark
    return out


def refuse_hidden(parts: pd.DataFrame, *, where: str) -> None:
    """
    Raise if a part is no count: its sum with others would hide it.

    Parameters
    ----------
    parts
        Counts, one row by part.
    where
        The table, for the message.

    Raises
    ------
    TableError
        If one is negative or infinite.
    """
    for column, counts in parts.items():
        wrong = counts[(counts < 0) | (counts.abs() == np.inf)]
        if len(wrong):
            message = f"{where}.{column}: {quote(wrong)} is not a count. Correct the figure or leave it empty."
            raise TableError(message)


def refuse_repeated(text: pd.DataFrame, keys: Sequence[str], *, where: str) -> None:
    """
    Raise if a part stands twice: it would be counted twice.

    Parameters
    ----------
    text
        A table of text, one row by part.
    keys
        Columns that name a part.
    where
        The table, for the message.

    Raises
    ------
    TableError
        If two rows have the same keys.
    """
    twice = text[list(keys)].duplicated()
    if twice.any():
        named = [tuple(row) for row in text.loc[twice, list(keys)].to_numpy()]
        message = f"{where}: {quote(named)} ({', '.join(keys)}) stands on several rows. Keep one row by part."
        raise TableError(message)
