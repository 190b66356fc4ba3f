"use strict";
// The ranking of composite.py and colleges.py in the page: same formulas, same roundings, same order of the sums.
// Pure: numbers in, numbers out. Components come as lists by need, null where unknown; weights as numbers by need.
(function (tg) {
  const ENOUGH = 0.75; // coverage.ENOUGH: share of the weights that must be known for a score to be told
  const DRAWS = 1000; // composite.DRAWS
  const SPREAD = 0.25;
  const LEVELS = { median: 0.5, low: 0.05, high: 0.95 };
  const WAYS = [["rank", false], ["rank", true], ["minmax", false], ["minmax", true], ["z", false]]; // true: geometric
  const MOST = 3e6; // ranks computed at most: a thousand draws up to 3,000 communes, fewer beyond

  // Half to even, as numpy rounds; beyond 2^52 a number has no decimals left.
  const WHOLE = 2 ** 52;
  const nearest = (x) => (x >= 0 ? (x < WHOLE ? x + WHOLE - WHOLE : x) : x > -WHOLE ? x - WHOLE + WHOLE : x);
  const rounded = (x) => nearest(x * 1e9) / 1e9;
  const ceiling = (x) => Math.ceil(rounded(x));

  // Pairwise, as numpy sums: with another order, the last digit could differ.
  function sum(values, from = 0, count = values.length) {
    if (count < 8) {
      let total = 0;
      for (let rank = from; rank < from + count; rank++) {
        total += values[rank];
      }
      return total;
    }
    if (count > 128) {
      const half = Math.floor(count / 2) - (Math.floor(count / 2) % 8);
      return sum(values, from, half) + sum(values, from + half, count - half);
    }
    const r = Array.from(values.slice(from, from + 8));
    const whole = count - (count % 8);
    for (let rank = 8; rank < whole; rank += 8) {
      for (let lane = 0; lane < 8; lane++) {
        r[lane] += values[from + rank + lane];
      }
    }
    let total = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
    for (let rank = whole; rank < count; rank++) {
      total += values[from + rank];
    }
    return total;
  }

  // How many of the sorted values are under x, or up to it.
  function below(sorted, x, upto) {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < x || (upto && sorted[middle] === x)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  // One component on a scale of points; NaN stays NaN. See composite._column.
  function normalise(values, how) {
    const known = values.filter((value) => !Number.isNaN(value)).sort();
    if (!known.length) {
      return values.slice();
    }
    const count = known.length;
    const [low, high] = [known[0], known[count - 1]];
    const size = Math.max(Math.abs(low), Math.abs(high));
    if (high - low <= Math.max(1e-12 * size, 1e-150)) {
      return values.map((value) => (Number.isNaN(value) ? NaN : 50));
    }
    if (how === "rank") {
      const steady = (value) => rounded(value / size);
      const sorted = known.map(steady);
      return values.map((value) => {
        const own = steady(value);
        return Number.isNaN(own) ? NaN : (100 * (below(sorted, own) + below(sorted, own, true) - 1)) / 2 / (count - 1);
      });
    }
    if (how === "minmax") {
      return values.map((value) => 100 * ((value - low) / (high - low)));
    }
    const mean = sum(known) / count;
    const spread = Math.sqrt(sum(known.map((value) => (value - mean) * (value - mean))) / count);
    return values.map((value) => 50 + 10 * ((value - mean) / spread));
  }

  // Points by way and need, computed once: weights change, components do not.
  function prepare(components) {
    const columns = components.map((values) => Float64Array.from(values, (value) => (value === null ? NaN : value)));
    const known = columns.map((column) => Uint8Array.from(column, (value) => (Number.isNaN(value) ? 0 : 1)));
    const told = known.map((flags) => flags.includes(1));
    const held = new Map();
    const points = function (way, need) {
      const key = 100 * way + need;
      if (!held.has(key)) {
        const [how, geometric] = WAYS[way];
        const found = normalise(columns[need], how);
        held.set(key, geometric ? normalise(found, "minmax").map((value) => Math.log(1 + 0.99 * value)) : found);
      }
      return held.get(key);
    };
    return { count: columns.length ? columns[0].length : 0, known, told, points };
  }

  const sane = (weights) => weights.every((weight) => Number.isFinite(weight) && weight >= 0);

  // Weights that count, brought to sum 1, and the needs that they are of; null when nothing can be ranked.
  function used(prepared, weights) {
    const most = Math.max(...weights);
    if (!sane(weights) || !(most > 0)) {
      return null;
    }
    const needs = weights.map((_, need) => need).filter((need) => weights[need] / most > 0 && prepared.told[need]);
    const kept = needs.map((need) => weights[need] / most);
    const total = sum(kept);
    return needs.length ? { needs, share: kept.map((weight) => weight / total) } : null;
  }

  // Each college counts for one, whatever the sum of its weights; one whose weights are all 0 says nothing.
  function together(colleges) {
    const heard = colleges.filter((weights) => sane(weights) && weights.some((weight) => weight > 0));
    const shares = heard.map(function (weights) {
      const most = Math.max(...weights);
      const scaled = weights.map((weight) => weight / most);
      const total = sum(scaled);
      return scaled.map((weight) => weight / total);
    });
    return shares.length ? shares[0].map((_, need) => shares.reduce((total, share) => total + share[need], 0) / shares.length) : null;
  }

  // Ranks of the scores, 1 for the highest, ties at the smallest of their ranks, 0 for NaN.
  function ranks(scores, out) {
    const sorted = scores.slice().sort(); // NaN last
    let count = sorted.length;
    while (count && Number.isNaN(sorted[count - 1])) {
      count--;
    }
    const kept = count < sorted.length ? sorted.subarray(0, count) : sorted;
    for (let place = 0; place < scores.length; place++) {
      out[place] = Number.isNaN(scores[place]) ? 0 : count - below(kept, scores[place], true) + 1;
    }
    return out;
  }

  function score(prepared, weights) {
    const chosen = used(prepared, weights);
    if (!chosen) {
      return null;
    }
    const { needs, share } = chosen;
    const points = needs.map((need) => prepared.points(0, need));
    const known = needs.map((need) => prepared.known[need]);
    const scores = new Float64Array(prepared.count);
    const knownWeight = new Float64Array(prepared.count);
    for (let place = 0; place < prepared.count; place++) {
      let [total, weight] = [0, 0];
      for (let part = 0; part < share.length; part++) {
        if (known[part][place]) {
          total += share[part] * points[part][place];
          weight += share[part];
        }
      }
      knownWeight[place] = rounded(weight);
      scores[place] = knownWeight[place] >= ENOUGH ? rounded(total / weight) : NaN;
    }
    return { score: scores, knownWeight, rank: ranks(scores, new Int32Array(prepared.count)), ...chosen };
  }

  // The parts of the score of a place, by need used: they add up to it.
  const parts = (prepared, found, place) =>
    found.needs.map((need, part) => (prepared.known[need][place] ? (prepared.points(0, need)[place] * found.share[part]) / found.knownWeight[place] : null));

  // A Weyl sequence, its bits mixed: the same draws in every browser.
  function generator(seed) {
    let state = seed | 0;
    return function () {
      state = (state + 0x9e3779b9) | 0;
      let bits = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
      bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
      return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
    };
  }

  // Settings beyond the central one: each way, with no need left out then each, every weight moved by a quarter.
  function settings(share, draws, seed) {
    const next = generator(seed);
    return Array.from({ length: draws }, function (_, draw) {
      const left = (Math.floor(draw / WAYS.length) % (share.length > 1 ? share.length + 1 : 1)) - 1;
      const moved = share.map((weight, part) => weight * (1 - SPREAD + 2 * SPREAD * next()) * (part === left ? 0 : 1));
      const total = sum(moved);
      return moved.map((weight) => weight / total);
    });
  }

  function drawsFor(count, needs) {
    const crossed = WAYS.length * (needs > 1 ? needs + 1 : 1);
    return count * DRAWS <= MOST ? DRAWS : Math.ceil(MOST / count / crossed) * crossed;
  }

  // How far the ranking holds. `step()` scales one more need, makes one more draw or sums up one more block of places,
  // and says whether it is over.
  function stability(prepared, found, fraction, given = null) {
    const places = Int32Array.from(found.rank.keys()).filter((place) => found.rank[place] > 0);
    const count = places.length;
    const drawn = given || settings(found.share, drawsFor(count, found.needs.length), 1);
    const draws = drawn.length;
    const limit = ceiling(fraction * count);
    const points = WAYS.map(() => []);
    const known = found.needs.map((need) => Uint8Array.from(places, (place) => prepared.known[need][place]));
    const held = count < 65536 ? new Uint16Array(count * draws) : new Int32Array(count * draws);
    const [seen, among] = [new Int32Array(count), new Int32Array(count)];
    const out = { stability: new Float64Array(prepared.count).fill(NaN) };
    Object.keys(LEVELS).forEach((level) => (out[level] = new Float64Array(prepared.count).fill(NaN)));
    const scores = new Float64Array(count);
    const order = new Int32Array(count);
    let [column, draw, block] = [0, 0, 0];

    function scale() {
      const [way, part] = [column % WAYS.length, Math.floor(column / WAYS.length)];
      const all = prepared.points(way, found.needs[part]);
      points[way][part] = Float64Array.from(places, (place) => all[place]);
    }
    function one() {
      const [share, way] = [drawn[draw], draw % WAYS.length];
      for (let place = 0; place < count; place++) {
        let [total, weight] = [0, 0];
        for (let part = 0; part < share.length; part++) {
          if (known[part][place]) {
            total += share[part] * points[way][part][place];
            weight += share[part];
          }
        }
        scores[place] = weight > 0 ? rounded(WAYS[way][1] ? Math.exp(total / weight) : total / weight) : NaN;
      }
      ranks(scores, order);
      let last = 0;
      for (let place = 0; place < count; place++) {
        last = Math.max(last, order[place]);
      }
      for (let place = 0; place < count; place++) {
        held[place * draws + draw] = order[place];
        seen[place] += order[place] > 0;
        among[place] += order[place] > 0 && order[place] <= limit && order[place] < last;
      }
    }
    function summary(place) {
      const own = held.subarray(place * draws, (place + 1) * draws).sort();
      for (const [level, share] of Object.entries(LEVELS)) {
        out[level][places[place]] = own[draws - seen[place] + Math.max(ceiling(share * seen[place]) - 1, 0)];
      }
      out.stability[places[place]] = among[place] / seen[place];
    }
    function step() {
      if (column < WAYS.length * found.needs.length) {
        scale();
        column++;
      } else if (draw < draws) {
        one();
        draw++;
      } else {
        for (const end = Math.min(count, block + 100); block < end; block++) {
          summary(block);
        }
      }
      return draw === draws && block === count;
    }
    return { draws, step, result: out };
  }

  // Ranks by college, and how far they agree: see colleges.py. A rank of 0 is not ranked.
  const rankings = (prepared, colleges) => colleges.map((weights) => score(prepared, weights)).map((found) => found && found.rank);

  const common = (columns) => Array.from(columns[0].keys()).filter((place) => columns.every((column) => column[place] > 0));

  // Kendall's W over the places that all rank, corrected for ties; NaN when there is nothing to order.
  function agreement(columns) {
    const places = common(columns);
    const [count, judges] = [places.length, columns.length];
    const sums = new Float64Array(count);
    let ties = 0;
    for (const column of columns) {
      const own = Float64Array.from(places, (place) => column[place]);
      const sorted = own.slice().sort();
      own.forEach((value, rank) => {
        const [under, upto] = [below(sorted, value), below(sorted, value, true)];
        sums[rank] += (under + 1 + upto) / 2;
        ties += (upto - under) ** 2 - 1; // over a group of t, t times (t² − 1)
      });
    }
    const spread = 12 * sum(sums.map((value) => (value - (judges * (count + 1)) / 2) ** 2));
    const most = judges * (judges * (count ** 3 - count) - ties);
    const w = most > 0 ? spread / most : NaN;
    return { w, mean: (judges * w - 1) / (judges - 1), judges, places: count, leftOut: columns[0].length - count };
  }

  // The places on which colleges differ most; `highest` and `lowest` are positions in `columns`.
  function disagreements(columns, most = 10) {
    const found = common(columns).map(function (place) {
      const own = columns.map((column) => column[place]);
      const [first, last] = [Math.min(...own), Math.max(...own)];
      return { place, range: last - first, highest: own.indexOf(first), highestRank: first, lowest: own.indexOf(last), lowestRank: last };
    });
    const order = (a, b) => b.range - a.range || a.highestRank - b.highestRank || a.place - b.place;
    return found.filter((one) => one.range > 0).sort(order).slice(0, most);
  }

  // Where the interval of the rank is wide: a share of the places ranked.
  const uncertain = (low, high, count, share) => low !== null && high - low > share * count;

  tg.ranking = { prepare, normalise, together, score, parts, settings, drawsFor, stability, rankings, agreement, disagreements, uncertain };
})(window.territoireGeo);
