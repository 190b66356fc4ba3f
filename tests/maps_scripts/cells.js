// Cells of a spreadsheet made from ten thousand strings: how many would run, or break their row.
hostile => {
    let seed = 7, bad = 0;
    const next = most => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) % most;
    const bits = [...hostile, "=", "+", "-", "@", "\t", "\r", "\n", ";", '"', " ", "\u00a0", "\uff1d", "a", "1", ","];
    for (let rank = 0; rank < 10000; rank++) {
        const text = Array.from({ length: 1 + next(6) }, () => bits[next(bits.length)]).join("");
        const cell = territoireGeo.csvCell(text);
        const inside = cell.startsWith('"') ? cell.slice(1, -1).replace(/""/g, '"') : cell;
        const broken = !cell.startsWith('"') && /[;"\r\n]/.test(cell);
        bad += broken || /^\s*[=+\-@\uff1d]/.test(inside) || /^[\t\r\n]/.test(inside) ? 1 : 0;
    }
    return bad;
}
