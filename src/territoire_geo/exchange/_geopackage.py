"""Write a diagnostic as a GeoPackage."""

import sqlite3
from contextlib import closing
from os import PathLike
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio

from territoire_geo.columns import POINT
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._drafts import drafts
from territoire_geo.exchange._facts import as_json, facts
from territoire_geo.exchange._long import long, one_need

FIXED_DATE: Final = "1970-01-01T00:00:00.000Z"  # the date of writing would change the bytes
GEOPACKAGE_OWN: Final = ("fid", "geom")


def write_geopackage(diagnostic: Diagnostic, path: str | PathLike[str]) -> Path:
    """
    Write a diagnostic as an OGC GeoPackage, for QGIS or any GIS.

    Layers, in the metric CRS of the territory: `communes` (polygons of core and buffer; measures and, by need,
    `<need>_unmet_people` [people] and `<need>_unmet_share` [0-1] for the core, NULL in the buffer), `structures`
    (points; a structure without place has no geometry), `indicateurs_long` (one row per commune of the core and
    figure: value, unit, label, and state: connu, secret, non publié, sans objet or inconnu) and `meta` (key, value in
    JSON). An unknown figure is NULL. A measure named like a column of the territory becomes `measure_<id>`; another
    name that is taken, or that the format keeps for itself, ends with `_2`.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    path
        The file to write; its folder is made if needed, a file of this name is replaced.

    Returns
    -------
    write_geopackage
        The path of the file.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be written; nothing is left behind, and a former file stays as it was.

    References
    ----------
    .. [1] Open Geospatial Consortium, GeoPackage Encoding Standard 1.4, OGC 12-128r19.
    """
    target = Path(path)
    plain = {"indicateurs_long": long(diagnostic), "meta": _meta(diagnostic)}
    shapes = {"communes": (_communes(diagnostic), "MultiPolygon"), "structures": (_structures(diagnostic), "Point")}
    with drafts(target.parent, target) as folder:
        draft = folder / "draft.gpkg"
        for layer, (frame, geometry) in shapes.items():
            multi = geometry.startswith("Multi")
            pyogrio.write_dataframe(frame, draft, layer=layer, geometry_type=geometry, promote_to_multi=multi)
        for layer, table in plain.items():
            pyogrio.write_dataframe(table, draft, layer=layer)
        _pack(draft, folder / "packed.gpkg").replace(target)
    return target


def _pack(geopackage: Path, packed: Path) -> Path:
    with closing(sqlite3.connect(geopackage, isolation_level=None)) as database:
        database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
        database.execute("VACUUM INTO ?", (str(packed),))  # the counter of GDAL's transactions varies
    return packed


def _meta(diagnostic: Diagnostic) -> pd.DataFrame:
    told = facts(diagnostic)
    return pd.DataFrame({"key": list(told), "value": [as_json(value) for value in told.values()]}, dtype="str")


def _free_names(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    taken = set(GEOPACKAGE_OWN)
    names = {}
    for column in frame.columns.drop("geometry"):
        name = str(column)
        while name.casefold() in taken:  # SQLite does not tell case apart
            name += "_2"
        taken.add(name.casefold())
        names[column] = name
    return frame.rename(columns=names)


def _communes(diagnostic: Diagnostic) -> gpd.GeoDataFrame:
    territory = diagnostic.territory
    points = territory.points
    attributes = territory.communes.drop(columns=POINT).assign(point_x=points.x, point_y=points.y)
    needs = {
        f"{need.id}_{column}": one_need(diagnostic, need)[column]
        for need in diagnostic.needs
        for column in ("unmet_people", "unmet_share")
    }
    results = diagnostic.measures[diagnostic.computed].join(pd.DataFrame(needs)).reindex(attributes.index)
    taken = {name: f"measure_{name}" for name in results.columns.intersection(attributes.columns)}
    whole = attributes.join(results.rename(columns=taken)).reset_index()
    return _free_names(gpd.GeoDataFrame(whole, geometry="geometry", crs=territory.crs))


def _structures(diagnostic: Diagnostic) -> gpd.GeoDataFrame:
    structures = diagnostic.structures
    flat = pd.DataFrame(structures.drop(columns=structures.geometry.name)).reset_index()
    places = structures.geometry.to_crs(diagnostic.territory.crs).reset_index(drop=True)
    return _free_names(gpd.GeoDataFrame(flat, geometry=places))
