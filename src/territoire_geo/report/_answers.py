"""The next pages of the report: resources, needs held against them, the actors' words, priorities, proposals."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.columns import CODE_COMMUNE, KIND, KINDS, NEED, NOM_COMMUNE
from territoire_geo.maps._ranked import ranked_themes
from territoire_geo.maps._texts import KIND_NAMES
from territoire_geo.maps._theme import Options
from territoire_geo.maps._themes import label_of
from territoire_geo.maps._typography import typeset
from territoire_geo.report._render import people, percent
from territoire_geo.report._sections import PALE, Facts, legend
from territoire_geo.report._svg import Canvas, Mark, draw, fills_of, stacked
from territoire_geo.report._words import WORDS
from territoire_geo.trades import TRADES, plain

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need
    from territoire_geo.proposals import Proposal
    from territoire_geo.sessions import Sessions

NAF: Final = "naf"
TRADES_SHOWN: Final = 7
EQUIPMENT: Final = 6
RANKED: Final = 10
NOTES: Final = 14
CONFLICTS: Final = 8
MISSING: Final = 12
PARTS: Final = {"served": "#cfd8e3", "saturated": "#fdb863", "out_of_reach": "#b35806"}
ZONES: Final = ("served", "to_ask", "white", "unlisted")
SIGNS: Final = {
    "ACI": "#1d4e89", "AI": "#b35806", "EI": "#2f7d4f", "EITI": "#6a51a3",
    "ETTI": "#980043", "GEIQ": "#7a6a00", "EA": "#4a5565",
}  # fmt: skip
LETTERS: Final = {"ACI": "C", "AI": "A", "EI": "E", "EITI": "I", "ETTI": "T", "GEIQ": "G", "EA": "H"}  # as on the map
_OTHER: Final = "#4a5565"


def resources(diagnostic: Diagnostic, drawn: Canvas | None, lang: str) -> Facts:
    """
    List the structures by kind and trade, and the other services.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    drawn
        Its canvas, None without a polygon.
    lang
        "fr" or "en".

    Returns
    -------
    resources
        kinds (name, inside, around), trades (title, count), others (label, count), map, legend and total.
    """
    frame = diagnostic.structures
    located = diagnostic.territory.locate(frame.geometry) if len(frame) else pd.Series(dtype="str")
    inside = located.isin(diagnostic.territory.core)
    trips: pd.MultiIndex = diagnostic.trips.index  # type: ignore[assignment] # by commune, siret and kind
    ours = trips[trips.get_level_values(CODE_COMMUNE).isin(diagnostic.territory.core)]
    reached = frame.index.isin(ours.droplevel(CODE_COMMUNE))
    told = pd.DataFrame({"inside": inside, "around": reached & ~inside}, index=frame.index)
    by_kind = told.groupby(level=KIND).sum()
    known = [*KINDS, *sorted(set(by_kind.index) - set(KINDS))]
    kinds = [
        {
            "id": kind,
            "name": KIND_NAMES[lang].get(kind, kind),
            "colour": SIGNS.get(kind, _OTHER),
            "letter": _letter(kind),
            "inside": int(by_kind["inside"][kind]),
            "around": int(by_kind["around"][kind]),
        }
        for kind in known
        if kind in by_kind.index
    ]
    near = frame[told.any(axis=1)] if len(frame) else frame
    return {
        "kinds": kinds,
        "trades": _trades(near),
        "others": _others(diagnostic, lang),
        "total": int(told["inside"].sum()),
        "listed": len(frame) > 0,
        "map": None if drawn is None or frame.empty else _signs(diagnostic, drawn, lang),
    }


def _letter(kind: str) -> str:
    return LETTERS.get(kind, kind[:1])


def _trades(frame: pd.DataFrame) -> list[Facts]:
    if NAF not in frame or frame.empty:
        return []
    titles = {trade.code: trade.title for trade in TRADES if trade.naf}
    codes = frame[NAF].astype("str").where(frame[NAF].notna(), "").map(plain)
    counts = codes[codes.ne("")].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    return [
        {"code": code, "title": titles.get(str(code), ""), "count": int(count)}
        for code, count in counts.head(TRADES_SHOWN).items()
    ]


def _others(diagnostic: Diagnostic, lang: str) -> list[Facts]:
    frame = diagnostic.facilities
    if frame.empty:
        return []
    inside = frame["code_commune"].isin(diagnostic.territory.core)
    label = frame["label_en" if lang == "en" else "label"].astype("str")
    counts = pd.DataFrame({"label": label, "inside": inside, "around": ~inside}).groupby("label").sum()
    first = counts.sort_values(["inside", "around"], ascending=False, kind="stable").head(EQUIPMENT)
    return [{"label": name, "inside": int(r["inside"]), "around": int(r["around"])} for name, r in first.iterrows()]


def _signs(diagnostic: Diagnostic, drawn: Canvas, lang: str) -> object:
    frame = diagnostic.structures
    points = gpd.GeoSeries(frame.geometry, crs=frame.crs).to_crs(diagnostic.territory.crs)
    places = gpd.GeoSeries(points[points.notna() & ~points.is_empty])
    units = drawn.unit(np.column_stack([places.x, places.y])) if len(places) else np.empty((0, 2))
    marks = [
        Mark(float(x), float(y), 19, SIGNS.get(kind, _OTHER), _letter(str(kind)))
        for (x, y), kind in zip(units, places.index.get_level_values(KIND), strict=True)
        if 0 <= x <= drawn.width and 0 <= y <= drawn.height
    ]
    fills = pd.Series(PALE, index=diagnostic.territory.core, dtype="str")
    return draw(drawn, fills, label=WORDS[lang]["map_structures"], marks=marks)


def gap(diagnostic: Diagnostic, lang: str) -> list[Facts]:
    """
    Hold each need against what is within reach.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    lang
        "fr" or "en".

    Returns
    -------
    gap
        By need: label, people, its three parts [people], bar, zones (name, people) and answering (structures that
        answer it, core and around).
    """
    rows = []
    for need in diagnostic.needs:
        table = diagnostic.coverage.xs(need.id, level=NEED)
        known = table[table["unmet_people"].notna()]
        parts = {name: float(known[name].sum(min_count=1)) for name in PARTS}
        whole = sum(parts.values())
        bar = [(value / whole, PARTS[name]) for name, value in parts.items()] if whole > 0 else []
        rows.append(
            {
                "label": label_of(need, lang),
                "demand": float(known["demand"].sum(min_count=1)),
                "parts": [{"name": name, "people": value, "colour": PARTS[name]} for name, value in parts.items()],
                "bar": stacked(bar, label_of(need, lang)) if bar else None,
                "zones": _zones(diagnostic, need),
                "answering": _answering(diagnostic, need),
            }
        )
    return rows


def _zones(diagnostic: Diagnostic, need: Need) -> list[Facts]:
    frame = diagnostic.inventory.zones
    if frame.empty or need.id not in frame.index.get_level_values(NEED):
        return []
    zones = pd.DataFrame(frame.xs(need.id, level=NEED))
    sums = zones.groupby("zone")["people"].sum(min_count=1)
    return [{"zone": zone, "people": float(sums[zone])} for zone in ZONES if sums.get(zone, 0) > 0]


def _answering(diagnostic: Diagnostic, need: Need) -> int | None:
    frame = diagnostic.structures
    if frame.empty or need.id not in frame:
        return None
    return int((frame[need.id].isin([level.value for level in ANSWERING]) & frame[f"people_{need.id}"].gt(0)).sum())


def actors(diagnostic: Diagnostic, sessions: Sessions | None, lang: str) -> Facts | None:
    """
    Give the notes and the weights of the stakeholders.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    sessions
        What was read, or None.
    lang
        "fr" or "en".

    Returns
    -------
    actors
        notes, weights by college, conflicts and refused parts, with how many are left out; None without a session.
    """
    if sessions is None:
        return None
    labels = {need.id: label_of(need, lang) for need in diagnostic.needs}
    notes = [
        _note(row, labels, diagnostic, lang)
        for _, row in sessions.notes.sort_values(["theme", "code_commune"], kind="stable").iterrows()
    ]
    conflicts = [_conflict(row, labels, diagnostic, lang) for _, row in sessions.conflicts.iterrows()]
    reason = "reason_en" if lang == "en" else "reason"
    refused = [f"{row['file']}, {row['where']}\u00a0: {row[reason]}" for _, row in sessions.refused.iterrows()]
    return {
        "needs": list(labels.values()),
        "notes": notes[:NOTES],
        "all_notes": len(notes),
        "weights": [_weights(college, given, diagnostic) for college, given in sorted(sessions.weights.items())],
        "conflicts": conflicts[:CONFLICTS],
        "all_conflicts": len(conflicts),
        "refused": refused[:CONFLICTS],
        "all_refused": len(refused),
    }


def _note(row: pd.Series, labels: dict[str, str], diagnostic: Diagnostic, lang: str) -> Facts:
    words = WORDS[lang]
    names = diagnostic.territory.communes[NOM_COMMUNE]
    theme = str(row["theme"])
    given = row["nom_commune"]
    return {
        "commune": str(names.get(row["code_commune"], given if isinstance(given, str) else row["code_commune"])),
        "theme": words["general"] if theme == "general" else labels.get(theme, theme),
        "college": row["college"] if isinstance(row["college"], str) and row["college"] else words["no_college"],
        "status": words.get(str(row["statut"]), str(row["statut"])),
        "text": str(row["texte"]),
    }


def _conflict(row: pd.Series, labels: dict[str, str], diagnostic: Diagnostic, lang: str) -> Facts:
    if row["kind"] == "note":
        note = _note(row, labels, diagnostic, lang)
        text = f"{note['commune']}, {note['theme']}, {note['college']}, {note['status']}\u00a0: {note['text']}"
    else:
        shares = _weights(str(row["key"]), row["weights"], diagnostic)["shares"]
        told = zip(labels.values(), shares, strict=True)  # type: ignore[call-overload]
        text = f"{row['key']}\u00a0: " + ", ".join(f"{label} {percent(share, lang)}" for label, share in told)
    return {"key": str(row["key"]), "version": int(row["version"]), "text": text}


def _weights(college: str, given: object, diagnostic: Diagnostic) -> Facts:
    book = dict(given) if isinstance(given, dict) or hasattr(given, "items") else {}  # type: ignore[call-overload]
    values = [float(book.get(need.id, 0.0)) for need in diagnostic.needs]
    whole = sum(values)
    return {"college": college, "shares": [value / whole if whole > 0 else float("nan") for value in values]}


def priorities(diagnostic: Diagnostic, drawn: Canvas | None, lang: str) -> Facts:
    """
    Give the first communes of the ranking, and how far it holds.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    drawn
        Its canvas, None without a polygon.
    lang
        "fr" or "en".

    Returns
    -------
    priorities
        rows, unranked (count), agreement (Kendall's W, NaN with one college), map, legend and remarks.
    """
    table = diagnostic.priorities
    names = diagnostic.territory.communes[NOM_COMMUNE]
    first = table[table["rank"].notna()].sort_values("rank", kind="stable")
    theme = next(iter(ranked_themes(diagnostic, diagnostic.territory.core, Options(lang=lang))), None)
    rows = [
        {
            "name": str(names.get(code, code)),
            "rank": row["rank"],
            "low": row["rank_low"],
            "high": row["rank_high"],
            "stability": row["stability"],
            "shares": [diagnostic.ranking.components.at[code, need.id] for need in diagnostic.needs],
        }
        for code, row in first.head(RANKED).iterrows()
    ]
    agreement = diagnostic.ranking.agreement
    return {
        "needs": [label_of(need, lang) for need in diagnostic.needs],
        "rows": rows,
        "ranked": len(first),
        "unranked": len(table) - len(first),
        "agreement": float("nan") if agreement is None else agreement.w,
        "map": None if drawn is None or theme is None else draw(drawn, fills_of(theme), label=WORDS[lang]["map_rank"]),
        "legend": [] if theme is None else legend(theme, lang),
        "remarks": [typeset(note.en if lang == "en" else note.fr, lang) for note in diagnostic.ranking.remarks],
    }


def proposals(diagnostic: Diagnostic, most: int, lang: str) -> Facts:
    """
    Write the proposals as sheets: gap, people, answer, carrier, evidence, indicator to follow.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    most
        Sheets at most, the needs in turn, the largest gap of each first.
    lang
        "fr" or "en".

    Returns
    -------
    proposals
        cards, and all (how many there are).
    """
    turns: dict[str, list[Proposal]] = {need.id: [] for need in diagnostic.needs}
    for one in diagnostic.proposals:
        turns[one.need].append(one)
    # A place where to open is worth a sheet before a second group of communes.
    ordered = {
        need: sorted(found, key=lambda one: (_turn(found, one), one.action == "open")) for need, found in turns.items()
    }
    chosen = [found[turn] for turn in range(most) for found in ordered.values() if turn < len(found)][:most]
    order = {need.id: rank for rank, need in enumerate(diagnostic.needs)}
    chosen.sort(key=lambda one: order[one.need])
    return {"cards": [_card(diagnostic, one, lang) for one in chosen], "all": len(diagnostic.proposals)}


def _turn(found: list[Proposal], one: Proposal) -> int:
    alike = [other for other in found if (other.action == "open") == (one.action == "open")]
    return next(rank for rank, other in enumerate(alike) if other is one)


def _card(diagnostic: Diagnostic, one: Proposal, lang: str) -> Facts:
    words = WORDS[lang]
    need = next(need for need in diagnostic.needs if need.id == one.need)
    names = diagnostic.territory.communes[NOM_COMMUNE]
    first = [str(names.get(code, code)) for code in one.communes[:3]]
    more = len(one.communes) - len(first)
    where = (
        words["around_communes"].format(", ".join(first), more)
        if more > 1
        else ", ".join([*first, *(str(names.get(code, code)) for code in one.communes[3:])])
    )
    who = need.unmet_en if lang == "en" else need.unmet
    counted = f"{people(one.people, lang)} {who}"
    carriers = [_carrier(diagnostic, key) for key in one.structures[:3]]
    return {
        "title": f"{label_of(need, lang)}\u00a0: {words[one.action]}"
        if lang == "fr"
        else f"{label_of(need, lang)}: {words[one.action]}",
        "gap": typeset(counted, lang),
        "low": one.low,
        "high": one.high,
        "where": f"{typeset(who, lang)}\u00a0– {where}",
        "carrier": ("\u00a0; " if lang == "fr" else "; ").join(carriers) or words["to_find"],
        "evidence": typeset(one.reason_en if lang == "en" else one.reason, lang),
        "indicator": typeset(words["follow"].format(who, people(one.people, lang)), lang),
    }


def _carrier(diagnostic: Diagnostic, key: tuple[str, str]) -> str:
    frame = diagnostic.structures
    name = str(frame["name"][key]) if key in frame.index else key[0]
    return f"{name} ({key[1]})"


def origins(diagnostic: Diagnostic, lang: str) -> Facts:
    """
    Tell the sources that were really used, the approximations in force, and what is missing.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    lang
        "fr" or "en".

    Returns
    -------
    origins
        sources, limits, missing (count and names) and version.
    """
    lacking = diagnostic.indicators[diagnostic.indicators["state"].ne("")]
    column = "label_en" if lang == "en" and "label_en" in lacking else "label"
    names = [str(label) for label in lacking[column]] if column in lacking else [str(name) for name in lacking.index]
    shown = ", ".join(names[:MISSING]) + (", …" if len(names) > MISSING else "")
    return {
        "sources": [
            {"producer": s.producer, "title": s.title, "vintage": s.millesime, "licence": s.licence}
            for s in dict.fromkeys(diagnostic.sources)
        ],
        "limits": [typeset(note.en if lang == "en" else note.fr, lang) for note in diagnostic.warnings],
        "absent": typeset(WORDS[lang]["absent_said"].format(len(names), shown), lang) if names else "",
        "made": WORDS[lang]["made"].format(version("territoire-geo")),
    }
