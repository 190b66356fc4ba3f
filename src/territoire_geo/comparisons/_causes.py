"""Why a commune's need changed: a cause is said only where it can act, and a change without any is said unexplained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import numpy as np
import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NEED
from territoire_geo.comparisons import _near as near
from territoire_geo.comparisons._changes import changed
from territoire_geo.comparisons._figures import unseen, witnesses
from territoire_geo.comparisons._pair import SUPPLY_TABLES, Pair, differ, of_need, points_of
from territoire_geo.comparisons._settings import Setting, norm_cause

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]

CAUSES: Final = ("figures", "perimeter", "structures", "settings", "method", "edited")
WORDS: Final = {
    "figures": ("nouveaux chiffres", "new figures"),
    "perimeter": ("nouveau périmètre", "new perimeter"),
    "structures": ("structures ou équipements", "structures or facilities"),
    "settings": ("autres réglages", "other settings"),
    "method": ("autre version de la méthode", "another version of the method"),
    "edited": ("correction à la main", "correction by hand"),
}
BESIDE: Final = frozenset({"notes", "seance", "structures"})  # layers whose edition changes no figure by itself


@dataclass(frozen=True)
class Found:
    """What differs between two diagnostics: the tables of the comparison, and the settings."""

    changes: pd.DataFrame
    figures: pd.DataFrame
    structures: pd.DataFrame
    facilities: pd.DataFrame
    settings: Sequence[Setting]


def causes(pair: Pair, found: Found) -> pd.DataFrame:
    """
    Tell which causes can be at work, for each commune and need that changed.

    Parameters
    ----------
    pair
        The two diagnostics.
    found
        What differs.

    Returns
    -------
    causes
        The columns of `Comparison.causes`.
    """
    moved = found.changes[changed(found.changes)]
    parts = []
    for need in moved.index.unique(level=NEED):
        rows = of_need(moved, str(need))
        frame = pd.DataFrame(data=False, index=rows.index, columns=list(CAUSES))
        here = rows.index.isin(pair.both)
        frame.loc[~here, "perimeter"] = True
        if need not in pair.shared:
            frame.loc[here, "settings"] = True
        elif here.any():
            frame.loc[here] = _at_work(pair, found, str(need), rows[here]).to_numpy()
        parts.append(frame.assign(**{NEED: str(need)}).set_index(NEED, append=True))
    if not parts:
        index = pd.MultiIndex.from_arrays([pd.Index([], dtype="str")] * 2, names=[CODE_COMMUNE, NEED])
        return pd.DataFrame(index=index, columns=[*CAUSES, "unexplained"], dtype="bool")
    out = pd.concat(parts).sort_index().astype("bool")
    return out.assign(unexplained=~out.any(axis=1))


def _at_work(pair: Pair, found: Found, need: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Tell the causes of the rows of a need that both assess, in communes of both."""
    places = points_of(pair.after.territory, rows.index)
    norm = differ(rows["target_before"], rows["target_after"]).to_numpy()
    frame = pd.DataFrame(
        {
            "figures": _figures(pair, found, need, places, norm),
            "perimeter": _perimeter(pair, need, places, norm),
            "structures": _structures(pair, found, need, places, norm),
            "settings": _settings(found.settings, need, norm),
            "method": pair.before.settings.get("method") != pair.after.settings.get("method"),
        },
        index=rows.index,
    )
    layers = edited(pair)
    return frame.assign(edited=bool(layers - BESIDE) | (frame["structures"] & ("structures" in layers)))[list(CAUSES)]


def edited(pair: Pair) -> set[str]:
    """
    List the layers of a file that were edited by hand since they were written.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    edited
        Names of layers, of either side.
    """
    sides = [cast("Sequence[str]", side.settings.get("edited_layers", ())) for side in (pair.before, pair.after)]
    return {str(name) for side in sides for name in side}


def _figures(pair: Pair, found: Found, need: str, places: gpd.GeoSeries, norm: Mask) -> Mask:
    tables = {name.partition(".")[0] for name in pair.variables(need)} | {"references"}
    if edited(pair) - BESIDE and not tables & set(pair.moved_sources):
        return np.zeros(len(places), dtype=np.bool_)  # what differs was typed, not published
    seen = witnesses(pair, found.figures, found.changes, need)
    out = near.around(pair, need, places, seen)
    if unseen(pair, need):
        out[:] = True
    if norm_cause(pair, need) == "figures" or (pair.follows_territory(need) and len(seen)):
        out |= norm
    return out


def _perimeter(pair: Pair, need: str, places: gpd.GeoSeries, norm: Mask) -> Mask:
    apart = near.loaded_apart(pair)
    out = near.around(pair, need, places, apart)
    core = not pair.before.territory.core.equals(pair.after.territory.core)
    if norm_cause(pair, need) == "perimeter" or (pair.follows_territory(need) and (core or len(apart))):
        out |= norm
    return out


def _structures(pair: Pair, found: Found, need: str, places: gpd.GeoSeries, norm: Mask) -> Mask:
    tables = {name.partition(".")[0] for name in pair.variables(need)} & set(SUPPLY_TABLES)
    events = len(found.structures) + len(found.facilities)
    recounted = need in pair.redefined and (events or tables & set(pair.moved_sources))
    if tables & set(pair.one_sided) or recounted:
        return np.ones(len(places), dtype=np.bool_)  # a list that comes or goes, another unit: everything is recounted
    reached = near.served(pair, need, found.structures).union(near.cut(pair, need) if "structures" in tables else [])
    out = np.asarray(places.index.isin(reached)) | near.equipped(pair, need, found.facilities, places)
    return out | norm if pair.follows_territory(need) and events else out


def _settings(settings: Sequence[Setting], need: str, norm: Mask) -> Mask:
    out = np.zeros(len(norm), dtype=np.bool_)
    for one in settings:
        if need in one.needs:
            out[:] = True
        if need in one.by_norm:
            out |= norm
    return out
