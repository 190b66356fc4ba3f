"""`Diagnostic` and `diagnose()`: joins the parts, nothing else."""

import warnings as python_warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo import absences, activities, facilities, inventory, reach, resources, runs, settings, standings
from territoire_geo.columns import (
    CODE_COMMUNE,
    KIND,
    NEED,
    POPULATION,
    SIRET,
)
from territoire_geo.indicators import MEASURES, catalogue
from territoire_geo.inventory import Commuting, Inventory
from territoire_geo.measures import CAR_KMH, DETOUR, Changes, Inputs, Measure, Need
from territoire_geo.needs import NEEDS
from territoire_geo.neighbours import Neighbours, contiguity
from territoire_geo.priorities import Ranking, prioritise
from territoire_geo.proposals import Proposal, propose
from territoire_geo.tables import Note, Source, Tables
from territoire_geo.territory import Territory

NOTHING: Final = Changes()


@dataclass(frozen=True)
class Diagnostic:
    """
    What a territory lacks, commune by commune, and the structures that could answer.

    Attributes
    ----------
    territory
        Core and buffer; results are for the core.
    needs
        The needs that were assessed, in order.
    definitions
        Measure id -> its definition (label, unit, polarity, formula, variables).
    measures
        Index `code_commune` (core), one column per measure id; NaN unknown.
    context
        The same measures for the communes of the buffer.
    coverage
        Index (code_commune, need) for the core: demand [people], access and target [access unit of the need],
        unmet_people [people], unmet_units [gap unit], served, saturated, out_of_reach [people], reachable (bool),
        known_share [0-1], low, high [people: unmet under the settings' sensitivity].
    indicators
        Every indicator of the list, index id (`indicators.catalogue`), with `state`: "" when it is computed, else why
        the loaded tables do not allow it, in French; and for a measure `known_share` (share of the core's people whose
        figure is known) and `fragile` (communes of the core whose figure rests on too few people).
    absences
        Index (code_commune, item): why a measure or need is NaN, in French; item is a measure or need id.
    structures
        GeoDataFrame (EPSG of the territory; missing geometry when the place is unknown), index (siret, kind):
        name, naf, is_siae, ..., one column per need id (declared, likely, probable, unknown, no), and one column
        `people_<need>` [people of the core's demand within the need's reach].
    reach
        Index (code_commune, need) for the core: structures within reach by kind (`ACI`, `AI`, ...: counts), `siae`
        (count), `answering` (count of structures declared, likely or probable for the need), `nearest_minutes`
        [minutes to the nearest answering structure, NaN when none is within reach].
    trips
        Minutes by car from each loaded commune to each structure within the widest reach of the needs (at least 30),
        index (code_commune, siret, kind), of each commune in turn the nearest first; absent where none is within reach,
        and to a structure whose place is unknown.
    facilities
        The other supply points that needs or measures read (`facilities.supply_points`): GeoDataFrame, index id: type,
        label, label_en, name, amount [amount_unit, NaN unknown], approximate (known by its commune only), code_commune.
    inventory
        What the structures bring: losses if one closed, overlaps, white zones, trades (`inventory.Inventory`).
    commuting
        Where residents work and workers live (`inventory.Commuting`); None when no table of flows is loaded.
    scenarios
        Index (need, scenario): totals of unmet_people and unmet_units under each setting of the sensitivity, and
        `turnover`, the share [0-1] of the central worst fifth of communes that leaves it under this setting.
    sensitivity
        Index (code_commune, need): `worst` (in the worst fifth of the central setting), `kept` (share [0-1] of the
        settings in which it is there).
    inequality
        Index need: below, depth, severity (FGT 0, 1, 2), gini, palma, theil, weighted by people, and known_share.
    conservation
        Index need, over core and buffer: supply, reached, unreached, delivered [supply unit], demand, within_reach,
        out_of_reach [people], gap; NaN for a need whose access shares nothing out.
    targets
        Index need: label, label_en of the norm; its value when it is one number, else NaN.
    totals
        Index measure id: value for the core as a ratio of sums, NaN when it cannot be aggregated.
    references
        Index measure id: value for the reference (département by default), NaN when unknown.
    standings
        Index (measure, perimeter): the core beside its EPCI, département, region, France and the loaded communes of the
        same density: label, value_here, value_there, difference with its interval of chance (low, high), said.
    contributions
        Index (code_commune, measure): what each commune adds to the difference between the core and its reference.
    ranking
        Priorities with their components, weights, colleges, clusters and typology (`priorities.Ranking`).
    proposals
        What the figures suggest to discuss (`proposals.Proposal`), by need.
    sources
        The sources of every table that was used.
    warnings
        What a reader must know, in French and in English.
    settings
        Everything that was asked for, JSON-ready: the same call gives the same result.
    """

    territory: Territory
    needs: tuple[Need, ...]
    definitions: Mapping[str, Measure]
    measures: pd.DataFrame
    context: pd.DataFrame
    coverage: pd.DataFrame
    indicators: pd.DataFrame
    absences: pd.Series
    structures: gpd.GeoDataFrame
    reach: pd.DataFrame
    trips: pd.Series
    facilities: gpd.GeoDataFrame
    inventory: Inventory
    commuting: Commuting | None
    scenarios: pd.DataFrame
    sensitivity: pd.DataFrame
    inequality: pd.DataFrame
    conservation: pd.DataFrame
    targets: pd.DataFrame
    totals: pd.Series
    references: pd.Series
    standings: pd.DataFrame
    contributions: pd.DataFrame
    ranking: Ranking
    proposals: list[Proposal]
    sources: tuple[Source, ...]
    table_sources: Mapping[str, tuple[Source, ...]]
    warnings: tuple[Note, ...]
    settings: Mapping[str, object]

    @property
    def computed(self) -> list[str]:
        """Ids of the measures that the loaded tables allow; `indicators` says why the others are not."""
        known = self.indicators["state"].eq("")
        return [str(name) for name in self.measures.columns if known.get(name, False)]

    @property
    def priorities(self) -> pd.DataFrame:
        """Communes by rank of need: score, rank, rank_low, rank_high, stability, cluster (`ranking.table`)."""
        return self.ranking.table

    def summary(self) -> pd.DataFrame:
        """
        Sum up each need over the core [people, units].

        Returns
        -------
        summary
            One row per need: demand, unmet_people with low and high, unmet_units, share (of the demand), reference
            (the norm in words), known_share (share of the people concerned whose figures are told, population standing
            in for the weight of a commune whose demand is unknown). Totals are of the communes whose figures are known;
            `unknown` counts the others; a low or high is the smallest or largest total of the sensitivity, never a sum
            of extremes.
        """
        rows = {}
        for need in self.needs:
            frame = self.coverage.xs(need.id, level=NEED)
            totals = self.scenarios.xs(need.id, level=NEED)
            known = frame[frame["unmet_people"].notna()]
            people = self.territory.communes[POPULATION].reindex(frame.index)
            demand, unmet = (known[column].sum(min_count=1) for column in ("demand", "unmet_people"))
            rows[need.id] = {
                "label": need.label,
                "demand": demand,
                "unmet_people": unmet,
                "low": totals["unmet_people"].min(),
                "high": totals["unmet_people"].max(),
                "unmet_units": known["unmet_units"].sum(min_count=1),
                "units_low": totals["unmet_units"].min(),
                "units_high": totals["unmet_units"].max(),
                "gap_unit": need.gap_unit,
                "share": unmet / demand if demand > 0 else np.nan,
                "reference": self.targets.at[need.id, "label"],
                "known_share": _known_share(pd.DataFrame(frame), people),
                "unknown": len(frame) - len(known),
            }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(NEED)


def diagnose(  # noqa: PLR0913 - the contract of docs/api: every convention can be set
    territory: Territory,
    tables: Tables,
    *,
    needs: Sequence[Need] = NEEDS,
    travel: Mapping[str, "pd.Series[float]"] | None = None,
    speed_kmh: float = CAR_KMH,
    detour: float = DETOUR,
    reference: str | Mapping[str, float] = "departement",
    weights: settings.Weights | None = None,
) -> Diagnostic:
    """
    Diagnose a territory: which needs are unmet, commune by commune, against the structures within reach.

    Pure: no network, no file. The same call gives the same result.

    Parameters
    ----------
    territory
        Core and buffer.
    tables
        What is known.
    needs
        The needs to assess.
    travel
        Mode -> minutes between communes, indexed by (origin, destination), from a road engine; the straight-line
        convention for the modes that are not given.
    speed_kmh
        Speed by car of the convention [km/h].
    detour
        Detour by car of the convention: road distance over straight line.
    reference
        "departement", "region", "france", "territoire" (its own average), a code ("D21", "R27", an EPCI), or need id ->
        target access.
    weights
        Need id -> weight in the priorities, or college of stakeholders -> such a mapping; None weighs all alike.

    Returns
    -------
    diagnose
        Results for the core. A figure that is not known stays NaN, with its reason in `absences`.

    Raises
    ------
    ValueError
        If speed, detour or a target is not positive, or a weight is negative or of an unknown need.
    UnknownTerritoryError
        If the reference is neither a level nor a code.
    TableError
        If a table of minutes does not fit the territory.
    """
    asked = settings.Settings(tuple(needs), travel or {}, float(speed_kmh), float(detour), reference, weights)
    diagnostic = carry_out(asked, territory, tables)
    for note in diagnostic.warnings:
        python_warnings.warn(note.en, note.category, stacklevel=2)
    return diagnostic


def carry_out(
    asked: settings.Settings, territory: Territory, tables: Tables, *, changes: Changes = NOTHING
) -> Diagnostic:
    """
    Diagnose a territory as `diagnose` does, from settings, with what a scenario changes.

    Parameters
    ----------
    asked
        What is asked for.
    territory
        Core and buffer.
    tables
        What is known.
    changes
        The supply points that a scenario adds, and the capacities it changes.

    Returns
    -------
    carry_out
        Results for the core.
    """
    here = settings.find_reference(territory, tables, asked.reference)
    laws = settings.minutes_by_law(asked, territory, tables)
    central = Inputs(territory, tables, laws["central"], here, _levels(tables, asked.needs), changes)
    asked = replace(asked, needs=tuple(need.fitted(central) for need in asked.needs))
    return _assemble(asked, central, runs.run(asked, laws, central))


def _levels(tables: Tables, needs: Sequence[Need]) -> pd.DataFrame:
    if tables.structures is None:
        return pd.DataFrame(columns=[need.id for need in needs])
    return activities.levels(tables.structures, tables.activities, needs)


def _assemble(asked: settings.Settings, inputs: Inputs, found: runs.Runs) -> Diagnostic:
    territory, tables = inputs.territory, inputs.tables
    core = territory.core
    lacking = {measure.id: measure.missing(inputs) for measure in MEASURES}
    told = [measure.held(inputs) for measure in MEASURES if not lacking[measure.id]]
    measures = pd.DataFrame({m.id: m.compute(inputs) for m in told}, index=inputs.index).reindex(columns=list(lacking))
    covered = runs.covered(found, core)
    notes = [*tables.notes, *settings.travel_notes(asked, territory), *found.notes]
    notes += absences.notes(asked.needs, covered, territory)
    borders = contiguity(gpd.GeoSeries(territory.communes.geometry))
    neighbours = borders.restricted(core)
    notes += absences.island_notes(borders, inputs, by_road=asked.by_road)
    rows = standings.reference_rows(inputs, MEASURES)
    references = standings.reference_values(inputs, MEASURES, rows)
    near = inventory.near_structures(inputs, asked.needs)
    within = resources.structures_within_reach(near, asked.needs)
    definitions = {measure.id: measure for measure in MEASURES}
    totals = runs.scenarios(found, core)
    labels = {need.id: (need.label, need.label_en) for need in asked.needs}
    return Diagnostic(
        territory=territory,
        needs=asked.needs,
        definitions=MappingProxyType(definitions),
        measures=measures.loc[core],
        context=measures.drop(core),
        coverage=covered,
        absences=absences.reasons(inputs, definitions, measures, needs=asked.needs, unmet=covered["unmet_people"]),
        structures=_structures(near, found),
        reach=within.loc[within.index.get_level_values(CODE_COMMUNE).isin(core)],
        trips=reach.minutes_by_structure(near, np.inf),
        facilities=facilities.supply_points(inputs, asked.needs),
        inventory=inventory.take(
            near, found.needs, {need.id: found.central(need.id)["demand"].loc[core] for need in found.needs}
        ),
        commuting=inventory.commute(inputs),
        scenarios=totals,
        sensitivity=runs.sensitivity(found, core),
        inequality=runs.inequality(found, core),
        conservation=found.conservation,
        targets=found.targets,
        indicators=_indicators(inputs, lacking, told),
        totals=pd.Series({m.id: m.aggregate(inputs, core) for m in told}, name="total", dtype="float64").reindex(
            list(lacking)
        ),
        references=references,
        standings=standings.standings(inputs, told, rows),
        contributions=standings.contributions(inputs, told, references),
        ranking=_ranked(found, totals, prioritise(covered, asked.colleges, neighbours, labels=labels)),
        proposals=_proposals(inputs, found, covered, neighbours),
        sources=_sources(tables),
        table_sources=tables.sources,
        warnings=tuple(notes),
        settings=MappingProxyType(settings.as_json(asked, territory, inputs.reference)),
    )


def _indicators(inputs: Inputs, lacking: Mapping[str, str], told: Sequence[Measure]) -> pd.DataFrame:
    """List the indicators, and say of each whether it is computed, and on how much."""
    core = inputs.territory.core
    listed = catalogue()
    absent = listed["kind"].eq("not available")
    state = pd.Series(lacking, dtype="str").reindex(listed.index).mask(absent, listed["formula"])
    known = pd.Series({measure.id: measure.known_share(inputs, core) for measure in told}, dtype="float64")
    weak = pd.Series({measure.id: measure.fragile(inputs).loc[core].sum() for measure in told}, dtype="float64")
    state = state.mask(listed["kind"].eq("derived"), "")
    return listed.assign(state=state, known_share=known.reindex(listed.index), fragile=weak.reindex(listed.index))


def _ranked(found: runs.Runs, totals: pd.DataFrame, ranking: Ranking) -> Ranking:
    """Say beside the ranking how much the conventions of the catchments change by themselves."""
    note = runs.turnover_note(found, totals)
    return ranking if note is None else replace(ranking, remarks=(*ranking.remarks, note))


def _proposals(inputs: Inputs, found: runs.Runs, covered: pd.DataFrame, neighbours: Neighbours) -> list[Proposal]:
    core = inputs.territory.core
    out = []
    for need in found.needs:
        frame = covered[covered.index.get_level_values(NEED) == need.id].droplevel(NEED)
        settings = runs.unmet_by_setting(found, need.id, core)
        out += propose(need, inputs, frame, neighbours, settings=settings)
    return out


def _structures(inputs: Inputs, found: runs.Runs) -> gpd.GeoDataFrame:
    territory, table, needs = inputs.territory, inputs.tables.structures, found.needs
    if table is None:
        index = pd.MultiIndex.from_arrays([[], []], names=[SIRET, KIND])
        by_need = [column for need in needs for column in (need.id, f"people_{need.id}")]
        empty = pd.DataFrame(index=index, columns=["name", "naf", "is_siae", *by_need])
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], index=index, crs=territory.crs))
    frame = table.join(inputs.levels).assign(is_siae=activities.is_siae(table))
    for need in needs:
        demand = found.central(need.id)["demand"].loc[territory.core]
        people = resources.people_within_reach(inputs, need, demand)
        frame[people.name] = people
    place = table.reindex(columns=["lon", "lat"])
    points = gpd.GeoSeries(gpd.points_from_xy(place["lon"], place["lat"]), index=table.index, crs=4326)
    geometry = points.where(place.notna().all(axis=1), None).to_crs(territory.crs)
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=territory.crs)


def _sources(tables: Tables) -> tuple[Source, ...]:
    return tuple(
        {
            source.id: source for name in (*tables.loaded, "territory") for source in tables.sources.get(name, ())
        }.values()
    )


def _known_share(frame: pd.DataFrame, population: "pd.Series[float]") -> float:
    """Weigh what is known by the people concerned; a commune whose demand is unknown weighs as its population does."""
    demand = frame["demand"]
    known = demand.notna() & population.gt(0)
    rate = demand[known].sum() / population[known].sum() if known.any() else 1.0
    weight = demand.where(demand.notna(), rate * population)
    total = weight.sum()
    told = frame["known_share"].where(frame["unmet_people"].notna(), 0.0)
    return float((told * weight).sum() / total) if total > 0 else float("nan")
