// Contrast of every text on its ground: how many were read, and the first that are too pale.
() => {
    const parse = text => { const n = text.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n.length > 3 ? n[3] : 1]; };
    const light = ([r, g, b]) => [r, g, b].map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const low = [];
    let seen = 0;
    for (const part of document.querySelectorAll("#tg-app *, .tg-skip *")) {
        const own = [...part.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own || part.closest("svg") || !part.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        let under = part, ground = [255, 255, 255, 1];
        for (; under; under = under.parentElement) {
            const style = getComputedStyle(under);
            const found = parse(style.backgroundColor);
            if (found[3] === 1) { ground = found; break; }
        }
        const [a, b] = [light(parse(getComputedStyle(part).color)), light(ground)];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        seen += 1;
        if (ratio < 4.5) low.push([part.className || part.tagName, Math.round(100 * ratio) / 100, part.textContent.slice(0, 40)]);
    }
    return [seen, low.slice(0, 6)];
}
