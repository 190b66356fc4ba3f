"""Mobility: active residents without a car, cut off from the jobs that a car would reach."""

from functools import partial
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo import access, trades
from territoire_geo.errors import SuppressedValueWarning
from territoire_geo.measures import Access, Decay, Inputs, Measure, Need, Polarity, Target
from territoire_geo.needs._common import known_share
from territoire_geo.tables import Note
from territoire_geo.travel import STRUCTURE_MINUTES

SHARE: Final = 0.5  # half of the jobs a car reaches: a convention, settable with `need(share=...)`
CAR_MINUTES: Final = 20.0
BIKE_MINUTES: Final = 20.0  # 5 km as the crow flies


def carless_active(inputs: Inputs) -> pd.Series:
    """
    Estimate the active residents whose household has no car [people].

    Active residents × (1 − households with a car ÷ households). NaN where a count is unknown; nobody where no resident
    is active, even without households.

    Parameters
    ----------
    inputs
        Uses `activity.actifs_15_64` [people], `cars.menages` and `cars.menages_voiture` [households].

    Returns
    -------
    carless_active
        One value per commune.
    """
    households = inputs.column("cars.menages")
    carless = (households - inputs.column("cars.menages_voiture")).clip(lower=0)
    active = inputs.column("activity.actifs_15_64")
    return (active * carless / households.where(households > 0)).mask(active.eq(0), 0.0)


def jobs_by_bike(inputs: Inputs, need: Need, decay: Decay) -> Access:
    """
    Sum the jobs within cycling distance [jobs].

    Parameters
    ----------
    inputs
        Uses `activity.emplois` and the minutes by bicycle.
    need
        Its mode.
    decay
        Weights of minutes.

    Returns
    -------
    jobs_by_bike
        Cumulative jobs (Hansen), on the communes whose jobs are known; `known_share` is the lower of the shares known
        within reach by bicycle and by car, since the target compares the two.
    """
    jobs = inputs.column("activity.emplois")
    frame = _jobs(inputs, jobs, need.mode, decay).to_frame("access")
    frame["reachable"] = frame["access"] > 0
    near = known_share(inputs, need.mode, jobs.notna(), decay)
    # A commune whose own jobs are withheld is unknown itself: a hole is not a zero.
    frame["access"] = frame["access"].where(jobs.notna() & (near > 0))
    by_car = known_share(inputs, "car", jobs.notna(), access.binary(CAR_MINUTES))
    frame["known_share"] = np.minimum(near, by_car)
    if len(inputs.changes.points(need.id)):
        frame = _carried(inputs, need, frame)
    return Access(frame, (_caution(inputs),))


def _carried(inputs: Inputs, need: Need, frame: pd.DataFrame) -> pd.DataFrame:
    """
    Add a scenario's mobility services: those they carry reach enough jobs.

    The capacity of a service [people] is shared among the people cut off within `STRUCTURE_MINUTES` by car of it; a
    person carried passes from what a bicycle reaches to the target, so that the people unmet fall by the people
    carried.
    """
    enough = need.target(inputs, need).norm
    cut_off = (carless_active(inputs) * (1 - frame["access"] / enough.where(enough > 0)).clip(lower=0)).dropna()
    services = inputs.changes.points(need.id)
    minutes = access.between(inputs.travel["car"], origins=cut_off.index, destinations=services.index)
    found = access.floating_catchment(cut_off, services, minutes, access.binary(STRUCTURE_MINUTES))
    seats = found["access"].clip(upper=1).reindex(inputs.index)
    lifted = frame["access"] + seats * (enough - frame["access"]).clip(lower=0)
    reached = frame["reachable"] | found["reachable"].reindex(inputs.index).eq(True)  # noqa: FBT003 - a plain boolean
    return frame.assign(access=lifted.where(seats.gt(0), frame["access"]), reachable=reached)


def _caution(inputs: Inputs) -> Note:
    fr = "Mobilité : la part des ménages sans voiture est appliquée aux actifs, ce qui majore les actifs sans voiture"
    en = "Mobility: the share of carless households is applied to active residents, which overstates carless workers"
    jobs, cars = ({source.millesime for source in inputs.tables.sources.get(name, ())} for name in ("activity", "cars"))
    if jobs and cars and jobs != cars:
        fr += " ; emplois et voitures viennent de deux millésimes"
        en += "; jobs and cars come from two vintages"
    elif "" in jobs | cars:
        fr += " ; le millésime des emplois ou des voitures n'est pas dit"
        en += "; the vintage of jobs or cars is not told"
    return Note(SuppressedValueWarning, f"{fr}.", f"{en}.")


def part_of_jobs_by_car(inputs: Inputs, need: Need, *, share: float = SHARE) -> Target:  # noqa: ARG001 - one shape for all targets
    """
    Take a share of the jobs within 20 minutes by car as what would be enough [jobs].

    Parameters
    ----------
    inputs
        Uses `activity.emplois` and the minutes by car.
    need
        The need, unused: the norm is each commune's own.
    share
        Share of the jobs that a car reaches.

    Returns
    -------
    part_of_jobs_by_car
        One value per commune; NaN where no job figure is known within reach.
    """
    known, within = inputs.column("activity.emplois"), access.binary(CAR_MINUTES)
    jobs = _jobs(inputs, known, "car", within).where(known_share(inputs, "car", known.notna(), within) > 0)
    percent = round(100 * share)
    return Target(
        share * jobs,
        f"{percent} % des emplois qu'une voiture atteint en {CAR_MINUTES:.0f} min depuis la commune",
        f"{percent}% of the jobs that a car reaches in {CAR_MINUTES:.0f} min from the commune",
    )


def _jobs(inputs: Inputs, jobs: pd.Series, mode: str, decay: Decay) -> pd.Series:
    known = jobs.dropna()
    minutes = access.between(inputs.travel[mode], origins=inputs.index, destinations=known.index)
    return access.hansen(known, minutes, decay, inputs.index)


def need(*, share: float = SHARE) -> Need:
    """
    Build the mobility need.

    Parameters
    ----------
    share
        Share of the jobs a car reaches that would be enough, between 0 and 1.

    Returns
    -------
    need
        The need; 20 minutes by bicycle, 5 km as the crow flies.

    Raises
    ------
    ValueError
        If the share is not between 0 and 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"share: {share} is not between 0 and 1.")
    return Need(
        id="mobility",
        label="Mobilité",
        label_en="Mobility",
        demand=Measure(
            "actifs_sans_voiture",
            "Actifs sans voiture (estimation)",
            "Active residents without a car (estimate)",
            "personnes",
            Polarity.MORE_NEED,
            ("activity.actifs_15_64", "cars.menages", "cars.menages_voiture"),
            "actifs 15-64 × (1 − ménages avec voiture / ménages)",
            carless_active,
            reference="Insee, actifs et équipement automobile au recensement ; part des ménages appliquée aux actifs",
        ),
        access=jobs_by_bike,
        target=partial(part_of_jobs_by_car, share=share),
        reach=BIKE_MINUTES,
        shape=access.binary,
        others=(_shorter, _longer),
        access_unit="emplois à portée de vélo",
        gap_unit="emplois × personnes",
        access_unit_en="jobs within cycling reach",
        gap_unit_en="jobs × people",
        mode="bike",
        variables=("activity.emplois",),
        naf=trades.answering("mobility"),
        unmet="actifs sans voiture coupés de l'emploi",
        unmet_en="carless active residents cut off from jobs",
    )


def _shorter(d0: float) -> access.Law:
    return access.binary(0.75 * d0)


def _longer(d0: float) -> access.Law:
    return access.binary(1.25 * d0)


NEED: Final = need()
