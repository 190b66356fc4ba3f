"""Worked values, edge cases and error messages of the accessibility engine."""

import copy
import math
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, Polygon

from territoire_geo import access
from territoire_geo.errors import CrsError, TableError

STEPS = {10: 1, 20: 0.68, 30: 0.22}


def series(values, ids=None):
    return pd.Series(values, index=ids, dtype=float)


def table(rows, names=("origin", "destination")):
    """Minutes from {(origin, destination): minutes}."""
    index = pd.MultiIndex.from_tuples(list(rows), names=list(names))
    return pd.Series(list(rows.values()), index=index, name="minutes", dtype=float)


def full_table(matrix, origins, destinations):
    index = pd.MultiIndex.from_product([origins, destinations], names=["origin", "destination"])
    return pd.Series(np.asarray(matrix, dtype=float).ravel(), index=index, name="minutes")


def points(coordinates, ids, crs=2154):
    x, y = np.asarray(coordinates, dtype=float).T
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=pd.Index(ids), crs=crs)


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


def test_gaussian_of_the_worked_example():
    found = access.gaussian(20)(np.array([0.0, 20, 40, 60]))
    np.testing.assert_allclose(found, [1, 0.6065306597, 0.1353352832, 0.0111089965], rtol=1e-8)


# ---- decays --------------------------------------------------------------------------------


def test_an_exact_bound_takes_the_higher_weight():
    law = access.steps(STEPS)
    minutes = np.array([0, 10, np.nextafter(10, 11), 20, 30, np.nextafter(30, 31), 1e9])
    assert law(minutes).tolist() == [1, 1, 0.68, 0.68, 0.22, 0, 0]
    assert access.binary(30)(np.array([30, 30.1])).tolist() == [1, 0]
    assert access.exponential(0.1, d0=10)(np.array([10, 10.1])).tolist() == [math.exp(-1), 0]
    assert access.gaussian(10, d0=10)(np.array([10, 10.1])).tolist() == pytest.approx([math.exp(-0.5), 0])


def test_dai_falls_from_one_to_zero():
    weights = access.dai(30)(np.linspace(0, 60, 601))
    assert weights[0] == 1
    assert weights[300:].tolist() == [0] * 301
    assert (np.diff(weights[:301]) < 0).all()
    middle = (math.exp(-1 / 8) - math.exp(-0.5)) / (1 - math.exp(-0.5))
    assert access.dai(30)(np.array([15.0]))[0] == pytest.approx(middle, rel=1e-12)


@pytest.mark.parametrize(
    ("law", "label", "d0"),
    [
        (access.steps({30: 0.22, 10: 1, 20: 0.68}), "steps(10→1, 20→0.68, 30→0.22)", 30),
        (access.steps({10: 1, 20: 0.5, 30: 0}), "steps(10→1, 20→0.5)", 20),
        (access.binary(30), "binary(30)", 30),
        (access.binary(math.inf), "binary(inf)", math.inf),
        (access.dai(22.5), "dai(22.5)", 22.5),
        (access.gaussian(20), "gaussian(σ=20)", math.inf),
        (access.gaussian(20, 60), "gaussian(σ=20, d0=60)", 60),
        (access.exponential(0.1), "exponential(β=0.1)", math.inf),
        (access.exponential(0.1, d0=45), "exponential(β=0.1, d0=45)", 45),
    ],
)
def test_a_law_names_itself_and_travels(law, label, d0):
    assert (law.label, repr(law), law.d0) == (label, label, d0)
    for other in (copy.deepcopy(law), pickle.loads(pickle.dumps(law))):  # noqa: S301 - pickled two words before
        assert other == law
        assert hash(other) == hash(law)
        assert other(np.array([12.0])) == law(np.array([12.0]))


def test_laws_are_equal_when_they_weigh_alike():
    assert access.steps(STEPS) == access.steps({30.0: 0.22, 20.0: 0.68, 10.0: 1.0})
    assert access.binary(30) == access.steps({30: 1})
    assert access.steps({10: 1, 20: 0.123456789}) != access.steps({10: 1, 20: 0.123456788})
    assert access.dai(30) != access.binary(30)
    assert len({access.gaussian(20), access.gaussian(20.0), access.gaussian(21)}) == 2


@pytest.mark.parametrize(
    "build",
    [
        lambda: access.binary(0),
        lambda: access.binary(math.nan),
        lambda: access.dai(-1),
        lambda: access.dai(math.inf),
        lambda: access.gaussian(0),
        lambda: access.gaussian(20, d0=-5),
        lambda: access.exponential(math.nan),
        lambda: access.exponential(math.inf),
        lambda: access.exponential(0.1, d0=0),
        lambda: access.steps({}),
        lambda: access.steps({10: 0}),
        lambda: access.steps({10: 1.5}),
        lambda: access.steps({10: 0.5, 20: 0.6}),
        lambda: access.steps({10: -0.5}),
        lambda: access.steps({10: math.nan}),
        lambda: access.steps({-10: 1}),
    ],
)
def test_bad_parameters_of_a_law(build):
    with pytest.raises(ValueError, match="give"):
        build()


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
        found = access.floating_catchment(demand, supply, table({("A", "x"): 1000}), access.exponential(beta))
        assert np.isfinite(found.access).all()


def test_trips_go_from_demand_to_supply():
    demand, supply = series({"A": 10, "B": 10}), series({"A": 1, "B": 1})
    minutes = table({("A", "B"): 5, ("B", "A"): 50, ("A", "A"): 0, ("B", "B"): 0})
    found = access.hansen(supply, minutes, access.binary(30), demand.index)
    assert found.to_dict() == {"A": 2, "B": 1}


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
print(access.floating_catchment(people, people, minutes, law).sort_index().to_numpy().astype(float).tobytes().hex())
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
@pytest.mark.parametrize("measure", [access.floating_catchment, access.reached_supply, access.spatial_availability])
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


# ---- nearest, counts, filters --------------------------------------------------------------


@pytest.fixture
def trips():
    return table({("b", "y"): 7, ("b", "x"): 7, ("a", "y"): 3, ("a", "x"): 9, ("a", "z"): 20, ("c", "z"): 0})


def test_nearest(trips):
    assert access.nearest(trips).to_dict() == {"a": 3, "b": 7, "c": 0}
    second = access.nearest(trips, 2)
    assert second[["a", "b"]].to_dict() == {"a": 9, "b": 7}
    assert math.isnan(second["c"])
    assert (second.name, second.index.name) == ("minutes", "origin")
    asked = access.nearest(trips, index=pd.Index(["d", "a"], name="code_commune"))
    assert asked.index.name == "code_commune"
    assert math.isnan(asked["d"])
    assert asked["a"] == 3


def test_nearest_id_prefers_the_smaller_id_of_two_at_the_same_minutes(trips):
    assert access.nearest_id(trips).to_dict() == {"a": "y", "b": "x", "c": "z"}
    third = access.nearest_id(trips, 3, index=pd.Index(["a", "b", "d"]))
    assert third["a"] == "z"
    assert third.isna().tolist() == [False, True, True]


def test_count_within(trips):
    found = access.count_within(trips, [10, 3, 20], index=pd.Index(["a", "d"]))
    assert found.columns.tolist() == [10, 3, 20]
    assert found.to_numpy().tolist() == [[2, 1, 3], [0, 0, 0]]
    assert found.dtypes.eq("int64").all()
    assert access.count_within(trips, [5])[5].to_dict() == {"a": 1, "b": 0, "c": 1}


def test_nearest_and_counts_of_nothing(trips):
    nothing, asked = trips.iloc[:0], pd.Index(["a"])
    assert access.nearest(nothing).empty
    assert access.nearest(nothing, index=asked).isna().all()
    assert access.nearest_id(nothing, index=asked).isna().all()
    assert access.count_within(nothing, [5], index=asked).to_numpy().tolist() == [[0]]
    assert access.between(nothing, origins=asked).empty


def test_refusals_of_nearest_and_counts(trips):
    with pytest.raises(ValueError, match="n = 0: give 1 for the nearest"):
        access.nearest(trips, 0)
    for limits in ([-1], [math.nan], [5, 5]):
        with pytest.raises(ValueError, match="give each limit once"):
            access.count_within(trips, limits)
    for measure in (access.nearest, access.nearest_id, lambda t: access.count_within(t, [5])):
        with pytest.raises(TableError, match="duplicated pairs"):
            measure(pd.concat([trips, trips]))
        with pytest.raises(TableError, match="negative values"):
            measure(-trips)
    with pytest.raises(TableError, match="index: duplicated ids"):
        access.nearest(trips, index=pd.Index(["a", "a"]))


def test_between_keeps_pairs_and_their_order(trips):
    kept = access.between(trips, origins=pd.Index(["a", "b", "q"]), destinations=pd.Index(["y", "q"]))
    pd.testing.assert_series_equal(kept, table({("b", "y"): 7, ("a", "y"): 3}))
    assert access.between(trips).equals(trips)
    assert access.between(trips, destinations=pd.Index([], dtype=object)).empty
    with pytest.raises(TableError, match="give a Series with a MultiIndex"):
        access.between(series({"a": 1}), origins=pd.Index(["a"]))


# ---- travel times --------------------------------------------------------------------------


def test_minutes_follow_the_convention():
    origins, destinations = points([(0, 0), (0, 10_000)], ["b", "a"]), points([(0, 0), (3000, 4000)], ["y", "x"])
    found = access.travel_minutes(origins, destinations, max_minutes=30)
    pd.testing.assert_series_equal(
        found,
        table({("a", "x"): math.hypot(3, 6) * 1.56, ("a", "y"): 15.6, ("b", "x"): 7.8, ("b", "y"): 0.0}),
        rtol=1e-12,
    )
    assert found.index.names == ["origin", "destination"]
    assert found.index.is_monotonic_increasing
    assert found.index.is_unique
    slow = access.travel_minutes(origins, destinations, speed_kmh=60, detour=1.21, start_minutes=8.7, max_minutes=14.75)
    expected = {("b", "x"): 14.75, ("b", "y"): 8.7}
    assert slow.to_dict() == pytest.approx(expected, rel=1e-12)


def test_the_limit_is_included():
    origins = points([(0, 0)], ["a"])
    reach = 30 / 1.56 * 1000
    destinations = points([(reach, 0), (reach + 0.001, 0), (-reach + 1e-7, 0)], ["at", "beyond", "below"])
    found = access.travel_minutes(origins, destinations, max_minutes=30)
    assert set(found.index.get_level_values(1)) == {"at", "below"}
    assert access.travel_minutes(origins, destinations, max_minutes=5, start_minutes=6).empty


def test_a_trip_inside_the_commune_is_not_instantaneous():
    communes = points([(0, 0), (5000, 0)], ["01001", "01002"])
    area = series({"01001": 4 * math.pi, "01002": 400 * math.pi, "unused": math.nan})
    found = access.travel_minutes(communes, communes, max_minutes=10, area_km2=area)
    assert found["01001", "01001"] == pytest.approx(1.56)  # 0.5 x 2 km
    assert ("01002", "01002") not in found.index  # 0.5 x 20 km, beyond 10 minutes
    assert found["01001", "01002"] == pytest.approx(7.8)
    plain = access.travel_minutes(communes, communes, max_minutes=10)
    assert plain["01001", "01001"] == 0


def test_an_own_trip_follows_the_area_even_between_two_far_points():
    origins, destinations = points([(0, 0), (9, 9)], ["a", "b"]), points([(90_000, 0), (0, 0)], ["a", "z"])
    found = access.travel_minutes(origins, destinations, max_minutes=10, area_km2=series({"a": math.pi}))
    assert found["a", "a"] == pytest.approx(0.78)
    assert len(found) == 3


def test_no_points_no_pairs():
    nobody = points(np.empty((0, 2)), pd.Index([], dtype="str"))
    communes = points([(0, 0)], ["a"])
    for pair in ((nobody, communes), (communes, nobody), (nobody, nobody)):
        found = access.travel_minutes(*pair, max_minutes=30, area_km2=series({"a": 1}))
        assert found.empty
        assert found.index.names == ["origin", "destination"]


def test_minutes_feed_the_catchment():
    communes = points([(0, 0), (15_000, 0), (90_000, 0)], ["a", "b", "c"])
    minutes = access.travel_minutes(communes, points([(0, 0)], ["s"]), max_minutes=30)
    found = access.floating_catchment(
        series({"a": 100, "b": 100, "c": 100}), series({"s": 2}), minutes, access.steps(STEPS)
    )
    assert found.access.tolist() == pytest.approx([2 / 122, 0.22 * 2 / 122, 0])


@pytest.mark.parametrize(
    ("origins", "message"),
    [
        (points([(0, 0)], ["a"], crs=None), "origins have no CRS"),
        (points([(0, 0)], ["a"], crs=4326), "origins are in WGS 84, not in metres"),
        (points([(0, 0)], ["a"], crs=2263), "not in metres"),  # US survey feet
        (points([(0, 0)], ["a"], crs=2975), "origins are in RGR92 / UTM zone 40S, destinations in RGF93"),
    ],
)
def test_refused_crs(origins, message):
    with pytest.raises(CrsError, match=message):
        access.travel_minutes(origins, points([(0, 0)], ["a"]), max_minutes=30)


@pytest.mark.parametrize(
    ("geometries", "ids", "message"),
    [
        ([Point(0, 0)] * 3, ["a", "b", "a"], "origins: duplicated ids 'a'"),
        ([None, Point(), Point(0, 0)], ["a", "b", "c"], "origins: missing or empty points for 'a', 'b'"),
        ([Polygon([(0, 0), (1, 0), (1, 1)])], ["a"], "origins: not points for 'a'"),
        ([Point(math.inf, 0)], ["a"], "origins: infinite coordinates for 'a'"),
        ([Point(0, 0)], [None], "origins: 1 ids are missing"),
    ],
)
def test_refused_points(geometries, ids, message):
    origins = gpd.GeoSeries(geometries, index=pd.Index(ids), crs=2154)
    with pytest.raises(ValueError, match=message):
        access.travel_minutes(origins, points([(0, 0)], ["a"]), max_minutes=30)


@pytest.mark.parametrize(
    "options",
    [
        {"speed_kmh": 0},
        {"speed_kmh": math.inf},
        {"detour": 0.9},
        {"detour": math.nan},
        {"max_minutes": 0},
        {"max_minutes": math.inf},
        {"start_minutes": -1},
        {"start_minutes": math.nan},
    ],
)
def test_refused_conventions(options):
    communes = points([(0, 0)], ["a"])
    with pytest.raises(ValueError, match=next(iter(options))):
        access.travel_minutes(communes, communes, **{"max_minutes": 30, **options})


@pytest.mark.parametrize("area", [{"b": 1}, {"a": math.nan}, {"a": 0}, {"a": -1}, {"a": math.inf}])
def test_refused_areas(area):
    communes = points([(0, 0)], ["a"])
    with pytest.raises(TableError, match="area_km2: no positive area for 'a'"):
        access.travel_minutes(communes, communes, max_minutes=30, area_km2=series(area))


# ---- an independent engine -----------------------------------------------------------------


@pytest.fixture(scope="module")
def pysal():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of their own dependencies
        return pytest.importorskip("access", reason="PySAL access is the oracle: pip install access")


@pytest.mark.parametrize("law", [access.steps(STEPS), access.dai(30), access.gaussian(12, 30)], ids=repr)
def test_pysal_agrees(pysal, law):
    rng = np.random.default_rng(8)
    communes = points(rng.uniform(0, 150_000, (300, 2)), [f"{i:05d}" for i in range(300)])
    sites = points(rng.uniform(0, 150_000, (40, 2)), [f"s{i:02d}" for i in range(40)])
    demand, supply = series(rng.uniform(1, 5000, 300), communes.index), series(rng.uniform(1, 20, 40), sites.index)
    minutes = access.travel_minutes(communes, sites, max_minutes=35)
    found = access.floating_catchment(demand, supply, minutes, law)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = pysal.fca.two_stage_fca(
            demand.to_frame("people"),
            supply.to_frame("doctors"),
            minutes.rename("cost").reset_index(),
            max_cost=law.d0,
            demand_index=True,
            demand_name="people",
            supply_name="doctors",
            cost_origin="origin",
            cost_dest="destination",
            weight_fn=lambda c: float(law(np.array([c]))[0]),
        )
    theirs = theirs.reindex(demand.index)
    assert theirs.notna().sum() > 200
    np.testing.assert_allclose(found.access[theirs.notna()], theirs.dropna(), rtol=1e-12, atol=1e-18)
    assert (found.access[theirs.isna()] == 0).all()
