"""Every figure of the core, one a row, with its unit and its state: known, or why it is not."""

from collections.abc import Mapping
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NEED
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.measures import Need
from territoire_geo.tables import Absence

KNOWN: Final = "connu"
UNKNOWN: Final = "inconnu"  # missing, and nobody said why

# Column of the coverage -> what it says in French, and its unit (None: the need's own).
PEOPLE: Final = "personnes"
SHARE: Final = "part de 0 à 1"
COVERAGE: Final[Mapping[str, tuple[str, str | None]]] = {
    "demand": ("personnes concernées", PEOPLE),
    "access": ("accès", None),
    "target": ("accès de référence", None),
    "unmet_people": ("besoin non couvert", PEOPLE),
    "unmet_share": ("part non couverte", SHARE),
    "unmet_units": ("écart", None),
    "served": ("besoin couvert", PEOPLE),
    "saturated": ("non couvert, offre à portée insuffisante", PEOPLE),
    "out_of_reach": ("non couvert, rien à portée", PEOPLE),
    "reachable": ("une offre est à portée", "1 oui, 0 non"),
    "known_share": ("part des chiffres connus", SHARE),
    "low": ("besoin non couvert, valeur basse", PEOPLE),
    "high": ("besoin non couvert, valeur haute", PEOPLE),
}


def long(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Lay the figures of the core one a row: the measures, then each need.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    long
        code_commune, item (a measure id, or need id and column), value, unit, state and label.
    """
    parts = [measures_long(diagnostic), *(_need_long(diagnostic, need) for need in diagnostic.needs)]
    return pd.concat(parts, ignore_index=True)


def measures_long(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Lay the measures of the core one a row.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    measures_long
        As `long`.
    """
    measures = diagnostic.measures[diagnostic.computed].melt(var_name="item", value_name="value", ignore_index=False)
    measures = measures.rename_axis(CODE_COMMUNE).reset_index().astype({"item": "str", "value": "float64"})
    known = diagnostic.definitions
    measures["unit"] = measures["item"].map({id_: measure.unit for id_, measure in known.items()})
    measures["state"] = states(
        measures["value"], pd.MultiIndex.from_frame(measures[[CODE_COMMUNE, "item"]]), diagnostic.absences
    )
    measures["label"] = measures["item"].map({id_: measure.label for id_, measure in known.items()})
    return measures


def _need_long(diagnostic: Diagnostic, need: Need) -> pd.DataFrame:
    coverage = one_need(diagnostic, need)
    units = {"access": need.access_unit, "target": need.access_unit, "unmet_units": need.gap_unit}
    # The reason is that of the commune and the need: it is read once, whatever the column.
    keys = pd.MultiIndex.from_product([coverage.index, [need.id]])
    why = state_of(diagnostic.absences.reindex(keys).set_axis(coverage.index))
    parts = []
    for column, (label, unit) in COVERAGE.items():
        values = coverage[column].astype("float64")
        state = why.where(values.isna(), KNOWN)
        if column == "unmet_share":  # a share of nobody is not an unknown
            state = state.mask(coverage["demand"].eq(0), Absence.NOT_APPLICABLE.value)
        part = pd.DataFrame({"item": f"{need.id}_{column}", "value": values, "unit": unit or units[column]})
        parts.append(part.assign(state=state, label=f"{need.label} : {label}"))
    return pd.concat(parts).rename_axis(CODE_COMMUNE).reset_index()


def coverage_of(diagnostic: Diagnostic) -> pd.DataFrame:
    """
    Give the coverage with its unmet share [0-1].

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    coverage_of
        `Diagnostic.coverage` and unmet_share, NaN where nobody is concerned.
    """
    coverage = diagnostic.coverage
    people = coverage["demand"].where(coverage["demand"] > 0)
    return coverage.assign(unmet_share=coverage["unmet_people"] / people)


def one_need(diagnostic: Diagnostic, need: Need) -> pd.DataFrame:
    """
    Give the coverage of one need.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    need
        One of its needs.

    Returns
    -------
    one_need
        By commune of the core, the columns of `coverage_of`.
    """
    coverage = coverage_of(diagnostic)
    return coverage[coverage.index.get_level_values(NEED) == need.id].droplevel(NEED)


def states(values: pd.Series, keys: pd.Index, absences: pd.Series) -> pd.Series:
    """
    Tell the state of each value: known, or why it is not.

    Parameters
    ----------
    values
        NaN unknown.
    keys
        (code_commune, item) of each value, in the same order.
    absences
        `Diagnostic.absences`.

    Returns
    -------
    states
        `KNOWN`, a state of `Absence` or `UNKNOWN`, indexed like the values.
    """
    reasons = absences.reindex(keys).set_axis(values.index)
    return state_of(reasons).where(values.isna(), KNOWN)


def state_of(reasons: pd.Series) -> pd.Series:
    """
    Give the state that a reason of absence tells.

    Parameters
    ----------
    reasons
        Sentences in French; missing when nobody said why.

    Returns
    -------
    state_of
        A state of `Absence`, or `UNKNOWN`.
    """
    out = pd.Series(UNKNOWN, index=reasons.index, dtype="str")
    texts = reasons.astype("str")
    for absence in reversed(Absence):  # secrecy is said first when a figure lacks for several reasons
        out = out.mask(texts.str.contains(absence.value, regex=False, na=False), absence.value)
    return out
