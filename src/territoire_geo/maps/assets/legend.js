"use strict";
// The legend of the theme: classes with their counts, unknown hatched, the breaks to choose, the sources.
(function (tg) {
  const { data, t, h } = tg;
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  tg.capital = capital;

  const swatch = (colour, kind) => h("span", { class: `tg-swatch ${kind || ""}`, colour, "aria-hidden": "true" });
  const row = (sign, label, count, around = null) =>
    h("li", {}, sign, h("span", { class: "tg-label" }, label), h("span", { class: "tg-count" }, count === null ? "" : tg.number(count) + (around === null ? "" : ` + ${tg.number(around)}`)));
  // One value for the whole core: its neighbours make the classes, and are counted beside it.
  const constant = (theme) => theme.kind === "measure" && theme.constant !== null;
  const drawsAround = (theme) => theme.around.some(Boolean);
  function classRows(theme) {
    if (theme.kind === "rank") {
      return rankRows(theme);
    }
    const empty = (rank) => constant(theme) && !theme.counts[rank] && !theme.around[rank];
    return theme.legend.map(({ label, colour }, rank) => (empty(rank) ? null : row(swatch(colour), label, theme.counts[rank], constant(theme) ? theme.around[rank] : null)));
  }
  // Sure ranks are full, uncertain ones pale: two signs and two counts on a line.
  function rankRows(theme) {
    const head = h("li", { class: "tg-legend-head" }, h("span", {}, `${t.rank_sure} / ${t.rank_unsure}`), h("span", {}, `${t.rank_sure} + ${t.rank_unsure}`));
    const line = (rank) => {
      const [sure, unsure] = [theme.legend[rank], theme.legend[rank + theme.fifths]];
      const signs = h("span", { class: "tg-pair", "aria-hidden": "true" }, swatch(sure.colour), swatch(unsure.colour));
      return row(signs, sure.label, theme.counts[rank], theme.counts[rank + theme.fifths]);
    };
    return [head, ...Array.from({ length: theme.fifths }, (_, rank) => line(rank))];
  }

  const pale = (colour) => colour + "6b"; // the opacity of the buffer
  function extras(theme) {
    const [first, last] = [theme.legend[0].colour, theme.legend[theme.legend.length - 1].colour];
    const around = drawsAround(theme);
    return [
      theme.unknown || theme.kind === "measure" ? row(hatched(), t.unknown, theme.unknown) : null,
      theme.nobody ? row(swatch("#ffffff"), t.nobody, theme.nobody) : null,
      data.codes.length > data.core ? row(swatch(around ? `linear-gradient(90deg, ${pale(first)}, ${pale(last)})` : "#edeae3"), around ? t.buffer_pale : t.buffer, null) : null,
    ];
  }
  function hatched() {
    const box = tg.svg("rect", { width: "100%", height: "100%", fill: "url(#tg-hatch)" });
    return h("span", { class: "tg-swatch", "aria-hidden": "true" }, tg.svg("svg", { width: "100%", height: "100%" }, box));
  }
  function square(theme) {
    const cell = (rank) =>
      h(
        "td",
        { colour: theme.legend[rank].colour, class: tg.isDark(theme.legend[rank].colour) ? "tg-dark" : "", "data-class": rank, title: theme.legend[rank].label },
        tg.number(theme.counts[rank])
      );
    const line = (need) => h("tr", {}, h("th", { scope: "row" }, theme.rows[need]), [0, 1, 2].map((supply) => cell(3 * need + supply)));
    return h(
      "div",
      { class: "tg-square" },
      h("div", { class: "tg-corners" }, h("span", {}, t.corner_need), h("span", {}, t.corner_both)),
      h(
        "table",
        {},
        h("tbody", {}, [2, 1, 0].map(line)),
        h("tfoot", {}, h("tr", {}, h("th", { scope: "row" }, t.axis_need + " \u2191"), theme.columns.map((name) => h("th", { scope: "col" }, name))))
      ),
      h("div", { class: "tg-axis" }, t.axis_supply + " \u2192"),
      h("div", { class: "tg-corners" }, h("span", {}, t.corner_none), h("span", {}, t.corner_supply))
    );
  }

  // The reader may cut the values otherwise, when the theme can be.
  function chooser(theme) {
    if (!theme.scales || theme.scales.length < 2) {
      return null;
    }
    const option = (scale, rank) => h("option", { value: rank, selected: rank === (theme.scale || 0) }, scale.name);
    const select = h("select", { id: "tg-scale", onchange: (event) => { tg.chooseScale(theme, Number(event.target.value)); document.getElementById("tg-scale").focus(); } }, theme.scales.map(option));
    return h("label", { class: "tg-scale" }, h("span", {}, t.cut), select);
  }
  const method = (theme) => (theme.scales ? `${t.method}${t.colon}${theme.scales[theme.scale || 0].said}.` : "");

  tg.legend = function () {
    const box = h("section", { class: "tg-legend", "aria-live": "polite", "aria-label": t.legend });
    tg.onFigures((theme) => {
      const head = h("div", { class: "tg-legend-head" }, h("span", {}, theme.unit), h("span", {}, t.communes, constant(theme) ? ` ${t.and_around}` : ""));
      const classes = theme.kind === "cross" ? [square(theme), h("ul", {}, extras(theme))] : [head, h("ul", {}, classRows(theme), extras(theme))];
      box.replaceChildren(
        ...[
          h("h2", {}, capital(theme.title)),
          ...classes,
          ...tg.circleLegend(theme),
          chooser(theme),
          h("p", { class: "tg-fine" }, [theme.sense, method(theme), theme.note].filter(Boolean).join(" ")),
          h("p", { class: "tg-fine" }, `${theme.sources.length > 1 ? t.sources : t.source}${t.colon}`, theme.sources.join(tg.semicolon) || t.unknown),
        ].filter(Boolean)
      );
    });
    return box;
  };
})(window.territoireGeo);
