"""
Choose the p sites that are worth the most to people: greedy, interchange, upper bound, exact model, on arrays.

A maximal cover and a p-median are one problem here. A site has a worth to each person: 1 within reach for the cover,
the minutes that it spares for the p-median; everybody takes the best open site, and what lies out of reach is worth 0
and not stored. The worth of a set of sites is monotone and submodular, which is what the greedy choice and the bounds
rely on. Positions stand for ids: `siting` translates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.sparse import coo_array, csr_array, eye_array, hstack, vstack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Positions = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]

ROUNDING: Final = 1e-9  # relative: closer values are taken as one
_NOISE: Final = 1e-12  # relative: what adding up may round
_PRESOLVED: Final = 500_000  # coefficients beyond which presolve, blind to the clock, takes minutes and removes nothing
_PATIENCE: Final = 10  # rounds without a better bound before the step of the relaxation is halved
_MOMENTUM: Final = 0.7  # share of the last direction kept in the next one


@dataclass(frozen=True, eq=False)
class Network:
    """People by origin, and what a site is worth to one of them, above 0, by site (no row is empty) and by origin."""

    people: Floats
    by_site: csr_array[np.float64]
    by_origin: csr_array[np.float64]
    sites: Positions  # positions of the sites in the columns that the network was made from


@dataclass(frozen=True, eq=False)
class Choice:
    """Sites in the order chosen, what each added, and an upper bound of what p sites are worth."""

    sites: Positions
    gains: Floats
    bound: float


@dataclass(frozen=True, eq=False)
class Relaxation:
    """An upper bound of what p sites are worth, the levels by origin that give it, and the p sites that they favour."""

    bound: float
    level: Floats
    sites: Positions


def network(people: Floats, table: csr_array[np.float64]) -> Network:
    """
    Keep what can count: the pairs worth something to somebody, their origins and their sites.

    Parameters
    ----------
    people
        Demand by origin, 0 or more.
    table
        What each site (column) is worth to one person of each origin (row); 0 or less is out of reach.

    Returns
    -------
    network
        The same, both ways.
    """
    kept = (table.data > 0) & (np.repeat(people, np.diff(table.indptr)) > 0)
    bounds = np.concatenate([[0], np.cumsum(kept)])[table.indptr]
    origins = np.flatnonzero(np.diff(bounds))
    by_site = csr_array((table.data[kept], table.indices[kept], bounds), shape=table.shape)[origins].T.tocsr()
    sites = np.flatnonzero(np.diff(by_site.indptr))
    by_site = by_site[sites]
    return Network(people[origins], by_site, by_site.T.tocsr(), sites)


def _added(rows: csr_array[np.float64], people: Floats, level: Floats) -> Floats:
    """Sum what each site of some rows would add for people who have a level: Σ P_i max(0, worth_ij - level_i)."""
    if not rows.shape[0]:
        return np.zeros(0)
    better = level[rows.indices]
    np.subtract(rows.data, better, out=better)
    np.maximum(better, 0, out=better)
    better *= people[rows.indices]
    total: Floats = np.add.reduceat(better, rows.indptr[:-1])  # each row is summed alone: always rounded alike
    return total


def _levels(net: Network, sites: Positions) -> Floats:
    """Find what the best of some sites is worth to a person of each origin, 0 for those that none reaches."""
    level, rows = np.zeros(len(net.people)), net.by_site[sites]
    np.maximum.at(level, rows.indices, rows.data)
    return level


def worth(net: Network, sites: Positions) -> float:
    """
    Sum what some open sites are worth to everybody.

    Parameters
    ----------
    net
        The network.
    sites
        Positions of the open sites.

    Returns
    -------
    worth
        People × worth of the best open site.
    """
    return float((net.people * _levels(net, sites)).sum())


def greedy(net: Network, p: int) -> Choice:
    """
    Open one site after the other, each time the one that adds the most; of two equals, the first.

    Parameters
    ----------
    net
        The network.
    p
        Sites to open, at most: a site that adds nothing is not opened.

    Returns
    -------
    greedy
        The sites, worth at least 1 - 1/e of the best p. The bound is the least, over the steps, of what is there plus
        the p largest gains then possible: by submodularity, no p sites are worth more.

    References
    ----------
    Nemhauser, Wolsey and Fisher 1978, doi:10.1007/BF01588971.
    """
    level = np.zeros(len(net.people))
    gains = _added(net.by_site, net.people, level)
    sites: list[int] = []
    steps: list[float] = []
    total, bound = 0.0, np.inf
    while len(gains):
        bound = min(bound, total + float(gains[_largest(gains, p)].sum()))
        best = int(np.argmax(gains))
        if len(sites) == p or gains[best] <= 0:
            break
        sites.append(best)
        steps.append(float(gains[best]))
        total += steps[-1]
        row = net.by_site[[best]]
        better = row.indices[row.data > level[row.indices]]
        level[row.indices] = np.maximum(level[row.indices], row.data)
        touched = np.unique(net.by_origin[better].indices)  # the others gain what they gained before
        gains[touched] = _added(net.by_site[touched], net.people, level)
    return Choice(np.array(sites, dtype=np.intp), np.array(steps), bound if sites else 0.0)


def _largest(values: Floats, p: int) -> Positions:
    return np.argpartition(values, -p)[-p:] if p < len(values) else np.arange(len(values))


def relax(net: Network, p: int, sites: Positions, rounds: int) -> Relaxation:
    """
    Bound what p sites are worth by Lagrangian relaxation: Σ P_i v_i + the p largest Σ_i P_i max(0, worth_ij - v_i).

    Any levels v ≥ 0 give a bound, which tends to that of the linear relaxation as a subgradient method lowers it.

    Parameters
    ----------
    net
        The network.
    p
        Sites to open, at most.
    sites
        The best found so far, from the levels of which the method starts.
    rounds
        Levels tried, at most.

    Returns
    -------
    relax
        The least bound, with its levels and the sites that they favour.

    References
    ----------
    Cornuéjols, Fisher and Nemhauser 1977, doi:10.1287/mnsc.23.8.789.
    """
    level, way, step, idle = _levels(net, sites), np.zeros(len(net.people)), 1.0, 0
    value = float((net.people * level).sum())
    least = Relaxation(np.inf if value else 0.0, level, sites)
    if not value:
        return least
    highest = np.maximum.reduceat(net.by_origin.data, net.by_origin.indptr[:-1])
    for _ in range(rounds):
        gains = _added(net.by_site, net.people, level)
        top = _largest(gains, p)
        found = float((net.people * level).sum() + gains[top].sum())
        idle = 0 if found < least.bound * (1 - 1e-6) else idle + 1
        if found < least.bound:
            least = Relaxation(found, level, top)
        if found <= value * (1 + _NOISE):
            break
        if idle == _PATIENCE:
            step, idle = step / 2, 0
        rows = net.by_site[top]
        taken = np.bincount(rows.indices, weights=rows.data > level[rows.indices], minlength=len(level))
        slope = np.where((level <= 0) & (taken < 1), 0.0, 1.0 - taken)
        way = slope + _MOMENTUM * way
        length = float((net.people * way * way).sum())
        if length <= 0:
            break
        level = np.clip(level - step * (found - value) / length * way, 0.0, highest)
    return least


def settle(net: Network, p: int, value: float, relaxed: Relaxation) -> float:
    """
    Lower the bound to a value already found, when it is proven that no better choice is left.

    Parameters
    ----------
    net
        The network.
    p
        Sites to open, at most.
    value
        Worth of the best sites found.
    relaxed
        What the relaxation knows.

    Returns
    -------
    settle
        The value if it is the optimum beyond doubt, else the bound of the relaxation.
    """
    sure = relaxed.bound <= value or len(_undecided(net, p, value, relaxed.level)[0]) <= p
    return value if sure else relaxed.bound


def _undecided(net: Network, p: int, value: float, level: Floats) -> tuple[Positions, NDArray[np.bool_]]:
    """
    Leave out the sites that no better choice can hold, and tell which of the others it must hold.

    When p sites or fewer are left, they are the best choice.
    """
    gains = _added(net.by_site, net.people, level)
    order = np.argsort(-gains, kind="stable")
    bound = float((net.people * level).sum() + gains[order[:p]].sum())
    least = value - ROUNDING * bound
    last, after = (float(gains[order[rank]]) if rank < len(order) else 0.0 for rank in (p - 1, p))
    sure = np.zeros(len(gains), dtype=bool)
    sure[order[:p]] = bound - gains[order[:p]] + after < least
    kept = np.flatnonzero(sure | (bound - last + gains >= least))
    return kept, sure[kept]


@dataclass(eq=False)
class _Ledger:
    """What opening and closing would change: the one thing that the interchange keeps up to date."""

    seat: Positions  # by site, its rank among the open ones, or -1
    first: Floats  # by origin, worth of the best open site
    second: Floats  # and of the next one
    held: Positions  # by origin, seat of the best open site; one past the last when no site reaches it
    gain: Floats  # by site, what opening it adds
    loss: Floats  # by seat, what closing it takes
    both: Floats  # by site and seat, the part of the loss that opening one site makes up for


def improve(net: Network, sites: Positions) -> Positions:
    """
    Exchange an open site for a closed one, the best exchange first, until none is worth it.

    Parameters
    ----------
    net
        The network.
    sites
        Positions of the open sites.

    Returns
    -------
    improve
        As many sites, sorted. The memory is 16 bytes by site and open site; one exchange only looks again at the
        origins that the two sites reach.

    References
    ----------
    Teitz and Bart 1968, doi:10.1287/opre.16.5.955; the gains, losses and extra of Resende and Werneck 2007,
    doi:10.1016/j.ejor.2005.05.028, after Whitaker 1983.
    """
    (count, origins), p, chosen = net.by_site.shape, len(sites), np.array(sites, dtype=np.intp)
    seat = np.full(count, -1)
    seat[chosen] = np.arange(p)
    held, zeros = np.full(origins, p), np.zeros(origins)
    ledger = _Ledger(seat, zeros, zeros.copy(), held, np.zeros(count), np.zeros(p + 1), np.zeros((count, p + 1)))
    near: Positions = np.arange(origins)
    _seat(net, ledger, near)
    _enter(net, ledger, near, 1)
    least = ROUNDING * float((net.people * ledger.first).sum())
    while p:
        profit = ledger.both[:, :p] - ledger.loss[:p]
        profit += ledger.gain[:, None]
        opened, closed = np.unravel_index(np.argmax(profit), profit.shape)
        if profit[opened, closed] <= least:
            break
        near = _moved(net, ledger, int(opened), int(chosen[closed]))
        _enter(net, ledger, near, -1)
        seat[chosen[closed]], seat[opened] = -1, closed
        chosen[closed] = opened
        _seat(net, ledger, near)
        _enter(net, ledger, near, 1)
    return np.sort(chosen)


def _moved(net: Network, ledger: _Ledger, opened: int, closed: int) -> Positions:
    """Find the origins whose two best open sites change with an exchange."""
    new, old = net.by_site[[opened]], net.by_site[[closed]]
    better, gone = new.data > ledger.second[new.indices], old.data >= ledger.second[old.indices]
    return np.union1d(new.indices[better], old.indices[gone])


def _seat(net: Network, ledger: _Ledger, origins: Positions) -> None:
    """Find again the two best open sites of some origins."""
    rows = net.by_origin[origins]
    start, seat = np.repeat(np.arange(len(origins)), np.diff(rows.indptr)), ledger.seat[rows.indices]
    kept = np.flatnonzero(seat >= 0)
    kept = kept[np.lexsort((-rows.data[kept], start[kept]))]
    start, seat, worth = start[kept], seat[kept], rows.data[kept]
    best = np.flatnonzero(np.diff(start, prepend=-1))
    first, second, held = np.zeros(len(origins)), np.zeros(len(origins)), np.full(len(origins), len(ledger.loss) - 1)
    first[start[best]], held[start[best]] = worth[best], seat[best]
    more = best[np.append(start, -1)[best + 1] == start[best]]
    second[start[more]] = worth[more + 1]
    ledger.first[origins], ledger.second[origins], ledger.held[origins] = first, second, held


def _enter(net: Network, ledger: _Ledger, origins: Positions, sign: int) -> None:
    """Add (1) or take back (-1) the part of some origins in the gains and the losses."""
    rows = net.by_origin[origins]
    each = np.repeat(origins, np.diff(rows.indptr))
    first, second, people = ledger.first[each], ledger.second[each], sign * net.people[each]
    np.add.at(ledger.gain, rows.indices, people * np.maximum(rows.data - first, 0))
    spared = np.minimum(rows.data, first) - second
    some = spared > 0
    cell = rows.indices[some].astype(np.int64) * len(ledger.loss) + ledger.held[each[some]]
    np.add.at(ledger.both.reshape(-1), cell, people[some] * spared[some])
    lost = sign * net.people[origins] * (ledger.first[origins] - ledger.second[origins])
    np.add.at(ledger.loss, ledger.held[origins], lost)


def solve(net: Network, p: int, sites: Positions, level: Floats, seconds: float) -> Choice:
    """
    Look for the best p sites by mixed integer programming (HiGHS).

    Parameters
    ----------
    net
        The network.
    p
        Sites to open, at most.
    sites
        The best found so far: what the relaxation proves worse than them is left out of the model.
    level
        Levels of the relaxation, from `relax`.
    seconds
        Time that the solver may take.

    Returns
    -------
    solve
        Sites at least as good, without order nor gains, and the bound that the solver proved, infinite when it proved
        nothing in time.
    """
    value = worth(net, sites)
    kept, sure = _undecided(net, p, value, level)
    weight, sets, before = _sets(net.by_origin[:, kept], net.people)
    rows = hstack([-sets, eye_array(len(weight)) - before], format="csr")
    shift = max(0, 20 - int(np.frexp(value)[1]))  # HiGHS stops at an absolute gap of 1e-6: small beside the value
    found, bound = _milp(np.ldexp(weight, shift), rows, sure, p, seconds)
    bound = max(float(np.ldexp(bound, -shift)), value)
    better = found is not None and worth(net, kept[found]) > value
    return Choice(kept[found] if better else sites, np.zeros(0), bound)


def _sets(table: csr_array[np.float64], people: Floats) -> tuple[Floats, csr_array[np.float64], csr_array[np.float64]]:
    """
    Write "everybody takes the best open site" as sets: met when a site of theirs is open, or the set before is met.

    An origin has a set by distinct worth, of the sites worth that much, whose weight is what it is above the next one;
    equal first sets are one. Return the weights, the sites of each set, and the set before each.
    """
    start = np.repeat(np.arange(len(people)), np.diff(table.indptr))
    order = np.lexsort((table.indices, -table.data, start))
    start, site, value = start[order], table.indices[order], table.data[order]
    opens = (np.diff(start, prepend=-1) > 0) | (np.diff(value, prepend=0.0) != 0)
    head, step = np.flatnonzero(opens), np.cumsum(opens) - 1
    first = np.diff(start[head], prepend=-1) > 0
    below = np.where(np.append(first[1:], [True]), 0.0, np.append(value[head][1:], [0.0]))
    which = _merged(site, np.append(head, len(site)), first)
    kept = which == np.arange(len(head))
    rank, many = np.cumsum(kept) - 1, int(np.count_nonzero(kept))
    weight = np.bincount(rank[which], weights=people[start[head]] * (value[head] - below)).astype(np.float64)
    members, later = kept[step], np.flatnonzero(~first)
    sets = coo_array((np.ones(members.sum()), (rank[step[members]], site[members])), shape=(many, table.shape[1]))
    before = coo_array((np.ones(len(later)), (rank[later], rank[which[later - 1]])), shape=(many, many))
    return weight, sets.tocsr(), before.tocsr()


def _merged(site: Positions, bounds: Positions, first: NDArray[np.bool_]) -> Positions:
    """Send each first set to the first that is equal to it, and any other to itself."""
    which, size = np.arange(len(first)), np.diff(bounds)
    for length in np.unique(size[first]):
        those = np.flatnonzero(first & (size == length))
        sets = site[bounds[those][:, None] + np.arange(length)]
        _, one, same = np.unique(sets, axis=0, return_index=True, return_inverse=True)
        which[those] = those[one[same.reshape(-1)]]
    return which


def _milp(
    weight: Floats, rows: csr_array[np.float64], sure: NDArray[np.bool_], p: int, seconds: float
) -> tuple[Positions | None, float]:
    """Choose at most p columns that meet the most weight: the columns found, and the bound proved."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # noqa: PLC0415 - 50 ms, for an exact choice only

    many, count = len(weight), len(sure)
    site = np.append(np.ones(count, dtype=np.int64), np.zeros(many, dtype=np.int64))
    rows = vstack([rows, csr_array(site[None])], format="csr")
    answer = milp(
        np.append(np.zeros(count), -weight),
        integrality=site,
        bounds=Bounds(np.append(sure, np.zeros(many)), 1.0),
        constraints=LinearConstraint(rows, -np.inf, np.append(np.zeros(many), p)),
        options={"mip_rel_gap": 0, "time_limit": seconds, "presolve": rows.nnz < _PRESOLVED},
    )
    bound = np.inf if answer.mip_dual_bound is None else -float(answer.mip_dual_bound)
    return None if answer.x is None else np.flatnonzero(answer.x[:count] > 0.5), bound  # noqa: PLR2004 - 0 or 1
