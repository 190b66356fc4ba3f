"""`Measure`, one documented number per commune, and `Need`, one shape for every need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.tables import Note, Tables
from territoire_geo.territory import Territory

Decay = Callable[[NDArray[np.float64]], NDArray[np.float64]]


class Polarity(StrEnum):
    """What a higher value of a measure means."""

    MORE_NEED = "+"
    LESS_NEED = "-"
    CONTEXT = "ctx"


class Level(StrEnum):
    """How sure it is that the activity of a structure answers a need."""

    DECLARED = "declared"
    LIKELY = "likely"
    PROBABLE = "probable"
    UNKNOWN = "unknown"
    NO = "no"


@dataclass(frozen=True)
class Reference:
    """What the territory is held against: EPCI, DEP, REG or FR, its code and its name."""

    niveau: str
    code: str
    nom: str


@dataclass(frozen=True)
class Inputs:
    """
    What a measure may read: the territory, the tables, the minutes by mode, the reference.

    `travel` maps a mode ("car", "bike") to a Series of minutes indexed by (origin, destination): origins are communes,
    destinations are communes and the ids of points. `levels` says, by need, whether a structure answers it.
    """

    territory: Territory
    tables: Tables
    travel: Mapping[str, pd.Series]
    reference: Reference
    levels: pd.DataFrame

    @property
    def index(self) -> pd.Index:
        """Codes of the communes, core and buffer."""
        return self.territory.communes.index

    def column(self, variable: str) -> pd.Series:
        """
        Read a column of a commune table on the territory [unit of the column].

        Parameters
        ----------
        variable
            Table and column, such as "births.naissances".

        Returns
        -------
        column
            One value per commune, NaN where unknown.
        """
        return self.tables.column(variable, self.index)


@dataclass(frozen=True)
class Measure:
    """
    One documented number per commune.

    `variables` are the columns read ("births.naissances"), from which sources and reasons of absence follow.
    A ratio keeps `numerator` and `denominator`, so that any perimeter aggregates as a ratio of sums; `scale` is 100
    for a percentage. `formula` says how it is computed, `reference` who defines it.
    """

    id: str
    label: str
    label_en: str
    unit: str
    polarity: Polarity
    variables: tuple[str, ...]
    formula: str
    numerator: Callable[[Inputs], pd.Series]
    denominator: Callable[[Inputs], pd.Series] | None = None
    scale: float = 1.0
    additive: bool = True
    reference: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the tables it reads, whose sources `Tables.sources` gives."""
        return tuple(dict.fromkeys(variable.partition(".")[0] for variable in self.variables))

    def compute(self, inputs: Inputs) -> pd.Series:
        """
        Compute the measure for every commune [`unit`].

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference.

        Returns
        -------
        compute
            One value per commune, named after the measure; NaN where a figure is unknown or a ratio has no denominator.
        """
        values = self.numerator(inputs).astype("float64")
        if self.denominator is not None:
            whole = self.denominator(inputs)
            values = self.scale * values / whole.where(whole > 0)
        return values.rename(self.id)

    def aggregate(self, inputs: Inputs, communes: pd.Index) -> float:
        """
        Aggregate the measure over communes: a sum, or a ratio of sums, never a mean of rates [`unit`].

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference.
        communes
            Codes of the perimeter.

        Returns
        -------
        aggregate
            NaN when a figure of the perimeter is unknown, or when the measure does not add up (a median).
        """
        if not self.additive:
            return float("nan")
        top = float(self.numerator(inputs).loc[communes].sum(skipna=False))
        if self.denominator is None:
            return top
        bottom = float(self.denominator(inputs).loc[communes].sum(skipna=False))
        return self.scale * top / bottom if bottom > 0 else float("nan")


@dataclass(frozen=True)
class Access:
    """
    What is within reach of each commune, per person or in all.

    `frame` is indexed by `code_commune` with `access` (NaN when nothing is known), `reachable` (bool) and
    `known_share` (share of the population of the catchment whose figures are known, 0 to 1).
    """

    frame: pd.DataFrame
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Target:
    """The access that would be enough: one value per commune, and where the norm comes from, in French and English."""

    norm: pd.Series
    label: str
    label_en: str
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True)
class Need:
    """
    A need: demand, access, target, reach.

    `reach` is in minutes of `mode`. `shape` makes the decay of a reach, `others` the decays of the sensitivity.
    `gap_unit` names what is missing (places, jobs); `headline` is the figure that tells the need best; `unmet` names
    the people who lack it.
    `naf` lists the activity codes (without dots) that answer it, `kinds` the kinds of structure that probably do,
    `kinds_declared` those whose agreement with the State says so; `facilities` the facility codes that are supply
    points of their own; `variables` are the columns that access and target read, from which their sources follow.
    `adapt` renames demand and units after the figures that the tables allow (posts or structures, 65 or 75 years), so
    that labels say what was counted.
    """

    id: str
    label: str
    label_en: str
    demand: Measure
    access: Callable[[Inputs, "Need", Decay], Access]
    target: Callable[[Inputs, "Need"], Target]
    reach: float
    shape: Callable[[float], Decay]
    others: tuple[Callable[[float], Decay], ...]
    access_unit: str
    gap_unit: str
    access_unit_en: str
    gap_unit_en: str
    mode: str = "car"
    headline: str = "unmet_people"
    naf: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    kinds_declared: tuple[str, ...] = ()
    facilities: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    unmet: str = "personnes"
    unmet_en: str = "people"
    adapt: "Callable[[Inputs, Need], Need] | None" = None

    @property
    def decay(self) -> Decay:
        """The decay of the central result."""
        return self.shape(self.reach)

    def within(self, minutes: float) -> Self:
        """
        Give the same need with another reach.

        Parameters
        ----------
        minutes
            Reach in minutes of `mode`.

        Returns
        -------
        within
            A new need; its decays keep their shape.

        Raises
        ------
        ValueError
            If the reach is not a positive number of minutes.
        """
        if not 0 < minutes < np.inf:
            raise ValueError(f"reach of {self.id}: {minutes} is not a positive number of minutes.")
        return replace(self, reach=float(minutes))

    def fitted(self, inputs: Inputs) -> "Need":
        """
        Give the same need, with labels and units that say which figures the tables allow.

        Parameters
        ----------
        inputs
            Territory and tables.

        Returns
        -------
        fitted
            The need, or a renamed one; what is computed does not change.
        """
        return self if self.adapt is None else self.adapt(inputs, self)


# Conventions of methods.md §2, stated in the settings of every diagnostic.
DETOUR: Final = 1.3
CAR_KMH: Final = 50.0
