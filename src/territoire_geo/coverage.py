"""Unmet need against what is within reach: people and units, served, saturated, out of reach."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.measures import Decay, Inputs, Need
from territoire_geo.tables import Note

ENOUGH: Final = 0.75  # share of a catchment that must be known for a shortage to be told
RESULTS: Final = ("access", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach")


def unmet_need(demand: pd.Series, access: pd.Series, target: pd.Series | float) -> pd.DataFrame:
    """
    Measure what is missing and who lacks it [people, units].

    unmet_units = P·max(0, T − A); unmet_people = P·max(0, 1 − A/T); surplus = P·max(0, A − T);
    served = P·min(1, A/T).

    Parameters
    ----------
    demand
        People P by place; NaN unknown.
    access
        Access A by place [units per person]; NaN unknown.
    target
        Access T that would be enough: a number, or one by place; a target of 0 or NaN tells nothing.

    Returns
    -------
    unmet_need
        Columns unmet_people, unmet_units, surplus and served, indexed like `demand`; NaN where anything is unknown.
    """
    people = demand.to_numpy(dtype="float64")
    norm = target.reindex(demand.index).to_numpy(dtype="float64") if isinstance(target, pd.Series) else float(target)
    norm = np.where(np.greater(norm, 0), norm, np.nan)
    reached = access.reindex(demand.index).to_numpy(dtype="float64")
    return pd.DataFrame(
        {
            "unmet_people": people * np.maximum(1 - reached / norm, 0),  # NaN stays NaN
            "unmet_units": people * np.maximum(norm - reached, 0),
            "surplus": people * np.maximum(reached - norm, 0),
            "served": people * np.minimum(reached / norm, 1),
        },
        index=demand.index,
    )


def fgt(demand: pd.Series, access: pd.Series, target: pd.Series | float, alpha: float) -> float:
    """
    Measure how many are below the target (α = 0), how far (1), and how severely (2) [0-1].

    FGT_α = Σ P ((T − A)/T)^α [A < T] / Σ P, over the places where all is known.

    Parameters
    ----------
    demand
        People by place.
    access
        Access by place.
    target
        Access that would be enough.
    alpha
        0, 1, 2 or any non-negative number.

    Returns
    -------
    fgt
        NaN when no place is known.

    Raises
    ------
    ValueError
        If alpha is negative or unknown.

    References
    ----------
    .. [1] Foster, Greer & Thorbecke 1984, doi:10.2307/1913475.
    """
    if not alpha >= 0:
        raise ValueError(f"alpha: {alpha} is not 0 or more. Use 0 (share), 1 (depth) or 2 (severity).")
    norm = target if isinstance(target, pd.Series) else pd.Series(float(target), index=demand.index)
    frame = pd.DataFrame({"p": demand, "a": access, "t": norm}).dropna()
    frame = frame[frame["t"] > 0]
    people = frame["p"].sum()
    if not people > 0:
        return float("nan")
    below = frame["a"] < frame["t"]
    gap = (1 - frame["a"] / frame["t"]).clip(lower=0)
    return float((frame["p"] * np.where(below, gap**alpha, 0.0)).sum() / people)


def gini(access: pd.Series, demand: pd.Series) -> float:
    """
    Measure the inequality of access between people [0-1].

    Parameters
    ----------
    access
        Access by place, not negative.
    demand
        People by place, the weights.

    Returns
    -------
    gini
        0 when all have the same; NaN when no place is known or nobody has any access.
    """
    people, reached = _lorenz(access, demand)
    return float(1 - (np.diff(people) * (reached[1:] + reached[:-1])).sum())


def palma(access: pd.Series, demand: pd.Series) -> float:
    """
    Compare what the best served tenth of the people have with what the worst served 40 % have.

    Parameters
    ----------
    access
        Access by place, not negative.
    demand
        People by place, the weights.

    Returns
    -------
    palma
        0.25 when all have the same; NaN when no place is known, or when the worst served 40 % have nothing.

    References
    ----------
    .. [1] Palma 2011, doi:10.1111/j.1467-7660.2011.01694.x.
    """
    people, reached = _lorenz(access, demand)
    bottom = np.interp(0.4, people, reached)
    return float((1 - np.interp(0.9, people, reached)) / bottom) if bottom > 0 else float("nan")


def theil(access: pd.Series, demand: pd.Series) -> float:
    """
    Measure the inequality of access between people by the Theil index [0 to the logarithm of the people].

    Parameters
    ----------
    access
        Access by place, not negative.
    demand
        People by place, the weights.

    Returns
    -------
    theil
        0 when all have the same; NaN when no place is known or nobody has any access.
    """
    frame = pd.DataFrame({"a": access, "p": demand}).dropna()
    amount = frame["p"] * frame["a"]
    whole = amount.sum()
    if not whole > 0:
        return float("nan")
    some = amount > 0  # x log x is 0 at 0
    ratio = frame["a"][some] / (whole / frame["p"].sum())  # never a difference of sums: a tiny weight would be lost
    return float((amount[some] / whole * np.log(ratio)).sum())


def _lorenz(access: pd.Series, demand: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Cumulate the shares of people and of access, the worst served first; NaN when there is nothing to share."""
    frame = pd.DataFrame({"a": access, "p": demand}).dropna().sort_values("a", kind="stable")
    weight = frame["p"].to_numpy(dtype="float64")
    parts = np.array([weight, weight * frame["a"].to_numpy(dtype="float64")])
    whole = parts.sum(axis=1, keepdims=True)
    if not (whole > 0).all():
        nothing = np.full(2, np.nan)
        return nothing, nothing
    people, reached = np.column_stack([np.zeros(2), parts.cumsum(axis=1) / whole])
    return people, reached


def inequality(demand: pd.Series, access: pd.Series, target: pd.Series | float) -> pd.Series:
    """
    Sum up how unequal access is between people, and how far below the target [0-1, ratios].

    Parameters
    ----------
    demand
        People by place, the weights.
    access
        Access by place; a place whose demand, access or target is unknown is left out, with its people.
    target
        Access that would be enough.

    Returns
    -------
    inequality
        `below` (FGT 0: share of the people below the target), `depth` (FGT 1), `severity` (FGT 2), `gini`, `palma`,
        `theil`, and `known_share` (share of the people whose demand is known, over which the others are told).
    """
    norm = target if isinstance(target, pd.Series) else pd.Series(float(target), index=demand.index)
    people = demand.where(demand.notna() & access.notna() & norm.gt(0))
    whole = demand.sum(min_count=1)
    figures = {
        "below": fgt(people, access, target, 0),
        "depth": fgt(people, access, target, 1),
        "severity": fgt(people, access, target, 2),
        "gini": gini(access, people),
        "palma": palma(access, people),
        "theil": theil(access, people),
        "known_share": people.sum() / whole if whole > 0 else np.nan,
    }
    return pd.Series(figures, dtype="float64")


def shortfalls(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """
    Tell how far each place is below its target under each setting of the sensitivity [0-1, negative above the target].

    Parameters
    ----------
    runs
        Name of the setting -> frame of `assess`.

    Returns
    -------
    shortfalls
        1 − A/T, a row by place and a column by setting; it tells places apart where nobody is unmet too. NaN unknown.
    """
    gaps = {name: 1 - frame["access"] / frame["target"].where(frame["target"] > 0) for name, frame in runs.items()}
    return pd.DataFrame(gaps)


@dataclass(frozen=True)
class Assessment:
    """
    A need under one setting.

    `frame` holds, by commune (core and buffer): demand [people], access and target [access unit], unmet_people, served,
    saturated, out_of_reach [people], unmet_units [gap unit], reachable and known_share. `conservation` is the report
    of the catchments, None when the access shares nothing out; `notes` what a reader must know.
    """

    frame: pd.DataFrame
    notes: tuple[Note, ...]
    conservation: pd.Series | None


def assess(need: Need, inputs: Inputs, decay: Decay) -> Assessment:
    """
    Assess a need under one setting: demand, access, target, and what is missing.

    Parameters
    ----------
    need
        The need.
    inputs
        Territory, tables, travel and reference.
    decay
        Weights of minutes.

    Returns
    -------
    assess
        The frame by commune, the notes of the need, and what was shared out.
    """
    demand = need.demand.compute(inputs)
    reached = need.access(inputs, need, decay)
    target = need.target(inputs, need)
    found = reached.frame
    gaps = unmet_need(demand, found["access"], target.norm)
    left = demand - gaps["served"]
    frame = pd.DataFrame(
        {
            "demand": demand,
            "access": found["access"],
            "target": target.norm,
            "unmet_people": gaps["unmet_people"],
            "unmet_units": gaps["unmet_units"],
            "served": gaps["served"],
            "saturated": left.where(found["reachable"] | left.isna(), 0.0),
            "out_of_reach": left.where(~found["reachable"] | left.isna(), 0.0),
            "reachable": found["reachable"],
            "known_share": found["known_share"],
        }
    )
    return Assessment(frame, (*reached.notes, *target.notes), reached.conservation)


def withhold(frame: pd.DataFrame, known_share: "pd.Series[float]") -> pd.DataFrame:
    """
    Tell nothing of a catchment known for less than three quarters: what is missing would pass for a shortage.

    Parameters
    ----------
    frame
        By commune, from `assess`.
    known_share
        Share of the people of each catchment whose figures are known, 0 to 1.

    Returns
    -------
    withhold
        The frame, NaN in the columns of results where the share is below `ENOUGH`.
    """
    told = known_share >= ENOUGH
    if told.all():
        return frame
    return frame.assign(**{column: frame[column].where(told) for column in RESULTS})
