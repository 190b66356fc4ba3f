"""Commuting: who works where they live, who comes in, and where the others go."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.cog import among
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import TableError
from territoire_geo.pairs import check_ids, first_three, floats

_Floats = NDArray[np.float64]
_Flags = NDArray[np.bool_]
_Places = NDArray[np.integer[Any]]

RESIDENCE: Final = "code_residence"
WORK: Final = "code_travail"
PEOPLE: Final = "actifs"
ABROAD: Final = "99"  # how the code of a place of work abroad begins
ENOUGH: Final = 0.75  # share of a territory's people whose flows must be known for a ratio to be told
# Communes where nobody has a job held 0.002 % of the active residents of 2018, 0.2 % in the département with the most.
LEAK: Final = 0.01


class Covers(StrEnum):
    """What a table of flows holds of its communes."""

    BOTH = "both"  # all who live there, and all who work there
    RESIDENCE = "residence"  # all who live there, wherever they work; not those who come in
    WORK = "work"  # all who work there, wherever they live; not those who go out


class Reason(StrEnum):
    """Why a ratio of flows is missing."""

    TOLD = ""
    ABSENT = "commune absente du tableau"
    UNKNOWN = "flux inconnus"
    CUT = "petits flux non publiés"
    NO_INBOUND = "flux entrants absents du tableau"
    NO_OUTBOUND = "flux sortants absents du tableau"
    NO_WORKER = "aucun actif occupé"
    NO_JOB = "aucun emploi"


@dataclass(frozen=True, eq=False)
class Flows:
    """
    Flows from home to work, checked once by `Flows.of`, and what they cover.

    Pairs stand in the order of (residence, work), as positions in `places`, with their employed people [NaN unknown].
    `communes` are those whose flows the table holds. `threshold` [people] is the least flow that is published: above
    0, a pair that is absent is unknown, and so is every total; at 0, an absent pair is nobody.
    """

    places: pd.Index
    home: _Places
    work: _Places
    people: _Floats
    communes: pd.Index
    covers: Covers
    threshold: float = 0.0

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        communes: pd.Index | None = None,
        *,
        covers: Covers | None = None,
        threshold: float = 0.0,
    ) -> Self:
        """
        Check a table of flows and find what it covers.

        Parameters
        ----------
        table
            Indexed by (code_residence, code_travail), each pair once, with a column actifs [employed people, NaN
            unknown]. A place of work abroad begins with 99; nobody who lives abroad is in Insee's file.
        communes
            Codes whose flows the table holds: those it was loaded for. It names others too, of which it tells only a
            part. None for all those that it describes, of a country or of the residents of a territory.
        covers
            What the table holds of them. None finds it: a place whose own flow is there is described, and more than 1 %
            of the people at a side that is not tells a table that follows its own people there, and no others. Flows
            cut at both ends, which only stay inside a territory, cannot be told from those of a country.
        threshold
            Least flow that the file publishes [people], such as 100; 0 for a complete file.

        Returns
        -------
        of
            The flows, ready for the functions of this module.

        Raises
        ------
        TableError
            If the index or the column is missing, a pair stands twice, a flow is negative or infinite, or the table
            stops around a territory that `communes` does not name.
        """
        places, home, work, people = _ordered(table)
        abroad = _abroad(places)
        found = (Covers.BOTH if threshold > 0 else None) if covers is None else covers
        found = _covered(home, work, people, abroad, named=communes is not None) if found is None else found
        if communes is None:
            ends = {Covers.RESIDENCE: (home,), Covers.WORK: (work,), Covers.BOTH: (home, work)}[found]
            communes = places[np.isin(np.arange(len(places)), np.concatenate(ends)) & ~abroad]
        check_ids(communes, "communes")
        return cls(places, home, work, people, communes.rename(CODE_COMMUNE), found, threshold)


def _ordered(table: pd.DataFrame) -> tuple[pd.Index, _Places, _Places, _Floats]:
    index = table.index
    if list(index.names) != [RESIDENCE, WORK] or not isinstance(index, pd.MultiIndex) or PEOPLE not in table.columns:
        raise TableError(f"flows: index it by ({RESIDENCE}, {WORK}), with a column {PEOPLE}; see `Tables.flows`.")
    people = floats(table[PEOPLE])
    wrong = (people < 0) | np.isinf(people) | (index.codes[0] < 0) | (index.codes[1] < 0)
    if wrong.any():
        raise TableError(f"flows.{PEOPLE}: {first_three(index[wrong])} is not a flow. Correct it, or leave it NaN.")
    places = index.levels[0].union(index.levels[1]).sort_values()
    home, work = (places.get_indexer(index.levels[side])[index.codes[side]] for side in (0, 1))
    key = home.astype(np.int64) * len(places) + work
    if not (np.diff(key) > 0).all():
        order = np.argsort(key, kind="stable")  # sums follow the codes, not the order given
        twice = order[1:][np.diff(key[order]) == 0]
        if twice.size:
            raise TableError(f"flows: duplicated pairs {first_three(index[twice])}. Sum them, or keep one.")
        home, work, people = home[order], work[order], people[order]
    return places, home, work, people


def _abroad(places: pd.Index) -> _Flags:
    return np.asarray(places.astype("str").str.startswith(ABROAD), dtype=np.bool_)


def _covered(home: _Places, work: _Places, people: _Floats, abroad: _Flags, *, named: bool) -> Covers:
    described = abroad.copy()  # a country abroad is nobody's table
    described[home[home == work]] = True
    known = np.where(np.isnan(people), 0.0, people)  # only the share on each side is sought
    comes, goes = (known[~described[end]].sum() > LEAK * known.sum() for end in (home, work))
    if comes and goes and not named:
        raise TableError(
            "flows: the table stops around a territory, and tells only a part of what lies around. "
            "Give `communes`, the codes it was loaded for, such as territory.communes.index."
        )
    if comes == goes:
        return Covers.BOTH
    return Covers.WORK if comes else Covers.RESIDENCE


@dataclass(frozen=True)
class _Side:
    """One end of the flows, commune by commune: who lives there, or who works there."""

    people: _Floats  # the sum of the known flows
    unknown: NDArray[np.intp]
    named: _Flags
    reason: NDArray[Any]

    @property
    def whole(self) -> _Flags:
        return np.asarray(self.reason == Reason.TOLD)


def _side(flows: Flows, communes: pd.Index, *, work: bool) -> _Side:
    ends, size = flows.work if work else flows.home, len(flows.places)
    unknown = np.isnan(flows.people)
    at = flows.places.get_indexer(communes)
    people = np.append(np.bincount(ends[~unknown], flows.people[~unknown], size), 0.0)[at]
    missing = np.append(np.bincount(ends[unknown], minlength=size), 0)[at]
    # A commune whose residents are not in the table is not described, even when some of them work elsewhere in it.
    proof = flows.work if flows.covers is Covers.WORK else flows.home
    named = np.append(np.bincount(proof, minlength=size) > 0, [False])[at] & among(communes, flows.communes)
    lacking = (Covers.RESIDENCE, Reason.NO_INBOUND) if work else (Covers.WORK, Reason.NO_OUTBOUND)
    cases = {
        lacking[1]: np.full(len(at), flows.covers is lacking[0]),
        Reason.ABSENT: ~named,
        Reason.CUT: np.full(len(at), flows.threshold > 0),
        Reason.UNKNOWN: missing > 0,
    }
    reason = np.select(list(cases.values()), [case.value for case in cases], Reason.TOLD.value)
    return _Side(people, missing, named, reason)


def self_containment(flows: Flows) -> pd.DataFrame:
    """
    Measure by commune who works where they live, and who comes and goes.

    Parameters
    ----------
    flows
        Flows, from `Flows.of`.

    Returns
    -------
    self_containment
        By commune of `flows.communes`: `residents_working` Σ_j f_ij (abroad included), `jobs_held` Σ_i f_ij, `inside`
        f_ii [people]; `residence_self_containment` f_ii/Σ_j f_ij and `workplace_self_containment` f_jj/Σ_i f_ij [0-1];
        `net_inflow`, jobs held less residents working [people]; `unknown_out` and `unknown_in`, numbers of unknown
        flows; `reason_residence` and `reason_workplace`, a `Reason`, "" for a ratio that is told. One unknown flow
        makes the total of its commune unknown, not those of others; a total that the table does not hold is NaN.
    """
    communes = flows.communes
    home, work = (_side(flows, communes, work=side) for side in (False, True))
    own = flows.home == flows.work
    inside = np.full(len(flows.places) + 1, np.nan if flows.threshold > 0 else 0.0)
    inside[flows.home[own]] = flows.people[own]
    stay = np.where(home.named, inside[flows.places.get_indexer(communes)], np.nan)
    living, working = (np.where(side.whole, side.people, np.nan) for side in (home, work))
    return pd.DataFrame(
        {
            "residents_working": living,
            "jobs_held": working,
            "inside": stay,
            "residence_self_containment": stay / np.where(living > 0, living, np.nan),
            "workplace_self_containment": stay / np.where(working > 0, working, np.nan),
            "net_inflow": working - living,
            "unknown_out": home.unknown,
            "unknown_in": work.unknown,
            "reason_residence": np.where(living == 0, Reason.NO_WORKER.value, home.reason),
            "reason_workplace": np.where(working == 0, Reason.NO_JOB.value, work.reason),
        },
        index=communes,
    ).astype({"reason_residence": "str", "reason_workplace": "str"})


@dataclass(frozen=True)
class Containment:
    """
    The commuting of a territory taken as one block [people, shares in 0-1, NaN where it cannot be told].

    Counts are sums of the known flows, the least there can be when `unknown_flows` is not 0: `inside` live and work in
    the territory, `leaving` and `entering` cross its border, `net_inflow` is the jobs held less the residents working,
    NaN when a crossing flow is unknown. Ratios are taken on the communes whose flows are all known: `known_residence`
    and `known_workplace` are the shares of the people who live, and who work, in those.
    """

    residents_working: float
    jobs_held: float
    inside: float
    leaving: float
    entering: float
    net_inflow: float
    unknown_flows: int
    residence_self_containment: float
    workplace_self_containment: float
    known_residence: float
    known_workplace: float
    reason_residence: Reason
    reason_workplace: Reason


def of_territory(flows: Flows, codes: pd.Index) -> Containment:
    """
    Measure how far the people of a territory work in it, and its jobs are held by them.

    Ratios are Σ f_ij over i and j of the territory, by Σ f_ij over i of it (residence), or over j of it (workplace).

    Parameters
    ----------
    flows
        Flows, from `Flows.of`.
    codes
        Unique codes of the territory; one that is not among `flows.communes` is unknown.

    Returns
    -------
    of_territory
        A ratio is NaN when the communes known hold less than three quarters of the people, with the reason of most of
        the others; so are the counts of that side. A commune that the table does not describe weighs as the average.
    """
    check_ids(codes, "codes")
    held = among(flows.places, codes)
    home, work = held[flows.home], held[flows.work]
    known = ~np.isnan(flows.people)
    inside, leaving, entering = (
        float(flows.people[known & pairs].sum()) for pairs in (home & work, home & ~work, work & ~home)
    )
    living, working = (_block(flows, codes, home & work & known, work=side) for side in (False, True))
    crossing = (~known & (home != work)).any()
    leaving = leaving if living.told else np.nan
    entering = entering if working.told else np.nan
    inside = inside if living.told or working.told else np.nan
    return Containment(
        residents_working=inside + leaving,
        jobs_held=inside + entering,
        inside=inside,
        leaving=leaving,
        entering=entering,
        net_inflow=float("nan") if crossing else entering - leaving,
        unknown_flows=int((~known & (home | work)).sum()),
        residence_self_containment=living.contained,
        workplace_self_containment=working.contained,
        known_residence=living.known,
        known_workplace=working.known,
        reason_residence=living.reason,
        reason_workplace=working.reason,
    )


@dataclass(frozen=True)
class _Block:
    """One end of the flows of a territory: the share that stays, on the communes that are wholly known."""

    contained: float
    known: float
    reason: Reason

    @property
    def told(self) -> bool:
        return self.known >= ENOUGH


def _block(flows: Flows, codes: pd.Index, staying: _Flags, *, work: bool) -> _Block:
    side = _side(flows, codes, work=work)
    ends = (flows.work if work else flows.home)[staying]
    stay = np.append(np.bincount(ends, flows.people[staying], len(flows.places)), 0.0)[flows.places.get_indexer(codes)]
    total, known = side.people[side.whole].sum(), _share(side)
    if known < ENOUGH:
        reasons = pd.Series(side.reason[~side.whole]).mode()
        return _Block(float("nan"), known, Reason(reasons.iloc[0]) if len(codes) else Reason.ABSENT)
    if not total > 0:
        return _Block(float("nan"), known, Reason.NO_JOB if work else Reason.NO_WORKER)
    return _Block(float(stay[side.whole].sum() / total), known, Reason.TOLD)


def _share(side: _Side) -> float:
    if not side.whole.any():
        return 0.0
    people = np.where(side.named, side.people, side.people[side.named].mean())
    return float(people[side.whole].sum() / people.sum()) if people.sum() > 0 else float(side.whole.mean())


def main_destinations(flows: Flows, *, n: int = 3, own: bool = False) -> pd.DataFrame:
    """
    List where the residents of each commune mostly work.

    Parameters
    ----------
    flows
        Flows, from `Flows.of`.
    n
        How many places to keep.
    own
        Whether the commune itself counts among the destinations.

    Returns
    -------
    main_destinations
        Indexed by (code_residence, rank), rank 1 the largest, ties by code: `destination`, `people`, `share` [0-1] of
        all who live in the commune and work, wherever. The share is NaN when that total is unknown, and the ranks are
        those of the known flows: `unknown_flows` counts the others. A commune that nobody leaves has no row.

    Raises
    ------
    TableError
        If the table holds only those who work in its communes.
    ValueError
        If `n` is not 1 or more.
    """
    if flows.covers is Covers.WORK:
        raise TableError("main_destinations: the table holds only those who work in its communes. Use main_origins.")
    return _main(flows, n, own=own, work=False)


def main_origins(flows: Flows, *, n: int = 3, own: bool = False) -> pd.DataFrame:
    """
    List where those who work in each commune mostly come from.

    Parameters
    ----------
    flows, n, own
        As in `main_destinations`.

    Returns
    -------
    main_origins
        Indexed by (code_travail, rank): `origin`, `people`, `share` of all who work in the commune, `unknown_flows`.

    Raises
    ------
    TableError
        If the table holds only the residents of its communes.
    ValueError
        If `n` is not 1 or more.
    """
    if flows.covers is Covers.RESIDENCE:
        raise TableError("main_origins: the table holds only the residents of its communes. Load the flows both ways.")
    return _main(flows, n, own=own, work=True)


def _main(flows: Flows, n: int, *, own: bool, work: bool) -> pd.DataFrame:
    if n < 1:
        raise ValueError(f"n: {n} is not a number of places. Use 1 or more.")
    ends, others = (flows.work, flows.home) if work else (flows.home, flows.work)
    kept = (flows.people > 0) & among(flows.places, flows.communes)[ends]  # an unknown flow has no rank
    if not own:
        kept &= flows.home != flows.work
    ends, others, people = ends[kept], others[kept], flows.people[kept]
    order = np.lexsort((-people, ends))  # stable: of two equals, the smaller code stays first
    ends, others, people = ends[order], others[order], people[order]
    count = np.bincount(ends, minlength=len(flows.places))
    rank = np.arange(len(ends)) - (np.cumsum(count) - count)[ends] + 1
    first = rank <= n
    ends, others, people, rank = ends[first], others[first], people[first], rank[first]
    side = _side(flows, flows.places, work=work)
    total = np.where(side.whole & (side.people > 0), side.people, np.nan)
    names = [WORK if work else RESIDENCE, "rank"]
    return pd.DataFrame(
        {
            "origin" if work else "destination": flows.places[others].astype("str"),
            "people": people,
            "share": people / total[ends],
            "unknown_flows": side.unknown[ends],
        },
        index=pd.MultiIndex.from_arrays([flows.places[ends], rank], names=names),
    )
