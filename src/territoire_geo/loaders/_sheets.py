"""Spreadsheets (.xlsx, .xls) to frames of text: each sheet that holds a table, from its row of codes down."""

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from typing import IO, TYPE_CHECKING, Final

import pandas as pd

from territoire_geo.cog import quote
from territoire_geo.errors import SourceFormatError
from territoire_geo.loaders._archive import FAULTS, LIMIT, RATIO, SMALL
from territoire_geo.loaders._csv import TEXT, Columns

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

Known = Callable[[frozenset[str]], bool]
Kept = Callable[[Sequence[str]], list[str]]
ABOVE: Final = 30  # rows looked at for a header: titles take four, at most twelve
ZIP: Final = b"PK"
SHEET: Final = re.compile(r"xl/worksheets/.*\.xml", re.IGNORECASE)
CELL: Final = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"[^>/]*>')  # one that holds something
PIECE: Final = 4 * 1024 * 1024  # bytes of a sheet looked at, at a time
OVERLAP: Final = 256  # bytes: the beginning of a cell
AREA: Final = 10_000_000  # cells from the first to the last: the reader makes them all, some 300 MB
SPARSE: Final = 20  # empty cells for one that is not
# A damaged .xls, a format without checksum, may end the program that reads it: another one tries it first.
TRIAL: Final = """
import io, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
except (ImportError, ValueError, OSError):
    pass
from python_calamine import CalamineWorkbook
book = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
for name in book.sheet_names:
    book.get_sheet_by_name(name)
"""
REFUSED: Final = 1  # how Python ends on an error that it can tell: ours to tell, with its words
TRIED: Final = 120  # seconds
CODE: Final = re.compile(r"[A-Z][A-Z0-9_]*")  # CODGEO, P22_POP: how Insee names variables, under their labels
TELLING: Final = re.compile(r"CODGEO|[0-9_]")


def read_sheets(
    stream: IO[bytes], where: str, columns: Columns | None = None, *, known: Known | None = None, kept: Kept = list
) -> Iterator[tuple[str, pd.DataFrame]]:
    """
    Read the tables of a spreadsheet as text; titles above a table are skipped.

    The header is the first row that is known; else, Insee's row of codes under a row of labels; else the first row of
    distinct texts without a hole. Numbers are written exactly, whole ones without decimals: 12.0 is "12", and a
    code that the spreadsheet holds as text keeps its zeros.

    Parameters
    ----------
    stream
        The file, open from its start.
    where
        Its name, for messages.
    columns
        Which columns of a header to read, every one when None or when it names none of them.
    known
        Tells a header that somebody can read, when there is one.
    kept
        Which sheets to read, of their names.

    Yields
    ------
    tuple[str, pandas.DataFrame]
        Name of the sheet and its text, blank rows left out; sheets without a table are passed over. A nameless column
        that has a figure is called "Unnamed: 0", by its rank.

    Raises
    ------
    SourceFormatError
        If the file is not a spreadsheet, is encrypted, damaged or too large once unpacked, or a label stands twice.
    """
    book = _opened(stream, where)
    for name in kept(book.sheet_names):
        sheet = _sheet(book, name, where)
        if sheet is None:
            continue
        rank = _header(sheet, known)
        if rank is not None:
            yield name, _frame(sheet, rank, columns, f"{where} ({name})")


def _opened(stream: IO[bytes], where: str) -> "CalamineWorkbook":
    # Only who reads a spreadsheet pays for it.
    from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - imported at first use

    content = stream.read()
    if content.startswith(ZIP):
        _check_size(content, where)
    else:
        _try(content, where)
    with _faults(f"{where}: not a readable spreadsheet", (CalamineError, OSError, ValueError)):
        return CalamineWorkbook.from_filelike(io.BytesIO(content))


@contextmanager
def _faults(what: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Turn the errors of the reader into ours, its panics too, which derive from no `Exception`."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, errors) and type(error).__name__ != "PanicException":
            raise
        message = f"{what} ({error}). Download or copy it again, or save it as CSV UTF-8."
        raise SourceFormatError(message) from error


def _check_size(content: bytes, where: str) -> None:
    """Raise if an .xlsx, which is a zip, is a bomb: once unpacked, or by a cell far from the others."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(member.file_size for member in archive.infolist())
            is_bomb = size > LIMIT or (size > SMALL and size > RATIO * len(content))
            sheets = [name for name in archive.namelist() if SHEET.fullmatch(name) and not is_bomb]
            areas = [_area(archive, name) for name in sheets]
    except FAULTS as error:
        raise SourceFormatError(f"{where}: not a readable spreadsheet ({error}). Download it again.") from error
    if is_bomb:
        message = f"{where}: {size / 1e6:,.0f} MB once unpacked, from {len(content) / 1e6:,.1f} MB. Check it."
        raise SourceFormatError(message)
    for area, count in areas:
        if area > AREA and area > SPARSE * count:
            message = (
                f"{where}: a cell stands far from the others, and makes {area / 1e6:,.0f} million cells. Delete it."
            )
            raise SourceFormatError(message)


def _area(archive: zipfile.ZipFile, name: str) -> tuple[int, int]:
    """Count the cells of a sheet from the first to the last, and those that hold something."""
    count, row, columns, tail = 0, 0, {b"A"}, b""
    with archive.open(name) as sheet:
        while piece := sheet.read(PIECE):
            found = CELL.findall(tail + piece)
            tail = (tail + piece)[-OVERLAP:]
            count += len(found)
            columns |= {letters for letters, _ in found}
            row = max([row, *(int(number) for _, number in found[-1:])])
    return row * max(_rank(letters) for letters in columns), count


def _rank(letters: bytes) -> int:
    """Read the letters of a column: A is 1, AA is 27."""
    rank = 0
    for letter in letters:
        rank = rank * 26 + letter - ord("A") + 1
    return rank


def _try(content: bytes, where: str) -> None:
    """Raise if an .xls ends the program that reads it."""
    if not sys.executable:
        return
    command = [sys.executable, "-c", TRIAL]
    message = f"{where}: not a readable spreadsheet, it is damaged. Download or copy it again."
    try:
        done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=TRIED)  # noqa: S603 - our own code
    except subprocess.TimeoutExpired as error:
        raise SourceFormatError(message) from error
    except OSError:  # no other program may be run here
        return
    if done.returncode not in {0, REFUSED}:
        raise SourceFormatError(message)


def _sheet(book: "CalamineWorkbook", name: str, where: str) -> "CalamineSheet | None":
    from python_calamine import CalamineError, SheetTypeEnum  # noqa: PLC0415 - imported at first use

    kinds = {sheet.name: sheet.typ for sheet in book.sheets_metadata}
    if kinds.get(name) != SheetTypeEnum.WorkSheet:
        return None  # a chart, a macro
    with _faults(f"{where} ({name}): not a readable sheet", (CalamineError, OSError, ValueError)):
        return book.get_sheet_by_name(name)


def _header(sheet: "CalamineSheet", known: Known | None) -> int | None:
    """Find the row of the header: known, else of codes, else of labels; none when the sheet holds no table."""
    if sheet.start is None:
        return None
    rows = [_labels(row) for row in islice(sheet.iter_rows(), ABOVE)]
    if known:
        for rank, row in enumerate(rows):
            if row and known(frozenset(filter(None, row))):
                return rank
    whole = [rank for rank, row in enumerate(rows) if _is_header(row)]
    first = next(iter(whole), None)
    if first is not None and first + 1 in whole and _is_codes(rows[first + 1]) and not _is_codes(rows[first]):
        return first + 1
    return first


def _labels(row: Iterable[object]) -> list[str] | None:
    """Read a row as labels, up to the last one; a figure is no label."""
    cells = list(row)
    if any(not isinstance(cell, str) for cell in cells):
        return None
    labels = [str(cell).strip() for cell in cells]
    while labels and not labels[-1]:
        labels.pop()
    return labels


def _is_header(row: list[str] | None) -> bool:
    return row is not None and len(row) > 1 and all(row) and len(set(row)) == len(row)


def _is_codes(row: list[str] | None) -> bool:
    # A row of data may be in capitals too (AI, ACI).
    return row is not None and all(map(CODE.fullmatch, row)) and any(map(TELLING.search, row))


def _frame(sheet: "CalamineSheet", rank: int, columns: Columns | None, where: str) -> pd.DataFrame:
    rows = islice(sheet.iter_rows(), rank, None)
    names = _labels(next(rows)) or []
    names += [""] * (sheet.width - len(names))  # a remark beside the table
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        message = f"{where}: column {quote(dict.fromkeys(twice))} stands twice. Rename or remove one."
        raise SourceFormatError(message)
    wanted = columns(frozenset(filter(None, names))) if columns else frozenset(names)
    places = [place for place, name in enumerate(names) if name in wanted] or list(range(len(names)))
    read: list[list[str]] = []
    for row in rows:
        cells = [_text(row[place]) for place in places]
        if any(cells):
            read.append(cells)
    frame = pd.DataFrame(read, columns=pd.Index(places), dtype=TEXT)
    left = [place for place in places if names[place] or frame[place].ne("").any()]
    return frame[left].set_axis([names[place] or f"Unnamed: {place}" for place in left], axis=1)


def _text(cell: object) -> str:
    """Write a cell as a CSV would: exactly, a whole number without decimals."""
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    return "" if cell is None else str(cell)
