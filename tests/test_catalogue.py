"""The catalogue: every source whole, every table filled, and the page that is written from it."""

import re
from importlib import util
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import territoire_geo as tg
from territoire_geo.cog import COG_YEAR
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import SourceError
from territoire_geo.loaders import _catalogue
from territoire_geo.loaders._layouts import LOADERS, PUBLISHED

ROOT = Path(__file__).parents[1]
# The user's own knowledge, what is drawn from detail files, and a list whose address is not known.
NOT_LOADED = {"activities", "childcare_places", "working_parents", "basins"}


@pytest.mark.parametrize("source", tg.SOURCES, ids=lambda source: source.id)
def test_every_source_is_whole(source):
    for words in (source.title, source.producer, source.licence, source.millesime, source.gives, source.limits):
        assert words.strip() == words != ""
    assert set(source.tables) <= set(CONTRACTS)
    assert source.verify, "no live run has confirmed this source"
    for url in (source.url, source.landing_page):
        assert urlsplit(url).scheme == "https"
    assert not source.service.base_url.endswith("/")
    assert source.service.per_minute > 0
    assert source.cog_year is None or 2019 <= source.cog_year <= COG_YEAR
    assert re.fullmatch(r"([0-9a-f]{64})?", source.sha256)
    assert source.format in {"csv", "json", "parquet", "xlsx", "zip"}
    assert not source.fallback_of or set(source.tables) & set(_catalogue.entry(source.fallback_of).tables)


def test_sources_are_records_with_one_id_each():
    assert len({source.id for source in tg.SOURCES}) == len(tg.SOURCES)
    with pytest.raises(SourceError, match=r"'nowhere' is not a source of the catalogue\. The sources are geo_api"):
        _catalogue.entry("nowhere")


def test_every_source_of_a_table_has_a_loader():
    loaded = {loader.source for loader in LOADERS}
    assert len(loaded) == len(LOADERS)
    assert {source.id for source in tg.SOURCES if source.tables} == loaded | {"data_inclusion_structures"}


def test_every_table_has_a_source():
    filled = {table for loader in LOADERS for table in _catalogue.entry(loader.source).tables}
    assert filled == set(CONTRACTS) - NOT_LOADED


def test_stand_ins_come_last():
    stands_in = [bool(_catalogue.entry(loader.source).fallback_of) for loader in LOADERS]
    assert stands_in == sorted(stands_in)


def test_layouts_have_one_id_each_and_name_their_producer():
    assert len({layout.id for layout in PUBLISHED}) == len(PUBLISHED)
    assert all(layout.producer and layout.title for layout in PUBLISHED)


def test_a_living_list_is_of_the_day_it_was_received():
    listed = _catalogue.entry("emplois_inclusion")
    assert listed.vintage() == "liste du jour de la collecte"
    assert listed.source(fetched=0.0).millesime == "liste du 01/01/1970"
    assert _catalogue.entry("insee_voitures").source(fetched=0.0).millesime == "RP 2023"


def test_the_page_of_sources_says_what_the_catalogue_says():
    spec = util.spec_from_file_location("build_sources_doc", ROOT / "scripts" / "build_sources_doc.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    assert written == module.page(), "run `python scripts/build_sources_doc.py`"
