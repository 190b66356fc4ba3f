"""A small table of each layout that is recognised, published and tidy; and real files cut to a few hundred rows."""

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from territoire_geo.loaders._read import read_texts

COMMUNES = ("01004", "01033", "2A004", "21231", "25056", "39008", "39024", "39198", "39300", "39369", "70279", "97411")
DOLE = "39198"
ROWS = 150  # of a real file
LISTED = {"counts", "points", "codes"}


@dataclass(frozen=True)
class Sample:
    """
    A table of text as its producer, or a user, writes it.

    `counts` are columns of figures that are never negative, `points` other figures, `codes` columns of codes.
    `parts`: rows are parts of a figure. `alike`: two rows may be the same, and are two things. `plain`: a blank part is
    no part. `pinned`: rows whose dimensions are not the ones that are read are left out.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    counts: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    separator: str = ";"
    parts: bool = False
    alike: bool = False
    plain: bool = False
    pinned: bool = False


def table(header: str, row: Callable[[int, str], str], *, communes: tuple[str, ...] = COMMUNES, **kinds) -> Sample:
    """One row by commune; `row` writes it, separated by bars."""
    rows = tuple(tuple(row(rank, code).split("|")) for rank, code in enumerate(communes, 1))
    names = {name.replace(" ", "_"): name for name in header.split("|")}  # a list of names is written in words
    for kind in LISTED & set(kinds):
        kinds[kind] = tuple(names[word] for word in kinds[kind].split())
    return Sample(tuple(names.values()), rows, **kinds)


def siret(rank: int) -> str:
    return f"{5_000_000_000_000 + 33_987_654_321 * rank:014d}"


def _lon(rank: int) -> str:
    return f"{5.31 + rank / 37:.6f}"


def _lat(rank: int) -> str:
    return f"{46.93 + rank / 53:.6f}"


def _cube(dimensions: str, codes: tuple[str, ...], value: Callable[[int], str], **pins: str) -> Sample:
    """A cube of Melodi: each code of its dimensions for each commune, département 39 and France."""
    places = [*(("COM", code) for code in COMMUNES), ("DEP", "39"), ("FRANCE", "F")]
    header = ("GEO", "GEO_OBJECT", *pins, *dimensions.split(), "TIME_PERIOD", "OBS_VALUE", "OBS_STATUS", "CONF_STATUS")
    rows = tuple(
        (code, level, *pins.values(), *cell.split("/"), "2022", value(rank * len(codes) + place), "A", "F")
        for rank, (level, code) in enumerate(places, 1)
        for place, cell in enumerate(codes)
    )
    return Sample(header, rows, ("OBS_VALUE",), codes=("GEO",), pinned=True)


TIDY: dict[str, Sample] = {
    "population": table(
        "code_commune|population|pop_0_19|pop_20_64|pop_65_plus",
        lambda n, code: f"{code}|{n * 1234}|{n * 300}|{n * 600}.5|{n * 333.5}",
        counts="population pop_0_19 pop_20_64 pop_65_plus", codes="code_commune",
    ),
    "activity": table(
        "code_commune|actifs_15_64|chomeurs_15_64|emplois",
        lambda n, code: f"{code}|{n * 1050}.25|{n * 101}.5|{n * 777}",
        counts="actifs_15_64 chomeurs_15_64 emplois", codes="code_commune",
    ),
    "births": table(
        "code_commune|naissances|annees", lambda n, code: f"{code}|{n * 1101}|5",
        counts="naissances", codes="code_commune",
    ),
    "cars": table(
        "code_commune|menages|menages_voiture|libellé", lambda n, code: f"{code}|{n * 1400}.75|{n * 1100}.5|Dôle {n}",
        counts="menages menages_voiture", codes="code_commune",
    ),
    "families": table(
        "code_commune|familles|familles_monoparentales", lambda n, code: f"{code}|{n * 1000}|{n * 150}",
        counts="familles familles_monoparentales", codes="code_commune",
    ),
    "commuting": table(
        "code_commune|actifs_occupes|voiture|velo", lambda n, code: f"{code}|{n * 1000}|{n * 800}.5|{n * 10}.25",
        counts="actifs_occupes voiture velo", codes="code_commune",
    ),
    "income": table(
        "code_commune|niveau_vie_median|taux_pauvrete", lambda n, code: f"{code}|{20000 + n * 10}|0.{10 + n}",
        counts="niveau_vie_median taux_pauvrete", codes="code_commune",
    ),
    "jobseekers": table(
        "code_commune|demandeurs_emploi_abc", lambda n, code: f"{code}|{n * 1005}",
        counts="demandeurs_emploi_abc", codes="code_commune",
    ),
    "employees": table(
        "code_commune|effectifs_salaries", lambda n, code: f"{code}|{n * 1111}",
        counts="effectifs_salaries", codes="code_commune",
    ),
    "flows": table(
        "code_residence|code_travail|actifs", lambda n, code: f"{code}|39198|{n * 1012}.5",
        counts="actifs", codes="code_residence code_travail",
    ),
    "childcare_rates": table(
        "niveau|code|taux|taux_eaje",
        lambda n, code: f"{'DEP' if n % 2 else 'COM'}|{code[:2] if n % 2 else code}|{n * 7}.5|{n}",
        communes=("39198", "39300", "21231", "25056", "01004"), counts="taux taux_eaje", codes="code",
    ),
    "childcare_places": table(
        "id|places|type|name|lon|lat", lambda n, _: f"a{n}|{n * 1010}|crèche|Les Lutins {n}|{_lon(n)}|{_lat(n)}",
        counts="places", points="lon lat",
    ),
    "facilities": table(
        "id|code_equipement|nombre|code_commune", lambda n, code: f"f{n}|D502|{n * 1003}|{code}",
        counts="nombre", codes="code_commune",
    ),
    "structures": table(
        "siret|kind|name|code_commune|postes",
        lambda n, code: f"{siret(n)}|{('ai', 'ACI')[n % 2]}|Été {n}|{code}|{n * 1001}.5",
        counts="postes", codes="siret code_commune",
    ),
    "activities": table(
        "siret|kind|need|source", lambda n, _: f"{siret(n)}|AI|mobility|brochure de l'été {n}", codes="siret",
    ),
    "places": table(
        "id|type|name|lon|lat", lambda n, _: f"p{n}|gare|Gare, côté {n}|{_lon(n)}|{_lat(n)}", points="lon lat",
    ),
    "hiring": table(
        "code_bassin|code_metier|projets|difficiles", lambda n, _: f"27{n:02d}|A0Z40|{n * 1040}|{n * 20}",
        counts="projets difficiles",
    ),
    "references": table(
        "niveau|code|nom|actifs_15_64",
        lambda n, _: f"{('DEP', 'EPCI')[n % 2]}|"
        f"{('200010650', '01', '200055863', '25', '200071595', '39')[n - 1]}|É{n}|{n * 1117}.5",
        communes=COMMUNES[:6], counts="actifs_15_64", codes="code",
    ),
}  # fmt: skip

PUBLISHED: dict[str, Sample] = {
    "comparateur": table(
        "CODGEO|P18_POP|P13_POP|NAIS1318|MED19|TP6019|P18_EMPLT|P13_EMPLT|P18_POP1564|P18_CHOM1564|P18_ACT1564",
        lambda n, code: f"{code}|{n * 2000}|{n * 1900}|{n * 110}|{20000 + 10 * n}|{n + 9}.5|{n * 700}.25|{n * 600}|"
        f"{n * 1300}|"
        f"{n * 99}.125|{n * 1040}.5",
        communes=(*COMMUNES, "75101", "75056"), codes="CODGEO",
        counts="NAIS1318 MED19 TP6019 P18_EMPLT P18_POP1564 P18_CHOM1564 P18_ACT1564",
    ),
    "base_cc": table(
        "CODGEO|P22_POP|P22_POP0019|P22_POP2064|P22_POP65P|P22_POP7589|P22_POP90P|P22_RP|P22_RP_VOIT1P|P16_RP|P16_RP_VOIT1P|C22_FAM|C22_FAMMONO",
        lambda n, code: f"{code}|{n * 2000}|{n * 500}|{n * 1000}|{n * 500}|{n * 100}.5|{n * 10}.25|{n * 900}|{n * 700}|"
        f"{n * 800}|{n * 600}|{n * 400}|{n * 50}",
        counts="P22_POP P22_POP65P P22_POP7589 P22_POP90P P22_RP P22_RP_VOIT1P C22_FAM C22_FAMMONO", codes="CODGEO",
    ),
    "base_ic": table(
        "IRIS|COM|LIBIRIS|P22_POP1564|P22_ACT1564|P22_CHOM1564|P22_EMPLT",
        lambda n, code: f"{code}010{n % 3}|{code}|Été {n}|{n * 1100}.5|{n * 1003}|{n * 90}.25|{n * 70}",
        communes=tuple(code for code in COMMUNES for _ in range(2)), parts=True,
        counts="P22_POP1564 P22_ACT1564 P22_CHOM1564 P22_EMPLT", codes="IRIS COM",
    ),
    "filosofi": table(
        "CODGEO|NBMENFISC21|MED21|TP6021|D121",
        lambda n, code: f"{code}|{n * 900}|{20000 + n * 10}|{'s' if n % 3 else f'{n},5'}|{'nd' if n % 2 else 12000}",
        counts="MED21 TP6021", codes="CODGEO",
    ),
    "flux": table(
        "CODGEO|LIBGEO|DCLT|L_DCLT|NBFLUX_C22_ACTOCC15P",
        lambda n, code: f"{code}|Été {n}|{'SU001' if n == 3 else '39198'}|Dole|{n * 1010}.5",
        counts="NBFLUX_C22_ACTOCC15P", codes="CODGEO DCLT",
    ),
    "bpe_points": table(
        "AN|NOMRS|DEPCOM|DEP|TYPEQU|CAPACITE|LONGITUDE|LATITUDE|QUALITE_GEOLOC",
        lambda n, code: f"2025|LES LUTINS {n}|{code}|{code[:2]}|D502|{'_Z' if n % 4 == 0 else n * 1001}|{_lon(n)}|"
        f"{_lat(n)}|11",
        counts="CAPACITE", points="LONGITUDE LATITUDE", codes="DEPCOM", alike=True,
    ),
    "bpe_counts": table(
        "AN|REG|DEP|DEPCOM|DCIRIS|TYPEQU|NB_EQUIP",
        lambda n, code: f"2019|27|{code[:2]}|{code}|{code}_010{n % 3}|D502|{n * 1001}",
        communes=tuple(code for code in COMMUNES for _ in range(2)),
        parts=True, counts="NB_EQUIP", codes="DEPCOM DCIRIS",
    ),
    "cnaf_extract": table(
        "geo_level|geo_code|annee|txcouv|txcouv_eaje|txcouv_am_ind",
        lambda n, _: f"{('EPCI', 'DEP', 'FRANCE')[n % 3]}|{('200010650', '01', 'FE')[n % 3]}|202{n}|{50 + n}.5|"
        f"{n}.2|{n}.1",
        communes=COMMUNES[:3], counts="txcouv txcouv_eaje txcouv_am_ind", codes="geo_code",
    ),
    "cnaf_portal": table(
        "numdep|nomdep|annee|txcouv_dep|txcouv_eaje_dep", lambda n, code: f"{code[:2]}|Ain {n}|2023|{50 + n}.5|{n}.25",
        communes=("01004", "2A004", "21231", "25056", "39198"), counts="txcouv_dep txcouv_eaje_dep", codes="numdep",
    ),
    "cnaf_places": table(
        "numepci|nomepci|annee|pl_eaje_epci|tot_offre_epci",
        lambda n, _: f"{200010650 + n}|Été|2023|{n * 1100}|{n * 1900}.5",
        counts="pl_eaje_epci tot_offre_epci", codes="numepci",
    ),
    "cnaf_old": table(
        "NUM_COM;NUM_EPCI;TAUXCOUV_COMM;TAUXCOUV_EPCI;TAUXCOUV_DEP".replace(";", "|"),
        lambda n, code: f"{code}|{200010650 + n}|{50 + n}.5|{40 + n}.5|{60 + int(code[:2].replace('A', '0'))}.5",
        counts="TAUXCOUV_COMM TAUXCOUV_EPCI TAUXCOUV_DEP", codes="NUM_COM",
    ),
    "dares": table(
        "Date|Code département|Code commune|Type de données|Catégorie|Sexe|Tranche d'âge|Nombre de demandeurs d'emploi",
        lambda n, code: f"2024-T4|{code[:2]}|{code}|Brutes|ABC|Total|Total|{n * 1005}",
        counts="Nombre_de_demandeurs_d'emploi", codes="Code_commune", pinned=True,
    ),
    "dares_extract": table(
        "code_commune|effectifs_salaries_2025|demandeurs_emploi_abc_2024T4",
        lambda n, code: f"{code}|{n * 1001}|{n * 1005}",
        counts="effectifs_salaries_2025 demandeurs_emploi_abc_2024T4", codes="code_commune",
    ),
    "urssaf": table(
        "code_commune|intitule_commune|code_ape|effectifs_salaries_2024|effectifs_salaries_2023",
        lambda n, code: f"{code}|Été|{n:02d}11Z|{n * 1001}|{n * 990}",
        communes=tuple(code for code in COMMUNES for _ in range(2)),
        counts="effectifs_salaries_2024", codes="code_commune",
        parts=True, plain=True,
    ),
    "bmo": table(
        "annee|Code métier BMO|Nom métier BMO|Dept|BE25|NOMBE25|met|xmet",
        lambda n, _: f"2025|{('A0Z40', 'T4Z60')[n % 2]}|Métier, été|{39 + n // 8}|27{n % 8 // 2:02d}|DOLE|{n * 1010}|"
        f"{'*' if n == 5 else n * 10}",
        counts="met xmet", codes="BE25", parts=True,
    ),
    "siae": table(
        "id|siret|kind|name|brand|naf|address_line_1|post_code|city|department|longitude|latitude|geocoding_score",
        lambda n, code: f"{n}|{siret(n)}|{('EI', 'ACI', 'AI')[n % 3]}|LA COLLECTE {n}|Été, {n}|8899B|1 rue X|"
        f"{code[:2]}100|Dole|"
        f"{code[:2]}|{_lon(n)}|{_lat(n)}|0.8{n}",
        counts="geocoding_score", points="longitude latitude", codes="siret post_code",
    ),
    "emplois": table(
        "siret|type|raison_sociale|enseigne|addresse_ligne_1|addresse_ligne_2|code_postal|ville|departement|site_web|lon|lat|code_commune|geocoding_score|naf",
        lambda n, code: f"{siret(n)}|{('EI', 'ACI', 'AI')[n % 3]}|Été {n}||1 rue X||{code[:2]}100|Dole|{code[:2]}||"
        f"{_lon(n)}|{_lat(n)}|"
        f"{code}|0.8{n}|8899B",
        counts="geocoding_score", points="lon lat", codes="siret code_commune code_postal",
    ),
    "inclusion_structures": table(
        "source|id|nom|date_maj|siret|commune|code_postal|code_insee|adresse|longitude|latitude|reseaux_porteurs|site_web",
        lambda n, code: f"dora|dora--{n}|Été {n}|2026-05-02|{siret(n)}|Dole|{code[:2]}100|{code}|1 rue X|{_lon(n)}|"
        f"{_lat(n)}|['aci']|",
        points="longitude latitude", codes="siret code_insee", separator=",",
    ),
    "inclusion_services": table(
        "source|id|structure_id|nom|date_maj|thematiques|modes_accueil|code_insee|longitude|latitude",
        lambda n, code: f"dora|dora--{n}|dora--1|Été {n}|2026-05-02|['mobilite--acceder-a-un-vehicule']|"
        f"['en-presentiel']|{code}|"
        f"{_lon(n)}|{_lat(n)}",
        points="longitude latitude", codes="code_insee", separator=",",
    ),
    "bnlc": table(
        "id_lieu|id_local|nom_lieu|insee|type|date_maj|ouvert|Xlong|Ylat|nbre_pl",
        lambda n, code: f"{code}-C-001|L{n}|Aire {n}|{code}|Parking|2022-07-1{n % 3}|{'false' if n == 2 else 'true'}|"
        f"{_lon(n)}|{_lat(n)}|{n}",
        points="Xlong Ylat", codes="insee", separator=",",
    ),
    "sncf": table(
        "Nom|Trigramme|Segment(s) DRG|Position géographique|Code commune|Code(s) UIC",
        lambda n, code: f"Gare {n}|ABC|C|{_lat(n)}, {_lon(n)}|{code}|873137{n:02d}", codes="Code_commune",
    ),
    "france_services": table(
        "id_fs|lib_fs|adresse|insee_com|code_postal|latitude|longitude|format_fs",
        lambda n, code: f"{n}|France services {n}|5, rue\nHaute|{code}|{code[:2]}100|{_lat(n)}|{_lon(n)}|"
        f"{('Fixe', 'Bus')[n % 2]}",
        points="latitude longitude", codes="insee_com", separator=",",
    ),
    "pole_emploi": table(
        "REFERENCE_PE|NOM|TYPE_SITE|CODE_POSTAL|COMMUNE|DN_LATITUDE|DN_LONGITUDE",
        lambda n, code: f"BFC{n:04d}|DOLE {n}|{'DDA' if n == 4 else 'ALE'}|{code[:2]}100|DOLE|"
        f"{_lat(n).replace('.', ',')}|"
        f"{_lon(n).replace('.', ',')}",
        points="DN_LATITUDE DN_LONGITUDE", separator=",",
    ),
    "melodi_activity": _cube(
        "EMPSTA_ENQ", ("_T", "1T2", "2"), lambda n: f"{9000 - n * 101 - n % 3 * 1000 if n % 3 else 99000 + n}.5",
        AGE="Y15T64", SEX="_T", EDUC="_T", FREQ="A",
    ),
    "melodi_births": _cube("EC_MEASURE", ("LVB",), lambda n: f"{n * 1001}"),
    "melodi_income": _cube("FILOSOFI_MEASURE", ("MED_SL", "PR_MD60"), lambda n: f"{9 + n % 31}.5"),
    "melodi_bpe": _cube(
        "FACILITY_DOM FACILITY_SDOM FACILITY_TYPE", ("D/D5/D502", "D/D5/D509", "D/D5/_T"), lambda n: f"{n * 1001}",
        BPE_MEASURE="FACILITIES",
    ),
}  # fmt: skip


# File, and member of the zip; its separator, then what is told of its columns.
FILES: dict[str, tuple[str, dict]] = {
    "comparateur": (
        "insee/base_cc_comparateur_csv.zip",
        {"counts": "NAIS1318 MED19 TP6019 P18_EMPLT P18_POP1564 P18_CHOM1564 P18_ACT1564", "codes": "CODGEO"},
    ),
    "filosofi": ("insee/cc_filosofi_2021_COM.zip", {"counts": "MED21 TP6021", "codes": "CODGEO"}),
    "bpe": (
        "insee/bpe_ens_2019.parquet", {"counts": "NB_EQUIP", "codes": "DEPCOM DCIRIS", "parts": True},
    ),
    "activite": (
        "insee/xls/base-ic-activite-residents-2016-com-cIA.xls",
        {"counts": "P16_POP1564 P16_ACT1564 P16_CHOM1564", "codes": "IRIS COM", "parts": True},
    ),
    "familles": (
        "insee/xls/base-ic-couples-familles-menages-2016-com.xls",
        {"counts": "C16_FAM C16_FAMMONO", "codes": "IRIS COM", "parts": True},
    ),
    "structure": (
        "insee/xls/base-ic-evol-struct-pop-2016-com.xls",
        {"counts": "P16_POP P16_POP0002 P16_POP65P", "codes": "IRIS COM", "parts": True},
    ),
    "logement": (
        "insee/xls/base-ic-logement-2016-com.xls",
        {"counts": "P16_RP P16_RP_VOIT1P", "codes": "IRIS COM", "parts": True},
    ),
    "bmo": ("bmo/Base_open_data_BMO_2024.xlsx", {"counts": "met xmet", "codes": "BE24", "parts": True}),
    "cnaf": ("cnaf/cnaf_txcouv_pe_2023_extrait.csv", {"counts": "txcouv txcouv_eaje", "codes": "geo_code"}),
    "jura": (
        "dares_urssaf/jura39_defm2024_urssaf2025_communes.csv",
        {"counts": "effectifs_salaries_2025 demandeurs_emploi_abc_2024T4", "codes": "code_commune"},
    ),
    "siae": (
        "siae/siae_itou_2020-12.csv",
        {"counts": "geocoding_score", "points": "longitude latitude", "codes": "siret post_code", "separator": ","},
    ),
    "bnlc": ("mobilite/bnlc-.zip", {"points": "Xlong Ylat", "codes": "insee", "separator": ","}),
    "gares": ("mobilite/gares-de-voyageurs.csv", {"codes": "Code_commune"}),
    "france_services": (
        "ressources/liste-fs-20240801_sans_contacts.csv",
        {"points": "latitude longitude", "codes": "insee_com", "separator": ","},
    ),
    "agences": ("ressources/pole_emploi_agencies.csv", {"points": "DN_LATITUDE DN_LONGITUDE", "separator": ","}),
}  # fmt: skip


def cut(folder: Path, name: str, rows: int = ROWS) -> Sample:
    """Take rows throughout a real file, the last one too."""
    file, kinds = FILES[name]
    header, listed = _cells(folder / file, kinds.get("separator", ";"))
    step = max(1, len(listed) // rows)
    kept = listed[::step] + ([] if (len(listed) - 1) % step == 0 else [listed[-1]])
    names = {label.replace(" ", "_"): label for label in header}
    told = {kind: tuple(names[word] for word in kinds[kind].split()) for kind in LISTED & set(kinds)}
    return Sample(tuple(header), tuple(map(tuple, kept)), **{**kinds, **told})


def _cells(path: Path, separator: str) -> tuple[list[str], list[list[str]]]:
    """Read a file without the code under test, where there is a way: spreadsheets are read as text by it."""
    if path.suffix in {".csv", ".zip"}:
        lines = list(csv.reader(io.StringIO(_text(path), newline=""), delimiter=separator))
        return lines[0], lines[1:]
    if path.suffix == ".parquet":
        frame = pq.read_table(path).to_pandas()
        frame = frame.iloc[:: max(1, len(frame) // ROWS)].copy()
        whole = frame.select_dtypes("float").columns
        frame[whole] = frame[whole].astype("int64")
    else:
        frame = max((text for _, text in read_texts(path)), key=len)
    return list(frame.columns), frame.astype("str").to_numpy().tolist()


def _text(path: Path) -> str:
    if path.suffix == ".csv":
        return path.read_bytes().decode("utf-8-sig")
    with zipfile.ZipFile(path) as archive:
        name = next(name for name in archive.namelist() if not name.startswith("meta"))
        return archive.read(name).decode("utf-8-sig")
