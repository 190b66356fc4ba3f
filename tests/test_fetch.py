"""The door: what is asked, what is kept, what is refused, and what is said then."""

import errno
import gzip
import hashlib
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import replace
from email.utils import formatdate
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pandas as pd
import pytest

from _loopback import Reply, json_reply, publish, serve
from territoire_geo.errors import (
    ChecksumError,
    SourceError,
    SourceFormatError,
    SourceUnavailableError,
    StaleSourceWarning,
)
from territoire_geo.loaders import _cache, _calls, _network
from territoire_geo.loaders._catalogue import Entry, Service
from territoire_geo.loaders._fetch import (
    Ask,
    Door,
    Pace,
    cached,
    copies,
    fetch,
    fetch_json,
    forget,
    open_door,
    probe,
)

QUICK = Pace(
    attempts=3,
    backoff=0.001,
    connect=2,
    read=5,
    deadline=20,
    longest_wait=2,
    slowest=500,
    patience=0.1,
    progress=False,
)
CSV = b"code;n\n39198;1\n"
CSV_TYPE = "text/csv; charset=utf-8"


def service(base="https://producer.example/api", per_minute=30):
    return Service("fake", "A producer", base, per_minute)


def entry(server=None, path="data.csv", kind="csv", **fields):
    defaults = {
        "id": "a_source",
        "service": service(server.url if server else "https://producer.example/api"),
        "title": "Un fichier",
        "producer": "A producer",
        "licence": "Licence Ouverte",
        "landing_page": "https://producer.example/page",
        "tables": (),
        "millesime": "2024",
    }
    return Entry(path=path, format=kind, **(defaults | fields))


@pytest.fixture
def door(tmp_path):
    return Door(tmp_path / "cache", pace=QUICK)


@pytest.fixture
def no_sleep(monkeypatch):
    """Waits are recorded and not made."""
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def held(door):
    """What the cache holds for good: neither locks nor the pace of hosts."""
    folders = [door.cache / name for name in ("objects", "entries", "partial")]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def older(door, days):
    for path in (door.cache / "entries").rglob("*.json"):
        told = json.loads(path.read_text())
        path.write_text(json.dumps(told | {"fetched": told["fetched"] - days * 86_400}))


def zipped(files, compression=ZIP_DEFLATED):
    out = BytesIO()
    with ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


# ---------------------------------------------------------------- asked once, kept


def test_an_answer_is_asked_once_and_kept(door):
    with serve({"/data.csv": Reply(body=CSV, content_type=CSV_TYPE)}) as server:
        first = fetch(door, entry(server))
        second = fetch(door, entry(server))
    assert (first.origin, second.origin) == ("network", "cache")
    assert first.path == second.path
    assert first.path.read_bytes() == CSV
    assert first.path.name == f"{hashlib.sha256(CSV).hexdigest()}.csv"
    assert first.sha256 == hashlib.sha256(CSV).hexdigest()
    assert first.url == f"{server.url}/data.csv"
    assert first.content_type == CSV_TYPE
    assert len(server.requests) == 1
    assert [path.parent.name for path in held(door)] == ["a_source", "objects"]


def test_who_asks_says_so(door):
    with serve({"*": json_reply([])}) as server:
        fetch_json(door, entry(server, kind="json"))
    headers = server.requests[0].headers
    assert headers["User-Agent"].startswith("territoire-geo/")
    assert headers["Accept"] == "application/json"


def test_parameters_are_sent_as_given(door):
    params = (("GEO", "EPCI-200010650*COM"), ("AGE", "Y_LT15"), ("AGE", "é t"), ("empty", ""))
    with serve({"/data/DS": json_reply({"observations": []})}) as server:
        fetch_json(door, entry(server, kind="json"), Ask("data/DS", params))
        fetch_json(door, entry(server, kind="json"), Ask(f"{server.url}/data/DS?GEO=DEP-39*COM&page=2"))
    assert server.requests[0].params == params
    assert "EPCI-200010650%2ACOM" in server.requests[0].query
    assert server.requests[1].query == "GEO=DEP-39%2ACOM&page=2"


def test_what_is_sent(door):
    with serve({"*": json_reply({})}) as server:
        source = entry(server, "table", "json")
        fetch_json(door, source, Ask(json={"b": 1, "a": "é"}))
        fetch_json(door, source, Ask(json={"a": "é", "b": 1}))  # the same request
        fetch_json(door, source, Ask(form=(("x", "1"), ("x", "2"))))
        fetch_json(door, source, Ask(form=(("columns", "adresse"),), upload=("data", "a.csv", CSV)))
        fetch_json(door, source, Ask(form=(("columns", "adresse"),), upload=("data", "a.csv", CSV + b"39300;2\n")))
    assert [request.method for request in server.requests] == ["POST"] * 4
    assert server.requests[0].json() == {"a": "é", "b": 1}
    assert server.requests[0].headers["Content-Type"] == "application/json"
    assert server.requests[1].body == b"x=1&x=2"
    assert b'name="data"; filename="a.csv"' in server.requests[2].body
    assert CSV in server.requests[2].body


def test_base_urls_can_be_changed(door, monkeypatch):
    with serve({"*": Reply(body=CSV)}) as server:
        fetch(replace(door, bases={"fake": f"{server.url}/other/"}), entry())
        monkeypatch.setenv("TERRITOIRE_GEO_URL_FAKE", f"{server.url}/env")
        fetch(open_door(cache=door.cache), entry())
        fetch(open_door(cache=door.cache, bases={"fake": f"{server.url}/argument"}), entry())
    assert server.paths() == ["/other/data.csv", "/env/data.csv", "/argument/data.csv"]


def test_the_environment_opens_the_door(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("TERRITOIRE_GEO_")]:
        monkeypatch.delenv(name)
    assert open_door().cache.name == "territoire-geo"
    assert not open_door().offline
    monkeypatch.setenv("TERRITOIRE_GEO_CACHE", str(tmp_path))
    monkeypatch.setenv("TERRITOIRE_GEO_OFFLINE", "1")
    assert open_door().cache == tmp_path
    assert open_door().offline
    assert not open_door(offline=False).offline
    for word, shut in {"Oui": True, " TRUE ": True, "on": True, "yes": True, "0": False, "non": False, "Off": False,
                       "no": False, "false": False, "": False}.items():  # fmt: skip
        monkeypatch.setenv("TERRITOIRE_GEO_OFFLINE", word)
        assert open_door().offline is shut
    monkeypatch.setenv("TERRITOIRE_GEO_OFFLINE", "2")
    with pytest.raises(
        SourceError, match=r"TERRITOIRE_GEO_OFFLINE: '2' is neither yes \(1, true, yes, oui, on\) nor no"
    ):
        open_door()
    assert open_door(offline=True).offline
    assert not list(tmp_path.iterdir())


def test_gzip_is_unpacked_and_limited(door):
    packed = {"Content-Encoding": "gzip"}
    bomb = gzip.compress(b"a" * 3_000_000)
    with serve(
        {
            "/data.csv": Reply(body=gzip.compress(CSV), headers=packed),
            "/bomb.csv": Reply(body=bomb, headers=packed),
            "/cut.csv": Reply(body=gzip.compress(CSV * 1000), headers=packed, truncate=True),
            "/bad.csv": Reply(body=b"not gzip", headers=packed),
        }
    ) as server:
        assert fetch(door, entry(server)).path.read_bytes() == CSV
        assert "gzip" in server.requests[0].headers["Accept-Encoding"]
        with pytest.raises(SourceUnavailableError, match="sends more than the 1 MB"):
            fetch(door, entry(server, "bomb.csv", max_mb=1))
        with pytest.raises(SourceUnavailableError, match="broke before the end"):
            fetch(door, entry(server, "cut.csv"))
        with pytest.raises(SourceUnavailableError, match="cannot be unpacked"):
            fetch(door, entry(server, "bad.csv"))
    assert len(held(door)) == 2


# ---------------------------------------------------------------- old and fresh


def test_a_copy_that_never_ages(door):
    with serve({"*": Reply(body=CSV)}) as server:
        fetch(door, entry(server))
        older(door, 10_000)
        assert fetch(door, entry(server)).origin == "cache"
    assert len(server.requests) == 1


def test_an_old_copy_is_asked_about(door):
    with serve({"/data.csv": publish(CSV, etag='"1"', modified="Mon, 05 Jan 2026 10:00:00 GMT")}) as server:
        source = entry(server, refresh_days=7)
        fetch(door, source)
        older(door, 6)
        assert fetch(door, source).origin == "cache"
        assert len(server.requests) == 1
        older(door, 2)
        before = time.time()
        again = fetch(door, source)
        assert again.origin == "cache"
        assert again.fetched >= before
        assert server.requests[-1].headers["If-None-Match"] == '"1"'
        assert server.requests[-1].headers["If-Modified-Since"] == "Mon, 05 Jan 2026 10:00:00 GMT"
        fetch(door, source)
        assert len(server.requests) == 2
        server.routes["/data.csv"] = publish(CSV + b"39300;2\n", etag='"2"')
        changed = fetch(door, source, refresh=True)
    assert changed.origin == "network"
    assert changed.path.read_bytes().endswith(b"39300;2\n")
    assert again.path.read_bytes() == CSV  # somebody may still be reading it


@pytest.mark.parametrize(
    "reply",
    [Reply(503), Reply(reset=True), Reply(404), Reply(body="<html>maintenance</html>", content_type="text/html")],
    ids=["503", "reset", "404", "page"],
)
def test_an_old_copy_stands_in_with_a_warning(door, reply):
    with serve({"*": Reply(body=CSV)}) as server:
        source = entry(server, refresh_days=1)
        fetch(door, source)
        older(door, 3)
        server.routes["*"] = reply
        with pytest.warns(StaleSourceWarning, match="Un fichier .* the copy of "):
            stale = fetch(door, source)
    assert stale.origin == "stale"
    assert stale.path.read_bytes() == CSV


def test_a_date_in_the_future_is_not_fresh(door):
    with serve({"*": Reply(body=CSV)}) as server:
        fetch(door, entry(server, refresh_days=7))
        older(door, -30)
        fetch(door, entry(server, refresh_days=7))
    assert len(server.requests) == 2


# ---------------------------------------------------------------- offline, by hand


@pytest.fixture
def no_socket(monkeypatch):
    def refuse(*_args, **_options):
        raise AssertionError("a socket was opened")

    return lambda: (
        monkeypatch.setattr(socket, "socket", refuse),
        monkeypatch.setattr(socket, "getaddrinfo", refuse),
        monkeypatch.setattr(socket, "create_connection", refuse),
    )


def test_offline_opens_no_socket(door, no_socket):
    with serve({"*": Reply(body=CSV)}) as server:
        source = entry(server, refresh_days=1)
        fetch(door, source)
    older(door, 1000)
    no_socket()
    shut = replace(door, offline=True)
    assert fetch(shut, source, refresh=True).origin == "cache"
    with pytest.raises(SourceUnavailableError) as caught:
        fetch(shut, entry(id="another"))
    message = str(caught.value)
    for words in (
        "Un fichier (another)",
        "https://producer.example/api/data.csv",
        "offline",
        "https://producer.example/page",
        str(door.cache / "by-hand" / "another"),
    ):
        assert words in message
    with pytest.raises(SourceUnavailableError, match="offline"):
        fetch_json(shut, entry(kind="json"), Ask("page", (("n", "2"),)))
    assert not probe(shut, source).alive
    assert cached(shut, source).path.read_bytes() == CSV


def test_a_file_placed_by_hand_comes_first(door, no_socket):
    no_socket()
    source = entry()
    folder = door.cache / "by-hand" / "a_source"
    folder.mkdir(parents=True)
    (folder / ".DS_Store").write_bytes(b"hidden")
    (folder / "fichier téléchargé.csv").write_bytes(CSV)
    seen = []
    answer = fetch(door, source, check=seen.append)
    assert answer.origin == "by hand"
    assert answer.path == folder / "fichier téléchargé.csv"
    assert seen == [answer.path]
    assert cached(door, source) == answer
    assert forget(door, source) == 0
    assert answer.path.exists()
    assert fetch(door, replace(source, sha256=answer.sha256)).origin == "by hand"
    with pytest.raises(ChecksumError, match=f"placed by hand is not the file.*{answer.sha256} where {'0' * 64}"):
        fetch(door, replace(source, sha256="0" * 64))
    with pytest.raises(SourceUnavailableError, match="offline"):  # another request than the file itself
        fetch(replace(door, offline=True), source, Ask("other.csv"))
    (folder / "second.csv").write_bytes(CSV)
    with pytest.raises(SourceError, match=r"2 files .* where one is expected"):
        fetch(door, source)


@pytest.mark.parametrize("name", ["data.csv.crdownload", "data.zip.part", "data.tmp", "DATA.ZIP.PART"])
def test_a_download_that_has_not_ended_is_refused(door, name):
    folder = door.cache / "by-hand" / "a_source"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(CSV)
    with pytest.raises(SourceError, match=f"{name}: its download is not finished"):
        fetch(door, entry())
    (folder / "data.csv").write_bytes(b"")  # a browser makes both
    with pytest.raises(SourceError, match=f"{name}: its download is not finished"):
        fetch(door, entry())


@pytest.mark.parametrize("name", ["data", "data.csv.1", "data."])
def test_a_name_that_does_not_tell_its_format_is_refused(door, name):
    folder = door.cache / "by-hand" / "a_source"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(zipped({"data.csv": CSV}))
    with pytest.raises(
        SourceFormatError, match=r"does not end as a format that is read \(\.csv, .*\.zip.*suffix under"
    ):
        fetch(door, entry())


def test_a_page_saved_by_hand_is_refused(door):
    folder = door.cache / "by-hand" / "a_source"
    folder.mkdir(parents=True)
    (folder / "data.csv").write_text("<!DOCTYPE html><title>404</title>")
    with pytest.raises(SourceFormatError, match=r"data\.csv placed by hand is a page of HTML"):
        fetch(door, entry())
    (folder / "data.csv").unlink()
    (folder / "data.zip").write_bytes(zipped({"data.csv": CSV}))  # packed by the user: read as what it is
    assert fetch(door, entry()).origin == "by hand"


def test_what_is_here_and_forgetting_it(door):
    with serve({"*": json_reply({})}) as server:
        source = entry(server, "page", "json")
        assert cached(door, source) is None
        fetch_json(door, source, Ask(params=(("n", "1"),)))
        fetch_json(door, source, Ask(params=(("n", "2"),)))
        fetch_json(door, entry(server, "page", "json", id="twin"))  # the same content
        assert [answer.url[-1] for answer in copies(door, source)] == ["2", "1"]
        assert cached(door, source).url.endswith("n=2")
        assert forget(door, source) == 2
        assert cached(door, source) is None
        assert fetch(door, entry(server, "page", "json", id="twin")).path.exists()


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://producer.example/x", True),
        ("http://127.0.0.1:8000/x", True),
        ("http://[::1]:8000/x", True),
        ("http://localhost/x", True),
        ("http://producer.example/x", False),
        ("http://127.0.0.1.evil.com/x", False),
        ("http://localhost.evil.com/x", False),
        ("http://127.0.0.1@evil.com/x", False),
        ("https://user:secret@producer.example/x", False),
        ("http://127.0.0.1\\@evil.com/x", False),
        ("https://producer.example/a b", False),
        ("https://producer.example:port/", False),
        ("https:///x", False),
        ("http://[::1/x", False),
        ("file:///etc/passwd", False),
        ("ftp://producer.example/x", False),
        ("data:text/csv,a", False),
    ],
)
def test_addresses_that_may_be_asked(url, allowed):
    assert (not _calls.fault(url)) is allowed


@pytest.mark.parametrize("base", ["https://", "https:", "https:///", "http://"])
def test_an_address_without_server_is_said(door, base):
    with pytest.raises(SourceError, match="names no server: write https://"):
        fetch(replace(door, bases={"fake": base}), entry())


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("https://elsewhere.example/data.csv", "is not on the server"),
        ("http://producer.example/data.csv", "is not https"),
        ("https://producer.example:8443/data.csv", "is not on the server"),
        ("file:///etc/passwd", "is not https but file"),
    ],
)
def test_another_server_is_refused(door, path, words):
    with pytest.raises(SourceError, match=words):
        fetch(door, entry(), Ask(path))
    assert not door.cache.exists()


def test_a_base_that_is_not_https_is_refused(door):
    with pytest.raises(SourceError, match="is not https but ftp"):
        fetch(replace(door, bases={"fake": "ftp://producer.example"}), entry())


def moved(location, status=302):
    return Reply(status, headers={"Location": location})


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("file:///etc/passwd", "redirects to file:///etc/passwd, which is not https but file"),
        ("ftp://producer.example/data.csv", "is not https but ftp"),
        ("http://producer.example/data.csv", "redirects to http://producer.example/data.csv, which is not https"),
        ("http://127.0.0.1.evil.com/", "which is not https"),
        ("/data.csv", "redirects in a loop"),
        ("http://[", "is not a URL"),
    ],
)
def test_redirects_that_are_refused(door, location, words):
    with serve({"/data.csv": moved(location)}) as server, pytest.raises(SourceUnavailableError) as caught:
        fetch(door, entry(server))
    assert words in str(caught.value)
    assert len(server.requests) == 1
    assert not held(door)


def test_redirects_from_https_never_lead_to_plain_http():
    call = _calls.prepare(entry(), Ask(), {})
    with pytest.raises(ValueError, match="is not https"):
        _calls.redirected(call, call.url, "http://127.0.0.1/x")
    assert _calls.redirected(call, call.url, "/x") == "https://producer.example/x"
    assert _calls.redirected(call, call.url, "https://elsewhere.example/x") == "https://elsewhere.example/x"


def test_redirects_are_followed_a_while(door):
    routes = {f"/{step}": moved(f"/{step + 1}") for step in range(30)}
    with serve(routes | {"/data.csv": moved("/21"), "/30": Reply(body=CSV)}) as server:
        assert fetch(door, entry(server)).path.read_bytes() == CSV
        with pytest.raises(SourceUnavailableError, match="redirects more than 10 times"):
            fetch(door, entry(server, "0"))


def test_credentials_stay_with_the_server_that_was_asked(door):
    headers = (("Authorization", "Bearer hush-hush"), ("X-Api-Key", "hush-hush"))
    with serve({"*": json_reply({})}) as other, serve({"/near": moved("/here"), "/here": json_reply({})}) as server:
        server.routes["/far"] = moved(f"{other.url}/there")
        source = entry(server, kind="json")
        fetch_json(door, source, Ask("near", headers=headers))
        fetch_json(door, source, Ask("far", headers=headers))
        with pytest.raises(SourceUnavailableError, match="another server: what is sent is not for it"):
            fetch_json(door, source, Ask("far", json={"a": 1}))
    assert [request.headers["Authorization"] for request in server.requests[:3]] == ["Bearer hush-hush"] * 3
    assert other.requests[0].headers["Authorization"] is None
    assert other.requests[0].headers["X-Api-Key"] is None
    assert len(other.requests) == 1


def test_secrets_are_never_written_down(door, caplog):
    caplog.set_level(logging.INFO, logger="territoire_geo")
    ask = Ask(params=(("api_key", "hush-hush"), ("n", "1")), headers=(("Authorization", "hush-too"),))
    with serve({"*": [json_reply({}), Reply(403, "no right for hush-hush and hush-too")]}) as server:
        source = entry(server, kind="json")
        fetch_json(door, source, ask)
        with pytest.raises(SourceUnavailableError) as caught:
            fetch_json(door, source, replace(ask, path="other"))
    written = "".join(path.read_text() for path in door.cache.rglob("*") if path.is_file())
    for text in (written, str(caught.value), caplog.text):
        assert "hush" not in text
    assert "api_key=***&n=1" in str(caught.value)
    assert "no right for *** and ***" in str(caught.value)
    assert cached(door, source).url.endswith("api_key=***&n=1")


def chained(error):
    """Everything that a failure and those below it say."""
    said = "".join(traceback.format_exception(error))
    while error is not None:
        said += f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__
    return said


@pytest.mark.parametrize("pad", [0, 185, 4085])
def test_a_server_that_echoes_our_key_does_not_have_it_logged(door, caplog, pad):
    caplog.set_level(logging.DEBUG)
    key = "5b3ce3597851110001cf6248-the-secret-half"
    ask = Ask(json={"a": 1}, headers=(("Authorization", key),))
    space = "x" * pad if pad < 200 else " " * pad  # where messages are cut

    def echo(request):
        return Reply(500, space + request.headers["Authorization"])

    with serve({"*": echo}) as server, pytest.raises(SourceUnavailableError) as caught:
        fetch_json(door, entry(server, kind="json"), ask)
    for text in (caplog.text, chained(caught.value)):
        assert "answered 500" in text
        assert "5b3ce359" not in text  # four digits are found in the hash of a lock, now and then
        assert "secret-half" not in text


@pytest.mark.parametrize("headers", [{"ETag": '"KEY"'}, {"Last-Modified": "KEY"}, {"Content-Type": "text/csv; x=KEY"}])
def test_what_a_server_says_of_an_answer_is_kept_without_our_key(door, headers):
    key = "5b3ce3597851110001cf6248"
    said = {name: value.replace("KEY", key) for name, value in headers.items()}
    with serve({"*": Reply(body=CSV, headers=said)}) as server:
        fetch(door, entry(server), Ask(headers=(("Authorization", key),)))
    written = "".join(path.read_text() for path in door.cache.rglob("*.json"))
    assert "***" in written
    assert key not in written


def test_what_libraries_say_of_our_key_is_not_chained(door, caplog):
    caplog.set_level(logging.INFO)
    with serve({}) as server:
        gone = server.url
    failures = []
    for one, ask in (
        (entry(path="data.csv"), Ask(headers=(("Authorization", "hush-hush-hush\nhush"),))),
        (entry(path="data.csv"), Ask(params=(("api_key", "hush hush/hush"),))),
    ):
        with pytest.raises(SourceUnavailableError) as caught:
            fetch(replace(door, bases={"fake": gone}), one, ask)
        failures.append(chained(caught.value))
    for text in (*failures, caplog.text):
        assert "hush" not in text


def test_neither_netrc_nor_proxy_for_this_machine(door, monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with serve({"*": Reply(body=CSV)}) as server:
        fetch(door, entry(server))
    assert server.requests[0].headers["Authorization"] is None


# ---------------------------------------------------------------- faults of producers


@pytest.mark.parametrize(
    ("replies", "times"),
    [
        ([Reply(503), Reply(body=CSV)], 2),
        ([Reply(502), Reply(504), Reply(body=CSV)], 3),
        ([Reply(500, "oops"), Reply(body=CSV)], 2),
        ([Reply(429), Reply(body=CSV)], 2),
        ([Reply(reset=True), Reply(body=CSV)], 2),
        ([Reply(body=CSV, truncate=True), Reply(body=CSV)], 2),
        ([Reply(body=CSV, reset=True), Reply(body=CSV)], 2),
    ],
    ids=["503", "502-504", "500", "429", "reset", "truncated", "reset half-way"],
)
def test_what_may_pass_is_asked_again(door, replies, times):
    with serve({"*": replies}) as server:
        assert fetch(door, entry(server)).path.read_bytes() == CSV
    assert len(server.requests) == times


def test_silence_is_not_waited_for(door):
    hasty = replace(door, pace=replace(QUICK, read=0.3))
    with serve({"*": [Reply(body=CSV, delay=5), Reply(body=CSV)]}) as server:
        assert fetch(hasty, entry(server)).path.read_bytes() == CSV
        server.routes["*"] = Reply(body=CSV, delay=5)
        with pytest.raises(SourceUnavailableError, match=r"was silent for 0\.3 s \(asked 2 times\)"):
            fetch(replace(hasty, pace=replace(hasty.pace, attempts=2)), entry(server, "other.csv"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 501])
def test_what_will_not_pass_is_asked_once(door, status):
    with (
        serve({"*": Reply(status, "This endpoint does not support an unfiltered call")}) as server,
        pytest.raises(SourceUnavailableError) as caught,
    ):
        fetch(door, entry(server))
    assert len(server.requests) == 1
    message = str(caught.value)
    assert f"answered {status} (This endpoint does not support an unfiltered call)" in message
    assert f"Un fichier (a_source): {server.url}/data.csv" in message
    assert (
        f"Download it from https://producer.example/page and put it in {door.cache / 'by-hand' / 'a_source'}" in message
    )
    assert not held(door)


def test_the_unknown_data_set_of_melodi(door):
    words = "Le serveur a rencontré une erreur inattendue."
    with (
        serve({"*": Reply(500, words)}) as server,
        pytest.raises(SourceUnavailableError, match=rf"answered 500 \({words}\) \(asked 2 times\)"),
    ):
        fetch_json(door, entry(server, "data/DS_X", "json"))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (json_reply({"message": "bad limit"}, 400), "(bad limit)"),
        (json_reply({"detail": "Not found."}, 404), "(Not found.)"),
        (json_reply(["a"], 400), '(["a"])'),
        (Reply(400, "x" * 5000), f"({'x' * 200})"),
        (Reply(400, "a\x1b[31m\n\n b"), "(a [31m b)"),
        (Reply(400, "abc", truncate=True), "answered 400 (a)"),
        (Reply(404), "answered 404. "),
    ],
)
def test_the_own_words_of_a_server(door, reply, words):
    with serve({"*": reply}) as server, pytest.raises(SourceUnavailableError) as caught:
        fetch_json(door, entry(server, kind="json"))
    assert words in str(caught.value)


@pytest.mark.parametrize("when", ["seconds", "date"])
def test_retry_after_is_obeyed(door, no_sleep, when):
    after = "5" if when == "seconds" else formatdate(time.time() + 5, usegmt=True)
    patient = replace(door, pace=replace(QUICK, longest_wait=60))
    with serve({"*": [Reply(429, headers={"Retry-After": after}), Reply(body=CSV)]}) as server:
        fetch(patient, entry(server))
    assert 2 < max(no_sleep) <= 5
    assert len(server.requests) == 2


def test_a_wait_that_is_too_long_is_said_and_shared(door):
    with serve({"*": Reply(429, "slow down", headers={"Retry-After": "3000"})}) as server:
        with pytest.raises(SourceUnavailableError, match=r"asks to wait until \d\d:\d\d:\d\d \(3000 s\)"):
            fetch(door, entry(server))
        with pytest.raises(SourceUnavailableError, match="was not asked: the producer asked to wait until"):
            fetch(door, entry(server, "other.csv"))
    assert len(server.requests) == 1


def test_the_pace_is_shared(door, no_sleep):
    paced = replace(door, pace=replace(QUICK, per_minute=30))
    with serve({"*": json_reply({})}) as server:
        for page in range(4):
            fetch_json(paced, entry(server, kind="json"), Ask(params=(("page", str(page)),)))
    assert [round(wait / 2) for wait in no_sleep] == [1, 2, 3]  # nobody slept: each turn is 2 s after the one before


def test_this_machine_is_asked_without_waiting(door, no_sleep):
    with serve({"*": json_reply({})}) as server:
        for page in range(3):
            fetch_json(door, entry(server, kind="json"), Ask(params=(("page", str(page)),)))
    assert not no_sleep


def test_a_damaged_pace_is_forgotten(door):
    with serve({"*": Reply(body=CSV)}) as server:
        fetch(door, entry(server))
        path = door.cache / "hosts" / f"127.0.0.1_{server.server_address[1]}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"next": 1')
        fetch(door, entry(server, "other.csv"))
    assert len(server.requests) == 2


def test_a_drip_is_abandoned(door):
    with (
        serve({"*": Reply(body=b"x" * 4000, drip=0.02)}) as server,
        pytest.raises(SourceUnavailableError, match=r"sends less than 500 bytes per second \(asked 3 times\)"),
    ):
        fetch(door, entry(server))
    assert not held(door)


def test_the_whole_patience_is_bounded(door):
    hasty = replace(door, pace=replace(QUICK, deadline=0.5, slowest=1))
    with (
        serve({"*": Reply(body=b"x" * 4000, drip=0.02)}) as server,
        pytest.raises(SourceUnavailableError, match="had not sent everything after"),
    ):
        fetch(hasty, entry(server))


def test_nobody_answers(door):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(SourceUnavailableError, match=r"nothing answers at 127\.0\.0\.1 \(asked 2 times\)"):
        fetch(replace(door, bases={"fake": f"http://127.0.0.1:{port}"}), entry())
    assert not held(door)


def test_the_network_is_down(door, monkeypatch, no_sleep):
    def down(*_args, **_options):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", down)
    with pytest.raises(SourceUnavailableError, match=r"the name producer\.example is not known; is the network up\?"):
        fetch(door, entry())
    assert no_sleep  # it was tried again


def test_no_safe_connection(door):
    with serve({}) as server:
        door = replace(door, bases={"fake": server.url.replace("http:", "https:")})
        with pytest.raises(SourceUnavailableError, match="no safe connection can be made"):
            fetch(door, entry())


@pytest.mark.parametrize("host", ["a..b", "-" * 70 + ".example", "\u2100.example"])
def test_hosts_that_libraries_refuse(door, host, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [])
    with pytest.raises(SourceError):
        fetch(replace(door, bases={"fake": f"https://{host}"}), entry())


def test_headers_that_libraries_refuse(door):
    with serve({"*": Reply(body=CSV)}) as server, pytest.raises(SourceUnavailableError, match="header is not valid"):
        fetch(door, entry(server), Ask(headers=(("X", "a\nb"),)))
    assert not server.requests


# ---------------------------------------------------------------- what is let in


PAGE = "<!DOCTYPE html>\n<html><body>Le site est en maintenance</body></html>"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(body=PAGE, content_type="text/html"), "is text/html where json was expected; it begins with '<!DOCTYPE"),
        (Reply(body=PAGE, content_type="application/json"), "is a page of HTML or XML where json was expected"),
        (Reply(body='{"a": [1, 2', content_type="application/json"), "is not readable JSON"),
        (Reply(body='{"a": 1}', content_type="text/plain"), "is text/plain where json was expected"),
        (Reply(body="[" * 100_000, content_type="application/json"), "is not readable JSON"),
        (Reply(body=b"\xff\xfe\x00", content_type="application/json"), "is not readable JSON"),
        (Reply(body="", content_type="application/json"), "is empty"),
    ],
)
def test_json_that_is_not(door, reply, words):
    with serve({"*": reply}) as server, pytest.raises(SourceFormatError) as caught:
        fetch_json(door, entry(server, kind="json"))
    assert words in str(caught.value)
    assert f"Un fichier (a_source): {server.url}/data.csv" in str(caught.value)
    assert not held(door)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "application/geo+json", "application/octet-stream", None]
)
def test_json_that_is(door, kind):
    with serve({"*": Reply(body="\ufeff" + '{"é": null}', content_type=kind)}) as server:
        assert fetch_json(door, entry(server, kind="json")) == {"é": None}
        assert fetch_json(door, entry(server, kind="zip"), Ask("catalog/DS")) == {"é": None}


def parquet():
    out = BytesIO()
    pd.DataFrame({"code": ["39198"]}).to_parquet(out)
    return out.getvalue()


GOOD = {"csv": CSV, "zip": zipped({"data.csv": CSV}), "parquet": parquet(), "xlsx": zipped({"xl/workbook.xml": "<x/>"})}


@pytest.mark.parametrize("wanted", GOOD)
@pytest.mark.parametrize("kind", ["application/octet-stream", "text/csv", "application/vnd.any", None])
def test_files_that_are(door, wanted, kind):
    with serve({"*": Reply(body=GOOD[wanted], content_type=kind)}) as server:
        assert fetch(door, entry(server, kind=wanted)).path.read_bytes() == GOOD[wanted]


@pytest.mark.parametrize(
    ("wanted", "body", "kind", "words"),
    [
        ("csv", PAGE, "text/csv", "is a page of HTML"),
        ("csv", "<?xml version='1.0'?><Error/>", "application/xml", "is a page of HTML or XML"),
        ("csv", CSV, "text/html", "is text/html where csv was expected"),
        ("csv", '{"error": 1}', "application/json", "is application/json where csv was expected"),
        ("csv", "", "text/csv", "is empty"),
        ("zip", PAGE, "application/zip", "is a page of HTML"),
        ("zip", CSV, "application/zip", "is not a zip file; it begins with 'code;n 39198;1'"),
        ("zip", GOOD["zip"][:-30], "application/zip", "is not a zip that can be used"),
        ("xlsx", CSV, None, "is not a xlsx file"),
        ("xls", CSV, None, "is not a xls file"),
        ("parquet", GOOD["parquet"][:-10], None, "is a parquet file without its end"),
        ("parquet", CSV, None, "is not a parquet file"),
        ("zip", zipped({"../../etc/x.csv": CSV}), None, "names '../../etc/x.csv', outside the zip"),
    ],
)
def test_files_that_are_not(door, wanted, body, kind, words):
    with serve({"*": Reply(body=body, content_type=kind)}) as server:
        for _ in range(2):
            with pytest.raises(SourceFormatError) as caught:
                fetch(door, entry(server, kind=wanted))
    assert words in str(caught.value)
    assert "The cache is unchanged" in str(caught.value)
    assert not held(door)
    assert len(server.requests) == 2


def test_a_frozen_file_that_changed(door):
    source = entry(sha256=hashlib.sha256(CSV).hexdigest())
    new = hashlib.sha256(CSV + b"x").hexdigest()
    with serve({"*": Reply(body=CSV + b"x")}) as server:
        door = replace(door, bases={"fake": server.url})
        with pytest.raises(ChecksumError, match=f"sha256 {new} where {source.sha256} .* the entry a_source"):
            fetch(door, source)
        assert not held(door)
        server.routes["*"] = Reply(body=CSV)
        assert fetch(door, source).origin == "network"
        server.routes["*"] = Reply(body=CSV + b"x")
        assert fetch(door, replace(source, sha256=new)).sha256 == new  # the catalogue has changed: asked again
        assert fetch(door, source, Ask("another"))  # the hash is that of the file of the source only


def test_a_check_that_refuses(door):
    def check(path):
        assert path.suffix == ".csv"
        raise SourceFormatError(f"columns of another vintage: {path.read_bytes()[:6]!r}")

    def check_json(answer):
        assert answer == {"observations": []}
        raise KeyError("its own error")

    with serve({"*": Reply(body=CSV), "/j": json_reply({"observations": []})}) as server:
        with pytest.raises(SourceFormatError, match="columns of another vintage: b'code;n'"):
            fetch(door, entry(server), check=check)
        with pytest.raises(KeyError, match="its own error"):
            fetch_json(door, entry(server, "j", "json"), check=check_json)
        assert not held(door)
        fetch(door, entry(server, refresh_days=1))
        older(door, 3)
        with pytest.raises(SourceFormatError, match="columns of another vintage"):  # an old copy does not hide it
            fetch(door, entry(server, refresh_days=1), check=check)
    assert len(held(door)) == 2


def test_a_size_that_is_refused(door):
    with serve(
        {
            "/announced": Reply(headers={"Content-Length": "10000000000"}),
            "/silent": Reply(body=b"x" * 1_100_000, sized=False),
        }
    ) as server:
        for path in ("announced", "silent"):
            with pytest.raises(SourceUnavailableError, match=r"sends more than the 1 MB .* \(max_mb\)"):
                fetch(door, entry(server, path, max_mb=1))
    assert not held(door)
    assert len(server.requests) == 2


# ---------------------------------------------------------------- resumed


BIG = b"code;n\n" + b"".join(b"%05d;%d\n" % (code, code * 7919) for code in range(20_000))


def test_a_download_is_resumed(door):
    cut = Reply(body=BIG, truncate=True, headers={"ETag": '"1"', "Accept-Ranges": "bytes"})
    with serve({"*": cut}) as server:
        once = replace(door, pace=replace(QUICK, attempts=1))
        with pytest.raises(SourceUnavailableError, match="broke before the end"):
            fetch(once, entry(server))
        assert cached(door, entry(server)) is None
        server.routes["*"] = publish(BIG, etag='"1"')
        assert fetch(once, entry(server)).path.read_bytes() == BIG
    assert server.requests[1].headers["Range"] == f"bytes={len(BIG) // 2}-"
    assert server.requests[1].headers["If-Range"] == '"1"'
    assert server.requests[1].headers["Accept-Encoding"] == "identity"
    assert len(held(door)) == 2


def test_another_file_is_not_joined_to_the_first(door):
    cut = Reply(body=BIG, truncate=True, headers={"ETag": '"1"'})
    careless = Reply(
        206,
        b"tail",
        headers={"ETag": '"2"', "Content-Range": f"bytes {len(BIG) // 2}-{len(BIG) // 2 + 3}/{len(BIG) // 2 + 4}"},
    )
    wrong = Reply(206, b"tail", headers={"ETag": '"1"', "Content-Range": "bytes 0-3/4"})
    gone = Reply(416)
    for second in (publish(CSV, etag='"2"'), careless, wrong, gone):
        with serve({"*": [cut, second, publish(CSV, etag='"2"')]}) as server:
            assert fetch(door, entry(server)).path.read_bytes() == CSV
            assert "Range" in server.requests[1].headers


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"1"'}, {"ETag": '"1"', "Accept-Ranges": "none"}])
def test_what_cannot_be_resumed_is_asked_whole(door, headers):
    with serve({"*": [Reply(body=BIG, truncate=True, headers=headers), Reply(body=BIG)]}) as server:
        assert fetch(door, entry(server)).path.read_bytes() == BIG
    assert "Range" not in server.requests[1].headers


def test_a_resumed_file_that_is_wrong_is_asked_whole(door):
    half = Reply(body=b"y" * len(BIG), truncate=True, headers={"ETag": '"1"'})
    with serve({"*": [half, *[publish(BIG, etag='"1"')] * 2]}) as server:
        source = entry(server, sha256=hashlib.sha256(BIG).hexdigest())
        assert fetch(door, source).path.read_bytes() == BIG
    assert [request.headers["Range"] for request in server.requests] == [None, f"bytes={len(BIG) // 2}-", None]


def test_a_server_that_sends_pieces(door):
    size = len(BIG)

    def piecemeal(request):
        start = int((request.headers["Range"] or "bytes=0-")[6:-1])
        end = min(start + size // 3 + 1, size)
        span = {"ETag": '"1"', "Content-Range": f"bytes {start}-{end - 1}/{size}"}
        if "Range" not in request.headers:
            return Reply(body=BIG, truncate=True, headers={"ETag": '"1"'})
        return Reply(206, BIG[start:end], headers=span)

    with serve({"*": piecemeal}) as server:
        assert fetch(door, entry(server)).path.read_bytes() == BIG
    assert len(server.requests) == 3


# ---------------------------------------------------------------- the disk


@pytest.mark.parametrize("damage", ["gone", "short", "changed", "entry", "escape"])
def test_a_damaged_copy_is_not_used(door, damage):
    with serve({"*": Reply(body=CSV)}) as server:
        source = entry(server)
        path = fetch(door, source).path
        record = next((door.cache / "entries").rglob("*.json"))
        if damage == "gone":
            path.unlink()
        elif damage == "short":
            path.write_bytes(CSV[:-1])
        elif damage == "changed":
            path.write_bytes(CSV.replace(b"1", b"2"))
        elif damage == "entry":
            record.write_text(record.read_text()[:50])
        else:
            record.write_text(json.dumps(json.loads(record.read_text()) | {"sha256": "../../x"}))
        with pytest.raises(SourceUnavailableError, match="offline"):
            fetch(replace(door, offline=True), source)
        assert fetch(door, source).origin == "network"
        assert fetch(door, source).path.read_bytes() == CSV


def test_large_copies_are_hashed_when_their_date_changed(door, monkeypatch):
    monkeypatch.setattr(_cache, "CHEAP", 1)
    with serve({"*": Reply(body=CSV)}) as server:
        path = fetch(door, entry(server)).path
        monkeypatch.setattr(_cache, "sha256", lambda _path: pytest.fail("hashed again"))
        assert fetch(door, entry(server)).origin == "cache"
        monkeypatch.undo()
        monkeypatch.setattr(_cache, "CHEAP", 1)
        path.write_bytes(CSV.replace(b"1", b"2"))
        os.utime(path, ns=(1, 1))
        assert fetch(door, entry(server)).origin == "network"


def test_a_cache_that_cannot_be_written(door, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with (
        serve({"*": Reply(body=CSV)}) as server,
        pytest.raises(SourceUnavailableError, match=r"cannot be used .* TERRITOIRE_GEO_CACHE"),
    ):
        fetch(replace(door, cache=tmp_path / "file" / "cache"), entry(server))
    assert not server.requests


@pytest.mark.parametrize("problem", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses(door, monkeypatch, problem):
    def refuse(*_args):
        raise OSError(problem, os.strerror(problem))

    with serve({"*": Reply(body=BIG)}) as server:
        source = entry(server, refresh_days=1)
        with monkeypatch.context() as patch:
            patch.setattr(_network.os, "fsync", refuse)
            with pytest.raises(SourceUnavailableError, match=f"cannot be used .{os.strerror(problem)}"):
                fetch(door, source)
        assert not held(door)
        fetch(door, source)
        older(door, 3)
        with monkeypatch.context() as patch:
            patch.setattr(_network.os, "fsync", refuse)
            with pytest.warns(StaleSourceWarning, match="cannot be used"):
                assert fetch(door, source).origin == "stale"
    assert len(held(door)) == 2


def test_a_copy_is_read_from_a_cache_that_is_read_only(door, monkeypatch):
    with serve({"*": Reply(body=CSV)}) as server:
        fetch(door, entry(server))

    def refuse(*_args, **_options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("mkdir", "replace", "touch", "unlink"):
        monkeypatch.setattr(Path, name, refuse)
    assert fetch(door, entry(server)).origin == "cache"


def test_what_is_old_and_unused_is_removed(door):
    with serve({"*": Reply(body=CSV)}) as server:
        source = entry(server)
        kept = fetch(door, source).path
        objects, partial = door.cache / "objects", door.cache / "partial"
        strays = [objects / f"{'0' * 64}.csv", partial / "abc.csv", partial / "abc.notes", partial / "live.csv"]
        strays.append(door.cache / "entries" / "a_source" / ".k.json.1-1.tmp")
        recent = objects / f"{'1' * 64}.csv"
        for path in [*strays, recent]:
            path.write_bytes(b"x")
        for path in [*strays, kept]:
            os.utime(path, (1, 1))
        with _cache.locked(door.cache, "live", timeout=1):  # another process is writing it
            _cache.clean(door.cache, every=0)
    assert sorted(held(door)) == sorted([kept, recent, partial / "live.csv", *(door.cache / "entries").rglob("*.json")])


# ---------------------------------------------------------------- is it alive?


def test_probe(door):
    with serve(
        {
            "/data.csv": publish(CSV, etag='"1"'),
            "/sized.csv": Reply(body=CSV),
            "/page.csv": Reply(body=PAGE, content_type="text/html"),
            "/gone.csv": Reply(410, "withdrawn"),
            "/service": json_reply({}),
        }
    ) as server:
        source = entry(server)
        first = probe(door, source)
        assert (first.alive, first.changed) == (True, None)
        assert server.requests[-1].headers["Range"] == "bytes=0-0"
        assert "answers 206" in first.detail
        fetch(door, source)
        assert probe(door, source).changed is False
        server.routes["/data.csv"] = publish(CSV + b"x", etag='"2"')
        assert probe(door, source).changed is True
        fetch(door, entry(server, "sized.csv"))
        assert probe(door, entry(server, "sized.csv")).changed is None
        server.routes["/sized.csv"] = Reply(body=CSV + b"x")
        assert probe(door, entry(server, "sized.csv")).changed is True
        assert probe(door, entry(server, "page.csv")).detail == "the answer is text/html where csv was expected"
        gone = probe(door, entry(server, "gone.csv"))
        assert (gone.alive, gone.detail) == (False, "answered 410 (withdrawn)")
        assert probe(door, entry(server, "service", "json")).alive
    assert not probe(door, source).alive
    assert fetch(replace(door, offline=True), source).path.read_bytes() == CSV


# ---------------------------------------------------------------- progress


def test_a_bar_on_a_terminal_only(door, capsys, monkeypatch):
    with serve({"*": Reply(body=BIG)}) as server:
        fetch(door, entry(server))
        fetch(replace(door, pace=replace(QUICK, progress=None)), entry(server, "b"))
        assert capsys.readouterr().err == ""
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        fetch(replace(door, pace=replace(QUICK, progress=None)), entry(server, "c"))
        captured = capsys.readouterr()
    assert "Un fichier" in captured.err
    assert captured.out == ""


# ---------------------------------------------------------------- several at once


def test_threads_ask_once(door):
    answers = []
    with serve({"*": Reply(body=BIG, delay=0.1)}) as server:
        source = entry(server)
        threads = [threading.Thread(target=lambda: answers.append(fetch(door, source))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 1
    assert sorted(answer.origin for answer in answers) == ["cache"] * 7 + ["network"]
    assert {answer.path.read_bytes() for answer in answers} == {BIG}


# One process imports the library, then forks: what is tested is the cache, not Python's start.
CHILD = """
import os, random, signal, sys, time
from dataclasses import replace
from pathlib import Path
from territoire_geo.loaders import _network
from territoire_geo.loaders._catalogue import Entry, Service
from territoire_geo.loaders._fetch import Ask, Door, Pace, fetch

_network.SYNCED = 64 * 1024  # so that there is something to resume
url, cache = sys.argv[2], Path(sys.argv[3])
service = Service("fake", "A producer", url, 30)
source = Entry("a_source", service, "Un fichier", "", "", "https://producer.example", "data.csv", "csv", (), "2024")
door = Door(cache, pace=Pace(backoff=0.01, read=5, progress=False))


def ask(number):
    return fetch(door, source, Ask(params=(("n", str(number)),)))


def fork(work):
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return pid
"""

KILLED = """
import hashlib, json

import filelock

chance = random.Random(1)
began = time.monotonic()
os.waitpid(fork(lambda: ask(0)), 0)
whole = time.monotonic() - began  # how long this machine takes today
number, killed = 1, 0
for turn in range(400):
    pid = fork(lambda: ask(number))
    time.sleep(chance.uniform(0.0, whole))
    os.kill(pid, signal.SIGKILL)
    if os.WIFSIGNALED(os.waitpid(pid, 0)[1]):
        killed += 1
    else:
        number += 1  # it was there, or came in time
    for path in (cache / "entries").rglob("*.json"):
        told = json.loads(path.read_text())["sha256"]
        assert hashlib.sha256((cache / "objects" / f"{told}.csv").read_bytes()).hexdigest() == told
    if killed == 50:
        break
for one in range(number + 1):
    answer = ask(one)
    assert answer.path.read_bytes().startswith(b"%04d;" % one)
    assert answer.path.stat().st_size == int(sys.argv[4])
print("killed", killed, number + 1)
"""

TOGETHER = """
def work():
    order = list(range(4))
    random.Random(os.getpid()).shuffle(order)
    for number in order:
        assert ask(number).path.stat().st_size == int(sys.argv[4])


pids = [fork(work) for _ in range(8)]
codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
print("codes", codes)
"""


CRASHED = """
def crash_after(step):
    left = iter(range(step))

    def counted(work):
        def run(*given, **options):
            result = work(*given, **options)
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return run

    for home, name in ((os, "fsync"), (os, "utime"), (Path, "replace"), (Path, "unlink"), (Path, "touch")):
        setattr(home, name, counted(getattr(home, name)))
    fetch(door, source, refresh=True)


fetch(door, source)
steps = 0
while os.WIFSIGNALED(os.waitpid(fork(lambda: crash_after(steps)), 0)[1]):
    steps += 1
    kept = fetch(replace(door, offline=True), source)
    assert kept.origin == "cache" and kept.path.stat().st_size == int(sys.argv[4])
print("steps", steps)
"""


def numbered(number):
    line = b"%04d;" % number + hashlib.sha256(b"%d" % number).hexdigest().encode() + b"\n"
    return line * 8_000


def forked(script, server, door):
    command = [sys.executable, "-W", "error", "-c", f"{CHILD}\n{script}", "child", server.url, str(door.cache)]
    command.append(str(len(numbered(0))))
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split(maxsplit=1)[1].strip()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_50_times_in_the_middle(door):
    def reply(request):
        number = int(request.param("n"))
        return publish(numbered(number), etag=f'"{number}"', drip=0.005, piece=32 * 1024)(request)

    with serve({"/data.csv": reply}) as server:
        killed, files = map(int, forked(KILLED, server, door).split())
    assert killed == 50
    assert any("Range" in request.headers for request in server.requests)
    contents = {hashlib.sha256(numbered(number)).hexdigest() for number in range(files)}
    assert {path.stem for path in (door.cache / "objects").iterdir()} == contents
    assert len(copies(door, entry(server))) == files
    assert not list((door.cache / "partial").glob("[!.]*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_after_each_step_of_a_renewal(door):
    versions = itertools.count()
    with serve({"/data.csv": lambda _request: Reply(body=numbered(next(versions)))}) as server:
        steps = int(forked(CRASHED, server, door))
    assert steps >= 5  # syncs and renamings: the old copy or the new one is there after each
    assert next(versions) == steps + 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_eight_processes_at_once(door):
    def reply(request):
        return Reply(body=numbered(int(request.param("n"))), drip=0.005, piece=64 * 1024)

    with serve({"/data.csv": reply}) as server:
        codes = forked(TOGETHER, server, door)
    assert codes == str([0] * 8)
    assert sorted(request.query for request in server.requests) == ["n=0", "n=1", "n=2", "n=3"]
    assert len(list((door.cache / "objects").iterdir())) == 4
