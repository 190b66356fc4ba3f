"""Siting: where to open p places, so that they reach the most people or are the nearest to all, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum
from numbers import Integral
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from territoire_geo.columns import DESTINATION
from territoire_geo.decays import positive
from territoire_geo.errors import TableError
from territoire_geo.medians import (
    ROUNDING,
    Choice,
    Network,
    greedy,
    improve,
    network,
    relax,
    settle,
    solve,
    worth,
)
from territoire_geo.pairs import amounts, between, check_ids, first_three, nearest, nearest_id, ordered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from territoire_geo.pairs import Trips

    Positions = NDArray[np.integer[Any]]

__all__ = ["Median", "Siting", "max_cover", "p_median"]

_QUICK: Final = 100  # rounds of the relaxation when a bound is all that is wanted
_LONG: Final = 500  # and when an optimum is to be proven
_FEW: Final = 2  # starts of the interchange before the exact solver: the greedy choice and the relaxation
_SOLVER: Final = "the exact solver, in the {:g} s allowed"


@dataclass(frozen=True, eq=False)
class Siting:
    """
    Places from which the most people are within reach.

    Attributes
    ----------
    sites
        Ids of the destinations to open, each the one that gains the most after those before it; at most p.
    gains
        People gained by each site after those before it, by id of site in the same order.
    covered
        People within reach of the sites.
    bound
        Proven upper bound: no p sites have more people within reach.
    gap
        (bound - covered) / bound: 0 when the optimum is proven, or when nobody can be reached.
    proven
        Whether the sites are proven optimal.
    out_of_reach
        People whom none of the candidates reaches.
    status
        What was proven, in a sentence.
    """

    sites: pd.Index[Any]
    gains: pd.Series[float]
    covered: float
    bound: float
    gap: float
    proven: bool
    out_of_reach: float
    status: str


@dataclass(frozen=True, eq=False)
class Median:
    """
    Places that make the trips of all the shortest.

    Attributes
    ----------
    sites
        Ids of the destinations to open, sorted; at most p.
    assigned
        Nearest site by id of origin, in the order of the demand; missing out of reach.
    cost
        Person-minutes: people × minutes to the nearest site, or × `beyond` out of reach.
    beyond
        Minutes counted to a person whom no site reaches.
    mean_minutes
        Minutes to the nearest site, a mean over the people within reach of one; NaN when there is nobody.
    covered
        People within reach of the sites.
    bound
        Person-minutes, proven lower bound: no p sites cost less.
    gap
        (cost - bound) / cost: 0 when the optimum is proven.
    proven
        Whether the sites are proven optimal.
    out_of_reach
        People whom none of the candidates reaches.
    status
        What was proven, in a sentence.
    """

    sites: pd.Index[Any]
    assigned: pd.Series[Any]
    cost: float
    beyond: float
    mean_minutes: float
    covered: float
    bound: float
    gap: float
    proven: bool
    out_of_reach: float
    status: str


def max_cover(  # noqa: PLR0913 - one call states the whole problem
    demand: pd.Series[float],
    minutes: pd.Series[float],
    p: int,
    *,
    reach: float,
    exact: bool = False,
    time_limit: float = 60.0,
) -> Siting:
    """
    Choose p places so that the most people are within reach of one [people]: the maximal covering location problem.

    Greedy by default: one site after the other, the one that gains the most people, and of two equals the smaller id.
    It reaches at least 1 - 1/e = 63 % of the optimum, and the bound tells how much less than the optimum at most.

    Parameters
    ----------
    demand
        People by id of origin, 0 or more: all of them, or the unmet ones.
    minutes
        Travel times by (origin, destination), each pair once, in any order; the destinations are the candidates.
    p
        Places to open, at most: those that would gain nobody are left out, and the status says it.
    reach
        Longest trip [minutes], included.
    exact
        Whether to look for the optimum by mixed integer programming (HiGHS) unless the greedy choice is already proven.
    time_limit
        Time given to the exact solver [s], which looks at its clock now and then; what it has found by then may depend
        on the machine.

    Returns
    -------
        The sites, the people they reach and the bound. Nothing is called optimal unless proven.

    Raises
    ------
    ValueError
        A pair names an origin that `demand` lacks; ids or pairs are duplicated; demand or minutes are negative, unknown
        or infinite; p, reach or the time limit are out of range.

    References
    ----------
    Church and ReVelle 1974, doi:10.1007/BF01942293; Nemhauser, Wolsey and Fisher 1978, doi:10.1007/BF01588971, for the
    greedy choice and its bound; Cornuéjols, Fisher and Nemhauser 1977, doi:10.1287/mnsc.23.8.789, for the relaxation.

    Examples
    --------
    >>> people = pd.Series({"A": 100, "B": 60, "C": 50, "D": 40})
    >>> trips = pd.Series({("A", "x"): 5.0, ("B", "x"): 9.0, ("B", "y"): 8.0, ("C", "y"): 10.0, ("D", "z"): 30.0})
    >>> found = max_cover(people, trips, 2, reach=10)
    >>> found.gains.to_dict(), found.covered, found.bound, found.out_of_reach
    ({'x': 160.0, 'y': 50.0}, 210.0, 210.0, 40.0)
    """
    limit = positive("reach", reach, bounded=False)
    _check(p, time_limit)
    trips = ordered(minutes)
    net, lost = _network(demand, trips, np.where(trips.minutes <= limit, 1.0, -1.0))
    choice, bound, effort = _greedy(net, p) if not exact else _exact(net, p, time_limit)
    value = float(choice.gains.sum())
    proven = bound - value <= ROUNDING * bound
    bound = value if proven else bound
    gap = 0.0 if proven else (bound - value) / bound
    ids = trips.destinations[net.sites[choice.sites]].rename(DESTINATION)
    gains = pd.Series(choice.gains, index=ids, name="gain")
    status = _status(effort, gap, f"at most {bound - value:.6g} more people can be reached", _fewer(len(ids), p))
    return Siting(ids, gains, value, bound, gap, proven, lost, status)


def p_median(  # noqa: PLR0913 - one call states the whole problem
    demand: pd.Series[float],
    minutes: pd.Series[float],
    p: int,
    *,
    beyond: float | None = None,
    starts: int = 8,
    seed: int = 0,
    exact: bool = False,
    time_limit: float = 60.0,
) -> Median:
    """
    Choose p places so that the trips of all to the nearest are the shortest [person-minutes]: the p-median problem.

    By interchange: from the greedy choice then from random ones, the best exchange of an open site for a closed one is
    made until none shortens the trips; the best end is kept. A Lagrangian relaxation gives the bound, and stops the
    search as soon as it proves the optimum.

    Parameters
    ----------
    demand
        People by id of origin, 0 or more: all of them, or the unmet ones.
    minutes
        Travel times by (origin, destination), each pair once, in any order; the destinations are the candidates. A pair
        left out is out of reach.
    p
        Places to open, at most: those that would be the nearest of nobody are left out.
    beyond
        Minutes counted to a person whom no site reaches; a longer pair is out of reach. None takes the longest pair.
    starts
        Choices from which the interchange starts, at least 1.
    seed
        Seed of the random starts.
    exact
        Whether to look for the optimum by mixed integer programming (HiGHS) unless it is already proven.
    time_limit
        Time given to the exact solver [s], which looks at its clock now and then; what it has found by then may depend
        on the machine.

    Returns
    -------
        The sites, the nearest of each origin, the cost and its bound. Nothing is called optimal unless proven.

    Raises
    ------
    ValueError
        As `max_cover`; or `beyond` is not positive, or is None when no pair takes any time.

    Notes
    -----
    A round of the bound takes one scan of the pairs. An exchange takes one of sites × p and of the pairs around the two
    sites; the memory is 16 bytes by site and place to open.

    References
    ----------
    Teitz and Bart 1968, doi:10.1287/opre.16.5.955; Resende and Werneck 2007, doi:10.1016/j.ejor.2005.05.028; García,
    Labbé and Marín 2011, doi:10.1287/ijoc.1100.0418, for the exact model by covering; Cornuéjols, Fisher and Nemhauser
    1977, doi:10.1287/mnsc.23.8.789, for the relaxation.

    Examples
    --------
    >>> people = pd.Series({"A": 100, "B": 60, "C": 50})
    >>> trips = pd.Series({("A", "x"): 5.0, ("B", "x"): 9.0, ("B", "y"): 2.0, ("C", "y"): 10.0, ("C", "z"): 1.0})
    >>> found = p_median(people, trips, 2, exact=True)
    >>> found.sites.tolist(), found.cost, found.proven
    (['x', 'z'], 1090.0, True)
    """
    _check(p, time_limit)
    _check_count("starts", starts)
    known = amounts(minutes, "minutes", "drop the pairs out of reach, correct the others")
    if beyond is None and not known.any():
        msg = "minutes: no pair takes any time: give beyond, the minutes counted to a person whom no site reaches."
        raise ValueError(msg)
    limit = positive("beyond", float(known.max()) if beyond is None else beyond)
    minutes = minutes[known <= limit] if (known > limit).any() else minutes
    trips = ordered(minutes)
    net, lost = _network(demand, trips, limit - trips.minutes)
    sites, bound, level = _interchange(net, p, starts, seed)
    effort = "the interchange"
    if exact and bound > worth(net, sites):
        found, effort = solve(net, p, sites, level, time_limit), _SOLVER.format(time_limit)
        sites, bound = found.sites, min(bound, found.bound)
    spare = max(bound - worth(net, sites), 0.0)
    ids, assigned = _serving(demand, minutes, trips.destinations[net.sites[np.sort(sites)]].rename(DESTINATION))
    near = nearest(between(minutes, destinations=ids), index=demand.index).to_numpy()
    people, there = amounts(demand, "demand"), ~np.isnan(near)
    covered, spent = fsum(people[there]), fsum(people[there] * near[there])
    cost = spent + limit * fsum(people[~there])
    proven = spare <= ROUNDING * cost
    gap = 0.0 if proven else spare / cost
    status = _status(effort, gap, f"at most {spare:.6g} person-minutes more can be spared", _fewer(len(ids), p))
    mean = spent / covered if covered else np.nan
    return Median(ids, assigned, cost, limit, mean, covered, cost * (1 - gap), gap, proven, lost, status)


def _check(p: int, time_limit: float) -> None:
    _check_count("p", p)
    if not time_limit >= 0:
        msg = f"time_limit = {time_limit!r}: give 0 or a positive number of seconds."
        raise ValueError(msg)


def _check_count(name: str, number: int) -> None:
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
        msg = f"{name} = {number!r}: give a whole number, 1 or more."
        raise ValueError(msg)


def _network(demand: pd.Series[float], trips: Trips, value: NDArray[np.float64]) -> tuple[Network, float]:
    """Join the demand and the pairs, of value 0 or more within reach; and count the people whom no pair serves."""
    check_ids(demand.index, "demand")
    people = amounts(demand, "demand")
    place = demand.index.get_indexer(trips.origins)
    used = np.diff(trips.bounds) > 0
    lost = trips.origins[used & (place < 0)]
    if len(lost):
        msg = (
            f"minutes name origins that demand does not have: {first_three(lost)}, when its own look like "
            f"{demand.index[:2].tolist()}: add them to demand, or keep the others with access.between."
        )
        raise TableError(msg)
    table = csr_array((value, trips.end, trips.bounds), shape=(len(trips.origins), len(trips.destinations)))
    reached = np.zeros(len(trips.origins), dtype=bool)
    reached[np.repeat(np.arange(len(reached)), np.diff(trips.bounds))[value >= 0]] = True
    here = np.zeros(len(trips.origins))
    here[used] = people[place[used]]
    far = ~np.isin(np.arange(len(people)), place[reached])
    return network(here, table), fsum(people[far])


def _greedy(net: Network, p: int) -> tuple[Choice, float, str]:
    """Choose by greedy, bound what p sites can do, and say what was done."""
    choice = greedy(net, p)
    relaxed = relax(net, p, choice.sites, _QUICK)
    bound = min(choice.bound, settle(net, p, float(choice.gains.sum()), relaxed))
    return choice, bound, "the greedy choice"


def _exact(net: Network, p: int, seconds: float) -> tuple[Choice, float, str]:
    """Choose by greedy, exchange, then solve as far as time allows; of two equals, the first found."""
    choice = greedy(net, p)
    sites, bound, level = _interchange(net, p, _FEW, 0)
    if bound > worth(net, sites):
        found = solve(net, p, sites, level, seconds)
        sites, bound = found.sites, min(bound, found.bound)
    other = _in_order(net, sites)
    better = other.gains.sum() > choice.gains.sum() * (1 + ROUNDING)
    return other if better else choice, bound, _SOLVER.format(seconds)


def _in_order(net: Network, sites: Positions) -> Choice:
    """Put sites in the order in which each gains the most."""
    part = Network(net.people, net.by_site[sites], net.by_origin[:, sites], sites)
    choice = greedy(part, len(sites))
    return replace(choice, sites=sites[choice.sites])


def _interchange(net: Network, p: int, starts: int, seed: int) -> tuple[Positions, float, NDArray[np.float64]]:
    """Keep the best interchange, with the bound of what can be spared and the levels of the relaxation."""
    first = greedy(net, p)
    sites = improve(net, first.sites)
    value = worth(net, sites)
    relaxed = relax(net, p, sites, _LONG)
    bound = min(first.bound, settle(net, p, value, relaxed))
    draw = np.random.default_rng(seed)
    for turn in range(1, starts):
        if bound <= value:
            break
        start = relaxed.sites if turn == 1 else draw.choice(len(net.sites), len(sites), replace=False)
        other = improve(net, start)
        if worth(net, other) > value:
            sites, value = other, worth(net, other)
            bound = min(first.bound, settle(net, p, value, relaxed))
    return sites, bound, relaxed.level


def _serving(
    demand: pd.Series[float], minutes: pd.Series[float], sites: pd.Index[Any]
) -> tuple[pd.Index[Any], pd.Series[Any]]:
    """Send each origin to its nearest site, and leave out the sites to which nobody goes."""
    assigned = nearest_id(between(minutes, destinations=sites), index=demand.index).rename("site")
    used = sites[sites.isin(assigned[amounts(demand, "demand") > 0])]
    return (used, assigned) if len(used) == len(sites) else _serving(demand, minutes, used)


def _status(effort: str, gap: float, slack: str, fewer: str) -> str:
    return ("Optimal, proven." if gap == 0 else f"Best found by {effort}, not proven optimal: {slack}.") + fewer


def _fewer(count: int, p: int) -> str:
    return "" if count >= p else f" Sites opened: {count} for p = {p}, as another one would change nothing."
