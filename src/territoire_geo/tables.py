"""`Tables`, the bundle of tidy tables, with their sources and the reasons of what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Self

import pandas as pd

from territoire_geo.cog import COG_YEAR, among, quote
from territoire_geo.contracts import CONTRACTS, conform
from territoire_geo.errors import TableError, TerritoireGeoWarning


class Absence(StrEnum):
    """Why a figure is missing: three states, and zero is none of them."""

    SECRET = "secret"  # noqa: S105 - statistical secrecy, not a password
    NOT_PUBLISHED = "non publié"
    NOT_APPLICABLE = "sans objet"


@dataclass(frozen=True)
class Source:
    """
    A published source: who, what, when, and the file that was read.

    `millesime` is the vintage as the producer writes it; `cog_year` the year of its commune codes, None when it has
    none; `sha256` the hash of the file that was read, empty when nothing was. A list that is not of the whole country
    says where it stops: `within_km` around the territory of code `around`.
    """

    id: str
    title: str
    producer: str
    url: str = ""
    licence: str = ""
    millesime: str = ""
    cog_year: int | None = None
    sha256: str = ""
    landing_page: str = ""
    around: str = ""
    within_km: float | None = None

    def cite(self) -> str:
        """
        Cite the source: producer, title, vintage.

        Returns
        -------
        cite
            One line for a legend or a report.
        """
        return ", ".join(part for part in (self.producer, self.title, self.millesime) if part)


@dataclass(frozen=True)
class Note:
    """Something a reader must know: an approximation, an estimate, a gap; in French and in English."""

    category: type[TerritoireGeoWarning]
    fr: str
    en: str


def _no_absence() -> Mapping[str, "pd.Series[str]"]:
    return MappingProxyType({})


def _no_extent() -> Mapping[str, pd.Index]:
    return MappingProxyType({})


def _no_source() -> Mapping[str, tuple[Source, ...]]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Tables:
    """
    The tidy tables of a diagnostic, one field each; None is not loaded.

    Every table is checked against its contract when the bundle is built. `absences` holds, by field, why a figure is
    NaN when more is known than "not published": a Series of `Absence`, indexed by (code_commune, column).
    `extents` holds the communes that a partial list covers, `sources` the sources of each field and of the
    "territory", `notes` what happened when they were read; every commune code is of `cog_year`.
    """

    population: pd.DataFrame | None = None
    activity: pd.DataFrame | None = None
    prime_age: pd.DataFrame | None = None
    births: pd.DataFrame | None = None
    cars: pd.DataFrame | None = None
    families: pd.DataFrame | None = None
    living_alone: pd.DataFrame | None = None
    working_parents: pd.DataFrame | None = None
    wage_earners: pd.DataFrame | None = None
    education: pd.DataFrame | None = None
    housing: pd.DataFrame | None = None
    commuting: pd.DataFrame | None = None
    income: pd.DataFrame | None = None
    jobseekers: pd.DataFrame | None = None
    employees: pd.DataFrame | None = None
    flows: pd.DataFrame | None = None
    childcare_rates: pd.DataFrame | None = None
    childcare_places: pd.DataFrame | None = None
    facilities: pd.DataFrame | None = None
    structures: pd.DataFrame | None = None
    activities: pd.DataFrame | None = None
    places: pd.DataFrame | None = None
    hiring: pd.DataFrame | None = None
    basins: pd.DataFrame | None = None
    references: pd.DataFrame | None = None
    absences: Mapping[str, "pd.Series[str]"] = field(default_factory=_no_absence)
    sources: Mapping[str, tuple[Source, ...]] = field(default_factory=_no_source)
    extents: Mapping[str, pd.Index] = field(default_factory=_no_extent)
    notes: tuple[Note, ...] = ()
    cog_year: int = COG_YEAR

    def __post_init__(self) -> None:
        for name in CONTRACTS:
            frame = getattr(self, name)
            if frame is not None:
                object.__setattr__(self, name, conform(name, frame))

    def covered(self, table: str, index: pd.Index) -> "pd.Series[bool]":
        """
        Tell which communes a list covers: elsewhere an absent row is unknown, not a zero.

        Parameters
        ----------
        table
            A field of rows with a place, such as "structures".
        index
            Codes of communes.

        Returns
        -------
        covered
            True everywhere unless the list says where it stops.
        """
        extent = self.extents.get(table, index)
        return pd.Series(among(index, extent), index=index, name="covered")

    @property
    def loaded(self) -> tuple[str, ...]:
        """Names of the tables that are loaded."""
        return tuple(name for name in CONTRACTS if getattr(self, name) is not None)

    def replace(self, **frames: pd.DataFrame | None) -> Self:
        """
        Give a new bundle with some tables replaced, checked again.

        Parameters
        ----------
        **frames
            Field -> table in its tidy contract, or None to withdraw it.

        Returns
        -------
        replace
            The new bundle; the source of a replaced table is the user's own file.

        Raises
        ------
        TableError
            If a field does not exist or a table breaks its contract.
        """
        unknown = [name for name in frames if name not in CONTRACTS]
        if unknown:
            message = f"{quote(unknown)} is not a table. The tables are {', '.join(CONTRACTS)}."
            raise TableError(message)
        own = {
            name: (Source(f"own_{name}", f"tableau « {name} » fourni par l'utilisateur", "utilisateur"),)
            for name, frame in frames.items()
            if frame is not None
        }
        known = {name: sources for name, sources in self.sources.items() if name not in frames}
        absences = {name: states for name, states in self.absences.items() if name not in frames}
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in frames}
        kept |= {"absences": MappingProxyType(absences), "sources": MappingProxyType(known | own)}
        return replace(self, **(kept | frames))

    def column(self, variable: str, index: pd.Index) -> pd.Series:
        """
        Read one column of a commune table on given communes [unit of the column].

        Parameters
        ----------
        variable
            Table and column, such as "births.naissances".
        index
            Codes of the communes.

        Returns
        -------
        column
            One value per commune; NaN where the table, the column or the figure is unknown.

        Raises
        ------
        TableError
            If there is no such table.
        """
        table, _, name = variable.partition(".")
        if table not in CONTRACTS:
            raise TableError(f"{variable!r} is no column. Write table.column; the tables are {', '.join(CONTRACTS)}.")
        frame: pd.DataFrame | None = getattr(self, table)
        if frame is None or name not in frame.columns or not CONTRACTS[table].by_commune:
            return pd.Series(float("nan"), index=index, name=name)
        return frame[name].reindex(index)

    def absence(self, variable: str, index: pd.Index) -> "pd.Series[str]":
        """
        Say why figures are missing, commune by commune.

        Parameters
        ----------
        variable
            Table and column, such as "births.naissances".
        index
            Codes of the communes.

        Returns
        -------
        absence
            An `Absence` for each commune whose figure is NaN, "" for the others.
        """
        table, _, name = variable.partition(".")
        missing = self.column(variable, index).isna()
        out = pd.Series("", index=index, name=name, dtype="str").mask(missing, Absence.NOT_PUBLISHED.value)
        states = self.absences.get(table)
        if states is not None and len(states):
            said = states[states.index.get_level_values(1) == name].droplevel(1).reindex(index)
            out = out.mask(missing & said.notna(), said)
        return out
