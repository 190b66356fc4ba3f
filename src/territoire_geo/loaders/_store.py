"""The national store: every table of France, one Parquet file each, so that any territory is read without a network."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from territoire_geo.cog import ARRONDISSEMENTS, COG_YEAR
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import SourceFormatError, TerritoireGeoError
from territoire_geo.loaders import _base
from territoire_geo.loaders._fetch import Door
from territoire_geo.loaders._pile import Piece, Pile, Rank, Whole
from territoire_geo.tables import Source
from territoire_geo.territory import Territory

FOLDER: Final = "france"
VERSION: Final = 1  # of the layout of the files
META: Final = b"territoire_geo"
STATE: Final = "absence:"  # prefix of the columns that say why a figure is missing
ROWS: Final = 2000  # by group: a territory reads a few groups of the file, not all
MARGIN: Final = 0.05  # degrees, around the points of a territory


def store_folder(door: Door) -> Path:
    """
    Say where the national store is.

    Parameters
    ----------
    door
        Whose cache holds it.

    Returns
    -------
    store_folder
        The folder; it may not exist.
    """
    return door.cache / FOLDER


def write_store(door: Door, wholes: dict[str, Whole], pile: Pile) -> list[Path]:
    """
    Write national tables, each in one move: a reader finds the old file or the new one.

    Parameters
    ----------
    door
        Whose cache holds the store.
    wholes
        Field of `Tables` -> table of all of France, on current communes.
    pile
        What the change of COG left split or partial.

    Returns
    -------
    write_store
        The files.

    Raises
    ------
    TerritoireGeoError
        If the folder cannot be written.
    """
    folder = store_folder(door)
    out = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, whole in wholes.items():
            path = folder / f"{name}.parquet"
            handle, draft = tempfile.mkstemp(dir=folder, prefix=f".{name}-", suffix=".parquet")
            os.close(handle)
            try:
                pq.write_table(_packed(name, whole, pile), draft, compression="zstd", row_group_size=ROWS)
                Path(draft).replace(path)
            finally:
                Path(draft).unlink(missing_ok=True)
            out.append(path)
    except OSError as error:
        message = f"{folder}: cannot be written ({error.strerror}). Set TERRITOIRE_GEO_CACHE to another folder."
        raise TerritoireGeoError(message) from error
    return out


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
        "split": list(pile.split.get(name, ())),
        "partial": list(pile.partial.get(name, ())),
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


def read_store(pile: Pile, territory: Territory, door: Door) -> None:
    """
    Read the rows of a territory from the national store, when there is one.

    Parameters
    ----------
    pile
        What is known so far; it is filled.
    territory
        Core and buffer.
    door
        Whose cache holds the store.

    Raises
    ------
    SourceFormatError
        If a file is damaged, or was written for another COG year or by another version.
    """
    for name, path in stored(door).items():
        meta = _meta(path)
        table = _read(path, _rows(name, territory, pq.read_schema(path).names))
        frame, states = _unpacked(name, table.to_pandas(ignore_metadata=True))
        pile.pieces.setdefault(name, []).append(Piece(frame, states, _sources(meta), Rank.PUBLISHED))
        pile.split[name] = tuple(meta["split"])
        pile.partial[name] = tuple(meta["partial"])


def stored(door: Door) -> dict[str, Path]:
    """
    List the files of the national store.

    Parameters
    ----------
    door
        Whose cache holds the store.

    Returns
    -------
    stored
        Field of `Tables` -> its file; empty when nothing was brought.
    """
    paths = {name: store_folder(door) / f"{name}.parquet" for name in CONTRACTS}
    return {name: path for name, path in paths.items() if path.is_file()}


def whole(door: Door, name: str) -> Whole | None:
    """
    Read a whole table of the store.

    Parameters
    ----------
    door
        Whose cache holds the store.
    name
        Field of `Tables`.

    Returns
    -------
    whole
        The table, None when the store does not have it.

    Raises
    ------
    SourceFormatError
        If the file is damaged, or was written for another COG year or by another version.
    """
    path = stored(door).get(name)
    if path is None:
        return None
    frame, states = _unpacked(name, _read(path, None).to_pandas(ignore_metadata=True))
    return Whole(frame, states, _sources(_meta(path)), ())


def _read(path: Path, rows: pc.Expression | None) -> pa.Table:
    try:
        return pq.read_table(path, filters=rows)
    except (pa.ArrowException, OSError) as error:
        raise SourceFormatError(_damaged(path)) from error


def _sources(meta: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(Source(**source) for source in meta["sources"])


def _meta(path: Path) -> dict[str, Any]:
    try:
        meta = json.loads((pq.read_schema(path).metadata or {}).get(META, b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceFormatError(_damaged(path)) from error
    if (meta.get("version"), meta.get("cog_year")) != (VERSION, COG_YEAR):
        message = (
            f"{path}: written by another version, or for the communes of another year. Bring the national files "
            "again with `territoire-geo sources fetch --france`, or remove this file."
        )
        raise SourceFormatError(message)
    return dict(meta)


def _damaged(path: Path) -> str:
    return f"{path}: not a readable table of the store. Remove it, and run `territoire-geo sources fetch --france`."


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
