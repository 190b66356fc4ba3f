"""Base permanente des équipements: points, counts by commune, and what the types of each year mean."""

from dataclasses import replace
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from _loopback import Reply, serve
from territoire_geo import load_territory
from territoire_geo.errors import SourceFormatError, TableError
from territoire_geo.loaders import bpe
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace, cached
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._places import cut_to
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._refine import pieces
from territoire_geo.loaders.bpe_types import CRECHE, HOME_HELP, MICRO_CRECHE, NURSING, TYPES, told
from territoire_geo.needs import ageing, childcare
from territoire_geo.tables import Absence

QUICK = Pace(attempts=1, backoff=0.001, connect=2, read=2, deadline=20, progress=False)
COLUMNS = ("AN", "NOMRS", "LIBVOIE", "DEPCOM", "DEP", "TYPEQU", "CAPACITE", "LONGITUDE", "LATITUDE", "QUALITE_GEOLOC")
ROWS = (
    ("2025", "LES LUTINS", "", "39198", "39", "D502", "40", "5.491234", "47.094561", "11"),
    ("2025", "MICRO", "A; B", "39198", "39", "D509", "_U", "5.50", "47.10", "_Z"),
    ("2025", "UN CABINET", "", "39198", "39", "D265", "_Z", "5.50", "47.10", "12"),
    ("2025", "UN CABINET", "", "39198", "39", "D265", "_Z", "5.50", "47.10", "12"),
    ("2025", "AIDE", "", "39008", "39", "D403", "_Z", "5.70", "47.20", "33"),
    ("2025", "SANS LIEU", "", "39024", "39", "D402", "", "", "", "_U"),
    ("2025", "PARIS", "", "75101", "75", "D502", "30", "2.34", "48.86", "11"),
    ("2025", "CORSE", "", "2A004", "2A", "D502", "20", "8.73", "41.92", "11"),
    ("2025", "MAYOTTE", "", "97608", "976", "D502", "10", "", "", "_Z"),
)


def points(rows=ROWS):
    return pd.DataFrame(rows, columns=COLUMNS)


def facilities(raw):
    return pieces(bpe.POINTS, raw, Pile(), where="bpe")["facilities"]


def parquet_of(raw):
    stream = BytesIO()
    pq.write_table(pa.Table.from_pandas(raw, preserve_index=False), stream)
    return stream.getvalue()


def typed_parquet_of(raw):
    """As Insee writes it: positions are numbers, codes may be categories."""
    figures = {column: pd.to_numeric(raw[column]) for column in ("AN", "LONGITUDE", "LATITUDE")}
    return parquet_of(raw.assign(**figures, TYPEQU=raw["TYPEQU"].astype("category")))


def zip_of(raw):
    stream = BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        archive.writestr("BPE25.csv", raw.to_csv(sep=";", index=False, lineterminator="\r\n"))
        archive.writestr("BPE25_varmod.csv", "COD_VAR;LIB_VAR;COD_MOD;LIB_MOD\nTYPEQU;Type;D502;Crèche\n")
    return stream.getvalue()


# ---------------------------------------------------------------- points


def test_each_row_is_one_facility_with_its_place_and_capacity():
    table, states = facilities(points())
    assert len(table) == len(ROWS)
    assert table["nombre"].eq(1).all()
    creche = table.loc["D502-39198_549123_4709456"]
    assert creche[["lon", "lat", "capacite"]].tolist() == [5.491234, 47.094561, 40.0]
    assert (creche["code_equipement"], creche["code_commune"]) == ("D502", "39198")
    micro = table[table["code_equipement"] == "D509"].iloc[0]
    assert np.isnan(micro["capacite"])
    assert (micro.name, "capacite") not in states.index  # undetermined is not published
    doctor = table.index[table["code_equipement"] == "D265"][0]
    assert states[(doctor, "capacite")] == Absence.NOT_APPLICABLE
    assert "name" not in table.columns  # a practice may bear the name of a person


def test_a_facility_without_position_or_with_a_random_one_counts_in_its_commune():
    table, _ = facilities(points())
    for code, commune in (("D403", "39008"), ("D402", "39024")):
        row = table[table["code_equipement"] == code].iloc[0]
        assert row["code_commune"] == commune
        assert row[["lon", "lat"]].isna().all()
    territory = load_territory("200010650")
    kept, unplaced = cut_to("facilities", table, territory)
    assert set(kept["code_equipement"]) == {"D502", "D509", "D265", "D403", "D402"}
    assert len(unplaced) == 0


def test_arrondissements_are_those_of_their_commune():
    table, _ = facilities(points())
    paris, _ = cut_to("facilities", table, load_territory("75056"))
    assert paris["code_commune"].eq("75056").sum() == 1


def test_names_of_facilities_are_unique_and_stay_when_rows_move_or_go():
    raw = points()
    names = facilities(raw)[0].index
    assert names.is_unique
    moved = facilities(raw.sample(frac=1, random_state=3).reset_index(drop=True))[0].index
    assert set(moved) == set(names)
    fewer = facilities(raw.drop(index=[0, 2]).reset_index(drop=True))[0].index
    assert set(fewer) < set(names)
    assert len(fewer) == len(names) - 2


def test_parquet_and_csv_give_the_same_table(tmp_path):
    (tmp_path / "BPE25.parquet").write_bytes(typed_parquet_of(points()))
    (tmp_path / "BPE25.zip").write_bytes(zip_of(points()))
    ((_, numbers),) = read_texts(tmp_path / "BPE25.parquet", bpe.POINTS.columns)
    texts = dict(read_texts(tmp_path / "BPE25.zip", bpe.POINTS.columns))["BPE25"]
    assert set(numbers.columns) == set(texts.columns) == set(COLUMNS) - {"NOMRS", "LIBVOIE", "DEP"}
    pd.testing.assert_frame_equal(facilities(numbers)[0], facilities(texts)[0])


def test_a_position_out_of_the_world_is_refused():
    raw = points()
    raw.loc[0, ["LONGITUDE", "LATITUDE"]] = ["901234.5", "6680000"]  # Lambert-93
    with pytest.raises(TableError, match="EPSG:4326"):
        facilities(raw)


@pytest.mark.parametrize(
    "header",
    [
        {"DEPCOM", "TYPEQU", "NB_EQUIP", "LONGITUDE", "LATITUDE"},
        {"code_commune", "code_equipement", "nombre", "id", "lon", "lat"},
        {"GEO", "GEO_OBJECT", "FACILITY_TYPE", "BPE_MEASURE", "OBS_VALUE"},
    ],
)
def test_points_do_not_swallow_other_tables(header):
    assert not bpe.POINTS.recognise(frozenset(header))


# ---------------------------------------------------------------- the loader

SOURCE = entry("insee_bpe_points")
(LOADER,) = bpe.LOADERS


@pytest.fixture
def door(tmp_path):
    return lambda server: Door(tmp_path / "cache", bases={"insee": server.url}, pace=QUICK)


@pytest.mark.parametrize(("form", "pack"), [("parquet", typed_parquet_of), ("zip", zip_of)])
def test_the_file_is_brought_and_cut_to_the_departements(door, form, pack):
    source = replace(SOURCE, path=f"8217525/BPE25.{form}", format=form)
    dole = load_territory("200010650")
    with serve({f"/{source.path}": Reply(200, pack(points()), "application/octet-stream")}) as server:
        here = door(server)
        (raw,) = LOADER.around(here, source, dole)
        (national,) = LOADER.national(here, source)
    assert len(server.requests) == 1
    assert set(raw.frame["DEPCOM"].str[:2]) == {"39"}
    assert raw.departements == tuple(sorted(dole.communes["code_departement"].unique()))
    assert raw.sha256 == national.sha256
    assert len(national.frame) == len(ROWS)
    assert national.departements is None
    assert national.millesime == "BPE 2025"


@pytest.mark.parametrize(("asked", "departement"), [("2A", "2A"), ("976", "976")])
def test_codes_of_corsica_and_overseas_are_found(door, asked, departement):
    with serve({f"/{SOURCE.path}": Reply(200, typed_parquet_of(points()), "application/octet-stream")}) as server:
        (raw,) = LOADER.around(door(server), SOURCE, load_territory(asked, buffer_km=0))
    assert raw.departements == (departement,)
    assert raw.frame["DEPCOM"].str.startswith(departement).all()
    assert len(raw.frame) == 1


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (points().drop(columns="TYPEQU"), "no table of facilities"),
        (points().rename(columns={"LONGITUDE": "LON"}), "no table of facilities"),
        (points()[:0], "no table of facilities"),
        (points()[points()["DEP"] != "39"], "no facility in"),
    ],
    ids=["no type", "renamed", "empty", "not here"],
)
def test_a_file_that_changed_is_refused(door, raw, words):
    with serve({f"/{SOURCE.path}": Reply(200, parquet_of(raw), "application/octet-stream")}) as server:
        here = door(server)
        with pytest.raises(SourceFormatError, match=words) as caught:
            list(LOADER.around(here, SOURCE, load_territory("200010650")))
        if words == "no table of facilities":
            assert cached(here, SOURCE) is None
    assert SOURCE.landing_page in str(caught.value)


# ---------------------------------------------------------------- counts


def test_counts_of_iris_are_summed_by_commune_and_type():
    raw = pd.DataFrame(
        {
            "DEPCOM": ["39198", "39198", "39001", "39198"],
            "DCIRIS": ["39198_0101", "39198_0102", "39001", "39198_0101"],
            "AN": ["2019"] * 4,
            "TYPEQU": ["D502", "D502", "D502", "A122"],
            "NB_EQUIP": ["2", "4", "1", "1"],
        }
    )
    assert bpe.COUNTS.recognise(frozenset(raw.columns))
    table, _ = pieces(bpe.COUNTS, raw, Pile(), where="bpe")["facilities"]
    assert table["nombre"].to_dict() == {"A122-39198": 1.0, "D502-39001": 1.0, "D502-39198": 6.0}
    raw.loc[1, "NB_EQUIP"] = ""
    table, _ = pieces(bpe.COUNTS, raw, Pile(), where="bpe")["facilities"]
    assert np.isnan(table.loc["D502-39198", "nombre"])


@pytest.mark.parametrize("layout", [bpe.COUNTS, bpe.POINTS])
def test_of_several_years_in_one_file_the_last_is_read_and_told(layout):
    shape = {"NB_EQUIP": ["1", "3", "9"]} if layout is bpe.COUNTS else {"LONGITUDE": "5.5", "LATITUDE": "47.1"}
    raw = pd.DataFrame({"AN": ["2018", "2021", ""], "DEPCOM": "39198", "TYPEQU": "D502"} | shape)
    pile = Pile()
    table, _ = pieces(layout, raw, pile, where="bpe")["facilities"]
    assert table["nombre"].tolist() == [3.0 if layout is bpe.COUNTS else 1.0]
    assert any("2018, 2021); only 2021 is read" in note.en for note in pile.notes)
    assert any("2018, 2021) ; seul 2021 est lu" in note.fr for note in pile.notes)
    assert not any("BPE 2018" in note.en for note in pile.notes)
    raw["AN"] = ["2021", "2021", ""]
    pile = Pile()
    table, _ = pieces(layout, raw, pile, where="bpe")["facilities"]
    assert table["nombre"].sum() == (13.0 if layout is bpe.COUNTS else 3.0)
    assert not any("only" in note.en for note in pile.notes)


def test_the_published_counts_of_2019(published):
    ((_, raw),) = read_texts(published / "insee" / "bpe_ens_2019.parquet", bpe.COUNTS.columns)
    assert len(raw) == 1_060_614
    assert not bpe.POINTS.recognise(frozenset(raw.columns))
    table, _ = pieces(bpe.COUNTS, raw, Pile(), where="bpe")["facilities"]
    assert table["nombre"].sum() == raw["NB_EQUIP"].sum()
    by_type = table.groupby("code_equipement")["nombre"].sum()
    assert by_type[["D502", "A122", "A503"]].tolist() == [12_338, 1_022, 12_575]
    assert table.loc["D502-39198", "nombre"] == 6
    assert not table["code_commune"].isin(["75056", "69123", "13055"]).any()
    paris, _ = cut_to("facilities", table, load_territory("75056", buffer_km=0))
    kept = raw[raw["DEPCOM"].str.startswith("751")]
    assert paris["nombre"].sum() == kept["NB_EQUIP"].sum()
    assert bpe.vintages(raw) == [2019]


# ---------------------------------------------------------------- types of each year


def test_needs_count_types_that_mean_the_same_every_year():
    assert childcare.CRECHES == (CRECHE, MICRO_CRECHE)
    assert not {NURSING, HOME_HELP} & set(ageing.HOME_HELP)  # the norm does not change with the way figures are loaded
    for labels in TYPES.values():
        assert "âgées" in labels[NURSING]
        assert "âgées" in labels[HOME_HELP]
        assert "Crèche" in labels[CRECHE] or "jeune enfant" in labels[CRECHE]
    assert [year for year, labels in TYPES.items() if MICRO_CRECHE in labels] == [2025]


@pytest.mark.parametrize(
    ("years", "words"),
    [
        ([2025], []),
        ([], []),
        ([2019], ["micro-crèches"]),
        ([2024, 2023], ["BPE 2023, 2024"]),
        ([2031], ["2031"]),
        ([2019, 2031], ["2031", "BPE 2019"]),
    ],
)
def test_years_whose_types_differ_are_told(years, words):
    notes = told(years)
    assert len(notes) == len(words)
    for note, word in zip(notes, words, strict=True):
        assert word in note.fr
        assert word in note.en


@pytest.mark.parametrize(("column", "years"), [(["2025", "2024", "x"], [2024, 2025]), ([2019.0, 2019.0], [2019])])
def test_the_vintage_is_that_of_the_rows(column, years):
    assert bpe.vintages(pd.DataFrame({"AN": column})) == years
    assert bpe.vintages(pd.DataFrame({"X": column})) == []
