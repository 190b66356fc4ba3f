"""What holds of any comparison, and short ways to read one."""

import warnings

import pytest

import territoire_geo as tg
from territoire_geo.comparisons import CAUSES

PARTS = ["people_demand", "people_access", "people_target"]


def diagnose(territory, tables, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
        return tg.diagnose(territory, tables, **options)


def at_work(comparison, code, need):
    """Give the names of the causes of a row."""
    row = comparison.causes.loc[(code, need)]
    return set(row.index[row])


def said(comparison, cause, lang="fr"):
    """Join the sentences of a cause."""
    return " ".join(getattr(one, lang) for one in comparison.why if one.cause == cause)


def sums_up(comparison):
    """Check that the parts add up and that no change is silent; give the comparison back."""
    changes = comparison.changes
    known = changes[PARTS].notna().all(axis=1)
    assert changes.loc[known, PARTS].sum(axis=1).to_numpy() == pytest.approx(changes.loc[known, "people"].to_numpy())
    moved = changes["people"].abs().gt(1e-6) | changes["unmet_before"].isna().ne(changes["unmet_after"].isna())
    assert changes.index[moved].isin(comparison.causes.index).all()
    assert comparison.causes[list(CAUSES)].any(axis=1).ne(comparison.causes["unexplained"]).all()
    assert comparison.why or comparison.causes.empty
    return comparison
