// What a finger touches and is smaller than 24 pixels.
() => [...document.querySelectorAll("button, input, select, summary, textarea, a[href]")]
    .filter(part => part.checkVisibility() && !part.closest(".leaflet-pane, .tg-skip, #tg-link.tg-empty"))
    .map(part => [part, part.type === "checkbox" && part.closest("label") ? part.closest("label") : part])
    .map(([part, touched]) => [part.id || part.className || part.tagName, touched.getBoundingClientRect(), part.textContent.slice(0, 20)])
    .filter(([, box]) => box.width < 24 || box.height < 24).map(([name, box, text]) => [name, text, Math.round(box.width), Math.round(box.height)]).slice(0, 8)
