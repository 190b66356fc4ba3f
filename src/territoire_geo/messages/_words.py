"""The words of the messages: numbers told as precisely as the figures allow, communes, what stops people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from territoire_geo.columns import NOM_COMMUNE
from territoire_geo.sentences import FEW, people, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from territoire_geo.diagnostic import Diagnostic

Both = tuple[str, str]
NOTHING: Final = ("", "")
ROUNDING: Final = 1e-9
ALL_KNOWN: Final = 0.995
WIDE: Final = 1.5  # high over low from which a total is an order of magnitude
SMALL: Final = 30.0  # people: a figure on fewer moves with a family or two


def wide(low: float, high: float) -> bool:
    """
    Tell whether a range makes its figure an order of magnitude.

    Parameters
    ----------
    low, high
        People; NaN unknown.

    Returns
    -------
    wide
        False when they are unknown or alike.
    """
    return bool(high > low and high >= WIDE * low)


def about(count: float, *, rough: bool) -> Both:
    """
    Write a number of people: to the unit, or with two figures when it is an order of magnitude.

    Parameters
    ----------
    count
        People.
    rough
        Whether it is an order of magnitude.

    Returns
    -------
    about
        Such as "environ 440" and "about 440".
    """
    if not rough or count < FEW:
        return people(count, "fr"), people(count, "en")
    told = round(count, min(0, 1 - int(np.floor(np.log10(count)))))
    return f"environ {people(told, 'fr')}", f"about {people(told, 'en')}"


def between(low: float, high: float, *, rough: bool) -> Both:
    """
    Write what a total may be under the settings of the sensitivity.

    Parameters
    ----------
    low, high
        People; NaN unknown.
    rough
        Whether the total is an order of magnitude.

    Returns
    -------
    between
        Between parentheses, "" when both ends are unknown or written alike.
    """
    if not np.isfinite([low, high]).all():
        return NOTHING
    if rough:  # outwards, so that the range still holds what it says
        step = 10.0 ** max(0, int(np.floor(np.log10(max(high, 1)))) - 1)
        low, high = step * np.floor(low / step), step * np.ceil(high / step)
    ends = (low, high)
    fr, en = ([people(end, lang) for end in ends] for lang in ("fr", "en"))
    if fr[0] == fr[1]:
        return NOTHING
    return f" (de {fr[0]} à {fr[1]} selon les hypothèses)", f" ({en[0]} to {en[1]} depending on assumptions)"


def part(share: float) -> Both:
    """
    Write a share of people: one that is neither none nor all is written as neither.

    Parameters
    ----------
    share
        0 to 1.

    Returns
    -------
    part
        Such as "12 %" and "12%".
    """
    if 0 < share < 1 - ALL_KNOWN:
        return "moins de 1 %", "under 1%"
    if ALL_KNOWN <= share < 1 - ROUNDING:
        return "plus de 99 %", "over 99%"
    return percent(share, "fr"), percent(share, "en")


def among(known: int, communes: int) -> Both:
    """
    Say of how many communes a figure is told, unless it is of all.

    Parameters
    ----------
    known, communes
        How many are known, and how many there are.

    Returns
    -------
    among
        The beginning of a sentence.
    """
    if known == communes:
        return NOTHING
    if known == 1:
        fr = f"Dans la seule commune dont les chiffres sont connus, sur {communes} : "
        return fr, f"In the only commune whose figures are known, of {communes}: "
    fr = f"Dans les {known} communes dont les chiffres sont connus, sur {communes} : "
    return fr, f"In the {known} communes whose figures are known, of {communes}: "


def names(diagnostic: Diagnostic, codes: Iterable[object]) -> list[str]:
    """
    Name communes; one without a name is its code.

    Parameters
    ----------
    diagnostic
        Names of the communes.
    codes
        Their codes.

    Returns
    -------
    names
        In the same order.
    """
    book = diagnostic.territory.communes[NOM_COMMUNE].dropna()
    return [str(book.get(code, code)) for code in codes]


def joined(parts: Sequence[str], link: str) -> str:
    """
    Join words as a sentence does.

    Parameters
    ----------
    parts
        One at least.
    link
        "et" or "and".

    Returns
    -------
    joined
        Such as "Dole, Tavaux et Damparis".
    """
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {link} {parts[-1]}"


def capital(text: str) -> str:
    """
    Begin a sentence.

    Parameters
    ----------
    text
        Its words.

    Returns
    -------
    capital
        The same with a capital.
    """
    return text[:1].upper() + text[1:]


def stops(far: float) -> Both:
    """
    Say whether nothing is within reach of the people whose need is not met, or not enough.

    Parameters
    ----------
    far
        Share of them that has nothing within reach, NaN unknown.

    Returns
    -------
    stops
        A sentence, "" when it is not known.
    """
    if not np.isfinite(far):
        return NOTHING
    if far <= ROUNDING:
        return "De l'offre est à portée, mais en deçà de la norme.", "There is supply within reach, below the norm."
    if far >= 1 - ROUNDING:
        return "Rien n'est à portée de ces personnes.", "Nothing is within reach of these people."
    fr, en = part(far)
    return (
        f"Rien n'est à portée pour {fr} de ces personnes ; pour les autres, l'offre à portée est en deçà de la norme.",
        f"Nothing is within reach of {en} of these people; for the others, supply within reach is below the norm.",
    )


def halves(half: int, known: int, *, whole: bool) -> Both:
    """
    Say how few communes hold half of the people.

    Parameters
    ----------
    half, known
        How many they are, and among how many.
    whole
        Whether the figures of every commune are known.

    Returns
    -------
    halves
        A part of a sentence.
    """
    many = half > 1
    fr = f"{half} commune{'s' * many} sur {known}{' connues' * (not whole)} réuni{'ssen' * many}t la moitié du total"
    return fr, f"{half} of {known} {'known ' * (not whole)}communes hold{'s' * (not many)} half of the total"
