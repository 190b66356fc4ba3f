"""Geometry of the page: simplified as a coverage, rounded to about ten metres, written in few characters."""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from territoire_geo.columns import CODE_DEPARTEMENT
from territoire_geo.territory import Territory

TOLERANCE: Final = 100.0  # metres: under 200 the embedded base does not change
STEP: Final = 1e-4  # degree, about 10 m
_ALPHABET: Final = np.frombuffer(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", dtype=np.uint8)
_BITS: Final = 5  # per character; the sixth says that more follow


def simplify(territory: Territory) -> gpd.GeoSeries:
    """
    Simplify every commune at once, so that neighbours keep the same edges.

    Parameters
    ----------
    territory
        Core and buffer.

    Returns
    -------
    simplify
        Polygons in the CRS of the territory, same index; empty where the commune has none.
    """
    geometry = territory.communes.geometry
    held = geometry.notna() & ~geometry.is_empty
    polygons = shapely.coverage_simplify(_shapes(geometry[held]), tolerance=TOLERANCE)
    out = pd.Series(shapely.Polygon(), index=geometry.index, dtype=object)
    out[held] = polygons
    return gpd.GeoSeries(out, crs=territory.crs)


def outline(polygons: gpd.GeoSeries) -> gpd.GeoSeries:
    """
    Join the polygons of a coverage.

    Parameters
    ----------
    polygons
        Polygons that share their edges.

    Returns
    -------
    outline
        One (multi)polygon.
    """
    held = polygons[~polygons.is_empty]
    return gpd.GeoSeries([shapely.coverage_union_all(_shapes(held))], crs=polygons.crs)


def borders(territory: Territory, polygons: gpd.GeoSeries) -> gpd.GeoSeries:
    """
    Trace the limits between the départements of a territory.

    Parameters
    ----------
    territory
        Core and buffer.
    polygons
        Its polygons, which share their edges.

    Returns
    -------
    borders
        One multi-line; empty when there is a single département.
    """
    held = polygons[~polygons.is_empty]
    departements = territory.communes[CODE_DEPARTEMENT].reindex(held.index)
    rims = [shapely.boundary(shapely.coverage_union_all(_shapes(part))) for _, part in held.groupby(departements)]
    lines = np.asarray(rims, dtype=object)
    left, right = np.triu_indices(len(lines), k=1)
    parts = shapely.get_parts(shapely.intersection(lines[left], lines[right]))
    segments = [part for part in parts if part.geom_type == "LineString" and not part.is_empty]
    return gpd.GeoSeries([shapely.line_merge(shapely.MultiLineString(segments))], crs=polygons.crs)


def encode(shapes: gpd.GeoSeries) -> tuple[list[str], tuple[int, int]]:
    """
    Write shapes as text: differences of whole numbers of `STEP` degrees, five bits a character.

    Parameters
    ----------
    shapes
        Polygons or lines, in any CRS.

    Returns
    -------
    encode
        One text per shape, `;` between its parts and `,` between the rings of a part, "" when it is empty; and the
        origin (longitude, latitude) in steps, added to the first point of every ring.
    """
    degrees = _shapes(shapes.to_crs(4326))
    parts, shape_of = shapely.get_parts(degrees, return_index=True)
    lined = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING.value
    rings: list[tuple[int, int, NDArray[np.int64]]] = []
    for part, (geometry, line) in enumerate(zip(parts, lined, strict=True)):
        for ring in [geometry] if line else shapely.get_rings(geometry):
            points = _steps(ring, closed=not line)
            if len(points) > (1 if line else 2):  # a ring flattened by rounding shows nothing
                rings.append((int(shape_of[part]), part, points))
    origin = np.min([points.min(axis=0) for _, _, points in rings], axis=0) if rings else np.zeros(2, dtype=np.int64)
    texts = _write([np.diff(points, axis=0, prepend=[origin]) for _, _, points in rings])
    out = [""] * len(shapes)
    last = -1
    for (shape, part, _), text in zip(rings, texts, strict=True):
        out[shape] += ("" if not out[shape] else "," if part == last else ";") + text
        last = part
    return out, (int(origin[0]), int(origin[1]))


def _shapes(series: "pd.Series[Any]") -> NDArray[np.object_]:
    return np.asarray(series, dtype=object)


def _steps(ring: shapely.Geometry, *, closed: bool) -> NDArray[np.int64]:
    points: NDArray[np.int64] = np.rint(shapely.get_coordinates(ring) / STEP).astype(np.int64)
    points = points[np.append(True, (np.diff(points, axis=0) != 0).any(axis=1))]
    return points[:-1] if closed and len(points) > 1 else points


def _write(rings: list[NDArray[np.int64]]) -> list[str]:
    if not rings:
        return []
    flat = np.concatenate([ring.ravel() for ring in rings])
    zigzag = np.where(flat < 0, -2 * flat - 1, 2 * flat)
    width = 1
    while (zigzag >> (_BITS * width)).any():
        width += 1
    digits = zigzag[:, None] >> (_BITS * np.arange(width))
    more = (digits >> _BITS) > 0
    used = np.column_stack([np.ones(len(zigzag), dtype=bool), more[:, :-1]])
    letters = _ALPHABET[(digits & 31) | (more << _BITS)]
    ends = np.cumsum(used.sum(axis=1))[np.cumsum([ring.size for ring in rings]) - 1]
    text = letters[used].tobytes().decode("ascii")
    return [text[start:end] for start, end in zip(np.append(0, ends[:-1]), ends, strict=True)]
