"""The geocoder of the IGN: what is asked, what is believed, and what happens when it does not answer."""

import csv
import io
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from _loopback import Reply, json_reply, serve
from territoire_geo.loaders._calls import Pace
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders.geocoding import BATCH, FEW, GIVEN, RESULTS, geocode

SAMPLES = Path(__file__).parents[2] / "shared" / "sources" / "samples"
QUICK = Pace(attempts=1, backoff=0.01, connect=2, read=2, deadline=10)
DOLE = {"lon": 5.49, "lat": 47.09, "score": 0.97, "postcode": "39100", "citycode": "39198", "city": "Dole"}


@pytest.fixture
def sample():
    """Read one recorded answer, which the repository does not carry."""

    def read(name):
        path = SAMPLES / name
        if not path.is_file():
            pytest.skip(f"the recorded answers are not beside the repository: {path}")
        return json.loads(path.read_text(encoding="utf-8"))

    return read


@pytest.fixture
def door(tmp_path):
    def at(server, **options):
        return Door(tmp_path / "cache", bases={"geopf": server.url}, pace=QUICK, **options)

    return at


def feature(**said):
    told = DOLE | said
    point = {"type": "Point", "coordinates": [told.pop("lon"), told.pop("lat")]}
    return {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": point, "properties": told}]}


def asked(*rows):
    return pd.DataFrame(rows, columns=["address", "post_code", "city"]).set_axis([f"s{n}" for n in range(len(rows))])


def one(door, answer, row=("1 rue de la Gare", "39100", "DOLE")):
    with serve({"/geocodage/search": answer if callable(answer) else json_reply(answer)}) as server:
        return geocode(door(server), asked(row)), server.requests


def many(count, city="DOLE"):
    return asked(*((f"{n} rue de la Gare", "39100", city) for n in range(count)))


def batch(change=lambda row: row, columns=("n", "address", *RESULTS)):
    """A service that answers files: the rows that came, with the columns that were asked for."""

    def answer(request):
        text = re.search(rb"\r\n\r\n(n,address.*?)\r\n--", request.body, re.DOTALL).group(1).decode()
        out = io.StringIO()
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        back = {published: DOLE[tidy] for published, tidy in RESULTS.items()}
        for row in csv.DictReader(io.StringIO(text)):
            new = change(row | back)
            if new is not None:
                writer.writerow(new)
        return Reply(body=out.getvalue(), content_type="text/csv; charset=utf-8")

    return {("POST", "/geocodage/search/csv"): answer}


def test_an_address_is_asked_with_its_post_code(door):
    found, requests = one(door, feature())
    assert found.frame.loc["s0"].to_dict() == {"lon": 5.49, "lat": 47.09, "score": 0.97, "citycode": "39198"}
    assert (found.refused, found.unanswered, found.failure) == (0, 0, "")
    told = dict(requests[0].params)
    assert (told["q"], told["postcode"], told["limit"]) == ("1 rue de la Gare DOLE", "39100", "1")


def test_the_recorded_answer_in_an_arrondissement_is_accepted(door, sample):
    found, _ = one(
        door, sample("geopf/geocodage_search_ok.json"), ("10 pl 5 martyrs lycee buffon", "75015", "PARIS 15")
    )
    assert found.frame.at["s0", "citycode"] == "75115"
    assert found.frame.at["s0", "score"] == pytest.approx(0.5197687103594081)


def test_the_recorded_empty_answer_gives_nothing(door, sample):
    found, _ = one(door, sample("geopf/geocodage_search_empty.json"))
    assert found.frame[["lon", "lat", "score"]].isna().all(axis=None)
    assert (found.frame.at["s0", "citycode"], found.refused, found.unanswered) == ("", 1, 0)


def test_the_reconstructed_answer_has_the_shape_of_ours(sample):
    theirs = sample("reconstructed/geopf_geocodage_search.json")["features"][0]
    assert set(feature()["features"][0]["properties"]) <= set(theirs["properties"])
    assert {*GIVEN} == {*DOLE}


@pytest.mark.parametrize(
    ("said", "row", "believed"),
    [
        ({"score": 0.5}, ("1 rue de la Gare", "39100", "Dole"), True),
        ({"score": 0.499}, ("1 rue de la Gare", "39100", "Dole"), False),
        ({"postcode": "21000", "citycode": "21231", "city": "Dijon"}, ("1 rue de la Gare", "39100", "Dole"), False),
        ({}, ("1 rue de la Gare", "39108", "DOLE CEDEX"), True),
        ({"city": "Lons-le-Saunier"}, ("1 rue de la Gare", "39108", "DOLE CEDEX"), False),
        ({"citycode": "25056"}, ("1 rue de la Gare", "39108", "DOLE CEDEX"), False),
        ({"postcode": "20200", "citycode": "2B033", "city": "Bastia"}, ("2 quai", "20298", "Bastia Cedex"), True),
        ({"postcode": "97410", "citycode": "97416", "city": "Saint-Pierre"}, ("2 quai", "97455", "ST PIERRE"), True),
        ({"postcode": "", "citycode": "", "city": ""}, ("1 rue de la Gare", "39100", ""), False),
    ],
)
def test_an_answer_is_believed_when_it_is_where_the_address_says(door, said, row, believed):
    found, requests = one(door, feature(**said), row)
    assert found.frame["lon"].notna().tolist() == [believed]
    assert found.refused == (not believed)
    assert ("postcode" in dict(requests[0].params)) == (row[1] == "39100")


def test_the_same_address_is_asked_once_and_no_address_never(door):
    rows = asked(("1 rue de la Gare", "39100", "Dole"), ("1 rue de la Gare", "39100", "Dole"), ("", "39100", "Dole"))
    with serve({"/geocodage/search": json_reply(feature())}) as server:
        found = geocode(door(server), rows)
        assert len(server.requests) == 1
    assert found.frame["lon"].notna().tolist() == [True, True, False]
    assert (found.refused, found.unanswered) == (0, 0)


def test_nothing_to_ask_is_no_request(door):
    with serve({}) as server:
        found = geocode(door(server), asked(("", "39100", "Dole")))
        assert server.requests == []
    assert found.frame["lon"].isna().all()


def test_answers_are_kept_for_later_without_a_network(door):
    rows = asked(("1 rue de la Gare", "39100", "Dole"), ("2 rue de la Gare", "39100", "Dole"))
    with serve({"/geocodage/search": json_reply(feature())}) as server:
        geocode(door(server), rows.iloc[1:])
        found = geocode(door(server, offline=True), rows)
    assert found.frame["lon"].notna().tolist() == [False, True]
    assert found.unanswered == 1
    assert "offline" in found.failure


def test_a_service_that_is_down_is_not_asked_at_length(door):
    with serve({"*": Reply(503, "down")}) as server:
        found = geocode(door(server), many(FEW))
        assert len(server.requests) == 2
    assert found.unanswered == FEW
    assert "503" in found.failure


def test_one_refused_question_does_not_stop_the_others(door):
    replies = [Reply(400, '{"message": "bad"}', "application/json"), json_reply(feature())]
    with serve({"/geocodage/search": replies}) as server:
        found = geocode(door(server), many(3))
    assert found.frame["lon"].notna().tolist() == [False, True, True]
    assert found.unanswered == 1


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"type": "FeatureCollection"},
        {"features": [{"geometry": None, "properties": {"score": 1}}]},
        {"features": [{"geometry": {"coordinates": [5.4]}, "properties": {"score": 1}}]},
        {"features": [{"geometry": {"coordinates": [5.4, 47.0]}, "properties": {}}]},
        {"features": [{"geometry": {"coordinates": [5.4, 47.0]}, "properties": {"score": "high"}}]},
    ],
)
def test_another_shape_is_told_and_not_kept(door, tmp_path, answer):
    found, _ = one(door, answer)
    assert "format has changed" in found.failure
    assert found.unanswered == 1
    assert not list((tmp_path / "cache").glob("objects/*"))


def test_a_page_of_html_is_told(door):
    found, _ = one(door, lambda _: Reply(body="<!doctype html><p>maintenance", content_type="text/html"))
    assert found.unanswered == 1
    assert "html" in found.failure.lower()


def test_many_addresses_are_sent_in_one_file(door):
    with serve(batch(lambda row: row if int(row["n"]) % 2 else row | {"result_score": "0.3"})) as server:
        found = geocode(door(server), many(FEW + 1))
        body = server.requests[0].body.decode()
        assert len(server.requests) == 1
    assert found.frame["lon"].notna().tolist() == [bool(n % 2) for n in range(FEW + 1)]
    assert found.refused == FEW // 2 + 1
    assert body.count('name="result_columns"') == len(RESULTS)
    assert re.search(r'name="postcode"\r\n\r\npost_code\r\n', body)


def test_a_file_without_answer_gives_nothing(door):
    blank = dict.fromkeys(RESULTS, "")
    with serve(batch(lambda row: row | blank)) as server:
        found = geocode(door(server), many(FEW + 1))
    assert found.frame["lon"].isna().all()
    assert (found.refused, found.unanswered) == (FEW + 1, 0)


def test_a_long_list_is_cut_into_files(door):
    with serve(batch()) as server:
        found = geocode(door(server), many(BATCH + 1))
        assert len(server.requests) == 2
    assert found.frame["lon"].notna().all()


def test_the_second_file_fails_and_the_first_is_kept(door):
    routes = batch()
    good = routes[("POST", "/geocodage/search/csv")]
    with serve({"*": lambda request: good(request) if len(server.requests) == 1 else Reply(503, "down")}) as server:
        found = geocode(door(server), many(BATCH + 5))
    assert found.frame["lon"].notna().sum() == BATCH
    assert found.unanswered == 5


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        (batch(lambda row: None if row["n"] == "3" else row), "not the same"),
        (batch(lambda row: row | {"n": "0"}), "not the same"),
        (batch(columns=("n", "latitude", "longitude", "result_score")), "result_postcode"),
        ({"*": Reply(body='{"error": "no"}', content_type="application/json")}, "json"),
        ({"*": Reply(500, "The service is busy")}, "500"),
    ],
)
def test_a_file_that_is_not_ours_is_refused(door, tmp_path, routes, words):
    with serve(routes) as server:
        found = geocode(door(server), many(FEW + 1))
    assert words in found.failure
    assert found.unanswered == FEW + 1
    assert not list((tmp_path / "cache").glob("objects/*"))
