"""From figures to a page: the templates, what they may call, and the file that is written."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from jinja2 import BaseLoader, ChoiceLoader, DictLoader, PackageLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from territoire_geo.errors import TerritoireGeoError
from territoire_geo.maps._browser import render_pdf
from territoire_geo.maps._files import write_whole
from territoire_geo.maps._texts import number
from territoire_geo.maps._typography import typeset
from territoire_geo.report._words import WORDS
from territoire_geo.sentences import FEW

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

MINE: Final = "mine.html"
_FORMATS: Final = (".html", ".htm", ".pdf")


def render(
    name: str, context: Mapping[str, object], *, lang: str, template: str | os.PathLike[str] | None = None
) -> str:
    """
    Fill a template; every text is escaped.

    Parameters
    ----------
    name
        Of a template of the package, such as "report.html".
    context
        What it may name.
    lang
        "fr" or "en".
    template
        A file of the reader's own, which is filled instead: it may extend the package's (`{% extends "report.html" %}`)
        and override its blocks.

    Returns
    -------
    render
        The page.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be read, or the template names something that is not there.
    """
    loaders: list[BaseLoader] = [PackageLoader("territoire_geo.report", "templates")]
    if template is not None:
        loaders.insert(0, DictLoader({MINE: _own(Path(template))}))
    # A template may come with a recipe of someone else: it reads what it is given, and reaches nothing more.
    environment = SandboxedEnvironment(
        loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "people": partial(people, lang=lang),
        "percent": partial(percent, lang=lang),
        "number": partial(figure, lang=lang),
        "typeset": partial(typeset, lang=lang),
    }
    try:
        page = environment.get_template(MINE if template is not None else name)
        return page.render(lang=lang, words=WORDS[lang], **context)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        if template is None:
            raise
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        message = f"{Path(template)}{where}: this template cannot be filled ({error}). docs/report.md lists its blocks."
        raise TerritoireGeoError(message) from error


def _own(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TerritoireGeoError(f"{path}: this template cannot be read ({error}). Give a UTF-8 file.") from error


def write_page(page: str, path: str | os.PathLike[str]) -> Path:
    """
    Write a page as HTML, or print it as a PDF.

    Parameters
    ----------
    page
        The page.
    path
        Where; its suffix chooses, .html or .pdf. Its folder is made if needed.

    Returns
    -------
    write_page
        The path.

    Raises
    ------
    MissingExtraError
        If a PDF is asked for and no browser can print it.
    TerritoireGeoError
        If the suffix is another one, or the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in _FORMATS:
        raise TerritoireGeoError(f"{target.name}: a report is written as .html or .pdf. Give one of these names.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TerritoireGeoError(f"{target}: cannot be written ({error.strerror}). Choose another folder.") from error
    if target.suffix.lower() == ".pdf":
        return render_pdf(page, target, landscape=False)
    return write_whole(target, page.encode("utf-8", "replace"))


def people(value: float | None, lang: str) -> str:
    """
    Write a count of people: "< 5" for our own estimate of fewer, in words when it is unknown.

    Parameters
    ----------
    value
        People; None or NaN unknown.
    lang
        "fr" or "en".

    Returns
    -------
    people
        Such as "1 234".
    """
    if value is None or np.isnan(value):
        return WORDS[lang]["unknown"]
    return "<\u00a05" if 0 < value < FEW else number(value, 0, lang)


def percent(share: float | None, lang: str, decimals: int = 0) -> str:
    """
    Write a share in percent.

    Parameters
    ----------
    share
        0 to 1; None or NaN unknown.
    lang
        "fr" or "en".
    decimals
        How many to write.

    Returns
    -------
    percent
        Such as "12 %".
    """
    if share is None or np.isnan(share):
        return WORDS[lang]["unknown"]
    return number(100 * share, decimals, lang) + ("\u00a0%" if lang == "fr" else "%")


def figure(value: float | None, lang: str, decimals: int = 0) -> str:
    """
    Write a number.

    Parameters
    ----------
    value
        None or NaN unknown.
    lang
        "fr" or "en".
    decimals
        How many to write.

    Returns
    -------
    figure
        Such as "1 234,5".
    """
    return WORDS[lang]["unknown"] if value is None or np.isnan(value) else number(value, decimals, lang)
