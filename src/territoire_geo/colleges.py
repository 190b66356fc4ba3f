"""Rank places for several colleges of stakeholders, measure how far they agree, and find where they do not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from territoire_geo import composite
from territoire_geo.pairs import check_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from territoire_geo.composite import Aggregation, ByComponent, Normalisation


@dataclass(frozen=True)
class Agreement:
    """
    How far several judges rank the same places alike.

    `w` is Kendall's W, corrected for ties: 0 none, 1 the same rankings; NaN when there is nothing to order. `chi2` and
    `p_value` test that the judges rank at random: a small p says that they do not, not that they agree much. `judges`
    and `places` count those compared, `left_out` the places that some judge does not rank.
    """

    w: float
    chi2: float
    p_value: float
    judges: int
    places: int
    left_out: int


def rankings(
    components: pd.DataFrame,
    colleges: Mapping[str, ByComponent],
    *,
    normalisation: Normalisation = "rank",
    aggregation: Aggregation = "arithmetic",
    reference: ByComponent | None = None,
) -> pd.DataFrame:
    """
    Rank the places with the weights of each college, 1 for the most need.

    Parameters
    ----------
    components
        As in `composite.score`.
    colleges
        Name of the college -> its weights by component.
    normalisation, aggregation, reference
        As in `composite.score`.

    Returns
    -------
    rankings
        By place, one column per college: `composite.rank`, NaN where what weighs for that college is not known enough.

    Raises
    ------
    ValueError
        As in `composite.score`, with the name of the college; or there is no college.

    Examples
    --------
    >>> needs = pd.DataFrame({"cars": [0.1, 0.2, 0.4], "care": [0.5, 0.3, 0.0]}, index=list("abc"))
    >>> rankings(needs, {"CAF": {"care": 1}, "SIAE": {"cars": 2, "care": 1}})
       CAF  SIAE
    a  1.0   3.0
    b  2.0   2.0
    c  3.0   1.0
    """
    if not colleges:
        raise ValueError("colleges: none is given. Give the weights of one at least.")
    found = {}
    for name, weights in colleges.items():
        try:
            scores = composite.score(
                components, weights, normalisation=normalisation, aggregation=aggregation, reference=reference
            )
        except ValueError as error:
            raise ValueError(f"college {name!r}: {error}") from error
        found[name] = composite.rank(scores["score"])
    return pd.DataFrame(found, index=components.index)


def kendall_w(rankings: pd.DataFrame) -> Agreement:
    """
    Measure the agreement of several rankings by Kendall's W [0-1].

    W = 12·S / (m²(n³ − n) − m·Σ(t³ − t)): S the squared deviations of the sums of ranks, m the judges, n the places,
    t the sizes of the groups of ties. χ² = m(n − 1)W has n − 1 degrees of freedom.

    Parameters
    ----------
    rankings
        Places × judges, from `rankings`: only the order counts; NaN not ranked.

    Returns
    -------
    kendall_w
        Over the places that every judge ranks; NaN with fewer than two of them, or when every judge ties them all.

    Raises
    ------
    ValueError
        If there are fewer than two judges, or a place stands twice.

    References
    ----------
    .. [1] Kendall and Babington Smith 1939, The problem of m rankings, doi:10.1214/aoms/1177732186.
    """
    ranks = _common(rankings)
    places, judges = ranks.shape
    sums = ranks.sum(axis=1)
    spread = 12 * float(np.square(sums - judges * (places + 1) / 2).sum())
    sizes = [np.unique(column, return_counts=True)[1].astype(np.float64) for column in ranks.T]
    ties = sum(float((size**3 - size).sum()) for size in sizes)
    most = judges * (judges * (float(places) ** 3 - places) - ties)
    w = spread / most if most > 0 else float("nan")
    statistic = judges * (places - 1) * w
    p_value = float(chdtrc(places - 1, statistic)) if most > 0 else float("nan")
    return Agreement(w, statistic, p_value, judges, places, len(rankings) - places)


def _common(rankings: pd.DataFrame) -> NDArray[np.float64]:
    """Rank anew, ties at their mean rank, the places that every judge ranks."""
    check_ids(rankings.index, "rankings")
    check_ids(rankings.columns, "rankings.columns")
    if rankings.shape[1] < 2:  # noqa: PLR2004 - it takes two to agree
        raise ValueError(f"rankings: {rankings.shape[1]} judge. Give two or more to compare.")
    ranks: NDArray[np.float64] = rankings.dropna().rank(method="average").to_numpy(dtype=np.float64)
    return ranks


def pairwise_agreement(rankings: pd.DataFrame) -> pd.DataFrame:
    """
    Measure the agreement of each pair of rankings by Spearman's rank correlation [-1, 1].

    Parameters
    ----------
    rankings
        As in `kendall_w`, with the same errors.

    Returns
    -------
    pairwise_agreement
        Judges × judges, over the places that every judge ranks: 1 the same order, -1 the opposite; NaN for a judge
        that ties all the places. Without ties, the mean over the pairs is (m·W − 1)/(m − 1).
    """
    ranks = _common(rankings)
    away = ranks - (len(ranks) + 1) / 2
    length = np.sqrt(np.square(away).sum(axis=0))
    size = np.outer(length, length)
    rho = np.divide(away.T @ away, size, out=np.full(size.shape, np.nan), where=size > 0)
    return pd.DataFrame(rho.clip(-1, 1), index=rankings.columns, columns=rankings.columns)


def disagreements(rankings: pd.DataFrame, n: int = 10) -> pd.DataFrame:
    """
    Find the places on which the judges disagree most: there the conversation starts.

    Parameters
    ----------
    rankings
        As in `kendall_w`, with the same errors.
    n
        Number of places at most.

    Returns
    -------
    disagreements
        By place, the largest range first, then the highest rank, then the id: `range` [ranks] from the highest to the
        lowest, `highest` and `lowest` (the judges, the first of the columns for ties), `highest_rank` and
        `lowest_rank` (1 is the most need). Only places that every judge ranks, and not those that all rank alike.
    """
    _common(rankings)
    ranked = rankings.dropna().sort_index()
    found = pd.DataFrame(
        {
            "range": ranked.max(axis=1) - ranked.min(axis=1),
            "highest": ranked.idxmin(axis=1),
            "highest_rank": ranked.min(axis=1),
            "lowest": ranked.idxmax(axis=1),
            "lowest_rank": ranked.max(axis=1),
        }
    )
    found = found[found["range"] > 0]
    return found.sort_values(["range", "highest_rank"], ascending=[False, True], kind="stable").head(n)
