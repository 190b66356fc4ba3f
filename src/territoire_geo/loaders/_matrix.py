"""A road engine asked block by block: its seconds are checked, and become minutes."""

import logging
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.columns import DESTINATION, MINUTES, ORIGIN
from territoire_geo.errors import SourceError, SourceFormatError, SourceUnavailableError, TerritoireGeoWarning
from territoire_geo.loaders._blocks import Block, Pairs, blocks, km_of
from territoire_geo.loaders._calls import Ask, prepare
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Door, fetch_json

LOG: Final = logging.getLogger("territoire_geo")
LONGEST: Final = 7 * 24 * 3600.0  # s: beyond, the unit is not the second
FASTEST: Final = 300.0  # km/h as the crow flies: beyond, it is not either
FAR: Final = 20.0  # km from which a speed says something; nearer, points are moved to the nearest road
Part = tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]  # origins, destinations, minutes, as long
MANY: Final = 500  # requests to a public server from which the reader is warned
TOLD: Final = 100  # requests between two messages
COORDINATES: Final = re.compile(r"/-?\d+\.\d+,-?\d+\.\d+;[^?\s]*(\?\S*annotations=\w+)?")  # hundreds, in one address
TOO_LARGE: Final = re.compile(r"TooBig|Too many table coordinates|Exceeded max locations|\b6004\b|answered 41[34]\b")


@dataclass(frozen=True)
class Engine:
    """
    A road engine: `question` asks for a block, `read` gives its seconds.

    `side` is the number of origins, and of destinations, of one request at most; `blame` may turn an error into one
    that names the place at fault.
    """

    source: Entry
    side: int
    question: Callable[[Pairs, Block], Ask]
    read: Callable[[object, Block, Entry], NDArray[np.float64]]
    blame: Callable[[SourceError, Pairs, Block], SourceError] = lambda error, _pairs, _block: error


def announce(door: Door, source: Entry, requests: int) -> None:
    """
    Say how many requests a question takes, and warn when they are many for a server that is everybody's.

    Parameters
    ----------
    door
        The network.
    source
        The engine.
    requests
        Their number; those answered before are not sent again.
    """
    minutes = requests / source.service.per_minute
    LOG.info("%s: at most %d requests, %.0f min at the pace of the service", source.id, requests, minutes)
    base = prepare(source, Ask(), door.bases).base
    if requests > MANY and base == source.service.base_url.rstrip("/"):
        message = (
            f"{source.title}: up to {requests:,} requests to {base}, a public server for light use ({minutes:,.0f} min "
            f"at its pace). {source.limits} Lower within_km, or give the address of your own server."
        )
        warnings.warn(message, TerritoireGeoWarning, stacklevel=5)


def ask_engine(door: Door, engine: Engine, pairs: Pairs) -> "pd.Series[float]":
    """
    Ask an engine for the minutes of pairs [minutes].

    Parameters
    ----------
    door
        The network.
    engine
        The engine.
    pairs
        What is asked.

    Returns
    -------
    ask_engine
        Indexed by (origin, destination), sorted and unique; NaN when there is no way.

    Raises
    ------
    SourceError
        If the engine fails.
    SourceFormatError
        If it answers something else than durations.
    """
    todo = blocks(pairs, engine.side)
    announce(door, engine.source, len(todo))

    def ask(block: Block) -> NDArray[np.float64]:
        def seconds(body: object) -> NDArray[np.float64]:
            found = engine.read(body, block, engine.source)
            _check(pairs, block, found, engine.source)
            return found

        try:
            return seconds(fetch_json(door, engine.source, engine.question(pairs, block), check=seconds))
        except SourceError as error:
            blamed = engine.blame(error, pairs, block)
            if blamed is not error:
                raise blamed from error
            if not isinstance(error, SourceUnavailableError):
                raise
            told = COORDINATES.sub("/...", str(error).partition(" Try again later")[0])
            message = f"{told} Try again later, with another engine, or with a file of minutes (load_minutes)."
            raise SourceUnavailableError(message) from error

    return gather(pairs, todo, engine.source, ask)


def gather(
    pairs: Pairs, todo: list[Block], source: Entry, ask: Callable[[Block], NDArray[np.float64]]
) -> "pd.Series[float]":
    """
    Ask for blocks, in halves when the server finds them too large, and put their minutes together [minutes].

    Parameters
    ----------
    pairs
        What is asked.
    todo
        The requests.
    source
        The engine, for messages.
    ask
        A block to its seconds.

    Returns
    -------
    gather
        Indexed by (origin, destination), sorted and unique; NaN when there is no way.

    Raises
    ------
    SourceError
        If the engine fails, or refuses a single pair as too large.
    """
    waiting, parts, refused, sent = todo[::-1], [], math.inf, 0
    while waiting:
        block = waiting.pop()
        if block.size >= refused:
            waiting += block.halves()[::-1]
            continue
        try:
            seconds = ask(block)
        except SourceError as error:
            if block.size == 1 or not TOO_LARGE.search(str(error)):
                raise
            LOG.info("%s: %d pairs are too many for one request, asked in halves", source.id, block.size)
            refused = block.size
            waiting.append(block)
            continue
        rows, columns = np.nonzero(km_of(pairs, block) <= pairs.chord)
        minutes = (seconds[rows, columns] / 60).round(3)
        parts.append((block.origins[rows], block.destinations[columns], minutes))
        sent += 1
        if sent % TOLD == 0:
            LOG.info("%s: %d requests answered, %d or more to come", source.id, sent, len(waiting))
    return series(pairs, parts)


def _check(pairs: Pairs, block: Block, seconds: NDArray[np.float64], source: Entry) -> None:
    """Refuse durations that no trip has: negative, endless, or faster than a train."""
    km = km_of(pairs, block)
    wrong = (seconds < 0) | (seconds > LONGEST) | ((km > FAR) & (km * 3600 > FASTEST * seconds))
    if not wrong.any():
        return
    row, column = np.argwhere(wrong)[0]
    pair = f"{pairs.origins.ids[block.origins[row]]} to {pairs.destinations.ids[block.destinations[column]]}"
    message = (
        f"{source.title}: {seconds[row, column]:g} s from {pair}, {km[row, column]:.1f} km apart, cannot be. "
        f"Check the unit and the server, and see {source.landing_page}."
    )
    raise SourceFormatError(message)


def series(pairs: Pairs, parts: list[Part]) -> "pd.Series[float]":
    """
    Put minutes under the ids of their pairs [minutes].

    Parameters
    ----------
    pairs
        What was asked.
    parts
        Positions of origins and destinations, and minutes.

    Returns
    -------
    series
        Indexed by (origin, destination), sorted and unique.
    """
    empty: Part = (np.array([], dtype=np.intp), np.array([], dtype=np.intp), np.array([], dtype=np.float64))
    starts, ends, minutes = (np.concatenate(side) for side in zip(empty, *parts, strict=True))
    order = np.lexsort((ends, starts))
    names = [pairs.origins.ids[starts[order]], pairs.destinations.ids[ends[order]]]
    index = pd.MultiIndex.from_arrays(names, names=[ORIGIN, DESTINATION])
    return pd.Series(minutes[order], index=index, name=MINUTES, dtype="float64")


def table(cells: object, block: Block, source: Entry) -> NDArray[np.float64]:
    """
    Read a matrix of durations as JSON gives it, of the size that was asked [s].

    Parameters
    ----------
    cells
        Rows of numbers; null is no way, NaN.
    block
        What was asked.
    source
        The engine, for the message.

    Returns
    -------
    table
        One row by origin.

    Raises
    ------
    SourceFormatError
        If it is not a matrix of that size, or a cell is not a number.
    """
    rows, columns = len(block.origins), len(block.destinations)
    shaped = isinstance(cells, list) and all(isinstance(row, list) and len(row) == columns for row in cells)
    if not isinstance(cells, list) or not shaped or len(cells) != rows:
        raise changed(source, f"a matrix of {rows} by {columns} durations", cells)
    flat = [cell for row in cells for cell in row]
    strange = [cell for cell in flat if cell is not None and type(cell) not in {int, float}]
    if strange:
        raise changed(source, "durations in seconds", strange[0])
    return np.array([math.nan if cell is None else cell for cell in flat], dtype=np.float64).reshape(rows, columns)


def changed(source: Entry, expected: str, came: object) -> SourceFormatError:
    """
    Say that an engine answered something else.

    Parameters
    ----------
    source
        The engine.
    expected
        What was expected.
    came
        What came.

    Returns
    -------
    changed
        The error, to be raised.
    """
    shown = repr(came)[:120]
    return SourceFormatError(
        f"{source.title} ({source.id}): {expected} was expected, {shown} came. See {source.landing_page}; if its "
        "answers have changed, this engine cannot be used until the library follows."
    )
