"""A theme of the map: what is drawn, in which classes, and the words around it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._classes import NOBODY, UNKNOWN
from territoire_geo.maps._scales import Scale
from territoire_geo.measures import Need

Json = dict[str, object]
_NONE: Final[Mapping[str, object]] = MappingProxyType({})


@dataclass(frozen=True)
class Options:
    """
    How the themes of a map are drawn.

    `classes` is how values are cut when a theme has no fixed breaks; `breaks` gives those of another map, by theme;
    `measures` are the context measures to draw, all that are computed by default; `before` is an earlier diagnostic;
    `digits` is how many significant figures a measure keeps.
    """

    lang: str = "fr"
    classes: str | None = None
    breaks: Mapping[str, Sequence[float]] = field(default_factory=lambda: MappingProxyType({}))
    measures: Sequence[str] | None = None
    before: Diagnostic | None = None
    digits: int = 3


@dataclass(frozen=True)
class Theme:
    """
    What one choice of the reader draws.

    `topic` groups the themes that are views of the same figures. `numbers` are figures as they are printed, by commune,
    NaN unknown, cut by the first of `scales` unless the reader takes another; a theme of kinds has `kinds` instead, the
    position of each commune in `labels`. `nobody` tells where no one is concerned. `carried` says that the page finds
    the values elsewhere.
    """

    id: str
    kind: str
    topic: str
    words: Mapping[str, str]
    sources: Sequence[str]
    numbers: "pd.Series[float] | None" = None
    decimals: int = 0
    scales: Sequence[Scale] = ()
    kinds: "pd.Series[float] | None" = None
    labels: Sequence[str] = ()
    colours: Sequence[str] = ()
    nobody: "pd.Series[bool] | None" = None
    need: Need | None = None
    carried: bool = False
    more: Mapping[str, object] = field(default_factory=lambda: _NONE)

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Label and colour of each class, in order."""
        if self.scales:
            return list(zip(self.scales[0].labels, self.scales[0].colours, strict=True))
        return list(zip(self.labels, self.colours, strict=True))

    def codes(self) -> "pd.Series[str]":
        """
        Give the class of each commune.

        Returns
        -------
        codes
            Position in `legend` as a text, `UNKNOWN`, or `NOBODY` where no one is concerned.
        """
        if self.numbers is not None:
            return self.scales[0].classes.codes(self.numbers, self.nobody)
        if self.kinds is None:
            raise ValueError(f"{self.id}: a theme has numbers or kinds.")
        known = self.kinds.notna()
        codes = pd.Series(UNKNOWN, index=self.kinds.index, dtype="str")
        codes[known] = self.kinds[known].astype(int).astype(str)
        return codes if self.nobody is None else codes.mask(self.nobody, NOBODY)

    def counts(self) -> Json:
        """
        Count the communes of each class.

        Returns
        -------
        counts
            `classes` in the order of the legend, `unknown` and `nobody`: they add up to the communes of the theme.
        """
        codes = self.codes()
        return {
            "classes": [int((codes == str(rank)).sum()) for rank in range(len(self.legend))],
            "unknown": int((codes == UNKNOWN).sum()),
            "nobody": int((codes == NOBODY).sum()),
        }


def words(  # noqa: PLR0913 - one by word
    label: str, view: str, title: str, *, unit: str = "", sense: str = "", note: str = ""
) -> Mapping[str, str]:
    """
    Gather the words of a theme.

    Parameters
    ----------
    label
        Of its topic, in the list of themes.
    view
        Of this view of the topic.
    title
        Above its legend.
    unit
        Of its values.
    sense
        What dark means.
    note
        What a reader must know of how it was made.

    Returns
    -------
    words
        The same, by name.
    """
    return MappingProxyType(
        {"label": label, "viewLabel": view, "title": title, "unit": unit, "sense": sense, "note": note}
    )


def rounded(values: pd.Series, decimals: int) -> "pd.Series[float]":
    """
    Round values as the page prints them; what is infinite is unknown.

    Parameters
    ----------
    values
        Numbers, NaN unknown.
    decimals
        How many to keep.

    Returns
    -------
    rounded
        The same index.
    """
    numbers = values.astype("float64").replace([np.inf, -np.inf], np.nan)
    # A quotient of whole numbers, as the page reads it: both then fall on the same side of a break.
    found: pd.Series[float] = (numbers * 10**decimals).round() / 10**decimals
    return found
