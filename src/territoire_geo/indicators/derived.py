"""Indicators that are results of the needs, and those that no table holds."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from territoire_geo.measures import Polarity


@dataclass(frozen=True)
class Derived:
    """
    An indicator that a need gives.

    `need` and `column` tell where it stands in the coverage of a diagnostic; `scale` is what the column is multiplied
    by, such as 100 for a rate per 100 people.
    """

    label: str
    label_en: str
    unit: str
    unit_en: str
    polarity: Polarity
    need: str
    column: str
    formula: str
    scale: float = 1.0


@dataclass(frozen=True)
class NotAvailable:
    """An indicator that cannot be computed whatever is loaded, and why, in French and in English."""

    label: str
    label_en: str
    unit: str
    unit_en: str
    polarity: Polarity
    why: str
    why_en: str


DERIVED: Final[Mapping[str, Derived]] = MappingProxyType(
    {
        "M6": Derived(
            "Emplois accessibles par actif",
            "Jobs within reach per active resident",
            "emplois par actif",
            "jobs per active resident",
            Polarity.LESS_NEED,
            "employment",
            "access",
            "Σ emplois à portée, partagés entre les actifs qui peuvent y prétendre (Shen), 30 minutes en voiture",
        ),
        "M7": Derived(
            "Actifs sans voiture coupés de l'emploi",
            "Carless active residents cut off from jobs",
            "personnes",
            "people",
            Polarity.MORE_NEED,
            "mobility",
            "unmet_people",
            "actifs sans voiture × max(0 ; 1 − emplois à portée de vélo / cible)",
        ),
        "C3": Derived(
            "Places manquantes",
            "Missing places",
            "places",
            "places",
            Polarity.MORE_NEED,
            "childcare",
            "unmet_units",
            "enfants de moins de 3 ans × max(0 ; cible − places accessibles par enfant)",
        ),
        "C4": Derived(
            "Places accessibles pour 100 enfants",
            "Places within reach per 100 children",
            "places pour 100 enfants",
            "places per 100 children",
            Polarity.LESS_NEED,
            "childcare",
            "access",
            "100 × places à portée, partagées entre les enfants qui peuvent y prétendre (E2SFCA)",
            100.0,
        ),
        "I3": Derived(
            "Postes ou structures d'insertion accessibles pour 1 000 chômeurs",
            "Integration posts or structures within reach per 1,000 unemployed people",
            "pour 1 000 chômeurs",
            "per 1,000 unemployed people",
            Polarity.LESS_NEED,
            "insertion",
            "access",
            "1 000 × postes des SIAE à portée (structures si les postes sont inconnus), partagés entre les chômeurs "
            "qui peuvent y prétendre (E2SFCA)",
            1000.0,
        ),
    }
)
NOT_AVAILABLE: Final[Mapping[str, NotAvailable]] = MappingProxyType(
    {
        "N1": NotAvailable(
            "Fragilité numérique",
            "Digital fragility",
            "indice",
            "index",
            Polarity.MORE_NEED,
            "l'indice est publié par la Mednum et l'ANSA, dans aucune des sources que la bibliothèque lit",
            "the index is published by the Mednum and the ANSA, in none of the sources that the library reads",
        ),
    }
)
