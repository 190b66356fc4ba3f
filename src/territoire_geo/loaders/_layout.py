"""What a loader is: how one source is asked for, how its header is recognised, how its text becomes tidy text."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

Tidy = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Raw:
    """
    A table of text as published: codes and counts as they are written, blank or a mark where a figure is missing.

    `label` names it in messages; `sha256` is the hash of the file it comes from, `millesime` the vintage that the
    answer tells when it is not that of the catalogue, `notes` what the reader must know of this answer. `departements`
    are those that a list of places covers, each of them whole; None for all of France. `fetched` is when it was
    received [seconds since 1970].
    """

    label: str
    frame: pd.DataFrame
    sha256: str = ""
    millesime: str = ""
    notes: tuple[Note, ...] = ()
    departements: tuple[str, ...] | None = None
    fetched: float | None = None


@dataclass(frozen=True)
class Layout:
    """
    A layout: how it is recognised, how its text becomes tidy text, and the factor of columns not in tidy units.

    `tidy` gives, by field of `Tables`, columns under their tidy names, still text, every dimension pinned; a table by
    commune may give some of its columns only, others come from other files. `columns` names, of a header, those
    that `tidy` reads (all when None): a wide national file is not read whole. A file as published names its
    `producer` and `title` by its layout, when nothing else does; `notes` are told whenever it is read, `tell` says what
    must be known of this very text (a nomenclature), and `vintage` reads its vintage in it, "" when it cannot tell.
    A published file `yields` some tables to any other file that gives them, instead of being refused beside it.
    """

    id: str
    recognise: Callable[[frozenset[str]], bool]
    tidy: Callable[[pd.DataFrame], Tidy]
    scale: Mapping[str, float] = field(default_factory=dict)
    producer: str = ""
    title: str = ""
    columns: Callable[[frozenset[str]], frozenset[str]] | None = None
    notes: tuple[Note, ...] = ()
    tell: Callable[[pd.DataFrame], tuple[Note, ...]] | None = None
    vintage: Callable[[pd.DataFrame], str] | None = None
    yields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Loader:
    """
    How one source of the catalogue is brought, and how its text is read.

    `around` asks the producer for what a territory needs, core and buffer (and the totals of its EPCI, département,
    région and France when the producer publishes them); `national` for the whole of France, `around` being asked
    nothing more then. Each raises a `SourceError`; neither returns an empty answer.
    """

    source: str
    layout: Layout
    around: Callable[[Door, Entry, Territory], Iterator[Raw]]
    national: Callable[[Door, Entry], Iterator[Raw]]


def pick(raw: pd.DataFrame, codes: "pd.Series[str]", names: Mapping[str, str]) -> pd.DataFrame:
    """
    Take columns of a table by commune under their tidy names.

    Parameters
    ----------
    raw
        A table as published.
    codes
        Commune of each row.
    names
        Tidy name -> published name; those that the table does not have are left out.

    Returns
    -------
    pick
        `code_commune`, then the columns that are there, as text.
    """
    there = {tidy: published for tidy, published in names.items() if published in raw.columns}
    frame = raw[list(there.values())].set_axis(list(there), axis=1)
    frame.insert(0, CODE_COMMUNE, codes)
    return frame


def header_vintage(pattern: str, words: str) -> Callable[[pd.DataFrame], str]:
    """
    Read a vintage in the names of columns.

    Parameters
    ----------
    pattern
        Pattern of a column, whose group is a year of two digits.
    words
        How the vintage is said, {} its year of four digits.

    Returns
    -------
    header_vintage
        Table as published -> its last vintage, "" when no column tells.
    """

    def vintage(raw: pd.DataFrame) -> str:
        found = [match[1] for match in (re.match(pattern, str(column)) for column in raw.columns) if match]
        return words.format(f"20{max(found)}") if found else ""

    return vintage


def column_vintage(column: str, words: str = "{}") -> Callable[[pd.DataFrame], str]:
    """
    Read a vintage in a column.

    Parameters
    ----------
    column
        Its name; the vintage is what its last value begins with, such as 2023 or 2024-T4.
    words
        How the vintage is said.

    Returns
    -------
    column_vintage
        Table as published -> its last vintage, "" when the column is absent or blank.
    """

    def vintage(raw: pd.DataFrame) -> str:
        values = raw[column].astype("str").str.extract(r"^\s*(20\d\d(?:-T\d)?)")[0].dropna() if column in raw else ()
        return words.format(max(values)) if len(values) else ""

    return vintage
