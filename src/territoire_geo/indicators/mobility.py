"""Getting around: cars, commuting, and minutes to a job pole and to what replaces a car."""

from collections.abc import Callable
from functools import partial
from typing import Final

import pandas as pd

from territoire_geo.indicators._common import CENSUS, nearest, no_row, points, read, rest
from territoire_geo.measures import Inputs, Measure, Polarity, absent
from territoire_geo.travel import CARPOOL, DRIVING_SCHOOL, FRANCE_SERVICES, STATION

POLE: Final = 5000.0  # jobs at the workplace, from which a commune is a job pole: a convention
JOBS: Final = "activity.emplois"
COMMUTING: Final = "Insee, déplacements domicile-travail au recensement"


def job_pole(inputs: Inputs) -> pd.Series:
    """
    Find the minutes by car to the nearest commune of 5,000 jobs or more [minutes].

    Parameters
    ----------
    inputs
        Uses `activity.emplois` and the minutes by car; a commune whose jobs are unknown is no pole.

    Returns
    -------
    job_pole
        By commune; 30 stands for 30 or more.
    """
    jobs = inputs.column(JOBS)
    return nearest(inputs, jobs.index[jobs >= POLE])


def _no_job(inputs: Inputs) -> tuple[str, str]:
    return absent(inputs, JOBS)


def to_places(kind: str) -> Callable[[Inputs], pd.Series]:
    """
    Find the minutes by car to the nearest place of a type [minutes].

    Parameters
    ----------
    kind
        A type of `places`.

    Returns
    -------
    to_places
        Inputs -> minutes by commune; 30 stands for 30 or more.
    """

    def minutes(inputs: Inputs) -> pd.Series:
        places = inputs.tables.places
        if places is None:
            return pd.Series(float("nan"), index=inputs.index)
        return nearest(inputs, points(inputs, "places", places["type"] == kind), table="places")

    return minutes


def driving_school(inputs: Inputs) -> pd.Series:
    """
    Find the minutes by car to the nearest driving school [minutes].

    Parameters
    ----------
    inputs
        Uses `facilities` and the minutes by car.

    Returns
    -------
    driving_school
        By commune; 30 stands for 30 or more.
    """
    facilities = inputs.tables.facilities
    if facilities is None:
        return pd.Series(float("nan"), index=inputs.index)
    there = (facilities["code_equipement"] == DRIVING_SCHOOL) & facilities["nombre"].gt(0)
    return nearest(inputs, points(inputs, "facilities", there), table="facilities")


MEASURES: Final = (
    Measure(
        id="menages_sans_voiture",
        label="Ménages sans voiture",
        label_en="Households without a car",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("cars.menages", "cars.menages_voiture"),
        formula="100 × (1 − ménages avec voiture / ménages)",
        numerator=rest("cars.menages", "cars.menages_voiture"),
        denominator=read("cars.menages"),
        scale=100.0,
        reference="Insee, équipement automobile des ménages au recensement",
        code="M1",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="travaillent_hors_commune",
        label="Actifs occupés travaillant hors de leur commune",
        label_en="Employed residents who work outside their commune",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("commuting.hors_commune", "commuting.actifs_occupes"),
        formula="100 × actifs occupés travaillant dans une autre commune / actifs occupés de 15 ans et plus",
        numerator=read("commuting.hors_commune"),
        denominator=read("commuting.actifs_occupes"),
        scale=100.0,
        reference=COMMUTING,
        code="M2",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="dependance_voiture",
        label="Actifs occupés allant au travail en voiture",
        label_en="Employed residents who go to work by car",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("commuting.voiture", "commuting.actifs_occupes"),
        formula="100 × actifs occupés allant travailler en voiture / actifs occupés de 15 ans et plus",
        numerator=read("commuting.voiture"),
        denominator=read("commuting.actifs_occupes"),
        scale=100.0,
        reference=COMMUTING,
        code="M3",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="transports_en_commun",
        label="Actifs occupés allant au travail en transports en commun",
        label_en="Employed residents who go to work by public transport",
        unit="%",
        polarity=Polarity.LESS_NEED,
        variables=("commuting.transports_commun", "commuting.actifs_occupes"),
        formula="100 × actifs occupés prenant les transports en commun / actifs occupés de 15 ans et plus",
        numerator=read("commuting.transports_commun"),
        denominator=read("commuting.actifs_occupes"),
        scale=100.0,
        reference=COMMUTING,
        code="M4",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="minutes_pole_emploi",
        label="Temps en voiture vers le premier pôle d'emploi (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest job pole (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=(JOBS,),
        formula="minutes en voiture vers la plus proche commune de 5 000 emplois ou plus, plafonnées à 30",
        numerator=job_pole,
        additive=False,
        reference="Insee, emploi au lieu de travail ; seuil conventionnel de 5 000 emplois",
        code="M5",
        lacking=_no_job,
    ),
    Measure(
        id="minutes_gare",
        label="Temps en voiture vers la première gare (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest station (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("places.type",),
        formula="minutes en voiture vers la plus proche gare de voyageurs, plafonnées à 30",
        numerator=to_places(STATION),
        additive=False,
        reference="SNCF, gares de voyageurs ; celles de Corse n'y sont pas",
        code="M8",
        lacking=partial(
            no_row, variable="places.type", codes=(STATION,), words=("SNCF, gares de voyageurs", "SNCF, stations")
        ),
    ),
    Measure(
        id="minutes_covoiturage",
        label="Temps en voiture vers le premier lieu de covoiturage (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest carpool place (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("places.type",),
        formula="minutes en voiture vers le plus proche lieu de covoiturage déclaré, plafonnées à 30",
        numerator=to_places(CARPOOL),
        additive=False,
        reference="Base nationale des lieux de covoiturage : ceux que leur collectivité a déclarés",
        code="M8",
        lacking=partial(
            no_row,
            variable="places.type",
            codes=(CARPOOL,),
            words=("transport.data.gouv.fr, lieux de covoiturage", "transport.data.gouv.fr, carpool places"),
        ),
    ),
    Measure(
        id="minutes_france_services",
        label="Temps en voiture vers la première France services (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest France services (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("places.type",),
        formula="minutes en voiture vers la plus proche France services fixe, plafonnées à 30 ; les bus n'y sont pas",
        numerator=to_places(FRANCE_SERVICES),
        additive=False,
        reference="ANCT, structures France services",
        code="M8",
        lacking=partial(
            no_row,
            variable="places.type",
            codes=(FRANCE_SERVICES,),
            words=("ANCT, structures France services", "ANCT, France services"),
        ),
    ),
    Measure(
        id="minutes_auto_ecole",
        label="Temps en voiture vers la première école de conduite (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest driving school (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("facilities.code_equipement",),
        formula="minutes en voiture vers la plus proche école de conduite (A304), plafonnées à 30",
        numerator=driving_school,
        additive=False,
        reference="Insee, Base permanente des équipements, type A304",
        code="M8",
        lacking=partial(
            no_row,
            variable="facilities.code_equipement",
            codes=(DRIVING_SCHOOL,),
            words=("Insee, Base permanente des équipements", "Insee, Base permanente des équipements"),
        ),
    ),
)
