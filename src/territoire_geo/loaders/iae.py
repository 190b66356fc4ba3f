"""
Les emplois de l'inclusion, public API: the structures of each département, placed with data.inclusion and the IGN.

The API gives SIRET, kind, name and address, neither coordinates nor commune. A place comes from, in this order:

1. data.inclusion, the record of the same id, else the records of the same SIRET when they agree on one point;
2. the geocoder, for a structure with an address: its score is `geocoding_score`, which is empty for other structures
   (the score of data.inclusion tells the quality of a record, not that of a point);
3. its post code and city, by the caller, when nothing else is known: `lon` and `lat` are then empty.

Their activity (NAF) is that of the establishment in Sirene, by the API Recherche d'entreprises; it stays blank where
that one does not tell it. The column `naf` is left out altogether when the service did not answer for nearly all SIAE
(`NAF_KNOWN`): who helps at home is then unknown, where a partial column would count as no what nobody has told.

One structure is one SIRET and one kind: a SIRET with two kinds is two structures. E-mail addresses and telephone
numbers are not kept, be they the structure's own: nothing in an answer tells those of a person. The positions that the
API lists are job offers of the day, not the posts (ETP) that a convention grants: `postes` stays unknown.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pandas as pd

from territoire_geo.cog import departement as departements_of
from territoire_geo.cog import quote
from territoire_geo.columns import CODE_COMMUNE, CODE_DEPARTEMENT, KINDS, SIAE_KINDS
from territoire_geo.errors import (
    SourceError,
    SourceFormatError,
    StaleSourceWarning,
    SuppressedValueWarning,
    TerritoireGeoWarning,
)
from territoire_geo.loaders import _base
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._contacts import links, without_contacts
from territoire_geo.loaders._fetch import Ask, Door, fetch_json
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._located import known_communes
from territoire_geo.loaders.data_inclusion import PLATFORM, read_structures
from territoire_geo.loaders.geocoding import RELIABLE, Geocoded, geocode
from territoire_geo.loaders.recherche_entreprises import SOURCE as DIRECTORY
from territoire_geo.loaders.recherche_entreprises import NafCodes, naf_of
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

PAGE: Final = 100  # structures in one answer
NEEDED: Final = ("id", "siret", "type", "raison_sociale", "code_postal", "ville", "departement", "mis_a_jour_le")
# Descriptions, contacts and positions are not even read.
READ: Final = (*NEEDED, "enseigne", "site_web", "addresse_ligne_1", "addresse_ligne_2")
SAME_KIND: Final = {"EATT": "EA"}  # a temporary-work one is an entreprise adaptée
PLACE: Final = ["lon", "lat", CODE_COMMUNE]
TIDIED: Final = frozenset(READ) - {"id", "mis_a_jour_le"} | {*PLACE, "geocoding_score"}
ONE_PLACE: Final = 0.005  # degrees, some 500 m: two geocodings of one address
# Shares of the SIAE: in the list published in 2020, 99.3 % have a NAF code, and at least 91.2 % in each département.
NAF_KNOWN: Final = 0.9  # whose activity must be known, of all, for the column to be given
NAF_ASKED: Final = 0.5  # of which an answer came, in every département: one that is silent would count AI only


class _ListChangedError(SourceFormatError):
    """Pages do not fit together: the list changed between two of them."""


@dataclass(frozen=True)
class _Wanted:
    """What a page must be: whose, which one, and what the pages before it said."""

    source: Entry
    departement: str
    page: int = 1
    before: int = 0
    count: int | None = None

    def wrong(self, what: str, kind: type[SourceFormatError] = SourceFormatError) -> SourceFormatError:
        """Say what is wrong with the page."""
        where = f"{self.source.title} ({self.source.url}), département {self.departement}, page {self.page}"
        return kind(f"{where}: {what} See {self.source.landing_page}.")


@dataclass(frozen=True)
class _Page:
    results: list[dict[str, str]]
    count: int
    last: bool


def _read_page(body: object, wanted: _Wanted) -> _Page:
    """Read a page, or refuse it: every key is there, and it is the page of the département that was asked for."""
    told = body if isinstance(body, dict) else {}
    count, results, following = told.get("count"), told.get("results"), told.get("next")
    if not isinstance(count, int) or not isinstance(results, list) or "next" not in told:
        raise wanted.wrong("the answer has no count, results and next: its format has changed.")
    rows = [_read_row(row, wanted) for row in results]
    if wanted.count not in {None, count}:
        raise wanted.wrong(f"{count} structures where page 1 said {wanted.count}.", _ListChangedError)
    so_far = wanted.before + len(rows)
    if so_far > count or (following is None and so_far != count) or (following is not None and not rows):
        raise wanted.wrong(f"{so_far} structures came where {count} are told.", _ListChangedError)
    if following is not None and _page_number(following) != wanted.page + 1:
        raise wanted.wrong(f"the next page is said to be {following!r}: the way pages follow each other has changed.")
    return _Page(rows, count, following is None)


def _page_number(url: object) -> int:
    """Read the number of a page in its URL: its server is not looked at, and never asked."""
    numbers = parse_qs(urlsplit(url).query).get("page", []) if isinstance(url, str) else []
    return int(numbers[0]) if numbers and numbers[0].isdecimal() else 0


def _read_row(row: object, wanted: _Wanted) -> dict[str, str]:
    missing = [name for name in NEEDED if not isinstance(row, dict) or name not in row]
    if missing or not isinstance(row, dict):
        raise wanted.wrong(f"a structure has no {', '.join(missing)}: the format has changed.")
    texts = {name: str(row.get(name) or "").strip() for name in READ}
    if not re.fullmatch(r"\d{14}", texts["siret"]) or not texts["type"] or not texts["id"]:
        raise wanted.wrong(
            f"structure {texts['id']!r} has the SIRET {texts['siret']!r} and the type {texts['type']!r}."
        )
    if texts["departement"] != wanted.departement:
        raise wanted.wrong(f"structure {texts['id']!r} is of {texts['departement']!r}: the filter was not followed.")
    return texts


def _one_departement(door: Door, source: Entry, departement: str) -> list[dict[str, str]]:
    """List the structures of a département; pages kept from another day that no longer fit are asked again."""
    try:
        return _pages(door, source, departement, refresh=False)
    except _ListChangedError:
        if door.offline:
            raise
        return _pages(door, source, departement, refresh=True)


def _pages(door: Door, source: Entry, departement: str, *, refresh: bool) -> list[dict[str, str]]:
    """Read page after page; each is kept, so that a download that was cut is resumed."""
    rows: list[dict[str, str]] = []
    wanted = _Wanted(source, departement)
    while True:
        params = (("departement", departement), ("page", str(wanted.page)), ("page_size", str(PAGE)))
        check = partial(_read_page, wanted=wanted)
        page = check(fetch_json(door, source, Ask(params=params), check=check, refresh=refresh))
        rows += page.results
        if page.last:
            break
        wanted = _Wanted(source, departement, wanted.page + 1, len(rows), page.count)
    ids = pd.Series([row["id"] for row in rows], dtype="str")
    if ids.duplicated().any():
        twice = quote(ids[ids.duplicated()].unique())
        raise wanted.wrong(f"structure {twice} stands on two pages: others are missing.", _ListChangedError)
    return rows


def _listed(door: Door, source: Entry, departements: Sequence[str]) -> pd.DataFrame:
    rows = [row for departement in departements for row in _one_departement(door, source, departement)]
    if not rows:
        message = f"{source.title} ({source.url}): no structure at all in {quote(departements)}."
        raise SourceFormatError(f"{message} See {source.landing_page}.")
    return pd.DataFrame(rows, columns=list(READ), dtype="str")


def _chosen(listed: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Keep the known kinds, and of two records with one SIRET and kind the one that was updated last."""
    kinds = listed["type"].str.upper().replace(SAME_KIND)
    known = kinds.isin(KINDS)
    notes = []
    if not known.all():
        left = ", ".join(f"{kind} {count}" for kind, count in kinds[~known].value_counts().sort_index().items())
        fr = f"Structures d'un type qui n'est ni une SIAE, ni un GEIQ, ni une EA, écartées : {left}."
        notes.append(
            Note(TerritoireGeoWarning, fr, f"Structures that are neither SIAE, GEIQ nor EA, left out: {left}.")
        )
    rows = listed.assign(type=kinds)[known]
    dates = pd.to_datetime(rows["mis_a_jour_le"], utc=True, errors="coerce", format="ISO8601")
    order = rows.assign(date=dates).sort_values(["date", "id"], ascending=[False, True], na_position="last").index
    rows = rows.loc[order].drop_duplicates("id")
    merged = rows.duplicated(["siret", "type"])
    if merged.any():
        count, which = int(merged.sum()), quote(rows.loc[merged, "siret"].unique())
        fr = f"{count} fiches répètent un SIRET et un type ({which}) : la fiche mise à jour en dernier est gardée."
        en = f"{count} records repeat a SIRET and kind ({which}): the one that was updated last is kept."
        notes.append(Note(TerritoireGeoWarning, fr, en))
    return rows[~merged].sort_values(["siret", "type"]).reset_index(drop=True), notes


def _placed(door: Door, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Give each structure the place that data.inclusion knows: by id, else by SIRET."""
    empty = float("nan")
    blank = rows.assign(lon=empty, lat=empty, geocoding_score=empty, **{CODE_COMMUNE: ""})
    try:
        known = read_structures(door)
    except SourceError as error:
        warnings.warn(str(error), TerritoireGeoWarning, stacklevel=2)
        fr = "data.inclusion ne peut être lu : les structures sont placées par le géocodeur, ou dans leur commune."
        en = "data.inclusion cannot be read: structures are placed by the geocoder, or in their commune."
        return blank, [Note(TerritoireGeoWarning, fr, en)]
    found = known[PLACE].reindex(PLATFORM + "--" + rows["id"]).set_axis(rows.index, axis=0)
    by_siret, torn = _by_siret(known, rows[found["lon"].isna()])
    by_siret = by_siret.reindex(rows.index)
    found = found.mask(by_siret["lon"].notna(), by_siret)
    out = blank.assign(**found.fillna({CODE_COMMUNE: ""}))
    if not torn:
        return out, []
    fr = f"{len(torn)} SIRET ont plusieurs lieux dans data.inclusion ({quote(torn)}) : ils n'en reçoivent aucun."
    en = f"{len(torn)} SIRET have several places in data.inclusion ({quote(torn)}): they are given none of them."
    return out, [Note(TerritoireGeoWarning, fr, en)]


def _by_siret(known: pd.DataFrame, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Find places by SIRET where the records agree on one; those of the platform count alone when there are some."""
    there = known[known["siret"].isin(rows["siret"]) & known["siret"].ne("") & known["lon"].notna()]
    own = there["source"].eq(PLATFORM)
    there = there[own | ~own.groupby(there["siret"]).transform("any")]
    points = there.groupby("siret")[["lon", "lat"]]
    far = (points.max() - points.min()).gt(ONE_PLACE).any(axis=1)
    first = there.drop_duplicates("siret").set_index("siret")[PLACE]
    found = first[~far.reindex(first.index)].reindex(rows["siret"]).set_axis(rows.index, axis=0)
    # A SIRET may be that of a head office: a place in another département is not that of the structure.
    areas = pd.Series(departements_of(pd.Index(found[CODE_COMMUNE].fillna(""))), index=rows.index)
    elsewhere = areas.ne(rows["departement"]) & areas.ne("")
    return found.mask(elsewhere), sorted(far.index[far])


def _geocoded(door: Door, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Ask the geocoder for the structures that still have no coordinates; a failure is told, and is no error."""
    todo = rows[rows["lon"].isna()]
    if todo.empty:
        return rows, []
    found = geocode(door, _addresses(todo))
    codes = known_communes(found.frame["citycode"])
    # Where data.inclusion knows the commune, an answer in another one is another place.
    agrees = found.frame["lon"].notna() & (todo[CODE_COMMUNE].eq("") | codes.eq(todo[CODE_COMMUNE]))
    good = found.frame[agrees]
    out = rows.copy()
    out.loc[good.index, ["lon", "lat", "geocoding_score"]] = good[["lon", "lat", "score"]].to_numpy()
    out.loc[good.index, CODE_COMMUNE] = codes[agrees]
    return out, _geocoder_notes(found)


def _addresses(rows: pd.DataFrame) -> pd.DataFrame:
    lines = rows["addresse_ligne_1"].where(rows["addresse_ligne_1"].ne(""), rows["addresse_ligne_2"])
    lines = without_contacts(lines)  # not sent to the geocoder either
    return pd.DataFrame({"address": lines, "post_code": rows["code_postal"], "city": rows["ville"]})


def _geocoder_notes(found: Geocoded) -> list[Note]:
    if not found.unanswered:
        return []
    warnings.warn(found.failure, TerritoireGeoWarning, stacklevel=2)
    fr = f"Le géocodeur de l'IGN n'a pas répondu pour {found.unanswered} adresses de structures."
    en = f"The geocoder did not answer for {found.unanswered} addresses of structures."
    return [Note(TerritoireGeoWarning, fr, en)]


def _with_naf(door: Door, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Add the activity of each structure, unless too few are known for the column to be counted on."""
    found = naf_of(door, pd.Index(rows["siret"]), sorted(rows["departement"].unique()))
    naf = rows["siret"].map(found.naf)
    silent = rows["siret"].isin(found.unanswered | found.unasked)
    siae = rows["type"].isin(SIAE_KINDS)
    siae = siae if siae.any() else ~siae
    answered = (~silent[siae]).groupby(rows.loc[siae, "departement"]).mean()
    if found.unanswered:
        warnings.warn(found.failure, TerritoireGeoWarning, stacklevel=2)
    notes = _naf_unknown(rows["siret"], found)
    if naf[siae].ne("").mean() >= NAF_KNOWN and answered.min() >= NAF_ASKED:
        return rows.assign(naf=naf), [*_naf_whence(rows["siret"], found), *notes]
    known = int(naf.ne("").sum())
    fr = f"Les codes NAF des {known} autres structures ne sont pas utilisés : le nombre de celles qui font de l'aide à "
    fr += "domicile est inconnu."
    en = (
        f"The NAF codes of the {known} other structures are not used: the number of those that help at home is unknown."
    )
    return rows, [*notes, Note(SuppressedValueWarning, fr, en)]


def _naf_unknown(sirets: "pd.Series[str]", found: NafCodes) -> list[Note]:
    """Tell for how many structures the activity is unknown, and why."""
    count = int(sirets.map(found.naf).eq("").sum())
    if not count:
        return []
    a, b, c = (int(sirets.isin(some).sum()) for some in (found.unanswered, found.unasked, found.other))
    d = count - a - b - c
    fr = f"Activité (NAF) inconnue pour {count} structures : {a} sans réponse de Recherche d'entreprises, {b} non "
    fr += f"demandées, {c} d'une autre nomenclature que la NAF rév. 2, {d} sans code dans Sirene."
    en = f"Activity (NAF) unknown for {count} structures: {a} without an answer of Recherche d'entreprises, {b} not "
    en += f"asked, {c} of another classification than NAF rév. 2, {d} without a code in Sirene."
    return [Note(SuppressedValueWarning, fr, en)]


def _naf_whence(sirets: "pd.Series[str]", found: NafCodes) -> list[Note]:
    """Tell who gives the activities: the producer is cited."""
    vintage = entry(DIRECTORY).vintage(found.fetched)
    known, shared = int(sirets.map(found.naf).ne("").sum()), int(sirets.map(found.by_unit).sum())
    fr = f"Activité (NAF) de {known} structures : API Recherche d'entreprises, {vintage} ; {shared} d'après l'activité "
    fr += "de leur unité légale, à défaut de celle de l'établissement. Les autres structures ne comptent dans l'aide à "
    fr += "domicile que si ce sont des AI."
    en = f"Activity (NAF) of {known} structures: API Recherche d'entreprises, {vintage}; {shared} from the activity of "
    en += "their legal unit, for want of that of the establishment. The other structures count as help at home only if "
    en += "they are AI."
    notes = [Note(TerritoireGeoWarning, fr, en)]
    if found.stale:
        fr = "Recherche d'entreprises ne répond pas : la copie déjà reçue est utilisée."
        en = "Recherche d'entreprises does not answer: the copy received before is used."
        notes.append(Note(StaleSourceWarning, fr, en))
    return notes


def _whence(rows: pd.DataFrame) -> Note:
    """Tell who placed the structures: each producer is cited."""
    geocoded = rows["geocoding_score"].notna()
    given = rows["lon"].notna() & ~geocoded
    a, b, c = int(given.sum()), int(geocoded.sum()), int(rows["lon"].isna().sum())
    fr = f"Lieu des {len(rows)} structures : {a} par data.inclusion, {b} par le géocodeur de l'IGN (score d'au moins "
    fr += f"{RELIABLE:g}".replace(".", ",") + f"), {c} par leur commune, ou leur code postal et leur ville."
    en = f"Place of the {len(rows)} structures: {a} from data.inclusion, {b} from the geocoder of the IGN (score of at "
    en += f"least {RELIABLE:g}), {c} from their commune, or post code and city."
    return Note(TerritoireGeoWarning, fr, en)


def _bring(door: Door, source: Entry, departements: Sequence[str]) -> Iterator[Raw]:
    listed = _listed(door, source, departements)
    chosen, notes = _chosen(listed)
    if chosen.empty:
        message = f"{source.title} ({source.url}): none of the types {quote(listed['type'].unique())} is known."
        raise SourceFormatError(f"{message} See {source.landing_page}.")
    placed, told = _placed(door, chosen)
    located, said = _geocoded(door, placed)
    rows, named = _with_naf(door, located)
    answered = tuple(code for code in departements if listed["departement"].eq(code).any())
    yield Raw(
        f"{source.id} ({', '.join(departements)})",
        rows,
        notes=(*notes, *told, *said, _whence(rows), *named, *_empty(departements, answered)),
        departements=answered,
    )


def _empty(departements: Sequence[str], answered: Sequence[str]) -> list[Note]:
    """Name the départements whose answer was empty: every one has structures, so nothing is known there."""
    empty = [code for code in departements if code not in answered]
    if not empty:
        return []
    fr = f"Les emplois de l'inclusion : réponse vide pour le département {quote(empty)} ; le nombre de ses structures "
    fr += "est inconnu, et non nul."
    en = f"Les emplois de l'inclusion: empty answer for département {quote(empty)}; the number of its structures is "
    en += "unknown, not zero."
    return [Note(SuppressedValueWarning, fr, en)]


def _around(door: Door, source: Entry, territory: Territory) -> Iterator[Raw]:
    return _bring(door, source, sorted(territory.communes[CODE_DEPARTEMENT].dropna().unique()))


def _national(door: Door, source: Entry) -> Iterator[Raw]:
    base = _base.communes()  # the overseas départements too, not the overseas collectivities
    return _bring(door, source, sorted(base.loc[base["epsg"].notna(), CODE_DEPARTEMENT].unique()))


def _tidy(raw: pd.DataFrame) -> Tidy:
    names, brands = without_contacts(raw["raison_sociale"]), without_contacts(raw["enseigne"])
    frame = pd.DataFrame({"siret": raw["siret"], "kind": raw["type"], "name": names.where(names.ne(""), brands)})
    frame["brand"], frame["address"] = brands, _addresses(raw)["address"]
    frame["post_code"], frame["city"] = raw["code_postal"], without_contacts(raw["ville"])
    frame["website"], frame[CODE_DEPARTEMENT] = links(raw["site_web"]), raw["departement"]
    return {"structures": frame.join(raw[[name for name in (*PLACE, "geocoding_score", "naf") if name in raw.columns]])}


LAYOUT: Final = Layout(
    "emplois_inclusion",
    lambda header: header >= TIDIED,
    _tidy,
    producer="Les emplois de l'inclusion",
    title="Structures de l'insertion par l'activité économique",
    notes=(
        Note(
            TerritoireGeoWarning,
            "Les emplois de l'inclusion : la liste comprend des structures dont la convention a pris fin, et ne "
            "donne pas le nombre de postes en insertion.",
            "Les emplois de l'inclusion: the list includes structures whose convention has ended, and does not give "
            "the number of insertion posts.",
        ),
    ),
)
LAYOUTS: Final = (LAYOUT,)
LOADERS: Final = (Loader("emplois_inclusion", LAYOUT, _around, _national),)
