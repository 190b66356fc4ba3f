"""Sessions of a workshop: what stakeholders noted and weighed, merged without loss, and the ranking that follows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import chain
from math import floor, fsum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.priorities import contiguity, prioritise
from territoire_geo.tables import Note

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from territoire_geo.diagnostic import Diagnostic

__all__ = ["NoteVersion", "Refusal", "Sessions", "WeightsVersion", "debated", "gather", "instant", "merge"]

TEXTS: Final = ("code_commune", "nom_commune", "theme", "college", "statut", "texte", "cree", "modifie")
SAID: Final = ("code_commune", "theme", "college", "statut", "texte")  # what makes two versions of a note differ
REFUSED: Final = ("file", "where", "reason", "reason_en")
BILLION: Final = 1e9  # proportions are compared to a billionth, as the page of a map does
GOLDEN: Final = 0.6180339887  # no ratio of small whole numbers falls on the edge of a cell shifted by this
KEPT: Final = "Sensibilité :"  # the one remark of a ranking that weights do not change
MOMENT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)

_Key: TypeAlias = tuple[str, tuple[Any, ...]]  # an id or a college, and what is said under it
_Version = TypeVar("_Version")


@dataclass(frozen=True)
class NoteVersion:
    """
    One version of a note, and the files that hold it.

    The texts are those of `Sessions.notes`; `cree` and `modifie` are None when unknown, as is `point` (longitude and
    latitude, WGS 84).
    """

    id: str
    code_commune: str
    nom_commune: str
    theme: str
    college: str
    statut: str
    texte: str
    cree: str | None = None
    modifie: str | None = None
    point: tuple[float, float] | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class WeightsVersion:
    """One version of the weights of a college, need -> weight, and the files that hold it."""

    college: str
    weights: Mapping[str, float]
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """A part of a file that was left out: `where` is "note 3", "poids" and a college, or empty for a whole file."""

    file: str
    where: str
    reason: str
    reason_en: str


@dataclass(frozen=True)
class Sessions:
    """
    What one or more sessions of a workshop say, together.

    Attributes
    ----------
    notes
        Index `id`, sorted: code_commune, nom_commune, theme (id of a need, or "general"), college (empty for none),
        statut ("a_verifier", "accord", "conteste"), texte, cree and modifie (ISO 8601, NaN unknown or never), geometry
        (WGS 84, None unknown). Notes in conflict are not here.
    weights
        College -> need -> weight, of which only the proportions count, sorted. Those in conflict are not here.
    conflicts
        One row by version of what is said in several ways: kind ("note" or "weights"), key (id or college), version (1
        to n, in the order of what they say, not of when), files (names), the columns of a note (NaN for weights) and
        `weights` (need -> weight, NaN for a note).
    refused
        Parts and whole files that were left out: file, where ("note 3", "poids Élus", empty for the whole file), reason
        (French), reason_en.
    files
        Names of the files read, sorted.
    territories
        Code and name of the territories that the files tell, sorted, each once.
    origins
        ("note", id) or ("weights", college) -> names of the files that say so, for what is not in conflict.
    """

    notes: gpd.GeoDataFrame
    weights: Mapping[str, Mapping[str, float]]
    conflicts: gpd.GeoDataFrame
    refused: pd.DataFrame
    files: tuple[str, ...] = ()
    territories: tuple[tuple[str, str], ...] = ()
    origins: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))


def merge(parts: Iterable[Sessions]) -> Sessions:
    """
    Merge sessions, in any order and any grouping, with the same result; nothing is lost, nothing is settled.

    The same note (id, commune, theme, college, status and text) is one note, with its earliest `cree` and its latest
    `modifie`. The same proportions are the same weights. Whatever else shares an id or a college is a conflict.

    Parameters
    ----------
    parts
        The sessions; none gives an empty one.

    Returns
    -------
    merge
        All of them together.
    """
    held = list(parts)
    return gather(
        chain.from_iterable(map(_notes_of, held)),
        chain.from_iterable(map(_weights_of, held)),
        refused=(Refusal(*row) for part in held for row in part.refused[list(REFUSED)].itertuples(index=False)),
        files=chain.from_iterable(part.files for part in held),
        territories=chain.from_iterable(part.territories for part in held),
    )


def gather(
    notes: Iterable[NoteVersion],
    weights: Iterable[WeightsVersion],
    *,
    refused: Iterable[Refusal] = (),
    files: Iterable[str] = (),
    territories: Iterable[tuple[str, str]] = (),
) -> Sessions:
    """
    Gather versions of notes and weights, in any order, and tell those that agree from those in conflict.

    Parameters
    ----------
    notes
        Versions of notes, of which many may share an id.
    weights
        Versions of weights, of which many may share a college.
    refused
        What was left out.
    files
        Names of the files read.
    territories
        Code and name of their territories.

    Returns
    -------
    gather
        The same for the same versions, whatever their order.
    """
    by_id = _grouped(((one.id, tuple(getattr(one, name) for name in SAID)), one) for one in notes)
    by_college = _grouped(((one.college, _proportions(one.weights)), one) for one in weights)
    said = {id_: [_same_note(one) for one in versions] for id_, versions in by_id.items()}
    weighed = {college: [_same_weights(one) for one in versions] for college, versions in by_college.items()}
    agreed = [versions[0] for versions in said.values() if len(versions) == 1]
    settled = {college: versions[0] for college, versions in weighed.items() if len(versions) == 1}
    left_out = sorted(set(refused), key=lambda one: (one.file, len(one.where), one.where, one.reason))
    origins = {("note", one.id): one.files for one in agreed}
    origins |= {("weights", college): one.files for college, one in settled.items()}
    return Sessions(
        notes=_note_frame(agreed, pd.Index([one.id for one in agreed], dtype="str", name="id")),
        weights=MappingProxyType({college: one.weights for college, one in settled.items()}),
        conflicts=_conflicts(said, weighed),
        refused=pd.DataFrame({name: [getattr(one, name) for one in left_out] for name in REFUSED}, dtype="str"),
        files=tuple(sorted(set(files))),
        territories=tuple(sorted(set(territories))),
        origins=MappingProxyType(origins),
    )


def debated(diagnostic: Diagnostic, sessions: Sessions) -> Diagnostic:
    """
    Rank the communes anew with the weights that the colleges gave in their sessions.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    sessions
        What was read; weights in conflict are left out until someone settles them.

    Returns
    -------
    debated
        The same diagnostic, whose ranking and settings follow the weights of the sessions, each college counting for
        one, as `diagnose(..., weights=...)` would give. What is left out is said in its warnings: needs that it does
        not assess, colleges whose weights are all 0 or in conflict. Its ranking stays when no weight can be used.
    """
    known = [need.id for need in diagnostic.needs]
    kept = {
        college: {need: float(given[need]) for need in known if need in given}
        for college, given in sessions.weights.items()
    }
    kept = {college: given for college, given in kept.items() if sum(given.values()) > 0}
    notes = _left_out(diagnostic, sessions, kept)
    warnings = (*diagnostic.warnings, *notes)
    if not kept:
        return replace(diagnostic, warnings=warnings) if notes else diagnostic
    territory = diagnostic.territory
    neighbours = contiguity(gpd.GeoSeries(territory.communes.geometry)).restricted(territory.core)
    labels = {need.id: (need.label, need.label_en) for need in diagnostic.needs}
    ranking = prioritise(diagnostic.coverage, kept, neighbours, labels=labels)
    same = [note for note in diagnostic.ranking.remarks if note.fr.startswith(KEPT)]
    ranking = replace(ranking, remarks=(*ranking.remarks, *same))
    settings = MappingProxyType({**diagnostic.settings, "weights": kept})
    return replace(diagnostic, ranking=ranking, settings=settings, warnings=warnings)


def instant(text: str) -> int | None:
    """
    Read a moment of a session, as the page of a map does.

    Parameters
    ----------
    text
        ISO 8601 with `Z` or an offset.

    Returns
    -------
    instant
        Nanoseconds since 1970-01-01T00:00Z; None when it is not a moment.

    Examples
    --------
    >>> instant("2026-11-23T22:00:00+01:00") == instant("2026-11-23T21:00Z"), instant("yesterday")
    (True, None)
    """
    found = MOMENT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, ahead, more = (
        int(found[place] or 0) for place in (1, 2, 3, 4, 5, 6, 9, 10)
    )
    fraction = int((found[7] or "").ljust(9, "0"))
    midnight = hour == 24 and not minute + second + fraction  # noqa: PLR2004 - ISO 8601 writes the end of a day so
    on_the_clock = (hour < 24 or midnight) and max(minute, second, more) < 60 and ahead < 24  # noqa: PLR2004 - a clock
    if not (1 <= month <= 12 and 1 <= day <= 31 and on_the_clock):  # noqa: PLR2004 - a calendar
        return None
    # A 30th of February is the 2nd of March, as browsers read it.
    first = int(np.datetime64(f"{year:04d}-{month:02d}", "M").astype("datetime64[D]").astype(np.int64))
    offset = (60 * ahead + more) * (-1 if found[8] == "-" else 1)
    seconds = 86_400 * (first + day - 1) + 3_600 * hour + 60 * (minute - offset) + second
    return 1_000_000_000 * seconds + fraction


def _grouped(keyed: Iterable[tuple[_Key, _Version]]) -> dict[str, list[list[_Version]]]:
    """Group versions by id or college, then by what they say; sorted, whatever the order in which they come."""
    found: dict[_Key, list[_Version]] = {}
    for key, one in keyed:
        found.setdefault(key, []).append(one)
    grouped: dict[str, list[list[_Version]]] = {}
    for name, said in sorted(found):
        grouped.setdefault(name, []).append(found[name, said])
    return grouped


def _same_note(versions: Sequence[NoteVersion]) -> NoteVersion:
    """Make one note of versions that say the same."""
    created = [(when, one.cree) for one in versions if one.cree and (when := instant(one.cree)) is not None]
    modified = [(when, one.modifie) for one in versions if one.modifie and (when := instant(one.modifie)) is not None]
    return replace(
        versions[0],
        nom_commune=min((one.nom_commune for one in versions if one.nom_commune), default=""),
        cree=min(created)[1] if created else None,
        modifie=max(modified)[1] if modified else None,
        point=min((one.point for one in versions if one.point is not None), default=None),
        files=_files_of(versions),
    )


def _same_weights(versions: Sequence[WeightsVersion]) -> WeightsVersion:
    """Keep, of weights of the same proportions, those that name most needs, then the smallest."""

    def order(one: WeightsVersion) -> tuple[int, float, list[tuple[str, float]]]:
        return -len(one.weights), fsum(one.weights.values()), sorted(one.weights.items())

    kept = min(versions, key=order)
    sorted_by_need = MappingProxyType({need: float(weight) for need, weight in sorted(kept.weights.items())})
    return WeightsVersion(kept.college, sorted_by_need, _files_of(versions))


def _files_of(versions: Iterable[NoteVersion] | Iterable[WeightsVersion]) -> tuple[str, ...]:
    return tuple(sorted({name for one in versions for name in one.files}))


def _proportions(weights: Mapping[str, float]) -> tuple[object, ...]:
    """Bring weights to whole billionths of their sum: what is equal to each of two is equal between them."""
    most = max(weights.values(), default=0.0)
    if not most > 0:
        return ()
    total = fsum(weight / most for weight in weights.values())
    shares = {need: weight / most / total for need, weight in weights.items() if weight > 0}
    return tuple(sorted((need, floor(BILLION * share + GOLDEN)) for need, share in shares.items()))


def _note_frame(notes: Sequence[NoteVersion | None], index: pd.Index) -> gpd.GeoDataFrame:
    """Write notes as a table; a row of unknowns for None."""
    columns = {name: pd.Series([getattr(one, name, None) for one in notes], index=index, dtype="str") for name in TEXTS}
    points = [one.point if one is not None else None for one in notes]
    shapes = np.array([None if at is None else shapely.Point(at) for at in points], dtype=object)
    geometry = gpd.GeoSeries(shapes, index=index, crs=4326)
    return gpd.GeoDataFrame(columns, geometry=geometry, index=index, crs=4326)


def _conflicts(
    said: Mapping[str, Sequence[NoteVersion]], weighed: Mapping[str, Sequence[WeightsVersion]]
) -> gpd.GeoDataFrame:
    rows: list[tuple[str, str, int, NoteVersion | WeightsVersion]] = []
    for key, notes in said.items():
        rows += [("note", key, rank, one) for rank, one in enumerate(notes, start=1) if len(notes) > 1]
    for key, weights in weighed.items():
        rows += [("weights", key, rank, one) for rank, one in enumerate(weights, start=1) if len(weights) > 1]
    index = pd.RangeIndex(len(rows))
    table = _note_frame([one if isinstance(one, NoteVersion) else None for *_, one in rows], index)
    table.insert(0, "kind", pd.Series([kind for kind, *_ in rows], index=index, dtype="str"))
    table.insert(1, "key", pd.Series([key for _, key, *_ in rows], index=index, dtype="str"))
    table.insert(2, "version", pd.Series([rank for _, _, rank, _ in rows], index=index, dtype="int64"))
    table.insert(3, "files", pd.Series([one.files for *_, one in rows], index=index, dtype="object"))
    given = [one.weights if isinstance(one, WeightsVersion) else np.nan for *_, one in rows]
    table["weights"] = pd.Series(given, index=index, dtype="object")
    return table


def _notes_of(part: Sessions) -> Iterator[NoteVersion]:
    """Take the versions of the notes of a session, agreed or in conflict."""
    disputed = part.conflicts[part.conflicts["kind"].eq("note")]
    agreed = part.notes
    sides = (
        (agreed, agreed.index, [part.origins.get(("note", str(id_)), part.files) for id_ in agreed.index]),
        (disputed, disputed["key"], disputed["files"]),
    )
    for table, ids, files in sides:
        texts = pd.DataFrame(table)[list(TEXTS)].astype("object")
        rows = texts.where(texts.notna(), None).itertuples(index=False, name=None)
        shapes = table.geometry.to_numpy()
        places = zip(shapely.get_x(shapes).tolist(), shapely.get_y(shapes).tolist(), strict=True)  # NaN where none
        for id_, words, at, names in zip(ids, rows, places, files, strict=True):
            said = dict(zip(TEXTS, words, strict=True))
            yield NoteVersion(str(id_), **said, point=None if np.isnan(at[0]) else at, files=tuple(names))


def _weights_of(part: Sessions) -> Iterator[WeightsVersion]:
    """Take the versions of the weights of a session, agreed or in conflict."""
    for college, given in part.weights.items():
        yield WeightsVersion(college, given, part.origins.get(("weights", college), part.files))
    disputed = part.conflicts[part.conflicts["kind"].eq("weights")]
    for college, given, names in zip(disputed["key"], disputed["weights"], disputed["files"], strict=True):
        yield WeightsVersion(str(college), given, tuple(names))


def _left_out(diagnostic: Diagnostic, sessions: Sessions, kept: Mapping[str, Mapping[str, float]]) -> list[Note]:
    """Say what of the sessions does not count in the ranking."""
    known = {need.id for need in diagnostic.needs}
    stray = sorted({need for given in sessions.weights.values() for need, w in given.items() if w > 0} - known)
    silent = [college for college in sessions.weights if college not in kept]
    disputed = sorted(set(sessions.conflicts.loc[sessions.conflicts["kind"].eq("weights"), "key"]))
    codes = {code for code, _ in sessions.territories if code}
    elsewhere = [
        f"{name} ({code})" for code, name in sessions.territories if code and code != diagnostic.territory.code
    ]
    told = (
        (
            stray,
            "besoins que ce diagnostic n'évalue pas, poids laissés de côté",
            "needs not assessed, weights left out",
        ),
        (silent, "collèges dont aucun poids ne compte", "colleges of which no weight counts"),
        (disputed, "poids en conflit, hors du classement", "weights in conflict, left out of the ranking"),
        (elsewhere if codes and diagnostic.territory.code else [], "venues d'un autre territoire", "from elsewhere"),
    )
    return [
        Note(TerritoireGeoWarning, f"Séances : {fr} : {', '.join(names)}.", f"Sessions: {en}: {', '.join(names)}.")
        for names, fr, en in told
        if names
    ]
