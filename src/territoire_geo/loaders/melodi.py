"""Insee Melodi, how cubes are asked for: requests around a territory, their pages, and the national files."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, COG_YEAR, departement, quote
from territoire_geo.columns import CODE_DEPARTEMENT, CODE_EPCI, CODE_REGION
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, StaleSourceWarning, TerritoireGeoWarning
from territoire_geo.loaders._cache import by_hand
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._disk import sha256
from territoire_geo.loaders._fetch import Ask, Door, fetch, fetch_json
from territoire_geo.loaders._layout import Loader, Raw
from territoire_geo.loaders._melodi import (
    ATTRIBUTES,
    COMMUNE,
    FRANCE,
    GEO,
    LEVEL,
    VALUE,
    YEAR,
    Cube,
    latest,
    remedy,
    tidy,
)
from territoire_geo.loaders._melodi_read import COG, check_file, observations, read_cube
from territoire_geo.loaders.melodi_cubes import CUBES, LAYOUTS
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

AREAS: Final = 50  # places asked at once: a URL stays under 2,000 characters
PAGE: Final = 100_000  # the most that one page may hold
MOST: Final = 1_000_000  # observations of one answer: beyond, the national file is what is wanted
Body = Mapping[str, object]


class _NothingError(SourceFormatError):
    """The producer answered, and has no figure for what was asked."""


def around(cube: Cube, door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    """
    Ask for a cube around a territory: communes of its départements, and their EPCI, départements, régions and France.

    Parameters
    ----------
    cube
        What is read of it.
    door
        The network, or its cache.
    source
        The source; its `period` is asked first, and the last years published when it is not there.
    territory
        Core and buffer.

    Yields
    ------
    Raw
        One table, in the shape of the published CSV; `departements` for a list of places.

    Raises
    ------
    SourceUnavailableError
        If the producer cannot be asked.
    SourceFormatError
        If nothing is published for what was asked, the answer changed shape, is cut, or is about other places.
    """
    placed = by_hand(door.cache, source.id)
    if placed:
        yield _placed(cube, source, placed)
        return
    asked = _asked(cube, territory)
    parts = [_observed(cube, door, source, asked[start : start + AREAS]) for start in range(0, len(asked), AREAS)]
    frame, notes = _one_cog(pd.concat(parts, ignore_index=True), source)
    _refuse_twice(source, frame)
    frame, millesime, older = _vintage(cube, source, frame)
    here = tuple(sorted(territory.communes[CODE_DEPARTEMENT].unique()))
    _refuse_elsewhere(source, frame, here)
    notes = (*notes, *older, *_lacking(source, frame, asked))
    yield Raw(_label(source), frame, millesime=millesime, notes=notes, departements=here if cube.leaves else None)


def national(cube: Cube, door: Door, source: Entry) -> Iterator[Raw]:
    """
    Bring the national file of a cube, whose address is found in the catalogue of Melodi, and read it.

    Parameters
    ----------
    cube
        What is read of it.
    door
        The network, or its cache.
    source
        The source.

    Yields
    ------
    Raw
        One table: the rows that are read of it.

    Raises
    ------
    SourceUnavailableError
        If the producer cannot be asked.
    SourceFormatError
        If the catalogue names no CSV file, or the file is not that of the cube.
    """
    placed = by_hand(door.cache, source.id)
    if placed:
        yield _placed(cube, source, placed)
        return
    asked, find = Ask(path=f"catalog/{_dataset(source)}"), partial(product_path, source)
    file = partial(fetch, door, source, check=partial(check_file, cube))
    path = find(fetch_json(door, source, asked, check=find))
    try:
        answer = file(Ask(path=path, format="zip"))
    except SourceUnavailableError:
        if door.offline:
            raise
        newer = find(fetch_json(door, source, asked, check=find, refresh=True))
        if newer == path:
            raise
        answer = file(Ask(path=newer, format="zip"))  # a new vintage withdraws the file of the one before
    yield _whole(cube, source, answer.path, answer.sha256)


def product_path(source: Entry, body: object) -> str:
    """
    Find the French CSV of a cube in what the catalogue of Melodi says of it.

    Parameters
    ----------
    source
        The source.
    body
        Answer of `/catalog/{dataset}`.

    Returns
    -------
    product_path
        Path of the file on the same server, such as "file/DS_BPE/DS_BPE_2024_CSV_FR". Of several, the one that names
        the year of the source, else the last modified.

    Raises
    ------
    SourceFormatError
        If there is none.
    """
    dataset = _dataset(source)
    products = body.get("product") if isinstance(body, Mapping) else None
    kept = [one for one in products if isinstance(one, Mapping)] if isinstance(products, list) else []
    found = []
    for one in kept:
        path = re.search(rf"/(file/{re.escape(dataset)}/[A-Za-z0-9_.-]+)$", str(one.get("accessURL", "")))
        if path and (str(one.get("format")).upper(), str(one.get("language")).upper()) == ("CSV", "FR"):
            year = source.period.split()[-1] in path.group(1) if source.period else False
            found.append((year, str(one.get("modified", "")), path.group(1)))
    if not found:
        held = quote(f"{one.get('id')} ({one.get('format')})" for one in kept) or "no product"
        message = f"{_label(source)}: the catalogue names no French CSV file of {dataset}; it has {held}."
        raise SourceFormatError(f"{message} {_edit(source)}")
    return max(found)[2]


def _whole(cube: Cube, source: Entry, path: Path, digest: str) -> Raw:
    frame, millesime, notes = _vintage(cube, source, read_cube(cube, path))
    return Raw(_label(source), frame, digest, millesime, notes)


def _placed(cube: Cube, source: Entry, path: Path) -> Raw:
    """Read a file placed by hand; when it is wrong, it is the file that must change, and not the catalogue."""
    try:
        raw = _whole(cube, source, path, sha256(path))
        tidy(cube, raw.frame)  # another file may have the same columns
    except SourceFormatError as error:
        why = str(error).removeprefix(f"{path}: ").removesuffix(remedy(cube)).strip()
        message = f"{path}: placed by hand, it is not the file of {_label(source)}. {why}"
        raise SourceFormatError(f"{message} Replace it by that of {source.landing_page}, or remove it.") from error
    return raw


def _label(source: Entry) -> str:
    return f"{source.id} ({_dataset(source)})"


def _dataset(source: Entry) -> str:
    return source.path.rpartition("/")[2]


def _edit(source: Entry) -> str:
    return f"See {source.landing_page}, then correct the path or the period of {source.id} in the catalogue."


def _asked(cube: Cube, territory: Territory) -> list[str]:
    """Write the places of a territory as Melodi does."""
    communes = territory.communes
    departements = sorted(communes[CODE_DEPARTEMENT].dropna().unique())
    areas = [f"DEP-{code}*{COMMUNE}" for code in departements]
    if cube.leaves:
        return areas
    epcis = sorted(code for code in communes[CODE_EPCI].dropna().unique() if re.fullmatch(r"\d{9}", code))
    regions = sorted(communes[CODE_REGION].dropna().unique())
    areas += [f"{FRANCE}-{code}" for code in cube.france] + [f"REG-{code}" for code in regions]
    return areas + [f"DEP-{code}" for code in departements] + [f"EPCI-{code}" for code in epcis]


def _observed(cube: Cube, door: Door, source: Entry, areas: Sequence[str]) -> pd.DataFrame:
    """Ask for the years of the catalogue, and once more for all of them when they are not published."""
    pins = [(name, code) for name in (*cube.pins, *cube.vary) for code in cube.codes(name)]
    params = [*pins, *((GEO, area) for area in areas), ("maxResult", str(PAGE)), ("totalCount", "TRUE")]
    years = source.period.split()
    try:
        frame = _pages(door, source, (*((YEAR, year) for year in years), *params))
        if {*years} <= {*frame[YEAR]}:
            return frame
    except _NothingError:
        pass
    except SourceUnavailableError:
        if not door.offline:
            raise
    return _pages(door, source, tuple(params))


def _pages(door: Door, source: Entry, params: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    parts: list[pd.DataFrame] = []
    page, count = 1, 0
    while page:
        ask = Ask(params=params if page == 1 else (*params, ("page", str(page))))
        body = fetch_json(door, source, ask, check=_checker(source, first=page == 1))
        parts.append(observations(body, where=_label(source)))
        paging = _paging(body)
        total = paging.get("count")
        count = total if isinstance(total, int) and total else count
        held = sum(map(len, parts))
        if max(count, held) > MOST:
            message = f"{_label(source)}: {max(count, held):,} observations, too many for a territory."
            raise SourceFormatError(f"{message} Use the national file, or a smaller territory.")
        page = _next_page(source, paging, page)
    if count and held != count:
        message = f"{_label(source)}: {held:,} observations came where {count:,} were announced."
        raise SourceFormatError(f"{message} Try again later; the answer is cut.")
    return pd.concat([part for part in parts if len(part)], ignore_index=True)


def _checker(source: Entry, *, first: bool) -> Callable[[object], object]:
    def check(body: object) -> None:
        frame = observations(body, where=_label(source))
        told = body.get("identifier") if isinstance(body, Mapping) else None
        if told not in {None, _dataset(source)}:
            raise SourceFormatError(f"{_label(source)}: the answer is about {told!r}. {_edit(source)}")
        if frame.empty and first:
            message = f"{_label(source)}: no observation, though the producer answered: another dataset, another year,"
            raise _NothingError(f"{message} or places that it does not cover ({source.limits}) {_edit(source)}")

    return check


def _paging(body: object) -> Body:
    paging = body.get("paging") if isinstance(body, Mapping) else None
    return paging if isinstance(paging, Mapping) else {}


def _next_page(source: Entry, paging: Body, page: int) -> int:
    """Read the number of the page that follows, 0 after the last; pages that turn round are refused."""
    following = paging.get("next")
    if not following or paging.get("isLast") is True:
        return 0
    told = parse_qs(urlsplit(str(following)).query).get("page", [""])[0]
    if not told.isdigit() or int(told) <= page:
        message = (
            f"{_label(source)}: after page {page}, the next page is said to be {str(following)!r}: it turns round."
        )
        raise SourceFormatError(f"{message} Try again later, or use the national file.")
    return int(told)


def _one_cog(frame: pd.DataFrame, source: Entry) -> tuple[pd.DataFrame, tuple[Note, ...]]:
    """Keep the places of the last COG year that the answer has, and tell when its communes may not be known here."""
    year = frame[COG].max()
    kept = frame[frame[COG] == year].drop(columns=COG)
    if int(year) <= COG_YEAR:
        return kept, ()
    fr = f"{source.title} : les communes sont celles du COG {year}, plus récent que celui du paquet ({COG_YEAR})."
    en = f"{source.id}: commune codes are those of COG {year}, newer than the package's ({COG_YEAR})."
    return kept, (Note(TerritoireGeoWarning, fr, en),)


def _vintage(cube: Cube, source: Entry, frame: pd.DataFrame) -> tuple[pd.DataFrame, str, tuple[Note, ...]]:
    """Keep the years of the catalogue, else the last ones, which are told."""
    wanted = source.period.split()
    if {*wanted} <= {*frame[YEAR]}:
        return frame[frame[YEAR].isin(wanted)], "", ()
    years = latest(cube, frame[YEAR])
    read = f"{years[0]}-{years[-1]}" if cube.years > 1 else source.millesime.replace(source.period, years[0])
    older = years[-1] < wanted[-1]
    fr = f"{source.title} : {source.millesime} n'est pas publié, {read} est lu."
    en = f"{source.id}: {source.millesime} is not published, {read} is read."
    return frame[frame[YEAR].isin(years)], read, (Note(StaleSourceWarning if older else TerritoireGeoWarning, fr, en),)


def _refuse_twice(source: Entry, frame: pd.DataFrame) -> None:
    keys = [column for column in frame.columns if column not in {VALUE, *ATTRIBUTES}]
    twice = frame[frame.duplicated(keys)]
    if len(twice):
        message = f"{_label(source)}: {len(twice)} observations came twice (first {twice[LEVEL].iloc[0]}"
        raise SourceFormatError(f"{message} {twice[GEO].iloc[0]}): a page was repeated. Try again later.")


def _refuse_elsewhere(source: Entry, frame: pd.DataFrame, asked: Sequence[str]) -> None:
    """Raise unless the communes that came are those of the départements that were asked."""
    codes = pd.Index(frame.loc[frame[LEVEL] == COMMUNE, GEO].unique())
    came = {str(code) for code in departement(codes)}
    lacking = sorted({*asked} - came)
    if lacking:
        message = f"{_label(source)}: no commune of département {quote(lacking)} came. {source.limits}"
        raise SourceFormatError(f"{message} {_edit(source)}")
    if came - {*asked}:
        message = f"{_label(source)}: communes of département {quote(sorted(came - {*asked}))} came, not asked:"
        raise SourceFormatError(f"{message} the producer did not follow the places of the request. {_edit(source)}")
    cities = {city for city in ARRONDISSEMENTS.values() if departement(pd.Index([city]))[0] in asked}
    hidden = sorted(cities - {*codes})
    if hidden:
        message = f"{_label(source)}: {quote(hidden)} did not come, only its arrondissements may be published."
        raise SourceFormatError(f"{message} Use the national file. {_edit(source)}")


def _lacking(source: Entry, frame: pd.DataFrame, asked: Sequence[str]) -> tuple[Note, ...]:
    """Tell the areas of reference that did not come."""
    came = {*(frame[LEVEL] + "-" + frame[GEO])}
    france = any(area.startswith(f"{FRANCE}-") for area in came)
    areas = [area for area in asked if "*" not in area and not (france and area.startswith(FRANCE))]
    lacking = [area for area in areas if area not in came]
    if not lacking:
        return ()
    fr = f"{source.title} : pas de chiffre de référence pour {quote(lacking)}."
    return (Note(TerritoireGeoWarning, fr, f"{source.id}: no reference figure for {quote(lacking)}."),)


LOADERS: Final = tuple(
    Loader(cube.source, layout, partial(around, cube), partial(national, cube))
    for cube, layout in zip(CUBES, LAYOUTS, strict=True)
)
