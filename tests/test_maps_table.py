"""The drawer: the table says what the map says, a spreadsheet gets it whole and safe, and the limits are there."""

import csv
import io
from pathlib import Path

import pytest

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, needs_browser, shows, started
from territoire_geo.maps._words import commune, table

SCRIPTS = Path(__file__).parent / "maps_scripts"
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
pytestmark = [*needs_browser(), pytest.mark.filterwarnings("ignore::territoire_geo.TerritoireGeoWarning")]
DANGEROUS = (
    "=1+1",
    "+1",
    "-1",
    "@A1",
    "\t=1",
    "\r=1",
    " =1",
    '=HYPERLINK("https://example.org";"x")',
)
PLAIN = ("a;b", 'a"b', "a\nb")


def script(name):
    return (SCRIPTS / f"{name}.js").read_text(encoding="utf-8")


def texts(page, selector):
    return page.locator(selector).all_inner_texts()


def rows_of(text):
    assert text.startswith("\ufeff")
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text[1:], newline=""), delimiter=";"))


def test_words_are_the_same_in_both_languages():
    for part in (commune, table):
        assert list(part.FR) == list(part.EN)
        holes = {key: text.count("{") for key, text in part.FR.items()}
        assert holes == {key: text.count("{") for key, text in part.EN.items()}


def test_the_table_equals_the_map_for_every_theme(show):
    page = show(tg.diagnose(*tg.load_demo()))
    # Nothing is drawn before it is asked for.
    assert page.locator("#tg-table tbody tr").count() == 0
    page.evaluate("territoireGeo.openDrawer('table')")
    wrong = page.evaluate(script("twin"))
    assert wrong == []


def test_filter_sort_and_more(show):
    page = show(make_diagnostic())
    page.select_option("#tg-theme", "need:childcare")
    page.click("#tg-show-table")
    rows = "#tg-table tbody tr"
    assert page.get_attribute("#tg-table table", "aria-rowcount") == "13"
    page.fill("#tg-filter", "3901")
    assert set(texts(page, f"{rows} td:nth-child(2)")) == {"39010", "39011", "39014", "39015", "39016", "39017"}
    assert "6 communes sur 12" in page.locator("#tg-table .tg-tools").inner_text()
    page.fill("#tg-filter", "aucune")
    assert "Aucune commune" in page.locator("#tg-table .tg-tools").inner_text()
    page.fill("#tg-filter", "")
    page.select_option("#tg-filter-class", label="Inconnu seulement")
    assert texts(page, f"{rows} th") == ["Commune 39008"]
    assert page.evaluate("territoireGeo.csv().split('\\r\\n').length") == 3
    page.select_option("#tg-filter-class", index=1)
    counts = page.evaluate("territoireGeo.theme().counts")
    first = next(count for count in counts if count)
    assert page.locator(rows).count() == first
    page.select_option("#tg-filter-class", "")
    # Rows come by portions: France has 34,700.
    page.evaluate("territoireGeo.rowsAtOnce = 5")
    page.fill("#tg-filter", "commune")
    assert page.locator(rows).count() == 5
    page.click("#tg-table > .tg-button")
    assert page.locator(rows).count() == 10
    assert page.evaluate("document.activeElement.closest('tr').rowIndex") == 6
    assert len(rows_of(page.evaluate("territoireGeo.csv()"))) == 13
    # Rows follow the selection; a click on a commune shows it.
    page.locator(f"{rows} button").first.click()
    assert page.locator("#tg-table tr[aria-current]").count() == 1
    # Arrows walk the tabs.
    page.focus("#tg-tab-table")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tg-tab-proposals"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.locator("#tg-limits").is_visible()


def test_a_spreadsheet_gets_what_is_shown(show):
    diagnostic = make_diagnostic(names={"39009": "=1+1", "39010": 'L"Étoile; haute'})
    diagnostic.coverage.loc[("39009", "childcare"), ["demand", "unmet_people", "low", "high"]] = [40.0, 3.2, 0.0, 6.0]
    diagnostic.measures["chomage"] = diagnostic.measures["chomage"] - 8
    page = show(diagnostic)
    page.select_option("#tg-theme", "need:childcare")
    page.click("#tg-show-table")
    with page.expect_download() as waiting:
        page.click("#tg-export")
    name = waiting.value.suggested_filename
    assert name == "pays-d-essai-petite-enfance-part-non-couverte.csv"
    head, *rows = rows_of(waiting.value.path().read_bytes().decode("utf-8"))
    by_code = {row[1]: dict(zip(head, row, strict=True)) for row in rows}
    assert len(by_code) == 12
    assert (head[0], head[1], head[-1]) == ("Commune", "code Insee", "état")
    assert by_code["39009"]["Commune"] == "'=1+1"
    assert by_code["39010"]["Commune"] == 'L"Étoile; haute'
    few = by_code["39009"]
    assert few[head[2]] == "<5"
    assert (few["bas"], few["haut"]) == ("0", "6")
    assert by_code["39008"][head[2]] == ""
    assert "secret statistique" in by_code["39008"]["état"]
    assert by_code["39014"]["état"] == "connu"
    assert "," in by_code["39011"]["part non couverte (%)"]
    assert "exportées" in page.locator("#tg-table .tg-tools").inner_text()
    # A negative number is a number.
    page.select_option("#tg-theme", "measure:chomage")
    head, *rows = rows_of(page.evaluate("territoireGeo.csv()"))
    values = [row[2] for row in rows]
    assert any(value.startswith("-") for value in values)
    assert all(not value.startswith("'") for value in values)


def test_no_cell_of_a_spreadsheet_begins_like_a_formula(show):
    page = show(make_diagnostic())
    cells = page.evaluate("texts => texts.map(territoireGeo.csvCell)", [*DANGEROUS, *PLAIN])
    read = [next(csv.reader(io.StringIO(cell, newline=""), delimiter=";"))[0] for cell in cells]
    assert read == [*("'" + text for text in DANGEROUS), *PLAIN]
    assert page.evaluate("territoireGeo.csvCell({ number: '-1,5' })") == "-1,5"
    assert page.evaluate("[null, undefined, ''].map(territoireGeo.csvCell)") == ["", "", ""]
    fuzzed = page.evaluate(
        script("cells"),
        list(HOSTILE),
    )
    assert fuzzed == 0


def test_proposals_and_limits_are_told(show):
    demo = tg.diagnose(*tg.load_demo())
    page = show(demo)
    page.evaluate("territoireGeo.openDrawer('proposals')")
    assert page.locator("#tg-proposals .tg-proposal").count() == len(demo.proposals)
    page.locator("#tg-proposals > .tg-columns section > .tg-link").first.click()
    assert page.locator("#tg-sheet").is_visible()
    page.evaluate("territoireGeo.openDrawer('limits')")
    limits = page.locator("#tg-limits")
    said = limits.text_content()
    assert all(note.fr.replace("'", "’")[:40] in said.replace("\u00a0", " ") for note in demo.warnings)
    for source in demo.sources:
        assert source.title[:20] in said.replace("’", "'")
    assert "Classes de chaque thème" in said
    assert "Formules des mesures" in said
    assert "fragile dans 27 communes" in said.replace("\u00a0", " ")
    limits.locator(".tg-folded-part summary").first.click()
    assert "bornes fixes" in limits.inner_text()
