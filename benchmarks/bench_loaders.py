"""
The whole of France from published files: time and peak memory, against pandas reading the same files, in the same run.

Usage: python benchmarks/bench_loaders.py [FOLDER]; FOLDER holds the published files of reference, beside the repository
by default. Each task runs in a process of its own, so that its peak memory is its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

# One file by table: two vintages of one figure are refused, as they should be.
FILES = {
    "insee/base_cc_comparateur_csv.zip": "insee_comparateur",
    "insee/bpe_ens_2019.parquet": "insee_bpe",
    "siae/siae_itou_2020-12.csv": "emplois_inclusion",
    "cnaf/cnaf_txcouv_pe_2023_extrait.csv": "cnaf_taux_epci",
    "mobilite/bnlc-.zip": "bnlc",
    "mobilite/gares-de-voyageurs.csv": "sncf_gares",
    "ressources/liste-fs-20240801_sans_contacts.csv": "france_services",
    "bmo/Base_open_data_BMO_2024.xlsx": "bmo",
}
DOLE = "200010650"


def imports(_folder: Path, _cache: Path) -> str:
    """Import what the other tasks import."""
    import territoire_geo as tg

    return str(bool(tg.load_tables))


def pandas_only(folder: Path, _cache: Path) -> str:
    """Read the same files with pandas: as text, nothing checked, nothing harmonised."""
    import pandas as pd

    rows = 0
    for path in sorted(folder.iterdir()):
        if path.suffix == ".parquet":
            rows += len(pd.read_parquet(path))
        elif path.suffix == ".xlsx":
            rows += len(pd.read_excel(path, sheet_name=1, dtype=str, engine="calamine"))
        elif path.name.startswith("base_cc"):
            import zipfile

            with zipfile.ZipFile(path) as archive, archive.open("base_cc_comparateur.CSV") as member:
                rows += len(pd.read_csv(member, sep=";", dtype=str))
        else:
            rows += len(pd.read_csv(path, sep=None, engine="python", dtype=str))
    return f"{rows} rows"


def france(folder: Path, _cache: Path) -> str:
    """Load France: every table typed, checked, on current communes, totals drawn."""
    import territoire_geo as tg

    tables = tg.load_tables(tg.load_territory("FR"), sources=folder)
    return f"{len(tables.loaded)} tables, {len(tables.activity)} communes, {len(tables.facilities)} facilities"


def store(folder: Path, cache: Path) -> str:
    """Write the national store from the same files."""
    from dataclasses import replace

    from territoire_geo.loaders import _folder, _store, open_door
    from territoire_geo.loaders._catalogue import entry
    from territoire_geo.loaders._pile import Pile

    door = open_door(cache=cache, offline=True)
    files = []
    for path in sorted(folder.iterdir()):  # a file is a source, each written as soon as it is read
        one = folder.parent / f"only-{path.stem}"
        one.mkdir()
        (one / path.name).symlink_to(path.resolve())
        pile = Pile()
        _folder.read_folder(pile, one)
        source = next(source for name, source in FILES.items() if path.stem.startswith(Path(name).stem))
        cited = (entry(source).source(),)
        pile.pieces = {name: [replace(piece, sources=cited) for piece in found] for name, found in pile.pieces.items()}
        files += _store.write_source(door, source, pile)
    return f"{sum(path.stat().st_size for path in files) / 1e6:.1f} MB in {len(files)} files"


def territory(_folder: Path, cache: Path) -> str:
    """Read a territory from the store, offline."""
    import territoire_geo as tg
    from territoire_geo.loaders import _store
    from territoire_geo.loaders._pile import Pile

    here, pile = tg.load_territory(DOLE), Pile()
    _store.read_store(pile, here, tg.open_door(cache=cache, offline=True))
    rows = sum(len(piece.frame) for pieces in pile.pieces.values() for piece in pieces)
    return f"{len(pile.pieces)} tables, {rows} rows, {len(here.communes)} communes"


TASKS = {task.__name__: task for task in (imports, pandas_only, france, store, territory)}


def run(name: str, folder: Path, cache: Path) -> dict[str, object]:
    """Run a task in a process of its own."""
    command = [sys.executable, __file__, "--task", name, str(folder), str(cache)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - this very file
    return json.loads(done.stdout)


def main() -> None:
    """Print time, peak memory, and ratios to pandas."""
    published = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "data"
    if not published.is_dir():
        print(f"{published}: the published files are not here, nothing is measured.")
        return
    with tempfile.TemporaryDirectory() as space:
        folder, cache = Path(space) / "files", Path(space) / "cache"
        folder.mkdir()
        for name in FILES:
            if name.endswith("bnlc-.zip"):
                import zipfile

                with zipfile.ZipFile(published / name) as archive:
                    archive.extractall(folder)
            else:
                (folder / Path(name).name).symlink_to((published / name).resolve())
        found = {name: run(name, folder, cache) for name in TASKS}
    peer = found["pandas_only"]
    for name, one in found.items():
        ratio = f"{one['seconds'] / peer['seconds']:5.2f} x pandas" if name in {"france", "store"} else ""
        print(f"{name:12} {one['seconds']:6.1f} s {one['megabytes']:7.0f} MB  {one['result']}  {ratio}")


def task(name: str, folder: Path, cache: Path) -> None:
    """Run one task and print what it took."""
    warnings.simplefilter("ignore")
    start = time.perf_counter()
    result = TASKS[name](folder, cache)
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "result": result}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        task(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
