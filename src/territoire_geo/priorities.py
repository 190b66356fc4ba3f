"""Priorities: where several needs add up, how far the ranking holds, where colleges differ, clusters and a typology."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.colleges import Agreement, disagreements, kendall_w, pairwise_agreement, rankings
from territoire_geo.columns import NEED
from territoire_geo.composite import (
    Stability,
    contributions,
    kept_in_worst,
    leave_one_out,
    left_out,
    normalise,
    rank,
    score,
    stability,
    turnover,
    worst,
)
from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.moran import Floor, blank, enough_permutations, floor, local_moran
from territoire_geo.neighbours import Neighbours, contiguity
from territoire_geo.tables import Note
from territoire_geo.typology import Typology, typology

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Agreement",
    "Floor",
    "Neighbours",
    "Ranking",
    "Stability",
    "Typology",
    "blank",
    "components",
    "contiguity",
    "contributions",
    "disagreements",
    "enough_permutations",
    "floor",
    "kendall_w",
    "kept_in_worst",
    "leave_one_out",
    "left_out",
    "local_moran",
    "normalise",
    "pairwise_agreement",
    "prioritise",
    "rank",
    "rankings",
    "score",
    "stability",
    "turnover",
    "typology",
    "worst",
]

PERMUTATIONS: Final = (9_999, 99_999)  # fewest, and most for the time that they take
ALPHA: Final = 0.05
CLASSED: Final = 12  # communes under which a typology says no more than their list


@dataclass(frozen=True)
class Ranking:
    """
    The communes ranked by several needs at once, and how far the ranking holds.

    Attributes
    ----------
    table
        Index code_commune: `score` (0 to 100, more for more need), `known_weight` (share of the weights whose need is
        known there), `rank` (1 for the most need), `rank_median`, `rank_low`, `rank_high` (5 to 95 % of the settings),
        `stability` (share of the settings in which the commune is in the worst fifth), `cluster` (local Moran of the
        score: "high-high", "low-low", "high-low", "low-high", "not significant"), `typology` (class number), and one
        column `part_<need>` by component, which add up to the score. NaN for a commune that is not ranked.
    components
        What is ranked: the unmet share of each need [0-1] by commune.
    weights
        By college, need -> weight, brought to sum 1.
    rankings
        The rank of each commune by college.
    agreement
        Kendall's W between colleges, None with a single one.
    disagreements
        The communes on which the colleges differ most, None with a single one.
    floor
        The smallest p-value that the permutations can give, and how many communes must reach it together.
    typology
        Classes of communes with their profile; None with fewer than `CLASSED` communes known.
    remarks
        What a reader must know of the above, in French and English.
    """

    table: pd.DataFrame
    components: pd.DataFrame
    weights: pd.DataFrame
    rankings: pd.DataFrame
    agreement: Agreement | None
    disagreements: pd.DataFrame | None
    floor: Floor
    typology: Typology | None
    remarks: tuple[Note, ...]


def components(covered: pd.DataFrame) -> pd.DataFrame:
    """
    Take the unmet share of each need as what is ranked [0-1].

    Parameters
    ----------
    covered
        Indexed by (code_commune, need): demand and unmet_people [people].

    Returns
    -------
    components
        A row by commune, a column by need in the order of `covered`; NaN unknown, 0 where nobody is concerned.
    """
    share = covered["unmet_people"] / covered["demand"].where(covered["demand"] > 0)
    nobody = covered["demand"].eq(0) & covered["unmet_people"].eq(0)
    needs = dict.fromkeys(covered.index.get_level_values(NEED))
    told = share.mask(nobody, 0.0)
    return pd.DataFrame({need: told.xs(need, level=NEED) for need in needs})


def prioritise(
    covered: pd.DataFrame,
    colleges: Mapping[str, Mapping[str, float]],
    neighbours: Neighbours,
    *,
    labels: Mapping[str, tuple[str, str]] = MappingProxyType({}),
    seed: int = 0,
) -> Ranking:
    """
    Rank communes by their needs, with the visible components, the weights given and what the ranking depends on.

    Parameters
    ----------
    covered
        Indexed by (code_commune, need): demand and unmet_people [people].
    colleges
        College of stakeholders -> need -> weight; several are averaged, each counting for one.
    neighbours
        Which communes touch.
    labels
        Name of each need in French and in English, for the remarks; its id stands in.
    seed
        Of the draws.

    Returns
    -------
    prioritise
        The ranking: the same call gives the same result.
    """
    parts = components(covered)
    weights = pd.DataFrame({name: pd.Series(given, dtype="float64") for name, given in colleges.items()})
    weights = weights / weights.max()  # a sum of huge weights would overflow
    weights = (weights.reindex(parts.columns) / weights.sum()).where(lambda frame: frame.notna(), 0.0)
    central = weights.mean(axis=1)
    if not _rankable(parts, central):
        return _nothing(parts, weights)
    found = score(parts, central)
    held = stability(parts, central, seed=seed)
    clusters, lowest, said = _clusters(found["score"], neighbours, seed)
    classes = typology(parts) if parts.dropna().shape[0] >= CLASSED else None
    table = held.places.join(found)[
        ["score", "known_weight", "rank", "rank_median", "rank_low", "rank_high", "stability"]
    ]
    table = table.assign(cluster=clusters, typology=np.nan if classes is None else classes.labels)
    by_college = rankings(parts, {str(name): weights[name] for name in weights})
    several = weights.shape[1] > 1
    return Ranking(
        table=table.join(contributions(parts, central).add_prefix("part_")),
        components=parts,
        weights=weights,
        rankings=by_college,
        agreement=kendall_w(by_college) if several else None,
        disagreements=disagreements(by_college) if several else None,
        floor=lowest,
        typology=classes,
        remarks=(*_unknown(held.left_out, labels), *said),
    )


def _rankable(parts: pd.DataFrame, weights: pd.Series) -> bool:
    return bool((parts.notna().any() & weights.gt(0)).any())


def _nothing(parts: pd.DataFrame, weights: pd.DataFrame) -> Ranking:
    numbers = ["score", "known_weight", "rank", "rank_median", "rank_low", "rank_high", "stability"]
    table = pd.DataFrame(np.nan, index=parts.index, columns=numbers)
    table = table.assign(cluster=pd.Series(np.nan, index=parts.index, dtype="str"), typology=np.nan)
    fr = "Priorités : aucun besoin pondéré n'est connu, les communes ne peuvent être classées."
    en = "Priorities: no need with a weight is known, the communes cannot be ranked."
    nobody = pd.DataFrame(np.nan, index=parts.index, columns=weights.columns)
    note = Note(TerritoireGeoWarning, fr, en)
    return Ranking(table, parts, weights, nobody, None, None, floor(0, PERMUTATIONS[0], ALPHA), None, (note,))


def _clusters(values: pd.Series, neighbours: Neighbours, seed: int) -> tuple[pd.Series, Floor, list[Note]]:
    known = values.dropna()
    graph = neighbours.restricted(known.index)
    fewest, most = PERMUTATIONS
    # As many as one commune alone needs to pass the correction, within what a diagnostic can wait for.
    permutations = min(max(fewest, enough_permutations(max(len(known), 1), alpha=ALPHA)), most)
    found = local_moran(known, graph, permutations=permutations, seed=seed, alpha=ALPHA)
    tested = int(found["p_value"].notna().sum())
    lowest = floor(tested, permutations, ALPHA)
    said = []
    if not tested:
        fr = "Groupes de communes : rien à tester (une seule commune, des communes isolées, ou des scores égaux)."
        en = "Clusters: nothing to test (one commune only, isolated communes, or equal scores)."
        said.append(Note(TerritoireGeoWarning, fr, en))
    elif blank(found):
        fr = (
            f"Groupes de communes : aucun ne se distingue du hasard ({tested} communes testées, {permutations} "
            "permutations, correction de Benjamini-Hochberg à 5 %). Une carte vide est un résultat."
        )
        en = (
            f"Clusters: none can be told from chance ({tested} communes tested, {permutations} permutations, "
            "Benjamini-Hochberg at 5%). A blank map is a result."
        )
        said.append(Note(TerritoireGeoWarning, fr, en))
    return found["cluster"].reindex(values.index), lowest, said


def _unknown(needs: tuple[str, ...], labels: Mapping[str, tuple[str, str]]) -> list[Note]:
    if not needs:
        return []
    fr, en = (", ".join(labels.get(need, (need, need))[side] for need in needs) for side in (0, 1))
    some = len(needs) > 1
    fr = f"Priorités : {'besoins inconnus' if some else 'besoin inconnu'} partout, hors du classement : {fr} ; les "
    fr += "autres poids gardent leurs proportions."
    en = f"Priorities: known nowhere, so left out of the ranking: {en}; the other weights keep their proportions."
    return [Note(TerritoireGeoWarning, fr, en)]
