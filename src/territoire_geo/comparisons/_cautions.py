"""What a reader must know before reading a change: what is left out, counted otherwise, or surveyed twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from territoire_geo.columns import POPULATION
from territoire_geo.comparisons._figures import definition
from territoire_geo.comparisons._why import readers
from territoire_geo.errors import IncompleteBufferWarning, SuppressedValueWarning, TerritoireGeoWarning
from territoire_geo.tables import Note

if TYPE_CHECKING:
    import pandas as pd

    from territoire_geo.comparisons._causes import Found
    from territoire_geo.comparisons._pair import Pair
    from territoire_geo.comparisons._why import Why

YEARS: Final = 5  # of surveys that one census gathers: from N − 2 to N + 2
CENSUS: Final = re.compile(r"\bRP\s?(20\d\d)\b")


# Tables of the census; the others that the same file may bring (births, income) are not.
OF_CENSUS: Final = frozenset(
    {
        "population", "activity", "prime_age", "cars", "families", "living_alone", "working_parents", "wage_earners",
        "education", "housing", "commuting", "flows",
    }
)  # fmt: skip


def notes(pair: Pair, found: Found, causes: pd.DataFrame, said: tuple[Why, ...]) -> tuple[Note, ...]:
    """
    Tell what a reader must know before reading a change.

    Parameters
    ----------
    pair
        The two diagnostics.
    found
        What differs.
    causes
        From `causes`.
    said
        From `why`.

    Returns
    -------
    notes
        That nothing changed; who is left out of the comparison; needs that are not counted as before; vintages of the
        census that share surveys.
    """
    out = [*_left_out(pair), *_recounted(pair), *census(pair)]
    still = not (len(found.figures) or len(causes))
    if still and said:
        fr = "Aucun chiffre ni résultat ne change, malgré ce qui diffère."
        out.append(Note(TerritoireGeoWarning, fr, "No figure nor result changes, in spite of what differs."))
    elif still:
        fr = "Rien n'a changé : mêmes chiffres, même périmètre, mêmes structures, mêmes réglages, même méthode."
        en = "Nothing changed: same figures, same perimeter, same structures, same settings, same method."
        out.append(Note(TerritoireGeoWarning, fr, en))
    return tuple(out)


def _left_out(pair: Pair) -> list[Note]:
    one, other = pair.before.territory, pair.after.territory
    gone, come = one.core.difference(pair.both), other.core.difference(pair.both)
    if not (len(gone) or len(come)):
        return []
    people = [side.communes[POPULATION].reindex(codes).sum(min_count=1) for side, codes in ((one, gone), (other, come))]
    left = [f"{count:,.0f}" if count == count else "?" for count in people]  # noqa: PLR0124 - NaN is not known
    fr = (
        f"Seules les {len(pair.both)} communes des deux diagnostics sont comparées. Sont laissées de côté : "
        f"{_left(gone, left[0], 'fr')} du premier, {_left(come, left[1], 'fr')} du second."
    )
    en = (
        f"Only the {len(pair.both)} communes of both diagnostics are compared. Left out: "
        f"{_left(gone, left[0], 'en')} of the first, {_left(come, left[1], 'en')} of the second."
    )
    return [Note(IncompleteBufferWarning, fr, en)]


def _left(codes: pd.Index, people: str, lang: str) -> str:
    if not len(codes):
        return "aucune" if lang == "fr" else "none"
    count = f"{len(codes)} commune{'s' * (len(codes) > 1)}"
    spaced = people.replace(",", "\u202f")
    return f"{count} ({spaced} habitants)" if lang == "fr" else f"{count} ({people} people)"


def _recounted(pair: Pair) -> list[Note]:
    said = []
    for need in pair.redefined:
        one, other = pair.sides(need)
        fr = (
            f"{other.label} : ne compte plus la même chose ({one.demand.label}, {one.gap_unit} → "
            f"{other.demand.label}, {other.gap_unit}) ; l'écart n'est pas une évolution."
        )
        en = (
            f"{other.label_en}: no longer counts the same ({one.demand.label_en}, {one.gap_unit_en} → "
            f"{other.demand.label_en}, {other.gap_unit_en}); the difference is not a trend."
        )
        said.append(Note(SuppressedValueWarning, fr, en))
    return said


def overlaps(pair: Pair) -> dict[tuple[int, int], list[str]]:
    """
    Find the tables whose two vintages of the census share yearly surveys.

    The results of year N gather the surveys of N − 2 to N + 2: two vintages less than five years apart hold some of the
    same answers, and in a commune of less than 10,000 people, surveyed once in five years, often the very same ones.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    overlaps
        (earlier vintage, later vintage) -> names of tables; a table of several vintages on one side is left out.

    References
    ----------
    .. [1] Insee, « Recensement de la population : processus statistique »,
       https://www.insee.fr/fr/metadonnees/source/operation/s2075/processus-statistique (surveys of N − 2 to N + 2).
    """
    found: dict[tuple[int, int], list[str]] = {}
    for table in sorted(OF_CENSUS):
        sides = [
            {int(year) for one in side.table_sources.get(table, ()) for year in CENSUS.findall(one.millesime)}
            for side in (pair.before, pair.after)
        ]
        if all(len(years) == 1 for years in sides):
            then, now = (years.pop() for years in sides)
            if 0 < abs(now - then) < YEARS:
                found.setdefault((min(then, now), max(then, now)), []).append(table)
    return found


def census(pair: Pair) -> list[Note]:
    """
    Warn of vintages of the census that share yearly surveys, with the needs and measures concerned.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    census
        One note for each pair of vintages; none when they are the same, or five years apart.
    """
    said = []
    for (then, now), tables in overlaps(pair).items():
        needs = readers(pair, tables, "fr"), readers(pair, tables, "en")
        counts = [
            name
            for name in set(pair.before.computed) & set(pair.after.computed)
            for measure in [definition(pair, name)]
            if measure is not None and set(measure.sources) & set(tables)
        ]
        shared = f"{now - YEARS // 2}-{then + YEARS // 2}"
        fr = (
            f"Recensements {then} et {now} : moins de {YEARS} ans d'écart, leurs enquêtes annuelles se recouvrent "
            f"({shared}). Ne pas lire une évolution dans ces chiffres{needs[0]}. Mesures concernées : {len(counts)}."
        )
        en = (
            f"Censuses {then} and {now}: less than {YEARS} years apart, their yearly surveys overlap ({shared}). Do "
            f"not read a trend in these figures{needs[1]}. Measures concerned: {len(counts)}."
        )
        said.append(Note(SuppressedValueWarning, fr, en))
    return said
