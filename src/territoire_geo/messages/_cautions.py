"""The cautions of the messages: what keeps a sentence from being overstated, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from territoire_geo.messages._words import ALL_KNOWN, NOTHING, ROUNDING, SMALL, Both, part, wide
from territoire_geo.sentences import FEW
from territoire_geo.tables import Absence

if TYPE_CHECKING:
    from territoire_geo.diagnostic import Diagnostic
    from territoire_geo.measures import Need


def size_cautions(diagnostic: Diagnostic, need: Need, figures: tuple[float, float, float, float]) -> list[Both]:
    """
    Say what keeps a number of people from being overstated, the most important first.

    Parameters
    ----------
    diagnostic
        Absences, sources and settings.
    need
        The need.
    figures
        People unmet, low, high, and the share of the people whose figures are known.

    Returns
    -------
    size_cautions
        Those that apply.
    """
    unmet, low, high, known = figures
    said = [edited(diagnostic, None), _partial(diagnostic, need, known)]
    if wide(low, high) and high >= FEW:
        said.append(("Un ordre de grandeur.", "An order of magnitude."))
    if ROUNDING < unmet < SMALL:
        said.append(("Petit nombre : quelques familles le changent.", "A small number: a few families change it."))
    return [*said, _vintages(diagnostic, need)]


def edited(diagnostic: Diagnostic, layer: str | None) -> Both:
    """
    Say that figures were edited in the file after they were computed.

    Parameters
    ----------
    diagnostic
        Its settings.
    layer
        The layer that matters, None for any.

    Returns
    -------
    edited
        "" when none was.
    """
    layers = diagnostic.settings.get("edited_layers")
    if not isinstance(layers, list) or not layers or (layer is not None and layer not in layers):
        return NOTHING
    return ("Le fichier a été modifié à la main après le calcul.", "The file was edited by hand after it was computed.")


def _partial(diagnostic: Diagnostic, need: Need, share: float) -> Both:
    if not share < ALL_KNOWN:
        return NOTHING
    reasons = diagnostic.absences[diagnostic.absences.index.get_level_values("item") == need.id]
    secret = bool(reasons.str.contains(Absence.SECRET.value, regex=False).any())
    rest_fr, rest_en = ("secret ou inconnu", "secret or unknown") if secret else ("inconnu", "unknown")
    fr, en = part(share)
    return (
        f"Chiffres connus pour {fr} des personnes ; le reste est {rest_fr}, non compté.",
        f"Figures known for {en} of the people; the rest is {rest_en}, and not counted.",
    )


def _vintages(diagnostic: Diagnostic, need: Need) -> Both:
    tables = dict.fromkeys(name.partition(".")[0] for name in (*need.demand.variables, *need.variables))
    found = [one for table in tables if table != "references" for one in diagnostic.table_sources.get(table, ())]
    # A bare year says nothing of what it is the year of.
    told = dict.fromkeys(
        f"{one.producer} {one.millesime}" if one.millesime[:1].isdigit() else one.millesime
        for one in found
        if one.millesime
    )
    return (f"Données : {' ; '.join(told)}.", f"Data: {'; '.join(told)}.") if told else NOTHING


def where_cautions(diagnostic: Diagnostic, need: Need, *, sure: bool) -> list[Both]:
    """
    Say what keeps a place from being taken for the first.

    Parameters
    ----------
    diagnostic
        Sources and settings.
    need
        The need.
    sure
        Whether the intervals of the communes named stand apart from the others'.

    Returns
    -------
    where_cautions
        Those that apply.
    """
    said: list[Both] = []
    if not sure:
        said.append((
            "Commune par commune, les intervalles se recouvrent : l'ordre n'est pas sûr.",
            "Commune by commune the intervals overlap: the order is not sure.",
        ))  # fmt: skip
    rates = any(name.startswith("childcare_rates.") for name in need.variables)
    if rates and not diagnostic.table_sources.get("childcare_places"):
        said.append((
            "Places réparties par convention, non comptées commune par commune.",
            "Places are spread by convention, not counted commune by commune.",
        ))  # fmt: skip
    travel = diagnostic.settings.get("travel")
    if isinstance(travel, dict) and travel.get(need.mode) == "convention":
        said.append(("Trajets estimés à vol d'oiseau.", "Trips are estimated from straight lines."))
    return said


def who_cautions(diagnostic: Diagnostic, counts: tuple[int, int, int, int], *, near: bool) -> list[Both]:
    """
    Say what keeps structures within reach from being taken for an answer.

    Parameters
    ----------
    diagnostic
        Settings.
    counts
        Structures that answer, that declare so, whose activity is unknown, and that answer without a known address.
    near
        Whether some are within reach of people.

    Returns
    -------
    who_cautions
        Those that apply.
    """
    count, sure, ask, unplaced = counts
    said = [edited(diagnostic, "structures")]
    if near:
        said.append(("À portée ne veut pas dire servi.", "Within reach does not mean served."))
    if near and count > sure:
        said.append((
            f"Activité déclarée pour {sure or 'aucune'}, supposée d'après le code NAF ou le type pour {count - sure}.",
            f"Activity declared for {sure or 'none'}, supposed from the NAF code or the kind for {count - sure}.",
        ))  # fmt: skip
    if ask:
        other = (" autre" + "s" * (ask > 1)) * near
        said.append((
            f"{ask}{other or ' structure' + 's' * (ask > 1)} à interroger : activité non connue.",
            f"{ask} {'more' if near else 'structure' + 's' * (ask > 1)} to ask: activity not known.",
        ))  # fmt: skip
    if unplaced:
        said.append((
            f"{unplaced} structure{'s' * (unplaced > 1)} qui y répond{'ent' * (unplaced > 1)} sans adresse connue.",
            f"{unplaced} structure{'s' * (unplaced > 1)} answering it without a known address.",
        ))  # fmt: skip
    return said
