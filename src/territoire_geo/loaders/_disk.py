"""Writing to a disk that others write to, that may be full, and a machine that may stop at any moment."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from territoire_geo.errors import SourceUnavailableError, TerritoireGeoError

POLL: Final = 0.02  # s between two looks at a lock


@dataclass(frozen=True)
class Part:
    """A download under way: what has come, and beside it what is needed to ask for the rest."""

    path: Path

    @property
    def notes(self) -> Path:
        """Where the validator is written, and how many bytes have reached the disk for certain."""
        return self.path.with_suffix(".notes")

    def held(self) -> tuple[int, str]:
        """Bytes that are safe, and the validator that the rest must match; (0, "") when there is nothing to resume."""
        try:
            notes = json.loads(self.notes.read_bytes())
            validator, safe = str(notes["validator"]), int(notes["safe"])
            usable = bool(validator) and 0 < safe <= self.path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            return 0, ""
        return (safe, validator) if usable else (0, "")

    def note(self, validator: str, safe: int) -> None:
        """Write down that `safe` bytes have reached the disk; without validator they cannot be resumed."""
        if not validator:
            self.notes.unlink(missing_ok=True)
            return
        write(self.notes, {"validator": validator, "safe": safe})

    def drop(self) -> None:
        """Forget it; a disk that refuses is told where something is written."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
            self.notes.unlink(missing_ok=True)


@contextmanager
def disk(cache: Path) -> Iterator[None]:
    """
    Say in our words that the disk refuses.

    Parameters
    ----------
    cache
        The cache, for the message.

    Yields
    ------
    None
        For the time of a `with`.

    Raises
    ------
    SourceUnavailableError
        If the disk is full, read-only, or the rights are missing.
    """
    try:
        yield
    except TerritoireGeoError:
        raise
    except OSError as error:
        raise SourceUnavailableError(
            f"The cache {cache} cannot be used ({error.strerror or error}). Free some space or check its rights, or "
            "choose another folder with TERRITOIRE_GEO_CACHE."
        ) from error


@contextmanager
def locked(cache: Path, name: str, *, timeout: float) -> Iterator[None]:
    """
    Hold a lock that all threads and processes share; the system frees it if the process is killed.

    Parameters
    ----------
    cache
        The cache.
    name
        What is locked.
    timeout
        Seconds to wait for it.

    Yields
    ------
    None
        For the time of a `with`.

    Raises
    ------
    SourceUnavailableError
        If another process holds it for longer, or it cannot be written.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - 33 ms that those who only read do not pay

    path = cache / "locks" / f"{name}.lock"
    lock = FileLock(path)
    try:
        with disk(cache):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(timeout=timeout, poll_interval=POLL)
            except Timeout as error:
                message = f"Another process has been at work in {cache} for {timeout:.0f} s. Wait for it, or end it."
                raise SourceUnavailableError(message) from error
        yield
    finally:
        lock.release()


def part(cache: Path, key: str, suffix: str) -> Part:
    """
    Give the place of a download under way; only who holds the lock of its key may touch it.

    Parameters
    ----------
    cache
        The cache.
    key
        Key of the answer.
    suffix
        How the name ends, for those who read the file before it is kept.

    Returns
    -------
    part
        The place.
    """
    folder = cache / "partial"
    folder.mkdir(parents=True, exist_ok=True)
    return Part(folder / f"{key}.{suffix}")


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
        Hexadecimal digest.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write(path: Path, content: object) -> None:
    """
    Write JSON, all or nothing: another process sees the old text or the new one, and so does a power cut.

    Parameters
    ----------
    path
        The file.
    content
        What JSON can hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            json.dump(content, stream, ensure_ascii=False, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def sync(folder: Path) -> None:
    """
    Make sure that the names in a folder are on the disk.

    Parameters
    ----------
    folder
        The folder.
    """
    if os.name == "posix":  # elsewhere a folder cannot be opened, and renaming is written at once
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
