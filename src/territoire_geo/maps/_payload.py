"""A diagnostic as data for the page: numbers, texts and geometry, nothing that runs."""

from collections.abc import Mapping
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.columns import CODE_DEPARTEMENT, NOM_COMMUNE, POPULATION
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._arcs import encode_arcs
from territoire_geo.maps._blob import Bytes, Column
from territoire_geo.maps._commune import proposals_data, standings_data
from territoire_geo.maps._compared import change_themes
from territoire_geo.maps._conventions import conventions
from territoire_geo.maps._figures import reasons
from territoire_geo.maps._needs import need_data
from territoire_geo.maps._ranked import ranked_themes
from territoire_geo.maps._resources import by_table, facilities, kinds, structures, text, travel
from territoire_geo.maps._texts import TEXTS, figures
from territoire_geo.maps._theme import Json, Options, Theme
from territoire_geo.maps._themes import counts_people, measure_themes, need_themes
from territoire_geo.maps._typography import typeset_all
from territoire_geo.maps._workshop import workshop_data

MANY: Final = 1_500  # polygons from which a page is drawn by a renderer of its own, in an order that compresses well
COUNTRY: Final = 10_000  # communes from which a page carries less: see `measures_of`, and fewer figures
_DEGREES: Final = 4  # decimals of a place: about 10 m
_DEGREE: Final = 5  # of the polynomials of a place
_TERMS: Final = (_DEGREE + 1) * (_DEGREE + 2) // 2
_NEAR: Final = 1e-5  # degree: about a metre
# Names and places as their producers write them, and what is not words.
_PRODUCED: Final = frozenset({
    "name", "reference", "codes", "names", "population", "geometry", "structures", "facilities", "travel", "places",
    "title", "date", "authors", "proposals",
})  # fmt: skip


def page_order(diagnostic: Diagnostic) -> pd.Index:
    """
    Order the communes of a page: core first.

    Parameters
    ----------
    diagnostic
        What is drawn.

    Returns
    -------
    page_order
        Codes, by code; along a curve that keeps neighbours together when there are more than `MANY`.
    """
    communes, core = diagnostic.territory.communes, diagnostic.territory.core
    around = communes.index.difference(core)
    if len(communes) <= MANY:
        return core.append(around)
    points = diagnostic.territory.points
    along = gpd.GeoSeries(points).hilbert_distance(total_bounds=points.total_bounds)
    sorted_parts = [along[part].sort_values(kind="stable").index for part in (core, around)]
    return sorted_parts[0].append(sorted_parts[1])


def all_themes(diagnostic: Diagnostic, order: pd.Index, options: Options) -> list[Theme]:
    """
    List the themes of a map.

    Parameters
    ----------
    diagnostic
        What is drawn.
    order
        Codes of the communes in the order of the page, core first.
    options
        Language, breaks, measures, earlier diagnostic.

    Returns
    -------
    all_themes
        Needs, priorities, measures; the views of a topic follow one another.
    """
    core = order[: len(diagnostic.territory.core)]
    names = measures_of(diagnostic, order) if options.measures is None else list(options.measures)
    unknown = [name for name in names if name not in diagnostic.computed]
    if unknown:
        held = ", ".join(diagnostic.computed)
        raise ValueError(f"measures: {unknown[0]!r} is not computed in this diagnostic. Those that are: {held}.")
    found = [theme for need in diagnostic.needs for theme in need_themes(diagnostic, need, core, options)]
    found += ranked_themes(diagnostic, core, options)
    found += [theme for name in names for theme in measure_themes(diagnostic, name, order, options)]
    found += change_themes(diagnostic, core, options)
    cut = [theme.id for theme in found if theme.scales]
    stray = [name for name in options.breaks if name not in cut]
    if stray:
        raise ValueError(f"breaks: {stray[0]!r} is not a theme of this map with breaks. Those are: {', '.join(cut)}.")
    topics = dict.fromkeys(theme.topic for theme in found)
    return [theme for topic in topics for theme in found if theme.topic == topic]


def measures_of(diagnostic: Diagnostic, order: pd.Index) -> list[str]:
    """
    Choose the context measures of a map when its author does not.

    Parameters
    ----------
    diagnostic
        What is drawn.
    order
        Codes of the communes.

    Returns
    -------
    measures_of
        All that are computed; from `COUNTRY` communes on, the first of each family of indicators, so that the page
        stays light.
    """
    computed = diagnostic.computed
    if len(order) <= COUNTRY:
        return computed
    families = {name: diagnostic.definitions[name].code[:1] or name for name in computed}
    return list({family: name for name, family in reversed(families.items())}.values())[::-1]


def payload(diagnostic: Diagnostic, order: pd.Index, themes: list[Theme], options: Options) -> Json:
    """
    Write a diagnostic as data for the page.

    Parameters
    ----------
    diagnostic
        What to draw.
    order
        Codes of the communes in the order of the page, core first.
    themes
        Those of the map.
    options
        Language.

    Returns
    -------
    payload
        Communes, needs, themes, structures, limits and the words of the page, to be packed.
    """
    lang = options.lang
    communes = diagnostic.territory.communes
    core = order[: len(diagnostic.territory.core)]
    data = {
        "lang": lang,
        "texts": dict(TEXTS[lang]),
        "name": text(diagnostic.territory.name),
        "territory_code": text(diagnostic.territory.code),
        "reference": _reference(diagnostic),
        "core": len(core),
        "codes": _codes(order),
        "names": [text(name) for name in communes[NOM_COMMUNE].reindex(order)],
        "population": Column(communes[POPULATION].reindex(order), 0),
        "places": _places(diagnostic, order),
        "geometry": _geometry(diagnostic, order),
        "needs": [_lighter(need_data(diagnostic, need, core, lang), len(order)) for need in diagnostic.needs],
        "themes": [_theme(theme, diagnostic, order, lang) for theme in themes],
        "ranking": workshop_data(diagnostic, core, lang, many=COUNTRY),
        "proposals": proposals_data(diagnostic, order, lang),
        "standings": standings_data(diagnostic, lang),
        "kinds": kinds(diagnostic, lang),
        "structures": structures(diagnostic, order),
        "facilities": facilities(diagnostic, order, lang, few=COUNTRY),
        "travel": travel(diagnostic, order),
        "lists": [source.cite() for source in diagnostic.table_sources.get("structures", ())],
        "limits": _limits(diagnostic, lang),
    }
    return {name: part if name in _PRODUCED else typeset_all(part, lang) for name, part in data.items()}


def _theme(theme: Theme, diagnostic: Diagnostic, order: pd.Index, lang: str) -> Json:
    out: Json = {
        "id": theme.id,
        "kind": theme.kind,
        "topic": theme.topic,
        "need": theme.need.id if theme.need is not None else None,
        "decimals": theme.decimals,
        "sources": list(theme.sources),
        **theme.words,
        **theme.more,
    }
    if theme.scales:
        out["scales"] = [scale.json(lang) for scale in theme.scales]
    else:
        out |= {"labels": list(theme.labels), "colours": list(theme.colours)}
    if theme.kind == "measure":
        out |= _measured(theme, diagnostic, order, lang)
    elif not theme.carried and theme.numbers is not None:
        out["values"] = Column(theme.numbers, theme.decimals)
    elif not theme.carried and theme.kind != "cross" and theme.kinds is not None:
        out["kinds"] = Column(theme.kinds, 0)
    return out


def _measured(theme: Theme, diagnostic: Diagnostic, order: pd.Index, lang: str) -> Json:
    name = theme.topic.removeprefix("measure:")
    measure, values = diagnostic.definitions[name], theme.numbers
    if values is None:
        raise ValueError(f"{theme.id}: a measure has values.")
    core = values.reindex(order[: len(diagnostic.territory.core)])
    only = figures(core.iloc[:1], theme.decimals)[0] if core.notna().all() and core.nunique() == 1 else None
    return {
        "values": Column(values, theme.decimals),
        "small": counts_people(diagnostic, measure),
        "why": reasons(diagnostic.absences, order[values.isna()], order, (name,), lang),
        "total": figures(pd.Series([diagnostic.totals.get(name, np.nan)]), theme.decimals)[0],
        "reference": figures(pd.Series([diagnostic.references.get(name, np.nan)]), theme.decimals)[0],
        "constant": only,
        "formula": measure.formula,
    }


def _codes(order: pd.Index) -> list[str] | Json:
    """Write the codes of a country as the rank of their département and their number in it."""
    if len(order) <= COUNTRY:
        return list(order)
    length = np.where(order.str.startswith("97"), 3, 2)
    heads = pd.Index([code[:size] for code, size in zip(order, length, strict=True)])
    departements = heads.unique().sort_values()
    number = [int(code[size:]) for code, size in zip(order, length, strict=True)]
    return {"heads": list(departements), "head": Column(departements.get_indexer(heads)), "number": Column(number)}


def _lighter(need: Json, size: int) -> Json:
    """Over a country, write people without an answer as what their share of the demand, rounded, does not tell."""
    demand, share, unmet = (need[name] for name in ("demand", "share", "unmet_people"))
    if size <= COUNTRY or not (isinstance(demand, Column) and isinstance(share, Column) and isinstance(unmet, Column)):
        return need
    people, part = np.asarray(demand.values), np.rint(np.asarray(share.values) * 10) / 10
    # Where no one is concerned there is no share, and no one without an answer.
    rest = np.asarray(unmet.values) - np.floor(people * np.where(people == 0, 0.0, part) / 100 + 0.5)
    lighter = {name: value for name, value in need.items() if name != "unmet_people"} | {"unmet_rest": Column(rest)}
    # What is missing follows from people and norm: it is kept where it is the figure of the need.
    return lighter if need["headline"] == "unmet_units" else lighter | {"gap": Column(np.full(len(people), np.nan))}


def _places(diagnostic: Diagnostic, order: pd.Index) -> Json:
    """
    Place the communes [degrees]: as polynomials of their metres when the page has those for the minutes.

    The projection is smooth: a polynomial gives it back to less than a metre, in fewer bytes than two columns.
    """
    metric = gpd.GeoSeries(diagnostic.territory.points.reindex(order))
    points = metric.to_crs(4326)
    held = (points.notna() & ~points.is_empty).to_numpy()
    lat, lon = (np.where(held, side, np.nan) for side in (points.y, points.x))
    columns: Json = {"lat": Column(lat, _DEGREES), "lon": Column(lon, _DEGREES)}
    if by_table(diagnostic.settings) or held.sum() < _TERMS:
        return columns
    xy = np.column_stack([metric.x[held], metric.y[held]])
    centre, size = xy.mean(axis=0), max(float(np.abs(xy - xy.mean(axis=0)).max()), 1.0)
    terms = _powers((xy - centre) / size)
    found = [np.linalg.lstsq(terms, side[held], rcond=None)[0] for side in (lat, lon)]
    error = max(float(np.abs(terms @ one - side[held]).max()) for one, side in zip(found, (lat, lon), strict=True))
    if error > _NEAR:
        return columns
    return {"centre": centre.tolist(), "size": size, "lat": found[0].tolist(), "lon": found[1].tolist()}


def _powers(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give x to the i times y to the j, up to a sum of `_DEGREE`."""
    return np.column_stack([
        xy[:, 0] ** i * xy[:, 1] ** j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)
    ])  # fmt: skip


def _geometry(diagnostic: Diagnostic, order: pd.Index) -> Json:
    communes = diagnostic.territory.communes
    shapes = gpd.GeoSeries(communes.geometry.reindex(order), crs=communes.crs)
    arcs = encode_arcs(shapes, communes[CODE_DEPARTEMENT].reindex(order))
    streams: Json = {name: Bytes(content) for name, content in arcs.streams.items()}
    return {**arcs.head, "many": MANY, "streams": streams}


def _limits(diagnostic: Diagnostic, lang: str) -> Json:
    sources = [
        {"cite": source.cite(), "licence": source.licence, "url": source.landing_page or source.url}
        for source in diagnostic.sources
    ]
    notes = [note.en if lang == "en" else note.fr for note in diagnostic.warnings]
    fewer = len(diagnostic.territory.communes) > COUNTRY
    notes += [TEXTS[lang]["country"]] if fewer else []
    return {"warnings": list(dict.fromkeys(notes)), "sources": sources, "settings": conventions(diagnostic, lang)}


def _reference(diagnostic: Diagnostic) -> str:
    given = diagnostic.settings.get("reference")
    return text(given.get("nom", "")) if isinstance(given, Mapping) else ""
