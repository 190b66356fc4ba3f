"""A run of the command: what is asked, what it computes, what it writes and says."""

import difflib
import errno
import re
import sys
import tempfile
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import click
import numpy as np

from territoire_geo.cli_sources import say_what_is_done
from territoire_geo.columns import NOM_COMMUNE
from territoire_geo.diagnostic import Diagnostic, diagnose
from territoire_geo.errors import (
    SourceUnavailableError,
    TerritoireGeoError,
    TerritoireGeoWarning,
    UnknownTerritoryError,
)
from territoire_geo.exchange import write_geopackage, write_sources, write_tables
from territoire_geo.loaders import load_minutes, load_tables, load_territory, open_door
from territoire_geo.maps import draw_map
from territoire_geo.measures import Need
from territoire_geo.recipes import EVERY, Recipe, differences, used_by, write_recipe
from territoire_geo.travel import Pace, buffer_km

if TYPE_CHECKING:
    import pandas as pd

    from territoire_geo.comparisons import Comparison
    from territoire_geo.sessions import Sessions

Lang = Literal["fr", "en"]
FAILED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
NOT_FIGURES: Final = ("references", "base_nationale")  # sums of the other sources; codes and polygons
NEAREST: Final = 5  # candidates shown
FEW: Final = 5  # our own estimates below it are printed "< 5"
THIN: Final = "\u202f"  # French thousands
LANG = click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Language.")
DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)

TEXTS: Final = {
    "fr": {
        "title": "Diagnostic partagé : {name}, {core} ({all} avec le voisinage, {km} km)",
        "columns": "Besoin|Public|Non couvert|bas – haut|Part|Manque",
        "unknown": "inconnu",
        "unknown_communes": "{n} : inconnu",
        "warnings": "À savoir :",
        "files": "Écrit dans {folder} :",
        "figures": "Pré-diagnostic : chiffres publiés ({vintages}) ; {travel}. "
        "Il prépare la discussion, il ne la remplace pas.",
        "convention": "temps de trajet approchés à vol d'oiseau",
        "table": "temps de trajet lus dans votre table",
        "few": "< 5",
        "changed": "Depuis le dernier usage de cette recette :",
    },
    "en": {
        "title": "Shared diagnostic: {name}, {core} ({all} with the buffer, {km} km)",
        "columns": "Need|People|Unmet|low – high|Share|Missing",
        "unknown": "unknown",
        "unknown_communes": "{n}: unknown",
        "warnings": "Good to know:",
        "files": "Written to {folder}:",
        "figures": "Pre-diagnostic: published figures ({vintages}); {travel}. "
        "It prepares the discussion, it does not replace it.",
        "convention": "approximate straight-line travel times",
        "table": "travel times read from your table",
        "few": "< 5",
        "changed": "Since this recipe was last used:",
    },
}


@dataclass(frozen=True)
class Request:
    """A recipe, and how this run carries it out."""

    recipe: Recipe
    out: Path
    offline: bool = False
    frozen: bool = False


@dataclass(frozen=True)
class _Done:
    """What a run computed, before it is written."""

    diagnostic: Diagnostic
    used: Mapping[str, Any]
    sessions: "Sessions | None" = None
    comparison: "Comparison | None" = None


@contextmanager
def guarded(*folders: Path, debug: bool) -> Iterator[None]:
    """
    Turn an error into one message on standard error and the status of the contract.

    Parameters
    ----------
    *folders
        Those that may be made: an error leaves none of them empty behind.
    debug
        Whether the error is raised instead.

    Yields
    ------
    guarded
        Nothing.
    """
    created = [one for out in folders for one in (out, *out.parents) if not one.exists()]
    try:
        yield
    except (TerritoireGeoError, ValueError, OSError) as error:
        for folder in created:  # a failure leaves no empty folder behind
            with suppress(OSError):
                folder.rmdir()
        if debug:
            raise
        echo(f"territoire-geo: {error}", err=True)
        sys.exit(_status(error))


def _status(error: Exception) -> int:
    if isinstance(error, SourceUnavailableError):
        return UNAVAILABLE
    return USAGE if isinstance(error, UnknownTerritoryError) else FAILED


def run(request: Request) -> None:
    """
    Carry a request out: compute, write, then say.

    Parameters
    ----------
    request
        What is asked.
    """
    recipe, lang = request.recipe, request.recipe.lang
    _check_folder(request.out)
    if recipe.sources != "demo":
        say_what_is_done()
    with warnings.catch_warnings(record=True) as caught:
        # The diagnostic keeps its warnings: they are printed in the reader's language, once.
        warnings.simplefilter("always", TerritoireGeoWarning)
        done = _computed(request)
    for other in caught:
        if not issubclass(other.category, TerritoireGeoWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    changed = [one.fr if lang == "fr" else one.en for one in differences(recipe.used, done.used)]
    if request.frozen and changed:
        raise TerritoireGeoError(
            f"{' '.join(changed)} With --frozen, a figure is reproduced or not given. Bring the same files back, "
            "or run without it."
        )
    files = put(request.out, lambda draft: _write(done, request, draft))  # before a word: a closed pipe loses nothing
    _say(done.diagnostic, lang)
    if changed:
        echo(TEXTS[lang]["changed"])
        for sentence in changed:
            echo(f"  - {sentence}")
        echo("")
    _say_files(done.diagnostic, request.out, lang, files)


def _computed(request: Request) -> _Done:
    recipe = request.recipe
    needs = recipe.asked()
    given = load_minutes(recipe.minutes) if recipe.minutes else None
    convention = buffer_km(needs, Pace(recipe.speed, recipe.detour))
    territory = load_territory(
        recipe.territory,
        needs=needs,
        buffer_km=convention if recipe.buffer_km is None else recipe.buffer_km,
        name=recipe.name or None,
    )
    door = open_door(offline=True if request.offline else None)
    tables = load_tables(territory, sources=recipe.sources, add=recipe.add, door=door)
    diagnostic = diagnose(
        territory,
        tables,
        needs=needs,
        travel=given,
        speed_kmh=recipe.speed,
        detour=recipe.detour,
        reference=recipe.targets or recipe.reference,
        weights=recipe.weights or None,
    )
    sessions = read_notes(recipe.sessions)
    comparison = compared(recipe.before, diagnostic)
    files = {
        **({"minutes": recipe.minutes} if recipe.minutes else {}),
        **({"before": recipe.before} if recipe.before else {}),
        **({"template": recipe.template} if recipe.template else {}),
        **{f"session {i}": path for i, path in enumerate(recipe.sessions, start=1)},
    }
    used = used_by(diagnostic.settings, diagnostic.sources, files, version=version("territoire-geo"))
    return _Done(diagnostic, used, sessions, comparison)


def read_notes(paths: Sequence[Path]) -> "Sessions | None":
    """
    Read the sessions of a workshop, if any.

    Parameters
    ----------
    paths
        Their files.

    Returns
    -------
    read_notes
        Merged, or None without a file.
    """
    if not paths:
        return None
    from territoire_geo.exchange._sessions import read_sessions  # noqa: PLC0415 - weighs on those who have sessions

    return read_sessions(paths)


def compared(before: Path | None, after: Diagnostic) -> "Comparison | None":
    """
    Compare a diagnostic with the one of an earlier file, if any.

    Parameters
    ----------
    before
        Its diagnostic.gpkg, or None.
    after
        The later one.

    Returns
    -------
    compared
        What changed, or None.
    """
    if before is None:
        return None
    from territoire_geo.comparisons import compare  # noqa: PLC0415 - weighs on those who compare
    from territoire_geo.exchange import read_diagnostic  # noqa: PLC0415 - idem

    return compare(read_diagnostic(before), after)


def _write(done: _Done, request: Request, draft: Path) -> None:
    from territoire_geo.report import write_report  # noqa: PLC0415 - drawn when written

    recipe, diagnostic = request.recipe, done.diagnostic
    lang = cast("Lang", recipe.lang)
    before = None if done.comparison is None else done.comparison.before
    draw_map(diagnostic, lang=lang, title=recipe.title, date=recipe.date, authors=recipe.authors, before=before).save(
        draft / "carte.html"
    )
    for suffix in (".html", ".pdf") if recipe.pdf else (".html",):
        write_report(
            diagnostic,
            draft / f"rapport{suffix}",
            lang=lang,
            sessions=done.sessions,
            comparison=done.comparison,
            title=recipe.title,
            authors=recipe.authors,
            date=recipe.date,
            introduction=recipe.introduction,
            template=recipe.template,
        )
    write_geopackage(diagnostic, draft / "diagnostic.gpkg", sessions=done.sessions)
    decimal = "," if lang == "fr" else "."
    write_tables(diagnostic, draft / "tableaux", decimal=decimal, formats=recipe.tables)
    for code in communes_of(diagnostic, recipe.sheets):
        write_sheet(diagnostic, code, draft / "fiches", lang=lang, pdf=recipe.pdf)
    write_sources(diagnostic, draft / "sources.json")
    code = diagnostic.territory.code
    resolved = recipe if isinstance(recipe.territory, tuple) or not code else replace(recipe, territory=code)
    write_recipe(resolved, draft / "diagnostic.toml", used=done.used, seen_from=request.out)


def write_sheet(diagnostic: Diagnostic, code: str, folder: Path, *, lang: Lang, pdf: bool) -> None:
    """
    Write the sheet of a commune, named after it.

    Parameters
    ----------
    diagnostic
        Holds it.
    code
        Of the commune.
    folder
        Where; made if needed.
    lang
        Of its readers.
    pdf
        Whether it is printed too.
    """
    from territoire_geo.report import write_commune_sheet  # noqa: PLC0415 - drawn when written

    folder.mkdir(exist_ok=True, parents=True)
    for suffix in (".html", ".pdf") if pdf else (".html",):
        write_commune_sheet(diagnostic, code, folder / f"{file_name('fiche', diagnostic, code)}{suffix}", lang=lang)


def put(out: Path, write: Callable[[Path], None]) -> list[Path]:
    """
    Write everything aside first, then move it into place: an error leaves the folder as it was.

    Parameters
    ----------
    out
        The folder; made if needed.
    write
        Writes into the folder that it is given.

    Returns
    -------
    put
        The files, as seen from `out`.

    Raises
    ------
    TerritoireGeoError
        If a file cannot be replaced.
    """
    _check_folder(out)
    with tempfile.TemporaryDirectory(dir=out, prefix=".territoire-geo-") as aside:
        draft = Path(aside) / "new"
        draft.mkdir()
        write(draft)
        files = sorted(path.relative_to(draft) for path in draft.rglob("*") if path.is_file())
        try:
            _swap(files, draft, out, Path(aside) / "old")
        except OSError as error:
            message = f"{error.filename2 or error.filename}: cannot be replaced ({error.strerror}). Close or remove it."
            raise TerritoireGeoError(message) from error
    return files


def _swap(files: Sequence[Path], draft: Path, out: Path, kept: Path) -> None:
    """Put files in their place; when one cannot be, put back those that were there."""
    done = []
    try:
        for path in files:
            (out / path).parent.mkdir(exist_ok=True)
            if (out / path).is_dir():
                raise IsADirectoryError(errno.EISDIR, "a folder of that name is in the way", str(out / path))
            if (out / path).exists():
                (kept / path).parent.mkdir(parents=True, exist_ok=True)
                (out / path).replace(kept / path)
            done.append(path)
            (draft / path).replace(out / path)
    except OSError:
        for path in done:
            (out / path).unlink(missing_ok=True)
            if (kept / path).exists():
                (kept / path).replace(out / path)
        raise


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        message = f"{folder}: cannot write there ({error.strerror}). Choose another folder with --out."
        raise TerritoireGeoError(message) from error


def _say_files(diagnostic: Diagnostic, out: Path, lang: str, files: Sequence[Path]) -> None:
    echo(TEXTS[lang]["files"].format(folder=out.resolve()))
    for path in files:
        echo(f"  {path}  ({number((out / path).stat().st_size / 1000, lang)} ko)")
    echo(_figures(diagnostic, lang))


def folded(text: str) -> str:
    """
    Fold a name: no accent, no case, hyphens for what is not a letter or a digit.

    Parameters
    ----------
    text
        The name.

    Returns
    -------
    folded
        Fit for a file name.
    """
    split = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "OE"))
    plain = "".join(sign for sign in split if not unicodedata.combining(sign)).lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def file_name(kind: str, diagnostic: Diagnostic, code: str) -> str:
    """
    Name the file of a commune.

    Parameters
    ----------
    kind
        "fiche" or "ressources".
    diagnostic
        Knows its name.
    code
        Of the commune.

    Returns
    -------
    file_name
        Such as fiche-39198-dole, without suffix.
    """
    return "-".join(filter(None, [kind, code, folded(str(diagnostic.territory.communes.at[code, NOM_COMMUNE]))]))


def communes_of(diagnostic: Diagnostic, asked: Sequence[str]) -> list[str]:
    """
    Find communes of a territory by code or name, accents and case forgiven.

    Parameters
    ----------
    diagnostic
        Its core is looked in.
    asked
        Codes, names, or "all".

    Returns
    -------
    communes_of
        Codes, each once, in the order asked.

    Raises
    ------
    UnknownTerritoryError
        If none, or several, answer to a name: the message gives candidates.
    """
    core = diagnostic.territory.communes.loc[diagnostic.territory.core, NOM_COMMUNE]
    names = {str(code): folded(str(name)) for code, name in core.items()}
    found: list[str] = []
    for text in asked:
        if text.strip().lower() == EVERY:
            found += names
            continue
        wanted = folded(text)
        codes = [code for code, name in names.items() if wanted in {code.lower(), name}]
        if len(codes) != 1:
            near = codes or _candidates(wanted, names)
            told = ", ".join(f"{core[code]} ({code})" for code in near) or "none is near"
            said = "is the name of several communes" if codes else "is not a commune"
            message = f"{text!r} {said} of {diagnostic.territory.name}. Candidates: {told}."
            raise UnknownTerritoryError(message)
        found += codes
    return list(dict.fromkeys(found))


def _candidates(wanted: str, names: Mapping[str, str]) -> list[str]:
    near = difflib.get_close_matches(wanted, list(names.values()), n=NEAREST, cutoff=0.5)
    inside = [name for name in names.values() if wanted and wanted in name]
    kept = set([*near, *inside][:NEAREST])
    return [code for code, name in names.items() if name in kept]


def echo(text: str, *, err: bool = False) -> None:
    """
    Print, whatever the terminal can write: Windows still pipes in cp1252, which has no narrow no-break space.

    Parameters
    ----------
    text
        A line, or several.
    err
        Whether it goes to standard error.
    """
    encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace(THIN, "\u00a0").encode(encoding, errors="replace").decode(encoding)
    click.echo(text, err=err)


def _figures(diagnostic: Diagnostic, lang: str) -> str:
    texts = TEXTS[lang]
    vintages = dict.fromkeys(
        f"{s.producer} {s.millesime or s.title}" for s in diagnostic.sources if s.id not in NOT_FIGURES
    )
    by_table = diagnostic.settings["travel"]
    known = isinstance(by_table, Mapping) and by_table.get("car") == "table"
    return texts["figures"].format(vintages=", ".join(vintages), travel=texts["table" if known else "convention"])


def _say(diagnostic: Diagnostic, lang: str) -> None:
    texts, territory = TEXTS[lang], diagnostic.territory
    km = number(territory.buffer_km, lang)
    title = texts["title"].format(
        name=territory.name, core=_communes(len(territory.core)), all=len(territory.communes), km=km
    )
    echo(f"{title}\n")
    summary = diagnostic.summary()
    rows = [
        texts["columns"].split("|"),
        *(_row(row, need, lang) for need, (_, row) in zip(diagnostic.needs, summary.iterrows(), strict=True)),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if i in {0, 5} else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        echo("  ".join(cells).rstrip())
    echo(f"\n{texts['warnings']}")
    for note in diagnostic.warnings:
        echo(f"  - {note.fr if lang == 'fr' else note.en}")
    echo("")


def _row(row: "pd.Series[Any]", need: Need, lang: str) -> list[str]:
    texts = TEXTS[lang]
    french = lang == "fr"
    people = [_people(row[column], lang) for column in ("demand", "unmet_people", "low", "high")]
    share = texts["unknown"] if np.isnan(row["share"]) else f"{number(100 * row['share'], lang, digits=1)}\u00a0%"
    units, unit = row["unmet_units"], need.gap_unit if french else need.gap_unit_en
    missing = "" if need.mode == "bike" or np.isnan(units) else f"{_amount(units, lang)} {unit}"
    if row["unknown"]:
        missing += f" ({texts['unknown_communes'].format(n=_communes(row['unknown']))})"
    label = need.label if french else need.label_en
    return [label, people[0], people[1], f"{people[2]} – {people[3]}", share, missing.strip()]


def _communes(count: int) -> str:
    return f"{count} commune{'s' if count > 1 else ''}"


def _people(value: float, lang: str) -> str:
    if np.isnan(value):
        return TEXTS[lang]["unknown"]
    return TEXTS[lang]["few"] if 0 < value < FEW else number(value, lang)


def _amount(value: float, lang: str) -> str:
    return number(value, lang, digits=0 if value >= FEW else 2)


def number(value: float, lang: str, *, digits: int = 0) -> str:
    """
    Write a number as its readers do.

    Parameters
    ----------
    value
        The number.
    lang
        "fr" or "en".
    digits
        After the mark.

    Returns
    -------
    number
        Such as 2 846,5 or 2,846.5.
    """
    text = f"{value:,.{digits}f}"
    return text if lang == "en" else text.replace(",", THIN).replace(".", ",")
