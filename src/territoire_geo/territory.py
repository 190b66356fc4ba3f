"""`Territory`: a named core of communes, and the buffer around it, in one metric CRS."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS

from territoire_geo.cog import COG_YEAR, check_codes, check_unique, quote
from territoire_geo.columns import (
    AREA,
    CODE_COMMUNE,
    CODE_DEPARTEMENT,
    CODE_EPCI,
    CODE_REGION,
    IN_CORE,
    NOM_COMMUNE,
    POINT,
    POPULATION,
)
from territoire_geo.errors import CrsError, TableError

COLUMNS: Final = (
    NOM_COMMUNE, CODE_EPCI, CODE_DEPARTEMENT, CODE_REGION, POPULATION, IN_CORE, AREA, POINT, "geometry",
)  # fmt: skip


@dataclass(frozen=True)
class Territory:
    """
    A core of communes, what the diagnostic is about, and a buffer, what surrounds it.

    `communes` is a GeoDataFrame indexed by sorted `code_commune`, in one metric CRS, with the columns nom_commune,
    code_epci, code_departement, code_region, population [people, NaN unknown], in_core, area_km2, point and geometry.
    `buffer_km` is the distance from the core's points within which every commune is there.
    """

    name: str
    communes: gpd.GeoDataFrame
    cog_year: int = COG_YEAR
    code: str = ""
    buffer_km: float = 0.0

    def __post_init__(self) -> None:
        communes = self.communes
        missing = [column for column in COLUMNS if column not in communes.columns]
        if missing:
            raise TableError(f"Territory.communes: column {quote(missing)} is missing. Use load_territory.")
        check_metric(communes.crs, where="Territory.communes")
        check_codes(communes.index, where="Territory.communes.index")
        check_unique(communes.index, where="Territory.communes.index")
        if not communes[IN_CORE].any():
            raise TableError("Territory.communes.in_core: no commune is in the core. Give at least one.")
        points = gpd.GeoSeries(communes[POINT])
        if points.crs is not None and points.crs != communes.crs:
            raise CrsError(f"Territory.communes: geometry is in {communes.crs}, point in {points.crs}. Use one CRS.")
        ordered = communes.rename_axis(CODE_COMMUNE).sort_index()
        ordered[POINT] = gpd.GeoSeries(ordered[POINT], crs=communes.crs)
        object.__setattr__(self, "communes", ordered)

    @property
    def crs(self) -> CRS:
        """The metric CRS of the territory."""
        return CRS(self.communes.crs)

    @property
    def core(self) -> pd.Index:
        """Codes of the communes the diagnostic is about."""
        return self.communes.index[self.communes[IN_CORE]]

    @property
    def points(self) -> gpd.GeoSeries:
        """One point per commune: the town hall, or a point on the surface."""
        return gpd.GeoSeries(self.communes[POINT], crs=self.crs)

    def locate(self, points: gpd.GeoSeries) -> "pd.Series[str]":
        """
        Find the commune that contains each point.

        Parameters
        ----------
        points
            Points, in any CRS.

        Returns
        -------
        locate
            `code_commune` by point, NaN for a point outside the territory or empty.

        Raises
        ------
        CrsError
            If the points have no CRS.
        """
        if points.crs is None:
            raise CrsError("locate: the points have no CRS. Set it, for instance EPSG:4326 for longitude and latitude.")
        here = points.to_crs(self.crs)
        tree = shapely.STRtree(self.communes.geometry.to_numpy())
        rows, communes = tree.query(here.to_numpy(), predicate="intersects")
        found = pd.Series(self.communes.index[communes], index=rows, dtype="str")
        first = found[~found.index.duplicated()].reindex(range(len(here)))
        return pd.Series(first.to_numpy(), index=points.index, name=CODE_COMMUNE, dtype="str")


def check_metric(crs: CRS | None, *, where: str) -> None:
    """
    Raise unless a CRS is projected, in metres.

    Parameters
    ----------
    crs
        A coordinate reference system, or None.
    where
        What carries it, for the message.

    Raises
    ------
    CrsError
        If it is missing or not in metres.
    """
    if crs is None or not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        name = "no CRS" if crs is None else crs.to_string()
        message = f"{where}: {name} is not metric. Use EPSG:2154 in mainland France, 5490, 2972, 2975 or 4471 overseas."
        raise CrsError(message)
