"""
Commune codes: their shape, the arrondissements of Paris, Lyon and Marseille, and harmonising a table.

The *code officiel géographique* (COG, Insee) changes on 1 January of each year: communes merge, and a few are
re-established. A table of an older COG is brought to the current one with the former codes of each commune.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import CogYearError, TableError

COG_YEAR: Final = 2026
CODE_PATTERN: Final = r"(?:\d{2}|2[AB])\d{3}"
NAMED: Final = 3  # codes quoted in a message
LONGEST: Final = 60  # characters of a code that are quoted: a cell may hold a whole file

ARRONDISSEMENTS: Final[Mapping[str, str]] = {
    **{f"751{number:02d}": "75056" for number in range(1, 21)},
    **{f"6938{number}": "69123" for number in range(1, 10)},
    **{f"132{number:02d}": "13055" for number in range(1, 17)},
}


@dataclass(frozen=True)
class Harmonised:
    """
    A table brought to the current COG, and what it took.

    `table` is indexed by current `code_commune`. `merged` maps each former code to the commune that absorbed it.
    `split` names the communes whose figure still contains a commune re-established since: it stays where the
    producer put it, and the re-established commune stays unknown. `partial` names Paris, Lyon or Marseille when some
    of their arrondissements only are given: their figure is the sum of those.
    """

    table: pd.DataFrame
    merged: Mapping[str, str]
    split: tuple[str, ...]
    partial: tuple[str, ...] = ()


def quote(codes: Iterable[object]) -> str:
    """
    Quote the first three codes for a message.

    Parameters
    ----------
    codes
        Any identifiers.

    Returns
    -------
    quote
        For instance `'01001', '01002', '01004' and 12 more`.

    Examples
    --------
    >>> quote(["01001", "01002", "01004", "01005"])
    "'01001', '01002', '01004' and 1 more"
    """
    named = ["/".join(str(part) for part in code) if isinstance(code, tuple) else str(code) for code in codes]
    rest = len(named) - NAMED
    shown = ", ".join(repr(code if len(code) <= LONGEST else f"{code[:LONGEST]}...") for code in named[:NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown


def check_codes(codes: pd.Index, *, where: str) -> None:
    """
    Raise unless every code has the shape of a commune code: 5 characters, 2A and 2B included.

    Parameters
    ----------
    codes
        Commune codes, as text.
    where
        The table and column, for the message.

    Raises
    ------
    TableError
        If a code is not text, or not 5 characters; a lost leading zero is recognised and said.
    """
    texts = pd.Series(codes.astype("str"), index=range(len(codes)))
    wrong = texts[~texts.str.fullmatch(CODE_PATTERN)]
    if wrong.empty:
        return
    message = f"{where}: {quote(wrong)} is not a commune code (5 characters, such as '01001' or '2A004')."
    if wrong.str.fullmatch(r"\d{4}").all():
        meant = quote("0" + wrong)
        message += f" A leading zero was probably lost, as a spreadsheet does: {meant} was meant."
    raise TableError(message + " Read the column as text and correct the file.")


def among(codes: pd.Index, index: pd.Index) -> NDArray[np.bool_]:
    """
    Tell which codes belong to an index.

    The hash of the index serves again from call to call, which `Index.isin` does not allow.

    Parameters
    ----------
    codes
        Any codes.
    index
        Unique codes.

    Returns
    -------
    among
        One boolean per code.
    """
    return index.get_indexer(codes) >= 0


def departement(codes: pd.Index) -> pd.Index:
    """
    Read the département in commune codes: two characters, three overseas.

    Parameters
    ----------
    codes
        Commune codes, 5 characters.

    Returns
    -------
    departement
        One code per commune, in the same order.

    Examples
    --------
    >>> departement(pd.Index(["39198", "2A004", "97411"])).tolist()
    ['39', '2A', '974']
    """
    texts = codes.astype("str")
    overseas = texts.str.startswith(("97", "98"))
    return pd.Index(texts.str[:3].where(overseas, texts.str[:2]), name="code_departement")


def drop_counted_twice(table: pd.DataFrame) -> pd.DataFrame:
    """
    Drop the arrondissements of Paris, Lyon and Marseille when their commune is there too.

    Parameters
    ----------
    table
        Indexed by `code_commune`.

    Returns
    -------
    drop_counted_twice
        The table, each inhabitant counted once. Arrondissements without their commune are kept: `harmonise` sums them.
    """
    here = [code for code in ARRONDISSEMENTS if code in table.index and ARRONDISSEMENTS[code] in table.index]
    return table.drop(index=here)


def harmonise(
    table: pd.DataFrame,
    former: Mapping[str, str],
    current: pd.Index,
    *,
    restored: Mapping[str, str] | None = None,
    not_additive: Iterable[str] = (),
) -> Harmonised:
    """
    Bring a table of counts from an older COG to the current one [same units].

    Merged communes are summed, arrondissements of Paris, Lyon and Marseille too: the sum of each column is
    preserved. A sum with an unknown part is unknown. A split cannot be undone: the figure stays with the commune
    where the producer put it, which is flagged, and the re-established commune stays unknown.

    Parameters
    ----------
    table
        Counts indexed by unique `code_commune`.
    former
        Former code -> current code.
    current
        Every current code.
    restored
        Re-established commune -> the commune that contained it.
    not_additive
        Columns that are not counts (medians, rates): unknown for a commune made of several rows.

    Returns
    -------
    harmonise
        The table on current codes, sorted, with what was merged and what is split.

    Raises
    ------
    CogYearError
        If a code is neither current nor former: the message names the first three.
    TableError
        If a code has not the shape of one, stands twice, or a column is not numeric.
    """
    check_unique(table.index, where=CODE_COMMUNE)
    texts = table.columns.difference(table.select_dtypes("number").columns)
    if len(texts):
        raise TableError(f"{quote(texts)}: only counts can be harmonised. Leave out the columns that are not numbers.")
    table = drop_counted_twice(table.set_axis(table.index.astype("str")))
    codes = table.index.to_series()
    old = ~among(table.index, current)
    target = current_codes(table.index, former, current)
    moved = codes[old]
    # Only the rows of communes that merged are summed: the others are left as they were read.
    merging = target.isin(target[old])
    groups = table[merging].groupby(target[merging])
    merged = groups.sum(min_count=1).mask(table[merging].isna().groupby(target[merging]).any())
    medians = [column for column in not_additive if column in table.columns]
    # The median of a commune made of several rows, or of one arrondissement of a city, is not that of its parts.
    parts = pd.Series(table.index[merging].isin(list(ARRONDISSEMENTS)), index=table.index[merging])
    merged[medians] = merged[medians].mask((groups.size() > 1) | parts.groupby(target[merging]).any())
    out = pd.concat([table[~merging], merged]).rename_axis(CODE_COMMUNE) if len(moved) else table
    absent = {code: parent for code, parent in (restored or {}).items() if code not in table.index}
    split = tuple(sorted({parent for parent in absent.values() if parent in out.index}))
    done = dict(zip(moved, target[moved.index], strict=True))
    return Harmonised(out.rename_axis(CODE_COMMUNE).sort_index(), done, split, _partial(done))


def _partial(merged: Mapping[str, str]) -> tuple[str, ...]:
    """Name Paris, Lyon or Marseille when some of their arrondissements are given and others are not."""
    given = {ARRONDISSEMENTS[code] for code in merged if code in ARRONDISSEMENTS}
    lacking = {city for code, city in ARRONDISSEMENTS.items() if code not in merged}
    return tuple(sorted(given & lacking))


def current_codes(codes: pd.Index, former: Mapping[str, str], current: pd.Index) -> "pd.Series[str]":
    """
    Find the current commune of each code: itself, or the one that absorbed it.

    Parameters
    ----------
    codes
        Commune codes of any COG year, arrondissements included.
    former
        Former code -> current code.
    current
        Every current code.

    Returns
    -------
    current_codes
        One current code per code, indexed by the codes asked for.

    Raises
    ------
    CogYearError
        If a code is neither current nor former: the message names the first three.
    TableError
        If a code has not the shape of one.
    """
    target = codes.to_series()
    old = ~among(codes, current)
    target[old] = target[old].map({**former, **ARRONDISSEMENTS})
    lost = codes[target.isna()].unique()
    if len(lost):
        check_codes(lost, where=CODE_COMMUNE)
        message = (
            f"{quote(lost)}: no commune of COG {COG_YEAR} has or had this code. "
            "Check the column of codes, or remove these rows if they are not communes."
        )
        raise CogYearError(message)
    return target


def check_unique(codes: pd.Index, *, where: str) -> None:
    """
    Raise if a code stands twice.

    Parameters
    ----------
    codes
        Keys of a table.
    where
        The table and column, for the message.

    Raises
    ------
    TableError
        If a key is duplicated: the message names the first three.
    """
    twice = codes[codes.duplicated()].unique()
    if len(twice):
        message = f"{where}: {quote(twice)} stands on several rows. Keep one row per key, or sum the rows yourself."
        raise TableError(message)
