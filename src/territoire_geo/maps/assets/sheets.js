"use strict";
// The sheet of a commune or of a structure, in a card over the map.
(function (tg) {
  const { data, map, t, h } = tg;
  const MOST_NAMES = 5;
  const body = h("div", { class: "tg-sheet-body" });
  const title = h("h2", { id: "tg-sheet-title", tabindex: "-1" });
  let opener = null;
  let from = null; // the commune whose sheet led to a structure
  const folded = { now: false, needs: false, proposals: false, answers: false, measures: true, notes: true, sources: true };
  const sheet = h(
    "aside",
    { id: "tg-sheet", "aria-labelledby": "tg-sheet-title", hidden: true },
    h("header", {}, title, h("button", { type: "button", class: "tg-close", "aria-label": t.close, onclick: () => tg.closeSheet() }, "\u00d7")),
    body
  );
  tg.sheet = sheet;

  const followers = [];
  tg.onSelect = (follower) => followers.push(follower);
  function select(commune, structure) {
    tg.state.commune = commune;
    tg.state.structure = structure;
    tg.hideTip();
    followers.forEach((follower) => follower(tg.state));
  }

  const parts = (list) => list.flat(Infinity).filter((part) => part !== null && part !== undefined && part !== "" && part !== false);
  function open(name, list) {
    if (sheet.hidden) {
      opener = document.activeElement;
    }
    title.textContent = name;
    body.replaceChildren(...parts(list));
    sheet.hidden = false;
    document.body.classList.add("tg-sheeted"); // on a phone the sheet and a tooltip have no room for both
    tg.hideSignTips();
    sheet.scrollTop = 0;
    title.focus({ preventScroll: true });
  }
  tg.closeSheet = function () {
    if (sheet.hidden) {
      return;
    }
    sheet.hidden = true;
    document.body.classList.remove("tg-sheeted");
    select(null, null);
    if (opener && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
  };
  // Escape closes what stands on top, wherever the focus is.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || (event.target.closest && event.target.closest("#tg-drawer, #tg-workshop, dialog"))) {
      return;
    }
    if (!sheet.hidden) {
      tg.closeSheet();
    } else if (tg.drawer && !tg.drawer.hidden) {
      tg.closeDrawer();
    } else if (tg.workshop && !tg.workshop.hidden) {
      tg.closeWorkshop();
    }
  });

  tg.openCommune = function (index) {
    if (!Number.isInteger(index) || index < 0 || index >= data.codes.length) {
      return;
    }
    from = null;
    select(index, null);
    open(data.names[index], communeParts(index));
  };
  function refresh() {
    if (!sheet.hidden) {
      const { commune, structure } = tg.state;
      body.replaceChildren(...parts(commune === null ? structureParts(structure) : communeParts(commune)));
    }
  }

  // Bars: what they show is always written beside them.
  const place = (element, side, share) => {
    element.style[side] = `${Math.max(0, Math.min(100, share))}%`;
    return element;
  };
  function meter(value, most, marks) {
    const at = (figure) => (100 * figure) / most;
    return h(
      "div",
      { class: "tg-meter", "aria-hidden": "true" },
      place(h("span", { class: "tg-meter-fill" }), "width", at(value)),
      marks.filter((mark) => mark.at !== null && mark.at !== undefined).map((mark) => place(h("i", { class: `tg-meter-${mark.kind}` }), "left", at(mark.at)))
    );
  }
  function compared(value, other, decimals) {
    const [mine, theirs] = [value, other].map((figure) => Number(figure.toFixed(decimals)));
    return mine > theirs ? t.commune_above_of : mine < theirs ? t.commune_below_of : t.commune_same_of;
  }
  const against = (value, other, decimals, said) =>
    value === null || other === null || other === undefined ? null : tg.say(compared(value, other, decimals), said);

  function section(key, name, ...content) {
    const inside = parts(content);
    if (!inside.length) {
      return null;
    }
    const box = h("details", { class: "tg-part", "data-part": key, open: !folded[key] }, h("summary", {}, h("h3", {}, name)), inside);
    box.addEventListener("toggle", () => {
      folded[key] = !box.open;
    });
    return box;
  }

  function communeParts(index) {
    const population = data.population[index];
    const facts = [data.codes[index], population === null ? "" : `${tg.number(population)} ${tg.one(population) ? t.inhabitant : t.population}`];
    const core = tg.isCore(index);
    return [
      h("p", { class: "tg-fine" }, facts.filter(Boolean).join(" \u00b7 ")),
      core ? null : h("p", {}, t.outside),
      shown(index),
      core ? rankLine(index) : null,
      core ? section("needs", t.commune_needs, data.needs.map((need) => needCard(need, index))) : null,
      core ? section("proposals", t.commune_proposals, proposals(index)) : null,
      section("answers", t.commune_answers, tg.nearestFor ? tg.nearestFor(index) : null, here(index)),
      section("measures", t.commune_measures, measures(index)),
      section("notes", t.commune_notes, tg.notesFor ? tg.notesFor(index) : null),
      section("sources", t.commune_sources, sources()),
      tg.copyButton ? h("p", { class: "tg-share" }, tg.copyButton()) : null,
    ];
  }

  // A theme that is neither a need nor the ranking has no section of its own: it comes first.
  function shown(index) {
    const theme = tg.theme();
    if (theme.kind === "need" || (theme.kind === "rank" && tg.isCore(index))) {
      return null;
    }
    const [value, said] = [tg.valueText(index, theme), tg.classText(index, theme)];
    return h(
      "div",
      { class: "tg-now" },
      h("h3", {}, theme.title || theme.label),
      h("p", { class: "tg-lead" }, h("b", {}, value)),
      said && said !== value ? h("p", { class: "tg-fine" }, said) : null
    );
  }

  function rankLine(index) {
    if (!tg.priority) {
      return null;
    }
    const { rank, low, high, stability } = tg.priority;
    if (rank[index] === null || rank[index] === undefined) {
      return h("div", { class: "tg-rank" }, h("h3", {}, t.commune_rank), h("p", {}, t.commune_unranked));
    }
    const ranked = rank.reduce((count, one) => count + (one !== null), 0);
    const at = (figure) => (ranked > 1 ? (100 * (figure - 1)) / (ranked - 1) : 0);
    const strip = h("div", { class: "tg-strip", "aria-hidden": "true" });
    if (low[index] !== null) {
      strip.append(place(place(h("span"), "left", at(low[index])), "right", 100 - at(high[index])));
    }
    strip.append(place(h("i"), "left", at(rank[index])));
    return h(
      "div",
      { class: "tg-rank" },
      h("h3", {}, t.commune_rank),
      h("p", { class: "tg-lead" }, h("b", {}, tg.number(rank[index])), ` ${t.of} ${tg.number(ranked)}`, low[index] === null ? null : h("span", {}, ` (${tg.say(t.commune_rank_between, tg.number(low[index]), tg.number(high[index]))})`)),
      strip,
      stability[index] === null ? null : h("p", { class: "tg-fine" }, capital(tg.say(t.commune_rank_stable, tg.percent(100 * stability[index], 0))))
    );
  }
  const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  function needCard(need, index) {
    const [share, unmet, nobody] = [need.share[index], need.unmet_people[index], need.demand[index] === 0];
    const figure = nobody ? t.nobody : unmet === null ? t.unknown : tg.people(unmet);
    const mean = need.total.share;
    const mine = tg.theme().need === need.id;
    const known = share !== null && !nobody;
    return h(
      "details",
      { class: "tg-need", "data-need": need.id, open: mine },
      h(
        "summary",
        {},
        h("span", { class: "tg-need-name" }, need.label),
        h("span", { class: "tg-need-figure" }, figure, known ? h("small", {}, ` \u00b7 ${tg.percent(share)}`) : null),
        known ? meter(share, 100, [{ at: mean, kind: "mean" }]) : null
      ),
      tg.needHeadline(need, index),
      known ? h("p", { class: "tg-fine" }, capital(against(share, mean, 1, tg.say(t.commune_territory, tg.percent(mean))) || "")) : null,
      split(need, index),
      norm(need, index),
      tg.rows(tg.needRows(need, index))
    );
  }
  // Each commune lacks either because nothing is within reach or because what is falls short, never both.
  function split(need, index) {
    const [share, beyond] = [need.share[index], need.beyond[index]];
    if (share === null || beyond === null || need.demand[index] === 0) {
      return null;
    }
    const rows = [["served", 100 - share], ["saturated", beyond ? 0 : share], ["out", beyond ? share : 0]].filter(([, part]) => part > 0);
    return h(
      "div",
      { class: "tg-split" },
      h("div", { class: "tg-split-bar", "aria-hidden": "true" }, rows.map(([state, part]) => place(h("span", { class: `tg-is-${state}` }), "width", part))),
      h("ul", {}, rows.map(([state, part]) => h("li", {}, h("span", { class: `tg-swatch tg-is-${state}`, "aria-hidden": "true" }), `${tg.percent(part)} ${t["commune_" + state]}`)))
    );
  }
  function norm(need, index) {
    const [access, wanted] = [need.access[index], need.norms[index]];
    if (access === null || !wanted) {
      return null;
    }
    const most = Math.max(access, wanted) * 1.1;
    return h("div", { class: "tg-access" }, h("span", { class: "tg-fine" }, t.commune_norm), meter(access, most, [{ at: wanted, kind: "norm" }]));
  }

  // Measures beside the territory and its reference.
  const themeOf = (id) => data.themes.find((theme) => theme.id === `measure:${id}`);
  function measures(index) {
    const listed = (data.standings || []).map((one) => ({ one, theme: themeOf(one.id) })).filter(({ theme }) => theme && tg.valuesOf(theme));
    if (!listed.length) {
      return null;
    }
    const families = [...new Set(listed.map(({ one }) => one.family))].sort((a, b) => (a === "") - (b === "")); // plain counts last
    return [
      h("p", { class: "tg-fine" }, data.reference ? tg.say(t.commune_bar, data.reference) : t.commune_bar_alone),
      families.map((family) => [
        h("h4", {}, t[`commune_family_${family}`] || t.commune_family_),
        listed.filter(({ one }) => one.family === family).map(({ one, theme }) => measure(one, theme, index)),
      ]),
    ];
  }
  function measure(one, theme, index) {
    const value = tg.valuesOf(theme)[index];
    const name = h("button", { type: "button", class: "tg-link", title: tg.say(t.commune_show_theme, one.label), onclick: () => tg.setTheme(theme.id) }, one.label);
    if (value === null || value === undefined) {
      return h("div", { class: "tg-measure" }, h("div", { class: "tg-measure-head" }, name, h("b", {}, t.unknown)), h("p", { class: "tg-fine tg-why" }, tg.reasonOf(index, theme)));
    }
    const marks = one.ratio ? [{ at: one.total, kind: "mean" }, { at: one.reference, kind: "norm" }] : [];
    const figures = [value, ...marks.map((mark) => mark.at).filter((at) => at !== null)];
    const most = Math.max(...figures) * 1.1;
    const drawn = figures.length > 1 && Math.min(...figures) >= 0 && most > 0;
    return h(
      "div",
      { class: "tg-measure" },
      h("div", { class: "tg-measure-head" }, name, h("b", {}, tg.valueText(index, theme))),
      drawn ? meter(value, most, marks) : null,
      h("p", { class: "tg-fine" }, said(one, theme, value, index)),
      one.fragile ? h("p", { class: "tg-fine tg-why" }, tg.say(t.commune_fragile, `${tg.number(one.fragile)} ${t.communes}`)) : null
    );
  }
  function said(one, theme, value, index) {
    const digits = theme.decimals || 0;
    const figure = (number) => tg.number(number, digits) + (one.unit === "%" ? tg.unit(theme) : "");
    if (!one.ratio) {
      const part = tg.isCore(index) && one.total > 0 && value >= 0 && !(theme.small && value > 0 && value < 5);
      return part ? capital(tg.say(t.commune_part_of, tg.percent((100 * value) / one.total))) : "";
    }
    const sides = [
      against(value, one.total, digits, tg.say(t.commune_territory, figure(one.total))),
      against(value, one.reference, digits, tg.say(t.commune_reference, data.reference || t.reference, figure(one.reference))),
    ];
    return capital(sides.filter(Boolean).join(", "));
  }
  // The territory beside its EPCI, département, region and country, for the summary of a measure.
  tg.standingsFor = function (theme) {
    const one = (data.standings || []).find((candidate) => `measure:${candidate.id}` === theme.id);
    if (!one || !one.perimeters.length) {
      return null;
    }
    const figure = (number) => tg.number(number, theme.decimals || 0) + (one.unit === "%" ? tg.unit(theme) : "");
    const line = (row) => h("tr", {}, h("th", { scope: "row" }, row.label), h("td", { class: "tg-num" }, figure(row.value)), h("td", {}, t[`commune_said_${row.said}`] || row.said));
    return h("table", { class: "tg-small tg-standings" }, h("caption", {}, t.commune_standing), h("tbody", {}, one.perimeters.map(line)));
  };

  function proposals(index) {
    return (data.proposals || []).filter((one) => one.communes.includes(index)).map((one) => tg.proposalCard(one));
  }
  tg.proposalCard = function (one, unfolded = false) {
    const need = data.needs.find((candidate) => candidate.id === one.need);
    const named = one.structures.map((rank) => data.structures[rank]).filter(Boolean);
    const range = one.low === null || one.low === one.high ? "" : ` (${tg.say(t.between, tg.people(one.low), tg.people(one.high))})`;
    return h(
      "details",
      { class: "tg-proposal", open: unfolded },
      h(
        "summary",
        {},
        h("span", { class: "tg-action" }, t[`commune_action_${one.action}`] || one.action),
        h("b", {}, need ? need.label : one.need),
        one.people === null ? null : h("span", { class: "tg-fine" }, ` \u00b7 ${tg.people(one.people)} ${need ? need.people : ""}${range}`)
      ),
      h("p", {}, one.text),
      named.length ? structureList(named) : null
    );
  };
  function structureList(list) {
    const item = (structure) => h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => tg.openStructure(structure) }, tg.sign(structure.kind, true), h("span", {}, structure.name)));
    const more = list.length - MOST_NAMES;
    return h("ul", { class: "tg-list" }, list.slice(0, more > 1 ? MOST_NAMES : list.length).map(item), more > 1 ? h("li", { class: "tg-fine" }, tg.say(t.commune_more, tg.number(more))) : null);
  }
  function here(index) {
    const inside = data.structures.filter((structure) => structure.commune === index);
    return inside.length ? [h("h4", {}, t.in_commune), structureList(inside)] : null;
  }
  function sources() {
    const cited = [...data.themes.flatMap((theme) => theme.sources || []), ...data.lists];
    return h("ul", { class: "tg-cited" }, [...new Set(cited)].map((text) => h("li", {}, text)));
  }

  tg.openStructure = function (given) {
    const structure = Number.isInteger(given) ? data.structures[given] : given;
    if (!structure) {
      return;
    }
    from = tg.state.commune === null ? from : tg.state.commune;
    select(null, structure);
    open(structure.name, structureParts(structure));
    if (structure.at && !map.getBounds().contains(structure.at)) {
      map.panTo(structure.at, { animate: !tg.still });
    }
  };
  function structureParts(structure) {
    const address = [structure.address, [structure.post_code, structure.city].filter(Boolean).join(" ")].filter(Boolean).join(", ");
    const facts = [
      structure.naf ? [t.naf, structure.naf] : null,
      address ? [t.address, address] : null,
      ["SIRET", structure.siret],
      structure.website ? [t.site, site(structure.website)] : null,
    ].filter(Boolean);
    const back = from;
    return [
      back === null ? null : h("p", {}, h("button", { type: "button", class: "tg-link tg-back", onclick: () => tg.openCommune(back) }, `\u2190 ${data.names[back]}`)),
      data.lists.length ? h("p", { class: "tg-fine" }, `${t.list}${t.colon}${data.lists.join(tg.semicolon)}.`) : null,
      h("p", { class: "tg-kind-line" }, tg.sign(structure.kind, true), h("span", {}, `${tg.kindName(structure.kind)} (${structure.kind})`)),
      structure.brand ? h("p", {}, structure.brand) : null,
      tg.rows(facts),
      structure.sure ? null : h("p", { class: "tg-fine" }, t.approximate),
      data.needs.length ? levels(structure) : null,
      data.needs.length ? h("p", { class: "tg-fine" }, t.levels_help) : null,
      tg.catchmentFor ? tg.catchmentFor(structure) : null,
    ];
  }
  function levels(structure) {
    const reached = (rank) => (structure.levels[rank] === "no" ? "\u2013" : tg.people(structure.people[rank]));
    return h(
      "table",
      { class: "tg-small tg-levels" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t.need), h("th", { scope: "col" }, t.level), h("th", { scope: "col" }, t.in_reach))),
      h("tbody", {}, data.needs.map((need, rank) =>
        h("tr", {}, h("th", { scope: "row" }, need.label), h("td", {}, tg.levelName(structure.levels[rank])), h("td", { class: "tg-num" }, reached(rank)))
      ))
    );
  }
  // Only a web address becomes a link; anything else stays a text.
  function site(text) {
    let url = null;
    try {
      url = new URL(text);
    } catch {
      return text;
    }
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      return text;
    }
    return h("a", { href: url.href, rel: "noopener noreferrer", target: "_blank" }, text);
  }

  tg.onTheme(refresh);
  if (tg.onPriority) {
    tg.onPriority(() => {
      const line = body.querySelector(".tg-rank"); // the sliders of the workshop move: only what they change is drawn
      if (line && tg.state.commune !== null) {
        line.replaceWith(rankLine(tg.state.commune));
      }
    });
  }
  tg.refreshSheet = refresh;
})(window.territoireGeo);
