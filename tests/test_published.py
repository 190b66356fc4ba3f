"""Files as their producers publish them: read whole, cut to territories, summed to the references."""

import shutil
import warnings

import numpy as np
import pandas as pd
import pytest

from territoire_geo import TerritoireGeoWarning, diagnose, load_tables, load_territory
from territoire_geo.cog import ARRONDISSEMENTS, current_codes
from territoire_geo.loaders import _base

REFERENCES = pd.read_csv(_base.data_folder() / "demo" / "references.csv", sep=";").set_index(["niveau", "code"])


@pytest.fixture(scope="module")
def folder(published, tmp_path_factory):
    """A user's folder: four national files, the cars tidied."""
    here = tmp_path_factory.mktemp("published")
    for name in (
        "insee/base_cc_comparateur_csv.zip",
        "siae/siae_itou_2020-12.csv",
        "cnaf/cnaf_txcouv_pe_2023_extrait.csv",
    ):
        shutil.copy(published / name, here)
    cars = pd.read_csv(published / "insee" / "rp2022_motorisation_commune.csv", dtype={"code_commune": str})
    cars = cars.rename(columns={"menages_total": "menages", "menages_motorises": "menages_voiture"})
    cars[["code_commune", "menages", "menages_voiture"]].to_csv(
        here / "rp2022_motorisation.csv", sep=";", index=False, decimal=","
    )
    return here


@pytest.fixture(scope="module")
def jura(folder):
    return load_tables(load_territory("39"), sources=folder)


@pytest.fixture(scope="module")
def france(folder):
    return load_tables(load_territory("FR"), sources=folder)


@pytest.mark.parametrize(("niveau", "code"), [("DEP", "39"), ("DEP", "21"), ("REG", "27"), ("FR", "FR")])
@pytest.mark.parametrize("column", ["pop_15_64", "actifs_15_64", "chomeurs_15_64", "emplois", "naissances", "annees"])
def test_totals_are_those_published(jura, niveau, code, column):
    assert jura.references.at[(niveau, code), column] == pytest.approx(REFERENCES.at[(niveau, code), column], abs=0.06)


@pytest.mark.parametrize(("niveau", "code"), [("DEP", "39"), ("REG", "27"), ("EPCI", "200010650")])
@pytest.mark.parametrize("column", ["menages", "menages_voiture", "pop_65_plus"])
def test_totals_of_the_other_files_too(jura, niveau, code, column):
    assert jura.references.at[(niveau, code), column] == pytest.approx(REFERENCES.at[(niveau, code), column], abs=0.06)


def test_siae_are_counted_in_the_national_list(jura):
    siae = jura.references[["siae", "siae_aide_domicile"]]
    assert siae.loc[("DEP", "39")].tolist() == [24, 5]
    assert siae.loc[("FR", "FR")].tolist() == [3678, 715]
    assert siae.xs("DEP", level="niveau").notna().all(axis=None)


def test_each_level_has_its_name(jura):
    names = jura.references["nom"]
    assert names[("DEP", "39")] == "Jura"
    assert names[("REG", "27")] == "Bourgogne-Franche-Comté"
    assert names[("EPCI", "200010650")] == "CA du Grand Dole"
    assert names[("FR", "FR")] == "France"
    assert names.notna().all()


def test_figures_of_dole_are_those_published(jura):
    assert jura.activity.at["39198", "chomeurs_15_64"] / jura.activity.at["39198", "actifs_15_64"] == pytest.approx(
        0.1587, abs=5e-5
    )
    assert jura.income.loc["39198"].tolist() == [20_060, pytest.approx(0.19)]
    assert jura.cars.loc["39198"].pipe(lambda row: row["menages_voiture"] / row["menages"]) == pytest.approx(
        0.7951, abs=5e-5
    )
    assert jura.childcare_rates.at[("EPCI", "200010650"), "taux"] == 77.4


def test_a_withheld_income_is_unknown_and_not_zero(jura):
    known = jura.income["taux_pauvrete"]
    assert known.isna().sum() > len(known) / 2
    assert not (jura.income == 0).any(axis=None)


def test_every_source_is_hashed_and_every_table_knows_its_own(jura):
    assert jura.sources["activity"][0].id == "base_cc_comparateur_csv"
    assert all(len(jura.sources[name][0].sha256) == 64 for name in ("activity", "structures", "cars"))
    assert not [note for note in jura.notes if "15141" in note.en]  # a split of the Cantal does not concern the Jura


def test_paris_is_counted_once(france):
    assert france.references.at[("DEP", "75"), "pop_15_64"] == france.activity.at["75056", "pop_15_64"]
    assert not france.activity.index.isin(ARRONDISSEMENTS).any()


def test_mayotte_is_unknown_and_said(folder):
    tables = load_tables(load_territory("976"), sources=folder)
    assert tables.activity["actifs_15_64"].isna().all()
    assert np.isnan(tables.references["actifs_15_64"].get(("DEP", "976"), np.nan))


def test_structures_without_coordinates_are_placed_or_kept(france):
    blank = france.structures[france.structures["lon"].isna()]
    places = dict(zip(blank["city"], blank["code_commune"], strict=True))
    assert places["PACE"] == "35210"
    assert places["LAVAL"] == "53130"  # by its CEDEX post code
    assert places["Saint-Seurin-sur-l'Isle"] == "33478"
    assert len(blank) == 33 - 9  # nine are overseas
    assert blank["code_commune"].notna().sum() >= 20


def test_no_structure_of_the_mainland_is_lost(france, published):
    listed = pd.read_csv(published / "siae" / "siae_itou_2020-12.csv", dtype=str).set_index(["siret", "kind"])
    mainland = listed[~listed["post_code"].str.startswith("97") & listed["longitude"].notna()]
    assert mainland.index.isin(france.structures.index).all()
    lorient = france.structures.loc[("20004217400090", "ACI")]
    assert lorient["code_commune"] == "56121"  # on a quay, outside the simplified contour


def test_two_kinds_on_one_siret_are_two_structures_and_no_contact_is_kept(france):
    sirets = france.structures.index.get_level_values("siret")
    assert france.structures.index.is_unique
    assert sirets.duplicated().sum() == 12
    assert {"source", "updated_at", "id", "code_departement"}.isdisjoint(france.structures.columns)
    assert any("15141" in note.en for note in france.notes)  # here the split is told


@pytest.mark.parametrize("asked", ["Thouarsais", "972"])
def test_a_diagnostic_needs_no_table_of_references(folder, asked):
    territory = load_territory(asked)
    tables = load_tables(territory, sources=folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoireGeoWarning)
        result = diagnose(territory, tables)
    summary = result.summary()
    assert (summary["demand"] > 0).all()
    assert summary["unmet_people"].notna().all()
    name = tables.references.at[("DEP", territory.communes.loc[territory.core[0], "code_departement"]), "nom"]
    assert summary.loc[["employment", "insertion", "ageing"], "reference"].eq(f"moyenne ({name})").all()


# Merged before the 1970s: the embedded base does not know them, so a table of such a COG is refused, and names them.
TOO_OLD = {
    "01220", "2A237", "2A294", "2A325", "2B044", "2B076", "2B151", "54448", "54454", "66131", "91221", "95025", "95065",
}  # fmt: skip
DISPUTED = {"55273"}  # a village destroyed in 1916: the base and Insee attach it to two communes


def test_former_codes_agree_with_the_passage_table_of_insee(published):
    table = pd.read_csv(published / "cog" / "table_passage_com_historique.csv", dtype=str, index_col="DEPCOM_HIST")
    expected = table["DEPCOM"].drop([*TOO_OLD, *DISPUTED])
    former, current = _base.former_codes(), _base.communes().index
    assert {code for code in table.index if code not in former and code not in current} - set(
        ARRONDISSEMENTS
    ) == TOO_OLD
    now = current_codes(expected.index, former, current)
    assert now.eq(current_codes(pd.Index(expected), former, current).to_numpy()).all()
