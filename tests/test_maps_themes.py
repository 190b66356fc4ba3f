"""Themes without a browser: classes, counts, breaks, and what they say when a figure is not known."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _diagnostic_factory import make_diagnostic
from _maps_page import data_of
from territoire_geo.errors import TerritoireGeoError
from territoire_geo.maps import draw_map
from territoire_geo.maps._classes import Classes, equal, natural
from territoire_geo.maps._payload import all_themes, page_order
from territoire_geo.maps._ranked import rank_classes
from territoire_geo.maps._scales import around_zero, shared
from territoire_geo.maps._theme import Options

FIXED = ("0 à 10\u00a0%", "10 à 25\u00a0%", "25 à 50\u00a0%", "50 à 75\u00a0%", "75 à 100\u00a0%")


def themes_of(diagnostic, **options):
    found = all_themes(diagnostic, page_order(diagnostic), Options(**options))
    return {theme.id: theme for theme in found}


@pytest.fixture(scope="module")
def diagnostic():
    return make_diagnostic()


@pytest.fixture(scope="module")
def themes(diagnostic):
    return themes_of(diagnostic)


def test_views_of_a_topic_follow_one_another(themes):
    topics = [theme.topic for theme in themes.values()]
    assert topics == sorted(topics, key=list(dict.fromkeys(topics)).index)
    assert list(themes)[:4] == ["need:mobility", "state:mobility", "cross:mobility", "gap:mobility"]
    assert {"rank", "cluster", "measure:chomage", "gap:measure:chomage"} <= set(themes)
    assert "gap:measure:niveau_vie" not in themes  # its reference is not known


def test_every_commune_is_in_one_class_or_said_unknown(themes):
    for theme in themes.values():
        codes = theme.codes().iloc[:12]
        assert len(theme.legend) >= codes[~codes.isin(["u", "z"])].astype(int).max() + 1
        counts = theme.counts()
        assert sum(counts["classes"]) + counts["unknown"] + counts["nobody"] == len(theme.codes())
        assert all(label for label, _ in theme.legend)


def test_needs_share_their_breaks(themes):
    assert {theme.scales[0].labels for theme in themes.values() if theme.kind == "need"} == {FIXED}


def test_a_withheld_figure_is_unknown_and_says_why(themes, diagnostic):
    for name in ("need", "state", "cross"):
        codes = themes[f"{name}:childcare"].codes()
        assert (codes.iloc[0], themes[f"{name}:childcare"].counts()["unknown"]) == ("u", 1)
        assert (codes.iloc[7], themes[f"{name}:childcare"].counts()["nobody"]) == ("z", 1)
    data = data_of(draw_map(diagnostic).to_html())
    need = data["needs"][1]
    assert ["secret statistique", [0]] in need["why"]
    assert need["unmet_people"][0] is None
    assert need["total"]["known"] == 11


def test_the_buffer_is_context_for_needs_and_drawn_for_measures(themes, diagnostic):
    assert len(themes["need:mobility"].codes()) == 12
    codes = themes["measure:demandeurs"].codes()
    assert len(codes) == 30
    assert set(codes.iloc[12:]) == {"u"}
    drawn = next(t for t in data_of(draw_map(diagnostic).to_html())["themes"] if t["id"] == "measure:demandeurs")
    assert drawn["why"] == [["chiffre non publié ou non chargé", list(range(12, 30))]]


def test_dark_is_always_more_need(themes):
    assert themes["measure:chomage"].scales[0].colours[-1] == "#253494"
    assert themes["measure:niveau_vie"].scales[0].colours[0] == "#253494"
    assert themes["gap:measure:chomage"].scales[0].colours[-1] == "#e66101"


def test_nine_classes_from_two_scales(themes, diagnostic):
    codes = themes["cross:mobility"].codes()
    answering = diagnostic.reach.xs("mobility", level="need")["answering"]
    for code, share, structures in zip(codes, themes["need:mobility"].numbers, answering, strict=True):
        assert code == str(3 * ((share >= 25) + (share >= 50)) + (structures >= 1) + (structures >= 4))


def test_states_say_what_stops_a_need():
    diagnostic = make_diagnostic()
    diagnostic.coverage.loc[(slice(None), "ageing"), ["saturated", "out_of_reach"]] = [0.0, 0.0]
    core = diagnostic.territory.core
    for code, (unmet, saturated, out) in zip(core, [(9, 9, 0), (40, 40, 0), (60, 60, 0), (60, 0, 60)], strict=False):
        diagnostic.coverage.loc[(code, "ageing"), ["demand", "unmet_people", "saturated", "out_of_reach"]] = [
            100.0, unmet, saturated, out,
        ]  # fmt: skip
    assert themes_of(diagnostic)["state:ageing"].codes().iloc[:4].tolist() == ["0", "1", "2", "3"]


def test_access_is_held_against_the_norm(themes, diagnostic):
    data = data_of(draw_map(diagnostic).to_html())
    need = next(need for need in data["needs"] if need["id"] == "ageing")
    drawn = themes["gap:ageing"]
    for value, access, norm in zip(drawn.numbers, need["access"], need["norms"], strict=True):
        assert value == pytest.approx(min(999, 100 * (access / norm - 1)), abs=0.5)
    assert drawn.scales[0].classes.breaks == (-50, -10, 10, 50)


def test_uncertain_ranks_are_apart():
    table = pd.DataFrame({
        "rank": [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, np.nan],
        "rank_low": [1.0, 1, 3, 4, 5, 6, 7, 8, 9, 10, np.nan],
        "rank_high": [3.0, 4, 3, 4, 5, 6, 7, 8, 9, 10, np.nan],
    })  # fmt: skip
    # Two of ten communes are a fifth: an interval of two is sure, of three is not.
    assert rank_classes(table).tolist()[:10] == [0, 5, 1, 1, 2, 2, 3, 3, 4, 4]
    assert np.isnan(rank_classes(table).iloc[10])


def test_change_is_later_minus_earlier_with_the_same_breaks_on_both_sides():
    before, now = make_diagnostic(), make_diagnostic()
    now.coverage.loc[("39009", "mobility"), "unmet_people"] *= 0.5
    drawn = themes_of(now, before=before)["change:mobility"]
    here = before.coverage.loc[("39009", "mobility")]
    share = 100 * here["unmet_people"] / here["demand"]
    assert drawn.numbers["39009"] == pytest.approx(-share / 2, abs=0.11)
    assert drawn.numbers.drop("39009").dropna().eq(0).all()
    assert drawn.scales[0].classes.breaks == (-10, -2, 2, 10)
    assert drawn.scales[0].colours[0] == "#5e3c99"  # less need than before is not orange


def test_an_earlier_diagnostic_from_elsewhere_is_refused():
    before = make_diagnostic()
    elsewhere = before.territory.communes.rename(index=lambda code: "9" + code[1:])
    object.__setattr__(before.territory, "communes", elsewhere)
    with pytest.raises(TerritoireGeoError, match="no commune in common"):
        draw_map(make_diagnostic(), before=before)


def test_breaks_are_shared_between_maps():
    first = draw_map(make_diagnostic(), classes="natural")
    own = themes_of(make_diagnostic(), classes="natural")["measure:chomage"].scales[0]
    assert (own.id, first.breaks["measure:chomage"]) == ("natural", own.classes.breaks)
    given = {"measure:chomage": (7.0, 9.0)}
    drawn = themes_of(make_diagnostic(), breaks=given)["measure:chomage"]
    assert (drawn.scales[0].id, drawn.scales[0].classes.breaks) == ("shared", (7.0, 9.0))
    assert draw_map(make_diagnostic(), breaks=given).breaks["measure:chomage"] == (7.0, 9.0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"breaks": {"measure:nothing": (1.0,)}}, "is not a theme of this map"),
        ({"breaks": {"cross:mobility": (1.0,)}}, "is not a theme of this map with breaks"),
        ({"breaks": {"measure:chomage": (2.0, 1.0)}}, "not increasing"),
        ({"breaks": {"measure:chomage": (1.0, 2.0, 3.0, 4.0, 5.0)}}, "four at most"),
        ({"measures": ["nothing"]}, "is not computed in this diagnostic"),
        ({"classes": "stars"}, r"classes='stars' is not known"),
    ],
)
def test_options_that_cannot_be_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        draw_map(make_diagnostic(), **options)


def test_a_change_of_few_people_is_few_and_not_none():
    before, now = make_diagnostic(), make_diagnostic()
    people = {**now.definitions, "demandeurs": replace(now.definitions["demandeurs"], unit="habitants")}
    object.__setattr__(now, "definitions", people)
    now.measures.loc["39009", "demandeurs"] += 3
    now.measures.loc["39010", "demandeurs"] += 30
    theme = themes_of(now, before=before)["change:measure:demandeurs"]
    drawn = theme.numbers
    assert theme.more["small"] is True
    assert drawn["39009"] == 1
    assert drawn["39011"] == 0
    assert drawn["39010"] == pytest.approx(30, abs=1)


def test_a_title_that_cannot_be_written_is_replaced(tmp_path):
    path = draw_map(make_diagnostic(), title="a\ud800b").save(tmp_path / "carte.html")
    assert "<title>a?b</title>" in path.read_text(encoding="utf-8")


def test_measures_are_chosen():
    assert [name for name in themes_of(make_diagnostic(), measures=["chomage"]) if name.startswith("measure:")] == [
        "measure:chomage"
    ]


def test_one_value_for_the_whole_core_takes_its_classes_from_around():
    diagnostic = make_diagnostic()
    diagnostic.measures["niveau_vie"] = 20_000.0
    drawn = themes_of(diagnostic)["measure:niveau_vie"]
    assert drawn.codes().iloc[:12].nunique() == 1
    assert len(drawn.scales[0].classes.breaks) > 1
    data = data_of(draw_map(diagnostic).to_html())
    assert next(t for t in data["themes"] if t["id"] == "measure:niveau_vie")["constant"] == 20_000


def test_values_of_the_page_are_those_that_were_cut(diagnostic, themes):
    data = data_of(draw_map(diagnostic).to_html())
    for drawn in data["themes"]:
        if "values" in drawn:
            told = [np.nan if value is None else value for value in drawn["values"]]
            np.testing.assert_array_equal(told, themes[drawn["id"]].numbers.to_numpy())


# Ways to cut


def spread(values, breaks):
    codes = np.searchsorted(breaks, values, side="right")
    return sum(((values[codes == k] - values[codes == k].mean()) ** 2).sum() for k in np.unique(codes))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=14), st.integers(2, 4))
def test_natural_breaks_are_the_best_of_all(numbers, most):
    values = np.sort(np.array(numbers, dtype=float))
    cut = natural(pd.Series(values), most=most)
    distinct = np.unique(values)
    sizes = range(min(most, len(distinct)))
    every = [spread(values, chosen) for size in sizes for chosen in combinations(distinct[1:], size)]
    assert spread(values, cut.breaks) == pytest.approx(min(every), abs=1e-9)


def test_natural_breaks_of_many_values_are_whole_classes():
    values = pd.Series(np.random.default_rng(3).gamma(2, 10, 40_000))
    codes = natural(values).codes(values)
    assert set(codes) == {"0", "1", "2", "3", "4"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=30))
def test_equal_intervals_leave_no_class_empty(numbers):
    values = pd.Series(numbers)
    cut = equal(values)
    assert len(cut.breaks) < 5
    assert set(cut.codes(values)) == {str(rank) for rank in range(len(cut.breaks) + 1)}


def test_differences_are_cut_alike_on_both_sides():
    cut = around_zero(pd.Series([-30.0, -4, -1, 0, 2, 3, 12, np.nan]))
    assert cut.breaks == tuple(-value for value in reversed(cut.breaks))
    assert around_zero(pd.Series([0.0, np.nan])) == Classes(())
    assert shared([1, 2.5]) == Classes((1.0, 2.5), 1)
