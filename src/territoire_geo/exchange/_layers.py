"""The layers of the GeoPackage as frames, and what each is called in French."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.columns import NEED, POINT
from territoire_geo.exchange._facts import as_json, facts
from territoire_geo.exchange._long import one_need

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.sessions import Sessions

FORMAT: Final = 1  # of the file: a reader refuses one that it does not know
GEOPACKAGE_OWN: Final = ("fid", "geom")
NOTE: Final = ("id", "code_commune", "nom_commune", "theme", "college", "statut", "texte", "cree", "modifie")
UNMET: Final = ("unmet_people", "unmet_share")
TITLES: Final[Mapping[str, tuple[str, str]]] = {
    "communes": ("Communes et besoins", "Contours, mesures, personnes et part non couvertes de chaque besoin"),
    "structures": ("Structures", "Structures de l'insertion et de l'emploi, par type"),
    "notes": ("Notes des participants", "Ce que les participants ont écrit sur la carte"),
    "indicateurs_long": ("Chiffres, un par ligne", "Valeur, unité et état : connu, secret, non publié, sans objet"),
    "seance": ("Pondérations des collèges", "Poids donné à chaque besoin ; les versions en conflit sont marquées"),
    "meta": ("Réglages, sources et versions", "Une clé par ligne, sa valeur en JSON"),
}


def free_names(columns: pd.Index) -> dict[str, str]:
    """
    Name the columns of a frame in a layer, where the case does not tell names apart.

    Parameters
    ----------
    columns
        Of the frame.

    Returns
    -------
    free_names
        Column -> name; one that is taken, or that the format keeps for itself, ends with "_2".
    """
    taken = set(GEOPACKAGE_OWN)
    names = {}
    for column in columns:
        name = str(column)
        while name.casefold() in taken:  # SQLite does not tell case apart
            name += "_2"
        taken.add(name.casefold())
        names[column] = name
    return names


def communes(diagnostic: Diagnostic) -> gpd.GeoDataFrame:
    """
    Lay the communes of core and buffer, with the measures and the needs of the core.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    communes
        A row by commune: columns of the territory, point_x, point_y, measures, `<need>_unmet_people` and
        `<need>_unmet_share`.
    """
    territory = diagnostic.territory
    points = territory.points
    attributes = territory.communes.drop(columns=POINT).assign(point_x=points.x, point_y=points.y)
    needs = {f"{need.id}_{column}": one_need(diagnostic, need)[column] for need in diagnostic.needs for column in UNMET}
    results = diagnostic.measures[diagnostic.computed].join(pd.DataFrame(needs)).reindex(attributes.index)
    taken = {name: f"measure_{name}" for name in results.columns.intersection(attributes.columns)}
    whole = attributes.join(results.rename(columns=taken)).reset_index()
    found = gpd.GeoDataFrame(whole, geometry="geometry", crs=territory.crs)
    return found.rename(columns=free_names(found.columns.drop("geometry")))


def structures(diagnostic: Diagnostic) -> gpd.GeoDataFrame:
    """
    Lay the structures.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    structures
        A row by structure, in the CRS of the territory.
    """
    found = diagnostic.structures
    flat = pd.DataFrame(found.drop(columns=found.geometry.name)).reset_index()
    places = found.geometry.to_crs(diagnostic.territory.crs).reset_index(drop=True)
    return gpd.GeoDataFrame(flat.rename(columns=free_names(flat.columns)), geometry=places)


def notes(diagnostic: Diagnostic, sessions: Sessions | None) -> gpd.GeoDataFrame:
    """
    Lay the notes of the sessions, those in conflict after the others, a row by version.

    Parameters
    ----------
    diagnostic
        Gives the CRS.
    sessions
        The sessions, or None.

    Returns
    -------
    notes
        Columns of `NOTE`, `conflit`, `version` and `fichiers`; empty without sessions.
    """
    columns = [*NOTE, "fichiers"]
    if sessions is None:
        frame = pd.DataFrame({name: pd.Series(dtype="str") for name in columns})
        frame = frame.assign(conflit=pd.Series(dtype="bool"), version=pd.Series(dtype="float64"))
        return gpd.GeoDataFrame(_note_columns(frame), geometry=gpd.GeoSeries([], crs=diagnostic.territory.crs))
    agreed = sessions.notes.rename_axis("id").reset_index().assign(conflit=False, version=np.nan)
    agreed["fichiers"] = [_told(sessions, "note", key) for key in agreed["id"]]
    disputed = sessions.conflicts[sessions.conflicts["kind"].eq("note")].assign(conflit=True)
    disputed = disputed.drop(columns="id", errors="ignore").rename(columns={"key": "id"})
    disputed["fichiers"] = _files(disputed["files"])
    places = gpd.GeoSeries(
        [*agreed.geometry, *disputed.get("geometry", pd.Series(None, index=disputed.index, dtype="object"))], crs=4326
    )
    parts = [_note_columns(pd.DataFrame(part)) for part in (agreed, disputed) if len(part)]
    rows = pd.concat(parts, ignore_index=True) if parts else _note_columns(pd.DataFrame(agreed))
    return gpd.GeoDataFrame(rows, geometry=places.to_crs(diagnostic.territory.crs))


def _note_columns(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame.reindex(columns=[*NOTE, "conflit", "version", "fichiers"])
    kinds = dict.fromkeys([*NOTE, "fichiers"], "str") | {"conflit": "bool", "version": "float64"}
    return kept.astype(kinds).reset_index(drop=True)


def _files(files: pd.Series) -> pd.Series:
    return files.map(lambda names: names if isinstance(names, str) else ", ".join(names)).astype("str")


def _told(sessions: Sessions, kind: str, key: str) -> str:
    return ", ".join(sessions.origins.get((kind, key), ()))


def seance(diagnostic: Diagnostic, sessions: Sessions | None) -> pd.DataFrame:
    """
    Lay the weights that the colleges gave.

    Parameters
    ----------
    diagnostic
        Gives the labels of the needs.
    sessions
        The sessions, or None.

    Returns
    -------
    seance
        college, need, label, weight, conflit, version and fichiers: a row by college and need, and by version where
        the files differ; empty without sessions.
    """
    labels = {need.id: need.label for need in diagnostic.needs}
    rows: list[tuple[object, ...]] = []
    if sessions is not None:
        rows += [
            (str(college), str(need), float(weight), False, np.nan, _told(sessions, "weights", str(college)))
            for college, given in sorted(sessions.weights.items())
            for need, weight in sorted(given.items())
        ]
        disputed = sessions.conflicts[sessions.conflicts["kind"].eq("weights")]
        files = _files(disputed["files"])
        rows += [
            (str(key), str(need), float(weight), True, float(version), named)
            for key, version, given, named in zip(
                *(disputed[n] for n in ("key", "version", "weights")), files, strict=True
            )
            for need, weight in sorted(given.items())
        ]
    names = ["college", NEED, "weight", "conflit", "version", "fichiers"]
    kinds = {"college": "str", NEED: "str", "weight": "float64", "conflit": "bool", "version": "float64"}
    frame = pd.DataFrame(rows, columns=names).astype({**kinds, "fichiers": "str"})
    frame.insert(2, "label", frame[NEED].map(labels).astype("str"))
    return frame


def meta(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Lay what a diagnostic is, a key a row.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    meta
        key, and value in JSON.
    """
    told = {"format": FORMAT, **facts(diagnostic)}
    if "method" in diagnostic.settings:
        told["method"] = diagnostic.settings["method"]
    return pd.DataFrame({"key": list(told), "value": [as_json(value) for value in told.values()]}, dtype="str")
