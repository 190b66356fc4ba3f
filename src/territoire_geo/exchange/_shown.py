"""Read the layers of the GeoPackage as frames: what a GIS shows is what is read, of the types it was written with."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo.columns import CODE_COMMUNE, NEED, POINT
from territoire_geo.errors import SourceFormatError
from territoire_geo.exchange._archive import NULLABLE, NUMBERS, crs_of
from territoire_geo.exchange._geopackage import quoted
from territoire_geo.territory import Territory

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from pyproj import CRS

    Told = Mapping[str, object]

# GeoPackage binary: "GP", version, flags, srs_id, then an envelope of as many bytes, then WKB.
_FIXED: Final = 8
_ENVELOPES: Final = (0, 32, 48, 48, 64)
_POLYGON: Final = 3
_WKB: Final = {"POINT": (1,), "MULTIPOLYGON": (_POLYGON, 6)}
_LITTLE: Final = 1
_AGAIN: Final = "Run the diagnostic again and write it with write_geopackage."


def tables(database: sqlite3.Connection) -> set[str]:
    """
    List the plain tables of a file: neither views nor virtual tables, which run what they were told.

    Parameters
    ----------
    database
        The file.

    Returns
    -------
    tables
        Names.
    """
    found = database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    return {str(name) for name, sql in found if not str(sql).upper().startswith("CREATE VIRTUAL")}


def check_columns(database: sqlite3.Connection, layer: str, columns: Sequence[str]) -> None:
    """
    Raise unless a layer has these columns, none of them computed by the file.

    Parameters
    ----------
    database
        The file.
    layer
        One of its tables.
    columns
        What must be there.

    Raises
    ------
    SourceFormatError
        If one is missing.
    """
    found = {name for _, name, *_, hidden in database.execute(f"PRAGMA table_xinfo({quoted(layer)})") if hidden == 0}
    missing = [str(name) for name in columns if name not in found]
    if missing:
        message = f"{layer}: column {', '.join(missing[:3])} is missing. {_AGAIN}"
        raise SourceFormatError(message)


def territory(database: sqlite3.Connection, told: Told, meta: Told) -> Territory:
    """
    Read the territory from the layer of communes.

    Parameters
    ----------
    database
        The file.
    told
        Columns, dtypes, CRS, and which communes are simple polygons.
    meta
        Name, code, year and buffer.

    Returns
    -------
    territory
        Core and buffer.
    """
    crs = crs_of(told["crs"])
    wanted = [(name, dtype, shown) for name, dtype, shown in cast("list[list[str]]", told["columns"]) if shown]
    shown = [CODE_COMMUNE, "point_x", "point_y", *(name for _, _, name in wanted), "geom"]
    rows = _rows(database, "communes", shown)
    codes = pd.Index(rows[CODE_COMMUNE], dtype="str", name=CODE_COMMUNE)
    simple = codes.isin(cast("list[str]", told["polygons"]))
    shapes = _shapes(rows["geom"], "MULTIPOLYGON")
    alone = simple & (shapely.get_num_geometries(shapes) == 1) & (shapely.get_type_id(shapes) == 6)  # noqa: PLR2004
    shapes[alone] = shapely.get_geometry(shapes[alone], 0)
    x, y = (_column(rows[name], "float64", name).to_numpy() for name in ("point_x", "point_y"))
    points = np.asarray(shapely.points(x, y), dtype=object)
    points[np.isnan(x) | np.isnan(y)] = None
    special = {
        "geometry": gpd.GeoSeries(shapes, index=codes, crs=crs),
        POINT: gpd.GeoSeries(points, index=codes, crs=crs),
    }
    plain = {name: _column(rows[at], dtype, name).set_axis(codes) for name, dtype, at in wanted}
    order = [name for name, _, _ in cast("list[list[str]]", told["columns"])]
    frame = gpd.GeoDataFrame({name: (special | plain)[name] for name in order}, index=codes, geometry="geometry")
    name, code, year, buffer_km = (meta[key] for key in ("name", "code", "cog_year", "buffer_km"))
    if not isinstance(name, str) or not isinstance(code, str) or type(year) is not int:
        raise SourceFormatError(f"meta: name, code or cog_year is not what it was. {_AGAIN}")
    return Territory(name, frame, cog_year=year, code=code, buffer_km=cast("float", buffer_km) + 0)


def structures(database: sqlite3.Connection, told: Told, crs: CRS) -> gpd.GeoDataFrame:
    """
    Read the layer of structures.

    Parameters
    ----------
    database
        The file.
    told
        Columns, dtypes, index and CRS.
    crs
        That of the layer.

    Returns
    -------
    structures
        As `Diagnostic.structures`.
    """
    columns = cast("list[list[str]]", told["columns"])
    rows = _rows(database, "structures", [*(shown for _, _, shown in columns), "geom"])
    frame = pd.DataFrame({name: _column(rows[shown], dtype, name) for name, dtype, shown in columns})
    places = gpd.GeoSeries(_shapes(rows["geom"], "POINT"), index=frame.index, crs=crs)
    own = crs_of(told["crs"])
    if own is not None and own != crs:
        places = places.to_crs(own)
    geometry, position = cast("tuple[str, int]", told["geometry"])
    frame.insert(position + len(cast("list[str]", told["index"])), geometry, places)
    found = gpd.GeoDataFrame(frame, geometry=geometry).set_index(cast("list[str]", told["index"]))
    if not found.index.is_unique:
        raise SourceFormatError(f"structures: a SIRET and kind stand twice. Remove one, or {_AGAIN.lower()}")
    return found


def figures(database: sqlite3.Connection) -> pd.DataFrame:
    """
    Read the layer of figures.

    Parameters
    ----------
    database
        The file.

    Returns
    -------
    figures
        A row by commune, a column by item; NaN unknown.
    """
    rows = _rows(database, "indicateurs_long", [CODE_COMMUNE, "item", "value"])
    index = pd.MultiIndex.from_arrays([pd.Index(rows[name], dtype="str") for name in (CODE_COMMUNE, "item")])
    if not index.is_unique:
        first = index[index.duplicated()][0]
        raise SourceFormatError(f"indicateurs_long: {' '.join(map(str, first))} stands twice. Remove one of the two.")
    return _column(rows["value"], "float64", "value").set_axis(index).unstack()  # noqa: PD010 - one value by key


def measures(figures: pd.DataFrame, rest: pd.DataFrame, told: Told) -> pd.DataFrame:
    """
    Take the measures from the figures.

    Parameters
    ----------
    figures
        From `figures`.
    rest
        The measures that no layer shows.
    told
        The order of the columns, which are shown, and their dtypes.

    Returns
    -------
    measures
        As `Diagnostic.measures`.
    """
    computed, dtypes = cast("list[str]", told["computed"]), cast("list[str]", told["dtypes"])
    shown = figures.reindex(index=rest.index, columns=computed)
    held = {name: _typed(shown[name], dtype) for name, dtype in zip(computed, dtypes, strict=True)}
    return pd.DataFrame({n: held.get(n, rest.get(n)) for n in cast("list[str]", told["columns"])}, index=rest.index)


def coverage(figures: pd.DataFrame, rest: pd.DataFrame, told: Told) -> pd.DataFrame:
    """
    Take the coverage from the figures.

    Parameters
    ----------
    figures
        From `figures`.
    rest
        The columns of the coverage that no layer shows, by commune and need.
    told
        The order of the columns, and the dtypes of those that are shown.

    Returns
    -------
    coverage
        As `Diagnostic.coverage`.
    """
    communes, needs = rest.index.get_level_values(CODE_COMMUNE), rest.index.get_level_values(NEED)
    rows = figures.index.get_indexer(communes)
    held = {}
    for name, dtype in cast("Mapping[str, str]", told["dtypes"]).items():
        columns = figures.columns.get_indexer(pd.Index([f"{need}_{name}" for need in needs], dtype="str"))
        values = figures.to_numpy()[rows, columns] if figures.size else np.full(len(rest), np.nan)
        values = np.where((rows < 0) | (columns < 0), np.nan, values)
        held[name] = _typed(pd.Series(values, index=rest.index, name=name), dtype)
    return pd.DataFrame({n: held.get(n, rest.get(n)) for n in cast("list[str]", told["columns"])}, index=rest.index)


def _rows(database: sqlite3.Connection, layer: str, columns: Sequence[str]) -> dict[str, tuple[object, ...]]:
    check_columns(database, layer, columns)
    names = ", ".join(quoted(name) for name in columns)
    rows = database.execute(f"SELECT {names} FROM {quoted(layer)} ORDER BY fid").fetchall()  # noqa: S608 - quoted
    found = zip(*rows, strict=True) if rows else [()] * len(columns)
    return dict(zip(columns, found, strict=True))


def _column(values: Sequence[object], dtype: str, name: str) -> pd.Series:
    """Take the values of a column as the type they had; text where a number stood is refused."""
    if dtype in NUMBERS:
        numbers = [np.nan if value is None else value for value in values]
        if not all(isinstance(value, int | float) for value in numbers):
            raise SourceFormatError(f"column {name}: a value is not a number. Correct it, or {_AGAIN.lower()}")
        return _typed(pd.Series(numbers, dtype="float64" if dtype in ("bool", "float64") else None, name=name), dtype)
    if dtype in NULLABLE:
        return pd.Series(list(values), dtype=cast("Any", dtype), name=name)
    if not all(value is None or isinstance(value, str | int | float) for value in values):
        raise SourceFormatError(f"column {name}: a value is not a text. Correct it, or {_AGAIN.lower()}")
    if dtype == "object":
        return pd.Series([np.nan if value is None else value for value in values], dtype="object", name=name)
    return pd.Series(list(values), dtype="category" if dtype == "category" else "str", name=name)


def _typed(values: pd.Series, dtype: str) -> pd.Series:
    if dtype not in NUMBERS:
        return values.astype("object") if dtype == "object" else values
    if not dtype.startswith("float") and values.isna().any():
        raise SourceFormatError(f"column {values.name}: a value was removed. Give it back, or {_AGAIN.lower()}")
    typed: pd.Series = values.astype(cast("Any", dtype))
    return typed


def _shapes(blobs: Sequence[object], kind: str) -> np.ndarray:
    return np.asarray(shapely.from_wkb([_wkb(blob, kind) for blob in blobs]), dtype=object)


def _wkb(blob: object, kind: str) -> bytes | None:
    """Take the WKB out of a geometry of GeoPackage, of the kind of its layer only."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or blob[:2] != b"GP" or len(blob) < _FIXED:
        raise SourceFormatError(f"a geometry is none. {_AGAIN}")
    envelope = blob[3] >> 1 & 7
    start = _FIXED + (_ENVELOPES[envelope] if envelope < len(_ENVELOPES) else 0)
    found = blob[start:]
    try:
        whole = _end(found, 0, _WKB[kind]) == len(found)
    except (struct.error, IndexError):
        whole = False
    if not whole:
        raise SourceFormatError(f"a geometry is no {kind}. {_AGAIN}")
    return found


def _end(wkb: bytes, start: int, allowed: Sequence[int]) -> int:
    """Walk a geometry to its end; GEOS follows shapes nested in shapes until the stack, and the program, break."""
    order = "<" if wkb[start] == _LITTLE else ">"
    (kind,) = struct.unpack_from(f"{order}I", wkb, start + 1)
    size = 8 * (2, 3, 3, 4)[kind // 1000]  # of a vertex: XY, XYZ, XYM, XYZM
    if kind % 1000 not in allowed:
        return -1
    at = start + 5
    if kind % 1000 == _WKB["POINT"][0]:
        return at + size
    (count,) = struct.unpack_from(f"{order}I", wkb, at)
    at += 4
    for _ in range(count):
        if kind % 1000 == _POLYGON:
            (vertices,) = struct.unpack_from(f"{order}I", wkb, at)
            at += 4 + vertices * size
        else:
            at = _end(wkb, at, (_POLYGON,))
        if not start < at <= len(wkb):
            return -1
    return at
