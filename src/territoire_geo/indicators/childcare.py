"""Young children: how many they are, the published coverage, and what weighs on their parents' work."""

from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_EPCI
from territoire_geo.indicators._common import CENSUS, read
from territoire_geo.measures import Inputs, Measure, Polarity, absent
from territoire_geo.needs.childcare import DETAIL, children

BIRTHS: Final = ("births.naissances", "births.annees")


def annual_births(inputs: Inputs) -> pd.Series:
    """
    Divide births by the years that they cover [births/year].

    Parameters
    ----------
    inputs
        Uses `births.naissances` and `births.annees`.

    Returns
    -------
    annual_births
        By commune, NaN where unknown.
    """
    years = inputs.column("births.annees")
    return inputs.column("births.naissances") / years.where(years > 0)


def published_rate(inputs: Inputs) -> pd.Series:
    """
    Find the coverage rate that is published for the EPCI of each commune [places per 100 children].

    Parameters
    ----------
    inputs
        Uses `childcare_rates.taux`.

    Returns
    -------
    published_rate
        By commune, NaN where the EPCI has none.
    """
    published = inputs.tables.childcare_rates
    codes = inputs.territory.communes[CODE_EPCI]
    if published is None:
        return pd.Series(float("nan"), index=inputs.index)
    rates = published.loc[published.index.get_level_values("niveau") == "EPCI", "taux"].droplevel("niveau")
    return rates.reindex(codes).set_axis(inputs.index)


def _no_child(inputs: Inputs) -> tuple[str, str]:
    """Say why children are unknown: neither their age, known everywhere, nor births."""
    return ("", "") if inputs.column(DETAIL).notna().all() else absent(inputs, *BIRTHS)


MEASURES: Final = (
    Measure(
        id="naissances_annuelles",
        label="Naissances par an",
        label_en="Births per year",
        unit="naissances",
        unit_en="births",
        polarity=Polarity.CONTEXT,
        variables=BIRTHS,
        formula="naissances / années",
        numerator=annual_births,
        reference="Insee, état civil, naissances domiciliées",
    ),
    Measure(
        id="enfants_moins_3_ans",
        label="Enfants de moins de 3 ans",
        label_en="Children under three",
        unit="enfants",
        unit_en="children",
        polarity=Polarity.CONTEXT,
        variables=(DETAIL, *BIRTHS),
        formula="âge détaillé du recensement s'il est connu partout, sinon trois années moyennes de naissances",
        numerator=children,
        reference="Insee, recensement ou état civil",
        code="C1",
        lacking=_no_child,
    ),
    Measure(
        id="taux_couverture_petite_enfance",
        label="Taux de couverture petite enfance publié (EPCI)",
        label_en="Published childcare coverage rate (EPCI)",
        unit="places pour 100 enfants",
        unit_en="places per 100 children",
        polarity=Polarity.LESS_NEED,
        variables=("childcare_rates.taux",),
        formula="taux publié pour l'EPCI de la commune",
        numerator=published_rate,
        additive=False,
        reference="Cnaf, capacité théorique des modes formels pour 100 enfants de moins de 3 ans",
        code="C2",
    ),
    Measure(
        id="enfants_parents_occupes",
        label="Enfants dont tous les parents du foyer travaillent",
        label_en="Children whose resident parents all work",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("working_parents.jeunes_enfants_parents_occupes", "working_parents.jeunes_enfants"),
        formula="100 × moins de 3 ans dont tous les parents du foyer ont un emploi / enfants de moins de 3 ans",
        numerator=read("working_parents.jeunes_enfants_parents_occupes"),
        denominator=read("working_parents.jeunes_enfants"),
        scale=100.0,
        reference="Insee, fichier détail du recensement",
        code="C5",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="familles_monoparentales",
        label="Familles monoparentales",
        label_en="Single-parent families",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("families.familles_monoparentales", "families.familles"),
        formula="100 × familles monoparentales / familles (exploitation complémentaire l'une et l'autre)",
        numerator=read("families.familles_monoparentales"),
        denominator=read("families.familles"),
        scale=100.0,
        reference="Insee, familles au recensement",
        code="C6",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="ecart_emploi_femmes",
        label="Écart de taux d'emploi entre hommes et femmes de 25 à 54 ans",
        label_en="Employment gap between men and women aged 25-54",
        unit="points",
        polarity=Polarity.MORE_NEED,
        variables=(
            "prime_age.hommes_25_54_occupes",
            "prime_age.hommes_25_54",
            "prime_age.femmes_25_54_occupees",
            "prime_age.femmes_25_54",
        ),
        formula="100 × (hommes ayant un emploi / hommes − femmes ayant un emploi / femmes), de 25 à 54 ans",
        numerator=read("prime_age.hommes_25_54_occupes"),
        denominator=read("prime_age.hommes_25_54"),
        scale=100.0,
        reference="Insee, population active au recensement",
        code="C7",
        small=CENSUS,
        less=Measure(
            id="taux_emploi_femmes_25_54",
            label="Taux d'emploi des femmes de 25 à 54 ans",
            label_en="Employment rate of women aged 25-54",
            unit="%",
            polarity=Polarity.LESS_NEED,
            variables=("prime_age.femmes_25_54_occupees", "prime_age.femmes_25_54"),
            formula="100 × femmes ayant un emploi / femmes, de 25 à 54 ans",
            numerator=read("prime_age.femmes_25_54_occupees"),
            denominator=read("prime_age.femmes_25_54"),
            scale=100.0,
            part=True,
            small=CENSUS,
        ),
    ),
)
