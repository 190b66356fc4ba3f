"""What comes of a file given to the library, and what in it breaks the law of its mutation."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from _mutations import Law, Mutant
from _samples import Sample
from territoire_geo import load_tables
from territoire_geo.errors import TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.loaders._folder import read_folder
from territoire_geo.loaders._pile import Pile, assemble
from territoire_geo.territory import Territory

Table = tuple[pd.DataFrame, "pd.Series[str]"]
READ, NOT_RECOGNISED = "read", "not recognised"
LONGEST = 3000  # characters of a message: nobody reads more
# Texts that decide what is counted, and where.
DECISIVE = ("code_commune", "code_equipement")
PLACE = ("lon", "lat", "code_commune")
CITIES = ("75056", "69123", "13055")
# Without its own column, a file is still what it says: rates among other references, places among others.
ALSO = {("childcare_rates", "references"), ("childcare_places", "places")}


@dataclass(frozen=True)
class Outcome:
    """`READ`, `NOT_RECOGNISED` or the name of the error; the tables with their states, and what was told."""

    kind: str
    message: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    told: frozenset[str] = frozenset()


def read(folder: Path, content: bytes, suffix: str) -> Outcome:
    """Give a file to the library in a folder, as a user does, without cutting it to a territory."""

    def tables() -> tuple[dict[str, Table], list[str]]:
        pile = Pile()
        read_folder(pile, folder)
        wholes = {name: assemble(name, pieces) for name, pieces in pile.pieces.items()}
        return {name: (whole.frame, whole.states) for name, whole in wholes.items()}, [note.en for note in pile.notes]

    return _outcome(folder, content, suffix, tables)


def load(folder: Path, content: bytes, suffix: str, territory: Territory) -> Outcome:
    """Load the tables of a territory from a folder of one file."""

    def tables() -> tuple[dict[str, Table], list[str]]:
        loaded = load_tables(territory, sources=folder)
        own = [name for name, sources in loaded.sources.items() if sources[0].id == "a" and name in loaded.loaded]
        nothing = pd.Series(index=pd.MultiIndex.from_arrays([[], []]), dtype="str")
        found = {name: (getattr(loaded, name), loaded.absences.get(name, nothing)) for name in own}
        return found, [note.en for note in loaded.notes]

    return _outcome(folder, content, suffix, tables)


def _outcome(
    folder: Path, content: bytes, suffix: str, tables: Callable[[], tuple[dict[str, Table], list[str]]]
) -> Outcome:
    for old in folder.iterdir():
        old.unlink()
    (folder / f"a{suffix}").write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found, notes = tables()
            outcome = Outcome(READ, tables=found) if found else Outcome(NOT_RECOGNISED)
        except TerritoireGeoError as error:
            outcome, notes = Outcome(type(error).__name__, str(error)), []
    foreign = [warning for warning in caught if not issubclass(warning.category, TerritoireGeoWarning)]
    assert not foreign, f"a warning that is not ours: {foreign[0].message}"
    assert len(outcome.message) < LONGEST, f"a message of {len(outcome.message)} characters"
    told = frozenset({*notes, *(str(warning.message) for warning in caught)})
    assert outcome.kind != NOT_RECOGNISED or told, "a file was passed over in silence"
    return Outcome(outcome.kind, outcome.message, outcome.tables, told)


def faults(base: Outcome, got: Outcome, mutant: Mutant, sample: Sample) -> list[str]:
    """Say what breaks the law of a mutation; nothing when it holds."""
    law = mutant.law
    if got.kind != READ:
        return [f"{got.kind}: {got.message}"] if law is Law.SAME else []
    if law is Law.ANY:
        return []
    found = [f"{name}: a table from nowhere" for name in got.tables if not _is_known(name, base)]
    if law is not Law.LESS:
        found += [f"{name}: lost" for name in base.tables if name not in got.tables]
    for name in base.tables.keys() & got.tables.keys():
        found += _Comparison(name, base.tables[name], got.tables[name], mutant, sample).faults()
    if mutant.absence and not sample.pinned and not sample.parts and _figures(got) >= _figures(base):
        found.append("a mark of absence was not seen")
    if law is Law.LESS and got.told - base.told:
        found = [fault for fault in found if "nowhere" not in fault and "instead" not in fault]  # told, so not silent
    return found


def _figures(outcome: Outcome) -> int:
    return sum(int(frame.notna().sum().sum()) for frame, _ in outcome.tables.values())


def _is_known(name: str, base: Outcome) -> bool:
    return name in base.tables or any((other, name) in ALSO for other in base.tables)


@dataclass(frozen=True)
class _Comparison:
    name: str
    base: Table
    got: Table
    mutant: Mutant
    sample: Sample

    def faults(self) -> list[str]:
        return [f"{self.name}{fault}" for fault in (*self._rows(), *self._columns(), *self._states())]

    def _rows(self) -> Iterator[str]:
        was, now = self.base[0].index, self._placed().index
        lost, phantom = was.difference(now), now.difference(was)
        if was.names == ["id"] and self.mutant.law is not Law.SAME and len(now) <= len(was):
            # An identifier that changed is no figure, unless it holds rows.
            lost, phantom = lost[len(phantom) :], phantom[phantom.str.contains("\n")]
        if self.mutant.last and len(phantom) == 1:
            phantom = phantom[:0]  # the file was cut in its last key
        if len(phantom) > 0:
            yield f": rows from nowhere {list(phantom[:3])}"
        if len(lost) > 0 and self.mutant.law is not Law.LESS:
            yield f": rows lost {list(lost[:3])}"

    def _placed(self) -> pd.DataFrame:
        """Leave out rows from nowhere that nothing places: they are told when the table is cut."""
        frame = self.got[0]
        if list(frame.index.names) != ["id"]:
            return frame
        nowhere = frame.reindex(columns=["lon", "code_commune"]).isna().all(axis=1)
        return frame[~nowhere | frame.index.isin(self.base[0].index)]

    def _columns(self) -> Iterator[str]:
        was, now = self.base[0], self.got[0]
        if self.name != "references":
            yield from (f".{column}: a column from nowhere" for column in now.columns.difference(was.columns))
        if self.mutant.law is not Law.LESS:
            yield from (f".{column}: lost" for column in was.columns.difference(now.columns))
        rows = was.index.intersection(now.index)
        for column in was.columns.intersection(now.columns):
            pair = pd.DataFrame({"was": was.loc[rows, column], "now": now.loc[rows, column]})
            yield from self._cells(column, pair)

    def _cells(self, column: str, pair: pd.DataFrame) -> Iterator[str]:
        law = self.mutant.law
        is_figure = pd.api.types.is_numeric_dtype(pair["was"])
        if not is_figure:
            if column not in DECISIVE and law is not Law.SAME:
                return
            pair = pair.mask(pair == "")
        blank, filled = pair["was"].notna() & pair["now"].isna(), pair["was"].isna() & pair["now"].notna()
        wrong = pair["was"].notna() & pair["now"].notna() & ~self._equal(pair, is_figure=is_figure)
        if wrong.any():
            row = pair[wrong].iloc[0]
            if not (self.mutant.last and wrong.sum() == 1):
                yield f".{column}: {row['now']!r} instead of {row['was']!r} for {row.name} and {wrong.sum() - 1} more"
        if filled.any() and not (column == "code_commune" and law is Law.LESS):  # a place falls back to its commune
            yield f".{column}: {pair.loc[filled, 'now'].iloc[0]!r} instead of nothing"
        is_place = column in PLACE and law is Law.KEPT  # what is no point, or no code, leaves the other
        if blank.any() and law in {Law.SAME, Law.KEPT} and not is_place:
            yield f".{column}: nothing instead of {pair.loc[blank, 'was'].iloc[0]!r}"
        if law is Law.MARKED and is_figure:
            said = self.got[1].to_dict()
            for key in pair.index[blank]:
                state = said.get((key, column), "")
                if state != self.mutant.absence:
                    yield f".{column}: {state!r} instead of {self.mutant.absence!r} for {key}"

    def _equal(self, pair: pd.DataFrame, *, is_figure: bool) -> "pd.Series[bool]":
        if not is_figure:
            return pair["was"] == pair["now"]
        now = pd.to_numeric(pair["now"])
        equal = (now == pair["was"]) | ((now - pair["was"]).abs() <= 1e-9 * pair["was"].abs())
        if self.mutant.law is Law.LESS:  # without some of its parts a sum is smaller; for a city, it is told
            less = pd.Series([self.sample.parts or key in CITIES for key in pair.index], index=pair.index)
            equal |= less & (now <= pair["was"])
        return equal

    def _states(self) -> Iterator[str]:
        was, now = self.base[1].to_dict(), self.got[1].to_dict()
        if self.mutant.law in {Law.SAME, Law.KEPT} and was != now:
            yield f": other states of absence, {sorted(map(str, was.items() ^ now.items()))[:3]}"
