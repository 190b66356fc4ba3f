"""Patience: how often a request is sent again, and the pace that all our processes keep together at each producer."""

import json
import logging
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, TypeVar

from territoire_geo.loaders._calls import Call, Pace, is_loopback, origin
from territoire_geo.loaders._disk import disk, locked, write

LOG: Final = logging.getLogger("territoire_geo")
LONGEST_CLOSED: Final = 3600.0  # s that one answer may close a producer to all our processes

T = TypeVar("T")


@dataclass(eq=False)
class CallError(Exception):
    """A request failed: `reason` follows the URL in a message; whether to try `again`, how often, after what `wait`."""

    reason: str
    again: bool = False
    wait: float = 0.0
    tries: int = sys.maxsize

    def __str__(self) -> str:
        return self.reason


AWAY: Final = "cannot be reached"  # how the reason begins when the network does not lead there


@dataclass(frozen=True)
class Line:
    """How one call is made: the request, our patience, the cache where the pace is shared, the end of the patience."""

    call: Call
    pace: Pace
    cache: Path
    ends: float

    def left(self) -> float:
        """Seconds that remain."""
        return self.ends - time.monotonic()


@dataclass(frozen=True)
class Seen:
    """What a server says of an answer before its body."""

    status: int
    etag: str
    last_modified: str
    content_type: str
    size: int | None

    @property
    def unchanged(self) -> bool:
        """Whether our copy is still good."""
        return self.status == HTTPStatus.NOT_MODIFIED

    def words(self) -> str:
        """Describe what was seen, for the reader of a list."""
        size = "" if self.size is None else f"{self.size / 1e6:,.1f} MB"
        date = f"modified {self.last_modified}" if self.last_modified else ""
        said = (f"answers {self.status}", self.content_type, size, date)
        return ", ".join(part for part in said if part)


def open_line(call: Call, pace: Pace, cache: Path) -> Line:
    """
    Start counting the time of a call.

    Parameters
    ----------
    call
        The request.
    pace
        Our patience.
    cache
        The cache, where all processes share the pace.

    Returns
    -------
    open_line
        The call under way.
    """
    return Line(call, pace, cache, time.monotonic() + pace.deadline)


def patiently(line: Line, work: Callable[[], T]) -> T:
    """
    Do what needs the network, and again when the failure may pass.

    Parameters
    ----------
    line
        The call.
    work
        One attempt.

    Returns
    -------
    patiently
        What the attempt that succeeds returns.

    Raises
    ------
    CallError
        If none succeeds.
    """
    pace = line.pace
    tries = 0
    while True:
        tries += 1
        _wait_turn(line)
        try:
            return work()
        except CallError as error:
            _hide(line.call, error)
            jitter = 1 + random.random() / 4  # noqa: S311 - processes that failed together must not come back together
            wait = max(error.wait, pace.backoff * 2 ** (tries - 1) * jitter)
            if error.wait > pace.longest_wait:
                asked = time.strftime("%H:%M:%S", time.localtime(time.time() + error.wait))
                error.reason += f", and asks to wait until {asked} ({error.wait:.0f} s)"
                raise
            if not error.again or tries >= min(pace.attempts, error.tries):
                if tries > 1:
                    error.reason += f" (asked {tries} times)"
                raise
            if wait > line.left():
                raise
            LOG.info("%s: %s; asked again in %.1f s", line.call.source.id, error.reason, wait)
            time.sleep(wait)


def _hide(call: Call, error: CallError) -> None:
    """Take our secrets out of a failure: out of its words, and of what libraries said, which a traceback would show."""
    error.reason = call.hide(error.reason)
    error.args = (error.reason,)
    below = error.__cause__ or error.__context__
    while below is not None:
        said = f"{below} {below!r}"
        if call.hide(said) != said:
            error.__cause__ = error.__context__ = None
            return
        below = below.__cause__ or below.__context__


def retry_after(text: str) -> float:
    """
    Read how long a producer asks to wait.

    Parameters
    ----------
    text
        Retry-After: seconds, or a date.

    Returns
    -------
    retry_after
        Seconds, 0 when it asks for nothing.
    """
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _turn_file(line: Line) -> tuple[str, Path]:
    _, host, port = origin(line.call.base)
    name = f"{host.replace(':', '_')}_{port}"
    return f"host-{name}", line.cache / "hosts" / f"{name}.json"


def _turns(path: Path) -> tuple[float, float]:
    """When the next request may leave, and until when the producer asked not to be called."""
    try:
        told = json.loads(path.read_bytes())
        return float(told["next"]), float(told["closed"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0, 0.0


def _wait_turn(line: Line) -> None:
    """Take the next free moment of a host, which all threads and processes share, and wait for it."""
    pace = line.pace
    per_minute = pace.per_minute or (0.0 if is_loopback(line.call.base) else line.call.source.service.per_minute)
    name, path = _turn_file(line)
    with locked(line.cache, name, timeout=60), disk(line.cache):
        now = time.time()
        following, closed = _turns(path)
        if closed - now > min(pace.longest_wait, line.left()):
            asked = time.strftime("%H:%M:%S", time.localtime(closed))
            raise CallError(f"was not asked: the producer asked to wait until {asked}")
        turn = max(now, closed, min(following, now + line.left()))
        if per_minute > 0:
            write(path, {"next": turn + 60 / per_minute, "closed": closed})
    if turn > now:
        time.sleep(turn - now)


def close_host(line: Line, wait: float) -> None:
    """
    Tell all our processes that a producer asks to wait.

    Parameters
    ----------
    line
        The call that was answered so.
    wait
        Seconds.
    """
    name, path = _turn_file(line)
    with locked(line.cache, name, timeout=60), disk(line.cache):
        following, closed = _turns(path)
        write(path, {"next": following, "closed": max(closed, time.time() + min(wait, LONGEST_CLOSED))})
