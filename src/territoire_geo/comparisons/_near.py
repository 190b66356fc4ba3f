"""How far a change can act: communes within reach of what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS
from scipy.spatial import KDTree

from territoire_geo.columns import AREA, CODE_COMMUNE, CODE_EPCI, SIRET
from territoire_geo.comparisons._pair import Pair, answering, keys_of, of_need, points_of, setting
from territoire_geo.comparisons._supply import played
from territoire_geo.measures import CAR_KMH, DETOUR
from territoire_geo.reach import structure_reach
from territoire_geo.travel import SCENARIO, STRUCTURE_MINUTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from territoire_geo.diagnostic import Diagnostic

    Mask = NDArray[np.bool_]

FASTEST: Final = 130.0  # km/h as the crow flies: no table of minutes by car goes further
SLACK: Final = 1.01  # a trip inside a commune starts beside its point
SAME_PLACE: Final = 1.0  # metres
SAME_AREA: Final = 0.02  # share: contours are drawn again each year, a merger changes more


def kilometres(pair: Pair, need: str, *, rivals: bool) -> float:
    """
    Tell how far from a commune what changes may act on a need [km].

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.
    rivals
        Whether those who compete for the same supply count: twice the reach.

    Returns
    -------
    kilometres
        As the crow flies, by the faster of the two conventions; an upper bound with a table of minutes.
    """
    minutes = max(
        max(STRUCTURE_MINUTES, 2 * side.reach) if rivals and side.mode == "car" else structure_reach(side)
        for side in pair.sides(need)
    )
    return SLACK * minutes / 60 * max(_pace(side) for side in (pair.before, pair.after))


def _pace(diagnostic: Diagnostic) -> float:
    said = diagnostic.settings
    if setting(diagnostic, "travel").get("car") == "table":
        return FASTEST
    return float(said.get("speed_kmh", CAR_KMH)) / float(said.get("detour", DETOUR))  # type: ignore[arg-type] # numbers


def within(places: gpd.GeoSeries, changed: gpd.GeoSeries, km: float) -> Mask:
    """
    Tell the places that are near something that changed.

    Parameters
    ----------
    places
        Points in a metric CRS.
    changed
        Points in any CRS; empty ones are left out.
    km
        Distance, included.

    Returns
    -------
    within
        One boolean by place.
    """
    there = changed if changed.crs == places.crs else changed.to_crs(CRS(places.crs))
    known = shapely.get_coordinates(there.to_numpy())  # none of an empty point, nor of a missing one
    if not len(known) or not len(places):
        return np.zeros(len(places), dtype=np.bool_)
    far, _ = KDTree(known).query(shapely.get_coordinates(places.to_numpy()), distance_upper_bound=1000 * km + 1)
    return np.isfinite(far)


def around(pair: Pair, need: str, places: gpd.GeoSeries, changed: pd.Index) -> Mask:
    """
    Tell the communes that a change of figures in some communes can reach.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.
    places
        Points by commune.
    changed
        Codes of communes, core or buffer of either.

    Returns
    -------
    around
        One boolean by place.
    """
    if not len(changed):
        return np.zeros(len(places), dtype=np.bool_)
    found = np.zeros(len(places), dtype=np.bool_)
    for side in (pair.before, pair.after):
        communes = side.territory.communes
        codes = changed.intersection(communes.index)
        if any(one.startswith("childcare_rates.") for one in pair.variables(need)):
            # The places of an EPCI are spread over its communes: one of them moves the others.
            blocks = communes.loc[codes, CODE_EPCI].dropna()
            codes = codes.union(communes.index[communes[CODE_EPCI].isin(blocks)])
        points = points_of(side.territory, codes)
        found |= within(places, points, kilometres(pair, need, rivals=True))
    return found


def redrawn(pair: Pair) -> pd.Index:
    """
    List the communes of both whose outline or area changed, as a merger that keeps the code does.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    redrawn
        Codes, core and buffer.
    """
    one, other = (side.territory.communes for side in (pair.before, pair.after))
    codes = one.index.intersection(other.index)
    areas = one[AREA].reindex(codes), other[AREA].reindex(codes)
    return codes[(areas[0] - areas[1]).abs() > SAME_AREA * areas[0]]


def loaded_apart(pair: Pair) -> pd.Index:
    """
    List the communes that are loaded, as core or buffer, on one side only, or that are not the same on both.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    loaded_apart
        Codes: on one side only, redrawn, with another point or in another EPCI.
    """
    one, other = (side.territory for side in (pair.before, pair.after))
    codes = one.communes.index.intersection(other.communes.index)
    points = points_of(one, codes), points_of(other, codes).to_crs(one.crs)
    shifted = codes[points[0].distance(points[1], align=False).to_numpy() > SAME_PLACE]
    blocks = [side.communes.loc[codes, CODE_EPCI].fillna("") for side in (one, other)]
    apart = one.communes.index.symmetric_difference(other.communes.index)
    return apart.union(shifted).union(redrawn(pair)).union(codes[blocks[0].ne(blocks[1])])


def served(pair: Pair, need: str, events: pd.DataFrame) -> pd.Index:
    """
    List the communes within reach of a structure that counts for a need and is not as it was.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.
    events
        From `structures`.

    Returns
    -------
    served
        Codes of communes, by the trips of each side.
    """
    names = {variable.partition(".")[0] for variable in pair.variables(need)}
    given = [name for side in (pair.before, pair.after) for name in played(side).get(need, {})]
    by_hand = any(name.startswith("structures/") for name in given)
    found: pd.Index = pd.Index([], dtype="str")
    if "structures" not in names and not by_hand:
        return found
    keys = events.index  # a capacity that a scenario gives counts for the need, whatever the activity
    if not by_hand:
        keys = keys.intersection(answering(pair.before, need).union(answering(pair.after, need)))
    for side, mine in zip((pair.before, pair.after), pair.sides(need), strict=True):
        trips = side.trips
        if not len(keys) or not len(trips):
            continue
        near = trips[trips.index.get_level_values(SIRET).isin(keys.get_level_values(SIRET))]
        near = near[near <= structure_reach(mine)]
        rows = near.index[keys_of(near).isin(keys)]
        found = found.union(rows.get_level_values(CODE_COMMUNE).unique())
    return found


def equipped(pair: Pair, need: str, events: pd.DataFrame, places: gpd.GeoSeries) -> Mask:
    """
    Tell the communes that a facility that a need counts, and that is not as it was, can reach.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.
    events
        From `facilities`.
    places
        Points by commune.

    Returns
    -------
    equipped
        One boolean by place. The points that a scenario adds may be of any need.
    """
    kinds = {*pair.facility_types(need), SCENARIO}
    rows = events[events["type"].isin(kinds)]
    if not len(rows):
        return np.zeros(len(places), dtype=np.bool_)
    found = around(pair, need, places, pd.Index(rows[CODE_COMMUNE].dropna().unique()))
    km = kilometres(pair, need, rivals=False)
    for side in (pair.before, pair.after):
        points = side.facilities.geometry[side.facilities.index.isin(rows.index)]
        found |= within(places, gpd.GeoSeries(points, crs=side.territory.crs), km)
    return found


def cut(pair: Pair, need: str) -> pd.Index:
    """
    List the communes where only one of the two lists of structures tells what is within reach.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.

    Returns
    -------
    cut
        Codes of communes of both.
    """
    sides = [of_need(side.reach, need)["siae"].reindex(pair.both).isna() for side in (pair.before, pair.after)]
    return pair.both[sides[0] != sides[1]]
