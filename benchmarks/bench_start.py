"""How long the library takes to start, against what it stands on, in the same run."""

import statistics
import subprocess
import sys
import tempfile
import time

RUNS = 7
IMPORT = "import territoire_geo"
USE = "import territoire_geo as tg; tg.load_territory, tg.diagnose"  # a name is imported when first used
GEOPANDAS = "import geopandas"
DRAWING = "import geopandas, folium"
FRANCE = (
    "import time, territoire_geo as tg; load = tg.load_territory\n"
    "start = time.perf_counter(); load('FR'); print(time.perf_counter() - start)"
)


def seconds(command: list[str]) -> float:
    """Time a whole process."""
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - this interpreter and this project
    return time.perf_counter() - start


def main() -> None:
    """Interleave the runs, so that a busy moment weighs on all, and print the medians and their ratios."""
    python = [sys.executable, "-c"]
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, "-m", "territoire_geo", "demo", "--out", folder]
        commands = {
            IMPORT: [*python, IMPORT],
            USE: [*python, USE],
            GEOPANDAS: [*python, GEOPANDAS],
            DRAWING: [*python, DRAWING],
            "demo": demo,
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(RUNS):
            for name, command in commands.items():
                times[name].append(seconds(command))
    france = [float(subprocess.check_output([*python, FRANCE])) for _ in range(3)]  # noqa: S603 - the same
    medians = {name: statistics.median(values) for name, values in times.items()}
    print("| what | seconds | ratio | limit |")
    print("|---|---:|---:|---:|")
    rows = (
        (IMPORT, medians[IMPORT], medians[IMPORT] / medians[GEOPANDAS], "2 × import geopandas"),
        ("the same, and its first use", medians[USE], medians[USE] / medians[GEOPANDAS], "2 × import geopandas"),
        ("territoire-geo demo, whole process", medians["demo"], medians["demo"] / medians[DRAWING], f"4 × {DRAWING}"),
    )
    for name, value, ratio, limit in rows:
        print(f"| {name} | {value:.2f} | {ratio:.2f} | {limit} |")
    print(f"| load_territory('FR'), imports aside | {statistics.median(france):.2f} | | about a second |")


if __name__ == "__main__":
    main()
