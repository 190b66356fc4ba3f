"""Training: low diplomas, and young people out of school."""

from typing import Final

from territoire_geo.indicators._common import CENSUS, read, rest
from territoire_geo.measures import Measure, Polarity

SOURCE: Final = "Insee, diplômes et formation au recensement"

MEASURES: Final = (
    Measure(
        id="peu_diplomes",
        label="Personnes sans diplôme ou au plus un brevet, parmi les non scolarisés de 15 ans et plus",
        label_en="People with no diploma or a brevet at most, among those of 15 and over out of school",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("education.peu_diplomes", "education.non_scolarises_15_plus"),
        formula="100 × (sans diplôme ou CEP + BEPC, brevet) / non scolarisés de 15 ans et plus",
        numerator=read("education.peu_diplomes"),
        denominator=read("education.non_scolarises_15_plus"),
        scale=100.0,
        reference=SOURCE,
        code="F1",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="non_scolarises_18_24",
        label="Jeunes de 18 à 24 ans non scolarisés (approche des NEET, sans l'emploi)",
        label_en="Young people of 18-24 out of school (a proxy of NEET, which leaves work aside)",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("education.scolarises_18_24", "education.pop_18_24"),
        formula="100 × (1 − scolarisés / population) de 18 à 24 ans ; des jeunes en emploi y sont comptés",
        numerator=rest("education.pop_18_24", "education.scolarises_18_24"),
        denominator=read("education.pop_18_24"),
        scale=100.0,
        reference=SOURCE,
        code="F2",
        part=True,
        small=CENSUS,
    ),
)
