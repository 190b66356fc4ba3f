"""French typography of the library's own words; names, addresses and cities are their producers', and left alone."""

import re
from typing import Final

_NO_BREAK: Final = "\u00a0"
_AROUND: Final = re.compile(
    r"[ \u202f](?=[:;?!»×])|(?<=[«×])[ \u202f]|(?<=\d)[ \u202f](?=(?:%|€|km|min|minutes|ans)(?!\w))"
)
_ONE: Final = re.compile(
    r"(?<![\d,.\u00a0\u202f])([01]) (commune|emploi|habitant|minute|personne|place|point|poste|structure)s\b"
)
_LINKS: Final = frozenset({
    "à", "au", "aux", "de", "des", "du", "en", "et", "hors", "non", "ou", "par", "pour", "sans", "sous", "sur",
    "and", "by", "for", "from", "in", "of", "per", "to", "under", "with", "within", "without",
})  # fmt: skip
_FEMININE: Final = frozenset({"heure", "place", "structure"})
# Never sentences: what runs the page, or addresses.
_KEPT: Final = frozenset({"id", "kind", "need", "url", "codes", "colours"})


def typeset(text: str, lang: str) -> str:
    """
    Put the apostrophes and the no-break spaces that French asks for, and agree what follows a lone 1 or 0.

    Parameters
    ----------
    text
        A sentence of the library.
    lang
        "fr" or "en", which is left as it is.

    Returns
    -------
    typeset
        The same sentence; done twice, it does not change again.
    """
    if lang != "fr":
        return text
    agreed = _ONE.sub(rf"\1{_NO_BREAK}\2", text.replace("'", "\u2019"))
    return _AROUND.sub(_NO_BREAK, agreed)


def typeset_all(data: object, lang: str) -> object:
    """
    Typeset every sentence of JSON-ready data.

    Parameters
    ----------
    data
        Texts, numbers, lists and dicts; identifiers, codes and addresses of sites are kept as they are.
    lang
        "fr" or "en".

    Returns
    -------
    typeset_all
        The same data.
    """
    if isinstance(data, str):
        return typeset(data, lang)
    if isinstance(data, dict):
        return {name: inner if name in _KEPT else typeset_all(inner, lang) for name, inner in data.items()}
    return [typeset_all(inner, lang) for inner in data] if isinstance(data, list) else data


def singular(words: str) -> str:
    """
    Put the head of a group of words in the singular: what stands before its first preposition.

    Parameters
    ----------
    words
        For instance "places" or "habitants âgés sous la norme".

    Returns
    -------
    singular
        "place", "habitant âgé sous la norme".
    """
    head, rest = [], words.split(" ")
    while rest and rest[0].lower() not in _LINKS and "'" not in rest[0] and "\u2019" not in rest[0]:
        head.append(rest.pop(0).removesuffix("s"))
    return " ".join(head + rest)


def missing(unit: str, lang: str) -> tuple[str, str]:
    """
    Say that units are missing.

    Parameters
    ----------
    unit
        In the plural, such as "emplois".
    lang
        "fr" or "en".

    Returns
    -------
    missing
        In the plural and in the singular, such as "emplois manquants" and "emploi manquant".
    """
    if lang == "en":
        return f"missing {unit}", f"missing {singular(unit)}"
    noun, _, rest = unit.partition(" ")
    ending = "manquantes" if singular(noun) in _FEMININE else "manquants"
    plural = " ".join(filter(None, (noun, ending, rest)))
    return plural, singular(plural)
