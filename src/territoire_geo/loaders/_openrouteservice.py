"""openrouteservice: minutes from its matrix service, with a personal key."""

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from territoire_geo.errors import SourceUnavailableError
from territoire_geo.loaders._blocks import Block, Pairs, pair_up
from territoire_geo.loaders._calls import Ask, prepare
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._matrix import Engine, ask_engine, changed, table

if TYPE_CHECKING:
    import pandas as pd

PROFILES: Final[Mapping[str, str]] = {"car": "driving-car", "bike": "cycling-regular", "walk": "foot-walking"}
SIDE: Final = 59  # 3,481 pairs: one request takes 3,500
KEY: Final = "TERRITOIRE_GEO_ORS_KEY"


def minutes(  # noqa: PLR0913 - the key comes besides what every engine is asked
    door: Door,
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries,
    *,
    mode: str = "car",
    within_km: float | None = None,
    key: str | None = None,
) -> "pd.Series[float]":
    """
    Ask openrouteservice for the minutes between points, without traffic [minutes].

    Parameters
    ----------
    door
        The network; its bases may name your own server, service "openrouteservice", that asks for no key.
    origins, destinations
        Points in any CRS, indexed by id.
    mode
        "car", "bike" or "walk".
    within_km
        Longest straight line that is asked [km], None for every pair.
    key
        Personal key, read in the variable TERRITOIRE_GEO_ORS_KEY when None. It is neither logged nor kept.

    Returns
    -------
    minutes
        Indexed by (origin, destination), sorted and unique; NaN when there is no way.

    Raises
    ------
    SourceUnavailableError
        If there is no key.
    SourceError
        If the server cannot be asked, or refuses the key.
    SourceFormatError
        If it answers something else than durations.
    """
    source = entry("openrouteservice")
    question = partial(_question, f"{source.path}/{PROFILES[mode]}", _credentials(door, source, key))
    return ask_engine(door, Engine(source, SIDE, question, _read), pair_up(origins, destinations, within_km))


def _question(path: str, headers: tuple[tuple[str, str], ...], pairs: Pairs, block: Block) -> Ask:
    lonlat = np.vstack([pairs.origins.lonlat[block.origins], pairs.destinations.lonlat[block.destinations]])
    question = {
        "locations": lonlat.tolist(),
        "sources": list(range(len(block.origins))),
        "destinations": list(range(len(block.origins), len(lonlat))),
        "metrics": ["duration"],
    }
    return Ask(path=path, json=question, headers=headers)


def _credentials(door: Door, source: Entry, key: str | None) -> tuple[tuple[str, str], ...]:
    secret = (key or os.environ.get(KEY, "")).strip()
    if secret:
        return (("Authorization", secret),)
    if door.offline or prepare(source, Ask(), door.bases).base != source.service.base_url.rstrip("/"):
        return ()
    message = (
        f"{source.title} ({source.id}): no key. Ask for one at {source.landing_page}, and put it in the variable {KEY}."
    )
    raise SourceUnavailableError(message)


def _read(body: object, block: Block, source: Entry) -> NDArray[np.float64]:
    if not isinstance(body, dict) or "durations" not in body:
        raise changed(source, "durations", body)
    return table(body["durations"], block, source)
