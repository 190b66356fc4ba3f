"""
Measure the stability of a ranking and the typology, from the communes of one EPCI to 200,000 places.

`python benchmarks/bench_priorities.py` prints Markdown tables. The places are synthetic: five components from 0 to 1,
correlated as needs are, a third of their values 0 (nobody lacks anything) and one in twenty unknown. Inputs are built
out of the clock; every figure comes from a process of its own: the time is the median of the runs, the memory the
highest resident memory during one run less the resident memory before it (Linux, VmHWM reset between the two). The
Monte-Carlo error is the standard deviation of a bound of the interval when only the seed changes.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from territoire_geo.composite import DRAWS, stability
from territoire_geo.typology import typology

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (47, 500, 34_746, 200_000)
NEEDS = ("mobility", "childcare", "employment", "insertion", "ageing")
SEEDS = 20
FEW = 1000  # places for which the Monte-Carlo error is measured


def components(size: int) -> pd.DataFrame:
    rng = np.random.default_rng(size)
    shared = rng.beta(1, 2, (size, 1))
    values = np.clip(0.7 * rng.beta(0.5, 2, (size, len(NEEDS))) + 0.3 * shared, 0, 1)
    values[rng.random(values.shape) < 1 / 3] = 0
    values[rng.random(values.shape) < 1 / 20] = np.nan
    index = pd.Index([f"{number:06d}" for number in range(size)], name="place")
    return pd.DataFrame(values, index=index, columns=list(NEEDS))


def ranked(size: int) -> Callable[[], list[float]]:
    frame, weights = components(size), dict.fromkeys(NEEDS, 1.0)

    def run() -> list[float]:
        places = stability(frame, weights).places.dropna()
        return [len(places), float((places["rank_high"] - places["rank_low"]).median() / len(places))]

    return run


def classed(size: int) -> Callable[[], list[float]]:
    frame = components(size)

    def run() -> list[float]:
        found = typology(frame)
        return [len(found.sizes), found.quality, found.stability]

    return run


CASES = {"stability": ranked, "typology": classed}


def resident(field: str) -> int:
    """Read a memory figure of this process [kB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure_memory(case: str, size: int) -> list[float]:
    """Measure the memory that one run adds at its peak [MB]."""
    run = CASES[case](size)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts again from here
    before = resident("VmRSS")
    run()
    return [(resident("VmHWM") - before) / 1024]


def measure_time(case: str, size: int, repeat: int) -> list[float]:
    """Time some runs [s] after a first one out of the clock, and add what they found."""
    run = CASES[case](size)
    found, times = run(), []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return [statistics.median(times), *found]


def measure_error(size: int) -> list[float]:
    """Tell how far the bounds [ranks] and the stability [share] move with the seed, on average over the places."""
    frame, weights = components(size), dict.fromkeys(NEEDS, 1.0)
    runs = [stability(frame, weights, seed=seed).places.dropna() for seed in range(SEEDS)]
    return [
        float(np.std([run[column] for run in runs], axis=0, ddof=1).mean())
        for column in ("rank_low", "rank_median", "rank_high", "stability")
    ]


def child(what: str, case: str, size: int, repeat: int) -> list[float]:
    """Measure in a process of its own."""
    env = dict(os.environ)
    if what == "memory":  # freed memory goes back to the system at once, so that none is reused unseen
        env |= {"MALLOC_MMAP_THRESHOLD_": "65536", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    command = [sys.executable, __file__, "--measure", what, case, str(size), "--repeat", str(repeat)]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)  # noqa: S603 - this script
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores"


def report(repeat: int) -> None:
    print(f"Stability of the rank: {DRAWS:,} settings, {len(NEEDS)} components.\n")
    print("| places | ranked | time | peak memory added | median width of 5-95 % |\n|---:|---:|---:|---:|---:|")
    for size in SIZES:
        seconds, count, width = child("time", "stability", size, repeat)
        memory = child("memory", "stability", size, 1)[0]
        print(f"| {size:,} | {count:,.0f} | {seconds:.3g} s | {memory:.0f} MB | {width:.0%} of the places |")
    print(f"\nMonte-Carlo error, over {SEEDS} seeds.\n")
    print("| places | low [ranks] | median [ranks] | high [ranks] | stability [share] |\n|---:|---:|---:|---:|---:|")
    for size in (size for size in SIZES if size <= FEW):
        low, middle, high, share = child("error", "stability", size, 1)
        print(f"| {size:,} | {low:.2f} | {middle:.2f} | {high:.2f} | {share:.4f} |")
    print("\nTypology.\n\n| places | classes | variance explained | stability | time | peak memory added |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        seconds, number, quality, held = child("time", "typology", size, repeat)
        memory = child("memory", "typology", size, 1)[0]
        print(f"| {size:,} | {number:.0f} | {quality:.2f} | {held:.2f} | {seconds:.3g} s | {memory:.0f} MB |")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("numpy", "pandas", "scipy"))
    machine = f"{cpu()}; {platform.system()}, Python {platform.python_version()}"
    print(f"\nMedian of {repeat} runs. {machine}, {versions}.")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each size (median)")
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "CASE", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        what, case, size = options.measure
        if what == "memory":
            figures = measure_memory(case, int(size))
        elif what == "error":
            figures = measure_error(int(size))
        else:
            figures = measure_time(case, int(size), options.repeat)
        print(json.dumps(figures))
        return 0
    report(options.repeat)
    return 0


if __name__ == "__main__":
    sys.exit(main())
