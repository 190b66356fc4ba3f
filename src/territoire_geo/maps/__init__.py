"""Draw a diagnostic on Folium, in one file that works offline."""

from territoire_geo.maps._map import DiagnosticMap, draw_map
from territoire_geo.maps._static import StaticMap, draw_static

__all__ = ["DiagnosticMap", "StaticMap", "draw_map", "draw_static"]
