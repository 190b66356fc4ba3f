"""The contract of each table, and the bundle."""

import numpy as np
import pandas as pd
import pytest

from territoire_geo import Absence, Source, Tables
from territoire_geo.contracts import CONTRACTS, conform
from territoire_geo.errors import TableError

SIRET = "33965933600012"
ROWS = {
    "population": {"code_commune": "39198", "population": 100, "pop_65_plus": 20, "pop_75_plus": 10},
    "activity": {"code_commune": "39198", "pop_15_64": 60, "actifs_15_64": 50, "chomeurs_15_64": 5, "emplois": 80},
    "prime_age": {
        "code_commune": "39198",
        "femmes_25_54": 20,
        "femmes_25_54_occupees": 15,
        "hommes_25_54": 20,
        "hommes_25_54_occupes": 16,
    },
    "births": {"code_commune": "39198", "naissances": 10, "annees": 5},
    "cars": {"code_commune": "39198", "menages": 40, "menages_voiture": 30},
    "families": {"code_commune": "39198", "familles": 40, "familles_monoparentales": 9},
    "living_alone": {"code_commune": "39198", "pop_80_plus": 20, "pop_80_plus_seuls": 9},
    "working_parents": {"code_commune": "39198", "jeunes_enfants": 20, "jeunes_enfants_parents_occupes": 9},
    "wage_earners": {"code_commune": "39198", "salaries_15_plus": 40, "salaries_precaires": 5, "femmes_salariees": 20},
    "education": {"code_commune": "39198", "non_scolarises_15_plus": 80, "peu_diplomes": 20, "pop_18_24": 9},
    "housing": {"code_commune": "39198", "logements": 50, "logements_vacants": 5, "residences_principales": 40},
    "commuting": {"code_commune": "39198", "actifs_occupes": 40, "voiture": 30},
    "income": {"code_commune": "39198", "niveau_vie_median": 20_000, "taux_pauvrete": 0.19},
    "jobseekers": {"code_commune": "39198", "demandeurs_emploi_abc": 45},
    "employees": {"code_commune": "39198", "effectifs_salaries": 300},
    "flows": {"code_residence": "39198", "code_travail": "39300", "actifs": 12},
    "childcare_rates": {"niveau": "DEP", "code": "39", "taux": 110.5, "taux_eaje": 20},
    "childcare_places": {"id": "a", "places": 20, "type": "crèche", "lon": 5.49, "lat": 47.09},
    "facilities": {"id": "a", "code_equipement": "D502", "nombre": 1, "code_commune": "39198"},
    "structures": {"siret": SIRET, "kind": "AI", "name": "Jura Service", "naf": "7820Z", "lon": 5.49, "lat": 47.09},
    "activities": {"siret": SIRET, "kind": "AI", "need": "mobility", "source": "brochure"},
    "places": {"id": "a", "type": "gare", "name": "Dole", "lon": 5.49, "lat": 47.09},
    "hiring": {"code_bassin": "2701", "code_metier": "A0Z40", "projets": 10, "difficiles": 5},
    "basins": {"code_commune": "39198", "code_bassin": "2701", "nom_bassin": "Dole"},
    "references": {"niveau": "DEP", "code": "39", "nom": "Jura", "actifs_15_64": 117_319.9},
}


def one(name, **changes):
    return pd.DataFrame([{**ROWS[name], **changes}])


def test_every_field_has_a_contract_and_an_example():
    assert set(ROWS) == set(CONTRACTS)


@pytest.mark.parametrize("name", ROWS)
def test_a_table_in_its_contract_is_accepted_from_columns_or_index(name):
    frame = one(name)
    before = frame.copy()
    key = list(CONTRACTS[name].key)
    table = conform(name, frame)
    assert list(table.index.names) == key
    pd.testing.assert_frame_equal(conform(name, frame.set_index(key)), table)
    pd.testing.assert_frame_equal(conform(name, frame.set_index(key[0])), table)
    pd.testing.assert_frame_equal(conform(name, frame.set_index(key, drop=False)), table)
    pd.testing.assert_frame_equal(frame, before)  # the caller's frame never changes
    counted = [column for column in (*CONTRACTS[name].numbers, *CONTRACTS[name].optional) if column in table]
    assert (table[counted].dtypes == "float64").all()
    assert Tables(**{name: frame}).loaded == (name,)


@pytest.mark.parametrize("name", ROWS)
def test_a_missing_column_is_named(name):
    contract = CONTRACTS[name]
    for column in (*contract.key, *contract.numbers, *contract.texts):
        with pytest.raises(TableError, match=f"{name}: column '{column}' is missing"):
            conform(name, one(name).drop(columns=column))


@pytest.mark.parametrize("name", ROWS)
def test_a_repeated_or_empty_key_is_an_error(name):
    twice = pd.concat([one(name), one(name)])
    with pytest.raises(TableError, match=rf"{name}\..*stands on several rows"):
        conform(name, twice)
    for nothing in (None, ""):
        with pytest.raises(TableError, match=rf"{name}\.{CONTRACTS[name].key[0]}: a key is empty on row 0"):
            conform(name, one(name, **{CONTRACTS[name].key[0]: nothing}))


COUNTS = [(name, column) for name in ROWS for column in CONTRACTS[name].numbers] + [("references", "actifs_15_64")]


@pytest.mark.parametrize(("name", "column"), COUNTS)
@pytest.mark.parametrize(("value", "said"), [(-1.0, "'-1.0'"), (np.inf, "'inf'")])
def test_a_count_is_neither_negative_nor_infinite(name, column, value, said):
    with pytest.raises(TableError, match=rf"{name}\.{column}: {said}"):
        conform(name, one(name, **{column: value}))


@pytest.mark.parametrize(("name", "column"), [pair for pair in COUNTS if pair[0] != "references"])
@pytest.mark.parametrize("value", ["beaucoup", [1], pd.Timestamp("2020-01-01")])
def test_a_count_is_a_number(name, column, value):
    with pytest.raises(TableError, match=rf"{name}\.{column}"):
        conform(name, one(name).assign(**{column: pd.Series([value], dtype="object")}))


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("activity", {"chomeurs_15_64": 51}, "chomeurs_15_64 exceeds activity.actifs_15_64 for '39198'"),
        ("activity", {"pop_15_64": 49}, "actifs_15_64 exceeds activity.pop_15_64"),
        ("cars", {"menages_voiture": 41}, "menages_voiture exceeds cars.menages"),
        ("housing", {"logements_vacants": 51}, "logements_vacants exceeds housing.logements"),
        ("education", {"peu_diplomes": 81}, "peu_diplomes exceeds education.non_scolarises_15_plus"),
        ("living_alone", {"pop_80_plus_seuls": 21}, "pop_80_plus_seuls exceeds living_alone.pop_80_plus"),
        ("wage_earners", {"femmes_salariees": 41}, "femmes_salariees exceeds wage_earners.salaries_15_plus"),
        ("jobseekers", {"demandeurs_emploi_un_an": 50}, "demandeurs_emploi_un_an exceeds jobseekers.demandeurs"),
        ("population", {"pop_75_plus": 21}, "pop_75_plus exceeds population.pop_65_plus"),
        ("hiring", {"difficiles": 11}, "difficiles exceeds hiring.projets for '2701/A0Z40'"),
        ("income", {"taux_pauvrete": 19}, "taux_pauvrete is above 1 for '39198'. It is a share"),
        ("births", {"code_commune": "1001"}, "births.code_commune: '1001'.*'01001' was meant"),
        ("flows", {"code_travail": "1001"}, "flows.code_travail: '1001'.*'01001' was meant"),
        ("facilities", {"code_commune": "1001"}, "facilities.code_commune: '1001'.*'01001' was meant"),
        ("places", {"lon": 881_000.0, "lat": 6_660_000.0}, "places: 'a' has no longitude and latitude in degrees"),
        ("places", {"lon": 47.09, "lat": 5.49}, "places: lon and lat seem swapped for 'a'"),
        ("structures", {"siret": "3.39659E+13"}, "structures.siret: '3.39659E[+]13' was turned into a number"),
        ("structures", {"siret": 33965933600012.0}, "structures.siret: '33965933600012.0' was turned"),
        ("structures", {"geocoding_score": 80}, "geocoding_score is above 1"),
    ],
)
def test_what_breaks_a_contract_is_said_with_table_column_and_code(name, changes, said):
    with pytest.raises(TableError, match=said):
        conform(name, one(name, **changes))


@pytest.mark.parametrize("name", [name for name, contract in CONTRACTS.items() if contract.located])
def test_a_located_table_has_a_place(name):
    with pytest.raises(TableError, match=r"rows have no place\. Give columns lon and lat"):
        conform(name, one(name).drop(columns=["lon", "lat", "code_commune"], errors="ignore"))


@pytest.mark.parametrize("lon_lat", [(5.49, 47.09), (55.5, -21.1), (45.2, -12.8), (-52.3, 4.9), (-61.5, 16.2)])
def test_every_part_of_france_is_in_degrees(lon_lat):
    lon, lat = lon_lat
    assert conform("places", one("places", lon=lon, lat=lat))["lon"].item() == lon


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.Series([1.0]), "a Series is not a table"),
        ([1], "a list is not a table"),
        (pd.DataFrame([["39198", 1, 2]], columns=["code_commune", "naissances", "naissances"]), "stands twice"),
    ],
)
def test_what_is_no_table_is_said(frame, said):
    with pytest.raises(TableError, match=said):
        Tables(births=frame)


def test_unknown_stays_unknown_in_any_type():
    frame = pd.DataFrame({"code_commune": ["39198", "39300"], "naissances": pd.array([None, 3], dtype="Int64")})
    assert conform("births", frame)["naissances"].isna().tolist() == [True, False]


def test_contacts_are_never_kept_and_a_link_is_http():
    frame = one("structures", telephone="06", email="a@b.fr", Contact="x", website="javascript:alert(1)", city="Dole")
    table = conform("structures", frame)
    assert {"name", "naf", "lon", "lat", "website", "city"} == set(table.columns)
    assert table["website"].isna().all()
    assert conform("structures", one("structures", website="https://a.fr"))["website"].item() == "https://a.fr"


def test_references_take_any_count_and_leave_text_alone():
    frame = one("references", siae=24, commentaire="vu")
    assert conform("references", frame).dtypes.astype(str).to_dict() == {
        "nom": "str",
        "actifs_15_64": "float64",
        "siae": "float64",
        "commentaire": "str",
    }


# The bundle


def test_replace_checks_cites_the_user_and_leaves_the_first_bundle_alone():
    source = Source("s", "Naissances", "Insee", "", millesime="2020")
    first = Tables(births=one("births"), cars=one("cars"), sources={"births": (source,)})
    second = first.replace(births=one("births", naissances=99), cars=None)
    assert first.births["naissances"].item() == 10
    assert second.births["naissances"].item() == 99
    assert second.loaded == ("births",)
    assert second.sources["births"][0].producer == "utilisateur"
    assert "cars" not in second.sources
    with pytest.raises(TableError, match=r"births\.naissances: '-1.0'"):
        first.replace(births=one("births", naissances=-1.0))
    with pytest.raises(TableError, match=r"'birth' is not a table\. The tables are population"):
        first.replace(birth=one("births"))


def test_a_bundle_is_frozen_and_cut_off_from_the_callers_frame():
    frame = one("births")
    tables = Tables(births=frame)
    frame.loc[0, "naissances"] = 0
    assert tables.births["naissances"].item() == 10
    with pytest.raises(AttributeError):
        tables.births = None


def test_column_follows_the_index_and_knows_what_it_does_not_know():
    tables = Tables(births=one("births"), childcare_rates=one("childcare_rates"))
    index = pd.Index(["39300", "39198"], name="code_commune")
    assert tables.column("births.naissances", index).tolist() == pytest.approx([np.nan, 10], nan_ok=True)
    for unknown in ("cars.menages", "births.nothing", "childcare_rates.taux"):
        assert tables.column(unknown, index).isna().all()
    for no_table in ("birth.naissances", "naissances"):
        with pytest.raises(TableError, match=r"is no column\. Write table\.column"):
            tables.column(no_table, index)


def test_three_states_of_absence_and_zero_is_none():
    codes = ["39001", "39002", "39003", "39004"]
    frame = pd.DataFrame({"code_commune": codes, "naissances": [0, np.nan, np.nan, np.nan]})
    keys = pd.MultiIndex.from_tuples([("39002", "naissances"), ("39003", "naissances"), ("39004", "annees")])
    states = pd.Series([Absence.SECRET.value, Absence.NOT_APPLICABLE.value, Absence.SECRET.value], index=keys)
    tables = Tables(births=frame, absences={"births": states})
    said = tables.absence("births.naissances", pd.Index([*codes, "39005"]))
    assert said.tolist() == ["", "secret", "sans objet", "non publié", "non publié"]
    assert tables.replace(births=frame).absence("births.naissances", pd.Index(codes)).tolist()[1] == "non publié"


def test_absence_is_told_when_a_table_has_no_state_at_all():
    tables = Tables(births=one("births"), absences={"births": pd.Series(dtype="str")})
    assert tables.absence("births.naissances", pd.Index(["39001"])).tolist() == ["non publié"]


def test_a_source_is_cited_in_one_line():
    assert Source("id", "Recensement", "Insee", millesime="RP 2018").cite() == "Insee, Recensement, RP 2018"
