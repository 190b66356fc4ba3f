"""Themes of what changed between two diagnostics of a territory: the same breaks on both sides of zero."""

from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.comparisons import Comparison, cause_words, compare
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import TerritoireGeoError
from territoire_geo.maps._classes import Classes, decimals_of
from territoire_geo.maps._figures import of_need, unmet_share
from territoire_geo.maps._scales import PUOR, Scale, around_zero, scale
from territoire_geo.maps._texts import METHODS, SMALL, TEXTS
from territoire_geo.maps._theme import Options, Theme, rounded, words
from territoire_geo.maps._themes import chosen, cited, counts_people, label_of, suffix_of
from territoire_geo.measures import Measure, Need, Polarity

# What may have made a need change, after the note of the theme.
ACTED: Final = {"fr": "Ce qui a pu jouer : {0}.", "en": "What may have acted: {1}."}
POINTS: Final = Classes((-10.0, -2.0, 2.0, 10.0))  # points of the unmet share


def change_themes(diagnostic: Diagnostic, core: pd.Index, options: Options) -> list[Theme]:
    """
    Draw what changed since an earlier diagnostic: later minus earlier, for the communes of both.

    Parameters
    ----------
    diagnostic
        The later one.
    core
        Codes of the communes, in the order of the page.
    options
        Holds the earlier one.

    Returns
    -------
    change_themes
        One per need and per measure that both know; none without an earlier diagnostic. The note of a need names what
        may have made it change (`comparisons.cause_words`).

    Raises
    ------
    TerritoireGeoError
        If the two have no commune in common.
    """
    before = options.before
    if before is None:
        return []
    if not core.isin(before.territory.core).any():
        raise TerritoireGeoError(
            f"before: {before.territory.name} and {diagnostic.territory.name} have no commune in common. "
            "Give an earlier diagnostic of the same territory, on the same geography (COG)."
        )
    earlier = {need.id: need for need in before.needs}
    compared = compare(before, diagnostic)
    themes = [_need(compared, need, core, options) for need in diagnostic.needs if need.id in earlier]
    both = [name for name in diagnostic.computed if name in before.computed]
    themes += [_measure(diagnostic, before, diagnostic.definitions[name], core, options) for name in both]
    return [theme for theme in themes if theme.numbers is not None and theme.numbers.notna().any()]


def _need(compared: Comparison, need: Need, core: pd.Index, options: Options) -> Theme:
    diagnostic, before = compared.after, compared.before
    now, then = (rounded(unmet_share(of_need(each.coverage, need)).reindex(core), 1) for each in (diagnostic, before))
    texts = TEXTS[options.lang]
    fixed = scale("fixed", POINTS, PUOR[::-1], suffix="", lang=options.lang)
    variables = (*need.demand.variables, *need.variables)
    causes = cause_words(compared, need.id)
    acted = f" {ACTED[options.lang].format(*causes)}" if causes[0] else ""
    return Theme(
        id=f"change:{need.id}",
        kind="change",
        topic=f"need:{need.id}",
        need=need,
        words=words(
            label_of(need, options.lang),
            texts["view_change"],
            texts["title_change"].format(label_of(need, options.lang)),
            unit=texts["points"],
            sense=texts["orange_worse"],
            note=texts["change_note"] + acted,
        ),
        sources=_both(diagnostic, before, variables),
        numbers=rounded(now - then, 1),
        decimals=1,
        scales=chosen(f"change:{need.id}", [fixed], PUOR[::-1], "", options),
    )


def _measure(diagnostic: Diagnostic, before: Diagnostic, measure: Measure, core: pd.Index, options: Options) -> Theme:
    lang = options.lang
    texts = TEXTS[lang]
    now = diagnostic.measures[measure.id].astype("float64").reindex(core)
    kept = decimals_of(np.asarray(now.dropna()))
    then = before.measures[measure.id].astype("float64").reindex(core)
    values = rounded(rounded(now, kept) - rounded(then, kept), kept)
    if counts_people(diagnostic, measure):
        # Few, which is neither none nor a figure: the page prints "< 5", whichever way it goes.
        values = values.mask(
            values.abs().between(0, SMALL, inclusive="neither"), pd.Series(np.sign(values), index=values.index)
        )
    colours = PUOR if measure.polarity is Polarity.LESS_NEED else PUOR[::-1]
    unit = texts["points"] if measure.unit == "%" else measure.unit
    cut = scale("fixed", around_zero(values), colours, suffix=suffix_of(unit, lang), lang=lang)
    ways = [Scale("symmetric", cut.classes, cut.labels, cut.colours, METHODS[lang]["symmetric"])]
    label = measure.label_en if lang == "en" else measure.label
    return Theme(
        id=f"change:measure:{measure.id}",
        kind="change",
        topic=f"measure:{measure.id}",
        words=words(
            label,
            texts["view_change"],
            texts["title_change"].format(label),
            unit=unit,
            sense=texts["orange_high" if measure.polarity is Polarity.CONTEXT else "orange_worse"],
            note=texts["change_note"],
        ),
        sources=_both(diagnostic, before, measure.variables),
        numbers=values,
        decimals=kept,
        scales=chosen(f"change:measure:{measure.id}", ways, colours, suffix_of(unit, lang), options),
        more={"small": counts_people(diagnostic, measure)},
    )


def _both(diagnostic: Diagnostic, before: Diagnostic, variables: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys([*cited(diagnostic, variables, ()), *cited(before, variables, ())]))
