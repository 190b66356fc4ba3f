"""Clusters of high and low values: local Moran's I, its permutations, and how far they can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from territoire_geo.errors import TableError
from territoire_geo.neighbours import Neighbours, as_neighbours
from territoire_geo.pairs import check_ids, first_three, floats

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import geopandas as gpd
    from numpy.typing import NDArray

__all__ = [
    "CLUSTERS",
    "NOT_SIGNIFICANT",
    "Floor",
    "benjamini_hochberg",
    "blank",
    "enough_permutations",
    "floor",
    "local_moran",
]

NOT_SIGNIFICANT: Final = "not significant"
CLUSTERS: Final = ("high-high", "low-low", "high-low", "low-high", NOT_SIGNIFICANT)

_ROUNDING: Final = 64 * float(np.finfo(np.float64).eps)  # of the largest value: closer values are taken as one
_BLOCK: Final = 1_000_000  # ids drawn at once, which bounds the memory


def local_moran(
    values: pd.Series[float],
    neighbours: Neighbours | Mapping[Any, Iterable[Any]] | gpd.GeoSeries,
    *,
    permutations: int = 9999,
    seed: int = 0,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """
    Find clusters of high and of low values by the local Moran's I.

    I_i = z_i × mean of z over the neighbours of i ÷ mean of z², with z = value - mean: the mean of I over places that
    all have neighbours is the global Moran's I.

    Parameters
    ----------
    values
        A number by place, all known: a rate rather than a count.
    neighbours
        A graph, lists of neighbours by id, or polygons by id (`contiguity`). Places without a value are left out of it,
        and out of the neighbours of the others.
    permutations
        Random draws of neighbours for each place; `floor` says what they can tell.
    seed
        Start of the draws: the same seed gives the same result, in whatever order the rows come.
    alpha
        Share of false clusters accepted among the clusters.

    Returns
    -------
    local_moran
        Indexed like `values`: `local_i`; `p_value`, two-sided; `q_value`, corrected for the number of places tested
        (`benjamini_hochberg`); and `cluster`, one of `CLUSTERS`: the place, then its neighbours, above or below the
        mean. A place without neighbours is not tested, nor is any place when all values are equal: NaN, and "not
        significant".

    Raises
    ------
    TableError
        If a value is unknown or infinite, ids are duplicated, or a place has a value and no entry in `neighbours`.
    ValueError
        If `permutations` is below 1, or `alpha` not between 0 and 1.

    Notes
    -----
    Conditional permutations: i keeps its value, its k neighbours are drawn without replacement among all the others,
    p = 2 × (smaller tail + 1) ÷ (permutations + 1), at most 1. Equal sums count in both tails. All places share the
    draws, as in esda, so their p-values err together from one seed to the next; each is valid by itself.
    A place at the mean has I = 0 and p = 1. With a very skewed variable, neighbours can be below the mean and yet
    higher than by chance: such a place has a small q-value and is in no cluster; take a rate, a rank or a logarithm.
    esda has n - 1 in the place of n: its I is ours × (n - 1) ÷ n.

    References
    ----------
    Anselin 1995, doi:10.1111/j.1538-4632.1995.tb00338.x.

    Examples
    --------
    Sixty places on a ring, each with three neighbours on either side; a dozen in a row stand higher:

    >>> ring = {place: [(place + step) % 60 for step in (-3, -2, -1, 1, 2, 3)] for place in range(60)}
    >>> local_moran(pd.Series([5.0] * 12 + [1.0] * 48), ring).cluster.value_counts().to_dict()
    {'not significant': 52, 'high-high': 8}
    """
    _check_settings(permutations, alpha)
    graph = as_neighbours(neighbours).restricted(_known(values))
    z = _centred(floats(values.reindex(graph.ids)))
    count = np.bincount(graph.start, minlength=len(z))
    total = np.bincount(graph.start, weights=z[graph.end], minlength=len(z)).astype(np.float64, copy=False)
    local, p_value = np.full((2, len(z)), np.nan)
    upper = np.zeros(len(z), dtype=bool)
    tested = (count > 0) & z.any()
    if tested.any():
        local[tested] = z[tested] * total[tested] / count[tested] / np.square(z).mean()
        at_least, at_most = _tails(z, (count, total), permutations, np.random.default_rng(seed))
        tail = np.where(z == 0, permutations, np.minimum(at_least, at_most))  # at the mean every draw gives I = 0
        p_value[tested] = np.minimum(2 * (tail[tested] + 1) / (permutations + 1), 1.0)
        upper = at_least < at_most
    frame = pd.DataFrame({"local_i": local, "p_value": p_value}, index=graph.ids)
    frame["q_value"] = benjamini_hochberg(frame["p_value"])
    above = upper & (total > _ROUNDING * count)  # neighbours higher than by chance, and than the mean
    below = ~upper & (total < -_ROUNDING * count)
    sides = [(z > 0) & above, (z < 0) & below, (z > 0) & below, (z < 0) & above]
    significant = (frame["q_value"] <= alpha).to_numpy()
    frame["cluster"] = np.select([significant & side for side in sides], CLUSTERS[:4], NOT_SIGNIFICANT)
    return frame.reindex(values.index)


def _check_settings(permutations: int, alpha: float) -> None:
    if permutations < 1:
        raise ValueError(f"permutations = {permutations!r}: give 1 or more, such as 9999.")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha = {alpha!r}: give a share between 0 and 1, such as 0.05.")


def _known(values: pd.Series[float]) -> pd.Index[Any]:
    """Check the values, and return their ids."""
    check_ids(values.index, "values")
    numbers = floats(values)
    for what, wrong in (("unknown", np.isnan(numbers)), ("infinite", np.isinf(numbers))):
        if wrong.any():
            raise TableError(
                f"values: {what} for {first_three(values.index[wrong])}. Local Moran's I takes known numbers only: "
                "drop these rows knowingly (their neighbours do without them), or load the source that tells them."
            )
    return values.index


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take the deviations from the mean, in shares of the largest value; what rounding alone makes of them is 0."""
    scale = np.abs(values).max(initial=0.0)
    if scale == 0:
        return np.zeros(len(values))
    share = values / scale
    z = share - share.mean()
    return np.where(np.abs(z) > _ROUNDING, z, 0.0)


def _tails(
    z: NDArray[np.float64],
    observed: tuple[NDArray[np.intp], NDArray[np.float64]],
    permutations: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Count the draws whose sum is at least, and at most, that of the neighbours of each place.

    All places use the same ordered draws of distinct places, one more than the largest number of neighbours. A place
    with k neighbours takes the first k, unless it is among them: the next one of the draw then takes its stead. Either
    way they are k of the others, all equally likely, and one sort of the draws serves all the places of one k.
    """
    count, total = observed
    slack = _ROUNDING * count  # what rounding can do to a sum: within it two sums are equal
    low, high = total - slack, total + slack
    places = {int(k): np.flatnonzero(count == k) for k in np.unique(count[count > 0])}
    widest = max(places)
    at_least, at_most = np.zeros((2, len(z)), dtype=np.int64)
    rows = max(_BLOCK // (widest + 1), 1)
    for done in range(0, permutations, rows):
        drawn = _draw(rng, (min(rows, permutations - done), widest + 1), len(z))
        sums = z[drawn[:, :-1]].cumsum(axis=1)
        for k, those in places.items():
            ranked = np.sort(sums[:, k - 1])
            at_least[those] += len(ranked) - np.searchsorted(ranked, low[those], side="left")
            at_most[those] += np.searchsorted(ranked, high[those], side="right")
        row, column = np.nonzero(np.arange(widest) < count[drawn[:, :-1]])
        own = drawn[row, column]  # places among their own first k
        wrong = sums[row, count[own] - 1]
        right = wrong - z[own] + z[drawn[row, count[own]]]
        for sums_of_own, sign in ((wrong, -1), (right, 1)):
            at_least += sign * np.bincount(own[sums_of_own >= low[own]], minlength=len(z))
            at_most += sign * np.bincount(own[sums_of_own <= high[own]], minlength=len(z))
    return at_least, at_most


def _draw(rng: np.random.Generator, shape: tuple[int, int], n: int) -> NDArray[np.int64]:
    """Draw rows of distinct numbers below n, in a random order."""
    rows, size = shape
    if 2 * size > n:
        return rng.permuted(np.tile(np.arange(n), (rows, 1)), axis=1)[:, :size]
    drawn = rng.integers(n, size=shape)
    doubtful = np.arange(rows)
    # Repeats are drawn again until none is left. Numbers are only ever compared, never ordered by preference: all rows
    # of distinct numbers are equally likely.
    while len(doubtful):
        part = drawn[doubtful]
        order = part.argsort(axis=1, kind="stable")
        ranked = np.take_along_axis(part, order, axis=1)
        repeat = np.zeros(part.shape, dtype=bool)
        np.put_along_axis(repeat, order[:, 1:], ranked[:, 1:] == ranked[:, :-1], axis=1)
        part[repeat] = rng.integers(n, size=np.count_nonzero(repeat))
        drawn[doubtful] = part
        doubtful = doubtful[repeat.any(axis=1)]
    return drawn


def benjamini_hochberg(p_values: pd.Series[float]) -> pd.Series[float]:
    """
    Correct p-values for the number of tests: the false discovery rate at which each would be found.

    Parameters
    ----------
    p_values
        From 0 to 1; NaN where nothing was tested.

    Returns
    -------
    benjamini_hochberg
        `q_value` by id, NaN where nothing was tested: the ids at or below α are the discoveries, of which a share α at
        most is expected to be false.

    Raises
    ------
    TableError
        If a p-value is not between 0 and 1.

    References
    ----------
    Benjamini and Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> benjamini_hochberg(pd.Series({"A": 0.01, "B": 0.04, "C": float("nan"), "D": 0.03})).round(6).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    p = floats(p_values)
    wrong = (p < 0) | (p > 1)
    if wrong.any():
        raise TableError(f"p_values: {first_three(p_values.index[wrong])} are not between 0 and 1. Give p-values.")
    tested = np.flatnonzero(~np.isnan(p))
    falling = tested[p[tested].argsort()[::-1]]
    rank = np.arange(len(falling), 0, -1)
    q = np.full(len(p), np.nan)
    q[falling] = np.minimum.accumulate(p[falling] * (len(falling) / rank))
    return pd.Series(q, index=p_values.index, name="q_value")


def blank(result: pd.DataFrame) -> bool:
    """
    Tell whether a map shows no cluster at all, which on real départements is often the honest answer.

    Parameters
    ----------
    result
        From `local_moran`.

    Returns
    -------
    blank
        Whether every place is "not significant".
    """
    return bool((result["cluster"] == NOT_SIGNIFICANT).all())


@dataclass(frozen=True)
class Floor:
    """
    The least that permutations can tell: what makes a map blank by construction.

    `p_value` is the smallest possible two-sided pseudo p-value; `units` is how many of the `n_tested` places must reach
    it together before the correction lets any of them be a cluster at `alpha`.
    """

    n_tested: int
    permutations: int
    alpha: float
    p_value: float
    units: int

    @property
    def reachable(self) -> bool:
        """Whether there are as many places: if not, no map can show any cluster."""
        return self.units <= self.n_tested


def floor(n_tested: int, permutations: int = 9999, alpha: float = 0.05) -> Floor:
    """
    Say how far permutations can tell, before or after a map is found blank.

    Parameters
    ----------
    n_tested
        Places tested: those with a p-value.
    permutations
        Random draws, as in `local_moran`.
    alpha
        Share of false clusters accepted, as in `local_moran`.

    Returns
    -------
    floor
        Smallest p-value, 2 ÷ (permutations + 1), and number of places that must reach it together.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> floor(492, permutations=999).units, floor(492).units
    (20, 2)
    """
    _check_settings(permutations, alpha)
    if n_tested < 0:
        raise ValueError(f"n_tested = {n_tested!r}: give a number of places, 0 or more.")
    p_value = min(2 / (permutations + 1), 1.0)
    about = math.ceil(p_value * n_tested / alpha)
    # Rounding decides when p × n ÷ units is just α: the very comparison of the correction settles it.
    units = next(m for m in range(max(about - 1, 1), about + 2) if p_value * (n_tested / m) <= alpha)
    return Floor(n_tested, permutations, alpha, p_value, units)


def enough_permutations(n_tested: int, units: int = 1, *, alpha: float = 0.05) -> int:
    """
    Find how many permutations let so few places be a cluster.

    Parameters
    ----------
    n_tested
        Places tested, 1 or more.
    units
        Places that reach the smallest p-value together, 1 or more.
    alpha
        Share of false clusters accepted, as in `local_moran`.

    Returns
    -------
    enough_permutations
        The smallest number of permutations: about 2 × n_tested ÷ (alpha × units).

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> enough_permutations(492), enough_permutations(34_746)
    (19679, 1389839)
    """
    _check_settings(1, alpha)
    if n_tested < 1 or units < 1:
        raise ValueError(f"n_tested = {n_tested!r}, units = {units!r}: give 1 or more of each.")
    about = math.ceil(2 * n_tested / (alpha * units))
    return next(p for p in range(max(about - 2, 1), about + 2) if floor(n_tested, p, alpha).units <= units)
