"use strict";
// The workshop: weights by college moved live, the ranking that they make, how far it holds, where colleges differ.
(function (tg) {
  const { data, t, h } = tg;
  const { store } = tg;
  const R = tg.ranking;
  const ranking = data.ranking;
  const needs = ranking.needs;
  const WIDE = data.themes.find((theme) => theme.kind === "rank")?.unsure ?? 0.2; // as the map tells uncertain ranks
  const TOP = 10;
  const MOST = 10; // of a slider
  const EVEN = 5;
  const SLICE = 8; // ms of a slice of computing
  const AT_ONCE = 3000; // communes
  const PAUSE = 150; // ms without a move before the stability is computed
  const COLOURS = ["#332288", "#88ccee", "#117733", "#ddcc77", "#cc6677", "#44aa99", "#882255", "#999933", "#aa4499"]; // Tol, for colour-blind readers too
  // Computed in the order of the diagnostic's ranking, shown in the order of its needs.
  const position = (rank) => data.needs.findIndex((need) => need.id === needs[rank]);
  const order = [...needs.keys()].sort((a, b) => position(a) - position(b));
  const colour = (rank) => COLOURS[order.indexOf(rank) % COLOURS.length];
  const inOrder = (parts) => parts.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));

  let prepared = null; // points by need, the first time they are asked for
  const ready = () => prepared || (prepared = R.prepare(needs.map((need) => ranking.components[need])));
  const given = () => new Map(Object.entries(ranking.colleges).map(([name, weights]) => [name, { weights: new Map(needs.map((need) => [need, weights[need] || 0])), untouched: true }]));
  store.colleges = given();
  const untouched = () => store.colleges.size === Object.keys(ranking.colleges).length && [...store.colleges.values()].every((college) => college.untouched);
  tg.ownColleges = () => [...store.colleges.keys()].some((name) => !Object.hasOwn(ranking.colleges, name));
  const weightsOf = (college) => needs.map((need) => college.weights.get(need) || 0);

  // Weights are proportions: on sliders from 0 to 10, in whole numbers when they can be.
  function onSliders(college) {
    const weights = weightsOf(college);
    const most = Math.max(...weights);
    if (!most || (most >= 1 && most <= MOST && !college.untouched)) {
      return weights;
    }
    const whole = (top) => weights.every((weight) => Math.abs((weight / most) * top - Math.round((weight / most) * top)) < 1e-9);
    const top = [EVEN, 10, 4, 3, 6, 8, 7, 9].find(whole) || MOST;
    return weights.map((weight) => (weight / most) * top);
  }

  // The ranking of the moment.
  let current = null; // {found, table} or {why}
  let job = null;
  let waiting = null;
  const told = (values) => Array.from(values, (value) => (Number.isNaN(value) ? null : value));
  const blank = () => new Array(data.core).fill(null);
  // The sheet and the table of the page read these columns by the names that the diagnostic gives them.
  function show(table) {
    current.table = { ...table, rank_low: table.low, rank_high: table.high };
    tg.setPriority(current.table);
    drawList();
  }
  function reweigh() {
    stop();
    const weights = R.together([...store.colleges.values()].map(weightsOf));
    const found = weights && R.score(ready(), weights);
    current = { found, why: weights ? "workshop_none_known" : "workshop_all_zero" };
    drawMean();
    if (untouched() && ranking.table) {
      const { score, rank, rank_low: low, rank_high: high, stability } = ranking.table;
      show({ score, rank, low, high, stability });
      say(found ? t.workshop_of_diagnostic : t[current.why]);
    } else if (found) {
      show({ score: told(found.score), rank: Array.from(found.rank, (rank) => rank || null), low: blank(), high: blank(), stability: blank() });
      say(t.workshop_computing);
      job = { timer: window.setTimeout(() => hold(found), PAUSE) };
    } else {
      show({ score: blank(), rank: blank(), low: blank(), high: blank(), stability: blank() });
      say(t[current.why]);
    }
    // With a whole country, what colleges agree on waits for a pause.
    window.clearTimeout(waiting);
    data.core > AT_ONCE ? (waiting = window.setTimeout(drawAgreement, PAUSE)) : drawAgreement();
  }
  tg.reweigh = reweigh;

  // The stability, in slices between what the reader does; dropped when weights move again.
  const idle = (task) => (window.requestIdleCallback ? window.requestIdleCallback(task, { timeout: 100 }) : window.setTimeout(task, 0));
  function stop() {
    if (job) {
      window.clearTimeout(job.timer);
      job.dropped = true;
      job = null;
    }
  }
  function hold(found) {
    const own = job;
    const work = R.stability(ready(), found, ranking.fraction);
    const slice = function () {
      const start = performance.now();
      let over = false;
      while (!own.dropped && !over && performance.now() - start < SLICE) {
        over = work.step();
      }
      if (over) {
        const { low, high, stability } = work.result;
        show({ ...current.table, low: told(low), high: told(high), stability: told(stability) });
        say(tg.say(t.workshop_held, tg.number(work.draws)));
        job = null;
      } else if (!own.dropped) {
        idle(slice);
      }
    };
    idle(slice);
  }

  // The ranking: the first communes, their interval, and the parts of their score.
  const state = h("p", { class: "tg-fine", id: "tg-stability", role: "status" });
  const say = (text) => {
    state.textContent = text;
  };
  const list = h("div", { id: "tg-ranking" });
  function first() {
    const rank = current.table.rank;
    const found = [];
    for (let index = 0; index < rank.length; index++) {
      if (rank[index] !== null && rank[index] <= TOP) {
        found.push(index);
      }
    }
    return found.sort((a, b) => rank[a] - rank[b] || a - b).slice(0, TOP);
  }
  function drawList() {
    const { rank } = current.table;
    const ranked = rank.reduce((count, own) => count + (own !== null), 0);
    const [top, others] = [current.found ? first() : [], data.core - ranked];
    const rest = ranked - top.length;
    const table = () => {
      tg.setTheme("rank");
      tg.openDrawer("table");
    };
    list.replaceChildren(
      h("ol", { class: "tg-ranks" }, top.map((index) => line(index, ranked))),
      rest > 0 ? h("button", { type: "button", class: "tg-second", id: "tg-all-ranks", onclick: table }, tg.say(tg.one(rest) ? t.workshop_other : t.workshop_others, tg.number(rest))) : "",
      others > 0 ? h("p", { class: "tg-fine" }, tg.say(tg.one(others) ? t.workshop_unranked_one : t.workshop_unranked, tg.number(others))) : ""
    );
  }
  function line(index, ranked) {
    const { rank, low, high } = current.table;
    const doubtful = R.uncertain(low[index], high[index], ranked, WIDE);
    const interval = low[index] === null ? "\u2026" : low[index] === high[index] ? tg.say(t.workshop_rank, tg.number(low[index])) : tg.say(t.workshop_ranks, tg.number(low[index]), tg.number(high[index]));
    const parts = inOrder(R.parts(ready(), current.found, index).map((part, rank) => [current.found.needs[rank], part]));
    const text = parts.map(([need, part]) => `${tg.topicName(needs[need])} ${tg.number(part, 0)}`).join(tg.semicolon);
    return h(
      "li",
      { class: doubtful ? "tg-doubtful" : "" },
      h("span", { class: "tg-position" }, tg.number(rank[index])),
      h("span", { class: "tg-who" }, h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(index) }, data.names[index])),
      h("span", { class: "tg-interval" }, interval, doubtful ? h("span", { class: "tg-doubt" }, t.workshop_doubtful) : null),
      bar(parts, tg.say(t.workshop_parts, text))
    );
  }
  // Widths are points out of 100: the bar of a commune ends at its score.
  function bar(parts, label) {
    const box = h("span", { class: "tg-parts", role: "img", "aria-label": label, title: label });
    for (const [need, part] of parts.filter(([, value]) => value > 0)) {
      const piece = h("i", { colour: colour(need) });
      piece.style.width = `${Math.min(100, part)}%`;
      box.append(piece);
    }
    return box;
  }

  // Weights: one college at a time, their mean above.
  let chosen = [...store.colleges.keys()][0];
  const mean = h("div", { class: "tg-mean" });
  const weightsBox = h("div", {});
  const named = h("p", { class: "tg-alert", role: "alert" });
  function drawMean() {
    const count = [...store.colleges.values()].filter((college) => weightsOf(college).some((weight) => weight > 0)).length;
    const silent = store.colleges.size - count;
    const parts = current.found ? inOrder(current.found.share.map((share, rank) => [current.found.needs[rank], 100 * share])) : [];
    const text = parts.map(([need, part]) => `${tg.topicName(needs[need])} ${tg.percent(part, 0)}`).join(tg.semicolon);
    mean.replaceChildren(
      h("p", { class: "tg-fine" }, store.colleges.size > 1 ? tg.say(t.workshop_mean, tg.number(count)) : t.workshop_mean_one, silent && count ? ` ${t.workshop_silent}` : ""),
      current.found ? bar(parts, text) : h("p", { class: "tg-alert" }, t[current.why])
    );
  }
  function put(name, weights) {
    store.change({ colleges: new Map(store.colleges).set(name, { weights, untouched: false }) }, "weights");
  }
  function slider(rank, value) {
    const said = (number) => tg.number(number, Number.isInteger(number) ? 0 : 1);
    const out = h("output", { for: `tg-weight-${rank}`, "aria-live": "off" }, said(value));
    const move = (event) => {
      const now = onSliders(store.colleges.get(chosen));
      now[rank] = Number(event.target.value);
      out.textContent = said(now[rank]);
      put(chosen, new Map([...store.colleges.get(chosen).weights, ...needs.map((need, place) => [need, now[place]])]));
      if (tg.theme().id !== "rank") {
        tg.setTheme("rank");
      }
    };
    return h(
      "div",
      { class: "tg-weight" },
      h("label", { for: `tg-weight-${rank}` }, h("i", { class: "tg-chip", colour: colour(rank), "aria-hidden": "true" }), h("span", {}, tg.topicName(needs[rank]), ready().told[rank] ? null : h("small", {}, t.workshop_unknown))),
      h("input", { type: "range", id: `tg-weight-${rank}`, "data-need": needs[rank], min: 0, max: MOST, step: 1, value: Math.round(value), "aria-valuetext": tg.say(t.workshop_of_ten, said(value)), oninput: (event) => {
        event.target.setAttribute("aria-valuetext", tg.say(t.workshop_of_ten, event.target.value));
        move(event);
      } }),
      out
    );
  }
  function drawWeights() {
    if (!store.colleges.has(chosen)) {
      chosen = [...store.colleges.keys()][0];
    }
    const [names, values] = [[...store.colleges.keys()], onSliders(store.colleges.get(chosen))];
    const pick = (name) => h("label", { class: "tg-pick" }, h("input", { type: "radio", name: "tg-college", value: name, checked: name === chosen, onchange: () => choose(name) }), h("span", {}, tg.collegeName(name)));
    weightsBox.replaceChildren(
      h("fieldset", { class: "tg-colleges" }, h("legend", {}, t.workshop_colleges), names.map(pick), h("button", { type: "button", class: "tg-second", id: "tg-college-add", onclick: add }, t.workshop_add)),
      h(
        "fieldset",
        { class: "tg-weights" },
        h("legend", {}, tg.say(t.workshop_weights_of, tg.collegeName(chosen))),
        order.map((rank) => slider(rank, values[rank])),
        h("div", { class: "tg-buttons tg-naming" }, h("label", { class: "tg-field" }, h("span", {}, t.workshop_name), h("input", { type: "text", id: "tg-college-name", maxlength: 80, value: tg.collegeName(chosen), autocomplete: "off", onchange: (event) => rename(event.target) })), names.length > 1 ? tg.askTwice(t.workshop_remove, t.workshop_remove_sure, remove, tg.collegeName(chosen)) : null),
        named
      )
    );
  }
  function choose(name) {
    chosen = name;
    named.textContent = "";
    drawWeights();
    weightsBox.querySelector(".tg-pick input:checked").focus({ preventScroll: true });
  }
  function add() {
    let rank = store.colleges.size + 1;
    while (store.colleges.has(tg.say(t.workshop_new, rank))) {
      rank++;
    }
    if (store.colleges.size >= tg.session.LIMITS.colleges) {
      named.textContent = tg.say(t.workshop_full, store.colleges.size);
      return;
    }
    chosen = tg.say(t.workshop_new, rank);
    named.textContent = "";
    store.change({ colleges: new Map(store.colleges).set(chosen, { weights: new Map(needs.map((need) => [need, EVEN])), untouched: false }) }, "colleges");
    const field = weightsBox.querySelector("#tg-college-name");
    field.focus();
    field.select();
  }
  function rename(field) {
    const name = tg.session.word(field.value);
    if (name === tg.collegeName(chosen)) {
      return;
    }
    const taken = [...store.colleges.keys()].some((own) => own === name || (own !== chosen && tg.collegeName(own) === name));
    if (!name || taken) {
      named.textContent = taken ? t.workshop_taken : t.workshop_no_name;
      field.value = tg.collegeName(chosen);
      return;
    }
    const before = chosen;
    const now = new Date().toISOString();
    chosen = name;
    named.textContent = "";
    // What a college said follows its name.
    const notes = new Map([...store.notes].map(([id, note]) => [id, note.college === before ? { ...note, college: name, modified: now } : note]));
    const colleges = new Map([...store.colleges].map(([own, college]) => (own === before ? [name, { ...college, untouched: false }] : [own, college])));
    store.change({ colleges, notes, conflicts: store.conflicts.map((one) => (one.college === before ? { ...one, college: name } : one)) }, "colleges");
    weightsBox.querySelector("#tg-college-name").focus({ preventScroll: true });
  }
  function remove() {
    const colleges = new Map(store.colleges);
    colleges.delete(chosen);
    store.change({ colleges }, "colleges");
    weightsBox.querySelector(".tg-pick input:checked").focus({ preventScroll: true });
  }
  function reset() {
    store.change({ colleges: given() }, "colleges");
  }

  // Agreement, as the mean correlation of ranks between colleges says it: W alone is 1/m for m who do not agree at all.
  const agreementBox = h("div", {});
  const words = (mean) => t[[[0.9, "workshop_agree_5"], [0.7, "workshop_agree_4"], [0.4, "workshop_agree_3"], [0.1, "workshop_agree_2"], [-0.1, "workshop_agree_1"]].reduce((found, [least, key]) => found || (mean >= least ? key : null), null) || "workshop_agree_0"];
  function drawAgreement() {
    const voices = [...store.colleges].filter(([, college]) => weightsOf(college).some((weight) => weight > 0));
    const found = voices.length > 1 ? R.rankings(ready(), voices.map(([, college]) => weightsOf(college))) : [];
    const kept = voices.map(([name], rank) => [name, found[rank]]).filter(([, ranks]) => ranks);
    const columns = kept.map(([, ranks]) => ranks);
    const agreed = columns.length > 1 ? R.agreement(columns) : null;
    if (!agreed || Number.isNaN(agreed.w)) {
      agreementBox.replaceChildren(h("p", { class: "tg-fine" }, voices.length > 1 ? t.workshop_nothing_to_order : t.workshop_one_college));
      return;
    }
    const differ = R.disagreements(columns, 5);
    const who = (rank) => tg.collegeName(kept[rank][0]);
    agreementBox.replaceChildren(
      h("p", { class: "tg-agreed" }, h("b", {}, words(agreed.mean)), " ", tg.say(t.workshop_w, tg.number(agreed.w, 2), tg.number(agreed.judges), tg.number(agreed.places))),
      differ.length ? h("p", { class: "tg-fine" }, t.workshop_differ) : "",
      h("ul", { class: "tg-differ" }, differ.map((one) => h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(one.place) }, data.names[one.place]), ` ${tg.say(t.workshop_differ_line, tg.number(one.highestRank), who(one.highest), tg.number(one.lowestRank), who(one.lowest))}`)))
    );
  }

  const title = h("h2", { id: "tg-workshop-title", tabindex: "-1" }, t.workshop_title);
  const remarks = ranking.remarks || [];
  const aside = h(
    "aside",
    { id: "tg-workshop", "aria-labelledby": "tg-workshop-title", hidden: true },
    h("header", {}, title, h("button", { type: "button", class: "tg-close", "aria-label": t.workshop_close, onclick: () => tg.closeWorkshop() }, "\u00d7")),
    h(
      "div",
      { class: "tg-workshop-body" },
      h("p", { class: "tg-hint" }, t.workshop_hint),
      h("section", { class: "tg-block" }, h("h3", {}, t.workshop_weights), weightsBox, mean, tg.askTwice(t.workshop_reset, t.workshop_reset_sure, reset)),
      h("section", { class: "tg-block" }, h("h3", {}, t.workshop_ranking), h("p", { class: "tg-fine" }, t.workshop_ranking_hint), state, list, remarks.length ? h("details", { class: "tg-fine" }, h("summary", {}, t.workshop_remarks), remarks.map((text) => h("p", {}, text))) : null),
      h("section", { class: "tg-block" }, h("h3", {}, t.workshop_agreement), agreementBox),
      tg.notesBox(),
      tg.sessionBox()
    )
  );
  tg.workshop = aside;

  let opener = null;
  const BESIDE = 1500; // pixels of a window where a sheet stands beside the workshop, as in workshop.css
  tg.openWorkshop = function () {
    if (aside.hidden) {
      opener = document.activeElement;
    }
    if (window.innerWidth < BESIDE) {
      tg.closeSheet();
    }
    if (!current) {
      reweigh();
      drawWeights();
    }
    aside.hidden = false;
    document.body.classList.add("tg-working");
    tg.makeRoom();
    title.focus({ preventScroll: true });
  };
  tg.closeWorkshop = function () {
    aside.hidden = true;
    document.body.classList.remove("tg-working");
    tg.makeRoom();
    if (opener && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
  };
  aside.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault();
      tg.closeWorkshop();
    }
  });
  store.follow((what) => {
    if (what !== "notes") {
      reweigh();
    }
    if (what === "colleges" || what === "all") {
      drawWeights();
    }
  });
  // Once the map is drawn: what this tab remembers, and the signs of its notes.
  tg.startWorkshop = function () {
    tg.recallSession();
    tg.startNotes();
  };
})(window.territoireGeo);
