"""Mainland France in one diagnostic, and 200,000 demand points, on figures made up from the embedded base."""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from territoire_geo import access, coverage
from territoire_geo.priorities import stability
from territoire_geo.proposals import max_cover

KINDS = ["ACI", "AI", "EI", "ETTI"]
NAF = ["8891A", "8810A", "3832Z", "7820Z"]
REACH = 10.0  # minutes
POINTS = 200_000
EXACT = 1e-9


@pytest.fixture(scope="module")
def france():
    """Return mainland France."""
    return tg.load_territory("FR")


@pytest.fixture(scope="module")
def unknown(france):
    """Return forty communes far apart, whose figures are withheld."""
    return france.core[:: len(france.core) // 40][:40]


@pytest.fixture(scope="module")
def tables(france, unknown):
    """Return small national tables: counts in proportion to the residents, 600 structures, one norm."""
    people, rng = france.communes["population"], np.random.default_rng(7)

    def count(share):
        return np.round(people * share * rng.uniform(0.8, 1.2, len(people)))

    actives = count(0.45)
    counts = {
        "population": pd.DataFrame({"population": people, "pop_65_plus": count(0.2)}),
        "activity": pd.DataFrame(
            {"actifs_15_64": actives, "chomeurs_15_64": np.round(0.1 * actives), "emplois": count(0.4)}
        ),
        "births": pd.DataFrame({"naissances": count(0.01), "annees": 1.0}),
        "cars": pd.DataFrame({"menages": 0.45 * people, "menages_voiture": 0.36 * people}),
    }
    chosen = france.points.iloc[rng.choice(len(people), 600, replace=False)].to_crs(4326)
    structures = pd.DataFrame(
        {"name": "Structure", "naf": np.resize(NAF, 600), "lon": chosen.x.to_numpy(), "lat": chosen.y.to_numpy()},
        index=pd.MultiIndex.from_arrays(
            [[f"{rank:014d}" for rank in range(600)], np.resize(KINDS, 600)], names=["siret", "kind"]
        ),
    )
    epci = france.communes["code_epci"].dropna().unique()
    levels = pd.MultiIndex.from_tuples([("FR", "FR"), *(("EPCI", code) for code in epci)], names=["niveau", "code"])
    sums = pd.concat([frame.sum() for frame in counts.values()])
    norms = pd.DataFrame([{**sums.to_dict(), "nom": "France", "siae": 600, "siae_aide_domicile": 150}], levels[:1])
    withheld = {name: frame.drop(unknown) for name, frame in counts.items()}
    rates = pd.DataFrame({"taux": 60.0, "taux_eaje": rng.uniform(5, 40, len(levels))}, index=levels)
    return tg.Tables(**withheld, structures=structures, references=norms, childcare_rates=rates)


@pytest.fixture(scope="module")
def diagnostic(france, tables):
    """Return the diagnostic, on a table of minutes within `REACH` so that it stays quick."""
    minutes = access.travel_minutes(
        france.points, france.points, max_minutes=REACH, area_km2=france.communes["area_km2"]
    )
    needs = [need.within(REACH) for need in tg.NEEDS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return tg.diagnose(france, tables, needs=needs, travel={"car": minutes}, reference="france")


def test_every_known_commune_is_ranked(diagnostic, france, unknown):
    table = diagnostic.priorities
    assert table.index.equals(france.core)
    known = diagnostic.ranking.components.notna().all(axis=1)
    assert known.sum() > 0.9 * len(france.core)
    ranked = table.loc[known]
    assert ranked[["score", "rank", "rank_low", "rank_high", "stability"]].notna().all(axis=None)
    assert ranked["score"].between(0, 100).all()
    assert table["rank"].min() == 1
    assert table["rank"].max() <= len(france.core)
    # Nothing but a rate by EPCI is known of the others: no score.
    assert table.loc[unknown, "rank"].isna().all()


def test_each_need_has_proposals_with_figures(diagnostic, france):
    core = set(france.core)
    for need in diagnostic.needs:
        found = [one for one in diagnostic.proposals if one.need == need.id]
        assert found, need.id
        for one in found:
            assert one.people >= 5
            assert core.issuperset(one.communes)
            assert one.reason
            assert one.reason_en


def test_what_is_shared_out_is_what_is_reached(diagnostic):
    shared = diagnostic.conservation.dropna(subset=["supply"])
    assert set(shared.index) == {"childcare", "employment", "insertion", "ageing"}
    assert (shared["supply"] > 0).all()
    assert ((shared["delivered"] - shared["reached"]).abs() <= EXACT * shared["reached"]).all()
    assert ((shared["reached"] + shared["unreached"] - shared["supply"]).abs() <= EXACT * shared["supply"]).all()
    people = shared["within_reach"] + shared["out_of_reach"]
    assert ((people - shared["demand"]).abs() <= EXACT * shared["demand"]).all()


def test_the_parts_of_the_demand_add_up(diagnostic):
    told = diagnostic.coverage.dropna(subset=["unmet_people"])
    parts = told[["served", "saturated", "out_of_reach"]].sum(axis=1)
    assert (parts - told["demand"]).abs().max() <= EXACT * told["demand"].max()


def test_no_unknown_becomes_zero(diagnostic, unknown):
    found = diagnostic.coverage.loc[unknown]
    results = ["demand", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach", "low", "high"]
    assert found[results].isna().all(axis=None)
    assert diagnostic.ranking.components.loc[unknown].isna().all(axis=None)
    told = diagnostic.absences.index
    assert all((code, need.id) in told for code in unknown for need in diagnostic.needs)
    assert (diagnostic.summary()["unknown"] >= len(unknown)).all()
    proposed = {code for one in diagnostic.proposals for code in one.communes if one.action != "open"}
    assert proposed.isdisjoint(unknown)


def test_two_hundred_thousand_demand_points(france):
    """Places scattered around the communes, as the small areas of the census or a grid would be."""
    rng = np.random.default_rng(11)
    near, shift = france.points.iloc[rng.integers(0, len(france.points), POINTS)], rng.normal(0, 2000, (2, POINTS))
    ids = pd.Index([f"p{number:06d}" for number in range(POINTS)], name="place")
    places = gpd.GeoSeries.from_xy(near.x.to_numpy() + shift[0], near.y.to_numpy() + shift[1], index=ids, crs=near.crs)
    sites = france.points.iloc[:: len(france.points) // 500]
    people = pd.Series(rng.integers(0, 400, POINTS).astype(float), index=ids)
    minutes = access.travel_minutes(places, sites, max_minutes=REACH)
    found = access.catchments(people, pd.Series(1.0, index=sites.index), minutes, access.binary(REACH))
    report = found.report()
    assert abs(report["delivered"] - report["reached"]) <= EXACT * report["reached"]
    gaps = coverage.unmet_need(people, found.places["access"], len(sites) / people.sum())
    assert (gaps["unmet_people"] + gaps["served"] - people).abs().max() <= EXACT * people.max()
    share = (gaps["unmet_people"] / people.where(people > 0)).rename("unmet")
    parts = pd.DataFrame({"unmet": share, "other": rng.beta(1, 2, POINTS)})
    held = stability(parts, {"unmet": 1.0, "other": 1.0}, draws=12).places
    assert held["rank"].notna().equals(share.notna())
    assert held["stability"].dropna().between(0, 1).all()
    lacking = gaps["unmet_people"]
    chosen = max_cover(lacking, minutes, 5, reach=REACH)
    within = minutes.index.get_level_values(0)[minutes.index.get_level_values(1).isin(chosen.sites)].unique()
    assert abs(chosen.covered - lacking[within].sum()) <= EXACT * chosen.covered
    assert chosen.covered <= chosen.bound * (1 + EXACT)
