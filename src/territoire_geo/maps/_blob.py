"""The data of the page as one compressed block: JSON, then columns of numbers and bytes that it points to."""

import base64
import json
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

POINTER: Final = "$"
ROWS: Final = "$rows"
_LEVEL: Final = 9
_WIDTHS: Final = (1, 2, 4)  # bytes
_FLOATS: Final = 8
_LARGE: Final = 1 << 20  # bytes from which each character counts; below, base64 is read by anything
DENSE: Final = "~"  # what begins a block of seven bits a character, and is not of base64
_SEVEN: Final = 7
_BARRED: Final = (0x00, 0x0D, 0x3C)


@dataclass(frozen=True)
class Column:
    """
    Numbers of one precision, one per place: `values` with NaN unknown, and how many `decimals` are kept.

    With `decimals` None every bit of the numbers is kept.
    """

    values: ArrayLike
    decimals: int | None = 0


@dataclass(frozen=True)
class Bytes:
    """Bytes that a script reads by itself."""

    content: bytes


@dataclass(frozen=True)
class Rows:
    """Records of the same fields, written field by field: alike values together compress well."""

    count: int
    fields: Mapping[str, Column | Sequence[object]]


def pack(data: object) -> str:
    """
    Write data in characters that neither a template nor the browser reads as anything.

    Parameters
    ----------
    data
        JSON-ready lists, dicts, texts, numbers and None, with `Column`, `Bytes` and `Rows` anywhere; a NaN elsewhere
        is refused.

    Returns
    -------
    pack
        Base64, or `DENSE` and seven bits a character from a million bytes on, of one zlib stream: the length of the
        JSON (4 bytes, little-endian), the JSON, the streams. In the JSON a column is
        ``{"$": [start, count, width, decimals, least, delta]}``: `width` planes of `count` bytes, the lowest first, of
        whole numbers where 0 is unknown and n is ``(n - 1 + least) / 10**decimals``, or their differences in zigzag
        when `delta` is 1; `decimals` null is for floats of 8 bytes. Bytes are ``{"$": [start, count]}``, records
        ``{"$rows": count, "fields": {...}}``.
    """
    streams: dict[bytes, int] = {}  # each once, with where it starts
    used = 0

    def stand_in(part: object) -> dict[str, object]:
        nonlocal used
        if isinstance(part, Rows):
            return {ROWS: part.count, "fields": dict(part.fields)}
        if isinstance(part, Column):
            stream, head = _column(part)
        elif isinstance(part, Bytes):
            stream, head = part.content, [len(part.content)]
        else:
            raise TypeError(f"{type(part).__name__} is not JSON-ready.")
        if stream not in streams:
            streams[stream] = used
            used += len(stream)
        return {POINTER: [streams[stream], *head]}

    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=stand_in)
    # A lone surrogate cannot be written in UTF-8: it becomes its escape, and JSON.parse gives it back.
    text = re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
    head = text.encode("utf-8")
    packed = zlib.compress(b"".join([struct.pack("<I", len(head)), head, *streams]), _LEVEL)
    return base64.b64encode(packed).decode() if len(packed) < _LARGE else DENSE + _dense(packed)


def _dense(content: bytes) -> str:
    """
    Write bytes seven bits a character, the highest first: a seventh more than the bytes, where base64 takes a third.

    The characters that a page may not carry as they are (NUL, carriage return, the less-than sign) stand 128 further.
    """
    plain = np.unpackbits(np.frombuffer(content, dtype=np.uint8))
    bits = np.concatenate([plain, np.zeros(-len(plain) % _SEVEN, dtype=np.uint8)]).reshape(-1, _SEVEN)
    codes = (bits @ (1 << np.arange(_SEVEN - 1, -1, -1))).astype(np.uint32)
    codes[np.isin(codes, _BARRED)] += 128
    return bytes(codes.astype("<u4").tobytes()).decode("utf-32-le")


def _column(column: Column) -> tuple[bytes, list[int | None]]:
    values = np.asarray(column.values, dtype=np.float64)
    if column.decimals is None:
        return _planes(values.view(np.uint64), _FLOATS), [len(values), _FLOATS, None, 0, 0]
    known = np.isfinite(values)
    whole = np.rint(values[known] * 10**column.decimals).astype(np.int64)
    least = int(whole.min()) if len(whole) else 0
    codes = np.zeros(len(values), dtype=np.int64)
    codes[known] = whole - least + 1
    steps = np.diff(codes, prepend=0)
    ways = [(_stream(codes), 0), (_stream(np.where(steps < 0, -2 * steps - 1, 2 * steps)), 1)]
    (stream, width), delta = min(ways, key=lambda way: len(zlib.compress(way[0][0], 1)))
    return stream, [len(values), width, column.decimals, least, delta]


def _stream(codes: NDArray[np.int64]) -> tuple[bytes, int]:
    width = next(width for width in _WIDTHS if not (codes >> (8 * width)).any())
    return _planes(codes.astype(np.uint64), width), width


def _planes(codes: NDArray[np.uint64], width: int) -> bytes:
    """Write the lowest byte of every number, then the next ones: alike bytes together compress well."""
    each = (codes >> np.uint64(8 * plane) for plane in range(width))
    return b"".join((plane & np.uint64(255)).astype(np.uint8).tobytes() for plane in each)
