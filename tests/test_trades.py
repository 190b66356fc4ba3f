"""The table from activity codes to needs, and what the list of 2020 says by it."""

import re

import pandas as pd
import pytest

from territoire_geo.activities import ANSWERING, GENERIC_NAF, codes, levels
from territoire_geo.loaders import iae_list
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._references import HOME_HELP_NAF
from territoire_geo.loaders._refine import pieces
from territoire_geo.needs import NEEDS
from territoire_geo.trades import FAMILIES, NOTHING, TRADES, UNTOLD, Trade, answering, division, plain


@pytest.mark.parametrize(
    ("need", "expected"),
    [
        ("mobility", "49.32Z 49.39A 49.39B 77.11A 45.20A 85.53Z"),
        ("childcare", "88.91A"),
        ("ageing", "88.10A 88.10B 81.21Z 96.09Z"),
        ("reuse", "38.11Z 38.32Z 47.79Z 95.22Z"),
        ("training", "85.59A"),
        ("work", "78.10Z 78.20Z 78.30Z"),
        (NOTHING, "88.10C"),
        ("insertion", ""),
    ],
)
def test_codes_by_need(need, expected):
    assert answering(need) == tuple(expected.replace(".", "").split())


def test_codes_that_say_nothing():
    assert answering(UNTOLD) == GENERIC_NAF == ("8899B", "9499Z", "8411Z", "7010Z", "8299Z", "")


@pytest.mark.parametrize("trade", TRADES, ids=lambda trade: trade.naf or "none")
def test_every_line_has_its_code_title_and_reason(trade):
    assert re.fullmatch(r"(\d\d\.\d\d[A-Z])?", trade.naf)
    assert trade.answers in {*FAMILIES, NOTHING, UNTOLD}
    assert trade.title
    assert all(text[0].isupper() and text.endswith(".") for text in (trade.why, trade.why_en))
    assert trade.why != trade.why_en
    assert trade.code == plain(trade.naf)


def test_a_code_stands_once_and_every_family_has_one():
    assert len({trade.naf for trade in TRADES}) == len(TRADES) == 26
    assert all(answering(family) for family in FAMILIES)
    assert all(french and english for french, english in FAMILIES.values())


def test_needs_take_their_codes_from_the_table():
    by_id = {need.id: need.naf for need in NEEDS}
    assert by_id == {need: answering({"employment": "work"}.get(need, need)) for need in by_id}


def test_the_norm_of_home_help_counts_the_codes_of_the_need():
    assert answering("ageing") == HOME_HELP_NAF


@pytest.mark.parametrize(
    ("naf", "code", "first"),
    [("88.91A", "8891A", "88"), (" 8891a", "8891A", "88"), ("", "", ""), ("01.13Z", "0113Z", "01")],
)
def test_a_code_is_compared_without_its_dot(naf, code, first):
    assert (plain(naf), division(naf)) == (code, first)
    assert Trade(naf, "", NOTHING, "", "").code == code


def test_codes_of_structures():
    index = pd.MultiIndex.from_tuples([("1", "AI"), ("2", "EI"), ("3", "EI")], names=["siret", "kind"])
    frame = pd.DataFrame({"naf": pd.Series(["88.91a ", None, "7820Z"], index=index, dtype="str")})
    assert codes(frame).tolist() == ["8891A", "", "7820Z"]
    assert codes(frame.drop(columns="naf")).tolist() == [""] * 3
    assert codes(frame.iloc[:0]).empty


# ---------------------------------------------------------------- the list published in December 2020


@pytest.fixture(scope="module")
def list_2020(published):
    [(_, raw)] = read_texts(published / "siae" / "siae_itou_2020-12.csv")
    [(frame, _)] = pieces(iae_list.LAYOUT, raw, Pile(), where="2020").values()
    return frame


def test_nearly_half_of_the_list_has_a_code_that_says_nothing(list_2020):
    generic = codes(list_2020).isin(GENERIC_NAF)
    assert (len(generic), int(generic.sum())) == (3853, 1797)  # 46.6 %


def test_levels_by_need_in_the_list(list_2020):
    found = levels(list_2020, None, NEEDS)
    assert {need.id: found[need.id].value_counts().to_dict() for need in NEEDS} == {
        "mobility": {"likely": 41, "unknown": 1797, "no": 2015},
        "childcare": {"likely": 10, "unknown": 1797, "no": 2046},
        "employment": {"likely": 794, "probable": 281, "unknown": 1565, "no": 1213},
        "insertion": {"declared": 3678, "unknown": 54, "no": 121},
        "ageing": {"likely": 130, "probable": 586, "unknown": 1571, "no": 1566},
    }
    assert found.isin(ANSWERING).sum().to_dict() == {
        "mobility": 41, "childcare": 10, "employment": 1075, "insertion": 3678, "ageing": 716,
    }  # fmt: skip


def test_trades_by_family_in_the_list(list_2020):
    naf = codes(list_2020)
    assert {family: int(naf.isin(answering(family)).sum()) for family in FAMILIES} == {
        "mobility": 41, "childcare": 10, "ageing": 130, "reuse": 182, "training": 59, "work": 794,
    }  # fmt: skip
    assert int(naf.eq("8810C").sum()) == 126
