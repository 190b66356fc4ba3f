"""Insee Melodi, from observations to tidy tables: every dimension pinned, one row by place, no figure twice."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, quote
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import SourceFormatError
from territoire_geo.loaders import _base
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._layout import Tidy

GEO: Final = "GEO"
LEVEL: Final = "GEO_OBJECT"
YEAR: Final = "TIME_PERIOD"
VALUE: Final = "OBS_VALUE"
STATUS: Final = "OBS_STATUS"
CONFIDENTIAL: Final = "CONF_STATUS"
POWER: Final = "UNIT_MULT"
STRUCTURE: Final = frozenset({GEO, LEVEL, YEAR, VALUE})
# What is said of an observation, and does not tell it from another: no dimension to pin.
ATTRIBUTES: Final = frozenset({STATUS, "OBS_STATUS_FR", CONFIDENTIAL, POWER, "UNIT_MEASURE", "DECIMALS"})
TOTAL: Final = "_T"
COMMUNE: Final = "COM"
ARRONDISSEMENT: Final = "ARM"
FRANCE: Final = "FRANCE"
REFERENCES: Final = {"EPCI": "EPCI", "DEP": "DEP", "REG": "REG", FRANCE: "FR"}
LEVELS: Final = (COMMUNE, ARRONDISSEMENT, *REFERENCES)
SECRET: Final = "s"  # noqa: S105 - statistical secrecy, not a password
UNPUBLISHED: Final = "nd"
FREE: Final = ("", "F")  # CONF_STATUS of a figure that anyone may read
ELSEWHERE: Final = "K"  # OBS_STATUS: the figure is counted with another commune
SUPPRESSED: Final = "Q"
MISSING: Final = ("H", "J", ELSEWHERE, "L", "M", "O")  # OBS_STATUS of a blank that is not a secret
DIGITS: Final = 6  # decimals kept of a sum: the noise of floats is below, weighted counts above

Cell = tuple[str, ...]  # one code for each dimension that varies
Way = tuple[tuple[int, Cell], ...]  # cells, each added (1) or taken away (-1)


@dataclass(frozen=True)
class Cube:
    """
    A cube of Melodi, and what is read of it.

    `pins` are the dimensions of which one code is kept, `vary` those whose codes make the columns; `others` may be
    there, and are pinned by rule: their total `_T`, else their only code. `columns` are the tidy columns of `table`,
    each worked out in one of several ways: the first whose codes the cube has. `years` are summed, and `annees` tells
    how many. `france` are the codes of all France, the first that is there being read. A cube with `leaves` counts
    places: one row by commune and code of its last leaf, totals left out.
    """

    source: str
    dataset: str
    table: str
    pins: Mapping[str, str]
    vary: tuple[str, ...] = ()
    columns: Mapping[str, tuple[Way, ...]] = field(default_factory=dict)
    others: frozenset[str] = frozenset({"FREQ", "RP_MEASURE"})
    years: int = 1
    france: tuple[str, ...] = ("F",)
    leaves: tuple[str, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Dimensions that the cube must have."""
        return (*self.pins, *self.vary, *self.leaves)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Codes that are read, without repetition."""
        listed = [cell for ways in self.columns.values() for way in ways for _, cell in way]
        return tuple(dict.fromkeys(listed))

    def codes(self, dimension: str) -> tuple[str, ...]:
        """
        Name the codes of a dimension that are read.

        Parameters
        ----------
        dimension
            One that is pinned, or that varies.

        Returns
        -------
        codes
            Its codes, in the order of the columns.
        """
        if dimension in self.pins:
            return (self.pins[dimension],)
        position = self.vary.index(dimension)
        return tuple(dict.fromkeys(cell[position] for cell in self.cells))


def dimensions(header: frozenset[str]) -> frozenset[str]:
    """
    Name the dimensions of a cube, once places, years, values and what is said of them are set aside.

    Parameters
    ----------
    header
        Its columns.

    Returns
    -------
    dimensions
        The others.
    """
    return header - STRUCTURE - ATTRIBUTES


def recognise(cube: Cube, header: frozenset[str]) -> bool:
    """
    Recognise the CSV of a cube by its dimensions: those of the cube, all of them, and no other.

    Parameters
    ----------
    cube
        The cube.
    header
        Columns of a file.

    Returns
    -------
    recognise
        False for a cube that shares some of them.
    """
    needed = frozenset(cube.dimensions)
    return header >= STRUCTURE and needed <= dimensions(header) <= needed | cube.others


def check_columns(cube: Cube, header: tuple[str, ...]) -> None:
    """
    Raise unless a header has the columns that are read of a cube.

    Parameters
    ----------
    cube
        The cube.
    header
        Columns of its file, or of an answer in this shape.

    Raises
    ------
    SourceFormatError
        If one is missing: the message names it, and those that are there.
    """
    lacking = [column for column in (*sorted(STRUCTURE), *cube.dimensions) if column not in header]
    if lacking:
        message = f"{cube.dataset}: column {quote(lacking)} is missing; there are {', '.join(header)}."
        raise SourceFormatError(f"{message} {remedy(cube)}")


def tidy(cube: Cube, raw: pd.DataFrame) -> Tidy:
    """
    Read the tidy tables of a cube: one row by commune, and one by EPCI, département, région and France.

    Parameters
    ----------
    cube
        The cube.
    raw
        Its observations, as the CSV has them: `GEO`, `GEO_OBJECT`, dimensions, `TIME_PERIOD`, `OBS_VALUE` and, when
        published, their status. Several levels, years and codes may be there.

    Returns
    -------
    tidy
        Field of `Tables` -> text. "s" is a secret, "nd" a figure that is not published (counted with another commune,
        among others), blank an observation that is not there. A sum with such a part is so itself.

    Raises
    ------
    SourceFormatError
        If a dimension or a code is missing, a dimension that is not known has several codes, or a figure stands twice.
    """
    rows = _pinned(cube, raw)
    rows = rows[rows[YEAR].isin(latest(cube, rows[YEAR]))]
    _refuse_units(cube, rows)
    rows = rows.assign(**{VALUE: _said(rows)})
    rows = rows[(rows[LEVEL] != ARRONDISSEMENT) | _alone(rows)]
    if cube.leaves:
        return {cube.table: _places(cube, rows)}
    wide = _columns(cube, _pivot(cube, rows))
    local = wide.index.get_level_values(LEVEL).isin([COMMUNE, ARRONDISSEMENT])
    table = _without_restored(cube, wide[local].droplevel(LEVEL).rename_axis(CODE_COMMUNE)).reset_index()
    references = _references(cube, wide[~local])
    return {cube.table: table} | ({"references": references} if len(references) else {})


def latest(cube: Cube, years: "pd.Series[str]") -> tuple[str, ...]:
    """
    Tell which years of a cube are read.

    Parameters
    ----------
    cube
        The cube.
    years
        Years that are there.

    Returns
    -------
    latest
        The last ones, in order: as many as the cube sums, or fewer when there are not as many.

    Raises
    ------
    SourceFormatError
        If a period is not a year.
    """
    there = sorted(str(year) for year in years.unique())
    wrong = [year for year in there if not re.fullmatch(r"\d{4}", year)]
    if wrong:
        raise SourceFormatError(f"{cube.dataset}: {YEAR} {quote(wrong)} is not a year. {remedy(cube)}")
    return tuple(there[-cube.years :])


def remedy(cube: Cube) -> str:
    """
    Say what to do when a cube is not what was expected.

    Parameters
    ----------
    cube
        The cube.

    Returns
    -------
    remedy
        The end of a message.
    """
    source = entry(cube.source)
    return f"See {source.landing_page}, then correct {source.id} in the catalogue or the cube in melodi_cubes.py."


def _text(cells: pd.Series) -> "pd.Series[str]":
    """Give text whatever the file was: parquet has numbers."""
    if pd.api.types.is_float_dtype(cells) and cells.dropna().mod(1).eq(0).all():
        cells = cells.astype("Int64")
    text = cells if isinstance(cells.dtype, pd.StringDtype) else cells.astype("str")
    return text.where(cells.notna(), "")


def _pinned(cube: Cube, raw: pd.DataFrame) -> pd.DataFrame:
    """Keep the rows that are read: known levels, pinned codes, codes of the columns; other dimensions by rule."""
    check_columns(cube, tuple(raw.columns))
    wanted = {LEVEL: LEVELS} | {dimension: cube.codes(dimension) for dimension in (*cube.pins, *cube.vary)}
    kept = pd.Series(data=True, index=raw.index)
    for dimension, codes in wanted.items():
        cells = _text(raw[dimension])
        kept = _still(cube, kept, kept & cells.isin(codes), cells, " or ".join(codes))
    for dimension in cube.leaves:
        cells = _text(raw[dimension])
        kept = _still(cube, kept, kept & ~cells.isin(["", TOTAL]), cells, "other than its total")
    rows = pd.DataFrame({column: _text(cells) for column, cells in raw[kept].items()})
    rows[GEO] = rows[GEO].str.strip()
    for dimension in sorted(dimensions(frozenset(raw.columns)) - {*cube.dimensions}):
        rows = rows[rows[dimension] == _only(cube, dimension, rows[dimension])]
    if not rows[LEVEL].isin([COMMUNE, ARRONDISSEMENT]).any():
        raise SourceFormatError(f"{cube.dataset}: no row of level {COMMUNE}. {remedy(cube)}")
    return rows


def _still(
    cube: Cube, before: "pd.Series[bool]", after: "pd.Series[bool]", cells: "pd.Series[str]", codes: str
) -> "pd.Series[bool]":
    if after.any():
        return after
    there = quote(sorted(cells[before].unique())) or "nothing"
    raise SourceFormatError(f"{cube.dataset}: {cells.name} has no code {codes}; it has {there}. {remedy(cube)}")


def _only(cube: Cube, dimension: str, cells: "pd.Series[str]") -> str:
    there = sorted(str(code) for code in cells.unique())
    if TOTAL in there:
        return TOTAL
    if len(there) > 1:
        message = (
            f"{cube.dataset}: dimension {dimension} has several codes ({quote(there)}), no total, and is not pinned."
        )
        raise SourceFormatError(f"{message} {remedy(cube)}")
    return there[0]


def _refuse_units(cube: Cube, rows: pd.DataFrame) -> None:
    powers = rows[POWER] if POWER in rows.columns else pd.Series(dtype="str")
    wrong = powers[~powers.isin(["", "0"])].unique()
    if len(wrong):
        message = f"{cube.dataset}: figures are in powers of ten ({POWER} {quote(wrong)})."
        raise SourceFormatError(f"{message} {remedy(cube)}")


def _said(rows: pd.DataFrame) -> "pd.Series[str]":
    """Write why a figure is missing in its place."""
    nothing = pd.Series("", index=rows.index)
    status = rows[STATUS] if STATUS in rows.columns else nothing
    confidential = rows[CONFIDENTIAL] if CONFIDENTIAL in rows.columns else nothing
    value = rows[VALUE].str.strip()
    blank = value.eq("")
    value = value.mask(blank, SECRET)
    value = value.mask((blank & status.isin(MISSING)) | status.eq(ELSEWHERE), UNPUBLISHED)
    return value.mask(~confidential.isin(FREE) | status.eq(SUPPRESSED), SECRET)


def _alone(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which rows are arrondissements of a commune that is not there."""
    cities = rows.loc[rows[LEVEL] == COMMUNE, GEO].unique()
    city = rows[GEO].map(ARRONDISSEMENTS)
    return city.notna() & ~city.isin(cities)


def _pivot(cube: Cube, rows: pd.DataFrame) -> pd.DataFrame:
    """Set one row by place, one column by year and cell; blank where there is no observation."""
    keys = [LEVEL, GEO, YEAR, *cube.vary]
    twice = rows[rows.duplicated(keys)]
    if len(twice):
        where = " ".join(str(code) for code in twice[keys].iloc[0])
        raise SourceFormatError(f"{cube.dataset}: two figures for {where}, where one is expected. {remedy(cube)}")
    wide = rows.set_index(keys)[VALUE].unstack([YEAR, *cube.vary])  # noqa: PD010 - keys are unique, nothing is summed
    return wide.where(wide.notna(), "").sort_index()


def _columns(cube: Cube, wide: pd.DataFrame) -> pd.DataFrame:
    years = sorted({str(column[0]) for column in wide.columns})
    there = {tuple(column[1:]) for column in wide.columns}
    absent = pd.Series("", index=wide.index)
    out = {}
    for name, ways in cube.columns.items():
        way = next((way for way in ways if {cell for _, cell in way} <= there), None)
        if way is None:
            lacking = quote("/".join(cell) for _, cell in ways[0] if cell not in there)
            message = f"{cube.dataset}: {'/'.join(cube.vary)} has no code {lacking}, which {name} is made of."
            raise SourceFormatError(f"{message} {remedy(cube)}")
        parts = [(sign, wide.get((year, *cell), absent)) for year in years for sign, cell in way]
        out[name] = parts[0][1] if len(parts) == 1 else _summed(cube, name, parts)
    frame = pd.DataFrame(out, index=wide.index)
    return frame.assign(annees=str(len(years))) if cube.years > 1 else frame


def _summed(cube: Cube, name: str, parts: list[tuple[int, "pd.Series[str]"]]) -> "pd.Series[str]":
    """Add figures; an unknown part makes the sum unknown, and a secret one makes it secret."""
    index = parts[0][1].index
    total = pd.Series(0.0, index=index)
    secret, unpublished = pd.Series(data=False, index=index), pd.Series(data=False, index=index)
    for sign, texts in parts:
        number = pd.to_numeric(texts, errors="coerce").astype("float64")
        wrong = texts[number.isna() & ~texts.isin(["", UNPUBLISHED, SECRET])]
        if len(wrong):
            message = f"{cube.dataset}: {name} is made of {quote(wrong)}, which is not a number ({quote(wrong.index)})."
            raise SourceFormatError(f"{message} {remedy(cube)}")
        total += sign * number
        secret |= texts == SECRET
        unpublished |= texts == UNPUBLISHED
    written = pd.Series(np.round(total.to_numpy(), DIGITS) + 0.0, index=index).astype("str")
    return written.mask(total.isna(), "").mask(unpublished, UNPUBLISHED).mask(secret, SECRET)


def _without_restored(cube: Cube, table: pd.DataFrame) -> pd.DataFrame:
    """
    Leave out re-established communes whose figures are still counted with the commune that contained them.

    Their absence is what tells the rest of the library that this commune is not split in the table.
    """
    elsewhere = (table[list(cube.columns)] == UNPUBLISHED).all(axis=1)
    return table[~(elsewhere & table.index.isin(list(_base.restored_codes())))]


def _references(cube: Cube, wide: pd.DataFrame) -> pd.DataFrame:
    france = next((code for code in cube.france if (FRANCE, code) in wide.index), "")
    places = wide.reset_index().rename(columns={GEO: "code"})
    places = places[(places[LEVEL] != FRANCE) | (places["code"] == france)].reset_index(drop=True)
    niveau = places.pop(LEVEL).map(REFERENCES)
    places["code"] = places["code"].mask(niveau == "FR", "FR")
    places.insert(0, "niveau", niveau)
    return places


def _places(cube: Cube, rows: pd.DataFrame) -> pd.DataFrame:
    """Give one row by commune and type; the producer writes no row where there is none."""
    kind = cube.leaves[-1]
    rows = rows[rows[LEVEL].isin([COMMUNE, ARRONDISSEMENT])].sort_values([GEO, kind])
    ids = rows[GEO] + "-" + rows[kind]
    twice = ids[ids.duplicated()]
    if len(twice):
        raise SourceFormatError(
            f"{cube.dataset}: two figures for {quote(twice)}, where one is expected. {remedy(cube)}"
        )
    named = {"id": ids, "code_equipement": rows[kind], "nombre": rows[VALUE], CODE_COMMUNE: rows[GEO]}
    return pd.DataFrame(named).reset_index(drop=True)
