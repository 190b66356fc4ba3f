"""What each column of the tables says: label in French and in English, unit, what an empty cell means, values."""

from collections.abc import Mapping
from typing import Final, NamedTuple

PEOPLE: Final = "personnes"
SHARE: Final = "part de 0 à 1"
MINUTES: Final = "minutes"
NEVER: Final = "jamais vide"
UNKNOWN: Final = "inconnu (ce n'est pas zéro)"
NONE: Final = "rien à dire"
NOT_RANKED: Final = "commune non classée"


class Entry(NamedTuple):
    """A line of the data dictionary."""

    label: str
    label_en: str
    unit: str = ""
    empty: str = NEVER
    values: str = ""


LEVELS: Final = "declared (déclarée), likely (code NAF), probable (type), unknown (non connue), no (non)"
STATES: Final = "connu ; non publié ; secret ; sans objet ; inconnu"
KINDS: Final[Mapping[str, str]] = {
    "ACI": "ateliers et chantiers d'insertion",
    "AI": "associations intermédiaires",
    "EI": "entreprises d'insertion",
    "EITI": "entreprises d'insertion par le travail indépendant",
    "ETTI": "entreprises de travail temporaire d'insertion",
    "GEIQ": "groupements d'employeurs pour l'insertion et la qualification",
    "EA": "entreprises adaptées",
}

# A column that says the same wherever it stands.
COMMON: Final[Mapping[str, Entry]] = {
    "code_commune": Entry("Code Insee de la commune", "Commune code", "", UNKNOWN, "texte de cinq caractères : 01001"),
    "nom_commune": Entry("Commune", "Commune", "", UNKNOWN),
    "need": Entry("Besoin", "Need", "", NEVER, "mobility, childcare, employment, insertion, ageing"),
    "label": Entry("Libellé", "Label (in French)"),
    "label_en": Entry("Libellé en anglais", "Label", "", NONE),
    "unit": Entry("Unité", "Unit (in French)", "", NONE),
    "unit_en": Entry("Unité en anglais", "Unit", "", NONE),
    "formula": Entry("Formule", "Formula (in French)", "", NONE),
    "variables": Entry("Colonnes lues", "Columns read", "", NONE, "table.colonne"),
    "sources": Entry("Sources", "Sources", "", NONE),
    "id": Entry("Identifiant", "Identifier"),
    "etat": Entry("État", "State (in French)", "", NEVER, STATES),
    "demand": Entry("Personnes concernées", "People concerned", PEOPLE, UNKNOWN),
    "unmet_people": Entry("Besoin non couvert", "Unmet need", PEOPLE, UNKNOWN, "estimation ; moins de 5 s'affiche <5"),
    "low": Entry("Valeur basse", "Low value", PEOPLE, UNKNOWN),
    "high": Entry("Valeur haute", "High value", PEOPLE, UNKNOWN),
    "known_share": Entry("Part des chiffres connus", "Share of known figures", SHARE, UNKNOWN),
}

OWN: Final[Mapping[str, Entry]] = {
    "synthese.unmet_units": Entry("Ce qui manque", "Gap", "voir gap_unit", UNKNOWN),
    "synthese.units_low": Entry("Ce qui manque, valeur basse", "Gap, low value", "voir gap_unit", UNKNOWN),
    "synthese.units_high": Entry("Ce qui manque, valeur haute", "Gap, high value", "voir gap_unit", UNKNOWN),
    "synthese.gap_unit": Entry("Unité de ce qui manque", "Unit of the gap (in French)"),
    "synthese.share": Entry("Part non couverte", "Unmet share", SHARE, "personne n'est concerné, ou inconnu"),
    "synthese.reference": Entry("Norme", "Norm (in French)"),
    "synthese.unknown": Entry("Communes sans chiffre", "Communes without a figure", "communes"),
    "couverture.access": Entry("Accès", "Access", "unité du besoin", UNKNOWN),
    "couverture.target": Entry("Accès de référence", "Reference access", "unité du besoin", UNKNOWN),
    "couverture.unmet_units": Entry("Ce qui manque", "Gap", "unité du besoin", UNKNOWN),
    "couverture.unmet_share": Entry("Part non couverte", "Unmet share", SHARE, "personne n'est concerné, ou inconnu"),
    "couverture.served": Entry("Besoin couvert", "Met need", PEOPLE, UNKNOWN),
    "couverture.saturated": Entry("Non couvert, offre à portée insuffisante", "Unmet, supply short", PEOPLE, UNKNOWN),
    "couverture.out_of_reach": Entry("Non couvert, rien à portée", "Unmet, nothing within reach", PEOPLE, UNKNOWN),
    "couverture.reachable": Entry("Une offre est à portée", "Something within reach", "", UNKNOWN),
    "couverture.a_afficher": Entry("Besoin non couvert, à afficher", "Unmet need as shown", PEOPLE, NEVER, "7 ; <5"),
    "mesures.etat": Entry("État des mesures", "State of the measures", "", NEVER, "connu, ou mesure : état"),
    "structures.siret": Entry("SIRET", "SIRET", "", UNKNOWN, "texte de quatorze chiffres"),
    "structures.kind": Entry("Type", "Kind", "", UNKNOWN, ", ".join(KINDS)),
    "structures.name": Entry("Nom", "Name", "", UNKNOWN),
    "structures.brand": Entry("Enseigne", "Brand", "", UNKNOWN),
    "structures.naf": Entry("Code NAF", "NAF code", "", UNKNOWN, "9499Z"),
    "structures.address": Entry("Adresse", "Address", "", UNKNOWN),
    "structures.post_code": Entry("Code postal", "Post code", "", UNKNOWN, "texte de cinq caractères"),
    "structures.city": Entry("Ville", "City", "", UNKNOWN),
    "structures.website": Entry("Site", "Website", "", UNKNOWN),
    "structures.email": Entry("Courriel", "E-mail", "", UNKNOWN),
    "structures.phone": Entry("Téléphone", "Phone", "", UNKNOWN),
    "structures.postes": Entry("Postes", "Posts", "postes", UNKNOWN),
    "structures.lon": Entry("Longitude", "Longitude", "degrés (WGS 84)", "lieu inconnu"),
    "structures.lat": Entry("Latitude", "Latitude", "degrés (WGS 84)", "lieu inconnu"),
    "structures.geocoding_score": Entry("Qualité du géocodage", "Geocoding score", "de 0 à 1", UNKNOWN),
    "structures.is_siae": Entry("Structure de l'insertion par l'activité économique", "Is a SIAE", "", UNKNOWN),
    "portee.siae": Entry("SIAE à portée", "SIAE within reach", "structures", UNKNOWN),
    "portee.answering": Entry(
        "Structures à portée qui répondent au besoin", "Answering structures", "structures", UNKNOWN
    ),
    "portee.nearest_minutes": Entry(
        "Temps vers la plus proche qui répond", "Minutes to the nearest", MINUTES, "aucune à portée"
    ),
    "inconnus.in_core": Entry("Dans le territoire", "In the territory"),
    "inconnus.item": Entry("Mesure ou besoin", "Measure or need"),
    "inconnus.label": Entry("Libellé", "Label (in French)", "", NONE),
    "inconnus.raison": Entry("Pourquoi le chiffre manque", "Why the figure is missing (in French)", "", NONE),
    "definitions.sens": Entry("Sens", "Direction", "", NEVER, "plus de besoin ; moins de besoin ; contexte"),
    "definitions.territoire": Entry(
        "Valeur du territoire", "Value of the territory", "voir unit", "ne s'agrège pas, ou inconnu"
    ),
    "definitions.reference": Entry("Valeur de la référence", "Value of the reference", "voir unit", UNKNOWN),
    "priorites.score": Entry("Score de besoin", "Score", "de 0 à 100", NOT_RANKED),
    "priorites.known_weight": Entry("Part des poids dont le besoin est connu", "Known weight", SHARE, NOT_RANKED),
    "priorites.rank": Entry("Rang", "Rank", "1 : le plus de besoin", NOT_RANKED),
    "priorites.rank_median": Entry("Rang médian", "Median rank", "rang", NOT_RANKED),
    "priorites.rank_low": Entry("Rang, valeur basse (5 %)", "Rank, low (5%)", "rang", NOT_RANKED),
    "priorites.rank_high": Entry("Rang, valeur haute (95 %)", "Rank, high (95%)", "rang", NOT_RANKED),
    "priorites.stability": Entry(
        "Part des réglages où la commune est dans le dernier cinquième", "Stability", SHARE, NOT_RANKED
    ),
    "priorites.cluster": Entry(
        "Voisinage", "Cluster (in French)", "", NOT_RANKED, "besoins forts ou faibles, entourés de"
    ),
    "priorites.typology": Entry(
        "Classe de la typologie", "Class of the typology", "numéro", "moins de douze communes, ou non classée"
    ),
    "propositions.label": Entry("Libellé du besoin", "Label of the need (in French)"),
    "propositions.action": Entry(
        "Action",
        "Action (in French)",
        "",
        NEVER,
        "renforcer ; interroger ; étudier une création ; compléter la liste des structures ; ouvrir",
    ),
    "propositions.communes": Entry("Communes", "Communes", "", NONE, "codes séparés par une espace"),
    "propositions.people": Entry("Personnes", "People", PEOPLE, UNKNOWN),
    "propositions.structures": Entry("Structures", "Structures", "", NONE, "SIRET et type"),
    "propositions.reason": Entry("Phrase", "Sentence in French"),
    "propositions.reason_en": Entry("Phrase en anglais", "Sentence"),
    "comparaison.measure": Entry("Mesure", "Measure"),
    "comparaison.measure_label": Entry("Libellé de la mesure", "Label of the measure (in French)", "", NONE),
    "comparaison.measure_unit": Entry("Unité de la mesure", "Unit of the measure (in French)", "", NONE),
    "comparaison.perimeter": Entry("Périmètre", "Perimeter", "", NEVER, "epci, departement, region, france, density"),
    "comparaison.label": Entry("Nom du périmètre", "Name of the perimeter", "", NONE),
    "comparaison.whole": Entry("Périmètre entier", "Whole perimeter", "", UNKNOWN),
    "comparaison.value_here": Entry("Valeur du territoire", "Value here", "voir measure_unit", UNKNOWN),
    "comparaison.value_there": Entry("Valeur du périmètre", "Value there", "voir measure_unit", UNKNOWN),
    "comparaison.difference": Entry("Écart", "Difference", "voir measure_unit", UNKNOWN),
    "comparaison.low": Entry("Écart, borne basse", "Difference, low", "voir measure_unit", "sans intervalle"),
    "comparaison.high": Entry("Écart, borne haute", "Difference, high", "voir measure_unit", "sans intervalle"),
    "comparaison.ratio": Entry("Rapport", "Ratio", "rapport", UNKNOWN),
    "comparaison.said": Entry(
        "Ce qui peut en être dit",
        "What may be said (in French)",
        "",
        NEVER,
        "au-dessus ; au-dessous ; non distinct du hasard ; même population ; sans intervalle ; inconnu",
    ),
    "comparaison.known_here": Entry("Part connue du territoire", "Known share here", SHARE, UNKNOWN),
    "comparaison.known_there": Entry("Part connue du périmètre", "Known share there", SHARE, UNKNOWN),
    "indicateurs.code": Entry("Numéro dans la liste", "Code in the list", "", NONE, "M1"),
    "indicateurs.polarity": Entry("Sens", "Polarity", "", NONE, "+ plus de besoin ; - moins de besoin ; ctx contexte"),
    "indicateurs.reference": Entry("Qui le définit", "Who defines it", "", NONE),
    "indicateurs.kind": Entry("Nature", "Kind", "", NONE, "measure, need"),
    "indicateurs.state": Entry(
        "Pourquoi il n'est pas calculé", "Why it is not computed (in French)", "", "l'indicateur est calculé"
    ),
    "indicateurs.fragile": Entry(
        "Communes au chiffre fragile", "Communes with a fragile figure", "communes", "sans objet, ou non calculé"
    ),
    "sources.producer": Entry("Producteur", "Producer", "", NONE),
    "sources.title": Entry("Titre", "Title", "", NONE),
    "sources.millesime": Entry("Millésime", "Vintage", "", "non précisé"),
    "sources.licence": Entry("Licence", "Licence", "", "non précisée"),
    "sources.landing_page": Entry("Page", "Page", "", "non précisée"),
    "sources.url": Entry("Adresse du fichier", "Address of the file", "", "non précisée"),
    "sources.tables": Entry("Tables qui en viennent", "Tables that come from it", "", NONE),
    "sources.cog_year": Entry(
        "Année des codes de communes", "Year of the commune codes", "année", "sans code de commune"
    ),
    "sources.around": Entry("Liste arrêtée autour de", "Stops around", "", "tout le pays"),
    "sources.within_km": Entry("Jusqu'à", "Within", "km", "tout le pays"),
    "sources.sha256": Entry("Empreinte du fichier lu", "SHA-256 of the file read", "", "aucun fichier lu"),
}
