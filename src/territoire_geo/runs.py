"""The needs under every setting of the sensitivity: central figures, low and high, and what the conventions change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo import composite, coverage, settings
from territoire_geo.columns import CODE_COMMUNE, NEED
from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.measures import Inputs, Need, Target
from territoire_geo.tables import Note

CENTRAL: Final = "central"
CONSERVED: Final = (
    "supply", "reached", "unreached", "delivered", "demand", "within_reach", "out_of_reach", "gap",
)  # fmt: skip
COVERAGE: Final = (
    "demand", "access", "target", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach", "reachable",
    "known_share", "low", "high",
)  # fmt: skip


@dataclass(frozen=True)
class Runs:
    """
    The needs under every setting.

    Attributes
    ----------
    needs
        The needs, in order.
    frames
        Need id -> setting -> frame by commune, core and buffer (`coverage.Assessment`); the central setting first.
    targets
        Index need: label, label_en of the norm; its value when it is one number, else NaN.
    conservation
        Index need: what the catchments of the central setting reached and shared out, over core and buffer
        (`access.Catchments.report`); NaN for a need whose access shares nothing out.
    notes
        What a reader must know.
    """

    needs: tuple[Need, ...]
    frames: Mapping[str, Mapping[str, pd.DataFrame]]
    targets: pd.DataFrame
    conservation: pd.DataFrame
    notes: tuple[Note, ...]

    def central(self, need: str) -> pd.DataFrame:
        """
        Give the central figures of a need.

        Parameters
        ----------
        need
            Its id.

        Returns
        -------
        central
            By commune, core and buffer.
        """
        return self.frames[need][CENTRAL]


def run(asked: settings.Settings, laws: Mapping[str, settings.Minutes], inputs: Inputs) -> Runs:
    """
    Assess every need under every setting.

    Parameters
    ----------
    asked
        Needs, targets.
    laws
        Minutes by law and mode.
    inputs
        Territory, tables, central travel and reference.

    Returns
    -------
    run
        Frames, targets, conservation and notes.
    """
    frames: dict[str, Mapping[str, pd.DataFrame]] = {}
    targets, conservation, notes = {}, {}, list[Note]()
    for need in asked.needs:
        adjusted = settings.with_target(need, asked)
        if asked.own_mean and need.id not in asked.targets:
            adjusted = _against_own_mean(adjusted, inputs)
        held = {law: _held(adjusted, replace(inputs, travel=minutes)) for law, minutes in laws.items()}
        found = {
            name: coverage.assess(held.get(name, held[CENTRAL]), replace(inputs, travel=minutes), decay)
            for name, decay, minutes in settings.runs(adjusted, laws)
        }
        central = found[CENTRAL]
        notes += [note for note in central.notes if note not in notes]
        enough = central.frame["known_share"]
        frames[need.id] = {name: coverage.withhold(one.frame, enough) for name, one in found.items()}
        report = central.conservation
        conservation[need.id] = pd.Series(dtype="float64") if report is None else report
        target = held[CENTRAL].target(inputs, adjusted)
        value = float(target.norm.iloc[0]) if target.norm.nunique(dropna=False) == 1 else np.nan
        targets[need.id] = {"label": target.label, "label_en": target.label_en, "value": value}
    return Runs(
        asked.needs,
        MappingProxyType(frames),
        pd.DataFrame.from_dict(targets, orient="index").rename_axis(NEED),
        pd.DataFrame.from_dict(conservation, orient="index").reindex(columns=list(CONSERVED)).rename_axis(NEED),
        tuple(notes),
    )


def _against_own_mean(need: Need, inputs: Inputs) -> Need:
    """Hold a need against the access that the people of the core have on average: ΣPA/ΣP, where both are known."""
    core = inputs.territory.core
    people, reached = need.demand.compute(inputs).loc[core], need.access(inputs, need, need.decay).frame["access"]
    both = people.notna() & reached.loc[core].notna()
    whole = people[both].sum()
    mean = float((people * reached.loc[core])[both].sum() / whole) if whole > 0 else np.nan
    target = Target(pd.Series(mean, index=inputs.index), "moyenne du territoire", "average of the territory")
    return replace(need, target=lambda *_: target)


def _held(need: Need, inputs: Inputs) -> Need:
    """Work the demand and the norm of a need out once for a law of travel: its decays share them."""
    target = need.target(inputs, need)
    return replace(need, demand=need.demand.held(inputs), target=lambda *_: target)


def covered(runs: Runs, core: pd.Index) -> pd.DataFrame:
    """
    Give the central figures of the core, with the low and high values of the sensitivity.

    Parameters
    ----------
    runs
        The needs under every setting.
    core
        Codes of the communes.

    Returns
    -------
    covered
        Indexed by (code_commune, need), columns `COVERAGE`.
    """
    frames = {}
    for need in runs.needs:
        frame = runs.central(need.id).loc[core].copy()
        unmet = unmet_by_setting(runs, need.id, core)
        known = frame["unmet_people"].notna()
        frame["low"] = unmet.min(axis=1).where(known)
        frame["high"] = unmet.max(axis=1).where(known)
        frames[need.id] = frame[list(COVERAGE)]
    return pd.concat(frames, names=[NEED, CODE_COMMUNE]).swaplevel().sort_index()


def unmet_by_setting(runs: Runs, need: str, core: pd.Index) -> pd.DataFrame:
    """
    Give the unmet people of a need under each setting [people].

    Parameters
    ----------
    runs
        The needs under every setting.
    need
        Its id.
    core
        Codes of the communes.

    Returns
    -------
    unmet_by_setting
        A row by commune, a column by setting, the central one first; NaN unknown.
    """
    return pd.DataFrame({name: frame["unmet_people"].loc[core] for name, frame in runs.frames[need].items()})


def scenarios(runs: Runs, core: pd.Index) -> pd.DataFrame:
    """
    Sum up the core under each setting, and tell how much of the worst fifth each setting changes.

    Parameters
    ----------
    runs
        The needs under every setting.
    core
        Codes of the communes.

    Returns
    -------
    scenarios
        Indexed by (need, scenario): unmet_people [people], unmet_units [gap unit], and `turnover`, the share [0-1] of
        the communes of the central worst fifth that leave it under this setting; NaN when nothing can be ranked.
    """
    units = ["unmet_people", "unmet_units"]
    rows = {}
    for need, frames in runs.frames.items():
        central = frames[CENTRAL].loc[core, units]
        known = central["unmet_people"].notna()
        gaps = _shortfalls(frames, core)
        leaving = composite.turnover(gaps, gaps[CENTRAL])
        for name, frame in frames.items():
            # The same communes in every total: one that a setting leaves unknown keeps its central value.
            kept = frame.loc[core, units]
            sums = kept.where(kept.notna(), central)[known].sum(min_count=1)
            rows[need, name] = {**sums.to_dict(), "turnover": float(leaving[name])}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis([NEED, "scenario"])


def turnover_note(runs: Runs, totals: pd.DataFrame) -> Note | None:
    """
    Say how much of the worst fifth of each need the conventions alone change.

    Parameters
    ----------
    runs
        The needs under every setting.
    totals
        From `scenarios`.

    Returns
    -------
    turnover_note
        None when nothing can be ranked.
    """
    most = totals["turnover"].groupby(level=NEED).max().dropna()
    told = [(need.id, most[need.id]) for need in runs.needs if need.id in most.index]
    if not told:
        return None
    labels = {need.id: (need.label, need.label_en) for need in runs.needs}
    fr = ", ".join(f"{labels[need][0]} {100 * share:.0f} %" for need, share in told)
    en = ", ".join(f"{labels[need][1]} {100 * share:.0f}%" for need, share in told)
    return Note(
        TerritoireGeoWarning,
        f"Sensibilité : le choix de la loi de trajet et des pondérations change jusqu'à cette part du cinquième des "
        f"communes les plus loin de la norme : {fr}.",
        f"Sensitivity: the choice of travel law and weights changes up to this share of the fifth of communes furthest "
        f"from the norm: {en}.",
    )


def sensitivity(runs: Runs, core: pd.Index) -> pd.DataFrame:
    """
    Tell in which share of the settings each commune stays in the worst fifth of a need [0-1].

    Parameters
    ----------
    runs
        The needs under every setting.
    core
        Codes of the communes.

    Returns
    -------
    sensitivity
        Indexed by (code_commune, need): `worst` (in the worst fifth of the central setting: furthest below the
        target, 1 − A/T) and `kept` (share of the settings in which it is there); NaN for a commune that is unknown.
    """
    found = {}
    for need, frames in runs.frames.items():
        gaps = _shortfalls(frames, core)
        found[need] = pd.DataFrame(
            {"worst": composite.worst(gaps[CENTRAL]), "kept": composite.kept_in_worst(gaps)}, index=core
        )
    return pd.concat(found, names=[NEED, CODE_COMMUNE]).swaplevel().sort_index()


def _shortfalls(frames: Mapping[str, pd.DataFrame], core: pd.Index) -> pd.DataFrame:
    return coverage.shortfalls(frames).loc[core]


def inequality(runs: Runs, core: pd.Index) -> pd.DataFrame:
    """
    Sum up how unequal access is between the people of the core.

    Parameters
    ----------
    runs
        The needs under every setting.
    core
        Codes of the communes.

    Returns
    -------
    inequality
        Index need: the figures of `coverage.inequality`.
    """
    rows = {}
    for need in runs.needs:
        frame = runs.central(need.id).loc[core]
        rows[need.id] = coverage.inequality(frame["demand"], frame["access"], frame["target"])
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(NEED)
