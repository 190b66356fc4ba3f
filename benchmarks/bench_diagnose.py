"""
Measure a whole diagnostic: an EPCI, a département, mainland France at once, and 200,000 demand points.

`python benchmarks/bench_diagnose.py` prints Markdown. The EPCI is the demonstration; the département (Jura) and France
are read from the published files beside the repository, else made up from the embedded base, and the output says so.

Every figure comes from a process of its own. Tables are in memory and copied before each run, so that what pandas
remembers of their indexes is lost, as in a first call. Both the time of the processor and that of the clock are told,
the machine being shared: the least of the runs. The memory is the highest resident memory of a run less that before it
(Linux, VmHWM reset between the two).
"""

from __future__ import annotations

import argparse
import copyreg
import gc
import json
import multiprocessing
import os
import pickle
import platform
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from importlib import metadata
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd

import territoire_geo as tg
from territoire_geo import (
    absences,
    access,
    colleges,
    coverage,
    diagnostic,
    inventory,
    moran,
    priorities,
    resources,
    runs,
    settings,
    siting,
    standings,
    typology,
)
from territoire_geo.measures import Inputs, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

    Loaded = tuple[tg.Territory, tg.Tables]

PUBLISHED: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
FILES: Final = (
    "insee/base_cc_comparateur_csv.zip",
    "insee/bpe_ens_2019.parquet",
    "siae/siae_itou_2020-12.csv",
    "cnaf/cnaf_txcouv_pe_2023_extrait.csv",
    "mobilite/gares-de-voyageurs.csv",
    "ressources/liste-fs-20240801_sans_contacts.csv",
    "bmo/Base_open_data_BMO_2024.xlsx",
)
CARPOOL: Final = "mobilite/bnlc-.zip"
PLACES: Final = {"demo": "EPCI (demonstration)", "39": "département (Jura)", "FR": "mainland France"}
POINTS: Final = 200_000
REACH: Final = 30.0  # minutes
PARTS: Final = {
    "minutes": [(settings, "minutes_by_law")],
    "needs": [(runs, "run"), (diagnostic, "_levels")],
    "sensitivity, inequality": [(runs, name) for name in ("covered", "scenarios", "sensitivity", "inequality")],
    "inventory": [
        (inventory, "near_structures"), (inventory, "take"), (inventory, "commute"),
        (resources, "structures_within_reach"), (diagnostic, "_structures"),
    ],
    "standings": [(standings, name) for name in ("reference_rows", "standings", "contributions")],
    "priorities": [(diagnostic, "prioritise"), (diagnostic, "contiguity")],
    "proposals": [(diagnostic, "_proposals")],
    "absences": [(absences, "notes"), (absences, "reasons")],
}  # fmt: skip


def _proxy(content: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(content)


copyreg.pickle(MappingProxyType, lambda proxy: (_proxy, (dict(proxy),)))  # so that tables can be copied


# ---- inputs --------------------------------------------------------------------------------


def load(code: str, folder: Path) -> Loaded:
    """Read a territory and its tables: the demonstration, the published files, or made-up ones."""
    if code == "demo":
        return tg.load_demo()
    territory = tg.load_territory(code)
    return territory, tg.load_tables(territory, sources=folder) if any(folder.iterdir()) else made_up(territory)


def fill(folder: Path) -> None:
    """Gather the published files; leave the folder empty when one is not here."""
    if all((PUBLISHED / name).exists() for name in (*FILES, CARPOOL)):
        for name in FILES:
            (folder / Path(name).name).symlink_to(PUBLISHED / name)
        with zipfile.ZipFile(PUBLISHED / CARPOOL) as archive:
            archive.extractall(folder)


def made_up(territory: tg.Territory) -> tg.Tables:
    """Draw counts in proportion to the residents, and a structure for 18,000 of them."""
    people, rng = territory.communes["population"], np.random.default_rng(7)

    def count(share: float) -> pd.Series[float]:
        return np.round(people * share * rng.uniform(0.8, 1.2, len(people)))

    actives = count(0.45)
    frames = {
        "population": pd.DataFrame({"population": people, "pop_65_plus": count(0.2)}),
        "activity": pd.DataFrame(
            {"actifs_15_64": actives, "chomeurs_15_64": np.round(0.1 * actives), "emplois": count(0.4)}
        ),
        "births": pd.DataFrame({"naissances": count(0.01), "annees": 1.0}),
        "cars": pd.DataFrame({"menages": people * 0.45, "menages_voiture": people * 0.36}),
    }
    size = int(people.sum() / 18_000)
    points = territory.points.iloc[rng.choice(len(people), size, p=people / people.sum())].to_crs(4326)
    keys = [[f"{rank:014d}" for rank in range(size)], np.resize(["ACI", "AI", "EI", "ETTI"], size)]
    structures = pd.DataFrame(
        {"name": "Structure", "naf": np.resize(["8891A", "8810A", "3832Z", "7820Z"], size)}
        | {"lon": points.x.to_numpy(), "lat": points.y.to_numpy()},
        index=pd.MultiIndex.from_arrays(keys, names=["siret", "kind"]),
    )
    epci = territory.communes["code_epci"].dropna().unique()
    levels = pd.MultiIndex.from_tuples([("FR", "FR"), *(("EPCI", code) for code in epci)], names=["niveau", "code"])
    sums = pd.concat([frame.sum() for frame in frames.values()]).to_dict()
    norms = pd.DataFrame([{**sums, "nom": "France", "siae": size, "siae_aide_domicile": size / 4}], index=levels[:1])
    rates = pd.DataFrame({"taux": 60.0, "taux_eaje": rng.uniform(5, 40, len(levels))}, index=levels)
    return tg.Tables(**frames, structures=structures, references=norms, childcare_rates=rates)


# ---- 200,000 demand points -----------------------------------------------------------------


def scattered() -> dict[str, Any]:
    """Scatter points around the communes of mainland France, and draw their demand and the structures."""
    france, rng = tg.load_territory("FR"), np.random.default_rng(42)
    tables = made_up(france)
    near, shift = france.points.iloc[rng.integers(0, len(france.points), POINTS)], rng.normal(0, 2000, (2, POINTS))
    ids = pd.Index([f"p{number:06d}" for number in range(POINTS)], name="code_commune")
    places = gpd.GeoSeries.from_xy(near.x.to_numpy() + shift[0], near.y.to_numpy() + shift[1], index=ids, crs=near.crs)
    people = pd.Series(rng.integers(0, 400, POINTS).astype(float), index=ids, name="people")
    levels = diagnostic._levels(tables, tg.NEEDS)  # noqa: SLF001 - what a diagnostic gives to the inventory
    named = [f"structures/{siret}/{kind}" for siret, kind in tables.structures.index]
    sites = gpd.GeoSeries.from_xy(tables.structures["lon"], tables.structures["lat"], crs=4326).to_crs(near.crs)
    sites = sites.set_axis(pd.Index(named))
    minutes = access.travel_minutes(places, sites, max_minutes=REACH)
    # A Territory holds communes only; the inventory reads nothing of it but the index.
    area = SimpleNamespace(communes=pd.DataFrame({"population": people}))
    inputs = Inputs(area, tables, {"car": minutes}, Reference("FR", "FR", "France"), levels)  # type: ignore[arg-type]
    parts = pd.DataFrame(rng.beta(1, 2, (POINTS, 5)), index=ids, columns=[need.id for need in tg.NEEDS])
    return {"places": places, "sites": sites, "people": people, "minutes": minutes, "inputs": inputs, "parts": parts}


def on_points() -> dict[str, Callable[[], object]]:
    """Prepare the functions on the points; what they are given is built out of the clock."""
    given = scattered()
    people, minutes, parts, inputs = (given[key] for key in ("people", "minutes", "parts", "inputs"))
    supply, law = pd.Series(1.0, index=given["sites"].index), access.steps({10: 1, 20: 0.68, 30: 0.22})
    need = tg.NEEDS[3]
    found = access.floating_catchment(people, supply, minutes, law)["access"]
    norm, use = len(supply) / people.sum(), pd.Series(range(1, 6), index=parts.columns, dtype="float64")
    weights = dict.fromkeys(parts.columns, 1.0)
    ranks = colleges.rankings(parts, {"one": weights, "other": {**weights, parts.columns[0]: 5.0}})
    gaps = coverage.unmet_need(people, found, norm)["unmet_people"]
    runs_of = {str(n): pd.DataFrame({"access": found * n, "target": norm}) for n in range(1, 6)}
    settings_of = coverage.shortfalls(runs_of)
    return {
        "access.travel_minutes": lambda: access.travel_minutes(given["places"], given["sites"], max_minutes=REACH),
        "access.between": lambda: access.between(minutes, origins=people.index[::2]),
        "access.nearest": lambda: access.nearest(minutes),
        "access.nearest_id, n = 3": lambda: access.nearest_id(minutes, 3),
        "access.count_within": lambda: access.count_within(minutes, (10, 20, 30)),
        "access.reached_supply": lambda: access.reached_supply(people, supply, minutes, law),
        "access.hansen": lambda: access.hansen(supply, minutes, law, people.index),
        "access.catchments": lambda: access.catchments(people, supply, minutes, law).report(),
        "access.floating_catchment": lambda: access.floating_catchment(people, supply, minutes, law),
        "access.shen": lambda: access.shen(people, supply, minutes, law),
        "access.spatial_availability": lambda: access.spatial_availability(people, supply, minutes, law),
        "access.balanced_catchment": lambda: access.balanced_catchment(people, supply, minutes, law),
        "access.standardised_demand": lambda: access.standardised_demand(parts, use),
        "coverage.unmet_need": lambda: coverage.unmet_need(people, found, norm),
        "coverage.fgt": lambda: coverage.fgt(people, found, norm, 1),
        "coverage.gini": lambda: coverage.gini(found, people),
        "coverage.palma": lambda: coverage.palma(found, people),
        "coverage.theil": lambda: coverage.theil(found, people),
        "coverage.inequality": lambda: coverage.inequality(people, found, norm),
        "coverage.shortfalls, 5 settings": lambda: coverage.shortfalls(runs_of),
        "priorities.normalise": lambda: priorities.normalise(parts, "rank"),
        "priorities.score": lambda: priorities.score(parts, weights),
        "priorities.contributions": lambda: priorities.contributions(parts, weights),
        "priorities.rank": lambda: priorities.rank(people),
        "priorities.worst": lambda: priorities.worst(people),
        "priorities.kept_in_worst": lambda: priorities.kept_in_worst(settings_of),
        "priorities.turnover": lambda: priorities.turnover(settings_of, settings_of["1"]),
        "priorities.leave_one_out": lambda: priorities.leave_one_out(parts, weights),
        "priorities.stability, 1,000 draws": lambda: priorities.stability(parts, weights),
        "priorities.rankings": lambda: colleges.rankings(parts, {"one": weights}),
        "priorities.kendall_w": lambda: colleges.kendall_w(ranks),
        "priorities.pairwise_agreement": lambda: colleges.pairwise_agreement(ranks),
        "priorities.disagreements": lambda: colleges.disagreements(ranks),
        "priorities.typology": lambda: typology.typology(parts),
        "priorities.floor": lambda: moran.floor(POINTS),
        "max_cover, greedy, 10 places": lambda: siting.max_cover(gaps, minutes, 10, reach=20),
        "p_median, 10 places, 1 start": lambda: siting.p_median(gaps, minutes, 10, starts=1),
        "resources.structures_within_reach": lambda: resources.structures_within_reach(inputs, tg.NEEDS),
        "resources.within_minutes": lambda: resources.within_minutes(inputs, need),
        "resources.nearest_structures": lambda: resources.nearest_structures(inputs, need),
        "resources.people_within_reach": lambda: resources.people_within_reach(inputs, need, people),
        "resources.loss_if_closed": lambda: resources.loss_if_closed(inputs, need, people),
        "resources.overlaps": lambda: resources.overlaps(inputs, need, people),
        "resources.white_zones": lambda: resources.white_zones(inputs, need, people),
        "resources.multiplicity": lambda: resources.multiplicity(inputs, need, people),
        "resources.diversity": lambda: resources.diversity(inputs),
    }


# ---- measures ------------------------------------------------------------------------------


def resident(field: str) -> int:
    """Read a memory figure of this process [kB]."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def clocked(run: Callable[[], object]) -> list[float]:
    """Time a run: processor, clock [s], and the memory that it adds at its peak [MB]."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM starts again from here
    before, cpu, clock = resident("VmRSS"), time.process_time(), time.perf_counter()
    run()
    return [time.process_time() - cpu, time.perf_counter() - clock, (resident("VmHWM") - before) / 1024]


def least(run: Callable[[], Callable[[], object]], repeat: int) -> list[float]:
    """Keep the shortest of some runs, and the memory of the first, which nothing has warmed."""
    found = [clocked(run()) for _ in range(repeat)]
    return [min(one[0] for one in found), min(one[1] for one in found), found[0][2]]


def measure_reading(code: str, folder: Path, _repeat: int) -> list[float]:
    loaded: list[Loaded] = []
    found = clocked(lambda: loaded.append(load(code, folder)))
    territory, tables = loaded[0]
    count = 0 if tables.structures is None else len(tables.structures)
    (folder.parent / f"{code}.pickle").write_bytes(pickle.dumps((territory, tables)))
    return [*found, len(territory.core), len(territory.communes), count]


def measure_diagnose(code: str, folder: Path, repeat: int) -> list[float]:
    content = (folder.parent / f"{code}.pickle").read_bytes()

    def run() -> Callable[[], object]:
        territory, tables = pickle.loads(content)  # noqa: S301 - pickled by this run: indexes not seen yet
        return lambda: tg.diagnose(territory, tables)

    return least(run, repeat)


def measure_parts(code: str, folder: Path, _repeat: int) -> list[float]:
    """Time each part of a diagnostic [s of processor], then the rest of it."""
    territory, tables = pickle.loads((folder.parent / f"{code}.pickle").read_bytes())  # noqa: S301 - pickled by this run
    spent = dict.fromkeys(PARTS, 0.0)
    for part, functions in PARTS.items():
        for module, name in functions:
            setattr(module, name, watched(getattr(module, name), spent, part))
    whole = clocked(lambda: tg.diagnose(territory, tables))[0]
    return [*spent.values(), whole - sum(spent.values())]


def watched(function: Callable[..., Any], spent: dict[str, float], part: str) -> Callable[..., Any]:
    def run(*given: object, **options: object) -> object:
        start = time.process_time()
        found = function(*given, **options)
        spent[part] += time.process_time() - start
        return found

    return run


def measure_simulate(code: str, folder: Path, _repeat: int) -> list[float]:
    territory, tables = pickle.loads((folder.parent / f"{code}.pickle").read_bytes())  # noqa: S301 - pickled by this run
    before = tg.diagnose(territory, tables)
    closed = [before.structures.index[0]]
    return clocked(lambda: tg.simulate(before, territory, tables, close=closed))


MEASURES: Final = {
    "reading": measure_reading,
    "diagnose": measure_diagnose,
    "parts": measure_parts,
    "simulate": measure_simulate,
}


def child(what: str, case: str, folder: Path, repeat: int = 1) -> list[float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--measure", what, case, str(folder), "--repeat", str(repeat)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this script
    return [float(figure) for figure in json.loads(done.stdout.splitlines()[-1])]


# ---- tables --------------------------------------------------------------------------------


def told(figures: list[float]) -> str:
    return f"{figures[0]:.2f} s | {figures[1]:.2f} s | {figures[2]:,.0f} MB"


def territories(folder: Path, repeat: int) -> None:
    """Print the cost of a diagnostic beside that of reading its tables, then part by part."""
    print("## A diagnostic, tables in memory\n")
    print(
        "| territory | communes (core, all) | structures | reading, CPU | CPU | clock | peak added | of the reading |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for code, title in PLACES.items():
        reading = child("reading", code, folder)
        found = child("diagnose", code, folder, 1 if code == "FR" else repeat)
        sizes = f"{reading[3]:,.0f}, {reading[4]:,.0f} | {reading[5]:,.0f} | {reading[0]:.2f} s"
        print(f"| {title} | {sizes} | {told(found)} | {found[0] / reading[0]:.2f} |", flush=True)
    print("\n| simulate, one structure closed | CPU | clock | peak added |\n|---|---:|---:|---:|")
    for code in ("demo", "FR"):
        print(f"| {PLACES[code]} | {told(child('simulate', code, folder))} |", flush=True)
    print("\n## Part by part [s of processor]\n")
    print(f"| territory | {' | '.join(PARTS)} | the rest |\n|---|{'---:|' * (len(PARTS) + 1)}")
    for code, title in PLACES.items():
        print(f"| {title} | {' | '.join(f'{spent:.2f}' for spent in child('parts', code, folder))} |", flush=True)


def points() -> None:
    """Print the cost of each function on the points."""
    print(f"\n## {POINTS:,} demand points\n")
    print("Scattered around the communes of mainland France; made-up structures, one for 18,000 residents.\n")
    print("| function | CPU | clock | peak added |\n|---|---:|---:|---:|")
    for name, run in on_points().items():
        print(f"| {name} | {told(forked(run))} |", flush=True)


def forked(run: Callable[[], object]) -> list[float]:
    """Measure in a process of its own, which inherits what was built."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(clocked(run)))
    process.start()
    sender.close()  # so that a process that fails is not waited for
    found: list[float] = receiver.recv()
    process.join()
    return found


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "pandas", "scipy", "geopandas"))
    cpu = f"{named[0] if named else platform.processor()}, {os.cpu_count()} cores"
    return f"{cpu}; {platform.system()}, Python {platform.python_version()}, {versions}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--repeat", type=int, default=5, help="runs of the small territories (the least is kept)")
    parser.add_argument("--only", choices=("territories", "points"), help="one of the two chapters")
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "CASE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
    if options.measure:
        what, case, folder = options.measure
        print(json.dumps(MEASURES[what](case, Path(folder), options.repeat)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "files"
        folder.mkdir()
        fill(folder)
        print("Published files.\n" if any(folder.iterdir()) else "MADE-UP TABLES (the published files are not here).\n")
        if options.only != "points":
            territories(folder, options.repeat)
        if options.only != "territories":
            points()
    print(f"\nLeast of {options.repeat} runs for the small territories, one run for the others. {machine()}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
