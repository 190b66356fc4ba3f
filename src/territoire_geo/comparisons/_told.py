"""The change of a need in one sentence, true and not overstated, with its caution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NEED
from territoire_geo.comparisons._causes import WORDS
from territoire_geo.comparisons._cautions import overlaps
from territoire_geo.comparisons._changes import PARTS
from territoire_geo.comparisons._pair import Pair
from territoire_geo.sentences import FEW, people

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.comparisons._record import Comparison
    from territoire_geo.measures import Need

ASKED: Final = frozenset({"settings", "method"})  # what differs is then in the question, not in the territory
BY: Final[Mapping[str, tuple[str, str]]] = {
    "people_demand": ("le nombre de personnes concernées", "the number of people concerned"),
    "people_access": ("l'offre à portée", "the supply within reach"),
    "people_target": ("la norme", "the norm"),
}


@dataclass(frozen=True)
class Told:
    """
    What can be said of the change of a need, in French and in English, with what to beware of.

    `fr` and `en` are empty when nothing is known; `evidence` holds the figures of `Comparison.summary`.
    """

    need: str
    fr: str
    en: str
    caution_fr: str
    caution_en: str
    evidence: Mapping[str, object]


def sentences_of(comparison: Comparison, need: str | Need) -> Told:
    """
    Tell the change of a need over the communes of both diagnostics.

    Parameters
    ----------
    comparison
        From `compare`.
    need
        The need, or its id.

    Returns
    -------
    sentences_of
        One sentence, and a caution; the sentence says that nothing allows to tell a change when it is of fewer than 5
        people or its sign depends on the conventions, and it is empty when no commune can be compared.

    Raises
    ------
    ValueError
        If neither diagnostic assesses the need.
    """
    pair = Pair(comparison.before, comparison.after)
    name = need if isinstance(need, str) else need.id
    if name not in pair.needs:
        raise ValueError(f"need: {name!r} is in neither diagnostic. Their needs are {', '.join(pair.needs)}.")
    summary = comparison.summary()
    row = pd.Series(summary.loc[name])
    words = [_said(comparison, pair.needs[name], row, lang) for lang in ("fr", "en")]
    cautions = [_caution(comparison, name, int(row["unknown"]), lang) for lang in ("fr", "en")]
    return Told(name, words[0], words[1], cautions[0], cautions[1], {str(one): row[one] for one in row.index})


def _said(comparison: Comparison, need: Need, row: pd.Series, lang: str) -> str:
    label, unmet = (need.label, need.unmet) if lang == "fr" else (need.label_en, need.unmet_en)
    colon = " :" if lang == "fr" else ":"
    if pd.isna(row["before"]):
        return ""
    then, now = people(row["before"], lang), people(row["after"], lang)
    if not len(_moved(comparison, need.id)):
        end = "rien n'a changé" if lang == "fr" else "nothing changed"
        return f"{label}{colon} {end} ({then} {unmet})."
    if not row["distinct"]:
        if lang == "fr":
            return f"{label} : rien ne permet de dire que cela a changé ({unmet} : {then} avant, {now} après)."
        return f"{label}: nothing allows to tell a change ({unmet}: {then} before, {now} after)."
    count = people(abs(row["net"]), lang)
    if lang == "fr":
        way = "de moins" if row["net"] > 0 else "de plus"
        return f"{label} : {count} {way}, de {then} à {now} {unmet}.{_parts(row, lang)}"
    way = "fewer" if row["net"] > 0 else "more"
    return f"{label}: {count} {way}, from {then} to {now} {unmet}.{_parts(row, lang)}"


def _parts(row: pd.Series, lang: str) -> str:
    """Share the change among what made it; what amounts to fewer than 5 people is left out."""
    told = [(name, float(row[name])) for name in PARTS if abs(row[name]) >= FEW]
    side = 0 if lang == "fr" else 1
    said = []
    for name, count in sorted(told, key=lambda one: (-abs(one[1]), one[0])):
        verb = (("en retire", "takes away"), ("en ajoute", "adds"))[count > 0][side]
        said.append(f"{BY[name][side]} {verb} {people(abs(count), lang)}")
    text = ", ".join(said)
    return f" {text[:1].upper()}{text[1:]}." if text else ""


def _caution(comparison: Comparison, name: str, unknown: int, lang: str) -> str:
    pair, side = Pair(comparison.before, comparison.after), 0 if lang == "fr" else 1
    said = []
    if name not in pair.shared:
        said.append(("Ce besoin n'est étudié que d'un côté.", "Only one of the two assesses this need.")[side])
        return said[0]
    if unknown:
        fr, en = "Communes qui ne peuvent être comparées", "Communes that cannot be compared"
        said.append((f"{fr} : {unknown}.", f"{en}: {unknown}.")[side])
    if name in pair.redefined:
        said.append(("Ce n'est plus la même chose qui est comptée.", "It is no longer the same that is counted.")[side])
    tables = {variable.partition(".")[0] for variable in pair.variables(name)}
    for (then, now), concerned in overlaps(pair).items():
        if tables & set(concerned) and len(_moved(comparison, name)):
            fr = f"Les recensements {then} et {now} ont des enquêtes en commun : ce n'est pas une évolution."
            said.append((fr, f"The censuses {then} and {now} share surveys: this is not a trend.")[side])
    if set(_present(comparison, name)) & ASKED and not set(_present(comparison, name)) - ASKED:
        fr = "Le territoire n'a pas changé, mais ce qui lui est demandé."
        said.append((fr, "The territory did not change, what is asked of it did.")[side])
    words = cause_words(comparison, name)
    if words[side]:
        said.append((f"Ce qui a pu jouer : {words[0]}.", f"What may have acted: {words[1]}.")[side])
    return " ".join(said)


def _moved(comparison: Comparison, need: str) -> pd.DataFrame:
    """Keep the causes of a need in the communes of both."""
    causes, pair = comparison.causes, Pair(comparison.before, comparison.after)
    here = causes.index.get_level_values(CODE_COMMUNE).isin(pair.both)
    return causes[here & (causes.index.get_level_values(NEED) == need)]


def _present(comparison: Comparison, need: str) -> list[str]:
    """List the causes of a need, those of most communes first."""
    counts = _moved(comparison, need).sum()
    return [str(name) for name in counts[counts > 0].sort_values(ascending=False, kind="stable").index]


def cause_words(comparison: Comparison, need: str) -> tuple[str, str]:
    """
    Name the causes at work in a need in the communes of both, those of most communes first.

    Parameters
    ----------
    comparison
        From `compare`.
    need
        Id of the need.

    Returns
    -------
    cause_words
        In French and in English; empty when nothing changed.
    """
    words = {**WORDS, "unexplained": ("une cause inconnue", "an unknown cause")}
    named = [words[name] for name in _present(comparison, need)]
    return ", ".join(fr for fr, _ in named), ", ".join(en for _, en in named)
