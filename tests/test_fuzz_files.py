"""Files edited, converted, cut or damaged: the right table or one clear refusal, never a wrong figure in silence."""

import csv
import io
import zipfile
from collections import Counter
from dataclasses import replace
from random import Random

import pandas as pd
import pyarrow as pa
import pytest

import _mutations_rows  # noqa: F401 - registers its mutations
from _mutations import MUTATIONS, Law, Mutant, Style, text
from _mutations_files import flipped, packed, parquet
from _outcomes import NOT_RECOGNISED, READ, Outcome, faults, load, read
from _samples import FILES, PUBLISHED, TIDY, Sample, cut
from _workbook import workbook
from territoire_geo import load_territory
from territoire_geo.errors import SourceFormatError, TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.loaders import _base, _sheets
from territoire_geo.loaders._folder import read_folder
from territoire_geo.loaders._pile import Pile

KINDS = {"tidy": TIDY, "published": PUBLISHED}
SMALL = {f"{kind} {name}": sample for kind, samples in KINDS.items() for name, sample in samples.items()}
# Those that draw among many marks, codes, bytes: twice each.
TWICE = (
    "cut_the_file", "damage_codes", "mark", "mark_elsewhere", "odd_figure", "odd_place", "parquet_converted",
    "parquet_flipped", "rename_column", "say_more", "stray_quotes", "xlsx_damaged", "xlsx_damaged_inside",
    "zip_flipped", "drop_column", "extra_cell", "missing_cell", "cut_a_line", "encode_rarely", "something_else",
)  # fmt: skip
HUGE = "huge_cell"  # 10 MB a time
LIGHT = tuple(sorted(name for name in MUTATIONS if name != HUGE))


@pytest.fixture(scope="module")
def tally():
    """How many inputs end in each way."""
    return Counter()


@pytest.fixture(scope="module")
def done():
    """Mutations of which every small table was given."""
    return set()


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Each small table, and what it is before any mutation."""
    folder = tmp_path_factory.mktemp("small")
    return {name: (sample, read(folder, text(sample).encode(), ".csv")) for name, sample in SMALL.items()}


@pytest.fixture(scope="module")
def real(published, tmp_path_factory):
    """Each real file, cut to some rows taken throughout."""
    folder = tmp_path_factory.mktemp("real")
    samples = {f"real {name}": cut(published, name) for name in FILES}
    return {name: (sample, read(folder, text(sample).encode(), ".csv")) for name, sample in samples.items()}


def mutants(name, samples, times):
    """(what it is, sample, its outcome before, mutant), the same at each run."""
    for sample_name, (sample, base) in samples.items():
        for seed in range(times):
            rng = Random(f"{sample_name}/{name}/{seed}")  # noqa: S311 - mutations, not secrets
            mutant = MUTATIONS[name](sample, rng)
            if mutant is not None:
                yield f"{sample_name}, seed {seed}", sample, base, mutant


def broken(name, samples, times, folder, tally):
    found = []
    for what, sample, base, mutant in mutants(name, samples, times):
        got = read(folder, mutant.content, mutant.suffix)
        tally[got.kind] += 1
        found += [f"{what}: {fault}" for fault in faults(base, got, mutant, sample)]
    return found


def test_every_sample_is_read(small):
    assert {name: base.kind for name, (_, base) in small.items() if base.kind != READ} == {}


@pytest.mark.parametrize("law", [Law.SAME, Law.KEPT, Law.LESS, Law.MARKED])
@pytest.mark.parametrize("name", ["tidy births", "tidy flows", "published comparateur", "published melodi_births"])
def test_the_laws_see_one_wrong_figure(name, law, small):
    sample, base = small[name]
    table, (frame, states) = next(iter(base.tables.items()))
    wrong = frame.copy()
    wrong.iloc[3, 0] += 1
    assert faults(base, base, Mutant(b"", law), sample) == []
    (fault,) = faults(base, Outcome(READ, tables={**base.tables, table: (wrong, states)}), Mutant(b"", law), sample)
    assert "instead of" in fault
    phantom = pd.concat([frame, frame.iloc[:1].set_axis(frame.index[:1].map(lambda _: "x"), axis=0)])
    got = Outcome(READ, tables={**base.tables, table: (phantom, states)})
    assert "from nowhere" in faults(base, got, Mutant(b"", law), sample)[0]


@pytest.mark.parametrize("name", LIGHT)
def test_small_tables(name, small, tmp_path, tally, done):
    assert broken(name, small, 2 if name in TWICE else 1, tmp_path, tally) == []
    done.add(name)


@pytest.mark.parametrize("name", LIGHT)
def test_real_tables(name, real, tmp_path, tally):
    assert broken(name, real, 1, tmp_path, tally) == []


def test_huge_cells(small, tmp_path, tally):
    assert broken(HUGE, small, 1, tmp_path, tally) == []


# ------------------------------------------------------------ to the end


@pytest.fixture(scope="module")
def dole():
    return load_territory("200010650")


@pytest.mark.parametrize("name", SMALL)
def test_tables_of_a_territory(name, dole, tmp_path, tally):
    sample = SMALL[name]
    base = load(tmp_path, text(sample).encode(), ".csv", dole)
    assert base.kind == READ
    # What is marked may be cut away with the communes of elsewhere: marks are looked at before the cut, above.
    for mutation in Random(name).sample([one for one in LIGHT if one != "mark"], 4):  # noqa: S311 - mutations, not secrets
        for what, _, _, mutant in mutants(mutation, {name: (sample, base)}, 1):
            got = load(tmp_path, mutant.content, mutant.suffix, dole)
            tally[got.kind] += 1
            assert [f"{mutation}, {what}: {fault}" for fault in faults(base, got, mutant, sample)] == []


def test_thousands_of_inputs(tally, done):
    """The tests above are many, and end in every way."""
    if done < set(LIGHT):
        pytest.skip("some mutations only were asked for")
    assert sum(tally.values()) >= 3000
    assert min(tally[READ], tally["SourceFormatError"], tally["TableError"], tally[NOT_RECOGNISED]) > 100


# ------------------------------------------------------------ whole files


def rewritten(content, rng, **style):
    rows = list(csv.reader(io.StringIO(content, newline=""), delimiter=";"))
    sample = Sample(tuple(rows[0]), tuple(map(tuple, rng.sample(rows[1:], len(rows) - 1))))
    return text(sample, Style(**style)).encode(style.get("encoding", "utf-8"))


@pytest.fixture(scope="module", params=["comparateur", "filosofi"])
def whole(request, published, tmp_path_factory):
    """(a national file as text, what it is)."""
    with zipfile.ZipFile(published / FILES[request.param][0]) as archive:
        name = next(name for name in archive.namelist() if not name.startswith("meta"))
        content = archive.read(name)
    base = read(tmp_path_factory.mktemp("whole"), content, ".csv")
    assert base.kind == READ
    return content.decode(), base


@pytest.mark.parametrize(
    "style",
    [
        {"separator": ",", "newline": "\r\n", "encoding": "utf-8-sig"},
        {"separator": "\t", "encoding": "utf-16"},
        {"separator": ";", "newline": "\r", "quoting": csv.QUOTE_ALL, "encoding": "cp1252"},
    ],
)
def test_whole_files_rewritten_in_disorder(style, whole, tmp_path, tally):
    content, base = whole
    mutant = Mutant(rewritten(content, Random(7), **style), Law.SAME)  # noqa: S311 - mutations, not secrets
    got = read(tmp_path, mutant.content, mutant.suffix)
    tally[got.kind] += 1
    assert faults(base, got, mutant, Sample((), ())) == []
    for name, (frame, _) in base.tables.items():
        pd.testing.assert_series_equal(got.tables[name][0].sum(), frame.sum(), rtol=1e-12)


def test_whole_files_damaged(whole, tmp_path, tally):
    content, base = whole
    data = content.encode()
    rng = Random(11)  # noqa: S311 - mutations, not secrets
    at = rng.randrange(len(data))
    archive = bytearray(packed({"a.csv": data}))
    archive[len(archive) // 2] ^= 1
    line = content.index("\n", len(content) // 2) + 1
    damaged = [
        Mutant(data[:at], Law.LESS, last=True),
        Mutant(data[:at] + b"\0" + data[at:], Law.KEPT),
        Mutant(data[:at] + b'"' + data[at:], Law.KEPT),
        Mutant(data + data[line : line + 5000], Law.KEPT),
        Mutant((content[:line] + content[content.index(";", line) + 1 :]).encode(), Law.KEPT),
        Mutant(content.replace(";", ",").encode(), Law.KEPT),
        Mutant(bytes(archive), Law.KEPT, ".zip"),
    ]
    for mutant in damaged:
        got = read(tmp_path, mutant.content, mutant.suffix)
        tally[got.kind] += 1
        assert faults(base, got, mutant, Sample((), ())) == []


def test_a_large_file_cut_in_its_last_figure_is_told(tmp_path):
    codes = "".join(f"{code};12\n" for code in _base.communes().index[:10_000])
    with pytest.warns(TerritoireGeoWarning, match="its last line has no end"):
        read_folder_of(tmp_path, f"code_commune;naissances\n{codes}97411;123".encode()[:-1])


def read_folder_of(folder, content, name="a.csv"):
    (folder / name).write_bytes(content)
    pile = Pile()
    read_folder(pile, folder)
    return pile


def test_old_spreadsheets_damaged_anywhere(published, tmp_path, tally):
    """The format has no checksum: a figure may be wrong, but nothing escapes, and the program goes on."""
    for path in sorted((published / "insee" / "xls").iterdir()):
        content = path.read_bytes()
        for seed in range(8):
            rng = Random(f"{path.name}{seed}")  # noqa: S311 - mutations, not secrets
            damaged = flipped(content, rng, 40) if seed % 3 else content[: rng.randrange(len(content))]
            tally[read(tmp_path, damaged, ".xls").kind] += 1


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd", "gzip"])
def test_a_checksum_tells_a_parquet_that_has_one_bit_wrong(compression, tmp_path, tally):
    """Without checksums, which not every producer writes, only gzip tells: others may give a figure that is wrong."""
    codes = _base.communes().index[:2000].tolist()
    table = pa.table({"code_commune": codes, "naissances": [float(rank) for rank in range(len(codes))]})
    content = parquet(table, compression=compression, write_page_checksum=True)
    base = read(tmp_path, content, ".parquet")
    rng = Random(compression)  # noqa: S311 - mutations, not secrets
    for _ in range(40):
        mutant = Mutant(flipped(content, rng, 1), Law.KEPT, ".parquet")
        got = read(tmp_path, mutant.content, mutant.suffix)
        tally[got.kind] += 1
        assert faults(base, got, mutant, Sample((), ())) == []


# ------------------------------------------------------------ what was found

REFUSED = {
    "decimal commas under trailing separators": (
        "code_commune,menages,menages_voiture,,\n39198,10,5,8,5\n39300,20,5,9,5\n", "more cells than the header",
    ),
    "two quotes that hide rows": ('id;type;name;lon;lat\na;gare;"Dole;5.5;47\nb;gare;"X;5.4;47\n', "hides rows"),
    "two quotes that hide whole rows": (
        'id;type;name;code_commune;lon;lat\na;gare;"Dole;39198;5.5;47\nb;gare;X;39198;5.5;47\nc;gare;Y";39198;5.4;47\n',
        "hides rows",
    ),
    "a quote from the header to a row": (
        'code_commune;naissances;"note\n39198;10;x\n39300;12;"y\n39301;3;z\n', "hides rows",
    ),
    "NUL in UTF-16": ("code_bassin;code_metier;projets\n27\0 01;A0Z40;10\n".encode("utf-16"), "NUL"),
    "a space that is no thousand": ("code_commune;naissances\n39198;1 2\n", "is not a number"),
    "thousands or decimals": ("code_commune;naissances\n39198;1,234\n39300;12\n", "may be thousands or decimals"),
    "a negative part": ("DEPCOM;DCIRIS;TYPEQU;NB_EQUIP\n39198;x1;D502;-1\n39198;x2;D502;3\n", "not a count"),
    "a part twice": ("DEPCOM;DCIRIS;TYPEQU;NB_EQUIP\n39198;391980101;D502;1\n39198;391980101;D502;1\n", "several rows"),
    "a part of IRIS twice": (
        "IRIS;COM;P22_POP;P22_POP65P\n391980101;39198;9;1\n391980101;39198;9;1\n", "stands on several rows",
    ),
    "a trade twice": ("BE25;Code métier BMO;met;xmet;Dept\n2701;A0Z40;9;1;39\n2701;A0Z40;9;1;39\n", "several rows"),
    "an activity twice": (
        "code_commune;code_ape;effectifs_salaries_2024\n39198;0111Z;9\n39198;0111Z;9\n", "stands on several rows",
    ),
    "a département that lost its zero": ("niveau;code;nom;naissances\nDEP;1;Ain;12\n", "not a code of level DEP"),
    "a level that nobody reads": ("niveau;code;nom;naissances\nCANTON;12;x;12\n", "is none of COM"),
    "a SIRET that lost its zero": ("siret;kind;name;code_commune\n5033987654321;AI;x;39198\n", "is not a code"),
    "a mark for a key": ("code_bassin;code_metier;projets\ns;A0Z40;12\n", "is not a code"),
    "the header again": (
        "siret;kind;need;source\n33965933600012;AI;mobility;x\nsiret;kind;need;source\n", "is not a code",
    ),
    "a facility without type": ("id;code_equipement;nombre;code_commune\na;;2;39198\n", "is not a code"),
    "a mark for a year": ("geo_level;geo_code;annee;txcouv\nDEP;39;2023;50\nDEP;39;s;40\n", "is not a year"),
    "a huge cell": ("code_commune;naissances\n39198;" + "9x" * 60_000 + "\n", "is not a number"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_was_read_wrong_is_refused(name, tmp_path):
    content, said = REFUSED[name]
    with pytest.raises(TerritoireGeoError, match=said) as caught:
        read_folder_of(tmp_path, content if isinstance(content, bytes) else content.encode())
    assert len(str(caught.value)) < 500


def test_marks_of_two_files_put_together_are_no_key(tmp_path):
    content = "id;type;name;lon;lat\na;gare;X;5.5;47\n\ufeffb;gare;Y;5.4;47\n"
    assert read_folder_of(tmp_path, content.encode()).pieces["places"][0].frame.index.tolist() == ["a", "b"]


def test_a_secret_activity_makes_the_total_secret(tmp_path):
    content = (
        "code_commune;code_ape;effectifs_salaries_2024\n39198;0111Z;9\n39198;0112Z;s\n39300;0111Z;\n39300;0112Z;4\n"
    )
    piece = read_folder_of(tmp_path, content.encode()).pieces["employees"][0]
    assert piece.frame["effectifs_salaries"].isna().to_dict() == {"39198": True, "39300": False}
    assert piece.states.to_dict() == {("39198", "effectifs_salaries"): "secret"}


def test_an_older_census_does_not_pass_for_the_newest(tmp_path):
    content = "CODGEO;P22_RP;P16_RP;P16_RP_VOIT1P;C22_FAM;C22_FAMMONO\n39198;12;10;8;5;1\n"
    assert set(read_folder_of(tmp_path, content.encode()).pieces) == {"families"}


@pytest.mark.parametrize("column", ["ouvert", "format_fs", "modes_accueil", "QUALITE_GEOLOC"])
def test_a_column_that_says_which_rows_count_is_missed_aloud(column, tmp_path):
    (sample,) = [sample for sample in PUBLISHED.values() if column in sample.header]
    place = sample.header.index(column)
    header = (*sample.header[:place], "other", *sample.header[place + 1 :])
    pile = read_folder_of(tmp_path, text(replace(sample, header=header)).encode())
    assert any("this file does not say which" in note.en for note in pile.notes)


def test_a_spreadsheet_with_one_cell_far_away_does_not_fill_the_memory(tmp_path):
    with zipfile.ZipFile(io.BytesIO(workbook({"F": [["code_commune", "naissances"], ["39198", 5.0]]}))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet0.xml"
    far = packed(parts | {sheet: parts[sheet].replace(b'r="B2"', b'r="XFD1048576"')})
    with pytest.raises(SourceFormatError, match="far from the others"):
        read_folder_of(tmp_path, far, "a.xlsx")


def test_an_old_spreadsheet_that_ends_its_reader_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_sheets, "TRIAL", "import os; os.abort()")
    with pytest.raises(SourceFormatError, match="it is damaged"):
        read_folder_of(tmp_path, b"\xd0\xcf\x11\xe0", "a.xls")


def test_metadata_of_a_parquet_that_is_no_text(tmp_path):
    content = parquet(pa.table({"code_commune": ["39198"], "naissances": [5.0]}))
    with pytest.raises(SourceFormatError, match="not a readable parquet"):
        read_folder_of(tmp_path, content.replace(b"naissances", b"\xff\xfe\xfdssances"), "a.parquet")
