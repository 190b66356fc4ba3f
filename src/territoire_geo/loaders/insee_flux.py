"""Insee, census: employed people by commune of residence and commune of work."""

import re
from collections.abc import Iterator
from typing import Final

import pandas as pd

from territoire_geo.cog import CODE_PATTERN
from territoire_geo.errors import SuppressedValueWarning
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy, header_vintage
from territoire_geo.loaders._read import refuse_repeated, summed
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

ABROAD: Final = "99999"  # flows to a country that has no code of five digits, together
FOREIGN: Final = r"(?!2[AB])[A-Z]{2}\w{0,3}"  # BE, SU001; never 1001, which is a code that lost its zero


def _count(columns: frozenset[str]) -> str:
    return max((column for column in columns if re.fullmatch(r"NBFLUX_C\d{2}_ACTOCC15P", column)), default="")


def _recognise(columns: frozenset[str]) -> bool:
    return {"CODGEO", "DCLT"} <= columns and bool(_count(columns))


def _columns(columns: frozenset[str]) -> frozenset[str]:
    return frozenset({"CODGEO", "DCLT", _count(columns)}) if _recognise(columns) else frozenset()


def _tidy(raw: pd.DataFrame) -> Tidy:
    names = {"code_residence": "CODGEO", "code_travail": "DCLT", "actifs": _count(frozenset(raw.columns))}
    flows = raw[list(names.values())].set_axis(list(names), axis=1)
    keys = list(names)[:2]
    flows[keys] = flows[keys].astype("str")
    work = flows["code_travail"].str.strip()
    foreign = work.str.fullmatch(FOREIGN) & ~work.str.fullmatch(CODE_PATTERN)
    if not foreign.any():
        return {"flows": flows}
    refuse_repeated(flows[foreign], keys, where="flows")
    away = summed(flows[foreign].assign(code_travail=ABROAD), keys, ["actifs"], where="flows")
    return {"flows": pd.concat([flows[~foreign], away.astype(flows.dtypes)], ignore_index=True)}


def _around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


SMALL_FLOWS: Final = Note(
    SuppressedValueWarning,
    "Navettes domicile-travail : estimées par sondage, un flux de moins de 200 personnes est un ordre de grandeur.",
    "Commuting flows: estimated from a sample, a flow under 200 people is an order of magnitude.",
)
LAYOUT: Final = Layout(
    "insee_flux",
    _recognise,
    _tidy,
    producer="Insee",
    title="Recensement de la population, mobilités domicile-travail",
    columns=_columns,
    notes=(SMALL_FLOWS,),
    vintage=header_vintage(r"NBFLUX_C(\d{2})_", "RP {}"),
)
LOADER: Final = Loader("insee_flux", LAYOUT, _around, _national)
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (LOADER,)
