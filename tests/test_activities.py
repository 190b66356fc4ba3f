"""Whether the activity of a structure answers a need: four levels, and a no."""

import pandas as pd
import pytest

import _small_territory as small
from territoire_geo.activities import GENERIC_NAF, is_siae, levels
from territoire_geo.columns import KINDS
from territoire_geo.loaders import load_demo
from territoire_geo.needs import NEEDS


def level(kind, naf, need, declared=None):
    return levels(small.structures(("1", kind, naf, 0.0)), declared, NEEDS).loc[("1", kind), need]


@pytest.mark.parametrize(
    ("kind", "naf", "need", "expected"),
    [
        ("ACI", "88.91A", "childcare", "likely"),
        ("ACI", "8891A", "childcare", "likely"),
        ("ACI", "8891a ", "childcare", "likely"),
        *(("EI", naf, "mobility", "likely") for naf in ("4932Z", "49.39A", "4939B", "77.11A", "45.20A", "8553Z")),
        *(("EI", naf, "ageing", "likely") for naf in ("88.10A", "8810B", "81.21Z", "9609Z")),
        ("EI", "88.10C", "ageing", "no"),  # aide par le travail is not home help
        *(("GEIQ", naf, "employment", "likely") for naf in ("78.10Z", "7820Z", "7830Z")),
        ("AI", "88.99B", "ageing", "probable"),
        ("AI", "4120A", "ageing", "probable"),
        ("AI", "8810A", "ageing", "likely"),
        ("ACI", "88.99B", "ageing", "unknown"),
        ("ACI", "4120A", "ageing", "no"),
        ("ACI", "4120A", "insertion", "declared"),
        *((kind, "7820Z", "insertion", "no") for kind in ("GEIQ", "EA")),
    ],
)
def test_levels(kind, naf, need, expected):
    assert level(kind, naf, need) == expected


@pytest.mark.parametrize("naf", [*GENERIC_NAF, "94.99Z", float("nan")])
@pytest.mark.parametrize("need", ["mobility", "childcare"])
def test_a_generic_code_is_not_a_no(naf, need):
    assert level("ACI", naf, need) == "unknown"


def test_without_a_column_of_codes_activities_are_unknown():
    found = levels(small.structures(("1", "ACI", "", 0.0)).drop(columns="naf"), None, NEEDS)
    assert found.loc[("1", "ACI"), "mobility"] == "unknown"


def test_a_declaration_is_of_one_structure_kind_and_need():
    keys = pd.MultiIndex.from_tuples(
        [("1", "AI", "mobility"), ("9", "AI", "mobility")], names=["siret", "kind", "need"]
    )
    declared = pd.DataFrame({"source": "elle le dit"}, index=keys)
    assert level("AI", "4120A", "mobility", declared) == "declared"
    assert level("AI", "4120A", "childcare", declared) == "no"
    assert level("ACI", "4120A", "mobility", declared) == "no"


def test_geiq_and_ea_are_not_siae():
    found = is_siae(small.structures(*((str(rank), kind, "", 0.0) for rank, kind in enumerate(KINDS))))
    assert found.droplevel(0).to_dict() == dict.fromkeys(("ACI", "AI", "EI", "EITI", "ETTI"), True) | {
        "GEIQ": False, "EA": False,
    }  # fmt: skip


def test_jura_service_answers_mobility_and_childcare():
    _, tables = load_demo()
    found = levels(tables.structures, tables.activities, NEEDS).loc[("33965933600012", "AI")]
    assert found.to_dict() == {
        "mobility": "declared", "childcare": "declared", "employment": "likely", "insertion": "declared",
        "ageing": "probable",
    }  # fmt: skip
    assert levels(tables.structures, None, NEEDS).loc[("33965933600012", "AI"), "mobility"] == "no"
