// Opens the map at hostile addresses: how many were said lost, changed the state, left an element behind.
given => {
    const fuzzed = ([hostile, count]) => {
        let seed = 20261123;
        const next = most => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % most;
        const bits = [...hostile, "commune", "theme", "=", "&", "#", "%", "%3C", "%E0%A4", "\u0000", "\ud800", "39008", "need:mobility",
            "javascript:alert(1)", "__proto__", "constructor", "toString", "..", "'", '"', "<svg onload=window.hacked=1>", "\u202e", "=1+1", "é", "😀"];
        return Array.from({ length: count }, () => Array.from({ length: 1 + next(8) }, () => bits[next(bits.length)]).join(""));
    };
    const tg = window.territoireGeo;
    const codes = new Set(tg.data.codes), themes = new Set(tg.data.themes.map(theme => theme.id));
    let lost = 0, wrong = 0;
    for (const [rank, text] of fuzzed(given).entries()) {
        const hash = rank % 2 ? "#commune=" + text + "&theme=" + text : "#" + text;
        const before = tg.hash();
        const { commune, theme } = tg.readHash(hash);
        tg.applyHash(hash);
        const known = codes.has(commune) || themes.has(theme);
        lost += document.querySelector("#tg-link [role=status]").textContent ? 1 : 0;
        wrong += !known && tg.hash() !== before ? 1 : 0;
    }
    return [lost, wrong, document.querySelectorAll("img, iframe, #tg-link script").length, {}.polluted === undefined];
}
