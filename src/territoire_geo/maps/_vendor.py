"""Leaflet's files: found in an installed package, checked, and made fit to be inlined."""

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from territoire_geo.errors import ChecksumError, MissingExtraError, TerritoireGeoError

PACKAGE: Final = "xstatic-leaflet"
CDN: Final = "https://cdn.jsdelivr.net"


@dataclass(frozen=True)
class Vendored:
    """A file of a pinned package: its path in the package and its SHA-256."""

    path: str
    sha256: str


_DATA: Final = "xstatic/pkg/leaflet/data/"
LEAFLET_JS: Final = f"{CDN}/npm/leaflet@1.9.3/dist/leaflet.js"
LEAFLET_CSS: Final = f"{CDN}/npm/leaflet@1.9.3/dist/leaflet.css"
# What Folium's links become: the hashes are those of Leaflet 1.9.3 as its authors publish it.
LINKS: Final = {
    LEAFLET_JS: Vendored(_DATA + "leaflet.js", "5819285cec137b229c94e1ee5ad73e8b6b84345a4367d60f75fe477fe0fb7b03"),
    LEAFLET_CSS: Vendored(_DATA + "leaflet.css", "90b693d86392a4779c861b28cf307e7e59c3fb35328c4d8b95f58f814d38c722"),
}
_IMAGES: Final = {
    "images/layers.png": Vendored(
        _DATA + "images/layers.png", "1dbbe9d028e292f36fcba8f8b3a28d5e8932754fc2215b9ac69e4cdecf5107c6"
    ),
    "images/layers-2x.png": Vendored(
        _DATA + "images/layers-2x.png", "066daca850d8ffbef007af00b06eac0015728dee279c51f3cb6c716df7c42edf"
    ),
    "images/marker-icon.png": Vendored(
        _DATA + "images/marker-icon.png", "574c3a5cca85f4114085b6841596d62f00d7c892c7b03f28cbfa301deb1dc437"
    ),
}
_URL: Final = re.compile(r"url\((?P<quote>['\"]?)(?P<target>[^)'\"]*)(?P=quote)\)")
_SOURCE_MAP: Final = re.compile(r"^//[#@] ?sourceMappingURL=.*$|/\*[#@] ?sourceMappingURL=.*?\*/", re.MULTILINE)


@cache
def read_vendored(file: Vendored) -> bytes:
    """
    Read a file of the pinned package, and check that it is the one we know.

    Parameters
    ----------
    file
        Path inside the distribution, and SHA-256.

    Returns
    -------
    read_vendored
        The bytes of the file.

    Raises
    ------
    MissingExtraError
        If the package or the file is not installed.
    ChecksumError
        If the file is not the one this version was tested with.
    """
    remedy = f"Install it again: pip install --force-reinstall {PACKAGE}==1.9.3.0."
    try:
        # The distribution's own record, and not the `xstatic` namespace package, which other packages share.
        data = Path(str(distribution(PACKAGE).locate_file(file.path))).read_bytes()
    except PackageNotFoundError as error:
        raise MissingExtraError(
            f"{PACKAGE} is not installed: an offline map needs Leaflet's files. {remedy}"
        ) from error
    except OSError as error:
        raise MissingExtraError(f"{PACKAGE}: {file.path} cannot be read ({error}). {remedy}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        message = f"{PACKAGE}: {file.path} is not Leaflet 1.9.3 (SHA-256 {found}, expected {file.sha256}). {remedy}"
        raise ChecksumError(message)
    return data


def inline_script(url: str) -> str:
    """
    Give the code of a script Folium links to, ready to stand between two `script` tags.

    Parameters
    ----------
    url
        The address of a `JavascriptLink`.

    Returns
    -------
    inline_script
        The code, without source map, unable to close its own tag.

    Raises
    ------
    TerritoireGeoError
        If the address is not one of the files we carry: a remote link is never left in silence.
    """
    return escape_script(_text(url))


def inline_style(url: str) -> str:
    """
    Give the rules of a style sheet Folium links to, with its images as data.

    Parameters
    ----------
    url
        The address of a `CssLink`.

    Returns
    -------
    inline_style
        The rules; no `url()` leaves the page.

    Raises
    ------
    TerritoireGeoError
        If the address, or an image of the sheet, is not one of the files we carry.
    """
    return _URL.sub(_data_uri, _text(url)).replace("</style", "<\\/style")


def integrity(url: str) -> str:
    """
    Give the integrity attribute of a file loaded from its CDN.

    Parameters
    ----------
    url
        The address of a `JavascriptLink` or `CssLink`.

    Returns
    -------
    integrity
        "sha256-" and the hash in base64, computed on the installed file.

    Raises
    ------
    TerritoireGeoError
        If the address is not one of the files we carry.
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(read_vendored(_known(url))).digest()).decode()}"


def escape_script(code: str) -> str:
    """
    Make a script unable to close its own tag or to open a comment.

    Parameters
    ----------
    code
        JavaScript.

    Returns
    -------
    escape_script
        The same program.
    """
    return re.sub(r"<(?=/script|!--)", r"\\x3c", code, flags=re.IGNORECASE)


def _text(url: str) -> str:
    # A browser reads line ends as \n: the hash of a script must be that of what it reads.
    text = read_vendored(_known(url)).decode("utf-8").replace("\r\n", "\n")
    return _SOURCE_MAP.sub("", text)


def _known(url: str) -> Vendored:
    if url not in LINKS:
        message = (
            f"The map links to {url}, which this page does not carry, and it must open without a network. "
            f"Remove the Folium layer that asks for it, or save that layer with Folium alone."
        )
        raise TerritoireGeoError(message)
    return LINKS[url]


def _data_uri(match: re.Match[str]) -> str:
    target = match["target"]
    if target.startswith(("#", "data:")):
        return match[0]
    if target not in _IMAGES:
        raise TerritoireGeoError(f"A style sheet asks for {target}, which this page does not carry. Remove its layer.")
    return f"url(data:image/png;base64,{base64.b64encode(read_vendored(_IMAGES[target])).decode()})"
