"use strict";
// Ways in: the links of the keyboard, and the search of a commune among as many as France has.
(function (tg) {
  const { data, t, h } = tg;
  const MOST = 6;
  const OFFERED = 12;

  let index = null;
  function read() {
    if (!index) {
      const twins = new Map();
      data.names.forEach((name) => twins.set(name, (twins.get(name) || 0) + 1));
      const labels = data.names.map((name, rank) => (twins.get(name) > 1 ? `${name} (${data.codes[rank]})` : name));
      index = { labels, words: data.names.map((name) => ` ${tg.plain(name)}`), all: data.names.map((_, rank) => rank) };
    }
    return index;
  }
  // The label to the letter, then the name or the code, then what begins the name, then what begins its words.
  tg.findCommunes = function (text) {
    const { labels, words, all } = read();
    const asked = text.trim();
    const wanted = tg.plain(asked).replace(/^st(e?) /, "saint$1 ");
    const each = wanted.split(" ").map((word) => ` ${word}`);
    const ways = [
      (rank) => labels[rank] === asked,
      (rank) => words[rank] === ` ${wanted}` || data.codes[rank] === wanted.toUpperCase(),
      (rank) => words[rank].startsWith(` ${wanted}`),
      (rank) => each.every((word) => words[rank].includes(word)),
      (rank) => wanted.length > 2 && words[rank].includes(wanted),
    ];
    return wanted ? ways.reduce((found, way) => (found.length ? found : all.filter(way)), []) : [];
  };

  tg.searchBox = function () {
    const said = h("div", { class: "tg-fine", role: "status" });
    const list = h("datalist", { id: "tg-communes" });
    const choice = (rank) => h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => pick(rank) }, read().labels[rank]));
    let asked = "";
    function pick(rank) {
      said.replaceChildren();
      tg.showCommune(rank);
    }
    // Options follow what is typed: France has too many communes for one list.
    function offer(event) {
      const found = tg.findCommunes(event.target.value);
      list.replaceChildren(...found.slice(0, OFFERED).map((rank) => h("option", { value: read().labels[rank] })));
    }
    function go(event) {
      const text = event.target.value;
      if (event.type === "change" && text === asked) {
        return; // leaving the field asks nothing new, and must not take away the choices
      }
      asked = text;
      const found = tg.findCommunes(text);
      if (found.length === 1) {
        pick(found[0]);
      } else if (found.length) {
        const more = found.length > MOST ? h("li", {}, tg.say(t.search_more, tg.number(found.length - MOST))) : null;
        said.replaceChildren(t.search_many, h("ul", { class: "tg-choices" }, found.slice(0, MOST).map(choice), more));
      } else {
        said.textContent = text.trim() ? t.search_none : "";
      }
    }
    const input = h("input", {
      id: "tg-search",
      type: "search",
      list: "tg-communes",
      placeholder: t.search,
      "aria-label": t.search,
      autocomplete: "off",
      oninput: offer,
      onchange: go,
      onkeydown: (event) => event.key === "Enter" && go(event),
    });
    return h("div", { class: "tg-field tg-find" }, input, list, said);
  };

  // First stops of the keyboard: past the panel, to what a reader came for.
  tg.skipLinks = function () {
    const stop = (name, label, go) => h("li", {}, h("button", { type: "button", id: `tg-skip-${name}`, onclick: go }, label));
    return h(
      "nav",
      { class: "tg-skip", "aria-label": t.skip_nav },
      h("ul", {}, stop("search", t.skip_search, () => document.getElementById("tg-search").focus()), stop("map", t.skip_map, toMap), stop("table", t.skip_table, () => tg.openDrawer("table")))
    );
  };
  function toMap() {
    const inside = tg.map.getContainer();
    (inside.querySelector('[data-core="1"][tabindex="0"], [role="application"], canvas[tabindex="0"]') || inside).focus({ preventScroll: true });
  }
})(window.territoireGeo);
