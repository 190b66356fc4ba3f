"""The command on what was written: recipe, report, sheet, directory, compare, session merge."""

import json
import re

import pytest
from click.testing import CliRunner

from territoire_geo.cli import main


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    out = tmp_path_factory.mktemp("recipe")
    recipe = out / "recette.toml"
    recipe.write_text(
        'territory = "CA du Grand Dole"\nneeds = ["childcare", "insertion"]\nsources = "demo"\nout = "dole"\n'
        '[weights."Élus"]\nchildcare = 2\ninsertion = 1\n[texts]\ntitle = "<b>Titre</b>"\n'
        '[outputs]\nsheets = ["dole"]\n',
        encoding="utf-8",
    )
    result = run("diagnose", recipe, "--reach", "childcare=25")
    assert result.exit_code == 0, result.output
    return out / "dole"


def bytes_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_recipe_is_carried_out_and_written_back(done, tmp_path):
    assert (done / "fiches" / "fiche-39198-dole.html").is_file()
    text = (done / "diagnostic.toml").read_text(encoding="utf-8")
    assert 'territory = "200010650"' in text
    assert "childcare = 25.0" in text
    assert '[weights."Élus"]' in text
    result = run("diagnose", done / "diagnostic.toml", "--frozen", "--out", tmp_path / "again")
    assert result.exit_code == 0, result.output
    assert "Depuis le dernier usage" not in result.output
    assert bytes_of(tmp_path / "again") == bytes_of(done)


def test_another_source_is_told_and_refused_when_frozen(done, tmp_path):
    recipe = tmp_path / "diagnostic.toml"
    text = (done / "diagnostic.toml").read_text(encoding="utf-8")
    told = re.search(r'id = "cnaf_taux[^\[]*?sha256 = "(\w+)"', text)
    recipe.write_text(text.replace(told.group(1), "0" * 64).replace('"2023"', '"2022"'), encoding="utf-8")
    frozen = run("diagnose", recipe, "--frozen", "--out", tmp_path / "frozen")
    assert frozen.exit_code == 1
    assert re.search(r"Source modifiée : .* \(2022 → 2023\)\.", frozen.output)
    assert not (tmp_path / "frozen").exists()
    result = run("diagnose", recipe, "--out", tmp_path / "free", "--lang", "en")
    assert result.exit_code == 0, result.output
    assert "Since this recipe was last used:" in result.output


def test_a_folder_of_sources_gives_the_same_bytes_from_anywhere(tmp_path):
    (tmp_path / "files").mkdir()
    rows = ["code_commune;naissances;annees", "39198;900;3", "39189;12;3"]
    (tmp_path / "files" / "naissances.csv").write_text("\n".join(rows), encoding="utf-8")
    options = ("--sources", tmp_path / "files", "--needs", "childcare")
    first = run("diagnose", "39198,39189", *options, "--out", tmp_path / "a")
    assert first.exit_code == 0, first.output
    assert 'sources = "../files"' in (tmp_path / "a" / "diagnostic.toml").read_text(encoding="utf-8")
    again = run("diagnose", tmp_path / "a" / "diagnostic.toml", "--out", tmp_path / "b", "--frozen")
    assert again.exit_code == 0, again.output
    assert bytes_of(tmp_path / "b") == bytes_of(tmp_path / "a")


def test_a_mistake_in_a_recipe_is_one_message(tmp_path):
    recipe = tmp_path / "r.toml"
    recipe.write_text('territory = "x"\nneds = []\n', encoding="utf-8")
    result = run("diagnose", recipe)
    assert result.exit_code == 1
    assert "Did you mean 'needs'?" in result.output
    assert run("diagnose", tmp_path / "gone.toml").exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["r.toml"]


def test_report_again(done, tmp_path):
    out = tmp_path / "r" / "rapport.html"
    options = ("--title", "<script>", "--authors", "Nous", "--lang", "en", "--before", done / "diagnostic.gpkg")
    result = run("report", done / "diagnostic.gpkg", "--out", out, *options)
    assert result.exit_code == 0, result.output
    text = out.read_text(encoding="utf-8")
    assert "&lt;script&gt;" in text
    assert "Nous" in text


def test_sheets_and_directories(done, tmp_path):
    gpkg = done / "diagnostic.gpkg"
    result = run("sheet", gpkg, "DÔLE", "39526", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    result = run("directory", gpkg, "dole", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    names = {path.name for path in tmp_path.iterdir()}
    assert {"fiche-39198-dole.html", "fiche-39526-tavaux.html", "ressources-39198-dole.html"} == names - {
        name for name in names if name.startswith(".")
    }
    unknown = run("sheet", gpkg, "tavau", "--out", tmp_path / "n")
    assert (unknown.exit_code, "Tavaux (39526)" in unknown.output) == (2, True), unknown.output
    assert not (tmp_path / "n").exists()
    assert run("sheet", gpkg).exit_code == 2
    assert run("sheet", gpkg, "dole", "--all").exit_code == 2


def test_compare(done, tmp_path):
    gpkg = done / "diagnostic.gpkg"
    other = run("diagnose", done / "diagnostic.toml", "--reach", "childcare=15", "--out", tmp_path / "after")
    assert other.exit_code == 0, other.output
    result = run("compare", gpkg, tmp_path / "after" / "diagnostic.gpkg", "--out", tmp_path / "c")
    assert result.exit_code == 0, result.output
    assert "Petite enfance : " in result.output
    assert "nan" not in result.output.lower()
    assert {path.as_posix() for path in bytes_of(tmp_path / "c")} == {
        "carte.html",
        "rapport.html",
        *(f"tableaux/{name}.csv" for name in ("evolution", "evolution-machine", "causes", "causes-machine")),
    }
    alone = run("compare", gpkg, gpkg, "--out", tmp_path / "same", "--lang", "en")
    assert "Nothing changed" in alone.output
    assert "Childcare: nothing changed (" in alone.output
    wrong = run("compare", gpkg, done / "diagnostic.toml", "--out", tmp_path / "wrong")
    assert wrong.exit_code == 1
    assert not (tmp_path / "wrong").exists()


def session(folder, name, text):
    note = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [5.49, 47.09]},
        "properties": {
            "id": "n1", "code_commune": "39198", "nom_commune": "Dole", "theme": "childcare", "college": "Élus",
            "statut": "accord", "texte": text, "cree": "2026-11-23T10:00:00Z",
        },
    }  # fmt: skip
    head = {"format": 1, "territoire": {"code": "200010650", "nom": "CA du Grand Dole"}, "poids": {}}
    path = folder / name
    path.write_text(
        json.dumps({"type": "FeatureCollection", "territoire_geo": head, "features": [note]}), encoding="utf-8"
    )
    return path


def test_sessions_are_merged_and_conflicts_listed(tmp_path):
    files = [session(tmp_path, f"{name}.geojson", name) for name in ("un", "deux")]
    broken = tmp_path / "broken.geojson"
    broken.write_text("{", encoding="utf-8")
    result = run("session", "merge", *files, broken, "--out", tmp_path / "out.geojson")
    assert result.exit_code == 0, result.output
    assert "conflits à trancher : 1." in result.output
    assert "Refusé, broken.geojson" in result.output
    assert (tmp_path / "out.geojson").is_file()
    nothing = run("session", "merge", broken, "--out", tmp_path / "none.geojson")
    assert nothing.exit_code == 1
    assert not (tmp_path / "none.geojson").exists()
