"""What an answer must look like before it is kept: a portal that is down says so with status 200 and a page of HTML."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from territoire_geo.errors import SourceFormatError
from territoire_geo.loaders._archive import members
from territoire_geo.loaders._calls import JSON_FORMATS

HEAD: Final = 1024  # bytes that are enough to tell a page from a table
ZIPS: Final = frozenset({"zip", "xlsx"})
MAGIC: Final[Mapping[str, bytes]] = MappingProxyType(
    {"zip": b"PK", "xlsx": b"PK", "parquet": b"PAR1", "xls": b"\xd0\xcf\x11\xe0", "gz": b"\x1f\x8b"}
)
SHOWN: Final = 80


def flaw(path: Path, format: str, content_type: str) -> str:  # noqa: A002 - the word of the catalogue
    """
    Tell why a file is not what was asked.

    Parameters
    ----------
    path
        The file.
    format
        What it must be: json, geojson, csv, zip, parquet, xlsx, xls, gz.
    content_type
        What the server says that it is, empty when it does not.

    Returns
    -------
    flaw
        Words that follow "the answer", empty when it has none.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head:
        return "is empty"
    named = "" if format in MAGIC else misnamed(format, content_type)  # the first bytes tell more
    problem = named or _looks_like_a_page(head, format)
    if not problem:
        problem = _unreadable(path, format, head)
    return f"{problem}; it begins with {begins(head)!r}" if problem else ""


def misnamed(format: str, content_type: str) -> str:  # noqa: A002 - the word of the catalogue
    """
    Tell why a content type cannot be that of a format.

    Parameters
    ----------
    format
        What was asked.
    content_type
        What the server says that it gives, empty when it does not.

    Returns
    -------
    misnamed
        Words that follow "the answer", empty when it can.
    """
    kind = content_type.partition(";")[0].strip().lower()
    is_json = kind in {"application/json", "text/json"} or kind.endswith("+json")
    if not kind or kind in {"application/octet-stream", "binary/octet-stream"}:
        return ""
    wrong = not is_json if format in JSON_FORMATS else is_json or "html" in kind
    return f"is {kind} where {format} was expected" if wrong else ""


def load_json(path: Path) -> object:
    """
    Read a JSON file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    load_json
        What it holds.

    Raises
    ------
    ValueError
        If it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def begins(head: bytes) -> str:
    """
    Show the beginning of an answer on one line.

    Parameters
    ----------
    head
        Its first bytes.

    Returns
    -------
    begins
        At most 80 characters, without those that a terminal would obey.
    """
    return one_line(head.decode("utf-8", errors="replace"))[:SHOWN]


def one_line(text: str) -> str:
    """
    Write a text that comes from outside on one line.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    one_line
        The text, without line breaks nor the characters that a terminal would obey.
    """
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _looks_like_a_page(head: bytes, format: str) -> str:  # noqa: A002 - the word of the catalogue
    marked = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")  # no table and no JSON begins so
    return f"is a page of HTML or XML where {format} was expected" if marked else ""


def _unreadable(path: Path, format: str, head: bytes) -> str:  # noqa: A002 - the word of the catalogue
    if format in JSON_FORMATS:
        try:
            load_json(path)
        except ValueError as error:
            return f"is not readable JSON ({error})"
    if not head.startswith(MAGIC.get(format, b"")):
        return f"is not a {format} file"
    if format == "parquet" and _tail(path, 4) != MAGIC["parquet"]:
        return "is a parquet file without its end"
    if format in ZIPS:
        try:
            members(path)
        except SourceFormatError as error:
            return f"is not a zip that can be used: {str(error).removeprefix(f'{path}: ')}"
    return ""


def _tail(path: Path, size: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(-min(size, path.stat().st_size), 2)
        return stream.read()
