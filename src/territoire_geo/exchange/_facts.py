"""What a diagnostic is, as facts in JSON: version, settings, sources, warnings; and the file of sources."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from pathlib import Path

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._drafts import drafts


def write_sources(diagnostic: Diagnostic, path: str | PathLike[str]) -> Path:
    """
    Write where the figures come from, as JSON: version, territory, settings, sources, warnings.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    path
        The file to write; its folder is made if needed, a file of this name is replaced.

    Returns
    -------
    write_sources
        The path of the file.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be written.
    """
    target = Path(path)
    told = facts(diagnostic)
    territory = {key: told.pop(key) for key in ("name", "code", "cog_year", "communes", "buffer_km")}
    text = as_json({"version": told.pop("version"), "territory": territory, **told}, indent=2)
    with drafts(target.parent, target) as folder:
        draft = folder / "draft.json"
        draft.write_text(text + "\n", encoding="utf-8", newline="\n")
        draft.replace(target)
    return target


def facts(diagnostic: Diagnostic) -> dict[str, object]:
    """
    Gather what a diagnostic is, JSON-ready.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    facts
        version, name, code, cog_year, communes, buffer_km, settings, sources and warnings.
    """
    territory = diagnostic.territory
    return {
        "version": version("territoire-geo"),
        "name": territory.name,
        "code": territory.code,
        "cog_year": territory.cog_year,
        "communes": len(territory.core),
        "buffer_km": territory.buffer_km,
        "settings": dict(diagnostic.settings),
        "sources": [asdict(source) for source in diagnostic.sources],
        "warnings": [{"category": n.category.__name__, "fr": n.fr, "en": n.en} for n in diagnostic.warnings],
    }


def as_json(value: object, *, indent: int | None = None) -> str:
    """
    Write a value as JSON, accents as they are.

    Parameters
    ----------
    value
        Texts, numbers, lists and mappings; NaN is an error.
    indent
        Of each level; one line when None.

    Returns
    -------
    as_json
        The text.
    """
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=_default)


def _default(value: object) -> object:
    if isinstance(value, Mapping):  # a read-only view of a dict
        return dict(value)
    raise TypeError(
        f"{value!r} ({type(value).__name__}) has no JSON form. Settings are text, numbers, lists, mappings."
    )
