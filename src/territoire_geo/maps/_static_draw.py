"""The drawing of a static map with matplotlib's objects: no pyplot, no state kept, the same bytes each time."""

import io
from dataclasses import replace
from typing import Final

import matplotlib as mpl
import numpy as np
import pandas as pd
import shapely
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle, PathPatch
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from PIL import Image

from territoire_geo.maps._classes import NOBODY, UNKNOWN
from territoire_geo.maps._static import Drawing
from territoire_geo.maps._static_legend import (
    HATCH,
    INK,
    RING,
    SOFT,
    STYLE,
    SUN,
    legend,
    radius,
    say,
    sentence,
    width,
    wrap,
    write_line,
)
from territoire_geo.maps._texts import TEXTS, number
from territoire_geo.maps._typography import typeset

_MARGIN: Final = 12.0  # points
_LINES: Final = 5  # of a list of sources
_SIDE: Final = 0.31  # of the width, for the legend
_GROUND: Final = "#f6f5f2"
_AROUND: Final = "#eceae4"
_EDGE: Final = "#b4b9c2"
_PALE: Final = 0.4
_FEW: Final = 1500  # communes: above, their edges would hide them
_CANVAS: Final[dict[str, type[FigureCanvasBase]]] = {
    "png": FigureCanvasAgg,
    "svg": FigureCanvasSVG,
    "pdf": FigureCanvasPdf,
}
# No date and no version in the file: the same map gives the same bytes.
_SILENT: Final[dict[str, dict[str, str | None]]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": "territoire_geo"},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": "territoire_geo"},
}


def draw(drawing: Drawing, size: tuple[float, float]) -> Figure:
    """
    Draw a static map.

    Parameters
    ----------
    drawing
        What it shows.
    size
        Width and height [inches].

    Returns
    -------
    draw
        A figure that pyplot does not know.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, facecolor="white")
        wide, high = 72 * size[0], 72 * size[1]
        sheet = _sheet(figure, wide, high)
        top = _title(sheet, drawing, wide, high)
        bottom = _foot(sheet, drawing, wide)
        left, right = _MARGIN, wide * (1 - _SIDE) - 6
        frame = (left / wide, bottom / high, (right - left) / wide, (top - bottom) / high)
        _map(figure, drawing, frame, (right - left) / (top - bottom))
        legend(sheet, drawing, (right + 12, top - 2), wide - _MARGIN, bottom)
    return figure


def write(figure: Figure, file: io.BytesIO, *, suffix: str, dpi: int, title: str) -> None:
    """
    Write a figure.

    Parameters
    ----------
    figure
        The figure.
    file
        Where.
    suffix
        "png", "svg" or "pdf".
    dpi
        Dots per inch, for a picture.
    title
        Title of the file.
    """
    with mpl.rc_context(STYLE):
        canvas = _CANVAS[suffix](figure)
        canvas.print_figure(file, format=suffix, dpi=dpi, metadata=_SILENT[suffix] | {"Title": say(title)})


def lighten(picture: bytes) -> bytes:
    """
    Keep the 256 most frequent colours of a picture, which hold those of its legend, exactly.

    Parameters
    ----------
    picture
        A PNG.

    Returns
    -------
    lighten
        A lighter PNG.
    """
    with Image.open(io.BytesIO(picture)) as given:
        image = given.convert("RGB")
    pixels, counts = np.unique(np.asarray(image).reshape(-1, 3), axis=0, return_counts=True)
    palette = Image.new("P", (1, 1))
    palette.putpalette(pixels[np.argsort(-counts, kind="stable")[:256]].tobytes())
    file = io.BytesIO()
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(file, format="png", optimize=True)
    return file.getvalue()


def _sheet(figure: Figure, wide: float, high: float) -> Axes:
    """Lay a plane in points over the whole figure, for words."""
    sheet = figure.add_axes((0, 0, 1, 1), zorder=3)
    sheet.set(xlim=(0, wide), ylim=(0, high))
    sheet.set_axis_off()
    return sheet


def _title(sheet: Axes, drawing: Drawing, wide: float, high: float) -> float:
    words = drawing.theme.words
    y = high - _MARGIN
    for line in wrap(sentence(typeset(words["title"], drawing.lang)), wide - 2 * _MARGIN, 12.5, bold=True)[:2]:
        write_line(sheet, _MARGIN, y, line, size=12.5, weight="bold")
        y -= 15.5
    unit = f" · {words['unit']}" if words["unit"] else ""
    for line in wrap(f"{drawing.territory}{typeset(unit, drawing.lang)}", wide - 2 * _MARGIN, 8.5)[:2]:
        write_line(sheet, _MARGIN, y, line, size=8.5, color=SOFT)
        y -= 11
    return y - 3


def _foot(sheet: Axes, drawing: Drawing, wide: float) -> float:
    texts = TEXTS[drawing.lang]
    lines = [texts["subtitle"]]
    if drawing.theme.sources:
        lines.append(typeset(f"{texts['source']}{texts['colon']}{' ; '.join(drawing.theme.sources)}", drawing.lang))
    lines += [drawing.credit] * bool(drawing.credit)
    said = [line for text in lines for line in _cut(wrap(text, wide - 2 * _MARGIN, 6.2))]
    y = _MARGIN - 3
    for line in reversed(said):
        write_line(sheet, _MARGIN, y, line, size=6.2, color=SOFT, va="bottom")
        y += 7.8
    return y + 4


def _cut(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _LINES else [*lines[: _LINES - 1], f"{lines[_LINES - 1]} …"]


def _map(figure: Figure, drawing: Drawing, frame: tuple[float, float, float, float], ratio: float) -> None:
    axes = figure.add_axes(frame, facecolor=_GROUND, zorder=1)
    axes.set(xticks=(), yticks=())
    for spine in axes.spines.values():
        spine.set(color="#dcd8d0", linewidth=0.6)
    drawing = _look(axes, drawing, ratio)
    _fill(axes, drawing)
    few = len(drawing.shapes) <= _FEW
    if few:
        _lines(axes, drawing.shapes.to_numpy()[drawing.core :], color="white", linewidth=0.35, zorder=3)
        _lines(axes, drawing.shapes.to_numpy()[: drawing.core], color=_EDGE, linewidth=0.35, zorder=3)
    _lines(axes, drawing.rims.to_numpy()[1:], color="#6b7280", linewidth=0.7, linestyle=(0, (5, 2, 1, 2)), zorder=4)
    _lines(axes, drawing.rims.to_numpy()[:1], color=INK, linewidth=1.1 if few else 0.6, zorder=5)
    _circles(axes, drawing)
    _towns(axes, drawing)
    _scale_bar(axes, drawing.lang)


def _look(axes: Axes, drawing: Drawing, ratio: float) -> Drawing:
    """Frame the core with a margin, in the shape of the paper, and leave out what is beyond the frame."""
    west, south, east, north = shapely.bounds(drawing.rims.iloc[0])
    wide, high = 1.08 * (east - west), 1.08 * (north - south)
    wide, high = max(wide, high * ratio), max(high, wide / ratio)
    x, y = (west + east) / 2, (south + north) / 2
    axes.set(xlim=(x - wide / 2, x + wide / 2), ylim=(y - high / 2, y + high / 2))
    frame = shapely.box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
    seen = shapely.intersects(frame, drawing.shapes.to_numpy())
    seen[: drawing.core] = True
    near = shapely.intersection(drawing.rims.to_numpy(), frame.buffer(wide / 50))
    rims = pd.Series(near, dtype="object")
    return replace(drawing, shapes=drawing.shapes[seen], rims=rims)


def _fill(axes: Axes, drawing: Drawing) -> None:
    """Fill each class at once: one path by class leaves no seam, even for the whole country."""
    codes = drawing.theme.codes()
    inside = drawing.shapes.iloc[: drawing.core]
    outside = drawing.shapes.iloc[drawing.core :]
    _paint(axes, outside.to_numpy(), _AROUND, 1.0)
    fills = {str(rank): colour for rank, (_, colour) in enumerate(drawing.theme.legend)} | {NOBODY: "white"}
    for shapes, opacity in ((inside, 1.0), (outside, _PALE)):
        here = codes.reindex(shapes.index)
        for code, colour in fills.items():
            _paint(axes, shapes[(here == code).to_numpy()].to_numpy(), colour, opacity)
        unknown = shapes[(here == UNKNOWN).to_numpy()].to_numpy()
        _paint(axes, unknown, "white", opacity)
        _paint(axes, unknown, "none", opacity, hatch=True)


def _paint(axes: Axes, shapes: np.ndarray, colour: str, opacity: float, *, hatch: bool = False) -> None:
    path = _path(shapes)
    if path is None:
        return
    style = (
        {"facecolor": "none", "edgecolor": HATCH, "hatch": "//////", "linewidth": 0.0}
        if hatch
        else {"facecolor": colour, "edgecolor": colour, "linewidth": 0.25}
    )
    axes.add_patch(PathPatch(path, alpha=opacity, zorder=2, **style))


def _path(shapes: np.ndarray) -> Path | None:
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(shapes))]
    if not rings:
        return None
    codes = []
    for ring in rings:
        code = np.full(len(ring), Path.LINETO, dtype=Path.code_type)
        code[0], code[-1] = Path.MOVETO, Path.CLOSEPOLY
        codes.append(code)
    return Path(np.concatenate(rings), np.concatenate(codes))


def _lines(axes: Axes, shapes: np.ndarray, **style: object) -> None:
    held = shapes[~shapely.is_empty(shapes)]
    areas = shapely.get_dimensions(held) == 2  # noqa: PLR2004 - a surface
    edges = np.concatenate([shapely.boundary(held[areas]), held[~areas]])
    parts = [shapely.get_coordinates(part) for part in shapely.get_parts(edges)]
    axes.add_collection(LineCollection(parts, **style), autolim=False)  # type: ignore[arg-type]


def _circles(axes: Axes, drawing: Drawing) -> None:
    """Draw people as circles of that area, the largest first, so that no small one is hidden."""
    people = drawing.people[drawing.people > 0].sort_values(ascending=False, kind="stable")
    if not len(people):
        return
    points = _places(drawing, people.index)
    unit = _metres_by_point(axes)
    for place, count in zip(points, people, strict=True):
        circle = Circle(
            tuple(place), radius(count, people.max()) * unit, facecolor=SUN, edgecolor=RING, linewidth=0.5, zorder=6
        )
        circle.set_alpha(0.85)
        axes.add_patch(circle)


def _places(drawing: Drawing, codes: pd.Index) -> np.ndarray:
    """Find where a commune is named: its town hall, or a point of its surface."""
    given, surface = drawing.points.reindex(codes).to_numpy(), drawing.shapes.reindex(codes).to_numpy()
    lost = shapely.is_missing(given) | shapely.is_empty(given)
    return shapely.get_coordinates(np.where(lost, shapely.point_on_surface(surface), given))


def _metres_by_point(axes: Axes) -> float:
    west, east = axes.get_xlim()
    figure = axes.get_figure()
    share = axes.get_position().width
    inches = float(figure.get_size_inches()[0]) if isinstance(figure, Figure) else 1.0
    return (east - west) / (72 * inches * share)


def _towns(axes: Axes, drawing: Drawing) -> None:
    """Name towns, the most populated first, none over another or out of the frame."""
    unit = _metres_by_point(axes)
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    taken: list[tuple[float, float, float, float]] = []
    halo = [withStroke(linewidth=2.2, foreground="white")]
    counts = drawing.people.reindex(drawing.towns.index).to_numpy()
    for (x, foot), name, count in zip(_places(drawing, drawing.towns.index), drawing.towns, counts, strict=True):
        # Under its circle, when it has one.
        y = foot - (unit * (radius(count, drawing.people.max()) + 4.5) if count > 0 else 0.0)
        half, high = unit * (width(say(str(name)), 7.0, bold=True) / 2 + 2), unit * 4.5
        box = (x - half, y - high, x + half, y + high)
        inside = box[0] > west and box[2] < east and box[1] > south and box[3] < north
        if inside and not any(_over(box, other) for other in taken):
            taken.append(box)
            axes.text(
                x, y, say(str(name)), size=7.0, weight="bold", color=INK, ha="center", va="center",
                zorder=8, path_effects=halo, parse_math=False,
            )  # fmt: skip


def _over(box: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]


def _scale_bar(axes: Axes, lang: str) -> None:
    """Draw a round number of kilometres, a quarter of the map at most."""
    west, east = axes.get_xlim()
    south, north = axes.get_ylim()
    unit = _metres_by_point(axes)
    most = (east - west) / 4
    power = 10.0 ** np.floor(np.log10(most))
    metres = power * max(digit for digit in (1, 2, 5) if digit * power <= most)
    x, y = west + 8 * unit, south + 8 * unit
    halo = [withStroke(linewidth=2.5, foreground="white")]
    xs = [x, x, x + metres, x + metres]
    axes.plot(xs, [y + 3 * unit, y, y, y + 3 * unit], color=INK, linewidth=0.9, zorder=9, path_effects=halo)
    said = f"{number(metres / 1000, 0 if metres >= 1000 else 1, lang)}\u00a0km"  # noqa: PLR2004 - a kilometre
    axes.text(
        x + metres / 2, y + 4 * unit, said, size=6.5, color=INK, ha="center", va="bottom", zorder=9, path_effects=halo,
        parse_math=False,
    )  # fmt: skip
    axes.set(xlim=(west, east), ylim=(south, north))
