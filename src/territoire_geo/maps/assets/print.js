"use strict";
// The page on paper: the map takes the size of the sheet while it prints, and finds its own again.
(function (tg) {
  const { data, map, t, h } = tg;
  const credit = data.authors ? `${t.credit}${t.colon}${data.authors}` : "";
  const head = h("header", { class: "tg-print-head" }, h("div", { class: "tg-print-title" }, data.title || `${t.title} \u2013 ${data.name}`), h("div", {}, [data.date, credit].filter(Boolean).join(" \u00b7 ")));
  const foot = h("footer", { class: "tg-print-foot" });
  tg.printParts = [head, foot];
  let before = null;

  // What the reader sees of the map, between what stands over it.
  function visible() {
    const [width, height] = [window.innerWidth, window.innerHeight];
    const edge = (part, side, otherwise) => (part && !part.hidden ? part.getBoundingClientRect()[side] : otherwise);
    const panel = document.getElementById("tg-panel");
    const narrow = tg.narrow();
    const [left, right] = narrow ? [0, width] : [edge(panel, "right", 0), edge(tg.sheet, "left", width)];
    const bottom = narrow ? edge(panel, "top", height) : edge(tg.drawer, "top", height);
    return L.latLngBounds(map.containerPointToLatLng([left, bottom]), map.containerPointToLatLng([right, 0]));
  }

  tg.startPrint = function () {
    if (before) {
      return;
    }
    before = { centre: map.getCenter(), zoom: map.getZoom(), least: map.options.minZoom };
    const seen = visible();
    const cited = (tg.theme() && tg.theme().sources) || [];
    foot.textContent = `${t.print_sources}${t.colon}${cited.join(tg.semicolon) || t.unknown}. ${t.subtitle}`;
    document.body.classList.add("tg-printing");
    map.options.minZoom = 0; // paper is smaller than the screen
    map.invalidateSize({ animate: false });
    map.fitBounds(seen, { animate: false });
  };
  tg.endPrint = function () {
    if (!before) {
      return;
    }
    document.body.classList.remove("tg-printing");
    map.invalidateSize({ animate: false });
    map.options.minZoom = before.least;
    map.setView(before.centre, before.zoom, { animate: false });
    before = null;
  };
  window.addEventListener("beforeprint", tg.startPrint);
  window.addEventListener("afterprint", tg.endPrint);
  tg.print = () => window.print();
})(window.territoireGeo);
