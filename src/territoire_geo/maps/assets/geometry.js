"use strict";
// Communes as SVG paths, drawn once, then only recoloured; and the tooltip of a commune, however it is drawn.
(function (tg) {
  const { data, map, t, arcs } = tg;

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
  tg.renderer = renderer;
  const few = arcs.faces <= data.geometry.many;
  const lines = (list, style) => L.polyline(list.map((arc) => arcs.line(arc)), { ...style, renderer, smoothFactor: 0, interactive: false }).addTo(map);

  // A catchment: its communes keep their colour, the others fade.
  let glowing = null;
  function dim(communes) {
    glowing = communes;
    tg.colourCommunes();
  }

  function styleOf(index) {
    const core = tg.isCore(index);
    const { fill, opacity: full } = tg.styleOf(index);
    const light = fill.startsWith("#") && tg.isDark(fill); // limits are seen on dark classes too
    const stroke = core ? { color: light ? "#ffffff" : "#4b5563", opacity: 0.55, weight: 0.7 } : { color: "#b9b4a9", opacity: 0.6, weight: 0.5 };
    const opacity = glowing === null ? full : full * (glowing.has(index) ? 0.4 + 0.6 * glowing.get(index) : 0.22);
    return { ...stroke, fillColor: fill.startsWith("hatch") ? `url(#tg-${fill})` : fill, fillOpacity: opacity };
  }

  // The rings of a commune make one shape: even-odd leaves its holes out.
  tg.layers = few ? data.codes.map((_, index) => shaped(arcs.rings(index), index)) : [];
  function shaped(rings, index) {
    const layer = L.polygon(rings, { renderer, smoothFactor: 0, weight: 0.6, bubblingMouseEvents: false });
    layer.tgIndex = index;
    return rings.length ? layer : null;
  }

  tg.drawCommunes = function () {
    const order = tg.layers.filter((layer) => layer && !tg.isCore(layer.tgIndex)).concat(
      tg.layers.filter((layer) => layer && tg.isCore(layer.tgIndex))
    );
    order.forEach((layer) => layer.addTo(map));
    lines(arcs.borders, { color: "#8a8577", weight: 1.2, dashArray: "5 4" });
    lines(arcs.outline, { color: "#ffffff", weight: 5, opacity: 0.85 });
    lines(arcs.outline, { color: "#111827", weight: 2.2 });
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

  tg.placeOf = function (index) {
    if (data.points[index]) {
      return data.points[index];
    }
    const bounds = arcs.boundsOf(index);
    return bounds.isValid() ? bounds.getCenter() : map.getCenter();
  };

  tg.colourCommunes = function () {
    const theme = tg.theme();
    for (const layer of tg.layers) {
      if (!layer) {
        continue;
      }
      const index = layer.tgIndex;
      layer.setStyle(styleOf(index));
      const element = layer.getElement();
      element.dataset.class = tg.codeName(index);
      if (tg.isCore(index)) {
        element.setAttribute("aria-label", `${data.names[index]}, ${theme.title}${t.colon}${tg.valueText(index)}`);
      }
    }
  };

  const tip = L.tooltip({ direction: "auto", offset: [14, 0], opacity: 1, className: "tg-tip" });
  let tipped = null;
  tg.showTip = function (index, latlng) {
    tipped = index;
    tg.surface.mark(index);
    map.openTooltip(tip.setLatLng(latlng).setContent(tg.communeTip(index)));
  };
  tg.moveTip = (latlng) => tipped !== null && tip.setLatLng(latlng);
  tg.hideTip = function () {
    map.closeTooltip(tip);
    tipped = null;
    tg.surface.mark(tg.state.commune);
  };
  tg.onFigures(() => {
    tg.surface.paint();
    if (tipped !== null) {
      tip.setContent(tg.communeTip(tipped));
    }
  });
  if (few) {
    tg.surface = {
      draw: tg.drawCommunes,
      paint: tg.colourCommunes,
      mark: (index) => tg.mark.setLatLngs(index !== null && tg.layers[index] ? tg.layers[index].getLatLngs() : []),
      glow: dim,
      at: arcs.at,
      boundsOf: arcs.boundsOf,
    };
  }
})(window.territoireGeo);
