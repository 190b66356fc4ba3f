"use strict";
// Communes as pixels, for a whole country: the number of the commune under each pixel, then a table of colours.
(function (tg) {
  const { data, map, t, h } = tg;
  const arcs = tg.arcs;
  if (arcs.faces <= data.geometry.many) {
    return;
  }
  const RATIO = Math.min(2, window.devicePixelRatio || 1);
  const MOST = 7e6; // pixels held: margins shrink before the memory of a phone does
  const LIMITS_FROM = 12; // width of a commune on the screen, in pixels, from which its own limits are drawn
  const [HATCH, INKED] = [10, 3.7]; // pixels from one stroke of hatching to the next along a row, and those of the stroke
  const HATCHES = { hatch: ["#6b7280", "#f6f5f2"], "hatch-pale": ["#c3c5c9", "#f6f5f2"] };
  const LINE = 0.49683; // where a row of pixels is read: half would meet vertices of the grid, where boundaries have no order
  const still = L.point(0, 0);

  const fill = h("canvas", { class: "leaflet-zoom-animated tg-fill", "aria-hidden": "true" });
  const lines = h("canvas", { class: "leaflet-zoom-animated tg-lines", "aria-hidden": "true" });
  const chosen = h("canvas", { class: "leaflet-zoom-animated tg-chosen", "aria-hidden": "true" });
  const canvases = [fill, lines, chosen];
  const pens = canvases.map((canvas) => canvas.getContext("2d"));

  // What the buffers show: the zoom, where the grid's origin falls on them, their size.
  const view = { zoom: null, scale: 1, left: 0, top: 0, width: 0, height: 0, margin: still, corner: still, origin: still };
  let faces = new Uint16Array(0); // the commune under each pixel, plus one
  let before = new Uint16Array(0); // the face on the west of the first boundary met in a pixel, where there is one
  let firsts = new Uint16Array(0);
  let lasts = new Uint16Array(0);
  let image = null;
  const plain = new Uint32Array(arcs.faces + 1);
  const inked = new Uint32Array(arcs.faces + 1);
  let glowing = null;
  let marked = null;

  function frame() {
    const size = map.getSize();
    const room = Math.sqrt(MOST / Math.max(1, size.x * size.y * RATIO * RATIO));
    const margin = size.multiplyBy(Math.max(0.02, Math.min(0.25, (room - 1) / 2))).round();
    const corner = map.containerPointToLayerPoint(margin.multiplyBy(-1)).round();
    const origin = map.getPixelOrigin().add(corner);
    const [width, height] = [(size.x + 2 * margin.x) * RATIO, (size.y + 2 * margin.y) * RATIO].map(Math.round);
    Object.assign(view, { zoom: map.getZoom(), scale: 2 ** (map.getZoom() - arcs.zoom) * RATIO, left: origin.x * RATIO, top: origin.y * RATIO, margin, corner, origin: map.getPixelOrigin() });
    if (width !== view.width || height !== view.height) {
      Object.assign(view, { width, height });
      for (const canvas of canvases) {
        [canvas.width, canvas.height] = [width, height];
        [canvas.style.width, canvas.style.height] = [`${width / RATIO}px`, `${height / RATIO}px`];
      }
      [faces, before, firsts, lasts] = [0, 0, 0, 0].map(() => new Uint16Array(width * height));
      image = pens[0].createImageData(width, height);
    }
    canvases.forEach((canvas) => L.DomUtil.setTransform(canvas, corner, 1));
  }

  // Calls met(row, x, west, east) for each boundary that a row of pixels crosses by the middle; `upTo` counts the rows
  // asked for before each one, when not all are.
  function cross(met, upTo = null) {
    const { scale, left, top, width, height } = view;
    const { boxes, start, x, y } = arcs;
    for (let arc = 0; arc < arcs.count; arc++) {
      const [from, to] = [Math.ceil(boxes[4 * arc + 1] * scale - top - LINE), Math.ceil(boxes[4 * arc + 3] * scale - top - LINE)];
      if (from === to || from >= height || to <= 0 || boxes[4 * arc] * scale - left >= width) {
        continue;
      }
      if (upTo && upTo[Math.max(0, from)] === upTo[Math.min(height, to)]) {
        continue;
      }
      const [one, two] = [arcs.left[arc], arcs.right[arc]];
      const last = start[arc + 1] - 1;
      let y0 = y[start[arc]] * scale - top;
      let row0 = Math.ceil(y0 - LINE);
      for (let point = start[arc]; point < last; point++) {
        const y1 = y[point + 1] * scale - top;
        const row1 = Math.ceil(y1 - LINE);
        if (row0 !== row1) {
          const x0 = x[point] * scale - left;
          const slope = (x[point + 1] * scale - left - x0) / (y1 - y0);
          const down = row1 > row0; // then the left of the arc is the east
          const stop = Math.min(height, down ? row1 : row0);
          for (let row = Math.max(0, down ? row0 : row1); row < stop; row++) {
            met(row, x0 + slope * (row + LINE - y0), down ? two : one, down ? one : two);
          }
        }
        y0 = y1;
        row0 = row1;
      }
    }
  }

  const NONE = 65535;
  function rasterise() {
    const { width, height } = view;
    faces.fill(NONE);
    before.fill(NONE);
    const entry = new Float64Array(height).fill(-Infinity); // of the view, on its west
    const entered = new Uint16Array(height);
    cross((row, x, west, east) => {
      const column = Math.ceil(x - 0.5);
      if (column <= 0) {
        if (x > entry[row]) {
          entry[row] = x;
          entered[row] = east;
        }
      } else if (column < width) {
        const pixel = row * width + column;
        const part = (x + 0.5 - column) * 65535;
        if (before[pixel] === NONE || part < firsts[pixel]) {
          before[pixel] = west;
          firsts[pixel] = part;
        }
        if (faces[pixel] === NONE || part >= lasts[pixel]) {
          faces[pixel] = east;
          lasts[pixel] = part;
        }
      }
    });
    // Each pixel is in the face entered last. Snapping may cross two boundaries: such rows are read again, in order.
    const doubtful = [];
    for (let row = 0; row < height; row++) {
      let face = entered[row];
      let clean = true;
      for (let pixel = row * width, stop = pixel + width; pixel < stop; pixel++) {
        if (faces[pixel] === NONE) {
          faces[pixel] = face;
        } else {
          clean = clean && before[pixel] === face;
          face = faces[pixel];
        }
      }
      if (!clean) {
        doubtful.push(row);
      }
    }
    view.doubtful = doubtful.length;
    mend(doubtful);
  }

  function mend(rows) {
    if (!rows.length) {
      return;
    }
    const met = new Map(rows.map((row) => [row, []]));
    const upTo = new Uint16Array(view.height + 1);
    for (let row = 0; row < view.height; row++) {
      upTo[row + 1] = upTo[row] + (met.has(row) ? 1 : 0);
    }
    cross((row, x, west, east) => upTo[row + 1] > upTo[row] && met.get(row).push([x, west, east]), upTo);
    for (const [row, crossings] of met) {
      crossings.sort((one, two) => one[0] - two[0]);
      const inside = [0];
      const owed = [];
      let at = 0;
      const until = (column) => {
        const stop = Math.min(view.width, Math.max(at, column));
        faces.fill(inside.length ? inside[inside.length - 1] : 0, row * view.width + at, row * view.width + stop);
        at = stop;
      };
      for (const [x, west, east] of crossings) {
        until(Math.ceil(x - 0.5));
        const left = inside.lastIndexOf(west);
        const due = owed.lastIndexOf(east);
        if (left >= 0) {
          inside.splice(left, 1);
        } else {
          owed.push(west);
        }
        if (due >= 0) {
          owed.splice(due, 1);
        } else {
          inside.push(east);
        }
      }
      until(view.width);
    }
  }

  const parsed = new Map();
  function parse(colour) {
    if (!parsed.has(colour)) {
      const pen = pens[2];
      pen.save();
      pen.fillStyle = colour;
      const hex = pen.fillStyle; // the browser's own writing, #rrggbb
      pen.restore();
      parsed.set(colour, [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16)));
    }
    return parsed.get(colour);
  }
  // Little-endian, as every browser's machine is: alpha first.
  const pixelOf = (colour, opacity) => {
    const [red, green, blue] = parse(colour);
    return ((Math.round(opacity * 255) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  };
  const cache = new Map();
  let hatched = false;
  function lookUp() {
    const { codes } = tg.dress(tg.theme());
    cache.clear();
    hatched = false;
    for (let index = 0; index < arcs.faces; index++) {
      const light = glowing === null ? 1 : glowing.has(index) ? 0.4 + 0.6 * glowing.get(index) : 0.22;
      const key = 512 * Math.round(1e4 * light) + (index < data.core ? 256 : 0) + codes[index]; // one look a key
      let pair = cache.get(key);
      if (pair === undefined) {
        const { fill: colour, opacity } = tg.styleOf(index);
        const [ink, paper] = HATCHES[colour] || [colour, colour];
        pair = [pixelOf(ink, opacity * light), pixelOf(paper, opacity * light)];
        cache.set(key, pair);
      }
      inked[index + 1] = pair[0];
      plain[index + 1] = pair[1];
      hatched = hatched || pair[0] !== pair[1];
    }
  }

  function colour() {
    const { width, height } = view;
    const period = Math.round(HATCH * RATIO);
    const out = new Uint32Array(image.data.buffer);
    const phase = ((Math.round(view.left) + Math.round(view.top)) % period + period) % period;
    const stroke = Math.round(INKED * RATIO);
    for (let pixel = 0; pixel < faces.length; pixel++) {
      out[pixel] = plain[faces[pixel]];
    }
    for (let row = 0; hatched && row < height; row++) {
      const end = (row + 1) * width;
      for (let from = row * width - ((phase + row) % period); from < end; from += period) {
        for (let pixel = Math.max(row * width, from), stop = Math.min(end, from + stroke); pixel < stop; pixel++) {
          out[pixel] = inked[faces[pixel]];
        }
      }
    }
    pens[0].putImageData(image, 0, 0);
  }

  // Lines in the view; steps under a pixel are joined.
  function trace(pen, list) {
    const { scale, left, top, width, height } = view;
    const { boxes, start, x, y } = arcs;
    pen.beginPath();
    for (const arc of list) {
      if (boxes[4 * arc] * scale - left > width || boxes[4 * arc + 2] * scale < left || boxes[4 * arc + 1] * scale - top > height || boxes[4 * arc + 3] * scale < top) {
        continue;
      }
      let [atX, atY] = [x[start[arc]] * scale - left, y[start[arc]] * scale - top];
      pen.moveTo(atX, atY);
      for (let point = start[arc] + 1, last = start[arc + 1] - 1; point <= last; point++) {
        const [toX, toY] = [x[point] * scale - left, y[point] * scale - top];
        if (point === last || Math.abs(toX - atX) + Math.abs(toY - atY) > 1) {
          pen.lineTo(toX, toY);
          [atX, atY] = [toX, toY];
        }
      }
    }
  }
  function stroke(pen, colour, width) {
    pen.strokeStyle = colour;
    pen.lineWidth = width * RATIO;
    pen.stroke();
  }
  const everything = Array.from({ length: arcs.count }, (_, arc) => arc);
  // Width of the middle commune, in pixels of the grid.
  const middle = (function () {
    const widths = Float64Array.from({ length: Math.ceil(arcs.faces / 9) }, (_, rank) => widthOf(9 * rank)).sort();
    return widths[widths.length >> 1] || 1;
  })();
  function widthOf(index) {
    let [west, east] = [Infinity, -Infinity];
    for (const arc of arcs.of(index)) {
      west = Math.min(west, arcs.boxes[4 * arc]);
      east = Math.max(east, arcs.boxes[4 * arc + 2]);
    }
    return Math.max(0, east - west);
  }
  function rule() {
    const pen = pens[1];
    pen.clearRect(0, 0, view.width, view.height);
    pen.lineJoin = "bevel";
    const wide = (middle * view.scale) / RATIO;
    const near = wide >= LIMITS_FROM;
    if (near) {
      trace(pen, everything);
      stroke(pen, `rgba(255, 255, 255, ${Math.min(0.6, 0.25 + (wide - LIMITS_FROM) / 100)})`, wide < 30 ? 0.6 : 1);
    }
    // Dark on pale: seen over both ends of a ramp.
    trace(pen, arcs.borders);
    stroke(pen, "rgba(255, 255, 255, 0.8)", near ? 2.8 : 1.7);
    stroke(pen, "#4b5563", near ? 1.2 : 0.7);
    trace(pen, arcs.outline);
    stroke(pen, "rgba(255, 255, 255, 0.85)", near ? 5 : 2.5);
    stroke(pen, "#111827", near ? 2.2 : 1.1);
  }
  function frameChosen() {
    const pen = pens[2];
    pen.clearRect(0, 0, view.width, view.height);
    if (marked !== null && view.zoom !== null) {
      pen.lineJoin = "round";
      trace(pen, arcs.of(marked));
      stroke(pen, "#ffffff", 5);
      stroke(pen, "#111827", 3);
    }
  }

  let drawn = false;
  function redraw() {
    frame();
    rasterise();
    colour();
    rule();
    frameChosen();
  }
  // A view that leaves the margins is drawn at once; within them, when the hand stops.
  function follow() {
    const shift = map.containerPointToLayerPoint(still).subtract(view.corner);
    const over = Math.max(Math.abs(shift.x - view.margin.x) - view.margin.x, Math.abs(shift.y - view.margin.y) - view.margin.y);
    if (view.zoom === map.getZoom() && over > 0) {
      redraw();
    }
  }
  function settle() {
    if (!tg.theme()) {
      return; // the map takes its first views before it has a theme
    }
    const shift = map.containerPointToLayerPoint(still).subtract(view.corner);
    if (view.zoom !== map.getZoom() || !view.origin.equals(map.getPixelOrigin()) || !shift.equals(view.margin)) {
      redraw();
    }
  }
  // While the zoom changes, the picture is stretched.
  function stretch(center, zoom) {
    if (view.zoom === null) {
      return;
    }
    const scale = map.getZoomScale(zoom, view.zoom);
    const origin = L.point(view.left / RATIO, view.top / RATIO).multiplyBy(scale);
    const there = origin.subtract(map._getNewPixelOrigin(center, zoom));
    canvases.forEach((canvas) => L.DomUtil.setTransform(canvas, there, scale));
  }

  function at(latlng) {
    const here = map.project(latlng).multiplyBy(RATIO).subtract(L.point(view.left, view.top));
    const [column, row] = [Math.floor(here.x), Math.floor(here.y)];
    if (view.zoom !== map.getZoom() || column < 0 || row < 0 || column >= view.width || row >= view.height) {
      return arcs.at(latlng);
    }
    const face = faces[row * view.width + column];
    return face ? face - 1 : null;
  }

  // Pointer and keyboard: one stop for the tabulation, from which arrows go to the nearest commune that way.
  let under = null;
  function point(event) {
    if (event.originalEvent.target.closest(".leaflet-control") || (map.dragging && map.dragging.moving())) {
      return;
    }
    const index = at(event.latlng);
    if (index === under) {
      return index === null ? undefined : tg.moveTip(event.latlng);
    }
    under = index;
    return index === null ? tg.hideTip() : tg.showTip(index, event.latlng);
  }
  const say = (index) => `${data.names[index]}, ${tg.theme().title}${t.colon}${tg.valueText(index)}`;
  const said = h("div", { class: "tg-raster-said", "aria-live": "polite" });
  const keys = h("div", { class: "tg-raster-keys", tabindex: "0", role: "img", "aria-label": t.map });
  Object.assign(keys.style, { position: "absolute", inset: "3px", zIndex: "450", pointerEvents: "none" });
  Object.assign(said.style, { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" });
  let current = null;
  let places = null;
  function seats() {
    places = places || data.points.slice(0, data.core).map((place) => (place ? map.project(place, arcs.zoom) : null));
    return places;
  }
  function nearest(here, dx, dy, not) {
    let [best, least] = [null, Infinity];
    seats().forEach((place, index) => {
      if (!place || index === not) {
        return;
      }
      const [x, y] = [place.x - here.x, place.y - here.y];
      const along = x * dx + y * dy;
      const cost = dx || dy ? along + 2 * Math.abs(x * dy - y * dx) : x * x + y * y;
      if (cost < least && (along > 0 || !(dx || dy))) {
        [best, least] = [index, cost];
      }
    });
    return best;
  }
  function choose(index) {
    current = index;
    const label = say(index);
    keys.setAttribute("aria-label", label);
    said.textContent = label;
    map.panInside(data.points[index], { padding: [60, 60], animate: !tg.still });
    tg.showTip(index, L.latLng(data.points[index]));
  }
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function press(event) {
    if (WAYS[event.key]) {
      const here = current === null ? map.project(map.getCenter(), arcs.zoom) : seats()[current];
      const next = nearest(here, ...(current === null ? [0, 0] : WAYS[event.key]), current);
      if (next !== null) {
        choose(next);
      }
    } else if ((event.key === "Enter" || event.key === " ") && current !== null) {
      tg.openCommune(current);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
  function enter() {
    if (!keys.matches(":focus-visible")) {
      return;
    }
    const open = tg.state.commune;
    const known = open !== null && open < data.core && data.points[open] ? open : nearest(map.project(map.getCenter(), arcs.zoom), 0, 0, null);
    if (known !== null) {
      choose(known);
    }
  }

  function paint() {
    lookUp();
    if (current !== null) {
      keys.setAttribute("aria-label", say(current));
    }
    if (view.zoom === null) {
      settle();
    } else {
      colour();
    }
  }
  function mark(index) {
    if (index !== marked) {
      marked = index;
      frameChosen();
    }
  }
  function glow(communes) {
    glowing = communes;
    paint();
  }
  function draw() {
    if (drawn) {
      return;
    }
    drawn = true;
    map.getPane("overlayPane").prepend(...canvases);
    map.getContainer().append(keys, said);
    map.on("moveend resize", settle);
    map.on("move", follow);
    map.on("zoomanim", (event) => stretch(event.center, event.zoom));
    map.on("zoom", () => stretch(map.getCenter(), map.getZoom()));
    map.on("mousemove", point);
    map.on("mouseout", () => {
      under = null;
      tg.hideTip();
    });
    map.on("click", (event) => {
      const index = at(event.latlng);
      if (index !== null && !event.originalEvent.target.closest(".leaflet-control")) {
        tg.openCommune(index);
      }
    });
    keys.addEventListener("keydown", press);
    keys.addEventListener("focus", enter);
    keys.addEventListener("blur", tg.hideTip);
    map.whenReady(settle);
  }

  tg.surface = { draw, paint, mark, glow, at, boundsOf: arcs.boundsOf, held: view };
})(window.territoireGeo);
