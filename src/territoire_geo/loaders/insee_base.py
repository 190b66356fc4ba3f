"""Insee, bases of the census by commune (base-cc) and by IRIS (base-ic): people, work, cars, families, commuting."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy, header_vintage
from territoire_geo.loaders._read import refuse_repeated, summed
from territoire_geo.territory import Territory

Parts = tuple[str, ...]  # columns that add up to a figure, {} their vintage

POPULATION: Final[Mapping[str, tuple[Parts, ...]]] = {
    "population": (("P{}_POP",),),
    "pop_0_19": (("P{}_POP0019",), ("P{}_H0019", "P{}_F0019")),
    "pop_20_64": (("P{}_POP2064",), ("P{}_H2064", "P{}_F2064")),
    "pop_65_plus": (("P{}_POP65P",), ("P{}_H65P", "P{}_F65P")),
    "pop_75_plus": (("P{}_POP75P",), ("P{}_POP7589", "P{}_POP90P")),
    "enfants_moins_3_ans": (("P{}_POP0002",),),
}
ACTIVITY: Final[Mapping[str, tuple[Parts, ...]]] = {
    "pop_15_64": (("P{}_POP1564",),),
    "actifs_15_64": (("P{}_ACT1564",),),
    "chomeurs_15_64": (("P{}_CHOM1564",),),
    "emplois": (("P{}_EMPLT",),),
    "actifs_occupes_15_plus": (("P{}_ACTOCC",), ("P{}_ACTOCC15P",)),
}
PRIME_AGE: Final[Mapping[str, tuple[Parts, ...]]] = {
    "femmes_25_54": (("P{}_F2554",),),
    "femmes_25_54_occupees": (("P{}_FACTOCC2554",),),
    "hommes_25_54": (("P{}_H2554",),),
    "hommes_25_54_occupes": (("P{}_HACTOCC2554",),),
}
CARS: Final[Mapping[str, tuple[Parts, ...]]] = {
    "menages": (("P{}_RP",),),
    "menages_voiture": (("P{}_RP_VOIT1P",),),
}
FAMILIES: Final[Mapping[str, tuple[Parts, ...]]] = {
    "familles": (("C{}_FAM",),),
    "familles_monoparentales": (("C{}_FAMMONO",),),
}
LIVING_ALONE: Final[Mapping[str, tuple[Parts, ...]]] = {
    "pop_80_plus": (("P{}_POP80P",),),
    "pop_80_plus_seuls": (("P{}_POP80P_PSEUL",),),
}
WAGE_EARNERS: Final[Mapping[str, tuple[Parts, ...]]] = {
    "salaries_15_plus": (("P{}_SAL15P",),),
    "salaries_precaires": (("P{}_SAL15P_CDD", "P{}_SAL15P_INTERIM", "P{}_SAL15P_EMPAID"),),
    "femmes_salariees": (("P{}_FSAL15P",),),
    "femmes_salariees_temps_partiel": (("P{}_FSAL15P_TP",),),
}
EDUCATION: Final[Mapping[str, tuple[Parts, ...]]] = {
    "non_scolarises_15_plus": (("P{}_NSCOL15P",),),
    "peu_diplomes": (("P{}_NSCOL15P_DIPLMIN", "P{}_NSCOL15P_BEPC"),),
    "pop_18_24": (("P{}_POP1824",),),
    "scolarises_18_24": (("P{}_SCOL1824",),),
}
# Overcrowding is of the complementary exploitation, and so is what it is a share of: all main dwellings by occupation
# since 2022, those that are no studio of one person before. It never goes with P{}_RP, of the main one.
HOUSING: Final[Mapping[str, tuple[Parts, ...]]] = {
    "logements": (("P{}_LOG",),),
    "logements_vacants": (("P{}_LOGVAC",),),
    "residences_principales": (("P{}_RP",),),
    "locataires_hlm": (("P{}_RP_LOCHLMV",),),
    "residences_occupation": (
        (
            "C{}_RP_NORME",
            "C{}_RP_SOUSOCC_MOD",
            "C{}_RP_SOUSOCC_ACC",
            "C{}_RP_SOUSOCC_TACC",
            "C{}_RP_SUROCC_MOD",
            "C{}_RP_SUROCC_ACC",
        ),
        ("C{}_RP_HSTU1P",),
    ),
    "residences_suroccupees": (("C{}_RP_SUROCC_MOD", "C{}_RP_SUROCC_ACC"), ("C{}_RP_HSTU1P_SUROCC",)),
}
COMMUTING: Final[Mapping[str, tuple[Parts, ...]]] = {
    "actifs_occupes": (("P{}_ACTOCC15P",),),
    "hors_commune": (("P{}_ACTOCC15P_ILT2P",),),
    "voiture": (("P{}_ACTOCC15P_VOITURE",),),
    "transports_commun": (("P{}_ACTOCC15P_COMMUN",),),
    "velo": (("P{}_ACTOCC15P_VELO",),),
    "marche": (("P{}_ACTOCC15P_MARCHE",),),
}
# By IRIS, modes are of the complementary exploitation: who works outside, of the main one, does not mix with them.
COMMUTING_IRIS: Final[Mapping[str, tuple[Parts, ...]]] = {
    "actifs_occupes": (("C{}_ACTOCC15P",),),
    "voiture": (("C{}_ACTOCC15P_VOIT",),),
    "transports_commun": (("C{}_ACTOCC15P_TCOM",),),
    "velo": (("C{}_ACTOCC15P_VELO",),),
    "marche": (("C{}_ACTOCC15P_MAR",),),
}
# Field of `Tables`: the formulas of its columns, and those without which the file does not give it.
TABLES: Final = (
    ("population", POPULATION, ("population", "pop_65_plus")),
    ("activity", ACTIVITY, ("actifs_15_64", "chomeurs_15_64")),
    ("prime_age", PRIME_AGE, tuple(PRIME_AGE)),
    ("cars", CARS, ("menages", "menages_voiture")),
    ("families", FAMILIES, ("familles", "familles_monoparentales")),
    ("living_alone", LIVING_ALONE, ("pop_80_plus", "pop_80_plus_seuls")),
    ("wage_earners", WAGE_EARNERS, ("salaries_15_plus", "salaries_precaires")),
    ("education", EDUCATION, ("non_scolarises_15_plus", "peu_diplomes")),
    ("housing", HOUSING, ("logements", "logements_vacants")),
    ("commuting", COMMUTING, ("actifs_occupes", "voiture")),
    ("commuting", COMMUTING_IRIS, ("actifs_occupes", "voiture")),
)
CENSUS: Final = re.compile(r"[PC](\d{2})_\w+")


def newest(columns: frozenset[str], *names: str) -> str | None:
    """
    Find the newest vintage of which a census file has the columns.

    Parameters
    ----------
    columns
        Header of the file, several vintages in it.
    *names
        Names of the columns, {} where their vintage stands.

    Returns
    -------
    newest
        Two digits; None when the file has the columns of no vintage.

    Examples
    --------
    >>> newest(frozenset({"P22_POP", "P16_POP", "P16_RP"}), "P{}_POP")
    '22'
    >>> newest(frozenset({"P22_POP", "P16_POP", "P16_RP"}), "P{}_POP", "P{}_RP")
    '16'
    """
    years = {match[1] for column in columns if (match := CENSUS.fullmatch(column))}
    there = [year for year in years if all(name.format(year) in columns for name in names)]
    return max(there, default=None)


def given(columns: frozenset[str]) -> dict[str, dict[str, Parts]]:
    """
    Tell what a census file gives.

    Parameters
    ----------
    columns
        Its header.

    Returns
    -------
    given
        Field of `Tables` -> column -> published columns that add up to it, of the newest vintage of that table. A table
        of which the newest vintage lost a column is left out: an older one would pass for it.
    """
    out: dict[str, dict[str, Parts]] = {}
    for table, formulas, needed in TABLES:
        years = {match[1] for column in columns if (match := CENSUS.fullmatch(column))}
        for year in sorted(years, reverse=True):
            found = {name: _first(ways, year, columns) for name, ways in formulas.items()}
            if table not in out and all(found[name] for name in needed):
                out[table] = {name: parts for name, parts in found.items() if parts}
            if any(found[name] for name in needed):
                break
    return out


def _first(ways: tuple[Parts, ...], year: str, columns: frozenset[str]) -> Parts:
    written = (tuple(part.format(year) for part in way) for way in ways)
    return next((way for way in written if columns.issuperset(way)), ())


def is_mixed(columns: frozenset[str]) -> bool:
    """
    Tell the comparateur de territoires from the bases of the census, which have the same columns of activity.

    Parameters
    ----------
    columns
        Header of a file.

    Returns
    -------
    is_mixed
        Whether births or income stand beside the census, and cars do not (they do in the "dossier complet").
    """
    others = any(re.fullmatch(r"NAIS\d{4}|MED\d{2}", column) for column in columns)
    return others and newest(columns, "P{}_RP_VOIT1P") is None


def _recognise_communes(columns: frozenset[str]) -> bool:
    return "CODGEO" in columns and not is_mixed(columns) and bool(given(columns))


def _recognise_iris(columns: frozenset[str]) -> bool:
    return {"IRIS", "COM"} <= columns and bool(given(columns))


def _published(columns: frozenset[str]) -> set[str]:
    return set(chain.from_iterable(parts for table in given(columns).values() for parts in table.values()))


def _columns(columns: frozenset[str]) -> frozenset[str]:
    key = {"IRIS", "COM"} if _recognise_iris(columns) else {"CODGEO"}
    return columns & (_published(columns) | key) if given(columns) else frozenset()


def _tidy_communes(raw: pd.DataFrame) -> Tidy:
    codes = raw["CODGEO"].astype("str")
    return {table: _table(raw, codes, names) for table, names in given(frozenset(raw.columns)).items()}


def _tidy_iris(raw: pd.DataFrame) -> Tidy:
    counts = sorted(_published(frozenset(raw.columns)))
    refuse_repeated(raw, ["IRIS"], where="IRIS")
    return _tidy_communes(summed(raw.rename(columns={"COM": "CODGEO"}), ["CODGEO"], counts, where="IRIS"))


def _table(raw: pd.DataFrame, codes: "pd.Series[str]", names: Mapping[str, Parts]) -> pd.DataFrame:
    frame = pd.DataFrame({name: _added(raw, parts) for name, parts in names.items()})
    frame.insert(0, CODE_COMMUNE, codes)
    return frame


def _added(raw: pd.DataFrame, parts: Parts) -> pd.Series:
    """Add columns, row by row; a sum with an unknown part is unknown."""
    if len(parts) == 1:
        return raw[parts[0]]
    long = pd.concat([pd.DataFrame({"row": raw.index, "count": raw[part].to_numpy()}) for part in parts])
    return summed(long, ["row"], ["count"], where="+".join(parts)).set_index("row")["count"]


COMMUNES: Final = Layout(
    "insee_base_communes",
    _recognise_communes,
    _tidy_communes,
    producer="Insee",
    title="Recensement de la population, base communale",
    columns=_columns,
    vintage=header_vintage(r"[PC](\d{2})_", "RP {}"),
)
IRIS: Final = Layout(
    "insee_base_iris",
    _recognise_iris,
    _tidy_iris,
    producer="Insee",
    title="Recensement de la population, base infracommunale (IRIS)",
    columns=_columns,
    vintage=header_vintage(r"[PC](\d{2})_", "RP {}"),
)
LAYOUTS: Final = (COMMUNES, IRIS)


def _around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return whole_file(door, source, COMMUNES)


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    return whole_file(door, source, COMMUNES)


LOADERS: Final = tuple(
    Loader(source, COMMUNES, _around, _national)
    for source in (
        "insee_logements",
        "insee_menages",
        "insee_conditions_emploi",
        "insee_diplomes",
        "insee_emploi_par_sexe",
    )
)
STAND_INS: Final = tuple(
    Loader(source, COMMUNES, _around, _national) for source in ("insee_base_logement", "insee_base_population")
)
