"""Text to types: the columns of a contract, its codes as text, its counts as numbers, absences kept apart."""

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT, KIND
from territoire_geo.contracts import Contract, counted
from territoire_geo.loaders._read import numbers


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
        If a cell is not a number.
    """
    frame = text.copy()
    for column in contract.key:
        frame[column] = frame[column].astype("str").str.strip()
    if KIND in contract.key:
        frame[KIND] = frame[KIND].str.upper()
    frame = frame.set_index(list(contract.key))
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
