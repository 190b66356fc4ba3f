"""A territory beside others: aggregates, intervals of chance, contributions, perimeters."""

from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from territoire_geo import peers
from territoire_geo.errors import TableError
from territoire_geo.peers import Difference, Figures, Perimeter, Ratio, Said

laws = examples(max_examples=80, deadline=None, derandomize=True, database=None)
NAN = float("nan")
# people of the denominator, share of them counted, known, group
COMMUNES = st.lists(
    st.tuples(st.integers(0, 5000), st.floats(0, 1), st.booleans(), st.sampled_from("xyz")), min_size=1, max_size=12
)


def series(**values):
    return pd.Series(values, dtype="float64")


def figures_of(communes, **options):
    index = pd.Index([f"{i:05d}" for i in range(len(communes))])
    people = pd.Series([float(n) for n, *_ in communes], index=index)
    counted = pd.Series([round(n * share) if known else NAN for n, share, known, _ in communes], index=index)
    groups = pd.Series([group for *_, group in communes], index=index)
    return Figures(counted, people, part=True, **options), groups


# Ratios of sums


def test_a_ratio_of_sums_is_no_mean_of_rates():
    figures = Figures(series(a=1, b=50), series(a=10, b=100), part=True, scale=100)
    found = peers.ratio(figures, pd.Index(["a", "b"]))
    assert (found.numerator, found.denominator, found.known_share) == (51, 110, 1)
    assert found.value == pytest.approx(100 * 51 / 110)  # and not (10 + 50) / 2 = 30
    by_group = peers.by_group(figures, pd.Series({"b": "e", "a": "e"}, name="code_epci"))
    assert by_group.index.name == "code_epci"
    assert by_group.loc["e"].tolist() == [found.value, 51, 110, 1, 2]


@pytest.mark.parametrize(
    ("numerator", "denominator", "weights", "share", "value"),
    [
        (series(a=10, b=NAN), series(a=80, b=20), None, 0.8, 12.5),
        (series(a=NAN, b=10), series(a=80, b=20), None, 0.2, NAN),  # known for less than three quarters
        (series(a=10, b=NAN), series(a=75, b=25), None, 0.75, 100 * 10 / 75),
        (series(a=10, b=5), series(a=80, b=NAN), None, 0.5, NAN),  # an unknown weight counts as the average
        (series(a=10, b=5), series(a=80, b=NAN), series(a=300, b=100), 0.75, 12.5),
        (series(a=10), series(a=80), series(a=300, b=100), 0.75, 12.5),  # the table stops before b
        (series(a=10), series(a=80), None, 0.5, NAN),
        (series(a=NAN, b=NAN), series(a=NAN, b=NAN), None, 0, NAN),
        (series(a=10, b=5), series(a=80, b=20), series(a=NAN, b=NAN), 1, 15),
        (series(a=0, b=0), series(a=0, b=0), None, 1, NAN),  # nobody: known, and no rate
        (series(a=0, b=0), series(a=0, b=10), None, 1, 0),
    ],
)
def test_unknown_is_carried_and_told(numerator, denominator, weights, share, value):
    figures = Figures(numerator, denominator, part=True, scale=100, weights=weights)
    found = peers.ratio(figures, pd.Index(["a", "b"]))
    assert found.known_share == pytest.approx(share)
    assert found.value == pytest.approx(value, nan_ok=True)


def test_a_wholly_unknown_group_counts_nobody_rather_than_zero():
    figures = Figures(series(a=1, b=NAN), series(a=2, b=2), part=True)
    found = peers.by_group(figures, pd.Series({"a": "x", "b": "y", "c": None}))
    assert found.index.tolist() == ["x", "y"]
    assert found.loc["y", ["value", "numerator", "denominator"]].isna().all()
    assert found["communes"].tolist() == [1, 1]


def test_nothing_to_aggregate():
    empty = pd.Series(dtype="float64", index=pd.Index([], dtype="str"))
    figures = Figures(empty, empty, part=True)
    assert peers.by_group(figures, pd.Series(dtype="str")).empty
    assert np.isnan(peers.ratio(figures, pd.Index(["a"])).value)
    assert peers.ratio(figures, pd.Index(["a"])).known_share == 0
    assert all(np.isnan(astuple(peers.ratio(figures, pd.Index([])))[:3]))
    assert peers.contributions(figures, pd.Index([], dtype="str"), 1.0).empty
    assert peers.against(figures, pd.Series(dtype="str"), pd.Index([], dtype="str")).empty
    assert peers.standing(figures, pd.Index(["a"]), {}).empty


@laws
@given(COMMUNES, st.randoms(use_true_random=False))
def test_groups_agree_with_their_own_ratios_in_any_order(communes, random):
    whole, groups = figures_of(communes)
    figures = Figures(whole.numerator / 3, whole.denominator / 3, part=True, scale=100)  # sums that are rounded
    found = peers.by_group(figures, groups)
    for group, codes in groups.groupby(groups).groups.items():
        one = peers.ratio(figures, codes)
        expected = [one.value, one.numerator, one.denominator, one.known_share, len(codes)]
        assert found.loc[group].tolist() == pytest.approx(expected, nan_ok=True, rel=1e-12)
    order = random.sample(range(len(groups)), len(groups))
    again = Figures(figures.numerator.iloc[order], figures.denominator.iloc[order[::-1]], part=True, scale=100)
    pd.testing.assert_frame_equal(peers.by_group(again, groups.iloc[order]), found, check_exact=True)


@pytest.mark.parametrize(
    ("numerator", "denominator", "options", "said"),
    [
        (series(a=3), series(a=2), {"part": True}, "larger than the denominator.*'a'"),
        (series(a=-1), series(a=2), {"part": True}, "numerator: negative"),
        (series(a=1), series(a=-2), {"part": False}, "denominator: negative"),
        (series(a=np.inf), series(a=2), {"part": False}, "infinite"),
        (series(a=1), series(a=2), {"part": False, "weights": series(a=-1)}, "weights: negative"),
        (pd.Series([1.0, 1.0], index=["a", "a"]), series(a=2), {"part": True}, "duplicated ids 'a'"),
    ],
)
def test_impossible_counts_are_refused(numerator, denominator, options, said):
    with pytest.raises(TableError, match=said):
        Figures(numerator, denominator, **options)


def test_nullable_counts_and_rounded_parts_are_taken():
    whole = pd.Series([2, None], index=["a", "b"], dtype="Int64")
    figures = Figures(series(a=2.01, b=1), whole, part=True)
    assert peers.ratio(figures, pd.Index(["a"])).value == pytest.approx(1.005)
    assert Figures(series(a=-3), series(a=2), part=False).numerator.tolist() == [-3]


# Differences


def test_newcombe_by_his_own_example():
    found = peers.difference(Ratio(56, 70), Ratio(48, 80))
    assert astuple(found) == pytest.approx((0.2, 0.0524, 0.3339, 4 / 3, Said.ABOVE), abs=5e-5)


@pytest.mark.parametrize(
    ("here", "there", "low", "high"),
    [  # method 10, Newcombe 1998, table II
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_by_the_published_table(here, there, low, high):
    found = peers.difference(Ratio(*here), Ratio(*there))
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


def test_a_part_is_held_against_the_rest_and_scaled():
    here, there = Ratio(56, 70, scale=100), Ratio(104, 150, scale=100)
    found = peers.difference(here, there, shared=here)
    alone = peers.difference(here, Ratio(48, 80, scale=100))
    part = 1 - 70 / 150
    assert found.difference == pytest.approx(80 - 100 * 104 / 150)
    assert (found.difference, found.low, found.high) == pytest.approx(
        (part * alone.difference, part * alone.low, part * alone.high)
    )
    back = peers.difference(there, here, shared=here)  # the whole against its part: the same, turned round
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))
    assert (found.said, back.said) == (Said.ABOVE, Said.BELOW)


def test_poisson_limits_by_hand():
    # 4 events in 100 and none in 100: score limits (4 + 1.92 ∓ 1.96·√(4 + .96)) / 100, and 0 to 3.84 / 100.
    found = peers.difference(Ratio(4, 100, part=False), Ratio(0, 100, part=False))
    z = 1.959964
    down, up = (4 + z**2 / 2 + sign * z * np.sqrt(4 + z**2 / 4) for sign in (-1, 1))
    assert found.low == pytest.approx(0.04 - np.hypot(4 - down, z**2) / 100)
    assert found.high == pytest.approx(0.04 + (up - 4) / 100)
    assert np.isnan(found.ratio)
    assert found.said is Said.NOT_DISTINGUISHABLE


@pytest.mark.parametrize(
    ("here", "there", "shared", "said"),
    [
        (Ratio(4.5, 100, part=False), Ratio(3, 100, part=False), None, Said.NO_INTERVAL),
        (Ratio(-4, 100, part=False), Ratio(3, 100, part=False), None, Said.NO_INTERVAL),
        (Ratio(4.5, 100), Ratio(3, 100), None, Said.NOT_DISTINGUISHABLE),  # census counts are not whole
        (Ratio(4, 100), Ratio(3, 100, known_share=0.7), None, Said.UNKNOWN),
        (Ratio(NAN, NAN, known_share=0.0), Ratio(3, 100), None, Said.UNKNOWN),
        (Ratio(0, 0), Ratio(3, 100), None, Said.UNKNOWN),
        (Ratio(4, 100), Ratio(4, 100), Ratio(4, 100), Said.SAME),
        (Ratio(4.5, 100, part=False), Ratio(4.5, 100, part=False), Ratio(4.5, 100, part=False), Said.SAME),
        (Ratio(0, 1000), Ratio(500, 1000), None, Said.BELOW),
        (Ratio(40, 100), Ratio(39, 101), Ratio(40, 100), Said.NO_INTERVAL),  # two vintages of one place
        (Ratio(40, 100), Ratio(40, 99), Ratio(40, 100), Said.NO_INTERVAL),
        (Ratio(-4, 100, part=False), Ratio(-5, 300, part=False), Ratio(-4, 100, part=False), Said.NO_INTERVAL),
    ],
)
def test_what_is_said(here, there, shared, said):
    found = peers.difference(here, there, shared=shared)
    assert found.said is said
    bounded = said not in {Said.UNKNOWN, Said.NO_INTERVAL}
    assert np.isfinite([found.low, found.high]).all() == bounded
    assert np.isnan(found.difference) == (said is Said.UNKNOWN)
    assert found.low <= found.difference <= found.high or not bounded


def test_what_cannot_be_compared():
    with pytest.raises(ValueError, match="scale or in kind"):
        peers.difference(Ratio(1, 2), Ratio(1, 2, scale=100))
    with pytest.raises(ValueError, match="scale or in kind"):
        peers.difference(Ratio(1, 2), Ratio(1, 2, part=False))
    with pytest.raises(ValueError, match="confidence: 95 is not between"):
        peers.difference(Ratio(1, 2), Ratio(1, 2), confidence=95)


@laws
@given(st.tuples(*[st.tuples(st.integers(1, 400), st.floats(0, 1))] * 3), st.booleans())
def test_an_interval_holds_the_difference_widens_and_turns_round(parts, part):
    alone, common, other = (np.array([round(n * share), n]) for n, share in parts)
    here, there, shared = (Ratio(*map(float, pair), part=part) for pair in (alone + common, other + common, common))
    found = peers.difference(here, there, shared=shared)
    assert found.difference == pytest.approx(here.value - there.value)
    assert found.low <= found.difference <= found.high
    wide = peers.difference(here, there, shared=shared, confidence=0.99)
    assert wide.low <= found.low
    assert wide.high >= found.high
    back = peers.difference(there, here, shared=shared)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


@pytest.mark.parametrize(
    ("part", "rates", "sizes"),
    [
        (True, (0.10, 0.10, 0.10), (60, 0, 400)),
        (True, (0.08, 0.08, 0.12), (0, 80, 300)),
        (True, (0.30, 0.20, 0.25), (70, 120, 200)),
        (False, (0.02, 0.02, 0.02), (300, 0, 900)),
        (False, (0.03, 0.03, 0.01), (0, 400, 900)),
        (False, (0.05, 0.02, 0.04), (150, 200, 300)),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(part, rates, sizes):
    draws = np.random.default_rng(20240101)
    n = np.array(sizes, dtype="float64")
    size = (4000, 3)
    counts = draws.binomial(sizes, rates, size) if part else draws.poisson(n * rates, size)
    sides = [
        pd.DataFrame({"numerator": counts[:, ends].sum(axis=1), "denominator": n[ends].sum()})
        for ends in ([0, 1], [1, 2], [1])
    ]
    sides = [
        side.assign(value=side["numerator"] / side["denominator"].where(side["denominator"] > 0)) for side in sides
    ]
    found = peers._differences(sides, 1.0, part=part, z=1.959964)  # noqa: SLF001 - thousands at once
    expected = np.multiply(n, rates)
    truth = expected[:2].sum() / n[:2].sum() - expected[1:].sum() / n[1:].sum()
    assert found["low"].le(truth).mul(found["high"].ge(truth)).mean() == pytest.approx(0.95, abs=0.02)


# Standings


def test_a_territory_beside_perimeters_that_share_communes_with_it():
    index = list("abcde")
    figures = Figures(
        pd.Series([30.0, 26, 28, 20, 9], index=index), pd.Series([40.0, 30, 40, 40, 30], index=index), part=True
    )
    others = {
        "same": Perimeter("Elle-même", pd.Index(["b", "a"])),
        "around": Perimeter("Le tout", pd.Index(list("dcba"))),
        "beside": Perimeter("À côté", pd.Index(["c", "d"]), whole=False),
        "across": Perimeter("À cheval", pd.Index(["b", "e"])),
        "nowhere": Perimeter("Nulle part", pd.Index(["z"])),
    }
    found = peers.standing(figures, pd.Index(["a", "b"]), others)
    assert found.index.tolist() == list(others)
    assert found["said"].tolist() == ["same people", "above", "above", "above", "unknown"]
    assert found["whole"].tolist() == [True, True, False, True, True]
    assert found.loc["beside", ["low", "high"]].tolist() == pytest.approx([0.0524, 0.3339], abs=5e-5)
    assert found.loc["around", ["low", "high"]].tolist() == pytest.approx(
        [0.0524 * 80 / 150, 0.3339 * 80 / 150], abs=5e-5
    )
    across = peers.difference(Ratio(56, 70), Ratio(35, 60), shared=Ratio(26, 30))
    row = found.loc["across", ["difference", "low", "high", "ratio"]]
    assert row.tolist() == pytest.approx(astuple(across)[:4])
    assert found["known_there"].tolist() == [1, 1, 1, 1, 0]


@laws
@given(COMMUNES)
def test_every_group_against_the_whole_at_once(communes):
    figures, groups = figures_of(communes, scale=100)
    found = peers.against(figures, groups, groups.index)
    whole = Perimeter("tout", groups.index)
    for group, codes in groups.groupby(groups).groups.items():
        one = peers.standing(figures, codes, {"tout": whole}).loc["tout"]
        columns = ["difference", "low", "high", "ratio"]
        assert found.loc[group, columns].tolist() == pytest.approx(one[columns].tolist(), nan_ok=True)
        assert found.at[group, "said"] == one["said"]


# Contributions


def test_contributions_by_hand():
    figures = Figures(series(a=30, b=10, c=NAN), series(a=100, b=100, c=20), part=True, scale=100)
    found = peers.contributions(figures, pd.Index(["a", "b", "c"]), 15.0)
    assert found["expected"].tolist() == pytest.approx([15, 15, NAN], nan_ok=True)
    assert found["excess"].tolist() == pytest.approx([15, -5, NAN], nan_ok=True)
    assert found["share"].tolist() == pytest.approx([1.5, -0.5, NAN], nan_ok=True)
    assert found["effect"].tolist() == pytest.approx([7.5, -2.5, NAN], nan_ok=True)
    assert found["effect"].sum() == pytest.approx(20 - 15)


def test_no_excess_has_no_share_and_no_reference_no_effect():
    figures = Figures(series(a=2, b=1), series(a=10, b=20), part=True)
    even = peers.contributions(figures, pd.Index(["a", "b"]), 0.1)
    assert even["share"].isna().all()
    assert even["effect"].tolist() == pytest.approx([1 / 30, -1 / 30])
    assert peers.contributions(figures, pd.Index(["a"]), NAN)[["excess", "share", "effect"]].isna().all(axis=None)


def test_a_territory_known_by_half_has_no_effects():
    figures = Figures(series(a=2, b=NAN), series(a=10, b=10), part=True)
    found = peers.contributions(figures, pd.Index(["a", "b"]), 0.1)
    assert found["excess"].tolist() == pytest.approx([1, NAN], nan_ok=True)
    assert found[["share", "effect"]].isna().all(axis=None)


@laws
@given(COMMUNES, st.floats(0, 100))
def test_effects_add_up_to_the_difference(communes, reference):
    figures, groups = figures_of(communes, scale=100)
    whole = peers.ratio(figures, groups.index)
    found = peers.contributions(figures, groups.index, reference)
    if np.isnan(whole.value):
        assert found["effect"].isna().all()
    else:
        assert found["effect"].sum() == pytest.approx(whole.value - reference, rel=1e-9, abs=1e-9)
        assert found["share"].isna().all() or found["share"].sum() == pytest.approx(1, rel=1e-6)


# Perimeters


def communes_of(**columns):
    table = {
        "code_epci": ["E1", "E1", "E2", None],
        "code_departement": ["39", "39", "39", "21"],
        "code_region": ["27"] * 4,
        "population": [100, 900, 2000, None],
        "area_km2": [10.0, 10.0, 1.0, 5.0],
    }
    index = pd.Index(["39001", "39002", "39003", "21001"], name="code_commune")
    return pd.DataFrame(table | columns, index=index).astype({"population": "Int64"})


def test_perimeters_of_a_territory():
    found = peers.perimeters(communes_of(nom_epci=list("AABC")), pd.Index(["39001", "39002", "39003"]), national=True)
    assert list(found) == ["epci", "departement", "region", "france", "density"]
    assert found["epci"].codes.tolist() == ["39003"]  # 2,000 people of 3,000
    assert found["epci"].label == "EPCI B"
    assert found["epci"].core_share == pytest.approx(2 / 3)
    assert found["departement"].codes.tolist() == ["39001", "39002", "39003"]
    assert found["departement"].label == "Département 39"
    assert len(found["region"].codes) == len(found["france"].codes) == 4
    assert found["density"].codes.tolist() == ["39003"]
    assert "approchée" in found["density"].label
    assert "non la grille de l'Insee" in found["density"].label
    assert all(one.whole for one in found.values())


def test_a_table_that_stops_says_so():
    found = peers.perimeters(communes_of(), pd.Index(["39001"]), national=False)
    assert not any(one.whole for one in found.values())
    assert all("communes du tableau seulement" in one.label for one in found.values())


def test_no_epci_and_no_density_leave_their_perimeter_out():
    found = peers.perimeters(communes_of(), pd.Index(["21001"]), national=True)
    assert list(found) == ["departement", "region", "france"]


def test_the_true_grid_replaces_the_stand_in():
    grid = pd.Series({"39001": "rural", "39002": "rural", "21001": "urbain"}, name="grille de densité 2024")
    found = peers.perimeters(communes_of(), pd.Index(["39001"]), national=True, density=grid)
    assert found["density"].codes.tolist() == ["39001", "39002"]
    assert found["density"].label == "Communes de même densité, grille de densité 2024 : rural"


def test_classes_of_density():
    table = pd.DataFrame(
        {"population": [0, 24.9, 25, 300, 1500, NAN, 10, 10], "area_km2": [1.0, 1, 1, 1, 1, 1, 0, NAN]},
        index=[f"0100{i}" for i in range(8)],
    )
    found = peers.density_class(table)
    assert found.name == peers.DENSITY
    assert [str(label).split(" hab")[0] for label in found[:5]] == [
        "moins de 25",
        "moins de 25",
        "de 25 à moins de 300",
        "de 300 à moins de 1 500",
        "1 500",
    ]
    assert found[5:].isna().all()


@pytest.mark.parametrize(
    ("communes", "core", "said"),
    [
        (communes_of(), ["99999"], "'99999' is not in the communes"),
        (communes_of(), [], r"\(empty\) is not in the communes"),
        (communes_of().drop(columns="code_region"), ["39001"], "column 'code_region' is missing"),
        (communes_of().drop(columns="area_km2"), ["39001"], "column 'area_km2' is missing"),
    ],
)
def test_perimeters_that_cannot_be_found(communes, core, said):
    with pytest.raises(TableError, match=said):
        peers.perimeters(communes, pd.Index(core, dtype="str"), national=True)


def test_the_demonstration_territory_beside_its_buffer(demo):
    territory, tables = demo
    found = peers.perimeters(territory.communes, territory.core, national=False)
    activity = tables.activity
    figures = Figures(activity["chomeurs_15_64"], activity["actifs_15_64"], part=True, scale=100)
    standing = peers.standing(figures, territory.core, found)
    assert standing.at["epci", "said"] == Said.SAME
    own = peers.contributions(figures, territory.core, standing.at["departement", "value_there"])
    assert own["effect"].sum() == pytest.approx(standing.at["departement", "difference"])
    assert isinstance(peers.difference(peers.ratio(figures, territory.core), Ratio(1, 10, scale=100)), Difference)
