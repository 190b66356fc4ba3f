"""Names and units of the columns that travel between modules."""

from typing import Final

import pandas as pd

CODE_COMMUNE: Final = "code_commune"
CODE_EPCI: Final = "code_epci"
CODE_DEPARTEMENT: Final = "code_departement"
CODE_REGION: Final = "code_region"
NOM_COMMUNE: Final = "nom_commune"
POPULATION: Final = "population"  # people
IN_CORE: Final = "in_core"  # bool: what the diagnostic is about, against its buffer
AREA: Final = "area_km2"
POINT: Final = "point"  # town hall, or a point on the surface when the town hall lies outside

ORIGIN: Final = "origin"
DESTINATION: Final = "destination"
MINUTES: Final = "minutes"

NEED: Final = "need"
SIRET: Final = "siret"
KIND: Final = "kind"
KINDS: Final = ("ACI", "AI", "EI", "EITI", "ETTI", "GEIQ", "EA")
SIAE_KINDS: Final = ("ACI", "AI", "EI", "EITI", "ETTI")  # GEIQ and EA are not SIAE by law


def point_ids(field: str, index: pd.Index) -> pd.Index:
    """
    Name the points of a table as destinations, so that they never clash with commune codes.

    Parameters
    ----------
    field
        Name of the table.
    index
        Its key, of one or several levels.

    Returns
    -------
    point_ids
        Such as "structures/33965933600012/AI".
    """
    keys = ["/".join(str(part) for part in key) if isinstance(key, tuple) else str(key) for key in index]
    return pd.Index([f"{field}/{key}" for key in keys], name=DESTINATION, dtype="str")
