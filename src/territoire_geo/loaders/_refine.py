"""Text as published to checked pieces: tidy names, types, contract, and the current communes."""

from collections.abc import Mapping

import pandas as pd

from territoire_geo.cog import ARRONDISSEMENTS, current_codes, harmonise
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.contracts import CONTRACTS, conform
from territoire_geo.errors import TableError
from territoire_geo.loaders import _base
from territoire_geo.loaders._layout import Layout
from territoire_geo.loaders._pile import Pile
from territoire_geo.loaders._types import typed
from territoire_geo.loaders.insee_geography import completed


def pieces(
    layout: Layout, raw: pd.DataFrame, pile: Pile, *, where: str
) -> dict[str, tuple[pd.DataFrame, "pd.Series[str]"]]:
    """
    Refine a table of text: tidy names, types, contract, current communes.

    Parameters
    ----------
    layout
        How its text is read.
    raw
        The table as published.
    pile
        Takes the communes that the change of COG left split or partial, and the notes of the layout.
    where
        The file and table, for messages.

    Returns
    -------
    pieces
        Field of `Tables` -> its rows of this file, and the `Absence` of figures that say more than "not published".

    Raises
    ------
    TableError
        If a figure is not a number, a code malformed, a key repeated, or a part larger than its whole.
    """
    out = {}
    for name, text in layout.tidy(raw).items():
        try:
            out[name] = _checked(name, text, layout, pile)
        except TableError as error:
            raise type(error)(f"{where}: {error}") from error
    told = (*layout.notes, *(layout.tell(raw) if layout.tell else ()))
    pile.notes += [note for note in told if note not in pile.notes]
    return out


def _checked(name: str, text: pd.DataFrame, layout: Layout, pile: Pile) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Type a table, check it whole against its contract, and bring its communes to the current COG."""
    frame, states = typed(text, CONTRACTS[name], where=name)
    for column, factor in layout.scale.items():
        if column in frame.columns:
            frame[column] = frame[column] * factor
    frame = conform(name, frame, whole=False)
    former = _base.former_codes()
    if pile.former:
        former = completed(pile.former, former, _base.communes().index)
    if CONTRACTS[name].by_commune:
        return _current(name, frame, states, pile, former)
    if CONTRACTS[name].located and CODE_COMMUNE in frame.columns and pile.former:
        frame[CODE_COMMUNE] = frame[CODE_COMMUNE].replace(former)
    return _current_flows(frame, states, former) if name == "flows" else (frame, states)


def _current(
    name: str, frame: pd.DataFrame, states: "pd.Series[str]", pile: Pile, former: Mapping[str, str]
) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    contract = CONTRACTS[name]
    base = _base.communes()
    done = harmonise(frame, former, base.index, restored=_base.restored_codes(), not_additive=contract.not_additive)
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


def _current_flows(
    frame: pd.DataFrame, states: "pd.Series[str]", former: Mapping[str, str]
) -> tuple[pd.DataFrame, "pd.Series[str]"]:
    """Bring both ends of flows to current communes, and sum; a place of work abroad (99...) stays as it is."""
    current = _base.communes().index
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
    table = groups.sum(min_count=1).mask(frame[kept].isna().groupby(keys).any())
    if states.empty:
        return table, states
    moved = dict(zip(frame.index[kept], zip(*keys, strict=True), strict=True))
    states = states[states.index.get_level_values(0).isin(list(moved))]
    where = [pd.Index([moved[key] for key in states.index.get_level_values(0)], tupleize_cols=False)]
    states.index = pd.MultiIndex.from_arrays([*where, states.index.get_level_values(1)])
    return table, states[~states.index.duplicated()]
