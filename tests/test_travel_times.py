"""Minutes of road engines: every answer checked, cut in requests that servers accept, never a null taken for zero."""

import json
import logging
import math
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from _loopback import Reply, json_reply, serve
from _small_territory import CODES, territory
from territoire_geo import load_territory, travel
from territoire_geo.errors import (
    CrsError,
    SourceFormatError,
    SourceUnavailableError,
    TableError,
    TerritoireGeoWarning,
)
from territoire_geo.loaders import _blocks, _isochrone, _matrix, _openrouteservice, _osrm, _valhalla, load_minutes
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace
from territoire_geo.loaders.travel_times import fetch_minutes, write_minutes

SAMPLES = Path(__file__).parents[2] / "shared" / "sources" / "samples" / "reconstructed"
OSRM = entry("osrm")
KEY = "5b3ce3597851110001cf6248-secret"
# Three places of a real plain: ids, longitude, latitude.
PLACES = {"dole": (5.49, 47.09), "auxonne": (5.39, 47.19), "arbois": (5.77, 46.90)}


def points(places=PLACES, crs=4326):
    lonlat = np.array(list(places.values()))
    return gpd.GeoSeries(gpd.points_from_xy(*lonlat.T), index=list(places), crs=4326).to_crs(crs)


def seconds(start, end):
    """Invented road: never the same both ways, so that a transposed matrix is seen; no way to the far north."""
    km = 111.2 * math.hypot((end[0] - start[0]) * 0.68, end[1] - start[1])
    return None if end[1] > 60 else round(90 * km + 30 * (start[0] - 5) + 7 * (end[1] - 47), 1) if km else 0


@pytest.fixture
def sample():
    if not SAMPLES.is_dir():
        pytest.skip(f"the samples of answers are not beside the repository: {SAMPLES}")
    return lambda name: json.loads((SAMPLES / name).read_text())


@pytest.fixture
def door(tmp_path):
    def opened(server, *services):
        bases = dict.fromkeys(services or ("osrm", "valhalla", "openrouteservice", "geopf"), server.url)
        return Door(tmp_path / "cache", bases=bases, pace=Pace(attempts=1, progress=False))

    return opened


def osrm_server(limit=10_000, seen=None):
    def answer(request):
        lonlat = [tuple(map(float, pair.split(","))) for pair in request.path.rpartition("/")[2].split(";")]
        sources, ends = ([int(n) for n in request.param(side).split(";")] for side in ("sources", "destinations"))
        if seen is not None:
            seen.append((len(sources), len(ends)))
        if len(sources) * len(ends) > limit:
            return json_reply({"code": "TooBig", "message": "Too many table coordinates"}, 400)
        rows = [[seconds(lonlat[one], lonlat[other]) for other in ends] for one in sources]
        return json_reply({"code": "Ok", "durations": rows, "sources": [], "destinations": []})

    return answer


def expected(places):
    pairs = {(a, b): seconds(places[a], places[b]) for a in sorted(places) for b in sorted(places)}
    index = pd.MultiIndex.from_tuples(pairs, names=["origin", "destination"])
    values = [math.nan if value is None else round(value / 60, 3) for value in pairs.values()]
    return pd.Series(values, index=index, name="minutes")


# ---------------------------------------------------------------- one engine after the other


@pytest.mark.parametrize("crs", [4326, 2154])
def test_osrm_gives_minutes_of_every_pair(door, crs):
    far = PLACES | {"cape": (5.0, 61.0)}
    with serve({"*": osrm_server()}) as server:
        minutes = _osrm.minutes(door(server), points(far, crs), points(far, crs))
        [request] = server.requests
    pd.testing.assert_series_equal(minutes, expected(far))
    assert minutes.isna().sum() == 4  # a null is no way, not no time
    assert minutes["dole", "dole"] == 0
    assert request.path.startswith("/table/v1/driving/")
    assert "5.49000,47.09000" in request.path  # longitude first
    assert request.param("annotations") == "duration"


def test_osrm_halves_what_is_too_big_and_learns(door):
    grid = {f"p{n:02d}": (5 + 0.01 * (n % 8), 47 + 0.01 * (n // 8)) for n in range(60)}
    seen = []
    with serve({"*": osrm_server(limit=700, seen=seen)}) as server:
        minutes = _osrm.minutes(door(server), points(grid), points(grid))
    pd.testing.assert_series_equal(minutes, expected(grid))
    assert [size for size in seen if size[0] * size[1] > 700] == [(50, 50), (25, 50)]  # refused twice in all


def test_osrm_refuses_a_pair_that_is_too_big(door):
    with serve({"*": osrm_server(limit=0)}) as server, pytest.raises(SourceUnavailableError, match="Too many table"):
        _osrm.minutes(door(server), points(), points())


def test_osrm_names_the_point_without_road(door):
    reply = json_reply({"code": "NoSegment", "message": "Could not find a matching segment for coordinate 3"}, 400)
    with serve({"*": reply}) as server, pytest.raises(SourceFormatError, match=r"no road for the point 'auxonne'"):
        _osrm.minutes(door(server), points(), points({"here": (5.5, 47.1), "auxonne": (5.39, 47.19)}))


def test_osrm_by_bicycle_asks_another_network(door):
    with serve({"*": osrm_server()}) as server:
        _osrm.minutes(door(server, "osrm_bike"), points(), points(), mode="bike")
        assert len(server.requests) == 1
    assert entry("osrm_bike").service.base_url.endswith("routed-bike")


@pytest.mark.parametrize("verbose", [False, True])
def test_valhalla_gives_minutes_concise_or_verbose(door, verbose):
    def answer(request):
        asked = request.json()
        assert (asked["costing"], asked["verbose"], asked["units"]) == ("pedestrian", False, "kilometers")
        starts, ends = ([(p["lon"], p["lat"]) for p in asked[side]] for side in ("sources", "targets"))
        rows = [[seconds(one, other) for other in ends] for one in starts]
        cells = [
            [{"distance": 1.0, "time": time, "from_index": i, "to_index": j} for j, time in enumerate(row)]
            for i, row in enumerate(rows)
        ]
        return json_reply({"sources_to_targets": cells if verbose else {"durations": rows}, "units": "kilometers"})

    far = PLACES | {"cape": (5.0, 61.0)}
    with serve({("POST", "/sources_to_targets"): answer}) as server:
        minutes = _valhalla.minutes(door(server), points(far), points(far), mode="walk")
    pd.testing.assert_series_equal(minutes, expected(far))


def test_valhalla_halves_too_many_locations(door):
    grid = {f"p{n:02d}": (5 + 0.01 * (n % 8), 47 + 0.01 * (n // 8)) for n in range(30)}

    def answer(request):
        asked = request.json()
        starts, ends = ([(p["lon"], p["lat"]) for p in asked[side]] for side in ("sources", "targets"))
        if len(starts) + len(ends) > 20:
            return json_reply({"error_code": 150, "error": "Exceeded max locations: 20", "status_code": 400}, 400)
        return json_reply({"sources_to_targets": {"durations": [[seconds(a, b) for b in ends] for a in starts]}})

    with serve({"*": answer}) as server:
        minutes = _valhalla.minutes(door(server), points(grid), points(grid))
    pd.testing.assert_series_equal(minutes, expected(grid))


def ors_answer(request):
    if request.headers.get("Authorization") != KEY:
        return json_reply({"error": "Access to this API has been disallowed"}, 403)
    asked = request.json()
    starts, ends = ([asked["locations"][n] for n in asked[side]] for side in ("sources", "destinations"))
    if len(starts) * len(ends) > 3500:
        return json_reply({"error": {"code": 6004, "message": "Only a total of 3500 routes are allowed."}}, 400)
    return json_reply({"durations": [[seconds(a, b) for b in ends] for a in starts], "destinations": [], "sources": []})


def test_openrouteservice_stays_within_its_pairs(door):
    grid = {f"p{n:02d}": (5 + 0.01 * (n % 8), 47 + 0.01 * (n // 8)) for n in range(70)}
    with serve({("POST", "/v2/matrix/driving-car"): ors_answer}) as server:
        minutes = _openrouteservice.minutes(door(server), points(grid), points(grid), key=KEY)
        sizes = [len(r.json()["sources"]) * len(r.json()["destinations"]) for r in server.requests]
    pd.testing.assert_series_equal(minutes, expected(grid))
    assert sum(sizes) == 70 * 70
    assert max(sizes) == 59 * 59


def test_the_key_is_neither_logged_nor_kept(door, monkeypatch, caplog):
    monkeypatch.setenv("TERRITOIRE_GEO_ORS_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    with serve({"*": ors_answer}) as server:
        here = door(server)
        _openrouteservice.minutes(here, points(), points())
        with pytest.raises(SourceUnavailableError) as refused:
            _openrouteservice.minutes(here, points(), points(), mode="bike", key="wrong-key-0123456789")
    assert "403" in str(refused.value)
    said = caplog.text + str(refused.value)
    kept = b"".join(path.read_bytes() for path in here.cache.rglob("*") if path.is_file())
    for secret in (KEY, "wrong-key-0123456789"):
        assert secret not in said
        assert secret.encode() not in kept
    assert kept


def test_openrouteservice_without_key_asks_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("TERRITOIRE_GEO_ORS_KEY", raising=False)
    with pytest.raises(SourceUnavailableError, match=r"no key.*TERRITOIRE_GEO_ORS_KEY"):
        _openrouteservice.minutes(Door(tmp_path), points(), points())


def isochrone_answer(request):
    """Squares of one hundredth of a degree by minute, around the point."""
    lon, lat = map(float, request.param("point").split(","))
    half = 0.01 * float(request.param("costValue")) / 60 + 1e-9
    area = shapely.box(lon - half, lat - half, lon + half, lat + half)
    if request.param("costValue") == "600":
        area = shapely.MultiPolygon([area])
    body = {
        "point": request.param("point"), "resource": request.param("resource"), "costType": "time",
        "costValue": int(request.param("costValue")), "timeUnit": request.param("timeUnit"), "crs": "EPSG:4326",
        "geometry": shapely.geometry.mapping(area),
    }  # fmt: skip
    return json_reply(body)


def test_isochrones_give_the_smallest_step_that_holds_a_place(door):
    with serve({"/navigation/isochrone": isochrone_answer}) as server:
        minutes = _isochrone.minutes(door(server), points(), points(), steps=(20, 10))
        asked = [(request.param("point"), request.param("costValue")) for request in server.requests]
    # dole - auxonne: 0.10 and 0.10 degrees, on the edge of 10 minutes; dole - arbois: 0.28 and 0.19.
    assert minutes["dole", "auxonne"] == 10
    assert minutes["dole", "dole"] == 0
    assert math.isnan(minutes["dole", "arbois"])
    assert minutes.index.is_monotonic_increasing
    assert len(minutes) == 9
    assert asked.count(("5.49000,47.09000", "600")) == 1
    assert len(asked) == 6  # one request by origin and step
    assert {request.param("resource") for request in server.requests} == {"bdtopo-valhalla"}


def test_isochrones_stop_when_everything_is_reached(door):
    near = {"dole": (5.49, 47.09), "choisey": (5.48, 47.06)}
    with serve({"/navigation/isochrone": isochrone_answer}) as server:
        minutes = _isochrone.minutes(door(server), points(near), points(near), mode="walk", steps=(2, 5, 60))
        assert {request.param("profile") for request in server.requests} == {"pedestrian"}
        assert {request.param("costValue") for request in server.requests} == {"120", "300"}
    assert minutes["choisey", "dole"] == 5


# ---------------------------------------------------------------- answers that are not what was asked


@pytest.mark.parametrize(
    "body",
    [
        {"code": "Ok"},
        {"code": "Ok", "durations": []},
        {"code": "Ok", "durations": [[0, 1]] * 3},
        {"code": "Ok", "durations": [[0, 1, 2]] * 2},
        {"code": "Ok", "durations": [[0, "60", 2]] * 3},
        {"code": "Ok", "durations": [[0, True, 2]] * 3},
        {"code": "Ok", "durations": [[0, {"time": 3}, 2]] * 3},
        {"code": "NoTable", "durations": [[0, 1, 2]] * 3},
        {"duration": [[0, 1, 2]] * 3},
        [[0, 1, 2]] * 3,
        None,
    ],
)
def test_a_changed_answer_is_an_error_and_is_not_kept(door, body):
    with serve({"*": [json_reply(body), osrm_server()]}) as server:
        here = door(server)
        with pytest.raises(SourceFormatError, match="was expected"):
            _osrm.minutes(here, points(), points())
        pd.testing.assert_series_equal(_osrm.minutes(here, points(), points()), expected(PLACES))


@pytest.mark.parametrize(
    ("seconds_between", "why"),
    [(-1, "-1 s from auxonne to dole"), (1e9, "cannot be"), (10.0, "cannot be"), (math.inf, "cannot be")],
)
def test_impossible_durations_are_refused(door, seconds_between, why):
    rows = [[0 if i == j else seconds_between for j in range(3)] for i in range(3)]
    reply = Reply(body=json.dumps({"code": "Ok", "durations": rows}), content_type="application/json")
    with serve({"*": [reply, osrm_server()]}) as server:
        with pytest.raises(SourceFormatError, match=why):
            _osrm.minutes(door(server), points(), points())
        assert len(_osrm.minutes(door(server), points(), points())) == 9  # it was not kept


@pytest.mark.parametrize(
    "found",
    [
        None,
        {"times": [[1]]},
        [[{"distance": 1.0}] * 3] * 3,
        [[{"time": 1, "from_index": 2, "to_index": 0}] * 3] * 3,
        [{"time": 1}] * 3,
    ],
)
def test_a_changed_valhalla_is_an_error(door, found):
    with serve({"*": json_reply({"sources_to_targets": found})}) as server, pytest.raises(SourceFormatError):
        _valhalla.minutes(door(server), points(), points())


@pytest.mark.parametrize(
    "change",
    [
        {"geometry": None},
        {"geometry": {"type": "Point", "coordinates": [5, 47]}},
        {"geometry": {"type": "Polygon", "coordinates": [[1, 2]]}},
        {"geometry": {"type": "Polygon"}},
        {"costValue": 20},
        {"timeUnit": "minute"},
        {"costType": "distance"},
        {"crs": "EPSG:3857"},
    ],
)
def test_a_changed_isochrone_is_an_error(door, change, sample):
    body = sample("geopf_isochrone.json") | change
    with serve({"*": json_reply(body)}) as server, pytest.raises(SourceFormatError, match="was expected"):
        _isochrone.minutes(door(server), points(), points(), steps=(20,))


def test_samples_of_every_engine_are_read(door, sample):
    two = {"a": (5.49, 47.09), "b": (5.60, 47.10)}
    one = {"a": (5.49, 47.09)}, {"b": (5.60, 47.10)}
    with serve({"*": json_reply(sample("osrm_table_ok.json"))}) as server:
        minutes = _osrm.minutes(door(server), points(two), points(two))
    assert minutes.fillna(-1).tolist() == [0, 10.008, -1, 0]
    with serve({"*": json_reply(sample("ors_matrix.json"))}) as server:
        minutes = _openrouteservice.minutes(door(server), points(two), points(two), key=KEY)
    assert minutes.fillna(-1).tolist() == [0, 10.008, -1, 0]
    for name in ("valhalla_verbose.json", "valhalla_concise.json"):
        with serve({"*": json_reply(sample(name))}) as server:
            minutes = _valhalla.minutes(door(server), points(one[0]), points(one[1]))
        assert minutes.to_dict() == {("a", "b"): 10.0}
    with serve({"*": json_reply(sample("geopf_isochrone.json"))}) as server:
        minutes = _isochrone.minutes(door(server), points(two), points(two), steps=(20,))
    assert minutes.tolist() == [0, 20, 20, 0]


def test_points_that_are_none_are_refused(tmp_path):
    door = Door(tmp_path)
    here = points()
    with pytest.raises(CrsError, match="no CRS"):
        _osrm.minutes(door, gpd.GeoSeries(here.to_numpy()), here)
    with pytest.raises(TableError, match="'x' is no point"):
        _osrm.minutes(door, gpd.GeoSeries([None], index=["x"], crs=4326), here)
    with pytest.raises(TableError, match="several rows"):
        _osrm.minutes(door, here, here.iloc[[0, 0]])
    with pytest.raises(ValueError, match="within_km"):
        _osrm.minutes(door, here, here, within_km=math.nan)
    with pytest.raises(ValueError, match="by car or walk"):
        _isochrone.minutes(door, here, here, mode="bike")
    with pytest.raises(ValueError, match="steps"):
        _isochrone.minutes(door, here, here, steps=())


# ---------------------------------------------------------------- the same minutes, however they are asked


coordinates = st.tuples(st.integers(-50, 50), st.integers(-50, 50)).map(lambda at: (5 + at[0] / 50, 47 + at[1] / 50))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(coordinates, max_size=14),
    st.lists(coordinates, max_size=14),
    st.integers(1, 6),
    st.sampled_from([None, 0.0, 20.0, 80.0]),
    st.integers(1, 40),
)
def test_cut_in_requests_the_minutes_are_the_same(starts, ends, side, within_km, limit):
    def line(places, name):
        ids = [f"{name}{n:02d}" for n in range(len(places))][::-1]
        return gpd.GeoSeries([shapely.Point(at) for at in places], index=pd.Index(ids, dtype="str"), crs=4326)

    pairs = _blocks.pair_up(line(starts, "o"), line(ends, "d"), within_km)

    def ask(block):
        if block.size > limit:
            raise SourceUnavailableError("answered 400 (Too many table coordinates)")
        lonlat = pairs.origins.lonlat[block.origins], pairs.destinations.lonlat[block.destinations]
        return np.array([[seconds(a, b) for b in lonlat[1]] for a in lonlat[0]], dtype="float64")

    todo = _blocks.blocks(pairs, side)
    assert all(len(block.origins) <= side and len(block.destinations) <= side for block in todo)
    cut = _matrix.gather(pairs, todo, OSRM, ask)
    whole = _matrix.gather(pairs, _blocks.blocks(pairs, 100), OSRM, lambda block: ask_all(pairs, block))
    pd.testing.assert_series_equal(cut, whole)
    assert cut.index.is_unique
    assert cut.index.is_monotonic_increasing
    asked = {
        (o, d)
        for o, a in zip(pairs.origins.ids, pairs.origins.lonlat, strict=True)
        for d, b in zip(pairs.destinations.ids, pairs.destinations.lonlat, strict=True)
        if within_km is None or great_circle(a, b) <= within_km + 1e-6
    }
    assert set(cut.index) == asked


def ask_all(pairs, block):
    lonlat = pairs.origins.lonlat[block.origins], pairs.destinations.lonlat[block.destinations]
    return np.array([[seconds(a, b) for b in lonlat[1]] for a in lonlat[0]], dtype="float64")


def great_circle(a, b):
    (x, y), (u, v) = np.radians(a), np.radians(b)
    h = math.sin((v - y) / 2) ** 2 + math.cos(y) * math.cos(v) * math.sin((u - x) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(h))


# ---------------------------------------------------------------- a territory


def test_a_territory_asks_for_what_its_buffer_needs(door):
    small = territory(buffer_km=20.0)
    with serve({"*": osrm_server()}) as server:
        minutes = fetch_minutes(small, door=door(server))
        again = fetch_minutes(small, door=door(server))
        assert len(server.requests) == 1  # what was asked once is kept
        near = fetch_minutes(small, within_km=5, door=door(server))
    a, b, c, d = CODES
    assert set(minutes.index) == {(x, y) for x in (a, b, c) for y in (a, b, c)} | {(d, d)}
    pd.testing.assert_series_equal(minutes, again)
    assert set(near.index) == {(a, a), (a, b), (b, a), (b, b), (c, c), (d, d)}
    pd.testing.assert_series_equal(minutes[near.index], near)


def test_minutes_of_a_territory_are_what_a_diagnostic_takes(door):
    small = territory(buffer_km=20.0)
    with serve({"*": osrm_server()}) as server:
        minutes = fetch_minutes(small, door=door(server))
    empty = travel.Points(small.points.iloc[:0], pd.Series(dtype="str"))
    table = travel.from_table(small, empty, minutes)
    assert table[CODES[0], CODES[1]] == minutes[CODES[0], CODES[1]]
    assert table[CODES[0], CODES[0]] > 0  # a trip inside a commune takes the convention


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_is_written_is_read_back_identically(door, tmp_path, suffix):
    far = PLACES | {"cape": (5.0, 61.0)}
    codes = dict(zip(("01001", "2A004", "39198", "97411"), far.values(), strict=True))
    with serve({"*": osrm_server()}) as server:
        minutes = _osrm.minutes(door(server), points(codes), points(codes))
    assert minutes.isna().any()
    path = tmp_path / f"minutes{suffix}"
    write_minutes(minutes, path, mode="bike")
    read = load_minutes(path)
    assert list(read) == ["bike"]
    pd.testing.assert_series_equal(read["bike"], minutes)


def test_minutes_are_written_under_their_names_only(tmp_path):
    with pytest.raises(TableError, match="origin and destination"):
        write_minutes(pd.Series({("39001", "39002"): 1.0}), tmp_path / "x.csv")
    index = pd.MultiIndex.from_tuples([("39001", "39002")], names=["origin", "destination"])
    with pytest.raises(ValueError, match=r"\.parquet"):
        write_minutes(pd.Series([1.0], index=index), tmp_path / "x.xlsx")


def test_unknown_engines_and_modes_are_refused(tmp_path):
    door = Door(tmp_path)
    with pytest.raises(ValueError, match="'google' is not one of osrm, valhalla"):
        fetch_minutes(territory(), engine="google", door=door)
    with pytest.raises(ValueError, match="'plane' is not one of car, bike, walk"):
        fetch_minutes(territory(), mode="plane", door=door)
    with pytest.raises(ValueError, match="osrm asks for none"):
        fetch_minutes(territory(), key="x", door=door)


def test_offline_says_what_is_missing(tmp_path):
    with pytest.raises(SourceUnavailableError, match=r"OSRM.*driving/\.\.\..*: not in the cache.*load_minutes"):
        fetch_minutes(territory(), door=Door(tmp_path, offline=True))


def test_many_requests_to_a_public_server_are_announced(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="territoire_geo")
    public = Door(tmp_path)
    with pytest.warns(
        TerritoireGeoWarning, match="up to 1,200 requests to https://routing.openstreetmap.de/routed-car"
    ):
        _matrix.announce(public, OSRM, 1200)
    assert "at most 1200 requests, 20 min" in caplog.text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _matrix.announce(public, OSRM, 500)
        _matrix.announce(Door(tmp_path, bases={"osrm": "http://127.0.0.1:5000"}), OSRM, 1200)


def test_a_whole_territory_takes_few_requests():
    dole = load_territory("200010650")
    pairs = _blocks.pair_up(dole.points, dole.points, dole.buffer_km)
    todo = _blocks.blocks(pairs, _osrm.SIDE)
    covered = sum(block.size for block in todo)
    wanted = sum(len(ends) for ends in _blocks.near(pairs))
    assert covered < 1.6 * wanted
    assert len(todo) < 1.5 * wanted / _osrm.SIDE**2 + len(dole.communes) / _osrm.SIDE
