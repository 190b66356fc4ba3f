"use strict";
// What the meeting says: the state of the session in this page, and its notes, commune by commune.
(function (tg) {
  const { data, map, t, h } = tg;
  const { LIMITS, STATES, GENERAL, clean, uuid } = tg.session;

  // The state: notes by id, weights by college, what is disputed. Each part of the page follows what changes.
  const followers = [];
  const store = {
    notes: new Map(),
    colleges: new Map(),
    conflicts: [],
    unsaved: false,
    follow: (follower) => followers.push(follower),
    change(part, what, unsaved = true) {
      Object.assign(store, part);
      store.unsaved = store.unsaved || unsaved;
      followers.forEach((follower) => follower(what));
    },
  };
  tg.store = store;
  tg.newId = () => uuid(window.crypto.getRandomValues(new Uint8Array(16)));

  const positions = new Map(data.codes.map((code, index) => [code, index]));
  tg.positionOf = (code) => (positions.has(code) ? positions.get(code) : null);

  const clock = new Intl.DateTimeFormat(data.lang === "fr" ? "fr-FR" : "en-GB", { dateStyle: "short", timeStyle: "short" });
  const when = (note) => {
    const said = note.modified || note.created;
    return said ? tg.say(note.modified ? t.note_modified : t.note_created, clock.format(new Date(said))) : "";
  };
  const needName = (id) => (data.needs.find((need) => need.id === id) || { label: id }).label;
  tg.topicName = (id) => (id === GENERAL ? t.note_general : needName(id));
  tg.collegeName = (name) => (name === "ensemble" ? t.workshop_alone : name);
  tg.communeName = (note) => (tg.positionOf(note.code) === null ? tg.say(t.note_outside, note.name || note.code) : data.names[tg.positionOf(note.code)]);
  const status = (id) => h("span", { class: `tg-status tg-status-${id}` }, t[`note_${id}`]);
  tg.statusSign = status;

  // A button that asks before it does: the second press does it.
  tg.askTwice = function (label, question, action, about) {
    const button = h("button", { type: "button", class: "tg-quiet", "aria-label": about && `${label}, ${about}` }, label);
    const calm = () => {
      button.textContent = label;
      button.classList.remove("tg-asking");
      about && button.setAttribute("aria-label", `${label}, ${about}`);
    };
    button.addEventListener("click", () => {
      if (button.classList.contains("tg-asking")) {
        calm();
        action();
      } else {
        button.classList.add("tg-asking");
        button.textContent = question;
        button.removeAttribute("aria-label");
      }
    });
    button.addEventListener("blur", calm);
    return button;
  };

  // What is being written is kept when the sheet is drawn anew.
  const drafts = new Map();
  const choices = (names, chosen, label) => names.map((name) => h("option", { value: name, selected: name === chosen }, label(name)));

  function form(index, note, done) {
    const key = note ? note.id : index;
    const draft = drafts.get(key) || { theme: note ? note.theme : currentTopic(), college: note ? note.college : "", status: note ? note.status : STATES[0], text: note ? note.text : "" };
    drafts.set(key, draft);
    const keep = (name) => (event) => {
      draft[name] = event.target.value;
    };
    const field = (label, control) => h("label", { class: "tg-field" }, h("span", {}, label), control);
    const topics = [...new Set([GENERAL, ...data.needs.map((need) => need.id), draft.theme])];
    const colleges = [...new Set(["", ...[...store.colleges.keys()].filter((name) => name !== "ensemble"), draft.college])];
    const said = h("p", { class: "tg-alert", role: "alert" });
    const area = h("textarea", { rows: 4, maxlength: LIMITS.text, "aria-describedby": "tg-note-hint", oninput: keep("text") }, draft.text);
    const group = `tg-note-status-${key}`;
    const radio = (id) => h("label", { class: "tg-choice" }, h("input", { type: "radio", name: group, value: id, checked: id === draft.status, onchange: keep("status") }), status(id));
    function save() {
      const text = clean(draft.text).slice(0, LIMITS.text);
      if (!text) {
        said.textContent = t.note_empty;
        area.focus();
        return;
      }
      drafts.delete(key);
      const now = new Date().toISOString();
      const point = data.points[index];
      const base = note || { id: tg.newId(), code: data.codes[index], name: data.names[index], created: now, modified: null, at: point ? [point[1], point[0]] : null };
      done(t.note_saved);
      const next = { ...base, theme: draft.theme, college: draft.college, status: draft.status, text, modified: note ? now : null };
      store.change({ notes: new Map(store.notes).set(next.id, next) }, "notes");
    }
    function cancel() {
      drafts.delete(key);
      done("");
    }
    return h(
      "fieldset",
      { class: "tg-note-form" },
      h("legend", {}, note ? t.note_edit : t.note_add),
      h("div", { class: "tg-two" }, field(t.note_theme, h("select", { onchange: keep("theme") }, choices(topics, draft.theme, tg.topicName))), field(t.note_college, h("select", { onchange: keep("college") }, choices(colleges, draft.college, (name) => (name ? tg.collegeName(name) : t.note_no_college))))),
      h("fieldset", { class: "tg-states" }, h("legend", {}, t.note_status), STATES.map(radio)),
      field(t.note_text, area),
      h("p", { class: "tg-fine", id: "tg-note-hint" }, t.note_hint),
      said,
      h("div", { class: "tg-buttons" }, h("button", { type: "button", class: "tg-main", onclick: save }, t.note_save), h("button", { type: "button", class: "tg-quiet", onclick: cancel }, t.note_cancel))
    );
  }
  const currentTopic = () => (tg.theme() && tg.need() ? tg.need().id : GENERAL);

  const disputed = (id) => store.conflicts.some((one) => one.kind === "note" && one.id === id);
  function remove(id) {
    const notes = new Map(store.notes);
    notes.delete(id);
    store.change({ notes }, "notes");
  }

  tg.noteText = (note) => [
    h("p", { class: "tg-note-head" }, status(note.status), h("span", {}, [tg.topicName(note.theme), note.college && tg.collegeName(note.college)].filter(Boolean).join(" \u00b7 "))),
    h("p", { class: "tg-note-text" }, note.text),
  ];
  function item(note, edit, place) {
    const about = `${tg.communeName(note)}, ${tg.topicName(note.theme)}`;
    const buttons = disputed(note.id)
      ? h("span", { class: "tg-fine" }, t.note_disputed)
      : [
          edit ? h("button", { type: "button", class: "tg-quiet", "aria-label": `${t.note_edit}, ${about}`, onclick: edit }, t.note_edit) : null,
          tg.askTwice(t.note_delete, t.note_delete_sure, () => remove(note.id), about),
        ];
    return h("li", { class: "tg-note-item", "data-id": note.id }, place, tg.noteText(note), h("div", { class: "tg-buttons" }, h("span", { class: "tg-fine" }, when(note)), buttons));
  }

  // The notes of a commune, for its sheet.
  let host = null;
  let editing = null; // the id of a note, or "new"
  function fill(said) {
    const index = Number(host.dataset.index);
    const own = [...store.notes.values()].filter((note) => note.code === data.codes[index]);
    const close = (text) => {
      editing = null;
      fill(text);
      host.querySelector(".tg-note-add").focus({ preventScroll: true });
    };
    const open = (key) => () => {
      editing = key;
      fill("");
      host.querySelector("textarea").focus();
    };
    const line = (note) => (editing === note.id ? h("li", {}, form(index, note, close)) : item(note, open(note.id), null));
    host.replaceChildren(
      own.length ? h("ul", { class: "tg-note-list" }, own.map(line)) : h("p", { class: "tg-fine" }, t.note_none),
      editing === "new" ? form(index, null, close) : h("button", { type: "button", class: "tg-note-add tg-second", onclick: open("new") }, t.note_add),
      h("p", { class: "tg-fine", role: "status" }, said)
    );
    if (editing && editing !== "new" && !own.some((note) => note.id === editing)) {
      editing = null;
    }
  }
  tg.notesFor = function (index) {
    if (!host || Number(host.dataset.index) !== index) {
      editing = drafts.has(index) ? "new" : null;
    }
    host = h("div", { class: "tg-notes", "data-index": String(index) });
    fill("");
    return host;
  };

  // All the notes, for the workshop.
  const PAGE = 30;
  let [wanted, most] = ["", PAGE];
  const list = h("div", {});
  function drawList() {
    const all = [...store.notes.values()].sort((a, b) => String(b.modified || b.created).localeCompare(String(a.modified || a.created)));
    const kept = all.filter((note) => !wanted || note.status === wanted);
    const place = (note) => {
      const index = tg.positionOf(note.code);
      return h("p", { class: "tg-note-place" }, index === null ? tg.communeName(note) : h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(index) }, data.names[index]));
    };
    const more = kept.length > most ? h("button", { type: "button", class: "tg-second", onclick: () => drawMore() }, tg.say(t.note_more, tg.number(Math.min(PAGE, kept.length - most)))) : null;
    list.replaceChildren(h("p", { class: "tg-fine", role: "status" }, all.length ? tg.say(t.note_shown, tg.number(kept.length), tg.number(all.length)) : t.note_none_all), kept.length ? h("ul", { class: "tg-note-list" }, kept.slice(0, most).map((note) => item(note, null, place(note)))) : "", more || "");
  }
  function drawMore() {
    const from = most;
    most += PAGE;
    drawList();
    const first = list.querySelectorAll(".tg-note-place button")[from];
    first && first.focus();
  }
  const filter = h(
    "select",
    {
      id: "tg-note-filter",
      onchange: (event) => {
        [wanted, most] = [event.target.value, PAGE];
        drawList();
      },
    },
    choices(["", ...STATES], "", (id) => (id ? t[`note_${id}`] : t.note_all))
  );
  tg.notesBox = () => h("section", { class: "tg-block", id: "tg-all-notes" }, h("h3", {}, t.note_title), h("p", { class: "tg-fine" }, t.note_how), h("label", { class: "tg-field" }, h("span", {}, t.note_filter), filter), list);

  // A sign on the communes that have notes; they are read in the sheet, so the sign takes no focus.
  const signs = L.layerGroup();
  function drawSigns() {
    signs.clearLayers().addTo(map);
    const counts = new Map();
    store.notes.forEach((note) => counts.set(note.code, (counts.get(note.code) || 0) + 1));
    for (const [code, count] of counts) {
      const at = tg.positionOf(code) === null ? null : data.points[tg.positionOf(code)];
      if (at) {
        const html = h("span", { "aria-hidden": "true" }, tg.number(count));
        L.marker(at, { icon: L.divIcon({ className: "tg-note", html, iconSize: [0, 0] }), interactive: false, keyboard: false }).addTo(signs);
      }
    }
  }
  const redraw = function () {
    drawList();
    drawSigns();
    if (host && !host.querySelector("fieldset")) {
      fill(host.querySelector('[role="status"]').textContent);
    }
  };
  store.follow((what) => what !== "weights" && redraw());
  tg.startNotes = redraw;
})(window.territoireGeo);
