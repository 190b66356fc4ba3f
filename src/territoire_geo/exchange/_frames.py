"""The tables of a diagnostic as flat frames: text, whole numbers, numbers, true or false."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import pandas as pd

from territoire_geo import sheets
from territoire_geo.columns import CODE_COMMUNE, IN_CORE, NEED, NOM_COMMUNE
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._long import KNOWN, UNKNOWN, coverage_of, measures_long, state_of, states
from territoire_geo.measures import Measure

PRINTED_FROM: Final = 5  # people: our own estimates below, once rounded, are shown "<5"

POLARITIES: Final[Mapping[str, str]] = {"+": "plus de besoin", "-": "moins de besoin", "ctx": "contexte"}
TEXT: Final = "texte"
WHOLE: Final = "entier"
NUMBER: Final = "nombre"
YES_NO: Final = "oui/non"


def frames(diagnostic: Diagnostic) -> dict[str, pd.DataFrame]:
    """
    Lay a diagnostic as flat tables.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.

    Returns
    -------
    frames
        Table by name, in the order in which they are read; every column of one of the four types of `kind_of`.
    """
    tables = {
        "synthese": diagnostic.summary().rename_axis(NEED).reset_index(),
        "couverture": _coverage_table(diagnostic),
        "mesures": _measures_table(diagnostic),
        "structures": _structures_table(diagnostic),
        "portee": _named(diagnostic, diagnostic.reach.reset_index()),
        "inconnus": _absences_table(diagnostic),
        "definitions": _without_empty(_definitions_table(diagnostic)),
        "priorites": sheets.priorities(diagnostic),
        "propositions": sheets.proposals(diagnostic),
        "comparaison": sheets.comparison(diagnostic),
        "indicateurs": _without_empty(sheets.indicators(diagnostic)),
        "sources": _without_empty(_sources_table(diagnostic)),
    }
    return {name: typed(table) for name, table in tables.items()}


def kind_of(values: pd.Series) -> str:
    """
    Tell the type of a column.

    Parameters
    ----------
    values
        A column.

    Returns
    -------
    kind_of
        "texte", "entier", "nombre" or "oui/non".
    """
    if pd.api.types.is_bool_dtype(values):
        return YES_NO
    if pd.api.types.is_integer_dtype(values):
        return WHOLE
    return NUMBER if pd.api.types.is_numeric_dtype(values) else TEXT


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """
    Give every column one of the four types.

    Parameters
    ----------
    table
        A table; what is neither a number nor true or false becomes text, and unknown stays so.

    Returns
    -------
    typed
        The same table; "boolean" holds true or false with unknown among them.
    """
    out = table.reset_index(drop=True).set_axis(table.columns.astype("str"), axis="columns")
    for column in out.columns:
        values = out[column]
        if values.dtype == object and pd.api.types.infer_dtype(values, skipna=True) == "boolean":
            out[column] = values.astype("boolean")
        elif kind_of(values) == TEXT:
            out[column] = values.astype("str")
    return out


def _without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """In what only describes, an empty text says nothing: it is written as nothing."""
    texts = [column for column in table.columns if kind_of(table[column]) == TEXT]
    return table.assign(**{name: table[name].astype("str").replace("", None) for name in texts})


def _sources_table(diagnostic: Diagnostic) -> pd.DataFrame:
    users: dict[object, list[str]] = {}
    for name, cited in diagnostic.table_sources.items():
        for source in cited:
            users.setdefault(source, []).append(name)
    columns = ["producer", "title", "millesime", "licence", "landing_page", "url", "tables", "id", "cog_year",
               "around", "within_km", "sha256"]  # fmt: skip
    found = [{**asdict(source), "tables": ", ".join(users.get(source, []))} for source in diagnostic.sources]
    table = pd.DataFrame(found, columns=columns)
    return table.astype({"cog_year": "Int64", "within_km": "float64"})


def _named(diagnostic: Diagnostic, table: pd.DataFrame) -> pd.DataFrame:
    names = table[CODE_COMMUNE].map(diagnostic.territory.communes[NOM_COMMUNE])
    out = table.drop(columns=NOM_COMMUNE, errors="ignore")
    out.insert(list(out.columns).index(CODE_COMMUNE) + 1, NOM_COMMUNE, names)
    return out


def _printed(people: pd.Series) -> pd.Series:
    rounded = people.round()
    shown = rounded.astype("Int64").astype("str").where(people.notna(), UNKNOWN)
    return shown.mask(people.gt(0) & rounded.lt(PRINTED_FROM), f"<{PRINTED_FROM}")


def _coverage_table(diagnostic: Diagnostic) -> pd.DataFrame:
    coverage = coverage_of(diagnostic)
    coverage["a_afficher"] = _printed(coverage["unmet_people"])
    coverage["etat"] = states(coverage["unmet_people"], coverage.index, diagnostic.absences)
    return _named(diagnostic, coverage.reset_index())


def _measures_table(diagnostic: Diagnostic) -> pd.DataFrame:
    measures = diagnostic.measures[diagnostic.computed]
    states = measures_long(diagnostic)
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
    table.insert(4, "etat", state_of(table["raison"]))
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
