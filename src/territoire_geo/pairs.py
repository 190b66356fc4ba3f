"""Minutes by pair of places: checks, order, selection, the nearest."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array

from territoire_geo.columns import DESTINATION, MINUTES, ORIGIN
from territoire_geo.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def nearest(minutes: pd.Series[float], n: int = 1, *, index: pd.Index[Any] | None = None) -> pd.Series[float]:
    """
    Find the travel time to the n-th nearest destination [minutes].

    Parameters
    ----------
    minutes
        Travel times by (origin, destination), each pair once, in any order.
    n
        1 for the nearest, 2 for the second, ...
    index
        Ids of the origins of the result; None for those that the pairs name.

    Returns
    -------
        Minutes by id of origin, NaN with fewer than n destinations within reach.

    Raises
    ------
    ValueError
        `n` is not 1 or more, pairs are duplicated, or minutes are negative, unknown or infinite.
    """
    trips, those, rows = _ranked(minutes, n)
    found = pd.Series(trips.minutes[rows], index=trips.origins[those], name=MINUTES)
    return found.reindex(_asked(trips, index))


def nearest_id(minutes: pd.Series[float], n: int = 1, *, index: pd.Index[Any] | None = None) -> pd.Series[Any]:
    """
    Find the id of the n-th nearest destination; of two at the same minutes, the smaller id comes first.

    Parameters
    ----------
    minutes, n, index
        As in `nearest`, with the same errors.

    Returns
    -------
        Id of destination by id of origin, missing with fewer than n destinations within reach.
    """
    trips, those, rows = _ranked(minutes, n)
    found = pd.Series(trips.destinations[trips.end[rows]], index=trips.origins[those], name=DESTINATION)
    return found.reindex(_asked(trips, index))


def count_within(
    minutes: pd.Series[float], thresholds: Sequence[float], *, index: pd.Index[Any] | None = None
) -> pd.DataFrame:
    """
    Count the destinations within each threshold [destinations].

    Parameters
    ----------
    minutes
        Travel times by (origin, destination), each pair once, in any order.
    thresholds
        Limits [minutes], included.
    index
        Ids of the origins of the result, 0 for those that reach nothing; None for those that the pairs name.

    Returns
    -------
        Numbers of destinations, a row by id of origin, a column by threshold in the order given.

    Raises
    ------
    ValueError
        A threshold is negative, unknown or repeated; pairs are duplicated; minutes are out of range.
    """
    if not all(limit >= 0 for limit in thresholds) or len(set(thresholds)) < len(thresholds):
        msg = f"thresholds = {list(thresholds)}: give each limit once, in minutes, 0 or more."
        raise ValueError(msg)
    trips, rising, width = ordered(minutes), sorted(thresholds), len(thresholds) + 1
    passed = np.zeros(len(trips.minutes), dtype=np.min_scalar_type(width))
    for limit in rising:  # scans of bytes, then one count for all the limits
        passed += trips.minutes > limit
    cells = np.repeat(np.arange(len(trips.origins)) * width, np.diff(trips.bounds)) + passed
    counts = np.bincount(cells, minlength=len(trips.origins) * width).reshape(-1, width).cumsum(axis=1)[:, :-1]
    table = pd.DataFrame(counts, index=trips.origins, columns=rising, dtype=np.int64)[list(thresholds)]
    return table.reindex(_asked(trips, index), fill_value=0)


def between(
    minutes: pd.Series[float],
    *,
    origins: pd.Index[Any] | None = None,
    destinations: pd.Index[Any] | None = None,
) -> pd.Series[float]:
    """
    Keep the pairs between some origins and some destinations.

    Parameters
    ----------
    minutes
        Travel times [minutes] by (origin, destination).
    origins, destinations
        Ids to keep, None for all; those that no pair names are passed over.

    Returns
    -------
        The pairs kept, in the order given.

    Raises
    ------
    ValueError
        `minutes` is not indexed by (origin, destination), or an id is missing.
    """
    index = _pair_index(minutes)
    kept = np.ones(len(minutes), dtype=bool)
    for side, ids in enumerate((origins, destinations)):
        if ids is not None:  # one look by distinct id, not by pair
            kept &= _among(index.levels[side], ids)[index.codes[side]]
    return minutes[kept]


def _among(level: pd.Index[Any], ids: pd.Index[Any]) -> NDArray[np.bool_]:
    # The hash of a unique index is kept from call to call, which `isin` does not allow.
    return np.asarray(ids.get_indexer(level) >= 0 if ids.is_unique else level.isin(ids))


@dataclass(frozen=True)
class Trips:
    """Checked pairs in the order of (origin, destination): the rows of a sparse matrix by their sorted ids."""

    origins: pd.Index[Any]
    destinations: pd.Index[Any]
    bounds: NDArray[np.integer[Any]]  # the pairs of origin i stand from bounds[i] to bounds[i + 1]
    end: NDArray[np.integer[Any]]  # position of the destination of each pair
    minutes: NDArray[np.float64]


def ordered(minutes: pd.Series[float]) -> Trips:
    """
    Check pairs and put them in the order of (origin, destination), the order of every sum.

    Parameters
    ----------
    minutes
        Travel times [minutes] by (origin, destination).

    Returns
    -------
    ordered
        Sorted ids of both sides, the pairs of each origin, and their minutes.

    Raises
    ------
    TableError
        If a pair stands twice, an id is missing, or minutes are unknown or negative.
    """
    index = _pair_index(minutes)
    values = amounts(minutes, "minutes", "drop the pairs out of reach, correct the others")
    (origins, start), (destinations, end) = (_sorted_level(index, side) for side in (0, 1))
    follows = (start[1:] > start[:-1]) | ((start[1:] == start[:-1]) & (end[1:] > end[:-1]))
    if follows.all():
        bounds = np.append(np.searchsorted(start, np.arange(len(origins), dtype=start.dtype)), len(start))
        return Trips(origins, destinations, bounds, end, values)
    rows = coo_array((values, (start, end)), shape=(len(origins), len(destinations))).tocsr()  # sorts by counting
    if rows.nnz < len(values):  # and adds up the pairs that stand twice
        key = np.sort(start.astype(np.int64) * len(destinations) + end)
        one, other = np.divmod(np.unique(key[1:][np.diff(key) == 0]), len(destinations))
        repeated = pd.MultiIndex.from_arrays([origins[one], destinations[other]])
        msg = f"minutes: duplicated pairs {first_three(repeated)}: keep one trip for each, the fastest."
        raise TableError(msg)
    return Trips(origins, destinations, rows.indptr, rows.indices, rows.data)


def _pair_index(minutes: pd.Series[float]) -> pd.MultiIndex:
    index = minutes.index
    if not isinstance(index, pd.MultiIndex) or index.nlevels != 2:  # noqa: PLR2004 - a pair
        msg = "minutes: give a Series with a MultiIndex (origin, destination), with set_index for instance."
        raise TableError(msg)
    for side, name in enumerate((ORIGIN, DESTINATION)):
        missing = index.codes[side] < 0
        if missing.any():
            msg = f"minutes: the {name} is missing in the pairs {first_three(index[missing])}: name it, or drop them."
            raise TableError(msg)
    return index


def _sorted_level(index: pd.MultiIndex, side: int) -> tuple[pd.Index[Any], NDArray[np.integer[Any]]]:
    ids, codes = index.levels[side], np.asarray(index.codes[side])
    if ids.is_monotonic_increasing and ids.is_unique:
        return ids, codes
    check_ids(ids, f"minutes, level {side}")  # built by hand, a level may hold an id twice
    order = ids.argsort()
    rank = np.empty(len(ids), dtype=np.intp)
    rank[order] = np.arange(len(ids))
    return ids[order], rank[codes]


def _ranked(minutes: pd.Series[float], n: int) -> tuple[Trips, NDArray[np.intp], NDArray[np.intp]]:
    """Find the origins with n destinations or more, and the row of the n-th nearest of each."""
    if n < 1:
        msg = f"n = {n!r}: give 1 for the nearest, 2 for the second, and so on."
        raise ValueError(msg)
    trips = ordered(minutes)
    size = np.diff(trips.bounds)
    those = np.flatnonzero(size >= n)
    if not those.size:
        return trips, those, those
    present = np.flatnonzero(size)
    first, found = trips.bounds[present], present
    left = trips.minutes if n == 1 else trips.minutes.copy()
    for turn in range(n):  # a scan by rank: n is small, and to sort all the pairs takes a hundred times longer
        if turn:
            left[found] = np.inf
        equal = np.flatnonzero(left == np.repeat(np.minimum.reduceat(left, first), size[present]))
        found = equal[np.searchsorted(equal, first)]  # of two equals, the smaller id comes first
    return trips, those, found[size[present] >= n]


def _asked(trips: Trips, index: pd.Index[Any] | None) -> pd.Index[Any]:
    if index is None:
        return trips.origins[np.diff(trips.bounds) > 0]
    check_ids(index, "index")
    return index


def amounts(
    series: pd.Series[float], name: str, advice: str = "drop or fill them yourself, knowingly"
) -> NDArray[np.float64]:
    """
    Read numbers of 0 or more, all known, or say which are not.

    Parameters
    ----------
    series
        Counts or minutes.
    name
        The argument, for the message.
    advice
        What to do about the others.

    Returns
    -------
    amounts
        One float per row.

    Raises
    ------
    TableError
        If a value is unknown, negative or infinite: the message names the first three.
    """
    values = floats(series)
    if values.min(initial=0.0) >= 0 and values.max(initial=0.0) < math.inf:  # not so for an unknown one either
        return values
    checks = {"unknown": np.isnan(values), "negative": values < 0, "infinite": np.isposinf(values)}
    what, wrong = next((what, wrong) for what, wrong in checks.items() if wrong.any())
    msg = f"{name}: {what} values for {first_three(series.index[wrong])}: {advice}."
    raise TableError(msg)


def floats(series: pd.Series[float]) -> NDArray[np.float64]:
    """
    Read a Series as floats, NaN unknown.

    Parameters
    ----------
    series
        Numbers of any kind, nullable or not.

    Returns
    -------
    floats
        One float per row.
    """
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def check_ids(ids: pd.Index[Any], name: str) -> None:
    """
    Raise unless ids are on one level, known and unique.

    Parameters
    ----------
    ids
        Ids of places.
    name
        The argument they index, for the message.

    Raises
    ------
    TableError
        If they are not: the message names the first three.
    """
    if isinstance(ids, pd.MultiIndex):
        msg = f"{name}: ids on {ids.nlevels} levels: join them into one, such as siret + '-' + kind."
        raise TableError(msg)
    if ids.hasnans:
        msg = f"{name}: {np.count_nonzero(ids.isna())} ids are missing: name them, or drop them."
        raise TableError(msg)
    if not ids.is_unique:
        msg = f"{name}: duplicated ids {first_three(ids[ids.duplicated()].unique())}: keep or sum one row for each."
        raise TableError(msg)


def first_three(ids: pd.Index[Any]) -> str:
    """
    Quote the first three ids for a message.

    Parameters
    ----------
    ids
        Ids of places or pairs.

    Returns
    -------
    first_three
        Such as "'a', 'b', 'c' (12 in all)".
    """
    named = ", ".join(repr(one) for one in ids[:3].tolist())
    return named if len(ids) <= 3 else f"{named} ({len(ids)} in all)"  # noqa: PLR2004 - the first three
