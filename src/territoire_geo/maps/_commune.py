"""What the sheet of a commune says beyond its needs: its measures beside their references, what is proposed there."""

from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.columns import KIND, SIRET
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._figures import packed
from territoire_geo.maps._texts import figures, people
from territoire_geo.maps._theme import Json
from territoire_geo.maps._typography import typeset
from territoire_geo.measures import Measure

_KEPT: Final = 4  # decimals of a total or of a reference; the page prints those of its theme
_TOLD: Final = {"value": "value_there", "difference": "difference", "low": "low", "high": "high"}
_AWAY: Final = -1  # what `get_indexer` says of a code that the page does not hold


def proposals_data(diagnostic: Diagnostic, order: pd.Index, lang: str) -> list[Json]:
    """
    Gather what the figures suggest to discuss.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    order
        Codes of the communes, in the order of the page.
    lang
        "fr" or "en".

    Returns
    -------
    proposals_data
        By proposal: need and action (ids), communes (positions in `order`), people with low and high (None where the
        proposal gives none, 1 for an estimate under five), structures (positions in those of the diagnostic), text.
    """
    keys = pd.MultiIndex.from_frame(diagnostic.structures.index.to_frame(index=False).reindex(columns=[SIRET, KIND]))
    out: list[Json] = []
    for one in diagnostic.proposals:
        count, low, high = people(pd.Series([one.people, one.low, one.high], dtype="float64"))
        named = pd.MultiIndex.from_tuples(one.structures, names=keys.names) if one.structures else keys[:0]
        out.append({
            "need": one.need,
            "action": one.action,
            "communes": packed(np.asarray(_positions(order, pd.Index(one.communes)), dtype=np.intp)),
            "people": count,
            "low": low,
            "high": high,
            "structures": _positions(keys, named),
            "text": typeset(one.reason_en if lang == "en" else one.reason, lang),
        })  # fmt: skip
    return out


def standings_data(diagnostic: Diagnostic, lang: str) -> list[Json]:
    """
    Gather the territory beside its reference and its other perimeters, measure by measure.

    Parameters
    ----------
    diagnostic
        The diagnostic.
    lang
        "fr" or "en".

    Returns
    -------
    standings_data
        By measure that is computed: id, family (first letter of its code, "" out of the list of indicators), label,
        unit, polarity, ratio (whether a commune can be held against a total), total and reference (None unknown), known
        (% of the people whose figure is known), fragile (communes whose figure rests on too few people), formula,
        sources, perimeters (label, value, difference with low and high, said).
    """
    return [_measure(diagnostic, diagnostic.definitions[name], lang) for name in diagnostic.computed]


def _measure(diagnostic: Diagnostic, measure: Measure, lang: str) -> Json:
    english = lang == "en"
    known, fragile = (diagnostic.indicators[name].get(measure.id, np.nan) for name in ("known_share", "fragile"))
    return {
        "id": measure.id,
        "family": measure.code[:1],
        "label": measure.label_en if english else measure.label,
        "unit": (measure.unit_en or measure.unit) if english else measure.unit,
        "polarity": measure.polarity.value,
        "ratio": measure.denominator is not None or not measure.additive,
        "total": _figure(diagnostic.totals.get(measure.id, np.nan)),
        "reference": _figure(diagnostic.references.get(measure.id, np.nan)),
        "known": _figure(100 * known, 0),
        "fragile": int(fragile) if fragile > 0 else 0,
        "formula": measure.formula,
        "sources": _cited(diagnostic, measure),
        "perimeters": _perimeters(diagnostic.standings, measure.id),
    }


def _perimeters(standings: pd.DataFrame, name: str) -> list[Json]:
    if standings.empty:
        return []
    rows = standings[standings.index.get_level_values(0) == name].droplevel(0)
    rows = rows[rows["value_there"].notna()]
    told = {said: figures(rows[column].astype("float64"), _KEPT) for said, column in _TOLD.items()}
    words = zip(rows.index.astype("str"), rows["label"].astype("str"), rows["said"].astype("str"), strict=True)
    return [
        {"id": place, "label": label, "said": said, **{told_as: values[rank] for told_as, values in told.items()}}
        for rank, (place, label, said) in enumerate(words)
    ]


def _cited(diagnostic: Diagnostic, measure: Measure) -> list[str]:
    tables = dict.fromkeys(variable.split(".")[0] for variable in measure.variables)
    return list(dict.fromkeys(source.cite() for table in tables for source in diagnostic.table_sources.get(table, ())))


def _figure(value: float, decimals: int = _KEPT) -> float | None:
    return figures(pd.Series([value], dtype="float64"), decimals)[0]


def _positions(order: pd.Index, wanted: pd.Index) -> list[int]:
    found = order.get_indexer(wanted)
    return [int(place) for place in found if place != _AWAY]
