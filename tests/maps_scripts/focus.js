// The element that has the focus: its name, whether the focus is seen, what a voice says of it.
() => {
    const part = document.activeElement, style = getComputedStyle(part), box = part.getBoundingClientRect();
    const label = part.getAttribute("aria-label") || part.textContent || (part.labels && part.labels[0] && part.labels[0].textContent) || part.title || "";
    const sign = part.querySelector && part.querySelector(".tg-sign");
    const shown = style.outlineStyle !== "none" || (sign && getComputedStyle(sign).outlineStyle !== "none") || part.matches("path, canvas, .leaflet-container");
    return [part.id || String(part.className.baseVal === undefined ? part.className : part.className.baseVal) || part.tagName, Boolean(shown), label.trim()];
}
