"""`draw_map`: a diagnostic on Folium, as one file that opens offline."""

import os
from collections.abc import Callable, Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

import folium
import geopandas as gpd
import rcssmin
import rjsmin

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import MissingExtraError
from territoire_geo.maps._blob import pack
from territoire_geo.maps._browser import render_pdf, render_png
from territoire_geo.maps._files import write_whole
from territoire_geo.maps._notebook import bundle
from territoire_geo.maps._page import IGN_HOST, Assets, Page, Verbatim, data_block
from territoire_geo.maps._payload import COUNTRY, all_themes, page_order, payload
from territoire_geo.maps._static import StaticMap, draw_static
from territoire_geo.maps._texts import TEXTS
from territoire_geo.maps._theme import Options
from territoire_geo.maps._vendor import LEAFLET_CSS, LEAFLET_JS

_NAME: Final = "territoire"  # the map is the JavaScript variable map_territoire
_FIRST: Final = ("blob",)
_PARTS: Final = (
    "dom", "classes", "arcs", "geometry", "raster", "themes", "legend", "summary", "circles", "names", "reach",
    "markers", "catchment", "ranking", "session", "notes", "exchange", "workshop", "sheets", "link", "search", "table",
    "print", "panel", "main",
)  # fmt: skip
_NONE: Final[Mapping[str, Sequence[float]]] = MappingProxyType({})
_STYLES: Final = ("base", "workshop", "resources", "commune", "table", "print")


class DiagnosticMap:
    """
    The map of a diagnostic.

    Parameters
    ----------
    carte
        The Folium map; layers may be added to it, as long as they load nothing from a network.
    breaks
        Inner breaks in use, by theme; give them to `draw_map` to compare another map with this one.
    still
        Draws the picture that stands for the map where a notebook does not show it.
    """

    def __init__(
        self,
        carte: folium.Map,
        breaks: Mapping[str, Sequence[float]] = _NONE,
        still: "Callable[[], StaticMap] | None" = None,
    ) -> None:
        self._folium = carte
        self._still = still
        self.breaks = MappingProxyType(dict(breaks))

    @property
    def folium(self) -> folium.Map:
        """
        The Folium map: add layers to it before writing the page.

        What a layer needs is carried in the page, or the page is refused with the name of the layer: nothing is asked
        of a network, and the page's policy forbids it. Markers, lines, polygons, `GeoJson`, `DivIcon`, `Popup`,
        `Tooltip` and images given as local files work; tiles, videos, images by address, frames, `Icon` and the plugins
        do not.
        Folium reads the texts given to its classes as HTML: give it `html.escape(text)` when a text comes from data.
        """
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
        return write_whole(path, self.to_html().encode())

    def to_png(self, path: str | os.PathLike[str], *, size: tuple[int, int] = (1400, 900), scale: float = 2) -> Path:
        """
        Photograph the page in a browser of this machine, which reads nothing but the page and its basemap.

        Parameters
        ----------
        path
            Where; an existing file is replaced.
        size
            Width and height of the window [CSS pixels].
        scale
            Pixels of the picture for one of the page.

        Returns
        -------
        to_png
            The path.

        Raises
        ------
        MissingExtraError
            If Playwright (extra `browser`) or a browser is not installed.
        TerritoireGeoError
            If the page is not drawn in a minute, or the file cannot be written.
        """
        return render_png(self.to_html(), path, size=size, scale=scale, hosts=self._hosts())

    def to_pdf(
        self, path: str | os.PathLike[str], *, paper: Literal["A4", "A3"] = "A4", landscape: bool = True
    ) -> Path:
        """
        Print the page, laid out for paper, in a browser of this machine.

        Parameters
        ----------
        path
            Where; an existing file is replaced.
        paper
            "A4" or "A3".
        landscape
            Whether the long side lies.

        Returns
        -------
        to_pdf
            The path.

        Raises
        ------
        MissingExtraError
            If Playwright (extra `browser`) or a browser is not installed.
        TerritoireGeoError
            If the page is not drawn in a minute, or the file cannot be written.
        """
        return render_pdf(self.to_html(), path, paper=paper, landscape=landscape, hosts=self._hosts())

    def _hosts(self) -> tuple[str, ...]:
        return tuple(getattr(self._folium.get_root(), "hosts", ()))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude  # a notebook keeps what it asked for
        page = self._folium.get_root()
        try:
            picture = None if self._still is None else self._still().preview()
        except MissingExtraError:
            picture = None  # without matplotlib, the page alone
        title = str(getattr(page, "title", "") or "")
        return bundle(self.to_html(), picture, title=title, lang=str(getattr(page, "lang", "fr")))

    def _repr_html_(self) -> str:
        return self._repr_mimebundle_()["text/html"]


def draw_map(  # noqa: PLR0913 - the contract of docs/api: every convention of a map can be set
    diagnostic: Diagnostic,
    *,
    basemap: Literal["ign"] | None = None,
    assets: Assets = "inline",
    lang: Literal["fr", "en"] = "fr",
    title: str = "",
    date: str = "",
    authors: str = "",
    classes: Literal["quantiles", "natural", "equal"] | None = None,
    breaks: Mapping[str, Sequence[float]] | None = None,
    measures: Sequence[str] | None = None,
    before: Diagnostic | None = None,
) -> DiagnosticMap:
    """
    Draw a diagnostic as an interactive map, in one file that opens without a network.

    Themes are exclusive: each need (share without an answer, what stops it, against the structures within reach, access
    against the norm), priorities (ranks with their stability, clusters, types of communes), context measures and their
    difference with the reference. Unknown values are hatched, never coloured. Data stands in a compressed block: no
    name is ever run as code.

    Parameters
    ----------
    diagnostic
        What to draw.
    basemap
        None draws outlines and town names; "ign" adds the Plan IGN, which needs a network.
    assets
        "inline" carries Leaflet in the file; "cdn" links to it, pinned by its version and its hash, in a file lighter
        by 165 kB that needs a network.
    lang
        Language of the readers, "fr" or "en".
    title
        Of the page; by default that of the diagnostic and the name of its territory.
    date
        Printed under the title, as it is.
    authors
        Who made the map, printed under the title.
    classes
        How values are cut: equal counts ("quantiles"), natural breaks (Fisher-Jenks) or "equal" intervals; by default
        fixed breaks where there are some, else equal counts. The reader can choose another.
    breaks
        Theme id -> inner breaks, those of another map (`DiagnosticMap.breaks`): two maps then compare.
    measures
        Context measures to draw; all those that are computed by default.
    before
        An earlier diagnostic of the same territory: each need and measure gets a view of what changed.

    Returns
    -------
    draw_map
        The map: `save`, `to_html`, `to_png`, `to_pdf`, or the last line of a notebook cell.

    Raises
    ------
    ValueError
        If an option is not one of those.
    TerritoireGeoError
        If the territory has more communes than a page can number, or `before` has none in common.

    Examples
    --------
    >>> import territoire_geo as tg
    >>> carte = tg.draw_map(tg.diagnose(*tg.load_demo()))  # doctest: +SKIP
    >>> carte.save("carte.html")  # doctest: +SKIP
    """
    _check("basemap", basemap, (None, "ign"))
    _check("assets", assets, ("inline", "cdn"))
    _check("lang", lang, ("fr", "en"))
    _check("classes", classes, (None, "quantiles", "natural", "equal"))
    order = page_order(diagnostic)
    digits = 2 if len(order) > COUNTRY else 3
    options = Options(lang, classes, MappingProxyType(dict(breaks or {})), measures, before, digits)
    themes = all_themes(diagnostic, order, options)
    said = {"title": title, "date": date, "authors": authors, "basemap": basemap is not None}
    page = Page(lang=lang, assets=assets)
    named = title or f"{TEXTS[lang]['title']} \u2013 {diagnostic.territory.name}"
    page.title = named.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate cannot be written
    page.style = rcssmin.cssmin("\n".join(_asset(f"css/{name}.css") for name in _STYLES))
    page.before = _asset("before.js")
    page.app = _application()
    carte = _leaflet(diagnostic, attribution=basemap is not None)
    page.add_child(carte)
    if basemap == "ign":
        page.hosts = (IGN_HOST,)
        folium.TileLayer("GeoportailFrance.plan", attr="© IGN – Géoplateforme", name="Plan IGN").add_to(carte)
    packed = pack(payload(diagnostic, order, themes, options) | said)
    page.html.add_child(data_block("tg-data", packed), name="tg_data")
    page.html.add_child(Verbatim(f"<noscript>{escape(TEXTS[lang]['noscript'])}</noscript>"), name="tg_noscript")
    old = f'<p id="tg-old" role="alert" hidden>{escape(TEXTS[lang]["old"])}</p>'
    page.html.add_child(Verbatim(old), name="tg_old")
    breaks_used = {theme.id: theme.scales[0].classes.breaks for theme in themes if theme.scales}
    return DiagnosticMap(carte, breaks_used, lambda: draw_static(diagnostic, lang=lang, credit=authors))


def _leaflet(diagnostic: Diagnostic, *, attribution: bool) -> folium.Map:
    """Make an empty Folium map over the territory."""
    west, south, east, north = gpd.GeoSeries(diagnostic.territory.points).to_crs(4326).total_bounds
    carte = folium.Map(
        location=[round((south + north) / 2, 5), round((west + east) / 2, 5)],
        tiles=None,
        zoom_control=False,  # ours speaks the reader's language
        position="absolute",
        attribution_control=attribution,
        zoom_snap=0.25,
        zoom_delta=0.5,
    )
    carte._id = _NAME  # noqa: SLF001 - branca draws ids at random: ours is what the scripts look for
    # On the instance: the lists of the class belong to every map of the process.
    carte.default_js = [("leaflet", LEAFLET_JS)]
    carte.default_css = [("leaflet_css", LEAFLET_CSS)]
    return carte


def _check(name: str, value: object, accepted: tuple[object, ...]) -> None:
    if value not in accepted:
        raise ValueError(f"{name}={value!r} is not known. Give one of {', '.join(map(repr, accepted))}.")


def _application() -> str:
    """Put the scripts in order: the first ones open the data, the others wait for it."""
    first = "\n".join(_asset(f"{name}.js") for name in _FIRST)
    parts = "\n".join(_asset(f"{name}.js") for name in _PARTS if _has(f"{name}.js"))
    wait = f"territoireGeo.ready = territoireGeo.load().then(function () {{\n{parts}\n}}).catch(territoireGeo.fail);"
    return str(rjsmin.jsmin(f"{first}\n{wait}\n")) + "\n"  # the files of the package keep their comments


def _has(name: str) -> bool:
    return files("territoire_geo.maps").joinpath("assets", *name.split("/")).is_file()


def _asset(name: str) -> str:
    return files("territoire_geo.maps").joinpath("assets", *name.split("/")).read_text(encoding="utf-8")
