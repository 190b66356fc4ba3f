"""Files written aside and then put in place: a reader never sees half of one."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from territoire_geo.errors import TerritoireGeoError


@contextmanager
def drafts(folder: Path, target: Path) -> Iterator[Path]:
    """
    Open a folder beside a target, for files that are put in place once they are whole.

    Parameters
    ----------
    folder
        Where the target stands; made if needed.
    target
        Named when it cannot be written.

    Yields
    ------
    drafts
        A folder that vanishes.

    Raises
    ------
    TerritoireGeoError
        If something cannot be written: what, why and what to do.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that putting a draft in place is a rename: whole, or not at all.
        with TemporaryDirectory(dir=folder, prefix=".territoire_geo-") as drafts:
            yield Path(drafts)
    except (OSError, DataSourceError, DataLayerError, FeatureError, sqlite3.OperationalError) as error:
        # GDAL quotes the whole SQL statement before it says why.
        reason = getattr(error, "strerror", None) or str(error).rsplit("failed: ", maxsplit=1)[-1]
        message = (
            f"{target}: cannot be written ({reason}). "
            "Close it if another program has it open, or choose another folder with --out."
        )
        raise TerritoireGeoError(message) from error
