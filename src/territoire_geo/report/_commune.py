"""The sheet of a commune: one page for its council, its needs beside its peers and the structures that serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.columns import KIND
from territoire_geo.maps._commune import proposals_data
from territoire_geo.maps._figures import column, nobody, of_need, reasons, unmet_share
from territoire_geo.maps._resources import text
from territoire_geo.maps._texts import KIND_NAMES, number
from territoire_geo.maps._typography import typeset
from territoire_geo.measures import Level
from territoire_geo.reach import structure_reach
from territoire_geo.report._commune_near import (
    Row,
    check,
    clipped,
    heading,
    label,
    listed,
    minutes_said,
    rule,
    within,
)
from territoire_geo.report._commune_words import SAID
from territoire_geo.report._render import figure, people, percent, render, write_page
from territoire_geo.travel import STRUCTURE_MINUTES

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need

_STRUCTURES, _PROPOSALS, _MEASURES = 8, 3, 7  # what one page holds
_FEWER: Final = 6  # structures when it holds several proposals too
_SENTENCE: Final = 520  # letters kept of a sentence: the sheet stays on its page
_STRIP: Final = (120.0, 14.0)  # width and height of the drawing of the peers
_TIES: Final = 6  # decimals of a share [%] under which two communes are equal
_WHOLE: Final = 100  # from this value on, a measure is printed without decimals


def write_commune_sheet(diagnostic: Diagnostic, code: str, path: str | os.PathLike[str], *, lang: str = "fr") -> Path:
    """
    Write the sheet of a commune: one printed page to agree on with its council.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    code
        Code of a commune of the core, such as "39198".
    path
        Where; its suffix chooses, .html or .pdf.
    lang
        "fr" or "en".

    Returns
    -------
    write_commune_sheet
        The path. A figure that is unknown, withheld or of nobody is said in words, never printed as 0.

    Raises
    ------
    UnknownTerritoryError
        If the commune is not of the core.
    ValueError
        If the language is another one.
    MissingExtraError
        If a PDF is asked for and no browser can print it.
    TerritoireGeoError
        If the suffix is another one, or the file cannot be written.
    """
    check(diagnostic, code, lang)
    said = SAID[lang]
    near = within(diagnostic, code, max(STRUCTURE_MINUTES, *map(structure_reach, diagnostic.needs)))
    proposed = _proposals(diagnostic, code, lang)
    sheet = {
        **heading(diagnostic, code, lang),
        "priority": _priority(diagnostic, code, lang),
        "needs": [_need(diagnostic, need, code, lang) for need in diagnostic.needs],
        "measures": _measures(diagnostic, code, lang),
        "reference": _reference(diagnostic),
        "structures": _structures(diagnostic, near, _FEWER if len(proposed) > 1 else _STRUCTURES, lang),
        "listed": listed(diagnostic, code),
        "proposals": proposed,
        "sources": [typeset(f"{one.producer} {one.millesime}".strip(), lang) for one in diagnostic.sources],
        "rule": rule(diagnostic.settings, lang),
    }
    return write_page(render("commune.html", {"said": said, "sheet": sheet}, lang=lang), path)


def answers(row: Row, needs: Sequence[Need], minutes: float, lang: str) -> tuple[list[str], bool]:
    """
    Tell which needs a structure answers, the surest first.

    Parameters
    ----------
    row
        Of `Diagnostic.structures`.
    needs
        The needs.
    minutes
        From the commune [minutes]: a structure answers a need within its reach only.
    lang
        "fr" or "en".

    Returns
    -------
    answers
        One text by level of evidence, such as "Mobilité, Emploi (déclaré)"; and whether some activity is not known.
    """
    held = [need for need in needs if minutes <= structure_reach(need)]
    levels = {need.id: str(row.get(need.id, Level.UNKNOWN.value)) for need in held}
    out = []
    for level in ANSWERING:
        named = [label(need, lang) for need in held if levels[need.id] == level.value]
        if named:
            out.append(f"{', '.join(named)} ({SAID[lang][level.value]})")
    return out, Level.UNKNOWN.value in levels.values()


def _priority(diagnostic: Diagnostic, code: str, lang: str) -> Row:
    said, table = SAID[lang], diagnostic.ranking.table
    ranks = column(table, "rank")
    own = ranks.get(code, np.nan)
    if np.isnan(own):
        return {"text": said["priority_unranked"], "between": ""}
    low, high = (column(table, name).get(code, np.nan) for name in ("rank_low", "rank_high"))
    between = "" if np.isnan(low) or np.isnan(high) else _span(said["priority_between"], low, high, lang)
    whole = said["priority_rank"].format(number(own, 0, lang), number(ranks.notna().sum(), 0, lang))
    return {"text": whole, "between": between}


def _span(sentence: str, low: float, high: float, lang: str) -> str:
    return sentence.format(number(low, 0, lang), number(high, 0, lang))


def _need(diagnostic: Diagnostic, need: Need, code: str, lang: str) -> Row:
    """Give the figures of a need for the commune, or say in words why there are none."""
    said, core = SAID[lang], diagnostic.territory.core
    table = of_need(diagnostic.coverage, need).reindex(core)
    share = unmet_share(table)
    demand, unmet, low, high = (float(column(table, name)[code]) for name in ("demand", "unmet_people", "low", "high"))
    whole = _whole(table)
    out: Row = {
        "label": clipped(label(need, lang), 44),
        "who": clipped(typeset(need.demand.label_en if lang == "en" else need.demand.label, lang), 60),
        "demand": None if np.isnan(demand) else people(demand, lang),
        "territory": percent(whole, lang),
        "strip": _strip(share, code, 100 * whole),
        "state": "",
    }
    if np.isnan(share[code]):
        return out | {"state": _state(diagnostic, need, code, lang, empty=bool(nobody(table)[code]))}
    bounds = (people(low, lang), people(high, lang))
    bare = np.isnan(low) or np.isnan(high) or bounds[0] == bounds[1]
    return out | {
        "unmet": people(unmet, lang),
        "between": "" if bare else said["between"].format(*bounds),
        "share": percent(share[code] / 100, lang),
        **_rank(table, share, code, lang),
    }


def _whole(table: pd.DataFrame) -> float:
    """Divide what the known communes lack by their demand [0-1]."""
    demand, unmet = column(table, "demand"), column(table, "unmet_people")
    known = demand.notna() & unmet.notna()
    total = demand[known].sum()
    return float(unmet[known].sum() / total) if total > 0 else float("nan")


def _state(diagnostic: Diagnostic, need: Need, code: str, lang: str, *, empty: bool) -> str:
    said = SAID[lang]
    if empty:
        return said["nobody"]
    one = pd.Index([code])
    why = reasons(diagnostic.absences, one, one, (need.id, need.demand.id), lang)
    return said["unknown_because"].format(typeset(clipped(str(why[0][0]), 90), lang))


def _rank(table: pd.DataFrame, share: pd.Series, code: str, lang: str) -> Row:
    """Rank the commune by its unmet share, with the ranks that are possible between low and high values."""
    said, known = SAID[lang], share.dropna().round(_TIES)
    own = int((known > known[code]).sum()) + 1
    tied = int((known == known[code]).sum()) > 1
    count = number(len(known), 0, lang)
    demand = column(table, "demand").reindex(known.index)
    low, high = ((100 * column(table, name).reindex(known.index) / demand).round(_TIES) for name in ("low", "high"))
    told = low.notna().all() and high.notna().all()
    best = int((low.drop(code) > high[code]).sum()) + 1
    worst = len(known) - int((high.drop(code) < low[code]).sum())
    return {
        "rank": said["rank_tied" if tied else "rank_of"].format(number(own, 0, lang), count),
        "ranks": _span(said["rank_between"], best, worst, lang) if told and best < worst else "",
    }


def _strip(share: pd.Series, code: str, whole: float) -> Row | None:
    """Draw each commune as a mark from 0 to 100 %, the territory and the commune."""
    width, height = _STRIP
    known = share.dropna().round(1)
    if known.empty:
        return None

    def place(value: float) -> float | None:
        return None if np.isnan(value) else round(4 + (width - 8) * min(max(value, 0.0), 100.0) / 100, 1)

    marks = sorted({place(float(value)) or 0.0 for value in known})
    path = "".join(f"M{x:g} 3V{height - 3:g}" for x in marks)
    return {"width": width, "height": height, "marks": path, "whole": place(whole), "own": place(float(share[code]))}


def _measures(diagnostic: Diagnostic, code: str, lang: str) -> list[Row]:
    """Put a few measures beside the territory and its reference: those with most to compare come first."""
    rows = []
    for name in diagnostic.computed:
        measure = diagnostic.definitions[name]
        value = float(diagnostic.measures[name].get(code, np.nan))
        if measure.additive and measure.denominator is None:
            continue  # a count of people says nothing beside that of the territory
        others = [float(series.get(name, np.nan)) for series in (diagnostic.totals, diagnostic.references)]
        told = sum(not np.isnan(each) for each in (value, *others))
        if all(np.isnan(each) for each in others):
            continue  # nothing to be held against
        unit = (measure.unit_en or measure.unit) if lang == "en" else measure.unit
        words = [_said(each, unit, lang) for each in (value, *others)]
        here, there, reference = words
        there = "–" if np.isnan(others[0]) and not measure.additive else there  # a median has no total
        rows.append((told, {
            "label": clipped(label(measure, lang), 60), "unit": "" if unit == "%" else typeset(unit, lang),
            "here": here, "territory": there, "reference": reference,
        }))  # fmt: skip
    best = sorted((row for row in rows if row[0]), key=lambda row: -row[0])[:_MEASURES]
    return [row for _, row in best]


def _said(value: float, unit: str, lang: str) -> str:
    if unit == "%":
        return percent(value / 100, lang, 1)
    return figure(value, lang, 0 if abs(value) >= _WHOLE else 1)


def _reference(diagnostic: Diagnostic) -> str:
    there = diagnostic.settings.get("reference")
    return clipped(str(there.get("nom", "")), 24) if isinstance(there, dict) else ""


def _structures(diagnostic: Diagnostic, near: pd.DataFrame, most: int, lang: str) -> Row:
    """Keep the nearest structures that answer a need, or whose activity is not known."""
    said, rows = SAID[lang], []
    for (_, kind), row in zip(near.index, near.to_dict("records"), strict=True):
        found, unsure = answers(row, diagnostic.needs, row["minutes"], lang)
        if found or unsure:
            rows.append({
                "name": clipped(text(row.get("name")) or said["unnamed"], 54),
                "kind": kind,
                "minutes": minutes_said(row["minutes"], lang),
                "answers": [clipped(one, 80) for one in found] or [said["answers_unknown"]],
            })  # fmt: skip
    limit = number(max(STRUCTURE_MINUTES, *map(structure_reach, diagnostic.needs)), 0, lang)
    count = said["count_structures" if len(rows) > 1 else "count_structure"].format(number(len(rows), 0, lang))
    more = len(rows) - most
    tail = said["structures_more" if more > 1 else "structures_more_one"].format(number(max(more, 0), 0, lang))
    present = sorted(set(near.index.get_level_values(KIND)) & {str(row["kind"]) for row in rows[:most]})
    return {
        "rows": rows[:most],
        "said": said["structures_said"].format(count, limit),
        "none": said["structures_none"].format(limit),
        "more": tail if more > 0 else "",
        "kinds": [(kind, KIND_NAMES[lang].get(kind, "")) for kind in present],
    }


def _proposals(diagnostic: Diagnostic, code: str, lang: str) -> list[Row]:
    """Keep the proposals that name the commune, those of the needs with most people unmet there first."""
    said, needs = SAID[lang], {need.id: need for need in diagnostic.needs}
    words = [one["text"] for one in proposals_data(diagnostic, diagnostic.territory.core, lang)]
    rows = []
    for one, sentence in zip(diagnostic.proposals, words, strict=True):
        if code not in one.communes:
            continue
        unmet = column(of_need(diagnostic.coverage, needs[one.need]), "unmet_people").get(code, np.nan)
        action = said[f"action_{one.action}"]
        rows.append((0.0 if np.isnan(unmet) else unmet, {"action": action, "text": clipped(str(sentence), _SENTENCE)}))
    return [row for _, row in sorted(rows, key=lambda row: -row[0])[:_PROPOSALS]]
