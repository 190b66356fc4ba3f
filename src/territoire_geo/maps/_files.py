"""Files that are there whole, or not at all."""

import os
import tempfile
from pathlib import Path

from territoire_geo.errors import TerritoireGeoError


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """
    Write a file beside its place, then move it there.

    Parameters
    ----------
    path
        Where; an existing file is replaced.
    content
        What.

    Returns
    -------
    write_whole
        The path.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be written; an existing one is then left as it was.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
        written = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            written.chmod(0o644)  # mkstemp keeps the file to its author; a map is to be read
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)
    except OSError as error:
        message = f"The map cannot be written to {target}: {error.strerror}. Give a folder that exists and is writable."
        raise TerritoireGeoError(message) from error
    return target
