"use strict";
// The session as a file: exported, read back, merged; what differs is settled by hand.
(function (tg) {
  const { data, t, h } = tg;
  const { store } = tg;
  const { LIMITS, read, merge, settle, write } = tg.session;

  const said = h("div", { class: "tg-report", role: "status" });
  const disputes = h("div", { class: "tg-disputes" });
  const slug = (text) => tg.plain(text).replace(/ /g, "-").slice(0, 40) || "territoire";

  function placeOf(code) {
    const index = tg.positionOf(code);
    const point = index === null ? null : data.points[index];
    return index === null ? null : { name: data.names[index], at: point ? [point[1], point[0]] : null };
  }
  const text = () =>
    write(store, { name: data.name, code: data.territory_code || "", theme: tg.theme() ? tg.theme().id : null, exported: new Date().toISOString(), placeOf });

  function save() {
    const address = URL.createObjectURL(new Blob([text()], { type: "application/geo+json" }));
    const day = new Date().toISOString().slice(0, 10);
    h("a", { href: address, download: `seance-${slug(data.name)}-${day}.geojson` }).click();
    window.setTimeout(() => URL.revokeObjectURL(address), 60000);
    store.unsaved = false;
    keep();
    said.replaceChildren(h("p", {}, tg.say(t.session_saved, tg.number(store.notes.size))));
  }

  // A count with its noun: "3 notes ajoutées", "1 note ajoutée".
  const counted = (count, name) => (count ? tg.say(tg.one(count) ? t[`session_${name}_one`] : t[`session_${name}`], tg.number(count)) : null);
  const refuse = (name, key) => said.append(h("p", { class: "tg-alert" }, `${name}${t.colon}${t[key]} ${t.session_nothing_lost}`));

  function take(name, content) {
    const file = read(content);
    if (file.refused) {
      refuse(name, file.refused);
      return;
    }
    const { state, count } = merge(store, file);
    const stray = file.notes.filter((note) => tg.positionOf(note.code) === null).length;
    const parts = [counted(count.added, "added"), counted(count.same, "same"), counted(count.colleges, "colleges"), counted(count.conflicts, "conflicts"), counted(stray, "stray"), counted(file.problems.length, "problems")].filter(Boolean);
    const other = file.code && data.territory_code && file.code !== data.territory_code;
    said.append(
      h("p", { class: file.problems.length ? "tg-alert" : "" }, `${name}${t.colon}${parts.join(", ") || t.session_empty}.`),
      other ? h("p", { class: "tg-alert" }, tg.say(t.session_elsewhere, file.name || file.code)) : "",
      file.problems.length ? problems(file.problems) : ""
    );
    store.change(state, "all", count.added + count.conflicts + count.colleges > 0);
  }
  function problems(found) {
    const line = ([key, where]) => h("li", {}, where ? `${/^\d+$/.test(where) ? tg.say(t.session_line, tg.number(Number(where))) : where}${t.colon}${t[key]}` : t[key]);
    const more = found.length - LIMITS.listed;
    return h("ul", { class: "tg-problems" }, found.slice(0, LIMITS.listed).map(line), more > 0 ? h("li", {}, tg.say(t.session_more, tg.number(more))) : null);
  }

  async function open(files) {
    said.replaceChildren();
    for (const file of files) {
      if (file.size > LIMITS.bytes) {
        refuse(file.name, "session_too_large");
        continue;
      }
      const content = await file.text().catch(() => null);
      content === null ? refuse(file.name, "session_unreadable") : take(file.name, content);
    }
  }
  tg.takeSession = take; // the same for a text that is already there

  // What is disputed: both versions side by side, and nothing done before someone chooses.
  function drawDisputes() {
    disputes.replaceChildren(store.conflicts.length ? h("div", {}, h("h4", {}, counted(store.conflicts.length, "to_settle")), h("p", { class: "tg-fine" }, t.session_settle_hint), h("ul", {}, store.conflicts.slice(0, 20).map(dispute))) : "");
  }
  function dispute(conflict) {
    const note = conflict.kind === "note";
    const mine = note ? store.notes.get(conflict.id) : store.colleges.get(conflict.college);
    const title = note ? `${t.session_note}, ${tg.communeName(conflict.theirs)}` : `${t.session_weights}, ${tg.collegeName(conflict.college)}`;
    const side = (label, one) => h("div", { class: "tg-side" }, h("h5", {}, label), !one ? h("p", { class: "tg-fine" }, t.session_gone) : note ? tg.noteText(one) : h("p", { class: "tg-note-text" }, weightsText(one.weights || one)));
    const choose = (choice, label) => h("button", { type: "button", class: "tg-second", onclick: () => decide(conflict, choice) }, label);
    return h("li", {}, h("fieldset", {}, h("legend", {}, title), h("div", { class: "tg-two" }, side(t.session_mine, mine), side(t.session_theirs, conflict.theirs)), h("div", { class: "tg-buttons" }, choose("mine", t.session_keep_mine), choose("theirs", t.session_keep_theirs), choose("both", t.session_keep_both))));
  }
  const weightsText = (weights) => [...weights].map(([need, weight]) => `${tg.topicName(need)} ${tg.number(weight, Number.isInteger(weight) ? 0 : 2)}`).join(tg.semicolon);
  function decide(conflict, choice) {
    store.change(settle(store, conflict, choice, tg.newId()), "all");
    said.replaceChildren(h("p", {}, t.session_settled));
    (disputes.querySelector("button") || document.getElementById("tg-session-save")).focus({ preventScroll: true });
  }

  tg.sessionBox = function () {
    const input = h("input", { type: "file", id: "tg-session-file", accept: ".geojson,.json,application/geo+json,application/json", multiple: true, hidden: true, "aria-label": t.session_open });
    input.addEventListener("change", () => open([...input.files]).then(() => (input.value = "")));
    const box = h(
      "section",
      { class: "tg-block", id: "tg-session" },
      h("h3", {}, t.session_title),
      h("p", { class: "tg-fine" }, t.session_how),
      h("div", { class: "tg-buttons" }, h("button", { type: "button", id: "tg-session-save", class: "tg-main", onclick: save }, t.session_save), h("button", { type: "button", class: "tg-second", onclick: () => input.click() }, t.session_open), input),
      said,
      disputes
    );
    const over = (event, on) => {
      event.preventDefault();
      box.classList.toggle("tg-over", on);
    };
    box.addEventListener("dragover", (event) => over(event, true));
    box.addEventListener("dragleave", (event) => over(event, false));
    box.addEventListener("drop", (event) => {
      over(event, false);
      open([...event.dataTransfer.files]);
    });
    return box;
  };

  // Until it is exported, the session lives in this tab: a reload finds it again, a closed tab does not.
  const KEY = `territoire_geo ${data.territory_code || data.name}`;
  const memory = (function () {
    try {
      return window.top === window ? window.sessionStorage : null;
    } catch {
      return null; // refused by the browser: the page works without
    }
  })();
  let waiting = null;
  function keep() {
    window.clearTimeout(waiting);
    waiting = memory && window.setTimeout(keepNow, 300);
  }
  function keepNow() {
    const content = text();
    try {
      content.length > LIMITS.memory ? memory.removeItem(KEY) : memory.setItem(KEY, JSON.stringify([store.unsaved, content]));
    } catch {
      memory.removeItem(KEY); // full: better nothing than an old session
    }
  }
  function recall() {
    const held = memory && memory.getItem(KEY);
    const found = held ? /^\[(true|false),/.exec(held) : null;
    const file = found ? read(unwrapped(held)) : { refused: true };
    if (!file.refused) {
      store.change(merge(store, file).state, "all", found[1] === "true");
      said.replaceChildren(h("p", {}, t.session_recalled));
    }
  }
  function unwrapped(held) {
    try {
      return String(JSON.parse(held)[1]);
    } catch {
      return ""; // another program wrote there
    }
  }
  window.addEventListener("beforeunload", (event) => {
    if (store.unsaved && (store.notes.size || store.conflicts.length || tg.ownColleges())) {
      event.preventDefault();
    }
  });
  store.follow((what) => {
    keep();
    what !== "weights" && drawDisputes();
  });
  tg.recallSession = recall;
})(window.territoireGeo);
