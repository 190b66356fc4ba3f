"""A recipe: the file `diagnostic.toml` that says what to diagnose, and what was used to do it."""

import difflib
import math
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import tomli_w

from territoire_geo.cog import quote
from territoire_geo.errors import SourceUnavailableError, TerritoireGeoError
from territoire_geo.measures import CAR_KMH, DETOUR, Need
from territoire_geo.needs import NEEDS

IDS: Final = tuple(need.id for need in NEEDS)
TABLES: Final = ("csv", "machine", "xlsx", "parquet")
LANGS: Final = ("fr", "en")
BY_NAME: Final = ("live", "demo")  # sources that are not a folder
EVERY: Final = "all"  # every commune of the territory


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Recipe:
    """
    What to diagnose, and how; docs/recipe.md tells each key. Paths are those of the machine, not of the file.

    `territory` is a code, a name or codes of communes; `targets` and `reach` go by id of need; `weights` by need, or by
    college then need; `used` is what an earlier run wrote back, empty when none did.
    """

    territory: str | tuple[str, ...]
    name: str = ""
    buffer_km: float | None = None
    needs: tuple[str, ...] = IDS
    reference: str = "departement"
    sources: str | Path = "live"
    add: tuple[Path, ...] = ()
    lang: str = "fr"
    out: Path | None = None
    reach: Mapping[str, float] = field(default_factory=_nothing)
    targets: Mapping[str, float] = field(default_factory=_nothing)
    weights: Mapping[str, Any] = field(default_factory=_nothing)
    speed: float = CAR_KMH
    detour: float = DETOUR
    minutes: Path | None = None
    title: str = ""
    authors: str = ""
    date: str = ""
    introduction: str = ""
    sessions: tuple[Path, ...] = ()
    before: Path | None = None
    template: Path | None = None
    tables: tuple[str, ...] = ("csv",)
    pdf: bool = False
    sheets: tuple[str, ...] = ()
    used: Mapping[str, Any] = field(default_factory=_nothing)

    def asked(self) -> tuple[Need, ...]:
        """
        Give the needs that are asked for, with their reach.

        Returns
        -------
        asked
            In the order of the recipe.
        """
        book = {need.id: need for need in NEEDS}
        return tuple(book[one].within(self.reach[one]) if one in self.reach else book[one] for one in self.needs)


def _text(value: object, _: Path) -> str:
    if not isinstance(value, str):
        raise TypeError(f'{value!r} is not a text. Put it between quotes: "{value}".')
    return value


def _number(value: object, _: Path, *, least: float = 0.0, strict: bool = True) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < least or (strict and value <= least):  # type: ignore[arg-type, operator] # a number
        raise ValueError(f"{value!r} is not a number {'above' if strict else 'of at least'} {least:g}.")
    return float(value)  # type: ignore[arg-type] # a number, as checked above


def _yes(value: object, _: Path) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false (without quotes).")
    return value


def _texts(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f'{value!r} is not a list. Write ["...", "..."].')
    return tuple(_text(one, folder) for one in value)


def _territory(value: object, folder: Path) -> str | tuple[str, ...]:
    found = _texts(value, folder) if isinstance(value, list) else _text(value, folder)
    if not found or "" in ([found] if isinstance(found, str) else found):
        raise ValueError("is empty. Give the code or the name of a territory, or a list of codes of communes.")
    return found


def _among(value: object, folder: Path, *, allowed: tuple[str, ...]) -> str:
    found = _text(value, folder)
    if found not in allowed:
        raise ValueError(f"{found!r} is not one of {', '.join(allowed)}.{_nearest(found, allowed)}")
    return found


def _several(value: object, folder: Path, *, allowed: tuple[str, ...]) -> tuple[str, ...]:
    found = tuple(_among(one, folder, allowed=allowed) for one in _texts(value, folder))
    twice = [one for one in found if found.count(one) > 1]
    if twice:
        raise ValueError(f"{twice[0]!r} is given twice. Leave one.")
    if not found:
        raise ValueError(f"is empty. Give at least one of {', '.join(allowed)}.")
    return found


def _file(value: object, folder: Path) -> Path:
    path = folder / _text(value, folder)
    if not path.is_file():
        raise ValueError(f"{value!r}: there is no such file ({path}). Paths start from the folder of the recipe.")
    return path


def _files(value: object, folder: Path) -> tuple[Path, ...]:
    return tuple(_file(one, folder) for one in _texts(value, folder))


def _path(value: object, folder: Path) -> Path:
    return folder / _text(value, folder)


def _sources(value: object, folder: Path) -> str | Path:
    found = _text(value, folder)
    if found in BY_NAME:
        return found
    if not (folder / found).is_dir():
        raise ValueError(
            f"{found!r} is neither live, nor demo, nor a folder ({folder / found}).{_nearest(found, BY_NAME)}"
        )
    return folder / found


def _by_need(value: object, folder: Path, *, strict: bool = True) -> dict[str, float]:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r} is not a table of needs. Write `childcare = 20` under its title.")
    for need in value:
        _among(need, folder, allowed=IDS)
    return {need: _number(one, folder, strict=strict) for need, one in value.items()}


def _weights(value: object, folder: Path) -> dict[str, Any]:
    if not isinstance(value, dict) or not any(isinstance(one, dict) for one in value.values()):
        return _by_need(value, folder, strict=False)
    alone = [name for name, one in value.items() if not isinstance(one, dict)]
    if alone:
        raise ValueError(f"{quote(alone)} is a number beside colleges. Give one set, or one by college.")
    return {college: _by_need(one, folder, strict=False) for college, one in value.items()}


Kind = Callable[[Any, Path], object]
KEYS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "": {
        "territory": _territory,
        "name": _text,
        "buffer_km": partial(_number, strict=False),
        "needs": partial(_several, allowed=IDS),
        "reference": _text,
        "sources": _sources,
        "add": _files,
        "lang": partial(_among, allowed=LANGS),
        "out": _path,
        "reach": _by_need,
        "targets": _by_need,
        "weights": _weights,
    },
    "travel": {"speed": _number, "detour": partial(_number, least=1.0, strict=False), "minutes": _file},
    "texts": {"title": _text, "authors": _text, "date": _text, "introduction": _text},
    "report": {"sessions": _files, "before": _file, "template": _file},
    "outputs": {"tables": partial(_several, allowed=TABLES), "pdf": _yes, "sheets": _texts},
}
KEPT: Final = ("territory", "needs", "reference", "sources", "lang")  # written even when it is the default
USED: Final = "used"  # written by a run, not by a person


def read_recipe(path: str | os.PathLike[str]) -> Recipe:
    """
    Read a recipe, checked key by key.

    Parameters
    ----------
    path
        The file, TOML in UTF-8; the paths that it holds start from its folder.

    Returns
    -------
    read_recipe
        What it asks for; defaults for what it does not say.

    Raises
    ------
    SourceUnavailableError
        If the file does not exist.
    TerritoireGeoError
        If it is not TOML, or a key is unknown, of a wrong type, out of bounds, or names a file that does not exist: the
        message gives the file, the key, what is allowed and the nearest key.
    """
    file = Path(path)
    if not file.is_file():
        raise SourceUnavailableError(f"{file}: there is no such recipe. Check the path.")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise TerritoireGeoError(f"{file}: not UTF-8. Save it as UTF-8 text.") from error
    except tomllib.TOMLDecodeError as error:
        raise TerritoireGeoError(f"{file}: not readable as TOML: {error}. Correct that line.") from error
    used = raw.pop(USED, {})
    if not isinstance(used, dict):
        raise TerritoireGeoError(f"{file}: {USED}: it is what a run writes back. Remove it.")
    given: dict[str, Any] = {}
    for name, value in raw.items():
        if name in KEYS[""]:
            given[name] = _checked(file, "", name, value)
        elif name in KEYS and isinstance(value, dict):
            given |= {key: _checked(file, name, key, one) for key, one in value.items()}
        else:
            raise TerritoireGeoError(_unknown(file, "", name))
    if "territory" not in given:
        raise TerritoireGeoError(f'{file}: territory is missing. Add `territory = "200010650"`: a code or a name.')
    recipe = Recipe(**given, used=used)
    try:
        check(recipe)
    except ValueError as error:
        raise TerritoireGeoError(f"{file}: {error}") from error
    return recipe


def _checked(file: Path, part: str, name: str, value: object) -> object:
    if name not in KEYS[part]:
        raise TerritoireGeoError(_unknown(file, part, name))
    try:
        return KEYS[part][name](value, file.parent)
    except (ValueError, TypeError) as error:
        raise TerritoireGeoError(f"{file}: {part}{'.' * bool(part)}{name}: {error}") from error


def _unknown(file: Path, part: str, name: str) -> str:
    known = [*KEYS[part], *(() if part else (one for one in KEYS if one))]
    elsewhere = [one for one, keys in KEYS.items() if name in keys and one != part]
    told = f" It goes under [{elsewhere[0]}]." if elsewhere and elsewhere[0] else _nearest(name, known)
    if elsewhere == [""]:
        told = " It goes at the top of the file, before the first [title]."
    where = f"{part}.{name}" if part else name
    return f"{file}: {where} is not a key.{told} The keys{f' of [{part}]' * bool(part)} are {', '.join(known)}."


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def check(recipe: Recipe) -> None:
    """
    Check what several keys of a recipe say together.

    Parameters
    ----------
    recipe
        Keys that are right one by one.

    Raises
    ------
    ValueError
        If reach, targets or weights name a need that is not asked for, or a target stands beside another reference.
    """
    colleges = [one for one in recipe.weights.values() if isinstance(one, Mapping)] or [recipe.weights]
    for key, names in (
        ("reach", recipe.reach),
        ("targets", recipe.targets),
        ("weights", {need: 1 for one in colleges for need in one}),
    ):
        stray = [need for need in names if need not in recipe.needs]
        if stray:
            raise ValueError(f"{key}: {quote(stray)} is not a need asked for. The needs are {', '.join(recipe.needs)}.")
    if recipe.targets and recipe.reference != "departement":
        raise ValueError(
            f"targets: needs without a target keep the département's, not {recipe.reference!r}. Leave out one."
        )


def write_recipe(
    recipe: Recipe,
    path: str | os.PathLike[str],
    *,
    used: Mapping[str, object] | None = None,
    seen_from: Path | None = None,
) -> Path:
    """
    Write a recipe; the same one gives the same bytes, and `read_recipe` gives it back.

    `out` is not written: the folder is a choice of each run.

    Parameters
    ----------
    recipe
        What is asked for.
    path
        The file, replaced if it exists.
    used
        What a run used (`used_by`), written under [used].
    seen_from
        The folder that relative paths start from; by default that of the file.

    Returns
    -------
    write_recipe
        The path.
    """
    target = Path(path)
    folder = target.parent if seen_from is None else seen_from
    default = Recipe(recipe.territory)
    told: dict[str, Any] = {}
    for part, keys in KEYS.items():
        for key in keys:
            value = getattr(recipe, key)
            kept = part == "" and key in KEPT  # a default may change
            if key != "out" and (kept or part == "travel" or value != getattr(default, key)) and value is not None:
                (told.setdefault(part, {}) if part else told)[key] = _plain(value, folder)
    if used:
        told[USED] = _plain(used, folder)
    target.write_text(tomli_w.dumps(told, multiline_strings=True), encoding="utf-8", newline="\n")
    return target


def _plain(value: object, folder: Path) -> object:
    if isinstance(value, Path):
        return relative(value, folder)
    if isinstance(value, Mapping):
        return {str(key): _plain(one, folder) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_plain(one, folder) for one in value]
    return value


def relative(path: Path, folder: Path) -> str:
    """
    Write a path as seen from a folder, with `/` on every system.

    Parameters
    ----------
    path, folder
        The two.

    Returns
    -------
    relative
        Relative, or absolute when they are on two drives.
    """
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()
