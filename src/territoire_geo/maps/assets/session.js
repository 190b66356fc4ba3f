"use strict";
// The file of a session: GeoJSON in and out, checked line by line, merged without loss. See docs/session.md.
// Pure: no element, no clock, no draw. What is read may come from anyone: it is compared, copied and shown, never run.
(function (tg) {
  const LIMITS = { bytes: 30e6, notes: 10000, text: 2000, word: 80, colleges: 30, needs: 100, weight: 1e6, listed: 20, memory: 4e6 };
  const STATES = ["a_verifier", "accord", "conteste"];
  const GENERAL = "general";
  const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

  const plainObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const own = (value, name) => (plainObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);

  // Text without what breaks lines, directions or encodings; done twice, it does not change again.
  function clean(value) {
    return value
      .replace(/\r\n?/g, "\n")
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/g, "")
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
      .normalize("NFC")
      .trim();
  }
  // A name: one line, short; a longer one is cut, between two letters.
  const word = (value) => (typeof value === "string" && value.length <= 4 * LIMITS.word ? clean(Array.from(clean(value).replace(/\s+/g, " ")).slice(0, LIMITS.word).join("")) : "");
  const moment = (value) => (typeof value === "string" && MOMENT.test(value) && !Number.isNaN(Date.parse(value)) ? value : null);

  function place(geometry) {
    const at = own(geometry, "type") === "Point" ? own(geometry, "coordinates") : null;
    const fine = Array.isArray(at) && at.length >= 2 && at.slice(0, 2).every(Number.isFinite) && Math.abs(at[0]) <= 180 && Math.abs(at[1]) <= 90;
    return fine ? [at[0], at[1]] : null;
  }

  // A note, or the reason why it is not one.
  function note(feature) {
    const given = own(feature, "properties");
    const [id, code, text] = ["id", "code_commune", "texte"].map((name) => own(given, name));
    if (own(feature, "type") !== "Feature" || !plainObject(given)) {
      return "session_bad_feature";
    }
    if (typeof id !== "string" || !/^[0-9A-Za-z-]{1,64}$/.test(id)) {
      return "session_bad_id";
    }
    if (typeof code !== "string" || !/^[0-9][0-9AB][0-9]{3}$/.test(code)) {
      return "session_bad_code";
    }
    if (!STATES.includes(own(given, "statut"))) {
      return "session_bad_status";
    }
    if (typeof text !== "string" || !clean(text)) {
      return "session_bad_text";
    }
    if (clean(text).length > LIMITS.text) {
      return "session_long_text";
    }
    return {
      id,
      code,
      name: word(own(given, "nom_commune")),
      theme: word(own(given, "theme")) || GENERAL,
      college: word(own(given, "college")),
      status: own(given, "statut"),
      text: clean(text),
      created: moment(own(given, "cree")),
      modified: moment(own(given, "modifie")),
      at: place(own(feature, "geometry")),
    };
  }

  // The weights of one college, or null when one of them is not a number of 0 or more.
  function weights(given) {
    if (!plainObject(given) || Object.keys(given).length > LIMITS.needs) {
      return null;
    }
    const found = new Map(Object.entries(given).map(([need, weight]) => [word(need), weight]));
    const fine = [...found].every(([need, weight]) => need && Number.isFinite(weight) && weight >= 0 && weight <= LIMITS.weight);
    return fine && found.size ? found : null;
  }

  function parsed(text) {
    try {
      return JSON.parse(text);
    } catch {
      return undefined; // not JSON, or nested beyond what the browser reads
    }
  }

  /* What a file holds: {refused} with the key of a sentence, or {notes, colleges, contested, name, code, problems}.
     `problems` lists what is left out, as [key of a sentence, where]. */
  function read(text) {
    if (typeof text !== "string" || text.length > LIMITS.bytes) {
      return { refused: "session_too_large" };
    }
    const data = parsed(text.replace(/^\ufeff/, ""));
    if (data === undefined) {
      return { refused: "session_not_json" };
    }
    if (!plainObject(data)) {
      return { refused: "session_not_session" };
    }
    const [features, head] = [own(data, "features"), own(data, "territoire_geo")];
    if (own(data, "type") !== "FeatureCollection" || !Array.isArray(features) || !plainObject(head)) {
      return { refused: "session_not_session" };
    }
    if (own(head, "format") !== 1) {
      return { refused: "session_other_format" };
    }
    if (features.length > LIMITS.notes) {
      return { refused: "session_too_many" };
    }
    const problems = [];
    const found = { notes: [], colleges: new Map(), contested: [], name: word(own(head, "territoire")), code: word(own(head, "code")), problems };
    features.forEach(function (feature, rank) {
      const one = note(feature);
      typeof one === "string" ? problems.push([one, String(rank + 1)]) : found.notes.push(one);
    });
    readWeights(head, found);
    return found;
  }

  function readWeights(head, found) {
    const given = own(head, "poids");
    const entries = plainObject(given) ? Object.entries(given) : [];
    if (given !== undefined && !plainObject(given)) {
      found.problems.push(["session_bad_weights", ""]);
    }
    const contested = own(head, "poids_en_conflit");
    const others = Array.isArray(contested) ? contested.map((one) => [own(one, "college"), own(one, "poids")]) : [];
    [...entries, ...others].forEach(function ([name, values], rank) {
      const [college, read] = [word(name), weights(values)];
      if (!college || !read || rank >= LIMITS.colleges) {
        found.problems.push([rank >= LIMITS.colleges ? "session_many_colleges" : "session_bad_weights", college]);
      } else if (rank < entries.length && !found.colleges.has(college)) {
        found.colleges.set(college, read);
      } else {
        found.contested.push([college, read]);
      }
    });
  }

  const same = (a, b) => ["code", "theme", "college", "status", "text"].every((name) => a[name] === b[name]);
  const shares = function (values) {
    const most = Math.max(...values.values());
    const total = most > 0 ? [...values.values()].reduce((sum, weight) => sum + weight / most, 0) : 1;
    return new Map([...values].filter(([, weight]) => weight > 0).map(([need, weight]) => [need, weight / most / total]));
  };
  // Weights are proportions: 1 and 1 say the same as 5 and 5.
  function sameWeights(a, b) {
    const [left, right] = [shares(a), shares(b)];
    return left.size === right.size && [...left].every(([need, share]) => right.has(need) && Math.abs(right.get(need) - share) < 1e-9);
  }

  const before = (a, b) => (a && (!b || Date.parse(a) <= Date.parse(b)) ? a : b);
  const after = (a, b) => (before(a, b) === a ? b || a : a || b);

  /* Bring a file into the page. Nothing is settled here: what differs under one id or one college is a conflict.
     mine: {notes: Map, colleges: Map name -> {weights, untouched}, conflicts: []}; a college that is still as the
     diagnostic gives it has nothing to defend. */
  function merge(mine, file) {
    const state = { notes: new Map(mine.notes), colleges: new Map(mine.colleges), conflicts: [...mine.conflicts] };
    const count = { added: 0, same: 0, conflicts: 0, colleges: 0 };
    const disputed = new Map(); // what is disputed already, by id
    state.conflicts.filter((one) => one.kind === "note").forEach((one) => disputed.set(one.id, [...(disputed.get(one.id) || []), one.theirs]));
    for (const theirs of file.notes) {
      const held = state.notes.get(theirs.id);
      const others = disputed.get(theirs.id) || [];
      if (!held) {
        state.notes.set(theirs.id, theirs);
        count.added++;
      } else if (same(held, theirs)) {
        state.notes.set(theirs.id, { ...held, created: before(held.created, theirs.created), modified: after(held.modified, theirs.modified) });
        count.same++;
      } else if (others.some((other) => same(other, theirs))) {
        count.same++;
      } else {
        disputed.set(theirs.id, [...others, theirs]);
        state.conflicts.push({ kind: "note", id: theirs.id, theirs });
        count.conflicts++;
      }
    }
    mergeWeights(state, file, count);
    return { state, count };
  }

  function mergeWeights(state, file, count) {
    if (file.colleges.size && [...state.colleges.values()].every((college) => college.untouched)) {
      [...state.colleges.keys()].filter((name) => !file.colleges.has(name)).forEach((name) => state.colleges.delete(name));
    }
    for (const [name, theirs] of [...file.colleges, ...file.contested]) {
      const held = state.colleges.get(name);
      const known = state.conflicts.some((one) => one.kind === "weights" && one.college === name && sameWeights(one.theirs, theirs));
      if (!held || (held.untouched && !sameWeights(held.weights, theirs))) {
        state.colleges.set(name, { weights: theirs, untouched: false });
        count.colleges++;
      } else if (!sameWeights(held.weights, theirs) && !known) {
        state.conflicts.push({ kind: "weights", college: name, theirs });
        count.conflicts++;
      }
    }
  }

  const free = function (name, taken) {
    let rank = 2;
    const other = () => `${name.slice(0, LIMITS.word - 5)} (${rank})`;
    while (taken.has(other())) {
      rank++;
    }
    return other();
  };

  // One conflict settled by hand: "mine", "theirs" or "both", where theirs takes the new id or another name.
  function settle(state, conflict, choice, id) {
    const next = { notes: new Map(state.notes), colleges: new Map(state.colleges), conflicts: state.conflicts.filter((one) => one !== conflict) };
    if (choice === "mine") {
      return next;
    }
    if (conflict.kind === "note") {
      const kept = choice === "both" ? { ...conflict.theirs, id } : conflict.theirs;
      next.notes.set(kept.id, kept);
    } else {
      const name = choice === "both" ? free(conflict.college, next.colleges) : conflict.college;
      next.colleges.set(name, { weights: conflict.theirs, untouched: false });
    }
    return next;
  }

  // `placeOf(code)` gives {name, at: [lon, lat]} of a commune of this map, null elsewhere: its own place is kept.
  function feature(one, placeOf) {
    const here = placeOf(one.code);
    const at = here ? here.at : one.at;
    return {
      type: "Feature",
      geometry: at ? { type: "Point", coordinates: at } : null,
      properties: {
        id: one.id,
        code_commune: one.code,
        nom_commune: here ? here.name : one.name,
        theme: one.theme,
        college: one.college,
        statut: one.status,
        texte: one.text,
        cree: one.created,
        modifie: one.modified,
      },
    };
  }

  // What is still disputed leaves with the rest: a later reader finds the same conflicts.
  function write(state, { name, code, theme, exported, placeOf }) {
    const disputed = (kind) => state.conflicts.filter((one) => one.kind === kind);
    const contested = disputed("weights").map((one) => ({ college: one.college, poids: Object.fromEntries(one.theirs) }));
    const head = { format: 1, territoire: name, code, poids: Object.fromEntries([...state.colleges].map(([college, { weights: given }]) => [college, Object.fromEntries(given)])), theme, exporte: exported };
    const notes = [...state.notes.values(), ...disputed("note").map((one) => one.theirs)];
    return JSON.stringify({
      type: "FeatureCollection",
      features: notes.map((one) => feature(one, placeOf)),
      territoire_geo: contested.length ? { ...head, poids_en_conflit: contested } : head,
    });
  }

  // Random bytes as an id of version 4: crypto.randomUUID is not there in every page opened from a file.
  function uuid(bytes) {
    const marked = Uint8Array.from(bytes, (byte, rank) => (rank === 6 ? (byte & 15) | 64 : rank === 8 ? (byte & 63) | 128 : byte));
    return Array.from(marked, (byte) => byte.toString(16).padStart(2, "0")).join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  tg.session = { LIMITS, STATES, GENERAL, clean, word, read, merge, settle, write, uuid, sameWeights };
})(window.territoireGeo);
