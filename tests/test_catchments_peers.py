"""An independent engine, PySAL access: equal where it is right, and the defects that are not repeated here."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from _access_cases import STEPS, points, series, table
from territoire_geo import access
from territoire_geo.errors import TableError

# RAAM is not offered: PySAL orders places by a set, so that with equal costs its result follows the hash seed.
TOWN = {("A", "A"): 2, ("B", "A"): 15}


@pytest.fixture(scope="module")
def pysal():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of their own dependencies
        return pytest.importorskip("access", reason="PySAL access is the oracle: pip install access")


@pytest.fixture
def theirs(pysal):
    """Run a method of PySAL access on the same Series."""

    def run(method, demand, supply, minutes, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            engine = pysal.Access(
                demand_df=demand.rename_axis("id").rename("people").reset_index(),
                demand_value="people",
                demand_index="id",
                supply_df=supply.rename_axis("id").rename("units").reset_index(),
                supply_value="units",
                supply_index="id",
                cost_df=minutes.rename("cost").reset_index(),
                cost_origin="origin",
                cost_dest="destination",
                cost_name="cost",
            )
            return getattr(engine, method)(name="found", **options)["found_units"]

    return run


@pytest.fixture(scope="module")
def region():
    rng = np.random.default_rng(8)
    communes = points(rng.uniform(0, 150_000, (300, 2)), [f"{i:05d}" for i in range(300)])
    sites = points(rng.uniform(0, 150_000, (40, 2)), [f"s{i:02d}" for i in range(40)])
    demand, supply = series(rng.uniform(1, 5000, 300), communes.index), series(rng.uniform(1, 20, 40), sites.index)
    return demand, supply, access.travel_minutes(communes, sites, max_minutes=35)


def same(ours, other):
    """Compare where the other engine has a figure; where it has none, ours is 0."""
    other = other.reindex(ours.index)
    assert 100 < other.notna().sum() < len(ours)
    np.testing.assert_allclose(ours[other.notna()], other.dropna(), rtol=1e-12, atol=1e-18)
    assert (ours[other.isna()] == 0).all()


def by_one(law):
    return lambda cost: float(law(np.array([cost]))[0])


@pytest.mark.parametrize("law", [access.steps(STEPS), access.dai(30), access.gaussian(12, 30)], ids=repr)
def test_e2sfca_agrees(theirs, region, law):
    ours = access.floating_catchment(*region, law)["access"]
    same(ours, theirs("enhanced_two_stage_fca", *region, cost="cost", max_cost=30, weight_fn=by_one(law)))


def test_2sfca_agrees(theirs, region):
    ours = access.floating_catchment(*region, access.binary(30))["access"]
    same(ours, theirs("two_stage_fca", *region, cost="cost", max_cost=30))


@pytest.mark.parametrize("law", [access.steps(STEPS), access.exponential(0.1, 30), access.binary(20)], ids=repr)
def test_the_weighted_catchment_is_that_of_hansen(theirs, region, law):
    demand, supply, minutes = region
    ours = access.hansen(supply, minutes, law, demand.index)
    same(ours, theirs("weighted_catchment", *region, max_cost=law.d0, weight_fn=by_one(law)))


# ---- defects that are not repeated ---------------------------------------------------------


def test_out_of_reach_is_zero_and_not_unknown(theirs):
    demand, supply, minutes = series({"A": 1000, "B": 1000, "C": 500}), series({"A": 1}), table(TOWN)
    assert math.isnan(theirs("two_stage_fca", demand, supply, minutes, max_cost=30)["C"])
    ours = access.floating_catchment(demand, supply, minutes, access.binary(30))
    assert ours.loc["C"].tolist() == [0, False]


def test_a_supply_without_demand_is_told_and_not_infinite(theirs):
    demand, supply = series({"A": 0, "B": 10}), series({"x": 3, "y": 5})
    minutes = table({("A", "x"): 5, ("B", "y"): 5})
    assert math.isinf(theirs("two_stage_fca", demand, supply, minutes, max_cost=30)["A"])
    ours = access.catchments(demand, supply, minutes, access.binary(30))
    assert ours.places["access"].tolist() == [0, 0.5]
    assert ours.points["reached"].to_dict() == {"x": False, "y": True}


def test_duplicated_pairs_are_refused_and_not_counted_twice(theirs):
    demand, supply = series({"A": 1000, "B": 1000}), series({"A": 1})
    twice = pd.concat([table(TOWN), table({("B", "A"): 15})])
    found = theirs("two_stage_fca", demand, supply, twice, max_cost=30)
    assert found.tolist() == pytest.approx([1 / 3000, 2 / 3000])  # the two have the same access: 1 / 2000
    with pytest.raises(TableError, match=r"duplicated pairs \('B', 'A'\)"):
        access.floating_catchment(demand, supply, twice, access.binary(30))


def test_lost_leading_zeros_are_named_and_do_not_empty_the_map(theirs):
    demand, supply, minutes = series({"1001": 10}), series({"x": 1}), table({("01001", "x"): 5})
    assert theirs("two_stage_fca", demand, supply, minutes, max_cost=30).isna().all()
    with pytest.raises(TableError, match=r"'01001', when its own look like \['1001'\]"):
        access.floating_catchment(demand, supply, minutes, access.binary(30))


def test_an_unknown_demand_is_refused_and_not_taken_for_nobody(theirs):
    demand, supply = series({"A": math.nan, "B": 10}), series({"x": 3})
    minutes = table({("A", "x"): 5, ("B", "x"): 5})
    found = theirs("two_stage_fca", demand, supply, minutes, max_cost=30)
    assert found.tolist() == pytest.approx([0.3, 0.3])  # as if A were empty
    with pytest.raises(TableError, match="demand: unknown values for 'A'"):
        access.floating_catchment(demand, supply, minutes, access.binary(30))
