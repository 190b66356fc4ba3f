"""The page around a Folium map: nothing remote, a strict policy, the same bytes each time."""

import base64
import hashlib
import json
import re
from html import escape
from typing import Final, Literal

from branca.element import CssLink, Element, Figure, JavascriptLink

from territoire_geo.maps._inline import RANDOM_ID, Piece, Reader, check_pieces, render_pieces
from territoire_geo.maps._vendor import CDN, escape_script, inline_script, inline_style, integrity

Assets = Literal["inline", "cdn"]
IGN_HOST: Final = "https://data.geopf.fr"


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


def data_block(name: str, packed: str) -> Verbatim:
    """
    Write packed data as a block that the browser keeps as a text.

    Parameters
    ----------
    name
        The `id` of the block.
    packed
        Base64.

    Returns
    -------
    data_block
        The element.
    """
    return Verbatim(f'<script type="text/plain" id="{name}">{packed}</script>')


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
        links, pieces, names = render_pieces(self, **kwargs)
        check_pieces(pieces, self.hosts)
        head, body, script = (_joined(pieces, place) for place in ("header", "html", "script"))
        page = self._assemble(_ordered(links), head, body, script)
        page = _name_ids(page, names)
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
        reader = Reader()
        reader.feed(page)
        reader.close()
        host = f" {CDN}" if self.assets == "cdn" else ""
        hashes = " ".join(dict.fromkeys(_hash(script) for script in reader.scripts))
        images = " ".join(("data:", *self.hosts))
        return (
            f"default-src 'none'; script-src {hashes}{host}; style-src 'unsafe-inline'{host}; "
            f"img-src {images}{host}; media-src data:; font-src data:; base-uri 'none'; form-action 'none'"
        )


_POLICY: Final = "@policy@"


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _ordered(links: list[JavascriptLink | CssLink]) -> list[JavascriptLink | CssLink]:
    """Style sheets first, so that our own rules come after those of Leaflet."""
    return sorted(links, key=lambda link: isinstance(link, JavascriptLink))


def _joined(pieces: list[Piece], place: str) -> str:
    return "\n".join(piece.text for piece in pieces if piece.place == place)


def _name_ids(page: str, names: list[str]) -> str:
    """Replace branca's random ids by their order: the same map then gives the same bytes."""
    ranks = {name: f"{rank:04d}" for rank, name in enumerate(names)}
    return RANDOM_ID.sub(lambda found: ranks.get(found[0], found[0]), page)
