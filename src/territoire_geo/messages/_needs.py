"""The three messages of a need: how many people, where they live, who could answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.columns import NEED
from territoire_geo.measures import Level
from territoire_geo.messages._cautions import size_cautions, where_cautions, who_cautions
from territoire_geo.messages._record import NAMED, Message, fragile, message
from territoire_geo.messages._words import (
    ROUNDING,
    SMALL,
    Both,
    about,
    among,
    between,
    capital,
    halves,
    joined,
    names,
    part,
    stops,
    wide,
)
from territoire_geo.reach import structure_reach
from territoire_geo.resources import Zone
from territoire_geo.sentences import FEW, at, people

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need

APART: Final = 1.25  # share of a commune over the territory's from which it is told
LINKS: Final = (("fr", "et"), ("en", "and"))
_ABLE: Final = tuple(level.value for level in ANSWERING)
_DOES: Final = (  # all declare it, none does, some do
    ("dont l'activité déclarée répond à ce besoin", "whose declared activity answers this need"),
    ("dont l'activité semble répondre à ce besoin", "whose activity seems to answer this need"),
    ("dont l'activité répond ou semble répondre à ce besoin", "whose activity answers, or seems to answer, this need"),
)


def key_messages(diagnostic: Diagnostic, need: Need) -> tuple[Message, ...]:
    """
    Tell a need in three sentences at most: how many people, where they live, who could answer.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    need
        One of its needs.

    Returns
    -------
    key_messages
        In that order; one that the figures do not allow is left out, and all are when nothing is known.
    """
    table = diagnostic.coverage.xs(need.id, level=NEED)
    known = pd.DataFrame(table[table["unmet_people"].notna()])
    if not known["demand"].sum() > 0:
        return ()
    found = [
        _size(diagnostic, need, known, len(table)),
        _where(diagnostic, need, known, len(table)),
        _who(diagnostic, need, known),
    ]
    return tuple(message for message in found if message is not None)


def _size(diagnostic: Diagnostic, need: Need, known: pd.DataFrame, communes: int) -> Message:
    row = diagnostic.summary().loc[[need.id]].iloc[0]
    unmet, demand, low, high = (float(row[name]) for name in ("unmet_people", "demand", "low", "high"))
    where_fr, where_en = among(len(known), communes)
    whole_fr, whole_en = people(demand, "fr"), people(demand, "en")
    if unmet <= ROUNDING:
        far = high >= FEW
        fr = f"{where_fr}au regard de la norme, personne n'apparaît sans réponse, sur {whole_fr}"
        fr += f" ; jusqu'à {people(high, 'fr')} selon les hypothèses" * far
        en = f"{where_en}against the norm, nobody appears without an answer, of {whole_en}"
        en += f"; up to {people(high, 'en')} depending on assumptions" * far
    else:
        rough = wide(low, high)
        (count_fr, count_en), (range_fr, range_en) = about(unmet, rough=rough), between(low, high, rough=rough)
        share_fr, share_en = part(unmet / demand)
        fr = f"{where_fr}{count_fr} {need.unmet}{range_fr}, sur {whole_fr} personnes concernées"
        en = f"{where_en}{count_en} {need.unmet_en}{range_en}, of {whole_en} people concerned"
        if unmet >= FEW:
            fr, en = f"{fr}, soit {share_fr}", f"{en}, that is {share_en}"
    norm = diagnostic.targets.loc[need.id]
    both = (f"{capital(fr)}. Norme : {norm['label']}.", f"{capital(en)}. Norm: {norm['label_en']}.")
    figures = {
        "unmet_people": unmet,
        "demand": demand,
        "low": _json(low),
        "high": _json(high),
        "communes": len(known),
    }
    said = size_cautions(diagnostic, need, (unmet, low, high, float(row["known_share"])))
    return message(need.id, "size", both, said, figures)


def _where(diagnostic: Diagnostic, need: Need, known: pd.DataFrame, communes: int) -> Message | None:
    unmet = known["unmet_people"].sort_values(ascending=False, kind="stable")
    total = float(unmet.sum())
    if len(known) < 2 or total < FEW:  # noqa: PLR2004 - a place is one among several
        return None
    solid = pd.Series(unmet[(unmet >= FEW) & ~fragile(diagnostic).reindex(unmet.index)])
    told = _apart(solid)
    sure = _stand_out(known, told)
    whole = len(known) == communes
    parts = _named(diagnostic, unmet[told], len(known), sure=sure, whole=whole)
    half = int(np.searchsorted(unmet.cumsum().to_numpy(), total / 2 * (1 - ROUNDING)) + 1)
    if 2 * half < len(known) and total >= SMALL:
        parts.append(halves(half, len(known), whole=whole))
    code, share = _highest(pd.DataFrame(known.loc[solid.index]), total / float(known["demand"].sum()))
    if share is not None:
        name, (part_fr, part_en) = names(diagnostic, [code])[0], part(share)
        parts.append((
            f"la part est parmi les plus fortes {at(name)} ({part_fr})",
            f"the share is among the highest in {name} ({part_en})",
        ))  # fmt: skip
    parts = parts or [("aucune commune ne se détache", "no commune stands out")]
    stop_fr, stop_en = stops(float(known["out_of_reach"].sum(skipna=False)) / total)
    fr, en = (link.join(one[side] for one in parts) for side, link in ((0, " ; "), (1, "; ")))
    figures = {
        "communes": [str(one) for one in told],
        "people": [float(unmet[one]) for one in told],
        "half": half,
        "highest": code,
        "highest_share": share,
        "out_of_reach": float(known["out_of_reach"].sum()),
    }
    cautions = where_cautions(diagnostic, need, sure=sure)
    return message(
        need.id,
        "where",
        (f"{capital(fr)}. {stop_fr}".rstrip(), f"{capital(en)}. {stop_en}".rstrip()),
        cautions,
        figures,
    )


def _apart(unmet: pd.Series) -> list[str]:
    """Take the first communes, but none whose number is that of the first left out: which one it is would be chance."""
    told, left = unmet.iloc[:NAMED], unmet.iloc[NAMED:]
    return list(told.index if left.empty else told.index[told.round() > round(float(left.iloc[0]))])


def _stand_out(known: pd.DataFrame, told: list[str]) -> bool:
    """Tell whether the lowest of the communes named is above the highest of the others; of the first, when all are."""
    if not told:
        return True
    ahead = told if len(told) < len(known) else told[:1]
    others = known.drop(ahead)
    return bool(known.loc[ahead, "low"].min() > others["high"].max())


def _named(diagnostic: Diagnostic, unmet: pd.Series, known: int, *, sure: bool, whole: bool) -> list[Both]:
    if unmet.empty:
        return []
    called = list(zip(names(diagnostic, unmet.index), unmet.tolist(), strict=True))
    fr, en = (joined([f"{name} ({people(count, lang)})" for name, count in called], link) for lang, link in LINKS)
    if len(unmet) == known and whole:
        return [(f"par commune : {fr}", f"by commune: {en}")]
    if sure and whole:
        return [(f"le plus de personnes : {fr}", f"most people: {en}")]
    if whole:
        return [(f"parmi les communes les plus concernées : {fr}", f"among the communes with most people: {en}")]
    known_fr = f"parmi les communes aux chiffres connus, les plus concernées : {fr}"
    return [(known_fr, f"among the communes whose figures are known, those with most people: {en}")]


def _highest(known: pd.DataFrame, overall: float) -> tuple[str, float | None]:
    """Find the commune of a high share that rests on enough people, "" with none."""
    enough = known[known["demand"] >= SMALL]
    shares = enough["unmet_people"] / enough["demand"]
    if shares.empty or shares.max() < APART * overall:
        return "", None
    return str(shares.idxmax()), float(shares.max())


def _who(diagnostic: Diagnostic, need: Need, known: pd.DataFrame) -> Message | None:
    lacking = pd.DataFrame(known[known["unmet_people"] > 0])
    told = _listed(diagnostic, need, lacking)
    total = float(told["unmet_people"].sum())
    if total < FEW:
        return None
    served = told[told["answering"] > 0]
    near = float(served["unmet_people"].sum())
    white = float(told.loc[told["zone"] == Zone.WHITE.value, "unmet_people"].sum())
    counts = _counts(diagnostic, need)
    minutes = float(np.average(served["nearest_minutes"], weights=served["unmet_people"])) if near else np.nan
    whole = float(lacking["unmet_people"].sum())
    fr, en = _answers(diagnostic, need, counts, (near / total, white / total, minutes))
    if total < whole * (1 - ROUNDING):
        fr_part, en_part = part(total / whole)
        fr = f"là où la liste des structures est connue ({fr_part} des personnes non couvertes) : {fr}"
        en = f"where the list of structures is known ({en_part} of the people whose need is not met): {en}"
    figures = {
        "near": near,
        "white": white,
        "unmet_people": total,
        "minutes": _json(minutes),
        **dict(zip(("answering", "declared", "to_ask", "unplaced"), counts, strict=True)),
    }
    said = who_cautions(diagnostic, counts, near=near > 0)
    return message(need.id, "who", (capital(fr), capital(en)), said, figures)


def _listed(diagnostic: Diagnostic, need: Need, lacking: pd.DataFrame) -> pd.DataFrame:
    """Keep the communes of which the list says whether one answers: none found where it stops is not none."""
    if diagnostic.reach.empty or need.id not in diagnostic.reach.index.get_level_values(NEED):
        return lacking.iloc[:0].assign(answering=np.nan, nearest_minutes=np.nan, zone="")
    near = diagnostic.reach.xs(need.id, level=NEED).reindex(lacking.index)
    zones = diagnostic.inventory.zones
    zone = pd.Series("", index=lacking.index, dtype="str")
    if not zones.empty and need.id in zones.index.get_level_values(NEED):
        zone = zones.xs(need.id, level=NEED)["zone"].reindex(lacking.index).fillna("")
    stops = near["answering"].eq(0) & zone.eq(Zone.UNLISTED.value)
    found = lacking.assign(answering=near["answering"], nearest_minutes=near["nearest_minutes"], zone=zone)
    return pd.DataFrame(found[near["answering"].notna() & ~stops])


def _counts(diagnostic: Diagnostic, need: Need) -> tuple[int, int, int, int]:
    """Count the structures within reach that answer, declare so, are to ask; and those that answer, unplaced."""
    frame = diagnostic.structures
    near, levels = frame[f"people_{need.id}"].gt(0), frame[need.id]
    answers = levels.isin([level.value for level in ANSWERING])
    unplaced = answers & frame.geometry.isna()
    kinds = (near & answers, near & levels.eq(Level.DECLARED.value), near & levels.eq(Level.UNKNOWN.value), unplaced)
    count, sure, ask, lost = (int(kind.sum()) for kind in kinds)
    return count, sure, ask, lost


def _answers(
    diagnostic: Diagnostic, need: Need, counts: tuple[int, int, int, int], shares: tuple[float, float, float]
) -> Both:
    (near, white, minutes), (count, sure, ask, _) = shares, counts
    how = f"{structure_reach(need):g} min"
    if not near:
        fr = f"aucune structure connue pour répondre à ce besoin n'est à {how} au plus en voiture de ces personnes."
        return fr, f"no structure known to answer this need is within {how} by car of these people."
    answers = diagnostic.structures[f"people_{need.id}"].gt(0) & diagnostic.structures[need.id].isin(_ABLE)
    siae = bool(diagnostic.structures.loc[answers, "is_siae"].all())  # a GEIQ or an adapted enterprise is no SIAE
    does_fr, does_en = _DOES[0 if sure == count else 2 if sure else 1]
    of_fr, of_en = (" de l'IAE", "IAE ") if siae else ("", "")
    if count > 1:
        what_fr, what_en = f"au moins une des {count} structures{of_fr}", f"at least one of {count} {of_en}structures"
    else:
        what_fr, what_en = f"une structure{of_fr}", f"one {of_en}structure"
    (fr, en), (far_fr, far_en) = part(near), part(white)
    who_fr, who_en = (
        ("toutes les personnes", "all the people")
        if near >= 1 - ROUNDING
        else (f"{fr} des personnes", f"{en} of the people")
    )
    said_fr = f"pour {who_fr} non couvertes, {what_fr} {does_fr} est à {how} au plus en voiture"
    said_en = f"for {who_en} whose need is not met, {what_en} {does_en} is within {how} by car"
    if np.isfinite(minutes):
        mean = f"{max(minutes, 1):.0f} min"
        said_fr += f", la plus proche à {mean} en moyenne" if count > 1 else f", à {mean} en moyenne"
        said_en += f", the nearest {mean} away on average" if count > 1 else f", {mean} away on average"
    if white > 0:
        said_fr += f" ; pour {far_fr}, aucune n'est connue{' ni à interroger' * (ask > 0)}"
        said_en += f"; for {far_en} none is known{' nor to be asked' * (ask > 0)}"
    return f"{said_fr}.", f"{said_en}."


def _json(figure: float) -> float | None:
    """Give a number that JSON can write, None unknown."""
    return float(figure) if np.isfinite(figure) else None
