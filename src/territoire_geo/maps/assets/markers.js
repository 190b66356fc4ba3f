"use strict";
// Structures: a shape and a letter by kind, full when the structure answers the need on the map.
(function (tg) {
  const { data, map, t, h, svg } = tg;
  const INK = "#14213d";
  const SIZE = 24;
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
    const [shape, letter] = SIGNS[kind] || ["circle", kind.charAt(0)];
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

  tg.kindName = (kind) => (data.kinds.find((known) => known.id === kind) || { name: kind }).name;
  tg.answers = function (structure) {
    const rank = data.needs.indexOf(tg.need());
    return rank < 0 ? null : ANSWERS.has(structure.levels[rank]);
  };

  const placed = data.structures.filter((structure) => structure.at);
  const items = [];
  let roving = null;

  tg.drawStructures = function () {
    for (const structure of placed) {
      const icon = L.divIcon({ html: h("span", { class: "tg-spread" }), className: "tg-marker", iconSize: [SIZE, SIZE] });
      const marker = L.marker(structure.at, { icon, keyboard: false, riseOnHover: true, bubblingMouseEvents: false }).addTo(map);
      const element = marker.getElement();
      element.setAttribute("role", "button");
      element.dataset.siret = structure.siret;
      element.dataset.kind = structure.kind;
      element.setAttribute("aria-label", `${structure.name}, ${tg.kindName(structure.kind)}`);
      marker.on("click", () => tg.openStructure(structure));
      const tip = () => h("div", {}, h("p", { class: "tg-tip-name" }, structure.name), h("p", {}, tg.kindName(structure.kind)), level(structure));
      marker.bindTooltip(tip, { direction: "top", offset: [0, -10], opacity: 1, className: "tg-tip" });
      element.addEventListener("focus", () => marker.openTooltip());
      element.addEventListener("blur", () => marker.closeTooltip());
      items.push({ element, marker, structure, at: marker.getLatLng(), away: false });
    }
    roving = tg.roving(items, (item) => tg.openStructure(item.structure));
    map.on("zoomend", spread);
    tg.onTheme(refresh);
  };
  tg.hideSignTips = () => items.forEach((item) => item.marker.closeTooltip());
  function level(structure) {
    const need = tg.need();
    if (!need) {
      return null;
    }
    return h("p", { class: "tg-fine" }, `${need.label}${t.colon}${tg.levelName(structure.levels[data.needs.indexOf(need)])}`);
  }
  tg.levelName = (name) => (name === "unknown" ? t.level_unknown : t[name] || t.level_unknown);

  function refresh() {
    for (const item of items) {
      const answers = tg.answers(item.structure);
      item.away = tg.state.hidden.has(item.structure.kind) || (tg.state.answering && answers === false);
      item.element.classList.toggle("tg-away", item.away);
      item.element.firstChild.replaceChildren(tg.sign(item.structure.kind, answers !== false));
      item.marker.setZIndexOffset(answers === false ? 0 : 500);
    }
    roving.settle();
    spread();
  }

  // Signs that would hide one another open like the seeds of a sunflower, in place.
  function spread() {
    const heaps = [];
    for (const item of items.filter((candidate) => !candidate.away)) {
      const point = map.latLngToLayerPoint(item.at);
      const heap = heaps.find((other) => other.point.distanceTo(point) < 0.75 * SIZE);
      if (heap) {
        heap.items.push([item, point]);
      } else {
        heaps.push({ point, items: [[item, point]] });
      }
    }
    for (const heap of heaps) {
      heap.items.forEach(([item, point], rank) => {
        const reach = heap.items.length > 1 ? 0.56 * SIZE * Math.sqrt(rank + 0.6) : 0;
        const angle = rank * 2.399963;
        const shift = heap.point.subtract(point).add([reach * Math.cos(angle), reach * Math.sin(angle)]);
        item.shift = heap.items.length > 1 ? shift : null;
        item.element.firstChild.style.transform = item.shift ? `translate(${shift.x.toFixed(1)}px, ${shift.y.toFixed(1)}px)` : "";
      });
    }
  }

  // Where the signs stand on the screen, for the names of towns to keep away.
  tg.signBoxes = () =>
    items
      .filter((item) => !item.away)
      .map((item) => {
        const point = map.latLngToContainerPoint(item.at).add(item.shift || [0, 0]);
        return L.bounds(point.subtract([10, 10]), point.add([10, 10]));
      });

  tg.structuresBox = function () {
    const box = (kind) =>
      h(
        "label",
        { class: "tg-kind" },
        h("input", {
          type: "checkbox",
          checked: true,
          value: kind.id,
          onchange: (event) => {
            tg.state.hidden[event.target.checked ? "delete" : "add"](kind.id);
            refresh();
            tg.nameTowns();
          },
        }),
        tg.sign(kind.id, true),
        h("span", { class: "tg-label" }, kind.name),
        h("span", { class: "tg-count" }, tg.number(kind.count))
      );
    const siae = data.kinds.filter((kind) => kind.siae);
    const others = data.kinds.filter((kind) => !kind.siae);
    const hint = h("p", { class: "tg-fine" });
    const only = h("input", {
      type: "checkbox",
      id: "tg-answering",
      onchange: (event) => {
        tg.state.answering = event.target.checked;
        refresh();
        tg.nameTowns();
      },
    });
    tg.onTheme(() => {
      only.disabled = !tg.need();
      hint.textContent = tg.need() ? t.filled : t.only_none;
    });
    return h(
      "details",
      { class: "tg-structures", open: window.innerWidth > 700 },
      h("summary", {}, h("h2", {}, t.structures), h("span", { class: "tg-count" }, tg.number(data.structures.length))),
      h("label", { class: "tg-only" }, only, h("span", {}, t.only_answering)),
      siae.length ? h("fieldset", {}, h("legend", {}, t.all_kinds), siae.map(box)) : null,
      others.length ? h("fieldset", {}, h("legend", {}, t.not_siae), others.map(box)) : null,
      hint
    );
  };
})(window.territoireGeo);
