"""Laws that hold whatever the territory: conservation, scale, order, buffer."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territoire_geo import access

# Examples are the same at every run, and none is timed.
laws = settings(max_examples=60, deadline=None, derandomize=True, database=None)

AMOUNTS = st.one_of(st.just(0.0), st.floats(0.001, 1e6))
MINUTES = st.one_of(st.sampled_from([0.0, 10.0, 20.0, 30.0]), st.floats(0, 60))
REACH = st.floats(1, 60)
DECAYS = st.one_of(
    st.builds(access.binary, REACH),
    st.builds(access.dai, REACH),
    st.builds(access.gaussian, st.floats(5, 40), st.one_of(st.none(), REACH)),
    st.builds(access.exponential, st.floats(0.01, 0.5), st.one_of(st.none(), REACH)),
    st.just(access.steps({10: 1, 20: 0.68, 30: 0.22})),
)


@st.composite
def territories(draw):
    """Demand, supply and some of the pairs between them."""
    demand = draw(st.lists(AMOUNTS, min_size=1, max_size=8))
    supply = draw(st.lists(AMOUNTS, min_size=1, max_size=5))
    every = [(f"o{i}", f"d{j}") for i in range(len(demand)) for j in range(len(supply))]
    pairs = draw(st.lists(st.sampled_from(every), unique=True, max_size=len(every)))
    cost = draw(st.lists(MINUTES, min_size=len(pairs), max_size=len(pairs)))
    index = pd.MultiIndex.from_arrays([[o for o, _ in pairs], [d for _, d in pairs]], names=["origin", "destination"])
    return (
        pd.Series(demand, index=[f"o{i}" for i in range(len(demand))]),
        pd.Series(supply, index=[f"d{j}" for j in range(len(supply))]),
        pd.Series(cost, index=index, dtype=float),
    )


def served(territory, decay):
    demand, supply, minutes = territory
    return float((access.floating_catchment(demand, supply, minutes, decay).access * demand).sum())


@laws
@given(territories(), DECAYS)
def test_the_reached_supply_is_shared_out(territory, decay):
    demand, supply, minutes = territory
    reached = access.reached_supply(demand, supply, minutes, decay)
    assert served(territory, decay) == pytest.approx(supply[reached].sum(), rel=1e-9)
    available = access.spatial_availability(demand, supply, minutes, decay)
    assert available.sum() == pytest.approx(supply[reached].sum(), rel=1e-9)


@laws
@given(territories(), DECAYS)
def test_access_is_a_number_and_tells_what_is_reachable(territory, decay):
    found = access.floating_catchment(*territory, decay)
    assert np.isfinite(found.access).all()
    assert (found.access >= 0).all()
    assert (found.access[~found.reachable] == 0).all()
    assert (access.hansen(*territory[1:], decay, territory[0].index) > 0).equals(found.reachable.rename("hansen"))


@laws
@given(territories(), DECAYS)
def test_access_follows_the_scale_of_supply_and_demand(territory, decay):
    demand, supply, minutes = territory
    found = access.floating_catchment(demand, supply, minutes, decay)
    doubled = access.floating_catchment(demand, 2 * supply, minutes, decay)
    halved = access.floating_catchment(2 * demand, supply, minutes, decay)
    assert (doubled.access == 2 * found.access).all()  # a power of two rounds nothing
    assert (halved.access == found.access / 2).all()


@laws
@given(territories(), DECAYS, st.floats(0, 1e4), st.data())
def test_more_supply_never_serves_less(territory, decay, more, data):
    demand, supply, minutes = territory
    site = data.draw(st.sampled_from(supply.index.tolist()))
    richer = supply.copy()
    richer[site] += more
    found, after = (access.floating_catchment(demand, s, minutes, decay).access for s in (supply, richer))
    assert (after >= found).all()
    assert served((demand, richer, minutes), decay) >= served(territory, decay)


@laws
@given(territories())
def test_without_limit_everybody_has_the_mean(territory):
    demand, supply, _ = territory
    pairs = pd.MultiIndex.from_product([demand.index, supply.index])
    minutes = pd.Series(np.linspace(0, 1e5, len(pairs)), index=pairs)
    found = access.floating_catchment(demand, supply, minutes, access.binary(math.inf))
    mean = supply.sum() / demand.sum() if demand.sum() else 0.0
    np.testing.assert_allclose(found.access, mean, rtol=1e-9)


@laws
@given(territories(), DECAYS, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_indifferent(territory, decay, random):
    demand, supply, minutes = territory
    mixed = [part.iloc[random.sample(range(len(part)), len(part))] for part in territory]
    for measure in (access.floating_catchment, access.shen, access.spatial_availability):
        assert measure(*mixed, decay).loc[demand.index].equals(measure(*territory, decay))
    assert access.reached_supply(*mixed, decay).loc[supply.index].equals(access.reached_supply(*territory, decay))
    assert access.nearest(mixed[2]).equals(access.nearest(minutes))
    assert access.nearest_id(mixed[2]).equals(access.nearest_id(minutes))


@laws
@given(territories(), DECAYS)
def test_pairs_beyond_the_reach_change_nothing(territory, decay):
    demand, supply, minutes = territory
    within = minutes[decay(minutes.to_numpy()) > 0]
    for measure in (access.floating_catchment, access.reached_supply):
        assert measure(demand, supply, within, decay).equals(measure(*territory, decay))


@laws
@given(territories(), st.floats(0, 60))
def test_counts_and_nearest_agree(territory, limit):
    demand, supply, minutes = territory
    count = access.count_within(minutes, [limit], index=demand.index)[limit]
    ones = pd.Series(1.0, index=supply.index)
    if limit > 0:
        assert access.hansen(ones, minutes, access.binary(limit), demand.index).tolist() == count.tolist()
    for n in (1, 2, 3):
        assert (access.nearest(minutes, n, index=demand.index) <= limit).tolist() == (count >= n).tolist()
    ids, best = access.nearest_id(minutes), access.nearest(minutes)
    assert [minutes[pair] for pair in ids.items()] == best.tolist()


@laws
@given(territories(), st.sets(st.sampled_from(["o0", "o1", "o5", "x"])), st.sets(st.sampled_from(["d0", "d3"])))
def test_between_keeps_what_both_sides_name(territory, origins, destinations):
    _, _, minutes = territory
    kept = access.between(minutes, origins=pd.Index(sorted(origins)), destinations=pd.Index(sorted(destinations)))
    expected = [pair for pair in minutes.index if pair[0] in origins and pair[1] in destinations]
    assert kept.index.tolist() == expected


@laws
@given(
    st.integers(0, 10_000),
    st.sampled_from([access.steps({10: 1, 20: 0.68, 30: 0.22}), access.gaussian(10, 25), access.dai(20)]),
)
def test_with_its_buffer_a_territory_has_the_national_values_exactly(seed, decay):
    rng = np.random.default_rng(seed)
    communes = gpd.GeoSeries.from_xy(
        *rng.uniform(0, 120_000, (2, 150)), index=[f"{i:05d}" for i in rng.permutation(150)], crs=2154
    )
    sites = gpd.GeoSeries.from_xy(
        *rng.uniform(0, 120_000, (2, 40)), index=[f"s{i:02d}" for i in rng.permutation(40)], crs=2154
    )
    demand = pd.Series(rng.uniform(1, 9000, 150), index=communes.index)
    supply = pd.Series(rng.uniform(0, 9, 40), index=sites.index)
    minutes = access.travel_minutes(communes, sites, max_minutes=60)
    core = communes.index[communes.x < 50_000][:12]
    national = access.floating_catchment(demand, supply, minutes, decay).loc[core]

    reach_m = decay.d0 / 1.56 * 1000 * (1 + 1e-9)
    from_core = communes[core].union_all()
    near_sites = sites[sites.distance(from_core) <= reach_m]
    near_communes = communes[communes.distance(from_core) <= 2 * reach_m]
    local = access.travel_minutes(near_communes, near_sites, max_minutes=60)
    found = access.floating_catchment(demand[near_communes.index], supply[near_sites.index], local, decay).loc[core]
    pd.testing.assert_frame_equal(found, national, check_exact=True)
    pd.testing.assert_frame_equal(
        access.floating_catchment(
            demand[near_communes.index],
            supply[near_sites.index],
            access.between(minutes, origins=near_communes.index, destinations=near_sites.index),
            decay,
        ).loc[core],
        national,
        check_exact=True,
    )
