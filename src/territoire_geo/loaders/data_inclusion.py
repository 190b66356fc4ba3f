"""
data.inclusion, open files: where structures are, and the mobility, childcare and digital services that they declare.

The files are those of data.gouv.fr (schema v1), in Parquet or CSV; lists of codes are lists in the first, and written
as Python or JSON lists in the second. Contacts are not read.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from territoire_geo.cog import quote
from territoire_geo.columns import KIND, SIRET
from territoire_geo.errors import SourceFormatError, TableError, TerritoireGeoWarning
from territoire_geo.loaders._base import DAMAGED, read_parquet
from territoire_geo.loaders._catalogue import Entry, entry
from territoire_geo.loaders._contacts import links, without_contacts
from territoire_geo.loaders._fetch import Ask, Door, fetch
from territoire_geo.loaders._layout import Layout, Loader, Raw, Tidy
from territoire_geo.loaders._located import degrees, in_france, known_communes
from territoire_geo.tables import Note
from territoire_geo.territory import Territory

PLATFORM: Final = "emplois-de-linclusion"  # its structures carry the id of Les emplois de l'inclusion
REQUIRED: Final = frozenset({"source", "id", "nom", "date_maj"})  # by the schema, v1
PLACE: Final = frozenset({"longitude", "latitude", "code_insee"})
STRUCTURE: Final = REQUIRED | PLACE | {"siret", "reseaux_porteurs"}
SERVICE: Final = REQUIRED | PLACE | {"structure_id", "thematiques"}
# What else is read when it is there; contacts (courriel, telephone, contact_nom_prenom) and descriptions never are.
STRUCTURE_READ: Final = STRUCTURE | {"adresse", "code_postal", "commune", "site_web"}
SERVICE_READ: Final = SERVICE | {"modes_accueil"}
# An entreprise adaptée de travail temporaire (EATT) is an entreprise adaptée.
NETWORKS: Final[Mapping[str, str]] = {
    "aci": "ACI", "ai": "AI", "ei": "EI", "eiti": "EITI", "etti": "ETTI", "geiq": "GEIQ", "ea": "EA", "eatt": "EA",
}  # fmt: skip
SEQUENCES: Final = (list, tuple, np.ndarray)
LISTS: Final = frozenset({"reseaux_porteurs", "thematiques", "modes_accueil"})
MOBILITY: Final = r"mobilite--.+"
DIGITAL: Final = r"numerique--.+"
CHILDCARE: Final = "famille--garde-denfants"
SERVICE_MOBILITY, SERVICE_CHILDCARE = "service_mobilite", "service_garde_enfants"
SERVICE_DIGITAL: Final = "service_numerique"


def read_structures(door: Door) -> pd.DataFrame:
    """
    Read where every structure of data.inclusion is.

    Parameters
    ----------
    door
        The network, or its cache.

    Returns
    -------
    read_structures
        Indexed by `id`, sorted: source, siret, `code_commune` (current, blank when unknown), lon and lat [degrees],
        NaN when unknown or not in France.

    Raises
    ------
    SourceUnavailableError
        If the file cannot be had.
    SourceFormatError
        If its columns are not those of the schema, or an id stands twice.
    """
    source = entry("data_inclusion_structures")
    answer = fetch(door, source, Ask(), check=_checked(source, STRUCTURE))
    raw = _texts(answer.path, frozenset({"id", "source", "siret"}) | PLACE)
    if raw["id"].duplicated().any():
        twice = quote(raw.loc[raw["id"].duplicated(), "id"])
        raise SourceFormatError(f"{source.title}: {twice} stands twice. See {source.landing_page}.")
    frame = raw[["source", "siret"]].assign(code_commune=known_communes(raw["code_insee"]), **_points(raw))
    return frame.set_axis(pd.Index(raw["id"], name="id"), axis=0).sort_index()


def _checked(source: Entry, needed: frozenset[str]) -> Callable[[Path], object]:
    """Refuse a file without the columns of the schema, or whose codes are not text."""

    def check(path: Path) -> None:
        try:
            schema, rows = pq.read_schema(path), pq.read_metadata(path).num_rows
        except DAMAGED as error:
            message = f"{source.title}: not a readable parquet file ({str(error).partition(chr(10))[0]})."
            raise SourceFormatError(f"{message} See {source.landing_page}.") from error
        missing = sorted(needed - set(schema.names))
        if missing:
            message = f"{source.title}: column {quote(missing)} is missing; the file has {quote(schema.names)}."
            raise SourceFormatError(f"{message} The schema has changed: see {source.landing_page}.")
        codes = [name for name in ("id", "siret", "code_insee", "structure_id") if name in needed]
        wrong = [name for name in codes if not _is_text(schema.field(name).type)]
        if wrong:
            message = f"{source.title}: {quote(wrong)} is not text but {schema.field(wrong[0]).type}: zeros are lost."
            raise SourceFormatError(f"{message} See {source.landing_page}.")
        if not rows:
            raise SourceFormatError(f"{source.title}: the file has no row. See {source.landing_page}.")

    return check


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner) or pa.types.is_null(inner))


def _texts(path: Path, columns: frozenset[str]) -> pd.DataFrame:
    names = [name for name in pq.read_schema(path).names if name in columns]
    raw: pd.DataFrame = read_parquet(path, names).to_pandas(ignore_metadata=True)
    return raw.assign(**{name: _text(raw[name]) for name in names if name not in {"longitude", "latitude", *LISTS}})


def _text(cells: pd.Series) -> "pd.Series[str]":
    return cells.astype("str").fillna("").str.strip()


def _column(raw: pd.DataFrame, name: str) -> "pd.Series[str]":
    return _text(raw[name]) if name in raw.columns else pd.Series("", index=raw.index, dtype="str")


def _points(raw: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    lon, lat = (degrees(raw[name]) for name in ("longitude", "latitude"))
    here = in_france(lon, lat)
    return {"lon": lon.where(here), "lat": lat.where(here)}


def codes_of(cells: pd.Series, *, where: str) -> "pd.Series[str]":
    """
    Read lists of codes, one list by row.

    Parameters
    ----------
    cells
        Lists, or their text as Python or JSON writes it.
    where
        The table and column, for the message.

    Returns
    -------
    codes_of
        One row by code, on the index of the cells, repeated; a row without code is absent.

    Raises
    ------
    TableError
        If a cell is not a list of codes.

    Examples
    --------
    >>> cells = pd.Series([["aci", "ei"], None, "['ai']", "[]"])
    >>> codes_of(cells, where="x").to_dict()
    {0: 'ei', 2: 'ai'}
    """
    text = _text(cells.map(lambda cell: ",".join(map(str, cell)) if isinstance(cell, SEQUENCES) else cell))
    whole = text.str.fullmatch(r"\[.*\]|\{.*\}|\(.*\)|[^\[\]{}()]*")  # a cell that was cut has lost its end
    text = text.str.replace(r"['\"]\s+['\"]", ",", regex=True)  # numpy writes no comma
    text = text.str.replace(r"[\[\]{}()'\"\s]", "", regex=True)
    text = text.mask(text.str.lower().isin(["none", "nan", "null"]), "")
    wrong = cells[~(whole & text.str.fullmatch(r"(?:[a-z0-9-]+(?:,[a-z0-9-]+)*,?)?"))]
    if len(wrong):
        message = f"{where}: {quote(wrong)} is not a list of codes. Prefer the Parquet file to the CSV."
        raise TableError(message)
    codes = text.str.strip(",").str.split(",").explode()
    return codes[codes.ne("")]


def _tidy_structures(raw: pd.DataFrame) -> Tidy:
    kinds = codes_of(raw["reseaux_porteurs"], where="reseaux_porteurs").map(NETWORKS).dropna()
    if kinds.empty:
        message = f"reseaux_porteurs: none of {', '.join(NETWORKS)} is there. The file is not that of all structures."
        raise TableError(message)
    pairs = kinds.reset_index().drop_duplicates().set_axis(["row", KIND], axis=1)
    cells = raw.loc[pairs["row"]].set_axis(pairs.index, axis=0)
    frame = pd.DataFrame(
        {SIRET: _text(cells["siret"]), KIND: pairs[KIND], "name": without_contacts(_text(cells["nom"]))}
    )
    frame["address"], frame["post_code"] = without_contacts(_column(cells, "adresse")), _column(cells, "code_postal")
    frame["city"], frame["website"] = _column(cells, "commune"), links(_column(cells, "site_web"))
    frame = frame.assign(code_commune=known_communes(_text(cells["code_insee"])), **_points(cells))
    best = pd.DataFrame(
        {"other": _text(cells["source"]).ne(PLATFORM), "date": _text(cells["date_maj"]), "id": cells["id"]}
    )
    order = best.sort_values(["other", "date", "id"], ascending=[True, False, True], kind="stable").index
    frame = frame.loc[order]
    frame = frame[frame[SIRET].str.fullmatch(r"\d{14}")].drop_duplicates([SIRET, KIND])
    return {"structures": frame.sort_index()}


def _tidy_services(raw: pd.DataFrame) -> Tidy:
    codes = codes_of(raw["thematiques"], where="thematiques")
    types = codes.where(codes.eq(CHILDCARE), None).replace({CHILDCARE: SERVICE_CHILDCARE})
    types = types.mask(codes.str.fullmatch(MOBILITY), SERVICE_MOBILITY)
    types = types.mask(codes.str.fullmatch(DIGITAL), SERVICE_DIGITAL).dropna()
    if types.empty:
        message = (
            f"thematiques: neither mobilite--..., numerique--... nor {CHILDCARE} is there. The codes have changed."
        )
        raise TableError(message)
    pairs = types.reset_index().drop_duplicates().set_axis(["row", "type"], axis=1)
    cells = raw.loc[pairs["row"]].set_axis(pairs.index, axis=0)
    ids = _text(cells["id"])
    frame = pd.DataFrame({"id": ids, "type": pairs["type"], "name": without_contacts(_text(cells["nom"]))})
    frame["id"] = ids.mask(ids.duplicated(keep=False), ids + "/" + frame["type"])  # several themes: as many places
    frame = frame.assign(code_commune=known_communes(_text(cells["code_insee"])), **_points(cells))
    return {"places": frame[~_remote(cells)]}


def _remote(cells: pd.DataFrame) -> "pd.Series[bool]":
    """Tell the services that are given at a distance only: they have no place."""
    if "modes_accueil" not in cells.columns:
        return pd.Series(data=False, index=cells.index)
    modes = codes_of(cells["modes_accueil"], where="modes_accueil")
    there = modes[modes.ne("a-distance")].index
    return pd.Series(cells.index.isin(modes.index) & ~cells.index.isin(there), index=cells.index)


def _services(door: Door, source: Entry) -> Iterator[Raw]:
    answer = fetch(door, source, Ask(), check=_checked(source, SERVICE))
    yield Raw(source.id, _texts(answer.path, SERVICE_READ), answer.sha256, fetched=answer.fetched)


def _services_around(door: Door, source: Entry, _territory: Territory) -> Iterator[Raw]:
    return _services(door, source)


STRUCTURES: Final = Layout(
    "data_inclusion_structures",
    lambda header: header >= STRUCTURE and "structure_id" not in header,
    _tidy_structures,
    producer="data.inclusion",
    title="Référentiel de l'offre d'insertion : structures",
    columns=lambda header: header & STRUCTURE_READ,
    notes=(
        Note(
            TerritoireGeoWarning,
            "data.inclusion : les associations intermédiaires (AI) manquent, en tout ou partie, dans les réseaux "
            "porteurs de ce fichier ; leur nombre est inconnu, il n'est pas nul. Les emplois de l'inclusion donnent la "
            "liste complète.",
            "data.inclusion: the associations intermédiaires (AI) are missing, all or some, from the networks of this "
            "file; their number is unknown, it is not zero. Les emplois de l'inclusion gives the whole list.",
        ),
        Note(
            TerritoireGeoWarning,
            "data.inclusion : seules sont lues les structures des réseaux ACI, AI, EI, EITI, ETTI, GEIQ et EA, avec "
            "un SIRET ; de plusieurs fiches du même SIRET et du même type, celle des emplois de l'inclusion est "
            "gardée, sinon la plus récente.",
            "data.inclusion: only the structures of the networks ACI, AI, EI, EITI, ETTI, GEIQ and EA are read, with "
            "a SIRET; of several records with one SIRET and kind, that of Les emplois de l'inclusion is kept, else "
            "the latest.",
        ),
    ),
)
UNSAID: Final = Note(
    TerritoireGeoWarning,
    "data.inclusion : ce fichier ne dit pas quels services sont rendus à distance seulement ; ils sont comptés.",
    "data.inclusion: this file does not say which services are given at a distance only; they are counted.",
)
SERVICES: Final = Layout(
    "data_inclusion_services",
    lambda header: header >= SERVICE,
    _tidy_services,
    producer="data.inclusion",
    title="Référentiel de l'offre d'insertion : services",
    columns=lambda header: header & SERVICE_READ,
    tell=lambda raw: () if "modes_accueil" in raw.columns else (UNSAID,),
    notes=(
        Note(
            TerritoireGeoWarning,
            "data.inclusion : les services de mobilité, de garde d'enfants et d'aide au numérique sont ceux que leurs "
            "structures déclarent, la liste n'est pas complète ; les services rendus à distance seulement n'y sont "
            "pas.",
            "data.inclusion: mobility, childcare and digital services are those that their structures declare, the "
            "list is not complete; services given at a distance only are left out.",
        ),
    ),
)
LAYOUTS: Final = (STRUCTURES, SERVICES)
LOADERS: Final = (Loader("data_inclusion_services", SERVICES, _services_around, _services),)
