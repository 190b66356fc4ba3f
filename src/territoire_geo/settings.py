"""`Settings`: what a diagnostic was asked for, its reference, and the settings of its sensitivity."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final

import numpy as np
import pandas as pd

from territoire_geo import travel
from territoire_geo.cog import quote
from territoire_geo.columns import CODE_DEPARTEMENT, CODE_REGION, POPULATION
from territoire_geo.errors import ApproximateTravelWarning, IncompleteBufferWarning, UnknownTerritoryError
from territoire_geo.measures import Decay, Inputs, Need, Reference, Target
from territoire_geo.tables import Note, Tables
from territoire_geo.territory import Territory

Minutes = Mapping[str, "pd.Series[float]"]  # by mode
Weights = Mapping[str, float] | Mapping[str, Mapping[str, float]]  # by need, or by college then need
# The version of what is computed. Raise it by 1 whenever the same tables and settings would give other figures: a
# formula, a convention, a default that is not in the settings. Comparisons then say that the method changed.
METHOD: Final = 1
OWN: Final = frozenset({"TERRITOIRE", "TERRITORY"})  # the territory against its own average
ALONE: Final = "ensemble"  # the one set of weights of a diagnostic without colleges
WORDS: Final = {"EPCI": "EPCI", "DEP": "département", "REG": "région"}
SHORT: Final = 0.9  # a table of minutes whose longest trip is below this share of the reach was cut
CODES: Final = ((r"(\d{9})", "EPCI"), (r"R(\d{2})", "REG"), (r"D?(\d{2}|2[AB]|97\d)", "DEP"))


def _no_target() -> Mapping[str, tuple[float, str, str]]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Settings:
    """
    What a diagnostic was asked for: needs, minutes given by mode, the car's convention, the reference, the weights.

    `reference` is a level, a code, or a mapping need id -> target access (the others keep the département's).
    `targets` fixes the access that is enough by need, with its words, whatever the reference: a scenario keeps those of
    before it.
    `weights` is one set (need id -> weight) or one by college of stakeholders; None weighs all needs alike.
    """

    needs: tuple[Need, ...]
    given: Minutes
    speed_kmh: float
    detour: float
    reference: str | Mapping[str, float]
    weights: Weights | None = None
    targets: Mapping[str, tuple[float, str, str]] = field(default_factory=_no_target)

    def __post_init__(self) -> None:
        for name, value in (("speed_kmh", self.speed_kmh), ("detour", self.detour)):
            if not 0 < value < np.inf:
                raise ValueError(f"{name}: {value} is not a positive number.")
        if not self.needs:
            raise ValueError("needs: no need is asked for. Give at least one of tg.NEEDS.")
        others = [need for need in self.needs if not isinstance(need, Need)]
        if others:
            raise ValueError(f"needs: {quote(others)} is not a Need. Give needs of tg.NEEDS, or your own.")
        if not isinstance(self.reference, str):
            known = {need.id for need in self.needs}
            wrong = [
                need
                for need, value in self.reference.items()
                if need not in known or isinstance(value, str) or not 0 < value < np.inf
            ]
            if wrong:
                raise ValueError(f"reference: {quote(wrong)} is not a need asked for, with a positive target.")
        modes = {"car", *(need.mode for need in self.needs)}
        stray = [mode for mode in self.given if mode not in modes]
        if stray:
            raise ValueError(f"travel: no need travels by {quote(stray)}. The modes are {', '.join(sorted(modes))}.")
        _check_weights(self.colleges, [need.id for need in self.needs])

    @property
    def colleges(self) -> dict[str, dict[str, float]]:
        """The weights by college of stakeholders, then need; one college when there is one set."""
        if self.weights is None:
            return {ALONE: {need.id: 1.0 for need in self.needs}}
        several = {name: dict(given) for name, given in self.weights.items() if isinstance(given, Mapping)}
        if not several:
            return {ALONE: {name: float(weight) for name, weight in self.weights.items()}}  # type: ignore[arg-type]
        alone = [name for name in self.weights if name not in several]
        if alone:
            raise ValueError(f"weights: {quote(alone)} is a number beside colleges. Give one set, or one by college.")
        return several

    @property
    def own_mean(self) -> bool:
        """Whether the norm is the average of the territory itself."""
        return isinstance(self.reference, str) and self.reference.strip().upper() in OWN

    @property
    def by_road(self) -> bool:
        """Whether the car's minutes come from a table, not from the convention."""
        return "car" in self.given


def _check_weights(colleges: Mapping[str, Mapping[str, float]], needs: list[str]) -> None:
    for college, weights in colleges.items():
        where = "weights" if college == ALONE else f"weights of {college!r}"
        stray = [need for need in weights if need not in needs]
        if stray:
            raise ValueError(f"{where}: {quote(stray)} is not a need asked for. The needs are {', '.join(needs)}.")
        wrong = [need for need, weight in weights.items() if not 0 <= weight < np.inf]
        if wrong or not sum(weights.values()) > 0:
            raise ValueError(f"{where}: {quote(wrong or needs)}: give weights of 0 or more, at least one above 0.")


def minutes_by_law(settings: Settings, territory: Territory, tables: Tables) -> dict[str, Minutes]:
    """
    Compute the minutes by mode: the central ones, and the fast and slow bounds of the car when it is a convention.

    Parameters
    ----------
    settings
        What was asked for.
    territory
        Core and buffer.
    tables
        The supply points.

    Returns
    -------
    minutes_by_law
        "central", and "fast" and "slow" without a table for the car: mode -> minutes by (origin, destination).
    """
    points = travel.supply_points(territory, tables, settings.needs)
    reaches = travel.reach_by_mode(settings.needs)
    own = travel.Pace(settings.speed_kmh, settings.detour)

    def minutes(mode: str, pace: travel.Pace) -> "pd.Series[float]":
        if mode in settings.given:
            return travel.from_table(territory, points, settings.given[mode], pace=pace)
        return travel.by_distance(territory, points, pace, reaches[mode])

    central = {mode: minutes(mode, own if mode == "car" else travel.BIKE) for mode in reaches}
    if settings.by_road:
        return {"central": central}
    fast, slow = ({**central, "car": minutes("car", pace)} for pace in (travel.FAST, travel.SLOW))
    return {"central": central, "fast": fast, "slow": slow}


def runs(need: Need, laws: Mapping[str, Minutes]) -> list[tuple[str, Decay, Minutes]]:
    """
    List the settings of the sensitivity of a need, the central one first.

    Parameters
    ----------
    need
        The need, with its other decays.
    laws
        Minutes by law and mode.

    Returns
    -------
    runs
        Name, decay and minutes of each.
    """
    weights = [other(need.reach) for other in need.others]
    by_law = [(name, need.decay, minutes) for name, minutes in laws.items()]
    return [*by_law, *((repr(decay), decay, laws["central"]) for decay in weights)]


def travel_notes(settings: Settings, territory: Territory) -> list[Note]:
    """
    Say what the travel times are, and whether the buffer or the tables are wide enough.

    Parameters
    ----------
    settings
        What was asked for.
    territory
        Core and buffer.

    Returns
    -------
    travel_notes
        Empty when every minute comes from a table that names all communes.
    """
    said = [] if settings.by_road else [_car_note(settings)]
    if "bike" not in settings.given and any(need.mode == "bike" for need in settings.needs):
        fr = "À vélo, 20 minutes sont comptées comme 5 km à vol d'oiseau."
        en = "By bicycle, 20 minutes are taken as 5 km as the crow flies."
        said.append(Note(ApproximateTravelWarning, fr, en))
    wanted = travel.buffer_km(settings.needs, travel.Pace(settings.speed_kmh, settings.detour))
    if not settings.by_road and territory.buffer_km < wanted - 1e-6 and territory.code != "FR":
        count = len(territory.core)
        had, need_km = (f"{km:.1f}" for km in (territory.buffer_km, wanted))
        fr = (
            f"Voisinage chargé de {_comma(had)} km, quand il en faut {_comma(need_km)} pour ces portées : les "
            f"résultats des {count} communes peuvent en dépendre."
        )
        en = f"The buffer is {had} km when these reaches need {need_km}: results of all {count} communes may depend."
        said.append(Note(IncompleteBufferWarning, fr, en))
    return [*said, *_table_notes(settings, territory)]


def _car_note(settings: Settings) -> Note:
    speed, detour = (f"{value:g}" for value in (settings.speed_kmh, settings.detour))
    fr = (
        f"Temps de trajet approchés : vol d'oiseau × {_comma(detour)} à {_comma(speed)} km/h en voiture. Ordre de "
        "grandeur de l'erreur : 7 minutes. Les valeurs basse et haute essaient une loi rapide, une loi lente et "
        "d'autres pondérations ; la loi rapide dépasse en partie le voisinage chargé."
    )
    en = (
        f"Approximate travel times: straight line × {detour} at {speed} km/h by car, wrong by some 7 minutes. The low "
        "and high values try a fast law, a slow law and other weights; the fast law partly leaves the loaded buffer."
    )
    return Note(ApproximateTravelWarning, fr, en)


def _table_notes(settings: Settings, territory: Territory) -> list[Note]:
    """Say which communes around a table of minutes does not name: their people and supply are left out."""
    said = []
    for mode, minutes in settings.given.items():
        longest, reach = minutes.max(), travel.reach_by_mode(settings.needs)[mode]
        complete = len(minutes) >= len(minutes.index.unique(level=0)) * len(minutes.index.unique(level=1))
        if longest < SHORT * reach and not complete:
            fr = f"Minutes ({mode}) : la table s'arrête à {longest:.0f} min quand la portée va à {reach:.0f}."
            en = f"Minutes ({mode}): the table stops at {longest:.0f} min when the reach is {reach:.0f}."
            said.append(Note(IncompleteBufferWarning, fr, en))
        named = minutes.index.get_level_values(0).unique().intersection(minutes.index.get_level_values(1).unique())
        lost = territory.communes.index.difference(named)
        if len(lost):
            some = ", ".join(lost[:3])
            where = f"{len(lost)} communes ({some}...)"
            fr = f"Minutes ({mode}) : aucun trajet de {where} : ni leurs habitants ni leur offre ne comptent."
            en = f"Minutes ({mode}): no trip from or to {where}: neither their people nor their supply count."
            said.append(Note(IncompleteBufferWarning, fr, en))
    return said


def _comma(number: str) -> str:
    return number.replace(".", ",")


def with_target(need: Need, settings: Settings) -> Need:
    """
    Give a need the target that was chosen for it, if any.

    Parameters
    ----------
    need
        The need.
    settings
        Its targets, or its reference when that is a mapping need id -> target access.

    Returns
    -------
    with_target
        The need, or one with a fixed target.
    """
    reference = {} if isinstance(settings.reference, str) else settings.reference
    if need.id in settings.targets:
        value, label, label_en = settings.targets[need.id]
    elif need.id in reference:
        value, label, label_en = float(reference[need.id]), "cible choisie", "chosen target"
    else:
        return need

    def fixed(inputs: Inputs, need: Need) -> Target:  # noqa: ARG001 - one shape for all targets
        return Target(pd.Series(value, index=inputs.index), label, label_en)

    return replace(need, target=fixed)


def find_reference(territory: Territory, tables: Tables, asked: str | Mapping[str, float]) -> Reference:
    """
    Find what the territory is held against.

    Parameters
    ----------
    territory
        The département or région is that of most of the core's people; when none holds half of them, the next level.
    tables
        Names, in `references`.
    asked
        "departement", "region", "france", "territoire" (its measures are held against the département) or a code.

    Returns
    -------
    find_reference
        Level, code and name.

    Raises
    ------
    UnknownTerritoryError
        If it is neither a level nor a code.
    """
    text = asked.strip().upper() if isinstance(asked, str) else "DEPARTEMENT"
    core = territory.communes.loc[territory.core]
    if text in {"DEPARTEMENT", "DÉPARTEMENT", "REGION", "RÉGION", *OWN}:
        levels = [("DEP", CODE_DEPARTEMENT), ("REG", CODE_REGION)]
        for niveau, column in levels[1:] if text.startswith("R") else levels:
            people = core[POPULATION].groupby(core[column]).sum()  # only to choose the main one
            if people.max() >= people.sum() / 2:
                return _named(niveau, str(people.idxmax()), tables)
        return _named("FR", "FR", tables)
    if text in {"FRANCE", "FR"}:
        return _named("FR", "FR", tables)
    for pattern, niveau in CODES:
        match = re.fullmatch(pattern, text)
        if match:
            return _with_figures(_named(niveau, match.group(1), tables), tables)
    message = f"reference: {asked!r} is unknown. Use departement, region, france, territoire, D39, R27 or an EPCI."
    raise UnknownTerritoryError(message)


def _with_figures(reference: Reference, tables: Tables) -> Reference:
    key = (reference.niveau, reference.code)
    loaded = [table for table in (tables.references, tables.childcare_rates) if table is not None]
    if not any(key in table.index for table in loaded):
        message = f"reference: no figure is loaded for {reference.nom}. Add its row to references, or choose another."
        raise UnknownTerritoryError(message)
    return reference


def _named(niveau: str, code: str, tables: Tables) -> Reference:
    name = "France" if niveau == "FR" else f"{WORDS[niveau]} {code}"
    table = tables.references
    if niveau != "FR" and table is not None and "nom" in table and (niveau, code) in table.index:
        known = table["nom"].loc[[(niveau, code)]].iloc[0]
        name = str(known) if isinstance(known, str) and known else name
    return Reference(niveau, code, name)


def as_json(settings: Settings, territory: Territory, reference: Reference) -> dict[str, object]:
    """
    Write the settings down, so that the same call gives the same result.

    Parameters
    ----------
    settings
        What was asked for.
    territory
        Its code, COG year and buffer.
    reference
        What was found.

    Returns
    -------
    as_json
        Text, numbers, lists and mappings only.
    """
    return {
        "method": METHOD,
        "territory": territory.code,
        "name": territory.name,
        "cog_year": territory.cog_year,
        "buffer_km": round(territory.buffer_km, 3),
        "speed_kmh": settings.speed_kmh,
        "detour": settings.detour,
        "travel": {
            mode: "table" if mode in settings.given else "convention" for mode in travel.reach_by_mode(settings.needs)
        },
        "reference": {"niveau": reference.niveau, "code": reference.code, "nom": reference.nom},
        "asked": settings.reference if isinstance(settings.reference, str) else "departement",
        "targets": ({} if isinstance(settings.reference, str) else dict(settings.reference))
        | {need: value for need, (value, _, _) in settings.targets.items()},
        "weights": {college: dict(weights) for college, weights in settings.colleges.items()},
        "needs": {
            need.id: {
                "mode": need.mode,
                "reach": need.reach,
                "decay": repr(need.decay),
                "sensitivity": [repr(other(need.reach)) for other in need.others],
            }
            for need in settings.needs
        },
    }
