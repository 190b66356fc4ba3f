"""All of France at once: the national files, brought once, parsed into the national store."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from territoire_geo.errors import SourceError, SourceUnavailableError
from territoire_geo.loaders import _store
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._layout import Loader, Raw
from territoire_geo.loaders._layouts import LOADERS
from territoire_geo.loaders._live import Failures, all_failed, gather, tell_failure, through
from territoire_geo.loaders._pile import Pile, Whole
from territoire_geo.loaders._tables import assembled
from territoire_geo.tables import Note


@dataclass(frozen=True)
class Brought:
    """What came of a national fetch: the files of the store, the sources that failed and why, and what to know."""

    files: tuple[Path, ...]
    failures: Failures
    notes: tuple[Note, ...]


def fetch_france(door: Door, *, only: Collection[str] = ()) -> Brought:
    """
    Bring the national files and parse them into the store of this machine; what is in the cache is not asked again.

    A source that fails leaves its tables as they were; the others are written. Run again to go on.

    Parameters
    ----------
    door
        The network, or its cache.
    only
        Ids of sources; the others that give the same tables come with them. All of them when empty.

    Returns
    -------
    fetch_france
        Files written, and what failed.

    Raises
    ------
    SourceError
        If an id is not in the catalogue, or has no national file.
    SourceUnavailableError
        If no source could be read.
    """
    pile = Pile()

    def national(loader: Loader, line: Door, source: Entry) -> Iterator[Raw]:
        return loader.national(line, source)

    failures = gather(pile, chosen(only), through(door, national))
    for source, error in failures.items():
        tell_failure(pile, entry(source), error)
    if not pile.pieces:
        raise SourceUnavailableError(all_failed(failures))
    given = frozenset(pile.pieces)
    wholes = {name: whole for name, whole in assembled(pile).items() if name in {*given, "references"}}
    if "references" in wholes:
        wholes["references"] = _completed(door, wholes["references"])
    files = _store.write_store(door, wholes, pile)
    return Brought(tuple(files), failures, tuple(pile.notes))


def chosen(only: Collection[str]) -> tuple[Loader, ...]:
    """
    Choose the loaders of a fetch.

    Parameters
    ----------
    only
        Ids of sources, all when empty.

    Returns
    -------
    chosen
        The loaders, in the order they are asked. A source that stands in for another takes its place when it is asked
        for by its id.

    Raises
    ------
    SourceError
        If an id is not in the catalogue, or has no national file.
    """
    if not only:
        return LOADERS
    book = {loader.source: loader for loader in LOADERS}
    for name in only:
        if entry(name).id not in book:
            raise SourceError(f"{name}: asked for each territory or point, it has no national file. Leave it out.")
    asked = [book[name] for name in book if name in only]
    replaced = {entry(loader.source).fallback_of for loader in asked}
    tables = {table for loader in asked for table in entry(loader.source).tables} - {"references"}
    others = [
        loader
        for name, loader in book.items()
        if name not in {*only, *replaced} and not entry(name).fallback_of and tables & {*entry(name).tables}
    ]
    return (*others, *asked)


def _completed(door: Door, new: Whole) -> Whole:
    """Keep the totals of the store that this fetch does not give."""
    old = _store.whole(door, "references")
    if old is None:
        return new
    sources = tuple(dict.fromkeys((*new.sources, *old.sources)))
    states = [part for part in (new.states, old.states) if len(part)] or [new.states]
    said = pd.concat(states)
    return replace(
        new, frame=new.frame.combine_first(old.frame), states=said[~said.index.duplicated()], sources=sources
    )
