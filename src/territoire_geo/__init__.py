"""
Shared diagnostics of French territories: load, diagnose, draw.

>>> import territoire_geo as tg
>>> territory = tg.load_territory("200010650")
>>> territory.name, len(territory.core)
('CA du Grand Dole', 47)
"""

from importlib import import_module
from typing import TYPE_CHECKING

from territoire_geo import access, coverage, errors
from territoire_geo.diagnostic import Diagnostic, diagnose
from territoire_geo.errors import (
    ApproximateTravelWarning,
    ChecksumError,
    CogYearError,
    CrsError,
    IncompleteBufferWarning,
    MissingExtraError,
    SourceError,
    SourceFormatError,
    SourceUnavailableError,
    StaleSourceWarning,
    SuppressedValueWarning,
    TableError,
    TerritoireGeoError,
    TerritoireGeoWarning,
    UnknownTerritoryError,
)
from territoire_geo.loaders import load_demo, load_minutes, load_tables, load_territory
from territoire_geo.measures import Measure, Need, Reference
from territoire_geo.needs import NEEDS
from territoire_geo.tables import Absence, Note, Source, Tables
from territoire_geo.territory import Territory

if TYPE_CHECKING:
    from territoire_geo.exchange import write_geopackage, write_sources, write_tables
    from territoire_geo.maps import DiagnosticMap, draw_map

__all__ = [
    "NEEDS",
    "Absence",
    "ApproximateTravelWarning",
    "ChecksumError",
    "CogYearError",
    "CrsError",
    "Diagnostic",
    "DiagnosticMap",
    "IncompleteBufferWarning",
    "Measure",
    "MissingExtraError",
    "Need",
    "Note",
    "Reference",
    "Source",
    "SourceError",
    "SourceFormatError",
    "SourceUnavailableError",
    "StaleSourceWarning",
    "SuppressedValueWarning",
    "TableError",
    "Tables",
    "TerritoireGeoError",
    "TerritoireGeoWarning",
    "Territory",
    "UnknownTerritoryError",
    "access",
    "coverage",
    "diagnose",
    "draw_map",
    "errors",
    "load_demo",
    "load_minutes",
    "load_tables",
    "load_territory",
    "write_geopackage",
    "write_sources",
    "write_tables",
]

# Drawing and writing are imported when first used, so that `import territoire_geo` stays light.
_LAZY = {
    "DiagnosticMap": "territoire_geo.maps",
    "draw_map": "territoire_geo.maps",
    "write_geopackage": "territoire_geo.exchange",
    "write_sources": "territoire_geo.exchange",
    "write_tables": "territoire_geo.exchange",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
