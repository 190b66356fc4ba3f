"""
Types of facilities of the Base permanente des équipements, year by year: what the codes that the needs use mean.

Insee recast its codes in 2024 and revises them every year; many were renumbered (médecin généraliste D201, then D265;
pharmacie D301, then D307), others were given to something new. A code is worth what its year says.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from territoire_geo.errors import TerritoireGeoWarning
from territoire_geo.tables import Note

CRECHE: Final = "D502"
MICRO_CRECHE: Final = "D509"
NURSING: Final = "D402"
HOME_HELP: Final = "D403"
_OLDER: Final = {NURSING: "Personnes âgées : soins à domicile", HOME_HELP: "Personnes âgées : services d'aide"}

# Labels of the dictionaries of types that Insee publishes with each vintage: BPE 2019 and 2023 (bpe_nomenclatures),
# 2024, and TYPEQU_2025.csv. Years in between have not been compared: their codes are left as they are, with a note.
TYPES: Final[Mapping[int, Mapping[str, str]]] = MappingProxyType(
    {
        2019: MappingProxyType({**_OLDER, CRECHE: "Crèche"}),
        2023: MappingProxyType({**_OLDER, CRECHE: "Établissement d'accueil du jeune enfant (EAJE)"}),
        2024: MappingProxyType({**_OLDER, CRECHE: "Établissement d'accueil du jeune enfant"}),
        2025: MappingProxyType(
            {**_OLDER, CRECHE: "Établissement d'accueil du jeune enfant", MICRO_CRECHE: "Micro-crèche"}
        ),
    }
)


def told(years: Iterable[int]) -> tuple[Note, ...]:
    """
    Tell what a reader must know of the types of facilities of some vintages.

    Before 2025 micro-crèches have no type of their own. Insee then drew its crèches from the list of Cnaf of those
    that receive its *prestation de service*: those paid through the families (Paje), most micro-crèches, may be
    missing.

    Parameters
    ----------
    years
        Vintages of the BPE.

    Returns
    -------
    told
        One note for the vintages whose dictionary is not known here, one for those without micro-crèches.
    """
    known = sorted(set(years))
    notes = []
    unchecked = ", ".join(str(year) for year in known if year not in TYPES)
    if unchecked:
        fr = (
            f"BPE {unchecked} : la nomenclature de ce millésime n'a pas été comparée aux autres, ses codes "
            "d'équipement sont pris tels quels."
        )
        en = (
            f"BPE {unchecked}: the types of this vintage were not compared with the others; codes are left as they are."
        )
        notes.append(Note(TerritoireGeoWarning, fr, en))
    without = ", ".join(str(year) for year in known if year in TYPES and MICRO_CRECHE not in TYPES[year])
    if without:
        fr = (
            f"BPE {without} : les micro-crèches n'y ont pas de type propre ({MICRO_CRECHE} date de 2025) ; une partie "
            f"peut manquer aux crèches ({CRECHE})."
        )
        en = (
            f"BPE {without}: micro-crèches have no type of their own ({MICRO_CRECHE} dates from 2025); some may be "
            f"missing from crèches ({CRECHE})."
        )
        notes.append(Note(TerritoireGeoWarning, fr, en))
    return tuple(notes)
