"""A diagnostic as data for the page: numbers, texts and geometry, nothing that runs."""

from collections.abc import Mapping
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo.columns import KIND, KINDS, NOM_COMMUNE, POPULATION, SIAE_KINDS, SIRET
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._conventions import conventions
from territoire_geo.maps._geometry import STEP, borders, encode, outline, simplify
from territoire_geo.maps._needs import Json, need_data
from territoire_geo.maps._texts import KIND_NAMES, TEXTS, figures, people
from territoire_geo.maps._themes import cross_theme, measure_theme, need_theme
from territoire_geo.maps._typography import typeset_all

_SURE: float = 0.7  # a geocoding score under this may be wrong by a street or a town
# Names and places as their producers write them.
_PRODUCED: Final = frozenset({"name", "reference", "codes", "names", "population", "geometry", "structures"})
_PLAIN = ("naf", "brand", "address", "post_code", "city", "website")


def payload(diagnostic: Diagnostic, lang: str) -> Json:
    """
    Write a diagnostic as JSON-ready data.

    Parameters
    ----------
    diagnostic
        What to draw.
    lang
        "fr" or "en".

    Returns
    -------
    payload
        Communes (core first, by code), needs, themes, structures, limits and the words of the page.
    """
    communes = diagnostic.territory.communes
    core = diagnostic.territory.core
    order = core.append(communes.index.difference(core))
    crossed = [cross_theme(diagnostic, need, core, lang) for need in diagnostic.needs]
    data = {
        "lang": lang,
        "texts": dict(TEXTS[lang]),
        "name": _text(diagnostic.territory.name),
        "reference": _reference(diagnostic),
        "core": len(core),
        "codes": list(order),
        "names": [_text(name) for name in communes[NOM_COMMUNE].reindex(order)],
        "population": figures(communes[POPULATION].reindex(order), 0),
        "geometry": _geometry(diagnostic, order),
        "needs": [need_data(diagnostic, need, core, lang) for need in diagnostic.needs],
        "themes": [
            *(need_theme(diagnostic, need, core, lang) for need in diagnostic.needs),
            *(theme for theme in crossed if theme is not None),
            *(measure_theme(diagnostic, str(name), order, lang) for name in diagnostic.computed),
        ],
        "kinds": _kinds(diagnostic, lang),
        "structures": _structures(diagnostic, order),
        "lists": [source.cite() for source in diagnostic.table_sources.get("structures", ())],
        "limits": _limits(diagnostic, lang),
    }
    return {name: part if name in _PRODUCED else typeset_all(part, lang) for name, part in data.items()}


def _geometry(diagnostic: Diagnostic, order: pd.Index) -> Json:
    territory = diagnostic.territory
    polygons = simplify(territory)
    core = gpd.GeoSeries(polygons.reindex(territory.core), crs=territory.crs)
    shapes = [*polygons.reindex(order), *outline(core), *borders(territory, polygons)]
    texts, origin = encode(gpd.GeoSeries(shapes, crs=territory.crs))
    points = gpd.GeoSeries(territory.points.reindex(order), crs=territory.crs).to_crs(4326)
    return {
        "step": STEP,
        "origin": list(origin),
        "communes": texts[: len(order)],
        "outline": texts[-2],
        "borders": texts[-1],
        "points": _places(points),
    }


def _kinds(diagnostic: Diagnostic, lang: str) -> list[Json]:
    found = diagnostic.structures.index.get_level_values(KIND).value_counts()
    known = [*KINDS, *sorted(set(found.index) - set(KINDS))]
    return [
        {"id": kind, "name": KIND_NAMES[lang].get(kind, kind), "siae": kind in SIAE_KINDS, "count": int(found[kind])}
        for kind in known
        if kind in found.index
    ]


def _structures(diagnostic: Diagnostic, order: pd.Index) -> list[Json]:
    frame = diagnostic.structures
    if not len(frame):
        return []
    points = gpd.GeoSeries(frame.geometry, crs=frame.crs)
    places = _places(points.to_crs(4326))
    inside = order.get_indexer(pd.Index(diagnostic.territory.locate(points).fillna("")))
    needs = [need.id for need in diagnostic.needs]
    levels = frame.reindex(columns=needs).astype("object").fillna("unknown").to_numpy()
    reached = [people(_numbers(frame, f"people_{need}")) for need in needs]
    score = _numbers(frame, "geocoding_score").to_numpy()
    out: list[Json] = []
    for row, (siret, kind) in enumerate(frame.reset_index()[[SIRET, KIND]].itertuples(index=False)):
        item: Json = {"siret": str(siret), "kind": str(kind), "name": _text(frame["name"].iloc[row])}
        item |= {
            name: _text(frame[name].iloc[row]) for name in _PLAIN if name in frame and _text(frame[name].iloc[row])
        }
        item["at"] = places[row]
        item["commune"] = int(inside[row]) if inside[row] >= 0 else None
        item["sure"] = bool(np.isnan(score[row]) or score[row] >= _SURE)
        item["levels"] = [str(level) for level in levels[row]]
        item["people"] = [counts[row] for counts in reached]
        out.append(item)
    return out


def _limits(diagnostic: Diagnostic, lang: str) -> Json:
    sources = [
        {"cite": source.cite(), "licence": source.licence, "url": source.landing_page or source.url}
        for source in diagnostic.sources
    ]
    notes = [note.en if lang == "en" else note.fr for note in diagnostic.warnings]
    return {"warnings": list(dict.fromkeys(notes)), "sources": sources, "settings": conventions(diagnostic, lang)}


def _reference(diagnostic: Diagnostic) -> str:
    given = diagnostic.settings.get("reference")
    return _text(given.get("nom", "")) if isinstance(given, Mapping) else ""


def _numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    if name not in frame:
        return pd.Series(float("nan"), index=frame.index)
    return frame[name].astype("float64")


def _text(value: str | float | None) -> str:
    return "" if pd.isna(value) else str(value)


def _places(points: gpd.GeoSeries) -> list[list[float] | None]:
    """Latitude and longitude to about a metre; None for a point that is missing or empty."""
    held = points.notna() & ~points.is_empty
    found = iter(shapely.get_coordinates(np.asarray(points[held], dtype=object))[:, ::-1].round(5).tolist())
    return [next(found) if there else None for there in held]
