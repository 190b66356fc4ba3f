"""Minutes by mode: the convention, tables of one's own, and what they cannot do."""

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
from territoire_geo import settings, travel
from territoire_geo.diagnostic import diagnose
from territoire_geo.errors import ApproximateTravelWarning, IncompleteBufferWarning, TableError
from territoire_geo.needs import NEEDS

pytestmark = pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
A, B, C, D = small.CODES
HERE = small.territory()
NAMES = ["origin", "destination"]
AT_B, AT_C = "structures/2/AI", "structures/4/EA"  # known by its commune; at C's point


@pytest.fixture
def points():
    return travel.supply_points(HERE, small.tables(), NEEDS)


def trips(**minutes):
    """Give A_B=minutes, by letter or by id of a point."""
    book = {"A": A, "B": B, "C": C, "D": D, "p": AT_C}
    # The core has its own trips, so that no commune of it is out of the table.
    pairs = {f"{letter}_{letter}": np.nan for letter in "AB"} | minutes
    keys = [tuple(book[letter] for letter in pair.split("_")) for pair in pairs]
    return pd.Series(list(pairs.values()), index=pd.MultiIndex.from_tuples(keys, names=NAMES), dtype="float64")


def diagnosed(needs=(NEEDS[0], NEEDS[3]), **options):
    return diagnose(HERE, small.tables(), needs=needs, **options).coverage


# The convention


def test_points_are_located_or_inherit_their_commune(points):
    assert points.located.index.tolist() == ["structures/1/ACI", AT_C]
    assert points.communes.to_dict() == {"structures/1/ACI": A, AT_B: B, "structures/3/GEIQ": A, AT_C: C}


def test_points_that_no_need_asks_for_are_left_out():
    facilities = small.facilities(("460", A, 1.0), ("A122", B, 1.0))
    found = travel.supply_points(HERE, small.tables(facilities=facilities, structures=None), NEEDS)
    assert found.communes.to_dict() == {"facilities/f0": A}
    nothing = travel.supply_points(HERE, small.tables(structures=None), NEEDS)
    assert len(nothing.located) == len(nothing.communes) == 0


def test_minutes_by_car(points):
    found = travel.by_distance(HERE, points, travel.CAR, 30)
    expected = {
        (A, A): 1.56, (A, B): 6.24, (A, C): 18.72, (B, C): 12.48, (D, D): 1.56,
        (A, AT_B): 6.24, (B, AT_B): 1.56, (B, AT_C): 12.48, (C, AT_C): 0.0,
    }  # fmt: skip
    assert {pair: found[pair] for pair in expected} == pytest.approx(expected, abs=1e-4)
    assert (A, D) not in found.index
    assert (D, AT_B) not in found.index
    assert found.index.is_unique
    assert found.index.is_monotonic_increasing


@pytest.mark.parametrize(
    ("pace", "between", "inside"),
    [(travel.BIKE, 16.0, 4.0), (travel.FAST, 4.8, 1.2), (travel.SLOW, 8.7 + 4 * 1.21, 8.7 + 1.21)],
)
def test_minutes_by_other_laws(points, pace, between, inside):
    found = travel.by_distance(HERE, points, pace, 30)
    assert found[A, B] == pytest.approx(between)
    assert found[A, A] == pytest.approx(inside)


def test_five_kilometres_are_twenty_minutes_by_bicycle():
    assert travel.BIKE.start + 5 * travel.BIKE.detour * 60 / travel.BIKE.kmh == 20


def test_speed_and_detour_change_what_is_reached():
    slow, fast = diagnosed(speed_kmh=20), diagnosed(speed_kmh=100)
    half = diagnosed(speed_kmh=100, detour=2.6)
    pd.testing.assert_frame_equal(half, diagnosed())
    assert slow.loc[(A, "insertion"), "access"] != fast.loc[(A, "insertion"), "access"]
    assert slow.loc[(A, "mobility"), "access"] == fast.loc[(A, "mobility"), "access"]  # a bicycle is a bicycle


@pytest.mark.parametrize("option", [{"speed_kmh": 0}, {"speed_kmh": np.nan}, {"detour": -1}, {"detour": 0.5}])
def test_refused_conventions(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        diagnosed(**option)


@pytest.mark.parametrize(
    ("needs", "minutes"), [(NEEDS, 60), (NEEDS[:1], 30), (NEEDS[1:2], 30), ((NEEDS[3].within(45),), 90)]
)
def test_the_buffer_is_twice_the_reach(needs, minutes):
    assert travel.buffer_km(needs) == pytest.approx(minutes / 1.56)


# A table of one's own


def test_a_table_takes_the_place_of_the_convention(points):
    found = travel.from_table(HERE, points, trips(A_B=11, B_A=12, A_C=np.nan, C_A=3, D_D=0, A_A=2))
    assert found.to_dict() == pytest.approx({
        (A, A): 2, (A, B): 11, (A, AT_B): 11, (A, "structures/1/ACI"): 2, (A, "structures/3/GEIQ"): 2,
        (B, A): 12, (B, B): 1.56, (B, AT_B): 1.56, (B, "structures/1/ACI"): 12, (B, "structures/3/GEIQ"): 12,
        (C, A): 3, (C, C): 1.56, (C, AT_C): 1.56, (C, "structures/1/ACI"): 3, (C, "structures/3/GEIQ"): 3,
        (D, D): 1.56,
    })  # fmt: skip


def test_a_table_may_name_points(points):
    found = travel.from_table(HERE, points, trips(A_C=20, A_p=7, C_p=np.nan))
    assert found[A, AT_C] == 7
    assert (C, AT_C) not in found.index  # named, and unreachable: it does not inherit the commune's minutes


def test_trips_inside_follow_the_pace_of_the_mode(points):
    found = travel.from_table(HERE, points, trips(A_B=11), pace=travel.BIKE)
    assert found[A, A] == pytest.approx(4)


@pytest.mark.parametrize(("mode", "inside"), [("car", 3.12), ("bike", 4.0)])
def test_trips_inside_follow_what_was_asked(mode, inside):
    asked = settings.Settings(NEEDS, {mode: trips(A_B=11)}, 25.0, 1.3, "departement")
    assert settings.minutes_by_law(asked, HERE, small.tables())["central"][mode][A, A] == pytest.approx(inside)


def test_points_known_by_their_coordinates_inherit_too():
    tables = small.tables(structures=small.structures(("2", "AI", "", 4.3)).drop(columns="code_commune"))
    found = travel.from_table(HERE, travel.supply_points(HERE, tables, NEEDS), trips(A_B=11))
    assert found[A, AT_B] == 11


@pytest.mark.parametrize(
    ("minutes", "message"),
    [
        (trips(A_B=5).droplevel(0), "origin, destination"),
        (pd.concat([trips(A_B=5), trips(A_B=6)]), "several rows"),
        (trips(A_B=-1), "negative"),
        (trips(A_B=5).rename(lambda code: "1" + code[1:], level=0), "2 of the 2 communes"),
        (trips(A_B=5).drop(B, level=0), "1 of the 2 communes .* are the origin of no trip"),
    ],
)
def test_refused_tables(minutes, message):
    with pytest.raises(TableError, match=message):
        diagnosed(travel={"car": minutes})


def test_a_mode_that_no_need_uses_is_refused():
    with pytest.raises(ValueError, match="no need travels by 'boat'"):
        diagnosed(travel={"boat": trips(A_B=5)})


def test_a_table_changes_the_results_and_its_mode_only():
    far = diagnosed(travel={"car": trips(A_B=25, B_A=25)})
    ratio = 1 / (40 + 0.22 * 20), 1 / (20 + 0.22 * 40)  # the ACI in A, the AI in B
    assert far.loc[(A, "insertion"), "access"] == pytest.approx(ratio[0] + 0.22 * ratio[1])
    assert far.loc[(A, "mobility"), "access"] == 520
    assert far.loc[(A, "mobility"), "target"] == 250


# What is said


def notes_of(territory=HERE, needs=(NEEDS[0], NEEDS[3]), **options):
    return diagnose(territory, small.tables(), needs=needs, **options).warnings


def said(notes, category):
    return " ".join(note.en for note in notes if note.category is category)


def test_the_convention_is_said_with_its_figures():
    notes = notes_of(speed_kmh=47.5, detour=1.25)
    assert "straight line × 1.25 at 47.5 km/h" in said(notes, ApproximateTravelWarning)
    assert any("× 1,25 à 47,5 km/h" in note.fr for note in notes)
    assert "By bicycle" in said(notes, ApproximateTravelWarning)


def test_a_table_by_car_leaves_the_bicycle_to_its_convention():
    whole = trips(**{f"{start}_{end}": 9 for start in "ABCD" for end in "ABCD"})
    assert said(notes_of(travel={"car": whole}), ApproximateTravelWarning).startswith("By bicycle")
    both = notes_of(travel={"car": whole, "bike": whole})
    assert not said(both, ApproximateTravelWarning)
    assert not said(both, IncompleteBufferWarning)
    assert not said(notes_of(travel={"car": whole}, needs=NEEDS[2:3]), ApproximateTravelWarning)


def test_communes_that_a_table_does_not_name_are_said():
    notes = notes_of(travel={"car": trips(A_B=9, B_A=9, A_C=5)})
    assert "no trip from or to 2 communes (39003, 39004...)" in said(notes, IncompleteBufferWarning)


@pytest.mark.parametrize(
    ("buffer_km", "options", "expected"),
    [(38.4615, {}, False), (30, {}, True), (38.4615, {"speed_kmh": 80}, True), (0, {"needs": NEEDS[:1]}, True)],
)
def test_a_buffer_that_is_too_narrow_is_said(buffer_km, options, expected):
    notes = notes_of(small.territory(buffer_km=buffer_km + 1e-4), **options)
    assert ("The buffer is" in said(notes, IncompleteBufferWarning)) is expected


def test_a_table_in_which_nothing_is_known_is_refused(points):
    everything = pd.MultiIndex.from_product([small.CODES, small.CODES], names=NAMES)
    with pytest.raises(TableError, match="no minutes are known"):
        travel.from_table(HERE, points, pd.Series(np.nan, index=everything))
