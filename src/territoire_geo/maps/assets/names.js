"use strict";
// Names of the main towns.
(function (tg) {
  const { data, map } = tg;

  // Names of the main towns: the most populated first, none over another, nor over a structure when there is room.
  const names = L.layerGroup();
  tg.nameTowns = function () {
    const frame = L.bounds([10, 10], map.getSize().subtract([10, 10]));
    const view = map.getBounds();
    const order = [];
    for (let rank = 0; rank < ranked.length && order.length < 60; rank++) {
      if (data.points[ranked[rank]] && view.contains(data.points[ranked[rank]])) {
        order.push(ranked[rank]);
      }
    }
    const taken = [];
    const placed = [];
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
        placed.push([index, box.getCenter()]);
      }
    }
    write(placed);
  };
  let written = "";
  function write(placed) {
    const asked = placed.map(([index, point]) => [index, map.containerPointToLatLng(point)]);
    if (String(asked) === written) {
      return;
    }
    written = String(asked);
    names.clearLayers();
    for (const [index, at] of asked) {
      const label = tg.h("span", { class: tg.isCore(index) ? "tg-town tg-town-core" : "tg-town" }, data.names[index].slice(0, 60));
      const icon = L.divIcon({ html: label, className: "tg-town-box", iconSize: [0, 0] });
      L.marker(at, { icon, pane: "tg-names", interactive: false, keyboard: false }).addTo(names);
    }
  }
  const around = (point, half) => L.bounds(point.subtract(half), point.add(half));
  const weight = (index) => (data.population[index] || 0) * (tg.isCore(index) ? 4 : 1);
  const ranked = data.names.map((_, index) => index).sort((a, b) => weight(b) - weight(a) || a - b);

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
