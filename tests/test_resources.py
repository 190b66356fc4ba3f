"""Structures within reach, who depends on them, overlaps, white zones, trades: by hand and by double loops."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

import _small_territory as small
from territoire_geo import resources, travel
from territoire_geo.activities import ANSWERING, GENERIC_NAF, levels
from territoire_geo.columns import KINDS, SIAE_KINDS, point_ids
from territoire_geo.errors import TableError
from territoire_geo.measures import Inputs, Level, Reference
from territoire_geo.needs import NEEDS
from territoire_geo.resources import Zone
from territoire_geo.tables import Tables
from territoire_geo.trades import FAMILIES, answering, division

A, B, C, D = small.CODES
EVERYWHERE = small.territory(core=small.CODES)
JURA = Reference("DEP", "39", "Jura")
MOBILITY, CHILDCARE, EMPLOYMENT, INSERTION, AGEING = NEEDS
PLACES = (*small.CODES, "iris-1", "iris-2")
NAN = float("nan")
laws = examples(max_examples=40, deadline=None, derandomize=True, database=None)
NAFS = ("88.10A", "8121Z", "88.99B", "", "4120A", "47.79Z", "8559A", "78.20Z", "94.99Z", "0113Z")
STRUCTURES = st.lists(
    st.tuples(
        st.sampled_from((*KINDS, "OPCS")),
        st.sampled_from(list(Level)),
        st.sampled_from(NAFS),
        st.lists(
            st.one_of(st.none(), st.sampled_from((0.0, 5.0, 10.0, 12.5, 20.0, 30.0, 31.0))), min_size=6, max_size=6
        ),
    ),
    max_size=6,
)
DEMAND = st.lists(st.one_of(st.just(NAN), st.sampled_from((0.0, 1.0, 10.0, 250.0))), min_size=6, max_size=6)


def inputs_of(tables):
    points = travel.supply_points(EVERYWHERE, tables, NEEDS)
    minutes = {"car": travel.by_distance(EVERYWHERE, points, travel.CAR, 30.0)}
    known = tables.structures
    found = pd.DataFrame(columns=[n.id for n in NEEDS]) if known is None else levels(known, tables.activities, NEEDS)
    return Inputs(EVERYWHERE, tables, minutes, JURA, found)


def drawn(structures):
    """Inputs where every minute and level is drawn; sirets go down, so that the order of rows is not that of keys."""
    rows = [(str(99 - rank), kind, naf, A) for rank, (kind, _, naf, _) in enumerate(structures)]
    table = small.structures(*rows)
    ids = point_ids("structures", table.index)
    trips = {
        (place, ids[rank]): minutes
        for rank, (*_, times) in enumerate(structures)
        for place, minutes in zip(PLACES, times, strict=True)
        if minutes is not None
    }
    trips |= {(code, code): 1.5 for code in small.CODES}
    index = pd.MultiIndex.from_tuples(list(trips), names=["origin", "destination"])
    known = pd.DataFrame({INSERTION.id: [level.value for _, level, *_ in structures]}, index=table.index, dtype="str")
    minutes = {"car": pd.Series(list(trips.values()), index=index, name="minutes")}
    return Inputs(EVERYWHERE, Tables(structures=table), minutes, JURA, known)


def near(structures, place, wanted, limit=30.0):
    """(minutes, siret, rank) of the structures within reach of a place, the nearest first."""
    number = PLACES.index(place)
    found = [
        (times[number], str(99 - rank), rank)
        for rank, (kind, level, naf, times) in enumerate(structures)
        if times[number] is not None and times[number] <= limit and wanted(kind, level, naf)
    ]
    return sorted(found)


def answers(_kind, level, _naf):
    return level in ANSWERING


def unsure(_kind, level, _naf):
    return level == Level.UNKNOWN


# Structures within reach


def test_structures_within_reach_by_kind_and_by_need():
    found = resources.structures_within_reach(inputs_of(small.tables()), NEEDS)
    row = found.loc[(A, "ageing")]
    assert row[["ACI", "AI", "GEIQ", "EA", "siae", "answering"]].tolist() == [1, 1, 1, 1, 2, 2]
    assert row["nearest_minutes"] == pytest.approx(6.24)  # the AI in B; the EA in C is farther
    assert found.loc[(C, "ageing"), "nearest_minutes"] == pytest.approx(0, abs=1e-6)  # the EA is at C's point
    assert found.loc[(B, "ageing"), "nearest_minutes"] == pytest.approx(1.56)  # the AI is somewhere in B
    assert found.loc[(D, "ageing"), "siae"] == 0
    assert np.isnan(found.loc[(D, "ageing"), "nearest_minutes"])
    # Childcare reaches 15 minutes, mobility by bicycle stands for 30 by car.
    assert found.loc[(A, "childcare"), "EA"] == 0
    assert found.loc[(A, "mobility"), "EA"] == 1
    assert found.loc[(A, "mobility"), "answering"] == 0


def test_a_kind_that_the_law_does_not_name_has_no_column():
    given = small.structures(("1", "ACI", "", A), ("2", "OPCS", "", A))
    found = resources.structures_within_reach(inputs_of(small.tables(structures=given)), NEEDS)
    assert found.loc[(A, "insertion"), ["ACI", "siae"]].tolist() == [1, 1]
    assert "OPCS" not in found.columns


@pytest.mark.parametrize("structures", [None, small.structures(("1", "ACI", "", None))], ids=["none", "nowhere"])
def test_structures_of_unknown_place_are_not_zero(structures):
    given = inputs_of(small.tables(structures=structures))
    demand = pd.Series(10.0, index=given.index)
    for found in (
        resources.structures_within_reach(given, NEEDS),
        resources.within_minutes(given, AGEING),
        resources.nearest_structures(given, AGEING),
        resources.people_within_reach(given, MOBILITY, demand).to_frame(),
        resources.loss_if_closed(given, INSERTION, demand),
        resources.diversity(given),
        resources.equipment_rate(given, demand, EVERYWHERE.communes["code_epci"]).drop(columns="known_share"),
    ):
        assert found.isna().all(axis=None)
    zones = resources.white_zones(given, INSERTION, demand)
    assert zones["zone"].eq(Zone.UNLISTED.value).all()
    assert zones[["answering", "to_ask"]].isna().all(axis=None)
    assert resources.overlaps(given, INSERTION, demand).empty
    assert resources.multiplicity(given, INSERTION, demand)["people"].tolist() == [0, 0, 0, 0, 40]


def test_an_empty_list_of_structures_is_zero():
    given = inputs_of(small.tables(structures=small.structures()))
    demand = pd.Series(10.0, index=given.index)
    found = resources.structures_within_reach(given, NEEDS)
    assert found.drop(columns="nearest_minutes").eq(0).all(axis=None)
    assert resources.within_minutes(given, AGEING).eq(0).all(axis=None)
    assert resources.diversity(given).eq(0).all(axis=None)
    assert resources.white_zones(given, INSERTION, demand)["zone"].eq(Zone.WHITE.value).all()
    assert resources.multiplicity(given, INSERTION, demand)["people"].tolist() == [40, 0, 0, 0, 0]
    assert resources.loss_if_closed(given, INSERTION, demand).empty
    assert resources.overlaps(given, INSERTION, demand).empty


def test_within_minutes_by_hand():
    found = resources.within_minutes(inputs_of(small.tables()), AGEING, thresholds=(20, 5, 20))
    assert found.columns.get_level_values("minutes").unique().tolist() == [5, 20]
    assert found.loc[A, ("AI", 5)] == 0
    assert found.loc[A, ("AI", 20)] == 1
    assert found.loc[A, ("EA", 20)] == 1  # 18.72 minutes
    assert found.loc[A, [("siae", 5), ("siae", 20), ("answering", 5), ("answering", 20)]].tolist() == [1, 2, 0, 2]


@pytest.mark.parametrize("thresholds", [(10, 31), (-1,), (NAN,)])
def test_thresholds_beyond_what_is_measured(thresholds):
    with pytest.raises(ValueError, match="thresholds"):
        resources.within_minutes(inputs_of(small.tables()), AGEING, thresholds=thresholds)


def test_a_longer_reach_measures_farther():
    assert resources.within_minutes(inputs_of(small.tables()), AGEING.within(45), thresholds=(45,)).shape == (4, 9)


def test_nearest_structures_by_hand():
    found = resources.nearest_structures(inputs_of(small.tables()), AGEING)
    assert found.loc[A, ["ACI", "AI", "EA", "siae", "answering"]].tolist() == pytest.approx(
        [0, 6.24, 18.72, 0, 6.24], abs=1e-6
    )
    assert found.loc[A, ["siret", "kind"]].tolist() == ["2", "AI"]
    assert found.loc[C, ["siret", "kind"]].tolist() == ["4", "EA"]
    assert found[["EI", "EITI", "ETTI"]].isna().all(axis=None)
    assert found.loc[D].isna().all()


@laws
@given(STRUCTURES)
def test_counts_and_nearest_are_those_of_a_double_loop(structures):
    inputs = drawn(structures)
    counts = resources.within_minutes(inputs, INSERTION)
    nearest = resources.nearest_structures(inputs, INSERTION)
    by_need = resources.structures_within_reach(inputs, [INSERTION]).droplevel("need")
    conditions = {kind: (lambda k, *_, kind=kind: k == kind) for kind in KINDS}
    conditions |= {"siae": lambda k, *_: k in SIAE_KINDS, "answering": answers}
    for name, wanted in conditions.items():
        reached = {limit: [near(structures, place, wanted, limit) for place in small.CODES] for limit in (10, 20, 30)}
        for limit, found in reached.items():
            assert counts[name, limit].tolist() == [len(trips) for trips in found]
        assert by_need[name].tolist() == counts[name, 30].tolist()
        first = [trips[0] if trips else (NAN, NAN) for trips in reached[30]]
        assert nearest[name].tolist() == pytest.approx([minutes for minutes, *_ in first], nan_ok=True)
    assert by_need["nearest_minutes"].tolist() == pytest.approx(nearest["answering"].tolist(), nan_ok=True)
    assert nearest["siret"].fillna("").tolist() == [trips[0][1] if trips else "" for trips in reached[30]]


# People within reach, and closings


def test_people_within_reach_of_a_structure():
    tables = small.tables(structures=small.structures(("1", "ACI", "", 0.0), ("2", "AI", "", D), ("3", "AI", "", None)))
    given = inputs_of(tables)
    demand = pd.Series([40.0, np.nan, 10.0], index=[A, B, C])
    assert resources.people_within_reach(given, INSERTION, demand).tolist() == pytest.approx([50, 0, NAN], nan_ok=True)
    assert resources.people_within_reach(given, CHILDCARE, demand).tolist()[:2] == [40, 0]
    assert resources.structure_reach(MOBILITY) == 30
    assert resources.structure_reach(INSERTION.within(12)) == 12


def test_unknown_people_are_not_nobody():
    given = inputs_of(small.tables(structures=small.structures(("1", "AI", "", D), ("2", "AI", "", A))))
    demand = pd.Series([40.0, 5.0, 10.0, NAN], index=small.CODES)
    assert resources.people_within_reach(given, INSERTION, demand).tolist() == pytest.approx([NAN, 55], nan_ok=True)
    lost = resources.loss_if_closed(given, INSERTION, demand)
    assert lost.loc[("1", "AI")].tolist() == pytest.approx([NAN, NAN, NAN, NAN, 1], nan_ok=True)


def test_losses_by_hand():
    # 1 in A, 2 in C, 3 in D; 4 has a generic code, in D too; 5 is nowhere.
    given = inputs_of(
        small.tables(
            structures=small.structures(
                ("1", "EI", "8810A", A), ("2", "EI", "8810A", C), ("3", "EI", "8810A", D), ("4", "EI", "8899B", D),
                ("5", "EI", "8810A", None), ("6", "EI", "4120A", A),
            )
        )
    )  # fmt: skip
    lost = resources.loss_if_closed(given, AGEING, pd.Series([100.0, 10.0, 20.0, 7.0], index=small.CODES))
    # A: 1.56 then 18.72 minutes; B: 6.24 then 12.48; C: 1.56 then 18.72; D: its own only.
    expected = {
        "1": [0, 0, 110, 100 * 17.16 + 10 * 6.24, 0],
        "2": [0, 0, 20, 20 * 17.16, 0],
        "3": [7, 7, 0, 0, 0],
    } | dict.fromkeys("456", [NAN] * 5)
    assert lost.columns.tolist() == ["left_without", "left_to_ask", "further", "minutes_lost", "unknown"]
    for siret, values in expected.items():
        assert lost.loc[(siret, "EI")].tolist() == pytest.approx(values, nan_ok=True), siret


@laws
@given(STRUCTURES, DEMAND)
def test_a_closing_is_the_difference_of_two_computations(structures, people):
    inputs, demand = drawn(structures), pd.Series(people, index=list(PLACES))
    lost = resources.loss_if_closed(inputs, INSERTION, demand)
    reached = resources.people_within_reach(inputs, INSERTION, demand)
    for closed, (kind, level, _, times) in enumerate(structures):
        key, within = (
            (str(99 - closed), kind),
            [p for p, t in zip(people, times, strict=True) if t is not None and t <= 30],
        )
        row = lost.loc[key]
        known = [number for number in within if not np.isnan(number)]
        nobody_knows = bool(within) and not known
        assert reached.loc[key] == pytest.approx(NAN if nobody_knows else sum(known), nan_ok=True)
        if level not in ANSWERING:
            assert row.isna().all()
            continue
        rest = [one if rank != closed else (*one[:3], [None] * 6) for rank, one in enumerate(structures)]
        totals = dict.fromkeys(("left_without", "left_to_ask", "further", "minutes_lost"), 0.0)
        for place, number in zip(PLACES, people, strict=True):
            before, after = near(structures, place, answers), near(rest, place, answers)
            if np.isnan(number) or not before:
                continue
            if not after:
                totals["left_without"] += number
                totals["left_to_ask"] += number * bool(near(structures, place, unsure))
            elif after[0][0] > before[0][0]:
                totals["further"] += number
                totals["minutes_lost"] += number * (after[0][0] - before[0][0])
        assert row["unknown"] == len(within) - len(known)
        for name, total in totals.items():
            assert row[name] == pytest.approx(NAN if nobody_knows else total, nan_ok=True), name


@examples(laws, max_examples=20)
@given(STRUCTURES, DEMAND, st.randoms(use_true_random=False))
def test_results_do_not_depend_on_the_order_of_rows(structures, people, order):
    inputs, demand = drawn(structures), pd.Series(people, index=list(PLACES))
    rows, pairs = (list(range(size)) for size in (len(structures), len(inputs.travel["car"])))
    order.shuffle(rows)
    order.shuffle(pairs)
    mixed = replace(
        inputs,
        tables=inputs.tables.replace(structures=inputs.tables.structures.iloc[rows]),
        levels=inputs.levels.iloc[rows],
        travel={"car": inputs.travel["car"].iloc[pairs]},
    )
    for measure in (resources.loss_if_closed, resources.overlaps, resources.white_zones, resources.multiplicity):
        expected, found = measure(inputs, INSERTION, demand), measure(mixed, INSERTION, demand.iloc[::-1])
        pd.testing.assert_frame_equal(found.reindex(expected.index), expected, check_exact=True)
    pd.testing.assert_frame_equal(resources.diversity(mixed), resources.diversity(inputs))
    pd.testing.assert_frame_equal(
        resources.nearest_structures(mixed, INSERTION), resources.nearest_structures(inputs, INSERTION)
    )


def test_a_place_that_stands_twice_is_refused():
    given = inputs_of(small.tables())
    with pytest.raises(TableError, match="demand"):
        resources.people_within_reach(given, AGEING, pd.Series(1.0, index=[A, A]))


# Overlaps, white zones, multiplicity


def test_overlaps_by_hand():
    given = inputs_of(
        small.tables(
            structures=small.structures(
                ("3", "EI", "8810A", A), ("1", "EI", "8810A", C), ("2", "EI", "8810A", D), ("4", "EI", "4120A", A)
            )
        )
    )
    demand = pd.Series([100.0, 10.0, NAN, 7.0], index=small.CODES)
    found = resources.overlaps(given, AGEING.within(15), demand)
    # Within 15 minutes: 3 has A and B, 1 has B and C, 2 has D.
    assert found.index.tolist() == [("1", "EI", "3", "EI")]
    assert found.index.names == ["siret", "kind", "other_siret", "other_kind"]
    assert found.iloc[0].tolist() == pytest.approx([10, 10 / 110])
    assert resources.overlaps(given, AGEING.within(15), demand, n=0).empty


@laws
@given(STRUCTURES, DEMAND)
def test_overlaps_are_those_of_a_double_loop(structures, people):
    found = resources.overlaps(drawn(structures), INSERTION, pd.Series(people, index=list(PLACES)))
    reached = {
        (str(99 - rank), kind): {
            place: number
            for place, number, minutes in zip(PLACES, people, times, strict=True)
            if minutes is not None and minutes <= 30 and not np.isnan(number)
        }
        for rank, (kind, level, _, times) in enumerate(structures)
        if level in ANSWERING
    }
    expected = {}
    for one, other in combinations(sorted(reached), 2):
        both = sum(number for place, number in reached[one].items() if place in reached[other])
        either = sum((reached[one] | reached[other]).values())
        if both:
            expected[*one, *other] = (both, both / either)
    assert {key: tuple(row) for key, row in found.iterrows()} == {
        key: pytest.approx(value) for key, value in expected.items()
    }
    assert found["people"].is_monotonic_decreasing
    top = resources.overlaps(drawn(structures), INSERTION, pd.Series(people, index=list(PLACES)), n=2)
    pd.testing.assert_frame_equal(top, found.iloc[:2])


@laws
@given(STRUCTURES, DEMAND)
def test_zones_and_multiplicity_are_those_of_a_double_loop(structures, people):
    inputs, demand = drawn(structures), pd.Series(people, index=list(PLACES))
    zones = resources.white_zones(inputs, INSERTION, demand)
    counted = resources.multiplicity(inputs, INSERTION, demand)
    groups = {name: [] for name in counted.index}
    for place, number in zip(PLACES, people, strict=True):
        known, to_ask = len(near(structures, place, answers)), len(near(structures, place, unsure))
        zone = Zone.SERVED if known else Zone.TO_ASK if to_ask else Zone.WHITE
        assert zones.loc[place].tolist() == pytest.approx([zone.value, number, known, to_ask], nan_ok=True)
        groups[str(known) if known < 3 else "3+"].append(number)
    for name, numbers in groups.items():
        told = [number for number in numbers if not np.isnan(number)]
        total = sum(told) if told or not numbers else NAN
        assert counted.loc[name].tolist() == pytest.approx([total, len(numbers), len(numbers) - len(told)], nan_ok=True)


def test_where_the_list_stops_nothing_is_white():
    # The list covers A and B; C, within reach of both within 30 minutes, is not listed; D is alone, and listed.
    tables = replace(
        small.tables(structures=small.structures(("1", "EI", "8810A", B), ("2", "EI", "", B))),
        extents={"structures": pd.Index([A, B, D])},
    )
    given, demand = inputs_of(tables), pd.Series([100.0, 10.0, 20.0, 7.0], index=small.CODES)
    zones = resources.white_zones(given, CHILDCARE, demand)
    assert zones["zone"].tolist() == ["to_ask", "to_ask", "to_ask", "white"]
    zones = resources.white_zones(given, AGEING.within(5), demand)
    assert zones["zone"].tolist() == ["white", "served", "unlisted", "white"]
    assert zones.loc[C, ["answering", "to_ask"]].isna().all()
    zones = resources.white_zones(replace(given, levels=given.levels.assign(ageing="no")), AGEING, demand)
    assert zones["zone"].tolist() == ["unlisted", "unlisted", "unlisted", "white"]
    # One is known within reach of A and B, but C may hold another: who is left without is unknown.
    assert resources.multiplicity(given, AGEING, demand)["people"].tolist() == [7, 0, 0, 0, 130]
    assert resources.loss_if_closed(given, AGEING, demand).loc[("1", "EI")].tolist() == pytest.approx(
        [NAN, NAN, NAN, NAN, 3], nan_ok=True
    )
    assert resources.within_minutes(given, AGEING).loc[C].isna().all()
    assert resources.diversity(given).loc[C].isna().all()


def test_three_known_are_three_whatever_the_list_leaves_out():
    rows = [(str(rank), "EI", "8810A", A) for rank in range(3)]
    tables = replace(small.tables(structures=small.structures(*rows)), extents={"structures": pd.Index([A, B, D])})
    found = resources.multiplicity(inputs_of(tables), AGEING, pd.Series(1.0, index=[A, B]))
    assert found["people"].tolist() == [0, 0, 0, 2, 0]


# Diversity of trades


def test_diversity_by_hand():
    given = inputs_of(
        small.tables(
            structures=small.structures(
                ("1", "EI", "88.10A", A), ("2", "AI", "8810B", A), ("3", "ACI", "47.79Z", A), ("4", "EI", "", A),
                ("5", "ACI", "8899B", A), ("6", "GEIQ", "0113Z", A), ("7", "EI", "8810A", A), ("8", "EI", "94.99Z", D),
            )
        )
    )  # fmt: skip
    found = resources.diversity(given)
    assert found.columns.tolist() == ["siae", "unknown", "divisions", *FAMILIES]
    row = found.loc[A]
    assert row[["siae", "unknown", "divisions"]].tolist() == [6, 2, 2]  # divisions 88 and 47; the GEIQ is no SIAE
    assert row[list(FAMILIES)].to_dict() == {
        "mobility": 0, "childcare": 0, "ageing": 2, "reuse": 1, "training": 0, "work": 0,
    }  # fmt: skip
    assert found.loc[D, ["siae", "unknown"]].tolist() == [1, 1]
    assert found.loc[D, ["divisions", *FAMILIES]].isna().all()  # all it has is unknown


def test_diversity_without_codes_is_unknown():
    table = small.structures(("1", "EI", "", A)).drop(columns="naf")
    found = resources.diversity(inputs_of(small.tables(structures=table)))
    assert found.loc[A, ["siae", "unknown"]].tolist() == [1, 1]
    assert np.isnan(found.loc[A, "divisions"])
    assert found.loc[D].eq(0).all()


@laws
@given(STRUCTURES)
def test_diversity_is_that_of_a_double_loop(structures):
    found = resources.diversity(drawn(structures))
    for place in small.CODES:
        within = [
            structures[rank][2].replace(".", "") for *_, rank in near(structures, place, lambda k, *_: k in SIAE_KINDS)
        ]
        told = {naf for naf in within if naf not in GENERIC_NAF}
        expected = [len({division(naf) for naf in told})]
        expected += [len(told & set(answering(family))) for family in FAMILIES]
        if within and not told:
            expected = [NAN] * len(expected)
        unknown = sum(naf in GENERIC_NAF for naf in within)
        assert found.loc[place].tolist() == pytest.approx([len(within), unknown, *expected], nan_ok=True)


# Equipment rate


def seekers(*values):
    return pd.Series(values, index=list(small.CODES), dtype="float64")


def with_posts(*rows):
    """Give (kind, place, posts)."""
    table = small.structures(*((str(rank), kind, "", place) for rank, (kind, place, _) in enumerate(rows)))
    return table.assign(postes=[posts for *_, posts in rows]).astype({"postes": "float64"})


def test_equipment_rate_by_hand():
    table = with_posts(("ACI", A, 10), ("EI", B, 16), ("GEIQ", A, 99), ("AI", D, 5), ("AI", None, 50))
    found = resources.equipment_rate(
        inputs_of(small.tables(structures=table)), seekers(300, 200, 500, 100), EVERYWHERE.communes["code_epci"]
    )
    assert found.index.tolist() == [small.CITY, small.FAR]
    city, far = found.loc[small.CITY], found.loc[small.FAR]
    assert city[["jobseekers", "siae", "posts", "posts_known", "known_share"]].tolist() == [1000, 2, 26, 1, 1]
    assert city[["posts_per_1000", "of_benchmark", "siae_per_1000"]].tolist() == pytest.approx([26, 1, 2])
    assert far[["posts_per_1000", "siae_per_1000"]].tolist() == pytest.approx([50, 10])
    assert resources.BENCHMARK == 26


def test_unknown_posts_are_told_and_not_counted():
    table = with_posts(("ACI", A, 10), ("EI", B, NAN), ("AI", D, 5))
    found = resources.equipment_rate(
        inputs_of(small.tables(structures=table)), seekers(300, 200, 500, 100), EVERYWHERE.communes["code_epci"]
    )
    assert found["posts_known"].tolist() == [0.5, 1]
    assert found["posts_per_1000"].tolist() == pytest.approx([NAN, 50], nan_ok=True)
    assert found["siae_per_1000"].tolist() == [2, 10]
    without = resources.equipment_rate(
        inputs_of(small.tables()), seekers(300, 200, 500, 100), EVERYWHERE.communes["code_epci"]
    )
    assert without["posts_known"].tolist() == pytest.approx([0, NAN], nan_ok=True)
    assert without["posts_per_1000"].tolist() == pytest.approx([NAN, 0], nan_ok=True)  # D has no SIAE: no post
    assert without["siae_per_1000"].tolist() == [2, 0]


def test_communes_of_unknown_jobseekers_are_left_out_on_both_sides():
    table = with_posts(("ACI", A, 10), ("EI", B, 16), ("AI", D, 5))
    found = resources.equipment_rate(
        inputs_of(small.tables(structures=table)), seekers(NAN, 200, 500, NAN), EVERYWHERE.communes["code_epci"]
    )
    assert found.loc[small.CITY, ["jobseekers", "siae", "posts"]].tolist() == [700, 1, 16]
    assert found.loc[small.CITY, "known_share"] == pytest.approx(800 / 1800)
    assert found.loc[small.FAR, "known_share"] == 0
    assert found.loc[small.FAR].drop("known_share").isna().all()


def test_a_rate_has_jobseekers_and_a_perimeter():
    given = inputs_of(small.tables(structures=with_posts(("ACI", A, 10))))
    found = resources.equipment_rate(given, seekers(0, 0, 0, 1), pd.Series([small.CITY, NAN], index=[A, D]))
    assert found.index.tolist() == [small.CITY]
    assert found["posts_per_1000"].isna().all()


@laws
@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.sampled_from(small.CODES), st.sampled_from((0.0, 3.0, 12.0, NAN))),
        max_size=6,
    ),
    st.lists(st.sampled_from((NAN, 0.0, 40.0, 1000.0)), min_size=4, max_size=4),
)
def test_the_rate_is_a_ratio_of_sums(rows, people):
    given = inputs_of(Tables(structures=with_posts(*rows) if rows else small.structures()))
    area = EVERYWHERE.communes["code_epci"]
    found = resources.equipment_rate(given, seekers(*people), area)
    by_code = dict(zip(small.CODES, people, strict=True))
    for code, row in found.iterrows():
        known = [one for one in small.CODES if area[one] == code and not np.isnan(by_code[one])]
        posts = [number for kind, place, number in rows if kind in SIAE_KINDS and place in known]
        whole = sum(by_code[one] for one in known)
        rate = 1000 * sum(posts) / whole if whole else NAN
        assert row["posts_per_1000"] == pytest.approx(rate, nan_ok=True)
        assert row["siae_per_1000"] == pytest.approx(1000 * len(posts) / whole if whole else NAN, nan_ok=True)
