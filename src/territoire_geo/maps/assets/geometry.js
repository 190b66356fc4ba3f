"use strict";
// Communes as SVG paths: decoded, drawn once, then only recoloured.
(function (tg) {
  const { data, map, t } = tg;
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  // Whole steps of a degree, as differences, five bits a letter: see _geometry.py.
  function ring(text) {
    const points = [];
    let [x, y] = data.geometry.origin;
    let value = 0;
    let shift = 0;
    let first = true;
    for (const letter of text) {
      const bits = LETTERS.indexOf(letter);
      value += (bits & 31) * 2 ** shift;
      if (bits & 32) {
        shift += 5;
        continue;
      }
      const step = value % 2 ? -(value + 1) / 2 : value / 2;
      if (first) {
        x += step;
      } else {
        y += step;
        points.push([y * data.geometry.step, x * data.geometry.step]);
      }
      first = !first;
      value = 0;
      shift = 0;
    }
    return points;
  }
  const parts = (text) => (text ? text.split(";").map((part) => part.split(",").map(ring)) : []);

  const hatch = (id, ink, paper) =>
    tg.svg(
      "pattern",
      { id, width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      tg.svg("rect", { width: 7, height: 7, fill: paper }),
      tg.svg("line", { x1: 0, y1: 0, x2: 0, y2: 7, stroke: ink, "stroke-width": 2.6 })
    );
  document.body.append(
    tg.svg(
      "svg",
      { width: 0, height: 0, class: "tg-defs", "aria-hidden": "true" },
      tg.svg("defs", {}, hatch("tg-hatch", "#6b7280", "#f6f5f2"), hatch("tg-hatch-pale", "#c3c5c9", "#f6f5f2"))
    )
  );

  const renderer = L.svg({ padding: 0.6 });
  const line = (text, style) => L.polyline(parts(text).flat(), { ...style, renderer, smoothFactor: 0, interactive: false });

  const edge = (text, style) => L.polygon(parts(text), { ...style, renderer, smoothFactor: 0, interactive: false, fill: false });

  // A base map must show through.
  const CORE = data.basemap ? 0.72 : 1;
  const AROUND = data.basemap ? 0.3 : 0.42;

  function styleOf(index) {
    const theme = tg.theme();
    const core = tg.isCore(index);
    const code = theme.codes[index];
    const stroke = core
      ? { color: "#4b5563", opacity: 0.55, weight: 0.7 }
      : { color: "#b9b4a9", opacity: 0.6, weight: 0.5 };
    if (code === undefined) {
      return { ...stroke, fillColor: "#edeae3", fillOpacity: CORE === 1 ? 1 : 0.2 };
    }
    if (code === "u") {
      return { ...stroke, fillColor: core ? "url(#tg-hatch)" : "url(#tg-hatch-pale)", fillOpacity: core ? CORE : Math.min(1, 2 * AROUND + 0.2) };
    }
    if (code === "z") {
      return { ...stroke, fillColor: "#ffffff", fillOpacity: CORE };
    }
    return { ...stroke, fillColor: theme.colours[Number(code)], fillOpacity: core ? CORE : AROUND };
  }

  tg.valueOf = function (index) {
    const theme = tg.theme();
    const code = theme.codes[index];
    if (code === undefined) {
      return t.outside;
    }
    if (code === "u") {
      return t.unknown;
    }
    if (code === "z") {
      return t.nobody;
    }
    if (theme.kind === "context") {
      const value = theme.values[index];
      return (theme.small ? tg.people(value) : tg.number(value, theme.decimals)) + tg.unit(theme);
    }
    return theme.kind === "need" ? tg.percent(tg.need().share[index]) : theme.labels[Number(code)];
  };

  tg.layers = data.geometry.communes.map((text, index) => {
    const shape = parts(text);
    const layer = L.polygon(shape, { renderer, smoothFactor: 0, weight: 0.6, bubblingMouseEvents: false });
    layer.tgIndex = index;
    return shape.length ? layer : null;
  });

  tg.drawCommunes = function () {
    const order = tg.layers.filter((layer) => layer && !tg.isCore(layer.tgIndex)).concat(
      tg.layers.filter((layer) => layer && tg.isCore(layer.tgIndex))
    );
    order.forEach((layer) => layer.addTo(map));
    line(data.geometry.borders, { color: "#8a8577", weight: 1.2, dashArray: "5 4" }).addTo(map);
    edge(data.geometry.outline, { color: "#ffffff", weight: 5, opacity: 0.85 }).addTo(map);
    edge(data.geometry.outline, { color: "#111827", weight: 2.2 }).addTo(map);
    tg.mark = L.polygon([], { renderer, smoothFactor: 0, interactive: false, fill: false, color: "#111827", weight: 3 }).addTo(map);
    const svg = map.getPane("overlayPane").querySelector("svg");
    svg.setAttribute("role", "group");
    svg.setAttribute("aria-label", t.map);
    const items = [];
    for (const layer of order) {
      const element = layer.getElement();
      element.dataset.code = data.codes[layer.tgIndex];
      element.dataset.core = tg.isCore(layer.tgIndex) ? "1" : "0";
      layer.on("mouseover", (event) => tg.showTip(layer.tgIndex, event.latlng));
      layer.on("mousemove", (event) => tg.moveTip(event.latlng));
      layer.on("mouseout", tg.hideTip);
      layer.on("click", () => tg.openCommune(layer.tgIndex));
      if (!tg.isCore(layer.tgIndex)) {
        element.setAttribute("aria-hidden", "true");
        continue;
      }
      element.setAttribute("role", "button");
      const item = { element, at: L.latLng(tg.placeOf(layer.tgIndex)), index: layer.tgIndex };
      // A finger focuses too, and then opens the sheet: the tooltip is for the keyboard.
      element.addEventListener("focus", () => element.matches(":focus-visible") && tg.showTip(item.index, item.at));
      element.addEventListener("blur", tg.hideTip);
      items.push(item);
    }
    tg.roving(items, (item) => tg.openCommune(item.index)).settle();
  };

  tg.placeOf = (index) => data.geometry.points[index] || (tg.layers[index] ? tg.layers[index].getBounds().getCenter() : map.getCenter());

  tg.colourCommunes = function () {
    const theme = tg.theme();
    for (const layer of tg.layers) {
      if (!layer) {
        continue;
      }
      const index = layer.tgIndex;
      layer.setStyle(styleOf(index));
      const element = layer.getElement();
      element.dataset.class = theme.codes[index] === undefined ? "" : theme.codes[index];
      if (tg.isCore(index)) {
        element.setAttribute("aria-label", `${data.names[index]}, ${theme.title}${t.colon}${tg.valueOf(index)}`);
      }
    }
  };

  const tip = L.tooltip({ direction: "auto", offset: [14, 0], opacity: 1, className: "tg-tip" });
  let tipped = null;
  const outlined = (index) => tg.mark.setLatLngs(index !== null && tg.layers[index] ? tg.layers[index].getLatLngs() : []);
  tg.showTip = function (index, latlng) {
    tipped = index;
    outlined(index);
    map.openTooltip(tip.setLatLng(latlng).setContent(tg.communeTip(index)));
  };
  tg.moveTip = (latlng) => tipped !== null && tip.setLatLng(latlng);
  tg.hideTip = function () {
    map.closeTooltip(tip);
    tipped = null;
    outlined(tg.state.commune);
  };
  tg.onTheme(() => {
    tg.colourCommunes();
    if (tipped !== null) {
      tip.setContent(tg.communeTip(tipped));
    }
  });

  // Numbers of people as circles, whose area follows the number: a rate alone hides where people are.
  const circles = L.layerGroup();
  let widest = 26;
  // Circles are sized once, on the opening view: about a third of the side of a commune.
  tg.sizeCircles = function (bounds) {
    const [from, to] = [bounds.getSouthWest(), bounds.getNorthEast()].map((corner) => map.latLngToContainerPoint(corner));
    widest = Math.max(8, Math.min(26, 0.35 * Math.sqrt(Math.abs((to.x - from.x) * (to.y - from.y)) / data.core)));
  };
  let shown = true;
  const radius = (value, most) => Math.max(widest / 10, widest * Math.sqrt(value / most));
  tg.onTheme(drawCircles);
  function drawCircles() {
    circles.clearLayers();
    if (tg.theme().kind !== "need" || !shown) {
      return;
    }
    const counts = tg.need().unmet_people;
    const most = Math.max(1, ...counts);
    counts.forEach((value, index) => {
      if (value) {
        const style = { renderer, interactive: false, color: "#ffffff", weight: 1.2, fillColor: "#f97316", fillOpacity: 0.92, className: "tg-circle" };
        L.circleMarker(tg.placeOf(index), { ...style, radius: radius(value, most) }).addTo(circles);
      }
    });
    circles.addTo(map);
  }
  // Where the circles wide enough to hide a word stand, for the names of towns to keep away.
  tg.circleBoxes = () =>
    circles.getLayers().filter((circle) => circle.getRadius() > 5).map((circle) => {
      const half = L.point(0.8 * circle.getRadius(), 0.8 * circle.getRadius());
      return around(map.latLngToContainerPoint(circle.getLatLng()), half);
    });
  tg.circleLegend = function (theme) {
    const most = theme.kind === "need" ? Math.max(0, ...tg.need().unmet_people) : 0;
    if (most < 5) {
      return [];
    }
    const box = tg.h("input", {
      type: "checkbox",
      id: "tg-circles",
      checked: shown,
      onchange: (event) => {
        shown = event.target.checked;
        drawCircles();
      },
    });
    const power = 10 ** Math.floor(Math.log10(most));
    const top = [5, 2, 1].find((digit) => digit * power <= most) * power;
    const sizes = [top, Math.max(5, Math.round(top / 5))].filter((value, rank, all) => all.indexOf(value) === rank);
    let x = 2;
    const marks = sizes.flatMap((value) => {
      const r = radius(value, most);
      const mark = [
        tg.svg("circle", { cx: x + r, cy: widest, r, fill: "#f97316", "fill-opacity": 0.92, stroke: "#b45309" }),
        tg.svg("text", { x: x + 2 * r + 5, y: widest + 4 }, tg.number(value)),
      ];
      x += 2 * r + 52;
      return mark;
    });
    return [
      tg.h("label", { class: "tg-only" }, box, tg.h("span", {}, t.circles)),
      tg.svg("svg", { class: "tg-sizes", width: x, height: 2 * widest, "aria-hidden": "true" }, marks),
    ];
  };

  // Names of the main towns: the most populated first, none over another, nor over a structure when there is room.
  const names = L.layerGroup();
  tg.nameTowns = function () {
    names.clearLayers();
    const frame = L.bounds([10, 10], map.getSize().subtract([10, 10]));
    const order = data.names
      .map((_, index) => index)
      .sort((a, b) => weight(b) - weight(a) || a - b)
      .slice(0, 60);
    const taken = [];
    const signs = tg.signBoxes();
    const discs = tg.circleBoxes();
    for (const index of order) {
      const place = L.latLng(tg.placeOf(index));
      const point = map.latLngToContainerPoint(place);
      const half = L.point(3.6 * Math.min(60, data.names[index].length) + 4, 9);
      const side = half.x + 24;
      const ways = [[0, 0], [0, -20], [0, 20], [0, -34], [0, 34], [-side, 0], [side, 0], [-side, 12], [side, 12], [-side, -12], [side, -12]];
      const boxes = ways.map((way) => around(point.add(way), half)).filter((box) => !taken.some((other) => other.intersects(box)));
      // A sign hides a word, a circle only spoils it; a name far from its place is read as another's.
      const cost = (candidate) => {
        const hit = (things, price) => (things.some((thing) => thing.intersects(candidate)) ? price : 0);
        const shift = candidate.getCenter().subtract(point);
        return hit(signs, 120) + hit(discs, 45) + Math.abs(shift.y) + 2 * Math.abs(shift.x);
      };
      const box = boxes.reduce((best, candidate) => (best && cost(best) <= cost(candidate) ? best : candidate), null);
      const fair = box && (taken.length < 2 || cost(box) < 110); // the main towns have a name at any cost
      if (taken.length < 9 && fair && frame.contains(box)) {
        taken.push(around(box.getCenter(), half.add([26, 16])));
        const label = tg.h("span", { class: tg.isCore(index) ? "tg-town tg-town-core" : "tg-town" }, data.names[index].slice(0, 60));
        const icon = L.divIcon({ html: label, className: "tg-town-box", iconSize: [0, 0] });
        const at = map.containerPointToLatLng(box.getCenter());
        L.marker(at, { icon, pane: "tg-names", interactive: false, keyboard: false }).addTo(names);
      }
    }
  };
  const around = (point, half) => L.bounds(point.subtract(half), point.add(half));
  const weight = (index) => (data.population[index] || 0) * (tg.isCore(index) ? 4 : 1);

  tg.startNames = function () {
    map.createPane("tg-names").style.zIndex = 590;
    map.getPane("tg-names").style.pointerEvents = "none";
    names.addTo(map);
  };
  tg.followNames = function () {
    map.on("zoomend moveend resize", tg.nameTowns);
    tg.onTheme(tg.nameTowns);
  };
})(window.territoireGeo);
