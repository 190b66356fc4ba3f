"""Comparisons: what changed between two diagnostics, an exact account of it, and causes that can act; never silent."""

import hashlib
import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import _diagnostic_factory as factory
import territoire_geo as tg
from _comparison_checks import PARTS, at_work, diagnose, said, sums_up
from territoire_geo.comparisons import (
    Comparison,
    cause_words,
    changes_table,
    compare,
    figures_table,
    parts,
    sentences_of,
    why_table,
)
from territoire_geo.exchange import read_diagnostic, write_geopackage
from territoire_geo.maps._compared import change_themes
from territoire_geo.maps._theme import Options
from territoire_geo.settings import METHOD

TAVAUX = "39526"


@pytest.fixture(scope="module")
def before(demo):
    return diagnose(*demo)


@pytest.fixture(scope="module")
def one_figure(demo, before):
    """Fewer households with a car in Tavaux, in a table of the user's own."""
    territory, tables = demo
    cars = tables.cars.copy()
    cars.loc[TAVAUX, "menages_voiture"] *= 0.8
    return compare(before, diagnose(territory, tables.replace(cars=cars)))


# Nothing, one figure


def test_a_diagnostic_compared_with_itself_says_that_nothing_changed(before):
    same = sums_up(compare(before, before))
    assert [len(frame) for frame in (same.causes, same.figures, same.structures, same.facilities)] == [0, 0, 0, 0]
    assert same.why == ()
    assert [note.fr.split(" :")[0] for note in same.notes] == ["Rien n'a changé"]
    assert same.changes["people"].dropna().eq(0).all()
    told = sentences_of(same, "mobility")
    assert told.fr == "Mobilité : rien n'a changé (442 actifs sans voiture coupés de l'emploi)."
    assert (told.caution_fr, told.caution_en) == ("", "")


def test_a_diagnostic_read_from_its_file_has_not_changed(before, tmp_path):
    again = compare(before, read_diagnostic(write_geopackage(before, tmp_path / "d.gpkg")))
    assert again.why == ()
    assert again.causes.empty
    assert "Rien n'a changé" in again.notes[0].fr


def test_one_figure_names_the_commune_the_figure_and_the_cause(one_figure):
    found = sums_up(one_figure)
    assert found.causes.index.tolist() == [(TAVAUX, "mobility")]
    assert at_work(found, TAVAUX, "mobility") == {"figures"}
    assert found.figures.index.tolist() == [(TAVAUX, "menages_sans_voiture")]
    row = found.figures.iloc[0]
    assert row["columns"] == "cars.menages, cars.menages_voiture"
    assert row["difference"] == pytest.approx(row["after"] - row["before"])
    assert (row["state_before"], row["state_after"], row["in_core"]) == ("known", "known", True)
    assert "Tavaux (39526) : Ménages sans voiture [cars.menages, cars.menages_voiture], 8,26 → 26,6 %" in said(
        found, "figures"
    )
    assert "RP 2022 → utilisateur, tableau « cars » fourni par l'utilisateur (Mobilité)" in said(found, "figures")
    assert found.changes.loc[(TAVAUX, "mobility"), "people"] == pytest.approx(
        found.changes.loc[(TAVAUX, "mobility"), "people_demand"]
    )


# The account of a change

COUNTS = st.floats(0, 1e6)
RATIOS = st.floats(0, 1e4)


def unmet(people, access, norm):
    return people * max(0.0, 1 - access / norm)


@settings(max_examples=80, deadline=None)
@given(st.tuples(COUNTS, RATIOS, st.floats(1e-6, 1e4)), st.tuples(COUNTS, RATIOS, st.floats(1e-6, 1e4)))
@example((10.0, 0.0, 1.0), (10.0, 5.0, 1.0))
@example((0.0, 0.5, 1.0), (7.0, 0.5, 1.0))
def test_parts_are_the_mean_over_the_six_orders_and_add_up(one, other):
    wanted = np.zeros(3)
    for order in permutations(range(3)):
        now = list(one)
        for factor in order:
            then = unmet(*now)
            now[factor] = other[factor]
            wanted[factor] += (unmet(*now) - then) / 6
    found = parts(row(one, other)).iloc[0]
    size = max(one[0], other[0], 1)
    assert found.to_numpy() == pytest.approx(wanted, abs=1e-9 * size)
    assert found.sum() == pytest.approx(unmet(*other) - unmet(*one), abs=1e-9 * size)
    back = parts(row(other, one)).iloc[0]
    assert back.to_numpy() == pytest.approx(-found.to_numpy(), abs=1e-9 * size)


def row(one, other):
    names = ("demand", "access", "target")
    cells = {f"{name}_before": value for name, value in zip(names, one, strict=True)}
    cells |= {f"{name}_after": value for name, value in zip(names, other, strict=True)}
    known = [unmet(*side) if side[2] > 0 else np.nan for side in (one, other)]
    return pd.DataFrame([cells | {"unmet_before": known[0], "unmet_after": known[1]}])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((10.0, np.nan, 1.0), (10.0, 0.5, 1.0)),
        ((10.0, 0.5, 0.0), (10.0, 0.5, 1.0)),
        ((10.0, 0.5, 1.0), (10.0, 0.5, np.nan)),
        ((10.0, 0.5, 1.0), (10.0, np.inf, 1.0)),
        ((np.nan, 0.5, 1.0), (10.0, 0.5, 1.0)),
    ],
)
def test_parts_of_what_is_unknown_are_unknown(one, other):
    assert parts(row(one, other)).isna().all(axis=None)


def test_unmet_people_set_by_hand_are_not_shared_out():
    typed = row((10.0, 0.5, 1.0), (12.0, 0.5, 1.0)).assign(unmet_after=3.0)
    assert parts(typed).isna().all(axis=None)


def test_distinct_is_when_the_intervals_do_not_overlap():
    one = factory.make_diagnostic()
    grown = one.coverage.assign(**{name: 2 * one.coverage[name] for name in ("unmet_people", "low", "high")})
    found = compare(one, replace(one, coverage=grown)).changes
    low, high = found["unmet_before"] * 0.8, one.coverage["high"]
    wanted = (2 * one.coverage["low"]).gt(high) | (2 * high).lt(low)
    known = one.coverage["low"].notna()
    assert found.loc[known, "distinct"].eq(wanted[known]).all()
    assert found.loc[~known, "distinct"].isna().all()


# Vintages


@pytest.fixture(scope="module")
def vintage(demo, before):
    territory, tables = demo
    activity = tables.activity.assign(actifs_15_64=1.05 * tables.activity["actifs_15_64"])
    named = {
        **tables.sources,
        "activity": tuple(replace(one, millesime="RP 2021") for one in tables.sources["activity"]),
    }
    return compare(before, diagnose(territory, replace(tables, activity=activity, sources=named)))


def test_a_new_vintage_is_told_with_its_source_and_the_needs_that_read_it(vintage):
    sums_up(vintage)
    text = said(vintage, "figures")
    assert "Nouveau millésime : Insee, Comparateur de territoires, base communale, RP 2018, état civil" in text
    assert "→ RP 2021 (Mobilité, Emploi, Insertion" in text
    assert vintage.causes["figures"].all()
    assert not vintage.causes.drop(columns="figures").any(axis=None)


def test_censuses_less_than_five_years_apart_are_cautioned_against(vintage):
    note = next(note for note in vintage.notes if "Recensements 2018 et 2021" in note.fr)
    assert "se recouvrent (2019-2020)" in note.fr
    assert "Mobilité, Emploi" in note.fr
    assert "Petite enfance" not in note.fr
    assert "ce n'est pas une évolution" in sentences_of(vintage, "employment").caution_fr


# Settings, method


def test_other_settings_are_held_apart_by_their_intervals(demo, before):
    found = compare(before, diagnose(*demo, speed_kmh=52))
    assert not found.summary()["distinct"].any()
    assert "Le territoire n'a pas changé" in sentences_of(found, "childcare").caution_fr
    assert "rien ne permet de dire que cela a changé" in sentences_of(found, "childcare").fr


def test_another_version_of_the_method_acts_on_whatever_changed(before, one_figure):
    later = replace(one_figure.after, settings={**one_figure.after.settings, "method": METHOD + 1})
    found = compare(before, later)
    assert at_work(found, TAVAUX, "mobility") == {"figures", "method"}
    assert f"Version de la méthode : {METHOD} → {METHOD + 1}" in said(found, "method")


def test_a_layer_edited_by_hand_is_a_cause_and_new_figures_are_not(before):
    typed = before.coverage.copy()
    typed.loc[(TAVAUX, "mobility"), ["demand", "unmet_people"]] += 10
    edited = replace(before, coverage=typed, settings={**before.settings, "edited_layers": ["communes"]})
    found = sums_up(compare(before, edited))
    assert at_work(found, TAVAUX, "mobility") == {"edited"}
    assert "communes" in said(found, "edited")
    silent = compare(before, replace(edited, settings=before.settings))
    assert at_work(silent, TAVAUX, "mobility") == {"figures"}


def test_a_change_without_a_cause_is_said_unexplained(before):
    typed = before.coverage.copy()
    typed.loc[(TAVAUX, "mobility"), "access"] *= 0.5
    found = sums_up(compare(before, replace(before, coverage=typed)))
    assert at_work(found, TAVAUX, "mobility") == {"unexplained"}
    assert "sans cause connue : 1, dans Tavaux" in said(found, "unexplained")


# Structures, scenarios


def test_a_structure_that_leaves_the_list_acts_where_it_was_within_reach(demo, before):
    territory, tables = demo
    helping = before.structures.index[
        before.structures["ageing"].eq("probable") & before.structures["people_ageing"].gt(0)
    ]
    gone = helping[0]
    after = diagnose(territory, replace(tables, structures=tables.structures.drop(index=[gone])))
    found = sums_up(compare(before, after))
    assert found.structures.index.tolist() == [gone]
    assert found.structures.loc[gone, ["new", "gone", "moved"]].tolist() == [False, True, False]
    assert said(found, "structures") == "Structures à portée : sorties de la liste, 1 AI."
    rows = found.causes[found.causes["structures"]]
    assert set(rows.index.get_level_values("need")) == {"insertion", "ageing"}
    reached = before.trips.xs(gone, level=("siret", "kind"))
    codes = reached.index[reached <= 30]
    assert set(rows.index.get_level_values("code_commune")) <= set(codes)
    assert not found.causes["unexplained"].any()
    back = compare(after, before)
    assert bool(back.structures.loc[gone, "new"])


def test_a_scenario_tells_who_gains_and_that_supply_made_it(demo, before):
    territory, tables = demo
    place = territory.points.loc[["39476"]].to_crs(4326).iloc[0]
    site = {"need": "childcare", "name": "Crèche", "lon": place.x, "lat": place.y, "capacity": 20.0}
    found = sums_up(tg.simulate(before, territory, tables, add=pd.DataFrame([site])))
    assert set(found.causes.index.get_level_values("need")) == {"childcare"}
    assert found.causes["structures"].all()
    total = found.summary().loc["childcare"]
    assert total["people_access"] == pytest.approx(-total["net"])
    assert total["low"] <= -total["net"] <= total["high"] < 0
    assert json.loads(json.dumps(found.after.settings["scenario"]))["added"] == [site]
    told = sentences_of(found, found.before.needs[1])
    assert told.fr == (
        "Petite enfance : 16 de moins, de 95 à 79 enfants sans place, au regard de la norme. "
        "L'offre à portée en retire 16."
    )
    assert told.en.startswith("Childcare: 16 fewer, from 95 to 79 children without a place")
    assert told.caution_fr == "Ce qui a pu jouer : structures ou équipements."


def test_a_list_whose_ids_are_not_kept_is_held_by_commune_and_type():
    one = factory.make_diagnostic()
    ids = one.facilities.index.str.replace("facilities/", "facilities/2025-", regex=False)
    same = compare(one, replace(one, facilities=one.facilities.set_axis(ids.rename("id")).sort_index()))
    assert same.facilities.empty
    left = one.facilities.set_axis(ids.rename("id")).drop(index="facilities/2025-ehpad")
    found = compare(one, replace(one, facilities=left)).facilities
    assert found.index.tolist() == [f"facilities/{one.territory.core[5]}-500"]
    assert bool(found["amount"].iloc[0]) or bool(found["moved"].iloc[0])
    assert compare(one, replace(one, facilities=one.facilities.iloc[:0])).facilities["gone"].all()


# Perimeters


def without(territory, codes):
    communes = territory.communes.copy()
    communes.loc[codes, "in_core"] = False
    return replace(territory, communes=communes)


def test_a_commune_less_is_told_and_the_others_are_compared(demo, before):
    territory, tables = demo
    found = sums_up(compare(before, diagnose(without(territory, [TAVAUX]), tables)))
    assert said(found, "perimeter") == "Communes sorties du territoire : Tavaux."
    assert "1 commune (3\u202f888 habitants) du premier" in found.notes[0].fr
    assert set(found.causes.index.get_level_values("code_commune")) == {TAVAUX}
    assert found.causes["perimeter"].all()
    rows = found.changes.loc[TAVAUX]
    assert rows["unmet_before"].notna().all()
    assert rows["unmet_after"].isna().all()
    assert found.summary()["unknown"].eq(0).all()
    assert "rien n'a changé" in sentences_of(found, "mobility").fr
    back = compare(found.after, before)
    assert said(back, "perimeter") == "Communes entrées dans le territoire : Tavaux."


# What is written and drawn


def test_tables_are_flat_and_named(one_figure):
    table = changes_table(one_figure)
    assert table.columns[:4].tolist() == ["code_commune", "nom_commune", "need", "label"]
    assert len(table) == len(one_figure.changes)
    rows = table[table["changed"]]
    assert rows[["nom_commune", "label", "causes"]].to_numpy().tolist() == [["Tavaux", "Mobilité", "nouveaux chiffres"]]
    assert table.loc[~table["changed"], "causes"].eq("").all()
    figures = figures_table(one_figure)
    assert figures.loc[0, ["nom_commune", "label", "unit"]].tolist() == ["Tavaux", "Ménages sans voiture", "%"]
    causes = [one.cause for one in one_figure.why]
    assert why_table(one_figure)["cause"].tolist() == [*causes, *["note"] * len(one_figure.notes)]
    empty = compare(one_figure.before, one_figure.before)
    assert figures_table(empty).empty
    assert not changes_table(empty)["changed"].any()


def test_totals_are_those_of_the_summaries(before, one_figure):
    total = one_figure.summary()
    first, second = before.summary(), one_figure.after.summary()
    assert total["before"].to_dict() == pytest.approx(first["unmet_people"].to_dict())
    assert total["after"].to_dict() == pytest.approx(second["unmet_people"].to_dict())
    assert (-total["net"]).to_dict() == pytest.approx(total[PARTS].sum(axis=1).to_dict())


def test_the_map_of_a_change_names_what_may_have_made_it(one_figure):
    core = one_figure.after.territory.core
    for lang, words in (("fr", "Ce qui a pu jouer : nouveaux chiffres."), ("en", "What may have acted: new figures.")):
        themes = change_themes(one_figure.after, core, Options(lang, before=one_figure.before))
        notes = {theme.id: theme.words["note"] for theme in themes}
        assert notes["change:mobility"].endswith(words)
        assert words not in notes["change:ageing"]
    assert cause_words(one_figure, "mobility") == ("nouveaux chiffres", "new figures")
    assert cause_words(one_figure, "ageing") == ("", "")


def test_a_need_of_neither_is_refused(one_figure):
    with pytest.raises(ValueError, match=r"training.*in neither diagnostic"):
        sentences_of(one_figure, "training")


def test_the_record_can_still_be_found_beside_the_scenarios():
    assert tg.Comparison is Comparison


# The version of the method

PINNED = {1: "6cd882312fd86c49"}


def test_figures_of_the_demonstration_do_not_change_without_a_new_version_of_the_method(before):
    table = before.summary().select_dtypes("number")
    cells = {need: {name: f"{value:.5e}" for name, value in row.items()} for need, row in table.T.items()}
    digest = hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]
    assert PINNED.get(METHOD) == digest, (
        f"The figures of the demonstration changed. If a formula, a convention or a default did: add 1 to "
        f"settings.METHOD and pin it here: PINNED = {{{METHOD + 1}: '{digest}'}}. If only the demonstration's data "
        f"did: PINNED = {{{METHOD}: '{digest}'}}."
    )
