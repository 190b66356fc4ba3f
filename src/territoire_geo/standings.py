"""The measures of a territory beside its EPCI, département, region, France and the communes of its density."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from territoire_geo import peers
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT, CODE_EPCI, CODE_REGION, POPULATION
from territoire_geo.contracts import CONTRACTS
from territoire_geo.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from territoire_geo.measures import Inputs, Measure
    from territoire_geo.territory import Territory

LEVELS: Final = {"epci": ("EPCI", CODE_EPCI), "departement": ("DEP", CODE_DEPARTEMENT), "region": ("REG", CODE_REGION)}
NATIONAL: Final = ("FR", "FR")
KEYS: Final = ["measure", "perimeter"]
COLUMNS: Final = (
    "label", "whole", "value_here", "value_there", "difference", "low", "high", "ratio", "said", "known_here",
    "known_there",
)  # fmt: skip


def standings(inputs: Inputs, measures: Sequence[Measure], rows: Rows | None) -> pd.DataFrame:
    """
    Hold each ratio of the core against its EPCI, département, region, France and the communes of its density.

    Parameters
    ----------
    inputs
        Tables and territory. Those of the same density are among the communes that are loaded: the label says so unless
        all of France is.
    measures
        The measures; one that is not a ratio of counts by commune has no row.
    rows
        The counts of EPCI, département, region and France, from `reference_rows`.

    Returns
    -------
    standings
        Indexed by (measure, perimeter), columns of `peers.standing`. A perimeter that is the core itself, or whose
        counts are not loaded, has no row.
    """
    density = _density(inputs.territory)
    found: dict[str, pd.DataFrame] = {}
    for measure in measures:
        figures = _figures(inputs, measure)
        if figures is not None:
            parts = [
                _against_rows(inputs, measure, figures, rows),
                peers.standing(figures, inputs.territory.core, density),
            ]
            kept = [part for part in parts if len(part)]
            found |= {measure.id: pd.concat(kept)} if kept else {}
    if not found:
        return pd.DataFrame(columns=list(COLUMNS), index=pd.MultiIndex.from_arrays([[], []], names=KEYS))
    return pd.concat(found, names=KEYS)


def reference_values(inputs: Inputs, measures: Sequence[Measure], rows: Rows | None) -> pd.Series:
    """
    Give the measures of the reference, as ratios of its own sums.

    Parameters
    ----------
    inputs
        Its reference.
    measures
        The measures.
    rows
        From `reference_rows`.

    Returns
    -------
    reference_values
        By measure id; NaN when the reference lacks a count, or the measure is no ratio.
    """
    place = None if rows is None else rows.places.get((inputs.reference.niveau, inputs.reference.code))
    known = {} if rows is None or place is None else {name: found[place] for name, found in rows.figures.items()}
    ids = [measure.id for measure in measures]
    return pd.Series({name: known.get(name, np.nan) for name in ids}, dtype="float64", name="reference")


def contributions(inputs: Inputs, measures: Sequence[Measure], references: pd.Series) -> pd.DataFrame:
    """
    Split the gap between the core and its reference by commune.

    Parameters
    ----------
    inputs
        Tables and territory.
    measures
        The measures.
    references
        Value of the reference by measure id, NaN unknown.

    Returns
    -------
    contributions
        Indexed by (code_commune, measure), columns of `peers.contributions`: the effects of the communes add up to the
        difference between the core and its reference.
    """
    found = {}
    for measure in measures:
        value = references.get(measure.id, np.nan)
        figures = None if np.isnan(value) else _figures(inputs, measure)
        if figures is not None:
            found[measure.id] = peers.contributions(figures, inputs.territory.core, float(value))
    if not found:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []], names=[CODE_COMMUNE, "measure"]))
    return pd.concat(found, names=["measure", CODE_COMMUNE]).swaplevel().sort_index()


@dataclass(frozen=True)
class Rows:
    """
    The rows of `references` as if they were communes, so that a measure is computed on them as on any other.

    `places` gives the position of each (niveau, code), `own` the perimeters of the core: name -> (niveau, code). By
    measure whose columns the rows hold, `figures` are its values and `counts` its numerators and denominators.
    """

    places: Mapping[tuple[str, str], int]
    own: Mapping[str, tuple[str, str]]
    figures: Mapping[str, NDArray[np.float64]]
    counts: Mapping[str, NDArray[np.float64]]


def reference_rows(inputs: Inputs, measures: Sequence[Measure]) -> Rows | None:
    """
    Read the counts of the core's EPCI, département and région, of France and of the chosen reference.

    Parameters
    ----------
    inputs
        Uses `references`.
    measures
        The measures to compute on them.

    Returns
    -------
    reference_rows
        None when none is loaded.
    """
    table = inputs.tables.references
    if table is None:
        return None
    own = _own(inputs.territory) | {"france": NATIONAL}
    keys = dict.fromkeys([*own.values(), (inputs.reference.niveau, inputs.reference.code)])
    there = [key for key in keys if key in table.index]
    if not there:
        return None
    codes = pd.Index([f"01{rank + 1:03d}" for rank in range(len(there))], name=CODE_COMMUNE)
    rows = table.loc[there].set_axis(codes)
    frames = {}
    for name, contract in CONTRACTS.items():
        known = [column for column in (*contract.numbers, *contract.optional) if column in rows.columns]
        if contract.by_commune and known:
            frames[name] = rows.reindex(columns=list(dict.fromkeys((*contract.numbers, *known))))
    first = inputs.territory.communes.iloc[[0] * len(there)].set_axis(codes).assign(in_core=True)
    territory = replace(inputs.territory, communes=first)
    read = replace(inputs, territory=territory, tables=Tables().replace(**frames), travel={})
    ratios = [one for one in measures if one.denominator is not None and _readable(one, read.tables)]
    figures = {one.id: one.compute(read).to_numpy() for one in ratios}
    counts = {one.id: one.parts(read).to_numpy() for one in ratios}
    return Rows({key: rank for rank, key in enumerate(there)}, own, figures, counts)


def _own(territory: Territory) -> dict[str, tuple[str, str]]:
    """Find the EPCI, département and région where most of the core's people live."""
    core = territory.communes.loc[territory.core]
    people = core[POPULATION].where(core[POPULATION].notna(), 1.0)  # weighs a choice, no figure
    found = {}
    for name, (niveau, column) in LEVELS.items():
        sums = people.groupby(core[column]).sum()
        if len(sums):
            found[name] = (niveau, str(sums.idxmax()))
    return found


def _readable(measure: Measure, tables: Tables) -> bool:
    """Tell whether a row of references holds all the counts of a measure."""
    for variable in measure.variables:
        name, _, column = variable.partition(".")
        frame = getattr(tables, name) if CONTRACTS[name].by_commune else None
        if frame is None or column not in frame.columns:
            return False
    return True


def _figures(inputs: Inputs, measure: Measure) -> peers.Figures | None:
    """Take the counts of a ratio; None when none is known, or for a measure that is no ratio of counts."""
    if measure.denominator is None or measure.less is not None:
        return None
    parts = measure.parts(inputs)
    if not (parts["numerator"].notna() & parts["denominator"].notna()).any():
        return None
    people = inputs.territory.communes[POPULATION]
    # Two vintages may say that a part is larger than its whole: there is then no interval of a share to tell.
    within = not (parts["numerator"] > parts["denominator"] * (1 + 1e-9) + peers.SLACK).any()
    return peers.Figures(
        parts["numerator"], parts["denominator"], part=measure.part and within, scale=measure.scale, weights=people
    )


def _against_rows(inputs: Inputs, measure: Measure, figures: peers.Figures, rows: Rows | None) -> pd.DataFrame:
    if rows is None or measure.id not in rows.counts:
        return pd.DataFrame()
    counts = rows.counts[measure.id]
    core = inputs.territory.communes.loc[inputs.territory.core, [column for _, column in LEVELS.values()]]
    mine = peers.ratio(figures, core.index)
    kept = {
        name: key
        for name, key in rows.own.items()
        if key in rows.places and inputs.territory.code not in _codes(name, key[1])  # not the core itself
    }
    theirs, shared = [], []
    for name, key in kept.items():
        top, bottom = counts[rows.places[key]]
        told = float(np.isfinite([top, bottom]).all())
        theirs.append(peers.Ratio(float(top), float(bottom), told, figures.scale, part=figures.part))
        inside = core.index if name == "france" else core.index[core[LEVELS[name][1]] == key[1]]
        shared.append(mine if len(inside) == len(core) else peers.ratio(figures, inside))
    found = peers.differences([mine] * len(kept), theirs, shared)
    found.insert(0, "label", pd.Series([_label(inputs, key) for key in kept.values()], dtype="str"))
    found.insert(1, "whole", value=True)
    return found.set_axis(pd.Index(list(kept), name="perimeter", dtype="str"))


def _codes(name: str, code: str) -> tuple[str, ...]:
    """Write the code of a perimeter in the ways that a territory may bear it."""
    return (code,) if name == "france" else (code, f"{'R' if name == 'region' else 'D'}{code}")


def _label(inputs: Inputs, key: tuple[str, str]) -> str:
    table = inputs.tables.references
    named = table is not None and "nom" in table.columns and isinstance(table.at[key, "nom"], str)
    return str(table.at[key, "nom"]) if named and table is not None else " ".join(key)


def _density(territory: Territory) -> dict[str, peers.Perimeter]:
    """Take the communes of the core's density among those that are loaded."""
    found = peers.perimeters(territory.communes, territory.core, national=territory.code == "FR")
    return {name: one for name, one in found.items() if name == "density"}
