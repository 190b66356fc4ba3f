"""Themes of the priorities: ranks and how far they hold, clusters, classes of communes."""

from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._scales import LIGHT, YLGNBU
from territoire_geo.maps._texts import TEXTS, number
from territoire_geo.maps._theme import Options, Theme, words
from territoire_geo.maps._themes import cited, label_of

FIFTHS: Final = 5
TENS: Final = 10
UNSURE: Final = 0.2  # share of the communes that the interval of a rank may span before it is drawn pale
_PALE: Final = 0.62
CLUSTERS: Final = {
    "high-high": "#e66101", "low-low": "#5e3c99", "high-low": "#fdb863", "low-high": "#b2abd2",
    "not significant": "#efefef",
}  # fmt: skip


def ranked_themes(diagnostic: Diagnostic, core: pd.Index, options: Options) -> list[Theme]:
    """
    Draw the ranks of the communes, their clusters and their typology.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    core
        Codes of the communes, in the order of the page.
    options
        Language.

    Returns
    -------
    ranked_themes
        None when no commune is ranked; no typology when there is none.
    """
    table = diagnostic.ranking.table.reindex(core)
    if options.digits < Options().digits:
        table = outward(table)
    if table["rank"].notna().sum() == 0:
        return []
    variables = [name for need in diagnostic.needs for name in (*need.demand.variables, *need.variables)]
    sources = cited(diagnostic, variables, ("structures", "activities"))
    themes = [_ranks(table, sources, options), _clusters(diagnostic, table, sources, options)]
    if diagnostic.ranking.typology is not None:
        themes.append(_classes(diagnostic, table, sources, options))
    return themes


def rank_classes(table: pd.DataFrame) -> pd.Series:
    """
    Sort ranked communes into fifths, those whose rank is uncertain apart.

    Parameters
    ----------
    table
        rank, rank_low and rank_high by commune; NaN where it is not ranked.

    Returns
    -------
    rank_classes
        0 for the fifth with the most need to 4; 5 more where the interval of the rank spans more than `UNSURE` of the
        ranked communes; NaN unranked.
    """
    count = table["rank"].notna().sum()
    fifth = (FIFTHS * (table["rank"] - 1) // count).clip(upper=FIFTHS - 1)
    unsure = (table["rank_high"] - table["rank_low"]) > UNSURE * count
    return fifth + FIFTHS * unsure.astype("float64")


def outward(table: pd.DataFrame) -> pd.DataFrame:
    """
    Tell the intervals of ranks in tens, outwards, within the ranks that there are.

    Parameters
    ----------
    table
        rank, rank_low and rank_high by commune.

    Returns
    -------
    outward
        The same, with wider intervals.
    """
    last = table["rank"].max()
    low = TENS * np.floor(table["rank_low"] / TENS)
    high = TENS * np.ceil(table["rank_high"] / TENS)
    return table.assign(rank_low=low.clip(lower=1), rank_high=high.clip(upper=last))


def _ranks(table: pd.DataFrame, sources: list[str], options: Options) -> Theme:
    texts = TEXTS[options.lang]
    count = int(table["rank"].notna().sum())
    last = [-(-count * part // FIFTHS) for part in range(1, FIFTHS + 1)]
    spans = [
        texts["rank_span"].format(number(first, 0, options.lang), number(end, 0, options.lang))
        for first, end in zip([1, *(end + 1 for end in last[:-1])], last, strict=True)
    ]
    dark = YLGNBU[::-1]
    return Theme(
        id="rank",
        kind="rank",
        topic="rank",
        words=words(
            texts["rank_label"],
            texts["view_rank"],
            texts["rank_title"],
            unit=texts["rank_unit"],
            sense=texts["rank_sense"],
            note=texts["rank_note"],
        ),
        sources=sources,
        kinds=rank_classes(table),
        labels=(*spans, *(f"{span}, {texts['rank_unsure']}" for span in spans)),
        colours=(*dark, *(_paler(colour) for colour in dark)),
        carried=True,
        more={"fifths": FIFTHS, "unsure": UNSURE},
    )


def _paler(colour: str) -> str:
    parts = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (255 - part) * _PALE):02x}" for part in parts)


def _clusters(diagnostic: Diagnostic, table: pd.DataFrame, sources: list[str], options: Options) -> Theme:
    texts = TEXTS[options.lang]
    found = table["cluster"].map({name: float(rank) for rank, name in enumerate(CLUSTERS)})
    lowest = diagnostic.ranking.floor
    note = texts["cluster_note"].format(number(lowest.permutations, 0, options.lang))
    return Theme(
        id="cluster",
        kind="cluster",
        topic="rank",
        words=words(texts["rank_label"], texts["view_cluster"], texts["cluster_title"], note=note),
        sources=sources,
        kinds=found.astype("float64"),
        labels=tuple(texts[f"cluster_{rank}"] for rank in range(len(CLUSTERS))),
        colours=tuple(CLUSTERS.values()),
    )


def _classes(diagnostic: Diagnostic, table: pd.DataFrame, sources: list[str], options: Options) -> Theme:
    lang = options.lang
    texts = TEXTS[lang]
    typology = diagnostic.ranking.typology
    if typology is None:
        raise ValueError("class: this diagnostic has no typology.")
    names = {need.id: label_of(need, lang) for need in diagnostic.needs}
    sizes = list(typology.sizes.index)
    labels = []
    for place in sizes:
        set_apart = typology.described.loc[[place]]
        said = [
            f"{names.get(str(name), str(name))} {texts['more' if deviation > 0 else 'less']}"
            for name, deviation in set_apart["deviation"].droplevel(0).items()
        ]
        labels.append(f"{texts['class_name'].format(int(place))}{texts['colon']}{', '.join(said)}")
    note = texts["class_note"].format(number(typology.quality, 2, lang), number(typology.stability, 2, lang))
    return Theme(
        id="class",
        kind="class",
        topic="rank",
        words=words(texts["rank_label"], texts["view_class"], texts["class_title"], note=note),
        sources=sources,
        kinds=table["typology"].astype("float64") - 1,
        labels=tuple(labels),
        colours=LIGHT[: len(labels)],
    )
