"""Files to frames of text: CSV of any French flavour, parquet, zip; then text to numbers and states of absence."""

import codecs
import hashlib
import io
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.cog import quote
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TableError
from territoire_geo.loaders._base import read_parquet
from territoire_geo.tables import Absence

SUFFIXES: Final = (".csv", ".txt", ".parquet", ".zip")
SPACES: Final = r"[\s\u00a0\u202f]"  # French thousands
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


LIMIT: Final = 2 * 1024**3  # bytes unpacked from one zip: twice the largest file that is published
RATIO: Final = 200  # text packs some ten times; a bomb, a thousand times
SMALL: Final = 50 * 1024**2  # bytes under which the ratio does not matter


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
        raise SourceUnavailableError(
            f"{path}: cannot be read ({error.strerror}). Check its name and rights."
        ) from error


def read_texts(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    """
    Read the tables of a file as text.

    CSV is UTF-8 (with or without BOM), UTF-16 with BOM or Windows-1252, separated by `;`, `,` or tabs; a zip gives each
    of its CSV, without writing anything to the disk.

    Parameters
    ----------
    path
        A .csv, .txt, .parquet or .zip file.

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
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        yield path.stem, read_parquet(path).to_pandas(ignore_metadata=True)
    elif suffix == ".zip":
        yield from _unzip(path)
    else:
        try:
            content = path.read_bytes()
        except OSError as error:
            message = f"{path}: cannot be read ({error.strerror}). Check its name and rights."
            raise SourceUnavailableError(message) from error
        yield path.stem, _csv(content, str(path))


def _unzip(path: Path) -> Iterator[tuple[str, pd.DataFrame]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if _is_table(member.filename)]
            _check_size(path, members)
            for member in members:
                yield Path(member.filename).stem, _csv(archive.read(member), f"{path}!{member.filename}")
    # Encrypted members raise RuntimeError, unknown compressions NotImplementedError, damaged ones zlib.error.
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise SourceFormatError(f"{path}: not a readable zip ({error}). Download or copy it again.") from error


def _is_table(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in {".csv", ".txt"} and not hidden


def _check_size(path: Path, members: list[zipfile.ZipInfo]) -> None:
    size = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if size > LIMIT or (size > SMALL and size / packed > RATIO):
        message = f"{path}: {size / 1e6:,.0f} MB once unpacked, from {packed / 1e6:,.1f} MB. Unpack it and check it."
        raise SourceFormatError(message)


def _decode(content: bytes, where: str) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16", errors="replace")
    if b"\0" in content:
        raise SourceFormatError(f"{where}: holds NUL bytes, so it is not a CSV. Save it as CSV UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # what Excel writes in France


def _csv(content: bytes, where: str) -> pd.DataFrame:
    text = _decode(content, where)
    header = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
    separator = max(";,\t", key=header.count)
    try:
        frame = pd.read_csv(io.StringIO(text), sep=separator, dtype="str", keep_default_na=False, na_filter=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise SourceFormatError(
            f"{where}: not a readable CSV ({str(error).strip()}). Open it and save it again."
        ) from error
    if len(frame) and not isinstance(frame.index, pd.RangeIndex):
        frame = _realign(frame, where)
    frame.columns = frame.columns.str.strip()
    if frame.columns.has_duplicates:
        twice = quote(frame.columns[frame.columns.duplicated()])
        raise SourceFormatError(f"{where}: column {twice} stands twice. Rename or remove one.")
    # A spreadsheet leaves rows of separators under a table.
    blank = frame.iloc[:, 0].str.strip().eq("")
    if blank.any():
        blank &= frame.fillna("").apply(lambda cells: cells.str.strip()).eq("").all(axis=1)
    return frame[~blank].reset_index(drop=True)


def _realign(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Undo the shift of pandas when rows have more cells than the header: accepted when the extra cells are empty."""
    cells = frame.reset_index()
    if (cells.iloc[:, len(frame.columns) :] != "").any(axis=None):
        message = f"{where}: rows have more cells than the header. Quote decimal commas, or separate columns by `;`."
        raise SourceFormatError(message)
    return cells.iloc[:, : len(frame.columns)].set_axis(frame.columns, axis=1)


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
        If a cell is neither a number nor a known mark of absence.
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
        text = left[absent.isna()].str.replace(SPACES, "", regex=True).str.replace(",", ".")
        read = pd.to_numeric(text, errors="coerce")
        wrong = left[absent.isna()][read.isna()]
        if len(wrong):
            message = (
                f"{where}.{column}: {quote(wrong)} is not a number. Write a number, leave the cell empty (not "
                "published), or write s (secret) or so (sans objet)."
            )
            raise TableError(message)
        values[np.flatnonzero(np.isnan(values))[absent.isna().to_numpy()]] = read
        out[column] = values
        said = absent[absent.isin([Absence.SECRET, Absence.NOT_APPLICABLE])].astype("str")
        if len(said):
            states.append(said.set_axis(pd.MultiIndex.from_product([said.index, [column]])))
    return out, pd.concat(states)
