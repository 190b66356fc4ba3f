"""Whole tables to those of a territory: its rows, and what is missing there."""

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from territoire_geo.cog import among, quote
from territoire_geo.columns import CODE_DEPARTEMENT
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import IncompleteBufferWarning, TableError, TerritoireGeoWarning
from territoire_geo.loaders import _base
from territoire_geo.loaders._pile import Pile, Whole
from territoire_geo.loaders._places import cut_to
from territoire_geo.loaders._territory import load_territory
from territoire_geo.tables import Note, Source, Tables
from territoire_geo.territory import Territory


def cut(wholes: Mapping[str, Whole], territory: Territory, pile: Pile, sources: str | Path) -> Tables:
    """
    Cut whole tables to a territory.

    Parameters
    ----------
    wholes
        Field of `Tables` -> its table, of any extent.
    territory
        Core and buffer.
    pile
        Notes of what was read, and what the change of COG left.
    sources
        Where the tables come from, for messages.

    Returns
    -------
    cut
        The bundle, with its notes.

    Raises
    ------
    TableError
        If no table has a row for the core.
    """
    frames: dict[str, pd.DataFrame] = {}
    extents: dict[str, pd.Index] = {}
    for name, whole in wholes.items():
        frames[name], unplaced = cut_to(name, whole.frame, territory)
        pile.notes += [*whole.notes, *_cog_notes(name, pile, territory.communes.index)]
        if len(unplaced):
            fr = f"{name} : {len(unplaced)} lignes sans lieu connu, écartées ({quote(unplaced)})."
            en = f"{name}: {len(unplaced)} rows without a known place, left out ({quote(unplaced)})."
            pile.notes.append(Note(TerritoireGeoWarning, fr, en))
        extents |= _extent(name, whole, territory, pile)
        if CONTRACTS[name].located and frames[name].empty and len(whole.frame):
            fr = f"{name} : aucune ligne dans le territoire ni son voisinage."
            en = f"{name}: no row is in the territory or its buffer."
            pile.notes.append(Note(TerritoireGeoWarning, fr, en))
    _check_overlap(frames, territory, sources)
    return Tables(
        **{name: frame.drop(columns=CODE_DEPARTEMENT, errors="ignore") for name, frame in frames.items()},
        absences=MappingProxyType({name: whole.states for name, whole in wholes.items() if len(whole.states)}),
        sources=MappingProxyType({"territory": (_base.GEOGRAPHY,)} | {n: whole.sources for n, whole in wholes.items()}),
        extents=MappingProxyType(extents),
        notes=tuple(pile.notes),
        cog_year=territory.cog_year,
    )


def _extent(name: str, whole: Whole, territory: Territory, pile: Pile) -> dict[str, pd.Index]:
    """Find the communes that a list covers when it does not cover them all, and tell the others."""
    if not CONTRACTS[name].located:
        return {}
    parts = [_within(name, whole.sources, territory, pile), _listed(name, whole, territory, pile)]
    told = [part for part in parts if part is not None]
    return {name: reduce(pd.Index.intersection, told)} if told else {}


def _listed(name: str, whole: Whole, territory: Territory, pile: Pile) -> pd.Index | None:
    """Find the communes whose département is in a list; None when all are."""
    areas = territory.communes[CODE_DEPARTEMENT]
    outside = ~areas.isin(whole.departements or ())
    if whole.departements is None or not outside.any():
        return None
    count, where = int(outside.sum()), quote(sorted(areas[outside].dropna().unique()))
    fr = f"{name} : la liste ne couvre pas le département {where} ; {count} communes y sont inconnues."
    en = f"{name}: the list does not cover département {where}; {count} communes there are unknown."
    pile.notes.append(Note(IncompleteBufferWarning, fr, en))
    return areas.index[~outside]


def _within(name: str, sources: Sequence[Source], territory: Territory, pile: Pile) -> pd.Index | None:
    """Find the communes within the distance where a list stops; None when it does not say."""
    bounded = [source for source in sources if source.within_km is not None]
    if not bounded:
        return None
    covered = pd.Series(data=False, index=territory.communes.index)
    for source in bounded:
        here = source.around == territory.code
        middle = territory.communes.loc[territory.core] if here else load_territory(source.around, buffer_km=0).communes
        if middle.crs == territory.crs:
            covered |= territory.points.distance(middle.geometry.union_all()) <= 1000 * float(source.within_km or 0.0)
    outside = int((~covered).sum())
    if outside:
        where = f"{bounded[0].within_km:g} km"
        fr = f"{name} : la liste s'arrête à {where} de son territoire ; au-delà, {outside} communes sont inconnues."
        en = f"{name}: the list stops {where} from its own territory; beyond, {outside} communes are unknown."
        pile.notes.append(Note(IncompleteBufferWarning, fr, en))
    return covered.index[covered]


def _cog_notes(name: str, pile: Pile, communes: pd.Index) -> list[Note]:
    """Tell what the change of COG left unknown or partial, in the territory."""
    notes = []
    split = [code for code in pile.split.get(name, ()) if code in communes]
    if split:
        fr = f"{name} : {quote(split)} contient encore des communes rétablies depuis, dont le chiffre est inconnu."
        en = f"{name}: {quote(split)} still contains communes re-established since, whose figure is unknown."
        notes.append(Note(TerritoireGeoWarning, fr, en))
    partial = [code for code in pile.partial.get(name, ()) if code in communes]
    if partial:
        fr = f"{name} : {quote(partial)} ne compte que certains de ses arrondissements."
        en = f"{name}: {quote(partial)} counts some of its arrondissements only."
        notes.append(Note(TerritoireGeoWarning, fr, en))
    return notes


def _check_overlap(frames: Mapping[str, pd.DataFrame], territory: Territory, sources: str | Path) -> None:
    core = territory.core
    measured = [name for name in frames if CONTRACTS[name].by_commune and name != "population"]
    if measured and not any(among(core, frames[name].index).any() for name in measured):
        message = (
            f"{sources}: {', '.join(measured)} have no row for {territory.name} ({quote(core)}). "
            "Pass a folder whose files cover this territory."
        )
        raise TableError(message)
