"use strict";
// What is said of a theme: legend, figures of the whole territory, words of a commune.
(function (tg) {
  const { data, t, h } = tg;

  tg.themeSelect = function () {
    const groups = { need: t.group_need, cross: t.group_cross, context: t.group_context };
    const select = h(
      "select",
      { id: "tg-theme", onchange: (event) => tg.setTheme(event.target.value) },
      Object.entries(groups).map(([kind, label]) => {
        const options = data.themes.filter((theme) => theme.kind === kind).map((theme) => h("option", { value: theme.id }, theme.label));
        return options.length ? h("optgroup", { label }, options) : null;
      })
    );
    tg.onTheme((theme) => {
      select.value = theme.id;
    });
    return h("div", { class: "tg-field" }, h("label", { for: "tg-theme" }, t.theme), select);
  };

  const swatch = (colour, kind) => h("span", { class: `tg-swatch ${kind || ""}`, colour, "aria-hidden": "true" });
  const row = (sign, label, count, around = null) =>
    h("li", {}, sign, h("span", { class: "tg-label" }, label), h("span", { class: "tg-count" }, count === null ? "" : tg.number(count) + (around === null ? "" : ` + ${tg.number(around)}`)));
  // One value for the whole core: its neighbours make the classes, and are counted beside it.
  const constant = (theme) => theme.kind === "context" && theme.constant !== null;
  function classRows(theme) {
    const empty = (rank) => theme.kind === "context" && !theme.counts[rank] && !theme.around[rank];
    return theme.labels.map((label, rank) => (empty(rank) ? null : row(swatch(theme.colours[rank]), label, theme.counts[rank], constant(theme) ? theme.around[rank] : null)));
  }

  const pale = (colour) => colour + "6b"; // the opacity of the buffer

  function extras(theme) {
    return [
      theme.unknown || theme.kind === "context" ? row(hatched(), t.unknown, theme.unknown) : null,
      theme.nobody ? row(swatch("#ffffff"), t.nobody, theme.nobody) : null,
      data.codes.length > data.core
        ? row(swatch(theme.kind === "context" ? `linear-gradient(90deg, ${pale(theme.colours[0])}, ${pale(theme.colours[theme.colours.length - 1])})` : "#edeae3"), theme.kind === "context" ? t.buffer_pale : t.buffer, null)
        : null,
    ];
  }
  function hatched() {
    return h(
      "span",
      { class: "tg-swatch", "aria-hidden": "true" },
      tg.svg("svg", { width: "100%", height: "100%" }, tg.svg("rect", { width: "100%", height: "100%", fill: "url(#tg-hatch)" }))
    );
  }
  function dark(colour) {
    const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140;
  }

  function square(theme) {
    const cell = (rank) =>
      h(
        "td",
        { colour: theme.colours[rank], class: dark(theme.colours[rank]) ? "tg-dark" : "", "data-class": rank, title: theme.labels[rank] },
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

  tg.legend = function () {
    const box = h("section", { class: "tg-legend", "aria-live": "polite", "aria-label": t.legend });
    tg.onTheme((theme) => {
      const classes =
        theme.kind === "cross"
          ? [square(theme), h("ul", {}, extras(theme))]
          : [
              h("div", { class: "tg-legend-head" }, h("span", {}, theme.unit), h("span", {}, t.communes, constant(theme) ? ` ${t.and_around}` : "")),
              h("ul", {}, classRows(theme), extras(theme)),
            ];
      box.replaceChildren(
        h("h2", {}, theme.kind === "cross" ? theme.title : capital(theme.title)),
        ...classes,
        ...tg.circleLegend(theme),
        h("p", { class: "tg-fine" }, [theme.sense, `${t.method}${t.colon}${theme.method}.`].filter(Boolean).join(" ")),
        h("p", { class: "tg-fine" }, `${theme.sources.length > 1 ? t.sources : t.source}${t.colon}`, theme.sources.join(tg.semicolon) || t.unknown)
      );
    });
    return box;
  };
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  tg.summary = function () {
    const box = h("section", { class: "tg-summary", "aria-live": "polite", "aria-label": t.whole });
    tg.onTheme((theme) => box.replaceChildren(...(theme.kind === "context" ? contextSummary(theme) : needSummary(tg.need()))));
    return box;
  };
  function needSummary(need) {
    const total = need.total;
    if (total.unmet === null) {
      return [h("p", { class: "tg-big" }, t.unknown), h("p", {}, need.people)];
    }
    const units = need.headline === "unmet_units" && total.gap !== null;
    const figure = (value) => tg.number(value, total.gapDecimals);
    const between = (low, high, shown) => (low === null || low === high ? "" : tg.say(t.between, shown(low), shown(high)));
    const norm = need.norm ? tg.say(t.norm_is, need.norm) : "";
    const people = between(total.low, total.high, tg.people);
    const share = `${tg.percent(total.share)} ${t.of} ${tg.people(total.demand)}`;
    const lead = units
      ? [
          h("p", { class: "tg-big" }, figure(total.gap), h("small", {}, tg.one(total.gap) ? need.missingOne : need.missing)),
          h("p", {}, [capital(between(total.gapLow, total.gapHigh, figure)), norm].filter(Boolean).join(" \u00b7 ")),
          h("p", {}, `${tg.people(total.unmet)} ${need.people}`, people ? ` (${people})` : "", ` \u00b7 ${share}`),
        ]
      : [h("p", { class: "tg-big" }, tg.people(total.unmet), h("small", {}, need.people)), h("p", {}, people ? `${capital(people)} \u00b7 ` : "", share)];
    return [
      ...lead,
      h("p", { class: "tg-fine" }, `${capital(t.demand)}${t.colon}${need.who}.`),
      norm && !units ? h("p", { class: "tg-fine" }, norm) : null,
      total.known < data.core ? h("p", { class: "tg-fine" }, tg.say(t.on_known, tg.number(total.known), tg.number(data.core))) : null,
    ].filter(Boolean);
  }
  function contextSummary(theme) {
    const value = (number) => tg.number(number, theme.decimals) + (number === null ? "" : tg.unit(theme));
    const percent = theme.unit === "%";
    const big = (number, said) =>
      h("p", { class: "tg-big" }, percent ? value(number) : tg.number(number, theme.decimals), percent ? null : h("small", {}, theme.unit), h("small", {}, said));
    return [
      theme.total === null
        ? [theme.constant === null ? null : big(theme.constant, t.constant), h("p", { class: "tg-fine" }, t.not_summed)]
        : big(theme.total, t.whole),
      theme.reference === null ? null : h("p", {}, `${t.reference}${data.reference ? ` (${data.reference})` : ""}${t.colon}${value(theme.reference)}`),
      h("p", { class: "tg-fine" }, capital(theme.formula)),
    ].flat().filter(Boolean);
  }

  tg.reason = function (why, index) {
    const found = why.find(([, positions]) => positions.includes(index));
    return found ? t.why + found[0] : "";
  };

  // Pairs (label, value) of a need in a commune of the core; people first.
  tg.needRows = function (need, index) {
    const demand = need.demand[index];
    if (demand === 0) {
      return [[t.demand, t.nobody]]; // a share of nobody is not an unknown
    }
    if (need.share[index] === null && need.unmet_people[index] === null) {
      return [["", tg.reason(need.why, index)], demand ? [need.who, tg.people(demand)] : null].filter(Boolean);
    }
    const [access, norm, gap] = [need.access[index], need.norms[index], need.gap[index]];
    const rows = [
      [t.share, tg.percent(need.share[index])],
      [need.who, tg.people(need.demand[index])],
      access === null || norm === null
        ? [t.access, `${tg.number(access, need.decimals)} ${need.accessUnit}`]
        : [t.access, [norm ? `${tg.say(t.of_norm, tg.percent(Math.round((100 * access) / norm), 0))}${t.colon}` : "", tg.say(t.against, tg.number(access, need.decimals), tg.number(norm, need.decimals), need.accessUnit)].join("")],
      gap === null || need.headline === "unmet_units" ? null : [t.gap, `${tg.units(need, gap)} ${tg.one(gap) ? need.gapUnitOne : need.gapUnit}`],
    ];
    if (need.answering[index] !== null) {
      const nearest = need.nearest[index] === null ? "" : `, ${t.nearest} ${tg.number(need.nearest[index])}\u00a0${t.minutes}`;
      rows.push([t.within, `${tg.number(need.siae[index])} SIAE`], [t.answering, tg.number(need.answering[index]) + nearest]);
    }
    return rows.filter(Boolean);
  };
  tg.units = function (need, value) {
    const least = 10 ** -need.gapDecimals;
    return value !== null && value > 0 && value < least / 2 ? `<\u00a0${tg.number(least, need.gapDecimals)}` : tg.number(value, need.gapDecimals);
  };
  tg.needHeadline = function (need, index) {
    if (need.unmet_people[index] === null || need.demand[index] === 0) {
      return [];
    }
    const units = need.headline === "unmet_units" && need.gap[index] !== null;
    const [low, high] = [tg.people(need.low[index]), tg.people(need.high[index])];
    const range = need.low[index] === null || low === high ? "" : tg.say(t.between, low, high);
    const gap = need.gap[index];
    const figure = tg.people(need.unmet_people[index]);
    return [
      units ? h("p", { class: "tg-lead" }, h("b", {}, tg.units(need, gap)), ` ${tg.one(gap) ? need.missingOne : need.missing}`) : null,
      h("p", { class: units ? "" : "tg-lead" }, units ? figure : h("b", {}, figure), ` ${need.people}`, range ? h("span", {}, ` (${range})`) : null),
      need.known[index] !== null && need.known[index] < 100 ? h("p", { class: "tg-fine" }, tg.say(t.known_share, tg.number(need.known[index]))) : null,
    ];
  };
  tg.rows = (pairs) =>
    h("dl", {}, pairs.map(([label, value]) => (label ? [h("dt", {}, label), h("dd", {}, value)] : h("dd", { class: "tg-alone" }, value))));

  tg.communeTip = function (index) {
    const theme = tg.theme();
    const head = h("p", { class: "tg-tip-name" }, data.names[index]);
    if (theme.kind === "context") {
      const reason = theme.codes[index] === "u" ? tg.reason(theme.why, index) : "";
      return h("div", {}, head, reason ? h("p", { class: "tg-why" }, reason) : tg.rows([[theme.label, tg.valueOf(index)]]), tg.isCore(index) ? null : h("p", { class: "tg-fine" }, t.outside));
    }
    if (!tg.isCore(index)) {
      return h("div", {}, head, h("p", { class: "tg-fine" }, t.outside));
    }
    const need = tg.need();
    return h("div", {}, head, tg.needHeadline(need, index), tg.rows(tg.needRows(need, index)));
  };
})(window.territoireGeo);
