"""The catalogue: every source, who publishes it, where, its licence and its vintage, as catalogue.toml says."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from territoire_geo.errors import SourceError
from territoire_geo.tables import Source


@dataclass(frozen=True)
class Service:
    """
    A server that answers for one or several sources, and the pace it asks for.

    `base_url` has no final slash; `per_minute` is the number of requests that an anonymous user may send.
    """

    id: str
    producer: str
    base_url: str
    per_minute: float


@dataclass(frozen=True)
class Entry:
    """
    A source of the catalogue.

    `path` is what follows the base URL of its service; `format` how the file ends (csv, zip, parquet, xlsx, json).
    `tables` are the fields of `Tables` that it fills; `refresh_days` how long a copy is used before the producer is
    asked again, None for a file that is frozen, whose `sha256` is then known or empty until a first download.
    `period` is the vintage as the producer's files and requests write it. `fallback_of` names the source that it
    stands in for when that one fails. `file` is the format of the published file that one may place by hand, when it is
    not what `path` answers. `probe` is a light request (path?query) that tells whether the producer answers,
    when the plain path does not. `gives` and `limits` are sentences for the documentation, `verify` what a first
    live run must confirm.
    """

    id: str
    service: Service
    title: str
    producer: str
    licence: str
    landing_page: str
    path: str
    format: str
    tables: tuple[str, ...]
    millesime: str
    period: str = ""
    cog_year: int | None = None
    sha256: str = ""
    refresh_days: float | None = None
    max_mb: float = 100.0
    fallback_of: str = ""
    file: str = ""
    probe: str = ""
    gives: str = ""
    limits: str = ""
    cite: str = ""
    verify: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Where the source is, with the base URL of the catalogue."""
        return f"{self.service.base_url}/{self.path}" if self.path else self.service.base_url

    @property
    def published(self) -> str:
        """Format of the file that the producer publishes, "" when it only answers requests."""
        return self.file or ("" if self.format == "json" else self.format)

    def vintage(self, fetched: float | None = None) -> str:
        """
        Name the vintage, of the catalogue or of the day when a living list was received.

        Parameters
        ----------
        fetched
            When it was received [seconds since 1970].

        Returns
        -------
        vintage
            Such as "RP 2023" or "liste du 23/11/2026".
        """
        date = "jour de la collecte" if fetched is None else f"{datetime.fromtimestamp(fetched, tz=UTC):%d/%m/%Y}"
        return self.millesime.replace("{date}", date)

    def source(self, *, sha256: str = "", millesime: str = "", fetched: float | None = None) -> Source:
        """
        Give the record that figures cite.

        Parameters
        ----------
        sha256
            Hash of what was read.
        millesime
            The vintage that was read, when the answer tells it; that of the catalogue otherwise.
        fetched
            When it was received [seconds since 1970].

        Returns
        -------
        source
            The source.
        """
        return Source(
            id=self.id,
            title=self.title,
            producer=self.producer,
            url=self.url,
            licence=self.licence,
            millesime=millesime or self.vintage(fetched),
            cog_year=self.cog_year,
            sha256=sha256,
            landing_page=self.landing_page,
        )


def _read() -> tuple[Entry, ...]:
    text = resources.files("territoire_geo.loaders").joinpath("catalogue.toml").read_text(encoding="utf-8")
    listed = tomllib.loads(text)
    services = {name: Service(name, **fields) for name, fields in listed["services"].items()}
    return tuple(_entry(name, fields, services) for name, fields in listed["sources"].items())


def _entry(name: str, fields: dict[str, Any], services: Mapping[str, Service]) -> Entry:
    service = services[fields.pop("service")]
    lists = {key: tuple(fields.pop(key, ())) for key in ("tables", "verify")}
    return Entry(name, service, **{"producer": service.producer} | fields | lists)


SOURCES: Final[tuple[Entry, ...]] = _read()
_BOOK: Final[Mapping[str, Entry]] = MappingProxyType({entry.id: entry for entry in SOURCES})


def entry(source: str) -> Entry:
    """
    Find a source of the catalogue.

    Parameters
    ----------
    source
        Its id, such as "insee_voitures".

    Returns
    -------
    entry
        The source.

    Raises
    ------
    SourceError
        If the catalogue has no such source: the message lists those it has.
    """
    if source not in _BOOK:
        raise SourceError(f"{source!r} is not a source of the catalogue. The sources are {', '.join(_BOOK)}.")
    return _BOOK[source]
