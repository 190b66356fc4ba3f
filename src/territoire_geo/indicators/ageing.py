"""Ageing: how many older people there are, who live alone, and what is there for them."""

from typing import Final

import pandas as pd

from territoire_geo.activities import ANSWERING
from territoire_geo.indicators._common import CENSUS, by_commune, nearest, no_row, points, read
from territoire_geo.measures import Inputs, Measure, Polarity, absent
from territoire_geo.needs import ageing
from territoire_geo.travel import has_place

OLDEST: Final = "population.pop_75_plus"
# FINESS: nursing homes (500), other homes for older people (501, 502), independent living facilities (202).
HOMES: Final = ("500", "501", "502", "202")
NEED: Final = ageing.NEED.id
FINESS: Final = ("FINESS, un fichier à vous", "FINESS, a file of your own")


def places(inputs: Inputs) -> pd.Series:
    """
    Count the places of the homes for older people of each commune [places].

    Parameters
    ----------
    inputs
        Uses `facilities.capacite`, of FINESS categories 500, 501, 502 and 202.

    Returns
    -------
    places
        Zero in a commune without home; NaN where the capacity of one is unknown, or the list does not go.
    """
    facilities = inputs.tables.facilities
    if facilities is None or "capacite" not in facilities:
        return pd.Series(float("nan"), index=inputs.index)
    homes = facilities[facilities["code_equipement"].isin(HOMES)]
    return by_commune(inputs, "facilities", homes["capacite"])


def _no_home(inputs: Inputs) -> tuple[str, str]:
    said = no_row(inputs, "facilities.code_equipement", HOMES, FINESS)
    return said if any(said) else absent(inputs, "facilities.capacite", OLDEST)


def home_help(inputs: Inputs) -> pd.Series:
    """
    Find the minutes by car to the nearest home help [minutes].

    Parameters
    ----------
    inputs
        Uses the structures whose activity answers ageing (declared, likely or probable), the home-help facilities that
        the user gave, and the minutes by car.

    Returns
    -------
    home_help
        By commune; 30 stands for 30 or more; NaN where the list of structures stops.
    """
    structures, facilities = inputs.tables.structures, inputs.tables.facilities
    ids: list[str] = []
    if structures is not None and NEED in inputs.levels:
        ids += points(inputs, "structures", inputs.levels[NEED].isin(ANSWERING)).tolist()
    if facilities is not None:
        ids += points(inputs, "facilities", facilities["code_equipement"].isin(ageing.NEED.facilities)).tolist()
    return nearest(inputs, pd.Index(ids, dtype="str"), table="structures")


def _no_help(inputs: Inputs) -> tuple[str, str]:
    """Say why home help is unknown: no list of structures and no facility, no level, or no place."""
    if not any(no_row(inputs, "facilities.code_equipement", ageing.NEED.facilities, FINESS)):
        return "", ""
    structures = inputs.tables.structures
    if structures is None:
        return absent(inputs, "structures.name")
    if NEED not in inputs.levels:
        return "le besoin « vieillissement » n'a pas été demandé", "the need of ageing was not asked for"
    helping = structures[inputs.levels[NEED].isin(ANSWERING)]
    if len(helping) and not has_place(helping).any():
        return "aucune structure d'aide à domicile n'a de lieu connu", "no home-help structure has a known place"
    return "", ""


MEASURES: Final = (
    Measure(
        id="part_65_plus",
        label="Habitants de 65 ans et plus",
        label_en="Residents aged 65 and over",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("population.pop_65_plus", "population.population"),
        formula="100 × population de 65 ans et plus / population",
        numerator=read("population.pop_65_plus"),
        denominator=read("population.population"),
        scale=100.0,
        reference="Insee, population par âge au recensement",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="part_75_plus",
        label="Habitants de 75 ans et plus",
        label_en="Residents aged 75 and over",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=(OLDEST, "population.population"),
        formula="100 × population de 75 ans et plus / population",
        numerator=read(OLDEST),
        denominator=read("population.population"),
        scale=100.0,
        reference="Insee, population par âge au recensement",
        code="A1",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="part_80_plus_seuls",
        label="Habitants de 80 ans et plus vivant seuls",
        label_en="Residents aged 80 and over who live alone",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("living_alone.pop_80_plus_seuls", "living_alone.pop_80_plus"),
        formula="100 × population de 80 ans et plus vivant seule / population de 80 ans et plus",
        numerator=read("living_alone.pop_80_plus_seuls"),
        denominator=read("living_alone.pop_80_plus"),
        scale=100.0,
        reference="Insee, couples, familles et ménages au recensement",
        code="A1",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="places_personnes_agees",
        label="Places d'hébergement pour 1 000 habitants de 75 ans et plus",
        label_en="Places in homes per 1,000 residents aged 75 and over",
        unit="places pour 1 000 habitants de 75 ans et plus",
        unit_en="places per 1,000 residents aged 75 and over",
        polarity=Polarity.LESS_NEED,
        variables=("facilities.capacite", OLDEST),
        formula="1 000 × places des établissements FINESS 500, 501, 502 et 202 / population de 75 ans et plus",
        numerator=places,
        denominator=read(OLDEST),
        scale=1000.0,
        reference="DREES, taux d'équipement ; FINESS, capacités installées",
        code="A2",
        small=CENSUS,
        lacking=_no_home,
    ),
    Measure(
        id="minutes_aide_domicile",
        label="Temps en voiture vers la première aide à domicile connue (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest known home help (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("structures.naf", "activities.since", "facilities.nombre"),
        formula=(
            "minutes en voiture vers la plus proche structure de l'IAE dont l'activité est, ou est probablement, "
            "l'aide à domicile, ou service FINESS fourni, plafonnées à 30"
        ),
        numerator=home_help,
        additive=False,
        reference="structures de l'IAE ; FINESS 460, 354, 209 s'ils sont fournis",
        code="A3",
        lacking=_no_help,
    ),
)
