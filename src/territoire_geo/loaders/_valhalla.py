"""Valhalla: minutes from its matrix service (sources_to_targets)."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from territoire_geo.loaders._blocks import Block, Pairs, Points, pair_up
from territoire_geo.loaders._calls import Ask
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._matrix import Engine, ask_engine, changed, table

if TYPE_CHECKING:
    import pandas as pd

COSTINGS: Final[Mapping[str, str]] = {"car": "auto", "bike": "bicycle", "walk": "pedestrian"}
SIDE: Final = 25  # public servers take small matrices


def minutes(
    door: Door,
    origins: gpd.GeoSeries,
    destinations: gpd.GeoSeries,
    *,
    mode: str = "car",
    within_km: float | None = None,
) -> "pd.Series[float]":
    """
    Ask a Valhalla server for the minutes between points, without traffic [minutes].

    Parameters
    ----------
    door
        The network; its bases may name your own server, service "valhalla".
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
        If the server cannot be asked.
    SourceFormatError
        If it answers something else than durations.
    """
    engine = Engine(entry("valhalla"), SIDE, partial(_question, COSTINGS[mode]), _read)
    return ask_engine(door, engine, pair_up(origins, destinations, within_km))


def _question(costing: str, pairs: Pairs, block: Block) -> Ask:
    question = {
        "sources": _places(pairs.origins, block.origins),
        "targets": _places(pairs.destinations, block.destinations),
        "costing": costing,
        "units": "kilometers",
        "verbose": False,
    }
    return Ask(json=question)


def _places(points: Points, chosen: NDArray[np.intp]) -> list[dict[str, float]]:
    return [{"lat": float(lat), "lon": float(lon)} for lon, lat in points.lonlat[chosen]]


def _read(body: object, block: Block, source: Entry) -> NDArray[np.float64]:
    """Read the concise answer, or the verbose one that older servers give whatever is asked."""
    if not isinstance(body, dict) or "sources_to_targets" not in body:
        raise changed(source, "sources_to_targets", body)
    found = body["sources_to_targets"]
    if isinstance(found, dict):
        return table(found.get("durations"), block, source)
    if not isinstance(found, list) or not all(isinstance(row, list) for row in found):
        raise changed(source, "rows of pairs", found)
    cells = [cell for row in found for cell in row]
    if not all(isinstance(cell, dict) and "time" in cell for cell in cells):
        raise changed(source, "pairs with a time", cells[:1])
    _check_order(found, source)
    return table([[cell["time"] for cell in row] for row in found], block, source)


def _check_order(rows: list[list[dict[str, object]]], source: Entry) -> None:
    """Refuse pairs that are not in the order of the question."""
    for start, row in enumerate(rows):
        for end, cell in enumerate(row):
            if (cell.get("from_index", start), cell.get("to_index", end)) != (start, end):
                raise changed(source, f"the pair {start}, {end}", cell)
