"""Accessibility: minutes between places, what is within reach, and floating catchments.

Everything is sparse: pairs of ids within reach, their minutes, and sums over them in the order of
the ids, so that a result depends neither on the order of the rows nor on what lies out of reach.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from territoire_geo.columns import DESTINATION, MINUTES, ORIGIN
from territoire_geo.decays import Decay, Law, binary, dai, exponential, gaussian, positive, steps
from territoire_geo.errors import CrsError, TableError
from territoire_geo.pairs import (
    amounts,
    between,
    check_ids,
    count_within,
    first_three,
    floats,
    nearest,
    nearest_id,
    ordered,
)

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

__all__ = [
    "Decay",
    "Law",
    "between",
    "binary",
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
    "steps",
    "travel_minutes",
]

_LEAST_DEMAND: Final = 1e-150  # weighted people: nobody lives below it, and a ratio could overflow


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


def floating_catchment(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.DataFrame:
    """
    Measure access by the enhanced two-step floating catchment [units of supply per person].

    R_j = S_j / Σ_i w_ij P_i, then A_i = Σ_j w_ij R_j, with w = decay(minutes).

    Parameters
    ----------
    demand
        People P by id of origin, 0 or more; a demand that no pair names is out of reach.
    supply
        Capacity S by id of destination, 0 or more; a supply that no pair names serves nobody.
    minutes
        Travel times by (origin, destination), each pair once, in any order.
    decay
        Any callable from minutes to weights of 0 or more: `steps`, `binary`, `dai`, ...

    Returns
    -------
        By id of demand, `access`, and `reachable`: whether some supply above 0 has a weight. Out of
        reach is access 0 and not reachable; a supply without demand adds nothing (`reached_supply`).

    Raises
    ------
    ValueError
        A pair names an unknown id; ids or pairs are duplicated; minutes, demand, supply or weights
        are negative, unknown or infinite (drop or fill them yourself, knowingly).

    References
    ----------
    Luo and Qi 2009, doi:10.1016/j.healthplace.2009.06.002; with `binary`, Luo and Wang 2003,
    doi:10.1068/b29120; with `dai`, Dai 2010, doi:10.1016/j.healthplace.2010.06.012.

    Examples
    --------
    One doctor in A; A and B have 1,000 inhabitants each, B is 15 minutes away from A:

    >>> people, doctors = pd.Series({"A": 1000, "B": 1000}), pd.Series({"A": 1})
    >>> trips = pd.Series({("A", "A"): 2.0, ("B", "A"): 15.0})
    >>> (floating_catchment(people, doctors, trips, steps({10: 1, 20: 0.3})).access * 100_000).round(2)
    A    76.92
    B    23.08
    Name: access, dtype: float64
    """
    people, capacity = _sides(demand, supply)
    pairs = _weighted(minutes, decay, ("demand", demand.index), supply.index)
    rival = _rivals(pairs, people, len(supply))
    ratio = np.divide(capacity, rival, out=np.zeros(len(supply)), where=rival >= _LEAST_DEMAND)
    access = np.bincount(pairs.start, weights=pairs.weight * ratio[pairs.end], minlength=len(demand))
    reachable = np.zeros(len(demand), dtype=bool)
    reachable[pairs.start[capacity[pairs.end] > 0]] = True
    return pd.DataFrame({"access": access, "reachable": reachable}, index=demand.index)


def reached_supply(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.Series[bool]:
    """
    Tell the supply points whose catchment holds some demand from those that serve nobody.

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors.

    Returns
    -------
        By id of supply, whether Σ_i w_ij P_i > 0: the supply over which Σ P_i A_i = Σ S_j.
    """
    people, _ = _sides(demand, supply)
    pairs = _weighted(minutes, decay, ("demand", demand.index), supply.index)
    return pd.Series(_rivals(pairs, people, len(supply)) >= _LEAST_DEMAND, index=supply.index, name="reached")


def shen(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.Series[float]:
    """
    Measure access with competition [units of supply per person]: Σ_j O_j f(c_ij) / Σ_k P_k f(c_kj).

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors: jobs as the supply, workers as the demand.

    Returns
    -------
        Access by id of demand, 0 when nothing is in reach: that of `floating_catchment`.

    References
    ----------
    Shen 1998; Soukhov et al. 2023, doi:10.1371/journal.pone.0278468.
    """
    return floating_catchment(demand, supply, minutes, decay)["access"].rename("shen")


def spatial_availability(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.Series[float]:
    """
    Share the supply out among the demand [units of supply]: V_i = P_i × Shen's a_i.

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors.

    Returns
    -------
        Supply available by id of demand; its sum is that of the reached supply.

    References
    ----------
    Soukhov et al. 2023, doi:10.1371/journal.pone.0278468.
    """
    return (shen(demand, supply, minutes, decay) * amounts(demand, "demand")).rename("availability")


def hansen(supply: pd.Series[float], minutes: pd.Series[float], decay: Decay, index: pd.Index[Any]) -> pd.Series[float]:
    """
    Measure the supply within reach, without competition [units of supply]: H_i = Σ_j O_j f(c_ij).

    Parameters
    ----------
    supply, minutes, decay
        As in `floating_catchment`, with the same errors.
    index
        Ids of the origins.

    Returns
    -------
        Supply within reach by id of `index`, 0 when nothing is; with `binary`, cumulative opportunities.

    References
    ----------
    Hansen 1959, How accessibility shapes land use.
    """
    check_ids(index, "index")
    check_ids(supply.index, "supply")
    capacity = amounts(supply, "supply")
    pairs = _weighted(minutes, decay, ("index", index), supply.index)
    total = np.bincount(pairs.start, weights=pairs.weight * capacity[pairs.end], minlength=len(index))
    return pd.Series(total, index=index, name="hansen")


@dataclass(frozen=True)
class _Weighted:
    """Pairs with a weight, as positions in the demand and in the supply."""

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    weight: NDArray[np.float64]


def _sides(demand: pd.Series[float], supply: pd.Series[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    check_ids(demand.index, "demand")
    check_ids(supply.index, "supply")
    return amounts(demand, "demand"), amounts(supply, "supply")


def _rivals(pairs: _Weighted, people: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Sum the weighted demand of each catchment."""
    total = np.bincount(pairs.end, weights=pairs.weight * people[pairs.start], minlength=count)
    return total.astype(np.float64, copy=False)


def _weighted(
    minutes: pd.Series[float], decay: Decay, origins: tuple[str, pd.Index[Any]], supply: pd.Index[Any]
) -> _Weighted:
    trips = ordered(minutes)
    start_of = _positions(trips.origins, trips.start, *origins)
    end_of = _positions(trips.destinations, trips.end, "supply", supply)
    weight = np.asarray(decay(trips.minutes), dtype=np.float64)
    if weight.shape != trips.minutes.shape:
        msg = f"decay {decay!r} returned shape {weight.shape} for {trips.minutes.shape}: give a weight for each trip."
        raise ValueError(msg)
    wrong = ~(np.isfinite(weight) & (weight >= 0))
    if wrong.any():
        some, where = weight[wrong][:3].tolist(), trips.minutes[wrong][:3].tolist()
        msg = f"decay {decay!r} returned {some} at {where} minutes: give weights of 0 or more."
        raise ValueError(msg)
    kept = weight > 0
    return _Weighted(start_of[trips.start[kept]], end_of[trips.end[kept]], weight[kept])


def _positions(
    ids: pd.Index[Any], codes: NDArray[np.integer[Any]], name: str, known: pd.Index[Any]
) -> NDArray[np.intp]:
    """Place the ids of the pairs in the index of an argument, where those in use must be."""
    position = np.asarray(known.get_indexer(ids), dtype=np.intp)
    lost = position < 0
    if lost.any():
        lost &= np.bincount(codes, minlength=len(ids)) > 0  # a filtered table keeps ids out of use
    if lost.any():
        msg = (
            f"minutes name ids that {name} does not have: {first_three(ids[lost])}, when its own look like "
            f"{known[:2].tolist()}: add them to {name}, or keep the others with access.between."
        )
        raise TableError(msg)
    return position
