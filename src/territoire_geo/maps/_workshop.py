"""What the workshop of the page needs: what is ranked, at full precision, the weights by college, the ranking."""

from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.composite import WORST
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._blob import Column
from territoire_geo.maps._ranked import TENS
from territoire_geo.maps._theme import Json
from territoire_geo.maps._typography import typeset

_DECIMALS: Final = {"score": 1, "rank": 0, "rank_low": 0, "rank_high": 0, "stability": 3}


def workshop_data(diagnostic: Diagnostic, core: pd.Index, lang: str, *, many: int) -> Json:
    """
    Write the ranking for a page that computes it again when weights move.

    Parameters
    ----------
    diagnostic
        What is drawn.
    core
        Codes of the communes of the core, in the order of the page.
    lang
        "fr" or "en".
    many
        Communes above which the page takes the shares that it prints, and has no score.

    Returns
    -------
    workshop_data
        `needs`, ids; `components`, by need, the unmet share of each commune [0-1], not rounded, NaN where unknown;
        `colleges`, name -> need -> weight, each of sum 1; `fraction`, the share of communes that are the worst;
        `table`, what the diagnostic found, by commune, NaN where it is not ranked; `remarks`, sentences.
    """
    ranking = diagnostic.ranking
    parts = ranking.components.reindex(core)
    table = ranking.table.reindex(core)
    return {
        "needs": [str(need) for need in parts],
        # Over a country the shares that the page prints stand in: each of their bits would weigh more than its map.
        "components": None if len(core) > many else {str(need): Column(parts[need], None) for need in parts},
        "colleges": {
            str(name): {str(need): float(weight) for need, weight in given.items()}
            for name, given in ranking.weights.items()
        },
        "fraction": WORST,
        "table": _table(table, country=len(core) > many),
        "remarks": [typeset(note.en if lang == "en" else note.fr, lang) for note in ranking.remarks],
    }


def _table(table: pd.DataFrame, *, country: bool) -> Json:
    """Write the ranks and how far they hold; over a country, no score, and intervals in tens of ranks, outwards."""
    if not country:
        return {"unit": 1, **{name: Column(table[name], decimals) for name, decimals in _DECIMALS.items()}}
    return {
        "unit": TENS,
        "score": Column(np.full(len(table), np.nan)),
        "rank": Column(table["rank"]),
        "rank_low": Column(np.floor(table["rank_low"] / TENS)),
        "rank_high": Column(np.ceil(table["rank_high"] / TENS)),
        "stability": Column(table["stability"], 2),
    }
