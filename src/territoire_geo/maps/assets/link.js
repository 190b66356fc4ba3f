"use strict";
// The address says the commune and the theme; what it holds is a text to look up, nothing more.
(function (tg) {
  const { data, t, h } = tg;
  const LONGEST = 300;
  const status = h("span", { role: "status" });
  const field = h("input", { type: "text", id: "tg-link-field", readonly: true, hidden: true, "aria-label": t.link_take });
  const box = h(
    "div",
    { id: "tg-link", class: "tg-empty" },
    status,
    field,
    h("button", { type: "button", class: "tg-close", "aria-label": t.close, onclick: () => tell("") }, "\u00d7")
  );
  tg.linkBox = box;
  let written = null;
  let started = false;

  function tell(text, link = "") {
    status.textContent = text;
    field.value = link;
    field.hidden = !link;
    box.classList.toggle("tg-empty", !text);
  }

  // "#commune=39198&theme=need:mobility" as texts; anything else is left out.
  tg.readHash = function (hash) {
    const found = {};
    if (typeof hash !== "string" || hash.length > LONGEST) {
      return found;
    }
    for (const pair of hash.replace(/^#/, "").split("&")) {
      const cut = pair.indexOf("=");
      const name = pair.slice(0, cut);
      if (cut > 0 && (name === "commune" || name === "theme")) {
        try {
          found[name] = decodeURIComponent(pair.slice(cut + 1));
        } catch {
          found[name] = pair.slice(cut + 1); // a broken escape names nothing that the map holds
        }
      }
    }
    return found;
  };
  tg.hash = function () {
    const { commune, theme } = tg.state;
    const written = (text) => encodeURIComponent(text).replace(/%3A/g, ":");
    return "#" + [commune === null ? "" : `commune=${written(data.codes[commune])}`, theme ? `theme=${written(theme.id)}` : ""].filter(Boolean).join("&");
  };
  tg.applyHash = function (hash) {
    const { commune, theme } = tg.readHash(hash);
    const lost = [];
    if (theme !== undefined && theme !== (tg.state.theme && tg.state.theme.id)) {
      if (data.themes.some((candidate) => candidate.id === theme)) {
        tg.setTheme(theme);
      } else {
        lost.push(t.link_theme);
      }
    }
    if (commune !== undefined) {
      const index = data.codes.indexOf(commune);
      if (index < 0) {
        lost.push(t.link_commune);
      } else if (index !== tg.state.commune) {
        tg.showCommune(index);
      }
    }
    tell(lost.join(" "));
  };

  function write() {
    const hash = tg.hash();
    if (!started || hash === written) {
      return;
    }
    written = hash;
    try {
      history.replaceState(null, "", hash);
    } catch {
      // A page without an address of its own, such as the cell of a notebook, keeps none.
      if (location.protocol !== "about:") {
        location.replace(hash);
      }
    }
  }
  tg.startLink = function () {
    if (location.hash.length > 1) {
      tg.applyHash(location.hash);
    }
    started = true;
    written = tg.hash(); // an address is written from the first choice on
    window.addEventListener("hashchange", () => {
      if (location.hash !== written) {
        tg.applyHash(location.hash);
      }
    });
  };
  tg.onTheme(write);
  tg.onSelect(write);

  const address = () => (location.protocol === "about:" ? tg.hash() : location.href.replace(/#.*$/, "") + tg.hash());
  tg.copyLink = async function () {
    const link = address();
    try {
      await navigator.clipboard.writeText(link);
      tell(t.link_copied);
    } catch {
      tell(t.link_take, link); // no clipboard, or not allowed: the link is there to be taken
      field.focus();
      field.select();
    }
  };
  tg.copyButton = () => h("button", { type: "button", class: "tg-button", onclick: () => tg.copyLink() }, t.link_copy);
})(window.territoireGeo);
