"""The cache: answers on the disk, kept only when complete and verified, shared by processes, never half-written."""

import json
import os
import re
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from territoire_geo.errors import SourceError, SourceFormatError, SourceUnavailableError
from territoire_geo.loaders._disk import Part, locked, sha256, sync, write

CHEAP: Final = 50 * 10**6  # bytes that are hashed at every use; larger files, when their date on the disk has changed
DAY: Final = 86_400.0
GRACE: Final = DAY  # an answer that nothing refers to any more may still be read by another process
KEPT_PARTS: Final = 7 * DAY
UNFINISHED: Final = frozenset({".crdownload", ".part", ".partial", ".download", ".opdownload", ".tmp"})
SUFFIXES: Final = (".csv", ".txt", ".json", ".geojson", ".parquet", ".xlsx", ".xls", ".zip", ".gz")


@dataclass(frozen=True)
class Record:
    """An answer in the cache: where it came from, and what its content must be. `url` is without secrets."""

    key: str
    url: str
    format: str
    sha256: str
    size: int
    fetched: float
    etag: str = ""
    last_modified: str = ""
    content_type: str = ""
    mtime_ns: int = 0


def object_path(cache: Path, record: Record) -> Path:
    """
    Give the file of an answer.

    Parameters
    ----------
    cache
        The cache.
    record
        The answer.

    Returns
    -------
    object_path
        Its file, named by its hash.
    """
    return cache / "objects" / f"{record.sha256}.{record.format}"


def find(cache: Path, source_id: str, key: str) -> Record | None:
    """
    Find an answer, if it is there and is still what it was.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.
    key
        Key of the answer.

    Returns
    -------
    find
        The answer; None when it is absent, or its file is missing, shortened or changed.
    """
    record = _read(_entries(cache, source_id) / f"{key}.json")
    return record if record and _intact(object_path(cache, record), record) else None


def records(cache: Path, source_id: str) -> list[Record]:
    """
    List the answers of a source, by their size alone.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.

    Returns
    -------
    records
        The latest first.
    """
    try:
        found = [_read(path) for path in sorted(_entries(cache, source_id).glob("*.json"))]
    except OSError:
        return []
    there = [record for record in found if record and _size(object_path(cache, record)) == record.size]
    return sorted(there, key=lambda record: -record.fetched)


def keep(cache: Path, source_id: str, record: Record, came: Part) -> Record:
    """
    Let a verified download into the cache. Renaming its entry is the one moment when it becomes true.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.
    record
        What the download is.
    came
        Where it is.

    Returns
    -------
    keep
        The record, with the date of its file.
    """
    target = object_path(cache, record)
    with locked(cache, "commit", timeout=60):
        target.parent.mkdir(parents=True, exist_ok=True)
        if _size(target) != record.size or sha256(target) != record.sha256:
            came.path.replace(target)
            sync(target.parent)
        came.drop()
        kept = replace(record, mtime_ns=target.stat().st_mtime_ns)
        path = _entries(cache, source_id) / f"{record.key}.json"
        before = _read(path)
        write(path, asdict(kept))
        if before and before.sha256 != kept.sha256:
            with suppress(OSError):
                os.utime(object_path(cache, before))  # its grace begins now
    return kept


def touch(cache: Path, source_id: str, record: Record) -> None:
    """
    Write a record again: its answer has been found unchanged.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.
    record
        The record.
    """
    write(_entries(cache, source_id) / f"{record.key}.json", asdict(record))


def by_hand(cache: Path, source_id: str) -> Path | None:
    """
    Find the file that somebody placed for a source.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.

    Returns
    -------
    by_hand
        The file, None without any.

    Raises
    ------
    SourceError
        If there are several, or the download of one has not ended.
    SourceFormatError
        If its name does not tell its format: it is read by its suffix.
    """
    folder = hand_folder(cache, source_id)
    try:
        placed = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return None
    for path in placed:
        if path.suffix.lower() in UNFINISHED:
            raise SourceError(f"{path}: its download is not finished. Wait for its end, or download it again.")
    if len(placed) > 1:
        names = ", ".join(path.name for path in placed[:3])
        raise SourceError(f"{folder}: {len(placed)} files ({names}...) where one is expected. Leave the right one.")
    if placed and placed[0].suffix.lower() not in SUFFIXES:
        message = f"{placed[0]}: its name does not end as a format that is read ({', '.join(SUFFIXES)})."
        raise SourceFormatError(f"{message} Give it back the suffix under which it is published.")
    return placed[0] if placed else None


def hand_folder(cache: Path, source_id: str) -> Path:
    """
    Tell where a file is placed by hand.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.

    Returns
    -------
    hand_folder
        A folder, which may not exist yet.
    """
    return cache / "by-hand" / source_id


def remove(cache: Path, source_id: str) -> int:
    """
    Remove the answers of a source; a file placed by hand stays.

    Parameters
    ----------
    cache
        The cache.
    source_id
        Id of the source.

    Returns
    -------
    remove
        How many were removed.
    """
    with locked(cache, "commit", timeout=60):
        paths = list(_entries(cache, source_id).glob("*.json"))
        gone = [record for record in map(_read, paths) if record]
        for path in paths:
            path.unlink(missing_ok=True)
        used = _used(cache)
        for record in gone:
            if object_path(cache, record).name not in used:
                object_path(cache, record).unlink(missing_ok=True)
    return len(paths)


def clean(cache: Path, *, every: float = DAY) -> None:
    """
    Remove what nothing refers to any more: old objects, downloads and temporary files that died with their process.

    Parameters
    ----------
    cache
        The cache.
    every
        Seconds since the last time, under which nothing is done.
    """
    stamp = cache / "cleaned"
    if 0 <= time.time() - _mtime(stamp) < every:
        return
    stamp.touch()
    with locked(cache, "commit", timeout=60):
        used = _used(cache)
        left = [path for path in (cache / "objects").glob("*") if path.name not in used]
        left += list((cache / "entries").glob("*/.*.tmp")) + list((cache / "partial").glob(".*.tmp"))
        for path in left:
            if time.time() - _mtime(path) > GRACE:
                path.unlink(missing_ok=True)
    for path in (cache / "partial").glob("[!.]*"):
        if time.time() - _mtime(path) > KEPT_PARTS:
            with suppress(SourceUnavailableError), locked(cache, path.stem, timeout=0):  # else it is being written
                Part(path).drop()


def _entries(cache: Path, source_id: str) -> Path:
    return cache / "entries" / source_id


def _used(cache: Path) -> set[str]:
    found = (_read(path) for path in (cache / "entries").glob("*/*.json"))
    return {object_path(cache, record).name for record in found if record}


def _read(path: Path) -> Record | None:
    try:
        record = Record(**json.loads(path.read_bytes()))
        named = re.fullmatch(r"[0-9a-f]{64}", record.sha256) and re.fullmatch(r"\w+", record.format)
        return record if named and record.size > 0 and float(record.fetched) else None
    except (OSError, ValueError, TypeError):
        return None


def _intact(path: Path, record: Record) -> bool:
    try:
        state = path.stat()
        if state.st_size != record.size:
            return False
        known = record.size >= CHEAP and state.st_mtime_ns == record.mtime_ns
        return known or sha256(path) == record.sha256
    except OSError:
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
