"""`Measure`, one documented number per commune, and `Need`, one shape for every need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.columns import NEED, POPULATION
from territoire_geo.contracts import CONTRACTS, brought_by
from territoire_geo.tables import Note, Tables
from territoire_geo.territory import Territory

ENOUGH: Final = 0.75  # share of the people of a perimeter whose figures must be known for its value to be told
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


def _nothing_added() -> pd.DataFrame:
    columns = {NEED: "str", "capacity": "float64", "lon": "float64", "lat": "float64"}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def _no_capacity() -> Mapping[str, pd.Series]:
    return {}


@dataclass(frozen=True)
class Changes:
    """
    What a scenario adds to the supply, and the capacities that it changes; nothing by default.

    `added` is indexed by point id, with need, capacity [supply unit of the need], lon and lat [degrees]; `capacity`
    gives, by need and point id, the capacity that replaces the one known. `posts` fixes whether structures count by
    their posts, whatever the scenario leaves; None lets the tables decide.
    """

    added: pd.DataFrame = field(default_factory=_nothing_added)
    capacity: Mapping[str, pd.Series] = field(default_factory=_no_capacity)
    posts: bool | None = None

    def points(self, need: str) -> pd.Series:
        """
        Give the capacities that are added for a need [supply unit of the need].

        Parameters
        ----------
        need
            Its id.

        Returns
        -------
        points
            Capacity by point id.
        """
        return self.added.loc[self.added[NEED] == need, "capacity"]

    def applied(self, need: str, supply: pd.Series) -> pd.Series:
        """
        Give the supply of a need once the scenario is applied [supply unit of the need].

        Parameters
        ----------
        need
            Its id.
        supply
            Capacity by place, as the tables know it.

        Returns
        -------
        applied
            The capacities that the scenario changes are replaced, its points follow.
        """
        new, known = self.points(need), supply
        if need in self.capacity:
            changed = self.capacity[need].reindex(supply.index)
            known = supply.where(changed.isna(), changed)
        return pd.concat([known, new]) if len(new) else known


@dataclass(frozen=True)
class Inputs:
    """
    What a measure may read: the territory, the tables, the minutes by mode, the reference.

    `travel` maps a mode ("car", "bike") to a Series of minutes indexed by (origin, destination): origins are communes,
    destinations are communes and the ids of points. `levels` says, by need, whether a structure answers it; `changes`
    is what a scenario adds.
    """

    territory: Territory
    tables: Tables
    travel: Mapping[str, pd.Series]
    reference: Reference
    levels: pd.DataFrame
    changes: Changes = field(default_factory=Changes)

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

    `variables` are the columns read ("births.naissances"), from which sources and reasons of absence follow. `lacking`
    says in French and in English why it cannot be computed, ("", "") when it can, in place of the rule that each
    column is needed: the measure is then unknown everywhere. A ratio keeps `numerator` and `denominator`, so that any
    perimeter aggregates as a ratio of sums; `scale` is 100 for a percentage; `part` says that those of the numerator
    are among those of the denominator. A measure with `less` is a difference: the other measure is taken away. Under
    `small` in the denominator a figure is fragile, 0 for never. `formula` says in French how it is computed,
    `reference` who defines it; `code` is its place in the list of indicators, "" out of it. `additive` is False for
    what does not add up (a median, minutes). `worked_out` holds the counts of a measure that is `held`.
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
    code: str = ""
    unit_en: str = ""
    part: bool = False
    small: float = 0.0
    less: "Measure | None" = None
    lacking: Callable[[Inputs], tuple[str, str]] | None = None
    worked_out: pd.DataFrame | None = field(default=None, repr=False, compare=False)

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the tables it reads, whose sources `Tables.sources` gives."""
        return tuple(dict.fromkeys(variable.partition(".")[0] for variable in self.variables))

    def parts(self, inputs: Inputs) -> pd.DataFrame:
        """
        Give the two counts of a ratio, commune by commune [units of the columns].

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference.

        Returns
        -------
        parts
            Columns numerator and denominator, indexed by `code_commune`; NaN unknown. The denominator of a measure
            that is no ratio is NaN, and so are both of a difference of ratios, which no two sums make up.
        """
        if self.less is not None:
            return pd.DataFrame(np.nan, index=inputs.index, columns=["numerator", "denominator"])
        return self._counts(inputs)

    def held(self, inputs: Inputs) -> Self:
        """
        Work its counts out once, when several figures are asked of the same inputs.

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference: those of every later call.

        Returns
        -------
        held
            The same measure for these inputs, and for no others.
        """
        less = None if self.less is None else self.less.held(inputs)
        return replace(self, less=less, worked_out=self._counts(inputs))

    def _counts(self, inputs: Inputs) -> pd.DataFrame:
        if self.worked_out is not None:
            return self.worked_out
        if self.lacking is not None and any(self.lacking(inputs)):
            return pd.DataFrame(np.nan, index=inputs.index, columns=["numerator", "denominator"])
        whole = np.nan if self.denominator is None else self.denominator(inputs)
        parts = pd.DataFrame({"numerator": self.numerator(inputs), "denominator": whole}, index=inputs.index)
        return parts.astype("float64")

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
        parts = self._counts(inputs)
        values = parts["numerator"]
        if self.denominator is not None:
            whole = parts["denominator"]
            values = self.scale * values / whole.where(whole > 0)
        if self.less is not None:
            values = values - self.less.compute(inputs)
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
            Value on the communes whose figures are known, `known_share` telling how many people live there; a count is
            then what they have, not an estimate of the whole. NaN when less than 75 % of the people are known, or
            when the measure does not add up (a median).
        """
        if not self.additive:
            return float("nan")
        known = self._known(inputs, communes)
        if not _share(inputs, communes, known) >= ENOUGH:
            return float("nan")
        sums = self._counts(inputs).loc[known].sum()
        value = float(sums["numerator"])
        if self.denominator is not None:
            value = self.scale * value / float(sums["denominator"]) if sums["denominator"] > 0 else float("nan")
        return value if self.less is None else value - self.less.aggregate(inputs, known)

    def known_share(self, inputs: Inputs, communes: pd.Index) -> float:
        """
        Tell which share of the people of a perimeter live where the figures of the measure are known [0-1].

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference.
        communes
            Codes of the perimeter.

        Returns
        -------
        known_share
            Of the population, or of the communes when nobody is known to live there; NaN for no commune at all.
        """
        return _share(inputs, communes, self._known(inputs, communes))

    def _known(self, inputs: Inputs, communes: pd.Index) -> pd.Index:
        """Keep the communes whose counts, all of them, are known."""
        parts = self._counts(inputs).loc[communes]
        known = communes[parts["numerator"].notna() & (parts["denominator"].notna() | (self.denominator is None))]
        return known if self.less is None else self.less._known(inputs, known)  # noqa: SLF001 - of its own class

    def fragile(self, inputs: Inputs) -> "pd.Series[bool]":
        """
        Tell the communes whose figure rests on too few people or dwellings to be relied on.

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference.

        Returns
        -------
        fragile
            True where the figure is known and its denominator under `small`; False everywhere without such a limit.
        """
        weak = pd.Series(data=False, index=inputs.index, name=self.id)
        if self.denominator is not None and self.small > 0:
            counts = self._counts(inputs)
            weak = (counts["denominator"].lt(self.small) & counts["numerator"].notna()).rename(self.id)
        return weak if self.less is None else weak | self.less.fragile(inputs)

    def missing(self, inputs: Inputs, *, lang: str = "fr") -> str:
        """
        Say why the measure cannot be computed with these tables.

        Parameters
        ----------
        inputs
            Territory, tables, travel and reference.
        lang
            "fr" or "en".

        Returns
        -------
        missing
            "" when it can; else what lacks, and which source brings it.
        """
        said = self.lacking(inputs) if self.lacking is not None else absent(inputs, *self.variables)
        return said[1] if lang == "en" else said[0]


def absent(inputs: Inputs, *variables: str) -> tuple[str, str]:
    """
    Say which columns lack: the first that is not loaded, or has no figure for the territory and its buffer.

    Parameters
    ----------
    inputs
        Territory and tables.
    *variables
        Tables and columns, such as "births.naissances".

    Returns
    -------
    absent
        In French and in English; empty when nothing lacks.
    """
    for variable in variables:
        name, _, column = variable.partition(".")
        table: pd.DataFrame | None = getattr(inputs.tables, name)
        fr, en = brought_by(variable)
        if table is None:
            return f"table « {name} » non chargée ; source : {fr}", f"table {name} is not loaded; source: {en}"
        if column in table.index.names:
            continue
        if column not in table.columns:
            return (
                f"colonne « {column} » absente de la table « {name} » ; source : {fr}",
                f"column {column} is not in table {name}; source: {en}",
            )
        figures = inputs.column(variable) if CONTRACTS[name].by_commune else table[column]
        if figures.isna().all():
            return (
                f"aucun chiffre de « {name}.{column} » pour ce territoire ; source : {fr}",
                f"no figure of {name}.{column} for this territory; source: {en}",
            )
    return "", ""


def _share(inputs: Inputs, communes: pd.Index, known: pd.Index) -> float:
    people = inputs.territory.communes[POPULATION].reindex(communes)
    if not people.sum() > 0:
        people = pd.Series(1.0, index=communes)
    whole = float(people.sum())
    return float(people.reindex(known).sum()) / whole if whole > 0 else float("nan")


@dataclass(frozen=True)
class Access:
    """
    What is within reach of each commune, per person or in all.

    `frame` is indexed by `code_commune` with `access` (NaN when nothing is known), `reachable` (bool) and
    `known_share` (share of the population of the catchment whose figures are known, 0 to 1). `conservation` is the
    report of the catchments: what supply was reached, what was shared out; None for an access that shares nothing out.
    """

    frame: pd.DataFrame
    notes: tuple[Note, ...] = ()
    conservation: pd.Series | None = None


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
