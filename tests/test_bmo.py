"""Besoins en main-d'œuvre: secret counts stay secret, areas over several départements are put together."""

import numpy as np
import pandas as pd
import pytest

from _loopback import Reply, serve
from _workbook import workbook
from territoire_geo import load_territory
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import SourceFormatError, TableError
from territoire_geo.loaders import bmo
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._refine import pieces
from territoire_geo.loaders._types import typed

HEADER = ["annee", "Code métier BMO", "Nom métier BMO", "Famille_met", "Dept", "BE25", "NOMBE25", "met", "xmet", "smet"]


def rows(*listed):
    return [["2025", trade, "x", "Z", place, area, "y", met, xmet, "*"] for trade, place, area, met, xmet in listed]


def refine(raw):
    return pieces(bmo.LAYOUT, raw, Pile(), where="x")["hiring"]


@pytest.fixture(scope="module")
def year_2024(published):
    tables = dict(read_texts(published / "bmo" / "Base_open_data_BMO_2024.xlsx"))
    assert list(tables) == ["BMO_2024_open_data"]  # the first sheet describes the other
    return tables["BMO_2024_open_data"]


def test_the_published_file_is_read_whole(year_2024):
    assert year_2024.shape == (53_443, 14)
    assert {column: year_2024[column].eq("*").sum() for column in ("met", "xmet", "smet")} == {
        "met": 10_891,
        "xmet": 20_507,
        "smet": 39_359,
    }
    assert year_2024["BE24"].iloc[0] == "101"  # a number of the spreadsheet
    assert pd.to_numeric(year_2024["met"], errors="coerce").sum() == 2_751_069


def test_areas_over_several_departements_are_put_together(year_2024):
    hiring, _ = refine(year_2024)
    published = year_2024.set_index(["BE24", "Code métier BMO"])
    assert len(hiring) == published.index.nunique() == 52_193
    assert hiring.index.is_unique
    assert hiring.index.get_level_values("code_bassin").nunique() == 406
    assert hiring.index.get_level_values("code_metier").nunique() == 217
    for column, name in {"met": "projets", "xmet": "difficiles"}.items():
        secret = published[column].eq("*").groupby(level=[0, 1]).any()
        expected = pd.to_numeric(published[column], errors="coerce").groupby(level=[0, 1]).sum()
        expected = expected.mask(secret).rename_axis(hiring.index.names).sort_index()
        np.testing.assert_array_equal(hiring[name], expected)
        assert (hiring[name] != 0).all()  # a secret is never a zero


def test_every_unknown_total_is_secret(year_2024):
    frame, states = typed(bmo.LAYOUT.tidy(year_2024)["hiring"], CONTRACTS["hiring"], where="hiring")
    assert set(states) == {"secret"}
    assert states.groupby(level=1).size().to_dict() == frame.isna().sum().to_dict()


def test_names_of_columns_change_every_year():
    raw = pd.DataFrame(rows(("A0X40", "39", "2701", "10", "*"), ("A0X40", "21", "2701", "5", "1")), columns=HEADER)
    for header in (HEADER, [name.replace("Code métier", "code métier").replace("BE25", "BE19") for name in HEADER]):
        hiring, states = refine(raw.set_axis(header, axis=1))
        assert hiring.loc[("2701", "A0X40"), "projets"] == 15
        assert np.isnan(hiring.loc[("2701", "A0X40"), "difficiles"])
        assert set(states) == {"secret"}
    with pytest.raises(TableError, match="'beaucoup' is not a number"):
        refine(raw.assign(met="beaucoup"))
    with pytest.raises(TableError, match="exceeds"):
        refine(raw.assign(xmet="999"))


@pytest.fixture
def door(tmp_path):
    pace = Pace(attempts=1, connect=2, read=2, deadline=20, progress=False)
    return lambda server: Door(tmp_path, bases={"france_travail": server.url}, pace=pace)


def test_the_file_of_a_year_is_fetched(door):
    content = workbook(
        {
            "Description_des_variables": [["", "Variables", "Description"], ["", "annee", 2025]],
            "BMO_2025_open_data": [HEADER, *rows(("M1X80", "39", "2701", "12", "6"), ("M1X80", "75", 5001, 227, "*"))],
        }
    )
    routes = {f"/{entry('bmo').path}": Reply(body=content, content_type="application/octet-stream")}
    with serve(routes) as server:
        (raw,) = bmo.LOADER.around(door(server), entry("bmo"), load_territory("39198", buffer_km=0))
    assert raw.millesime == "2025"
    assert set(raw.frame) == {"Code métier BMO", "BE25", "Dept", "met", "xmet"}
    pile = Pile()
    hiring, _ = pieces(bmo.LAYOUT, raw.frame, pile, where="x")["hiring"]
    assert hiring["projets"].to_dict() == {("2701", "M1X80"): 12, ("5001", "M1X80"): 227}
    assert pile.notes == [bmo.WITHHELD]


@pytest.mark.parametrize("header", [["annee", "code", "met"], [name.replace("xmet", "difficult") for name in HEADER]])
def test_a_file_that_changed_shape_is_refused(door, header):
    content = workbook({"BMO": [header, ["1"] * len(header)]})
    routes = {f"/{entry('bmo').path}": Reply(body=content, content_type="application/octet-stream")}
    with serve(routes) as server, pytest.raises(SourceFormatError, match="columns are not those of this vintage"):
        list(bmo.LOADER.national(door(server), entry("bmo")))
