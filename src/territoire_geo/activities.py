"""What a structure does: whether its activity answers a need, in four levels of evidence."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from territoire_geo.columns import KIND, NEED, SIAE_KINDS, SIRET
from territoire_geo.measures import Level, Need
from territoire_geo.trades import UNTOLD, answering, plain

# Codes of organisation, not of trade: 1,797 of the 3,853 structures of 2020. They say nothing of what is done.
GENERIC_NAF: Final = answering(UNTOLD)
ANSWERING: Final = (Level.DECLARED, Level.LIKELY, Level.PROBABLE)


def is_siae(structures: pd.DataFrame) -> "pd.Series[bool]":
    """
    Tell the SIAE (ACI, AI, EI, EITI, ETTI) from the GEIQ and the adapted enterprises.

    Parameters
    ----------
    structures
        Indexed by (siret, kind).

    Returns
    -------
    is_siae
        One boolean per structure.
    """
    kinds = structures.index.get_level_values(KIND)
    return pd.Series(kinds.isin(SIAE_KINDS), index=structures.index, name="is_siae")


def codes(structures: pd.DataFrame) -> "pd.Series[str]":
    """
    Read the activity codes of structures as they are compared: without dots, in capitals.

    Parameters
    ----------
    structures
        With `naf` when known, with or without dot.

    Returns
    -------
    codes
        One code per structure, such as "8891A"; "" unknown.
    """
    if "naf" not in structures:
        return pd.Series("", index=structures.index, name="naf", dtype="str")
    return structures["naf"].fillna("").map(plain).astype("str")


def levels(structures: pd.DataFrame, declared: pd.DataFrame | None, needs: Sequence[Need]) -> pd.DataFrame:
    """
    Say, for each structure and need, whether its activity answers the need.

    "declared": someone who knows says so, or the State's agreement does; "likely": the NAF code says so; "probable":
    the kind says so; "unknown": a generic code, which is not a no; "no": the code names another trade.

    Parameters
    ----------
    structures
        Indexed by (siret, kind), with `naf` (5 characters, with or without dot) when known.
    declared
        Indexed by (siret, kind, need): what structures are known to do; None when nothing is.
    needs
        The needs, with their NAF codes and kinds.

    Returns
    -------
    levels
        One column per need id, values of `Level`.
    """
    naf = codes(structures)
    kinds = structures.index.get_level_values(KIND).to_series(index=structures.index)
    generic = naf.isin(GENERIC_NAF)
    out = pd.DataFrame(index=structures.index)
    for need in needs:
        level = pd.Series(Level.NO.value, index=structures.index, dtype="str").mask(generic, Level.UNKNOWN.value)
        level = level.mask(kinds.isin(need.kinds), Level.PROBABLE.value)
        level = level.mask(naf.isin(need.naf), Level.LIKELY.value)
        level = level.mask(kinds.isin(need.kinds_declared), Level.DECLARED.value)
        out[need.id] = level.mask(_says(structures.index, declared, need.id), Level.DECLARED.value)
    return out


def _says(index: pd.Index, declared: pd.DataFrame | None, need: str) -> "pd.Series[bool]":
    if declared is None:
        return pd.Series(data=False, index=index)
    known = declared.reset_index()
    pairs = pd.MultiIndex.from_frame(known.loc[known[NEED] == need, [SIRET, KIND]])
    return pd.Series(index.isin(pairs), index=index)
