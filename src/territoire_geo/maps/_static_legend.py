"""The legend of a static map: classes and how many communes each holds, nested circles, how it was cut."""

from functools import cache
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Circle, Rectangle
from matplotlib.textpath import TextPath

from territoire_geo.maps._classes import UNKNOWN
from territoire_geo.maps._static import Drawing
from territoire_geo.maps._texts import TEXTS, number

INK: Final = "#1a202c"
SOFT: Final = "#4a5565"
HATCH: Final = "#7b8494"
SUN: Final = "#f97316"
RING: Final = "#b45309"
# DejaVu comes with matplotlib: the same letters, and the same bytes, on every machine.
STYLE: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "hatch.linewidth": 0.5,
    "svg.hashsalt": "territoire_geo",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": True,
    "text.usetex": False,
    "axes.unicode_minus": True,
}
_WIDEST: Final = 13.0  # points: the radius of the largest circle
_SWATCH: Final = (15.0, 9.5)
_STEP: Final = 13.5
_SMALL: Final = 7.2
_FINE: Final = 6.2
_DARK: Final = 0.45  # luminance under which a number is written in white


def legend(sheet: Axes, drawing: Drawing, corner: tuple[float, float], right: float, bottom: float) -> None:
    """
    Write the legend down a column.

    Parameters
    ----------
    sheet
        A plane in points.
    drawing
        What the map shows.
    corner
        Left and top of the column [points].
    right
        Where it ends [points].
    bottom
        The lowest it may go [points]: the finest words are left out beyond.
    """
    x, y = corner
    texts = TEXTS[drawing.lang]
    counts = drawing.counts()
    if "rows" in drawing.theme.more:
        y = _square(sheet, drawing, x, y, right)
    else:
        write_line(sheet, right, y, texts["communes"], size=_FINE, color=SOFT, ha="right")
        y -= 9
        rows = list(zip(drawing.theme.legend, counts, strict=False))
        # The highest on top, as a reader looks for it; kinds have no order.
        for (label, colour), count in reversed(rows) if drawing.theme.scales else rows:
            y = _row(sheet, (x, y, right), label, number(count, 0, drawing.lang), colour)
    for name, colour, count in (("unknown", "hatch", counts[-2]), ("nobody", "white", counts[-1])):
        # Hatched around the territory, with nothing to count in it.
        if count or (name == "unknown" and (drawing.theme.codes() == UNKNOWN).any()):
            y = _row(sheet, (x, y, right), texts[name], number(count, 0, drawing.lang), colour)
    if len(drawing.shapes) > drawing.core:
        pale = len(drawing.theme.codes()) > drawing.core
        y = _row(sheet, (x, y, right), texts["buffer_pale" if pale else "buffer"], "", "" if pale else "#eceae4")
    y = _rings(sheet, drawing, x, y - 6)
    _notes(sheet, drawing, (x, y - 3), right, bottom)


def _row(sheet: Axes, place: tuple[float, float, float], label: str, count: str, colour: str) -> float:
    x, y, right = place
    wide, high = _SWATCH
    if not colour:
        x -= wide + 5
    hatch = {"hatch": "//////", "edgecolor": HATCH} if colour == "hatch" else {"edgecolor": "#8a8f98"}
    face = "white" if colour == "hatch" else colour
    if colour:
        sheet.add_patch(Rectangle((x, y - high), wide, high, facecolor=face, linewidth=0.5, **hatch))  # type: ignore[arg-type]
    for line in wrap(label, right - x - wide - (24 if count else 5), _SMALL)[:4]:
        write_line(sheet, x + wide + 5, y - 1, line, size=_SMALL)
        y -= 8.6
    write_line(sheet, right, place[1] - 1, count, size=_SMALL, ha="right", color=SOFT)
    return y - (_STEP - 8.6)


def _square(sheet: Axes, drawing: Drawing, x: float, y: float, right: float) -> float:
    """Draw the nine classes as a square: need grows upwards, structures to the right."""
    texts = TEXTS[drawing.lang]
    more = drawing.theme.more
    rows, columns = list(more["rows"]), list(more["columns"])  # type: ignore[call-overload]
    counts = drawing.counts()
    side = min(28.0, (right - x - 52) / 3)
    write_line(sheet, x, y, f"↑ {texts['axis_need']}", size=_FINE, color=SOFT)
    top = y - 10
    left = right - 3 * side
    for rank, (_, colour) in enumerate(drawing.theme.legend):
        row, col = divmod(rank, 3)
        cell = (left + col * side, top - (3 - row) * side)
        sheet.add_patch(Rectangle(cell, side, side, facecolor=colour, edgecolor="white", linewidth=0.8))
        middle = (cell[0] + side / 2, cell[1] + side / 2)
        ink = "white" if _luminance(colour) < _DARK else INK
        write_line(
            sheet, *middle, number(counts[rank], 0, drawing.lang), size=_SMALL, color=ink, ha="center", va="center"
        )
    for rank in range(3):
        level = top - (3 - rank - 0.5) * side
        for part, line in enumerate(wrap(str(rows[rank]), left - x - 3, _FINE)):
            write_line(sheet, left - 4, level + 3.5 - 7.4 * part, line, size=_FINE, ha="right", va="center")
        write_line(sheet, left + (rank + 0.5) * side, top - 3 * side - 3, str(columns[rank]), size=_FINE, ha="center")
    write_line(sheet, right, top - 3 * side - 12, f"{texts['axis_supply']} →", size=_FINE, color=SOFT, ha="right")
    return top - 3 * side - 26


def _rings(sheet: Axes, drawing: Drawing, x: float, y: float) -> float:
    """Nest three circles on the same foot, each with its number."""
    known = drawing.people[drawing.people > 0]
    most = float(known.max()) if len(known) else 0.0
    if most < 5:  # noqa: PLR2004 - under five people nothing is said
        return y
    top = _round(most)
    sizes = list(dict.fromkeys(max(5.0, _round(size)) for size in (top, top / 4, top / 20)))
    texts = TEXTS[drawing.lang]
    for line in wrap(texts["circles"], 110, _SMALL):
        write_line(sheet, x, y, line, size=_SMALL)
        y -= 9
    widest = radius(top, most)
    foot, middle = y - 2 * widest - 2, x + widest + 1
    last = np.inf
    for size in sizes:
        r = radius(size, most)
        sheet.add_patch(Circle((middle, foot + r), r, facecolor=SUN, edgecolor=RING, linewidth=0.6, alpha=0.85))
        level = min(foot + 2 * r, last - 7.5)
        last = level
        sheet.plot([middle, middle + widest + 4, middle + widest + 8], [foot + 2 * r, level, level], color=SOFT, lw=0.4)
        write_line(sheet, middle + widest + 10, level, number(size, 0, drawing.lang), size=_FINE, va="center")
    return foot - 8


def _notes(sheet: Axes, drawing: Drawing, place: tuple[float, float], right: float, bottom: float) -> None:
    words = drawing.theme.words
    scales = drawing.theme.scales
    said = [words["sense"], scales[0].said if scales else "", words["note"], str(drawing.theme.more.get("note", ""))]
    x, y = place
    for text in dict.fromkeys(filter(None, said)):
        lines = wrap(sentence(text), right - x, _FINE)
        if y - 7.6 * len(lines) < bottom:
            return
        for line in lines:
            write_line(sheet, x, y, line, size=_FINE, color=SOFT)
            y -= 7.6
        y -= 3


def write_line(sheet: Axes, x: float, y: float, text: str, **style: object) -> None:
    """
    Write a line as it is: no formula is read in it.

    Parameters
    ----------
    sheet
        A plane in points.
    x
        From the left [points].
    y
        From the bottom [points], of the top of the line unless `style` says otherwise.
    text
        The line.
    **style
        What matplotlib's `Text` takes.
    """
    sheet.text(x, y, say(text), parse_math=False, **({"va": "top", "color": INK} | style))  # type: ignore[arg-type]


def _luminance(colour: str) -> float:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _round(value: float) -> float:
    """Round down to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(power * max(digit for digit in (1, 2, 5) if digit * power <= value))


def radius(count: float, most: float) -> float:
    """
    Size a circle so that its area follows a count.

    Parameters
    ----------
    count
        People.
    most
        The largest count of the map.

    Returns
    -------
    radius
        Radius [points].
    """
    return float(_WIDEST * np.sqrt(count / most))


def sentence(text: str) -> str:
    """
    Begin with a capital letter.

    Parameters
    ----------
    text
        Words.

    Returns
    -------
    sentence
        The same words.
    """
    return text[:1].upper() + text[1:]


def say(text: str) -> str:
    """
    Keep what the font of the map can write; the rest becomes "?", said rather than left out.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    say
        The same text, on one line.
    """
    known = _letters()
    return "".join(letter if ord(letter) in known else "?" for letter in " ".join(text.split("\n")))


@cache
def _letters() -> frozenset[int]:
    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


@cache
def width(text: str, size: float, *, bold: bool = False) -> float:
    """
    Measure a line.

    Parameters
    ----------
    text
        The line.
    size
        Of its letters [points].
    bold
        Whether they are bold.

    Returns
    -------
    width
        Points.
    """
    if not text.strip():
        return 0.0
    # A dollar would open a formula here; an S is as wide.
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    return float(TextPath((0, 0), text.replace("$", "S"), size=size, prop=font, usetex=False).get_extents().width)


def wrap(text: str, wide: float, size: float, *, bold: bool = False) -> list[str]:
    """
    Cut a text in lines, at its spaces.

    Parameters
    ----------
    text
        Words.
    wide
        Width of a line [points].
    size
        Of its letters [points].
    bold
        Whether they are bold.

    Returns
    -------
    wrap
        Lines; a word wider than a line has its own.
    """
    lines: list[str] = []
    for word in say(text).split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, bold=bold) <= wide:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
