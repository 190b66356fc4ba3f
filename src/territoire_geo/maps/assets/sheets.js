"use strict";
// The sheet of a commune or of a structure, in a card over the map.
(function (tg) {
  const { data, map, t, h } = tg;
  const body = h("div", { class: "tg-sheet-body" });
  const title = h("h2", { id: "tg-sheet-title", tabindex: "-1" });
  let opener = null;
  const sheet = h(
    "aside",
    { id: "tg-sheet", "aria-labelledby": "tg-sheet-title", hidden: true },
    h("header", {}, title, h("button", { type: "button", class: "tg-close", "aria-label": t.close, onclick: close }, "\u00d7")),
    body
  );
  tg.sheet = sheet;

  function open(name, parts) {
    if (sheet.hidden) {
      opener = document.activeElement;
    }
    title.textContent = name;
    body.replaceChildren(...parts.flat(Infinity).filter(Boolean));
    sheet.hidden = false;
    document.body.classList.add("tg-sheeted"); // on a phone the sheet and a tooltip have no room for both
    tg.hideTip();
    tg.hideSignTips();
    sheet.scrollTop = 0;
    title.focus({ preventScroll: true });
  }
  function close() {
    sheet.hidden = true;
    document.body.classList.remove("tg-sheeted");
    tg.state.commune = null;
    tg.state.structure = null;
    tg.hideTip();
    if (opener && opener.isConnected) {
      opener.focus({ preventScroll: true });
    }
  }
  sheet.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      close();
    }
  });

  tg.openCommune = function (index) {
    tg.state.commune = index;
    tg.state.structure = null;
    tg.hideTip();
    open(data.names[index], communeParts(index));
    mark();
  };
  function mark() {
    document.querySelectorAll("#tg-table tr[aria-current]").forEach((line) => line.removeAttribute("aria-current"));
    const line = document.querySelector(`#tg-table tr[data-index="${tg.state.commune}"]`);
    if (line) {
      line.setAttribute("aria-current", "true");
    }
  }

  function communeParts(index) {
    const theme = tg.theme();
    const population = data.population[index];
    const parts = [h("p", { class: "tg-fine" }, [data.codes[index], population === null ? "" : `${tg.number(population)} ${tg.one(population) ? t.inhabitant : t.population}`].filter(Boolean).join(" \u00b7 "))];
    if (!tg.isCore(index)) {
      parts.push(h("p", {}, t.outside));
    } else if (theme.kind !== "context") {
      const need = tg.need();
      parts.push(h("h3", {}, need.label), tg.needHeadline(need, index), tg.rows(tg.needRows(need, index)));
    }
    if (theme.kind === "context") {
      const reason = theme.codes[index] === "u" ? tg.reason(theme.why, index) : "";
      parts.push(h("h3", {}, theme.label), reason ? h("p", { class: "tg-why" }, reason) : h("p", { class: "tg-lead" }, h("b", {}, tg.valueOf(index))));
    }
    if (tg.isCore(index)) {
      parts.push(h("h3", {}, t.all_needs), needsTable(index));
    }
    const inside = data.structures.filter((structure) => structure.commune === index);
    if (inside.length) {
      parts.push(
        h("h3", {}, t.in_commune),
        h("ul", { class: "tg-list" }, inside.map((structure) =>
          h("li", {}, h("button", { type: "button", class: "tg-link", onclick: () => tg.openStructure(structure) }, tg.sign(structure.kind, true), h("span", {}, structure.name)))
        ))
      );
    }
    return parts;
  }
  function needsTable(index) {
    return h(
      "table",
      { class: "tg-small" },
      h("tbody", {}, data.needs.map((need) => {
        const unmet = need.unmet_people[index];
        const nobody = need.demand[index] === 0;
        const said = nobody ? t.nobody : unmet !== null ? tg.people(unmet) : t.unknown;
        return h("tr", {}, h("th", { scope: "row" }, need.people), h("td", {}, said), h("td", {}, unmet === null || nobody ? "" : tg.percent(need.share[index])));
      }))
    );
  }

  tg.openStructure = function (structure) {
    tg.state.structure = structure;
    tg.state.commune = null;
    tg.hideTip();
    open(structure.name, structureParts(structure));
    if (structure.at && !map.getBounds().contains(structure.at)) {
      map.panTo(structure.at, { animate: !tg.still });
    }
  };
  function structureParts(structure) {
    const address = [structure.address, [structure.post_code, structure.city].filter(Boolean).join(" ")].filter(Boolean).join(", ");
    const facts = [
      structure.naf ? [t.naf, structure.naf] : null,
      address ? [t.address, address] : null,
      ["SIRET", structure.siret],
      structure.website ? [t.site, site(structure.website)] : null,
    ].filter(Boolean);
    return [
      data.lists.length ? h("p", { class: "tg-fine" }, `${t.list}${t.colon}${data.lists.join(tg.semicolon)}.`) : null,
      h("p", { class: "tg-kind-line" }, tg.sign(structure.kind, true), h("span", {}, `${tg.kindName(structure.kind)} (${structure.kind})`)),
      structure.brand ? h("p", {}, structure.brand) : null,
      tg.rows(facts),
      structure.sure ? null : h("p", { class: "tg-fine" }, t.approximate),
      data.needs.length
        ? h(
            "table",
            { class: "tg-small" },
            h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t.need), h("th", { scope: "col" }, t.level), h("th", { scope: "col" }, t.in_reach))),
            h("tbody", {}, data.needs.map((need, rank) =>
              h("tr", {}, h("th", { scope: "row" }, need.label), h("td", {}, tg.levelName(structure.levels[rank])), h("td", { class: "tg-num" }, structure.levels[rank] === "no" ? "\u2013" : tg.people(structure.people[rank])))
            ))
          )
        : null,
      data.needs.length ? h("p", { class: "tg-fine" }, t.levels_help) : null,
    ];
  }
  // Only a web address becomes a link; anything else stays a text.
  function site(text) {
    let url = null;
    try {
      url = new URL(text);
    } catch {
      return text;
    }
    if (url.protocol !== "https:" && url.protocol !== "http:") {
      return text;
    }
    return h("a", { href: url.href, rel: "noopener noreferrer", target: "_blank" }, text);
  }

  tg.onTheme(() => {
    if (!sheet.hidden && tg.state.commune !== null) {
      body.replaceChildren(...communeParts(tg.state.commune).flat(Infinity).filter(Boolean));
    }
  });
})(window.territoireGeo);
