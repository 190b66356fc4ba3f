"""Minutes by mode on a territory: communes to communes and to points, by convention or from a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo import access
from territoire_geo.cog import quote
from territoire_geo.columns import AREA, CODE_COMMUNE, DESTINATION, MINUTES, ORIGIN, point_ids
from territoire_geo.errors import TableError
from territoire_geo.measures import CAR_KMH, DETOUR, Need
from territoire_geo.tables import Tables
from territoire_geo.territory import Territory

STRUCTURE_MINUTES: Final = 30.0  # reach of a structure for the needs whose own reach is not by car
STATION, CARPOOL, FRANCE_SERVICES, DIGITAL = "gare", "covoiturage", "france_services", "service_numerique"
SCENARIO: Final = "scenario"  # what a scenario adds
PLACES: Final = (STATION, CARPOOL, FRANCE_SERVICES, DIGITAL, SCENARIO)  # types of `places` that minutes are told to
DRIVING_SCHOOL: Final = "A304"  # "école de conduite" of the BPE, in 2019 as in 2024


@dataclass(frozen=True)
class Pace:
    """A convention: minutes = start + straight-line km × detour × 60 ÷ km/h."""

    kmh: float
    detour: float = 1.0
    start: float = 0.0


CAR: Final = Pace(CAR_KMH, DETOUR)
BIKE: Final = Pace(15.0)  # 5 km as the crow flies in 20 minutes
# What bounds the convention on 2,300 pairs of places with known road minutes: methods.md §2.
FAST: Final = Pace(60.0, 1.2)
SLOW: Final = Pace(60 / 1.21, 1.0, 8.7)


@dataclass(frozen=True)
class Points:
    """
    Supply points: those with coordinates, measured to, and those known by their commune only.

    `located` is a GeoSeries in the CRS of the territory, `communes` a Series of `code_commune`, both by point id;
    a located point has its commune too, when it lies in the territory.
    """

    located: gpd.GeoSeries
    communes: "pd.Series[str]"


def supply_points(territory: Territory, tables: Tables, needs: Sequence[Need]) -> Points:
    """
    Gather the points that minutes are told to: what needs count as supply, driving schools, and some types of places.

    Parameters
    ----------
    territory
        Core and buffer.
    tables
        Uses `structures`, `childcare_places`, `facilities` and `places`.
    needs
        The needs, with the codes of their facilities.

    Returns
    -------
    supply_points
        Points by id; a row with neither coordinates nor commune is left out.
    """
    codes = {DRIVING_SCHOOL, *(code for need in needs for code in need.facilities)}
    facilities, places = tables.facilities, tables.places
    frames = {
        "structures": tables.structures,
        "childcare_places": tables.childcare_places,
        "facilities": None if facilities is None else facilities[facilities["code_equipement"].isin(codes)],
        "places": None if places is None else places[places["type"].isin(PLACES)],
    }
    located, communes = [], []
    for field, frame in frames.items():
        if frame is None or frame.empty:
            continue
        ids = point_ids(field, frame.index)
        there = _has_coordinates(frame).to_numpy()
        if there.any():
            coordinates = gpd.points_from_xy(frame.loc[there, "lon"], frame.loc[there, "lat"])
            located.append(gpd.GeoSeries(coordinates, index=ids[there], crs=4326).to_crs(territory.crs))
        inside = communes_of(frame, territory).set_axis(ids)
        communes.append(inside[inside.isin(territory.communes.index)])
    empty = gpd.GeoSeries([], index=pd.Index([], dtype="str"), crs=territory.crs)
    return Points(
        gpd.GeoSeries(pd.concat(located), crs=territory.crs) if located else empty,
        pd.concat(communes) if communes else pd.Series(dtype="str"),
    )


def _has_coordinates(frame: pd.DataFrame) -> "pd.Series[bool]":
    if not {"lon", "lat"} <= set(frame.columns):
        return pd.Series(data=False, index=frame.index)
    return frame["lon"].notna() & frame["lat"].notna()


def communes_of(frame: pd.DataFrame, territory: Territory) -> "pd.Series[str]":
    """
    Find the commune of each row of a located table: its code, else where its coordinates fall.

    Parameters
    ----------
    frame
        With `code_commune`, or `lon` and `lat` [degrees], or both.
    territory
        Core and buffer.

    Returns
    -------
    communes_of
        `code_commune` by row; NaN for a row without place, or outside the territory when only its coordinates are
        known.
    """
    nowhere = pd.Series(float("nan"), index=frame.index, dtype="str")
    known = frame[CODE_COMMUNE] if CODE_COMMUNE in frame.columns else nowhere
    known = known.where(known.ne("")).astype("str")
    wanted = (known.isna() & _has_coordinates(frame)).to_numpy()
    if wanted.any():
        points = gpd.points_from_xy(frame.loc[wanted, "lon"], frame.loc[wanted, "lat"])
        known = known.mask(wanted, territory.locate(gpd.GeoSeries(points, index=frame.index[wanted], crs=4326)))
    return known.rename(CODE_COMMUNE)


def has_place(frame: pd.DataFrame) -> "pd.Series[bool]":
    """
    Tell the rows of a located table whose place is known, as coordinates or as a commune.

    Parameters
    ----------
    frame
        With `code_commune`, or `lon` and `lat`, or both.

    Returns
    -------
    has_place
        One boolean per row.
    """
    there = _has_coordinates(frame)
    if CODE_COMMUNE not in frame.columns:
        return there
    return there | (frame[CODE_COMMUNE].notna() & frame[CODE_COMMUNE].ne(""))


def by_distance(territory: Territory, points: Points, pace: Pace, max_minutes: float) -> "pd.Series[float]":
    """
    Compute the minutes from every commune to communes and points, by the straight-line convention [minutes].

    Parameters
    ----------
    territory
        Core and buffer.
    points
        Supply points; those known by their commune only take its minutes.
    pace
        The convention.
    max_minutes
        Pairs beyond are left out.

    Returns
    -------
    by_distance
        Indexed by (origin, destination), sorted.
    """

    def minutes(places: gpd.GeoSeries, area_km2: "pd.Series[float] | None") -> "pd.Series[float]":
        return access.travel_minutes(
            territory.points,
            places,
            speed_kmh=pace.kmh,
            detour=pace.detour,
            max_minutes=max_minutes,
            area_km2=area_km2,
            start_minutes=pace.start,
        )

    between = minutes(territory.points, territory.communes[AREA])
    parts = [between]
    if len(points.located):
        parts.append(minutes(points.located, None))
    unplaced = points.communes[~points.communes.index.isin(points.located.index)]
    if len(unplaced):
        parts.append(_inherit(between, unplaced))
    return _joined(parts)


def from_table(
    territory: Territory, points: Points, minutes: "pd.Series[float]", *, pace: Pace = CAR
) -> "pd.Series[float]":
    """
    Use a table of minutes between communes; points that it does not name take the minutes of their commune [minutes].

    Parameters
    ----------
    territory
        Core and buffer.
    points
        Supply points, with their commune.
    minutes
        Indexed by (origin, destination), commune codes, or ids of points as destinations; a pair that is NaN, or
        absent when its origin is there, is unreachable. A missing or null trip inside a commune takes the convention,
        half the radius of its disc.
    pace
        The convention of the mode.

    Returns
    -------
    from_table
        Indexed by (origin, destination), sorted.

    Raises
    ------
    TableError
        If the index has not two levels of commune codes, a pair stands twice, or a commune of the core is no origin:
        it would be taken as cut off from everything, when nothing is known of it.
    """
    if minutes.index.nlevels != 2:  # noqa: PLR2004 - an origin and a destination
        raise TableError("travel: minutes are a Series indexed by (origin, destination). Set this index.")
    twice = minutes.index[minutes.index.duplicated()]
    if len(twice):
        raise TableError(f"travel: the pair {quote(twice)} stands on several rows. Keep one.")
    if (minutes < 0).any():
        raise TableError(f"travel: minutes of {quote(minutes.index[minutes < 0])} are negative. Correct them.")
    codes = territory.communes.index
    origins, destinations = (minutes.index.get_level_values(level) for level in (0, 1))
    named = points.communes.index.union(points.located.index).intersection(destinations)
    table = (
        minutes[origins.isin(codes) & (destinations.isin(codes) | destinations.isin(named))].dropna().rename(MINUTES)
    )
    table.index = table.index.set_names([ORIGIN, DESTINATION])
    absent = territory.core.difference(origins)
    if len(absent):
        message = (
            f"travel: {len(absent)} of the {len(territory.core)} communes of {territory.name} are the origin of no "
            f"trip ({quote(absent)}). List every pair within reach, both ways; a commune that is truly cut off has its "
            "own, such as 39198,39198,0."
        )
        raise TableError(message)
    if minutes[origins.isin(codes)].isna().all():
        raise TableError("travel: no minutes are known from any commune of the territory. Give those of every pair.")
    own = _own_minutes(territory, pace)
    given = table.reindex(own.index)
    inside = table.index.get_level_values(0) == table.index.get_level_values(1)
    table = pd.concat([table[~inside], given.where(given > 0, own)]).rename(MINUTES)
    return _joined([table, _inherit(table, points.communes.drop(named, errors="ignore"))])


def _own_minutes(territory: Territory, pace: Pace) -> "pd.Series[float]":
    codes = territory.communes.index
    km = 0.5 * np.sqrt(territory.communes[AREA].to_numpy(dtype="float64") / np.pi)
    pairs = pd.MultiIndex.from_arrays([codes, codes], names=[ORIGIN, DESTINATION])
    return pd.Series(pace.start + km * pace.detour * 60 / pace.kmh, index=pairs)


def _inherit(minutes: "pd.Series[float]", places: "pd.Series[str]") -> "pd.Series[float]":
    """Minutes to points, those of the commune each lies in."""
    if places.empty:
        return minutes.iloc[:0]
    wanted = access.between(minutes, destinations=pd.Index(places.unique())).reset_index()
    book = pd.DataFrame({DESTINATION: places.to_numpy(), "point": places.index})
    joined = wanted.merge(book, on=DESTINATION)
    index = pd.MultiIndex.from_arrays([joined[ORIGIN], joined["point"]], names=[ORIGIN, DESTINATION])
    return pd.Series(joined[MINUTES].to_numpy(), index=index, name=MINUTES)


def _joined(parts: Sequence["pd.Series[float]"]) -> "pd.Series[float]":
    filled = [part for part in parts if len(part)]
    return (pd.concat(filled) if filled else parts[0]).sort_index().rename(MINUTES)


def reach_by_mode(needs: Sequence[Need]) -> Mapping[str, float]:
    """
    Find how far each mode must be measured [minutes].

    Parameters
    ----------
    needs
        The needs asked for.

    Returns
    -------
    reach_by_mode
        The largest reach by mode; "car" at least the reach of structures.
    """
    reaches = {"car": STRUCTURE_MINUTES}
    for need in needs:
        widest = max([need.reach, *(_limit(other(need.reach)) for other in need.others)])
        reaches[need.mode] = max(reaches.get(need.mode, 0.0), widest)
    return MappingProxyType(reaches)


def buffer_km(needs: Sequence[Need], pace: Pace = CAR) -> float:
    """
    Tell how far around a territory figures are needed [km].

    Parameters
    ----------
    needs
        The needs asked for.
    pace
        The convention of the car.

    Returns
    -------
    buffer_km
        Twice the largest reach by car (the supply within reach, and those who compete for it); at least the reach of
        structures, which also covers the jobs that mobility compares with.
    """
    minutes = max([STRUCTURE_MINUTES, *(2 * need.reach for need in needs if need.mode == "car")])
    return (minutes - pace.start) * pace.kmh / 60 / pace.detour


def _limit(decay: object) -> float:
    d0 = getattr(decay, "d0", 0.0)
    return float(d0) if np.isfinite(d0) else 0.0
