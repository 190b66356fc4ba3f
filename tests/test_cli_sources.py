"""The command `territoire-geo sources`: what is known, what is here, what is brought, who answers."""

import re
import shutil

import pytest
from click.testing import CliRunner

import territoire_geo as tg
from _loopback import Reply, serve
from _producers import France, bases, routes
from territoire_geo.cli import main
from territoire_geo.loaders._door import BASES

FEW = ("39", "21", "25")
LOUE = "200068070"  # CC Loue-Lison, in the Doubs: not the territory of the demonstration
BNLC = "/datagouv/4fd78dee-e122-4c0d-8bf6-ff55d79f3af1"


def run(*arguments, **environment):
    return CliRunner(env=environment).invoke(main, [str(argument) for argument in arguments])


def at(url, folder, **others):
    """Give the environment of somebody whose producers are on a server."""
    return {BASES + name.upper(): base for name, base in bases(url).items()} | {
        "TERRITOIRE_GEO_CACHE": str(folder),
        **others,
    }


@pytest.fixture(scope="module")
def producers():
    with serve(routes(France(FEW))) as server:
        yield server


@pytest.fixture(scope="module")
def brought(producers, tmp_path_factory):
    """The outcome of `sources fetch --france`, and the cache that it filled."""
    folder = tmp_path_factory.mktemp("cache")
    return run("sources", "fetch", "--france", **at(producers.url, folder)), folder


def test_every_source_is_listed_and_nothing_is_asked(tmp_path):
    result = run("sources", "list", TERRITOIRE_GEO_CACHE=str(tmp_path))
    assert result.exit_code == 0, result.output
    assert all(f"{source.id}  [{source.producer}, " in result.output for source in tg.SOURCES)
    assert result.output.count("jamais reçue") == len(tg.SOURCES)
    assert "Aucune table nationale" in result.output
    assert str(tmp_path) in result.output


def test_france_is_brought_once(brought, producers):
    result, folder = brought
    assert result.exit_code == 0, result.output
    assert (folder / "france" / "activity" / "insee_emplois.parquet").is_file()
    assert re.search(r"Écrit : .*activity/insee_emplois\.parquet \(0,\d Mo\)", result.output)
    assert "Insee, Recensement de la population, voitures des ménages (insee_voitures)" in result.output
    asked = producers.paths()
    again = run("sources", "fetch", "--france", **at(producers.url, folder))
    assert again.exit_code == 0, again.output
    assert producers.paths() == asked, "what was received is asked again"


def test_what_is_here_is_listed_with_its_age(brought):
    _, folder = brought
    result = run("sources", "list", "bnlc", "insee_voitures", "--lang", "en", TERRITOIRE_GEO_CACHE=str(folder))
    assert re.search(r"bnlc .*\n.*\n.*\n.*\n  1 answer, 0\.\d MB, received on \d{4}-\d\d-\d\d", result.output)
    assert re.search(r"National tables .*activity \(\d{4}-\d\d-\d\d\)", result.output)


def test_a_diagnostic_of_any_territory_is_drawn_offline(brought, tmp_path):
    _, folder = brought
    out = tmp_path / "out"
    options = ("--offline", "--out", out)
    result = run(
        "diagnose", "242504181", *options, TERRITOIRE_GEO_CACHE=str(folder)
    )  # of Doubs, not of the demonstration
    assert result.exit_code == 0, result.output
    assert (out / "carte.html").is_file()
    assert "Insee RP 2023" in result.output


def test_one_source_at_a_time_and_several_mistakes(producers, brought, tmp_path):
    shutil.copytree(brought[1], tmp_path / "cache")
    here = at(producers.url, tmp_path / "cache")
    result = run("sources", "fetch", "sncf_gares", **here)
    assert result.exit_code == 0, result.output
    assert "places/sncf_gares.parquet" in result.output
    assert "activity" not in result.output
    for arguments, status, said in (
        (("fetch",), 2, "--france"),
        (("fetch", "bnlc", "--france"), 2, "--france"),
        (("fetch", "nowhere"), 2, "'nowhere' is not a source of the catalogue"),
        (("fetch", "osrm"), 2, "it has no national file"),
        (("list", "nowhere"), 2, "'nowhere' is not a source"),
        (("check", "nowhere"), 2, "'nowhere' is not a source"),
    ):
        result = run("sources", *arguments, **here)
        assert (result.exit_code, said in result.output) == (status, True), result.output


def test_producers_are_checked(producers, brought):
    result = run("sources", "check", "bnlc", "insee_bpe", **at(producers.url, brought[1]))
    assert result.exit_code == 0, result.output
    assert re.search(r"^bnlc +répond", result.output, re.MULTILINE)


def test_a_network_that_is_down_says_where_files_go(brought, tmp_path):
    with serve({}) as server:
        gone = server.url
    here = at(gone, tmp_path)
    checked = run("sources", "check", "bnlc", **here)
    assert checked.exit_code == 3
    assert re.search(r"^bnlc +ne répond pas \(cannot be reached: nothing answers", checked.output, re.MULTILINE)
    fetched = run("sources", "fetch", "--france", **here)
    for output in (checked.output, fetched.output):
        assert "https://transport.data.gouv.fr/datasets/base-nationale-des-lieux-de-covoiturage" in output
        assert str(tmp_path / "by-hand" / "bnlc") in output
    assert fetched.exit_code == 3
    assert "Traceback" not in fetched.output
    # Somebody brings the file on a USB stick: it is used.
    (tmp_path / "by-hand" / "bnlc").mkdir(parents=True)
    (tmp_path / "by-hand" / "bnlc" / "bnlc.csv").write_text(CARPOOL, encoding="utf-8")
    assert "placée à la main" in run("sources", "list", "bnlc", **here).output
    placed = run("sources", "fetch", "bnlc", "--offline", **here)
    assert (tmp_path / "france" / "places" / "bnlc.parquet").is_file(), placed.output
    _ = brought


CARPOOL = "id_lieu,nom_lieu,insee,Xlong,Ylat,ouvert\n39198-C-001,Aire de Dole,39198,5.49,47.09,true\n"


def test_one_producer_is_down_and_the_command_says_so(producers, tmp_path, monkeypatch):
    monkeypatch.setitem(producers.routes, BNLC, Reply(404, "gone", "text/plain"))
    result = run("sources", "fetch", "bnlc", "sncf_gares", "--lang", "en", **at(producers.url, tmp_path))
    assert result.exit_code == 3
    assert "1 source failed: bnlc. Run the command again" in result.output
    assert (tmp_path / "france" / "places" / "sncf_gares.parquet").is_file(), "the other is written all the same"
