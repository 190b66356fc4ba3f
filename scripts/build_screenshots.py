"""Write docs/captures: pictures of the map, one by kind of theme and one by part of the page.

Usage: python scripts/build_screenshots.py [NAME...]; all the pictures by default. It needs a browser of the Chromium
family and no network: the demonstration, the embedded base and the pages are all on this machine.
"""

import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import pandas as pd
from playwright.sync_api import Browser, Page, sync_playwright

import territoire_geo as tg
from territoire_geo.maps._browser import find_browser
from territoire_geo.maps._static_draw import lighten
from territoire_geo.tables import Source

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "captures"
WIDE: Final = (1280, 820)
PHONE: Final = (390, 844)
PAPER: Final = (1046, 716)  # A4 landscape less its margins, as print.css lays it out [CSS pixels]
READY: Final = 'html[data-ready="1"]'  # a selector: the policy of the page refuses the text of a function
CLOCK: Final = datetime(2026, 11, 23, 14, 30, tzinfo=UTC)  # notes say when they were written
QUIET: Final = ("--disable-gpu", "--no-first-run", "--disable-background-networking", "--no-sandbox")

TOWN: Final = "39476"  # Saint-Aubin: many needs, far from the structures
PLACES: Final = 20.0
ANSWERING: Final = "ASSOC JURA SERVICE"
POPULATION: Final = Source("populations_reference", "Populations de référence", "Insee", millesime="2023")
NEAR: Final = 5.0  # minutes: no need of France is drawn, and the smallest reach is the quickest
Steps = Callable[[Page], None]


# ---- maps ----------------------------------------------------------------------------------


@cache
def demonstration() -> tuple[tg.Territory, tg.Tables, tg.Diagnostic]:
    """Diagnose the demonstration territory."""
    territory, tables = tg.load_demo()
    return territory, tables, tg.diagnose(territory, tables)


def dole() -> tg.DiagnosticMap:
    """Draw the demonstration."""
    return tg.draw_map(demonstration()[2])


def english() -> tg.DiagnosticMap:
    """Draw it for readers of English."""
    return tg.draw_map(demonstration()[2], lang="en")


def scenario() -> tg.DiagnosticMap:
    """Draw a day-care centre opened at Saint-Aubin, against today: what changed is the effect of the scenario."""
    territory, tables, diagnostic = demonstration()
    place = territory.points.loc[[TOWN]].to_crs(4326).iloc[0]
    opened = pd.DataFrame({"need": ["childcare"], "name": ["Crèche"], "lon": place.x, "lat": place.y})
    compared = tg.simulate(diagnostic, territory, tables, add=opened.assign(capacity=PLACES))
    title = f"Scénario : une crèche de {PLACES:.0f} places à Saint-Aubin"
    return tg.draw_map(compared.after, before=compared.before, title=title)


def france() -> tg.DiagnosticMap:
    """Draw mainland France with the only figures that the embedded base holds, populations."""
    territory = tg.load_territory("FR")
    tables = tg.Tables(population=territory.communes[["population"]], sources={"population": (POPULATION,)})
    needs = [need.within(NEAR) for need in tg.NEEDS if need.id == "childcare"]  # one is asked for; it stays unknown
    return tg.draw_map(tg.diagnose(territory, tables, needs=needs, reference="territoire"))


# ---- what a reader does --------------------------------------------------------------------


def theme(name: str) -> Steps:
    """Choose a theme: its topic, then the way to read it."""

    def choose(page: Page) -> None:
        topic = page.evaluate("id => territoireGeo.data.themes.find(one => one.id === id).topic", name)
        page.select_option("#tg-theme", topic)
        if page.input_value("#tg-view") != name:
            page.select_option("#tg-view", name)

    return choose


def commune(name: str) -> Steps:
    """Search a commune; its sheet opens."""

    def find(page: Page) -> None:
        page.fill("#tg-search", name)
        page.press("#tg-search", "Enter")
        page.wait_for_selector("#tg-sheet:not([hidden])")

    return find


def click(selector: str) -> Steps:
    """Click on something."""
    return lambda page: page.click(selector)


def show_in_sheet(selector: str) -> Steps:
    """Scroll the sheet down to a part of it."""
    return lambda page: page.locator(selector).evaluate("part => part.scrollIntoView({block: 'start'})")


def structure(page: Page) -> None:
    """Open a structure from the list of those within reach of Dole."""
    commune("Dole")(page)
    page.click(f".tg-nearest button:has-text({ANSWERING!r})")
    page.evaluate("territoireGeo.home(false)")


def college(name: str, **weights: int) -> Steps:
    """Name the college on show and weigh needs for it, out of 10."""

    def weigh(page: Page) -> None:
        page.fill("#tg-college-name", name)
        page.press("#tg-college-name", "Tab")
        for need, weight in weights.items():
            page.locator(f'#tg-workshop input[data-need="{need}"]').fill(str(weight))

    return weigh


def note(page: Page) -> None:
    """Write a note on the commune whose sheet is open."""
    page.click('[data-part="notes"] > summary')
    page.click(".tg-note-add")
    page.select_option(".tg-note-form select >> nth=0", "mobility")
    page.select_option(".tg-note-form select >> nth=1", "Élus")
    page.check('.tg-note-form input[value="conteste"]')
    page.fill(".tg-note-form textarea", "La ligne de bus a changé depuis ces chiffres : horaires à vérifier.")
    page.click(".tg-note-form .tg-main")


def settled(page: Page) -> None:
    """Wait for the stability of the ranking that was just made."""
    page.wait_for_selector(f"#tg-stability:has-text({'Stabilité calculée'!r})")


def paper(page: Page) -> None:
    """Lay the page out as it prints."""
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")


# ---- pictures ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """A picture: its map, what is done before it is taken, the window [CSS pixels]."""

    draw: Callable[[], tg.DiagnosticMap]
    steps: tuple[Steps, ...] = ()
    size: tuple[int, int] = WIDE


WORKSHOP: Final = (
    click("#tg-show-workshop"),
    college("Élus", mobility=8, childcare=6, employment=3, insertion=3, ageing=8),
    click("#tg-college-add"),
    college("SIAE", mobility=9, childcare=2, employment=5, insertion=9, ageing=1),
    commune("Tavaux"),
    note,
    click("#tg-sheet header .tg-close"),
    settled,
    lambda page: page.evaluate("territoireGeo.home(false)"),
)
PICTURES: Final = {
    "need": Picture(dole, (theme("need:childcare"),)),
    "state": Picture(dole, (theme("state:insertion"),)),
    "cross": Picture(dole, (theme("cross:insertion"),)),
    "norm": Picture(dole, (theme("gap:ageing"),)),
    "rank": Picture(dole, (theme("rank"),)),
    "clusters": Picture(dole, (theme("cluster"),)),
    "types": Picture(dole, (theme("class"),)),
    "measure": Picture(dole, (theme("measure:demandeurs_emploi"),)),
    "reference": Picture(dole, (theme("gap:measure:demandeurs_emploi"),)),
    "change": Picture(scenario, (theme("change:childcare"),)),
    "catchment": Picture(dole, (theme("need:childcare"), structure)),
    "nearest": Picture(dole, (theme("need:ageing"), commune("Chevigny"), show_in_sheet('[data-part="answers"]'))),
    "commune": Picture(dole, (theme("need:insertion"), commune("Tavaux"))),
    "workshop": Picture(dole, WORKSHOP),
    "table": Picture(dole, (theme("need:insertion"), click("#tg-show-table"))),
    "limits": Picture(dole, (click("#tg-show-limits"),)),
    "print": Picture(dole, (theme("need:insertion"), paper), PAPER),
    "phone-map": Picture(dole, (theme("need:insertion"),), PHONE),
    "phone-sheet": Picture(dole, (theme("need:insertion"), commune("Tavaux")), PHONE),
    "english": Picture(english, (theme("cross:employment"),)),
    "france": Picture(france, (theme("measure:population"),)),
}


def take(browser: Browser, file: Path, picture: Picture) -> bytes:
    """Open a page, do what the picture asks, and take it."""
    width, height = picture.size
    page = browser.new_page(
        viewport={"width": width, "height": height}, offline=True, reduced_motion="reduce", timezone_id="Europe/Paris"
    )
    try:
        page.clock.set_fixed_time(CLOCK)
        page.goto(file.as_uri())
        page.wait_for_selector(READY, state="attached")
        for step in picture.steps:
            step(page)
        if picture.size == WIDE:
            page.mouse.move(40, 40)  # over the panel: no tooltip
        page.wait_for_timeout(500)  # the drawing that follows the last step
        return lighten(page.screenshot(type="png", animations="disabled"))
    finally:
        page.close()


def main(names: list[str]) -> int:
    """Take the pictures named, or all of them."""
    unknown = [name for name in names if name not in PICTURES]
    if unknown:
        print(f"no such picture: {', '.join(unknown)}. There are {', '.join(PICTURES)}.", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore", tg.TerritoireGeoWarning)  # the pictures show them, under « Limites »
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser() or None, args=list(QUIET))
        for name in names or PICTURES:
            picture = PICTURES[name]
            file = Path(folder) / f"{picture.draw.__name__}.html"
            if not file.exists():
                picture.draw().save(file)
            content = take(browser, file, picture)
            (FOLDER / f"{name}.png").write_bytes(content)
            print(f"{name}.png: {len(content) / 1000:.0f} kB")
        browser.close()
    size = sum(file.stat().st_size for file in FOLDER.glob("*.png"))
    print(f"{FOLDER.name}: {size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
