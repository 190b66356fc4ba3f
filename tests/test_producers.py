"""Every producer at once, on this machine: live, brought once for all of France, offline, and one failing at a time."""

import shutil
import socket

import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from _loopback import Reply, serve
from _producers import France, bases, routes
from territoire_geo.errors import SourceUnavailableError
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace, forget

pytestmark = pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
QUICK = Pace(attempts=2, backoff=0.01, connect=2, read=5, deadline=30, progress=False)
AROUND = ("21", "25", "39", "70", "71")
LOADED = {
    "population", "activity", "births", "cars", "families", "commuting", "income", "jobseekers", "employees", "flows",
    "childcare_rates", "facilities", "structures", "places", "hiring", "references", "living_alone", "wage_earners",
    "education", "housing", "prime_age",
}  # fmt: skip


@pytest.fixture(scope="module")
def france():
    return France(AROUND)


@pytest.fixture(scope="module")
def dole():
    return tg.load_territory("200010650", buffer_km=12)


@pytest.fixture(scope="module")
def producers(france):
    with serve(routes(france)) as server:
        yield server


@pytest.fixture(scope="module")
def live(producers, dole, tmp_path_factory):
    door = Door(tmp_path_factory.mktemp("cache"), bases=bases(producers.url), pace=QUICK)
    return door, tg.load_tables(dole, door=door)


def no_network(*_args, **_options):
    raise AssertionError("a socket was opened")


def test_every_table_is_loaded_with_its_sources(live):
    _, tables = live
    assert set(tables.loaded) == LOADED
    for name in LOADED:
        assert tables.sources[name], name
        assert all(source.producer and source.licence and source.millesime for source in tables.sources[name])
    assert [source.id for source in tables.sources["activity"]] == ["insee_activite", "insee_emplois"]


def test_figures_are_those_of_the_producers(live, dole, france):
    _, tables = live
    people = france.communes["population"].reindex(dole.communes.index)
    expected = {
        "population.pop_65_plus": 0.25, "activity.actifs_15_64": 0.45, "activity.emplois": 0.4, "cars.menages": 0.48,
        "cars.menages_voiture": 0.4, "births.naissances": 0.03, "families.familles_monoparentales": 0.05,
        "commuting.hors_commune": 0.3, "housing.logements_vacants": 0.05, "education.peu_diplomes": 0.2,
        "prime_age.hommes_25_54_occupes": 0.16, "living_alone.pop_80_plus_seuls": 0.03,
        "wage_earners.salaries_precaires": 0.07,
    }  # fmt: skip
    for variable, share in expected.items():
        pd.testing.assert_series_equal(
            tables.column(variable, people.index), share * people, check_names=False, rtol=1e-9
        )
    small = people.index[people <= 1000]
    assert tables.column("income.niveau_vie_median", small).isna().all()
    assert set(tables.absence("income.niveau_vie_median", small)) == {"secret"}
    assert tables.column("income.taux_pauvrete", pd.Index(["39198"])).tolist() == [0.15]
    assert tables.column("jobseekers.demandeurs_emploi_abc", pd.Index(["39198"])).item() % 5 == 0
    departement = france.communes.query("code_departement == '39'")["population"].sum()
    assert tables.references.loc[("DEP", "39"), "emplois"] == pytest.approx(0.4 * departement)
    assert tables.references.loc[("EPCI", "200010650"), "places_total"] == 100
    assert np.isnan(tables.hiring.loc[("2701", "A0Z40"), "difficiles"])


def test_structures_keep_their_kinds_and_no_contact(live):
    _, tables = live
    assert set(tables.structures.index.get_level_values("kind")) == {"AI", "ACI"}
    kinds = tables.structures.index.get_level_values("kind")
    assert set(zip(kinds, tables.structures["naf"], strict=True)) == {("AI", "88.10A"), ("ACI", "81.30Z")}
    assert tables.references.loc[("DEP", "39"), "siae_aide_domicile"] > 0
    text = tables.structures.to_csv() + tables.places.to_csv()
    assert "@" not in text
    assert "0384000000" not in text


def test_the_diagnostic_knows_the_five_needs(live, dole):
    _, tables = live
    summary = tg.diagnose(dole, tables).summary()
    assert summary[["demand", "unmet_people", "low", "high"]].notna().all(axis=None)


def test_asked_again_offline_it_is_the_same(live, dole, monkeypatch):
    door, tables = live
    monkeypatch.setattr(socket, "socket", no_network)
    again = tg.load_tables(dole, door=Door(door.cache, offline=True, bases=door.bases, pace=QUICK))
    for name in LOADED:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(tables, name))


def test_one_download_then_any_territory_offline(producers, live, dole, tmp_path, monkeypatch):
    _, tables = live
    door = Door(tmp_path, bases=bases(producers.url), pace=QUICK)
    brought = tg.fetch_france(door)
    assert brought.failures == {}
    assert {path.parent.name for path in brought.files} == LOADED
    monkeypatch.setattr(socket, "socket", no_network)
    offline = Door(tmp_path, offline=True, pace=QUICK)
    stored = tg.load_tables(dole, door=offline)
    for name in ("population", "activity", "births", "cars", "families", "commuting", "income", "facilities"):
        columns = getattr(tables, name).columns
        pd.testing.assert_frame_equal(
            getattr(stored, name)[columns], getattr(tables, name), check_exact=False, rtol=1e-9, check_like=True
        )
    told = {note.en for note in tables.notes}
    assert {note.en for note in stored.notes} >= {note for note in told if "rounds each figure" in note}
    figures = ["demand", "unmet_people", "low", "high", "reference"]
    pd.testing.assert_frame_equal(
        tg.diagnose(dole, stored).summary()[figures], tg.diagnose(dole, tables).summary()[figures], rtol=1e-9
    )
    elsewhere = tg.load_territory("242100410", buffer_km=5)  # Dijon Métropole
    assert tg.load_tables(elsewhere, door=offline).column("activity.emplois", elsewhere.core).notna().all()


LOSSES = {
    "melodi/data/DS_RP_FAMILLE_COMP": ("insee_familles", "families", ""),
    "melodi/data/DS_RP_LOGEMENT_PRINC": ("insee_voitures", None, ""),  # the base by commune stands in
    "melodi/data/DS_ETAT_CIVIL_NAIS_COMMUNES": ("insee_naissances", None, ""),  # the comparateur stands in
    "caf/txcouv_pe_epci/exports/csv": ("cnaf_taux_epci", None, ""),  # the other scales remain
    "dares/dares_defm_communales-brutes/exports/csv": ("dares_demandeurs", "jobseekers", ""),
    "urssaf/etablissements-et-effectifs-salaries-au-niveau-commune-x-ape-last/exports/csv": (
        "urssaf_effectifs", "employees", "",
    ),
    "emplois/siaes/": ("emplois_inclusion", "structures", "Insertion"),
    "sncf/gares-de-voyageurs/exports/csv": ("sncf_gares", None, ""),
}  # fmt: skip
FAULTS = {
    "refused": Reply(500, "Le serveur a rencontré une erreur inattendue.", "text/plain"),
    "too many": Reply(429, "slow down", "text/plain", headers={"Retry-After": "0"}),
    "page": Reply(200, "<html><body>Maintenance</body></html>", "text/html"),
    "cut": Reply(200, '{"observations": [{"dimens', "application/json", truncate=True),
    "reset": Reply(200, "abc" * 1000, "text/csv", reset=True),
    "other": Reply(200, '{"a": 1}', "application/json"),
    "empty": Reply(200, "", "text/csv"),
    "loop": Reply(302, "", headers={"Location": "/loop"}),
    "file": Reply(302, "", headers={"Location": "file:///etc/passwd"}),
}
PAIRS = [*((path, "page") for path in LOSSES), *(("melodi/data/DS_RP_FAMILLE_COMP", fault) for fault in FAULTS),
         *(("emplois/siaes/", fault) for fault in FAULTS)]  # fmt: skip


@pytest.fixture(scope="module")
def alone():
    return tg.load_territory("200010650", buffer_km=0)


@pytest.fixture(scope="module")
def kept(producers, alone, tmp_path_factory):
    door = Door(tmp_path_factory.mktemp("kept"), bases=bases(producers.url), pace=QUICK)
    tg.load_tables(alone, door=door)
    return door.cache


@pytest.fixture
def failing(producers, kept, tmp_path, monkeypatch):
    """Let one path fail, and ask again a source whose answers were kept."""

    def make(path, fault, source):
        shutil.copytree(kept, tmp_path / "cache")
        monkeypatch.setitem(producers.routes, "/loop", FAULTS["loop"])
        monkeypatch.setitem(producers.routes, f"/{path}", FAULTS[fault])
        door = Door(tmp_path / "cache", bases=bases(producers.url), pace=QUICK)
        forget(door, entry(source))
        return door

    return make


@pytest.mark.parametrize(("path", "fault"), sorted(set(PAIRS)))
def test_one_producer_fails_and_the_others_load(failing, alone, path, fault):
    source, lost, need = LOSSES[path]
    door = failing(path, fault, source)
    tables = tg.load_tables(alone, door=door)
    assert set(tables.loaded) >= LOADED - {lost}
    assert lost is None or getattr(tables, lost) is None
    told = [note for note in tables.notes if f"({source})" in note.en or entry(source).title in note.fr]
    assert any("ne répond pas" in note.fr or "autre chose que ses chiffres" in note.fr for note in told)
    assert not need or any(need in note.fr for note in told)
    assert not list((door.cache / "entries" / source).glob("*.json")), "a failure was kept"


def test_nobody_answers(dole, tmp_path):
    with serve({"*": Reply(503, "down", "text/plain")}) as server:
        door = Door(tmp_path, bases=bases(server.url), pace=Pace(attempts=1, progress=False))
        with pytest.raises(SourceUnavailableError, match="no source could be read") as caught:
            tg.load_tables(dole, door=door)
    assert "https://catalogue-donnees.insee.fr" in str(caught.value)
    assert "sources fetch --france" in str(caught.value)


def test_a_network_that_is_down_is_not_asked_for_ever(dole, tmp_path, caplog):
    with serve({}) as server:
        gone = server.url
    door = Door(tmp_path, bases=bases(gone), pace=Pace(attempts=3, backoff=0.01, progress=False))
    with pytest.raises(SourceUnavailableError, match=r"nothing answers at 127\.0\.0\.1"):
        tg.load_tables(dole, door=door)
    said = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert sum("cannot be reached" in message for message in said) < len(said) / 2
    assert said[-1].count("offline") == 1
