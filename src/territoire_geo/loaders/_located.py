"""Places as contributors write them: commune codes brought to the current COG, coordinates that are in France."""

from functools import cache
from typing import Final

import geopandas as gpd
import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, among
from territoire_geo.loaders import _base
from territoire_geo.loaders._codes import commune_codes

MARGIN: Final = 2.0  # degrees around town halls: the south of Guyane is 1.5 from the nearest


def known_communes(cells: "pd.Series[str]") -> "pd.Series[str]":
    """
    Bring commune codes to the current COG; a code that no commune has or had is left blank.

    Parameters
    ----------
    cells
        Text, as published; arrondissements of Paris, Lyon and Marseille and former codes are understood.

    Returns
    -------
    known_communes
        Current codes, blank where there is none.
    """
    text = commune_codes(cells)
    now = text.map({**_base.former_codes(), **ARRONDISSEMENTS})
    out = text.where(now.isna(), now)
    return out.where(among(pd.Index(out), _base.communes().index), "")


def degrees(cells: pd.Series) -> "pd.Series[float]":
    """
    Read coordinates, with a decimal point or comma.

    Parameters
    ----------
    cells
        Text or numbers, as published.

    Returns
    -------
    degrees
        Numbers [degrees], NaN for what is none.
    """
    if not pd.api.types.is_numeric_dtype(cells):
        cells = pd.to_numeric(cells.astype("str").str.strip().str.replace(",", "."), errors="coerce")
    return cells.astype("float64")


def in_france(lon: "pd.Series[float]", lat: "pd.Series[float]") -> "pd.Series[bool]":
    """
    Tell which points are in the mainland or an overseas département, within two degrees.

    Enough to see coordinates that were swapped, or are those of another country; not to find a commune.

    Parameters
    ----------
    lon
        Longitudes [degrees].
    lat
        Latitudes [degrees].

    Returns
    -------
    in_france
        False where a coordinate is missing.
    """
    inside = pd.Series(data=False, index=lon.index)
    for west, south, east, north in _boxes():
        inside |= lon.between(west, east) & lat.between(south, north)
    return inside


@cache
def _boxes() -> tuple[tuple[float, float, float, float], ...]:
    """West, south, east and north of each part of France [degrees]."""
    halls = _base.communes().dropna(subset=["epsg", "x", "y"])
    out = []
    for epsg, rows in halls.groupby("epsg"):
        points = gpd.GeoSeries(gpd.points_from_xy(rows["x"], rows["y"]), crs=int(str(epsg))).to_crs(4326)
        west, south, east, north = points.total_bounds
        out.append((west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN))
    return tuple(out)
