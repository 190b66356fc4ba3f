"""The map of many communes, drawn as pixels: what is under each, coloured, hatched, chosen, walked by keyboard."""

import numpy as np
import pytest
import shapely

import territoire_geo as tg
from _maps_page import needs_browser, shows, started
from territoire_geo.maps import _payload

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright absent: pip install playwright")
pytestmark = [
    *needs_browser(),
    pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning"),
]
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)

# Latitude, longitude and commune of points spread over the view, as the page picks them.
PICK = """([zoom, count]) => {
    const { map, surface, data } = territoireGeo;
    map.setView([47.09, 5.49], zoom, { animate: false });
    const { x, y } = map.getSize();
    return Array.from({ length: count }, (_, rank) => {
        const at = map.containerPointToLatLng([((rank * 0.7548776662) % 1) * x, ((rank * 0.5698402910) % 1) * y]);
        const index = surface.at(at);
        return [at.lng, at.lat, index === null ? "" : data.codes[index]];
    });
}"""
# Colours of the canvas, in a square around a place.
PIXELS = """([lat, lng, half]) => {
    const { map, surface: { held } } = territoireGeo;
    const canvas = document.querySelector("canvas.tg-fill");
    const at = map.project([lat, lng]).subtract([held.left, held.top]).floor();
    const copy = document.createElement("canvas"); // reading the page's own would slow it, and the console says so
    [copy.width, copy.height] = [2 * half, 2 * half];
    copy.getContext("2d").drawImage(canvas, half - at.x, half - at.y);
    const { data } = copy.getContext("2d").getImageData(0, 0, 2 * half, 2 * half);
    const seen = {};
    for (let i = 0; i < data.length; i += 4) {
        const key = data.slice(i, i + 3).join();
        seen[key] = (seen[key] || 0) + 1;
    }
    return seen;
}"""
# Pixels of a canvas `c` more opaque than that.
COUNT = (
    "copied(c).getImageData(0, 0, c.width, c.height).data.filter((value, at) => at % 4 === 3 && value > {}).length;"
    "function copied(canvas) {{ const copy = document.createElement('canvas');"
    " [copy.width, copy.height] = [canvas.width, canvas.height];"
    " const pen = copy.getContext('2d', {{ willReadFrequently: true }}); pen.drawImage(canvas, 0, 0); return pen; }}"
)


@pytest.fixture(scope="module")
def diagnosed():
    return tg.diagnose(*tg.load_demo())


@pytest.fixture
def page(show, diagnosed, monkeypatch):
    monkeypatch.setattr(_payload, "MANY", 100)
    return show(diagnosed, motion="reduce")


def metres_per_pixel(page):
    return page.evaluate(
        "() => { const { map } = territoireGeo; const c = map.getCenter();"
        " return map.distance(c, map.unproject(map.project(c).add([1, 0]))); }"
    )


def test_picking_is_exact_beyond_a_pixel_and_a_half(page, diagnosed):
    communes = diagnosed.territory.communes
    lines = shapely.boundary(communes.geometry.to_numpy())
    edges = shapely.STRtree(lines)
    for zoom in (8, 10.5, 13):
        found = page.evaluate(PICK, [zoom, 1500])
        places = shapely.points([(lng, lat) for lng, lat, _ in found])
        points = tg_points(places, communes.crs)
        wanted = diagnosed.territory.locate(points).fillna("").tolist()
        nearest = edges.query_nearest(points.to_numpy(), return_distance=True, all_matches=False)
        away = np.full(len(points), np.inf)
        away[nearest[0][0]] = nearest[1]
        clear = away > 1.5 * metres_per_pixel(page) + 7  # what the grid moves, in metres
        got = [code for _, _, code in found]
        wrong = [(one, two) for one, two, far in zip(wanted, got, clear, strict=True) if far and one != two]
        assert wrong == []
        assert clear.sum() > 300
    # Away from the view too: the arcs themselves answer.
    assert page.evaluate("() => territoireGeo.data.names[territoireGeo.surface.at([47.0925, 5.4899])]") == "Dole"


def tg_points(places, crs):
    import geopandas as gpd  # noqa: PLC0415 - only to change the CRS

    return gpd.GeoSeries(places, crs=4326).to_crs(crs)


def test_colours_are_those_of_the_theme_and_the_unknown_is_hatched(page):
    assert page.locator("path[data-code]").count() == 0
    place = page.evaluate(
        "() => { const { map, data } = territoireGeo; map.setView(data.points[0], 14, { animate: false });"
        " return data.points[0]; }"
    )
    for theme in page.evaluate("() => territoireGeo.data.themes.map(theme => theme.id)"):
        page.evaluate("id => territoireGeo.setTheme(id)", theme)
        fill = page.evaluate("() => territoireGeo.styleOf(0).fill")
        seen = page.evaluate(PIXELS, [*place, 10])
        if fill.startswith("hatch"):
            assert set(seen) == {"107,114,128", "246,245,242"}
        else:
            assert set(seen) == {",".join(str(int(fill[at : at + 2], 16)) for at in (1, 3, 5))}
    for fill, colours in {
        "hatch": {"107,114,128", "246,245,242"},
        "hatch-pale": {"195,197,201", "246,245,242"},
    }.items():
        page.evaluate(
            "fill => { const { surface } = territoireGeo; territoireGeo.styleOf = () => ({ fill, opacity: 1 });"
            " surface.paint(); }",
            fill,
        )
        seen = page.evaluate(PIXELS, [*place, 30])
        assert set(seen) == colours
        assert 0.3 < min(seen.values()) / sum(seen.values()) < 0.45  # strokes, and paper between them


def test_pointer_selection_and_catchment(page):
    page.evaluate("() => territoireGeo.map.setView([47.0925, 5.4899], 12, { animate: false })")
    box = page.evaluate(
        "() => { const p = territoireGeo.map.latLngToContainerPoint([47.105, 5.475]); return [p.x, p.y]; }"
    )
    index = page.evaluate("() => territoireGeo.surface.at([47.105, 5.475])")
    name = page.evaluate("i => territoireGeo.data.names[i]", index)
    page.mouse.move(*box)
    assert name in page.locator(".tg-tip").last.inner_text()
    page.evaluate("i => territoireGeo.openCommune(i)", index)
    assert name in page.locator("#tg-sheet").inner_text()
    page.evaluate("i => territoireGeo.surface.mark(i)", index)
    drawn = "() => { const c = document.querySelector('canvas.tg-chosen'); return " + COUNT.format(0) + "; }"
    assert page.evaluate(drawn) > 0
    page.evaluate("() => territoireGeo.surface.mark(null)")
    assert page.evaluate(drawn) == 0
    opaque = "() => { const c = document.querySelector('canvas.tg-fill'); return " + COUNT.format(254) + "; }"
    before = page.evaluate(opaque)
    page.evaluate("i => territoireGeo.surface.glow(new Map([[i, 1]]))", index)
    assert page.evaluate(opaque) < before
    page.evaluate("() => territoireGeo.surface.glow(null)")
    assert page.evaluate(opaque) == before


def test_arrows_walk_from_commune_to_commune(page):
    keys = page.locator(".tg-raster-keys")
    page.keyboard.press("Tab")  # the browser now knows of a keyboard
    keys.focus()
    first = keys.get_attribute("aria-label")
    longitude = (
        "label => { const { data } = territoireGeo; return data.points[data.names.indexOf(label.split(',')[0])]; }"
    )
    page.keyboard.press("ArrowRight")
    second = keys.get_attribute("aria-label")
    assert second != first
    assert page.evaluate(longitude, second)[1] > page.evaluate(longitude, first)[1]
    page.keyboard.press("ArrowUp")
    third = keys.get_attribute("aria-label")
    assert page.evaluate(longitude, third)[0] > page.evaluate(longitude, second)[0]
    assert page.locator(".tg-raster-said").inner_text() == third
    page.keyboard.press("Enter")
    assert third.split(",")[0] in page.locator("#tg-sheet").inner_text()


def test_the_picture_follows_the_view(page):
    """Moved within the margins, moved beyond, zoomed: what is under a place does not change."""
    for move in ("panBy([90, 40])", "panBy([900, -500])", "setZoom(9.25)", "setZoom(13)", "panBy([-30, 0])"):
        page.evaluate(f"() => {{ territoireGeo.map.{move.replace(')', ', {animate: false})')} }}")
        wrong = page.evaluate(
            """() => { const { map, surface, arcs } = territoireGeo, { x, y } = map.getSize();
            return Array.from({ length: 400 }, (_, rank) =>
                map.containerPointToLatLng([((rank * 0.7548776662) % 1) * x, ((rank * 0.5698402910) % 1) * y])
            ).filter(at => surface.at(at) !== arcs.at(at)).length; }"""
        )
        assert wrong <= 12  # points within half a pixel of a boundary
