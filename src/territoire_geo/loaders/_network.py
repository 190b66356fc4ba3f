"""The only place that opens a socket: one request at a time, its answer streamed to the disk."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import IO, Final

import requests
import urllib3

from territoire_geo.loaders._calls import (
    JSON_FORMATS,
    PACKED_FORMATS,
    Pace,
    is_loopback,
    masked,
    origin,
    redirected,
)
from territoire_geo.loaders._disk import Part, disk
from territoire_geo.loaders._formats import one_line
from territoire_geo.loaders._pace import AWAY, LOG, CallError, Line, Seen, close_host, patiently, retry_after

REDIRECTS: Final = 10
BLOCK: Final = 64 * 1024
SYNCED: Final = 8 * 1024**2  # bytes between two moments when what has come is safe on the disk
RETRIED: Final = frozenset({429, 500, 502, 503, 504})
PARTS: Final = frozenset({206, 416})
TRIES_500: Final = 2  # a server that fails by itself is asked once more, not at length
SNIPPET: Final = 4096
QUOTED: Final = 200
NO_DATE_429: Final = 10  # times the usual wait, when a producer does not say how long to wait


@dataclass(frozen=True)
class Came(Seen):
    """What a server said of the body that it has sent, and whether its beginning had come before."""

    resumed: bool


def download(line: Line, into: Part, *, conditions: Mapping[str, str]) -> Came | None:
    """
    Bring an answer to the disk, resuming what had come of it.

    Parameters
    ----------
    line
        The call.
    into
        Where it goes; what is there is kept when the call fails half-way.
    conditions
        Headers that ask whether a copy is still good.

    Returns
    -------
    download
        What came, None if the copy is still good.

    Raises
    ------
    CallError
        If it did not come.
    SourceUnavailableError
        If the disk refuses it.
    """

    def once() -> Came | None:
        safe, validator = into.held() if line.call.resumable else (0, "")
        headers = {"Range": f"bytes={safe}-", "If-Range": validator} if safe else dict(conditions)
        with answered(line, headers) as response:
            if response.status_code == HTTPStatus.NOT_MODIFIED:
                return None
            if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                into.drop()
                raise CallError("refuses to send the rest of what had begun to come", again=True)
            if response.status_code == HTTPStatus.PARTIAL_CONTENT:
                _check_span(response, safe, validator, into)
            else:
                safe = 0
            _save(line, response, into, safe)
            return Came(**vars(_seen(response)), resumed=safe > 0)

    return patiently(line, once)


def look(line: Line, *, conditions: Mapping[str, str]) -> Seen:
    """
    See what a server says of an answer, without bringing it.

    Parameters
    ----------
    line
        The call.
    conditions
        Headers that ask whether a copy is still good.

    Returns
    -------
    look
        What it says.

    Raises
    ------
    CallError
        If it says nothing good.
    SourceUnavailableError
        If the cache, where the pace is shared, cannot be used.
    """

    def once() -> Seen:
        headers = {"Range": "bytes=0-0"} if line.call.resumable else {}
        with answered(line, headers | dict(conditions)) as response:
            return _seen(response)

    return patiently(line, once)


def _seen(response: requests.Response) -> Seen:
    said = response.headers
    marks = said.get("ETag", ""), said.get("Last-Modified", ""), said.get("Content-Type", "")
    return Seen(response.status_code, *marks, _total(response))


@contextmanager
def answered(line: Line, headers: Mapping[str, str]) -> Iterator[requests.Response]:
    """
    Send a request once, follow its redirects, and open the answer without reading it.

    Parameters
    ----------
    line
        The call.
    headers
        Headers of this attempt: a range, a condition.

    Yields
    ------
    requests.Response
        The answer, of status 200, 206 or 304, for the time of a `with`.

    Raises
    ------
    CallError
        If there is no such answer: the reason gives the server's own words.
    """
    call, url, seen = line.call, line.call.url, set[str]()
    with requests.Session() as session:
        session.auth = _as_it_is  # nothing is taken from ~/.netrc
        for _ in range(REDIRECTS + 1):
            seen.add(url)
            with closing(_send(session, line, url, headers)) as response:
                target = session.get_redirect_target(response)
                if target is None:
                    _check_status(line, response)
                    yield response
                    return
                try:
                    url = redirected(call, url, target)
                except ValueError as error:
                    raise CallError(f"redirects to {error}") from error
            if url in seen and call.method == "GET":
                raise CallError(f"redirects in a loop, to {masked(url)[:QUOTED]}")
        raise CallError(f"redirects more than {REDIRECTS} times")


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _send(session: requests.Session, line: Line, url: str, extra: Mapping[str, str]) -> requests.Response:
    call, ask, pace = line.call, line.call.ask, line.pace
    identity = call.format in PACKED_FORMATS or "Range" in extra
    headers = {
        "User-Agent": f"territoire-geo/{version('territoire-geo')}",
        "Accept": "application/json" if call.format in JSON_FORMATS else "*/*",
        "Accept-Encoding": "identity" if identity else "gzip, deflate",
    }
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    if origin(url) == origin(call.url):
        headers |= dict(ask.headers)  # credentials are for the server that was asked, and for no other
    files = {ask.upload[0]: ask.upload[1:]} if ask.upload else None
    data = call.body if call.body is not None else list(ask.form)
    request = requests.Request(call.method, url, headers | dict(extra), files, data)
    LOG.debug("%s: %s %s", call.source.id, call.method, call.hide(masked(url)))
    with _plain_words(line):
        prepared = session.prepare_request(request)
        known = session.merge_environment_settings(prepared.url, {}, stream=True, verify=True, cert=None)
        proxies = {} if is_loopback(url) else known["proxies"]  # no proxy stands between this machine and itself
        verify = known["verify"] or True  # REQUESTS_CA_BUNDLE may name other certificates, nothing leaves them out
        timeout = (pace.connect, max(0.001, min(pace.read, line.left())))
        # Not Session.send: it reads the body of a redirect to its end, whatever its size.
        adapter = session.get_adapter(url)
        return adapter.send(prepared, stream=True, timeout=timeout, verify=verify, proxies=proxies)


def _check_status(line: Line, response: requests.Response) -> None:
    status = response.status_code
    asked = response.request.headers
    if status == HTTPStatus.OK:
        return
    if (status in PARTS and "Range" in asked) or (
        status == HTTPStatus.NOT_MODIFIED and ("If-None-Match" in asked or "If-Modified-Since" in asked)
    ):
        return
    words = _own_words(line, response)
    reason = f"answered {status}" + (f" ({words})" if words else "")
    if status not in RETRIED:
        raise CallError(reason)
    wait = retry_after(response.headers.get("Retry-After", ""))
    if wait > 0:
        close_host(line, wait)
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = min(line.pace.backoff * NO_DATE_429, line.pace.longest_wait)
    tries = TRIES_500 if status == HTTPStatus.INTERNAL_SERVER_ERROR else sys.maxsize
    raise CallError(reason, again=True, wait=wait, tries=tries)


def _own_words(line: Line, response: requests.Response) -> str:
    """Give the server's own message: that of its JSON, or its text."""
    came = b""
    try:
        for piece in _pieces(line, response):
            came += piece
            if len(came) >= SNIPPET:
                break
    except CallError:  # the status is what matters
        pass
    text = came[:SNIPPET].decode("utf-8", errors="replace")
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict):
        named = (told.get(name) for name in ("message", "detail", "error", "description", "title"))
        text = next((words for words in named if isinstance(words, str) and words), text)
    return line.call.hide(one_line(text))[:QUOTED]  # before it is cut: half of a secret is one


def _check_span(response: requests.Response, safe: int, validator: str, into: Part) -> None:
    span = response.headers.get("Content-Range", "")
    etag = response.headers.get("ETag", "")
    same = not etag or not validator.startswith('"') or etag == validator
    if not (safe and span.startswith(f"bytes {safe}-") and same and not _encoding(response)):
        into.drop()
        raise CallError(f"sent another part ({span or 'unnamed'}) than the one that was asked", again=True)


def _encoding(response: requests.Response) -> str:
    encoding = str(response.headers.get("Content-Encoding", "")).strip().lower()
    return "" if encoding == "identity" else encoding


def _save(line: Line, response: requests.Response, into: Part, safe: int) -> None:
    """Stream a body to the disk; when it breaks half-way, what is safe and can be resumed stays there."""
    total = _total(response)
    limit = int(line.call.source.max_mb * 1e6)
    if (total or 0) > limit:
        raise CallError(_too_large(line))
    validator = line.call.hide(_validator(response)) if line.call.resumable else ""
    written, synced = safe, safe
    with disk(line.cache), into.path.open("r+b" if safe else "wb") as sink, _bar(line, total, safe) as tick:
        sink.seek(safe)
        sink.truncate()
        into.note(validator, synced)
        try:
            for piece in _pieces(line, response):
                sink.write(piece)
                written += len(piece)
                tick(len(piece))
                if written > limit:
                    raise CallError(_too_large(line))
                if written - synced >= SYNCED:
                    synced = _settle(sink, into, validator, written)
            if total is not None and written != total:
                raise CallError(f"stopped after {written:,} of {total:,} bytes", again=True)
        finally:
            if total is None or written <= total:
                _settle(sink, into, validator, written)


def _total(response: requests.Response) -> int | None:
    """Give the size of the whole file, None when the server does not tell it."""
    if _encoding(response):
        return None
    if response.status_code in PARTS:
        size = response.headers.get("Content-Range", "").rpartition("/")[2]
    else:
        size = response.headers.get("Content-Length", "")
    return int(size) if size.isdecimal() else None


def _settle(sink: IO[bytes], into: Part, validator: str, written: int) -> int:
    sink.flush()
    os.fsync(sink.fileno())
    into.note(validator, written)
    return written


def _validator(response: requests.Response) -> str:
    """Give what the rest of the file must match: a strong ETag, or a date."""
    etag = response.headers.get("ETag", "")
    if _encoding(response) or response.headers.get("Accept-Ranges", "").lower() == "none":
        return ""
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def _too_large(line: Line) -> str:
    return f"sends more than the {line.call.source.max_mb:,.0f} MB that the catalogue expects (max_mb)"


def _pieces(line: Line, response: requests.Response) -> Iterator[bytes]:
    """Give the body as it comes; a transfer that crawls is abandoned, since time-outs see only silence."""
    pace = line.pace
    began, counted = time.monotonic(), 0
    while True:
        with _plain_words(line):
            piece = response.raw.read1(BLOCK, decode_content=True)
        if not piece:
            return
        yield piece
        counted += len(piece)
        now = time.monotonic()
        if now > line.ends:
            raise CallError(f"had not sent everything after {pace.deadline:.0f} s", again=True)
        if now - began > pace.patience:
            if counted < pace.slowest * (now - began):
                raise CallError(f"sends less than {pace.slowest:,.0f} bytes per second", again=True)
            began, counted = now, 0


@contextmanager
def _bar(line: Line, total: int | None, safe: int) -> Iterator[Callable[[int], object]]:
    wanted = line.pace.progress
    if wanted is None:
        wanted = sys.stderr is not None and sys.stderr.isatty()
    if not wanted or not line.call.resumable:
        yield lambda _size: None
        return
    from tqdm import tqdm  # noqa: PLC0415 - only for those who look at a terminal

    title = line.call.source.title[:40]
    with tqdm(total=total, initial=safe, unit="B", unit_scale=True, desc=title, file=sys.stderr, leave=False) as bar:
        yield bar.update


@contextmanager
def _plain_words(line: Line) -> Iterator[None]:
    """Say what went wrong on the way, for somebody who does not know the names of our libraries."""
    host = origin(line.call.url)[1]
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        reason, again = _reason(error, line.pace, host)
        raise CallError(reason, again=again, tries=2 if reason.startswith(AWAY) else sys.maxsize) from error
    except ValueError as error:  # a URL or a header that only the libraries refuse
        raise CallError("cannot be asked: its address or a header is not valid") from error


def _reason(error: Exception, pace: Pace, host: str) -> tuple[str, bool]:
    """Give words, and whether it may pass; what libraries wrap is told by the name of what they wrap."""
    invalid = requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader
    silent = requests.exceptions.ReadTimeout, urllib3.exceptions.ReadTimeoutError
    damaged = urllib3.exceptions.DecodeError, requests.exceptions.ContentDecodingError
    rules: tuple[tuple[tuple[type[Exception], ...], str, str, bool], ...] = (
        (
            (requests.exceptions.SSLError,),
            "SSLError",
            "was not asked: no safe connection can be made (certificate)",
            False,
        ),
        ((requests.exceptions.ProxyError,), "ProxyError", f"{AWAY}: the proxy of the network refuses", True),
        ((requests.exceptions.ConnectTimeout,), "ConnectTimeout", f"did not answer within {pace.connect:g} s", True),
        (silent, "timed out", f"was silent for {pace.read:g} s", True),
        ((), "NameResolution", f"{AWAY}: the name {host} is not known; is the network up?", True),
        ((), "NewConnection", f"{AWAY}: nothing answers at {host}", True),
        (invalid, "LocationParseError", "cannot be asked: its address or a header is not valid", False),
        (damaged, "DecodeError", "is damaged: it cannot be unpacked", True),
    )
    text = repr(error)
    for kinds, name, reason, again in rules:
        if isinstance(error, kinds) or name in text:
            return reason, again
    return "was cut: the connection broke before the end of the answer", True
