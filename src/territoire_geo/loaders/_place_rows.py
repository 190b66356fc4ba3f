"""Rows of the table `places`: their point as it is written, when it is in France, and the commune that they name."""

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.loaders._located import degrees, in_france, known_communes


def place_rows(
    named: pd.DataFrame, lon: "pd.Series[str]", lat: "pd.Series[str]", codes: "pd.Series[str] | None" = None
) -> pd.DataFrame:
    """
    Give places their point and their commune, still text.

    A point out of France (coordinates exchanged, a wrong sign) is not kept: the place then stands for its commune.

    Parameters
    ----------
    named
        Columns id, type and name.
    lon, lat
        Coordinates as published.
    codes
        Commune codes as published, when there are some.

    Returns
    -------
    place_rows
        With `lon` and `lat`, and `code_commune`, NaN where the cell names no commune of France.
    """
    x, y = degrees(lon), degrees(lat)
    abroad = x.notna() & y.notna() & ~in_france(x, y)
    frame = named.assign(lon=lon.mask(abroad, ""), lat=lat.mask(abroad, ""))
    if codes is not None:
        known = known_communes(codes)
        frame[CODE_COMMUNE] = known.where(known.ne(""))
    return frame
