"""IN: every byte from outside becomes a territory or tidy tables."""

from territoire_geo.loaders._catalogue import SOURCES
from territoire_geo.loaders._fetch import Door, open_door
from territoire_geo.loaders._france import fetch_france
from territoire_geo.loaders._minutes import load_minutes
from territoire_geo.loaders._tables import load_demo, load_tables
from territoire_geo.loaders._territory import load_territory
from territoire_geo.loaders.travel_times import fetch_minutes, write_minutes

__all__ = [
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
]
