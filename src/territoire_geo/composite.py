"""
Rank places by several components of need that stay visible, and tell how far the ranking depends on choices.

Components come in as a frame (places × components, more is more need, NaN unknown), with the weights of the reader.
Nothing here adds places up: a rank says where to look first, not how many people lack something.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from territoire_geo.coverage import ENOUGH
from territoire_geo.pairs import check_ids, first_three

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    ByComponent = Mapping[str, float] | pd.Series[float]

Normalisation = Literal["rank", "minmax", "z", "reference"]
Aggregation = Literal["arithmetic", "geometric"]

WORST: Final = 0.2  # the worst fifth
DRAWS: Final = 1000
NORMALISATIONS: Final[tuple[Normalisation, ...]] = ("rank", "minmax", "z", "reference")
AGGREGATIONS: Final[tuple[Aggregation, ...]] = ("arithmetic", "geometric")
QUANTILES: Final = {"rank_median": 0.5, "rank_low": 0.05, "rank_high": 0.95}
_NEUTRAL: Final = 50.0  # points of everybody when a component is constant
_DECIMALS: Final = 9  # of a score: beyond them, two places differ by rounding errors only
_FLAT: Final = 1e-12  # relative spread up to which a component is constant
_LEAST: Final = 1e-150  # and its absolute spread: squares vanish below
_AT_ONCE: Final = 1 << 15  # scores ranked at once, so that they stay in the processor's cache


@dataclass(frozen=True)
class Stability:
    """
    How far a ranking holds when the choices behind it change.

    `places` has one row per place: `rank`, the central one; `rank_median`, `rank_low` and `rank_high`, the ranks that
    50, 5 and 95 % of the settings do not exceed (low is more need); `stability`, the share of the settings in which
    the place is among the worst, 0 to 1; all NaN where the place is not ranked. `settings` has one row per draw:
    normalisation, aggregation, left_out (a component, or missing), and `weights` the weights of that draw, which sum
    to 1. `left_out` names the components that are known nowhere.
    """

    places: pd.DataFrame
    settings: pd.DataFrame
    weights: pd.DataFrame
    left_out: tuple[str, ...]


def normalise(components: pd.DataFrame, how: Normalisation, *, reference: ByComponent | None = None) -> pd.DataFrame:
    """
    Bring components to one scale [points], more points for more need.

    "rank": 100·(r − 1)/(n − 1), r the rank among the n known values, the mean rank for ties. "minmax":
    100·(x − min)/(max − min). "z": 50 + 10·(x − mean)/standard deviation. "reference": 100·x/reference. A constant
    component tells nothing: 50 for all, except by "reference", where it still stands at a distance.

    Parameters
    ----------
    components
        Places × components, more is more need; NaN unknown.
    how
        One of the four.
    reference
        For "reference", a positive value by component.

    Returns
    -------
    normalise
        The same index and columns; NaN stays NaN.

    Raises
    ------
    ValueError
        If the normalisation is unknown, a value is infinite, an id or a component stands twice, or a reference is
        missing or not positive.

    References
    ----------
    .. [1] OECD and JRC 2008, Handbook on Constructing Composite Indicators, step 5.

    Examples
    --------
    >>> normalise(pd.DataFrame({"cars": [0.1, 0.2, 0.4], "jobs": [3, 3, 3]}, index=list("abc")), "rank")
        cars  jobs
    a    0.0  50.0
    b   50.0  50.0
    c  100.0  50.0
    """
    if how not in NORMALISATIONS:
        raise ValueError(f"normalisation: {how!r} is not one of {', '.join(NORMALISATIONS)}.")
    check_ids(components.index, "components")
    check_ids(components.columns, "components.columns")
    values = components.to_numpy(dtype=np.float64, na_value=np.nan)
    endless = np.isinf(values).any(axis=0)
    if endless.any():
        named = first_three(components.columns[endless])
        raise ValueError(f"components: {named} has infinite values. Leave what is not known empty (NaN).")
    if how == "reference":
        points = 100 * values / _references(list(components.columns), reference)
    else:
        points = np.empty_like(values)
        for number in range(values.shape[1]):
            points[:, number] = _column(values[:, number], how)
    return pd.DataFrame(points, index=components.index, columns=components.columns)


def _references(names: Sequence[str], reference: ByComponent | None) -> NDArray[np.float64]:
    given = {} if reference is None else dict(reference)
    values = np.array([given.get(name, np.nan) for name in names], dtype=np.float64)
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise ValueError(f"reference: no positive value for {first_three(pd.Index(names)[wrong])}. Give one for each.")
    return values


def _column(column: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    unknown = np.isnan(column)
    known = np.sort(column[~unknown])  # sorted, so that sums do not depend on the order of the rows
    if not len(known):
        return column
    low, high = known[0], known[-1]
    if high - low <= max(_FLAT * max(abs(low), abs(high)), _LEAST):
        return np.where(unknown, np.nan, _NEUTRAL)
    points: NDArray[np.float64]
    if how == "rank":
        known, column = (_steady(values, max(abs(low), abs(high))) for values in (known, column))
        below, upto = np.searchsorted(known, column), np.searchsorted(known, column, side="right")
        points = 100 * (below + upto - 1) / 2 / (len(known) - 1)
    elif how == "minmax":
        points = 100 * ((column - low) / (high - low))
    else:
        points = _NEUTRAL + 10 * ((column - known.mean()) / known.std())
    return np.where(unknown, np.nan, points)


def _used(components: pd.DataFrame, weights: ByComponent) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Keep the components that have a weight and are known somewhere, and their weights, brought to sum 1."""
    check_ids(components.columns, "components.columns")
    check_ids(pd.Index(list(weights.keys())), "weights")
    given = dict(weights)
    stray = [name for name in given if name not in components.columns]
    if stray:
        raise ValueError(f"weights: {first_three(pd.Index(stray))} is not a component of {list(components.columns)}.")
    weight = np.array([given.get(name, 0.0) for name in components.columns], dtype=np.float64)
    weight = weight / weight.max() if np.isfinite(weight).all() and weight.max() > 0 else weight  # their sum is finite
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        raise ValueError(f"weights: {first_three(components.columns[wrong])} is negative or unknown. Give 0 or more.")
    if not weight.any():
        raise ValueError("weights: all are 0. Give a weight to one component at least.")
    used = (weight > 0) & components.notna().any().to_numpy(dtype=bool)
    kept = weight[used]
    return components.loc[:, used], kept / kept.sum() if len(kept) else kept


def _steady(values: NDArray[np.float64], size: float) -> NDArray[np.float64]:
    """Round to a share of the largest value: two that differ by rounding errors only are one."""
    return np.round(values / size, _DECIMALS) if size > 0 else values


def left_out(components: pd.DataFrame, weights: ByComponent) -> tuple[str, ...]:
    """
    Name the components that have a weight and are known nowhere: no score takes them into account.

    Parameters
    ----------
    components, weights
        As in `score`, with the same errors on the weights.

    Returns
    -------
    left_out
        Names, in the order of the columns.
    """
    used, _ = _used(components, weights)
    given = dict(weights)
    return tuple(name for name in components.columns if given.get(name, 0) > 0 and name not in used.columns)


def score(
    components: pd.DataFrame,
    weights: ByComponent,
    *,
    normalisation: Normalisation = "rank",
    aggregation: Aggregation = "arithmetic",
    reference: ByComponent | None = None,
) -> pd.DataFrame:
    """
    Combine the components of each place into one score [points], more for more need.

    "arithmetic": Σ w·p / Σ w over the known components, p from `normalise`. "geometric": exp(Σ w·ln q / Σ w), where q
    is p rescaled to [1, 100], as a logarithm needs positive values: a lack in one component is then less made up for
    by another. A score alone does not say why: show the components, or `contributions`, beside it.

    Parameters
    ----------
    components
        Places × components, more is more need; NaN unknown, never taken for 0.
    weights
        Weight of 0 or more by component, brought to sum 1; 0 for the components that are not named.
    normalisation, reference
        As in `normalise`; a reference is only asked for the components that have a weight.
    aggregation
        "arithmetic" or "geometric".

    Returns
    -------
    score
        By place, `score` (0 to 100 by rank and min-max, 1 to 100 when geometric; centred on 50 by z; 100 at the
        reference), to 9 decimals, and `known_weight`, the share of the weight whose component is known there, 0 to 1.
        The score is NaN where less than `ENOUGH` of it is. A component known nowhere is left out for all (`left_out`).

    Raises
    ------
    ValueError
        As in `normalise`; or the weights name something else, are negative, unknown or all 0.

    Notes
    -----
    Rescaled to [1, 100], "minmax", "z" and "reference" are one: a geometric score only tells "rank" from the others.

    References
    ----------
    .. [1] OECD and JRC 2008, Handbook on Constructing Composite Indicators, steps 5 and 6.

    Examples
    --------
    >>> needs = pd.DataFrame({"cars": [0.1, 0.2, 0.4], "care": [0.5, 0.0, np.nan]}, index=list("abc"))
    >>> score(needs, {"cars": 3, "care": 1})
       score  known_weight
    a   25.0          1.00
    b   37.5          1.00
    c  100.0          0.75
    """
    used, share = _used(components, weights)
    known_weight = np.zeros(len(used))
    for name, part in zip(used.columns, share, strict=True):
        known_weight += part * used[name].notna().to_numpy(dtype=np.float64)
    known_weight = np.round(known_weight, _DECIMALS)
    found = _aggregate(_prepare(used, normalisation, aggregation, reference), share[np.newaxis], aggregation)[0]
    return pd.DataFrame(
        {"score": np.where(known_weight >= ENOUGH, found, np.nan), "known_weight": known_weight},
        index=components.index,
    )


def _prepare(
    used: pd.DataFrame, normalisation: Normalisation, aggregation: Aggregation, reference: ByComponent | None
) -> NDArray[np.float64]:
    """Normalise to components × places, and go to the logarithms of [1, 100] when the mean is geometric."""
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"aggregation: {aggregation!r} is not one of {', '.join(AGGREGATIONS)}.")
    points = np.array(normalise(used, normalisation, reference=reference).to_numpy().T, order="C")
    if aggregation == "geometric":
        for row in points:
            row[:] = np.log(1 + 0.99 * _column(row, "minmax"))
    return points


def _aggregate(
    points: NDArray[np.float64], weights: NDArray[np.float64], aggregation: Aggregation
) -> NDArray[np.float64]:
    """
    Average the points of n places under d sets of weights: d × n, NaN where nothing that weighs is known.

    Sums run component by component, not by a matrix product: two places with the same figures get the very same score.
    """
    total, weight, product = np.zeros((3, len(weights), points.shape[1]))
    for row, share in zip(points, weights.T[..., np.newaxis], strict=True):
        known = ~np.isnan(row)
        total += np.multiply(share, np.where(known, row, 0.0), out=product)  # what is unknown has no weight either
        weight += share if known.all() else np.multiply(share, known, out=product)
    mean: NDArray[np.float64] = np.divide(total, weight, out=np.full_like(total, np.nan), where=weight > 0)
    return np.round(np.exp(mean) if aggregation == "geometric" else mean, _DECIMALS)


def contributions(
    components: pd.DataFrame,
    weights: ByComponent,
    *,
    normalisation: Normalisation = "rank",
    reference: ByComponent | None = None,
) -> pd.DataFrame:
    """
    Split the arithmetic score of each place by component [points]: w·p / Σ w, which sum to the score.

    Parameters
    ----------
    components, weights, normalisation, reference
        As in `score`, with the same errors.

    Returns
    -------
    contributions
        By place, one column per component that has a weight and is known somewhere; NaN where the component is
        unknown, and everywhere for a place without a score.
    """
    used, share = _used(components, weights)
    found = score(components, weights, normalisation=normalisation, reference=reference)
    points = normalise(used, normalisation, reference=reference)
    return points.mul(share, axis=1).div(found["known_weight"], axis=0).where(found["score"].notna())


def rank(score: pd.Series[float]) -> pd.Series[float]:
    """
    Rank places, 1 for the highest score: the most need.

    Parameters
    ----------
    score
        More for more need; NaN unknown.

    Returns
    -------
    rank
        1 to n; ties share the smallest of their ranks; NaN stays NaN.
    """
    return score.rank(method="min", ascending=False).rename("rank")


def worst(values: pd.Series[float], fraction: float = WORST) -> pd.Series[bool]:
    """
    Tell which places are among the worst: the ⌈fraction·n⌉ highest of the n known values, ties at the limit included.

    A place that needs no more than any other never is: the places that share the smallest value are left out.

    Parameters
    ----------
    values
        More is worse; NaN unknown.
    fraction
        Above 0, up to 1; ValueError otherwise.

    Returns
    -------
    worst
        One boolean per place; False where unknown.

    Examples
    --------
    >>> worst(pd.Series({"a": 0.9, "b": 0.4, "c": 0.4, "d": 0.0, "e": 0.0}), 0.4).tolist()
    [True, True, True, False, False]
    """
    size = float(np.nanmax(np.abs(values))) if values.notna().any() else 0.0
    ranks = rank(pd.Series(_steady(np.asarray(values, dtype=np.float64), size), index=values.index))
    limit = _limit(ranks.count(), fraction)
    return ((ranks <= limit) & (ranks < ranks.max())).rename("worst")


def _limit(count: int, fraction: float) -> int:
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction: {fraction} is not above 0 and up to 1. Give 0.2 for the worst fifth.")
    return math.ceil(round(fraction * count, _DECIMALS))  # 0.07 × 100 is 7, not 7.000000000000001


def kept_in_worst(settings: pd.DataFrame, fraction: float = WORST) -> pd.Series[float]:
    """
    Measure how often each place is among the worst [share of the settings, 0-1].

    Parameters
    ----------
    settings
        Places × settings (one column per weighting, for instance), such as the unmet share; NaN unknown.
    fraction
        As in `worst`.

    Returns
    -------
    kept_in_worst
        Share of the settings where the place is known; NaN where it never is.
    """
    check_ids(settings.index, "settings")
    seen = settings.notna().sum(axis=1)
    return (_among_worst(settings, fraction).sum(axis=1) / seen.where(seen > 0)).rename("kept_in_worst")


def _among_worst(settings: pd.DataFrame, fraction: float) -> pd.DataFrame:
    """Tell which places are among the worst of each setting, as `worst` does for one."""
    sizes = settings.abs().max()
    steady = (settings / sizes.where(sizes > 0, 1.0)).round(_DECIMALS)
    ranks = steady.rank(method="min", ascending=False)
    limits = [_limit(count, fraction) for count in ranks.count()]
    return (ranks <= limits) & (ranks < ranks.max())


def turnover(settings: pd.DataFrame, central: pd.Series[float], fraction: float = WORST) -> pd.Series[float]:
    """
    Measure how much of the central worst places each setting replaces [0-1].

    Parameters
    ----------
    settings
        Places × settings; NaN unknown.
    central
        The values of the central setting, for the same places.
    fraction
        As in `worst`.

    Returns
    -------
    turnover
        By setting, the share of the places that are among the worst by `central` and no longer are, over the places
        known in both; NaN when no place is among the worst.
    """
    check_ids(settings.index, "settings")
    check_ids(central.index, "central")
    before = settings.apply(lambda _: central.reindex(settings.index))
    both = before.notna() & settings.notna()
    first, then = (_among_worst(frame.where(both), fraction) for frame in (before, settings))
    count = first.sum()
    return ((first & ~then).sum() / count.where(count > 0)).rename("turnover")


def leave_one_out(
    components: pd.DataFrame,
    weights: ByComponent,
    *,
    normalisation: Normalisation = "rank",
    aggregation: Aggregation = "arithmetic",
    reference: ByComponent | None = None,
) -> pd.DataFrame:
    """
    Rank the places without each component in turn.

    Parameters
    ----------
    components, weights, normalisation, aggregation, reference
        As in `score`, with the same errors.

    Returns
    -------
    leave_one_out
        By place, one column per component that has a weight and is known somewhere: the rank without it, NaN where
        the rest is not known enough. No column when there is only one.
    """
    used, share = _used(components, weights)
    ranks = {}
    for name in used.columns if len(share) > 1 else ():
        rest = used.drop(columns=name)
        found = score(
            rest,
            pd.Series(share, index=used.columns)[rest.columns],
            normalisation=normalisation,
            aggregation=aggregation,
            reference=reference,
        )
        ranks[name] = rank(found["score"])
    return pd.DataFrame(ranks, index=components.index)


def stability(  # noqa: PLR0913 - one call states the whole analysis
    components: pd.DataFrame,
    weights: ByComponent,
    *,
    draws: int = DRAWS,
    spread: float = 0.25,
    fraction: float = WORST,
    seed: int = 0,
    normalisations: Sequence[Normalisation] = ("rank", "minmax", "z"),
    aggregations: Sequence[Aggregation] = AGGREGATIONS,
    leave_one_out: bool = True,
    reference: ByComponent | None = None,
) -> Stability:
    """
    Tell how far a ranking holds when weights, normalisation, aggregation and components change.

    Each draw multiplies each weight by a factor drawn between 1 − spread and 1 + spread; normalisation, aggregation
    and the component left out (none, then each) are crossed, each combination as often as the others.

    Parameters
    ----------
    components, weights, reference
        As in `score`. The reference is used if "reference" is among the normalisations.
    draws
        Number of settings, 1 or more.
    spread
        Half-width of the factor, 0 to 1 (1 excluded).
    fraction
        Of the places that count as the worst, as in `worst`.
    seed
        Of the generator: the same seed gives the same result, whatever the order of the rows.
    normalisations, aggregations
        Those to try; the first of each make the central rank. See the notes of `score`: geometric means of "minmax",
        "z" and "reference" count once.
    leave_one_out
        Whether to leave each component out in turn.

    Returns
    -------
    stability
        The ranks and the settings behind them. A place is ranked in all of them if it is in the central one, on what
        it has known; only the settings that leave out all it has are not counted for it.

    Raises
    ------
    ValueError
        As in `score`, or if an option is out of range.

    Notes
    -----
    With N draws, the standard error of the 5 and of the 95 % is at most 100·√(0.05·0.95/N): 0.7 point for 1,000; that
    of `stability` at most 50/√N: 1.6 points. Memory: one rank per place and draw, on 2 bytes up to 65,535 places and 4
    beyond.

    References
    ----------
    .. [1] OECD and JRC 2008, Handbook on Constructing Composite Indicators, step 7.
    .. [2] Saisana, Saltelli and Tarantola 2005, doi:10.1111/j.1467-985X.2005.00350.x.
    """
    if draws < 1 or not 0 <= spread < 1 or not normalisations or not aggregations:
        raise ValueError(f"draws {draws}, spread {spread}: give 1 draw or more, 0 <= spread < 1, and no empty choice.")
    used, share = _used(components, weights)
    first = score(
        components, weights, normalisation=normalisations[0], aggregation=aggregations[0], reference=reference
    )
    central = rank(first["score"])
    ranked = central.notna().to_numpy()
    count = int(ranked.sum())
    limit = _limit(count, fraction)
    ways = _ways(normalisations, aggregations)
    settings = _cross(ways, used.columns if leave_one_out else (), draws)
    drawn = _draw(pd.Series(share, index=used.columns), settings, spread, seed)
    ranks = np.empty((draws, count), dtype=np.uint16 if count < 1 << 16 else np.int32)
    for number, way in enumerate(ways):
        points = _prepare(used, *way, reference)[:, ranked]
        for rows in _batches(np.arange(number, draws, len(ways)), count):
            ranks[rows] = _ranks(_aggregate(points, drawn.to_numpy()[rows], way[1]))
    found = _summarise(ranks, limit).set_axis(components.index[ranked])
    return Stability(pd.DataFrame({"rank": central}).join(found), settings, drawn, left_out(components, weights))


def _ways(
    normalisations: Sequence[Normalisation], aggregations: Sequence[Aggregation]
) -> list[tuple[Normalisation, Aggregation]]:
    """Pair normalisations and aggregations, a geometric mean of those that min-max makes one counted once."""
    ways: dict[tuple[str, str], tuple[Normalisation, Aggregation]] = {}
    for normalisation, aggregation in itertools.product(normalisations, aggregations):
        one = aggregation == "geometric" and normalisation != "rank"
        ways.setdefault(("minmax" if one else normalisation, aggregation), (normalisation, aggregation))
    return list(ways.values())


def _cross(ways: list[tuple[Normalisation, Aggregation]], names: Iterable[str], draws: int) -> pd.DataFrame:
    """Cross the ways, the faster, with the component left out: none, then each, unless there is only one."""
    each = list(names)
    absent = np.array([None, *each] if len(each) > 1 else [None], dtype=object)
    number = np.arange(draws)
    settings = pd.DataFrame(ways, columns=["normalisation", "aggregation"]).iloc[number % len(ways)]
    return settings.assign(left_out=absent[number // len(ways) % len(absent)]).set_axis(
        pd.RangeIndex(draws, name="draw")
    )


def _draw(share: pd.Series[float], settings: pd.DataFrame, spread: float, seed: int) -> pd.DataFrame:
    factors = np.random.default_rng(seed).uniform(1 - spread, 1 + spread, (len(settings), len(share)))
    weights = share.to_numpy() * np.where(settings[["left_out"]].to_numpy() == share.index.to_numpy(), 0.0, factors)
    return pd.DataFrame(weights / weights.sum(axis=1, keepdims=True), index=settings.index, columns=share.index)


def _batches(rows: NDArray[np.intp], count: int) -> Iterator[NDArray[np.intp]]:
    size = max(1, _AT_ONCE // max(1, count))
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _ranks(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rank d × n scores as `rank` does, 0 for NaN."""
    order = np.argsort(-scores, axis=1)  # NaN last
    ordered = np.take_along_axis(scores, order, axis=1)
    smallest = np.broadcast_to(np.arange(1, scores.shape[1] + 1, dtype=np.int32), scores.shape).copy()
    smallest[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = 0  # a tie takes the rank of the first of its kind
    np.maximum.accumulate(smallest, axis=1, out=smallest)
    smallest[np.isnan(ordered)] = 0
    ranks = np.empty_like(smallest)
    np.put_along_axis(ranks, order, smallest, axis=1)
    return ranks


def _summarise(ranks: NDArray[np.integer], limit: int) -> pd.DataFrame:
    """Take the quantiles of the ranks of each place, ranks that it had, and its share of settings among the worst."""
    draws, count = ranks.shape
    last = ranks.max(axis=1, initial=0, keepdims=True)
    out = np.full((4, count), np.nan)
    for start in range(0, count, max(1, _AT_ONCE // draws)):
        block = slice(start, start + max(1, _AT_ONCE // draws))
        some = ranks[:, block]
        missing = (some == 0).sum(axis=0)
        seen = draws - missing
        ordered = np.sort(np.ascontiguousarray(some.T), axis=1)
        for row, level in enumerate(QUANTILES.values()):
            position = missing + np.maximum(np.ceil(np.round(level * seen, _DECIMALS)).astype(int) - 1, 0)
            out[row, block] = ordered[np.arange(len(seen)), position]
        among = ((some > 0) & (some <= limit) & (some < last)).sum(axis=0)
        out[3, block] = among / seen
    return pd.DataFrame(out.T, columns=[*QUANTILES, "stability"])
