"""The workshop in a real browser: the ranking is Python's to the digit, sessions merge without loss, nothing runs."""

import json
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, needs_browser, shows, started, unpack
from territoire_geo import colleges, composite
from territoire_geo.maps._blob import pack
from territoire_geo.maps._words import workshop as words
from territoire_geo.maps._workshop import workshop_data

browser = pytest.fixture(scope="module")(started)
show = pytest.fixture(shows)
TOTAL, SIZES = 30, (1, 2, 3, 7, 12, 40, 129, 260, 492)


@pytest.fixture(scope="module")
def pure(browser):
    """An empty page with the two scripts that only compute."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.evaluate("() => { window.territoireGeo = {}; }")
    for name in ("ranking", "session"):
        page.evaluate(files("territoire_geo").joinpath("maps", "assets", f"{name}.js").read_text(encoding="utf-8"))
    yield page
    assert errors == []
    context.close()


def test_the_words_are_the_same_in_both_languages():
    assert list(words.FR) == list(words.EN)
    assert all(words.FR[key].count("{") == words.EN[key].count("{") for key in words.FR)


def test_the_data_of_the_workshop_are_those_of_the_diagnostic():
    diagnostic = make_diagnostic()
    core = diagnostic.territory.core
    data = unpack(pack(workshop_data(diagnostic, core, "fr", many=100)))
    assert data["needs"] == [need.id for need in diagnostic.needs]
    for need in data["needs"]:
        found = np.array(data["components"][need], dtype=float)
        np.testing.assert_array_equal(found, diagnostic.ranking.components[need].reindex(core))
    assert data["colleges"] == {"ensemble": dict.fromkeys(data["needs"], 0.2)}
    assert data["fraction"] == 0.2
    np.testing.assert_array_equal(
        np.array(data["table"]["rank_high"], dtype=float), diagnostic.ranking.table["rank_high"].reindex(core)
    )
    assert all(isinstance(text, str) for text in data["remarks"])


# The ranking


def cases():
    """Random components with ties, unknowns and constants, and the weights of one to three colleges."""
    rng = np.random.default_rng(5)
    for number in range(TOTAL):
        count = int(rng.choice(SIZES))
        needs = int(rng.integers(1, 10))
        values = rng.random((count, needs))
        if number % 3 == 0:
            values = values.round(1)
        if number % 4 == 1:
            values[rng.random(values.shape) < 0.15] = np.nan
        if number % 5 == 2:
            values[:, 0] = 0.3
        if number % 7 == 3:
            values[:, -1] = np.nan
        given = [rng.integers(0, 11, needs).astype(float) if number % 2 else 10 * rng.random(needs) for _ in range(3)]
        index = pd.Index([f"{place:05d}" for place in range(count)])
        frame = pd.DataFrame(values, index=index, columns=[f"need{rank}" for rank in range(needs)])
        yield frame, [weights for weights in given[: 1 + number % 3] if weights.any()] or [np.ones(needs)]


def mean_of(given, names):
    """Weigh as `priorities.prioritise` does."""
    weights = pd.DataFrame({str(rank): pd.Series(one, index=names) for rank, one in enumerate(given)})
    weights = weights / weights.max()
    return weights, (weights / weights.sum()).mean(axis=1)


RANKED = """given => given.map(one => {
    const R = window.territoireGeo.ranking;
    const plain = values => Array.from(values, value => Number.isNaN(value) ? null : value);
    const prepared = R.prepare(one.components);
    const found = R.score(prepared, R.together(one.colleges));
    if (!found) return null;
    const told = {score: plain(found.score), known: plain(found.knownWeight), rank: plain(found.rank)};
    const sum = values => values.reduce((total, value) => total + value, 0);
    told.parts = one.components[0].map((_, place) => sum(R.parts(prepared, found, place)));
    for (const [name, draws] of [["same", one.draws], ["own", null]]) {
        const work = R.stability(prepared, found, 0.2, draws);
        while (!work.step());
        told[name] = Object.fromEntries(Object.entries(work.result).map(([key, values]) => [key, plain(values)]));
    }
    const columns = R.rankings(prepared, one.colleges);
    if (columns.length > 1 && columns.every(Boolean)) {
        told.columns = columns.map(plain);
        told.agreement = plain([R.agreement(columns).w]);
        told.differ = R.disagreements(columns).map(one => [one.place, one.range, one.highest, one.lowest]);
    }
    return told;
})"""


def numbers(values):
    return np.array(values, dtype=float)  # None is NaN


def unranked(ranks):
    return np.where(numbers(ranks) == 0, np.nan, ranks)


@pytest.mark.browser
def test_the_page_ranks_as_python_to_the_digit(pure):
    expected, asked = [], []
    for frame, given in cases():
        weights, central = mean_of(given, frame.columns)
        held = None
        if (frame.notna().any() & central.gt(0)).any():
            held = (frame, weights, composite.score(frame, central), composite.stability(frame, central))
        expected.append(held)
        components = [[None if np.isnan(value) else value for value in frame[name]] for name in frame]
        draws = held[3].weights.to_numpy().tolist() if held else None
        asked.append({"components": components, "colleges": [list(one) for one in given], "draws": draws})
    for told, held in zip(pure.evaluate(RANKED, asked), expected, strict=True):
        assert (told is None) == (held is None)
        if held is not None:
            agrees(told, *held)


def agrees(told, frame, weights, scored, stability):
    score, places = scored["score"].to_numpy(), stability.places
    np.testing.assert_array_equal(numbers(told["score"]), score)
    np.testing.assert_array_equal(numbers(told["known"]), scored["known_weight"])
    np.testing.assert_array_equal(unranked(told["rank"]), places["rank"])
    np.testing.assert_allclose(numbers(told["parts"])[~np.isnan(score)], score[~np.isnan(score)], atol=1e-6)
    # With the draws of Python, nothing differs.
    for name in ("median", "low", "high"):
        np.testing.assert_array_equal(numbers(told["same"][name]), places[f"rank_{name}"])
    np.testing.assert_array_equal(numbers(told["same"]["stability"]), places["stability"])
    # With its own: the standard error of a share over 1,000 draws is at most 0.016, 0.022 between two; 4.5 times that
    # for the worst of a thousand places. A quantile moves by as many ranks as shares of the settings do.
    gap = np.abs(numbers(told["own"]["stability"]) - places["stability"])
    assert not (gap > 0.1).any()
    for name in ("low", "high"):
        moved = np.abs(numbers(told["own"][name]) - places[f"rank_{name}"])
        assert not (moved > 1 + 0.1 * len(frame)).any()
    if "columns" not in told:
        return
    ranks = colleges.rankings(frame, {str(name): weights[name] for name in weights})
    for name, column in zip(ranks, told["columns"], strict=True):
        np.testing.assert_array_equal(unranked(column), ranks[name])
    np.testing.assert_allclose(numbers(told["agreement"]), [colleges.kendall_w(ranks).w], rtol=1e-12)
    differ = colleges.disagreements(ranks)
    named = [int(place) for place in differ.index]
    assert [place for place, *_ in told["differ"]] == named
    assert [gap for _, gap, *_ in told["differ"]] == differ["range"].tolist()
    assert [str(highest) for *_, highest, _ in told["differ"]] == differ["highest"].tolist()
    assert [str(lowest) for *_, lowest in told["differ"]] == differ["lowest"].tolist()


@pytest.mark.browser
def test_weights_that_rank_nothing(pure):
    told = pure.evaluate("""() => {
        const R = window.territoireGeo.ranking;
        const prepared = R.prepare([[0.1, 0.2], [null, null]]);
        return [R.together([[0, 0]]), R.together([]), R.together([[1, NaN], [0, 0]]), R.together([[0, 0], [3, 1]]),
            R.score(prepared, [0, 1]), R.score(prepared, [0, 0]), R.score(prepared, [1, -1])];
    }""")
    assert told == [None, None, None, [0.75, 0.25], None, None, None]


# The session


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


ODD = [
    json.dumps(value)
    for value in (
    None, True, -1, 0, 1e300, "", "x", "é" * 90, "\ud800", "\u202egnp", "a\x00b", [], {}, [[]], {"__proto__": 1},
    {"constructor": {"prototype": 1}}, "2026-99-99T10:00:00Z", "39009", "a_verifier", "__proto__", "x" * 2001, *HOSTILE,
    )
]  # fmt: skip


def spoilt(rng):
    """Spoil a session: a value here, a key there, then the text itself."""
    whole = session(
        note(), note("b", texte=str(rng.choice(HOSTILE))), poids={"Élus": {"mobility": 3, "ageing": 1}, "SIAE": {}}
    )
    for _ in range(rng.integers(0, 3)):
        where = whole
        while isinstance(where, dict | list) and len(where):
            keys = list(where) if isinstance(where, dict) else range(len(where))
            key = keys[int(rng.integers(len(keys)))]
            if rng.random() < 0.35 or not isinstance(where[key], dict | list):
                where[key] = json.loads(ODD[int(rng.integers(len(ODD)))])
                break
            where = where[key]
        if isinstance(where, dict) and rng.random() < 0.2:
            where[("__proto__", "toString", "constructor", HOSTILE[3])[int(rng.integers(4))]] = 7
    text = json.dumps(whole)
    kind = rng.random()
    if kind < 0.15:
        text = text[: int(rng.integers(len(text)))]
    elif kind < 0.3:
        at = int(rng.integers(len(text)))
        text = text[:at] + chr(int(rng.integers(1, 0x300))) + text[at + 1 :]
    elif kind < 0.35:
        text = text.replace("3", str(rng.choice(["1e999", "-1", "NaN", "Infinity", "9" * 400])), 1)
    return text


FUZZED = """texts => {
    const S = window.territoireGeo.session;
    const count = {thrown: [], refused: 0, listed: 0, notes: 0, conflicts: 0, lost: 0};
    const context = {name: "x", code: "y", theme: null, exported: "z", placeOf: () => null};
    for (const text of texts) {
        try {
            const held = {weights: new Map([["mobility", 1]]), untouched: false};
            const state = {notes: new Map(), colleges: new Map([["Élus", held]]), conflicts: []};
            const file = S.read(text);
            if (file.refused) {
                count.refused++;
                continue;
            }
            const merged = S.merge(state, file).state;
            const written = S.write(merged, context);
            count.listed += file.problems.length;
            count.notes += merged.notes.size;
            count.conflicts += merged.conflicts.length;
            count.lost += S.write(S.merge(state, S.read(written)).state, context) !== written;
            count.lost += file.notes.some(one => !merged.notes.has(one.id));
        } catch (error) {
            count.thrown.push([String(error), text]);
        }
    }
    const clean = ({}).mobility === undefined && Object.keys(Object.prototype).length === 0;
    count.hacked = window.hacked !== undefined || !clean;
    return count;
}"""


@pytest.mark.browser
def test_ten_thousand_spoilt_sessions(pure):
    rng = np.random.default_rng(7)
    told = pure.evaluate(FUZZED, [spoilt(rng) for _ in range(10_000)])
    assert told["thrown"] == []
    assert told["hacked"] is False
    assert told["lost"] == 0
    assert min(told[name] for name in ("refused", "listed", "notes", "conflicts")) > 500


@pytest.mark.browser
def test_texts_are_cleaned_once(pure):
    rng = np.random.default_rng(11)
    alphabet = [*map(chr, (*range(0x80), 0xE9, 0x301, 0x202E, 0x2066, 0xFEFF, 0xD800, 0xDC00, 0x1F600)), *HOSTILE]
    texts = ["".join(alphabet[place] for place in rng.integers(len(alphabet), size=12)) for _ in range(5000)]
    told = pure.evaluate(
        """texts => texts.filter(text => {
            const {clean, word} = window.territoireGeo.session;
            const [once, name] = [clean(JSON.parse(text)), word(JSON.parse(text) + "\\u{1f600}".repeat(90))];
            return clean(once) !== once || word(name) !== name || /[\\0-\\x08\\u202a-\\u202e]/.test(once);
        })""",
        [json.dumps(text) for text in texts],
    )
    assert told == []


MERGED = """([first, ...others]) => {
    const S = window.territoireGeo.session;
    const given = {weights: new Map([["mobility", 1]]), untouched: true};
    const counts = [];
    let state = {notes: new Map(), colleges: new Map([["ensemble", given]]), conflicts: []};
    for (const text of [first, ...others]) {
        const merged = S.merge(state, S.read(JSON.stringify(text)));
        counts.push(merged.count);
        state = merged.state;
    }
    const placeOf = code => code === "39009" ? {name: "Ici", at: [1, 2]} : null;
    const context = {name: "x", code: "y", theme: null, exported: "z", placeOf};
    const settled = choice => state.conflicts.map(one => S.settle(state, one, choice, "new"));
    const kept = settled("both").map(one => [one.notes.size, one.colleges.size, one.conflicts.length]);
    const theirs = settled("theirs").map(one => S.write(one, context));
    return {counts, kept, theirs, written: S.write(state, context)};
}"""


@pytest.mark.browser
def test_sessions_merge_without_loss(pure):
    elsewhere = note("z", code_commune="99999", nom_commune="Ailleurs")
    one = session(note(), elsewhere, poids={"Élus": {"mobility": 1, "ageing": 1}})
    days = {"cree": "2026-11-22T10:00:00Z", "modifie": "2026-11-24T10:00:00Z"}
    same = session(note(**days), poids={"Élus": {"mobility": 5, "ageing": 5}})
    other = session(note(statut="conteste"), note("b"), poids={"Élus": {"mobility": 1, "ageing": 2}, "SIAE": {"x": 1}})
    told = pure.evaluate(MERGED, [one, same, other, other])
    assert [(c["added"], c["same"], c["colleges"], c["conflicts"]) for c in told["counts"]] == [
        (2, 0, 1, 0), (0, 1, 0, 0), (1, 0, 1, 2), (0, 2, 0, 0),
    ]  # fmt: skip
    written = json.loads(told["written"])
    features = [(f["properties"]["id"], f["properties"]["statut"]) for f in written["features"]]
    assert features == [("a", "accord"), ("z", "accord"), ("b", "accord"), ("a", "conteste")]
    first, away = written["features"][:2]
    assert first["geometry"]["coordinates"] == [1, 2]
    assert {name: first["properties"][name] for name in days} == days
    assert away == elsewhere
    head = written["territoire_geo"]
    assert head["poids"] == {"Élus": {"mobility": 1, "ageing": 1}, "SIAE": {"x": 1}}
    assert head["poids_en_conflit"] == [{"college": "Élus", "poids": {"mobility": 1, "ageing": 2}}]
    # Settled: both notes, or both weights, or theirs.
    assert told["kept"] == [[4, 2, 1], [3, 3, 1]]
    notes, weights = map(json.loads, told["theirs"])
    assert [f["properties"]["statut"] for f in notes["features"]] == ["conteste", "accord", "accord"]
    assert weights["territoire_geo"]["poids"]["Élus"] == {"mobility": 1, "ageing": 2}
    # What was exported with its conflicts shows them again.
    again = pure.evaluate(MERGED, [written])
    assert again["counts"][0]["conflicts"] == 2
    assert json.loads(again["written"]) == written


# The page


def weigh(page, need, value):
    page.locator(f'#tg-workshop input[data-need="{need}"]').fill(str(value))


def ranked(page):
    return page.locator(".tg-ranks .tg-link").all_inner_texts()


def drop(page, name, content):
    """Open a session in the page."""
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    page.set_input_files("#tg-session-file", {"name": name, "mimeType": "application/geo+json", "buffer": content})
    page.wait_for_selector(f'.tg-report p:has-text("{name}")')
    return page.locator(".tg-report").inner_text()


def saved(page, path):
    with page.expect_download() as download:
        page.click("#tg-session-save")
    download.value.save_as(path)
    return download.value.suggested_filename, json.loads(path.read_text(encoding="utf-8"))


def leaving(page):
    """Tell whether the page holds back a reader who leaves."""
    return page.evaluate("() => !window.dispatchEvent(new Event('beforeunload', {cancelable: true}))")


@pytest.mark.browser
def test_weights_move_the_ranking(show):
    diagnostic = make_diagnostic()
    needs = [need.id for need in diagnostic.needs]
    page = show(diagnostic)
    page.evaluate("() => territoireGeo.openWorkshop()")
    assert page.evaluate("() => document.activeElement.id") == "tg-workshop-title"
    names = diagnostic.territory.communes["nom_commune"]
    central = diagnostic.ranking.table.sort_values("rank", kind="stable")
    assert ranked(page) == names.reindex(central.index[:10]).tolist()
    assert page.locator("#tg-stability").inner_text() == "Classement et stabilité du diagnostic."
    # By the keyboard, one need more than the others.
    page.locator(f'#tg-workshop input[data-need="{needs[0]}"]').focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    weights = dict.fromkeys(needs, 5.0) | {needs[0]: 9.0}
    scored = composite.score(diagnostic.ranking.components, weights)["score"]
    expected = scored.sort_values(ascending=False, kind="stable")
    assert ranked(page) == names.reindex(expected.index[:10]).tolist()
    assert page.locator("#tg-workshop output[for='tg-weight-0']").inner_text() == "9"
    page.wait_for_selector("#tg-stability:has-text('1\u202f000')")
    assert page.evaluate("() => territoireGeo.theme().id") == "rank"
    held = composite.stability(diagnostic.ranking.components, weights).places
    low, high = (int(held.loc[expected.index[0], name]) for name in ("rank_low", "rank_high"))
    said = page.locator(".tg-ranks li").first.locator(".tg-interval").inner_text()
    assert str(low) in said or str(high) in said
    # A second college, which thinks otherwise.
    page.click("#tg-college-add")
    page.keyboard.type("Élus")
    page.keyboard.press("Enter")
    assert page.locator(".tg-pick").all_inner_texts() == ["Ensemble", "Élus"]
    for rank, need in enumerate(needs):
        weigh(page, need, 10 if rank == 2 else 0)
    judged = colleges.rankings(
        diagnostic.ranking.components, {"a": weights, "b": {need: float(need == needs[2]) for need in needs}}
    )
    w = colleges.kendall_w(judged).w
    assert f"{w:.2f}".replace(".", ",") in page.locator(".tg-agreed").inner_text()
    differ = names.reindex(colleges.disagreements(judged, 5).index).tolist()
    assert page.locator(".tg-differ .tg-link").all_inner_texts() == differ
    # Names are unique, weights may all be 0, and the diagnostic's come back.
    page.fill("#tg-college-name", "ensemble")
    page.keyboard.press("Enter")
    assert "déjà" in page.locator(".tg-weights .tg-alert").inner_text()
    weigh(page, needs[2], 0)
    assert "ne compte pas" in page.locator(".tg-mean").inner_text()
    page.click("text=Retirer")
    page.click("text=Retirer ce collège")
    for need in needs:
        weigh(page, need, 0)
    assert "Tous les poids sont à 0" in page.locator("#tg-stability").inner_text()
    assert ranked(page) == []
    page.click("text=Revenir aux poids du diagnostic")
    page.click("text=Effacer les poids")
    assert ranked(page) == names.reindex(central.index[:10]).tolist()
    page.keyboard.press("Escape")
    assert page.locator("#tg-workshop").is_hidden()


@pytest.mark.browser
def test_notes_leave_and_come_back(show, tmp_path):
    page = show(make_diagnostic(), size=(1600, 900))  # wide enough for the sheet beside the workshop
    page.evaluate("() => { territoireGeo.openWorkshop(); territoireGeo.openCommune(3); }")
    code = page.evaluate("() => territoireGeo.data.codes[3]")
    page.evaluate("() => document.querySelector('.tg-notes').closest('details').setAttribute('open', '')")
    assert leaving(page) is False
    page.click(".tg-note-add")
    page.click(".tg-note-form .tg-main")
    assert "vide" in page.locator(".tg-note-form .tg-alert").inner_text()
    page.fill(".tg-note-form textarea", f"  {HOSTILE[3]}\r\nDeux lignes ")
    page.check(".tg-note-form input[value=conteste]")
    page.click(".tg-note-form .tg-main")
    assert page.locator(".tg-notes .tg-note-text").inner_text() == f"{HOSTILE[3]}\nDeux lignes"
    assert page.locator(".tg-note").count() == 1
    assert leaving(page) is True
    name, first = saved(page, tmp_path / "un.geojson")
    assert name.startswith("seance-pays-d-essai-")
    assert name.endswith(".geojson")
    assert leaving(page) is False
    (feature,) = first["features"]
    assert feature["geometry"]["type"] == "Point"
    lon, lat = feature["geometry"]["coordinates"]
    assert lon < 10 < lat
    assert feature["properties"] | {"id": "", "cree": ""} == {
        "id": "", "code_commune": code, "nom_commune": f"Commune {code}", "theme": feature["properties"]["theme"],
        "college": "", "statut": "conteste", "texte": f"{HOSTILE[3]}\nDeux lignes", "cree": "", "modifie": None,
    }  # fmt: skip
    # Edited here, while the file keeps the first version: a conflict, settled by hand.
    page.click(".tg-notes .tg-note-item .tg-quiet >> nth=0")
    page.fill(".tg-note-form textarea", "Autre version")
    page.click(".tg-note-form .tg-main")
    assert "1 conflit à trancher" in drop(page, "un.geojson", first)
    assert "Deux versions" in page.locator(".tg-notes").inner_text()
    _, both = saved(page, tmp_path / "deux.geojson")
    assert [f["properties"]["texte"] for f in both["features"]] == ["Autre version", f"{HOSTILE[3]}\nDeux lignes"]
    page.click("text=Garder les deux")
    assert page.locator("#tg-all-notes .tg-note-item").count() == 2
    # A reload of the tab finds the session again; a new page takes it from its file.
    page.wait_for_timeout(500)
    page.reload()
    page.wait_for_selector('html[data-ready="1"]', state="attached")
    assert page.locator(".tg-note").inner_text() == "2"
    fresh = show(make_diagnostic(), lang="en")
    fresh.evaluate("() => territoireGeo.openWorkshop()")
    said = drop(fresh, "deux.geojson", both)
    assert "1 note added" in said
    assert "1 conflict to settle" in said
    fresh.click("text=Keep the file's")
    assert fresh.locator("#tg-all-notes .tg-note-text").inner_text() == f"{HOSTILE[3]}\nDeux lignes"
    fresh.click("#tg-all-notes >> text=Delete")
    fresh.click("text=Delete this note?")
    assert fresh.locator("#tg-all-notes .tg-note-item").count() == 0


BROKEN = {
    "rien.json": (b"", "abîmé"),
    "coupe.json": (json.dumps(session(note())).encode()[:-9], "abîmé"),
    "profond.json": (b"[" * 2_000_000, "abîmé"),
    "liste.json": (b"[1]", "pas une séance"),
    "autre.json": (json.dumps({"type": "FeatureCollection", "features": []}).encode(), "pas une séance"),
    "version.json": (json.dumps(session(format=2)).encode(), "autre version"),
    "nombreux.json": (json.dumps(session(*[{}] * 10_001)).encode(), "10 000 notes"),
}


@pytest.mark.browser
def test_crafted_sessions_are_refused_or_listed(show):
    page = show(make_diagnostic())
    page.evaluate("() => territoireGeo.openWorkshop()")
    drop(page, "bon.geojson", session(note(), poids={"Élus": {"mobility": 2, "ageing": 1}}))
    for name, (content, why) in BROKEN.items():
        said = drop(page, name, content).replace("\u202f", " ").replace("\u00a0", " ")
        assert why in said
        assert "Rien de ce qui est dans la page n’a changé" in said
        assert page.locator("#tg-all-notes .tg-note-item").count() == 1
    # Dropped on the page, and too large to be read.
    page.evaluate("""() => {
        const held = new DataTransfer();
        held.items.add(new File([new Uint8Array(31e6)], "lourd.json"));
        const drop = new DragEvent("drop", {dataTransfer: held, cancelable: true});
        document.getElementById("tg-session").dispatchEvent(drop);
    }""")
    page.wait_for_selector('.tg-report p:has-text("30\u00a0Mo")')
    crafted = json.dumps(
        session(
            *(note(f"h{rank}", texte=text, theme=text, college=text) for rank, text in enumerate(HOSTILE)),
            note("loin", code_commune="99999", nom_commune=HOSTILE[3]),
            note("bad", statut="vrai"), note("long", texte="x" * 2001), note(code_commune="<b>"), note(7), {}, None,
            territoire=HOSTILE[3],
            code="1",
            poids={
                HOSTILE[3]: {HOSTILE[5]: 1, "mobility": 3},
                "__proto__": {"mobility": 1},
                "b": {"mobility": -1},
                "c": {"mobility": 777},
            },
        )
    ).replace("777", "1e999")  # fmt: skip
    said = drop(page, "piege.geojson", crafted.encode())
    assert "7 notes ajoutées" in said
    assert "autre territoire" in said
    assert page.locator(".tg-problems li").count() == 8
    assert page.locator(".tg-pick").all_inner_texts() == ["Élus", HOSTILE[3], "__proto__"]
    assert "hors territoire" in page.locator("#tg-all-notes").inner_text()
    page.click(".tg-pick >> nth=1")
    page.evaluate("() => territoireGeo.openCommune(territoireGeo.data.codes.indexOf('39009'))")
    assert HOSTILE[3] in page.locator(".tg-notes").text_content()
    assert page.locator("#tg-session").is_hidden()  # the sheet takes its place
    page.evaluate("() => territoireGeo.closeSheet()")
    # Ten thousand notes: all are kept, the first ones shown.
    many = session(*(note(f"n{rank}", texte=f"{HOSTILE[rank % 6]} {rank}") for rank in range(9_000)))
    assert "9\u202f000 notes ajoutées" in drop(page, "mille.geojson", many)
    assert page.locator("#tg-all-notes .tg-note-item").count() == 30
    page.select_option("#tg-note-filter", "conteste")
    assert page.locator("#tg-all-notes .tg-note-item").count() == 0
    assert page.evaluate("() => [window.hacked, ({}).mobility]") == [None, None]
    page.evaluate("() => { territoireGeo.store.unsaved = false; }")


pytestmark = needs_browser()[1:]
