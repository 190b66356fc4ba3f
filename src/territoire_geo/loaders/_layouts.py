"""Layouts that are recognised by their header: the tidy contract of each table, and files as producers publish them."""

from typing import Final

from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.contracts import CONTRACTS, Contract
from territoire_geo.loaders import (
    bmo,
    bnlc,
    bpe,
    cnaf,
    dares,
    data_inclusion,
    france_services,
    iae,
    iae_list,
    insee_base,
    insee_comparateur,
    insee_filosofi,
    insee_flux,
    melodi,
    melodi_cubes,
    pole_emploi_agencies,
    sncf,
    urssaf,
)
from territoire_geo.loaders._layout import Layout, Loader


def _tidy_layout(name: str, contract: Contract) -> Layout:
    needed = {*contract.key, *contract.numbers, *contract.texts}

    def recognise(columns: frozenset[str]) -> bool:
        return needed <= columns and (not contract.located or {"lon", "lat"} <= columns or CODE_COMMUNE in columns)

    return Layout(name, recognise, lambda raw: {name: raw})


def _recognise_references(columns: frozenset[str]) -> bool:
    return {"niveau", "code"} <= columns and "taux" not in columns


# In the order they are asked; those that stand in for others come last.
LOADERS: Final[tuple[Loader, ...]] = (
    *melodi.LOADERS,
    *insee_flux.LOADERS,
    *insee_base.LOADERS,
    *cnaf.LOADERS,
    *dares.LOADERS,
    *urssaf.LOADERS,
    *bmo.LOADERS,
    *iae.LOADERS,
    *data_inclusion.LOADERS,
    *bnlc.LOADERS,
    *sncf.LOADERS,
    *france_services.LOADERS,
    *insee_comparateur.LOADERS,
    *insee_base.STAND_INS,
    *bpe.LOADERS,
)
# A file of a folder is recognised by its header: the first layout that knows it reads it.
PUBLISHED: Final[tuple[Layout, ...]] = (
    *melodi_cubes.LAYOUTS,
    *insee_comparateur.LAYOUTS,
    *insee_base.LAYOUTS,
    *insee_filosofi.LAYOUTS,
    *insee_flux.LAYOUTS,
    *bpe.LAYOUTS,
    *cnaf.LAYOUTS,
    *dares.LAYOUTS,
    *urssaf.LAYOUTS,
    *bmo.LAYOUTS,
    iae_list.LAYOUT,
    *iae.LAYOUTS,
    *data_inclusion.LAYOUTS,
    *bnlc.LAYOUTS,
    *sncf.LAYOUTS,
    *france_services.LAYOUTS,
    *pole_emploi_agencies.LAYOUTS,
)
TIDY: Final = (
    *(_tidy_layout(name, contract) for name, contract in CONTRACTS.items() if name != "references"),
    Layout("references", _recognise_references, lambda raw: {"references": raw}),
)


def recognise(columns: list[str]) -> tuple[Layout, ...]:
    """
    Recognise layouts by the header of a file.

    Parameters
    ----------
    columns
        Names of the columns.

    Returns
    -------
    recognise
        The layout as published; else the contract, not keyed by commune, that asks for the most columns; else every
        commune table whose contract the header meets. Empty when nothing matches.
    """
    header = frozenset(columns)
    for layout in PUBLISHED:
        if layout.recognise(header):
            return (layout,)
    matches = [layout for layout in TIDY if layout.recognise(header)]
    keyed = [layout for layout in matches if not CONTRACTS[layout.id].by_commune]
    if keyed:
        return (max(keyed, key=lambda layout: len(asked(layout.id))),)
    return tuple(matches)


def asked(name: str) -> tuple[str, ...]:
    """
    Name the columns that the contract of a table asks for.

    Parameters
    ----------
    name
        Field of `Tables`.

    Returns
    -------
    asked
        Key, numbers and texts.
    """
    contract = CONTRACTS[name]
    return (*contract.key, *contract.numbers, *contract.texts)


def nearest(columns: list[str]) -> str:
    """
    Say which contract a header is nearest to, and what it lacks.

    Parameters
    ----------
    columns
        Names of the columns of a file that is not recognised.

    Returns
    -------
    nearest
        A sentence, empty when no column is known.
    """
    header = frozenset(columns)
    shared = {name: len(header & set(asked(name))) for name in CONTRACTS}
    name = max(shared, key=lambda field: (shared[field], -len(asked(field))))
    if not shared[name]:
        return ""
    lacking = [column for column in asked(name) if column not in header]
    return f" Nearest is {name}, which lacks {', '.join(lacking) if lacking else 'lon and lat, or code_commune'}."
