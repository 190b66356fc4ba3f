"""Housing: vacant dwellings, social renting, overcrowding."""

from typing import Final

from territoire_geo.indicators._common import CENSUS, read
from territoire_geo.measures import Measure, Polarity

SOURCE: Final = "Insee, logement au recensement"

MEASURES: Final = (
    Measure(
        id="logements_vacants",
        label="Logements vacants",
        label_en="Vacant dwellings",
        unit="%",
        polarity=Polarity.CONTEXT,
        variables=("housing.logements_vacants", "housing.logements"),
        formula="100 × logements vacants / logements",
        numerator=read("housing.logements_vacants"),
        denominator=read("housing.logements"),
        scale=100.0,
        reference=SOURCE,
        code="L1",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="locataires_hlm",
        label="Résidences principales louées vides en HLM",
        label_en="Main dwellings rented as social housing",
        unit="%",
        polarity=Polarity.CONTEXT,
        variables=("housing.locataires_hlm", "housing.residences_principales"),
        formula="100 × résidences principales HLM louées vides / résidences principales",
        numerator=read("housing.locataires_hlm"),
        denominator=read("housing.residences_principales"),
        scale=100.0,
        reference=SOURCE,
        code="L2",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="suroccupation",
        label="Résidences principales suroccupées",
        label_en="Overcrowded main dwellings",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("housing.residences_suroccupees", "housing.residences_occupation"),
        formula=(
            "100 × résidences suroccupées / résidences dont l'occupation est connue (exploitation complémentaire l'une "
            "et l'autre) ; avant 2022, hors studios d'une personne"
        ),
        numerator=read("housing.residences_suroccupees"),
        denominator=read("housing.residences_occupation"),
        scale=100.0,
        reference=f"{SOURCE} ; la définition a changé en 2022",
        code="L2",
        part=True,
        small=CENSUS,
    ),
)
