// Panels that stand out of the window.
([width, height]) => [...document.querySelectorAll("#tg-panel, #tg-sheet, #tg-drawer, #tg-workshop, .tg-close, #tg-theme")]
    .filter(part => part.checkVisibility())
    .map(part => [part.id || part.className, part.getBoundingClientRect()])
    .filter(([, box]) => box.left < -1 || box.right > width + 1 || box.top < -1 || box.bottom > height + 1)
    .map(([name, box]) => [name, box.left, box.top, box.right, box.bottom])
