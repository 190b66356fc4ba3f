"""Shared arcs: read back as a page does, they give the polygons again, whatever the coverage."""

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from territoire_geo.errors import CrsError, TerritoireGeoError
from territoire_geo.maps._arcs import MOST, encode_arcs, varints, zigzag

PIXEL = 2 * 20037508.342789244 / 256  # metres of EPSG:3857 at zoom 0


def numbers(content, *, folded):
    values, value, shift = [], 0, 0
    for byte in content:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append((value >> 1) ^ -(value & 1) if folded else value)
            value, shift = 0, 0
    return values


def read(arcs):
    """(left, right, points) of each arc, as arcs.js reads them."""
    streams = arcs.streams
    count = numbers(streams["count"], folded=False)
    left = np.cumsum(numbers(streams["left"], folded=True)).tolist()
    right = [
        (face + low + 256 * high) % 65536
        for face, low, high in zip(left, streams["right"], streams["right_high"], strict=True)
    ]
    jumps = list(zip(*(numbers(streams[f"first_{side}"], folded=True) for side in "xy"), strict=True))
    steps = []
    for side in "xy":
        far = iter(numbers(streams[f"{side}_far"], folded=True))
        steps.append(
            [next(far) if step == -128 else step for step in np.frombuffer(streams[side], dtype=np.int8).tolist()]
        )
    turns = iter(zip(*steps, strict=True))
    out, passed, here = [], {}, (0, 0)
    for rank, (face, other) in enumerate(zip(left, right, strict=True)):
        known = passed.get(face, [])
        if known and (rank == 0 or left[rank - 1] != face):
            here = known[-1][0]
        for _ in known:
            back = [points for points in reversed(known) if points[-1] == here]
            if not back:
                break
            here = back[0][0]
        here = (here[0] + jumps[rank][0], here[1] + jumps[rank][1])
        points, step = [here], (0, 0)
        for _ in range(count[rank]):
            turn = next(turns)
            step = ((step[0] >> 1) + turn[0], (step[1] >> 1) + turn[1])
            here = (here[0] + step[0], here[1] + step[1])
            points.append(here)
        out.append((face, other, points))
        passed.setdefault(other, []).append(points)
    assert next(turns, None) is None
    assert len(out) == arcs.head["arcs"]
    return out


def rebuilt(arcs):
    """Polygons of the grid, by face, y going up."""
    found = read(arcs)
    out = []
    for face in range(1, arcs.head["faces"] + 1):
        lines = [
            shapely.LineString(np.array(points) * [1, -1]) for left, right, points in found if face in (left, right)
        ]
        # Even-odd: a face of the lines is in when an odd number of rings hold it.
        cells = [] if not lines else list(shapely.get_parts(shapely.polygonize([shapely.union_all(lines)])))
        rings = [shapely.get_exterior_ring(cell) for cell in cells]
        out.append(within(cells, found, face) if rings else shapely.Polygon())
    return out


def within(cells, found, face):
    kept = []
    for cell in cells:
        x, y = shapely.get_coordinates(shapely.point_on_surface(cell))[0]
        nearest, inside = -np.inf, 0
        for left, right, points in found:
            for (x0, y0), (x1, y1) in itertools.pairwise(points):
                if (-y0 <= y) == (-y1 <= y):
                    continue
                crossing = x0 + (y + y0) / (y0 - y1) * (x1 - x0)
                if nearest < crossing <= x:
                    nearest, inside = crossing, left if y1 > y0 else right
        if inside == face:
            kept.append(cell)
    return shapely.union_all(kept)


def snapped(polygons, zoom):
    """The polygons on the grid, y going up."""
    metres = polygons.to_crs(3857)

    def grid(points):
        return np.rint(points / (PIXEL / 2**zoom) + [2 ** (zoom + 7), -(2 ** (zoom + 7))])

    return [
        shapely.Polygon() if shape is None else shapely.make_valid(shapely.transform(shape, grid)) for shape in metres
    ]


def coverage(shapes, departements=None):
    index = pd.Index([f"{rank:05}" for rank in range(len(shapes))])
    return (
        gpd.GeoSeries(shapes, index=index, crs=2154),
        pd.Series(departements or ["39"] * len(shapes), index=index),
    )


def squares(side, rows, columns):
    return [
        shapely.box(
            700_000 + side * column, 6_600_000 + side * row, 700_000 + side * (column + 1), 6_600_000 + side * (row + 1)
        )
        for row in range(rows)
        for column in range(columns)
    ]


def assert_same(polygons, arcs):
    for wanted, got in zip(snapped(polygons, arcs.head["zoom"]), rebuilt(arcs), strict=True):
        assert shapely.symmetric_difference(wanted, got).area == 0


def test_four_squares_share_their_edges():
    arcs = encode_arcs(*coverage(squares(1000, 2, 2), ["39", "39", "21", "39"]))
    found = read(arcs)
    # Two arcs around each of four squares: one shared with each neighbour, one with what is outside.
    pairs = sorted((left, right) for left, right, _ in found)
    assert pairs == [(1, 0), (1, 2), (1, 3), (2, 0), (2, 4), (3, 0), (3, 4), (4, 0)]
    assert numbers(arcs.streams["departement"], folded=False) == [2, 2, 1, 2]
    assert_same(coverage(squares(1000, 2, 2))[0], arcs)


def test_a_hole_an_island_and_a_commune_without_shape():
    outer = shapely.box(700_000, 6_600_000, 710_000, 6_610_000)
    inner = shapely.box(703_000, 6_603_000, 706_000, 6_606_000)
    island = shapely.box(720_000, 6_600_000, 721_000, 6_601_000)
    polygons, departements = coverage([
        shapely.MultiPolygon([shapely.difference(outer, inner), island]), None, inner, shapely.Polygon(),
    ])  # fmt: skip
    arcs = encode_arcs(polygons, departements)
    assert sorted((left, right) for left, right, _ in read(arcs)) == [(1, 0), (1, 0), (1, 3)]
    assert_same(polygons, arcs)


def test_a_ring_already_read_on_every_side():
    """A hole filled by two communes read before: passing them turns round, and must stop where the page stops."""
    outer = shapely.box(700_000, 6_600_000, 710_000, 6_610_000)
    low = shapely.box(703_000, 6_603_000, 706_000, 6_605_000)
    high = shapely.box(703_000, 6_605_000, 706_000, 6_607_000)
    beside = shapely.box(710_000, 6_600_000, 712_000, 6_610_000)
    for first in ([beside, low, high], [low, high, beside], [low, beside, high]):
        polygons, departements = coverage([*first, shapely.difference(outer, shapely.union(low, high))])
        assert_same(polygons, encode_arcs(polygons, departements))


def test_communes_that_touch_by_a_corner():
    polygons, departements = coverage([square for rank, square in enumerate(squares(1000, 3, 3)) if rank % 2 == 0])
    assert_same(polygons, encode_arcs(polygons, departements))


def test_what_the_grid_flattens_leaves_no_hole():
    # The second is a third of a pixel wide: its neighbours meet.
    step = PIXEL / 2**14
    edges = np.array([0, 100, 100.3, 200]) * step
    shapes = [shapely.box(west, 0, east, 50 * step) for west, east in itertools.pairwise(edges)]
    polygons = gpd.GeoSeries(shapes, crs=3857)
    found = read(encode_arcs(polygons, pd.Series(["39"] * 3)))
    assert {(left, right) for left, right, _ in found} == {(1, 0), (1, 3), (3, 0)}
    assert read(encode_arcs(polygons.iloc[[1]], pd.Series(["39"], index=[1]))) == []


def test_points_in_line_are_dropped():
    step = PIXEL / 2**14
    square = shapely.segmentize(shapely.box(0, 0, 100 * step, 100 * step), step)
    polygons = gpd.GeoSeries([square], index=["00001"], crs=3857)
    arcs = encode_arcs(polygons, pd.Series(["39"], index=["00001"]))
    assert arcs.head == {"zoom": 14, "faces": 1, "arcs": 1, "points": 4}
    assert rebuilt(arcs)[0].area == 10_000


def test_every_pixel_has_one_commune(demo):
    territory, _ = demo
    polygons = territory.communes.geometry.iloc[:120]
    arcs = encode_arcs(polygons, territory.communes["code_departement"])
    found = read(arcs)
    area = np.zeros(len(polygons) + 1)
    for left, right, points in found:
        line = np.array(points, dtype=float)
        swept = (line[:-1, 0] * line[1:, 1] - line[1:, 0] * line[:-1, 1]).sum() / 2
        area[left] -= swept
        area[right] += swept
    wanted = [shape.area for shape in snapped(polygons, arcs.head["zoom"])]
    assert np.abs(area[1:] - wanted).max() <= 3  # where the grid made an edge cross another
    assert area[0] == -area[1:].sum()
    assert arcs == encode_arcs(polygons, territory.communes["code_departement"])


def test_no_vertex_moves_by_ten_metres():
    polygons, departements = coverage(squares(777, 8, 8))
    for zoom, most in ((13, 10), (14, 5)):
        found = read(encode_arcs(polygons, departements, zoom=zoom))
        points = np.unique([point for _, _, points in found for point in points], axis=0)
        metres = (points * [1, -1] - np.array([2 ** (zoom + 7), -(2 ** (zoom + 7))])) * PIXEL / 2**zoom
        drawn = gpd.GeoSeries(shapely.points(metres), crs=3857).to_crs(2154)
        sides = gpd.GeoSeries(shapely.points(shapely.get_coordinates(polygons.to_numpy())), crs=2154)
        assert shapely.distance(shapely.multipoints(sides.to_numpy()), drawn.to_numpy()).max() < most


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=4, max_size=14, unique=True),
    st.integers(1, 40),
)
def test_any_coverage_is_read_back(seeds, side):
    """Cells of random points, some of them smaller than the grid: areas add up, on each side of every arc."""
    points = shapely.MultiPoint([(700_000 + side * x, 6_600_000 + side * y) for x, y in seeds])
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=shapely.box(*points.bounds)))
    polygons, departements = coverage(list(cells))
    arcs = encode_arcs(polygons, departements)
    area = np.zeros(len(polygons) + 1)
    for left, right, line in read(arcs):
        assert left != right
        along = np.array(line, dtype=float)
        swept = (along[:-1, 0] * along[1:, 1] - along[1:, 0] * along[:-1, 1]).sum() / 2
        area[left] -= swept
        area[right] += swept
    exterior = shapely.orient_polygons(cells)

    def swept_by(shape):
        ring = np.array(shapely.get_coordinates(shape))
        return (ring[:-1, 0] * ring[1:, 1] - ring[1:, 0] * ring[:-1, 1]).sum() / 2

    zoom = arcs.head["zoom"]
    metres = gpd.GeoSeries(list(exterior), crs=2154).to_crs(3857)
    rings = [
        np.rint(shapely.get_coordinates(shape) / (PIXEL / 2**zoom) + [2 ** (zoom + 7), -(2 ** (zoom + 7))])
        for shape in metres
    ]
    assert area[1:].tolist() == [swept_by(shapely.linestrings(ring)) for ring in rings]


def test_bytes_of_small_numbers():
    values = np.array([0, -1, 1, -64, 64, 300, -(10**6)])
    assert numbers(varints(zigzag(values)), folded=True) == values.tolist()
    assert varints(np.array([], dtype=np.int64)) == b""
    assert len(varints(np.array([127, 128, 16383, 16384]))) == 1 + 2 + 2 + 3


def test_a_map_has_a_most():
    polygons, departements = coverage([None] * (MOST + 1))
    with pytest.raises(TerritoireGeoError, match="65,534 communes, and the territory has 65,535"):
        encode_arcs(polygons, departements)
    with pytest.raises(CrsError, match="EPSG:2154"):
        encode_arcs(gpd.GeoSeries([shapely.box(0, 0, 1, 1)]), pd.Series(["39"]))


def test_no_shape_at_all():
    arcs = encode_arcs(*coverage([None, shapely.Polygon()]))
    assert arcs.head | {"zoom": 14} == {"zoom": 14, "faces": 2, "arcs": 0, "points": 0}
    assert read(arcs) == []
