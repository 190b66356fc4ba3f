"""Digital inclusion: minutes to someone who helps."""

from functools import partial
from typing import Final

from territoire_geo.indicators._common import no_row
from territoire_geo.indicators.mobility import to_places
from territoire_geo.measures import Measure, Polarity
from territoire_geo.travel import DIGITAL

MEASURES: Final = (
    Measure(
        id="minutes_aide_numerique",
        label="Temps en voiture vers la première aide au numérique déclarée (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest declared digital support (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("places.type",),
        formula="minutes en voiture vers le plus proche service d'aide au numérique déclaré, plafonnées à 30",
        numerator=to_places(DIGITAL),
        additive=False,
        reference="data.inclusion, thématiques du numérique",
        code="N2",
        lacking=partial(
            no_row,
            variable="places.type",
            codes=(DIGITAL,),
            words=("data.inclusion, services du numérique", "data.inclusion, digital services"),
        ),
    ),
)
