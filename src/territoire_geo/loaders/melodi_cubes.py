"""Insee Melodi, the cubes that are read: which dimensions are pinned, and which codes make which tidy columns."""

from functools import partial
from typing import Final

from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._layout import Layout, column_vintage
from territoire_geo.loaders._melodi import TOTAL, YEAR, Cell, Cube, Way, recognise, tidy


def made_of(*cells: str | Cell, less: tuple[str | Cell, ...] = ()) -> Way:
    """
    Write a way to work out a column.

    Parameters
    ----------
    *cells
        Codes that are added, one for each dimension that varies.
    less
        Codes that are taken away.

    Returns
    -------
    made_of
        The cells and their signs.
    """
    signed = [(1, cell) for cell in cells] + [(-1, cell) for cell in less]
    return tuple((sign, (cell,) if isinstance(cell, str) else cell) for sign, cell in signed)


CUBES: Final = (
    Cube(
        "insee_population_age",
        "DS_RP_POPULATION_PRINC",
        "population",
        {"RP_MEASURE": "POP", "SEX": TOTAL},
        ("AGE",),
        {
            "population": (made_of(TOTAL),),
            "pop_0_19": (made_of("Y_LT20"),),
            "pop_20_64": (made_of("Y20T64"),),
            "pop_65_plus": (made_of("Y65T79", "Y_GE80"),),
        },
    ),
    Cube(
        "insee_activite",
        "DS_RP_EMPLOI_LR_PRINC",
        "activity",
        {"AGE": "Y15T64", "SEX": TOTAL, "EDUC": TOTAL},
        ("EMPSTA_ENQ",),
        {"pop_15_64": (made_of(TOTAL),), "actifs_15_64": (made_of("1T2"),), "chomeurs_15_64": (made_of("2"),)},
    ),
    Cube(
        "insee_emplois",
        "DS_RP_EMPLOI_LT_PRINC",
        "activity",
        {},
        ("EMPFORM",),
        {"emplois": (made_of(TOTAL),)},
        others=frozenset({"AGE", "EMPSTA_ENQ", "FREQ", "RP_MEASURE", "SEX", "WKTIME"}),
    ),
    Cube(
        "insee_voitures",
        "DS_RP_LOGEMENT_PRINC",
        "cars",
        {"RP_MEASURE": "DWELLINGS", "OCS": "DW_MAIN"}
        | dict.fromkeys(("CARPARK", "NOR", "NRG_SRC", "BUILD_END", "TDW", "TSH", "L_STAY"), TOTAL),
        ("CARS",),
        {"menages": (made_of(TOTAL),), "menages_voiture": (made_of("C_GE1"), made_of("C1", "C_GE2"))},
    ),
    Cube(
        "insee_naissances",
        "DS_ETAT_CIVIL_NAIS_COMMUNES",
        "births",
        {},
        ("EC_MEASURE",),
        {"naissances": (made_of("LVB"),)},
        years=3,
    ),
    Cube(
        "insee_filosofi",
        "DS_FILOSOFI_CC",
        "income",
        {},
        ("FILOSOFI_MEASURE",),
        {"niveau_vie_median": (made_of("MED_SL"),), "taux_pauvrete": (made_of("PR_MD60"),)},
        france=("F", "FM"),
    ),
    Cube(
        "insee_familles",
        "DS_RP_FAMILLE_COMP",
        "families",
        {"NCH": TOTAL},
        ("TFN",),
        {"familles": (made_of(TOTAL),), "familles_monoparentales": (made_of("1"),)},
    ),
    Cube(
        "insee_navettes",
        "DS_RP_NAVETTES_PRINC",
        "commuting",
        {"EMPSTA_ENQ": "1", "AGE": "Y_GE15"},
        ("TRANS", "WORK_AREA"),
        {
            "actifs_occupes": (made_of((TOTAL, TOTAL)),),
            "hors_commune": (made_of((TOTAL, TOTAL), less=((TOTAL, "10"),)),),
            "voiture": (made_of(("5", TOTAL)),),
            "transports_commun": (made_of(("6", TOTAL)),),
            "velo": (made_of(("3", TOTAL)),),
            "marche": (made_of(("2", TOTAL)),),
        },
    ),
    Cube(
        "insee_bpe",
        "DS_BPE",
        "facilities",
        {"BPE_MEASURE": "FACILITIES"},
        leaves=("FACILITY_DOM", "FACILITY_SDOM", "FACILITY_TYPE"),
    ),
)


def _layout(cube: Cube) -> Layout:
    source = entry(cube.source)
    return Layout(
        f"melodi_{cube.dataset.removeprefix('DS_').lower()}",
        partial(recognise, cube),
        partial(tidy, cube),
        {"taux_pauvrete": 0.01} if cube.table == "income" else {},  # published in percent
        producer=source.producer,
        title=source.title,
        vintage=column_vintage(YEAR),
    )


LAYOUTS: Final = tuple(_layout(cube) for cube in CUBES)
