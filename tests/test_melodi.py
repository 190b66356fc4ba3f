"""Insee Melodi on a server that answers as the producer does: nine cubes, their pages, years, secrets and faults."""

import gzip
import io
import json
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from _loopback import Reply, json_reply, serve
from territoire_geo import load_territory
from territoire_geo.cog import departement
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import (
    SourceFormatError,
    SourceUnavailableError,
    StaleSourceWarning,
    TableError,
    TerritoireGeoWarning,
)
from territoire_geo.loaders import _base, melodi, melodi_cubes
from territoire_geo.loaders._cache import hand_folder
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door, Pace
from territoire_geo.loaders._layouts import PUBLISHED
from territoire_geo.loaders._melodi import Cube, recognise, tidy
from territoire_geo.loaders._melodi_read import observations, read_cube
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._refine import pieces

SAMPLES = Path(__file__).parents[2] / "shared" / "sources" / "samples"
BOOK = {cube.source: cube for cube in melodi_cubes.CUBES}
LAYOUTS = dict(zip(BOOK, melodi_cubes.LAYOUTS, strict=True))
LOADERS = {loader.source: loader for loader in melodi.LOADERS}
DOLE, OTHER = "39198", "39001"
LEVEL, AREA, YEAR, VALUE = "GEO_OBJECT", "GEO", "TIME_PERIOD", "OBS_VALUE"
LEAVES = [("D", "D5", "D502"), ("E", "E1", "E107"), ("A", "A1", "A129")]


@pytest.fixture(scope="module")
def samples():
    if not SAMPLES.is_dir():
        pytest.skip(f"the recorded answers are not beside the repository: {SAMPLES}")
    return SAMPLES


@pytest.fixture(scope="module")
def territory():
    return load_territory("200010650", buffer_km=5)


# ---------------------------------------------------------------- what the producer holds


def places(territory):
    """(level, code) of the communes of the territory, one further in each département, and their areas."""
    communes = [*territory.communes.index, "21231", "39478", "70550"]
    epcis = sorted(territory.communes["code_epci"].dropna().unique())
    areas = [("EPCI", code) for code in epcis] + [("DEP", code) for code in ("21", "39", "70")]
    areas += [("REG", "27"), ("FRANCE", "F"), ("FRANCE", "FM"), ("ARR", "391"), ("ZE2020", "2705")]
    return [("COM", code) for code in communes] + areas


def weight(level, code):
    """A size of its own for every place, so that no two figures are the same."""
    digits = int("".join(character for character in code if character.isdigit()) or 7)
    return digits % 1000 + 1000 * ["COM", "ARM", "EPCI", "DEP", "REG", "FRANCE", "ARR", "ZE2020"].index(level)


def population(size):
    ages = {"Y_LT20": size + 0.25, "Y20T64": 2 * size + 0.5, "Y65T79": size / 2, "Y_GE80": size / 4}
    ages = {"_T": sum(ages.values())} | ages | {"Y_LT15": size / 2, "Y15T24": size / 3}
    shares = {"_T": 1.0, "M": 0.25, "F": 0.75}
    return [
        ({"RP_MEASURE": "POP", "SEX": sex, "AGE": age}, people * share)
        for (age, people), (sex, share) in product(ages.items(), shares.items())
    ]


def activity(size):
    status = {"_T": 10 * size, "1T2": 7 * size, "1": 6 * size, "2": size + 0.5, "31": 3 * size}
    ages, sexes = {"Y15T64": 1.0, "Y15T24": 0.2, "Y_GE15": 1.3}, {"_T": 1.0, "M": 0.5, "F": 0.5}
    return [
        ({"RP_MEASURE": "POP", "EMPSTA_ENQ": one, "AGE": age, "SEX": sex, "EDUC": education}, people * a * b * c)
        for (one, people), (age, a), (sex, b), (education, c) in product(
            status.items(), ages.items(), sexes.items(), {"_T": 1.0, "200_RP": 0.1}.items()
        )
    ]


def jobs(size):
    forms, sexes, times = {"_T": 4.5 * size, "1": size, "2": 3.5 * size}, ("_T", "M", "F"), ("_T", "FT", "PT")
    return [
        (
            {"RP_MEASURE": "NBEMP", "EMPFORM": form, "SEX": sex, "WKTIME": time, "AGE": "_T"},
            number / (1 + len(sex + time)),
        )
        if (sex, time) != ("_T", "_T")
        else ({"RP_MEASURE": "NBEMP", "EMPFORM": form, "SEX": sex, "WKTIME": time, "AGE": "_T"}, number)
        for (form, number), sex, time in product(forms.items(), sexes, times)
    ]


def cars(size):
    total = {"CARPARK": "_T", "NOR": "_T", "NRG_SRC": "_T", "BUILD_END": "_T", "TDW": "_T", "TSH": "_T", "L_STAY": "_T"}
    held = {"_T": 5 * size, "C0": size, "C1": 3 * size, "C_GE2": size, "C_GE1": 4 * size}
    rows = [
        ({"RP_MEASURE": measure, "OCS": kind, "CARS": code, **total}, number * share)
        for (measure, share), kind, (code, number) in product(
            {"DWELLINGS": 1.0, "DWELLINGS_POPSIZE": 2.0}.items(), ("DW_MAIN", "_T"), held.items()
        )
    ]
    detail = {"RP_MEASURE": "DWELLINGS", "OCS": "DW_MAIN", "CARS": "_T", **total, "TDW": "1"}
    return [*rows, (detail, 2 * size), (detail | {"TDW": "_T", "TSH": "221"}, size)]


def births(size):
    return [({"EC_MEASURE": "LVB", "FREQ": "A"}, size)]


def income(size):
    figures = {"MED_SL": 20_000 + size, "PR_MD60": 12.5, "D1_SL": 10_000, "IR_D9_D1_SL": 3.1}
    units = {"MED_SL": "EUR_YR", "D1_SL": "EUR_YR"}
    said = {"UNIT_MULT": "0", "CONF_STATUS": "F"}
    return [
        ({"FILOSOFI_MEASURE": code, "UNIT_MEASURE": units.get(code, "PT"), **said}, value)
        for code, value in figures.items()
    ]


def families(size):
    kinds = {"_T": 3 * size, "1": size, "11": size / 4, "12": 3 * size / 4, "21": size, "22": size}
    rows = [({"TFN": code, "NCH": "_T", "RP_MEASURE": "NBFAM"}, number) for code, number in kinds.items()]
    return [*rows, ({"TFN": "_T", "NCH": "CH1_Y_LT25", "RP_MEASURE": "NBFAM"}, size / 2)]


def commuting(size):
    modes = {"_T": 20 * size, "1": size, "2": 2 * size, "3": 0.5 * size, "4": 0.5 * size, "5": 14 * size, "6": 2 * size}
    areas = {"_T": 1.0, "10": 0.3, "21": 0.5, "24T30": 0.2}
    return [
        ({"TRANS": mode, "WORK_AREA": area, "EMPSTA_ENQ": "1", "AGE": "Y_GE15", "RP_MEASURE": "POP"}, people * share)
        for (mode, people), (area, share) in product(modes.items(), areas.items())
    ]


def facilities(size):
    leaves = LEAVES[: 1 + int(size) % len(LEAVES)]  # a type that is not there has no row
    rows = [(dict(zip(BOOK["insee_bpe"].leaves, leaf, strict=True)), rank + 1) for rank, leaf in enumerate(leaves)]
    totals = [({"FACILITY_DOM": leaf[0], "FACILITY_SDOM": "_T", "FACILITY_TYPE": "_T"}, 9) for leaf in leaves]
    totals += [({"FACILITY_DOM": leaf[0], "FACILITY_SDOM": leaf[1], "FACILITY_TYPE": "_T"}, 9) for leaf in leaves]
    whole = {"FACILITY_DOM": "_T", "FACILITY_SDOM": "_T", "FACILITY_TYPE": "_T"}
    return [({"BPE_MEASURE": "FACILITIES"} | codes, number) for codes, number in [*rows, *totals, (whole, 27)]]


CONTENTS = {
    "insee_population_age": population,
    "insee_activite": activity,
    "insee_emplois": jobs,
    "insee_voitures": cars,
    "insee_naissances": births,
    "insee_filosofi": income,
    "insee_familles": families,
    "insee_navettes": commuting,
    "insee_bpe": facilities,
}


def years(source):
    last = entry(source).period.split()
    return ["2012", "2017", *last] if source != "insee_naissances" else ["2008", *last]


def held(source, where, *, periods=None):
    """All that a cube holds, in the shape of its published CSV: the last year has its own figures."""
    last = entry(source).period.split()
    rows = [
        {AREA: code, LEVEL: level, **codes, "OBS_STATUS": "A", YEAR: year, VALUE: str(factor * value)}
        for level, code in where
        for year in periods or years(source)
        for factor in [1 + last.index(year) if year in last else 100]
        for codes, value in CONTENTS[source](weight(level, code))
    ]
    return pd.DataFrame(rows, dtype="str")


# ---------------------------------------------------------------- the server


def answer(frame, dataset, cog="2026", most=100_000):
    """Answer `/data/{dataset}` from a frame, as Melodi does: places nested, dimensions pinned, pages."""

    def chosen(request):
        kept = frame
        for name in {name for name, _ in request.params} & {*frame.columns} - {AREA}:
            kept = kept[kept[name].isin([value for key, value in request.params if key == name])]
        areas = [value for key, value in request.params if key == AREA]
        mask = pd.Series(data=not areas, index=kept.index)
        for area in areas:
            outer, _, inner = area.partition("*")
            level, _, code = outer.partition("-")
            inside = (kept[LEVEL] == inner) & (departement(pd.Index(kept[AREA].str[:5])) == code)
            mask |= inside if inner else (kept[LEVEL] == level) & (kept[AREA] == code)
        return kept[mask]

    def route(request):
        kept = chosen(request)
        page, size = int(request.param("page", "1")), min(int(request.param("maxResult", "100")), most)
        part = kept.iloc[(page - 1) * size : page * size]
        paging = {"first": "https://api.insee.fr/melodi/…&page=1"}
        if page * size < len(kept):
            paging |= {"next": f"https://api.insee.fr/melodi/data/{dataset}?maxResult={size}&page={page + 1}"}
        elif page > 1:
            paging["isLast"] = True
        if request.param("totalCount") == "TRUE":
            paging["count"] = len(kept)
        seen = [observation(row, cog) for row in part.to_dict("records")]
        return json_reply({"identifier": dataset, "title": {"fr": "…"}, "observations": seen, "paging": paging})

    return route


def observation(row, cog):
    outside = {AREA, LEVEL, VALUE, "OBS_STATUS", "CONF_STATUS", "UNIT_MULT", "UNIT_MEASURE"}
    measure = {"value": float(row[VALUE])} if row[VALUE] else {}
    return {
        "dimensions": {AREA: f"{cog}-{row[LEVEL]}-{row[AREA]}"} | {key: row[key] for key in row if key not in outside},
        "attributes": {key: row[key] for key in ("OBS_STATUS", "CONF_STATUS", "UNIT_MULT") if row.get(key)}
        | {"COMMENT": row[AREA]},
        "measures": {"OBS_VALUE_NIVEAU": measure},
    }


def packed(frame, dataset):
    """The national file: a zip of two CSV, of which one holds the labels."""
    stream = io.BytesIO()
    name = f"{dataset}_{frame[YEAR].max()}"
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}_data.csv", frame.to_csv(index=False, sep=";", quoting=1))
        archive.writestr(
            f"{name}_metadata.csv", '"COD_VAR";"LIB_VAR";"COD_MOD";"LIB_MOD"\n"GEO";"Géo";"39198";"Dole"\n'
        )
    return stream.getvalue()


def published(frame, dataset, *, ids=("CSV_FR",)):
    """Routes of the catalogue and of the file of a cube."""
    listed = [
        {"id": f"{dataset}_{one}", "format": "CSV", "language": "FR", "packageFormat": "application/zip"}
        | {"accessURL": f"https://api.insee.fr/melodi/file/{dataset}/{dataset}_{one}", "modified": "2026-07-01"}
        for one in ids
    ]
    excel = {
        "id": "X",
        "format": "XLSX",
        "language": "FR",
        "accessURL": f"https://api.insee.fr/melodi/file/{dataset}/X",
    }
    file = Reply(body=packed(frame, dataset), content_type="application/octet-stream")
    return {
        f"/melodi/catalog/{dataset}": json_reply({"identifier": dataset, "product": [excel, *listed]}),
        **{f"/melodi/file/{dataset}/{dataset}_{one}": file for one in ids},
    }


@pytest.fixture
def ask(tmp_path):
    """Run a loader against routes: its raws, and the server; offline, with what the last server gave."""
    bases = {}

    def run(source, routes, territory=None, *, offline=False, **own):
        one = replace(entry(source), **{key: own[key] for key in own if key != "cube"})
        cube = own.get("cube", BOOK[source])
        with serve(routes) as server:
            bases["melodi"] = bases["melodi"] if offline and bases else f"{server.url}/melodi"
            door = Door(tmp_path / "cache", offline, dict(bases), Pace(attempts=1, backoff=0.01))
            loader = LOADERS[source] if cube is BOOK[source] else None
            if territory is None:
                raws = list(loader.national(door, one))
            else:
                raws = list(
                    loader.around(door, one, territory) if loader else melodi.around(cube, door, one, territory)
                )
            return raws, server

    return run


def refined(source, raws, *, pile=None):
    """The pieces of one raw, as the library takes them."""
    (raw,) = raws
    return {
        name: table for name, (table, _) in pieces(LAYOUTS[source], raw.frame, pile or Pile(), where=raw.label).items()
    }


# ---------------------------------------------------------------- the nine cubes

SIZE = weight("COM", DOLE)  # 198
EXPECTED = {
    "insee_population_age": {
        "population": 3.75 * SIZE + 0.75,
        "pop_0_19": SIZE + 0.25,
        "pop_20_64": 2 * SIZE + 0.5,
        "pop_65_plus": 0.75 * SIZE,
    },
    "insee_activite": {"pop_15_64": 10 * SIZE, "actifs_15_64": 7 * SIZE, "chomeurs_15_64": SIZE + 0.5},
    "insee_emplois": {"emplois": 4.5 * SIZE},
    "insee_voitures": {"menages": 5 * SIZE, "menages_voiture": 4 * SIZE},
    "insee_naissances": {"naissances": (1 + 2 + 3) * SIZE, "annees": 3},
    "insee_filosofi": {"niveau_vie_median": 20_000 + SIZE, "taux_pauvrete": 0.125},
    "insee_familles": {"familles": 3 * SIZE, "familles_monoparentales": SIZE},
    "insee_navettes": {
        "actifs_occupes": 20 * SIZE,
        "hors_commune": 14 * SIZE,
        "voiture": 14 * SIZE,
        "transports_commun": 2 * SIZE,
        "velo": 0.5 * SIZE,
        "marche": 2 * SIZE,
    },
}


def test_the_catalogue_and_the_cubes_name_the_same_datasets():
    assert sorted(BOOK) == sorted(CONTENTS) == sorted(one.id for one in map(entry, BOOK))
    for source, cube in BOOK.items():
        assert entry(source).path == f"data/{cube.dataset}"
        assert cube.table in entry(source).tables
        assert {*cube.columns} <= {*CONTRACTS[cube.table].numbers, *CONTRACTS[cube.table].optional}
        assert len(entry(source).period.split()) == cube.years


@pytest.mark.parametrize("source", EXPECTED)
def test_a_cube_asked_around_a_territory_gives_the_figures_by_hand(ask, territory, source):
    cube = BOOK[source]
    frame = held(source, places(territory))
    raws, server = ask(source, {f"/melodi/data/{cube.dataset}": answer(frame, cube.dataset)}, territory)
    tables = refined(source, raws)
    assert set(tables) == {cube.table, "references"}
    table = tables[cube.table]
    assert table.loc[DOLE].to_dict() == pytest.approx(EXPECTED[source])
    # The whole of the départements is there, each commune once, and the figures of no other year.
    assert set(table.index) == {code for level, code in places(territory) if level == "COM"}
    references = tables["references"]
    assert set(references.index) == {
        *(("EPCI", code) for code in territory.communes["code_epci"].dropna()),
        *(("DEP", code) for code in ("21", "39", "70")),
        ("REG", "27"),
        ("FR", "FR"),
    }
    whole = (weight("FRANCE", "F") - SIZE) / SIZE + 1
    first = next(iter(EXPECTED[source]))
    if source not in {"insee_population_age", "insee_filosofi"}:  # those are not proportional to the size
        assert references.loc[("FR", "FR"), first] == pytest.approx(whole * EXPECTED[source][first])
    assert raws[0].millesime == ""
    assert raws[0].notes == ()
    # One request; every dimension that is known is pinned in it.
    (request,) = server.requests
    pinned = {name for name, _ in request.params}
    assert {*cube.dimensions, AREA, YEAR, "maxResult"} <= pinned
    assert "DEP-39*COM" in [value for key, value in request.params if key == AREA]
    assert "%2A" in request.query


@pytest.mark.parametrize("source", EXPECTED)
def test_the_national_file_gives_the_same_figures_as_the_requests(ask, territory, source):
    cube = BOOK[source]
    frame = held(source, places(territory))
    live, _ = ask(source, {f"/melodi/data/{cube.dataset}": answer(frame, cube.dataset)}, territory)
    file, server = ask(source, published(frame, cube.dataset))
    assert server.paths() == [f"/melodi/catalog/{cube.dataset}", f"/melodi/file/{cube.dataset}/{cube.dataset}_CSV_FR"]
    assert len(file[0].sha256) == 64
    left, right = refined(source, live), refined(source, file)
    for name, table in left.items():
        pd.testing.assert_frame_equal(table, right[name].loc[table.index])


def test_facilities_are_leaves_by_commune_and_never_totals(ask, territory):
    cube = BOOK["insee_bpe"]
    frame = held("insee_bpe", places(territory))
    raws, server = ask("insee_bpe", {"/melodi/data/DS_BPE": answer(frame, "DS_BPE")}, territory)
    table = refined("insee_bpe", raws)["facilities"]
    assert set(table["code_equipement"]) == {"D502", "E107", "A129"}
    here = {code: 1 + weight("COM", code) % 3 for level, code in places(territory) if level == "COM"}
    assert len(table) == sum(here.values())
    assert table["nombre"].sum() == sum(number * (number + 1) / 2 for number in here.values())
    dole = table[table["code_commune"] == DOLE]
    assert dole["nombre"].to_dict() == {f"{DOLE}-D502": 1.0}
    assert raws[0].departements == ("21", "39", "70")  # elsewhere, a row that is not there is unknown
    assert {value for key, value in server.requests[0].params if key == AREA} == {
        f"DEP-{code}*COM" for code in ("21", "39", "70")
    }
    file, _ = ask("insee_bpe", published(frame, cube.dataset))
    assert file[0].departements is None
    pd.testing.assert_frame_equal(refined("insee_bpe", file)["facilities"], table)


def test_a_folder_of_published_files_is_read_by_the_same_layouts(territory):
    for source, cube in BOOK.items():
        frame = held(source, places(territory))
        assert [other for other in LAYOUTS if LAYOUTS[other].recognise(frozenset(frame.columns))] == [source]
        assert cube.table in tidy(cube, frame)


OTHERS = {
    "decimated cube": {"AGE", "SEX"},
    "DS_RP_POPULATION_COMP": {"AGE", "SEX", "PCS", "RP_MEASURE"},
    "DS_RP_EMPLOI_LR_COMP": {"EMPSTA_ENQ", "AGE", "SEX", "PCS", "RP_MEASURE"},
    "DS_RP_EMPLOI_LT_COMP": {"EMP_ACTIVITY", "SEX", "PCS", "EMPFORM", "RP_MEASURE"},
    "DS_POPULATIONS_REFERENCE": {"POPREF_MEASURE", "FREQ"},
    "DS_BPE_EDUCATION": {"FACILITY_DOM", "FACILITY_SDOM", "FACILITY_TYPE", "BPE_MEASURE", "EP_TYPE"},
    "DS_FILOSOFI_AGE_TP_NIVVIE": {"FILOSOFI_MEASURE", "AGE"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_cube_that_shares_dimensions_is_not_taken_for_another(name):
    header = frozenset({AREA, LEVEL, YEAR, VALUE, "OBS_STATUS", *OTHERS[name]})
    assert not any(layout.recognise(header) for layout in melodi_cubes.LAYOUTS)


def test_no_other_layout_takes_a_cube_for_its_own():
    others = [layout for layout in PUBLISHED if not layout.id.startswith("melodi_")]
    for source, cube in BOOK.items():
        header = frozenset({AREA, LEVEL, YEAR, VALUE, *cube.dimensions})
        assert recognise(cube, header), source
        assert not any(layout.recognise(header) for layout in others)


# ---------------------------------------------------------------- absences


def sample(samples, name):
    return pd.read_csv(samples / "reconstructed" / name, sep=";", dtype="str", keep_default_na=False)


def test_the_reconstructed_csv_keeps_secret_absent_and_zero_apart(samples):
    raw = sample(samples, "melodi_DS_RP_EMPLOI_LR_PRINC_2023_data.csv")
    cube = BOOK["insee_activite"]
    assert LAYOUTS["insee_activite"].recognise(frozenset(raw.columns))
    with pytest.raises(SourceFormatError, match=r"EMPSTA_ENQ has no code '_T', which pop_15_64 is made of"):
        tidy(cube, raw)  # the sample has no total
    raw = pd.concat([raw, raw.assign(EMPSTA_ENQ="_T", OBS_VALUE="30000", CONF_STATUS="F").iloc[:1]])
    tables = tidy(cube, raw)
    table = tables["activity"].set_index("code_commune")
    assert table.loc["39198"].tolist() == ["30000", "9876.5432", "1234.5678"]
    assert table.loc["39001"].tolist() == ["", "120.25", "0"]
    assert table.loc["39002"].tolist() == ["", "s", ""]
    assert tables["references"].to_dict("records") == [
        {"niveau": "EPCI", "code": "200010650", "pop_15_64": "", "actifs_15_64": "24680.1357", "chomeurs_15_64": ""}
    ]
    meta = sample(samples, "melodi_DS_RP_EMPLOI_LR_PRINC_2023_metadata.csv")
    assert not any(layout.recognise(frozenset(meta.columns)) for layout in melodi_cubes.LAYOUTS)


def test_a_secret_is_secret_whether_it_comes_in_json_or_in_a_file(ask, territory):
    frame = held("insee_filosofi", places(territory))
    dole = (frame[AREA] == DOLE) & (frame[LEVEL] == "COM")
    frame.loc[dole & (frame["FILOSOFI_MEASURE"] == "PR_MD60"), [VALUE, "CONF_STATUS"]] = ["", "C"]
    village = frame[AREA] == OTHER
    frame.loc[village, [VALUE, "OBS_STATUS"]] = ["", "O"]  # nobody lives there: not published, no secret
    frame = pd.concat([frame, frame[(frame[AREA] == "39478")].assign(GEO="39475", OBS_VALUE="")])  # withheld, unsaid
    live, _ = ask("insee_filosofi", {"/melodi/data/DS_FILOSOFI_CC": answer(frame, "DS_FILOSOFI_CC")}, territory)
    file, _ = ask("insee_filosofi", published(frame, "DS_FILOSOFI_CC"))
    for (raw,) in (live, file):
        text = tidy(BOOK["insee_filosofi"], raw.frame)["income"].set_index("code_commune")
        assert text.loc[DOLE, "taux_pauvrete"] == "s"
        assert set(text.loc[["39475"]].to_numpy().ravel()) == {"s"}
        assert OTHER not in text.index or set(text.loc[OTHER]) == {"nd"}
        table, states = pieces(LAYOUTS["insee_filosofi"], raw.frame, Pile(), where="x")["income"]
        assert np.isnan(table.loc[DOLE, "taux_pauvrete"])
        assert states[DOLE, "taux_pauvrete"] == "secret"
        assert table.loc[DOLE, "niveau_vie_median"] == 20_000 + SIZE


def test_an_unknown_part_makes_a_sum_unknown_and_a_secret_one_secret(territory):
    frame = held("insee_population_age", places(territory), periods=["2023"])
    total = frame["SEX"] == "_T"
    frame = frame[~(total & (frame["AGE"] == "Y_GE80") & (frame[AREA] == DOLE))]
    frame.loc[total & (frame["AGE"] == "Y65T79") & (frame[AREA] == "39478"), VALUE] = ""
    text = tidy(BOOK["insee_population_age"], frame)["population"].set_index("code_commune")
    assert text.loc[DOLE, "pop_65_plus"] == ""
    assert float(text.loc[DOLE, "pop_0_19"]) == SIZE + 0.25
    assert text.loc["39478", "pop_65_plus"] == "s"


def test_a_sum_of_decimals_is_written_without_the_noise_of_floats():
    cells = [("_T", 1), ("Y_LT20", 0), ("Y20T64", 0), ("Y65T79", 0.1), ("Y_GE80", 0.2)]
    frame = pd.DataFrame(
        [
            {AREA: DOLE, LEVEL: "COM", "RP_MEASURE": "POP", "SEX": "_T", "AGE": age, YEAR: "2023", VALUE: str(value)}
            for age, value in cells
        ]
    )
    assert tidy(BOOK["insee_population_age"], frame)["population"]["pop_65_plus"].tolist() == ["0.3"]


def test_a_commune_re_established_since_is_told_by_the_one_that_contains_it():
    """85084 still holds the figures of 85165 (status W and K of Insee): neither a zero, nor a secret."""
    where = [("COM", "85084"), ("COM", "85165"), ("DEP", "85"), ("FRANCE", "F")]
    frame = held("insee_familles", where, periods=["2023"])
    frame.loc[frame[AREA] == "85084", "OBS_STATUS"] = "W"
    frame.loc[frame[AREA] == "85165", ["OBS_STATUS", VALUE]] = ["K", ""]
    pile = Pile()
    table, states = pieces(LAYOUTS["insee_familles"], frame, pile, where="x")["families"]
    assert table.index.tolist() == ["85084"]
    assert pile.split["families"] == ("85084",)
    assert states.empty
    # A commune of status K that was not re-established is unknown, whatever is written.
    frame.loc[frame[AREA] == "85165", [AREA, VALUE]] = ["85001", "0"]
    text = tidy(BOOK["insee_familles"], frame)["families"].set_index("code_commune")
    assert set(text.loc["85001"]) == {"nd"}


def test_arrondissements_are_never_added_to_their_commune():
    where = [("COM", "69123"), ("COM", "69001"), ("ARM", "69381"), ("ARM", "69382"), ("FRANCE", "F")]
    frame = held("insee_voitures", where, periods=["2023"])
    table, _ = pieces(LAYOUTS["insee_voitures"], frame, Pile(), where="x")["cars"]
    assert table["menages"].to_dict() == {"69001": 5.0, "69123": 5.0 * 123}
    alone = frame[frame[AREA] != "69123"]
    table, _ = pieces(LAYOUTS["insee_voitures"], alone, Pile(), where="x")["cars"]
    assert table["menages"].to_dict() == {
        "69001": 5.0,
        "69123": 5.0 * (weight("ARM", "69381") + weight("ARM", "69382")),
    }


def test_a_figure_that_is_not_one_is_refused_with_its_place(territory):
    frame = held("insee_population_age", places(territory), periods=["2023"])
    frame.loc[(frame[AREA] == DOLE) & (frame["AGE"] == "Y_GE80"), VALUE] = "beaucoup"
    with pytest.raises(SourceFormatError, match=r"pop_65_plus is made of 'beaucoup'"):
        tidy(BOOK["insee_population_age"], frame)
    frame.loc[(frame[AREA] == DOLE) & (frame["AGE"] == "Y_GE80"), VALUE] = "1"
    frame.loc[(frame[AREA] == DOLE) & (frame["AGE"] == "_T"), VALUE] = "beaucoup"
    with pytest.raises(TableError, match=r"population.population: 'beaucoup' is not a number"):
        pieces(LAYOUTS["insee_population_age"], frame, Pile(), where="x")


# ---------------------------------------------------------------- years


def test_the_last_years_are_read_when_those_of_the_catalogue_are_not_published(ask, territory):
    frame = held("insee_voitures", places(territory), periods=["2016", "2022"])
    raws, server = ask(
        "insee_voitures", {"/melodi/data/DS_RP_LOGEMENT_PRINC": answer(frame, "DS_RP_LOGEMENT_PRINC")}, territory
    )
    assert [sorted({value for key, value in request.params if key == YEAR}) for request in server.requests] == [
        ["2023"],
        [],
    ]
    assert raws[0].millesime == "RP 2022"
    (note,) = raws[0].notes
    assert note.category is StaleSourceWarning
    assert "RP 2022 est lu" in note.fr
    assert "RP 2022 is read" in note.en
    assert refined("insee_voitures", raws)["cars"].loc[DOLE, "menages"] == 100 * 5 * SIZE
    file, _ = ask("insee_voitures", published(frame, "DS_RP_LOGEMENT_PRINC"))
    assert file[0].millesime == "RP 2022"
    newer, _ = ask("insee_bpe", published(held("insee_bpe", places(territory), periods=["2031"]), "DS_BPE"))
    assert newer[0].millesime == "BPE 2031"
    assert newer[0].notes[0].category is TerritoireGeoWarning


def test_births_of_a_missing_year_are_unknown_and_years_are_counted(ask, territory):
    last = entry("insee_naissances").period.split()
    frame = held("insee_naissances", places(territory))
    frame = frame[~((frame[AREA] == DOLE) & (frame[YEAR] == last[1]))]
    dataset = BOOK["insee_naissances"].dataset
    raws, _ = ask("insee_naissances", {f"/melodi/data/{dataset}": answer(frame, dataset)}, territory)
    table = refined("insee_naissances", raws)["births"]
    assert np.isnan(table.loc[DOLE, "naissances"])
    assert table.loc["39478", "naissances"] == 6 * weight("COM", "39478")
    # The last year is not published yet: the three before it are read.
    earlier = [str(int(last[0]) - 1), *last[:-1]]
    frame = held("insee_naissances", places(territory), periods=["2008", *earlier])
    file, _ = ask("insee_naissances", published(frame, dataset))
    assert file[0].millesime == f"{earlier[0]}-{earlier[-1]}"
    assert refined("insee_naissances", file)["births"].loc[DOLE].tolist() == [(100 + 1 + 2) * SIZE, 3]


def test_places_of_a_cog_that_is_not_known_yet_are_told(ask, territory):
    frame = held("insee_familles", places(territory))
    route = answer(frame, "DS_RP_FAMILLE_COMP", cog="2027")
    raws, _ = ask("insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": route}, territory)
    assert "COG 2027" in raws[0].notes[0].fr
    older, _ = ask(
        "insee_voitures",
        {"*": answer(held("insee_voitures", places(territory)), "DS_RP_LOGEMENT_PRINC", cog="2025")},
        territory,
    )
    assert older[0].notes == ()
    assert "cog_year" not in older[0].frame


def test_of_two_cog_years_the_last_is_read(ask, territory):
    frame = held("insee_familles", places(territory))
    former = answer(frame, "DS_RP_FAMILLE_COMP", cog="2025")

    def both(body, request):
        body["observations"] += json.loads(former(request).content)["observations"]
        body["paging"]["count"] *= 2

    route = changed(answer(frame, "DS_RP_FAMILLE_COMP"), both)
    raws, _ = ask("insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": route}, territory)
    assert refined("insee_familles", raws)["families"].loc[DOLE, "familles"] == 3 * SIZE


# ---------------------------------------------------------------- pages


def test_pages_are_followed_to_the_end_and_read_once(ask, territory):
    frame = held("insee_navettes", places(territory))
    dataset = BOOK["insee_navettes"].dataset
    raws, server = ask("insee_navettes", {f"/melodi/data/{dataset}": answer(frame, dataset, most=300)}, territory)
    asked = [request.param("page", "1") for request in server.requests]
    assert asked == [str(page) for page in range(1, len(asked) + 1)]
    assert len(asked) > 3
    whole, _ = ask("insee_navettes", published(frame, dataset))
    assert len(raws[0].frame) < len(frame)
    for name, table in refined("insee_navettes", raws).items():
        pd.testing.assert_frame_equal(table, refined("insee_navettes", whole)[name].loc[table.index])


def changed(route, change):
    def reply(request):
        body = json.loads(route(request).content)
        change(body, request)
        return json_reply(body)

    return reply


def same_page(body, _request):
    body["paging"]["next"] = "https://api.insee.fr/melodi/data/X?page=1"


def no_number(body, _request):
    body["paging"]["next"] = "https://api.insee.fr/melodi/data/X?cursor=abc"


def repeated(body, request):
    if request.param("page") == "2":
        body["observations"] = [dict(one) for one in repeated.first]
    else:
        repeated.first = body["observations"]
        body["paging"]["next"] = "https://api.insee.fr/melodi/data/X?page=2"
    del body["paging"]["count"]


def short(body, _request):
    body["observations"].pop()


def huge(body, _request):
    body["paging"]["count"] = 40_000_000


def elsewhere(body, _request):
    for one in body["observations"]:
        one["dimensions"]["GEO"] = one["dimensions"]["GEO"].replace("COM-39", "COM-38")


def ignored(body, _request):
    first = json.loads(json.dumps(body["observations"][0]))
    first["dimensions"]["GEO"] = "2026-COM-01001"
    body["observations"].append(first)
    body["paging"]["count"] += 1


def other_dataset(body, _request):
    body["identifier"] = "DS_RP_TD_FAMILLE_NBENF_COMP"


def two_measures(body, _request):
    for one in body["observations"]:
        one["measures"]["OBS_VALUE_AUTRE"] = {"value": 1}


def flag(body, _request):
    body["observations"][3]["measures"]["OBS_VALUE_NIVEAU"]["value"] = True


def no_geo(body, _request):
    for one in body["observations"]:
        one["dimensions"]["TERRITOIRE"] = one["dimensions"].pop("GEO")


def uneven(body, _request):
    del body["observations"][3]["dimensions"]["NCH"]


def bare_codes(body, _request):
    for one in body["observations"]:
        one["dimensions"]["GEO"] = one["dimensions"]["GEO"].split("-")[-1]


def no_list(body, _request):
    del body["observations"]


def flat(body, _request):
    body["observations"] = [{"GEO": "39198", "value": 3}]


FAULTS = {
    same_page: "it turns round",
    no_number: "it turns round",
    repeated: "came twice .* a page was repeated",
    short: "observations came where .* were announced",
    huge: r"40,000,000 observations, too many .*national file",
    elsewhere: "no commune of département '39' came",
    ignored: "département '01' came, not asked",
    other_dataset: "the answer is about 'DS_RP_TD_FAMILLE_NBENF_COMP'",
    two_measures: "not the shape of Melodi",
    flag: "not the shape of Melodi",
    no_geo: "lack the dimension 'GEO'",
    uneven: "lack the dimension 'NCH'",
    bare_codes: "is not a place such as 2026-COM-39198",
    no_list: "an answer with observations was expected",
    flat: "not the shape of Melodi",
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_an_answer_that_is_not_what_was_asked_is_refused(ask, territory, fault):
    frame = held("insee_familles", places(territory))
    route = changed(answer(frame, "DS_RP_FAMILLE_COMP"), fault)
    with pytest.raises(SourceFormatError, match=FAULTS[fault]) as caught:
        ask("insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": route}, territory)
    assert "insee_familles" in str(caught.value)


def test_a_bad_answer_is_not_kept(ask, territory):
    frame = held("insee_familles", places(territory))
    route = answer(frame, "DS_RP_FAMILLE_COMP")
    for fault in (no_list, flat, no_geo, other_dataset):
        with pytest.raises(SourceFormatError):
            ask("insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": changed(route, fault)}, territory)
    with pytest.raises(SourceUnavailableError):
        ask("insee_familles", {}, territory, offline=True)
    first, _ = ask("insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": route}, territory)
    again, server = ask("insee_familles", {}, territory, offline=True)
    assert server.requests == []
    pd.testing.assert_frame_equal(first[0].frame, again[0].frame)


def test_an_older_vintage_is_found_again_without_a_network(ask, territory):
    frame = held("insee_familles", places(territory), periods=["2022"])
    first, _ = ask(
        "insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": answer(frame, "DS_RP_FAMILLE_COMP")}, territory
    )
    again, _ = ask("insee_familles", {}, territory, offline=True)
    assert first[0].millesime == again[0].millesime == "RP 2022"


# ---------------------------------------------------------------- a cube that changed


def renamed(frame):
    return frame.rename(columns={"TFN": "FAMILY_TYPE"})


def new_dimension(frame):
    return pd.concat([frame.assign(NATIONALITY="FR"), frame.assign(NATIONALITY="ETR")])


def new_total(frame):
    return pd.concat([frame.assign(NATIONALITY="_T"), frame.assign(NATIONALITY="ETR", OBS_VALUE="1")])


def new_constant(frame):
    return frame.assign(UNIT="FAM")


def two_measures_of_rp(frame):
    return pd.concat([frame, frame.assign(RP_MEASURE="NBCHILD")])


def other_codes(frame):
    return frame.assign(TFN=frame["TFN"].replace("1", "MONO"))


def no_pin(frame):
    return frame.assign(NCH="TOTAL")


def no_commune(frame):
    return frame[frame[LEVEL] != "COM"]


def thousands(frame):
    return frame.assign(UNIT_MULT="3")


def months(frame):
    return frame.assign(TIME_PERIOD=frame[YEAR] + "-01")


def twice(frame):
    return pd.concat([frame, frame])


def monthly(frame):
    return pd.concat([frame.assign(FREQ="A"), frame.assign(FREQ="M")])


CHANGES = {
    renamed: "column 'TFN' is missing; there are .*FAMILY_TYPE",
    new_dimension: r"dimension NATIONALITY has several codes \('ETR', 'FR'\), no total",
    two_measures_of_rp: r"dimension RP_MEASURE has several codes",
    monthly: r"dimension FREQ has several codes",
    other_codes: "TFN has no code '1', which familles_monoparentales is made of",
    no_pin: "NCH has no code _T; it has 'TOTAL'",
    no_commune: "no row of level COM",
    thousands: r"powers of ten \(UNIT_MULT '3'\)",
    months: "is not a year",
    twice: "two figures for COM",
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_cube_that_changed_is_refused_with_what_to_do(ask, territory, change):
    frame = change(held("insee_familles", places(territory), periods=["2023"]))
    with pytest.raises(SourceFormatError, match=CHANGES[change]) as caught:
        tidy(BOOK["insee_familles"], frame)
    assert "melodi_cubes.py" in str(caught.value)
    assert entry("insee_familles").landing_page in str(caught.value)
    with pytest.raises(SourceFormatError, match=CHANGES[change]):
        refined("insee_familles", ask("insee_familles", published(frame, "DS_RP_FAMILLE_COMP"))[0])


@pytest.mark.parametrize("change", [new_total, new_constant])
def test_a_new_dimension_that_has_a_total_or_one_code_changes_no_figure(territory, change):
    frame = held("insee_familles", places(territory), periods=["2023"])
    cube = BOOK["insee_familles"]
    pd.testing.assert_frame_equal(tidy(cube, change(frame))["families"], tidy(cube, frame)["families"])


def test_households_with_a_car_are_summed_when_their_total_is_not_published(territory):
    frame = held("insee_voitures", places(territory), periods=["2023"])
    without = frame[frame["CARS"] != "C_GE1"]
    text = tidy(BOOK["insee_voitures"], without)["cars"].set_index("code_commune")
    assert float(text.loc[DOLE, "menages_voiture"]) == 4 * SIZE
    with pytest.raises(SourceFormatError, match="CARS has no code 'C_GE1', which menages_voiture is made of"):
        tidy(BOOK["insee_voitures"], without[without["CARS"] != "C1"])


def test_deaths_are_not_read_as_births(territory):
    frame = held("insee_naissances", places(territory)).assign(EC_MEASURE="DTH")
    with pytest.raises(SourceFormatError, match="EC_MEASURE has no code LVB; it has 'DTH'"):
        tidy(BOOK["insee_naissances"], frame)


def test_france_is_the_whole_of_it_and_the_mainland_only_for_incomes(territory):
    mainland = [place for place in places(territory) if place != ("FRANCE", "F")]
    counts = tidy(BOOK["insee_voitures"], held("insee_voitures", mainland))["references"]
    assert "FR" not in set(counts["niveau"])
    incomes = tidy(BOOK["insee_filosofi"], held("insee_filosofi", mainland))["references"].set_index("niveau")
    assert float(incomes.loc["FR", "niveau_vie_median"]) == 20_000 + weight("FRANCE", "FM")
    both, _ = pieces(LAYOUTS["insee_filosofi"], held("insee_filosofi", places(territory)), Pile(), where="x")[
        "references"
    ]
    assert both.loc[("FR", "FR")].tolist() == [20_000 + weight("FRANCE", "F"), 0.125]


def test_areas_without_a_figure_are_told(ask, territory):
    frame = held("insee_familles", [place for place in places(territory) if place[0] != "EPCI"])
    raws, _ = ask("insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": answer(frame, "DS_RP_FAMILLE_COMP")}, territory)
    (note,) = raws[0].notes
    assert "'EPCI-200010650'" in note.en
    assert "référence" in note.fr


def test_a_city_published_by_arrondissement_only_is_not_taken_for_empty(ask):
    lyon = load_territory("69123", buffer_km=0)
    frame = held("insee_bpe", [("COM", "69001"), ("ARM", "69381"), ("ARM", "69382")])
    with pytest.raises(SourceFormatError, match=r"'69123' did not come.*national file"):
        ask("insee_bpe", {"/melodi/data/DS_BPE": answer(frame, "DS_BPE")}, lyon)
    raws, _ = ask("insee_bpe", published(frame, "DS_BPE"))
    assert set(refined("insee_bpe", raws)["facilities"]["code_commune"]) == {"69001", "69381", "69382"}


def test_a_territory_of_many_areas_is_asked_in_several_requests(ask):
    large = load_territory("R27", buffer_km=0)
    where = [("COM", code) for code in large.communes.index[::20]] + [("COM", DOLE)]
    departements = sorted(large.communes["code_departement"].unique())
    where += [("COM", large.communes.index[large.communes["code_departement"] == code][0]) for code in departements]
    where += [("EPCI", code) for code in large.communes["code_epci"].dropna().unique()]
    where += [("DEP", code) for code in departements] + [("REG", "27"), ("FRANCE", "F")]
    where = list(dict.fromkeys(where))
    frame = held("insee_familles", where, periods=["2023"])
    raws, server = ask(
        "insee_familles", {"/melodi/data/DS_RP_FAMILLE_COMP": answer(frame, "DS_RP_FAMILLE_COMP")}, large
    )
    assert len(server.requests) > 1
    assert max(len(request.path + request.query) for request in server.requests) < 2000
    tables = refined("insee_familles", raws)
    assert len(tables["families"]) == sum(level == "COM" for level, _ in where)
    assert len(tables["references"]) == sum(level != "COM" for level, _ in where)
    assert raws[0].notes == ()


# ---------------------------------------------------------------- recorded answers

POPREF = Cube(
    "insee_population_age",
    "DS_POPULATIONS_REFERENCE",
    "population",
    {},
    ("POPREF_MEASURE",),
    {"population": (melodi_cubes.made_of("PMUN"),)},
)


def recorded(samples, name):
    return json.loads((samples / "melodi" / name).read_text(encoding="utf-8"))


def test_recorded_communes_of_nantes_are_read(samples, ask):
    nantes = load_territory("244400404", buffer_km=0)
    body = recorded(samples, "get_local_data_by_com_popref_1.json")
    routes = {"/melodi/data/DS_POPULATIONS_REFERENCE": json_reply(body)}
    raws, server = ask("insee_population_age", routes, nantes, path="data/DS_POPULATIONS_REFERENCE", cube=POPREF)
    assert len(raws[0].frame) == 72
    table = tidy(POPREF, raws[0].frame)["population"].set_index("code_commune")
    assert set(table.index) == set(nantes.communes.index)
    assert float(table.loc["44215", "population"]) == 26_227
    assert len(server.requests) == 1
    assert [note.category for note in raws[0].notes] == [TerritoireGeoWarning]  # no total was recorded


def test_a_recorded_empty_answer_is_asked_again_without_the_year_then_refused(samples, ask):
    nantes = load_territory("244400404", buffer_km=0)
    routes = {"/melodi/data/DS_POPULATIONS_REFERENCE": json_reply(recorded(samples, "get_data_popref_empty_0.json"))}
    with pytest.raises(
        SourceFormatError, match=r"no observation, though the producer answered.*correct the path or the period"
    ):
        ask("insee_population_age", routes, nantes, path="data/DS_POPULATIONS_REFERENCE", cube=POPREF)
    with pytest.raises(SourceUnavailableError, match="not in the cache"):
        ask("insee_population_age", {}, nantes, path="data/DS_POPULATIONS_REFERENCE", cube=POPREF, offline=True)


def test_an_unknown_dataset_is_unavailable(ask, territory):
    reply = Reply(500, "Le serveur a rencontré une erreur inattendue.", "text/plain;charset=UTF-8")
    with pytest.raises(SourceUnavailableError, match="500"):
        ask("insee_familles", {"*": reply}, territory)
    with pytest.raises(SourceUnavailableError, match="500"):
        ask("insee_familles", {"*": reply})


def test_the_only_measure_is_read_whatever_its_name(samples):
    frame = observations(recorded(samples, "get_data_obs_value_indice_prix_1.json"), where="x")
    row = frame.iloc[0]
    assert (row[VALUE], row[AREA], row[LEVEL], row["cog_year"]) == ("99.14", "974", "DEP", "2025")
    assert (row["OBS_STATUS"], row["CONF_STATUS"], row["DECIMALS"]) == ("A", "F", "2")
    assert observations(recorded(samples, "get_data_popref_over_0.json"), where="x").empty


def test_the_cassettes_hold_the_same_answers(samples):
    yaml = pytest.importorskip("yaml")
    for path in sorted((samples / "melodi" / "cassettes").glob("get_*_popref*.yml")):
        for call in yaml.safe_load(path.read_text(encoding="utf-8"))["http_interactions"]:
            if call["response"]["status"] == 200:
                frame = observations(json.loads(call["response"]["body"]["string"]), where=path.name)
                assert frame.empty or frame[VALUE].str.fullmatch(r"\d+\.\d+").all()


def test_files_are_found_in_the_recorded_catalogue(samples):
    with gzip.open(samples / "melodi" / "get_catalog_0.json.gz") as stream:
        listed = {one["identifier"]: one for one in json.load(stream)}
    for source, cube in BOOK.items():
        path = melodi.product_path(entry(source), listed[cube.dataset])
        assert path.startswith(f"file/{cube.dataset}/{cube.dataset}_")
        assert path.endswith("CSV_FR")
    deaths = replace(entry("insee_naissances"), path="data/DS_EC_DECES")
    body = recorded(samples, "get_metadata_deces_0.json")
    assert melodi.product_path(deaths, body) == "file/DS_EC_DECES/DS_EC_DECES_CSV_FR"
    with pytest.raises(SourceFormatError, match="names no French CSV file of DS_BPE; it has 'T1_DECES"):
        melodi.product_path(entry("insee_bpe"), body)


# ---------------------------------------------------------------- national files


def test_the_file_of_the_year_of_the_catalogue_is_chosen(ask, territory):
    frame = held("insee_bpe", places(territory))
    year = entry("insee_bpe").period
    _, server = ask("insee_bpe", published(frame, "DS_BPE", ids=("2019_CSV_FR", f"{year}_CSV_FR", "2018_CSV_FR")))
    assert server.paths()[-1] == f"/melodi/file/DS_BPE/DS_BPE_{year}_CSV_FR"


def test_a_file_that_a_new_vintage_withdrew_is_looked_for_again(ask, territory):
    frame = held("insee_bpe", places(territory))
    ask("insee_bpe", published(frame, "DS_BPE", ids=("2024_CSV_FR",)))
    new = published(frame, "DS_BPE", ids=("2026_CSV_FR",))
    old = new["/melodi/catalog/DS_BPE"], published(frame, "DS_BPE", ids=("2024_CSV_FR",))["/melodi/catalog/DS_BPE"]
    raws, server = ask("insee_bpe", new | {"/melodi/catalog/DS_BPE": list(reversed(old))})
    assert server.paths() == [
        "/melodi/catalog/DS_BPE",
        "/melodi/file/DS_BPE/DS_BPE_2024_CSV_FR",
        "/melodi/catalog/DS_BPE",
        "/melodi/file/DS_BPE/DS_BPE_2026_CSV_FR",
    ]
    assert len(raws[0].frame)
    with pytest.raises(SourceUnavailableError, match="404"):
        ask("insee_bpe", {"/melodi/catalog/DS_BPE": old[1]})


@pytest.mark.parametrize(
    "product",
    [
        {},
        {"product": []},
        {"product": [{"id": "X", "format": "XLSX", "language": "FR", "accessURL": "https://x/file/DS_BPE/X"}]},
        {"product": [{"id": "X", "format": "CSV", "language": "FR", "accessURL": "https://x/file/DS_AUTRE/X"}]},
        {"product": [{"id": "X", "format": "CSV", "language": "FR", "accessURL": "https://x/file/DS_BPE/../../X"}]},
        [],
    ],
)
def test_a_catalogue_without_a_file_of_the_cube_is_refused(ask, product):
    with pytest.raises(SourceFormatError, match=r"names no French CSV file of DS_BPE.*correct the path"):
        ask("insee_bpe", {"/melodi/catalog/DS_BPE": json_reply(product)})


def test_a_zip_of_another_cube_or_that_is_damaged_is_refused_and_not_kept(ask, territory):
    frame = held("insee_bpe", places(territory))
    other = published(held("insee_familles", places(territory)), "DS_BPE")
    with pytest.raises(SourceFormatError, match=r"column .*'FACILITY_DOM'.* is missing"):
        ask("insee_bpe", other)
    body = published(frame, "DS_BPE")
    name = "/melodi/file/DS_BPE/DS_BPE_CSV_FR"
    with pytest.raises(SourceFormatError):
        ask("insee_bpe", body | {name: Reply(body=body[name].body[:-400], content_type="application/octet-stream")})
    assert ask("insee_bpe", body)[0][0].frame.shape[0] > 0


def test_a_national_file_placed_by_hand_is_read_without_a_network(ask, territory, tmp_path):
    frame = held("insee_familles", places(territory))
    folder = hand_folder(tmp_path / "cache", "insee_familles")
    folder.mkdir(parents=True)
    (folder / "DS_RP_FAMILLE_COMP_2023_CSV_FR.zip").write_bytes(packed(frame, "DS_RP_FAMILLE_COMP"))
    for where in (territory, None):
        raws, server = ask("insee_familles", {}, where, offline=True)
        assert server.requests == []
        assert refined("insee_familles", raws)["families"].loc[DOLE, "familles"] == 3 * SIZE


@pytest.mark.parametrize("kind", ["columns", "codes", "damaged", "text"])
def test_a_wrong_file_placed_by_hand_is_named_and_must_be_replaced(ask, territory, tmp_path, kind):
    frame = held("insee_familles", places(territory))
    if kind == "codes":
        frame = frame[frame["TFN"] == "_T"]
    wrong = held("insee_emplois", places(territory)) if kind == "columns" else frame
    body = packed(wrong, "DS_OTHER")
    name = "data.csv" if kind == "text" else "data.zip"
    body = {"damaged": body[: len(body) // 2], "text": b"GEO;X\n1;2\n"}.get(kind, body)
    path = hand_folder(tmp_path / "cache", "insee_familles") / name
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    for where in (territory, None):
        with pytest.raises(SourceFormatError) as caught:
            ask("insee_familles", {}, where, offline=True)
        message = str(caught.value)
        assert message.startswith(
            f"{path}: placed by hand, it is not the file of insee_familles (DS_RP_FAMILLE_COMP). "
        )
        assert "Replace it by that of " in message
        assert "in the catalogue" not in message
        assert message.count(str(path)) == 1


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".zip"])
def test_a_cube_is_read_from_any_of_its_formats(territory, tmp_path, suffix):
    frame = held("insee_familles", places(territory))
    path = tmp_path / f"DS_RP_FAMILLE_COMP_2023_data{suffix}"
    if suffix == ".parquet":
        frame.astype({YEAR: "int64", VALUE: "float64"}).to_parquet(path)
    elif suffix == ".zip":
        path.write_bytes(packed(frame, "DS_RP_FAMILLE_COMP"))
    else:
        path.write_text("\ufeff" + frame.to_csv(index=False, sep=";"), encoding="utf-8")
    cube = BOOK["insee_familles"]
    read = read_cube(cube, path)
    assert (len(read) < len(frame)) == (suffix == ".zip")
    table, _ = pieces(LAYOUTS["insee_familles"], read, Pile(), where="x")["families"]
    wanted, _ = pieces(LAYOUTS["insee_familles"], frame, Pile(), where="x")["families"]
    pd.testing.assert_frame_equal(table, wanted)


def test_every_commune_of_france_is_read_once(tmp_path):
    codes = _base.communes().index[_base.communes()["epsg"].notna()]
    sizes = np.arange(len(codes), dtype="float64")
    parts = [
        pd.DataFrame({AREA: codes, LEVEL: "COM", "TFN": kind, "NCH": children, YEAR: year, VALUE: share * sizes + 0.5})
        for kind, share in (("_T", 3.0), ("1", 1.0), ("21", 1.0), ("22", 1.0))
        for children in ("_T", "CH1_Y_LT25")
        for year in ("2017", "2023")
    ]
    frame = pd.concat(parts).assign(OBS_STATUS="A", RP_MEASURE="NBFAM").sample(frac=1, random_state=0)
    path = tmp_path / "national.zip"
    path.write_bytes(packed(frame, "DS_RP_FAMILLE_COMP"))
    read = read_cube(BOOK["insee_familles"], path)
    table, _ = pieces(LAYOUTS["insee_familles"], read, Pile(), where="x")["families"]
    assert len(table) == len(codes)
    assert table["familles"].sum() == pytest.approx((3 * sizes + 0.5).sum())
    assert table["familles_monoparentales"].sum() == pytest.approx((sizes + 0.5).sum())
