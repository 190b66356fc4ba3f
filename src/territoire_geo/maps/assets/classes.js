"use strict";
// Classes of the themes: values cut by the breaks of a scale, the same way as in Python.
(function (tg) {
  const { data, t } = tg;
  [tg.UNKNOWN, tg.NOBODY, tg.OUTSIDE] = [255, 254, 253];
  const followers = [];
  // A country is written in fewer characters: see _payload.py.
  if (!Array.isArray(data.codes)) {
    const { heads, head, number } = data.codes;
    data.codes = head.map((rank, index) => heads[rank] + String(number[index]).padStart(5 - heads[rank].length, "0"));
  }
  for (const need of data.needs.filter((one) => one.unmet_rest)) {
    const { demand, share, unmet_rest: rest } = need;
    need.unmet_people = rest.map((value, i) => (value === null ? null : value + Math.floor((demand[i] * (share[i] || 0)) / 100 + 0.5)));
  }
  const LEVELS = ["declared", "likely", "probable", "unknown", "no"];
  for (const structure of data.structures) {
    structure.at = structure.lat === null ? null : [structure.lat, structure.lon];
    structure.levels = Array.from(structure.levels, (mark) => LEVELS[Number(mark)]);
    structure.people = data.needs.map((_, rank) => structure[`people${rank}`]);
    structure.sure = structure.sure === 1;
  }
  // Places come as they are, or as polynomials of the metres that the minutes are told from.
  const { lat, lon, centre, size } = data.places;
  const DEGREE = 5;
  // Factors of x⁰y⁰, x⁰y¹ ... x⁵y⁰, read backwards: the scheme of Horner.
  function polynomial(factors, x, y) {
    let [total, at] = [0, factors.length];
    for (let i = DEGREE; i >= 0; i--) {
      let inner = 0;
      for (let j = DEGREE - i; j >= 0; j--) {
        inner = inner * y + factors[--at];
      }
      total = total * x + inner;
    }
    return total;
  }
  function placed(index) {
    const [x, y] = [data.travel.x[index], data.travel.y[index]];
    if (x === null) {
      return null;
    }
    const [across, along] = [(x - centre[0]) / size, (y - centre[1]) / size];
    return [polynomial(lat, across, along), polynomial(lon, across, along)];
  }
  data.points = centre ? data.codes.map((_, index) => placed(index)) : lat.map((north, index) => (north === null ? null : [north, lon[index]]));
  const needOf = (theme) => data.needs.find((need) => need.id === theme.need) || null;
  // A base map must show through.
  const CORE = data.basemap ? 0.72 : 1;
  const AROUND = data.basemap ? 0.3 : 0.42;
  const NEUTRAL = "#edeae3";

  // Value i is of class k when k breaks are at or under it.
  function cut(values, breaks) {
    const codes = new Uint8Array(data.codes.length).fill(tg.OUTSIDE);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      let code = 0;
      while (code < breaks.length && value >= breaks[code]) {
        code++;
      }
      codes[i] = value === null ? tg.UNKNOWN : code;
    }
    return codes;
  }
  function sorted(kinds) {
    const codes = new Uint8Array(data.codes.length).fill(tg.OUTSIDE);
    kinds.forEach((kind, i) => (codes[i] = kind === null ? tg.UNKNOWN : kind));
    return codes;
  }
  function withNobody(codes, need) {
    need.demand.forEach((people, i) => (codes[i] = people === 0 ? tg.NOBODY : codes[i]));
    return codes;
  }

  // Need, then supply: nine classes of two scales.
  function crossed(theme) {
    const need = needOf(theme);
    const [share, supply] = [cut(need.share, theme.across[0]), cut(need.answering, theme.across[1])];
    const codes = share.map((code, i) => (code > 9 ? code : supply[i] > 9 ? tg.UNKNOWN : 3 * code + supply[i]));
    return withNobody(codes, need);
  }
  // Fifths of the ranks; those whose interval is wide come after, paler.
  function ranked(theme) {
    const { rank, low, high } = tg.priority;
    const count = rank.reduce((sum, value) => sum + (value === null ? 0 : 1), 0);
    return sorted(
      rank.map((value, i) => {
        if (value === null) {
          return null;
        }
        const fifth = Math.min(theme.fifths - 1, Math.floor((theme.fifths * (value - 1)) / count));
        return fifth + (low[i] !== null && high[i] - low[i] > theme.unsure * count ? theme.fifths : 0);
      })
    );
  }
  // Served, short of supply, or out of reach.
  function stated(theme) {
    const need = needOf(theme);
    const [met, half] = theme.limits;
    const kinds = need.share.map((share, i) => (share === null ? null : share <= met ? 0 : need.beyond[i] ? 3 : share <= half ? 1 : 2));
    return withNobody(sorted(kinds), need);
  }
  function codesOf(theme) {
    if (theme.kind === "rank") {
      return ranked(theme);
    }
    if (theme.kind === "state") {
      return stated(theme);
    }
    if (theme.kind === "cross") {
      return crossed(theme);
    }
    if (theme.kinds) {
      return theme.need ? withNobody(sorted(theme.kinds), needOf(theme)) : sorted(theme.kinds);
    }
    const codes = cut(tg.valuesOf(theme), theme.scales[theme.scale || 0].breaks);
    return theme.need && theme.kind !== "change" ? withNobody(codes, needOf(theme)) : codes;
  }

  // Values that the page holds once are read where they are.
  tg.valuesOf = function (theme) {
    if (theme.kind === "need") {
      return needOf(theme).share;
    }
    if (theme.kind === "rank") {
      return tg.priority.rank;
    }
    if (theme.kind === "gap" && theme.need && !theme.values) {
      const { access, norms, share, demand } = needOf(theme);
      const over = (i) => Math.floor(100 * (access[i] / norms[i] - 1) + 0.5);
      const known = (i) => (share[i] !== null || demand[i] === 0) && access[i] !== null && norms[i] > 0;
      theme.values = share.map((_, i) => (known(i) ? Math.min(theme.most, over(i)) : null));
    }
    if (theme.kind === "gap" && !theme.need && !theme.values) {
      const measure = data.themes.find((other) => other.id === theme.topic);
      const unit = 10 ** theme.decimals;
      theme.values = measure.values.map((value) => (value === null ? null : Math.round((value - theme.reference) * unit) / unit));
    }
    return theme.values || null;
  };

  // Classes are found when a theme is first shown, and again when its scale or its values change.
  tg.dress = function (theme) {
    if (!theme.codes) {
      theme.codes = codesOf(theme);
      const scale = theme.scales ? theme.scales[theme.scale || 0] : theme;
      theme.legend = scale.labels.map((label, rank) => ({ label, colour: scale.colours[rank] }));
      const tally = (from, to) => {
        const counts = new Array(256).fill(0);
        for (let i = from; i < to; i++) {
          counts[theme.codes[i]]++;
        }
        return counts;
      };
      const [mine, around] = [tally(0, data.core), tally(data.core, data.codes.length)];
      theme.counts = theme.legend.map((_, rank) => mine[rank]);
      theme.around = theme.legend.map((_, rank) => around[rank]);
      theme.unknown = mine[tg.UNKNOWN];
      theme.nobody = mine[tg.NOBODY];
    }
    return theme;
  };
  tg.chooseScale = function (theme, rank) {
    theme.scale = rank;
    theme.codes = null;
    tg.setTheme(theme.id);
  };

  // The ranking: that of the diagnostic, until the workshop gives another.
  const table = data.ranking.table;
  // Intervals told in tens of ranks never leave the ranks that there are.
  if (table.unit > 1) {
    const last = table.rank.reduce((most, value) => Math.max(most, value), 1);
    const told = (values) => values.map((value) => (value === null ? null : Math.min(last, Math.max(1, value * table.unit))));
    [table.rank_low, table.rank_high] = [told(table.rank_low), told(table.rank_high)];
  }
  // Over a country: the shares as printed, 0 where no one is concerned.
  if (!data.ranking.components) {
    const part = (need) => need.share.map((share, i) => (need.demand[i] === 0 ? 0 : share === null ? null : share / 100));
    data.ranking.components = Object.fromEntries(data.ranking.needs.map((id) => [id, part(data.needs.find((need) => need.id === id))]));
  }
  tg.priority = { score: table.score, rank: table.rank, low: table.rank_low, high: table.rank_high, stability: table.stability };
  tg.onPriority = (follower) => followers.push(follower);
  tg.setPriority = function (priority) {
    tg.priority = priority;
    data.themes.filter((theme) => theme.kind === "rank").forEach((theme) => (theme.codes = null));
    followers.forEach((follower) => follower(priority));
    if (tg.theme() && tg.theme().kind === "rank") {
      tg.repaint(); // communes and legend: nothing else of the map follows the ranks
    }
  };

  tg.codeOf = (index, theme = tg.theme()) => tg.dress(theme).codes[index];
  tg.codeName = (index) => ({ [tg.UNKNOWN]: "u", [tg.NOBODY]: "z", [tg.OUTSIDE]: "" })[tg.codeOf(index)] ?? String(tg.codeOf(index));
  tg.isDark = function (colour) {
    const [red, green, blue] = [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140;
  };
  tg.styleOf = function (index) {
    const [code, core] = [tg.codeOf(index), tg.isCore(index)];
    if (code === tg.OUTSIDE) {
      return { fill: NEUTRAL, opacity: CORE === 1 ? 1 : 0.2 };
    }
    if (code === tg.UNKNOWN) {
      return core ? { fill: "hatch", opacity: CORE } : { fill: "hatch-pale", opacity: Math.min(1, 2 * AROUND + 0.2) };
    }
    if (code === tg.NOBODY) {
      return { fill: "#ffffff", opacity: CORE };
    }
    return { fill: tg.theme().legend[code].colour, opacity: core ? CORE : AROUND };
  };

  const STATES = () => ({ [tg.UNKNOWN]: t.unknown, [tg.NOBODY]: t.nobody, [tg.OUTSIDE]: t.outside });
  tg.classText = function (index, theme = tg.theme()) {
    const code = tg.codeOf(index, theme);
    return STATES()[code] || theme.legend[code].label;
  };
  const signed = (theme, text, value) => ((theme.kind === "gap" || theme.kind === "change") && value > 0 ? `+${text}` : text);
  tg.figureText = function (index, theme) {
    const value = tg.valuesOf(theme)[index];
    if (theme.small && value !== null && value !== 0 && Math.abs(value) < 5) {
      return tg.people(1);
    }
    return signed(theme, tg.number(value, theme.decimals), value);
  };
  tg.valueText = function (index, theme = tg.theme()) {
    const said = STATES()[tg.codeOf(index, theme)];
    if (said) {
      return said;
    }
    if (theme.kind === "rank") {
      return rankText(index);
    }
    if (theme.kind === "need") {
      return tg.percent(needOf(theme).share[index]);
    }
    if (!tg.valuesOf(theme)) {
      return theme.legend[tg.codeOf(index, theme)].label;
    }
    return tg.figureText(index, theme) + (theme.need && theme.kind === "gap" ? tg.unit({ unit: "%" }) : tg.unit(theme));
  };
  function rankText(index) {
    const { rank, low, high } = tg.priority;
    const span = low[index] === null || low[index] === high[index] ? "" : ` (${tg.say(t.between, tg.number(low[index]), tg.number(high[index]))})`;
    return tg.number(rank[index]) + span;
  }
  // Why a figure is unknown.
  tg.reason = function (why, index) {
    const found = (why || []).find(([, positions]) => positions.includes(index));
    return found ? t.why + found[0] : "";
  };
  tg.reasonOf = function (index, theme = tg.theme()) {
    if (tg.codeOf(index, theme) !== tg.UNKNOWN) {
      return "";
    }
    const measure = data.themes.find((other) => other.id === theme.topic);
    const why = theme.need ? needOf(theme).why : theme.why || (measure && measure.why);
    return tg.reason(why, index) || (theme.topic === "rank" ? t.why + t.rank_none : t.unknown);
  };
})(window.territoireGeo);
