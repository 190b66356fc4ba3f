"""What the structures bring to a territory: losses if one closed, overlaps, white zones, trades; and its commuting."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pandas as pd

from territoire_geo import access, flows, reach, resources
from territoire_geo.columns import CODE_COMMUNE, CODE_EPCI, NEED, point_ids
from territoire_geo.travel import STRUCTURE_MINUTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from territoire_geo.flows import Containment
    from territoire_geo.measures import Inputs, Need

OVERLAPS: Final = 20  # pairs of structures kept by need, those that share most people
CORE: Final = "territoire"
MAIN: Final = ["place", "people", "share"]
SEEKERS: Final = ("jobseekers.demandeurs_emploi_abc", "activity.chomeurs_15_64")


@dataclass(frozen=True)
class Inventory:
    """
    The structures of a territory against its needs. Every frame is of the core.

    Attributes
    ----------
    losses
        Index (siret, kind, need): what would be lost if the structure closed (`resources.loss_if_closed`).
    overlaps
        Index (need, siret, kind, other_siret, other_kind): people within reach of both, and their Jaccard share; the
        `OVERLAPS` largest by need.
    zones
        Index (code_commune, need): `zone` ("served", "to_ask", "unlisted", "white"), `people`, `answering`, `to_ask`.
    multiplicity
        Index (need, structures): people by number of structures within reach that answer.
    diversity
        Index code_commune: SIAE and distinct trades within 30 minutes.
    equipment
        Index perimeter ("territoire" first, then its EPCI): the IAE equipment rate (`resources.equipment_rate`) over
        jobseekers, registered when they are all known, else unemployed of the census: `seekers` says which.
    """

    losses: pd.DataFrame
    overlaps: pd.DataFrame
    zones: pd.DataFrame
    multiplicity: pd.DataFrame
    diversity: pd.DataFrame
    equipment: pd.DataFrame


@dataclass(frozen=True)
class Commuting:
    """
    Where those who work live, and where those who live here work.

    `communes` is `flows.self_containment` and `destinations` and `origins` the three main ones, for the core;
    `territory` takes it as one block. A list is empty when the table does not hold that side.
    """

    territory: Containment
    communes: pd.DataFrame
    destinations: pd.DataFrame
    origins: pd.DataFrame


def near_structures(inputs: Inputs, needs: Sequence[Need]) -> Inputs:
    """
    Keep the trips that the inventory reads, once for all: to the structures, and to where their list stops.

    Parameters
    ----------
    inputs
        Uses `structures`, where the list stops, and the minutes by car.
    needs
        The needs, whose widest reach limits the trips.

    Returns
    -------
    near_structures
        The same inputs with fewer trips by car: those between communes, most of them, are left out.
    """
    limit = max(STRUCTURE_MINUTES, *(reach.structure_reach(need) for need in needs))
    unlisted = inputs.index[~reach.listed(inputs)]
    ids = point_ids("structures", reach.structures(inputs).index)
    minutes = access.between(inputs.travel["car"], destinations=ids.append(unlisted))
    minutes = minutes[minutes <= limit]
    pairs: pd.MultiIndex = minutes.index  # type: ignore[assignment] # `between` refuses any other
    # Without the levels of the trips left out, which every later look would go through.
    return replace(inputs, travel={**inputs.travel, "car": minutes.set_axis(pairs.remove_unused_levels())})


def take(inputs: Inputs, needs: Sequence[Need], demands: Mapping[str, pd.Series]) -> Inventory:
    """
    Take the inventory of the structures of a territory.

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    needs
        The needs.
    demands
        Need id -> people by commune of the core, NaN unknown.

    Returns
    -------
    take
        The inventory; its frames are NaN or empty without a list of structures.
    """
    by_need = {need.id: (need, demands[need.id]) for need in needs}
    core = inputs.territory.core

    def each(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
        return pd.concat(found, names=[NEED])

    losses = each({name: resources.loss_if_closed(inputs, *one) for name, one in by_need.items()})
    zones = each({name: resources.white_zones(inputs, *one) for name, one in by_need.items()})
    return Inventory(
        losses=losses.reorder_levels([1, 2, 0]).sort_index(),
        overlaps=each({name: resources.overlaps(inputs, *one, n=OVERLAPS) for name, one in by_need.items()}),
        zones=zones.rename_axis([NEED, CODE_COMMUNE]).swaplevel().sort_index(),
        multiplicity=each({name: resources.multiplicity(inputs, *one) for name, one in by_need.items()}),
        diversity=resources.diversity(inputs).loc[core],
        equipment=_equipment(inputs),
    )


def _equipment(inputs: Inputs) -> pd.DataFrame:
    """Rate the core, its EPCI; never a mix of the two definitions of the unemployed."""
    core = inputs.territory.core
    column = next((name for name in SEEKERS if inputs.column(name).loc[core].notna().all()), SEEKERS[-1])
    seekers = inputs.column(column).loc[core]
    epci = inputs.territory.communes[CODE_EPCI].loc[core].rename("perimeter")
    whole = resources.equipment_rate(inputs, seekers, pd.Series(CORE, index=core, name="perimeter"))
    parts = [whole, resources.equipment_rate(inputs, seekers, epci)] if epci.nunique() > 1 else [whole]
    return pd.concat(parts).assign(seekers=column.partition(".")[2])


def commute(inputs: Inputs) -> Commuting | None:
    """
    Tell the commuting of the core, None when no table of flows is loaded.

    Parameters
    ----------
    inputs
        Uses `flows`.

    Returns
    -------
    commute
        The core as one block, and its communes.
    """
    table = inputs.tables.flows
    if table is None:
        return None
    core = inputs.territory.core
    known = flows.Flows.of(table, inputs.index)
    leaving = known.covers is not flows.Covers.WORK
    entering = known.covers is not flows.Covers.RESIDENCE
    return Commuting(
        territory=flows.of_territory(known, core),
        communes=flows.self_containment(known).reindex(core),
        destinations=_main(flows.main_destinations(known), core) if leaving else pd.DataFrame(columns=MAIN),
        origins=_main(flows.main_origins(known), core) if entering else pd.DataFrame(columns=MAIN),
    )


def _main(found: pd.DataFrame, core: pd.Index) -> pd.DataFrame:
    return found[found.index.get_level_values(0).isin(core)]
