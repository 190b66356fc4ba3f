"""Insee Melodi, answers and files of the producer to one same frame of text: one row by observation."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from territoire_geo.cog import quote
from territoire_geo.errors import SourceError, SourceFormatError
from territoire_geo.loaders._archive import find_member, open_member
from territoire_geo.loaders._melodi import ATTRIBUTES, GEO, LEVEL, LEVELS, TOTAL, VALUE, YEAR, Cube, check_columns, tidy
from territoire_geo.loaders._read import read_texts

COG: Final = "cog_year"
PLACE: Final = r"^(\d{4})-([A-Z0-9]+)-(.+)$"
BLOCK: Final = 1024 * 1024  # bytes of CSV parsed at a time: many rows, and little memory
HEADER: Final = 65_536  # bytes: no header is longer


def observations(body: object, *, where: str) -> pd.DataFrame:
    """
    Read the observations of an answer in the shape of the published CSV.

    Parameters
    ----------
    body
        Answer of `/data/{dataset}`.
    where
        Name of the source, for messages.

    Returns
    -------
    observations
        Text: `GEO` (bare code), `GEO_OBJECT`, `cog_year` of the code, dimensions, statuses and `OBS_VALUE`, blank when
        it is withheld.

    Raises
    ------
    SourceFormatError
        If the answer has not this shape.
    """
    listed = body.get("observations") if isinstance(body, Mapping) else None
    if not isinstance(listed, list):
        held = quote(body) if isinstance(body, Mapping) else type(body).__name__
        raise SourceFormatError(f"{where}: an answer with observations was expected, not {held}.")
    try:
        frame = pd.DataFrame([_codes(observation["dimensions"]) for observation in listed], dtype="str")
        said = [_codes(observation.get("attributes") or {}) for observation in listed]
        values = [_value(observation["measures"]) for observation in listed]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = f"{where}: observations have not the shape of Melodi (dimensions, measures: {error!r})."
        raise SourceFormatError(message) from error
    if frame.empty:
        return frame
    lacking = [column for column in (GEO, YEAR) if column not in frame] or list(frame.columns[frame.isna().any()])
    if lacking:
        raise SourceFormatError(f"{where}: observations lack the dimension {quote(lacking)}.")
    place = frame[GEO].str.extract(PLACE)
    if place[0].isna().any():
        wrong = frame.loc[place[0].isna(), GEO].unique()
        raise SourceFormatError(f"{where}: {quote(wrong)} is not a place such as 2026-COM-39198.")
    attributes = pd.DataFrame(said, index=frame.index, dtype="str")
    for name in attributes.columns.intersection(sorted(ATTRIBUTES)):  # another would be taken for a dimension
        frame[name] = attributes[name].where(attributes[name].notna(), "")
    frame[COG], frame[LEVEL], frame[GEO] = place[0], place[1], place[2]
    frame[VALUE] = pd.Series(values, dtype="str")
    return frame


def _codes(told: Mapping[str, object]) -> dict[str, str]:
    """Write the codes of an observation; anything else than codes by name is refused."""
    wrong = [code for code in told.values() if not isinstance(code, str | int)]
    if wrong:
        raise TypeError(f"{wrong[0]!r} is not a code")
    return {str(name): str(code) for name, code in told.items()}


def _value(measures: Mapping[str, Mapping[str, object]]) -> str:
    """Write the only measure of an observation; blank when it is withheld."""
    (measure,) = measures.values()
    value = measure.get("value")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(f"{value!r} is not a figure")
    return str(value)


def read_cube(cube: Cube, path: Path) -> pd.DataFrame:
    """
    Read the file of a cube. Of a zip, memory holds the rows that are used, never the whole.

    Parameters
    ----------
    cube
        What is read of it.
    path
        A zip with one `..._data.csv`, a CSV, or a parquet.

    Returns
    -------
    read_cube
        Text, one row by observation.

    Raises
    ------
    SourceFormatError
        If the file cannot be read, or is not that of the cube.
    """
    if path.suffix.lower() != ".zip":
        frame = next((table for _, table in read_texts(path)), pd.DataFrame())
        check_columns(cube, tuple(frame.columns))
        return frame
    kept: list[pa.Table] = []
    first: pa.Table | None = None
    for block in _blocks(path):
        if first is None:
            check_columns(cube, tuple(block.column_names))
            first = block
        kept.append(_filtered(cube, block))
    if first is None:
        raise SourceFormatError(f"{path}: no row under the header. Download it again.")
    table = pa.concat_tables(kept)
    if not table.num_rows:
        tidy(cube, first.to_pandas())  # says which code is missing
    rows: pd.DataFrame = table.to_pandas()
    return rows


def check_file(cube: Cube, path: Path) -> None:
    """
    Raise unless a file has the columns that are read of a cube; its rows are not looked at.

    Parameters
    ----------
    cube
        The cube.
    path
        A zip with one `..._data.csv`.

    Raises
    ------
    SourceFormatError
        If it has not.
    """
    with _opened(path) as stream:
        check_columns(cube, tuple(_header(stream)[1]))


def _filtered(cube: Cube, block: pa.Table) -> pa.Table:
    mask = pc.is_in(block[LEVEL], value_set=pa.array(LEVELS))
    for dimension in (*cube.pins, *cube.vary):
        mask = pc.and_(mask, pc.is_in(block[dimension], value_set=pa.array(cube.codes(dimension))))
    for dimension in cube.leaves:
        mask = pc.and_(mask, pc.not_equal(block[dimension], TOTAL))
    return block.filter(mask)


def _blocks(path: Path) -> Iterator[pa.Table]:
    """Read the CSV of a zip as text, piece by piece."""
    try:
        with _opened(path) as stream:
            separator, names = _header(stream)
        convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        parse, read = pacsv.ParseOptions(delimiter=separator), pacsv.ReadOptions(block_size=BLOCK)
        with _opened(path) as stream, pacsv.open_csv(stream, read, parse, convert) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])
    except SourceError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise SourceFormatError(f"{path}: not a readable cube ({error}). Download it again.") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with open_member(path, find_member(path, r"_data\.csv$")) as stream:
        yield stream


def _header(stream: IO[bytes]) -> tuple[str, list[str]]:
    line = stream.readline(HEADER).decode("utf-8-sig", errors="replace")
    separator = ";" if line.count(";") >= line.count(",") else ","
    return separator, [name.strip().strip('"') for name in line.split(separator)]
