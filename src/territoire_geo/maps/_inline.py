"""What readers' own Folium layers add to the page: carried in it, or refused by name; nothing else is asked for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final

from branca.element import CssLink, Element, Figure, JavascriptLink, MacroElement
from folium.map import Popup, Tooltip
from folium.template import Template
from jinja2 import TemplateSyntaxError

from territoire_geo.errors import TerritoireGeoError
from territoire_geo.maps._vendor import LINKS

Link = JavascriptLink | CssLink
RANDOM_ID: Final = re.compile(r"(?<=_)[0-9a-f]{32}(?![0-9a-f])")
RUN: Final = (None, "", "module", "text/javascript")  # types of the scripts that a browser runs
_CARRIED: Final = ("data:", "#", "about:blank")
_FRAMES: Final = frozenset({"iframe", "frame", "object", "embed"})
_PARTS: Final = ("header", "html", "script")
# Folium writes these texts inside JavaScript quotes, and a pop-up asks for jQuery: ours write the same as JSON, where
# neither a back-quote nor a brace means anything.
_AS_JSON: Final = r"""|tojson|replace("{", "\\u007b")"""
_POPUP: Final = Template(
    r"""{% set html %}{% for element in this.html._children.values() %}{{ element.render(**kwargs) }}{% endfor %}"""
    r"""{% endset %}var {{ this.get_name() }} = L.popup({{ this.options|tojavascript }})"""
    r""".setContent({{ html|replace("\\`", "`")"""
    + _AS_JSON
    + r""" }});
{{ this._parent.get_name() }}.bindPopup({{ this.get_name() }}){% if this.show %}.openPopup(){% endif %};
{% for element in this.script._children.values() %}{{ element.render() }}{% endfor %}"""
)
_TOOLTIP: Final = Template(
    r"""{% macro script(this, kwargs) %}{% set html %}<div{% if this.style %} style="{{ this.style|e }}"{% endif %}>"""
    r"""{{ this.text }}</div>{% endset %}{{ this._parent.get_name() }}.bindTooltip({{ html"""
    + _AS_JSON
    + r""" }}, {{ this.options|tojavascript }});{% endmacro %}"""
)
_OURS: Final = ((Popup, _POPUP), (Tooltip, _TOOLTIP))
# What cannot work in the page, whatever its address: the policy refuses it, and the reader would see nothing.
_MISSING: Final = (
    (re.compile(r"(?<![\w$`'\"\\])(?:\$|jQuery)\s*[.(]"), "jQuery"),
    (re.compile(r"L\.AwesomeMarkers"), "Leaflet.awesome-markers (folium.Icon)"),
    (
        re.compile(r"(?<![\w.])(?:fetch|import|importScripts)\s*\(|\b(?:XMLHttpRequest|WebSocket|EventSource)\b"),
        "a network",
    ),
    (re.compile(r"<(?:iframe|object|embed|frame)\b", re.IGNORECASE), "a page inside the page (IFrame)"),
)  # fmt: skip
_ASKED: Final = (
    re.compile(r"L\.(?:tileLayer(?:\.wms)?|imageOverlay|videoOverlay)\(\s*\[?\s*([\"'`])(?P<address>.*?)\1"),
    re.compile(r"(?:icon|shadow|errorTile|errorOverlay)(?:Retina)?_?[uU]rl[\"']?\s*:\s*([\"'`])(?P<address>.*?)\1"),
    re.compile(r"<[a-z][^<>]*?\s(?:src|srcset|poster|background)\s*=\s*[\"']?(?P<address>[^\"'\s>]+)", re.IGNORECASE),
    re.compile(r"<link\b[^<>]*?\shref\s*=\s*[\"']?(?P<address>[^\"'\s>]+)", re.IGNORECASE),
    re.compile(r"(?<![\w.$])url\(\s*[\"']?(?P<address>[^\"')\s]+)|@import\s+[\"'](?P<sheet>[^\"']+)", re.IGNORECASE),
)  # fmt: skip
# In a script that is not Folium's own, any address is one that may be asked for, unless it is that of a link.
_ADDRESS: Final = re.compile(
    r"(?P<link>href[\"']?\s*[=:,]\s*)?([\"'`])\s*(?P<address>(?:(?:https?|wss?|ftp):)?//(?!www\.w3\.org/)[\w.\[{$-].*?)\2",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<kept>[\"'/`]))")


@dataclass(frozen=True)
class Piece:
    """What a layer writes: `place` is "header", "html" or "script", `owner` its class, `stock` one of Folium's own."""

    place: str
    owner: str
    stock: bool
    text: str


class Reader(HTMLParser):
    """
    Read the scripts a page runs and the addresses it loads.

    `scripts` are those that run, `styles` the texts that may name an image, `remote` what is not in the page.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.remote: list[str] = []
        self._open: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """
        Note what a tag loads, and open a script or a style.

        Parameters
        ----------
        tag
            Its name.
        attrs
            Its attributes.
        """
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") in RUN):
            self._open = self.styles if tag == "style" else self.scripts
            self._open.append("")
        self.styles.append(given.get("style") or "")
        if tag in _FRAMES or (tag == "meta" and (given.get("http-equiv") or "").lower() == "refresh"):
            self.remote.append(f"<{tag}> {given.get('src') or given.get('data') or given.get('content') or ''}".strip())
        names = {"link": ("href",), "base": ("href",), "a": ()}.get(tag, ("src", "srcset", "poster", "background"))
        found = [given.get(name) for name in (*names, "xlink:href")]
        self.remote += [address for address in found if address and not address.startswith(_CARRIED)]

    def handle_endtag(self, tag: str) -> None:
        """
        Close a script or a style.

        Parameters
        ----------
        tag
            Its name.
        """
        if tag in {"script", "style"}:
            self._open = None

    def handle_data(self, data: str) -> None:
        """
        Keep the text of a script or a style.

        Parameters
        ----------
        data
            The text.
        """
        if self._open is not None:
            self._open[-1] += data


def elements_of(root: Element) -> dict[str, Element]:
    """
    Walk a tree of Folium elements, and what they hold on the side.

    Parameters
    ----------
    root
        The page.

    Returns
    -------
    elements_of
        Elements by id, always in the same order.
    """
    found: dict[str, Element] = {}
    waiting = [root]
    while waiting:
        element = waiting.pop()
        found[element._id] = element  # noqa: SLF001 - branca gives no other access
        aside = [part for name in _PARTS if isinstance(part := getattr(element, name, None), Element)]
        waiting += reversed([*element._children.values(), *aside])  # noqa: SLF001 - same reason
    return found


def render_pieces(page: Figure, **kwargs: object) -> tuple[list[Link], list[Piece], list[str]]:
    """
    Render every layer of a page, and leave the page as it was.

    Parameters
    ----------
    page
        The figure; a text that a layer writes is kept to the letter, where branca would run it as a template.
    **kwargs
        What branca passes to every element.

    Returns
    -------
    render_pieces
        The files that the layers link to, what they write, and the ids that branca drew, all in order.

    Raises
    ------
    TerritoireGeoError
        If a text given to a layer cannot be read as a template, which is what Folium does with it.
    """
    links: list[Link] = []
    pieces: list[Piece] = []
    with _as_it_was(page) as given:
        try:
            for child in page._children.values():  # noqa: SLF001 - branca gives no other access
                child.render(**kwargs)
        except TemplateSyntaxError as error:
            message = (
                f"Folium cannot write a text given to a layer ({error.message}): it reads {{{{, {{% and {{# as a "
                "template. Write the brace as &#123; in that text."
            )
            raise TerritoireGeoError(message) from error
        elements = elements_of(page)
        for place in _PARTS:
            for name, child in getattr(page, place)._children.items():  # noqa: SLF001 - same reason
                if isinstance(child, Link):
                    links.append(_known(child, elements))
                    continue
                written = child._template_str if type(child) is Element and child._id not in given else None  # noqa: SLF001 - same reason
                text = child.render(**kwargs) if written is None else written
                pieces.append(_piece(place, name, text, elements))
    return links, pieces, list(elements)


def check_pieces(pieces: list[Piece], hosts: tuple[str, ...]) -> None:
    """
    Refuse what a layer would load from elsewhere.

    Parameters
    ----------
    pieces
        What the layers write.
    hosts
        Where images may come from.

    Raises
    ------
    TerritoireGeoError
        If a layer asks for what the page does not carry; the message names its class.
    """
    for piece in pieces:
        scripts, loaded = [piece.text], []
        if piece.place != "script":
            reader = Reader()
            reader.feed(piece.text)
            reader.close()
            scripts, loaded = [*reader.scripts, *reader.styles], reader.remote
        for script in scripts:
            text = _ESCAPE.sub(_plain, script)
            missing = next((what for pattern, what in _MISSING if pattern.search(text)), None)
            if missing:
                raise TerritoireGeoError(_refusal(piece.owner, f"needs {missing}"))
            loaded += _addresses(text, stock=piece.stock)
        for address in loaded:
            if not address.startswith(tuple(f"{host}/" for host in hosts)):
                raise TerritoireGeoError(_refusal(piece.owner, f"loads {address[:200]}"))


def _addresses(text: str, *, stock: bool) -> list[str]:
    found = [match["address"] or match["sheet"] if "sheet" in pattern.groupindex else match["address"]
             for pattern in _ASKED for match in pattern.finditer(text)]  # fmt: skip
    if not stock:
        found += [match["address"] for match in _ADDRESS.finditer(text) if not match["link"]]
    return [address for address in found if not address.startswith(_CARRIED)]


def _refusal(owner: str, what: str) -> str:
    return (
        f"{owner}, added to the map, {what}, which an offline page does not carry. Remove it, or save that layer with "
        "Folium alone. These work: Marker, CircleMarker, DivIcon, Popup, Tooltip, GeoJson; ImageOverlay and CustomIcon "
        "with a local file."
    )


@contextmanager
def _as_it_was(page: Figure) -> Iterator[dict[str, Element]]:
    """Lend our templates to pop-ups and tooltips, and undo what rendering adds: a marker gets its icon each time."""
    given = elements_of(page)
    children = [(element, element._children.copy()) for element in given.values()]  # noqa: SLF001 - branca gives no other access
    lent: list[tuple[Element, Template]] = [
        (element, template)
        for element in given.values()
        for stock, template in _OURS
        if isinstance(element, stock) and element._template is stock._template  # noqa: SLF001 - same reason
    ]
    try:
        for element, template in lent:
            element._template = template  # noqa: SLF001 - same reason
        yield given
    finally:
        for element, _ in lent:
            del element._template  # noqa: SLF001 - same reason: that of its class is back
        for element, before in children:
            element._children = before  # noqa: SLF001 - same reason


def _piece(place: str, name: str, text: str, elements: dict[str, Element]) -> Piece:
    found = RANDOM_ID.search(name)
    owner = elements.get(found[0]) if found else None
    kind = type(owner)
    plain = owner is None or kind in {Element, MacroElement}
    stock = not plain and kind.__module__.startswith(("folium.", "branca."))
    return Piece(place, "An element" if plain else kind.__name__, stock, text)


def _known(link: Link, elements: dict[str, Element]) -> Link:
    if link.url in LINKS:
        return link
    asking = [
        type(element).__name__
        for element in elements.values()
        if any(link.url == url for name in ("default_js", "default_css") for _, url in getattr(element, name, ()))
    ]
    raise TerritoireGeoError(_refusal(asking[0] if asking else "An element", f"links to {link.url}"))


def _plain(match: re.Match[str]) -> str:
    return chr(int(match["code"], 16)) if match["code"] else match["kept"]
