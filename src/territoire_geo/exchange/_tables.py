"""Write a diagnostic as tables: CSV for a French spreadsheet and for programs, Excel, Parquet."""

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._csv import DICTIONARY, write_french, write_machine
from territoire_geo.exchange._dictionary import dictionary
from territoire_geo.exchange._drafts import drafts
from territoire_geo.exchange._frames import frames

FORMATS: Final = ("csv", "machine", "xlsx", "parquet")


def write_tables(
    diagnostic: Diagnostic,
    folder: str | PathLike[str],
    *,
    decimal: str = ",",
    formats: Sequence[str] = ("csv",),
) -> tuple[Path, ...]:
    """
    Write a diagnostic as tables, for a spreadsheet or for programs.

    `synthese` (one row per need), `couverture` (commune and need), `mesures` (commune), `structures`, `portee`
    (structures within reach), `inconnus` (what is missing, and why), `definitions` (label, unit, formula, sources,
    values), `priorites` (rank of the communes and how far it holds), `propositions`, `comparaison` (the territory
    beside its EPCI, département, region and France), `indicateurs` (the whole list: computed, or why not), `sources`,
    and `dictionnaire`, which describes every column of the others.

    "csv" opens in a French Excel with a double click: `;`, UTF-8 with BOM, decimal comma. "machine" is for programs, in
    `machine/`: `,`, UTF-8, decimal point, every digit. "xlsx" is one workbook, `diagnostic.xlsx`. "parquet" keeps the
    types, in `parquet/`. An unknown figure is an empty cell: `etat` says its state, and `a_afficher` how to quote a
    count of people ("<5" under five). In CSV, a text that begins like a formula or with an apostrophe, or that is
    empty, is preceded by an apostrophe. Numbers never are.

    CSV holds codes as they are, `01001`: a spreadsheet that opens the file directly shows 1001. The workbook keeps the
    zero.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    folder
        Where to write; made if needed, files of the same names are replaced.
    decimal
        Of "csv": "," or ".".
    formats
        Among "csv", "machine", "xlsx" and "parquet".

    Returns
    -------
    write_tables
        The paths of the files.

    Raises
    ------
    ValueError
        If `decimal` or a format is none of those.
    TerritoireGeoError
        If a file cannot be written.
    """
    if decimal not in {",", "."}:
        raise ValueError(f"decimal: {decimal!r} is not a decimal mark. Use ',' or '.'.")
    wanted = dict.fromkeys([formats] if isinstance(formats, str) else formats)
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        raise ValueError(f"formats: {unknown[0]!r} is not a format. Use some of {', '.join(FORMATS)}.")
    target = Path(folder)
    tables = frames(diagnostic)
    tables[DICTIONARY] = dictionary(diagnostic, tables)
    with drafts(target, target) as aside:
        written = [path for name in wanted for path in _written(name, diagnostic, tables, (aside, decimal))]
        for path in written:
            (target / path).parent.mkdir(exist_ok=True)
        return tuple((aside / path).replace(target / path) for path in written)


def _written(
    form: str, diagnostic: Diagnostic, tables: Mapping[str, pd.DataFrame], draft: tuple[Path, str]
) -> list[Path]:
    """Write the tables in one format under the draft folder; give the paths from it."""
    aside, decimal = draft
    if form == "xlsx":
        from territoire_geo.exchange._workbook import workbook  # noqa: PLC0415 - XlsxWriter only when it is asked for

        (aside / "diagnostic.xlsx").write_bytes(workbook(diagnostic, tables))
        return [Path("diagnostic.xlsx")]
    inside = Path() if form == "csv" else Path(form)
    (aside / inside).mkdir(exist_ok=True)
    paths = [inside / f"{name}.{'parquet' if form == 'parquet' else 'csv'}" for name in tables]
    for path, table in zip(paths, tables.values(), strict=True):
        if form == "csv":
            write_french(table, aside / path, decimal)
        elif form == "machine":
            write_machine(table, aside / path)
        else:
            table.to_parquet(aside / path, index=False)
    return paths
