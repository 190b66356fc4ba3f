"""Supply points other than structures: those that needs or measures count, where they are and how much they hold."""

from collections.abc import Mapping, Sequence
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.columns import point_ids
from territoire_geo.indicators.ageing import HOMES
from territoire_geo.measures import Inputs, Need
from territoire_geo.needs.ageing import HOME_HELP
from territoire_geo.needs.childcare import CRECHES
from territoire_geo.travel import (
    CARPOOL,
    DIGITAL,
    DRIVING_SCHOOL,
    FRANCE_SERVICES,
    SCENARIO,
    STATION,
    communes_of,
    has_place,
)

CHILDCARE: Final = "childcare_places"  # establishments whose own places the user gave
# Type -> label in French and in English; a code of the BPE or of FINESS, or the type of a place.
LABELS: Final[Mapping[str, tuple[str, str]]] = {
    STATION: ("Gare de voyageurs", "Passenger station"),
    CARPOOL: ("Aire de covoiturage", "Car-pooling area"),
    DRIVING_SCHOOL: ("École de conduite", "Driving school"),
    CHILDCARE: ("Accueil de la petite enfance", "Childcare establishment"),
    **dict(zip(CRECHES, (("Crèche (EAJE)", "Crèche (EAJE)"), ("Micro-crèche", "Micro-crèche")), strict=True)),
    **dict(
        zip(
            HOME_HELP,
            (
                ("Aide à domicile (SAAD)", "Home help (SAAD)"),
                ("Soins à domicile (SSIAD)", "Home nursing (SSIAD)"),
                ("Aide et soins à domicile (SPASAD)", "Home help and nursing (SPASAD)"),
            ),
            strict=True,
        )
    ),
    **dict(
        zip(
            HOMES,
            (
                ("EHPAD", "Nursing home (EHPAD)"),
                ("EHPA percevant des crédits d'assurance maladie", "Home for older people, with health funding"),
                ("EHPA", "Home for older people (EHPA)"),
                ("Résidence autonomie", "Independent living facility"),
            ),
            strict=True,
        )
    ),
    FRANCE_SERVICES: ("France services", "France services"),
    f"{FRANCE_SERVICES}_itinerante": ("France services itinérante", "Travelling France services"),
    DIGITAL: ("Service numérique", "Digital service"),
    SCENARIO: ("Ajouté par le scénario", "Added by the scenario"),
}
COLUMNS: Final = ("type", "label", "label_en", "name", "amount", "amount_unit", "approximate", "code_commune")
_DTYPES: Final = {"amount": "float64", "approximate": "bool"}
PLACES, COUNT = "places", "équipements"


def supply_points(inputs: Inputs, needs: Sequence[Need]) -> gpd.GeoDataFrame:
    """
    Gather the supply points other than structures: childcare, facilities that needs or measures read, and places.

    Parameters
    ----------
    inputs
        Uses the territory, `childcare_places`, `facilities` and `places`.
    needs
        The needs, with the codes of their facilities.

    Returns
    -------
    supply_points
        In the CRS of the territory, index `id` (as travel times name points): type, label, label_en, name ("" when it
        has none), amount [`amount_unit`: "places", "équipements" or ""; NaN unknown], approximate (bool: known by its
        commune only, at the point of which it stands), code_commune and geometry. A row out of the loaded communes is
        left out.
    """
    codes = {*LABELS, *(code for need in needs for code in need.facilities)}
    tables = inputs.tables
    own, equipment, places = tables.childcare_places, tables.facilities, tables.places
    parts = []
    if own is not None:
        parts.append(_part(inputs, CHILDCARE, own.assign(type=CHILDCARE, amount=own["places"], amount_unit=PLACES)))
    if equipment is not None:
        kept = equipment[equipment["code_equipement"].isin(codes)]
        parts.append(_part(inputs, "facilities", kept.assign(type=kept["code_equipement"]).join(_amounts(kept))))
    if places is not None:
        parts.append(_part(inputs, "places", places.assign(amount=np.nan, amount_unit="")))
    frame = pd.concat([part for part in parts if len(part)]) if any(map(len, parts)) else _nothing(inputs)
    return gpd.GeoDataFrame(frame.sort_index(), geometry="geometry", crs=inputs.territory.crs)


def _amounts(frame: pd.DataFrame) -> pd.DataFrame:
    """Tell what a row holds: the places of a FINESS establishment, else how many facilities it counts."""
    finess = frame["code_equipement"].isin([*HOMES, *HOME_HELP])
    capacity = frame["capacite"] if "capacite" in frame else pd.Series(np.nan, index=frame.index)
    unit = pd.Series(COUNT, index=frame.index, dtype="str").mask(finess, PLACES)
    return pd.DataFrame({"amount": frame["nombre"].mask(finess, capacity), "amount_unit": unit})


def _part(inputs: Inputs, field: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Place the rows of a table, and name their types."""
    territory = inputs.territory
    where = communes_of(frame, territory)
    inside = (has_place(frame) & where.isin(territory.communes.index)).to_numpy(dtype="bool")
    frame, where = frame[inside], where[inside]
    place = frame.reindex(columns=["lon", "lat"])
    points = gpd.GeoSeries(gpd.points_from_xy(place["lon"], place["lat"]), index=frame.index, crs=4326)
    approximate = place.isna().any(axis=1)
    geometry = np.array(points.to_crs(territory.crs), dtype=object)
    geometry[approximate] = np.array(territory.points.reindex(where[approximate]), dtype=object)
    kind = frame["type"].astype("str")
    out = pd.DataFrame(
        {
            "type": kind,
            "label": kind.map({code: fr for code, (fr, _) in LABELS.items()}).fillna(kind),
            "label_en": kind.map({code: en for code, (_, en) in LABELS.items()}).fillna(kind),
            "name": frame["name"].fillna("") if "name" in frame else "",
            "amount": frame["amount"].astype("float64"),
            "amount_unit": frame["amount_unit"],
            "approximate": approximate,
            "code_commune": where,
            "geometry": gpd.GeoSeries(geometry, index=frame.index, crs=territory.crs),
        }
    )
    return out.set_axis(point_ids(field, frame.index).rename("id"))


def _nothing(inputs: Inputs) -> gpd.GeoDataFrame:
    index = pd.Index([], dtype="str", name="id")
    frame = pd.DataFrame({name: pd.Series([], index=index, dtype=_DTYPES.get(name, "str")) for name in COLUMNS})
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], index=index, crs=inputs.territory.crs))
