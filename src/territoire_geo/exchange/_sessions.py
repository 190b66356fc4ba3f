"""Files of workshop sessions, GeoJSON as docs/session.md says: read, with a reason for what is left out; written."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from os import PathLike, fspath
from pathlib import Path
from typing import Final

import pandas as pd

from territoire_geo.errors import SourceFormatError, SourceUnavailableError, TerritoireGeoError
from territoire_geo.exchange._drafts import drafts
from territoire_geo.exchange._facts import as_json
from territoire_geo.sessions import NoteVersion, Refusal, Sessions, WeightsVersion, gather, instant, merge

# The limits of the page, assets/session.js.
BYTES, NOTES, TEXT, WORD, COLLEGES, NEEDS, WEIGHT = 30_000_000, 10_000, 2_000, 80, 30, 100, 1e6
FORMAT: Final = 1
STATES: Final = ("a_verifier", "accord", "conteste")
GENERAL: Final = "general"
UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
ID: Final = re.compile("[0-9A-Za-z-]{1,64}")
CODE: Final = re.compile("[0-9][0-9AB][0-9]{3}")
REASONS: Final = {
    "unreadable": ("le fichier n'a pas pu être lu", "the file could not be read"),
    "large": ("le fichier dépasse 30 Mo", "the file is larger than 30 MB"),
    "encoding": ("le fichier n'est pas en UTF-8", "the file is not UTF-8"),
    "json": ("le fichier est abîmé ou n'est pas du JSON", "the file is damaged or is not JSON"),
    "twice": ("une clé y est écrite deux fois", "a key is written twice in it"),
    "other": ("ce n'est pas une séance d'atelier", "this is not a session of the workshop"),
    "format": ("séance d'un autre format, que cette version ne lit pas", "a format that this version does not read"),
    "many": ("le fichier dépasse 10 000 notes", "the file holds more than 10,000 notes"),
    "feature": ("ce n'est pas une note", "this is not a note"),
    "id": ("identifiant absent ou mal formé", "id absent or badly formed"),
    "code": ("code de commune absent ou mal formé", "commune code absent or badly formed"),
    "status": ("état inconnu", "unknown state"),
    "no_text": ("texte absent", "no text"),
    "long": ("texte de plus de 2 000 caractères", "text of more than 2,000 characters"),
    "weights": ("poids qui ne sont pas des nombres positifs ou nuls", "weights that are not numbers of 0 or more"),
    "colleges": ("plus de 30 collèges", "more than 30 colleges"),
}


class _Twice(dict[str, object]):
    """An object in which a key is written twice: which of the two was meant is not known."""


@dataclass
class _Part:
    """What one file says."""

    file: str
    notes: list[NoteVersion] = field(default_factory=list)
    weights: list[WeightsVersion] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    territories: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = True

    def refuse(self, where: str, key: str) -> None:
        self.refused.append(Refusal(self.file, where, *REASONS[key]))
        self.whole = self.whole and bool(where)


def read_sessions(paths: str | PathLike[str] | Iterable[str | PathLike[str]]) -> Sessions:
    """
    Read the sessions of a workshop and merge them, in any order with the same result.

    Parameters
    ----------
    paths
        A file that the page of a map exported or `write_session` wrote, several of them, or folders of `*.geojson`.

    Returns
    -------
    read_sessions
        What they say together. A file or a part that cannot be read is listed in `refused` with its reason.

    Raises
    ------
    SourceUnavailableError
        If a path does not exist, or a folder holds no `*.geojson`.
    SourceFormatError
        If no file at all can be read: each with its reason.
    """
    found = _files([paths] if isinstance(paths, str | PathLike) else paths)
    names = [path.name for path in found]
    parts = [
        _read(path, path.name if names.count(path.name) == 1 else path.as_posix()) for path in found
    ]  # in folders of the same file names, the path tells them apart
    read = [part for part in parts if part.whole]
    if not read:
        reasons = "; ".join(f"{one.file}: {one.reason_en}" for part in parts for one in part.refused)
        raise SourceFormatError(
            f"paths: no session could be read ({reasons or 'no path is given'}). Give files exported by the workshop "
            "of a map, or a folder of them."
        )
    return gather(
        chain.from_iterable(part.notes for part in read),
        chain.from_iterable(part.weights for part in read),
        refused=chain.from_iterable(part.refused for part in parts),
        files=[part.file for part in read],
        territories=chain.from_iterable(part.territories for part in read),
    )


def write_session(sessions: Sessions, path: str | PathLike[str], *, exporte: str | None = None) -> Path:
    """
    Write sessions to one file, that the workshop of a map and any GIS open: GeoJSON (RFC 7946), WGS 84.

    Conflicts stay in the file, which shows them where it is opened. What was refused, and which file said what, are
    not written.

    Parameters
    ----------
    sessions
        What is written; the same sessions give the same bytes.
    path
        The file to write; its folder is made if needed, a file of this name is replaced.
    exporte
        When it is written, ISO 8601 with `Z` or an offset; None leaves it unknown.

    Returns
    -------
    write_session
        The path of the file.

    Raises
    ------
    TerritoireGeoError
        If the file cannot be written, or the workshop could not read it: too large, over 10,000 notes or 30 colleges,
        a note without a proper id, code, status or text.
    ValueError
        If `exporte` is not a moment.
    """
    if exporte is not None and instant(exporte) is None:
        raise ValueError(f"exporte = {exporte!r}: give a moment such as 2026-11-23T21:52:13Z.")
    target = Path(path)
    text = as_json(_collection(merge([sessions]), exporte)) + "\n"
    content = text.encode("utf-8", errors="replace")  # half a character has no UTF-8
    part = _parsed(content, target.name)
    if part.refused:
        some = "; ".join(" ".join(filter(None, [one.where, one.reason_en])) for one in part.refused[:3])
        raise TerritoireGeoError(
            f"{target}: the workshop could not read this session back ({some}). Settle conflicts, correct the notes, "
            "or write fewer sessions to a file."
        )
    with drafts(target.parent, target) as folder:
        draft = folder / "draft.geojson"
        draft.write_bytes(content)
        draft.replace(target)
    return target


def _files(paths: Iterable[str | PathLike[str]]) -> list[Path]:
    """List the files that paths name, each once, sorted."""
    found: dict[Path, Path] = {}
    for given in paths:
        path = Path(fspath(given))
        if not path.exists():
            raise SourceUnavailableError(f"{path}: there is no such file or folder. Check the path.")
        inside = [path]
        if path.is_dir():
            inside = [one for one in path.iterdir() if one.suffix.lower() == ".geojson" and one.name[0] != "."]
            if not inside:
                raise SourceUnavailableError(f"{path}: no *.geojson in this folder. Put the exported sessions there.")
        found |= {one.resolve(): one for one in sorted(inside, reverse=True)}
    return sorted(found.values())


def _read(path: Path, name: str) -> _Part:
    refused = _Part(name)
    try:
        if not path.is_file():  # a pipe would make the reader wait
            refused.refuse("", "unreadable")
            return refused
        with path.open("rb") as file:
            content = file.read(BYTES + 1)
    except OSError:
        refused.refuse("", "unreadable")
        return refused
    return _parsed(content, name)


def _parsed(content: bytes, name: str) -> _Part:
    """Read the content of a file, as the page does."""
    part = _Part(name)
    data, why = _json(content)
    features, head = _own(data, "features"), _own(data, "territoire_geo")
    if why:
        part.refuse("", why)
    elif isinstance(data, _Twice) or isinstance(head, _Twice):
        part.refuse("", "twice")
    elif _own(data, "type") != "FeatureCollection" or not isinstance(features, list) or not isinstance(head, dict):
        part.refuse("", "other")
    elif not isinstance(head.get("format"), float) or head["format"] != FORMAT:  # true is not 1
        part.refuse("", "format")
    elif len(features) > NOTES:
        part.refuse("", "many")
    else:
        for rank, feature in enumerate(features, start=1):
            one = _note(feature, name)
            part.refuse(f"note {rank}", one) if isinstance(one, str) else part.notes.append(one)
        _take_weights(part, head)
        _take_territories(part, head)
    return part


def _json(content: bytes) -> tuple[object, str]:
    """Read JSON, or tell why it cannot be."""
    if len(content) > BYTES:
        return None, "large"
    try:
        text = content.decode("utf-8-sig").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return None, "encoding"
    try:
        # Every number is a float, as in a browser: a whole number of a thousand digits has no other end.
        return json.loads(text, object_pairs_hook=_object, parse_int=float, parse_constant=_constant), ""
    except (ValueError, RecursionError):
        return None, "json"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Twice(found)


def _constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _own(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _units(text: str) -> int:
    """Count characters as a browser does, two for those beyond U+FFFF."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def _clean(value: str) -> str:
    """Drop what breaks lines, directions or encodings."""
    text = UNSEEN.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))
    # Two halves of a character meet here; one alone has no UTF-8.
    text = re.sub("[\ud800-\udfff]", "\ufffd", text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass"))
    return unicodedata.normalize("NFC", text).strip()


def _word(value: object) -> str:
    """Take a name: one line, short; a longer one is cut."""
    if not isinstance(value, str) or _units(value) > 4 * WORD:
        return ""
    return _clean(re.sub(r"\s+", " ", _clean(value))[:WORD])


def _moment(value: object) -> str | None:
    return value if isinstance(value, str) and instant(value) is not None else None


def _point(geometry: object) -> tuple[float, float] | None:
    at = _own(geometry, "coordinates") if _own(geometry, "type") == "Point" else None
    if not isinstance(at, list) or not all(isinstance(one, float) for one in at[:2]) or len(at[:2]) < 2:  # noqa: PLR2004 - longitude and latitude
        return None
    lon, lat = at[:2]
    return (lon + 0.0, lat + 0.0) if abs(lon) <= 180 and abs(lat) <= 90 else None  # noqa: PLR2004 - degrees


def _note(feature: object, file: str) -> NoteVersion | str:
    """Read a note, or tell why it is not one."""
    given = _own(feature, "properties")
    id_, code, status, text = (_own(given, name) for name in ("id", "code_commune", "statut", "texte"))
    words = _clean(text) if isinstance(text, str) else ""
    checks = (
        ("feature", _own(feature, "type") == "Feature" and isinstance(given, dict)),
        ("twice", not any(isinstance(one, _Twice) for one in (feature, given, _own(feature, "geometry")))),
        ("id", isinstance(id_, str) and ID.fullmatch(id_)),
        ("code", isinstance(code, str) and CODE.fullmatch(code)),
        ("status", isinstance(status, str) and status in STATES),
        ("no_text", words),
        ("long", _units(words) <= TEXT),
    )
    wrong = next((key for key, fine in checks if not fine), None)
    if wrong is not None:
        return wrong
    return NoteVersion(
        id=str(id_),
        code_commune=str(code),
        nom_commune=_word(_own(given, "nom_commune")),
        theme=_word(_own(given, "theme")) or GENERAL,
        college=_word(_own(given, "college")),
        statut=str(status),
        texte=words,
        cree=_moment(_own(given, "cree")),
        modifie=_moment(_own(given, "modifie")),
        point=_point(_own(feature, "geometry")),
        files=(file,),
    )


def _take_weights(part: _Part, head: Mapping[str, object]) -> None:
    given, contested = head.get("poids", {}), head.get("poids_en_conflit", [])
    if not isinstance(given, dict) or isinstance(given, _Twice):
        part.refuse("poids", "twice" if isinstance(given, _Twice) else "weights")
        given = {}
    if not isinstance(contested, list):
        part.refuse("poids_en_conflit", "weights")
        contested = []
    others = [(_own(one, "college"), _own(one, "poids")) for one in contested]
    for rank, (name, values) in enumerate([*given.items(), *others]):
        college = _word(name)
        found = _weights(values)
        if rank >= COLLEGES:
            part.refuse(f"poids {college}", "colleges")
        elif not college or isinstance(found, str):
            part.refuse(f"poids {college}".strip(), found if isinstance(found, str) else "weights")
        else:
            part.weights.append(WeightsVersion(college, found, (part.file,)))


def _weights(given: object) -> dict[str, float] | str:
    """Read the weights of a college, or tell why they are not."""
    if not isinstance(given, dict) or not 0 < len(given) <= NEEDS:
        return "weights"
    found = {_word(need): weight + 0.0 for need, weight in given.items() if isinstance(weight, float)}
    fine = all(need and isfinite(weight) and 0 <= weight <= WEIGHT for need, weight in found.items())
    if not fine or not all(isinstance(weight, float) for weight in given.values()):
        return "weights"
    return "twice" if isinstance(given, _Twice) or len(found) < len(given) else found


def _take_territories(part: _Part, head: Mapping[str, object]) -> None:
    several = head.get("territoires")
    for one in (head, *(several if isinstance(several, list) else ())):
        told = (_word(_own(one, "code")), _word(_own(one, "territoire")))
        if any(told):
            part.territories.append(told)


def _collection(sessions: Sessions, exporte: str | None) -> dict[str, object]:
    disputed = sessions.conflicts[sessions.conflicts["kind"].eq("note")]
    features = [*_features(sessions.notes, sessions.notes.index), *_features(disputed, disputed["key"])]
    weights = {college: _whole(given) for college, given in sessions.weights.items()}
    others: list[object] = []
    contested = sessions.conflicts[sessions.conflicts["kind"].eq("weights")]
    for college, version, given in zip(contested["key"], contested["version"], contested["weights"], strict=True):
        if version == 1:
            weights[college] = _whole(given)
        else:
            others.append({"college": college, "poids": _whole(given)})
    several = [{"territoire": name, "code": code} for code, name in sessions.territories]
    alone = several[0] if len(several) == 1 else {"territoire": "", "code": ""}
    head: dict[str, object] = {"format": FORMAT, **alone, "poids": dict(sorted(weights.items()))}
    head |= {"theme": None, "exporte": exporte}
    head |= {"poids_en_conflit": others} if others else {}
    head |= {"territoires": several} if len(several) > 1 else {}
    return {"type": "FeatureCollection", "features": features, "territoire_geo": head}


def _features(notes: pd.DataFrame, ids: Iterable[str]) -> Iterator[dict[str, object]]:
    texts = notes.drop(columns=["kind", "key", "version", "files", "weights", "geometry"], errors="ignore")
    rows = texts.astype("object").where(texts.notna(), None).to_dict("records")
    for id_, row, point in zip(ids, rows, notes["geometry"], strict=True):
        at = None if point is None or point.is_empty else {"type": "Point", "coordinates": [point.x, point.y]}
        yield {"type": "Feature", "geometry": at, "properties": {"id": id_, **row}}


def _whole(weights: Mapping[str, float]) -> dict[str, float]:
    """Write 5.0 as 5, as the page does."""
    return {need: int(weight) if float(weight).is_integer() else float(weight) for need, weight in weights.items()}
