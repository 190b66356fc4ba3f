"""The first pages of the report: perimeter and method, portrait, and a section by need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NOM_COMMUNE, POPULATION
from territoire_geo.maps._conventions import conventions
from territoire_geo.maps._figures import column, of_need, unmet_share
from territoire_geo.maps._theme import Options
from territoire_geo.maps._themes import label_of, need_themes
from territoire_geo.maps._typography import singular, typeset
from territoire_geo.messages import Message, headlines, key_messages
from territoire_geo.report._render import figure
from territoire_geo.report._svg import Canvas, circles, draw, fills_of, strip
from territoire_geo.report._words import WORDS

if TYPE_CHECKING:
    from territoire_geo.comparisons import Told
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.maps._theme import Theme
    from territoire_geo.measures import Measure, Need

Facts = dict[str, object]
ROWS: Final = 4  # communes in the table of a need
MULTIPLES: Final = 14  # measures of the portrait: two columns of seven
FIVE: Final = 5  # classes that are all shown; of more, those that hold a commune
CIRCLE: Final = "#f4b942"
PALE: Final = "#dfe7f1"
_WITHOUT: Final = "bike"  # its gap unit is a quantity to compare, not to read


def said(message: Message | Told, lang: str) -> Facts:
    """
    Give a message in the language of the readers.

    Parameters
    ----------
    message
        The message.
    lang
        "fr" or "en".

    Returns
    -------
    said
        text and caution, "" when there is none.
    """
    text, caution = (message.en, message.caution_en) if lang == "en" else (message.fr, message.caution_fr)
    return {"text": typeset(text, lang), "caution": typeset(caution, lang)}


def perimeter(diagnostic: Diagnostic, drawn: Canvas | None, lang: str) -> Facts:
    """
    Tell what the diagnostic is about, what it was asked for, and its needs in one table.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    drawn
        Its canvas, None without a polygon.
    lang
        "fr" or "en".

    Returns
    -------
    perimeter
        name, communes, population, conventions (pairs), messages, rows by need and map.
    """
    territory = diagnostic.territory
    inhabitants = territory.communes[POPULATION].reindex(territory.core)
    names = territory.communes[NOM_COMMUNE].reindex(territory.core)
    blank = pd.Series(PALE, index=territory.core, dtype="str")
    label = f"{WORDS[lang]['map_locator']} ({territory.name})"
    return {
        "name": territory.name,
        "communes": len(territory.core),
        "named": ", ".join(names.dropna().astype("str")) if len(names) <= 60 else "",  # noqa: PLR2004 - three lines
        "population": float(inhabitants.sum(min_count=1)) if inhabitants.notna().all() else float("nan"),
        "conventions": [[typeset(text, lang) for text in pair] for pair in conventions(diagnostic, lang)],
        "messages": [said(message, lang) for message in headlines(diagnostic)],
        "rows": [_need_row(diagnostic, need, row, lang) for need, row in _summary(diagnostic)],
        "map": None if drawn is None else draw(drawn, blank, label=label),
    }


def _summary(diagnostic: Diagnostic) -> list[tuple[Need, pd.Series]]:
    summary = diagnostic.summary()
    return list(zip(diagnostic.needs, (row for _, row in summary.iterrows()), strict=True))


def _need_row(diagnostic: Diagnostic, need: Need, row: pd.Series, lang: str) -> Facts:
    unit = need.gap_unit_en if lang == "en" else need.gap_unit
    units = float(row["unmet_units"])
    unit = singular(unit) if units < 2 and lang == "fr" else unit  # noqa: PLR2004 - French: the plural begins at two
    readable = need.mode != _WITHOUT and np.isfinite(units)
    return {
        "label": label_of(need, lang),
        "demand": row["demand"],
        "unmet": row["unmet_people"],
        "low": row["low"],
        "high": row["high"],
        "share": row["share"],
        "missing": f"{figure(units, lang, 0 if units >= 5 else 1)} {unit}" if readable else "–",  # noqa: PLR2004
        "norm": typeset(str(diagnostic.targets.at[need.id, "label_en" if lang == "en" else "label"]), lang),
        "known": row["known_share"],
        "unknown": int(row["unknown"]),
    }


def portrait(diagnostic: Diagnostic, lang: str) -> Facts:
    """
    Hold the territory beside its reference, measure by measure, with the spread of its communes.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    lang
        "fr" or "en".

    Returns
    -------
    portrait
        there (the reference's name) and panels: label, unit, here, there, decimals, chart, known (0-1), fragile.
    """
    there = _reference(diagnostic)
    panels = [_panel(diagnostic, diagnostic.definitions[name], lang) for name in _shown(diagnostic)]
    return {"there": there, "read": WORDS[lang]["portrait_read"].format(there=there), "panels": panels}


def _reference(diagnostic: Diagnostic) -> str:
    given = diagnostic.settings.get("reference")
    return str(given.get("nom", "")) if isinstance(given, dict) else ""


def _shown(diagnostic: Diagnostic) -> list[str]:
    """Take the measures that compare: ratios whose values here and there are known, in the order of the list."""
    book = diagnostic.definitions
    both = [
        name
        for name in diagnostic.computed
        if book[name].denominator is not None
        and np.isfinite(diagnostic.totals.get(name, np.nan))
        and np.isfinite(diagnostic.references.get(name, np.nan))
    ]
    alone = [
        name
        for name in diagnostic.computed
        if name not in both and (book[name].denominator is not None or not book[name].additive)
    ]
    return [*both, *alone][:MULTIPLES]


def _panel(diagnostic: Diagnostic, measure: Measure, lang: str) -> Facts:
    values = diagnostic.measures[measure.id]
    here, there = (float(side.get(measure.id, np.nan)) for side in (diagnostic.totals, diagnostic.references))
    label = measure.label_en if lang == "en" else measure.label
    largest = np.nanmax(np.abs([here, there, *values.to_numpy(dtype="float64"), 0.0]))
    decimals = 0 if largest >= 1000 else 1 if largest >= 1 else 2  # noqa: PLR2004 - three figures or so
    told = diagnostic.indicators
    return {
        "label": typeset(label, lang),
        "unit": (measure.unit_en or measure.unit) if lang == "en" else measure.unit,
        "here": here,
        "there": there,
        "decimals": decimals,
        "least": float(values.min()),
        "most": float(values.max()),
        "chart": strip(values, here, there, label),
        "known": float(told["known_share"].get(measure.id, np.nan)),
        "fragile": float(told["fragile"].get(measure.id, np.nan)),
    }


def need_section(diagnostic: Diagnostic, need: Need, drawn: Canvas | None, lang: str) -> Facts:
    """
    Tell one need: its messages, its map, the communes that lack most.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    need
        One of its needs.
    drawn
        Its canvas, None without a polygon.
    lang
        "fr" or "en".

    Returns
    -------
    need_section
        label, messages, map, legend, rows, sources, norm and what the rows leave out.
    """
    core = diagnostic.territory.core
    theme = need_themes(diagnostic, need, core, Options(lang=lang))[0]
    table = of_need(diagnostic.coverage, need).reindex(core)
    title = f"{label_of(need, lang)} : {WORDS[lang]['map_need']}"
    signs = [] if drawn is None else circles(drawn, column(table, "unmet_people"), CIRCLE)
    return {
        "label": label_of(need, lang),
        "messages": [said(message, lang) for message in key_messages(diagnostic, need)],
        "map": None if drawn is None else draw(drawn, fills_of(theme), label=title, marks=signs),
        "legend": legend(theme, lang),
        "who": need.unmet_en if lang == "en" else need.unmet,
        "rows": _worst(diagnostic, need, table),
        "sources": ("\u00a0; " if lang == "fr" else "; ").join(theme.sources),
    }


def legend(theme: Theme, lang: str) -> list[Facts]:
    """
    Give the classes of a theme with their communes.

    Parameters
    ----------
    theme
        The theme.
    lang
        "fr" or "en".

    Returns
    -------
    legend
        label, colour and count; unknown is hatched, and what counts no commune beyond the classes is left out.
    """
    counts = theme.counts()
    classes = zip(theme.legend, counts["classes"], strict=True)  # type: ignore[call-overload]
    rows: list[Facts] = [
        {"label": label, "colour": colour, "count": count}
        for (label, colour), count in classes
        if count or len(theme.legend) <= FIVE
    ]
    for name, colour in (("unknown", "url(#hatch)"), ("nobody", "#ffffff")):
        if counts[name]:
            rows.append({"label": WORDS[lang][name], "colour": colour, "count": counts[name]})
    return rows


def _worst(diagnostic: Diagnostic, need: Need, table: pd.DataFrame) -> list[Facts]:
    near = of_need(diagnostic.reach, need)
    minutes, answering = column(near, "nearest_minutes"), column(near, "answering")
    first = table[table["unmet_people"] > 0].sort_values("unmet_people", ascending=False, kind="stable").head(ROWS)
    names = diagnostic.territory.communes[NOM_COMMUNE].rename_axis(CODE_COMMUNE)
    shares = unmet_share(first) / 100
    return [
        {
            "name": str(names.get(code, code)),
            "demand": row["demand"],
            "unmet": row["unmet_people"],
            "low": row["low"],
            "high": row["high"],
            "share": shares.get(code, np.nan),
            "minutes": minutes.get(code, np.nan),
            "none": answering.get(code, np.nan) == 0,
        }
        for code, row in first.iterrows()
    ]
