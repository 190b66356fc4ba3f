"use strict";
// Who a structure serves, and what a commune finds within reach: lit on the map, and told in the sheet.
(function (tg) {
  const { data, map, t, h } = tg;
  const LINES = 3;
  const LISTED = 12;
  const minutesText = (minutes) => `${tg.number(Math.round(minutes))}\u00a0${t.minutes}`;
  const count = (many, one, value, ...others) => tg.say(tg.one(value) ? one : many, tg.number(value), ...others);
  const whole = (minutes) => tg.number(minutes, Number.isInteger(minutes) ? 0 : 1);
  const rule = data.travel.rule;
  const convention = () =>
    h("p", { class: "tg-fine" }, rule ? tg.say(t.resources_rule, whole(rule.kmh), tg.number(rule.detour, 1)) : t.resources_table);

  function peopleText(value) {
    if (value === null) {
      return t.resources_people_unknown;
    }
    return tg.say(tg.one(value) || (value > 0 && value < 5) ? t.resources_person : t.resources_people, tg.people(value));
  }
  tg.catchmentFor = function (structure) {
    const title = h("h3", {}, t.resources_catchment);
    if (!tg.placed(structure)) {
      return h("section", { class: "tg-catchment" }, title, h("p", { class: "tg-why" }, t.resources_no_place));
    }
    const widest = tg.communesWithin(structure, Math.max(...data.travel.reach));
    const within = (minutes) => widest.filter((place) => place.minutes <= minutes);
    const mine = (places) => places.filter((place) => tg.isCore(place.index)).length;
    const need = tg.need();
    const here = within(tg.reachOf(need));
    const lead = count(t.resources_communes, t.resources_commune, here.length, tg.number(mine(here)));
    return h(
      "section",
      { class: "tg-catchment" },
      title,
      h("p", {}, h("b", {}, lead), `, ${tg.say(t.resources_within, whole(tg.reachOf(need)))}.`),
      need ? h("p", {}, `${need.label}${t.colon}${peopleText(structure.people[data.needs.indexOf(need)])}.`) : null,
      h(
        "table",
        { class: "tg-small" },
        h("thead", {}, h("tr", {}, [t.resources_need, t.resources_reach, t.resources_count, t.resources_who].map((name, rank) => h("th", { scope: "col", class: rank ? "tg-num" : null }, name)))),
        h("tbody", {}, data.needs.map((own, rank) =>
          h(
            "tr",
            { "aria-current": own === need ? "true" : null },
            h("th", { scope: "row" }, own.label),
            h("td", { class: "tg-num" }, `${whole(data.travel.reach[rank])}\u00a0${t.minutes}`),
            h("td", { class: "tg-num" }, tg.number(within(data.travel.reach[rank]).length)),
            h("td", { class: "tg-num" }, structure.people[rank] === null ? t.unknown : tg.people(structure.people[rank]))
          )
        ))
      ),
      convention()
    );
  };

  const GROUPS = { declared: 0, likely: 0, probable: 0, unknown: 1, no: 2 };
  tg.nearestFor = function (index) {
    const need = tg.need();
    const limit = tg.reachOf(need);
    if (tg.isCore(index) && (need || data.needs[0]) && (need || data.needs[0]).answering[index] === null) {
      return h("section", { class: "tg-nearest" }, h("p", { class: "tg-why" }, t.resources_unlisted));
    }
    const near = tg.structuresWithin(index, limit);
    if (!near.length) {
      return h("section", { class: "tg-nearest" }, h("p", {}, tg.say(t.resources_nearest_none, whole(limit))), convention());
    }
    const levelOf = (structure) => (need ? structure.levels[data.needs.indexOf(need)] : null);
    // Those that answer first, then those to ask, then the others; the nearest first.
    const group = (trip) => (need ? GROUPS[levelOf(trip.structure)] ?? 1 : 0);
    const ordered = near.map((trip, rank) => [trip, rank]).sort(([a, i], [b, j]) => group(a) - group(b) || i - j).map(([trip]) => trip);
    const answering = near.filter((trip) => tg.answers(trip.structure)).length;
    const line = ({ structure, minutes }) =>
      h(
        "li",
        {},
        h("button", { type: "button", class: "tg-link", onclick: () => tg.openStructure(structure) }, tg.sign(structure.kind, tg.answers(structure) !== false), h("span", {}, structure.name)),
        h("span", { class: "tg-fine" }, [`${structure.kind}, ${minutesText(minutes)}`, need ? tg.levelName(levelOf(structure)) : ""].filter(Boolean).join(" \u00b7 "))
      );
    const rest = ordered.length - LISTED;
    return h(
      "section",
      { class: "tg-nearest" },
      h("p", {}, count(t.resources_nearest_said, t.resources_nearest_one, near.length, whole(limit)), need ? `, ${count(t.resources_nearest_answer, t.resources_nearest_answer_one, answering)}` : "", "."),
      h("ul", { class: "tg-list" }, ordered.slice(0, LISTED).map(line), rest > 0 ? h("li", { class: "tg-fine" }, count(t.resources_more, t.resources_more_one, rest)) : null),
      lines(index).length ? h("p", { class: "tg-fine" }, need ? t.resources_lines : t.resources_lines_any) : null,
      convention()
    );
  };

  // Lines to the nearest, dark on white, with their minutes: they must be read in print and without colours.
  map.createPane("tg-lines").style.zIndex = 450;
  map.createPane("tg-minutes").style.zIndex = 640; // over the signs
  ["tg-lines", "tg-minutes"].forEach((pane) => (map.getPane(pane).style.pointerEvents = "none"));
  const renderer = L.svg({ pane: "tg-lines", padding: 0.6 });
  const drawn = L.layerGroup().addTo(map);
  const placeOf = (index) => (index === null ? null : data.points[index]);
  const lines = (index) =>
    tg.nearestAnswering(index, LINES)
      .map((trip) => ({ ...trip, to: trip.structure.at || placeOf(trip.structure.commune) }))
      .filter((trip) => trip.to && placeOf(index));
  function drawLines(index) {
    const from = L.latLng(placeOf(index));
    lines(index).forEach(({ to, minutes }, rank) => {
      const style = { renderer, pane: "tg-lines", interactive: false, smoothFactor: 0 };
      L.polyline([from, to], { ...style, color: "#ffffff", weight: 5, opacity: 0.9 }).addTo(drawn);
      L.polyline([from, to], { ...style, color: "#111827", weight: rank ? 1.6 : 2.6, dashArray: rank ? "6 4" : null, className: "tg-line" }).addTo(drawn);
      // Not all at the middle of their lines, where they would hide one another.
      const part = 0.5 + 0.17 * rank;
      const at = [from.lat + part * (to[0] - from.lat), from.lng + part * (to[1] - from.lng)];
      const icon = L.divIcon({ html: h("span", { "aria-hidden": "true" }, minutesText(minutes)), className: "tg-minutes", iconSize: [0, 0] });
      L.marker(at, { icon, pane: "tg-minutes", interactive: false, keyboard: false }).addTo(drawn);
    });
  }

  let lit = false;
  function show() {
    const { structure, commune } = tg.state;
    drawn.clearLayers();
    const glows = Boolean(structure) && tg.placed(structure);
    if (tg.surface && tg.surface.glow && (glows || lit)) {
      tg.surface.glow(glows ? new Map(tg.communesWithin(structure, tg.reachOf(tg.need())).map((place) => [place.index, 1])) : null);
    }
    lit = glows;
    if (commune !== null && commune !== undefined) {
      drawLines(commune);
    }
  }
  // Called once the sheet is there, whose openings it follows.
  tg.followSelection = function () {
    tg.onSelect(show);
    tg.onTheme(show);
  };
})(window.territoireGeo);
