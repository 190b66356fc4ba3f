"""
Producers for tests: servers that answer as the contracts say, with figures invented from the population of communes.

A figure is a share of the population, so that any area adds up and any test can work out what it must be. Everything is
served by one loopback server, under one prefix by service: `bases(server)` gives the door their addresses.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from _loopback import Reply, Request, json_reply
from _portal import portal
from _workbook import workbook
from territoire_geo.loaders import SOURCES, _base
from territoire_geo.loaders.melodi_cubes import CUBES

SHARES = {
    "insee_population_age": {"_T": 1.0, "Y_LT20": 0.25, "Y20T64": 0.5, "Y65T79": 0.15, "Y_GE80": 0.1},
    "insee_activite": {"_T": 0.6, "1T2": 0.45, "2": 0.05},
    "insee_emplois": {"_T": 0.4},
    "insee_voitures": {"_T": 0.48, "C_GE1": 0.4, "C_GE2": 0.1},
    "insee_naissances": {"LVB": 0.01},
    "insee_familles": {"_T": 0.3, "1": 0.05},
    "insee_navettes": {
        ("_T", "_T"): 0.42, ("_T", "10"): 0.12, ("5", "_T"): 0.3, ("6", "_T"): 0.05, ("3", "_T"): 0.02,
        ("2", "_T"): 0.03,
    },
}  # fmt: skip
FACILITIES = {"D502": 2000, "D402": 5000, "E108": 8000}  # one for as many people
PERIODS = {source.id: source.period.split() for source in SOURCES}


def bases(url: str) -> dict[str, str]:
    """Give each service its address on the loopback server."""
    return {source.service.id: f"{url}/{source.service.id}" for source in SOURCES}


class France:
    """The communes of some départements, and the largest of each other one, as if they were all of France."""

    def __init__(self, departements: tuple[str, ...]):
        base = _base.communes()
        base = base[base["epsg"].notna() & (base["code_departement"] != "976")]  # nobody publishes Mayotte here
        largest = base.groupby("code_departement")["population"].idxmax()
        kept = base[base["code_departement"].isin(departements) | base.index.isin(largest)]
        parts = [
            gpd.GeoSeries(gpd.points_from_xy(part["x"], part["y"]), index=part.index, crs=int(epsg)).to_crs(4326)
            for epsg, part in kept.groupby("epsg")
        ]
        points = gpd.GeoSeries(pd.concat(parts)).reindex(kept.index)
        self.communes = kept.assign(population=kept["population"].astype("float64"), lon=points.x, lat=points.y)
        self.departements = tuple(sorted(kept["code_departement"].unique()))

    def areas(self, geo: str) -> Iterator[tuple[str, str, float]]:
        """List level, code and population of what a GEO asks for."""
        people = self.communes["population"]
        if match := re.fullmatch(r"DEP-(\w+)\*COM", geo):
            for code, count in people[self.communes["code_departement"] == match.group(1)].items():
                yield "COM", code, count
        elif geo.startswith("FRANCE"):
            yield "FRANCE", geo.removeprefix("FRANCE-"), people.sum()
        else:
            level, code = geo.split("-", 1)
            column = {"DEP": "code_departement", "REG": "code_region", "EPCI": "code_epci"}[level]
            inside = people[self.communes[column] == code]
            if len(inside):
                yield level, code, inside.sum()

    def every_area(self) -> list[tuple[str, str, float]]:
        """List all the areas of a national file, levels mixed as published."""
        out = [area for code in self.departements for area in self.areas(f"DEP-{code}*COM")]
        for level, column in (("DEP", "code_departement"), ("REG", "code_region"), ("EPCI", "code_epci")):
            out += [area for code in self.communes[column].dropna().unique() for area in self.areas(f"{level}-{code}")]
        return [*out, *self.areas("FRANCE-F")]


def cells(source: str, level: str, people: float) -> Iterator[tuple[dict[str, str], float | None]]:
    """List the varying codes of an observation and its value; None is secret."""
    cube = next(cube for cube in CUBES if cube.source == source)
    if source == "insee_bpe":
        for code, each in FACILITIES.items():
            if people >= each:
                yield {"FACILITY_DOM": code[0], "FACILITY_SDOM": code[:2], "FACILITY_TYPE": code}, people // each
        yield {"FACILITY_DOM": "_T", "FACILITY_SDOM": "_T", "FACILITY_TYPE": "_T"}, 10.0
    elif source == "insee_filosofi":
        yield {"FILOSOFI_MEASURE": "MED_SL"}, 21_000.0 if people > 1000 else None
        yield {"FILOSOFI_MEASURE": "PR_MD60"}, 15.0 if people > 1000 else None
    else:
        for codes, share in SHARES[source].items():
            named = (codes,) if isinstance(codes, str) else codes
            yield dict(zip(cube.vary, named, strict=True)), people * share
    _ = level


def observations(source: str, areas: list[tuple[str, str, float]]) -> list[dict[str, str]]:
    """List the observations of a cube as rows: dimensions, place, year, value."""
    cube = next(cube for cube in CUBES if cube.source == source)
    return [
        {**cube.pins, **codes, "GEO_OBJECT": level, "GEO": code, "TIME_PERIOD": year, "value": value}
        for level, code, people in areas
        for codes, value in cells(source, level, people)
        for year in PERIODS[source]
    ]


def melodi(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve the cubes: their data around places, their catalogue and their national files."""
    routes = {}
    for cube in CUBES:
        routes[f"/melodi/data/{cube.dataset}"] = _data(france, cube.source)
        file = f"file/{cube.dataset}/{cube.dataset}_{PERIODS[cube.source][-1]}_CSV_FR"
        product = {"id": "x", "format": "CSV", "language": "fr", "accessURL": f"https://api.insee.fr/melodi/{file}"}
        routes[f"/melodi/catalog/{cube.dataset}"] = lambda _request, product=product: json_reply({"product": [product]})
        routes[f"/melodi/{file}"] = _file(france, cube.source, cube.dataset)
    return routes


def _data(france: France, source: str) -> Callable[[Request], Reply]:
    def answer(request: Request) -> Reply:
        asked = [area for name, geo in request.params if name == "GEO" for area in france.areas(unquote(geo))]
        out = []
        for row in observations(source, asked):
            value = row.pop("value")
            level, code = row.pop("GEO_OBJECT"), row.pop("GEO")
            year = _base.GEOGRAPHY.cog_year if source != "insee_filosofi" else 2025
            dims = {**row, "GEO": f"{year}-{level}-{code}"}
            measure = {} if value is None else {"value": value}
            out.append({"dimensions": dims, "measures": {"OBS_VALUE_NIVEAU": measure}})
        return json_reply({"observations": out, "paging": {"first": "x", "isLast": True, "count": len(out)}})

    return answer


def _file(france: France, source: str, dataset: str) -> Callable[[Request], Reply]:
    def answer(_request: Request) -> Reply:
        frame = pd.DataFrame(observations(source, france.every_area()))
        secret = frame["value"].isna()
        frame = frame.assign(CONF_STATUS=secret.map({True: "C", False: "F"}), OBS_VALUE=frame.pop("value"))
        text = frame.to_csv(sep=";", index=False, quoting=1)
        return packed({f"{dataset}_data.csv": text, f"{dataset}_metadata.csv": '"COD_VAR";"LIB_VAR"\n'})

    return answer


def packed(members: dict[str, str]) -> Reply:
    """Zip texts."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return Reply(body=stream.getvalue(), content_type="application/octet-stream")


def csv(frame: pd.DataFrame) -> Reply:
    """Write a CSV as the portals do: semicolons, UTF-8 with BOM."""
    return Reply(body="\ufeff" + frame.to_csv(sep=";", index=False), content_type="text/csv; charset=utf-8")


def people_of(france: France, share: float) -> pd.DataFrame:
    """One row by commune: its code, its département, and a share of its population rounded to 5."""
    count = (france.communes["population"] * share / 5).round() * 5
    return pd.DataFrame(
        {
            "code_commune": france.communes.index,
            "code_departement": france.communes["code_departement"],
            "count": count.astype("int"),
        }
    ).reset_index(drop=True)


def caf(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve the rates of Cnaf at five scales, and the places by EPCI."""
    detail = {"txcouv_eaje": 20.0, "txcouv_am_ind": 30.0, "txcouv_prescol": 4.0, "txcouv_gad_ind": 3.0, "txcouv": 57.0}
    large = france.communes[france.communes["population"] > 10_000].index
    keys = {
        "epci": ("numepci", france.communes["code_epci"].dropna().unique()),
        "com": ("numcom", large),
        "dep": ("numdep", france.departements),
        "reg": ("numregi", france.communes["code_region"].unique()),
    }
    routes = {}
    for scale, (field, codes) in keys.items():
        rows = [{"annee": "2023", field: code} | {f"{n}_{scale}": v for n, v in detail.items()} for code in codes]
        if scale == "com":
            rows = [row | {"numdep": row["numcom"][:2]} for row in rows]
        routes[f"/caf/txcouv_pe_{scale}/exports/csv"] = portal(rows)
    nation = {"annee": "2023-01-01", "txcouv_nat": 60.9, "txcouv_eaje_nat": 23.5, "txcouv_am_nat": 31.9}
    routes["/caf/txcouv_pe_nat/exports/csv"] = portal([nation])
    places = [{"annee": "2023", "numepci": code, "pl_eaje_epci": 40, "tot_offre_epci": 100} for code in keys["epci"][1]]
    routes["/caf/nbpla_pe_epci/exports/csv"] = portal(places)
    return routes


def dares(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve registered jobseekers, the total and a detail that must not be added to it."""
    rows = people_of(france, 0.07).rename(columns={"count": "nombre_de_demandeurs_d_emploi"})
    pins = {"date": "2024-T4", "type_de_donnees": "Brutes", "categorie": "ABC", "tranche_d_age": "Total"}
    both = pd.concat([rows.assign(sexe="Total", **pins), rows.assign(sexe="Femmes", **pins)])
    return {"/dares/dares_defm_communales-brutes/exports/csv": portal(both)}


def urssaf(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve employees by commune and APE."""
    rows = people_of(france, 0.2).rename(columns={"count": "effectifs_salaries_2025"})
    path = "etablissements-et-effectifs-salaries-au-niveau-commune-x-ape-last"
    both = pd.concat([rows.assign(code_ape="4711F"), rows.assign(code_ape="6201Z")])
    return {f"/urssaf/{path}/exports/csv": portal(both)}


def insee_files(france: France) -> dict[str, Reply]:
    """Serve the files of insee.fr: flows, bases of the census, and the stand-ins (comparateur, facilities)."""
    people = france.communes["population"]
    flows = pd.DataFrame({"CODGEO": people.index, "LIBGEO": "x", "DCLT": people.index, "L_DCLT": "x"})
    flows = flows.assign(NBFLUX_C22_ACTOCC15P=(people * 0.3).to_numpy())
    whole = pd.DataFrame({"CODGEO": people.index}).assign(
        P22_POP=people.to_numpy(), P22_POP1564=(people * 0.6).to_numpy(), P22_ACT1564=(people * 0.44).to_numpy(),
        P22_CHOM1564=(people * 0.04).to_numpy(), P22_EMPLT=(people * 0.39).to_numpy(),
        NAIS1621=(people * 0.06).round().to_numpy(), MED21="21000", TP6021="s",
    )  # fmt: skip
    bases = {
        # The file of dwellings, which also stands in for the cube of cars.
        "insee_logements": {
            "P22_LOG": 0.55, "P22_LOGVAC": 0.05, "P22_RP": 0.47, "P22_RP_LOCHLMV": 0.06, "P22_RP_VOIT1P": 0.39,
        },
        "insee_menages": {"P22_POP80P": 0.06, "P22_POP80P_PSEUL": 0.03},
        "insee_conditions_emploi": {
            "P22_SAL15P": 0.36, "P22_SAL15P_CDD": 0.04, "P22_SAL15P_INTERIM": 0.02, "P22_SAL15P_EMPAID": 0.01,
        },
        "insee_emploi_par_sexe": {
            "P22_F2554": 0.19, "P22_FACTOCC2554": 0.15, "P22_H2554": 0.19, "P22_HACTOCC2554": 0.16, "P22_ACT1564": 0.44,
            "P22_CHOM1564": 0.04,
        },
        "insee_diplomes": {"P22_NSCOL15P": 0.7, "P22_NSCOL15P_DIPLMIN": 0.15, "P22_NSCOL15P_BEPC": 0.05},
    }  # fmt: skip
    paths = {source.id: source.path for source in SOURCES}
    detail = {
        f"/insee/{paths[source]}": packed(
            {"base-cc.CSV": pd.DataFrame({name: people * share for name, share in shares.items()})
             .rename_axis("CODGEO").to_csv(sep=";")}
        )
        for source, shares in bases.items()
    }  # fmt: skip
    return detail | {
        f"/insee/{paths['insee_flux']}": packed({"base-flux.csv": flows.to_csv(sep=";", index=False)}),
        f"/insee/{paths['insee_comparateur']}": packed(
            {"base_cc_comparateur.CSV": whole.to_csv(sep=";", index=False, lineterminator="\r\n")}
        ),
    }


def structures(france: France) -> list[dict[str, object]]:
    """Two structures in each commune of more than 3,000 people: an AI and an ACI."""
    large = france.communes[france.communes["population"] > 3000]
    out = []
    for number, (code, row) in enumerate(large.iterrows()):
        for rank, kind in enumerate(("AI", "ACI")):
            out.append(
                {
                    "id": f"{code}-{kind}", "siret": f"{number:012d}{rank:02d}", "type": kind,
                    "raison_sociale": f"{kind} {row['nom_commune']}", "enseigne": "", "site_web": "https://example.org",
                    "addresse_ligne_1": "1 rue de la Gare", "addresse_ligne_2": "", "telephone": "0384000000",
                    "courriel": "prenom.nom@example.net", "description": "", "bloque_candidatures": False,
                    "code_postal": row["codes_postaux"][0], "ville": row["nom_commune"],
                    "departement": row["code_departement"], "mis_a_jour_le": "2026-05-02T09:00:00+02:00",
                    "cree_le": "2021-03-01T10:00:00+01:00", "postes": [], "code_commune": code,
                }
            )  # fmt: skip
    return out


def emplois(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve the structures of a département, by pages."""
    listed = structures(france)

    def answer(request: Request) -> Reply:
        here = [row for row in listed if row["departement"] == request.param("departement")]
        page, size = int(request.param("page")), int(request.param("page_size"))
        part, rest = here[(page - 1) * size : page * size], here[page * size :]
        link = f"http://elsewhere.invalid/siaes/?page={page + 1}"
        return json_reply({"count": len(here), "next": link if rest else None, "previous": None, "results": part})

    return {"/emplois/siaes/": answer}


def recherche(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve the activity of the structures of a département: home help for the AI, green spaces for the ACI."""
    codes = {"AI": "88.10A", "ACI": "81.30Z"}
    listed = structures(france)

    def answer(request: Request) -> Reply:
        here = [row for row in listed if row["departement"] == request.param("departement")]
        page, size = int(request.param("page")), int(request.param("per_page"))
        units = [
            {
                "siren": row["siret"][:9], "nom_complet": row["raison_sociale"], "activite_principale": "94.99Z",
                "siege": {}, "matching_etablissements": [
                    {"siret": row["siret"], "activite_principale": codes[row["type"]], "etat_administratif": "A"}
                ],
            }
            for row in here[(page - 1) * size : page * size]
        ]  # fmt: skip
        total = {"total_results": len(here), "page": page, "per_page": size, "total_pages": -(-len(here) // size)}
        return json_reply({"results": units} | total)

    return {"/recherche_entreprises/search": answer}


def datagouv(france: France) -> dict[str, Reply]:
    """Serve the open files of data.gouv.fr: data.inclusion, carpool places, France services."""
    paths = {source.id: source.path for source in SOURCES}
    open_structures = [
        {
            "source": "emplois-de-linclusion", "id": f"emplois-de-linclusion--{row['id']}",
            "nom": row["raison_sociale"], "date_maj": "2026-05-02", "siret": row["siret"],
            "code_insee": row["code_commune"], "longitude": france.communes.at[row["code_commune"], "lon"],
            "latitude": france.communes.at[row["code_commune"], "lat"],
            "reseaux_porteurs": None, "commune": row["ville"], "code_postal": row["code_postal"],
            "adresse": None, "site_web": None,
        }
        for row in structures(france)
    ]  # fmt: skip
    services = [
        {
            "source": "dora", "id": f"dora--{row['id']}", "structure_id": "x", "nom": f"Mobilité {row['ville']}",
            "date_maj": "2026-05-02", "thematiques": ["mobilite--acceder-a-un-vehicule"],
            "code_insee": row["code_commune"], "modes_accueil": ["en-presentiel"], "commune": row["ville"],
            "code_postal": row["code_postal"], "longitude": None, "latitude": None,
        }
        for row in structures(france)
    ]  # fmt: skip
    towns = france.communes[france.communes["population"] > 3000]
    lon, lat = towns["lon"].to_numpy(), towns["lat"].to_numpy()
    carpool = pd.DataFrame({"id_lieu": towns.index + "-C-001", "nom_lieu": "Aire", "insee": towns.index})
    carpool = carpool.assign(Xlong=lon, Ylat=lat, ouvert="true", date_maj="2026-05-02")
    fs = pd.DataFrame({"id_fs": towns.index, "lib_fs": "France services", "insee_com": towns.index})
    fs = fs.assign(latitude=lat, longitude=lon, format_fs="Fixe")
    return {
        f"/datagouv/{paths['data_inclusion_structures']}": parquet(open_structures),
        f"/datagouv/{paths['data_inclusion_services']}": parquet(services),
        f"/datagouv/{paths['bnlc']}": Reply(body=carpool.to_csv(index=False), content_type="text/csv"),
        f"/datagouv/{paths['france_services']}": Reply(body=fs.to_csv(index=False), content_type="text/csv"),
    }


def parquet(rows: list[dict[str, object]]) -> Reply:
    """Write records as data.inclusion does: text, floats, and lists of text."""
    kinds = {name: pa.list_(pa.string()) for name in ("reseaux_porteurs", "thematiques", "modes_accueil")}
    kinds |= dict.fromkeys(("longitude", "latitude"), pa.float64())
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema), sink)
    return Reply(body=sink.getvalue().to_pybytes(), content_type="application/octet-stream")


def sncf(france: France) -> dict[str, Callable[[Request], Reply]]:
    """Serve one station in each commune of more than 8,000 people."""
    towns = france.communes[france.communes["population"] > 8000]
    where = towns["lat"].astype("str") + ", " + towns["lon"].astype("str")
    rows = pd.DataFrame({"nom": towns["nom_commune"], "codeinsee": towns.index, "position_geographique": where})
    return {"/sncf/gares-de-voyageurs/exports/csv": portal(rows.assign(codes_uic="87" + towns.index, segment_drg="C"))}


def bmo() -> dict[str, Reply]:
    """Serve the workbook of hiring projects."""
    cells = [
        ["annee", "Code métier BMO", "BE25", "NOMBE25", "met", "xmet", "Dept"],
        [2025, "A0Z40", "2701", "DOLE", 120, "*", "39"],
        [2025, "T4Z60", "2701", "DOLE", 40, 30, "39"],
    ]
    path = next(source.path for source in SOURCES if source.id == "bmo")
    return {f"/france_travail/{path}": Reply(body=workbook({"BMO_2025_open_data": cells}))}


def routes(france: France) -> dict[str, object]:
    """Every producer, each under the id of its service."""
    return {
        **melodi(france), **insee_files(france), **caf(france), **dares(france), **urssaf(france), **emplois(france),
        **recherche(france), **datagouv(france), **sncf(france), **bmo(),
    }  # fmt: skip
