"""Childcare: children under three and the places within reach."""

from dataclasses import replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from territoire_geo import access, trades
from territoire_geo.cog import quote
from territoire_geo.columns import CODE_DEPARTEMENT, CODE_EPCI, IN_CORE, POPULATION, point_ids
from territoire_geo.errors import IncompleteBufferWarning, SuppressedValueWarning
from territoire_geo.measures import Access, Decay, Inputs, Measure, Need, Polarity, Target
from territoire_geo.needs._common import catchment, left_out, nothing_known, three_steps
from territoire_geo.tables import Note
from territoire_geo.travel import communes_of, has_place

YEARS: Final = 3.0
WHOLE: Final = 0.99  # share of its people below which an EPCI is said to be loaded in part
CRECHES: Final = ("D502", "D509")  # EAJE and micro-crèches of the BPE
TOTAL: Final = "taux"
EAJE: Final = "taux_eaje"
DETAIL: Final = "population.enfants_moins_3_ans"


class _Supply(NamedTuple):
    """Places by commune or by point id, None when unknown; and their notes."""

    places: pd.Series | None
    notes: tuple[Note, ...]


def children(inputs: Inputs) -> pd.Series:
    """
    Count children under three: the age detail when known everywhere, else three average years of births [children].

    Parameters
    ----------
    inputs
        Uses `population.enfants_moins_3_ans`, or `births.naissances` [births] and `births.annees` [years].

    Returns
    -------
    children
        One value per commune, NaN where unknown.
    """
    if _detailed(inputs):
        return inputs.column(DETAIL)
    years = inputs.column("births.annees")
    return YEARS * inputs.column("births.naissances") / years.where(years > 0)


def _detailed(inputs: Inputs) -> bool:
    return bool(inputs.column(DETAIL).notna().all())


def rates(inputs: Inputs) -> pd.DataFrame:
    """
    Find the published rates of each commune: those of its EPCI, else of its département [places per child].

    Parameters
    ----------
    inputs
        Uses `childcare_rates` [places per 100 children].

    Returns
    -------
    rates
        By commune: `taux`, `taux_eaje` and `estimated` (the rate is the département's). NaN where neither is known;
        an unknown EAJE part is taken as spread over the EPCI with the others.
    """
    published = inputs.tables.childcare_rates
    communes = inputs.territory.communes
    if published is None:
        return pd.DataFrame({TOTAL: np.nan, EAJE: np.nan, "estimated": False}, index=communes.index)
    table = published.reindex(columns=[TOTAL, EAJE]) / 100
    own = _level(table, "EPCI", communes[CODE_EPCI])
    wider = _level(table, "DEP", communes[CODE_DEPARTEMENT])
    missing = own[TOTAL].isna()
    out = own.mask(missing, wider)
    out["estimated"] = missing & wider[TOTAL].notna()
    return out


def _level(table: pd.DataFrame, niveau: str, codes: "pd.Series[str]") -> pd.DataFrame:
    there = table[table.index.get_level_values("niveau") == niveau].droplevel("niveau")
    return there.reindex(codes).set_axis(codes.index)


def places(inputs: Inputs) -> pd.Series:
    """
    Place the childcare places of each EPCI in its communes [places].

    EPCI rate × children gives the places of the EPCI. Their EAJE part goes to the communes with a crèche, in
    proportion to establishments; the others follow the children, since assistantes maternelles live where families
    do. Where the EPCI's rate is unknown the département's is used. An approximation: said on every output.

    Parameters
    ----------
    inputs
        Uses `childcare_rates`, `births` and `facilities` (crèches; none loaded: everything follows the children).

    Returns
    -------
    places
        One value per commune; NaN where children or rates are unknown.
    """
    communes = inputs.territory.communes
    kids, rate = children(inputs), rates(inputs)
    # One group shares a rate: an EPCI, or its part in a département when the département's rate stands in.
    group = (
        communes[CODE_EPCI]
        .fillna("none")
        .mask(rate["estimated"], communes[CODE_EPCI].fillna("none") + "/" + communes[CODE_DEPARTEMENT])
    )
    creches = _creches(inputs)
    in_group = creches.groupby(group).transform("sum").mask(creches.isna().groupby(group).transform("any"))
    # Without a published split, a crèche, or their full count in the EPCI, all follows the children.
    split = rate[EAJE].notna() & (in_group > 0)
    of_group = (kids * rate[EAJE]).groupby(group).transform("sum")
    shared = kids * (rate[TOTAL] - rate[EAJE]) + of_group * creches / in_group
    return (kids * rate[TOTAL]).mask(split, shared).rename("places")


def _creches(inputs: Inputs) -> pd.Series:
    """Count establishments by commune; within the reach of the list, an absent row is a true zero."""
    facilities = inputs.tables.facilities
    if facilities is None:
        return pd.Series(float("nan"), index=inputs.index)
    chosen = facilities[facilities["code_equipement"].isin(CRECHES)]
    communes = communes_of(chosen, inputs.territory)
    counts = chosen["nombre"].groupby(communes).sum()
    uncounted = inputs.index.isin(communes[chosen["nombre"].isna()])
    there = inputs.tables.covered("facilities", inputs.index)
    return counts.reindex(inputs.index, fill_value=0.0).where(there & ~uncounted)


def places_within_reach(inputs: Inputs, need: Need, decay: Decay, *, supply: _Supply | None = None) -> Access:
    """
    Share the childcare places within reach among the children [places per child].

    Parameters
    ----------
    inputs
        Uses `childcare_places` (establishments with their own places) when given, else the published rates.
    need
        Its mode.
    decay
        Weights of minutes.
    supply
        Places and notes, when they are already worked out; they do not depend on the minutes.

    Returns
    -------
    places_within_reach
        One value per commune, on what is known.
    """
    places, notes = supply or _supply(inputs, need)
    if places is None:
        return nothing_known(inputs, *notes)
    return replace(catchment(inputs, need, children(inputs), places, decay), notes=notes)


def _supply(inputs: Inputs, need: Need) -> _Supply:
    """Find the places, None when nothing is known of them, and what must be said of them."""
    own = inputs.tables.childcare_places
    if own is not None:
        usable = has_place(own) & own["places"].notna()
        notes = (_own_places(own["places"]), *left_out("Petite enfance", "Childcare", usable), *_births_note(inputs))
        if len(own) and not usable.any():
            return _Supply(None, notes)
        kept = own[usable]
        return _Supply(pd.Series(kept["places"].to_numpy(), index=point_ids("childcare_places", kept.index)), notes)
    if inputs.tables.childcare_rates is None:
        fr = "Petite enfance : ni taux de couverture ni places ne sont chargés, l'offre est inconnue."
        en = "Childcare: neither coverage rates nor places are loaded, the supply is unknown."
        return _Supply(None, (Note(SuppressedValueWarning, fr, en),))
    return _Supply(places(inputs), _notes(inputs, need))


def _own_places(places: pd.Series) -> Note:
    count = f"{places.sum():g}"
    fr = (
        f"Petite enfance : vos {count} places remplacent toutes celles du taux publié, quand la norme compte tous les "
        "modes d'accueil : donnez-les tous, ou choisissez une norme des seuls établissements."
    )
    en = (
        f"Childcare: your {count} places take the place of all those of the published rate, when the norm counts every "
        "mode of care: give them all, or choose a norm of establishments only."
    )
    return Note(SuppressedValueWarning, fr, en)


def _births_note(inputs: Inputs) -> tuple[Note, ...]:
    """Say that children are estimated, and from which births."""
    if _detailed(inputs):
        return ()
    vintages = ", ".join(source.millesime for source in inputs.tables.sources.get("births", ()) if source.millesime)
    of = f" ({vintages})" if vintages else ""
    fr = f"Petite enfance : les enfants de moins de 3 ans sont estimés par trois années moyennes de naissances{of}."
    en = f"Childcare: children under three are estimated by three average years of births{of}."
    return (Note(SuppressedValueWarning, fr, en),)


def _notes(inputs: Inputs, need: Need) -> tuple[Note, ...]:
    creches = bool(_creches(inputs).any())
    how = "crèches selon les établissements, autres modes selon les enfants" if creches else "selon les enfants"
    how_en = "crèches by establishment, other modes by children" if creches else "by children"
    fr = (
        f"Petite enfance : les places sont celles du taux de la Cnaf, réparties dans l'EPCI ({how}) ; ce ne sont pas "
        "des places comptées commune par commune."
    )
    en = (
        f"Childcare: places follow the Cnaf rate, spread over the EPCI ({how_en}); they are not counted commune by "
        "commune."
    )
    notes = [Note(SuppressedValueWarning, fr, en), *_births_note(inputs)]
    estimated = rates(inputs)["estimated"]
    if estimated.any():
        core = inputs.territory.communes[IN_CORE]
        inside = estimated.index[estimated & core]
        there = f", dont {len(inside)} du territoire" if len(inside) else ", toutes hors du territoire"
        there_en = f", {quote(inside)} in the core" if len(inside) else ", all outside the core"
        count = int(estimated.sum())
        fr = f"Petite enfance : taux du département faute de taux de l'EPCI pour {count} communes{there}."
        en = f"Childcare: département rate for want of the EPCI's in {count} communes{there_en}."
        notes.append(Note(SuppressedValueWarning, fr, en))
    if creches:
        notes += [*_uncounted(inputs), *_cut_epci(inputs, need)]
    return tuple(notes)


def _uncounted(inputs: Inputs) -> list[Note]:
    """Say where the number of crèches is unknown: the places of those EPCI follow the children."""
    count = int(_creches(inputs).isna().sum())
    if not count:
        return []
    where = f"{count} commune{'s' if count > 1 else ''}"
    fr = f"Petite enfance : nombre de crèches inconnu pour {where} ; là, les places de l'EPCI suivent les enfants."
    en = f"Childcare: the number of crèches is unknown in {where}; there, the EPCI's places follow the children."
    return [Note(SuppressedValueWarning, fr, en)]


def _cut_epci(inputs: Inputs, need: Need) -> list[Note]:
    """Say which EPCI within reach of the core are loaded in part: their crèches get the places of that part only."""
    territory, table = inputs.territory, inputs.tables.references
    if table is None or POPULATION not in table:
        return []
    epci = territory.communes[CODE_EPCI]
    loaded = inputs.column("population.population").groupby(epci).sum(min_count=1)
    whole = table[POPULATION].loc[table.index.get_level_values("niveau") == "EPCI"].droplevel("niveau")
    cut = loaded.index[loaded < WHOLE * whole.reindex(loaded.index)]
    minutes = access.between(inputs.travel[need.mode], origins=territory.core, destinations=epci.index[epci.isin(cut)])
    near = epci.loc[minutes.index[minutes <= need.reach].get_level_values(1)].unique()
    if not len(near):
        return []
    fr = f"Petite enfance : {len(near)} EPCI voisins sont chargés en partie, leurs crèches sont placées en partie."
    en = f"Childcare: {len(near)} neighbouring EPCI are loaded in part, so are the places of their crèches."
    return [Note(IncompleteBufferWarning, fr, en)]


def rate_norm(inputs: Inputs, need: Need) -> Target:  # noqa: ARG001 - one shape for all targets
    """
    Take the published rate of the reference [places per child].

    Parameters
    ----------
    inputs
        Uses `childcare_rates`.
    need
        The need, unused.

    Returns
    -------
    rate_norm
        One value for all communes; NaN, with a note, when the rate is not published.
    """
    reference = inputs.reference
    table = inputs.tables.childcare_rates
    unknown = float("nan")
    value = unknown if table is None else float(table[TOTAL].get((reference.niveau, reference.code), unknown)) / 100
    notes: tuple[Note, ...] = ()
    if value != value:  # noqa: PLR0124 - NaN is the one value that differs from itself
        fr = f"Petite enfance : taux de couverture inconnu pour {reference.nom}, la norme est inconnue."
        en = f"Childcare: the coverage rate of {reference.nom} is unknown, so is the norm."
        notes = (Note(SuppressedValueWarning, fr, en),)
    label, label_en = f"taux de couverture ({reference.nom})", f"coverage rate, {reference.nom}"
    return Target(pd.Series(value, index=inputs.index), label, label_en, notes)


def say_how_children_are_counted(inputs: Inputs, need: Need) -> Need:
    """
    Name the demand after the figures that are used: the age detail when known everywhere.

    Parameters
    ----------
    inputs
        Tables and territory.
    need
        The need, in its default words.

    Returns
    -------
    say_how_children_are_counted
        The need with its places worked out, renamed when children are counted and not estimated from births.
    """
    need = replace(need, access=partial(places_within_reach, supply=_supply(inputs, need)))
    if not _detailed(inputs):
        return need
    demand = replace(
        need.demand,
        label="Enfants de moins de 3 ans",
        label_en="Children under three",
        variables=(DETAIL,),
        formula="population de moins de 3 ans",
    )
    return replace(need, demand=demand)


NEED: Final = Need(
    id="childcare",
    label="Petite enfance",
    label_en="Childcare",
    demand=Measure(
        "enfants_moins_3_ans",
        "Enfants de moins de 3 ans (estimation)",
        "Children under three (estimate)",
        "enfants",
        Polarity.MORE_NEED,
        ("births.naissances", "births.annees"),
        "3 × naissances / années",
        children,
        reference="Insee, état civil, naissances domiciliées",
    ),
    access=places_within_reach,
    target=rate_norm,
    reach=15.0,
    shape=three_steps,
    others=(access.dai, access.binary),
    access_unit="places par enfant",
    gap_unit="places",
    access_unit_en="places per child",
    gap_unit_en="places",
    naf=trades.answering("childcare"),
    variables=("childcare_rates.taux", "facilities.nombre", "childcare_places.places"),
    adapt=say_how_children_are_counted,
    unmet="enfants sans place, au regard de la norme",
    unmet_en="children without a place, against the norm",
)
