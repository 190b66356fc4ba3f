"""A source that is one file: fetched through the door, read as text, recognised by its header."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from territoire_geo.cog import quote
from territoire_geo.errors import SourceFormatError
from territoire_geo.loaders._catalogue import Entry
from territoire_geo.loaders._fetch import Ask, Door, fetch
from territoire_geo.loaders._layout import Layout, Raw
from territoire_geo.loaders._read import read_texts


def whole_file(door: Door, source: Entry, layout: Layout, ask: Ask | None = None) -> Iterator[Raw]:
    """
    Fetch a file and read the tables of it that have a layout.

    Parameters
    ----------
    door
        The network, or its cache.
    source
        The source.
    layout
        What its tables look like; the others of a zip (labels of columns) are left aside.
    ask
        The request, when it is not the plain download of the source.

    Yields
    ------
    Raw
        Each table, as text, with the hash of the file.

    Raises
    ------
    SourceUnavailableError
        If the producer cannot be asked.
    SourceFormatError
        If no table of the file has the layout, or one has no row.
    """
    read: list[Raw] = []

    def check(path: Path) -> None:
        read[:] = _recognised(path, source, layout)

    answer = fetch(door, source, ask or Ask(), check=check)
    if not read:  # it was here already
        check(answer.path)
    placed = "fichier placé à la main" if answer.origin == "by hand" and "{date}" in source.millesime else ""
    for raw in read:
        millesime = placed or (layout.vintage(raw.frame) if layout.vintage else "")
        yield replace(raw, sha256=answer.sha256, fetched=answer.fetched, millesime=millesime)


def _recognised(path: Path, source: Entry, layout: Layout) -> list[Raw]:
    """Read the tables that have the layout; a file that has none is refused before it is kept."""
    seen, found = [], []
    for name, text in read_texts(path, layout.columns, known=layout.recognise):
        if not layout.recognise(frozenset(text.columns)):
            seen += list(text.columns)
        elif text.empty:
            raise SourceFormatError(f"{source.title} ({source.url}): {name} has no row under its header.")
        else:
            found.append(Raw(f"{source.id} ({name})", text))
    if not found:
        message = (
            f"{source.title} ({source.url}): the columns are not those of this vintage ({quote(seen)}). "
            f"See {source.landing_page}; a new vintage is a change of the catalogue."
        )
        raise SourceFormatError(message)
    return found
