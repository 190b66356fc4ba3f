"""Floating catchments: supply shared among the people who reach it, and what is conserved of both.

Weights are one sparse matrix by the ids that the pairs name. Each sum runs over it in the order of the
ids, so that a result depends neither on the order of the rows nor on what lies out of reach.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from territoire_geo.decays import positive
from territoire_geo.errors import TableError
from territoire_geo.pairs import amounts, check_ids, first_three, floats, ordered

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from territoire_geo.decays import Decay

_LEAST_DEMAND: Final = 1e-150  # weighted people: nobody lives below it, and a ratio could overflow


@dataclass(frozen=True, eq=False)
class Catchments:
    """
    Hold both sides of a catchment: what people get, and whom each supply point serves.

    Attributes
    ----------
    places
        By id of demand: `demand` [people], `access` [units of supply per person], `reachable` (bool).
    points
        By id of supply: `supply` [units], `people` [Σ_i w_ij P_i, weighted people], `reached` (bool).
    """

    places: pd.DataFrame
    points: pd.DataFrame

    def report(self) -> pd.Series[float]:
        """
        Report what is conserved: nothing is lost but the supply that serves nobody.

        Returns
        -------
            In units of supply: `supply` = `reached` + `unreached` (the points without demand within reach),
            `delivered` = Σ P_i A_i, and `gap` = `delivered` - `reached`, rounding only.
            In people: `demand` = `within_reach` + `out_of_reach`.
        """
        people, capacity = self.places["demand"], self.points["supply"]
        here, served = self.places["reachable"], self.points["reached"]
        sums = {
            "supply": capacity,
            "reached": capacity[served],
            "unreached": capacity[~served],
            "delivered": people * self.places["access"],
            "demand": people,
            "within_reach": people[here],
            "out_of_reach": people[~here],
        }
        figures = {name: math.fsum(part.tolist()) for name, part in sums.items()}  # the same in any order
        return pd.Series(figures | {"gap": figures["delivered"] - figures["reached"]}, name="report")


def catchments(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> Catchments:
    """
    Share supply by the enhanced two-step floating catchment, and keep both sides.

    R_j = S_j / Σ_i w_ij P_i, then A_i = Σ_j w_ij R_j, with w = decay(minutes).

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors.

    Returns
    -------
        By id of demand and by id of supply, in the order given. Out of reach is access 0 and not reachable; a supply
        point without demand adds nothing and is not reached. Σ P_i A_i = Σ reached S_j.

    References
    ----------
    Luo and Qi 2009, doi:10.1016/j.healthplace.2009.06.002.
    """
    people, capacity = _sides(demand, supply)
    weights = _weighted(minutes, decay, ("demand", demand.index), supply.index)
    rivals = weights.to_points(people)
    access = weights.to_places(_divided(capacity, rivals, least=_LEAST_DEMAND))
    places = {"demand": people, "access": access, "reachable": weights.to_places(capacity > 0) > 0}
    points = {"supply": capacity, "people": rivals, "reached": rivals >= _LEAST_DEMAND}
    return Catchments(pd.DataFrame(places, index=demand.index), pd.DataFrame(points, index=supply.index))


def floating_catchment(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.DataFrame:
    """
    Measure access by the enhanced two-step floating catchment [units of supply per person].

    R_j = S_j / Σ_i w_ij P_i, then A_i = Σ_j w_ij R_j, with w = decay(minutes): E2SFCA with `steps` or
    `gaussian`, 2SFCA with `binary`, KD2SFCA with `dai`.

    Parameters
    ----------
    demand
        People P by id of origin, 0 or more; a demand that no pair names is out of reach.
    supply
        Capacity S by id of destination, 0 or more; a supply that no pair names serves nobody.
    minutes
        Travel times by (origin, destination), each pair once, in any order.
    decay
        Any callable from minutes to weights of 0 or more: `steps`, `binary`, `dai`, ...

    Returns
    -------
        By id of demand, `access`, and `reachable`: whether some supply above 0 has a weight. Out of reach
        is access 0 and not reachable; a supply without demand adds nothing (`catchments` tells which).

    Raises
    ------
    ValueError
        A pair names an unknown id; ids or pairs are duplicated; minutes, demand, supply or weights
        are negative, unknown or infinite (drop or fill them yourself, knowingly).

    References
    ----------
    Luo and Qi 2009, doi:10.1016/j.healthplace.2009.06.002; with `binary`, Luo and Wang 2003,
    doi:10.1068/b29120; with `dai`, Dai 2010, doi:10.1016/j.healthplace.2010.06.012.

    Examples
    --------
    One doctor in A; A and B have 1,000 inhabitants each, B is 15 minutes away from A:

    >>> from territoire_geo.decays import steps
    >>> people, doctors = pd.Series({"A": 1000, "B": 1000}), pd.Series({"A": 1})
    >>> trips = pd.Series({("A", "A"): 2.0, ("B", "A"): 15.0})
    >>> (floating_catchment(people, doctors, trips, steps({10: 1, 20: 0.3})).access * 100_000).round(2)
    A    76.92
    B    23.08
    Name: access, dtype: float64
    """
    return catchments(demand, supply, minutes, decay).places[["access", "reachable"]]


def reached_supply(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.Series[bool]:
    """
    Tell the supply points whose catchment holds some demand from those that serve nobody.

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors.

    Returns
    -------
        By id of supply, whether Σ_i w_ij P_i > 0: the supply over which Σ P_i A_i = Σ S_j.
    """
    return catchments(demand, supply, minutes, decay).points["reached"]


def shen(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.Series[float]:
    """
    Measure access with competition [units of supply per person]: Σ_j O_j f(c_ij) / Σ_k P_k f(c_kj).

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors: jobs as the supply, workers as the demand.

    Returns
    -------
        Access by id of demand, 0 when nothing is in reach: that of `floating_catchment`.

    References
    ----------
    Shen 1998; Soukhov et al. 2023, doi:10.1371/journal.pone.0278468.
    """
    return floating_catchment(demand, supply, minutes, decay)["access"].rename("shen")


def spatial_availability(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.Series[float]:
    """
    Share the supply out among the demand [units of supply]: V_i = P_i × Shen's a_i.

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors.

    Returns
    -------
        Supply available by id of demand; its sum is that of the reached supply.

    References
    ----------
    Soukhov et al. 2023, doi:10.1371/journal.pone.0278468.
    """
    places = catchments(demand, supply, minutes, decay).places
    return (places["access"] * places["demand"]).rename("availability")


def hansen(supply: pd.Series[float], minutes: pd.Series[float], decay: Decay, index: pd.Index[Any]) -> pd.Series[float]:
    """
    Measure the supply within reach, without competition [units of supply]: H_i = Σ_j O_j f(c_ij).

    Parameters
    ----------
    supply, minutes, decay
        As in `floating_catchment`, with the same errors.
    index
        Ids of the origins.

    Returns
    -------
        Supply within reach by id of `index`, 0 when nothing is; with `binary`, cumulative opportunities.

    References
    ----------
    Hansen 1959, How accessibility shapes land use.
    """
    check_ids(index, "index")
    check_ids(supply.index, "supply")
    capacity = amounts(supply, "supply")
    weights = _weighted(minutes, decay, ("index", index), supply.index)
    return pd.Series(weights.to_places(capacity), index=index, name="hansen")


def balanced_catchment(
    demand: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float], decay: Decay
) -> pd.DataFrame:
    """
    Measure access by the balanced floating catchment, BFCA [units of supply per person].

    People are divided among the points that they reach, W^d_ij = w_ij / Σ_j w_ij, and the level of service
    of a point among the places that reach it, W^s_ij = w_ij / Σ_i w_ij:
    L_j = S_j / Σ_i W^d_ij P_i, then A_i = Σ_j W^s_ij L_j.

    Parameters
    ----------
    demand, supply, minutes, decay
        As in `floating_catchment`, with the same errors. Weights ignore capacity: a supply of 0 within reach
        still draws its part of the demand, drop it first if it should not.

    Returns
    -------
        By id of demand, `access` and `reachable`, as in `floating_catchment`.

    Notes
    -----
    Each person within reach is counted once, Σ_j Σ_i W^d_ij P_i being their number, and levels of service are
    conserved, Σ_i A_i = Σ_j L_j. Supply is not: Σ P_i A_i differs from Σ S_j, and the access of a place depends
    on how many places its neighbourhood is cut into. Do not set it against a need in units of supply.

    References
    ----------
    Paez, Higgins and Vivona 2019, doi:10.1371/journal.pone.0218773.
    """
    people, capacity = _sides(demand, supply)
    weights = _weighted(minutes, decay, ("demand", demand.index), supply.index)
    drawn = weights.shared(axis=1).to_points(people)
    level = _divided(capacity, drawn, least=_LEAST_DEMAND)
    access = weights.shared(axis=0).to_places(level)
    return pd.DataFrame({"access": access, "reachable": weights.to_places(capacity > 0) > 0}, index=demand.index)


def standardised_demand(
    people: pd.DataFrame, use: pd.Series[float], *, mean_use: float | None = None
) -> pd.Series[float]:
    """
    Count people by what they use on average at their age [people of average use]: Σ_a P_ia u_a / ū.

    With this demand, and supply in full-time equivalents, `floating_catchment` has the form of the *accessibilité
    potentielle localisée* (APL) of DREES. Thresholds and weights are parameters here: do not call a result "APL" on an
    output until it has been checked against DREES's own tables.

    Parameters
    ----------
    people
        People by place, a column by age group, 0 or more, NaN unknown.
    use
        Use per person by age group, 0 or more [visits per person and year, or any unit]: one for each column.
    mean_use
        Mean use ū, in the same unit; None for that of `people` over the places known in full, whose total is kept.

    Returns
    -------
        By place, NaN where a group is unknown: drop those before `floating_catchment`, knowingly.

    Raises
    ------
    ValueError
        Places or groups are duplicated, a group has no use or no people, a use is unknown, a figure is negative or
        infinite, or nobody uses anything.

    References
    ----------
    Barlet et al. 2012, Études et Résultats 795, DREES.
    """
    for ids, name in ((people.index, "people"), (people.columns, "columns of people"), (use.index, "use")):
        check_ids(ids, name)
    alone = people.columns.symmetric_difference(use.index, sort=False)
    if len(alone):
        msg = f"people and use do not have the same age groups: {first_three(alone)}: add or drop those."
        raise TableError(msg)
    rates = dict(zip(use.index, amounts(use, "use"), strict=True))
    visits, whole = np.zeros(len(people)), np.zeros(len(people))
    for group in people.columns.sort_values():  # one order for the sums, whatever that of the columns
        amounts(people[group].dropna(), f"people, {group!r}")
        number = floats(people[group])
        visits, whole = visits + number * rates[group], whole + number
    if mean_use is None:
        total, known = (math.fsum(part[~np.isnan(part)].tolist()) for part in (visits, whole))
        if not total > 0:
            msg = "people and use: nobody known uses anything: check both tables, or give mean_use."
            raise TableError(msg)
        mean_use = total / known
    return pd.Series(visits / positive("mean_use", mean_use), index=people.index, name="demand")


@dataclass(frozen=True, eq=False)
class _Weights:
    """Weights by the ids that the pairs name, and where these ids stand: last, and 0, for an id out of use."""

    matrix: csr_array[np.float64]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    shape: tuple[int, int]  # places, points

    def to_points(self, people: NDArray[Any]) -> NDArray[np.float64]:
        """Sum the weighted people of each supply point, 0 for one that no pair names."""
        found = np.zeros(self.shape[1] + 1)
        found[self.columns] = self.matrix.T @ np.append(people, 0.0)[self.rows]
        return found[:-1]

    def to_places(self, offer: NDArray[Any]) -> NDArray[np.float64]:
        """Sum the weighted offer within reach of each place, 0 for one that no pair names."""
        found = np.zeros(self.shape[0] + 1)
        found[self.rows] = self.matrix @ np.append(offer, 0.0)[self.columns]
        return found[:-1]

    def shared(self, axis: int) -> _Weights:
        """Divide the weights of each place (axis 1), or of each point (axis 0), by their sum."""
        matrix = self.matrix
        sums = np.asarray((matrix if axis else matrix.T) @ np.ones(matrix.shape[axis]))
        total = np.repeat(sums, np.diff(matrix.indptr)) if axis else sums[matrix.indices]
        parts = _divided(matrix.data, total, least=math.ulp(0.0))
        return replace(self, matrix=csr_array((parts, matrix.indices, matrix.indptr), shape=matrix.shape))


def _divided(values: NDArray[np.float64], by: NDArray[np.float64], *, least: float) -> NDArray[np.float64]:
    """Divide, 0 where the divisor is below the least."""
    return np.divide(values, by, out=np.zeros(len(values)), where=by >= least)


def _sides(demand: pd.Series[float], supply: pd.Series[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    check_ids(demand.index, "demand")
    check_ids(supply.index, "supply")
    return amounts(demand, "demand"), amounts(supply, "supply")


def _weighted(
    minutes: pd.Series[float], decay: Decay, origins: tuple[str, pd.Index[Any]], supply: pd.Index[Any]
) -> _Weights:
    trips = ordered(minutes)
    rows = _positions(trips.origins, np.flatnonzero(np.diff(trips.bounds)), *origins)
    columns = _positions(trips.destinations, trips.end, "supply", supply)
    weight = np.asarray(decay(trips.minutes), dtype=np.float64)
    if weight.shape != trips.minutes.shape:
        msg = f"decay {decay!r} returned shape {weight.shape} for {trips.minutes.shape}: give a weight for each trip."
        raise ValueError(msg)
    if not (weight.min(initial=0.0) >= 0 and weight.max(initial=0.0) < math.inf):  # an unknown one fails too
        wrong = ~(np.isfinite(weight) & (weight >= 0))
        some, where = weight[wrong][:3].tolist(), trips.minutes[wrong][:3].tolist()
        msg = f"decay {decay!r} returned {some} at {where} minutes: give weights of 0 or more."
        raise ValueError(msg)
    matrix = csr_array((weight, trips.end, trips.bounds), shape=(len(rows), len(columns)))
    return _Weights(matrix, rows, columns, (len(origins[1]), len(supply)))


def _positions(
    ids: pd.Index[Any], codes: NDArray[np.integer[Any]], name: str, known: pd.Index[Any]
) -> NDArray[np.intp]:
    """Place the ids of the pairs in the index of an argument, where those in use must be."""
    position = np.asarray(known.get_indexer(ids), dtype=np.intp)
    lost = position < 0
    if lost.any():
        lost &= np.bincount(codes, minlength=len(ids)) > 0  # a filtered table keeps ids out of use
    if lost.any():
        msg = (
            f"minutes name ids that {name} does not have: {first_three(ids[lost])}, when its own look like "
            f"{known[:2].tolist()}: add them to {name}, or keep the others with access.between."
        )
        raise TableError(msg)
    return position
