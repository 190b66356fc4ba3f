"""The command: territoire-geo demo | diagnose | sources."""

import errno
import re
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click
import numpy as np

from territoire_geo.cli_sources import say_what_is_done, sources
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
from territoire_geo.measures import CAR_KMH, DETOUR, Need
from territoire_geo.needs import NEEDS
from territoire_geo.travel import Pace, buffer_km

if TYPE_CHECKING:
    import pandas as pd

FAILED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
DEMO: Final = "200010650"
NOT_FIGURES: Final = ("references", "base_nationale")  # sums of the other sources; codes and polygons
FEW: Final = 5  # our own estimates below it are printed "< 5"
THIN: Final = "\u202f"  # French thousands

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
    },
}


@dataclass(frozen=True)
class _Request:
    """What was asked for on the command line."""

    code: str
    out: Path
    sources: str
    lang: Literal["fr", "en"] = "fr"
    needs: tuple[Need, ...] = NEEDS
    added: tuple[Path, ...] = ()
    reference: str = "departement"
    speed: float = CAR_KMH
    detour: float = DETOUR
    minutes: Path | None = None
    offline: bool = False


LANG = click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Language.")
DEBUG = click.option("--debug", is_flag=True, help="Show the traceback of an error.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("territoire-geo"), prog_name="territoire-geo")
def main() -> None:
    """Draw the shared diagnostic of a French territory, offline."""


main.add_command(sources)


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("diagnostic-dole"), show_default=True)
@LANG
@DEBUG
def demo(out: Path, lang: Literal["fr", "en"], *, debug: bool) -> None:
    """Diagnose Grand Dole (Jura), the demonstration territory, from the embedded figures."""
    _guarded(_Request(DEMO, out, "demo", lang), debug=debug)


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@main.command("diagnose")
@click.argument("code")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write to.  [default: diagnostic-CODE]")
@click.option("--sources", default="live", show_default=True, help="live (the producers), demo, or a folder of files.")
@click.option("--offline", is_flag=True, help="Open no socket: only what is on this machine.")
@click.option("--add", "added", multiple=True, type=FILE, help="A file of your own, in its tidy contract; repeatable.")
@click.option("--needs", "asked", help=f"Comma-separated, among {', '.join(need.id for need in NEEDS)}.")
@click.option(
    "--reference",
    default="departement",
    show_default=True,
    help="departement, region, france, territoire or a code.",
)
@click.option("--reach", multiple=True, metavar="NEED=MIN", help="Reach of a need in minutes; repeatable.")
@click.option("--speed", type=click.FloatRange(min=1), default=CAR_KMH, show_default=True, help="By car, km/h.")
@click.option(
    "--detour", type=click.FloatRange(min=1), default=DETOUR, show_default=True, help="Road over straight line."
)
@click.option("--minutes", type=FILE, help="CSV of minutes between communes: origin, destination, minutes.")
@LANG
@DEBUG
def diagnose_command(
    code: str, out: Path | None, asked: str | None, reach: tuple[str, ...], *, debug: bool, **options: object
) -> None:
    """Diagnose CODE: an EPCI, a commune or several (39198,39526), a département (D39), a region (R27), or a name."""
    folder = out or Path("diagnostic-" + re.sub(r"[^\w-]+", "-", code).strip("-"))
    needs = _reached(_chosen(asked), reach)
    _guarded(_Request(code, folder, needs=needs, **options), debug=debug)  # type: ignore[arg-type] # click types the options


def _chosen(asked: str | None) -> tuple[Need, ...]:
    if asked is None:
        return NEEDS
    book = {need.id: need for need in NEEDS}
    names = [name.strip() for name in asked.split(",") if name.strip()]
    unknown = [name for name in names if name not in book]
    if unknown or not names:
        message = f"{', '.join(unknown) or 'nothing'} is not a need. The needs are {', '.join(book)}."
        raise click.BadParameter(message, param_hint="--needs")
    return tuple(book[name] for name in dict.fromkeys(names))


def _reached(needs: tuple[Need, ...], reach: Sequence[str]) -> tuple[Need, ...]:
    book = {need.id: need for need in needs}
    for text in reach:
        name, _, minutes = text.partition("=")
        try:
            book[name] = book[name].within(float(minutes.replace(",", ".")))
        except (KeyError, ValueError) as error:
            message = f"{text!r} is not NEED=MINUTES with one of {', '.join(book)} and a positive number."
            raise click.BadParameter(message, param_hint="--reach") from error
    return tuple(book.values())


def _guarded(request: _Request, *, debug: bool) -> None:
    created = [folder for folder in (request.out, *request.out.parents) if not folder.exists()]
    try:
        _run(request)
    except (TerritoireGeoError, ValueError, OSError) as error:
        for folder in created:  # a failure leaves no empty folder behind
            with suppress(OSError):
                folder.rmdir()
        if debug:
            raise
        _echo(f"territoire-geo: {error}", err=True)
        sys.exit(_status(error))


def _status(error: Exception) -> int:
    if isinstance(error, SourceUnavailableError):
        return UNAVAILABLE
    return USAGE if isinstance(error, UnknownTerritoryError) else FAILED


def _run(request: _Request) -> None:
    _check_folder(request.out)
    if request.sources != "demo":
        say_what_is_done()
    given = load_minutes(request.minutes) if request.minutes else None
    with warnings.catch_warnings(record=True) as caught:
        # The diagnostic keeps its warnings: they are printed in the reader's language, once.
        warnings.simplefilter("always", TerritoireGeoWarning)
        codes = [code.strip() for code in request.code.split(",") if code.strip()]
        territory = load_territory(
            codes if len(codes) > 1 else request.code,
            needs=request.needs,
            buffer_km=buffer_km(request.needs, Pace(request.speed, request.detour)),
        )
        given_sources = request.sources if request.sources in {"demo", "live"} else Path(request.sources)
        door = open_door(offline=True if request.offline else None)
        tables = load_tables(territory, sources=given_sources, add=request.added, door=door)
        diagnostic = diagnose(
            territory,
            tables,
            needs=request.needs,
            travel=given,
            speed_kmh=request.speed,
            detour=request.detour,
            reference=request.reference,
        )
    for other in caught:
        if not issubclass(other.category, TerritoireGeoWarning):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    files = _write(diagnostic, request)  # before a word is printed: a closed pipe loses nothing
    _say(diagnostic, request.lang)
    _say_files(diagnostic, request, files)


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        message = f"{folder}: cannot write there ({error.strerror}). Choose another folder with --out."
        raise TerritoireGeoError(message) from error


def _write(diagnostic: Diagnostic, request: _Request) -> list[Path]:
    """Write everything aside first, then move it into place: an error leaves the folder as it was."""
    out = request.out
    with tempfile.TemporaryDirectory(dir=out, prefix=".territoire-geo-") as aside:
        draft = Path(aside) / "new"
        draft.mkdir()
        draw_map(diagnostic, lang=request.lang).save(draft / "carte.html")
        write_geopackage(diagnostic, draft / "diagnostic.gpkg")
        write_tables(diagnostic, draft / "tableaux", decimal="," if request.lang == "fr" else ".")
        write_sources(diagnostic, draft / "sources.json")
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


def _say_files(diagnostic: Diagnostic, request: _Request, files: Sequence[Path]) -> None:
    _echo(TEXTS[request.lang]["files"].format(folder=request.out.resolve()))
    for path in files:
        _echo(f"  {path}  ({_number((request.out / path).stat().st_size / 1000, request.lang)} ko)")
    _echo(_figures(diagnostic, request.lang))


def _echo(text: str, *, err: bool = False) -> None:
    """Print, whatever the terminal can write: Windows still pipes in cp1252, which has no narrow no-break space."""
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
    km = _number(territory.buffer_km, lang)
    title = texts["title"].format(
        name=territory.name, core=_communes(len(territory.core)), all=len(territory.communes), km=km
    )
    _echo(f"{title}\n")
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
        _echo("  ".join(cells).rstrip())
    _echo(f"\n{texts['warnings']}")
    for note in diagnostic.warnings:
        _echo(f"  - {note.fr if lang == 'fr' else note.en}")
    _echo("")


def _row(row: "pd.Series[Any]", need: Need, lang: str) -> list[str]:
    texts = TEXTS[lang]
    french = lang == "fr"
    people = [_people(row[column], lang) for column in ("demand", "unmet_people", "low", "high")]
    share = texts["unknown"] if np.isnan(row["share"]) else f"{_number(100 * row['share'], lang, digits=1)}\u00a0%"
    units, unit = row["unmet_units"], need.gap_unit if french else need.gap_unit_en
    missing = "" if need.mode == "bike" or np.isnan(units) else f"{_units(units, lang)} {unit}"
    if row["unknown"]:
        missing += f" ({texts['unknown_communes'].format(n=_communes(row['unknown']))})"
    label = need.label if french else need.label_en
    return [label, people[0], people[1], f"{people[2]} – {people[3]}", share, missing.strip()]


def _communes(count: int) -> str:
    return f"{count} commune{'s' if count > 1 else ''}"


def _people(value: float, lang: str) -> str:
    if np.isnan(value):
        return TEXTS[lang]["unknown"]
    return TEXTS[lang]["few"] if 0 < value < FEW else _number(value, lang)


def _units(value: float, lang: str) -> str:
    return _number(value, lang, digits=0 if value >= FEW else 2)


def _number(value: float, lang: str, *, digits: int = 0) -> str:
    text = f"{value:,.{digits}f}"
    return text if lang == "en" else text.replace(",", THIN).replace(".", ",")
