"""The five needs on four communes, every figure by hand."""

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
from territoire_geo import coverage, settings
from territoire_geo.activities import levels
from territoire_geo.diagnostic import diagnose
from territoire_geo.measures import Inputs
from territoire_geo.needs import NEEDS, _common, childcare, employment, mobility

pytestmark = pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
A, B, C, D = small.CODES
BY_ID = {need.id: need for need in NEEDS}
EVERYWHERE = small.territory(core=small.CODES)


def inputs_of(tables, reference="departement", needs=NEEDS):
    asked = settings.Settings(tuple(needs), {}, 50.0, 1.3, reference)
    minutes = settings.minutes_by_law(asked, EVERYWHERE, tables)["central"]
    known = tables.structures
    found = pd.DataFrame(columns=list(BY_ID)) if known is None else levels(known, tables.activities, needs)
    return Inputs(EVERYWHERE, tables, minutes, settings.find_reference(EVERYWHERE, tables, reference), found)


def assess(need, tables, reference="departement"):
    need = BY_ID.get(need, need)
    found = coverage.assess(need, inputs_of(tables, reference, (need,)), need.decay)
    frame, notes = found.frame, found.notes
    return frame, " ".join(note.en for note in notes)


def changed(table, row, **values):
    frame = getattr(small.tables(), table).copy()
    frame.loc[row, list(values)] = list(values.values())
    return small.tables(**{table: frame})


# Mobility


def test_carless_active_residents_and_the_jobs_they_reach():
    frame, notes = assess(mobility.need(share=0.8), small.tables())
    assert frame["demand"].tolist() == pytest.approx([400 * 0.2, 200 * 0.05, 0.0, 80 * 0.2])
    assert frame["access"].tolist() == [520.0, 520.0, 300.0, 10.0]
    assert frame["target"].tolist() == pytest.approx([0.8 * 820] * 3 + [0.8 * 10])
    lacking = [80 * (1 - 520 / 656), 10 * (1 - 520 / 656), 0.0, 0.0]
    assert frame["unmet_people"].tolist() == pytest.approx(lacking)
    assert frame["unmet_units"].tolist() == pytest.approx([80 * 136, 10 * 136, 0.0, 0.0])
    assert "overstates" in notes


def test_half_of_the_jobs_is_the_default_target():
    frame, _ = assess("mobility", small.tables())
    assert frame["target"].tolist() == [410.0, 410.0, 410.0, 5.0]
    assert not frame["unmet_people"].any()


@pytest.mark.parametrize("share", [0, -0.1, 1.1, np.nan])
def test_a_share_of_jobs_lies_between_0_and_1(share):
    with pytest.raises(ValueError, match="share"):
        mobility.need(share=share)


@pytest.mark.parametrize(
    ("active", "households", "expected"), [(0, 0, 0.0), (0, np.nan, 0.0), (80, 0, np.nan), (np.nan, 50, np.nan)]
)
def test_without_households_nobody_is_counted_only_when_nobody_works(active, households, expected):
    tables = changed("activity", D, actifs_15_64=active, chomeurs_15_64=0)
    cars = small.tables().cars.copy()
    cars.loc[D] = [households, households]
    frame, _ = assess("mobility", tables.replace(cars=cars))
    assert frame["demand"].iloc[3] == pytest.approx(expected, nan_ok=True)


def test_a_rounding_never_gives_fewer_than_nobody():
    frame, _ = assess("mobility", changed("cars", C, menages=100, menages_voiture=100.005))
    assert frame.loc[C, "demand"] == 0


def test_no_job_by_car_tells_nothing_of_the_need():
    frame, _ = assess("mobility", changed("activity", D, emplois=0))
    assert frame.loc[D, ["access", "target"]].tolist() == [0, 0]
    assert frame.loc[D, ["unmet_people", "served"]].isna().all()
    assert not frame.loc[D, "reachable"]


def test_unknown_jobs_within_reach_of_the_car_are_flagged():
    frame, _ = assess("mobility", changed("activity", C, emplois=np.nan))
    assert frame["known_share"].tolist() == pytest.approx([1500 / 1800, 1500 / 1800, 0.0, 1.0])
    assert frame.loc[C, ["access", "unmet_people"]].isna().all()
    assert frame.loc[A, "target"] == 0.5 * 520


# Childcare

EAJE = 0.2 * 51  # children of the EPCI: 30, 15 and 6
PLACES = [2 / 3 * EAJE + 0.4 * 30, 0.4 * 15, 1 / 3 * EAJE + 0.4 * 6, 0.5 * 6]


def test_three_years_of_births():
    assert childcare.children(inputs_of(small.tables())).tolist() == pytest.approx([30, 15, 6, 6])


def test_the_age_detail_counts_only_when_known_everywhere():
    population = small.tables().population.assign(enfants_moins_3_ans=[31.0, 16.0, 7.0, 8.0])
    given = inputs_of(small.tables(population=population))
    assert childcare.children(given).tolist() == [31, 16, 7, 8]
    assert BY_ID["childcare"].fitted(given).demand.label == "Enfants de moins de 3 ans"
    population.loc[D, "enfants_moins_3_ans"] = np.nan
    given = inputs_of(small.tables(population=population))
    assert childcare.children(given).tolist() == pytest.approx([30, 15, 6, 6])
    assert BY_ID["childcare"].fitted(given).demand is BY_ID["childcare"].demand


def test_places_follow_creches_and_children():
    found = childcare.places(inputs_of(small.tables()))
    assert found.tolist() == pytest.approx(PLACES)
    assert found[[A, B, C]].sum() == pytest.approx(0.6 * 51)


@pytest.mark.parametrize(
    "facilities", [None, small.facilities(("A122", B, 5.0)), small.facilities(("D502", D, 1.0))], ids=str
)
def test_without_a_creche_places_follow_the_children(facilities):
    tables = small.tables(facilities=facilities)
    assert childcare.places(inputs_of(tables))[[A, B, C]].tolist() == pytest.approx([18, 9, 3.6])


def test_an_unknown_number_of_creches_is_not_none():
    """B has crèches, how many is not told: were they none, A would take every EAJE place of the EPCI."""
    tables = small.tables(facilities=small.facilities(("D502", A, 1.0), ("D502", B, np.nan)))
    assert childcare.places(inputs_of(tables))[[A, B, C]].tolist() == pytest.approx([18, 9, 3.6])
    _, notes = assess("childcare", tables)
    assert "the number of crèches is unknown in 1 commune;" in notes


def test_creches_may_be_known_by_their_coordinates():
    lon, lat = zip(*(small.lonlat(km) for km in (0.3, 12.4)), strict=True)
    located = pd.DataFrame(
        {"code_equipement": "D502", "nombre": [2.0, 1.0], "lon": lon, "lat": lat}, index=pd.Index(["x", "y"], name="id")
    )
    assert childcare.places(inputs_of(small.tables(facilities=located))).tolist() == pytest.approx(PLACES)


def test_the_departement_rate_stands_in_and_says_so():
    given = inputs_of(small.tables())
    assert childcare.rates(given)["estimated"].tolist() == [False, False, False, True]
    _, notes = assess("childcare", small.tables())
    assert "département rate for want of the EPCI's in 1 communes, '39004' in the core" in notes
    _, notes = assess("childcare", small.tables(facilities=None))
    assert "(by children)" in notes


def test_neither_rate_known_is_unknown():
    only = small.rates(**{f"EPCI_{small.CITY}": (60, 20), "FR_FR": (80, 30)})
    frame, notes = assess("childcare", small.tables(childcare_rates=only), "france")
    assert np.isnan(frame.loc[D, "access"])
    assert frame.loc[D, "known_share"] == 0
    assert frame.loc[[A, B, C], "known_share"].eq(1).all()
    assert "département rate" not in notes


def test_children_share_the_places_within_5_10_and_15_minutes():
    frame, _ = assess("childcare", small.tables(), "france")
    a = PLACES[0] / (30 + 0.68 * 15)
    b = PLACES[1] / (15 + 0.68 * 30 + 0.22 * 6)
    c = PLACES[2] / (6 + 0.22 * 15)
    expected = [a + 0.68 * b, b + 0.68 * a + 0.22 * c, c + 0.22 * b, PLACES[3] / 6]
    assert frame["access"].tolist() == pytest.approx(expected)
    assert frame["target"].eq(0.8).all()
    missing = [kids * (0.8 - access) for kids, access in zip([30, 15, 6, 6], expected, strict=True)]
    assert frame["unmet_units"].tolist() == pytest.approx(missing)
    assert frame["saturated"].tolist() == pytest.approx([units / 0.8 for units in missing])


def test_own_places_replace_the_rates():
    own = pd.DataFrame({"places": [12.0], "type": ["crèche"], "code_commune": [B]}, index=pd.Index(["x"], name="id"))
    frame, notes = assess("childcare", small.tables(childcare_places=own))
    ratio = 12 / (15 + 0.68 * 30 + 0.22 * 6)
    assert frame["access"].tolist() == pytest.approx([0.68 * ratio, ratio, 0.22 * ratio, 0])
    assert not frame.loc[D, "reachable"]
    assert frame.loc[D, "out_of_reach"] == 6
    assert "your 12 places take the place of all those of the published rate" in notes
    assert "three average years of births" in notes


def test_own_places_of_unknown_number_are_said():
    own = pd.DataFrame(
        {"places": [12.0, np.nan], "type": "crèche", "code_commune": [B, A]}, index=pd.Index(["x", "y"], name="id")
    )
    _, notes = assess("childcare", small.tables(childcare_places=own))
    assert "of 2 places, 1 without a known address or capacity" in notes
    frame, _ = assess("childcare", small.tables(childcare_places=own.iloc[1:]))
    assert frame["access"].isna().all()


def test_births_without_their_number_of_years_are_unknown():
    births = small.tables().births.drop(columns="annees")
    result = diagnose(EVERYWHERE, small.tables(births=births), needs=(BY_ID["childcare"],))
    assert result.coverage["demand"].isna().all()
    assert result.absences[(A, "childcare")] == "annees : non publié"


def test_a_neighbouring_epci_cut_by_the_buffer_is_said():
    whole = small.tables().references
    row = pd.DataFrame({"population": [3000.0]}, index=pd.MultiIndex.from_tuples([("EPCI", small.CITY)]))
    _, notes = assess("childcare", small.tables(references=pd.concat([whole, row.rename_axis(whole.index.names)])))
    assert "1 neighbouring EPCI are loaded in part" in notes
    row["population"] = 1800.0
    _, notes = assess("childcare", small.tables(references=pd.concat([whole, row.rename_axis(whole.index.names)])))
    assert "loaded in part" not in notes


# Employment


def test_jobs_per_active_resident():
    frame, _ = assess("employment", small.tables())
    a, b, c = 500 / 668, 20 / 668, 300 / 508
    assert frame["access"].tolist() == pytest.approx([a + b + 0.68 * c, a + b + 0.68 * c, 0.68 * (a + b) + c, 10 / 80])
    assert frame["target"].eq(0.9).all()
    assert frame["unmet_units"].tolist() == pytest.approx([0, 0, 0, 80 * (0.9 - 0.125)])
    assert (frame["access"] * frame["demand"]).sum() == pytest.approx(830)


@pytest.mark.parametrize(
    ("column", "expected"), [("emplois", 810 / 580), ("actifs_15_64", 810 / 580), ("chomeurs_15_64", 830 / 780)]
)
def test_the_norm_falls_back_on_what_is_loaded_and_says_so(column, expected):
    """B counts on neither side when one of its figures is unknown."""
    tables = changed("activity", B, **{column: np.nan})
    frame, notes = assess("employment", tables.replace(references=None))
    assert frame["target"].iloc[0] == pytest.approx(expected)
    assert "norm of département 39 is unknown" in notes


def test_a_norm_of_zero_is_said():
    frame, notes = assess("insertion", small.tables(references=small.references(siae=0, chomeurs_15_64=100)))
    assert frame["unmet_people"].isna().all()
    assert "is zero" in notes


def test_around_points_the_norm_needs_the_demand_of_nearly_all():
    tables = changed("activity", D, chomeurs_15_64=np.nan).replace(references=None)
    frame, notes = assess("insertion", tables)
    assert frame["target"].isna().all()
    assert "the buffer cannot stand in" in notes
    frame, _ = assess("insertion", small.tables(references=None))
    assert frame["target"].iloc[0] == 2 / 78


def test_the_fall_back_counts_the_points_of_the_territory_only():
    wide = small.structures(("1", "ACI", "", 0.0), ("2", "AI", "", B), ("5", "AI", "", "75056"), ("6", "EI", "", 400.0))
    frame, _ = assess("insertion", small.tables(references=None, structures=wide))
    assert frame["target"].iloc[0] == 2 / 78


# Insertion


def test_only_siae_answer_the_unemployed():
    frame, notes = assess("insertion", small.tables())
    ratio = 1 / (40 + 20 + 0.68 * 10)  # the ACI in A; the AI known by its commune, B: the same weights
    assert frame["access"].tolist() == pytest.approx([2 * ratio, 2 * ratio, 0.68 * 2 * ratio, 0])
    assert frame["target"].eq(0.04).all()
    assert frame.loc[D, ["out_of_reach", "reachable"]].tolist() == [8, False]
    assert "posts are unknown" in notes


def test_posts_count_when_all_are_known():
    posts = small.tables().structures.assign(postes=[10.0, 30.0, np.nan, np.nan])  # those of GEIQ and EA are no matter
    tables = small.tables(structures=posts)
    frame, notes = assess("insertion", tables)
    assert frame.loc[A, "access"] == pytest.approx(40 / 66.8)
    assert "posts are unknown" not in notes
    result = diagnose(EVERYWHERE, tables, needs=(BY_ID["insertion"],))
    assert result.needs[0].gap_unit == "postes"
    assert "26 insertion employees per 1,000" in result.targets.loc["insertion", "label_en"]
    posts.loc[("2", "AI"), "postes"] = np.nan
    frame, notes = assess("insertion", small.tables(structures=posts))
    assert frame.loc[A, "access"] == pytest.approx(2 / 66.8)
    assert "posts are unknown" in notes


def test_registered_jobseekers_count_only_when_known_everywhere():
    seekers = small.by_commune(demandeurs_emploi_abc=[60, 30, 15, 12])
    tables = small.tables(jobseekers=seekers)
    frame, _ = assess("insertion", tables)
    assert frame["demand"].tolist() == [60, 30, 15, 12]
    result = diagnose(EVERYWHERE, tables, needs=(BY_ID["insertion"],))
    assert result.needs[0].demand.label.startswith("Demandeurs d'emploi inscrits")
    seekers.loc[D] = np.nan
    frame, notes = assess("insertion", small.tables(jobseekers=seekers))
    assert frame["demand"].tolist() == [40, 20, 10, 8]
    assert "those of the census, not the registered jobseekers (A, B, C), unknown in 1 communes" in notes
    assert f"('{D}')" in notes
    for told in (assess("insertion", small.tables())[1], assess("insertion", tables)[1]):
        assert "of the census" not in told
    _, notes = assess("insertion", small.tables(jobseekers=seekers, structures=None))
    assert "of the census" in notes


def test_structures_without_a_place_are_said_and_never_a_shortage():
    nowhere = small.structures(("1", "ACI", "", None), ("2", "AI", "", B))
    frame, notes = assess("insertion", small.tables(structures=nowhere))
    assert "of 2 places, 1 without a known address or capacity" in notes
    assert frame.loc[B, "access"] == pytest.approx(1 / 66.8)
    nowhere = small.structures(("1", "ACI", "", None), ("2", "AI", "", None))
    for need in ("insertion", "ageing"):
        frame, notes = assess(need, small.tables(structures=nowhere))
        assert frame[["access", "unmet_people"]].isna().all(axis=None)
        assert "not counted" in notes


def test_an_empty_list_is_none_and_says_so():
    frame, notes = assess("insertion", small.tables(structures=small.structures()))
    assert frame["out_of_reach"].tolist() == [40, 20, 10, 8]
    assert "no point in this territory" in notes


# Ageing


def test_home_help_is_declared_likely_or_probable():
    frame, notes = assess("ageing", small.tables())
    ai, ea = 1 / (200 + 100 + 0.68 * 60), 1 / (60 + 0.68 * 300)  # the AI in B, the EA (8121Z) in C; not the ACI
    assert frame["access"].tolist() == pytest.approx([ai + 0.68 * ea] * 2 + [0.68 * ai + ea, 0])
    assert frame["target"].eq(2 / 400).all()
    assert "FINESS" in notes


def test_own_facilities_join_the_structures():
    own = small.facilities(("460", D, 2.0), ("A122", A, 9.0))
    frame, notes = assess("ageing", small.tables(facilities=own))
    assert frame.loc[D, "access"] == 2 / 40
    assert frame.loc[A, "target"] == pytest.approx(4 / 400)  # two structures and two services loaded
    assert "FINESS" not in notes
    frame, _ = assess("ageing", small.tables(facilities=own, structures=None))
    assert frame["access"].tolist() == [0, 0, 0, 2 / 40]


def test_75_and_over_when_known_everywhere():
    population = small.tables().population.assign(pop_75_plus=[90.0, 50.0, 20.0, 10.0])
    result = diagnose(EVERYWHERE, small.tables(population=population), needs=(BY_ID["ageing"],))
    assert result.coverage["demand"].tolist() == [90, 50, 20, 10]
    assert result.needs[0].demand.label == "Habitants de 75 ans et plus"
    population.loc[D, "pop_75_plus"] = np.nan
    result = diagnose(EVERYWHERE, small.tables(population=population), needs=(BY_ID["ageing"],))
    assert result.coverage["demand"].tolist() == [200, 100, 60, 40]
    assert result.needs[0].demand.label == "Habitants de 65 ans et plus"


# What is known of a catchment


def test_the_rivals_of_a_catchment_count_in_what_is_known():
    """C lies out of A's 15 minutes, but its children compete in B for what A reaches."""
    need = BY_ID["childcare"]
    frame, _ = assess(need, changed("births", C, naissances=np.nan))
    assert np.isnan(frame.loc[C, "demand"])
    b = (500 + 0.68 * 1000) / (500 + 0.68 * 1000 + 0.22 * 300)
    a = (1000 + 0.68 * 500 * b) / 1340
    assert frame["known_share"].tolist()[:2] == pytest.approx(
        [a, (500 * b + 0.68 * 1000) / (500 + 0.68 * 1000 + 0.22 * 300)]
    )
    assert 0.98 < frame.loc[A, "known_share"] < 1
    assert frame.loc[D, "known_share"] == 1


def test_a_catchment_without_inhabitants_has_nothing_unknown_but_itself():
    empty = EVERYWHERE.communes.assign(population=0.0)
    given = inputs_of(small.tables())
    nobody = Inputs(type(EVERYWHERE)("", empty), given.tables, given.travel, given.reference, given.levels)
    known = pd.Series([True, True, False, True], index=given.index)
    share = _common.known_share(nobody, "car", known, employment.NEED.decay)
    assert share.tolist() == [1, 1, 0, 1]


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.id)
def test_another_reach_is_another_need(need):
    wide = need.within(45)
    assert (wide.reach, wide.id, wide.decay.d0) == (45, need.id, 45)
    assert need.reach < 45
    for minutes in (0, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=f"reach of {need.id}"):
            need.within(minutes)
