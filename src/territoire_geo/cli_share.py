"""The command on what was written: report, sheet, directory, compare, session merge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from territoire_geo.cli_run import (
    DEBUG,
    FILE,
    LANG,
    Lang,
    communes_of,
    compared,
    file_name,
    guarded,
    put,
    read_notes,
    write_sheet,
)
from territoire_geo.cli_say import echo
from territoire_geo.comparisons import Comparison, changes_table, sentences_of, why_table
from territoire_geo.errors import TerritoireGeoError
from territoire_geo.exchange import read_diagnostic
from territoire_geo.exchange._csv import write_french, write_machine
from territoire_geo.maps import draw_map
from territoire_geo.recipes import EVERY

SIGNED: Final = (
    click.option("--title", default="", help="Of the report."),
    click.option("--authors", default="", help="Who signs it."),
    click.option("--date", default="", help="Printed as it is."),
)
TEXTS: Final = {
    "fr": {
        "written": "Écrit : {path}",
        "why": "Ce qui a pu jouer :",
        "merged": "Notes : {notes} ; jeux de poids : {colleges} ; fichiers : {files} ; "
        "conflits à trancher : {conflicts}.",
        "conflict": "Conflit, {key}, version {version} ({files}) : {said}",
        "refused": "Refusé, {file} {where} : {reason}",
    },
    "en": {
        "written": "Written: {path}",
        "why": "What may have played:",
        "merged": "Notes: {notes}; sets of weights: {colleges}; files: {files}; conflicts to settle: {conflicts}.",
        "conflict": "Conflict, {key}, version {version} ({files}): {said}",
        "refused": "Refused, {file} {where}: {reason}",
    },
}
OUT = click.option("--out", type=click.Path(path_type=Path), default=Path(), help="Folder.  [default: this one]")
PDF = click.option("--pdf", is_flag=True, help="Print as a PDF too (extra `browser`).")


def _signed(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(SIGNED):
        command = option(command)
    return command


@click.command()
@click.argument("diagnostic", type=FILE)
@click.option("--session", "sessions", multiple=True, type=FILE, help="A session of the workshop; repeatable.")
@click.option("--before", type=FILE, help="An earlier diagnostic.gpkg, to tell what has changed.")
@click.option("--template", type=FILE, help="A Jinja template that extends report.html (docs/report.md).")
@click.option("--out", type=click.Path(path_type=Path), default=Path("rapport.html"), show_default=True)
@PDF
@_signed
@LANG
@DEBUG
def report(diagnostic: Path, out: Path, lang: Lang, *, pdf: bool, debug: bool, **given: Any) -> None:  # noqa: ANN401 - click types the options
    """Write the report of DIAGNOSTIC, a diagnostic.gpkg that a run wrote."""
    from territoire_geo.report import write_report  # noqa: PLC0415 - drawn when written

    with guarded(out.parent, debug=debug):
        held = read_diagnostic(diagnostic)
        signed = {key: given[key] for key in ("title", "authors", "date", "template")}
        more: dict[str, Any] = {
            "sessions": read_notes(given["sessions"]),
            "comparison": compared(given["before"], held),
        }
        for path in dict.fromkeys([out, out.with_suffix(".pdf")] if pdf else [out]):
            write_report(held, path, lang=lang, **signed, **more)
            echo(TEXTS[lang]["written"].format(path=path))


@click.command()
@click.argument("diagnostic", type=FILE)
@click.argument("communes", nargs=-1, metavar="[COMMUNE]...")
@click.option("--all", "every", is_flag=True, help="Every commune of the territory.")
@OUT
@PDF
@LANG
@DEBUG
def sheet(  # noqa: PLR0913 - one by option
    diagnostic: Path, communes: tuple[str, ...], out: Path, lang: Lang, *, every: bool, pdf: bool, debug: bool
) -> None:
    """Write a page for each COMMUNE (code or name) of DIAGNOSTIC, to agree on with its council."""
    if every == bool(communes):
        raise click.UsageError("give codes or names of communes, or --all for all of them.")
    with guarded(out, debug=debug):
        held = read_diagnostic(diagnostic)
        codes = communes_of(held, [EVERY] if every else communes)

        def write(draft: Path) -> None:
            for code in codes:
                write_sheet(held, code, draft, lang=lang, pdf=pdf)

        _say(out, put(out, write), lang)


@click.command()
@click.argument("diagnostic", type=FILE)
@click.argument("communes", nargs=-1, required=True, metavar="COMMUNE...")
@OUT
@PDF
@LANG
@DEBUG
def directory(  # noqa: PLR0913 - one by option
    diagnostic: Path, communes: tuple[str, ...], out: Path, lang: Lang, *, pdf: bool, debug: bool
) -> None:
    """Write what is within reach of each COMMUNE (code or name) of DIAGNOSTIC, to print for jobseekers."""
    from territoire_geo.report import write_directory  # noqa: PLC0415 - drawn when written

    with guarded(out, debug=debug):
        held = read_diagnostic(diagnostic)
        codes = communes_of(held, communes)

        def write(draft: Path) -> None:
            for code in codes:
                for suffix in (".html", ".pdf") if pdf else (".html",):
                    write_directory(held, code, draft / f"{file_name('ressources', held, code)}{suffix}", lang=lang)

        _say(out, put(out, write), lang)


@click.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
@click.option("--out", type=click.Path(path_type=Path), default=Path("comparaison"), show_default=True)
@LANG
@DEBUG
def compare(before: Path, after: Path, out: Path, lang: Lang, *, debug: bool) -> None:
    """Compare two diagnostic.gpkg: what has changed from BEFORE to AFTER, by commune and need, and why."""
    from territoire_geo.report import write_report  # noqa: PLC0415 - drawn when written

    with guarded(out, debug=debug):
        later = read_diagnostic(after)
        found = compared(before, later)
        if found is None:
            raise TerritoireGeoError("compare: give two files.")

        def write(draft: Path) -> None:
            draw_map(later, lang=lang, before=found.before).save(draft / "carte.html")
            write_report(later, draft / "rapport.html", lang=lang, comparison=found)
            _write_changes(found, draft / "tableaux", lang)

        files = put(out, write)
        _say_changes(found, lang)
        _say(out, files, lang)


def _write_changes(found: Comparison, folder: Path, lang: Lang) -> None:
    folder.mkdir()
    for name, told in (("evolution", changes_table(found)), ("causes", why_table(found))):
        table = told.replace({"": None})  # no cause is an empty cell
        write_french(table, folder / f"{name}.csv", "," if lang == "fr" else ".")
        write_machine(table, folder / f"{name}-machine.csv")


def _say_changes(found: Comparison, lang: Lang) -> None:
    french = lang == "fr"
    needs = dict.fromkeys(need.id for side in (found.before, found.after) for need in side.needs)
    for need in needs:
        told = sentences_of(found, need)
        text, caution = (told.fr, told.caution_fr) if french else (told.en, told.caution_en)
        echo(" ".join(filter(None, (text, caution))))
    if found.why:
        echo(f"\n{TEXTS[lang]['why']}")
    for fr, en in [*((one.fr, one.en) for one in found.why), *((one.fr, one.en) for one in found.notes)]:
        echo(f"  - {fr if french else en}")
    echo("")


@click.group()
def session() -> None:
    """Work on the sessions of a workshop."""


@session.command("merge")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The .geojson to write.")
@LANG
@DEBUG
def merge(files: tuple[Path, ...], out: Path, lang: Lang, *, debug: bool) -> None:
    """Merge sessions (files, or folders of *.geojson) into one; conflicts are listed, never settled."""
    from territoire_geo.exchange._sessions import read_sessions, write_session  # noqa: PLC0415 - weighs on who merges

    texts = TEXTS[lang]
    with guarded(out.parent, debug=debug):
        found = read_sessions(files)
        write_session(found, out)
        keys = found.conflicts[["kind", "key"]].drop_duplicates()
        counts = {"notes": len(found.notes), "colleges": len(found.weights), "files": len(found.files)}
        echo(texts["merged"].format(**counts, conflicts=len(keys)))
        for row in found.conflicts.to_dict("records"):
            said = row["texte"] if row["kind"] == "note" else dict(row["weights"])
            names = row["files"] if isinstance(row["files"], str) else ", ".join(row["files"])
            echo("  - " + texts["conflict"].format(key=row["key"], version=row["version"], files=names, said=said))
        for row in found.refused.to_dict("records"):
            reason = row["reason" if lang == "fr" else "reason_en"]
            echo("  - " + texts["refused"].format(file=row["file"], where=row["where"], reason=reason))
        echo(texts["written"].format(path=out))


def _say(out: Path, files: list[Path], lang: Lang) -> None:
    for path in files:
        echo(TEXTS[lang]["written"].format(path=out / path))


SHARED: Final = (report, sheet, directory, compare, session)
