"""The embedded national base: every commune of France, its figures, its town-hall point and its polygon."""

from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from territoire_geo.cog import among
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.errors import SourceFormatError
from territoire_geo.tables import Source

# The base is built by scripts/build_base.py; data/README.md lists the packages, their hashes and the checks.
GEOGRAPHY: Final = Source(
    "base_nationale",
    "Communes au 1er janvier 2026 : code officiel géographique, contours Admin Express, mairies",
    "IGN ; Insee ; Etalab",
    licence="Licence Ouverte 2.0",
    millesime="COG 2026",
    cog_year=2026,
    url="https://geo.api.gouv.fr",
)
POPULATION: Final = Source(
    "population_2021",
    "Recensement de la population 2021, population par âge",
    "Insee",
    licence="Licence Ouverte 2.0",
    millesime="RP 2021",
    cog_year=2026,
    url="https://www.insee.fr",
)
# A damaged parquet fails in many ways: its metadata is not UTF-8 or JSON, a page is larger than the memory...
DAMAGED: Final = (
    pa.ArrowException,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    MemoryError,
    RuntimeError,
)


def data_folder() -> Path:
    """
    Find the embedded data: inside the installed package, or at the root of a checkout.

    Returns
    -------
    data_folder
        The folder that holds `communes.parquet` and `demo`.

    Raises
    ------
    SourceFormatError
        If the installation carries no data.
    """
    package = Path(str(resources.files("territoire_geo")))
    for folder in (package / "data", package.parents[1] / "data"):
        if (folder / "communes.parquet").is_file():
            return folder
    message = f"{package / 'data'}: the embedded base is missing. Reinstall territoire-geo."
    raise SourceFormatError(message)


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """
    Read a parquet file, or say that it is damaged.

    Parameters
    ----------
    path
        The file.
    columns
        Columns to read, all when None.

    Returns
    -------
    read_parquet
        The table.

    Raises
    ------
    SourceFormatError
        If the file is truncated or is not parquet, or a page is not the one of its checksum, when it has one.
    """
    try:
        table = pq.read_table(path, columns=columns, page_checksum_verification=True)
        table.validate(full=True)
    except DAMAGED as error:
        why = str(error).partition("\n")[0]
        message = f"{path}: not a readable parquet file ({why}). Download or copy it again."
        raise SourceFormatError(message) from error
    return table


@cache
def communes() -> pd.DataFrame:
    """
    Read every current commune: codes, names, figures, point.

    Returns
    -------
    communes
        Indexed by sorted `code_commune`; see data/README.md for columns and units. Unknown is NaN or None.
        Shared between callers: do not change it.
    """
    table = read_parquet(data_folder() / "communes.parquet")
    frame: pd.DataFrame = table.to_pandas()
    return frame.set_index(CODE_COMMUNE)


@cache
def post_codes() -> pd.DataFrame:
    """
    List the post codes of each commune.

    Returns
    -------
    post_codes
        One row per commune and post code, indexed by `code_commune`: nom_commune, codes_postaux. Shared between
        callers: do not change it.
    """
    return communes()[["nom_commune", "codes_postaux"]].explode("codes_postaux").dropna()


@cache
def former_codes() -> dict[str, str]:
    """
    Map each former commune code to the current commune that absorbed it.

    Returns
    -------
    former_codes
        Former code -> current code. Shared between callers: do not change it.
    """
    listed = communes()["anciens_codes"]
    exploded = listed[listed.map(len) > 0].explode()
    former = exploded[~among(pd.Index(exploded), communes().index)]
    return dict(zip(former.to_numpy(), former.index, strict=True))


@cache
def restored_codes() -> dict[str, str]:
    """
    Map each re-established commune to the commune that contained it.

    Returns
    -------
    restored_codes
        Current code -> current code of the commune it was split from. Shared between callers: do not change it.
    """
    restored = communes()["retabli_de"].dropna()
    return dict(zip(restored.index, restored.to_numpy(), strict=True))


def contours(codes: pd.Index, epsg: int) -> gpd.GeoSeries:
    """
    Read the polygons of communes, in metres.

    Parameters
    ----------
    codes
        `code_commune` of the communes.
    epsg
        The metric CRS of their part of France.

    Returns
    -------
    contours
        Polygons indexed by `code_commune`, in the order of `codes`.
    """
    path = data_folder() / f"contours-{epsg}.parquet"
    table = read_parquet(path)
    if len(codes) < len(table):
        table = table.filter(pc.is_in(table[CODE_COMMUNE], pa.array(codes)))
    names = pd.Index(table[CODE_COMMUNE].to_pandas(), name=CODE_COMMUNE)
    polygons = gpd.GeoSeries.from_wkb(table["geometry"].to_numpy(), index=names, crs=epsg)
    return gpd.GeoSeries(polygons.reindex(codes), crs=epsg)
