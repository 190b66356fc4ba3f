"""Shapes of a static map: simplified as a coverage, and the lines drawn over it."""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from territoire_geo.columns import CODE_DEPARTEMENT
from territoire_geo.territory import Territory

TOLERANCE: Final = 100.0  # metres: under 200 the embedded base does not change


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


def _shapes(series: "pd.Series[Any]") -> NDArray[np.object_]:
    return np.asarray(series, dtype=object)
