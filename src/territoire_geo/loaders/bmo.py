"""France Travail, Besoins en main-d'œuvre: hiring projects by employment area and trade, and the communes of areas."""

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import SuppressedValueWarning
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy, header_vintage
from territoire_geo.loaders._read import header, refuse_repeated, summed
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

KEYS: Final = ["code_bassin", "code_metier"]
COUNTS: Final = ["projets", "difficiles"]
NAMES: Final = {"code_metier_bmo": "code_metier", "met": "projets", "xmet": "difficiles"}


def _named(columns: frozenset[str]) -> dict[str, str]:
    """Find columns whose case and year change: published name -> tidy name."""
    found: dict[str, str] = {}
    for column, name in zip(columns, header(list(columns)), strict=True):
        if re.fullmatch(r"be\d{2}", name):
            found[column] = "code_bassin"
        elif name in NAMES:
            found[column] = NAMES[name]
    return found


def _recognise(columns: frozenset[str]) -> bool:
    return sorted(_named(columns).values()) == sorted([*KEYS, *COUNTS])


def _departement(columns: frozenset[str]) -> list[str]:
    return [column for column in sorted(columns) if column.lower() == "dept"][:1]


def _columns(columns: frozenset[str]) -> frozenset[str]:
    return frozenset({*_named(columns), *_departement(columns)}) if _recognise(columns) else frozenset()


def _tidy(raw: pd.DataFrame) -> Tidy:
    names = _named(frozenset(raw.columns))
    parts = raw[list(names)].rename(columns=names)
    parts = parts.assign(**{key: texts(parts[key]) for key in KEYS})
    # An area that spans several départements has one row by département.
    departement = _departement(frozenset(raw.columns))
    if departement:
        refuse_repeated(parts.assign(departement=texts(raw[departement[0]])), [*KEYS, "departement"], where="hiring")
    return {"hiring": summed(parts, KEYS, COUNTS, where="hiring")}


def _around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


WITHHELD: Final = Note(
    SuppressedValueWarning,
    "Besoins en main-d'œuvre : les petits effectifs sont secrets ; un total qui en contient un est inconnu.",
    "Hiring projects (BMO): small counts are withheld; a total with one of them is unknown.",
)
BASINS: Final = {"code_commune_insee": CODE_COMMUNE, "code_bassin_bmo": "code_bassin", "lib_bassin_bmo": "nom_bassin"}


def _basins(columns: frozenset[str]) -> dict[str, str]:
    """Find the columns of a list of communes by employment area, whatever their case: published name -> tidy name."""
    names = zip(columns, header(list(columns)), strict=True)
    return {column: BASINS[name] for column, name in names if name in BASINS}


def _tidy_basins(raw: pd.DataFrame) -> Tidy:
    """Read the area of each commune; former communes of the list stay under their code, and match nothing."""
    names = _basins(frozenset(raw.columns))
    frame = raw[list(names)].rename(columns=names)
    return {"basins": frame.assign(**{name: texts(frame[name]) for name in frame.columns}).drop_duplicates()}


LAYOUT: Final = Layout(
    "bmo",
    _recognise,
    _tidy,
    producer="France Travail",
    title="Besoins en main-d'œuvre",
    columns=_columns,
    vintage=header_vintage(r"(?i)be(\d{2})", "{}"),
    notes=(WITHHELD,),
)
LOADER: Final = Loader("bmo", LAYOUT, _around, _national)
COMMUNES: Final = Layout(
    "bmo_bassins",
    lambda columns: sorted(_basins(columns).values()) == sorted(BASINS.values()),
    _tidy_basins,
    producer="France Travail",
    title="Composition communale des bassins d'emploi",
    columns=lambda columns: frozenset(_basins(columns)),
)
LAYOUTS: Final = (LAYOUT, COMMUNES)
LOADERS: Final = (LOADER,)
