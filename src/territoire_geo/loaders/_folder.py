"""A folder of files to pieces: each recognised by its header, published or tidy; what is not recognised is told."""

import logging
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TerritoireGeoWarning
from territoire_geo.loaders import _base
from territoire_geo.loaders._layout import Layout
from territoire_geo.loaders._layouts import PUBLISHED, nearest, recognise
from territoire_geo.loaders._pile import Piece, Pile, Rank
from territoire_geo.loaders._read import SUFFIXES, header, read_texts, sha256
from territoire_geo.loaders._refine import pieces
from territoire_geo.loaders.insee_geography import former_from
from territoire_geo.tables import Note, Source

LOG: Final = logging.getLogger("territoire_geo")
OWN: Final = "utilisateur"
FARTHEST: Final = 20_000  # km, half the way round the world
DESCRIPTION: Final = "sources.toml"


def read_folder(pile: Pile, sources: str | Path) -> None:
    """
    Read the files of a folder into a pile; those that are not recognised are told.

    Parameters
    ----------
    pile
        What is known so far; it is filled.
    sources
        "demo", or the folder.

    Raises
    ------
    SourceUnavailableError
        If the folder does not exist.
    SourceFormatError
        If a file is damaged.
    TableError
        If a table breaks its contract.
    """
    descriptions: dict[Path, Mapping[str, object]] = {}
    for path in _files(sources):
        if not _read_file(path, pile, _entry(path, descriptions), tidy=Rank.TIDY):
            _tell_ignored(path, pile)


def read_added(pile: Pile, paths: Sequence[Path]) -> None:
    """
    Read the user's own files into a pile: they count most.

    Parameters
    ----------
    pile
        What is known so far; it is filled.
    paths
        The files.

    Raises
    ------
    SourceFormatError
        If a file is damaged, or not recognised.
    TableError
        If a table breaks its contract.
    """
    descriptions: dict[Path, Mapping[str, object]] = {}
    for path in paths:
        if not _read_file(path, pile, _entry(path, descriptions), tidy=Rank.ADDED):
            raise SourceFormatError(f"{path}: {_why(path)}")


def _files(sources: str | Path) -> list[Path]:
    folder = _base.data_folder() / "demo" if sources == "demo" else Path(sources)
    if not folder.is_dir():
        message = f"{folder}: no such folder. Pass 'demo', or the path of a folder of files."
        raise SourceUnavailableError(message)
    paths = (path for path in folder.iterdir() if not path.name.startswith(".") and path.name != DESCRIPTION)
    # A table of passage tells the former codes of the other files: it is read first.
    return sorted(paths, key=lambda path: ("passage" not in path.name.lower(), path.name))


def _entry(path: Path, descriptions: dict[Path, Mapping[str, object]]) -> Mapping[str, object]:
    """Find what the `sources.toml` of its folder says of a file; each is read once."""
    toml = path.parent / DESCRIPTION
    if toml not in descriptions:
        descriptions[toml] = _described(toml)
    entry = descriptions[toml].get(path.stem, {})
    if not isinstance(entry, Mapping):
        raise SourceFormatError(f"{toml}: {path.stem} is not a table. Write [{path.stem}].")
    return entry


def _described(toml: Path) -> Mapping[str, object]:
    if not toml.is_file():
        return {}
    try:
        return tomllib.loads(toml.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceFormatError(f"{toml}: not a readable TOML file ({error}). Correct it.") from error


def _read_file(path: Path, pile: Pile, entry: Mapping[str, object], *, tidy: Rank) -> bool:
    """Read the tables of a file; tell whether one was recognised."""
    # A missing file is told by who reads it; a pipe would be waited for.
    if path.suffix.lower() not in SUFFIXES or (path.exists() and not path.is_file()):
        return False
    source = _source(path, entry)
    unread, found = [], False
    seen: dict[frozenset[str], tuple[Layout, ...]] = {}
    for name, text in read_texts(path, partial(_wanted, seen), known=_is_known):
        former = former_from(text)
        if former is not None:
            LOG.info("%s : %d anciens codes de communes", path.name, len(former))
            pile.former |= former
            found = True
            continue
        raw, layouts = _matched(text, seen)
        if layouts and raw.empty:
            raise SourceFormatError(f"{path}: no row under the header of {name}. Fill or remove it.")
        for layout in layouts:
            rank = Rank.PUBLISHED if layout in PUBLISHED and tidy is Rank.TIDY else tidy
            given = (_attributed(source, layout, entry, raw),)
            for table, piece in pieces(layout, raw, pile, where=f"{path.name} ({name})").items():
                LOG.info("%s : %s, %d lignes", path.name, table, len(piece[0]))
                counts = Rank.DIGEST if rank is Rank.PUBLISHED and table in layout.yields else rank
                pile.pieces.setdefault(table, []).append(Piece(*piece, given, counts))
        found |= bool(layouts)
        if not layouts and not name.lower().startswith("meta"):  # Insee joins the labels of its columns
            unread.append(name)
    if found and unread:
        fr = f"Tableaux non reconnus, non lus, dans {path.name} : {', '.join(unread)}."
        pile.notes.append(Note(TerritoireGeoWarning, fr, f"Tables not recognised in {path.name}: {', '.join(unread)}."))
    return found


def _wanted(seen: dict[frozenset[str], tuple[Layout, ...]], columns: frozenset[str]) -> frozenset[str]:
    """Name the columns to read of a header, and remember the layout: a wide national file is not read whole."""
    layouts = recognise(list(columns))
    kept = columns
    if len(layouts) == 1 and layouts[0].columns:
        kept = layouts[0].columns(columns)
        seen[kept] = layouts
    return kept


def _is_known(columns: frozenset[str]) -> bool:
    """Tell whether a row of a spreadsheet is a header that is known, as it is written or as its labels read."""
    return bool(recognise(list(columns)) or recognise(header([str(column) for column in columns])))


def _matched(
    text: pd.DataFrame, seen: Mapping[frozenset[str], tuple[Layout, ...]]
) -> tuple[pd.DataFrame, tuple[Layout, ...]]:
    """Recognise a header as it is written, else as its labels read."""
    layouts = seen.get(frozenset(text.columns)) or recognise(list(text.columns))
    names = header([str(column) for column in text.columns])
    if layouts or len(set(names)) < len(names):
        return text, layouts
    return text.set_axis(names, axis=1), recognise(names)


def _why(path: Path) -> str:
    """Say why a file is not read, and what to do."""
    if path.is_dir():
        return "a folder, not read. Pass its files, or its path as the folder of sources."
    if path.exists() and not path.is_file():
        return "not a regular file, not read."
    if path.suffix.lower() not in SUFFIXES:
        return f"not read: {', '.join(SUFFIXES)} are. Save it as CSV UTF-8."
    tables = list(read_texts(path))
    if not tables:
        return "holds no table, not read. Put the files of figures in the folder."
    hints = {
        nearest([*text.columns, *header([str(column) for column in text.columns])]) for _, text in read_texts(path)
    }
    return "not recognised, not read. Its header is neither published nor the tidy contract of a table." + "".join(
        hints
    )


def _tell_ignored(path: Path, pile: Pile) -> None:
    why = _why(path)
    fr = f"Fichier non reconnu, non lu : {path.name}."
    pile.notes.append(Note(TerritoireGeoWarning, fr, f"File not recognised: {path.name}."))
    warnings.warn(f"{path}: {why}", TerritoireGeoWarning, stacklevel=3)


def _source(path: Path, entry: Mapping[str, object]) -> Source:
    year, within = entry.get("cog_year"), entry.get("within_km")
    if within is not None and not (isinstance(within, int | float) and 0 < within < FARTHEST and entry.get("around")):
        message = f"{DESCRIPTION}, {path.stem}: within_km is a distance, with `around`, the code of a territory."
        raise SourceFormatError(message)
    return Source(
        id=path.stem,
        title=str(entry.get("title", path.name)),
        producer=str(entry.get("producer", OWN)),
        url=str(entry.get("url", "")),
        licence=str(entry.get("licence", "")),
        millesime=str(entry.get("millesime", "")),
        cog_year=year if isinstance(year, int) else None,
        sha256=sha256(path),
        landing_page=str(entry.get("landing_page", entry.get("url", ""))),
        around=str(entry.get("around", "")),
        within_km=float(within) if isinstance(within, int | float) else None,
    )


def _attributed(source: Source, layout: Layout, entry: Mapping[str, object], raw: pd.DataFrame) -> Source:
    """Name who publishes a file by its layout, and its vintage by its text, when sources.toml does not."""
    if not layout.producer or "producer" in entry:
        return source
    read = layout.vintage(raw) if layout.vintage else ""
    vintage = source.millesime or read or f"fichier {source.title}, millésime non précisé"
    return replace(source, producer=layout.producer, title=layout.title, millesime=vintage)
