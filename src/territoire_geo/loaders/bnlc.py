"""transport.data.gouv.fr, Base nationale des lieux de covoiturage: carpool places, from many producers."""

from collections.abc import Iterator
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._place_rows import place_rows
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

CLOSED: Final = ("false", "0", "non")
NEEDED: Final = frozenset({"id_lieu", "nom_lieu", "Xlong", "Ylat"})
# Free texts (proprio, horaires, comm) are not read: some are garbled, and none is a key.
READ: Final = NEEDED | {"id_local", "insee", "ouvert", "date_maj"}


def _recognise(columns: frozenset[str]) -> bool:
    return columns >= NEEDED


def _tidy(raw: pd.DataFrame) -> Tidy:
    blank = pd.Series("", index=raw.index, dtype="str")
    cells = {name: texts(raw[name]) if name in raw.columns else blank for name in READ}
    frame = pd.DataFrame({"id": cells["id_lieu"], "type": "covoiturage", "name": cells["nom_lieu"]})
    local = cells["insee"] + "-" + cells["id_local"]  # some producers number their own places only
    frame["id"] = frame["id"].where(frame["id"].ne("") | cells["id_local"].eq(""), local)
    frame = place_rows(frame, cells["Xlong"], cells["Ylat"], cells["insee"])
    # Communes are as each producer wrote them: coordinates tell better, where there are some.
    frame[CODE_COMMUNE] = frame[CODE_COMMUNE].mask(frame["lon"].ne("") & frame["lat"].ne(""))
    newest = cells["date_maj"].sort_values(ascending=False, kind="stable").index
    twice = frame["id"].reindex(newest).duplicated().reindex(raw.index) & frame["id"].ne("")
    return {"places": frame[~twice & ~cells["ouvert"].str.lower().isin(CLOSED)]}


def _around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, LAYOUT)


UNSAID: Final = Note(
    TerritoireGeoWarning,
    "Covoiturage : ce fichier ne dit pas quels lieux sont fermés ; ils sont comptés.",
    "Carpool places: this file does not say which places are closed; they are counted.",
)
LAYOUT: Final = Layout(
    "bnlc",
    _recognise,
    _tidy,
    producer="transport.data.gouv.fr",
    title="Base nationale des lieux de covoiturage",
    columns=lambda header: header & READ,
    tell=lambda raw: () if "ouvert" in raw.columns else (UNSAID,),
    notes=(
        Note(
            TerritoireGeoWarning,
            "Covoiturage : les lieux déclarés fermés sont écartés, et un lieu répété n'est compté qu'une fois ; là où "
            "aucune collectivité n'a déclaré ses lieux, la liste est vide sans qu'il n'y en ait aucun.",
            "Carpool places: those said closed are left out, and one that is repeated counts once; where no local "
            "authority has declared its places, the list is empty although there may be some.",
        ),
    ),
)
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (Loader("bnlc", LAYOUT, _around, _national),)
