"""Work: unemployment, jobs, kinds of employment, income, and how hard it is to recruit."""

from typing import Final

import pandas as pd

from territoire_geo import access
from territoire_geo.columns import CODE_COMMUNE
from territoire_geo.indicators._common import CENSUS, MINUTES, read, rest, surrounded
from territoire_geo.measures import ENOUGH, Inputs, Measure, Polarity, absent
from territoire_geo.needs._common import known_share

ACTIVE: Final = "activity.actifs_15_64"
JOBS: Final = "activity.emplois"
HIRING: Final = ("basins.code_bassin", "hiring.projets", "hiring.difficiles")


def reachable_gap(inputs: Inputs) -> pd.Series:
    """
    Take the jobs within 30 minutes by car from the active residents who live there [people].

    Parameters
    ----------
    inputs
        Uses `activity.actifs_15_64`, `activity.emplois` and the minutes by car.

    Returns
    -------
    reachable_gap
        By commune, over the communes whose two counts are known; NaN where they house less than 75 % of the people
        within reach, or where the surroundings are not loaded.
    """
    counts = pd.DataFrame({"people": inputs.column(ACTIVE), "jobs": inputs.column(JOBS)})
    known = counts.notna().all(axis=1)
    minutes, within = inputs.travel["car"], access.binary(MINUTES)
    there = access.between(minutes, destinations=inputs.index[known])
    people, jobs = (access.hansen(counts[side][known], there, within, inputs.index) for side in ("people", "jobs"))
    share = known_share(inputs, "car", known, within)
    return (people - jobs).where((share >= ENOUGH) & surrounded(inputs))


def hard_hiring(inputs: Inputs) -> pd.Series:
    """
    Divide the hiring projects that are thought hard by all projects, in the employment area of each commune [%].

    Trades of which a count is withheld are left out of both; an area where those left hold less than 75 % of the
    projects is unknown.

    Parameters
    ----------
    inputs
        Uses `hiring` and `basins`.

    Returns
    -------
    hard_hiring
        By commune, the same for all of an area; NaN for a commune of no area, or of several.
    """
    hiring, basins = inputs.tables.hiring, inputs.tables.basins
    if hiring is None or basins is None or "difficiles" not in hiring:
        return pd.Series(float("nan"), index=inputs.index)
    area = hiring.index.get_level_values("code_bassin")
    both = hiring.where(hiring.notna().all(axis=1))[["projets", "difficiles"]].groupby(area).sum(min_count=1)
    share = both["projets"] / hiring["projets"].groupby(area).sum(min_count=1)
    rate = (100 * both["difficiles"] / both["projets"].where(both["projets"] > 0)).where(share >= ENOUGH)
    codes = pd.Series(basins.index.get_level_values("code_bassin"), index=basins.index.get_level_values(CODE_COMMUNE))
    alone = codes[~codes.index.duplicated(keep=False)].reindex(inputs.index)
    return rate.reindex(alone).set_axis(inputs.index)


def _no_reach(inputs: Inputs) -> tuple[str, str]:
    return absent(inputs, ACTIVE, JOBS)


MEASURES: Final = (
    Measure(
        id="chomage_recensement",
        label="Chômage au sens du recensement",
        label_en="Census unemployment",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("activity.chomeurs_15_64", ACTIVE),
        formula="100 × chômeurs / actifs de 15 à 64 ans",
        numerator=read("activity.chomeurs_15_64"),
        denominator=read(ACTIVE),
        scale=100.0,
        reference="Insee, chômage au sens du recensement (déclaratif, ni BIT ni inscrits)",
        code="E1",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="demandeurs_emploi",
        label="Demandeurs d'emploi (A, B, C) pour 100 actifs",
        label_en="Registered jobseekers (A, B, C) per 100 active residents",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("jobseekers.demandeurs_emploi_abc", ACTIVE),
        formula=(
            "100 × demandeurs d'emploi A, B, C / actifs de 15 à 64 ans ; deux définitions du chômage ne s'ajoutent pas"
        ),
        numerator=read("jobseekers.demandeurs_emploi_abc"),
        denominator=read(ACTIVE),
        scale=100.0,
        reference="Dares, demandeurs d'emploi en fin de mois",
        code="E2",
        small=CENSUS,
    ),
    Measure(
        id="demandeurs_longue_duree",
        label="Demandeurs d'emploi inscrits depuis un an ou plus",
        label_en="Jobseekers registered for a year or more",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("jobseekers.demandeurs_emploi_un_an", "jobseekers.demandeurs_emploi_abc"),
        formula="100 × demandeurs d'emploi A, B, C inscrits depuis un an ou plus / demandeurs d'emploi A, B, C",
        numerator=read("jobseekers.demandeurs_emploi_un_an"),
        denominator=read("jobseekers.demandeurs_emploi_abc"),
        scale=100.0,
        reference="Dares, demandeurs d'emploi en fin de mois, ancienneté d'inscription",
        code="E3",
        part=True,
    ),
    Measure(
        id="emplois_pour_100_actifs",
        label="Emplois sur place pour 100 actifs résidents",
        label_en="Local jobs per 100 active residents",
        unit="%",
        polarity=Polarity.LESS_NEED,
        variables=(JOBS, ACTIVE),
        formula="100 × emplois au lieu de travail / actifs de 15 à 64 ans au lieu de résidence",
        numerator=read(JOBS),
        denominator=read(ACTIVE),
        scale=100.0,
        reference="Insee, emploi au lieu de travail et actifs au lieu de résidence",
        small=CENSUS,
    ),
    Measure(
        id="concentration_emploi",
        label="Emplois sur place pour 100 actifs occupés résidents",
        label_en="Local jobs per 100 employed residents",
        unit="%",
        polarity=Polarity.LESS_NEED,
        variables=(JOBS, "activity.actifs_occupes_15_plus"),
        formula="100 × emplois au lieu de travail / actifs occupés de 15 ans et plus au lieu de résidence",
        numerator=read(JOBS),
        denominator=read("activity.actifs_occupes_15_plus"),
        scale=100.0,
        reference="Insee, indicateur de concentration d'emploi",
        code="E4",
        small=CENSUS,
    ),
    Measure(
        id="ecart_emplois",
        label="Écart entre actifs et emplois de la commune",
        label_en="Gap between active residents and jobs of the commune",
        unit="emplois",
        unit_en="jobs",
        polarity=Polarity.MORE_NEED,
        variables=(ACTIVE, JOBS),
        formula="actifs de 15 à 64 ans − emplois au lieu de travail ; négatif quand les emplois l'emportent",
        numerator=lambda inputs: inputs.column(ACTIVE) - inputs.column(JOBS),
        reference="Insee, emploi au lieu de travail et actifs au lieu de résidence",
        code="E5",
    ),
    Measure(
        id="ecart_emplois_30_min",
        label="Écart entre actifs et emplois à 30 minutes en voiture",
        label_en="Gap between active residents and jobs within 30 minutes by car",
        unit="emplois",
        unit_en="jobs",
        polarity=Polarity.MORE_NEED,
        variables=(ACTIVE, JOBS),
        formula="actifs − emplois des communes à 30 minutes en voiture ; négatif quand les emplois l'emportent",
        numerator=reachable_gap,
        additive=False,
        reference="Insee, emploi au lieu de travail et actifs au lieu de résidence",
        code="E5",
        lacking=_no_reach,
    ),
    Measure(
        id="taux_emploi",
        label="Taux d'emploi des 15-64 ans",
        label_en="Employment rate at 15-64",
        unit="%",
        polarity=Polarity.LESS_NEED,
        variables=(ACTIVE, "activity.chomeurs_15_64", "activity.pop_15_64"),
        formula="100 × (actifs − chômeurs) / population de 15 à 64 ans ; actifs moins chômeurs sont les actifs occupés",
        numerator=rest(ACTIVE, "activity.chomeurs_15_64"),
        denominator=read("activity.pop_15_64"),
        scale=100.0,
        reference="Insee, population active au recensement",
        code="E6",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="salaries_precaires",
        label="Salariés en contrat précaire",
        label_en="Employees on precarious contracts",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("wage_earners.salaries_precaires", "wage_earners.salaries_15_plus"),
        formula="100 × salariés en CDD, intérim ou emploi aidé / salariés de 15 ans et plus ; apprentis non comptés",
        numerator=read("wage_earners.salaries_precaires"),
        denominator=read("wage_earners.salaries_15_plus"),
        scale=100.0,
        reference="Insee, conditions d'emploi au recensement",
        code="E7",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="temps_partiel_femmes",
        label="Femmes salariées à temps partiel",
        label_en="Women employees who work part time",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("wage_earners.femmes_salariees_temps_partiel", "wage_earners.femmes_salariees"),
        formula="100 × salariées à temps partiel / salariées de 15 ans et plus",
        numerator=read("wage_earners.femmes_salariees_temps_partiel"),
        denominator=read("wage_earners.femmes_salariees"),
        scale=100.0,
        reference="Insee, conditions d'emploi au recensement",
        code="E8",
        part=True,
        small=CENSUS,
    ),
    Measure(
        id="niveau_vie_median",
        label="Niveau de vie médian",
        label_en="Median standard of living",
        unit="€ par an",
        unit_en="€ a year",
        polarity=Polarity.LESS_NEED,
        variables=("income.niveau_vie_median",),
        formula="médiane publiée ; une médiane ne s'additionne pas",
        numerator=read("income.niveau_vie_median"),
        additive=False,
        reference="Insee, Filosofi, niveau de vie médian par unité de consommation",
    ),
    Measure(
        id="taux_pauvrete",
        label="Taux de pauvreté",
        label_en="Poverty rate",
        unit="%",
        polarity=Polarity.MORE_NEED,
        variables=("income.taux_pauvrete",),
        formula="taux publié, au seuil de 60 % de la médiane ; secret dans la plupart des communes",
        numerator=lambda inputs: 100 * inputs.column("income.taux_pauvrete"),
        additive=False,
        reference="Insee, Filosofi, part des personnes sous le seuil de pauvreté",
        code="E9",
    ),
    Measure(
        id="recrutements_difficiles",
        label="Recrutements jugés difficiles (bassin d'emploi)",
        label_en="Hiring projects thought hard (employment area)",
        unit="%",
        polarity=Polarity.CONTEXT,
        variables=HIRING,
        formula="100 × Σ projets jugés difficiles / Σ projets du bassin, sur les métiers dont les deux sont publiés",
        numerator=hard_hiring,
        additive=False,
        reference="France Travail, Besoins en main-d'œuvre",
        code="E10",
    ),
)
