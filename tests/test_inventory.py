"""What structures bring to a territory, its commuting, and what a diagnostic says of islands and unknown people."""

import warnings

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from territoire_geo.diagnostic import diagnose
from territoire_geo.inventory import OVERLAPS

A, B, C, D = small.CODES


def diagnosed(territory=None, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(territory or small.territory(), small.tables(**changes))


def flows(**pairs):
    """Give A_B=people, by letter."""
    book = {"A": A, "B": B, "C": C, "D": D}
    keys = [tuple(book[letter] for letter in pair.split("_")) for pair in pairs]
    index = pd.MultiIndex.from_tuples(keys, names=["code_residence", "code_travail"])
    return pd.DataFrame({"actifs": list(pairs.values())}, index=index, dtype="float64")


def test_closing_the_only_home_help_leaves_everybody_without_by_hand():
    two = small.structures(("1", "ACI", "88.99B", 0.0), ("2", "AI", "7820Z", B))
    losses = diagnosed(structures=two).inventory.losses
    assert losses.loc[("2", "AI", "ageing"), "left_without"] == 300  # 200 and 100 residents aged 65 and over
    assert np.isnan(losses.loc[("1", "ACI", "ageing"), "left_without"])  # it may answer: nobody knows
    shared = diagnosed().inventory.losses  # with another one at C, within reach of both
    assert shared.loc[("2", "AI", "ageing"), ["left_without", "further"]].tolist() == [0, 300]


def test_zones_tell_served_from_to_ask():
    zones = diagnosed().inventory.zones["zone"]
    assert zones[(A, "ageing")] == "served"
    assert zones[(A, "childcare")] == "to_ask"  # a generic code is no answer, and no refusal


def test_the_equipment_rate_is_a_ratio_of_sums_and_says_whose_unemployed():
    structures = small.tables().structures.assign(postes=[3.0, 6.0, 5.0, 4.0])
    row = diagnosed(structures=structures).inventory.equipment.loc["territoire"]
    assert row["posts_per_1000"] == pytest.approx(1000 * 9 / 60)
    assert row["seekers"] == "chomeurs_15_64"
    unknown = diagnosed().inventory.equipment.loc["territoire"]
    assert np.isnan(unknown["posts_per_1000"])
    assert unknown["siae_per_1000"] == pytest.approx(1000 * 2 / 60)


def test_without_a_list_of_structures_nothing_is_told():
    found = diagnosed(structures=None).inventory
    assert found.losses.empty
    assert (found.zones["zone"] == "unlisted").all()
    assert found.diversity.isna().all(axis=None)
    assert len(found.overlaps) <= OVERLAPS


def test_commuting_of_the_core_as_one_block():
    table = flows(A_A=300, A_B=20, A_C=80, B_A=150, B_B=50, C_A=60, C_C=40, D_D=80)
    found = diagnosed(flows=table).commuting
    assert found.territory.residence_self_containment == pytest.approx(520 / 600)
    assert found.territory.net_inflow == 60 - 80
    assert found.communes.loc[A, "residence_self_containment"] == pytest.approx(300 / 400)
    assert found.destinations.loc[(A, 1), "destination"] == C
    assert found.origins.loc[(A, 1), "origin"] == B
    assert diagnosed().commuting is None


def test_an_island_is_said_to_be_reached_over_the_water():
    said = [note.fr for note in diagnosed().warnings]
    assert any(text.startswith("Îles : Aa, Bb n'ont pas de commune limitrophe") for text in said)
    dole = tg.load_demo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        assert not any("limitrophe" in note.fr for note in diagnose(*dole).warnings)


def test_an_unknown_commune_lowers_the_share_that_is_known():
    activity = small.by_commune(
        actifs_15_64=[400, np.nan, 100, 80], chomeurs_15_64=[40, 20, 10, 8], emplois=[500, 20, 300, 10]
    )
    summary = diagnosed(activity=activity).summary().loc["employment"]
    assert summary["unknown"] >= 1
    assert summary["known_share"] < 0.75  # B has 500 of the 1,500 people
    assert diagnosed().summary().loc["employment", "known_share"] == pytest.approx(1)
