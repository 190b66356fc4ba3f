"""Neighbours: which places touch which, from polygons or from lists, as a sparse graph of ids."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from territoire_geo.errors import TableError
from territoire_geo.pairs import check_ids, first_three

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Neighbours", "as_neighbours", "contiguity", "from_lists"]

_SURFACES: Final = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, eq=False)
class Neighbours:
    """
    Who neighbours whom: a directed graph of ids, without weights.

    `ids` are sorted and unique. `start` and `end` are positions in `ids`, one pair by link, sorted by (start, end): the
    neighbours of a place are the ends of the pairs it starts. A link may hold one way only. The constructor raises
    TableError unless all of this is true; `contiguity` and `from_lists` see to it.
    """

    ids: pd.Index[Any]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    def __post_init__(self) -> None:
        check_ids(self.ids, "Neighbours.ids")
        if not self.ids.is_monotonic_increasing:
            raise TableError("Neighbours.ids: not sorted. Use contiguity or from_lists, which sort them.")
        if self.start.shape != self.end.shape or self.start.ndim != 1:
            raise TableError(
                f"Neighbours: {self.start.shape} starts for {self.end.shape} ends. Give one of each by link."
            )
        for name, side in (("start", self.start), ("end", self.end)):
            if len(side) and not 0 <= side.min() <= side.max() < len(self.ids):
                raise TableError(
                    f"Neighbours.{name}: positions out of 0 to {len(self.ids) - 1}. Give positions in ids."
                )
        own = self.start == self.end
        if own.any():
            raise TableError(f"Neighbours: {first_three(self.ids[self.start[own]])} neighbour themselves: drop these.")
        key = self.start * len(self.ids) + self.end
        if not (np.diff(key) > 0).all():
            raise TableError("Neighbours: links are not sorted by (start, end), or come twice. Use from_lists.")

    @property
    def counts(self) -> pd.Series[int]:
        """Number of neighbours by id."""
        return pd.Series(np.bincount(self.start, minlength=len(self.ids)), index=self.ids, name="neighbours")

    def of(self, one: object) -> pd.Index[Any]:
        """
        List the neighbours of a place.

        Parameters
        ----------
        one
            Its id.

        Returns
        -------
        of
            Their ids, sorted, empty for an isolated place.

        Raises
        ------
        TableError
            If the id is unknown.
        """
        place = _positions(self.ids, pd.Index([one]))[0]
        first, last = np.searchsorted(self.start, [place, place + 1])
        return self.ids[self.end[first:last]]

    def restricted(self, ids: pd.Index[Any]) -> Neighbours:
        """
        Keep some places and the links between them; the others, and the links to them, are dropped.

        Parameters
        ----------
        ids
            Ids to keep, each once, in any order.

        Returns
        -------
        restricted
            The graph of these ids, sorted.

        Raises
        ------
        TableError
            If an id is unknown, missing or duplicated.
        """
        check_ids(ids, "ids")
        kept = np.sort(_positions(self.ids, ids))
        if len(kept) == len(self.ids):
            return self
        place = np.full(len(self.ids), -1, dtype=np.int64)
        place[kept] = np.arange(len(kept))
        start, end = place[self.start], place[self.end]
        inside = (start >= 0) & (end >= 0)
        return Neighbours(self.ids[kept], start[inside], end[inside])

    def labels(self, ids: pd.Index[Any] | None = None) -> pd.Series[int]:
        """
        Group the places that neighbours join together, directly or through one another.

        Parameters
        ----------
        ids
            The places to group, joined through each other only; None for all. A link joins whichever way it goes.

        Returns
        -------
        labels
            Number of the group by id, in the order given, from 0 in the order of the smallest id of each group.

        Raises
        ------
        TableError
            If an id is unknown, missing or duplicated.

        Examples
        --------
        >>> line = from_lists({"A": ["B"], "B": ["A", "C"], "C": ["B", "D"], "D": ["C"]})
        >>> line.labels(pd.Index(["D", "A", "B"])).to_dict()
        {'D': 1, 'A': 0, 'B': 0}
        """
        part = self if ids is None else self.restricted(ids)
        size = (len(part.ids), len(part.ids))
        links = coo_array((np.ones(len(part.start), dtype=np.int8), (part.start, part.end)), shape=size)
        _, group = connected_components(links.tocsr(), directed=False)
        number, _ = pd.factorize(group)  # in the order of the ids, whatever scipy's
        found = pd.Series(number, index=part.ids, name="group")
        return found if ids is None else found.reindex(ids)


def contiguity(polygons: gpd.GeoSeries, *, tolerance: float = 0.0) -> Neighbours:
    """
    Find which polygons touch: queen contiguity.

    Two places are neighbours when their polygons share at least a point: a stretch of border, a single corner, or a
    surface when they overlap or one holds the other. Vertices need not match: a corner on the middle of a side counts.

    Parameters
    ----------
    polygons
        Polygons or multipolygons by id, in any one CRS.
    tolerance
        Widest gap still taken for a contact [units of the CRS]: 0 for polygons cut from one coverage, such as the
        embedded communes; a little for polygons drawn, simplified or projected apart, whose borders leave slits.

    Returns
    -------
    contiguity
        The graph, both ways of each contact. An empty or missing polygon neighbours nobody.

    Raises
    ------
    TableError
        If ids are missing or duplicated, a geometry is not a polygon or has infinite coordinates.
    ValueError
        If the tolerance is negative, unknown or infinite.

    Examples
    --------
    >>> squares = gpd.GeoSeries(shapely.box([0, 1, 5], [0, 1, 5], [1, 2, 6], [1, 2, 6]), index=["A", "B", "C"])
    >>> contiguity(squares).of("A").tolist(), contiguity(squares).of("C").tolist()
    (['B'], [])
    """
    if not 0 <= tolerance < math.inf:
        raise ValueError(f"tolerance = {tolerance!r}: give 0 or a positive number, in the units of the CRS.")
    check_ids(polygons.index, "polygons")
    ordered = gpd.GeoSeries(polygons.iloc[_sorted_order(polygons.index, "polygons")])
    shapes = ordered.to_numpy()
    drawn = np.asarray(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    _check_surfaces(gpd.GeoSeries(ordered[drawn]))
    tree = shapely.STRtree(shapes)  # leaves out the missing and the empty
    # A spatial tree takes polygons that are not noded alike, which a search of shared vertices would miss.
    if tolerance:
        start, end = tree.query(shapes, predicate="dwithin", distance=tolerance)
    else:
        start, end = tree.query(shapes, predicate="intersects")
    other = start != end  # every surface touches itself
    return _graph(ordered.index, np.sort(start[other].astype(np.int64) * len(ordered) + end[other]))


def _check_surfaces(polygons: gpd.GeoSeries) -> None:
    other = (~polygons.geom_type.isin(_SURFACES)).to_numpy()
    if other.any():
        some = first_three(polygons.index[other])
        raise TableError(f"polygons: not polygons for {some}. Contiguity is told of surfaces: give their polygons.")
    xy, row = shapely.get_coordinates(polygons.to_numpy(), return_index=True)
    endless = np.unique(row[~np.isfinite(xy).all(axis=1)])
    if len(endless):
        some = first_three(polygons.index[endless])
        raise TableError(f"polygons: infinite coordinates for {some}. Check the to_crs before this.")


def from_lists(lists: Mapping[Any, Iterable[Any]]) -> Neighbours:
    """
    Read neighbours from lists: any relation, such as a bridge, a ferry, a bus line or the k nearest places.

    Parameters
    ----------
    lists
        The neighbours of each id, each once, in any order; an empty list for an isolated place. The lists are taken as
        they are given: if A lists B and B does not list A, the link goes from A to B only.

    Returns
    -------
    from_lists
        The graph.

    Raises
    ------
    TableError
        If a list names an id that has no list, its own id, or an id twice; a message names the first three.

    Examples
    --------
    >>> from_lists({"B": ["A"], "A": ["B"], "C": []}).counts.to_dict()
    {'A': 1, 'B': 1, 'C': 0}
    """
    given = {one: [named] if isinstance(named, str) else list(named) for one, named in lists.items()}  # "AB" is one id
    keys = pd.Index(list(given))
    check_ids(keys, "lists")
    ids = keys[_sorted_order(keys, "lists")]
    sizes = np.fromiter(map(len, given.values()), dtype=np.intp, count=len(given))
    start = np.repeat(ids.get_indexer(keys), sizes)
    named = pd.Index(list(chain.from_iterable(given.values())), dtype=None if len(start) else ids.dtype)
    end = ids.get_indexer(named)
    if (end < 0).any():
        some = first_three(named[end < 0].unique())
        raise TableError(f"lists: {some} are named as neighbours and have no list. Add theirs, empty if need be.")
    own = start == end
    if own.any():
        raise TableError(
            f"lists: {first_three(ids[start[own]].unique())} list themselves. Drop them from their own list."
        )
    key = np.sort(start.astype(np.int64) * len(ids) + end)
    twice = key[1:][np.diff(key) == 0]
    if len(twice):
        some = first_three(ids[twice // len(ids)].unique())
        raise TableError(f"lists: {some} list a neighbour twice. Name each neighbour once.")
    return _graph(ids, key)


def as_neighbours(neighbours: Neighbours | Mapping[Any, Iterable[Any]] | gpd.GeoSeries) -> Neighbours:
    """
    Read neighbours from whatever tells them.

    Parameters
    ----------
    neighbours
        A graph, lists of neighbours by id (`from_lists`), or polygons by id (`contiguity`).

    Returns
    -------
    as_neighbours
        The graph.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if isinstance(neighbours, Neighbours):
        return neighbours
    if isinstance(neighbours, gpd.GeoSeries):
        return contiguity(neighbours)
    if isinstance(neighbours, Mapping):
        return from_lists(neighbours)
    what = type(neighbours).__name__
    raise TypeError(
        f"neighbours: a {what}. Give a mapping of id to list of ids, a GeoSeries of polygons, or Neighbours."
    )


def _graph(ids: pd.Index[Any], key: NDArray[np.int64]) -> Neighbours:
    """Build a graph from its links, start × number of ids + end, sorted."""
    start, end = np.divmod(key, max(len(ids), 1))
    return Neighbours(ids, start, end)


def _sorted_order(ids: pd.Index[Any], name: str) -> NDArray[np.intp]:
    try:
        return np.asarray(ids.argsort())
    except TypeError as error:
        raise TableError(
            f"{name}: ids of several types, which have no order. Give them one type, such as str."
        ) from error


def _positions(known: pd.Index[Any], ids: pd.Index[Any]) -> NDArray[np.intp]:
    place = known.get_indexer(ids)
    if (place < 0).any():
        raise TableError(f"neighbours: {first_three(ids[place < 0])} are unknown: give their polygon or their list.")
    return np.asarray(place)
