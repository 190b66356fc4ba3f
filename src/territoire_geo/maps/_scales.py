"""The colours and the breaks of a theme: several ways to cut it, each with its legend."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.maps._classes import MOST, Classes, equal, natural, quantiles
from territoire_geo.maps._texts import METHODS

# ColorBrewer YlGnBu, PuRd and PuOr (safe for the colour-blind), brewer.seqseq2 by row of need, then column of supply.
YLGNBU: Final = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
PURD: Final = ("#f1eef6", "#d7b5d8", "#df65b0", "#dd1c77", "#980043")
PUOR: Final = ("#e66101", "#fdb863", "#f7f7f7", "#b2abd2", "#5e3c99")
SEQSEQ2: Final = (
    "#f3f3f3", "#b4d3e1", "#509dc2",
    "#f3e6b3", "#b3b3b3", "#376387",
    "#f3b300", "#b36600", "#000000",
)  # fmt: skip
# Paul Tol's "light" scheme for classes without an order.
LIGHT: Final = ("#77aadd", "#ee8866", "#eedd88", "#ffaabb", "#99ddff", "#44bb99", "#bbcc33", "#aaaa00", "#dddddd")
_PICK: Final = {1: (3,), 2: (1, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}
WAYS: Final[Mapping[str, Callable[[pd.Series], Classes]]] = MappingProxyType(
    {"quantiles": quantiles, "natural": natural, "equal": equal}
)


@dataclass(frozen=True)
class Scale:
    """A way to cut a theme: its classes, what each is called, its colours, and how it was found, in words."""

    id: str
    classes: Classes
    labels: tuple[str, ...]
    colours: tuple[str, ...]
    said: str

    def json(self, lang: str) -> dict[str, object]:
        """
        Write the scale for the page.

        Parameters
        ----------
        lang
            "fr" or "en".

        Returns
        -------
        json
            Breaks, labels, colours and words.
        """
        return {
            "id": self.id,
            "name": METHODS[lang][f"name_{self.id}"],
            "breaks": list(self.classes.breaks),
            "labels": list(self.labels),
            "colours": list(self.colours),
            "said": self.said,
        }


def ramp(colours: Sequence[str], size: int) -> tuple[str, ...]:
    """
    Take as many colours of a sequential ramp as there are classes.

    Parameters
    ----------
    colours
        Five, from light to dark.
    size
        1 to 5.

    Returns
    -------
    ramp
        The colours, in the same order.
    """
    return tuple(colours[position] for position in _PICK[size])


def scale(name: str, classes: Classes, colours: Sequence[str], *, suffix: str, lang: str) -> Scale:
    """
    Word a way to cut a theme.

    Parameters
    ----------
    name
        "quantiles", "quantiles_all", "natural", "equal", "shared" or "fixed".
    classes
        Its breaks, four at most.
    colours
        Five, from the first class to the last.
    suffix
        Written after each number.
    lang
        "fr" or "en".

    Returns
    -------
    scale
        The scale; "single" when there is one class.
    """
    size = len(classes.breaks) + 1
    said = METHODS[lang][name if classes.breaks else "single"]
    short = name.removesuffix("_all")
    return Scale(short, classes, tuple(classes.labels(suffix, lang)), ramp(colours, size), said)


def shared(breaks: Sequence[float]) -> Classes:
    """
    Take the breaks of another map.

    Parameters
    ----------
    breaks
        Increasing numbers, four at most.

    Returns
    -------
    shared
        The classes.

    Raises
    ------
    ValueError
        If there are more than four, or they do not increase.
    TypeError
        If they are a text.
    """
    if isinstance(breaks, str):
        raise TypeError(f"breaks: {breaks!r} is a text. Give a list of numbers.")
    given = np.asarray(list(breaks), dtype="float64")
    if len(given) >= MOST or not np.isfinite(given).all() or (np.diff(given) <= 0).any():
        raise ValueError(f"breaks: {list(breaks)} are not increasing numbers, four at most. Give inner breaks only.")
    return Classes(tuple(given.tolist()), _decimals(given))


def around_zero(values: pd.Series) -> Classes:
    """
    Cut differences in five classes, the same on both sides of zero, at round numbers.

    Parameters
    ----------
    values
        Differences, NaN unknown.

    Returns
    -------
    around_zero
        Breaks at minus and plus two round numbers: near the 30th and the 75th percentile of the sizes; one class
        without a difference.
    """
    sizes = values.abs().dropna()
    sizes = sizes[sizes > 0]
    if not len(sizes):
        return Classes(())
    near, far = (_nice(float(sizes.quantile(level))) for level in (0.3, 0.75))
    far = far if far > near else _nice(2 * near * 1.01)
    breaks = np.array([-far, -near, near, far])
    return Classes(tuple(breaks.tolist()), _decimals(breaks))


def _decimals(breaks: NDArray[np.float64]) -> int:
    """Count the decimals that tell the breaks to the letter, six at most."""
    return next((digits for digits in range(6) if np.allclose(np.round(breaks, digits), breaks, rtol=1e-9)), 6)


def _nice(value: float) -> float:
    power = 10.0 ** np.floor(np.log10(value))
    return float(np.round(power * min((1.0, 2.0, 5.0, 10.0), key=lambda digit: abs(digit - value / power)), 9))
