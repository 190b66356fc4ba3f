"""`compare()`: joins the parts, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territoire_geo.comparisons import _causes, _cautions, _changes, _figures, _settings, _supply, _why
from territoire_geo.comparisons._pair import Pair
from territoire_geo.comparisons._record import Comparison
from territoire_geo.errors import TerritoireGeoError

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic


def compare(before: Diagnostic, after: Diagnostic) -> Comparison:
    """
    Compare two diagnostics: two vintages, two perimeters, two settings, before and after a scenario.

    Figures are compared for the communes of both, of the same code. Differences are later less earlier. A cause is
    said only where it can act: a structure within reach of the commune, a setting of that need. It can act, which does
    not say that it does: two causes at the same place are not told apart.

    Parameters
    ----------
    before
        The earlier diagnostic, computed or read from a file.
    after
        The later one.

    Returns
    -------
    compare
        What changed, by commune and need, and why.

    Raises
    ------
    TerritoireGeoError
        If the two have no commune in common.

    Examples
    --------
    >>> import warnings
    >>> import territoire_geo as tg
    >>> territory, tables = tg.load_demo()
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", tg.TerritoireGeoWarning)
    ...     diagnostic = tg.diagnose(territory, tables)
    >>> compare(diagnostic, diagnostic).notes[0].en
    'Nothing changed: same figures, same perimeter, same structures, same settings, same method.'
    """
    pair = Pair(before, after)
    if not len(pair.both):
        message = (
            f"compare: {before.territory.name} and {after.territory.name} have no commune in common. Give two "
            "diagnostics of the same territory, on the same geography (COG)."
        )
        raise TerritoireGeoError(message)
    found = _causes.Found(
        changes=_changes.by_commune(pair),
        figures=_figures.figures(pair),
        structures=_supply.structures(pair),
        facilities=_supply.facilities(pair),
        settings=_settings.differences(pair),
    )
    causes = _causes.causes(pair, found)
    why = _why.why(pair, found, causes)
    return Comparison(
        before=before,
        after=after,
        changes=found.changes,
        conservation=_changes.conservation(pair),
        figures=found.figures,
        structures=found.structures,
        facilities=found.facilities,
        causes=causes,
        why=why,
        notes=_cautions.notes(pair, found, causes, why),
    )
