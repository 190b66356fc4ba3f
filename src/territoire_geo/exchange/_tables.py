"""Write a diagnostic as tables."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo import sheets
from territoire_geo.columns import CODE_COMMUNE, IN_CORE, NEED, NOM_COMMUNE
from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._drafts import drafts
from territoire_geo.exchange._long import KNOWN, UNKNOWN, coverage_of, measures_long, state_of, states
from territoire_geo.measures import Measure

PRINTED_FROM: Final = 5  # people: our own estimates below are shown "<5"

POLARITIES: Final[Mapping[str, str]] = {"+": "plus de besoin", "-": "moins de besoin", "ctx": "contexte"}

# A spreadsheet runs a cell that begins like a formula; the full-width signs count too, and so does what hides them.
FORMULA: Final = r"\s*[=+\-@＝＋－＠]|[\t\r\n]"


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
    with drafts(target, target) as aside:
        for name, table in tables.items():
            _harmless(table).to_csv(
                aside / f"{name}.csv",
                sep=";",
                decimal=decimal,
                encoding="utf-8-sig",
                index=False,
                float_format="%.10g",
                lineterminator="\r\n",
            )
        return tuple((aside / f"{name}.csv").replace(target / f"{name}.csv") for name in tables)


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
