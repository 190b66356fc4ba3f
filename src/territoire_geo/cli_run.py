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

from territoire_geo.cli_say import echo, say_changed, say_figures, say_files
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
from territoire_geo.provenance import differences, used_by
from territoire_geo.recipes import EVERY, Recipe, write_recipe
from territoire_geo.travel import Pace, buffer_km

if TYPE_CHECKING:
    from territoire_geo.comparisons import Comparison
    from territoire_geo.sessions import Sessions

Lang = Literal["fr", "en"]
FAILED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
NEAREST: Final = 5  # candidates shown
LANG = click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Language.")
DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")
FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


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
    say_figures(done.diagnostic, lang)
    say_changed(changed, lang)
    say_files(done.diagnostic, request.out, files, lang)


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
