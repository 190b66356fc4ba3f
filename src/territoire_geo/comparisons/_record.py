"""`Comparison`: two diagnostics, what changed between them, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.columns import NEED
from territoire_geo.comparisons._changes import PARTS
from territoire_geo.comparisons._pair import Pair, of_need, setting
from territoire_geo.sentences import FEW

if TYPE_CHECKING:
    from territoire_geo.comparisons._why import Why
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.tables import Note

SLIGHT: Final = 1e-6  # people: below it nothing changed but the last digits
SAME: Final = ("speed_kmh", "detour", "travel", "method")


@dataclass(frozen=True)
class Comparison:
    """
    Two diagnostics, and what changed between them: two years, two settings, before and after a scenario.

    Attributes
    ----------
    before, after
        The two diagnostics.
    changes
        Index (code_commune, need), the core communes and needs of either: demand, access, target and unmet, each
        `_before` and `_after` [people; access unit of the need]; people [people: fewer unmet is negative] and units
        [gap unit, NaN when the unit changed]; share_before, share_after [0-1, unmet over demand]; people_demand,
        people_access, people_target [people: what the change owes to the number of people concerned, to their access
        and to the norm, which add up to `people`; NaN when it cannot be told, or units changed]; `distinct` (boolean,
        missing unknown): whether the low to high intervals of the two do not overlap. NaN on the side that does not
        know the figure, the commune or the need.
    conservation
        Index need, over core and buffer: supply, reached and delivered [supply unit], after less before, and gap =
        delivered − reached, which is 0 but for rounding: what is shared out is the supply that is reached. NaN for
        mobility, which shares nothing out, and for a need that only one of the two assesses.
    figures
        Index (code_commune, measure), core and buffer of both: the measures that changed, before, after, difference
        [unit of the measure]; state_before, state_after ("known", "unknown", "secret"); in_core (of both); columns (the
        table columns that they were read from, those whose source changed when some did).
    structures
        Index (siret, kind): the structures that are not as they were: name; new or gone (in the list, which does not
        say that it opened or closed); moved, by metres [NaN when a place is known by its commune only]; activity, with
        levels in words by need; capacity, capacity_before, capacity_after [posts, or what a scenario gives; NaN
        unknown]; within_reach (of a core commune, on either side).
    facilities
        Index id: the other supply points that are not as they were: type, label, label_en, name, code_commune, new,
        gone, moved, metres, amount, amount_before, amount_after. A list whose ids are not kept from one year to the
        next is held by commune and type.
    causes
        Index (code_commune, need), the rows that changed: which causes can be at work there (boolean): figures,
        perimeter, structures (and other supply points), settings, method, edited (by hand, in a file); `unexplained`
        when none is.
    why
        What differs between the two, in sentences (`Why`: cause, fr, en).
    notes
        What a reader must know before reading a change: nothing changed, communes left out, a need that is not counted
        as before, vintages of the census that share surveys.
    """

    before: Diagnostic
    after: Diagnostic
    changes: pd.DataFrame
    conservation: pd.DataFrame
    figures: pd.DataFrame
    structures: pd.DataFrame
    facilities: pd.DataFrame
    causes: pd.DataFrame
    why: tuple[Why, ...] = ()
    notes: tuple[Note, ...] = ()

    def summary(self) -> pd.DataFrame:
        """
        Sum up who gains and who loses, by need, over the core communes of both [people].

        Returns
        -------
        summary
            One row per need of either: gain (people no longer unmet, over the communes that gain), loss (people newly
            unmet, over those that lose), net (gain − loss), units (gap unit, fewer missing is negative),
            communes_gaining, communes_losing, unknown (communes that cannot be compared); before, after (people unmet,
            over the communes compared); people_demand, people_access, people_target (what the change, −net, owes to
            each); low, high (of the change: when both sides have the same settings and communes, over the settings of
            the sensitivity, one by one; else between the two intervals); `distinct` (a change of 5 people or more whose
            low and high are on the same side of 0). NaN when no commune can be compared.
        """
        pair = Pair(self.before, self.after)
        rows = {need: self._total(pair, need) for need in pair.needs}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis(NEED)

    def _total(self, pair: Pair, need: str) -> dict[str, object]:
        frame = of_need(self.changes, need)
        frame = frame[frame.index.isin(pair.both)]
        known = frame[frame["people"].notna()]
        fewer, more = (known["people"].clip(upper=0), known["people"].clip(lower=0))
        change = known["people"].sum(min_count=1)
        low, high = self._interval(pair, need, known)
        return {
            "gain": 0.0 - fewer.sum() if len(known) else np.nan,
            "loss": more.sum() if len(known) else np.nan,
            "net": 0.0 - change,
            "units": known["units"].sum(min_count=1),
            "communes_gaining": int((known["people"] < -SLIGHT).sum()),
            "communes_losing": int((known["people"] > SLIGHT).sum()),
            "unknown": len(frame) - len(known),
            "before": known["unmet_before"].sum(min_count=1),
            "after": known["unmet_after"].sum(min_count=1),
            **{name: known[name].sum(min_count=1, skipna=False) for name in PARTS},
            "low": low,
            "high": high,
            "distinct": bool(abs(change) >= FEW and (low > 0 or high < 0)),
        }

    def _interval(self, pair: Pair, need: str, known: pd.DataFrame) -> tuple[float, float]:
        """Bound the change of a need over the communes that can be compared [people]."""
        if not len(known):
            return np.nan, np.nan
        if need in pair.shared and self._alike(pair, need):
            sides = [of_need(side.coverage, need)["unmet_people"] for side in (pair.before, pair.after)]
            if sides[0].notna().equals(sides[1].notna()):
                totals = [of_setting(side, need) for side in (pair.before, pair.after)]
                each = (totals[1] - totals[0]).dropna()
                if len(each):
                    return float(each.min()), float(each.max())
        rows = known.index
        one, other = (of_need(side.coverage, need).loc[rows, ["low", "high"]] for side in (pair.before, pair.after))
        ends = (other["low"] - one["high"]).sum(skipna=False), (other["high"] - one["low"]).sum(skipna=False)
        return float(ends[0]), float(ends[1])

    def _alike(self, pair: Pair, need: str) -> bool:
        """Tell whether both sides try the same settings on the same communes: their totals then compare one by one."""
        one, other = pair.before, pair.after
        told = [setting(side, "needs").get(need) for side in (one, other)]
        same = all(one.settings.get(name) == other.settings.get(name) for name in SAME)
        return same and told[0] == told[1] and one.territory.core.equals(other.territory.core)


def of_setting(diagnostic: Diagnostic, need: str) -> pd.Series[float]:
    """
    Give the unmet people of a need under each setting of the sensitivity [people].

    Parameters
    ----------
    diagnostic
        Holds the settings and their totals.
    need
        Id of the need.

    Returns
    -------
    of_setting
        Indexed by setting.
    """
    totals = diagnostic.scenarios
    rows = totals[totals.index.get_level_values(NEED) == need].droplevel(NEED)
    return rows["unmet_people"].astype("float64")
