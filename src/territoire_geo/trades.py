"""`Trade`, what an activity code says of the needs: the table NAF -> need, each line with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NOTHING: Final = "nothing"  # the code names a trade that answers none of the needs: a no
UNTOLD: Final = "untold"  # the code is of an organisation, not of a trade: it says nothing, neither yes nor no
FAMILIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "mobility": ("Se déplacer", "Getting around"),
        "childcare": ("Garder les jeunes enfants", "Caring for young children"),
        "ageing": ("Aider à domicile", "Helping at home"),
        "reuse": ("Réemployer, recycler", "Re-use and recycling"),
        "training": ("Former les adultes", "Training adults"),
        "work": ("Mettre au travail", "Putting people to work"),
    }
)
"""What trades answer, as (French, English): a need by its id, or a family of activities."""


@dataclass(frozen=True)
class Trade:
    """
    A sub-class of the French classification of activities (NAF rév. 2, 2008) and what it answers.

    `naf` is the code with its dot ("" for no code), `title` the official title; `answers` is a key of `FAMILIES`,
    `NOTHING` or `UNTOLD`; `why` says the reason in French, `why_en` in English.
    """

    naf: str
    title: str
    answers: str
    why: str
    why_en: str

    @property
    def code(self) -> str:
        """The code without its dot, as tables write it."""
        return plain(self.naf)


TRADES: Final = (
    Trade(
        "49.32Z", "Transports de voyageurs par taxis", "mobility",
        "Un taxi, ou un transport à la demande, conduit qui n'a pas de voiture.",
        "A taxi, or transport on demand, drives those who have no car.",
    ),
    Trade(
        "49.39A", "Transports routiers réguliers de voyageurs", "mobility",
        "Une ligne de cars se prend sans voiture.",
        "A coach line is taken without a car.",
    ),
    Trade(
        "49.39B", "Autres transports routiers de voyageurs", "mobility",
        "Navettes et transports à la demande relèvent de ce code.",
        "Shuttles and transport on demand come under this code.",
    ),
    Trade(
        "77.11A", "Location de courte durée de voitures et de véhicules automobiles légers", "mobility",
        "Une voiture louée à prix social permet de prendre un emploi.",
        "A car hired at a social price lets its driver take a job.",
    ),
    Trade(
        "45.20A", "Entretien et réparation de véhicules automobiles légers", "mobility",
        "Un garage solidaire garde en état la voiture de qui travaille loin.",
        "A solidarity garage keeps on the road the car of those who work far away.",
    ),
    Trade(
        "85.53Z", "Enseignement de la conduite", "mobility",
        "Une auto-école sociale mène au permis de conduire.",
        "A social driving school leads to the driving licence.",
    ),
    Trade(
        "88.91A", "Accueil de jeunes enfants", "childcare",
        "Crèches, micro-crèches et garde d'enfants relèvent de ce code.",
        "Nurseries, micro-nurseries and child-minding come under this code.",
    ),
    Trade(
        "88.10A", "Aide à domicile", "ageing",
        "C'est l'aide à domicile elle-même.",
        "It is home help itself.",
    ),
    Trade(
        "88.10B", "Accueil ou accompagnement sans hébergement d'adultes handicapés ou de personnes âgées", "ageing",
        "L'accompagnement des personnes âgées sans hébergement leur permet de rester chez elles.",
        "Support of older people without accommodation lets them stay at home.",
    ),
    Trade(
        "81.21Z", "Nettoyage courant des bâtiments", "ageing",
        "Le ménage est la première tâche de l'aide à domicile ; le code couvre aussi celui des bureaux.",
        "Cleaning is the first task of home help; the code also covers that of offices.",
    ),
    Trade(
        "96.09Z", "Autres services personnels n.c.a.", "ageing",
        "Des services à la personne sans code propre s'y rangent ; le code en couvre d'autres.",
        "Services to the person without a code of their own are filed here; the code covers others too.",
    ),
    Trade(
        "38.11Z", "Collecte des déchets non dangereux", "reuse",
        "La collecte est le premier maillon du réemploi et du recyclage.",
        "Collection is the first link of re-use and recycling.",
    ),
    Trade(
        "38.32Z", "Récupération de déchets triés", "reuse",
        "Une ressourcerie trie et remet en circuit ce qui était jeté.",
        "A resource recovery centre sorts what was thrown away and puts it back into use.",
    ),
    Trade(
        "47.79Z", "Commerce de détail de biens d'occasion en magasin", "reuse",
        "Une recyclerie vend des biens d'occasion.",
        "A re-use shop sells second-hand goods.",
    ),
    Trade(
        "95.22Z", "Réparation d'appareils électroménagers et d'équipements pour la maison et le jardin", "reuse",
        "Réparer un appareil prolonge sa vie.",
        "Repairing an appliance makes it last.",
    ),
    Trade(
        "85.59A", "Formation continue d'adultes", "training",
        "C'est la formation des adultes elle-même.",
        "It is the training of adults itself.",
    ),
    Trade(
        "78.10Z", "Activités des agences de placement de main-d'œuvre", "work",
        "Placer, c'est trouver un emploi à quelqu'un.",
        "Placement finds somebody a job.",
    ),
    Trade(
        "78.20Z", "Activités des agences de travail temporaire", "work",
        "L'intérim, d'insertion ou non, met au travail par missions.",
        "Temporary work, for integration or not, puts people to work by assignments.",
    ),
    Trade(
        "78.30Z", "Autre mise à disposition de ressources humaines", "work",
        "AI, GEIQ et groupements d'employeurs mettent des salariés à disposition sous ce code.",
        "AI, GEIQ and employers' groups lend employees under this code.",
    ),
    Trade(
        "88.10C", "Aide par le travail", NOTHING,
        "Ce sont les ESAT, qui donnent du travail à des adultes handicapés : ce n'est pas de l'aide à domicile.",
        "These are ESAT, which give work to disabled adults: it is not home help.",
    ),
    Trade(
        "88.99B", "Action sociale sans hébergement n.c.a.", UNTOLD,
        "Code de toute association d'action sociale, quel que soit son métier.",
        "The code of any social-work association, whatever its trade.",
    ),
    Trade(
        "94.99Z", "Autres organisations fonctionnant par adhésion volontaire", UNTOLD,
        "Dit qu'il s'agit d'une association, non ce qu'elle fait.",
        "Says that it is an association, not what it does.",
    ),
    Trade(
        "84.11Z", "Administration publique générale", UNTOLD,
        "Code d'une commune, d'un EPCI ou d'un CCAS qui porte un chantier, non celui du chantier.",
        "The code of a commune, an EPCI or a CCAS that runs a project, not that of the project.",
    ),
    Trade(
        "70.10Z", "Activités des sièges sociaux", UNTOLD,
        "Code d'un siège, non celui du métier de ses établissements.",
        "The code of a head office, not of the trade of its establishments.",
    ),
    Trade(
        "82.99Z", "Autres activités de soutien aux entreprises n.c.a.", UNTOLD,
        "Code par défaut des services aux entreprises.",
        "The default code of services to business.",
    ),
    Trade(
        "", "Code inconnu", UNTOLD,
        "Sans code, rien n'est dit de l'activité.",
        "Without a code, nothing is said of the activity.",
    ),
)  # fmt: skip
"""Every code that is read, and the codes that mislead; any other code names another trade: a no."""


def plain(naf: str) -> str:
    """
    Write an activity code as it is compared: without dot nor space, in capitals.

    Parameters
    ----------
    naf
        Such as "88.91A" or " 8891a".

    Returns
    -------
    plain
        Such as "8891A".
    """
    return naf.replace(".", "").strip().upper()


def division(naf: str) -> str:
    """
    Give the division of an activity code: its first two digits.

    Parameters
    ----------
    naf
        With or without dot.

    Returns
    -------
    division
        Such as "88"; "" without a code.
    """
    return plain(naf)[:2]


def answering(need: str) -> tuple[str, ...]:
    """
    List the activity codes that answer a need.

    Parameters
    ----------
    need
        A key of `FAMILIES`, or `NOTHING` or `UNTOLD`.

    Returns
    -------
    answering
        Codes without dots, in the order of the table; none for a need that no code tells.
    """
    return tuple(trade.code for trade in TRADES if trade.answers == need)
