"""The public face: names, laziness, types."""

import subprocess
import sys
from pathlib import Path

import pytest

import territoire_geo as tg
from territoire_geo import cli, contracts


@pytest.mark.parametrize("name", tg.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(tg, name)
    assert name == "NEEDS" or value.__doc__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'draw_maps'"):
        _ = tg.draw_maps


def test_import_draws_nothing_and_opens_nothing():
    """Everything waits until it is used: the import stays light."""
    heavy = ("folium", "geopandas", "pandas", "pyogrio", "requests", "click")
    code = f"import sys, territoire_geo; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_typed_and_licensed():
    assert (Path(tg.__file__).parent / "py.typed").is_file()


def test_readme_names_every_table_of_its_list():
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    for line in readme.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 4 and cells[1] in contracts.CONTRACTS:
            contract = contracts.CONTRACTS[cells[1]]
            assert all(f"`{column}`" in cells[2] for column in (*contract.key, *contract.numbers)), cells[1]


def test_module_runs_as_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "territoire_geo", "--help"], check=True, capture_output=True, text=True
    )
    assert "territoire-geo" in done.stdout
    shown = {"compare", "demo", "diagnose", "directory", "report", "session", "sheet", "sources"}
    assert cli.main.commands.keys() == shown
