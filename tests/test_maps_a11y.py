"""Everyone reads the map: by keyboard, by voice, enlarged, on a phone, on paper; and no text in it ever runs."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, needs_browser, shows, started

AXE = Path(__file__).parent / "axe" / "node_modules" / "axe-core" / "axe.min.js"
AXE_HASH = "5j5ln5gG165b1AiZBDsIcaUGLFRCsBs/Gj7fXq9Qv1w6cQSnJGMpO0rRt3xmGg1OQOhQ3sid6dbs5wqME6mvFw=="
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
pytestmark = [*needs_browser(), pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")]
SCRIPTS = Path(__file__).parent / "maps_scripts"
UNFOLD = "document.querySelectorAll('#tg-sheet details').forEach(part => { part.open = true; })"
STATES = {
    "default": "0",
    "commune": f"territoireGeo.openCommune(5); {UNFOLD}",
    "structure": "territoireGeo.openStructure(0)",
    "table": "territoireGeo.closeSheet(); territoireGeo.openDrawer('table')",
    "proposals": "territoireGeo.openDrawer('proposals')",
    "limits": "territoireGeo.openDrawer('limits')",
    "workshop": "territoireGeo.closeDrawer(); territoireGeo.openWorkshop()",
}


def script(name):
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo():
    return tg.diagnose(*tg.load_demo())


@pytest.fixture(scope="module")
def axe():
    if not AXE.is_file():
        pytest.skip("axe-core absent: npm install --prefix tests/axe --no-package-lock --ignore-scripts")
    content = AXE.read_bytes()
    assert base64.b64encode(hashlib.sha512(content).digest()).decode() == AXE_HASH
    return content.decode("utf-8")


@pytest.mark.parametrize(("size", "lang"), [((1400, 900), "fr"), ((360, 740), "fr"), ((1400, 900), "en")])
def test_no_serious_violation_in_any_state(show, demo, axe, size, lang):
    page = show(demo, size=size, lang=lang, motion="reduce")
    page.evaluate(f"{axe};0")
    found = {}
    for name, action in STATES.items():
        if lang == "en" and name not in {"default", "commune", "table"}:
            continue  # the same elements: only their words differ
        page.evaluate(f"{action};0")
        told = page.evaluate(
            "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations"
            ".filter(one => ['serious', 'critical'].includes(one.impact))"
            ".map(one => [one.id, one.nodes.slice(0, 2).map(node => node.html.slice(0, 200))])"
        )
        found |= {f"{name}: {rule}": where for rule, where in told}
    assert found == {}


@pytest.mark.parametrize("size", [(1400, 900), (360, 740)])
def test_text_is_dark_enough_and_targets_are_large_enough(show, demo, size):
    page = show(demo, size=size)
    for name, action in STATES.items():
        page.evaluate(f"{action};0")
        seen, low = page.evaluate(script("contrast"))
        assert seen > 20, name
        assert low == [], name
        assert page.evaluate(script("small")) == [], name


def test_the_keyboard_goes_everywhere_and_is_seen(show):
    page = show(make_diagnostic(), motion="reduce")
    stops, unseen, unnamed = [], [], []
    for _ in range(70):
        page.keyboard.press("Tab")
        stop, outlined, name = page.evaluate(script("focus"))
        stops.append(stop)
        if stop != "BODY":
            unseen += [] if outlined else [stop]
            unnamed += [] if name else [stop]
    for wanted in ("tg-skip-search", "tg-skip-map", "tg-skip-table", "tg-theme", "tg-search", "tg-show-table"):
        assert wanted in stops, stops
    assert any("leaflet-interactive" in stop for stop in stops), stops
    assert (unseen, unnamed) == ([], [])
    # By keyboard alone: a theme, the table, a commune, its sheet, and back.
    page.focus("#tg-theme")
    page.keyboard.press("ArrowDown")
    page.focus("#tg-show-table")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "tg-tab-table"
    page.locator("#tg-table tbody button").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "tg-sheet-title"
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.closest('#tg-table') !== null")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "tg-show-table"


@pytest.mark.parametrize("size", [(700, 450), (360, 640)])
def test_nothing_breaks_when_enlarged_or_narrow(show, demo, size):
    """A window of 1400 × 900 at 200 % is one of 700 × 450."""
    page = show(demo, size=size)
    width, height = size
    for name, action in STATES.items():
        page.evaluate(f"{action};0")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate("document.documentElement.scrollHeight") <= height, name
        outside = page.evaluate(
            script("outside"),
            size,
        )
        assert outside == [], name
    page.evaluate("territoireGeo.closeSheet(); territoireGeo.closeDrawer(); territoireGeo.closeWorkshop()")
    assert page.locator("#tg-panel-body").bounding_box()["height"] > 40


# Paper


def test_the_page_on_paper(show, tmp_path):
    diagnostic = make_diagnostic()
    page = show(diagnostic, title="Le pays d’essai", date="23 novembre 2026", authors="Les animateurs")
    page.select_option("#tg-theme", "need:childcare")
    where = "[territoireGeo.map.getZoom(), territoireGeo.map.getSize().x, territoireGeo.map.getCenter()]"
    before = page.evaluate(where)
    margin = dict.fromkeys(("top", "right", "bottom", "left"), "10mm")
    for paper, points in (("A4", (842, 595)), ("A3", (1191, 842))):
        file = tmp_path / f"{paper}.pdf"
        page.pdf(path=file, format=paper, landscape=True, print_background=True, margin=margin)
        content = file.read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1, paper
        box = [float(value) for value in re.search(rb"/MediaBox\s*\[([^\]]+)\]", content)[1].split()]
        assert box[2:] == pytest.approx(points, abs=1.5)
    assert page.evaluate("document.body.classList.contains('tg-printing')") is False
    after = page.evaluate(where)
    assert after[:2] == before[:2]
    assert after[2]["lat"] == pytest.approx(before[2]["lat"], abs=1e-6)
    # What is on it.
    page.set_viewport_size({"width": 1046, "height": 716})
    page.evaluate("territoireGeo.map.invalidateSize(); territoireGeo.home(false)")
    page.emulate_media(media="print")
    page.evaluate("territoireGeo.startPrint()")
    paper = page.locator(".folium-map").bounding_box()
    assert (paper["width"], paper["height"]) == (740, 626)
    head = page.locator(".tg-print-head").inner_text()
    assert all(text in head for text in ("Le pays d’essai", "23 novembre 2026", "Les animateurs"))
    assert "RP 2018" in page.locator(".tg-print-foot").inner_text()
    assert page.locator(".tg-legend").is_visible()
    assert page.locator('[fill="url(#tg-hatch)"]').count() > 0
    assert (
        page.locator("#tg-app button:visible, #tg-app select:visible, #tg-app input:visible, .tg-skip :visible").count()
        == 0
    )
    core = page.evaluate(
        "[...document.querySelectorAll('path[data-core=\"1\"]')].map(part => part.getBoundingClientRect())"
        ".map(box => [box.left, box.top, box.right, box.bottom])"
    )
    assert min(box[0] for box in core) >= paper["x"]
    assert max(box[2] for box in core) <= paper["x"] + paper["width"]
    page.evaluate("territoireGeo.endPrint()")
    page.emulate_media(media="null")
    # What is open follows, from the second page on.
    page.evaluate("territoireGeo.openCommune(3); territoireGeo.openDrawer('table')")
    page.pdf(path=tmp_path / "open.pdf", format="A4", landscape=True, print_background=True, margin=margin)
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "open.pdf").read_bytes())) >= 3


# Hostile texts


def hostile_diagnostic(text):
    diagnostic = make_diagnostic(
        names={"39008": text, "39023": text},
        structure_names=(text,) * 9,
        words=dict.fromkeys(("territory", "measure", "need", "reason"), text),
    )
    structures = diagnostic.structures.copy()
    for column in ("naf", "address", "post_code", "city", "website"):
        structures[column] = text
    told = tg.proposals.Proposal(
        "mobility", "strengthen", ("39008",), 9.0, 8.0, 10.0, (structures.index[0],), text, text, {}
    )
    cited = {name: (replace(found[0], title=text, producer=text),) for name, found in diagnostic.table_sources.items()}
    sources = tuple(replace(source, title=text, producer=text, licence=text) for source in diagnostic.sources)
    return replace(
        diagnostic,
        structures=structures,
        proposals=[told],
        sources=sources,
        table_sources=cited,
        warnings=tuple(replace(note, fr=text) for note in diagnostic.warnings),
        targets=diagnostic.targets.assign(label=text),
    )


def test_hostile_texts_are_shown_as_texts(show):
    text = " ".join(HOSTILE)
    page = show(hostile_diagnostic(text), title=text, date=text, authors=text)
    assert page.locator("#tg-panel header").inner_text().count(text) == 3
    scripts = page.locator("script").count()
    for theme in page.evaluate("territoireGeo.data.themes.map(theme => theme.id)"):
        page.evaluate("id => territoireGeo.setTheme(id)", theme)
    for action in STATES.values():
        page.evaluate(f"{action};0")
    page.evaluate(f"territoireGeo.openCommune(0); {UNFOLD}")
    shown = page.locator("#tg-sheet").inner_text().replace("\u00a0", " ").replace("’", "'")
    assert shown.count(text) >= 4
    page.evaluate("territoireGeo.openStructure(0)")
    assert page.locator("#tg-sheet").inner_text().count(text) >= 3
    assert page.locator(".tg-print-head").text_content().count(text) == 3
    page.evaluate("territoireGeo.startPrint(); territoireGeo.endPrint(); territoireGeo.csv()")
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("img, iframe, object, embed, form").count() == 0
    assert page.locator("script").count() == scripts


def test_ten_thousand_strings_are_drawn_and_none_runs(show):
    page = show(hostile_diagnostic("x"))
    told = page.evaluate(
        script("texts"),
        list(HOSTILE),
    )
    assert told == [True, 0, 0, True]
    assert page.locator("#tg-sheet a:not([href^='http'])").count() == 0
