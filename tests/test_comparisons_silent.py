"""No change of tables is silent: each has its cause, there and back; four communes, one need at a time."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from _comparison_checks import PARTS, diagnose, sums_up
from territoire_geo.comparisons import compare

A, B, C, _ = small.CODES
HERE, TABLES = small.territory(), small.tables()
NEEDS = {need.id: need for need in tg.NEEDS}
OWN_PLACES = pd.DataFrame({"places": [20.0], "type": ["crèche"], "code_commune": [A]}, index=pd.Index(["x"], name="id"))
FACILITIES = small.facilities(("D502", A, 2.0), ("D502", C, 1.0), ("A122", B, 5.0), ("D502", B, 3.0))
CHANGES = {
    "births in the buffer": ("childcare", {"births": TABLES.births.assign(naissances=[50, 25, 40, 10])}),
    "jobs in the buffer": ("employment", {"activity": TABLES.activity.assign(emplois=[500, 20, 30, 10])}),
    "jobs for who cycles": ("mobility", {"activity": TABLES.activity.assign(emplois=[500, 20, 30, 10])}),
    "a figure lost": ("employment", {"activity": TABLES.activity.assign(emplois=[500, np.nan, 300, 10])}),
    "a rate of childcare": ("childcare", {"childcare_rates": TABLES.childcare_rates.assign(taux=[70, 50, 80])}),
    "the norm of childcare": ("childcare", {"childcare_rates": TABLES.childcare_rates.assign(taux=[60, 90, 80])}),
    "a crèche gone": ("childcare", {"facilities": TABLES.facilities.drop(index="f1")}),
    "a crèche opened": ("childcare", {"facilities": FACILITIES}),
    "no list of structures": ("insertion", {"structures": None}),
    "nobody known to help at home": ("ageing", {"structures": None}),
    "posts that become known": ("insertion", {"structures": TABLES.structures.assign(postes=[10.0, 6.0, 5.0, 4.0])}),
    "no reference": ("insertion", {"references": None}),
    "childcare places of one's own": ("childcare", {"childcare_places": OWN_PLACES}),
    "registered jobseekers": ("insertion", {"jobseekers": small.by_commune(demandeurs_emploi_abc=[60, 30, 15, 9])}),
    "older people around": ("ageing", {"population": TABLES.population.assign(pop_65_plus=[200, 100, 90, 40])}),
}


@cache
def base(need):
    return diagnose(HERE, TABLES, needs=[NEEDS[need]])


def explained(one, other):
    for found in (sums_up(compare(one, other)), sums_up(compare(other, one))):
        assert len(found.causes)
        assert not found.causes["unexplained"].any(), found.causes
        assert not found.causes[["perimeter", "settings", "method", "edited"]].any(axis=None), found.causes


@pytest.mark.parametrize("name", CHANGES)
def test_every_change_of_tables_has_its_cause_both_ways(name):
    need, frames = CHANGES[name]
    explained(base(need), diagnose(HERE, replace(TABLES, **frames), needs=[NEEDS[need]]))


def test_a_norm_that_is_the_territory_s_own_moves_with_everything():
    one = diagnose(HERE, TABLES, reference="territoire")
    both = {}
    for name in ("births in the buffer", "no list of structures", "a figure lost"):
        both |= CHANGES[name][1]
    explained(one, diagnose(HERE, replace(TABLES, **both), reference="territoire"))


def test_posts_in_place_of_structures_are_not_subtracted():
    need, frames = CHANGES["posts that become known"]
    found = compare(base(need), diagnose(HERE, replace(TABLES, **frames), needs=[NEEDS[need]]))
    assert found.changes.xs("insertion", level="need")[["units", *PARTS]].isna().all(axis=None)
    assert any("ne compte plus la même chose" in note.fr and "structures → " in note.fr for note in found.notes)
    assert np.isnan(found.conservation.at["insertion", "supply"])
