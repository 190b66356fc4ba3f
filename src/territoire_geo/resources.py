"""
Resources: the structures within reach of places, who depends on each, where they overlap and where there is none.

Counts stop where the list of structures stops; a statement of absence ("none", "the only one") also asks that the list
cover every commune within reach, or it is unknown. A structure whose place is unknown is within reach of nobody.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, diags_array, triu

from territoire_geo import reach, trades
from territoire_geo.activities import ANSWERING, GENERIC_NAF, codes, is_siae
from territoire_geo.columns import CODE_COMMUNE, KIND, KINDS, NEED, POPULATION, SIAE_KINDS, SIRET
from territoire_geo.measures import Inputs, Level, Need
from territoire_geo.reach import Trips, structure_reach
from territoire_geo.travel import STRUCTURE_MINUTES, communes_of

# Insertion employees per 1,000 jobseekers in France, end of 2014: Dares, L'insertion par l'activité économique en 2014.
BENCHMARK: Final = 26.0
COUNTED: Final = (*KINDS, "siae", "answering")
AT_LEAST: Final = 3  # structures beyond which choice is no longer counted


class Zone(StrEnum):
    """What is known of the structures that answer a need within reach of a place."""

    SERVED = "served"  # one is known to answer, or probably does
    TO_ASK = "to_ask"  # none is known to, but what some do is unknown: a phone call away
    UNLISTED = "unlisted"  # none is known to, and the list stops within reach
    WHITE = "white"  # none


def structures_within_reach(inputs: Inputs, needs: Sequence[Need]) -> pd.DataFrame:
    """
    Count the structures within reach of each commune, by kind and by answer to each need [structures].

    Within reach is within the need's reach by car, 30 minutes when its reach is not by car.

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    needs
        The needs.

    Returns
    -------
    structures_within_reach
        Indexed by (code_commune, need): one column per kind, `siae`, `answering` (declared, likely or probable) and
        `nearest_minutes` [minutes] of the nearest answering structure, NaN when none is within reach. NaN everywhere
        when no list of structures is loaded or none of its places is known, and where the list stops.
    """
    listed = reach.listed(inputs)
    trips = reach.trips(inputs, inputs.index, max(structure_reach(need) for need in needs))
    frames = {}
    for need in needs:
        near = trips.within(structure_reach(need))
        answers = near.to(reach.at(inputs, need, *ANSWERING)).nearest()["minutes"]
        frames[need.id] = _counts(inputs, need, near).assign(nearest_minutes=answers).where(listed, axis=0)
    return pd.concat(frames, names=[NEED, CODE_COMMUNE]).swaplevel().sort_index()


def _counts(inputs: Inputs, need: Need, trips: Trips) -> pd.DataFrame:
    """Count structures by place: by kind, the SIAE among them, and those that answer the need."""
    kind = pd.Index(KINDS).get_indexer(trips.structures.get_level_values(KIND))[trips.structure]
    named = kind >= 0  # a kind that the law does not name (OPCS) has no column of its own
    size = (len(trips.places), len(KINDS))
    cells = np.ravel_multi_index((trips.place[named], kind[named]), size)
    counts = np.bincount(cells, minlength=size[0] * size[1]).reshape(size)
    frame = pd.DataFrame(counts.astype("float64"), index=trips.places, columns=list(KINDS))
    answering = trips.to(reach.at(inputs, need, *ANSWERING)).count()
    return frame.assign(siae=frame[list(SIAE_KINDS)].sum(axis=1), answering=answering)


def within_minutes(inputs: Inputs, need: Need, *, thresholds: Sequence[float] = (10, 20, 30)) -> pd.DataFrame:
    """
    Count the structures within several travel times of each commune, by kind [structures].

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    need
        The need that `answering` is about.
    thresholds
        Limits [minutes], included, up to 30 or the need's reach by car if longer.

    Returns
    -------
    within_minutes
        One row per commune; columns (kind, minutes), the limits in increasing order; the kind is a kind, "siae" or
        "answering". NaN as in `structures_within_reach`.

    Raises
    ------
    ValueError
        If a threshold is not between 0 and the minutes that are measured.
    """
    widest = reach.measured(need)
    wrong = [limit for limit in thresholds if not 0 <= limit <= widest]
    if wrong:
        raise ValueError(f"thresholds: {wrong} not between 0 and {widest:g} minutes, beyond which trips are unknown.")
    trips = reach.trips(inputs, inputs.index, widest)
    counts = {limit: _counts(inputs, need, trips.within(limit)) for limit in sorted(set(thresholds))}
    columns = pd.MultiIndex.from_product([COUNTED, counts], names=[KIND, "minutes"])
    frame = pd.concat(counts, axis=1).swaplevel(axis=1).reindex(columns=columns)
    return frame.where(reach.listed(inputs), axis=0)


def nearest_structures(inputs: Inputs, need: Need) -> pd.DataFrame:
    """
    Find the nearest structure of each kind, and the nearest that answers a need [minutes].

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    need
        The need.

    Returns
    -------
    nearest_structures
        One row per commune: minutes by kind, to a SIAE (`siae`) and to an answering structure (`answering`), whose key
        is `siret` and `kind`; NaN with none within 30 minutes (or the need's reach by car), and as in
        `structures_within_reach`.
    """
    trips = reach.trips(inputs, inputs.index, reach.measured(need))
    kinds = trips.structures.get_level_values(KIND)
    frame = pd.DataFrame({kind: trips.to(np.asarray(kinds == kind)).nearest()["minutes"] for kind in KINDS})
    frame["siae"] = frame[list(SIAE_KINDS)].min(axis=1)
    answers = trips.to(reach.at(inputs, need, *ANSWERING)).nearest().rename(columns={"minutes": "answering"})
    frame = frame.join(answers[["answering", SIRET, KIND]])
    return frame.where(reach.listed(inputs), axis=0)


def people_within_reach(inputs: Inputs, need: Need, demand: pd.Series) -> pd.Series:
    """
    Sum the demand within reach of each structure [people].

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.
    need
        The need.
    demand
        People by commune; the unknown are left out.

    Returns
    -------
    people_within_reach
        One value per structure; NaN for a structure whose place is unknown, or that reaches unknown demand only.
    """
    demand = demand.sort_index()
    trips = reach.trips(inputs, demand.index, structure_reach(need))
    people = trips.sums(demand.to_numpy(dtype="float64")[trips.place])
    return pd.Series(people, index=trips.structures, name=f"people_{need.id}").where(reach.placed(inputs))


def loss_if_closed(inputs: Inputs, need: Need, demand: pd.Series) -> pd.DataFrame:
    """
    Measure what would be lost if each structure closed, the others staying as they are [people, minutes].

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    need
        The need; within reach is as in `structures_within_reach`.
    demand
        People by commune. The unknown, and those around whom the list stops within reach, are left out and counted.

    Returns
    -------
    loss_if_closed
        One row per structure: `left_without`, the people for whom it is the only one within reach that answers;
        `left_to_ask`, those of them who still have a structure whose activity is unknown; `further`, the people who
        would go further for another one, and `minutes_lost`, what it adds one way [people × minutes]; `unknown`, the
        places within reach that are left out. NaN for a structure that does not answer (nothing is lost) or may not
        (nobody knows), and as in `people_within_reach`.
    """
    limit = structure_reach(need)
    people = demand.where(reach.complete(inputs, demand.index, limit)).sort_index()
    trips = reach.trips(inputs, people.index, limit)
    answering = reach.at(inputs, need, *ANSWERING)
    near = trips.to(answering)
    amounts = people.to_numpy(dtype="float64")[near.place]
    single = near.count().to_numpy()[near.place] == 1
    to_ask = trips.to(reach.at(inputs, need, Level.UNKNOWN)).count().to_numpy()[near.place] > 0
    # The next trip is to the second nearest structure of the same place.
    longer = np.where(near.first & ~single, np.diff(near.minutes, append=np.nan), 0.0)
    losses = {
        "left_without": near.sums(amounts * single),
        "left_to_ask": near.sums(amounts * (single & to_ask)),
        "further": near.sums(amounts * (longer > 0)),
        "minutes_lost": near.sums(amounts * longer),
        "unknown": np.bincount(near.structure[np.isnan(amounts)], minlength=len(near.structures)),
    }
    frame = pd.DataFrame(losses, index=near.structures, dtype="float64")
    return frame.where(pd.Series(answering & reach.placed(inputs), index=frame.index), axis=0)


def overlaps(inputs: Inputs, need: Need, demand: pd.Series, *, n: int = 100) -> pd.DataFrame:
    """
    Find the structures that answer the same need for the same people [people].

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    need
        The need.
    demand
        People by commune; the unknown are left out.
    n
        How many pairs to give, those that share the most people.

    Returns
    -------
    overlaps
        Indexed by (siret, kind, other_siret, other_kind), the smaller key first, the most shared pairs first: `people`
        within reach of both, and `jaccard`, their share of the people within reach of one or the other [0-1].
    """
    known = demand.dropna().sort_index()
    trips = reach.trips(inputs, known.index, structure_reach(need)).to(reach.at(inputs, need, *ANSWERING))
    ordered, rank = trips.structures.sort_values(return_indexer=True)
    column = np.argsort(rank)[trips.structure]
    cells = (np.ones(len(column)), (trips.place, column))
    reached = coo_array(cells, shape=(len(known), len(ordered))).tocsr()
    shared = reached.T @ (diags_array(known.to_numpy(dtype="float64")) @ reached)
    whole, both = shared.diagonal(), triu(shared, k=1).tocoo()
    one, other = both.coords
    order = np.lexsort((other, one, -both.data))[: np.count_nonzero(both.data > 0)][:n]
    one, other, people = one[order], other[order], both.data[order]
    names = [SIRET, KIND, f"other_{SIRET}", f"other_{KIND}"]
    levels = [side.get_level_values(name) for side in (ordered[one], ordered[other]) for name in (SIRET, KIND)]
    jaccard = people / (whole[one] + whole[other] - people)
    return pd.DataFrame({"people": people, "jaccard": jaccard}, index=pd.MultiIndex.from_arrays(levels, names=names))


def white_zones(inputs: Inputs, need: Need, demand: pd.Series) -> pd.DataFrame:
    """
    Tell the communes that no structure known to answer a need is within reach of, and why [people, structures].

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    need
        The need.
    demand
        People by commune, NaN unknown.

    Returns
    -------
    white_zones
        Indexed like `demand`: `zone` (a `Zone`), `people`, and the structures within reach that answer (`answering`)
        or whose activity is unknown (`to_ask`), NaN where the list stops before any.
    """
    trips = reach.trips(inputs, demand.index, structure_reach(need))
    known, to_ask = (trips.to(reach.at(inputs, need, *levels)).count() for levels in (ANSWERING, (Level.UNKNOWN,)))
    complete = reach.complete(inputs, demand.index, structure_reach(need))
    zone = pd.Series(Zone.WHITE.value, index=demand.index, dtype="str").where(complete, Zone.UNLISTED.value)
    zone = zone.mask(to_ask > 0, Zone.TO_ASK.value).mask(known > 0, Zone.SERVED.value)
    counts = pd.DataFrame({"answering": known, "to_ask": to_ask}).mask(zone == Zone.UNLISTED.value)
    return pd.DataFrame({"zone": zone, "people": demand}).join(counts)


def multiplicity(inputs: Inputs, need: Need, demand: pd.Series) -> pd.DataFrame:
    """
    Sum the people by number of structures within reach that answer a need [people].

    Parameters
    ----------
    inputs
        Uses `structures`, their levels and the minutes by car.
    need
        The need.
    demand
        People by commune, NaN unknown.

    Returns
    -------
    multiplicity
        Rows "0", "1", "2", "3+" and "unknown" (fewer than three, but the list stops within reach): `people`, `places`
        (communes) and `unknown`, the places whose demand is unknown and left out; people are NaN when all are.
    """
    limit = structure_reach(need)
    found = reach.trips(inputs, demand.index, limit).to(reach.at(inputs, need, *ANSWERING)).count()
    classes = ("0", "1", "2", "3+", "unknown")
    told = reach.complete(inputs, demand.index, limit) | (found >= AT_LEAST)
    rank = found.clip(upper=AT_LEAST).where(told, len(classes) - 1).astype("int64")
    groups = demand.groupby(rank)
    frame = pd.DataFrame({"people": groups.sum(min_count=1), "places": groups.size()}).reindex(range(len(classes)))
    frame["places"] = frame["places"].fillna(0)  # a class without places is a true zero
    frame["people"] = frame["people"].mask(frame["places"] == 0, 0.0)
    frame["unknown"] = frame["places"] - groups.count().reindex(frame.index, fill_value=0)
    return frame.set_axis(pd.Index(classes, name="structures"))


def diversity(inputs: Inputs) -> pd.DataFrame:
    """
    Count the trades of the SIAE within 30 minutes by car of each commune [NAF divisions, trades, SIAE].

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.

    Returns
    -------
    diversity
        One row per commune: `siae`; `unknown`, those among them whose code is absent or says nothing; `divisions`,
        distinct NAF divisions of the others; and by family of `trades.FAMILIES`, the distinct trades that answer it.
        Divisions and trades are at least that many when some are unknown, NaN when all are; NaN as in
        `structures_within_reach`.
    """
    table = reach.structures(inputs)
    naf = codes(table)
    told = ~naf.isin(GENERIC_NAF).to_numpy(dtype="bool")
    trips = reach.trips(inputs, inputs.index, STRUCTURE_MINUTES).to(is_siae(table).to_numpy(dtype="bool"))
    frame = pd.DataFrame({"siae": trips.count(), "unknown": trips.to(~told).count()})
    known = ~(frame["siae"].gt(0) & frame["siae"].eq(frame["unknown"]))
    frame["divisions"] = _distinct(trips.to(told), naf.map(trades.division)).where(known)
    for family in trades.FAMILIES:
        answers = naf.isin(trades.answering(family)).to_numpy(dtype="bool")
        frame[family] = _distinct(trips.to(answers), naf).where(known)
    return frame.where(reach.listed(inputs), axis=0)


def _distinct(trips: Trips, labels: "pd.Series[str]") -> "pd.Series[float]":
    """Count the distinct labels of the structures within reach of each place."""
    label, names = pd.factorize(labels)
    cells = np.unique(trips.place * max(len(names), 1) + label[trips.structure])
    found = np.bincount(cells // max(len(names), 1), minlength=len(trips.places))
    return pd.Series(found.astype("float64"), index=trips.places)


def equipment_rate(inputs: Inputs, jobseekers: pd.Series, perimeters: pd.Series) -> pd.DataFrame:
    """
    Compute the IAE equipment rate of perimeters: insertion posts per 1,000 jobseekers, a ratio of sums.

    Parameters
    ----------
    inputs
        Uses `structures`, with `postes` when known, and the population.
    jobseekers
        Jobseekers, or unemployed, by commune; NaN unknown.
    perimeters
        Code of the perimeter by commune, such as that of the EPCI.

    Returns
    -------
    equipment_rate
        By perimeter, over the communes whose jobseekers are known and that the list covers, which hold `known_share`
        of the population [0-1]: `jobseekers`, `siae`, `posts`; `posts_known`, the share of SIAE whose posts are known
        [0-1]; `posts_per_1000` jobseekers, NaN unless all posts are known, and `of_benchmark`, its ratio to
        `BENCHMARK`; `siae_per_1000`, structures per 1,000 jobseekers, which is another measure. NaN without a list.
    """
    seekers = jobseekers.reindex(perimeters.index)
    usable = seekers.notna() & reach.listed(inputs).reindex(perimeters.index, fill_value=False)
    where = perimeters.where(usable)
    people = inputs.territory.communes[POPULATION].reindex(perimeters.index)
    frame = pd.DataFrame(index=pd.Index(np.sort(perimeters.dropna().unique()), name=perimeters.name))
    frame["known_share"] = people.where(usable, 0.0).groupby(perimeters).sum() / people.groupby(perimeters).sum()
    frame["jobseekers"] = seekers.groupby(where).sum()
    siae = reach.structures(inputs)[is_siae(reach.structures(inputs))]
    posts = siae.get("postes", pd.Series(np.nan, index=siae.index))
    groups = posts.groupby(communes_of(siae, inputs.territory).map(where))
    count, known = (found.reindex(frame.index, fill_value=0) for found in (groups.size(), groups.count()))
    frame["siae"] = count.where(frame["jobseekers"].notna())
    frame["posts"] = groups.sum().reindex(frame.index, fill_value=0.0).where(known == frame["siae"])
    frame["posts_known"] = known / count.where(count > 0)
    thousands = frame["jobseekers"].where(frame["jobseekers"] > 0) / 1000
    rate = frame["posts"] / thousands
    return frame.assign(posts_per_1000=rate, of_benchmark=rate / BENCHMARK, siae_per_1000=frame["siae"] / thousands)
