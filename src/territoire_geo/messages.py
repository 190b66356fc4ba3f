"""What a diagnostic says in a few sentences: by need how many, where and who could answer, each with its caution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.columns import NEED, NOM_COMMUNE
from territoire_geo.measures import Level
from territoire_geo.sentences import FEW, at, people, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need

Both = tuple[str, str]
ALL_KNOWN: Final = 0.995
WIDE: Final = 1.5  # high over low from which a total is an order of magnitude
SMALL: Final = 30.0  # people: a total of fewer moves with a family or two
NAMED: Final = 3  # communes named in a sentence
SURE: Final = 0.9  # share of the settings in which a commune is among the first fifth, to be named on the first page
CAUTIONS: Final = 2


@dataclass(frozen=True)
class Message:
    """
    A sentence that a reader can say aloud, its caution, and the figures behind it.

    Attributes
    ----------
    need
        Id of the need, "" for the whole territory.
    about
        "size", "where", "who", "first" or "unknown".
    fr, en
        The sentence; the names in it are the sources', to be escaped where they are drawn.
    caution_fr, caution_en
        What keeps it from being overstated, "" when nothing does.
    evidence
        The figures of the sentence, JSON-ready.
    """

    need: str
    about: str
    fr: str
    en: str
    caution_fr: str
    caution_en: str
    evidence: Mapping[str, object]


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
    found = [_size(diagnostic, need, known, len(table)), _where(diagnostic, need, known), _who(diagnostic, need, known)]
    return tuple(message for message in found if message is not None)


def headlines(diagnostic: Diagnostic) -> tuple[Message, ...]:
    """
    Tell the territory in a few sentences: its needs, the communes that stand out, what is not known.

    Needs are told side by side and never added up: the same person may have several.

    Parameters
    ----------
    diagnostic
        The diagnostic.

    Returns
    -------
    headlines
        Three at most; none when nothing is known.
    """
    found = [_needs(diagnostic), _first(diagnostic), _unknown(diagnostic)]
    return tuple(message for message in found if message is not None)


def _size(diagnostic: Diagnostic, need: Need, known: pd.DataFrame, all_communes: int) -> Message:
    row = diagnostic.summary().loc[[need.id]].iloc[0]
    unmet, demand, low, high = (float(row[name]) for name in ("unmet_people", "demand", "low", "high"))
    norm = diagnostic.targets.loc[need.id]
    where_fr = where_en = ""
    if len(known) < all_communes:
        where_fr = f"Dans les {len(known)} communes dont les chiffres sont connus, sur {all_communes} : "
        where_en = f"In the {len(known)} communes whose figures are known, of {all_communes}: "
    if unmet < 0.5:  # noqa: PLR2004 - nobody, once rounded
        fr = f"{where_fr}au regard de la norme, personne n'apparaît sans réponse, sur {people(demand, 'fr')}."
        en = f"{where_en}against the norm, nobody appears without an answer, of {people(demand, 'en')}."
    else:
        fr = f"{where_fr}{people(unmet, 'fr')} {need.unmet}, sur {people(demand, 'fr')} personnes concernées"
        fr += f" ({percent(unmet / demand, 'fr')}). Norme : {norm['label']}."
        en = f"{where_en}{people(unmet, 'en')} {need.unmet_en}, of {people(demand, 'en')} people concerned"
        en += f" ({percent(unmet / demand, 'en')}). Norm: {norm['label_en']}."
    said = [_range(low, high), _partial(float(row["known_share"])), _few(unmet), _vintages(diagnostic, need)]
    figures = {"unmet_people": unmet, "demand": demand, "low": low, "high": high, "communes": len(known)}
    return _message(need.id, "size", (_capital(fr), _capital(en)), said, figures)


def _range(low: float, high: float) -> Both:
    if not np.isfinite([low, high]).all() or round(low) == round(high):
        return ("", "")
    wide = high >= WIDE * low
    fr = f"De {people(low, 'fr')} à {people(high, 'fr')} selon les hypothèses{' : un ordre de grandeur' * wide}."
    en = f"From {people(low, 'en')} to {people(high, 'en')} depending on assumptions{': an order of magnitude' * wide}."
    return fr, en


def _partial(share: float) -> Both:
    if not share < ALL_KNOWN:
        return ("", "")
    return (
        f"Chiffres connus pour {percent(share, 'fr')} des personnes ; le reste est inconnu ou secret, non compté.",
        f"Figures known for {percent(share, 'en')} of the people; the rest is unknown or secret, and not counted.",
    )


def _few(count: float) -> Both:
    if not 0 < count < SMALL:
        return ("", "")
    return ("Petit nombre : quelques familles le changent.", "A small number: a few families change it.")


def _vintages(diagnostic: Diagnostic, need: Need) -> Both:
    tables = dict.fromkeys(name.partition(".")[0] for name in (*need.demand.variables, *need.variables))
    years = dict.fromkeys(
        source.millesime
        for table in tables
        for source in diagnostic.table_sources.get(table, ())
        if source.millesime and table != "references"
    )
    told = " ; ".join(years)
    return (f"Données : {told}.", f"Data: {told}.") if told else ("", "")


def _where(diagnostic: Diagnostic, need: Need, known: pd.DataFrame) -> Message | None:
    unmet = known["unmet_people"].sort_values(ascending=False, kind="stable")
    total = float(unmet.sum())
    told = unmet[unmet >= FEW].index[:NAMED]
    if len(known) < 2 or total < FEW or not len(told):  # noqa: PLR2004 - a place is one among several
        return None
    half = int(np.searchsorted(unmet.cumsum().to_numpy(), total / 2 * (1 - 1e-9)) + 1)
    names = diagnostic.territory.communes[NOM_COMMUNE]
    named = [str(names.get(code, code)) for code in told]
    counted = list(zip(named, [float(unmet[code]) for code in told], strict=True))
    listed_fr = _joined([f"{at(name)} ({people(count, 'fr')})" for name, count in counted], "et")
    listed_en = _joined([f"{name} ({people(count, 'en')})" for name, count in counted], "and")
    fr, en = f"Le plus de personnes : {listed_fr}", f"Most people: {listed_en}"
    if 2 * half < len(known):
        fr += f" ; {half} commune{'s' * (half > 1)} sur {len(known)} en réuni{'ssen' * (half > 1)}t la moitié"
        en += f"; {half} of {len(known)} communes hold{'s' * (half == 1)} half of them"
    far, full = float(known["out_of_reach"].sum()), float(known["saturated"].sum())
    if far > full:
        fr += f". Rien n'est à portée pour {percent(far / total, 'fr')} d'entre elles"
        en += f". Nothing is within reach of {percent(far / total, 'en')} of them"
    elif full > 0:
        fr += ". De l'offre est à portée, mais en deçà de la norme"
        en += ". There is supply within reach, but less than the norm"
    figures = {"communes": [str(code) for code in told], "people": [float(unmet[code]) for code in told], "half": half}
    low, high = (known.loc[told, side] for side in ("low", "high"))
    caution = ("", "")
    if bool((high >= WIDE * low).any()):
        caution = (
            "Commune par commune, les intervalles sont larges : l'ordre n'est pas sûr.",
            "Commune by commune the intervals are wide: the order is not sure.",
        )
    return _message(need.id, "where", (fr + ".", en + "."), [caution], figures)


def _who(diagnostic: Diagnostic, need: Need, known: pd.DataFrame) -> Message | None:
    if diagnostic.reach.empty or need.id not in diagnostic.reach.index.get_level_values(NEED):
        return None
    answering = diagnostic.reach.xs(need.id, level=NEED)["answering"].reindex(known.index)
    told = known[answering.notna()]
    total = float(told["unmet_people"].sum())
    if total < FEW:
        return None
    near = float(told.loc[answering[told.index] > 0, "unmet_people"].sum())
    levels = diagnostic.structures[need.id].where(diagnostic.structures[f"people_{need.id}"].gt(0))
    count = int(levels.isin([level.value for level in ANSWERING]).sum())
    sure = int(levels.eq(Level.DECLARED.value).sum())
    ask = int(levels.eq(Level.UNKNOWN.value).sum())
    figures = {"near": near, "unmet_people": total, "answering": count, "declared": sure, "to_ask": ask}
    s, how = "s" * (count > 1), f"{need.reach:g} min"
    if count:
        fr = f"{count} structure{s} de l'IAE y répond{'ent' * (count > 1)} à {how} au plus, "
        fr += f"pour {percent(near / total, 'fr')} des personnes sans réponse."
        en = f"{count} IAE structure{s} answer{'s' * (count == 1)} it within {how}, "
        en += f"for {percent(near / total, 'en')} of the people without an answer."
    else:
        fr = "Aucune structure de l'IAE connue pour y répondre n'est à portée."
        en = "No IAE structure known to answer it is within reach."
    cautions = [("À portée ne veut pas dire servi.", "Within reach does not mean served.")] if count else []
    if count > sure:
        cautions.append((
            f"Activité déclarée pour {sure or 'aucune'}, supposée d'après le code NAF ou le type pour {count - sure}.",
            f"Activity declared for {sure or 'none'}, supposed from the NAF code or the kind for {count - sure}.",
        ))  # fmt: skip
    if ask:
        cautions.append((
            f"{ask} autre{'s' * (ask > 1)} à interroger : activité non connue.",
            f"{ask} more to ask: activity not known.",
        ))  # fmt: skip
    return _message(need.id, "who", (fr, en), cautions, figures)


def _needs(diagnostic: Diagnostic) -> Message | None:
    summary = diagnostic.summary()
    known = pd.DataFrame(summary[summary["unmet_people"] >= FEW])
    if known.empty:
        return None
    book = {need.id: need for need in diagnostic.needs}
    shares = known["share"].sort_values(ascending=False, kind="stable")
    counts = known["unmet_people"].reindex(shares.index)
    rows = [(book[str(need)], float(shares[need]), float(counts[need])) for need in shares.index.astype("str")]
    parts = [
        (
            f"{need.label} {percent(share, 'fr')} ({people(unmet, 'fr')})",
            f"{need.label_en} {percent(share, 'en')} ({people(unmet, 'en')})",
        )
        for need, share, unmet in rows
    ]
    fr = "Part du public de chaque besoin qui n'est pas couverte : " + ", ".join(part[0] for part in parts) + "."
    en = "Share of the people of each need that is not met: " + ", ".join(part[1] for part in parts) + "."
    caution = (
        "Les publics et les normes diffèrent, une même personne peut avoir plusieurs besoins : rien ne s'additionne.",
        "People and norms differ, and one person may have several needs: nothing adds up.",
    )
    figures = {need.id: unmet for need, _, unmet in rows}
    return _message("", "size", (fr, en), [caution], figures)


def _first(diagnostic: Diagnostic) -> Message | None:
    table = diagnostic.priorities
    ranked = table[table["rank"].notna()]
    if len(ranked) < 5:  # noqa: PLR2004 - a fifth of fewer is no group
        return None
    sure = ranked[ranked["stability"] >= SURE].sort_values("rank", kind="stable")
    names = diagnostic.territory.communes[NOM_COMMUNE]
    count = len(ranked)
    caution = (
        f"{count} communes classées par les parts de leurs besoins, aux poids donnés ; les autres rangs moins sûrs.",
        f"{count} communes ranked by the shares of their needs, with the weights given; other ranks are less sure.",
    )
    if sure.empty:
        fr = "Aucune commune ne reste dans le cinquième le plus prioritaire quels que soient les réglages."
        en = "No commune stays in the fifth with most need whatever the settings."
        return _message("", "first", (fr, en), [caution], {"communes": []})
    codes = sure.index[: NAMED + 2]
    named = [str(names.get(code, code)) for code in codes]
    many = len(codes) > 1
    fr = (
        f"{_joined(named, 'et')} {'restent' if many else 'reste'} parmi le cinquième des communes les plus prioritaires"
    )
    fr += f" dans {percent(SURE, 'fr')} au moins des réglages essayés."
    en = f"{_joined(named, 'and')} {'stay' if many else 'stays'} in the fifth of communes with most need"
    en += f" in at least {percent(SURE, 'en')} of the settings tried."
    return _message("", "first", (fr, en), [caution], {"communes": [str(code) for code in codes]})


def _unknown(diagnostic: Diagnostic) -> Message | None:
    summary = diagnostic.summary()
    missing, some = summary["unmet_people"].isna(), summary["unknown"].gt(0)
    lacking = [need for need in diagnostic.needs if missing[need.id]]
    partial = [need for need in diagnostic.needs if some[need.id] and not missing[need.id]]
    if not lacking and not partial:
        return None
    fr, en = [], []
    if lacking:
        fr.append(f"non évalué faute de chiffres : {', '.join(need.label for need in lacking)}")
        en.append(f"not assessed for lack of figures: {', '.join(need.label_en for need in lacking)}")
    if partial:
        fr.append(f"inconnu dans une partie des communes : {', '.join(need.label for need in partial)}")
        en.append(f"unknown in some communes: {', '.join(need.label_en for need in partial)}")
    figures = {"unknown": [need.id for need in lacking], "partial": [need.id for need in partial]}
    return _message("", "unknown", (_capital(" ; ".join(fr)) + ".", _capital("; ".join(en)) + "."), [], figures)


def _message(need: str, about: str, said: Both, cautions: Sequence[Both], evidence: Mapping[str, object]) -> Message:
    kept = [caution for caution in cautions if caution[0]][:CAUTIONS]
    fr, en = (" ".join(caution[side] for caution in kept) for side in (0, 1))
    return Message(need, about, said[0], said[1], fr, en, evidence)


def _joined(names: Sequence[str], link: str) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {link} {names[-1]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
