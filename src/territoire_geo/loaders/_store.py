"""The national store: what each source says of all France, a folder by table, so that any territory is read offline."""

import json
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from territoire_geo import errors
from territoire_geo.cog import ARRONDISSEMENTS, COG_YEAR
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import SourceFormatError, TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.loaders import _base, _references
from territoire_geo.loaders._catalogue import entry
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._pile import Piece, Pile, Rank, Whole, assemble
from territoire_geo.tables import Note, Source
from territoire_geo.territory import Territory

FOLDER: Final = "france"
VERSION: Final = 2  # of the layout of the files
META: Final = b"territoire_geo"
STATE: Final = "absence:"  # prefix of the columns that say why a figure is missing
ROWS: Final = 2000  # by group: a territory reads a few groups of the file, not all
MARGIN: Final = 0.05  # degrees, around the points of a territory
DAY: Final = 86_400.0


@dataclass(frozen=True)
class _Meta:
    """What a file says of itself."""

    sources: tuple[Source, ...]
    notes: tuple[Note, ...]
    split: tuple[str, ...]
    partial: tuple[str, ...]
    departements: tuple[str, ...] | None


def stored(door: Door) -> dict[str, dict[str, Path]]:
    """
    List the files of the national store.

    Parameters
    ----------
    door
        Whose cache holds the store.

    Returns
    -------
    stored
        Field of `Tables` -> id of source -> its file; empty when nothing was brought.
    """
    out = {}
    for name in CONTRACTS:
        files = (door.cache / FOLDER / name).glob("[!.]*.parquet")
        found = {path.stem: path for path in sorted(files)}
        if found:
            out[name] = found
    return out


def write_source(door: Door, source: str, pile: Pile) -> list[Path]:
    """
    Write what a source says of all France, a file by table, each in one move: a reader finds the old or the new one.

    The totals by EPCI, département, région and France that the producer does not publish are summed once, here.

    Parameters
    ----------
    door
        Whose cache holds the store.
    source
        Id of the source.
    pile
        What it gave, on current communes.

    Returns
    -------
    write_source
        The files.

    Raises
    ------
    TerritoireGeoError
        If the folder cannot be written.
    TableError
        If it gives the same figures twice.
    """
    wholes = {name: assemble(name, pieces) for name, pieces in pile.pieces.items()}
    out = []
    for name, whole in _with_totals(wholes).items():
        path = door.cache / FOLDER / name / f"{source}.parquet"
        draft = path.with_name(f".{uuid.uuid4().hex}.parquet")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _clean(path.parent)
            pq.write_table(
                _packed(name, whole, pile), draft, compression="zstd", row_group_size=ROWS, write_page_checksum=True
            )
            draft.replace(path)
        except OSError as error:
            message = (
                f"{path.parent}: cannot be written ({error.strerror}). Set TERRITOIRE_GEO_CACHE to another folder."
            )
            raise TerritoireGeoError(message) from error
        finally:
            draft.unlink(missing_ok=True)
        out.append(path)
    return out


def remove(door: Door, name: str, source: str) -> None:
    """
    Take a table of a source out of the store: another source stands in its place.

    Parameters
    ----------
    door
        Whose cache holds the store.
    name
        Field of `Tables`.
    source
        Id of the source.
    """
    (door.cache / FOLDER / name / f"{source}.parquet").unlink(missing_ok=True)


def _clean(folder: Path) -> None:
    """Remove what a process that was killed left, long after."""
    for draft in folder.glob(".*.parquet"):
        if draft.stat().st_mtime < time.time() - DAY:
            draft.unlink(missing_ok=True)


def _with_totals(wholes: Mapping[str, Whole]) -> dict[str, Whole]:
    frames = {name: whole.frame for name, whole in wholes.items() if name != "references"}
    listed = wholes["structures"].departements if "structures" in wholes else None
    drawn = _references.totals(frames, _base.communes(), listed=listed)
    given = wholes.get("references")
    if drawn.empty:
        return dict(wholes)
    if given is not None:
        return {
            **wholes,
            "references": Whole(given.frame.combine_first(drawn), given.states, given.sources, given.notes),
        }
    sources = tuple(dict.fromkeys(source for whole in wholes.values() for source in whole.sources))
    return {**wholes, "references": Whole(drawn, pd.Series(dtype="str"), sources, ())}


def _packed(name: str, whole: Whole, pile: Pile) -> pa.Table:
    contract = CONTRACTS[name]
    frame = whole.frame.copy()
    if contract.located and CODE_COMMUNE in frame.columns:
        codes = frame[CODE_COMMUNE].where(frame[CODE_COMMUNE].ne(""))
        now = codes.map({**_base.former_codes(), **ARRONDISSEMENTS})
        frame[CODE_COMMUNE] = codes.where(now.isna(), now)
    for column, states in _states(whole.states).items():
        frame[STATE + column] = states.reindex(frame.index)
    frame = frame.reset_index()
    if CODE_COMMUNE in frame.columns:
        frame = frame.sort_values(CODE_COMMUNE, kind="stable")
    meta = {
        "version": VERSION,
        "cog_year": COG_YEAR,
        "sources": [asdict(source) for source in whole.sources],
        "notes": [(note.category.__name__, note.fr, note.en) for note in (*pile.notes, *whole.notes)],
        "split": pile.split.get(name, ()),
        "partial": pile.partial.get(name, ()),
        "departements": whole.departements,
    }
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return table.replace_schema_metadata({META: json.dumps(meta, ensure_ascii=False).encode()})


def _states(states: "pd.Series[str]") -> dict[str, "pd.Series[str]"]:
    if states.empty:
        return {}
    columns = states.index.get_level_values(-1)
    out = {}
    for column in columns.unique():
        said = states[columns == column].droplevel(-1)
        several = len(said) and isinstance(said.index[0], tuple)
        out[str(column)] = said.set_axis(pd.MultiIndex.from_tuples(said.index)) if several else said
    return out


def read_store(pile: Pile, territory: Territory, door: Door) -> frozenset[str]:
    """
    Read the rows of a territory from the national store, when there is one.

    A file that cannot be read, or was written for another COG year or by another version, is told and left aside: its
    source is asked again.

    Parameters
    ----------
    pile
        What is known so far; it is filled.
    territory
        Core and buffer.
    door
        Whose cache holds the store.

    Returns
    -------
    read_store
        Ids of the sources that were read.
    """
    read, damaged = set(), set()
    for name, files in stored(door).items():
        for source, path in files.items():
            try:
                meta = _meta(path)
                table = _table(path, _rows(name, territory, pq.read_schema(path).names))
            except SourceFormatError as error:
                pile.notes.append(_left_aside(path, error))
                damaged.add(source)
                continue
            frame, states = _unpacked(name, table.to_pandas(ignore_metadata=True))
            piece = Piece(frame, states, meta.sources, Rank.PUBLISHED, meta.departements)
            pile.pieces.setdefault(name, []).append(piece)
            pile.split[name] = (*pile.split.get(name, ()), *meta.split)
            pile.partial[name] = (*pile.partial.get(name, ()), *meta.partial)
            pile.notes += [note for note in meta.notes if note not in pile.notes]
            read.add(source)
    for name, found in list(pile.pieces.items()):  # a source comes whole or not at all
        pile.pieces[name] = [piece for piece in found if not {source.id for source in piece.sources} & damaged]
    if "references" in pile.pieces:
        pile.pieces["references"] = _totals_once(pile.pieces["references"])
    for name in [name for name, found in pile.pieces.items() if not found]:
        del pile.pieces[name]
    return frozenset(read - damaged)


def _totals_once(found: list[Piece]) -> list[Piece]:
    """Keep of a stand-in the totals that no other source gives."""
    first = [piece for piece in found if not any(entry(source.id).fallback_of for source in piece.sources)]
    given = {column for piece in first for column in piece.frame.columns} - {"nom"}
    rest = [
        replace(piece, frame=piece.frame.drop(columns=given, errors="ignore")) for piece in found if piece not in first
    ]
    return [*first, *rest]


def _left_aside(path: Path, error: SourceFormatError) -> Note:
    fr = f"Table nationale illisible, laissée de côté : {path}. « territoire-geo sources fetch {path.stem} » la refait."
    return Note(TerritoireGeoWarning, fr, str(error))


def _table(path: Path, rows: pc.Expression | None) -> pa.Table:
    try:
        return pq.read_table(path, filters=rows, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceFormatError(_damaged(path)) from error


def _meta(path: Path) -> _Meta:
    try:
        meta: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {})[META])
        if (meta["version"], meta["cog_year"]) != (VERSION, COG_YEAR):
            message = (
                f"{path}: written by another version, or for the communes of another year. Bring it again with "
                f"`territoire-geo sources fetch {path.stem}`, or remove this file."
            )
            raise SourceFormatError(message)
        listed = meta["departements"]
        return _Meta(
            sources=tuple(Source(**source) for source in meta["sources"]),
            notes=tuple(Note(_category(name), fr, en) for name, fr, en in meta["notes"]),
            split=tuple(meta["split"]),
            partial=tuple(meta["partial"]),
            departements=None if listed is None else tuple(listed),
        )
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, SourceFormatError):
            raise
        raise SourceFormatError(_damaged(path)) from error


def _category(name: str) -> type[TerritoireGeoWarning]:
    found = getattr(errors, name, TerritoireGeoWarning)
    return found if isinstance(found, type) and issubclass(found, TerritoireGeoWarning) else TerritoireGeoWarning


def _damaged(path: Path) -> str:
    return f"{path}: not a readable table of the store. Bring it again with `territoire-geo sources fetch {path.stem}`."


def _rows(name: str, territory: Territory, columns: Iterable[str]) -> pc.Expression | None:
    """Choose the rows of a territory; those without any place are kept: their post code may tell it."""
    contract = CONTRACTS[name]
    codes = pa.array(territory.communes.index.astype("str"))
    if name == "flows":
        return pc.field("code_residence").isin(codes) | pc.field("code_travail").isin(codes)
    if contract.by_commune:
        return pc.field(CODE_COMMUNE).isin(codes)
    if not contract.located:
        return None
    there = set(columns)
    kept = pc.field(CODE_COMMUNE).isin(codes) if CODE_COMMUNE in there else pc.scalar(value=False)
    uncoded = pc.field(CODE_COMMUNE).is_null() if CODE_COMMUNE in there else pc.scalar(value=True)
    if "lon" in there:
        west, south, east, north = territory.communes.to_crs(4326).total_bounds
        lon, lat = pc.field("lon"), pc.field("lat")
        inside = (lon >= west - MARGIN) & (lon <= east + MARGIN) & (lat >= south - MARGIN) & (lat <= north + MARGIN)
        uncoded = uncoded & (inside | lon.is_null(nan_is_null=True))
    return kept | uncoded


def _unpacked(name: str, frame: pd.DataFrame) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    frame = frame.set_index(list(CONTRACTS[name].key))
    said = [column for column in frame.columns if column.startswith(STATE)]
    parts = [pd.Series(index=pd.MultiIndex.from_arrays([[], []]), dtype="str")]
    for column in said:
        states = frame[column].dropna()
        if len(states):
            parts.append(states.set_axis(pd.MultiIndex.from_product([states.index, [column.removeprefix(STATE)]])))
    return frame.drop(columns=said), pd.concat([part for part in parts if len(part)] or parts)
