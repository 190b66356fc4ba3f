"""geo.api.gouv.fr: the communes of today, their EPCI and their contours, newer than the embedded base."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from shapely import Geometry

from territoire_geo.cog import CODE_PATTERN, check_codes, departement, quote
from territoire_geo.columns import (
    AREA,
    CODE_COMMUNE,
    CODE_DEPARTEMENT,
    CODE_EPCI,
    CODE_REGION,
    NOM_COMMUNE,
    POINT,
    POPULATION,
)
from territoire_geo.errors import CrsError, SourceFormatError, SourceUnavailableError, UnknownTerritoryError
from territoire_geo.loaders._calls import Ask
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, fetch_json
from territoire_geo.loaders._located import in_france

MAINLAND: Final = 2154
OVERSEAS: Final = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}
FIELDS: Final = "nom,code,codeEpci,codeDepartement,codeRegion,population,contour,mairie,centre"
PATTERNS: Final = (
    (r"(\d{9})", "epcis/{}/communes", "codeEpci"),
    (r"D?(\d{2}|2[AB]|97\d)", "departements/{}/communes", "codeDepartement"),
    (r"R(\d{2,3})", "communes?codeRegion={}", "codeRegion"),
    (rf"({CODE_PATTERN})", "communes/{}", "code"),
)


class _Question(NamedTuple):
    """One request: its path, and the property that every commune of the answer must have."""

    path: str
    field: str
    value: str


def fetch_communes(door: Door, code: str | Sequence[str]) -> gpd.GeoDataFrame:
    """
    Ask geo.api.gouv.fr for the communes of a territory, as they are today.

    Parameters
    ----------
    door
        The network, or its cache.
    code
        An EPCI (9 digits), a département ("39" or "D39"), a region ("R27"), a commune, or a list of communes.

    Returns
    -------
    fetch_communes
        Indexed by sorted `code_commune`, in the metric CRS of their part of France: nom_commune, code_epci (NaN in the
        few islands that have none), code_departement, code_region, population [people, NaN unknown], area_km2,
        geometry, and point: the town hall, or a point of the surface when it lies outside.

    Raises
    ------
    UnknownTerritoryError
        If the service knows no such territory, or the code has not the shape of one.
    SourceUnavailableError
        If it cannot be asked.
    SourceFormatError
        If it answers something else, such as the communes of another EPCI.
    CrsError
        If the communes lie in several parts of France.
    TableError
        If a code of the list has not the shape of one.
    """
    asked = _questions(code)
    rows = [row for question in asked for row in _rows(_answer(door, question), question)]
    return _frame(rows, ", ".join(dict.fromkeys(question.value for question in asked)))


def fetch_epci_name(door: Door, code: str) -> str:
    """
    Ask geo.api.gouv.fr for the name of an EPCI.

    Parameters
    ----------
    door
        The network, or its cache.
    code
        Its 9 digits.

    Returns
    -------
    fetch_epci_name
        For instance "CA du Grand Dole".

    Raises
    ------
    UnknownTerritoryError
        If the service knows no such EPCI.
    SourceUnavailableError
        If it cannot be asked.
    SourceFormatError
        If it answers something else.
    """

    def name(body: object) -> str:
        if not isinstance(body, dict) or body.get("code") != code or not isinstance(body.get("nom"), str):
            raise _changed(f"the EPCI {code} with its name", body)
        return str(body["nom"])

    return name(_asked(door, Ask(path=f"epcis/{code}", params=(("fields", "nom,code"),)), name, code))


def _questions(code: str | Sequence[str]) -> list[_Question]:
    if not isinstance(code, str):
        codes = pd.Index([str(one) for one in code]).unique()
        check_codes(codes, where="fetch_communes, list of communes")
        if not len(codes):
            raise UnknownTerritoryError("The list of communes is empty. Give at least one code.")
        return [_Question(f"communes/{one}", "code", one) for one in codes]
    text = code.strip().upper()
    for pattern, path, field in PATTERNS:
        match = re.fullmatch(pattern, text)
        if match:
            return [_Question(path.format(match.group(1)), field, match.group(1))]
    message = f"{code!r} is no code: give an EPCI (9 digits), a département (39), a region (R27) or communes (39198)."
    raise UnknownTerritoryError(message)


def _answer(door: Door, question: _Question) -> object:
    ask = Ask(path=question.path, params=(("fields", FIELDS), ("format", "json"), ("geometry", "contour")))
    return _asked(door, ask, lambda body: _rows(body, question), question.value)


def _asked(door: Door, ask: Ask, check: Callable[[object], object], code: str) -> object:
    try:
        return fetch_json(door, entry("geo_api"), ask, check=check)
    except SourceUnavailableError as error:
        if "answered 404" not in str(error):
            told = str(error).partition(" Try again later")[0]
            raise SourceUnavailableError(f"{told} Try again later, or keep the embedded perimeter.") from error
        message = f"geo.api.gouv.fr knows no territory of code {code!r} today. Check the code; it may have merged."
        raise UnknownTerritoryError(message) from error


def _rows(body: object, question: _Question) -> list[dict[str, Any]]:
    """Read the communes of an answer, and refuse one that is not about what was asked."""
    found: object = body
    if isinstance(body, dict) and isinstance(body.get("features"), list):
        found = [_flat(feature) for feature in body["features"]]
    elif isinstance(body, dict):
        found = [body]
    if not isinstance(found, list) or not found or not all(isinstance(row, dict) for row in found):
        raise _changed("a list of communes", body)
    rows: list[dict[str, Any]] = found
    for row in rows:
        code, name, people = row.get("code"), row.get("nom"), row.get("population")
        if not (isinstance(code, str) and re.fullmatch(CODE_PATTERN, code) and isinstance(name, str) and name):
            raise _changed("communes with a code and a name", row)
        if row.get(question.field) != question.value:
            what = f"communes of {question.field} {question.value} only (a parameter that is ignored gives others)"
            raise _changed(what, {key: row.get(key) for key in ("code", question.field)})
        if people is not None and (type(people) not in {int, float} or not 0 <= float(str(people)) < np.inf):
            raise _changed(f"the population of {code}", people)
        if not isinstance(row.get("contour"), dict):
            raise _changed(f"the contour of {code}", row.get("contour"))
    codes = pd.Index([str(row["code"]) for row in rows])
    if codes.has_duplicates:
        raise _changed("each commune once", quote(codes[codes.duplicated()]))
    return rows


def _flat(feature: object) -> object:
    """Write a GeoJSON feature as the JSON of a commune."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        return None
    return feature["properties"] | {"contour": feature.get("geometry")}


def _frame(rows: Sequence[dict[str, Any]], asked: str) -> gpd.GeoDataFrame:
    index = pd.Index([str(row["code"]) for row in rows], name=CODE_COMMUNE, dtype="str")
    epsg = _metric_crs(index, asked)
    contours = [_shape(row["contour"], str(row["code"])) for row in rows]
    halls = [_point(row.get("mairie")) or _point(row.get("centre")) for row in rows]
    names = {NOM_COMMUNE: "nom", CODE_EPCI: "codeEpci", CODE_DEPARTEMENT: "codeDepartement", CODE_REGION: "codeRegion"}
    columns = {tidy: pd.Series([row.get(name) for row in rows], index, dtype="str") for tidy, name in names.items()}
    people = pd.Series([row.get("population") for row in rows], index, dtype="float64")
    polygons = gpd.GeoSeries(contours, index=index, crs=4326).to_crs(epsg)
    frame = gpd.GeoDataFrame(columns | {POPULATION: people, AREA: polygons.area / 1e6}, geometry=polygons, crs=epsg)
    points = gpd.GeoSeries(np.array(halls, dtype=object), index=index, crs=4326).to_crs(epsg)
    frame[POINT] = points.where(points.within(polygons), polygons.representative_point())
    # Commune codes begin with that of their département, whatever the answer says of it.
    frame[CODE_DEPARTEMENT] = frame[CODE_DEPARTEMENT].fillna(pd.Series(departement(index), index))
    return frame.sort_index()


def _metric_crs(index: pd.Index, asked: str) -> int:
    overseas = index.str.startswith(("97", "98"))
    found = {OVERSEAS.get(code, 0) for code in departement(index[overseas])} | (
        {MAINLAND} if not overseas.all() else set()
    )
    if found == {0}:
        raise CrsError(f"{asked}: the communes of the overseas collectivities are not in this service. Choose others.")
    if len(found) > 1:
        raise CrsError(f"{asked}: the communes lie in several parts of France. Load one territory for each.")
    return found.pop()


def _shape(geometry: dict[str, Any], code: str) -> Geometry:
    try:
        area = shapely.geometry.shape(geometry)
    except (shapely.errors.ShapelyError, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise _changed(f"the contour of {code}", geometry) from error
    if area.geom_type not in {"Polygon", "MultiPolygon"} or area.is_empty:
        raise _changed(f"an area as the contour of {code}", area.geom_type)
    middle = area.representative_point()
    if not in_france(pd.Series([middle.x]), pd.Series([middle.y])).all():
        raise _changed(f"the contour of {code} in France", (middle.x, middle.y))
    return shapely.make_valid(area)


def _point(geometry: object) -> Geometry | None:
    """Read a point; what is not one is none, since a point of the surface stands in for it."""
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if not isinstance(coordinates, list) or len(coordinates) != 2:  # noqa: PLR2004 - longitude, latitude
        return None
    numbers = [float(value) for value in coordinates if type(value) in {int, float}]
    return shapely.Point(numbers) if len(numbers) == len(coordinates) else None


def _changed(expected: str, came: object) -> SourceFormatError:
    source = entry("geo_api")
    message = f"{source.title} (geo_api): {expected} was expected, {str(came)[:120]} came. See {source.landing_page}."
    return SourceFormatError(message)
