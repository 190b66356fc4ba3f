"""Proposals: groups of neighbours, who could answer, where to open; every figure of a sentence is in the evidence."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

import _small_territory as small
import territoire_geo as tg
from territoire_geo import sentences
from territoire_geo.activities import ANSWERING, levels
from territoire_geo.diagnostic import diagnose
from territoire_geo.measures import Inputs, Reference
from territoire_geo.needs import NEEDS
from territoire_geo.neighbours import from_lists
from territoire_geo.proposals import FEWEST, GROUPS, propose

A, B, C, D = small.CODES
BY_ID = {need.id: need for need in NEEDS}
EVERYWHERE = small.territory(core=small.CODES)
LINE = from_lists({A: [B], B: [A, C], C: [B, D], D: [C]})


def inputs(tables=None, minutes=None):
    tables = tables or small.tables()
    known = tables.structures
    found = pd.DataFrame(columns=list(BY_ID)) if known is None else levels(known, tables.activities, NEEDS)
    pairs = {
        (one, other): 10.0 * abs(i - j) for i, one in enumerate(small.CODES) for j, other in enumerate(small.CODES)
    }
    pairs |= {(one, "structures/2/AI"): 10.0 * abs(i - 1) for i, one in enumerate(small.CODES)}
    pairs |= {(one, "structures/1/ACI"): 5.0 + 10.0 * i for i, one in enumerate(small.CODES)}
    trips = pd.Series(pairs if minutes is None else minutes, name="minutes")
    trips.index.names = ["origin", "destination"]
    return Inputs(EVERYWHERE, tables, {"car": trips}, Reference("DEP", "39", "Jura"), found)


def covered(unmet, demand=(100, 100, 100, 100), out_of_reach=(0, 0, 0, 0), known_share=(1, 1, 1, 1)):
    frame = small.by_commune(unmet_people=unmet, demand=demand, out_of_reach=out_of_reach, known_share=known_share)
    return frame.assign(saturated=frame["unmet_people"] - frame["out_of_reach"])


def proposed(need, frame, given=None, settings=None, neighbours=LINE):
    settings = frame[["unmet_people"]] if settings is None else settings
    return propose(BY_ID[need], given or inputs(), frame, neighbours, settings=settings)


def groups(found):
    return [one for one in found if one.action != "open"]


def sites(found):
    return [one for one in found if one.action == "open"]


# Groups


def test_neighbours_that_lack_more_than_the_whole_make_a_group_the_largest_first():
    found = groups(proposed("ageing", covered((38, 10, 60, 50))))  # 39.5 % in all: A lacks less
    assert [one.communes for one in found] == [(C, D)]
    (group,) = found
    assert group.people == 110
    assert group.evidence["demand"] == 200
    two = groups(proposed("ageing", covered((50, 10, 15, 60), demand=(100, 100, 100, 100))))
    assert [one.communes for one in two] == [(D,), (A,)]


def test_where_all_lack_alike_all_are_to_be_discussed():
    (group,) = groups(proposed("ageing", covered((30, 30, 30, 30))))
    assert group.communes == (A, B, C, D)


def test_a_commune_that_touches_none_is_a_group_alone_and_islands_are_no_error():
    alone = from_lists({code: [] for code in small.CODES})
    found = groups(proposed("ageing", covered((40, 10, 60, 50)), neighbours=alone))
    assert [one.communes for one in found] == [(C,), (D,), (A,)]


def test_no_more_groups_than_are_read():
    alone = from_lists({code: [] for code in small.CODES})
    frame = covered((90, 80, 70, 60), demand=(100, 100, 100, 10_000))
    assert len(groups(proposed("ageing", frame, neighbours=alone))) == GROUPS


def test_nobody_unmet_proposes_nothing_and_fewer_than_five_neither():
    assert proposed("ageing", covered((0, 0, 0, 0))) == []
    assert proposed("ageing", covered((0, 0, FEWEST - 1, 0))) == []


def test_unknown_is_in_no_group_and_empties_none():
    found = groups(proposed("ageing", covered((np.nan, 10, 60, 50))))
    assert found[0].communes == (C, D)
    assert proposed("ageing", covered([np.nan] * 4)) == []


def test_low_and_high_are_sums_of_one_setting_never_of_extremes():
    frame = covered((0, 0, 60, 50))
    settings = small.by_commune(central=[0, 0, 60, 50], short=[0, 0, 80, 20], long=[0, 0, 30, 90])
    (group,) = groups(proposed("ageing", frame, settings=settings))
    assert (group.low, group.high) == (100, 120)  # 80 + 90 = 170 would be a sum of extremes


def test_a_setting_that_leaves_a_commune_unknown_keeps_its_central_value():
    settings = small.by_commune(central=[0, 0, 60, 50], short=[0, 0, np.nan, 40])
    (group,) = groups(proposed("ageing", covered((0, 0, 60, 50)), settings=settings))
    assert (group.low, group.high) == (100, 110)


# Who could answer


def test_structures_that_answer_come_with_their_minutes_people_and_level():
    (group,) = groups(proposed("ageing", covered((60, 50, 0, 0))))
    assert group.action == "strengthen"
    assert group.structures == (("2", "AI"),)
    (named,) = group.evidence["structures"]
    assert (named["minutes"], named["people"], named["level"]) == (0.0, 110.0, "probable")


def test_an_unknown_activity_is_to_be_asked_not_counted_as_an_answer():
    (group,) = groups(proposed("childcare", covered((60, 50, 0, 0))))
    assert group.action == "ask"
    assert group.structures == (("1", "ACI"),)
    assert group.evidence["answering"] == 0


def test_beyond_reach_a_new_one_is_to_be_studied_and_without_a_list_nothing_is_said():
    far = {(one, one): 0.0 for one in small.CODES}
    (alone,) = groups(proposed("ageing", covered((60, 50, 0, 0)), given=inputs(minutes=far)))
    assert (alone.action, alone.structures) == ("create", ())
    (blind,) = groups(proposed("ageing", covered((60, 50, 0, 0)), given=inputs(small.tables(structures=None))))
    assert blind.action == "list"
    assert "n'est pas connu" in blind.reason


def test_a_structure_without_an_address_forbids_to_say_that_none_answers():
    lost = small.structures(("2", "AI", "7820Z", None))
    far = {(one, one): 0.0 for one in small.CODES}
    (group,) = groups(
        proposed("ageing", covered((60, 50, 0, 0)), given=inputs(small.tables(structures=lost), minutes=far))
    )
    assert group.action == "list"
    assert "Une structure qui y répond n'a pas d'adresse connue" in group.reason


def test_where_the_list_of_structures_stops_nothing_is_said_of_them():
    tables = small.tables()
    cut = tables.__class__(**{name: getattr(tables, name) for name in tables.loaded},
                           extents={"structures": pd.Index([C, D])})  # fmt: skip
    far = {(one, one): 0.0 for one in small.CODES}
    (group,) = groups(proposed("ageing", covered((60, 50, 0, 0)), given=inputs(cut, minutes=far)))
    assert group.action == "list"


# Where to open


def test_the_first_place_has_the_most_people_within_reach():
    # Reach of childcare: 15 minutes, that is one commune away.
    (best,) = sites(proposed("childcare", covered((10, 60, 5, 0), demand=(1000, 1000, 1000, 1000))))[:1]
    assert best.communes in {(A,), (B,)}
    assert best.people == 75
    assert "mean_minutes" in best.evidence  # all of them: the nearest on average is B
    assert best.communes == (B,)


def test_places_follow_one_another_with_what_each_adds():
    first, second = sites(proposed("childcare", covered((50, 0, 0, 40))))
    assert (first.people, second.people) == (50, 40)
    assert first.evidence["rank"] == 1
    assert second.evidence["covered"] == 90
    assert second.evidence["bound"] >= 90


def test_a_place_that_adds_too_few_is_not_proposed():
    found = sites(proposed("childcare", covered((500, 0, 0, 10), demand=(1000, 1000, 1000, 1000))))
    assert len(found) == 1


def test_beyond_reach_of_every_commune_no_place_is_proposed():
    nowhere = {(one, "structures/2/AI"): 5.0 for one in small.CODES}
    assert sites(proposed("ageing", covered((60, 50, 0, 0)), given=inputs(minutes=nowhere))) == []


# Sentences


@pytest.fixture(scope="module")
def dole():
    territory, tables = tg.load_demo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return diagnose(territory, tables)


def numbers(text):
    found = re.findall(r"\d+(?:[\u202f,]\d{3})*", re.sub(r"[A-Z][\w'’\- ]* \((?:AI|ACI|EI|ETTI|EA|GEIQ)", "", text))
    return {int(re.sub(r"\D", "", number)) for number in found}


def test_every_number_of_a_sentence_is_in_its_evidence(dole):
    for one in dole.proposals:
        figures = one.evidence
        known = [value for value in figures.values() if isinstance(value, (int, float))]
        known += [inner["minutes"] for inner in figures.get("structures", [])]
        known += [figures.get("communes", 0) - 3, figures.get("answering", 0) - 2, figures.get("to_ask", 0) - 2, 5, 1]
        rounded = {int(f"{value:.0f}") for value in known}
        assert numbers(one.reason) <= rounded, one.reason
        assert numbers(one.reason_en) <= rounded, one.reason_en


def test_a_sentence_does_not_overstate(dole):
    for one in dole.proposals:
        said = f"{one.reason} {one.reason_en}".lower()
        assert not re.search(r"optimal|il faut|doit |must|need to open|résou|solve", said)
        assert "nan" not in re.findall(r"\w+", said)


def test_the_demonstration_proposes_something_for_every_need(dole):
    assert {one.need for one in dole.proposals} == set(BY_ID)
    core = set(dole.territory.core)
    assert all(set(one.communes) <= core for one in dole.proposals)
    names = dole.structures.index
    assert all(key in names for one in dole.proposals for key in one.structures)


def test_jura_service_is_named_for_what_it_declares(dole):
    named = [one for one in dole.proposals if one.need == "mobility" and one.action == "strengthen"]
    assert any("JURA SERVICE" in one.reason and "déclarée" in one.reason for one in named)


def test_proposals_are_the_same_twice(dole):
    territory, tables = tg.load_demo()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        again = diagnose(territory, tables)
    assert [(one.communes, one.reason) for one in again.proposals] == [
        (one.communes, one.reason) for one in dole.proposals
    ]


@pytest.mark.parametrize(
    ("count", "fr", "en"),
    [(0.2, "moins de 5", "fewer than 5"), (4.9, "moins de 5", "fewer than 5"),
     (5.2, "5", "5"), (1234.4, "1\u202f234", "1,234")],
)  # fmt: skip
def test_people_are_whole_and_never_told_under_five(count, fr, en):
    assert sentences.people(count, "fr") == fr
    assert sentences.people(count, "en") == en


def test_every_level_that_can_answer_has_words():
    assert set(sentences.LEVELS) == {*(level.value for level in ANSWERING), "unknown"}


@pytest.mark.parametrize(
    ("name", "said"), [("Dole", "à Dole"), ("Le Deschaux", "au Deschaux"), ("Les Abymes", "aux Abymes")]
)
def test_the_article_of_a_commune_is_contracted(name, said):
    assert sentences.at(name) == said


def test_a_tie_is_not_told_as_the_nearest_place():
    same = {(one, other): 5.0 for one in small.CODES for other in small.CODES}
    (site,) = sites(proposed("childcare", covered((60, 50, 0, 0)), given=inputs(minutes=same)))
    assert "le plus près" not in site.reason
    assert "3 autres communes" in site.reason


def test_a_range_that_says_no_more_than_the_figure_is_not_written():
    (group,) = groups(proposed("ageing", covered((60, 50, 0, 0))))
    assert "hypothèses" not in group.reason
    assert "nan" not in group.reason


def test_a_structure_without_a_name_is_said_so():
    structures = small.tables().structures.assign(name=None)
    (group,) = groups(proposed("ageing", covered((60, 50, 0, 0)), given=inputs(small.tables(structures=structures))))
    assert "structure sans nom (AI" in group.reason


def test_a_hostile_name_is_kept_as_data():
    structures = small.tables().structures
    structures.loc[("2", "AI"), "name"] = "<script>alert(1)</script>"
    (group,) = groups(proposed("ageing", covered((60, 50, 0, 0)), given=inputs(small.tables(structures=structures))))
    assert "<script>" in group.reason  # escaped where it is drawn, never here
