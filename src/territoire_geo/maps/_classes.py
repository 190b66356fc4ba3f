"""Classes of a theme: few, never empty, and said in words."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.maps._texts import number

UNKNOWN: Final = "u"
NOBODY: Final = "z"  # no one is concerned: neither unknown nor a class
MOST: Final = 5
_DIGITS: Final = 3


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


def decimals_of(values: np.ndarray) -> int:
    """
    Choose how many decimals a set of values deserves: three figures, none for whole numbers.

    Parameters
    ----------
    values
        Known values.

    Returns
    -------
    decimals_of
        0 to 3.
    """
    if not len(values) or (values == np.rint(values)).all():
        return 0
    size = np.quantile(np.abs(values), 0.75)
    return int(np.clip(_DIGITS - 1 - np.floor(np.log10(size)), 0, _DIGITS)) if size > 0 else 1
