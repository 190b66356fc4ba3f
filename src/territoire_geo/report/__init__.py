"""
The diagnostic as a document: a report of at most ten printed pages, a sheet by commune, a directory of resources.

Each is one HTML file that opens without a network, or a PDF printed by a browser of the machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from territoire_geo.report._answers import actors, gap, origins, priorities, proposals, resources
from territoire_geo.report._commune import write_commune_sheet
from territoire_geo.report._directory import write_directory
from territoire_geo.report._evolution import evolution
from territoire_geo.report._render import render, write_page
from territoire_geo.report._sections import need_section, perimeter, portrait
from territoire_geo.report._svg import canvas, definitions
from territoire_geo.report._words import WORDS
from territoire_geo.sessions import debated

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from territoire_geo.comparisons import Comparison
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.sessions import Sessions

__all__ = ["write_commune_sheet", "write_directory", "write_report"]

SHEETS: Final = 8  # proposals on two pages
FEWER: Final = 5  # on one, when sessions or a comparison take their own page


def write_report(  # noqa: PLR0913 - the contract of docs/api: each is a choice of who signs the report
    diagnostic: Diagnostic,
    path: str | os.PathLike[str],
    *,
    lang: Literal["fr", "en"] = "fr",
    sessions: Sessions | None = None,
    comparison: Comparison | None = None,
    title: str = "",
    authors: str = "",
    date: str = "",
    introduction: str = "",
    template: str | os.PathLike[str] | None = None,
) -> Path:
    """
    Write a diagnostic as a report of at most ten printed pages.

    In order: perimeter and method, portrait, needs by theme, resources, needs held against resources, what has changed,
    words of the stakeholders, priorities, proposals, sources and limits. Key messages stand before charts. Every figure
    is one of the diagnostic; unknown is said in words and hatched, an estimate of fewer than five people is "< 5".

    Parameters
    ----------
    diagnostic
        What `diagnose` or `read_diagnostic` returned.
    path
        Where: .html, or .pdf (extra `browser`). Its folder is made if needed.
    lang
        Language of the readers, "fr" or "en".
    sessions
        Notes and weights of a workshop (`read_sessions`): the notes are printed, and the ranking follows the weights.
    comparison
        What has changed since another diagnostic (`compare`), for a section of its own.
    title
        Of the document; by default that of the diagnostic and the name of its territory.
    authors
        Who signs it, printed under the title.
    date
        Printed under the title, as it is.
    introduction
        A paragraph of the authors, printed before the figures as plain text.
    template
        A Jinja template that replaces or extends "report.html" (docs/report.md lists its blocks).

    Returns
    -------
    write_report
        The path.

    Raises
    ------
    ValueError
        If `lang` is neither.
    MissingExtraError
        If a PDF is asked for and Playwright or a browser is missing.
    TerritoireGeoError
        If the file or the template cannot be used.
    """
    if lang not in WORDS:
        raise ValueError(f"lang={lang!r} is not known. Give 'fr' or 'en'.")
    shown = diagnostic if sessions is None else debated(diagnostic, sessions)
    drawn = canvas(shown)
    named = title or f"{WORDS[lang]['title']}\u00a0– {shown.territory.name}"
    context = {
        "title": named,
        "authors": authors,
        "date": date,
        "introduction": introduction,
        "definitions": None if drawn is None else definitions(drawn),
        "perimeter": perimeter(shown, drawn, lang),
        "portrait": portrait(shown, lang),
        "needs": [need_section(shown, need, drawn, lang) for need in shown.needs],
        "resources": resources(shown, drawn, lang),
        "gap": gap(shown, lang),
        "evolution": evolution(comparison, lang),
        "actors": actors(shown, sessions, lang),
        "priorities": priorities(shown, drawn, lang),
        "proposals": proposals(shown, SHEETS if sessions is None and comparison is None else FEWER, lang),
        "origins": origins(shown, lang),
    }
    return write_page(render("report.html", context, lang=lang, template=template), path)
