"""A territory beside others: ratios of sums, differences with the interval of chance, what each commune adds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.cog import among, quote
from territoire_geo.columns import AREA, CODE_DEPARTEMENT, CODE_EPCI, CODE_REGION, POPULATION
from territoire_geo.errors import TableError
from territoire_geo.pairs import check_ids, first_three, floats

_Array = NDArray[np.float64]

ENOUGH: Final = 0.75  # share of a perimeter that must be known for its figure to be told
SLACK: Final = 0.01  # published counts are rounded to two decimals
DENSITY: Final = "classe de densité approchée (habitants au km²), non la grille de l'Insee"
_BOUNDS: Final = (25.0, 300.0, 1500.0)  # inhabitants per km²: a convention
_CLASSES: Final = (
    "moins de 25 habitants au km²",
    "de 25 à moins de 300 habitants au km²",
    "de 300 à moins de 1 500 habitants au km²",
    "1 500 habitants au km² et plus",
)


class Said(StrEnum):
    """What a difference lets one say; never called significance."""

    ABOVE = "above"
    BELOW = "below"
    NOT_DISTINGUISHABLE = "not distinguishable"
    SAME = "same people"  # both sides are one population: there is nothing to compare
    NO_INTERVAL = "no interval"  # neither a share nor a whole count, or two vintages: an interval would be false
    UNKNOWN = "unknown"


@dataclass(frozen=True, eq=False)
class Figures:
    """
    The counts by commune behind one figure, kept apart so that any perimeter is a ratio of sums.

    `part` says that those of the numerator are among those of the denominator (unemployed among the active), against a
    number per person (structures per unemployed). `scale` is 100 for a percentage. `weights` [people] tell how much a
    commune without figures counts in the share that is known; None takes the denominator. Indexes are of unique codes
    and need not agree: a commune that a Series lacks is unknown.
    """

    numerator: pd.Series
    denominator: pd.Series
    part: bool = field(kw_only=True)
    scale: float = field(default=1.0, kw_only=True)
    weights: pd.Series | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        given = {"numerator": self.numerator, "denominator": self.denominator}
        if self.weights is not None:
            given["weights"] = self.weights
        index = self.numerator.index
        for name, series in given.items():
            check_ids(series.index, name)
            index = index if index.equals(series.index) else index.union(series.index)
        index = index.sort_values()  # the order of every sum
        for name, series in given.items():
            values = pd.Series(floats(series), index=series.index, name=series.name).reindex(index)
            _refuse(values, values.abs().eq(np.inf), f"{name}: infinite")
            _refuse(values, values.lt(0) & (name != "numerator" or self.part), f"{name}: negative")
            object.__setattr__(self, name, values)
        over = self.numerator > self.denominator * (1 + 1e-9) + SLACK
        _refuse(self.numerator, over & self.part, "numerator: larger than the denominator it is said to be part of,")


def _refuse(values: pd.Series, wrong: "pd.Series[bool]", what: str) -> None:
    if wrong.any():
        raise TableError(f"{what} values for {first_three(values.index[wrong])}: correct them, or leave them NaN.")


@dataclass(frozen=True)
class Ratio:
    """
    A ratio of sums over the communes where both counts are known.

    `known_share` is the share of the people whose figures are known, 0 to 1; `numerator` and `denominator` are the sums
    over what is known. `value`, in units of `scale`, is NaN below three quarters, and without a denominator.
    """

    numerator: float
    denominator: float
    known_share: float = 1.0
    scale: float = 1.0
    part: bool = field(default=True, kw_only=True)

    @property
    def value(self) -> float:
        """The figure, scale × numerator / denominator."""
        told = self.known_share >= ENOUGH and self.denominator > 0
        return self.scale * self.numerator / self.denominator if told else float("nan")


@dataclass(frozen=True)
class Difference:
    """A difference between two ratios, its interval, the quotient of the two, and what may be said."""

    difference: float
    low: float
    high: float
    ratio: float
    said: Said


@dataclass(frozen=True, eq=False)
class Perimeter:
    """
    Communes to be compared with: their name and their codes.

    `whole` is False when the table that gave them stops before they do; `core_share` is the share of the core's people
    who live in it [0-1].
    """

    label: str
    codes: pd.Index
    whole: bool = True
    core_share: float = float("nan")


def density_class(communes: pd.DataFrame) -> "pd.Series[str]":
    """
    Sort communes by inhabitants per km² of their whole area: a stand-in for Insee's grid, and named so.

    The grid looks at squares of 1 km² and at how they touch; a large commune with a dense town is one class lower here.

    Parameters
    ----------
    communes
        By commune: population [people] and area_km2.

    Returns
    -------
    density_class
        Under 25, 300, 1,500 inhabitants per km² or more (a convention), in French; the name of the Series says that it
        is not the grid. NaN where population or area is unknown, or the area is 0.
    """
    _need(communes, (POPULATION, AREA))
    area = floats(communes[AREA])
    density = floats(communes[POPULATION]) / np.where(area > 0, area, np.nan)
    labels = pd.Series(_CLASSES, dtype="str").reindex(np.searchsorted(_BOUNDS, density, side="right"))
    return pd.Series(labels.to_numpy(), index=communes.index, name=DENSITY, dtype="str").where(~np.isnan(density))


def perimeters(
    communes: pd.DataFrame, core: pd.Index, *, national: bool, density: "pd.Series[str] | None" = None
) -> dict[str, Perimeter]:
    """
    List what a territory can be held against: EPCI, département, region, France, communes of the same density.

    Parameters
    ----------
    communes
        By commune: code_epci, code_departement, code_region, population [people, NaN unknown] and area_km2; names are
        read in nom_epci, nom_departement and nom_region when there.
    core
        Codes of the territory.
    national
        Whether the table lists every commune of France. When it does not (a core and its buffer), perimeters are what
        is left of them: their label says it, and `whole` is False.
    density
        Class of each commune in Insee's communal density grid; None for the stand-in of `density_class`.

    Returns
    -------
    perimeters
        "epci", "departement", "region", "france" and "density": the one where most of the core's people live, ties by
        code. One that no commune of the core has (no EPCI, no known density) is left out.

    Raises
    ------
    TableError
        If the core is empty or not in the table, or a column is missing.
    """
    _need(communes, (CODE_EPCI, CODE_DEPARTEMENT, CODE_REGION, POPULATION))
    check_ids(communes.index, "communes")
    if not len(core) or not among(core, communes.index).all():
        lost = quote(core[~among(core, communes.index)])
        raise TableError(f"perimeters: the core {lost or '(empty)'} is not in the communes. Give codes of the table.")
    inside = communes.loc[core]
    people = pd.Series(floats(inside[POPULATION]), index=core)
    people = people.where(people.notna(), people.mean() if people.notna().any() else 1.0)  # weighs a choice, no figure
    classes = density_class(communes) if density is None else density.reindex(communes.index)
    groups = {
        "epci": (communes[CODE_EPCI], "EPCI"),
        "departement": (communes[CODE_DEPARTEMENT], "Département"),
        "region": (communes[CODE_REGION], "Région"),
        "density": (classes, f"Communes de même densité, {classes.name or 'grille fournie'} :"),
    }
    cut = "" if national else " (communes du tableau seulement)"
    found = {"france": Perimeter(f"France{cut}", communes.index, national, 1.0)}
    for key, (codes, title) in groups.items():
        shares = people.groupby(codes.loc[core]).sum() / (people.sum() or 1.0)
        if len(shares):
            main, name = shares.idxmax(), f"nom_{key}"
            held = communes.index[(codes == main).fillna(value=False)]
            label = communes.at[held[0], name] if name in communes.columns else main
            found[key] = Perimeter(f"{title} {label}{cut}", held, national, float(shares.max()))
    return {key: found[key] for key in ("epci", "departement", "region", "france", "density") if key in found}


def _need(communes: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in communes.columns]
    if missing:
        raise TableError(f"communes: column {quote(missing)} is missing. Give {', '.join(columns)}.")


def by_group(figures: Figures, groups: pd.Series) -> pd.DataFrame:
    """
    Aggregate a figure by group of communes: ratios of sums, never means of rates.

    Parameters
    ----------
    figures
        Counts by commune.
    groups
        Group of each commune, such as its EPCI; NaN belongs to none. A commune without figures is unknown.

    Returns
    -------
    by_group
        By sorted group: `value` [`figures.scale`], `numerator`, `denominator` (sums over the communes where both are
        known, NaN when none is), `known_share` (share of the people whose figures are known; a commune whose weight is
        unknown too counts as the average one), `communes`. The value is NaN below a known share of 0.75.
    """
    check_ids(groups.index, "groups")
    codes, labels = pd.factorize(groups, sort=True)
    return _sums(figures, groups.index, codes, pd.Index(labels, name=groups.name))


def ratio(figures: Figures, communes: pd.Index) -> Ratio:
    """
    Aggregate a figure over one perimeter.

    Parameters
    ----------
    figures
        Counts by commune.
    communes
        Unique codes; one without figures is unknown.

    Returns
    -------
    ratio
        The ratio of sums, with what it is made of.
    """
    check_ids(communes, "communes")
    sums = _sums(figures, communes, np.zeros(len(communes), dtype=np.intp), pd.RangeIndex(1)).iloc[0]
    top, bottom, share = (float(sums[column]) for column in ("numerator", "denominator", "known_share"))
    return Ratio(top, bottom, share, figures.scale, part=figures.part)


def _sums(figures: Figures, communes: pd.Index, codes: NDArray[np.intp], index: pd.Index) -> pd.DataFrame:
    rows = figures.numerator.index.get_indexer(communes)[codes >= 0]
    codes = codes[codes >= 0]
    order = np.argsort(rows, kind="stable")  # sums follow the codes, not the order given
    rows, codes = rows[order], codes[order]
    held = figures.denominator if figures.weights is None else figures.weights
    # The NaN at the end is what position -1, a commune without figures, reads.
    top, bottom, weight = (np.append(floats(s), np.nan)[rows] for s in (figures.numerator, figures.denominator, held))

    def add(values: NDArray[Any], kept: NDArray[np.bool_]) -> _Array:
        return np.asarray(np.bincount(codes[kept], values[kept], len(index)), dtype=np.float64)

    known, weighed = ~np.isnan(top) & ~np.isnan(bottom), ~np.isnan(weight)
    communes_of, ones = np.bincount(codes, minlength=len(index)), np.ones(len(codes))
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(weighed, weight, (add(weight, weighed) / add(ones, weighed))[codes])
        number = add(ones, known)
        total = add(weight, ones > 0)
        share = np.where(total > 0, add(weight, known) / total, number / communes_of)
        numerator, denominator = (np.where(number > 0, add(values, known), np.nan) for values in (top, bottom))
        told = (share >= ENOUGH) & (denominator > 0)
        value = np.where(told, figures.scale * numerator / denominator, np.nan)
    share = np.where(communes_of > 0, np.clip(share, 0, 1), np.nan)
    columns = {"value": value, "numerator": numerator, "denominator": denominator, "known_share": share}
    return pd.DataFrame({**columns, "communes": communes_of}, index=index)


def difference(here: Ratio, there: Ratio, *, shared: Ratio | None = None, confidence: float = 0.95) -> Difference:
    """
    Tell a figure from another, with the interval of chance.

    For a share, Newcombe's method 10 [1]_, from Wilson's limits. For a number per person whose numerators are whole
    counts, the same construction (MOVER [2]_) from the score limits of Poisson rates [3]_. Otherwise no interval rather
    than a false one. People on both sides count once: with a of `here` alone, c `shared`, b of `there` alone, the
    difference is n_a/n_here·p_a + n_c(1/n_here − 1/n_there)·p_c − n_b/n_there·p_b, three independent rates; when
    `there` contains `here` it is (1 − n_here/n_there) times the difference to the rest.

    Parameters
    ----------
    here, there
        The figures, of one scale and one kind.
    shared
        The figure of the people who are in both; `here` itself when `there` contains it, None when nobody is. When it
        exceeds one of the two (two vintages), there is no interval.
    confidence
        Share of such intervals that hold the truth, between 0 and 1.

    Returns
    -------
    difference
        here − there and its bounds in units of the figure, here/there, and what may be said; NaN and "unknown" when
        one of the two is not known well enough.

    Raises
    ------
    ValueError
        If confidence is not between 0 and 1, or the two figures are of two kinds.

    Notes
    -----
    The interval is that of chance: what populations of these sizes would show around one same underlying risk. Census
    counts come besides from a survey with an error of its own, larger (40 % of the dwellings of communes of 10,000
    people or more, over five years), so this is the least uncertainty, and nothing here is called significant. It does
    not cover what is unknown, and five comparisons are five intervals.

    References
    ----------
    .. [1] Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.
    .. [2] Zou & Donner 2008, doi:10.1002/sim.3095.
    .. [3] Li, Tang & Wong 2014, doi:10.1007/s00180-013-0467-9.
    """
    if (here.scale, here.part) != (there.scale, there.part):
        raise ValueError("difference: the figures differ in scale or in kind. Compare two figures of one measure.")
    sides = [_frame([side]) for side in (here, there, shared or Ratio(0, 0))]
    found = _differences(sides, here.scale, part=here.part, z=_z(confidence)).iloc[0]
    gap, low, high, quotient = (float(found[column]) for column in ("difference", "low", "high", "ratio"))
    return Difference(gap, low, high, quotient, Said(found["said"]))


def differences(
    here: Sequence[Ratio], there: Sequence[Ratio], shared: Sequence[Ratio], *, confidence: float = 0.95
) -> pd.DataFrame:
    """
    Tell many pairs of figures apart at once, as `difference` does for one.

    Parameters
    ----------
    here, there, shared
        As many figures each, all of one scale and one kind.
    confidence
        As in `difference`.

    Returns
    -------
    differences
        A row by pair: value_here, value_there, difference, low, high, ratio, said, known_here and known_there.
    """
    sides = [_frame(list(side)) for side in (here, there, shared)]
    first = here[0] if len(here) else Ratio(0, 0)
    found = _differences(sides, first.scale, part=first.part, z=_z(confidence))
    found.insert(0, "value_here", sides[0]["value"])
    found.insert(1, "value_there", sides[1]["value"])
    return found.assign(known_here=sides[0]["known_share"], known_there=sides[1]["known_share"])


def standing(
    figures: Figures, here: pd.Index, others: Mapping[str, Perimeter], *, confidence: float = 0.95
) -> pd.DataFrame:
    """
    Hold a territory against other perimeters, whatever they share with it.

    Parameters
    ----------
    figures
        Counts by commune.
    here
        Codes of the territory.
    others
        Perimeters, from `perimeters` or of one's own.
    confidence
        As in `difference`, which says what the interval is, and is not.

    Returns
    -------
    standing
        One row by perimeter: label, whole, value_here, value_there, difference, low, high [`figures.scale`], ratio,
        said (a `Said`), known_here and known_there [0-1].
    """
    mine = ratio(figures, here)
    theirs = [ratio(figures, other.codes) for other in others.values()]
    shared = [ratio(figures, here[among(here, other.codes)]) for other in others.values()]
    found = differences([mine] * len(theirs), theirs, shared, confidence=confidence)
    found.insert(0, "label", pd.Series([other.label for other in others.values()], dtype="str"))
    found.insert(1, "whole", pd.Series([other.whole for other in others.values()], dtype="bool"))
    return found.set_axis(pd.Index(list(others), name="perimeter", dtype="str"))


def against(figures: Figures, groups: pd.Series, there: pd.Index, *, confidence: float = 0.95) -> pd.DataFrame:
    """
    Hold every group of communes against one perimeter at once: all EPCI against France, all communes against one.

    Parameters
    ----------
    figures
        Counts by commune.
    groups
        Group of each commune, as in `by_group`.
    there
        Codes of the perimeter, which may contain the groups.
    confidence
        As in `difference`.

    Returns
    -------
    against
        By sorted group: the columns of `by_group`, then difference, low, high, ratio and said. Of many groups that do
        not differ, one in twenty is told from the perimeter by chance alone.
    """
    here = by_group(figures, groups)
    whole = _frame([ratio(figures, there)]).loc[[0] * len(here)].set_axis(here.index)
    shared = by_group(figures, groups[among(groups.index, there)]).reindex(here.index)
    found = _differences([here, whole, shared], figures.scale, part=figures.part, z=_z(confidence))
    return pd.concat([here, found], axis=1)


def _z(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence} is not between 0 and 1. Use 0.95 for 95 %.")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _frame(ratios: list[Ratio]) -> pd.DataFrame:
    columns = ("value", "numerator", "denominator", "known_share")
    rows = [[getattr(one, column) for column in columns] for one in ratios]
    return pd.DataFrame(rows, columns=list(columns), dtype="float64")


def _differences(sides: list[pd.DataFrame], scale: float, *, part: bool, z: float) -> pd.DataFrame:
    """Compare row by row: `sides` are here, there, and what they share, NaN when that is nobody."""
    here, there = (floats(side["value"]) for side in sides[:2])
    top = [floats(side["numerator"]) for side in sides]
    bottom = [floats(side["denominator"]) for side in sides]
    with np.errstate(divide="ignore", invalid="ignore"):
        gap, quotient = here - there, here / np.where(there != 0, there, np.nan)
        low, high, same = _mover(top, bottom, part=part, z=z)
        beyond = _beyond(top, bottom)
    unknown = np.isnan(gap)
    whole_counts = np.all([(x >= 0) & (np.abs(x - np.round(x)) < 1e-6) for x in top[:2]], axis=0)  # noqa: PLR2004 - rounding
    false = (~whole_counts & (not part) & ~same) | beyond
    low, high = (np.where(unknown | false, np.nan, scale * bound) for bound in (low, high))
    cases = {Said.UNKNOWN: unknown, Said.NO_INTERVAL: false, Said.SAME: same, Said.ABOVE: low > 0, Said.BELOW: high < 0}
    said = np.select(list(cases.values()), [case.value for case in cases], Said.NOT_DISTINGUISHABLE.value)
    columns = {"difference": gap, "low": low, "high": high, "ratio": quotient}
    return pd.DataFrame(columns, index=sides[0].index).assign(said=pd.Series(said, index=sides[0].index, dtype="str"))


def _beyond(top: list[_Array], bottom: list[_Array]) -> NDArray[np.bool_]:
    """Tell where more people are shared than one side has: figures of two vintages, whose parts cannot be told."""
    over = [
        side[2] > side[row] * (1 + 1e-9) + SLACK for side in (top, bottom) for row in (0, 1)
    ]  # False when nobody is
    return np.asarray(np.any(over, axis=0))


def _mover(
    top: list[_Array], bottom: list[_Array], *, part: bool, z: float
) -> tuple[_Array, _Array, NDArray[np.bool_]]:
    """Bound the difference of two rates that share people; whether they share all of them."""
    common_x, common = (np.where(np.isnan(side[2]), 0.0, side[2]) for side in (top, bottom))  # nobody is shared
    alone = [np.where(n - common > 1e-9 * n, n - common, 0.0) for n in bottom[:2]]  # sums are rounded
    counts = [top[0] - common_x, common_x, top[1] - common_x]
    people = [alone[0], common, alone[1]]
    shares = [alone[0] / bottom[0], common / bottom[0] - common / bottom[1], -alone[1] / bottom[1]]
    point, below, above = (np.zeros_like(common) for _ in range(3))
    for x, n, weight in zip(counts, people, shares, strict=True):
        rate, low, high = _limits(np.maximum(x, 0), np.where(n > 0, n, 1.0), part=part, z=z)
        down, up = (np.where(n > 0, weight * (bound - rate), 0.0) for bound in (low, high))
        point = point + np.where(n > 0, weight * rate, 0.0)
        below, above = below + np.minimum(down, up) ** 2, above + np.maximum(down, up) ** 2
    return point - np.sqrt(below), point + np.sqrt(above), (alone[0] == 0) & (alone[1] == 0)


def _limits(x: _Array, n: _Array, *, part: bool, z: float) -> tuple[_Array, _Array, _Array]:
    """Bound one rate by its score limits: Wilson's for a share, Rao's for a Poisson rate."""
    if not part:
        centre, half = (x + z**2 / 2) / n, z * np.sqrt(x + z**2 / 4) / n
        return x / n, centre - half, centre + half
    share = np.minimum(x / n, 1.0)
    centre, half = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + (z / n) ** 2 / 4)
    return share, (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def contributions(figures: Figures, communes: pd.Index, reference: float) -> pd.DataFrame:
    """
    Tell what each commune adds to the distance between the territory and a reference.

    Parameters
    ----------
    figures
        Counts by commune.
    communes
        Codes of the territory.
    reference
        The figure held against [`figures.scale`], such as `ratio(figures, departement).value`.

    Returns
    -------
    contributions
        By commune: `numerator`, `denominator`, `expected` (what the reference makes of its denominator), `excess`
        (numerator − expected, people), `share` (of the territory's excess: signed, above 1 when others pull the other
        way, NaN when there is none) and `effect` (points of the territory's figure): the effects add up to the
        territory's figure less the reference. A commune with an unknown count is NaN; effect and share are NaN
        for all when less than three quarters of the territory are known.
    """
    whole = ratio(figures, communes)
    top, bottom = (series.reindex(communes) for series in (figures.numerator, figures.denominator))
    expected = reference / figures.scale * bottom
    excess = (top - expected).rename("excess")
    told = not np.isnan(whole.value)
    total = whole.numerator - reference / figures.scale * whole.denominator
    return pd.DataFrame(
        {
            "numerator": top,
            "denominator": bottom,
            "expected": expected.where(excess.notna()),
            "excess": excess,
            "share": excess / (total if told and total != 0 else np.nan),
            "effect": figures.scale * excess / (whole.denominator if told else np.nan),
        }
    )
