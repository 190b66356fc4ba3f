"""`load_tables` and `load_demo`: files or producers to tidy tables, on the communes of a territory, checked once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.cog import among
from territoire_geo.contracts import CONTRACTS
from territoire_geo.errors import SourceFormatError, TerritoireGeoWarning
from territoire_geo.loaders import _base, _references
from territoire_geo.loaders._cut import cut
from territoire_geo.loaders._fetch import Door, open_door
from territoire_geo.loaders._folder import read_added, read_folder
from territoire_geo.loaders._live import read_live
from territoire_geo.loaders._pile import Pile, Whole, assemble
from territoire_geo.loaders._territory import load_territory
from territoire_geo.tables import Note, Tables
from territoire_geo.territory import Territory

DEMO: Final = "200010650"  # CA du Grand Dole: the town of Jura Service
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
    territory: Territory,
    *,
    sources: str | Path = "live",
    add: str | Path | Sequence[str | Path] = (),
    door: Door | None = None,
) -> Tables:
    """
    Load the tidy tables of a territory, checked against their contracts.

    Population by age comes with the package (Insee, RP 2021), unless a source gives it. Several files may give one
    table: a file of `add` counts more than a tidy file of the folder, which counts more than a published one. A table
    by commune comes whole from those that count most; in the other tables, rows take the place of those with their
    key. A note tells what was replaced.

    Parameters
    ----------
    territory
        Core and buffer.
    sources
        "live": the national files on this machine when `territoire-geo sources fetch --france` brought them, else what
        the territory needs from each producer of the catalogue. A source that fails is told in a note, with the needs
        that lose by it, and the others are loaded. "demo": the embedded figures around Dole. A folder of files, each
        either as the producer publishes it or in the tidy contract of its table, recognised by its header: files that
        are not recognised, and sub-folders, are told in a warning and a note; hidden files are not looked at.
    add
        Files of your own (childcare places, facilities, structures...), in their tidy contract.
    door
        How the network is reached, for "live": `tg.open_door(offline=True)` opens no socket. By default what the
        environment says (TERRITOIRE_GEO_CACHE, TERRITOIRE_GEO_OFFLINE, TERRITOIRE_GEO_URL_...).

    Returns
    -------
    load_tables
        Rows of the territory; NaN unknown, with the reason in `absences`.

    Raises
    ------
    SourceUnavailableError
        If the folder or a file does not exist, or no producer can be asked.
    SourceFormatError
        If a file is damaged, none is recognised, or one of `add` is not.
    TableError
        If a table breaks its contract, or has no row for the territory.
    """
    pile = Pile()
    if sources == "live":
        read_live(pile, territory, door or open_door())
    else:
        read_folder(pile, sources)
    read_added(pile, [Path(one) for one in ([add] if isinstance(add, str | Path) else add)])
    if not pile.pieces:
        message = f"{sources}: no file is recognised. The README shows the headers that are."
        raise SourceFormatError(message)
    return cut(assembled(pile, territory.core), territory, pile, sources)


def assembled(pile: Pile, core: pd.Index | None = None) -> dict[str, Whole]:
    """
    Put together everything that was read, and draw the totals by EPCI, département, région and France.

    Parameters
    ----------
    pile
        The pieces; notes are added to it.
    core
        Communes of the territory; a population that knows none of them leaves that of the package in its place.

    Returns
    -------
    assembled
        Field of `Tables` -> its whole table. A table that lacks a column its contract asks for is left out, and told.

    Raises
    ------
    TableError
        If two files that count as much give the same figures.
    """
    wholes = {
        name: whole for name, pieces in pile.pieces.items() if _complete(whole := assemble(name, pieces), name, pile)
    }
    if "population" in wholes and core is not None and not among(core, wholes["population"].frame.index).any():
        elsewhere = " ; ".join(source.title for source in wholes.pop("population").sources)
        fr = f"population : {elsewhere} ne couvre pas le territoire, celle du paquet est utilisée."
        en = f"population: {elsewhere} does not cover the territory, that of the package is used."
        pile.notes.append(Note(TerritoireGeoWarning, fr, en))
    if "population" in wholes:
        lacking = [column for column in AGES if column not in wholes["population"].frame.columns]
        if lacking:
            fr = f"population : {', '.join(lacking)} inconnus, la table fournie remplace celle du paquet."
            en = f"population: {', '.join(lacking)} unknown, the table given takes the place of the package's."
            pile.notes.append(Note(TerritoireGeoWarning, fr, en))
    else:
        wholes["population"] = Whole(_ages(), pd.Series(dtype="str"), (_base.POPULATION,), ())
    frames = {name: whole.frame for name, whole in wholes.items()}
    listed = wholes["structures"].departements if "structures" in wholes else None
    drawn = _references.totals(frames, _base.communes(), listed=listed)
    used = {source.id: source for whole in wholes.values() for source in whole.sources}
    given = wholes.get("references")
    if given is not None:
        frame = given.frame.mask(given.frame == "").combine_first(drawn)  # a name left blank is not a name
        wholes["references"] = Whole(frame, given.states, given.sources, given.notes)
    elif not drawn.empty:
        wholes["references"] = Whole(drawn, pd.Series(dtype="str"), tuple(used.values()), ())
    return wholes


def _complete(whole: Whole, name: str, pile: Pile) -> bool:
    contract = CONTRACTS[name]
    lacking = [column for column in (*contract.numbers, *contract.texts) if column not in whole.frame.columns]
    if lacking:
        used = " ; ".join(source.title for source in whole.sources)
        fr = f"{name} : {', '.join(lacking)} manque, la table est laissée de côté ({used})."
        en = f"{name}: {', '.join(lacking)} is missing, the table is left out ({used})."
        pile.notes.append(Note(TerritoireGeoWarning, fr, en))
    return not lacking


def _ages() -> pd.DataFrame:
    """Read the population by age of the base; the total is the sum of its parts, of one census."""
    ages = _base.communes()[list(AGES)].astype("float64")
    ages.insert(0, "population", ages.sum(axis=1, skipna=False))
    return ages
