"use strict";
// What the whole territory says of the theme.
(function (tg) {
  const { data, t, h } = tg;
  const { capital } = tg;


  tg.summary = function () {
    const box = h("section", { class: "tg-summary", "aria-live": "polite", "aria-label": t.whole });
    tg.onFigures((theme) => box.replaceChildren(...parts(theme)));
    return box;
  };
  function parts(theme) {
    if (theme.kind === "measure") {
      return contextSummary(theme);
    }
    if (theme.need) {
      return needSummary(tg.need());
    }
    return theme.topic === "rank" ? rankSummary() : differenceSummary(theme);
  }
  // The first communes, and how many ranks hold: no single figure says a priority.
  function rankSummary() {
    const { rank, low, high } = tg.priority;
    const ranked = rank.map((_, index) => index).filter((index) => rank[index] !== null);
    const first = ranked.filter((index) => rank[index] <= 3).sort((a, b) => rank[a] - rank[b] || a - b).slice(0, 3);
    const name = (index) => h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => tg.showCommune(index) }, data.names[index]), low[index] === null ? "" : ` (${tg.say(t.between, tg.number(low[index]), tg.number(high[index]))})`);
    return [
      h("p", {}, t.rank_first),
      h("ol", { class: "tg-first" }, first.map(name)),
      h("p", { class: "tg-fine" }, tg.say(t.rank_ranked, tg.number(ranked.length), tg.number(data.core)), " ", t.rank_hint),
      data.ranking.remarks.length ? h("details", { class: "tg-fine" }, h("summary", {}, t.workshop_remarks), data.ranking.remarks.map((text) => h("p", {}, text))) : null,
    ].filter(Boolean);
  }
  function differenceSummary(theme) {
    const values = tg.valuesOf(theme).slice(0, data.core).filter((value) => value !== null);
    const count = (test) => tg.number(values.filter(test).length);
    const reference = theme.kind === "gap" && data.reference ? h("p", {}, `${t.reference}${t.colon}${data.reference}`) : null;
    return [reference, h("p", {}, tg.say(t.difference_counts, count((value) => value > 0), count((value) => value < 0), count((value) => value === 0)))].filter(Boolean);
  }
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
      theme.reference === null ? null : h("p", {}, t.reference, data.reference ? ` (${data.reference})` : "", `${t.colon}${value(theme.reference)}`),
      tg.standingsFor(theme),
      h("p", { class: "tg-fine" }, capital(theme.formula)),
    ].flat().filter(Boolean);
  }
})(window.territoireGeo);
