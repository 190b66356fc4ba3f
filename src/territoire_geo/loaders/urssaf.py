"""Urssaf: employees of the private sector by commune and activity, one column by year, summed by commune."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT
from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.loaders import _base
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._opendatasoft import Query, export, placed
from territoire_geo.loaders._read import refuse_repeated, summed
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

# As published, one row by commune and activity; or summed by the portal, with the number of rows that have a figure.
YEARLY: Final = re.compile(r"(?:total_)?effectifs_salaries_(\d{4})")
FILLED: Final = "lignes_renseignees"
ACTIVITIES: Final = frozenset({"code_ape", "ape"})
BATCH: Final = 25  # départements by request: a grouped answer of some 9,000 communes is far from any limit of rows


def _newest(columns: frozenset[str]) -> str | None:
    found = [match for match in map(YEARLY.fullmatch, columns) if match]
    return max(found, key=lambda match: match[1])[0] if found else None


def _recognise(columns: frozenset[str]) -> bool:
    summed = FILLED in columns or bool(ACTIVITIES & columns)
    return CODE_COMMUNE in columns and summed and _newest(columns) is not None


def _read(columns: frozenset[str]) -> frozenset[str]:
    """Keep the commune and the latest year: forty columns of other years are left in the file."""
    return columns & {CODE_COMMUNE, FILLED, "code_ape", str(_newest(columns))}


def _tidy(raw: pd.DataFrame) -> Tidy:
    column = str(_newest(frozenset(raw.columns)))
    rows = pd.DataFrame({CODE_COMMUNE: texts(raw[CODE_COMMUNE]), "effectifs_salaries": texts(raw[column])})
    _refuse_twice(raw, rows[CODE_COMMUNE])
    # An empty cell is an activity that never had an employer there: it adds nothing; all empty, the sum is unknown.
    filled = rows["effectifs_salaries"].ne("")
    if FILLED in raw.columns:  # the sum of no figure at all is no figure, even written 0
        filled &= pd.to_numeric(raw[FILLED], errors="coerce").ne(0)
    sums = summed(rows[filled], [CODE_COMMUNE], ["effectifs_salaries"], where="urssaf")
    empty = rows.loc[~rows[CODE_COMMUNE].isin(sums[CODE_COMMUNE]), [CODE_COMMUNE]].drop_duplicates()
    return {"employees": pd.concat([sums, empty.assign(effectifs_salaries="")], ignore_index=True)}


def _refuse_twice(raw: pd.DataFrame, codes: "pd.Series[str]") -> None:
    """Raise if an activity stands twice in a commune, or its total: it would be counted twice."""
    activity = "code_ape" if "code_ape" in raw.columns else None
    kinds = texts(raw[activity]) if activity else pd.Series("", index=raw.index)
    rows = pd.DataFrame({CODE_COMMUNE: codes, "code_ape": kinds})
    if activity:
        rows = rows[kinds.ne("")]  # several activities may have no code
    elif FILLED not in raw.columns:
        return
    refuse_repeated(rows, [CODE_COMMUNE, "code_ape"], where="urssaf")


def _asked(source: Entry, departements: Iterable[str]) -> Query:
    column = f"effectifs_salaries_{source.period}"
    total = f"total_{column}"  # an alias that is not the name of a field
    groups = (CODE_COMMUNE, CODE_DEPARTEMENT)
    return Query(
        frozenset({*groups, total, FILLED}),
        select=(*groups, f"sum({column}) as {total}", f"count({column}) as {FILLED}"),
        group_by=groups,
        field=CODE_DEPARTEMENT,
        codes=tuple(departements),
        batch=BATCH,
    )


def _around(door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    asked = _asked(source, territory.communes[CODE_DEPARTEMENT].unique())
    yield from placed(door, source, LAYOUT) or (export(door, source, asked),)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    base = _base.communes()
    asked = _asked(source, base.loc[base["epsg"].notna(), CODE_DEPARTEMENT].unique())
    yield from placed(door, source, LAYOUT) or (export(door, source, asked),)


LAYOUT: Final = Layout(
    "urssaf_effectifs",
    _recognise,
    _tidy,
    producer="Urssaf",
    title="Effectifs salariés du secteur privé par commune et activité",
    columns=_read,
    notes=(
        Note(
            TerritoireGeoWarning,
            "Effectifs salariés : secteur privé, régime général seulement (ni fonction publique, ni régime agricole) ; "
            "une commune sans ligne ou sans chiffre, où aucun employeur n'est connu, reste inconnue.",
            "Employees: private sector, general regime only (no public service, no farm regime); a commune without "
            "a row or a figure, where no employer is known, stays unknown.",
        ),
    ),
)
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (Loader("urssaf_effectifs", LAYOUT, _around, _national),)
