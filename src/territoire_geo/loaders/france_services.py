"""ANCT, Liste des structures France services: fixed places, and buses that travel."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._place_rows import place_rows
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

NEEDED: Final = frozenset({"id_fs", "lib_fs", "latitude", "longitude"})
# Contacts (mail, telephone) and comments, which hold some, are not read.
READ: Final = NEEDED | {"insee_com", "format_fs", "itinerance"}
FIXED, TRAVELLING = "france_services", "france_services_itinerante"


def _recognise(columns: frozenset[str]) -> bool:
    return columns >= NEEDED


def _tidy(raw: pd.DataFrame) -> Tidy:
    blank = pd.Series("", index=raw.index, dtype="str")
    cells = {name: texts(raw[name]) if name in raw.columns else blank for name in READ}
    # Before 2024 a column `itinerance` said it, now the format does.
    travels = cells["format_fs"].str.match(r"(?i)bus|itin") | cells["itinerance"].str.match(r"(?i)oui")
    frame = pd.DataFrame({"id": "france-services-" + cells["id_fs"]})
    frame["type"] = pd.Series(FIXED, index=raw.index, dtype="str").mask(travels, TRAVELLING)
    frame["name"] = cells["lib_fs"]
    return {"places": place_rows(frame, cells["longitude"], cells["latitude"], cells["insee_com"])}


def _around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


UNSAID: Final = Note(
    TerritoireGeoWarning,
    "France services : ce fichier ne dit pas lesquelles sont itinérantes ; toutes sont prises pour fixes.",
    "France services: this file does not say which ones travel; all are taken for fixed.",
)
LAYOUT: Final = Layout(
    "france_services",
    _recognise,
    _tidy,
    producer="ANCT",
    title="Liste des structures France services",
    columns=lambda header: header & READ,
    tell=lambda raw: () if {"format_fs", "itinerance"} & set(raw.columns) else (UNSAID,),
    notes=(
        Note(
            TerritoireGeoWarning,
            "France services : un bus ou une équipe itinérante figure en un seul point, où le service n'est pas tous "
            "les jours (type « france_services_itinerante ») ; antennes et multisites ouvrent parfois peu d'heures.",
            "France services: a bus or a travelling team stands at one point, where it is not every day (type "
            "'france_services_itinerante'); branches and services of several sites may open a few hours only.",
        ),
    ),
)
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (Loader("france_services", LAYOUT, _around, _national),)
