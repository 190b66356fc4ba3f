"""Insee, comparateur de territoires: one wide file by commune, several vintages in it."""

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy, header_vintage, pick
from territoire_geo.loaders.insee_base import is_mixed, newest
from territoire_geo.loaders.insee_filosofi import income_columns
from territoire_geo.territory import Territory

ACTIVITY: Final = {
    "pop_15_64": "P{}_POP1564",
    "actifs_15_64": "P{}_ACT1564",
    "chomeurs_15_64": "P{}_CHOM1564",
    "emplois": "P{}_EMPLT",
}
HOUSING: Final = {
    "logements": "P{}_LOG",
    "logements_vacants": "P{}_LOGVAC",
    "residences_principales": "P{}_RP",
}


def _year(columns: frozenset[str]) -> str:
    return newest(columns, ACTIVITY["actifs_15_64"]) or ""


def _births(columns: frozenset[str]) -> str:
    """Find the births from one census to the next; NAISD24 is those of one year, too few in a small commune."""
    return max((column for column in columns if re.fullmatch(r"NAIS\d{4}", column)), default="")


def _housing(columns: frozenset[str]) -> dict[str, str]:
    """Find the dwellings, of the vintage of activity; nothing without those that are vacant."""
    named = {name: column.format(_year(columns)) for name, column in HOUSING.items()}
    there = {name: column for name, column in named.items() if column in columns}
    return there if {"logements", "logements_vacants"} <= set(there) else {}


def _recognise(columns: frozenset[str]) -> bool:
    return "CODGEO" in columns and bool(_year(columns)) and is_mixed(columns)


def _columns(columns: frozenset[str]) -> frozenset[str]:
    if not _recognise(columns):
        return frozenset()
    activity = {name.format(_year(columns)) for name in ACTIVITY.values()}
    others = (*_housing(columns).values(), *income_columns(columns).values())
    return columns & {"CODGEO", _births(columns), *activity, *others}


def _tidy(raw: pd.DataFrame) -> Tidy:
    columns = frozenset(raw.columns)
    year, births, income = _year(columns), _births(columns), income_columns(columns)
    codes = raw["CODGEO"].astype("str")
    tidy = {"activity": pick(raw, codes, {name: column.format(year) for name, column in ACTIVITY.items()})}
    if births:
        # From one census to the next: NAIS1318 and P18 are five years, NAIS1621 and P22 are six.
        years = str((int(year) - int(births[4:6])) % 100)
        tidy["births"] = pick(raw, codes, {"naissances": births}).assign(annees=years)
    if income:
        tidy["income"] = pick(raw, codes, income)
    if _housing(columns):
        tidy["housing"] = pick(raw, codes, _housing(columns))
    return tidy


def _around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


LAYOUT: Final = Layout(
    "insee_comparateur",
    _recognise,
    _tidy,
    {"taux_pauvrete": 0.01},
    producer="Insee",
    title="Comparateur de territoires",
    vintage=header_vintage(r"P(\d{2})_", "RP {}"),
    columns=_columns,
    yields=frozenset({"housing"}),  # the census base of housing says more, and often stands beside for its cars
)
LOADER: Final = Loader("insee_comparateur", LAYOUT, _around, _national)
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (LOADER,)
