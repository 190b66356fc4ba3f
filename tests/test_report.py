"""The report: what it says, what it escapes, and how it prints."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from _maps_page import HOSTILE
from territoire_geo.exchange import write_tables
from territoire_geo.report import write_report
from territoire_geo.report._answers import gap, proposals, resources
from territoire_geo.report._render import people, percent, render
from territoire_geo.report._sections import need_section, perimeter, portrait
from territoire_geo.report._svg import SIDE, canvas, circles, strip


def text_of(page):
    page = re.sub(r"<(style|svg)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'"))


@pytest.fixture(scope="module")
def page(demo_diagnostic, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "rapport.html"
    write_report(demo_diagnostic, path, authors="Jura Insertion", date="novembre 2026")
    return path.read_text(encoding="utf-8")


def test_sections_stand_in_the_order_of_the_design(page):
    asked = ["perimeter", "portrait", "needs", "resources", "gap", "priorities", "proposals", "sources"]
    places = [page.index(f'<section id="{name}"') for name in asked]
    assert places == sorted(places)
    assert '<section id="actors"' not in page
    assert '<section id="evolution"' not in page


def test_the_same_diagnostic_gives_the_same_bytes(demo_diagnostic, tmp_path, page):
    again = write_report(demo_diagnostic, tmp_path / "r.html", authors="Jura Insertion", date="novembre 2026")
    assert again.read_text(encoding="utf-8") == page


def test_the_page_asks_for_nothing(page):
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert "<script" not in page
    assert "url(http" not in page


def test_figures_are_those_of_the_summary_and_of_the_tables(demo_diagnostic, tmp_path, page):
    summary = demo_diagnostic.summary()
    folder = tmp_path / "tableaux"
    write_tables(demo_diagnostic, folder)
    table = pd.read_csv(folder / "couverture.csv", sep=";", decimal=",", dtype={"code_commune": "str"})
    table = table.set_index(["code_commune", "need"])
    shown = perimeter(demo_diagnostic, None, "fr")["rows"]
    for need, row in zip(demo_diagnostic.needs, shown, strict=True):
        assert row["unmet"] == summary.at[need.id, "unmet_people"]
        assert (row["low"], row["high"]) == (summary.at[need.id, "low"], summary.at[need.id, "high"])
        assert row["unmet"] == pytest.approx(table.xs(need.id, level="need")["unmet_people"].sum(), rel=1e-9)
        assert people(row["unmet"], "fr") in page
        assert percent(row["share"], "fr", 1) in page


def test_communes_of_a_need_are_those_with_most_people(demo_diagnostic, tmp_path):
    write_tables(demo_diagnostic, tmp_path)
    table = pd.read_csv(tmp_path / "couverture.csv", sep=";", decimal=",", dtype={"code_commune": "str"})
    for need in demo_diagnostic.needs:
        rows = need_section(demo_diagnostic, need, None, "fr")["rows"]
        of_need = table[table["need"].eq(need.id)].set_index("nom_commune")
        most = of_need["unmet_people"].nlargest(len(rows))
        np.testing.assert_allclose([row["unmet"] for row in rows], most, rtol=1e-9)
        for row in rows:
            assert row["share"] == pytest.approx(of_need.at[row["name"], "unmet_share"], rel=1e-9)
            shown = people(row["unmet"], "fr").replace("\u202f", "").replace("\u00a0", "")
            assert shown.replace(" ", "") == of_need.at[row["name"], "a_afficher"]


def test_the_three_parts_of_a_need_make_its_people(demo_diagnostic):
    for row in gap(demo_diagnostic, "fr"):
        assert sum(part["people"] for part in row["parts"]) == pytest.approx(row["demand"])


def test_structures_around_are_those_that_the_territory_reaches(demo_diagnostic):
    territory, structures = demo_diagnostic.territory, demo_diagnostic.structures
    trips = demo_diagnostic.trips.reset_index()
    near = trips[trips["code_commune"].isin(territory.core)].groupby("kind")["siret"].nunique()
    inside = territory.locate(structures.geometry).isin(territory.core).groupby(level="kind").sum()
    for row in resources(demo_diagnostic, None, "fr")["kinds"]:
        assert row["inside"] == inside[row["id"]]
        assert row["inside"] + row["around"] == near.get(row["id"], 0)


def test_the_territory_stands_beside_its_reference(demo_diagnostic):
    shown = portrait(demo_diagnostic, "fr")
    assert shown["there"] == "Jura"
    cars = next(panel for panel in shown["panels"] if "voiture" in panel["label"])
    assert cars["here"] == demo_diagnostic.totals["menages_sans_voiture"]
    assert cars["there"] == demo_diagnostic.references["menages_sans_voiture"]


def test_a_sheet_says_gap_people_answer_carrier_evidence_and_what_to_follow(demo_diagnostic):
    cards = proposals(demo_diagnostic, 8, "fr")["cards"]
    assert len(cards) == 8
    assert {card["title"].split("\u00a0: ")[0] for card in cards} == {need.label for need in demo_diagnostic.needs}
    for card in cards:
        assert all(card[part] for part in ("gap", "where", "carrier", "evidence", "indicator"))


def test_few_unknown_and_zero_are_three_things():
    assert (people(3.2, "fr"), people(np.nan, "fr"), people(0.0, "fr")) == ("<\u00a05", "inconnu", "0")
    assert people(12345.6, "fr") == "12\u202f346"
    assert percent(0.1234, "fr", 1) == "12,3\u00a0%"
    assert percent(np.nan, "en") == "unknown"


def test_unknown_figures_are_said(demo_diagnostic, tmp_path):
    coverage = demo_diagnostic.coverage.copy()
    gone = coverage.index.get_level_values("need") == "childcare"
    coverage.loc[gone, coverage.columns.drop("reachable")] = np.nan
    scenarios = demo_diagnostic.scenarios.copy()
    scenarios.loc["childcare", :] = np.nan
    lacking = replace(demo_diagnostic, coverage=coverage, scenarios=scenarios, proposals=[])
    written = write_report(lacking, tmp_path / "r.html").read_text(encoding="utf-8")
    row = re.search(r"<tr><th scope=\"row\">Petite enfance</th>.*?</tr>", written, re.DOTALL).group(0)
    assert row.count("inconnu") >= 4
    assert "Les chiffres ne suggèrent aucune proposition." in text_of(written)
    assert not need_section(lacking, lacking.needs[1], None, "fr")["messages"]


def hostile(diagnostic):
    communes = diagnostic.territory.communes.copy()
    codes = communes.index[: len(HOSTILE)]
    communes.loc[codes, "nom_commune"] = HOSTILE[: len(codes)]
    structures = diagnostic.structures.copy()
    structures["name"] = [HOSTILE[rank % len(HOSTILE)] for rank in range(len(structures))]
    return replace(diagnostic, territory=replace(diagnostic.territory, communes=communes), structures=structures)


def test_hostile_names_are_text(demo_diagnostic, tmp_path):
    path = write_report(
        hostile(demo_diagnostic), tmp_path / "r.html", title="<img src=x onerror=alert(1)>{{ 7*7 }}",
        authors="{% for x in y %}", date="</style><script>alert(2)</script>", introduction="a < b & c",
    )  # fmt: skip
    written = path.read_text(encoding="utf-8")
    assert "<script" not in written
    assert "<img" not in written
    assert "{{ 7*7 }}" in written
    assert "a &lt; b &amp; c" in written


def test_a_template_of_the_reader_overrides_a_block(demo_diagnostic, tmp_path):
    mine = tmp_path / "mine.html"
    mine.write_text(
        '{% extends "report.html" %}{% block cover %}<h1>{{ perimeter.name }} - {{ authors }}</h1>{% endblock %}',
        encoding="utf-8",
    )
    path = write_report(demo_diagnostic, tmp_path / "r.html", template=mine, authors="<b>Nous</b>")
    written = path.read_text(encoding="utf-8")
    assert "<h1>CA du Grand Dole - &lt;b&gt;Nous&lt;/b&gt;</h1>" in written
    assert '<section id="sources"' in written


@pytest.mark.parametrize(
    "text",
    [
        "{{ nothing.here }}", "{% if %}", "{{ ''.__class__.__mro__ }}", "{% include 'etc' %}",
        "{{ perimeter.rows[99].label }}", "{{ 1 / 0 }}",
    ],
)  # fmt: skip
def test_a_template_that_fails_is_one_error(demo_diagnostic, tmp_path, text):
    mine = tmp_path / "mine.html"
    mine.write_text(text, encoding="utf-8")
    target = tmp_path / "r.html"
    target.write_text("before", encoding="utf-8")
    with pytest.raises(tg.TerritoireGeoError, match=r"mine\.html"):
        write_report(demo_diagnostic, target, template=mine)
    assert target.read_text(encoding="utf-8") == "before"


def test_a_report_is_html_or_pdf(demo_diagnostic, tmp_path):
    with pytest.raises(tg.TerritoireGeoError, match=r"\.html or \.pdf"):
        write_report(demo_diagnostic, tmp_path / "r.docx")
    with pytest.raises(ValueError, match="lang"):
        write_report(demo_diagnostic, tmp_path / "r.html", lang="de")
    with pytest.raises(tg.TerritoireGeoError, match="absent"):
        write_report(demo_diagnostic, tmp_path / "r.html", template=tmp_path / "absent.html")


def test_english_says_no_french(demo_diagnostic, tmp_path):
    written = text_of(write_report(demo_diagnostic, tmp_path / "r.html", lang="en").read_text(encoding="utf-8"))
    for french in ("inconnu", "Besoin", "communes voisines", "Périmètre", "non couvert", " selon "):
        assert french not in written
    assert "Perimeter and method" in written


def test_french_typography(page):
    # Titles and names of producers are theirs.
    ours = re.sub(r'<section id="sources".*|<p class="fine">Sources.*?</p>', "", page, flags=re.DOTALL)
    shown = text_of(ours)
    assert not re.search(r"\w [:;?!%]", shown.replace("\u00a0", "_"))
    assert not re.search(r"\d,\d{3}\b(?!\d)", shown)


def test_shapes_stand_within_the_map(demo_diagnostic):
    drawn = canvas(demo_diagnostic)
    assert max(drawn.width, drawn.height) == SIDE
    assert drawn.points["x"].between(0, drawn.width).all()
    assert drawn.points["y"].between(0, drawn.height).all()
    assert list(drawn.paths) == list(demo_diagnostic.territory.core)


def test_areas_of_circles_follow_people(demo_diagnostic):
    drawn = canvas(demo_diagnostic)
    core = demo_diagnostic.territory.core
    counts = pd.Series(np.nan, index=core)
    counts.iloc[:3] = [100.0, 25.0, 0.0]
    marks = circles(drawn, counts, "#000")
    assert [mark.radius for mark in marks] == pytest.approx([30, 15])


def test_a_strip_draws_no_mark_for_what_is_unknown():
    drawn = strip(pd.Series([1.0, np.nan, 3.0]), np.nan, 2.0, "a < b")
    assert drawn.count("v14") == 2
    assert "circle" not in drawn
    assert "a &lt; b" in drawn
    assert "NaN" not in strip(pd.Series([np.nan]), np.nan, np.nan, "")


def test_a_territory_without_polygons_still_has_a_report(demo_diagnostic, tmp_path):
    communes = demo_diagnostic.territory.communes.copy()
    communes["geometry"] = None
    bare = replace(demo_diagnostic, territory=replace(demo_diagnostic.territory, communes=communes.set_crs(2154)))
    written = write_report(bare, tmp_path / "r.html").read_text(encoding="utf-8")
    assert 'class="map"' not in written
    assert "CA du Grand Dole" in written


def test_every_word_exists_in_both_languages():
    from territoire_geo.report._words import WORDS  # noqa: PLC0415 - this test alone reads them

    assert set(WORDS["fr"]) == set(WORDS["en"])
    assert render("base.html", {"title": "x"}, lang="fr").startswith("<!DOCTYPE html>")
