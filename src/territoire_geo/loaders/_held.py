"""What is already here of a source, and whether its producer has something newer."""

from collections.abc import Mapping
from dataclasses import dataclass

from territoire_geo.loaders import _cache as store
from territoire_geo.loaders._cache import Record
from territoire_geo.loaders._calls import WHOLE, Ask, prepare
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._disk import disk
from territoire_geo.loaders._door import Answer, Door, hand_answer, kept_answer
from territoire_geo.loaders._formats import misnamed
from territoire_geo.loaders._pace import CallError, Seen, open_line


@dataclass(frozen=True)
class Probe:
    """Whether a source answers, whether it has changed since our copy (None: nobody can tell), and what was seen."""

    alive: bool
    changed: bool | None
    detail: str


def cached(door: Door, source: Entry) -> Answer | None:
    """
    Tell what is already here of a source, without asking anybody.

    Parameters
    ----------
    door
        The cache.
    source
        The source.

    Returns
    -------
    cached
        The file placed by hand, else the latest answer; None without any.
    """
    return next(iter(copies(door, source)), None)


def copies(door: Door, source: Entry) -> list[Answer]:
    """
    List all that is already here of a source, whatever was asked.

    Parameters
    ----------
    door
        The cache.
    source
        The source.

    Returns
    -------
    copies
        The file placed by hand, then the answers, the latest first.

    Raises
    ------
    SourceError
        If several files were placed by hand.
    """
    with disk(door.cache):
        placed = store.by_hand(door.cache, source.id)
        found = [hand_answer(placed, source.url)] if placed else []
    return found + [kept_answer(door, record, "cache") for record in store.records(door.cache, source.id)]


def forget(door: Door, source: Entry) -> int:
    """
    Remove from the cache what is there of a source; a file placed by hand stays.

    Parameters
    ----------
    door
        The cache.
    source
        The source.

    Returns
    -------
    forget
        How many answers were removed.
    """
    with disk(door.cache):
        return store.remove(door.cache, source.id)


def probe(door: Door, source: Entry, ask: Ask = WHOLE) -> Probe:
    """
    Ask a producer whether a source is still there and has changed, without bringing it.

    Parameters
    ----------
    door
        The network.
    source
        The source.
    ask
        The request; by default the file of the source itself.

    Returns
    -------
    probe
        What was seen.
    """
    call = prepare(source, ask, door.bases)
    if door.offline:
        return Probe(alive=False, changed=None, detail="was not asked: offline")
    from territoire_geo.loaders import _network  # noqa: PLC0415 - only those who go out pay for it

    record = store.find(door.cache, source.id, call.key)
    try:
        seen = _network.look(open_line(call, door.pace, door.cache), conditions=conditions(record))
    except CallError as error:
        return Probe(alive=False, changed=None, detail=error.reason)
    wrong = misnamed(call.format, seen.content_type)
    if wrong:
        return Probe(alive=False, changed=None, detail=f"the answer {wrong}")
    return Probe(alive=True, changed=_changed(record, seen), detail=seen.words())


def conditions(record: Record | None) -> Mapping[str, str]:
    """
    Ask whether a copy is still good.

    Parameters
    ----------
    record
        What is known of the copy, None without any.

    Returns
    -------
    conditions
        Headers of the request.
    """
    if record is None:
        return {}
    marks = {"If-None-Match": record.etag, "If-Modified-Since": record.last_modified}
    return {name: mark for name, mark in marks.items() if mark}


def _changed(record: Record | None, seen: Seen) -> bool | None:
    if record is None:
        return None
    if seen.unchanged:
        return False
    for ours, theirs in ((record.etag, seen.etag), (record.last_modified, seen.last_modified)):
        if ours and theirs:
            return ours != theirs
    return True if seen.size is not None and seen.size != record.size else None
