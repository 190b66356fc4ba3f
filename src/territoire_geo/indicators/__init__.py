"""The measures shown beside the needs, a module by family, and the catalogue of all indicators."""

import re
from typing import Final

import pandas as pd

from territoire_geo.indicators import (
    ageing,
    childcare,
    digital,
    employment,
    housing,
    insertion,
    mobility,
    people,
    training,
)
from territoire_geo.indicators.derived import DERIVED, NOT_AVAILABLE, Derived, NotAvailable
from territoire_geo.measures import Measure

__all__ = ["DERIVED", "MEASURES", "NOT_AVAILABLE", "Derived", "NotAvailable", "catalogue"]

MEASURES: Final[tuple[Measure, ...]] = (
    *people.MEASURES,
    *mobility.MEASURES,
    *childcare.MEASURES,
    *employment.MEASURES,
    *insertion.MEASURES,
    *ageing.MEASURES,
    *training.MEASURES,
    *housing.MEASURES,
    *digital.MEASURES,
)
FAMILIES: Final = "MCEIAFLN"  # first letters of the codes, in the order of the list of indicators


def catalogue() -> pd.DataFrame:
    """
    List every indicator: those that are measures, those that a need gives, those that no table holds.

    Returns
    -------
    catalogue
        Indexed by unique `id`, in the order of codes, measures out of the list last: code ("" out of the list; several
        measures may share one), label, label_en, unit, unit_en, polarity (+, -, ctx), formula (French), variables
        (columns read), sources (tables), reference, kind ("measure", "derived" or "not available").
    """
    rows = [*map(_measure, MEASURES)]
    rows += [_derived(code, one) for code, one in DERIVED.items()]
    rows += [_not_available(code, one) for code, one in NOT_AVAILABLE.items()]
    frame = pd.DataFrame(rows).set_index("id")
    return frame.iloc[sorted(range(len(frame)), key=lambda place: _rank(str(frame["code"].iloc[place]), place))]


def _rank(code: str, place: int) -> tuple[int, int, int]:
    match = re.fullmatch(r"([A-Z])(\d+)", code)
    return (FAMILIES.index(match[1]), int(match[2]), place) if match else (len(FAMILIES), 0, place)


def _measure(one: Measure) -> dict[str, object]:
    return {
        "id": one.id,
        "code": one.code,
        "label": one.label,
        "label_en": one.label_en,
        "unit": one.unit,
        "unit_en": one.unit_en or one.unit,
        "polarity": one.polarity.value,
        "formula": one.formula,
        "variables": ", ".join(one.variables),
        "sources": ", ".join(one.sources),
        "reference": one.reference,
        "kind": "measure",
    }


def _derived(code: str, one: Derived) -> dict[str, object]:
    return {
        "id": f"{one.need}.{one.column}",
        "code": code,
        "label": one.label,
        "label_en": one.label_en,
        "unit": one.unit,
        "unit_en": one.unit_en,
        "polarity": one.polarity.value,
        "formula": one.formula,
        "variables": f"coverage.{one.column}",
        "sources": one.need,
        "reference": "",
        "kind": "derived",
    }


def _not_available(code: str, one: NotAvailable) -> dict[str, object]:
    return {
        "id": code,
        "code": code,
        "label": one.label,
        "label_en": one.label_en,
        "unit": one.unit,
        "unit_en": one.unit_en,
        "polarity": one.polarity.value,
        "formula": one.why,
        "variables": "",
        "sources": "",
        "reference": "",
        "kind": "not available",
    }
