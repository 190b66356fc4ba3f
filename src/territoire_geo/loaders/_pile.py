"""What several files say of one table, put together: who takes the place of whom, and what is told about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import combinations

import pandas as pd

from territoire_geo.cog import among, quote
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import TableError, TerritoireGeoWarning
from territoire_geo.tables import Note, Source


class Rank(IntEnum):
    """Whose word counts most: a file the user adds, then a tidy file of the folder, then a published one."""

    PUBLISHED = 0
    TIDY = 1
    ADDED = 2


@dataclass(frozen=True)
class Piece:
    """What one file says of one table, on current communes, with its states of absence."""

    frame: pd.DataFrame
    states: "pd.Series[str]"
    source: Source
    rank: Rank


@dataclass
class Pile:
    """
    What the files of a folder give, field by field, before it is cut to the territory.

    `split` and `partial` name the communes that the change of COG left so.
    """

    pieces: dict[str, list[Piece]] = field(default_factory=dict)
    split: dict[str, tuple[str, ...]] = field(default_factory=dict)
    partial: dict[str, tuple[str, ...]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


@dataclass(frozen=True)
class Whole:
    """One table, from every file that is kept."""

    frame: pd.DataFrame
    states: "pd.Series[str]"
    sources: tuple[Source, ...]
    notes: tuple[Note, ...]


def assemble(name: str, pieces: Sequence[Piece]) -> Whole:
    """
    Put together what several files say of one table.

    A table by commune comes whole from the files that count most: figures of two origins are not mixed. In the other
    tables a row that counts more takes the place of the row with its key. Either is told in a note.

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
        If two files that count as much give the same rows.
    """
    _refuse_twice(name, pieces)
    ordered = sorted(pieces, key=lambda piece: -piece.rank)
    first = ordered[0]
    frames, states, sources, notes = [first.frame], [first.states], [first.source], []
    for piece in ordered[1:]:
        if piece.rank < first.rank and CONTRACTS[name].by_commune:
            notes.append(_replaced(name, first, piece, "whole"))
            continue
        taken = among(piece.frame.index, pd.concat(frames).index)
        if taken.any():
            notes.append(_replaced(name, first, piece, str(taken.sum())))
        frames.append(piece.frame[~taken])
        states.append(piece.states)
        sources.append(piece.source)
    # An empty frame says nothing of the types of its columns.
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    said = [part for part in states if len(part)] or states[:1]
    return Whole(pd.concat(filled), pd.concat(said), tuple(sources), tuple(notes))


def _refuse_twice(name: str, pieces: Sequence[Piece]) -> None:
    for piece, other in combinations(pieces, 2):
        both = piece.frame.index.intersection(other.frame.index)
        if piece.rank == other.rank and len(both):
            message = f"{name}: {other.source.id} and {piece.source.id} both give {quote(both)}."
            raise TableError(f"{message} Keep one file, or distinct rows.")


def _replaced(name: str, over: Piece, under: Piece, rows: str) -> Note:
    if rows == "whole":
        fr = f"{name} : {over.source.title} remplace {under.source.title} en entier."
        return Note(TerritoireGeoWarning, fr, f"{name}: {over.source.id} takes the place of {under.source.id}.")
    fr = f"{name} : {over.source.title} remplace {rows} lignes de {under.source.title}."
    en = f"{name}: {over.source.id} takes the place of {rows} rows of {under.source.id}."
    return Note(TerritoireGeoWarning, fr, en)
