"""What the indicators share: columns read, minutes to the nearest place, and where the surroundings are loaded."""

from collections.abc import Callable
from typing import Final

import pandas as pd
import shapely
from scipy.spatial import cKDTree

from territoire_geo import access
from territoire_geo.columns import IN_CORE, POINT, point_ids
from territoire_geo.measures import CAR_KMH, DETOUR, Inputs
from territoire_geo.travel import STRUCTURE_MINUTES, communes_of, has_place

CENSUS: Final = 200.0  # people, or dwellings, under which a rate of the census is fragile
MINUTES: Final = STRUCTURE_MINUTES  # how far indicators look by car: a longer trip is told as this one
KM: Final = MINUTES * CAR_KMH / 60 / DETOUR


def read(variable: str) -> Callable[[Inputs], pd.Series]:
    """
    Read a column of a commune table.

    Parameters
    ----------
    variable
        Table and column, such as "births.naissances".

    Returns
    -------
    read
        Inputs -> one value per commune, NaN unknown.
    """
    return lambda inputs: inputs.column(variable)


def rest(whole: str, part: str) -> Callable[[Inputs], pd.Series]:
    """
    Take a part away from its whole.

    Parameters
    ----------
    whole
        Table and column.
    part
        The column that is a part of it.

    Returns
    -------
    rest
        Inputs -> what is left, by commune, NaN where either is unknown; never under 0, by the rounding of two counts.
    """
    return lambda inputs: (inputs.column(whole) - inputs.column(part)).clip(lower=0)


def surrounded(inputs: Inputs) -> "pd.Series[bool]":
    """
    Tell the communes of which everything within 30 minutes by car is loaded: the core, and the buffer but its edge.

    Parameters
    ----------
    inputs
        Territory, with the extent of its buffer.

    Returns
    -------
    surrounded
        By commune. Elsewhere the nearest place may lie out of what is loaded, and a count would fall short.
    """
    territory = inputs.territory
    near = territory.communes[IN_CORE].to_numpy(dtype="bool")
    if not near.all():
        xy = shapely.get_coordinates(territory.communes[POINT].to_numpy())
        distance, _ = cKDTree(xy[near]).query(xy)
        near = near | (distance <= 1000 * (territory.buffer_km - KM))
    return pd.Series(near, index=inputs.index, name="surrounded")


def nearest(inputs: Inputs, places: pd.Index, *, table: str = "") -> pd.Series:
    """
    Find the minutes by car to the nearest of some places [minutes].

    Parameters
    ----------
    inputs
        Territory and travel.
    places
        Commune codes, or ids of points.
    table
        The list that the places come from, which may not cover everything.

    Returns
    -------
    nearest
        By commune; 30 stands for 30 or more, so that the worst served are not taken for unknown. NaN where the
        surroundings are not loaded, or the list does not go.
    """
    trips = access.between(inputs.travel["car"], destinations=places)
    minutes = access.nearest(trips, index=inputs.index).fillna(MINUTES).clip(upper=MINUTES)
    return minutes.where(told(inputs, table))


def told(inputs: Inputs, table: str = "") -> "pd.Series[bool]":
    """
    Tell the communes whose surroundings are loaded and that a list covers.

    Parameters
    ----------
    inputs
        Territory and tables.
    table
        The list, "" for none.

    Returns
    -------
    told
        By commune.
    """
    near = surrounded(inputs)
    return near & inputs.tables.covered(table, inputs.index) if table else near


def points(inputs: Inputs, table: str, chosen: "pd.Series[bool]") -> pd.Index:
    """
    Name the points of some rows of a located table.

    Parameters
    ----------
    inputs
        Tables.
    table
        A table that is loaded.
    chosen
        Which of its rows.

    Returns
    -------
    points
        Ids, as travel times know them; a row without place has none.
    """
    frame: pd.DataFrame = getattr(inputs.tables, table)
    return point_ids(table, frame.index[(chosen & has_place(frame)).to_numpy()])


def by_commune(inputs: Inputs, table: str, amounts: "pd.Series[float]") -> pd.Series:
    """
    Sum amounts of the rows of a located table over the communes where they lie [unit of the amounts].

    Parameters
    ----------
    inputs
        Territory and tables.
    table
        A table that is loaded.
    amounts
        By row, of all or some of them.

    Returns
    -------
    by_commune
        Zero where the list has no row, NaN where an amount is unknown or the list does not go.
    """
    frame: pd.DataFrame = getattr(inputs.tables, table).loc[amounts.index]
    where = communes_of(frame, inputs.territory)
    groups = amounts.groupby(where)
    sums = groups.sum().mask(amounts.isna().groupby(where).any())
    listed = pd.Series(0.0, index=inputs.index).where(~inputs.index.isin(sums.index), sums.reindex(inputs.index))
    return listed.where(inputs.tables.covered(table, inputs.index))


def no_row(inputs: Inputs, variable: str, codes: tuple[str, ...], words: tuple[str, str]) -> tuple[str, str]:
    """
    Say why a list gives nothing: not loaded, or none of its rows, anywhere, is of the kinds that are looked for.

    A list that has such rows elsewhere in the territory or its buffer tells that there is none here; one that has none
    at all may not know of them.

    Parameters
    ----------
    inputs
        Tables.
    variable
        Table and column of the kinds, such as "places.type".
    codes
        The kinds.
    words
        What brings them, in French and in English.

    Returns
    -------
    no_row
        In French and in English; empty when nothing lacks.
    """
    name, column = variable.split(".")
    table: pd.DataFrame | None = getattr(inputs.tables, name)
    if table is None:
        return (
            f"table « {name} » non chargée ; source : {words[0]}",
            f"table {name} is not loaded; source: {words[1]}",
        )
    if table[column].isin(codes).any():
        return "", ""
    listed = ", ".join(codes)
    return (
        f"aucune ligne « {listed} » dans la table « {name} » ; source : {words[0]}",
        f"no row {listed} in table {name}; source: {words[1]}",
    )
