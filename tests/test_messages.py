"""The key messages: true, not overstated, silent when the data do not allow them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from territoire_geo.messages import headlines, key_messages
from territoire_geo.sentences import people, percent

CODES = ["39198", "39001", "39008"]
CHILDCARE = 1


def made(diagnostic, unmet, *, demand=100.0, low=None, high=None, answering=1.0, far=0.0):  # noqa: PLR0913 - a case each
    """Give the demonstration three communes' figures of childcare, the others unknown; None keeps the value."""
    coverage = diagnostic.coverage.copy()
    rows = coverage.index.get_level_values("need") == "childcare"
    columns = coverage.columns.drop("reachable")
    coverage.loc[rows, columns] = np.nan
    for code, count in zip(CODES, unmet, strict=False):
        key = (code, "childcare")
        whole = demand if np.isfinite(count) else np.nan
        coverage.loc[key, ["demand", "unmet_people", "served"]] = [whole, count, whole - count]
        coverage.loc[key, ["out_of_reach", "saturated"]] = [far * count, (1 - far) * count]
        coverage.loc[key, ["low", "high"]] = [count if low is None else low, count if high is None else high]
        coverage.loc[key, "known_share"] = 1.0
    scenarios = diagnostic.scenarios.copy()
    total = np.nansum(unmet) if np.isfinite(unmet).any() else np.nan
    scenarios.loc["childcare", "unmet_people"] = total
    first = scenarios.index.get_loc("childcare")
    place = np.arange(len(scenarios))[first][-1]
    scenarios.iloc[place, scenarios.columns.get_loc("unmet_people")] = total if high is None else high
    reach = diagnostic.reach.copy()
    reach.loc[reach.index.get_level_values("need") == "childcare", "answering"] = answering
    return replace(diagnostic, coverage=coverage, scenarios=scenarios, reach=reach)


def told(diagnostic):
    return {message.about: message for message in key_messages(diagnostic, diagnostic.needs[CHILDCARE])}


def test_nothing_known_is_silence(demo_diagnostic):
    assert told(made(demo_diagnostic, [np.nan])) == {}


def test_nobody_concerned_is_silence(demo_diagnostic):
    assert told(made(demo_diagnostic, [0.0, 0.0], demand=0.0)) == {}


def test_what_part_is_known_is_said(demo_diagnostic):
    size = told(made(demo_diagnostic, [40.0, 20.0, np.nan]))["size"]
    assert size.fr.startswith("Dans les 2 communes dont les chiffres sont connus, sur 47 : 60 ")
    assert "sur 200 personnes concernées, soit 30 %" in size.fr
    assert "le reste est inconnu, non compté" in size.caution_fr
    assert size.evidence["unmet_people"] == 60


def test_no_gap_is_held_against_the_norm(demo_diagnostic):
    found = told(made(demo_diagnostic, [0.0, 0.0, 0.0]))
    assert set(found) == {"size"}
    assert "au regard de la norme, personne" in found["size"].fr


def test_a_few_people_name_no_commune(demo_diagnostic):
    found = told(made(demo_diagnostic, [3.0, 1.0, 0.0]))
    assert "moins de 5" in found["size"].fr
    assert "where" not in found
    assert "who" not in found


def test_a_small_total_says_so(demo_diagnostic):
    assert "Petit nombre" in told(made(demo_diagnostic, [8.0, 7.0, 6.0]))["size"].caution_fr
    assert "Petit nombre" not in told(made(demo_diagnostic, [18.0, 7.0, 6.0]))["size"].caution_fr


def test_a_wide_range_is_an_order_of_magnitude(demo_diagnostic):
    wide = told(made(demo_diagnostic, [40.0, 20.0], high=200.0))["size"]
    narrow = told(made(demo_diagnostic, [40.0, 20.0], high=63.0))["size"]
    assert "environ 60 " in wide.fr
    assert "(de 60 à 200 selon les hypothèses)" in wide.fr
    assert "Un ordre de grandeur." in wide.caution_fr
    assert "ordre de grandeur" not in narrow.caution_fr
    assert ": 60 enfants" in narrow.fr
    assert "(de 60 à 63 selon" in narrow.fr


def test_communes_with_most_people_come_first(demo_diagnostic):
    where = told(made(demo_diagnostic, [10.0, 60.0, 4.0]))["where"]
    assert where.evidence["communes"] == ["39001", "39198"]
    assert where.evidence["half"] == 1
    assert "1 commune sur 3 connues réunit la moitié du total" in where.fr
    assert "(4)" not in where.fr
    assert "De l'offre est à portée, mais en deçà de la norme" in where.fr


def test_an_even_spread_is_not_called_concentrated(demo_diagnostic):
    assert "la moitié" not in told(made(demo_diagnostic, [20.0, 20.0, 20.0]))["where"].fr


def test_what_is_out_of_reach_is_said(demo_diagnostic):
    assert (
        "Rien n'est à portée pour 80 % de ces personnes ; pour les autres, l'offre à portée"
        in told(made(demo_diagnostic, [50.0, 50.0], far=0.8))["where"].fr
    )


def test_wide_intervals_warn_of_the_order(demo_diagnostic):
    assert "l'ordre n'est pas sûr" in told(made(demo_diagnostic, [50.0, 40.0], low=20, high=60))["where"].caution_fr
    assert "l'ordre" not in told(made(demo_diagnostic, [50.0, 40.0]))["where"].caution_fr


def test_one_commune_is_not_the_first_of_any(demo_diagnostic):
    assert "where" not in told(made(demo_diagnostic, [50.0]))


def test_who_could_answer_is_silent_without_a_list(demo_diagnostic):
    assert "who" not in told(made(demo_diagnostic, [50.0, 40.0], answering=np.nan))


def test_nobody_who_answers_is_said(demo_diagnostic):
    crafted = made(demo_diagnostic, [50.0, 40.0], answering=0.0)
    structures = crafted.structures.assign(childcare="no")
    who = told(replace(crafted, structures=structures))["who"]
    lead = "Aucune structure connue pour répondre à ce besoin n'est à 15 min au plus en voiture"
    assert who.fr == f"{lead} de ces personnes."
    assert who.evidence["near"] == 0


def test_an_unknown_activity_is_no_answer(demo_diagnostic):
    crafted = made(demo_diagnostic, [50.0, 40.0], answering=0.0)
    levels = pd.Series("unknown", index=crafted.structures.index).where(
        crafted.structures["people_childcare"].gt(0), "no"
    )
    who = told(replace(crafted, structures=crafted.structures.assign(childcare=levels)))["who"]
    assert who.fr.startswith("Aucune structure")
    assert "à interroger" in who.caution_fr


def test_a_few_people_have_no_range(demo_diagnostic):
    size = told(made(demo_diagnostic, [3.0, 1.0, 0.0], low=1, high=3))["size"]
    assert "selon les hypothèses" not in size.fr + size.caution_fr
    assert "soit" not in size.fr


def test_one_known_commune_is_in_the_singular(demo_diagnostic):
    size = told(made(demo_diagnostic, [40.0]))["size"]
    assert size.fr.startswith("Dans la seule commune dont les chiffres sont connus, sur 47 : 40 ")
    assert size.en.startswith("In the only commune whose figures are known, of 47: 40 ")


def test_a_secret_is_called_one(demo_diagnostic):
    key = pd.MultiIndex.from_tuples([("39200", "childcare")], names=["code_commune", "item"])
    crafted = replace(made(demo_diagnostic, [40.0, 20.0]), absences=pd.Series(["taux : secret"], index=key))
    assert "secret ou inconnu" in told(crafted)["size"].caution_fr


def test_supply_near_some_is_not_said_of_all(demo_diagnostic):
    where = told(made(demo_diagnostic, [50.0, 50.0], far=0.4))["where"]
    assert "Rien n'est à portée pour 40 % de ces personnes" in where.fr
    assert where.evidence["out_of_reach"] == pytest.approx(40)
    assert told(made(demo_diagnostic, [50.0, 50.0], far=1.0))["where"].fr.endswith("à portée de ces personnes.")


def everywhere(diagnostic, counts, demand=50.0):
    """Give every commune of the demonstration as many children without a place."""
    coverage = diagnostic.coverage.copy()
    rows = coverage.index.get_level_values("need") == "childcare"
    coverage.loc[rows, ["demand", "out_of_reach"]] = [demand, 0.0]
    coverage.loc[rows, ["unmet_people", "low", "high", "saturated"]] = np.tile(counts, (4, 1)).T
    return replace(diagnostic, coverage=coverage)


def test_communes_alike_are_not_told_apart(demo_diagnostic):
    where = told(everywhere(demo_diagnostic, np.full(47, 6.0)))["where"]
    assert where.fr.startswith("Aucune commune ne se détache.")
    assert where.evidence["communes"] == []


def test_a_commune_is_the_first_only_when_its_interval_is(demo_diagnostic):
    counts = np.full(47, 6.0)
    counts[10:12] = 40.0
    crafted = everywhere(demo_diagnostic, counts)
    assert told(crafted)["where"].fr.startswith("Le plus de personnes : ")
    coverage = crafted.coverage.copy()
    coverage.loc[coverage.index.get_level_values("need") == "childcare", "high"] = 45.0
    shaken = told(replace(crafted, coverage=coverage))["where"]
    assert shaken.fr.startswith("Parmi les communes les plus concernées : ")
    assert "l'ordre n'est pas sûr" in shaken.caution_fr


def test_a_commune_of_few_inhabitants_is_not_named(demo_diagnostic):
    population = demo_diagnostic.territory.communes["population"]
    small = [code for code in demo_diagnostic.territory.core if population[code] < 200]
    assert small
    for need in demo_diagnostic.needs:
        for message in key_messages(demo_diagnostic, need):
            if message.about != "where":
                continue
            named = {*message.evidence["communes"], message.evidence["highest"]}
            assert not named & set(small)
    first = next(message for message in headlines(demo_diagnostic) if message.about == "first")
    assert not set(first.evidence["communes"]) & set(small)


def test_minutes_to_structures_are_by_car(demo_diagnostic):
    mobility = demo_diagnostic.needs[0]
    who = key_messages(demo_diagnostic, mobility)[2]
    assert mobility.mode == "bike"
    assert "à 30 min au plus en voiture" in who.fr


def test_a_geiq_is_not_called_a_siae(demo_diagnostic):
    crafted = made(demo_diagnostic, [50.0, 40.0])
    assert "une structure de l'IAE" in told(crafted)["who"].fr
    structures = crafted.structures.assign(is_siae=False)
    assert "de l'IAE" not in told(replace(crafted, structures=structures))["who"].fr


def test_where_the_list_stops_is_not_none(demo_diagnostic):
    crafted = made(demo_diagnostic, [50.0, 40.0], answering=0.0)
    zones = crafted.inventory.zones.copy()
    zones["zone"] = "unlisted"
    assert "who" not in told(replace(crafted, inventory=replace(crafted.inventory, zones=zones)))


def test_a_list_of_a_part_is_said_of_that_part(demo_diagnostic):
    crafted = made(demo_diagnostic, [30.0, 10.0])
    reach = crafted.reach.copy()
    reach.loc[("39001", "childcare"), "answering"] = np.nan
    who = told(replace(crafted, reach=reach))["who"]
    assert who.fr.startswith("Là où la liste des structures est connue (75 % des personnes non couvertes) : ")
    assert who.evidence["unmet_people"] == 30


def test_a_file_edited_by_hand_is_said(demo_diagnostic):
    edited = replace(demo_diagnostic, settings={**demo_diagnostic.settings, "edited_layers": ["communes"]})
    assert "modifié à la main" in told(edited)["size"].caution_fr
    assert "modifié" not in told(edited)["who"].caution_fr


def test_a_need_known_in_a_few_communes_is_not_the_territory_s(demo_diagnostic):
    needs = headlines(made(demo_diagnostic, [40.0]))[0]
    assert "childcare" not in needs.evidence
    assert "Petite enfance" not in needs.fr


def test_a_ranking_without_order_names_nobody(demo_diagnostic):
    table = demo_diagnostic.ranking.table.assign(rank=24.0, stability=1.0)
    flat = replace(demo_diagnostic, ranking=replace(demo_diagnostic.ranking, table=table))
    assert all(message.about != "first" for message in headlines(flat))


def test_names_stay_as_they_are_and_words_come_from_the_need(demo_diagnostic):
    hostile, nameless = "<img src=x onerror=alert(1)> & {0} %s", "39189"
    communes = demo_diagnostic.territory.communes.copy()
    communes.loc["39526", "nom_commune"], communes.loc[nameless, "nom_commune"] = hostile, None
    needs = (replace(demo_diagnostic.needs[0], unmet="=HYPERLINK(1)"), *demo_diagnostic.needs[1:])
    territory = replace(demo_diagnostic.territory, communes=communes)
    crafted = replace(demo_diagnostic, territory=territory, needs=needs)
    size, where, _ = key_messages(crafted, needs[0])
    assert "=HYPERLINK(1)" in size.fr
    assert hostile in where.fr
    assert nameless in where.fr
    for one in (size, where, *headlines(crafted)):
        json.dumps(dict(one.evidence), allow_nan=False)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_figures_of_the_demonstration_are_those_of_the_summary(demo_diagnostic, lang):
    summary = demo_diagnostic.summary()
    for need in demo_diagnostic.needs:
        size, where, who = key_messages(demo_diagnostic, need)
        row = summary.loc[need.id]
        text = size.fr if lang == "fr" else size.en
        exact = row["high"] < 1.5 * row["low"]
        rough = round(row["unmet_people"], -1 if row["unmet_people"] < 1000 else -2)
        assert exact or row["unmet_people"] < 100 or people(rough, lang) in text
        assert not exact or people(row["unmet_people"], lang) in text
        assert percent(row["share"], lang) in text
        assert size.evidence["low"] == row["low"]
        table = demo_diagnostic.coverage.xs(need.id, level="need")["unmet_people"]
        assert where.evidence["people"] == [table[code] for code in where.evidence["communes"]]
        assert table.nlargest(where.evidence["half"]).sum() >= table.sum() / 2 * (1 - 1e-9)
        assert who.evidence["near"] <= who.evidence["unmet_people"]


def test_headlines_of_the_demonstration(demo_diagnostic):
    needs, first = headlines(demo_diagnostic)
    assert needs.evidence == demo_diagnostic.summary()["unmet_people"].to_dict()
    table = demo_diagnostic.priorities
    assert (table.loc[first.evidence["communes"], "stability"] >= 0.9).all()
    assert "rien ne s'additionne" in needs.caution_fr


def test_what_is_unknown_is_a_headline(demo_diagnostic):
    unknown = headlines(made(demo_diagnostic, [np.nan]))[-1]
    assert unknown.evidence["unknown"] == ["childcare"]
    assert "Petite enfance" in unknown.fr
    partial = headlines(made(demo_diagnostic, [40.0]))[-1]
    assert partial.evidence["partial"] == ["childcare"]


def test_no_commune_that_stands_out_is_said(demo_diagnostic):
    table = demo_diagnostic.ranking.table.assign(stability=0.4)
    shaken = replace(demo_diagnostic, ranking=replace(demo_diagnostic.ranking, table=table))
    first = next(message for message in headlines(shaken) if message.about == "first")
    assert first.fr.startswith("Aucune commune ne reste")
    few = replace(demo_diagnostic, ranking=replace(demo_diagnostic.ranking, table=table.head(3)))
    assert all(message.about != "first" for message in headlines(few))


counts = st.one_of(st.just(np.nan), st.floats(0, 99))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    unmet=st.lists(counts, min_size=1, max_size=3), far=st.floats(0, 1), answering=st.sampled_from([0.0, 2.0, np.nan])
)
def test_a_sentence_never_says_more_than_its_figures(demo_diagnostic, unmet, far, answering):
    crafted = made(demo_diagnostic, unmet, far=far, answering=answering)
    total = np.nansum(unmet) if np.isfinite(unmet).any() else np.nan
    found = told(crafted)
    if np.isnan(total):
        assert found == {}
        return
    assert found["size"].evidence["unmet_people"] == pytest.approx(total)
    assert ("who" in found) <= (np.isfinite(answering) and total >= 5)
    if "where" in found:
        assert sum(found["where"].evidence["people"]) <= total * (1 + 1e-9)
        for code, count in zip(found["where"].evidence["communes"], found["where"].evidence["people"], strict=True):
            assert count == crafted.coverage.at[(code, "childcare"), "unmet_people"] >= 5
    for message in found.values():
        json.dumps(dict(message.evidence), allow_nan=False)
        assert "nan" not in (message.fr + message.en + message.caution_fr + message.caution_en).lower()
