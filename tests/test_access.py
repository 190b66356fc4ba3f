"""Decays, pairs and travel times of the accessibility engine: worked values, edge cases and error messages."""

import copy
import math
import pickle

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from shapely import Point, Polygon

from _access_cases import STEPS, points, series, table
from territoire_geo import access, catchments, decays, pairs
from territoire_geo.errors import CrsError, TableError


def test_the_whole_engine_is_offered_in_one_place():
    here = {name for module in (catchments, decays, pairs) for name in vars(module)} | {"travel_minutes"}
    assert set(access.__all__) <= here
    assert [name for name in access.__all__ if not hasattr(access, name)] == []
    public = {name for name, one in vars(catchments).items() if getattr(one, "__module__", "") == catchments.__name__}
    assert {name for name in public if not name.startswith("_")} <= set(access.__all__)


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


def test_gaussian_of_the_worked_example():
    found = access.gaussian(20)(np.array([0.0, 20, 40, 60]))
    np.testing.assert_allclose(found, [1, 0.6065306597, 0.1353352832, 0.0111089965], rtol=1e-8)


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
