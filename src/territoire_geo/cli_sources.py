"""The command: territoire-geo sources list | fetch | check."""

import logging
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, Literal
from urllib.parse import parse_qsl

import click

from territoire_geo.errors import SourceError, SourceUnavailableError, TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.loaders._cache import hand_folder
from territoire_geo.loaders._catalogue import SOURCES, Entry
from territoire_geo.loaders._catalogue import entry as find
from territoire_geo.loaders._fetch import Ask, Door, copies, open_door, probe
from territoire_geo.loaders._france import chosen, fetch_france
from territoire_geo.loaders._live import DOWN
from territoire_geo.loaders._pace import AWAY
from territoire_geo.loaders._store import FOLDER, stored

Lang = Literal["fr", "en"]
FAILED: Final = 1
UNAVAILABLE: Final = 3
THIN: Final = "\u202f"  # French thousands
TEXTS: Final = {
    "fr": {
        "never": "jamais reçue",
        "national": "France entière",
        "hand": "placée à la main",
        "cached": "{n} réponse{s}, {size}, reçue{s} le {date}",
        "cache": "Copies locales : {folder}\nUn fichier pris à la main se place dans {folder}/by-hand/<identifiant>.",
        "store": "Tables nationales ({folder}) : {tables}",
        "no_store": "Aucune table nationale : « territoire-geo sources fetch --france » les apporte.",
        "alive": "répond",
        "changed": "répond, et a changé depuis la copie locale",
        "dead": "ne répond pas",
        "place": "à prendre sur {page} et à placer dans {folder}",
        "written": "Écrit : {path} ({size})",
        "failed": "{n} source{s} en échec : {ids}. Relancez la commande : ce qui est reçu n'est pas redemandé.",
    },
    "en": {
        "never": "never received",
        "national": "all of France",
        "hand": "placed by hand",
        "cached": "{n} answer{s}, {size}, received on {date}",
        "cache": "Local copies: {folder}\nA file taken by hand goes to {folder}/by-hand/<id of the source>.",
        "store": "National tables ({folder}): {tables}",
        "no_store": "No national table: `territoire-geo sources fetch --france` brings them.",
        "alive": "answers",
        "changed": "answers, and has changed since the local copy",
        "dead": "does not answer",
        "place": "take it from {page} and put it in {folder}",
        "written": "Written: {path} ({size})",
        "failed": "{n} source{s} failed: {ids}. Run the command again: what was received is not asked again.",
    },
}
LANG = click.option("--lang", type=click.Choice(["fr", "en"]), default="fr", show_default=True, help="Language.")
OFFLINE = click.option("--offline", is_flag=True, help="Open no socket: only what is on this machine.")


@click.group()
def sources() -> None:
    """List the sources, bring the national files, check that the producers answer."""


@sources.command("list")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@LANG
def list_command(ids: tuple[str, ...], lang: Lang) -> None:
    """Say what each source is, and what of it is on this machine, how old."""
    wanted = _entries(ids)
    with _guarded():
        door = open_door(offline=True)
        for entry in wanted:
            tables = ", ".join(entry.tables) or "-"
            click.echo(
                f"{entry.id}  [{entry.producer}, {entry.vintage()}]\n  {entry.title}\n  {tables} ; {entry.licence}"
            )
            click.echo(f"  {entry.landing_page}\n  {_state(door, entry, lang)}")
        _say_store(door, lang)


@sources.command("fetch")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--france", is_flag=True, help="Every national file.")
@OFFLINE
@LANG
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def fetch_command(ids: tuple[str, ...], lang: Lang, *, france: bool, offline: bool, debug: bool) -> None:
    """Bring the national files of the sources ID, or of all with --france, for use anywhere without a network."""
    if france == bool(ids):
        raise click.UsageError("give ids of sources, or --france for all of them (see `territoire-geo sources list`).")
    try:
        chosen(ids)
    except SourceError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error
    say_what_is_done()
    with _guarded(debug=debug):
        door = open_door(offline=True if offline else None)
        brought = fetch_france(door, only=ids)
        for path in brought.files:
            click.echo(TEXTS[lang]["written"].format(path=path, size=_size(path.stat().st_size, lang)))
        for note in brought.notes:
            click.echo(f"  - {note.fr if lang == 'fr' else note.en}")
        _say_failures(brought.failures, lang)


def _say_failures(failures: Mapping[str, Exception], lang: Lang) -> None:
    if not failures:
        return
    for error in failures.values():
        click.echo(f"territoire-geo: {error}", err=True)
    text = TEXTS[lang]["failed"].format(n=len(failures), s=_s(len(failures)), ids=", ".join(failures))
    click.echo(text, err=True)
    sys.exit(UNAVAILABLE)


@sources.command("check")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@LANG
def check_command(ids: tuple[str, ...], lang: Lang) -> None:
    """Ask each producer whether it answers, and whether its file has changed since the local copy."""
    wanted = _entries(ids)
    with _guarded():
        door = open_door()
        dead: list[Entry] = []
        away: set[str] = set()
        for source in wanted:
            silent = source.service.id in away or len(away) >= DOWN
            found = probe(replace(door, offline=True) if silent else door, source, light(source))
            if found.detail.startswith(AWAY):
                away.add(source.service.id)
            said = "dead" if not found.alive else "changed" if found.changed else "alive"
            detail = f" ({found.detail})" if found.detail and not silent else ""
            click.echo(f"{source.id:28} {TEXTS[lang][said]}{detail}")
            dead += [] if found.alive else [source]
        _say_dead(door, dead, lang)


def _say_dead(door: Door, dead: list[Entry], lang: Lang) -> None:
    for source in dead:
        told = source.landing_page
        if source.published:
            told = TEXTS[lang]["place"].format(page=told, folder=hand_folder(door.cache, source.id))
        click.echo(f"territoire-geo: {source.id}: {told}", err=True)
    if dead:
        sys.exit(UNAVAILABLE)


def _entries(ids: tuple[str, ...]) -> tuple[Entry, ...]:
    try:
        return tuple(find(name) for name in ids) or SOURCES
    except SourceError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error


def _state(door: Door, source: Entry, lang: Lang) -> str:
    texts = TEXTS[lang]
    held = copies(door, source)
    if not held:
        return texts["never"]
    if held[0].origin == "by hand":
        return f"{texts['hand']} : {held[0].path}"
    total = sum(answer.path.stat().st_size for answer in held)
    latest = datetime.fromtimestamp(held[0].fetched, tz=UTC).astimezone()
    date = latest.strftime("%d/%m/%Y" if lang == "fr" else "%Y-%m-%d")
    return texts["cached"].format(n=len(held), s=_s(len(held)), size=_size(total, lang), date=date)


def _say_store(door: Door, lang: Lang) -> None:
    texts, tables = TEXTS[lang], stored(door)
    click.echo("\n" + texts["cache"].format(folder=door.cache))
    if not tables:
        click.echo(texts["no_store"])
        return
    times = {name: max(path.stat().st_mtime for path in files.values()) for name, files in tables.items()}
    ages = [f"{name} ({datetime.fromtimestamp(latest, tz=UTC):%Y-%m-%d})" for name, latest in times.items()]
    click.echo(texts["store"].format(folder=door.cache / FOLDER, tables=", ".join(ages)))


def _s(count: int) -> str:
    return "s" if count > 1 else ""


def _size(count: float, lang: Lang) -> str:
    text = f"{count / 1e6:,.1f}"
    return f"{text} MB" if lang == "en" else f"{text.replace(',', THIN).replace('.', ',')} Mo"


class _Said(logging.Handler):
    """What the library does, a line each on the standard error of the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        click.echo(self.format(record), err=True)


def say_what_is_done() -> None:
    """Let the library say on standard error what it asks of whom: a line each, also where no bar is drawn."""
    log = logging.getLogger("territoire_geo")
    if not any(isinstance(handler, _Said) for handler in log.handlers):
        log.addHandler(_Said())
    log.setLevel(logging.INFO)


@contextmanager
def _guarded(*, debug: bool = False) -> Iterator[None]:
    """One message on standard error, and the status of the contract; the warnings of the library are notes already."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TerritoireGeoWarning)
            yield
    except TerritoireGeoError as error:
        if debug:
            raise
        click.echo(f"territoire-geo: {error}", err=True)
        sys.exit(UNAVAILABLE if isinstance(error, SourceUnavailableError) else FAILED)


def light(source: Entry) -> Ask:
    """
    Give the light request that tells whether a source answers.

    Parameters
    ----------
    source
        The source.

    Returns
    -------
    light
        Its `probe`, else the file itself; the answer of a portal is JSON whatever the format of the source.
    """
    if not source.probe:
        return Ask()
    path, _, query = source.probe.partition("?")
    return Ask(path=path, params=tuple(parse_qsl(query)), format="json")
