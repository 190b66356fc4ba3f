"""A made-up diagnostic: thirty squares near Dole, five needs, structures of every kind, a few unknowns."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo import access
from territoire_geo.columns import KINDS, SIAE_KINDS
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import ApproximateTravelWarning
from territoire_geo.inventory import Inventory
from territoire_geo.measures import Measure, Polarity
from territoire_geo.needs import NEEDS
from territoire_geo.neighbours import contiguity
from territoire_geo.priorities import prioritise
from territoire_geo.tables import Note, Source
from territoire_geo.territory import Territory

COLUMNS, ROWS, SIDE = 6, 5, 3000.0
WEST, SOUTH = 881_000.0, 6_660_000.0
EMPTY = Inventory(*[pd.DataFrame() for _ in range(6)])
LEVELS = ("declared", "likely", "probable", "unknown", "no")
CENSUS = Source("census", "Recensement de la population", "Insee", millesime="RP 2018", licence="Licence Ouverte 2.0")
SIAE = Source("siae", "Structures de l'IAE", "Plateforme de l'inclusion", millesime="décembre 2020")
JOBSEEKERS = Source("dares", "Demandeurs d'emploi par commune", "Dares", millesime="2024-T4")


def territory(names=None, name="Pays d'essai"):
    """Thirty communes, 39001 to 39030: the inner twelve are the core."""
    cells = [(column, row) for row in range(ROWS) for column in range(COLUMNS)]
    codes = pd.Index([f"39{rank + 1:03d}" for rank in range(len(cells))], name="code_commune")
    boxes = [
        shapely.box(WEST + c * SIDE, SOUTH + r * SIDE, WEST + (c + 1) * SIDE, SOUTH + (r + 1) * SIDE) for c, r in cells
    ]
    core = [0 < column < COLUMNS - 1 and 0 < row < ROWS - 1 for column, row in cells]
    communes = gpd.GeoDataFrame(
        {
            "nom_commune": [f"Commune {code}" for code in codes],
            "code_epci": ["200010650" if inside else "243900000" for inside in core],
            "code_departement": ["39" if column < 4 else "21" for column, _ in cells],
            "code_region": "27",
            "population": [100.0 * (rank + 1) for rank in range(len(cells))],
            "in_core": core,
            "area_km2": 9.0,
        },
        index=codes,
        geometry=boxes,
        crs=2154,
    )
    communes["point"] = communes.geometry.centroid
    for code, given in (names or {}).items():
        communes.loc[code, "nom_commune"] = given
    return Territory(name, communes, code="200010650", buffer_km=20.0)


def coverage(core, needs, withheld):
    """Unmet shares from 0 to 100 %, a commune without demand, and what is withheld."""
    rows = {}
    for position, need in enumerate(needs):
        for rank, code in enumerate(core):
            demand = 0.0 if rank == 7 and position == 1 else 40.0 + 10 * rank
            share = ((rank + 3 * position) % len(core)) / (len(core) - 1)
            unmet = demand * share
            rows[code, need.id] = {
                "demand": demand,
                "access": 0.4 * (1 - share),
                "target": 0.4,
                "unmet_people": unmet,
                "unmet_units": 0.4 * unmet,
                "served": demand - unmet,
                "saturated": unmet,
                "out_of_reach": 0.0,
                "reachable": True,
                "known_share": 0.9 if rank == 2 else 1.0,
                "low": 0.8 * unmet,
                "high": min(demand, 1.2 * unmet),
            }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis(["code_commune", "need"])
    for code, need in withheld:
        kept = ["demand", "reachable"] if (code, need) == withheld[0] else ["reachable"]
        frame.loc[(code, need), frame.columns.difference(kept)] = np.nan
    return frame


def structures(area, needs, names=()):
    """One structure of each kind in the core, two at one place, one without a place."""
    kinds = [*KINDS, "ACI", "AI"]
    points = list(area.points[area.core].iloc[: len(kinds)])
    points[7] = points[1]
    points[8] = None
    given = [*names, *(f"Structure {rank}" for rank in range(len(names), len(kinds)))]
    frame = gpd.GeoDataFrame(
        {
            "siret": [f"{rank:014d}" for rank in range(len(kinds))],
            "kind": kinds,
            "name": given,
            "naf": ["8891A", "", "3832Z", "8899B", "7820Z", "", "8810C", "8899B", "7830Z"],
            "is_siae": [kind in SIAE_KINDS for kind in kinds],
            "address": "1 rue de l'Église",
            "post_code": "39100",
            "city": "Dole",
            "website": ["https://example.org/", "javascript:alert(1)", *[""] * 7],
            "geocoding_score": [0.95, 0.4, *[0.9] * 7],
        },
        geometry=points,
        crs=2154,
    ).set_index(["siret", "kind"])
    for position, need in enumerate(needs):
        frame[need.id] = [LEVELS[(rank + position) % len(LEVELS)] for rank in range(len(frame))]
        frame[f"people_{need.id}"] = [3.0, 12.0, np.nan, 1234.0, 0.0, 40.0, 50.0, 60.0, np.nan]
    return frame


def facilities(area, name="Gare d'essai"):
    """A station and its neighbour at places of their own, and what is known of a commune only."""
    core, points = area.core, area.points
    kept = [
        ("places/gare", "gare", "Gare de voyageurs", "Passenger station", name, np.nan, "", False, core[0]),
        (
            "places/covoiturage",
            "covoiturage",
            "Aire de covoiturage",
            "Car-pooling area",
            "",
            np.nan,
            "",
            False,
            core[1],
        ),
        ("facilities/creche", "D502", "Crèche (EAJE)", "Crèche (EAJE)", "", 2.0, "équipements", True, core[4]),
        ("facilities/ehpad", "500", "EHPAD", "Nursing home (EHPAD)", "Les Ormes", 60.0, "places", False, core[5]),
        ("facilities/ehpad2", "500", "EHPAD", "Nursing home (EHPAD)", "", np.nan, "places", True, core[5]),
    ]
    columns = ["id", "type", "label", "label_en", "name", "amount", "amount_unit", "approximate", "code_commune"]
    frame = pd.DataFrame(kept, columns=columns).set_index("id")
    shift = [0.0 if approximate else 400.0 for approximate in frame["approximate"]]
    at = gpd.GeoSeries(points.reindex(frame["code_commune"]).to_numpy(), index=frame.index, crs=2154)
    return gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(at.x + shift, at.y), crs=2154)


def trips(area, found):
    """Straight lines at 50 km/h, with a detour of 1.3, within 30 minutes, the nearest first."""
    keys = found.index[found.geometry.notna()]
    sites = gpd.GeoSeries(found.geometry[found.geometry.notna()].to_numpy(), index=map(str, range(len(keys))), crs=2154)
    minutes = access.travel_minutes(area.points, sites, max_minutes=30).reset_index()
    minutes["row"] = minutes["destination"].astype(int)
    minutes = minutes.sort_values(["origin", "minutes", "row"])
    rows = keys[minutes["row"]]
    levels = [minutes["origin"], rows.get_level_values(0), rows.get_level_values(1)]
    index = pd.MultiIndex.from_arrays(levels, names=["code_commune", "siret", "kind"])
    return pd.Series(minutes["minutes"].to_numpy(), index=index, name="minutes")


def definitions(label):
    """Three measures: known everywhere, known in part, and one whose low values are the need."""
    common = {"numerator": lambda inputs: inputs.column("activity.emplois")}
    return {
        "chomage": Measure(
            "chomage", label, "Unemployment", "%", Polarity.MORE_NEED,
            ("activity.chomeurs_15_64",), "100 × a / b", **common,
        ),
        "demandeurs": Measure(
            "demandeurs", "Demandeurs d'emploi", "Jobseekers", "%", Polarity.MORE_NEED,
            ("jobseekers.demandeurs_emploi_abc",), "100 × a / b", **common,
        ),
        "niveau_vie": Measure(
            "niveau_vie", "Niveau de vie médian", "Median income", "€ par an", Polarity.LESS_NEED,
            ("activity.emplois",), "médiane", additive=False, **common,
        ),
    }  # fmt: skip


def make_diagnostic(*, names=None, structure_names=(), words=None, needs=NEEDS):
    """
    Build the diagnostic.

    `names` renames communes by code, `structure_names` the first structures. `words` may change the name of the
    `territory`, the label of a `measure`, that of the first `need`, and the `reason` why the first core commune has no
    figure for the second need, and the name of the first `facility`.
    """
    said = {
        "territory": "Pays d'essai",
        "measure": "Chômage",
        "need": None,
        "reason": "secret",
        "facility": "Gare d'essai",
    } | (words or {})
    if said["need"] is not None:
        needs = (replace(needs[0], label=said["need"], unmet=said["need"]), *needs[1:])
    area = territory(names, said["territory"])
    core, everything = area.core, area.communes.index
    withheld = [(core[0], needs[1].id), (core[1], needs[2].id)]
    found = structures(area, needs, structure_names)
    rank = np.arange(len(everything), dtype=float)
    figures = pd.DataFrame(
        {
            "chomage": 5 + 0.37 * rank,
            "demandeurs": pd.Series(4 + 0.5 * rank).where(np.isin(everything, core)).to_numpy(),
            "niveau_vie": 18_000 + 137 * rank,
        },
        index=everything,
    )
    figures.loc[core[3], "niveau_vie"] = np.nan
    keys = pd.MultiIndex.from_product([core, [need.id for need in needs]], names=["code_commune", "need"])
    reach = pd.DataFrame(dict.fromkeys(KINDS, 1.0), index=keys)
    reach["siae"] = 5.0
    reach["answering"] = [float(position % 6) for position in range(len(keys))]
    reach["nearest_minutes"] = [np.nan if position % 6 == 0 else 4.0 + position % 20 for position in range(len(keys))]
    totals = pd.Series({"chomage": 9.3, "demandeurs": 8.1, "niveau_vie": np.nan})
    table = coverage(core, needs, withheld)
    sums = table["unmet_people"].groupby("need").sum()
    scenarios = pd.concat({"court": 0.7 * sums, "long": 1.4 * sums}, names=["scenario"]).to_frame("unmet_people")
    return Diagnostic(
        territory=area,
        needs=needs,
        definitions=definitions(said["measure"]),
        measures=figures.loc[core],
        context=figures.drop(core),
        coverage=table,
        absences=pd.Series(
            [said["reason"], "non publié", "secret"],
            index=pd.MultiIndex.from_tuples([*withheld, (core[3], "niveau_vie")], names=["code_commune", "item"]),
        ),
        structures=found,
        reach=reach,
        trips=trips(area, found),
        facilities=facilities(area, said["facility"]),
        inventory=EMPTY,
        commuting=None,
        scenarios=scenarios.swaplevel().sort_index(),
        targets=pd.DataFrame(
            {"label": "moyenne du Jura", "label_en": "average of Jura", "value": 0.4}, index=[need.id for need in needs]
        ).rename_axis("need"),
        sensitivity=pd.DataFrame({"worst": False, "kept": 0.2}, index=table.index),
        inequality=pd.DataFrame({"below": 0.5, "gini": 0.3}, index=[need.id for need in needs]),
        conservation=pd.DataFrame({"supply": 10.0, "reached": 10.0}, index=[need.id for need in needs]),
        indicators=pd.DataFrame({"state": "", "known_share": 1.0, "fragile": 0.0}, index=list(totals.index)),
        totals=totals,
        references=0.9 * totals,
        standings=pd.DataFrame(),
        contributions=pd.DataFrame(),
        ranking=prioritise(table, {"ensemble": {need.id: 1.0 for need in needs}}, contiguity(area.communes.geometry)),
        proposals=[],
        sources=(CENSUS, SIAE, JOBSEEKERS),
        table_sources={
            "population": (CENSUS,), "activity": (CENSUS,), "cars": (CENSUS,), "births": (CENSUS,),
            "structures": (SIAE,), "jobseekers": (JOBSEEKERS,),
        },
        warnings=(Note(ApproximateTravelWarning, "Temps à vol d'oiseau.", "Straight-line times."),),
        settings={"speed_kmh": 50, "detour": 1.3, "reach": {need.id: need.reach for need in needs}},
    )  # fmt: skip
