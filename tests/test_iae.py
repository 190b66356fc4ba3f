"""Les emplois de l'inclusion: pages, kinds, keys, places, and what is never kept; and the list published in 2020."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from _loopback import Reply, json_reply, serve
from territoire_geo import TerritoireGeoWarning, load_territory
from territoire_geo.columns import SIAE_KINDS
from territoire_geo.errors import SourceFormatError, SourceUnavailableError
from territoire_geo.loaders import _base, iae, iae_list
from territoire_geo.loaders._calls import Pace
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._contacts import links, without_contacts
from territoire_geo.loaders._cut import cut
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._live import bring
from territoire_geo.loaders._pile import Pile, Whole
from territoire_geo.loaders._places import cut_to
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._references import totals
from territoire_geo.loaders._refine import pieces

SAMPLES = Path(__file__).parents[2] / "shared" / "sources" / "samples" / "reconstructed"
QUICK = Pace(attempts=1, backoff=0.01, connect=2, read=2, deadline=10)
SIAES = "/api/v1/siaes/"
OPEN_FILE = "/" + entry("data_inclusion_structures").path
SIRET = "339659336000{:02d}".format
POSITION = {
    "id": 1, "rome": "Entretien des espaces verts (A1203)", "cree_le": "2025-01-01T00:00:00+01:00",
    "mis_a_jour_le": "2025-01-01T00:00:00+01:00", "recrutement_ouvert": "True", "description": "Appeler le 0384000000",
    "appellation_modifiee": "", "type_contrat": "CDD insertion", "nombre_postes_ouverts": 7,
    "lieu": {"nom": "Dole", "departement": "39", "code_postaux": ["39100"], "code_insee": "39198"},
    "profil_recherche": "",
}  # fmt: skip
RECORD = {
    "id": "id-00", "cree_le": "2021-03-01T10:00:00+01:00", "mis_a_jour_le": "2026-05-02T09:00:00+02:00",
    "siret": SIRET(0), "type": "AI", "raison_sociale": "ASSOCIATION INTERMEDIAIRE X", "enseigne": "X Services",
    "telephone": "0300000000", "courriel": "marie.martin@example.net", "site_web": "https://x.example/",
    "description": "Joindre Marie au 06 01 02 03 04 ou marie.martin@example.net", "bloque_candidatures": False,
    "addresse_ligne_1": "1 rue de la Gare", "addresse_ligne_2": "", "code_postal": "39100", "ville": "Dole",
    "departement": "39", "postes": [POSITION],
}  # fmt: skip
HIT = {
    "type": "Feature",
    "geometry": {"type": "Point", "coordinates": [5.49, 47.09]},
    "properties": {"score": 0.97, "postcode": "39100", "citycode": "39198", "city": "Dole"},
}


def records(*changes):
    """One record by change, of its own id and SIRET."""
    return [RECORD | {"id": f"id-{n:02d}", "siret": SIRET(n)} | change for n, change in enumerate(changes)]


def api(rows, *, size=None):
    """Answer as the producer does: a filter, pages, and links that name a server which is not this one."""

    def answer(request):
        here = [row for row in rows if row["departement"] == request.param("departement")]
        page, step = int(request.param("page")), size or int(request.param("page_size"))
        part, rest = here[(page - 1) * step : page * step], here[page * step :]
        link = f"http://elsewhere.invalid{SIAES}?departement=39&page={{}}&page_size={step}"
        return json_reply(
            {
                "count": len(here),
                "next": link.format(page + 1) if rest else None,
                "previous": link.format(page - 1) if page > 1 else None,
                "results": part,
            }
        )

    return answer


def open_file(*rows):
    """Write the open file of data.inclusion, as its schema v1 says."""
    blank = {
        "source": "emplois-de-linclusion", "id": "", "nom": "X", "date_maj": "2026-05-02", "siret": None,
        "code_insee": "39198", "longitude": 5.5, "latitude": 47.1, "reseaux_porteurs": None, "courriel": "a@b.fr",
    }  # fmt: skip
    kinds = {"longitude": pa.float64(), "latitude": pa.float64(), "reseaux_porteurs": pa.list_(pa.string())}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in blank])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([blank | row for row in rows] or [blank | {"id": "other"}], schema), sink)
    return Reply(body=sink.getvalue().to_pybytes(), content_type="binary/octet-stream")


def geocoder(*features):
    return json_reply({"type": "FeatureCollection", "features": list(features)})


def directory(codes=None, *, down=()):
    """Answer as Recherche d'entreprises does: one legal unit with every SIRET by département, or the one of a SIRET."""
    codes = {SIRET(n): "88.99B" for n in range(30)} if codes is None else codes

    def unit(sirets):
        own = [{"siret": siret, "activite_principale": codes[siret], "commune": None} for siret in sirets]
        return {"siren": sirets[0][:9], "activite_principale": None, "siege": {}, "matching_etablissements": own}

    def answer(request):
        siret, area = request.param("q"), request.param("departement")
        if area in down or siret in down:
            return Reply(503, "down")
        units = [unit([siret])] if siret in codes else []
        if area:
            units = [
                unit([code for code in codes if code[:9] == siren]) for siren in sorted({code[:9] for code in codes})
            ]
        return json_reply(
            {
                "results": units,
                "total_results": len(units),
                "page": 1,
                "per_page": 25,
                "total_pages": min(len(units), 1),
            }
        )

    return answer


def known(*rows):
    """Places of data.inclusion, by position of the record."""
    return open_file(*({"id": f"emplois-de-linclusion--id-{n:02d}"} | row for n, row in rows))


@pytest.fixture
def door(tmp_path):
    def at(server, **options):
        bases = dict.fromkeys(("datagouv", "geopf", "recherche_entreprises"), server.url)
        bases |= {"emplois": f"{server.url}/api/v1"}
        return Door(tmp_path / "cache", bases=bases, pace=QUICK, **options)

    return at


@pytest.fixture(scope="module")
def dole():
    """The commune of Dole alone: one département."""
    return load_territory("39198", buffer_km=0)


@pytest.fixture
def load(door, dole):
    """Ask for the structures of Dole's département; the server is left in `load.server`."""

    def run(rows, places=None, search=None, territory=None, codes=None):
        routes = {
            "/search": codes or directory(),
            SIAES: api(rows) if isinstance(rows, list) else rows,
            OPEN_FILE: places or open_file(),
            "/geocodage/search": search or geocoder(),
        }
        with serve(routes) as server:
            run.server = server
            [raw] = iae.LOADERS[0].around(door(server), entry("emplois_inclusion"), territory or dole)
        [(frame, _)] = pieces(iae.LAYOUT, raw.frame, Pile(), where=raw.label).values()
        run.raw, run.notes = raw, [note.en for note in raw.notes]
        return frame

    return run


def asked(server, path=SIAES):
    return [request for request in server.requests if request.path == path]


# ---------------------------------------------------------------- pages


def test_the_fields_are_those_of_the_producer():
    path = SAMPLES / "siae_page.json"
    if not path.is_file():
        pytest.skip(f"the answers are not beside the repository: {path}")
    page = json.loads(path.read_text(encoding="utf-8"))
    assert set(page) == {"count", "next", "previous", "results"}
    assert set(page["results"][0]) == set(RECORD)
    assert set(page["results"][0]["postes"][0]) == set(POSITION)


def test_the_sample_page_becomes_a_structure(load):
    path = SAMPLES / "siae_page.json"
    if not path.is_file():
        pytest.skip(f"the answers are not beside the repository: {path}")
    page = json.loads(path.read_text(encoding="utf-8"))
    frame = load(json_reply(page))
    assert frame.index.tolist() == [("12345678900011", "AI")]
    row = frame.iloc[0]
    assert (row["name"], row["brand"]) == ("ASSOCIATION INTERMEDIAIRE X", "X Services")
    assert (row["address"], row["post_code"], row["city"]) == ("1 rue de la Gare", "39100", "Dole")
    assert row["code_departement"] == "39"
    assert "postes" not in frame.columns


def test_pages_are_followed_by_number_on_the_same_server(load):
    frame = load(api(records(*[{}] * 7), size=3))
    assert len(frame) == 7
    pages = [dict(request.params) for request in asked(load.server)]
    assert [page["page"] for page in pages] == ["1", "2", "3"]
    assert {(page["departement"], page["page_size"]) for page in pages} == {("39", "100")}
    assert load.raw.departements == ("39",)


def test_every_departement_of_the_territory_is_asked(load, demo):
    rows = [RECORD, RECORD | {"id": "id-21", "departement": "21", "siret": SIRET(21), "code_postal": "21000"}]
    territory, _ = demo
    frame = load(rows, territory=territory)
    asked_for = sorted(dict(request.params)["departement"] for request in asked(load.server))
    assert asked_for == sorted(territory.communes["code_departement"].unique())
    assert load.raw.departements == ("21", "39")  # those whose answer was not empty
    assert len(frame) == 2


def test_a_departement_without_structure_is_unknown_and_told_but_none_at_all_is_an_error(load, demo):
    territory, _ = demo
    assert len(load([RECORD], territory=territory)) == 1
    assert load.raw.departements == ("39",)
    others = sorted({*territory.communes["code_departement"]} - {"39"})
    [note] = [note for note in load.raw.notes if "empty answer" in note.en]
    assert all(code in note.en and code in note.fr for code in others[:3])
    assert "inconnu, et non nul" in note.fr
    frame = load([RECORD])
    assert not any("empty answer" in note for note in load.notes)
    drawn = totals({"structures": frame}, _base.communes(), listed=("39",))
    assert drawn["siae"].dropna().index.tolist() == [("DEP", "39")]
    with pytest.raises(SourceFormatError, match="no structure at all in '39'"):
        load(json_reply({"count": 0, "next": None, "previous": None, "results": []}))


def test_where_the_answer_was_empty_nothing_is_covered(load):
    territory = load_territory("39198", buffer_km=12)
    areas = territory.communes["code_departement"]
    assert set(areas) == {"21", "39"}
    frame = load([RECORD | {"departement": "21"}], territory=territory)
    whole = Whole(frame, pd.Series(dtype="str"), (), (), load.raw.departements)
    tables = cut({"structures": whole}, territory, Pile(), "live")
    assert tables.covered("structures", areas.index).tolist() == areas.eq("21").tolist()
    assert any("does not cover département '39'" in note.en for note in tables.notes)
    assert any("ne couvre pas le département '39'" in note.fr for note in tables.notes)
    for told in (None, ("21", "39")):
        assert not cut({"structures": replace(whole, departements=told)}, territory, Pile(), "live").extents


def test_france_is_every_departement(door):
    base = _base.communes()
    departements = sorted(base.loc[base["epsg"].notna(), "code_departement"].unique())
    rows = [RECORD | {"id": code, "departement": code, "siret": f"{n:014d}"} for n, code in enumerate(departements)]
    with serve({SIAES: api(rows), OPEN_FILE: open_file(), "/search": directory(), "*": geocoder()}) as server:
        [raw] = iae.LOADERS[0].national(door(server), entry("emplois_inclusion"))
        assert sorted({dict(request.params)["departement"] for request in asked(server)}) == departements
        before = len(server.requests)
        [again] = iae.LOADERS[0].national(door(server), entry("emplois_inclusion"))
        assert len(server.requests) == before  # every page is kept
    assert len(departements) == 101
    assert {"971", "972", "973", "974", "976", "2A", "2B"} <= set(departements)
    assert raw.departements == tuple(departements)
    pd.testing.assert_frame_equal(raw.frame, again.frame)
    [(frame, _)] = pieces(iae.LAYOUT, raw.frame, Pile(), where="x").values()
    people = base[["population"]].astype("float64")
    drawn = totals({"population": people, "structures": frame}, base, listed=raw.departements)
    assert drawn.loc[("FR", "FR"), "siae"] == 101


def test_a_cut_is_resumed(door, dole):
    rows = records(*[{}] * 5)
    good = api(rows, size=2)
    down = {"yes": True}

    def answer(request):
        return Reply(503, "down") if down["yes"] and request.param("page") == "3" else good(request)

    with serve({SIAES: answer, OPEN_FILE: open_file(), "/search": directory(), "*": geocoder()}) as server:
        loader, source = iae.LOADERS[0], entry("emplois_inclusion")
        with pytest.raises(SourceUnavailableError, match="503"):
            list(loader.around(door(server), source, dole))
        down["yes"] = False
        [raw] = loader.around(door(server), source, dole)
        assert [request.param("page") for request in asked(server)] == ["1", "2", "3", "3"]
    assert len(raw.frame) == 5


def test_pages_of_two_days_that_do_not_fit_are_asked_again(door, dole):
    rows = records(*[{}] * 3)
    state = {"rows": rows, "down": True}

    def answer(request):
        if state["down"] and request.param("page") == "2":
            return Reply(503, "down")
        return api(state["rows"], size=2)(request)

    with serve({SIAES: answer, OPEN_FILE: open_file(), "/search": directory(), "*": geocoder()}) as server:
        loader, source = iae.LOADERS[0], entry("emplois_inclusion")
        with pytest.raises(SourceUnavailableError):
            list(loader.around(door(server), source, dole))
        state |= {"rows": records(*[{}] * 4), "down": False}  # one more since page 1 was kept
        [raw] = loader.around(door(server), source, dole)
    assert len(raw.frame) == 4


def page(*rows, **changes):
    return json_reply({"count": len(rows), "next": None, "previous": None, "results": list(rows)} | changes)


def without(name):
    return {key: value for key, value in RECORD.items() if key != name}


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (json_reply(["Les paramètres sont obligatoires"], status=400), SourceUnavailableError, "400.*obligatoires"),
        (json_reply(["Les paramètres sont obligatoires"]), SourceFormatError, "no count, results and next"),
        (json_reply({"results": [RECORD]}), SourceFormatError, "no count, results and next"),
        (page(RECORD, count="1"), SourceFormatError, "no count"),
        (page(RECORD, count=2), SourceFormatError, "1 structures came where 2 are told"),
        (page(RECORD, count=0), SourceFormatError, "1 structures came where 0 are told"),
        (page(count=3, next="http://x/?page=2"), SourceFormatError, "0 structures came where 3"),
        (page(RECORD, count=3, next="http://x/?cursor=abc"), SourceFormatError, "next page is said to be"),
        (page(RECORD, count=3, next="http://x/?page=1"), SourceFormatError, "next page is said to be"),
        (page(without("siret")), SourceFormatError, "has no siret"),
        (page(without("type")), SourceFormatError, "has no type"),
        (page(without("departement")), SourceFormatError, "has no departement"),
        (page("ACI"), SourceFormatError, "has no id, siret"),
        (page(RECORD | {"siret": "3396593360001"}), SourceFormatError, "has the SIRET '3396593360001'"),
        (page(RECORD | {"siret": 33965933600012.0}), SourceFormatError, "has the SIRET"),
        (page(RECORD | {"type": None}), SourceFormatError, "the type ''"),
        (page(RECORD | {"departement": "21"}), SourceFormatError, "is of '21': the filter was not followed"),
        (page(RECORD, RECORD), SourceFormatError, "'id-00' stands on two pages"),
        (page(RECORD | {"type": "OPCS"}), SourceFormatError, "none of the types 'OPCS' is known"),
        (Reply(body="<!doctype html><p>maintenance", content_type="text/html"), SourceFormatError, "html"),
        (Reply(body='{"count": 1, "resu', content_type="application/json"), SourceFormatError, "JSON"),
    ],
)
def test_another_answer_is_refused(load, tmp_path, answer, error, words):
    with pytest.raises(error, match=re.compile(words, re.DOTALL)) as caught:
        load(answer)
    assert "https://emplois.inclusion" in str(caught.value)
    kept = list((tmp_path / "cache").glob("objects/*"))
    assert len(kept) == (1 if "two pages" in words or "types" in words else 0)


def test_the_same_page_again_and_again_ends(load):
    with pytest.raises(SourceFormatError, match=r"stands on two pages|came where"):
        load(lambda request: page(RECORD, count=3, next=f"http://x/?page={int(request.param('page')) + 1}"))
    assert len(asked(load.server)) < 10


# ---------------------------------------------------------------- kinds and keys


def test_kinds_are_kept_and_the_others_counted(load):
    kinds = ["ACI", "AI", "EI", "EITI", "ETTI", "GEIQ", "EA", "EATT", "aci", "OPCS", "OPCS", "NEW"]
    frame = load(records(*({"type": kind} for kind in kinds)))
    found = frame.index.get_level_values("kind").value_counts().to_dict()
    assert found == {"ACI": 2, "AI": 1, "EI": 1, "EITI": 1, "ETTI": 1, "GEIQ": 1, "EA": 2}
    assert "left out: NEW 1, OPCS 2." in " ".join(load.notes)


def test_a_siret_with_two_kinds_is_two_structures(load):
    frame = load(records({"siret": SIRET(1), "type": "ACI"}, {"siret": SIRET(1), "type": "EI"}))
    assert frame.index.tolist() == [(SIRET(1), "ACI"), (SIRET(1), "EI")]


def test_of_one_siret_and_kind_the_last_updated_is_kept_and_told(load):
    frame = load(
        records(
            {"siret": SIRET(1), "mis_a_jour_le": "2026-05-02T00:30:00+02:00", "raison_sociale": "LAST"},
            {"siret": SIRET(1), "mis_a_jour_le": "2026-05-01T23:00:00+01:00", "raison_sociale": "EARLIER"},
            {"siret": SIRET(1), "mis_a_jour_le": None, "raison_sociale": "NO DATE"},
        )
    )
    assert frame["name"].tolist() == ["LAST"]
    assert f"2 records repeat a SIRET and kind ('{SIRET(1)}')" in " ".join(load.notes)


def test_a_structure_of_two_departements_counts_once(load, demo):
    territory, _ = demo
    rows = [RECORD, RECORD | {"departement": "21", "mis_a_jour_le": "2020-01-01T00:00:00+01:00"}]
    frame = load(rows, territory=territory)
    assert frame["code_departement"].tolist() == ["39"]


def test_an_ai_absent_from_the_networks_keeps_its_kind_and_place(load):
    """data.inclusion says nothing of its network: the kind comes from the API, the place from data.inclusion."""
    frame = load([RECORD], known((0, {"longitude": 5.48, "latitude": 47.08, "reseaux_porteurs": None})))
    assert frame.index.tolist() == [(SIRET(0), "AI")]
    assert frame[["lon", "lat", "code_commune"]].iloc[0].tolist() == [5.48, 47.08, "39198"]


# ---------------------------------------------------------------- places


def test_by_id_then_by_siret_then_by_address(load, dole):
    rows = records({}, {}, {}, {"addresse_ligne_1": ""})
    places = known(
        (0, {"longitude": 5.48, "siret": SIRET(3)}),
        (77, {"longitude": 5.47, "source": "dora", "id": "dora--1", "siret": SIRET(1)}),
    )
    frame = load(rows, places, geocoder(HIT))
    assert frame["lon"].tolist()[:3] == [5.48, 5.47, 5.49]
    assert frame["geocoding_score"].fillna(-1).tolist() == [-1, -1, 0.97, -1]
    # The SIRET of the fourth is that of another structure of data.inclusion.
    assert frame["lon"].iloc[3] == 5.48
    cut, lost = cut_to("structures", frame, dole)
    assert len(cut) == 4
    assert lost.empty
    whence = "Place of the 4 structures: 3 from data.inclusion, 1 from the geocoder"
    assert any(note.startswith(whence) for note in load.notes)


def test_records_of_the_platform_count_before_the_others(load):
    places = known(
        (50, {"siret": SIRET(0), "longitude": 5.41}),
        (51, {"siret": SIRET(0), "longitude": 5.60, "source": "dora", "id": "dora--1"}),
    )
    assert load([RECORD], places)["lon"].tolist() == [5.41]


def test_several_points_for_a_siret_give_none_and_are_told(load):
    places = known(
        (50, {"siret": SIRET(0), "longitude": 5.41, "source": "dora", "id": "dora--1"}),
        (51, {"siret": SIRET(0), "longitude": 5.60, "source": "x", "id": "x--1"}),
        (52, {"siret": SIRET(1), "longitude": 5.410, "source": "dora", "id": "dora--2"}),
        (53, {"siret": SIRET(1), "longitude": 5.412, "source": "x", "id": "x--2"}),
    )
    frame = load(records({}, {}), places)
    assert frame["lon"].isna().tolist() == [True, False]
    assert f"1 SIRET have several places in data.inclusion ('{SIRET(0)}')" in " ".join(load.notes)


def test_a_siret_is_not_looked_at_when_the_id_is_known(load):
    places = known(
        (0, {"longitude": 5.48}),
        (50, {"siret": SIRET(0), "longitude": 5.41, "source": "dora", "id": "dora--1"}),
        (51, {"siret": SIRET(0), "longitude": 5.60, "source": "x", "id": "x--1"}),
    )
    assert load([RECORD], places)["lon"].tolist() == [5.48]
    assert "several places" not in " ".join(load.notes)


def test_the_point_of_a_head_office_elsewhere_is_not_taken(load):
    places = known((50, {"siret": SIRET(0), "code_insee": "75056", "longitude": 2.35, "latitude": 48.85}))
    assert load([RECORD], places)["lon"].isna().all()


def test_a_record_without_point_still_gives_its_commune(load, dole):
    frame = load([RECORD], known((0, {"longitude": None, "latitude": None})), geocoder())
    assert frame["code_commune"].tolist() == ["39198"]
    assert frame["lon"].isna().all()
    assert len(cut_to("structures", frame, dole)[0]) == 1


def test_the_geocoder_does_not_contradict_the_commune(load):
    far = HIT | {"properties": HIT["properties"] | {"citycode": "39300"}}
    frame = load([RECORD], known((0, {"longitude": None, "latitude": None})), geocoder(far))
    assert frame["code_commune"].tolist() == ["39198"]
    assert frame["lon"].isna().all()


def test_a_low_score_leaves_the_place_to_the_post_code_and_city(load, dole):
    low = HIT | {"properties": HIT["properties"] | {"score": 0.31}}
    frame = load([RECORD], None, geocoder(low))
    assert frame[["lon", "lat", "geocoding_score"]].isna().all(axis=None)
    cut, _ = cut_to("structures", frame, dole)
    assert cut["code_commune"].tolist() == ["39198"]


def test_an_arrondissement_becomes_its_commune(load):
    paris = RECORD | {"departement": "75", "code_postal": "75015", "ville": "Paris"}
    hit = HIT | {"properties": {"score": 0.52, "postcode": "75015", "citycode": "75115", "city": "Paris"}}
    hit |= {"geometry": {"type": "Point", "coordinates": [2.316754, 48.838411]}}
    territory = load_territory("75056", buffer_km=0)
    frame = load([paris], None, geocoder(hit), territory)
    assert frame[["code_commune", "geocoding_score"]].iloc[0].tolist() == ["75056", 0.52]
    assert cut_to("structures", frame, territory)[0].index.tolist() == [(SIRET(0), "AI")]


def test_without_data_inclusion_the_geocoder_and_the_commune_remain(load, dole):
    with pytest.warns(TerritoireGeoWarning, match="503"):
        frame = load(records({}, {"addresse_ligne_1": ""}), Reply(503, "down"), geocoder(HIT))
    assert frame["lon"].notna().tolist() == [True, False]
    assert "data.inclusion cannot be read" in " ".join(load.notes)
    assert len(cut_to("structures", frame, dole)[0]) == 2


def test_with_neither_the_structures_are_in_their_commune(load, dole):
    with pytest.warns(TerritoireGeoWarning) as told:
        frame = load([RECORD], Reply(body="<html>", content_type="text/html"), Reply(503, "down"))
    assert len(told) == 2
    assert frame["lon"].isna().all()
    assert "The geocoder did not answer for 1 addresses" in " ".join(load.notes)
    assert len(cut_to("structures", frame, dole)[0]) == 1


def test_offline_all_comes_from_the_cache(door, dole):
    loader, source = iae.LOADERS[0], entry("emplois_inclusion")
    with serve({SIAES: api([RECORD]), OPEN_FILE: open_file(), "/search": directory(), "*": geocoder(HIT)}) as server:
        [live] = loader.around(door(server), source, dole)
        here = door(server, offline=True)
    [kept] = loader.around(here, source, dole)
    pd.testing.assert_frame_equal(live.frame, kept.frame)
    with pytest.raises(SourceUnavailableError, match="offline"):
        list(loader.around(here, source, load_territory("21231", buffer_km=0)))


def test_the_whole_path_cites_and_tells(door, dole):
    with serve({SIAES: api([RECORD]), OPEN_FILE: open_file(), "/search": directory(), "*": geocoder(HIT)}) as server:
        pile = bring(iae.LOADERS[0], lambda loader, source: loader.around(door(server), source, dole))
    [piece] = pile.pieces["structures"]
    assert piece.departements == ("39",)
    cited = "Les emplois de l'inclusion, Structures de l'insertion par l'activité économique, liste du "
    assert piece.sources[0].cite().startswith(cited)
    told = " ".join(note.fr for note in pile.notes)
    assert "convention a pris fin" in told
    assert "1 par le géocodeur de l'IGN (score d'au moins 0,5)" in told


# ---------------------------------------------------------------- activities


def test_each_structure_has_the_activity_of_its_establishment(load):
    rows = records({}, {"type": "ACI"}, {"siret": SIRET(1), "type": "EI"})
    frame = load(rows, codes=directory({SIRET(0): "88.10A", SIRET(1): "81.21Z"}))
    assert frame["naf"].to_dict() == {
        (SIRET(0), "AI"): "88.10A", (SIRET(1), "ACI"): "81.21Z", (SIRET(1), "EI"): "81.21Z",
    }  # fmt: skip
    told = re.compile(
        r"Activity \(NAF\) of 3 structures: API Recherche d'entreprises, répertoire Sirene du \d\d/\d\d/\d{4}"
    )
    assert any(told.match(note) for note in load.notes)
    assert "unknown" not in " ".join(load.notes)


def test_an_unknown_activity_stays_blank_and_is_counted(load):
    codes = {SIRET(n): "88.99B" for n in range(11)} | {SIRET(8): "85.59G", SIRET(9): "88.99B"}
    frame = load(records(*[{"type": "ACI"}] * 11), codes=directory(codes))
    assert frame["naf"].eq("").sum() == 1
    assert "Activity (NAF) unknown for 1 structures: 0 without an answer" in " ".join(load.notes)
    assert "1 of another classification than NAF rév. 2, 0 without a code in Sirene" in " ".join(load.notes)


def test_without_the_directory_structures_are_kept_and_the_column_is_left_out(load, dole):
    with pytest.warns(TerritoireGeoWarning, match="503"):
        frame = load(records({}, {"type": "ACI"}), codes=Reply(503, "down"))
    assert len(cut_to("structures", frame, dole)[0]) == 2
    assert "naf" not in frame.columns
    told = " ".join(load.notes)
    assert "Activity (NAF) unknown for 2 structures" in told
    assert "The NAF codes of the 0 other structures are not used" in told
    assert "Activité (NAF) inconnue pour 2 structures" in " ".join(note.fr for note in load.raw.notes)


def test_too_few_activities_are_not_used(load):
    frame = load(records({"type": "ACI"}, {"type": "ACI"}, {"type": "AI"}), codes=directory({SIRET(0): "88.10A"}))
    assert "naf" not in frame.columns
    told = "The NAF codes of the 1 other structures are not used: the number of those that help at home is unknown."
    assert load.notes[-1] == told


def test_a_departement_that_stays_silent_leaves_the_column_out(load, demo):
    territory, _ = demo
    far = SIRET(21).replace("339659336", "552100554")
    rows = [*records(*[{"type": "ACI"}] * 20), RECORD | {"id": "21", "departement": "21", "siret": far, "type": "EI"}]
    codes = {SIRET(n): "88.10A" for n in range(20)}
    frame = load(rows, territory=territory, codes=directory(codes))
    assert frame["naf"].eq("").sum() == 1  # the directory has no such establishment: it was asked
    with pytest.warns(TerritoireGeoWarning, match="503"):
        frame = load(rows, territory=territory, codes=directory(codes, down=("21", far)))
    assert "naf" not in frame.columns


def test_totals_of_home_help_are_drawn_only_when_activities_are_known(load):
    base = _base.communes()
    people = base[["population"]].astype("float64")
    rows = records({}, {"type": "ACI"}, {"type": "ACI"})

    def jura():
        drawn = totals({"population": people, "structures": frame}, base, listed=load.raw.departements)
        return drawn.loc[("DEP", "39")].get("siae_aide_domicile", float("nan"))

    frame = load(rows, codes=directory({SIRET(0): "94.99Z", SIRET(1): "88.10A", SIRET(2): "38.32Z"}))
    assert jura() == 2  # an AI, and an ACI by its activity
    with pytest.warns(TerritoireGeoWarning, match="503"):
        frame = load(rows, codes=Reply(503, "down"))
    assert pd.isna(jura())


# ---------------------------------------------------------------- what is never kept


def test_no_e_mail_nor_telephone_number_survives(load):
    rows = records(
        {"raison_sociale": "X marie.martin@example.net", "enseigne": "Tél : 03.84.00.00.00"},
        {"site_web": "mailto:marie.martin@example.net", "addresse_ligne_1": "1 rue de la Gare 0384000000"},
        {"site_web": "https://x.example/?to=marie.martin%40example.net", "ville": "Dole +33 6 01 02 03 04"},
        {"site_web": "x.example", "raison_sociale": "marie.martin@example.net", "enseigne": "Y"},
    )
    frame = load(rows)
    assert set(frame.columns) == {
        "name", "brand", "address", "post_code", "city", "website", "code_departement", "lon", "lat",
        "geocoding_score", "code_commune", "naf",
    }  # fmt: skip
    for table in (frame, load.raw.frame[["siret", "type"]]):
        assert "@" not in table.to_csv()
    words = frame.reset_index(drop=True).to_csv().lower()
    for trace in ("marie", "martin", "@", "%40", "0384000000", "03.84", "01 02 03", "0300000000", "06 01"):
        assert trace not in words
    assert frame["website"].fillna("").tolist() == ["https://x.example/", "", "", ""]
    assert frame["name"].tolist() == ["X", RECORD["raison_sociale"], RECORD["raison_sociale"], "Y"]
    assert not {"courriel", "telephone", "description", "postes"} & set(load.raw.frame.columns)
    questions = [dict(request.params)["q"] for request in asked(load.server, "/geocodage/search")]
    assert questions[0] == "1 rue de la Gare Dole"
    assert not any("0384" in question or "@" in question for question in questions)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Jura Service", "Jura Service"),
        ("ZI des Épenottes, 39100 Dole", "ZI des Épenottes, 39100 Dole"),
        ("12 bis rue du 8 mai 1945", "12 bis rue du 8 mai 1945"),
        ("SIRET 33965933600012", "SIRET 33965933600012"),
        ("TELMA Services", "TELMA Services"),
        ("Régie (tél. 0384000000)", "Régie"),
        ("00 33 3 84 00 00 00", ""),
        ("+33 (0)3 84 00 00 00", ""),
        ("+262 262 12 34 56", ""),
        ("marie . martin @ example.net", "marie"),
    ],
)
def test_contacts_are_removed_and_nothing_else(text, left):
    cleaned = without_contacts(pd.Series([text], dtype="str")).iloc[0]
    assert cleaned.startswith(left) if "@" in text else cleaned == left
    assert "@" not in cleaned


def test_links_are_web_sites():
    texts = pd.Series(["HTTPS://x.example", " http://x.example/a ", "ftp://x", "tel:0384000000", "http://x/0384000000"])
    assert links(texts).tolist() == ["HTTPS://x.example", "http://x.example/a", "", "", ""]


# ---------------------------------------------------------------- the list published in December 2020


@pytest.fixture(scope="module")
def list_2020(published):
    [(_, raw)] = read_texts(published / "siae" / "siae_itou_2020-12.csv")
    assert iae_list.LAYOUT.recognise(frozenset(raw.columns))
    assert not iae.LAYOUT.recognise(frozenset(raw.columns))
    [(frame, _)] = pieces(iae_list.LAYOUT, raw, Pile(), where="2020").values()
    return frame


def test_the_list_of_2020_keeps_every_kind(list_2020):
    kinds = list_2020.index.get_level_values("kind").value_counts().to_dict()
    assert kinds == {"ACI": 1815, "EI": 944, "AI": 620, "ETTI": 299, "GEIQ": 172, "EA": 3}
    assert len(list_2020) == 3853
    assert sum(count for kind, count in kinds.items() if kind in SIAE_KINDS) == 3678


def test_the_list_of_2020_keeps_the_shared_sirets(list_2020):
    sirets = list_2020.index.get_level_values("siret")
    assert sirets.nunique() == 3841
    assert sirets.duplicated().sum() == 12


def test_the_list_of_2020_says_where_it_does_not_know(list_2020):
    assert list_2020["lon"].isna().sum() == 33
    assert list_2020["lat"].isna().sum() == 33
    assert list_2020["geocoding_score"].isna().sum() == 32


@pytest.mark.parametrize(
    ("departement", "count"), [("39", 25), ("79", 32), ("35", 57), ("38", 71), ("27", 24), ("91", 35), ("59", 192)]
)
def test_the_list_of_2020_by_departement(list_2020, departement, count):
    assert list_2020["code_departement"].eq(departement).sum() == count
