"""Scores, ranks and their stability: worked values, brute force, laws."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from territoire_geo import composite
from territoire_geo.composite import contributions, leave_one_out, normalise, rank, score, stability
from territoire_geo.errors import TableError

laws = examples(max_examples=50, deadline=None, derandomize=True, database=None)
NAN = math.nan
SHARES = st.one_of(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 1000).map(lambda n: n / 1000))
HOWS = st.sampled_from(composite.NORMALISATIONS)
MEANS = st.sampled_from(composite.AGGREGATIONS)


@st.composite
def cases(draw, *, unknown=True, least=1):
    """Components and weights: a few places, one to four components."""
    width = draw(st.integers(1, 4))
    cell = st.one_of(st.just(NAN), SHARES, SHARES, SHARES) if unknown else SHARES
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=least, max_size=9))
    names = [f"need{i}" for i in range(width)]
    weights = draw(st.lists(st.integers(0, 5), min_size=width, max_size=width).filter(any))
    frame = pd.DataFrame(rows, columns=names, index=[f"c{i}" for i in range(len(rows))], dtype=float)
    return frame, dict(zip(names, weights, strict=True))


def references(components):
    return dict.fromkeys(components.columns, 0.4)


# Normalisation


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("rank", [0, 50, 50, 100, NAN]),
        ("minmax", [0, 25, 25, 100, NAN]),
        ("z", [40, 50 - 10 / 3, 50 - 10 / 3, 50 + 50 / 3, NAN]),
        ("reference", [50, 100, 100, 250, NAN]),
    ],
)
def test_normalise_by_hand(how, expected):
    column = pd.DataFrame({"x": [1, 2, 2, 5, NAN]}, index=list("abcde"))
    found = normalise(column, how, reference={"x": 2})
    assert found["x"].tolist() == pytest.approx(expected, nan_ok=True)
    assert found.index.equals(column.index)


@pytest.mark.parametrize("how", ["rank", "minmax", "z"])
def test_a_constant_tells_nothing(how):
    frame = pd.DataFrame(
        {"same": [0.3, 0.1 + 0.2, NAN], "tiny": [0, 1e-308, NAN], "alone": [NAN, 7.0, NAN], "nobody": [NAN] * 3}
    )
    found = normalise(frame, how)
    assert found["same"].tolist() == pytest.approx([50, 50, NAN], nan_ok=True)
    assert found["tiny"].tolist() == pytest.approx([50, 50, NAN], nan_ok=True)
    assert found["alone"].tolist() == pytest.approx([NAN, 50, NAN], nan_ok=True)
    assert found["nobody"].isna().all()


def test_a_constant_stands_at_its_distance_of_the_reference():
    frame = pd.DataFrame({"x": [3.0, 3.0]})
    assert normalise(frame, "reference", reference=pd.Series({"x": 2.0})).to_dict("list") == {"x": [150, 150]}


@laws
@given(cases(), HOWS)
def test_normalising_keeps_the_unknown_and_the_order(case, how):
    frame, _ = case
    found = normalise(frame, how, reference=references(frame))
    assert (found.isna() == frame.isna()).all(axis=None)
    for name in frame:
        pd.testing.assert_series_equal(frame[name].rank(), found[name].round(6).rank())


@pytest.mark.parametrize(
    ("frame", "how", "reference", "said"),
    [
        (pd.DataFrame({"x": [1.0]}), "best", None, "'best' is not one of"),
        (pd.DataFrame({"x": [math.inf]}), "rank", None, "'x' has infinite values"),
        (pd.DataFrame({"x": [1.0]}), "reference", None, "no positive value for 'x'"),
        (pd.DataFrame({"x": [1.0]}), "reference", {"x": 0.0}, "no positive value for 'x'"),
        (pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "a"]), "rank", None, "duplicated ids 'a'"),
        (pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), "rank", None, "duplicated ids 'x'"),
    ],
)
def test_normalise_refuses(frame, how, reference, said):
    with pytest.raises(ValueError, match=said):
        normalise(frame, how, reference=reference)


# Score


def test_score_by_hand():
    frame = pd.DataFrame(
        {"cars": [0.0, 0.2, 0.4, 0.4], "care": [0.9, 0.3, NAN, 0.0], "jobs": [1, 1, 1, NAN]}, index=list("abcd")
    )
    found = score(frame, {"cars": 2, "care": 1, "jobs": 1})
    # cars: 0, 1/3, 5/6, 5/6; care: 1, 1/2, -, 0; jobs is constant: 1/2
    assert found["score"].tolist() == pytest.approx([100 * x for x in (3 / 8, 5 / 12, 13 / 18, 5 / 9)], abs=1e-7)
    assert found["known_weight"].tolist() == [1, 1, 0.75, 0.75]
    assert rank(found["score"]).tolist() == [4, 3, 1, 2]


def test_too_little_known_is_not_ranked():
    frame = pd.DataFrame({"x": [0.1, 0.2, NAN], "y": [0.3, NAN, NAN]}, index=list("abc"))
    found = score(frame, {"x": 2.9, "y": 1.1})
    assert found["known_weight"].tolist() == [1, 0.725, 0]
    assert found["score"].isna().tolist() == [False, True, True]
    assert rank(found["score"]).tolist() == pytest.approx([1, NAN, NAN], nan_ok=True)


def test_three_quarters_known_is_enough_whatever_the_rounding():
    weights = {"a": 0.1, "b": 0.2, "c": 0.45, "d": 0.25}  # 0.1 + 0.2 + 0.45 is not 0.75 in floating point
    frame = pd.DataFrame({"a": [1.0, 0], "b": [1.0, 0], "c": [1.0, 0], "d": [NAN, 0]})
    assert score(frame, weights).loc[0].tolist() == [100, 0.75]


def test_a_geometric_mean_makes_up_less():
    frame = pd.DataFrame({"x": [0.0, 1.0, 0.5], "y": [1.0, 0.0, 0.5]}, index=list("abc"))
    equal = {"x": 1, "y": 1}
    assert score(frame, equal, normalisation="minmax")["score"].tolist() == [50, 50, 50]
    geometric = score(frame, equal, normalisation="minmax", aggregation="geometric")["score"]
    assert geometric.tolist() == pytest.approx([10, 10, 50.5])  # sqrt(1 × 100), and 1 + 99/2


def test_a_component_known_nowhere_is_left_out_and_said():
    frame = pd.DataFrame({"x": [0.1, 0.2], "y": [NAN, NAN], "z": [NAN, NAN]})
    weights = {"x": 1, "y": 9}
    assert composite.left_out(frame, weights) == ("y",)
    assert score(frame, weights).to_dict("list") == {"score": [0, 100], "known_weight": [1, 1]}
    assert list(contributions(frame, weights)) == ["x"]


def test_nothing_known_gives_no_score():
    frame = pd.DataFrame({"x": [NAN, NAN]})
    assert score(frame, {"x": 1}).to_dict("list") == {
        "score": pytest.approx([NAN, NAN], nan_ok=True),
        "known_weight": [0, 0],
    }
    assert stability(frame, {"x": 1}, draws=3).places.isna().all(axis=None)
    assert leave_one_out(frame, {"x": 1}).shape == (2, 0)


def test_no_place_gives_an_empty_result():
    frame = pd.DataFrame({"x": [], "y": []}, dtype=float)
    assert score(frame, {"x": 1}).empty
    assert stability(frame, {"x": 1, "y": 1}, draws=3).places.empty


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"x": 1, "w": 1}, "'w' is not a component"),
        ({"x": -1}, "'x' is negative or unknown"),
        ({"x": NAN}, "'x' is negative or unknown"),
        ({"x": 0}, "all are 0"),
        ({}, "all are 0"),
        (pd.Series([1, 2], index=["x", "x"]), "weights: duplicated ids 'x'"),
    ],
)
def test_weights_are_checked(weights, said):
    with pytest.raises(ValueError, match=said):
        score(pd.DataFrame({"x": [1.0], "y": [1.0]}), weights)


def test_an_unknown_aggregation_is_refused():
    with pytest.raises(ValueError, match="'harmonic' is not one of arithmetic, geometric"):
        score(pd.DataFrame({"x": [1.0]}), {"x": 1}, aggregation="harmonic")


def one_by_one(points, weights):
    """Score by the definition, place by place; NaN where nothing that weighs is known."""
    out = []
    for place in points.index:
        known = [(points.at[place, name], w) for name, w in weights.items() if not math.isnan(points.at[place, name])]
        total = sum(w for _, w in known)
        out.append(sum(p * w for p, w in known) / total if total else NAN)
    return pd.Series(out, index=points.index)


@laws
@given(cases(), HOWS)
def test_score_equals_its_definition(case, how):
    frame, weights = case
    found = score(frame, weights, normalisation=how, reference=references(frame))
    usable = {name: w for name, w in weights.items() if frame[name].notna().any()}
    whole = sum(usable.values())
    share = frame.notna().mul(pd.Series(usable)).sum(axis=1) / whole if whole else 0 * frame.sum(axis=1)
    expected = one_by_one(normalise(frame, how, reference=references(frame)), usable).where(share > 0.75 - 1e-6)
    assert found["known_weight"].tolist() == pytest.approx(share.tolist(), abs=1e-8)
    assert found["score"].tolist() == pytest.approx(expected.tolist(), nan_ok=True, abs=1e-8)


@laws
@given(cases(), HOWS)
def test_contributions_add_up_to_the_score(case, how):
    frame, weights = case
    options = {"normalisation": how, "reference": references(frame)}
    parts, found = contributions(frame, weights, **options), score(frame, weights, **options)["score"]
    assert parts.sum(axis=1, min_count=1).tolist() == pytest.approx(found.tolist(), nan_ok=True, abs=1e-6)
    assert parts[found.notna()].isna().equals(frame.loc[found.notna(), parts.columns].isna())


@laws
@given(cases(), HOWS, MEANS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(case, how, mean, random):
    frame, weights = case
    shuffled = frame.sample(frac=1, random_state=random.randrange(1000))
    options = {"normalisation": how, "aggregation": mean, "reference": references(frame)}
    pd.testing.assert_frame_equal(
        score(shuffled, weights, **options).loc[frame.index], score(frame, weights, **options), check_exact=True
    )
    trial = {"draws": 40, "normalisations": ("rank", how), "reference": references(frame)}
    pd.testing.assert_frame_equal(
        stability(shuffled, weights, **trial).places.loc[frame.index],
        stability(frame, weights, **trial).places,
        check_exact=True,
    )


@laws
@given(cases(), HOWS, MEANS, st.sampled_from([3, 0.1, 7e5]))
def test_the_scale_of_the_weights_does_not_matter(case, how, mean, factor):
    frame, weights = case
    scaled = {name: weight * factor for name, weight in weights.items()}
    options = {"normalisation": how, "aggregation": mean, "reference": references(frame)}
    one, other = score(frame, weights, **options), score(frame, scaled, **options)
    pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_series_equal(rank(one["score"]), rank(other["score"]))


@laws
@given(cases(), st.sampled_from([2.0, 1000.0, 0.001]))
def test_the_unit_of_a_component_does_not_matter(case, factor):
    frame, weights = case
    scaled = frame.assign(need0=frame["need0"] * factor)
    pd.testing.assert_frame_equal(score(frame, weights), score(scaled, weights))
    one, other = (score(x, weights, normalisation="z") for x in (frame, scaled))
    pd.testing.assert_frame_equal(one, other)


@laws
@given(cases(least=2), HOWS, MEANS, st.integers(1, 400))
def test_more_need_never_lowers_the_score(case, how, mean, more):
    frame, weights = case
    assume(not math.isnan(frame.iloc[0, 0]))
    worse = frame.copy()
    worse.iloc[0, 0] += more / 400
    options = {"normalisation": how, "aggregation": mean, "reference": references(frame)}
    before, after = (score(x, weights, **options)["score"] for x in (frame, worse))
    assume(not math.isnan(before.iloc[0]))
    assert after.iloc[0] >= before.iloc[0] - 1e-6
    if how == "reference" and mean == "arithmetic":
        assert after.iloc[1:].equals(before.iloc[1:])


@laws
@given(cases(unknown=False, least=3), HOWS)
def test_an_unknown_figure_is_not_a_zero(case, how):
    frame, weights = case
    frame = frame.assign(gap=frame["need0"])
    frame.iloc[0, -1] = NAN
    with_gap = weights | {"gap": sum(weights.values()) / 4}
    found = score(frame, with_gap, normalisation=how, reference=references(frame))
    rest = one_by_one(normalise(frame, how, reference=references(frame)).drop(columns="gap"), weights)
    assert found["known_weight"].iloc[0] == 0.8
    assert found["score"].iloc[0] == pytest.approx(rest.iloc[0])


# Ranks and the worst


def test_ties_share_the_smallest_rank():
    assert rank(pd.Series([3.0, 5, 5, NAN, 1])).tolist() == pytest.approx([3, 1, 1, NAN, 4], nan_ok=True)


@pytest.mark.parametrize(
    ("values", "fraction", "expected"),
    [
        ([5, 4, 3, 2, 1], 0.2, [1, 0, 0, 0, 0]),
        ([6, 5, 4, 3, 2, 1], 0.2, [1, 1, 0, 0, 0, 0]),  # 1.2 places: two
        ([5, 5, 5, 2, 1], 0.2, [1, 1, 1, 0, 0]),  # ties at the limit
        ([5, 0, 0, 0, 0], 0.4, [1, 0, 0, 0, 0]),  # nobody is worse than those that lack nothing
        ([2, 2, 2], 0.2, [0, 0, 0]),
        ([5, NAN, NAN, 1], 0.5, [1, 0, 0, 0]),
        ([NAN], 0.2, [0]),
        ([], 0.2, []),
        ([1], 0.2, [0]),
        (list(range(100)), 0.07, [0] * 93 + [1] * 7),  # 0.07 × 100 is above 7 in floating point
    ],
)
def test_the_worst_by_hand(values, fraction, expected):
    found = composite.worst(pd.Series(values, dtype=float), fraction)
    assert found.tolist() == [bool(x) for x in expected]
    assert found.dtype == bool


@pytest.mark.parametrize("fraction", [0, -0.1, 1.1, NAN])
def test_a_fraction_is_a_fraction(fraction):
    with pytest.raises(ValueError, match="is not above 0 and up to 1"):
        composite.worst(pd.Series([1.0]), fraction)


def test_kept_in_worst_by_hand():
    settings = pd.DataFrame(
        {"w1": [9, 8, 1, 0, NAN], "w2": [9, 1, 8, 0, NAN], "w3": [9, NAN, 1, 0, NAN]}, index=list("abcde")
    )
    found = composite.kept_in_worst(settings, 0.5)
    assert found.tolist() == pytest.approx([1, 0.5, 2 / 3, 0, NAN], nan_ok=True)


def test_turnover_by_hand():
    central = pd.Series([9, 8, 1, 0, 7], index=list("abcde"), dtype=float)
    settings = pd.DataFrame(
        {"same": [9, 8, 1, 0, 7], "one": [9, 1, 8, 0, 7], "equal": [1, 1, 1, 1, 1], "other": [NAN, 8, 1, 0, 9]},
        index=list("abcde"),
        dtype=float,
    )
    found = composite.turnover(settings.iloc[::-1], central, 0.4)
    # without a, the worst two of four were b and e, and still are; with a, b leaves and c comes in
    assert found.to_dict() == {"same": 0, "one": 0.5, "equal": 1, "other": 0}


def test_turnover_is_unknown_when_nobody_was_worse():
    central = pd.Series([1.0, 1.0], index=["a", "b"])
    assert composite.turnover(pd.DataFrame({"s": [1.0, 2.0]}, index=["a", "b"]), central).isna().all()


def test_duplicated_places_are_refused():
    twice = pd.Series([1.0, 2.0], index=["a", "a"])
    with pytest.raises(TableError, match="settings: duplicated"):
        composite.kept_in_worst(twice.to_frame("s"))
    with pytest.raises(TableError, match="central: duplicated"):
        composite.turnover(pd.DataFrame({"s": [1.0]}, index=["a"]), twice)


# Stability


def naive_stability(components, result, fraction, options):
    """Rank under each of the settings drawn, in plain Python."""
    ranked = result.places.index[result.places["rank"].notna()]
    by_place = {place: [] for place in ranked}
    among = {place: [] for place in ranked}
    for draw, setting in result.settings.iterrows():
        drawn = result.weights.loc[draw]
        points = normalise(components[list(drawn.index)], setting["normalisation"], **options)
        if setting["aggregation"] == "geometric":
            points = np.log(1 + 0.99 * normalise(points, "minmax"))
        means = one_by_one(points.loc[ranked], dict(drawn[drawn > 0]))
        if setting["aggregation"] == "geometric":
            means = np.exp(means)
        means = means.round(9)
        for place in ranked:
            if not math.isnan(means[place]):
                own = 1 + int((means > means[place]).sum())
                by_place[place].append(own)
                in_worst = own <= math.ceil(round(fraction * len(ranked), 9)) and means[place] > means.min()
                among[place].append(in_worst)
    rows = {}
    for place, ranks in by_place.items():
        ordered = sorted(ranks)
        at = [ordered[max(math.ceil(round(level * len(ordered), 9)) - 1, 0)] for level in (0.5, 0.05, 0.95)]
        rows[place] = [*at, sum(among[place]) / len(ranks)]
    columns = ["rank_median", "rank_low", "rank_high", "stability"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float).reindex(components.index)


@examples(laws, max_examples=20)
@given(cases(), st.sampled_from([0.2, 0.5]), st.booleans())
def test_stability_equals_brute_force(case, fraction, by_reference):
    frame, weights = case
    options = {"reference": references(frame)} if by_reference else {}
    normalisations = ("rank", "reference", "minmax") if by_reference else ("minmax", "rank", "z")
    found = stability(frame, weights, draws=41, fraction=fraction, normalisations=normalisations, **options)
    columns = ["rank_median", "rank_low", "rank_high", "stability"]
    expected = naive_stability(frame, found, fraction, options)
    pd.testing.assert_frame_equal(found.places[columns], expected, check_dtype=False)
    central = score(frame, weights, normalisation=normalisations[0], **options)["score"]
    pd.testing.assert_series_equal(found.places["rank"], rank(central))


def test_the_settings_cross_every_choice_alike():
    frame = pd.DataFrame(np.random.default_rng(0).random((6, 3)), columns=list("xyz"))
    found = stability(frame, {"x": 2, "y": 1, "z": 1}, draws=200, spread=0.25)
    table = found.settings
    ways = table[["normalisation", "aggregation"]].value_counts()
    assert ways.to_dict() == {  # the geometric mean of z is that of min-max
        ("rank", "arithmetic"): 40,
        ("rank", "geometric"): 40,
        ("minmax", "arithmetic"): 40,
        ("minmax", "geometric"): 40,
        ("z", "arithmetic"): 40,
    }
    assert table["left_out"].value_counts(dropna=False).tolist() == [50] * 4
    assert found.weights.sum(axis=1).tolist() == pytest.approx([1] * 200)
    for name in "xyz":
        assert (found.weights[name] == 0).equals(table["left_out"].eq(name))
    whole = found.weights[table["left_out"].isna()]
    assert whole["x"].between(0.5 * 0.75 / 1.125, 0.5 * 1.25 / 0.875).all()
    assert whole["x"].std() > 0.01


def test_nothing_varies_when_nothing_may():
    frame = pd.DataFrame(np.random.default_rng(0).random((20, 3)), columns=list("xyz"))
    options = {"spread": 0, "normalisations": ["rank"], "aggregations": ["arithmetic"], "leave_one_out": False}
    places = stability(frame, {"x": 1, "y": 2, "z": 3}, draws=5, **options).places
    for column in ("rank_low", "rank_median", "rank_high"):
        assert places[column].tolist() == places["rank"].tolist()
    assert places["stability"].tolist() == composite.worst(-places["rank"]).astype(float).tolist()


def test_a_place_worst_on_everything_always_is():
    frame = pd.DataFrame(np.random.default_rng(1).random((30, 4)), columns=list("wxyz"))
    frame.loc[7] = 2.0
    places = stability(frame, dict.fromkeys("wxyz", 1), draws=300).places
    assert places.loc[7].to_dict() == {"rank": 1, "rank_median": 1, "rank_low": 1, "rank_high": 1, "stability": 1}
    assert (places["rank_low"] <= places["rank_median"]).all()
    assert (places["rank_median"] <= places["rank_high"]).all()
    assert places["rank"].between(places["rank_low"], places["rank_high"]).mean() > 0.8


def test_the_same_seed_gives_the_same_result_and_another_another():
    frame = pd.DataFrame(np.random.default_rng(1).random((30, 3)), columns=list("xyz"))
    weights = dict.fromkeys("xyz", 1)
    one, again, other = (stability(frame, weights, draws=60, seed=seed) for seed in (4, 4, 5))
    pd.testing.assert_frame_equal(one.places, again.places)
    pd.testing.assert_frame_equal(one.weights, again.weights)
    assert not one.weights.equals(other.weights)


def test_ranks_beyond_two_bytes():
    size = (1 << 16) + 10
    frame = pd.DataFrame({"x": np.arange(size, dtype=float)})
    places = stability(frame, {"x": 1}, draws=2).places
    assert places["rank_high"].tolist() == list(range(size, 0, -1))


def test_a_place_known_by_one_component_is_not_ranked_without_it():
    frame = pd.DataFrame({"x": [0.1, 0.9, 0.5], "y": [0.2, NAN, 0.3]}, index=list("abc"))
    found = stability(frame, {"x": 4, "y": 1}, draws=300)
    assert found.places["rank"].tolist() == [3, 1, 2]
    assert found.places.at["b", "rank_high"] == 1  # first whenever it is ranked
    assert found.places.at["c", "rank_low"] == 1  # first when b is not


@pytest.mark.parametrize(
    "options", [{"draws": 0}, {"spread": -0.1}, {"spread": 1}, {"normalisations": ()}, {"aggregations": ()}]
)
def test_stability_refuses(options):
    with pytest.raises(ValueError, match="give 1 draw or more"):
        stability(pd.DataFrame({"x": [1.0]}), {"x": 1}, **options)


# Leave one out


def test_leave_one_out_by_hand():
    frame = pd.DataFrame({"x": [3.0, 2, 1], "y": [1.0, 2, 3], "z": [1.0, 2, 3], "w": [9.0, 9, 0]}, index=list("abc"))
    found = leave_one_out(frame, {"x": 1, "y": 1, "z": 0})
    assert found.to_dict("list") == {"x": [3, 2, 1], "y": [1, 2, 3]}


@laws
@given(cases(least=2), HOWS, MEANS)
def test_leave_one_out_is_a_ranking_without_it(case, how, mean):
    frame, weights = case
    options = {"normalisation": how, "aggregation": mean, "reference": references(frame)}
    found = leave_one_out(frame, weights, **options)
    for name in found:
        rest = score(frame, weights | {name: 0}, **options)["score"]
        pd.testing.assert_series_equal(found[name], rank(rest), check_names=False)
