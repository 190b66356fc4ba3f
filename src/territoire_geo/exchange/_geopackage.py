"""Write a diagnostic as a GeoPackage: layers for a GIS, styles for QGIS, and what it takes to read it back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyogrio

from territoire_geo.exchange import _kept, _layers
from territoire_geo.exchange._drafts import drafts
from territoire_geo.exchange._long import long
from territoire_geo.exchange._styles import FIXED_DATE, styles

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    import pandas as pd

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.sessions import Sessions

FIGURES: Final = ("communes", "indicateurs_long", "structures")  # layers that are read back
VERSION: Final = "1.3"  # of the standard: QGIS 3.22 and GDAL 3.6 warn of a later one
ARCHIVE: Final = "territoire_geo_archive"
# As QGIS makes it, so that it saves its own styles there too.
LAYER_STYLES: Final = """CREATE TABLE layer_styles (
id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"""


def write_geopackage(diagnostic: Diagnostic, path: str | PathLike[str], *, sessions: Sessions | None = None) -> Path:
    """
    Write a diagnostic as an OGC GeoPackage, for QGIS or any GIS, and for `read_diagnostic`.

    Layers, in the metric CRS of the territory: `communes` (polygons of core and buffer; measures and, by need,
    `<need>_unmet_people` [people] and `<need>_unmet_share` [0-1] for the core, NULL in the buffer), `structures`
    (points; a structure without place has no geometry), `notes` (points, what the participants wrote, empty without
    sessions), `indicateurs_long` (one row per commune of the core and figure: value, unit, label, and state: connu,
    secret, non publié, sans objet or inconnu), `seance` (the weights of the colleges, those in conflict marked) and
    `meta` (key, value in JSON; `format` is that of the file). `layer_styles` holds the styles of QGIS: a map by need,
    structures by kind, notes by status. An unknown figure is NULL. A measure named like a column of the territory
    becomes `measure_<id>`; another name that is taken, or that the format keeps for itself, ends with `_2`.

    Parameters
    ----------
    diagnostic
        What `diagnose` or `read_diagnostic` returned.
    path
        The file to write; its folder is made if needed, a file of this name is replaced.
    sessions
        What the participants wrote and weighed.

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
    shapes = {
        "communes": (_layers.communes(diagnostic), "MultiPolygon"),
        "structures": (_layers.structures(diagnostic), "Point"),
        "notes": (_layers.notes(diagnostic, sessions), "Point"),
    }
    plain = {
        "indicateurs_long": long(diagnostic),
        "seance": _layers.seance(diagnostic, sessions),
        "meta": _layers.meta(diagnostic),
    }
    columns = {name: _columns(frame) for name, frame in plain.items()}
    columns |= {name: _columns(frame) for name, (frame, _) in shapes.items()}
    with drafts(target.parent, target) as folder:
        draft = folder / "draft.gpkg"
        for layer, (frame, geometry) in shapes.items():
            _write(frame, draft, layer, geometry_type=geometry, promote_to_multi=geometry.startswith("Multi"))
        for layer, table in plain.items():
            _write(table, draft, layer)
        with closing(sqlite3.connect(draft, isolation_level=None)) as database:
            _add_styles(database, styles(diagnostic, columns))
            _add_archive(database, diagnostic, columns)
            database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
        _pack(draft, folder / "packed.gpkg").replace(target)
    return target


def fingerprint(database: sqlite3.Connection, layer: str, columns: Sequence[str]) -> str:
    """
    Sum up what a layer holds, to tell later whether somebody edited it.

    Parameters
    ----------
    database
        The file.
    layer
        Its table.
    columns
        Those that count.

    Returns
    -------
    fingerprint
        A hash in hexadecimal.
    """
    found = hashlib.sha256()
    names = ", ".join(quoted(name) for name in columns)
    for row in database.execute(f"SELECT {names} FROM {quoted(layer)} ORDER BY fid"):  # noqa: S608 - quoted
        found.update(repr(row).encode())
    return found.hexdigest()


def quoted(name: str) -> str:
    """
    Write the name of a table or column in SQL.

    Parameters
    ----------
    name
        Any name.

    Returns
    -------
    quoted
        Between double quotes.
    """
    return '"{}"'.format(name.replace('"', '""'))


def _columns(frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name != "geometry"]


def _write(frame: pd.DataFrame, draft: Path, layer: str, **options: object) -> None:
    title, description = _layers.TITLES[layer]
    told = {"IDENTIFIER": title, "DESCRIPTION": description}
    pyogrio.write_dataframe(
        frame, draft, layer=layer, dataset_options={"VERSION": VERSION}, layer_options=told, **options
    )


def _pack(geopackage: Path, packed: Path) -> Path:
    with closing(sqlite3.connect(geopackage, isolation_level=None)) as database:
        database.execute("VACUUM INTO ?", (str(packed),))  # the counter of GDAL's transactions varies
    return packed


def _add_styles(database: sqlite3.Connection, found: pd.DataFrame) -> None:
    database.execute(LAYER_STYLES)
    names = ("f_table_name", "f_geometry_column", "styleName", "styleQML", "useAsDefault", "description")
    rows = [tuple(row) for row in found[list(names)].astype("object").itertuples(index=False)]
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
        " styleQML, styleSLD, useAsDefault, description, owner, update_time)"
        " VALUES ('', '', ?, ?, ?, ?, '', ?, ?, '', ?)",
        [(*row, FIXED_DATE) for row in rows],
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change)"
        " VALUES ('layer_styles', 'attributes', 'layer_styles', ?)",
        (FIXED_DATE,),
    )


def _add_archive(database: sqlite3.Connection, diagnostic: Diagnostic, columns: Mapping[str, Sequence[str]]) -> None:
    database.execute(f"CREATE TABLE {ARCHIVE} (name TEXT PRIMARY KEY NOT NULL, content)")
    held = {}
    for layer in FIGURES:
        names = [*columns[layer], "geom"] if layer != "indicateurs_long" else list(columns[layer])
        held[layer] = {"columns": names, "sha256": fingerprint(database, layer, names)}
    records = {"layers": held, **_kept.records(diagnostic)}
    rows: list[tuple[str, object]] = [("records", json.dumps(records, ensure_ascii=False))]
    rows += _kept.frames(diagnostic).items()
    database.executemany(f"INSERT INTO {ARCHIVE} VALUES (?, ?)", sorted(rows))  # noqa: S608 - a constant
