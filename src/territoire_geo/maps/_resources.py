"""Structures, facilities and the trips to them as data for the page."""

from collections.abc import Mapping
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo.columns import AREA, CODE_COMMUNE, KIND, KINDS, SIAE_KINDS, SIRET
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._blob import Column, Rows
from territoire_geo.maps._texts import KIND_NAMES, people
from territoire_geo.maps._theme import Json
from territoire_geo.measures import Level
from territoire_geo.reach import structure_reach

_SURE: Final = 0.7  # a geocoding score under this may be wrong by a street or a town
_PLAIN: Final = ("naf", "brand", "address", "post_code", "city", "website")
_DEGREES, _METRES, _MINUTES = 5, 1, 2  # decimals that the page keeps: a metre, a decimetre, a hundredth of a minute


def kinds(diagnostic: Diagnostic, lang: str) -> list[Json]:
    """
    Name the kinds of structures that are there.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    lang
        "fr" or "en".

    Returns
    -------
    kinds
        id, name, whether it is a SIAE, and count, in the order of the law.
    """
    found = diagnostic.structures.index.get_level_values(KIND).value_counts()
    known = [*KINDS, *sorted(set(found.index) - set(KINDS))]
    return [
        {"id": kind, "name": KIND_NAMES[lang].get(kind, kind), "siae": kind in SIAE_KINDS, "count": int(found[kind])}
        for kind in known
        if kind in found.index
    ]


def structures(diagnostic: Diagnostic, order: pd.Index) -> Rows:
    """
    Describe the structures.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    order
        Codes of the communes, in the order of the page.

    Returns
    -------
    structures
        In the order of the table: siret, kind, name, what is known of the address ("" unknown), `lat` and `lon`
        [degrees, NaN without coordinates], `commune` (position, NaN unknown), `sure` (1 when the position is),
        `posts` (NaN unknown), `levels` (the rank of each need's among those of `Level`, one figure by need) and
        `people0`, `people1`... by need.
    """
    frame = diagnostic.structures
    keys = frame.index.to_frame(index=False)
    points = gpd.GeoSeries(frame.geometry, crs=frame.crs).to_crs(4326)
    here = (points.notna() & ~points.is_empty).to_numpy(dtype="bool")
    lat, lon = (np.where(here, side, np.nan) for side in (points.y, points.x))
    position = order.get_indexer(pd.Index(_communes(diagnostic))).astype("float64")
    score, posts = (_numbers(frame, name).to_numpy() for name in ("geocoding_score", "postes"))
    needs = [need.id for need in diagnostic.needs]
    levels = frame.reindex(columns=needs).astype("object").fillna(Level.UNKNOWN.value)
    marks = {level.value: str(rank) for rank, level in enumerate(Level)}
    fields: dict[str, Column | list[object]] = {
        **{name: [text(value) for value in keys[name]] for name in (SIRET, KIND)},
        **{name: [text(value) for value in frame[name]] for name in ("name", *_PLAIN) if name in frame},
        "lat": Column(lat, _DEGREES),
        "lon": Column(lon, _DEGREES),
        "commune": Column(np.where(position < 0, np.nan, position)),
        "sure": Column((np.isnan(score) | (score >= _SURE)).astype("float64")),
        "posts": Column(posts, 1),
        "levels": ["".join(marks[str(level)] for level in row) for row in levels.to_numpy()],
        **{f"people{rank}": _people(_numbers(frame, f"people_{need}")) for rank, need in enumerate(needs)},
    }
    return Rows(len(frame), fields)


def _people(values: "pd.Series[float]") -> Column:
    return Column([np.nan if value is None else value for value in people(values)])


def _communes(diagnostic: Diagnostic) -> "pd.Series[str]":
    """Find the commune of each structure: that of its point, else the one it names; "" when neither is loaded."""
    frame = diagnostic.structures
    found = diagnostic.territory.locate(gpd.GeoSeries(frame.geometry, crs=frame.crs))
    named = (
        frame[CODE_COMMUNE].astype("str") if CODE_COMMUNE in frame else pd.Series("", index=frame.index, dtype="str")
    )
    missing = frame.geometry.isna() | frame.geometry.is_empty
    return found.mask(missing, named).fillna("")


def facilities(diagnostic: Diagnostic, order: pd.Index, lang: str, *, few: int) -> Json:
    """
    Describe the other supply points, by column.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    order
        Codes of the communes, in the order of the page.
    lang
        "fr" or "en".
    few
        Communes above which a facility with coordinates does not name its commune, and stands within ten metres.

    Returns
    -------
    facilities
        `types` (id, label, unit: "places", "équipements" or "", count) and by facility: `type` (position in `types`),
        `name` ("" without one), `lat` and `lon` [degrees, None at the point of its commune], `commune` (position),
        `amount` [unit of its type, None unknown].
    """
    frame = diagnostic.facilities
    label = frame["label_en" if lang == "en" else "label"]
    seen = frame.assign(said=label.to_numpy()).groupby("type", sort=False)
    shown = seen.agg(said=("said", "first"), unit=("amount_unit", "first"), count=("said", "size")).sort_values("said")
    points = gpd.GeoSeries(frame.geometry, crs=frame.crs).to_crs(4326)
    exact = ~frame["approximate"].to_numpy(dtype="bool")
    lat, lon = (np.where(exact, side, np.nan) for side in (points.y, points.x))
    position = order.get_indexer(pd.Index(frame[CODE_COMMUNE]))
    degrees = _DEGREES - 1 if len(order) > few else _DEGREES  # ten metres over a country
    types: list[Json] = [
        {"id": str(name), "label": text(said), "unit": str(unit), "count": int(count)}
        for name, said, unit, count in shown.itertuples()
    ]
    return {
        "types": types,
        "type": Column(shown.index.get_indexer(pd.Index(frame["type"]))),
        "name": [text(name) for name in frame["name"]],
        "lat": Column(lat, degrees),
        "lon": Column(lon, degrees),
        "commune": Column(np.where(exact & (len(order) > few), np.nan, position)),
        "amount": Column(frame["amount"].to_numpy(dtype="float64"), 1),
    }


def travel(diagnostic: Diagnostic, order: pd.Index) -> Json:
    """
    Give what the page needs to know the minutes by car from communes to structures.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    order
        Codes of the communes, in the order of the page.

    Returns
    -------
    travel
        `reach` [minutes by need within which a structure serves it], and either `rule` (kmh, detour, start [minutes]),
        `x`, `y` of communes and `sx`, `sy` of structures [metres, None unknown], `own` [minutes of a trip inside its
        commune], or `pairs`, the trips of a table: `count` by commune, then `structure` and `minutes` of each, the
        nearest first. Minutes of `pairs` are rounded up, so that what is beyond a limit stays beyond it.
    """
    reach = [structure_reach(need) for need in diagnostic.needs]
    if by_table(diagnostic.settings):
        return {"reach": reach, "rule": None, "pairs": _pairs(diagnostic, order)}
    speed, detour = (_setting(diagnostic.settings, name) for name in ("speed_kmh", "detour"))
    x, y = _metres(gpd.GeoSeries(diagnostic.territory.points.reindex(order)))
    sx, sy = _metres(gpd.GeoSeries(diagnostic.structures.geometry))
    area = diagnostic.territory.communes[AREA].reindex(order).to_numpy(dtype="float64")
    own = 0.5 * np.sqrt(area / np.pi) * detour * 60 / speed
    # Only a structure known by its commune alone takes the minutes of a trip inside it.
    unplaced = order.isin(_communes(diagnostic)[np.isnan(sx)])
    return {
        "reach": reach,
        "rule": {"kmh": speed, "detour": detour, "start": 0.0},
        "pairs": None,
        "x": Column(x, _exact(x)),
        "y": Column(y, _exact(y)),
        "sx": Column(sx, _METRES),
        "sy": Column(sy, _METRES),
        "own": Column(np.where(unplaced, own, np.nan), 4),
    }


def _exact(values: np.ndarray) -> int:
    """Count the decimals to keep: none when the metres are whole, as those of the embedded base are."""
    known = values[np.isfinite(values)]
    return 0 if (known == np.rint(known)).all() else _METRES


def by_table(settings: Mapping[str, object]) -> bool:
    """
    Tell whether the minutes by car come from a table.

    Parameters
    ----------
    settings
        Of the diagnostic.

    Returns
    -------
    by_table
        False under the straight-line convention.
    """
    modes = settings.get("travel")
    return isinstance(modes, Mapping) and modes.get("car") == "table"


def _setting(settings: Mapping[str, object], name: str) -> float:
    value = settings[name]
    if not isinstance(value, int | float):
        raise TypeError(f"settings: {name} is {value!r}, not a number.")
    return float(value)


def _metres(points: gpd.GeoSeries) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates, NaN for a point that is missing or empty."""
    held = (points.notna() & ~points.is_empty).to_numpy(dtype="bool")
    xy = np.full((len(points), 2), np.nan)
    xy[held] = shapely.get_coordinates(np.asarray(points[held], dtype=object))
    return xy[:, 0], xy[:, 1]


def _pairs(diagnostic: Diagnostic, order: pd.Index) -> Json:
    trips = diagnostic.trips
    book: pd.MultiIndex = trips.index  # type: ignore[assignment] # the contract of the diagnostic
    start = order.get_indexer(book.levels[0])[book.codes[0]]
    end = diagnostic.structures.index.get_indexer(book.droplevel(0))
    ranked = np.argsort(start, kind="stable")  # of each commune, the nearest first
    up = np.ceil(trips.to_numpy(dtype="float64")[ranked] * 10**_MINUTES - 1e-6) / 10**_MINUTES
    return {
        "count": Column(np.bincount(start, minlength=len(order))),
        "structure": Column(end[ranked]),
        "minutes": Column(up, _MINUTES),
    }


def places(points: gpd.GeoSeries) -> list[list[float] | None]:
    """
    Give latitudes and longitudes to about a metre.

    Parameters
    ----------
    points
        Points, in any CRS.

    Returns
    -------
    places
        Pairs; None for a point that is missing or empty.
    """
    degrees = points.to_crs(4326)
    held = degrees.notna() & ~degrees.is_empty
    found = iter(shapely.get_coordinates(np.asarray(degrees[held], dtype=object))[:, ::-1].round(_DEGREES).tolist())
    return [next(found) if there else None for there in held]


def text(value: str | float | None) -> str:
    """
    Read a text that may be missing.

    Parameters
    ----------
    value
        Text, or NaN.

    Returns
    -------
    text
        "" when it is missing.
    """
    return "" if pd.isna(value) else str(value)


def _numbers(frame: pd.DataFrame, name: str) -> "pd.Series[float]":
    if name not in frame:
        return pd.Series(float("nan"), index=frame.index)
    return frame[name].astype("float64")
