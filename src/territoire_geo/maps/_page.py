"""The page around a Folium map: nothing remote, a strict policy, the same bytes each time."""

import base64
import hashlib
import json
import re
from html import escape
from html.parser import HTMLParser
from typing import Final, Literal

from branca.element import CssLink, Element, Figure, JavascriptLink

from territoire_geo.errors import TerritoireGeoError
from territoire_geo.maps._vendor import CDN, escape_script, inline_script, inline_style, integrity

Assets = Literal["inline", "cdn"]
IGN_HOST: Final = "https://data.geopf.fr"
_RANDOM_ID: Final = re.compile(r"[0-9a-f]{32}")
# Folium's own pop-ups and icons need files that are not here: better said now than in the reader's console.
_MISSING: Final = (
    (re.compile(r"(?<![\w$`'\"\\])(?:\$|jQuery)\("), "jQuery (folium.Popup, GeoJsonPopup, keep_in_front)"),
    (re.compile(r"L\.AwesomeMarkers"), "Leaflet.awesome-markers (folium.Icon)"),
)


class Verbatim(Element):
    """
    An element written as it is: branca would compile its text as a template, and data would run as code.

    Parameters
    ----------
    text
        What stands in the page, to the letter.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.text = text

    def render(self, **kwargs: object) -> str:
        """
        Give the text, untouched.

        Parameters
        ----------
        **kwargs
            What branca passes to every element; not used.

        Returns
        -------
        render
            The text.
        """
        del kwargs
        return self.text


def json_block(name: str, data: object) -> Verbatim:
    """
    Write data as a JSON block that neither a template nor the browser evaluates.

    Parameters
    ----------
    name
        The `id` of the block.
    data
        JSON-ready lists, dicts, texts, numbers and None; NaN is refused.

    Returns
    -------
    json_block
        The element; `<`, `&` and the line separators of JavaScript are escaped.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    # A lone surrogate cannot be written in UTF-8: it becomes its escape, and JSON.parse gives it back.
    text = re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
    return Verbatim(f'<script type="application/json" id="{name}">{text}</script>')


class Page(Figure):
    """
    A figure that carries its files, refuses what it does not know, and states its policy.

    `style` holds our rules, `before` the script that runs before the map is made, `app` the one that runs after;
    `hosts` are those that images may come from, none by default.

    Parameters
    ----------
    lang
        Language of the page, "fr" or "en".
    assets
        "inline" writes Leaflet into the page; "cdn" links to it, with its hash.
    """

    def __init__(self, *, lang: str = "fr", assets: Assets = "inline") -> None:
        super().__init__(height="720px")
        self._name = "Page"
        self.lang = lang
        self.assets = assets
        self.hosts: tuple[str, ...] = ()
        self.style = ""
        self.before = ""
        self.app = ""

    def render(self, **kwargs: object) -> str:
        """
        Write the whole page.

        Parameters
        ----------
        **kwargs
            What branca passes to every element.

        Returns
        -------
        render
            HTML; the same map gives the same text.

        Raises
        ------
        TerritoireGeoError
            If a layer of the map needs a file that the page does not carry.
        """
        parts = (self.header, self.html, self.script)
        saved = [part._children.copy() for part in parts]  # noqa: SLF001 - branca gives no other access
        try:
            for child in self._children.values():
                child.render(**kwargs)
            links = [child for child in self.header._children.values() if isinstance(child, JavascriptLink | CssLink)]  # noqa: SLF001 - same reason
            for name, child in list(self.header._children.items()):  # noqa: SLF001 - same reason
                if child in links:
                    del self.header._children[name]  # noqa: SLF001 - same reason
            head, body, script = (part.render(**kwargs) for part in parts)
        finally:
            for part, children in zip(parts, saved, strict=True):
                part._children = children  # noqa: SLF001 - a second rendering starts from the same page
        _check_script(script)
        page = self._assemble(_ordered(links), head, body, script)
        page = _name_ids(page, self)
        return page.replace(_POLICY, self._policy(page), 1)

    def _assemble(self, links: list[JavascriptLink | CssLink], head: str, body: str, script: str) -> str:
        files = "\n".join(self._link(link) for link in links)
        return (
            f'<!DOCTYPE html>\n<html lang="{self.lang}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            f"<title>{escape(self.title or '')}</title>\n{head}\n"
            # Folium forbids zooming the page on a phone; the last viewport wins.
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"{files}\n<style>\n{self.style}</style>\n<script>\n{escape_script(self.before)}</script>\n</head>\n"
            f"<body>\n{body}\n<script>\n{script}\n</script>\n<script>\n{escape_script(self.app)}</script>\n</body>\n</html>\n"
        )

    def _link(self, link: JavascriptLink | CssLink) -> str:
        script = isinstance(link, JavascriptLink)
        if self.assets == "inline":
            return (
                f"<script>{inline_script(link.url)}</script>" if script else f"<style>{inline_style(link.url)}</style>"
            )
        seal = f'integrity="{integrity(link.url)}" crossorigin="anonymous"'
        if script:
            return f'<script src="{link.url}" {seal}></script>'
        return f'<link rel="stylesheet" href="{link.url}" {seal}>'

    def _policy(self, page: str) -> str:
        reader = _Reader()
        reader.feed(page)
        reader.close()
        if self.assets == "inline" and reader.remote:
            message = (
                f"The map loads {reader.remote[0]}, and it must open without a network. "
                "Remove the Folium layer that asks for it, or save that layer with Folium alone."
            )
            raise TerritoireGeoError(message)
        host = f" {CDN}" if self.assets == "cdn" else ""
        hashes = " ".join(dict.fromkeys(_hash(script) for script in reader.scripts))
        images = " ".join(("data:", *self.hosts))
        return (
            f"default-src 'none'; script-src {hashes}{host}; style-src 'unsafe-inline'{host}; "
            f"img-src {images}{host}; font-src data:; base-uri 'none'; form-action 'none'"
        )


_POLICY: Final = "@policy@"


class _Reader(HTMLParser):
    """Reads the scripts a page runs and the addresses it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.remote: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.scripts.append("")
            self._open = True
        address = given.get("href") if tag == "link" else given.get("src") if tag != "a" else None
        if address and not address.startswith(("data:", "#")):
            self.remote.append(address)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._open = False

    def handle_data(self, data: str) -> None:
        if self._open:
            self.scripts[-1] += data


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _ordered(links: list[JavascriptLink | CssLink]) -> list[JavascriptLink | CssLink]:
    """Style sheets first, so that our own rules come after those of Leaflet."""
    return sorted(links, key=lambda link: isinstance(link, JavascriptLink))


def _check_script(script: str) -> None:
    for pattern, what in _MISSING:
        if pattern.search(script):
            message = (
                f"A Folium layer added to the map needs {what}, which an offline page does not carry. "
                "Use folium.Tooltip, folium.CircleMarker or folium.DivIcon instead."
            )
            raise TerritoireGeoError(message)


def _name_ids(page: str, root: Element) -> str:
    """Replace branca's random ids by their order: the same map then gives the same bytes."""
    ids: dict[str, None] = {}
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if _RANDOM_ID.fullmatch(element._id):  # noqa: SLF001 - branca gives no other access
            ids.setdefault(element._id)  # noqa: SLF001 - same reason
        waiting += reversed(element._children.values())  # noqa: SLF001 - same reason
    for rank, found in enumerate(ids):
        page = page.replace(found, f"{rank:04d}")
    return page
