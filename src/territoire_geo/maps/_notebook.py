"""A map in a notebook: the page itself when it is light, and a picture wherever the page does not show."""

import base64
from collections.abc import Mapping
from html import escape
from typing import Final

from territoire_geo.maps._texts import number

LIMIT: Final = 1_500_000  # bytes of a page kept in a notebook file
_HEIGHT: Final = 720
_WORDS: Final[Mapping[str, str]] = {
    "fr": 'Carte de {0}\u00a0Mo, trop lourde pour un cahier\u00a0: écrivez-la par carte.save("carte.html"), '
    "puis ouvrez ce fichier.",
    "en": 'A map of {0} MB, too heavy for a notebook: write it with carte.save("carte.html"), then open that file.',
}


def frame(page: str, picture: bytes | None, *, title: str, lang: str) -> str:
    """
    Frame a page for the output of a cell.

    A viewer that strips frames, as code forges and untrusted notebooks do, leaves the picture that stands behind.

    Parameters
    ----------
    page
        The whole page.
    picture
        A PNG of it, None when it cannot be drawn.
    title
        What the map is, for those who hear it.
    lang
        "fr" or "en".

    Returns
    -------
    frame
        HTML: the page in a frame up to `LIMIT` bytes; beyond, how to open it.
    """
    size = len(page.encode())
    name = escape(title, quote=True)
    seen = ""
    if picture is not None:
        data = base64.b64encode(picture).decode("ascii")
        seen = f'<img alt="{name}" style="display:block;max-width:100%" src="data:image/png;base64,{data}">'
    if size > LIMIT:
        said = escape(_WORDS[lang].format(number(size / 1e6, 1, lang)))
        return f"<div><p>{said}</p>{seen}</div>"
    box = f"position:relative;width:100%;height:{_HEIGHT}px;overflow:hidden"
    over = "position:absolute;inset:0;width:100%;height:100%;border:1px solid #ccc;border-radius:6px;background:#fff"
    shown = f'srcdoc="{escape(page, quote=True)}" title="{name}" style="{over}"'
    return f'<div style="{box}">{seen}<iframe {shown} allowfullscreen></iframe></div>'


def bundle(page: str, picture: bytes | None, *, title: str, lang: str) -> dict[str, str]:
    """
    Say a map in every way a notebook may show it.

    Parameters
    ----------
    page
        The whole page.
    picture
        A PNG of it, None when it cannot be drawn.
    title
        What the map is.
    lang
        "fr" or "en".

    Returns
    -------
    bundle
        By media type: HTML, the picture when there is one, and a line of text.
    """
    out = {"text/html": frame(page, picture, title=title, lang=lang), "text/plain": f"<DiagnosticMap: {title}>"}
    if picture is not None:
        out["image/png"] = base64.b64encode(picture).decode("ascii")
    return out
