"""Four communes on a line, 0, 4, 12 and 40 km: A and B are the core, C is near, D is far. Every figure by hand.

Car (straight line × 1.3 at 50 km/h): 1.56 min per km; A-B 6.24, B-C 12.48, A-C 18.72, D beyond 30 min of all.
Bicycle: 4 min per km; A-B 16, the others beyond 20. A trip inside a commune is 1 km long: 1.56 min, 4 min.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo.tables import Tables
from territoire_geo.territory import Territory

A, B, C, D = CODES = ("39001", "39002", "39003", "39004")
KM = (0.0, 4.0, 12.0, 40.0)
WEST, SOUTH = 890_000.0, 6_650_000.0
CITY, FAR = "200000001", "200000002"  # EPCI: A, B, C; D


def territory(core=(A, B), buffer_km=40.0):
    index = pd.Index(CODES, name="code_commune")
    points = [shapely.Point(WEST + 1000 * km, SOUTH) for km in KM]
    communes = gpd.GeoDataFrame(
        {
            "nom_commune": ["Aa", "Bb", "Cc", "Dd"],
            "code_epci": [CITY, CITY, CITY, FAR],
            "code_departement": "39",
            "code_region": "27",
            "population": [1000.0, 500.0, 300.0, 200.0],
            "in_core": index.isin(core),
            "area_km2": 4 * np.pi,
            "point": points,
        },
        index=index,
        geometry=[point.buffer(1500) for point in points],
        crs=2154,
    )
    return Territory("Pays d'essai", communes, code="39001", buffer_km=buffer_km)


def lonlat(km):
    """Longitude and latitude of a point of the line."""
    point = gpd.GeoSeries([shapely.Point(WEST + 1000 * km, SOUTH)], crs=2154).to_crs(4326).iloc[0]
    return point.x, point.y


def by_commune(**columns):
    return pd.DataFrame(columns, index=pd.Index(CODES, name="code_commune"), dtype="float64")


def structures(*rows):
    """Give (siret, kind, naf, km or commune code or None)."""
    found = []
    for siret, kind, naf, place in rows:
        lon, lat = lonlat(place) if isinstance(place, float) else (np.nan, np.nan)
        commune = place if isinstance(place, str) else np.nan
        found.append((siret, kind, f"Structure {siret}", naf, lon, lat, commune))
    names = ["siret", "kind", "name", "naf", "lon", "lat", "code_commune"]
    frame = pd.DataFrame(found, columns=names).astype({"code_commune": "str", "naf": "str"})
    return frame.set_index(["siret", "kind"])


def facilities(*rows):
    """Give (code_equipement, commune code, number)."""
    frame = pd.DataFrame(rows, columns=["code_equipement", "code_commune", "nombre"])
    return frame.assign(id=[f"f{rank}" for rank in range(len(rows))]).set_index("id")


def rates(**taux):
    """Give level_code=(taux, taux_eaje), places per 100 children."""
    keys = pd.MultiIndex.from_tuples([tuple(key.split("_")) for key in taux], names=["niveau", "code"])
    return pd.DataFrame(list(taux.values()), index=keys, columns=["taux", "taux_eaje"], dtype="float64")


def references(**counts):
    """Give the row of the département 39."""
    key = pd.MultiIndex.from_tuples([("DEP", "39")], names=["niveau", "code"])
    return pd.DataFrame({"nom": ["Jura"]} | {name: [float(value)] for name, value in counts.items()}, index=key)


def tables(**changes):
    """Give every table of the worked example; `changes` replaces or withdraws some."""
    base = {
        "population": by_commune(population=[1000, 500, 300, 200], pop_65_plus=[200, 100, 60, 40]),
        "activity": by_commune(
            actifs_15_64=[400, 200, 100, 80], chomeurs_15_64=[40, 20, 10, 8], emplois=[500, 20, 300, 10]
        ),
        "births": by_commune(naissances=[50, 25, 10, 10], annees=[5, 5, 5, 5]),
        "cars": by_commune(menages=[450, 200, 100, 50], menages_voiture=[360, 190, 100, 40]),
        "childcare_rates": rates(**{f"EPCI_{CITY}": (60, 20), "DEP_39": (50, 10), "FR_FR": (80, 30)}),
        "facilities": facilities(("D502", A, 2.0), ("D502", C, 1.0), ("A122", B, 5.0)),
        "structures": structures(
            ("1", "ACI", "88.99B", 0.0), ("2", "AI", "7820Z", B), ("3", "GEIQ", "7830Z", A), ("4", "EA", "8121Z", 12.0)
        ),
        "references": references(
            emplois=900, actifs_15_64=1000, siae=4, chomeurs_15_64=100, siae_aide_domicile=2, pop_65_plus=400
        ),
    }
    return Tables(**(base | changes))
