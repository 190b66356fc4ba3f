"""Laws of pairs, whatever the territory: counts and nearest, against plain loops; the buffer."""

import math

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import assume, given
from hypothesis import strategies as st

from _access_cases import AMOUNTS, DECAYS, MINUTES, laws, territories
from territoire_geo import access


def by_origin(minutes):
    """Destinations of each origin, the nearest first, the smaller id first of two."""
    found = {}
    for (origin, destination), cost in minutes.items():
        found.setdefault(origin, []).append((cost, destination))
    return {origin: sorted(rows) for origin, rows in sorted(found.items())}


@laws
@given(territories(), st.integers(1, 6))
def test_the_nth_nearest_is_that_of_plain_loops(territory, n):
    demand, _, minutes = territory
    rows = by_origin(minutes)
    best, ids = access.nearest(minutes, n), access.nearest_id(minutes, n)
    assert best.index.tolist() == ids.index.tolist() == list(rows)
    for origin, found in rows.items():
        if len(found) < n:
            assert math.isnan(best[origin])
            assert pd.isna(ids[origin])
        else:
            assert (best[origin], ids[origin]) == found[n - 1]
    asked = access.nearest(minutes, n, index=demand.index)
    assert asked.isna().tolist() == [len(rows.get(origin, ())) < n for origin in demand.index]


@laws
@given(territories(), st.lists(st.one_of(st.sampled_from([0.0, 10.0, 20.0]), st.floats(0, 60)), unique=True))
def test_the_counts_are_those_of_plain_loops(territory, limits):
    demand, _, minutes = territory
    rows = by_origin(minutes)
    found = access.count_within(minutes, limits, index=demand.index)
    assert found.columns.tolist() == limits
    for origin in demand.index:
        for limit in limits:
            assert found.loc[origin, limit] == sum(cost <= limit for cost, _ in rows.get(origin, ()))


@laws
@given(DECAYS, st.lists(MINUTES, min_size=1))
def test_a_law_weighs_each_of_the_minutes_alone_and_never_rises(law, minutes):
    together = law(np.array(minutes))
    assert together.tolist() == [float(law(np.array([one]))[0]) for one in minutes]
    assert (together >= 0).all()
    assert (together <= 1).all()
    assert (together[np.array(minutes) > law.d0] == 0).all()
    assert (np.diff(law(np.sort(minutes))) <= 0).all()


@laws
@given(st.dictionaries(st.floats(0.5, 60), AMOUNTS.map(lambda x: x / 1e6), min_size=1, max_size=5), st.lists(MINUTES))
def test_steps_are_those_of_plain_loops(weights, minutes):
    falling = dict(zip(sorted(weights), sorted(weights.values(), reverse=True), strict=True))
    assume(any(falling.values()))
    expected = [next((weight for bound, weight in falling.items() if one <= bound), 0.0) for one in minutes]
    assert access.steps(falling)(np.array(minutes)).tolist() == expected


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
