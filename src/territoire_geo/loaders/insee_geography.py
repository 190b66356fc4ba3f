"""Insee, geography of communes: zonings they belong to, table de passage between years, code officiel géographique."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, check_codes, check_unique, quote
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT
from territoire_geo.errors import SourceFormatError
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, fetch
from territoire_geo.loaders._read import read_texts

# Zonings change of year in their names: ZE2020, UU2020, AAV2020, BV2022.
ZONINGS: Final[Mapping[str, str]] = {
    "LIBGEO": "nom_commune",
    "DEP": CODE_DEPARTEMENT,
    "REG": "code_region",
    "EPCI": "code_epci",
    "NATURE_EPCI": "nature_epci",
    "ARR": "code_arrondissement",
    r"CV|CANOV": "code_canton",
    r"ZE\d{4}": "zone_emploi",
    r"UU\d{4}": "unite_urbaine",
    r"AAV\d{4}": "aire_attraction",
    r"CATEAAV\d{4}": "categorie_aire_attraction",
    r"BV\d{4}": "bassin_vie",
}
COG: Final[Mapping[str, str]] = {
    "com": CODE_COMMUNE,
    "libelle": "nom_commune",
    "dep": CODE_DEPARTEMENT,
    "reg": "code_region",
    "arr": "code_arrondissement",
    "can": "code_canton",
}
NOT_CONCERNED: Final = r"Z+"  # ZZZZ, ZZZZZZZZZ: overseas, islands without EPCI


def read_appartenance(path: Path) -> pd.DataFrame:
    """
    Read a *table d'appartenance géographique des communes* of Insee.

    Parameters
    ----------
    path
        The spreadsheet, or the zip of it.

    Returns
    -------
    read_appartenance
        Indexed by sorted `code_commune` of the COG of the file: nom_commune, code_departement, code_region, code_epci,
        nature_epci, code_arrondissement, code_canton, zone_emploi, unite_urbaine, aire_attraction, bassin_vie..., as
        text; NaN where a commune is not concerned. Columns that the file does not have are left out.

    Raises
    ------
    SourceFormatError
        If the file has no table of communes with their EPCI, or is not readable.
    TableError
        If a code is malformed, or stands twice.
    """
    for _, text in read_texts(path, known=_is_appartenance):
        if _is_appartenance(frozenset(text.columns)):
            names = {
                column: name
                for column in text.columns
                for pattern, name in ZONINGS.items()
                if re.fullmatch(pattern, column)
            }
            zones = text[list(names)].rename(columns=names)
            zones = zones.mask(zones.apply(lambda cells: cells.str.fullmatch(NOT_CONCERNED) | cells.eq("")))
            return _by_commune(zones, text["CODGEO"], path)
    raise SourceFormatError(f"{path}: no table with CODGEO and EPCI. See {entry('insee_appartenance').landing_page}.")


def _is_appartenance(columns: frozenset[str]) -> bool:
    return {"CODGEO", "EPCI", "DEP"} <= columns


def _by_commune(frame: pd.DataFrame, codes: "pd.Series[str]", path: Path) -> pd.DataFrame:
    index = pd.Index(codes.str.strip(), name=CODE_COMMUNE)
    check_codes(index, where=path.name)
    check_unique(index, where=path.name)
    return frame.set_axis(index).sort_index()


def read_cog(path: Path) -> pd.DataFrame:
    """
    Read the communes of a *code officiel géographique* of Insee.

    Parameters
    ----------
    path
        A CSV of communes, or the zip of the whole COG; of a year with two dates (2019), 1 January is read.

    Returns
    -------
    read_cog
        Indexed by sorted `code_commune`: nom_commune, code_departement, code_region, code_arrondissement, code_canton,
        as text, NaN where blank. Communes only: neither *déléguées* and *associées*, nor arrondissements of Paris, Lyon
        and Marseille.

    Raises
    ------
    SourceFormatError
        If the file has no table of communes, or is not readable.
    TableError
        If a code is malformed, or stands twice.
    """
    found = {name: text for name, text in read_texts(path) if _is_cog(frozenset(text.columns))}
    if not found:
        raise SourceFormatError(f"{path}: no table with TYPECOM and COM. Give the communes of the COG, or its zip.")
    text = found[min(found)]  # communes-01012019 stands before communes-01042019
    text = text.set_axis(text.columns.str.lower(), axis=1)
    text = text[text["typecom"].eq("COM")]
    there = {published: name for published, name in COG.items() if published in text.columns}
    frame = text[list(there)].rename(columns=there)
    return _by_commune(frame.drop(columns=CODE_COMMUNE).replace("", pd.NA), frame[CODE_COMMUNE], path)


def _is_cog(columns: frozenset[str]) -> bool:
    return {"typecom", "com", "comparent"} <= {column.lower() for column in columns}


def former_from(text: pd.DataFrame) -> dict[str, str] | None:
    """
    Read former communes in a table of passage, if it is one: Insee's to one year, Insee's annual one, or code to code.

    Parameters
    ----------
    text
        A table of text.

    Returns
    -------
    former_from
        Former code -> code in the newest year of the table. A code that was split has one when Insee gives one, none
        when its rows disagree. None when the header is not that of a table of passage.

    Raises
    ------
    TableError
        If a code is malformed.
    """
    found = _passage_columns(text)
    if found is None:
        return None
    older, newest = found
    pairs = pd.concat(
        [pd.DataFrame({"old": text[column].str.strip(), "new": text[newest].str.strip()}) for column in older]
    )
    pairs = pairs[pairs["old"].ne("") & pairs["new"].ne("")].drop_duplicates()
    check_codes(pd.Index(pairs["old"]), where="passage")
    check_codes(pd.Index(pairs["new"]), where="passage")
    gone = pairs[~pairs["old"].isin(pairs["new"]) & ~pairs["old"].isin(list(ARRONDISSEMENTS))]
    sure = gone[~gone["old"].duplicated(keep=False)]
    return dict(zip(sure["old"], sure["new"], strict=True))


def _passage_columns(text: pd.DataFrame) -> tuple[list[str], str] | None:
    """Find the columns of former codes, and that of the newest ones."""
    upper = {column.upper(): column for column in text.columns}
    if {"DEPCOM_HIST", "DEPCOM"} <= upper.keys():
        return [upper["DEPCOM_HIST"]], upper["DEPCOM"]
    dated = sorted(name for name in upper if re.fullmatch(r"CODGEO_\d{4}", name))
    if dated and "CODGEO_INI" in upper:
        return [upper["CODGEO_INI"]], upper[dated[-1]]
    if len(dated) > 1:
        return [upper[name] for name in dated[:-1]], upper[dated[-1]]
    return None


def _is_passage(columns: frozenset[str]) -> bool:
    return _passage_columns(pd.DataFrame(columns=sorted(columns))) is not None


def read_passage(path: Path) -> dict[str, str]:
    """
    Read the former communes of a file of passage.

    Parameters
    ----------
    path
        Insee's spreadsheet, the zip of it, or a CSV of former and current codes.

    Returns
    -------
    read_passage
        Former code -> code in the newest year of the file.

    Raises
    ------
    SourceFormatError
        If the file has no table of passage, or is not readable.
    TableError
        If a code is malformed.
    """
    seen: list[str] = []
    for _, text in read_texts(path, known=_is_passage):
        former = former_from(text)
        if former is not None:
            return former
        seen += list(text.columns)
    message = f"{path}: no table of passage (CODGEO_INI and CODGEO_2026), but {quote(seen)}."
    raise SourceFormatError(f"{message} See {entry('insee_passage').landing_page}.")


def completed(passage: Mapping[str, str], former: Mapping[str, str], current: pd.Index) -> dict[str, str]:
    """
    Add former communes that the embedded base does not know to those it knows.

    Parameters
    ----------
    passage
        Former code -> code of the year of a table of passage, which may have changed since.
    former
        Former code -> current code, of the base: it counts most.
    current
        Every current code.

    Returns
    -------
    completed
        Former code -> current code; codes whose target is neither current nor known are left out.
    """
    added = {old: former.get(new, new) for old, new in passage.items()}
    there = set(current)
    return {old: new for old, new in added.items() if new in there and old not in there} | dict(former)


def fetch_appartenance(door: Door) -> pd.DataFrame:
    """
    Fetch the zonings of communes.

    Parameters
    ----------
    door
        The network, or its cache.

    Returns
    -------
    fetch_appartenance
        As `read_appartenance`, of the year of the catalogue.

    Raises
    ------
    SourceError
        If the producer cannot be asked, or the file is not what was expected.
    """
    return read_appartenance(fetch(door, entry("insee_appartenance"), check=read_appartenance).path)


def fetch_passage(door: Door) -> dict[str, str]:
    """
    Fetch the former communes.

    Parameters
    ----------
    door
        The network, or its cache.

    Returns
    -------
    fetch_passage
        As `read_passage`, of the year of the catalogue.

    Raises
    ------
    SourceError
        If the producer cannot be asked, or the file is not what was expected.
    """
    return read_passage(fetch(door, entry("insee_passage"), check=read_passage).path)
