"""Recipes: what is read, what is refused and how it is said, what is written back."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from territoire_geo.errors import SourceUnavailableError, TerritoireGeoError
from territoire_geo.provenance import differences
from territoire_geo.recipes import IDS, Recipe, read_recipe, write_recipe

PAGE = Path(__file__).parents[1] / "docs" / "recipe.md"


def example():
    return re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL).group(1)


def read(folder, text):
    file = folder / "diagnostic.toml"
    file.write_text(text, encoding="utf-8")
    return read_recipe(file)


def test_the_documented_example_is_read_and_written_back(tmp_path):
    recipe = read(tmp_path, example())
    assert recipe.territory == "200010650"
    assert recipe.reach == {"childcare": 20}
    assert recipe.weights["Élus"] == {"mobility": 2, "childcare": 1}
    assert recipe.introduction == "Ce document prépare la réunion du comité."
    assert [need.reach for need in recipe.asked() if need.id == "childcare"] == [20]
    again = read_recipe(write_recipe(recipe, tmp_path / "again.toml"))
    assert again == replace(recipe, out=None)


def test_the_least_recipe(tmp_path):
    assert read(tmp_path, 'territory = "Dole"\n') == Recipe("Dole")


def test_a_list_of_communes(tmp_path):
    recipe = read(tmp_path, 'territory = ["39198", "39526"]\nname = "Deux"\n')
    assert (recipe.territory, recipe.name) == (("39198", "39526"), "Deux")
    assert read_recipe(write_recipe(recipe, tmp_path / "again.toml")) == recipe


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "territory is missing"),
        ("territory = 200010650", 'quotes: "200010650"'),
        ('territory = ""', "is empty"),
        ('territory = "x\n', "line 1"),
        ('territory = "x"\nterritory = "y"\n', "line 2"),
        ('teritory = "x"', "Did you mean 'territory'?"),
        ('territory = "x"\nspeed = 40', "It goes under [travel]"),
        ('territory = "x"\n[travel]\nlang = "fr"', "at the top of the file"),
        ('territory = "x"\n[travel]\nspead = 40', "Did you mean 'speed'?"),
        ('territory = "x"\n[travel]\nspeed = 0', "travel.speed: 0 is not a number above 0"),
        ('territory = "x"\n[travel]\nspeed = true', "True is not a number"),
        ('territory = "x"\n[travel]\nspeed = nan', "nan is not a number"),
        ('territory = "x"\n[travel]\ndetour = 0.5', "at least 1"),
        ('territory = "x"\nneeds = ["childcare", "childcare"]', "given twice"),
        ('territory = "x"\nneeds = ["chilcare"]', "Did you mean 'childcare'?"),
        ('territory = "x"\nneeds = "childcare"', "is not a list"),
        ('territory = "x"\nneeds = []', "is empty"),
        ('territory = "x"\nneeds = ["mobility"]\n[reach]\nchildcare = 20', "reach: 'childcare' is not a need asked"),
        ('territory = "x"\n[reach]\nchildcare = "20"', "is not a number"),
        ('territory = "x"\nreference = "france"\n[targets]\nchildcare = 50', "targets"),
        ('territory = "x"\n[weights]\nmobility = 1\n[weights."Élus"]\nmobility = 1', "beside colleges"),
        ('territory = "x"\nsources = "dmo"', "Did you mean 'demo'?"),
        ('territory = "x"\nadd = ["gone.csv"]', "no such file"),
        ('territory = "x"\n[report]\nbefore = "gone.gpkg"', "report.before"),
        ('territory = "x"\n[outputs]\ntables = ["xls"]', "Did you mean 'xlsx'?"),
        ('territory = "x"\n[outputs]\npdf = "yes"', "neither true nor false"),
        ('territory = "x"\nlang = "de"', "fr, en"),
        ('territory = "x"\ntravel = 3', "travel is not a key"),
        ('territory = "x"\nused = 3', "Remove it"),
    ],
)
def test_a_mistake_is_one_message(tmp_path, text, said):
    with pytest.raises(TerritoireGeoError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "diagnostic.toml" in str(caught.value)


def test_a_recipe_that_is_not_there(tmp_path):
    with pytest.raises(SourceUnavailableError, match="no such recipe"):
        read_recipe(tmp_path / "gone.toml")


def test_not_utf8(tmp_path):
    (tmp_path / "a.toml").write_bytes('territory = "Dôle"'.encode("latin-1"))
    with pytest.raises(TerritoireGeoError, match="UTF-8"):
        read_recipe(tmp_path / "a.toml")


def test_paths_follow_the_file(tmp_path):
    (tmp_path / "donnees").mkdir()
    (tmp_path / "donnees" / "creches.csv").write_text("x", encoding="utf-8")
    recipe = read(tmp_path, 'territory = "x"\nsources = "donnees"\nadd = ["donnees/creches.csv"]\n')
    out = tmp_path / "a" / "out"
    out.mkdir(parents=True)
    written = write_recipe(recipe, out / "diagnostic.toml")
    assert 'sources = "../../donnees"' in written.read_text(encoding="utf-8")
    assert [path.resolve() for path in read_recipe(written).add] == [tmp_path / "donnees" / "creches.csv"]


def test_differences_name_source_and_vintages():
    def used(**changes):
        source = {"id": "a", "title": "Census", "millesime": "RP 2021", "sha256": "1", **changes}
        return {"version": "1", "method": 1, "cog_year": 2026, "files": {"minutes": "1"}, "sources": [source]}

    assert differences({}, used()) == ()
    assert differences(used(), used()) == ()
    (found,) = differences(used(), used(millesime="RP 2022", sha256="2"))
    assert found.fr == "Source modifiée : Census (RP 2021 → RP 2022)."
    assert {one.en for one in differences(used(), used(id="b"))} == {"New source: b.", "Source no longer read: a."}
    (method,) = differences(used(), used() | {"method": 2})
    assert method.en == "method: 1 → 2."
    (file,) = differences(used(), used() | {"files": {"minutes": "2"}})
    assert file.en == "File changed: minutes."


def test_every_need_is_the_default():
    assert tuple(need.id for need in Recipe("x").asked()) == IDS
