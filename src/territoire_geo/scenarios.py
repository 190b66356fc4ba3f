"""Scenarios: add, close or move a supply point, or change its capacity, and see who gains and who loses."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo import settings
from territoire_geo.cog import quote
from territoire_geo.columns import CODE_COMMUNE, KIND, NEED, SIRET, point_ids
from territoire_geo.comparisons import Comparison, compare
from territoire_geo.diagnostic import carry_out
from territoire_geo.errors import TableError, TerritoireGeoWarning
from territoire_geo.measures import Changes
from territoire_geo.tables import Note
from territoire_geo.travel import SCENARIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.tables import Tables
    from territoire_geo.territory import Territory

__all__ = ["Comparison", "simulate"]

ADDED: Final = (NEED, "name", "lon", "lat", "capacity")
MOVED: Final = (SIRET, KIND, "lon", "lat")
NOTHING_CHANGES: Final = Note(
    TerritoireGeoWarning,
    "Le scénario ne change rien : aucun besoin ne compte ces lieux, ou personne n'est à leur portée.",
    "The scenario changes nothing: no need counts these places, or nobody is within their reach.",
)


def simulate(  # noqa: PLR0913 - the contract of docs/api: a scenario may do the four at once
    diagnostic: Diagnostic,
    territory: Territory,
    tables: Tables,
    *,
    add: pd.DataFrame | None = None,
    close: Iterable[tuple[str, str]] = (),
    move: pd.DataFrame | None = None,
    capacity: pd.Series[float] | None = None,
    travel: Mapping[str, pd.Series[float]] | None = None,
) -> Comparison:
    """
    Add, close or move supply points, or change their capacity, and compare with the diagnostic.

    The norms are those of the diagnostic: a scenario changes what is within reach, never what would be enough.

    Parameters
    ----------
    diagnostic
        The situation before.
    territory, tables
        What it was computed from.
    add
        Supply to add: need, name, lon, lat [degrees], capacity [supply unit of the need: places, jobs, structures, or
        posts when the diagnostic counts posts]. For mobility, the people that a service can carry: those cut off within
        30 minutes by car of it, who then reach enough jobs.
    close
        Structures to close, as (siret, kind).
    move
        Structures to move: siret, kind, lon, lat [degrees].
    capacity
        New capacity by (siret, kind), or by point id such as "facilities/…" or "childcare_places/…" [supply unit].
    travel
        The minutes of the diagnostic, when they came from a table; points inherit those of their commune.

    Returns
    -------
    simulate
        Before, after, and the difference by commune and need; the settings of `after` hold the `scenario`.

    Raises
    ------
    TableError
        If a column is missing, a structure or a point is unknown, a place is outside the loaded area, or a capacity is
        not a number of 0 or more.
    ValueError
        If the scenario is empty, a need was not assessed, or the minutes of a table are not given again.

    Examples
    --------
    >>> import warnings
    >>> import territoire_geo as tg
    >>> territory, tables = tg.load_demo()
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
    ...     before = tg.diagnose(territory, tables)
    >>> site = {"need": "childcare", "name": "Micro-crèche", "lon": 5.39, "lat": 47.02, "capacity": 12}
    >>> outcome = simulate(before, territory, tables, add=pd.DataFrame([site]))
    >>> bool(outcome.summary().loc["childcare", "gain"] > 0)
    True
    """
    closed, asked = list(close), _settings(diagnostic, travel)
    if add is None and move is None and capacity is None and not closed:
        raise ValueError("simulate: the scenario is empty. Give add, close, move or capacity.")
    changed, changes = tables, Changes()
    if closed:
        changed = _closed(changed, closed)
    if move is not None:
        changed = _moved(changed, move, territory)
    if add is not None:
        changed, changes = _added(changed, add, territory, [need.id for need in diagnostic.needs])
    if capacity is not None:
        changes = replace(changes, capacity=_capacities(changed, capacity, diagnostic))
    after = carry_out(asked, territory, changed, changes=replace(changes, posts=_by_posts(diagnostic)))
    said = {**after.settings, "scenario": _played(add, closed, move, changes.capacity)}
    outcome = compare(diagnostic, replace(after, settings=MappingProxyType(said)))
    moved = outcome.changes[["people", "units"]].abs().sum().sum() + outcome.conservation.abs().sum().sum()
    return outcome if moved > 0 else replace(outcome, notes=(NOTHING_CHANGES,))


def _played(
    add: pd.DataFrame | None,
    closed: list[tuple[str, str]],
    move: pd.DataFrame | None,
    amounts: Mapping[str, pd.Series[float]],
) -> dict[str, object]:
    """Write the scenario down, JSON-ready: a comparison tells by it what was changed."""
    numbers = {"lon": "float64", "lat": "float64"}
    said: dict[str, object] = {}
    if add is not None:
        kinds = {**numbers, "capacity": "float64", "name": "str"}
        said["added"] = _columns(add, ADDED, "add").loc[:, list(ADDED)].astype(kinds).to_dict(orient="records")
    if closed:
        said["closed"] = [list(map(str, pair)) for pair in closed]
    if move is not None:
        said["moved"] = _columns(move, MOVED, "move").loc[:, list(MOVED)].astype(numbers).to_dict(orient="records")
    by_need = {need: given.astype("float64").to_dict() for need, given in amounts.items() if len(given)}
    return said | ({"capacity": by_need} if by_need else {})


def _settings(diagnostic: Diagnostic, travel: Mapping[str, pd.Series[float]] | None) -> settings.Settings:
    """Ask for the same again, with the norms that were found."""
    said = diagnostic.settings
    by_table = {mode for mode, how in said["travel"].items() if how == "table"}  # type: ignore[attr-defined]
    given = dict(travel or {})
    if by_table != set(given):
        named = ", ".join(sorted(by_table)) or "none"
        raise ValueError(f"travel: the diagnostic used tables of minutes for: {named}. Give the same to simulate.")
    known = diagnostic.targets[diagnostic.targets["value"] > 0]
    norms = {
        str(need): (float(row["value"]), str(row["label"]), str(row["label_en"])) for need, row in known.iterrows()
    }
    return settings.Settings(
        diagnostic.needs, given, said["speed_kmh"], said["detour"], said["asked"], said["weights"], norms  # type: ignore[arg-type]
    )  # fmt: skip


def _structures(tables: Tables, asked: pd.MultiIndex, what: str) -> pd.DataFrame:
    structures = tables.structures
    if structures is None:
        raise TableError(f"{what}: no list of structures is loaded.")
    unknown = asked[~asked.isin(structures.index)]
    if len(unknown):
        raise TableError(f"{what}: {quote(unknown)} is no structure of the list. Give its siret and kind.")
    return structures


def _pairs(keys: Iterable[tuple[str, str]], what: str) -> pd.MultiIndex:
    pairs = [tuple(key) if isinstance(key, (tuple, list)) else (key,) for key in keys]
    wrong = [pair for pair in pairs if len(pair) != 2]  # noqa: PLR2004 - siret and kind
    if wrong:
        raise TableError(f"{what}: {quote(wrong)} is not (siret, kind), such as ('33965933600012', 'AI').")
    found = pd.MultiIndex.from_tuples([tuple(map(str, pair)) for pair in pairs], names=[SIRET, KIND])
    if found.has_duplicates:
        raise TableError(f"{what}: {quote(found[found.duplicated()])} stands twice. Keep one.")
    return found


def _closed(tables: Tables, close: list[tuple[str, str]]) -> Tables:
    pairs = _pairs(close, "close")
    return replace(tables, structures=_structures(tables, pairs, "close").drop(pairs))


def _moved(tables: Tables, move: pd.DataFrame, territory: Territory) -> Tables:
    asked = _columns(move, MOVED, "move")
    pairs = _pairs(zip(asked[SIRET], asked[KIND], strict=True), "move")
    structures = _structures(tables, pairs, "move").copy()
    points = asked.set_axis(pairs)[["lon", "lat"]]
    _inside(points, territory, "move")
    structures.loc[pairs, ["lon", "lat"]] = points.astype("float64")
    if CODE_COMMUNE in structures.columns:
        structures.loc[pairs, CODE_COMMUNE] = np.nan  # that of the place it left
    return replace(tables, structures=structures)


def _added(tables: Tables, add: pd.DataFrame, territory: Territory, needs: list[str]) -> tuple[Tables, Changes]:
    asked = _columns(add, ADDED, "add").reset_index(drop=True)
    unknown = [need for need in asked[NEED] if need not in needs]
    if unknown:
        raise ValueError(f"add.need: {quote(unknown)} was not assessed. The needs are {', '.join(needs)}.")
    amounts = _amounts(asked["capacity"], "add.capacity")
    _inside(asked, territory, "add")
    ids = pd.Index([f"{SCENARIO}-{rank + 1}" for rank in asked.index], name="id")
    new = pd.DataFrame(
        {"type": SCENARIO, "name": asked["name"].astype("str").to_numpy()}
        | {column: asked[column].astype("float64").to_numpy() for column in ("lon", "lat")},
        index=ids,
    )
    known = tables.places
    places = new if known is None else pd.concat([known.drop(index=ids, errors="ignore"), new])
    added = asked[[NEED]].assign(capacity=amounts).set_index(point_ids("places", ids))
    return replace(tables, places=places), Changes(added=added)


def _by_posts(diagnostic: Diagnostic) -> bool:
    """Tell whether the diagnostic counts posts: closing the only structure without them must not change the unit."""
    return any(need.gap_unit == "postes" for need in diagnostic.needs)


def _capacities(tables: Tables, capacity: pd.Series[float], diagnostic: Diagnostic) -> dict[str, pd.Series[float]]:
    """Give each need the capacities in its unit: posts are those of insertion, a structure is for every need."""
    amounts = _points(tables, capacity)
    posts = [need.id for need in diagnostic.needs if need.gap_unit == "postes"]
    structures = amounts[amounts.index.str.startswith("structures/")]
    others = amounts.drop(structures.index)
    return {
        need.id: others if posts and need.id not in posts else pd.concat([structures, others])
        for need in diagnostic.needs
    }


def _points(tables: Tables, capacity: pd.Series[float]) -> pd.Series[float]:
    """Check the capacities, and index them by point id."""
    amounts = _amounts(capacity, "capacity")
    if capacity.empty or capacity.index.has_duplicates:
        twice = quote(capacity.index[capacity.index.duplicated()])
        raise TableError(
            f"capacity: {twice + ' stands twice' if twice else 'no point is named'}. Give each point once."
        )
    if isinstance(capacity.index, pd.MultiIndex):
        pairs = _pairs(capacity.index, "capacity")
        _structures(tables, pairs, "capacity")
        return amounts.set_axis(point_ids("structures", pairs))
    points = [
        point_ids(field, frame.index)
        for field in ("structures", "facilities", "childcare_places")
        if (frame := getattr(tables, field)) is not None
    ]
    known = points[0].append(points[1:]) if points else pd.Index([], dtype="str")
    stray = capacity.index.difference(known)
    if len(stray):
        message = (
            f"capacity: {quote(stray)} is no supply point. Index it by (siret, kind), or by ids such as "
            f"{quote(known[:1]) or 'facilities/…'}."
        )
        raise TableError(message)
    return amounts


def _columns(frame: pd.DataFrame, needed: tuple[str, ...], what: str) -> pd.DataFrame:
    flat = frame.reset_index() if set(needed) & set(frame.index.names) else frame
    missing = [column for column in needed if column not in flat.columns]
    if missing:
        raise TableError(f"{what}: column {quote(missing)} is missing. Give {', '.join(needed)}.")
    if flat.empty:
        raise TableError(f"{what}: the table is empty. Give at least one row, or leave {what} out.")
    return flat


def _amounts(values: pd.Series[float], where: str) -> pd.Series[float]:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    wrong = values[~(np.isfinite(numbers) & (numbers >= 0))]
    if len(wrong):
        raise TableError(f"{where}: {quote(wrong)} (row {quote(wrong.index)}) is not a number of 0 or more.")
    return numbers


def _inside(points: pd.DataFrame, territory: Territory, what: str) -> None:
    """Refuse a place that no loaded commune contains: what it serves cannot be told."""
    numbers = points[["lon", "lat"]].apply(pd.to_numeric, errors="coerce").astype("float64")
    geometry = gpd.GeoSeries.from_xy(numbers["lon"], numbers["lat"], index=points.index, crs=4326)
    lost = points.index[(territory.locate(geometry).isna() | numbers.isna().any(axis=1)).to_numpy()]
    if len(lost):
        message = (
            f"{what}: row {quote(lost)} lies outside {territory.name} and its buffer. Check lon and lat [degrees]; a "
            "place further away serves nobody here."
        )
        raise TableError(message)
