"""With its buffer a territory has the national values exactly: the embedded base, and a made-up supply."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from territoire_geo import access, travel
from territoire_geo.diagnostic import diagnose
from territoire_geo.needs import NEEDS
from territoire_geo.tables import Tables

REACH = 30.0
SITES = 4000
STEPS = access.steps({10: 1, 20: 0.68, 30: 0.22})
MAINLAND = {
    "200010650": "Grand Dole",
    "200058485": "Val Parisis, in Île-de-France",
    "242900314": "Brest Métropole, on the coast",
    "242000354": "Bastia, in Corsica",
}


def sites_of(territory, count=SITES):
    """Scatter points within some kilometres of communes drawn at random, the same at every run."""
    rng = np.random.default_rng(1)
    chosen = territory.points.iloc[rng.integers(0, len(territory.communes), count)]
    shift = rng.normal(0, 4000, (2, count))
    return gpd.GeoSeries.from_xy(
        chosen.x.to_numpy() + shift[0],
        chosen.y.to_numpy() + shift[1],
        index=pd.Index([f"s{i:05d}" for i in range(count)]),
        crs=territory.crs,
    )


def catchment(territory, sites):
    minutes = access.travel_minutes(territory.points, sites, max_minutes=REACH)
    people = territory.communes["population"].dropna()
    supply = pd.Series(np.arange(1.0, len(sites) + 1), index=sites.index)
    return access.floating_catchment(people, supply, access.between(minutes, origins=people.index), STEPS)


@pytest.fixture(scope="module")
def national():
    territory = tg.load_territory("FR")
    sites = sites_of(territory)
    return sites, catchment(territory, sites)


@pytest.mark.parametrize("code", MAINLAND, ids=MAINLAND.get)
def test_a_part_has_the_values_of_the_mainland(national, code):
    sites, whole = national
    part = tg.load_territory(code)
    assert len(part.communes) < 3000 < len(whole)
    found = catchment(part, sites).loc[part.core]
    assert found["access"].gt(0).any()
    pd.testing.assert_frame_equal(found, whole.loc[part.core], check_exact=True)


def test_a_narrower_buffer_has_not(national):
    sites, whole = national
    part = tg.load_territory("200010650", buffer_km=15)
    found = catchment(part, sites).loc[part.core, "access"]
    assert (found > whole.loc[part.core, "access"]).all()  # rivals are missing


def test_a_part_of_an_island_has_its_values():
    island = tg.load_territory("974")
    sites = sites_of(island, 60)
    part = tg.load_territory("249740119")
    assert len(part.core) == 3
    found, whole = (catchment(territory, sites).loc[part.core] for territory in (part, island))
    pd.testing.assert_frame_equal(found, whole, check_exact=True)


def made_up(territory):
    """Give each commune figures that depend on its code and people only."""
    people = territory.communes["population"].fillna(0.0)
    draw = pd.Series(
        pd.util.hash_array(people.index.to_numpy(dtype=object), categorize=False) % 97 / 97.0, people.index
    )
    activity = pd.DataFrame(
        {"actifs_15_64": 0.45 * people, "chomeurs_15_64": 0.05 * people * draw, "emplois": 0.8 * people * draw}
    )
    cars = pd.DataFrame({"menages": 0.4 * people, "menages_voiture": 0.4 * people * (0.7 + 0.3 * draw)})
    population = pd.DataFrame({"population": people, "pop_65_plus": people * (0.1 + 0.2 * draw)})
    chosen = draw.index[draw > 0.8]
    structures = pd.DataFrame(
        {"siret": chosen, "kind": "AI", "name": chosen, "code_commune": chosen, "naf": "8810A"}
    ).set_index(["siret", "kind"])
    return Tables(population=population, activity=activity, cars=cars, structures=structures)


@pytest.mark.filterwarnings("ignore::territoire_geo.errors.TerritoireGeoWarning")
@pytest.mark.parametrize("code", ["200010650", "242000354"])
def test_the_needs_of_a_part_are_those_of_a_wider_one(code):
    """Employment, insertion, ageing and mobility; childcare also depends on the whole of each EPCI around."""
    needs = tuple(need for need in NEEDS if need.id != "childcare")
    targets = {"employment": 0.9, "insertion": 0.002, "ageing": 0.0002}
    found = []
    for buffer_km in (None, 70):
        territory = tg.load_territory(code, needs=needs, buffer_km=buffer_km)
        result = diagnose(territory, made_up(territory), needs=needs, reference=targets)
        found.append(result.coverage.drop(columns=["low", "high"]))  # the fast law leaves the buffer, and says so
    assert found[0]["unmet_people"].gt(0).any()
    pd.testing.assert_frame_equal(*found, check_exact=True)


@pytest.mark.parametrize("needs", [NEEDS, NEEDS[1:2]], ids=["all", "childcare"])
def test_the_buffer_that_is_loaded_is_the_one_that_is_wanted(needs):
    assert tg.load_territory("39198", needs=needs).buffer_km == pytest.approx(travel.buffer_km(needs))
