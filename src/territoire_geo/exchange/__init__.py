"""
Write a diagnostic for other tools, and read it back: a GeoPackage, tables for a spreadsheet, the list of sources.

The same diagnostic gives the same bytes. Every file is written aside and then put in place: a reader never sees half
of one. Codes are text; an unknown figure is NULL or an empty cell, and a column says why.
"""

from territoire_geo.exchange._csv import read_table
from territoire_geo.exchange._facts import write_sources
from territoire_geo.exchange._geopackage import write_geopackage
from territoire_geo.exchange._read import read_diagnostic
from territoire_geo.exchange._sessions import read_sessions, write_session
from territoire_geo.exchange._tables import write_tables

__all__ = [
    "read_diagnostic",
    "read_sessions",
    "read_table",
    "write_geopackage",
    "write_session",
    "write_sources",
    "write_tables",
]
