"""Commune codes as producers write them, in a column that is not the key of its table."""

from typing import TYPE_CHECKING

from territoire_geo.cog import CODE_PATTERN

if TYPE_CHECKING:
    import pandas as pd


def texts(cells: "pd.Series") -> "pd.Series[str]":
    """
    Read cells as text, whatever the file was: parquet has numbers, dates and categories.

    Parameters
    ----------
    cells
        A column as published.

    Returns
    -------
    texts
        Without spaces around; blank where there is nothing.
    """
    return cells.astype("str").fillna("").str.strip()


def commune_codes(cells: "pd.Series[str]") -> "pd.Series[str]":
    """
    Read the commune codes of a column; what is not a code is left blank, the coordinates of its row tell its place.

    Parameters
    ----------
    cells
        Text, as published.

    Returns
    -------
    commune_codes
        Codes of 5 characters, a lost leading zero restored; blank where the cell holds none.

    Examples
    --------
    >>> import pandas as pd
    >>> commune_codes(pd.Series(["39198", " 1004 ", "2a004", "NULL", ""])).tolist()
    ['39198', '01004', '2A004', '', '']
    """
    text = cells.astype("str").str.strip().str.upper().str.replace(r"^(\d{4})$", r"0\1", regex=True)
    return text.where(text.str.fullmatch(CODE_PATTERN).eq(True), "")  # noqa: FBT003 - NaN is no code
