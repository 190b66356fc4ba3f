"""What changed by commune and need, and an exact account of it: from people, from access, from the norm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.columns import NEED
from territoire_geo.comparisons._pair import Pair, differ

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PARTS: Final = ("people_demand", "people_access", "people_target")
TOLD: Final = ("demand", "access", "target", "unmet")  # what makes a row one that changed
CONSERVED: Final = ("supply", "reached", "delivered")
SLIP: Final = 1e-6  # people, and relative: unmet people that do not follow from the other figures were set by hand


def by_commune(pair: Pair) -> pd.DataFrame:
    """
    Lay side by side what each commune lacks.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    by_commune
        The columns of `Comparison.changes`.
    """
    before, after = pair.before.coverage, pair.after.coverage
    index = before.index if before.index.equals(after.index) else before.index.union(after.index)
    names = ["demand", "access", "target", "unmet_people", "unmet_units", "low", "high"]
    one, other = (frame.reindex(index).reindex(columns=names).astype("float64") for frame in (before, after))
    frame = pd.DataFrame(
        {
            f"{name}_{side}": table[column]
            for name, column in (("demand",) * 2, ("access",) * 2, ("target",) * 2, ("unmet", "unmet_people"))
            for side, table in (("before", one), ("after", other))
        }
    )
    same = pd.Series(~index.get_level_values(NEED).isin(pair.redefined), index=index)
    frame["people"] = other["unmet_people"] - one["unmet_people"]
    frame["units"] = (other["unmet_units"] - one["unmet_units"]).where(same)
    for side, table in (("before", one), ("after", other)):
        frame[f"share_{side}"] = table["unmet_people"] / table["demand"].where(table["demand"] > 0)
    frame = frame.join(parts(frame).where(same, axis=0))
    apart = other["low"].gt(one["high"]) | other["high"].lt(one["low"])
    known = pd.concat([one, other], axis=1)[["low", "high"]].notna().all(axis=1)
    return frame.assign(distinct=apart.astype("boolean").where(known))


def parts(changes: pd.DataFrame) -> pd.DataFrame:
    """
    Share the change of the unmet people among what made it: the people concerned, their access, the norm [people].

    Unmet people are D·max(0, 1 − A/T). Each factor gets the mean of what it changes over the six orders in which the
    three may pass from before to after (its Shapley value), so that the three add up to the change, whatever came
    first.

    Parameters
    ----------
    changes
        Columns demand, access, target and unmet, `_before` and `_after`.

    Returns
    -------
    parts
        Columns people_demand, people_access and people_target; NaN where a figure is unknown or infinite, a norm is
        not above 0, or the unmet people are not those that the figures give, as after a correction by hand.

    References
    ----------
    .. [1] Shorrocks 2013, doi:10.1007/s10888-011-9214-z (decomposition by the Shapley value).
    """
    before, after = (_side(changes, side) for side in ("before", "after"))
    (people, access, norm, unmet), (people_after, access_after, norm_after, unmet_after) = before, after
    g00, g10 = _gap(access, norm), _gap(access_after, norm)
    g01, g11 = _gap(access, norm_after), _gap(access_after, norm_after)
    by_people = (people_after - people) * (2 * g00 + g10 + g01 + 2 * g11) / 6
    by_access = ((2 * people + people_after) * (g10 - g00) + (people + 2 * people_after) * (g11 - g01)) / 6
    by_norm = ((2 * people + people_after) * (g01 - g00) + (people + 2 * people_after) * (g11 - g10)) / 6
    follows = _follows(unmet, people * g00) & _follows(unmet_after, people_after * g11)
    frame = pd.DataFrame(dict(zip(PARTS, (by_people, by_access, by_norm), strict=True)), index=changes.index)
    return frame.where(pd.Series(follows, index=frame.index) & frame.notna().all(axis=1), axis=0)


def _side(changes: pd.DataFrame, side: str) -> list[Floats]:
    names = [changes[f"{name}_{side}"] for name in TOLD]
    people, access, norm, unmet = (np.asarray(one.to_numpy(dtype="float64")) for one in names)
    finite = [np.where(np.isfinite(one), one, np.nan) for one in (people, access, norm)]
    return [*finite[:2], np.where(np.greater(finite[2], 0), finite[2], np.nan), unmet]


def _gap(access: Floats, norm: Floats) -> Floats:
    with np.errstate(over="ignore"):  # far above a tiny norm, nobody is unmet
        gap: Floats = np.maximum(1 - access / norm, 0)
    return gap


def _follows(unmet: Floats, made: Floats) -> NDArray[np.bool_]:
    near: NDArray[np.bool_] = np.abs(unmet - made) <= SLIP * np.maximum(1, np.abs(made))
    return near


def changed(changes: pd.DataFrame) -> pd.Series[bool]:
    """
    Tell the rows where something changed: people, access, norm, unmet people, or what is known of them.

    Parameters
    ----------
    changes
        From `by_commune`.

    Returns
    -------
    changed
        One boolean by row.
    """
    moved = pd.Series(data=False, index=changes.index)
    for name in TOLD:
        moved |= differ(changes[f"{name}_before"], changes[f"{name}_after"])
    return moved


def conservation(pair: Pair) -> pd.DataFrame:
    """
    Tell what supply came or went, what of it is reached, and what was shared out [supply unit].

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    conservation
        Index need: supply, reached, delivered, after less before, and gap = delivered − reached. NaN for a need that
        only one of the two assesses, that shares nothing out, or whose unit changed.
    """
    index = pd.Index(list(pair.needs), name=NEED)
    one, other = (
        side.conservation.reindex(index).reindex(columns=list(CONSERVED)).astype("float64")
        for side in (pair.before, pair.after)
    )
    moved = (other - one).where(pd.Series(~index.isin(pair.redefined), index=index), axis=0)
    return moved.assign(gap=moved["delivered"] - moved["reached"])
