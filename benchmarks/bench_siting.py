"""
Measure where to open: against spopt and its solver, then on all the communes of mainland France and 200,000 places.

`python benchmarks/bench_siting.py` prints Markdown. Demand: the residents of the communes of mainland France, from the
embedded national base; minutes by the convention of the library. Against spopt: the communes nearest to Dole, the most
populous of them as candidates, each library given the same minutes in its own form (pairs, a matrix), built out of the
clock; checks and the building of the model are in the clock, the solver of spopt is its default (CBC through PuLP).

Every figure comes from a process of its own. The time is the best of the runs, the machine being shared; the memory is
the highest resident memory of the run less that before it (Linux, VmHWM reset between the two).
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo import access
from territoire_geo.siting import max_cover, p_median

if TYPE_CHECKING:
    from collections.abc import Callable

    Case = tuple[Callable[[], dict[str, Any]], int]  # what is measured, and the pairs that it is given
    Problem = tuple[pd.Series[float], pd.Series[float]]

COMMUNES: Final = Path(__file__).resolve().parents[1] / "data" / "communes.parquet"
LAMBERT_93: Final = 2154
DOLE: Final = "39198"
REACH: Final = 20  # minutes
PLACES: Final = 200_000
HURRY: Final = 2  # seconds allowed on the hard instance
TOLERANCE: Final = 1e-9


# ---- inputs --------------------------------------------------------------------------------


def mainland() -> tuple[pd.Series[float], gpd.GeoSeries]:
    """Return the residents of the communes of mainland France, and their points."""
    table = pd.read_parquet(COMMUNES, columns=["code_commune", "population", "epsg", "x", "y"])
    table = table[(table["epsg"] == LAMBERT_93) & table["population"].notna()].set_index("code_commune")
    points = gpd.GeoSeries.from_xy(table["x"], table["y"], index=table.index, crs=LAMBERT_93)
    return table["population"].astype(float), points


def around_dole(origins: int, sites: int) -> Problem:
    """Take the communes nearest to Dole, the most populous of them as candidates, and all the pairs."""
    people, points = mainland()
    near = points.distance(points[DOLE]).nsmallest(origins).index
    candidates = people[near].nlargest(sites).index
    return people[near], access.travel_minutes(points[near], points[candidates], max_minutes=10_000)


def scattered() -> Problem:
    """Scatter places within some kilometres of communes drawn at random; the communes are the candidates."""
    people, points = mainland()
    rng = np.random.default_rng(PLACES)
    chosen, shift = rng.integers(0, len(points), PLACES), rng.normal(0, 2000, (2, PLACES))
    ids, near = pd.Index([f"p{number:06d}" for number in range(PLACES)]), points.iloc[chosen]
    places = gpd.GeoSeries.from_xy(
        near.x.to_numpy() + shift[0], near.y.to_numpy() + shift[1], index=ids, crs=LAMBERT_93
    )
    share = people.to_numpy()[chosen] * len(points) / PLACES
    return pd.Series(share, index=ids), access.travel_minutes(places, points, max_minutes=REACH)


def national() -> Problem:
    people, points = mainland()
    return people, access.travel_minutes(points, points, max_minutes=REACH)


def hard() -> Problem:
    """Draw 1,000 people and 300 candidates at random in a square of an hour: too much for a few seconds."""
    rng = np.random.default_rng(1)
    homes, sites = rng.uniform(0, 60, (1000, 2)), rng.uniform(0, 60, (300, 2))
    ids = [[f"{side}{number:04d}" for number in range(len(where))] for side, where in (("o", homes), ("d", sites))]
    times = np.sqrt(((homes[:, None] - sites[None]) ** 2).sum(axis=-1)).ravel()
    return pd.Series(1.0, index=ids[0]), pd.Series(times, index=pd.MultiIndex.from_product(ids))


def square(problem: Problem) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Write a problem whose pairs are all there as spopt wants it: minutes by origin and site, people."""
    demand, minutes = problem
    sites = minutes.index.unique(1)
    every = pd.MultiIndex.from_product([demand.index, sites])
    return minutes.reindex(every).to_numpy().reshape(len(demand), len(sites)), demand.to_numpy()


# ---- what is measured: a function of nothing, built anew for each run ----------------------


def cover(problem: Problem, p: int, reach: float, **options: Any) -> Case:  # noqa: ANN401 - those of max_cover
    demand, minutes = problem
    minutes = minutes[minutes <= reach]

    def run() -> dict[str, Any]:
        found = max_cover(demand, minutes, p, reach=reach, **options)
        return {"value": found.covered, "bound": found.bound, "proven": found.proven, "status": found.status}

    return run, len(minutes)


def median(problem: Problem, p: int, **options: Any) -> Case:  # noqa: ANN401 - those of p_median
    def run() -> dict[str, Any]:
        found = p_median(*problem, p, **options)
        return {"value": found.cost, "bound": found.bound, "proven": found.proven, "status": found.status}

    return run, len(problem[1])


def spopt(problem: Problem, p: int, reach: float | None = None, seconds: float | None = None) -> Case:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of their own dependencies
        import pulp
        from spopt.locate import MCLP, PMedian
    cost, people = square(problem)

    def run() -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = (
                PMedian.from_cost_matrix(cost, people, p)
                if reach is None
                else MCLP.from_cost_matrix(cost, people, reach, p)
            )
            solver = pulp.PULP_CBC_CMD(msg=False, timeLimit=seconds)
            answer = model.solve(solver).problem
        proven = answer.sol_status == pulp.LpSolutionOptimal
        return {"value": answer.objective.value(), "proven": proven, "status": pulp.LpStatus[answer.status]}

    return run, cost.size


CASES: Final[dict[str, Callable[[], Case]]] = {
    "cover": lambda: cover(around_dole(2000, 200), 10, REACH, exact=True),
    "cover spopt": lambda: spopt(around_dole(2000, 200), 10, REACH),
    "median": lambda: median(around_dole(300, 100), 10),
    "median spopt": lambda: spopt(around_dole(300, 100), 10),
    "hurry": lambda: cover(hard(), 15, 8, exact=True, time_limit=HURRY),
    "hurry spopt": lambda: spopt(hard(), 15, 8, HURRY),
    "greedy": lambda: cover(national(), 100, REACH),
    "greedy places": lambda: cover(scattered(), 100, REACH),
    "national median": lambda: median(national(), 100),
}


# ---- measures ------------------------------------------------------------------------------


def resident(field: str) -> int:
    """Read a memory figure of this process [kB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure(case: str, repeat: int) -> dict[str, Any]:
    """Run a case, in this process: the best time [s], the peak memory added by the last run [MB], what was found."""
    times, peak, found = [], 0.0, {}
    for _ in range(repeat):
        run, pairs = CASES[case]()
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts again from here
        before, start = resident("VmRSS"), time.perf_counter()
        found = run()
        times.append(time.perf_counter() - start)
        peak = (resident("VmHWM") - before) / 1024
    return found | {"seconds": min(times), "megabytes": peak, "pairs": pairs}


def child(case: str, repeat: int = 1, *, frugal: bool = False) -> dict[str, Any]:
    """Measure in a process of its own; when frugal, freed memory goes back at once, so that none is reused unseen."""
    env = os.environ | ({"MALLOC_MMAP_THRESHOLD_": "65536", "ARROW_DEFAULT_MEMORY_POOL": "system"} if frugal else {})
    asked = [sys.executable, __file__, "--measure", case, "--repeat", str(repeat)]
    done = subprocess.run(asked, env=env, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# ---- tables --------------------------------------------------------------------------------


def against_spopt(repeat: int) -> bool:
    """Print the times against spopt, and tell whether the objectives agree, both proven."""
    print("## Against spopt, at the proven optimum\n")
    print("| | territoire_geo | spopt, CBC | ratio | objective of both | our bound |\n|---|---:|---:|---:|---:|---:|")
    titles = {
        "cover": f"maximal cover, exact: 2,000 communes × 200 sites, p = 10, {REACH} minutes",
        "median": "p-median, interchange: 300 communes × 100 sites, p = 10",
    }
    same = True
    for case, title in titles.items():
        ours, theirs = child(case, repeat), child(f"{case} spopt", 2)
        ratio = theirs["seconds"] / ours["seconds"]
        cells = f"{ours['seconds'] * 1000:,.0f} ms | {theirs['seconds'] * 1000:,.0f} ms | {ratio:.0f}"
        gap = abs(ours["value"] - theirs["value"]) / theirs["value"]
        both = f"{ours['value']:,.0f}" if gap < TOLERANCE else f"DIFFERENT, by {gap:.1e}"
        print(f"| {title} | {cells} | {both} | {ours['bound']:,.0f} |")
        same &= gap < TOLERANCE and theirs["proven"]
    return same


def out_of_time() -> None:
    """Print what each says of a solver stopped by its time limit."""
    ours, theirs = child("hurry"), child("hurry spopt")
    print(f"\n## When the time is up ({HURRY} s)\n\n1,000 people × 300 sites drawn at random, p = 15, 8 minutes.\n")
    print("| | found | bound | says |\n|---|---:|---:|---|")
    print(f"| territoire_geo | {ours['value']:.0f} | {ours['bound']:.0f} | {ours['status']} |")
    print(f"| spopt | {theirs['value']:.0f} | none | {theirs['status']} |")


def at_scale(repeat: int) -> None:
    """Print the cost of the large instances."""
    print(f"\n## At scale: p = 100, {REACH} minutes, all the communes of mainland France as candidates\n")
    print("| | pairs | time | peak memory added | value | bound | gap |\n|---|---:|---:|---:|---:|---:|---:|")
    titles = {
        "greedy": "max_cover, greedy: communes [people]",
        "greedy places": f"max_cover, greedy: {PLACES:,} places [people]",
        "national median": "p_median, 8 starts: communes [person-minutes]",
    }
    for case, title in titles.items():
        one = child(case, repeat if case == "greedy" else 2)
        peak = child(case, frugal=True)["megabytes"]
        value, bound = one["value"], one["bound"]
        gap = abs(bound - value) / max(bound, value)
        print(
            f"| {title} | {one['pairs']:,} | {one['seconds']:.2f} s | {peak:,.0f} MB | {value:,.0f} | "
            f"{bound:,.0f} | {gap:.2g} |"
        )


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    packages = ("spopt", "pulp", "numpy", "pandas", "scipy")
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    cpu = f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores"
    return f"{cpu}; {platform.system()}, Python {platform.python_version()}, {versions}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--repeat", type=int, default=7, help="runs of each task of ours (the best is kept)")
    parser.add_argument("--measure", metavar="CASE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.repeat)))
        return 0
    same = against_spopt(options.repeat)
    out_of_time()
    at_scale(options.repeat)
    print(f"\nBest of {options.repeat} runs, of 2 for spopt and the largest. {machine()}.")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
