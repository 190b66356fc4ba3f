"""What the sheet of a commune and its directory share: the commune, and the structures within its reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from territoire_geo.cog import quote
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT, CODE_EPCI, NOM_COMMUNE, POPULATION
from territoire_geo.errors import UnknownTerritoryError
from territoire_geo.maps._figures import column
from territoire_geo.maps._resources import by_table, text
from territoire_geo.maps._texts import number
from territoire_geo.maps._typography import typeset
from territoire_geo.report._commune_words import SAID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Measure, Need

Row = dict[Any, Any]  # what a template names; pandas calls its keys Hashable
_SMALL: Final = 200  # people under which the census itself calls its rates fragile
_NAME: Final = 70  # letters kept of a name: the sheet stays on its page


def check(diagnostic: Diagnostic, code: str, lang: str) -> None:
    """
    Refuse a commune out of the core, or a language that is not written.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    code
        Code of a commune.
    lang
        "fr" or "en".

    Raises
    ------
    UnknownTerritoryError
        If the commune is not of the core.
    ValueError
        If the language is another one.
    """
    if lang not in SAID:
        raise ValueError(f"lang={lang!r} is not known. Give one of 'fr', 'en'.")
    communes = diagnostic.territory.communes
    core = diagnostic.territory.core
    if code in core:
        return
    names = communes.loc[core, NOM_COMMUNE].astype("str")
    same = core[names.str.casefold() == str(code).strip().casefold()]
    meant = f"Its code is {quote(same)}." if len(same) else f"Give one of its codes ({quote(core)})."
    where = "is around the territory, not in it" if code in communes.index else "is not a commune of the territory"
    raise UnknownTerritoryError(f"code={code!r} {where} ({diagnostic.territory.name}, {len(core)} communes). {meant}")


def heading(diagnostic: Diagnostic, code: str, lang: str) -> Row:
    """
    Name a commune: where it is, and how many live there.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    code
        Code of a commune of the core.
    lang
        "fr" or "en".

    Returns
    -------
    heading
        name, code, epci and department (codes, "" unknown), territory, population in words, and `small`: whether so few
        live there that rates are fragile.
    """
    said, row = SAID[lang], diagnostic.territory.communes.loc[code].to_dict()
    count = float(row[POPULATION])
    known = not np.isnan(count)
    return {
        "name": clipped(text(row[NOM_COMMUNE]) or code),
        "code": code,
        "epci": text(row[CODE_EPCI]),
        "department": text(row[CODE_DEPARTEMENT]),
        "territory": clipped(diagnostic.territory.name),
        "territory_code": diagnostic.territory.code,
        "population": f"{number(count, 0, lang)} {said['population']}" if known else said["population_unknown"],
        "small": known and count < _SMALL,
    }


def clipped(words: str, most: int = _NAME) -> str:
    """
    Keep the beginning of a text that would not stay in its place.

    Parameters
    ----------
    words
        The text.
    most
        Letters kept.

    Returns
    -------
    clipped
        The text, or its beginning and "…".
    """
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def within(diagnostic: Diagnostic, code: str, minutes: float) -> pd.DataFrame:
    """
    List the structures within reach of a commune, the nearest first.

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
    within
        The columns of `Diagnostic.structures` but the geometry, and `minutes`; index (siret, kind).
    """
    trips = diagnostic.trips
    own = trips[trips.index.get_level_values(CODE_COMMUNE) == code].droplevel(CODE_COMMUNE).astype("float64")
    own = own[own <= minutes].sort_values(kind="stable")
    table = pd.DataFrame(diagnostic.structures.drop(columns="geometry", errors="ignore"))
    return table.reindex(own.index).assign(minutes=own.to_numpy())


def listed(diagnostic: Diagnostic, code: str) -> bool:
    """
    Tell whether the list of structures covers a commune: there, none is none.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    code
        Code of a commune of the core.

    Returns
    -------
    listed
        False where the list stops, or none is loaded.
    """
    rows = diagnostic.reach[diagnostic.reach.index.get_level_values(CODE_COMMUNE) == code]
    return bool(column(rows, "siae").notna().any())


def label(named: Need | Measure, lang: str) -> str:
    """
    Name a need or a measure.

    Parameters
    ----------
    named
        The need or measure.
    lang
        "fr" or "en".

    Returns
    -------
    label
        Its label, typeset.
    """
    return typeset(named.label_en if lang == "en" else named.label, lang)


def minutes_said(minutes: float, lang: str) -> str:
    """
    Write minutes: whole, one at least.

    Parameters
    ----------
    minutes
        By car [minutes].
    lang
        "fr" or "en".

    Returns
    -------
    minutes_said
        Such as "12 min".
    """
    return SAID[lang]["minutes"].format(number(max(round(minutes), 1), 0, lang))


def rule(settings: Mapping[str, object], lang: str) -> str:
    """
    Say what the minutes by car are.

    Parameters
    ----------
    settings
        Of the diagnostic.
    lang
        "fr" or "en".

    Returns
    -------
    rule
        One sentence.
    """
    return SAID[lang]["minutes_table"] if by_table(settings) else convention(settings, "minutes_rule", lang)


def convention(settings: Mapping[str, object], name: str, lang: str) -> str:
    """
    Say the speed and the detour of the straight-line convention.

    Parameters
    ----------
    settings
        Of the diagnostic.
    name
        Of the sentence.
    lang
        "fr" or "en".

    Returns
    -------
    convention
        One sentence.
    """
    values = [f"{float(str(settings[key])):g}" for key in ("speed_kmh", "detour")]
    return SAID[lang][name].format(*(value.replace(".", ",") if lang == "fr" else value for value in values))
