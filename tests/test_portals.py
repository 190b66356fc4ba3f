"""Opendatasoft portals: what is asked of Cnaf, Dares and Urssaf, what is made of their answers, and what is refused."""

import re
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

from _loopback import Reply, serve
from _portal import portal
from territoire_geo import load_territory
from territoire_geo.cog import ARRONDISSEMENTS
from territoire_geo.errors import (
    SourceFormatError,
    StaleSourceWarning,
    SuppressedValueWarning,
    TableError,
)
from territoire_geo.loaders import _base, bpe, cnaf, dares, urssaf
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace, cached
from territoire_geo.loaders._opendatasoft import LONGEST, Query, asks, equals, export, literal
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._refine import pieces

DOLE = "200010650"
LOADERS = {loader.source: loader for loader in (*cnaf.LOADERS, *dares.LOADERS, *urssaf.LOADERS)}
QUICK = Pace(attempts=2, backoff=0.001, connect=2, read=2, deadline=20, progress=False)


@pytest.fixture
def door(tmp_path):
    def build(server):
        bases = dict.fromkeys(("caf", "dares", "urssaf"), server.url)
        return Door(tmp_path / "cache", bases=bases, pace=QUICK)

    return build


@pytest.fixture(scope="module")
def dole():
    return load_territory(DOLE)


def path_of(source):
    return "/" + entry(source).path.partition("?")[0]


def around(door, source, territory):
    loader = LOADERS[source]
    (raw,) = loader.around(door, entry(source), territory)
    return raw, pieces(loader.layout, raw.frame, Pile(), where=source)


def wheres(server):
    return [request.param("where") for request in server.requests]


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("text", "written"),
    [("Total", '"Total"'), ('say "no"', r'"say \"no\""'), ("back\\slash", r'"back\\slash"'), ("l'âge", '"l\'âge"')],
)
def test_a_text_is_quoted_and_escaped(text, written):
    assert literal(text) == written
    assert equals("f", text) == f"f={written}"


@pytest.mark.parametrize("number", [1, 2, 250, 251, 3000])
def test_urls_are_short_and_every_code_is_asked_once(number):
    source = entry("cnaf_taux_com")
    codes = tuple(f"{code:05d}" for code in range(1000, 1000 + number))
    query = Query(frozenset({"a"}), where=(equals("annee", "2023"),), field="numcom", codes=codes + codes[:1])
    asked = []
    for ask, part in asks(source, query):
        written = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in ask.params)
        assert len(f"{source.url}&{written}") < LONGEST
        assert all(literal(code) in dict(ask.params)["where"] for code in part)
        assert dict(ask.params)["where"].startswith('annee="2023" and numcom in (')
        asked += part
    assert asked == sorted(codes)


def test_a_query_without_clauses_is_the_file_of_the_source():
    ((ask, codes),) = asks(entry("cnaf_taux_nat"), Query(frozenset({"annee"})))
    assert (ask.params, codes) == ((), ())


def test_batches_bound_the_codes_of_a_request():
    query = Query(frozenset(), field="d", codes=tuple("abcdefg"), batch=3)
    assert [codes for _, codes in asks(entry("urssaf_effectifs"), query)] == [
        ("a", "b", "c"),
        ("d", "e", "f"),
        ("g",),
    ]


# ---------------------------------------------------------------- Cnaf

EPCI = [
    {"annee": "2022", "numepci": DOLE, "nomepci": "CA DU GRAND DOLE", "numdep": "39", "txcouv_eaje_epci": "18",
     "txcouv_psu_col_epci": "15", "txcouv_prescol_epci": "3.4", "txcouv_am_ind_epci": "50", "txcouv_gad_ind_epci": "1",
     "txcouv_ind_epci": "51", "txcouv_epci": "72.4"},
    {"annee": "2023", "numepci": DOLE, "nomepci": "CA DU GRAND DOLE", "numdep": "39", "txcouv_eaje_epci": "19.3",
     "txcouv_psu_col_epci": "16", "txcouv_prescol_epci": "3.5", "txcouv_am_ind_epci": "53.5", "txcouv_gad_ind_epci": "",
     "txcouv_ind_epci": "54.5", "txcouv_epci": "107.4"},
    {"annee": "2023", "numepci": "XX", "nomepci": "XX", "numdep": "XXX", "txcouv_eaje_epci": "1",
     "txcouv_psu_col_epci": "1", "txcouv_prescol_epci": "1", "txcouv_am_ind_epci": "1", "txcouv_gad_ind_epci": "1",
     "txcouv_ind_epci": "1", "txcouv_epci": "195.8"},
]  # fmt: skip


def test_epci_of_the_territory_are_asked_and_the_latest_year_is_kept(door, dole):
    with serve({path_of("cnaf_taux_epci"): portal(EPCI)}) as server:
        raw, tidy = around(door(server), "cnaf_taux_epci", dole)
    (where,) = wheres(server)
    assert where.startswith("numepci in (")
    assert set(re.findall(r'"(\d+)"', where)) == set(dole.communes["code_epci"].dropna())
    rates, _ = tidy["childcare_rates"]
    assert rates.index.tolist() == [("EPCI", DOLE)]
    row = rates.loc[("EPCI", DOLE)]
    assert row["taux"] == 107.4  # neither clipped nor made of its parts
    assert row[["taux_eaje", "taux_assistants_maternels", "taux_preelementaire"]].tolist() == [19.3, 53.5, 3.5]
    assert np.isnan(row["taux_domicile"])
    (note,) = raw.notes  # the neighbours have no row
    assert note.category is SuppressedValueWarning
    assert DOLE not in note.en


def test_placeholders_are_no_place(door):
    with serve({path_of("cnaf_taux_epci"): portal(EPCI)}) as server:
        (raw,) = LOADERS["cnaf_taux_epci"].national(door(server), entry("cnaf_taux_epci"))
    assert wheres(server) == [""]
    assert len(raw.frame) == 3
    rates = cnaf.PORTAL.tidy(raw.frame)["childcare_rates"]
    assert rates["code"].tolist() == [DOLE]


@pytest.mark.parametrize("code", ["XX", "XXX", "x", "", " ", "COM"])
def test_any_placeholder_is_left_out(code):
    raw = pd.DataFrame({"annee": ["2023"] * 2, "numdep": [code, "1"], "txcouv_dep": ["195.8", "60"]})
    assert cnaf.PORTAL.tidy(raw)["childcare_rates"]["code"].tolist() == ["01"]


@pytest.mark.parametrize(
    ("scale", "field", "level"), [("com", "numdep", "COM"), ("dep", "numdep", "DEP"), ("reg", "numregi", "REG")]
)
def test_each_scale_is_narrowed_to_the_territory(door, dole, scale, field, level):
    source, number = f"cnaf_taux_{scale}", {"COM": "numcom", "DEP": "numdep", "REG": "numregi"}[level]
    code = {"COM": "39198", "DEP": "39", "REG": "27"}[level]
    row = {"annee": "2023", "numdep": "39", number: code, f"txcouv_{scale}": "60.9"}
    with serve({path_of(source): portal([row])}) as server:
        _, tidy = around(door(server), source, dole)
    assert wheres(server)[0].startswith(f"{field} in (")
    assert tidy["childcare_rates"][0].loc[(level, code), "taux"] == 60.9


def test_the_national_year_is_a_date_and_its_columns_have_names_of_their_own(door, dole):
    rows = [
        {"annee": f"{year}-01-01", "national": "FRANCE ENTIERE HORS MAYOTTE", "txcouv_nat": rate,
         "txcouv_eaje_nat": "23.5", "txcouv_am_nat": "31.9", "txcouv_gad_nat": "2.2", "txcouv_prescol_nat": "3.3"}
        for year, rate in ((2022, "59.5"), (2023, "60.9"))
    ]  # fmt: skip
    with serve({path_of("cnaf_taux_nat"): portal(rows)}) as server:
        _, tidy = around(door(server), "cnaf_taux_nat", dole)
    rates, _ = tidy["childcare_rates"]
    assert rates.loc[("FR", "FR")].to_dict() == {
        "taux": 60.9,
        "taux_eaje": 23.5,
        "taux_assistants_maternels": 31.9,
        "taux_preelementaire": 3.3,
        "taux_domicile": 2.2,
    }


def test_places_are_references_of_their_epci(door, dole):
    rows = [
        {"annee": "2022", "numepci": DOLE, "pl_psu_col_epci": "280", "pl_eaje_epci": "290", "tot_offre_epci": "1100"},
        {"annee": "2023", "numepci": DOLE, "pl_psu_col_epci": "281", "pl_eaje_epci": "291", "tot_offre_epci": "1101"},
    ]
    with serve({path_of("cnaf_places"): portal(rows)}) as server:
        _, tidy = around(door(server), "cnaf_places", dole)
    references, _ = tidy["references"]
    assert references.loc[("EPCI", DOLE)].to_dict() == {"places_eaje": 291.0, "places_total": 1101.0}
    communes = pd.DataFrame({"annee": ["2023"], "numcom": ["39198"], "pl_eaje_com": ["1"], "tot_offre_com": ["2"]})
    assert not cnaf.PORTAL_PLACES.recognise(frozenset(communes.columns))


def test_a_file_of_several_years_keeps_the_latest_of_each_place():
    history = pd.DataFrame(
        {
            "annee": ["2017", "2021", "2020"],
            "numepci": [DOLE, DOLE, "200026573"],
            "txcouv_epci": ["50", "53.8", "40"],
        }
    )
    rates = cnaf.PORTAL.tidy(history)["childcare_rates"].set_index("code")["taux"]
    assert rates.to_dict() == {DOLE: "53.8", "200026573": "40"}


@pytest.mark.parametrize(
    "header",
    [
        ["NUM_COM", "NOM_COM", "NUM_EPCI", "NOM_EPCI", "tauxcouv_com", "tauxcouv_epci", "tauxcouv_dep", "tauxcouv_reg"],
        [
            "NUM_COM",
            "NOM_COM",
            "NUM_EPCI",
            "NOM_EPCI",
            "TAUXCOUV_COMM",
            "TAUXCOUV_EPCI",
            "TAUXCOUV_DEP",
            "TAUXCOUV_REG",
        ],
    ],
)
def test_old_files_of_all_communes(header):
    rows = [
        ["1004", "AMBERIEU", "240100883", "CC", "57,4", "61,2", "60,0", "58"],
        ["39198", "DOLE", DOLE, "CA", "128,3", "77,4", "66,1", "62"],
        ["39001", "ABERGEMENT", DOLE, "CA", "", "77,4", "66,1", "62"],
        ["29083", "ILE-DE-SEIN", "XX", "XX", "0", "195,8", "71", "70"],
    ]
    raw = pd.DataFrame(rows, columns=header)
    assert cnaf.OLD.recognise(frozenset(header))
    assert not cnaf.PORTAL.recognise(frozenset(header))
    pile = Pile()
    rates, _ = pieces(cnaf.OLD, raw, pile, where="old")["childcare_rates"]
    assert rates["taux"].dropna().to_dict() == {
        ("COM", "01004"): 57.4,
        ("COM", "39198"): 128.3,
        ("COM", "29083"): 0.0,
        ("EPCI", "240100883"): 61.2,
        ("EPCI", DOLE): 77.4,
        ("DEP", "01"): 60.0,
        ("DEP", "39"): 66.1,
        ("DEP", "29"): 71.0,
    }
    assert np.isnan(rates.loc[("COM", "39001"), "taux"])
    assert pile.notes[0].category is StaleSourceWarning


def test_an_epci_of_two_rates_is_refused():
    raw = pd.DataFrame(
        {
            "NUM_COM": ["39198", "39001"],
            "NUM_EPCI": [DOLE, DOLE],
            "tauxcouv_com": ["1", "2"],
            "tauxcouv_epci": ["7", "8"],
        }
    )
    with pytest.raises(TableError, match=DOLE):
        pieces(cnaf.OLD, raw, Pile(), where="old")


def test_the_published_extract(published):
    ((_, raw),) = read_texts(published / "cnaf" / "cnaf_txcouv_pe_2023_extrait.csv")
    assert cnaf.EXTRACT.recognise(frozenset(raw.columns))
    rates, _ = pieces(cnaf.EXTRACT, raw, Pile(), where="extract")["childcare_rates"]
    assert len(rates) == len(raw) == 253
    assert rates.loc[("FR", "FR"), "taux"] == 60.9
    assert rates.loc[("EPCI", DOLE), "taux"] == 77.4
    assert (rates["taux"] > 100).sum() == 4
    assert rates["taux"].max() == rates.loc[("COM", "35093"), "taux"] == 128.3


# ---------------------------------------------------------------- Dares

LABELS = {
    "date": "Date", "code_region": "Code région", "region": "Région", "code_departement": "Code département",
    "departement": "Département", "code_commune": "Code commune", "commune": "Commune",
    "type_de_donnees": "Type de données", "categorie": "Catégorie", "sexe": "Sexe", "tranche_d_age": "Tranche d'âge",
    "nombre_de_demandeurs_d_emploi": "Nombre de demandeurs d'emploi",
}  # fmt: skip


def registered(code, count, **other):
    row = {
        "date": "2024-T4", "code_region": "27", "region": "Bourgogne-Franche-Comté", "code_departement": code[:2],
        "departement": "", "code_commune": code, "commune": "", "type_de_donnees": "Brutes", "categorie": "ABC",
        "sexe": "Total", "tranche_d_age": "Total", "nombre_de_demandeurs_d_emploi": count,
    }  # fmt: skip
    return row | other


CUBE = [
    registered("39198", "2000"),
    registered("39198", "1040", sexe="Femmes"),
    registered("39198", "300", tranche_d_age="Moins de 25 ans"),
    registered("39198", "1900", date="2023-T4"),
    registered("39001", "0"),
    registered("39002", ""),
    registered("Total", "5600000", code_departement="Total", region="Total France métropolitaine"),
    registered("Total", "9000", code_departement="Total", region="Non localisés"),
]


def test_dimensions_are_pinned_by_the_request(door, dole):
    with serve({path_of("dares_demandeurs"): portal(CUBE)}) as server:
        _, tidy = around(door(server), "dares_demandeurs", dole)
    (where,) = wheres(server)
    for term in ('date="2024-T4"', 'type_de_donnees="Brutes"', 'categorie="ABC"', 'sexe="Total"'):
        assert term in where
    assert 'tranche_d_age="Total"' in where
    assert set(re.findall(r'"(\d\w)"', where)) == set(dole.communes["code_departement"])
    people, _ = tidy["jobseekers"]
    assert people["demandeurs_emploi_abc"].dropna().to_dict() == {"39198": 2000.0, "39001": 0.0}
    assert np.isnan(people.loc["39002", "demandeurs_emploi_abc"])
    assert "39003" not in people.index  # absent: unknown


@pytest.mark.parametrize("labels", [False, True])
def test_a_whole_file_is_pinned_too_under_fields_or_labels(labels):
    raw = pd.DataFrame(CUBE)
    raw = raw.rename(columns=LABELS) if labels else raw
    assert dares.LAYOUT.recognise(frozenset(raw.columns))
    kept = raw[[column for column in raw.columns if column in dares.LAYOUT.columns(frozenset(raw.columns))]]
    assert len(kept.columns) == 8
    people, _ = pieces(dares.LAYOUT, kept, Pile(), where="file")["jobseekers"]
    assert people["demandeurs_emploi_abc"].dropna().to_dict() == {"39198": 2000.0, "39001": 0.0}


def test_paris_is_counted_once_with_its_arrondissements_or_without():
    parts = [registered(code, "100") for code in ARRONDISSEMENTS if code.startswith("75")]
    cities = [registered("75056", "1995"), registered("69123", "30")]
    both, _ = pieces(dares.LAYOUT, pd.DataFrame([*cities, *parts]), Pile(), where="both")["jobseekers"]
    assert both["demandeurs_emploi_abc"].to_dict() == {"69123": 30.0, "75056": 1995.0}
    alone, _ = pieces(dares.LAYOUT, pd.DataFrame(parts), Pile(), where="alone")["jobseekers"]
    assert alone["demandeurs_emploi_abc"].to_dict() == {"75056": 2000.0}


def test_roundings_are_told():
    pile = Pile()
    pieces(dares.LAYOUT, pd.DataFrame(CUBE), pile, where="file")
    assert "1 ou 2" in pile.notes[0].fr
    assert "may be 1 or 2" in pile.notes[0].en


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("categorie", "A"),
        ("sexe", "Ensemble"),
        ("tranche_d_age", "Tous"),
        ("type_de_donnees", "CVS"),
        ("date", "2025-T1"),
    ],
)
def test_categories_that_changed_are_refused_and_named(field, value):
    with pytest.raises(SourceFormatError, match=rf"{field}.*{value}"):
        dares.LAYOUT.tidy(pd.DataFrame([registered("39198", "2000", **{field: value})]))


def test_a_commune_that_stands_twice_is_refused():
    with pytest.raises(TableError, match="39198"):
        pieces(dares.LAYOUT, pd.DataFrame([registered("39198", "5"), registered("39198", "10")]), Pile(), where="f")


def test_another_count_of_jobseekers_is_not_recognised(published):
    ((_, raw),) = read_texts(published / "emploi" / "emploi_demandeur.zip")
    layouts = (*cnaf.LAYOUTS, *dares.LAYOUTS, *urssaf.LAYOUTS, *bpe.LAYOUTS)
    assert not [layout.id for layout in layouts if layout.recognise(frozenset(raw.columns))]


@pytest.mark.parametrize(
    ("name", "jobs", "people"),
    [
        ("jura39_defm2024_urssaf2025_communes.csv", (492, 60_179, 28), 16_685),
        ("deuxsevres79_defm2024_urssaf2025_communes.csv", (252, 101_635, 3), 23_890),
    ],
)
def test_published_extracts_of_both_producers(published, name, jobs, people):
    ((_, raw),) = read_texts(published / "dares_urssaf" / name)
    assert dares.EXTRACT.recognise(frozenset(raw.columns))
    assert not urssaf.LAYOUT.recognise(frozenset(raw.columns))
    tidy = pieces(dares.EXTRACT, raw, Pile(), where=name)
    employees, jobseekers = tidy["employees"][0]["effectifs_salaries"], tidy["jobseekers"][0]["demandeurs_emploi_abc"]
    assert (len(employees), employees.sum(), employees.isna().sum()) == jobs
    assert jobseekers.sum() == people
    assert (employees == 0).any()
    assert (jobseekers % 5 == 0).all()


# ---------------------------------------------------------------- Urssaf

BUSINESS = [
    ("39198", "6201Z", "12", "15"),
    ("39198", "4711F", "", "30"),
    ("39001", "6201Z", "4", "0"),
    ("39002", "6201Z", "7", ""),
    ("75101", "6201Z", "", "100"),
    ("75102", "6201Z", "", "200"),
]
ESTABLISHMENTS = [
    {"code_commune": code, "intitule_commune": f"{code} X", "code_departement": code[:2], "code_ape": ape,
     "nombre_d_etablissements_2025": "1", "effectifs_salaries_2024": before, "effectifs_salaries_2025": now}
    for code, ape, before, now in BUSINESS
]  # fmt: skip


def test_a_whole_file_is_summed_by_commune_for_its_latest_year():
    raw = pd.DataFrame(ESTABLISHMENTS)
    assert urssaf.LAYOUT.recognise(frozenset(raw.columns))
    read = urssaf.LAYOUT.columns(frozenset(raw.columns))
    assert read == {"code_commune", "code_ape", "effectifs_salaries_2025"}
    employees, _ = pieces(urssaf.LAYOUT, raw[sorted(read)], Pile(), where="file")["employees"]
    assert employees["effectifs_salaries"].dropna().to_dict() == {"39198": 45.0, "39001": 0.0, "75056": 300.0}
    assert np.isnan(employees.loc["39002", "effectifs_salaries"])


@pytest.mark.parametrize(
    ("parts", "total", "state"),
    [
        (["100", "s"], None, "secret"),
        (["s", "s"], None, "secret"),
        (["s", ""], None, "secret"),
        (["100", "nd"], None, "not published"),
        (["", ""], None, "not published"),
        (["100", ""], 100.0, None),
        (["0", "100"], 100.0, None),
    ],
)
def test_a_secret_part_is_no_zero_and_a_blank_adds_nothing(parts, total, state):
    rows = [ESTABLISHMENTS[0] | {"code_ape": str(n), "effectifs_salaries_2025": one} for n, one in enumerate(parts)]
    frame, states = pieces(urssaf.LAYOUT, pd.DataFrame(rows), Pile(), where="file")["employees"]
    code = rows[0]["code_commune"]
    figure = frame.loc[code, "effectifs_salaries"]
    assert (None if np.isnan(figure) else figure) == total
    assert states.get((code, "effectifs_salaries")) == ("secret" if state == "secret" else None)


def test_the_portal_sums_and_no_figure_at_all_stays_unknown(door, dole):
    with serve({path_of("urssaf_effectifs"): portal(ESTABLISHMENTS)}) as server:
        raw, tidy = around(door(server), "urssaf_effectifs", dole)
    (request,) = server.requests
    assert request.param("group_by") == "code_commune,code_departement"
    assert "sum(effectifs_salaries_2025) as total_effectifs_salaries_2025" in request.param("select")
    assert (raw.frame.set_index("code_commune").loc["39002", "total_effectifs_salaries_2025"]) == "0.0"
    employees, _ = tidy["employees"]
    assert employees["effectifs_salaries"].dropna().to_dict() == {"39198": 45.0, "39001": 0.0}
    assert np.isnan(employees.loc["39002", "effectifs_salaries"])


def test_france_is_asked_by_groups_of_departements(door):
    base = _base.communes()
    first = base[base["epsg"].notna()].groupby("code_departement").head(1)
    rows = [
        ESTABLISHMENTS[0] | {"code_commune": code, "code_departement": area}
        for code, area in first["code_departement"].items()
    ]
    with serve({path_of("urssaf_effectifs"): portal(rows)}) as server:
        (raw,) = LOADERS["urssaf_effectifs"].national(door(server), entry("urssaf_effectifs"))
    asked = [re.findall(r'"(\w+)"', where) for where in wheres(server)]
    assert max(len(codes) for codes in asked) <= urssaf.BATCH
    assert sorted(code for codes in asked for code in codes) == sorted(first["code_departement"])
    assert sorted(raw.frame["code_commune"]) == sorted(first.index)
    assert len(raw.sha256) == 64
    assert raw.notes == ()


def test_a_figure_that_is_no_number_is_refused():
    with pytest.raises(TableError, match="douze"):
        urssaf.LAYOUT.tidy(pd.DataFrame([ESTABLISHMENTS[0] | {"effectifs_salaries_2025": "douze"}]))


# ---------------------------------------------------------------- answers that changed


def csv(rows):
    return Reply(200, pd.DataFrame(rows).to_csv(sep=";", index=False), "text/csv")


ROW = {"annee": "2023", "numepci": DOLE, "txcouv_epci": "77.4"}


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (csv([{"annee": "2023", "code_epci": DOLE, "txcouv_epci": "77.4"}]), "no column 'numepci'"),
        (csv([{"annee": "2023", "numepci": DOLE}]), "no column 'txcouv_epci'"),
        (Reply(200, "annee;numepci;txcouv_epci\n", "text/csv"), "no row for"),
        (csv([ROW | {"numepci": "200026573", "txcouv_epci": "1"}, ROW | {"numepci": "241234567"}]), "'241234567'"),
        (Reply(200, "annee,numepci\n", "text/csv"), "no column 'txcouv_epci'"),
    ],
    ids=["a renamed key", "a missing figure", "empty", "an ignored filter", "another separator"],
)
def test_an_answer_that_is_not_what_was_asked_is_refused_and_not_kept(door, dole, reply, words):
    source = entry("cnaf_taux_epci")
    with serve({path_of("cnaf_taux_epci"): reply}) as server:
        here = door(server)
        with pytest.raises(SourceFormatError, match=words) as caught:
            list(LOADERS[source.id].around(here, source, dole))
        assert cached(here, source) is None
    assert source.title in str(caught.value)
    assert source.landing_page in str(caught.value)


def test_what_the_portal_says_of_a_bad_request_is_shown(door, dole):
    body = '{"message": "ODSQL query is malformed: Unknown field: numepci.", "error_code": "ODSQLError"}'
    with (
        serve({path_of("cnaf_taux_epci"): Reply(400, body, "application/json")}) as server,
        pytest.raises(Exception, match="Unknown field: numepci"),
    ):
        list(LOADERS["cnaf_taux_epci"].around(door(server), entry("cnaf_taux_epci"), dole))


def test_an_answer_is_asked_once(door, dole):
    with serve({path_of("cnaf_taux_epci"): portal(EPCI)}) as server:
        here = door(server)
        first, _ = around(here, "cnaf_taux_epci", dole)
        again, _ = around(here, "cnaf_taux_epci", dole)
    assert len(server.requests) == 1
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert first.sha256 == again.sha256


def test_a_national_file_may_be_placed_by_hand(tmp_path):
    folder = tmp_path / "cache" / "by-hand" / "cnaf_taux_dep"
    folder.mkdir(parents=True)
    (folder / "txcouv_pe_dep.csv").write_text("\ufeffannee;numdep;txcouv_dep\r\n2023;39;66.1\r\n", encoding="utf-8")
    here = Door(tmp_path / "cache", offline=True)
    (raw,) = LOADERS["cnaf_taux_dep"].national(here, entry("cnaf_taux_dep"))
    assert raw.frame.loc[0, "txcouv_dep"] == "66.1"


def test_several_answers_make_one_table(door):
    source = entry("cnaf_taux_dep")
    rows = [{"annee": "2023", "numdep": f"{code:03d}", "txcouv_dep": "50"} for code in range(100, 700)]
    query = Query(
        frozenset({"annee", "txcouv_dep"}), field="numdep", codes=tuple(f"{code:03d}" for code in range(100, 700))
    )
    with serve({path_of("cnaf_taux_dep"): portal(rows)}) as server:
        raw = export(door(server), source, query)
    assert len(server.requests) > 1
    assert raw.frame["numdep"].tolist() == [row["numdep"] for row in rows]
    assert raw.notes == ()
