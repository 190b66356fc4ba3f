"""Every word of the page, in French and in English; data is never formatted into them by a template."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.maps._typography import typeset

SMALL: Final = 5  # people: an estimate under this is printed "< 5"
_THIN: Final = "\u202f"


def number(value: float, decimals: int, lang: str) -> str:
    """
    Write a number: narrow no-break space and comma in French.

    Parameters
    ----------
    value
        A known number.
    decimals
        How many to print.
    lang
        "fr" or "en".

    Returns
    -------
    number
        For instance "1 234,5".
    """
    text = f"{value:,.{decimals}f}".replace("-", "\u2212")
    return text.replace(",", _THIN).replace(".", ",") if lang == "fr" else text


def people(values: pd.Series) -> list[int | None]:
    """
    Round counts of people for a page; what is between 0 and 5 becomes 1, printed "< 5".

    Parameters
    ----------
    values
        Counts, NaN unknown.

    Returns
    -------
    people
        Whole numbers, None where unknown.
    """
    rounded = np.rint(values).mask((values > 0) & (values < SMALL), 1)
    return [None if pd.isna(value) else int(value) for value in rounded]


def figures(values: pd.Series, decimals: int) -> list[float | None]:
    """
    Round values for a page.

    Parameters
    ----------
    values
        Values, NaN unknown.
    decimals
        How many to keep.

    Returns
    -------
    figures
        Numbers, None where unknown.
    """
    return [
        None if pd.isna(value) or np.isinf(value) else int(value) if value == int(value) else float(value)
        for value in values.astype("float64").round(decimals)
    ]


KIND_NAMES: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "ACI": "Atelier ou chantier d’insertion",
        "AI": "Association intermédiaire",
        "EI": "Entreprise d’insertion",
        "EITI": "Entreprise d’insertion par le travail indépendant",
        "ETTI": "Entreprise de travail temporaire d’insertion",
        "GEIQ": "Groupement d’employeurs (GEIQ)",
        "EA": "Entreprise adaptée",
    },
    "en": {
        "ACI": "Integration workshop (ACI)",
        "AI": "Intermediary association (AI)",
        "EI": "Work-integration enterprise (EI)",
        "EITI": "Integration through self-employment (EITI)",
        "ETTI": "Integration temp agency (ETTI)",
        "GEIQ": "Employers’ group (GEIQ)",
        "EA": "Adapted enterprise (EA)",
    },
}
ABSENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "": "chiffre non publié ou non chargé",
        "secret": "secret statistique",
        "non publié": "chiffre non publié",
        "sans objet": "sans objet ici",
    },
    "en": {
        "": "figure not published or not loaded",
        "secret": "statistical secrecy",
        "non publié": "figure not published",
        "sans objet": "not applicable here",
    },
}
_FR: Final[Mapping[str, str]] = {
    "colon": " : ",
    "title": "Diagnostic partagé",
    "subtitle": "Pré-diagnostic : il prépare la discussion, il ne la remplace pas.",
    "map": "Carte des communes",
    "theme": "Thème",
    "group_need": "Besoins non couverts",
    "group_cross": "Besoin × structures IAE",
    "group_context": "Contexte",
    "search": "Chercher une commune",
    "search_none": "Aucune commune de ce nom ici.",
    "search_many": "Plusieurs communes possibles :",
    "search_more": "et {0} de plus",
    "legend": "Légende",
    "communes": "communes",
    "commune": "Commune",
    "unknown": "inconnu",
    "why": "Inconnu : ",
    "nobody": "aucune personne concernée",
    "buffer": "communes voisines (hors territoire)",
    "buffer_pale": "communes voisines (teintes pâles), sur les mêmes classes",
    "outside": "Commune voisine, hors du territoire diagnostiqué.",
    "share": "part non couverte",
    "share_long": "part des personnes dont le besoin n’est pas couvert",
    "demand": "demande",
    "access": "accès",
    "target": "norme",
    "of_norm": "{0} de la norme",
    "against": "{0} pour une norme de {1} {2}",
    "gap": "manque",
    "between": "entre {0} et {1}",
    "known_share": "Calculé sur {0} % de la demande alentour : le reste est inconnu.",
    "within": "structures à portée",
    "answering": "répondent au besoin",
    "answering_long": "structures qui répondent au besoin, à portée",
    "nearest": "la plus proche à",
    "out_of_reach": "Rien à portée.",
    "method": "Classes",
    "source": "Source",
    "sources": "Sources",
    "reference": "Référence",
    "territory": "Territoire",
    "whole": "Ensemble du territoire",
    "of": "sur",
    "on_known": "Somme des communes connues ({0} sur {1}).",
    "constant": "Même valeur dans toutes les communes du territoire.",
    "and_around": "+ voisines",
    "norm_is": "Norme : {0}.",
    "not_summed": "Ne s’additionne pas d’une commune à l’autre.",
    "structures": "Structures",
    "all_kinds": "Structures de l’IAE (SIAE)",
    "not_siae": "Hors SIAE",
    "only_answering": "Seulement celles qui répondent au besoin affiché",
    "only_none": "Ce thème n’est pas un besoin : toutes les structures sont montrées.",
    "filled": "Signe plein : répond au besoin affiché. Signe clair : non, ou inconnu.",
    "need": "Besoin",
    "level": "Répond ?",
    "in_reach": "Personnes à portée",
    "declared": "oui, déclaré",
    "likely": "probable, d’après l’activité",
    "probable": "probable, d’après le type de structure",
    "level_unknown": "inconnu",
    "no": "non",
    "levels_help": "Déclaré : par quelqu’un qui le sait. Probable : d’après l’activité (code NAF) "
    "ou d’après le type de structure. Inconnu ne veut pas dire non.",
    "list": "Liste des structures",
    "naf": "Code NAF",
    "address": "Adresse",
    "site": "Site",
    "approximate": "Position approximative.",
    "in_commune": "Structures dans la commune",
    "show_table": "Tableau",
    "show_limits": "Limites et sources",
    "close": "Fermer",
    "reduce": "Réduire le panneau",
    "expand": "Ouvrir le panneau",
    "sort": "trier",
    "table_hint": "Un clic sur un en-tête trie ; un clic sur une commune la montre.",
    "table_wide": "Le tableau défile vers la droite →",
    "short_people": "non couverts",
    "short_share": "part (%)",
    "short_answering": "réponses",
    "class": "classe",
    "value": "valeur",
    "warnings": "À savoir avant de conclure",
    "no_warning": "Aucune approximation signalée.",
    "settings": "Réglages",
    "unplaced": "Structures sans position connue, absentes de la carte",
    "small": "Les estimations de moins de 5 personnes sont écrites « < 5 ».",
    "zoom_in": "Agrandir",
    "zoom_out": "Réduire",
    "home": "Voir tout le territoire",
    "minutes": "min",
    "population": "habitants",
    "inhabitant": "habitant",
    "all_needs": "Les besoins de la commune",
    "low": "bas",
    "high": "haut",
    "corner_need": "besoin fort, aucune réponse",
    "corner_both": "besoin fort, réponses nombreuses",
    "corner_none": "besoin faible, aucune réponse",
    "corner_supply": "besoin faible, réponses nombreuses",
    "axis_need": "besoin non couvert",
    "axis_supply": "structures qui répondent",
    "dark_more": "Plus foncé : plus de besoin.",
    "dark_high": "Plus foncé : valeur plus élevée.",
    "circles": "Cercles : nombre de personnes",
    "noscript": "Cette carte a besoin de JavaScript. Elle ne charge rien d’autre que ce fichier.",
}
_EN: Final[Mapping[str, str]] = {
    "colon": ": ",
    "title": "Shared diagnostic",
    "subtitle": "A pre-diagnostic: it prepares the discussion, it does not replace it.",
    "map": "Map of the communes",
    "theme": "Theme",
    "group_need": "Unmet needs",
    "group_cross": "Need × IAE structures",
    "group_context": "Context",
    "search": "Find a commune",
    "search_none": "No commune of that name here.",
    "search_many": "Several communes match:",
    "search_more": "and {0} more",
    "legend": "Legend",
    "communes": "communes",
    "commune": "Commune",
    "unknown": "unknown",
    "why": "Unknown: ",
    "nobody": "no one concerned",
    "buffer": "neighbouring communes (outside)",
    "buffer_pale": "neighbouring communes (paler), in the same classes",
    "outside": "Neighbouring commune, outside the territory.",
    "share": "unmet share",
    "share_long": "share of the people whose need is not met",
    "demand": "demand",
    "access": "access",
    "target": "norm",
    "of_norm": "{0} of the norm",
    "against": "{0} against a norm of {1} {2}",
    "gap": "shortfall",
    "between": "between {0} and {1}",
    "known_share": "Computed on {0}% of the demand around: the rest is unknown.",
    "within": "structures within reach",
    "answering": "answer the need",
    "answering_long": "structures that answer the need, within reach",
    "nearest": "the nearest at",
    "out_of_reach": "Nothing within reach.",
    "method": "Classes",
    "source": "Source",
    "sources": "Sources",
    "reference": "Reference",
    "territory": "Territory",
    "whole": "Whole territory",
    "of": "of",
    "on_known": "Sum over the known communes ({0} of {1}).",
    "constant": "The same value in every commune of the territory.",
    "and_around": "+ neighbours",
    "norm_is": "Norm: {0}.",
    "not_summed": "Does not add up from one commune to another.",
    "structures": "Structures",
    "all_kinds": "IAE structures (SIAE)",
    "not_siae": "Not SIAE",
    "only_answering": "Only those that answer the need shown",
    "only_none": "This theme is not a need: every structure is shown.",
    "filled": "Filled sign: answers the need shown. Clear sign: no, or unknown.",
    "need": "Need",
    "level": "Answers?",
    "in_reach": "People within reach",
    "declared": "yes, declared",
    "likely": "likely, from its activity",
    "probable": "probable, from its kind",
    "level_unknown": "unknown",
    "no": "no",
    "levels_help": "Declared: by someone who knows. Likely: from its activity (NAF code) or its kind. "
    "Unknown does not mean no.",
    "list": "List of structures",
    "naf": "NAF code",
    "address": "Address",
    "site": "Site",
    "approximate": "Approximate position.",
    "in_commune": "Structures in the commune",
    "show_table": "Table",
    "show_limits": "Limits and sources",
    "close": "Close",
    "reduce": "Fold the panel",
    "expand": "Open the panel",
    "sort": "sort",
    "table_hint": "Click a header to sort, a commune to show it.",
    "table_wide": "The table scrolls to the right →",
    "short_people": "unmet",
    "short_share": "share (%)",
    "short_answering": "answers",
    "class": "class",
    "value": "value",
    "warnings": "To know before concluding",
    "no_warning": "No approximation reported.",
    "settings": "Settings",
    "unplaced": "Structures without a known position, absent from the map",
    "small": "Estimates under 5 people are printed “< 5”.",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "home": "Show the whole territory",
    "minutes": "min",
    "population": "inhabitants",
    "inhabitant": "inhabitant",
    "all_needs": "The needs of the commune",
    "low": "low",
    "high": "high",
    "corner_need": "strong need, no answer",
    "corner_both": "strong need, many answers",
    "corner_none": "weak need, no answer",
    "corner_supply": "weak need, many answers",
    "axis_need": "unmet need",
    "axis_supply": "structures that answer",
    "dark_more": "Darker: more need.",
    "dark_high": "Darker: higher value.",
    "circles": "Circles: number of people",
    "noscript": "This map needs JavaScript. It loads nothing but this file.",
}
TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {name: typeset(text, "fr") for name, text in _FR.items()},
    "en": _EN,
}
METHODS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "fixed": "bornes fixes, les mêmes pour tous les besoins",
        "cross": "bornes fixes, part non couverte (25 et 50\u00a0%), structures à portée (1 et 4)",
        "quantiles": "effectifs égaux (quantiles) sur les communes du territoire",
        "quantiles_all": "effectifs égaux (quantiles) sur le territoire et son voisinage",
        "single": "une seule classe : toutes les valeurs connues sont égales",
    },
    "en": {
        "fixed": "fixed breaks, the same for every need",
        "cross": "fixed breaks: unmet share (25 and 50%), structures within reach (1 and 4)",
        "quantiles": "equal counts (quantiles) over the communes of the territory",
        "quantiles_all": "equal counts (quantiles) over the territory and its neighbours",
        "single": "a single class: all known values are equal",
    },
}
