"""Live loading and the national store, with sources made for the test: what is asked, what fails, what is kept."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from territoire_geo import SourceUnavailableError, TerritoireGeoWarning, load_tables, load_territory
from territoire_geo.errors import StaleSourceWarning, SuppressedValueWarning
from territoire_geo.loaders import _catalogue, _france, _live, _store, open_door
from territoire_geo.loaders._layout import Layout, Loader, Raw
from territoire_geo.tables import Note

pytestmark = pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
DOLE, TAVAUX = "39198", "39526"


@pytest.fixture(scope="module")
def dole():
    return load_territory("200010650", buffer_km=5)


@pytest.fixture
def door(tmp_path):
    return open_door(cache=tmp_path, offline=True)


def layout(table, **columns):
    return Layout(table, lambda _header: False, lambda raw: {table: raw.rename(columns=columns)})


def source_of(table, rows, *, source, failing=None, departements=None):
    """Make a loader of a catalogue source that gives the rows of the territory, or all of them."""

    def give(kept):
        if failing is not None:
            raise failing
        frame = pd.DataFrame(rows, dtype="str").fillna("")
        yield Raw(source, frame[kept(frame)], "ab" * 32, departements=departements)

    def around(_door, _entry, territory):
        return give(lambda frame: frame["code_commune"].isin(territory.communes.index))

    def national(_door, _entry):
        return give(lambda frame: frame["code_commune"].notna())

    return Loader(source, layout(table), around, national)


CARS = [
    {"code_commune": DOLE, "menages": "100", "menages_voiture": "80"},
    {"code_commune": TAVAUX, "menages": "10", "menages_voiture": "s"},
    {"code_commune": "75056", "menages": "900", "menages_voiture": "300"},
]
ACTIVE = [{"code_commune": DOLE, "pop_15_64": "60", "actifs_15_64": "50", "chomeurs_15_64": "5"}]
JOBS = [{"code_commune": DOLE, "emplois": "70"}, {"code_commune": TAVAUX, "emplois": "7"}]
WHOLE = [{"code_commune": DOLE, "actifs_15_64": "49", "chomeurs_15_64": "4", "emplois": "69"}]


@pytest.fixture
def sources(monkeypatch):
    def use(*loaders):
        for module in (_live, _france):
            monkeypatch.setattr(module, "LOADERS", loaders)

    return use


def test_two_sources_give_the_columns_of_one_table(dole, door, sources):
    sources(
        source_of("activity", ACTIVE, source="insee_activite"),
        source_of("activity", JOBS, source="insee_emplois"),
    )
    tables = load_tables(dole, door=door)
    assert tables.activity.loc[DOLE, ["actifs_15_64", "chomeurs_15_64", "emplois"]].tolist() == [50, 5, 70]
    assert np.isnan(tables.activity.loc[TAVAUX, "actifs_15_64"])
    assert tables.activity.loc[TAVAUX, "emplois"] == 7
    assert [source.id for source in tables.sources["activity"]] == ["insee_activite", "insee_emplois"]
    assert {source.sha256 for source in tables.sources["activity"]} == {"ab" * 32}
    assert tables.notes == ()


def test_a_failing_source_says_which_need_loses_what_and_the_others_load(dole, door, sources):
    down = SourceUnavailableError("Cars: no answer")
    sources(
        source_of("cars", CARS, source="insee_voitures", failing=down),
        source_of("activity", ACTIVE, source="insee_activite"),
    )
    with pytest.warns(TerritoireGeoWarning, match="Cars: no answer"):
        tables = load_tables(dole, door=door)
    assert tables.cars is None
    assert tables.activity is not None
    (note,) = tables.notes
    assert "ne répond pas : cars manque (besoins touchés : Mobilité)" in note.fr
    assert "(insee_voitures) does not answer: cars is missing (needs that lose by it: Mobility)" in note.en


@pytest.mark.parametrize("broken", ["12,3,4", "nombre", "-5"])
def test_a_source_whose_figures_are_wrong_is_left_out_whole(dole, door, sources, broken):
    rows = [*CARS, {"code_commune": "39001", "menages": broken, "menages_voiture": "1"}]
    sources(source_of("cars", rows, source="insee_voitures"), source_of("activity", ACTIVE, source="insee_activite"))
    tables = load_tables(dole, door=door)
    assert tables.cars is None
    assert "answered something else than its figures: cars is missing" in tables.notes[0].en


def test_a_stand_in_is_asked_only_when_its_table_is_missing(dole, door, sources):
    failing = SourceUnavailableError("down")
    first = source_of("activity", ACTIVE, source="insee_activite", failing=failing)
    jobs = source_of("activity", JOBS, source="insee_emplois")
    rest = source_of("activity", WHOLE, source="insee_comparateur")
    sources(first, jobs, rest)
    tables = load_tables(dole, door=door)
    # Figures of two vintages are not mixed: the stand-in gives the whole table.
    assert tables.activity.loc[DOLE, ["actifs_15_64", "chomeurs_15_64", "emplois"]].tolist() == [49, 4, 69]
    assert "another source stands in" in tables.notes[0].en
    counted = [{"id": "a", "code_equipement": "D502", "nombre": "2", "code_commune": DOLE}]
    never = source_of("facilities", counted, source="insee_bpe_points", failing=AssertionError("asked"))
    sources(source_of("facilities", counted, source="insee_bpe"), never)
    assert load_tables(dole, door=door).facilities["nombre"].tolist() == [2]


def test_nothing_at_all_is_one_error_that_says_what_to_do(dole, door, sources):
    sources(source_of("cars", CARS, source="insee_voitures", failing=SourceUnavailableError("Cars: offline")))
    with pytest.raises(SourceUnavailableError, match=r"(?s)sources fetch --france.*placed by hand:\n- Cars: offline$"):
        load_tables(dole, door=door)


def test_an_old_copy_is_told(dole, door, sources):
    given = source_of("cars", CARS, source="insee_voitures")

    def stale(*args):
        warnings.warn("old", StaleSourceWarning, stacklevel=2)
        yield from given.around(*args)

    sources(Loader("insee_voitures", given.layout, stale, given.national))
    tables = load_tables(dole, door=door)
    assert tables.notes[0].category is StaleSourceWarning
    assert "la copie déjà reçue est utilisée" in tables.notes[0].fr


def test_one_download_then_anywhere_offline(dole, door, sources):
    cars = source_of("cars", CARS, source="insee_voitures")
    sources(cars)
    brought = _france.fetch_france(door)
    assert [path.parent.name for path in brought.files] == ["cars", "references"]
    assert brought.failures == {}

    def never(*_args):
        raise AssertionError("asked")

    sources(Loader("insee_voitures", cars.layout, never, never))
    tables = load_tables(dole, door=door)
    assert tables.cars.index.tolist() == [DOLE, TAVAUX]
    assert tables.absence("cars.menages_voiture", pd.Index([DOLE, TAVAUX])).tolist() == ["", "secret"]
    (source,) = tables.sources["cars"]
    assert source == _catalogue.entry("insee_voitures").source(sha256="ab" * 32)
    paris = load_tables(load_territory("75056", buffer_km=5), door=door)
    assert paris.cars.loc["75056"].tolist() == [900, 300]


def test_a_failing_source_leaves_its_national_table_as_it_was(dole, door, sources):
    sources(source_of("cars", CARS, source="insee_voitures"), source_of("births", BIRTHS, source="insee_naissances"))
    _france.fetch_france(door)
    sources(
        source_of("cars", CARS, source="insee_voitures", failing=SourceUnavailableError("down")),
        source_of("births", [{**BIRTHS[0], "naissances": "31"}], source="insee_naissances"),
    )
    brought = _france.fetch_france(door)
    assert list(brought.failures) == ["insee_voitures"]
    tables = load_tables(dole, door=door)
    assert tables.cars.loc[DOLE, "menages"] == 100
    assert tables.births.loc[DOLE, "naissances"] == 31


BIRTHS = [{"code_commune": DOLE, "naissances": "30", "annees": "3"}]


def test_a_source_asked_for_by_its_name_comes_alone_and_stands_in(dole, door, sources):
    active = source_of("activity", ACTIVE, source="insee_activite")
    jobs = source_of("activity", JOBS, source="insee_emplois")
    stand_in = source_of("activity", WHOLE, source="insee_comparateur")
    sources(active, jobs, stand_in)
    brought = _france.fetch_france(door, only=["insee_activite"])
    assert [path.parent.name for path in brought.files] == ["activity"]
    assert list(_store.stored(door)["activity"]) == ["insee_activite"]
    both = load_tables(dole, door=door)  # one from the store, one asked
    assert both.activity.loc[DOLE, ["actifs_15_64", "emplois"]].tolist() == [50, 70]
    _france.fetch_france(door, only=["insee_comparateur"])  # asked by its name, it takes the place of the other
    assert list(_store.stored(door)["activity"]) == ["insee_comparateur"]
    assert load_tables(dole, door=door).activity.loc[DOLE, ["actifs_15_64", "emplois"]].tolist() == [49, 69]
    _france.fetch_france(door, only=["insee_activite"])  # and the other way round
    assert list(_store.stored(door)["activity"]) == ["insee_activite"]


def test_what_a_source_does_not_concern_is_left_alone(dole, door, sources):
    cars = source_of("cars", CARS, source="insee_voitures")
    births = source_of("births", BIRTHS, source="insee_naissances")
    sources(cars, births)
    before = load_tables(dole, door=door)
    _france.fetch_france(door, only=["insee_naissances"])
    after = load_tables(dole, door=door)
    pd.testing.assert_frame_equal(after.cars, before.cars)
    pd.testing.assert_frame_equal(after.population, before.population)
    assert after.references.columns.difference(before.references.columns).tolist() == []


def test_a_missing_column_is_no_small_loss(dole, door, sources):
    failing = SourceUnavailableError("down")
    active = source_of("activity", ACTIVE, source="insee_activite")
    sources(active, source_of("activity", JOBS, source="insee_emplois", failing=failing))
    note = load_tables(dole, door=door).notes[0]
    assert "part of activity is missing (needs that lose by it: Mobility, Employment, " in note.en
    assert "une partie de activity manque (besoins touchés : Mobilité, Emploi, " in note.fr
    stand_in = source_of("activity", WHOLE, source="insee_comparateur")
    sources(active, source_of("activity", JOBS, source="insee_emplois", failing=failing), stand_in)
    tables = load_tables(dole, door=door)
    assert tables.activity.loc[DOLE, ["actifs_15_64", "emplois"]].tolist() == [49, 69]
    assert "another source stands in" in tables.notes[0].en


def test_notes_of_a_source_are_kept_in_the_store(dole, door, sources):
    given = source_of("cars", CARS, source="insee_voitures")
    told = Note(SuppressedValueWarning, "arrondi", "rounded")

    def national(*args):
        return (replace(raw, notes=(told,)) for raw in given.national(*args))

    sources(Loader("insee_voitures", given.layout, given.around, national))
    _france.fetch_france(door)
    assert load_tables(dole, door=door).notes == (told,)


@pytest.mark.parametrize("wrong", ["half", "plain", "meta", "fields"])
def test_a_file_of_the_store_that_is_not_readable_is_told_and_asked_again(dole, door, sources, tmp_path, wrong):
    sources(source_of("cars", CARS, source="insee_voitures"))
    _france.fetch_france(door)
    path = tmp_path / "france" / "cars" / "insee_voitures.parquet"
    if wrong == "half":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif wrong == "plain":
        pd.DataFrame(CARS).to_parquet(path)
    else:
        table = pq.read_table(path)
        meta = json.loads(table.schema.metadata[b"territoire_geo"])
        changed = [meta] if wrong == "meta" else meta | {"sources": [{"unknown": 1}]}
        pq.write_table(table.replace_schema_metadata({b"territoire_geo": json.dumps(changed)}), path)
    tables = load_tables(dole, door=door)
    assert tables.cars.loc[DOLE, "menages"] == 100
    assert "laissée de côté" in tables.notes[0].fr
    assert str(path) in tables.notes[0].en


def test_the_files_of_the_store_may_be_shared(door, sources, tmp_path):
    sources(source_of("cars", CARS, source="insee_voitures"))
    _france.fetch_france(door)
    path = tmp_path / "france" / "cars" / "insee_voitures.parquet"
    (tmp_path / "other").touch()
    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_located_rows_of_the_store_are_those_of_the_territory(dole, door, sources):
    point = dole.points.to_crs(4326).loc[TAVAUX]
    rows = [
        {"siret": "1" * 14, "kind": "AI", "name": "par son code", "code_commune": "75101", "lon": "", "lat": ""},
        {"siret": "2" * 14, "kind": "AI", "name": "par son point", "code_commune": "", "lon": point.x, "lat": point.y},
        {"siret": "3" * 14, "kind": "AI", "name": "ailleurs", "code_commune": "", "lon": 2.35, "lat": 48.85},
        {"siret": "4" * 14, "kind": "AI", "name": "par sa ville", "post_code": "39100", "city": "DOLE"},
    ]
    frame = pd.DataFrame(rows).astype("object").where(lambda cells: cells.notna(), "").astype("str")

    def national(_door, _entry):
        yield Raw("iae", frame)

    sources(Loader("emplois_inclusion", layout("structures"), national, national))
    _france.fetch_france(door)
    tables = load_tables(dole, door=door)
    assert tables.structures["name"].tolist() == ["par son point", "par sa ville"]
    assert tables.structures["code_commune"].tolist() == [TAVAUX, DOLE]
    paris = load_tables(load_territory("75056", buffer_km=0), door=door)
    assert paris.structures["name"].tolist() == ["par son code", "ailleurs"]


def test_structures_are_totalled_where_they_are_all_listed(dole, door, sources):
    rows = [
        {"siret": "1" * 14, "kind": "AI", "name": "a", "code_commune": DOLE, "code_departement": "39"},
        {"siret": "2" * 14, "kind": "EI", "name": "b", "code_commune": TAVAUX, "code_departement": "39"},
    ]
    sources(source_of("structures", rows, source="emplois_inclusion", departements=("21", "39")))
    references = load_tables(dole, door=door).references
    assert references.loc[("DEP", "39"), "siae"] == 2
    assert references.loc[("DEP", "21"), "siae"] == 0  # listed whole, and without any
    assert ("REG", "27") not in references.index or np.isnan(references.loc[("REG", "27"), "siae"])


def test_structures_of_ones_own_do_not_extend_the_list(dole, door, sources, tmp_path):
    rows = [{"siret": "1" * 14, "kind": "AI", "name": "a", "code_commune": DOLE, "code_departement": "39"}]
    sources(source_of("structures", rows, source="emplois_inclusion", departements=("39",)))
    own = tmp_path / "own.csv"
    own.write_text(f"siret;kind;name;code_commune\n{'2' * 14};EI;b;{TAVAUX}\n", encoding="utf-8")
    tables = load_tables(dole, door=door, add=own)
    assert tables.references.loc[("DEP", "39"), "siae"] == 1  # as published
    elsewhere = dole.communes.index[~dole.communes["code_departement"].eq("39")]
    assert not tables.covered("structures", elsewhere).any()
