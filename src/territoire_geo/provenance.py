"""What a run used, and what is no longer as it was when a recipe was last used."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from territoire_geo.tables import Source


def sha256(path: Path) -> str:
    """
    Hash a file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    sha256
        In hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Difference:
    """Something that is not as it was when the recipe was last used, in French and in English."""

    fr: str
    en: str


def differences(used: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """
    Tell what is not as it was when a recipe was last used.

    Parameters
    ----------
    used
        What was written back; empty when nothing was.
    now
        The same, of this run.

    Returns
    -------
    differences
        One by version, method or geography that changed, by source (vintage before → after), by file.
    """
    if not used:
        return ()
    found = []
    labels = (("version", "version", "version"), ("method", "méthode", "method"), ("cog_year", "COG", "COG"))
    for key, fr, en in labels:
        old, new = used.get(key), now.get(key)
        if old is not None and old != new:
            found.append(Difference(f"{fr} : {old} → {new}.", f"{en}: {old} → {new}."))
    old_sources, new_sources = (
        {str(one.get("id")): one for one in side.get("sources", []) if isinstance(one, Mapping)} for side in (used, now)
    )
    for name in sorted(old_sources.keys() | new_sources.keys()):
        found += _source_changed(name, old_sources.get(name), new_sources.get(name))
    old_files, new_files = (dict(side.get("files", {})) for side in (used, now))
    found += [
        Difference(f"Fichier modifié : {name}.", f"File changed: {name}.")
        for name in sorted(old_files.keys() & new_files.keys())
        if old_files[name] != new_files[name]
    ]
    return tuple(found)


def _source_changed(name: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Difference]:
    if new is None:
        return [Difference(f"Source qui n'est plus lue : {name}.", f"Source no longer read: {name}.")]
    if old is None:
        return [Difference(f"Nouvelle source : {name}.", f"New source: {name}.")]
    if old.get("sha256", "") == new.get("sha256", "") and old.get("millesime", "") == new.get("millesime", ""):
        return []
    before, after = (str(one.get("millesime", "")) or "?" for one in (old, new))
    title = str(new.get("title", name))
    fr = f"Source modifiée : {title} ({before} → {after})."
    return [Difference(fr, f"Source changed: {title} ({before} → {after}).")]


def used_by(
    settings: Mapping[str, object], sources: Iterable[Source], files: Mapping[str, Path], *, version: str
) -> dict[str, Any]:
    """
    Tell what a run used, enough to see whether another uses the same.

    Parameters
    ----------
    settings
        Of the diagnostic.
    sources
        Of the diagnostic.
    files
        Role ("minutes", "session 1"...) -> file.
    version
        Of the library.

    Returns
    -------
    used_by
        version, method, territory, name, cog_year, buffer_km, sources (id, producer, title, millesime, sha256), files
        (role -> sha256).
    """
    kept = {key: settings.get(key) for key in ("method", "territory", "name", "cog_year", "buffer_km")}
    cited = [
        {key: getattr(one, key) for key in ("id", "producer", "title", "millesime", "sha256")}
        for one in sorted(sources, key=lambda one: (one.id, one.sha256))
    ]
    return {"version": version, **kept, "files": {name: sha256(path) for name, path in files.items()}, "sources": cited}
