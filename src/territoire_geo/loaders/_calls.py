"""What is asked of a producer, before any network: patience, addresses that may be asked, and the key of an answer."""

import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from territoire_geo.errors import SourceError
from territoire_geo.loaders._catalogue import Entry

JSON_FORMATS: Final = frozenset({"json", "geojson"})
PACKED_FORMATS: Final = frozenset({"zip", "parquet", "xlsx", "xls", "gz"})  # packing them again would gain nothing
SECRETS: Final = re.compile(r"key|token|secret|passw|auth|signature|credential|cookie", re.IGNORECASE)
HIDDEN: Final = "***"
HEAD_SECRET: Final = 8  # characters of the beginning of a secret that are enough to tell it, when its end was cut
SHORTEST_SECRET: Final = 4  # characters: hiding "1" would hide half of a message


@dataclass(frozen=True)
class Pace:
    """
    Patience and limits of the door; tests shorten them. Times in seconds.

    `attempts` is how often a request is sent before giving up, `backoff` the wait after the first failure, doubled each
    time; `longest_wait` the longest that a producer may ask to wait, `deadline` the longest that one answer may take.
    A transfer under `slowest` bytes per second during `patience` is abandoned. `per_minute` replaces the rate of the
    service; this machine is asked without waiting unless it is given. `progress` draws a bar: None, on a terminal only.
    """

    attempts: int = 4
    backoff: float = 1.0
    connect: float = 10.0
    read: float = 60.0
    deadline: float = 3600.0
    longest_wait: float = 120.0
    slowest: float = 1000.0
    patience: float = 30.0
    per_minute: float | None = None
    progress: bool | None = None


@dataclass(frozen=True)
class Ask:
    """
    One request to a source: what follows the path of its entry.

    `path` replaces that of the entry: what follows the base URL of the service, or a whole URL of the same server
    (the next page of an answer). `json`, `form` and `upload` make it a POST. `format` replaces that of the entry when
    the answer is of another one. `Ask()` is the file of the entry itself, that one may also place by hand.
    """

    path: str | None = None
    params: tuple[tuple[str, str], ...] = ()
    json: object | None = None
    form: tuple[tuple[str, str], ...] = ()
    upload: tuple[str, str, bytes] | None = None  # field, file name, content
    headers: tuple[tuple[str, str], ...] = ()
    format: str = ""


WHOLE: Final = Ask()


@dataclass(frozen=True)
class Call:
    """A request ready to be sent: `url` is complete, `base` is where it starts, `format` what must come."""

    source: Entry
    ask: Ask
    base: str
    url: str
    format: str

    @property
    def whole(self) -> bool:
        """Whether the file of the entry itself is asked: its hash may be pinned, and it may be placed by hand."""
        return self.ask == WHOLE

    @property
    def method(self) -> str:
        """POST when something is sent, GET otherwise."""
        sent = self.ask.json is not None or self.ask.form or self.ask.upload
        return "POST" if sent else "GET"

    @property
    def body(self) -> bytes | None:
        """The JSON that is sent, always written in the same way."""
        if self.ask.json is None:
            return None
        return json.dumps(self.ask.json, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    @property
    def resumable(self) -> bool:
        """Whether the rest of the answer may be asked later: files, not answers worked out for us."""
        return self.method == "GET" and self.format not in JSON_FORMATS

    @property
    def shown(self) -> str:
        """The URL without secrets, for messages and records."""
        return masked(self.url)

    @property
    def key(self) -> str:
        """Name of the answer in the cache; credentials are no part of it."""
        field, name, content = self.ask.upload or ("", "", b"")
        parts = (
            self.method,
            self.url,
            self.format,
            sorted((key, value) for key, value in self.ask.headers if not SECRETS.search(key)),
            (self.body or b"").decode(),
            self.ask.form,
            (field, name, hashlib.sha256(content).hexdigest()),
        )
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def hide(self, text: str) -> str:
        """Take our secrets out of what a server says."""
        sent = [*self.ask.params, *parse_qsl(urlsplit(self.url).query), *self.ask.headers]
        words = {word for name, value in sent if SECRETS.search(name) for word in (value, *value.split())}
        for word in sorted({*words, *map(quote, words)}, key=len, reverse=True):
            text = text.replace(word, HIDDEN) if len(word) >= SHORTEST_SECRET else text
            if len(word) >= 2 * HEAD_SECRET:  # a text may have been cut in the middle of it
                text = re.sub(rf"{re.escape(word[:HEAD_SECRET])}[^\s\"']*", HIDDEN, text)
        return text


def prepare(source: Entry, ask: Ask, bases: Mapping[str, str], *, format: str = "") -> Call:  # noqa: A002 - the word of the catalogue
    """
    Write the request that an ask becomes.

    Parameters
    ----------
    source
        The source.
    ask
        What is asked of it.
    bases
        Other base URLs, by id of service.
    format
        What must come, when it is not what the ask or the entry say.

    Returns
    -------
    prepare
        The request, its address checked.

    Raises
    ------
    SourceError
        If the address is not one that may be asked: another scheme than https (or http on this machine), another
        server than that of the service.
    """
    service = source.service.id
    base = (bases.get(service) or bases.get(variable(service)) or source.service.base_url).rstrip("/")
    path = ask.path or source.path
    absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", path) is not None
    url = path if absolute else f"{base}/{path.lstrip('/')}" if path else base
    problem = fault(base) or fault(url)
    if not problem and origin(url) != origin(base):
        problem = f"is not on the server of the service, {base}"
    if problem:
        raise SourceError(f"{source.title} ({source.id}): {masked(url)} {problem}. Correct the base URL or the path.")
    return Call(source, ask, base, _with_params(url, ask.params), format or ask.format or source.format)


def _with_params(url: str, params: tuple[tuple[str, str], ...]) -> str:
    parts = urlsplit(url)
    given = parts.query.replace("*", "%2A")
    added = urlencode(params, quote_via=quote, safe="")
    return urlunsplit(parts._replace(query="&".join(part for part in (given, added) if part), fragment=""))


def variable(service: str) -> str:
    """
    Write the id of a service as the name of an environment variable holds it, in lower case.

    Parameters
    ----------
    service
        Id of the service.

    Returns
    -------
    variable
        Letters, digits and underscores.
    """
    return re.sub(r"\W", "_", service).lower()


def origin(url: str) -> tuple[str, str, int]:
    """
    Tell which server a URL names.

    Parameters
    ----------
    url
        A URL without fault.

    Returns
    -------
    origin
        Scheme, host and port.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, parts.hostname or "", parts.port or (443 if scheme == "https" else 80)


def is_loopback(url: str) -> bool:
    """
    Tell whether a URL names this machine.

    Parameters
    ----------
    url
        A URL.

    Returns
    -------
    is_loopback
        True for localhost and loopback addresses, never for a name that only begins like them.
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def fault(url: str, *, from_loopback: bool = True) -> str:
    """
    Tell why a URL may not be asked.

    Parameters
    ----------
    url
        A URL.
    from_loopback
        Whether plain http to this machine is allowed.

    Returns
    -------
    fault
        Words that follow the URL in a message, empty when it may be asked.
    """
    if re.search(r"[\s\\\x00-\x20\x7f]", url):
        return "is not a URL: it holds a space, a backslash or an invisible character"
    try:
        parts = urlsplit(url)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        return "is not a URL"
    if user is not None:
        return "holds a user name: credentials do not belong in a URL"
    if parts.scheme in {"http", "https"} and not host:
        return "names no server: write https://, then the name of a server"
    here = parts.scheme == "http" and from_loopback and is_loopback(url)
    if host and (parts.scheme == "https" or here):
        return ""
    return f"is not https but {parts.scheme or 'without scheme'}: what comes could have been changed on the way"


def redirected(call: Call, url: str, location: str) -> str:
    """
    Give the address that a redirect leads to.

    Parameters
    ----------
    call
        The request.
    url
        Where it has been sent.
    location
        Where the server sends it now, relative or not.

    Returns
    -------
    redirected
        The new address.

    Raises
    ------
    ValueError
        If it may not be asked: the message says why, in words that follow "redirects to".
    """
    try:
        target = urljoin(url, location)
    except ValueError:
        target = location
    problem = fault(target, from_loopback=is_loopback(call.url) and urlsplit(call.url).scheme == "http")
    if problem:
        raise ValueError(f"{masked(target)[:200]}, which {problem}")
    if call.method == "POST" and origin(target) != origin(call.url):
        raise ValueError(f"{masked(target)[:200]}, another server: what is sent is not for it")
    return target


def masked(url: str) -> str:
    """
    Hide what a URL holds of secrets.

    Parameters
    ----------
    url
        A URL.

    Returns
    -------
    masked
        The URL; parameters named like a key or a token, and a user name, are replaced by ***.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    if "@" in parts.netloc:
        parts = parts._replace(netloc=f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}")
    if not SECRETS.search(parts.query):
        return urlunsplit(parts)
    kept = [
        (name, HIDDEN if SECRETS.search(name) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote, safe="*")))
