// Draws ten thousand strings wherever a text of the data may stand.
hostile => {
    const tg = window.territoireGeo, data = tg.data;
    let seed = 42, used = 0, wrong = 0;
    const next = most => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % most;
    const bits = [...hostile, "<", ">", "&", "'", '"', "`", "${", "{{", "}}", "\u0000", "\ud800", "\udfff", "\u2028", "\u202e", "<!--", "-->",
        "<svg/onload=window.hacked=1>", "javascript:window.hacked=1", "&lt;b&gt;", "=1", "é", "😀", " ", "a"];
    const text = () => { used += 1; return Array.from({ length: 1 + next(7) }, () => bits[next(bits.length)]).join(""); };
    while (used < 10000) {
        for (let rank = 0; rank < 30; rank++) {
            const drawn = text();
            const part = tg.h("p", { title: drawn, class: drawn, "data-x": drawn, "aria-label": drawn }, drawn, tg.h("b", {}, text()));
            wrong += part.childNodes.length === 2 && part.firstChild.data === drawn && part.title === drawn ? 0 : 1;
        }
        for (let index = 0; index < data.core; index++) data.names[index] = text();
        for (const structure of data.structures) for (const key of ["name", "brand", "address", "city", "naf", "website"]) structure[key] = text();
        for (const one of data.proposals) one.text = text();
        for (const one of data.standings) { one.label = text(); one.formula = text(); one.sources = [text()]; }
        for (const need of data.needs) { need.label = text(); need.people = text(); need.who = text(); }
        for (const theme of data.themes) { theme.label = text(); theme.title = text(); theme.method = text(); theme.sources = [text()]; }
        data.limits.warnings = [text()];
        data.reference = text();
        tg.setTheme(data.themes[next(data.themes.length)].id);
        tg.openCommune(next(data.core));
        tg.openStructure(next(data.structures.length));
        for (const tab of ["table", "proposals", "limits"]) tg.openDrawer(tab);
        tg.csv();
        tg.findCommunes(text());
    }
    return [used >= 10000, wrong, document.querySelectorAll("img, iframe, object, embed, svg[onload]").length, window.hacked === undefined];
}
