"""`fetch_minutes`: minutes between the communes of a territory, asked of a road engine; `write_minutes` keeps them."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from territoire_geo.columns import DESTINATION, MINUTES, ORIGIN
from territoire_geo.errors import TableError
from territoire_geo.loaders import _isochrone, _openrouteservice, _osrm, _valhalla
from territoire_geo.loaders._fetch import Door, open_door
from territoire_geo.loaders._minutes import MODE
from territoire_geo.territory import Territory

if TYPE_CHECKING:
    import pandas as pd

ENGINES: Final[Mapping[str, Callable[..., "pd.Series[float]"]]] = {
    "osrm": _osrm.minutes,
    "valhalla": _valhalla.minutes,
    "openrouteservice": _openrouteservice.minutes,
    "ign": _isochrone.minutes,
}
MODES: Final = ("car", "bike", "walk")


def fetch_minutes(  # noqa: PLR0913 - one call states the whole question
    territory: Territory,
    *,
    engine: str = "osrm",
    mode: str = "car",
    within_km: float | None = None,
    key: str | None = None,
    door: Door | None = None,
) -> "pd.Series[float]":
    """
    Ask a road engine for the minutes between the communes of a territory [minutes].

    From town hall to town hall, core and buffer, without traffic. Minutes of `engine="ign"` are upper bounds, by
    steps. Answers are kept: what was asked once is not asked again.

    Parameters
    ----------
    territory
        Core and buffer.
    engine
        "osrm", "valhalla", "openrouteservice" (a key is needed) or "ign" (isochrones, by car or on foot).
    mode
        "car", "bike" or "walk".
    within_km
        Longest straight line that is asked [km]; None: the buffer of the territory. Pairs beyond are absent.
    key
        Personal key of openrouteservice, read in the variable TERRITOIRE_GEO_ORS_KEY when None.
    door
        The network; None: that of the environment. Its bases may name your own server.

    Returns
    -------
    fetch_minutes
        Indexed by (origin, destination), sorted and unique, ready for `diagnose(travel={mode: minutes})`; NaN when
        there is no way.

    Raises
    ------
    SourceError
        If the engine cannot be asked, or a commune has no road of its network.
    SourceFormatError
        If it answers something else than durations.
    ValueError
        If the engine or the mode is not one of those above.

    Warns
    -----
    TerritoireGeoWarning
        If a public server would receive more than 500 requests.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine: {engine!r} is not one of {', '.join(ENGINES)}.")
    if mode not in MODES:
        raise ValueError(f"mode: {mode!r} is not one of {', '.join(MODES)}.")
    if key is not None and engine != "openrouteservice":
        raise ValueError(f"key: {engine} asks for none. It is for openrouteservice.")
    ask = ENGINES[engine] if key is None else partial(ENGINES[engine], key=key)
    limit = territory.buffer_km if within_km is None else within_km
    return ask(door or open_door(), territory.points, territory.points, mode=mode, within_km=limit)


def write_minutes(minutes: "pd.Series[float]", path: str | Path, *, mode: str = "car") -> None:
    """
    Write minutes to a CSV or parquet file that `load_minutes` reads back.

    Parameters
    ----------
    minutes
        Indexed by (origin, destination); a NaN, no way, is an empty cell.
    path
        A name that ends in .csv or .parquet.
    mode
        "car", "bike" or "walk".

    Raises
    ------
    TableError
        If the index has not an origin and a destination.
    ValueError
        If the name ends otherwise.
    """
    if list(minutes.index.names) != [ORIGIN, DESTINATION]:
        raise TableError(f"minutes: the index is {list(minutes.index.names)}, not {ORIGIN} and {DESTINATION}.")
    frame = minutes.rename(MINUTES).reset_index().assign(**{MODE: mode})
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        frame.to_csv(path, index=False)
    elif suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        raise ValueError(f"{path}: write a .csv or a .parquet file.")
