"use strict";
// Numbers of people as circles whose area follows the number.
(function (tg) {
  const { data, map, t } = tg;
  const around = (point, half) => L.bounds(point.subtract(half), point.add(half));

  const SHOWN = 1500; // the largest circles; the others would be dots over dots
  let circles = L.layerGroup();
  const held = new Map(); // circles by need, made once
  const renderer = data.codes.length > data.geometry.many ? L.canvas({ padding: 0.3 }) : tg.renderer;
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
    const wanted = tg.theme().kind === "need" && shown ? circlesOf(tg.need()) : L.layerGroup();
    if (wanted !== circles) {
      circles.remove();
      circles = wanted.addTo(map);
    }
  }
  function circlesOf(need) {
    if (!held.has(need)) {
      held.set(need, L.layerGroup(madeOf(need.unmet_people)));
    }
    return held.get(need);
  }
  function madeOf(counts) {
    const style = { renderer, interactive: false, color: "#ffffff", weight: 1.2, fillColor: "#f97316", fillOpacity: 0.92, className: "tg-circle" };
    const most = largestOf(counts);
    return drawn(counts).map((index) => L.circleMarker(tg.placeOf(index), { ...style, radius: radius(counts[index], most) }));
  }
  const largestOf = (counts) => counts.reduce((most, value) => Math.max(most, value || 0), 1);
  // The largest first, so that the small ones are seen over them.
  const drawn = (counts) =>
    counts
      .map((_, index) => index)
      .filter((index) => counts[index])
      .sort((a, b) => counts[b] - counts[a] || a - b)
      .slice(0, SHOWN);
  // Where the circles wide enough to hide a word stand, for the names of towns to keep away.
  tg.circleBoxes = () =>
    circles.getLayers().filter((circle) => circle.getRadius() > 5).map((circle) => {
      const half = L.point(0.8 * circle.getRadius(), 0.8 * circle.getRadius());
      return around(map.latLngToContainerPoint(circle.getLatLng()), half);
    });
  tg.circleLegend = function (theme) {
    const most = theme.kind === "need" ? largestOf(tg.need().unmet_people) : 0;
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
    // Nested circles, one base line, a label at the top of each.
    const power = 10 ** Math.floor(Math.log10(most));
    const top = [5, 2, 1].find((digit) => digit * power <= most) * power;
    const sizes = [top, Math.round(top / 2), Math.round(top / 10)].filter((value, rank, all) => value >= 5 && all.indexOf(value) === rank);
    const largest = radius(top, most);
    const room = 13;
    const height = Math.max(2 * largest, sizes.length * room) + 6;
    let last = -room;
    const marks = sizes.flatMap((value) => {
      const r = radius(value, most);
      const head = height - 3 - 2 * r;
      const y = Math.max(head, last + room);
      last = y;
      return [
        tg.svg("circle", { cx: largest + 2, cy: height - 3 - r, r, fill: "#f97316", "fill-opacity": 0.28, stroke: "#9a3412", "stroke-width": 1.2 }),
        tg.svg("line", { x1: largest + 2, y1: head, x2: 2 * largest + 14, y2: y, stroke: "#9a3412", "stroke-width": 0.8 }),
        tg.svg("text", { x: 2 * largest + 18, y: y + 4 }, `${tg.number(value)} ${t.circle_of}`),
      ];
    });
    const x = 2 * largest + 120;
    return [
      tg.h("label", { class: "tg-only" }, box, tg.h("span", {}, tg.need().unmet_people.filter(Boolean).length > SHOWN ? tg.say(t.circles_most, tg.number(SHOWN)) : t.circles)),
      tg.svg("svg", { class: "tg-sizes", width: x, height, "aria-hidden": "true" }, marks),
    ];
  };

})(window.territoireGeo);
