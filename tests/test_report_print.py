"""The report on paper, and in a real browser."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from _maps_page import HOSTILE, needs_browser, started
from territoire_geo.report import write_report

pytestmark = needs_browser()


browser = pytest.fixture(scope="module")(started)


def pages_of(path):
    if shutil.which("pdfinfo"):
        said = subprocess.run(["pdfinfo", path], capture_output=True, text=True, check=True).stdout  # noqa: S607
        return int(re.search(r"Pages:\s+(\d+)", said).group(1))
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", path.read_bytes()))


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_report_prints_on_ten_pages_at_most(demo_diagnostic, tmp_path, lang):
    path = write_report(demo_diagnostic, tmp_path / "r.pdf", lang=lang)
    assert path.read_bytes().startswith(b"%PDF")
    assert pages_of(path) <= 10


def test_hostile_names_run_nothing_and_ask_for_nothing(demo_diagnostic, tmp_path, browser):
    structures = demo_diagnostic.structures.copy()
    structures["name"] = [HOSTILE[rank % len(HOSTILE)] for rank in range(len(structures))]
    communes = demo_diagnostic.territory.communes.copy()
    communes.loc[communes.index[: len(HOSTILE)], "nom_commune"] = HOSTILE
    crafted = replace(demo_diagnostic, territory=replace(demo_diagnostic.territory, communes=communes))
    path = write_report(replace(crafted, structures=structures), tmp_path / "r.html", title=HOSTILE[3])
    asked, said = [], []
    page = browser.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert page.evaluate("window.hacked") is None
    assert asked == [path.as_uri()]
    assert said == []
    page.close()


def test_nothing_is_wider_than_a_phone(demo_diagnostic, tmp_path, browser):
    path = write_report(demo_diagnostic, tmp_path / "r.html")
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(path.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
