"use strict";
// The panel: title, theme, search, legend, structures.
(function (tg) {
  const { data, map, t, h } = tg;

  function searchBox() {
    const twins = new Map();
    data.names.forEach((name) => twins.set(name, (twins.get(name) || 0) + 1));
    const label = (index) => (twins.get(data.names[index]) > 1 ? `${data.names[index]} (${data.codes[index]})` : data.names[index]);
    const labels = data.names.map((_, index) => label(index));
    const said = h("div", { class: "tg-fine", role: "status" });
    const plain = data.names.map(tg.plain);
    const all = data.names.map((_, index) => index);
    // The label to the letter, then the name or the code, then what begins the name, then what begins its words.
    const find = (text) => {
      const wanted = tg.plain(text).replace(/^st(e?) /, "saint$1 ");
      const words = wanted.split(" ");
      const begins = (index) => words.every((word) => plain[index].split(" ").some((own) => own.startsWith(word)));
      const ways = [
        (index) => labels[index] === text.trim(),
        (index) => plain[index] === wanted || data.codes[index] === wanted.toUpperCase(),
        (index) => plain[index].startsWith(wanted),
        begins,
        (index) => wanted.length > 2 && plain[index].includes(wanted),
      ];
      return wanted ? ways.reduce((found, way) => (found.length ? found : all.filter(way)), []) : [];
    };
    const MOST = 6;
    const choice = (index) => h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => pick(index) }, label(index)));
    let asked = "";
    function pick(index) {
      said.replaceChildren();
      tg.showCommune(index);
    }
    const go = (event) => {
      const text = event.target.value;
      if (event.type === "change" && text === asked) {
        return; // leaving the field asks nothing new, and must not take away the choices
      }
      asked = text;
      const found = find(text);
      if (found.length === 1) {
        pick(found[0]);
      } else if (found.length) {
        const more = found.length > MOST ? h("li", {}, tg.say(t.search_more, tg.number(found.length - MOST))) : null;
        said.replaceChildren(t.search_many, h("ul", { class: "tg-choices" }, found.slice(0, MOST).map(choice), more));
      } else {
        said.textContent = text.trim() ? t.search_none : "";
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
