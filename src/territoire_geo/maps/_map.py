"""`draw_map`: a diagnostic on Folium, as one file that opens offline."""

import html
import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal

import folium

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import TerritoireGeoError
from territoire_geo.maps._page import IGN_HOST, Assets, Page, Verbatim, json_block
from territoire_geo.maps._payload import payload
from territoire_geo.maps._texts import TEXTS
from territoire_geo.maps._vendor import LEAFLET_CSS, LEAFLET_JS

_NAME: Final = "territoire"  # the map is the JavaScript variable map_territoire
_SCRIPTS: Final = ("dom", "geometry", "themes", "markers", "sheets", "panel", "table", "main")


class DiagnosticMap:
    """
    The map of a diagnostic.

    Parameters
    ----------
    carte
        The Folium map; layers may be added to it, as long as they load nothing from a network.
    """

    def __init__(self, carte: folium.Map) -> None:
        self._folium = carte

    @property
    def folium(self) -> folium.Map:
        """The Folium map."""
        return self._folium

    def to_html(self) -> str:
        """
        Write the page.

        Returns
        -------
        to_html
            A whole HTML page; the same diagnostic gives the same text.

        Raises
        ------
        TerritoireGeoError
            If a layer added to `folium` needs a file that the page does not carry.
        """
        return str(self._folium.get_root().render())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """
        Write the page to a file, whole or not at all.

        Parameters
        ----------
        path
            Where; an existing file is replaced.

        Returns
        -------
        save
            The path.

        Raises
        ------
        TerritoireGeoError
            If the file cannot be written, or a layer needs a file that the page does not carry.
        """
        target = Path(path)
        page = self.to_html()
        try:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
            written = Path(name)
            try:
                with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                    file.write(page)
                written.chmod(0o644)  # mkstemp keeps the file to its author; a map is to be read
                written.replace(target)
            finally:
                written.unlink(missing_ok=True)
        except OSError as error:
            message = (
                f"The map cannot be written to {target}: {error.strerror}. Give a folder that exists and is writable."
            )
            raise TerritoireGeoError(message) from error
        return target

    def _repr_html_(self) -> str:
        page = html.escape(self.to_html(), quote=True)
        style = "width:100%;height:720px;border:1px solid #ccc;border-radius:6px"
        return f'<iframe srcdoc="{page}" style="{style}" allowfullscreen></iframe>'


def draw_map(
    diagnostic: Diagnostic,
    *,
    basemap: Literal["ign"] | None = None,
    assets: Assets = "inline",
    lang: Literal["fr", "en"] = "fr",
) -> DiagnosticMap:
    """
    Draw a diagnostic as an interactive map, in one file that opens without a network.

    Themes are exclusive: unmet need by need, need against the structures within reach, context measures. Unknown values
    are hatched, never coloured. Data stands in a JSON block: no name is ever run as code.

    Parameters
    ----------
    diagnostic
        What to draw.
    basemap
        None draws outlines and town names; "ign" adds the Plan IGN, which needs a network.
    assets
        "inline" carries Leaflet in the file; "cdn" links to it, pinned by its hash, in a lighter file that needs a
        network.
    lang
        Language of the readers, "fr" or "en".

    Returns
    -------
    draw_map
        The map: `save`, `to_html`, or the last line of a notebook cell.

    Raises
    ------
    ValueError
        If an option is not one of those.

    Examples
    --------
    >>> import territoire_geo as tg
    >>> carte = tg.draw_map(tg.diagnose(*tg.load_demo()))  # doctest: +SKIP
    >>> carte.save("carte.html")  # doctest: +SKIP
    """
    _check("basemap", basemap, (None, "ign"))
    _check("assets", assets, ("inline", "cdn"))
    _check("lang", lang, ("fr", "en"))
    page = Page(lang=lang, assets=assets)
    page.title = f"{TEXTS[lang]['title']} \u2013 {diagnostic.territory.name}"
    page.style = _asset("style.css")
    page.before = _asset("before.js")
    page.app = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS)
    west, south, east, north = diagnostic.territory.communes.to_crs(4326).total_bounds
    carte = folium.Map(
        location=[round((south + north) / 2, 5), round((west + east) / 2, 5)],
        tiles=None,
        zoom_control=False,  # ours speaks the reader's language
        position="absolute",
        attribution_control=basemap is not None,
        zoom_snap=0.25,
        zoom_delta=0.5,
    )
    carte._id = _NAME  # noqa: SLF001 - branca draws ids at random: ours is what the scripts look for
    # On the instance: the lists of the class belong to every map of the process.
    carte.default_js = [("leaflet", LEAFLET_JS)]
    carte.default_css = [("leaflet_css", LEAFLET_CSS)]
    page.add_child(carte)
    if basemap == "ign":
        page.hosts = (IGN_HOST,)
        folium.TileLayer("GeoportailFrance.plan", attr="© IGN – Géoplateforme", name="Plan IGN").add_to(carte)
    page.html.add_child(
        json_block("tg-data", payload(diagnostic, lang) | {"basemap": basemap is not None}), name="tg_data"
    )
    page.html.add_child(Verbatim(f"<noscript>{TEXTS[lang]['noscript']}</noscript>"), name="tg_noscript")
    return DiagnosticMap(carte)


def _check(name: str, value: object, accepted: tuple[object, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name}={value!r} is not known. Give one of {', '.join(map(repr, accepted))}.")


def _asset(name: str) -> str:
    return files("territoire_geo.maps").joinpath("assets", name).read_text(encoding="utf-8")
