"""CSV of any French flavour to a frame of text: read as a stream, wanted columns only, no row shortened in silence."""

import codecs
import csv
import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import IO, Final, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc

from territoire_geo.cog import quote
from territoire_geo.errors import SourceFormatError, TerritoireGeoWarning

Columns = Callable[[frozenset[str]], frozenset[str]]
Opened = Callable[[], AbstractContextManager[IO[bytes]]]
PIECE: Final = 1024 * 1024  # bytes looked at, at a time
BLOCK: Final = 8 * 1024 * 1024  # bytes parsed at a time: no row of a table is longer
LARGE: Final = 64 * 1024  # bytes: nobody types so much by hand, and who writes it ends its lines
SEPARATORS: Final = ";,\t"
TEXT: Final = pd.StringDtype(storage="pyarrow", na_value=np.nan)


@dataclass(frozen=True)
class _Head:
    """The header of a CSV: a label for each column of the rows under it, the cells and the lines that it takes."""

    names: tuple[str, ...]
    separator: str
    cells: int
    lines: int
    empty: bool

    @property
    def last(self) -> int:
        """Rank of the last column that has a name."""
        return max((rank for rank, name in enumerate(self.names) if name), default=0)


@dataclass(frozen=True)
class _Said:
    """What the bytes of a file tell before it is parsed: how many, quotes, lines, and the last one."""

    size: int
    quotes: int
    lines: int
    last: bytes

    @property
    def is_cut(self) -> bool:
        """Whether the last figure may have lost its end."""
        return self.size > LARGE and self.last.isdigit()


@dataclass
class _Odd:
    """The first row that has not the cells of the header."""

    row: pc.InvalidRow | None = None

    def look(self, row: pc.InvalidRow) -> str:
        if not row.text.strip(f'{SEPARATORS}"\u00a0\u202f \r\n'):
            return "skip"  # a spreadsheet leaves rows of separators under a table
        self.row = self.row or row
        return "error"


def read_csv(opened: Opened, where: str, columns: Columns | None = None) -> pd.DataFrame:
    """
    Read a CSV as text: UTF-8 (with or without BOM), UTF-16 with BOM or Windows-1252; separated by `;`, `,` or tabs.

    The separator is that of the header. Cells may be quoted and hold several lines. Memory holds the columns that are
    wanted, never the whole file, unless it is not UTF-8.

    Parameters
    ----------
    opened
        Opens the file from its start; it is called several times.
    where
        Name of the file, for messages.
    columns
        Which columns of a header to read, every one when None or when it names none of them.

    Returns
    -------
    read_csv
        One `str` column by label, in the order of the file; a blank cell is "". Rows and nameless columns without a
        single figure are left out; a nameless column that has some is called "Unnamed: 0", by its rank.

    Raises
    ------
    SourceFormatError
        If the file is not a CSV, is truncated, a row has not the cells of the header, a quote swallows rows, or a label
        stands twice.

    Warns
    -----
    TerritoireGeoWarning
        If the last line of a large file has no end: when it was cut, its last figure is wrong.
    """
    opened, said = _readable(opened, where)
    with opened() as stream:
        head = _head(stream, where)
    if said.quotes % 2:
        _check_closed(opened, head, where)
    places = _places(head, columns)
    twice = [head.names[place] for place in places if head.names[place]]
    if len(set(twice)) < len(twice):
        repeated = quote(dict.fromkeys(name for name in twice if twice.count(name) > 1))
        raise SourceFormatError(f"{where}: column {repeated} stands twice. Rename or remove one.")
    if head.empty:
        return pd.DataFrame({head.names[place]: pd.Series(dtype=TEXT) for place in places if head.names[place]})
    table = _parsed(opened, head, places, where)
    if said.quotes and said.lines > 1 + table.num_rows:
        _check_cells(opened, head, where)
    if said.is_cut:
        message = (
            f"{where}: its last line has no end. If the file was cut, its last figure is wrong. Download it again."
        )
        warnings.warn(message, TerritoireGeoWarning, stacklevel=2)
    return _named(table, head, places, where)


def _readable(opened: Opened, where: str) -> tuple[Opened, _Said]:
    """Give the file as UTF-8, and what its bytes tell: half a pair of quotes is a truncated file."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    said, utf8 = _Said(0, 0, 1, b"\n"), True
    with opened() as stream:
        first = stream.read(PIECE)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return _recoded((first + stream.read()).decode("utf-16", errors="replace"), where)
        piece = first
        while piece:
            said = _heard(said, piece, where)
            utf8 = utf8 and _decodes(decoder, piece)
            piece = stream.read(PIECE)
    if utf8 and _decodes(decoder, b"", final=True):
        return opened, said
    with opened() as stream:
        return _recoded(stream.read().decode("cp1252", errors="replace"), where)  # what Excel writes in France


def _heard(said: _Said, piece: bytes, where: str) -> _Said:
    if b"\0" in piece:
        raise SourceFormatError(f"{where}: holds NUL bytes, so it is not a CSV. Save it as CSV UTF-8.")
    ends = piece.count(b"\n") + piece.count(b"\r") - piece.count(b"\r\n")
    return _Said(said.size + len(piece), said.quotes + piece.count(b'"'), said.lines + ends, piece[-1:])


def _decodes(decoder: codecs.IncrementalDecoder, piece: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(piece, final)
    except UnicodeDecodeError:
        return False
    return True


def _recoded(text: str, where: str) -> tuple[Opened, _Said]:
    content = text.encode()
    return lambda: nullcontext(io.BytesIO(content)), _heard(_Said(0, 0, 1, b"\n"), content, where)


def _head(stream: IO[bytes], where: str) -> _Head:
    """Read the header and the first row, which tells whether rows have cells beyond the header."""
    start = stream.read(BLOCK).decode("utf-8-sig", errors="ignore")
    written = next((line for line in io.StringIO(start) if line.strip()), "")
    bare = re.sub(r'"[^"]*"', "", written)
    separator = max(SEPARATORS, key=bare.count)
    lines = csv.reader(io.StringIO(start, newline=""), delimiter=separator)
    labels: list[str] = []
    taken = 0
    try:
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if labels:
                return _Head(_fitted(labels, len(cells)), separator, len(labels), taken, empty=False)
            labels, taken = [cell.strip() for cell in cells], lines.line_num
    except csv.Error as error:
        raise SourceFormatError(f"{where}: not a readable CSV ({error}). Open it and save it again.") from error
    if not labels:
        raise SourceFormatError(f"{where}: not a readable CSV (it is empty). Open it and save it again.")
    return _Head(tuple(labels), separator, len(labels), taken, empty=True)


def _fitted(labels: list[str], width: int) -> tuple[str, ...]:
    """Give a header the width of the rows: nameless columns at its end come and go."""
    named = max((rank for rank, label in enumerate(labels, 1) if label), default=0)
    return tuple((labels + [""] * width)[: max(named, width)])


def _check_closed(opened: Opened, head: _Head, where: str) -> None:
    """Raise if a quote is never closed; one in the middle of a word is none."""
    try:
        with opened() as stream:
            pd.read_csv(stream, sep=head.separator, usecols=[0], dtype="str", header=None, skiprows=head.lines)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        message = f"{where}: not a readable CSV ({str(error).strip()}). Download it, or open it and save it, again."
        raise SourceFormatError(message) from error


def _check_cells(opened: Opened, head: _Head, where: str) -> None:
    """Raise if a cell of several lines holds rows: a quote that opens in one and closes in another hides them."""
    lines: list[str] = []

    def told(text: io.TextIOWrapper) -> Iterator[str]:
        for line in text:
            lines.append(line)
            yield line

    with opened() as stream, io.TextIOWrapper(stream, encoding="utf-8", newline="") as text:
        reader = csv.reader(told(text), delimiter=head.separator)
        try:
            for cells in reader:
                if len(lines) > 1 and _hides_rows(lines, cells, head):
                    line = reader.line_num - len(lines) + 1
                    message = (
                        f"{where}: a quote opens at line {line} and hides rows. Remove it; inside a cell, double it."
                    )
                    raise SourceFormatError(message)
                lines.clear()
        except csv.Error as error:
            raise SourceFormatError(f"{where}: not a readable CSV ({error}). Open it and save it again.") from error


def _hides_rows(lines: list[str], cells: list[str], head: _Head) -> bool:
    if any(cell.count(head.separator) >= max(1, head.cells - 1) for cell in cells if "\n" in cell or "\r" in cell):
        return True
    try:
        list(csv.reader(lines, delimiter=head.separator, strict=True))  # a quote that closes ends its cell
    except csv.Error:
        return True
    return False


def _places(head: _Head, columns: Columns | None) -> list[int]:
    """Tell which columns to read; those after the last name too, where decimal commas may have pushed figures."""
    everywhere = list(range(len(head.names)))
    if columns is None:
        return everywhere
    wanted = columns(frozenset(head.names) - {""})
    if not wanted & set(head.names):
        return everywhere
    last = head.last
    return [place for place in everywhere if head.names[place] in wanted or place > last]


def _parsed(opened: Opened, head: _Head, places: list[int], where: str) -> pa.Table:
    numbered = [str(place) for place in range(len(head.names))]
    wanted = [numbered[place] for place in places]
    odd = _Odd()
    try:
        with opened() as stream:
            return pc.read_csv(
                stream,
                # One thread: rows are then numbered, and the memory bounded.
                pc.ReadOptions(column_names=numbered, skip_rows=head.lines, block_size=BLOCK, use_threads=False),
                pc.ParseOptions(delimiter=head.separator, newlines_in_values=True, invalid_row_handler=odd.look),
                pc.ConvertOptions(
                    include_columns=wanted, column_types=dict.fromkeys(wanted, pa.string()), strings_can_be_null=False
                ),
            )
    except pa.ArrowInvalid as error:
        _refuse(odd.row, head, where, error)


def _refuse(row: pc.InvalidRow | None, head: _Head, where: str, error: Exception) -> NoReturn:
    if row is None:
        why = str(error).partition("\n")[0]
        raise SourceFormatError(f"{where}: not a readable CSV ({why}). Open it and save it again.") from error
    cells = f"Expected {row.expected_columns} fields in line {row.number}, saw {row.actual_columns}"
    todo = "Quote decimal commas, or separate columns by `;`." if head.separator == "," else "Correct the row."
    if row.actual_columns < row.expected_columns:
        todo = "The file is truncated, or the row lost cells: download it, or save it, again."
    raise SourceFormatError(f"{where}: not a readable CSV ({cells}). {todo}") from error


def _named(table: pa.Table, head: _Head, places: list[int], where: str) -> pd.DataFrame:
    """Give columns their labels; leave out blank rows, and nameless columns without a figure."""
    frame: pd.DataFrame = table.to_pandas(
        types_mapper={pa.string(): TEXT}.get, split_blocks=True, self_destruct=True
    ).set_axis(places, axis=1)
    blank = frame.iloc[:, 0].str.strip().eq("")
    if blank.any():
        rest = frame[blank].apply(lambda cells: cells.str.strip()).eq("").all(axis=1)
        frame = frame.drop(index=rest.index[rest]).reset_index(drop=True)
    nameless = [place for place in places if not head.names[place]]
    filled = [place for place in nameless if frame[place].str.strip().ne("").any()]
    if any(_overflows(frame[place], head) for place in filled):
        message = f"{where}: rows have more cells than the header. Quote decimal commas, or separate columns by `;`."
        raise SourceFormatError(message)
    everything = len(places) == len(head.names)
    left = [place for place in places if head.names[place] or (everything and place in filled)]
    return frame[left].set_axis([head.names[place] or f"Unnamed: {place}" for place in left], axis=1)


def _overflows(cells: "pd.Series[str]", head: _Head) -> bool:
    """Tell a column that decimal commas have made: to the right of the header, or of its last name."""
    place = int(str(cells.name))
    said = cells.str.strip()
    figures = head.separator == "," and place > head.last and said[said.ne("")].str.match(r"\d").all()
    return place >= head.cells or bool(figures)
