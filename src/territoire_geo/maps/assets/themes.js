"use strict";
// The choice of a theme, in two steps: a topic, then how to read it; and what a tooltip says of a commune.
(function (tg) {
  const { data, t, h } = tg;
  const GROUPS = [
    ["need:", t.group_need],
    ["rank", t.group_priority],
    ["measure:", t.group_context],
  ];
  const topics = [...new Map(data.themes.map((theme) => [theme.topic, theme])).values()];
  const viewsOf = (topic) => data.themes.filter((theme) => theme.topic === topic);

  tg.themeSelect = function () {
    const options = (prefix) => topics.filter((theme) => theme.topic.startsWith(prefix));
    const group = ([prefix, label]) => {
      const listed = options(prefix);
      return listed.length ? h("optgroup", { label }, listed.map((theme) => h("option", { value: theme.topic }, theme.label))) : null;
    };
    // A new topic keeps the way of reading when it has it.
    const pick = (topic) => {
      const kind = tg.theme().kind;
      const found = viewsOf(topic).find((theme) => theme.kind === kind) || viewsOf(topic)[0];
      tg.setTheme(found.id);
    };
    const select = h("select", { id: "tg-theme", onchange: (event) => pick(event.target.value) }, GROUPS.map(group));
    const view = h("select", { id: "tg-view", onchange: (event) => tg.setTheme(event.target.value) });
    tg.onTheme((theme) => {
      select.value = theme.topic;
      view.replaceChildren(...viewsOf(theme.topic).map((other) => h("option", { value: other.id }, other.viewLabel)));
      view.value = theme.id;
      view.disabled = viewsOf(theme.topic).length < 2;
    });
    return h(
      "div",
      { class: "tg-field tg-choose" },
      h("label", { for: "tg-theme" }, t.theme),
      select,
      h("label", { for: "tg-view" }, t.view),
      view
    );
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
    if (tg.codeOf(index) === tg.OUTSIDE) {
      return h("div", {}, head, h("p", { class: "tg-fine" }, t.outside));
    }
    const need = tg.need();
    const reason = tg.reasonOf(index);
    const outside = tg.isCore(index) ? null : h("p", { class: "tg-fine" }, t.outside);
    if (need && theme.kind !== "change") {
      const own = theme.kind === "state" || theme.kind === "gap" ? [[theme.kind === "gap" ? theme.unit : t.class, tg.valueText(index)]] : [];
      return h("div", {}, head, tg.needHeadline(need, index), tg.rows([...own, ...tg.needRows(need, index)]));
    }
    return h("div", {}, head, reason ? h("p", { class: "tg-why" }, reason) : tg.rows([[theme.kind === "measure" ? theme.label : theme.title, tg.valueText(index)]]), outside);
  };
})(window.territoireGeo);
