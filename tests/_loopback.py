"""
A producer's server on this machine: faithful answers, then faults. It listens on 127.0.0.1 and closes for certain.

>>> with serve({"/data.csv": Reply(body="a;b\\n")}) as server:
...     url = f"{server.url}/data.csv"

A route is a path, or (method, path); the query is left out of it, and "*" answers for all other paths. It gives a
`Reply`, a list of them (one after the other, the last again and again) or a function of the `Request`:

    serve({
        "/range/DS_X": json_reply({"range": []}),
        "/data/DS_X": [Reply(429, "slow down", headers={"Retry-After": "1"}), json_reply({"observations": []})],
        ("POST", "/table"): lambda request: json_reply({"asked": request.json()}),
        "/big.zip": publish(content, etag='"v1"'),  # honours If-None-Match, Range and If-Range
        "/cut.csv": Reply(body=b"0123456789", truncate=True),  # announces 10 bytes, sends 5
        "/reset": Reply(reset=True),
        "/slow": Reply(body=b"0123456789", drip=0.5),
    })

`server.requests` lists what came in: method, path, params, headers, body. `server.routes` may be changed meanwhile.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked; `params` keeps the order and the repeated keys, `query` the text as it was sent."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    query: str
    headers: Message
    body: bytes

    def param(self, name: str, default: str = "") -> str:
        return dict(self.params).get(name, default)

    def json(self) -> object:
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """
    An answer and its faults.

    `truncate` announces the whole body and sends half of it, `reset` breaks the connection (half-way through the body
    if there is one), `delay` waits before the first byte, `drip` waits after each `piece` bytes [s], `sized=False`
    leaves Content-Length out. `headers` have the last word, Content-Length included.
    """

    status: int = 200
    body: bytes | str = b""
    content_type: str | None = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    truncate: bool = False
    reset: bool = False
    delay: float = 0.0
    drip: float = 0.0
    piece: int = 1
    sized: bool = True

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


Route = Reply | list[Reply] | Callable[[Request], Reply]
Routes = MutableMapping[str | tuple[str, str], Route]


def json_reply(body: object, status: int = 200, content_type: str = "application/json", **faults) -> Reply:
    return Reply(status, json.dumps(body, ensure_ascii=False), content_type, **faults)


def publish(body: bytes, *, etag: str = "", modified: str = "", ranges: bool = True, **reply) -> Callable[..., Reply]:
    """Serve a file as a good web server does: 304 when it has not changed, 206 for the end of it."""
    marks = {"ETag": etag} if etag else {}
    marks |= {"Last-Modified": modified} if modified else {}
    marks |= {"Accept-Ranges": "bytes"} if ranges else {}

    def answer(request: Request) -> Reply:
        same = etag and request.headers.get("If-None-Match") == etag
        same = same or (modified and request.headers.get("If-Modified-Since") == modified)
        if same:
            return Reply(304, content_type=None, headers=marks)
        wanted = request.headers.get("Range", "")
        condition = request.headers.get("If-Range", "")
        fresh = not condition or condition in {etag, modified}
        if not (ranges and fresh and wanted.startswith("bytes=")):
            return Reply(body=body, headers=marks, **reply)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last), len(body) - 1) if last else len(body) - 1
        if start >= len(body):
            return Reply(416, headers=marks | {"Content-Range": f"bytes */{len(body)}"})
        span = {"Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return Reply(206, body[start : end + 1], headers=marks | span, **reply)

    return answer


class Server(ThreadingHTTPServer):
    """The server; `url` is its base URL, without a final slash."""

    daemon_threads = False
    block_on_close = True  # closing waits for every thread, and no thread waits longer than `stopping`
    request_queue_size = 128

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self.requests: list[Request] = []
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self._given: dict[int, int] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def paths(self, method: str | None = None) -> list[str]:
        """Paths asked so far, in order."""
        with self.lock:
            return [request.path for request in self.requests if method in {None, request.method}]

    def reply(self, request: Request) -> Reply:
        with self.lock:
            self.requests.append(request)
            route = self.routes.get((request.method, request.path))
            if route is None:
                route = self.routes.get(request.path, self.routes.get("*", Reply(404, "Not Found")))
            if isinstance(route, list):
                turn = self._given.get(id(route), 0)
                self._given[id(route)] = turn + 1
                route = route[min(turn, len(route) - 1)]
        return route if isinstance(route, Reply) else route(request)

    def handle_error(self, request, client_address) -> None:
        """Stay quiet: clients that leave half-way are what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    server: Server

    def log_message(self, *args) -> None:
        pass

    def _answer(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        params = tuple(parse_qsl(url.query, keep_blank_values=True))
        reply = self.server.reply(Request(self.command, url.path, params, url.query, self.headers, body))
        self.close_connection = True
        if reply.delay and self.server.stopping.wait(reply.delay):
            return
        if not (reply.reset and not reply.content):
            self._send(reply)
        if reply.reset:
            self.wfile.flush()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def _send(self, reply: Reply) -> None:
        content = reply.content
        bodiless = self.command == "HEAD" or reply.status in {HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT}
        headers = {"Connection": "close"}
        if reply.content_type is not None:
            headers["Content-Type"] = reply.content_type
        if reply.sized and reply.status != HTTPStatus.NOT_MODIFIED:
            headers["Content-Length"] = str(len(content))
        self.send_response(reply.status)
        for name, value in (headers | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if bodiless:
            return
        cut = reply.truncate or reply.reset
        content = content[: len(content) // 2] if cut else content
        step = reply.piece if reply.drip else max(1, len(content))
        for start in range(0, len(content), step):
            self.wfile.write(content[start : start + step])
            if reply.drip and self.server.stopping.wait(reply.drip):
                return

    do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = _answer  # noqa: N815 - names of http.server


@contextmanager
def serve(routes: Routes) -> Iterator[Server]:
    """Answer `routes` on 127.0.0.1 until the end of the block; everything is closed then."""
    server = Server(routes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
