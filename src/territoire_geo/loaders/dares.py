"""Dares: jobseekers registered in categories A, B, C by commune, fourth quarter, rounded to 5."""

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from territoire_geo.cog import quote
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT
from territoire_geo.errors import SourceFormatError, SuppressedValueWarning
from territoire_geo.loaders import _base
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._opendatasoft import Query, equals, export, placed
from territoire_geo.loaders._read import header
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

COUNT: Final = "nombre_de_demandeurs_d_emploi"
PINNED: Final[Mapping[str, str]] = MappingProxyType(
    {"type_de_donnees": "Brutes", "categorie": "ABC", "sexe": "Total", "tranche_d_age": "Total"}
)
FIELDS: Final = ("date", CODE_DEPARTEMENT, CODE_COMMUNE, *PINNED, COUNT)
QUARTER: Final = re.compile(r"\d{4}-T4")  # the fourth quarters only are published
ALL: Final = "Total"  # the code of several rows that are no commune: France, people who are not located
# An extract of two producers in one file: effectifs_salaries_2025, demandeurs_emploi_abc_2024T4.
EXTRACTED: Final = re.compile(r"(effectifs_salaries|demandeurs_emploi_abc)_\d{4}(?:T\d)?")
TABLES: Final[Mapping[str, str]] = MappingProxyType(
    {"effectifs_salaries": "employees", "demandeurs_emploi_abc": "jobseekers"}
)


def _recognise(columns: frozenset[str]) -> bool:
    # Labels read as the names of fields: "Tranche d'âge" as tranche_d_age.
    read = [name for name in header(list(columns)) if name in FIELDS]
    return {"date", CODE_COMMUNE, *PINNED, COUNT} <= set(read) and len(set(read)) == len(read)


def _tidy(raw: pd.DataFrame) -> Tidy:
    frame = raw.set_axis(header(list(raw.columns)), axis=1)
    dimensions = (*PINNED, "date", CODE_COMMUNE)
    frame = frame.assign(**{field: texts(frame[field]) for field in dimensions})
    for field, value in {**PINNED, "date": QUARTER.pattern}.items():
        kept = frame[frame[field].str.fullmatch(value)]
        if kept.empty:
            message = (
                f"dares.{field}: no row left with {value!r} once the columns before it are pinned; it holds "
                f"{quote(frame[field].unique())}. The producer has changed its categories: compare them with its page."
            )
            raise SourceFormatError(message)
        frame = kept
    frame = frame[frame["date"] == frame["date"].max()]
    frame = frame[frame[CODE_COMMUNE] != ALL]
    return {"jobseekers": frame[[CODE_COMMUNE, COUNT]].rename(columns={COUNT: "demandeurs_emploi_abc"})}


def _recognise_extract(columns: frozenset[str]) -> bool:
    found = {match[1] for match in map(EXTRACTED.fullmatch, columns) if match}
    return CODE_COMMUNE in columns and found == set(TABLES)


def _tidy_extract(raw: pd.DataFrame) -> Tidy:
    tidy = {}
    for column in sorted(raw.columns):  # the latest period of each count is the last
        match = EXTRACTED.fullmatch(column)
        if match:
            tidy[TABLES[match[1]]] = raw[[CODE_COMMUNE, column]].rename(columns={column: match[1]})
    return tidy


def _asked(source: Entry, departements: Iterable[str]) -> Query:
    where = (equals("date", source.period), *(equals(field, value) for field, value in PINNED.items()))
    return Query(frozenset(FIELDS), select=FIELDS, where=where, field=CODE_DEPARTEMENT, codes=tuple(departements))


def _around(door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    asked = _asked(source, territory.communes[CODE_DEPARTEMENT].unique())
    yield from placed(door, source, LAYOUT) or (export(door, source, asked),)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    base = _base.communes()
    asked = _asked(source, base.loc[base["epsg"].notna(), CODE_DEPARTEMENT].unique())
    yield from placed(door, source, LAYOUT) or (export(door, source, asked),)


ROUNDED: Final = Note(
    SuppressedValueWarning,
    "Demandeurs d'emploi : la Dares arrondit chaque chiffre à 5 près, un 0 peut être 1 ou 2, et une somme de communes "
    "porte leurs arrondis ; une commune absente de son fichier est inconnue, pas nulle.",
    "Jobseekers: Dares rounds each figure to 5: a 0 may be 1 or 2, and a sum of communes carries their roundings; a "
    "commune that its file does not name is unknown, not zero.",
)
TITLE: Final = "Demandeurs d'emploi inscrits en catégories A, B, C par commune (arrondi à 5)"
LAYOUT: Final = Layout(
    "dares_demandeurs",
    _recognise,
    _tidy,
    producer="Dares - France Travail",
    title=TITLE,
    columns=lambda columns: frozenset(column for column in columns if header([column])[0] in FIELDS),
    notes=(ROUNDED,),
)
EXTRACT: Final = Layout(
    "dares_urssaf_extract",
    _recognise_extract,
    _tidy_extract,
    producer="Dares ; Urssaf",
    title="Extrait par commune : demandeurs d'emploi ABC et effectifs salariés",
    notes=(ROUNDED,),
)
LAYOUTS: Final = (LAYOUT, EXTRACT)
LOADERS: Final = (Loader("dares_demandeurs", LAYOUT, _around, _national),)
