"""Read a diagnostic back from the GeoPackage that `write_geopackage` wrote; no other program's file, and no code."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

import pandas as pd
from pyproj.exceptions import CRSError
from shapely.errors import ShapelyError

from territoire_geo.colleges import Agreement
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import SourceFormatError, TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.exchange import _kept, _records, _shown
from territoire_geo.exchange._archive import MOST, Kept, unpack
from territoire_geo.exchange._geopackage import ARCHIVE, FIGURES, fingerprint
from territoire_geo.exchange._layers import FORMAT
from territoire_geo.flows import Containment
from territoire_geo.inventory import Commuting, Inventory
from territoire_geo.moran import Floor
from territoire_geo.priorities import Ranking
from territoire_geo.tables import Note
from territoire_geo.typology import Typology

if TYPE_CHECKING:
    from os import PathLike

AGAIN: Final = "Run the diagnostic again and write it with write_geopackage."
# What a broken or crafted file makes of the types that are expected of it.
UNREADABLE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
Told = Mapping[str, object]


def read_diagnostic(path: str | PathLike[str]) -> Diagnostic:
    """
    Read a diagnostic from the GeoPackage in which it is kept.

    The territory is read from `communes`, the structures from `structures`, measures and coverage from
    `indicateurs_long`; a figure changed there is read as it is, told in the warnings and in
    `settings["edited_layers"]`, and what follows from it (ranking, totals, proposals) is what was computed before.
    The figures that `communes` repeats for the map are not read. Everything else comes from an archive in the file.

    Parameters
    ----------
    path
        A file that `write_geopackage` wrote.

    Returns
    -------
    read_diagnostic
        The diagnostic, as it was. Needs and measures that the library knows can be computed again; others keep words
        and figures, and computing them raises.

    Raises
    ------
    SourceFormatError
        If the file is none of these, is cut short, or was changed in a way that cannot be read.
    """
    source = Path(path)
    if not source.is_file():
        raise SourceFormatError(f"{source}: there is no such file. {AGAIN}")
    try:
        # The path as a URI, so that nothing in it is an option, and nothing is ever written.
        with closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST)
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA query_only = ON")
            return _Reading(database).diagnostic()
    except sqlite3.Error as error:
        message = f"{source}: it is not a GeoPackage, or it is cut short ({error}). Fetch it again, or {_lower(AGAIN)}"
        raise SourceFormatError(message) from error
    except (*UNREADABLE, CRSError, ShapelyError) as error:
        if isinstance(error, TerritoireGeoError):
            raise SourceFormatError(f"{source}: {error}") from error
        said = f"{type(error).__name__}: {str(error)[:200]}"
        raise SourceFormatError(f"{source}: what it holds is not a diagnostic ({said}). {AGAIN}") from error


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


class _Reading:
    """A file that is being read: its archive, and how many bytes may still be taken out of it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database, self.left = database, MOST
        tables = _shown.tables(database)
        if not {"gpkg_contents", "meta", *FIGURES} <= tables:
            raise SourceFormatError(f"no layer « communes », « indicateurs_long » or « meta » there. {AGAIN}")
        self.meta = _meta(database)
        _check_format(self.meta)
        if ARCHIVE not in tables:
            raise SourceFormatError(f"the table {ARCHIVE} was removed from it (a copy of some layers?). {AGAIN}")
        text = self._content("records")
        if not isinstance(text, str):
            raise SourceFormatError(f"{ARCHIVE}: « records » is no text. {AGAIN}")
        self.records = cast("Told", json.loads(text))

    def diagnostic(self) -> Diagnostic:
        """Put the diagnostic together."""
        told = self.records
        edited = self._edited()
        territory = _shown.territory(self.database, cast("Told", told["territory"]), self.meta)
        long = _shown.figures(self.database)
        parts: dict[str, object] = {name: self.frame(name) for name in _kept.WHOLE}
        measures = _shown.measures(long, self.table("measures"), cast("Told", told["measures"]))
        if not territory.core.equals(measures.index.rename(territory.core.name)):
            raise SourceFormatError(f"communes: some were added, removed, or moved in or out of the territory. {AGAIN}")
        structures = _shown.structures(self.database, cast("Told", told["structures"]), territory.crs)
        trips = cast("pd.Series", parts["trips"])
        if "structures" in edited and trips.index.nlevels > 1:  # no trip to a structure that was removed
            ends = cast("pd.MultiIndex", trips.index).droplevel([0])
            parts["trips"] = trips.loc[ends.isin(structures.index)]
        settings = dict(cast("Told", self.meta["settings"]))
        warnings = _records.notes_of(self.meta["warnings"])
        if edited:
            settings["edited_layers"] = sorted({*edited, *cast("list[str]", settings.get("edited_layers", []))})
            warnings = tuple(dict.fromkeys([*warnings, _note(edited)]))
        parts |= {
            "territory": territory,
            "needs": tuple(_records.need_of(one) for one in cast("list[object]", told["needs"])),
            "definitions": MappingProxyType(
                {one.id: one for one in map(_records.measure_of, cast("list[object]", told["definitions"]))}
            ),
            "measures": measures,
            "coverage": _shown.coverage(long, self.table("coverage"), cast("Told", told["coverage"])),
            "structures": structures,
            "inventory": Inventory(*[self.table(f"inventory.{name}") for name in _kept.INVENTORY]),
            "commuting": self._commuting(),
            "ranking": self._ranking(),
            "proposals": [_records.proposal_of(one) for one in cast("list[object]", told["proposals"])],
            "sources": _records.sources_of(self.meta["sources"]),
            "table_sources": MappingProxyType(
                {
                    str(name): _records.sources_of(held)
                    for name, held in cast("list[list[object]]", told["table_sources"])
                }
            ),
            "warnings": warnings,
            "settings": MappingProxyType(settings),
        }
        return Diagnostic(**{one.name: parts[one.name] for one in fields(Diagnostic)})  # type: ignore[arg-type]

    def frame(self, name: str) -> Kept:
        """Take a frame or a series out of the archive."""
        blob = self._content(name)
        if not isinstance(blob, bytes):
            raise SourceFormatError(f"{ARCHIVE}: « {name} » is missing or no frame. {AGAIN}")
        try:
            found = unpack(blob, most=self.left)
        except (ValueError, CRSError) as error:
            raise SourceFormatError(f"{ARCHIVE}: « {name} » is not a frame: {error}. {AGAIN}") from error
        self.left -= int(found.memory_usage(index=True) if isinstance(found, pd.Series) else found.memory_usage().sum())
        self.left = max(self.left, 0)
        return found

    def table(self, name: str) -> pd.DataFrame:
        """Take a frame out of the archive."""
        found = self.frame(name)
        if not isinstance(found, pd.DataFrame):
            raise SourceFormatError(f"{ARCHIVE}: « {name} » is no frame. {AGAIN}")
        return found

    def _content(self, name: str) -> object:
        query = f"SELECT content FROM {ARCHIVE} WHERE name = ?"  # noqa: S608 - a constant
        row = self.database.execute(query, (name,)).fetchone()
        return None if row is None else row[0]

    def _edited(self) -> list[str]:
        edited = []
        for layer in FIGURES:
            held = cast("Mapping[str, Told]", self.records["layers"])[layer]
            names = cast("list[str]", held["columns"])
            _shown.check_columns(self.database, layer, names)
            if fingerprint(self.database, layer, names) != held["sha256"]:
                edited.append(layer)
        return edited

    def _commuting(self) -> Commuting | None:
        told = self.records["commuting"]
        if told is None:
            return None
        held = [self.table(f"commuting.{name}") for name in _kept.COMMUTING]
        return Commuting(_records.record(Containment, told), *held)

    def _ranking(self) -> Ranking:
        told = cast("Told", self.records["ranking"])
        agreement, typology = told["agreement"], told["typology"]
        classes = None
        if typology is not None:
            hints = {"quality": float, "stability": float, "left_out": tuple[str, ...], "complete": int}
            held = {name: self.frame(f"typology.{name}") for name in _kept.TYPOLOGY}
            classes = Typology(**held, **_records.taken(typology, hints))  # type: ignore[arg-type]
        several = agreement is not None
        return Ranking(
            **{name: self.table(f"ranking.{name}") for name in _kept.RANKING[:-1]},
            disagreements=self.table("ranking.disagreements") if several else None,
            agreement=_records.record(Agreement, agreement) if several else None,
            floor=_records.record(Floor, told["floor"]),
            typology=classes,
            remarks=_records.notes_of(told["remarks"]),
        )


def _meta(database: sqlite3.Connection) -> dict[str, object]:
    _shown.check_columns(database, "meta", ["key", "value"])
    return {str(key): json.loads(value) for key, value in database.execute("SELECT key, value FROM meta")}


def _check_format(meta: Told) -> None:
    known = meta.get("format")
    if known is None:
        raise SourceFormatError(f"it was written by a version of territoire-geo that kept no archive. {AGAIN}")
    if type(known) is not int or known < 1:
        raise SourceFormatError(f"meta: format {str(known)[:20]!r} is no number of a format. {AGAIN}")
    if known > FORMAT:
        message = f"it is of format {known}, this version reads {FORMAT} at most. Upgrade territoire-geo."
        raise SourceFormatError(message)


def _note(edited: list[str]) -> Note:
    fr = (
        f"Couches modifiées à la main dans le fichier : {', '.join(edited)}. Leurs chiffres sont lus tels quels ; "
        "classements, totaux et propositions restent ceux du calcul."
    )
    en = (
        f"Layers edited by hand in the file: {', '.join(edited)}. Their figures are read as they are; "
        "rankings, totals and proposals remain those computed before."
    )
    return Note(TerritoireGeoWarning, fr, en)
