// Compares the table with the map, theme by theme: what differs.
() => {
    const tg = window.territoireGeo;
    const told = [];
    for (const theme of tg.data.themes) {
        tg.setTheme(theme.id);
        const rows = [...document.querySelectorAll("#tg-table tbody tr")];
        if (rows.length !== tg.data.core) told.push([theme.id, "rows", rows.length]);
        const seen = new Map();
        for (const row of rows) {
            const index = Number(row.dataset.index);
            const cells = [...row.children].map(cell => cell.textContent);
            if (!cells.includes(tg.classText(index))) told.push([theme.id, index, "class", tg.classText(index)]);
            if (tg.valuesOf(theme) && theme.kind !== "rank" && !cells.includes(tg.valueText(index))) told.push([theme.id, index, "value", tg.valueText(index), cells]);
            seen.set(tg.codeOf(index), (seen.get(tg.codeOf(index)) || 0) + 1);
        }
        (theme.counts || []).forEach((count, code) => { if (count !== (seen.get(code) || 0)) told.push([theme.id, "count", code]); });
    }
    return told.slice(0, 5);
}
