"""`diagnose` as a whole: the demonstration, what is unknown, references, repetition, and what is said."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from territoire_geo.columns import KINDS
from territoire_geo.contracts import CONTRACTS
from territoire_geo.diagnostic import diagnose
from territoire_geo.needs import NEEDS, mobility
from territoire_geo.tables import Absence, Tables

quiet = pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
A, B, C, D = small.CODES
BY_ID = {need.id: need for need in NEEDS}
HERE = small.territory()
FRAMES = ("measures", "context", "coverage", "structures", "reach", "scenarios", "targets")
SERIES = ("absences", "totals", "references")
OVERSEAS = "249740119"  # CA Intercommunale du Nord de La Réunion


def diagnosed(tables=None, territory=HERE, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(territory, tables or small.tables(), **options)


def assert_same(one, other):
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)
    for name in SERIES:
        pd.testing.assert_series_equal(getattr(one, name), getattr(other, name), check_exact=True)
    assert (one.warnings, one.settings) == (other.warnings, other.settings)


@pytest.fixture(scope="module")
def demo():
    return tg.load_demo()


@pytest.fixture(scope="module")
def dole(demo):
    return diagnosed(demo[1], demo[0])


# The demonstration


@pytest.mark.parametrize(
    ("need", "demand", "unmet", "tolerance"),
    [
        ("mobility", 2850, 440, 15),
        ("childcare", 1770, 92.5, 5),
        ("insertion", 2780, 340, 15),
        ("ageing", 13_200, 1700, 60),
        ("employment", 23_880, 950, 50),
    ],
)
def test_the_demonstration_has_the_known_orders_of_magnitude(dole, need, demand, unmet, tolerance):
    row = dole.summary().loc[need]
    assert row["demand"] == pytest.approx(demand, rel=0.005)
    assert row["unmet_people"] == pytest.approx(unmet, abs=tolerance)
    assert row["low"] <= row["unmet_people"] <= row["high"]
    assert row["known_share"] == pytest.approx(1)
    assert row["unknown"] == 0


def test_the_town_centre_is_not_cut_off_from_its_own_jobs(dole):
    row = dole.coverage.loc[("39198", "mobility")]
    assert row["unmet_people"] == 0
    assert row["demand"] > 1500


def test_less_than_one_structure_is_missing(dole):
    summary = dole.summary()
    assert 0 < summary.loc["insertion", "unmet_units"] < 1
    assert summary.loc["insertion", "gap_unit"] == "structures"


def test_rates_are_ratios_of_sums(dole):
    core = dole.territory.core
    assert len(core) == 47
    assert dole.totals["chomage_recensement"] == pytest.approx(100 * 2782.1 / 23_879.9, abs=5e-4)
    assert dole.measures["chomage_recensement"].mean() == pytest.approx(8.58, abs=0.01)
    assert dole.references["chomage_recensement"] == pytest.approx(100 * 11_962.3 / 117_319.9)
    assert np.isnan(dole.totals["niveau_vie_median"])


def test_jobseekers_are_known_for_the_jura_only(dole):
    outside = dole.territory.communes.index[dole.territory.communes["code_departement"] != "39"]
    assert dole.context.loc[outside, "demandeurs_emploi"].isna().all()
    assert dole.measures["demandeurs_emploi"].notna().all()
    assert dole.absences[outside[0], "demandeurs_emploi"] == "demandeurs_emploi_abc : non publié"


def test_structures_of_the_demonstration(dole):
    service = dole.structures.loc[("33965933600012", "AI")]
    assert service["is_siae"]
    assert service["mobility"] == service["childcare"] == "declared"
    demand = dole.summary()["demand"]
    assert 0 < service["people_childcare"] <= demand["childcare"]
    assert service["people_insertion"] == pytest.approx(demand["insertion"])  # the whole agglomeration
    assert not dole.structures.loc[dole.structures.index.get_level_values("kind") == "GEIQ", "is_siae"].any()
    assert dole.reach.loc[("39198", "mobility"), "answering"] >= 1
    assert dole.structures.crs == dole.territory.crs


# Sums and extremes


@quiet
def test_central_lies_between_low_and_high(dole):
    for result in (dole, diagnosed(needs=(mobility.need(share=0.9), *NEEDS[1:]))):
        known = result.coverage.dropna(subset="unmet_people")
        assert (known["low"] <= known["unmet_people"]).all()
        assert (known["unmet_people"] <= known["high"]).all()
        parts = known[["served", "saturated", "out_of_reach"]].sum(axis=1)
        assert parts.tolist() == pytest.approx(known["demand"].tolist())
        summary, totals = result.summary(), result.scenarios["unmet_people"]
        assert (summary["low"] <= summary["unmet_people"]).all()
        assert (summary["unmet_people"] <= summary["high"]).all()
        for need, total in totals.groupby("need"):
            assert summary.loc[need, "low"] == total.min()
            assert summary.loc[need, "high"] == total.max()
            assert total[need, "central"] == pytest.approx(summary.loc[need, "unmet_people"])


def test_shares_are_ratios_of_sums_where_all_is_known():
    """D has six children, and no rate: it counts on neither side."""
    rates = small.rates(**{f"EPCI_{small.CITY}": (60, 20), "FR_FR": (80, 30)})
    result = diagnosed(small.tables(childcare_rates=rates), small.territory(core=small.CODES), reference="france")
    frame = result.coverage.xs("childcare", level="need")
    row = result.summary().loc["childcare"]
    assert frame["demand"].sum() == pytest.approx(57)
    assert (row["unknown"], row["demand"]) == (1, pytest.approx(51))
    assert row["share"] == pytest.approx(frame["unmet_people"].sum() / 51)
    assert row["known_share"] == pytest.approx(51 / 57)
    assert result.totals["naissances_annuelles"] == pytest.approx(19)


def test_a_total_with_an_unknown_part_is_unknown():
    births = small.by_commune(naissances=[50, np.nan, 10, 10], annees=[5, 5, 5, 5])
    result = diagnosed(small.tables(births=births))
    assert np.isnan(result.totals["naissances_annuelles"])


def test_totals_of_the_sensitivity_are_of_the_same_communes():
    """A catchment that a setting leaves unknown keeps its central value in the total."""
    jobs = small.tables().activity.copy()
    jobs.loc[C, "emplois"] = np.nan
    result = diagnosed(small.tables(activity=jobs), needs=(BY_ID["employment"],))
    known = result.coverage.xs("employment", level="need")["unmet_people"].notna()
    totals = result.scenarios["unmet_people"].xs("employment")
    assert totals["central"] == pytest.approx(result.coverage["unmet_people"][known.to_numpy()].sum())
    assert totals.notna().all()


@pytest.mark.parametrize("need", ["employment", "mobility"])
def test_a_withheld_supply_is_unknown_and_never_a_shortage(need):
    """Were the jobs of B counted as none, its people and neighbours would pass for cut off from jobs."""
    jobs = small.tables().activity.copy()
    jobs.loc[B, "emplois"] = np.nan
    keys = pd.MultiIndex.from_tuples([(B, "emplois")], names=["code_commune", "column"])
    secret = MappingProxyType({"activity": pd.Series(Absence.SECRET.value, index=keys)})
    result = diagnosed(replace(small.tables(activity=jobs), absences=secret), needs=(BY_ID[need],))
    frame = result.coverage.xs(need, level="need")
    assert np.isnan(frame.loc[B, "unmet_people"])
    assert result.absences[B, need] == "emplois : secret"
    assert (frame["unmet_people"].isna() == ((frame["known_share"] < 0.75) | (frame.index == B))).all()
    assert frame["demand"].notna().all()


# What is unknown


@quiet
@pytest.mark.parametrize("field", list(CONTRACTS))
def test_without_a_table_the_diagnostic_runs_and_says_what_it_cannot_tell(field):
    result = diagnosed(small.tables(**{field: None}))
    summary = result.summary()
    touched = {
        "population": ["ageing"],
        "activity": ["mobility", "employment", "insertion"],
        "births": ["childcare"],
        "cars": ["mobility"],
        "childcare_rates": ["childcare"],
        "structures": ["insertion", "ageing"],
    }.get(field, [])
    for need in summary.index:
        unknown = need in touched
        assert np.isnan(summary.loc[need, "unmet_people"]) == unknown
        assert summary.loc[need, "unknown"] == (2 if unknown else 0)
        assert ((A, need) in result.absences.index) == unknown
        said = any(BY_ID[need].label_en in note.en and "never counted as zero" in note.en for note in result.warnings)
        assert said == unknown
    if field in {"births", "cars"}:
        assert result.absences[A, touched[0]].endswith("table non chargée")


@quiet
def test_nothing_at_all_is_unknown_not_zero():
    result = diagnosed(Tables())
    numbers = result.coverage.drop(columns=["reachable", "known_share"])
    assert numbers.isna().all(axis=None)
    assert result.coverage["known_share"].eq(0).all()
    assert not result.coverage["reachable"].any()
    assert result.measures.isna().all(axis=None)
    assert result.reach.isna().all(axis=None)
    assert list(result.structures.columns) == [
        "name", "naf", "is_siae", *(column for need in NEEDS for column in (need.id, f"people_{need.id}")), "geometry",
    ]  # fmt: skip
    assert result.summary()[["demand", "unmet_people", "low", "high", "unmet_units"]].isna().all(axis=None)


@quiet
def test_a_territory_of_one_commune():
    alone = small.territory(core=(D,))
    single = replace(alone, communes=alone.communes.loc[[D]])
    result = diagnosed(territory=single)
    assert result.summary().loc["employment", "unmet_units"] == pytest.approx(80 * (0.9 - 10 / 80))
    assert_same(result, diagnosed(territory=single))


@quiet
@pytest.mark.parametrize("structures", [small.structures(), small.structures(("1", "ACI", "", None))])
def test_structures_that_are_nowhere(structures):
    result = diagnosed(small.tables(structures=structures))
    assert len(result.structures) == len(structures)
    assert result.structures["people_insertion"].isna().all()
    zero = len(structures) == 0
    assert result.summary().loc["insertion", "unknown"] == (0 if zero else 2)
    assert result.reach["siae"].eq(0).all() == zero


@quiet
def test_overseas_without_figures():
    there = tg.load_territory(OVERSEAS)
    population = there.communes[["population"]].assign(pop_65_plus=there.communes["population"] / 10)
    result = diagnosed(Tables(population=population), there)
    assert result.territory.crs.to_epsg() == 2975
    assert result.summary()["unmet_people"].isna().all()
    assert result.coverage.xs("ageing", level="need")["demand"].notna().all()
    assert any("no home-help structure is loaded" in note.en for note in result.warnings)


def test_a_secret_figure_gives_its_reason():
    activity = small.tables().activity.copy()
    activity.loc[B, ["actifs_15_64", "chomeurs_15_64"]] = np.nan
    keys = pd.MultiIndex.from_tuples([(B, "actifs_15_64"), (B, "chomeurs_15_64")], names=["code_commune", "column"])
    secret = pd.Series(Absence.SECRET.value, index=keys)
    tables = replace(small.tables(activity=activity), absences=MappingProxyType({"activity": secret}))
    result = diagnosed(tables)
    assert result.absences[B, "insertion"] == "chomeurs_15_64 : secret"
    assert result.absences[B, "chomage_recensement"] == "chomeurs_15_64 : secret ; actifs_15_64 : secret"
    assert np.isnan(result.coverage.loc[(B, "insertion"), "unmet_people"])
    assert result.coverage.loc[(A, "insertion"), "known_share"] < 0.75
    assert result.absences[A, "insertion"] == "chiffres ou norme inconnus pour plus du quart du bassin"


def test_a_ratio_without_denominator_does_not_apply():
    cars = small.tables().cars.copy()
    cars.loc[B] = 0
    result = diagnosed(small.tables(cars=cars))
    assert np.isnan(result.measures.loc[B, "menages_sans_voiture"])
    assert result.absences[B, "menages_sans_voiture"] == Absence.NOT_APPLICABLE


# References and needs


def with_levels():
    keys = [("DEP", "39"), ("REG", "27"), ("FR", "FR"), ("DEP", "21"), ("EPCI", small.CITY)]
    index = pd.MultiIndex.from_tuples(keys, names=["niveau", "code"])
    names = ["Jura", "Bourgogne-Franche-Comté", "la France entière", "Côte-d'Or", "CA d'essai"]
    frame = pd.DataFrame({"nom": names, "emplois": [90.0, 80, 70, 60, 50], "actifs_15_64": 100.0}, index=index)
    return small.tables(references=frame)


@quiet
@pytest.mark.parametrize(
    ("asked", "target", "label"),
    [
        ("departement", 0.9, "moyenne (Jura)"),
        ("Département", 0.9, "moyenne (Jura)"),
        ("region", 0.8, "moyenne (Bourgogne-Franche-Comté)"),
        ("france", 0.7, "moyenne (France)"),
        ("D21", 0.6, "moyenne (Côte-d'Or)"),
        ("21", 0.6, "moyenne (Côte-d'Or)"),
        ("R27", 0.8, "moyenne (Bourgogne-Franche-Comté)"),
        (small.CITY, 0.5, "moyenne (CA d'essai)"),
        ({"employment": 1.5}, 1.5, "cible choisie"),
        ({"mobility": 500}, 0.9, "moyenne (Jura)"),
    ],
)
def test_references(asked, target, label):
    result = diagnosed(with_levels(), reference=asked, needs=(BY_ID["employment"], BY_ID["mobility"]))
    assert result.coverage.xs("employment", level="need")["target"].eq(target).all()
    assert result.targets.loc["employment", ["label", "value"]].tolist() == [label, target]
    assert result.summary().loc["employment", "reference"] == label


@quiet
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("canton", tg.UnknownTerritoryError),
        ("D99", tg.UnknownTerritoryError),
        ({"housing": 1}, ValueError),
        ({"ageing": 0}, ValueError),
        ({"ageing": np.nan}, ValueError),
    ],
)
def test_refused_references(asked, error):
    with pytest.raises(error, match="reference"):
        diagnosed(with_levels(), reference=asked)


@quiet
def test_some_needs_only_and_another_reach():
    whole, part = diagnosed(), diagnosed(needs=(BY_ID["employment"], BY_ID["insertion"].within(15)))
    assert part.summary().index.tolist() == ["employment", "insertion"]
    chosen = whole.coverage.xs("employment", level="need")
    pd.testing.assert_frame_equal(part.coverage.xs("employment", level="need"), chosen)
    # Within 15 minutes, 5/10/15: A-B at 6.24 min weighs 0.68, A-C nothing.
    aci, ai = 1 / (40 + 0.68 * 20), 1 / (20 + 0.68 * 40 + 0.22 * 10)
    assert part.coverage.loc[(A, "insertion"), "access"] == pytest.approx(aci + 0.68 * ai)
    assert part.settings["needs"]["insertion"]["reach"] == 15
    with pytest.raises(ValueError, match="no need"):
        diagnosed(needs=())


def test_every_column_of_the_contract():
    result = diagnosed()
    assert result.coverage.index.names == ["code_commune", "need"]
    assert list(result.coverage.columns) == [
        "demand", "access", "target", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach",
        "reachable", "known_share", "low", "high",
    ]  # fmt: skip
    assert list(result.reach.columns) == [*KINDS, "siae", "answering", "nearest_minutes"]
    assert result.coverage["reachable"].dtype == bool
    assert set(result.measures.columns) == set(result.definitions) == set(result.totals.index)
    assert result.measures.index.equals(HERE.core)
    assert result.context.index.tolist() == [C, D]


# Repetition


@quiet
def test_the_same_call_gives_the_same_result(demo, dole):
    assert_same(diagnosed(demo[1], demo[0]), dole)


def shuffled(frame, rng):
    return None if frame is None else frame.iloc[rng.permutation(len(frame))]


@quiet
def test_the_order_of_rows_changes_no_bit(demo, dole):
    territory, tables = demo
    rng = np.random.default_rng(7)
    mixed = {name: shuffled(getattr(tables, name), rng) for name in tables.loaded}
    moved = replace(territory, communes=shuffled(territory.communes, rng))
    again = diagnosed(replace(tables, **mixed), moved)
    assert_same(again, dole)


@pytest.mark.filterwarnings("ignore")
def test_two_threads_at_once(demo, dole):
    """Warnings are the one thing threads share, so they are ignored around them."""
    other = small.tables()
    calls = [demo, (HERE, other)]
    alone = diagnose(HERE, other)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda call: diagnose(*call), calls))
    for one, expected in zip(found, [dole, alone], strict=True):
        assert_same(one, expected)


def test_inputs_stay_as_they_were():
    tables = small.tables()
    before = {name: getattr(tables, name).copy() for name in tables.loaded}
    communes = HERE.communes.copy()
    diagnosed(tables)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(tables, name), frame)
    pd.testing.assert_frame_equal(HERE.communes, communes)


# What is said


def test_every_note_is_a_warning_that_names_the_line_of_the_caller():
    with pytest.warns(tg.TerritoireGeoWarning) as caught:
        result = diagnose(HERE, small.tables(structures=None))
    assert [(w.category, str(w.message)) for w in caught] == [(note.category, note.en) for note in result.warnings]
    assert {w.filename for w in caught} == {__file__}
    assert {w.category for w in caught} == {tg.ApproximateTravelWarning, tg.SuppressedValueWarning}


@quiet
def test_notes_are_said_once_in_two_languages():
    result = diagnosed(small.tables(structures=None))
    assert len(set(result.warnings)) == len(result.warnings)
    assert all(note.fr and note.en and note.fr != note.en for note in result.warnings)


@quiet
def test_settings_name_every_convention():
    said = diagnosed(speed_kmh=60).settings
    assert (said["speed_kmh"], said["detour"], said["travel"]) == (60, 1.3, {"car": "convention", "bike": "convention"})
    assert {need.id: repr(need.decay) for need in NEEDS} == {
        key: value["decay"] for key, value in said["needs"].items()
    }
    assert {len(value["sensitivity"]) for value in said["needs"].values()} == {2}


def test_steps_of_the_default_weights():
    labels = [repr(NEEDS[rank].decay) for rank in (1, 2)]
    assert labels == ["steps(5→1, 10→0.68, 15→0.22)", "steps(10→1, 20→0.68, 30→0.22)"]
    for first, second in pairwise([0.0, 10.0, 20.0, 30.0]):
        assert NEEDS[2].decay(np.array([first])) >= NEEDS[2].decay(np.array([second]))


@pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
def test_beyond_the_extent_of_a_list_needs_are_unknown():
    territory = tg.load_territory("39478", buffer_km=10)
    diagnostic = tg.diagnose(territory, tg.load_tables(territory, sources="demo"))
    coverage = diagnostic.coverage.xs("ageing", level="need")
    assert coverage["unmet_people"].isna().all()
    assert coverage["demand"].notna().all()
    assert diagnostic.reach["siae"].isna().all()
