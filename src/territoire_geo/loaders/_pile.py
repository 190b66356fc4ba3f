"""What several files say of one table, put together: who takes the place of whom, and what is told about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import reduce

import pandas as pd

from territoire_geo.cog import among, quote
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import TableError, TerritoireGeoWarning
from territoire_geo.tables import Note, Source


class Rank(IntEnum):
    """
    Whose word counts most: a file the user adds, then a tidy file of the folder, then a published one.

    A digest of other published files counts less than they do.
    """

    DIGEST = -1
    PUBLISHED = 0
    TIDY = 1
    ADDED = 2


@dataclass(frozen=True, eq=False)
class Piece:
    """
    What one file says of one table, on current communes, with its states of absence.

    `departements` are those that a list of places covers, each of them whole; None for all of France, or when the list
    does not say.
    """

    frame: pd.DataFrame
    states: "pd.Series[str]"
    sources: tuple[Source, ...]
    rank: Rank
    departements: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """How a message names it."""
        return ", ".join(source.id for source in self.sources)

    @property
    def title(self) -> str:
        """How a note to the reader names it."""
        return " ; ".join(source.title for source in self.sources)


@dataclass
class Pile:
    """
    What the files of a folder give, field by field, before it is cut to the territory.

    `split` and `partial` name the communes that the change of COG left so; `former` adds former codes, of a table of
    passage, to those that the embedded base knows.
    """

    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    split: dict[str, tuple[str, ...]] = field(default_factory=dict)
    partial: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    former: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Whole:
    """One table, from every file that is kept; `departements` as in `Piece`."""

    frame: pd.DataFrame
    states: "pd.Series[str]"
    sources: tuple[Source, ...]
    notes: tuple[Note, ...]
    departements: tuple[str, ...] | None = None


def assemble(name: str, pieces: Sequence[Piece]) -> Whole:
    """
    Put together what several files say of one table.

    A table by commune comes whole from the files that count most: figures of two origins are not mixed in a column,
    but published files may each give some columns. In the other tables a row that counts more takes the place of the
    row with its key. Either is told in a note.

    Parameters
    ----------
    name
        Field of `Tables`.
    pieces
        One per file.

    Returns
    -------
    assemble
        The table, why its figures are missing, its sources, and what was replaced.

    Raises
    ------
    TableError
        If two files that count as much give the same figures.
    """
    pieces = _joined(name, pieces)
    ordered = sorted(pieces, key=lambda piece: -piece.rank)
    first = ordered[0]
    frames, states, sources, notes = [first.frame], [first.states], [*first.sources], []
    for piece in ordered[1:]:
        if piece.rank < first.rank and CONTRACTS[name].by_commune:
            notes.append(_replaced(name, first, piece, "whole"))
            continue
        taken = among(piece.frame.index, pd.concat(frames).index)
        if taken.any():
            notes.append(_replaced(name, first, piece, str(taken.sum())))
        elif CONTRACTS[name].by_commune:
            notes.append(_shared(name, first, piece))
        frames.append(piece.frame[~taken])
        states.append(piece.states)
        sources += piece.sources
    # An empty frame says nothing of the types of its columns.
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    said = [part for part in states if len(part)] or states[:1]
    # A list that somebody completes covers no more départements than the published one.
    published = [piece for piece in pieces if piece.rank is Rank.PUBLISHED] or pieces
    listed = None if any(piece.departements is None for piece in published) else _listed(published)
    return Whole(pd.concat(filled), pd.concat(said), tuple(dict.fromkeys(sources)), tuple(notes), listed)


def _listed(pieces: Sequence[Piece]) -> tuple[str, ...]:
    return tuple(sorted({code for piece in pieces for code in piece.departements or ()}))


def _joined(name: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Join the published files that give other columns of the same rows: one census, several files."""
    out: list[Piece] = []
    for piece in pieces:
        for other in out:
            both = _same_places(name, other, piece) if piece.rank is other.rank is Rank.PUBLISHED else pd.Index([])
            if len(both):
                message = f"{name}: {other.name} and {piece.name} both count {quote(both)}. Keep one file."
                raise TableError(message)
        met = [other for other in out if other.rank == piece.rank and _overlap(other, piece)]
        for other in met:
            _refuse_twice(name, other, piece)
        out = [other for other in out if other not in met]
        out.append(reduce(_side_by_side, [*met, piece]))
    return out


def _overlap(left: Piece, right: Piece) -> bool:
    return bool(among(left.frame.index, right.frame.index).any())


def _same_places(name: str, left: Piece, right: Piece) -> pd.Index:
    """Find what two published files both count: facilities of one type in one commune, under other ids."""
    kinds = ["code_equipement", CODE_COMMUNE]
    if name != "facilities" or not all({*kinds} <= {*piece.frame.columns} for piece in (left, right)):
        return pd.Index([])
    keys = [pd.MultiIndex.from_frame(piece.frame[kinds].dropna().drop_duplicates()) for piece in (left, right)]
    return keys[0].intersection(keys[1])


def _refuse_twice(name: str, left: Piece, right: Piece) -> None:
    columns = CONTRACTS[name].by_commune or name == "references"
    same = left.frame.columns.intersection(right.frame.columns).difference(["nom"])
    if not columns or right.rank is not Rank.PUBLISHED or len(same):
        both = left.frame.index.intersection(right.frame.index)
        message = f"{name}: {left.name} and {right.name} both give {quote(both)}. Keep one file, or distinct rows."
        raise TableError(message)


def _side_by_side(left: Piece, right: Piece) -> Piece:
    states = [part for part in (left.states, right.states) if len(part)] or [left.states]
    frame = left.frame.combine_first(right.frame)
    return Piece(frame, pd.concat(states), (*left.sources, *right.sources), left.rank)


def _shared(name: str, first: Piece, piece: Piece) -> Note:
    fr = f"{name} : {first.title} et {piece.title} se partagent les communes ; vérifiez qu'ils sont du même millésime."
    en = f"{name}: {first.name} and {piece.name} share the communes; check that they are of one vintage."
    return Note(TerritoireGeoWarning, fr, en)


def _replaced(name: str, over: Piece, under: Piece, rows: str) -> Note:
    if rows == "whole":
        left = len(under.frame.index.difference(over.frame.index))
        fr = f"{name} : {over.title} remplace {under.title} en entier"
        en = f"{name}: {over.name} takes the place of {under.name}"
        if left:
            fr += f" ; {left} communes que ce dernier donnait n'ont plus de chiffre, donnez-les aussi"
            en += f"; {left} communes that the latter gave have no figure any more, give them too"
        return Note(TerritoireGeoWarning, f"{fr}.", f"{en}.")
    fr = f"{name} : {over.title} remplace {rows} lignes de {under.title}."
    en = f"{name}: {over.name} takes the place of {rows} rows of {under.name}."
    return Note(TerritoireGeoWarning, fr, en)
