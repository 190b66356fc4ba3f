"""`load_territory`: any EPCI, commune, département, region, list of communes, or mainland France."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo import travel
from territoire_geo.cog import ARRONDISSEMENTS, check_codes, quote
from territoire_geo.columns import (
    CODE_COMMUNE,
    CODE_DEPARTEMENT,
    CODE_EPCI,
    CODE_REGION,
    IN_CORE,
    NOM_COMMUNE,
    POINT,
    POPULATION,
)
from territoire_geo.errors import CrsError, UnknownTerritoryError
from territoire_geo.loaders import _base
from territoire_geo.measures import Need
from territoire_geo.needs import NEEDS
from territoire_geo.territory import COLUMNS, Territory

if TYPE_CHECKING:
    from territoire_geo.loaders._fetch import Door

PERIMETERS: Final = ("embedded", "live")
MAINLAND: Final = 2154
NEAREST: Final = 5  # names suggested when none matches
SHOWN: Final = 10  # candidates listed when several match
PREFIXES: Final = (
    "communaute d agglomeration", "communaute de communes", "communaute urbaine", "metropole", "departement",
    "region", "ca", "cc", "cu", "de la", "de l", "des", "du", "de", "d", "la", "le", "les", "l",
)  # fmt: skip


def load_territory(  # noqa: PLR0913 - one call states the whole territory
    code: str | Sequence[str],
    *,
    needs: Sequence[Need] = NEEDS,
    buffer_km: float | None = None,
    name: str | None = None,
    perimeter: str = "embedded",
    door: "Door | None" = None,
) -> Territory:
    """
    Load a territory of France and the buffer around it; with no network unless its perimeter is "live".

    Parameters
    ----------
    code
        An EPCI (9 digits), a commune (5 characters), a département ("39", "2A", "974", or "D39"), a region ("R27"),
        "FR" (mainland France), a name tried as EPCI, then département, region, commune (accents, case and prefixes
        such as CA, CC, Métropole forgiven), or a list of commune codes.
    needs
        The needs that will be asked for: they set the buffer.
    buffer_km
        Distance around the core's points within which every commune is loaded [km]. None: twice the largest reach of
        the needs at the default speed, so that the territory's results are the national ones.
    name
        Name of the territory; that of the code by default.
    perimeter
        "embedded": communes and EPCI of COG 2026, that come with the package. "live": the core as geo.api.gouv.fr
        knows it today, with the contours of communes that merged or split since; buffer and tables stay of COG 2026.
    door
        The network, for a live perimeter; None: that of the environment.

    Returns
    -------
    load_territory
        Core and buffer in one metric CRS.

    Raises
    ------
    UnknownTerritoryError
        If nothing, or several territories, answer to the code: the message gives the candidates with their codes.
    CrsError
        If the communes lie in several parts of France, or have no polygon.
    TableError
        If a code of the list has not the shape of one.
    SourceError
        If the service of a live perimeter cannot be asked, or answers something else.
    ValueError
        If `buffer_km` is not a distance, `perimeter` is none of the two, or "FR" is asked live.

    Warns
    -----
    StaleSourceWarning
        If the perimeter is live and differs from that of COG 2026: what entered, what left, what merged.
    """
    if perimeter not in PERIMETERS:
        raise ValueError(f"perimeter: {perimeter!r} is not one of {', '.join(PERIMETERS)}.")
    distance = travel.buffer_km(needs) if buffer_km is None else float(buffer_km)
    if not 0 <= distance < np.inf:
        raise ValueError(f"buffer_km: {buffer_km} is not a distance. Give kilometres, 0 for no buffer.")
    if perimeter == "live":
        from territoire_geo.loaders._live_perimeter import load_live  # noqa: PLC0415 - network, when asked for

        label, frame, known_as = load_live(code, distance, door)
    else:
        label, frame, known_as = _embedded(code, distance)
    return Territory(name or label, frame[list(COLUMNS)], code=known_as, buffer_km=distance)


def _embedded(code: str | Sequence[str], distance: float) -> tuple[str, gpd.GeoDataFrame, str]:
    base = _base.communes()
    label, core, known_as = resolve(code, base)
    part = base.loc[core]
    epsg = _metric_crs(part)
    here = base[base["epsg"] == epsg]
    frame = communes_frame(here.loc[within(here, part.index, distance)] if known_as != "FR" else here, epsg)
    frame[IN_CORE] = frame.index.isin(core)
    return label, frame, known_as


def communes_frame(near: pd.DataFrame, epsg: int) -> gpd.GeoDataFrame:
    """
    Give communes of the base their polygon and their point.

    Parameters
    ----------
    near
        Rows of the base.
    epsg
        Their metric CRS.

    Returns
    -------
    communes_frame
        The columns of `Territory.communes`, but for `in_core`.
    """
    names = [NOM_COMMUNE, CODE_EPCI, CODE_DEPARTEMENT, CODE_REGION, POPULATION, "area_km2"]
    attributes = near[names].astype({POPULATION: "float64"})
    polygons = _base.contours(near.index, epsg)
    frame = gpd.GeoDataFrame(attributes, geometry=polygons, crs=epsg)
    frame[POINT] = gpd.GeoSeries(gpd.points_from_xy(near["x"], near["y"]), index=near.index, crs=epsg)
    return frame


def within(here: pd.DataFrame, core: pd.Index, distance_km: float) -> pd.Index:
    """
    Find the communes whose point lies within a distance of a point of the core.

    Parameters
    ----------
    here
        Communes with their point, `x` and `y` [m].
    core
        Codes of the core.
    distance_km
        How far.

    Returns
    -------
    within
        Codes, the core included.
    """
    points = np.asarray(shapely.points(here[["x", "y"]].to_numpy(dtype="float64")))
    tree = shapely.STRtree(points)
    inside = here.index.isin(core)
    _, found = tree.query(points[inside], predicate="dwithin", distance=1000 * distance_km)
    keep = inside.copy()
    keep[np.unique(found)] = True
    return here.index[keep]


def _metric_crs(part: pd.DataFrame) -> int:
    nowhere = part.index[part["epsg"].isna()]
    if len(nowhere):
        raise CrsError(
            f"{quote(nowhere)}: the communes of the overseas collectivities have no polygon in the embedded base. "
            "Choose communes of the mainland or of the overseas départements."
        )
    several = sorted({int(epsg) for epsg in part["epsg"]})
    if len(several) > 1:
        raise CrsError(
            f"The communes lie in {len(several)} parts of France, each with its own metric CRS (EPSG {several}). "
            "Load one territory for each."
        )
    return several[0]


def resolve(code: str | Sequence[str], base: pd.DataFrame) -> tuple[str, pd.Index, str]:
    """
    Find what a code or a name stands for in the base.

    Parameters
    ----------
    code
        As in `load_territory`.
    base
        Every commune.

    Returns
    -------
    tuple[str, pandas.Index, str]
        Name, codes of the core, canonical code.

    Raises
    ------
    UnknownTerritoryError
        If nothing, or several territories, answer to it.
    """
    if isinstance(code, bytes) or not isinstance(code, str | Iterable):
        raise UnknownTerritoryError(f"{code!r} is not text. Write codes between quotes, such as '39' or '01001'.")
    if not isinstance(code, str):
        return _by_list(list(code), base)
    text = code.strip()
    upper = text.upper()
    if upper == "FR" or words(text) in {"france", "france metropolitaine"}:
        return "France métropolitaine", base.index[base["epsg"] == MAINLAND], "FR"
    for pattern, level in (
        (r"\d{9}", CODE_EPCI),
        (r"D?(\d{2}|2[AB]|9[78]\d)", CODE_DEPARTEMENT),
        (r"R(\d{2,3})", CODE_REGION),
    ):
        match = re.fullmatch(pattern, upper)
        if match:
            return _by_level(match.group(match.lastindex or 0), level, base)
    if re.fullmatch(r"[0-9][0-9AB]\d{3}", upper):
        return _by_commune(upper, base)
    if re.fullmatch(r"\d+", upper):
        if len(upper) == 4:  # noqa: PLR2004 - a commune code without its leading zero
            meant = f"0{upper}"
            message = f"{code!r} is no territory: a leading zero was probably lost, {meant!r} was meant."
            raise UnknownTerritoryError(message)
        raise UnknownTerritoryError(f"{code!r} is no code: EPCI have 9 digits, communes 5, départements 2 or 3.")
    return _by_name(text, base)


LABELS: Final = {CODE_EPCI: "nom_epci", CODE_DEPARTEMENT: "nom_departement", CODE_REGION: "nom_region"}
WORDS: Final = {CODE_EPCI: "EPCI", CODE_DEPARTEMENT: "département", CODE_REGION: "region"}
LETTERS: Final = {CODE_EPCI: "", CODE_DEPARTEMENT: "D", CODE_REGION: "R"}
SAID: Final = {
    "communaute": CODE_EPCI, "metropole": CODE_EPCI, "ca": CODE_EPCI, "cc": CODE_EPCI, "cu": CODE_EPCI,
    "departement": CODE_DEPARTEMENT, "region": CODE_REGION,
}  # fmt: skip


def _names(level: str, base: pd.DataFrame) -> dict[str, str]:
    """Code -> name, of a level."""
    if level == CODE_COMMUNE:
        return dict(zip(base.index.tolist(), base[NOM_COMMUNE].tolist(), strict=True))
    # The overseas collectivities carry their own name at every level, and have no polygon: they are not candidates.
    names = base.loc[base["epsg"].notna(), [level, LABELS[level]]].dropna().drop_duplicates(level)
    return dict(zip(names[level].tolist(), names[LABELS[level]].tolist(), strict=True))


@cache
def _plain_names(level: str) -> dict[str, str]:
    """Code -> plain name, of a level of the base; shared between calls."""
    return {code: plain(name) for code, name in _names(level, _base.communes()).items()}


def _by_level(code: str, level: str, base: pd.DataFrame) -> tuple[str, pd.Index, str]:
    rows = base[base[level] == code]
    if rows.empty:
        known = _names(level, base)
        nearest = difflib.get_close_matches(code, list(known), n=NEAREST, cutoff=0.0)
        listed = ", ".join(f"{known[near]} ({LETTERS[level]}{near})" for near in nearest)
        message = f"No {WORDS[level]} has the code {code!r} in COG 2026. The nearest codes are {listed}."
        raise UnknownTerritoryError(message)
    return str(rows[LABELS[level]].iloc[0]), rows.index, f"{LETTERS[level]}{code}"


def _by_commune(code: str, base: pd.DataFrame) -> tuple[str, pd.Index, str]:
    if code in base.index:
        return str(base.loc[code, NOM_COMMUNE]), pd.Index([code]), code
    now = {**_base.former_codes(), **ARRONDISSEMENTS}.get(code)
    if now is not None:
        name = str(base.loc[now, NOM_COMMUNE])
        raise UnknownTerritoryError(f"{code!r} is a former commune or an arrondissement: it is now {name} ({now}).")
    here = int(np.clip(base.index.searchsorted(code) - NEAREST // 2, 0, len(base) - NEAREST))
    nearest = base[NOM_COMMUNE].iloc[here : here + NEAREST].astype(object)
    listed = ", ".join(f"{name!s} ({near!s})" for near, name in nearest.items())
    raise UnknownTerritoryError(f"No commune has the code {code!r} in COG 2026. The nearest codes are {listed}.")


def _by_list(codes: list[str], base: pd.DataFrame) -> tuple[str, pd.Index, str]:
    if not codes:
        raise UnknownTerritoryError("The list of communes is empty. Give at least one code.")
    index = pd.Index([str(code) for code in codes]).unique()
    check_codes(index, where="load_territory, list of communes")
    now = pd.Index([{**_base.former_codes(), **ARRONDISSEMENTS}.get(c, c) if c not in base.index else c for c in index])
    unknown = index[~now.isin(base.index)]
    if len(unknown):
        raise UnknownTerritoryError(f"{quote(unknown)}: no commune of COG 2026 has or had this code. Check the list.")
    core = now.unique().sort_values().rename(CODE_COMMUNE)
    return f"{len(core)} communes", core, "+".join(core)


def words(name: str) -> str:
    """
    Reduce a name to lower-case words: no accent, case nor punctuation; St is Saint.

    Parameters
    ----------
    name
        A name, as people write it.

    Returns
    -------
    words
        Words separated by spaces.

    Examples
    --------
    >>> words("St-Étienne"), words("L’Haÿ-les-Roses")
    ('saint etienne', 'l hay les roses')
    """
    spread = unicodedata.normalize("NFKD", name.lower().replace("œ", "oe").replace("æ", "ae").replace("’", "'"))
    letters = spread.encode("ascii", "ignore").decode()
    found = " ".join(re.sub(r"[^a-z0-9]+", " ", letters).split())
    return re.sub(r"\bste\b", "sainte", re.sub(r"\bst\b", "saint", found))


def plain(name: str) -> str:
    """
    Reduce a name to what is compared: its words, without prefix such as CA, Métropole or an article.

    Parameters
    ----------
    name
        A name, as people write it.

    Returns
    -------
    plain
        Lower-case words.

    Examples
    --------
    >>> plain("CA du Grand Dole"), plain("Côte-d'Or"), plain("Métropole de Lyon")
    ('grand dole', 'cote d or', 'lyon')
    """
    found = words(name)
    while True:
        prefix = next((p for p in PREFIXES if found.startswith(f"{p} ")), None)
        if prefix is None:
            return found.removesuffix(" metropole")
        found = found.removeprefix(f"{prefix} ")


def _by_name(name: str, base: pd.DataFrame) -> tuple[str, pd.Index, str]:
    wanted = plain(name)
    if not wanted:
        raise UnknownTerritoryError("The name is empty. Give a code or a name, such as '39' or 'Grand Dole'.")
    said = SAID.get(words(name).split()[0])  # "CC de Dole" is an EPCI, not the commune
    seen: dict[str, str] = {}
    for level in LABELS if said is None else [said]:
        names = _names(level, base)
        code = _only(name, names, _plain_names(level), LETTERS[level])
        if code is not None:
            return _by_level(code, level, base)
        seen |= {found: f"{found} ({LETTERS[level]}{code})" for code, found in names.items()}
    if said is None:
        communes = _names(CODE_COMMUNE, base)
        code = _only(name, communes, _plain_names(CODE_COMMUNE), "")
        if code is not None:
            return _by_commune(code, base)
        seen = {found: f"{found} ({code})" for code, found in communes.items()} | seen
    listed = ", ".join(_nearest(wanted, seen))
    advice = f"The nearest names are {listed}." if listed else "Give a code, or the name as it is written officially."
    raise UnknownTerritoryError(f"No territory is called {name!r}. {advice}")


def _only(name: str, names: dict[str, str], plains: dict[str, str], letter: str) -> str | None:
    """Find the code of the one name that matches, exactly or without prefix; None when none does."""
    wanted = plain(name)
    matches = [code for code, found in plains.items() if found == wanted]
    exact = [code for code in matches if words(names[code]) == words(name)]
    if len(exact) == 1 or len(matches) == 1:
        return (exact or matches)[0]
    if matches:
        raise _ambiguous(name, [f"{names[code]} ({letter}{code})" for code in exact or matches])
    return None


def _nearest(wanted: str, seen: dict[str, str]) -> list[str]:
    """Names that hold what was asked for, the shortest first; then names spelt nearly so."""
    plains = {plain(found): shown for found, shown in seen.items()}
    holding = sorted(
        (found for found in plains if re.search(rf"\b{wanted}\b", found)), key=lambda found: (len(found), found)
    )
    close = difflib.get_close_matches(wanted, list(plains), n=NEAREST, cutoff=0.5)
    return [plains[found] for found in dict.fromkeys([*holding, *close])][:NEAREST]


def _ambiguous(name: str, candidates: list[str]) -> UnknownTerritoryError:
    rest = f" and {len(candidates) - SHOWN} more" if len(candidates) > SHOWN else ""
    shown = ", ".join(candidates[:SHOWN]) + rest
    return UnknownTerritoryError(f"{len(candidates)} territories are called {name!r}: {shown}. Give the code.")
