"""Files of Insee: comparateur, bases of the census, Filosofi, flows, zonings and passage; sums are those published."""

import io
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from _loopback import Reply, serve
from _workbook import titled, workbook
from territoire_geo import load_territory
from territoire_geo.cog import ARRONDISSEMENTS, current_codes, harmonise
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import CogYearError, SourceFormatError, TableError
from territoire_geo.indicators import MEASURES
from territoire_geo.loaders import (
    _base,
    bmo,
    insee_base,
    insee_comparateur,
    insee_filosofi,
    insee_flux,
    insee_geography,
)
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace, cached
from territoire_geo.loaders._layouts import TIDY
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._refine import pieces
from territoire_geo.loaders._types import typed
from territoire_geo.tables import Absence

LAYOUTS = (
    *insee_base.LAYOUTS,
    *insee_comparateur.LAYOUTS,
    *insee_filosofi.LAYOUTS,
    *insee_flux.LAYOUTS,
    *bmo.LAYOUTS,
)
LOADERS = {loader.source: loader for loader in (*insee_comparateur.LOADERS, *insee_flux.LOADERS)}
QUICK = Pace(attempts=1, connect=2, read=2, deadline=20, progress=False)


def text(content, **options):
    return pd.read_csv(io.StringIO(content), sep=";", dtype="str", na_filter=False, **options)


def refine(layout, raw):
    """Field of `Tables` -> (rows on current communes, states)."""
    return pieces(layout, raw, Pile(), where="x")


def published_table(path, layout):
    """Read a file as a loader does: the columns of its layout only."""
    found = [raw for _, raw in read_texts(path, layout.columns) if layout.recognise(frozenset(raw.columns))]
    assert len(found) == 1
    return found[0]


@pytest.fixture
def door(tmp_path):
    def build(server):
        return Door(tmp_path / "cache", bases={"insee": server.url, "france_travail": server.url}, pace=QUICK)

    return build


def zipped(name, content):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return sink.getvalue()


def served(source, body):
    return serve({f"/{entry(source).path}": Reply(body=body, content_type="application/zip")})


# Which file is which


HEADERS = {
    "insee_comparateur": [
        "CODGEO;P22_POP;SUPERF;NAIS1621;NAISD24;P22_RP;MED21;TP6021;P22_EMPLT;P22_POP1564;P22_CHOM1564;P22_ACT1564",
        "CODGEO;P18_ACT1564;P18_CHOM1564;MED19",
    ],
    "insee_base_communes": [
        "CODGEO;REG;DEP;LIBGEO;P22_POP1564;P22_ACT1564;P22_CHOM1564;P22_EMPLT;P16_ACT1564;P16_CHOM1564",
        "CODGEO;P22_LOG;P22_RP;P22_RP_VOIT1P;P16_RP;P16_RP_VOIT1P",
        "CODGEO;C22_FAM;C22_FAMMONO;P22_POP15P",
        "CODGEO;P22_ACTOCC15P;P22_ACTOCC15P_ILT1;P22_ACTOCC15P_VOITURE",
        "CODGEO;P22_POP;P22_H65P;P22_F65P",
        "CODGEO;NAIS1621;MED21;TP6021;P22_POP;P22_ACT1564;P22_CHOM1564;P22_RP;P22_RP_VOIT1P",  # dossier complet
        "CODGEO;LIBGEO;P22_LOG;P22_LOGVAC;P22_RP;P22_RP_LOCHLMV;C22_RP_NORME;P16_LOG;P16_LOGVAC",
        "CODGEO;P22_POP80P;P22_POP80P_PSEUL;P22_POP15P",
        "CODGEO;P22_SAL15P;P22_SAL15P_CDD;P22_SAL15P_INTERIM;P22_SAL15P_EMPAID;P22_FSAL15P;P22_FSAL15P_TP",
        "CODGEO;P22_POP1824;P22_SCOL1824;P22_NSCOL15P;P22_NSCOL15P_DIPLMIN;P22_NSCOL15P_BEPC",
    ],
    "insee_base_iris": ["IRIS;COM;TYP_IRIS;LAB_IRIS;P22_POP;P22_POP0002;P22_POP65P", "IRIS;COM;C22_FAM;C22_FAMMONO"],
    "insee_filosofi": ["CODGEO;NBMENFISC21;MED21;PIMP21;TP6021", "CODGEO;LIBGEO;MED14"],
    "insee_flux": ["CODGEO;LIBGEO;DCLT;L_DCLT;NBFLUX_C22_ACTOCC15P"],
    "bmo": [
        "annee;Code métier BMO;Nom métier BMO;Famille_met;Dept;BE24;NOMBE24;met;xmet;smet",
        "annee;code métier BMO;nom_metier BMO;BE19;NOMBE19;met;xmet;smet",
    ],
    "bmo_bassins": ["reg;dep;code_commune_insee;code_bassin_BMO;lib_bassin_BMO"],
    "": [
        "CODGEO;P22_POP;SUPERF",
        "CODGEO;DCRAN;NBFLUX_C22_POP01P",
        "CODGEO;LIBGEO;DEP;REG;EPCI",
        "CODGEO_2025;annee;nombre",
        "IRIS;COM;P22_LOG",
        "CODGEO;P22_RP_VOIT1P",
        *(";".join((*contract.key, *contract.numbers, *contract.texts)) for contract in CONTRACTS.values()),
    ],
}


@pytest.mark.parametrize(("known", "header"), [(known, header) for known, all_ in HEADERS.items() for header in all_])
def test_a_header_has_one_layout_at_most(known, header):
    columns = frozenset(header.split(";"))
    assert [layout.id for layout in LAYOUTS if layout.recognise(columns)] == [known][: bool(known)]
    if known:
        assert not [layout.id for layout in TIDY if layout.recognise(columns)]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.id)
def test_wanted_columns_are_enough_and_no_more(layout):
    for header in HEADERS[layout.id]:
        columns = frozenset(header.split(";"))
        wanted = layout.columns(columns)
        assert {"CODGEO", "COM", "BE24", "BE19", "code_commune_insee"} & wanted
        assert wanted <= columns
        assert not {"LIBGEO", "TYP_IRIS", "SUPERF", "annee", "PIMP21", "P16_ACT1564", "P16_LOG", "dep"} & wanted
        assert layout.recognise(wanted)
        raw = pd.DataFrame({column: pd.Series(["1"], dtype="str") for column in wanted})
        everything = pd.DataFrame({column: pd.Series(["1"], dtype="str") for column in columns})
        assert {name: set(table) for name, table in layout.tidy(raw).items()} == {
            name: set(table) for name, table in layout.tidy(everything).items()
        }
    assert layout.columns(frozenset({"a", "b"})) == frozenset()


# Comparateur


@pytest.fixture(scope="module")
def comparateur(published):
    return dict(read_texts(published / "insee" / "base_cc_comparateur_csv.zip"))["base_cc_comparateur"]


COLUMNS_2018 = {
    ("activity", "pop_15_64"): "P18_POP1564",
    ("activity", "actifs_15_64"): "P18_ACT1564",
    ("activity", "chomeurs_15_64"): "P18_CHOM1564",
    ("activity", "emplois"): "P18_EMPLT",
    ("births", "naissances"): "NAIS1318",
    ("housing", "logements"): "P18_LOG",
    ("housing", "logements_vacants"): "P18_LOGVAC",
    ("housing", "residences_principales"): "P18_RP",
}


def test_france_is_counted_once_in_every_column(comparateur):
    assert len(comparateur) == 35_010
    raw = comparateur.set_index("CODGEO")
    tables = refine(insee_comparateur.LAYOUT, comparateur)
    for (table, column), name in COLUMNS_2018.items():
        expected = pd.to_numeric(raw[name].drop(list(ARRONDISSEMENTS)))
        frame, states = tables[table]
        assert frame.index.isin(_base.communes().index).all()
        assert frame[column].sum() == pytest.approx(expected.sum(), rel=1e-12)
        # Mayotte is not in it: its 17 communes are unknown, not empty.
        unknown = frame.index[frame[column].isna()].tolist()
        assert unknown == expected.index[expected.isna()].tolist()
        assert len(unknown) == 17
        assert states.empty  # a blank says nothing more than "not published"
    assert tables["births"][0]["annees"].eq(5).all()


def test_the_population_of_france_to_the_inhabitant(comparateur):
    population = comparateur.set_index("CODGEO")[["P18_POP"]].apply(pd.to_numeric)
    assert population["P18_POP"].sum() == 70_295_051  # counted twice
    base = _base.communes()
    done = harmonise(population, _base.former_codes(), base.index, restored=_base.restored_codes())
    assert done.table["P18_POP"].sum() == 66_732_538
    assert done.table.at["39198", "P18_POP"] == 23_770
    assert done.table.at["38185", "P18_POP"] == 157_650


def test_income_of_the_comparateur(comparateur):
    income, _ = refine(insee_comparateur.LAYOUT, comparateur)["income"]
    oracles = {"39198": (20_060, 0.19), "38185": (21_170, 0.20), "79329": (19_360, 0.17), "35236": (20_860, 0.15)}
    for code, (median, poverty) in oracles.items():
        assert income.loc[code].tolist() == [median, pytest.approx(poverty)]
    blank = comparateur.set_index("CODGEO")["TP6019"].eq("")
    assert blank.sum() == 30_642
    here = blank[blank & blank.index.isin(income.index)].index
    assert income.loc[here, "taux_pauvrete"].isna().all()


RP2022 = text(
    "CODGEO;P22_POP;P16_POP;SUPERF;NAIS1621;DECE1621;NAISD24;P22_RP;PIMP21;MED21;TP6021;P22_EMPLT;P22_POP1564;"
    "P22_CHOM1564;P22_ACT1564;P16_ACT1564\n"
    "39198;23784;23373;38.29;1641;1500;250;11884.5;48,0;21070;21,5;15000.25;14000.5;1400.75;10000.125;9\n"
    "39300;1120;1100;10;70;60;9;500;s;s;s;300;700;s;500;9\n"
)


def test_a_vintage_of_two_decimal_marks():
    tables = refine(insee_comparateur.LAYOUT, RP2022)
    assert tables["activity"][0].loc["39198"].to_dict() == {
        "pop_15_64": 14_000.5,
        "actifs_15_64": 10_000.125,
        "chomeurs_15_64": 1400.75,
        "emplois": 15_000.25,
    }
    assert tables["births"][0].loc["39198"].tolist() == [1641, 6]
    assert tables["income"][0].loc["39198"].tolist() == [21_070, pytest.approx(0.215)]
    assert tables["activity"][1].to_dict() == {("39300", "chomeurs_15_64"): "secret"}
    assert set(tables["income"][1]) == {"secret"}


def test_the_vintage_is_told_by_the_header(door):
    content = zipped("base_cc_comparateur.CSV", RP2022.to_csv(sep=";", index=False, lineterminator="\r\n"))
    with served("insee_comparateur", content) as server:
        loader = LOADERS["insee_comparateur"]
        (raw,) = loader.around(door(server), entry(loader.source), load_territory("39198", buffer_km=0))
    assert raw.millesime == "RP 2022"
    assert len(raw.sha256) == 64
    assert "P22_POP" not in raw.frame  # not read: nobody wants it
    assert "PIMP21" not in raw.frame


@pytest.mark.parametrize("source", LOADERS)
@pytest.mark.parametrize("body", ["CODGEO;AUTRE\n39198;1\n", "<html></html>;x\n1;2\n", ""])
def test_a_file_that_changed_shape_is_refused(door, source, body):
    with served(source, zipped("a.csv", body)) as server, pytest.raises(SourceFormatError):
        list(LOADERS[source].national(door(server), entry(source)))


# Bases of the census


def test_iris_are_summed_to_communes(published):
    """The files in "-com" are of the collectivités d'outre-mer: current communes, of 975, 977 and 978."""
    folder = published / "insee" / "xls"
    raw = {
        name: published_table(path, insee_base.IRIS)
        for name, path in {
            "population": folder / "base-ic-evol-struct-pop-2016-com.xls",
            "activity": folder / "base-ic-activite-residents-2016-com-cIA.xls",
            "families": folder / "base-ic-couples-familles-menages-2016-com.xls",
            "cars": folder / "base-ic-logement-2016-com.xls",
        }.items()
    }
    expected = {
        ("population", "population"): "P16_POP",
        ("population", "pop_0_19"): "P16_POP0019",
        ("population", "pop_20_64"): "P16_POP2064",
        ("population", "pop_65_plus"): "P16_POP65P",
        ("population", "pop_75_plus"): "P16_POP75P",
        ("population", "enfants_moins_3_ans"): "P16_POP0002",
        ("activity", "pop_15_64"): "P16_POP1564",
        ("activity", "actifs_15_64"): "P16_ACT1564",
        ("activity", "chomeurs_15_64"): "P16_CHOM1564",
        ("families", "familles"): "C16_FAM",
        ("families", "familles_monoparentales"): "C16_FAMMONO",
        ("cars", "menages"): "P16_RP",
        ("cars", "menages_voiture"): "P16_RP_VOIT1P",
        ("housing", "logements"): "P16_LOG",
        ("housing", "logements_vacants"): "P16_LOGVAC",
        ("housing", "residences_principales"): "P16_RP",
        ("housing", "locataires_hlm"): "P16_RP_LOCHLMV",
        ("living_alone", "pop_80_plus"): "P16_POP80P",
        ("living_alone", "pop_80_plus_seuls"): "P16_POP80P_PSEUL",
        ("wage_earners", "salaries_15_plus"): "P16_SAL15P",
        ("wage_earners", "femmes_salariees"): "P16_FSAL15P",
        ("wage_earners", "femmes_salariees_temps_partiel"): "P16_FSAL15P_TP",
        ("activity", "actifs_occupes_15_plus"): "P16_ACTOCC15P",
        ("prime_age", "femmes_25_54"): "P16_F2554",
        ("prime_age", "femmes_25_54_occupees"): "P16_FACTOCC2554",
        ("prime_age", "hommes_25_54"): "P16_H2554",
        ("prime_age", "hommes_25_54_occupes"): "P16_HACTOCC2554",
    }
    held = {
        "living_alone": "families",
        "wage_earners": "activity",
        "prime_age": "activity",
        "housing": "cars",
    }  # the file that holds them
    for (table, column), name in expected.items():
        file = raw[held.get(table, table)]
        frame, _ = refine(insee_base.IRIS, file)[table]
        assert frame.index.tolist() == ["97501", "97502", "97701", "97801"]
        assert set(_base.communes().loc[frame.index, "code_departement"]) == {"975", "977", "978"}
        parts = pd.to_numeric(file[name]).groupby(file["COM"]).sum()
        assert frame[column].tolist() == pytest.approx(parts.tolist(), rel=1e-12)
    ages = refine(insee_base.IRIS, raw["population"])["population"][0]
    assert ages["population"].sum() == pytest.approx(51_547)
    assert (ages["pop_0_19"] + ages["pop_20_64"] + ages["pop_65_plus"]).tolist() == pytest.approx(
        ages["population"].tolist()
    )
    commuting = refine(insee_base.IRIS, raw["activity"])["commuting"][0]
    assert commuting.columns.tolist() == ["actifs_occupes", "voiture", "transports_commun", "marche"]
    modes = pd.to_numeric(raw["activity"]["C16_ACTOCC15P_TCOM"]).groupby(raw["activity"]["COM"]).sum()
    assert commuting["transports_commun"].tolist() == pytest.approx(modes.tolist())


def test_outside_the_commune_is_the_rest_of_inside(published):
    """ILT2P is who works in another commune: with ILT1, everyone who works."""
    path = published / "insee" / "xls" / "base-ic-activite-residents-2016-com-cIA.xls"
    raw = dict(read_texts(path))["C.O.M"]
    inside, outside, everyone = (pd.to_numeric(raw[f"P16_ACTOCC15P{end}"]) for end in ("_ILT1", "_ILT2P", ""))
    assert (inside + outside).tolist() == pytest.approx(everyone.tolist())


BASE = text(
    "CODGEO;P22_POP;P22_H0019;P22_F0019;P22_H2064;P22_F2064;P22_H65P;P22_F65P;P22_POP7589;P22_POP90P;"
    "P22_POP1564;P22_ACT1564;P22_CHOM1564;P22_EMPLT;P22_RP;P22_RP_VOIT1P;C22_FAM;C22_FAMMONO;"
    "P22_ACTOCC15P;P22_ACTOCC15P_ILT1;P22_ACTOCC15P_ILT2P;P22_ACTOCC15P_VOITURE;P22_ACTOCC15P_COMMUN;"
    "P22_ACTOCC15P_VELO;P22_ACTOCC15P_MARCHE;P16_ACT1564;P16_CHOM1564;P11_RP;P11_RP_VOIT1P\n"
    "39198;100;10;12.5;30;28;9;10.5;7;1;60;45;5;80;50;40;30;10;40;25;15;30;2;1;4;1;1;1;1\n"
    "39300;100;10;s;30;28;9;10.5;7;;60;45;5;80;50;s;30;10;40;25;15;30;2;1;4;1;1;1;1\n"
)


def test_a_base_by_commune():
    tables = refine(insee_base.COMMUNES, BASE)
    expected = {
        "population": [100, 22.5, 58, 19.5, 8],
        "activity": [60, 45, 5, 80, 40],
        "cars": [50, 40],
        "families": [30, 10],
        "commuting": [40, 15, 30, 2, 1, 4],
    }
    assert {name: frame.loc["39198"].tolist() for name, (frame, _) in tables.items()} == expected
    ages, states = tables["population"]
    assert ages.loc["39300", ["pop_0_19", "pop_75_plus"]].isna().all()  # a sum with an unknown part is unknown
    assert states.to_dict() == {("39300", "pop_0_19"): Absence.SECRET}
    assert tables["cars"][1].to_dict() == {("39300", "menages_voiture"): Absence.SECRET}


DETAIL = text(
    "CODGEO;P22_LOG;P22_LOGVAC;P22_RP;P22_RP_LOCHLMV;C22_RP_NORME;C22_RP_SOUSOCC_MOD;C22_RP_SOUSOCC_ACC;"
    "C22_RP_SOUSOCC_TACC;C22_RP_SUROCC_MOD;C22_RP_SUROCC_ACC;P22_SAL15P;P22_SAL15P_CDD;P22_SAL15P_INTERIM;"
    "P22_SAL15P_EMPAID;P22_SAL15P_APPR;P22_FSAL15P;P22_FSAL15P_TP;P22_NSCOL15P;P22_NSCOL15P_DIPLMIN;P22_NSCOL15P_BEPC;"
    "P22_POP1824;P22_SCOL1824\n"
    "39198;60;6;50;9;20;12;8;6;3;1.5;40;4;2;1.5;3;20;5;70;14;6;12;5\n"
    "39300;60;6;50;9;20;12;8;6;s;1;40;4;;1;3;20;5;70;14;6;12;5\n"
)


def test_details_of_the_census_are_sums_of_one_exploitation():
    """Overcrowded dwellings (complementary) are a share of those whose occupation is known, not of all of them."""
    tables = refine(insee_base.COMMUNES, DETAIL)
    assert {name: frame.loc["39198"].to_dict() for name, (frame, _) in tables.items()} == {
        "wage_earners": {
            "salaries_15_plus": 40,
            "salaries_precaires": 7.5,
            "femmes_salariees": 20,
            "femmes_salariees_temps_partiel": 5,
        },
        "education": {"non_scolarises_15_plus": 70, "peu_diplomes": 20, "pop_18_24": 12, "scolarises_18_24": 5},
        "housing": {
            "logements": 60,
            "logements_vacants": 6,
            "residences_principales": 50,
            "locataires_hlm": 9,
            "residences_occupation": 50.5,
            "residences_suroccupees": 4.5,
        },
    }
    housing, states = tables["housing"]
    assert housing.loc["39300", ["residences_occupation", "residences_suroccupees"]].isna().all()
    assert set(states) == {Absence.SECRET}
    assert np.isnan(tables["wage_earners"][0].at["39300", "salaries_precaires"])


def test_main_and_complementary_exploitations_are_never_in_one_ratio():
    """P and C of Insee: what a measure divides is of one letter."""
    letters = {}
    for table, formulas, _ in insee_base.TABLES:
        found = {name: {part[0] for way in ways for part in way} for name, ways in formulas.items()}
        if table == "commuting":  # of either, by commune or by IRIS, but of one whole table
            assert len(set().union(*found.values())) == 1
        else:
            letters |= {f"{table}.{name}": used for name, used in found.items()}
    ratios = [measure for measure in MEASURES if measure.denominator is not None]
    mixed = {one.id: set().union(*(letters.get(variable, set()) for variable in one.variables)) for one in ratios}
    assert [name for name, used in mixed.items() if len(used) > 1] == []
    assert [name for name, used in mixed.items() if used == {"C"}] == ["familles_monoparentales", "suroccupation"]


def test_overcrowding_is_not_divided_by_another_definition():
    columns = frozenset(DETAIL.columns)
    assert "residences_occupation" not in insee_base.given(columns - {"C22_RP_NORME"})["housing"]
    lost = insee_base.given(columns - {"C22_RP_SUROCC_MOD"})["housing"]
    assert not {"residences_occupation", "residences_suroccupees"} & set(lost)
    before = insee_base.given(frozenset({"P21_LOG", "P21_LOGVAC", "C21_RP_HSTU1P", "C21_RP_HSTU1P_SUROCC"}))["housing"]
    assert before["residences_occupation"] == ("C21_RP_HSTU1P",)
    assert before["residences_suroccupees"] == ("C21_RP_HSTU1P_SUROCC",)


def test_the_newest_vintage_is_read():
    given = insee_base.given(frozenset(BASE.columns))
    assert given["activity"]["actifs_15_64"] == ("P22_ACT1564",)
    assert given["cars"]["menages_voiture"] == ("P22_RP_VOIT1P",)
    assert "enfants_moins_3_ans" not in given["population"]
    # A column of the newest vintage that is lost does not let an older one pass for it.
    assert "cars" not in insee_base.given(frozenset(BASE.columns) - {"P22_RP_VOIT1P"})
    older = insee_base.given(frozenset(BASE.columns) - {"P22_RP", "P22_RP_VOIT1P"})
    assert older["cars"] == {"menages": ("P11_RP",), "menages_voiture": ("P11_RP_VOIT1P",)}


def test_sheets_of_other_levels_and_years_are_left_out(tmp_path):
    def sheet(year, *codes):
        labels, header = ["Code", "Actifs", "Chômeurs"], ["CODGEO", f"P{year}_ACT1564", f"P{year}_CHOM1564"]
        return titled(labels, header, *([code, 45.5, float(year)] for code in codes))

    sheets = {
        "COM_2016": sheet(16, "39198", "75056"),
        "ARM_2016": sheet(16, "75101"),
        "COM_2022": sheet(22, "39198", "75056"),
        "ARM_2022": sheet(22, "75101", "75102"),
        "Variables_2022": titled(["a", "b"], ["VAR_ID", "VAR_LIB"], ["c", "d"]),
        "Documentation": [["Définitions"]],
    }
    path = tmp_path / "base-cc-emploi-pop-active-2022.xlsx"
    path.write_bytes(workbook(sheets))
    ((name, raw),) = read_texts(path)
    assert name == "COM_2022"
    frame, _ = refine(insee_base.COMMUNES, raw)["activity"]
    assert frame["chomeurs_15_64"].to_dict() == {"39198": 22, "75056": 22}


def test_iris_of_paris_and_of_merged_communes_are_summed():
    raw = text(
        "IRIS;COM;P22_POP;P22_POP65P;P22_POP0002\n751010101;75101;10;2;1\n751010102;75101;5;s;1\n"
        "751020101;75102;3;1;nd\n394740000;39474;7;1;1\n395760000;39576;8;2;1\n"
    )
    frame, states = refine(insee_base.IRIS, raw)["population"]
    assert frame["population"].to_dict() == {"39576": 15, "75056": 18}
    assert frame["pop_65_plus"].to_dict() == {"39576": 3, "75056": pytest.approx(np.nan, nan_ok=True)}
    assert states.to_dict() == {("75056", "pop_65_plus"): "secret"}
    assert np.isnan(frame.at["75056", "enfants_moins_3_ans"])


def as_parquet(tmp_path, columns):
    path = tmp_path / "iris.parquet"
    pq.write_table(pa.table(columns), path)
    ((_, raw),) = read_texts(path, insee_base.IRIS.columns)
    return raw


def test_a_parquet_of_iris(tmp_path):
    columns = {
        "IRIS": ["010010101", "010010102", "2A0040101"],
        "COM": ["01001", "01001", "2A004"],
        "LIBIRIS": ["a", "b", "c"],
        "P22_POP": [1.5, 2.0, None],
        "P22_POP65P": [1, 1, 4],
    }
    raw = as_parquet(tmp_path, columns)
    assert "LIBIRIS" not in raw
    frame, _ = refine(insee_base.IRIS, raw)["population"]
    assert frame.loc["01001"].tolist() == [3.5, 2]
    assert frame.loc["2A004"].tolist() == [pytest.approx(np.nan, nan_ok=True), 4]


@pytest.mark.parametrize("codes", [[1001, 39198], [1001.0, 39198.0]])
def test_a_code_that_lost_its_zero_is_refused(tmp_path, codes):
    raw = as_parquet(tmp_path, {"IRIS": [1, 2], "COM": codes, "P22_POP": [1, 1], "P22_POP65P": [1, 1]})
    with pytest.raises(TableError, match=r"'1001(\.0)?'.* is not a commune code"):
        refine(insee_base.IRIS, raw)


# Filosofi


@pytest.fixture(scope="module")
def filosofi(published):
    return published_table(published / "insee" / "cc_filosofi_2021_COM.zip", insee_filosofi.LAYOUT)


def test_secrets_of_filosofi_are_kept_and_counted(filosofi):
    assert filosofi.shape == (34_909, 3)
    frame, states = typed(insee_filosofi.LAYOUT.tidy(filosofi)["income"], CONTRACTS["income"], where="income")
    median = frame["niveau_vie_median"]
    assert median.notna().sum() == 31_304
    said = states[states.index.get_level_values(1) == "niveau_vie_median"]
    assert said.value_counts().to_dict() == {"secret": 3593}
    assert (median.isna().sum() - len(said)) == 12  # nd: not published
    assert frame["taux_pauvrete"].notna().sum() == 4397


def test_income_by_commune(filosofi):
    income, states = refine(insee_filosofi.LAYOUT, filosofi)["income"]
    oracles = {"39198": (21_070, 0.21), "38185": (22_140, 0.21), "79329": (20_280, 0.18), "35236": (21_610, 0.16)}
    for code, (median, poverty) in oracles.items():
        assert income.loc[code].tolist() == [median, pytest.approx(poverty)]
    assert not income.index.isin(list(ARRONDISSEMENTS)).any()
    assert income["taux_pauvrete"].max() < 1
    withheld = states.index[states.index.get_level_values(1) == "niveau_vie_median"].droplevel(1)
    assert income.loc[withheld, "niveau_vie_median"].isna().all()
    before, after = (
        rates[rates.index.str.startswith("39")].notna().sum()
        for rates in (
            pd.to_numeric(filosofi.set_index("CODGEO")["TP6021"].str.replace(",", "."), "coerce"),
            income["taux_pauvrete"],
        )
    )
    assert (before, after) == (16, 15)  # two communes merged: medians and rates do not add up


def test_an_old_spreadsheet_of_filosofi(tmp_path):
    def sheet(*rows):
        return titled(["Code géographique", "Nom", "Médiane", "Taux"], ["CODGEO", "LIBGEO", "MED14", "TP6014"], *rows)

    sheets = {
        "COM": sheet(["01001", "A", 23970.0, None], ["39198", "B", 19500.5, 19.25], ["39300", "C", "s", "nd"]),
        "ARM": sheet(["75101", "D", 30000, 10]),
        "DEP": sheet(["39", "E", 20000, 12]),
    }
    path = tmp_path / "base-cc-filosofi-2014.zip"
    path.write_bytes(zipped("base-cc-filosofi-2014.xlsx", workbook(sheets)))
    income, states = refine(insee_filosofi.LAYOUT, published_table(path, insee_filosofi.LAYOUT))["income"]
    assert income.index.tolist() == ["01001", "39198", "39300"]
    assert income.loc["39198"].tolist() == [19_500.5, pytest.approx(0.1925)]
    assert np.isnan(income.at["01001", "taux_pauvrete"])
    assert states.to_dict() == {("39300", "niveau_vie_median"): "secret"}


# Flows


FLOWS = (
    "\ufeffCODGEO;LIBGEO;DCLT;L_DCLT;NBFLUX_C23_ACTOCC15P\r\n"
    "39198;Dole;39198;Dole;5000.25\r\n39198;Dole;SU001;Suisse;12.5\r\n39198;Dole;BE002;Belgique;1,5\r\n"
    "39198;Dole;99138;Monaco;2\r\n75101;Paris 1er;75102;Paris 2e;30\r\n75102;Paris 2e;75102;Paris 2e;70\r\n"
    "2A004;Ajaccio;2A004;Ajaccio;9\r\n39474;Sarrogna;39198;Dole;4\r\n39576;Montlainsia;39198;Dole;3\r\n"
)


def test_flows_between_communes_and_abroad(door):
    with served("insee_flux", zipped("base-flux-mobilite-domicile-lieu-travail-2023.csv", FLOWS)) as server:
        loader = LOADERS["insee_flux"]
        (raw,) = loader.around(door(server), entry(loader.source), load_territory("39198", buffer_km=0))
    assert raw.millesime == "RP 2023"
    assert set(raw.frame) == {"CODGEO", "DCLT", "NBFLUX_C23_ACTOCC15P"}
    pile = Pile()
    flows, _ = pieces(insee_flux.LAYOUT, raw.frame, pile, where="x")["flows"]
    assert flows["actifs"].to_dict() == {
        ("2A004", "2A004"): 9,
        ("39198", "39198"): 5000.25,
        ("39198", "99138"): 2,
        ("39198", "99999"): 14,  # countries that have no code of five digits
        ("39576", "39198"): 7,
        ("75056", "75056"): 100,
    }
    assert flows["actifs"].sum() == 5000.25 + 12.5 + 1.5 + 2 + 30 + 70 + 9 + 4 + 3
    assert pile.notes == [insee_flux.SMALL_FLOWS]


@pytest.mark.parametrize(
    ("row", "error"),
    [("1004;x;39198;y;1", TableError), ("39198;x;1004;y;1", TableError), ("SU001;x;39198;y;1", TableError)],
)
def test_a_flow_from_nowhere_is_refused(row, error):
    raw = text("CODGEO;LIBGEO;DCLT;L_DCLT;NBFLUX_C22_ACTOCC15P\n" + row)
    with pytest.raises(error, match="is not a commune code"):
        refine(insee_flux.LAYOUT, raw)


# Geography


def test_zonings_of_communes(published):
    path = published / "insee" / "table-appartenance-geo-communes-22.zip"
    table = insee_geography.read_appartenance(path)
    assert table.shape == (34_955, 12)
    assert table.index.is_monotonic_increasing
    assert table.loc["39198", ["nom_commune", "code_epci", "zone_emploi", "bassin_vie"]].tolist() == [
        "Dole", "200010650", "2712", "39198",
    ]  # fmt: skip
    islands = table.index[table["code_epci"].isna()].tolist()
    assert islands == ["22016", "29083", "29155", "85113"]
    mayotte = table[table["code_departement"] == "976"]
    assert len(mayotte) == 17
    assert mayotte["code_arrondissement"].isna().all()  # ZZZZ: not concerned
    assert not table.apply(lambda cells: cells.str.fullmatch("Z+").eq(True)).any(axis=None)  # noqa: FBT003 - NaN is none


def test_a_table_of_zonings_is_kept_only_if_it_is_one(door):
    header = ["CODGEO", "LIBGEO", "DEP", "REG", "EPCI", "ZE2020", "AAV2030"]
    rows = [["39198", "Dole", "39", "27", "200010650", "2712", "ZZZ"]]
    good = zipped("t.xlsx", workbook({"COM": titled([f"l {name}" for name in header], header, *rows)}))
    with served("insee_appartenance", good) as server:
        there = door(server)
        table = insee_geography.fetch_appartenance(there)
    assert table.loc["39198", ["zone_emploi", "code_epci"]].tolist() == ["2712", "200010650"]
    assert np.isnan(table.at["39198", "aire_attraction"])
    assert cached(there, entry("insee_appartenance"))


def test_an_answer_that_is_no_table_of_passage_is_not_kept(door):
    with served("insee_passage", zipped("t.csv", "CODGEO_2026;annee\n39198;1\n")) as server:
        there = door(server)
        with pytest.raises(SourceFormatError, match="no table of passage"):
            insee_geography.fetch_passage(there)
    assert not cached(there, entry("insee_passage"))


def test_former_communes_of_insee(door):
    passage = titled(
        ["Code initial", "Code en 2026", "Nom"],
        ["CODGEO_INI", "CODGEO_2026", "LIBGEO_2026"],
        ["01001", "01001", "A"], ["39474", "39576", "B"], ["39576", "39576", "B"], ["75101", "75101", "C"],
    )  # fmt: skip
    sheets = {"Documentation": [["x"]], "Table de passage": passage, "Liste des fusions": [["COM_INI", "COM_FIN"]]}
    with served("insee_passage", zipped("table_passage_geo2003_geo2026.xlsx", workbook(sheets))) as server:
        assert insee_geography.fetch_passage(door(server)) == {"39474": "39576"}


def test_former_communes_of_the_annual_table():
    frame = text(
        "CODGEO_2026;CODGEO_2024;CODGEO_2003;LIBGEO_2026\n39576;39576;39576;x\n39576;39474;39474;x\n"
        "15031;15031;15031;x\n15268;15268;15999;x\n15031;15031;15999;x\n14472;14472;14697;x\n"
    )
    # 15999 went to two communes: nobody can say which.
    assert insee_geography.former_from(frame) == {"39474": "39576", "14697": "14472"}
    assert insee_geography.former_from(text("CODGEO_2025;annee\n39198;1\n")) is None
    assert insee_geography.former_from(text("a;b\n1;2\n")) is None
    with pytest.raises(TableError, match="leading zero"):
        insee_geography.former_from(text("CODGEO_INI;CODGEO_2025\n1001;1001\n"))


def test_communes_merged_long_ago_are_found_in_a_table_of_passage(published):
    """Thirteen codes that the embedded base does not know."""
    passage = insee_geography.read_passage(published / "cog" / "table_passage_com_historique.csv")
    assert len(passage) == 4286 - 45  # the arrondissements are no former communes
    base, former = _base.communes().index, _base.former_codes()
    everything = insee_geography.completed(passage, former, base)
    found = sorted(set(everything) - set(former))
    assert found == [
        "01220", "2A237", "2A294", "2A325", "2B044", "2B076", "2B151", "54448", "54454", "66131", "91221", "95025",
        "95065",
    ]  # fmt: skip
    with pytest.raises(CogYearError):
        current_codes(pd.Index(found), former, base)
    assert current_codes(pd.Index(found), everything, base).isin(base).all()
    assert {code: everything[code] for code in former} == former  # the base counts most
    assert set(everything.values()) <= set(base)


def test_a_passage_to_an_older_year_goes_on_to_the_current_one():
    former, current = {"39474": "39576"}, pd.Index(["39576", "39198"])
    given = {"39999": "39474", "39998": "39997", "39198": "39576"}
    assert insee_geography.completed(given, former, current) == {"39999": "39576", "39474": "39576"}


def test_communes_of_the_cog(published, tmp_path):
    table = insee_geography.read_cog(published / "cog" / "cog_ensemble_2019_csv.zip")
    assert len(table) == 34_970  # on 1 January 2019
    assert table.loc["39198"].tolist() == ["Dole", "39", "27", "391", "3998"]
    assert not table.index.isin(list(ARRONDISSEMENTS)).any()
    newer = "TYPECOM,COM,REG,DEP,CTCD,ARR,TNCC,NCC,NCCENR,LIBELLE,CAN,COMPARENT\n"
    rows = 'COM,39198,27,39,39D,391,0,DOLE,Dole,Dole,3998,\nCOMD,39300,,,,,0,X,X,"X, vieux",,39198\n'
    (tmp_path / "v_commune_2025.csv").write_text(newer + rows, encoding="utf-8")
    upper = insee_geography.read_cog(tmp_path / "v_commune_2025.csv")
    assert upper.index.tolist() == ["39198"]
    assert upper.loc["39198"].to_dict() == table.loc["39198"].to_dict()
    with pytest.raises(SourceFormatError, match="no table with TYPECOM"):
        insee_geography.read_cog(published / "cog" / "table_passage_com_historique.csv")
    with pytest.raises(SourceFormatError, match="no table with CODGEO and EPCI"):
        insee_geography.read_appartenance(published / "cog" / "table_passage_com_historique.csv")
