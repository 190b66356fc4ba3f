"""Sessions merged in any order, nothing lost, nothing settled; crafted or broken files refused with a reason."""

import json
import warnings
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from _diagnostic_factory import make_diagnostic
from territoire_geo import TerritoireGeoWarning, diagnose
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TerritoireGeoError
from territoire_geo.exchange._sessions import read_sessions, write_session
from territoire_geo.sessions import SAID, TEXTS, NoteVersion, WeightsVersion, debated, gather, instant, merge


def note(id_="a", **changed):
    properties = {
        "id": id_, "code_commune": "39009", "nom_commune": "Commune", "theme": "mobility", "college": "Élus",
        "statut": "accord", "texte": "Bonjour", "cree": "2026-11-23T10:00:00Z", "modifie": None,
    }  # fmt: skip
    point = {"type": "Point", "coordinates": [5.5, 47.1]}
    return {"type": "Feature", "geometry": point, "properties": properties | changed}


def session(*notes, **head):
    head = {"format": 1, "territoire": "Pays d'essai", "code": "200010650", "poids": {}} | head
    return {"type": "FeatureCollection", "features": list(notes), "territoire_geo": head}


def put(folder, **contents):
    """Write files, as JSON, text or bytes."""
    for name, content in contents.items():
        told = content if isinstance(content, bytes | str) else json.dumps(content)
        (folder / f"{name}.geojson").write_bytes(told if isinstance(told, bytes) else told.encode())
    return folder


def told(sessions, *, provenance=True):
    """Say all of a session, as values that compare."""
    notes = sessions.notes.to_wkt().astype("object").fillna("?").reset_index()
    conflicts = sessions.conflicts.to_wkt().astype({"geometry": "object"})
    conflicts["weights"] = conflicts["weights"].map(lambda one: one if isinstance(one, float) else sorted(one.items()))
    conflicts = conflicts.astype("object").where(conflicts.notna(), "?")
    who = [sessions.files, dict(sessions.origins), sessions.refused.to_numpy().tolist(), conflicts["files"].tolist()]
    return [
        notes.to_dict("records"),
        {college: list(given.items()) for college, given in sessions.weights.items()},
        conflicts.drop(columns="files").to_dict("records"),
        sessions.territories,
        who if provenance else None,
    ]


# Merging

NAMES = st.sampled_from(["Élus", "SIAE", ""])
MOMENTS = st.sampled_from(
    [None, "2026-11-23T10:00:00Z", "2026-11-23T11:00:00+01:00", "2026-11-23T10:00:00.001Z", "2025-01-01T00:00Z"]
)
POINTS = st.sampled_from([None, (5.5, 47.1), (5.4, 47.1)])
VERSIONS = st.builds(
    NoteVersion,
    id=st.sampled_from("abcA"),
    code_commune=st.sampled_from(["39009", "39198"]),
    nom_commune=st.sampled_from(["", "Dole", "Authume"]),
    theme=st.sampled_from(["mobility", "general"]),
    college=NAMES,
    statut=st.sampled_from(["accord", "conteste"]),
    texte=st.sampled_from(["Bonjour", "Bonsoir"]),
    cree=MOMENTS,
    modifie=MOMENTS,
    point=POINTS,
)
WEIGHTS = st.builds(
    WeightsVersion,
    college=NAMES.filter(bool),
    weights=st.dictionaries(st.sampled_from(["mobility", "ageing", "childcare"]), st.integers(0, 4), min_size=1),
)


@st.composite
def twenty(draw):
    """Draw twenty sessions."""
    found = []
    for rank in range(20):
        name = (f"{rank}.geojson",)
        notes = [NoteVersion(**{**vars(one), "files": name}) for one in draw(st.lists(VERSIONS, max_size=3))]
        weights = [WeightsVersion(one.college, one.weights, name) for one in draw(st.lists(WEIGHTS, max_size=1))]
        found.append((notes, weights, name))
    return found


@settings(max_examples=20, deadline=None)
@given(twenty(), st.randoms(use_true_random=False))
def test_twenty_sessions_merge_alike_in_any_order_and_grouping(drawn, random):
    parts = [gather(notes, weights, files=files) for notes, weights, files in drawn]
    whole = merge(parts)
    shuffled = random.sample(parts, len(parts))
    assert told(merge(shuffled)) == told(whole)
    cut = random.randrange(1, 19)
    assert told(merge([merge(shuffled[:cut]), merge([*shuffled[cut:], shuffled[0]])])) == told(whole)
    assert told(merge([whole, whole])) == told(merge([whole])) == told(whole)
    nothing_lost(drawn, whole)


def nothing_lost(drawn, whole):
    given_notes = list(chain.from_iterable(notes for notes, _, _ in drawn))
    disputed = whole.conflicts[whole.conflicts["kind"] == "note"].set_index("key")
    rows = pd.concat([whole.notes[list(TEXTS)], disputed[list(TEXTS)]])
    held = {(id_, *(row[name] for name in SAID)): row for id_, row in rows.iterrows()}
    assert len(held) == len(rows)  # each version once
    assert set(held) == {(one.id, *(getattr(one, name) for name in SAID)) for one in given_notes}
    assert not set(whole.notes.index) & set(disputed.index)
    assert disputed.index.value_counts().ge(2).all()
    for key, row in held.items():
        alike = [one for one in given_notes if (one.id, *(getattr(one, name) for name in SAID)) == key]
        created = [instant(one.cree) for one in alike if one.cree]
        modified = [instant(one.modifie) for one in alike if one.modifie]
        assert (instant(row["cree"]) if created else pd.isna(row["cree"])) == (min(created) if created else True)
        assert (instant(row["modifie"]) if modified else pd.isna(row["modifie"])) == (
            max(modified) if modified else True
        )
    contested = whole.conflicts[whole.conflicts["kind"] == "weights"]
    said = [*whole.weights.items(), *zip(contested["key"], contested["weights"], strict=True)]
    found = sorted((college, shares(weights)) for college, weights in said)
    assert found == sorted({(one.college, shares(one.weights)) for _, weights, _ in drawn for one in weights})


def shares(weights):
    total = sum(weights.values())
    return tuple(sorted((need, round(weight / total, 6)) for need, weight in weights.items() if weight))


def test_the_same_note_is_one_and_anything_else_a_conflict(tmp_path):
    later = note(cree="2026-11-23T10:30:00+01:00", modifie="2026-11-24T10:00:00Z")
    put(tmp_path, un=session(note(), note("b"), poids={"Élus": {"x": 1, "y": 1}}))
    put(tmp_path, deux=session(later, note("b", statut="conteste"), poids={"Élus": {"x": 5, "y": 5}, "SIAE": {"x": 0}}))
    put(tmp_path, trois=session(note("c"), note("B"), poids={"SIAE": {"x": 1}}, territoire="Ailleurs", code="1"))
    found = read_sessions(tmp_path)
    assert found.notes.index.tolist() == ["B", "a", "c"]
    assert found.notes.crs.to_epsg() == 4326
    assert found.notes.loc["a", ["cree", "modifie"]].tolist() == ["2026-11-23T10:30:00+01:00", "2026-11-24T10:00:00Z"]
    assert pd.isna(found.notes.loc["c", "modifie"])
    assert found.origins["note", "a"] == ("deux.geojson", "un.geojson")
    assert dict(found.weights["Élus"]) == {"x": 1.0, "y": 1.0}
    assert set(found.weights) == {"Élus"}
    columns = found.conflicts[["kind", "key", "version", "files", "statut"]].astype("object")
    assert columns.where(columns.notna(), None).to_numpy().tolist() == [
        ["note", "b", 1, ("un.geojson",), "accord"],
        ["note", "b", 2, ("deux.geojson",), "conteste"],
        ["weights", "SIAE", 1, ("deux.geojson",), None],
        ["weights", "SIAE", 2, ("trois.geojson",), None],
    ]
    assert found.territories == (("1", "Ailleurs"), ("200010650", "Pays d'essai"))
    assert found.files == ("deux.geojson", "trois.geojson", "un.geojson")
    assert found.refused.empty


def test_proportions_hold_through_rounding():
    weights = [{"x": 0.1, "y": 0.3}, {"x": 1.0, "y": 3.0}, {"x": 1 / 3, "y": 1.0, "z": 0.0}, {"x": 1e-9, "y": 3e-9}]
    found = gather([], [WeightsVersion("Élus", one) for one in weights])
    assert found.conflicts.empty
    assert dict(found.weights["Élus"]) == weights[2]
    assert len(gather([], [WeightsVersion("a", {"x": 0.0}), WeightsVersion("a", {"y": 0.0})]).conflicts) == 0
    assert len(gather([], [WeightsVersion("a", {"x": 1.0}), WeightsVersion("a", {"x": 0.0})]).conflicts) == 2
    same = [
        WeightsVersion(f"{few} {many}", {"x": few * k, "y": many * k})
        for few in range(1, 60)
        for many in range(few, 60)
        for k in (1, 0.1, 1 / 3, 0.7)
    ]
    assert gather([], same).conflicts.empty


def test_moments_are_instants():
    assert instant("1970-01-01T00:00:00.000000001Z") == 1
    assert instant("2026-11-23T24:00Z") == instant("2026-11-24T00:00:00Z")
    assert instant("2026-11-23T00:30+01:00") == instant("2026-11-22T23:30:00.000Z")
    for text in ("", "2026-11-23", "2026-13-01T00:00Z", "2026-11-23T25:00Z", "2026-11-23T10:00", "٢026-11-23T10:00Z"):
        assert instant(text) is None


# Files


@pytest.mark.parametrize("exporte", [None, "2026-11-24T08:00:00Z"])
def test_what_is_written_is_read_back(tmp_path, exporte):
    put(tmp_path, un=session(note(), note("b", geometry=None), poids={"Élus": {"x": 1, "y": 2}, "__proto__": {"x": 1}}))
    put(tmp_path, deux=session(note(texte="Autre\n<b>"), poids={"Élus": {"x": 2.5, "y": 1}}, code="1"))
    found = read_sessions(tmp_path)
    path = write_session(found, tmp_path / "sorties" / "tout.geojson", exporte=exporte)
    again = read_sessions(path)
    assert told(again, provenance=False) == told(found, provenance=False)
    assert again.files == ("tout.geojson",)
    assert write_session(again, tmp_path / "z.geojson", exporte=exporte).read_bytes() == path.read_bytes()
    whole = json.loads(path.read_text(encoding="utf-8"))
    assert whole["territoire_geo"]["exporte"] == exporte
    assert [one["properties"]["texte"] for one in whole["features"]] == ["Bonjour", "Autre\n<b>", "Bonjour"]
    assert len(whole["territoire_geo"]["poids_en_conflit"]) == 1


def test_a_session_without_anything(tmp_path):
    empty = merge([])
    path = write_session(empty, tmp_path / "rien.geojson")
    again = read_sessions(path)
    assert told(again, provenance=False) == told(empty, provenance=False)
    assert again.notes.crs.to_epsg() == 4326
    assert again.refused.columns.tolist() == ["file", "where", "reason", "reason_en"]


def test_a_file_that_the_page_would_refuse_is_not_written(tmp_path):
    colleges = gather([], [WeightsVersion(f"c{rank}", {"x": 1.0}) for rank in range(31)])
    with pytest.raises(TerritoireGeoError, match="more than 30 colleges"):
        write_session(colleges, tmp_path / "o.geojson")
    many = gather([NoteVersion(f"n{rank}", "39009", "", "general", "", "accord", "x") for rank in range(10_001)], [])
    with pytest.raises(TerritoireGeoError, match="10,000 notes"):
        write_session(many, tmp_path / "o.geojson")
    with pytest.raises(ValueError, match="exporte"):
        write_session(merge([]), tmp_path / "o.geojson", exporte="hier")
    assert list(tmp_path.iterdir()) == []


BROKEN = {
    "rien": (b"", "not JSON"),
    "coupe": (json.dumps(session(note()))[:-9], "not JSON"),
    "profond": ("[" * 200_000, "not JSON"),
    "nan": (json.dumps(session(poids={"a": {"x": float("nan")}})), "not JSON"),
    "nul": (b"\x00{}", "not JSON"),
    "utf16": (json.dumps(session()).encode("utf-16"), "not UTF-8"),
    "latin": (json.dumps(session(note()), ensure_ascii=False).encode("latin-1"), "not UTF-8"),
    "liste": ("[1]", "not a session"),
    "autre": ({"type": "FeatureCollection", "features": []}, "not a session"),
    "objet": ({"type": "FeatureCollection", "features": {}, "territoire_geo": {"format": 1}}, "not a session"),
    "version": (session(format=2), "a format"),
    "vrai": (session(format=True), "a format"),
    "nombreux": (session(*[{}] * 10_001), "10,000 notes"),
    "lourd": (b" " * 30_000_001, "30 MB"),
    "double": ('{"type": "FeatureCollection", ' + json.dumps(session())[1:], "twice"),
}


def test_whole_files_are_refused_with_their_reason_and_the_rest_is_merged(tmp_path):
    put(tmp_path, **{name: content for name, (content, _) in BROKEN.items()})
    with pytest.raises(SourceFormatError, match=r"coupe\.geojson: the file is damaged"):
        read_sessions(tmp_path)
    put(tmp_path, bon=b"\xef\xbb\xbf" + json.dumps(session(note())).encode())
    found = read_sessions(tmp_path)
    assert found.files == ("bon.geojson",)
    assert found.notes.index.tolist() == ["a"]
    refused = found.refused.set_index("file")
    assert refused["where"].eq("").all()
    for name, (_, why) in BROKEN.items():
        assert why in refused.at[f"{name}.geojson", "reason_en"]
    assert refused["reason"].ne(refused["reason_en"]).all()


def test_parts_are_refused_with_their_number_and_their_reason(tmp_path):
    wrong = [
        note(7), note(""), note("x" * 65), note("é"), note(code_commune=39009), note(code_commune="3900"),
        note(statut="vrai"), note(statut=["accord"]), note(texte=" \u202e\x00 "), note(texte="x" * 2001),
        note(texte="\U0001f600" * 1001), {}, None, [], {"type": "Feature", "properties": []},
    ]  # fmt: skip
    whole = session(
        note(texte="\ud800 e\u0301\r\n\u202egnp", college=" A\tB ", theme=None, cree="hier", modifie=3),
        *wrong,
        poids={
            "a": {"x": -1}, "b": {"x": 777}, "c": {"x": True}, "d": {"x": "1"}, "e": {}, "f": [1], "": {"x": 1},
            "g": {"x": 1e7}, "h": {"x": 1, "x ": 2}, "bon": {"x": 888},
        },
        poids_en_conflit=3,
    )  # fmt: skip
    text = json.dumps(whole).replace("777", "1e999").replace("888", "1" + "0" * 5)
    put(tmp_path, un=text, deux=json.dumps(session(poids={"i": {"x": 777}})).replace("777", "9" * 5_000))
    found = read_sessions(tmp_path)
    kept = found.notes.loc["a"]
    assert kept[["texte", "college", "theme"]].tolist() == ["\ufffd é\ngnp", "A B", "general"]
    assert kept[["cree", "modifie"]].isna().all()
    mine = found.refused[found.refused["file"].eq("un.geojson")]
    assert {f"note {rank}" for rank in range(2, len(wrong) + 2)} < set(mine["where"])
    assert {f"poids {name}" for name in "abcdefgh"} | {"poids", "poids_en_conflit"} < set(mine["where"])
    assert set(found.weights) == {"bon"}
    reasons = mine.set_index("where")["reason_en"]
    assert reasons["note 2"] == reasons["note 5"] == "id absent or badly formed"
    assert reasons["note 11"] == reasons["note 12"] == "text of more than 2,000 characters"
    assert reasons["poids h"] == "a key is written twice in it"
    assert found.refused[found.refused["file"].eq("deux.geojson")]["where"].tolist() == ["poids i"]


def test_a_key_written_twice_hides_nothing(tmp_path):
    text = json.dumps(session(note(), note("b"), poids={"a": {"x": 1}, "c": {"x": 2}}))
    text = text.replace('"id": "b"', '"id": "b", "texte": "Autre"').replace('{"x": 1}', '{"x": 1, "x": 3}')
    found = read_sessions(put(tmp_path, un=text))
    assert found.notes.index.tolist() == ["a"]
    assert found.refused[["where", "reason_en"]].to_numpy().tolist() == [
        ["note 2", "a key is written twice in it"], ["poids a", "a key is written twice in it"],
    ]  # fmt: skip


def test_paths(tmp_path):
    for missing in (tmp_path / "absent.geojson", [tmp_path / "absent.geojson"], tmp_path):
        with pytest.raises(SourceUnavailableError, match=r"no such file|no \*\.geojson"):
            read_sessions(missing)
    with pytest.raises(SourceFormatError, match="no path is given"):
        read_sessions([])
    one, two = tmp_path / "un", tmp_path / "deux"
    for folder, id_ in ((one, "a"), (two, "b")):
        folder.mkdir()
        put(folder, seance=session(note(id_)))
    put(one, **{"._seance": b"\x00\x05"})  # what another system leaves beside a file
    (two / "lien.GeoJSON").symlink_to(one / "seance.geojson")
    found = read_sessions([one, two, one, str(two / "seance.geojson")])
    assert found.notes.index.tolist() == ["a", "b"]
    assert found.refused.empty
    assert len(found.files) == 2


# The ranking


def test_the_ranking_follows_the_colleges_as_diagnose_would(demo):
    weights = {"SIAE": {"mobility": 9.0, "ageing": 1.0}, "Élus": {"childcare": 5.0, "mobility": 5.0}}
    said = [*(WeightsVersion(name, one) for name, one in weights.items()), WeightsVersion("Muets", {"mobility": 0.0})]
    said += [WeightsVersion("CAF", {"mobility": 1.0}), WeightsVersion("CAF", {"ageing": 1.0})]
    sessions = gather([], [*said, WeightsVersion("SIAE", {"mobility": 9.0, "ageing": 1.0})])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoireGeoWarning)
        before = diagnose(*demo)
        expected = diagnose(*demo, weights={name: weights[name] for name in sorted(weights)})
    found = debated(before, sessions)
    for name in ("table", "components", "weights", "rankings", "disagreements"):
        pd.testing.assert_frame_equal(getattr(found.ranking, name), getattr(expected.ranking, name))
    for name in ("agreement", "floor", "remarks"):
        assert getattr(found.ranking, name) == getattr(expected.ranking, name)
    assert dict(found.settings) == dict(expected.settings)
    said = [note.en for note in found.warnings[len(before.warnings) :]]
    assert said == [
        "Sessions: colleges of which no weight counts: Muets.",
        "Sessions: weights in conflict, left out of the ranking: CAF.",
    ]
    pd.testing.assert_frame_equal(found.coverage, before.coverage)
    assert not np.array_equal(found.ranking.table["rank"], before.ranking.table["rank"])


def test_weights_that_cannot_be_used_change_no_ranking():
    diagnostic = make_diagnostic()
    assert debated(diagnostic, merge([])) is diagnostic
    unknown = gather([], [WeightsVersion("Élus", {"water": 1.0})], territories=[("200010650", "Ici"), ("1", "Là")])
    found = debated(diagnostic, unknown)
    assert found.ranking is diagnostic.ranking
    assert [note.en for note in found.warnings[len(diagnostic.warnings) :]] == [
        "Sessions: needs not assessed, weights left out: water.",
        "Sessions: colleges of which no weight counts: Élus.",
        "Sessions: from elsewhere: Là (1).",
    ]
