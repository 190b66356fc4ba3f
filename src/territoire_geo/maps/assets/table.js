"use strict";
// The drawer: the table twin of the theme, and the limits.
(function (tg) {
  const { data, t, h } = tg;
  const views = { table: h("div", { id: "tg-table", role: "region", "aria-label": t.show_table, tabindex: "0" }), limits: h("div", { id: "tg-limits" }) };
  const tabs = {
    table: h("button", { type: "button", id: "tg-tab-table", onclick: () => tg.openDrawer("table") }, t.show_table),
    limits: h("button", { type: "button", id: "tg-tab-limits", onclick: () => tg.openDrawer("limits") }, t.show_limits),
  };
  const drawer = h(
    "section",
    { id: "tg-drawer", hidden: true, "aria-label": t.show_table },
    h("header", {}, tabs.table, tabs.limits, h("button", { type: "button", class: "tg-close", "aria-label": t.close, onclick: () => tg.closeDrawer() }, "\u00d7")),
    views.table,
    views.limits
  );
  tg.drawer = drawer;
  let opener = null;
  let drawnNarrow = null;

  tg.openDrawer = function (name) {
    if (drawer.hidden) {
      opener = document.activeElement;
    }
    drawer.hidden = false;
    if (name === "table" && tg.narrow() !== drawnNarrow) {
      draw(tg.theme()); // the window changed: so do the headers
    }
    document.body.classList.add("tg-drawn");
    for (const [key, view] of Object.entries(views)) {
      view.hidden = key !== name;
      tabs[key].setAttribute("aria-pressed", key === name ? "true" : "false");
    }
    tabs[name].focus({ preventScroll: true });
  };
  tg.closeDrawer = function () {
    drawer.hidden = true;
    document.body.classList.remove("tg-drawn");
    if (opener && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
  };
  drawer.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      tg.closeDrawer();
    }
  });

  // Columns: header, value to sort by, text to show.
  function columns(theme) {
    const name = { head: t.commune, key: (i) => data.names[i], text: (i) => data.names[i], side: true };
    const code = { head: "code", key: (i) => data.codes[i], text: (i) => data.codes[i], side: true };
    if (theme.kind === "context") {
      const labels = (i) => (theme.codes[i] === "u" ? tg.reason(theme.why, i) : theme.labels[Number(theme.codes[i])]);
      return [name, code, { head: `${theme.label}${theme.unit ? ` (${theme.unit})` : ""}`, key: (i) => theme.values[i], text: (i) => shown(theme, i) }, { head: t.class, key: (i) => theme.codes[i], text: labels, side: true }];
    }
    const need = tg.need();
    const count = (head, values, short) => ({ head, short, key: (i) => values[i], text: (i) => tg.people(values[i]) });
    const figures = [
      count(need.people, need.unmet_people, t.short_people),
      count(t.low, need.low),
      count(t.high, need.high),
      { head: `${t.share} (%)`, short: t.short_share, key: (i) => need.share[i], text: (i) => (theme.codes[i] === "z" ? t.nobody : tg.percent(need.share[i])) },
      count(need.who, need.demand, t.demand),
      { head: `${t.access} (${need.accessUnit})`, short: t.access, key: (i) => need.access[i], text: (i) => tg.number(need.access[i], need.decimals) },
      { head: t.target, key: (i) => need.norms[i], text: (i) => tg.number(need.norms[i], need.decimals) },
      need.gap.every((value) => value === null) ? null : { head: `${t.gap} (${need.gapUnit})`, key: (i) => need.gap[i], text: (i) => tg.units(need, need.gap[i]) },
      { head: t.answering_long, short: t.short_answering, key: (i) => need.answering[i], text: (i) => tg.number(need.answering[i]) },
    ].filter(Boolean);
    if (theme.kind === "cross") {
      const label = (i) => (theme.codes[i] === "u" ? t.unknown : theme.codes[i] === "z" ? t.nobody : theme.labels[Number(theme.codes[i])]);
      return [name, code, { head: t.class, key: (i) => theme.codes[i], text: label, side: true }, figures[0], figures[3], figures[figures.length - 1]];
    }
    return [name, code, ...figures];
  }
  const shown = (theme, i) => (theme.small ? tg.people(theme.values[i]) : tg.number(theme.values[i], theme.decimals));

  let order = null;
  function draw(theme) {
    const all = columns(theme);
    const narrow = tg.narrow();
    drawnNarrow = narrow;
    const sorted = order && order.column < all.length ? order : { column: theme.kind === "cross" ? 3 : 2, down: true };
    const rows = Array.from({ length: data.core }, (_, index) => index).sort((a, b) => compare(all[sorted.column], sorted.down, a, b));
    const heads = all.map((column, rank) => {
      const way = rank === sorted.column ? (sorted.down ? "descending" : "ascending") : "none";
      const arrow = rank === sorted.column ? (sorted.down ? " \u2193" : " \u2191") : "";
      return h("th", { scope: "col", "aria-sort": way, class: column.side ? "" : "tg-num" }, h("button", { type: "button", title: `${column.head} \u2013 ${t.sort}`, "aria-label": column.head, onclick: () => sort(rank, sorted) }, (narrow ? column.short || column.head : column.head) + arrow));
    });
    const line = (index) =>
      h(
        "tr",
        { "data-index": index, "data-code": data.codes[index], "aria-current": tg.state.commune === index ? "true" : null },
        all.map((column, rank) => {
          const text = column.text(index);
          return rank === 0
            ? h("th", { scope: "row" }, h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(index) }, text))
            : h("td", { class: column.side ? "" : "tg-num" }, text);
        })
      );
    views.table.replaceChildren(
      h("p", { class: "tg-fine tg-said" }, `${theme.label} \u00b7 ${t.table_hint}`, narrow ? h("b", {}, ` ${t.table_wide}`) : null),
      narrow && theme.kind !== "context" ? h("p", { class: "tg-fine tg-said" }, `${t.short_people}${t.colon}${tg.need().people}${tg.semicolon}${t.access}, ${t.target}${t.colon}${tg.need().accessUnit}.`) : "",
      h("table", {}, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows.map(line)))
    );
  }
  function sort(column, before) {
    order = { column, down: before.column === column ? !before.down : column > 1 };
    draw(tg.theme());
    views.table.querySelectorAll("thead button")[column].focus({ preventScroll: true });
  }
  // Unknown values come last, whichever the order.
  function compare(column, down, a, b) {
    const [left, right] = [column.key(a), column.key(b)];
    if (left === null || right === null) {
      return (left === null) - (right === null) || a - b;
    }
    const way = typeof left === "string" ? left.localeCompare(right, data.lang) : left - right;
    return (down ? -way : way) || a - b;
  }
  tg.onTheme((theme) => {
    order = null;
    draw(theme);
  });

  const part = (title, ...content) => h("section", {}, h("h3", {}, title), ...content);
  function drawLimits() {
    const limits = data.limits;
    const away = data.structures.filter((structure) => !structure.at);
    views.limits.replaceChildren(
      h("p", {}, h("b", {}, t.subtitle), " ", t.small),
      part(t.warnings, limits.warnings.length ? h("ul", {}, limits.warnings.map((text) => h("li", {}, text))) : h("p", {}, t.no_warning)),
      away.length ? part(`${t.unplaced} (${tg.number(away.length)})`, h("ul", { id: "tg-unplaced" }, away.map((structure) => h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => tg.openStructure(structure) }, `${structure.name} (${structure.kind})`))))) : "",
      part(t.sources, h("ul", { id: "tg-sources" }, limits.sources.map((source) => h("li", {}, source.cite, source.licence ? ` (${source.licence})` : "", source.url ? h("span", { class: "tg-fine" }, ` ${source.url}`) : null)))),
      limits.settings.length ? part(t.settings, tg.rows(limits.settings)) : ""
    );
  }
  drawLimits();
})(window.territoireGeo);
