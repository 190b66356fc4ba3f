"""The records of a diagnostic as JSON and back: needs, measures, proposals, sources, notes, ranking."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType, UnionType
from typing import Final, NoReturn, TypeVar, cast, get_args, get_origin, get_type_hints

import numpy as np

from territoire_geo import errors
from territoire_geo.colleges import Agreement
from territoire_geo.errors import TerritoireGeoError, TerritoireGeoWarning
from territoire_geo.flows import Containment
from territoire_geo.indicators import MEASURES
from territoire_geo.measures import Measure, Need, Polarity
from territoire_geo.moran import Floor
from territoire_geo.needs import NEEDS
from territoire_geo.proposals import Proposal
from territoire_geo.tables import Note, Source

Record = TypeVar("Record", Agreement, Containment, Floor, Source)
MEASURE: Final[Mapping[str, object]] = {
    "id": str, "label": str, "label_en": str, "unit": str, "polarity": Polarity, "variables": tuple[str, ...],
    "formula": str, "scale": float, "additive": bool, "reference": str, "code": str, "unit_en": str, "part": bool,
    "small": float,
}  # fmt: skip
NEED: Final[Mapping[str, object]] = {
    "id": str, "label": str, "label_en": str, "reach": float, "access_unit": str, "gap_unit": str,
    "access_unit_en": str, "gap_unit_en": str, "mode": str, "headline": str, "naf": tuple[str, ...],
    "kinds": tuple[str, ...], "kinds_declared": tuple[str, ...], "facilities": tuple[str, ...],
    "variables": tuple[str, ...], "unmet": str, "unmet_en": str,
}  # fmt: skip
PROPOSAL: Final[Mapping[str, object]] = {
    "need": str, "action": str, "communes": tuple[str, ...], "people": float, "low": float, "high": float,
    "structures": tuple[tuple[str, str], ...], "reason": str, "reason_en": str,
}  # fmt: skip
WARNINGS: Final[Mapping[str, type[TerritoireGeoWarning]]] = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, TerritoireGeoWarning)
}
_ADDRESS: Final = re.compile(r" at 0x[0-9a-f]+")  # of a function without a name of its own: another at each run


def plain(value: object) -> object:
    """
    Write a value as JSON does: mappings, lists, texts and numbers.

    Parameters
    ----------
    value
        Of a record.

    Returns
    -------
    plain
        The same, without tuples, enumerations or numbers of numpy.
    """
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, StrEnum) else value


def fits(value: object, hint: object) -> object:
    """
    Take a value of JSON as a type.

    Parameters
    ----------
    value
        Of whatever origin.
    hint
        str, int, float, bool, None, an enumeration, tuples or unions of them.

    Returns
    -------
    fits
        The value, lists as tuples and numbers as floats where asked.

    Raises
    ------
    ValueError
        If it is of another type.
    """
    if isinstance(hint, UnionType):
        return None if value is None else fits(value, get_args(hint)[0])
    if get_origin(hint) is tuple and isinstance(value, list):
        inside = get_args(hint)
        kinds = [inside[0]] * len(value) if inside[-1] is Ellipsis else inside
        return tuple(fits(one, kind) for one, kind in zip(value, kinds, strict=True))
    if hint is float and type(value) in (int, float):
        return float(cast("float", value))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(cast("str", value))
    if type(value) is not hint:
        raise ValueError(f"{str(value)[:40]!r} is not of type {getattr(hint, '__name__', hint)}")
    return value


def taken(told: object, hints: Mapping[str, object]) -> dict[str, object]:
    """
    Take the fields of a record.

    Parameters
    ----------
    told
        A mapping, of whatever origin.
    hints
        Field -> type.

    Returns
    -------
    taken
        Field -> value.

    Raises
    ------
    ValueError
        If a field is missing or of another type.
    """
    if not isinstance(told, Mapping) or not hints.keys() <= told.keys():
        raise ValueError(f"{str(told)[:40]!r} lacks one of {', '.join(hints)}")
    return {name: fits(told[name], hint) for name, hint in hints.items()}


def record(kind: type[Record], told: object) -> Record:
    """
    Build a record whose fields are texts and numbers.

    Parameters
    ----------
    kind
        Its class.
    told
        Its fields, of whatever origin.

    Returns
    -------
    record
        The record.

    Raises
    ------
    ValueError
        If a field is missing or of another type.
    """
    hints = get_type_hints(kind)
    return kind(**taken(told, {one.name: hints[one.name] for one in fields(kind)}))  # type: ignore[arg-type]


def sources_of(told: object) -> tuple[Source, ...]:
    """
    Build sources.

    Parameters
    ----------
    told
        A list of their fields.

    Returns
    -------
    sources_of
        The sources.
    """
    return tuple(record(Source, one) for one in _list(told))


def notes_of(told: object) -> tuple[Note, ...]:
    """
    Build notes; a category that is not the library's own is told as a plain warning of it.

    Parameters
    ----------
    told
        A list of category, fr and en.

    Returns
    -------
    notes_of
        The notes.
    """
    found = [taken(one, {"category": str, "fr": str, "en": str}) for one in _list(told)]
    return tuple(
        Note(WARNINGS.get(str(one["category"]), TerritoireGeoWarning), str(one["fr"]), str(one["en"])) for one in found
    )


def notes_json(notes: Sequence[Note]) -> list[dict[str, str]]:
    """
    Write notes down.

    Parameters
    ----------
    notes
        Notes.

    Returns
    -------
    notes_json
        Category, fr and en of each.
    """
    return [{"category": note.category.__name__, "fr": note.fr, "en": note.en} for note in notes]


def proposal_json(proposal: Proposal) -> object:
    """
    Write a proposal down.

    Parameters
    ----------
    proposal
        A proposal.

    Returns
    -------
    proposal_json
        Its fields.
    """
    return plain({name: getattr(proposal, name) for name in PROPOSAL} | {"evidence": proposal.evidence})


def proposal_of(told: object) -> Proposal:
    """
    Build a proposal.

    Parameters
    ----------
    told
        What `proposal_json` wrote.

    Returns
    -------
    proposal_of
        The proposal; its tuples of evidence are lists.
    """
    kept = taken(told, {**PROPOSAL, "evidence": dict})
    evidence = MappingProxyType(cast("dict[str, object]", kept.pop("evidence")))
    return Proposal(**kept, evidence=evidence)  # type: ignore[arg-type]


def measure_json(measure: Measure) -> dict[str, object]:
    """
    Write the words of a measure down.

    Parameters
    ----------
    measure
        A measure.

    Returns
    -------
    measure_json
        Its fields but its functions, `ratio` and `less`.
    """
    words = {name: plain(getattr(measure, name)) for name in MEASURE}
    less = None if measure.less is None else measure_json(measure.less)
    return words | {"ratio": measure.denominator is not None, "less": less}


def measure_of(told: object, known: Mapping[str, Measure] | None = None) -> Measure:
    """
    Build a measure: its words are the file's, its functions those of the library.

    Parameters
    ----------
    told
        What `measure_json` wrote.
    known
        Measures by id, those of the library by default.

    Returns
    -------
    measure_of
        The measure; computing one that the library does not have raises.
    """
    words = taken(told, {**MEASURE, "ratio": bool})
    id_, ratio = str(words["id"]), words.pop("ratio")
    base = (known or {}).get(id_) or {one.id: one for one in MEASURES}.get(id_)
    if base is not None and (base.denominator is not None) is ratio:
        return replace(base, **words)  # type: ignore[arg-type]
    less = cast("Mapping[str, object]", told)["less"]
    absent = Unknown(f"measure {id_}")
    return Measure(
        **words,  # type: ignore[arg-type]
        numerator=absent,
        denominator=absent if ratio else None,
        less=None if less is None else measure_of(less),
    )


def need_json(need: Need) -> dict[str, object]:
    """
    Write the words and the reach of a need down.

    Parameters
    ----------
    need
        A need.

    Returns
    -------
    need_json
        Its fields but its functions, its demand, and the names of its decays.
    """
    words = {name: plain(getattr(need, name)) for name in NEED} | {"reach": float(need.reach)}
    return words | {"demand": measure_json(need.demand), "decays": decays(need)}


def decays(need: Need) -> list[str]:
    """
    Name the decays of a need, the central one first.

    Parameters
    ----------
    need
        A need.

    Returns
    -------
    decays
        Their names.
    """
    if isinstance(need.shape, Unknown):
        return list(need.shape.names)
    return [_ADDRESS.sub("", repr(shape(float(need.reach)))) for shape in (need.shape, *need.others)]


def need_of(told: object) -> Need:
    """
    Build a need: words and reach are the file's, functions those of the library when the decays are the same.

    Parameters
    ----------
    told
        What `need_json` wrote.

    Returns
    -------
    need_of
        The need; computing one that the library does not have raises.
    """
    words = taken(told, {**NEED, "decays": tuple[str, ...]})
    names, id_ = words.pop("decays"), str(words["id"])
    reach = cast("float", words["reach"])
    if not 0 < reach < np.inf:
        raise ValueError(f"reach of {id_}: {reach}")
    base = {need.id: need for need in NEEDS}.get(id_)
    demand_told = cast("Mapping[str, object]", told)["demand"]
    demand = measure_of(demand_told, None if base is None else {base.demand.id: base.demand})
    if base is not None and tuple(decays(replace(base, reach=reach))) == names:
        return replace(base, **words, demand=demand)  # type: ignore[arg-type]
    absent = Unknown(f"need {id_}", cast("tuple[str, ...]", names))
    return Need(**words, demand=demand, access=absent, target=absent, shape=absent, others=())  # type: ignore[arg-type]


@dataclass(frozen=True)
class Unknown:
    """A function that the library does not have; `names` are those of the decays that it stands for."""

    what: str
    names: tuple[str, ...] = ()

    def __call__(self, *_given: object) -> NoReturn:
        """Refuse to compute."""
        message = (
            f"{self.what}: it is not one of this library, and cannot be recomputed from a file. "
            "Run the diagnostic again with its definition."
        )
        raise TerritoireGeoError(message)


def asdict_plain(kept: Agreement | Containment | Floor | Source | None) -> object:
    """
    Write a record of texts and numbers down.

    Parameters
    ----------
    kept
        The record, or None.

    Returns
    -------
    asdict_plain
        Its fields, None for none.
    """
    return None if kept is None else plain(asdict(kept))


def _list(told: object) -> list[object]:
    if not isinstance(told, list):
        raise TypeError(f"{str(told)[:40]!r} is not a list")
    return told
