"""The one door to the network: ask a producer, keep its answer, never keep a failure."""

import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from territoire_geo.errors import ChecksumError, SourceFormatError, SourceUnavailableError, StaleSourceWarning
from territoire_geo.loaders import _cache as store
from territoire_geo.loaders._cache import Record
from territoire_geo.loaders._calls import JSON_FORMATS, WHOLE, Ask, Call, Pace, prepare
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._disk import Part, disk, locked, part, sha256
from territoire_geo.loaders._door import Answer, Door, advice, hand_answer, kept_answer, named, open_door
from territoire_geo.loaders._formats import MAGIC, flaw, load_json
from territoire_geo.loaders._held import Probe, cached, conditions, copies, forget, probe
from territoire_geo.loaders._pace import CallError, Seen, open_line

__all__ = [
    "Answer",
    "Ask",
    "Door",
    "Pace",
    "Probe",
    "cached",
    "copies",
    "fetch",
    "fetch_json",
    "forget",
    "open_door",
    "probe",
]


class WrongAnswerError(SourceFormatError):
    """What came is not what was asked: a page of HTML, half a zip. An older copy may stand in for it."""


def fetch(
    door: Door,
    source: Entry,
    ask: Ask = WHOLE,
    *,
    check: Callable[[Path], object] | None = None,
    refresh: bool = False,
) -> Answer:
    """
    Give the answer of a producer as a file: placed by hand, in the cache, or asked now.

    Parameters
    ----------
    door
        The network, or its cache.
    source
        The source.
    ask
        The request; by default the file of the source itself.
    check
        Reads a new file before it is kept; what it raises goes to the caller, and nothing is kept.
    refresh
        Whether the producer is asked even when the copy is recent enough.

    Returns
    -------
    fetch
        The file, verified. Do not change it, nor keep its path: ask again.

    Raises
    ------
    SourceUnavailableError
        If the producer cannot be asked and there is no copy: where to get the file, and where to put it.
    SourceFormatError
        If what came is not of the format of the source.
    ChecksumError
        If the source is frozen and another file came.
    SourceError
        If its address may not be asked.

    Warns
    -----
    StaleSourceWarning
        If the producer could not be asked again, and an older copy is used.
    """
    return _obtain(door, prepare(source, ask, door.bases), check, refresh=refresh)


def fetch_json(
    door: Door,
    source: Entry,
    ask: Ask = WHOLE,
    *,
    check: Callable[[object], object] | None = None,
    refresh: bool = False,
) -> object:
    """
    Give the answer of a producer as what its JSON holds.

    Parameters
    ----------
    door
        The network, or its cache.
    source
        The source; its own format may be another one.
    ask
        The request.
    check
        Looks at a new answer before it is kept; what it raises goes to the caller, and nothing is kept.
    refresh
        Whether the producer is asked even when the copy is recent enough.

    Returns
    -------
    fetch_json
        Lists, mappings, texts and numbers.

    Raises
    ------
    SourceUnavailableError
        If the producer cannot be asked and there is no copy.
    SourceFormatError
        If what came is not JSON: the message shows how it begins.
    SourceError
        If its address may not be asked.

    Warns
    -----
    StaleSourceWarning
        If the producer could not be asked again, and an older copy is used.
    """
    wanted = ask.format or source.format
    call = prepare(source, ask, door.bases, format=wanted if wanted in JSON_FORMATS else "json")
    on_file = None if check is None else lambda path: check(load_json(path))
    answer = _obtain(door, call, on_file, refresh=refresh)
    try:
        with disk(door.cache):
            return load_json(answer.path)
    except ValueError as error:
        raise SourceFormatError(f"{named(call)}: {answer.path} is not readable JSON ({error}).") from error


def _obtain(door: Door, call: Call, check: Callable[[Path], object] | None, *, refresh: bool) -> Answer:
    with disk(door.cache):
        placed = store.by_hand(door.cache, call.source.id) if call.whole else None
    if placed:
        return _placed(door, call, placed, check)
    record = _known(door, call)
    if record and (door.offline or (_is_fresh(call, record) and not refresh)):
        return kept_answer(door, record, "cache")
    if door.offline:
        raise SourceUnavailableError(f"{named(call)}: not in the cache, and offline. {advice(door, call)}")
    try:
        return _ask(door, call, check, refresh=refresh)
    except (SourceUnavailableError, WrongAnswerError) as error:
        if record is None:
            raise
        date = time.strftime("%Y-%m-%d", time.localtime(record.fetched))
        words = f"{named(call)}: the copy of {date} is used, for no newer one could be had. {error}"
        warnings.warn(StaleSourceWarning(words), stacklevel=3)
        return kept_answer(door, record, "stale")


def _ask(door: Door, call: Call, check: Callable[[Path], object] | None, *, refresh: bool) -> Answer:
    """Ask the producer, unless another process has just done it."""
    began = time.time()
    with locked(door.cache, call.key, timeout=door.pace.deadline):
        record = _known(door, call)
        if record and (began <= record.fetched <= time.time() or (_is_fresh(call, record) and not refresh)):
            return kept_answer(door, record, "cache")
        with disk(door.cache):
            came = part(door.cache, call.key, call.format)
        new = _bring(door, call, came, conditions(record))
        if new is None and record:
            record = replace(record, fetched=time.time())
            with disk(door.cache):
                store.touch(door.cache, call.source.id, record)
            return kept_answer(door, record, "cache")
        if new is None:
            raise SourceUnavailableError(f"{named(call)} answered 304 though no copy is held. {advice(door, call)}")
        try:
            if check is not None:
                check(came.path)
            with disk(door.cache):
                new = store.keep(door.cache, call.source.id, new, came)
        finally:
            came.drop()  # nothing is left of it when it was refused
    with suppress(OSError):  # SourceUnavailableError is one
        store.clean(door.cache)
    return kept_answer(door, new, "network")


def _bring(door: Door, call: Call, came: Part, asked: Mapping[str, str]) -> Record | None:
    """Download and verify: the record of what came, None if our copy is still good."""
    from territoire_geo.loaders import _network  # noqa: PLC0415 - only those who go out pay for it

    while True:
        try:
            said = _network.download(open_line(call, door.pace, door.cache), came, conditions=asked)
        except CallError as error:
            if not (error.again and came.held()[0]):
                came.drop()  # else the next call asks for the rest
            raise SourceUnavailableError(f"{named(call)} {call.hide(error.reason)}. {advice(door, call)}") from error
        except SourceUnavailableError:
            came.drop()  # the disk is full: leave it the room
            raise
        if said is None:
            return None
        with disk(door.cache):
            refusal = _refusal(door, call, came.path, said.content_type)
            record = _described(call, came.path, said)
        if refusal is None:
            return record
        came.drop()
        if not said.resumed:  # what was resumed may be two halves of two files: asked again as a whole
            raise refusal


def _described(call: Call, path: Path, said: Seen) -> Record:
    return Record(
        key=call.key,
        url=call.shown,
        format=call.format,
        sha256=sha256(path),
        size=path.stat().st_size,
        fetched=time.time(),
        etag=call.hide(said.etag),
        last_modified=call.hide(said.last_modified),
        content_type=call.hide(said.content_type),
    )


def _refusal(
    door: Door, call: Call, path: Path, content_type: str, placed: str = ""
) -> SourceFormatError | ChecksumError | None:
    """Say why a file may not be used; None if it may. `placed` is the format of a file placed by hand."""
    problem = flaw(path, placed or call.format, content_type)
    where = f"{named(call)}: {path} placed by hand" if placed else f"{named(call)}: the answer"
    if problem:
        words = f"{where} {call.hide(problem)}. The cache is unchanged. {advice(door, call)}"
        return WrongAnswerError(words)
    pinned = call.source.sha256 if call.whole else ""
    found = sha256(path) if pinned else ""
    if found != pinned:
        return ChecksumError(
            f"{where} is not the file that the catalogue knows: sha256 {found} where {pinned} was expected. The cache "
            f"is unchanged. If the producer has published a new version, review its columns and its vintage, then "
            f"write the new hash in the entry {call.source.id} of catalogue.toml."
        )
    return None


def _placed(door: Door, call: Call, path: Path, check: Callable[[Path], object] | None) -> Answer:
    suffix = path.suffix.lower().removeprefix(".")
    with disk(door.cache):
        refusal = _refusal(door, call, path, "", placed=suffix if suffix in MAGIC or suffix == "csv" else call.format)
        if refusal:
            raise refusal
    if check is not None:
        check(path)
    with disk(door.cache):
        return hand_answer(path, call.shown)


def _known(door: Door, call: Call) -> Record | None:
    record = store.find(door.cache, call.source.id, call.key)
    pinned = call.source.sha256 if call.whole else ""
    return record if record and (not pinned or record.sha256 == pinned) else None


def _is_fresh(call: Call, record: Record) -> bool:
    days = call.source.refresh_days
    return days is None or 0 <= time.time() - record.fetched < days * store.DAY
