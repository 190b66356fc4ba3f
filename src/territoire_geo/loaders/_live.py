"""Live: what a territory needs, asked of each producer; one that fails is told, and the others are loaded."""

import logging
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import (
    SourceError,
    SourceUnavailableError,
    StaleSourceWarning,
    TableError,
    TerritoireGeoWarning,
)
from territoire_geo.loaders import _store
from territoire_geo.loaders._catalogue import SOURCES, Entry, entry
from territoire_geo.loaders._fetch import Door, cached
from territoire_geo.loaders._layout import Loader, Raw
from territoire_geo.loaders._layouts import LOADERS
from territoire_geo.loaders._pace import AWAY, CallError
from territoire_geo.loaders._pile import Piece, Pile, Rank
from territoire_geo.loaders._refine import pieces
from territoire_geo.needs import NEEDS
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

LOG: Final = logging.getLogger("territoire_geo")
SHOWN: Final = 3  # failures that one message tells
DOWN: Final = 3  # services that the network does not lead to, one after the other
Failures = dict[str, SourceError | TableError]
Asking = Callable[[Loader, Entry], Iterator[Raw]]


def read_live(pile: Pile, territory: Territory, door: Door) -> None:
    """
    Read into a pile what a territory needs: from the national store of this machine, else from the producers.

    A source that stands in for another is asked only when a table still lacks what its contract asks for.

    Parameters
    ----------
    pile
        What is known so far; it is filled.
    territory
        Core and buffer.
    door
        The network, or its cache.

    Raises
    ------
    SourceUnavailableError
        If nothing could be read: the message names the first sources, and how to place their files by hand.
    """
    stored = _store.read_store(pile, territory, door)

    def around(loader: Loader, line: Door, source: Entry) -> Iterator[Raw]:
        return loader.around(line, source, territory)

    failures = gather(pile, LOADERS, through(door, around), stored=stored)
    for source, error in failures.items():
        tell_failure(pile, entry(source), error)
    if not pile.pieces:
        raise SourceUnavailableError(all_failed(failures))


def through(door: Door, asking: Callable[[Loader, Door, Entry], Iterator[Raw]]) -> Asking:
    """
    Ask through a door that does not wait again for what the network does not lead to.

    A service that cannot be reached is asked nothing more; after several of them, nobody is: what is in the cache
    serves.

    Parameters
    ----------
    door
        The network, or its cache.
    asking
        How a loader is asked through a door.

    Returns
    -------
    through
        How a loader is asked; its answers are dated.
    """
    away: list[str] = []

    def ask(loader: Loader, source: Entry) -> Iterator[Raw]:
        silent = source.service.id in away or len(away) >= DOWN
        line = replace(door, offline=True) if silent else door
        try:
            yield from dated(line, source, asking(loader, line, source))
        except SourceUnavailableError as error:
            if _is_away(error) and source.service.id not in away:
                away.append(source.service.id)
            raise
        if not silent:
            away.clear()

    return ask


def _is_away(error: SourceUnavailableError) -> bool:
    cause = error.__cause__
    return isinstance(cause, CallError) and cause.reason.startswith(AWAY)


def dated(door: Door, source: Entry, answers: Iterator[Raw]) -> Iterator[Raw]:
    """
    Date the answers of a living list: its vintage is the day when it was received.

    Parameters
    ----------
    door
        Whose cache holds the answers.
    source
        The source.
    answers
        What a loader gives.

    Yields
    ------
    Raw
        The same, dated.
    """
    for raw in answers:
        if raw.fetched is not None or "{date}" not in source.millesime:
            yield raw
        else:
            answer = cached(door, source)
            yield replace(raw, fetched=answer.fetched if answer else None)


def gather(pile: Pile, loaders: Iterable[Loader], ask: Asking, *, stored: frozenset[str] = frozenset()) -> Failures:
    """
    Ask every source that is not in a pile yet; a source comes whole or not at all.

    A source that stands in for others is asked for the tables that lack a column, or whose source failed: it gives the
    whole table, since figures of two vintages are not mixed.

    Parameters
    ----------
    pile
        What is known so far; it is filled.
    loaders
        The sources, those that stand in for others last.
    ask
        How a loader is asked.
    stored
        Ids of the sources that are in the pile.

    Returns
    -------
    gather
        The sources that failed, and why.
    """
    failures: Failures = {}
    # What a stored source stands in for is not asked again: its tables are whole.
    taken = {table for table in pile.pieces if _stands_in(table, pile)}
    for loader in loaders:
        source = entry(loader.source)
        wanted = frozenset(source.tables) - taken
        if source.fallback_of:
            wanted = frozenset(table for table in wanted if lacking(table, pile, failures))
        if source.id in stored or not wanted or (taken and wanted == {"references"} != {*source.tables}):
            continue
        try:
            draft = bring(loader, ask)
        except (SourceError, TableError) as error:
            LOG.warning("  ! %s", str(error).removeprefix(f"{source.title} ({source.id}): "))
            failures[source.id] = error
            continue
        _add(pile, draft, wanted, whole=bool(source.fallback_of))
    return failures


def lacking(table: str, pile: Pile, failures: Collection[str]) -> bool:
    """
    Tell whether a table lacks a column that its contract asks for, or a source that failed.

    Parameters
    ----------
    table
        Field of `Tables`.
    pile
        What is known so far.
    failures
        Ids of the sources that failed.

    Returns
    -------
    lacking
        True when the table is absent.
    """
    return not complete(table, pile) or any(table in entry(name).tables for name in failures)


def complete(table: str, pile: Pile) -> bool:
    """
    Tell whether a pile has every column that the contract of a table asks for.

    Parameters
    ----------
    table
        Field of `Tables`.
    pile
        What is known so far.

    Returns
    -------
    complete
        False when the table is absent.
    """
    contract = CONTRACTS[table]
    there = {column for piece in pile.pieces.get(table, ()) for column in piece.frame.columns}
    return table in pile.pieces and {*contract.numbers, *contract.texts} <= there


def bring(loader: Loader, ask: Asking) -> Pile:
    """
    Ask one source, read all that it gives and check it.

    Parameters
    ----------
    loader
        The loader of the source.
    ask
        How the loader is asked.

    Returns
    -------
    bring
        What it gives of its tables, and nothing else.

    Raises
    ------
    SourceError
        If the producer cannot be asked, or answers something else than expected.
    TableError
        If its figures break the contract of their table.
    """
    source = entry(loader.source)
    LOG.info("%s, %s (%s)", source.producer, source.title, source.id)
    draft = Pile()
    for raw in _told_when_stale(draft, source, ask(loader, source)):
        used = (source.source(sha256=raw.sha256, millesime=raw.millesime, fetched=raw.fetched),)
        for table, (frame, states) in pieces(loader.layout, raw.frame, draft, where=raw.label).items():
            if table in source.tables:
                piece = Piece(frame, states, used, Rank.PUBLISHED, raw.departements)
                draft.pieces.setdefault(table, []).append(piece)
        draft.notes += raw.notes
    return draft


def _add(pile: Pile, draft: Pile, wanted: Collection[str], *, whole: bool) -> None:
    for table in wanted & draft.pieces.keys():
        if whole:
            pile.pieces[table], pile.split[table], pile.partial[table] = [], (), ()
            columns = [*CONTRACTS[table].numbers, *CONTRACTS[table].optional]
            for i, piece in enumerate(pile.pieces.get("references", ())):  # nor is a norm made of two vintages
                pile.pieces["references"][i] = replace(piece, frame=piece.frame.drop(columns=columns, errors="ignore"))
        pile.pieces.setdefault(table, []).extend(draft.pieces[table])
        pile.split[table] = (*pile.split.get(table, ()), *draft.split.get(table, ()))
        pile.partial[table] = (*pile.partial.get(table, ()), *draft.partial.get(table, ()))
    pile.notes += [note for note in draft.notes if note not in pile.notes]


def _told_when_stale(draft: Pile, source: Entry, answers: Iterator[Raw]) -> Iterator[Raw]:
    """Tell once, in the reader's language, that an old copy was used because the producer could not be asked."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", StaleSourceWarning)
        raws = list(answers)
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    if any(issubclass(warning.category, StaleSourceWarning) for warning in caught):
        fr = f"{source.producer} ({source.title}) ne répond pas : la copie déjà reçue est utilisée."
        en = f"{source.producer} ({source.id}) does not answer: the copy received before is used."
        draft.notes.append(Note(StaleSourceWarning, fr, en))
    yield from raws


def losers(source: Entry) -> tuple[tuple[str, str], ...]:
    """
    Name the needs that read a table of a source.

    Parameters
    ----------
    source
        The source.

    Returns
    -------
    losers
        Labels of needs, in French and in English.
    """
    lost = set(source.tables) - {"references"}
    return tuple(
        (need.label, need.label_en)
        for need in NEEDS
        if lost & {variable.partition(".")[0] for variable in (*need.demand.variables, *need.variables)}
    )


def tell_failure(pile: Pile, source: Entry, error: Exception) -> None:
    """
    Tell the reader that a source failed, and which needs lose by it; the error itself goes to a warning.

    Parameters
    ----------
    pile
        Takes the note.
    source
        The source.
    error
        Why it failed.
    """
    lost = [table for table in source.tables if table != "references"]
    helped = [table for table in lost if _stands_in(table, pile) or table == "population"]  # the package has one
    missing = [table for table in lost if table not in helped]
    needs = losers(source) if missing else ()
    why_fr, why_en = ("ne répond pas", "does not answer")
    if not isinstance(error, SourceUnavailableError):
        why_fr, why_en = ("a répondu autre chose que ses chiffres", "answered something else than its figures")
    fr = f"{source.producer} ({source.title}) {why_fr}"
    en = f"{source.producer} ({source.id}) {why_en}"
    if missing:
        part = all(complete(table, pile) for table in missing)
        fr += f" : {'une partie de ' * part}{', '.join(missing)} manque"
        en += f": {'part of ' * part}{', '.join(missing)} is missing"
    elif lost:
        package = lost == ["population"] and not _stands_in("population", pile)
        fr += " ; la population du paquet (RP 2021) la remplace" if package else " ; une autre source le remplace"
        en += "; the population of the package (census of 2021) stands in" if package else "; another source stands in"
    else:
        fr += " : les totaux qu'il publie manquent"
        en += ": the totals that it publishes are missing"
    if needs:
        fr += f" (besoins touchés : {', '.join(label for label, _ in needs)})"
        en += f" (needs that lose by it: {', '.join(label for _, label in needs)})"
    pile.notes.append(Note(TerritoireGeoWarning, f"{fr}.", f"{en}."))
    warnings.warn(str(error), TerritoireGeoWarning, stacklevel=4)


def _stands_in(table: str, pile: Pile) -> bool:
    used = {source.id for piece in pile.pieces.get(table, ()) for source in piece.sources}
    return any(one.fallback_of and one.id in used for one in SOURCES)


def all_failed(failures: Mapping[str, Exception]) -> str:
    """
    Write what to do when every source failed.

    Parameters
    ----------
    failures
        Id of each source, and why it failed.

    Returns
    -------
    all_failed
        A message of a few lines.
    """
    said = [f"- {error}" for error in failures.values()]
    rest = [f"- and {len(said) - SHOWN} more (`territoire-geo sources list` names them all)"] * (len(said) > SHOWN)
    head = "no source could be read. `territoire-geo sources fetch --france` brings the national files once, to be used"
    return "\n".join((f"{head} without a network; each may also be placed by hand:", *said[:SHOWN], *rest))
