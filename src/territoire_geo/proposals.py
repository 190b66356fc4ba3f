"""Proposals: who lacks what, who could answer, where to open next, each with the figures that justify it."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo import access as engine
from territoire_geo import reach, sentences
from territoire_geo.activities import ANSWERING
from territoire_geo.cog import among
from territoire_geo.columns import NOM_COMMUNE
from territoire_geo.measures import Level
from territoire_geo.siting import Median, Siting, max_cover, p_median

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.measures import Inputs, Need
    from territoire_geo.neighbours import Neighbours

__all__ = ["Median", "Proposal", "Siting", "max_cover", "p_median", "propose"]

GROUPS: Final = 3  # groups of communes proposed by need, the largest first
SITES: Final = 3  # places where to open proposed by need
ANSWERS: Final = 5  # structures named in the evidence of a proposal
FEWEST: Final = 5.0  # people: under it a figure is printed "<5", and proposes nothing
WORTH: Final = 0.05  # share of the unmet people that a further place must reach to be proposed
ROUNDING: Final = 1e-9
TOLD_MINUTES: Final = 0.5  # a place is said to be nearer than the others by that much at least
_SURE: Final = {level.value: rank for rank, level in enumerate((*ANSWERING, Level.UNKNOWN))}


@dataclass(frozen=True)
class Proposal:
    """
    One thing that the figures suggest to discuss, never a decision.

    Attributes
    ----------
    need
        Id of the need.
    action
        "strengthen" (structures within reach answer the need), "ask" (only structures whose activity is not known are),
        "create" (no structure is within reach, or none answers), "list" (no list of structures says) or "open" (where
        a new supply point would have the most unmet people within reach).
    communes
        Codes: the group of neighbouring communes, or the place where to open.
    people, low, high
        People unmet in the group, with the low and high values of the sensitivity; or within reach of the new place.
    structures
        (siret, kind) of those that could answer, or should be asked, the surest and the nearest to people first.
    reason, reason_en
        The sentence, in French and in English; the names in it are the sources', to be escaped where they are drawn.
    evidence
        The figures of the sentence, JSON-ready.
    """

    need: str
    action: str
    communes: tuple[str, ...]
    people: float
    low: float
    high: float
    structures: tuple[tuple[str, str], ...]
    reason: str
    reason_en: str
    evidence: Mapping[str, object]


def propose(
    need: Need, inputs: Inputs, covered: pd.DataFrame, neighbours: Neighbours, *, settings: pd.DataFrame
) -> list[Proposal]:
    """
    Propose where a need deserves to be discussed, with whom, and where a new place would be near the most people.

    Parameters
    ----------
    need
        The need.
    inputs
        Uses `structures`, their levels, the minutes by car and the names of the communes.
    covered
        By commune of the core: demand, unmet_people, saturated, out_of_reach [people] and known_share.
    neighbours
        Which communes touch.
    settings
        Unmet people by commune, a column by setting of the sensitivity: a group's low and high are its smallest and
        largest sums, never sums of extremes.

    Returns
    -------
    propose
        At most `GROUPS` groups of neighbouring communes whose unmet share is at least that of the core, then at most
        `SITES` places; none under `FEWEST` people. A commune whose figures are unknown is in none.
    """
    trips = reach.trips(inputs, covered.index, reach.structure_reach(need))
    trips = trips.to(reach.at(inputs, need, *ANSWERING, Level.UNKNOWN))
    around = _Around.of(need, inputs, covered.index, trips)
    found = _groups(covered, neighbours)
    groups = [_group(need, inputs, _Gap.of(covered.loc[codes], settings.loc[codes]), around) for codes in found]
    return [*groups, *_sites(need, inputs, covered)]


@dataclass(frozen=True)
class _Gap:
    """What a group of communes lacks, the commune that lacks most first."""

    frame: pd.DataFrame
    low: float
    high: float

    @classmethod
    def of(cls, frame: pd.DataFrame, settings: pd.DataFrame) -> _Gap:
        ordered = frame.sort_values("unmet_people", ascending=False, kind="stable")
        # The same communes in every sum: one that a setting leaves unknown keeps its central value.
        central = frame["unmet_people"].to_numpy()[:, np.newaxis]
        sums = np.where(settings.notna(), settings, central).sum(axis=0)
        return cls(ordered, float(sums.min()), float(sums.max()))

    def figures(self) -> dict[str, float]:
        whole = {
            name: float(self.frame[name].sum()) for name in ("unmet_people", "demand", "saturated", "out_of_reach")
        }
        known = float((self.frame["known_share"] * self.frame["demand"]).sum() / whole["demand"])
        return {**whole, "low": self.low, "high": self.high, "known_share": known}


@dataclass(frozen=True)
class _Around:
    """What is known of the structures around: the trips to them, where their list is whole, those without a place."""

    trips: reach.Trips
    complete: pd.Series[bool]
    unplaced: int

    @classmethod
    def of(cls, need: Need, inputs: Inputs, codes: pd.Index, trips: reach.Trips) -> _Around:
        if inputs.tables.structures is None:
            return cls(trips, pd.Series(data=False, index=codes), 0)
        nowhere = ~reach.placed(inputs)
        answering = reach.at(inputs, need, *ANSWERING)
        whole = reach.complete(inputs, codes, reach.structure_reach(need))
        # Where a structure that answers, or may, has no place, the absence of structures is not known.
        lost = bool((reach.at(inputs, need, *ANSWERING, Level.UNKNOWN) & nowhere).any())
        return cls(trips, whole & (not lost), int((answering & nowhere).sum()))


def _groups(covered: pd.DataFrame, neighbours: Neighbours) -> list[pd.Index]:
    """Gather the neighbouring communes that lack more than the core does as a whole, the most people first."""
    known = covered[covered["unmet_people"].notna() & covered["demand"].gt(0)]
    whole = known["unmet_people"].sum() / known["demand"].sum() if len(known) else np.nan
    # At least as much as the core: where all lack alike, all are to be discussed.
    share = known["unmet_people"] / known["demand"]
    lacking = known[(share >= whole * (1 - ROUNDING)) & known["unmet_people"].gt(0)]
    if lacking.empty:
        return []
    labels = neighbours.labels(lacking.index)
    people = lacking["unmet_people"].groupby(labels).sum()
    largest = people[people >= FEWEST].sort_values(ascending=False, kind="stable").index[:GROUPS]
    return [labels.index[labels == label] for label in largest]


def _group(need: Need, inputs: Inputs, gap: _Gap, around: _Around) -> Proposal:
    codes = gap.frame.index
    answers = _answers(inputs, need, gap.frame["unmet_people"], around.trips)
    able = [one for one in answers if one["level"] in {level.value for level in ANSWERING}]
    named = (able or answers)[:ANSWERS]
    figures: dict[str, object] = {
        **gap.figures(),
        "names": inputs.territory.communes[NOM_COMMUNE].loc[codes[:3]].astype("str").tolist(),
        "communes": len(codes),
        "reach_minutes": reach.structure_reach(need),
        "answering": len(able),
        "to_ask": len(answers) - len(able),
        "structures": named,
        "unplaced": around.unplaced,
    }
    action = _action(able, answers, listed=bool(around.complete.loc[codes].all()))
    fr, en = sentences.group(need, action, figures)
    return Proposal(
        need=need.id,
        action=action,
        communes=tuple(map(str, codes)),
        people=float(gap.frame["unmet_people"].sum()),
        low=gap.low,
        high=gap.high,
        structures=tuple((str(one["siret"]), str(one["kind"])) for one in named),
        reason=fr,
        reason_en=en,
        evidence=MappingProxyType(figures),
    )


def _action(able: list[dict[str, object]], answers: list[dict[str, object]], *, listed: bool) -> str:
    if able:
        return "strengthen"
    if answers:
        return "ask"
    return "create" if listed else "list"


def _answers(inputs: Inputs, need: Need, unmet: pd.Series, trips: reach.Trips) -> list[dict[str, object]]:
    """List the structures within reach of the group: the surest first, then those near the most unmet people."""
    near = trips.kept(among(trips.places, unmet.index)[trips.place])
    if not len(near.place):
        return []
    amounts = unmet.reindex(near.places).to_numpy(dtype="float64")[near.place]
    people = np.bincount(near.structure, weights=amounts, minlength=len(near.structures))
    minutes = np.full(len(near.structures), np.inf)
    np.minimum.at(minutes, near.structure, near.minutes)
    rows = np.flatnonzero(np.isfinite(minutes))
    table = reach.structures(inputs).iloc[rows]
    levels = inputs.levels[need.id].reindex(table.index).tolist()
    sure = np.array([_SURE[level] for level in levels])
    order = np.lexsort((rows, minutes[rows], -people[rows], sure))
    keys, names = table.index.tolist(), table["name"].where(table["name"].notna(), "").tolist()
    return [
        {
            "siret": keys[place][0],
            "kind": keys[place][1],
            "name": str(names[place]),
            "level": levels[place],
            "minutes": float(minutes[rows[place]]),
            "people": float(people[rows[place]]),
        }
        for place in order
    ]


def _sites(need: Need, inputs: Inputs, covered: pd.DataFrame) -> list[Proposal]:
    """Find the communes of the core from which a new supply point would have the most unmet people within reach."""
    unmet = covered["unmet_people"].dropna()
    unmet = unmet[unmet > 0]
    total = float(unmet.sum())
    if not total >= FEWEST:
        return []
    core, limit = inputs.territory.core, reach.structure_reach(need)
    minutes = engine.between(inputs.travel["car"], origins=unmet.index, destinations=core)
    if not (minutes <= limit).any():
        return []
    siting = max_cover(unmet, minutes, min(SITES, len(core)), reach=limit)
    gains = siting.gains[siting.gains >= max(FEWEST, WORTH * total)]
    names = inputs.territory.communes[NOM_COMMUNE].astype("str")
    if len(gains) and gains.iloc[0] >= total * (1 - ROUNDING):
        return [_nearest_site(need, minutes, unmet, names)]
    out = []
    for rank, (site, gain) in enumerate(zip(gains.index.astype("str"), gains, strict=True), start=1):
        figures: dict[str, object] = {
            "name": names.loc[site],
            "gain": float(gain),
            "unmet_people": total,
            "rank": rank,
            "before": names.loc[gains.index[: rank - 1]].tolist(),
            "covered": float(gains.iloc[:rank].sum()),
            "bound": float(siting.bound),
            "places": len(siting.sites),
            "reach_minutes": limit,
        }
        out.append(_site(need, site, figures))
    return out


def _nearest_site(need: Need, minutes: pd.Series, unmet: pd.Series, names: pd.Series) -> Proposal:
    """Where everybody is within reach of several communes, the nearest on average is the one to discuss."""
    near = minutes[minutes <= reach.structure_reach(need)]
    people = unmet.reindex(near.index.get_level_values(0)).to_numpy()
    sums = pd.DataFrame({"people": people, "minutes": people * near.to_numpy()}, index=near.index.get_level_values(1))
    by_site = sums.groupby(level=0).sum()
    whole = by_site[by_site["people"] >= unmet.sum() * (1 - ROUNDING)]
    mean = (whole["minutes"] / whole["people"]).sort_index()
    site = str(mean.index[int(mean.to_numpy().argmin())])
    figures: dict[str, object] = {
        "name": names.loc[site],
        "gain": float(whole["people"].loc[site]),
        "unmet_people": float(unmet.sum()),
        "rank": 1,
        "mean_minutes": float(mean.loc[site]),
        "others": len(whole) - 1,
        "nearest": len(whole) > 1 and float(mean.drop(site).min() - mean.loc[site]) >= TOLD_MINUTES,
        "reach_minutes": reach.structure_reach(need),
    }
    return _site(need, site, figures)


def _site(need: Need, site: str, figures: dict[str, object]) -> Proposal:
    fr, en = sentences.site(need, figures)
    people = float(figures["gain"])  # type: ignore[arg-type] # a number, put there by the callers
    return Proposal(need.id, "open", (site,), people, np.nan, np.nan, (), fr, en, MappingProxyType(figures))
