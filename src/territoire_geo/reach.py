"""Trips from places to the structures within reach, and what a list of structures allows to say."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from territoire_geo.columns import CODE_COMMUNE, KIND, MINUTES, SIRET, point_ids
from territoire_geo.measures import Inputs, Level, Need
from territoire_geo.pairs import between, check_ids
from territoire_geo.travel import STRUCTURE_MINUTES, has_place


@dataclass(frozen=True)
class Trips:
    """
    Trips from places to structures, as positions in both indexes: of each place in turn, the nearest first.

    Of two structures at the same minutes, the one with the smaller key comes first.
    """

    places: pd.Index
    structures: pd.MultiIndex
    place: NDArray[np.intp]
    structure: NDArray[np.intp]
    minutes: NDArray[np.float64]

    @property
    def first(self) -> NDArray[np.bool_]:
        """Whether each trip is the shortest of its place."""
        return np.diff(self.place, prepend=-1) > 0

    def kept(self, mask: NDArray[np.bool_]) -> Self:
        """
        Keep some trips.

        Parameters
        ----------
        mask
            One boolean per trip.

        Returns
        -------
        kept
            The trips, in the same order.
        """
        return replace(self, place=self.place[mask], structure=self.structure[mask], minutes=self.minutes[mask])

    def to(self, structures: NDArray[np.bool_]) -> Self:
        """
        Keep the trips to some structures.

        Parameters
        ----------
        structures
            One boolean per structure.

        Returns
        -------
        to
            The trips, in the same order.
        """
        return self.kept(structures[self.structure])

    def within(self, minutes: float) -> Self:
        """
        Keep the trips that are short enough.

        Parameters
        ----------
        minutes
            Limit [minutes], included.

        Returns
        -------
        within
            The trips, in the same order.
        """
        return self.kept(self.minutes <= minutes)

    def count(self) -> "pd.Series[float]":
        """
        Count the structures within reach of each place [structures].

        Returns
        -------
        count
            One number per place, 0 with none.
        """
        found = np.bincount(self.place, minlength=len(self.places))
        return pd.Series(found.astype("float64"), index=self.places)

    def nearest(self) -> pd.DataFrame:
        """
        Find the nearest structure of each place [minutes].

        Returns
        -------
        nearest
            By place: the key of the structure and the minutes, NaN with none within reach.
        """
        shortest = self.kept(self.first)
        found = self.structures[shortest.structure].to_frame(index=False).set_axis(self.places[shortest.place])
        return found.assign(minutes=shortest.minutes).reindex(self.places)

    def sums(self, amounts: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Sum amounts by structure.

        Parameters
        ----------
        amounts
            One per trip, NaN unknown.

        Returns
        -------
        sums
            One per structure: the unknown are left out, NaN where there is nothing else, 0 without any trip.
        """
        told, size = ~np.isnan(amounts), len(self.structures)
        known, unknown = (np.bincount(self.structure[side], minlength=size) for side in (told, ~told))
        found = np.bincount(self.structure[told], amounts[told], minlength=size)
        return np.where((known == 0) & (unknown > 0), np.nan, found)


def trips(inputs: Inputs, places: pd.Index, minutes: float) -> Trips:
    """
    Find the trips by car from places to structures.

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.
    places
        Ids of communes or of other origins of the minutes, each once.
    minutes
        Limit [minutes], included.

    Returns
    -------
    trips
        None without a list of structures, and none to a structure whose place is unknown.

    Raises
    ------
    TableError
        If places are unknown or repeated.
    """
    check_ids(places, "demand")
    index: pd.MultiIndex = structures(inputs).index  # type: ignore[assignment] # the contract of the table
    ids = point_ids("structures", index)
    pairs = between(inputs.travel["car"], origins=places, destinations=ids)
    pairs = pairs[pairs <= minutes]
    book: pd.MultiIndex = pairs.index  # type: ignore[assignment] # `between` refuses any other
    place = places.get_indexer(book.levels[0])[book.codes[0]]  # one look by distinct id, not by pair
    structure = ids.get_indexer(book.levels[1])[book.codes[1]]
    times = np.asarray(pairs.to_numpy(), dtype=np.float64)
    order = np.lexsort((ids.argsort().argsort()[structure], times, place))
    return Trips(places, index, place[order], structure[order], times[order])


def minutes_by_structure(inputs: Inputs, minutes: float) -> "pd.Series[float]":
    """
    Give the minutes by car from every commune to the structures within reach [minutes].

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.
    minutes
        Limit [minutes], included.

    Returns
    -------
    minutes_by_structure
        Indexed by (code_commune, siret, kind), of each commune in turn, the nearest first; empty without a list.
    """
    found = trips(inputs, inputs.index, minutes)
    keys = found.structures
    index = pd.MultiIndex(
        levels=[found.places, *keys.levels],  # type: ignore[list-item] # an Index, as pandas documents
        codes=[found.place, *(code[found.structure] for code in keys.codes)],  # type: ignore[list-item] # arrays too
        names=[CODE_COMMUNE, SIRET, KIND],
    )
    return pd.Series(found.minutes, index=index, name=MINUTES)


def structures(inputs: Inputs) -> pd.DataFrame:
    """
    Give the structures.

    Parameters
    ----------
    inputs
        Uses `structures`.

    Returns
    -------
    structures
        The table indexed by (siret, kind); without rows when no list is loaded.
    """
    if inputs.tables.structures is not None:
        return inputs.tables.structures
    return pd.DataFrame(index=pd.MultiIndex.from_arrays([pd.Index([], dtype="str")] * 2, names=[SIRET, KIND]))


def at(inputs: Inputs, need: Need, *levels: Level) -> NDArray[np.bool_]:
    """
    Tell the structures that answer a need at some levels of evidence.

    Parameters
    ----------
    inputs
        Uses the levels.
    need
        The need.
    *levels
        Levels to keep.

    Returns
    -------
    at
        One boolean per structure.
    """
    index = structures(inputs).index
    if index.empty:
        return np.zeros(0, dtype=np.bool_)
    return inputs.levels[need.id].reindex(index).isin(levels).to_numpy(dtype="bool")


def placed(inputs: Inputs) -> NDArray[np.bool_]:
    """
    Tell the structures whose place is known.

    Parameters
    ----------
    inputs
        Uses `structures`.

    Returns
    -------
    placed
        One boolean per structure.
    """
    return has_place(structures(inputs)).to_numpy(dtype="bool")


def listed(inputs: Inputs) -> "pd.Series[bool]":
    """
    Tell the communes that a list of structures covers, when one is loaded, with places: there, what is known counts.

    Parameters
    ----------
    inputs
        Uses `structures` and where the list stops.

    Returns
    -------
    listed
        One boolean per commune.
    """
    there = placed(inputs)
    if inputs.tables.structures is None or (len(there) and not there.any()):
        return pd.Series(data=False, index=inputs.index)
    return inputs.tables.covered("structures", inputs.index)


def complete(inputs: Inputs, places: pd.Index, minutes: float) -> "pd.Series[bool]":
    """
    Tell the places around which the list covers every commune within reach: there, none is none.

    Parameters
    ----------
    inputs
        Uses `structures`, where the list stops, and the minutes by car.
    places
        Ids of communes or of other origins of the minutes.
    minutes
        Reach [minutes].

    Returns
    -------
    complete
        One boolean per place.
    """
    here = listed(inputs)
    outside = here.index[~here]
    pairs = between(inputs.travel["car"], origins=places, destinations=outside)
    cut = pairs.index[pairs <= minutes].get_level_values(0)
    return pd.Series(~(places.isin(cut) | places.isin(outside)), index=places)


def structure_reach(need: Need) -> float:
    """
    Tell within how many minutes by car a structure serves a need [minutes].

    Parameters
    ----------
    need
        The need.

    Returns
    -------
    structure_reach
        Its reach when by car, else 30.
    """
    return need.reach if need.mode == "car" else STRUCTURE_MINUTES


def measured(need: Need) -> float:
    """
    Tell up to how many minutes by car trips are known [minutes].

    Parameters
    ----------
    need
        A need that was asked for.

    Returns
    -------
    measured
        30, or its reach by car when longer.
    """
    return max(STRUCTURE_MINUTES, structure_reach(need))
