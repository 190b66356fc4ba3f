"""Every word of the page, in French and in English; data is never formatted into them by a template."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo.maps._typography import typeset
from territoire_geo.maps._words import commune, core, resources, table, workshop

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
_PARTS: Final = (core, workshop, resources, commune, table)
_FR: Final = {name: text for part in _PARTS for name, text in part.FR.items()}
_EN: Final = {name: text for part in _PARTS for name, text in part.EN.items()}
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
        "natural": "seuils naturels (Fisher-Jenks) sur les communes du territoire",
        "equal": "intervalles égaux, arrondis",
        "symmetric": "bornes rondes, les mêmes de part et d’autre de zéro",
        "shared": "bornes d’une autre carte, pour comparer",
        "single": "une seule classe : toutes les valeurs connues sont égales",
        "name_fixed": "bornes fixes",
        "name_quantiles": "effectifs égaux",
        "name_natural": "seuils naturels",
        "name_equal": "intervalles égaux",
        "name_symmetric": "symétriques",
        "name_shared": "bornes partagées",
    },
    "en": {
        "fixed": "fixed breaks, the same for every need",
        "cross": "fixed breaks: unmet share (25 and 50%), structures within reach (1 and 4)",
        "quantiles": "equal counts (quantiles) over the communes of the territory",
        "quantiles_all": "equal counts (quantiles) over the territory and its neighbours",
        "natural": "natural breaks (Fisher-Jenks) over the communes of the territory",
        "equal": "equal intervals, rounded",
        "symmetric": "round breaks, the same on both sides of zero",
        "shared": "breaks of another map, to compare",
        "single": "a single class: all known values are equal",
        "name_fixed": "fixed breaks",
        "name_quantiles": "equal counts",
        "name_natural": "natural breaks",
        "name_equal": "equal intervals",
        "name_symmetric": "symmetric",
        "name_shared": "shared breaks",
    },
}
