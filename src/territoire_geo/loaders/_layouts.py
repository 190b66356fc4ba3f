"""Layouts that are recognised by their header: the tidy contract of each table, and files as producers publish them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.contracts import CONTRACTS, Contract

Tidy = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Layout:
    """
    A layout: how it is recognised, how its text becomes tidy text, and the factor of columns not in tidy units.

    A file as published names its `producer` and `title` by its layout, when nothing else does.
    """

    id: str
    recognise: Callable[[frozenset[str]], bool]
    tidy: Callable[[pd.DataFrame], Tidy]
    scale: Mapping[str, float] = field(default_factory=dict)
    producer: str = ""
    title: str = ""


def _comparateur_year(columns: frozenset[str]) -> str | None:
    years = [match.group(1) for match in (re.fullmatch(r"P(\d{2})_ACT1564", column) for column in columns) if match]
    return max(years) if years else None


def _recognise_comparateur(columns: frozenset[str]) -> bool:
    return "CODGEO" in columns and _comparateur_year(columns) is not None


def _tidy_comparateur(raw: pd.DataFrame) -> Tidy:
    columns = frozenset(raw.columns)
    year = _comparateur_year(columns)
    codes = raw["CODGEO"].rename(CODE_COMMUNE)
    wanted = {
        "pop_15_64": f"P{year}_POP1564",
        "actifs_15_64": f"P{year}_ACT1564",
        "chomeurs_15_64": f"P{year}_CHOM1564",
        "emplois": f"P{year}_EMPLT",
    }
    tidy = {"activity": _pick(raw, codes, wanted)}
    births = [column for column in raw.columns if re.fullmatch(r"NAIS\d{4}", column)]
    if births:
        frame = _pick(raw, codes, {"naissances": births[0]})
        # From one census to the next: NAIS1318 and P18 are five years, NAIS1621 and P22 are six.
        tidy["births"] = frame.assign(annees=str((int(str(year)) - int(births[0][4:6])) % 100))
    median = [column for column in raw.columns if re.fullmatch(r"MED\d{2}", column)]
    if median:
        poverty = [column for column in raw.columns if re.fullmatch(r"TP60\d{2}", column)]
        names = {"niveau_vie_median": median[0]} | ({"taux_pauvrete": poverty[0]} if poverty else {})
        tidy["income"] = _pick(raw, codes, names)
    return tidy


def _pick(raw: pd.DataFrame, codes: "pd.Series[str]", names: Mapping[str, str]) -> pd.DataFrame:
    there = {tidy: published for tidy, published in names.items() if published in raw.columns}
    frame = raw[list(there.values())].set_axis(list(there), axis=1)
    frame.insert(0, CODE_COMMUNE, codes)
    return frame


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


RATES: Final = {
    "txcouv": "taux",
    "txcouv_eaje": "taux_eaje",
    "txcouv_am_ind": "taux_assistants_maternels",
    "txcouv_prescol": "taux_preelementaire",
    "txcouv_gad_ind": "taux_domicile",
}
SCALES: Final = {"com": "COM", "epci": "EPCI", "dep": "DEP", "reg": "REG", "nat": "FR"}
PLACEHOLDERS: Final = ("", "XX", "XXX", "COM")  # the producer's rows for "elsewhere"


def _recognise_cnaf(columns: frozenset[str]) -> bool:
    return {"geo_level", "geo_code", "txcouv"} <= columns


def _tidy_cnaf(raw: pd.DataFrame) -> Tidy:
    levels = raw["geo_level"].replace({"FRANCE": "FR"})
    codes = raw["geo_code"].mask(levels == "FR", "FR")
    return {"childcare_rates": _rates(raw, levels, codes, RATES)}


def _cnaf_scale(columns: frozenset[str]) -> str | None:
    return next((scale for scale in SCALES if f"txcouv_{scale}" in columns), None)


def _recognise_cnaf_portal(columns: frozenset[str]) -> bool:
    scale = _cnaf_scale(columns)
    return scale is not None and "annee" in columns and (scale == "nat" or _number(scale, columns) is not None)


def _number(scale: str, columns: frozenset[str]) -> str | None:
    return next((column for column in (f"num{scale}", f"num{scale}i") if column in columns), None)


def _tidy_cnaf_portal(raw: pd.DataFrame) -> Tidy:
    scale = str(_cnaf_scale(frozenset(raw.columns)))
    levels = pd.Series(SCALES[scale], index=raw.index)
    number = _number(scale, frozenset(raw.columns))
    codes = raw[number] if number else levels
    names = {f"{published}_{scale}": tidy for published, tidy in RATES.items()}
    names |= {"txcouv_am_nat": "taux_assistants_maternels", "txcouv_gad_nat": "taux_domicile"} if scale == "nat" else {}
    return {"childcare_rates": _rates(raw, levels, codes, names)}


def _rates(
    raw: pd.DataFrame, levels: "pd.Series[str]", codes: "pd.Series[str]", names: Mapping[str, str]
) -> pd.DataFrame:
    there = {published: tidy for published, tidy in names.items() if published in raw.columns}
    frame = raw[list(there)].rename(columns=there).assign(niveau=levels, code=codes)
    stripped = frame["code"].astype("str").str.strip()
    frame["code"] = stripped.str.zfill(2)  # a département or région that lost its zero
    frame = frame[stripped.notna() & ~stripped.isin(PLACEHOLDERS)]
    if "annee" in raw.columns:  # one file may hold several years: the latest of each place is kept
        years = raw["annee"].astype("str").str[:4].reindex(frame.index)
        newest = years.groupby([frame["niveau"], frame["code"]]).transform("max")
        frame = frame[years == newest]
    return frame


def _tidy_layout(name: str, contract: Contract) -> Layout:
    needed = {*contract.key, *contract.numbers, *contract.texts}

    def recognise(columns: frozenset[str]) -> bool:
        return needed <= columns and (not contract.located or {"lon", "lat"} <= columns or CODE_COMMUNE in columns)

    return Layout(name, recognise, lambda raw: {name: raw})


def _recognise_references(columns: frozenset[str]) -> bool:
    return {"niveau", "code"} <= columns and "taux" not in columns


COVERAGE: Final = "Taux de couverture par les modes d'accueil formels du jeune enfant"
PUBLISHED: Final = (
    Layout(
        "insee_comparateur",
        _recognise_comparateur,
        _tidy_comparateur,
        {"taux_pauvrete": 0.01},
        producer="Insee",
        title="Comparateur de territoires",
    ),
    Layout(
        "iae_structures",
        _recognise_siae,
        _tidy_siae,
        producer="Les emplois de l'inclusion ; ASP",
        title="Structures de l'insertion par l'activité économique",
    ),
    Layout("cnaf_rates", _recognise_cnaf, _tidy_cnaf, producer="Cnaf", title=COVERAGE),
    Layout("cnaf_rates_portal", _recognise_cnaf_portal, _tidy_cnaf_portal, producer="Cnaf", title=COVERAGE),
)
TIDY: Final = (
    *(_tidy_layout(name, contract) for name, contract in CONTRACTS.items() if name != "references"),
    Layout("references", _recognise_references, lambda raw: {"references": raw}),
)


def recognise(columns: list[str]) -> tuple[Layout, ...]:
    """
    Recognise layouts by the header of a file.

    Parameters
    ----------
    columns
        Names of the columns.

    Returns
    -------
    recognise
        The layout as published; else the contract, not keyed by commune, that asks for the most columns; else every
        commune table whose contract the header meets. Empty when nothing matches.
    """
    header = frozenset(columns)
    for layout in PUBLISHED:
        if layout.recognise(header):
            return (layout,)
    matches = [layout for layout in TIDY if layout.recognise(header)]
    keyed = [layout for layout in matches if not CONTRACTS[layout.id].by_commune]
    if keyed:
        return (max(keyed, key=lambda layout: len(asked(layout.id))),)
    return tuple(matches)


def asked(name: str) -> tuple[str, ...]:
    """
    Name the columns that the contract of a table asks for.

    Parameters
    ----------
    name
        Field of `Tables`.

    Returns
    -------
    asked
        Key, numbers and texts.
    """
    contract = CONTRACTS[name]
    return (*contract.key, *contract.numbers, *contract.texts)


def nearest(columns: list[str]) -> str:
    """
    Say which contract a header is nearest to, and what it lacks.

    Parameters
    ----------
    columns
        Names of the columns of a file that is not recognised.

    Returns
    -------
    nearest
        A sentence, empty when no column is known.
    """
    header = frozenset(columns)
    shared = {name: len(header & set(asked(name))) for name in CONTRACTS}
    name = max(shared, key=lambda field: (shared[field], -len(asked(field))))
    if not shared[name]:
        return ""
    lacking = [column for column in asked(name) if column not in header]
    return f" Nearest is {name}, which lacks {', '.join(lacking) if lacking else 'lon and lat, or code_commune'}."
