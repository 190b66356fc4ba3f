"""What a diagnostic holds beyond the layers of the file: its frames as bytes, its records as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pandas as pd
import shapely

from territoire_geo.exchange import _records
from territoire_geo.exchange._archive import Kept, crs_text, pack
from territoire_geo.exchange._layers import free_names
from territoire_geo.exchange._long import COVERAGE

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic

WHOLE: Final = (
    "context", "absences", "reach", "trips", "facilities", "scenarios", "sensitivity", "inequality", "conservation",
    "targets", "indicators", "totals", "references", "standings", "contributions",
)  # fmt: skip
INVENTORY: Final = ("losses", "overlaps", "zones", "multiplicity", "diversity", "equipment")
COMMUTING: Final = ("communes", "destinations", "origins")
RANKING: Final = ("table", "components", "weights", "rankings", "disagreements")
TYPOLOGY: Final = ("labels", "sizes", "profiles", "described")


def frames(diagnostic: Diagnostic) -> dict[str, bytes]:
    """
    Pack the frames that no layer shows; of measures and coverage, what the layers do not hold.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    frames
        Name, such as "ranking.table" -> bytes.
    """
    kept: dict[str, Kept | None] = {name: getattr(diagnostic, name) for name in WHOLE}
    kept |= {f"inventory.{name}": getattr(diagnostic.inventory, name) for name in INVENTORY}
    kept |= {f"ranking.{name}": getattr(diagnostic.ranking, name) for name in RANKING}
    if diagnostic.commuting is not None:
        kept |= {f"commuting.{name}": getattr(diagnostic.commuting, name) for name in COMMUTING}
    if diagnostic.ranking.typology is not None:
        kept |= {f"typology.{name}": getattr(diagnostic.ranking.typology, name) for name in TYPOLOGY}
    kept["measures"] = diagnostic.measures.drop(columns=diagnostic.computed)
    kept["coverage"] = diagnostic.coverage.drop(columns=_shown(diagnostic.coverage))
    return {name: pack(frame) for name, frame in kept.items() if frame is not None}


def records(diagnostic: Diagnostic) -> dict[str, object]:
    """
    Write down the records that no layer shows, and how to read the layers as frames.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    records
        JSON-ready.
    """
    ranking, commuting, typology = diagnostic.ranking, diagnostic.commuting, diagnostic.ranking.typology
    shapes = diagnostic.territory.communes.geometry
    polygons = shapely.get_type_id(shapes.to_numpy()) == shapely.GeometryType.POLYGON
    area, found = diagnostic.territory.communes, diagnostic.structures
    flat = pd.DataFrame(found.drop(columns=found.geometry.name)).reset_index()
    names = {  # in the layer, as when it was written
        "communes": free_names(communes_columns(diagnostic)),
        "structures": free_names(flat.columns),
    }
    return {
        "territory": {
            "crs": crs_text(diagnostic.territory.crs),
            "columns": [[str(name), str(area[name].dtype), names["communes"].get(name, "")] for name in area.columns],
            "polygons": [str(code) for code in shapes.index[polygons]],
        },
        "structures": {
            "crs": crs_text(found.crs),
            "index": [str(name) for name in found.index.names],
            "geometry": [
                str(found.geometry.name),
                [str(name) for name in found.columns].index(str(found.geometry.name)),
            ],
            "columns": [[str(name), str(flat[name].dtype), names["structures"][name]] for name in flat.columns],
        },
        "measures": {"columns": [str(name) for name in diagnostic.measures.columns], "computed": diagnostic.computed,
                     "dtypes": [str(diagnostic.measures[name].dtype) for name in diagnostic.computed]},
        "coverage": {"columns": [str(name) for name in diagnostic.coverage.columns],
                     "dtypes": {name: str(diagnostic.coverage[name].dtype) for name in _shown(diagnostic.coverage)}},
        "needs": [_records.need_json(need) for need in diagnostic.needs],
        "definitions": [_records.measure_json(one) for one in diagnostic.definitions.values()],
        "proposals": [_records.proposal_json(one) for one in diagnostic.proposals],
        "table_sources": [
            [name, [_records.asdict_plain(one) for one in held]] for name, held in diagnostic.table_sources.items()
        ],
        "commuting": None if commuting is None else _records.asdict_plain(commuting.territory),
        "ranking": {
            "agreement": _records.asdict_plain(ranking.agreement),
            "floor": _records.asdict_plain(ranking.floor),
            "remarks": _records.notes_json(ranking.remarks),
            "typology": None
            if typology is None
            else {
                "quality": float(typology.quality), "stability": float(typology.stability),
                "left_out": list(typology.left_out), "complete": int(typology.complete),
            },
        },
    }  # fmt: skip


def communes_columns(diagnostic: Diagnostic) -> pd.Index:
    """
    List the columns of the layer of communes that the territory gives, in the order of the layer.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    communes_columns
        Names before any is changed.
    """
    area = diagnostic.territory.communes
    return pd.Index([str(area.index.name), *area.columns.drop(["geometry", "point"])])


def _shown(coverage: pd.DataFrame) -> list[str]:
    return [name for name in coverage.columns if name in COVERAGE]
