"""Employment: jobs within reach per active resident, against the reference."""

from typing import Final

import pandas as pd

from territoire_geo import access, trades
from territoire_geo.measures import Access, Decay, Inputs, Measure, Need, Polarity, Target
from territoire_geo.needs._common import catchment, norm, three_steps


def active(inputs: Inputs) -> pd.Series:
    """
    Count active residents aged 15-64 [people].

    Parameters
    ----------
    inputs
        Uses `activity.actifs_15_64`.

    Returns
    -------
    active
        One value per commune, NaN where unknown.
    """
    return inputs.column("activity.actifs_15_64")


def jobs_per_active(inputs: Inputs, need: Need, decay: Decay) -> Access:
    """
    Share the jobs within reach among the active residents who compete for them [jobs/person].

    Parameters
    ----------
    inputs
        Uses `activity.emplois` and `activity.actifs_15_64`.
    need
        Its mode.
    decay
        Weights of minutes.

    Returns
    -------
    jobs_per_active
        One value per commune, on what is known.

    References
    ----------
    .. [1] Shen 1998; Soukhov et al. 2023, doi:10.1371/journal.pone.0278468.
    """
    return catchment(inputs, need, active(inputs), inputs.column("activity.emplois"), decay)


def jobs_norm(inputs: Inputs, need: Need) -> Target:  # noqa: ARG001 - one shape for all targets
    """
    Take the jobs per active resident of the reference [jobs/person].

    Parameters
    ----------
    inputs
        Uses `references.emplois` and `references.actifs_15_64`.
    need
        The need, unused.

    Returns
    -------
    jobs_norm
        One value for all communes.
    """
    supply, demand = inputs.column("activity.emplois"), active(inputs)
    return norm(inputs, "emplois", "actifs_15_64", supply=supply, demand=demand)


NEED: Final = Need(
    id="employment",
    label="Emploi",
    label_en="Employment",
    demand=Measure(
        "actifs_15_64",
        "Actifs de 15 à 64 ans",
        "Active residents aged 15-64",
        "personnes",
        Polarity.CONTEXT,
        ("activity.actifs_15_64",),
        "population active de 15 à 64 ans au lieu de résidence",
        active,
        reference="Insee, population active au recensement",
    ),
    access=jobs_per_active,
    target=jobs_norm,
    reach=30.0,
    shape=three_steps,
    others=(access.dai, access.binary),
    access_unit="emplois par actif",
    gap_unit="emplois",
    access_unit_en="jobs per active resident",
    gap_unit_en="jobs",
    headline="unmet_units",
    variables=("activity.emplois",),
    naf=trades.answering("work"),
    kinds=("AI", "ETTI"),
    unmet="actifs sans emploi à portée, au regard de la norme",
    unmet_en="active residents without a job within reach, against the norm",
)
