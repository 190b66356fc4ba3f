"""Scenarios: what opens, closes, moves or changes size, by hand; the norms stay; what is shared out is conserved."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import _small_territory as small
import territoire_geo as tg
from territoire_geo.comparisons import compare
from territoire_geo.diagnostic import diagnose
from territoire_geo.errors import TableError
from territoire_geo.needs import NEEDS
from territoire_geo.scenarios import simulate

A, B, C, D = small.CODES
HERE = small.territory()
BY_ID = {need.id: need for need in NEEDS}


def before(tables=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(HERE, tables or small.tables(), **options)


def played(diagnostic=None, tables=None, **scenario):
    tables = tables or small.tables()
    return simulate(diagnostic or before(tables), HERE, tables, **scenario)


def row(need, km, capacity, name="Nouveau"):
    lon, lat = small.lonlat(float(km))
    return {"need": need, "name": name, "lon": lon, "lat": lat, "capacity": capacity}


def adding(*rows):
    return pd.DataFrame(list(rows))


# What opens


def test_a_new_creche_gives_its_places_to_the_children_around_by_hand():
    # Children: A 30, B 15, C 6 (3 × births ÷ 5). A site at B's point, 6.24 min from A, 0 from B, 12.48 from C;
    # steps of 5, 10 and 15 min: weights .68, 1 and .22.
    outcome = played(add=adding(row("childcare", 4.0, 10)))
    shared = 10 / (0.68 * 30 + 1 * 15 + 0.22 * 6)
    changes = outcome.changes.xs("childcare", level="need")
    gained = changes["access_after"] - changes["access_before"]
    assert gained.to_dict() == pytest.approx({A: 0.68 * shared, B: shared})
    assert outcome.conservation.loc["childcare", ["supply", "reached", "delivered"]].tolist() == pytest.approx([10] * 3)


def test_a_mobility_service_carries_as_many_people_as_it_can():
    tables = small.tables(activity=small.by_commune(
        actifs_15_64=[400, 200, 100, 80], chomeurs_15_64=[40, 20, 10, 8], emplois=[20, 20, 3000, 10]
    ))  # fmt: skip
    first = before(tables)
    lacking = first.coverage["unmet_people"].xs("mobility", level="need")
    assert lacking.sum() > 20
    for seats, carried in ((7.0, 7.0), (1000.0, lacking.sum())):
        outcome = played(first, tables, add=adding(row("mobility", 0.0, seats)))
        assert outcome.summary().at["mobility", "gain"] == pytest.approx(carried)
        others = outcome.changes.drop(index="mobility", level="need")["people"]
        assert others.dropna().eq(0).all()


def test_places_that_only_the_buffer_reaches_give_the_core_nothing():
    outcome = played(BEFORE, add=adding(row("childcare", 40.0, 10)))
    assert outcome.conservation.at["childcare", "delivered"] == pytest.approx(10)
    assert outcome.summary().at["childcare", "gain"] == 0


def test_supply_that_nobody_reaches_is_reported_unreached():
    births = small.by_commune(naissances=[50, 25, 10, 0], annees=[5, 5, 5, 5])
    tables = small.tables(births=births)
    outcome = played(before(tables), tables, add=adding(row("childcare", 40.0, 10)))
    assert outcome.conservation.loc["childcare", ["supply", "reached", "delivered"]].tolist() == [10, 0, 0]


# What closes, moves, changes size


def test_closing_is_a_diagnostic_without_the_structure_at_the_same_norm():
    first = before()
    norm = {"insertion": float(first.targets.at["insertion", "value"])}
    left = small.tables().structures.drop(("2", "AI"))
    outcome = played(first, close=[("2", "AI")])
    alone = before(small.tables(structures=left), reference=norm)
    pd.testing.assert_series_equal(
        outcome.after.coverage["unmet_people"].xs("insertion", level="need"),
        alone.coverage["unmet_people"].xs("insertion", level="need"),
    )
    assert outcome.summary().at["insertion", "loss"] > 0
    assert outcome.conservation.at["insertion", "delivered"] == pytest.approx(-1)


def test_the_norm_stays_that_of_the_diagnostic_when_the_reference_is_unknown():
    tables = small.tables(references=None)
    first = before(tables)
    outcome = played(first, tables, close=[("2", "AI")])
    known = ["childcare", "employment", "insertion", "ageing"]
    kept = first.targets.loc[known, "value"].dropna()
    assert len(kept) >= 2
    assert outcome.after.targets.loc[kept.index, "value"].to_dict() == kept.to_dict()


def test_closing_the_only_structure_without_posts_does_not_change_what_is_counted():
    structures = small.tables().structures.assign(postes=[10.0, np.nan, 5.0, 4.0])
    tables = small.tables(structures=structures)
    first = before(tables)
    assert first.needs[3].gap_unit == "structures"
    outcome = played(first, tables, close=[("2", "AI")])
    assert outcome.after.needs[3].gap_unit == "structures"
    assert outcome.conservation.at["insertion", "supply"] == pytest.approx(-1)


def test_moving_there_and_back_changes_nothing():
    first = before()
    lon, lat = small.lonlat(12.0)
    away = pd.DataFrame([{"siret": "1", "kind": "ACI", "lon": lon, "lat": lat}])
    outcome = played(first, move=away)
    assert outcome.changes["people"].abs().sum() > 0
    assert outcome.conservation["supply"].fillna(0).eq(0).all()
    home = away.assign(lon=small.lonlat(0.0)[0], lat=small.lonlat(0.0)[1])
    back = played(first, move=home)
    assert back.changes["people"].dropna().abs().max() < 1e-9


def test_a_structure_that_moves_leaves_its_commune():
    lon, lat = small.lonlat(12.0)
    outcome = played(move=pd.DataFrame([{"siret": "2", "kind": "AI", "lon": lon, "lat": lat}]))
    assert outcome.after.structures.geometry.loc[("2", "AI")].x == pytest.approx(small.WEST + 12_000, abs=1)


def test_capacity_replaces_what_was_known():
    structures = small.tables().structures.assign(postes=[10.0, 6.0, 5.0, 4.0])
    tables = small.tables(structures=structures)
    key = pd.MultiIndex.from_tuples([("2", "AI")], names=["siret", "kind"])
    outcome = played(before(tables), tables, capacity=pd.Series([16.0], index=key))
    assert outcome.conservation.at["insertion", "supply"] == pytest.approx(10)
    assert outcome.summary().at["insertion", "loss"] == 0
    closed = played(before(tables), tables, capacity=pd.Series([0.0], index=key))
    assert closed.conservation.at["insertion", "delivered"] == pytest.approx(-6)


def test_capacity_of_a_point_by_its_id():
    places = pd.DataFrame(
        {"id": ["x"], "places": [20.0], "type": ["crèche"], "code_commune": [A]}
    ).set_index("id")  # fmt: skip
    tables = small.tables(childcare_places=places)
    outcome = played(before(tables), tables, capacity=pd.Series({"childcare_places/x": 30.0}))
    assert outcome.conservation.at["childcare", "delivered"] == pytest.approx(10)


def test_posts_are_a_capacity_of_insertion_alone():
    structures = small.tables().structures.assign(postes=[10.0, 6.0, 5.0, 4.0])
    tables = small.tables(structures=structures)
    key = pd.MultiIndex.from_tuples([("2", "AI")], names=["siret", "kind"])
    outcome = played(before(tables), tables, capacity=pd.Series([16.0], index=key))
    assert outcome.conservation.at["ageing", "supply"] == 0
    assert outcome.changes["people"].xs("ageing", level="need").eq(0).all()


def test_a_structure_without_posts_that_gets_a_place_does_not_change_what_is_counted():
    structures = small.structures(
        ("1", "ACI", "88.99B", 0.0), ("2", "AI", "7820Z", B), ("5", "EI", "4120A", None)
    ).assign(postes=[10.0, 6.0, np.nan])  # fmt: skip
    tables = small.tables(structures=structures)
    first = before(tables)
    assert first.needs[3].gap_unit == "postes"
    lon, lat = small.lonlat(0.0)
    outcome = played(first, tables, move=pd.DataFrame([{"siret": "5", "kind": "EI", "lon": lon, "lat": lat}]))
    assert outcome.after.needs[3].gap_unit == "postes"
    assert outcome.conservation.at["insertion", "supply"] == 0
    assert outcome.summary().at["insertion", "loss"] == 0


def test_a_scenario_of_mobility_alone():
    first = before(needs=[BY_ID["mobility"]])
    outcome = played(first, add=adding(row("mobility", 0.0, 5)))
    assert outcome.summary().at["mobility", "gain"] >= 0
    assert outcome.conservation.isna().all(axis=None)


def test_what_no_need_counts_changes_nothing_and_is_said():
    tables = small.tables(structures=small.structures(("1", "ACI", "88.99B", 0.0), ("5", "EI", "4120A", None)))
    key = pd.MultiIndex.from_tuples([("5", "EI")], names=["siret", "kind"])
    outcome = played(before(tables), tables, capacity=pd.Series([9.0], index=key))
    assert "ne change rien" in outcome.notes[0].fr
    assert not played(BEFORE, close=[("2", "AI")]).notes


def test_the_words_of_the_norm_stay_and_the_settings_say_it():
    outcome = played(BEFORE, close=[("2", "AI")])
    assert outcome.after.targets["label"].to_dict() == BEFORE.targets["label"].to_dict()
    assert outcome.after.settings["targets"]["insertion"] == BEFORE.targets.at["insertion", "value"]


# Laws


@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(
    capacity=st.floats(0.1, 500),
    km=st.one_of(st.floats(-1.4, 1.4), st.floats(2.6, 5.4), st.floats(10.6, 13.4)),  # inside A, B or C
    need=st.sampled_from(["childcare", "employment", "insertion", "ageing"]),
)
def test_adding_never_takes_from_anybody_as_a_whole_and_is_conserved(capacity, km, need):
    first = BEFORE
    outcome = played(first, add=adding(row(need, km, capacity)))
    change = outcome.conservation.loc[need]
    assert change["delivered"] == pytest.approx(change["reached"], rel=1e-9, abs=1e-9)
    assert outcome.summary().at[need, "loss"] == pytest.approx(0, abs=1e-9)
    untouched = outcome.conservation.drop(index=[need, "mobility"])
    assert untouched["supply"].eq(0).all()


BEFORE = before()


def test_unknown_stays_unknown_and_is_counted_apart():
    activity = small.by_commune(
        actifs_15_64=[400, 200, 100, 80], chomeurs_15_64=[40, np.nan, 10, 8], emplois=[500, 20, 300, 10]
    )
    tables = small.tables(activity=activity)
    outcome = played(before(tables), tables, add=adding(row("insertion", 0.0, 1)))
    assert np.isnan(outcome.changes.at[(B, "insertion"), "people"])
    assert outcome.summary().at["insertion", "unknown"] >= 1


def test_two_identical_diagnostics_do_not_differ():
    outcome = compare(BEFORE, BEFORE)
    assert outcome.summary()[["gain", "loss", "net"]].abs().sum().sum() == 0
    assert outcome.conservation.drop(index="mobility").eq(0).all().all()


def test_the_same_scenario_gives_the_same_result():
    one, other = (played(BEFORE, add=adding(row("ageing", 1.0, 1))) for _ in range(2))
    pd.testing.assert_frame_equal(one.changes, other.changes, check_exact=True)


# Wrong scenarios


@pytest.mark.parametrize(
    ("scenario", "error", "said"),
    [
        ({}, ValueError, "the scenario is empty"),
        ({"close": [("9", "AI")]}, TableError, "close: .*9.*is no structure"),
        ({"close": ["2"]}, TableError, r"is not \(siret, kind\)"),
        ({"close": [("2", "AI"), ("2", "AI")]}, TableError, "stands twice"),
        ({"add": adding(row("training", 0.0, 1))}, ValueError, "training.*was not assessed"),
        ({"add": adding(row("ageing", 0.0, -1))}, TableError, "add.capacity.*is not a number of 0 or more"),
        ({"add": adding(row("ageing", 0.0, "beaucoup"))}, TableError, "add.capacity.*beaucoup"),
        ({"add": adding(row("ageing", 0.0, 1)).drop(columns="name")}, TableError, "add: column .*name.* is missing"),
        ({"add": adding(row("ageing", 900.0, 1))}, TableError, "add: row .* lies outside Pays d'essai"),
        ({"add": adding(row("ageing", 0.0, 1)).iloc[:0]}, TableError, "add: the table is empty"),
        ({"move": pd.DataFrame([{"siret": "2", "kind": "AI", "lon": np.nan, "lat": 46.0}])}, TableError, "move: row"),
        ({"capacity": pd.Series([1.0, 2.0], index=["a", "a"])}, TableError, "stands twice"),
        ({"capacity": pd.Series(dtype="float64")}, TableError, "no point"),
        ({"capacity": pd.Series({"facilities/f9": 3.0})}, TableError, "facilities/f9.*is no supply point"),
        (
            {"travel": {"car": pd.Series(dtype=float)}, "close": [("2", "AI")]},
            ValueError,
            "travel: the diagnostic used",
        ),
    ],
)
def test_a_wrong_scenario_is_one_clear_error(scenario, error, said):
    with pytest.raises(error, match=said):
        played(BEFORE, **scenario)


def test_without_structures_nothing_can_close():
    tables = small.tables(structures=None)
    with pytest.raises(TableError, match="no list of structures is loaded"):
        played(before(tables), tables, close=[("2", "AI")])


def test_minutes_of_a_table_are_asked_for_again():
    pairs = {(one, other): 5.0 + 5 * (one != other) for one in small.CODES for other in small.CODES}
    minutes = pd.Series(pairs, name="minutes")
    minutes.index.names = ["origin", "destination"]
    first = before(travel={"car": minutes})
    with pytest.raises(ValueError, match="tables of minutes for: car"):
        played(first, close=[("2", "AI")])
    outcome = played(first, close=[("2", "AI")], travel={"car": minutes})
    assert outcome.summary().at["insertion", "loss"] > 0
