"""Recherche d'entreprises: what is asked, whose activity is believed, and what stays unknown."""

import re

import pandas as pd
import pytest

from _loopback import Reply, json_reply, serve
from territoire_geo.loaders import recherche_entreprises as module
from territoire_geo.loaders._cache import records
from territoire_geo.loaders._calls import Pace
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders.recherche_entreprises import CAP, PAGE, naf_of

QUICK = Pace(attempts=1, backoff=0.01, connect=2, read=2, deadline=10)
SOURCE = entry("recherche_entreprises")
SIREN = "339659336"
HEAD, BRANCH, OTHER = (f"{SIREN}000{n}" for n in (12, 20, 38))


def place(siret, code="88.10A", commune="39198"):
    """Write an establishment as the service does, among other fields."""
    return {"siret": siret, "activite_principale": code, "commune": commune, "etat_administratif": "A"}


def unit(*establishments, code="94.99Z", siren=SIREN, head=None):
    return {
        "siren": siren, "nom_complet": "JURA SERVICES", "activite_principale": code,
        "activite_principale_naf25": "94.99Y", "etat_administratif": "A",
        "siege": head or {}, "matching_etablissements": list(establishments),
    }  # fmt: skip


def page(*units, total=None, **changes):
    total = len(units) if total is None else total
    counts = {"total_results": total, "page": 1, "per_page": PAGE, "total_pages": -(-total // PAGE)}
    return {"results": list(units)} | counts | changes


def service(areas, sirets=None):
    """Answer for départements (a list of pages, or a reply) and for SIRETs; an unknown SIRET has an empty answer."""

    def answer(request):
        siret, number = request.param("q"), int(request.param("page"))
        if siret:
            found = (sirets or {}).get(siret, page())
        else:
            pages = areas[request.param("departement")]
            found = pages[number - 1] if isinstance(pages, list) else pages
        return found if isinstance(found, Reply) else json_reply(found)

    return answer


@pytest.fixture
def door(tmp_path):
    def at(server, **options):
        return Door(tmp_path / "cache", bases={"recherche_entreprises": server.url}, pace=QUICK, **options)

    return at


@pytest.fixture
def find(door):
    """Ask for the activity of SIRETs of the Jura; the requests are left in `find.asked`."""

    def run(sirets, area, singly=None, departements=("39",)):
        areas = {"39": area} if departements == ("39",) else area
        with serve({"/search": service(areas, singly)}) as server:
            found = naf_of(door(server), pd.Index(sirets, dtype="str"), departements)
            run.asked = [dict(request.params) for request in server.requests]
        assert found.naf.index.tolist() == list(dict.fromkeys(sirets))
        return found

    return run


# ---------------------------------------------------------------- what is asked


def test_siae_of_a_departement_are_asked_for_what_is_read_only(find):
    find([HEAD], page(unit(place(HEAD))))
    assert find.asked == [
        {
            "departement": "39", "est_siae": "true", "minimal": "true", "include": "siege,matching_etablissements",
            "limite_matching_etablissements": "100", "per_page": "25", "page": "1",
        }
    ]  # fmt: skip


def test_pages_are_followed_to_the_last(find):
    sirens = [f"{n:09d}" for n in range(60)]
    units = [unit(place(f"{siren}00011"), siren=siren) for siren in sirens]
    pages = [page(*units[n : n + 25], total=60, page=n // 25 + 1) for n in (0, 25, 50)]
    found = find([f"{siren}00011" for siren in sirens], pages)
    assert [request["page"] for request in find.asked] == ["1", "2", "3"]
    assert found.naf.eq("88.10A").all()


def test_what_pages_lose_is_asked_alone(find):
    lost = "10000000000011"
    found = find([HEAD, lost], page(unit(place(HEAD))), {lost: page(unit(place(lost, "38.32Z"), siren=lost[:9]))})
    assert found.naf.tolist() == ["88.10A", "38.32Z"]
    assert find.asked[1]["q"] == lost
    assert not {"departement", "est_siae"} & set(find.asked[1])


def test_at_most_so_many_are_asked_alone_and_those_quite_unknown_first(find, monkeypatch):
    monkeypatch.setattr(module, "SINGLY", 2)
    strange = [f"{n:09d}00011" for n in range(3)]
    found = find([BRANCH, *strange, HEAD], page(unit(place(HEAD))))
    assert [request["q"] for request in find.asked[1:]] == strange[:2]
    assert found.unasked == {strange[2]}
    assert found.naf[BRANCH] == "94.99Z"  # known by its legal unit


def test_a_siret_of_two_kinds_is_asked_once(find):
    assert find([BRANCH, BRANCH], page(unit(place(HEAD)))).naf.tolist() == ["94.99Z"]
    assert len(find.asked) == 2


def test_nothing_is_asked_for_nothing(find):
    assert find([], page()).naf.empty
    assert find.asked == []


# ---------------------------------------------------------------- whose activity


def test_the_establishment_counts_before_its_legal_unit(find):
    found = find([HEAD, BRANCH], page(unit(place(BRANCH, "81.21Z"), head=place(HEAD, "88.10A"))))
    assert found.naf.to_dict() == {HEAD: "88.10A", BRANCH: "81.21Z"}
    assert not found.by_unit.any()


def test_without_the_establishment_its_legal_unit_stands_in_and_is_flagged(find):
    found = find([HEAD, OTHER], page(unit(place(HEAD, "88.10A"))))
    assert found.naf[OTHER] == "94.99Z"
    assert found.by_unit.to_dict() == {HEAD: False, OTHER: True}
    assert find.asked[-1]["q"] == OTHER  # after it was asked alone


@pytest.mark.parametrize("code", [None, "", "00.00Z", "85.3K", "88.10Y", "85.59G", "8810A", "NN"])
def test_only_codes_of_naf_rev_2_are_used(find, code):
    found = find([HEAD], page(unit(place(HEAD, code), code=code)))
    assert found.naf.tolist() == [""]
    assert not found.by_unit.any()
    assert found.other == ({HEAD} if code else set())
    assert not found.unanswered | found.unasked


@pytest.mark.parametrize("code", ["88.10A", "86.90F", "96.09Z", "10.71D", "81.21z"])
def test_codes_of_naf_rev_2_are_used(find, code):
    assert find([HEAD], page(unit(place(HEAD, code)))).naf.tolist() == [code.upper()]


def test_a_siret_that_the_directory_does_not_show_is_unknown(find):
    stranger = "10000000000011"
    found = find([stranger], page(unit(place(HEAD))))
    assert found.naf.tolist() == [""]
    assert not found.unanswered | found.unasked | found.other
    assert found.failure == ""


# ---------------------------------------------------------------- failures


def test_what_came_before_a_failure_is_given(find):
    sirens = [f"{n:09d}" for n in range(30)]
    units = [unit(place(f"{siren}00011"), siren=siren) for siren in sirens]
    pages = [page(*units[:25], total=30), Reply(503, "down")]
    alone = {f"{siren}00011": page(unit(place(f"{siren}00011"), siren=siren)) for siren in sirens}
    assert find([f"{siren}00011" for siren in sirens], pages, alone).naf.eq("88.10A").all()
    assert len(find.asked) == 7


def test_the_service_is_left_alone_after_two_failures(find):
    sirets = [f"{n:09d}00011" for n in range(5)]
    down = dict.fromkeys(("21", "39", "70"), Reply(503, "down"))
    found = find(sirets, down, departements=("21", "39", "70"))
    assert len(find.asked) == 2
    assert found.unanswered == set(sirets)
    assert "503" in found.failure


def test_two_failures_far_apart_do_not_stop_it(find):
    areas = {"21": Reply(503, "down"), "39": page(unit(place(HEAD))), "70": Reply(503, "down"), "71": page()}
    areas["71"] = page(unit(place("10000000000011", commune="71076"), siren="100000000"))
    found = find([HEAD, "10000000000011"], areas, departements=tuple(areas))
    assert len(find.asked) == 4
    assert found.naf.ne("").all()


def test_copies_are_used_offline_and_what_is_not_there_is_unanswered(door):
    with serve({"/search": service({"39": page(unit(place(HEAD)))})}) as server:
        live = naf_of(door(server), pd.Index([HEAD]), ["39"])
        here = door(server, offline=True)
    again = naf_of(here, pd.Index([HEAD, "10000000000011"]), ["39"])
    assert again.naf[HEAD] == live.naf[HEAD] == "88.10A"
    assert again.unanswered == {"10000000000011"}
    assert "offline" in again.failure
    assert again.fetched == live.fetched


def test_an_old_copy_is_used_and_counted_when_the_service_is_down(door, monkeypatch):
    with serve({"/search": service({"39": page(unit(place(HEAD)))})}) as server:
        naf_of(door(server), pd.Index([HEAD]), ["39"])
        monkeypatch.setattr("territoire_geo.loaders._fetch._is_fresh", lambda _call, _record: False)
        server.routes["/search"] = Reply(503, "down")
        found = naf_of(door(server), pd.Index([HEAD]), ["39"])
    assert found.naf.tolist() == ["88.10A"]
    assert found.stale == 1


def without(name, row):
    return {key: value for key, value in row.items() if key != name}


GOOD = unit(place(HEAD))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"erreur": "Veuillez indiquer au moins un paramètre."}, "no results, total_results"),
        ([GOOD], "no results"),
        (without("total_pages", page(GOOD)), "no results, total_results, page, per_page, total_pages"),
        (page(GOOD, page=2), "page 2 of 1"),
        (page(GOOD, per_page=10), "10 by page"),
        (page(GOOD, total_pages=7), "page 1 of 7"),
        (page(*[GOOD] * 26), "26 legal units of 26"),
        (page(total=3), "the filters were not followed"),
        (page(GOOD, total=CAP), "the filters were not followed"),
        (page(unit(place(HEAD, commune="21231"))), "of other départements"),
        (page(), "not a single SIAE"),
        (page("x"), "a legal unit has no siren"),
        (page(without("activite_principale", GOOD)), "a legal unit has no activite_principale"),
        (page(without("siege", GOOD)), "a legal unit has no siege"),
        (page(without("matching_etablissements", GOOD)), "has no matching_etablissements"),
        (page(GOOD | {"siren": 339659336}), None),
        (page(GOOD | {"siren": "33965933"}), "has the SIREN '33965933'"),
        (page(GOOD | {"matching_etablissements": None}), "not a list"),
        (page(unit(without("activite_principale", place(HEAD)))), "no siret, or no activite_principale"),
        (page(unit(place("10000000000011"))), "has an establishment '10000000000011'"),
        (page(GOOD | {"siege": "x"}), "no siret, or no activite_principale"),
    ],
)
def test_another_answer_is_refused_and_not_kept(find, tmp_path, body, words):
    found = find([HEAD], body, {HEAD: page(GOOD)})
    assert found.naf.tolist() == ["88.10A"]  # asked alone
    if words is None:
        assert len(find.asked) == 1
        return
    assert re.search(words, found.failure)
    assert SOURCE.landing_page in found.failure
    assert len(records(tmp_path / "cache", SOURCE.id)) == 1


def test_a_departement_without_siae_is_no_failure_of_the_service(find):
    areas = {"971": page(), "972": page(), "39": page(GOOD)}
    assert find([HEAD], areas, departements=tuple(areas)).naf.tolist() == ["88.10A"]


def test_an_answer_on_another_legal_unit_is_refused(find):
    found = find(["10000000000011"], page(GOOD), {"10000000000011": page(GOOD)})
    assert found.naf.tolist() == [""]
    assert "is of 339659336: the question was not followed" in found.failure
    assert found.unanswered == {"10000000000011"}
