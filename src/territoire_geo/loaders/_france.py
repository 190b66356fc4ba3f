"""All of France at once: the national files, brought once, parsed into the national store, source by source."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from territoire_geo.errors import SourceError, SourceUnavailableError, TableError
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._layout import Loader, Raw
from territoire_geo.loaders._layouts import LOADERS
from territoire_geo.loaders._live import LOG, Failures, all_failed, bring, through
from territoire_geo.loaders._store import remove, stored, write_source
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

    Each source is written as soon as it is read: one that fails leaves what the store had of it, and a run that is
    stopped goes on where it was. A source that stands in for another is brought when the store lacks one of its tables,
    or when it is asked for: it then takes the place of the others.

    Parameters
    ----------
    door
        The network, or its cache.
    only
        Ids of sources, all of them when empty.

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

    def national(loader: Loader, line: Door, source: Entry) -> Iterator[Raw]:
        return loader.national(line, source)

    ask = through(door, national)
    files: list[Path] = []
    notes: list[Note] = []
    failures: Failures = {}
    for loader in chosen(only):
        source = entry(loader.source)
        if source.fallback_of and not only and all(stored(door).get(table) for table in source.tables):
            continue
        try:
            draft = bring(loader, ask)
            files += write_source(door, source.id, draft)
        except (SourceError, TableError) as error:
            LOG.warning("  ! %s", str(error).removeprefix(f"{source.title} ({source.id}): "))
            failures[source.id] = error
            continue
        notes += [note for note in draft.notes if note not in notes]
        _make_room(door, source, asked=bool(only))
    if not files:
        raise SourceUnavailableError(all_failed(failures))
    return Brought(tuple(files), failures, tuple(notes))


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
        The loaders, in the order they are asked.

    Raises
    ------
    SourceError
        If an id is not in the catalogue, or has no national file.
    """
    book = {loader.source: loader for loader in LOADERS}
    for name in only:
        if entry(name).id not in book:
            raise SourceError(f"{name}: asked for each territory or point, it has no national file. Leave it out.")
    return tuple(loader for name, loader in book.items() if not only or name in only)


def _make_room(door: Door, source: Entry, *, asked: bool) -> None:
    """Leave one source of each figure in the store: the stand-in that was asked for, else what it stood in for."""
    for table, files in stored(door).items():
        if table == "references" or table not in source.tables:
            continue
        for other in files:
            stands_in = bool(entry(other).fallback_of)
            if other != source.id and (asked if source.fallback_of else stands_in):
                remove(door, table, other)
                if source.fallback_of:  # a norm is of the vintage of what it judges
                    remove(door, "references", other)
