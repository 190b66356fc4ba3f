"""The messages of the first page: the needs side by side, the communes that stay first, what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.coverage import ENOUGH
from territoire_geo.messages._record import NAMED, Message, fragile, message
from territoire_geo.messages._words import about, capital, joined, names, part, wide
from territoire_geo.sentences import FEW, percent

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic

SURE: Final = 0.9  # share of the settings in which a commune is among the first fifth, to be told on the first page


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


def _needs(diagnostic: Diagnostic) -> Message | None:
    summary = diagnostic.summary()
    # The share of a few communes is not the territory's: those needs are told as unknown in part.
    known = pd.DataFrame(summary[(summary["unmet_people"] >= FEW) & (summary["known_share"] >= ENOUGH)])
    if known.empty:
        return None
    book = {need.id: need for need in diagnostic.needs}
    known = known.sort_values("share", ascending=False, kind="stable")
    parts, figures = [], {}
    for key, row in known.iterrows():
        need, unmet = book[str(key)], float(row["unmet_people"])
        (fr, en), (share_fr, share_en) = about(unmet, rough=wide(row["low"], row["high"])), part(float(row["share"]))
        parts.append((f"{need.label} {share_fr} ({fr})", f"{need.label_en} {share_en} ({en})"))
        figures[need.id] = unmet
    fr, en = (", ".join(one[side] for one in parts) for side in (0, 1))
    both = (
        f"Part du public de chaque besoin qui n'est pas couverte : {fr}.",
        f"Share of the people of each need that is not met: {en}.",
    )
    caution = (
        "Les publics et les normes diffèrent, une même personne peut avoir plusieurs besoins : rien ne s'additionne.",
        "People and norms differ, and one person may have several needs: nothing adds up.",
    )
    return message("", "size", both, [caution], figures)


def _first(diagnostic: Diagnostic) -> Message | None:
    table = diagnostic.priorities
    ranked = table[table["rank"].notna()]
    if len(ranked) < 5 or ranked["rank"].nunique() == 1:  # noqa: PLR2004 - a fifth of fewer is no group
        return None
    sure = ranked[ranked["stability"] >= SURE].sort_values("rank", kind="stable").index
    most = diagnostic.coverage["unmet_people"].groupby(CODE_COMMUNE).max().reindex(sure)
    solid = sure[(most.ge(FEW) & ~fragile(diagnostic).reindex(sure)).to_numpy()]
    codes = solid[: NAMED + 2]
    count, many, total = len(sure), len(sure) > 1, len(ranked)
    caution = (
        f"{total} communes classées par les parts de leurs besoins, aux poids donnés ; les autres rangs moins sûrs.",
        f"{total} communes ranked by the shares of their needs, with the weights given; other ranks are less sure.",
    )
    figures = {"communes": [str(code) for code in codes], "stable": count, "ranked": total}
    if not count:
        fr = "Aucune commune ne reste à coup sûr dans le cinquième le plus prioritaire : tout dépend des réglages."
        en = "No commune surely stays in the fifth with most need: it depends on the settings."
        return message("", "first", (fr, en), [caution], figures)
    fr = f"{count} commune{'s' * many} {'restent' if many else 'reste'} parmi le cinquième le plus prioritaire"
    fr += f" dans {percent(SURE, 'fr')} au moins des réglages essayés"
    en = f"{count} commune{'s' * many} {'stay' if many else 'stays'} in the fifth with most need"
    en += f" in at least {percent(SURE, 'en')} of the settings tried"
    if len(codes):
        called = names(diagnostic, codes)
        fr += f"{', dont' if len(codes) < count else ' :'} {joined(called, 'et')}"
        en += f"{', among them' if len(codes) < count else ':'} {joined(called, 'and')}"
    return message("", "first", (f"{fr}.", f"{en}."), [caution], figures)


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
        counts = [int(count) for count in summary["unknown"].reindex([need.id for need in partial])]
        total = len(diagnostic.territory.core)
        told = list(zip(partial, counts, strict=True))
        fr.append(f"communes inconnues sur {total} : {', '.join(f'{need.label} {count}' for need, count in told)}")
        en.append(f"unknown communes of {total}: {', '.join(f'{need.label_en} {count}' for need, count in told)}")
    figures = {"unknown": [need.id for need in lacking], "partial": [need.id for need in partial]}
    return message("", "unknown", (capital(" ; ".join(fr)) + ".", capital("; ".join(en)) + "."), [], figures)
