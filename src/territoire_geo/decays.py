"""Decays: values that weigh minutes, with a name, equality and a reach."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

Decay = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True, repr=False)
class Law:
    """Weigh minutes: a decay that can be compared, hashed, pickled and named in the settings."""

    label: str  # names the law and its parameters in full: two laws of one label are equal
    d0: float  # minutes: no weight beyond it, inf when unbounded
    shape: Decay = field(compare=False)

    def __call__(self, minutes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weigh each of the minutes between 0 and 1."""
        weight, within = self.shape(minutes), np.less_equal(minutes, self.d0)
        return weight if within.all() else np.where(within, weight, 0.0)

    def __repr__(self) -> str:
        return self.label


def _step_shape(
    minutes: NDArray[np.float64], *, bounds: Sequence[float], weights: Sequence[float]
) -> NDArray[np.float64]:
    passed = np.zeros(np.shape(minutes), dtype=np.min_scalar_type(len(bounds)))
    for bound in bounds:  # a few scans of bytes: seven times faster than a search
        passed += minutes > bound
    weight: NDArray[np.float64] = np.array([*weights, 0.0])[passed]
    return weight


def _dai_shape(minutes: NDArray[np.float64], *, d0: float) -> NDArray[np.float64]:
    floor = np.exp(-0.5)
    weight = (np.exp(-0.5 * np.square(minutes / d0)) - floor) / (1 - floor)
    return np.where(weight > 0, weight, 0.0)


def _gaussian_shape(minutes: NDArray[np.float64], *, sigma: float) -> NDArray[np.float64]:
    return np.exp(-0.5 * np.square(minutes / sigma))


def _exponential_shape(minutes: NDArray[np.float64], *, beta: float) -> NDArray[np.float64]:
    return np.exp(-beta * minutes)


def _number(value: float) -> str:
    return np.format_float_positional(value, trim="-")


def _named(d0: float) -> str:
    return "" if math.isinf(d0) else f", d0={_number(d0)}"


def _limit(d0: float | None) -> float:
    return math.inf if d0 is None else positive("d0", d0, bounded=False)


def positive(name: str, value: float, *, bounded: bool = True) -> float:
    """
    Check that a parameter is a positive number.

    Parameters
    ----------
    name
        Name of the parameter, for the message.
    value
        The parameter.
    bounded
        Whether infinity is refused.

    Returns
    -------
    positive
        The value.

    Raises
    ------
    ValueError
        If it is not positive, or not finite when bounded.
    """
    if not value > 0 or (bounded and math.isinf(value)):
        msg = f"{name} = {value!r}: give a positive number{'' if bounded else ' (math.inf for no limit)'}."
        raise ValueError(msg)
    return float(value)


def binary(d0: float) -> Law:
    """
    Weigh 1 up to `d0`, 0 beyond: the catchments of 2SFCA.

    Parameters
    ----------
    d0
        Reach [minutes], included; `math.inf` weighs every pair 1. ValueError unless positive.

    Returns
    -------
        The law, from minutes to weights.

    References
    ----------
    Luo and Wang 2003, doi:10.1068/b29120.
    """
    return steps({d0: 1.0})


def steps(weights: Mapping[float, float]) -> Law:
    """
    Weigh by steps: the catchments of E2SFCA.

    Parameters
    ----------
    weights
        Upper bound of each step [minutes] and its weight, from 1 down to 0. At an exact bound the
        higher weight holds; beyond the last bound the weight is 0.

    Returns
    -------
        The law, from minutes to weights.

    Raises
    ------
    ValueError
        No step has a weight, a bound is not positive, or the weights leave [0, 1] or rise.

    References
    ----------
    Luo and Qi 2009, doi:10.1016/j.healthplace.2009.06.002.

    Examples
    --------
    >>> steps({10: 1, 20: 0.68, 30: 0.22})
    steps(10→1, 20→0.68, 30→0.22)
    >>> steps({10: 1, 20: 0.68, 30: 0.22})(np.array([10.0, 10.1, 30.0, 31.0])).tolist()
    [1.0, 0.68, 0.22, 0.0]
    """
    ordered = sorted((positive("a bound of steps", b, bounded=False), float(w)) for b, w in weights.items())
    values = [weight for _, weight in ordered]
    if not all(0 <= weight <= 1 for weight in values) or values != sorted(values, reverse=True):
        msg = f"steps({dict(weights)}): give weights between 0 and 1 that never rise with the minutes."
        raise ValueError(msg)
    kept = {bound: weight for bound, weight in ordered if weight > 0}  # a step of 0 is out of reach
    if not kept:
        msg = f"steps({dict(weights)}): give at least one step with a weight, such as {{30: 1}}."
        raise ValueError(msg)
    bounds, d0 = tuple(kept), max(kept)
    named = ", ".join(f"{_number(bound)}→{_number(weight)}" for bound, weight in kept.items())
    label = f"binary({_number(d0)})" if list(kept.values()) == [1.0] else f"steps({named})"
    return Law(label, d0, partial(_step_shape, bounds=bounds, weights=tuple(kept.values())))


def dai(d0: float) -> Law:
    """
    Weigh by the kernel of KD2SFCA: (exp(-½(c/d0)²) - exp(-½)) / (1 - exp(-½)) up to `d0`.

    Parameters
    ----------
    d0
        Reach [minutes], where the weight is already 0. ValueError unless positive and finite.

    Returns
    -------
        The law, from minutes to weights.

    References
    ----------
    Dai 2010, doi:10.1016/j.healthplace.2010.06.012.
    """
    reach = positive("d0", d0)
    return Law(f"dai({_number(reach)})", reach, partial(_dai_shape, d0=reach))


def gaussian(sigma: float, d0: float | None = None) -> Law:
    """
    Weigh by a bell curve: exp(-½(c/σ)²) up to `d0`.

    Parameters
    ----------
    sigma
        Minutes at which the weight is exp(-½) = 0.61. ValueError unless positive and finite.
    d0
        Reach [minutes], included; None for no limit. ValueError unless positive.

    Returns
    -------
        The law, from minutes to weights.
    """
    sigma, reach = positive("sigma", sigma), _limit(d0)
    return Law(f"gaussian(σ={_number(sigma)}{_named(reach)})", reach, partial(_gaussian_shape, sigma=sigma))


def exponential(beta: float, d0: float | None = None) -> Law:
    """
    Weigh by a falling exponential: exp(-βc) up to `d0`.

    Parameters
    ----------
    beta
        Fall of the weight [per minute]. ValueError unless positive and finite.
    d0
        Reach [minutes], included; None for no limit. ValueError unless positive.

    Returns
    -------
        The law, from minutes to weights.
    """
    beta, reach = positive("beta", beta), _limit(d0)
    return Law(f"exponential(β={_number(beta)}{_named(reach)})", reach, partial(_exponential_shape, beta=beta))
