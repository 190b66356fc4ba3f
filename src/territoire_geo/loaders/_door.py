"""How producers are reached, and what they gave: the door, its answers, and the words of its messages."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from territoire_geo.errors import SourceError
from territoire_geo.loaders._cache import Record, hand_folder, object_path
from territoire_geo.loaders._calls import Call, Pace
from territoire_geo.loaders._disk import sha256

LONG: Final = 60  # characters of a query that a message shows
CACHE: Final = "TERRITOIRE_GEO_CACHE"
OFFLINE: Final = "TERRITOIRE_GEO_OFFLINE"
YES: Final = ("1", "true", "yes", "oui", "on")
NO: Final = ("0", "false", "no", "non", "off")
BASES: Final = "TERRITOIRE_GEO_URL_"  # then the id of the service, in capitals


@dataclass(frozen=True)
class Door:
    """
    How the network is reached: the cache, whether it may be reached at all, and other base URLs, by id of service.

    `open_door` reads them from the environment.
    """

    cache: Path
    offline: bool = False
    bases: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True)
class Answer:
    """What a producer answered, on the disk: verified, and the same until it is asked again. `url` has no secrets."""

    path: Path
    sha256: str
    url: str
    fetched: float  # seconds since 1970
    origin: str  # "network", "cache", "stale" (the producer could not be asked), "by hand"
    content_type: str = ""


def open_door(
    *, cache: Path | str | None = None, offline: bool | None = None, bases: Mapping[str, str] | None = None
) -> Door:
    """
    Open the door to the producers.

    Parameters
    ----------
    cache
        Folder of the answers; by default TERRITOIRE_GEO_CACHE, or the user's own folder of caches.
    offline
        Whether the network must not be used; by default, whether TERRITOIRE_GEO_OFFLINE is 1 (or true, yes, oui, on).
    bases
        Other base URLs, by id of service, added to those of TERRITOIRE_GEO_URL_<SERVICE>.

    Returns
    -------
    open_door
        The door; nothing is asked and nothing is written yet.

    Raises
    ------
    SourceError
        If TERRITOIRE_GEO_OFFLINE says neither yes nor no.
    """
    variables = {name.removeprefix(BASES).lower(): url for name, url in os.environ.items() if name.startswith(BASES)}
    folder = cache or os.environ.get(CACHE) or _usual_cache()
    shut = _is_offline() if offline is None else offline
    return Door(Path(folder).expanduser().absolute(), shut, MappingProxyType(variables | dict(bases or {})))


def _is_offline() -> bool:
    said = os.environ.get(OFFLINE, "")
    word = said.strip().lower()
    if word not in {*YES, *NO, ""}:
        message = f"{OFFLINE}: {said!r} is neither yes ({', '.join(YES)}) nor no ({', '.join(NO)}, or empty)."
        raise SourceError(f"{message} Write 1 to use no network, 0 to use it.")
    return word in YES


def _usual_cache() -> str:
    from platformdirs import user_cache_dir  # noqa: PLC0415 - only those who did not choose a folder pay for it

    return user_cache_dir("territoire-geo", appauthor=False)


def named(call: Call) -> str:
    """
    Name what was asked, at the head of a message.

    Parameters
    ----------
    call
        The request.

    Returns
    -------
    named
        Title and id of the source, and the URL without secrets; a long query is cut.
    """
    address, _, query = call.shown.partition("?")
    shown = f"?{query}" if len(query) <= LONG else f"?{query[:LONG]}..."
    return f"{call.source.title} ({call.source.id}): {address}{shown if query else ''}"


def advice(door: Door, call: Call) -> str:
    """
    Say what to do when a producer cannot be asked.

    Parameters
    ----------
    door
        The door.
    call
        The request.

    Returns
    -------
    advice
        Sentences: where the file is, and where to put it.
    """
    page = call.source.landing_page
    if call.whole or call.source.published:
        return f"Download it from {page} and put it in {hand_folder(door.cache, call.source.id)}{os.sep}"
    return f"Try again later, or take the published files from {page} and give their folder instead of live sources."


def kept_answer(door: Door, record: Record, origin: str) -> Answer:
    """
    Give an answer of the cache.

    Parameters
    ----------
    door
        The cache.
    record
        What is known of it.
    origin
        How it was had: "network", "cache" or "stale".

    Returns
    -------
    kept_answer
        The answer.
    """
    path = object_path(door.cache, record)
    return Answer(path, record.sha256, record.url, record.fetched, origin, record.content_type)


def hand_answer(path: Path, url: str) -> Answer:
    """
    Give a file that somebody placed.

    Parameters
    ----------
    path
        The file.
    url
        Where the catalogue says that it comes from.

    Returns
    -------
    hand_answer
        The answer, as old as the file.
    """
    return Answer(path, sha256(path), url, path.stat().st_mtime, "by hand")
