"""
Sort places into a few classes of like profile, described in plain terms, the same from run to run.

Ward's tree, cut at k classes, whose places then move to the nearest centre until none does: k-means started from the
tree, without any draw. Beyond `CELLS` places, the tree is that of as many cells of equal sizes and like profiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from territoire_geo.coverage import ENOUGH
from territoire_geo.pairs import check_ids, first_three

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Classes = NDArray[np.intp]

FEWEST: Final = 2  # classes
MOST: Final = 6
MEAN_SIZE: Final = 5  # places in a class, on average and at least, when their number is not asked for
CELLS: Final = 1024  # leaves of the tree
TOLD: Final = 2  # variables that describe a class
FOLDS: Final = 20  # each leaves 5 % of the places out
TRIALS: Final = 10  # folds tried for the stability, half of them beyond `CELLS` places
_FLAT: Final = 1e-12  # relative spread up to which a variable is constant
_LEAST: Final = 1e-150  # and its absolute spread: squares vanish below
_ROUNDS: Final = 100  # of moves to the nearest centre
_EXTREMES: Final = 40  # one place in so many is extreme, at each end of a variable


@dataclass(frozen=True)
class Typology:
    """
    Places sorted into classes of like profile.

    `labels` gives the class of each place, 1 to k, class 1 the highest over all variables; NaN where too little is
    known. `sizes` counts the places of each class. `profiles` has one row by (class, variable): `mean`, over the
    places of the class (what a typical place looks like, not the rate of its people), and `deviation` from the mean of
    all places, in standard deviations. `described` keeps the two variables that set each class most apart. `quality`
    is the share of the variance of the standardised variables that the classes explain, 0 to 1. `stability` is the
    mean adjusted Rand index with the classes found when 5 % of the places are left out: 1 the same classes, about 0
    chance. `left_out` names the variables known at too few places; `complete` counts the places that made the classes.
    """

    labels: pd.Series[float]
    sizes: pd.Series[int]
    profiles: pd.DataFrame
    described: pd.DataFrame
    quality: float
    stability: float
    left_out: tuple[str, ...]
    complete: int


def typology(profile: pd.DataFrame, *, classes: int | None = None) -> Typology:
    """
    Sort places into classes of like profile.

    Each variable is brought to mean 0 and standard deviation 1, once the 2.5 % of places at each end of it (one place
    at least, none with fewer than ten) have taken the next value: a place of its own kind does not make a class alone.
    Without `classes`, their number, from 2 to 6, is the one that the index of Caliński and Harabasz prefers on the
    tree, with `MEAN_SIZE` places in a class on average or more.

    Parameters
    ----------
    profile
        Places × variables; NaN unknown, never taken for 0.
    classes
        Number of classes, 2 to 6; None to choose it.

    Returns
    -------
    typology
        The same whatever the order of the rows. A variable known at less than `ENOUGH` of the places is left out.
        The places where all the others are known make the classes; a place where `ENOUGH` of them are joins the class
        that is nearest on these; the rest has none. One class when there are too few distinct places for two.

    Raises
    ------
    ValueError
        If a value is infinite, an id or a variable stands twice, or `classes` is out of range or more than the
        distinct places.

    References
    ----------
    .. [1] Ward 1963, doi:10.1080/01621459.1963.10500845.
    .. [2] Caliński and Harabasz 1974, doi:10.1080/03610927408827101.
    .. [3] Hubert and Arabie 1985, Comparing partitions, doi:10.1007/BF01908075.

    Examples
    --------
    >>> needs = pd.DataFrame({"cars": [0.1, 0.9, 0.8, 0.0], "care": [0.2, 0.7, 0.8, 0.1]}, index=list("abcd"))
    >>> typology(needs, classes=2).labels.tolist()
    [2.0, 1.0, 1.0, 2.0]
    """
    if classes is not None and not FEWEST <= classes <= MOST:
        raise ValueError(f"classes: {classes} is not from {FEWEST} to {MOST}, as many as readers tell apart.")
    check_ids(profile.index, "profile")
    check_ids(profile.columns, "profile.columns")
    used = profile.loc[:, profile.notna().mean() >= ENOUGH].sort_index()
    left_out = tuple(name for name in profile.columns if name not in used.columns)
    values = used.to_numpy(dtype=np.float64, na_value=np.nan)
    if np.isinf(values).any():
        named = first_three(used.columns[np.isinf(values).any(axis=0)])
        raise ValueError(f"profile: {named} has infinite values. Leave what is not known empty (NaN).")
    known = ~np.isnan(values)
    complete = values[known.all(axis=1)] if values.size else np.empty((0, values.shape[1]))
    if not len(complete):
        labels = pd.Series(np.nan, index=profile.index, name="class")
        return Typology(labels, *_describe(used, labels), np.nan, np.nan, left_out, 0)
    scale = _scale(complete)
    scaled = _standardise(complete, scale)
    scaled = scaled[np.lexsort(scaled.T)]  # nothing depends on the order of the rows
    found, centres = _classify(scaled, _checked(classes, scaled))
    number = _by_height(centres)[_nearest(_standardise(values, scale), centres)]
    told = pd.Series(np.where(known.mean(axis=1) >= ENOUGH, number, np.nan), index=used.index, name="class")
    return Typology(
        told.reindex(profile.index),
        *_describe(used, told),
        _explained(scaled, found),
        _hold(scaled, found),
        left_out,
        len(complete),
    )


def adjusted_rand(one: pd.Series[float], other: pd.Series[float]) -> float:
    """
    Compare two partitions of the same places by the Rand index, adjusted for chance.

    Parameters
    ----------
    one, other
        Class by place, whatever the classes are called; NaN for none.

    Returns
    -------
    adjusted_rand
        1 for the same partition, about 0 for unrelated ones, over the places that have a class in both; NaN with
        fewer than two.

    References
    ----------
    .. [1] Hubert and Arabie 1985, Comparing partitions, doi:10.1007/BF01908075.

    Examples
    --------
    >>> adjusted_rand(pd.Series([1, 1, 2, 2]), pd.Series([2, 2, 1, 1]))
    1.0
    """
    check_ids(one.index, "one")
    check_ids(other.index, "other")
    both = pd.DataFrame({"one": one, "other": other}).dropna()
    if len(both) < FEWEST:
        return float("nan")
    return _rand(*(np.unique(both[side], return_inverse=True)[1] for side in ("one", "other")))


def _checked(classes: int | None, scaled: Values) -> int | None:
    distinct = 1 + int((scaled[1:] != scaled[:-1]).any(axis=1).sum())
    if classes is not None and classes > distinct:
        raise ValueError(f"classes: {classes} asked of {distinct} distinct places, extremes cut. Ask for fewer.")
    return classes


def _scale(values: Values) -> Values:
    """Measure each variable: where its extremes are cut, then its mean and its standard deviation (inf: constant)."""
    ordered = np.sort(values, axis=0)  # sums run in one order
    ends = max(1, len(ordered) // _EXTREMES) if len(ordered) >= FEWEST * MEAN_SIZE else 0
    low, high = ordered[ends], ordered[-1 - ends]
    cut = np.clip(ordered, low, high)
    deviation = np.where(_varies(low, high), cut.std(axis=0), np.inf)
    return np.array([low, high, cut.mean(axis=0), deviation])


def _varies(low: Values, high: Values) -> NDArray[np.bool_]:
    """Tell the variables from the constants, and from those that only differ by rounding errors."""
    varies: NDArray[np.bool_] = high - low > np.maximum(_FLAT * np.maximum(np.abs(low), np.abs(high)), _LEAST)
    return varies


def _standardise(values: Values, scale: Values) -> Values:
    low, high, mean, deviation = scale
    scaled: Values = (np.clip(values, low, high) - mean) / deviation
    return scaled


def _classify(scaled: Values, classes: int | None) -> tuple[Classes, Values]:
    """Sort complete places into classes, numbered from 0, and return their centres."""
    most = min(MOST, len(scaled) // MEAN_SIZE) if classes is None else classes
    if most < FEWEST or (scaled == scaled[0]).all():
        return np.zeros(len(scaled), dtype=np.intp), scaled[:1]
    scaled = np.asfortranarray(scaled)  # read by column
    cells = _cells(scaled)
    tree = linkage(_means(scaled, cells), "ward")
    if classes is None:
        cuts = [_cut(tree, number)[cells] for number in range(FEWEST, min(most, len(tree) + 1) + 1)]
        return _settle(scaled, max(cuts, key=lambda cut: _calinski_harabasz(scaled, cut)))
    return _settle(scaled, _cut(tree, classes)[cells])


def _cells(scaled: Values) -> Classes:
    """Give a cell to each place: its own, or halves of halves, each cut at the median of its widest variable."""
    count = len(scaled)
    if count <= CELLS:
        return np.arange(count)
    cells, number, largest = np.zeros(count, dtype=np.intp), 1, np.abs(scaled).max()
    while number < CELLS:
        spread = _means(np.square(scaled), cells) - np.square(_means(scaled, cells))
        widest = scaled[np.arange(count), spread.argmax(axis=1)[cells]]
        order = np.argsort(cells + (widest + largest) / (4 * largest), kind="stable")  # by cell, then by value
        sizes = np.bincount(cells)
        inside = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        cells[order] = 2 * cells[order] + (inside >= np.repeat((sizes + 1) // 2, sizes))
        number *= 2
    return cells


def _means(values: Values, classes: Classes) -> Values:
    sizes = np.bincount(classes)[:, np.newaxis]
    return np.column_stack([np.bincount(classes, column) for column in values.T]) / sizes


def _cut(tree: Values, number: int) -> Classes:
    """Stop a tree when `number` classes are left: exactly as many, unlike a cut at a height when heights tie."""
    leaves = len(tree) + 1
    merged = tree[: leaves - number, :2].astype(np.intp)
    parents = np.repeat(np.arange(leaves, leaves + len(merged)), 2)
    links = coo_array((np.ones(len(parents)), (parents, merged.ravel())), shape=(2 * leaves, 2 * leaves))
    _, component = connected_components(links, directed=False)
    classes: Classes = np.unique(component[:leaves], return_inverse=True)[1]
    return classes


def _settle(scaled: Values, classes: Classes) -> tuple[Classes, Values]:
    """Move the places to the nearest centre until fewer than one in a thousand moves."""
    centres = _means(scaled, classes)
    for _ in range(_ROUNDS):
        nearest = _nearest(scaled, centres)
        held = np.bincount(nearest, minlength=len(centres)) > 0
        centres, moved = centres[held], (np.cumsum(held) - 1)[nearest]  # a class left by all is no more
        if 1000 * np.count_nonzero(nearest != classes) < len(scaled):
            return moved, centres
        classes, centres = moved, _means(scaled, moved)
    return _nearest(scaled, centres), centres


def _nearest(values: Values, centres: Values) -> Classes:
    """Find the nearest centre over the variables known; the first for ties."""
    away = np.zeros((len(centres), len(values)))
    for column, middles in zip(values.T, centres.T, strict=True):
        unknown = np.isnan(column)
        gap = np.square(column - middles[:, np.newaxis])
        away += np.where(unknown, 0.0, gap) if unknown.any() else gap
    nearest: Classes = away.argmin(axis=0)
    return nearest


def _explained(scaled: Values, classes: Classes) -> float:
    total = float(np.square(scaled - scaled.mean(axis=0)).sum())
    within = float(np.square(scaled - _means(scaled, classes)[classes]).sum())
    return 1 - within / total if total > 0 else float("nan")


def _calinski_harabasz(scaled: Values, classes: Classes) -> float:
    number, explained = int(classes.max()) + 1, _explained(scaled, classes)
    freedom = (len(scaled) - number) / (number - 1)
    return freedom * explained / (1 - explained) if explained < 1 else float("inf")


def _by_height(centres: Values) -> NDArray[np.float64]:
    """Give numbers from 1 to the classes, the highest mean over the variables first."""
    height = np.round(centres.mean(axis=1), 9)
    order = np.lexsort((*-centres.T, -height))
    number = np.empty(len(centres))
    number[order] = np.arange(1, len(centres) + 1)
    return number


def _hold(scaled: Values, classes: Classes) -> float:
    """Average the agreement with the classes found when a fold of the places is left out."""
    number = int(classes.max()) + 1
    if number < FEWEST:
        return float("nan")
    fold = np.random.default_rng(0).permutation(len(scaled)) % FOLDS
    agreements = []
    trials = TRIALS if len(scaled) <= CELLS else TRIALS // 2
    for trial in range(min(trials, len(scaled))):
        kept = fold != trial
        part = scaled[kept]
        found, _ = _classify(_standardise(part, _scale(part)), number)
        agreements.append(_rand(classes[kept], found))
    return float(np.mean(agreements))


def _rand(one: Classes, other: Classes) -> float:
    """Compare two partitions numbered from 0."""
    both = np.bincount(one * (other.max() + 1) + other).astype(np.float64)
    pairs, first, second, every = (
        float((size * (size - 1)).sum()) for size in (both, np.bincount(one), np.bincount(other), np.array([len(one)]))
    )
    if every == 0:
        return 1.0  # one place: every partition of it is the same
    expected, most = first * second / every, (first + second) / 2
    return (pairs - expected) / (most - expected) if most > expected else 1.0


def _describe(used: pd.DataFrame, labels: pd.Series[float]) -> tuple[pd.Series[int], pd.DataFrame, pd.DataFrame]:
    """Count the places of the classes, average their variables, and keep those that set each class most apart."""
    classed = used.loc[labels.index[labels.notna()]].astype("float64")
    by_class = classed.groupby(labels.dropna().astype("int64").rename("class"))
    mean = by_class.mean().rename_axis(columns="variable")
    varies = _varies(*(end.to_numpy(dtype=np.float64) for end in (classed.min(), classed.max())))
    deviation = (mean - classed.mean()) / classed.std(ddof=0).where(varies, np.inf)  # a constant sets nobody apart
    both = pd.MultiIndex.from_product([mean.index, mean.columns])
    profiles = pd.DataFrame({"mean": mean.to_numpy().ravel(), "deviation": deviation.to_numpy().ravel()}, index=both)
    order = profiles["deviation"].abs().round(9).rename("apart").reset_index()
    order = order.sort_values(["class", "apart"], ascending=[True, False], kind="stable")
    told = order.groupby("class").head(TOLD).index
    return by_class.size().rename("places"), profiles, profiles.iloc[told]
