"""Accessibility: minutes between places, what is within reach, and floating catchments.

Everything is sparse: pairs of ids within reach, their minutes, and sums over them in the order of
the ids. What is measured on the pairs stands in `catchments`, `pairs` and `decays`, and is offered here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from territoire_geo.catchments import (
    Catchments,
    balanced_catchment,
    catchments,
    floating_catchment,
    hansen,
    reached_supply,
    shen,
    spatial_availability,
    standardised_demand,
)
from territoire_geo.columns import DESTINATION, MINUTES, ORIGIN
from territoire_geo.decays import Decay, Law, binary, dai, exponential, gaussian, positive, steps
from territoire_geo.errors import CrsError, TableError
from territoire_geo.pairs import between, check_ids, count_within, first_three, floats, nearest, nearest_id

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

__all__ = [
    "Catchments",
    "Decay",
    "Law",
    "balanced_catchment",
    "between",
    "binary",
    "catchments",
    "count_within",
    "dai",
    "exponential",
    "floating_catchment",
    "gaussian",
    "hansen",
    "nearest",
    "nearest_id",
    "reached_supply",
    "shen",
    "spatial_availability",
    "standardised_demand",
    "steps",
    "travel_minutes",
]


def travel_minutes(  # noqa: PLR0913 - one call states the whole convention
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries,
    *,
    speed_kmh: float = 50,
    detour: float = 1.3,
    max_minutes: float,
    area_km2: pd.Series[float] | None = None,
    start_minutes: float = 0.0,
) -> pd.Series[float]:
    """
    Estimate travel times from straight lines [minutes]: start + km × 60 × detour ÷ speed.

    Parameters
    ----------
    origins, destinations
        Points in one metric CRS, indexed by id.
    speed_kmh
        Speed along the road [km/h].
    detour
        Length of the road over that of the straight line, at least 1.
    max_minutes
        Longest trip kept [minutes], included.
    area_km2
        Area of the origins [km²]: the trip to the destination of the same id is then
        0.5·√(area/π) km long, as people do not all live at the point of their commune.
    start_minutes
        Minutes added to every trip.

    Returns
    -------
        Minutes of the pairs within reach, by (origin, destination), sorted and unique.

    Raises
    ------
    CrsError
        A CRS is missing, geographic or not in metres, or the two differ.
    ValueError
        Ids are duplicated, a point or the area of an own trip is missing, or a parameter is out of range.

    Notes
    -----
    A convention, not a road network: warn the reader with `ApproximateTravelWarning`.
    """
    _check_convention(speed_kmh, detour, max_minutes, start_minutes)
    _check_crs(origins, destinations)
    from_ids, from_xy = _points(origins, "origins")
    to_ids, to_xy = _points(destinations, "destinations")
    minutes_per_km = 60 * detour / speed_kmh
    reach = max(max_minutes - start_minutes, 0.0) / minutes_per_km * 1000
    keys = _near(from_xy, to_xy, reach * (1 + 1e-9))  # rounding: the exact limit is set on the minutes
    if area_km2 is not None:
        own_keys, own_km = _own_trips(from_ids, to_ids, area_km2)
        place = np.searchsorted(keys, own_keys)
        far = np.append(keys, -1)[place] != own_keys  # an own trip whose two points are far apart
        keys = np.insert(keys, place[far], own_keys[far])
    start, end = np.divmod(keys, max(len(to_ids), 1))
    # Plain products and a root are rounded alike on any array, so that a part equals the whole.
    across, along = (from_xy[start, axis] - to_xy[end, axis] for axis in (0, 1))
    km = np.sqrt(across * across + along * along) / 1000
    if area_km2 is not None:
        km[np.searchsorted(keys, own_keys)] = own_km
    minutes = start_minutes + km * minutes_per_km
    kept = minutes <= max_minutes
    index = pd.MultiIndex(
        levels=[from_ids, to_ids],  # type: ignore[list-item] # an Index, as pandas documents
        codes=[start[kept], end[kept]],
        names=[ORIGIN, DESTINATION],
        verify_integrity=False,
    )
    return pd.Series(minutes[kept], index=index, name=MINUTES)


def _check_convention(speed_kmh: float, detour: float, max_minutes: float, start_minutes: float) -> None:
    positive("speed_kmh", speed_kmh)
    positive("max_minutes", max_minutes)
    if not 1 <= detour < math.inf:
        msg = f"detour = {detour!r}: give 1 or more, no road is shorter than the straight line."
        raise ValueError(msg)
    if not 0 <= start_minutes < math.inf:
        msg = f"start_minutes = {start_minutes!r}: give 0 or a positive number of minutes."
        raise ValueError(msg)


def _check_crs(origins: gpd.GeoSeries, destinations: gpd.GeoSeries) -> None:
    start, end = _metric_crs(origins, "origins"), _metric_crs(destinations, "destinations")
    if start != end:
        msg = f"origins are in {start.name}, destinations in {end.name}: to_crs one to the other."
        raise CrsError(msg)


def _metric_crs(points: gpd.GeoSeries, name: str) -> CRS:
    advice = "to_crs a metric one (EPSG:2154 in mainland France)"
    if points.crs is None:
        msg = f"{name} have no CRS: set_crs the one of their coordinates, then {advice}."
        raise CrsError(msg)
    if points.crs.is_geographic or any(axis.unit_name != "metre" for axis in points.crs.axis_info):
        msg = f"{name} are in {points.crs.name}, not in metres: {advice}."
        raise CrsError(msg)
    return points.crs


def _points(points: gpd.GeoSeries, name: str) -> tuple[pd.Index[Any], NDArray[np.float64]]:
    """Check points, and return their ids and coordinates in the order of the ids."""
    check_ids(points.index, name)
    missing = (points.isna() | points.is_empty).to_numpy()
    if missing.any():
        msg = f"{name}: missing or empty points for {first_three(points.index[missing])}: locate them, or drop them."
        raise TableError(msg)
    other = (points.geom_type != "Point").to_numpy()
    if other.any():
        msg = f"{name}: not points for {first_three(points.index[other])}: take representative_point() of the polygons."
        raise TableError(msg)
    xy: NDArray[np.float64] = np.column_stack([floats(points.x), floats(points.y)])
    endless = np.asarray(~np.isfinite(xy).all(axis=1))
    if endless.any():
        msg = f"{name}: infinite coordinates for {first_three(points.index[endless])}: check the to_crs before this."
        raise TableError(msg)
    order = points.index.argsort()
    return points.index[order], xy[order]


def _near(from_xy: NDArray[np.float64], to_xy: NDArray[np.float64], reach: float) -> NDArray[np.int64]:
    """Find the pairs within reach [m]: origin × number of destinations + destination, sorted."""
    found = cKDTree(from_xy).sparse_distance_matrix(cKDTree(to_xy), reach, output_type="ndarray")
    keys: NDArray[np.int64] = found["i"].astype(np.int64) * len(to_xy) + found["j"]
    keys.sort()
    return keys


def _own_trips(
    from_ids: pd.Index[Any], to_ids: pd.Index[Any], area_km2: pd.Series[float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the keys of the trips inside one's own commune, and their length [km]."""
    check_ids(area_km2.index, "area_km2")
    position = to_ids.get_indexer(from_ids)
    own = np.flatnonzero(position >= 0)
    area = floats(area_km2.reindex(from_ids[own]))
    unknown = ~(np.isfinite(area) & (area > 0))
    if unknown.any():
        msg = f"area_km2: no positive area for {first_three(from_ids[own[unknown]])}: give it, or leave area_km2 out."
        raise TableError(msg)
    return own * np.int64(len(to_ids)) + position[own], 0.5 * np.sqrt(area / math.pi)
