"""What has changed since another diagnostic, for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from territoire_geo import comparisons
from territoire_geo.maps._themes import label_of
from territoire_geo.maps._typography import typeset
from territoire_geo.report._sections import said

if TYPE_CHECKING:
    from territoire_geo.comparisons import Comparison
    from territoire_geo.report._sections import Facts

NOTES: Final = 16  # reasons printed


def evolution(comparison: Comparison | None, lang: str) -> Facts | None:
    """
    Tell what has changed, by need, and why.

    Parameters
    ----------
    comparison
        The two diagnostics, or None.
    lang
        "fr" or "en".

    Returns
    -------
    evolution
        messages by need with their caution, notes and reasons (the first of them, and how many there are); None without
        a comparison.
    """
    if comparison is None:
        return None
    labels = {need.id: label_of(need, lang) for side in (comparison.before, comparison.after) for need in side.needs}
    told = [one for one in (comparisons.sentences_of(comparison, need) for need in labels) if one is not None]
    notes = [(note.en if lang == "en" else note.fr) for note in comparison.notes]
    notes += [(why.en if lang == "en" else why.fr) for why in comparison.why]
    return {
        "messages": [said(one, lang) for one in told],
        "notes": [typeset(note, lang) for note in notes[:NOTES]],
        "all_notes": len(notes),
    }
