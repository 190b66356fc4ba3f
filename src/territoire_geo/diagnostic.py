"""`Diagnostic` and `diagnose()`: joins the parts, nothing else."""

import warnings as python_warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo import activities, coverage, settings
from territoire_geo.columns import (
    CODE_COMMUNE,
    KIND,
    NEED,
    NOM_COMMUNE,
    SIRET,
)
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import (
    IncompleteBufferWarning,
    SuppressedValueWarning,
)
from territoire_geo.indicators import MEASURES
from territoire_geo.measures import CAR_KMH, DETOUR, Inputs, Measure, Need
from territoire_geo.needs import NEEDS
from territoire_geo.tables import Absence, Note, Source, Tables
from territoire_geo.territory import Territory

KNOWN: Final = 0.999  # below it a catchment is said to be partly unknown
COVERAGE: Final = (
    "demand", "access", "target", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach", "reachable",
    "known_share", "low", "high",
)  # fmt: skip


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
    scenarios
        Index (need, scenario): totals of unmet_people and unmet_units under each setting of the sensitivity.
    targets
        Index need: label, label_en of the norm; its value when it is one number, else NaN.
    totals
        Index measure id: value for the core as a ratio of sums, NaN when it cannot be aggregated.
    references
        Index measure id: value for the reference (département by default), NaN when unknown.
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
    absences: pd.Series
    structures: gpd.GeoDataFrame
    reach: pd.DataFrame
    scenarios: pd.DataFrame
    targets: pd.DataFrame
    totals: pd.Series
    references: pd.Series
    sources: tuple[Source, ...]
    table_sources: Mapping[str, tuple[Source, ...]]
    warnings: tuple[Note, ...]
    settings: Mapping[str, object]

    def summary(self) -> pd.DataFrame:
        """
        Sum up each need over the core [people, units].

        Returns
        -------
        summary
            One row per need: demand, unmet_people with low and high, unmet_units, share (of the demand), reference
            (the norm in words), known_share. Totals are of the communes whose figures are known; `unknown` counts the
            others; a low or high is the smallest or largest total of the sensitivity, never a sum of extremes.
        """
        rows = {}
        for need in self.needs:
            frame = self.coverage.xs(need.id, level=NEED)
            totals = self.scenarios.xs(need.id, level=NEED)
            known = frame[frame["unmet_people"].notna()]
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
                "known_share": _weighted(frame["known_share"], frame["demand"]),
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
        "departement", "region", "france", a code ("D21", "R27", an EPCI), or need id -> target access.

    Returns
    -------
    diagnose
        Results for the core. A figure that is not known stays NaN, with its reason in `absences`.

    Raises
    ------
    ValueError
        If speed, detour or a target is not positive.
    UnknownTerritoryError
        If the reference is neither a level nor a code.
    TableError
        If a table of minutes does not fit the territory.
    """
    asked = settings.Settings(tuple(needs), travel or {}, float(speed_kmh), float(detour), reference)
    here = settings.find_reference(territory, tables, reference)
    laws = settings.minutes_by_law(asked, territory, tables)
    central = Inputs(territory, tables, laws["central"], here, _levels(tables, asked.needs))
    asked = replace(asked, needs=tuple(need.fitted(central) for need in asked.needs))
    runs: dict[str, dict[str, pd.DataFrame]] = {need.id: {} for need in asked.needs}
    notes = [*tables.notes, *settings.travel_notes(asked, territory)]
    targets = {}
    for need in asked.needs:
        adjusted = settings.with_target(need, reference)
        for name, decay, minutes in settings.runs(adjusted, laws):
            frame, said = coverage.assess(adjusted, replace(central, travel=minutes), decay)
            runs[need.id][name] = frame
            notes += [note for note in said if name == "central" and note not in notes]
        enough = runs[need.id]["central"]["known_share"]
        runs[need.id] = {name: coverage.withhold(frame, enough) for name, frame in runs[need.id].items()}
        target = adjusted.target(central, adjusted)
        norm = target.norm.reindex(territory.core)
        value = float(norm.iloc[0]) if norm.nunique(dropna=False) == 1 else np.nan
        targets[need.id] = {"label": target.label, "label_en": target.label_en, "value": value}
    return _assemble(asked, central, runs, targets=targets, notes=notes)


def _levels(tables: Tables, needs: Sequence[Need]) -> pd.DataFrame:
    if tables.structures is None:
        return pd.DataFrame(columns=[need.id for need in needs])
    return activities.levels(tables.structures, tables.activities, needs)


def _assemble(
    asked: settings.Settings,
    inputs: Inputs,
    runs: Mapping[str, Mapping[str, pd.DataFrame]],
    *,
    targets: Mapping[str, Mapping[str, object]],
    notes: list[Note],
) -> Diagnostic:
    territory, tables = inputs.territory, inputs.tables
    core = territory.core
    measures = pd.DataFrame({m.id: m.compute(inputs) for m in MEASURES}, index=inputs.index)
    covered = _covered(asked.needs, runs, core)
    notes += _unknown_notes(asked.needs, covered, territory)
    reach = coverage.structures_within_reach(inputs, asked.needs)
    alone = _first(territory)
    sources = _sources(tables)
    definitions = {measure.id: measure for measure in MEASURES}
    diagnostic = Diagnostic(
        territory=territory,
        needs=asked.needs,
        definitions=MappingProxyType(definitions),
        measures=measures.loc[core],
        context=measures.drop(core),
        coverage=covered,
        absences=_absences(inputs, asked.needs, covered),
        structures=_structures(asked.needs, inputs, runs),
        reach=reach.loc[reach.index.get_level_values(CODE_COMMUNE).isin(core)],
        scenarios=_scenarios(runs, core),
        targets=pd.DataFrame.from_dict(dict(targets), orient="index").rename_axis(NEED),
        totals=pd.Series({m.id: m.aggregate(inputs, core) for m in MEASURES}, name="total"),
        references=pd.Series({m.id: _measure_reference(m, inputs, alone) for m in MEASURES}, name="reference"),
        sources=sources,
        table_sources=tables.sources,
        warnings=tuple(notes),
        settings=MappingProxyType(settings.as_json(asked, territory, inputs.reference)),
    )
    for note in notes:
        python_warnings.warn(note.en, note.category, stacklevel=3)
    return diagnostic


def _covered(needs: Sequence[Need], runs: Mapping[str, Mapping[str, pd.DataFrame]], core: pd.Index) -> pd.DataFrame:
    frames = {}
    for need in needs:
        frame = runs[need.id]["central"].loc[core].copy()
        unmet = pd.DataFrame({name: run["unmet_people"].loc[core] for name, run in runs[need.id].items()})
        known = frame["unmet_people"].notna()
        frame["low"] = unmet.min(axis=1).where(known)
        frame["high"] = unmet.max(axis=1).where(known)
        frames[need.id] = frame[list(COVERAGE)]
    return pd.concat(frames, names=[NEED, CODE_COMMUNE]).swaplevel().sort_index()


def _scenarios(runs: Mapping[str, Mapping[str, pd.DataFrame]], core: pd.Index) -> pd.DataFrame:
    units = ["unmet_people", "unmet_units"]
    rows = {}
    for need, frames in runs.items():
        central = frames["central"].loc[core, units]
        known = central["unmet_people"].notna()
        for name, frame in frames.items():
            # The same communes in every total: one that a setting leaves unknown keeps its central value.
            kept = frame.loc[core, units]
            rows[need, name] = kept.where(kept.notna(), central)[known].sum(min_count=1).to_dict()
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis([NEED, "scenario"])


def _unknown_notes(needs: Sequence[Need], covered: pd.DataFrame, territory: Territory) -> list[Note]:
    names = territory.communes[NOM_COMMUNE]
    said = []
    for need in needs:
        frame = covered.xs(need.id, level=NEED)
        unknown = frame.index[frame["unmet_people"].isna()]
        if len(unknown):
            fr = f"{need.label} : inconnu pour {_listed(names.loc[unknown])} ; jamais compté pour zéro."
            en = f"{need.label_en}: unknown for {_listed(names.loc[unknown])}; never counted as zero."
            said.append(Note(SuppressedValueWarning, fr, en))
        partly = frame.index[frame["known_share"].lt(KNOWN) & frame["unmet_people"].notna()]
        if len(partly):
            fr = f"{need.label} : bassin connu en partie seulement pour {_listed(names.loc[partly])}."
            en = f"{need.label_en}: the catchment is only partly known for {_listed(names.loc[partly])}."
            said.append(Note(IncompleteBufferWarning, fr, en))
    return said


def _listed(names: "pd.Series[str]") -> str:
    shown = ", ".join(names.iloc[:3])
    return shown if len(names) <= 3 else f"{shown} (+ {len(names) - 3})"  # noqa: PLR2004 - three names are read


def _absences(inputs: Inputs, needs: Sequence[Need], covered: pd.DataFrame) -> pd.Series:
    """Why a measure (core and buffer) or a need (core) is unknown: the columns that are missing, and how."""
    reasons: dict[tuple[str, str], str] = {}
    for measure in MEASURES:
        values = measure.compute(inputs)
        missing = values.index[values.isna()]
        reasons |= {(str(code), measure.id): why for code, why in _why(inputs, measure, missing).items()}
    for need in needs:
        frame = covered.xs(need.id, level=NEED)
        missing = frame.index[frame["unmet_people"].isna()]
        reasons |= {
            (str(code), need.id): why for code, why in _why(inputs, need.demand, missing, also=need.variables).items()
        }
    index = pd.MultiIndex.from_tuples(list(reasons), names=[CODE_COMMUNE, "item"]) if reasons else None
    if index is None:
        index = pd.MultiIndex.from_arrays([[], []], names=[CODE_COMMUNE, "item"])
    return pd.Series(list(reasons.values()), index=index, dtype="str", name="reason").sort_index()


def _why(inputs: Inputs, measure: Measure, missing: pd.Index, *, also: tuple[str, ...] = ()) -> "pd.Series[str]":
    out = pd.Series("", index=missing, dtype="str")
    by_commune = [variable for variable in also if CONTRACTS[variable.split(".")[0]].by_commune]
    for variable in dict.fromkeys((*measure.variables, *by_commune)):
        state = inputs.tables.absence(variable, missing)
        table, column = variable.split(".")
        loaded = getattr(inputs.tables, table) is not None
        said = f"{column} : " + (state if loaded else "table non chargée")
        gap = pd.Series(" ; ", index=missing, dtype="str").where(out.ne(""), "")
        out = out.mask(state.ne(""), out + gap + said)
    nothing = (
        "chiffres ou norme inconnus pour plus du quart du bassin"
        if measure.denominator is None
        else Absence.NOT_APPLICABLE.value
    )
    return out.mask(out.eq(""), nothing)


def _structures(
    needs: Sequence[Need], inputs: Inputs, runs: Mapping[str, Mapping[str, pd.DataFrame]]
) -> gpd.GeoDataFrame:
    territory, table = inputs.territory, inputs.tables.structures
    if table is None:
        index = pd.MultiIndex.from_arrays([[], []], names=[SIRET, KIND])
        by_need = [column for need in needs for column in (need.id, f"people_{need.id}")]
        empty = pd.DataFrame(index=index, columns=["name", "naf", "is_siae", *by_need])
        return gpd.GeoDataFrame(empty, geometry=gpd.GeoSeries([], index=index, crs=territory.crs))
    frame = table.join(inputs.levels).assign(is_siae=activities.is_siae(table))
    for need in needs:
        demand = runs[need.id]["central"]["demand"].loc[territory.core]
        people = coverage.people_within_reach(inputs, need, demand)
        frame[people.name] = people
    place = table.reindex(columns=["lon", "lat"])
    points = gpd.GeoSeries(gpd.points_from_xy(place["lon"], place["lat"]), index=table.index, crs=4326)
    geometry = points.where(place.notna().all(axis=1), None).to_crs(territory.crs)
    return gpd.GeoDataFrame(frame, geometry=geometry, crs=territory.crs)


def _measure_reference(measure: Measure, inputs: Inputs, alone: Territory) -> float:
    """Value of the reference as a ratio of its sums, when the references carry the columns of the measure."""
    table = inputs.tables.references
    key = (inputs.reference.niveau, inputs.reference.code)
    if table is None or key not in table.index or measure.denominator is None:
        return float("nan")
    # The reference is one row: the measure is computed on it as if it were a commune.
    row = table.loc[[key]].set_axis(inputs.index[:1])
    one: dict[str, list[str]] = {}
    for variable in measure.variables:
        name, column = variable.split(".")
        if column not in row or row[column].isna().any():
            return float("nan")
        one.setdefault(name, []).append(column)
    frames = {name: row.reindex(columns=_columns(name, columns)) for name, columns in one.items()}
    return float(measure.compute(replace(inputs, tables=Tables().replace(**frames), territory=alone)).iloc[0])


def _columns(name: str, columns: list[str]) -> list[str]:
    return sorted({*columns, *CONTRACTS[name].numbers})


def _first(territory: Territory) -> Territory:
    communes = territory.communes.iloc[:1].assign(in_core=True)
    return replace(territory, communes=communes)


def _sources(tables: Tables) -> tuple[Source, ...]:
    return tuple(
        {
            source.id: source for name in (*tables.loaded, "territory") for source in tables.sources.get(name, ())
        }.values()
    )


def _weighted(values: pd.Series, weights: pd.Series) -> float:
    both = values.notna() & weights.notna()
    total = weights[both].sum()
    return float((values[both] * weights[both]).sum() / total) if total > 0 else float("nan")
