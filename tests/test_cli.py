"""The command: what it writes, what it says, how it ends."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from territoire_geo import cli_run
from territoire_geo.cli import main
from territoire_geo.errors import TerritoireGeoError

FILES = {"carte.html", "rapport.html", "diagnostic.gpkg", "diagnostic.toml", "sources.json"}
TABLES = {"synthese.csv", "couverture.csv", "mesures.csv", "structures.csv", "portee.csv", "inconnus.csv"}


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def demo(out, *options):
    return run("diagnose", "200010650", "--sources", "demo", "--out", out, *options)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "dole"
    return run("demo", "--out", out), out


def test_demo_writes_everything_and_says_where(done):
    result, out = done
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} >= FILES
    assert {path.name for path in (out / "tableaux").iterdir()} >= TABLES
    assert not list(out.glob(".territoire*"))
    assert str(out) in result.output
    for said in (
        "CA du Grand Dole, 47 communes",
        "Mobilité",
        "773 emplois",
        "Temps de trajet approchés",
        "Pré-diagnostic",
    ):
        assert said in result.output
    assert (out / "carte.html").stat().st_size < 1_200_000


def test_documented_figures_are_the_computed_ones(done):
    """docs/demonstration.md and the command tell the same figures."""
    result, _ = done
    page = (Path(__file__).parents[1] / "docs" / "demonstration.md").read_text(encoding="utf-8")
    printed = [re.findall(r"\d[\d,]*", line.replace("\u202f", "")) for line in result.output.splitlines()]
    rows = [
        re.findall(r"\d[\d,.]*", line.split(")")[-1] if "(" in line else line.split("|", 2)[2])
        for line in page.splitlines()
        if line.startswith(("| mobility", "| childcare", "| employment", "| insertion", "| ageing"))
    ]
    assert len(rows) == 5
    for row in rows:
        figures = [figure.replace(",", "").replace(".", ",") for figure in row]
        assert any(set(figures) <= set(line) for line in printed), row


def test_a_second_run_gives_the_same_bytes(done, tmp_path):
    _, out = done
    assert run("demo", "--out", tmp_path / "again").exit_code == 0
    for path in sorted(out.rglob("*.*")):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(out)).read_bytes(), path.name


def test_english(tmp_path):
    result = demo(tmp_path / "o", "--lang", "en", "--needs", "childcare")
    assert result.exit_code == 0
    assert "Childcare" in result.output
    assert "Mobility" not in result.output


def test_options_change_the_result_and_are_kept(tmp_path):
    options = (
        "--reach",
        "childcare=30",
        "--speed",
        "40",
        "--detour",
        "1.5",
        "--reference",
        "france",
        "--needs",
        "childcare",
    )
    result = demo(tmp_path / "o", *options)
    assert result.exit_code == 0, result.output
    settings = json.loads((tmp_path / "o" / "sources.json").read_text(encoding="utf-8"))["settings"]
    assert settings["needs"]["childcare"]["reach"] == 30
    assert (settings["speed_kmh"], settings["detour"]) == (40, 1.5)
    assert settings["reference"] == {"niveau": "FR", "code": "FR", "nom": "France"}


def test_minutes_replace_the_convention(tmp_path):
    pairs = travel_minutes(tmp_path, "39198", "39526", "39189")
    result = run(
        "diagnose", "39198,39526,39189", "--sources", "demo", "--out", tmp_path / "o", "--minutes", pairs,
        "--needs", "employment",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "temps de trajet lus dans votre table" in result.output
    assert "Temps de trajet approchés" not in result.output
    assert "ni leurs habitants ni leur offre ne comptent" in result.output


def test_a_table_of_minutes_that_forgets_communes_is_refused(tmp_path):
    """What is not in the table is unknown: two rows must not cut 45 communes off from everything."""
    result = demo(tmp_path / "o", "--minutes", travel_minutes(tmp_path, "39198", "39526"))
    assert result.exit_code == 1
    assert "45 of the 47 communes" in result.output


def travel_minutes(folder, *codes):
    table = folder / "minutes.csv"
    rows = [f"{start};{end};9,5" for start in codes for end in codes]
    table.write_text("\n".join(["origin;destination;minutes", *rows]), encoding="utf-8")
    return table


def test_add_a_file_of_your_own(tmp_path):
    places = tmp_path / "places.csv"
    places.write_text("id;places;type;code_commune\ncreche-1;2000;EAJE;39198\n", encoding="utf-8")
    result = demo(tmp_path / "o", "--add", places, "--needs", "childcare")
    assert result.exit_code == 0, result.output
    assert "réparties dans l'EPCI" not in result.output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("diagnose", "999999999", "--sources", "demo"), 2, "No EPCI has the code '999999999'"),
        (("diagnose", "1001", "--sources", "demo"), 2, "'01001' was meant"),
        (("diagnose", "Saint-Denis", "--sources", "demo"), 2, "97411"),
        (("diagnose", "200010650", "--offline"), 3, "no source could be read"),
        (("diagnose", "200010650", "--sources", "missing-folder"), 3, "no such folder"),
        (("diagnose", "29019", "--sources", "demo"), 1, "no row for Brest"),
        (("diagnose", "200010650", "--sources", "demo", "--needs", "mobilit"), 2, "mobility, childcare"),
        (("diagnose", "200010650", "--sources", "demo", "--reach", "childcare=abc"), 2, "NEED=MINUTES"),
        (("diagnose", "200010650", "--sources", "demo", "--reference", "R99"), 2, "région 99"),
        (("diagnose", "200010650", "--sources", "demo", "--speed", "0"), 2, "--speed"),
        (("diagnose",), 2, "CODE"),
    ],
)
def test_bad_input_gets_one_message_and_leaves_nothing(tmp_path, arguments, status, said):
    out = tmp_path / "a" / "b"
    result = run(*arguments, "--out", out)
    assert result.exit_code == status
    assert said in result.output
    assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


def test_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    result = run("demo", "--out", tmp_path / "file" / "out")
    assert result.exit_code == 1
    assert "Choose another folder with --out" in result.output


def test_a_failure_while_writing_leaves_the_folder_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "carte.html").write_text("before", encoding="utf-8")

    def full(*_):
        raise TerritoireGeoError("disk full")

    monkeypatch.setattr(cli_run, "write_sources", full)
    result = run("demo", "--out", tmp_path)
    assert result.exit_code == 1
    assert "disk full" in result.output
    assert (tmp_path / "carte.html").read_text(encoding="utf-8") == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["carte.html"]


@pytest.mark.parametrize("blocked", ["sources.json/held", "tableaux"])
def test_a_file_that_cannot_be_replaced_leaves_the_folder_as_it_was(tmp_path, blocked):
    assert demo(tmp_path, "--needs", "childcare").exit_code == 0
    name = blocked.split("/", maxsplit=1)[0]
    for path in [tmp_path / name]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if "/" in blocked:
        (tmp_path / blocked).mkdir(parents=True)
    else:
        (tmp_path / blocked).write_text("in the way", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    result = demo(tmp_path, "--needs", "employment")
    assert result.exit_code == 1
    assert name in result.output
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("options", [("--speed", "nan"), ("--detour", "inf")])
def test_numbers_that_are_not_give_one_message(tmp_path, options):
    result = demo(tmp_path / "o", *options)
    assert result.exit_code == 1
    assert "is not a positive number" in result.output or "is not a distance" in result.output
    assert not list(tmp_path.iterdir())


def test_a_terminal_without_narrow_spaces_still_reads(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "territoire_geo", "demo", "--out", str(tmp_path)],
        check=True,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
    )
    assert "2\u00a0846" in done.stdout.decode("cp1252")


def test_a_closed_pipe_loses_nothing(tmp_path):
    command = [sys.executable, "-m", "territoire_geo", "demo", "--out", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        process.stderr.read()
    assert (tmp_path / "carte.html").is_file()


def test_one_commune_is_singular(tmp_path):
    result = run("diagnose", "39198", "--sources", "demo", "--needs", "childcare", "--out", tmp_path / "o")
    assert "Dole, 1 commune (" in result.output


def test_debug_shows_the_traceback(tmp_path):
    result = run("diagnose", "999999999", "--sources", "demo", "--out", tmp_path / "o", "--debug")
    assert isinstance(result.exception, TerritoireGeoError)
