"""Insee, Base permanente des équipements: facilities as points (BPE23 and after), or counted by commune (before)."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.cog import departement, quote
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT
from territoire_geo.errors import SourceFormatError, TerritoireGeoWarning
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Ask, Door, fetch
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy, column_vintage
from territoire_geo.loaders._located import degrees
from territoire_geo.loaders._read import read_texts, refuse_repeated, summed
from territoire_geo.loaders.bpe_types import told
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

PLACED: Final = frozenset({"DEPCOM", "TYPEQU", "LONGITUDE", "LATITUDE"})
COUNTED: Final = frozenset({"DEPCOM", "TYPEQU", "NB_EQUIP"})
RANDOM: Final = "33"  # QUALITE_GEOLOC: the position is drawn at random in the commune
MARKS: Final = {"_Z": "so", "_U": ""}  # "sans objet", "indéterminé"
HALF_TURN: Final = 180.0  # degrees
GRAIN: Final = 100_000  # steps by degree: about a metre


def _recognise_points(columns: frozenset[str]) -> bool:
    return columns >= PLACED and "NB_EQUIP" not in columns


def _tidy_points(raw: pd.DataFrame) -> Tidy:
    raw = _latest(raw)
    frame = pd.DataFrame({"code_equipement": texts(raw["TYPEQU"]), CODE_COMMUNE: texts(raw["DEPCOM"])})
    frame[["lon", "lat"]] = raw[["LONGITUDE", "LATITUDE"]]
    frame.insert(0, "id", _ids(frame))
    frame["nombre"] = 1.0
    if "QUALITE_GEOLOC" in raw.columns:
        drawn = texts(raw["QUALITE_GEOLOC"]) == RANDOM
        frame[["lon", "lat"]] = frame[["lon", "lat"]].mask(drawn)
    if "CAPACITE" in raw.columns:
        frame["capacite"] = texts(raw["CAPACITE"]).replace(MARKS)
    return {"facilities": frame}


def _ids(frame: pd.DataFrame) -> "pd.Series[str]":
    """
    Name facilities by type, commune and position, and number those that are alike.

    The file has no identifier, and loses rows from month to month: those of the others do not move.
    """
    named = frame["code_equipement"] + "-" + frame[CODE_COMMUNE].fillna("")
    for axis in ("lon", "lat"):
        places = degrees(frame[axis])
        steps = (places.where(places.abs() <= HALF_TURN) * GRAIN).round()
        named = named + ("_" + steps.astype("Int64").astype("str")).where(steps.notna(), "")
    rank = named.groupby(named, sort=False).cumcount()
    return named.mask(rank > 0, named + "." + (rank + 1).astype("str"))


def _recognise_counts(columns: frozenset[str]) -> bool:
    return columns >= COUNTED


def _tidy_counts(raw: pd.DataFrame) -> Tidy:
    names = {"DEPCOM": CODE_COMMUNE, "TYPEQU": "code_equipement", "NB_EQUIP": "nombre"}
    raw = _latest(raw)
    if "DCIRIS" in raw.columns:  # one row by IRIS, in the communes that have some
        refuse_repeated(raw, ["DCIRIS", "TYPEQU"], where="bpe")
    parts = raw[list(names)].rename(columns=names)
    parts = parts.assign(**{name: texts(parts[name]) for name in (CODE_COMMUNE, "code_equipement")})
    frame = summed(parts, [CODE_COMMUNE, "code_equipement"], ["nombre"], where="bpe")
    frame.insert(0, "id", frame["code_equipement"] + "-" + frame[CODE_COMMUNE])
    return {"facilities": frame}


def _around(door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    """Read the national file, the only one there is, and keep the départements of the territory first of all."""
    raw = _brought(door, source)
    asked = sorted(territory.communes[CODE_DEPARTEMENT].unique())
    codes = pd.Index(raw.frame["DEPCOM"].dropna().unique())
    here = raw.frame["DEPCOM"].isin(codes[departement(codes).isin(asked)])
    frame = raw.frame[here].reset_index(drop=True)
    if frame.empty:
        message = f"{source.title} ({source.id}): no facility in {quote(asked)}. See {source.landing_page}."
        raise SourceFormatError(message)
    yield replace(raw, frame=frame, departements=tuple(asked))


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    yield _brought(door, source)


def _brought(door: Door, source: Entry) -> Raw:
    read: list[pd.DataFrame] = []
    check = partial(_read_into, read, source=source)
    answer = fetch(door, source, Ask(), check=check)
    if not read:  # it was in the cache
        check(answer.path)
    years = vintages(read[-1])
    millesime = f"BPE {years[-1]}" if years else ""
    return Raw(source.id, read[-1], answer.sha256, millesime, _tell_years(read[-1]), fetched=answer.fetched)


def _read_into(found: list[pd.DataFrame], path: Path, *, source: Entry) -> None:
    """Read a file, and refuse it if it has no table of facilities; a large one is then read once only."""
    seen: list[str] = []
    for _, text in read_texts(path, POINTS.columns):
        if POINTS.recognise(frozenset(text.columns)) and len(text):
            found.append(text)
            return
        seen += list(text.columns)
    message = (
        f"{source.title} ({source.id}): no table of facilities with their position ({quote(seen)}). See "
        f"{source.landing_page}; a new vintage is a change of the catalogue."
    )
    raise SourceFormatError(message)


def vintages(raw: pd.DataFrame) -> list[int]:
    """
    Read the vintages of a file of the BPE.

    Parameters
    ----------
    raw
        The table as published; its column AN says the year.

    Returns
    -------
    vintages
        Years, sorted; empty when the file does not say.
    """
    if "AN" not in raw.columns:
        return []
    return sorted({int(year) for year in pd.to_numeric(raw["AN"], errors="coerce").dropna().unique()})


def _latest(raw: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows of the last year of a file that has several: one facility is not counted once by year."""
    years = vintages(raw)
    return raw[pd.to_numeric(raw["AN"], errors="coerce") == years[-1]] if len(years) > 1 else raw


def _tell_years(raw: pd.DataFrame) -> tuple[Note, ...]:
    years = vintages(raw)
    if len(years) < 2:  # noqa: PLR2004 - one year, or none said
        return told(years)
    fr = f"BPE : le fichier a plusieurs millésimes ({', '.join(map(str, years))}) ; seul {years[-1]} est lu."
    en = f"BPE: the file has several vintages ({', '.join(map(str, years))}); only {years[-1]} is read."
    return (Note(TerritoireGeoWarning, fr, en), *told(years[-1:]))


UNSAID: Final = Note(
    TerritoireGeoWarning,
    "BPE : ce fichier ne dit pas quelles positions sont tirées au hasard dans la commune ; elles sont gardées.",
    "BPE: this file does not say which positions are drawn at random in the commune; they are kept.",
)


def _tell_points(raw: pd.DataFrame) -> tuple[Note, ...]:
    return (*_tell_years(raw), *(() if "QUALITE_GEOLOC" in raw.columns else (UNSAID,)))


POINTS: Final = Layout(
    "insee_bpe_points",
    _recognise_points,
    _tidy_points,
    producer="Insee",
    title="Base permanente des équipements, équipements géolocalisés",
    columns=lambda columns: columns & (PLACED | {"AN", "CAPACITE", "QUALITE_GEOLOC"}),
    tell=_tell_points,
    vintage=column_vintage("AN", "BPE {}"),
    notes=(
        Note(
            TerritoireGeoWarning,
            "BPE : une position que l'Insee dit tirée au hasard dans la commune n'est pas gardée ; l'équipement est "
            "compté dans sa commune, comme ceux qui n'ont pas de position.",
            "BPE: a position that Insee says drawn at random in the commune is not kept; the facility counts in its "
            "commune, like those without a position.",
        ),
    ),
)
COUNTS: Final = Layout(
    "insee_bpe_counts",
    _recognise_counts,
    _tidy_counts,
    producer="Insee",
    title="Base permanente des équipements, ensemble",
    columns=lambda columns: columns & (COUNTED | {"AN", "DCIRIS"}),
    tell=_tell_years,
    vintage=column_vintage("AN", "BPE {}"),
)
LAYOUTS: Final = (POINTS, COUNTS)
LOADERS: Final = (Loader("insee_bpe_points", POINTS, _around, _national),)
