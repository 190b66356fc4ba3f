"""Opendatasoft portals (Cnaf, Dares, Urssaf): exports asked in ODSQL, and what must come back before it is kept."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote as percent

import pandas as pd

from territoire_geo.cog import quote
from territoire_geo.errors import SourceFormatError, SuppressedValueWarning
from territoire_geo.loaders._cache import by_hand
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Ask, Door, fetch
from territoire_geo.loaders._files import whole_file
from territoire_geo.loaders._layout import Layout, Raw
from territoire_geo.loaders._read import read_texts
from territoire_geo.tables import Note

LONGEST: Final = 4000  # characters of a URL, that servers and what stands before them let through


@dataclass(frozen=True)
class Query:
    """
    What is asked of a data set, clause by clause, in ODSQL.

    `needed` are the columns that must come back, `wished` those that are read when they do. `field` takes one of
    `codes`, which are shared out over as many requests as the length of a URL asks for, `batch` of them at most in each
    (0: no limit); it must come back too.
    """

    needed: frozenset[str]
    wished: frozenset[str] = frozenset()
    select: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    field: str = ""
    codes: tuple[str, ...] = ()
    batch: int = 0


def literal(text: str) -> str:
    r"""
    Write a text in ODSQL: between double quotes, its own quotes and backslashes escaped.

    Parameters
    ----------
    text
        Any text.

    Returns
    -------
    literal
        The literal.

    Examples
    --------
    >>> print(literal('rue "haute"'))
    "rue \"haute\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def equals(field: str, text: str) -> str:
    """
    Write that a field is a text, in ODSQL.

    Parameters
    ----------
    field
        Name of the field.
    text
        What it must be.

    Returns
    -------
    equals
        The condition.

    Examples
    --------
    >>> equals("sexe", "Total")
    'sexe="Total"'
    """
    return f"{field}={literal(text)}"


def asks(source: Entry, query: Query) -> Iterator[tuple[Ask, tuple[str, ...]]]:
    """
    Write the requests that a query takes.

    An export has no limit of rows as long as no offset is set. Without any clause it is the file of the source itself.

    Parameters
    ----------
    source
        The source; its path says the format of the export.
    query
        What is asked.

    Yields
    ------
    tuple[Ask, tuple[str, ...]]
        Each request, and the codes that it asks for; its URL is shorter than 4,000 characters.
    """
    for codes in _shared(source, query, tuple(sorted(set(query.codes)))):
        yield Ask(params=_params(query, codes)), codes


def placed(door: Door, source: Entry, layout: Layout) -> Iterator[Raw] | None:
    """
    Read the whole file when it was placed by hand, whatever part of it would be asked for.

    Parameters
    ----------
    door
        The network, or its cache.
    source
        The source.
    layout
        What the file looks like.

    Returns
    -------
    placed
        Its table; None when no file was placed.

    Raises
    ------
    SourceFormatError
        If the file is not that of the source.
    """
    return whole_file(door, source, layout) if by_hand(door.cache, source.id) else None


def export(door: Door, source: Entry, query: Query) -> Raw:
    """
    Ask for an export, in one request or several, and put the answers together.

    Parameters
    ----------
    door
        The network, or its cache.
    source
        The source.
    query
        What is asked.

    Returns
    -------
    export
        The columns that are needed or wished, as text; a note names the codes for which the portal has no row.

    Raises
    ------
    SourceUnavailableError
        If the portal cannot be asked.
    SourceFormatError
        If an answer is not the CSV that was asked: a column is missing, there is no row, or codes were not asked for.
        It is not kept.
    """
    frames, answers = [], []
    requests = list(asks(source, query))
    for ask, codes in requests:
        read: list[pd.DataFrame] = []
        # Nothing for one group of départements may be true; nothing for all that was asked is not.
        check = partial(_read_into, read, source=source, query=query, codes=codes, may_be_empty=len(requests) > 1)
        answers.append(fetch(door, source, ask, check=check))
        if not read:  # it was in the cache
            check(answers[-1].path)
        frames.append(read[-1])
    frame = pd.concat(frames, ignore_index=True)
    if frame.empty:
        raise SourceFormatError(_no_row(source, query.codes))
    hashes = [answer.sha256 for answer in answers]
    told = hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
    oldest = min(answer.fetched for answer in answers)
    return Raw(source.id, frame, told, notes=_silent(source, query, frame), fetched=oldest)


def _params(query: Query, codes: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    where = [*query.where, *([_among(query.field, codes)] if codes else [])]
    clauses = {"select": ",".join(query.select), "where": " and ".join(where), "group_by": ",".join(query.group_by)}
    return tuple((name, clause) for name, clause in clauses.items() if clause)


def _among(field: str, codes: Iterable[str]) -> str:
    return f"{field} in ({','.join(literal(code) for code in codes)})"


def _shared(source: Entry, query: Query, codes: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Share codes out over requests whose URL is short enough, halving those that are not."""
    if query.batch and len(codes) > query.batch:
        for start in range(0, len(codes), query.batch):
            yield from _shared(source, query, codes[start : start + query.batch])
        return
    written = sum(len(percent(name + clause, safe="")) + len("&=") for name, clause in _params(query, codes))
    if len(source.url) + written < LONGEST or len(codes) <= 1:
        yield codes
        return
    middle = len(codes) // 2
    yield from _shared(source, query, codes[:middle])
    yield from _shared(source, query, codes[middle:])


def _no_row(source: Entry, codes: tuple[str, ...]) -> str:
    asked = f" for {quote(codes)}" if codes else ""
    where = f"{source.title} ({source.id})"
    return f"{where}: no row{asked}, vintage {source.period or source.millesime}. See {source.landing_page}."


def _read_into(  # noqa: PLR0913 - what is read into, from what, and what it must be
    found: list[pd.DataFrame],
    path: Path,
    *,
    source: Entry,
    query: Query,
    codes: tuple[str, ...],
    may_be_empty: bool,
) -> None:
    """Read an answer, and refuse it if it is not what was asked; it is then read once, not kept and read again."""
    wanted = query.needed | ({query.field} if query.field else frozenset())
    where = f"{source.title} ({source.id})"
    _, frame = next(read_texts(path, lambda header: header & (wanted | query.wished)))
    missing = sorted(wanted - set(frame.columns))
    if missing:
        message = (
            f"{where}: the export has no column {quote(missing)}: the portal has changed its fields. Compare them with "
            f"{source.landing_page}; new names are a change of this loader."
        )
        raise SourceFormatError(message)
    if frame.empty and not may_be_empty:
        raise SourceFormatError(_no_row(source, codes))
    if codes:
        foreign = sorted(set(_padded(frame[query.field])) - set(_padded(pd.Series(codes))))
        if foreign:
            message = f"{where}: the export answers for {quote(foreign)}, which was not asked: its filter is ignored."
            raise SourceFormatError(f"{message} See {source.landing_page}.")
    found.append(frame)


def _padded(codes: "pd.Series[str]") -> "pd.Series[str]":
    return codes.astype("str").str.strip().str.zfill(2)  # a département or région that lost its zero


def _silent(source: Entry, query: Query, frame: pd.DataFrame) -> tuple[Note, ...]:
    """Tell the codes that were asked for and have no row: unknown, not zero."""
    silent = sorted(set(_padded(pd.Series(query.codes))) - set(_padded(frame[query.field]))) if query.codes else []
    if not silent:
        return ()
    fr = f"{source.title} : rien n'est publié pour {quote(silent)}, c'est inconnu et non nul."
    en = f"{source.id}: nothing is published for {quote(silent)}: unknown, not zero."
    return (Note(SuppressedValueWarning, fr, en),)
