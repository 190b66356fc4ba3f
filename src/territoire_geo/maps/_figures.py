"""What the themes and the needs read of a diagnostic: columns by need, shares, reasons."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.columns import NEED
from territoire_geo.maps._blob import Column
from territoire_geo.maps._texts import ABSENCES
from territoire_geo.measures import Need

_FEW: Final = 50  # positions under which a list is as short as a column


def column(table: pd.DataFrame, name: str) -> pd.Series:
    """
    Read a column as numbers.

    Parameters
    ----------
    table
        A frame that may not have it.
    name
        Its name.

    Returns
    -------
    column
        NaN everywhere when the column is absent.
    """
    if name not in table:
        return pd.Series(float("nan"), index=table.index, name=name)
    return table[name].astype("float64")


def of_need(frame: pd.DataFrame, need: Need) -> pd.DataFrame:
    """
    Keep the rows of a need.

    Parameters
    ----------
    frame
        Indexed by need and something else.
    need
        The need.

    Returns
    -------
    of_need
        Its rows, without the level of the need.
    """
    if NEED not in frame.index.names:
        return frame.iloc[:0]
    return frame[frame.index.get_level_values(NEED) == need.id].droplevel(NEED)


def nobody(table: pd.DataFrame) -> "pd.Series[bool]":
    """
    Find where no one is concerned.

    Parameters
    ----------
    table
        Coverage of a need, by commune.

    Returns
    -------
    nobody
        True where the demand is known to be 0.
    """
    return column(table, "demand") == 0


def unmet_share(table: pd.DataFrame) -> pd.Series:
    """
    Divide the people whose need is not met by the demand [%].

    Parameters
    ----------
    table
        Coverage of a need, by commune.

    Returns
    -------
    unmet_share
        NaN where a count is unknown, or where there is no demand.
    """
    demand = column(table, "demand")
    return 100 * column(table, "unmet_people") / demand.where(demand > 0)


def reasons(
    absences: pd.Series, missing: pd.Index, order: pd.Index, items: tuple[str, ...], lang: str
) -> list[list[object]]:
    """
    Say why each missing commune is missing.

    Parameters
    ----------
    absences
        Reasons, indexed by commune and item.
    missing
        Codes of the communes without a figure.
    order
        Codes in the order of the page.
    items
        Measures or needs whose reasons hold, the first one first.
    lang
        "fr" or "en".

    Returns
    -------
    reasons
        Pairs of a reason and the positions it holds for.
    """
    words = ABSENCES[lang]
    said = pd.Series("", index=missing, dtype="str")
    for item in items:
        own = absences[absences.index.get_level_values(-1) == item].droplevel(-1)
        said = said.mask(said == "", own[~own.index.duplicated()].reindex(missing).fillna(""))
    positions = pd.Series(order.get_indexer(missing), index=missing)
    return [[_say(reason, words), packed(group.to_numpy())] for reason, group in positions.groupby(said.astype("str"))]


def packed(positions: NDArray[np.intp]) -> list[int] | Column:
    """
    Write positions, as a column in increasing order when they are many.

    Parameters
    ----------
    positions
        Whole numbers.

    Returns
    -------
    packed
        A list under `_FEW`.
    """
    return positions.tolist() if len(positions) < _FEW else Column(np.sort(positions))


def _say(reason: str, words: Mapping[str, str]) -> str:
    """Word a reason: a state alone, or the column and its state."""
    name, _, state = reason.rpartition(" : ")
    said = words.get(state, state)
    return f"{said} ({name})" if name else said
