"""The record of a message, and which communes are too small to be named in one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from territoire_geo.columns import POPULATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from territoire_geo.diagnostic import Diagnostic

Both = tuple[str, str]
NAMED: Final = 3  # communes named in a sentence
CAUTIONS: Final = 2
HABITANTS: Final = 200.0  # people under whom the census calls its figures fragile: such a commune is not named


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


def message(need: str, subject: str, said: Both, cautions: Sequence[Both], evidence: Mapping[str, object]) -> Message:
    """
    Make a message, with the most important of its cautions.

    Parameters
    ----------
    need
        Id of the need, "" for the whole territory.
    subject
        What it is about.
    said
        The sentence in French and in English.
    cautions
        What keeps it in check, the most important first; those that are "" do not apply.
    evidence
        Its figures.

    Returns
    -------
    message
        With `CAUTIONS` cautions at most.
    """
    kept = [caution for caution in cautions if caution[0]][:CAUTIONS]
    fr, en = (" ".join(caution[side] for caution in kept) for side in (0, 1))
    return Message(need, subject, said[0], said[1], fr, en, evidence)


def fragile(diagnostic: Diagnostic) -> pd.Series[bool]:
    """
    Tell the communes of which the census itself calls the figures fragile.

    Parameters
    ----------
    diagnostic
        Inhabitants of the communes.

    Returns
    -------
    fragile
        One boolean by commune; False where the inhabitants are not known.
    """
    return diagnostic.territory.communes[POPULATION] < HABITANTS
