"use strict";
// The panel: title, theme, search, legend, structures.
(function (tg) {
  const { data, map, t, h } = tg;

  function searchBox() {
    const twins = new Map();
    data.names.forEach((name) => twins.set(name, (twins.get(name) || 0) + 1));
    const label = (index) => (twins.get(data.names[index]) > 1 ? `${data.names[index]} (${data.codes[index]})` : data.names[index]);
    const labels = data.names.map((_, index) => label(index));
    const said = h("p", { class: "tg-fine", role: "status" });
    const find = (text) => {
      const wanted = tg.plain(text);
      const exact = labels.findIndex((name) => tg.plain(name) === wanted);
      return exact >= 0 ? exact : labels.findIndex((name, index) => tg.plain(data.names[index]) === wanted || data.codes[index] === wanted.toUpperCase());
    };
    const go = (event) => {
      const text = event.target.value;
      const index = text ? find(text) : -1;
      said.textContent = text && index < 0 ? t.search_none : "";
      if (index >= 0) {
        tg.showCommune(index);
      }
    };
    const input = h("input", {
      id: "tg-search",
      type: "search",
      list: "tg-communes",
      placeholder: t.search,
      "aria-label": t.search,
      autocomplete: "off",
      onchange: go,
      onkeydown: (event) => event.key === "Enter" && go(event),
    });
    return h(
      "div",
      { class: "tg-field tg-find" },
      input,
      h("datalist", { id: "tg-communes" }, labels.map((value) => h("option", { value }))),
      said
    );
  }

  tg.showCommune = function (index) {
    const layer = tg.layers[index];
    if (tg.narrow()) {
      tg.closeDrawer(); // it covers the whole screen
    }
    tg.openCommune(index);
    const zoom = Math.max(map.getZoom(), Math.min(12, layer ? map.getBoundsZoom(layer.getBounds().pad(1)) : 11));
    const size = map.getSize();
    const shift = tg.narrow() ? [0, size.y / 4] : [-180, document.body.classList.contains("tg-drawn") ? size.y / 5 : 0];
    const at = map.unproject(map.project(tg.placeOf(index), zoom).add(shift), zoom);
    map.setView(at, zoom, { animate: !tg.still });
  };

  tg.panel = function () {
    const fold = h("button", { type: "button", id: "tg-fold", "aria-expanded": "true", "aria-controls": "tg-panel-body", "aria-label": t.reduce, onclick: () => toggle() });
    const panel = h(
      "section",
      { id: "tg-panel", "aria-label": t.title },
      h("header", {}, h("div", {}, h("h1", {}, t.title, " ", h("span", {}, `\u2013 ${data.name}`)), h("p", {}, t.subtitle)), fold),
      tg.themeSelect(),
      h(
        "div",
        { id: "tg-panel-body" },
        searchBox(),
        tg.summary(),
        tg.legend(),
        data.kinds.length ? tg.structuresBox() : null
      ),
      h(
        "footer",
        { class: "tg-actions" },
        h("button", { type: "button", id: "tg-show-table", onclick: () => tg.openDrawer("table") }, t.show_table),
        h("button", { type: "button", id: "tg-show-limits", onclick: () => tg.openDrawer("limits") }, t.show_limits)
      )
    );
    function toggle() {
      const folded = panel.classList.toggle("tg-folded");
      fold.setAttribute("aria-expanded", folded ? "false" : "true");
      fold.setAttribute("aria-label", folded ? t.expand : t.reduce);
    }
    return panel;
  };
})(window.territoireGeo);
