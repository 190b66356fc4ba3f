"""
Shared diagnostics of French territories: load, diagnose, draw.

>>> import territoire_geo as tg
>>> territory = tg.load_territory("200010650")
>>> territory.name, len(territory.core)
('CA du Grand Dole', 47)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from territoire_geo import access, coverage, errors, priorities, proposals
    from territoire_geo.comparisons import Comparison, compare
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
    from territoire_geo.exchange import (
        read_diagnostic,
        read_sessions,
        read_table,
        write_geopackage,
        write_session,
        write_sources,
        write_tables,
    )
    from territoire_geo.loaders import (
        SOURCES,
        Door,
        fetch_france,
        fetch_minutes,
        load_demo,
        load_minutes,
        load_tables,
        load_territory,
        open_door,
        write_minutes,
    )
    from territoire_geo.maps import DiagnosticMap, StaticMap, draw_map, draw_static
    from territoire_geo.measures import Measure, Need, Reference
    from territoire_geo.needs import NEEDS
    from territoire_geo.priorities import Ranking
    from territoire_geo.proposals import Proposal
    from territoire_geo.recipes import Recipe, read_recipe, write_recipe
    from territoire_geo.report import write_commune_sheet, write_directory, write_report
    from territoire_geo.scenarios import simulate
    from territoire_geo.sessions import Sessions
    from territoire_geo.tables import Absence, Note, Source, Tables
    from territoire_geo.territory import Territory

__all__ = [
    "NEEDS",
    "SOURCES",
    "Absence",
    "ApproximateTravelWarning",
    "ChecksumError",
    "CogYearError",
    "Comparison",
    "CrsError",
    "Diagnostic",
    "DiagnosticMap",
    "Door",
    "IncompleteBufferWarning",
    "Measure",
    "MissingExtraError",
    "Need",
    "Note",
    "Proposal",
    "Ranking",
    "Recipe",
    "Reference",
    "Sessions",
    "Source",
    "SourceError",
    "SourceFormatError",
    "SourceUnavailableError",
    "StaleSourceWarning",
    "StaticMap",
    "SuppressedValueWarning",
    "TableError",
    "Tables",
    "TerritoireGeoError",
    "TerritoireGeoWarning",
    "Territory",
    "UnknownTerritoryError",
    "access",
    "compare",
    "coverage",
    "diagnose",
    "draw_map",
    "draw_static",
    "errors",
    "fetch_france",
    "fetch_minutes",
    "load_demo",
    "load_minutes",
    "load_tables",
    "load_territory",
    "open_door",
    "priorities",
    "proposals",
    "read_diagnostic",
    "read_recipe",
    "read_sessions",
    "read_table",
    "simulate",
    "write_commune_sheet",
    "write_directory",
    "write_geopackage",
    "write_minutes",
    "write_recipe",
    "write_report",
    "write_session",
    "write_sources",
    "write_tables",
]

# A name is imported when it is first used: drawing, writing and reading weigh on those who use them only.
_SUBMODULES: Final = frozenset({"access", "coverage", "errors", "priorities", "proposals"})
_HOMES: Final = {
    "comparisons": ("Comparison", "compare"),
    "diagnostic": ("Diagnostic", "diagnose"),
    "exchange": (
        "read_diagnostic",
        "read_sessions",
        "read_table",
        "write_geopackage",
        "write_session",
        "write_sources",
        "write_tables",
    ),
    "loaders": (
        "SOURCES",
        "Door",
        "fetch_france",
        "fetch_minutes",
        "load_demo",
        "load_minutes",
        "load_tables",
        "load_territory",
        "open_door",
        "write_minutes",
    ),
    "maps": ("DiagnosticMap", "StaticMap", "draw_map", "draw_static"),
    "measures": ("Measure", "Need", "Reference"),
    "needs": ("NEEDS",),
    "priorities": ("Ranking",),
    "proposals": ("Proposal",),
    "recipes": ("Recipe", "read_recipe", "write_recipe"),
    "report": ("write_commune_sheet", "write_directory", "write_report"),
    "scenarios": ("simulate",),
    "sessions": ("Sessions",),
    "tables": ("Absence", "Note", "Source", "Tables"),
    "territory": ("Territory",),
}
_HOME: Final = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
