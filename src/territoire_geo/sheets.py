"""The tables that are written beside the figures: priorities, proposals, comparison, the list of indicators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NOM_COMMUNE

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic

CLUSTERS: Final = {
    "high-high": "besoins forts entourés de besoins forts",
    "low-low": "besoins faibles entourés de besoins faibles",
    "high-low": "besoins forts entourés de besoins faibles",
    "low-high": "besoins faibles entourés de besoins forts",
    "not significant": "non distinct du hasard",
}
SAID: Final = {
    "above": "au-dessus",
    "below": "au-dessous",
    "not distinguishable": "non distinct du hasard",
    "same people": "même population",
    "no interval": "sans intervalle",
    "unknown": "inconnu",
}
ACTIONS: Final = {
    "strengthen": "renforcer",
    "ask": "interroger",
    "create": "étudier une création",
    "list": "compléter la liste des structures",
    "open": "ouvrir",
}


def priorities(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Write the ranking of the communes as a flat table, the most need first.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    priorities
        One row by commune of the core: the columns of `Diagnostic.priorities`, and the rank of each college when there
        are several; a commune that is not ranked comes last, its cells empty.
    """
    ranking = diagnostic.ranking
    table = ranking.table.assign(cluster=ranking.table["cluster"].map(CLUSTERS).astype("str"))
    if ranking.rankings.shape[1] > 1:
        table = table.join(ranking.rankings.add_prefix("rank_"))
    table.insert(0, NOM_COMMUNE, diagnostic.territory.communes[NOM_COMMUNE].reindex(table.index))
    return table.sort_values("rank", kind="stable").rename_axis(CODE_COMMUNE).reset_index()


def proposals(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Write the proposals as a flat table.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    proposals
        One row by proposal: need, action, communes (codes), people, low, high, structures (siret and kind), reason in
        French and in English.
    """
    labels = {need.id: need.label for need in diagnostic.needs}
    rows = [
        {
            "need": one.need,
            "label": labels.get(one.need, one.need),
            "action": ACTIONS[one.action],
            "communes": " ".join(one.communes),
            "people": one.people,
            "low": one.low,
            "high": one.high,
            "structures": ", ".join(f"{siret} {kind}" for siret, kind in one.structures),
            "reason": one.reason,
            "reason_en": one.reason_en,
        }
        for one in diagnostic.proposals
    ]
    columns = ["need", "label", "action", "communes", "people", "low", "high", "structures", "reason", "reason_en"]
    return pd.DataFrame(rows, columns=columns)


def comparison(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Write the territory beside its peers as a flat table.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    comparison
        One row by measure and perimeter: the columns of `Diagnostic.standings`, with the label and unit of the measure.
    """
    table = diagnostic.standings
    if table.empty:
        return pd.DataFrame(columns=["measure", "perimeter", *table.columns])
    flat = table.assign(said=table["said"].map(SAID).astype("str")).reset_index()
    known = diagnostic.definitions
    for place, name in enumerate(("label", "unit"), start=1):
        words = {id_: getattr(measure, name) for id_, measure in known.items()}
        flat.insert(place, f"measure_{name}", flat["measure"].map(words).astype("str"))
    return flat


def indicators(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Write the list of indicators, those that are computed and why the others are not.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    indicators
        One row by indicator: the columns of `Diagnostic.indicators`.
    """
    return diagnostic.indicators.rename_axis("id").reset_index()
