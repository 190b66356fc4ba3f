"""A page as a picture or a PDF, through a browser of this machine that reads nothing from a network."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from territoire_geo.errors import MissingExtraError, TerritoireGeoError
from territoire_geo.maps._files import write_whole

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright, Route

VARIABLE: Final = "TERRITOIRE_GEO_BROWSER"
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge")
_PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    "darwin": (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    ),
    "win32": (
        r"Google\Chrome\Application\chrome.exe",
        r"Chromium\Application\chrome.exe",
        r"Microsoft\Edge\Application\msedge.exe",
    ),
}
_FOLDERS: Final = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
_QUIET: Final = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-quic",
)
_SAID: Final = "html[data-ready]"  # a selector: the policy of the page refuses the text of a function
_READY: Final = "document.documentElement.dataset.ready === '1'"
# Tiles come one by one once the page is ready: those of the view are waited for, a minute at most.
_DRAWN: Final = "[...document.querySelectorAll('img.leaflet-tile')].every(tile => tile.complete && tile.naturalWidth)"
# A page that fails says so at once, where it would be waited for in vain.
_WATCH: Final = """for (const kind of ["error", "unhandledrejection"]) {
  addEventListener(kind, () => { document.documentElement.dataset.ready = "failed"; });
}"""
_PATIENCE: Final = 60_000  # milliseconds
_BEAT: Final = 200  # milliseconds
_REMEDY: Final = "On Debian or Ubuntu: apt-get install chromium. Elsewhere: playwright install chromium."


def render_png(
    html: str,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] = (1400, 900),
    scale: float = 2,
    hosts: tuple[str, ...] = (),
) -> Path:
    """
    Photograph a page.

    Parameters
    ----------
    html
        The page; it says that it is drawn by `data-ready="1"` on its root.
    path
        Where; an existing file is replaced.
    size
        Width and height of the window [CSS pixels].
    scale
        Pixels of the picture for one of the page.
    hosts
        The only ones that may be asked for something, such as "https://data.geopf.fr".

    Returns
    -------
    render_png
        The path.

    Raises
    ------
    MissingExtraError
        If Playwright or a browser is not installed.
    TerritoireGeoError
        If the page fails or is not drawn in a minute, or the file cannot be written.
    """

    def shoot(page: "Page") -> bytes:
        return page.screenshot(type="png", animations="disabled")

    return write_whole(path, _alone(html, shoot, size, scale, hosts))


def render_pdf(
    html: str,
    path: str | os.PathLike[str],
    *,
    paper: Literal["A4", "A3"] = "A4",
    landscape: bool = True,
    hosts: tuple[str, ...] = (),
) -> Path:
    """
    Print a page, with its rules for paper.

    Parameters
    ----------
    html
        The page; it says that it is drawn by `data-ready="1"` on its root.
    path
        Where; an existing file is replaced.
    paper
        "A4" or "A3".
    landscape
        Whether the long side lies.
    hosts
        The only ones that may be asked for something.

    Returns
    -------
    render_pdf
        The path.

    Raises
    ------
    MissingExtraError
        If Playwright or a browser is not installed.
    TerritoireGeoError
        If the page fails or is not drawn in a minute, or the file cannot be written.
    ValueError
        If the paper is another one.
    """
    if paper not in _PAPERS:
        raise ValueError(f"paper={paper!r} is not known. Give one of 'A4', 'A3'.")
    long, short = _PAPERS[paper]

    def print_(page: "Page") -> bytes:
        page.emulate_media(media="print")
        return page.pdf(format=paper, landscape=landscape, print_background=True)

    size = (long, short) if landscape else (short, long)
    return write_whole(path, _alone(html, print_, size, 1, hosts))


_PAPERS: Final = {"A4": (1123, 794), "A3": (1587, 1123)}  # CSS pixels: 96 to an inch


def find_browser() -> str:
    """
    Find a browser of the Chromium family.

    Returns
    -------
    find_browser
        Its path: that of the variable TERRITOIRE_GEO_BROWSER, else one on PATH, else one in its usual place; empty when
        there is none, and Playwright then looks for its own.

    Raises
    ------
    MissingExtraError
        If the variable names a file that is not there.
    """
    given = os.environ.get(VARIABLE, "")
    if given:
        found = shutil.which(given)
        if found is None:
            raise MissingExtraError(f"{VARIABLE}={given} is not a program of this machine. {_REMEDY}")
        return found
    places = [Path(place) for place in _PLACES.get(sys.platform, ())]
    if sys.platform == "win32":
        places = [Path(os.environ[name]) / place for name in _FOLDERS if name in os.environ for place in places]
    on_path = [found for name in _NAMES if (found := shutil.which(name))]
    return next(iter([*on_path, *(str(place) for place in places if place.is_file())]), "")


def _alone(
    html: str, take: "Callable[[Page], bytes]", size: tuple[int, int], scale: float, hosts: tuple[str, ...]
) -> bytes:
    """Run in a thread of its own: Playwright's calls refuse to wait inside the loop of a notebook."""
    try:
        import playwright.sync_api  # noqa: F401, PLC0415 - an extra: absent for who draws no picture
    except ModuleNotFoundError as error:
        message = "Playwright is not installed: it drives the browser. Run pip install 'territoire-geo[browser]'."
        raise MissingExtraError(message) from error
    program = find_browser()
    with ThreadPoolExecutor(max_workers=1) as worker:
        return worker.submit(_take, html, take, (size, scale, hosts), program).result()


def _take(
    html: str, take: "Callable[[Page], bytes]", view: tuple[tuple[int, int], float, tuple[str, ...]], program: str
) -> bytes:
    import playwright.sync_api as driven  # noqa: PLC0415 - an extra

    size, scale, hosts = view
    with tempfile.TemporaryDirectory(prefix="territoire-geo-") as folder, driven.sync_playwright() as driver:
        file = Path(folder) / "carte.html"
        file.write_text(html, encoding="utf-8", newline="\n")
        browser = _launch(driver, program)
        failures: list[str] = []
        try:
            page = browser.new_page(
                viewport={"width": size[0], "height": size[1]}, device_scale_factor=scale, offline=not hosts,
                reduced_motion="reduce", service_workers="block",
            )  # fmt: skip
            page.set_default_timeout(_PATIENCE)
            page.on("pageerror", lambda error: failures.append(error.message))
            page.route("**/*", lambda route: answer(route, file.as_uri(), hosts))
            page.add_init_script(_WATCH)
            page.goto(file.as_uri())
            page.wait_for_selector(_SAID, state="attached")
            for _ in range(_PATIENCE // _BEAT if hosts else 0):
                if page.evaluate(_DRAWN):
                    break
                page.wait_for_timeout(_BEAT)
            if failures or not page.evaluate(_READY):
                raise TerritoireGeoError(_failed(failures))
            return take(page)
        except driven.TimeoutError as error:
            raise TerritoireGeoError(_failed([*failures, "it was not drawn in a minute"])) from error
        except driven.Error as error:
            raise TerritoireGeoError(_failed([*failures, error.message.splitlines()[0]])) from error
        finally:
            browser.close()


def _launch(driver: "Playwright", program: str) -> "Browser":
    from playwright.sync_api import Error  # noqa: PLC0415 - an extra

    # Chromium refuses its sandbox to root, as in a container; the page is ours, and nothing else is opened.
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    try:
        return driver.chromium.launch(executable_path=program or None, args=[*_QUIET, *root])
    except Error as error:
        what = f"{program} does not start" if program else "No browser of the Chromium family is found"
        message = f"{what}: {error.message.splitlines()[0]}. {_REMEDY} Or give its path in {VARIABLE}."
        raise MissingExtraError(message) from error


def answer(route: "Route", page: str, hosts: tuple[str, ...]) -> None:
    """
    Answer a request of the page: only itself and the hosts it was allowed.

    Parameters
    ----------
    route
        The request.
    page
        Address of the page.
    hosts
        Those that may be asked.
    """
    address = route.request.url
    if address == page or address.startswith(("data:", "blob:", *(f"{host}/" for host in hosts))):
        route.continue_()
    else:
        route.abort()


def _failed(reasons: list[str]) -> str:
    said = "; ".join(reasons) or "no reason is given"
    return f"The browser could not draw the page: {said}. Save it and open it by hand to see why."
