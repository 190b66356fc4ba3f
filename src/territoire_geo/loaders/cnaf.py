"""Cnaf: coverage of children under three by formal childcare, at every scale, and places by EPCI."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import pandas as pd

from territoire_geo.cog import departement, quote
from territoire_geo.columns import CODE_DEPARTEMENT, CODE_EPCI, CODE_REGION
from territoire_geo.errors import StaleSourceWarning, TableError
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._codes import texts
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy, column_vintage
from territoire_geo.loaders._opendatasoft import Query, export, placed
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

RATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "txcouv": "taux",
        "txcouv_eaje": "taux_eaje",
        "txcouv_am_ind": "taux_assistants_maternels",
        "txcouv_am": "taux_assistants_maternels",  # France
        "txcouv_prescol": "taux_preelementaire",
        "txcouv_gad_ind": "taux_domicile",
        "txcouv_gad": "taux_domicile",  # France
    }
)
PLACES: Final[Mapping[str, str]] = MappingProxyType({"pl_eaje": "places_eaje", "tot_offre": "places_total"})
SCALES: Final[Mapping[str, str]] = MappingProxyType(
    {"com": "COM", "epci": "EPCI", "dep": "DEP", "reg": "REG", "nat": "FR"}
)
NUMBERS: Final[Mapping[str, str]] = MappingProxyType(
    {"com": "numcom", "epci": "numepci", "dep": "numdep", "reg": "numregi"}
)
WIDTHS: Final[Mapping[str, int]] = MappingProxyType({"COM": 5, "EPCI": 9, "DEP": 2, "REG": 2})
# The producer's rows for what belongs nowhere: any run of X, and COM for the overseas collectivities.
PLACEHOLDER: Final = re.compile(r"X*|COM")
# Source -> field that narrows it, and the codes of the territory it takes. Communes are asked by département: those
# under 10,000 inhabitants are not published, so that a list of small communes would have an empty answer.
AREAS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "cnaf_taux_com": ("numdep", CODE_DEPARTEMENT),
        "cnaf_taux_epci": ("numepci", CODE_EPCI),
        "cnaf_taux_dep": ("numdep", CODE_DEPARTEMENT),
        "cnaf_taux_reg": ("numregi", CODE_REGION),
        "cnaf_places": ("numepci", CODE_EPCI),
    }
)


def _scale(columns: frozenset[str], stem: str) -> str | None:
    """Find the scale that the names of columns end with."""
    found = (scale for scale in SCALES if {f"{stem}_{scale}", "annee"} <= columns)
    return next((scale for scale in found if scale == "nat" or _number(scale, columns)), None)


def _number(scale: str, columns: frozenset[str]) -> str | None:
    return next((name for name in (NUMBERS[scale], f"num{scale}") if name in columns), None)


def _recognise_extract(columns: frozenset[str]) -> bool:
    return {"geo_level", "geo_code", "txcouv"} <= columns


def _tidy_extract(raw: pd.DataFrame) -> Tidy:
    levels = texts(raw["geo_level"]).str.upper().replace({"FRANCE": "FR"})
    codes = texts(raw["geo_code"]).mask(levels == "FR", "FR")
    return {"childcare_rates": _latest(raw, _named(raw, RATES).assign(niveau=levels, code=codes))}


def _recognise_rates(columns: frozenset[str]) -> bool:
    return _scale(columns, "txcouv") is not None


def _tidy_rates(raw: pd.DataFrame) -> Tidy:
    return {"childcare_rates": _portal(raw, "txcouv", RATES)}


def _recognise_places(columns: frozenset[str]) -> bool:
    return _scale(columns, "tot_offre") not in {None, "com"}  # references are of EPCI and above


def _tidy_places(raw: pd.DataFrame) -> Tidy:
    return {"references": _portal(raw, "tot_offre", PLACES)}


def _portal(raw: pd.DataFrame, stem: str, names: Mapping[str, str]) -> pd.DataFrame:
    columns = frozenset(raw.columns)
    scale = str(_scale(columns, stem))
    level = SCALES[scale]
    codes = level if scale == "nat" else raw[str(_number(scale, columns))]
    published = {f"{name}_{scale}": tidy for name, tidy in names.items()}
    return _latest(raw, _named(raw, published).assign(niveau=level, code=codes))


def _named(raw: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    there = {published: tidy for published, tidy in names.items() if published in raw.columns}
    frame: pd.DataFrame = raw[list(there)].rename(columns=there)
    return frame


def _latest(raw: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out what is no place, and keep the latest year of each: one file may hold several."""
    codes = texts(frame["code"])
    placed = ~codes.str.upper().str.fullmatch(PLACEHOLDER)
    for level, width in WIDTHS.items():  # a code that lost its zero
        codes = codes.mask(frame["niveau"] == level, codes.str.zfill(width))
    kept: pd.DataFrame = frame.assign(code=codes)[placed]
    if "annee" not in raw.columns:
        return kept
    years = texts(raw.loc[kept.index, "annee"]).str[:4]  # 2023, or 2023-01-01 for France
    wrong = years[~years.str.fullmatch(r"\d{4}")]
    if len(wrong):
        raise TableError(f"cnaf.annee: {quote(wrong.unique())} is not a year. Correct it: the latest is kept.")
    newest = years.groupby([kept["niveau"], kept["code"]]).transform("max")
    latest: pd.DataFrame = kept[years == newest]
    return latest


def _old_names(columns: frozenset[str]) -> dict[str, str]:
    """Lower-case name -> published name: the case changes from file to file, and one writes TAUXCOUV_COMM."""
    names = {column.lower(): column for column in columns}
    return names | ({"tauxcouv_com": names["tauxcouv_comm"]} if "tauxcouv_comm" in names else {})


def _recognise_old(columns: frozenset[str]) -> bool:
    return {"num_com", "num_epci", "tauxcouv_com"} <= set(_old_names(columns))


def _tidy_old(raw: pd.DataFrame) -> Tidy:
    names = _old_names(frozenset(raw.columns))
    communes = texts(raw[names["num_com"]])
    communes = communes.mask(communes.ne(""), communes.str.zfill(WIDTHS["COM"]))
    codes = {"COM": communes, "EPCI": raw[names["num_epci"]], "DEP": departement(pd.Index(communes))}
    parts = [
        pd.DataFrame({"niveau": level, "code": codes[level], "taux": raw[names[f"tauxcouv_{level.lower()}"]]})
        for level in codes
        if f"tauxcouv_{level.lower()}" in names
    ]
    # The rate of an EPCI is repeated on each of its communes.
    frame = pd.concat(parts).drop_duplicates().reset_index(drop=True)
    return {"childcare_rates": _latest(frame, frame)}


def _query(source: Entry, territory: Territory | None) -> Query:
    scale = source.id.removeprefix("cnaf_taux_") if source.id != "cnaf_places" else "epci"
    stem, names = ("txcouv", RATES) if source.id != "cnaf_places" else ("tot_offre", PLACES)
    needed = frozenset({"annee", f"{stem}_{scale}", *([NUMBERS[scale]] if scale in NUMBERS else [])})
    wished = frozenset(f"{name}_{scale}" for name in names)
    if territory is None or source.id not in AREAS:
        return Query(needed, wished=wished)
    field, column = AREAS[source.id]
    return Query(needed, wished=wished, field=field, codes=tuple(territory.communes[column].dropna().unique()))


def _around(door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    yield from placed(door, source, _layout(source)) or (export(door, source, _query(source, territory)),)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    yield from placed(door, source, _layout(source)) or (export(door, source, _query(source, None)),)


def _layout(source: Entry) -> Layout:
    return PORTAL_PLACES if source.id == "cnaf_places" else PORTAL


COVERAGE: Final = "Taux de couverture par les modes d'accueil formels du jeune enfant"
OLD_NOTE: Final = Note(
    StaleSourceWarning,
    "Petite enfance : les taux viennent d'un ancien fichier de la Cnaf (2020 ou 2021), sans détail par mode d'accueil.",
    "Childcare: the rates come from an old file of Cnaf (2020 or 2021), without detail by type of care.",
)
YEAR: Final = column_vintage("annee")
EXTRACT: Final = Layout("cnaf_rates", _recognise_extract, _tidy_extract, producer="Cnaf", title=COVERAGE, vintage=YEAR)
PORTAL: Final = Layout(
    "cnaf_rates_portal", _recognise_rates, _tidy_rates, producer="Cnaf", title=COVERAGE, vintage=YEAR
)
PORTAL_PLACES: Final = Layout(
    "cnaf_places",
    _recognise_places,
    _tidy_places,
    producer="Cnaf",
    title="Nombre de places par les modes d'accueil formels du jeune enfant",
    vintage=YEAR,
)
OLD: Final = Layout("cnaf_rates_2021", _recognise_old, _tidy_old, producer="Cnaf", title=COVERAGE, notes=(OLD_NOTE,))
LAYOUTS: Final = (EXTRACT, PORTAL, PORTAL_PLACES, OLD)
LOADERS: Final = (
    *(Loader(f"cnaf_taux_{scale}", PORTAL, _around, _national) for scale in ("epci", "com", "dep", "reg", "nat")),
    Loader("cnaf_places", PORTAL_PLACES, _around, _national),
)
