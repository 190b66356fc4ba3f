"""The tables of a comparison, flat, with names, as they are written to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NEED, NOM_COMMUNE
from territoire_geo.comparisons._causes import CAUSES, WORDS
from territoire_geo.comparisons._figures import definition
from territoire_geo.comparisons._pair import Pair

if TYPE_CHECKING:
    from territoire_geo.comparisons._record import Comparison


def changes_table(comparison: Comparison) -> pd.DataFrame:
    """
    Write what changed by commune and need as a flat table, all communes and needs of either.

    Parameters
    ----------
    comparison
        From `compare`.

    Returns
    -------
    changes_table
        code_commune, nom_commune, need, label, the columns of `Comparison.changes`, `changed` (bool), and `causes` in
        French words, "" where nothing changed.
    """
    pair = Pair(comparison.before, comparison.after)
    flat = comparison.changes.join(_words(comparison.causes))
    flat["changed"] = flat["causes"].notna()
    flat["causes"] = flat["causes"].fillna("")
    flat = flat.reset_index()
    flat.insert(1, NOM_COMMUNE, flat[CODE_COMMUNE].map(_names(pair)))
    flat.insert(3, "label", flat[NEED].map({name: need.label for name, need in pair.needs.items()}))
    return flat


def _words(causes: pd.DataFrame) -> pd.Series[str]:
    out = pd.Series("", index=causes.index, dtype="str", name="causes")
    words = {name: WORDS[name][0] for name in CAUSES} | {"unexplained": "cause inconnue"}
    for name, word in words.items():
        gap = pd.Series("", index=out.index, dtype="str").mask(out.ne(""), ", ")
        out = out.mask(causes[name], out + gap + word)
    return out


def _names(pair: Pair) -> pd.Series[str]:
    names = pd.concat([side.territory.communes[NOM_COMMUNE] for side in (pair.after, pair.before)])
    kept: pd.Series[str] = names[~names.index.duplicated()]
    return kept


def figures_table(comparison: Comparison) -> pd.DataFrame:
    """
    Write the figures that changed as a flat table.

    Parameters
    ----------
    comparison
        From `compare`.

    Returns
    -------
    figures_table
        code_commune, nom_commune, measure, label, unit and the columns of `Comparison.figures`.
    """
    pair = Pair(comparison.before, comparison.after)
    flat = comparison.figures.reset_index()
    flat.insert(1, NOM_COMMUNE, flat[CODE_COMMUNE].map(_names(pair)))
    known = {name: definition(pair, name) for name in flat["measure"].unique()}
    for place, word in enumerate(("label", "unit"), start=3):
        told = {name: getattr(measure, word, "") for name, measure in known.items()}
        flat.insert(place, word, flat["measure"].map(told).astype("str"))
    return flat


def why_table(comparison: Comparison) -> pd.DataFrame:
    """
    Write the reasons and the cautions of a comparison as a flat table.

    Parameters
    ----------
    comparison
        From `compare`.

    Returns
    -------
    why_table
        cause ("note" for a caution), fr, en.
    """
    rows = [(one.cause, one.fr, one.en) for one in comparison.why]
    rows += [("note", one.fr, one.en) for one in comparison.notes]
    return pd.DataFrame(rows, columns=["cause", "fr", "en"])
