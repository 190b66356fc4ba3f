"""`load_tables` and `load_demo`: files to tidy tables, on the communes of a territory, checked once."""

import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, among, current_codes, harmonise, quote
from territoire_geo.columns import CODE_DEPARTEMENT
from territoire_geo.contracts import CONTRACTS, conform
from territoire_geo.errors import (
    IncompleteBufferWarning,
    SourceFormatError,
    SourceUnavailableError,
    TableError,
    TerritoireGeoWarning,
)
from territoire_geo.loaders import _base, _references
from territoire_geo.loaders._layouts import PUBLISHED, Layout, nearest, recognise
from territoire_geo.loaders._pile import Piece, Pile, Rank, Whole, assemble
from territoire_geo.loaders._places import cut_to
from territoire_geo.loaders._read import SUFFIXES, header, read_texts, sha256
from territoire_geo.loaders._territory import load_territory
from territoire_geo.loaders._types import typed
from territoire_geo.tables import Note, Source, Tables
from territoire_geo.territory import Territory

DEMO: Final = "200010650"  # CA du Grand Dole: the town of Jura Service
OWN: Final = "utilisateur"
FARTHEST: Final = 20_000  # km, half the way round the world
DESCRIPTION: Final = "sources.toml"
AGES: Final = ("pop_0_19", "pop_20_64", "pop_65_plus")


def load_demo() -> tuple[Territory, Tables]:
    """
    Load the demonstration territory: the 47 communes of Grand Dole, their surroundings and their figures.

    Returns
    -------
    load_demo
        Territory and tables, read from the embedded data, with no network.
    """
    territory = load_territory(DEMO)
    return territory, load_tables(territory, sources="demo")


def load_tables(
    territory: Territory, *, sources: str | Path = "live", add: str | Path | Sequence[str | Path] = ()
) -> Tables:
    """
    Load the tidy tables of a territory, checked against their contracts.

    Population by age comes with the package (Insee, RP 2021), unless a file gives it. Several files may give one table:
    a file of `add` counts more than a tidy file of the folder, which counts more than a published one. A table by
    commune comes whole from those that count most; in the other tables, rows take the place of those with their key.
    A note tells what was replaced.

    Parameters
    ----------
    territory
        Core and buffer.
    sources
        "demo" (the embedded figures around Dole), or a folder of files, each either as the producer publishes it
        (Insee comparateur, list of IAE structures, CNAF rates) or in the tidy contract of its table, recognised by
        its header. Files that are not recognised, and sub-folders, are told in a warning and a note; hidden files are
        not looked at. "live" is not available in this version.
    add
        Files of your own (childcare places, facilities, structures...), in their tidy contract.

    Returns
    -------
    load_tables
        Rows of the territory; NaN unknown, with the reason in `absences`.

    Raises
    ------
    SourceUnavailableError
        If the folder or a file does not exist, or for "live".
    SourceFormatError
        If a file is damaged, none is recognised, or one of `add` is not.
    TableError
        If a table breaks its contract, or has no row for the territory.
    """
    pile = Pile()
    descriptions: dict[Path, Mapping[str, object]] = {}
    for path in _files(sources):
        if not _read_file(path, pile, _entry(path, descriptions), tidy=Rank.TIDY):
            _tell_ignored(path, pile)
    for path in [Path(one) for one in ([add] if isinstance(add, str | Path) else add)]:
        if not _read_file(path, pile, _entry(path, descriptions), tidy=Rank.ADDED):
            raise SourceFormatError(f"{path}: {_why(path)}")
    if not pile.pieces:
        message = f"{sources}: no file is recognised. The README shows the headers that are."
        raise SourceFormatError(message)
    return _cut(_assembled(pile), territory, pile, sources)


def _assembled(pile: Pile) -> dict[str, Whole]:
    wholes = {name: assemble(name, pieces) for name, pieces in pile.pieces.items()}
    if "population" in wholes:
        lacking = [column for column in AGES if column not in wholes["population"].frame.columns]
        if lacking:
            fr = f"population : {', '.join(lacking)} inconnus, la table fournie remplace celle du paquet."
            en = f"population: {', '.join(lacking)} unknown, the table given takes the place of the package's."
            pile.notes.append(Note(TerritoireGeoWarning, fr, en))
    else:
        wholes["population"] = Whole(_ages(), pd.Series(dtype="str"), (_base.POPULATION,), ())
    drawn = _references.totals({name: whole.frame for name, whole in wholes.items()}, _base.communes())
    used = {source.id: source for whole in wholes.values() for source in whole.sources}
    given = wholes.get("references")
    if given is not None:
        frame = given.frame.mask(given.frame == "").combine_first(drawn)  # a name left blank is not a name
        wholes["references"] = Whole(frame, given.states, given.sources, given.notes)
    elif not drawn.empty:
        wholes["references"] = Whole(drawn, pd.Series(dtype="str"), tuple(used.values()), ())
    return wholes


def _cut(wholes: Mapping[str, Whole], territory: Territory, pile: Pile, sources: str | Path) -> Tables:
    cut: dict[str, pd.DataFrame] = {}
    extents: dict[str, pd.Index] = {}
    for name, whole in wholes.items():
        cut[name], unplaced = cut_to(name, whole.frame, territory)
        pile.notes += [*whole.notes, *_cog_notes(name, pile, territory.communes.index)]
        if len(unplaced):
            fr = f"{name} : {len(unplaced)} lignes sans lieu connu, écartées ({quote(unplaced)})."
            en = f"{name}: {len(unplaced)} rows without a known place, left out ({quote(unplaced)})."
            pile.notes.append(Note(TerritoireGeoWarning, fr, en))
        extents |= _extent(name, whole.sources, territory, pile)
        if CONTRACTS[name].located and cut[name].empty and len(whole.frame):
            fr = f"{name} : aucune ligne dans le territoire ni son voisinage."
            en = f"{name}: no row is in the territory or its buffer."
            pile.notes.append(Note(TerritoireGeoWarning, fr, en))
    _check_overlap(cut, territory, sources)
    return Tables(
        **{name: frame.drop(columns=CODE_DEPARTEMENT, errors="ignore") for name, frame in cut.items()},
        absences=MappingProxyType({name: whole.states for name, whole in wholes.items() if len(whole.states)}),
        sources=MappingProxyType({"territory": (_base.GEOGRAPHY,)} | {n: whole.sources for n, whole in wholes.items()}),
        extents=MappingProxyType(extents),
        notes=tuple(pile.notes),
        cog_year=territory.cog_year,
    )


def _extent(name: str, sources: Sequence[Source], territory: Territory, pile: Pile) -> dict[str, pd.Index]:
    """Find the communes that a list with a stated extent covers, and tell the others."""
    bounded = [source for source in sources if source.within_km is not None]
    if not bounded or not CONTRACTS[name].located:
        return {}
    covered = pd.Series(data=False, index=territory.communes.index)
    for source in bounded:
        here = source.around == territory.code
        middle = territory.communes.loc[territory.core] if here else load_territory(source.around, buffer_km=0).communes
        if middle.crs == territory.crs:
            covered |= territory.points.distance(middle.geometry.union_all()) <= 1000 * float(source.within_km or 0.0)
    outside = int((~covered).sum())
    if outside:
        where = f"{bounded[0].within_km:g} km"
        fr = f"{name} : la liste s'arrête à {where} de son territoire ; au-delà, {outside} communes sont inconnues."
        en = f"{name}: the list stops {where} from its own territory; beyond, {outside} communes are unknown."
        pile.notes.append(Note(IncompleteBufferWarning, fr, en))
    return {name: covered.index[covered]}


def _cog_notes(name: str, pile: Pile, communes: pd.Index) -> list[Note]:
    """Tell what the change of COG left unknown or partial, in the territory."""
    notes = []
    split = [code for code in pile.split.get(name, ()) if code in communes]
    if split:
        fr = f"{name} : {quote(split)} contient encore des communes rétablies depuis, dont le chiffre est inconnu."
        en = f"{name}: {quote(split)} still contains communes re-established since, whose figure is unknown."
        notes.append(Note(TerritoireGeoWarning, fr, en))
    partial = [code for code in pile.partial.get(name, ()) if code in communes]
    if partial:
        fr = f"{name} : {quote(partial)} ne compte que certains de ses arrondissements."
        en = f"{name}: {quote(partial)} counts some of its arrondissements only."
        notes.append(Note(TerritoireGeoWarning, fr, en))
    return notes


def _files(sources: str | Path) -> list[Path]:
    if sources == "live":
        message = (
            "sources='live': downloading from the producers is not available in this version. Put the files in a "
            "folder and pass it (see the README), or use sources='demo' around Dole."
        )
        raise SourceUnavailableError(message)
    folder = _base.data_folder() / "demo" if sources == "demo" else Path(sources)
    if not folder.is_dir():
        message = f"{folder}: no such folder. Pass 'demo', or the path of a folder of files."
        raise SourceUnavailableError(message)
    return sorted(path for path in folder.iterdir() if not path.name.startswith(".") and path.name != DESCRIPTION)


def _entry(path: Path, descriptions: dict[Path, Mapping[str, object]]) -> Mapping[str, object]:
    """Find what the `sources.toml` of its folder says of a file; each is read once."""
    toml = path.parent / DESCRIPTION
    if toml not in descriptions:
        descriptions[toml] = _described(toml)
    entry = descriptions[toml].get(path.stem, {})
    if not isinstance(entry, Mapping):
        raise SourceFormatError(f"{toml}: {path.stem} is not a table. Write [{path.stem}].")
    return entry


def _described(toml: Path) -> Mapping[str, object]:
    if not toml.is_file():
        return {}
    try:
        return tomllib.loads(toml.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceFormatError(f"{toml}: not a readable TOML file ({error}). Correct it.") from error


def _read_file(path: Path, pile: Pile, entry: Mapping[str, object], *, tidy: Rank) -> bool:
    """Read the tables of a file; tell whether one was recognised."""
    # A missing file is told by who reads it; a pipe would be waited for.
    if path.suffix.lower() not in SUFFIXES or (path.exists() and not path.is_file()):
        return False
    source = _source(path, entry)
    unread, found = [], False
    for name, text in read_texts(path):
        raw, layouts = _matched(text)
        if layouts and raw.empty:
            raise SourceFormatError(f"{path}: no row under the header of {name}. Fill or remove it.")
        for layout in layouts:
            rank = Rank.PUBLISHED if layout in PUBLISHED and tidy is Rank.TIDY else tidy
            for table, piece in _pieces(layout, raw, pile, where=f"{path.name} ({name})").items():
                pile.pieces.setdefault(table, []).append(Piece(*piece, _attributed(source, layout, entry), rank))
        found |= bool(layouts)
        if not layouts and not name.lower().startswith("meta"):  # Insee joins the labels of its columns
            unread.append(name)
    if found and unread:
        fr = f"Tableaux non reconnus, non lus, dans {path.name} : {', '.join(unread)}."
        pile.notes.append(Note(TerritoireGeoWarning, fr, f"Tables not recognised in {path.name}: {', '.join(unread)}."))
    return found


def _matched(text: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Layout, ...]]:
    """Recognise a header as it is written, else as its labels read."""
    layouts = recognise(list(text.columns))
    names = header([str(column) for column in text.columns])
    if layouts or len(set(names)) < len(names):
        return text, layouts
    return text.set_axis(names, axis=1), recognise(names)


def _why(path: Path) -> str:
    """Say why a file is not read, and what to do."""
    if path.is_dir():
        return "a folder, not read. Pass its files, or its path as the folder of sources."
    if path.exists() and not path.is_file():
        return "not a regular file, not read."
    if path.suffix.lower() not in SUFFIXES:
        return f"not read: {', '.join(SUFFIXES)} are. Save a spreadsheet as CSV UTF-8."
    tables = list(read_texts(path))
    if not tables:
        return "holds no CSV, not read. Put the CSV in the folder."
    hints = {
        nearest([*text.columns, *header([str(column) for column in text.columns])]) for _, text in read_texts(path)
    }
    return "not recognised, not read. Its header is neither published nor the tidy contract of a table." + "".join(
        hints
    )


def _tell_ignored(path: Path, pile: Pile) -> None:
    why = _why(path)
    fr = f"Fichier non reconnu, non lu : {path.name}."
    pile.notes.append(Note(TerritoireGeoWarning, fr, f"File not recognised: {path.name}."))
    warnings.warn(f"{path}: {why}", TerritoireGeoWarning, stacklevel=3)


def _source(path: Path, entry: Mapping[str, object]) -> Source:
    year, within = entry.get("cog_year"), entry.get("within_km")
    if within is not None and not (isinstance(within, int | float) and 0 < within < FARTHEST and entry.get("around")):
        message = f"{DESCRIPTION}, {path.stem}: within_km is a distance, with `around`, the code of a territory."
        raise SourceFormatError(message)
    return Source(
        id=path.stem,
        title=str(entry.get("title", path.name)),
        producer=str(entry.get("producer", OWN)),
        url=str(entry.get("url", "")),
        licence=str(entry.get("licence", "")),
        millesime=str(entry.get("millesime", "")),
        cog_year=year if isinstance(year, int) else None,
        sha256=sha256(path),
        landing_page=str(entry.get("landing_page", entry.get("url", ""))),
        around=str(entry.get("around", "")),
        within_km=float(within) if isinstance(within, int | float) else None,
    )


def _attributed(source: Source, layout: Layout, entry: Mapping[str, object]) -> Source:
    """Name who publishes a file by its layout, when sources.toml does not."""
    if not layout.producer or "producer" in entry:
        return source
    vintage = source.millesime or f"fichier {source.title}, millésime non précisé"
    return replace(source, producer=layout.producer, title=layout.title, millesime=vintage)


def _pieces(
    layout: Layout, raw: pd.DataFrame, pile: Pile, *, where: str
) -> dict[str, tuple[pd.DataFrame, "pd.Series[str]"]]:
    out = {}
    for name, text in layout.tidy(raw).items():
        try:
            out[name] = _checked(name, text, layout, pile)
        except TableError as error:
            raise type(error)(f"{where}: {error}") from error
    return out


def _checked(name: str, text: pd.DataFrame, layout: Layout, pile: Pile) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Type a table, check it whole against its contract, and bring its communes to the current COG."""
    frame, states = typed(text, CONTRACTS[name], where=name)
    for column, factor in layout.scale.items():
        if column in frame.columns:
            frame[column] = frame[column] * factor
    frame = conform(name, frame)
    if CONTRACTS[name].by_commune:
        return _current(name, frame, states, pile)
    return _current_flows(frame) if name == "flows" else frame, states


def _current(
    name: str, frame: pd.DataFrame, states: "pd.Series[str]", pile: Pile
) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    contract = CONTRACTS[name]
    base = _base.communes()
    done = harmonise(
        frame, _base.former_codes(), base.index, restored=_base.restored_codes(), not_additive=contract.not_additive
    )
    if "annees" in frame.columns and frame["annees"].nunique() == 1:  # years add up for no commune
        done.table["annees"] = frame["annees"].max()
    pile.split[name] = (*pile.split.get(name, ()), *done.split)
    pile.partial[name] = (*pile.partial.get(name, ()), *done.partial)
    if states.empty:
        return done.table, states
    codes = states.index.get_level_values(0)
    moved = pd.Index([done.merged.get(code, code) for code in codes])
    states.index = pd.MultiIndex.from_arrays([moved, states.index.get_level_values(1)])
    return done.table, states[~states.index.duplicated()].sort_index()


def _current_flows(frame: pd.DataFrame) -> pd.DataFrame:
    """Bring both ends of flows to current communes, and sum; a place of work abroad (99...) stays as it is."""
    current, former = _base.communes().index, _base.former_codes()
    ends = []
    for level in CONTRACTS["flows"].key:
        codes = pd.Series(frame.index.get_level_values(level))
        abroad = codes.str.startswith("99") if level == "code_travail" else pd.Series(data=False, index=codes.index)
        now = current_codes(pd.Index(codes[~abroad].unique()), former, current)
        twice = codes.isin(ARRONDISSEMENTS) & codes.map(ARRONDISSEMENTS).isin(codes)
        ends.append(codes.map(now).where(~abroad, codes).mask(twice))
    kept = (ends[0].notna() & ends[1].notna()).to_numpy()
    keys = [pd.Index(end[kept], name=name) for end, name in zip(ends, CONTRACTS["flows"].key, strict=True)]
    groups = frame[kept].groupby(keys)
    return groups.sum(min_count=1).mask(frame[kept].isna().groupby(keys).any())


def _ages() -> pd.DataFrame:
    """Read the population by age of the base; the total is the sum of its parts, of one census."""
    ages = _base.communes()[list(AGES)].astype("float64")
    ages.insert(0, "population", ages.sum(axis=1, skipna=False))
    return ages


def _check_overlap(cut: Mapping[str, pd.DataFrame], territory: Territory, sources: str | Path) -> None:
    core = territory.core
    measured = [name for name in cut if CONTRACTS[name].by_commune and name != "population"]
    if measured and not any(among(core, cut[name].index).any() for name in measured):
        message = (
            f"{sources}: {', '.join(measured)} have no row for {territory.name} ({quote(core)}). "
            "Pass a folder whose files cover this territory."
        )
        raise TableError(message)
