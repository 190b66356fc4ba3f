"""data.inclusion: the open files of structures and services, by hand and live."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from _loopback import Reply, publish, serve
from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TableError
from territoire_geo.loaders import data_inclusion as di
from territoire_geo.loaders._calls import Pace
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._live import bring
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._places import cut_to
from territoire_geo.loaders._read import read_texts
from territoire_geo.loaders._refine import pieces

SAMPLES = Path(__file__).parents[2] / "shared" / "sources" / "samples" / "data_inclusion"
QUICK = Pace(attempts=1, backoff=0.01, connect=2, read=2, deadline=10)
# The columns of the open files: schema v1, and the score that the producer adds.
STRUCTURE = {
    "source": "emplois-de-linclusion", "id": "emplois-de-linclusion--1", "nom": "Jura Service",
    "date_maj": "2026-05-02", "description": "Écrire à marie.martin@example.net ou 03 84 00 00 00",
    "lien_source": None, "siret": "33965933600012",
    "commune": "Dole", "code_postal": "39100", "code_insee": "39198", "adresse": "1 rue de la Gare",
    "complement_adresse": None, "longitude": 5.49, "latitude": 47.09, "telephone": "+33384000000",
    "courriel": "marie.martin@example.net", "site_web": "https://jura.example/", "horaires_accueil": None,
    "accessibilite_lieu": None, "reseaux_porteurs": ["aci"], "score_qualite": 0.8,
}  # fmt: skip
SERVICE = {
    "source": "dora", "id": "dora--s1", "structure_id": "dora--1", "nom": "Location de scooters",
    "type": "aide-materielle", "description": "Appeler Paul au 0601020304", "date_maj": "2026-05-02",
    "thematiques": ["mobilite--acceder-a-un-vehicule"],
    "modes_accueil": ["en-presentiel"], "contact_nom_prenom": "Paul Durand", "courriel": "paul.durand@example.net",
    "telephone": "0601020304", "commune": "Dole", "code_postal": "39100", "code_insee": "39198",
    "adresse": "1 rue de la Gare", "longitude": 5.49, "latitude": 47.09, "score_qualite": 0.5,
}  # fmt: skip
LISTS = {"reseaux_porteurs", "thematiques", "modes_accueil"}


def parquet(rows, path, **types):
    """Write records as the producer does: text, floats, and lists of text."""
    kinds = {name: pa.list_(pa.string()) for name in LISTS}
    kinds |= dict.fromkeys(("longitude", "latitude", "score_qualite"), pa.float64()) | types
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in rows[0]])
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def structures(*changes):
    return [STRUCTURE | change for change in changes]


def services(*changes):
    return [SERVICE | change for change in changes]


def tidy(layout, rows, path):
    [(_, raw)] = read_texts(parquet(rows, path / "file.parquet"))
    assert layout.recognise(frozenset(raw.columns))
    [(frame, states)] = pieces(layout, raw, Pile(), where="file").values()
    assert states.empty
    return frame


@pytest.fixture
def door(tmp_path):
    def at(server, **options):
        return Door(tmp_path / "cache", bases={"datagouv": server.url}, pace=QUICK, **options)

    return at


@pytest.mark.parametrize(
    ("name", "record", "added"),
    [("structure", STRUCTURE, {"score_qualite"}), ("service", SERVICE, {"score_qualite"})],
)
def test_the_fields_are_those_of_the_schema(name, record, added):
    path = SAMPLES / "schema_v1" / f"{name}.json"
    if not path.is_file():
        pytest.skip(f"the schemas are not beside the repository: {path}")
    schema = json.loads(path.read_text(encoding="utf-8"))
    assert set(record) - added <= set(schema["properties"])
    needed, read = (di.STRUCTURE, di.STRUCTURE_READ) if name == "structure" else (di.SERVICE, di.SERVICE_READ)
    assert needed <= set(schema["properties"])
    assert read <= set(schema["properties"])
    if name == "structure":
        assert set(schema["required"]) == di.REQUIRED
        assert set(di.NETWORKS) <= set(schema["$defs"]["ReseauPorteur"]["enum"])
    else:
        assert set(schema["required"]) >= di.REQUIRED
        themes = set(schema["$defs"]["Thematique"]["enum"])
        assert di.CHILDCARE in themes
        assert sum(theme.startswith("mobilite--") for theme in themes) == 6


def test_the_recorded_pages_have_our_columns():
    for name, columns in (("list_structures_all", di.STRUCTURE), ("list_services_all", di.SERVICE)):
        path = SAMPLES / f"{name}.json"
        if not path.is_file():
            pytest.skip(f"the recorded pages are not beside the repository: {path}")
        [item] = json.loads(path.read_text(encoding="utf-8"))["items"]
        assert columns <= set(item)


def test_kinds_come_from_the_networks(tmp_path):
    rows = structures(
        {"id": "a", "reseaux_porteurs": ["aci", "chantier-ecole", "ei"]},
        {"id": "b", "siret": "11111111100011", "reseaux_porteurs": ["ai"]},
        {"id": "c", "siret": "22222222200022", "reseaux_porteurs": ["eatt", "ea"]},
        {"id": "d", "siret": "33333333300033", "reseaux_porteurs": None},
        {"id": "e", "siret": "44444444400044", "reseaux_porteurs": ["mission-locale"]},
        {"id": "f", "siret": None, "reseaux_porteurs": ["geiq"]},
    )
    frame = tidy(di.STRUCTURES, rows, tmp_path)
    assert list(frame.index) == [
        ("11111111100011", "AI"), ("22222222200022", "EA"), ("33965933600012", "ACI"), ("33965933600012", "EI"),
    ]  # fmt: skip
    assert "code_departement" not in frame.columns  # no total is drawn from a list without AI
    assert any("AI" in note.fr and "inconnu" in note.fr for note in di.STRUCTURES.notes)


def test_of_several_records_that_of_the_platform_then_the_latest(tmp_path):
    rows = structures(
        {"id": "dora--new", "source": "dora", "date_maj": "2026-09-09", "nom": "Dora"},
        {"id": "emplois-de-linclusion--9", "date_maj": "2020-01-01", "nom": "Platform"},
        {"id": "x--1", "source": "x", "siret": "11111111100011", "date_maj": "2026-01-01", "nom": "Old"},
        {"id": "y--1", "source": "y", "siret": "11111111100011", "date_maj": "2026-02-01", "nom": "New"},
    )
    assert tidy(di.STRUCTURES, rows, tmp_path)["name"].to_dict() == {
        ("11111111100011", "ACI"): "New",
        ("33965933600012", "ACI"): "Platform",
    }


def test_no_contact_survives(tmp_path):
    rows = structures(
        {"nom": "Jura Service - marie.martin@example.net", "adresse": "1 rue de la Gare tél 03.84.00.00.00"},
        {"siret": "11111111100011", "site_web": "mailto:marie.martin@example.net", "nom": "AI +33 6 01 02 03 04"},
    )
    frame = tidy(di.STRUCTURES, rows, tmp_path)
    text = frame.drop(columns=["lon", "lat"]).to_csv()
    assert "@" not in text
    assert "03.84" not in text
    assert "01 02" not in text
    assert frame.loc[("33965933600012", "ACI"), ["name", "address"]].tolist() == ["Jura Service", "1 rue de la Gare"]
    assert frame["website"].isna().tolist() == [True, False]


def test_places_are_brought_to_the_current_communes(demo, tmp_path):
    territory, _ = demo
    rows = structures(
        {"siret": "00000000000011", "code_insee": "39198", "longitude": 99.9, "latitude": -20.0},
        {"siret": "00000000000022", "code_insee": "99999"},
        {"siret": "00000000000033", "code_insee": None, "longitude": 47.09, "latitude": 5.49},
        {"siret": "00000000000044", "code_insee": "75115", "code_postal": "75015", "commune": "Paris"},
        {"siret": "00000000000055", "code_insee": "39198", "longitude": None, "latitude": None},
    )
    frame = tidy(di.STRUCTURES, rows, tmp_path)
    assert frame["lon"].notna().tolist() == [False, True, False, True, False]
    assert frame["code_commune"].fillna("").tolist() == ["39198", "", "", "75056", "39198"]
    cut, lost = cut_to("structures", frame, territory)
    assert cut["code_commune"].tolist() == ["39198"] * 4  # the third by its post code and city
    assert lost.empty


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        (["aci", "ei"], ["aci", "ei"]),
        (np.array(["aci", "ei"]), ["aci", "ei"]),
        ("['aci', 'ei']", ["aci", "ei"]),
        ("['aci' 'ei']", ["aci", "ei"]),
        ('["aci", "ei"]', ["aci", "ei"]),
        ("{aci,ei}", ["aci", "ei"]),
        ("('aci',)", ["aci"]),
        ([], []),
        ("[]", []),
        ("", []),
        (None, []),
        ("None", []),
    ],
)
def test_lists_are_read_as_they_are_written(cell, codes):
    assert di.codes_of(pd.Series([cell]), where="x").tolist() == codes


@pytest.mark.parametrize(
    "cell", ["Ateliers et chantiers", "__import__('os')", "['aci'", "aci]", "array(['aci'], dtype=object)"]
)
def test_what_is_no_list_is_refused(cell):
    with pytest.raises(TableError, match=r"x: .* is not a list of codes"):
        di.codes_of(pd.Series([cell]), where="x")


def test_the_csv_gives_the_same(tmp_path):
    rows = structures({"reseaux_porteurs": ["aci", "ei"]}, {"siret": "11111111100011", "reseaux_porteurs": ["etti"]})
    expected = tidy(di.STRUCTURES, rows, tmp_path)
    path = tmp_path / "structures.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    [(_, raw)] = read_texts(path)
    assert di.STRUCTURES.recognise(frozenset(raw.columns))
    [(frame, _)] = pieces(di.STRUCTURES, raw, Pile(), where="file").values()
    pd.testing.assert_frame_equal(frame.fillna(""), expected.fillna(""), check_dtype=False)


def test_the_layouts_know_their_own_header_only():
    for layout, header in zip(di.LAYOUTS, (frozenset(STRUCTURE), frozenset(SERVICE)), strict=True):
        assert [other.id for other in di.LAYOUTS if other.recognise(header)] == [layout.id]
        assert layout.columns(header) <= header
    personal = {"courriel", "telephone", "contact_nom_prenom", "description"}
    assert not personal & (di.STRUCTURE_READ | di.SERVICE_READ)
    assert not di.STRUCTURES.recognise(frozenset({"siret", "kind", "name", "longitude", "latitude", "id", "source"}))


def test_a_file_of_other_structures_is_refused(tmp_path):
    with pytest.raises(TableError, match="reseaux_porteurs"):
        tidy(di.STRUCTURES, structures({"reseaux_porteurs": ["ccas-cias"]}), tmp_path)
    with pytest.raises(TableError, match="thematiques"):
        tidy(di.SERVICES, services({"thematiques": ["sante--acces-aux-soins"]}), tmp_path)


def test_services_become_places_by_theme(tmp_path):
    rows = services(
        {},
        {"id": "dora--s2", "thematiques": ["famille--garde-denfants", "sante--acces-aux-soins"]},
        {"id": "dora--s3", "thematiques": ["famille--garde-denfants", "mobilite--preparer-un-permis"]},
        {"id": "dora--s4", "thematiques": ["mobilite--financer-ma-mobilite"], "modes_accueil": ["a-distance"]},
        {"id": "dora--s5", "thematiques": ["mobilite--preparer-un-permis"], "modes_accueil": None},
        {"id": "dora--s6", "thematiques": None},
        {"id": "dora--s7", "thematiques": ["mobilite--preparer-un-permis", "mobilite--financer-ma-mobilite"]},
        {"id": "dora--s8", "thematiques": ["numerique--maitriser-les-fondamentaux-du-numerique"]},
    )
    frame = tidy(di.SERVICES, rows, tmp_path)
    assert frame["type"].to_dict() == {
        "dora--s1": "service_mobilite",
        "dora--s2": "service_garde_enfants",
        "dora--s3/service_garde_enfants": "service_garde_enfants",
        "dora--s3/service_mobilite": "service_mobilite",
        "dora--s5": "service_mobilite",
        "dora--s7": "service_mobilite",
        "dora--s8": "service_numerique",
    }
    assert frame["lon"].notna().all()
    text = frame.to_csv()
    assert "@" not in text
    assert "Durand" not in text
    assert "0601020304" not in text


def test_services_come_through_the_door(door, tmp_path):
    content = parquet(services({}), tmp_path / "s.parquet").read_bytes()
    [loader] = di.LOADERS
    with serve({f"/{entry(loader.source).path}": publish(content, content_type="binary/octet-stream")}) as server:
        pile = bring(loader, lambda _, source: loader.around(door(server), source, None))
        [raw] = loader.national(door(server, offline=True), entry(loader.source))
    [piece] = pile.pieces["places"]
    assert list(piece.frame.index) == ["dora--s1"]
    assert piece.sources[0].sha256 == raw.sha256 != ""
    assert raw.fetched is not None
    assert re.fullmatch(r"fichier du \d\d/\d\d/\d{4}", piece.sources[0].millesime)
    assert set(raw.frame.columns) == di.SERVICE_READ
    assert pile.notes == list(di.SERVICES.notes)


def test_the_places_of_structures_come_through_the_door(door, tmp_path):
    rows = structures(
        {"id": "b"}, {"id": "a", "code_insee": "39199", "longitude": None}, {"id": "c", "longitude": 99.0}
    )
    content = parquet(rows, tmp_path / "s.parquet").read_bytes()
    with serve({"*": publish(content, content_type="binary/octet-stream")}) as server:
        frame = di.read_structures(door(server))
    assert frame.index.tolist() == ["a", "b", "c"]
    assert frame["lon"].notna().tolist() == [False, True, False]
    assert list(frame.columns) == ["source", "siret", "code_commune", "lon", "lat"]


@pytest.mark.parametrize(
    ("rows", "types", "words"),
    [
        ([{k: v for k, v in STRUCTURE.items() if k != "siret"}], {}, "'siret' is missing"),
        (
            [{k: v for k, v in STRUCTURE.items() if k not in {"code_insee", "longitude"}}],
            {},
            "'code_insee', 'longitude'",
        ),
        ([STRUCTURE | {"siret": 33965933600012}], {"siret": pa.int64()}, "'siret' is not text but int64"),
        (structures({}, {}), {}, "stands twice"),
    ],
)
def test_a_changed_schema_is_refused(door, tmp_path, rows, types, words):
    content = parquet(rows, tmp_path / "s.parquet", **types).read_bytes()
    with serve({"*": publish(content)}) as server, pytest.raises(SourceFormatError, match=words):
        di.read_structures(door(server))


def test_a_changed_schema_is_not_kept(door, tmp_path):
    content = parquet([{"id": "a"}], tmp_path / "s.parquet").read_bytes()
    empty = pa.Table.from_pylist([], pa.schema([(name, pa.string()) for name in STRUCTURE]))
    pq.write_table(empty, tmp_path / "e.parquet")
    with serve({"*": [Reply(body=content), Reply(body=(tmp_path / "e.parquet").read_bytes())]}) as server:
        with pytest.raises(SourceFormatError, match="is missing"):
            di.read_structures(door(server))
        with pytest.raises(SourceFormatError, match="no row"):
            di.read_structures(door(server))
        with pytest.raises(SourceUnavailableError, match="offline"):
            di.read_structures(door(server, offline=True))


def test_half_a_file_or_a_page_is_refused(door):
    page = Reply(body="<!doctype html><p>maintenance", content_type="text/html")
    with serve({"*": [page, Reply(body=b"PAR1 and no more"), Reply(body=b"PAR1....PAR1")]}) as server:
        for _ in range(3):
            with pytest.raises(SourceFormatError):
                di.read_structures(door(server))
