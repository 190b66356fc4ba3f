"""Commune codes: shape, arrondissements, and harmonising without losing anyone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from territoire_geo import cog
from territoire_geo.errors import CogYearError, TableError, TerritoireGeoError
from territoire_geo.loaders import _base

BASE = _base.communes()
FORMER = _base.former_codes()
RESTORED = _base.restored_codes()


def counts(**rows):
    codes = pd.Index([code.removeprefix("c") for code in rows], name="code_commune", dtype="str")
    return pd.DataFrame({"people": list(rows.values())}, index=codes, dtype="float64")


def harmonised(table, **options):
    return cog.harmonise(table, FORMER, BASE.index, restored=RESTORED, **options)


@pytest.mark.parametrize("code", ["01001", "2A004", "2B033", "97105", "97611", "98711", "75056"])
def test_codes_of_five_characters_are_codes(code):
    cog.check_codes(pd.Index([code]), where="births.code_commune")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1001", r"births\.code: '1001' is not.*leading zero.*'01001' was meant"),
        (1001, "'01001' was meant"),
        ("39198.0", r"'39198\.0' is not a commune code"),
        ("2C004", "is not a commune code"),
        ("200010650", "is not a commune code"),
        ("", "is not a commune code"),
        (None, "is not a commune code"),
        ("Dole", "Read the column as text"),
    ],
)
def test_other_codes_are_errors_that_say_what_was_meant(code, said):
    with pytest.raises(TableError, match=said):
        cog.check_codes(pd.Index([code, "39198"]), where="births.code")


def test_three_codes_are_quoted_and_the_others_counted():
    assert cog.quote(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"
    assert cog.quote([("33965933600012", "AI")]) == "'33965933600012/AI'"


@pytest.mark.parametrize(
    ("code", "departement"), [("39198", "39"), ("2A004", "2A"), ("01001", "01"), ("97411", "974"), ("98711", "987")]
)
def test_departement_is_read_in_the_code(code, departement):
    assert cog.departement(pd.Index([code])).tolist() == [departement]


def test_every_departement_of_the_base_is_read_in_its_code():
    assert (cog.departement(BASE.index) == BASE["code_departement"].to_numpy()).all()


# Harmonising


def test_merged_communes_are_summed():
    done = harmonised(counts(c39576=1, c39474=5, c39198=2))
    assert done.table["people"].to_dict() == {"39198": 2, "39576": 6}
    assert done.merged == {"39474": "39576"}
    assert done.table.index.name == "code_commune"


def test_a_sum_with_an_unknown_part_is_unknown():
    done = harmonised(counts(c39576=np.nan, c39474=5, c39198=np.nan))
    assert done.table["people"].isna().all()


def test_zero_stays_zero():
    assert harmonised(counts(c39576=0, c39474=0)).table["people"].tolist() == [0]


def test_a_median_of_merged_communes_is_unknown():
    table = counts(c39576=1, c39474=5, c39198=2).assign(median=[100.0, 200.0, 300.0])
    medians = harmonised(table, not_additive=["median"]).table["median"]
    assert medians["39198"] == 300
    assert np.isnan(medians["39576"])


def test_a_split_is_flagged_and_nothing_is_invented():
    done = harmonised(counts(c15141=100, c39198=1))
    assert done.split == ("15141",)
    assert done.table["people"].to_dict() == {"15141": 100, "39198": 1}


def test_a_restored_commune_that_is_published_is_no_split():
    table = counts(c15141=60, c15031=10, c15035=10, c15047=10, c15171=10)
    assert harmonised(table).split == ()


@pytest.mark.parametrize(("city", "first", "number"), [("75056", 75101, 20), ("69123", 69381, 9), ("13055", 13201, 16)])
def test_arrondissements_are_summed_and_never_counted_twice(city, first, number):
    parts = counts(**{f"c{first + rank}": 10 for rank in range(number)})
    alone = harmonised(parts)
    assert alone.table["people"].to_dict() == {city: 10 * number}
    assert alone.partial == ()
    both = pd.concat([parts, counts(**{f"c{city}": 10 * number})])
    assert harmonised(both).table["people"].to_dict() == {city: 10 * number}


def test_some_arrondissements_only_are_summed_and_flagged():
    done = harmonised(counts(c75101=1, c75102=2))
    assert done.table["people"].to_dict() == {"75056": 3}
    assert done.partial == ("75056",)


@pytest.mark.parametrize(
    ("codes", "said", "error"),
    [
        (["39198", "99123"], "'99123': no commune of COG 2026 has or had this code", CogYearError),
        (["39198", "1001"], "'01001' was meant", TableError),
        (["39198", "39198"], "'39198' stands on several rows", TableError),
    ],
)
def test_codes_that_match_nothing_are_errors_that_name_them(codes, said, error):
    with pytest.raises(error, match=said):
        harmonised(pd.DataFrame({"people": [1.0, 2.0]}, index=codes))


def test_text_is_not_summed():
    with pytest.raises(TableError, match="'name': only counts"):
        harmonised(counts(c39576=1, c39474=5).assign(name=["a", "b"]))


def test_the_table_is_not_changed_and_whole_codes_are_read():
    table = pd.DataFrame({"people": [1, 5]}, index=[39576, 39474])
    before = table.copy()
    assert harmonised(table).table["people"].to_dict() == {"39576": 6}
    pd.testing.assert_frame_equal(table, before)


def test_an_empty_table_is_harmonised():
    assert harmonised(counts()).table.empty


PARTS = sorted(cog.ARRONDISSEMENTS)
CODES = st.sampled_from([*BASE.index[::40], *sorted(FORMER)[::7], *PARTS])


@given(st.dictionaries(CODES, st.integers(0, 10**6), min_size=1, max_size=60))
@settings(deadline=None, max_examples=40)
def test_sums_are_preserved_whatever_the_codes(rows):
    table = pd.DataFrame({"people": list(rows.values())}, index=list(rows))
    done = harmonised(table)
    assert done.table["people"].sum() == cog.drop_counted_twice(table)["people"].sum()
    assert done.table.index.is_unique
    assert cog.among(done.table.index, BASE.index).all()
    again = harmonised(done.table)
    assert again.table.equals(done.table)
    assert again.merged == {}


def test_every_former_code_leads_to_a_current_commune():
    former = pd.Index(FORMER)
    assert cog.among(cog.current_codes(former, FORMER, BASE.index), BASE.index).all()
    assert issubclass(CogYearError, TerritoireGeoError)


def test_the_median_of_one_arrondissement_is_not_that_of_its_city():
    table = pd.DataFrame({"people": [10.0], "median": [30_000.0]}, index=["75101"])
    done = cog.harmonise(table, {}, pd.Index(["39198", "75056"]), not_additive=["median"])
    assert done.table.loc["75056", "people"] == 10
    assert np.isnan(done.table.loc["75056", "median"])
