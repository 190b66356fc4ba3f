"""SNCF open data, Gares de voyageurs: the export of the portal, under its names of fields or its labels."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT
from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._place_rows import place_rows
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

# Tidy name -> the field of the portal, else its label, that of files downloaded by hand.
FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "name": ("nom", "Nom"),
    "position": ("position_geographique", "Position géographique"),
    CODE_COMMUNE: ("codeinsee", "Code commune"),
    "uic": ("codes_uic", "Code(s) UIC"),
}
CORSICA: Final = ("2A", "2B")
CORSICAN: Final = Note(
    TerritoireGeoWarning,
    "Gares : la liste de la SNCF n'a pas celles de Corse, qui ont un autre exploitant.",
    "Stations: the list of SNCF does not have those of Corsica, which are run by another company.",
)


def _published(columns: frozenset[str]) -> dict[str, str]:
    """Tidy name -> published name, of the fields that a header has."""
    found = {tidy: [name for name in names if name in columns] for tidy, names in FIELDS.items()}
    return {tidy: names[0] for tidy, names in found.items() if names}


def _recognise(columns: frozenset[str]) -> bool:
    return len(_published(columns)) == len(FIELDS)


def _tidy(raw: pd.DataFrame) -> Tidy:
    fields = {tidy: texts(raw[name]) for tidy, name in _published(frozenset(raw.columns)).items()}
    # A station of several platforms has several UIC codes, joined by `;`: the first one names it.
    frame = pd.DataFrame({"id": "gare-" + fields["uic"].str.split(";").str[0].str.strip(), "type": "gare"})
    frame["name"] = fields["name"]
    parts = fields["position"].str.partition(",")  # "lat, lon" in one cell, empty for a few
    return {"places": place_rows(frame, parts[2], parts[0], fields[CODE_COMMUNE])}


def _around(door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    notes = (CORSICAN,) if territory.communes[CODE_DEPARTEMENT].isin(CORSICA).any() else ()
    for raw in whole_file(door, source, LAYOUT):
        yield replace(raw, notes=notes)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


LAYOUT: Final = Layout("sncf_gares", _recognise, _tidy, producer="SNCF", title="Gares de voyageurs")
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (Loader("sncf_gares", LAYOUT, _around, _national),)
