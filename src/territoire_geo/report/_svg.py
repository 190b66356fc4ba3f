"""Maps and small charts as SVG inside a page: the shapes stand once, each map only colours them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from markupsafe import Markup

from territoire_geo.maps._classes import NOBODY, UNKNOWN
from territoire_geo.maps._shapes import borders, outline, simplify
from territoire_geo.maps._static import largest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.maps._theme import Theme

SIDE: Final = 1000  # units of the longer side of a map
_MARGIN: Final = 0.04
_TALLEST: Final = 0.8  # height over width: a taller territory gets blank sides rather than half a page
_WIDEST: Final = 30.0  # radius of the largest circle [units]
_APART: Final = 34  # units between two names
_LETTER: Final = 14.5  # units by letter of a name, as drawn
_MANY: Final = 2500  # communes above which those of one class are joined
_KILOMETRES: Final = (500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.1)
_GAP: Final = 0.4  # units: smaller than what a printer shows


@dataclass(frozen=True)
class Canvas:
    """
    Where the maps of a report are drawn: the shapes, once, and how metres become units.

    `paths` are the outlines by commune of the core as SVG path data, "" where a commune has no polygon; `around` the
    communes next to it, `rim` the outline of the core and `limits` those of départements, all as path data; `x` and `y`
    the town halls [units]; `towns` names by code, the most populated first.
    """

    width: int
    height: int
    metres: float
    shapes: gpd.GeoSeries
    paths: Mapping[str, str]
    around: str
    rim: str
    limits: str
    points: pd.DataFrame
    towns: pd.Series[str]

    @property
    def many(self) -> bool:
        """Whether there are too many communes to draw each by itself."""
        return len(self.paths) > _MANY

    def unit(self, xy: np.ndarray) -> np.ndarray:
        """
        Turn metres into units.

        Parameters
        ----------
        xy
            Coordinates in the CRS of the territory, n × 2.

        Returns
        -------
        unit
            Units from the top left, n × 2.
        """
        west, north = self._corner
        return np.column_stack([(xy[:, 0] - west) / self.metres, (north - xy[:, 1]) / self.metres])

    @property
    def _corner(self) -> tuple[float, float]:
        return _corner(self.shapes, self.metres, self.width, self.height)


def _corner(shapes: gpd.GeoSeries, metres: float, width: int, height: int) -> tuple[float, float]:
    west, south, east, north = _bounds(shapes)
    return (west + east) / 2 - metres * width / 2, (south + north) / 2 + metres * height / 2


def _bounds(shapes: gpd.GeoSeries) -> list[float]:
    return [float(side) for side in gpd.GeoSeries(shapes[~shapes.is_empty]).total_bounds]


def canvas(diagnostic: Diagnostic) -> Canvas | None:
    """
    Prepare the maps of a diagnostic.

    Parameters
    ----------
    diagnostic
        What is drawn.

    Returns
    -------
    canvas
        Shapes in units; None when no commune of the core has a polygon.
    """
    territory = diagnostic.territory
    shapes = simplify(territory)
    inside = gpd.GeoSeries(shapes.reindex(territory.core), crs=territory.crs)
    if inside.is_empty.all():
        return None
    west, south, east, north = _bounds(inside)
    wide, high = (1 + 2 * _MARGIN) * max(east - west, 1.0), (1 + 2 * _MARGIN) * max(north - south, 1.0)
    width, height = SIDE, round(SIDE * min(max(high / wide, 0.5), _TALLEST))
    metres = max(wide / width, high / height)
    left, top = _corner(inside, metres, width, height)

    def drawn(geometry: Any) -> str:  # noqa: ANN401 - any shape of shapely
        return _path(geometry, left, top, metres)

    frame = shapely.box(left, top - height * metres, left + width * metres, top)
    near = gpd.GeoSeries(shapes.drop(territory.core), crs=territory.crs)
    near = gpd.GeoSeries(near[near.intersects(frame)])
    points = gpd.GeoSeries(territory.points.reindex(territory.core), crs=territory.crs)
    limits = shapely.intersection(borders(territory, shapes).iloc[0], frame)
    return Canvas(
        width=width,
        height=height,
        metres=metres,
        shapes=inside,
        paths={str(code): drawn(shape) for code, shape in inside.items()},
        around="".join(drawn(shapely.clip_by_rect(shape, *frame.bounds)) for shape in near),
        rim=drawn(outline(inside).iloc[0]),
        limits=drawn(limits),
        points=pd.DataFrame({"x": (points.x - left) / metres, "y": (top - points.y) / metres}),
        towns=largest(diagnostic),
    )


def _path(geometry: Any, left: float, top: float, metres: float) -> str:  # noqa: ANN401 - any shape of shapely
    """Write a shape as path data, in whole units relative to one another."""
    lines = []
    for part in shapely.get_parts(geometry):
        if part.geom_type == "Polygon":
            lines += [part.exterior, *part.interiors]
        elif part.geom_type in {"LineString", "LinearRing"}:
            lines.append(part)
    out = []
    for line in lines:
        xy = shapely.get_coordinates(line)
        units = np.rint(np.column_stack([(xy[:, 0] - left) / metres, (top - xy[:, 1]) / metres]) * 2).astype(int)
        steps = np.diff(units, axis=0)
        steps = steps[(steps != 0).any(axis=1)]
        closed = line.geom_type == "LinearRing"
        if not len(steps):
            continue
        start = f"M{units[0, 0]} {units[0, 1]}l"
        body = " ".join(f"{dx} {dy}" for dx, dy in (steps[:-1] if closed and len(steps) > 1 else steps).tolist())
        out.append(start + body.replace(" -", "-") + ("z" if closed else ""))
    return "".join(out)


def definitions(drawn: Canvas) -> Markup:
    """
    Write the shapes that every map of the page uses.

    Parameters
    ----------
    drawn
        The canvas.

    Returns
    -------
    definitions
        An SVG without a size.
    """
    paths = [] if drawn.many else [f'<path id="c{n}" d="{path}"/>' for n, path in enumerate(drawn.paths.values())]
    return Markup(  # noqa: S704 - numbers and our own words only
        '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs>'
        '<pattern id="hatch" width="12" height="12" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="12" height="12" fill="#fff"/><path d="M0 0V12" stroke="#8a93a0" stroke-width="4"/></pattern>'
        + "".join(paths)
        + f'<path id="around" d="{drawn.around}" fill="#efece6" stroke="#fff" stroke-width="2"/>'
        + f'<path id="limits" d="{drawn.limits}" fill="none" stroke="#6b7280" stroke-width="3" '
        + 'stroke-dasharray="10 7"/>'
        + f'<path id="rim" d="{drawn.rim}" fill="none" stroke="#1a202c" stroke-width="4"/>'
        + "</defs></svg>"
    )


@dataclass(frozen=True)
class Mark:
    """A sign over a map: a circle of `radius` units, in a colour, or a letter in it."""

    x: float
    y: float
    radius: float
    colour: str
    letter: str = ""


def draw(drawn: Canvas, fills: pd.Series[str], *, label: str, marks: Iterable[Mark] = (), names: bool = True) -> Markup:
    """
    Draw a map: a colour by commune, signs, the names of the main towns, a scale.

    Parameters
    ----------
    drawn
        The canvas.
    fills
        Colour by commune of the core, "url(#hatch)" where unknown.
    label
        What the map shows, for who does not see it.
    marks
        Signs, the first ones below.
    names
        Whether towns are named.

    Returns
    -------
    draw
        The SVG; texts in it are escaped.
    """
    parts = [
        f'<svg class="map" viewBox="0 0 {drawn.width} {drawn.height}" role="img" aria-label="',
        Markup.escape(label),
        '"><g transform="scale(.5)"><use href="#around"/><g stroke="#fff" stroke-width="2">',
        *_filled(drawn, fills),
        '</g><use href="#limits"/><use href="#rim"/></g>',
        *(_mark(mark) for mark in marks),
        *(_names(drawn) if names else ()),
        _scale_bar(drawn),
        "</svg>",
    ]
    return Markup("").join(part if isinstance(part, Markup) else Markup(part) for part in parts)  # noqa: S704 - as above


def _filled(drawn: Canvas, fills: pd.Series[str]) -> list[str]:
    rank = {code: number for number, code in enumerate(drawn.paths)}
    out = []
    for colour, codes in fills.groupby(fills, sort=True):
        held = [code for code in codes.index if drawn.paths.get(code)]
        if drawn.many:
            joined = outline(gpd.GeoSeries(drawn.shapes.reindex(held))).iloc[0]
            left, top = drawn._corner  # noqa: SLF001 - of this module
            shape = shapely.simplify(joined, drawn.metres * _GAP)
            inside = f'<path d="{_path(shape, left, top, drawn.metres)}"/>'
        else:
            inside = "".join(f'<use href="#c{rank[code]}"/>' for code in held)
        out.append(f'<g fill="{colour}">{inside}</g>')
    return out


def _mark(mark: Mark) -> Markup:
    letter = ""
    if mark.letter:
        size = mark.radius * 1.2
        letter = Markup(
            '<text x="{:.0f}" y="{:.0f}" text-anchor="middle" '
            'style="font-size:{:.0f}px;fill:#fff;stroke:none">{}</text>'
        ).format(mark.x, mark.y + size * 0.36, size, mark.letter)
    circle = Markup(
        '<circle cx="{:.0f}" cy="{:.0f}" r="{:.1f}" fill="{}" fill-opacity=".85" stroke="#fff" stroke-width="1.5"/>'
    ).format(mark.x, mark.y, mark.radius, mark.colour)
    return circle + letter


def _names(drawn: Canvas) -> list[Markup]:
    taken: list[tuple[float, float, float]] = []
    out = []
    for code, name in zip(drawn.towns.index.astype("str"), drawn.towns, strict=True):
        x, y = drawn.points["x"][code], drawn.points["y"][code]
        wide = len(name) * _LETTER
        x = min(max(x, wide / 2 + 4), drawn.width - wide / 2 - 4)
        y = min(max(y, 30), drawn.height - 36)
        if any(abs(y - other) < _APART and abs(x - there) < (wide + width) / 2 + 6 for there, other, width in taken):
            continue
        taken.append((x, y, wide))
        out.append(Markup('<text x="{:.0f}" y="{:.0f}" text-anchor="middle">{}</text>').format(x, y, name))
    return out


def _scale_bar(drawn: Canvas) -> Markup:
    room = drawn.metres * SIDE / 5 / 1000
    kilometres = next((km for km in _KILOMETRES if km < room), _KILOMETRES[-1])
    wide = kilometres * 1000 / drawn.metres
    text = f"{kilometres:g}\u00a0km".replace(".", ",")
    return Markup(
        '<path d="M14 {0}v8h{1:.0f}v-8" fill="none" stroke="#1a202c" stroke-width="2"/>'
        '<text x="{2:.0f}" y="{0}">{3}</text>'
    ).format(drawn.height - 22, wide, 14 + wide + 8, text)


def fills_of(theme: Theme) -> pd.Series[str]:
    """
    Give the colour of each commune of a theme.

    Parameters
    ----------
    theme
        A theme of the map.

    Returns
    -------
    fills_of
        Colours of its legend; hatching where unknown, blank where nobody is concerned.
    """
    colours = {str(rank): colour for rank, (_, colour) in enumerate(theme.legend)}
    return theme.codes().map(colours | {UNKNOWN: "url(#hatch)", NOBODY: "#ffffff"})


def circles(drawn: Canvas, people: pd.Series, colour: str) -> list[Mark]:
    """
    Draw people as circles whose area follows the count, the largest below.

    Parameters
    ----------
    drawn
        The canvas.
    people
        By commune of the core; NaN unknown, which draws nothing.
    colour
        Of the circles.

    Returns
    -------
    circles
        A mark by commune with people.
    """
    known = people[people > 0].sort_values(ascending=False, kind="stable")
    if known.empty:
        return []
    sizes = _WIDEST * np.sqrt(known / known.iloc[0])
    places = drawn.points.reindex(known.index)
    rows = zip(places["x"], places["y"], sizes, strict=True)
    return [Mark(float(x), float(y), float(size), colour) for x, y, size in rows if np.isfinite(x)]


def stacked(parts: Sequence[tuple[float, str]], label: str) -> Markup:
    """
    Draw shares of a whole as one bar.

    Parameters
    ----------
    parts
        Shares [0-1] and their colours, in order.
    label
        What it shows, for who does not see it.

    Returns
    -------
    stacked
        The SVG.
    """
    out, start = [], 0.0
    for share, colour in parts:
        out.append(Markup('<rect x="{:.2f}" width="{:.2f}" height="12" fill="{}"/>').format(start, 200 * share, colour))
        start += 200 * share
    head = Markup(
        '<svg viewBox="0 0 200 12" width="100%" height="12" preserveAspectRatio="none" role="img" aria-label="{}">'
    )
    return head.format(label) + Markup("").join(out) + Markup("</svg>")


def strip(values: pd.Series, here: float, there: float, label: str) -> Markup:
    """
    Draw the communes of a territory on a line, with its own value and that of its reference.

    Parameters
    ----------
    values
        By commune; NaN unknown, which draws nothing.
    here, there
        Values of the territory and of the reference; NaN unknown.
    label
        What it shows, for who does not see it.

    Returns
    -------
    strip
        The SVG: a thin bar by commune, a disc for the territory, a lozenge for the reference.
    """
    known = values.dropna().to_numpy(dtype="float64")
    told = np.array([value for value in (*known, here, there) if np.isfinite(value)])
    low, high = (told.min(), told.max()) if len(told) else (0.0, 1.0)
    span = (high - low) or 1.0

    def at(value: float) -> float:
        return 8 + 244 * (value - low) / span

    ticks = "".join(f"M{place:.0f} 7v14" for place in sorted({round(at(value)) for value in known}))
    out = [
        Markup('<svg viewBox="0 0 260 28" width="100%" role="img" aria-label="{}">').format(label),
        Markup('<path d="M8 14H252" stroke="#dcd8d0"/><path d="{}" stroke="#1d4e89" stroke-opacity=".35"/>').format(
            ticks
        ),
    ]
    if np.isfinite(there):
        place = at(there)
        out.append(Markup('<path d="M{:.1f} 6l6 8-6 8-6-8z" fill="#b35806"/>').format(place))
    if np.isfinite(here):
        out.append(Markup('<circle cx="{:.1f}" cy="14" r="6" fill="#1d4e89" stroke="#fff"/>').format(at(here)))
    return Markup("").join([*out, Markup("</svg>")])
