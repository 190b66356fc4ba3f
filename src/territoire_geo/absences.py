"""Why a figure is unknown: the columns that are missing, and how; never a zero."""

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, NEED, NOM_COMMUNE
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import ApproximateTravelWarning, IncompleteBufferWarning, SuppressedValueWarning
from territoire_geo.measures import Inputs, Measure, Need
from territoire_geo.neighbours import Neighbours
from territoire_geo.tables import Absence, Note
from territoire_geo.territory import Territory

KNOWN: Final = 0.999  # below it a catchment is said to be partly unknown
MOSTLY_UNKNOWN: Final = "chiffres ou norme inconnus pour plus du quart du bassin"


def reasons(
    inputs: Inputs,
    definitions: Mapping[str, Measure],
    figures: pd.DataFrame,
    *,
    needs: Sequence[Need],
    unmet: pd.Series,
) -> "pd.Series[str]":
    """
    Say why a measure (core and buffer) or a need (core) is unknown.

    Parameters
    ----------
    inputs
        Tables and territory.
    definitions
        Measure id -> its definition.
    figures
        The measures by commune; one that is known nowhere is left out, its reason is the same for all.
    needs
        The needs.
    unmet
        People unmet, by (commune, need).

    Returns
    -------
    reasons
        French words by (code_commune, item), item being the id of a measure or a need, sorted.
    """
    parts = {}
    for name in figures.columns[figures.notna().any()]:
        missing = figures.index[figures[name].isna()]
        parts[name] = _why(inputs, definitions[name], missing)
    for need in needs:
        people = unmet.xs(need.id, level=NEED)
        missing = people.index[people.isna()]
        parts[need.id] = _why(inputs, need.demand, missing, also=need.variables)
    found = {name: part for name, part in parts.items() if len(part)}
    if not found:
        nowhere = pd.MultiIndex.from_arrays([[], []], names=[CODE_COMMUNE, "item"])
        return pd.Series([], index=nowhere, dtype="str", name="reason")
    both = pd.concat(found, names=["item", CODE_COMMUNE]).swaplevel()
    return both.sort_index().astype("str").rename("reason")


def _why(inputs: Inputs, measure: Measure, missing: pd.Index, *, also: tuple[str, ...] = ()) -> "pd.Series[str]":
    out = pd.Series("", index=missing, dtype="str")
    if not len(missing):
        return out
    by_commune = [variable for variable in also if CONTRACTS[variable.split(".")[0]].by_commune]
    for variable in dict.fromkeys((*measure.variables, *by_commune)):
        state = inputs.tables.absence(variable, missing)
        table, column = variable.split(".")
        loaded = getattr(inputs.tables, table) is not None
        said = f"{column} : " + (state if loaded else "table non chargée")
        gap = pd.Series(" ; ", index=missing, dtype="str").where(out.ne(""), "")
        out = out.mask(state.ne(""), out + gap + said)
    nothing = MOSTLY_UNKNOWN if measure.denominator is None else Absence.NOT_APPLICABLE.value
    return out.mask(out.eq(""), nothing)


def notes(needs: Sequence[Need], covered: pd.DataFrame, territory: Territory) -> list[Note]:
    """
    Tell which communes have an unknown need, and which a catchment known in part.

    Parameters
    ----------
    needs
        The needs.
    covered
        Indexed by (code_commune, need): unmet_people and known_share.
    territory
        Names of the communes.

    Returns
    -------
    notes
        One for each need and state.
    """
    names = territory.communes[NOM_COMMUNE]
    said = []
    for need in needs:
        frame = covered.xs(need.id, level=NEED)
        unknown = frame.index[frame["unmet_people"].isna()]
        if len(unknown):
            fr = f"{need.label} : inconnu pour {listed(names.loc[unknown])} ; jamais compté pour zéro."
            en = f"{need.label_en}: unknown for {listed(names.loc[unknown])}; never counted as zero."
            said.append(Note(SuppressedValueWarning, fr, en))
        partly = frame.index[frame["known_share"].lt(KNOWN) & frame["unmet_people"].notna()]
        if len(partly):
            fr = f"{need.label} : bassin connu en partie seulement pour {listed(names.loc[partly])}."
            en = f"{need.label_en}: the catchment is only partly known for {listed(names.loc[partly])}."
            said.append(Note(IncompleteBufferWarning, fr, en))
    return said


def island_notes(borders: Neighbours, inputs: Inputs, *, by_road: bool) -> list[Note]:
    """
    Tell the communes that touch no other: the straight line goes over the water around them.

    Parameters
    ----------
    borders
        Which communes touch, core and buffer.
    inputs
        Territory and names.
    by_road
        Whether the minutes by car come from a table, which knows better.

    Returns
    -------
    island_notes
        A note when the core has such communes, and others are loaded around.
    """
    counts = borders.counts.reindex(inputs.territory.core)
    alone = counts.index[counts.eq(0)]
    if by_road or not len(alone) or len(borders.ids) == 1:
        return []
    names = listed(inputs.territory.communes[NOM_COMMUNE].loc[alone])
    fr = f"Îles : {names} n'ont pas de commune limitrophe ; les temps à vol d'oiseau passent par-dessus l'eau."
    fr = fr if len(alone) > 1 else fr.replace("Îles", "Île").replace("n'ont", "n'a")
    en = f"Islands: {names} touch no other commune; straight-line times go over the water."
    return [Note(ApproximateTravelWarning, fr, en)]


def listed(names: "pd.Series[str]") -> str:
    """
    Write the first three names, and how many follow.

    Parameters
    ----------
    names
        Names of communes.

    Returns
    -------
    listed
        Such as "Dole, Tavaux, Damparis (+ 4)".
    """
    shown = ", ".join(names.iloc[:3])
    return shown if len(names) <= 3 else f"{shown} (+ {len(names) - 3})"  # noqa: PLR2004 - three names are read
