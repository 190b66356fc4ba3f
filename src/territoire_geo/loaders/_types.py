"""Text to types: the columns of a contract, its codes as text, its counts as numbers, absences kept apart."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from territoire_geo.cog import CODE_PATTERN, quote
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT, KIND, SIRET
from territoire_geo.contracts import Contract, counted
from territoire_geo.errors import TableError
from territoire_geo.loaders._read import SPACES, TOKENS, numbers

INVISIBLE: Final = "[\ufeff\u200b-\u200f\u2060\u00ad]"  # what two files put together, or a web page, leave in a cell
LEVEL_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {"COM": CODE_PATTERN, "EPCI": r"\d{9}", "DEP": r"\d{2}|2[AB]|9[78]\d", "REG": r"\d{2}|9[78]\d", "FR": "FR"}
)
TYPE: Final = "code_equipement"
# 14 digits, or an identifier of one's own; never a number of fewer digits, which has lost its zeros.
KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        SIRET: r"\d{14}|(?=.*[A-Za-z]).+",
        "code_bassin": r"[\w-]*\d[\w-]*",
        "code_metier": r"[\w-]*\d[\w-]*",
        TYPE: r"[\w.-]{1,20}",
    }
)


def typed(text: pd.DataFrame, contract: Contract, *, where: str) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """
    Type the columns of a contract; the others are left out, such as contacts.

    Parameters
    ----------
    text
        A table as it was read, its key in columns.
    contract
        What the table promises.
    where
        Name of the table, for the message.

    Returns
    -------
    tuple[pandas.DataFrame, pandas.Series]
        The table indexed by its key; and the `Absence` of figures when more is known than "not published".

    Raises
    ------
    TableError
        If a cell is not a number, or a key not a code.
    """
    frame = text.copy()
    for column in contract.key:
        frame[column] = _key(frame[column], column)
    _check_keys(frame, contract, where)
    frame = frame.set_index(list(contract.key))
    frame = frame[[column for column in frame.columns if not str(column).lower().startswith("unnamed")]]
    counts = counted(frame, contract)
    texts = [*contract.texts, *contract.optional_texts, *((CODE_COMMUNE, CODE_DEPARTEMENT) if contract.located else ())]
    kept = [column for column in frame.columns if column in {*counts, *texts}]
    frame, states = numbers(frame[kept], counts, where=where)
    for column in set(texts) & set(kept):
        frame[column] = frame[column].astype("str").str.strip()
    if CODE_COMMUNE in kept:  # a row that has no code may have coordinates, or an address
        frame[CODE_COMMUNE] = frame[CODE_COMMUNE].where(frame[CODE_COMMUNE].ne(""))
    if "post_code" in kept:
        frame["post_code"] = frame["post_code"].str.replace(r"^(\d{4})$", r"0\1", regex=True)  # a lost leading zero
    if {"lon", "lat"} <= set(kept):
        nowhere = frame["lon"].eq(0) & frame["lat"].eq(0)  # what a failed geocoding writes
        frame[["lon", "lat"]] = frame[["lon", "lat"]].mask(nowhere)
    return frame, states


def _key(cells: pd.Series, column: str) -> "pd.Series[str]":
    text = cells.astype("str").str.replace(INVISIBLE, "", regex=True).str.strip()
    if column == SIRET:
        text = text.str.replace(SPACES, "", regex=True)  # 339 659 336 00012
    return text.str.upper() if column in {KIND, "niveau"} else text


def _check_keys(frame: pd.DataFrame, contract: Contract, where: str) -> None:
    """Raise for a key, or a type, that no row can have; codes of communes and empty keys are told by the contract."""
    types = [TYPE] if TYPE in contract.texts and TYPE in frame.columns else []
    for column in (*contract.key, *types):
        # The name of the column is its header again; "s" may be an identifier of one's own.
        never = {column, *(mark for mark in TOKENS if column != "id" or not mark.isalpha())}
        never |= {mark.replace(" ", "") for mark in never}
        said = frame[column].dropna().astype("str")
        said = said[said.ne("") | (column == TYPE)]
        ill = said.str.strip().str.lower().isin(never) | said.str.startswith(("=", "'"))
        if column in KEYS:
            ill |= ~said.str.fullmatch(KEYS[column])
        if ill.any():
            what = f"{where}.{column}: {quote(said[ill].unique())} is not a code."
            raise TableError(f"{what} Read the column as text, correct it or remove the row.")
    if {"niveau", "code"} <= set(contract.key):
        _check_levels(frame, where)


def _check_levels(frame: pd.DataFrame, where: str) -> None:
    """Raise for a code that is not of its level: a row that nobody would look up."""
    for niveau, codes in frame.groupby("niveau")["code"]:
        shape = LEVEL_CODES.get(str(niveau))
        if shape is None:
            message = (
                f"{where}.niveau: {quote([niveau])} is none of {', '.join(LEVEL_CODES)}. Correct or remove these rows."
            )
            raise TableError(message)
        wrong = codes[~codes.str.fullmatch(shape).eq(True) & codes.ne("")]  # noqa: FBT003 - NaN is told by the contract
        if len(wrong):
            message = (
                f"{where}.code: {quote(wrong.unique())} is not a code of level {niveau} (a leading zero may be lost). "
                "Read the column as text and correct the file."
            )
            raise TableError(message)
