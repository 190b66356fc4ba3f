"use strict";
// Who is within reach of what: the minutes of territoire_geo.reach, from the rule or the table in the page.
(function (tg) {
  const { data } = tg;
  const travel = data.travel;
  const rule = travel.rule;
  const rank = new Map(data.structures.map((structure, position) => [structure, position]));

  // A structure known by its commune only takes the minutes of its commune.
  function siteOf(position) {
    if (travel.sx[position] !== null) {
      return { x: travel.sx[position], y: travel.sy[position], commune: null };
    }
    const commune = data.structures[position].commune;
    return commune === null ? null : { x: travel.x[commune], y: travel.y[commune], commune };
  }
  function byRule(index, site) {
    if (index === site.commune) {
      return travel.own[index];
    }
    const across = travel.x[index] - site.x;
    const along = travel.y[index] - site.y;
    return rule.start + (Math.sqrt(across * across + along * along) / 1000) * ((60 * rule.detour) / rule.kmh);
  }
  const sites = rule ? data.structures.map((_, position) => siteOf(position)) : [];
  const bounds = [];
  if (travel.pairs) {
    travel.pairs.count.reduce((sum, count, index) => (bounds[index] = sum) + count, 0);
  }
  // The trips of a table from a commune, the nearest first.
  function fromTable(index) {
    const { count, structure, minutes } = travel.pairs;
    const first = bounds[index];
    return Array.from({ length: count[index] }, (_, step) => ({ structure: structure[first + step], minutes: minutes[first + step] }));
  }

  const widest = Math.max(30, ...travel.reach);
  const byMinutes = (a, b) => a.minutes - b.minutes;
  // How far a structure serves the need on the map; for another theme, the widest reach.
  tg.reachOf = (need) => (need ? travel.reach[data.needs.indexOf(need)] : widest);

  // Whether minutes to a structure are known at all.
  tg.placed = function (structure) {
    const position = rank.get(structure);
    return rule ? sites[position] !== null : Boolean(structure.at) || structure.commune !== null;
  };

  // Communes, of the territory and around, within some minutes of a structure.
  tg.communesWithin = function (structure, minutes) {
    const position = rank.get(structure);
    const found = [];
    if (rule && sites[position]) {
      data.codes.forEach((_, index) => {
        const needed = byRule(index, sites[position]);
        if (needed <= minutes) {
          found.push({ index, minutes: needed });
        }
      });
    } else if (travel.pairs) {
      data.codes.forEach((_, index) => {
        for (let step = bounds[index]; step < bounds[index] + travel.pairs.count[index]; step++) {
          if (travel.pairs.structure[step] === position && travel.pairs.minutes[step] <= minutes) {
            found.push({ index, minutes: travel.pairs.minutes[step] });
          }
        }
      });
    }
    return found.sort(byMinutes);
  };

  // Structures within some minutes of a commune, the nearest first.
  tg.structuresWithin = function (index, minutes) {
    const trips = rule
      ? sites.map((site, structure) => ({ structure, minutes: site ? byRule(index, site) : Infinity }))
      : fromTable(index);
    return trips
      .filter((trip) => trip.minutes <= minutes)
      .sort((a, b) => byMinutes(a, b) || a.structure - b.structure)
      .map((trip) => ({ structure: data.structures[trip.structure], minutes: trip.minutes }));
  };

  // Of the structures within reach, those that answer the need on the map; any of them for another theme.
  tg.nearestAnswering = (index, most) =>
    tg.structuresWithin(index, tg.reachOf(tg.need())).filter((trip) => tg.answers(trip.structure) !== false).slice(0, most);
})(window.territoireGeo);
