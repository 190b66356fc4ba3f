"""Worked values, edge cases and error messages of the floating catchments."""

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from _access_cases import full_table, points, series, table
from territoire_geo import access
from territoire_geo.errors import CrsError, TableError


@pytest.fixture
def town():
    """A has the only doctor, B is 15 minutes away, C is out of reach."""
    demand = series({"A": 1000, "B": 1000, "C": 500})
    supply = series({"A": 1, "Z": 2})
    return demand, supply, table({("A", "A"): 2, ("B", "A"): 15})


# ---- worked values -------------------------------------------------------------------------


@pytest.fixture
def soukhov():
    ids = ["1", "2", "3"]
    minutes = full_table([[15, 30, 100], [30, 15, 100], [100, 100, 15]], ids, ids)
    return series([50000, 150000, 10000], ids), series([100000, 100000, 10000], ids), minutes


def test_hansen_of_the_worked_example(soukhov):
    demand, supply, minutes = soukhov
    found = access.hansen(supply, minutes, access.exponential(0.1), demand.index)
    np.testing.assert_allclose(found, [27292.177, 27292.177, 2240.382], rtol=1e-6)
    assert found.name == "hansen"


@pytest.mark.parametrize(
    ("beta", "expected"),
    [(0.1, [1.3366693, 0.8880224, 0.9963171]), (0.6, [1.9993421, 0.666886, 1.0])],
)
def test_shen_of_the_worked_example(soukhov, beta, expected):
    np.testing.assert_allclose(access.shen(*soukhov, access.exponential(beta)), expected, rtol=1e-6)


def test_spatial_availability_of_the_worked_example(soukhov):
    found = access.spatial_availability(*soukhov, access.exponential(0.1))
    np.testing.assert_allclose(found, [66833.47, 133203.36, 9963.17], rtol=1e-6)
    assert found.sum() == pytest.approx(210000, rel=1e-12)


def test_catchment_with_given_weights():
    weights = np.arange(1, 25).reshape(4, 6)  # 1..24 column by column in a 6 x 4 matrix of supply by demand
    minutes = full_table(weights, list("abcd"), list("uvwxyz"))
    demand, supply = series([1, 2, 3, 4], list("abcd")), series([1, 2, 3, 4, 5, 6], list("uvwxyz"))
    found = access.floating_catchment(demand, supply, minutes, lambda c: c)
    np.testing.assert_allclose(found.access, [0.5433226, 1.3216613, 2.1, 2.8783387], rtol=1e-6)
    everywhere = access.floating_catchment(demand, supply, minutes, access.binary(math.inf))
    np.testing.assert_allclose(everywhere.access, [2.1] * 4, rtol=1e-12)


def test_catchment_by_hand(town):
    demand, supply, minutes = town
    found = access.floating_catchment(demand, supply, minutes, access.steps({10: 1, 20: 0.3}))
    np.testing.assert_allclose(found.access * 100_000, [76.923077, 23.076923, 0], rtol=1e-6)
    assert (found.access * demand).sum() == pytest.approx(1, rel=1e-12)
    assert found.reachable.tolist() == [True, True, False]


def test_balanced_catchment_by_hand():
    demand, supply = series({"A": 100, "B": 50, "C": 9}), series({"x": 6, "y": 5})
    minutes = table({("A", "x"): 5, ("A", "y"): 15, ("B", "y"): 5})
    found = access.balanced_catchment(demand, supply, minutes, access.steps({10: 1, 20: 0.25}))
    level_x = 6 / (100 * 0.8)  # A goes to x for 1 / 1.25, to y for the rest
    level_y = 5 / (100 * 0.2 + 50)
    assert found.access.tolist() == pytest.approx([level_x + level_y * 0.2, level_y * 0.8, 0], rel=1e-12)
    assert found.reachable.tolist() == [True, True, False]
    assert found.access.sum() == pytest.approx(level_x + level_y, rel=1e-12)


def test_the_mean_of_a_balanced_catchment_is_that_of_points_by_place():
    minutes = full_table(np.ones((4, 3)), list("abcd"), list("xyz"))
    demand, supply = series([1, 2, 3, 4], list("abcd")), series([1, 2, 3], list("xyz"))
    found = access.balanced_catchment(demand, supply, minutes, access.binary(30))
    assert found.access.tolist() == pytest.approx([3 * 6 / (4 * 10)] * 4, rel=1e-12)  # points ΣS / (places ΣP)


def test_dai_gives_the_kernel_density_catchment():
    demand, supply = series({"A": 100, "B": 50}), series({"x": 6})
    found = access.floating_catchment(demand, supply, table({("A", "x"): 0, ("B", "x"): 15}), access.dai(30))
    weight = (math.exp(-1 / 8) - math.exp(-1 / 2)) / (1 - math.exp(-1 / 2))
    ratio = 6 / (100 + 50 * weight)
    assert found.access.tolist() == pytest.approx([ratio, weight * ratio], rel=1e-12)


# ---- both sides, and what is conserved -----------------------------------------------------


def test_both_sides_of_a_catchment(town):
    found = access.catchments(*town, access.steps({10: 1, 20: 0.3}))
    assert found.places.columns.tolist() == ["demand", "access", "reachable"]
    assert found.places["demand"].tolist() == [1000, 1000, 500]
    pd.testing.assert_frame_equal(
        found.places[["access", "reachable"]], access.floating_catchment(*town, access.steps({10: 1, 20: 0.3}))
    )
    assert found.points.columns.tolist() == ["supply", "people", "reached"]
    assert found.points.loc["A"].tolist() == [1, 1300, True]
    assert found.points.loc["Z"].tolist() == [2, 0, False]


def test_the_report_tells_what_is_conserved(town):
    report = access.catchments(*town, access.steps({10: 1, 20: 0.3})).report()
    expected = {
        "supply": 3, "reached": 1, "unreached": 2, "delivered": 1,
        "demand": 2500, "within_reach": 2000, "out_of_reach": 500, "gap": 0,
    }  # fmt: skip
    assert report.to_dict() == pytest.approx(expected, abs=1e-12)
    assert report.index.tolist() == list(expected)
    assert report.name == "report"


def test_the_report_of_nothing():
    nobody = pd.Series([], dtype=float, index=pd.Index([], dtype="str"))
    nothing = table({("A", "A"): 1}).iloc[:0]
    assert access.catchments(nobody, nobody, nothing, access.binary(5)).report().tolist() == [0] * 8


# ---- standardised demand -------------------------------------------------------------------


@pytest.fixture
def ages():
    people = pd.DataFrame({"0-64": [90.0, 50, 10, 5], "65+": [10.0, 50, 30, np.nan]}, index=list("ABCD"))
    return people, pd.Series({"65+": 6.0, "0-64": 3.0})


def test_standardised_demand_by_hand(ages):
    mean = (3 * 150 + 6 * 90) / 240  # D is not known in full
    found = access.standardised_demand(*ages)
    assert found["A":"C"].tolist() == pytest.approx([330 / mean, 450 / mean, 210 / mean], rel=1e-12)
    assert math.isnan(found["D"])
    assert found["A":"C"].sum() == pytest.approx(240, rel=1e-12)
    assert (found.name, found.index.tolist()) == ("demand", list("ABCD"))


def test_the_mean_use_may_be_given(ages):
    found = access.standardised_demand(*ages, mean_use=3)
    assert found["A":"C"].tolist() == pytest.approx([110, 150, 70])


def test_a_use_that_does_not_depend_on_age_changes_nothing(ages):
    people, use = ages
    found = access.standardised_demand(people, use * 0 + 7)
    assert found["A":"C"].tolist() == pytest.approx([100, 100, 40], rel=1e-12)


def test_standardised_demand_feeds_the_catchment(ages):
    demand = access.standardised_demand(*ages).dropna()
    minutes = full_table(np.ones((3, 1)), list("ABC"), ["x"])
    found = access.floating_catchment(demand, series({"x": 12}), minutes, access.binary(20))
    assert found.access.tolist() == pytest.approx([12 / 240] * 3, rel=1e-12)


def test_the_order_of_places_and_ages_changes_no_bit_of_a_standardised_demand():
    rng = np.random.default_rng(5)
    people = pd.DataFrame(rng.uniform(0, 99, (40, 12)), columns=[f"a{i:02d}" for i in range(12)])
    use = pd.Series(rng.uniform(0, 9, 12), index=people.columns)
    found = access.standardised_demand(people, use)
    mixed = people.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    assert access.standardised_demand(mixed, use.sample(frac=1, random_state=3)).loc[found.index].equals(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"use": series({"0-64": 3})}, "same age groups: '65\\+': add or drop"),
        ({"use": series({"0-64": 3, "65+": 6, "75+": 8})}, "same age groups: '75\\+'"),
        ({"use": series({"0-64": 3, "65+": math.nan})}, "use: unknown values for '65\\+'"),
        ({"use": series({"0-64": 3, "65+": -1})}, "use: negative values for '65\\+'"),
        ({"use": series({"0-64": 0, "65+": 0})}, "nobody known uses anything"),
        ({"use": pd.Series([1.0, 2.0], index=["65+", "65+"])}, "use: duplicated ids '65\\+'"),
        ({"people": pd.DataFrame({"0-64": [1.0], "65+": [-1.0]})}, "people, '65\\+': negative values for 0"),
        ({"people": pd.DataFrame({"0-64": [math.inf], "65+": [1.0]})}, "people, '0-64': infinite values for 0"),
        ({"people": pd.DataFrame({"0-64": [math.nan], "65+": [1.0]})}, "nobody known uses anything"),
        (
            {"people": pd.DataFrame({"0-64": [1.0, 2.0], "65+": [1.0, 2.0]}, index=["A", "A"])},
            "people: duplicated ids 'A'",
        ),
        ({"mean_use": 0}, "mean_use = 0: give a positive number"),
    ],
)
def test_refused_ages(ages, change, message):
    given = {"people": ages[0], "use": ages[1]} | change
    with pytest.raises(ValueError, match=message):
        access.standardised_demand(**given)


# ---- catchments: edge cases ----------------------------------------------------------------


def test_nothing_within_reach_is_zero_and_not_reachable(town):
    demand, supply, _ = town
    empty = table({("A", "A"): 2}).iloc[:0]
    found = access.floating_catchment(demand, supply, empty, access.binary(30))
    assert found.access.tolist() == [0, 0, 0]
    assert not found.reachable.any()
    assert access.reached_supply(demand, supply, empty, access.binary(30)).tolist() == [False, False]
    assert access.hansen(supply, empty, access.binary(30), demand.index).tolist() == [0, 0, 0]


def test_beyond_the_reach_is_not_reachable(town):
    demand, supply, minutes = town
    assert access.floating_catchment(demand, supply, minutes, access.binary(14)).reachable.tolist() == [
        True,
        False,
        False,
    ]


def test_supply_without_demand_is_told_and_adds_nothing():
    demand, supply = series({"A": 0, "B": 10}), series({"x": 3, "y": 5, "z": 7})
    minutes = table({("A", "x"): 5, ("B", "y"): 5})
    found = access.floating_catchment(demand, supply, minutes, access.binary(30))
    assert found.access.tolist() == [0, 0.5]
    assert found.reachable.tolist() == [True, True]
    reached = access.reached_supply(demand, supply, minutes, access.binary(30))
    assert reached.to_dict() == {"x": False, "y": True, "z": False}
    report = access.catchments(demand, supply, minutes, access.binary(30)).report()
    assert report[["supply", "reached", "unreached", "delivered"]].tolist() == [15, 5, 10, 5]
    assert access.balanced_catchment(demand, supply, minutes, access.binary(30)).access.tolist() == [0, 0.5]


def test_no_inhabitant_still_has_an_access(town):
    _, supply, minutes = town
    found = access.floating_catchment(series({"A": 1000, "B": 0}), supply, minutes, access.binary(30))
    assert found.access.tolist() == [0.001, 0.001]


def test_a_supply_of_zero_is_not_within_reach(town):
    demand, _, minutes = town
    found = access.floating_catchment(demand, series({"A": 0}), minutes, access.binary(30))
    assert found.access.tolist() == [0, 0, 0]
    assert not found.reachable.any()
    assert access.reached_supply(demand, series({"A": 0}), minutes, access.binary(30)).tolist() == [True]


def test_vanishing_weights_never_overflow():
    demand, supply = series({"A": 1}), series({"x": 1e9})
    for beta in (0.3, 0.37, 0.5, 0.7, 0.74, 0.8):  # exp(-β·1000) runs through the smallest floats
        for measure in (access.floating_catchment, access.balanced_catchment):
            found = measure(demand, supply, table({("A", "x"): 1000}), access.exponential(beta))
            assert np.isfinite(found.access).all()


def test_trips_go_from_demand_to_supply():
    demand, supply = series({"A": 10, "B": 10}), series({"A": 1, "B": 1})
    minutes = table({("A", "B"): 5, ("B", "A"): 50, ("A", "A"): 0, ("B", "B"): 0})
    found = access.hansen(supply, minutes, access.binary(30), demand.index)
    assert found.to_dict() == {"A": 2, "B": 1}


def test_an_island_without_a_link_keeps_to_itself():
    coast = {("A", "A"): 0, ("A", "B"): 9, ("B", "A"): 9, ("B", "B"): 0}
    demand, supply = series({"A": 10, "B": 30, "ile": 5, "ilot": 2}), series({"A": 1, "B": 3, "ile": 4})
    minutes = table(coast | {("ile", "ile"): 0})
    found = access.floating_catchment(demand, supply, minutes, access.binary(30))
    assert found.access.tolist() == [0.1, 0.1, 0.8, 0]
    assert found.reachable.tolist() == [True, True, True, False]
    alone = access.floating_catchment(demand[:2], supply[:2], table(coast), access.binary(30))
    pd.testing.assert_frame_equal(found.iloc[:2], alone, check_exact=True)


def test_overseas_territories_are_measured_in_their_own_crs():
    communes = points([(340_000, 7_680_000), (349_000, 7_680_000)], ["97411", "97418"], crs=2975)
    clinic = points([(340_000, 7_680_000)], ["s"], crs=2975)
    minutes = access.travel_minutes(communes, clinic, max_minutes=30)
    assert minutes.tolist() == pytest.approx([0, 14.04])
    found = access.floating_catchment(series({"97411": 100, "97418": 50}), series({"s": 3}), minutes, access.binary(30))
    assert found.access.tolist() == pytest.approx([0.02, 0.02])
    with pytest.raises(CrsError, match="to_crs one to the other"):
        access.travel_minutes(communes, points([(340_000, 7_680_000)], ["s"]), max_minutes=30)


def test_the_own_cost_of_a_commune_is_not_zero():
    commune = points([(0, 0)], ["01001"])
    minutes = access.travel_minutes(commune, commune, max_minutes=30, area_km2=series({"01001": 100 * math.pi}))
    assert minutes.tolist() == pytest.approx([0.5 * 10 * 1.3 / 50 * 60])  # half the radius, on the road
    law = access.steps({5: 1, 10: 0.5})
    assert access.hansen(series({"01001": 8}), minutes, law, commune.index).tolist() == [4]


def test_results_follow_the_index_of_demand():
    demand = pd.Series([5, 1], index=pd.Index(["B", "A"], name="code_commune"))
    supply, minutes = pd.Series([2], index=["x"]), table({("A", "x"): 1, ("B", "x"): 1})
    found = access.floating_catchment(demand, supply, minutes, access.binary(5))
    pd.testing.assert_index_equal(found.index, demand.index)
    assert found.dtypes.astype(str).to_dict() == {"access": "float64", "reachable": "bool"}
    assert access.shen(demand, supply, minutes, access.binary(5)).index.name == "code_commune"


def test_integer_ids_and_nullable_numbers():
    demand = pd.Series([10, 20], index=[3, 1], dtype="Int64")
    minutes = pd.Series([5, 5], index=pd.MultiIndex.from_tuples([(3, 7), (1, 7)]), dtype="Float64")
    found = access.floating_catchment(demand, pd.Series([3], index=[7], dtype="Int64"), minutes, access.binary(5))
    assert found.access.tolist() == [0.1, 0.1]


def test_a_filtered_table_may_keep_unused_ids(town):
    demand, supply, minutes = town
    wider = pd.concat([minutes, table({("elsewhere", "nowhere"): 3})])
    kept = wider[wider.index.get_level_values(0) != "elsewhere"]
    assert "elsewhere" in kept.index.levels[0]
    found = access.floating_catchment(demand, supply, kept, access.binary(30))
    pd.testing.assert_frame_equal(found, access.floating_catchment(demand, supply, minutes, access.binary(30)))


def test_levels_may_come_in_any_order():
    rows = {("a", "x"): 9.0, ("a", "y"): 3.0, ("b", "x"): 5.0, ("b", "y"): 5.0, ("c", "y"): 7.0}
    levels = [["c", "a", "b"], ["y", "x"]]
    codes = [[levels[side].index(pair[side]) for pair in rows] for side in (0, 1)]
    names = ["origin", "destination"]
    minutes = pd.Series(list(rows.values()), index=pd.MultiIndex(levels=levels, codes=codes, names=names))
    demand, supply, law = series({"a": 3, "b": 7, "c": 11}), series({"x": 1.1, "y": 2.3}), access.gaussian(7)
    found = access.floating_catchment(demand, supply, minutes, law)
    pd.testing.assert_frame_equal(found, access.floating_catchment(demand, supply, table(rows), law), check_exact=True)
    assert access.nearest_id(minutes).to_dict() == {"a": "y", "b": "x", "c": "y"}
    assert access.count_within(minutes, [5])[5].to_dict() == {"a": 1, "b": 2, "c": 0}
    assert access.between(minutes, destinations=pd.Index(["x"])).to_dict() == {("a", "x"): 9, ("b", "x"): 5}
    with pytest.raises(TableError, match=r"duplicated pairs \('b', 'x'\)"):
        access.nearest(minutes.iloc[[2, 0, 2, 4]])


def test_inputs_stay_as_they_were(town):
    demand, supply, minutes = (part.copy() for part in town)
    access.floating_catchment(demand, supply, minutes.sample(frac=1, random_state=0), access.binary(30))
    for part, before in zip((demand, supply, minutes), town, strict=True):
        pd.testing.assert_series_equal(part, before)


def test_the_order_of_rows_changes_no_bit():
    rng = np.random.default_rng(3)
    origins, destinations = [f"{i:03d}" for i in range(60)], [f"s{i:02d}" for i in range(40)]
    minutes = full_table(rng.uniform(0, 40, (60, 40)), origins, destinations)
    demand, supply = series(rng.uniform(0, 1e4, 60), origins), series(rng.uniform(0, 9, 40), destinations)
    law = access.gaussian(13, 35)
    found = access.floating_catchment(demand, supply, minutes, law)
    mixed = access.floating_catchment(
        demand.sample(frac=1, random_state=1),
        supply.sample(frac=1, random_state=2),
        minutes.sample(frac=1, random_state=3),
        law,
    )
    pd.testing.assert_frame_equal(found, mixed.loc[found.index], check_exact=True)
    by_hand = minutes.reset_index().sample(frac=1, random_state=4).set_index(["origin", "destination"])["minutes"]
    pd.testing.assert_frame_equal(found, access.floating_catchment(demand, supply, by_hand, law), check_exact=True)


def test_the_hash_seed_changes_no_bit():
    program = """
import numpy as np, pandas as pd
from territoire_geo import access
rng = np.random.default_rng(0)
ids = [f"{i:03d}" for i in range(50)]
rows = list({(ids[i], ids[j]) for i, j in rng.integers(0, 50, (400, 2))})
known = {pair: float(int(pair[0]) * 7 % 31 + int(pair[1]) / 9) for pair in rows}
minutes = pd.Series(known)
people = pd.Series({i: 1 + int(i) / 7 for i in set(ids)})
law = access.gaussian(11, 30)
both = access.catchments(people, people, minutes, law)
for frame in (both.places, both.points, access.balanced_catchment(people, people, minutes, law)):
    print(frame.sort_index().astype(float).to_numpy().tobytes().hex())
print(both.report().to_numpy().tobytes().hex())
print(access.hansen(people, minutes, law, people.index).sort_index().to_numpy().tobytes().hex())
print(access.count_within(minutes, [20, 5]).to_numpy().tobytes().hex())
print(access.nearest_id(minutes).to_dict(), access.nearest(minutes, 2).to_numpy().tobytes().hex())
"""
    source = str(Path(access.__file__).parents[1])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": source},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


# ---- catchments: refusals ------------------------------------------------------------------


MEASURES = [
    access.catchments,
    access.floating_catchment,
    access.reached_supply,
    access.shen,
    access.spatial_availability,
    access.balanced_catchment,
]


def many(prefix, count=5):
    return [f"{prefix}{i}" for i in range(count)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"minutes": table({(name, "A"): 1 for name in many("u")})},
            r"ids that demand does not have: 'u0', 'u1', 'u2' \(5 in all\).*look like \['A', 'B'\].*between",
        ),
        (
            {"minutes": table({("A", name): 1 for name in many("u", 3)})},
            r"ids that supply does not have: 'u0', 'u1', 'u2', when its own look like \['A', 'Z'\]",
        ),
        ({"demand": series([math.nan] * 5, many("u"))}, r"demand: unknown values for 'u0', 'u1', 'u2' \(5 in all\)"),
        ({"supply": series([math.nan] * 4, many("u", 4))}, r"supply: unknown values for 'u0', 'u1', 'u2' \(4 in all\)"),
        (
            {"minutes": table({("A", name): math.nan for name in many("u")})},
            r"minutes: unknown values for \('A', 'u0'\), \('A', 'u1'\), \('A', 'u2'\) \(5 in all\)",
        ),
        (
            {"minutes": table({("A", name): -1 for name in many("u")})},
            r"minutes: negative values for \('A', 'u0'\), \('A', 'u1'\), \('A', 'u2'\) \(5 in all\)",
        ),
        (
            {"minutes": pd.concat([table(dict.fromkeys([("B", u), ("A", u)], 1)) for u in many("u", 2)] * 3)},
            r"duplicated pairs \('A', 'u0'\), \('A', 'u1'\), \('B', 'u0'\) \(4 in all\): keep one",
        ),
        (
            {
                "minutes": pd.Series(
                    [1.0, 2.0],
                    index=pd.MultiIndex([["A", "A"], ["A"]], [[0, 1], [0, 0]], verify_integrity=False),
                )
            },
            r"minutes, level 0: duplicated ids 'A'",
        ),
        ({"demand": pd.Series(1.0, index=["A", "B", "B", "A", "C"])}, r"demand: duplicated ids 'B', 'A':"),
        ({"supply": pd.Series(1.0, index=["A", "Z", "A"])}, r"supply: duplicated ids 'A':"),
        ({"demand": pd.Series([1.0, 2.0], index=["A", None])}, r"demand: 1 ids are missing"),
        ({"demand": series({"A": 1, "B": math.nan})}, r"demand: unknown values for 'B': drop or fill them yourself"),
        ({"demand": series({"A": -1, "B": 2})}, r"demand: negative values for 'A'"),
        ({"demand": series({"A": 1, "B": math.inf})}, r"demand: infinite values for 'B'"),
        ({"supply": series({"A": math.nan})}, r"supply: unknown values for 'A'"),
        ({"supply": series({"A": -2})}, r"supply: negative values for 'A'"),
        ({"supply": series({"A": math.inf})}, r"supply: infinite values for 'A'"),
        (
            {"supply": pd.Series([1.0], index=pd.MultiIndex.from_tuples([("1", "ACI")]))},
            r"supply: ids on 2 levels: join them",
        ),
        (
            {"minutes": table({("A", "A"): -1})},
            r"minutes: negative values for \('A', 'A'\): drop the pairs out of reach",
        ),
        ({"minutes": table({("A", "A"): math.nan})}, r"minutes: unknown values for \('A', 'A'\)"),
        ({"minutes": table({("A", "A"): math.inf})}, r"minutes: infinite values for \('A', 'A'\)"),
        ({"minutes": series({"A": 1})}, r"minutes: give a Series with a MultiIndex \(origin, destination\)"),
        (
            {"minutes": pd.Series(1.0, index=pd.MultiIndex.from_tuples([("A", "A", "car")]))},
            r"minutes: give a Series with a MultiIndex",
        ),
        (
            {"minutes": pd.Series(1.0, index=pd.MultiIndex.from_arrays([["A", "B"], ["A", None]]))},
            r"minutes: the destination is missing in the pairs \('B', nan\)",
        ),
        (
            {"minutes": pd.Series(1.0, index=pd.MultiIndex.from_arrays([["A", None], ["A", "A"]]))},
            r"minutes: the origin is missing in the pairs \(nan, 'A'\)",
        ),
        (
            {"minutes": pd.concat([table({("B", "A"): 1, ("A", "A"): 2}), table({("B", "A"): 3})])},
            r"minutes: duplicated pairs \('B', 'A'\): keep one trip for each",
        ),
        ({"decay": lambda c: -c}, r"returned \[-2\.0, -15\.0\] at \[2\.0, 15\.0\] minutes: give weights of 0 or more"),
        ({"decay": lambda c: c * math.nan}, r"returned \[nan, nan\]"),
        ({"decay": lambda c: c * math.inf}, r"returned \[inf, inf\]"),
        ({"decay": lambda _: 1.0}, r"returned shape \(\) for \(2,\)"),
        ({"decay": lambda c: c[:1]}, r"returned shape \(1,\) for \(2,\)"),
    ],
)
@pytest.mark.parametrize("measure", MEASURES)
def test_refusals(town, change, message, measure):
    given = dict(zip(("demand", "supply", "minutes"), town, strict=True)) | {"decay": access.binary(30)} | change
    with pytest.raises(ValueError, match=message):
        measure(**given)


def test_hansen_refuses_too(town):
    demand, supply, minutes = town
    law = access.binary(30)
    with pytest.raises(TableError, match="ids that index does not have: 'B', when its own look like"):
        access.hansen(supply, minutes, law, pd.Index(["A"]))
    with pytest.raises(TableError, match="index: duplicated ids 'A'"):
        access.hansen(supply, minutes, law, pd.Index(["A", "A"]))
    with pytest.raises(TableError, match="supply: duplicated ids 'A'"):
        access.hansen(pd.Series(1.0, index=["A", "A"]), minutes, law, demand.index)


def test_lost_leading_zeros_do_not_pass():
    minutes = table({("01001", "x"): 1})
    with pytest.raises(TableError, match=r"'01001', when its own look like \[1001\]"):
        access.shen(pd.Series([1.0], index=[1001]), series({"x": 1}), minutes, access.binary(5))
