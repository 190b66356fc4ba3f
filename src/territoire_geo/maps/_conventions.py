"""The settings of a diagnostic in the words of a meeting; their technical names stay in the exported settings."""

import re
from collections.abc import Mapping
from typing import Final

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.maps._texts import number
from territoire_geo.travel import BIKE

_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "territory": "territoire", "communes": "communes", "cog": "communes (COG {0})",
        "buffer": "voisinage chargé", "travel_car": "trajets en voiture",
        "travel_bike": "trajets à vélo", "travel_other": "trajets ({0})", "table": "table de minutes fournie",
        "car_rule": "{0} km/h, détour {1} (convention à vol d'oiseau)", "bike_rule": "{0} km/h à vol d'oiseau",
        "reference": "référence", "DEP": "{0} (département)", "REG": "{0} (région)", "EPCI": "{0} (EPCI)",
        "FR": "{0}", "target": "norme choisie : {0}", "car": "en voiture", "bike": "à vélo", "walk": "à pied",
        "reach": "{0} min {1}", "flat": "même poids partout", "steps": "poids {0} à {1} min",
        "falling": "poids décroissant avec la distance", "own": "loi {0}",
    },
    "en": {
        "territory": "territory", "communes": "communes", "cog": "communes (COG {0})",
        "buffer": "neighbourhood loaded", "travel_car": "travel by car",
        "travel_bike": "travel by bike", "travel_other": "travel ({0})", "table": "table of minutes given",
        "car_rule": "{0} km/h, detour {1} (straight-line convention)", "bike_rule": "{0} km/h in a straight line",
        "reference": "reference", "DEP": "{0} (département)", "REG": "{0} (région)", "EPCI": "{0} (EPCI)",
        "FR": "{0}", "target": "chosen norm: {0}", "car": "by car", "bike": "by bike", "walk": "on foot",
        "reach": "{0} min {1}", "flat": "same weight throughout", "steps": "weights {0} at {1} min",
        "falling": "weight falling with distance", "own": "law {0}",
    },
}  # fmt: skip
_STEP: Final = re.compile(r"([\d.]+)→([\d.]+)")
_FALLING: Final = ("dai(", "gaussian(", "exponential(")


def conventions(diagnostic: Diagnostic, lang: str) -> list[list[str]]:
    """
    Word what a diagnostic was asked for.

    Parameters
    ----------
    diagnostic
        The diagnostic; what its settings do not hold is not said.
    lang
        "fr" or "en".

    Returns
    -------
    conventions
        Pairs of a label and a sentence: territory, communes, neighbourhood, travel, reference, then one per need.
    """
    words, settings, territory = _WORDS[lang], diagnostic.settings, diagnostic.territory
    year = settings.get("cog_year")
    count = number(len(territory.core), 0, lang)
    code = f" ({territory.code})" if territory.code else ""
    return [
        [words["territory"], f"{territory.name}{code}"],
        [words["cog"].format(year) if year else words["communes"], count],
        [words["buffer"], f"{_short(round(territory.buffer_km), lang)} km"],
        *_travel(settings, words, lang),
        *_reference(settings, words),
        *_needs(diagnostic, words, lang),
    ]


def _travel(settings: Mapping[str, object], words: Mapping[str, str], lang: str) -> list[list[str]]:
    by_mode = settings.get("travel")
    given = by_mode if isinstance(by_mode, Mapping) else {"car": "convention"}
    rules = {
        "car": words["car_rule"].format(_short(settings.get("speed_kmh"), lang), _short(settings.get("detour"), lang)),
        "bike": words["bike_rule"].format(_short(BIKE.kmh, lang)),
    }
    rows = []
    for mode, source in given.items():
        said = words["table"] if source == "table" else rules.get(mode, str(source))
        if source == "table" or mode != "car" or "speed_kmh" in settings:
            rows.append([words.get(f"travel_{mode}", words["travel_other"].format(mode)), said])
    return rows


def _reference(settings: Mapping[str, object], words: Mapping[str, str]) -> list[list[str]]:
    given = settings.get("reference")
    if not isinstance(given, Mapping) or not given.get("nom"):
        return []
    return [[words["reference"], words.get(str(given.get("niveau")), "{0}").format(given["nom"])]]


def _needs(diagnostic: Diagnostic, words: Mapping[str, str], lang: str) -> list[list[str]]:
    by_need, targets = diagnostic.settings.get("needs"), diagnostic.settings.get("targets")
    rows = []
    for need in diagnostic.needs:
        label = need.label_en if lang == "en" else need.label
        asked = by_need.get(need.id) if isinstance(by_need, Mapping) else None
        if not isinstance(asked, Mapping):
            continue
        mode = str(asked.get("mode", need.mode))
        said = [words["reach"].format(_short(asked.get("reach"), lang), words.get(mode, mode))]
        said.append(_law(str(asked.get("decay", "")), words, lang))
        if isinstance(targets, Mapping) and need.id in targets:
            said.append(words["target"].format(_short(targets[need.id], lang)))
        rows.append([label, ", ".join(filter(None, said))])
    return rows


def _law(name: str, words: Mapping[str, str], lang: str) -> str:
    """Word a law from its name: its steps when it has some."""
    if name.startswith("binary("):
        return words["flat"]
    if name.startswith("steps("):
        bounds, weights = zip(*_STEP.findall(name), strict=True)
        shown = (" / ".join(_short(float(value), lang) for value in values) for values in (weights, bounds))
        return words["steps"].format(*shown)
    if name.startswith(_FALLING):
        return words["falling"]
    return words["own"].format(name) if name else ""


def _short(value: object, lang: str) -> str:
    """Write a number with the decimals it has, two at most."""
    if not isinstance(value, int | float):
        return "" if value is None else str(value)
    decimals = next((digits for digits in (0, 1) if round(value, digits) == round(value, 2)), 2)
    return number(value, decimals, lang)
