"""Work integration (IAE): posts, structures within reach, and the trades that they open."""

from typing import Final

import pandas as pd

from territoire_geo import access
from territoire_geo.activities import GENERIC_NAF, is_siae
from territoire_geo.indicators._common import MINUTES, by_commune, nearest, points, read, told
from territoire_geo.measures import Inputs, Measure, Polarity, absent
from territoire_geo.travel import has_place

DIVISION: Final = 2  # first digits of an activity code
REGISTERED: Final = "jobseekers.demandeurs_emploi_abc"


def posts(inputs: Inputs) -> pd.Series:
    """
    Count the posts of the SIAE of each commune [posts].

    Parameters
    ----------
    inputs
        Uses `structures.postes`.

    Returns
    -------
    posts
        Zero in a commune without SIAE; NaN where the posts of one are unknown, or the list does not go.
    """
    structures = inputs.tables.structures
    if structures is None or "postes" not in structures:
        return pd.Series(float("nan"), index=inputs.index)
    return by_commune(inputs, "structures", structures.loc[is_siae(structures), "postes"])


def _siae(inputs: Inputs, chosen: "pd.Series[bool] | None" = None) -> pd.Index:
    structures = inputs.tables.structures
    if structures is None:
        return pd.Index([], dtype="str")
    siae = is_siae(structures)
    return points(inputs, "structures", siae if chosen is None else siae & chosen)


def _unplaced(inputs: Inputs) -> tuple[str, str]:
    """Say why structures within reach are unknown: no list, or a list that places none of its SIAE."""
    structures = inputs.tables.structures
    if structures is None:
        return absent(inputs, "structures.name")
    siae = structures[is_siae(structures)]
    if len(siae) and not has_place(siae).any():
        return "aucune SIAE de la liste n'a de lieu connu", "no SIAE of the list has a known place"
    return "", ""


def within_reach(inputs: Inputs) -> pd.Series:
    """
    Count the SIAE within 30 minutes by car [structures].

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.

    Returns
    -------
    within_reach
        By commune; NaN where the list stops or the surroundings are not loaded.
    """
    trips = access.between(inputs.travel["car"], destinations=_siae(inputs))
    counts = access.count_within(trips, [MINUTES], index=inputs.index)[MINUTES].astype("float64")
    return counts.where(told(inputs, "structures"))


def nearest_siae(inputs: Inputs) -> pd.Series:
    """
    Find the minutes by car to the nearest SIAE [minutes].

    Parameters
    ----------
    inputs
        Uses `structures` and the minutes by car.

    Returns
    -------
    nearest_siae
        By commune; 30 stands for 30 or more.
    """
    return nearest(inputs, _siae(inputs), table="structures")


def trades(inputs: Inputs) -> pd.Series:
    """
    Count the divisions of activity of the SIAE within 30 minutes by car [divisions].

    Codes of organisation (88.99B, 94.99Z...), which tell no trade, are not counted: the number is a least one.

    Parameters
    ----------
    inputs
        Uses `structures.naf` and the minutes by car.

    Returns
    -------
    trades
        By commune; NaN where the list stops or the surroundings are not loaded, and where no SIAE within reach tells
        its trade.
    """
    structures = inputs.tables.structures
    if structures is None or "naf" not in structures:
        return pd.Series(float("nan"), index=inputs.index)
    naf = structures["naf"].fillna("").str.replace(".", "").str.strip().str.upper()
    trade = naf.str[:DIVISION].mask(naf.isin(GENERIC_NAF), "")
    chosen = trade.ne("")
    ids = _siae(inputs, chosen)
    divisions = pd.Series(trade[chosen & is_siae(structures) & has_place(structures)].to_numpy(), index=ids)
    trips = access.between(inputs.travel["car"], destinations=ids)
    trips = trips[trips <= MINUTES]
    origin, point = (trips.index.get_level_values(level) for level in (0, 1))
    pairs = pd.DataFrame({"origin": origin, "trade": divisions.reindex(point).to_numpy()}).drop_duplicates()
    counts = pairs.groupby("origin").size().reindex(inputs.index, fill_value=0).astype("float64")
    everyone = access.between(inputs.travel["car"], destinations=_siae(inputs, chosen | ~chosen))
    near = inputs.index.isin(everyone.index[everyone <= MINUTES].get_level_values(0))
    # Where SIAE are within reach and none tells its trade, the number is unknown, not none.
    return counts.mask(counts.eq(0) & near).where(told(inputs, "structures"))


def _no_trade(inputs: Inputs) -> tuple[str, str]:
    said = _unplaced(inputs)
    return said if any(said) else absent(inputs, "structures.naf")


MEASURES: Final = (
    Measure(
        id="equipement_iae",
        label="Postes d'insertion pour 1 000 demandeurs d'emploi",
        label_en="Integration posts per 1,000 jobseekers",
        unit="postes pour 1 000 demandeurs d'emploi",
        unit_en="posts per 1,000 jobseekers",
        polarity=Polarity.LESS_NEED,
        variables=("structures.postes", REGISTERED),
        formula="1 000 × postes des SIAE de la commune / demandeurs d'emploi A, B, C ; repère national : 26 (2014)",
        numerator=posts,
        denominator=read(REGISTERED),
        scale=1000.0,
        reference="Dares 2014 : 26 salariés en insertion pour 1 000 demandeurs d'emploi en France",
        code="I1",
    ),
    Measure(
        id="siae_30_min",
        label="SIAE à 30 minutes en voiture",
        label_en="SIAE within 30 minutes by car",
        unit="structures",
        polarity=Polarity.LESS_NEED,
        variables=("structures.name",),
        formula="nombre d'ACI, AI, EI, EITI et ETTI à 30 minutes en voiture ; par type dans la portée des structures",
        numerator=within_reach,
        additive=False,
        reference="code du travail, article L5132-4 : GEIQ et entreprises adaptées n'en sont pas",
        code="I2",
        lacking=_unplaced,
    ),
    Measure(
        id="minutes_siae",
        label="Temps en voiture vers la première SIAE (30 = 30 ou plus)",
        label_en="Minutes by car to the nearest SIAE (30 = 30 or more)",
        unit="min",
        polarity=Polarity.MORE_NEED,
        variables=("structures.name",),
        formula="minutes en voiture vers la plus proche SIAE, plafonnées à 30",
        numerator=nearest_siae,
        additive=False,
        reference="code du travail, article L5132-4",
        code="I2",
        lacking=_unplaced,
    ),
    Measure(
        id="metiers_siae_30_min",
        label="Divisions d'activité des SIAE à 30 minutes en voiture",
        label_en="Divisions of activity of the SIAE within 30 minutes by car",
        unit="divisions",
        polarity=Polarity.LESS_NEED,
        variables=("structures.naf",),
        formula="divisions NAF distinctes des SIAE à 30 minutes en voiture, codes d'organisation exclus : un minimum",
        numerator=trades,
        additive=False,
        reference="Insee, nomenclature d'activités française, 88 divisions",
        code="I4",
        lacking=_no_trade,
    ),
)
