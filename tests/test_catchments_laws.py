"""Laws of the floating catchments, whatever the territory: plain loops, conservation, scale, order."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from _access_cases import AMOUNTS, DECAYS, laws, territories
from territoire_geo import access


class Loops:
    """The formulas of the methods as plain double loops, pair by pair."""

    def __init__(self, territory, decay):
        self.people, self.capacity, minutes = (part.to_dict() for part in territory)
        self.weight = {pair: float(decay(np.array([cost]))[0]) for pair, cost in minutes.items()}

    def w(self, i, j):
        return self.weight.get((i, j), 0.0)

    def rivals(self, j):
        return sum(self.w(i, j) * self.people[i] for i in self.people)

    def access(self, i):
        return sum(
            self.w(i, j) * self.capacity[j] / self.rivals(j) for j in self.capacity if self.w(i, j) and self.rivals(j)
        )

    def hansen(self, i):
        return sum(self.w(i, j) * self.capacity[j] for j in self.capacity)

    def reachable(self, i):
        return any(self.w(i, j) > 0 and self.capacity[j] > 0 for j in self.capacity)

    def available(self, i):
        total = 0.0
        for j in self.capacity:
            if self.rivals(j):
                total += self.capacity[j] * self.people[i] * self.w(i, j) / self.rivals(j)
        return total

    def drawn(self, j):
        return sum(
            self.people[i] * self.w(i, j) / sum(self.w(i, k) for k in self.capacity)
            for i in self.people
            if self.w(i, j)
        )

    def level(self, j):
        return self.capacity[j] / self.drawn(j) if self.drawn(j) else 0.0

    def balanced(self, i):
        return sum(
            self.w(i, j) / sum(self.w(k, j) for k in self.people) * self.level(j) for j in self.capacity if self.w(i, j)
        )


def near(expected):
    return pytest.approx(expected, rel=1e-11, abs=1e-200)


@laws
@given(territories(), DECAYS)
def test_every_catchment_is_that_of_plain_loops(territory, decay):
    demand, supply, minutes = territory
    loops, places, points = Loops(territory, decay), demand.index, supply.index
    both = access.catchments(*territory, decay)
    expected = [loops.access(i) for i in places]
    assert both.places["access"].tolist() == near(expected)
    assert both.places["reachable"].tolist() == [loops.reachable(i) for i in places]
    assert both.points["people"].tolist() == near([loops.rivals(j) for j in points])
    assert both.points["reached"].tolist() == [loops.rivals(j) > 0 for j in points]
    assert access.shen(*territory, decay).tolist() == near(expected)
    assert access.spatial_availability(*territory, decay).tolist() == near([loops.available(i) for i in places])
    assert access.hansen(supply, minutes, decay, places).tolist() == near([loops.hansen(i) for i in places])
    assert access.reached_supply(*territory, decay).equals(both.points["reached"])
    assert access.floating_catchment(*territory, decay).equals(both.places[["access", "reachable"]])


@laws
@given(territories(), DECAYS)
def test_the_balanced_catchment_is_that_of_plain_loops(territory, decay):
    loops, found = Loops(territory, decay), access.balanced_catchment(*territory, decay)
    assert found["access"].tolist() == near([loops.balanced(i) for i in territory[0].index])
    assert found["reachable"].tolist() == [loops.reachable(i) for i in territory[0].index]


@laws
@given(territories(), DECAYS)
def test_a_balanced_catchment_counts_people_once_and_keeps_levels_of_service(territory, decay):
    demand, supply, _ = territory
    loops = Loops(territory, decay)
    within = sum(demand[i] for i in demand.index if any(loops.w(i, j) > 0 for j in supply.index))
    assert sum(loops.drawn(j) for j in supply.index) == pytest.approx(within, rel=1e-9)
    found = access.balanced_catchment(*territory, decay)
    assert found["access"].sum() == pytest.approx(sum(loops.level(j) for j in supply.index), rel=1e-9)
    delivered = sum(loops.level(j) * loops.drawn(j) for j in supply.index)
    assert delivered == pytest.approx(supply[[loops.drawn(j) > 0 for j in supply.index]].sum(), rel=1e-9)


@laws
@given(territories(), DECAYS)
def test_the_report_adds_up(territory, decay):
    both = access.catchments(*territory, decay)
    report = both.report()
    assert report["supply"] == pytest.approx(report["reached"] + report["unreached"], rel=1e-12)
    assert report["demand"] == pytest.approx(report["within_reach"] + report["out_of_reach"], rel=1e-12)
    assert abs(report["gap"]) <= 1e-9 * report["reached"]
    assert both.points["supply"].equals(territory[1].rename("supply"))
    assert both.places["demand"].equals(territory[0].rename("demand"))


@laws
@given(
    st.lists(st.lists(st.one_of(AMOUNTS, st.just(math.nan)), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.floats(0.1, 9), min_size=3, max_size=3),
)
def test_a_standardised_demand_keeps_the_total(rows, use):
    people, rates = pd.DataFrame(rows, columns=list("abc")), pd.Series(use, index=list("cab"))
    known = people.dropna()
    assume(known.to_numpy().sum() > 0)
    found = access.standardised_demand(people, rates)
    assert found.isna().tolist() == people.isna().any(axis=1).tolist()
    assert found.sum() == pytest.approx(known.to_numpy().sum(), rel=1e-9)


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
@given(territories(), DECAYS, st.sampled_from([access.floating_catchment, access.balanced_catchment]))
def test_access_follows_the_scale_of_supply_and_demand(territory, decay, measure):
    demand, supply, minutes = territory
    found = measure(demand, supply, minutes, decay)
    doubled = measure(demand, 2 * supply, minutes, decay)
    halved = measure(2 * demand, supply, minutes, decay)
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
    for measure in (access.floating_catchment, access.balanced_catchment, access.shen, access.spatial_availability):
        assert measure(*mixed, decay).loc[demand.index].equals(measure(*territory, decay))
    both, again = access.catchments(*territory, decay), access.catchments(*mixed, decay)
    assert again.points.loc[supply.index].equals(both.points)
    assert again.report().equals(both.report())
    assert access.count_within(mixed[2], [20, 5]).equals(access.count_within(minutes, [20, 5]))
    assert access.nearest(mixed[2]).equals(access.nearest(minutes))
    assert access.nearest_id(mixed[2]).equals(access.nearest_id(minutes))


@laws
@given(territories(), DECAYS)
def test_pairs_beyond_the_reach_change_nothing(territory, decay):
    demand, supply, minutes = territory
    within = minutes[decay(minutes.to_numpy()) > 0]
    for measure in (access.floating_catchment, access.balanced_catchment, access.reached_supply):
        assert measure(demand, supply, within, decay).equals(measure(*territory, decay))
