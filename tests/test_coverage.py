"""Unmet need: identities, depth and inequality."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

import _small_territory as small
from territoire_geo import access, coverage, settings
from territoire_geo.activities import levels
from territoire_geo.measures import Access, Inputs, Target
from territoire_geo.needs import NEEDS, employment

A, B, C, D = small.CODES
EVERYWHERE = small.territory(core=small.CODES)
laws = examples(max_examples=80, deadline=None, derandomize=True, database=None)
PLACES = st.lists(
    st.tuples(st.one_of(st.just(0.0), st.floats(0.01, 1e5)), st.one_of(st.just(0.0), st.floats(1e-4, 100))),
    min_size=1,
    max_size=12,
)
NORMS = st.floats(1e-3, 100)


def columns(places):
    return (pd.Series(values, index=[f"c{i}" for i in range(len(places))]) for values in zip(*places, strict=True))


def inputs_of(tables, needs=NEEDS):
    asked = settings.Settings(tuple(needs), {}, 50.0, 1.3, "departement")
    minutes = settings.minutes_by_law(asked, EVERYWHERE, tables)["central"]
    known = tables.structures
    found = pd.DataFrame(columns=[n.id for n in needs]) if known is None else levels(known, tables.activities, needs)
    return Inputs(EVERYWHERE, tables, minutes, settings.find_reference(EVERYWHERE, tables, "departement"), found)


# Unmet need


def test_unmet_need_by_hand():
    demand = pd.Series([100.0, 100.0, 0.0, 100.0, np.nan, 100.0], index=list("abcdef"))
    reached = pd.Series([0.25, 1.5, 0.0, 0.0, 1.0, np.nan], index=list("abcdef"))
    found = coverage.unmet_need(demand, reached, 0.5)
    nan = np.nan
    assert found.to_dict("list") == {
        "unmet_people": pytest.approx([50, 0, 0, 100, nan, nan], nan_ok=True),
        "unmet_units": pytest.approx([25, 0, 0, 50, nan, nan], nan_ok=True),
        "surplus": pytest.approx([0, 100, 0, 0, nan, nan], nan_ok=True),
        "served": pytest.approx([50, 100, 0, 0, nan, nan], nan_ok=True),
    }


@pytest.mark.parametrize("target", [0.0, np.nan, pd.Series({"a": 0.0}), pd.Series({"z": 1.0})])
def test_no_target_tells_nothing(target):
    found = coverage.unmet_need(pd.Series({"a": 10.0}), pd.Series({"a": 1.0}), target)
    assert found.isna().all(axis=None)


def test_a_target_of_its_own_follows_the_index():
    demand, reached = pd.Series({"a": 10.0, "b": 10.0}), pd.Series({"b": 1.0, "a": 1.0})
    found = coverage.unmet_need(demand, reached, pd.Series({"b": 2.0, "a": 4.0}))
    assert found["unmet_people"].to_dict() == {"a": 7.5, "b": 5.0}


@laws
@given(PLACES, NORMS)
def test_what_is_missing_less_what_is_spare_is_the_norm_less_the_supply(places, norm):
    demand, reached = columns(places)
    found = coverage.unmet_need(demand, reached, norm)
    gap = found["unmet_units"].sum() - found["surplus"].sum()
    assert gap == pytest.approx(norm * demand.sum() - (reached * demand).sum(), rel=1e-9, abs=1e-6)
    assert (found["served"] + found["unmet_people"]).tolist() == pytest.approx(demand.tolist())
    assert (found >= 0).all(axis=None)


@pytest.mark.parametrize("known", [[True, True], [True, False], [False, True]])
def test_demand_is_served_saturated_or_out_of_reach(known):
    index = pd.Index(small.CODES, name="code_commune")
    demand = pd.Series([10.0, 10.0, 0.0, 10.0], index=index).where(pd.Series(known + [True] * 2, index=index))
    frame = pd.DataFrame({"access": [0.5, 2.0, 0.0, 0.0], "reachable": [True, True, False, False]}, index=index)
    measure = replace(employment.NEED.demand, numerator=lambda _: demand)
    need = replace(
        employment.NEED,
        demand=measure,
        access=lambda *_: Access(frame.assign(known_share=1.0)),
        target=lambda *_: Target(pd.Series(1.0, index=index), "", ""),
    )
    found = coverage.assess(need, inputs_of(small.tables()), need.decay).frame
    parts = found[["served", "saturated", "out_of_reach"]]
    assert parts.sum(axis=1, skipna=False).tolist() == pytest.approx(demand.tolist(), nan_ok=True)
    assert parts.loc[A].tolist() == pytest.approx([5, 5, 0] if known[0] else [np.nan] * 3, nan_ok=True)
    assert parts.loc[D].tolist() == [0, 0, 10]
    assert (found["saturated"] + found["out_of_reach"]).tolist() == pytest.approx(
        found["unmet_people"].tolist(), nan_ok=True
    )


@pytest.mark.parametrize("need", [NEEDS[2], NEEDS[3], NEEDS[4]], ids=lambda need: need.id)
def test_of_one_population_the_gaps_add_up(need):
    given = inputs_of(small.tables())
    found = coverage.assess(need, given, need.decay).frame
    surplus = coverage.unmet_need(found["demand"], found["access"], found["target"])["surplus"].sum()
    reached = {"employment": 830, "insertion": 2, "ageing": 2}[need.id]
    expected = (found["target"] * found["demand"]).sum() - reached
    assert found["unmet_units"].sum() - surplus == pytest.approx(expected, rel=1e-9)


# Depth and inequality


@pytest.mark.parametrize(
    ("alpha", "expected"), [(0, 0.75), (1, (0.5 + 2 * 0.25) / 4), (2, (0.25 + 2 * 0.0625) / 4), (0.5, 0.42677669)]
)
def test_fgt_by_hand(alpha, expected):
    demand = pd.Series([1.0, 2.0, 1.0, 5.0], index=list("abcd"))
    reached = pd.Series([1.0, 1.5, 2.0, np.nan], index=list("abcd"))
    assert coverage.fgt(demand, reached, 2.0, alpha) == pytest.approx(expected)
    assert coverage.fgt(demand, reached, pd.Series(2.0, index=demand.index), alpha) == pytest.approx(expected)


def test_fgt_of_nothing_and_of_a_negative_power():
    nobody = pd.Series({"a": 0.0})
    assert np.isnan(coverage.fgt(nobody, nobody, 1.0, 0))
    with pytest.raises(ValueError, match="alpha"):
        coverage.fgt(nobody, nobody, 1.0, -1)


@laws
@given(PLACES, NORMS)
def test_depth_is_unmet_people_over_people(places, norm):
    demand, reached = columns(places)
    assume(demand.sum() > 0)
    depth = [coverage.fgt(demand, reached, norm, alpha) for alpha in (0, 1, 2)]
    assert 0 <= depth[2] <= depth[1] <= depth[0] <= 1 + 1e-12
    unmet = coverage.unmet_need(demand, reached, norm)["unmet_people"].sum()
    assert depth[1] == pytest.approx(unmet / demand.sum(), abs=1e-12)


@pytest.mark.parametrize(
    ("reached", "people", "gini", "palma", "theil"),
    [
        ([2, 2, 2], [1, 5, 9], 0, 0.25, 0),
        ([0, 4], [1, 1], 0.5, np.nan, np.log(2)),
        ([1, 3], [3, 1], 0.25, 0.75, np.log(2 / 3) / 2 + np.log(2) / 2),
        ([1, 3, 7], [3, 1, 0], 0.25, 0.75, np.log(2 / 3) / 2 + np.log(2) / 2),
        ([0, 0], [1, 1], np.nan, np.nan, np.nan),
        ([1, 2], [0, 0], np.nan, np.nan, np.nan),
        ([np.nan], [1], np.nan, np.nan, np.nan),
    ],
)
def test_inequality_by_hand(reached, people, gini, palma, theil):
    values, weights = pd.Series(reached, dtype=float), pd.Series(people, dtype=float)
    found = [measure(values, weights) for measure in (coverage.gini, coverage.palma, coverage.theil)]
    assert found == pytest.approx([gini, palma, theil], nan_ok=True, abs=1e-12)


@laws
@given(PLACES, st.floats(0.1, 10))
def test_inequality_lies_in_bounds_and_ignores_the_scale(places, factor):
    demand, reached = columns(places)
    assume((demand * reached).sum() > 0)
    found = coverage.gini(reached, demand)
    assert -1e-12 <= found < 1
    assert coverage.gini(factor * reached, demand) == pytest.approx(found, abs=1e-9)
    assert coverage.gini(reached, factor * demand) == pytest.approx(found, abs=1e-9)
    assert coverage.theil(reached, demand) >= -1e-9
    mean = (
        demand.to_numpy()[:, None] * demand.to_numpy() * abs(reached.to_numpy()[:, None] - reached.to_numpy())
    ).sum()
    assert found == pytest.approx(mean / (2 * demand.sum() * (demand * reached).sum()), abs=1e-9)


def test_every_decay_of_the_sensitivity_has_the_reach_of_the_need():
    for need in NEEDS:
        assert all(isinstance(other(need.reach), access.Law) for other in need.others)
        limits = {other(need.reach).d0 for other in need.others}
        assert limits == ({15, 25} if need.id == "mobility" else {need.reach})


def test_a_tiny_weight_does_not_make_inequality_infinite():
    people = pd.Series([1000.0, 1e-14, 500.0])
    access = pd.Series([2.0, 5e4, 1.0])
    assert coverage.theil(access, people) == pytest.approx(coverage.theil(access.iloc[[0, 2]], people.iloc[[0, 2]]))


def test_inequality_leaves_out_an_unknown_target_with_its_people():
    found = coverage.inequality(pd.Series([1.0, 2.0]), pd.Series([1.0, 2.0]), pd.Series([np.nan, 4.0]))
    assert found["known_share"] == pytest.approx(2 / 3)
    assert (found["below"], found["gini"]) == (1, 0)


def test_fgt_of_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="alpha"):
        coverage.fgt(pd.Series([1.0]), pd.Series([0.0]), 1.0, float("nan"))
