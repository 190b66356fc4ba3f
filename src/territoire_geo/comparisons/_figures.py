"""The figures that changed, measure by measure, and the columns that they were read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.comparisons._pair import Pair, differ, of_need
from territoire_geo.contracts import CONTRACTS
from territoire_geo.tables import Absence

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Measure

KNOWN, UNKNOWN, SECRET = "known", "unknown", "secret"
KEY: Final = [CODE_COMMUNE, "measure"]
COLUMNS: Final = ("before", "after", "difference", "state_before", "state_after", "in_core", "columns")


def figures(pair: Pair) -> pd.DataFrame:
    """
    List the measures that changed, commune by commune, core and buffer of both.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    figures
        The columns of `Comparison.figures`.
    """
    one, other = (pd.concat([side.measures, side.context]) for side in (pair.before, pair.after))
    codes = one.index.intersection(other.index).sort_values()
    names = list(dict.fromkeys([*one.columns, *other.columns]))
    secret = _secret(pair.before), _secret(pair.after)
    found = []
    for name in names:
        then, now = (_column(frame, name, codes) for frame in (one, other))
        hidden = [pd.Series(codes.isin(side.get(name, codes[:0])), index=codes) for side in secret]
        moved = differ(then, now) | (then.isna() & now.isna() & (hidden[0] != hidden[1]))
        rows = codes[moved]
        if len(rows):
            part = pd.DataFrame({"before": then.loc[rows], "after": now.loc[rows]})
            part["difference"] = part["after"] - part["before"]
            part["state_before"], part["state_after"] = (
                _state(part[side], hidden[rank].loc[rows]) for rank, side in enumerate(("before", "after"))
            )
            found.append(part.assign(measure=name, columns=_read(pair, name)))
    if not found:
        return _nothing()
    frame = pd.concat(found).rename_axis(CODE_COMMUNE).set_index("measure", append=True)
    frame = _narrowed(pair, frame.sort_index(), one, other)
    frame["in_core"] = frame.index.get_level_values(CODE_COMMUNE).isin(pair.both)
    return frame[list(COLUMNS)]


def _nothing() -> pd.DataFrame:
    index = pd.MultiIndex.from_arrays([pd.Index([], dtype="str")] * 2, names=KEY)
    kinds = dict.fromkeys(COLUMNS[:3], "float64") | dict.fromkeys(COLUMNS[3:], "str") | {"in_core": "bool"}
    return pd.DataFrame({name: pd.Series(index=index, dtype=kinds[name]) for name in COLUMNS}, index=index)


def _column(frame: pd.DataFrame, name: str, codes: pd.Index) -> pd.Series:
    if name not in frame.columns:
        return pd.Series(np.nan, index=codes)
    return frame[name].astype("float64").reindex(codes)


def _secret(diagnostic: Diagnostic) -> dict[str, pd.Index]:
    """Measure or need id -> the communes whose figure a producer withholds."""
    told = diagnostic.absences[diagnostic.absences.str.contains(Absence.SECRET.value, regex=False, na=False)]
    codes = told.index.get_level_values(CODE_COMMUNE)
    return {str(item): pd.Index(codes[rows]) for item, rows in told.groupby(level=1).indices.items()}


def _state(values: pd.Series, hidden: pd.Series[bool]) -> pd.Series[str]:
    state = pd.Series(KNOWN, index=values.index, dtype="str").mask(values.isna(), UNKNOWN)
    return state.mask(values.isna() & hidden, SECRET)


def definition(pair: Pair, name: str) -> Measure | None:
    """
    Find the definition of a measure, the later one first.

    Parameters
    ----------
    pair
        The two diagnostics.
    name
        Id of the measure.

    Returns
    -------
    definition
        None when neither defines it.
    """
    return pair.after.definitions.get(name) or pair.before.definitions.get(name)


def _read(pair: Pair, name: str) -> str:
    """List the columns behind a measure: those of the tables whose source changed, when some did."""
    measure = definition(pair, name)
    variables = () if measure is None else measure.variables
    moved = [one for one in variables if one.partition(".")[0] in pair.moved_sources]
    return ", ".join(moved or variables)


def _narrowed(pair: Pair, frame: pd.DataFrame, one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Leave out, by commune, a column that a measure of its own tells not to have changed."""
    alone = {
        measure.variables[0]: name
        for name, measure in pair.after.definitions.items()
        if len(measure.variables) == 1 and name in one.columns and name in other.columns and plain(measure)
    }
    codes = frame.index.get_level_values(CODE_COMMUNE)
    for variable, name in alone.items():
        held = frame["columns"].str.contains(variable, regex=False) & frame["columns"].str.contains(", ", regex=False)
        if not held.any():
            continue
        same = (one[name] == other[name].reindex(one.index)).reindex(codes, fill_value=False).to_numpy()
        listed = frame["columns"].where(~(held & same), ", " + frame["columns"] + ", ")
        left = listed.str.replace(f", {variable}, ", ", ", regex=False).str.removeprefix(", ").str.removesuffix(", ")
        frame = frame.assign(columns=left)
    return frame


def plain(measure: Measure) -> bool:
    """
    Tell a measure that is read from the figures of its own commune, without trips: a difference is one of figures.

    Parameters
    ----------
    measure
        Its definition.

    Returns
    -------
    plain
        True for a count or a ratio of counts by commune, and for the rate of childcare places of its EPCI.
    """
    tables = set(measure.sources)
    if tables == {"childcare_rates"}:
        return True
    return measure.additive and all(name in CONTRACTS and CONTRACTS[name].by_commune for name in tables)


def witnesses(pair: Pair, found: pd.DataFrame, changes: pd.DataFrame, need: str) -> pd.Index:
    """
    List the communes where a figure that a need reads is seen to have changed.

    Parameters
    ----------
    pair
        The two diagnostics.
    found
        From `figures`.
    changes
        From `by_commune`.
    need
        Id of a need that both assess.

    Returns
    -------
    witnesses
        Codes of communes, core and buffer of both.
    """
    read = set(pair.variables(need))
    telling = [
        name
        for name in found.index.unique(level="measure")
        for measure in [definition(pair, name)]
        if measure is not None and plain(measure) and read & set(measure.variables)
    ]
    rows = found.index[found.index.get_level_values("measure").isin(telling)]
    own = of_need(changes, need)
    own = own[own.index.isin(pair.both)]
    demand = own.index[differ(own["demand_before"], own["demand_after"])]
    return rows.get_level_values(CODE_COMMUNE).union(demand).unique()


def unseen(pair: Pair, need: str) -> bool:
    """
    Tell whether a table that a need reads has another source, and no measure of both shows where its figures changed.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.

    Returns
    -------
    unseen
        True when the new figures may act anywhere.
    """
    seen = {
        variable
        for name in set(pair.before.computed) & set(pair.after.computed)
        for measure in [definition(pair, name)]
        if measure is not None and plain(measure)
        for variable in measure.variables
    }
    told = set(pair.sides(need)[1].demand.variables) | seen  # the demand shows its own, in the core
    return any(
        variable not in told and table in pair.moved_sources and table in CONTRACTS and CONTRACTS[table].by_commune
        for variable in pair.variables(need)
        for table in [variable.partition(".")[0]]
    )
