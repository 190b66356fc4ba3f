"""Contiguity, lists of neighbours and their graph."""

import copy
import pickle
import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPolygon, Point, Polygon, box

import territoire_geo as tg
from territoire_geo.errors import TableError
from territoire_geo.neighbours import Neighbours, as_neighbours, contiguity, from_lists

laws = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def polygons(shapes, crs=2154):
    return gpd.GeoSeries(list(shapes.values()), index=pd.Index(list(shapes)), crs=crs)


def grid(side):
    """Squares of a chessboard, by row and column."""
    row, column = np.divmod(np.arange(side * side), side)
    ids = pd.Index([f"{r:02d}-{c:02d}" for r, c in zip(row, column, strict=True)])
    return gpd.GeoSeries(box(column, row, column + 1, row + 1), index=ids, crs=2154)


def lists(graph):
    return {one: graph.of(one).tolist() for one in graph.ids}


# ---- contiguity: what touches ----------------------------------------------------------------


def test_squares_touch_by_sides_and_corners():
    graph = contiguity(grid(5))
    assert graph.counts.value_counts().to_dict() == {8: 9, 5: 12, 3: 4}
    assert graph.of("00-00").tolist() == ["00-01", "01-00", "01-01"]
    assert graph.counts.name == "neighbours"


@pytest.mark.parametrize(
    ("other", "touch"),
    [
        (box(10, 3, 20, 7), True),  # a side amid a longer one, no vertex in common
        (Polygon([(10, 5), (20, 0), (20, 10)]), True),  # a corner amid a side
        (Polygon([(10, 10), (20, 10), (20, 20)]), True),  # a corner on a corner
        (box(5, 5, 20, 20), True),  # an overlap
        (box(3, 3, 4, 4), True),  # within it
        (box(0, 0, 10, 10), True),  # the same
        (box(10.001, 0, 20, 10), False),
        (MultiPolygon([box(50, 50, 60, 60), box(10, 0, 11, 1)]), True),  # by its second part
        (Polygon([(10, 0), (20, 10), (20, 0), (10, 10)]), True),  # invalid: a bow tie
    ],
)
def test_what_counts_as_contiguous(other, touch):
    graph = contiguity(polygons({"A": box(0, 0, 10, 10), "B": other}))
    assert lists(graph) == ({"A": ["B"], "B": ["A"]} if touch else {"A": [], "B": []})


def test_an_enclave_touches_the_ring_around_it():
    ring = Polygon(box(0, 0, 10, 10).exterior, [box(4, 4, 6, 6).exterior])
    assert contiguity(polygons({"ring": ring, "enclave": box(4, 4, 6, 6)})).of("ring").tolist() == ["enclave"]
    assert contiguity(polygons({"ring": ring, "inside": box(4.5, 4.5, 5.5, 5.5)})).of("ring").empty


def test_a_tolerance_closes_slits():
    apart = polygons({"A": box(0, 0, 10, 10), "B": box(10.4, 0, 20, 10), "C": box(21, 0, 30, 10)})
    assert contiguity(apart).counts.sum() == 0
    assert lists(contiguity(apart, tolerance=0.5)) == {"A": ["B"], "B": ["A"], "C": []}
    assert lists(contiguity(grid(4), tolerance=1e-9)) == lists(contiguity(grid(4)))
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"tolerance = .*units of the CRS"):
            contiguity(apart, tolerance=wrong)


def test_missing_and_empty_polygons_neighbour_nobody():
    shapes = {"A": box(0, 0, 1, 1), "B": None, "C": Polygon(), "D": box(1, 0, 2, 1)}
    assert lists(contiguity(polygons(shapes))) == {"A": ["D"], "B": [], "C": [], "D": ["A"]}
    assert lists(contiguity(polygons({"B": None}))) == {"B": []}
    assert len(contiguity(polygons({})).ids) == 0


@pytest.mark.parametrize("crs", [None, 4326])
def test_any_crs_will_do(crs):
    assert contiguity(polygons({"A": box(0, 0, 1, 1), "B": box(1, 0, 2, 1)}, crs=crs)).of("A").tolist() == ["B"]


def test_rows_come_in_any_order():
    squares = grid(6)
    expected = contiguity(squares)
    found = contiguity(squares.sample(frac=1, random_state=3))
    assert found.ids.equals(expected.ids)
    assert (found.start == expected.start).all()
    assert (found.end == expected.end).all()


def test_wrong_polygons_are_refused():
    square = box(0, 0, 1, 1)
    with pytest.raises(TableError, match=r"polygons: duplicated ids 'A'"):
        contiguity(gpd.GeoSeries([square, square], index=["A", "A"]))
    with pytest.raises(TableError, match=r"not polygons for 'b', 'c'.*give their polygons"):
        contiguity(polygons({"c": Point(0, 0), "a": square, "b": shapely.LineString([(0, 0), (1, 1)])}))
    endless = Polygon([(0, 0), (1, 0), (np.inf, np.inf)])
    with pytest.raises(TableError, match=r"infinite coordinates for 'B'.*to_crs"):
        contiguity(polygons({"A": square, "B": endless}))
    with pytest.raises(TableError, match="ids of several types"):
        contiguity(gpd.GeoSeries([square, square], index=pd.Index(["A", 1], dtype=object)))


# ---- contiguity: the real communes -----------------------------------------------------------


def test_a_departement_as_libpysal_sees_it():
    communes = tg.load_territory("39").communes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from libpysal.weights import Queen  # noqa: PLC0415 - an oracle, heavy to import

        expected = Queen.from_dataframe(communes, use_index=True, silence_warnings=True).neighbors
    found = lists(contiguity(communes.geometry))
    assert found == {one: sorted(named) for one, named in expected.items()}
    assert sum(map(len, found.values())) > 5000


def test_the_communes_of_france_share_their_vertices():
    shapes = tg.load_territory("FR").communes.geometry
    graph = contiguity(shapes)
    xy, place = shapely.get_coordinates(shapes.to_numpy(), return_index=True)
    assert (xy == xy.round()).all()
    _, vertex = np.unique(xy[:, 0] * 2**25 + xy[:, 1], return_inverse=True)
    here = pd.DataFrame({"vertex": vertex, "place": place}).drop_duplicates()
    both = here.merge(here, on="vertex")
    both = both[both["place_x"] != both["place_y"]]
    expected = np.unique(both["place_x"].to_numpy() * len(shapes) + both["place_y"].to_numpy())
    np.testing.assert_array_equal(graph.start * len(shapes) + graph.end, expected)
    assert graph.counts.eq(0).sum() == 12  # islands, from Bréhat to Yeu
    assert graph.counts.max() == 29


# ---- lists -----------------------------------------------------------------------------------


def test_lists_are_taken_as_given():
    graph = from_lists({"C": [], "B": ("C", "A"), "A": {"B"}, "D": "A"})
    assert graph.ids.tolist() == ["A", "B", "C", "D"]
    assert lists(graph) == {"A": ["B"], "B": ["A", "C"], "C": [], "D": ["A"]}  # B goes to C, not C to B
    assert graph.counts.to_dict() == {"A": 1, "B": 2, "C": 0, "D": 1}


def test_a_string_is_one_id_not_letters():
    assert lists(from_lists({"AB": [], "A": "AB", "B": []})) == {"A": ["AB"], "AB": [], "B": []}


def test_lists_of_numbers_and_of_nobody():
    assert lists(from_lists({2: [1], 1: [2]})) == {1: [2], 2: [1]}
    assert lists(from_lists({"A": [], "B": []})) == {"A": [], "B": []}
    assert len(from_lists({}).ids) == 0


@pytest.mark.parametrize(
    ("given_lists", "message"),
    [
        ({"A": ["z", "y", "x", "w", "z"]}, r"lists: 'z', 'y', 'x' \(4 in all\) are named .* have no list.*Add theirs"),
        ({"A": ["A", "B"], "B": []}, "lists: 'A' list themselves.*Drop"),
        ({"A": ["B", "C", "B"], "B": [], "C": ["A"]}, "lists: 'A' list a neighbour twice.*once"),
        ({"A": [None]}, "lists: None are named|lists: nan are named"),
        ({("A", 1): []}, "lists: ids on 2 levels"),
        ({"A": [], 1: []}, "ids of several types"),
        ({None: []}, "ids are missing"),
    ],
)
def test_wrong_lists_are_refused(given_lists, message):
    with pytest.raises(TableError, match=message):
        from_lists(given_lists)


def test_neighbours_come_in_three_shapes():
    squares = grid(3)
    graph = contiguity(squares)
    assert as_neighbours(graph) is graph
    assert lists(as_neighbours(squares)) == lists(graph)
    assert lists(as_neighbours(lists(graph))) == lists(graph)
    with pytest.raises(TypeError, match=r"a GeoDataFrame\. Give a mapping"):
        as_neighbours(squares.to_frame("geometry"))


# ---- the graph -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "start", "end", "message"),
    [
        (["A", "A"], [], [], "duplicated ids"),
        (["B", "A"], [], [], "not sorted"),
        (["A", "B"], [0], [], "starts for"),
        (["A", "B"], [0], [2], "end: positions out of 0 to 1"),
        (["A", "B"], [-1], [0], "start: positions out of 0 to 1"),
        (["A", "B"], [1], [1], "'B' neighbour themselves"),
        (["A", "B"], [1, 0], [0, 1], "not sorted by"),
        (["A", "B"], [0, 0], [1, 1], "come twice"),
    ],
)
def test_a_graph_is_checked_when_built(ids, start, end, message):
    with pytest.raises(TableError, match=message):
        Neighbours(pd.Index(ids), np.array(start, dtype=np.int64), np.array(end, dtype=np.int64))


def test_a_graph_is_frozen_and_travels():
    graph = contiguity(grid(3))
    with pytest.raises(AttributeError):
        graph.ids = graph.ids[:2]
    for other in (copy.deepcopy(graph), pickle.loads(pickle.dumps(graph))):  # noqa: S301 - our own bytes
        assert lists(other) == lists(graph)


def test_an_unknown_place_has_no_neighbours():
    graph = contiguity(grid(3))
    for ask in (lambda: graph.of("99-99"), lambda: graph.restricted(pd.Index(["00-00", "99-99"]))):
        with pytest.raises(TableError, match="'99-99' are unknown: give their polygon or their list"):
            ask()
    with pytest.raises(TableError, match="duplicated ids '00-00'"):
        graph.labels(pd.Index(["00-00", "00-00"]))


def test_a_part_of_a_graph():
    graph = from_lists({"A": ["B"], "B": ["A", "C"], "C": ["B"], "D": ["A"]})
    part = graph.restricted(pd.Index(["D", "C", "B"]))
    assert lists(part) == {"B": ["C"], "C": ["B"], "D": []}
    assert lists(graph.restricted(pd.Index([], dtype=str))) == {}
    assert lists(graph.restricted(pd.Index(["D", "C", "B", "A"]))) == lists(graph)


def test_groups_of_neighbouring_places():
    graph = contiguity(grid(5))
    left, right = [f"{row:02d}-00" for row in range(5)], [f"{row:02d}-04" for row in range(5)]
    found = graph.labels(pd.Index([*right, *left]))
    assert found[left].tolist() == [0] * 5
    assert found[right].tolist() == [1] * 5
    assert found.index.tolist() == [*right, *left]
    assert graph.labels().eq(0).all()
    assert graph.labels(pd.Index([], dtype=str)).empty
    assert from_lists({"A": [], "B": ["A"]}).labels().tolist() == [0, 0]  # one way is enough


@st.composite
def relations(draw):
    """Lists of neighbours of up to 9 places, not always mutual, and some of the places."""
    names = "ABCDEFGHI"[: draw(st.integers(1, 9))]
    every = [(a, b) for a in names for b in names if a != b]
    links = draw(st.lists(st.sampled_from(every), unique=True, max_size=12)) if every else []
    return {a: [b for start, b in links if start == a] for a in names}, draw(st.sets(st.sampled_from(names)))


@laws
@given(relations())
def test_groups_join_what_links_join(relation):
    given_lists, some = relation
    graph = from_lists(given_lists)
    assert lists(graph) == {one: sorted(named) for one, named in sorted(given_lists.items())}
    kept = sorted(some)
    part = graph.restricted(pd.Index(kept, dtype=str))
    assert lists(part) == {one: sorted(some & set(given_lists[one])) for one in kept}
    group = {one: {one} for one in kept}  # merged by force
    for one in kept:
        for other in some & set(given_lists[one]):
            joined = group[one] | group[other]
            group.update(dict.fromkeys(joined, joined))
    number = {}
    expected = [number.setdefault(min(group[one]), len(number)) for one in kept]
    assert graph.labels(pd.Index(kept, dtype=str)).tolist() == expected
