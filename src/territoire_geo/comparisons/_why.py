"""Why two diagnostics differ, in sentences: sources, perimeter, structures, settings, method; and the cautions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from territoire_geo.absences import listed
from territoire_geo.columns import CODE_COMMUNE, KIND, NOM_COMMUNE
from territoire_geo.comparisons._causes import Found, edited
from territoire_geo.comparisons._figures import definition, plain
from territoire_geo.comparisons._near import redrawn
from territoire_geo.comparisons._pair import SUPPLY_TABLES, Pair
from territoire_geo.comparisons._settings import norm_cause, norm_words, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from territoire_geo.tables import Source

FEW: Final = 3  # figures named one by one


@dataclass(frozen=True)
class Why:
    """
    One reason why two diagnostics differ, in French and in English.

    `cause` is a column of `Comparison.causes`, or "measures" for those that follow from trips and structures.
    """

    cause: str
    fr: str
    en: str


def why(pair: Pair, found: Found, causes: pd.DataFrame) -> tuple[Why, ...]:
    """
    Tell everything that differs between what the two diagnostics were made from.

    Parameters
    ----------
    pair
        The two diagnostics.
    found
        What differs.
    causes
        From `causes`.

    Returns
    -------
    why
        Sources, figures, perimeter, structures, needs and settings, method, edition by hand, and what stays
        unexplained; empty when nothing differs.
    """
    own, made = _figures(pair, found)
    said = [
        *_sources(pair), *own, *_norms(pair), *_perimeter(pair), *_structures(found.structures),
        *_facilities(found.facilities), *_needs(pair),
        *(Why("settings", f"Réglage : {one.fr}.", f"Setting: {one.en}.") for one in found.settings),
        *_method(pair), *made, *_edited(pair), *_unexplained(pair, causes),
    ]  # fmt: skip
    return tuple(said)


def readers(pair: Pair, tables: Sequence[str], lang: str) -> str:
    """
    Name the needs that read some tables, in brackets.

    Parameters
    ----------
    pair
        The two diagnostics.
    tables
        Names of tables.
    lang
        "fr" or "en".

    Returns
    -------
    readers
        "" when none does.
    """
    names = [
        pair.needs[need].label if lang == "fr" else pair.needs[need].label_en
        for need in pair.shared
        if {variable.partition(".")[0] for variable in pair.variables(need)} & set(tables)
    ]
    return f" ({', '.join(names)})" if names else ""


def _sources(pair: Pair) -> list[Why]:
    """Pair the sources of each table, one sentence for the tables that share them."""
    pairs: dict[tuple[Source | None, Source | None], list[str]] = {}
    for table in pair.moved_sources:
        one, other = (list(side.table_sources.get(table, ())) for side in (pair.before, pair.after))
        gone, come = ([each for each in side if each not in beside] for side, beside in ((one, other), (other, one)))
        by_id = {each.id: each for each in come}
        matched = [(each, by_id[each.id]) for each in gone if each.id in by_id]
        left = [each for each in gone if each.id not in by_id]
        new = [each for each in come if each.id not in {then.id for then, _ in matched}]
        for key in [*matched, *zip_longest(left, new)]:
            pairs.setdefault(key, []).append(table)
    return [_source(pair, key, tables) for key, tables in pairs.items()]


def _source(pair: Pair, key: tuple[Source | None, Source | None], tables: list[str]) -> Why:
    then, now = key
    cause = "perimeter" if tables == ["territory"] else "structures" if set(tables) <= {*SUPPLY_TABLES} else "figures"
    fr, en = (readers(pair, tables, lang) for lang in ("fr", "en"))
    if then is None or now is None:
        known = now or then
        cited = known.cite() if known is not None else "?"
        words = ("ajoutés", "added") if then is None else ("retirés", "withdrawn")
        return Why(cause, f"Chiffres {words[0]} : {cited}{fr}.", f"Figures {words[1]}: {cited}{en}.")
    named = ", ".join(part for part in (now.producer, now.title) if part)
    if (then.producer, then.title) != (now.producer, now.title):
        both = f"{then.cite()} → {now.cite()}"
        return Why(cause, f"Autre source : {both}{fr}.", f"Another source: {both}{en}.")
    if then.millesime != now.millesime:
        both = f"{then.millesime or '?'} → {now.millesime or '?'}"
        return Why(cause, f"Nouveau millésime : {named}, {both}{fr}.", f"New vintage: {named}, {both}{en}.")
    return Why(
        cause,
        f"Chiffres corrigés par le producteur ou à la main : {now.cite()}, dont le fichier n'est plus le même{fr}.",
        f"Figures corrected by the producer or by hand: {now.cite()}, whose file is no longer the same{en}.",
    )


def _figures(pair: Pair, found: Found) -> tuple[list[Why], list[Why]]:
    """Tell the figures that changed, then the measures that follow from trips and structures."""
    rows = found.figures
    names = rows.index.get_level_values("measure")
    own = [name for name in names.unique() for one in [definition(pair, name)] if one is not None and plain(one)]
    read, made = rows[names.isin(own)], rows[~names.isin(own) & rows["in_core"]]
    said = [_figure(pair, key, row) for key, row in read.iterrows()] if len(read) <= FEW else _counted(pair, read)  # type: ignore[arg-type] # two levels
    if not len(made):
        return said, []
    which = _measures(pair, made)
    fr = f"Mesures de trajets et de structures qui en changent : {which[0]}."
    return said, [Why("measures", fr, f"Measures of trips and structures that change with it: {which[1]}.")]


def _counted(pair: Pair, rows: pd.DataFrame) -> list[Why]:
    said = []
    for part, *around in (
        (rows[rows["in_core"]], "", ""),
        (rows[~rows["in_core"]], " du voisinage", " of the buffer"),
    ):
        codes = part.index.get_level_values(CODE_COMMUNE).unique()
        if len(codes):
            which = _measures(pair, part)
            places = [f"{len(codes)} communes{word}" if len(codes) > 1 else _name(pair, codes[0]) for word in around]
            fr = f"Chiffres qui changent ({places[0]}) : {which[0]}."
            said.append(Why("figures", fr, f"Figures that change ({places[1]}): {which[1]}."))
    return said


def _measures(pair: Pair, rows: pd.DataFrame) -> tuple[str, str]:
    """Name the first measures, and count the others."""
    names = rows.index.get_level_values("measure").unique()
    words = [(one.label, one.label_en) for name in names[:FEW] for one in [definition(pair, name)] if one is not None]
    more = len(names) - len(words)
    fr, en = ", ".join(name for name, _ in words), ", ".join(name for _, name in words)
    plural = "s" * (more > 1)
    return (f"{fr} et {more} autre{plural}", f"{en} and {more} other{plural}") if more > 0 else (fr, en)


def _figure(pair: Pair, key: tuple[str, str], row: pd.Series) -> Why:
    code, name = key
    measure = definition(pair, name)
    label, label_en = (name, name) if measure is None else (measure.label, measure.label_en)
    unit = "" if measure is None or not measure.unit else f" {measure.unit}"
    unit_en = f" {measure.unit_en or measure.unit}" if unit and measure is not None else ""
    states = {"unknown": ("inconnu", "unknown"), "secret": ("secret", "secret")}
    sides = [
        [number(float(row[side]), lang) for lang in ("fr", "en")]
        if row[f"state_{side}"] == "known"
        else list(states[row[f"state_{side}"]])
        for side in ("before", "after")
    ]
    read, place = row["columns"], _name(pair, code)
    fr = f"Chiffre qui change, {place} : {label} [{read}], {sides[0][0]} → {sides[1][0]}{unit}."
    return Why(
        "figures", fr, f"Figure that changes, {place}: {label_en} [{read}], {sides[0][1]} → {sides[1][1]}{unit_en}."
    )


def _name(pair: Pair, code: str) -> str:
    """Name a commune, with its code: several bear the same name."""
    for side in (pair.after, pair.before):
        communes = side.territory.communes
        if code in communes.index:
            return f"{communes[NOM_COMMUNE].loc[code]!s} ({code})"
    return code


def _norms(pair: Pair) -> list[Why]:
    words = [norm_words(pair, need) for need in pair.shared if norm_cause(pair, need) == "figures"]
    return [Why("figures", f"{fr}.", f"{en}.") for fr, en in words]


def _perimeter(pair: Pair) -> list[Why]:
    one, other = pair.before.territory, pair.after.territory
    said = []
    for side, away, fr, en in (
        (other, one, "Communes entrées dans le territoire", "Communes that joined the territory"),
        (one, other, "Communes sorties du territoire", "Communes that left the territory"),
    ):
        moved = side.core.difference(away.core)
        if len(moved):
            names = listed(side.communes[NOM_COMMUNE].loc[moved])
            said.append(Why("perimeter", f"{fr} : {names}.", f"{en}: {names}."))
    around = [side.communes.index.difference(side.core) for side in (one, other)]
    come, gone = len(around[1].difference(one.communes.index)), len(around[0].difference(other.communes.index))
    if come or gone:
        fr = f"Voisinage chargé : {come} communes de plus, {gone} de moins."
        said.append(Why("perimeter", fr, f"Loaded buffer: {come} communes more, {gone} fewer."))
    again = redrawn(pair)
    if len(again):
        names = listed(other.communes[NOM_COMMUNE].loc[again])
        fr = f"Même code mais autre surface, comme après une fusion : {names}."
        said.append(Why("perimeter", fr, f"Same code but another area, as after a merger: {names}."))
    if one.cog_year != other.cog_year:
        years = f"{one.cog_year} → {other.cog_year}"
        fr = f"Code officiel géographique : {years} ; les communes de même code sont comparées."
        said.append(Why("perimeter", fr, f"Commune codes (COG): {years}; communes of the same code are compared."))
    return said


def _kinds(keys: pd.Index) -> str:
    counts = keys.get_level_values(KIND).value_counts().sort_index()
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def _structures(events: pd.DataFrame) -> list[Why]:
    here = events[events["within_reach"]]
    words = (
        ("new", "entrées dans la liste", "new in the list"),
        ("gone", "sorties de la liste", "no longer in the list"),
        ("moved", "déplacées", "moved"),
        ("activity", "activité connue modifiée", "known activity changed"),
        ("capacity", "capacité modifiée", "capacity changed"),
    )
    counted = [(here.index[here[name]], fr, en) for name, fr, en in words if here[name].any()]
    said = []
    if counted:
        fr = " ; ".join(f"{told}, {_kinds(keys)}" for keys, told, _ in counted)
        en = "; ".join(f"{told}, {_kinds(keys)}" for keys, _, told in counted)
        said.append(Why("structures", f"Structures à portée : {fr}.", f"Structures within reach: {en}."))
    far = len(events) - len(here)
    if far:
        fr = f"Structures hors de portée du territoire, entrées, sorties ou modifiées : {far}."
        en = f"Structures out of reach of the territory, new, gone or changed: {far}."
        said.append(Why("structures", fr, en))
    return said


def _facilities(events: pd.DataFrame) -> list[Why]:
    if events.empty:
        return []
    said = {}
    for lang, label, words in (
        ("fr", "label", ("nouveaux", "disparus", "déplacés", "taille modifiée")),
        ("en", "label_en", ("new", "gone", "moved", "size changed")),
    ):
        parts = []
        for name, word in zip(("new", "gone", "moved", "amount"), words, strict=True):
            counts = events.loc[events[name], label].value_counts().sort_index()
            if len(counts):
                parts.append(f"{word}, {', '.join(f'{count} {kind}' for kind, count in counts.items())}")
        said[lang] = (" ; " if lang == "fr" else "; ").join(parts)
    return [Why("structures", f"Équipements : {said['fr']}.", f"Facilities: {said['en']}.")]


def _needs(pair: Pair) -> list[Why]:
    one, other = ({need.id for need in side.needs} for side in (pair.before, pair.after))
    said = []
    for names, fr, en in (
        (other - one, "Besoins étudiés en plus", "Needs added"),
        (one - other, "Besoins qui ne sont plus étudiés", "Needs left out"),
    ):
        told = [need for name, need in pair.needs.items() if name in names]
        if told:
            words = ", ".join(need.label for need in told), ", ".join(need.label_en for need in told)
            said.append(Why("settings", f"{fr} : {words[0]}.", f"{en}: {words[1]}."))
    return said


def _method(pair: Pair) -> list[Why]:
    then, now = (side.settings.get("method", "?") for side in (pair.before, pair.after))
    if then == now:
        return []
    fr = f"Version de la méthode : {then} → {now} ; refaire le premier diagnostic avec la version d'aujourd'hui."
    en = f"Version of the method: {then} → {now}; run the first diagnostic again with today's version."
    return [Why("method", fr, en)]


def _edited(pair: Pair) -> list[Why]:
    layers = sorted(edited(pair))
    if not layers:
        return []
    names = ", ".join(layers)
    fr = f"Couches modifiées à la main depuis leur écriture : {names}."
    return [Why("edited", fr, f"Layers edited by hand since they were written: {names}.")]


def _unexplained(pair: Pair, causes: pd.DataFrame) -> list[Why]:
    rows = causes.index[causes["unexplained"]]
    if not len(rows):
        return []
    codes = rows.get_level_values(CODE_COMMUNE).unique()
    names = listed(pair.after.territory.communes[NOM_COMMUNE].reindex(codes))
    fr = f"Changements sans cause connue : {len(rows)}, dans {names}. Ne pas s'y fier avant de l'avoir trouvée."
    en = f"Changes without a known cause: {len(rows)}, in {names}. Do not rely on them before it is found."
    return [Why("unexplained", fr, en)]
