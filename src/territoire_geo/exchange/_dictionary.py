"""The data dictionary: a line for each column that is written."""

from collections.abc import Mapping

import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._entries import COMMON, KINDS, LEVELS, NOT_RANKED, OWN, PEOPLE, UNKNOWN, Entry
from territoire_geo.exchange._frames import kind_of

COLUMNS = ["table", "column", "label", "label_en", "type", "unit", "empty", "values"]


def dictionary(diagnostic: Diagnostic, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """
    Describe every column of the tables.

    Parameters
    ----------
    diagnostic
        Whose needs and measures give their labels.
    tables
        From `frames`.

    Returns
    -------
    dictionary
        table, column, label (French), label_en, type, unit, empty (what an empty cell means), values (allowed, or an
        example); a column of the structures that came with a file of the reader's own is told as such.
    """
    rows = [
        (name, column, *entry[:2], kind_of(table[column]), *entry[2:])
        for name, table in tables.items()
        for column in table.columns
        for entry in [described(diagnostic, name, column) or _as_it_came(column)]
    ]
    out = pd.DataFrame(rows, columns=COLUMNS, dtype="str")
    return out.assign(**{column: out[column].replace("", None) for column in ("unit", "values")})


def described(diagnostic: Diagnostic, table: str, column: str) -> Entry | None:
    """
    Describe a column.

    Parameters
    ----------
    diagnostic
        Whose needs and measures give their labels.
    table
        Its table.
    column
        Its name.

    Returns
    -------
    described
        None when nothing is known of it.
    """
    fixed = OWN.get(f"{table}.{column}")
    return fixed or _patterned(diagnostic, table, column) or COMMON.get(column)


def _patterned(diagnostic: Diagnostic, table: str, column: str) -> Entry | None:
    if table == "mesures":
        return _measure(diagnostic, column)
    if table == "portee" and column in KINDS:
        return Entry(f"{column} à portée", f"{column} within reach", "structures", UNKNOWN, KINDS[column])
    head, _, rest = column.partition("_")
    if table == "priorites" and head == "rank" and rest in diagnostic.ranking.rankings.columns:
        return Entry(f"Rang selon : {rest}", f"Rank by: {rest}", "rang", NOT_RANKED)
    words = {need.id: (need.label, need.label_en) for need in diagnostic.needs}
    return _of_need(table, column, words)


def _of_need(table: str, column: str, words: Mapping[str, tuple[str, str]]) -> Entry | None:
    head, _, rest = column.partition("_")
    if table == "structures" and column in words:
        fr, en = words[column]
        return Entry(f"Répond au besoin : {fr}", f"Answers the need: {en}", "", UNKNOWN, LEVELS)
    fr, en = words.get(rest, ("", ""))
    if table == "structures" and head == "people" and fr:
        return Entry(f"Personnes à portée : {fr}", f"People within reach: {en}", PEOPLE, UNKNOWN)
    if table == "priorites" and head == "part" and fr:
        return Entry(f"Part du score : {fr}", f"Part of the score: {en}", "points de score", NOT_RANKED)
    return None


def _measure(diagnostic: Diagnostic, column: str) -> Entry | None:
    measure = diagnostic.definitions.get(column)
    return None if measure is None else Entry(measure.label, measure.label_en, measure.unit, UNKNOWN, measure.formula)


def _as_it_came(column: str) -> Entry:
    return Entry(column, column, "", UNKNOWN, "colonne du fichier d'origine, telle quelle")
