"""Every need under every setting: the sensitivity report, inequality, conservation, and what stays unknown."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from territoire_geo import coverage
from territoire_geo.diagnostic import diagnose
from territoire_geo.runs import Runs, covered, inequality, scenarios, sensitivity

A, B, C, D = small.CODES
CORE = pd.Index(small.CODES, name="code_commune")


def frame(access, target=1.0, demand=(10, 10, 10, 10)):
    out = small.by_commune(access=access, demand=demand).assign(target=target, reachable=True, known_share=1.0)
    gaps = coverage.unmet_need(out["demand"], out["access"], out["target"])
    return out.assign(**gaps, saturated=0.0, out_of_reach=0.0)


def runs(**settings):
    need = replace(tg.NEEDS[0], id="n")
    return Runs((need,), {"n": settings}, pd.DataFrame(), pd.DataFrame(), ())


def test_low_and_high_are_the_extremes_of_the_settings_and_unknown_stays_unknown():
    found = covered(runs(central=frame([0.2, 0.5, 1, np.nan]), short=frame([0.1, 0.9, 1, 1])), CORE)
    assert found["unmet_people"].tolist() == pytest.approx([8, 5, 0, np.nan], nan_ok=True)
    assert found["low"].tolist() == pytest.approx([8, 1, 0, np.nan], nan_ok=True)
    assert found["high"].tolist() == pytest.approx([9, 5, 0, np.nan], nan_ok=True)


def test_the_sensitivity_report_by_hand():
    # Worst fifth of four: one commune. A is the worst centrally and in one other setting of two.
    given = runs(central=frame([0.1, 0.5, 2, 3]), short=frame([0.6, 0.5, 2, 3]), long=frame([0.0, 0.5, 2, 3]))
    found = sensitivity(given, CORE).xs("n", level="need")
    assert found["worst"].tolist() == [True, False, False, False]
    assert found["kept"].tolist() == pytest.approx([2 / 3, 1 / 3, 0, 0])
    turned = scenarios(given, CORE)["turnover"].xs("n", level="need")
    assert turned.to_dict() == {"central": 0, "short": 1, "long": 0}


def test_communes_are_told_apart_above_the_target_too():
    found = sensitivity(runs(central=frame([2.0, 3.0, 4.0, 5.0])), CORE).xs("n", level="need")
    assert found["worst"].tolist() == [True, False, False, False]


def test_an_unknown_commune_is_in_no_fifth():
    found = sensitivity(runs(central=frame([np.nan, 0.5, 2, 3])), CORE).xs("n", level="need")
    assert not found.loc[A, "worst"]
    assert np.isnan(found.loc[A, "kept"])
    nothing = sensitivity(runs(central=frame([np.nan] * 4)), CORE).xs("n", level="need")
    assert nothing["kept"].isna().all()


def test_inequality_is_weighted_by_people_and_says_on_how_many():
    found = inequality(runs(central=frame([0.5, 0.5, 1.5, np.nan], demand=(10, 10, 20, 60))), CORE).loc["n"]
    assert found["known_share"] == pytest.approx(0.4)
    assert found["below"] == pytest.approx(0.5)
    assert found["depth"] == pytest.approx(0.25)
    assert found["severity"] == pytest.approx(0.125)
    assert found["gini"] == pytest.approx(0.25)  # half of the people have a quarter of the access


# In a diagnostic


def diagnosed(tables=None, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(small.territory(), tables or small.tables(), **options)


def test_what_is_shared_out_is_the_supply_that_is_reached():
    report = diagnosed().conservation
    shared = report.drop(index="mobility")
    assert shared["delivered"].to_numpy() == pytest.approx(shared["reached"].to_numpy(), rel=1e-9)
    assert (shared["reached"] + shared["unreached"]).to_numpy() == pytest.approx(shared["supply"].to_numpy())
    assert report.loc["mobility"].isna().all()
    assert report.loc["insertion", "supply"] == 2
    assert report.loc["employment", "demand"] == 780


def test_a_secret_figure_is_neither_zero_nor_the_end_of_the_report():
    activity = small.by_commune(
        actifs_15_64=[400, 200, 100, 80], chomeurs_15_64=[40, 20, 10, np.nan], emplois=[500, 20, 300, 10]
    )
    report = diagnosed(small.tables(activity=activity)).conservation
    assert report.loc["insertion", "demand"] == 70
    assert report.loc["insertion", "delivered"] == pytest.approx(2)


def test_the_central_setting_changes_nothing_of_itself():
    found = diagnosed().scenarios["turnover"].xs("central", level="scenario")
    assert found.dropna().eq(0).all()


def test_the_territory_against_its_own_average_by_hand():
    found = diagnosed(reference="territoire")
    frame = found.coverage.xs("employment", level="need")
    mean = (frame["demand"] * frame["access"]).sum() / frame["demand"].sum()
    assert found.targets.at["employment", "value"] == pytest.approx(mean)
    assert frame["target"].tolist() == pytest.approx([mean, mean])
    assert found.targets.at["employment", "label"] == "moyenne du territoire"
    balance = frame["unmet_units"].sum() - (frame["demand"] * (frame["access"] - mean).clip(lower=0)).sum()
    assert balance == pytest.approx(0, abs=1e-9)  # against one's own average, gaps and surpluses cancel


def test_the_own_average_is_of_what_is_known():
    activity = small.by_commune(
        actifs_15_64=[400, np.nan, 100, 80], chomeurs_15_64=[40, 20, 10, 8], emplois=[500, 20, 300, 10]
    )
    found = diagnosed(small.tables(activity=activity), reference="territoire")
    frame = found.coverage.xs("employment", level="need")
    assert np.isnan(frame.loc[B, "unmet_people"])
    assert found.targets.at["employment", "value"] >= 0
