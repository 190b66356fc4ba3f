"""Priorities of a diagnostic: components, weights and colleges, what is unknown, clusters that may be blank."""

import warnings

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from territoire_geo.diagnostic import diagnose
from territoire_geo.neighbours import from_lists
from territoire_geo.priorities import components, prioritise

CODES = [f"39{rank:03d}" for rank in range(1, 21)]
RING = from_lists({code: [CODES[rank - 1], CODES[(rank + 1) % 20]] for rank, code in enumerate(CODES)})


def frame(**shares):
    """Unmet shares by need, 100 people in each commune."""
    parts = {
        need: pd.DataFrame({"demand": 100.0, "unmet_people": 100 * np.asarray(values, dtype=float)}, index=CODES)
        for need, values in shares.items()
    }
    return pd.concat(parts, names=["need", "code_commune"]).swaplevel().sort_index()


RISING = np.arange(20) / 20
FALLING = RISING[::-1]


def test_components_are_unmet_shares_and_nobody_is_no_need():
    given = frame(ageing=RISING, mobility=FALLING)
    given.loc[(CODES[3], "ageing"), ["demand", "unmet_people"]] = 0.0
    given.loc[(CODES[4], "ageing"), ["demand", "unmet_people"]] = np.nan
    found = components(given)
    assert found.columns.tolist() == ["ageing", "mobility"]
    assert found.loc[CODES[3], "ageing"] == 0
    assert np.isnan(found.loc[CODES[4], "ageing"])
    assert found.loc[CODES[10], "ageing"] == 0.5


def test_the_score_is_the_sum_of_its_visible_parts():
    table = prioritise(frame(ageing=RISING, mobility=RISING**2), {"ensemble": {"ageing": 1, "mobility": 3}}, RING).table
    assert table["score"].to_numpy() == pytest.approx(table["part_ageing"] + table["part_mobility"])
    assert table["rank"].tolist() == list(range(20, 0, -1))
    assert {"rank_low", "rank_high", "stability", "cluster", "typology"} <= set(table)


def test_weights_decide_and_a_need_without_weight_does_not_count():
    given = frame(ageing=RISING, mobility=FALLING)
    only = prioritise(given, {"ensemble": {"ageing": 2, "mobility": 0}}, RING)
    assert only.table["rank"].idxmin() == CODES[-1]
    assert "part_mobility" not in only.table


def test_colleges_count_for_one_each_and_say_where_they_disagree():
    given = frame(ageing=RISING, mobility=FALLING)
    found = prioritise(given, {"élus": {"ageing": 10, "mobility": 0}, "habitants": {"ageing": 0, "mobility": 1}}, RING)
    assert found.agreement.w == pytest.approx(0)
    assert found.rankings["élus"].tolist() == found.rankings["habitants"].tolist()[::-1]
    assert set(found.disagreements.index[:2]) == {CODES[0], CODES[-1]}
    assert found.weights.sum().tolist() == [1, 1]
    alone = prioritise(given, {"ensemble": {"ageing": 1, "mobility": 1}}, RING)
    assert (alone.agreement, alone.disagreements) == (None, None)


def test_an_unknown_need_is_left_out_for_all_and_said_and_empties_nothing():
    found = prioritise(frame(ageing=RISING, mobility=[np.nan] * 20), {"ensemble": {"ageing": 1, "mobility": 1}}, RING)
    assert found.table["rank"].notna().all()
    assert any("mobility" in note.fr for note in found.remarks)


def test_a_commune_mostly_unknown_is_not_ranked_and_never_last():
    shares = RISING.copy()
    shares[5] = np.nan
    table = prioritise(frame(ageing=shares, mobility=FALLING), {"ensemble": {"ageing": 1, "mobility": 1}}, RING).table
    assert table.loc[CODES[5], ["score", "rank", "stability", "cluster"]].isna().all()
    assert table["rank"].count() == 19
    assert table.loc[CODES[5], "known_weight"] == 0.5


def test_nothing_known_ranks_nothing_and_says_so():
    found = prioritise(frame(ageing=[np.nan] * 20), {"ensemble": {"ageing": 1}}, RING)
    assert found.table[["score", "rank"]].isna().all().all()
    assert "ne peuvent être classées" in found.remarks[0].fr


def test_a_planted_cluster_is_found_and_noise_is_a_blank_map_that_says_so():
    codes = [f"39{rank:03d}" for rank in range(1, 201)]
    wide = from_lists({code: [codes[(rank + step) % 200] for step in (-4, -3, -2, -1, 1, 2, 3, 4)]
                       for rank, code in enumerate(codes)})  # fmt: skip
    noise = np.random.default_rng(2).permutation(200) / 200

    def clusters(values):
        given = pd.DataFrame({"demand": 100.0, "unmet_people": 100 * values}, index=codes)
        given = pd.concat({"ageing": given}, names=["need", "code_commune"]).swaplevel()
        return prioritise(given, {"ensemble": {"ageing": 1}}, wide)

    planted = clusters(np.where(np.arange(200) < 20, 0.9 + noise / 100, noise / 2))
    assert (planted.table["cluster"].iloc[4:16] == "high-high").all()
    assert not planted.remarks
    blank = clusters(noise)
    assert (blank.table["cluster"] == "not significant").all()
    assert any("Une carte vide est un résultat" in note.fr for note in blank.remarks)


def test_isolated_communes_are_not_significant():
    islands = from_lists({code: [] for code in CODES})
    found = prioritise(frame(ageing=RISING), {"ensemble": {"ageing": 1}}, islands)
    assert (found.table["cluster"] == "not significant").all()


def test_the_ranking_does_not_depend_on_the_order_of_rows():
    given = frame(ageing=RISING, mobility=FALLING**2)
    weights = {"ensemble": {"ageing": 1, "mobility": 1}}
    one = prioritise(given, weights, RING)
    other = prioritise(given.sample(frac=1, random_state=0), weights, RING)
    pd.testing.assert_frame_equal(one.table, other.table.loc[one.table.index][one.table.columns], check_exact=True)


# In a diagnostic


def diagnosed(**options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(small.territory(), small.tables(), **options)


def test_a_diagnostic_has_priorities_by_commune():
    found = diagnosed()
    assert found.priorities.index.tolist() == found.territory.core.tolist()
    assert found.priorities["rank"].min() == 1
    assert found.settings["weights"] == {"ensemble": {need.id: 1.0 for need in found.needs}}


def test_weights_of_the_call_reach_the_ranking():
    found = diagnosed(weights={"élus": {"mobility": 1}, "habitants": {"childcare": 1, "ageing": 1}})
    assert found.ranking.rankings.columns.tolist() == ["élus", "habitants"]
    assert found.ranking.agreement.judges == 2


def test_huge_weights_are_weights():
    given = frame(ageing=RISING, mobility=FALLING**2)
    huge = prioritise(given, {"ensemble": {"ageing": 1e308, "mobility": 1e308}}, RING)
    pd.testing.assert_frame_equal(huge.table, prioritise(given, {"ensemble": {"ageing": 1, "mobility": 1}}, RING).table)


def test_values_that_differ_by_rounding_have_one_rank():
    shares = RISING.copy()
    shares[3], shares[4] = 0.1 + 0.2, 0.3
    table = prioritise(frame(ageing=shares), {"ensemble": {"ageing": 1}}, RING).table
    assert table["rank"].iloc[3] == table["rank"].iloc[4]


def test_a_single_commune_is_not_tested_and_the_remark_says_so():
    alone = frame(ageing=RISING).loc[[CODES[3]]]
    found = prioritise(alone, {"ensemble": {"ageing": 1}}, from_lists({CODES[3]: []}))
    assert "rien à tester" in found.remarks[0].fr


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"training": 1}, "training.*is not a need asked for"),
        ({"mobility": -1}, "weights of 0 or more"),
        ({"mobility": 0}, "at least one above 0"),
        ({"mobility": float("nan")}, "weights of 0 or more"),
        ({"élus": {"mobility": 1}, "childcare": 1}, "childcare.*is a number beside colleges"),
        ({"élus": {"training": 1}}, "weights of 'élus'.*training"),
    ],
)
def test_wrong_weights_are_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        diagnosed(weights=weights)
