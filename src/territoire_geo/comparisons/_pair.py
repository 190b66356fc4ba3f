"""`Pair`: two diagnostics side by side, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.columns import NEED
from territoire_geo.needs.childcare import CRECHES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need
    from territoire_geo.territory import Territory

CLOSE: Final = 1e-9  # relative: two sums of the same figures in another order differ by less
SUPPLY_TABLES: Final = ("structures", "activities", "facilities", "childcare_places", "places")
OF_TERRITORY: Final = "moyenne du territoire"  # how the words of a norm begin that follows the territory itself


@dataclass(frozen=True)
class Pair:
    """Two diagnostics, the earlier first."""

    before: Diagnostic
    after: Diagnostic

    @cached_property
    def both(self) -> pd.Index:
        """Codes of the communes that both are about."""
        return self.before.territory.core.intersection(self.after.territory.core)

    @cached_property
    def needs(self) -> dict[str, Need]:
        """Need id -> need, those of either: the words of the later one."""
        return {need.id: need for need in self.before.needs} | {need.id: need for need in self.after.needs}

    @cached_property
    def shared(self) -> list[str]:
        """Ids of the needs that both assess."""
        later = {need.id for need in self.after.needs}
        return [need.id for need in self.before.needs if need.id in later]

    def sides(self, need: str) -> tuple[Need, Need]:
        """
        Give a need as each of the two knows it.

        Parameters
        ----------
        need
            Id of a need that both assess.

        Returns
        -------
        sides
            Before and after.
        """
        one, other = ({each.id: each for each in side.needs}[need] for side in (self.before, self.after))
        return one, other

    @cached_property
    def redefined(self) -> list[str]:
        """Ids of the needs that no longer count the same people or units, so that labels and units differ."""
        return [
            name
            for name in self.shared
            for one, other in [self.sides(name)]
            if (one.demand.id, one.demand.label, one.gap_unit) != (other.demand.id, other.demand.label, other.gap_unit)
        ]

    @cached_property
    def moved_sources(self) -> list[str]:
        """Names of the tables whose sources differ: another one, another vintage, another file."""
        return [name for name in self._tables if signature(self.before, name) != signature(self.after, name)]

    @cached_property
    def one_sided(self) -> list[str]:
        """Names of the tables that only one of the two has."""
        sides = (self.before.table_sources, self.after.table_sources)
        return [name for name in self._tables if not all(side.get(name) for side in sides)]

    @property
    def _tables(self) -> list[str]:
        return sorted({*self.before.table_sources, *self.after.table_sources})

    def variables(self, need: str) -> list[str]:
        """
        List the columns that a need reads on either side.

        Parameters
        ----------
        need
            Id of a need that both assess.

        Returns
        -------
        variables
            Such as "births.naissances".
        """
        found = [name for side in self.sides(need) for name in (*side.demand.variables, *side.variables)]
        return list(dict.fromkeys(found))

    def follows_territory(self, need: str) -> bool:
        """
        Tell whether the norm of a need is an average of the territory itself, on either side.

        Parameters
        ----------
        need
            Its id.

        Returns
        -------
        follows_territory
            True when whatever changes anywhere may move the norm.
        """
        labels = (side.targets["label"].get(need, "") for side in (self.before, self.after))
        return any(str(label).startswith(OF_TERRITORY) for label in labels)

    def facility_types(self, need: str) -> set[str]:
        """
        List the types of facilities that a need counts as supply.

        Parameters
        ----------
        need
            Id of a need that both assess.

        Returns
        -------
        facility_types
            Codes, and names of types.
        """
        tables = {name.partition(".")[0] for name in self.variables(need)}
        codes = {code for side in self.sides(need) for code in side.facilities}
        found = codes or (set(CRECHES) if "facilities" in tables else set())
        return found | ({"childcare_places"} & tables)


def signature(diagnostic: Diagnostic, table: str) -> frozenset[tuple[str, str, str]]:
    """
    Tell what a table was read from.

    Parameters
    ----------
    diagnostic
        Holds the sources.
    table
        Its name.

    Returns
    -------
    signature
        Id, vintage and hash of each source; empty without any.
    """
    return frozenset((one.id, one.millesime, one.sha256) for one in diagnostic.table_sources.get(table, ()))


def setting(diagnostic: Diagnostic, name: str) -> Mapping[str, object]:
    """
    Read a setting that is a mapping.

    Parameters
    ----------
    diagnostic
        Holds the settings.
    name
        Of the setting.

    Returns
    -------
    setting
        Empty when it is not told.
    """
    found = diagnostic.settings.get(name)
    return found if isinstance(found, dict) or hasattr(found, "keys") else {}  # type: ignore[return-value] # a mapping


def differ(one: pd.Series, other: pd.Series) -> pd.Series[bool]:
    """
    Tell where two figures differ by more than the order of a sum can make them, or only one of them is known.

    Parameters
    ----------
    one
        Figures, NaN unknown.
    other
        Those to hold against them, of the same index.

    Returns
    -------
    differ
        One boolean per figure; two unknown figures do not differ.
    """
    size = pd.concat([one.abs(), other.abs()], axis=1).max(axis=1)
    return (one - other).abs().gt(CLOSE * size) | (one.isna() != other.isna())


def keys_of(trips: pd.Series) -> pd.MultiIndex:
    """
    Give the structure of each trip.

    Parameters
    ----------
    trips
        Indexed by (code_commune, siret, kind).

    Returns
    -------
    keys_of
        (siret, kind), as many as there are trips.
    """
    book: pd.MultiIndex = trips.index  # type: ignore[assignment] # the contract of `Diagnostic.trips`
    keys: pd.MultiIndex = book.droplevel(0)  # type: ignore[assignment] # two levels are left
    return keys


def points_of(territory: Territory, codes: pd.Index) -> gpd.GeoSeries:
    """
    Give the points of some communes.

    Parameters
    ----------
    territory
        Holds them.
    codes
        Of its communes.

    Returns
    -------
    points_of
        By code, in the CRS of the territory.
    """
    return gpd.GeoSeries(territory.points.loc[codes], crs=territory.crs)


def answering(diagnostic: Diagnostic, need: str) -> pd.Index:
    """
    List the structures that answer a need, or probably do.

    Parameters
    ----------
    diagnostic
        Holds the structures.
    need
        Id of the need.

    Returns
    -------
    answering
        (siret, kind).
    """
    table = diagnostic.structures
    if need not in table.columns:
        return table.index[:0]
    return table.index[table[need].isin(ANSWERING)]


def of_need(frame: pd.DataFrame, need: str) -> pd.DataFrame:
    """
    Keep the rows of a need.

    Parameters
    ----------
    frame
        Indexed by (code_commune, need).
    need
        Id of the need.

    Returns
    -------
    of_need
        Indexed by `code_commune`.
    """
    return frame[frame.index.get_level_values(NEED) == need].droplevel(NEED)
