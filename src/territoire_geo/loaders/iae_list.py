"""IAE structures as Les emplois de l'inclusion once published them: a row by SIRET and kind, with coordinates."""

from typing import Final

import pandas as pd

from territoire_geo.loaders._layout import Layout, Tidy


def _recognise_siae(columns: frozenset[str]) -> bool:
    return {"siret", "kind", "name", "longitude", "latitude"} <= columns


def _tidy_siae(raw: pd.DataFrame) -> Tidy:
    # Contact columns (e-mail, telephone) are never kept: they may be a person's.
    names = {
        "siret": "siret", "kind": "kind", "name": "name", "brand": "brand", "naf": "naf", "address_line_1": "address",
        "post_code": "post_code", "city": "city", "website": "website", "longitude": "lon", "latitude": "lat",
        "geocoding_score": "geocoding_score", "department": "code_departement",
    }  # fmt: skip
    there = {published: tidy for published, tidy in names.items() if published in raw.columns}
    return {"structures": raw[list(there)].rename(columns=there)}


LAYOUT: Final = Layout(
    "iae_structures",
    _recognise_siae,
    _tidy_siae,
    producer="Les emplois de l'inclusion ; ASP",
    title="Structures de l'insertion par l'activité économique",
)
