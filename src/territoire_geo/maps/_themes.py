"""Themes of a need and of a measure: shares, what stops them, against the structures, against the norm."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._classes import Classes, decimals_of
from territoire_geo.maps._figures import column, nobody, of_need, unmet_share
from territoire_geo.maps._needs import against_norm
from territoire_geo.maps._scales import PUOR, PURD, SEQSEQ2, WAYS, YLGNBU, Scale, around_zero, scale, shared
from territoire_geo.maps._texts import METHODS, TEXTS, people
from territoire_geo.maps._theme import Options, Theme, rounded, words
from territoire_geo.maps._typography import typeset
from territoire_geo.measures import Measure, Need, Polarity

SHARES: Final = Classes((10.0, 25.0, 50.0, 75.0))  # % of the people whose need is not met: the same for every need
CROSS_NEED: Final = Classes((25.0, 50.0))
CROSS_SUPPLY: Final = Classes((1.0, 4.0))  # structures within reach: none, a few, many
NORM: Final = Classes((-50.0, -10.0, 10.0, 50.0))  # access over the norm [%]
STATES: Final = ("#f7f7f7", "#fdb863", "#b35806", "#542788")
_MET: Final = 10.0  # % of people without an answer up to which a commune is said to be served
_HALF: Final = 50.0
_MOST_OVER: Final = 999  # % over the norm: beyond, a ratio says no more


def need_themes(diagnostic: Diagnostic, need: Need, core: pd.Index, options: Options) -> list[Theme]:
    """
    Draw a need: share without an answer, why, against the structures, and access against the norm.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    need
        One of its needs.
    core
        Codes of the communes, in the order of the page.
    options
        Language and breaks.

    Returns
    -------
    need_themes
        The views that the figures allow.
    """
    table = of_need(diagnostic.coverage, need).reindex(core)
    supply = column(of_need(diagnostic.reach, need).reindex(core), "answering")
    share = rounded(unmet_share(table), 1)
    sources = cited(diagnostic, (*need.demand.variables, *need.variables), _lists(need))
    themes = [_share(need, share, nobody(table), options), _state(need, table, share, options)]
    if supply.notna().any():
        themes.append(_cross(need, share, supply, nobody(table), options))
    themes.append(_norm(need, table, share, options))
    listed = cited(diagnostic, (), ("structures", "activities"))
    return [_sourced(theme, sources, listed if theme.kind == "cross" else []) for theme in themes]


def _lists(need: Need) -> tuple[str, ...]:
    return ("structures", "activities") if need.id == "insertion" else ()


def _sourced(theme: Theme, sources: list[str], more: list[str]) -> Theme:
    return Theme(**{**vars(theme), "sources": list(dict.fromkeys([*sources, *more]))})


def label_of(need: Need, lang: str) -> str:
    """
    Name a need.

    Parameters
    ----------
    need
        The need.
    lang
        "fr" or "en".

    Returns
    -------
    label_of
        Its label.
    """
    return need.label_en if lang == "en" else need.label


def _share(need: Need, share: pd.Series, none: "pd.Series[bool]", options: Options) -> Theme:
    lang = options.lang
    texts = TEXTS[lang]
    suffix = percent(lang)
    fixed = scale("fixed", SHARES, YLGNBU, suffix=suffix, lang=lang)
    fixed = Scale(fixed.id, SHARES, tuple(SHARES.labels(suffix, lang, first=0, last=100)), fixed.colours, fixed.said)
    found = [scale(name, cut(share), YLGNBU, suffix=suffix, lang=lang) for name, cut in WAYS.items() if name != "equal"]
    return Theme(
        id=f"need:{need.id}",
        kind="need",
        topic=f"need:{need.id}",
        need=need,
        words=words(
            label_of(need, lang),
            texts["view_share"],
            need.unmet_en if lang == "en" else need.unmet,
            unit=f"{texts['share_long']} (%)",
            sense=texts["dark_more"],
        ),
        sources=(),
        numbers=share,
        decimals=1,
        scales=chosen(f"need:{need.id}", [fixed, *found], YLGNBU, suffix, options),
        nobody=none,
        carried=True,
    )


def _state(need: Need, table: pd.DataFrame, share: pd.Series, options: Options) -> Theme:
    texts = TEXTS[options.lang]
    out = column(table, "out_of_reach") > column(table, "saturated")
    kinds = pd.Series(np.select([share <= _MET, out, share <= _HALF], [0.0, 3.0, 1.0], 2.0), index=share.index)
    return Theme(
        id=f"state:{need.id}",
        kind="state",
        topic=f"need:{need.id}",
        need=need,
        words=words(
            label_of(need, options.lang), texts["view_state"], texts["title_state"].format(label_of(need, options.lang))
        ),
        sources=(),
        kinds=kinds.where(share.notna()),
        labels=tuple(texts[f"state_{rank}"] for rank in range(len(STATES))),
        colours=STATES,
        nobody=nobody(table),
        carried=True,
        more={"note": texts["state_note"], "limits": [_MET, _HALF]},
    )


def _cross(need: Need, share: pd.Series, supply: pd.Series, none: "pd.Series[bool]", options: Options) -> Theme:
    lang = options.lang
    texts = TEXTS[lang]
    known = share.notna() & supply.notna()
    rank = 3 * CROSS_NEED.codes(share[known]).astype(int) + CROSS_SUPPLY.codes(supply[known]).astype(int)
    rows = CROSS_NEED.labels(percent(lang), lang, first=0, last=100)
    columns = ("0", "1–3", "4 +")
    what = texts["answering"]
    return Theme(
        id=f"cross:{need.id}",
        kind="cross",
        topic=f"need:{need.id}",
        need=need,
        words=words(
            label_of(need, lang),
            texts["view_cross"],
            f"{label_of(need, lang)}{texts['colon']}{texts['axis_need']} × {texts['axis_supply']}",
            unit=f"{texts['share_long']} (%) × {texts['answering_long']}",
            note=METHODS[lang]["cross"],
        ),
        sources=(),
        kinds=rank.reindex(share.index).astype("float64"),
        labels=tuple(f"{row} × {count} ({what})" for row in rows for count in columns),
        colours=SEQSEQ2,
        nobody=none,
        more={"rows": rows, "columns": list(columns), "across": [list(CROSS_NEED.breaks), list(CROSS_SUPPLY.breaks)]},
    )


def _norm(need: Need, table: pd.DataFrame, share: pd.Series, options: Options) -> Theme:
    lang = options.lang
    texts = TEXTS[lang]
    access, norms, _ = against_norm(need, table, lang)
    over = np.floor(100 * (access / norms.where(norms > 0) - 1) + 0.5)
    values = over.clip(upper=_MOST_OVER).where(share.notna() | nobody(table))
    fixed = scale("fixed", NORM, PUOR, suffix=percent(lang), lang=lang)
    return Theme(
        id=f"gap:{need.id}",
        kind="gap",
        topic=f"need:{need.id}",
        need=need,
        words=words(
            label_of(need, lang),
            texts["view_norm"],
            texts["title_norm"].format(label_of(need, lang)),
            unit=texts["unit_norm"],
            sense=texts["orange_less"],
        ),
        sources=(),
        numbers=values,
        scales=chosen(f"gap:{need.id}", [fixed], PUOR, percent(lang), options),
        nobody=nobody(table),
        carried=True,
        more={"most": _MOST_OVER},
    )


def measure_themes(diagnostic: Diagnostic, name: str, communes: pd.Index, options: Options) -> list[Theme]:
    """
    Draw a measure on the core and, paler, on the buffer; then its difference with the reference.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    name
        A column of its measures.
    communes
        Codes of the core, then of the buffer, in the order of the page.
    options
        Language and breaks.

    Returns
    -------
    measure_themes
        Classes are cut on the core; the difference is there when the reference is known.
    """
    measure = diagnostic.definitions[name]
    core = diagnostic.measures[name].astype("float64")
    around = diagnostic.context[name] if name in diagnostic.context else pd.Series(dtype="float64")
    small = counts_people(diagnostic, measure)
    kept = 0 if small else decimals_of(core.dropna().to_numpy(), digits=options.digits)
    told = pd.concat([core, around.astype("float64")]).reindex(communes)
    values = pd.Series(people(told), index=communes, dtype="float64") if small else _significant(told, kept, options)
    own = values.reindex(core.index)
    themes = [_measure(measure, values, own, kept, options)]
    reference = float(diagnostic.references.get(name, np.nan))
    if np.isfinite(reference) and own.notna().any():
        themes.append(_difference(measure, themes[0], reference, own.index, options))
    sources = cited(diagnostic, measure.variables, ())
    return [_sourced(theme, sources, []) for theme in themes]


def _significant(told: pd.Series, kept: int, options: Options) -> pd.Series:
    """Round as printed; over a country, large numbers keep as many figures as the small ones and one more."""
    size = told.abs().quantile(0.75)
    if kept or options.digits >= Options().digits or not size > 1:
        return rounded(told, kept)
    step = 10.0 ** max(0, int(np.log10(size)) - options.digits)
    return rounded(told / step, 0) * step


def _measure(measure: Measure, values: pd.Series, own: pd.Series, kept: int, options: Options) -> Theme:
    lang = options.lang
    colours = PURD if measure.polarity is Polarity.CONTEXT else YLGNBU
    # Dark always means more need: where a low value is the need, the ramp turns round.
    colours = colours[::-1] if measure.polarity is Polarity.LESS_NEED else colours
    suffix = suffix_of(measure.unit, lang)
    # One value for the whole core, such as the rate of its EPCI: only its neighbours can place it.
    alone = own.nunique() <= 1 and values.nunique() > 1
    ways = [
        scale("quantiles_all" if alone and name == "quantiles" else name, cut(values if alone else own), colours,
              suffix=suffix, lang=lang)
        for name, cut in WAYS.items()
    ]  # fmt: skip
    label = measure.label_en if lang == "en" else measure.label
    decimals = max([kept, *(way.classes.decimals for way in ways[:1])])
    return Theme(
        id=f"measure:{measure.id}",
        kind="measure",
        topic=f"measure:{measure.id}",
        words=words(
            label,
            TEXTS[lang]["view_value"],
            label,
            unit=measure.unit_en if lang == "en" and measure.unit_en else measure.unit,
            sense=TEXTS[lang]["dark_high" if measure.polarity is Polarity.CONTEXT else "dark_more"],
        ),
        sources=(),
        numbers=values,
        decimals=decimals,
        scales=chosen(f"measure:{measure.id}", ways, colours, suffix, options),
    )


def _difference(measure: Measure, shown: Theme, reference: float, core: pd.Index, options: Options) -> Theme:
    lang = options.lang
    texts = TEXTS[lang]
    kept = shown.decimals
    reference = float(rounded(pd.Series([reference]), kept)[0])
    values = rounded(pd.Series(shown.numbers) - reference, kept)
    colours = PUOR if measure.polarity is Polarity.LESS_NEED else PUOR[::-1]
    label = measure.label_en if lang == "en" else measure.label
    unit = texts["points"] if measure.unit == "%" else measure.unit
    ways = [scale("fixed", around_zero(values.reindex(core)), colours, suffix=suffix_of(unit, lang), lang=lang)]
    ways = [Scale("symmetric", way.classes, way.labels, way.colours, METHODS[lang]["symmetric"]) for way in ways]
    return Theme(
        id=f"gap:measure:{measure.id}",
        kind="gap",
        topic=f"measure:{measure.id}",
        words=words(
            label,
            texts["view_gap"],
            texts["title_gap"].format(label),
            unit=unit,
            sense=texts["orange_high" if measure.polarity is Polarity.CONTEXT else "orange_more"],
        ),
        sources=(),
        numbers=values,
        decimals=kept,
        scales=chosen(f"gap:measure:{measure.id}", ways, colours, suffix_of(unit, lang), options),
        carried=True,
        more={"reference": reference},
    )


def counts_people(diagnostic: Diagnostic, measure: Measure) -> bool:
    """
    Tell whether a measure counts people: those of a need, or in the unit of one.

    Parameters
    ----------
    diagnostic
        The diagnostic, with its needs.
    measure
        One of its measures.

    Returns
    -------
    counts_people
        True when small estimates of it are not printed.
    """
    units = {*(need.demand.unit for need in diagnostic.needs), "habitants", "personnes"}
    return measure.denominator is None and measure.additive and measure.unit in units


def chosen(name: str, ways: list[Scale], colours: Iterable[str], suffix: str, options: Options) -> tuple[Scale, ...]:
    """
    Put first the way to cut that was asked for.

    Parameters
    ----------
    name
        Id of the theme.
    ways
        Those it has, its own first.
    colours
        Five, from the first class to the last.
    suffix
        Written after each number.
    options
        The breaks of another map, or the way asked for.

    Returns
    -------
    chosen
        The breaks of another map when they are given, then the way asked for when the theme has it, then the others
        that cut it otherwise.
    """
    ways = list(ways)
    if options.classes is not None:
        ways.sort(key=lambda way: way.id != options.classes)
    if name in options.breaks:
        given = scale("shared", shared(options.breaks[name]), tuple(colours), suffix=suffix, lang=options.lang)
        ways.insert(0, given)
    return tuple({way.classes.breaks: way for way in reversed(ways)}.values())[::-1]


def cited(diagnostic: Diagnostic, variables: Iterable[str], tables: tuple[str, ...]) -> list[str]:
    """
    Cite the sources of columns and tables.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    variables
        Columns, as "table.column".
    tables
        Tables read besides.

    Returns
    -------
    cited
        Producer, title and vintage, each once.
    """
    names = dict.fromkeys([*(variable.split(".")[0] for variable in variables), *tables])
    found = [source.cite() for name in names for source in diagnostic.table_sources.get(name, ())]
    return list(dict.fromkeys(found))


def percent(lang: str) -> str:
    """
    Write what follows a percentage.

    Parameters
    ----------
    lang
        "fr" or "en".

    Returns
    -------
    percent
        The sign, after a no-break space in French.
    """
    return "\u00a0%" if lang == "fr" else "%"


def suffix_of(unit: str, lang: str) -> str:
    """
    Write what follows a number in a legend.

    Parameters
    ----------
    unit
        Of the number.
    lang
        "fr" or "en".

    Returns
    -------
    suffix_of
        The unit when it is short, after a no-break space; else nothing.
    """
    if unit == "%":
        return percent(lang)
    return typeset(f"\u00a0{unit}", lang) if unit and len(unit) <= len("minutes") else ""
