"""Maps drawn without a browser: the same classes as the page, the same bytes each time, nothing lost or run."""

import io
import struct
import sys

import numpy as np
import pandas as pd
import pytest

import territoire_geo as tg
from _diagnostic_factory import make_diagnostic
from _maps_page import HOSTILE, data_of
from territoire_geo.maps import _static as static
from territoire_geo.maps import draw_static

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib absent: pip install matplotlib")
from PIL import Image  # noqa: E402 - it comes with matplotlib

THEMES = ("need:mobility", "state:mobility", "cross:mobility", "gap:mobility", "measure:chomage", "rank", "cluster")


@pytest.fixture(scope="module")
def diagnostic():
    return make_diagnostic()


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def colours(picture):
    with Image.open(io.BytesIO(picture)) as image:
        pixels = np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)
    return {"#" + bytes(pixel).hex() for pixel in pixels}


@pytest.mark.parametrize("name", THEMES)
def test_each_kind_of_theme_has_the_classes_of_the_page(diagnostic, name):
    carte = draw_static(diagnostic, name)
    drawing = static.drawing_of(diagnostic, static.find_theme(diagnostic, name, "fr"), "fr", "")
    counts = drawing.counts()
    assert sum(counts) == 12
    drawn = colours(carte.render(dpi=100))
    assert {colour for _, colour in drawing.theme.legend} <= drawn
    shown = " ".join(texts(carte.figure)).replace("\u00a0", " ")
    if name != "cross:mobility":  # its labels are those of a square
        assert all(label.split()[0] in shown for label, _ in drawing.theme.legend)


def test_it_is_the_page_s_own_counts(diagnostic):
    page = data_of(tg.draw_map(diagnostic).to_html())
    for name in ("state:mobility", "cluster"):
        drawing = static.drawing_of(diagnostic, static.find_theme(diagnostic, name, "fr"), "fr", "")
        theme = next(theme for theme in page["themes"] if theme["id"] == name)
        assert [label for label, _ in drawing.theme.legend] == theme["labels"]


def test_the_same_bytes_in_every_format(diagnostic, tmp_path):
    first, second = (draw_static(diagnostic, "need:mobility", credit="Équipe") for _ in range(2))
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF-"}
    for suffix, start in starts.items():
        content = first.render(suffix)
        assert content == first.render(suffix) == second.render(suffix)
        assert content.startswith(start)
        assert b"Date" not in content.replace(b"dc:date", b"Date")
        assert first.save(tmp_path / f"carte.{suffix}").read_bytes() == content
    width, height = struct.unpack(">II", first.render("png", dpi=100)[16:24])
    assert (width, height) == (629, 472)
    assert first._repr_png_() == first.preview()
    assert len(first.preview()) < 60_000


def test_a_light_picture_keeps_the_colours_of_the_legend(diagnostic):
    carte = draw_static(diagnostic, "need:mobility")
    theme = static.find_theme(diagnostic, "need:mobility", "fr")
    assert {colour for _, colour in theme.legend} <= colours(carte.preview())


def test_unknown_is_hatched_and_counted(diagnostic):
    carte = draw_static(diagnostic, "need:childcare")
    hatched = [patch for patch in carte.figure.axes[1].patches if patch.get_hatch()]
    assert len(hatched) == 1
    said = texts(carte.figure)
    assert said[said.index("inconnu") + 1] == "1"
    assert "Demande" not in said


def test_circles_follow_people_by_area(diagnostic):
    carte = draw_static(diagnostic, "need:mobility")
    drawn = [patch for patch in carte.figure.axes[1].patches if hasattr(patch, "get_radius")]
    people = diagnostic.coverage.xs("mobility", level="need")["unmet_people"]
    people = people[people > 0].sort_values(ascending=False)
    areas = np.array([patch.get_radius() ** 2 for patch in drawn])
    assert np.allclose(areas / areas[0], people / people.iloc[0])
    assert not [
        patch for patch in draw_static(diagnostic, "rank").figure.axes[1].patches if hasattr(patch, "get_radius")
    ]


def test_it_says_what_a_report_must_say(diagnostic):
    said = " ".join(texts(draw_static(diagnostic, "need:mobility", credit="Équipe projet, 2026").figure))
    assert "Pays d'essai" in said
    assert "Source\u00a0: Insee, Recensement de la population, RP 2018" in said
    assert "Pré-diagnostic" in said
    assert "Équipe projet, 2026" in said
    assert "km" in said
    assert "unknown" in " ".join(texts(draw_static(diagnostic, "need:childcare", lang="en").figure))


@pytest.mark.parametrize("text", [*HOSTILE, r"$\frac{1}{0}$", "日本 \n x"])
def test_hostile_names_are_only_text(text):
    hostile = make_diagnostic(names={"39015": text}, words=dict.fromkeys(("territory", "need"), text))
    carte = draw_static(hostile, "need:mobility", credit=f"{text} \ud800")
    assert carte.render("svg") == carte.render("svg")
    assert carte.render(dpi=50)


def test_matplotlib_is_left_as_it_was(diagnostic):
    before = dict(matplotlib.rcParams)
    draw_static(diagnostic).render(dpi=50)
    assert dict(matplotlib.rcParams) == before
    pyplot = sys.modules.get("matplotlib.pyplot")  # another library may have loaded it
    assert pyplot is None or pyplot.get_fignums() == []


def test_what_is_asked_for_wrongly(diagnostic, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"theme='none' is not drawn here\. Give one of need:mobility"):
        draw_static(diagnostic, "none")
    with pytest.raises(ValueError, match="lang='de'"):
        draw_static(diagnostic, lang="de")
    with pytest.raises(ValueError, match="no room for a legend"):
        draw_static(diagnostic, size_cm=(16, 4))
    with pytest.raises(tg.TerritoireGeoError, match=r"carte\.gif.*Use \.png, \.svg or \.pdf"):
        draw_static(diagnostic).save(tmp_path / "carte.gif")
    with pytest.raises(tg.TerritoireGeoError, match="cannot be written"):
        draw_static(diagnostic).save(tmp_path / "absent" / "carte.png")
    monkeypatch.setitem(sys.modules, "territoire_geo.maps._static_draw", None)
    with pytest.raises(tg.MissingExtraError, match=r"pip install 'territoire-geo\[static\]'"):
        draw_static(diagnostic)


def test_a_commune_without_a_place_or_a_people(diagnostic):
    few = make_diagnostic()
    few.territory.communes.loc[few.territory.core, "population"] = np.nan
    assert static.largest(few).empty
    assert isinstance(static.largest(diagnostic), pd.Series)
    assert draw_static(few).render(dpi=50)
