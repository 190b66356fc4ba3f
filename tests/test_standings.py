"""A territory beside its EPCI, département, region, France and communes of its density, from the rows of references."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from territoire_geo.diagnostic import diagnose

A, B, C, D = small.CODES


def rows(**levels):
    """Give the counts of unemployed and active residents by level."""
    keys = pd.MultiIndex.from_tuples([tuple(key.split("_")) for key in levels], names=["niveau", "code"])
    names = ["chomeurs_15_64", "actifs_15_64", "pop_15_64"]
    frame = pd.DataFrame([[*counts, np.nan][:3] for counts in levels.values()], index=keys, columns=names)
    return frame.astype("float64").assign(nom=[f"Perimeter {code}" for code in frame.index.get_level_values(1)])


def diagnosed(territory=None, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(territory or small.territory(), small.tables(**changes))


def test_each_perimeter_has_its_row_and_the_core_its_ratio_of_sums():
    table = rows(**{f"EPCI_{small.CITY}": (70, 700), "DEP_39": (200, 1000), "REG_27": (900, 9000), "FR_FR": (5e4, 6e5)})
    found = diagnosed(references=table).standings.loc["chomage_recensement"]
    assert found.index.tolist() == ["epci", "departement", "region", "france", "density"]
    assert found["value_here"].tolist() == pytest.approx([10.0] * 5)  # 60 of 600, not the mean of two rates
    assert found["value_there"].iloc[:4].tolist() == pytest.approx([10, 20, 10, 100 * 5 / 60])
    assert found.loc["departement", "difference"] == pytest.approx(-10)
    assert found.loc["departement", "said"] == "below"
    assert found.loc["region", "said"] == "not distinguishable"
    assert found.loc["departement", "label"] == "Perimeter 39"
    low, high = found.loc["departement", ["low", "high"]]
    assert low < -10 < high < 0


def test_a_perimeter_that_is_the_core_is_not_compared_with_itself():
    here = replace(small.territory(core=(A, B, C)), code=small.CITY)
    found = diagnosed(here, references=rows(**{f"EPCI_{small.CITY}": (70, 700), "DEP_39": (200, 1000)}))
    assert "epci" not in found.standings.loc["chomage_recensement"].index


def test_a_departement_is_not_compared_with_itself():
    here = replace(small.territory(core=small.CODES), code="D39")
    found = diagnosed(here, references=rows(DEP_39=(200, 1000), FR_FR=(100, 1000)))
    assert "departement" not in found.standings.loc["chomage_recensement"].index


def test_a_part_larger_than_its_whole_has_no_interval_and_stops_nothing():
    population = small.by_commune(population=[1000, 500, 300, 200], pop_65_plus=[1200, 100, 60, 40])
    found = diagnosed(population=population).standings.loc["part_65_plus"]
    assert set(found["said"]) <= {"no interval", "same people", "unknown"}


def test_an_unknown_count_of_a_perimeter_is_unknown_never_zero():
    found = diagnosed(references=rows(DEP_39=(np.nan, 1000), FR_FR=(100, 1000))).standings.loc["chomage_recensement"]
    assert found.loc["departement", "said"] == "unknown"
    assert np.isnan(found.loc["departement", "value_there"])
    assert found.loc["france", "value_there"] == pytest.approx(10)


def test_without_references_only_the_communes_loaded_are_there_and_the_label_says_so():
    found = diagnosed(references=None).standings.loc["chomage_recensement"]
    assert found.index.tolist() == ["density"]
    assert "communes du tableau seulement" in found.loc["density", "label"]
    assert "non la grille de l'Insee" in found.loc["density", "label"]
    assert not found.loc["density", "whole"]


def test_contributions_add_up_to_the_difference():
    found = diagnosed(references=rows(DEP_39=(200, 1000)))
    effects = found.contributions["effect"].xs("chomage_recensement", level="measure")
    difference = found.totals["chomage_recensement"] - found.references["chomage_recensement"]
    assert effects.sum() == pytest.approx(difference)
    assert found.references["chomage_recensement"] == pytest.approx(20)


def test_a_commune_that_is_unknown_contributes_nothing_known():
    activity = small.by_commune(
        actifs_15_64=[4000, 200, 100, 80], chomeurs_15_64=[400, np.nan, 10, 8], emplois=[500, 20, 300, 10]
    )
    found = diagnosed(references=rows(DEP_39=(200, 1000)), activity=activity)
    effects = found.contributions["effect"].xs("chomage_recensement", level="measure")
    assert np.isnan(effects[B])


# The list of indicators in a diagnostic


def test_every_indicator_is_computed_or_says_why_not():
    found = diagnosed().indicators
    assert found.loc["chomage_recensement", "state"] == ""
    assert found.loc["niveau_vie_median", "state"] != ""
    told = found.index[found["state"].eq("") & found["kind"].eq("measure")]
    measures = diagnosed().measures
    assert measures[told].notna().any().all()
    assert measures.drop(columns=told).isna().all().all()
    assert found["state"].notna().all()


def test_small_numbers_are_counted_as_fragile():
    found = diagnosed().indicators
    assert found.loc["chomage_recensement", "fragile"] == 0  # 400 and 200 active residents
    activity = small.by_commune(
        actifs_15_64=[400, 199, 100, 80], chomeurs_15_64=[40, 20, 10, 8], emplois=[500, 20, 300, 10]
    )
    assert diagnosed(activity=activity).indicators.loc["chomage_recensement", "fragile"] == 1
