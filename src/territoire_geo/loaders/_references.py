"""Totals by EPCI, département, région and France, drawn from tables that cover them."""

from collections.abc import Collection, Mapping
from typing import Final

import pandas as pd

from territoire_geo.columns import CODE_DEPARTEMENT, CODE_EPCI, CODE_REGION, KIND, SIAE_KINDS
from territoire_geo.contracts import CONTRACTS

KEY: Final = ["niveau", "code"]
LEVELS: Final = {"EPCI": CODE_EPCI, "DEP": CODE_DEPARTEMENT, "REG": CODE_REGION, "FR": None}
LABELS: Final = {"EPCI": "nom_epci", "DEP": "nom_departement", "REG": "nom_region"}
COVERED: Final = 0.99  # share of the population whose figure must be known for a total to stand
DEPARTEMENTS: Final = 90  # a list of structures that names as many départements is the national one
# The SIAE that help at home by their activity or their kind: the same as in `needs/ageing.py`.
HOME_HELP_NAF: Final = ("8810A", "8810B", "8121Z", "9609Z")
HOME_HELP_KIND: Final = "AI"


def totals(
    frames: Mapping[str, pd.DataFrame], base: pd.DataFrame, *, listed: Collection[str] | None = None
) -> pd.DataFrame:
    """
    Sum the counts of commune tables over EPCI, départements, régions and France [same units].

    France is the mainland and the overseas départements.

    Parameters
    ----------
    frames
        Field -> table by current commune, whole country or not; structures with `code_departement` when published so.
    base
        Every current commune, with its EPCI, département, région, their names, population and `epsg`.
    listed
        Départements whose structures are all in the list; when None, all of France if it names as many.

    Returns
    -------
    totals
        Indexed by (niveau, code), with `nom`; NaN where less than 99 % of the population has a known figure. A total
        is of the communes whose figures are known. Counts of SIAE are of the areas whose structures are all listed.
    """
    here = base[base["epsg"].notna()]
    counts = _counts(frames, here)
    nothing = pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []], names=KEY))
    out = pd.concat([_sums(counts, here, niveau) for niveau in LEVELS]) if len(counts.columns) else nothing
    structures = frames.get("structures")
    if structures is not None and CODE_DEPARTEMENT in structures:
        out = out.join(_structures(structures, here, listed), how="outer")
    out = out.dropna(how="all").dropna(axis=1, how="all")
    births = frames.get("births")
    if births is not None and "naissances" in out and "annees" in births and births["annees"].nunique() == 1:
        out["annees"] = births["annees"].max()
    return out.assign(nom=_names(here).reindex(out.index)) if len(out.columns) else out


def _counts(frames: Mapping[str, pd.DataFrame], here: pd.DataFrame) -> pd.DataFrame:
    parts = [pd.DataFrame(index=here.index)]
    for name, frame in frames.items():
        contract = CONTRACTS[name]
        if contract.by_commune:
            added = {*contract.numbers, *contract.optional} - {*contract.not_additive}
            parts.append(frame[[column for column in frame.columns if column in added]].reindex(here.index))
    return pd.concat(parts, axis=1)


def _level(here: pd.DataFrame, niveau: str) -> pd.Series:
    column = LEVELS[niveau]
    return pd.Series("FR", index=here.index) if column is None else here[column]


def _sums(counts: pd.DataFrame, here: pd.DataFrame, niveau: str) -> pd.DataFrame:
    people = here["population"].astype("float64")
    level = _level(here, niveau)
    # Most folders cover a few areas: only those that any column covers are summed.
    told = people.where(counts.notna().any(axis=1).to_numpy(), 0.0).groupby(level).sum()
    kept = level.isin(told.index[told >= COVERED * people.groupby(level).sum()])
    counts, here, people = counts[kept], here[kept], people[kept]
    known = counts.notna().mul(people, axis=0)
    groups = pd.concat({"count": counts, "known": known, "whole": people.to_frame()}, axis=1).groupby(
        _level(here, niveau)
    )
    totals = groups.sum(min_count=1)
    covered = pd.DataFrame(totals["known"]).div(totals["whole"]["population"], axis=0) >= COVERED
    sums = pd.DataFrame(totals["count"]).where(covered)
    return sums.set_axis(pd.MultiIndex.from_product([[niveau], sums.index], names=KEY))


def _structures(structures: pd.DataFrame, here: pd.DataFrame, listed: Collection[str] | None) -> pd.DataFrame:
    """Count the SIAE, and those of them that help at home, by département, région and France."""
    regions = here.groupby(CODE_DEPARTEMENT)[CODE_REGION].first()
    if listed is None:
        national = structures[CODE_DEPARTEMENT].nunique() >= DEPARTEMENTS
        listed = {*regions.index, *structures[CODE_DEPARTEMENT].dropna()} if national else ()
    kinds = structures.index.get_level_values(KIND)
    siae = kinds.isin(SIAE_KINDS)
    flags = pd.DataFrame({"siae": siae}, index=structures.index)
    if "naf" in structures:  # a list that gives no activity does not tell who helps at home
        naf = structures["naf"].str.replace(".", "").str.upper()
        flags["siae_aide_domicile"] = siae & (naf.isin(HOME_HELP_NAF) | (kinds == HOME_HELP_KIND))
    by_departement = flags.astype("float64").groupby(structures[CODE_DEPARTEMENT].to_numpy()).sum()
    # The list is exhaustive there: a département that it does not name has none.
    by_departement = by_departement.reindex(pd.Index(sorted(listed), dtype="str"), fill_value=0.0)
    known = by_departement.reindex(regions.index)
    whole = known["siae"].notna().groupby(regions).all()
    parts = {"DEP": known.dropna(), "REG": known.groupby(regions).sum()[whole]}
    if len(whole) and whole.all():
        parts["FR"] = by_departement.sum().to_frame("FR").T
    return pd.concat(parts, names=KEY)


def _names(here: pd.DataFrame) -> "pd.Series[str]":
    parts = {niveau: here.groupby(LEVELS[niveau])[label].first() for niveau, label in LABELS.items()}
    parts["FR"] = pd.Series(["France"], index=["FR"])
    names: pd.Series[str] = pd.concat(parts, names=KEY).astype("str").rename("nom")
    return names
