"""
Compare the local Moran's I and the contiguity of territoire_geo with PySAL's, on all the communes of mainland France.

`python benchmarks/bench_moran.py` prints Markdown tables. The variable is the share of residents aged 65 and over, the
neighbours are the same for both (`contiguity` of the embedded base), each in its own form, built out of the clock.
esda runs at its best: with numba, compiled beforehand, on one core, keeping no simulation (its p-values are then
one-sided; ours are two-sided and corrected, which is in our clock, with the input checks). Every figure comes from a
process of its own: the time is the median of the runs, after one that does not count; the memory is the highest
resident memory during the first run less the resident memory before it (glibc trimmed, VmHWM reset between the two).
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib.metadata
import json
import os
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
import shapely

import territoire_geo as tg
from territoire_geo.moran import enough_permutations, local_moran
from territoire_geo.neighbours import contiguity

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from territoire_geo.neighbours import Neighbours

    Run = Callable[[], pd.Series[float]]

ROOT = Path(__file__).resolve().parents[1]
AGES = ["pop_0_19", "pop_20_64", "pop_65_plus"]
SIDE = 447  # squares on a side: 199,809 in all
TOLERANCE = 1e-9


def load_communes() -> tuple[pd.Series[float], gpd.GeoSeries]:
    """Return the share of residents aged 65 and over where it is known, and all the polygons."""
    polygons = tg.load_territory("FR").communes.geometry
    table = pd.read_parquet(ROOT / "data" / "communes.parquet", columns=["code_commune", *AGES])
    ages = table.set_index("code_commune").reindex(polygons.index).astype(float)
    return (ages["pop_65_plus"] / ages.sum(axis=1, min_count=len(AGES))).dropna(), gpd.GeoSeries(polygons)


def load_graph() -> tuple[pd.Series[float], Neighbours]:
    """Return the variable, and the neighbours among the communes where it is known."""
    values, polygons = load_communes()
    return values, contiguity(polygons).restricted(values.index)


def ours(permutations: int) -> Callable[[], Run]:
    def prepare() -> Run:
        values, graph = load_graph()
        return lambda: local_moran(values, graph, permutations=permutations)["local_i"].rename(None)

    return prepare


def esda() -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its imports warn of their own dependencies
        import numba  # noqa: F401 - without it esda is many times slower
        from esda import Moran_Local
        from libpysal.weights import W
    values, graph = load_graph()
    ids = graph.ids.tolist()
    weights = W({one: graph.of(one).tolist() for one in ids}, id_order=ids, silence_warnings=True)
    array, n = values.reindex(graph.ids).to_numpy(), len(values)

    def local(array: NDArray[np.float64], weights: W) -> NDArray[np.float64]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return Moran_Local(array, weights, permutations=999, n_jobs=1, keep_simulations=False, seed=0).Is

    local(np.arange(3.0), W({0: [1], 1: [2], 2: [0]}))  # compiled
    return lambda: pd.Series(local(array, weights) * n / (n - 1), index=graph.ids)


def touching() -> Run:
    _, polygons = load_communes()
    return lambda: contiguity(polygons).counts.rename(None)


def queen() -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from libpysal.weights import Queen
    _, polygons = load_communes()
    table = gpd.GeoDataFrame(geometry=polygons)
    return lambda: pd.Series(Queen.from_dataframe(table, use_index=True, silence_warnings=True).cardinalities)


def graph() -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from libpysal.graph import Graph
    _, polygons = load_communes()
    return lambda: Graph.build_contiguity(polygons, rook=False).cardinalities


def load_squares() -> tuple[pd.Series[float], gpd.GeoSeries]:
    """Return noise, and squares side by side, as many as the country has IRIS and grid cells."""
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    squares = gpd.GeoSeries(shapely.box(column, row, column + 1, row + 1), crs=2154)
    return pd.Series(np.random.default_rng(0).normal(size=len(squares))), squares


def squares_touching() -> Run:
    _, squares = load_squares()
    return lambda: contiguity(squares).counts


def squares_moran() -> Run:
    values, squares = load_squares()
    neighbours = contiguity(squares)
    return lambda: local_moran(values, neighbours)["local_i"]


def enough() -> Run:
    values, neighbours = load_graph()
    permutations = enough_permutations(int(neighbours.counts.gt(0).sum()))
    return lambda: local_moran(values, neighbours, permutations=permutations)["local_i"]


CASES = {
    "ours_999": ours(999),
    "esda_999": esda,
    "ours_9999": ours(9999),
    "enough": enough,
    "contiguity": touching,
    "queen": queen,
    "graph": graph,
    "squares_contiguity": squares_touching,
    "squares_9999": squares_moran,
}


def resident(field: str) -> int:
    """Read a memory figure of this process [kB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def measure_memory(case: str) -> float:
    """Measure the memory that one run adds at its peak [MB]."""
    run = CASES[case]()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # freed memory goes back to the system, so that none is reused unseen
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts again from here
    before = resident("VmRSS")
    result = run()
    peak = resident("VmHWM")
    return (peak - before) / 1024 if len(result) else 0.0


def measure_time(case: str, repeat: int, values: Path) -> list[float]:
    """Time some runs [s], after one that does not count, and keep the values of the last."""
    run = CASES[case]()
    run()
    times = []
    for _ in range(repeat):
        gc.collect()
        start = time.perf_counter()
        result = run()
        times.append(time.perf_counter() - start)
    result.to_pickle(values)
    return times


def child(what: str, case: str, repeat: int, values: Path) -> list[float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, case, "--repeat", str(repeat), "--values", str(values)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this script
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


def gap(folder: Path, one: str, other: str) -> float:
    """Measure the largest gap between two results, relative to the largest value; an island has no Moran in ours."""
    first, second = (pd.read_pickle(folder / name) for name in (one, other))  # noqa: S301 - just written
    second = second.reindex(first.index)
    if ((first.isna()) & (second != 0)).any():
        sys.exit(f"{one} leaves undefined places where {other} is not 0: the two do not agree.")
    return float((first - second).abs().max() / second.abs().max())


def cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--repeat", type=int, default=5, help="runs of each case (median)")
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
        gaps = {"esda": gap(folder, "ours_999", "esda_999")}
        gaps |= {peer: gap(folder, "contiguity", peer) for peer in ("queen", "graph")}
    values, neighbours = load_graph()

    print(f"{len(values):,} communes whose ages are known, {len(neighbours.start):,} links between them.\n")
    print("| all communes | territoire_geo | PySAL | ratio |\n|---|---:|---:|---:|")
    pairs = (
        ("local Moran, 999 permutations, against esda", "ours_999", "esda_999"),
        ("contiguity, against libpysal Queen", "contiguity", "queen"),
        ("contiguity, against libpysal Graph", "contiguity", "graph"),
    )
    for title, mine, peer in pairs:
        for unit, figures in (("s", seconds), ("MB", megabytes)):
            one, other = figures[mine], figures[peer]
            print(f"| {title} | {one:.3g} {unit} | {other:.3g} {unit} | {other / one:.1f} |")
    differ = max(gaps["queen"], gaps["graph"])
    print(f"\nSame values: largest relative gap {gaps['esda']:.1e} with esda, {differ:.0e} in numbers of neighbours.\n")
    print("| territoire_geo alone | time | peak memory added |\n|---|---:|---:|")
    many = enough_permutations(int(neighbours.counts.gt(0).sum()))
    alone = (
        ("all communes, 9,999 permutations", "ours_9999"),
        (f"all communes, {many:,} permutations: enough for a single commune to be a cluster", "enough"),
        (f"contiguity of {SIDE * SIDE:,} squares", "squares_contiguity"),
        (f"{SIDE * SIDE:,} squares, 9,999 permutations", "squares_9999"),
    )
    for title, case in alone:
        print(f"| {title} | {seconds[case]:.3g} s | {megabytes[case]:.0f} MB |")
    packages = ("esda", "libpysal", "numba", "numpy", "pandas", "scipy", "shapely", "geopandas")
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in packages)
    machine = f"{cpu()}; {platform.system()}, Python {platform.python_version()}"
    print(f"\nMedian of {options.repeat} runs, after one. {machine}, {versions}.")
    return 0 if max(gaps.values()) < TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
