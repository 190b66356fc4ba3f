"""Maps for a report, drawn without a browser: the themes of the page, its classes, its colours."""

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.columns import NOM_COMMUNE, POPULATION
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import MissingExtraError, TerritoireGeoError
from territoire_geo.maps._classes import NOBODY, UNKNOWN
from territoire_geo.maps._figures import column, of_need
from territoire_geo.maps._files import write_whole
from territoire_geo.maps._payload import all_themes, page_order
from territoire_geo.maps._shapes import borders, outline, simplify
from territoire_geo.maps._theme import Options, Theme

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORMATS: Final = ("png", "svg", "pdf")
_DPI: Final = 200
_SCREEN_DPI: Final = 96
_CM: Final = 2.54
_LEAST: Final = 8.0  # cm: under this the legend has no room
_NAMED: Final = 8  # towns at most


@dataclass(frozen=True)
class Drawing:
    """
    What a static map shows, ready to be drawn.

    `shapes` are the communes by code, core first, in a metric CRS, and `core` how many of them are the territory's;
    `points` their town halls; `people` counts by commune for circles, empty without circles; `rims` the outline of the
    core and the limits of départements; `towns` names by code, the most populated first.
    """

    theme: Theme
    territory: str
    lang: str
    credit: str
    shapes: "pd.Series[Any]"
    core: int
    points: "pd.Series[Any]"
    people: pd.Series
    rims: "pd.Series[Any]"
    towns: "pd.Series[str]"

    def counts(self) -> list[int]:
        """
        Count the communes of the core by class.

        Returns
        -------
        counts
            In the order of the legend, then unknown and nobody concerned: they sum to the core.
        """
        found = self.theme.codes().reindex(self.shapes.index[: self.core]).value_counts()
        names = [*map(str, range(len(self.theme.legend))), UNKNOWN, NOBODY]
        return [int(found.get(name, 0)) for name in names]


class StaticMap:
    """
    A map that does not move, for a report or a slide.

    Parameters
    ----------
    figure
        The matplotlib figure; a reader may add to it.
    title
        What it shows.
    """

    def __init__(self, figure: "Figure", title: str) -> None:
        self._figure = figure
        self._title = title

    @property
    def figure(self) -> "Figure":
        """The matplotlib figure."""
        return self._figure

    def save(self, path: str | os.PathLike[str], *, dpi: int = _DPI) -> Path:
        """
        Write the map to a file, whole or not at all.

        Parameters
        ----------
        path
            Where; its suffix chooses the format: .png, .svg or .pdf.
        dpi
            Dots per inch of a PNG.

        Returns
        -------
        save
            The path.

        Raises
        ------
        TerritoireGeoError
            If the suffix is another one, or the file cannot be written.
        """
        suffix = Path(path).suffix.removeprefix(".").lower()
        if suffix not in _FORMATS:
            raise TerritoireGeoError(f"A static map cannot be written as {Path(path).name}. Use .png, .svg or .pdf.")
        return write_whole(path, self.render(suffix, dpi=dpi))

    def render(self, suffix: str = "png", *, dpi: int = _DPI) -> bytes:
        """
        Give the file as bytes, for a document built elsewhere.

        Parameters
        ----------
        suffix
            "png", "svg" or "pdf".
        dpi
            Dots per inch of a PNG.

        Returns
        -------
        render
            The same map gives the same bytes.
        """
        from territoire_geo.maps._static_draw import write  # noqa: PLC0415 - an extra: matplotlib

        file = io.BytesIO()
        write(self._figure, file, suffix=suffix, dpi=dpi, title=self._title)
        return file.getvalue()

    def preview(self) -> bytes:
        """
        Give a light picture for a screen.

        Returns
        -------
        preview
            A PNG of 256 colours, those of the legend among them, at 96 dots per inch.
        """
        from territoire_geo.maps._static_draw import lighten  # noqa: PLC0415 - an extra: matplotlib

        return lighten(self.render(dpi=_SCREEN_DPI))

    def _repr_png_(self) -> bytes:
        return self.preview()


def draw_static(
    diagnostic: Diagnostic,
    theme: str = "",
    *,
    lang: Literal["fr", "en"] = "fr",
    size_cm: tuple[float, float] = (16.0, 12.0),
    credit: str = "",
) -> StaticMap:
    """
    Draw a theme of the map as a picture, without a browser.

    Parameters
    ----------
    diagnostic
        What to draw.
    theme
        A theme of the page, such as "need:mobility", "cross:mobility" or "measure:demandeurs_emploi"; the first one by
        default.
    lang
        Language of the readers, "fr" or "en".
    size_cm
        Width and height [cm], 8 at least.
    credit
        A line on who made it, written under the map.

    Returns
    -------
    draw_static
        The map: `save` as PNG, SVG or PDF. The same diagnostic gives the same bytes. Unknown values are hatched; the
        legend counts the communes of each class, so that the counts sum to those of the territory.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    ValueError
        If the theme, the language or the size is not one of those.

    Examples
    --------
    >>> import territoire_geo as tg
    >>> carte = tg.draw_static(tg.diagnose(*tg.load_demo()), "need:mobility")  # doctest: +SKIP
    >>> carte.save("mobilite.png")  # doctest: +SKIP
    """
    if lang not in {"fr", "en"}:
        raise ValueError(f"lang={lang!r} is not known. Give one of 'fr', 'en'.")
    if min(size_cm) < _LEAST:
        raise ValueError(f"size_cm={size_cm} leaves no room for a legend. Give {_LEAST:g} cm or more.")
    found = find_theme(diagnostic, theme, lang)
    try:
        from territoire_geo.maps._static_draw import draw  # noqa: PLC0415 - an extra: matplotlib
    except ModuleNotFoundError as error:
        message = "matplotlib is not installed: it draws static maps. Run pip install 'territoire-geo[static]'."
        raise MissingExtraError(message) from error
    figure = draw(drawing_of(diagnostic, found, lang, credit), (size_cm[0] / _CM, size_cm[1] / _CM))
    return StaticMap(figure, f"{found.words['title']} – {diagnostic.territory.name}")


def find_theme(diagnostic: Diagnostic, asked: str, lang: str) -> Theme:
    """
    Find a theme of the page.

    Parameters
    ----------
    diagnostic
        What is drawn.
    asked
        Its id; the first one when empty.
    lang
        "fr" or "en".

    Returns
    -------
    find_theme
        The theme.

    Raises
    ------
    ValueError
        If there is none of that id; the message lists them.
    """
    themes = all_themes(diagnostic, page_order(diagnostic), Options(lang=lang))
    found = next((theme for theme in themes if asked in {"", theme.id}), None)
    if found is None:
        raise ValueError(f"theme={asked!r} is not drawn here. Give one of {', '.join(theme.id for theme in themes)}.")
    return found


def drawing_of(diagnostic: Diagnostic, theme: Theme, lang: str, credit: str) -> Drawing:
    """
    Gather what a static map shows.

    Parameters
    ----------
    diagnostic
        What is drawn.
    theme
        One of its themes.
    lang
        "fr" or "en".
    credit
        A line on who made it.

    Returns
    -------
    drawing_of
        Shapes, classes, circles and names.
    """
    territory = diagnostic.territory
    core = territory.core
    shapes = simplify(territory)
    inside = gpd.GeoSeries(shapes.reindex(core), crs=territory.crs)
    rims = [outline(inside).iloc[0], borders(territory, shapes).iloc[0]]
    people = pd.Series(dtype="float64")
    if theme.kind == "need" and theme.need is not None:
        people = column(of_need(diagnostic.coverage, theme.need).reindex(core), "unmet_people")
    return Drawing(
        theme=theme,
        territory=territory.name,
        lang=lang,
        credit=credit,
        shapes=_plain(pd.concat([inside, shapes.drop(core)])),
        core=len(core),
        points=_plain(territory.points.reindex(core)),
        people=people,
        rims=_plain(pd.Series(rims, dtype="object")),
        towns=largest(diagnostic),
    )


def _plain(shapes: "pd.Series[Any]") -> "pd.Series[Any]":
    """Leave the type of GeoPandas: these are drawn, in the one metric CRS of the territory."""
    return pd.Series(np.asarray(shapes, dtype=object), index=shapes.index, dtype="object")


def largest(diagnostic: Diagnostic) -> "pd.Series[str]":
    """
    Name the most populated communes of the core.

    Parameters
    ----------
    diagnostic
        What is drawn.

    Returns
    -------
    largest
        Names by code, the most populated first; a tie goes to the first code, and an unknown population is left out.
    """
    territory = diagnostic.territory
    people = territory.communes[POPULATION].reindex(territory.core).dropna()
    codes = people.index[np.argsort(-people.to_numpy(), kind="stable")[:_NAMED]]
    return territory.communes[NOM_COMMUNE].reindex(codes).dropna()
