"""`load_minutes`: a table of minutes between communes, from a road engine."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.cog import check_codes, check_unique, quote
from territoire_geo.columns import DESTINATION, MINUTES, ORIGIN
from territoire_geo.errors import SourceFormatError, TableError
from territoire_geo.loaders._read import numbers, read_texts

MODE: Final = "mode"


def load_minutes(path: str | Path) -> dict[str, "pd.Series[float]"]:
    """
    Load minutes between communes from a CSV or parquet file [minutes].

    Parameters
    ----------
    path
        Columns `origin`, `destination` (commune codes) and `minutes`, and `mode` ("car" when absent). An empty cell
        is a pair out of reach.

    Returns
    -------
    load_minutes
        Mode -> Series indexed by (origin, destination), ready for `diagnose(travel=...)`.

    Raises
    ------
    SourceFormatError
        If the file is missing or damaged.
    TableError
        If a column is missing, a code malformed, a pair repeated, or minutes are negative or not numbers.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceFormatError(f"{file}: no such file. Give a CSV with columns origin, destination and minutes.")
    tables = list(read_texts(file))
    if len(tables) != 1:
        raise SourceFormatError(f"{file}: holds {len(tables)} tables. Give one CSV or parquet file.")
    name, raw = tables[0]
    if raw.empty:
        raise SourceFormatError(f"{file}: no row under the header. Fill or remove it.")
    missing = [column for column in (ORIGIN, DESTINATION, MINUTES) if column not in raw.columns]
    if missing:
        message = f"{file}: column {', '.join(missing)} is missing. The columns are origin, destination and minutes."
        raise TableError(message)
    for column in (ORIGIN, DESTINATION):
        raw[column] = raw[column].astype("str").str.strip()
        check_codes(pd.Index(raw[column]), where=f"{file.name}.{column}")
    modes = raw[MODE] if MODE in raw.columns else pd.Series("car", index=raw.index)
    if modes.isna().any() or modes.eq("").any():
        raise TableError(
            f"{file}: mode is empty on some rows. Write car, bike or walk on each, or leave out the column."
        )
    out = {}
    for mode, rows in raw.groupby(modes):
        keyed = rows.set_index([ORIGIN, DESTINATION])[[MINUTES]]
        check_unique(keyed.index, where=f"{file.name}, {mode}")
        minutes = numbers(keyed, [MINUTES], where=name)[0][MINUTES]
        wrong = minutes.index[minutes.lt(0) | np.isinf(minutes)]
        if len(wrong):
            message = f"{file}: the minutes of {quote(wrong)} are negative or infinite."
            raise TableError(f"{message} Correct them, or leave the cell empty when out of reach.")
        out[str(mode)] = minutes
    return out
