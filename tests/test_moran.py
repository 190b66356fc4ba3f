"""Local Moran's I: its values, its permutations, its clusters, and what it cannot tell."""

import itertools
import math
import os
import subprocess
import sys
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import box

import territoire_geo as tg
from territoire_geo import moran
from territoire_geo.errors import TableError
from territoire_geo.moran import (
    CLUSTERS,
    NOT_SIGNIFICANT,
    Floor,
    benjamini_hochberg,
    blank,
    enough_permutations,
    floor,
    local_moran,
)
from territoire_geo.neighbours import contiguity, from_lists

laws = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def grid(side):
    """Squares of a chessboard: the first id is at the bottom left, rows follow one another."""
    row, column = np.divmod(np.arange(side * side), side)
    ids = pd.Index([f"{r:02d}-{c:02d}" for r, c in zip(row, column, strict=True)])
    return gpd.GeoSeries(box(column, row, column + 1, row + 1), index=ids, crs=2154)


def noise(ids, seed=0):
    return pd.Series(np.random.default_rng(seed).normal(size=len(ids)), index=ids)


def esda_local(values, graph, permutations=999):
    """Local Moran of esda: its statistics, its one-sided p, and the draws it kept."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setitem(sys.modules, "numba", None)  # compiling takes longer than running without it
        from esda import Moran_Local  # noqa: PLC0415 - an oracle, heavy to import
        from libpysal.weights import W  # noqa: PLC0415 - an oracle, heavy to import

        ids = graph.ids.tolist()
        w = W({one: graph.of(one).tolist() for one in ids}, id_order=ids, silence_warnings=True)
        return Moran_Local(values.reindex(ids).to_numpy(), w, permutations=permutations, seed=1)


@pytest.fixture(scope="module")
def jura():
    """The communes of the Jura and how large they are: a real variable and its real neighbours."""
    communes = tg.load_territory("39", buffer_km=0).communes
    return communes["area_km2"], contiguity(communes.geometry)


# ---- against esda and by hand ----------------------------------------------------------------


def test_the_statistic_by_hand():
    values = pd.Series({"A": 1.0, "B": 2, "C": 6})  # mean 3: z = -2, -1, 3; mean of z² = 14/3
    found = local_moran(values, {"A": ["B"], "B": ["A", "C"], "C": ["B"]}, permutations=99)
    np.testing.assert_allclose(found.local_i, [2 * 3 / 14, -0.5 * 3 / 14, -3 * 3 / 14], rtol=1e-12)
    assert found.columns.tolist() == ["local_i", "p_value", "q_value", "cluster"]


def test_the_statistic_of_esda(jura):
    values, graph = jura
    n = len(values)
    found = local_moran(values, graph, permutations=9)
    expected = esda_local(values, graph, permutations=0).Is
    np.testing.assert_allclose(found.local_i * (n - 1) / n, expected, rtol=0, atol=1e-12 * np.abs(expected).max())


def test_the_mean_is_the_global_statistic(jura):
    values, graph = jura
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda import Moran  # noqa: PLC0415 - an oracle, heavy to import
        from libpysal.weights import W  # noqa: PLC0415 - an oracle, heavy to import

        w = W({one: graph.of(one).tolist() for one in graph.ids}, silence_warnings=True)
        expected = Moran(values.reindex(w.id_order).to_numpy(), w, permutations=0).I
    assert local_moran(values, graph, permutations=9).local_i.mean() == pytest.approx(expected, rel=1e-12)


def test_the_p_values_of_esda(jura):
    values, graph = jura
    peer = esda_local(values, graph, permutations=9999)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from esda.significance import calculate_significance  # noqa: PLC0415 - an oracle, heavy to import

        expected = calculate_significance(peer.Is, peer.rlisas, alternative="two-sided").clip(max=1)
    found = local_moran(values, graph).p_value.reindex(graph.ids).to_numpy()
    tail = (found + expected) / 4
    error = 2 * np.sqrt(2 * tail * (1 - tail) / 9999) + 4 / 10_000  # of two draws, and of esda's two percentiles
    assert (np.abs(found - expected) < 5 * error).all()
    assert abs((found - expected).mean()) < 0.01
    assert (peer.p_sim < 0.75 * found).mean() > 0.9  # what esda gives by itself is one-sided


# ---- exact p-values of small cases -----------------------------------------------------------


def exact(values, neighbours):
    """Two-sided p by listing every set of neighbours that each place could have had."""
    z = values - sum(values) / len(values)
    found = []
    for place, named in neighbours.items():
        others = [z[other] for other in range(len(z)) if other != place]
        sums = [math.fsum(some) for some in itertools.combinations(others, len(named))]
        own = math.fsum(z[other] for other in named)
        low = np.mean([s <= own + 1e-9 for s in sums])
        high = np.mean([s >= own - 1e-9 for s in sums])
        at_mean = abs(z[place]) < 1e-9
        found.append(math.nan if not named or np.ptp(values) == 0 else 1.0 if at_mean else min(1, 2 * min(low, high)))
    return np.array(found)


NUMBERS = st.one_of(st.integers(-2, 2).map(float), st.integers(0, 9).map(lambda v: v / 10), st.floats(-9, 9, width=16))


@st.composite
def small_maps(draw):
    """Up to 8 places with neighbours of any number, one way or both, and values with ties."""
    n = draw(st.integers(2, 8))
    near = st.sets(st.integers(0, n - 1))
    neighbours = {place: sorted(draw(near) - {place}) for place in range(n)}
    return np.array(draw(st.lists(NUMBERS, min_size=n, max_size=n))), neighbours


def assert_exact(values, neighbours, permutations):
    found = local_moran(pd.Series(values), neighbours, permutations=permutations).p_value.to_numpy()
    expected = exact(values, neighbours)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    tail = expected / 2
    error = 2 * np.sqrt(tail * (1 - tail) / permutations) + 1 / permutations
    gap = np.abs(found - expected)
    assert (gap[~np.isnan(gap)] < 5 * error[~np.isnan(gap)]).all()


@laws
@given(small_maps())
def test_p_values_are_those_of_every_possible_draw(case):
    assert_exact(*case, permutations=20_000)


def test_many_draws_are_made_in_parts():
    rng = np.random.default_rng(5)
    neighbours = {place: [other for other in range(8) if (place + other) % 3 and place != other] for place in range(8)}
    assert_exact(rng.normal(size=8), neighbours, permutations=400_000)


@pytest.mark.parametrize(("size", "n"), [(3, 7), (4, 7), (6, 6), (1, 2)])
def test_draws_are_distinct_and_equally_likely(size, n):
    drawn = moran._draw(np.random.default_rng(2), (60_000, size), n)  # noqa: SLF001 - the law everything rests on
    assert (np.diff(np.sort(drawn, axis=1), axis=1) > 0).all()
    _, times = np.unique(drawn @ n ** np.arange(size), return_counts=True)
    assert len(times) == math.perm(n, size)
    assert scipy.stats.chisquare(times).pvalue > 1e-4


def test_equal_sums_are_equal_in_any_unit(jura):
    _, graph = jura
    rng = np.random.default_rng(8)
    units = pd.Series(rng.integers(0, 4, len(graph.ids)).astype(float), index=graph.ids)
    expected = local_moran(units, graph, permutations=999).p_value
    for other in (units * 0.1, units / 3, units * 1e300, units * 1e-300, units + 1e6, units * 0.1 + 0.7, -units):
        pd.testing.assert_series_equal(local_moran(other, graph, permutations=999).p_value, expected)


def test_mostly_zeros_are_no_cluster():
    squares = grid(20)
    values = pd.Series(0.0, index=squares.index)
    values.iloc[::50] = 1.0
    found = local_moran(values, squares)
    assert blank(found)
    assert found.p_value[values == 1].eq(1).all()  # no neighbour above 0: nearly every draw says the same


def test_a_place_that_everybody_neighbours_learns_nothing():
    ids = [f"c{number:02d}" for number in range(40)]
    neighbours = {one: ["c00"] for one in ids[1:]} | {"c00": ids[1:]}
    found = local_moran(noise(pd.Index(ids)), neighbours, permutations=999)
    assert found.p_value["c00"] == 1
    assert found.p_value[1:].between(0.002, 1).all()


# ---- what is not tested ----------------------------------------------------------------------


def test_islands_are_no_cluster_whatever_esda_says():
    squares = grid(10)
    moved = squares.copy()
    islands = ["00-00", "09-09"]
    moved[islands] = moved[islands].translate(1000, 0)
    moved["09-09"] = moved[["09-09"]].translate(1000, 0).iloc[0]
    values = noise(squares.index)
    found = local_moran(values, moved)
    assert found.loc[islands, ["local_i", "p_value", "q_value"]].isna().all(axis=None)
    assert (found.cluster[islands] == NOT_SIGNIFICANT).all()
    assert found.p_value.notna().sum() == 98
    graph = contiguity(moved)
    peer = pd.Series(esda_local(values, graph).p_sim, index=graph.ids)
    assert (peer[islands] == 0.001).all()  # the smallest p there is, for a place without neighbours
    pd.testing.assert_series_equal(found.q_value, benjamini_hochberg(found.p_value))


@pytest.mark.parametrize("values", [[3, 3, 3], [0, 0, 0], [0.3, 0.1 + 0.2, 0.3], [1e308, 1e308, 1e308]])
def test_a_constant_is_not_tested(values):
    found = local_moran(pd.Series(values, index=["A", "B", "C"]), {"A": ["B"], "B": ["C"], "C": ["A"]})
    assert found[["local_i", "p_value", "q_value"]].isna().all(axis=None)
    assert blank(found)


def test_a_place_at_the_mean_is_on_neither_side():
    found = local_moran(pd.Series([1.0, 2, 3, 2]), {0: [1], 1: [0, 2], 2: [1, 3], 3: [2]}, permutations=99)
    assert found.p_value[[1, 3]].tolist() == [1, 1]
    assert found.local_i[[1, 3]].tolist() == [0, 0]


def test_no_place_one_place_no_link():
    assert local_moran(pd.Series([], index=pd.Index([], dtype=str), dtype=float), {}).empty
    assert local_moran(pd.Series({"A": 1.0}), {"A": []}).p_value.isna().all()
    assert local_moran(pd.Series({"A": 1.0, "B": 2.0}), {"A": [], "B": []}).p_value.isna().all()
    assert local_moran(pd.Series({"A": 1.0, "B": 2.0}), {"A": ["B"], "B": ["A"]}).p_value.tolist() == [1, 1]


def test_places_without_a_value_are_left_out(jura):
    values, graph = jura
    some = values.drop(values.index[::7])
    found = local_moran(some, graph, permutations=199)
    kept = set(some.index)
    lists = {one: [other for other in graph.of(one) if other in kept] for one in some.index}
    pd.testing.assert_frame_equal(found, local_moran(some, lists, permutations=199))


# ---- clusters --------------------------------------------------------------------------------


def planted(seed=0):
    """Noise on a chessboard, with a high patch, a low one, and one low square in the middle of the high one."""
    squares = grid(20)
    values = noise(squares.index, seed)
    board = values.to_numpy(copy=True).reshape(20, 20)
    board[2:7, 2:7] += 6
    board[12:17, 12:17] -= 6
    board[4, 4] -= 12
    return pd.Series(board.ravel(), index=squares.index), squares


def test_a_planted_cluster_is_found():
    values, squares = planted()
    found = local_moran(values, squares)
    board = found.cluster.to_numpy().reshape(20, 20)
    high, low = board[3:6, 3:6].ravel().tolist(), board[13:16, 13:16].ravel().tolist()
    assert high == ["high-high"] * 4 + ["low-high"] + ["high-high"] * 4
    assert low == ["low-low"] * 9
    shown = board != NOT_SIGNIFICANT
    shown[1:8, 1:8] = shown[11:18, 11:18] = False  # the patches and their rims
    assert shown.sum() <= 3
    assert set(found.cluster) <= set(CLUSTERS)
    assert found.p_value.min() == floor(400).p_value == 0.0002
    assert not blank(found)
    opposite = local_moran(-values, squares).cluster
    swap = {"high-high": "low-low", "low-low": "high-high", "low-high": "high-low", "high-low": "low-high"}
    pd.testing.assert_series_equal(opposite, found.cluster.replace(swap))


def test_the_map_of_noise_is_blank():
    squares = grid(20)
    graph = contiguity(squares)
    results = [local_moran(noise(squares.index, seed), graph, seed=seed) for seed in range(20)]
    assert sum(blank(found) for found in results) >= 18
    raw = np.mean([(found.p_value <= 0.05).mean() for found in results])
    assert 0.03 < raw < 0.07  # some twenty false clusters by map without the correction


def test_higher_than_by_chance_is_not_high():
    """One huge value puts all others below the mean: a patch higher than the rest of them is no low-low cluster."""
    squares = grid(60)
    board = noise(squares.index).to_numpy(copy=True).reshape(60, 60)
    board[2:26, 2:26] += 6
    board[59, 59] = 1e5
    values = pd.Series(board.ravel(), index=squares.index)
    graph = contiguity(squares)
    found = local_moran(values, graph)
    patch = [f"{row:02d}-{column:02d}" for row in range(3, 25) for column in range(3, 25)]
    assert (found.q_value[patch] <= 0.05).all()
    assert (found.cluster[patch] == NOT_SIGNIFICANT).all()
    quadrant = pd.Series(esda_local(values, graph, permutations=0).q, index=graph.ids)
    assert (quadrant[patch] == 3).all()  # low-low, from the signs alone
    assert (local_moran(values.rank(), graph).cluster[patch] == "high-high").all()


def test_more_permutations_and_a_larger_alpha_tell_more():
    values, squares = planted()
    graph = contiguity(squares)
    few = local_moran(values, graph, permutations=99)
    assert floor(400, 99).units == 160
    assert blank(few)
    lax, strict = (local_moran(values, graph, alpha=alpha) for alpha in (0.2, 0.01))
    assert (lax.cluster != NOT_SIGNIFICANT).sum() > (strict.cluster != NOT_SIGNIFICANT).sum()
    pd.testing.assert_series_equal(lax.q_value, strict.q_value)


# ---- order, seed, shape ----------------------------------------------------------------------


def test_rows_come_in_any_order(jura):
    values, graph = jura
    expected = local_moran(values, graph, permutations=199)
    shuffled = values.sample(frac=1, random_state=2)
    found = local_moran(shuffled, graph, permutations=199)
    assert found.index.equals(shuffled.index)
    pd.testing.assert_frame_equal(found.reindex(values.index), expected)
    backwards = {one: graph.of(one).tolist()[::-1] for one in graph.ids[::-1]}
    pd.testing.assert_frame_equal(local_moran(values, backwards, permutations=199), expected)


def test_the_seed_makes_the_draws(jura):
    values, graph = jura
    one, same, other = (local_moran(values, graph, permutations=199, seed=seed).p_value for seed in (4, 4, 5))
    pd.testing.assert_series_equal(one, same)
    assert (one != other).any()


def test_polygons_lists_and_graph_say_the_same():
    squares = grid(6)
    graph = contiguity(squares)
    values = noise(squares.index).round(1)
    expected = local_moran(values, graph, permutations=99)
    for neighbours in (squares, {one: graph.of(one) for one in graph.ids}):
        pd.testing.assert_frame_equal(local_moran(values, neighbours, permutations=99), expected)
    numbers = (values * 10).round().astype("Int64")
    pd.testing.assert_series_equal(local_moran(numbers, graph, permutations=99).p_value, expected.p_value)


def test_the_result_does_not_depend_on_the_hash_seed():
    program = """
import pandas as pd
from territoire_geo.moran import local_moran
ids = [f"c{number}" for number in range(12)]
near = {one: {other for other in ids if other != one and (ids.index(one) + ids.index(other)) % 3} for one in ids}
values = pd.Series(range(12), index=ids) ** 0.5
print(local_moran(values, near, permutations=99).to_csv())
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(moran.__file__).parents[1])},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


# ---- refusals --------------------------------------------------------------------------------


def test_unknown_and_infinite_values_are_refused():
    squares = grid(3)
    values = noise(squares.index)
    values.iloc[2:7] = np.nan
    with pytest.raises(
        TableError, match=r"values: unknown for '00-02', '01-00', '01-01' \(5 in all\)\. .*drop these rows"
    ):
        local_moran(values, squares)
    with pytest.raises(TableError, match=r"values: infinite for '00-02'\."):
        local_moran(values.fillna(1).replace(values.iloc[0], 1).where(squares.index != "00-02", -np.inf), squares)
    assert local_moran(values.dropna(), squares, permutations=9).p_value.notna().all()


def test_wrong_ids_are_refused():
    values = pd.Series({"A": 1.0, "B": 2, "C": 3})
    with pytest.raises(TableError, match="'C' are unknown: give their polygon or their list"):
        local_moran(values, {"A": ["B"], "B": ["A"]})
    with pytest.raises(TableError, match="'Z' are named as neighbours"):
        local_moran(values, {"A": ["B"], "B": ["Z"], "C": []})
    with pytest.raises(TableError, match="values: duplicated ids 'A'"):
        local_moran(pd.concat([values, values[["A"]]]), {"A": ["B"], "B": ["A"], "C": []})
    with pytest.raises(TypeError, match=r"a list\. Give a mapping"):
        local_moran(values, [["B"], ["A"], []])


@pytest.mark.parametrize("wrong", [{"permutations": 0}, {"alpha": 0}, {"alpha": 1}, {"alpha": float("nan")}])
def test_settings_out_of_range_are_refused(wrong):
    name = next(iter(wrong))
    with pytest.raises(ValueError, match=f"{name} = .*: give"):
        local_moran(pd.Series({"A": 1.0}), {"A": []}, **wrong)
    with pytest.raises(ValueError, match=f"{name} = .*: give"):
        floor(10, **wrong)


# ---- the correction and the floor ------------------------------------------------------------


P_VALUES = st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0002, 0.01, 0.05, 1.0])), max_size=30)


@laws
@given(P_VALUES, st.floats(0.001, 0.5), st.randoms(use_true_random=False))
def test_the_correction_by_force_and_by_scipy(p_values, alpha, random):
    q = benjamini_hochberg(pd.Series(p_values, dtype=float))
    ranked, n = sorted(p_values), len(p_values)
    threshold = max((p for rank, p in enumerate(ranked, start=1) if p * (n / rank) <= alpha), default=-1.0)
    assert (q <= alpha).tolist() == [p <= threshold for p in p_values]
    if n:
        np.testing.assert_allclose(q, scipy.stats.false_discovery_control(p_values), rtol=1e-12)
    holes = [*p_values, math.nan, math.nan]
    random.shuffle(holes)
    found = benjamini_hochberg(pd.Series(holes, dtype=float))
    np.testing.assert_array_equal(found.isna(), np.isnan(holes))
    np.testing.assert_array_equal(np.sort(found.dropna()), np.sort(q))


def test_p_values_out_of_range_are_refused():
    with pytest.raises(TableError, match="'B', 'C' are not between 0 and 1"):
        benjamini_hochberg(pd.Series({"A": 0.5, "B": 1.5, "C": -0.1}))


def test_the_floor_of_the_methods():
    assert floor(492, 999) == Floor(492, 999, 0.05, 0.002, 20)
    assert floor(492, 999).reachable
    assert floor(492).units == 2
    assert not floor(100, 19).reachable  # p cannot go below 0.1
    assert not floor(0, 999).reachable
    assert floor(1, 1).p_value == 1


COUNTS = st.integers(1, 60)


@laws
@given(COUNTS, st.integers(1, 400), st.sampled_from([0.01, 0.05, 0.1, 0.2]))
def test_the_floor_is_what_the_correction_lets_through(n, permutations, alpha):
    found = floor(n, permutations, alpha)
    assert found.p_value == min(2 / (permutations + 1), 1)
    passing = [
        units
        for units in range(1, n + 1)
        if (benjamini_hochberg(pd.Series([found.p_value] * units + [1.0] * (n - units))) <= alpha).any()
    ]
    assert found.reachable == bool(passing)
    assert not passing or found.units == passing[0]


@laws
@given(st.integers(1, 40_000), st.integers(1, 50), st.sampled_from([0.01, 0.05, 0.1, 0.2]))
def test_enough_permutations_are_just_enough(n, units, alpha):
    enough = enough_permutations(n, units, alpha=alpha)
    assert floor(n, enough, alpha).units <= units
    assert enough == 1 or floor(n, enough - 1, alpha).units > units


def test_counts_out_of_range_are_refused():
    with pytest.raises(ValueError, match="n_tested = -1"):
        floor(-1)
    for wrong in ((0, 1), (5, 0)):
        with pytest.raises(ValueError, match="give 1 or more of each"):
            enough_permutations(*wrong)


def test_lists_may_go_one_way():
    values = noise(pd.Index([f"c{number:02d}" for number in range(30)]))
    chain = from_lists({one: values.index[place + 1 : place + 2].tolist() for place, one in enumerate(values.index)})
    found = local_moran(values, chain, permutations=99)
    assert found.p_value.isna().tolist() == [False] * 29 + [True]
