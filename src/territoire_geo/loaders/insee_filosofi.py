"""Insee, Filosofi by commune: median standard of living and poverty rate, one file by vintage."""

import re
from typing import Final

import pandas as pd

from territoire_geo.loaders._layout import Layout, Tidy, header_vintage, pick


def income_columns(columns: frozenset[str]) -> dict[str, str]:
    """
    Find the columns of income of a file, of its newest vintage.

    Parameters
    ----------
    columns
        Header of the file.

    Returns
    -------
    income_columns
        `niveau_vie_median` [EUR a year] and `taux_pauvrete` [%] -> published name; empty when there is no median.
    """
    years = {match[1] for column in columns if (match := re.fullmatch(r"MED(\d{2})", column))}
    if not years:
        return {}
    names = {"niveau_vie_median": f"MED{max(years)}", "taux_pauvrete": f"TP60{max(years)}"}
    return {tidy: published for tidy, published in names.items() if published in columns}


def _recognise(columns: frozenset[str]) -> bool:
    census = any(re.match(r"[PC]\d{2}_", column) for column in columns)  # the comparateur has a median too
    return "CODGEO" in columns and bool(income_columns(columns)) and not census


def _columns(columns: frozenset[str]) -> frozenset[str]:
    return frozenset({"CODGEO", *income_columns(columns).values()}) if _recognise(columns) else frozenset()


def _tidy(raw: pd.DataFrame) -> Tidy:
    return {"income": pick(raw, raw["CODGEO"].astype("str"), income_columns(frozenset(raw.columns)))}


LAYOUT: Final = Layout(
    "insee_filosofi",
    _recognise,
    _tidy,
    {"taux_pauvrete": 0.01},
    producer="Insee",
    title="Filosofi, revenus et pauvreté des ménages par commune",
    columns=_columns,
    vintage=header_vintage(r"MED(\d{2})", "Filosofi {}"),
)
LAYOUTS: Final = (LAYOUT,)
