"""The sheet of a commune and its directory: true figures, states told apart, inert texts, one page."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from _diagnostic_factory import SIAE, make_diagnostic
from _maps_page import HOSTILE, needs_browser, started
from territoire_geo.diagnostic import diagnose
from territoire_geo.errors import TerritoireGeoError, TerritoireGeoWarning, UnknownTerritoryError
from territoire_geo.maps._texts import number
from territoire_geo.proposals import Proposal
from territoire_geo.report._commune import write_commune_sheet
from territoire_geo.report._commune_near import listed, within
from territoire_geo.report._directory import places_near, site, unplaced, write_directory

browser = pytest.fixture(scope="module")(started)
EMPTY, SECRET, CODE = "39017", "39008", "39009"  # nobody concerned by the second need; withheld; plain
LONG = "Saint-Très-Long-sur-la-Rivière " * 30
WRITERS = (write_commune_sheet, write_directory)


@pytest.fixture(scope="module")
def grand_dole(demo):
    with pytest.warns(TerritoireGeoWarning):
        return diagnose(*demo)


def text_of(path):
    """Read a page as its reader does: no style, no tag, plain spaces."""
    page = path.read_text(encoding="utf-8")
    body = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    body = body.replace("&#39;", "'").replace("&lt;", "<").replace("&amp;", "&")
    return re.sub(r"\s+", " ", body)


def rows_of(path):
    page = path.read_text(encoding="utf-8")
    return [
        re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip()
        for row in re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    ]


def plain(words):
    return re.sub(r"\s+", " ", words)


def pages(path):
    if shutil.which("pdfinfo") is None:
        pytest.skip("pdfinfo absent: apt-get install poppler-utils")
    said = subprocess.run(["pdfinfo", str(path)], check=True, capture_output=True, text=True).stdout  # noqa: S607 - found on PATH
    return int(re.search(r"Pages:\s+(\d+)", said)[1])


def test_the_sheet_tells_the_figures_of_the_diagnostic(grand_dole, tmp_path):
    code = "39526"
    path = write_commune_sheet(grand_dole, code, tmp_path / "fiche.html")
    rows, said = rows_of(path), text_of(path)
    for need in grand_dole.needs:
        row = grand_dole.coverage.loc[(code, need.id)]
        line = next(line for line in rows if line.startswith(plain(need.label.replace("'", "’"))))
        for value in (row["demand"], row["unmet_people"]):
            assert plain(number(value, 0, "fr")) in line
        shares = (
            (grand_dole.coverage["unmet_people"] / grand_dole.coverage["demand"])
            .xs(need.id, level="need")
            .dropna()
            .round(8)
        )
        assert f"{100 * shares[code]:.0f} %" in line
        assert f"{100 * grand_dole.summary().at[need.id, 'share']:.0f} %" in line
        rank, tied = int((shares > shares[code]).sum()) + 1, (shares == shares[code]).sum() > 1
        assert f"{rank} {'ex æquo ' if tied else ''}sur {len(shares)}" in line
    ranked = grand_dole.priorities.loc[code]
    assert f"{ranked['rank']:.0f} sur {grand_dole.priorities['rank'].count()} communes classées" in said
    assert f"entre {ranked['rank_low']:.0f} et {ranked['rank_high']:.0f} selon les réglages" in said
    value, total, there = (series["menages_sans_voiture"] for series in (
        grand_dole.measures.loc[code], grand_dole.totals, grand_dole.references))  # fmt: skip
    (line,) = [line for line in rows if line.startswith("Ménages sans voiture")]
    assert line.endswith(" ".join(f"{plain(number(each, 1, 'fr'))} %" for each in (value, total, there)))
    assert "Pré-diagnostic" in said
    assert "vol d’oiseau × 1,3, à 50 km/h" in said
    assert "RP 2022" in said


def test_the_structures_are_the_nearest_first(grand_dole, tmp_path):
    path = write_commune_sheet(grand_dole, "39198", tmp_path / "fiche.html")
    near = within(grand_dole, "39198", 30)
    assert near["minutes"].is_monotonic_increasing
    assert near["minutes"].tolist() == grand_dole.trips.loc["39198"].sort_values().tolist()
    said = text_of(path)
    places = [said.index(name) for name in near["name"].head(8)]
    assert places == sorted(places)
    assert "Mobilité" in said
    assert "(déclaré)" in said


def test_possible_ranks_hold_the_rank(tmp_path):
    page = write_commune_sheet(make_diagnostic(), CODE, tmp_path / "fiche.html").read_text(encoding="utf-8")
    found = re.findall(r"<td>(\d+) sur (\d+)<small>de (\d+) à (\d+)</small>", page)
    assert found
    for rank, count, best, worst in (map(int, row) for row in found):
        assert 1 <= best <= rank <= worst <= count


def test_unknown_secret_and_nobody_are_three_things(tmp_path):
    diagnostic = make_diagnostic()
    second = diagnostic.needs[1]
    secret, empty = diagnostic.territory.core[0], diagnostic.territory.core[7]

    def line(code):
        path = write_commune_sheet(diagnostic, code, tmp_path / f"{code}.html")
        return next(row for row in rows_of(path) if row.startswith(second.label))

    assert "inconnu : secret statistique" in line(secret)
    assert "40" in line(secret)  # people concerned are known there
    assert "personne n’est concerné ici" in line(empty)
    assert "inconnu" not in line(empty)
    first = diagnostic.needs[0]
    zero = next(row for row in rows_of(tmp_path / f"{secret}.html") if row.startswith(first.label))
    assert " 0 0 % " in zero
    third = next(
        row
        for row in rows_of(write_commune_sheet(diagnostic, diagnostic.territory.core[1], tmp_path / "third.html"))
        if row.startswith(plain(diagnostic.needs[2].label))
    )
    assert "inconnu inconnu : chiffre non publié" in third


def nothing(diagnostic):
    """Leave a commune without any figure, list or place."""
    coverage = diagnostic.coverage.astype({"reachable": "float64"}) * np.nan
    table = diagnostic.ranking.table.assign(rank=np.nan)
    return replace(
        diagnostic, coverage=coverage, measures=diagnostic.measures * np.nan, trips=diagnostic.trips.iloc[:0],
        facilities=diagnostic.facilities.iloc[:0], structures=diagnostic.structures.iloc[:0], absences=pd.Series(
            [], dtype="str", index=diagnostic.absences.index[:0]), ranking=replace(diagnostic.ranking, table=table),
        reach=diagnostic.reach * np.nan, totals=diagnostic.totals * np.nan, references=diagnostic.references * np.nan,
    )  # fmt: skip


def test_a_commune_without_figures_has_an_honest_page(tmp_path):
    diagnostic = nothing(make_diagnostic())
    assert not listed(diagnostic, CODE)
    said = text_of(write_commune_sheet(diagnostic, CODE, tmp_path / "fiche.html"))
    assert said.count("inconnu : chiffre non publié ou non chargé") == len(diagnostic.needs)
    assert "Commune non classée" in said
    assert "La liste des structures ne couvre pas cette commune" in said
    assert "Aucune mesure n’est connue" in said
    assert "nan" not in said.lower().split()
    said = text_of(write_directory(diagnostic, CODE, tmp_path / "annuaire.html"))
    assert "Aucun lieu n’est connu à 30 minutes au plus" in said
    assert "La liste des structures d’insertion ne couvre pas cette commune" in said


def test_an_empty_list_that_covers_the_commune_says_none(tmp_path):
    found = nothing(make_diagnostic())
    covered = replace(found, reach=found.reach.fillna(0.0))
    assert "Aucune structure connue à 30 min" in text_of(write_commune_sheet(covered, CODE, tmp_path / "f.html"))
    said = text_of(write_directory(covered, CODE, tmp_path / "a.html"))
    assert "Aucune structure d’insertion connue à 30 minutes au plus" in said
    assert "la liste peut être incomplète" in said
    assert "ne couvre pas" not in said


def test_a_small_commune_is_fragile(tmp_path):
    diagnostic = make_diagnostic()
    diagnostic.territory.communes.loc[CODE, "population"] = 150.0
    assert "moins de 200 personnes" in text_of(write_commune_sheet(diagnostic, CODE, tmp_path / "f.html"))
    diagnostic.territory.communes.loc[CODE, "population"] = np.nan
    said = text_of(write_commune_sheet(diagnostic, CODE, tmp_path / "f.html"))
    assert "population inconnue" in said
    assert "moins de 200 personnes" not in said


def test_proposals_are_those_that_name_the_commune(grand_dole, tmp_path):
    code = grand_dole.proposals[0].communes[0]
    said = text_of(write_commune_sheet(grand_dole, code, tmp_path / "f.html"))
    own = [one for one in grand_dole.proposals if code in one.communes]
    assert plain(own[0].reason.split(", sur")[0]).replace("'", "’") in said
    other = next(one for one in grand_dole.proposals if code not in one.communes)
    assert plain(other.reason.split(", sur")[0]).replace("'", "’") not in said


@pytest.mark.parametrize("write", WRITERS)
def test_a_commune_out_of_the_core_is_refused(write, tmp_path):
    diagnostic = make_diagnostic()
    for code, word in (("39001", "around the territory"), ("75056", "not a commune"), ("Commune 39009", "39009")):
        with pytest.raises(UnknownTerritoryError, match=word):
            write(diagnostic, code, tmp_path / "f.html")
    with pytest.raises(ValueError, match="lang"):
        write(diagnostic, CODE, tmp_path / "f.html", lang="de")
    with pytest.raises(TerritoireGeoError, match="html or"):
        write(diagnostic, CODE, tmp_path / "f.docx")


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("write", WRITERS)
def test_the_same_diagnostic_gives_the_same_bytes(write, lang, tmp_path):
    diagnostic = make_diagnostic()
    one, two = (write(diagnostic, CODE, tmp_path / name, lang=lang).read_bytes() for name in ("a.html", "b.html"))
    assert one == two
    page = one.decode("utf-8")
    assert f'<html lang="{lang}"' in page
    assert "<script" not in page
    assert not re.findall(r"src=|@import|url\(", page)


def test_english_pages_are_english(grand_dole, tmp_path):
    sheet = text_of(write_commune_sheet(grand_dole, "39526", tmp_path / "s.html", lang="en"))
    assert "Its needs, among the communes of the territory" in sheet
    assert "of 47" in sheet
    directory = text_of(write_directory(grand_dole, "39526", tmp_path / "d.html", lang="en"))
    assert "Help and work near Tavaux" in directory
    assert "Passenger station" in directory
    for french in ("inconnu", "Besoin", "voiture", "adresse non connue", "Activité"):
        assert french not in directory


def test_the_directory_lists_what_is_within_reach(grand_dole, tmp_path):
    said = text_of(write_directory(grand_dole, "39198", tmp_path / "a.html"))
    near, places = within(grand_dole, "39198", 30), places_near(grand_dole, "39198", 30)
    assert f"{len(near)} structures et {len(places)} autres lieux, à 30 minutes" in said
    for row in near.itertuples():
        assert plain(row.name) in said
        assert plain(row.address) in said
    assert "décembre 2020" in said
    far = grand_dole.structures.drop(near.index)["name"]
    assert far.iloc[0] not in said


def test_minutes_to_places_follow_the_convention_of_trips(grand_dole):
    places = places_near(grand_dole, "39198", 30)
    start = grand_dole.territory.points["39198"]
    for name, row in places.iterrows():
        point = grand_dole.facilities.geometry[name]
        minutes = start.distance(point) / 1000 * 1.3 * 60 / 50
        if row["approximate"] and row["code_commune"] == "39198":
            minutes = 0.5 * np.sqrt(grand_dole.territory.communes.at["39198", "area_km2"] / np.pi) * 1.3 * 60 / 50
        assert row["minutes"] == pytest.approx(minutes)
    # A station at its own point is as far as the measure of the diagnostic says.
    station = places[places["type"] == "gare"]["minutes"].min()
    assert station == pytest.approx(grand_dole.measures.at["39198", "minutes_gare"], rel=1e-6)
    school = places[places["type"] == "A304"]["minutes"].min()
    assert school == pytest.approx(grand_dole.measures.at["39198", "minutes_auto_ecole"], rel=1e-6)


def test_minutes_of_a_table_are_said_beside_the_convention(tmp_path):
    diagnostic = make_diagnostic()
    said = text_of(write_directory(diagnostic, CODE, tmp_path / "a.html"))
    assert said.count("vol d’oiseau") == 1
    settings = {**diagnostic.settings, "travel": {"car": "table"}}
    said = text_of(write_directory(replace(diagnostic, settings=settings), CODE, tmp_path / "a.html"))
    assert "Temps en voiture d’une table de minutes fournie. Pour les autres lieux" in said
    sheet = text_of(write_commune_sheet(replace(diagnostic, settings=settings), CODE, tmp_path / "f.html"))
    assert "vol d’oiseau" not in sheet


def test_structures_without_a_place_are_apart(tmp_path):
    diagnostic = make_diagnostic()
    apart, elsewhere = unplaced(diagnostic)
    assert apart["name"].tolist() == ["Structure 8"]
    assert elsewhere == 0
    said = text_of(write_directory(diagnostic, CODE, tmp_path / "a.html"))
    after = said.index("Structures dont le lieu n’est pas connu")
    assert said.index("Structure 8") > after
    assert "lieu non connu" in said[after:]
    far = diagnostic.structures.assign(post_code="75011")
    apart, elsewhere = unplaced(replace(diagnostic, structures=far))
    assert apart.empty
    assert elsewhere == 1


def test_an_address_that_is_unknown_is_said(tmp_path):
    diagnostic = make_diagnostic()
    bare = diagnostic.structures.assign(address=np.nan, post_code=np.nan, city=np.nan)
    said = text_of(write_directory(replace(diagnostic, structures=bare), CODE, tmp_path / "a.html"))
    assert said.count("adresse non connue") == len(within(diagnostic, CODE, 30)) + 1


def test_what_a_scenario_adds_is_not_listed(tmp_path):
    diagnostic = make_diagnostic()
    added = diagnostic.facilities.assign(type="scenario", label="Ajouté par le scénario")
    said = text_of(write_directory(replace(diagnostic, facilities=added), CODE, tmp_path / "a.html"))
    assert "scénario" not in said


@pytest.mark.parametrize(
    ("website", "shown", "link"),
    [
        ("https://example.org/a", "https://example.org/a", "https://example.org/a"),
        ("javascript:alert(1)", "javascript:alert(1)", ""),
        ("JaVaScRiPt://example.org/%0aalert(1)", "JaVaScRiPt://example.org/%0aalert(1)", ""),
        ("data:text/html,x", "data:text/html,x", ""),
        ("www.example.org", "www.example.org", ""),
        ("http://[broken", "http://[broken", ""),
        ("https://", "https://", ""),
        ("mailto:camille@example.org", "", ""),
        ("", "", ""),
    ],
)
def test_only_plain_sites_are_links(website, shown, link):
    assert site(website) == (shown, link)


def hostile():
    """Names, reasons, addresses and sites that try to run, and one that is very long."""
    diagnostic = make_diagnostic(
        names={CODE: HOSTILE[5], "39008": LONG, "39010": HOSTILE[3]},
        structure_names=(*HOSTILE, LONG),
        words={
            "territory": HOSTILE[0],
            "measure": HOSTILE[3],
            "need": HOSTILE[1],
            "reason": HOSTILE[5],
            "facility": HOSTILE[3],
        },
    )
    reason = f"{HOSTILE[5]} {HOSTILE[0]} {LONG}"
    diagnostic.territory.communes.loc[CODE, "population"] = 150.0
    asked = Proposal(diagnostic.needs[0].id, "ask", (CODE, "39008"), 9.0, 8.0, 10.0, (), reason, reason, {})
    frame = diagnostic.structures.assign(
        address=HOSTILE[3], city=HOSTILE[5], website=['"onmouseover="hacked=1', "javascript:hacked=1", *HOSTILE, "x"],
    )  # fmt: skip
    return replace(
        diagnostic, structures=frame, proposals=[asked] * 5, sources=(replace(SIAE, producer=HOSTILE[5]),),
        table_sources={"structures": (replace(SIAE, title=HOSTILE[3], millesime=HOSTILE[0]),)},
    )  # fmt: skip


@pytest.mark.browser
@needs_browser()[1]
@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("code", [CODE, "39008"])
def test_hostile_texts_are_inert(write, code, browser, tmp_path):
    diagnostic = hostile()
    path = write(diagnostic, code, tmp_path / "page.html")
    context = browser.new_context(viewport={"width": 390, "height": 844}, offline=True)
    page = context.new_page()
    asked, said = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert said == []
    assert page.evaluate("window.hacked") is None
    assert page.locator("script, img, iframe, object, form").count() == 0
    assert page.locator("a:not([href^='http'])").count() == 0
    assert "49" not in page.locator("h1").inner_text()
    words = page.inner_text("body")
    assert "{{ 7*7 }}" in words
    width = page.evaluate("document.documentElement.scrollWidth")
    context.close()
    assert width <= 390


@pytest.mark.browser
@needs_browser()[1]
def test_the_sheet_is_one_page(grand_dole, tmp_path):
    made = hostile()
    for rank, (diagnostic, code) in enumerate(((grand_dole, "39238"), (made, CODE), (made, "39008"))):
        assert pages(write_commune_sheet(diagnostic, code, tmp_path / f"fiche{rank}.pdf")) == 1
