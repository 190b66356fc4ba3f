"""The directory of a commune: who helps and who hires within reach, in plain words, to print for jobseekers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.columns import AREA, CODE_COMMUNE, CODE_DEPARTEMENT, KIND, KINDS, NOM_COMMUNE
from territoire_geo.facilities import CHILDCARE
from territoire_geo.maps._resources import by_table, text
from territoire_geo.maps._texts import KIND_NAMES, number
from territoire_geo.maps._typography import typeset
from territoire_geo.needs.childcare import CRECHES
from territoire_geo.report._commune_near import (
    Row,
    check,
    clipped,
    convention,
    heading,
    label,
    listed,
    minutes_said,
    rule,
    within,
)
from territoire_geo.report._commune_words import KINDS_SAID, SAID, TRADES_SAID
from territoire_geo.report._render import render, write_page
from territoire_geo.trades import UNTOLD, answering, division, plain
from territoire_geo.travel import (
    CARPOOL,
    DIGITAL,
    DRIVING_SCHOOL,
    FRANCE_SERVICES,
    SCENARIO,
    STATION,
    STRUCTURE_MINUTES,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from territoire_geo.diagnostic import Diagnostic

_NEAREST: Final = 8  # places written by type; the others are counted
_NAME: Final = 120  # letters kept of a name or an address
# Group -> types of places, in the order of the page; any other type comes last.
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "move": (STATION, CARPOOL, DRIVING_SCHOOL),
    "services": (FRANCE_SERVICES, f"{FRANCE_SERVICES}_itinerante", DIGITAL),
    "children": (CHILDCARE, *CRECHES),
    "other": (),
}
_CORSICA: Final = {"2A": "20", "2B": "20"}  # its post codes kept the old number


def write_directory(diagnostic: Diagnostic, code: str, path: str | os.PathLike[str], *, lang: str = "fr") -> Path:
    """
    Write the directory of the resources within 30 minutes of a commune, for jobseekers.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    code
        Code of a commune of the core, such as "39198".
    path
        Where; its suffix chooses, .html or .pdf.
    lang
        "fr" or "en".

    Returns
    -------
    write_directory
        The path. Structures whose place is unknown are listed apart: they may be near. Minutes to structures are those
        of the diagnostic, minutes to the other places follow the straight-line convention.

    Raises
    ------
    UnknownTerritoryError
        If the commune is not of the core.
    ValueError
        If the language is another one.
    MissingExtraError
        If a PDF is asked for and no browser can print it.
    TerritoireGeoError
        If the suffix is another one, or the file cannot be written.
    """
    check(diagnostic, code, lang)
    said = SAID[lang]
    near = within(diagnostic, code, STRUCTURE_MINUTES)
    places = places_near(diagnostic, code, STRUCTURE_MINUTES)
    apart, elsewhere = unplaced(diagnostic)
    limit = number(STRUCTURE_MINUTES, 0, lang)
    head = heading(diagnostic, code, lang)
    told = {
        **head,
        "title": said["directory_title"].format(head["name"]),
        "lead": _lead(len(near), len(places), lang),
        "none": said["work_none"].format(limit),
        "listed": listed(diagnostic, code),
        "nothing": near.empty and places.empty,
        "kinds": _by_kind(diagnostic, near, lang),
        "unplaced": [_structure(diagnostic, kind, row, lang) for kind, row in _rows(apart)],
        "elsewhere": _counted("elsewhere", elsewhere, lang, limit),
        "groups": _groups(diagnostic, places, lang),
        "rule": rule(diagnostic.settings, lang),
        "vintage": _vintage(diagnostic, lang),
        "places_rule": convention(diagnostic.settings, "directory_places_rule", lang)
        if len(places) and by_table(diagnostic.settings)
        else "",
        "sources": [typeset(one, lang) for one in _sources(diagnostic)],
    }
    return write_page(render("directory.html", {"said": said, "directory": told}, lang=lang), path)


def places_near(diagnostic: Diagnostic, code: str, minutes: float) -> pd.DataFrame:
    """
    List the places other than structures within reach of a commune, the nearest first.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    code
        Code of a loaded commune.
    minutes
        Limit by car [minutes], included.

    Returns
    -------
    places_near
        The columns of `Diagnostic.facilities` but the geometry, and `minutes`: straight line at the settings' speed and
        detour; inside its commune, a place known by it alone takes half the radius of its disc. What a scenario adds
        is left out: it does not exist yet.
    """
    frame, communes = diagnostic.facilities, diagnostic.territory.communes
    frame = frame[frame["type"] != SCENARIO]
    pace = float(str(diagnostic.settings["detour"])) * 60 / float(str(diagnostic.settings["speed_kmh"]))
    start = diagnostic.territory.points[code]
    km = gpd.GeoSeries(frame.geometry, crs=frame.crs).distance(start) / 1000
    own = 0.5 * np.sqrt(float(str(communes.at[code, AREA])) / np.pi)
    inside = frame["approximate"] & (frame[CODE_COMMUNE] == code)
    found = pd.DataFrame(frame.drop(columns="geometry")).assign(minutes=km.mask(inside, own) * pace)
    found = found.assign(city=communes[NOM_COMMUNE].astype("str").reindex(found[CODE_COMMUNE]).to_numpy())
    return found[found["minutes"] <= minutes].sort_values(["minutes", "city"], kind="stable")


def unplaced(diagnostic: Diagnostic) -> tuple[pd.DataFrame, int]:
    """
    List the structures whose place is not known, which may be near.

    Parameters
    ----------
    diagnostic
        The diagnostic.

    Returns
    -------
    unplaced
        The columns of `Diagnostic.structures` but the geometry; and how many are left out, because their post code is
        of a département that is not loaded.
    """
    frame, communes = diagnostic.structures, diagnostic.territory.communes
    missing = frame.geometry.isna() | frame.geometry.is_empty
    if CODE_COMMUNE in frame:
        missing &= ~frame[CODE_COMMUNE].isin(communes.index)
    table = pd.DataFrame(frame[missing].drop(columns="geometry"))
    if "post_code" not in table:
        return table, 0
    here = communes[CODE_DEPARTEMENT].astype("str").replace(_CORSICA).str[:2].unique()
    start = pd.Series([text(code)[:2] for code in table["post_code"]], index=table.index, dtype="str")
    near = start.isin([*here, ""])
    return table[near], int((~near).sum())


def site(website: str) -> tuple[str, str]:
    """
    Tell how the site of a structure may be shown.

    Parameters
    ----------
    website
        As its producer wrote it.

    Returns
    -------
    site
        Text and link: the link is "" when it is not plainly of the web, both are when it holds an address to write to.
    """
    words = website.strip()
    if "@" in words:
        return "", ""
    try:
        parts = urlsplit(words)
    except ValueError:
        return clipped(words, _NAME), ""
    plainly = parts.scheme in {"http", "https"} and bool(parts.hostname) and words.isprintable() and " " not in words
    return clipped(words, _NAME), words if plainly else ""


def _lead(structures: int, places: int, lang: str) -> str:
    said, limit = SAID[lang], number(STRUCTURE_MINUTES, 0, lang)
    if not structures and not places:
        return said["directory_nothing"].format(limit)
    counts = (("count_structure", structures), ("count_place", places))
    told = [said[f"{name}s" if many > 1 else name].format(number(many, 0, lang)) for name, many in counts if many]
    return said["directory_lead"].format(said["and"].join(told), limit)


def _vintage(diagnostic: Diagnostic, lang: str) -> str:
    """Say of when the list of structures is."""
    told = [one.millesime for one in diagnostic.table_sources.get("structures", ()) if one.millesime]
    return SAID[lang]["directory_vintage"].format(clipped(", ".join(dict.fromkeys(told)))) if told else ""


def _counted(name: str, many: int, lang: str, limit: str) -> str:
    if many <= 0:
        return ""
    return SAID[lang][name if many > 1 else f"{name}_one"].format(number(many, 0, lang), limit)


def _rows(table: pd.DataFrame) -> list[tuple[str, Row]]:
    rows: list[Row] = table.to_dict("records")
    return list(zip(table.index.get_level_values(KIND), rows, strict=True))


def _by_kind(diagnostic: Diagnostic, near: pd.DataFrame, lang: str) -> list[Row]:
    """Group the structures by kind, in the order of the law, the nearest first."""
    rows = _rows(near)
    present = {kind for kind, _ in rows}
    order = [kind for kind in KINDS if kind in present] + sorted(present - set(KINDS))
    return [
        {
            "kind": kind,
            "name": KIND_NAMES[lang].get(kind, kind),
            "help": KINDS_SAID[lang].get(kind, ""),
            "rows": [_structure(diagnostic, kind, row, lang) for other, row in rows if other == kind],
        }
        for kind in order
    ]


def _structure(diagnostic: Diagnostic, kind: str, row: Row, lang: str) -> Row:
    said = SAID[lang]
    name, brand, street, town = (
        clipped(_text(row, *given), _NAME) for given in (("name",), ("brand",), ("address",), ("post_code", "city"))
    )
    shown, link = site(_text(row, "website"))
    levels = {level.value for level in ANSWERING}
    # What every structure of the kind does is said once, above.
    helped = [need for need in diagnostic.needs if row.get(need.id) in levels and kind not in need.kinds_declared]
    naf = plain(_text(row, "naf"))
    minutes = row.get("minutes", float("nan"))
    unknown = not isinstance(minutes, float) or np.isnan(minutes)
    return {
        "name": brand or name or said["unnamed"],
        "other": name if brand and brand.casefold() != name.casefold() else "",
        "kind": kind,
        "minutes": said["no_minutes"] if unknown else minutes_said(float(str(minutes)), lang),
        "trade": "" if naf in answering(UNTOLD) else TRADES_SAID[lang].get(division(naf), ""),
        "helps": ", ".join(label(need, lang) for need in helped),
        "address": ", ".join(part for part in (street, town) if part),
        "site": shown,
        "link": link,
    }


def _text(row: Row, *names: str) -> str:
    values = (text(row.get(name)).strip() for name in names)
    return " ".join(value for value in values if value)


def _groups(diagnostic: Diagnostic, places: pd.DataFrame, lang: str) -> list[Row]:
    """Group the places by what they are for, then by type, the nearest first."""
    said, known = SAID[lang], {name for types in _GROUPS.values() for name in types}
    others = tuple(name for name in dict.fromkeys(diagnostic.facilities["type"]) if name not in known)
    groups: list[Row] = []
    for group, types in _GROUPS.items():
        frames = [places[places["type"] == name] for name in types or others]
        parts = [_type(frame, lang) for frame in frames if len(frame)]
        if parts:
            groups.append({"name": said[f"group_{group}"], "help": said[f"group_{group}_help"], "types": parts})
    return groups


def _type(frame: pd.DataFrame, lang: str) -> Row:
    words = str(frame["label_en" if lang == "en" else "label"].iloc[0])
    rows = [_place(row, words, lang) for row in frame.head(_NEAREST).to_dict("records")]
    more = _counted("places_more", len(frame) - _NEAREST, lang, number(STRUCTURE_MINUTES, 0, lang))
    return {"name": typeset(words, lang), "rows": rows, "more": more}


def _place(row: Row, words: str, lang: str) -> Row:
    """Describe a place; a name that only repeats its type is left out for its commune."""
    said = SAID[lang]
    name, city = clipped(str(row["name"]), _NAME), clipped(str(row["city"]), _NAME)
    plainly = not name or name.casefold() in {str(row["label"]).casefold(), str(row["label_en"]).casefold()}
    amount, unit = float(str(row["amount"])), str(row["amount_unit"])
    held = ""
    if not np.isnan(amount) and unit:
        count = number(amount, 0, lang)
        held = said["units_places"].format(count) if unit == "places" else ""
        held = said["several"].format(count) if unit != "places" and amount > 1 else held
    return {
        "name": city if plainly else name,
        "city": "" if plainly or name == city else city,
        "held": typeset(held, lang),
        "minutes": minutes_said(float(str(row["minutes"])), lang),
        "type": words,
    }


def _sources(diagnostic: Diagnostic) -> list[str]:
    names = ("structures", "activities", "facilities", "places", "childcare_places")
    found = [source.cite() for name in names for source in diagnostic.table_sources.get(name, ())]
    return list(dict.fromkeys(found))
