"""What leaves the page: pictures, prints, notebooks; and what readers' own layers may bring into it."""

import asyncio
import re
import struct
import sys
from html import escape
from pathlib import Path

import folium
import pytest
from branca.element import Element, IFrame, MacroElement
from folium import plugins
from folium.raster_layers import ImageOverlay, VideoOverlay
from jinja2 import Template

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import CHROMIUM, HOSTILE, shows, started
from territoire_geo.errors import MissingExtraError, TerritoireGeoError
from territoire_geo.maps import _browser, _map, _notebook, draw_map

HERE = [47.1, 5.5]
BOX = [[47, 5], [48, 6]]
POINTS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"nom": "{{ 7*7 }}", "site": "https://exemple.fr/"},
            "geometry": {"type": "Point", "coordinates": [5.5, 47.1]},
        }
    ],
}
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="chromium absent: apt-get install chromium")


class Raw(MacroElement):
    """A layer of a reader's own."""

    def __init__(self, script):
        super().__init__()
        self._template = Template("{% macro script(this, kwargs) %}" + script + "{% endmacro %}")


@pytest.fixture(scope="module")
def diagnostic():
    return make_diagnostic()


def with_layer(diagnostic, layer, **options):
    carte = draw_map(diagnostic, **options)
    layer.add_to(carte.folium)
    return carte


# Pictures and prints


@needs_chromium
@pytest.mark.browser
def test_a_picture_and_a_print(diagnostic, tmp_path):
    pytest.importorskip("playwright", reason="playwright absent: pip install playwright")
    carte = draw_map(diagnostic)

    async def inside_a_loop():  # as in a notebook
        return carte.to_png(tmp_path / "carte.png", size=(700, 500))

    picture = asyncio.run(inside_a_loop()).read_bytes()
    assert struct.unpack(">II", picture[16:24]) == (1400, 1000)
    printed = carte.to_pdf(tmp_path / "carte.pdf", paper="A3").read_bytes()
    assert printed.startswith(b"%PDF-")
    width, height = map(float, re.search(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", printed).groups())
    assert (round(width), round(height)) == (1191, 843)
    assert len(re.findall(rb"/Type ?/Page\b", printed)) == 1
    assert sorted(file.name for file in tmp_path.iterdir()) == ["carte.pdf", "carte.png"]


@needs_chromium
@pytest.mark.browser
def test_a_page_that_fails_says_so(tmp_path):
    pytest.importorskip("playwright", reason="playwright absent: pip install playwright")
    page = "<!DOCTYPE html><html><body><script>throw new Error('too early')</script></body></html>"
    with pytest.raises(TerritoireGeoError, match="could not draw the page: too early"):
        _browser.render_png(page, tmp_path / "carte.png")
    assert list(tmp_path.iterdir()) == []


@needs_chromium
@pytest.mark.browser
def test_nothing_is_asked_of_a_network_and_an_unready_page_is_not_waited_for_ever(tmp_path, monkeypatch):
    pytest.importorskip("playwright", reason="playwright absent: pip install playwright")
    asked = []
    let = _browser.answer
    monkeypatch.setattr(_browser, "answer", lambda route, *given: (asked.append(route.request.url), let(route, *given)))
    monkeypatch.setattr(_browser, "_PATIENCE", 700)
    page = '<!DOCTYPE html><html><body><img src="https://exemple.fr/a.png"></body></html>'
    with pytest.raises(TerritoireGeoError, match="not drawn in a minute"):
        _browser.render_pdf(page, tmp_path / "carte.pdf")
    assert [url.split("/")[-1] for url in asked] == ["carte.html", "a.png"]


def test_without_playwright_or_a_browser(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'territoire-geo\[browser\]'"):
        _browser.render_png("", tmp_path / "carte.png")
    monkeypatch.setenv("TERRITOIRE_GEO_BROWSER", str(tmp_path / "absent"))
    with pytest.raises(MissingExtraError, match=r"absent is not a program.*apt-get install chromium"):
        _browser.find_browser()
    with pytest.raises(ValueError, match="paper='A5'"):
        _browser.render_pdf("", tmp_path / "carte.pdf", paper="A5")


def test_a_browser_is_found_by_name_then_in_its_usual_place(tmp_path, monkeypatch):
    program = tmp_path / "Google" / "Chrome" / "chrome"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    monkeypatch.setattr(_browser, "_PLACES", {sys.platform: (str(program),)})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _browser.find_browser() == str(program)
    named = tmp_path / "chromium"
    named.touch(mode=0o755)
    assert _browser.find_browser() == str(named)
    monkeypatch.setenv("TERRITOIRE_GEO_BROWSER", str(program))
    assert _browser.find_browser() == str(program)


def test_a_program_that_is_not_a_browser(tmp_path, monkeypatch):
    pytest.importorskip("playwright", reason="playwright absent: pip install playwright")
    monkeypatch.setenv("TERRITOIRE_GEO_BROWSER", "/bin/false")
    with pytest.raises(MissingExtraError, match=r"/bin/false does not start.*apt-get install chromium"):
        _browser.render_png("", tmp_path / "carte.png")


# Notebooks


def test_a_notebook_gets_the_page_a_picture_and_a_line(diagnostic):
    pytest.importorskip("matplotlib", reason="matplotlib absent: pip install matplotlib")
    carte = draw_map(diagnostic)
    shown = carte._repr_mimebundle_()
    assert shown == draw_map(diagnostic)._repr_mimebundle_()
    assert set(shown) == {"text/html", "text/plain", "image/png"}
    assert shown["text/plain"] == "<DiagnosticMap: Diagnostic partagé – Pays d'essai>"
    html = carte._repr_html_()
    assert html == shown["text/html"]
    assert html.index('<img alt="') < html.index("<iframe srcdoc=")  # what stays where frames are stripped
    assert '"' not in html.split('srcdoc="')[1].split('"')[0]


def test_a_heavy_page_stays_out_of_the_notebook(diagnostic, monkeypatch):
    monkeypatch.setattr(_notebook, "LIMIT", 1000)
    html = draw_map(diagnostic)._repr_html_()
    assert "<iframe" not in html
    assert "carte.save(&quot;carte.html&quot;)" in html
    assert len(html) < 100_000


def test_without_matplotlib_the_page_alone(diagnostic, monkeypatch):
    def absent():
        raise MissingExtraError("matplotlib")

    carte = draw_map(diagnostic)
    monkeypatch.setattr(carte, "_still", absent)
    assert set(carte._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert set(_map.DiagnosticMap(carte.folium)._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_an_executed_notebook(tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient absent: pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat", reason="nbformat absent: pip install nbformat")
    here = [str(Path(tg.__file__).parents[1]), str(Path(__file__).parent)]
    book = nbformat.v4.new_notebook()
    book.cells = [
        nbformat.v4.new_code_cell(
            f"import sys; sys.path[:0] = {here!r}\n"
            "from _diagnostic_factory import make_diagnostic\n"
            "from territoire_geo.maps import draw_map\n"
            "draw_map(make_diagnostic())"
        )
    ]
    nbclient.NotebookClient(book, timeout=120, kernel_name="python3").execute()
    data = book.cells[0].outputs[-1].data
    assert data["text/html"].count("<iframe srcdoc=") == 1
    assert data["text/plain"].startswith("<DiagnosticMap: ")
    assert data["image/png"]
    nbformat.write(book, tmp_path / "cahier.ipynb")
    assert (tmp_path / "cahier.ipynb").stat().st_size < 1_200_000


# Layers of readers


def layers(tmp_path):
    image = tmp_path / "image.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    return [
        folium.Marker(HERE, popup="un <b>avis</b> `cité`", tooltip="ici"),
        folium.Marker(HERE, popup=folium.Popup("<a href='https://exemple.fr'>lien</a>", lazy=True, show=True)),
        folium.Marker(HERE, icon=folium.CustomIcon(str(image))),
        folium.Marker(HERE, icon=folium.DivIcon("<b>A</b>")),
        folium.GeoJson(POINTS, tooltip=folium.GeoJsonTooltip(["nom"]), popup=folium.GeoJsonPopup(["nom", "site"])),
        folium.Choropleth(POINTS),
        folium.FeatureGroup("groupe").add_child(folium.Circle(HERE, 10)),
        ImageOverlay(str(image), BOX),
        VideoOverlay("data:video/mp4;base64,AAAA", BOX),
        folium.LayerControl(),
        folium.FitBounds(BOX),
        Raw("document.createElement('a').href = 'https://exemple.fr';"),
    ]


def test_a_layer_is_carried_and_the_bytes_are_the_same(diagnostic, tmp_path):
    def drawn():
        carte = draw_map(diagnostic)
        for layer in layers(tmp_path):
            layer.add_to(carte.folium)
        page = carte.to_html()
        assert carte.to_html() == page  # a second rendering starts from the same map
        return page

    page = drawn()
    assert page == drawn()
    assert not re.search(r"_[0-9a-f]{32}", page)
    assert "{{ 7*7 }}" in page  # a name in the data is not a template


REMOTE = [
    (lambda: folium.TileLayer("OpenStreetMap"), r"TileLayer.*https://tile\.openstreetmap\.org"),
    (lambda: folium.TileLayer("tuiles/{z}.png", attr="x"), r"TileLayer.*tuiles"),
    (lambda: folium.WmsTileLayer("https://exemple.fr/wms", "x"), r"WmsTileLayer.*exemple\.fr/wms"),
    (lambda: ImageOverlay("https://exemple.fr/a.png", BOX), r"ImageOverlay.*a\.png"),
    (lambda: VideoOverlay("https://exemple.fr/a.mp4", BOX), r"VideoOverlay.*a\.mp4"),
    (lambda: folium.Marker(HERE, icon=folium.Icon()), r"Icon.*awesome-markers"),
    (lambda: folium.Marker(HERE, icon=folium.CustomIcon("https://exemple.fr/a.png")), r"CustomIcon.*a\.png"),
    (lambda: folium.Marker(HERE, icon=folium.DivIcon("<img src='//exemple.fr/a.png'>")), r"DivIcon.*a\.png"),
    (lambda: folium.Marker(HERE, popup="<img src='a.png'>"), r"Popup.*a\.png"),
    (lambda: folium.Marker(HERE, popup=folium.Popup(IFrame("x"))), r"Popup.*IFrame"),
    (lambda: folium.Marker(HERE, tooltip="<b style='background:url(https://exemple.fr/a)'>"), r"Tooltip.*exemple"),
    (plugins.MarkerCluster, r"MarkerCluster.*does not carry"),
    (lambda: plugins.HeatMap([HERE]), r"HeatMap.*does not carry"),
    (plugins.MiniMap, r"MiniMap.*does not carry"),
    (lambda: plugins.FloatImage("https://exemple.fr/a.png"), r"FloatImage.*a\.png"),
    (lambda: Raw("new Image().src = 'https://exemple.fr/a.png';"), r"Raw.*a\.png"),
    (lambda: Raw("const u = `//exemple.fr/a`;"), r"Raw.*exemple"),
    (lambda: Raw("fetch('a.json');"), r"Raw.*a network"),
    (lambda: Raw("$.ajax('a.json');"), r"Raw.*jQuery"),
]


@pytest.fixture(scope="module")
def blank(diagnostic):
    return {assets: draw_map(diagnostic, assets=assets) for assets in ("inline", "cdn")}


@pytest.mark.parametrize(("layer", "said"), REMOTE)
def test_a_layer_that_loads_is_refused_by_name(blank, layer, said):
    for carte in blank.values():
        added = layer().add_to(carte.folium)
        with pytest.raises(TerritoireGeoError, match=said):
            carte.to_html()
        del carte.folium._children[added.get_name()]  # noqa: SLF001 - branca removes nothing by itself


def test_a_refusal_leaves_the_map_as_it_was(blank, diagnostic):
    assert blank["inline"].to_html() == draw_map(diagnostic).to_html()


def test_a_file_of_points_kept_aside_is_refused(diagnostic, tmp_path):
    file = tmp_path / "points.json"
    file.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(TerritoireGeoError, match=r"GeoJson.*jQuery"):
        with_layer(diagnostic, folium.GeoJson(str(file), embed=False)).to_html()


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("html", '<img src="https://exemple.fr/a.png">'),
        ("html", '<p style="background: url(a.png)">x</p>'),
        ("html", '<script>fetch("x")</script>'),
        ("html", '<iframe srcdoc="x"></iframe>'),
        ("header", '<link rel="preconnect" href="https://exemple.fr">'),
        ("header", '<style>@import "https://exemple.fr/a.css";</style>'),
        ("header", '<meta http-equiv="refresh" content="0;url=https://exemple.fr">'),
        ("script", 'var x = "https://exemple.fr/a";'),
    ],
)
def test_raw_elements_are_read_too(blank, place, text):
    carte = blank["inline"]
    part = getattr(carte.folium.get_root(), place)
    part.add_child(Element(text), name="theirs")
    with pytest.raises(TerritoireGeoError, match="An element, added to the map"):
        carte.to_html()
    del part._children["theirs"]  # noqa: SLF001 - same reason


def test_the_basemap_opens_one_host_only(diagnostic):
    page = draw_map(diagnostic, basemap="ign").to_html()
    assert "img-src data: https://data.geopf.fr;" in page
    with pytest.raises(TerritoireGeoError, match="openstreetmap"):
        with_layer(diagnostic, folium.TileLayer("OpenStreetMap"), basemap="ign").to_html()
    with pytest.raises(TerritoireGeoError, match=r"data\.geopf\.fr\.exemple\.fr"):
        with_layer(
            diagnostic, folium.TileLayer("https://data.geopf.fr.exemple.fr/{z}", attr="x"), basemap="ign"
        ).to_html()


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_of_popups_and_tooltips_are_not_run(diagnostic, blank, text):
    plain = blank["inline"].to_html()
    carte = draw_map(diagnostic)
    folium.Marker(HERE, popup=folium.Popup(text, parse_html=True), tooltip=escape(text)).add_to(carte.folium)
    page = carte.to_html()
    assert page.count("<script") == plain.count("<script")
    assert page.count("<img") == plain.count("<img")
    written = page[page.index("bindTooltip") :][:400]
    assert "49" not in written
    assert "`" not in written


@needs_chromium
@pytest.mark.browser
def test_popups_open_offline_and_run_nothing(show, diagnostic):
    text = " ".join(HOSTILE)

    def add(carte):
        folium.Marker(HERE, popup=folium.Popup(text, parse_html=True, show=True)).add_to(carte.folium)
        folium.GeoJson(POINTS, popup=folium.GeoJsonPopup(["nom"])).add_to(carte.folium)

    page = show(diagnostic, add=add)
    said = page.locator(".leaflet-popup-content").inner_text()
    assert " ".join(said.split()) == " ".join(text.split())
    assert page.evaluate("window.hacked") is None


def test_a_text_that_folium_cannot_read_says_how_to_write_it(diagnostic):
    hostile = {"type": "FeatureCollection", "features": [dict(POINTS["features"][0], properties={"nom": "{% x"})]}
    with pytest.raises(TerritoireGeoError, match=r"Write the brace as &#123;"):
        with_layer(diagnostic, folium.GeoJson(hostile)).to_html()


def test_cdn_is_pinned_and_sealed(diagnostic):
    page = draw_map(diagnostic, assets="cdn").to_html()
    links = re.findall(r"<(?:script src|link rel=\"stylesheet\" href)=\"([^\"]+)\" (\S+)", page)
    assert [url.rsplit("@", 1)[1].split("/")[0] for url, _ in links] == ["1.9.3", "1.9.3"]
    assert all(seal.startswith('integrity="sha256-') for _, seal in links)
    assert page == draw_map(diagnostic, assets="cdn").to_html()
