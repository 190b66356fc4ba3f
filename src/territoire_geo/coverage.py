"""Unmet need against what is within reach: people and units, served, saturated, out of reach; structures by kind."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo import access as engine
from territoire_geo.activities import ANSWERING
from territoire_geo.columns import CODE_COMMUNE, KIND, KINDS, NEED, SIAE_KINDS, point_ids
from territoire_geo.measures import Decay, Inputs, Need
from territoire_geo.tables import Note
from territoire_geo.travel import STRUCTURE_MINUTES, has_place

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
        If alpha is negative.

    References
    ----------
    .. [1] Foster, Greer & Thorbecke 1984, doi:10.2307/1913475.
    """
    if alpha < 0:
        raise ValueError(f"alpha: {alpha} is negative. Use 0 (share), 1 (depth) or 2 (severity).")
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
    people, reached = _lorenz(access, demand)
    weight, share = np.diff(people), np.diff(reached)
    some = share > 0  # x log x is 0 at 0
    if np.isnan(share).any():
        return float("nan")
    return float((share[some] * np.log(share[some] / weight[some])).sum())


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


def assess(need: Need, inputs: Inputs, decay: Decay) -> tuple[pd.DataFrame, tuple[Note, ...]]:
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
    tuple[pandas.DataFrame, tuple[Note, ...]]
        By commune, core and buffer: demand, access, target, unmet_people, unmet_units, served, saturated,
        out_of_reach, reachable, known_share; and the notes of the need.
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
    return frame, (*reached.notes, *target.notes)


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


def structures_within_reach(inputs: Inputs, needs: Sequence[Need]) -> pd.DataFrame:
    """
    Count the structures within reach of each commune, by kind and by answer to each need [structures].

    Within reach is within the need's reach by car, 30 minutes when its reach is not by car.

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    needs
        The needs.

    Returns
    -------
    structures_within_reach
        Indexed by (code_commune, need): one column per kind, `siae`, `answering` (declared, likely or probable) and
        `nearest_minutes` [minutes] of the nearest answering structure, NaN when none is within reach. NaN everywhere
        when no list of structures is loaded or none of its places is known, and where the list stops.
    """
    structures = inputs.tables.structures
    if structures is None or (len(structures) and not has_place(structures).any()):
        columns = [*KINDS, "siae", "answering", "nearest_minutes"]
        nothing = pd.DataFrame(np.nan, index=inputs.index, columns=columns)
        frames = dict.fromkeys((need.id for need in needs), nothing)
        return pd.concat(frames, names=[NEED, CODE_COMMUNE]).swaplevel().sort_index()
    ids = point_ids("structures", structures.index)
    kinds = structures.index.get_level_values(KIND)
    by_reach = {structure_reach(need): need for need in needs}
    minutes = {reach: _to_structures(inputs, need) for reach, need in by_reach.items()}
    counts = {reach: _by_kind(trips, ids, kinds, inputs.index) for reach, trips in minutes.items()}
    frames = {}
    for need in needs:
        reach = structure_reach(need)
        answering = ids[inputs.levels[need.id].isin(ANSWERING).to_numpy()]
        near = engine.between(minutes[reach], destinations=answering)
        frames[need.id] = counts[reach].assign(
            answering=near.groupby(level=0).size().reindex(inputs.index, fill_value=0).astype("float64"),
            nearest_minutes=engine.nearest(near, index=inputs.index),
        )
        frames[need.id] = frames[need.id].where(inputs.tables.covered("structures", inputs.index), axis=0)
    return pd.concat(frames, names=[NEED, CODE_COMMUNE]).swaplevel().sort_index()


def _by_kind(minutes: pd.Series, ids: pd.Index, kinds: pd.Index, index: pd.Index) -> pd.DataFrame:
    """Count the structures within reach by kind, and the SIAE among them."""
    kind = pd.Index(KINDS).get_indexer(kinds)[ids.get_indexer(minutes.index.get_level_values(1))]
    row = index.get_indexer(minutes.index.get_level_values(0))
    size = (len(index), len(KINDS))
    named = kind >= 0  # a kind that the law does not name (OPCS) has no column of its own
    counts = np.bincount(np.ravel_multi_index((row[named], kind[named]), size), minlength=size[0] * size[1]).reshape(
        size
    )
    frame = pd.DataFrame(counts.astype("float64"), index=index, columns=list(KINDS))
    return frame.assign(siae=frame[list(SIAE_KINDS)].sum(axis=1)).rename_axis(index=CODE_COMMUNE)


def people_within_reach(inputs: Inputs, need: Need, demand: pd.Series) -> pd.Series:
    """
    Sum the demand within reach of each structure [people].

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.
    need
        The need.
    demand
        People by commune; the unknown are left out.

    Returns
    -------
    people_within_reach
        One value per structure; NaN for a structure whose place is unknown.
    """
    structures = inputs.tables.structures
    if structures is None:
        return pd.Series(dtype="float64", name=f"people_{need.id}")
    known = demand.dropna()
    ids = point_ids("structures", structures.index)
    minutes = engine.between(_to_structures(inputs, need), origins=known.index)
    people = known.reindex(minutes.index.get_level_values(0)).to_numpy()
    sums = pd.Series(people, index=minutes.index.get_level_values(1)).groupby(level=0).sum()
    placed = has_place(structures).to_numpy()
    out = sums.reindex(ids).mask(placed & ~ids.isin(sums.index), 0.0)
    return pd.Series(out.to_numpy(), index=structures.index, name=f"people_{need.id}")


def _to_structures(inputs: Inputs, need: Need) -> pd.Series:
    structures = inputs.tables.structures
    ids = point_ids("structures", structures.index if structures is not None else pd.Index([]))
    minutes = engine.between(inputs.travel["car"], destinations=ids)
    return minutes[minutes <= structure_reach(need)]


def structure_reach(need: Need) -> float:
    """
    Tell within how many minutes by car a structure serves a need [minutes].

    Parameters
    ----------
    need
        The need.

    Returns
    -------
    structure_reach
        Its reach when by car, else 30.
    """
    return need.reach if need.mode == "car" else STRUCTURE_MINUTES
