"""The measures shown beside the needs: what is known of each commune, with its formula."""

from collections.abc import Callable
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_EPCI
from territoire_geo.measures import Inputs, Measure, Polarity


def _read(variable: str) -> Callable[[Inputs], pd.Series]:
    return lambda inputs: inputs.column(variable)


def _carless(inputs: Inputs) -> pd.Series:
    return inputs.column("cars.menages") - inputs.column("cars.menages_voiture")


def _annual_births(inputs: Inputs) -> pd.Series:
    years = inputs.column("births.annees")
    return inputs.column("births.naissances") / years.where(years > 0)


def _published_rate(inputs: Inputs) -> pd.Series:
    published = inputs.tables.childcare_rates
    codes = inputs.territory.communes[CODE_EPCI]
    if published is None:
        return pd.Series(float("nan"), index=inputs.index)
    rates = published.loc[published.index.get_level_values("niveau") == "EPCI", "taux"].droplevel("niveau")
    return rates.reindex(codes).set_axis(inputs.index)


MEASURES: Final[tuple[Measure, ...]] = (
    Measure(
        "population",
        "Population",
        "Population",
        "habitants",
        Polarity.CONTEXT,
        ("population.population",),
        "somme des âges",
        _read("population.population"),
        reference="Insee, population au recensement",
    ),
    Measure(
        "part_65_plus",
        "Habitants de 65 ans et plus",
        "Residents aged 65 and over",
        "%",
        Polarity.MORE_NEED,
        ("population.pop_65_plus", "population.population"),
        "100 × population de 65 ans et plus / population",
        _read("population.pop_65_plus"),
        _read("population.population"),
        100.0,
        reference="Insee, population par âge au recensement",
    ),
    Measure(
        "menages_sans_voiture",
        "Ménages sans voiture",
        "Households without a car",
        "%",
        Polarity.MORE_NEED,
        ("cars.menages", "cars.menages_voiture"),
        "100 × (1 − ménages avec voiture / ménages)",
        _carless,
        _read("cars.menages"),
        100.0,
        reference="Insee, équipement automobile des ménages au recensement",
    ),
    Measure(
        "chomage_recensement",
        "Chômage au sens du recensement",
        "Census unemployment",
        "%",
        Polarity.MORE_NEED,
        ("activity.chomeurs_15_64", "activity.actifs_15_64"),
        "100 × chômeurs / actifs de 15 à 64 ans",
        _read("activity.chomeurs_15_64"),
        _read("activity.actifs_15_64"),
        100.0,
        reference="Insee, chômage au sens du recensement (déclaratif, ni BIT ni inscrits)",
    ),
    Measure(
        "demandeurs_emploi",
        "Demandeurs d'emploi (A, B, C) pour 100 actifs",
        "Registered jobseekers (A, B, C) per 100 active residents",
        "%",
        Polarity.MORE_NEED,
        ("jobseekers.demandeurs_emploi_abc", "activity.actifs_15_64"),
        "100 × demandeurs d'emploi A, B, C / actifs de 15 à 64 ans ; deux définitions du chômage ne s'ajoutent pas",
        _read("jobseekers.demandeurs_emploi_abc"),
        _read("activity.actifs_15_64"),
        100.0,
        reference="Dares, demandeurs d'emploi en fin de mois",
    ),
    Measure(
        "emplois_pour_100_actifs",
        "Emplois sur place pour 100 actifs résidents",
        "Local jobs per 100 active residents",
        "%",
        Polarity.LESS_NEED,
        ("activity.emplois", "activity.actifs_15_64"),
        "100 × emplois au lieu de travail / actifs de 15 à 64 ans au lieu de résidence",
        _read("activity.emplois"),
        _read("activity.actifs_15_64"),
        100.0,
        reference="Insee, emploi au lieu de travail et actifs au lieu de résidence",
    ),
    Measure(
        "naissances_annuelles",
        "Naissances par an",
        "Births per year",
        "naissances",
        Polarity.CONTEXT,
        ("births.naissances", "births.annees"),
        "naissances / années",
        _annual_births,
        reference="Insee, état civil, naissances domiciliées",
    ),
    Measure(
        "taux_couverture_petite_enfance",
        "Taux de couverture petite enfance publié (EPCI)",
        "Published childcare coverage rate (EPCI)",
        "places pour 100 enfants",
        Polarity.LESS_NEED,
        ("childcare_rates.taux",),
        "taux publié pour l'EPCI de la commune",
        _published_rate,
        additive=False,
        reference="Cnaf, capacité théorique des modes formels pour 100 enfants de moins de 3 ans",
    ),
    Measure(
        "niveau_vie_median",
        "Niveau de vie médian",
        "Median standard of living",
        "€ par an",
        Polarity.LESS_NEED,
        ("income.niveau_vie_median",),
        "médiane publiée ; une médiane ne s'additionne pas",
        _read("income.niveau_vie_median"),
        additive=False,
        reference="Insee, Filosofi, niveau de vie médian par unité de consommation",
    ),
)
