"""The needs, one file each, one shape: demand, access, target, reach."""

from typing import Final

from territoire_geo.measures import Need
from territoire_geo.needs import ageing, childcare, employment, insertion, mobility

__all__ = ["NEEDS"]

NEEDS: Final[tuple[Need, ...]] = (mobility.NEED, childcare.NEED, employment.NEED, insertion.NEED, ageing.NEED)
