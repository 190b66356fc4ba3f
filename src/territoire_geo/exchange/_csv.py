"""CSV in two dialects, for a French spreadsheet and for programs, and the way back."""

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd

from territoire_geo.errors import TerritoireGeoError
from territoire_geo.exchange._frames import NUMBER, TEXT, WHOLE, YES_NO, kind_of

# A spreadsheet runs a cell that begins like a formula; the full-width signs count too, and so does what hides them.
# A text that already begins with an apostrophe takes another, and an empty text takes one (an empty cell is unknown):
# removing one leading apostrophe always gives the text back.
FORMULA: Final = r"(?s)\s*[=+\-@＝＋－＠].*|[\t\r\n].*|'.*|"
DICTIONARY: Final = "dictionnaire"
BOM: Final = b"\xef\xbb\xbf"


def write_french(table: pd.DataFrame, path: Path, decimal: str) -> None:
    """
    Write a table for a French spreadsheet: `;`, UTF-8 with BOM, ten significant digits, oui or non.

    Parameters
    ----------
    table
        From `frames`.
    path
        The file.
    decimal
        "," or ".".
    """
    flat = harmless(table, ("oui", "non"))
    flat.to_csv(
        path,
        sep=";",
        decimal=decimal,
        encoding="utf-8-sig",
        index=False,
        float_format="%.10g",
        lineterminator="\r\n",
    )


def write_machine(table: pd.DataFrame, path: Path) -> None:
    """
    Write a table for programs: RFC 4180, UTF-8, decimal point, floats that come back exactly, true or false.

    Parameters
    ----------
    table
        From `frames`.
    path
        The file.
    """
    harmless(table, ("true", "false")).to_csv(path, encoding="utf-8", index=False, lineterminator="\r\n")


def harmless(table: pd.DataFrame, said: tuple[str, str]) -> pd.DataFrame:
    """
    Put an apostrophe before the texts that a spreadsheet would run, in a way that can be undone.

    Parameters
    ----------
    table
        From `frames`.
    said
        What true and false are written.

    Returns
    -------
    harmless
        Numbers as they are; unknown stays so.
    """
    out = table.copy()
    for column in out.columns:
        values = out[column]
        if kind_of(values) == YES_NO:
            out[column] = values.map({True: said[0], False: said[1]})
        elif kind_of(values) == TEXT:
            out[column] = _quoted(values)
    return out.set_axis(_quoted(pd.Series(out.columns.astype("str"))), axis="columns")


def read_table(path: str | PathLike[str]) -> pd.DataFrame:
    """
    Read back a CSV file that `write_tables` wrote, in either dialect.

    Parameters
    ----------
    path
        The file; `dictionnaire.csv`, which tells the type of each column, stands beside it.

    Returns
    -------
    read_table
        The table as it was: codes as text, the apostrophe before hostile texts removed, unknown as NaN, never mistaken
        for an empty text or for the text "NA". Numbers of a French file have ten significant digits.

    Raises
    ------
    TerritoireGeoError
        If the file or its dictionary is missing or is not one that was written here.
    """
    source = Path(path)
    table = _texts(source)
    if source.stem == DICTIONARY:
        return table.apply(_unquoted)
    types = _texts(source.with_name(f"{DICTIONARY}.csv")).apply(_unquoted)
    own = types[types["table"].eq(source.stem)].set_index("column")["type"]
    missing = [column for column in table.columns if column not in own.index]
    if missing:
        raise TerritoireGeoError(
            f"{source}: {', '.join(missing[:3])} is not in {DICTIONARY}.csv beside it. "
            "Write both again with write_tables, or read the file with pandas."
        )
    try:
        return pd.DataFrame({column: READERS[own[column]](table[column]) for column in table.columns})
    except ValueError as error:
        raise TerritoireGeoError(
            f"{source}: {error}. The file was changed: write it again with write_tables."
        ) from error


def _texts(path: Path) -> pd.DataFrame:
    try:
        with path.open("rb") as stream:
            french = stream.read(len(BOM)) == BOM
        table = pd.read_csv(
            path,
            sep=";" if french else ",",
            encoding="utf-8-sig" if french else "utf-8",
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            skip_blank_lines=False,
        )
    except (OSError, ValueError) as error:
        raise TerritoireGeoError(f"{path}: cannot be read ({error}). Write it again with write_tables.") from error
    return table.set_axis(_unquoted(pd.Series(table.columns)), axis="columns")


def _number(texts: pd.Series) -> pd.Series:
    # Through Python's float, which gives back exactly what was written.
    plain = texts.str.replace(",", ".", regex=False)
    return pd.Series([float(text) for text in plain.fillna("nan")], index=texts.index, dtype="float64")


def _whole(texts: pd.Series) -> pd.Series:
    if texts.isna().any():
        return pd.Series([pd.NA if pd.isna(text) else int(text) for text in texts], index=texts.index, dtype="Int64")
    return pd.Series([int(text) for text in texts], index=texts.index, dtype="int64")


def _yes_no(texts: pd.Series) -> pd.Series:
    told = texts.map({"oui": True, "true": True, "non": False, "false": False})
    return told.astype("boolean" if texts.isna().any() else "bool")


def _quoted(values: pd.Series) -> pd.Series:
    texts = values.astype("str")
    return texts.mask(texts.str.fullmatch(FORMULA).fillna(False), "'" + texts)  # noqa: FBT003 - unknown: not a formula


def _unquoted(values: pd.Series) -> pd.Series:
    return values.str.removeprefix("'")


READERS: Final[dict[str, Callable[[pd.Series], Any]]] = {
    TEXT: _unquoted,
    NUMBER: _number,
    WHOLE: _whole,
    YES_NO: _yes_no,
}
