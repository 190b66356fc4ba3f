"""
API Recherche d'entreprises: the main activity of establishments (APE, a code of NAF rév. 2), as Sirene has it.

A département's SIAE are listed first, 25 legal units by page, each with its head office and its establishments there;
then the SIRETs that no page gave are asked one by one, up to `SINGLY`. The order of the pages is not stable: what one
page loses is found so. An establishment that the directory does not show has the activity of its legal unit, flagged.

NAF rév. 2 ends its codes with A to F or Z, NAF 2025 with G to Y: a code of another nomenclature, or 00.00Z (not yet
attributed), is unknown. The service leaves out those who refused that Sirene shows them.
"""

import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import pandas as pd

from territoire_geo.cog import departement as departements_of
from territoire_geo.errors import SourceError, SourceFormatError, StaleSourceWarning
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._fetch import Ask, Door, fetch
from territoire_geo.loaders._formats import load_json

SOURCE: Final = "recherche_entreprises"
PAGE: Final = 25  # legal units in one answer, the most that the service gives
ESTABLISHMENTS: Final = 100  # of one legal unit in one answer, the most that the service gives
CAP: Final = 10_000  # the service counts no further: a département has some hundreds of SIAE
SINGLY: Final = 300  # SIRETs asked one by one: some 75 s at the pace of the service
GIVE_UP: Final = 2  # failures in a row
REV_2: Final = re.compile(r"(?!00\.00)\d{2}\.\d{2}[A-FZ]")
COUNTS: Final = ("total_results", "page", "per_page", "total_pages")


@dataclass(frozen=True, eq=False)
class NafCodes:
    """
    What Sirene says of the activity of establishments.

    `naf` gives by SIRET the code as published, such as "88.10A", blank when unknown; `by_unit` whether it is that of
    the legal unit, for want of the establishment. Of the unknown ones, `unanswered` are those that the service could
    not be asked about (`failure` says why), `unasked` those beyond the bound, `other` those whose code is not of NAF
    rév. 2; the rest has none in the directory. `stale` counts the answers that are copies too old to be used without
    saying so; `fetched` is when the oldest was received [seconds since 1970].
    """

    naf: "pd.Series[str]"
    by_unit: "pd.Series[bool]"
    unanswered: frozenset[str] = frozenset()
    unasked: frozenset[str] = frozenset()
    other: frozenset[str] = frozenset()
    failure: str = ""
    stale: int = 0
    fetched: float | None = None


class _EmptyError(SourceFormatError):
    """A département without a single SIAE: not kept, but the service works."""


@dataclass(frozen=True)
class _Unit:
    """A legal unit: its activity, and those of its establishments, by SIRET."""

    siren: str
    activity: str
    establishments: dict[str, str]


@dataclass(frozen=True)
class _Wanted:
    """What is asked: a page of the SIAE of a département, or one SIRET."""

    source: Entry
    departement: str = ""
    siret: str = ""
    page: int = 1

    @property
    def ask(self) -> Ask:
        """The request; a SIRET makes the service ignore every filter."""
        who = (("q", self.siret),) if self.siret else (("departement", self.departement), ("est_siae", "true"))
        # Only what is read: neither directors nor finances.
        fields = (("minimal", "true"), ("include", "siege,matching_etablissements"))
        size = (("limite_matching_etablissements", str(ESTABLISHMENTS)), ("per_page", str(PAGE)))
        return Ask(params=(*who, *fields, *size, ("page", str(self.page))))

    def wrong(self, what: str, kind: type[SourceFormatError] = SourceFormatError) -> SourceFormatError:
        """Say what is wrong with an answer."""
        whose = f"SIRET {self.siret}" if self.siret else f"département {self.departement}, page {self.page}"
        where = f"{self.source.title} ({self.source.url}), {whose}"
        return kind(f"{where}: {what} See {self.source.landing_page}.")


@dataclass(frozen=True)
class _Page:
    units: list[_Unit]
    last: int


@dataclass
class _Caller:
    """One request after the other; once the service has failed twice in a row, only what is kept here is used."""

    door: Door
    failures: int = 0
    failure: str = ""
    stale: int = 0
    dates: list[float] = field(default_factory=list)

    def ask(self, wanted: _Wanted) -> _Page | None:
        """Give an answer, or nothing when there is none: a failure is no error."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", StaleSourceWarning)  # counted, and told by the caller
                answer = fetch(
                    self.door, wanted.source, wanted.ask, check=lambda path: _read_page(load_json(path), wanted)
                )
            page = _read_page(load_json(answer.path), wanted)
        except SourceError as error:
            self.failure = self.failure or str(error)
            if not isinstance(error, _EmptyError):
                self._failed()
            return None
        self.dates.append(answer.fetched)
        if answer.origin == "stale":
            self.stale += 1
            self._failed()
        else:
            self.failures = 0
        return page

    def _failed(self) -> None:
        self.failures += 1
        if self.failures >= GIVE_UP:
            self.door = replace(self.door, offline=True)


def naf_of(door: Door, sirets: pd.Index, departements: Sequence[str]) -> NafCodes:
    """
    Find the main activity of establishments in Sirene.

    A failure is no error: what was answered before it is given.

    Parameters
    ----------
    door
        The network, or its cache.
    sirets
        SIRETs, 14 digits; the same one twice is asked once.
    departements
        Where they are: their SIAE are listed before any SIRET is asked alone.

    Returns
    -------
    naf_of
        Codes by distinct SIRET, in the order given, and what is not known.
    """
    caller = _Caller(door)
    wanted = sirets.unique()
    if not len(wanted):
        departements = ()
    units, seen = _books(_listed(caller, departements))
    missing = [siret for siret in wanted if siret not in seen]
    # Those of which nothing at all is known come first.
    missing.sort(key=lambda siret: siret[:9] in units)
    alone, unanswered = _singly(caller, missing[:SINGLY])
    more_units, more_seen = _books(alone)
    units, seen = units | more_units, seen | more_seen

    published = pd.Series([seen.get(siret, "") for siret in wanted], index=wanted, dtype="str")
    of_unit = pd.Series([units.get(siret[:9], "") for siret in wanted], index=wanted, dtype="str")
    own, shared = published.str.fullmatch(REV_2), of_unit.str.fullmatch(REV_2)
    naf = published.where(own, of_unit.where(shared, ""))
    unknown = naf.eq("")
    other = wanted[unknown & (published.ne("") | of_unit.ne(""))]
    blank = frozenset(wanted[unknown]) - frozenset(other)
    return NafCodes(
        naf,
        ~own & shared,
        unanswered=blank & frozenset(unanswered),
        unasked=blank & frozenset(missing[SINGLY:]),
        other=frozenset(other),
        failure=caller.failure,
        stale=caller.stale,
        fetched=min(caller.dates, default=None),
    )


def _listed(caller: _Caller, departements: Iterable[str]) -> list[_Unit]:
    """List the SIAE of départements, page after page; each is kept, so that a list that was cut is resumed."""
    units = []
    for departement in departements:
        page, last = 1, 1
        while page <= last:
            found = caller.ask(_Wanted(entry(SOURCE), departement=departement, page=page))
            if found is None:
                break
            units += found.units
            page, last = page + 1, found.last
    return units


def _singly(caller: _Caller, sirets: Iterable[str]) -> tuple[list[_Unit], list[str]]:
    """Ask SIRETs one by one; those without an answer are given back."""
    units, unanswered = [], []
    for siret in sirets:
        found = caller.ask(_Wanted(entry(SOURCE), siret=siret))
        if found is None:
            unanswered.append(siret)
        else:
            units += found.units
    return units, unanswered


def _books(units: Iterable[_Unit]) -> tuple[dict[str, str], dict[str, str]]:
    """Index activities by SIREN and by SIRET: a legal unit may stand on several pages."""
    sirens: dict[str, str] = {}
    sirets: dict[str, str] = {}
    for unit in units:
        sirens[unit.siren] = unit.activity
        sirets |= unit.establishments
    return sirens, sirets


def _read_page(body: object, wanted: _Wanted) -> _Page:
    """Read a page, or refuse it: every key is there, and it is what was asked for."""
    told = body if isinstance(body, dict) else {}
    results, said = told.get("results"), [told.get(name) for name in COUNTS]
    counts = [count for count in said if isinstance(count, int)]
    if not isinstance(results, list) or len(counts) < len(COUNTS):
        raise wanted.wrong(f"the answer has no results, {', '.join(COUNTS)}: its format has changed.")
    total, page, size, last = counts
    if (page, size, last) != (wanted.page, PAGE, -(-total // PAGE)) or len(results) > PAGE:
        what = f"page {page} of {last}, {len(results)} legal units of {total}, {size} by page"
        raise wanted.wrong(f"{what}: the way pages follow each other has changed.")
    units = [_read_unit(row, wanted) for row in results]
    if wanted.siret:
        if any(unit.siren != wanted.siret[:9] for unit in units):
            raise wanted.wrong(f"the answer is of {units[0].siren}: the question was not followed.")
        return _Page(units, last)
    if total == 0:
        raise wanted.wrong("not a single SIAE is listed.", _EmptyError)
    if total >= CAP or (page == 1 and not units) or not _is_there(results, wanted.departement):
        raise wanted.wrong(f"{total} legal units, or of other départements: the filters were not followed.")
    return _Page(units, last)


def _is_there(results: Iterable[dict[str, object]], departement: str) -> bool:
    """Whether establishments of the département are listed, when any says its commune."""
    rows = [row for unit in results for row in _rows(unit.get("matching_etablissements")) if row.get("commune")]
    areas = departements_of(pd.Index([str(row["commune"]) for row in rows], dtype="str"))
    return not rows or departement in set(areas)


def _read_unit(row: object, wanted: _Wanted) -> _Unit:
    fields = ("siren", "activite_principale", "siege", "matching_etablissements")
    missing = [name for name in fields if not isinstance(row, dict) or name not in row]
    if missing or not isinstance(row, dict):
        raise wanted.wrong(f"a legal unit has no {', '.join(missing)}: the format has changed.")
    siren = str(row["siren"] or "")
    if not re.fullmatch(r"\d{9}", siren) or not isinstance(row["matching_etablissements"], list):
        raise wanted.wrong(f"a legal unit has the SIREN {siren!r}, and establishments that are not a list.")
    # A legal unit without a known head office has an empty one.
    known = [*([row["siege"]] if row["siege"] else []), *row["matching_etablissements"]]
    establishments = dict(_read_establishment(each, siren, wanted) for each in known)
    return _Unit(siren, _code(row["activite_principale"]), establishments)


def _read_establishment(row: object, siren: str, wanted: _Wanted) -> tuple[str, str]:
    if not isinstance(row, dict) or not {"siret", "activite_principale"} <= set(row):
        raise wanted.wrong("an establishment has no siret, or no activite_principale: the format has changed.")
    siret = str(row["siret"] or "")
    if not re.fullmatch(r"\d{14}", siret) or not siret.startswith(siren):
        raise wanted.wrong(f"the legal unit {siren} has an establishment {siret!r}.")
    return siret, _code(row["activite_principale"])


def _rows(cells: object) -> list[dict[str, object]]:
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _code(cell: object) -> str:
    return str(cell or "").strip().upper()
