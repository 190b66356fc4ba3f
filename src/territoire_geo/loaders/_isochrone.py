"""IGN isochrones: minutes by steps, from the areas that are reached within given times."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Geometry

from territoire_geo.loaders._blocks import near, pair_up
from territoire_geo.loaders._calls import Ask
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Door, fetch_json
from territoire_geo.loaders._matrix import LOG, TOLD, announce, changed, series

if TYPE_CHECKING:
    import pandas as pd

PROFILES: Final[Mapping[str, str]] = {"car": "car", "walk": "pedestrian"}
STEPS: Final = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)  # minutes
RESOURCE: Final = "bdtopo-valhalla"


def minutes(  # noqa: PLR0913 - the steps come besides what every engine is asked
    door: Door,
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries,
    *,
    mode: str = "car",
    within_km: float | None = None,
    steps: Sequence[float] = STEPS,
) -> "pd.Series[float]":
    """
    Ask the IGN for isochrones, and tell the smallest that holds each destination [minutes].

    Minutes are an upper bound: a destination at 12 minutes has 15 when the steps are 10 and 15. That of a point to
    itself is 0.

    Parameters
    ----------
    door
        The network; its bases may name another server, service "geopf".
    origins, destinations
        Points in any CRS, indexed by id.
    mode
        "car" or "walk": bicycles have no isochrone there.
    within_km
        Longest straight line that is asked [km], None for every pair.
    steps
        Durations, one request each by origin [minutes].

    Returns
    -------
    minutes
        Indexed by (origin, destination), sorted and unique; NaN beyond the last step.

    Raises
    ------
    SourceError
        If the server cannot be asked.
    SourceFormatError
        If it answers something else than an area.
    ValueError
        If a step is not a duration, or the mode has no isochrone.
    """
    if mode not in PROFILES:
        raise ValueError(f"mode {mode!r}: the isochrones of the IGN are by {' or '.join(PROFILES)}.")
    ordered = sorted({float(step) for step in steps})
    if not ordered or not all(0 < step < np.inf for step in ordered):
        raise ValueError(f"steps: {list(steps)} are not durations. Give minutes above 0.")
    source = entry("ign_isochrones")
    pairs = pair_up(origins, destinations, within_km)
    reached = near(pairs)
    announce(door, source, sum(1 for ends in reached if len(ends)) * len(ordered))
    parts = []
    for start, ends in enumerate(reached):
        here, places = pairs.origins.lonlat[start], pairs.destinations.lonlat[ends]
        parts.append((np.full(len(ends), start), ends, _from_one(door, here, places, PROFILES[mode], ordered)))
        if (start + 1) % TOLD == 0:
            LOG.info("%s: %d origins of %d answered", source.id, start + 1, len(reached))
    return series(pairs, parts)


def _from_one(
    door: Door, here: NDArray[np.float64], places: NDArray[np.float64], profile: str, steps: Sequence[float]
) -> NDArray[np.float64]:
    """Minutes from one origin to places; a step is asked as long as one of them is not reached."""
    source = entry("ign_isochrones")
    out = np.where((places == here).all(axis=1), 0.0, np.nan)
    for step in steps:
        left = np.isnan(out)
        if not left.any():
            break
        check = partial(_area, step=step, source=source)
        area = check(fetch_json(door, source, _question(here, step, profile), check=check))
        out[left & shapely.intersects_xy(area, places)] = step
    return out


def _question(here: NDArray[np.float64], step: float, profile: str) -> Ask:
    lon, lat = here
    params = {
        "point": f"{lon:.5f},{lat:.5f}",
        "resource": RESOURCE,
        "costType": "time",
        "costValue": f"{60 * step:.0f}",
        "timeUnit": "second",
        "profile": profile,
        "direction": "departure",
        "crs": "EPSG:4326",
        "geometryFormat": "geojson",
    }
    return Ask(params=tuple(params.items()))


def _area(body: object, *, step: float, source: Entry) -> Geometry:
    """Read the area of an isochrone, of the duration and in the CRS that were asked."""
    if not isinstance(body, dict) or not isinstance(body.get("geometry"), dict):
        raise changed(source, "an isochrone with a geometry", body)
    if body.get("costType", "time") != "time" or not _same(body.get("costValue"), 60 * step):
        raise changed(source, f"an isochrone of {60 * step:.0f} seconds", (body.get("costType"), body.get("costValue")))
    if not _same(body.get("timeUnit", "second"), "second") or body.get("crs", "EPSG:4326") != "EPSG:4326":
        raise changed(source, "seconds, in EPSG:4326", (body.get("timeUnit"), body.get("crs")))
    try:
        area = shapely.geometry.shape(body["geometry"])
    except (shapely.errors.ShapelyError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise changed(source, "a GeoJSON geometry", body["geometry"]) from error
    if area.geom_type not in {"Polygon", "MultiPolygon"}:
        raise changed(source, "a Polygon or a MultiPolygon", area.geom_type)
    return shapely.make_valid(area)


def _same(came: object, asked: float | str) -> bool:
    try:
        return came == asked or float(str(came)) == asked
    except ValueError:
        return False
