"""Classes of places: separated groups are found, whatever the order, the unknown and the number of places."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from territoire_geo.errors import TableError
from territoire_geo.typology import CELLS, Typology, adjusted_rand, typology

laws = examples(max_examples=40, deadline=None, derandomize=True, database=None)
NAN = math.nan


def groups(centres, size, *, spread=1.0, seed=0):
    """Draw groups of places around their centres; `truth` is the group of each."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate([rng.normal(centre, spread, (size, len(centre))) for centre in centres])
    index = pd.Index([f"{i:06d}" for i in rng.permutation(len(rows))])
    frame = pd.DataFrame(rows, columns=[f"v{i}" for i in range(rows.shape[1])], index=index)
    return frame, pd.Series(np.repeat(np.arange(len(centres)), size), index=index)


def same(one: Typology, other: Typology):
    pd.testing.assert_series_equal(one.labels.sort_index(), other.labels.sort_index())
    pd.testing.assert_frame_equal(one.profiles, other.profiles, check_exact=True)
    pd.testing.assert_frame_equal(one.described, other.described, check_exact=True)
    assert (one.quality, one.stability) == pytest.approx((other.quality, other.stability), abs=0, nan_ok=True)


# Groups that are there


def test_two_groups_by_hand():
    frame = pd.DataFrame({"cars": [0, 0, 0, 1, 1], "care": [0.5, 0.5, 0.5, 0.9, 0.9]}, index=list("abcde"))
    found = typology(frame, classes=2)
    assert found.labels.tolist() == [2, 2, 2, 1, 1]
    assert found.sizes.to_dict() == {1: 2, 2: 3}
    assert found.profiles["mean"].to_dict() == pytest.approx(
        {(1, "cars"): 1, (1, "care"): 0.9, (2, "cars"): 0, (2, "care"): 0.5}
    )
    # mean 0.4, standard deviation sqrt(0.24)
    assert found.profiles["deviation"].xs("cars", level="variable").tolist() == pytest.approx(
        [0.6 / 0.24**0.5, -0.4 / 0.24**0.5]
    )
    assert (found.quality, found.stability, found.complete, found.left_out) == (1, 1, 5, ())


@pytest.mark.parametrize(
    "centres",
    [
        [(0, 0, 0), (9, 9, 9)],
        [(0, 0), (9, 0), (0, 9)],
        [(0, 0), (9, 0), (0, 9), (9, 9)],
        [(0, 0, 0, 0, 0), *np.eye(5) * 12],
    ],
)
@pytest.mark.parametrize("size", [20, 600])  # within and beyond the leaves of the tree
def test_separated_groups_are_found(centres, size):
    frame, truth = groups(centres, size)
    found = typology(frame)
    assert len(found.sizes) == len(centres)
    assert adjusted_rand(found.labels, truth) == 1
    assert found.stability > 0.99
    assert 0.7 < found.quality < 1


def test_more_places_than_leaves():
    frame, truth = groups([(0, 0, 0), (10, 0, 3), (0, 10, 6)], 3 * CELLS)
    found = typology(frame)
    assert adjusted_rand(found.labels, truth) == 1
    same(found, typology(frame.sample(frac=1, random_state=1)))


def test_an_extreme_place_makes_no_class_alone():
    for size in (6, 40):
        frame, truth = groups([(0, 0), (8, 8)], size)
        frame.iloc[0] = [4000.0, 4000.0]
        found = typology(frame)
        assert found.sizes.tolist() == [size + 1, size - 1]
        assert adjusted_rand(found.labels.iloc[1:], truth.iloc[1:]) == 1


def test_class_1_is_the_highest():
    frame, _ = groups([(0, 0), (20, 20), (9, 9)], 15)
    found = typology(frame)
    means = found.profiles["mean"].groupby(level="class").mean()
    assert means.is_monotonic_decreasing
    assert found.labels.iloc[15:30].eq(1).all()


def test_a_class_is_described_by_what_sets_it_apart():
    frame, _ = groups([(0, 0, 0, 0), (0, 9, 0, -9)], 30)
    found = typology(frame)
    for label, sign in ((found.labels.iloc[0], -1), (found.labels.iloc[-1], 1)):
        told = found.described.loc[label, "deviation"]
        assert set(told.index) == {"v1", "v3"}
        assert np.sign(told["v1"]) == sign
        assert np.sign(told["v3"]) == -sign
    assert found.described.index.isin(found.profiles.index).all()


def test_equal_heights_still_give_the_number_asked_for():
    square = pd.DataFrame({"x": [0, 0, 1, 1], "y": [0, 1, 0, 1]})
    for number in (2, 3, 4):
        assert len(typology(square, classes=number).sizes) == number


# Laws


@st.composite
def profiles(draw):
    """Frames of a few levels, with ties, constants and unknown figures."""
    width = draw(st.integers(1, 3))
    cell = st.one_of(st.integers(0, 4), st.floats(0, 1), st.just(NAN))
    rows = draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=1, max_size=30))
    return pd.DataFrame(
        rows, columns=[f"v{i}" for i in range(width)], index=[f"c{i:02d}" for i in range(len(rows))]
    ).astype(float)


@laws
@given(profiles(), st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(frame, seed):
    same(typology(frame), typology(frame.sample(frac=1, random_state=seed)))


@laws
@given(profiles())
def test_every_place_known_enough_has_a_class_and_the_others_none(frame):
    found = typology(frame)
    used = frame.drop(columns=list(found.left_out))
    enough = used.notna().mean(axis=1) >= 0.75
    if found.complete:
        assert found.labels.notna().equals(enough.rename("class"))
        assert sorted(found.labels.dropna().unique()) == list(range(1, len(found.sizes) + 1))
        assert found.sizes.sum() == enough.sum()
        assert found.complete == used.notna().all(axis=1).sum()
    else:
        assert found.labels.isna().all()
    assert all(frame[name].notna().mean() < 0.75 for name in found.left_out)


@examples(laws, max_examples=12)
@given(st.integers(5, 30), st.sampled_from([0.001, 60.0]), st.sampled_from([-5.0, 0.0, 3.0]))
def test_units_do_not_matter(size, factor, shift):
    frame, _ = groups([(0, 0), (9, 9)], size, seed=size)
    found, scaled = typology(frame), typology(frame * factor + shift)
    pd.testing.assert_series_equal(found.labels, scaled.labels)
    assert scaled.quality == pytest.approx(found.quality)


def test_a_small_change_moves_nobody():
    frame, _ = groups([(0, 0, 0), (9, 0, 0), (0, 9, 9)], 50)
    moved = frame + np.random.default_rng(1).normal(0, 1e-3, frame.shape)
    pd.testing.assert_series_equal(typology(frame).labels, typology(moved).labels)


def test_a_cloud_without_groups_says_that_its_classes_do_not_hold():
    cloud = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 6)))
    found = typology(cloud, classes=5)
    assert found.stability < 0.8
    assert found.quality < 0.5


# What is not known


def test_a_place_joins_the_nearest_class_on_what_is_known():
    frame, _ = groups([(0, 0, 0, 0), (9, 9, 9, 9)], 15)
    whole = typology(frame)
    frame.iloc[0, 0] = NAN
    frame.iloc[-1, 3] = NAN
    frame.iloc[1, :2] = NAN
    found = typology(frame)
    assert found.labels.iloc[[0, -1]].tolist() == whole.labels.iloc[[0, -1]].tolist()
    assert math.isnan(found.labels.iloc[1])
    assert (found.complete, found.sizes.sum()) == (27, 29)


def test_an_unknown_figure_is_not_a_zero():
    frame, _ = groups([(0, 0, 0, 0), (9, 9, 9, 9)], 15)
    frame.iloc[-1, 0] = NAN
    found = typology(frame)
    high = found.labels.iloc[-2]
    mean = frame.iloc[15:-1, 0].mean()
    assert found.labels.iloc[-1] == high
    assert found.profiles.loc[(high, "v0"), "mean"] == pytest.approx(mean)


def test_a_variable_seldom_known_is_left_out_and_said():
    frame, truth = groups([(0, 0), (9, 9)], 10)
    frame["rare"] = [1.0] * 14 + [NAN] * 6
    found = typology(frame)
    assert found.left_out == ("rare",)
    assert found.complete == 20
    assert adjusted_rand(found.labels, truth) == 1


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"x": [NAN, NAN, NAN]}),
        pd.DataFrame({"x": [1.0, 1, 1, NAN], "y": [NAN, 1, 1, 1]}).iloc[[0, 3, 0, 3]].reset_index(drop=True),
        pd.DataFrame({"x": []}, dtype=float),
        pd.DataFrame(index=["a", "b"]),
    ],
)
def test_nothing_known_makes_no_class(frame):
    found = typology(frame)
    assert found.labels.isna().all()
    assert found.labels.index.equals(frame.index)
    assert found.sizes.empty
    assert found.profiles.empty
    assert found.described.empty
    assert math.isnan(found.quality)
    assert math.isnan(found.stability)
    assert found.complete == 0


def test_rounding_errors_make_no_class():
    found = typology(pd.DataFrame({"x": [0.3, 0.1 + 0.2] * 20, "y": [0, 1e-308] * 20}))
    assert found.labels.eq(1).all()
    assert found.profiles["deviation"].eq(0).all()


@pytest.mark.parametrize("frame", [pd.DataFrame({"x": [1.0, 2, 3]}), pd.DataFrame({"x": [2.0] * 40, "y": [5.0] * 40})])
def test_too_few_or_all_alike_make_one_class(frame):
    found = typology(frame)
    assert found.labels.eq(1).all()
    assert math.isnan(found.stability)
    assert found.profiles["deviation"].tolist() == pytest.approx([0] * frame.shape[1])


def test_a_constant_describes_nobody():
    frame, _ = groups([(0, 0), (9, 9)], 20)
    found = typology(frame.assign(same=0.1))  # its mean is not 0.1 in floating point
    assert found.profiles["deviation"].xs("same", level="variable").tolist() == pytest.approx([0, 0])
    assert "same" not in found.described.index.get_level_values("variable")


@pytest.mark.parametrize(
    ("frame", "classes", "said"),
    [
        (pd.DataFrame({"x": [1.0, 2]}), 1, "classes: 1 is not from 2 to 6"),
        (pd.DataFrame({"x": [1.0, 2]}), 7, "classes: 7 is not from 2 to 6"),
        (pd.DataFrame({"x": [1.0, 2, 2]}), 3, "3 asked of 2 distinct places"),
        (pd.DataFrame({"x": [1.0, math.inf]}), None, "'x' has infinite values"),
        (pd.DataFrame({"x": [1.0, 2]}, index=["a", "a"]), None, "profile: duplicated ids 'a'"),
        (pd.DataFrame([[1.0, 2]], columns=["x", "x"]), None, "profile.columns: duplicated ids 'x'"),
    ],
)
def test_typology_refuses(frame, classes, said):
    with pytest.raises(ValueError, match=said):
        typology(frame, classes=classes)


# Agreement of two partitions

LABELS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=14)


@laws
@given(LABELS)
def test_adjusted_rand_counts_pairs(labels):
    one, other = (pd.Series(side) for side in zip(*labels, strict=True))
    together = [(one[a] == one[b], other[a] == other[b]) for a, b in itertools.combinations(range(len(one)), 2)]
    both = sum(x and y for x, y in together)
    first, second = (sum(pair[side] for pair in together) for side in (0, 1))
    expected, most = first * second / len(together), (first + second) / 2
    by_hand = (both - expected) / (most - expected) if most != expected else 1.0
    assert adjusted_rand(one, other) == pytest.approx(by_hand)
    assert adjusted_rand(one, one) == 1


def test_adjusted_rand_over_the_places_of_both():
    one = pd.Series({"a": 1, "b": 1, "c": 2, "d": NAN})
    other = pd.Series({"c": 7, "b": 5, "a": 5, "e": 7})
    assert adjusted_rand(one, other) == 1
    assert math.isnan(adjusted_rand(one, other[["e"]]))
    with pytest.raises(TableError, match="one: duplicated"):
        adjusted_rand(pd.Series([1, 2], index=["a", "a"]), other)
