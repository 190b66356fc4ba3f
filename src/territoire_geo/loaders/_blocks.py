"""Origins and destinations of a question, and the requests that it is cut into."""

import math
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from territoire_geo.cog import check_unique, quote
from territoire_geo.errors import CrsError, TableError

EARTH: Final = 6371.0088  # km, mean radius
DECIMALS: Final = 5  # of degrees, one metre: the same question is then written in the same way


@dataclass(frozen=True)
class Points:
    """Points sorted by id: longitude and latitude [degrees], and the same on a sphere [km], for distances."""

    ids: pd.Index
    lonlat: NDArray[np.float64]
    xyz: NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """What is asked: every origin to every destination not farther than `within_km`, as the crow flies."""

    origins: Points
    destinations: Points
    within_km: float

    @property
    def chord(self) -> float:
        """The limit as a straight line through the Earth [km]."""
        return 2 * EARTH * math.sin(min(self.within_km / (2 * EARTH), math.pi / 2)) * (1 + 1e-9)


@dataclass(frozen=True)
class Block:
    """One request: positions of origins and of destinations."""

    origins: NDArray[np.intp]
    destinations: NDArray[np.intp]

    @property
    def size(self) -> int:
        """Number of pairs."""
        return len(self.origins) * len(self.destinations)

    def halves(self) -> "tuple[Block, Block]":
        """Cut the longer side in two."""
        if len(self.origins) >= len(self.destinations):
            first, last = np.array_split(self.origins, 2)
            return Block(first, self.destinations), Block(last, self.destinations)
        first, last = np.array_split(self.destinations, 2)
        return Block(self.origins, first), Block(self.origins, last)


def pair_up(origins: gpd.GeoSeries, destinations: gpd.GeoSeries, within_km: float | None) -> Pairs:
    """
    Prepare origins and destinations.

    Parameters
    ----------
    origins, destinations
        Points in any CRS, indexed by id.
    within_km
        Longest straight line that is asked [km], None for every pair.

    Returns
    -------
    pair_up
        The pairs.

    Raises
    ------
    CrsError
        If a CRS is missing.
    TableError
        If a point is missing or is not a point, or an id stands twice.
    ValueError
        If `within_km` is not a distance.
    """
    limit = math.inf if within_km is None else float(within_km)
    if not limit >= 0:
        raise ValueError(f"within_km: {within_km} is not a distance. Give kilometres.")
    return Pairs(_points(origins, "origins"), _points(destinations, "destinations"), limit)


def _points(places: gpd.GeoSeries, name: str) -> Points:
    if places.crs is None:
        raise CrsError(f"{name}: the points have no CRS. Set it, for instance EPSG:4326 for longitude and latitude.")
    check_unique(places.index, where=name)
    wrong = places.index[(places.geom_type != "Point").to_numpy() | places.is_empty.to_numpy()]
    if len(wrong):
        raise TableError(f"{name}: {quote(wrong)} is no point. Give a point, such as the town hall, or leave it out.")
    ordered = gpd.GeoSeries(places.sort_index()).to_crs(4326)
    lonlat = np.column_stack([ordered.x, ordered.y]).round(DECIMALS)
    if not np.isfinite(lonlat).all():
        raise TableError(f"{name}: a point has no longitude and latitude. Check its CRS.")
    lon, lat = np.radians(lonlat.T)
    xyz = EARTH * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return Points(ordered.index.astype("str"), lonlat, xyz)


def near(pairs: Pairs) -> list[NDArray[np.intp]]:
    """
    Find the destinations of each origin.

    Parameters
    ----------
    pairs
        What is asked.

    Returns
    -------
    near
        Sorted positions of destinations, by position of origin.
    """
    if not len(pairs.origins.ids) or not len(pairs.destinations.ids):
        return [np.array([], dtype=np.intp) for _ in pairs.origins.ids]
    found = cKDTree(pairs.destinations.xyz).query_ball_point(pairs.origins.xyz, pairs.chord, return_sorted=True)
    return [np.array(one, dtype=np.intp) for one in found]


def blocks(pairs: Pairs, side: int) -> list[Block]:
    """
    Cut pairs into requests of neighbouring points, so that few pairs are asked for nothing.

    Parameters
    ----------
    pairs
        What is asked.
    side
        Origins, and destinations, of one request at most.

    Returns
    -------
    blocks
        Every pair in one block exactly; a block may hold pairs beyond the distance too.
    """
    reached = near(pairs)
    rank = np.empty(len(pairs.destinations.ids), dtype=np.intp)
    rank[_along(pairs.destinations)] = np.arange(len(rank))
    out = []
    for start in range(0, len(reached), side):
        group = _along(pairs.origins)[start : start + side]
        ends = np.unique(np.concatenate([reached[origin] for origin in group]))
        ends = ends[np.argsort(rank[ends])]
        out += [Block(group, ends[first : first + side]) for first in range(0, len(ends), side)]
    return out


def _along(points: Points) -> NDArray[np.intp]:
    """Order points along a curve that keeps neighbours together."""
    if len(points.ids) < 2 or not np.ptp(points.lonlat, axis=0).all():  # noqa: PLR2004 - a line or a point has no area
        return np.lexsort(points.lonlat.T)
    places = gpd.GeoSeries(gpd.points_from_xy(*points.lonlat.T))
    return np.argsort(places.hilbert_distance().to_numpy(), kind="stable")


def km_of(pairs: Pairs, block: Block) -> NDArray[np.float64]:
    """
    Measure the straight lines of a block [km].

    Parameters
    ----------
    pairs
        What is asked.
    block
        One request.

    Returns
    -------
    km_of
        One row by origin.
    """
    lines = pairs.origins.xyz[block.origins][:, None] - pairs.destinations.xyz[block.destinations][None]
    km: NDArray[np.float64] = np.sqrt((lines**2).sum(axis=2))
    return km
