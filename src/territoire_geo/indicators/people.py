"""People: how many they are."""

from typing import Final

from territoire_geo.indicators._common import read
from territoire_geo.measures import Measure, Polarity

MEASURES: Final = (
    Measure(
        id="population",
        label="Population",
        label_en="Population",
        unit="habitants",
        unit_en="inhabitants",
        polarity=Polarity.CONTEXT,
        variables=("population.population",),
        formula="somme des âges",
        numerator=read("population.population"),
        reference="Insee, population au recensement",
    ),
)
