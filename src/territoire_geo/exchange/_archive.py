"""
Frames as bytes: what no layer of the file shows, kept exactly (dtypes, indexes, names), and read with care.

Columns are raw arrays behind a header in JSON, compressed: reading them evaluates nothing, and allocates no more than
it was told to, which no reader of Parquet promises of a crafted file.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from territoire_geo.errors import TerritoireGeoError

Kept = pd.DataFrame | pd.Series
NUMBERS: Final = (
    "bool", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
)  # fmt: skip
NULLABLE: Final = {"Float64": "float64", "Int64": "int64", "boolean": "bool"}
MOST: Final = 1 << 30  # bytes of a blob once decompressed: France holds in it
_HEAD: Final = 8  # bytes that tell the length of the header


def pack(kept: Kept) -> bytes:
    """
    Write a frame or a series as bytes.

    Parameters
    ----------
    kept
        Columns and indexes of numbers, booleans, texts, categories and points; of one or several levels.

    Returns
    -------
    pack
        The same bytes for the same frame.

    Raises
    ------
    TerritoireGeoError
        If a column holds something else.
    """
    out = _Writer([])
    told: dict[str, object] = {"index": out.index(kept.index)}
    if isinstance(kept, pd.Series):
        told |= {"name": kept.name, "data": [out.vector(kept)]}
    else:
        data = [out.vector(kept.iloc[:, rank]) for rank in range(kept.shape[1])]
        active = kept.active_geometry_name if isinstance(kept, gpd.GeoDataFrame) else None
        told |= {"columns": out.index(kept.columns), "data": data, "geometry": active}
    header = json.dumps(told, ensure_ascii=False).encode()
    return zlib.compress(b"".join([len(header).to_bytes(_HEAD, "little"), header, *out.buffers]), 6)


def unpack(blob: bytes, *, most: int = MOST) -> Kept:
    """
    Read what `pack` wrote.

    Parameters
    ----------
    blob
        Bytes, of whatever origin.
    most
        Bytes that it may take once decompressed.

    Returns
    -------
    unpack
        The frame, or the series.

    Raises
    ------
    ValueError
        If it is broken or crafted.
    """
    reading = zlib.decompressobj()
    try:
        whole = reading.decompress(blob, most)
    except zlib.error as error:
        raise ValueError(f"broken ({error})") from error
    if not reading.eof:
        raise ValueError(f"cut short, or larger than {most} bytes")
    start = _HEAD + int.from_bytes(whole[:_HEAD], "little")
    try:
        told = json.loads(whole[_HEAD:start])
        return _Reader(memoryview(whole), start, most).kept(told)
    except (KeyError, TypeError, IndexError, OverflowError, AttributeError, RecursionError) as error:
        raise ValueError(f"not in the form expected ({error})") from error


@dataclass(frozen=True)
class _Writer:
    """What follows the header, buffer after buffer."""

    buffers: list[bytes]

    def raw(self, values: object, dtype: str) -> dict[str, object]:
        array = np.asarray(values).astype(np.dtype(dtype).newbyteorder("<"))
        self.buffers.append(array.tobytes())
        return {"kind": "number", "dtype": dtype, "size": len(array)}

    def index(self, index: pd.Index) -> dict[str, object]:
        if isinstance(index, pd.RangeIndex):
            return {"kind": "range", "name": index.name, "bounds": [index.start, index.stop, index.step]}
        if isinstance(index, pd.MultiIndex):
            # The levels as they are: their order is that of many results.
            used = index.remove_unused_levels()
            levels = [self.vector(pd.Series(level)) for level in used.levels]
            return {
                "kind": "multi",
                "names": list(used.names),
                "levels": levels,
                "codes": [self.raw(codes, "int32") for codes in used.codes],
            }
        return {"kind": "flat", "name": index.name, "values": self.vector(pd.Series(index))}

    def vector(self, values: pd.Series) -> dict[str, object]:
        name = str(values.dtype)
        if name in NUMBERS:
            return self.raw(values.to_numpy(), name)
        if name in NULLABLE:
            missing = values.isna()
            zero: pd.Series = pd.Series(0, index=values.index).astype(cast("Any", name))
            held = values.where(~missing, zero).to_numpy(dtype=NULLABLE[name])
            of = [self.raw(held, NULLABLE[name]), self.raw(missing, "bool")]
            return {"kind": "nullable", "dtype": name, "of": of}
        if isinstance(values.dtype, pd.CategoricalDtype):
            of = [self.raw(values.cat.codes, "int32"), self.vector(pd.Series(values.cat.categories))]
            return {"kind": "category", "ordered": bool(values.dtype.ordered), "of": of}
        if name == "geometry":
            return self._points(gpd.GeoSeries(values))
        return self._texts(values)

    def _texts(self, values: pd.Series) -> dict[str, object]:
        if values.dtype != "str" and not all(isinstance(value, str) for value in values.dropna()):
            return self._mixed(values)
        codes, uniques = pd.factorize(values)
        dtype = "object" if values.dtype == object else "str"
        none = dtype == "object" and any(value is None for value in values)
        return {"kind": "text", "dtype": dtype, "none": none, "of": [self.raw(codes, "int32")], "texts": list(uniques)}

    def _mixed(self, values: pd.Series) -> dict[str, object]:
        plain = [value.item() if isinstance(value, np.generic) else value for value in values]
        if values.dtype != object or not all(value is None or isinstance(value, str | int | float) for value in plain):
            message = (
                f"{values.name}: a column of {values.dtype} has no form in the file. Give it as numbers or as text."
            )
            raise TerritoireGeoError(message)
        return {"kind": "mixed", "values": plain}

    def _points(self, values: gpd.GeoSeries) -> dict[str, object]:
        held = values.to_numpy()
        if not (shapely.is_missing(held) | (shapely.get_type_id(held) == 0)).all():
            raise TerritoireGeoError(f"{values.name}: only points are kept there. Give the centre of each shape.")
        of = [self.raw(shapely.is_missing(held), "bool")]
        of += [self.raw(found, "float64") for found in (shapely.get_x(held), shapely.get_y(held))]
        return {"kind": "points", "crs": crs_text(values.crs), "of": of}


def crs_text(crs: CRS | None) -> str:
    """
    Write a coordinate reference system down: its EPSG code, or its definition.

    Parameters
    ----------
    crs
        A system, or None.

    Returns
    -------
    crs_text
        "" for none.
    """
    if crs is None:
        return ""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code is not None and CRS.from_epsg(code) == crs else crs.to_wkt()


def crs_of(text: object) -> CRS | None:
    """
    Read what `crs_text` wrote.

    Parameters
    ----------
    text
        An EPSG code, a definition, or "".

    Returns
    -------
    crs_of
        The system, None for "".

    Raises
    ------
    ValueError
        If it is none of these; `pyproj.exceptions.CRSError` if it is no known system.
    """
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is no coordinate reference system")
    if not text:
        return None
    number = text.removeprefix("EPSG:")
    return CRS.from_epsg(int(number)) if number != text else CRS.from_wkt(text)


@dataclass
class _Reader:
    """What is left to read; every length is checked against what is there."""

    whole: memoryview
    at: int
    most: int

    def kept(self, told: Mapping[str, object]) -> Kept:
        index = self.index(told["index"])
        if "columns" not in told:
            values = self.vector(cast("list[object]", told["data"])[0])
            _same(len(values), len(index))
            named: pd.Series = values.set_axis(index).rename(cast("Any", told["name"]))
            return named
        # The order in which they were written.
        columns_told, data = told["columns"], cast("list[object]", told["data"])
        vectors = []
        for rank, one in enumerate(data):
            vectors.append(self.vector(one))
            _same(len(vectors[rank]), len(index))
        at_columns = self.index(columns_told)
        _same(len(at_columns), len(data))
        frame = pd.DataFrame({rank: values.set_axis(index) for rank, values in enumerate(vectors)}, index=index)
        frame = frame.set_axis(at_columns, axis=1)
        active = told["geometry"]
        return frame if active is None else gpd.GeoDataFrame(frame, geometry=cast("str", active))

    def raw(self, told: object) -> np.ndarray:
        spec = cast("Mapping[str, object]", told)
        dtype, size = spec["dtype"], spec["size"]
        if spec["kind"] != "number" or dtype not in NUMBERS or not isinstance(size, int) or size < 0:
            raise ValueError(f"{dtype!r} × {size!r} is no array")
        kind = np.dtype(str(dtype)).newbyteorder("<")
        end = self.at + size * kind.itemsize
        if end > len(self.whole):
            raise ValueError("an array is longer than what is there")
        found = np.frombuffer(self.whole[self.at : end], dtype=kind).astype(np.dtype(str(dtype)))
        self.at = end
        return found

    def index(self, told: object) -> pd.Index:
        spec = cast("Mapping[str, object]", told)
        if spec["kind"] == "range":
            start, stop, step = (int(bound) for bound in cast("list[int]", spec["bounds"]))
            return pd.RangeIndex(start, stop, step, name=cast("str", spec["name"]))
        if spec["kind"] == "flat":
            flat: pd.Index = pd.Index(self.vector(spec["values"]), name=cast("str", spec["name"]))
            return flat
        levels = [pd.Index(self.vector(level)) for level in cast("list[object]", spec["levels"])]
        codes: Any = [self.raw(code) for code in cast("list[object]", spec["codes"])]
        found: pd.Index = pd.MultiIndex(levels=levels, codes=codes, names=cast("list[str]", spec["names"]))
        return found

    def vector(self, told: object) -> pd.Series:
        spec = cast("Mapping[str, object]", told)
        kind = spec["kind"]
        if kind == "number":
            return pd.Series(self.raw(spec))
        if kind == "mixed":
            values = cast("list[object]", spec["values"])
            if not all(value is None or isinstance(value, str | int | float) for value in values):
                raise ValueError("a column holds lists")
            return pd.Series(values, dtype="object")
        readers: Mapping[object, Callable[[Mapping[str, object]], pd.Series]] = {
            "nullable": self._nullable, "category": self._category, "text": self._text, "points": self._points,
        }  # fmt: skip
        return readers[kind](spec)

    def _nullable(self, spec: Mapping[str, object]) -> pd.Series:
        values, missing = (self.raw(one) for one in cast("list[object]", spec["of"]))
        name = cast("str", spec["dtype"])
        if name not in NULLABLE:
            raise ValueError(f"{name!r} is no kind of column")
        found: pd.Series = pd.Series(values).astype(cast("Any", name)).mask(missing.astype(bool))
        return found

    def _category(self, spec: Mapping[str, object]) -> pd.Series:
        codes, categories = cast("list[object]", spec["of"])
        found = self.raw(codes)
        dtype = pd.CategoricalDtype(pd.Index(self.vector(categories)), ordered=spec["ordered"] is True)
        return pd.Series(pd.Categorical.from_codes(found, dtype=dtype))

    def _text(self, spec: Mapping[str, object]) -> pd.Series:
        texts = cast("list[str]", spec["texts"])
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a text is none")
        codes = self.raw(cast("list[object]", spec["of"])[0])
        if len(codes) and not -1 <= codes.min() <= codes.max() < len(texts):
            raise ValueError("a text is missing")
        sizes = np.array([*map(len, texts), 0], dtype=np.float64)
        if sizes[codes].sum() > self.most:  # one long text, a million times
            raise ValueError(f"larger than {self.most} bytes")
        held = np.array([*texts, None if spec["none"] else np.nan], dtype=object)[codes]
        return pd.Series(held, dtype="object" if spec["dtype"] == "object" else "str")

    def _points(self, spec: Mapping[str, object]) -> pd.Series:
        missing, x, y = (self.raw(one) for one in cast("list[object]", spec["of"]))
        found = np.asarray(shapely.points(x, y), dtype=object)
        found[missing.astype(bool)] = None
        return gpd.GeoSeries(found, crs=crs_of(spec["crs"]))


def _same(size: int, other: int) -> None:
    if size != other:
        raise ValueError(f"{size} values for {other} rows")
