"""`draw_map` without a browser: the page carries everything, evaluates nothing, and says what it does not know."""

import json
import re
from importlib.resources import files

import folium
import numpy as np
import pandas as pd
import pytest
from folium.plugins import MarkerCluster

from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, data_of
from territoire_geo.errors import ChecksumError, MissingExtraError, TerritoireGeoError
from territoire_geo.maps import DiagnosticMap, _vendor, draw_map
from territoire_geo.maps._classes import Classes, decimals_of, quantiles
from territoire_geo.maps._conventions import conventions
from territoire_geo.maps._page import json_block
from territoire_geo.maps._texts import TEXTS, figures, number, people
from territoire_geo.maps._typography import missing, singular, typeset, typeset_all


def policy_of(page):
    return re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]


@pytest.fixture(scope="module")
def page():
    return draw_map(make_diagnostic()).to_html()


@pytest.fixture(scope="module")
def data(page):
    return data_of(page)


def theme(data, name):
    return next(theme for theme in data["themes"] if theme["id"] == name)


# The page


def test_the_page_names_nothing_remote(page):
    without_data = re.sub(r'<script type="application/json".*?</script>', "", page)
    assert not re.search(r"<(?:script|img|iframe|link)[^>]+(?:src|href)=", without_data)
    assert "sourceMappingURL" not in page
    assert not re.search(r"url\((?!['\"]?(?:data:|#))", without_data)


def test_the_policy_lets_only_the_scripts_of_the_page_run(page):
    policy = policy_of(page)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    scripts = policy.split(";")[1]
    assert "unsafe-inline" not in scripts
    assert "http" not in policy
    assert "img-src data:;" in policy
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_the_page_is_french_and_says_what_it_is(page):
    assert '<html lang="fr">' in page
    assert "<title>Diagnostic partagé – Pays d&#x27;essai</title>" in page
    assert data_of(page)["texts"]["subtitle"].startswith("Pré-diagnostic")


def test_same_diagnostic_same_bytes(page):
    carte = draw_map(make_diagnostic())
    assert carte.to_html() == page
    assert carte.to_html() == page


def test_layers_of_the_reader_keep_the_bytes_the_same():
    def drawn():
        carte = draw_map(make_diagnostic())
        folium.CircleMarker([47.1, 5.5], tooltip="ici").add_to(carte.folium)
        return carte.to_html()

    assert drawn() == drawn()
    assert "ici" in drawn()


def test_folium_itself_is_left_as_it_was():
    before = list(folium.Map.default_js), list(folium.Map.default_css)
    draw_map(make_diagnostic()).to_html()
    assert (list(folium.Map.default_js), list(folium.Map.default_css)) == before


def test_folium_map_and_notebook(page):
    carte = draw_map(make_diagnostic())
    assert isinstance(carte, DiagnosticMap)
    assert isinstance(carte.folium, folium.Map)
    assert carte.folium.get_root().render() == page
    shown = carte._repr_html_()  # what a notebook calls
    assert 'srcdoc="&lt;!DOCTYPE html&gt;' in shown
    assert '"' not in shown.split('srcdoc="')[1].split('"')[0]


def test_a_layer_with_unknown_files_is_refused():
    carte = draw_map(make_diagnostic())
    MarkerCluster().add_to(carte.folium)
    with pytest.raises(TerritoireGeoError, match=r"markercluster.*does not carry"):
        carte.to_html()


@pytest.mark.parametrize("layer", [folium.Icon()])
def test_a_layer_that_needs_an_absent_library_is_refused(layer):
    carte = draw_map(make_diagnostic())
    marker = folium.Marker([47.1, 5.5])
    marker.add_child(layer)
    marker.add_to(carte.folium)
    with pytest.raises(TerritoireGeoError, match=r"jQuery|awesome-markers"):
        carte.to_html()


def test_a_remote_tag_is_refused():
    carte = draw_map(make_diagnostic())
    carte.folium.get_root().html.add_child(folium.Element('<img src="https://example.org/pixel.png">'))
    with pytest.raises(TerritoireGeoError, match=r"example\.org"):
        carte.to_html()


def test_ign_is_asked_for_and_said():
    page = draw_map(make_diagnostic(), basemap="ign").to_html()
    assert "img-src data: https://data.geopf.fr;" in policy_of(page)
    assert "© IGN – Géoplateforme" in page or "\\u00a9 IGN \\u2013 G\\u00e9oplateforme" in page
    assert "data.geopf.fr" not in draw_map(make_diagnostic()).to_html()


def test_the_light_page_pins_leaflet_by_its_hash():
    page = draw_map(make_diagnostic(), assets="cdn").to_html()
    assert 'integrity="sha256-WBkoXOwTeyKclOHuWtc+i2uENFpDZ9YPdf5Hf+D7ewM=" crossorigin="anonymous"' in page
    assert "https://cdn.jsdelivr.net/npm/leaflet@1.9.3/dist/leaflet.js" in page
    assert len(page) < 330_000
    assert "script-src 'sha256-" in policy_of(page)
    assert "https://cdn.jsdelivr.net;" in policy_of(page)


@pytest.mark.parametrize(("option", "value"), [("basemap", "osm"), ("assets", "remote"), ("lang", "de")])
def test_unknown_options_list_the_known_ones(option, value):
    with pytest.raises(ValueError, match=rf"{option}='{value}' is not known\. Give one of"):
        draw_map(make_diagnostic(), **{option: value})


def test_english():
    page = draw_map(make_diagnostic(), lang="en").to_html()
    assert '<html lang="en">' in page
    data = data_of(page)
    assert theme(data, "need:childcare")["label"] == "Childcare"
    assert data["limits"]["warnings"] == ["Straight-line times."]
    assert data["needs"][1]["why"] == [["statistical secrecy", [0]]] or "statistical secrecy" in str(data["needs"][1])


def test_both_languages_say_the_same_things():
    assert TEXTS["fr"].keys() == TEXTS["en"].keys()


# Files


def test_save_is_whole_or_nothing(tmp_path, page):
    path = tmp_path / "carte.html"
    path.write_text("before")
    assert draw_map(make_diagnostic()).save(path) == path
    assert path.read_text(encoding="utf-8") == page
    assert [file.name for file in tmp_path.iterdir()] == ["carte.html"]


def test_save_says_why_it_cannot(tmp_path):
    with pytest.raises(TerritoireGeoError, match=r"cannot be written to .*absent.*carte\.html"):
        draw_map(make_diagnostic()).save(tmp_path / "absent" / "carte.html")


def test_a_changed_leaflet_is_refused():
    changed = _vendor.Vendored("xstatic/pkg/leaflet/data/leaflet.js", "0" * 64)
    with pytest.raises(ChecksumError, match=r"leaflet\.js is not Leaflet 1\.9\.3"):
        _vendor.read_vendored(changed)


def test_an_absent_leaflet_says_what_to_install(monkeypatch):
    with pytest.raises(MissingExtraError, match=r"pip install --force-reinstall xstatic-leaflet==1\.9\.3\.0"):
        _vendor.read_vendored(_vendor.Vendored("xstatic/pkg/leaflet/data/absent.js", "0" * 64))
    monkeypatch.setattr(_vendor, "PACKAGE", "xstatic-not-installed")
    with pytest.raises(MissingExtraError, match="is not installed"):
        _vendor.read_vendored(_vendor.Vendored("x", "1" * 64))


def test_our_scripts_never_read_text_as_html():
    assets = files("territoire_geo.maps").joinpath("assets")
    for file in [*assets.iterdir(), *assets.joinpath("css").iterdir()]:
        if file.name == "css":
            continue
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text)
        # The minifier reads a template literal inside another as code, and drops its spaces.
        assert not re.search(r"\$\{[^}`]*`", text), file.name
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


# Hostile data


def test_json_block_holds_anything():
    given = {"text": "</script><!-- & > \u2028 \u2029 \ud800", "list": [1, None, 2.5]}
    block = json_block("x", given).render()
    inside = block.removeprefix('<script type="application/json" id="x">').removesuffix("</script>")
    assert not re.search("[<>&\u2028\u2029]", inside)
    inside.encode("utf-8")
    assert json.loads(inside) == given
    with pytest.raises(ValueError, match="JSON"):
        json_block("x", [float("nan")])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_only_text(text, page):
    diagnostic = make_diagnostic(
        names={"39008": text}, structure_names=(text,), words=dict.fromkeys(("territory", "measure", "need"), text)
    )
    hostile = draw_map(diagnostic).to_html()
    data = data_of(hostile)
    assert data["names"][0] == text
    assert data["structures"][0]["name"] == text
    assert data["name"] == text
    assert theme(data, "measure:chomage")["label"] == typeset(text, "fr")
    assert theme(data, "need:mobility")["title"] == typeset(text, "fr")
    assert hostile.count("<script") == page.count("<script")
    assert hostile.count("<img") == page.count("<img")
    assert policy_of(hostile) == policy_of(page)
    head = re.search("<title>(.*?)</title>", hostile)[1]
    assert "<" not in head


# Data


def test_sources_and_vintage_follow_the_columns(data):
    assert theme(data, "need:mobility")["sources"][0] == "Insee, Recensement de la population, RP 2018"
    assert theme(data, "measure:demandeurs")["sources"] == ["Dares, Demandeurs d’emploi par commune, 2024-T4"]
    listed = "Plateforme de l’inclusion, Structures de l’IAE, décembre 2020"
    assert listed in theme(data, "cross:mobility")["sources"]
    assert data["lists"] == [listed]


def test_without_structures_there_is_no_theme_on_them():
    diagnostic = make_diagnostic()
    blank = diagnostic.reach.assign(answering=np.nan, siae=np.nan, nearest_minutes=np.nan)
    object.__setattr__(diagnostic, "reach", blank)
    object.__setattr__(diagnostic, "structures", diagnostic.structures.iloc[:0])
    data = data_of(draw_map(diagnostic).to_html())
    assert not any(drawn["kind"] == "cross" for drawn in data["themes"])
    assert data["structures"] == []


def test_small_estimates_leave_only_their_smallness(data):
    assert people(pd.Series([0.0, 0.2, 4.9, 5.0, 41.6, np.nan])) == [0, 1, 1, 5, 42, None]
    assert data["structures"][0]["people0"] == 1


def test_structures_say_where_and_how_sure(data):
    placed = [structure for structure in data["structures"] if structure["lat"] is not None]
    assert len(placed) == 8
    assert data["structures"][0]["commune"] == 0
    assert [structure["sure"] for structure in data["structures"][:2]] == [1, 0]
    assert [kind["id"] for kind in data["kinds"] if not kind["siae"]] == ["GEIQ", "EA"]
    assert sum(kind["count"] for kind in data["kinds"]) == 9


def test_limits_hold_warnings_sources_settings(data):
    assert data["limits"]["warnings"] == ["Temps à vol d’oiseau."]
    assert [source["cite"].split(",")[0] for source in data["limits"]["sources"]] == [
        "Insee", "Plateforme de l’inclusion", "Dares",
    ]  # fmt: skip
    assert ["trajets en voiture", "50\u00a0km/h, détour 1,3 (convention à vol d’oiseau)"] in data["limits"]["settings"]


def test_settings_are_said_in_words():
    diagnostic = make_diagnostic()
    by_need = {
        "mobility": {"mode": "bike", "reach": 20.0, "decay": "binary(20)"},
        "childcare": {"mode": "car", "reach": 15.0, "decay": "steps(5→1, 10→0.68, 15→0.22)"},
        "employment": {"mode": "car", "reach": 30.0, "decay": "dai(30)"},
        "ageing": {"mode": "car", "reach": 12.5, "decay": "mine"},
    }
    asked = {
        "cog_year": 2026, "travel": {"car": "table", "bike": "convention"}, "targets": {"employment": 0.8},
        "reference": {"niveau": "DEP", "code": "39", "nom": "Jura"}, "needs": by_need,
    }  # fmt: skip
    object.__setattr__(diagnostic, "settings", asked)
    labels = {need.id: need.label for need in diagnostic.needs}
    assert conventions(diagnostic, "fr") == [
        ["territoire", "Pays d'essai (200010650)"],
        ["communes (COG 2026)", "12"],
        ["voisinage chargé", "20 km"],
        ["trajets en voiture", "table de minutes fournie"],
        ["trajets à vélo", "15 km/h à vol d'oiseau"],
        ["référence", "Jura (département)"],
        [labels["mobility"], "20 min à vélo, même poids partout"],
        [labels["childcare"], "15 min en voiture, poids 1 / 0,68 / 0,22 à 5 / 10 / 15 min"],
        [labels["employment"], "30 min en voiture, poids décroissant avec la distance, norme choisie : 0,8"],
        [labels["ageing"], "12,5 min en voiture, loi mine"],
    ]
    assert ["travel by car", "table of minutes given"] in conventions(diagnostic, "en")
    object.__setattr__(diagnostic, "settings", {})
    assert [label for label, _ in conventions(diagnostic, "en")] == ["territory", "communes", "neighbourhood loaded"]


# Typography


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("Temps à vol d'oiseau : 90 × 3 ; « ici » !", "Temps à vol d’oiseau\xa0: 90\xa0×\xa03\xa0; «\xa0ici\xa0»\xa0!"),
        ("de 25 à 50 %, 15 min, 38 km", "de 25 à 50\xa0%, 15\xa0min, 38\xa0km"),
        ("inconnu pour 1 communes, 0 places, 21 communes", "inconnu pour 1\xa0commune, 0\xa0place, 21 communes"),
        ("1\u202f201 points et 3,1 points", "1\u202f201 points et 3,1 points"),
        ("Dares - France Travail, https://data.gouv.fr", "Dares - France Travail, https://data.gouv.fr"),
    ],
)
def test_french_typography(given, said):
    assert typeset(given, "fr") == said
    assert typeset(said, "fr") == said
    assert typeset(given, "en") == given


def test_typography_leaves_what_is_not_a_sentence():
    given = {"id": "l'a : b", "url": "https://x/l'a", "cite": "l'a : b", "list": ["l'a", 1, None]}
    assert typeset_all(given, "fr") == given | {"cite": "l’a\xa0: b", "list": ["l’a", 1, None]}


def test_no_straight_apostrophe_is_left_in_our_words(data):
    produced = {"name", "reference", "codes", "names", "geometry", "structures", "facilities", "proposals"}
    ours = json.dumps({name: part for name, part in data.items() if name not in produced}, ensure_ascii=False)
    assert "'" not in ours
    assert not re.search(r"[^\W\d] [:;?!»]", ours)
    assert data["name"] == "Pays d'essai"
    assert data["structures"][0]["address"] == "1 rue de l'Église"


def test_agreement():
    assert singular("habitants âgés sous la norme d’aide") == "habitant âgé sous la norme d’aide"
    assert missing("emplois", "fr") == ("emplois manquants", "emploi manquant")
    assert missing("places d'accueil", "fr") == ("places manquantes d'accueil", "place manquante d'accueil")
    assert missing("jobs", "en") == ("missing jobs", "missing job")


def test_a_column_keeps_its_decimals():
    diagnostic = make_diagnostic()
    employment = diagnostic.coverage.index.get_level_values("need") == "employment"
    diagnostic.coverage.loc[employment, "target"] = 0.46
    diagnostic.coverage.loc[employment, "unmet_units"] *= 0.01
    need = data_of(draw_map(diagnostic).to_html())["needs"][2]
    assert (need["decimals"], set(need["norms"]) - {None}) == (3, {0.46})
    assert need["gapDecimals"] == 2
    assert all(value == 0 or value >= 0.001 for value in need["gap"] if value is not None)


def test_units_have_their_own_low_and_high(data):
    assert data["needs"][2]["total"]["gapLow"] is None
    diagnostic = make_diagnostic()
    scenarios = diagnostic.scenarios.assign(unmet_units=0.4 * diagnostic.scenarios["unmet_people"])
    object.__setattr__(diagnostic, "scenarios", scenarios)
    total = data_of(draw_map(diagnostic).to_html())["needs"][2]["total"]
    assert total["gapLow"] < total["gap"] < total["gapHigh"]


# Classes and numbers


def test_quantiles_leave_no_class_empty():
    values = pd.Series([0.0] * 30 + [1.0] * 3 + [5.0, 9.0])
    codes = quantiles(values).codes(values)
    assert set(codes) == {str(rank) for rank in range(len(quantiles(values).breaks) + 1)}
    assert quantiles(pd.Series([3.0] * 9)) == Classes((), 0)
    assert quantiles(pd.Series([np.nan])) == Classes(())
    even = pd.Series(np.arange(100.0))
    assert quantiles(even).codes(even).value_counts().between(19, 21).all()


@pytest.mark.parametrize("seed", range(20))
def test_quantiles_on_any_values(seed):
    values = pd.Series(np.random.default_rng(seed).choice([0.0, 0.11, 0.12, 3.0, 1e5], 40))
    codes = quantiles(values).codes(values)
    assert set(codes) == {str(rank) for rank in range(len(quantiles(values).breaks) + 1)}


def test_classes_in_words():
    assert Classes((1.5, 1234.0), 1).labels("\u00a0%", "fr") == [
        "moins de 1,5\u00a0%", "1,5 à 1\u202f234,0\u00a0%", "1\u202f234,0\u00a0% et plus",
    ]  # fmt: skip
    assert Classes(()).labels("", "en") == ["every commune"]
    assert number(-1234.5, 1, "fr") == "\u22121\u202f234,5"
    assert number(1234.5, 1, "en") == "1,234.5"
    assert figures(pd.Series([1.25, np.nan, np.inf, 3.0]), 1) == [1.2, None, None, 3]
    assert [decimals_of(np.array(v)) for v in ([1.0, 2.0], [12.34], [0.0012], [])] == [0, 1, 3, 0]
