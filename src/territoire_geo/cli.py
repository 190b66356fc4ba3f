"""The command: territoire-geo demo | diagnose | sources | report | sheet | directory | compare | session."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import click

from territoire_geo.cli_run import DEBUG, FILE, LANG, Request, guarded, run
from territoire_geo.cli_share import SHARED
from territoire_geo.cli_sources import sources
from territoire_geo.measures import CAR_KMH, DETOUR
from territoire_geo.needs import NEEDS
from territoire_geo.recipes import BY_NAME, TABLES, Recipe, check, read_recipe

DEMO: Final = "200010650"
IDS: Final = tuple(need.id for need in NEEDS)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("territoire-geo"), prog_name="territoire-geo")
def main() -> None:
    """Draw the shared diagnostic of a French territory, offline."""


for command in (sources, *SHARED):
    main.add_command(command)


@main.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("diagnostic-dole"), show_default=True)
@LANG
@DEBUG
def demo(out: Path, lang: Literal["fr", "en"], *, debug: bool) -> None:
    """Diagnose Grand Dole (Jura), the demonstration territory, from the embedded figures."""
    with guarded(out, debug=debug):
        run(Request(Recipe(DEMO, sources="demo", lang=lang), out))


@main.command("diagnose")
@click.argument("code", metavar="CODE|RECIPE.toml")
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write to.  [default: diagnostic-CODE]")
@click.option("--sources", help="live (the producers), demo, or a folder of files.  [default: live]")
@click.option("--offline", is_flag=True, help="Open no socket: only what is on this machine.")
@click.option("--frozen", is_flag=True, help="Stop if a source is not the one that the recipe was last used with.")
@click.option("--add", multiple=True, type=FILE, help="A file of your own, in its tidy contract; repeatable.")
@click.option("--needs", help=f"Comma-separated, among {', '.join(IDS)}.")
@click.option("--reference", help="departement, region, france, territoire or a code.  [default: departement]")
@click.option("--reach", multiple=True, metavar="NEED=MIN", help="Reach of a need in minutes; repeatable.")
@click.option("--speed", type=click.FloatRange(min=1), help=f"By car, km/h.  [default: {CAR_KMH:g}]")
@click.option("--detour", type=click.FloatRange(min=1), help=f"Road over straight line.  [default: {DETOUR:g}]")
@click.option("--minutes", type=FILE, help="CSV of minutes between communes: origin, destination, minutes.")
@click.option("--session", "sessions", multiple=True, type=FILE, help="A session of the workshop; repeatable.")
@click.option("--before", type=FILE, help="An earlier diagnostic.gpkg, to tell what has changed.")
@click.option("--tables", help=f"Comma-separated formats, among {', '.join(TABLES)}.  [default: csv]")
@click.option("--title", help="Of the map and the report.")
@click.option("--authors", help="Who signs them.")
@click.option("--date", help="Printed as it is.")
@click.option("--pdf", is_flag=True, default=None, help="Print the report as a PDF too (extra `browser`).")
@click.option("--lang", type=click.Choice(["fr", "en"]), help="Language.  [default: fr]")
@DEBUG
def diagnose_command(
    code: str, out: Path | None, *, offline: bool, frozen: bool, debug: bool, **given: Any,  # noqa: ANN401 - click types the options
) -> None:  # fmt: skip
    """
    Diagnose CODE: an EPCI, a commune or several (39198,39526), a département (D39), a region (R27), or a name.

    With a recipe (a file in .toml, see docs/recipe.md), an option takes the place of what the recipe says.
    """
    path = Path(code)
    folder = [] if out is None else [out]
    with guarded(*folder, debug=debug):
        from_file = path.suffix.lower() == ".toml"
        recipe = read_recipe(path) if from_file else Recipe(_territory(code))
        recipe = _overridden(recipe, {key: value for key, value in given.items() if value not in (None, ())})
    name = recipe.territory if isinstance(recipe.territory, str) else "-".join(recipe.territory)
    target = out or recipe.out or Path("diagnostic-" + re.sub(r"[^\w-]+", "-", name).strip("-"))
    with guarded(target, debug=debug):
        run(Request(recipe, target, offline=offline, frozen=frozen))


def _territory(code: str) -> str | tuple[str, ...]:
    codes = tuple(one.strip() for one in code.split(",") if one.strip())
    return codes if len(codes) > 1 else code


def _overridden(recipe: Recipe, given: Mapping[str, Any]) -> Recipe:
    """Give a recipe the options of the command line, checked together."""
    changes = dict(given)
    if "needs" in given:
        needs = changes["needs"] = _listed(given["needs"], IDS, "--needs", "a need. The needs are")
        for key in ("reach", "targets"):  # what the recipe says of a need that is left out does not matter
            changes[key] = {need: value for need, value in getattr(recipe, key).items() if need in needs}
        changes["weights"] = _kept(recipe.weights, needs)
    if "reach" in given:
        base = replace(
            recipe, **{key: value for key, value in changes.items() if key in {"needs", "weights", "targets"}}
        )
        old = {need: value for need, value in recipe.reach.items() if need in base.needs}
        changes["reach"] = old | _reached(base.needs, given["reach"])
    if "tables" in given:
        changes["tables"] = _listed(given["tables"], TABLES, "--tables", "a format. The formats are")
    if "sources" in given and given["sources"] not in BY_NAME:
        changes["sources"] = Path(given["sources"])
    if "reference" in given:
        changes["targets"] = {}
    changed = replace(recipe, **changes)
    check(changed)
    return changed


def _kept(weights: Mapping[str, Any], needs: Sequence[str]) -> dict[str, Any]:
    return {
        name: _kept(value, needs) if isinstance(value, Mapping) else value
        for name, value in weights.items()
        if isinstance(value, Mapping) or name in needs
    }


def _listed(text: str, known: Sequence[str], hint: str, what: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        message = f"{', '.join(unknown) or 'nothing'} is not {what} {', '.join(known)}."
        raise click.BadParameter(message, param_hint=hint)
    return tuple(dict.fromkeys(names))


def _reached(needs: Sequence[str], reach: Sequence[str]) -> dict[str, float]:
    book = {need.id: need for need in NEEDS if need.id in needs}
    out = {}
    for text in reach:
        name, _, minutes = text.partition("=")
        try:
            out[name] = book[name].within(float(minutes.replace(",", "."))).reach
        except (KeyError, ValueError) as error:
            message = f"{text!r} is not NEED=MINUTES with one of {', '.join(book)} and a positive number."
            raise click.BadParameter(message, param_hint="--reach") from error
    return out
