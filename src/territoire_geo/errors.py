"""Every error and warning of the library: what, where, and what to do."""


class TerritoireGeoError(Exception):
    """Root of the errors of territoire_geo."""


class SourceError(TerritoireGeoError):
    """A published source cannot be used."""


class SourceUnavailableError(SourceError, OSError):
    """A source is out of reach: the message names it, its landing page and how to place it by hand."""


class ChecksumError(SourceError, ValueError):
    """A file is not the one the catalogue knows: the message gives the new hash."""


class SourceFormatError(SourceError, ValueError):
    """A file is unreadable, or its columns or encoding are not those of its vintage."""


class TableError(TerritoireGeoError, ValueError):
    """A tidy table breaks its contract."""


class CogYearError(TableError):
    """A table carries commune codes that its COG year does not have."""


class UnknownTerritoryError(TerritoireGeoError, LookupError):
    """No territory answers to this code or name: the message gives the nearest."""


class CrsError(TerritoireGeoError, ValueError):
    """Coordinate reference systems are mixed, missing or not metric."""


class MissingExtraError(TerritoireGeoError, ImportError):
    """An optional dependency is absent: the message says what to install."""


class TerritoireGeoWarning(UserWarning):
    """Root of the warnings of territoire_geo."""


class SuppressedValueWarning(TerritoireGeoWarning):
    """A figure is withheld, unpublished or estimated, and a result depends on it."""


class ApproximateTravelWarning(TerritoireGeoWarning):
    """Travel times follow a straight-line convention, not a road network."""


class IncompleteBufferWarning(TerritoireGeoWarning):
    """Figures are missing around the territory, and border communes depend on them."""


class StaleSourceWarning(TerritoireGeoWarning):
    """A source is older than what its producer publishes now."""
