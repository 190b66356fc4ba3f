"""
Compare the catchments of territoire_geo with those of PySAL access, on all the communes of mainland France.

`python benchmarks/bench_access.py` prints a Markdown table. Both engines get the same pairs (30 km around
4,000 supply points drawn at random) and the same weights (10/20/30 → 1/0.68/0.22), each in its own form
(a Series by pair, a table with a column by side), built anew and out of the clock before each run. Input checks are
in the clock. Every figure comes from a process of its own: the time is the median of the runs; the memory is the
highest resident memory during one run less the resident memory before it (Linux, VmHWM reset between the two).
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo import access

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
COMMUNES = ROOT / "data" / "communes.parquet"
LAMBERT_93 = 2154
SITES = 4000
REACH = 30  # minutes, and km at 60 km/h in a straight line
WEIGHTS = {10: 1, 20: 0.68, 30: 0.22}
TOLERANCE = 1e-9


def load_communes() -> tuple[gpd.GeoSeries, pd.Series[float], str]:
    """Return the points and the populations of the communes, and where they come from."""
    if COMMUNES.exists():
        table = pd.read_parquet(COMMUNES, columns=["code_commune", "population", "epsg", "x", "y"])
        table = table[(table["epsg"] == LAMBERT_93) & table["population"].notna()].set_index("code_commune")
        x, y, people, origin = table["x"], table["y"], table["population"].astype(float), COMMUNES.name
    else:
        rng = np.random.default_rng(0)
        codes = pd.Index([f"{number:05d}" for number in range(34_746)], name="code_commune")
        x, y = (pd.Series(rng.uniform(0, 737_000, len(codes)), index=codes) for _ in range(2))
        people, origin = pd.Series(rng.lognormal(6.2, 1.3, len(codes)), index=codes), "synthetic points"
    return gpd.GeoSeries.from_xy(x, y, index=people.index, crs=LAMBERT_93), people.rename("people"), origin


def inputs() -> tuple[pd.Series[float], pd.Series[float], pd.Series[float]]:
    """Return demand, supply and minutes: the supply lies within 1 km of communes drawn at random."""
    communes, people, _ = load_communes()
    rng = np.random.default_rng(42)
    drawn = communes.iloc[np.sort(rng.choice(len(communes), SITES, replace=False))]
    shift = rng.uniform(-1000, 1000, (2, SITES))
    ids = pd.Index([f"s{number:04d}" for number in range(SITES)])
    sites = gpd.GeoSeries.from_xy(drawn.x + shift[0], drawn.y + shift[1], index=ids, crs=communes.crs)
    supply = pd.Series(rng.integers(1, 20, SITES), index=ids, dtype=float, name="places")
    minutes = access.travel_minutes(communes, sites, speed_kmh=60, detour=1, max_minutes=REACH)
    # What went through pickle has lost what pandas remembers of its indexes: each run starts cold.
    return pickle.loads(pickle.dumps((people, supply, minutes)))  # noqa: S301 - our own bytes


def ours() -> Callable[[], pd.Series[float]]:
    demand, supply, minutes = inputs()
    law = access.steps(WEIGHTS)
    return lambda: access.floating_catchment(demand, supply, minutes, law)["access"]


def pysal() -> Callable[[], pd.Series[float]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of their own dependencies
        from access import Access, weights
    demand, supply, minutes = inputs()
    engine = Access(
        demand_df=demand.to_frame(),
        demand_value="people",
        demand_index=True,
        supply_df=supply.to_frame(),
        supply_value="places",
        supply_index=True,
        cost_df=minutes.rename("cost").reset_index(),
        cost_origin="origin",
        cost_dest="destination",
        cost_name="cost",
    )
    law = weights.step_fn(WEIGHTS)

    def run() -> pd.Series[float]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = engine.enhanced_two_stage_fca(
                name="bench", cost="cost", max_cost=REACH, weight_fn=law, normalize=False
            )
        return found["bench_places"]

    return run


def travel() -> Callable[[], pd.Series[float]]:
    communes, _, _ = load_communes()
    return lambda: access.travel_minutes(communes, communes, max_minutes=REACH)


def catchment_of_travel() -> Callable[[], pd.Series[float]]:
    communes, people, _ = load_communes()
    minutes, law = access.travel_minutes(communes, communes, max_minutes=REACH), access.steps(WEIGHTS)
    return lambda: access.floating_catchment(people, people, minutes, law)["access"]


CASES = {"ours": ours, "pysal": pysal, "travel": travel, "national": catchment_of_travel}


def resident(field: str) -> int:
    """Read a memory figure of this process [kB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure_memory(case: str) -> float:
    """Measure the memory that one run adds at its peak [MB]."""
    run = CASES[case]()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts again from here
    before = resident("VmRSS")
    result = run()
    peak = resident("VmHWM")
    return (peak - before) / 1024 if len(result) else 0.0


def measure_time(case: str, repeat: int, values: Path) -> list[float]:
    """Time some runs [s], each on inputs just built, and keep the values of the last."""
    times = []
    for _ in range(repeat):
        run = CASES[case]()
        gc.collect()
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    result.reset_index(drop=case in {"travel", "national"}).to_pickle(values)
    return times


def child(what: str, case: str, repeat: int, values: Path) -> list[float]:
    """Measure in a process of its own."""
    env = dict(os.environ)
    if what == "memory":  # freed memory goes back to the system at once, so that none is reused unseen
        env |= {"MALLOC_MMAP_THRESHOLD_": "65536", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    command = [sys.executable, __file__, "--measure", what, case, "--repeat", str(repeat), "--values", str(values)]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)  # noqa: S603 - this script
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def compare(folder: Path) -> tuple[int, int, float]:
    """Count the communes that both engines know, those that only ours knows, and the largest relative gap."""
    one, other = (
        pd.read_pickle(folder / name).set_axis(["id", "access"], axis=1).set_index("id")["access"]  # noqa: S301 - just written
        for name in ("ours", "pysal")
    )
    other = other.reindex(one.index)
    known = np.isfinite(other)
    if (one[~known] != 0).any():
        sys.exit("PySAL access leaves undefined communes where ours is not 0: the two do not agree.")
    gap = (np.abs(one - other)[known] / other[known].abs().clip(lower=1e-300)).where(one[known] != other[known], 0.0)
    return int(known.sum()), int((~known).sum()), float(gap.max())


def cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--repeat", type=int, default=5, help="runs of each engine (median)")
    parser.add_argument("--measure", nargs=2, metavar=("WHAT", "CASE"), help=argparse.SUPPRESS)
    parser.add_argument("--values", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, case = options.measure
        memory = what == "memory"
        print(json.dumps([measure_memory(case)] if memory else measure_time(case, options.repeat, options.values)))
        return 0

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = {case: statistics.median(child("time", case, options.repeat, folder / case)) for case in CASES}
        megabytes = {case: child("memory", case, 1, folder / case)[0] for case in CASES}
        both, alone, gap = compare(folder)
        national = len(pd.read_pickle(folder / "travel"))  # noqa: S301 - just written
    communes, _, origin = load_communes()
    pairs = len(inputs()[2])

    print(f"{len(communes):,} communes ({origin}), {SITES:,} supply points, {pairs:,} pairs within {REACH} km.\n")
    print("| | territoire_geo | PySAL access | ratio |\n|---|---:|---:|---:|")
    for title, unit, figures in (("E2SFCA, time", "s", seconds), ("E2SFCA, peak memory added", "MB", megabytes)):
        one, other = figures["ours"], figures["pysal"]
        print(f"| {title} | {one:.3g} {unit} | {other:.3g} {unit} | {other / one:.1f} |")
    print(
        f"\nSame values: {both:,} communes, largest relative gap {gap:.1e}; {alone:,} only ours defines (access 0).\n"
    )
    print("| all communes to all communes, 30 min | pairs | time | peak memory added |\n|---|---:|---:|---:|")
    for title, case in (("travel_minutes", "travel"), ("floating_catchment", "national")):
        print(f"| {title} | {national:,} | {seconds[case]:.2f} s | {megabytes[case]:.0f} MB |")
    packages = ("access", "numpy", "pandas", "scipy", "geopandas")
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    machine = f"{cpu()}; {platform.system()}, Python {platform.python_version()}"
    print(f"\nMedian of {options.repeat} runs. {machine}, {versions}.")
    return 0 if gap < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
