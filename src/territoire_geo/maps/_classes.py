"""Classes of a theme: few, never empty, and said in words."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.maps._texts import number

UNKNOWN: Final = "u"
NOBODY: Final = "z"  # no one is concerned: neither unknown nor a class
MOST: Final = 5
_DIGITS: Final = 3
_DISTINCT: Final = 800  # groups of values between which a natural break is looked for
_ROUND: Final = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Classes:
    """
    Inner breaks of a theme; class i holds breaks[i-1] <= value < breaks[i].

    `decimals` is how many are needed to tell the breaks apart.
    """

    breaks: tuple[float, ...]
    decimals: int = 0

    def codes(self, values: pd.Series, nobody: "pd.Series[bool] | None" = None) -> "pd.Series[str]":
        """
        Give the class of each value.

        Parameters
        ----------
        values
            One value per commune, NaN unknown.
        nobody
            Where there is no one to count.

        Returns
        -------
        codes
            "0" to "4", `UNKNOWN` for NaN, `NOBODY` where asked.
        """
        rank = np.searchsorted(self.breaks, values.to_numpy(dtype="float64"), side="right")
        out = pd.Series(rank.astype(str), index=values.index, dtype="str").mask(values.isna(), UNKNOWN)
        return out if nobody is None else out.mask(nobody, NOBODY)

    def labels(self, suffix: str, lang: str, *, first: float | None = None, last: float | None = None) -> list[str]:
        """
        Say each class in words.

        Parameters
        ----------
        suffix
            Written after each number, such as " %".
        lang
            "fr" or "en".
        first
            Lower bound of the first class, when it has one.
        last
            Upper bound of the last class, when it has one.

        Returns
        -------
        labels
            One text per class.
        """
        below, above, to, every = _WORDS[lang]
        bounds = [number(value, self.decimals, lang) for value in self.breaks]
        low = [None if first is None else number(first, self.decimals, lang), *bounds]
        high = [*bounds, None if last is None else number(last, self.decimals, lang)]
        out = []
        for lower, upper in zip(low, high, strict=True):
            if lower is None and upper is None:
                out.append(every)
            elif lower is None:
                out.append(below.format(upper) + suffix)
            elif upper is None:
                out.append(above.format(lower + suffix))
            else:
                out.append(to.format(lower, upper) + suffix)
        return out


_WORDS: Final = {
    "fr": ("moins de {}", "{} et plus", "{} à {}", "toutes les communes"),
    "en": ("under {}", "{} and over", "{} to {}", "every commune"),
}


def quantiles(values: pd.Series, *, most: int = MOST) -> Classes:
    """
    Cut values in classes of about equal numbers; ties stay together and no class is empty.

    Parameters
    ----------
    values
        Values of the core, NaN unknown.
    most
        How many classes at most.

    Returns
    -------
    quantiles
        Breaks rounded to the fewest decimals that keep them apart; one class when the values are all equal or unknown.
    """
    known = np.sort(values.dropna().to_numpy(dtype="float64"))
    if not len(known):
        return Classes(())
    raw = np.unique(np.quantile(known, np.arange(1, most) / most, method="median_unbiased"))
    decimals = decimals_of(known)
    while decimals < decimals_of(known) + 3 and len(np.unique(np.round(raw, decimals))) < len(raw):
        decimals += 1
    breaks: list[float] = []
    for bound in np.unique(np.round(raw, decimals)):
        inside = np.searchsorted(known, bound) - (np.searchsorted(known, breaks[-1]) if breaks else 0)
        if inside and np.searchsorted(known, bound) < len(known):
            breaks.append(float(bound))
    return Classes(tuple(breaks), decimals)


def natural(values: pd.Series, *, most: int = MOST) -> Classes:
    """
    Cut values where they leave gaps: the classes with the least sum of squared distances to their means.

    Exact over the distinct values; above `_DISTINCT` of them, over that many groups of neighbours.

    Parameters
    ----------
    values
        Values of the core, NaN unknown.
    most
        How many classes at most.

    Returns
    -------
    natural
        Breaks at the lowest value of each class but the first, rounded down to the fewest decimals that move no value.

    References
    ----------
    .. [1] Fisher 1958, On grouping for maximum homogeneity, doi:10.1080/01621459.1958.10501479.
    .. [2] Jenks 1967, The data model concept in statistical mapping.
    """
    known = np.sort(values.dropna().to_numpy(dtype="float64"))
    distinct, counts = np.unique(known, return_counts=True)
    if len(distinct) < 2:  # noqa: PLR2004 - a break stands between two values
        return Classes(())
    starts = _group(counts)
    weight = np.add.reduceat(counts, starts).astype(np.float64)
    total = np.add.reduceat(counts * distinct, starts)
    square = np.add.reduceat(counts * distinct**2, starts)
    first = _fisher(weight, total, square, min(most, len(starts)))
    lowest = distinct[starts[first]]
    below = distinct[starts[first] - 1]
    decimals = decimals_of(known)
    while decimals < decimals_of(known) + 3 and (_floor(lowest, decimals) <= below).any():
        decimals += 1
    breaks = np.where(_floor(lowest, decimals) > below, _floor(lowest, decimals), lowest)
    return Classes(tuple(breaks.tolist()), decimals)


def _floor(values: NDArray[np.float64], decimals: int) -> NDArray[np.float64]:
    lower: NDArray[np.float64] = np.round(np.floor(np.round(values * 10**decimals, 6)) / 10**decimals, decimals)
    return lower


def _group(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Start a group at each distinct value, or at `_DISTINCT` of them that share the places out."""
    if len(counts) <= _DISTINCT:
        return np.arange(len(counts))
    share = np.cumsum(counts) - counts
    return np.unique(np.searchsorted(share, np.linspace(0, share[-1], _DISTINCT)))


def _fisher(
    weight: NDArray[np.float64], total: NDArray[np.float64], square: NDArray[np.float64], size: int
) -> NDArray[np.intp]:
    """Find the first group of each class but the first, by dynamic programming over the last class."""
    count = len(weight)
    sums = [np.concatenate([[0.0], np.cumsum(part)]) for part in (weight, total, square)]

    def spread(end: int) -> NDArray[np.float64]:
        many, added, squared = (part[end] - part[:end] for part in sums)
        found: NDArray[np.float64] = np.maximum(squared - added**2 / many, 0.0)
        return found

    apart = [spread(end) for end in range(1, count + 1)]
    best = np.array([each[0] for each in apart])
    cuts: list[NDArray[np.intp]] = []
    for _ in range(size - 1):
        cut = np.zeros(count, dtype=np.intp)
        further = np.full(count, np.inf)
        for end in range(1, count):
            cost = best[:end] + apart[end][1:]
            cut[end] = int(cost.argmin()) + 1
            further[end] = cost[cut[end] - 1]
        cuts.append(cut)
        best = further
    found, last = [], count - 1
    for cut in reversed(cuts):
        found.append(int(cut[last]))
        last = found[-1] - 1
    return np.array(found[::-1], dtype=np.intp)


def equal(values: pd.Series, *, most: int = MOST) -> Classes:
    """
    Cut the range of values in classes of equal width, at round numbers; no class is empty.

    Parameters
    ----------
    values
        Values of the core, NaN unknown.
    most
        How many classes at most.

    Returns
    -------
    equal
        Breaks at multiples of 1, 2, 2.5 or 5 times a power of ten.
    """
    known = np.sort(values.dropna().to_numpy(dtype="float64"))
    if not len(known) or known[0] == known[-1]:
        return Classes(())
    power = 10.0 ** np.floor(np.log10((known[-1] - known[0]) / most))
    bounds = next(inside for inside in (_inside(known, power * digit) for digit in _ROUND) if len(inside) < most)
    breaks: list[float] = []
    for bound in bounds:
        before = np.searchsorted(known, breaks[-1]) if breaks else 0
        if before < np.searchsorted(known, bound) < len(known):
            breaks.append(float(bound))
    decimals = next((digits for digits in range(6) if np.allclose(np.round(breaks, digits), breaks, rtol=1e-9)), 6)
    return Classes(tuple(breaks), decimals)


def _inside(known: NDArray[np.float64], wide: float) -> NDArray[np.float64]:
    """List the multiples of a width that stand above the lowest value and up to the highest."""
    first, last = (float(np.floor(value / wide)) for value in (known[0], known[-1]))
    bounds: NDArray[np.float64] = np.round(wide * np.arange(first + 1, last + 1), 12)
    return bounds


def decimals_of(values: np.ndarray, *, digits: int = _DIGITS) -> int:
    """
    Choose how many decimals a set of values deserves: some figures, none for whole numbers.

    Parameters
    ----------
    values
        Known values.
    digits
        Significant figures to keep.

    Returns
    -------
    decimals_of
        0 to 3.
    """
    if not len(values) or (values == np.rint(values)).all():
        return 0
    size = np.quantile(np.abs(values), 0.75)
    return int(np.clip(digits - 1 - np.floor(np.log10(size)), 0, _DIGITS)) if size > 0 else 1
