"""Insertion: structures of the IAE within reach of the unemployed."""

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from territoire_geo import access
from territoire_geo.activities import is_siae
from territoire_geo.cog import quote
from territoire_geo.columns import SIAE_KINDS, point_ids
from territoire_geo.errors import SuppressedValueWarning
from territoire_geo.measures import Access, Decay, Inputs, Measure, Need, Polarity, Target
from territoire_geo.needs._common import catchment, left_out, norm, nothing_known, three_steps
from territoire_geo.tables import Note
from territoire_geo.travel import has_place

REGISTERED: Final = "jobseekers.demandeurs_emploi_abc"


def _column(inputs: Inputs) -> str:
    """Choose registered jobseekers when they cover territory and buffer, else the unemployed of the census."""
    return REGISTERED if inputs.column(REGISTERED).notna().all() else "activity.chomeurs_15_64"


def _definition(inputs: Inputs) -> tuple[Note, ...]:
    """Tell that the census is read although registered jobseekers are loaded, and the communes that lack them."""
    if inputs.tables.jobseekers is None or _column(inputs) == REGISTERED:
        return ()
    lacking = inputs.index[inputs.column(REGISTERED).isna()]
    fr = "Insertion : les chômeurs sont ceux du recensement, non les demandeurs d'emploi inscrits (A, B, C), inconnus "
    fr += (
        f"dans {len(lacking)} communes du territoire ou de son voisinage ({_some(lacking)}) : les deux définitions ne "
    )
    fr += "se mélangent pas."
    en = "Insertion: the unemployed are those of the census, not the registered jobseekers (A, B, C), unknown in "
    en += (
        f"{len(lacking)} communes of the territory or its buffer ({quote(lacking)}): the two definitions are not mixed."
    )
    return (Note(SuppressedValueWarning, fr, en),)


def _some(codes: pd.Index) -> str:
    return ", ".join(map(str, codes[:3])) + ("…" if len(codes) > 3 else "")  # noqa: PLR2004 - three are read


def unemployed(inputs: Inputs) -> pd.Series:
    """
    Count the unemployed: registered jobseekers if known everywhere, else those of the census [people].

    The two definitions never compete in one catchment.

    Parameters
    ----------
    inputs
        Uses `activity.chomeurs_15_64` or `jobseekers.demandeurs_emploi_abc`.

    Returns
    -------
    unemployed
        One value per commune, NaN where unknown.
    """
    return inputs.column(_column(inputs))


@dataclass(frozen=True)
class _Supply:
    """What the SIAE offer, by point id: posts when all are known, else one each; and the SIAE that can be counted."""

    amounts: "pd.Series[float]"
    usable: "pd.Series[bool]"
    posts: bool


def _supply(inputs: Inputs) -> _Supply:
    structures = inputs.tables.structures
    if structures is None:
        return _Supply(pd.Series(dtype="float64"), pd.Series(dtype="bool"), posts=False)
    siae = structures[is_siae(structures)]
    usable = has_place(siae)
    placed = siae[usable]
    posts = "postes" in placed and len(placed) > 0 and bool(placed["postes"].notna().all())
    if inputs.changes.posts is not None:  # a scenario counts as the diagnostic did
        posts = inputs.changes.posts
    if posts:
        usable &= siae["postes"].notna()
        placed = siae[usable]
    amounts = placed["postes"].to_numpy() if posts else 1.0
    return _Supply(pd.Series(amounts, index=point_ids("structures", placed.index)), usable, posts=posts)


def siae_per_unemployed(inputs: Inputs, need: Need, decay: Decay) -> Access:
    """
    Share the SIAE within reach among the unemployed [structures or posts per person].

    Parameters
    ----------
    inputs
        Uses `structures`; posts when all are known, else structures, with a note. Another note tells that the census
        stands in for registered jobseekers that some communes lack.
    need
        Its mode.
    decay
        Weights of minutes.

    Returns
    -------
    siae_per_unemployed
        One value per commune; NaN everywhere when no list of structures is loaded.
    """
    said = _definition(inputs)
    if inputs.tables.structures is None:
        fr = "Insertion : aucune liste de structures n'est chargée, l'offre d'insertion est inconnue."
        return nothing_known(
            inputs,
            *said,
            Note(SuppressedValueWarning, fr, "Insertion: no list of structures is loaded, the supply is unknown."),
        )
    supply = _supply(inputs)
    notes = said + left_out("Insertion", "Insertion", supply.usable)
    if len(supply.usable) and supply.amounts.empty:
        return nothing_known(inputs, *notes)
    if not supply.posts:
        fr = "Insertion : les postes des structures ne sont pas connus ; chaque structure compte pour une."
        notes += (Note(SuppressedValueWarning, fr, "Insertion: posts are unknown; each structure counts as one."),)
    # Where the list of structures stops, nothing is known: neither what is there nor who shares it.
    people = unemployed(inputs).where(inputs.tables.covered("structures", inputs.index))
    return replace(catchment(inputs, need, people, supply.amounts, decay), notes=notes)


def siae_norm(inputs: Inputs, need: Need) -> Target:  # noqa: ARG001 - one shape for all targets
    """
    Take the SIAE (or posts) per unemployed of the reference [structures or posts per person].

    Parameters
    ----------
    inputs
        Uses `references.siae` (or `postes_siae`) and the count of unemployed.
    need
        The need, unused.

    Returns
    -------
    siae_norm
        One value for all communes.
    """
    supply = _supply(inputs)
    column = _column(inputs).split(".")[1]
    top = "postes_siae" if supply.posts else "siae"
    target = norm(inputs, top, column, supply=supply.amounts, demand=unemployed(inputs))
    if not supply.posts:
        return target
    label = f"{target.label} (repère national : 26 salariés en insertion pour 1 000 demandeurs d'emploi, Dares 2014)"
    label_en = f"{target.label_en} (national benchmark: 26 insertion employees per 1,000 jobseekers, Dares 2014)"
    return replace(target, label=label, label_en=label_en)


def say_what_is_counted(inputs: Inputs, need: Need) -> Need:
    """
    Name the demand and units of the figures that are used: census or register, structures or posts.

    Parameters
    ----------
    inputs
        Tables and territory.
    need
        The need, in its default words.

    Returns
    -------
    say_what_is_counted
        The need, renamed where the tables allow better figures.
    """
    if _supply(inputs).posts:
        need = replace(
            need, access_unit="postes par chômeur", gap_unit="postes",
            access_unit_en="posts per unemployed person", gap_unit_en="posts",
        )  # fmt: skip
    column = _column(inputs)
    if column in need.demand.variables:
        return need
    demand = replace(
        need.demand,
        id="demandeurs_emploi_abc",
        label="Demandeurs d'emploi inscrits (A, B, C)",
        label_en="Registered jobseekers (A, B, C)",
        variables=(column,),
        formula="demandeurs d'emploi inscrits, catégories A, B, C, au lieu de résidence",
    )
    return replace(need, demand=demand)


NEED: Final = Need(
    id="insertion",
    label="Insertion par l'activité économique",
    label_en="Work integration (IAE)",
    demand=Measure(
        "chomeurs_15_64",
        "Chômeurs de 15 à 64 ans (recensement)",
        "Unemployed aged 15-64 (census)",
        "personnes",
        Polarity.MORE_NEED,
        ("activity.chomeurs_15_64",),
        "chômeurs au sens du recensement, au lieu de résidence",
        unemployed,
        reference="Insee, chômage au sens du recensement (déclaratif, ni BIT ni inscrits)",
    ),
    access=siae_per_unemployed,
    target=siae_norm,
    reach=30.0,
    shape=three_steps,
    others=(access.dai, access.binary),
    access_unit="structures par chômeur",
    gap_unit="structures",
    access_unit_en="structures per unemployed person",
    gap_unit_en="structures",
    kinds_declared=SIAE_KINDS,
    variables=("structures.postes",),
    adapt=say_what_is_counted,
    unmet="chômeurs sans structure d'insertion, au regard de la norme",
    unmet_en="unemployed people below the norm of structures",
)
