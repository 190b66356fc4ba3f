"""Zips of producers, read member by member: nothing is written to the disk, and no bomb goes off."""

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from territoire_geo.errors import SourceFormatError, SourceUnavailableError

LIMIT: Final = 2 * 1024**3  # bytes unpacked from one zip: twice the largest file that is published
RATIO: Final = 200  # text packs some ten times; a bomb, a thousand times
SMALL: Final = 50 * 1024**2  # bytes under which the ratio does not matter
BLOCK: Final = 256 * 1024
KNOWN: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED: Final = 0x1  # bit of the flags of a member
# A damaged zip fails in many ways: a broken deflate, a name that is not UTF-8, an offset before the file...
FAULTS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
)


def members(path: Path, *, limit: int = LIMIT) -> list[str]:
    """
    List the files of a zip.

    Parameters
    ----------
    path
        The zip.
    limit
        Bytes that all its files may weigh once unpacked.

    Returns
    -------
    members
        Names, in the order of the zip; folders, symbolic links and hidden files are left out.

    Raises
    ------
    SourceFormatError
        If the zip is damaged, too large once unpacked, or names a file outside itself.
    SourceUnavailableError
        If the file cannot be opened.
    """
    with _opened(path) as archive:
        return [member.filename for member in _listed(path, archive, limit)]


def find_member(path: Path, pattern: str, *, limit: int = LIMIT) -> str:
    r"""
    Find the one file of a zip that a pattern tells.

    Parameters
    ----------
    path
        The zip.
    pattern
        Regular expression searched in the names, upper and lower case alike: r"_data\.csv$".
    limit
        Bytes that all its files may weigh once unpacked.

    Returns
    -------
    find_member
        Its name.

    Raises
    ------
    SourceFormatError
        If none or several answer, or the zip cannot be used.
    SourceUnavailableError
        If the file cannot be opened.
    """
    names = members(path, limit=limit)
    found = [name for name in names if re.search(pattern, name, re.IGNORECASE)]
    if len(found) != 1:
        held = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")  # noqa: PLR2004 - enough to see what it is
        raise SourceFormatError(
            f"{path}: {len(found)} files match {pattern!r} where one is expected; the zip holds {held or 'no file'}. "
            "Check that it is the file of this source and vintage."
        )
    return found[0]


@contextmanager
def open_member(path: Path, name: str, *, limit: int = LIMIT) -> Iterator[IO[bytes]]:
    """
    Open a file of a zip as a stream, without unpacking it.

    Parameters
    ----------
    path
        The zip.
    name
        A name that `members` gives.
    limit
        Bytes that may be read, whatever the zip announces.

    Yields
    ------
    typing.IO[bytes]
        The stream, for the time of a `with`; reading it raises `SourceFormatError` if the file is damaged or larger
        than announced.

    Raises
    ------
    SourceFormatError
        If the zip holds no such file, or it is encrypted, damaged or too large.
    SourceUnavailableError
        If the file cannot be opened.
    """
    with _opened(path) as archive:
        member = next((one for one in _listed(path, archive, None) if one.filename == name), None)
        if member is None:
            raise SourceFormatError(f"{path}: holds no {name!r}. Check that it is the file of this source and vintage.")
        _accept(path, [member], limit)
        with _faults(path):
            packed = archive.open(member)
        with packed, io.BufferedReader(_Counted(path, packed, limit, member.file_size), BLOCK) as stream:
            yield stream


def read_member(path: Path, name: str, *, limit: int = LIMIT) -> bytes:
    """
    Read a file of a zip.

    Parameters
    ----------
    path
        The zip.
    name
        A name that `members` gives.
    limit
        Bytes that may be read, whatever the zip announces.

    Returns
    -------
    read_member
        Its content.

    Raises
    ------
    SourceFormatError
        If the zip holds no such file, or it is encrypted, damaged or too large.
    SourceUnavailableError
        If the file cannot be opened.
    """
    with open_member(path, name, limit=limit) as stream:
        return stream.read()


class _Counted(io.RawIOBase):
    """A member that stops at its limit, and is as long as announced: a zip may hold more, or less."""

    def __init__(self, path: Path, packed: IO[bytes], limit: int, announced: int) -> None:
        self._path = path
        self._packed = packed
        self._limit = limit
        self._announced = announced
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any buffer will do
        with _faults(self._path):
            piece = self._packed.read(len(buffer))
        self._read += len(piece)
        if not piece and self._read < self._announced:
            raise SourceFormatError(f"{self._path}: a file is shorter than announced. Download or copy the zip again.")
        if self._read > self._limit:
            raise SourceFormatError(_too_large(self._path, f"more than {self._limit / 1e6:,.0f} MB"))
        buffer[: len(piece)] = piece
        return len(piece)


@contextmanager
def _faults(path: Path) -> Iterator[None]:
    try:
        yield
    except SourceFormatError:
        raise
    except FAULTS as error:
        raise SourceFormatError(f"{path}: not a readable zip ({error}). Download or copy it again.") from error


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        stream = path.open("rb")
    except OSError as error:
        message = f"{path}: cannot be read ({error.strerror}). Check its name and rights."
        raise SourceUnavailableError(message) from error
    with stream:
        with _faults(path):
            archive = zipfile.ZipFile(stream)
        with archive:
            yield archive


def _listed(path: Path, archive: zipfile.ZipFile, limit: int | None) -> list[zipfile.ZipInfo]:
    listed = [member for member in archive.infolist() if not (_is_folder(member) or _is_link(member))]
    for member in archive.infolist():
        if _leaves(member.filename):
            raise SourceFormatError(
                f"{path}: names {member.filename!r}, outside the zip. Do not unpack it: download it again, and tell "
                "its producer."
            )
    if limit is not None:
        _accept(path, listed, limit)
    return [member for member in listed if not _is_hidden(member.filename)]


def _accept(path: Path, listed: list[zipfile.ZipInfo], limit: int) -> None:
    size = sum(member.file_size for member in listed)
    packed = max(1, sum(member.compress_size for member in listed))
    if size > limit or (size > SMALL and size / packed > RATIO):
        raise SourceFormatError(_too_large(path, f"{size / 1e6:,.0f} MB once unpacked, from {packed / 1e6:,.1f} MB"))
    for member in listed:
        if member.flag_bits & ENCRYPTED:
            raise SourceFormatError(f"{path}: {member.filename} is encrypted. Unpack it and pack it without password.")
        if member.compress_type not in KNOWN:
            raise SourceFormatError(f"{path}: {member.filename} is packed in a rare way. Make an ordinary zip of it.")


def _too_large(path: Path, size: str) -> str:
    return f"{path}: {size}, too much for this source. Unpack it and check it."


def _leaves(name: str) -> bool:
    plain = name.replace("\\", "/")
    return plain.startswith("/") or ".." in plain.split("/") or bool(re.match(r"[A-Za-z]:", plain))


def _is_folder(member: zipfile.ZipInfo) -> bool:
    return not member.filename or member.filename.endswith("/")


def _is_link(member: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(member.external_attr >> 16)  # the rights of Unix are the upper half


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or any(part.startswith(".") for part in parts[-1:])
