"use strict";
// Elements, numbers and state. Text always goes through textContent: data is never read as HTML.
(function (tg) {
  const SVG = "http://www.w3.org/2000/svg";

  tg.map = window.map_territoire;
  tg.still = Boolean(window.matchMedia && window.matchMedia("(prefers-reduced-motion: reduce)").matches);
  tg.state = { theme: null, commune: null, structure: null, hidden: new Set(), answering: false };

  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) {
        continue;
      }
      if (name.startsWith("on")) {
        element.addEventListener(name.slice(2), value);
      } else if (name === "colour") {
        element.style.background = value;
      } else {
        element.setAttribute(name, value === true ? "" : value);
      }
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined && child !== "") {
        element.append(child);
      }
    }
    return element;
  }

  tg.h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
  tg.svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  const formats = new Map();
  tg.number = function (value, decimals = 0) {
    if (value === null || value === undefined) {
      return tg.t.unknown;
    }
    if (!formats.has(decimals)) {
      const locale = tg.data.lang === "fr" ? "fr-FR" : "en-GB";
      formats.set(decimals, new Intl.NumberFormat(locale, { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
    }
    const text = formats.get(decimals).format(value).replace("-", "\u2212");
    return tg.data.lang === "fr" ? text.replace(/\s/g, "\u202f") : text;
  };
  // Counts between 0 and 5 are estimates too small to print: the page only knows that they are.
  tg.people = (value) => (value !== null && value > 0 && value < 5 ? "<\u00a05" : tg.number(value));
  tg.semicolon = tg.data.lang === "fr" ? "\u00a0; " : "; ";
  tg.percent = (value, decimals = 1) =>
    value === null ? tg.t.unknown : tg.number(value, decimals) + (tg.data.lang === "fr" ? "\u00a0%" : "%");
  // French puts what is under 2 in the singular, English only 1.
  tg.one = (value) => (tg.data.lang === "fr" ? Math.abs(value) < 2 : value === 1);
  tg.say = (text, ...values) => text.replace(/\{(\d)\}/g, (_, rank) => values[Number(rank)]);
  // Own units that are short stay with their number.
  tg.unit = (theme) => (theme.unit === "%" ? (tg.data.lang === "fr" ? "\u00a0%" : "%") : "\u00a0" + theme.unit);

  tg.theme = () => tg.state.theme;
  tg.need = () => (tg.theme() && tg.data.needs.find((need) => need.id === tg.theme().need)) || null;
  tg.narrow = () => window.innerWidth <= 700;
  tg.isCore = (index) => index < tg.data.core;
  tg.plain = (text) =>
    text
      .normalize("NFD")
      .replace(/[\u0300-\u036f]/g, "")
      .toLowerCase()
      .replace(/\u0153/g, "oe")
      .replace(/\u00e6/g, "ae")
      .replace(/[^\p{L}\p{N}]+/gu, " ")
      .trim();

  // Each part of the page says what it does when the theme changes.
  const followers = [];
  tg.onTheme = (follower) => followers.push(follower);
  // Those that tell the figures themselves do it again when the theme keeps, but not its figures.
  const tellers = [];
  tg.onFigures = function (follower) {
    tg.onTheme(follower);
    tellers.push(follower);
  };
  tg.repaint = function () {
    const theme = tg.dress(tg.theme());
    tellers.forEach((follower) => follower(theme));
  };
  tg.setTheme = function (id) {
    const theme = tg.data.themes.find((candidate) => candidate.id === id);
    if (theme) {
      tg.state.theme = tg.dress(theme);
      followers.forEach((follower) => follower(theme));
    }
  };

  // One tab stop for many signs on the map; arrows go to the nearest one in that direction.
  tg.roving = function (items, choose) {
    const shown = () => items.filter((item) => !item.away && item.element.isConnected);
    function settle(current) {
      shown().forEach((item) => item.element.setAttribute("tabindex", item === current ? "0" : "-1"));
    }
    function toward(item, dx, dy) {
      const here = tg.map.latLngToContainerPoint(item.at);
      let best = null;
      let least = Infinity;
      for (const other of shown()) {
        const there = tg.map.latLngToContainerPoint(other.at).subtract(here);
        const along = there.x * dx + there.y * dy;
        const across = Math.abs(there.x * dy) + Math.abs(there.y * dx);
        const cost = along + 2 * across;
        if (other !== item && along > 0.5 && cost < least) {
          best = other;
          least = cost;
        }
      }
      return best;
    }
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    items.forEach((item) =>
      item.element.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          event.stopPropagation();
          choose(item);
        } else if (ways[event.key]) {
          event.preventDefault();
          event.stopPropagation();
          const next = toward(item, ...ways[event.key]);
          if (next) {
            settle(next);
            next.element.focus({ preventScroll: true });
            tg.map.panInside(next.at, { padding: [60, 60], animate: !tg.still });
          }
        }
      })
    );
    return { settle: () => settle(shown()[0]) };
  };
})(window.territoireGeo);
