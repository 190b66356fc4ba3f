"use strict";
// The panel: title, theme, search, legend, structures.
(function (tg) {
  const { data, map, t, h } = tg;

  tg.showCommune = function (index) {
    const bounds = tg.surface.boundsOf(index);
    if (tg.narrow()) {
      tg.closeDrawer(); // it covers the whole screen
    }
    tg.openCommune(index);
    const zoom = Math.max(map.getZoom(), Math.min(12, bounds ? map.getBoundsZoom(bounds.pad(1)) : 11));
    const size = map.getSize();
    const shift = tg.narrow() ? [0, size.y / 4] : [-180, document.body.classList.contains("tg-drawn") ? size.y / 5 : 0];
    const at = map.unproject(map.project(tg.placeOf(index), zoom).add(shift), zoom);
    map.setView(at, zoom, { animate: !tg.still });
  };

  const title = () => (data.title ? h("h1", {}, data.title) : h("h1", {}, t.title, " ", h("span", {}, `\u2013 ${data.name}`)));
  const said = [data.date, data.authors ? `${t.credit}${t.colon}${data.authors}` : ""].filter(Boolean).join(" \u00b7 ");
  const credit = said ? h("p", { class: "tg-credit" }, said) : null;
  const button = (id, label, onclick) => h("button", { type: "button", id, onclick }, label);

  tg.panel = function () {
    const fold = h("button", { type: "button", id: "tg-fold", "aria-expanded": "true", "aria-controls": "tg-panel-body", "aria-label": t.reduce, onclick: () => toggle() });
    const panel = h(
      "section",
      { id: "tg-panel", "aria-label": t.title },
      h("header", {}, h("div", {}, title(), h("p", {}, t.subtitle), credit), fold),
      tg.themeSelect(),
      h(
        "div",
        { id: "tg-panel-body" },
        tg.searchBox(),
        tg.summary(),
        tg.legend(),
        data.kinds.length ? tg.structuresBox() : null
      ),
      h(
        "footer",
        { class: "tg-actions" },
        button("tg-show-workshop", t.workshop_title, () => tg.openWorkshop()),
        button("tg-show-table", t.show_table, () => tg.openDrawer("table")),
        button("tg-show-limits", t.table_limits, () => tg.openDrawer("limits")),
        button("tg-show-share", t.share_link, () => tg.copyLink()),
        button("tg-show-print", t.print, () => tg.print())
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
