"""The settings that differ between two diagnostics, in words, and where they can act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import geopandas as gpd
import numpy as np
import pandas as pd

from territoire_geo.comparisons._pair import Pair, differ, keys_of, setting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need

MODES: Final[Mapping[str, tuple[str, str]]] = {"car": ("voiture", "car"), "bike": ("vélo", "bicycle")}
HOW: Final[Mapping[str, tuple[str, str]]] = {"convention": ("convention", "convention"), "table": ("table", "table")}
# How the words of a norm begin when the reference lacks a figure: that it does or not is a matter of figures.
STAND_INS: Final = ("moyenne du territoire et de son voisinage", "norme inconnue")
RARE: Final = 0.01  # units per person: below, a norm is told per 1,000 people
NORMS: Final = ("references", "childcare_rates", "structures", "facilities")  # tables that a norm may be read from


@dataclass(frozen=True)
class Setting:
    """
    A setting that differs: its words, the needs on which it acts, all rows or only those whose norm moved.

    A setting without needs acts on no figure of unmet need: on the low and high values, or on the ranking.
    """

    fr: str
    en: str
    needs: tuple[str, ...] = ()
    by_norm: tuple[str, ...] = ()


def number(value: object, lang: str) -> str:
    """
    Write a number of a setting or of a norm: three figures that count.

    Parameters
    ----------
    value
        The number, or anything else.
    lang
        "fr" or "en".

    Returns
    -------
    number
        Such as "1,3" in French.
    """
    if not isinstance(value, int | float):
        return "?" if value is None else str(value)
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"  # noqa: PLR2004 - below, "1e+03" is not read
    return text.replace(".", ",") if lang == "fr" else text


def differences(pair: Pair) -> list[Setting]:
    """
    List the settings that differ, in the order of a reader's interest.

    Parameters
    ----------
    pair
        The two diagnostics.

    Returns
    -------
    differences
        Empty when both were asked the same.
    """
    by_need = [one for name in pair.shared for one in _of_need(pair, name)]
    norms = [one for name in pair.shared for one in _norm(pair, name)]
    return [*_travel(pair), *by_need, *norms, *_reference(pair), *_weights(pair)]


def _acting(pair: Pair, mode: str) -> dict[str, tuple[str, ...]]:
    """Minutes act on the needs of their mode, and by car on any norm that counts what a car reaches."""
    using = [name for name in pair.shared if any(side.mode == mode for side in pair.sides(name))]
    others = [name for name in pair.shared if name not in using] if mode == "car" else []
    return {"needs": tuple(using), "by_norm": tuple(others)}


def _travel(pair: Pair) -> list[Setting]:
    one, other = pair.before.settings, pair.after.settings
    how = setting(pair.before, "travel"), setting(pair.after, "travel")
    found = []
    for mode in dict.fromkeys([*how[0], *how[1]]):
        then, now = (str(side.get(mode, "convention")) for side in how)
        words = MODES.get(mode, (mode, mode))
        if then != now:
            fr = f"temps de trajet ({words[0]}) : {HOW.get(then, (then,))[0]} → {HOW.get(now, (now,))[0]}"
            found.append(Setting(fr, f"travel times ({words[1]}): {then} → {now}", **_acting(pair, mode)))
    if how[0].get("car") == "table" and how[1].get("car") == "table":
        if _minutes_differ(pair):
            fr, en = "table de minutes (voiture) : d'autres minutes", "table of minutes (car): other minutes"
            found.append(Setting(fr, en, **_acting(pair, "car")))
        return found
    for name, fr, en, unit in (
        ("speed_kmh", "vitesse en voiture", "speed by car", " km/h"),
        ("detour", "détour par la route", "detour by road", ""),
    ):
        then_, now_ = one.get(name), other.get(name)
        if then_ != now_:
            said = [f"{number(then_, lang)} → {number(now_, lang)}{unit}" for lang in ("fr", "en")]
            found.append(Setting(f"{fr} : {said[0]}", f"{en}: {said[1]}", **_acting(pair, "car")))
    return found


def _minutes_differ(pair: Pair) -> bool:
    """Tell whether the trips to the structures that stayed where they were take other minutes."""
    one, other = pair.before, pair.after
    both = one.structures.index.intersection(other.structures.index)
    places = [gpd.GeoSeries(side.structures.geometry).reindex(both) for side in (one, other)]
    still = both[np.asarray(gpd.GeoSeries(places[0]).geom_equals(gpd.GeoSeries(places[1]), align=False))]
    trips = [side.trips[keys_of(side.trips).isin(still)] for side in (one, other)]
    common = trips[0].index.intersection(trips[1].index)
    return bool(differ(trips[0].reindex(common), trips[1].reindex(common)).any())


def _of_need(pair: Pair, name: str) -> list[Setting]:
    one, other = pair.sides(name)
    told = [cast("Mapping[str, object]", setting(side, "needs").get(name, {})) for side in (pair.before, pair.after)]
    label, label_en = other.label, other.label_en
    found = []
    if one.mode != other.mode:
        then, now = (MODES.get(side.mode, (side.mode, side.mode)) for side in (one, other))
        fr, en = f"{label}, mode : {then[0]} → {now[0]}", f"{label_en}, mode: {then[1]} → {now[1]}"
        found.append(Setting(fr, en, (name,)))
    if one.reach != other.reach:
        fr, en = (f"{number(one.reach, lang)} → {number(other.reach, lang)} min" for lang in ("fr", "en"))
        found.append(Setting(f"{label}, portée : {fr}", f"{label_en}, reach: {en}", (name,)))
    elif told[0].get("decay") != told[1].get("decay"):
        said = f"{told[0].get('decay', '?')} → {told[1].get('decay', '?')}"
        found.append(
            Setting(f"{label}, poids des minutes : {said}", f"{label_en}, weights of minutes: {said}", (name,))
        )
    elif told[0].get("sensitivity") != told[1].get("sensitivity"):
        fr, en = f"{label}, lois des valeurs basse et haute", f"{label_en}, laws of the low and high values"
        found.append(Setting(fr, en))
    if _means(one) != _means(other):
        fr, en = f"{label}, activités ou équipements comptés", f"{label_en}, activities or facilities counted"
        found.append(Setting(fr, en, (name,)))
    return found


def _means(need: Need) -> tuple[object, ...]:
    return tuple(sorted(each) for each in (need.naf, need.kinds, need.kinds_declared, need.facilities))


def norm_cause(pair: Pair, need: str) -> str:
    """
    Tell why the norm of a need is another.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.

    Returns
    -------
    norm_cause
        "settings", "perimeter" (another département holds most of the people), "figures" (the reference has other
        figures), or "" when it is the same, or moves with everything else (a norm by commune, an average of the
        territory).
    """
    one, other = (side.targets.reindex([need]).iloc[0] for side in (pair.before, pair.after))
    renamed = one["label"] != other["label"]
    moved = not pd.isna(one["value"]) and one["value"] != other["value"]
    if not (renamed or moved):
        return ""
    asked = [(side.settings.get("asked"), setting(side, "targets").get(need)) for side in (pair.before, pair.after)]
    if asked[0] != asked[1]:
        return "settings"
    if _held_against(pair.before) != _held_against(pair.after):
        return "perimeter"
    if renamed:
        stood_in = any(str(side["label"]).startswith(STAND_INS) for side in (one, other))
        return "figures" if stood_in or set(NORMS) & set(pair.moved_sources) else "settings"
    return "" if pair.follows_territory(need) else "figures"


def _norm(pair: Pair, name: str) -> list[Setting]:
    if norm_cause(pair, name) != "settings":
        return []
    fr, en = norm_words(pair, name)
    return [Setting(fr, en, by_norm=(name,))]


def norm_words(pair: Pair, need: str) -> tuple[str, str]:
    """
    Tell a norm before and after, with its value when it is one number.

    Parameters
    ----------
    pair
        The two diagnostics.
    need
        Id of a need that both assess.

    Returns
    -------
    norm_words
        In French and in English.
    """
    said = {}
    for lang, column in (("fr", "label"), ("en", "label_en")):
        rows = [side.targets.reindex([need]).iloc[0] for side in (pair.before, pair.after)]
        then, now = (_value(row, str(row[column]), lang) for row in rows)
        said[lang] = f"{then} → {now}"
    label = pair.needs[need]
    return f"{label.label}, norme : {said['fr']}", f"{label.label_en}, norm: {said['en']}"


def _value(row: pd.Series, label: str, lang: str) -> str:
    value = float(row["value"])
    if pd.isna(value):
        return label
    if value >= RARE:
        return f"{label}, {number(value, lang)}"
    return f"{label}, {number(1000 * value, lang)} {'pour 1 000 personnes' if lang == 'fr' else 'per 1,000 people'}"


def _held_against(diagnostic: Diagnostic) -> tuple[object, object]:
    reference = setting(diagnostic, "reference")
    return reference.get("niveau"), reference.get("code")


def _reference(pair: Pair) -> list[Setting]:
    if _held_against(pair.before) == _held_against(pair.after):
        return []
    one, other = (setting(side, "reference") for side in (pair.before, pair.after))
    then, now = one.get("nom", "?"), other.get("nom", "?")
    return [Setting(f"territoire de comparaison : {then} → {now}", f"held against: {then} → {now}")]


def _weights(pair: Pair) -> list[Setting]:
    one, other = (setting(side, "weights") for side in (pair.before, pair.after))
    if one == other:
        return []
    fr = "poids des besoins dans le classement, qui ne changent pas le besoin non couvert"
    en = "weights of the needs in the ranking, which do not change the unmet need"
    return [Setting(fr, en)]
