"use strict";
// Structures and facilities: a shape and letters by kind, full when the structure answers the need on the map.
(function (tg) {
  const { data, map, t, h, svg } = tg;
  const INK = "#14213d";
  const SIZE = 24;
  const MOST = 150; // signs; beyond, those that are near make one bubble
  const CELL = 72; // pixels
  const SIGNS = {
    AI: ["circle", "A"],
    ACI: ["square", "C"],
    EI: ["diamond", "E"],
    EITI: ["pentagon", "I"],
    ETTI: ["triangle", "T"],
    GEIQ: ["hexagon", "G"],
    EA: ["octagon", "H"],
  };
  const CORNERS = { triangle: [3, -90, 11.5, 1.6], diamond: [4, -90, 10.5, 0], pentagon: [5, -90, 10, 0.4], hexagon: [6, 0, 10, 0], octagon: [8, 22.5, 10, 0] };
  const ANSWERS = new Set(["declared", "likely", "probable"]);
  // Facilities: smaller, two letters, a shape by family: travel, children, services, older people.
  const FACILITIES = {
    gare: ["pill", "Ga"], covoiturage: ["pill", "Co"], A304: ["pill", "Ec"],
    childcare_places: ["house", "Pe"], D502: ["house", "Cr"], D509: ["house", "Mc"],
    france_services: ["flag", "Fs"], france_services_itinerante: ["flag", "Fi"], service_numerique: ["flag", "Nu"],
    460: ["box", "Ai"], 354: ["box", "So"], 209: ["box", "As"], 500: ["box", "Eh"], 501: ["box", "E1"], 502: ["box", "E2"], 202: ["box", "Ra"],
  };
  const FLAGS = { house: "-9,8 -9,-3 0,-9.5 9,-3 9,8", flag: "-10,-7.5 6,-7.5 11,0 6,7.5 -10,7.5" };

  function outline(shape, style) {
    if (shape === "circle") {
      return svg("circle", { cx: 0, cy: 0, r: 9, ...style });
    }
    if (shape === "square") {
      return svg("rect", { x: -8.5, y: -8.5, width: 17, height: 17, rx: 1.5, ...style });
    }
    const [count, start, radius, drop] = CORNERS[shape];
    const points = Array.from({ length: count }, (_, rank) => {
      const angle = ((start + (360 / count) * rank) * Math.PI) / 180;
      return `${(radius * Math.cos(angle)).toFixed(2)},${(radius * Math.sin(angle) + drop).toFixed(2)}`;
    });
    return svg("polygon", { points: points.join(" "), "stroke-linejoin": "round", ...style });
  }
  tg.sign = function (kind, full) {
    const [shape, letter] = Object.hasOwn(SIGNS, kind) ? SIGNS[kind] : ["circle", kind.charAt(0)];
    const siae = data.kinds.some((known) => known.id === kind && known.siae);
    const style = { fill: full ? INK : "#ffffff", stroke: full ? "#ffffff" : INK, "stroke-width": 1.5, "stroke-dasharray": siae ? null : "2.5 1.5" };
    return svg(
      "svg",
      { viewBox: "-13 -13 26 26", width: SIZE, height: SIZE, class: full ? "tg-sign tg-full" : "tg-sign", "aria-hidden": "true" },
      full ? outline(shape, { fill: "none", stroke: "#ffffff", "stroke-width": 3.5 }) : null,
      outline(shape, style),
      svg("text", { x: 0, y: shape === "triangle" ? 5.2 : 3.9, "text-anchor": "middle", fill: full ? "#ffffff" : INK }, letter)
    );
  };
  tg.facilitySign = function (type) {
    const [shape, letters] = Object.hasOwn(FACILITIES, type.id) ? FACILITIES[type.id] : ["pill", Array.from(type.label).slice(0, 2).join("")];
    const style = { fill: "#fdf3dc", stroke: INK, "stroke-width": 1.3, "stroke-linejoin": "round" };
    const rect = { x: -10, y: -7.5, width: 20, height: 15, rx: shape === "pill" ? 7.5 : 1 };
    return svg(
      "svg",
      { viewBox: "-13 -13 26 26", width: SIZE, height: SIZE, class: "tg-sign tg-sign-facility", "aria-hidden": "true" },
      FLAGS[shape] ? svg("polygon", { points: FLAGS[shape], ...style }) : svg("rect", { ...rect, ...style }),
      svg("text", { x: shape === "flag" ? -1 : 0, y: shape === "house" ? 4.6 : 3.6, "text-anchor": "middle", fill: INK }, letters)
    );
  };

  tg.kindName = (kind) => (data.kinds.find((known) => known.id === kind) || { name: kind }).name;
  const levelOf = (structure) => structure.levels[data.needs.indexOf(tg.need())];
  // Whether a structure answers the need on the map: null when the theme is about no need.
  tg.answers = (structure) => (tg.need() ? ANSWERS.has(levelOf(structure)) : null);
  tg.levelName = (name) => (name === "unknown" ? t.level_unknown : t[name] || t.level_unknown);

  const count = (many, one, value) => tg.say(tg.one(value) ? one : many, tg.number(value));
  const total = (value) => tg.number(value, Number.isInteger(value) ? 0 : 1);
  // The sum of the posts that are known, and of how many structures they are.
  tg.postsText = function (structures) {
    const known = structures.filter((structure) => structure.posts !== null);
    if (!known.length) {
      return t.resources_posts_unknown;
    }
    const sum = known.reduce((all, structure) => all + structure.posts, 0);
    const [many, one] = known.length === structures.length ? [t.resources_posts, t.resources_post] : [t.resources_posts_part, t.resources_post_part];
    return tg.say(tg.one(sum) ? one : many, total(sum), tg.number(known.length));
  };

  // Over a country the signs of every structure would hide the map: the reader asks for them by kind.
  const COUNTRY = 10000;
  if (data.codes.length > COUNTRY) {
    data.kinds.forEach((kind) => tg.state.hidden.add(kind.id));
  }
  const types = data.facilities.types;
  const facilities = data.facilities.name.map((name, position) => {
    const column = (field) => data.facilities[field][position];
    const exact = column("lat") !== null;
    return { type: types[column("type")], name, amount: column("amount"), commune: column("commune"), exact, at: exact ? [column("lat"), column("lon")] : null };
  });
  function amountText(facility) {
    if (!facility.type.unit) {
      return "";
    }
    const places = facility.type.unit === "places";
    if (facility.amount === null) {
      return places ? t.resources_places_unknown : "";
    }
    return places ? count(t.resources_places, t.resources_place, facility.amount) : count(t.resources_counted, t.resources_counted_one, facility.amount);
  }

  tg.state.unsure = false;
  const seen = new Set(); // types of facilities that are shown
  let items = [];
  const drawn = new Map(); // what stands on the map, by key
  let status = null; // says how many are shown
  let wished = null; // where the focus goes once a bubble has opened

  const itemOf = (key, at, what) => {
    const place = L.latLng(at);
    return { key, at: place, world: map.project(place, 0), ...what };
  };
  const shown = (item) => {
    if (item.facility) {
      return seen.has(item.facility.type.id);
    }
    const { structure } = item;
    const unsure = tg.state.unsure && tg.need() && levelOf(structure) === "unknown";
    return !tg.state.hidden.has(structure.kind) && (!tg.state.answering || tg.answers(structure) !== false || unsure);
  };

  // Which signs and bubbles the view asks for.
  function views() {
    const kept = items.filter(shown);
    if (kept.length <= MOST) {
      return kept.map(single);
    }
    const scale = 2 ** map.getZoom();
    const bounds = map.getPixelBounds();
    const pad = bounds.getSize().divideBy(4);
    const near = L.bounds(bounds.min.subtract(pad), bounds.max.add(pad));
    const inside = kept.filter((item) => near.contains(item.world.multiplyBy(scale)));
    return inside.length <= MOST ? inside.map(single) : grouped(inside, scale);
  }
  const single = (item) => ({ key: item.key, at: item.at, members: [item] });
  function grouped(inside, scale) {
    const cells = new Map();
    for (const item of inside) {
      const point = item.world.multiplyBy(scale);
      const alone = item.structure && item.structure === tg.state.structure;
      const key = alone ? item.key : `${item.facility ? "f" : "s"}:${map.getZoom()}:${Math.floor(point.x / CELL)}:${Math.floor(point.y / CELL)}`;
      if (!cells.has(key)) {
        cells.set(key, []);
      }
      cells.get(key).push([item, point]);
    }
    return Array.from(cells, ([key, members]) => {
      if (members.length === 1) {
        return single(members[0][0]);
      }
      // At the middle of its signs, but within its cell, so that two bubbles never hide one another.
      const middle = members.reduce((sum, [, point]) => sum.add(point), L.point(0, 0)).divideBy(members.length);
      const cell = L.point(Math.floor(middle.x / CELL) + 0.5, Math.floor(middle.y / CELL) + 0.5).multiplyBy(CELL);
      const clamp = (value, centre) => Math.max(centre - 11, Math.min(centre + 11, value));
      const both = key.startsWith("f") && cells.has(`s${key.slice(1)}`);
      const at = L.point(clamp(middle.x, cell.x), clamp(middle.y, cell.y)).add(both ? [24, 22] : [0, 0]);
      return { key, at: map.unproject(at), members: members.map(([item]) => item) };
    });
  }

  const structuresOf = (view) => view.members.map((item) => item.structure).filter(Boolean);
  const facilitiesOf = (view) => view.members.map((item) => item.facility).filter(Boolean);
  function tally(names) {
    const counts = new Map();
    names.forEach((name) => counts.set(name, (counts.get(name) || 0) + 1));
    return Array.from(counts, ([name, number]) => `${name}${t.colon}${tg.number(number)}`);
  }
  // What a sign or a bubble says: its name, then lines.
  function said(view) {
    const [{ structure, facility }] = view.members;
    if (view.members.length > 1) {
      const own = structuresOf(view);
      return own.length
        ? [`${count(t.resources_group, t.resources_group_one, own.length)}, ${tg.postsText(own)}`, ...tally(own.map((one) => tg.kindName(one.kind)))]
        : [tg.say(t.resources_group_facilities, tg.number(view.members.length)), ...tally(facilitiesOf(view).map((one) => one.type.label))];
    }
    if (facility) {
      const lines = [facility.name ? facility.type.label : "", amountText(facility), data.names[facility.commune] || "", facility.exact ? "" : t.resources_at_commune];
      return [facility.name || facility.type.label, ...lines.filter(Boolean)];
    }
    const posts = structure.posts === null ? "" : tg.postsText([structure]);
    return [structure.name, tg.kindName(structure.kind), posts, tg.need() ? `${tg.need().label}${t.colon}${tg.levelName(levelOf(structure))}` : ""].filter(Boolean);
  }
  function face(view) {
    const [{ structure, facility }] = view.members;
    if (view.members.length === 1) {
      return facility ? tg.facilitySign(facility.type) : tg.sign(structure.kind, tg.answers(structure) !== false);
    }
    const own = structuresOf(view);
    const known = own.filter((one) => one.posts !== null);
    return h(
      "span",
      { class: own.length ? "tg-bubble" : "tg-bubble tg-bubble-facility", "data-size": view.members.length < 10 ? "s" : view.members.length < 100 ? "m" : "l" },
      h("b", {}, tg.number(view.members.length)),
      known.length ? h("small", {}, tg.say(t.resources_posts_short, total(known.reduce((sum, one) => sum + one.posts, 0)))) : null
    );
  }

  function appear(view) {
    const icon = L.divIcon({ html: h("span", { class: "tg-spread" }), className: "tg-marker", iconSize: [SIZE, SIZE] });
    const marker = L.marker(view.at, { icon, keyboard: false, riseOnHover: true, bubblingMouseEvents: false }).addTo(map);
    const sign = { marker, element: marker.getElement(), view, shift: null, looks: null };
    sign.element.setAttribute("role", "button");
    marker.on("click", () => choose(sign, false));
    const tip = () => {
      const [name, ...lines] = said(sign.view);
      return h("div", {}, h("p", { class: "tg-tip-name" }, name), lines.map((line, rank) => h("p", { class: rank ? "tg-fine" : null }, line)));
    };
    marker.bindTooltip(tip, { direction: "top", offset: [0, -10], opacity: 1, className: "tg-tip" });
    sign.element.addEventListener("focus", () => marker.openTooltip());
    sign.element.addEventListener("blur", () => marker.closeTooltip());
    sign.element.addEventListener("keydown", (event) => move(event, sign));
    return sign;
  }
  // A sign is drawn again when it looks otherwise: its label says all of a bubble, and of a sign but whether it is full.
  function dress(sign) {
    const { view, element, marker } = sign;
    const [{ structure, facility }] = view.members;
    const one = view.members.length === 1;
    const label = one && structure ? `${structure.name}, ${tg.kindName(structure.kind)}` : said(view).join(", ");
    const empty = one && Boolean(structure) && tg.answers(structure) === false;
    element.classList.toggle("tg-chosen", one && Boolean(structure) && structure === tg.state.structure);
    if (sign.looks === `${label} ${empty}`) {
      return;
    }
    sign.looks = `${label} ${empty}`;
    element.setAttribute("aria-label", label);
    element.dataset.siret = one && structure ? structure.siret : "";
    element.dataset.kind = one && structure ? structure.kind : "";
    element.dataset.type = one && facility ? facility.type.id : "";
    element.dataset.count = view.members.length;
    element.firstChild.replaceChildren(face(view));
    marker.setZIndexOffset(one ? (facility ? -500 : empty ? 0 : 500) : facilitiesOf(view).length ? 800 : 1000);
  }
  // A theme tells which structures answer; it moves no sign unless only those are shown.
  function redress() {
    if (tg.state.answering || !drawn.size) {
      draw();
    } else {
      drawn.forEach((sign) => sign.view.members.length === 1 && dress(sign));
    }
  }

  function draw() {
    if (!tg.theme()) {
      return; // the map moves before its first theme
    }
    const wanted = new Map(views().map((view) => [view.key, view]));
    const focused = Array.from(drawn.values()).find((sign) => sign.element === document.activeElement);
    for (const [key, sign] of drawn) {
      if (!wanted.has(key)) {
        sign.marker.remove();
        drawn.delete(key);
      }
    }
    for (const [key, view] of wanted) {
      const sign = drawn.get(key) || appear(view);
      sign.view = view;
      if (!sign.marker.getLatLng().equals(view.at)) {
        sign.marker.setLatLng(view.at);
      }
      dress(sign);
      drawn.set(key, sign);
    }
    spread();
    const signs = Array.from(drawn.values());
    const next = wished ? signs.find((sign) => wished.contains(sign.view.at)) : null;
    settle(next || (focused && signs.includes(focused) ? focused : signs[0]));
    if (next || (focused && !signs.includes(focused) && signs.length)) {
      (next || signs[0]).element.focus({ preventScroll: true });
    }
    wished = null;
    if (status) {
      const kept = items.filter((item) => item.structure && shown(item)).length;
      const text = tg.say(t.resources_show, tg.number(kept), tg.number(items.filter((item) => item.structure).length));
      if (status.textContent !== text) {
        status.textContent = text; // said only when it changes
      }
    }
  }

  // One tab stop for all signs; arrows go to the nearest one in that direction.
  const settle = (current) => drawn.forEach((sign) => sign.element.setAttribute("tabindex", sign === current ? "0" : "-1"));
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const standing = (sign) => map.latLngToContainerPoint(sign.view.at).add(sign.shift || [0, 0]);
  function move(event, sign) {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      event.stopPropagation();
      choose(sign, true);
    } else if (WAYS[event.key]) {
      event.preventDefault();
      event.stopPropagation();
      const [dx, dy] = WAYS[event.key];
      const here = standing(sign);
      let [best, least] = [null, Infinity];
      for (const other of drawn.values()) {
        const there = standing(other).subtract(here);
        const along = there.x * dx + there.y * dy;
        const cost = along + 2 * (Math.abs(there.x * dy) + Math.abs(there.y * dx));
        if (other !== sign && along > 0.5 && cost < least) {
          [best, least] = [other, cost];
        }
      }
      if (best) {
        settle(best);
        best.element.focus({ preventScroll: true });
        map.panInside(best.view.at, { padding: [60, 60], animate: !tg.still });
      }
    }
  }

  // A sign opens its sheet; a bubble comes nearer, or lists what stands at one place.
  function choose(sign, byKey) {
    const { members } = sign.view;
    if (members.length === 1 && members[0].structure) {
      tg.openStructure(members[0].structure);
      return;
    }
    const bounds = L.latLngBounds(members.map((item) => item.at));
    const room = map.getMaxZoom() - map.getZoom();
    if (members.length > 1 && room > 0.1 && !bounds.getNorthEast().equals(bounds.getSouthWest(), 1e-4)) {
      wished = byKey ? bounds.pad(0.1) : null;
      const zoom = Math.min(map.getMaxZoom(), Math.max(map.getZoom() + 1, map.getBoundsZoom(bounds.pad(0.4))));
      map.setView(bounds.getCenter(), zoom, { animate: !tg.still });
      return;
    }
    list(sign);
  }
  function list(sign) {
    const close = () => {
      popup.remove();
      if (sign.element.isConnected) {
        sign.element.focus({ preventScroll: true });
      }
    };
    const entry = ({ structure, facility }) =>
      structure
        ? h("button", { type: "button", class: "tg-link", onclick: () => tg.openStructure(structure) }, tg.sign(structure.kind, true), h("span", {}, structure.name))
        : h("span", { class: "tg-entry" }, tg.facilitySign(facility.type), h("span", {}, said(single({ facility })).join(", ")));
    const box = h(
      "div",
      { class: "tg-place", role: "group", tabindex: "-1", "aria-label": said(sign.view)[0], onkeydown: (event) => {
        if (event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
          close();
        }
      } },
      h("button", { type: "button", class: "tg-close", "aria-label": t.close, onclick: close }, "\u00d7"),
      sign.view.members.length > 1 ? h("h3", {}, t.resources_here) : null,
      h("ul", { class: "tg-list" }, sign.view.members.map((item) => h("li", {}, entry(item))))
    );
    sign.marker.closeTooltip();
    const popup = L.popup({ closeButton: false, className: "tg-pop", maxWidth: 300, maxHeight: 260, offset: [0, -6] }).setLatLng(sign.view.at).setContent(box).openOn(map);
    box.focus({ preventScroll: true });
  }

  // Signs that would hide one another open like the seeds of a sunflower, in place.
  function spread() {
    const heaps = [];
    for (const sign of drawn.values()) {
      sign.shift = null;
      sign.element.firstChild.style.transform = "";
      if (sign.view.members.length > 1 || drawn.size > 2 * MOST) {
        continue;
      }
      const point = map.latLngToLayerPoint(sign.view.at);
      const heap = heaps.find((other) => other.point.distanceTo(point) < 0.75 * SIZE);
      if (heap) {
        heap.signs.push([sign, point]);
      } else {
        heaps.push({ point, signs: [[sign, point]] });
      }
    }
    for (const heap of heaps.filter((one) => one.signs.length > 1)) {
      heap.signs.forEach(([sign, point], rank) => {
        const reach = 0.56 * SIZE * Math.sqrt(rank + 0.6);
        const angle = rank * 2.399963;
        sign.shift = heap.point.subtract(point).add([reach * Math.cos(angle), reach * Math.sin(angle)]);
        sign.element.firstChild.style.transform = `translate(${sign.shift.x.toFixed(1)}px, ${sign.shift.y.toFixed(1)}px)`;
      });
    }
  }

  tg.drawStructures = function () {
    const ofCommune = (facility) => facility.at || data.points[facility.commune];
    items = [
      ...data.structures.map((structure, rank) => structure.at && itemOf(`s${rank}`, structure.at, { structure })),
      ...facilities.map((facility, rank) => ofCommune(facility) && itemOf(`f${rank}`, ofCommune(facility), { facility })),
    ].filter(Boolean);
    map.on("moveend", draw);
    tg.onTheme(redress);
    tg.onSelect(draw);
    tg.followSelection();
  };
  tg.hideSignTips = () => drawn.forEach((sign) => sign.marker.closeTooltip());
  // Where the signs stand on the screen, for the names of towns to keep away.
  tg.signBoxes = () =>
    Array.from(drawn.values(), (sign) => {
      const half = sign.view.members.length > 1 ? [19, 19] : [10, 10];
      return L.bounds(standing(sign).subtract(half), standing(sign).add(half));
    });

  const redraw = () => {
    draw();
    tg.nameTowns();
  };
  function check(sign, label, number, attributes) {
    return h(
      "label",
      { class: "tg-kind" },
      h("input", { type: "checkbox", ...attributes }),
      sign,
      h("span", { class: "tg-label" }, label),
      h("span", { class: "tg-count" }, tg.number(number))
    );
  }
  const ofKind = (kind) =>
    check(tg.sign(kind.id, true), kind.name, kind.count, {
      checked: !tg.state.hidden.has(kind.id),
      value: kind.id,
      onchange: (event) => {
        tg.state.hidden[event.target.checked ? "delete" : "add"](kind.id);
        redraw();
      },
    });
  const ofType = (type) => {
    const amounts = facilities.filter((facility) => facility.type === type).map((facility) => facility.amount);
    const summed = type.unit === "\u00e9quipements" && !amounts.includes(null);
    return check(tg.facilitySign(type), type.label, summed ? amounts.reduce((sum, amount) => sum + amount, 0) : type.count, {
      value: type.id,
      "data-facility": true,
      onchange: (event) => {
        seen[event.target.checked ? "add" : "delete"](type.id);
        redraw();
      },
    });
  };
  function only(id, field, label) {
    const box = h("input", {
      type: "checkbox",
      id,
      onchange: (event) => {
        tg.state[field] = event.target.checked;
        unsure.disabled = !tg.need() || !tg.state.answering;
        redraw();
      },
    });
    return [box, h("label", { class: "tg-only" }, box, h("span", {}, label))];
  }
  const [answering, answeringLabel] = only("tg-answering", "answering", t.only_answering);
  const [unsure, unsureLabel] = only("tg-unsure", "unsure", t.resources_unsure);
  unsureLabel.classList.add("tg-inner");

  tg.structuresBox = function () {
    if (!data.structures.length && !types.length) {
      return null;
    }
    const siae = data.kinds.filter((kind) => kind.siae);
    const others = data.kinds.filter((kind) => !kind.siae);
    const hint = h("p", { class: "tg-fine" });
    status = data.structures.length ? h("p", { class: "tg-fine", id: "tg-shown", role: "status" }) : null;
    tg.onTheme(() => {
      answering.disabled = !tg.need();
      unsure.disabled = !tg.need() || !tg.state.answering;
      hint.textContent = tg.need() ? t.filled : t.only_none;
    });
    const posts = data.structures.some((structure) => structure.posts !== null) ? h("p", { class: "tg-fine" }, `${tg.postsText(data.structures)}. `, t.resources_bubbles) : null;
    return h(
      "details",
      { class: "tg-structures", open: window.innerWidth > 700 },
      h("summary", {}, h("h2", {}, t.structures), h("span", { class: "tg-count" }, tg.number(data.structures.length))),
      data.structures.length ? [answeringLabel, unsureLabel, status, posts] : null,
      siae.length ? h("fieldset", {}, h("legend", {}, t.all_kinds), siae.map(ofKind)) : null,
      others.length ? h("fieldset", {}, h("legend", {}, t.not_siae), others.map(ofKind)) : null,
      data.structures.length ? hint : null,
      types.length ? h("fieldset", { class: "tg-facilities" }, h("legend", {}, t.resources_facilities), types.map(ofType), h("p", { class: "tg-fine" }, t.resources_facilities_help)) : null
    );
  };
})(window.territoireGeo);
