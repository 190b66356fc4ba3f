"use strict";
// Boundaries shared by two communes, on the pixels of a zoom: read once, then stitched, traced or filled. See _arcs.py.
(function (tg) {
  const head = tg.data.geometry;
  const { streams } = head;

  // Natural numbers, seven bits a byte, the lowest first; folded ones carry their sign in the lowest bit.
  function varints(bytes, count, folded) {
    const values = new Int32Array(count);
    let at = 0;
    for (let i = 0; i < count; i++) {
      let byte = bytes[at++];
      let value = byte & 127;
      for (let shift = 7; byte > 127; shift += 7) {
        byte = bytes[at++];
        value |= (byte & 127) << shift;
      }
      values[i] = folded ? (value >>> 1) ^ -(value & 1) : value;
    }
    return values;
  }
  const far = (bytes) => varints(bytes, bytes.reduce((count, byte) => count + (byte < 128), 0), true);

  const count = head.arcs;
  const faces = head.faces;
  const lengths = varints(streams.count, count, false);
  const left = new Uint16Array(count); // 0 is outside, 1 the first commune
  const right = new Uint16Array(count);
  varints(streams.left, count, true).reduce((before, step, arc) => (left[arc] = before + step), 0);
  for (let arc = 0; arc < count; arc++) {
    right[arc] = left[arc] + streams.right[arc] + 256 * streams.right_high[arc];
  }
  const x = new Int32Array(head.points + count);
  const y = new Int32Array(head.points + count);
  const start = new Int32Array(count + 1); // of the points of each arc; the last point of one is just before the next one's
  const boxes = new Int32Array(4 * count); // west, north, east, south; y goes down

  // The arcs already read that a face has on its right, the last first: a ring goes on after them.
  const first = new Int32Array(faces + 1).fill(-1);
  const next = new Int32Array(count).fill(-1);
  const read = new Int32Array(faces + 1);
  const end = (arc) => start[arc + 1] - 1;
  function passed(face, place) {
    for (let turns = read[face]; turns > 0; turns--) {
      let arc = first[face];
      while (arc >= 0 && (x[end(arc)] !== place[0] || y[end(arc)] !== place[1])) {
        arc = next[arc];
      }
      if (arc < 0) {
        break;
      }
      place[0] = x[start[arc]];
      place[1] = y[start[arc]];
    }
  }
  (function unfold() {
    const jumpX = varints(streams.first_x, count, true);
    const jumpY = varints(streams.first_y, count, true);
    const [stepX, stepY] = [streams.x, streams.y].map((bytes) => new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length));
    const [farX, farY] = [far(streams.x_far), far(streams.y_far)];
    const place = [0, 0];
    let [used, usedX, usedY] = [0, 0, 0];
    for (let arc = 0; arc < count; arc++) {
      const face = left[arc];
      if ((arc === 0 || left[arc - 1] !== face) && first[face] >= 0) {
        place[0] = x[start[first[face]]];
        place[1] = y[start[first[face]]];
      }
      passed(face, place);
      let atX = place[0] + jumpX[arc];
      let atY = place[1] + jumpY[arc];
      let [dx, dy] = [0, 0];
      let point = start[arc];
      let [west, north, east, south] = [atX, atY, atX, atY];
      x[point] = atX;
      y[point] = atY;
      for (const stop = used + lengths[arc]; used < stop; used++) {
        dx = (dx >> 1) + (stepX[used] === -128 ? farX[usedX++] : stepX[used]);
        dy = (dy >> 1) + (stepY[used] === -128 ? farY[usedY++] : stepY[used]);
        x[++point] = atX += dx;
        y[point] = atY += dy;
        west = Math.min(west, atX);
        east = Math.max(east, atX);
        north = Math.min(north, atY);
        south = Math.max(south, atY);
      }
      boxes.set([west, north, east, south], 4 * arc);
      start[arc + 1] = point + 1;
      place[0] = atX;
      place[1] = atY;
      next[arc] = first[right[arc]];
      first[right[arc]] = arc;
      read[right[arc]]++;
    }
  })();

  // The arcs of each face, one after the other.
  const begin = new Int32Array(faces + 2);
  const around = new Int32Array(2 * count);
  (function gather() {
    for (let arc = 0; arc < count; arc++) {
      begin[left[arc] + 1]++;
      begin[right[arc] + 1]++;
    }
    for (let face = 0; face <= faces; face++) {
      begin[face + 1] += begin[face];
    }
    const at = begin.slice();
    for (let arc = 0; arc < count; arc++) {
      around[at[left[arc]]++] = arc;
      around[at[right[arc]]++] = arc;
    }
  })();
  const departements = varints(streams.departement, faces, false);
  const all = Array.from({ length: count }, (_, arc) => arc);

  const arcs = { zoom: head.zoom, faces, count, start, x, y, left, right, boxes };
  tg.arcs = arcs;

  // Everywhere but here, communes are numbered from 0.
  arcs.of = (index) => around.subarray(begin[index + 1], begin[index + 2]);

  const latlng = (point) => tg.map.options.crs.pointToLatLng(L.point(x[point], y[point]), head.zoom);
  arcs.line = function (arc, backwards) {
    const points = Array.from({ length: start[arc + 1] - start[arc] }, (_, rank) => latlng(start[arc] + rank));
    return backwards ? points.reverse() : points;
  };

  // Rings of a commune, holes among them: even-odd tells which is which.
  arcs.rings = function (index) {
    const face = index + 1;
    const rest = Array.from(arcs.of(index), (arc) => {
      const ahead = left[arc] === face;
      return { arc, ahead, from: ahead ? start[arc] : end(arc), to: ahead ? end(arc) : start[arc] };
    });
    const same = (one, two) => x[one] === x[two] && y[one] === y[two];
    const rings = [];
    while (rest.length) {
      const opening = rest.pop();
      let last = opening;
      const ring = arcs.line(opening.arc, !opening.ahead);
      while (!same(last.to, opening.from)) {
        const rank = rest.findIndex((side) => same(side.from, last.to));
        if (rank < 0) {
          break; // a coverage that is not clean: the ring is closed straight
        }
        [last] = rest.splice(rank, 1);
        ring.push(...arcs.line(last.arc, !last.ahead).slice(1));
      }
      ring.pop();
      rings.push(ring);
    }
    return rings;
  };

  arcs.boundsOf = function (index) {
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const arc of arcs.of(index)) {
      west = Math.min(west, boxes[4 * arc]);
      north = Math.min(north, boxes[4 * arc + 1]);
      east = Math.max(east, boxes[4 * arc + 2]);
      south = Math.max(south, boxes[4 * arc + 3]);
    }
    const corner = (px, py) => tg.map.options.crs.pointToLatLng(L.point(px, py), head.zoom);
    return east < west ? L.latLngBounds([]) : L.latLngBounds(corner(west, south), corner(east, north));
  };

  // What is between the core and the rest, then between two départements.
  const inCore = (face) => face > 0 && face <= tg.data.core;
  arcs.outline = all.filter((arc) => inCore(left[arc]) !== inCore(right[arc]));
  arcs.borders = all.filter((arc) => left[arc] && right[arc] && departements[left[arc] - 1] !== departements[right[arc] - 1]);

  // The commune on the east of the last boundary met when coming from the west; null outside.
  arcs.at = function (place) {
    const here = tg.map.options.crs.latLngToPoint(L.latLng(place), head.zoom);
    let face = 0;
    let nearest = -Infinity;
    for (let arc = 0; arc < count; arc++) {
      if (boxes[4 * arc] > here.x || boxes[4 * arc + 1] > here.y || boxes[4 * arc + 3] < here.y || boxes[4 * arc + 2] < nearest) {
        continue;
      }
      for (let point = start[arc]; point < start[arc + 1] - 1; point++) {
        const down = y[point] <= here.y;
        if (down === y[point + 1] <= here.y) {
          continue;
        }
        const crossing = x[point] + ((here.y - y[point]) / (y[point + 1] - y[point])) * (x[point + 1] - x[point]);
        if (crossing <= here.x && crossing > nearest) {
          nearest = crossing;
          face = down ? left[arc] : right[arc];
        }
      }
    }
    return face ? face - 1 : null;
  };
})(window.territoireGeo);
