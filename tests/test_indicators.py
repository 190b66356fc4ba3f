"""The indicators: the whole list, each formula by hand, ratios of sums, what is unknown, what cannot be computed."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import _small_territory as small
from territoire_geo import activities, load_tables, load_territory, travel
from territoire_geo.contracts import CONTRACTS
from territoire_geo.indicators import DERIVED, MEASURES, NOT_AVAILABLE, catalogue
from territoire_geo.loaders import bmo, insee_base, insee_comparateur
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._refine import pieces
from territoire_geo.measures import ENOUGH, Inputs, Measure, Polarity, Reference, brought_by
from territoire_geo.needs import NEEDS
from territoire_geo.tables import Tables

quiet = pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
A, B, C, D = small.CODES
HERE = small.territory()
BY_ID = {measure.id: measure for measure in MEASURES}
LIST = {"M": 8, "C": 7, "E": 10, "I": 4, "A": 3, "F": 2, "L": 2, "N": 2}  # family -> number of indicators
SEVERAL = {"M8": 4, "E5": 2, "I2": 2, "A1": 2, "L2": 2}  # indicators that are several measures
AB = pd.Index([A, B])


def inputs_of(tables, territory=HERE, needs=NEEDS):
    points = travel.supply_points(territory, tables, needs)
    levels = pd.DataFrame(columns=[need.id for need in needs])
    if tables.structures is not None:
        levels = activities.levels(tables.structures, tables.activities, needs)
    minutes = {"car": travel.by_distance(territory, points, travel.CAR, 30.0)}
    return Inputs(territory, tables, minutes, Reference("DEP", "39", "Jura"), levels)


def places(*rows):
    """Give (type, km)."""
    found = [(f"p{rank}", kind, "x", *small.lonlat(km)) for rank, (kind, km) in enumerate(rows)]
    return pd.DataFrame(found, columns=["id", "type", "name", "lon", "lat"]).set_index("id")


def hiring(*rows):
    """Give (area, trade, projects, hard)."""
    names = ["code_bassin", "code_metier", "projets", "difficiles"]
    return pd.DataFrame(rows, columns=names).set_index(names[:2]).astype("float64")


def basins(**areas):
    """Give commune=area."""
    frame = pd.DataFrame({"code_commune": [code.lstrip("c") for code in areas], "code_bassin": list(areas.values())})
    return frame.assign(nom_bassin="x")


def whole(**changes):
    """Give every table that an indicator reads, with figures in A, B, C and D."""
    structures = small.structures(
        ("1", "ACI", "88.99B", 0.0), ("2", "AI", "7820Z", B), ("3", "GEIQ", "7830Z", A), ("4", "EA", "8121Z", 12.0),
        ("5", "EI", "38.32Z", 12.0),
    )  # fmt: skip
    facilities = small.facilities(("A304", C, 1.0), ("500", A, 1.0), ("500", C, 1.0), ("202", A, 1.0))
    base = {
        "population": small.by_commune(
            population=[1000, 500, 300, 200], pop_65_plus=[200, 100, 60, 40], pop_75_plus=[100, 50, 30, 20]
        ),
        "activity": small.by_commune(
            actifs_15_64=[400, 200, 100, 80], chomeurs_15_64=[40, 20, 10, 8], emplois=[500, 20, 300, 10],
            pop_15_64=[600, 400, 200, 100], actifs_occupes_15_plus=[400, 160, 100, 80],
        ),
        "prime_age": small.by_commune(
            femmes_25_54=[200, 100, 50, 20], femmes_25_54_occupees=[150, 60, 45, 10],
            hommes_25_54=[250, 100, 50, 20], hommes_25_54_occupes=[225, 80, 40, 20],
        ),
        "commuting": small.by_commune(
            actifs_occupes=[400, 200, 100, 80], hors_commune=[100, 150, 50, 80], voiture=[300, 190, 90, 80],
            transports_commun=[40, 2, 0, 0],
        ),
        "families": small.by_commune(familles=[300, 150, 80, 50], familles_monoparentales=[60, 15, 8, 5]),
        "living_alone": small.by_commune(pop_80_plus=[50, 20, 10, 5], pop_80_plus_seuls=[25, 5, 5, 1]),
        "working_parents": small.by_commune(
            jeunes_enfants=[30, 15, 6, 6], jeunes_enfants_parents_occupes=[18, 12, 3, 3]
        ),
        "wage_earners": small.by_commune(
            salaries_15_plus=[350, 150, 80, 60], salaries_precaires=[35, 30, 8, 6],
            femmes_salariees=[160, 80, 40, 30], femmes_salariees_temps_partiel=[40, 40, 10, 3],
        ),
        "education": small.by_commune(
            non_scolarises_15_plus=[700, 350, 200, 150], peu_diplomes=[140, 105, 40, 30],
            pop_18_24=[80, 40, 20, 10], scolarises_18_24=[40, 10, 10, 5],
        ),
        "housing": small.by_commune(
            logements=[500, 250, 120, 60], logements_vacants=[50, 10, 12, 6],
            residences_principales=[450, 200, 100, 50], locataires_hlm=[90, 0, 10, 0],
            residences_occupation=[440, 205, 98, 50], residences_suroccupees=[44, 5, 4.9, 1],
        ),
        "income": small.by_commune(
            niveau_vie_median=[20_000, 22_000, 21_000, 19_000], taux_pauvrete=[0.2, np.nan, np.nan, np.nan]
        ),
        "jobseekers": small.by_commune(
            demandeurs_emploi_abc=[50, 30, 10, 10], demandeurs_emploi_un_an=[25, 10, 5, 5]
        ),
        "structures": structures.assign(postes=[10.0, 6.0, 3.0, 2.0, 4.0]),
        "facilities": facilities.assign(capacite=[np.nan, 40, 20, 10]),
        "places": places(("gare", 8.0), ("covoiturage", 0.0), ("france_services", 4.0), ("service_numerique", 12.0)),
        "hiring": hiring(("2701", "a", 100, 40), ("2701", "b", 60, 40), ("2702", "a", 10, np.nan)),
        "basins": basins(**{f"c{A}": "2701", f"c{B}": "2701", f"c{C}": "2702"}),
    }  # fmt: skip
    return small.tables(**(base | changes))


WHOLE = inputs_of(whole())


def known(values):
    return [None if np.isnan(value) else pytest.approx(value) for value in values]


# The list


def test_every_indicator_of_the_list_is_in_the_catalogue():
    rows = catalogue()
    assert rows.index.is_unique
    assert list(rows["code"].drop_duplicates())[:-1] == [f"{f}{n + 1}" for f, size in LIST.items() for n in range(size)]
    counts = rows.loc[rows["code"] != "", "code"].value_counts()
    assert {code: count for code, count in counts.items() if count > 1} == SEVERAL
    assert set(rows["kind"]) == {"measure", "derived", "not available"}
    assert set(rows.loc[rows["kind"] == "derived", "code"]) == set(DERIVED)
    assert set(rows.loc[rows["kind"] == "not available", "code"]) == set(NOT_AVAILABLE)


def test_every_indicator_is_documented_in_two_languages():
    rows = catalogue()
    for column in ("label", "label_en", "unit", "unit_en", "formula"):
        assert rows[column].str.strip().eq(rows[column]).all()
        assert rows[column].ne("").all()
    assert rows["label"].ne(rows["label_en"]).sum() == len(rows) - 1  # Population
    assert set(rows["polarity"]) == {polarity.value for polarity in Polarity}
    measures = rows[rows["kind"] == "measure"]
    assert measures["reference"].ne("").all()
    assert not measures["label"].duplicated().any()


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.id)
def test_variables_are_columns_of_the_contracts(measure):
    for variable in measure.variables:
        table, column = variable.split(".")
        contract = CONTRACTS[table]
        assert column in {
            *contract.key, *contract.numbers, *contract.optional, *contract.texts, *contract.optional_texts
        }  # fmt: skip
        assert all(brought_by(variable))
    assert measure.denominator is not None or not measure.part
    assert measure.denominator is not None or measure.less is None
    assert measure.less is None or set(measure.less.variables) <= set(measure.variables)


def test_derived_indicators_name_a_need_and_a_column_of_its_coverage():
    needs = {need.id for need in NEEDS}
    assert {one.need for one in DERIVED.values()} <= needs
    assert {one.column for one in DERIVED.values()} == {"access", "unmet_people", "unmet_units"}


def test_the_nine_first_measures_keep_their_names():
    assert {
        "population", "part_65_plus", "menages_sans_voiture", "chomage_recensement", "demandeurs_emploi",
        "emplois_pour_100_actifs", "naissances_annuelles", "taux_couverture_petite_enfance", "niveau_vie_median",
    } <= set(BY_ID)  # fmt: skip


# Formulas by hand

NAN = float("nan")
EXPECTED = {
    "population": [1000, 500, 300, 200],
    "menages_sans_voiture": [20, 5, 0, 20],
    "travaillent_hors_commune": [25, 75, 50, 100],
    "dependance_voiture": [75, 95, 90, 100],
    "transports_en_commun": [10, 1, 0, 0],
    "minutes_pole_emploi": [30, 30, 30, NAN],  # no commune has 5,000 jobs
    "minutes_gare": [12.48, 6.24, 6.24, NAN],
    "minutes_covoiturage": [0, 6.24, 18.72, NAN],
    "minutes_france_services": [6.24, 0, 12.48, NAN],
    "minutes_auto_ecole": [18.72, 12.48, 1.56, NAN],
    "naissances_annuelles": [10, 5, 2, 2],
    "enfants_moins_3_ans": [30, 15, 6, 6],
    "taux_couverture_petite_enfance": [60, 60, 60, NAN],
    "enfants_parents_occupes": [60, 80, 50, 50],
    "familles_monoparentales": [20, 10, 10, 10],
    "ecart_emploi_femmes": [90 - 75, 80 - 60, 80 - 90, 100 - 50],
    "chomage_recensement": [10, 10, 10, 10],
    "demandeurs_emploi": [12.5, 15, 10, 12.5],
    "demandeurs_longue_duree": [50, 100 / 3, 50, 50],
    "emplois_pour_100_actifs": [125, 10, 300, 12.5],
    "concentration_emploi": [125, 12.5, 300, 12.5],
    "ecart_emplois": [-100, 180, -200, 70],
    "ecart_emplois_30_min": [-120, -120, -120, NAN],
    "taux_emploi": [60, 45, 45, 72],
    "salaries_precaires": [10, 20, 10, 10],
    "temps_partiel_femmes": [25, 50, 25, 10],
    "niveau_vie_median": [20_000, 22_000, 21_000, 19_000],
    "taux_pauvrete": [20, NAN, NAN, NAN],
    "recrutements_difficiles": [50, 50, NAN, NAN],
    "equipement_iae": [200, 200, 400, 0],
    "siae_30_min": [3, 3, 3, NAN],
    "minutes_siae": [0, 1.56, 0, NAN],
    "metiers_siae_30_min": [2, 2, 2, NAN],  # 78 and 38; 88.99B tells no trade, the GEIQ and the EA are no SIAE
    "part_65_plus": [20, 20, 20, 20],
    "part_75_plus": [10, 10, 10, 10],
    "part_80_plus_seuls": [50, 25, 50, 20],
    "places_personnes_agees": [500, 0, 2000 / 3, 0],
    "minutes_aide_domicile": [6.24, 1.56, 0, NAN],  # the AI of B (probable) and the EA at 12 km (81.21Z)
    "peu_diplomes": [20, 30, 20, 20],
    "non_scolarises_18_24": [50, 75, 50, 50],
    "logements_vacants": [10, 4, 10, 10],
    "locataires_hlm": [20, 0, 10, 0],
    "suroccupation": [10, 500 / 205, 5, 2],
    "minutes_aide_numerique": [18.72, 12.48, 0, NAN],
}


def test_every_measure_has_figures_by_hand():
    assert set(EXPECTED) == set(BY_ID)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_measure_by_hand(name):
    values = BY_ID[name].compute(WHOLE)
    assert values.name == name
    assert values.index.tolist() == list(small.CODES)
    assert values.tolist() == pytest.approx(EXPECTED[name], nan_ok=True, abs=2e-3)
    assert BY_ID[name].missing(WHOLE) == ""


TOTALS = {
    "menages_sans_voiture": 100 * 100 / 650,
    "ecart_emploi_femmes": 100 * (305 / 350 - 210 / 300),
    "equipement_iae": 1000 * 16 / 80,
    "ecart_emplois": 80,
    "naissances_annuelles": 15,
    "suroccupation": 100 * 49 / 645,
    "taux_emploi": 100 * 540 / 1000,
    "places_personnes_agees": 1000 * 50 / 150,
    "niveau_vie_median": NAN,
    "taux_pauvrete": NAN,
    "recrutements_difficiles": NAN,
    "minutes_gare": NAN,
    "siae_30_min": NAN,
    "ecart_emplois_30_min": NAN,  # the two communes reach the same jobs
}


@pytest.mark.parametrize("name", TOTALS)
def test_a_perimeter_is_a_ratio_of_sums(name):
    assert BY_ID[name].aggregate(WHOLE, AB) == pytest.approx(TOTALS[name], nan_ok=True)


def test_a_job_pole_is_where_thousands_work():
    jobs = small.tables().activity.assign(emplois=[5000, 20, 4999, np.nan])
    assert BY_ID["minutes_pole_emploi"].compute(inputs_of(whole(activity=jobs))).tolist() == pytest.approx(
        [1.56, 6.24, 18.72, NAN], nan_ok=True
    )


def test_the_worst_served_are_at_thirty_minutes_and_never_unknown():
    far = inputs_of(whole(places=places(("gare", 40.0))))
    assert BY_ID["minutes_gare"].compute(far).tolist() == pytest.approx([30, 30, 30, NAN], nan_ok=True)
    everywhere = small.territory(core=small.CODES)
    assert BY_ID["minutes_gare"].compute(inputs_of(whole(), everywhere)).tolist() == pytest.approx(
        [12.48, 6.24, 6.24, 30]
    )


def test_nothing_is_told_where_the_surroundings_are_not_loaded():
    """C is 8 km from the core: with a buffer of 27 km what lies within 19.2 km of it is not all there."""
    narrow = inputs_of(whole(), small.territory(buffer_km=27.0))
    for name in ("minutes_gare", "siae_30_min", "ecart_emplois_30_min", "minutes_pole_emploi"):
        assert BY_ID[name].compute(narrow).isna().tolist() == [False, False, True, True]


def test_a_list_that_stops_tells_nothing_beyond():
    tables = replace(whole(), extents={"structures": AB, "places": AB, "facilities": AB})
    for name in ("siae_30_min", "minutes_siae", "metiers_siae_30_min", "minutes_gare", "minutes_auto_ecole",
                 "equipement_iae", "minutes_aide_domicile", "places_personnes_agees"):  # fmt: skip
        assert BY_ID[name].compute(inputs_of(tables)).isna().tolist() == [False, False, True, True], name


def test_a_bus_is_no_fixed_place():
    travelling = inputs_of(whole(places=places(("france_services", 12.0), ("france_services_itinerante", 0.0))))
    assert BY_ID["minutes_france_services"].compute(travelling)[A] == pytest.approx(18.72)


def test_an_area_told_in_part_is_unknown():
    """Trades whose count is withheld are left out of both sums, if they hold a quarter of the projects at most."""
    rate = BY_ID["recrutements_difficiles"]
    for withheld, expected in ((50, 50), (54, NAN)):
        table = hiring(("2701", "a", 100, 40), ("2701", "b", 60, 40), ("2701", "c", withheld, np.nan))
        found = rate.compute(inputs_of(whole(hiring=table)))
        assert found[A] == pytest.approx(expected, nan_ok=True)
    twice = pd.concat([basins(**{f"c{A}": "2701"}), basins(**{f"c{A}": "2702"})])
    assert np.isnan(rate.compute(inputs_of(whole(basins=twice)))[A])


def test_children_are_those_of_their_age_when_known_everywhere():
    ages = whole().population.assign(enfants_moins_3_ans=[40, 20, 10, 5])
    assert BY_ID["enfants_moins_3_ans"].compute(inputs_of(whole(population=ages))).tolist() == [40, 20, 10, 5]
    ages = ages.assign(enfants_moins_3_ans=[40, np.nan, 10, 5])
    assert BY_ID["enfants_moins_3_ans"].compute(inputs_of(whole(population=ages))).tolist() == [30, 15, 6, 6]
    only = inputs_of(whole(births=None, population=ages.assign(enfants_moins_3_ans=[40, 20, 10, 5])))
    assert BY_ID["enfants_moins_3_ans"].missing(only) == ""


def test_posts_that_are_unknown_are_not_none():
    structures = whole().structures.assign(postes=[10.0, np.nan, 3.0, 2.0, 4.0])
    values = BY_ID["equipement_iae"].compute(inputs_of(whole(structures=structures)))
    assert values.tolist() == pytest.approx([200, NAN, 400, 0], nan_ok=True)


def test_home_help_may_be_ones_own_services_only():
    services = small.facilities(("460", C, 1.0))
    inputs = inputs_of(whole(structures=None, facilities=services))
    assert BY_ID["minutes_aide_domicile"].missing(inputs) == ""
    assert BY_ID["minutes_aide_domicile"].compute(inputs).tolist() == pytest.approx(
        [18.72, 12.48, 1.56, NAN], nan_ok=True
    )


# Ratios of sums

COUNTS = st.lists(
    st.tuples(st.floats(0, 1e5), st.floats(0, 1), st.booleans(), st.floats(1, 1e5)), min_size=4, max_size=4
)


def random_inputs(rows):
    wholes, shares, gaps, people = (list(column) for column in zip(*rows, strict=True))
    parts = [np.nan if gap else whole * share for whole, share, gap in zip(wholes, shares, gaps, strict=True)]
    table = small.by_commune(logements=wholes, logements_vacants=parts)
    communes = HERE.communes.assign(population=people)
    return Inputs(replace(HERE, communes=communes), Tables(housing=table), {}, WHOLE.reference, pd.DataFrame())


@settings(max_examples=50, deadline=None)
@given(COUNTS)
def test_an_aggregate_is_the_ratio_of_the_sums_that_are_known(rows):
    inputs, measure = random_inputs(rows), BY_ID["logements_vacants"]
    parts = measure.parts(inputs)
    there = parts.dropna()
    people = inputs.territory.communes["population"]
    share = people[there.index].sum() / people.sum()
    assert measure.known_share(inputs, inputs.index) == pytest.approx(share)
    value = measure.aggregate(inputs, inputs.index)
    whole = there["denominator"].sum()
    if share < ENOUGH or not whole > 0:
        assert np.isnan(value)
        return
    assert value == pytest.approx(100 * there["numerator"].sum() / whole)
    rates = measure.compute(inputs)[there.index].dropna()
    assert rates.min() - 1e-6 <= value <= rates.max() + 1e-6  # a mean weighted by the denominators
    assert measure.aggregate(inputs, inputs.index[::-1]) == pytest.approx(value)
    assert measure.aggregate(inputs, there.index) == pytest.approx(value)


@settings(max_examples=40, deadline=None)
@given(COUNTS)
def test_a_perimeter_of_one_commune_is_the_commune(rows):
    inputs, measure = random_inputs(rows), BY_ID["logements_vacants"]
    values = measure.compute(inputs)
    for code in inputs.index:
        assert measure.aggregate(inputs, pd.Index([code])) == pytest.approx(values[code], nan_ok=True)


def test_one_unknown_commune_does_not_empty_a_territory():
    cars = small.by_commune(menages=[450, 200, np.nan, 50], menages_voiture=[360, 190, 100, 40])
    inputs, measure = inputs_of(small.tables(cars=cars)), BY_ID["menages_sans_voiture"]
    assert measure.aggregate(inputs, inputs.index) == pytest.approx(100 * 110 / 700)
    assert measure.known_share(inputs, inputs.index) == pytest.approx(1700 / 2000)
    births = small.by_commune(naissances=[50, 25, np.nan, 10], annees=[5, 5, 5, 5])
    inputs, count = inputs_of(small.tables(births=births)), BY_ID["naissances_annuelles"]
    assert count.aggregate(inputs, inputs.index) == pytest.approx(17)  # of the communes that are known
    assert count.known_share(inputs, inputs.index) == pytest.approx(0.85)
    assert count.aggregate(inputs, pd.Index([A, C])) == pytest.approx(10)  # 1,000 of 1,300 people
    assert np.isnan(count.aggregate(inputs, pd.Index([B, C])))  # 500 of 800 people
    assert np.isnan(count.aggregate(inputs, inputs.index[:0]))


def test_a_commune_without_denominator_has_no_rate_and_counts_in_none():
    cars = small.by_commune(menages=[450, 0, 100, 50], menages_voiture=[360, 0, 100, 40])
    inputs, measure = inputs_of(small.tables(cars=cars)), BY_ID["menages_sans_voiture"]
    assert np.isnan(measure.compute(inputs)[B])
    assert measure.aggregate(inputs, AB) == pytest.approx(20)
    assert measure.known_share(inputs, AB) == 1


def test_a_difference_of_rates_is_that_of_two_ratios_of_sums():
    measure = BY_ID["ecart_emploi_femmes"]
    assert measure.parts(WHOLE).isna().all(axis=None)  # no two sums make it up
    lost = whole().prime_age.assign(femmes_25_54=[200, 100, np.nan, 20])
    inputs = inputs_of(whole(prime_age=lost))
    assert np.isnan(measure.compute(inputs)[C])
    assert measure.known_share(inputs, inputs.index) == pytest.approx(0.85)
    men, women = 100 * (225 + 80 + 20) / 370, 100 * (150 + 60 + 10) / 320
    assert measure.aggregate(inputs, inputs.index) == pytest.approx(men - women)


def test_parts_are_the_two_counts():
    parts = BY_ID["menages_sans_voiture"].parts(WHOLE)
    assert parts.columns.tolist() == ["numerator", "denominator"]
    assert parts.loc[A].tolist() == [90, 450]
    assert BY_ID["population"].parts(WHOLE)["denominator"].isna().all()
    for measure in MEASURES:
        if measure.part:
            both = measure.parts(WHOLE).dropna()
            assert (both["numerator"] <= both["denominator"]).all(), measure.id


def test_a_rounding_is_no_negative_part():
    """Weighted counts are rounded: households with a car may exceed households by less than a hundredth."""
    cars = small.by_commune(menages=[450, 200, 100, 50], menages_voiture=[450.005, 190, 100, 40])
    inputs = inputs_of(small.tables(cars=cars))
    assert BY_ID["menages_sans_voiture"].compute(inputs)[A] == 0
    assert (BY_ID["menages_sans_voiture"].parts(inputs)["numerator"] >= 0).all()


# Small numbers


def test_rates_on_fewer_than_two_hundred_are_fragile():
    assert BY_ID["menages_sans_voiture"].fragile(WHOLE).tolist() == [False, False, True, True]  # 450, 200, 100, 50
    assert BY_ID["ecart_emploi_femmes"].fragile(WHOLE).tolist() == [False, True, True, True]
    women = whole().prime_age.assign(femmes_25_54=[199, 100, 50, 20])
    assert BY_ID["ecart_emploi_femmes"].fragile(inputs_of(whole(prime_age=women)))[A]
    assert not BY_ID["population"].fragile(WHOLE).any()
    assert not BY_ID["minutes_gare"].fragile(WHOLE).any()
    nothing = BY_ID["menages_sans_voiture"].fragile(inputs_of(small.tables(cars=None)))
    assert nothing.tolist() == [False] * 4  # unknown is not small
    census = [one for one in MEASURES if one.part and one.id != "demandeurs_longue_duree"]
    assert all(one.small == 200 for one in census)


# What cannot be computed

READ = sorted({variable.partition(".")[0] for measure in MEASURES for variable in measure.variables} | {"places"})


@pytest.mark.parametrize("table", ["nothing", "all", *READ])
def test_a_reason_is_given_when_there_is_no_figure_and_only_then(table):
    tables = Tables() if table == "all" else whole(**({} if table == "nothing" else {table: None}))
    inputs = inputs_of(tables)
    for measure in MEASURES:
        reasons = [measure.missing(inputs), measure.missing(inputs, lang="en")]
        nowhere = measure.compute(inputs).isna().all()
        assert [bool(reason) for reason in reasons] == [nowhere] * 2, (measure.id, reasons)
        if nowhere:
            assert reasons[0] != reasons[1]
            assert np.isnan(measure.aggregate(inputs, AB))
            assert not measure.fragile(inputs).any()


REASONS = {
    "suroccupation": (
        "table « housing » non chargée ; source : Insee, recensement, base communale « logement »",
        "housing",
    ),
    "demandeurs_longue_duree": ("colonne « demandeurs_emploi_un_an » absente de la table « jobseekers »", "jobseekers"),
    "equipement_iae": (
        "colonne « postes » absente de la table « structures » ; source : un fichier à vous",
        "agreements",
    ),
    "minutes_gare": ("table « places » non chargée ; source : SNCF, gares de voyageurs", "SNCF"),
    "minutes_auto_ecole": ("aucune ligne « A304 » dans la table « facilities » ; source : Insee", "no row A304"),
    "places_personnes_agees": ("aucune ligne « 500, 501, 502, 202 »", "FINESS"),
    "recrutements_difficiles": ("table « basins » non chargée ; source : France Travail", "employment areas"),
    "taux_pauvrete": ("colonne « taux_pauvrete » absente", "Filosofi"),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_says_what_lacks_and_who_brings_it(name):
    income = small.by_commune(niveau_vie_median=[20_000, 22_000, 21_000, 19_000])
    jobseekers = small.by_commune(demandeurs_emploi_abc=[50, 30, 10, 10])
    inputs = inputs_of(small.tables(income=income, jobseekers=jobseekers, hiring=whole().hiring))
    assert BY_ID[name].missing(inputs).startswith(REASONS[name][0])
    assert REASONS[name][1] in BY_ID[name].missing(inputs, lang="en")


def test_a_column_without_a_figure_here_is_told():
    cars = small.by_commune(menages=[450, 200, 100, 50], menages_voiture=[np.nan] * 4)
    said = BY_ID["menages_sans_voiture"].missing(inputs_of(small.tables(cars=cars)))
    assert said.startswith("aucun chiffre de « cars.menages_voiture » pour ce territoire")


def test_structures_that_are_nowhere_tell_nothing():
    lost = small.structures(("1", "ACI", "", None), ("2", "AI", "", None))
    inputs = inputs_of(small.tables(structures=lost))
    for name in ("siae_30_min", "minutes_siae", "minutes_aide_domicile"):
        assert BY_ID[name].missing(inputs)
    none = inputs_of(small.tables(structures=small.structures()))
    assert BY_ID["siae_30_min"].missing(none) == ""
    assert BY_ID["siae_30_min"].compute(none)[A] == 0  # the list is there, and has none
    assert BY_ID["minutes_siae"].compute(none)[A] == 30


def test_home_help_needs_the_need_of_ageing():
    inputs = inputs_of(whole(), needs=NEEDS[:1])
    assert "vieillissement" in BY_ID["minutes_aide_domicile"].missing(inputs)


def test_a_measure_says_nothing_lacks_when_its_own_rule_says_so():
    measure = Measure(
        "x", "x", "x", "x", Polarity.CONTEXT, ("cars.menages",), "x", lambda inputs: inputs.column("cars.menages"),
        lacking=lambda _inputs: ("rien", "nothing"),
    )  # fmt: skip
    assert (measure.missing(WHOLE), measure.missing(WHOLE, lang="en")) == ("rien", "nothing")


# Published files


def refined(layout, raw):
    return {name: frame for name, (frame, _) in pieces(layout, raw, Pile(), where="x").items()}


@pytest.fixture(scope="module")
def comparateur(published):
    raw = dict(read_texts(published / "insee" / "base_cc_comparateur_csv.zip"))["base_cc_comparateur"]
    return refined(insee_comparateur.LAYOUT, raw)


@pytest.mark.parametrize(
    ("code", "unemployment"), [("39198", 15.87), ("38185", 15.01), ("79329", 16.17), ("35236", 16.04)]
)
def test_unemployment_of_the_comparateur(comparateur, code, unemployment):
    territory = load_territory(code, buffer_km=0)
    tables = Tables(**{name: comparateur[name].loc[[code]] for name in ("activity", "housing")})
    inputs = Inputs(territory, tables, {}, Reference("FR", "FR", "France"), pd.DataFrame())
    for value in (BY_ID["chomage_recensement"].compute(inputs)[code],
                  BY_ID["chomage_recensement"].aggregate(inputs, territory.core)):  # fmt: skip
        assert value == pytest.approx(unemployment, abs=0.005)
    row = comparateur["activity"].loc[code]
    employed = 100 * (row["actifs_15_64"] - row["chomeurs_15_64"]) / row["pop_15_64"]
    assert BY_ID["taux_emploi"].compute(inputs)[code] == pytest.approx(employed)
    housing = comparateur["housing"].loc[code]
    vacant = 100 * housing["logements_vacants"] / housing["logements"]
    assert BY_ID["logements_vacants"].compute(inputs)[code] == pytest.approx(vacant)
    assert 3 < vacant < 20
    assert BY_ID["suroccupation"].missing(inputs).startswith("colonne « residences_suroccupees » absente")


def test_the_employed_are_the_active_who_are_not_unemployed(published):
    """Insee publishes the three: the employment rate needs no column of its own."""
    path = published / "insee" / "xls" / "base-ic-activite-residents-2016-com-cIA.xls"
    raw = next(text for _, text in read_texts(path) if "P16_ACT1564" in text.columns)
    active, unemployed, employed = (pd.to_numeric(raw[f"P16_{name}1564"]) for name in ("ACT", "CHOM", "ACTOCC"))
    assert (active - unemployed).tolist() == pytest.approx(employed.tolist())


def test_communes_of_the_employment_areas(published):
    raw = dict(read_texts(published / "bmo" / "bassin_emploi.zip"))
    (text,) = [text for text in raw.values() if bmo.COMMUNES.recognise(frozenset(text.columns))]
    areas = refined(bmo.COMMUNES, text)["basins"]
    codes = areas.index.get_level_values("code_commune")
    assert len(areas) == 37_498
    assert areas.xs("39198", level="code_commune")["nom_bassin"].tolist() == ["DOLE"]
    projects = next(
        refined(bmo.LAYOUT, text)["hiring"]
        for _, text in read_texts(published / "bmo" / "Base_open_data_BMO_2024.xlsx", bmo.LAYOUT.columns)
        if bmo.LAYOUT.recognise(frozenset(text.columns))
    )
    territory = load_territory("200010650", buffer_km=0)
    assert territory.communes.index.isin(codes).all()
    inputs = Inputs(
        territory, Tables(hiring=projects, basins=areas), {}, Reference("FR", "FR", "France"), pd.DataFrame()
    )
    rate = BY_ID["recrutements_difficiles"].compute(inputs)
    dole = areas.xs("39198", level="code_commune").index[0]
    both = projects.xs(dole, level="code_bassin").dropna()
    assert rate["39198"] == pytest.approx(100 * both["difficiles"].sum() / both["projets"].sum())
    assert 30 < rate["39198"] < 90


@quiet
def test_the_base_of_dwellings_stands_before_the_digest_of_the_comparateur(tmp_path):
    """Both in a folder, as for cars and births: neither is refused."""
    (tmp_path / "comparateur.csv").write_text(
        "CODGEO;NAIS1621;P22_LOG;P22_LOGVAC;P22_RP;P22_POP1564;P22_CHOM1564;P22_ACT1564\n39198;100;90;9;80;50;5;40\n"
    )
    territory = load_territory("39198", buffer_km=0)
    alone = load_tables(territory, sources=tmp_path)
    assert alone.housing.loc["39198"].tolist() == [90, 9, 80]
    (tmp_path / "logement.csv").write_text(
        "CODGEO;P22_LOG;P22_LOGVAC;P22_RP;P22_RP_VOIT1P;P22_RP_LOCHLMV\n39198;100;10;90;70;9\n"
    )
    tables = load_tables(territory, sources=tmp_path)
    assert tables.housing.loc["39198"].to_dict() == {
        "logements": 100, "logements_vacants": 10, "residences_principales": 90, "locataires_hlm": 9
    }  # fmt: skip
    assert tables.cars.loc["39198"].tolist() == [90, 70]
    assert tables.births.loc["39198", "naissances"] == 100
    assert [source.id for source in tables.sources["housing"]] == ["logement"]
    assert any(note.en.startswith("housing: logement takes the place of comparateur") for note in tables.notes)


def test_every_column_of_the_census_bases_has_its_place_in_a_contract():
    for table, formulas, needed in insee_base.TABLES:
        contract = CONTRACTS[table]
        assert set(formulas) <= {*contract.numbers, *contract.optional}
        assert set(needed) <= set(formulas)
        assert all(re.fullmatch(r"[PC]\{\}_\w+", part) for ways in formulas.values() for way in ways for part in way)


def test_names_of_commune_columns_are_unique():
    """Totals by département stand side by side under their names."""
    names = [n for c in CONTRACTS.values() if c.by_commune for n in (*c.numbers, *c.optional)]
    assert len(names) == len(set(names))


def test_trades_that_no_siae_tells_are_unknown_not_none():
    tables = small.tables(structures=small.structures(("1", "ACI", "88.99B", 0.0), ("2", "AI", "94.99Z", B)))
    found = BY_ID["metiers_siae_30_min"].compute(inputs_of(tables))
    assert np.isnan(found[A])
    assert found.isna()[B]
