"""Colleges of stakeholders: rankings, agreement, disagreements."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy import stats

from territoire_geo import composite
from territoire_geo.colleges import disagreements, kendall_w, pairwise_agreement, rankings
from territoire_geo.errors import TableError

laws = examples(max_examples=60, deadline=None, derandomize=True, database=None)
NAN = math.nan

# Three judges, four places: sums 4, 6, 8, 12, so S = 35, W = 12·35/(9·60) = 7/9 and χ² = 3·3·7/9 = 7.
THREE = pd.DataFrame({"CAF": [1, 2, 3, 4], "EPCI": [1, 3, 2, 4], "SIAE": [2, 1, 3, 4]}, index=list("abcd"), dtype=float)


@st.composite
def tables(draw, *, ties):
    """Rankings of three to seven places by two to five judges."""
    judges, places = draw(st.integers(2, 5)), draw(st.integers(3, 7))
    one = st.permutations(range(1, places + 1))
    if ties:
        one = st.lists(st.integers(1, 4), min_size=places, max_size=places)
    columns = {f"j{i}": draw(one) for i in range(judges)}
    return pd.DataFrame(columns, index=[f"c{i}" for i in range(places)], dtype=float)


def test_rankings_are_those_of_the_scores():
    needs = pd.DataFrame(np.random.default_rng(0).random((8, 3)), columns=["cars", "care", "jobs"])
    colleges = {"CAF": {"care": 3, "cars": 1}, "SIAE": pd.Series({"jobs": 1.0})}
    options = {"normalisation": "minmax", "aggregation": "geometric"}
    found = rankings(needs, colleges, **options)
    for name, weights in colleges.items():
        assert found[name].tolist() == composite.rank(composite.score(needs, weights, **options)["score"]).tolist()


def test_a_college_is_not_ranked_on_what_is_unknown():
    needs = pd.DataFrame({"cars": [0.1, 0.2, 0.3], "care": [NAN, 0.1, 0.2]}, index=list("abc"))
    found = rankings(needs, {"all": {"cars": 1, "care": 1}, "cars": {"cars": 1}})
    assert found["all"].tolist() == pytest.approx([NAN, 2, 1], nan_ok=True)
    assert found["cars"].tolist() == [3, 2, 1]
    agreement = kendall_w(found)
    assert (agreement.w, agreement.judges, agreement.places, agreement.left_out) == (1, 2, 2, 1)


def test_an_error_names_the_college():
    needs = pd.DataFrame({"cars": [0.1]})
    with pytest.raises(ValueError, match=r"college 'CAF': weights: all are 0"):
        rankings(needs, {"SIAE": {"cars": 1}, "CAF": {"cars": 0}})
    with pytest.raises(ValueError, match="colleges: none is given"):
        rankings(needs, {})


def test_kendall_w_by_hand():
    found = kendall_w(THREE)
    assert found.w == pytest.approx(7 / 9)
    assert found.chi2 == pytest.approx(7)
    assert found.p_value == pytest.approx(0.0718977724964651)  # χ² with 3 degrees of freedom
    assert (found.judges, found.places, found.left_out) == (3, 4, 0)


def test_kendall_w_with_ties_by_hand():
    # Mean ranks 1.5, 1.5, 3 and 1, 2, 3: sums 2.5, 3.5, 6, S = 6.5, one group of two ties: 12·6.5/(4·24 − 2·6).
    table = pd.DataFrame({"one": [1.0, 1, 3], "two": [1.0, 2, 3]})
    assert kendall_w(table).w == pytest.approx(78 / 84)


def test_the_extremes_of_agreement():
    order = pd.Series([3.0, 1, 2, 5, 4])
    assert kendall_w(pd.DataFrame({"a": order, "b": order, "c": order * 10})).w == pytest.approx(1)
    opposite = pd.DataFrame({"a": order, "b": 6 - order})
    found = kendall_w(opposite)
    assert (found.w, found.chi2, found.p_value) == (0, 0, 1)
    assert pairwise_agreement(opposite).to_numpy().ravel().tolist() == pytest.approx([1, -1, -1, 1])


@laws
@given(tables(ties=True))
def test_chi2_is_that_of_friedman(table):
    found = kendall_w(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scipy divides by 0 when every judge ties all
        expected = stats.friedmanchisquare(*(row for _, row in table.iterrows()))
    assert [found.chi2, found.p_value] == pytest.approx(list(expected), nan_ok=True, abs=1e-9)
    assert math.isnan(found.w) or -1e-12 <= found.w <= 1 + 1e-12


@laws
@given(tables(ties=True))
def test_pairs_are_those_of_spearman(table):
    found = pairwise_agreement(table)
    for one in table:
        for other in table:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a constant ranking
                expected = stats.spearmanr(table[one], table[other]).statistic
            assert found.at[one, other] == pytest.approx(expected, nan_ok=True)


@laws
@given(tables(ties=False))
def test_w_is_the_mean_of_the_pairs(table):
    judges = table.shape[1]
    mean = (pairwise_agreement(table).to_numpy().sum() - judges) / (judges * (judges - 1))
    assert mean == pytest.approx((judges * kendall_w(table).w - 1) / (judges - 1))


@laws
@given(tables(ties=True), st.integers(0, 99))
def test_the_order_of_places_and_judges_does_not_matter(table, seed):
    shuffled = table.sample(frac=1, random_state=seed).sample(frac=1, axis=1, random_state=seed)
    one, other = kendall_w(table), kendall_w(shuffled)
    assert one.w == pytest.approx(other.w, nan_ok=True)
    columns = ["range", "highest_rank", "lowest_rank"]  # of judges that tie, the first is named
    pd.testing.assert_frame_equal(disagreements(table)[columns], disagreements(shuffled)[columns])


def test_disagreements_by_hand():
    table = pd.DataFrame(
        {"CAF": [1, 4, 3, 2, NAN, 5], "EPCI": [1, 2, 5, 4, 3, 3], "SIAE": [1, 2, 3, 4, 5, 6]}, index=list("fedcba")
    )
    found = disagreements(table, 3)
    # The highest ranked first, then by id; all agree on f, and CAF does not rank b.
    assert found.to_dict("index") == {
        "a": {"range": 3, "highest": "EPCI", "highest_rank": 3, "lowest": "SIAE", "lowest_rank": 6},
        "c": {"range": 2, "highest": "CAF", "highest_rank": 2, "lowest": "EPCI", "lowest_rank": 4},
        "e": {"range": 2, "highest": "EPCI", "highest_rank": 2, "lowest": "CAF", "lowest_rank": 4},
    }
    assert disagreements(table).index.tolist() == ["a", "c", "e", "d"]
    assert kendall_w(table).left_out == 1


@pytest.mark.parametrize(
    "table", [THREE.iloc[3:], THREE.iloc[:0], THREE * NAN, pd.DataFrame({"a": [1.0, 1], "b": [1.0, 1]})]
)
def test_nothing_to_order_has_no_agreement(table):
    found = kendall_w(table)
    assert math.isnan(found.w)
    assert math.isnan(found.chi2)
    assert math.isnan(found.p_value)
    assert pairwise_agreement(table).isna().all(axis=None)
    assert disagreements(table).empty


@pytest.mark.parametrize("measure", [kendall_w, pairwise_agreement, disagreements])
def test_what_cannot_be_compared_is_refused(measure):
    with pytest.raises(ValueError, match=r"1 judge\. Give two or more"):
        measure(THREE[["CAF"]])
    with pytest.raises(TableError, match="duplicated ids 'a'"):
        measure(THREE.set_axis(list("aacd")))
