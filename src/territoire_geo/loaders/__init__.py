"""IN: every byte from outside becomes a territory or tidy tables."""

from territoire_geo.loaders._minutes import load_minutes
from territoire_geo.loaders._tables import load_demo, load_tables
from territoire_geo.loaders._territory import load_territory

__all__ = ["load_demo", "load_minutes", "load_tables", "load_territory"]
