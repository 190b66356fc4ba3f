"""What the needs share: three-step decays, norms of a reference, and the share of a catchment that is known."""

from typing import Final

import pandas as pd

from territoire_geo import access
from territoire_geo.columns import POPULATION, point_ids
from territoire_geo.errors import SuppressedValueWarning
from territoire_geo.measures import Access, Decay, Inputs, Need, Target
from territoire_geo.tables import Note
from territoire_geo.travel import communes_of

COVERED: Final = 0.99  # share of the population whose demand must be known for an average around points to stand


def three_steps(d0: float) -> access.Law:
    """
    Weigh minutes 1, 0.68 and 0.22 in the three thirds of a reach.

    Parameters
    ----------
    d0
        Reach [minutes].

    Returns
    -------
    three_steps
        The decay; 10, 20 and 30 minutes for a reach of 30.

    References
    ----------
    .. [1] Luo & Qi 2009, doi:10.1016/j.healthplace.2009.06.002 (weights of their enhanced two-step method).
    """
    return access.steps({d0 / 3: 1, 2 * d0 / 3: 0.68, d0: 0.22})


def catchment(inputs: Inputs, need: Need, demand: pd.Series, supply: pd.Series, decay: Decay) -> Access:
    """
    Share a supply among the demand around it (E2SFCA), on what is known, with what a scenario changes.

    Parameters
    ----------
    inputs
        Territory, tables and travel.
    need
        Its mode of travel.
    demand
        People by commune, NaN unknown.
    supply
        Capacity by commune or point id, NaN unknown.
    decay
        Weights of minutes.

    Returns
    -------
    catchment
        By commune: access [supply units per person], reachable and known_share. NaN where the demand or the supply of
        the commune itself is unknown, or nothing of its catchment is known. With the conservation report.
    """
    people, offered = demand.dropna(), inputs.changes.applied(need.id, supply).dropna()
    minutes = access.between(inputs.travel[need.mode], origins=people.index, destinations=offered.index)
    shared = access.catchments(people, offered, minutes, decay)
    frame = shared.places[["access", "reachable"]].reindex(inputs.index)
    known = demand.notna()
    if supply.index.equals(inputs.index):
        known &= supply.notna()
    frame["reachable"] = frame["reachable"].eq(True)  # noqa: FBT003 - a nullable boolean made plain
    frame["known_share"] = known_share(inputs, need.mode, known, decay, rivals=True)
    # A commune whose own supply is withheld is unknown itself: a hole is not a zero.
    frame["access"] = frame["access"].where(known & (frame["known_share"] > 0))
    return Access(frame, conservation=shared.report())


def known_share(
    inputs: Inputs, mode: str, known: "pd.Series[bool]", decay: Decay, *, rivals: bool = False
) -> "pd.Series[float]":
    """
    Tell which share of the population of each catchment has known figures [0-1].

    Parameters
    ----------
    inputs
        Territory and travel.
    mode
        Mode of travel.
    known
        Whether the figures of each commune are known.
    decay
        Weights of minutes.
    rivals
        Whether those who compete for the supply within reach count too: they live up to twice the reach away.

    Returns
    -------
    known_share
        One value per commune.
    """
    everything = pd.Series(1.0, index=inputs.index, name="known_share")
    if known.all():
        return everything
    people = inputs.territory.communes[POPULATION].dropna()
    minutes = access.between(inputs.travel[mode], origins=inputs.index, destinations=people.index)
    whole = access.hansen(people, minutes, decay, inputs.index)

    def share(figures: pd.Series) -> pd.Series:
        part = access.hansen(people * figures.reindex(people.index), minutes, decay, inputs.index)
        # A catchment without inhabitants has nothing unknown but itself.
        return (part / whole.where(whole > 0)).clip(0, 1).fillna(figures)

    here = known.astype("float64")
    return share(here * share(here) if rivals else here).rename("known_share")


def left_out(label: str, label_en: str, usable: "pd.Series[bool]") -> tuple[Note, ...]:
    """
    Say how many supply points are left out, for want of a place or a capacity.

    Parameters
    ----------
    label
        What the points are for, in French.
    label_en
        The same in English.
    usable
        Whether place and capacity are known, by point.

    Returns
    -------
    left_out
        A note when a point is left out, or when the list has none here; else nothing.
    """
    lost = int((~usable).sum())
    if usable.empty:
        fr = f"{label} : la liste n'a aucun point dans ce territoire ni son voisinage ; l'offre y est comptée nulle."
        en = f"{label_en}: the list has no point in this territory nor its buffer; the supply is counted as none."
        return (Note(SuppressedValueWarning, fr, en),)
    if not lost:
        return ()
    fr = f"{label} : sur {len(usable)} lieux, {lost} sans adresse ou sans capacité connue, donc hors du compte."
    en = f"{label_en}: of {len(usable)} places, {lost} without a known address or capacity, so not counted."
    return (Note(SuppressedValueWarning, fr, en),)


def norm(
    inputs: Inputs,
    numerator: str,
    denominator: str,
    *,
    supply: pd.Series | None = None,
    demand: pd.Series | None = None,
) -> Target:
    """
    Take the ratio of two counts of the reference as the norm.

    Parameters
    ----------
    inputs
        Tables and reference.
    numerator
        Column of `references`, such as "emplois".
    denominator
        Column of `references`, such as "actifs_15_64".
    supply
        Supply by place, for the fall-back.
    demand
        Demand by commune, for the fall-back.

    Returns
    -------
    norm
        One value for all communes. When the reference lacks a count, the ratio of the loaded territory, and a note.
    """
    reference = inputs.reference
    top, bottom = (reference_count(inputs, name) for name in (numerator, denominator))
    if bottom > 0 and top == top:  # noqa: PLR0124 - NaN is the one value that differs from itself
        said: tuple[Note, ...] = ()
        if top == 0:
            fr = f"Norme {reference.nom} nulle ({numerator} : 0) : elle ne permet pas de dire un manque."
            en = f"The norm of {reference.nom} is zero ({numerator}: 0): it cannot tell what is missing."
            said = (Note(SuppressedValueWarning, fr, en),)
        label, label_en = f"moyenne ({reference.nom})", f"average of {reference.nom}"
        return Target(pd.Series(top / bottom, index=inputs.index), label, label_en, said)
    fr = f"Norme {reference.nom} inconnue ({numerator}/{denominator}) : moyenne du territoire et de son voisinage."
    en = f"The norm of {reference.nom} is unknown ({numerator}/{denominator}): average of the territory and its buffer."
    value = float("nan") if supply is None or demand is None else _average(inputs, supply, demand)
    label, label_en = "moyenne du territoire et de son voisinage", "average of the territory and its buffer"
    if value != value:  # noqa: PLR0124 - the same
        fr = f"Norme {reference.nom} inconnue ({numerator}/{denominator}), et le voisinage ne peut en tenir lieu."
        en = f"The norm of {reference.nom} is unknown ({numerator}/{denominator}), and the buffer cannot stand in."
        label, label_en = "norme inconnue", "unknown norm"
    note = Note(SuppressedValueWarning, fr, en)
    return Target(pd.Series(value, index=inputs.index), label, label_en, (note,))


def _average(inputs: Inputs, supply: pd.Series, demand: pd.Series) -> float:
    """Supply per person where both are known; NaN when the demand around points is unknown for 1 % of the people."""
    both = demand.notna()
    if supply.index.equals(demand.index):
        both &= supply.notna()
        supply = supply[both]
    else:
        people = inputs.territory.communes[POPULATION]
        if people[~both].sum() > (1 - COVERED) * people.sum():
            return float("nan")
        supply = supply[supply.index.isin(_points_here(inputs))]
    whole = demand[both].sum()
    return float(supply.sum() / whole) if whole > 0 else float("nan")


def _points_here(inputs: Inputs) -> list[str]:
    """Ids of the structures and facilities that lie in the territory or its buffer: a list may go further."""
    found: list[str] = []
    for field in ("structures", "facilities"):
        frame = getattr(inputs.tables, field)
        if frame is not None:
            inside = communes_of(frame, inputs.territory).isin(inputs.index).to_numpy()
            found += point_ids(field, frame.index[inside]).tolist()
    return found


def reference_count(inputs: Inputs, column: str) -> float:
    """
    Read a count of the reference [units of the column].

    Parameters
    ----------
    inputs
        Tables and reference.
    column
        Column of `references`.

    Returns
    -------
    reference_count
        NaN when it is unknown.
    """
    table = inputs.tables.references
    if table is None or column not in table.columns:
        return float("nan")
    return float(table[column].get((inputs.reference.niveau, inputs.reference.code), float("nan")))


def nothing_known(inputs: Inputs, *notes: Note) -> Access:
    """
    Say that an access cannot be told.

    Parameters
    ----------
    inputs
        Territory.
    *notes
        Why.

    Returns
    -------
    nothing_known
        NaN everywhere, with the notes.
    """
    frame = pd.DataFrame({"access": float("nan"), "reachable": False, "known_share": 0.0}, index=inputs.index)
    return Access(frame, notes)
