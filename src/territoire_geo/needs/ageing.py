"""Ageing: home help within reach of older people."""

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from territoire_geo import access, trades
from territoire_geo.activities import ANSWERING
from territoire_geo.columns import point_ids
from territoire_geo.errors import SuppressedValueWarning
from territoire_geo.measures import Access, Decay, Inputs, Measure, Need, Polarity, Target
from territoire_geo.needs._common import catchment, left_out, norm, nothing_known, three_steps
from territoire_geo.tables import Note
from territoire_geo.travel import has_place

# FINESS categories of help and care at home, which the user adds: 460 (SAAD), 354 (SSIAD), 209 (SPASAD). Those of the
# BPE (D402, D403) come with every national load: counting them would change the norm with the way figures are loaded.
HOME_HELP: Final = ("460", "354", "209")


def older(inputs: Inputs) -> pd.Series:
    """
    Count residents aged 75 and over when known everywhere, else 65 and over [people].

    Parameters
    ----------
    inputs
        Uses `population.pop_75_plus` or `population.pop_65_plus`.

    Returns
    -------
    older
        One value per commune, NaN where unknown.
    """
    return inputs.column(f"population.{_age(inputs)}")


def _age(inputs: Inputs) -> str:
    return "pop_75_plus" if inputs.column("population.pop_75_plus").notna().all() else "pop_65_plus"


@dataclass(frozen=True)
class _Supply:
    """Structures whose activity answers (one each) and the user's facilities, by point id; and what can be counted."""

    amounts: "pd.Series[float]"
    usable: "pd.Series[bool]"
    own: bool


def _supply(inputs: Inputs, need: Need) -> _Supply:
    amounts, usable, own = [pd.Series(dtype="float64")], [pd.Series(dtype="bool")], False
    structures, facilities = inputs.tables.structures, inputs.tables.facilities
    if structures is not None:
        chosen = structures[inputs.levels[need.id].isin(ANSWERING)]
        amounts.append(pd.Series(1.0, index=point_ids("structures", chosen.index)))
        usable.append(has_place(chosen).set_axis(amounts[-1].index))
    if facilities is not None:
        chosen = facilities[facilities["code_equipement"].isin(need.facilities)]
        own = len(chosen) > 0
        amounts.append(pd.Series(chosen["nombre"].to_numpy(), index=point_ids("facilities", chosen.index)))
        usable.append(has_place(chosen).set_axis(amounts[-1].index) & amounts[-1].notna())
    kept = pd.concat([part for part in usable if len(part)] or usable[:1])
    offered = pd.concat([part for part in amounts if len(part)] or amounts[:1])
    return _Supply(offered[kept], kept, own)


def home_help(inputs: Inputs, need: Need, decay: Decay) -> Access:
    """
    Share home-help structures within reach among older residents [structures/person].

    Parameters
    ----------
    inputs
        Uses `structures`, `activities` and `facilities`.
    need
        Its mode.
    decay
        Weights of minutes.

    Returns
    -------
    home_help
        One value per commune; NaN everywhere when neither structures nor facilities are loaded.
    """
    supply = _supply(inputs, need)
    if inputs.tables.structures is None and not supply.own:
        fr = "Vieillissement : aucune structure d'aide à domicile n'est chargée, l'offre est inconnue."
        en = "Ageing: no home-help structure is loaded, the supply is unknown."
        return nothing_known(inputs, Note(SuppressedValueWarning, fr, en))
    fr = (
        "Vieillissement : seules les structures de l'IAE dont l'activité est (ou est probablement) l'aide à domicile "
        "sont comptées ; les services autorisés (FINESS) ne le sont que si vous les ajoutez."
    )
    en = (
        "Ageing: only IAE structures whose activity is (or probably is) home help are counted; authorised services "
        "(FINESS) only if you add them."
    )
    only_iae = () if supply.own else (Note(SuppressedValueWarning, fr, en),)
    notes = (*only_iae, *left_out("Vieillissement", "Ageing", supply.usable))
    if len(supply.usable) and supply.amounts.empty:
        return nothing_known(inputs, *notes)
    # Where the list of structures stops, nothing is known: neither what is there nor who shares it.
    people = older(inputs).where(inputs.tables.covered("structures", inputs.index))
    return replace(catchment(inputs, need, people, supply.amounts, decay), notes=notes)


def home_help_norm(inputs: Inputs, need: Need) -> Target:
    """
    Take the home-help structures per older resident of the reference [structures/person].

    Parameters
    ----------
    inputs
        Uses `references.siae_aide_domicile` and the same age as the demand; with facilities of the user's own, the
        average of the loaded territory.
    need
        The need, with its facilities.

    Returns
    -------
    home_help_norm
        One value for all communes.
    """
    supply = _supply(inputs, need)
    numerator = "services_aide_domicile" if supply.own else "siae_aide_domicile"
    return norm(inputs, numerator, _age(inputs), supply=supply.amounts, demand=older(inputs))


def say_which_age(inputs: Inputs, need: Need) -> Need:
    """
    Name the age that is counted: 75 and over when known everywhere.

    Parameters
    ----------
    inputs
        Tables and territory.
    need
        The need, in its default words.

    Returns
    -------
    say_which_age
        The need, renamed for 75 and over.
    """
    age = _age(inputs)
    if age == "pop_65_plus":
        return need
    demand = replace(
        need.demand,
        id="personnes_75_plus",
        label="Habitants de 75 ans et plus",
        label_en="Residents aged 75 and over",
        variables=(f"population.{age}",),
        formula="population de 75 ans et plus",
    )
    return replace(need, demand=demand)


NEED: Final = Need(
    id="ageing",
    label="Vieillissement",
    label_en="Ageing",
    demand=Measure(
        "personnes_agees",
        "Habitants de 65 ans et plus",
        "Residents aged 65 and over",
        "personnes",
        Polarity.MORE_NEED,
        ("population.pop_65_plus",),
        "population de 65 ans et plus",
        older,
        reference="Insee, population par âge au recensement",
    ),
    access=home_help,
    target=home_help_norm,
    reach=30.0,
    shape=three_steps,
    others=(access.dai, access.binary),
    access_unit="structures d'aide à domicile par habitant âgé",
    gap_unit="structures",
    access_unit_en="home-help structures per older resident",
    gap_unit_en="structures",
    naf=trades.answering("ageing"),
    kinds=("AI",),
    variables=("structures.naf", "activities.since", "facilities.nombre"),
    facilities=HOME_HELP,
    adapt=say_which_age,
    unmet="habitants âgés sous la norme d'aide à domicile de l'IAE",
    unmet_en="older residents below the norm of IAE home help",
)
