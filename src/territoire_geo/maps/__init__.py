"""Draw a diagnostic on Folium, in one file that works offline."""

from territoire_geo.maps._map import DiagnosticMap, draw_map

__all__ = ["DiagnosticMap", "draw_map"]
