"""Sessions between Python and the page of a map, in a real browser: same rules, same conflicts, nothing lost."""

import json
from importlib.resources import files

import numpy as np
import pytest

from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, needs_browser, shows, started
from territoire_geo.exchange._sessions import _clean, _parsed, _word, read_sessions, write_session
from territoire_geo.sessions import SAID, instant
from test_maps_workshop import drop, note, saved, session, spoilt, weigh

pytestmark = needs_browser()
browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
ALPHABET = [*map(chr, (*range(0x80), 0xE9, 0x301, 0x202E, 0x2066, 0x2028, 0xA0, 0x1F600)), "\ud800", "\udc00", *HOSTILE]


@pytest.fixture(scope="module")
def pure(browser):
    """An empty page with the script that reads and merges sessions."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.evaluate("() => { window.territoireGeo = {}; }")
    page.evaluate(files("territoire_geo").joinpath("maps", "assets", "session.js").read_text(encoding="utf-8"))
    yield page
    context.close()


def test_texts_are_cleaned_as_in_the_page(pure):
    rng = np.random.default_rng(3)
    texts = ["".join(ALPHABET[place] for place in rng.integers(len(ALPHABET), size=12)) for _ in range(3000)]
    texts += ["x" * 320, "x" * 321, "é" * 200, "\U0001f600" * 160, "\U0001f600" * 161, " ".join("abc" * 40)]
    told = pure.evaluate(
        "texts => texts.map(JSON.parse).map(text => [window.territoireGeo.session.clean(text), "
        "window.territoireGeo.session.word(text)])",
        [json.dumps(text) for text in texts],
    )
    # A character in two halves is one for a browser.
    assert told == [[_clean(text), _word(text)] for text in map(json.loads, map(json.dumps, texts))]


MOMENTS = [
    "2026-11-23T10:00:00Z", "2026-11-23T10:00Z", "2026-02-30T10:00:00.5Z", "2026-02-32T10:00:00Z",
    "2026-00-01T10:00:00Z", "2026-13-01T10:00:00Z", "2026-01-00T10:00:00Z", "2026-11-23T24:00:00Z",
    "2026-11-23T24:00:01Z", "2026-11-23T23:60:00Z", "2026-11-23T23:59:60Z", "2026-11-23T10:00:00+23:59",
    "2026-11-23T10:00:00+24:00", "2026-11-23T10:00:00-01:60", "2026-11-23T10:00:00.123456789-11:30",
    "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-23T10:00:00", "2026-11-23 10:00:00Z", "hier",
]  # fmt: skip


def test_moments_are_read_as_in_the_page(pure):
    told = pure.evaluate(
        """texts => texts.map(text => {
            const feature = {type: "Feature", geometry: null, properties: {id: "a", code_commune: "39009",
                statut: "accord", texte: "x", cree: text}};
            const whole = {type: "FeatureCollection", features: [feature], territoire_geo: {format: 1}};
            const {created} = window.territoireGeo.session.read(JSON.stringify(whole)).notes[0];
            return created === null ? null : Date.parse(created);
        })""",
        MOMENTS,
    )
    found = [instant(text) for text in MOMENTS]
    assert told == [None if one is None else one // 1_000_000 for one in found]


READ = """texts => texts.map(text => {
    const file = window.territoireGeo.session.read(text);
    const pairs = ([name, weights]) => [name, Object.fromEntries(weights)];
    const said = ({id, code, name, theme, college, status, text, created, modified, at}) =>
        [id, code, name, theme, college, status, text, created, modified, at];
    return file.refused ? null : [file.notes.map(said), [...file.colleges, ...file.contested].map(pairs),
        file.problems.map(([, where]) => where)];
})"""


def test_spoilt_files_are_read_as_by_the_page(pure):
    rng = np.random.default_rng(17)
    texts = [spoilt(rng) for _ in range(3000)]
    refused = differ = 0
    for text, page in zip(texts, pure.evaluate(READ, texts), strict=True):
        part = _parsed(text.encode("utf-8", "surrogatepass"), "x")
        where = [one.where for one in part.refused]
        if not part.whole or page is None:
            assert (part.whole, page) == (False, None) or "twice" in part.refused[0].reason_en
            refused += 1
            continue
        twice = any("twice" in one.reason_en for one in part.refused)
        notes = [
            [getattr(one, name) for name in ("id", "code_commune", "nom_commune", "theme", "college", "statut",
             "texte", "cree", "modifie")] + [None if one.point is None else list(one.point)]
            for one in part.notes
        ]  # fmt: skip
        weights = [[one.college, dict(one.weights)] for one in part.weights]
        lines = [line.removeprefix("note ") for line in where if line.startswith("note ")]
        if twice or "poids_en_conflit" in where:  # stricter than the page, and said
            differ += 1
            continue
        assert [notes, weights] == page[:2]
        assert lines == [line for line in page[2] if line.isdigit()]
        assert len(where) == len(page[2])
    assert refused > 300
    assert differ < 100


MERGED = """pairs => pairs.map(texts => {
    const S = window.territoireGeo.session;
    let state = {notes: new Map(), colleges: new Map(), conflicts: []};
    for (const text of texts) {
        state = S.merge(state, S.read(text)).state;
    }
    return S.write(state, {name: "", code: "", theme: null, exported: null, placeOf: () => null});
})"""


def drawn(rng):
    """Draw a session among few ids and colleges, so that files agree and disagree."""
    notes = [
        note(
            str(rng.choice(list("abcA"))),
            statut=str(rng.choice(["accord", "conteste"])),
            texte=str(rng.choice(["Bonjour", HOSTILE[3]])),
            cree=str(rng.choice(["2026-11-23T10:00:00Z", "2026-11-23T10:30:00+01:00", "hier"])),
        )
        for _ in range(rng.integers(4))
    ]
    kept = {one["properties"]["id"]: one for one in notes}
    colleges = {
        str(name): {"mobility": int(rng.integers(1, 4)), "ageing": int(rng.integers(0, 3))}
        for name in rng.choice(["Élus", "SIAE", HOSTILE[4]], size=rng.integers(3))
    }
    return session(*kept.values(), poids=colleges)


def content(collection):
    """Say what a written session holds: versions of notes, of weights, and what is disputed."""
    notes = [tuple(one["properties"][name] for name in ("id", *SAID)) for one in collection["features"]]
    ids = [id_ for id_, *_ in notes]
    # Of what is disputed the page keeps the dates of the first version it meets: there only what is said compares.
    dates = {
        one["properties"]["id"]: instant(one["properties"]["cree"] or "")
        for one in collection["features"]
        if ids.count(one["properties"]["id"]) == 1
    }
    head = collection["territoire_geo"]
    others = [(one["college"], one["poids"]) for one in head.get("poids_en_conflit", [])]
    weights = [(name, *proportions(given)) for name, given in [*head["poids"].items(), *others]]
    return sorted(notes), dates, sorted(weights)


def proportions(weights):
    return sorted((need, round(weight / sum(weights.values()), 6)) for need, weight in weights.items() if weight)


def test_the_page_and_python_merge_the_same_files_alike(pure, tmp_path):
    rng = np.random.default_rng(23)
    groups = [[json.dumps(drawn(rng)) for _ in range(2 + rank % 3)] for rank in range(30)]
    disputed = 0
    for rank, (group, page) in enumerate(zip(groups, pure.evaluate(MERGED, groups), strict=True)):
        folder = tmp_path / str(rank)
        folder.mkdir()
        for place, text in enumerate(group):
            (folder / f"{place}.geojson").write_text(text, encoding="utf-8")
        found = read_sessions(folder)
        written = json.loads(write_session(found, tmp_path / f"{rank}.geojson").read_text(encoding="utf-8"))
        assert content(written) == content(json.loads(page))
        # Opened in the page, what Python wrote shows the same, and so does what the page wrote in Python.
        (again,) = pure.evaluate(MERGED, [[json.dumps(written)]])
        assert content(json.loads(again)) == content(written)
        (tmp_path / "page.geojson").write_text(page, encoding="utf-8")
        back = read_sessions(tmp_path / "page.geojson")
        assert back.refused.empty
        assert len(back.conflicts) == len(found.conflicts)
        disputed += len(found.conflicts)
    assert disputed > 30


def test_a_session_goes_from_the_page_to_python_and_back(show, tmp_path):
    diagnostic = make_diagnostic()
    needs = [need.id for need in diagnostic.needs]
    page = show(diagnostic)
    page.evaluate("() => { territoireGeo.openWorkshop(); territoireGeo.openCommune(3); }")
    code = page.evaluate("() => territoireGeo.data.codes[3]")
    page.evaluate("() => document.querySelector('.tg-notes').closest('details').setAttribute('open', '')")
    page.click(".tg-note-add")
    page.fill(".tg-note-form textarea", f"{HOSTILE[3]}\nDeux lignes {HOSTILE[5]}")
    page.check(".tg-note-form input[value=conteste]")
    page.click(".tg-note-form .tg-main")
    page.evaluate("() => { territoireGeo.closeSheet(); territoireGeo.openWorkshop(); }")
    weigh(page, needs[0], 9)
    _, exported = saved(page, tmp_path / "un.geojson")
    mine = read_sessions(tmp_path / "un.geojson")
    (feature,) = exported["features"]
    row = mine.notes.iloc[0]
    assert {"id": mine.notes.index[0], **row.drop("geometry").where(row.notna(), None)} == feature["properties"]
    assert row["code_commune"] == code
    assert [row["geometry"].x, row["geometry"].y] == feature["geometry"]["coordinates"]
    assert {name: dict(given) for name, given in mine.weights.items()} == exported["territoire_geo"]["poids"]
    assert mine.territories == ((diagnostic.territory.code, diagnostic.territory.name),)
    # Another college says otherwise of the same note, and of the same weights.
    other = json.loads(json.dumps(exported))
    other["features"][0]["properties"]["statut"] = "accord"
    other["features"].append(note("b", nom_commune="Commune 39009", texte=HOSTILE[0], college=HOSTILE[4]))
    other["territoire_geo"]["poids"] = {"ensemble": {needs[1]: 1}, HOSTILE[3]: {needs[0]: 1}}
    (tmp_path / "deux.geojson").write_text(json.dumps(other), encoding="utf-8")
    both = read_sessions([tmp_path / "un.geojson", tmp_path / "deux.geojson"])
    assert both.conflicts["kind"].tolist() == ["note", "note", "weights", "weights"]
    write_session(both, tmp_path / "tout.geojson")
    fresh = show(diagnostic)
    fresh.evaluate("() => territoireGeo.openWorkshop()")
    said = drop(fresh, "tout.geojson", (tmp_path / "tout.geojson").read_bytes())
    assert "2 notes ajoutées" in said
    assert "2 conflits à trancher" in said
    assert fresh.locator(".tg-pick").all_inner_texts() == ["Ensemble", HOSTILE[3]]
    assert HOSTILE[0] in fresh.locator("#tg-all-notes").inner_text()
    _, again = saved(fresh, tmp_path / "encore.geojson")
    assert content(again) == content(json.loads((tmp_path / "tout.geojson").read_text(encoding="utf-8")))
    last = read_sessions(tmp_path / "encore.geojson")
    columns = ["kind", "key", "version", *SAID]
    assert last.conflicts[columns].equals(both.conflicts[columns])
    assert last.notes.drop(columns="geometry").equals(both.notes.drop(columns="geometry"))
    assert fresh.evaluate("() => [window.hacked, ({}).mobility]") == [None, None]
    for one in (page, fresh):
        one.evaluate("() => { territoireGeo.store.unsaved = false; }")
