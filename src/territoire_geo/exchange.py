"""
Write a diagnostic for other tools: a GeoPackage, tables for a spreadsheet, the list of sources.

The same diagnostic gives the same bytes. Every file is written aside and then put in place: a reader never sees half
of one. Codes are text; an unknown figure is NULL or an empty cell, and a column says why.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from territoire_geo import sheets
from territoire_geo.columns import CODE_COMMUNE, IN_CORE, NEED, NOM_COMMUNE, POINT
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.errors import TerritoireGeoError
from territoire_geo.measures import Measure, Need
from territoire_geo.tables import Absence

KNOWN: Final = "connu"
UNKNOWN: Final = "inconnu"  # missing, and nobody said why
PRINTED_FROM: Final = 5  # people: our own estimates below are shown "<5"

POLARITIES: Final[Mapping[str, str]] = {"+": "plus de besoin", "-": "moins de besoin", "ctx": "contexte"}

# A spreadsheet runs a cell that begins like a formula; the full-width signs count too, and so does what hides them.
FORMULA: Final = r"\s*[=+\-@＝＋－＠]|[\t\r\n]"
FIXED_DATE: Final = "1970-01-01T00:00:00.000Z"  # the date of writing would change the bytes
GEOPACKAGE_OWN: Final = ("fid", "geom")

# Column of the coverage -> what it says in French, and its unit (None: the need's own).
PEOPLE: Final = "personnes"
SHARE: Final = "part de 0 à 1"
COVERAGE: Final[Mapping[str, tuple[str, str | None]]] = {
    "demand": ("personnes concernées", PEOPLE),
    "access": ("accès", None),
    "target": ("accès de référence", None),
    "unmet_people": ("besoin non couvert", PEOPLE),
    "unmet_share": ("part non couverte", SHARE),
    "unmet_units": ("écart", None),
    "served": ("besoin couvert", PEOPLE),
    "saturated": ("non couvert, offre à portée insuffisante", PEOPLE),
    "out_of_reach": ("non couvert, rien à portée", PEOPLE),
    "reachable": ("une offre est à portée", "1 oui, 0 non"),
    "known_share": ("part des chiffres connus", SHARE),
    "low": ("besoin non couvert, valeur basse", PEOPLE),
    "high": ("besoin non couvert, valeur haute", PEOPLE),
}


def write_geopackage(diagnostic: Diagnostic, path: str | PathLike[str]) -> Path:
    """
    Write a diagnostic as an OGC GeoPackage, for QGIS or any GIS.

    Layers, in the metric CRS of the territory: `communes` (polygons of core and buffer; measures and, by need,
    `<need>_unmet_people` [people] and `<need>_unmet_share` [0-1] for the core, NULL in the buffer), `structures`
    (points; a structure without place has no geometry), `indicateurs_long` (one row per commune of the core and
    figure: value, unit, label, and state: connu, secret, non publié, sans objet or inconnu) and `meta` (key, value in
    JSON). An unknown figure is NULL. A measure named like a column of the territory becomes `measure_<id>`; another
    name that is taken, or that the format keeps for itself, ends with `_2`.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    path
        The file to write; its folder is made if needed, a file of this name is replaced.

    Returns
    -------
    write_geopackage
        The path of the file.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be written; nothing is left behind, and a former file stays as it was.

    References
    ----------
    .. [1] Open Geospatial Consortium, GeoPackage Encoding Standard 1.4, OGC 12-128r19.
    """
    target = Path(path)
    plain = {"indicateurs_long": _long(diagnostic), "meta": _meta(diagnostic)}
    shapes = {"communes": (_communes(diagnostic), "MultiPolygon"), "structures": (_structures(diagnostic), "Point")}
    with _drafts(target.parent, target) as folder:
        draft = folder / "draft.gpkg"
        for layer, (frame, geometry) in shapes.items():
            multi = geometry.startswith("Multi")
            pyogrio.write_dataframe(frame, draft, layer=layer, geometry_type=geometry, promote_to_multi=multi)
        for layer, table in plain.items():
            pyogrio.write_dataframe(table, draft, layer=layer)
        _pack(draft, folder / "packed.gpkg").replace(target)
    return target


def write_tables(diagnostic: Diagnostic, folder: str | PathLike[str], *, decimal: str = ",") -> tuple[Path, ...]:
    """
    Write a diagnostic as CSV files that a French Excel opens with a double click.

    Separator `;`, UTF-8 with BOM, decimal comma. `synthese` (one row per need), `couverture` (commune and need),
    `mesures` (commune), `structures`, `portee` (structures within reach), `inconnus` (what is missing, and why) and
    `definitions` (label, unit, formula, sources, value of the territory and of its reference), `priorites` (rank of the
    communes and how far it holds), `propositions`, `comparaison` (the territory beside its EPCI, département, region
    and France) and `indicateurs` (the whole list: computed, or why not). Columns bear the names of the frames of
    `Diagnostic`. An unknown figure is an empty cell: `etat` says its state, and `a_afficher` how to quote a count of
    people ("<5" under five). Text that begins like a formula is preceded by an apostrophe; numbers never are.

    Codes are written as they are, `01001`: a spreadsheet that opens the file directly shows 1001. To keep the zero,
    import the file (Données > À partir d'un fichier texte) and declare the column as text.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    folder
        Where to write; made if needed, files of the same names are replaced.
    decimal
        "," or ".".

    Returns
    -------
    write_tables
        The paths of the files.

    Raises
    ------
    ValueError
        If `decimal` is neither.
    TerritoireGeoError
        If a file cannot be written.
    """
    if decimal not in {",", "."}:
        raise ValueError(f"decimal: {decimal!r} is not a decimal mark. Use ',' or '.'.")
    target = Path(folder)
    tables = {
        "synthese": diagnostic.summary().rename_axis(NEED).reset_index(),
        "couverture": _coverage_table(diagnostic),
        "mesures": _measures_table(diagnostic),
        "structures": _structures_table(diagnostic),
        "portee": _named(diagnostic, diagnostic.reach.reset_index()),
        "inconnus": _absences_table(diagnostic),
        "definitions": _definitions_table(diagnostic),
        "priorites": sheets.priorities(diagnostic),
        "propositions": sheets.proposals(diagnostic),
        "comparaison": sheets.comparison(diagnostic),
        "indicateurs": sheets.indicators(diagnostic),
    }
    with _drafts(target, target) as drafts:
        for name, table in tables.items():
            _harmless(table).to_csv(
                drafts / f"{name}.csv",
                sep=";",
                decimal=decimal,
                encoding="utf-8-sig",
                index=False,
                float_format="%.10g",
                lineterminator="\r\n",
            )
        return tuple((drafts / f"{name}.csv").replace(target / f"{name}.csv") for name in tables)


def write_sources(diagnostic: Diagnostic, path: str | PathLike[str]) -> Path:
    """
    Write where the figures come from, as JSON: version, territory, settings, sources, warnings.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    path
        The file to write; its folder is made if needed, a file of this name is replaced.

    Returns
    -------
    write_sources
        The path of the file.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be written.
    """
    target = Path(path)
    facts = _facts(diagnostic)
    territory = {key: facts.pop(key) for key in ("name", "code", "cog_year", "communes", "buffer_km")}
    text = _json({"version": facts.pop("version"), "territory": territory, **facts}, indent=2)
    with _drafts(target.parent, target) as drafts:
        draft = drafts / "draft.json"
        draft.write_text(text + "\n", encoding="utf-8", newline="\n")
        draft.replace(target)
    return target


@contextmanager
def _drafts(folder: Path, target: Path) -> Iterator[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that putting a draft in place is a rename: whole, or not at all.
        with TemporaryDirectory(dir=folder, prefix=".territoire_geo-") as drafts:
            yield Path(drafts)
    except (OSError, DataSourceError, DataLayerError, FeatureError, sqlite3.OperationalError) as error:
        # GDAL quotes the whole SQL statement before it says why.
        reason = getattr(error, "strerror", None) or str(error).rsplit("failed: ", maxsplit=1)[-1]
        message = (
            f"{target}: cannot be written ({reason}). "
            "Close it if another program has it open, or choose another folder with --out."
        )
        raise TerritoireGeoError(message) from error


def _pack(geopackage: Path, packed: Path) -> Path:
    with closing(sqlite3.connect(geopackage, isolation_level=None)) as database:
        database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
        database.execute("VACUUM INTO ?", (str(packed),))  # the counter of GDAL's transactions varies
    return packed


def _json(value: object, *, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=_as_json)


def _as_json(value: object) -> object:
    if isinstance(value, Mapping):  # a read-only view of a dict
        return dict(value)
    raise TypeError(
        f"{value!r} ({type(value).__name__}) has no JSON form. Settings are text, numbers, lists, mappings."
    )


def _facts(diagnostic: Diagnostic) -> dict[str, object]:
    territory = diagnostic.territory
    return {
        "version": version("territoire-geo"),
        "name": territory.name,
        "code": territory.code,
        "cog_year": territory.cog_year,
        "communes": len(territory.core),
        "buffer_km": territory.buffer_km,
        "settings": dict(diagnostic.settings),
        "sources": [asdict(source) for source in diagnostic.sources],
        "warnings": [{"category": n.category.__name__, "fr": n.fr, "en": n.en} for n in diagnostic.warnings],
    }


def _meta(diagnostic: Diagnostic) -> pd.DataFrame:
    facts = _facts(diagnostic)
    return pd.DataFrame({"key": list(facts), "value": [_json(value) for value in facts.values()]}, dtype="str")


def _free_names(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    taken = set(GEOPACKAGE_OWN)
    names = {}
    for column in frame.columns.drop("geometry"):
        name = str(column)
        while name.casefold() in taken:  # SQLite does not tell case apart
            name += "_2"
        taken.add(name.casefold())
        names[column] = name
    return frame.rename(columns=names)


def _communes(diagnostic: Diagnostic) -> gpd.GeoDataFrame:
    territory = diagnostic.territory
    points = territory.points
    attributes = territory.communes.drop(columns=POINT).assign(point_x=points.x, point_y=points.y)
    needs = {
        f"{need.id}_{column}": _one_need(diagnostic, need)[column]
        for need in diagnostic.needs
        for column in ("unmet_people", "unmet_share")
    }
    results = diagnostic.measures[diagnostic.computed].join(pd.DataFrame(needs)).reindex(attributes.index)
    taken = {name: f"measure_{name}" for name in results.columns.intersection(attributes.columns)}
    whole = attributes.join(results.rename(columns=taken)).reset_index()
    return _free_names(gpd.GeoDataFrame(whole, geometry="geometry", crs=territory.crs))


def _structures(diagnostic: Diagnostic) -> gpd.GeoDataFrame:
    structures = diagnostic.structures
    flat = pd.DataFrame(structures.drop(columns=structures.geometry.name)).reset_index()
    places = structures.geometry.to_crs(diagnostic.territory.crs).reset_index(drop=True)
    return _free_names(gpd.GeoDataFrame(flat, geometry=places))


def _coverage(diagnostic: Diagnostic) -> pd.DataFrame:
    coverage = diagnostic.coverage
    people = coverage["demand"].where(coverage["demand"] > 0)
    return coverage.assign(unmet_share=coverage["unmet_people"] / people)


def _one_need(diagnostic: Diagnostic, need: Need) -> pd.DataFrame:
    coverage = _coverage(diagnostic)
    return coverage[coverage.index.get_level_values(NEED) == need.id].droplevel(NEED)


def _states(values: pd.Series, keys: pd.Index, absences: pd.Series) -> pd.Series:
    reasons = absences.reindex(keys).set_axis(values.index)
    return _state(reasons).where(values.isna(), KNOWN)


def _state(reasons: pd.Series) -> pd.Series:
    out = pd.Series(UNKNOWN, index=reasons.index, dtype="str")
    texts = reasons.astype("str")
    for absence in reversed(Absence):  # secrecy is said first when a figure lacks for several reasons
        out = out.mask(texts.str.contains(absence.value, regex=False, na=False), absence.value)
    return out


def _long(diagnostic: Diagnostic) -> pd.DataFrame:
    parts = [_measures_long(diagnostic), *(_need_long(diagnostic, need) for need in diagnostic.needs)]
    return pd.concat(parts, ignore_index=True)


def _measures_long(diagnostic: Diagnostic) -> pd.DataFrame:
    measures = diagnostic.measures[diagnostic.computed].melt(var_name="item", value_name="value", ignore_index=False)
    measures = measures.rename_axis(CODE_COMMUNE).reset_index().astype({"item": "str", "value": "float64"})
    known = diagnostic.definitions
    measures["unit"] = measures["item"].map({id_: measure.unit for id_, measure in known.items()})
    measures["state"] = _states(
        measures["value"], pd.MultiIndex.from_frame(measures[[CODE_COMMUNE, "item"]]), diagnostic.absences
    )
    measures["label"] = measures["item"].map({id_: measure.label for id_, measure in known.items()})
    return measures


def _need_long(diagnostic: Diagnostic, need: Need) -> pd.DataFrame:
    coverage = _one_need(diagnostic, need)
    units = {"access": need.access_unit, "target": need.access_unit, "unmet_units": need.gap_unit}
    # The reason is that of the commune and the need: it is read once, whatever the column.
    keys = pd.MultiIndex.from_product([coverage.index, [need.id]])
    why = _state(diagnostic.absences.reindex(keys).set_axis(coverage.index))
    parts = []
    for column, (label, unit) in COVERAGE.items():
        values = coverage[column].astype("float64")
        state = why.where(values.isna(), KNOWN)
        if column == "unmet_share":  # a share of nobody is not an unknown
            state = state.mask(coverage["demand"].eq(0), Absence.NOT_APPLICABLE.value)
        part = pd.DataFrame({"item": f"{need.id}_{column}", "value": values, "unit": unit or units[column]})
        parts.append(part.assign(state=state, label=f"{need.label} : {label}"))
    return pd.concat(parts).rename_axis(CODE_COMMUNE).reset_index()


def _named(diagnostic: Diagnostic, table: pd.DataFrame) -> pd.DataFrame:
    names = table[CODE_COMMUNE].map(diagnostic.territory.communes[NOM_COMMUNE])
    out = table.drop(columns=NOM_COMMUNE, errors="ignore")
    out.insert(list(out.columns).index(CODE_COMMUNE) + 1, NOM_COMMUNE, names)
    return out


def _printed(people: pd.Series) -> pd.Series:
    rounded = people.round()
    shown = rounded.astype("Int64").astype("str").where(people.notna(), UNKNOWN)
    return shown.mask(people.gt(0) & people.lt(PRINTED_FROM), f"<{PRINTED_FROM}")


def _coverage_table(diagnostic: Diagnostic) -> pd.DataFrame:
    coverage = _coverage(diagnostic)
    coverage["a_afficher"] = _printed(coverage["unmet_people"])
    coverage["etat"] = _states(coverage["unmet_people"], coverage.index, diagnostic.absences)
    return _named(diagnostic, coverage.reset_index())


def _measures_table(diagnostic: Diagnostic) -> pd.DataFrame:
    measures = diagnostic.measures[diagnostic.computed]
    states = _measures_long(diagnostic)
    missing = states[states["state"].ne(KNOWN)]
    said = (missing["item"] + " : " + missing["state"]).groupby(missing[CODE_COMMUNE]).agg(", ".join)
    etat = said.reindex(measures.index)
    return _named(diagnostic, measures.assign(etat=etat.where(etat.notna(), KNOWN)).reset_index())


def _structures_table(diagnostic: Diagnostic) -> pd.DataFrame:
    places = diagnostic.structures.geometry.to_crs(4326)
    flat = pd.DataFrame(diagnostic.structures.drop(columns=diagnostic.structures.geometry.name))
    return flat.assign(lon=places.x.round(5), lat=places.y.round(5)).reset_index()


def _absences_table(diagnostic: Diagnostic) -> pd.DataFrame:
    labels = {id_: measure.label for id_, measure in diagnostic.definitions.items()}
    labels |= {need.id: need.label for need in diagnostic.needs}
    table = diagnostic.absences.rename("raison").rename_axis([CODE_COMMUNE, "item"]).reset_index()
    table.insert(1, IN_CORE, table[CODE_COMMUNE].isin(diagnostic.territory.core))
    table.insert(3, "label", table["item"].map(labels).astype("str"))
    table.insert(4, "etat", _state(table["raison"]))
    return _named(diagnostic, table)


def _definitions_table(diagnostic: Diagnostic) -> pd.DataFrame:
    rows = [
        (m.id, m.label, m.unit, POLARITIES[m.polarity], m.formula, ", ".join(m.variables), _cited(diagnostic, m))
        for m in diagnostic.definitions.values()
    ]
    table = pd.DataFrame(rows, columns=["id", "label", "unit", "sens", "formula", "variables", "sources"], dtype="str")
    total, reference = table["id"].map(diagnostic.totals), table["id"].map(diagnostic.references)
    return table.assign(territoire=total.astype("float64"), reference=reference.astype("float64"))


def _cited(diagnostic: Diagnostic, measure: Measure) -> str:
    tables = dict.fromkeys(variable.partition(".")[0] for variable in measure.variables)
    cited = [source.cite() for table in tables for source in diagnostic.table_sources.get(table, ())]
    return " | ".join(dict.fromkeys(cited))


def _harmless(table: pd.DataFrame) -> pd.DataFrame:
    out = table.copy()
    for column in out.columns:
        values = out[column]
        if pd.api.types.is_bool_dtype(values):
            out[column] = values.map({True: "oui", False: "non"})
        elif not pd.api.types.is_numeric_dtype(values):
            out[column] = _quoted(values)
    return out.set_axis(_quoted(pd.Series(out.columns.astype("str"))), axis="columns")


def _quoted(values: pd.Series) -> pd.Series:
    texts = values.astype("str")
    return texts.mask(texts.str.match(FORMULA), "'" + texts)
