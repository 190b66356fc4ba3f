"""What became of the structures and of the other supply points: new in the list, gone from it, moved, changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, KIND, SIRET, point_ids
from territoire_geo.comparisons._pair import Pair, differ, setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.diagnostic import Diagnostic

MOVED: Final = 1.0  # metres: nearer, the same place written with other digits
STABLE: Final = 0.5  # share of the ids of a list found again, below which its ids are not kept from year to year
EVENTS: Final = ("new", "gone", "moved", "activity", "capacity")
STRUCTURES: Final = (
    "name", "new", "gone", "moved", "metres", "activity", "levels", "capacity", "capacity_before", "capacity_after",
    "within_reach",
)  # fmt: skip
FACILITIES: Final = (
    "type", "label", "label_en", "name", "code_commune", "new", "gone", "moved", "metres", "amount", "amount_before",
    "amount_after",
)  # fmt: skip


def structures(pair: Pair) -> pd.DataFrame:
    """
    Tell what became of each structure that is not as it was.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    structures
        The columns of `Comparison.structures`.
    """
    before, after = pair.before.structures, pair.after.structures
    index = before.index.union(after.index).set_names([SIRET, KIND])
    frame = _presence(index, before.index, after.index)
    frame["moved"], frame["metres"] = _moves(before, after, index)
    both = ~(frame["new"] | frame["gone"])
    frame["levels"] = _levels(pair, index).where(both, "")
    frame["activity"] = frame["levels"].ne("")
    ids = point_ids("structures", index)
    for side, one in (("before", pair.before), ("after", pair.after)):
        frame[f"capacity_{side}"] = _capacity(one, index, ids)
    frame["capacity"] = differ(frame["capacity_before"], frame["capacity_after"]) & both
    names = after["name"].reindex(index) if "name" in after else pd.Series(np.nan, index=index, dtype="str")
    frame["name"] = names.where(names.notna(), before["name"].reindex(index) if "name" in before else names)
    near = pd.concat([_reached(pair.before), _reached(pair.after)])
    frame["within_reach"] = index.isin(near.index)
    return frame.loc[frame[list(EVENTS)].any(axis=1), list(STRUCTURES)]


def _presence(index: pd.Index, before: pd.Index, after: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"new": ~index.isin(before), "gone": ~index.isin(after)}, index=index)


def _moves(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, index: pd.Index) -> tuple[pd.Series, pd.Series]:
    """Tell what moved and by how many metres, NaN when it left or reached a place known by its commune only."""
    one, other = (_places(side, before, index) for side in (before, after))
    there = index.isin(before.index) & index.isin(after.index)
    metres = one.distance(other, align=False)
    towns = [
        side.get(CODE_COMMUNE, pd.Series(np.nan, index=side.index, dtype="str")).reindex(index)
        for side in (before, after)
    ]
    lost = (one.isna() | one.is_empty) != (other.isna() | other.is_empty)
    elsewhere = metres.isna() & towns[0].notna() & towns[1].notna() & towns[0].ne(towns[1])
    moved = (metres.gt(MOVED) | lost | elsewhere) & there
    return moved, metres.where(moved)


def _places(side: gpd.GeoDataFrame, before: gpd.GeoDataFrame, index: pd.Index) -> gpd.GeoSeries:
    points = gpd.GeoSeries(side.geometry)
    points = points.to_crs(before.crs) if before.crs is not None and points.crs != before.crs else points
    found = points.reindex(index)
    return gpd.GeoSeries(found, index=index, crs=before.crs)


def _levels(pair: Pair, index: pd.Index) -> pd.Series[str]:
    """Write the levels of activity that changed, by need: "childcare: unknown → declared"."""
    out = pd.Series("", index=index, dtype="str")
    for need in pair.shared:
        one, other = (
            side.structures.reindex(columns=[need])[need].astype("str").reindex(index)
            for side in (pair.before, pair.after)
        )
        moved = one.notna() & other.notna() & (one != other)
        gap = pd.Series("", index=index, dtype="str").mask(out.ne(""), "; ")
        out = out.mask(moved, out + gap + f"{need}: " + one.fillna("") + " → " + other.fillna(""))
    return out


def _capacity(diagnostic: Diagnostic, index: pd.Index, ids: pd.Index) -> pd.Series[float]:
    """Give the posts of the list, and what a scenario puts in their place."""
    table = diagnostic.structures
    known = table["postes"].astype("float64") if "postes" in table else pd.Series(np.nan, index=table.index)
    found = known.reindex(index)
    for given in played(diagnostic).values():
        changed = pd.Series(given, dtype="float64").reindex(ids).set_axis(index)
        found = found.mask(changed.notna(), changed)
    return found


def played(diagnostic: Diagnostic) -> Mapping[str, Mapping[str, float]]:
    """
    Give the capacities that a scenario changed.

    Parameters
    ----------
    diagnostic
        Its settings tell the scenario, if any.

    Returns
    -------
    played
        Need id -> point id -> capacity [supply unit of the need].
    """
    found = setting(diagnostic, "scenario").get("capacity", {})
    return cast("Mapping[str, Mapping[str, float]]", found)


def _reached(diagnostic: Diagnostic) -> pd.Series:
    """Keep one trip by structure that a commune of the core reaches."""
    trips = diagnostic.trips
    inside = trips[trips.index.get_level_values(CODE_COMMUNE).isin(diagnostic.territory.core)]
    keys = inside.droplevel(CODE_COMMUNE)
    return keys[~keys.index.duplicated()]


def facilities(pair: Pair) -> pd.DataFrame:
    """
    Tell what became of each other supply point that is not as it was.

    A list whose ids are not kept from one year to the next is held by commune and type, its points counted together.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    facilities
        The columns of `Comparison.facilities`.
    """
    before, after = _countable(pair)
    index = before.index.union(after.index).astype("str").rename("id")
    frame = _presence(index, before.index, after.index)
    frame["moved"], frame["metres"] = _moves(before, after, index)
    for side, one, table in (("before", pair.before, before), ("after", pair.after, after)):
        amounts = table["amount"].astype("float64").reindex(index)
        for given in played(one).values():
            changed = pd.Series(given, dtype="float64").reindex(index)
            amounts = amounts.mask(changed.notna(), changed)
        frame[f"amount_{side}"] = amounts
    frame["amount"] = differ(frame["amount_before"], frame["amount_after"]) & ~(frame["new"] | frame["gone"])
    for name in ("type", "label", "label_en", "name", "code_commune"):
        told = after[name].astype("str").reindex(index)
        frame[name] = told.where(told.notna(), before[name].astype("str").reindex(index))
    return frame.loc[frame[["new", "gone", "moved", "amount"]].any(axis=1), list(FACILITIES)]


def _countable(pair: Pair) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Give both lists with ids that can be told again: their own, or commune and type where they are not kept."""
    before, after = pair.before.facilities, pair.after.facilities
    one, other = (side.index.to_series().astype("str").str.replace("/.*", "", regex=True) for side in (before, after))
    parts: list[list[gpd.GeoDataFrame]] = [[], []]
    for name in sorted({*one, *other}):
        sides = before[(one == name).to_numpy()], after[(other == name).to_numpy()]
        fewest = min(len(side) for side in sides)
        kept = sides[0].index.isin(sides[1].index).sum()
        for rank, side in enumerate(sides):
            parts[rank].append(side if kept >= STABLE * fewest else _by_commune(side, name))
    crs = before.crs
    gathered = [pd.concat(part) if part else before.iloc[:0] for part in parts]
    return gpd.GeoDataFrame(gathered[0], crs=crs), gpd.GeoDataFrame(gathered[1], crs=crs)


def _by_commune(side: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Count a list by commune and type: one row each, at the first of its points, its amount the sum when all known."""
    ids = name + "/" + side[CODE_COMMUNE].astype("str") + "-" + side["type"].astype("str")
    amounts = side["amount"].astype("float64")
    amounts = amounts.where(side["amount_unit"].ne(""), 1.0)  # a point that holds no amount counts for itself
    whole = amounts.groupby(ids.to_numpy()).sum().where(~amounts.isna().groupby(ids.to_numpy()).any())
    first = side.set_axis(pd.Index(ids, name="id"))
    first = first[~first.index.duplicated()]
    return first.assign(amount=whole.reindex(first.index))
