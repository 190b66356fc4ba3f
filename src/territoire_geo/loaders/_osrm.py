"""OSRM: minutes from its table service. A server knows one network: by car, by bicycle or on foot."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from territoire_geo.errors import SourceError, SourceFormatError
from territoire_geo.loaders._blocks import Block, Pairs, pair_up
from territoire_geo.loaders._calls import Ask
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._matrix import Engine, ask_engine, changed, table

if TYPE_CHECKING:
    import pandas as pd

SOURCES: Final[Mapping[str, str]] = {"car": "osrm", "bike": "osrm_bike", "walk": "osrm_walk"}
PATH: Final = "table/v1/driving"  # a server knows one network, whatever the name of the profile
SIDE: Final = 50  # 100 coordinates in one address: what public servers accept, and 2 kB
NO_ROAD: Final = re.compile(r"matching segment for coordinate (\d+)")


def minutes(
    door: Door,
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries,
    *,
    mode: str = "car",
    within_km: float | None = None,
) -> "pd.Series[float]":
    """
    Ask an OSRM server for the minutes between points, without traffic [minutes].

    Parameters
    ----------
    door
        The network; its bases may name your own server, service "osrm", "osrm_bike" or "osrm_walk".
    origins, destinations
        Points in any CRS, indexed by id.
    mode
        "car", "bike" or "walk".
    within_km
        Longest straight line that is asked [km], None for every pair.

    Returns
    -------
    minutes
        Indexed by (origin, destination), sorted and unique; NaN when there is no way.

    Raises
    ------
    SourceError
        If the server cannot be asked, or a point has no road of its network: the message names it.
    SourceFormatError
        If it answers something else than durations.
    """
    engine = Engine(entry(SOURCES[mode]), SIDE, _question, _read, _blame)
    return ask_engine(door, engine, pair_up(origins, destinations, within_km))


def _question(pairs: Pairs, block: Block) -> Ask:
    lonlat = np.vstack([pairs.origins.lonlat[block.origins], pairs.destinations.lonlat[block.destinations]])
    numbers = [str(number) for number in range(len(lonlat))]
    params = (
        ("sources", ";".join(numbers[: len(block.origins)])),
        ("destinations", ";".join(numbers[len(block.origins) :])),
        ("annotations", "duration"),
    )
    return Ask(path=f"{PATH}/" + ";".join(f"{lon:.5f},{lat:.5f}" for lon, lat in lonlat), params=params)


def _read(body: object, block: Block, source: Entry) -> NDArray[np.float64]:
    if not isinstance(body, dict) or body.get("code") != "Ok":
        raise changed(source, 'a table with the code "Ok"', body)
    return table(body.get("durations"), block, source)


def _blame(error: SourceError, pairs: Pairs, block: Block) -> SourceError:
    """Name the point that the server has no road for; other errors say enough."""
    found = NO_ROAD.search(str(error))
    coordinates = [*pairs.origins.ids[block.origins], *pairs.destinations.ids[block.destinations]]
    if found is None or int(found.group(1)) >= len(coordinates):
        return error
    name = coordinates[int(found.group(1))]
    return SourceFormatError(
        f"OSRM: its network has no road for the point {name!r}, so that no trip from or to it is known. Leave this "
        "point out, or use a server whose network covers it."
    )
