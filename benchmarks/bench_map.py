"""
Measure the map beside stock folium: how long it takes to build, what it weighs, how fast its page answers.

`python benchmarks/bench_map.py` prints Markdown. The département (Jura) and mainland France are read from the published
files beside the repository, else made up from the embedded base, and the output says so.

Every figure comes from a process of its own. The peak of memory is the highest resident memory of the whole process
that builds (Linux, VmHWM), the diagnostic being in it. Pages are opened offline in headless Chromium without a
graphics card, 1400 x 900; "main thread" is the time that the thread of the page was busy (CDP, TaskDuration), layout
and paint in it, and "next picture" the time on the clock, in which the wait for the next of 60 pictures a second is:
nothing can be under 17 ms there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import folium
from bench_diagnose import PLACES, clocked, fill, forked, load, machine, resident

import territoire_geo as tg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.sync_api import CDPSession, Page

    Limits = Mapping[str, float]

CODES: Final = ("39", "FR")
RATES: Final = (1, 4)  # times slower
OPENINGS: Final = 3
MOVES: Final = 40  # of a slider
PICKS: Final = 2000
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LIMITS: Final[Mapping[str, Limits]] = {
    "39": {"megabytes": 0.6, "build": 1.0, "drawn": 300, "switch": 35, "slider": 16},
    "FR": {"megabytes": 4.0, "build": 15.0, "peak": 1200, "drawn": 1000, "switch": 100, "frame": 150},
}
# Opened before the page: notes when it is ready, and when it is seen.
WATCH: Final = """
  window.tgFrame = () => new Promise((done) => requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = done;
    channel.port2.postMessage(0);
  }));
  new MutationObserver((_, observer) => {
    if (document.documentElement.dataset.ready) {
      observer.disconnect();
      tgFrame().then(() => (window.tgDrawn = performance.now()));
    }
  }).observe(document, { attributes: true, subtree: true, attributeFilter: ["data-ready"] });
"""
SWITCH: Final = """async (id) => {
  const start = performance.now();
  territoireGeo.setTheme(id);
  await tgFrame();
  return performance.now() - start;
}"""
SLIDE: Final = """async (value) => {
  const slider = document.querySelector("#tg-workshop input[type=range]");
  slider.value = value;
  const start = performance.now();
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await tgFrame();
  return performance.now() - start;
}"""
FRAMES: Final = """() => {
  window.tgFrames = [];
  let before = performance.now();
  const next = (now) => {
    window.tgFrames.push(now - before);
    before = now;
    window.tgWatching = requestAnimationFrame(next);
  };
  window.tgWatching = requestAnimationFrame(next);
}"""
PICK: Final = """(count) => {
  const size = territoireGeo.map.getSize();
  let seed = 1;
  const next = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const places = Array.from({ length: count }, () => territoireGeo.map.containerPointToLatLng([next() * size.x, next() * size.y]));
  const start = performance.now();
  places.forEach((place) => territoireGeo.surface.at(place));
  return (1000 * (performance.now() - start)) / count;
}"""  # noqa: E501 - as one reads it in the page


# ---- files ---------------------------------------------------------------------------------


def polygons(diagnostic: tg.Diagnostic) -> Any:  # noqa: ANN401 - a GeoDataFrame, of whatever columns
    """Give to folium what the map shows: the communes, their name and the share without an answer, by need."""
    territory = diagnostic.territory
    frame = territory.communes.loc[territory.core, ["nom_commune", "geometry"]].to_crs(4326)
    table = diagnostic.coverage
    share = (table["unmet_people"] / table["demand"]).unstack("need").reindex(frame.index)
    shares = {need.id: share[need.id] for need in tg.NEEDS[:3]}
    return frame.assign(code=frame.index, **shares).reset_index(drop=True)


def stock(diagnostic: tg.Diagnostic, *, choropleths: bool) -> folium.Map:
    """Draw the same polygons with folium alone."""
    frame = polygons(diagnostic)
    carte = folium.Map(tiles=None)
    if not choropleths:
        folium.GeoJson(frame[["code", "nom_commune", "geometry"]].to_json()).add_to(carte)
        return carte
    shapes = frame[["code", "nom_commune", "geometry"]].to_json()
    for need in tg.NEEDS[:3]:
        folium.Choropleth(shapes, data=frame, columns=["code", need.id], key_on="feature.properties.code").add_to(carte)
    return carte


def build(draw: Callable[[], str], path: Path) -> Callable[[], list[float]]:
    """Time the writing of a page; the first seven bytes of its digest tell whether two pages are the same."""

    def run() -> list[float]:
        pages: list[str] = []
        cpu, clock, _ = clocked(lambda: pages.append(draw()))
        content = pages[0].encode()
        path.write_bytes(content)
        return [cpu, clock, resident("VmHWM") / 1024, len(content), int(hashlib.sha256(content).hexdigest()[:13], 16)]

    return run


def measure_files(code: str, folder: Path) -> dict[str, list[float]]:
    """Diagnose once, then build each page in a process that inherits the diagnostic and nothing else."""
    diagnostic = tg.diagnose(*load(code, folder / "files"))
    draws: dict[str, Callable[[], str]] = {
        "map": lambda: tg.draw_map(diagnostic).to_html(),
        "again": lambda: tg.draw_map(diagnostic).to_html(),
        "needs": lambda: tg.draw_map(diagnostic, measures=[]).to_html(),
        "geojson": lambda: str(stock(diagnostic, choropleths=False).get_root().render()),
    }
    if code != "FR":
        draws["choropleths"] = lambda: str(stock(diagnostic, choropleths=True).get_root().render())
    found = {name: forked_here(build(draw, folder / f"{code}-{name}.html")) for name, draw in draws.items()}
    territory = diagnostic.territory
    found["sizes"] = [len(territory.core), len(territory.communes)]
    return found


def forked_here(run: Callable[[], list[float]]) -> list[float]:
    """Give the figures of a run made in a process of its own."""
    figures = Path(tempfile.mkstemp()[1])
    try:
        forked(lambda: figures.write_text(json.dumps(run()), encoding="ascii"))
        return [float(figure) for figure in json.loads(figures.read_text(encoding="ascii"))]
    finally:
        figures.unlink()


# ---- pages ---------------------------------------------------------------------------------


def measure_page(name: str, folder: Path) -> dict[str, list[float]]:
    """Open a page, play with it, and give what each gesture costs [ms]."""
    from playwright.sync_api import sync_playwright

    code, rate = name.split("@")
    address = (folder / f"{code}-map.html").as_uri()
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        drawn = []
        for opening in range(OPENINGS):
            context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
            page = context.new_page()
            page.add_init_script(WATCH)
            session = context.new_cdp_session(page)
            session.send("Performance.enable")
            session.send("Emulation.setCPUThrottlingRate", {"rate": int(rate)})
            page.goto(address)
            page.wait_for_selector('html[data-ready="1"]', state="attached", timeout=120_000)
            page.wait_for_timeout(500 * int(rate))
            drawn.append(float(page.evaluate("() => window.tgDrawn")))
            if opening < OPENINGS - 1:
                context.close()
        found = {"drawn": [statistics.median(drawn)], **gestures(page, session)}
        browser.close()
    return found


def gestures(page: Page, session: CDPSession) -> dict[str, list[float]]:
    """Switch themes, move a slider, pick, pan and zoom: medians and worsts [ms]; of a pick, the mean [us]."""
    themes = page.evaluate("() => territoireGeo.data.themes.map((theme) => theme.id)")
    rounds = [busy(page, session, SWITCH, themes) for _ in range(2)]
    switch = [*both(rounds[0]), *both(rounds[1])]
    page.evaluate("() => { territoireGeo.setTheme('rank'); territoireGeo.openWorkshop(); }")
    page.wait_for_timeout(500)
    slider = both(busy(page, session, SLIDE, [(7 * move) % 11 for move in range(MOVES)]))
    page.evaluate("(id) => { territoireGeo.closeWorkshop(); territoireGeo.setTheme(id); }", themes[0])
    page.wait_for_timeout(1000)
    return {"switch": switch, "slider": slider, "pick": [page.evaluate(PICK, PICKS)], "frame": travel(page)}


def busy(page: Page, session: CDPSession, gesture: str, values: list[Any]) -> list[tuple[float, float]]:
    """Time a gesture for each value: the main thread busy, then the clock up to the next picture [ms]."""

    def task() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return 1000 * float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    found = []
    for value in values:
        page.wait_for_timeout(30)
        before = task()
        clock = float(page.evaluate(gesture, value))
        found.append((task() - before, clock))
    return found


def both(found: list[tuple[float, float]]) -> list[float]:
    """Give the median and the worst of the main thread, then of the clock."""
    return [figure for column in zip(*found, strict=True) for figure in (statistics.median(column), max(column))]


def travel(page: Page) -> list[float]:
    """Pan by hand and zoom by wheel and button; give the median and the worst time between two pictures."""
    page.evaluate(FRAMES)
    rng = random.Random(1)  # noqa: S311 - a path of the mouse
    for zoom in (0, -300, -300, -300, 300, 300):
        if zoom:
            page.mouse.move(900, 450)
            page.mouse.wheel(0, zoom)
            page.wait_for_timeout(700)
        for _ in range(2):
            page.mouse.move(900, 450)
            page.mouse.down()
            for step in range(1, 13):
                page.mouse.move(900 + rng.choice((-1, 1)) * 20 * step, 450 + 12 * step)
            page.mouse.up()
            page.wait_for_timeout(400)
    frames = page.evaluate("() => { cancelAnimationFrame(window.tgWatching); return window.tgFrames; }")
    return [statistics.median(frames), max(frames)]


# ---- tables --------------------------------------------------------------------------------


def child(what: str, case: str, folder: Path) -> dict[str, list[float]]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, case, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script
    found: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    return found


def beside(figure: float, limit: float | None, form: str = ".0f") -> str:
    """Write a figure, and whether it is within what is asked of it."""
    if limit is None:
        return f"{figure:{form}}"
    return f"{figure:{form}} ({'within' if figure <= limit else '**over**'} {limit:g})"


def files(code: str, folder: Path) -> None:
    """Print what the pages of a territory weigh and take to build."""
    found = child("files", code, folder)
    core, whole = found.pop("sizes")
    names = {
        "map": "draw_map, all themes",
        "needs": "draw_map, needs only",
        "geojson": "folium.GeoJson, polygons only",
        "choropleths": "folium.Choropleth x 3 (needs a network)",
    }
    limits = LIMITS[code]
    print(f"\n## {PLACES[code]}: {core:,.0f} communes, {whole:,.0f} with the buffer\n")
    print("| page | MB | of draw_map | build, CPU [s] | build, clock [s] | peak [MB] |\n|---|---:|---:|---:|---:|---:|")
    for name, title in names.items():
        if name not in found:
            continue
        cpu, clock, peak, size, _ = found[name]
        own = limits if name == "map" else {}
        told = [beside(size / 1e6, own.get("megabytes"), ".2f"), f"{size / found['map'][3]:.1f}", f"{cpu:.2f}"]
        told += [beside(clock, own.get("build"), ".2f"), beside(peak, own.get("peak"))]
        print(f"| {title} | {' | '.join(told)} |")
    same = "the same bytes" if found["map"][3:] == found["again"][3:] else "**OTHER BYTES**"
    print(f"\nThe same build in two processes gives {same}.", flush=True)


def pages(code: str, folder: Path) -> None:
    """Print how fast the page answers, at the speed of this machine and slowed down."""
    limits = LIMITS[code]
    print(f"\n| {PLACES[code]} [ms] | CPU as it is | CPU {RATES[-1]} times slower |\n|---|---:|---:|")
    columns = []
    for rate in RATES:
        found = child("page", f"{code}@{rate}", folder)
        most = {name: limit * (1 if rate == 1 else 2) for name, limit in limits.items()}
        switch, slider = found["switch"], found["slider"]
        columns.append(
            {
                "drawn, from the start of the navigation": beside(found["drawn"][0], most.get("drawn")),
                "theme switch, main thread: median": beside(switch[4], most.get("switch")),
                "theme switch, main thread: worst of all themes": beside(switch[5], most.get("switch")),
                "the same, first time: median, worst": f"{switch[0]:.0f}, {switch[1]:.0f}",
                "theme switch, next picture: median, worst": f"{switch[6]:.0f}, {switch[7]:.0f}",
                "re-weighting, main thread: median": beside(slider[0], most.get("slider")),
                "re-weighting, next picture: median, worst": f"{slider[2]:.0f}, {slider[3]:.0f}",
                "pan and zoom, between two pictures: median": f"{found['frame'][0]:.0f}",
                "pan and zoom, between two pictures: worst": beside(found["frame"][1], most.get("frame")),
                "picking [us]": f"{found['pick'][0]:.1f}",
            }
        )
    for name in columns[0]:
        print(f"| {name} | {' | '.join(column[name] for column in columns)} |")
    sys.stdout.flush()


def browser() -> str:
    """Say why pages cannot be opened here, or nothing."""
    try:
        metadata.version("playwright")
    except metadata.PackageNotFoundError:
        return "Playwright is not installed (pip install playwright)"
    return "" if CHROMIUM else "Chromium is not installed (Debian: apt-get install chromium)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--only", choices=CODES, help="one of the two territories")
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "CASE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
    if options.measure:
        what, case, folder = options.measure
        print(json.dumps({"files": measure_files, "page": measure_page}[what](case, Path(folder))))
        return 0
    missing = browser()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "files").mkdir()
        fill(folder / "files")
        published = any((folder / "files").iterdir())
        print("Published files." if published else "MADE-UP TABLES (the published files are not here).")
        for code in (options.only,) if options.only else CODES:
            files(code, folder)
            if missing:
                print(f"\nSKIPPED: the page of {PLACES[code]} was not opened: {missing}.")
            else:
                pages(code, folder)
    print(f"\nIn {time.perf_counter() - start:.0f} s. folium {metadata.version('folium')}. {machine()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
