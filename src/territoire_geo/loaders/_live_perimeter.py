"""A core as geo.api.gouv.fr knows it today, in the embedded base: what changed since replaces it, and is told."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from territoire_geo.cog import ARRONDISSEMENTS, CODE_PATTERN, COG_YEAR, check_codes, quote
from territoire_geo.columns import CODE_EPCI, IN_CORE, NOM_COMMUNE, POINT
from territoire_geo.errors import StaleSourceWarning
from territoire_geo.loaders import _base
from territoire_geo.loaders._fetch import Door, open_door
from territoire_geo.loaders._territory import communes_frame, resolve, within
from territoire_geo.loaders.geo_api import fetch_communes, fetch_epci_name

AROUND: Final = 20_000.0  # m around the core where communes of the base may have been absorbed
MOST: Final = 0.5  # share of a commune inside another from which it is part of it
SAME: Final = 0.8  # share in common from which two contours are one commune, drawn more or less finely
EPCI: Final = r"\d{9}"


@dataclass(frozen=True)
class Changes:
    """What changed since the base: codes; `absorbed` by the commune that did it, and communes `redrawn` for it."""

    entered: pd.Index
    left: pd.Index
    redrawn: pd.Index
    absorbed: "pd.Series[str]"

    def __bool__(self) -> bool:
        """Whether anything did."""
        return any(len(part) for part in (self.entered, self.left, self.redrawn, self.absorbed))


def load_live(code: str | Sequence[str], distance_km: float, door: Door | None) -> tuple[str, gpd.GeoDataFrame, str]:
    """
    Load the communes of a core as they are today, and those of the base around it.

    Parameters
    ----------
    code
        As in `load_territory`.
    distance_km
        Distance around the core's points [km].
    door
        The network; None: that of the environment.

    Returns
    -------
    tuple[str, geopandas.GeoDataFrame, str]
        Name, communes as in `Territory.communes`, and canonical code.

    Raises
    ------
    UnknownTerritoryError
        If the code stands for nothing.
    SourceError
        If the service cannot be asked, or answers something else.
    CrsError
        If the communes lie in several parts of France.
    ValueError
        If all of France is asked.

    Warns
    -----
    StaleSourceWarning
        If something changed since the base.
    """
    base = _base.communes()
    opened = door or open_door()
    label, asked, was = _question(code, base)
    live = fetch_communes(opened, asked)
    epsg = int(str(CRS(live.crs).to_epsg()))
    here = base[base["epsg"] == epsg]
    core, changes = bring_up_to_date(_around(here, live, epsg), live, was)
    rest = here.drop(index=[*live.index.intersection(here.index), *changes.absorbed.index])
    spots = pd.concat([rest[["x", "y"]], pd.DataFrame(shapely.get_coordinates(core[POINT]), core.index, ["x", "y"])])
    near = within(spots, core.index, distance_km).difference(core.index)
    buffer = communes_frame(here.loc[here.index.isin(near)], epsg)
    if isinstance(asked, str) and re.fullmatch(EPCI, asked):
        buffer[CODE_EPCI] = buffer[CODE_EPCI].mask(buffer[CODE_EPCI] == asked)  # it left, for an unknown one
    frame = gpd.GeoDataFrame(pd.concat([core, buffer]), crs=epsg)
    frame[IN_CORE] = frame.index.isin(core.index)
    known_as = asked if isinstance(asked, str) else "+".join(core.index)
    name = label or _name(opened, asked, live)
    if changes:
        warnings.warn(_told(name, changes), StaleSourceWarning, stacklevel=3)
    return name, frame, known_as


def _question(code: str | Sequence[str], base: pd.DataFrame) -> tuple[str, str | list[str], pd.Index]:
    """Name when the base knows it, what the service is asked, and the members in the base."""
    if isinstance(code, str):
        text = code.strip().upper()
        unknown = re.fullmatch(EPCI, text) and not base[CODE_EPCI].eq(text).any()
        if unknown or (re.fullmatch(CODE_PATTERN, text) and text not in base.index):
            return "", text, base.index[:0]
        label, core, known_as = resolve(code, base)
        if known_as == "FR":
            raise ValueError(
                "perimeter: 'live' is for an EPCI, a département, a region or communes, not all of France."
            )
        return label, known_as, core
    now = {**_base.former_codes(), **ARRONDISSEMENTS}
    given = {str(one).strip() for one in code}
    check_codes(pd.Index(sorted(given), dtype="str"), where="load_territory, list of communes")
    codes = sorted({one if one in base.index else now.get(one, one) for one in given})
    return f"{len(codes)} communes" if codes else "", codes, base.index.intersection(codes)


def _name(door: Door, asked: str | list[str], live: gpd.GeoDataFrame) -> str:
    if isinstance(asked, str) and re.fullmatch(EPCI, asked):
        return fetch_epci_name(door, asked)
    return str(live[NOM_COMMUNE].iloc[0])


def _around(here: pd.DataFrame, live: gpd.GeoDataFrame, epsg: int) -> gpd.GeoDataFrame:
    """Give the communes of the base in and around a core."""
    west, south, east, north = live.total_bounds
    inside = here["x"].between(west - AROUND, east + AROUND) & here["y"].between(south - AROUND, north + AROUND)
    return communes_frame(here[inside | here.index.isin(live.index)], epsg)


def bring_up_to_date(old: gpd.GeoDataFrame, live: gpd.GeoDataFrame, was: pd.Index) -> tuple[gpd.GeoDataFrame, Changes]:
    """
    Give the core of today: communes of the base that did not change, with their polygon, and those that did.

    Parameters
    ----------
    old
        Communes of the base in and around the core.
    live
        Communes of the core today.
    was
        Codes of the core in the base.

    Returns
    -------
    tuple[geopandas.GeoDataFrame, Changes]
        The core, indexed by sorted `code_commune`, and what changed.
    """
    shared = _overlaps(old, live)
    outside = shared[~shared["old"].isin(live.index)]
    parts = outside.groupby("old")["area"].sum() / old.area.reindex(outside["old"].unique())
    most = outside.sort_values("area", kind="stable").drop_duplicates("old", keep="last").set_index("old")["live"]
    absorbed = most[parts[parts > MOST].index].sort_index().astype("str")
    new = live.index.difference(old.index)
    # A commune re-established lies inside the polygon that the base has of the one it left.
    taken = shared[shared["live"].isin(new) & (shared["area"] > MOST * shared["live"].map(live.area))]["old"]
    own = shared[shared["old"] == shared["live"]].set_index("old")["area"].reindex(live.index)
    alike = own / (old.area.reindex(live.index) + live.area - own)
    shrunk = live.index[~(alike >= SAME)]
    redrawn = new.union(pd.Index(absorbed.unique())).union(shrunk).union(live.index.intersection(pd.Index(taken)))
    kept = old.loc[live.index.difference(redrawn)]
    core = gpd.GeoDataFrame(pd.concat([kept, live.loc[redrawn, kept.columns]]), crs=old.crs).sort_index()
    for column in (NOM_COMMUNE, CODE_EPCI):
        core[column] = live[column]
    changes = Changes(
        live.index.difference(was), was.difference(live.index).difference(absorbed.index), redrawn, absorbed
    )
    return core, changes


def _overlaps(old: gpd.GeoDataFrame, live: gpd.GeoDataFrame) -> pd.DataFrame:
    """Area that communes of the base and of today have in common [m²]: codes `old` and `live`, one row by pair."""
    polygons, today = np.asarray(old.geometry), np.asarray(live.geometry)
    rows, columns = shapely.STRtree(polygons).query(today, predicate="intersects")
    areas = shapely.area(shapely.intersection(polygons[columns], today[rows]))
    return pd.DataFrame({"old": old.index[columns], "live": live.index[rows], "area": areas})


def _told(name: str, changes: Changes) -> str:
    said = []
    if len(changes.entered):
        said.append(f"{len(changes.entered)} communes entered ({quote(changes.entered)})")
    if len(changes.left):
        said.append(f"{len(changes.left)} left ({quote(changes.left)})")
    if len(changes.redrawn):
        said.append(f"{len(changes.redrawn)} are new or have other limits ({quote(changes.redrawn)})")
    if len(changes.absorbed):
        said.append(f"{len(changes.absorbed)} were absorbed ({quote(changes.absorbed.index)})")
    message = f"{name}: since the embedded base (COG {COG_YEAR}), {', '.join(said)}."
    if len(changes.redrawn):
        message += (
            f" Tables keep the communes of COG {COG_YEAR}: the figures of a new commune are unknown, and those of a "
            "commune that absorbed or lost another are those of its former limits."
        )
    return message
