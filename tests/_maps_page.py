"""What the tests of the map share: reading a page without a browser, and opening it in one, offline."""

import base64
import json
import re
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

from territoire_geo.maps import draw_map

CHROMIUM = shutil.which("chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
HOSTILE = (
    "{{ 7*7 }}",
    "{% set x=7*7 %}{% print x %}",
    "{# x",
    "<img src=x onerror=window.hacked=1>",
    "${window.hacked=1}`${window.hacked=1}`",
    "</script><script>window.hacked=1</script>",
)
READY = 'html[data-ready="1"]'  # a selector: the policy of the page refuses the text of a function


def needs_browser():
    """Give the marks of a test module that opens pages."""
    return [
        pytest.mark.browser,
        pytest.mark.skipif(CHROMIUM is None, reason="chromium absent: apt-get install chromium"),
    ]


def data_of(page):
    """Read the data of a page, as its scripts do."""
    packed = re.search(r'<script type="text/plain" id="tg-data">(.*?)</script>', page, re.DOTALL)[1]
    return unpack(packed)


def plain(packed):
    if not packed.startswith("~"):
        return base64.b64decode(packed)
    codes = np.array([ord(letter) & 127 for letter in packed[1:]], dtype=np.uint8)
    bits = np.unpackbits(codes[:, None], axis=1)[:, 1:].ravel()
    return np.packbits(bits[: len(bits) // 8 * 8]).tobytes()


def unpack(packed):
    whole = zlib.decompress(plain(packed))
    (size,) = struct.unpack("<I", whole[:4])
    streams = whole[4 + size :]

    def stand(part):
        if set(part) == {"$rows", "fields"}:
            return [dict(zip(part["fields"], row, strict=True)) for row in zip(*part["fields"].values(), strict=True)]
        if set(part) != {"$"}:
            return part
        start, count, *column = part["$"]
        if not column:
            return streams[start : start + count]
        width, decimals, least, delta = column
        planes = np.frombuffer(streams[start : start + count * width], dtype=np.uint8).reshape(width, count)
        codes = sum(planes[plane].astype(np.uint64) << np.uint64(8 * plane) for plane in range(width))
        if decimals is None:
            return [None if np.isnan(value) else value for value in codes.view(np.float64).tolist()]
        codes = codes.astype(np.int64)
        if delta:
            codes = np.cumsum(np.where(codes % 2, -(codes + 1) // 2, codes // 2))
        unit = 10**decimals
        return [None if code == 0 else (code - 1 + least) / unit for code in codes.tolist()]

    return json.loads(whole[4 : 4 + size].decode("utf-8"), object_hook=stand)


def choose(page, theme):
    """Show a theme as its reader does: the topic, then the way of reading."""
    topic = page.evaluate("id => territoireGeo.data.themes.find(theme => theme.id === id).topic", theme)
    page.select_option("#tg-theme", topic)
    if page.input_value("#tg-view") != theme:
        page.select_option("#tg-view", theme)


def started():
    """Start a browser for a module of tests; use it as `browser = pytest.fixture(scope="module")(started)`."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright absent: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Shown:
    """Opens maps offline, and holds what they asked for and said."""

    def __init__(self, browser, folder):
        self.browser, self.folder = browser, folder
        self.contexts, self.requests, self.errors = [], [], []

    def __call__(self, diagnostic, *, size=(1400, 900), motion="no-preference", refused="never", add=None, **options):
        carte = draw_map(diagnostic, **options)
        if add is not None:
            add(carte)
        path = carte.save(self.folder / f"carte{len(self.contexts)}.html")
        return self.open(path.as_uri(), size=size, motion=motion, refused=refused)

    def open(self, address, *, size=(1400, 900), motion="no-preference", refused="never"):
        context = self.browser.new_context(
            viewport={"width": size[0], "height": size[1]}, offline=True, reduced_motion=motion, locale="en-US"
        )
        context.set_default_timeout(12_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: refused in message.text or self.errors.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector(READY, state="attached")
        return page

    def end(self):
        for context in self.contexts:
            context.close()
        assert self.errors == []
        # Nothing but the files: what a page hands to its reader (a table, a session) is a blob of its own.
        asked = [url for url in self.requests if not url.startswith("blob:")]
        assert all(url.startswith("file://") and Path(url.split("#")[0]).name.startswith("carte") for url in asked)


def shows(browser, tmp_path):
    """Open maps; at the end, only their files were asked for, and the console said nothing but `refused`."""
    shown = Shown(browser, tmp_path)
    yield shown
    shown.end()
