"""Shared arcs: each boundary between two communes written once, on a whole grid, in few bytes."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import NDArray

from territoire_geo.errors import CrsError, TerritoireGeoError

MOST: Final = 65_534  # faces: the page numbers them on 16 bits, and keeps a number for what is outside
ZOOM: Final = 14  # a pixel is 6 to 7 m on the mainland
WIDE_ZOOM: Final = 13  # 12 to 14 m: no vertex moves by more than 10 m
WIDE: Final = 5_000  # faces from which the coarser grid is taken
_TILE: Final = 256
_HALF_TURN: Final = 20037508.342789244  # metres of EPSG:3857 from Greenwich to the antimeridian
_EIGHT: Final = 8
_BYTE: Final = 255
_FAR: Final = 128  # what a signed byte does not hold
_SEVEN: Final = 7  # bits in a byte of a varint; the eighth says that more follow

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Arcs:
    """
    Boundaries of a coverage, each between the face on its left and the face on its right.

    `head` holds numbers: `zoom` of the grid, `faces`, `arcs` and `points` (segments of all arcs). `streams` holds
    varints where nothing else is said, zigzag where a sign is needed: `count` (segments of each arc), `left` (face plus
    one, 0 outside; less that of the arc before), `right` and `right_high` (the two bytes of the face on the right less
    `left`, on 16 bits), `first_x` and `first_y` (start of each arc, from where the ring goes on once the arcs already
    read are passed: see `_follow`), `departement` (a small number by face, from 1). `x` and `y` are the segments less
    half the one before in the arc, rounded down, each in a signed byte; -128 stands for the next number of `x_far` or
    `y_far`.
    """

    head: Mapping[str, int]
    streams: Mapping[str, bytes]


def encode_arcs(polygons: gpd.GeoSeries, departements: pd.Series, *, zoom: int | None = None) -> Arcs:
    """
    Encode a coverage as shared arcs on the pixels of a Web-Mercator zoom.

    Vertices are snapped to the grid; what snapping flattens is dropped, with no hole between neighbours. Points in the
    middle of a straight line of the grid are dropped too.

    Parameters
    ----------
    polygons
        Polygons that share their edges, in the order of the page, with a CRS; None or empty where a commune has none.
    departements
        Département of each, same index.
    zoom
        Zoom of the grid; None takes 14, or 13 from 5,000 faces (no vertex moves by more than 10 m on the mainland).

    Returns
    -------
    encode_arcs
        The same bytes for the same polygons.

    Raises
    ------
    TerritoireGeoError
        If there are more than 65,534 polygons.
    CrsError
        If the polygons have no CRS.
    """
    if len(polygons) > MOST:
        message = (
            f"A map draws at most {MOST:,} communes, and the territory has {len(polygons):,} with its buffer. "
            "Draw it in several maps, or give a smaller buffer_km."
        )
        raise TerritoireGeoError(message)
    if polygons.crs is None:
        raise CrsError("encode_arcs: the polygons have no CRS. Set it, for instance EPSG:2154 for Lambert-93.")
    if zoom is None:
        zoom = ZOOM if len(polygons) < WIDE else WIDE_ZOOM
    sides = _own(_sides(polygons, zoom))
    starts, sides = _chain(sides)
    lengths, steps = _straighten(starts, sides)
    order, jumps = _follow(starts, sides)
    left, right = sides.face[starts[order]] + 1, sides.other[starts[order]] + 1
    steps = steps[_ranges(np.cumsum(lengths)[order] - lengths[order], lengths[order])]
    numbers = pd.factorize(departements.reindex(polygons.index), sort=True)[0]
    return Arcs(
        head={"zoom": zoom, "faces": len(polygons), "arcs": len(starts), "points": len(steps)},
        streams={
            "count": varints(lengths[order]),
            "left": varints(zigzag(np.diff(left, prepend=0))),
            "right": ((right - left) & _BYTE).astype(np.uint8).tobytes(),
            "right_high": ((right - left) >> _EIGHT & _BYTE).astype(np.uint8).tobytes(),
            "first_x": varints(zigzag(jumps[:, 0])),
            "first_y": varints(zigzag(jumps[:, 1])),
            **_signed("x", _turns(steps[:, 0], lengths[order])),
            **_signed("y", _turns(steps[:, 1], lengths[order])),
            "departement": varints(numbers + 1),
        },
    )


@dataclass(frozen=True)
class _Sides:
    """Segments seen from a face that lies on their left: where they go, in which ring, what is on the other side."""

    start: Ints
    end: Ints
    face: Ints
    ring: Ints
    other: Ints
    node: Flags  # whether the start is where more or less than two segments meet

    def take(self, rows: Ints | Flags) -> "_Sides":
        return _Sides(
            self.start[rows], self.end[rows], self.face[rows], self.ring[rows], self.other[rows], self.node[rows]
        )


def _sides(polygons: gpd.GeoSeries, zoom: int) -> _Sides:
    given = np.asarray(polygons, dtype=object)
    held = np.flatnonzero(~shapely.is_missing(given) & ~shapely.is_empty(given))
    shapes = shapely.orient_polygons(given[held])
    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    start = _snap(points, polygons.crs, zoom)
    last = np.append(np.diff(ring) != 0, True) if len(ring) else np.zeros(0, dtype=bool)
    end = np.roll(start, -1, axis=0)  # rings are closed: the last point has no segment
    kept = ~last & (start != end).any(axis=1)
    start, end, ring = start[kept], end[kept], ring[kept].astype(np.int64)
    face = held[shape_of[part_of[ring]]].astype(np.int64)
    return _Sides(start, end, face, ring, np.full(len(face), -1), np.zeros(len(face), dtype=bool))


def _snap(points: NDArray[np.float64], crs: pyproj.CRS | None, zoom: int) -> Ints:
    x, y = pyproj.Transformer.from_crs(crs, 3857, always_xy=True).transform(points[:, 0], points[:, 1])
    pixels = _TILE * 2**zoom / (2 * _HALF_TURN)
    # y goes down on a screen
    grid: Ints = np.rint(np.column_stack([x + _HALF_TURN, _HALF_TURN - y]) * pixels).astype(np.int64)
    return grid


def _own(sides: _Sides) -> _Sides:
    """Keep one side of each segment, that of the first of its two faces, and fill `other` and `node`."""
    size = np.int64(sides.start.max(initial=0) + 1)
    one, two = sides.start @ np.array([size, 1]), sides.end @ np.array([size, 1])
    ends, names = np.unique(np.concatenate([one, two]), return_inverse=True)
    one, two = np.split(names.astype(np.int64), 2)
    forward = one < two
    _, segment = np.unique(np.minimum(one, two) * len(ends) + np.maximum(one, two), return_inverse=True)
    # A face on both sides of a segment was flattened by the grid: there it is on none.
    _, first, pair = np.unique(segment * np.int64(MOST) + sides.face, return_index=True, return_inverse=True)
    net = np.bincount(pair, weights=np.where(forward, 1, -1), minlength=len(first))
    order = np.argsort(pair, kind="stable")
    agreed = order[np.where(forward, 1, -1)[order] == np.sign(net)[pair[order]]]
    kept = agreed[np.unique(pair[agreed], return_index=True)[1]]
    # In a clean coverage one face is left on each side; in another, the first one.
    kept = kept[np.unique(2 * segment[kept] + forward[kept], return_index=True)[1]]
    facing = np.full((segment.max(initial=-1) + 1, 2), -1)
    facing[segment[kept], forward[kept].astype(int)] = sides.face[kept]
    other = facing[segment, 1 - forward.astype(int)]
    owned = np.zeros(len(one), dtype=bool)
    owned[kept] = (other[kept] < 0) | (sides.face[kept] < other[kept])
    degree = np.bincount(np.concatenate([one[owned], two[owned]]), minlength=len(ends))
    filled = _Sides(sides.start, sides.end, sides.face, sides.ring, other, degree[one] != 2)  # noqa: PLR2004 - a line goes on
    return filled.take(owned)


def _chain(sides: _Sides) -> tuple[Ints, _Sides]:
    """Find where arcs start, once each ring is turned to start where an arc does."""
    rows = np.arange(len(sides.face))
    opens = np.append(True, np.diff(sides.ring) != 0)[: len(rows)]
    start = np.flatnonzero(opens)
    length = np.diff(np.append(start, len(rows)))
    begin, size = np.repeat(start, length), np.repeat(length, length)
    before = np.where(opens, rows + size - 1, rows - 1)
    cut = sides.node | (sides.other != sides.other[before]) | (sides.end[before] != sides.start).any(axis=1)
    found = np.minimum.reduceat(np.where(cut, rows, len(rows)), start) if len(start) else start
    shift = np.where(found < len(rows), found - start, 0)
    cut[start[found == len(rows)]] = True  # an island: its arc starts anywhere
    turned = begin + (rows - begin + np.repeat(shift, length)) % size
    return np.flatnonzero(cut[turned]), sides.take(turned)


def _follow(starts: Ints, sides: _Sides) -> tuple[Ints, Ints]:
    """
    Order the arcs of each ring, and say how far each one starts from where the page expects it.

    Around a face, the arcs shared with earlier faces are already read: passing them leads from the end of an arc to the
    start of the next one, mostly exactly. The first arc of a face is expected where those last read lead.
    """
    ends = np.append(starts[1:], len(sides.face))[: len(starts)] - 1
    face, other, ring = (values[starts].tolist() for values in (sides.face, sides.other, sides.ring))
    froms = list(map(tuple, sides.start[starts].tolist()))
    tos = list(map(tuple, sides.end[ends].tolist()))
    bounds = [*np.flatnonzero(np.diff(ring, prepend=-1)).tolist(), len(starts)]
    known: dict[int, list[int]] = {}
    order: list[int] = []
    jumps: list[tuple[int, int]] = []
    here, last = (0, 0), -1
    for begin, end in itertools.pairwise(bounds):
        arcs = list(range(begin, end))
        read = known.get(face[begin], [])
        here = _pass(froms[read[-1]] if read and last != face[begin] else here, read, froms, tos)
        turn = next((rank for rank, arc in enumerate(arcs) if froms[arc] == here), 0)
        for rank, arc in enumerate(arcs[turn:] + arcs[:turn]):
            here = _pass(here, read, froms, tos) if rank else here
            jumps.append((froms[arc][0] - here[0], froms[arc][1] - here[1]))
            known.setdefault(other[arc], []).append(arc)
            here, last = tos[arc], face[arc]
        order += arcs[turn:] + arcs[:turn]
    return np.array(order, dtype=np.int64), np.array(jumps, dtype=np.int64).reshape(-1, 2)


def _pass(
    here: tuple[int, int], read: list[int], froms: list[tuple[int, int]], tos: list[tuple[int, int]]
) -> tuple[int, int]:
    for _ in read:
        back = next((arc for arc in reversed(read) if tos[arc] == here), None)
        if back is None:
            break
        here = froms[back]
    return here


def _ranges(starts: Ints, lengths: Ints) -> Ints:
    """Chain the whole numbers of several ranges."""
    return np.arange(lengths.sum()) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)


def _straighten(starts: Ints, sides: _Sides) -> tuple[Ints, Ints]:
    """Give the segments of every arc, those in a same line joined, and how many each arc has."""
    steps = sides.end - sides.start
    before = np.roll(steps, 1, axis=0)
    bends = (steps[:, 0] * before[:, 1] != steps[:, 1] * before[:, 0]) | ((steps * before).sum(axis=1) < 0)
    bends[starts] = True
    corners = np.flatnonzero(bends)
    lengths = np.diff(np.append(np.searchsorted(corners, starts), len(corners)))
    return lengths, np.add.reduceat(steps, corners, axis=0) if len(corners) else steps


def _turns(steps: Ints, lengths: Ints) -> Ints:
    """Take from each step half the one before in its arc: boundaries rather go on than turn back."""
    before = np.roll(steps, 1)
    before[np.cumsum(lengths) - lengths] = 0
    return steps - (before >> 1)


def _signed(name: str, values: Ints) -> dict[str, bytes]:
    far = np.abs(values) >= _FAR
    near = np.where(far, -_FAR, values).astype(np.int8)
    return {name: near.tobytes(), f"{name}_far": varints(zigzag(values[far]))}


def zigzag(values: Ints) -> Ints:
    """
    Turn whole numbers into natural ones, small when they are near 0.

    Parameters
    ----------
    values
        Whole numbers.

    Returns
    -------
    zigzag
        0, 1, 2, 3, 4 for 0, -1, 1, -2, 2.
    """
    return np.where(values < 0, -2 * values - 1, 2 * values)


def varints(values: Ints) -> bytes:
    """
    Write natural numbers in as few bytes as they need, seven bits at a time, the lowest first.

    Parameters
    ----------
    values
        Whole numbers from 0 up.

    Returns
    -------
    varints
        The bytes; the eighth bit of each says that another one follows.
    """
    width = max(1, -(-int(values.max(initial=0)).bit_length() // _SEVEN))
    digits = values[:, None] >> (_SEVEN * np.arange(width))
    more = (digits >> _SEVEN) > 0
    used = np.column_stack([np.ones(len(values), dtype=bool), more[:, :-1]])
    return bytes(((digits & 127) | (more << _SEVEN))[used].astype(np.uint8).tobytes())
