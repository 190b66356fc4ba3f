"""Pôle emploi, list of its sites in 2020: the agencies that receive the public, now of France Travail."""

from typing import Final

import pandas as pd

from territoire_geo.errors import StaleSourceWarning
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._layout import Layout, Tidy
from territoire_geo.loaders._place_rows import place_rows
from territoire_geo.tables import Note

NEEDED: Final = frozenset({"REFERENCE_PE", "NOM", "TYPE_SITE", "DN_LATITUDE", "DN_LONGITUDE"})
AGENCY: Final = "ALE"  # the others are regional and territorial directions, which receive nobody


def _recognise(columns: frozenset[str]) -> bool:
    return columns >= NEEDED


def _tidy(raw: pd.DataFrame) -> Tidy:
    agencies = raw[texts(raw["TYPE_SITE"]).eq(AGENCY)]
    frame = pd.DataFrame({"id": "agence-" + texts(agencies["REFERENCE_PE"]), "type": "agence_france_travail"})
    frame["name"] = texts(agencies["NOM"])
    return {"places": place_rows(frame, texts(agencies["DN_LONGITUDE"]), texts(agencies["DN_LATITUDE"]))}


LAYOUT: Final = Layout(
    "pole_emploi_agencies",
    _recognise,
    _tidy,
    producer="Pôle emploi (aujourd'hui France Travail)",
    title="Agences Pôle emploi",
    columns=lambda header: header & NEEDED,
    notes=(
        Note(
            StaleSourceWarning,
            "Agences France Travail : liste de 2020, sous les noms de Pôle emploi ; des agences ont pu ouvrir, "
            "déménager ou fermer depuis. Les directions ne sont pas comptées.",
            "France Travail agencies: a list of 2020, under the names of Pôle emploi; some may have opened, moved or "
            "closed since. Directions are not counted.",
        ),
    ),
)
LAYOUTS: Final = (LAYOUT,)
