"use strict";
// Puts the parts together, once the map exists.
(function (tg) {
  const { data, map, t, h } = tg;

  map.options.maxZoom = 15;
  map.getContainer().setAttribute("role", "region");
  map.getContainer().setAttribute("aria-label", t.map);
  const app = h("main", { id: "tg-app" }, tg.panel(), tg.sheet, tg.workshop, tg.drawer, tg.linkBox);
  // Wheels and clicks on the panels are not for the map.
  [...app.children].forEach((part) => {
    L.DomEvent.disableClickPropagation(part);
    L.DomEvent.disableScrollPropagation(part);
  });
  document.body.prepend(tg.skipLinks());
  document.body.append(app, ...tg.printParts);

  L.control.scale({ imperial: false, metric: true, position: "bottomright" }).addTo(map);
  L.control.zoom({ position: "bottomright", zoomInTitle: t.zoom_in, zoomOutTitle: t.zoom_out }).addTo(map);
  const Home = L.Control.extend({
    onAdd: () => {
      const button = h("button", { type: "button", title: t.home, "aria-label": t.home, onclick: () => tg.home(!tg.still) }, "\u2302");
      L.DomEvent.disableClickPropagation(button);
      return h("div", { class: "leaflet-bar tg-home" }, button);
    },
  });
  new Home({ position: "bottomright" }).addTo(map);

  const all = data.codes.map((_, index) => index);
  const extent = (from, to) => all.slice(from, to).reduce((box, index) => box.extend(tg.surface.boundsOf(index) || []), L.latLngBounds([]));
  const found = extent(0, data.core);
  const everything = L.latLngBounds([]).extend(found).extend(extent(data.core));
  const core = found.isValid() ? found : L.latLngBounds(data.points.filter(Boolean));

  tg.home = function (animate) {
    const narrow = tg.narrow();
    const panel = document.getElementById("tg-panel").getBoundingClientRect();
    // What stands open over the map, but a sheet, which follows a commune.
    const right = tg.workshop.hidden ? window.innerWidth : tg.workshop.getBoundingClientRect().left;
    const bottom = tg.drawer.hidden ? window.innerHeight : tg.drawer.getBoundingClientRect().top;
    map.fitBounds(core, {
      paddingTopLeft: narrow ? [12, 12] : [panel.right + 24, 28],
      paddingBottomRight: narrow ? [12, window.innerHeight - panel.top + 58] : [window.innerWidth - right + 28, window.innerHeight - bottom + 28], // the row of buttons
      animate,
    });
    [whole, middle] = [map.getZoom(), map.getCenter()];
  };
  // A part that opens or closes leaves room for the territory, unless the reader has gone elsewhere.
  let [whole, middle] = [null, null];
  tg.makeRoom = function () {
    if (!tg.narrow() && whole !== null && map.getZoom() === whole && map.getCenter().distanceTo(middle) < 100) {
      tg.home(false);
    }
  };

  // The map needs a view before anything is drawn on it.
  map.invalidateSize({ animate: false });
  tg.startNames();
  tg.surface.draw();
  tg.drawStructures();
  tg.followNames(); // after the structures: names keep away from their signs
  tg.home(false);
  tg.sizeCircles(core);
  // A need that is known, rather than a map all hatched.
  const known = data.themes.find((theme) => theme.kind === "need" && tg.valuesOf(theme).some((share) => share !== null));
  tg.setTheme((known || data.themes[0]).id);
  if (tg.narrow()) {
    tg.home(false); // again: the panel now has its height
  }
  map.setMinZoom(Math.min(map.getZoom(), map.getBoundsZoom(everything)) - 0.5);
  map.setMaxBounds(everything.pad(1.5));
  tg.startWorkshop();
  tg.startLink();
  document.documentElement.dataset.ready = "1";
})(window.territoireGeo);
