"""Small demands, supplies and pairs for the tests of accessibility."""

import geopandas as gpd
import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st

from territoire_geo import access

STEPS = {10: 1, 20: 0.68, 30: 0.22}

# Examples are the same at every run, and none is timed.
laws = settings(max_examples=60, deadline=None, derandomize=True, database=None)

AMOUNTS = st.one_of(st.just(0.0), st.floats(0.001, 1e6))
MINUTES = st.one_of(st.sampled_from([0.0, 10.0, 20.0, 30.0]), st.floats(0, 60))
REACH = st.floats(1, 60)
DECAYS = st.one_of(
    st.builds(access.binary, REACH),
    st.builds(access.dai, REACH),
    st.builds(access.gaussian, st.floats(5, 40), st.one_of(st.none(), REACH)),
    st.builds(access.exponential, st.floats(0.01, 0.5), st.one_of(st.none(), REACH)),
    st.just(access.steps(STEPS)),
)


def series(values, ids=None):
    return pd.Series(values, index=ids, dtype=float)


def table(rows, names=("origin", "destination")):
    """Minutes from {(origin, destination): minutes}."""
    index = pd.MultiIndex.from_tuples(list(rows), names=list(names))
    return pd.Series(list(rows.values()), index=index, name="minutes", dtype=float)


def full_table(matrix, origins, destinations):
    index = pd.MultiIndex.from_product([origins, destinations], names=["origin", "destination"])
    return pd.Series(np.asarray(matrix, dtype=float).ravel(), index=index, name="minutes")


def points(coordinates, ids, crs=2154):
    x, y = np.asarray(coordinates, dtype=float).T
    return gpd.GeoSeries(gpd.points_from_xy(x, y), index=pd.Index(ids), crs=crs)


@st.composite
def territories(draw):
    """Demand, supply and some of the pairs between them."""
    demand = draw(st.lists(AMOUNTS, min_size=1, max_size=8))
    supply = draw(st.lists(AMOUNTS, min_size=1, max_size=5))
    every = [(f"o{i}", f"d{j}") for i in range(len(demand)) for j in range(len(supply))]
    pairs = draw(st.lists(st.sampled_from(every), unique=True, max_size=len(every)))
    cost = draw(st.lists(MINUTES, min_size=len(pairs), max_size=len(pairs)))
    index = pd.MultiIndex.from_arrays([[o for o, _ in pairs], [d for _, d in pairs]], names=["origin", "destination"])
    return (
        pd.Series(demand, index=[f"o{i}" for i in range(len(demand))]),
        pd.Series(supply, index=[f"d{j}" for j in range(len(supply))]),
        pd.Series(cost, index=index, dtype=float),
    )
