"""Themes of the map: one per need, one per need against its structures, one per measure."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._classes import NOBODY, UNKNOWN, Classes, decimals_of, quantiles
from territoire_geo.maps._figures import column, nobody, of_need, reasons, unmet_share
from territoire_geo.maps._needs import Json
from territoire_geo.maps._texts import METHODS, TEXTS, figures, number, people
from territoire_geo.measures import Measure, Need, Polarity

# ColorBrewer YlGnBu and PuRd (safe for the colour-blind), brewer.seqseq2 by row of need, then by column of supply.
YLGNBU: Final = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
PURD: Final = ("#f1eef6", "#d7b5d8", "#df65b0", "#dd1c77", "#980043")
SEQSEQ2: Final = (
    "#f3f3f3", "#b4d3e1", "#509dc2",
    "#f3e6b3", "#b3b3b3", "#376387",
    "#f3b300", "#b36600", "#000000",
)  # fmt: skip
SHARES: Final = Classes((10.0, 25.0, 50.0, 75.0))  # % of the people whose need is not met: the same for every need
CROSS_NEED: Final = Classes((25.0, 50.0))
CROSS_SUPPLY: Final = Classes((1.0, 4.0))  # structures within reach: none, a few, many
_PICK: Final = {1: (3,), 2: (1, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}


def need_theme(diagnostic: Diagnostic, need: Need, core: pd.Index, lang: str) -> Json:
    """
    Draw the share of the people whose need is not met.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    need
        One of its needs.
    core
        Codes of the communes, in the order of the page.
    lang
        "fr" or "en".

    Returns
    -------
    need_theme
        Classes, colours and legend, JSON-ready.
    """
    table = of_need(diagnostic.coverage, need).reindex(core)
    codes = SHARES.codes(unmet_share(table), nobody(table))
    texts = TEXTS[lang]
    return {
        "id": f"need:{need.id}",
        "kind": "need",
        "need": need.id,
        "label": need.label_en if lang == "en" else need.label,
        "title": need.unmet_en if lang == "en" else need.unmet,
        "unit": f"{texts['share_long']} (%)",
        "colours": list(YLGNBU),
        "labels": SHARES.labels(_percent(lang), lang, first=0, last=100),
        "codes": "".join(codes),
        "counts": _counts(codes, len(YLGNBU)),
        "unknown": int((codes == UNKNOWN).sum()),
        "nobody": int((codes == NOBODY).sum()),
        "method": METHODS[lang]["fixed"],
        "sense": texts["dark_more"],
        "sources": _sources(diagnostic, _read(need), ("structures", "activities") if need.id == "insertion" else ()),
    }


def cross_theme(diagnostic: Diagnostic, need: Need, core: pd.Index, lang: str) -> Json | None:
    """
    Draw the unmet share against the number of structures within reach that answer the need.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    need
        One of its needs.
    core
        Codes of the communes, in the order of the page.
    lang
        "fr" or "en".

    Returns
    -------
    cross_theme
        Nine classes, row of need × 3 + column of supply; None when no structure is known.
    """
    table = of_need(diagnostic.coverage, need).reindex(core)
    supply = column(of_need(diagnostic.reach, need).reindex(core), "answering")
    if supply.isna().all():
        return None
    share = unmet_share(table)
    known = share.notna() & supply.notna()
    rank = 3 * CROSS_NEED.codes(share[known]).astype(int) + CROSS_SUPPLY.codes(supply[known]).astype(int)
    codes = Classes(tuple(range(1, 9))).codes(rank.reindex(core), nobody(table))
    texts = TEXTS[lang]
    label = need.label_en if lang == "en" else need.label
    return {
        "id": f"cross:{need.id}",
        "kind": "cross",
        "need": need.id,
        "label": f"{label} × IAE",
        "title": f"{label} : {texts['axis_need']} × {texts['axis_supply']}",
        "unit": f"{texts['share_long']} (%) × {texts['answering_long']}",
        "colours": list(SEQSEQ2),
        "labels": _cross_labels(lang),
        "rows": CROSS_NEED.labels(_percent(lang), lang, first=0, last=100),
        "columns": ["0", "1–3", "4 +"],
        "codes": "".join(codes),
        "counts": _counts(codes, len(SEQSEQ2)),
        "unknown": int((codes == UNKNOWN).sum()),
        "nobody": int((codes == NOBODY).sum()),
        "method": METHODS[lang]["cross"],
        "sense": "",
        "sources": _sources(diagnostic, _read(need), ("structures", "activities")),
    }


def measure_theme(diagnostic: Diagnostic, name: str, communes: pd.Index, lang: str) -> Json:
    """
    Draw a measure on the core and, paler, on the buffer.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    name
        A column of its measures.
    communes
        Codes of the core, then of the buffer, in the order of the page.
    lang
        "fr" or "en".

    Returns
    -------
    measure_theme
        Classes cut on the core, values and legend, JSON-ready; lists follow `communes`.
    """
    measure = diagnostic.definitions[name]
    core = diagnostic.measures[name].astype("float64")
    around = diagnostic.context[name] if name in diagnostic.context else pd.Series(dtype="float64")
    values = pd.concat([core, around.astype("float64")]).reindex(communes)
    classes, method = quantiles(core), "quantiles"
    if not classes.breaks and values.nunique() > 1:
        # One value for the whole core, such as the rate of its EPCI: only its neighbours can place it.
        classes, method = quantiles(values), "quantiles_all"
    codes = classes.codes(values)
    mine = codes[codes.index.isin(core.index)]
    size = len(classes.breaks) + 1
    decimals = max(classes.decimals, decimals_of(core.dropna().to_numpy()))
    same = bool(core.notna().all()) and core.nunique() == 1
    return {
        "id": f"measure:{name}",
        "kind": "context",
        "label": measure.label_en if lang == "en" else measure.label,
        "title": measure.label_en if lang == "en" else measure.label,
        "unit": measure.unit,
        "colours": _ramp(measure, size),
        "labels": classes.labels(_suffix(measure.unit, lang), lang),
        "codes": "".join(codes),
        "counts": _counts(mine, size),
        "around": _counts(codes.drop(mine.index), size),
        "unknown": int((mine == UNKNOWN).sum()),
        "nobody": 0,
        "method": METHODS[lang][method if classes.breaks else "single"],
        "sense": TEXTS[lang]["dark_high" if measure.polarity is Polarity.CONTEXT else "dark_more"],
        "sources": _sources(diagnostic, measure.variables, ()),
        "decimals": decimals,
        "small": _counts_people(diagnostic, measure),
        "values": people(values) if _counts_people(diagnostic, measure) else figures(values, decimals),
        "why": reasons(diagnostic.absences, communes[values.isna()], communes, (name,), lang),
        "total": figures(pd.Series([diagnostic.totals.get(name, np.nan)]), decimals)[0],
        "reference": figures(pd.Series([diagnostic.references.get(name, np.nan)]), decimals)[0],
        "constant": figures(core.iloc[:1], decimals)[0] if same else None,
        "formula": measure.formula,
    }


def _counts(codes: "pd.Series[str]", size: int) -> list[int]:
    return [int((codes == str(rank)).sum()) for rank in range(size)]


def _ramp(measure: Measure, size: int) -> list[str]:
    ramp = PURD if measure.polarity is Polarity.CONTEXT else YLGNBU
    colours = [ramp[position] for position in _PICK[size]]
    # Dark always means more need: where a low value is the need, the ramp turns round.
    return colours[::-1] if measure.polarity is Polarity.LESS_NEED else colours


def _read(need: Need) -> tuple[str, ...]:
    return (*need.demand.variables, *need.variables)


def _sources(diagnostic: Diagnostic, variables: Iterable[str], tables: tuple[str, ...]) -> list[str]:
    names = dict.fromkeys([*(variable.split(".")[0] for variable in variables), *tables])
    cited = [source.cite() for name in names for source in diagnostic.table_sources.get(name, ())]
    return list(dict.fromkeys(cited))


def _percent(lang: str) -> str:
    return "\u00a0%" if lang == "fr" else "%"


def _suffix(unit: str, lang: str) -> str:
    return _percent(lang) if unit == "%" else f"\u00a0{unit}" if unit and len(unit) <= len("minutes") else ""


def _counts_people(diagnostic: Diagnostic, measure: Measure) -> bool:
    """Whether a measure counts people: those of a need, or in the unit of one."""
    units: Mapping[str, None] = dict.fromkeys(
        [*(need.demand.unit for need in diagnostic.needs), "habitants", "personnes"]
    )
    return measure.denominator is None and measure.additive and measure.unit in units


def _cross_labels(lang: str) -> list[str]:
    """Name the nine classes for the table twin: share, then structures."""
    shares = CROSS_NEED.labels(_percent(lang), lang, first=0, last=100)
    supply = [number(0, 0, lang), "1–3", "4 +"]
    what = TEXTS[lang]["answering"]
    return [f"{share} × {count} ({what})" for share in shares for count in supply]
