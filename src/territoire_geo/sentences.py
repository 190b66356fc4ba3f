"""The sentences of the proposals, in French and in English, built from their figures and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from territoire_geo.measures import Need

Figures = Mapping[str, Any]
Both = tuple[str, str]
FEW: Final = 5.0  # people: an estimate under it is printed "fewer than 5", in sentences, tables and on maps
ALL_KNOWN: Final = 0.999
LEVELS: Final[Mapping[str, Both]] = {
    "declared": ("activité déclarée", "declared activity"),
    "likely": ("activité vraisemblable d'après son code NAF", "likely from its NAF code"),
    "probable": ("activité probable d'après son type", "probable from its kind"),
    "unknown": ("activité non connue", "activity not known"),
}
VOWELS: Final = "AÀÂEÉÈÊËIÎÏOÔUÛÜYŒ"
NAMED: Final = 2  # structures named in a sentence


def people(count: float, lang: str) -> str:
    """
    Write a number of people: whole, "fewer than 5" under five, as the model estimates that they are.

    Parameters
    ----------
    count
        People.
    lang
        "fr" or "en".

    Returns
    -------
    people
        Such as "1 234" in French, with its narrow no-break space, "1,234" in English.
    """
    if count < FEW:
        return "moins de 5" if lang == "fr" else "fewer than 5"
    whole = f"{count:,.0f}"
    return whole.replace(",", "\u202f") if lang == "fr" else whole


def percent(share: float, lang: str) -> str:
    """
    Write a share of people.

    Parameters
    ----------
    share
        0 to 1.
    lang
        "fr" or "en".

    Returns
    -------
    percent
        Such as "12 %" or "12%".
    """
    text = f"{100 * share:.0f}"
    return f"{text} %" if lang == "fr" else f"{text}%"


def group(need: Need, action: str, figures: Figures) -> Both:
    """
    Tell what a group of communes lacks and who could answer.

    Parameters
    ----------
    need
        Its words.
    action
        "strengthen", "ask", "create" or "list".
    figures
        The evidence of the proposal.

    Returns
    -------
    group
        The sentences in French and in English.
    """
    return _group_fr(need, action, figures), _group_en(need, action, figures)


def _group_fr(need: Need, action: str, figures: Figures) -> str:
    count, whole = (people(figures[name], "fr") for name in ("unmet_people", "demand"))
    text = f"{need.label} : {_places(figures, 'fr')}, {count} {need.unmet}{_range(figures, 'fr')}, sur {whole}. "
    far, full = figures["out_of_reach"], figures["saturated"]
    if far > full:
        part = f" pour {people(far, 'fr')}" if people(far, "fr") != count else ""
        text += f"Rien n'est à portée{part}. "
    else:
        text += "De l'offre est à portée, en deçà de la norme. "
    if figures["known_share"] < ALL_KNOWN:
        text += (
            f"Les chiffres du bassin ne sont connus que pour {percent(figures['known_share'], 'fr')} des personnes. "
        )
    return text + _who_fr(action, figures)


def _who_fr(action: str, figures: Figures) -> str:
    reach = f"à {figures['reach_minutes']:.0f} min au plus en voiture"
    if action == "strengthen":
        count = figures["answering"]
        several = f"{count} structures dont l'activité y répond sont" if count > 1 else "Une structure y répond"
        named = _structures(figures, "fr")
        return f"{several} {reach} : {named}. Un renforcement est à étudier avec elle{'s' * (count > 1)}."
    if action == "ask":
        count = figures["to_ask"]
        which = f"{count} structures" if count > 1 else "une structure"
        text = (
            f"Aucune structure connue pour y répondre {reach}, mais {which} dont l'activité n'est pas connue : "
            f"{_structures(figures, 'fr')}. À interroger d'abord."
        )
        return text + _unplaced(figures, "fr")
    if action == "create":
        return f"Aucune structure de l'IAE connue pour y répondre {reach} : une création est à étudier."
    text = "La liste des structures ou leurs adresses manquent ici : qui pourrait répondre n'est pas connu."
    return text + _unplaced(figures, "fr")


def _group_en(need: Need, action: str, figures: Figures) -> str:
    count, whole = (people(figures[name], "en") for name in ("unmet_people", "demand"))
    text = (
        f"{need.label_en}: {_places(figures, 'en')}, {count} {need.unmet_en}{_range(figures, 'en')}, out of {whole}. "
    )
    far, full = figures["out_of_reach"], figures["saturated"]
    if far > full:
        part = f" of {people(far, 'en')}" if people(far, "en") != count else ""
        text += f"Nothing is within reach{part}. "
    else:
        text += "Some supply is within reach, below the norm. "
    if figures["known_share"] < ALL_KNOWN:
        text += f"Figures of the catchment are known for {percent(figures['known_share'], 'en')} of the people only. "
    return text + _who_en(action, figures)


def _who_en(action: str, figures: Figures) -> str:
    reach = f"within {figures['reach_minutes']:.0f} min by car"
    if action == "strengthen":
        count = figures["answering"]
        several = f"{count} structures answer" if count > 1 else "One structure answers"
        return f"{several} this need {reach}: {_structures(figures, 'en')}. Doing more is to be studied with them."
    if action == "ask":
        count = figures["to_ask"]
        which = f"{count} structures" if count > 1 else "one structure"
        text = (
            f"No structure is known to answer {reach}, but {which} whose activity is not known: "
            f"{_structures(figures, 'en')}. Ask them first."
        )
        return text + _unplaced(figures, "en")
    if action == "create":
        return f"No IAE structure is known to answer {reach}: a new one is to be studied."
    text = "The list of structures or their addresses are missing here: who could answer is not known."
    return text + _unplaced(figures, "en")


def _range(figures: Figures, lang: str) -> str:
    """Write the low and high values, unless they say no more than the figure itself."""
    low, high = people(figures["low"], lang), people(figures["high"], lang)
    if low == high:
        return ""
    return f" (de {low} à {high} selon les hypothèses)" if lang == "fr" else f" ({low} to {high} by assumption)"


def _unplaced(figures: Figures, lang: str) -> str:
    count = figures["unplaced"]
    if not count:
        return ""
    if lang == "fr":
        return (
            f" {count} structures qui y répondent n'ont pas d'adresse connue."
            if count > 1
            else (" Une structure qui y répond n'a pas d'adresse connue.")
        )
    return (
        f" {count} structures that answer have no known address."
        if count > 1
        else (" One structure that answers has no known address.")
    )


def at(name: str) -> str:
    """
    Say where in French, with the article of the commune.

    Parameters
    ----------
    name
        Of a commune.

    Returns
    -------
    at
        Such as "à Dole", "au Deschaux", "aux Abymes".
    """
    for article, short in (("Le ", "au "), ("Les ", "aux ")):
        if name.startswith(article):
            return short + name.removeprefix(article)
    return f"à {name}"


def _of(name: str) -> str:
    for article, short in (("Le ", "du "), ("Les ", "des ")):
        if name.startswith(article):
            return short + name.removeprefix(article)
    return f"d'{name}" if name[:1] in VOWELS else f"de {name}"


def site(need: Need, figures: Figures) -> Both:
    """
    Tell where a new supply point would have the most unmet people within reach, without promising that it serves them.

    Parameters
    ----------
    need
        Its words.
    figures
        The evidence of the proposal.

    Returns
    -------
    site
        The sentences in French and in English.
    """
    return _site_fr(need, figures), _site_en(need, figures)


def _site_fr(need: Need, figures: Figures) -> str:
    reach, gain, total = f"{figures['reach_minutes']:.0f}", figures["gain"], people(figures["unmet_people"], "fr")
    start = f"{need.label} : une offre nouvelle {at(figures['name'])} aurait à {reach} min au plus en voiture"
    if "mean_minutes" in figures:
        text = f"{start} les {total} {need.unmet} ({figures['mean_minutes']:.0f} min en moyenne)"
        if figures["others"]:
            text += f", comme depuis {_communes(figures['others'], 'fr')} du territoire"
        text += " ; c'est de là qu'ils sont le plus près" if figures["nearest"] else ""
    elif figures["rank"] == 1:
        text = f"{start} {people(gain, 'fr')} des {total} {need.unmet} ; "
        text += "aucune autre commune du territoire n'en aurait davantage"
    else:
        before = _joined([_of(name) for name in figures["before"]], "fr")
        text = f"{start} {people(gain, 'fr')} autres {need.unmet}, hors de portée {before}"
        text += _bounded(figures, "fr")
    return f"{text}. Être à portée n'est pas être servi : la capacité reste à définir."


def _site_en(need: Need, figures: Figures) -> str:
    reach, gain, total = f"{figures['reach_minutes']:.0f}", figures["gain"], people(figures["unmet_people"], "en")
    start = f"{need.label_en}: new supply in {figures['name']} would have within {reach} min by car"
    if "mean_minutes" in figures:
        text = f"{start} all {total} {need.unmet_en} ({figures['mean_minutes']:.0f} min on average)"
        if figures["others"]:
            text += f", as from {_communes(figures['others'], 'en')} of the territory"
        text += "; from there they are the nearest" if figures["nearest"] else ""
    elif figures["rank"] == 1:
        text = f"{start} {people(gain, 'en')} of the {total} {need.unmet_en}; "
        text += "no other commune of the territory would have more"
    else:
        text = f"{start} {people(gain, 'en')} other {need.unmet_en}, out of reach of {_joined(figures['before'], 'en')}"
        text += _bounded(figures, "en")
    return f"{text}. Within reach is not served: the capacity is still to be decided."


def _bounded(figures: Figures, lang: str) -> str:
    """Say how far the places chosen in turn may be from the best ones, unless nothing can be better."""
    reached, total, bound = (people(figures[name], lang) for name in ("covered", "unmet_people", "bound"))
    if lang == "fr":
        text = f" ; {reached} en tout sur {total}"
        return text if bound == reached else f"{text}, quand {figures['places']} lieux en auraient au plus {bound}"
    text = f"; {reached} in all out of {total}"
    return text if bound == reached else f"{text}, when {figures['places']} places would have at most {bound}"


def _communes(count: int, lang: str) -> str:
    if lang == "fr":
        return f"{count} autres communes" if count > 1 else "une autre commune"
    return f"{count} other communes" if count > 1 else "another commune"


def _joined(names: Sequence[str], lang: str) -> str:
    link = " et " if lang == "fr" else " and "
    return link.join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _places(figures: Figures, lang: str) -> str:
    names = [at(name) if lang == "fr" else name for name in figures["names"]]
    more = figures["communes"] - len(names)
    if more > 0:
        others = {"fr": (" et une commune voisine", f" et {more} communes voisines"),
                  "en": (" and one neighbour", f" and {more} neighbours")}[lang][more > 1]  # fmt: skip
        text = ", ".join(names) + others
    else:
        text = _joined(names, lang)
    return text if lang == "fr" else f"in {text}"


def _structures(figures: Figures, lang: str) -> str:
    side = 0 if lang == "fr" else 1
    unnamed = ("structure sans nom", "unnamed structure")[side]
    away = ("à ", "")[side]
    shown = [
        f"{one['name'] or unnamed} ({one['kind']}, {LEVELS[one['level']][side]}, {away}{_minutes(one)} min)"
        for one in figures["structures"][:NAMED]
    ]
    more = max(figures["answering"], figures["to_ask"] if not figures["answering"] else 0) - len(shown)
    tail = ""
    if more > 0:
        tail = (f" et {more} autre{'s' * (more > 1)}", f" and {more} other{'s' * (more > 1)}")[side]
    return ", ".join(shown) + tail


def _minutes(one: Figures) -> str:
    return f"{max(one['minutes'], 1):.0f}"
