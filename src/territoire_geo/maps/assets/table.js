"use strict";
// The drawer: its tabs, the table twin of the theme, the proposals and the limits.
(function (tg) {
  const { data, t, h } = tg;
  tg.rowsAtOnce = 500; // France has 34,700
  const panels = new Map();
  const tablist = h("div", { role: "tablist", class: "tg-tabs", "aria-label": t.table_drawer });
  const drawer = h(
    "section",
    { id: "tg-drawer", hidden: true, "aria-label": t.table_drawer },
    h("header", {}, tablist, h("button", { type: "button", class: "tg-close", "aria-label": t.close, onclick: () => tg.closeDrawer() }, "\u00d7"))
  );
  tg.drawer = drawer;
  let opener = null;
  let current = null;

  tg.addTab = function (id, label, view, onopen) {
    const tab = h("button", { type: "button", role: "tab", id: `tg-tab-${id}`, "aria-controls": view.id, "aria-selected": "false", tabindex: "-1", onclick: () => tg.openDrawer(id) }, label);
    view.setAttribute("role", "tabpanel");
    view.setAttribute("aria-labelledby", tab.id);
    view.setAttribute("tabindex", "0"); // it scrolls: the keyboard must reach it
    view.hidden = true;
    panels.set(id, { tab, view, onopen });
    tablist.append(tab);
    drawer.append(view);
  };
  tg.openDrawer = function (id) {
    if (!panels.has(id)) {
      return;
    }
    if (drawer.hidden) {
      opener = document.activeElement;
    }
    drawer.hidden = false;
    current = id;
    document.body.classList.add("tg-drawn");
    for (const [key, { tab, view }] of panels) {
      const mine = key === id;
      view.hidden = !mine;
      tab.setAttribute("aria-selected", mine ? "true" : "false");
      tab.setAttribute("tabindex", mine ? "0" : "-1");
    }
    const { tab, onopen } = panels.get(id);
    if (onopen) {
      onopen();
    }
    tab.focus({ preventScroll: true });
    tg.makeRoom();
  };
  tg.closeDrawer = function () {
    if (drawer.hidden) {
      return;
    }
    drawer.hidden = true;
    document.body.classList.remove("tg-drawn");
    tg.makeRoom();
    if (opener && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
  };
  drawer.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) {
      event.preventDefault();
      tg.closeDrawer();
    }
  });
  const STEPS = { ArrowRight: 1, ArrowLeft: -1 };
  tablist.addEventListener("keydown", (event) => {
    const ids = [...panels.keys()];
    if (STEPS[event.key]) {
      event.preventDefault();
      tg.openDrawer(ids[(ids.indexOf(current) + STEPS[event.key] + ids.length) % ids.length]);
    }
  });

  // Columns: header, value to sort by, text to show, and what a spreadsheet gets.
  const few = (value) => value !== null && value !== 0 && Math.abs(value) < 5;
  const words = (head, text, more) => ({ head, key: text, text, raw: text, side: true, ...more });
  const decimal = (value, digits) => String(Number(value.toFixed(digits))).replace(".", data.lang === "fr" ? "," : ".");
  const figure = (head, values, digits, more) => ({
    head,
    key: (i) => values[i],
    text: (i) => tg.number(values[i], digits),
    raw: (i) => (values[i] === null || values[i] === undefined ? "" : { number: decimal(values[i], digits) }),
    ...more,
  });
  const people = (head, values, short) =>
    figure(head, values, 0, { short, text: (i) => tg.people(values[i]), raw: (i) => (few(values[i]) ? "<5" : values[i] === null ? "" : { number: String(values[i]) }) });
  const filled = (values) => Array.isArray(values) && values.some((value) => value !== null);

  function needColumns(need) {
    const percents = { short: t.short_share, text: (i) => (need.demand[i] === 0 ? t.nobody : tg.percent(need.share[i])) };
    return [
      people(need.people, need.unmet_people, t.short_people),
      people(t.low, need.low),
      people(t.high, need.high),
      figure(`${t.share} (%)`, need.share, 1, percents),
      people(need.who, need.demand, t.demand),
      figure(`${t.access} (${need.accessUnit})`, need.access, need.decimals, { short: t.access }),
      figure(t.target, need.norms, need.decimals),
      filled(need.gap) ? figure(`${t.gap} (${need.gapUnit})`, need.gap, need.gapDecimals, { text: (i) => tg.units(need, need.gap[i]) }) : null,
      figure(t.answering_long, need.answering, 0, { short: t.short_answering }),
      figure(`${t.nearest} (${t.minutes})`, need.nearest, 0, { text: (i) => (need.nearest[i] === null ? "\u2013" : tg.number(need.nearest[i])) }),
    ].filter(Boolean);
  }
  function rankColumns() {
    const priority = tg.priority;
    if (!priority) {
      return [];
    }
    const percents = (values) => values.map((value) => (value === null || value === undefined ? null : 100 * value));
    const labelOf = (id) => (data.needs.find((need) => need.id === id) || { label: id }).label;
    const parts = Object.entries(data.ranking.components || {});
    return [
      figure(t.table_rank, priority.rank, 0, { rising: true }),
      figure(t.table_rank_low, priority.low, 0, { rising: true }),
      figure(t.table_rank_high, priority.high, 0, { rising: true }),
      figure(t.table_stability, percents(priority.stability), 0),
      figure(t.table_score, priority.score, 1),
      ...parts.map(([id, shares]) => figure(tg.say(t.table_part, labelOf(id)), percents(shares), 1)),
    ];
  }
  function columns(theme) {
    const name = words(t.commune, (i) => data.names[i]);
    const code = words(t.table_code, (i) => data.codes[i]);
    const values = theme.kind === "need" || theme.kind === "rank" ? null : tg.valuesOf(theme);
    const head = (theme.title || theme.label) + (theme.unit ? ` (${theme.unit})` : "");
    const digits = theme.decimals === undefined ? 1 : theme.decimals;
    const raw = (i) => (theme.small && few(values[i]) ? "<5" : values[i] === null ? "" : { number: decimal(values[i], digits) });
    const value = values ? [figure(head, values, digits, { text: (i) => tg.valueText(i, theme), raw, short: theme.label })] : [];
    const group = words(t.class, (i) => tg.classText(i, theme), { key: (i) => (placed(i, theme) ? tg.codeOf(i, theme) : null) });
    const need = tg.need();
    const more = theme.kind === "rank" ? rankColumns() : need && theme.kind !== "measure" ? needColumns(need) : [];
    return [name, code, ...value, ...(theme.kind === "need" ? [...more, group] : [group, ...more])];
  }
  const named = (theme) => [theme.label, theme.viewLabel].filter(Boolean).join(" \u00b7 ");
  const placed = (i, theme) => tg.codeOf(i, theme) < tg.OUTSIDE;

  // What is asked of the table: an order, a text, a class.
  const asked = { order: null, text: "", code: "", limit: tg.rowsAtOnce };
  const input = h("input", { type: "search", id: "tg-filter", placeholder: t.table_filter, "aria-label": t.table_filter, autocomplete: "off", oninput: filter });
  const choice = h("select", { id: "tg-filter-class", "aria-label": t.table_class, onchange: filter });
  const counted = h("span", { class: "tg-fine", role: "status" });
  const hint = h("p", { class: "tg-fine tg-said" });
  const glossary = h("p", { class: "tg-fine tg-said" });
  const twin = h("div", { class: "tg-twin" });
  const more = h("button", { type: "button", class: "tg-button", onclick: longer });
  const view = h(
    "div",
    { id: "tg-table" },
    h("div", { class: "tg-tools" }, input, choice, h("button", { type: "button", class: "tg-button", id: "tg-export", onclick: save }, t.table_export), counted),
    hint,
    glossary,
    twin,
    more
  );
  let stale = true;
  let drawnNarrow = null;

  function rows(all) {
    const theme = tg.theme();
    const wanted = tg.plain(asked.text);
    const kept = [];
    for (let i = 0; i < data.core; i++) {
      const inText = !wanted || data.codes[i].startsWith(asked.text.trim().toUpperCase()) || tg.plain(data.names[i]).includes(wanted);
      if (inText && (asked.code === "" || tg.codeOf(i, theme) === Number(asked.code))) {
        kept.push(i);
      }
    }
    return arranged(kept, all[asked.order.column], asked.order.down);
  }
  // Unknown values come last, whichever the order.
  function arranged(kept, column, down) {
    const collator = new Intl.Collator(data.lang);
    const keys = new Map(kept.map((i) => [i, column.key(i)]));
    const blank = (key) => key === null || key === undefined;
    return kept.sort((a, b) => {
      const [left, right] = [keys.get(a), keys.get(b)];
      if (blank(left) || blank(right)) {
        return blank(left) - blank(right) || a - b;
      }
      const way = typeof left === "string" ? collator.compare(left, right) : left - right;
      return (down ? -way : way) || a - b;
    });
  }
  function classes(theme) {
    const found = new Map();
    for (let i = 0; i < data.core; i++) {
      const code = tg.codeOf(i, theme);
      if (code !== tg.UNKNOWN && !found.has(code)) {
        found.set(code, tg.classText(i, theme));
      }
    }
    const listed = [...found].sort((a, b) => a[0] - b[0]).map(([code, text]) => h("option", { value: code }, text));
    choice.replaceChildren(h("option", { value: "" }, t.table_all), ...listed, h("option", { value: tg.UNKNOWN }, t.table_unknown));
    choice.value = asked.code;
  }
  function start(theme) {
    const all = columns(theme);
    const column = all.findIndex((one) => !one.side);
    const first = column < 0 ? 2 : column;
    asked.order = { column: first, down: !all[first].rising };
    Object.assign(asked, { code: "", limit: tg.rowsAtOnce });
  }

  function draw() {
    const theme = tg.theme();
    if (!asked.order) {
      start(theme);
    }
    stale = false;
    drawnNarrow = tg.narrow();
    classes(theme);
    const all = columns(theme);
    const found = rows(all);
    const heads = all.map((column, rank) => heading(column, rank));
    hint.replaceChildren(`${named(theme)} \u00b7 ${t.table_hint}`, drawnNarrow ? h("b", {}, ` ${t.table_wide}`) : "");
    const need = theme.kind === "need" && drawnNarrow ? tg.need() : null;
    glossary.textContent = need ? `${t.short_people}${t.colon}${need.people}${tg.semicolon}${t.access}, ${t.target}${t.colon}${need.accessUnit}.` : "";
    counted.textContent = found.length ? tg.say(t.table_shown, tg.number(found.length), tg.number(data.core)) : t.table_none;
    twin.replaceChildren(
      h(
        "table",
        { "aria-rowcount": found.length + 1 },
        h("caption", { class: "tg-hidden" }, tg.say(t.table_caption, theme.title || theme.label)),
        h("thead", {}, h("tr", {}, heads)),
        h("tbody", {}, found.slice(0, asked.limit).map((index) => line(all, index)))
      )
    );
    more.hidden = found.length <= asked.limit;
    more.textContent = tg.say(t.table_more, tg.number(Math.min(tg.rowsAtOnce, found.length - asked.limit)));
  }
  function heading(column, rank) {
    const { order } = asked;
    const way = rank === order.column ? (order.down ? "descending" : "ascending") : "none";
    const arrow = rank === order.column ? (order.down ? " \u2193" : " \u2191") : "";
    const name = drawnNarrow ? column.short || column.head : column.head;
    return h("th", { scope: "col", "aria-sort": way, class: column.side ? "" : "tg-num" }, h("button", { type: "button", title: `${column.head} \u2013 ${t.sort}`, onclick: () => sort(rank) }, name, h("span", { "aria-hidden": "true" }, arrow)));
  }
  function line(all, index) {
    const cells = all.map((column, rank) =>
      rank === 0
        ? h("th", { scope: "row" }, h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(index) }, column.text(index)))
        : h("td", { class: column.side ? "" : "tg-num" }, column.text(index))
    );
    return h("tr", { "data-index": index, "data-code": data.codes[index], "aria-current": tg.state.commune === index ? "true" : null }, cells);
  }
  function sort(column) {
    const all = columns(tg.theme());
    asked.order = { column, down: asked.order.column === column ? !asked.order.down : !all[column].side && !all[column].rising };
    draw();
    twin.querySelectorAll("thead button")[column].focus({ preventScroll: true });
  }
  function filter() {
    Object.assign(asked, { text: input.value, code: choice.value, limit: tg.rowsAtOnce });
    draw();
  }
  function longer() {
    const first = asked.limit;
    asked.limit += tg.rowsAtOnce;
    draw();
    const next = twin.querySelectorAll("tbody button")[first];
    if (next) {
      next.focus();
    }
  }
  function mark() {
    twin.querySelectorAll("tr[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
    const row = tg.state.commune === null ? null : twin.querySelector(`tr[data-index="${tg.state.commune}"]`);
    if (row) {
      row.setAttribute("aria-current", "true");
    }
  }
  const showing = () => !drawer.hidden && current === "table";
  function changed() {
    stale = true;
    if (showing()) {
      draw();
    }
  }
  tg.onTheme(() => {
    asked.order = null;
    changed();
  });
  tg.onSelect(mark);
  if (tg.onPriority) {
    tg.onPriority(() => {
      if (tg.theme().kind === "rank") {
        changed();
      }
    });
  }
  tg.addTab("table", t.show_table, view, () => {
    if (stale || tg.narrow() !== drawnNarrow) {
      draw(); // the theme or the window changed
    }
  });

  // A spreadsheet runs a text that begins like a formula: an apostrophe keeps it a text. Numbers are ours.
  tg.csvCell = function (value) {
    if (value !== null && typeof value === "object") {
      return value.number;
    }
    const text = value === null || value === undefined ? "" : String(value).replace(/[\u00a0\u202f]/g, " ");
    const safe = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]/.test(text) ? `'${text}` : text;
    return /[;"\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  };
  function stateOf(index, theme) {
    const code = tg.codeOf(index, theme);
    return code === tg.NOBODY ? t.nobody : code === tg.UNKNOWN ? tg.reasonOf(index, theme) : t.table_known;
  }
  tg.csv = function () {
    const theme = tg.theme();
    if (!asked.order) {
      start(theme);
    }
    const all = columns(theme);
    const lines = rows(all).map((index) => [...all.map((column) => column.raw(index)), stateOf(index, theme)]);
    const table = [[...all.map((column) => column.head), t.table_state], ...lines];
    return `\ufeff${table.map((cells) => cells.map(tg.csvCell).join(";")).join("\r\n")}\r\n`;
  };
  function save() {
    const text = tg.csv();
    const file = (tg.plain(`${data.name} ${named(tg.theme())}`).replace(/ /g, "-").slice(0, 80) || "territoire") + ".csv";
    tg.download(file, text, "text/csv;charset=utf-8");
    counted.textContent = tg.say(t.table_exported, tg.number(text.split("\r\n").length - 2), file);
  }
  tg.download = function (file, text, type) {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = h("a", { href: url, download: file, hidden: true });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10_000); // once the browser has taken it
  };

  // Proposals, need by need.
  const proposals = h("div", { id: "tg-proposals" });
  tg.addTab("proposals", t.table_proposals, proposals, () => {
    const listed = data.proposals || [];
    const groups = data.needs.map((need) => listed.filter((one) => one.need === need.id)).filter((group) => group.length);
    proposals.replaceChildren(
      h("p", { class: "tg-fine" }, listed.length ? t.table_proposals_lead : t.table_proposals_none),
      h("div", { class: "tg-columns" }, groups.map((group) => h("section", {}, group.map((one) => [tg.proposalCard(one, true), places(one)]))))
    );
  });
  function places(one) {
    const [first] = one.communes;
    if (first === undefined) {
      return null;
    }
    const many = one.communes.length > 1 ? ` (${tg.say(t.table_concerned, tg.number(one.communes.length))})` : "";
    return h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(first) }, tg.say(t.table_show_commune, data.names[first]) + many);
  }

  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const part = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);
  const folded = (title, ...content) => h("details", { class: "tg-folded-part" }, h("summary", {}, h("h3", {}, title)), ...content);
  const listOf = (texts, attributes) => h("ul", attributes || {}, texts.map((text) => h("li", {}, text)));
  const limits = h("div", { id: "tg-limits" });
  function drawLimits() {
    const told = data.limits;
    const away = data.structures.filter((structure) => !structure.at);
    const remarks = (data.ranking && data.ranking.remarks) || [];
    const link = (structure) => h("button", { type: "button", class: "tg-link", onclick: () => tg.openStructure(structure) }, `${structure.name} (${structure.kind})`);
    const cite = (source) => [source.cite, source.licence ? ` (${source.licence})` : "", source.url ? h("span", { class: "tg-fine" }, ` ${source.url}`) : ""];
    const method = (theme) => [...(theme.scales || []).map((scale) => `${capital(scale.said)}.`), theme.note || ""].filter(Boolean).join(" ");
    const methods = data.themes.map((theme) => [named(theme), method(theme)]).filter(([, text]) => text);
    const formulas = (data.standings || []).map((one) => [one.label, [one.formula, one.fragile ? tg.say(t.table_fragile, tg.number(one.fragile)) : ""].filter(Boolean).join(tg.semicolon)]);
    limits.replaceChildren(
      h("p", {}, h("b", {}, t.subtitle), " ", t.small),
      part(t.warnings, told.warnings.length ? listOf(told.warnings) : h("p", {}, t.no_warning)),
      remarks.length ? part(t.table_remarks, listOf(remarks)) : "",
      away.length ? part(`${t.unplaced} (${tg.number(away.length)})`, listOf(away.map(link), { id: "tg-unplaced" })) : "",
      part(t.sources, listOf(told.sources.map(cite), { id: "tg-sources" })),
      told.settings.length ? part(t.settings, tg.rows(told.settings)) : "",
      methods.length ? folded(t.table_methods, tg.rows(methods)) : "",
      formulas.length ? folded(t.table_measures, tg.rows(formulas)) : ""
    );
  }
  tg.addTab("limits", t.table_limits, limits, drawLimits);
})(window.territoireGeo);
