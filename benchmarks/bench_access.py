"""
Measure the catchments of territoire_geo: against PySAL access, against plain numpy, and as places grow in number.

`python benchmarks/bench_access.py` prints Markdown. Demand: the unemployed of the census of 2018 in the communes of
mainland France; supply: the inclusion structures listed in 2020; pairs within 30 km as the crow flies. Both are read
from the published files beside the repository; without them, sites are drawn at random, and the output says so.

Every figure comes from a process of its own. Our inputs are unpickled before each run: what pandas remembers of their
indexes is lost, as in a first call. Input checks are in the clock. The time is the best of the runs, the machine being
shared; the memory is the highest resident memory of one run less that before it (Linux, VmHWM reset between the two).
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import logging
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

import territoire_geo as tg
from territoire_geo import access
from territoire_geo.catchments import _weighted

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = tuple[Callable[..., Any], tuple[Any, ...]]

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT.parent / "shared" / "data"
FILES = ("insee/base_cc_comparateur_csv.zip", "siae/siae_itou_2020-12.csv")
REACH = 30  # minutes, and km at 60 km/h in a straight line
LAW = access.steps({10: 1, 20: 0.68, 30: 0.22})
SIZES = (1_000, 10_000, 34_746, 100_000, 200_000)
TOLERANCE = 1e-9


# ---- inputs --------------------------------------------------------------------------------


def national() -> dict[str, Any]:
    """Gather the points and the figures of mainland France, and the pairs within reach."""
    mainland = tg.load_territory("FR")
    if all((PUBLISHED / name).exists() for name in FILES):
        people, sites = published(mainland)
        origin = "structures listed in December 2020, unemployed of the census of 2018"
    else:
        people, sites = drawn(mainland)
        origin = "SITES DRAWN AT RANDOM (the published files are not here), residents"
    communes = mainland.points[people.index]
    supply = pd.Series(1.0, index=sites.index, name="places")
    minutes = access.travel_minutes(communes, sites, speed_kmh=60, detour=1, max_minutes=REACH)
    return {
        "origin": origin,
        "people": people.rename("people"),
        "supply": supply,
        "minutes": minutes,
        "communes": communes,
        "sites": sites,
    }


def published(mainland: tg.Territory) -> tuple[pd.Series[float], gpd.GeoSeries]:
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # overseas rows and old codes are said elsewhere
        for file in FILES:
            (Path(name) / Path(file).name).symlink_to(PUBLISHED / file)
        tables = tg.load_tables(mainland, sources=Path(name))
    structures = tables.structures.dropna(subset=["lon", "lat"])
    ids = pd.Index([f"{siret}/{kind}" for siret, kind in structures.index], dtype="str")
    sites = gpd.GeoSeries.from_xy(structures["lon"], structures["lat"], index=ids, crs=4326).to_crs(mainland.crs)
    return tables.activity["chomeurs_15_64"].dropna(), sites


def drawn(mainland: tg.Territory) -> tuple[pd.Series[float], gpd.GeoSeries]:
    rng = np.random.default_rng(42)
    chosen = mainland.points.iloc[rng.choice(len(mainland.points), 3658, replace=False)]
    shift = rng.uniform(-1000, 1000, (2, len(chosen)))
    ids = pd.Index([f"s{number:04d}" for number in range(len(chosen))])
    sites = gpd.GeoSeries.from_xy(chosen.x + shift[0], chosen.y + shift[1], index=ids, crs=mainland.crs)
    return mainland.communes["population"].dropna(), sites


def scattered(inputs: dict[str, Any], size: int) -> tuple[pd.Series[float], gpd.GeoSeries]:
    """Scatter places within some kilometres of communes drawn at random, the same at every run."""
    rng = np.random.default_rng(size)
    chosen = rng.integers(0, len(inputs["communes"]), size)
    near, shift = inputs["communes"].iloc[chosen], rng.normal(0, 2000, (2, size))
    ids = pd.Index([f"p{number:06d}" for number in range(size)])
    places = gpd.GeoSeries.from_xy(near.x.to_numpy() + shift[0], near.y.to_numpy() + shift[1], index=ids, crs=near.crs)
    return pd.Series(inputs["people"].to_numpy()[chosen], index=ids, name="people"), places


# ---- what is measured: a function, and its arguments built anew for each run ---------------


def catchment(people: pd.Series[float], supply: pd.Series[float], minutes: pd.Series[float]) -> pd.Series[float]:
    return access.floating_catchment(people, supply, minutes, LAW)["access"]


def ours(inputs: dict[str, Any], _size: int) -> Case:
    return catchment, (inputs["people"], inputs["supply"], inputs["minutes"])


def pysal(inputs: dict[str, Any], _size: int) -> Case:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of their own dependencies
        from access import Access, weights
    logging.disable(logging.INFO)  # it tells every column that it writes again
    engine = Access(
        demand_df=inputs["people"].rename_axis("id").reset_index(),
        demand_value="people",
        demand_index="id",
        supply_df=inputs["supply"].rename_axis("id").reset_index(),
        supply_value="places",
        supply_index="id",
        cost_df=inputs["minutes"].rename("cost").reset_index(),
        cost_origin="origin",
        cost_dest="destination",
        cost_name="cost",
    )
    law = weights.step_fn({10: 1, 20: 0.68, 30: 0.22})

    def run() -> pd.Series[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return engine.enhanced_two_stage_fca(
                name="bench", cost="cost", max_cost=REACH, weight_fn=law, normalize=False
            )["bench_places"]

    return run, ()


def bound(inputs: dict[str, Any], _size: int) -> Case:
    """Two gathers and two counts on positions and weights that are given: what numpy can do at best."""
    people, supply, minutes = (inputs[name] for name in ("people", "supply", "minutes"))
    sides = zip((people, supply), minutes.index.levels, minutes.index.codes, strict=True)
    start, end = (side.index.get_indexer(ids)[codes] for side, ids, codes in sides)
    weight, p, s = LAW(minutes.to_numpy()), people.to_numpy(), supply.to_numpy()

    def run() -> np.ndarray[Any, Any]:
        ratio = s / np.bincount(end, weights=weight * p[start], minlength=len(s))
        return np.bincount(start, weights=weight * ratio[end], minlength=len(p))

    return run, ()


def arithmetic(inputs: dict[str, Any], _size: int) -> Case:
    """Both steps of ours on pairs already checked, whose weights are given."""
    people, supply, minutes = (inputs[name] for name in ("people", "supply", "minutes"))
    weights = _weighted(minutes, LAW, ("demand", people.index), supply.index)
    p, s = people.to_numpy(), supply.to_numpy()
    return lambda: weights.to_places(s / weights.to_points(p)), ()


def seen(inputs: dict[str, Any], size: int) -> Case:
    """Call once before, so that pandas has seen the indexes."""
    run, given = ours(inputs, size)
    run(*given)
    return run, given


def travel(inputs: dict[str, Any], size: int) -> Case:
    _, places = scattered(inputs, size)
    return lambda: access.travel_minutes(places, inputs["sites"], speed_kmh=60, detour=1, max_minutes=REACH), ()


def growing(inputs: dict[str, Any], size: int) -> Case:
    people, places = scattered(inputs, size)
    minutes = access.travel_minutes(places, inputs["sites"], speed_kmh=60, detour=1, max_minutes=REACH)
    return catchment, (people, inputs["supply"], minutes)


def dense(inputs: dict[str, Any]) -> pd.Series[float]:
    """Minutes between all communes, by the convention of the library."""
    return access.travel_minutes(inputs["communes"], inputs["communes"], max_minutes=REACH)


CASES = {
    "ours": ours,
    "pysal": pysal,
    "bound": bound,
    "arithmetic": arithmetic,
    "seen": seen,
    "travel": travel,
    "growing": growing,
    "between communes": lambda inputs, _: (
        lambda: access.travel_minutes(inputs["communes"], inputs["communes"], max_minutes=REACH),
        (),
    ),
    "nearest": lambda inputs, _: (access.nearest, (dense(inputs),)),
    "third": lambda inputs, _: (access.nearest_id, (dense(inputs), 3)),
    "counts": lambda inputs, _: (access.count_within, (dense(inputs), (5, 10, 15, 20, 30))),
    "catchment": lambda inputs, _: (catchment, (inputs["people"], inputs["people"], dense(inputs))),
    "balanced": lambda inputs, _: (
        access.balanced_catchment,
        (inputs["people"], inputs["people"], dense(inputs), LAW),
    ),
}


# ---- measures ------------------------------------------------------------------------------


def resident(field: str) -> int:
    """Read a memory figure of this process [kB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure_memory(case: str, size: int, folder: Path) -> list[float]:
    """Measure the memory that one run adds at its peak [MB]."""
    run, given = CASES[case](read(folder), size)
    given = pickle.loads(pickle.dumps(given))  # noqa: S301 - pickled here: indexes not seen yet
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts again from here
    before = resident("VmRSS")
    result = run(*given)
    return [(resident("VmHWM") - before) / 1024 if len(result) else 0.0]


def measure_time(case: str, size: int, folder: Path, repeat: int) -> list[float]:
    """Time some runs, and return the best [s] and the length of the result."""
    times = []
    run, given = CASES[case](read(folder), size)
    content = pickle.dumps(given)
    for _ in range(repeat):
        given = given if case == "seen" else pickle.loads(content)  # noqa: S301 - pickled above: indexes not seen yet
        gc.collect()
        start = time.perf_counter()
        result = run(*given)
        times.append(time.perf_counter() - start)
    if case in {"ours", "pysal"}:
        result.to_pickle(folder / case)
    return [min(times), len(result), len(given[2]) if case in {"ours", "growing"} else 0]


def read(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = pickle.loads((folder / "inputs").read_bytes())  # noqa: S301 - written by this run
    return found


def child(what: str, case: str, folder: Path, size: int = 0, repeat: int = 1) -> list[float]:
    """Measure in a process of its own."""
    env = dict(os.environ)
    if what == "memory":  # freed memory goes back to the system at once, so that none is reused unseen
        env |= {"MALLOC_MMAP_THRESHOLD_": "65536", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    asked = ["--measure", what, case, str(size), str(folder), "--repeat", str(repeat)]
    done = subprocess.run([sys.executable, __file__, *asked], env=env, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


# ---- tables --------------------------------------------------------------------------------


def against_pysal(folder: Path, repeat: int) -> float:
    """Print time and memory against PySAL access, and return the largest relative gap between the values."""
    inputs = read(folder)
    print("## Against PySAL access\n")
    print(
        f"{len(inputs['people']):,} communes, {len(inputs['supply']):,} supply points ({inputs['origin']}), "
        f"{len(inputs['minutes']):,} pairs within {REACH} km.\n"
    )
    print("| E2SFCA | territoire_geo | PySAL access | ratio |\n|---|---:|---:|---:|")
    one, other = (child("time", case, folder, repeat=repeat)[0] for case in ("ours", "pysal"))
    print(f"| time, input checks included | {one * 1000:.1f} ms | {other * 1000:,.0f} ms | {other / one:.0f} |")
    one, other = (child("memory", case, folder)[0] for case in ("ours", "pysal"))
    print(f"| peak memory added | {one:.0f} MB | {other:.0f} MB | {other / one:.1f} |")
    mine, theirs = (pd.read_pickle(folder / name) for name in ("ours", "pysal"))  # noqa: S301 - just written
    theirs = theirs.reindex(mine.index)
    known = np.isfinite(theirs)
    if (mine[~known] != 0).any():
        sys.exit("PySAL access leaves undefined communes where ours is not 0: the two do not agree.")
    gap = float((np.abs(mine - theirs) / theirs.abs().clip(lower=1e-300))[known].where(mine != theirs, 0.0).max())
    print(
        f"\nSame values: {known.sum():,} communes, largest relative gap {gap:.1e}; "
        f"{(~known).sum():,} only ours defines (access 0, not reachable).\n"
    )
    return gap


def against_numpy(folder: Path, repeat: int) -> None:
    """Print the time of the steps against that of plain numpy on the same pairs."""
    print("## Against the practical bound\n")
    print("| on the same pairs | time | times the bound |\n|---|---:|---:|")
    titles = {
        "bound": "bound: two gathers and two counts in numpy, positions and weights given",
        "arithmetic": "arithmetic alone: both steps of ours, pairs checked and weights given",
        "seen": "whole call: checks, order, weights, both steps, frame; indexes already seen by pandas",
        "ours": "whole call, first time that pandas sees the indexes",
    }
    least = 0.0
    for case, title in titles.items():
        seconds = child("time", case, folder, repeat=max(repeat, 15))[0]
        least = least or seconds
        print(f"| {title} | {seconds * 1000:.1f} ms | {seconds / least:.2f} |")


def as_places_grow(folder: Path, repeat: int) -> None:
    """Print cost and memory by number of places, around the same supply."""
    print("\n## As places grow in number\n")
    print("Places scattered around the communes, the same supply everywhere: pairs follow places.\n")
    print("| places | pairs | travel_minutes | per million pairs | peak | floating_catchment | per million | peak |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        cells = []
        for case in ("travel", "growing"):
            seconds, rows, pairs = child("time", case, folder, size, repeat)
            pairs = pairs or rows
            peak = child("memory", case, folder, size)[0]
            cells += [f"{seconds * 1000:,.0f} ms", f"{seconds * 1e9 / pairs:,.0f} ms", f"{peak:,.0f} MB"]
        print(f"| {size:,} | {int(pairs):,} | {' | '.join(cells)} |")


def between_communes(folder: Path, repeat: int) -> None:
    """Print the cost of each measure on the pairs of communes within reach."""
    _, pairs, _ = child("time", "between communes", folder)
    print(f"\n## Between all communes\n\n{int(pairs):,} pairs within {REACH} minutes (detour 1.3, 50 km/h).\n")
    print("| | time | peak memory added |\n|---|---:|---:|")
    titles = {
        "between communes": "travel_minutes",
        "catchment": "floating_catchment",
        "balanced": "balanced_catchment",
        "nearest": "nearest",
        "third": "nearest_id, n = 3",
        "counts": "count_within, five thresholds",
    }
    for case, title in titles.items():
        seconds, peak = child("time", case, folder, repeat=repeat)[0], child("memory", case, folder)[0]
        print(f"| {title} | {seconds * 1000:,.0f} ms | {peak:,.0f} MB |")


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    packages = ("access", "numpy", "pandas", "scipy", "geopandas")
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    cpu = f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores"
    return f"{cpu}; {platform.system()}, Python {platform.python_version()}, {versions}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--repeat", type=int, default=7, help="runs of each task (the best is kept)")
    parser.add_argument("--measure", nargs=4, metavar=("WHAT", "CASE", "SIZE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, case, size, folder = options.measure
        given = case, int(size), Path(folder)
        print(json.dumps(measure_memory(*given) if what == "memory" else measure_time(*given, options.repeat)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        space = Path(name)
        (space / "inputs").write_bytes(pickle.dumps(national()))
        gap = against_pysal(space, options.repeat)
        against_numpy(space, options.repeat)
        as_places_grow(space, options.repeat)
        between_communes(space, options.repeat)
    print(f"\nBest of {options.repeat} runs or more. {machine()}.")
    return 0 if gap < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
