"""Why two diagnostics differ, on four communes: every kind of change has its cause, where it can act."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from _comparison_checks import at_work, diagnose, said, sums_up
from territoire_geo.comparisons import compare, sentences_of
from territoire_geo.errors import TerritoireGeoError
from territoire_geo.tables import Source
from territoire_geo.territory import Territory

A, B, C, D = small.CODES
HERE = small.territory()
CENSUS = Source("census", "Recensement", "Insee", millesime="RP 2018")
TABLES = replace(small.tables(), sources={"activity": (CENSUS,), "cars": (CENSUS,), "births": (CENSUS,)})
NEEDS = {need.id: need for need in tg.NEEDS}


@pytest.fixture(scope="module")
def plain():
    return diagnose(HERE, TABLES)


def changed(plain, **frames):
    return sums_up(compare(plain, diagnose(HERE, replace(TABLES, **frames))))


def needs_of(comparison):
    return set(comparison.causes.index.get_level_values("need"))


# Figures


def test_a_figure_altered_under_the_same_source_is_seen_too(plain):
    found = changed(plain, cars=TABLES.cars.assign(menages_voiture=[300, 190, 100, 40]))
    assert at_work(found, A, "mobility") == {"figures"}
    assert [one.cause for one in found.why] == ["figures"]
    assert "Aa (39001) : Ménages sans voiture [cars.menages, cars.menages_voiture], 20 → 33,3 %" in said(
        found, "figures"
    )


def test_a_column_that_its_own_measure_shows_unchanged_is_left_out(plain):
    found = changed(plain, population=TABLES.population.assign(pop_65_plus=[250, 100, 60, 40]))
    assert found.figures.loc[(A, "part_65_plus"), "columns"] == "population.pop_65_plus"
    assert at_work(found, A, "ageing") == {"figures"}
    assert "ageing" in needs_of(found)


def test_what_became_known_unknown_or_secret_is_told():
    seekers = small.by_commune(demandeurs_emploi_abc=[60, 30, 15, 9])
    lost = small.by_commune(demandeurs_emploi_abc=[np.nan, 30, 15, 9])
    keys = pd.MultiIndex.from_tuples([(A, "demandeurs_emploi_abc")], names=["code_commune", "column"])
    hidden = {"jobseekers": pd.Series(["secret"], index=keys)}
    known, unknown, secret = (
        diagnose(HERE, replace(TABLES, jobseekers=frame, absences=states), needs=[NEEDS["ageing"]])
        for frame, states in ((seekers, {}), (lost, {}), (lost, hidden))
    )
    for one, other, states in (
        (known, secret, ("known", "secret")),
        (secret, known, ("secret", "known")),
        (unknown, secret, ("unknown", "secret")),
        (unknown, known, ("unknown", "known")),
    ):
        row = compare(one, other).figures.loc[(A, "demandeurs_emploi")]
        assert (row["state_before"], row["state_after"]) == states
        assert np.isnan(row["difference"])


def test_the_same_vintage_in_another_file_is_a_correction(plain):
    again = {**TABLES.sources, "cars": (replace(CENSUS, sha256="0" * 64),)}
    found = changed(plain, sources=again)
    assert "Chiffres corrigés par le producteur ou à la main : Insee, Recensement, RP 2018" in said(found, "figures")
    assert [note.fr for note in found.notes] == ["Aucun chiffre ni résultat ne change, malgré ce qui diffère."]


@pytest.mark.parametrize(
    ("table", "vintage", "told"),
    [("cars", "RP 2021", True), ("cars", "RP 2023", False), ("cars", "RP 2013", False), ("births", "RP 2021", False)],
)
def test_only_censuses_less_than_five_years_apart_are_cautioned_against(plain, table, vintage, told):
    sources = {**plain.table_sources, table: (replace(CENSUS, millesime=vintage),)}
    found = compare(plain, replace(plain, table_sources=sources))
    assert any("moins de 5 ans d'écart" in note.fr for note in found.notes) is told


def test_a_norm_of_other_figures_is_one_of_figures(plain):
    found = changed(plain, references=TABLES.references.assign(siae=8))
    assert needs_of(found) == {"insertion"}
    assert found.causes["figures"].all()
    assert "norme : moyenne (Jura), 0,04 → moyenne (Jura), 0,08" in said(found, "figures")


# Settings

SETTINGS = {
    "speed": ({"speed_kmh": 30}, "vitesse en voiture : 50 → 30 km/h"),
    "detour": ({"detour": 2.1}, "détour par la route : 1,3 → 2,1"),
    "target": ({"reference": {"childcare": 0.6}}, "taux de couverture (Jura), 0,5 → cible choisie, 0,6"),
    "reach": ({"needs": [NEEDS["childcare"].within(20), NEEDS["ageing"]]}, "Petite enfance, portée : 15 → 20 min"),
    "weights": ({"weights": {"mobility": 2, "ageing": 1}}, "poids des besoins dans le classement"),
}
ACTING = {"target": {"childcare"}, "weights": set()}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_is_told_and_is_the_only_cause(plain, name):
    options, text = SETTINGS[name]
    found = sums_up(compare(plain, diagnose(HERE, TABLES, **options)))
    assert text in said(found, "settings")
    assert needs_of(found) == ACTING.get(name, needs_of(found))
    assert len(found.causes) or name == "weights"
    assert found.causes["settings"].all()
    assert not found.causes.drop(columns="settings").any(axis=None)


def test_a_need_on_one_side_only_is_told(plain):
    found = sums_up(compare(plain, diagnose(HERE, TABLES, needs=tg.NEEDS[:4])))
    assert "Besoins qui ne sont plus étudiés : Vieillissement." in said(found, "settings")
    assert found.changes.xs("ageing", level="need")["unmet_after"].isna().all()
    assert found.causes.xs("ageing", level="need")["settings"].all()
    told = sentences_of(found, "ageing")
    assert told.fr == ""
    assert "que d'un côté" in told.caution_fr


def test_tables_of_minutes_are_told_from_the_convention_and_from_each_other(plain):
    pairs = pd.MultiIndex.from_product([small.CODES, small.CODES], names=["origin", "destination"])
    rows = [5.0 + 5 * (one != other) for one, other in pairs]
    tables = [pd.Series(rows, index=pairs, name="minutes"), pd.Series(rows, index=pairs, name="minutes") + 2]
    one, other = (diagnose(HERE, TABLES, travel={"car": each}) for each in tables)
    assert "temps de trajet (voiture) : convention → table" in said(sums_up(compare(plain, one)), "settings")
    found = sums_up(compare(one, other))
    assert "d'autres minutes" in said(found, "settings")
    assert not found.causes["unexplained"].any()


# Structures


def test_a_structure_that_moves_says_by_how_far(plain):
    lon, lat = small.lonlat(12.0)
    move = pd.DataFrame([{"siret": "1", "kind": "ACI", "lon": lon, "lat": lat}])
    found = sums_up(tg.simulate(plain, HERE, TABLES, move=move))
    row = found.structures.loc[("1", "ACI")]
    assert row["metres"] == pytest.approx(12_000, abs=1)
    assert row[["new", "gone", "moved", "within_reach"]].tolist() == [False, False, True, True]
    assert needs_of(found) == {"insertion"}
    assert found.causes["structures"].all()
    assert found.after.settings["scenario"]["moved"][0]["siret"] == "1"


def test_an_activity_that_is_declared_is_told_by_need(plain):
    keys = pd.MultiIndex.from_tuples([("1", "ACI", "ageing")], names=["siret", "kind", "need"])
    found = changed(plain, activities=pd.DataFrame({"source": ["enquête"]}, index=keys))
    assert found.structures.loc[("1", "ACI"), "levels"] == "ageing: unknown → declared"
    assert "activité connue modifiée, 1 ACI" in said(found, "structures")
    assert needs_of(found) == {"ageing"}
    assert found.causes["structures"].all()


def test_a_capacity_that_only_a_scenario_knows_is_a_cause(plain):
    key = pd.MultiIndex.from_tuples([("1", "ACI")], names=["siret", "kind"])
    found = sums_up(tg.simulate(plain, HERE, TABLES, capacity=pd.Series([3.0], index=key)))
    assert found.structures["capacity_after"].tolist() == [3.0]
    assert needs_of(found) == {"insertion"}
    assert found.causes["structures"].all()


def test_a_structure_acts_only_where_it_is_within_reach():
    far = small.territory(core=(A, B, D))
    fewer = replace(TABLES, structures=TABLES.structures.drop(index=[("1", "ACI")]))
    near, left = (diagnose(far, tables, needs=[NEEDS["insertion"]]) for tables in (TABLES, fewer))
    found = sums_up(compare(near, left))
    rows = found.causes[found.causes["structures"]].index.get_level_values("code_commune")
    assert set(rows) == {A, B}
    typed = left.coverage.copy()
    typed.loc[(D, "insertion"), "access"] = 1.0
    found = compare(near, replace(left, coverage=typed))
    assert at_work(found, D, "insertion") == {"unexplained"}


# Perimeters


def test_a_narrower_buffer_acts_near_what_is_missing(plain):
    near = Territory(HERE.name, HERE.communes.drop(index=C), code=HERE.code, buffer_km=10)
    found = sums_up(compare(plain, diagnose(near, TABLES)))
    assert "Voisinage chargé : 0 communes de plus, 1 de moins." in said(found, "perimeter")
    assert found.causes["perimeter"].all()


def test_nothing_in_common_is_one_clear_error():
    one, other = (diagnose(small.territory(core=(code,)), TABLES, needs=[NEEDS["ageing"]]) for code in (A, C))
    with pytest.raises(TerritoireGeoError, match="have no commune in common"):
        compare(one, other)


def test_another_cog_and_a_merger_that_keeps_its_code_are_told(plain):
    merged = HERE.communes.copy()
    merged.loc[A, "area_km2"] *= 1.5
    later = Territory(HERE.name, merged, code=HERE.code, buffer_km=HERE.buffer_km, cog_year=HERE.cog_year + 1)
    found = sums_up(compare(plain, diagnose(later, TABLES)))
    assert f"Code officiel géographique : {HERE.cog_year} → {HERE.cog_year + 1}" in said(found, "perimeter")
    assert "Même code mais autre surface, comme après une fusion : Aa." in said(found, "perimeter")
    assert not found.causes["unexplained"].any()
