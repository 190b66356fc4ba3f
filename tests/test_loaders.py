"""Files to tables: what people and producers write, what is damaged, and what is said about it."""

import re
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from territoire_geo import diagnose, load_demo, load_minutes, load_tables, load_territory
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import (
    CogYearError,
    SourceFormatError,
    SourceUnavailableError,
    TableError,
    TerritoireGeoWarning,
)
from territoire_geo.loaders import _archive

BIRTHS = "code_commune;naissances;annees\n39198;10;5\n39300;5;5\n"
SIRET = "33965933600012"


@pytest.fixture(scope="module")
def dole():
    return load_territory("200010650")


@pytest.fixture
def load(dole, tmp_path):
    """Write files in a folder and load it."""

    def loaded(files, territory=dole, **options):
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_tables(territory, sources=tmp_path, **options)

    return loaded


def parquet(columns):
    sink = pa.BufferOutputStream()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), sink)
    return sink.getvalue().to_pybytes()


def zipped(path, members, *, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


# The tidy contract of every table


EXAMPLES = {
    "population": ("code_commune;population;pop_0_19;pop_20_64;pop_65_plus\n39198;100;20;60;20", "pop_65_plus", 20),
    "activity": ("code_commune;actifs_15_64;chomeurs_15_64\n39198;50,5;5", "actifs_15_64", 50.5),
    "prime_age": (
        "code_commune;femmes_25_54;femmes_25_54_occupees;hommes_25_54;hommes_25_54_occupes\n39198;20;15;20;16",
        "hommes_25_54_occupes",
        16,
    ),
    "births": ("code_commune;naissances;annees\n39198;10;5", "annees", 5),
    "cars": ("code_commune;menages;menages_voiture\n39198;40;30", "menages_voiture", 30),
    "families": ("code_commune;familles;familles_monoparentales\n39198;40;9", "familles_monoparentales", 9),
    "living_alone": ("code_commune;pop_80_plus;pop_80_plus_seuls\n39198;20;9", "pop_80_plus_seuls", 9),
    "working_parents": (
        "code_commune;jeunes_enfants;jeunes_enfants_parents_occupes\n39198;20;9",
        "jeunes_enfants_parents_occupes",
        9,
    ),
    "wage_earners": ("code_commune;salaries_15_plus;salaries_precaires\n39198;40;5", "salaries_precaires", 5),
    "education": ("code_commune;non_scolarises_15_plus;peu_diplomes\n39198;80;20", "peu_diplomes", 20),
    "housing": ("code_commune;logements;logements_vacants\n39198;50;5", "logements_vacants", 5),
    "commuting": ("code_commune;actifs_occupes;voiture\n39198;40;30", "voiture", 30),
    "income": ("code_commune;niveau_vie_median;taux_pauvrete\n39198;20 060;0,19", "taux_pauvrete", 0.19),
    "jobseekers": ("code_commune;demandeurs_emploi_abc\n39198;45", "demandeurs_emploi_abc", 45),
    "employees": ("code_commune;effectifs_salaries\n39198;300", "effectifs_salaries", 300),
    "flows": ("code_residence;code_travail;actifs\n39198;39300;12", "actifs", 12),
    "childcare_rates": ("niveau;code;taux;taux_eaje\nEPCI;200010650;77,4;21", "taux", 77.4),
    "childcare_places": ("id;places;type;lon;lat\na;20;crèche;5,49;47,09", "places", 20),
    "facilities": ("id;code_equipement;nombre;code_commune\na;D502;2;39198", "nombre", 2),
    "structures": (f"siret;kind;name;code_commune;postes\n{SIRET};ai;X;39198;12", "postes", 12),
    "activities": (f"siret;kind;need;source;since\n{SIRET};AI;mobility;brochure;2008", "since", "2008"),
    "places": ("id;type;name;lon;lat\na;gare;Dole;5.49;47.09", "lon", 5.49),
    "hiring": ("code_bassin;code_metier;projets;difficiles\n2701;A0Z40;10;5", "projets", 10),
    "basins": ("code_commune;code_bassin;nom_bassin\n39198;2701;Dole", "nom_bassin", "Dole"),
    "references": ("niveau;code;nom;actifs_15_64\nDEP;39;Jura;117319,9", "actifs_15_64", 117_319.9),
}


def test_every_table_has_an_example():
    assert set(EXAMPLES) == set(CONTRACTS)


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_folder_gives_each_table_in_its_tidy_contract(load, name):
    content, column, value = EXAMPLES[name]
    tables = load({"mon fichier.csv": content})
    table = getattr(tables, name)
    row = table.loc[("DEP", "39")] if name == "references" else table.iloc[0]
    assert row[column] == value
    assert tables.sources[name][0].id == "mon fichier"
    if "kind" in table.index.names:
        assert table.index.get_level_values("kind").tolist() == ["AI"]


def test_one_file_may_give_several_tables_by_commune(load):
    content = "code_commune;naissances;menages;menages_voiture;note\n39198;10;40;30;x\n"
    tables = load({"a.csv": content})
    assert tables.births["naissances"].item() == 10
    assert tables.cars["menages"].item() == 40
    assert "note" not in tables.births


def test_a_located_table_is_not_taken_for_a_table_by_commune(load):
    tables = load({"a.csv": "id;places;type;code_commune;population\na;10;crèche;39198;9\nb;5;mam;39198;9\n"})
    assert tables.childcare_places["places"].tolist() == [10, 5]
    assert len(tables.population) > 800  # the embedded one


# What people write


CSV = {
    "bom": BIRTHS.encode("utf-8-sig"),
    "cp1252": "code_commune;naissances;annees;libellé\n39198;10;5;Dôle\n39300;5;5;é\n".encode("cp1252"),
    "utf-16": BIRTHS.encode("utf-16"),
    "crlf": BIRTHS.replace("\n", "\r\n").encode(),
    "commas": BIRTHS.replace(";", ",").encode(),
    "tabs": BIRTHS.replace(";", "\t").encode(),
    "quotes": b'"code_commune";"naissances";"annees"\n"39198";"10,0";"5"\n"39300";" 5 ";"5"\n',
    "labels": BIRTHS.replace("code_commune;naissances;annees", "Code commune;Naissances;Années").encode(),
    "spaces": BIRTHS.replace("naissances;", " naissances ;").encode(),
    "synonym": BIRTHS.replace("code_commune", "code_insee").encode(),
    "blank rows": (BIRTHS + ";;\n \n;;\n").encode(),
    "cells beyond": b"code_commune;naissances;annees\n39198;10;5;\n39300;5;5;\n",
    "comma in a quoted label": b'code_commune;naissances;annees;"a, b, c, d, e"\n39198;10;5;\n39300;5;5;\n',
}


@pytest.mark.parametrize(
    ("flavour", "suffix"), [*((flavour, "csv") for flavour in CSV), ("crlf", "CSV"), ("tabs", "txt")]
)
def test_csv_of_any_french_flavour(load, flavour, suffix):
    assert load({f"a.{suffix}": CSV[flavour]}).births["naissances"].to_dict() == {"39198": 10, "39300": 5}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1\N{NARROW NO-BREAK SPACE}234,5", 1234.5),
        ("1\N{NO-BREAK SPACE}234,5", 1234.5),
        ("1 234", 1234),
        ("0", 0),
        ("12.50", 12.5),
        ("1e3", 1000),
    ],
)
def test_french_numbers(load, cell, value):
    assert load({"a.csv": f"code_commune;naissances\n39198;{cell}\n"}).births["naissances"].item() == value


def test_three_states_of_absence_are_told(load):
    cells = {"39198": "s", "39300": "", "39189": "so", "39190": "nd", "39001": "0", "39008": "S", "39014": "*"}
    rows = "".join(f"{code};{cell};1\n" for code, cell in cells.items())
    tables = load({"a.csv": f"code_commune;naissances;annees\n{rows}"})
    said = tables.absence("births.naissances", pd.Index(list(cells)))
    assert said.tolist() == ["secret", "non publié", "sans objet", "non publié", "", "secret", "secret"]
    assert tables.births["naissances"].isna().sum() == 6


def test_the_reason_follows_a_merged_commune(load):
    dole = load_territory("39576", buffer_km=0)
    tables = load({"a.csv": "code_commune;naissances\n39576;1\n39474;s\n"}, territory=dole)
    assert tables.births["naissances"].isna().all()
    assert tables.absence("births.naissances", dole.core).tolist() == ["secret"]


def test_birth_years_are_not_summed_with_births(load):
    tables = load({"a.csv": "code_commune;naissances;annees\n39576;1;5\n39474;2;5\n"}, load_territory("39576"))
    assert tables.births.loc["39576"].tolist() == [3, 5]


PARQUET = {
    "text": {"code_commune": ["39198"], "naissances": ["10"]},
    "numbers": {"code_commune": ["39198"], "naissances": [10]},
    "whole codes": {"code_commune": [39198], "naissances": [10]},
    "dictionary": {"code_commune": pa.array(["39198"]).dictionary_encode(), "naissances": [10.0]},
    "null": {"code_commune": ["39198", "39300"], "naissances": [10, None]},
}


@pytest.mark.parametrize("flavour", PARQUET)
def test_parquet_of_any_type(load, flavour):
    tables = load({"a.parquet": parquet(PARQUET[flavour])})
    assert tables.births["naissances"].dropna().to_dict() == {"39198": 10}
    assert tables.absence("births.naissances", pd.Index(["39001"])).tolist() == ["non publié"]


def test_the_index_of_a_parquet_of_pandas_is_read(load, tmp_path):
    frame = pd.DataFrame({"naissances": [10]}, index=pd.Index(["39198"], name="code_commune"))
    frame.to_parquet(tmp_path / "a.parquet")
    assert load({}).births.index.tolist() == ["39198"]


# What is damaged: one clear error each


N = "code_commune;naissances\n"
ZERO = "'01001' was meant"


def wrong(name, content, error, said):
    return pytest.param(name, content, error, said, id=f"{name}: {said}")


@pytest.mark.parametrize(
    ("name", "content", "error", "said"),
    [
        wrong("a.csv", "", SourceFormatError, "not a readable CSV"),
        wrong("a.csv", "\n\n", SourceFormatError, "not a readable CSV"),
        wrong("a.csv", N, SourceFormatError, "no row under the header"),
        wrong("a.csv", N + ";\n", SourceFormatError, "no row under the header"),
        wrong("a.csv", b"code_commune;naissances\n39198;1\x00\n", SourceFormatError, "NUL bytes"),
        wrong("a.csv", b"PAR1\x15\x04\x00PAR1", SourceFormatError, "NUL bytes"),
        wrong("a.csv", 'code_commune;naissances\n"39198;1\n', SourceFormatError, "EOF inside string"),
        wrong("a.csv", N + "39198;1\n39300;1;2\n", SourceFormatError, "Expected 2 fields in line 3"),
        wrong("a.csv", "code_commune,naissances\n39198,1,5\n", SourceFormatError, "Quote decimal commas"),
        wrong("a.csv", "code_commune;naissances; naissances\n39198;1;2\n", SourceFormatError, "stands twice"),
        wrong("a.csv", N + "1001;1\n", TableError, r"a\.csv.*births\.code_commune.*'01001' was"),
        wrong("a.csv", N + "39198;1\n39198;2\n", TableError, "stands on several rows"),
        wrong("a.csv", N + ";1\n", TableError, "a key is empty"),
        wrong("a.csv", N + "39198;-1\n", TableError, "'-1.0'.*is not a count"),
        wrong("a.csv", N + "39198;inf\n", TableError, "'inf'.*is not a count"),
        wrong("a.csv", N + "39198;beaucoup\n", TableError, "'beaucoup' is not a number"),
        wrong("a.csv", N + "39198;1.234,5\n", TableError, "is not a number"),
        wrong("a.csv", "code_commune;menages;menages_voiture\n39198;1;2\n", TableError, "exceeds"),
        wrong("a.csv", N + "39198;1\n99123;1\n", CogYearError, r"a\.csv.*'99123': no commune of COG"),
        wrong("a.csv", "code_residence;code_travail;actifs\n39198;98999;1\n", CogYearError, "'98999'"),
        wrong("a.csv", "id;places;type;lon;lat\na;1;mam;47.09;5.49\n", TableError, "lon and lat seem swapped"),
        wrong("a.csv", "id;places;type;lon;lat\na;1;mam;9e5;7e6\n", TableError, "in degrees"),
        wrong("a.csv", "id;places;type;code_commune\na;1;mam;1001\n", TableError, ZERO),
        wrong("a.csv", "siret;kind;name;lon;lat\n3,39659E+13;AI;x;5;47\n", TableError, "turned into a number"),
        wrong("a.csv", "niveau;code;actifs_15_64\nDEP;39;5\nDEP;21;bof\n", TableError, "'bof' is not a number"),
        wrong("a.parquet", b"", SourceFormatError, "not a readable parquet"),
        wrong("a.parquet", parquet(PARQUET["text"])[:80], SourceFormatError, "not a readable parquet"),
        wrong("a.parquet", BIRTHS, SourceFormatError, "not a readable parquet"),
        wrong("a.parquet", parquet({"code_commune": [39198, 1001], "naissances": [1, 2]}), TableError, ZERO),
        wrong("a.parquet", parquet({"code_commune": [39198.0], "naissances": [1]}), TableError, r"'39198\.0'"),
        wrong("a.parquet", parquet({"code_commune": ["39198", None], "naissances": [1, 2]}), TableError, "is empty"),
        wrong("a.parquet", parquet({"code_commune": ["39198"], "naissances": [[1]]}), TableError, "is not a number"),
        wrong("a.parquet", parquet({"code_commune": ["39198"], "naissances": [b"x"]}), TableError, "is not a number"),
        wrong("a.zip", b"", SourceFormatError, "not a readable zip"),
        wrong("a.zip", BIRTHS, SourceFormatError, "not a readable zip"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_one_clear_error(load, name, content, error, said):
    with pytest.raises(error, match=said):
        load({name: content})


def encrypt(content):
    local, central = content.find(b"PK\x03\x04"), content.find(b"PK\x01\x02")
    marked = bytearray(content)
    marked[local + 6] |= 1
    marked[central + 8] |= 1
    return bytes(marked)


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:60], lambda content: content[:45] + b"\xa5" * 20 + content[65:], encrypt],
    ids=["truncated", "corrupt", "encrypted"],
)
def test_a_damaged_zip_is_one_clear_error(load, tmp_path, damage):
    rows = "".join(f"{39001 + rank};{rank * 7 % 13}\n" for rank in range(500))
    content = zipped(tmp_path / "a.zip", {"a.csv": "code_commune;naissances\n" + rows})
    with pytest.raises(SourceFormatError, match=r"not a readable zip|is encrypted"):
        load({"a.zip": damage(content)})


def test_a_zip_is_never_unpacked_beyond_reason(load, tmp_path, monkeypatch):
    monkeypatch.setattr(_archive, "SMALL", 10_000)
    content = zipped(tmp_path / "a.zip", {"a.csv": b"0" * 1_000_000})
    with pytest.raises(SourceFormatError, match="1 MB once unpacked"):
        load({"a.zip": content})


def test_a_zip_gives_its_csv_and_writes_nothing(load, tmp_path):
    members = {"sub/X.CSV": BIRTHS, "__MACOSX/._X.CSV": b"\0\5", "meta_x.csv": "a;b\n1;2\n", "other.csv": "a;b\n1;2\n"}
    content = zipped(tmp_path / "a.zip", members)
    tables = load({"a.zip": content})
    assert tables.births["naissances"].tolist() == [10, 5]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert [note.en for note in tables.notes] == ["Tables not recognised in a.zip: other."]


@pytest.mark.parametrize(
    ("content", "said"),
    [("[a\n", "not a readable TOML"), (b"[a]\ntitle='\xe9'", "not a readable TOML"), ("a = 1\n", r"Write \[a\]")],
)
def test_a_broken_description_is_one_clear_error(load, content, said):
    with pytest.raises(SourceFormatError, match=rf"sources\.toml.*{said}"):
        load({"a.csv": BIRTHS, "sources.toml": content})


def test_a_description_is_cited(load):
    toml = '[a]\nproducer = "Insee"\ntitle = "Naissances"\nmillesime = "2020"\ncog_year = 2021\n'
    (source,) = load({"a.csv": BIRTHS, "sources.toml": toml}).sources["births"]
    assert source.cite() == "Insee, Naissances, 2020"
    assert source.cog_year == 2021
    assert len(source.sha256) == 64


# Folders


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("README.md", "x", "Save it as CSV"),
        ("a.ods", b"PK\3\4", "Save it as CSV"),
        ("b.csv", "code_commune\n39198\n", "Nearest is"),
        ("b.csv", "id;places\na;1\n", "Nearest is childcare_places, which lacks type"),
        ("b.csv", "id;places;type\na;1;mam\n", "lacks lon and lat, or code_commune"),
        ("sub/b.csv", BIRTHS, "a folder, not read"),
    ],
)
def test_what_is_not_recognised_is_listed(load, name, content, said):
    with pytest.warns(TerritoireGeoWarning, match=said):
        tables = load({"a.csv": BIRTHS, name: content, ".hidden.csv": "zzz"})
    assert [note.en for note in tables.notes] == [f"File not recognised: {name.split('/')[0]}."]
    assert tables.notes[0].fr.startswith("Fichier non reconnu")


def test_an_empty_zip_is_listed(load, tmp_path):
    content = zipped(tmp_path / "b.zip", {"a.txt.gz": b"x"})
    with pytest.warns(TerritoireGeoWarning, match="holds no table"):
        load({"a.csv": BIRTHS, "b.zip": content})


def test_folders_that_give_nothing_are_errors(dole, tmp_path, load):
    with pytest.raises(SourceFormatError, match="no file is recognised"):
        load_tables(dole, sources=tmp_path)
    with pytest.raises(SourceUnavailableError, match="no such folder"):
        load_tables(dole, sources=tmp_path / "nowhere")
    with pytest.raises(TableError, match="births have no row for CA du Grand Dole"):
        load({"a.csv": "code_commune;naissances\n75056;3\n"})
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(SourceUnavailableError, match="cannot be read"):
        load({})


def test_the_demo_is_refused_elsewhere():
    with pytest.raises(TableError, match="have no row for Paris"):
        load_tables(load_territory("75", buffer_km=0), sources="demo")


# Several files for one table


COMPARATEUR = (
    "CODGEO;P22_POP;P16_POP;NAIS1621;MED21;TP6021;P22_EMPLT;P22_POP1564;P22_CHOM1564;P22_ACT1564\n"
    "39198;23784;1;600;21070;21,5;100.5;1000.25;s;500\n39300;1;1;6;s;s;1.5;10.25;1;5\n"
)


def test_two_tidy_files_may_share_a_table_but_not_a_row(load):
    tables = load({"a.csv": BIRTHS, "b.csv": "code_commune;naissances;annees\n39189;3;5\n"})
    assert tables.births["naissances"].to_dict() == {"39189": 3, "39198": 10, "39300": 5}
    assert [source.id for source in tables.sources["births"]] == ["a", "b"]
    with pytest.raises(TableError, match="births: a and b both give '39198'"):
        load({"b.csv": "code_commune;naissances\n39198;3\n"})


@pytest.mark.parametrize("name", ["a.csv", "z.csv"])
def test_a_tidy_table_takes_the_place_of_a_published_one(load, name):
    tables = load({"comparateur.csv": COMPARATEUR, name: BIRTHS})
    assert tables.births["naissances"].to_dict() == {"39198": 10, "39300": 5}
    assert tables.activity["emplois"].tolist() == [100.5, 1.5]
    assert [note.en for note in tables.notes] == [f"births: {name[0]} takes the place of comparateur."]
    assert [source.id for source in tables.sources["births"]] == [name[0]]


def test_the_users_own_files_count_most(dole, demo, tmp_path):
    _, before = demo
    births, rates = tmp_path / "n.csv", tmp_path / "t.csv"
    births.write_text("code_commune;naissances;annees\n39198;99;1\n")
    rates.write_text("niveau;code;taux\nEPCI;200010650;80\n")
    tables = load_tables(dole, sources="demo", add=[births, str(rates)])
    assert tables.births["naissances"].to_dict() == {"39198": 99}
    assert tables.childcare_rates.at[("EPCI", "200010650"), "taux"] == 80
    assert len(tables.childcare_rates) == len(before.childcare_rates)
    said = {note.en for note in tables.notes}
    assert "childcare_rates: t takes the place of 1 rows of cnaf_taux_couverture_2023." in said
    left = len(before.births) - 1  # the demonstration's communes, and one is given
    (births_note,) = (
        note for note in said if note.startswith("births: n takes the place of insee_comparateur_rp2018;")
    )
    assert int(re.search(r"; (\d+) communes", births_note)[1]) >= left


def test_a_user_adds_places_facilities_and_structures(dole, demo, tmp_path):
    _, before = demo
    files = {
        "p.csv": "id;places;type;Longitude;Latitude\nmienne;12;crèche;5,49;47,09\n",
        "f.csv": "id;nombre;code_equipement;code_commune\nmien;1;D502;39198\n",
        "s.csv": "siret;kind;name;lon;lat\n99999999900001;AI;La mienne;5.49;47.09\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    tables = load_tables(dole, sources="demo", add=[tmp_path / name for name in files])
    assert tables.childcare_places.loc["mienne"].tolist() == [12, "crèche", 5.49, 47.09, "39198"]
    assert len(tables.facilities) == len(before.facilities) + 1
    assert len(tables.structures) == len(before.structures) + 1
    assert tables.structures.at[("99999999900001", "AI"), "code_commune"] == "39198"
    alone = load_tables(dole, sources="demo", add=tmp_path / "p.csv")
    assert alone.childcare_places.index.tolist() == ["mienne"]


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("none.csv", SourceUnavailableError, "cannot be read"),
        ("folder", SourceFormatError, "a folder, not read"),
        ("bad.csv", SourceFormatError, "Nearest is childcare_places, which lacks type"),
        ("bad.xls", SourceFormatError, "not a readable spreadsheet"),
    ],
)
def test_an_added_file_that_cannot_be_used_is_an_error(dole, tmp_path, name, error, said):
    (tmp_path / "folder").mkdir()
    (tmp_path / "bad.csv").write_text("id;places\na;1\n")
    (tmp_path / "bad.xls").write_text("x")
    with pytest.raises(error, match=said):
        load_tables(dole, sources="demo", add=tmp_path / name)


# Published layouts


def test_the_comparateur_of_2022(load):
    tables = load({"c.csv": COMPARATEUR})
    assert tables.births.loc["39198"].tolist() == [600, 6]  # 2016 to 2022
    assert tables.income.loc["39198"].tolist() == [21_070, pytest.approx(0.215)]
    assert tables.activity.loc["39198"].tolist() == pytest.approx([1000.25, 500, np.nan, 100.5], nan_ok=True)
    assert tables.absence("activity.chomeurs_15_64", pd.Index(["39198"])).tolist() == ["secret"]
    assert tables.absence("income.taux_pauvrete", pd.Index(["39300"])).tolist() == ["secret"]
    tables = load({"c.csv": COMPARATEUR.replace("P22_CHOM", "P22_X")})
    assert tables.activity is None
    assert "activity: chomeurs_15_64 is missing, the table is left out" in tables.notes[0].en


EAJE = "txcouv_eaje_{0};txcouv_am_ind_{0};txcouv_prescol_{0};txcouv_gad_ind_{0};txcouv_{0}"


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (
            "annee;numepci;nomepci;" + EAJE.format("epci"),
            "2022;200010650;x;1;1;1;1;70\n2023;200010650;x;21;50;4;2,4;77.4\n2023;XX;x;1;1;1;1;195.8",
            {("EPCI", "200010650"): [77.4, 21, 50, 4, 2.4]},
        ),
        ("annee;numdep;txcouv_dep", "2023;XXX;1\n2023;39;70\n2023;2A;60", {("DEP", "2A"): [60], ("DEP", "39"): [70]}),
        ("annee;numregi;txcouv_reg", "2023;COM;1\n2023;27;67\n2023;1;50", {("REG", "01"): [50], ("REG", "27"): [67]}),
        ("annee;numcom;nomcom;txcouv_com", "2023;35093;x;128,3", {("COM", "35093"): [128.3]}),
        (
            "annee;txcouv_eaje_nat;txcouv_am_nat;txcouv_gad_nat;txcouv_nat",
            "2022-01-01;1;2;3;59\n2023-01-01;23.5;31.9;2.2;60.9",
            {("FR", "FR"): [60.9, 23.5, 31.9, 2.2]},
        ),
        (
            "geo_level;geo_code;annee;txcouv",
            "FRANCE;FE;2023;60.9\nDEP;01;2023;60\nEPCI;200010650;2023;",
            {("DEP", "01"): [60], ("EPCI", "200010650"): [np.nan], ("FR", "FR"): [60.9]},
        ),
    ],
    ids=["epci", "dep", "reg", "com", "nat", "extract"],
)  # fmt: skip
def test_rates_of_the_cnaf_at_every_scale(load, header, rows, expected):
    rates = load({"cnaf.csv": f"\ufeff{header}\n{rows}\n"}).childcare_rates
    names = ["taux", "taux_eaje", "taux_assistants_maternels", "taux_preelementaire", "taux_domicile"]
    there = [column for column in names if column in rates]
    assert set(rates.index) == set(expected)
    for key, values in expected.items():
        assert rates.loc[key, there].tolist() == pytest.approx(values, nan_ok=True)


def test_scales_of_the_cnaf_are_put_together(load):
    files = {
        "e.csv": "annee;numepci;txcouv_epci\n2023;200010650;77.4\n",
        "d.csv": "annee;numdep;txcouv_dep\n2023;39;70\n",
    }
    assert set(load(files).childcare_rates.index) == {("EPCI", "200010650"), ("DEP", "39")}


SIAE = (
    "id,siret,kind,name,brand,naf,address_line_1,post_code,city,department,longitude,latitude,geocoding_score,"
    "email,phone\n"
)


def test_the_list_of_structures(load):
    rows = (
        f"1,{SIRET},AI,JURA SERVICE,,88.10A,1 rue,39100,DOLE,39,5.49,47.09,0.9,a@b.fr,06\n"
        f"2,{SIRET},ACI,JURA SERVICE,,8810A,1 rue,39100,DOLE,39,,,,,\n"
        "3,33965933600013,EI,CEDEX,,8810A,,39108,DOLE CEDEX 2,39,,,,,\n"
        "4,33965933600014,EI,ILE,,8810A,,39100,DOLE,39,0,0,,,\n"
        "5,33965933600015,EI,AILLEURS,,8810A,,39100,Nulle part,39,,,,,\n"
        "6,33965933600016,EI,PARIS,,8810A,,75011,PARIS,75,,,,,\n"
        "7,33965933600017,EI,SANS RIEN,,8810A,,,,,,,,,\n"
    )
    tables = load({"siae.csv": SIAE + rows})
    table = tables.structures
    assert {"email", "phone", "code_departement", "id"}.isdisjoint(table.columns)
    assert table["code_commune"].droplevel("kind").tolist() == ["39198"] * 4 + [pytest.approx(np.nan, nan_ok=True)]
    assert table.at[("33965933600014", "EI"), "lon"] != 0  # the null island is no place
    assert table.xs(SIRET).index.tolist() == ["ACI", "AI"]
    assert [note.en for note in tables.notes] == [
        "structures: 1 rows without a known place, left out ('33965933600017/EI')."
    ]


def test_a_structure_without_any_text_is_no_crash(load):
    columns = {
        "siret": [SIRET, "33965933600013"],
        "kind": ["AI", "AI"],
        "name": ["a", None],
        "lon": pa.array([None, None], pa.float64()),
        "lat": pa.array([None, None], pa.float64()),
        "post_code": pa.array([39100, None]),
        "city": ["Dole", None],
    }
    assert load({"s.parquet": parquet(columns)}).structures["code_commune"].tolist() == ["39198"]


def test_a_post_code_that_lost_its_zero_is_read(load):
    bourg = load_territory("01053", buffer_km=0)
    rows = f"siret;kind;name;lon;lat;post_code;city\n{SIRET};AI;x;;;1000;BOURG EN BRESSE\n"
    assert load({"s.csv": rows}, territory=bourg).structures["code_commune"].tolist() == ["01053"]


def test_places_outside_are_told_when_all_are(load):
    tables = load({"a.csv": BIRTHS, "p.csv": "id;places;type;lon;lat\na;1;mam;2.35;48.85\n"})
    assert tables.childcare_places.empty
    assert [note.en for note in tables.notes] == ["childcare_places: no row is in the territory or its buffer."]


def test_located_rows_follow_their_commune(load):
    rows = "id;nombre;code_equipement;code_commune\n1;1;D502;75101\n2;1;D502;75056\n3;1;D502;39474\n"
    assert load({"f.csv": rows}, load_territory("75056")).facilities["code_commune"].tolist() == ["75056", "75056"]
    assert load({}, load_territory("39576")).facilities.index.tolist() == ["3"]


def test_flows_are_harmonised_at_both_ends_and_cut(load):
    rows = "39198;39300;5\n39198;99100;2\n39576;39198;4\n39474;39198;3\n75101;39198;1\n75102;39198;1\n35238;35281;9\n"
    flows = load({"f.csv": "code_residence;code_travail;actifs\n" + rows}).flows["actifs"]
    assert flows.to_dict() == {
        ("39198", "39300"): 5,
        ("39198", "99100"): 2,  # abroad
        ("39576", "39198"): 7,
        ("75056", "39198"): 2,
    }


def test_flows_of_arrondissements_are_not_counted_twice(load):
    rows = "75101;39198;1\n75056;39198;3\n39198;75101;1\n39198;75056;2\n"
    flows = load({"f.csv": "code_residence;code_travail;actifs\n" + rows}).flows["actifs"]
    assert flows.to_dict() == {("39198", "75056"): 2, ("75056", "39198"): 3}


# References drawn from the tables


def test_totals_are_drawn_where_the_figures_cover_a_level(load, demo):
    territory, _ = demo
    rows = "".join(f"{code};10;5\n" for code in territory.core)
    tables = load({"a.csv": "code_commune;naissances;annees\n" + rows})
    assert tables.references.at[("EPCI", "200010650"), "naissances"] == 470
    assert tables.references.at[("EPCI", "200010650"), "nom"] == "CA du Grand Dole"
    assert np.isnan(tables.references.at[("DEP", "39"), "naissances"])  # most of the Jura is unknown
    assert tables.references.at[("DEP", "39"), "pop_65_plus"] == 62_853


def test_a_given_reference_is_kept_and_completed(load):
    tables = load({"a.csv": BIRTHS, "r.csv": "niveau;code;nom;pop_65_plus\nDEP;39;Mon Jura;7\nDEP;21;;8\n"})
    references = tables.references
    assert references.loc[("DEP", "39"), ["nom", "pop_65_plus"]].tolist() == ["Mon Jura", 7]
    assert references.at[("DEP", "21"), "nom"] == "Côte-d'Or"
    assert references.at[("DEP", "25"), "pop_65_plus"] == 109_682


def test_a_regional_list_of_structures_gives_no_national_total(demo):
    _, tables = demo
    drawn = tables.references.drop(index=[("FR", "FR"), ("REG", "27")], errors="ignore")
    assert drawn.loc[("REG", "84"), "siae"] != drawn.loc[("REG", "84"), "siae"]


# The demonstration


def test_the_demo_is_whole_offline_and_cited(demo):
    territory, tables = demo
    assert len(territory.core) == 47
    assert set(CONTRACTS) - set(tables.loaded) == {
        "flows", "childcare_places", "hiring", "basins", "families", "commuting", "prime_age", "living_alone",
        "working_parents", "wage_earners", "education", "housing",
    }  # fmt: skip
    core = tables.activity.loc[territory.core]
    assert core["chomeurs_15_64"].sum() == pytest.approx(2782.1, abs=0.1)
    assert tables.references.at[("EPCI", "200010650"), "chomeurs_15_64"] == 2782.1
    assert all(source.producer and source.title for sources in tables.sources.values() for source in sources)
    assert all(tables.activity.loc[territory.core].notna().all())


def test_the_demo_is_the_same_each_time(demo):
    _, again = load_demo()
    for name in again.loaded:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(demo[1], name))


def test_communes_merged_since_are_in_the_demo(demo):
    _, tables = demo
    raw = pd.read_csv(
        Path(__file__).parents[1] / "data/demo/insee_comparateur_rp2018.csv", sep=";", dtype={"CODGEO": str}
    )
    raw = raw.set_index("CODGEO")
    assert "39548" in raw.index
    assert "39548" not in tables.activity.index
    assert tables.activity.at["39434", "emplois"] == pytest.approx(raw.loc[["39434", "39548"], "P18_EMPLT"].sum())


def test_the_demo_can_be_diagnosed_with_ones_own_places(demo):
    territory, tables = demo
    places = pd.DataFrame({"id": ["a"], "places": [30], "type": ["crèche"], "code_commune": ["39198"]})
    own = tables.replace(childcare_places=places)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TerritoireGeoWarning)
        before, after = diagnose(territory, tables).summary(), diagnose(territory, own).summary()
    assert after.at["childcare", "unmet_people"] > before.at["childcare", "unmet_people"]
    assert tables.childcare_places is None


# Minutes


def minutes(tmp_path, content, name="m.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return load_minutes(path)


def test_minutes_are_read_by_mode(tmp_path):
    given = minutes(tmp_path, "origin;destination;minutes;mode\n39198;39300;12,5;car\n39198;39300;;bike\n")
    assert given["car"].loc[("39198", "39300")] == 12.5
    assert given["bike"].isna().all()
    whole = minutes(tmp_path, parquet({"origin": [39198], "destination": [39300], "minutes": [3]}), "m.parquet")
    assert whole["car"].loc[("39198", "39300")] == 3


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        ("origin;destination\n39198;39300\n", TableError, "minutes is missing"),
        ("origin;destination;minutes\n1001;39300;5\n", TableError, "'01001' was meant"),
        ("origin;destination;minutes\n39198;39300;5\n39198;39300;6\n", TableError, "stands on several rows"),
        ("origin;destination;minutes\n39198;39300;-5\n", TableError, "'39198/39300' are negative or infinite"),
        ("origin;destination;minutes\n39198;39300;vite\n", TableError, "'vite' is not a number"),
        ("origin;destination;minutes;mode\n39198;39300;5;\n", TableError, "mode is empty"),
        ("", SourceFormatError, "not a readable CSV"),
    ],
)
def test_wrong_minutes_are_one_clear_error(tmp_path, content, error, said):
    with pytest.raises(error, match=said):
        minutes(tmp_path, content)


def test_minutes_come_from_one_table(tmp_path):
    with pytest.raises(SourceFormatError, match="no such file"):
        load_minutes(tmp_path / "none.csv")
    zipped(tmp_path / "m.zip", {"a.md": "x"})
    with pytest.raises(SourceFormatError, match="holds 0 tables"):
        load_minutes(tmp_path / "m.zip")


def test_a_list_that_stops_is_unknown_beyond():
    """Outside its stated extent an absent structure is unknown, not a zero: the demo's list stops 60 km from Dole."""
    territory = load_territory("39478", buffer_km=5)  # Saint-Claude, in the south of the Jura
    tables = load_tables(territory, sources="demo")
    assert not tables.covered("structures", territory.communes.index).any()
    assert any("la liste s'arrête à 60 km" in note.fr for note in tables.notes)
    assert tables.covered("facilities", territory.communes.index).all()
    near = load_territory("200010650")
    assert load_tables(near, sources="demo").covered("structures", near.communes.index).all()


@pytest.mark.parametrize(
    "entry", ["within_km = 60", 'within_km = "far"\naround = "39198"', 'within_km = -1\naround = "39198"']
)
def test_an_extent_is_a_distance_around_a_territory(tmp_path, entry):
    (tmp_path / "births.csv").write_text("code_commune;naissances;annees\n39198;10;5\n", encoding="utf-8")
    (tmp_path / "sources.toml").write_text(f"[births]\n{entry}\n", encoding="utf-8")
    with pytest.raises(SourceFormatError, match="within_km is a distance"):
        load_tables(load_territory("39198", buffer_km=0), sources=tmp_path)


# ---------------------------------------------------------------------------------------------------------------------
# Two published files of one thing


POINTS = "AN;DEPCOM;TYPEQU;LAMBERT_X;LAMBERT_Y;LONGITUDE;LATITUDE\n{};39198;D502;;;5.49;47.09\n"


def test_facilities_of_two_vintages_are_not_added(load):
    assert load({"a.csv": POINTS.format(2024)}).facilities["nombre"].sum() == 1
    with pytest.raises(TableError, match="both count 'D502/39198'"):
        load({"a.csv": POINTS.format(2023), "b.csv": POINTS.format(2024).replace("5.49", "5.48")})


def test_files_that_share_the_communes_are_told(load):
    tables = load({"a.csv": BIRTHS, "b.csv": "code_commune;naissances;annees\n39189;3;5\n"})
    assert "births: a and b share the communes; check that they are of one vintage." in [n.en for n in tables.notes]


def test_a_table_of_passage_tells_the_former_codes_of_the_other_files(load):
    births = "code_commune;naissances;annees\n39198;3;5\n39999;4;5\n"
    with pytest.raises(CogYearError, match="'39999'"):
        load({"a.csv": births})
    tables = load({"a.csv": births, "passage.csv": "DEPCOM_HIST,DEPCOM\n39999,39198\n39198,39198\n"})
    assert tables.births["naissances"].to_dict() == {"39198": 7}


def test_a_population_of_elsewhere_leaves_that_of_the_package(load):
    elsewhere = "code_commune;population\n97501;600\n"
    tables = load({"a.csv": BIRTHS, "b.csv": elsewhere})
    assert tables.population.loc["39198", "pop_65_plus"] > 0
    assert any("does not cover the territory, that of the package is used" in note.en for note in tables.notes)


def test_the_vintage_of_a_published_file_is_read_in_it(load):
    tables = load({"a.csv": COMPARATEUR, "b.csv": POINTS.format(2024)})
    assert [source.millesime for source in tables.sources["activity"]] == ["RP 2022"]
    assert [source.millesime for source in tables.sources["facilities"]] == ["BPE 2024"]


def test_the_reason_follows_a_flow_whose_ends_merged(load):
    flows = "code_residence;code_travail;actifs\n39369;39198;s\n39198;39198;7\n"
    tables = load({"a.csv": BIRTHS, "b.csv": flows})
    (key,) = tables.absences["flows"].index.get_level_values(0)
    assert key in tables.flows.index
    assert key[0] != "39369"
    assert np.isnan(tables.flows.loc[key, "actifs"])
