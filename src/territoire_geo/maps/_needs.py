"""A need as data for the page: what a tooltip, a sheet and a table say of it."""

from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._blob import Column
from territoire_geo.maps._figures import column, nobody, of_need, reasons, unmet_share
from territoire_geo.maps._texts import figures, number, people
from territoire_geo.maps._theme import Json, rounded
from territoire_geo.maps._typography import missing, singular
from territoire_geo.measures import Need

_TINY: Final = 0.1
_FEW_UNITS: Final = 5  # under it a total of units keeps two decimals, as the terminal prints it


def need_data(diagnostic: Diagnostic, need: Need, core: pd.Index, lang: str) -> Json:
    """
    Gather what a tooltip, a sheet and a table say of a need.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    need
        One of its needs.
    core
        Codes of the communes, in the order of the page.
    lang
        "fr" or "en".

    Returns
    -------
    need_data
        Words, and columns that follow `core`, NaN unknown.
    """
    table = of_need(diagnostic.coverage, need).reindex(core)
    reach = of_need(diagnostic.reach, need).reindex(core)
    share = unmet_share(table)
    access, norms, (unit, decimals) = against_norm(need, table, lang)
    told = share.notna() | nobody(table)
    # A product of two units, such as jobs × people, says nothing to a meeting.
    gap = column(table, "unmet_units") * (np.nan if "×" in need.gap_unit else 1.0)
    gap_decimals = _decimals(gap, figures_kept=2, least=1, most=3)
    out = _words(need, lang) | {
        "id": need.id,
        "accessUnit": unit,
        "decimals": decimals,
        "gapDecimals": gap_decimals,
        "headline": need.headline,
        "norm": _norm(diagnostic, need, lang),
        "share": Column(share, 1),
        "known": Column(100 * column(table, "known_share"), 0),
        "why": reasons(diagnostic.absences, core[share.isna() & ~nobody(table)], core, (need.id, need.demand.id), lang),
        "total": _total(diagnostic, need, table),
        "gap": _units(gap, gap_decimals),
        # Where the need is not known, access alone tells nothing.
        "norms": Column(norms.where(told), decimals),
        "access": Column(access.where(told), decimals),
        "nearest": Column(column(reach, "nearest_minutes"), 0),
    }
    # Each commune lacks either because nothing is within reach or because what is falls short, never both.
    out["beyond"] = Column((column(table, "out_of_reach") > column(table, "saturated")).where(share.notna()), 0)
    out |= {name: _people(column(table, name)) for name in ("demand", "unmet_people", "low", "high")}
    return out | {name: Column(column(reach, name), 0) for name in ("siae", "answering")}


def against_norm(need: Need, table: pd.DataFrame, lang: str) -> tuple[pd.Series, pd.Series, tuple[str, int]]:
    """
    Give access and norm as the page prints them.

    Parameters
    ----------
    need
        The need.
    table
        Its coverage, by commune.
    lang
        "fr" or "en".

    Returns
    -------
    against_norm
        Access and norm in a unit that is readable, rounded, NaN unknown; the unit, and how many decimals.
    """
    factor, unit = _readable(need, column(table, "target"), lang)
    access, norms = (factor * column(table, name) for name in ("access", "target"))
    decimals = _decimals(norms if norms.notna().any() else access, figures_kept=3, least=0, most=4)
    return rounded(access, decimals), rounded(norms, decimals), (unit, decimals)


def _people(values: pd.Series) -> Column:
    return Column([np.nan if value is None else value for value in people(values)], 0)


def _words(need: Need, lang: str) -> Json:
    english = lang == "en"
    unmet, unit = (need.unmet_en, need.gap_unit_en) if english else (need.unmet, need.gap_unit)
    many, one = missing(unit, lang)
    return {
        "label": need.label_en if english else need.label,
        "people": unmet,
        "who": need.demand.label_en if english else need.demand.label,
        "gapUnit": unit,
        "gapUnitOne": singular(unit),
        "missing": many,
        "missingOne": one,
    }


def _decimals(values: pd.Series, *, figures_kept: int, least: int, most: int) -> int:
    """Choose one number of decimals for a column, from its largest value."""
    known = values[np.isfinite(values)].abs()
    if not len(known) or known.max() <= 0:
        return least
    return int(np.clip(figures_kept - 1 - np.floor(np.log10(known.max())), least, most))


def _units(values: pd.Series, decimals: int) -> Column:
    """Round units; what the last decimal would round to 0 stays above it, and is printed "less than"."""
    least = 10.0**-decimals
    return Column(values.mask((values > 0) & (values < least / 2), least / 10), decimals + 1)


def _readable(need: Need, norm: pd.Series, lang: str) -> tuple[float, str]:
    """Tell an access in units "per person" for a thousand people when one person's share is too small to read."""
    unit, word = (need.access_unit_en, " per ") if lang == "en" else (need.access_unit, " par ")
    what, _, each = unit.partition(word)
    if not each or not norm.max() < _TINY:
        return 1.0, unit
    words = each.split()
    # French agrees the whole group (habitants âgés), English its last word.
    words = [f"{each}s" for each in words] if lang == "fr" else [*words[:-1], f"{words[-1]}s"]
    return 1000.0, f"{what}{' pour ' if lang == 'fr' else word}{number(1000, 0, lang)} {' '.join(words)}"


def _total(diagnostic: Diagnostic, need: Need, table: pd.DataFrame) -> Json:
    """Sum the known communes, and say how many they are; low and high come from whole scenarios when there are some."""
    unmet, demand = column(table, "unmet_people"), column(table, "demand")
    known = unmet.notna() & demand.notna()
    sums = [demand[known].sum(), unmet.sum(), column(table, "low").sum(), column(table, "high").sum()]
    settings = of_need(diagnostic.scenarios, need)
    if "unmet_people" in settings and settings["unmet_people"].notna().any():
        sums[2] = min(sums[1], settings["unmet_people"].min())
        sums[3] = max(sums[1], settings["unmet_people"].max())
    if not known.any():
        sums = [float("nan")] * 4
    demand_all, unmet_all, low, high = people(pd.Series(sums, dtype="float64"))
    share = pd.Series([100 * sums[1] / sums[0] if known.any() and sums[0] > 0 else float("nan")])
    gap = column(table, "unmet_units").sum(min_count=1)
    units = column(settings, "unmet_units")
    decimals = 0 if gap >= _FEW_UNITS else 2
    gaps = figures(pd.Series([gap, min(gap, units.min()), max(gap, units.max())]), decimals)
    return {
        "demand": demand_all,
        "unmet": unmet_all,
        "low": low,
        "high": high,
        "share": figures(share, 1)[0],
        "gap": gaps[0],
        "gapLow": gaps[1] if units.notna().any() else None,
        "gapHigh": gaps[2] if units.notna().any() else None,
        "gapDecimals": decimals,
        "known": int(known.sum()),
    }


def _norm(diagnostic: Diagnostic, need: Need, lang: str) -> str:
    name = "label_en" if lang == "en" else "label"
    if need.id not in diagnostic.targets.index or name not in diagnostic.targets:
        return ""
    return str(diagnostic.targets.at[need.id, name])
