"""Rows with a place, cut to a territory: by commune code, by coordinates, or by post code and city."""

from typing import Final

import geopandas as gpd
import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, among, check_codes, quote
from territoire_geo.columns import CODE_COMMUNE, NOM_COMMUNE
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import CogYearError
from territoire_geo.loaders import _base
from territoire_geo.loaders._territory import plain
from territoire_geo.territory import Territory

ASHORE: Final = 2000.0  # metres: contours are simplified, and leave out quays and piers
CEDEX: Final = r"(?i)\s+cedex.*$"


def cut_to(name: str, frame: pd.DataFrame, territory: Territory) -> tuple[pd.DataFrame, pd.Index]:
    """
    Keep the rows of a table that are of a territory.

    Parameters
    ----------
    name
        Field of `Tables`.
    frame
        The table, of any extent, on current commune codes when keyed by commune.
    territory
        Core and buffer.

    Returns
    -------
    tuple[pandas.DataFrame, pandas.Index]
        Rows of the territory; `code_commune` is added to located tables, NaN where the place is unknown. A row without
        place is kept when its post code is one of the territory. And the keys of the rows that nothing places, left
        out.

    Raises
    ------
    CogYearError
        If a commune code never existed.
    """
    contract = CONTRACTS[name]
    communes = territory.communes.index
    none = frame.index[:0]
    if contract.by_commune:
        return frame[among(frame.index, communes)], none
    if contract.key[0] == CODE_COMMUNE:
        return frame[among(frame.index.get_level_values(0), communes)], none
    if name == "flows":
        ends = [among(frame.index.get_level_values(level), communes) for level in contract.key]
        return frame[ends[0] | ends[1]], none
    if not contract.located:
        return frame, none
    located = frame.assign(**{CODE_COMMUNE: _commune(name, frame, territory)})
    inside = among(pd.Index(located[CODE_COMMUNE]), communes)
    nowhere = (located[CODE_COMMUNE].isna() & ~_placed(frame)).to_numpy()
    if "post_code" in frame.columns:
        inside = inside | nowhere & frame["post_code"].isin(_post_codes(communes)).to_numpy()
        nowhere = nowhere & ~frame["post_code"].isin(_post_codes(_base.communes().index)).to_numpy()
    return located[inside], frame.index[nowhere & ~inside]


def _placed(frame: pd.DataFrame) -> "pd.Series[bool]":
    if not {"lon", "lat"} <= set(frame.columns):
        return pd.Series(data=False, index=frame.index)
    return frame["lon"].notna() & frame["lat"].notna()


def _commune(name: str, frame: pd.DataFrame, territory: Territory) -> "pd.Series[str]":
    """Find the current commune of each row: its code, else where its coordinates fall, else its post code and city."""
    codes = pd.Series([None] * len(frame), index=frame.index, dtype="str")
    if CODE_COMMUNE in frame.columns:
        given = frame[CODE_COMMUNE].where(frame[CODE_COMMUNE].ne(""))
        check_codes(pd.Index(given.dropna()), where=f"{name}.{CODE_COMMUNE}")
        now = given.map({**_base.former_codes(), **ARRONDISSEMENTS})
        codes = given.where(now.isna(), now)
        lost = codes[codes.notna() & ~among(pd.Index(codes), _base.communes().index)]
        if len(lost):
            message = f"{name}.{CODE_COMMUNE}: no commune has or had the code {quote(lost.unique())}. Check the column."
            raise CogYearError(message)
    placed = _placed(frame)
    wanted = (placed & codes.isna()).to_numpy()
    if wanted.any():
        coordinates = gpd.points_from_xy(frame.loc[wanted, "lon"], frame.loc[wanted, "lat"])
        points = gpd.GeoSeries(coordinates, index=frame.index[wanted], crs=4326)
        codes = codes.mask(wanted, territory.locate(points).reindex(frame.index))
    if not {"post_code", "city"} <= set(frame.columns):
        return codes
    wanted = (~placed & codes.isna()).to_numpy()
    if wanted.any():
        codes = codes.mask(wanted, _by_city(frame[wanted]).reindex(frame.index))
    wanted = (placed & codes.isna() & frame["post_code"].isin(_post_codes(territory.communes.index))).to_numpy()
    if wanted.any():
        codes = codes.mask(wanted, _ashore(frame[wanted], territory).reindex(frame.index))
    return codes


def _post_codes(communes: pd.Index) -> set[str]:
    listed = _base.post_codes()
    return set(listed["codes_postaux"][among(listed.index, communes)])


def _ashore(rows: pd.DataFrame, territory: Territory) -> "pd.Series[str]":
    """Find the commune of points that fall in none, such as on a quay: that of their city, when it is near."""
    cities = _by_city(rows)
    cities = cities[cities.isin(territory.communes.index)]
    near = rows.loc[cities.index]
    points = gpd.GeoSeries(gpd.points_from_xy(near["lon"], near["lat"]), crs=4326).to_crs(territory.crs)
    shapes = gpd.GeoSeries(territory.communes.loc[pd.Index(cities)].geometry.to_numpy(), crs=territory.crs)
    return cities[(points.distance(shapes) < ASHORE).to_numpy()]


def _by_city(rows: pd.DataFrame) -> "pd.Series[str]":
    """
    Match post code and city name with the one commune that has both; accents and case are forgiven.

    A post code that no commune has (CEDEX) stands for its département.
    """
    listed = _base.post_codes()
    posted = rows["post_code"].fillna("")
    known = pd.Series(among(pd.Index(posted), pd.Index(listed["codes_postaux"].unique())), index=posted.index)
    areas = posted.where(known, posted.str[:2])
    wide = listed["codes_postaux"].str[:2]
    whole, part = listed[listed["codes_postaux"].isin(areas)], listed[wide.isin(areas)]
    keys = pd.concat(
        [
            whole["codes_postaux"] + " " + whole[NOM_COMMUNE].map(plain),
            part["codes_postaux"].str[:2] + " " + part[NOM_COMMUNE].map(plain),
        ]
    )
    keys = keys[~(pd.Series(keys.index, keys.index) + keys).duplicated()]
    unique = keys[~keys.duplicated(keep=False)]
    book = dict(zip(unique, unique.index, strict=True))
    names = rows["city"].fillna("").str.replace(CEDEX, "", regex=True).map(plain)
    return (areas + " " + names).map(book).astype("str")
