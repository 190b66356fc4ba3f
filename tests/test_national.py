"""Mainland France from published files: nothing is lost, a territory alone is France, and unknown stays unknown."""

import zipfile
from dataclasses import replace
from importlib import util
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from territoire_geo import access, coverage, travel
from territoire_geo.columns import SIAE_KINDS
from territoire_geo.measures import Inputs, Reference

ROOT = Path(__file__).parents[1]
DOLE, TAVAUX, GRAND_DOLE = "39198", "39526", "200010650"
REUNION, CINOR, MAYOTTE = "974", "249740119", "976"
# Communes re-established after the census of 2018, on the codes of which no file has a figure.
RESTORED = ["15031", "15035", "15047", "15171", "60694", "85165", "85212"]
NEEDS = ["insertion", "mobility"]


def _script():
    spec = util.spec_from_file_location("build_national_doc", ROOT / "scripts" / "build_national_doc.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
SEVEN, ALONE = tuple(SCRIPT.SEVEN), (*SCRIPT.SEVEN, *SCRIPT.OTHERS)


@pytest.fixture(scope="module")
def analysis(published):
    """France and eleven territories: every file is read once, France diagnosed once."""
    return SCRIPT.analyse(published)


@pytest.fixture(scope="module")
def france(analysis):
    return analysis.france


def need_of(part, need):
    return part.diagnostic.coverage.xs(need, level="need")


def test_the_page_says_what_is_computed(analysis):
    written = (ROOT / "docs" / "national.md").read_text(encoding="utf-8")
    assert written == SCRIPT.page(analysis), "run `python scripts/build_national_doc.py`"


# ---- nothing is lost -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared_out(france):
    """Analysis -> what its catchments report, and the demand and access by commune."""
    return {
        "insertion": (france.diagnostic.conservation.loc["insertion"], need_of(france, "insertion")),
        "creches": (france.creches.report(), france.creches.places),
    }


@pytest.mark.parametrize(("name", "supply"), [("insertion", 3510), ("creches", 12_053)])
def test_supply_is_conserved(shared_out, name, supply):
    report, frame = shared_out[name]
    assert report["supply"] == report["reached"] + report["unreached"] == supply
    assert report["unreached"] == 0
    assert report["delivered"] == pytest.approx(report["reached"], rel=1e-9)
    assert (frame["demand"] * frame["access"]).sum() == pytest.approx(report["reached"], rel=1e-9)
    assert report["demand"] == pytest.approx(report["within_reach"] + report["out_of_reach"], rel=1e-12)
    assert frame["demand"].sum() == pytest.approx(report["demand"], rel=1e-12)


def test_supply_is_what_the_files_list(published):
    listed = pd.read_csv(published / "siae" / "siae_itou_2020-12.csv", dtype=str)
    mainland = listed[~listed["post_code"].str.startswith("97")]
    assert len(listed) == 3853
    assert mainland["kind"].isin(SIAE_KINDS).sum() == 3510
    equipment = pd.read_parquet(published / "insee" / "bpe_ens_2019.parquet", columns=["DEPCOM", "TYPEQU", "NB_EQUIP"])
    there = equipment[equipment["TYPEQU"] == SCRIPT.CRECHE]
    overseas = there["DEPCOM"].str.startswith("97")
    assert (there["NB_EQUIP"].sum(), there.loc[~overseas, "NB_EQUIP"].sum()) == (12_338, 12_053)


def test_mobility_shares_nothing_out_and_splits_its_people_in_three(france):
    assert france.diagnostic.conservation.loc["mobility"].isna().all()
    known = need_of(france, "mobility").dropna()
    people, parts = known["demand"].sum(), known[["served", "saturated", "out_of_reach"]].sum()
    assert parts.sum() == pytest.approx(people, rel=1e-12)
    assert known["unmet_people"].sum() == pytest.approx(parts["saturated"] + parts["out_of_reach"], rel=1e-9)
    assert np.isfinite(france.diagnostic.inequality.to_numpy()).all()


# ---- published figures ---------------------------------------------------------------------

ORACLES = {  # commune -> P18_CHOM1564 / P18_ACT1564, taux_motorisation RP2022 [%], MED19 [€], TP6019 [%]
    "39198": (15.87, 79.51, 20_060, 19),
    "38185": (15.01, 60.96, 21_170, 20),
    "79329": (16.17, 82.54, 19_360, 17),
    "35236": (16.04, 80.50, 20_860, 15),
}


@pytest.mark.parametrize("code", ORACLES)
def test_figures_of_a_commune_are_those_published(france, code):
    work, cars, income = (getattr(france.tables, name).loc[code] for name in ("activity", "cars", "income"))
    found = (
        100 * work["chomeurs_15_64"] / work["actifs_15_64"],
        100 * cars["menages_voiture"] / cars["menages"],
        income["niveau_vie_median"],
        100 * income["taux_pauvrete"],
    )
    assert found == pytest.approx(ORACLES[code], abs=0.005)


@pytest.fixture(scope="module")
def raw(published):
    """The figures of the files as they are, by current commune, without the loaders; and the EPCI of each commune."""
    columns = {"P18_ACT1564": "actifs", "P18_CHOM1564": "chomeurs", "NAIS1318": "naissances"}
    path = published / "insee" / "base_cc_comparateur_csv.zip"
    with zipfile.ZipFile(path) as archive, archive.open("base_cc_comparateur.CSV") as member:
        counts = pd.read_csv(member, sep=";", dtype={"CODGEO": str}, usecols=["CODGEO", *columns])
    passage = pd.read_csv(published / "cog" / "table_passage_com_historique.csv", dtype=str, index_col=0)["DEPCOM"]
    epci = pd.read_csv(published / "cog" / "table_passage_com_epci.zip", dtype=str, index_col="DEPCOM")["EPCI"]
    cars = pd.read_csv(published / SCRIPT.CARS, dtype={"code_commune": str}, index_col="code_commune")
    districts = counts["CODGEO"].str.match("751|132|6938")  # of Paris, Marseille and Lyon, counted with the city
    here = counts[~districts].rename(columns=columns).set_index("CODGEO")
    summed = here.groupby(passage.reindex(here.index).fillna(pd.Series(here.index, here.index))).sum()
    return summed.join(cars["menages_total"].rename("menages")), epci


@pytest.mark.parametrize("code", SEVEN)
def test_figures_of_a_territory_are_the_sums_of_the_files(analysis, raw, code):
    counts, epci = raw
    members = epci.index[epci == code]
    found, expected = SCRIPT.figures(analysis.parts[code]), counts.loc[members].sum()
    assert found["communes"] == len(members)
    assert {name: found[name] for name in expected.index} == pytest.approx(expected.to_dict(), rel=1e-9)
    assert found["taux"] == pytest.approx(100 * expected["chomeurs"] / expected["actifs"], rel=1e-9)
    assert found["enfants"] == pytest.approx(0.6 * expected["naissances"], rel=1e-9)


def test_siae_of_a_town_are_those_of_the_list(analysis):
    part = analysis.parts[GRAND_DOLE]
    siae = part.tables.structures[part.tables.structures.index.get_level_values("kind").isin(SIAE_KINDS)]
    assert (siae["code_commune"] == DOLE).sum() == 5
    assert "ASSOC JURA SERVICE" in set(siae.loc[siae["code_commune"] == DOLE, "name"])
    assert part.tables.facilities.query("code_commune == @DOLE")["nombre"].sum() == 6


# ---- the same figures by another way: whole matrices, in numpy -----------------------------


def kilometres(origins, destinations):
    gaps = [getattr(origins, axis).to_numpy()[:, None] - getattr(destinations, axis).to_numpy() for axis in "xy"]
    return np.hypot(*gaps) / 1000


def own_kilometres(territory):
    km = kilometres(territory.points, territory.points)
    np.fill_diagonal(km, 0.5 * np.sqrt(territory.communes["area_km2"].to_numpy() / np.pi))
    return km


def two_steps(people, supply, minutes, limits):
    weights = np.select([minutes <= limit for limit in limits], [1, 0.68, 0.22], 0.0)
    drawn = people @ weights
    return weights @ np.divide(supply, drawn, out=np.zeros(len(supply)), where=drawn > 0)


def test_insertion_by_whole_matrices(analysis):
    part = analysis.parts[GRAND_DOLE]
    listed, communes = part.tables.structures, part.territory.communes.index
    siae = listed[listed.index.get_level_values("kind").isin(SIAE_KINDS)]
    assert siae["lon"].notna().all()
    points = gpd.GeoSeries.from_xy(siae["lon"], siae["lat"], crs=4326).to_crs(part.territory.crs)
    people = part.tables.activity["chomeurs_15_64"].reindex(communes).to_numpy()
    minutes = 1.3 * 60 / 50 * kilometres(part.territory.points, points)
    expected = pd.Series(two_steps(people, np.ones(len(siae)), minutes, (10, 20, 30)), communes)
    found = need_of(part, "insertion")["access"]
    np.testing.assert_allclose(found, expected[found.index], rtol=1e-10)


def test_creches_by_whole_matrices(analysis):
    part = analysis.parts[GRAND_DOLE]
    communes = part.territory.communes.index
    supply = part.tables.facilities.groupby("code_commune")["nombre"].sum().reindex(communes, fill_value=0.0)
    people = 3 / 5 * part.tables.births["naissances"].reindex(communes).to_numpy()
    minutes = 1.3 * 60 / 50 * own_kilometres(part.territory)
    expected = two_steps(people, supply.to_numpy(), minutes, (5, 10, 15))
    np.testing.assert_allclose(part.creches.places["access"], expected, rtol=1e-10)


def test_mobility_by_whole_matrices(analysis):
    part = analysis.parts[GRAND_DOLE]
    communes = part.territory.communes.index
    work, cars = (getattr(part.tables, name).reindex(communes) for name in ("activity", "cars"))
    km, jobs = own_kilometres(part.territory), work["emplois"].to_numpy()
    expected = pd.DataFrame(
        {
            "demand": work["actifs_15_64"] * (1 - cars["menages_voiture"] / cars["menages"]),
            "access": (km <= 5) @ jobs,
            "target": 0.5 * (1.3 * 60 / 50 * km <= 20) @ jobs,
        },
        index=communes,
    )
    found = need_of(part, "mobility")
    np.testing.assert_allclose(found[expected.columns], expected.loc[found.index], rtol=1e-10, atol=1e-9)


# ---- a territory alone ---------------------------------------------------------------------


@pytest.mark.parametrize("code", ALONE)
def test_a_territory_alone_has_the_values_of_france(analysis, france, code):
    part = analysis.parts[code]
    assert len(part.territory.communes) < 1100
    assert part.diagnostic.targets.at["insertion", "value"] == france.diagnostic.targets.at["insertion", "value"]
    for need in NEEDS:
        found = need_of(part, need)
        # The buffer is that of the default speed: the fast law partly leaves it, for what goes 30 minutes by car.
        bounds = [] if need == "mobility" else SCRIPT.BOUNDS
        whole = need_of(france, need).loc[found.index]
        pd.testing.assert_frame_equal(found.drop(columns=bounds), whole.drop(columns=bounds), check_exact=True)
    places = part.creches.places.loc[part.territory.core]
    pd.testing.assert_frame_equal(places, france.creches.places.loc[places.index], check_exact=True)


def test_a_part_of_la_reunion_has_its_values(analysis):
    island, part = (SCRIPT.part(analysis.published, code) for code in (REUNION, CINOR))
    assert (len(island.territory.core), len(part.territory.core)) == (24, 3)
    found = part.diagnostic.coverage
    pd.testing.assert_frame_equal(found, island.diagnostic.coverage.loc[found.index], check_exact=True)
    assert found["access"].gt(0).all()
    report = island.diagnostic.conservation.loc["insertion"]
    assert report["delivered"] == pytest.approx(report["reached"], rel=1e-9)


# ---- unknown -------------------------------------------------------------------------------


def test_what_no_file_tells_is_unknown(france):
    for need, unknown in (("insertion", RESTORED), ("mobility", sorted([*RESTORED, "15061"]))):
        found = need_of(france, need)
        assert found.index[found["unmet_people"].isna()].tolist() == unknown
        assert found.loc[RESTORED, ["demand", "access", "unmet_people", "low", "high"]].isna().all(axis=None)
        assert france.diagnostic.summary().at[need, "unknown"] == len(unknown)
    insertion = need_of(france, "insertion")
    assert insertion.loc["15141", "known_share"] < 1  # it still counts those that left it: its figure is known
    assert insertion["known_share"].eq(1).sum() > 33_000
    reasons = france.diagnostic.absences
    assert reasons["60694", "insertion"] == "chomeurs_15_64 : non publié"
    assert reasons["15061", "mobility"] == "chiffres ou norme inconnus pour plus du quart du bassin"
    assert france.territory.core.difference(france.creches.places.index).tolist() == RESTORED


def test_mayotte_is_unknown(analysis):
    part = SCRIPT.part(analysis.published, MAYOTTE)
    found = part.diagnostic.coverage
    assert len(part.territory.core) == 17
    assert found["known_share"].eq(0).all()
    told = ["demand", "access", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach", "low", "high"]
    assert found[told].isna().all(axis=None)
    assert part.diagnostic.summary()[["demand", "unmet_people", "low", "high"]].isna().all(axis=None)
    assert len(part.diagnostic.absences.loc[part.territory.core, NEEDS]) == 2 * 17


@pytest.fixture(scope="module")
def insertion(france):
    """Assess insertion in France, on the unemployed that are given."""
    (need,) = (one for one in tg.NEEDS if one.id == "insertion")
    territory, tables = france.territory, france.tables
    points = travel.supply_points(territory, tables, [need])
    minutes = travel.by_distance(territory, points, travel.CAR, need.reach)
    known = Inputs(territory, tables, {"car": minutes}, Reference("FR", "FR", "France"), pd.DataFrame())

    def assess(activity):
        inputs = replace(known, tables=tables.replace(activity=activity))
        frame = coverage.assess(need, inputs, need.decay).frame
        return coverage.withhold(frame, frame["known_share"])

    return minutes, assess


def test_the_assessment_is_that_of_the_diagnostic(france, insertion):
    _, assess = insertion
    expected = need_of(france, "insertion").drop(columns=SCRIPT.BOUNDS)
    found = assess(france.tables.activity)[expected.columns]
    pd.testing.assert_frame_equal(found, expected, check_exact=True, check_names=False)


@pytest.mark.parametrize("withheld", [DOLE, TAVAUX])
def test_a_commune_withheld_changes_nothing_beyond_its_catchments(france, insertion, withheld):
    minutes, assess = insertion
    activity = france.tables.activity.copy()
    activity.loc[withheld, "chomeurs_15_64"] = np.nan
    before, after = need_of(france, "insertion").drop(columns=SCRIPT.BOUNDS), assess(activity)
    after = after[before.columns]
    own = ["demand", "access", "unmet_people", "unmet_units", "served", "saturated", "out_of_reach"]
    assert before.loc[withheld, own].notna().all()
    assert after.loc[withheld, own].isna().all()
    within = access.between(minutes, origins=pd.Index([withheld])).index.get_level_values(1)
    rivals = access.between(minutes, destinations=within).index.get_level_values(0).unique()
    assert 100 < len(rivals) < 800
    beyond = before.index.difference(rivals)
    pd.testing.assert_frame_equal(after.loc[beyond], before.loc[beyond], check_exact=True, check_names=False)
    around = rivals.drop(withheld)
    changed = around[after.loc[around, "access"] != before.loc[around, "access"]]
    assert len(changed) > 50
    assert after.loc[changed, "known_share"].lt(1).all()
    told = changed[after.loc[changed, "access"].notna()]
    assert (after.loc[told, "access"] > before.loc[told, "access"]).all()  # a rival is missing: hence the share
    untold = changed.difference(told)
    assert after.loc[untold, "known_share"].lt(coverage.ENOUGH).all()
    assert len(untold) > 0 if withheld == DOLE else len(told) > 0
    pd.testing.assert_series_equal(after["demand"].drop(withheld), before["demand"].drop(withheld), check_names=False)
    assert after["target"].eq(before["target"]).all()
