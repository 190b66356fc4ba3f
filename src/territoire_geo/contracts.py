"""Contracts of the tidy tables: their keys, columns and units, and the check at the border."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import pandas as pd

from territoire_geo.cog import check_codes, check_unique, quote
from territoire_geo.columns import CODE_COMMUNE, KIND, NEED, SIRET
from territoire_geo.errors import TableError


@dataclass(frozen=True)
class Contract:
    """
    What a tidy table promises: key, columns, and the parts that cannot exceed a whole.

    `located` tables carry either `lon` and `lat` [degrees] or `code_commune`; `shares` lie in [0, 1].
    """

    key: tuple[str, ...]
    numbers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    optional_texts: tuple[str, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()
    shares: tuple[str, ...] = ()
    not_additive: tuple[str, ...] = ()
    located: bool = False

    @property
    def by_commune(self) -> bool:
        """Whether one row is one commune."""
        return self.key == (CODE_COMMUNE,)


# Never kept: they may be a person's.
CONTACTS: Final = re.compile(
    r"e?[_-]?mails?|courriels?|mel|t[eé]l|t[eé]l[eé]phone.*|phone.*|mobile|fax|contact.*", re.IGNORECASE
)
FRENCH_LON: Final = (-5.5, 9.7)  # degrees, mainland and Corsica
FRENCH_LAT: Final = (41.0, 51.5)

CONTRACTS: Final[Mapping[str, Contract]] = MappingProxyType(
    {
        "population": Contract(
            (CODE_COMMUNE,),
            ("population",),
            ("pop_0_19", "pop_20_64", "pop_65_plus", "pop_75_plus", "enfants_moins_3_ans"),
            parts=(("pop_75_plus", "pop_65_plus"),),
        ),
        "activity": Contract(
            (CODE_COMMUNE,),
            ("actifs_15_64", "chomeurs_15_64"),
            ("pop_15_64", "emplois", "actifs_occupes_15_plus"),
            parts=(("chomeurs_15_64", "actifs_15_64"), ("actifs_15_64", "pop_15_64")),
        ),
        "prime_age": Contract(
            (CODE_COMMUNE,),
            ("femmes_25_54", "femmes_25_54_occupees", "hommes_25_54", "hommes_25_54_occupes"),
            parts=(("femmes_25_54_occupees", "femmes_25_54"), ("hommes_25_54_occupes", "hommes_25_54")),
        ),
        "births": Contract((CODE_COMMUNE,), ("naissances",), ("annees",), not_additive=("annees",)),
        "cars": Contract((CODE_COMMUNE,), ("menages", "menages_voiture"), parts=(("menages_voiture", "menages"),)),
        "families": Contract(
            (CODE_COMMUNE,),
            ("familles", "familles_monoparentales"),
            parts=(("familles_monoparentales", "familles"),),
        ),
        "living_alone": Contract(
            (CODE_COMMUNE,), ("pop_80_plus", "pop_80_plus_seuls"), parts=(("pop_80_plus_seuls", "pop_80_plus"),)
        ),
        "working_parents": Contract(
            (CODE_COMMUNE,),
            ("jeunes_enfants", "jeunes_enfants_parents_occupes"),
            parts=(("jeunes_enfants_parents_occupes", "jeunes_enfants"),),
        ),
        "wage_earners": Contract(
            (CODE_COMMUNE,),
            ("salaries_15_plus", "salaries_precaires"),
            ("femmes_salariees", "femmes_salariees_temps_partiel"),
            parts=(
                ("salaries_precaires", "salaries_15_plus"),
                ("femmes_salariees", "salaries_15_plus"),
                ("femmes_salariees_temps_partiel", "femmes_salariees"),
            ),
        ),
        "education": Contract(
            (CODE_COMMUNE,),
            ("non_scolarises_15_plus", "peu_diplomes"),
            ("pop_18_24", "scolarises_18_24"),
            parts=(("peu_diplomes", "non_scolarises_15_plus"), ("scolarises_18_24", "pop_18_24")),
        ),
        "housing": Contract(
            (CODE_COMMUNE,),
            ("logements", "logements_vacants"),
            ("residences_principales", "locataires_hlm", "residences_occupation", "residences_suroccupees"),
            parts=(
                ("logements_vacants", "logements"),
                ("residences_principales", "logements"),
                ("locataires_hlm", "residences_principales"),
                ("residences_suroccupees", "residences_occupation"),
            ),
        ),
        "commuting": Contract(
            (CODE_COMMUNE,),
            ("actifs_occupes",),
            ("hors_commune", "voiture", "transports_commun", "velo", "marche"),
            parts=tuple(
                (part, "actifs_occupes") for part in ("hors_commune", "voiture", "transports_commun", "velo", "marche")
            ),
        ),
        "income": Contract(
            (CODE_COMMUNE,),
            ("niveau_vie_median",),
            ("taux_pauvrete",),
            shares=("taux_pauvrete",),
            not_additive=("niveau_vie_median", "taux_pauvrete"),
        ),
        "jobseekers": Contract(
            (CODE_COMMUNE,),
            ("demandeurs_emploi_abc",),
            ("demandeurs_emploi_un_an",),
            parts=(("demandeurs_emploi_un_an", "demandeurs_emploi_abc"),),
        ),
        "employees": Contract((CODE_COMMUNE,), ("effectifs_salaries",)),
        "flows": Contract(("code_residence", "code_travail"), ("actifs",)),
        "childcare_rates": Contract(
            ("niveau", "code"),
            ("taux",),
            ("taux_eaje", "taux_assistants_maternels", "taux_preelementaire", "taux_domicile"),
        ),
        "childcare_places": Contract(("id",), ("places",), texts=("type",), optional_texts=("name",), located=True),
        "facilities": Contract(("id",), ("nombre",), ("capacite",), ("code_equipement",), ("name",), located=True),
        "structures": Contract(
            (SIRET, KIND),
            (),
            ("lon", "lat", "postes", "geocoding_score"),
            ("name",),
            ("naf", "brand", "address", "post_code", "city", "website"),
            shares=("geocoding_score",),
            located=True,
        ),
        "activities": Contract((SIRET, KIND, NEED), texts=("source",), optional_texts=("since",)),
        "places": Contract(("id",), texts=("type", "name"), optional_texts=("post_code", "city"), located=True),
        "hiring": Contract(
            ("code_bassin", "code_metier"), ("projets",), ("difficiles",), parts=(("difficiles", "projets"),)
        ),
        "basins": Contract((CODE_COMMUNE, "code_bassin"), texts=("nom_bassin",)),
        "references": Contract(("niveau", "code"), (), optional_texts=("nom",)),
    }
)

OWN: Final = ("un fichier à vous", "a file of your own")
_CENSUS: Final = ("Insee, recensement, base communale", "Insee, census base by commune")
# Where the figures of a table, or of one of its columns, come from, in French and in English: told when they lack.
BROUGHT_BY: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "population": (f"{_CENSUS[0]} « population »", f"{_CENSUS[1]} “population”"),
        "population.enfants_moins_3_ans": (
            "Insee, recensement, base infracommunale (IRIS) « population »",
            "Insee, census base by IRIS “population”",
        ),
        "activity": (f"{_CENSUS[0]} « emploi, population active »", f"{_CENSUS[1]} “employment”"),
        "prime_age": (f"{_CENSUS[0]} « emploi, population active »", f"{_CENSUS[1]} “employment”"),
        "births": ("Insee, état civil, ou comparateur de territoires", "Insee, vital records, or the comparateur"),
        "cars": (f"{_CENSUS[0]} « logement »", f"{_CENSUS[1]} “housing”"),
        "families": (f"{_CENSUS[0]} « couples, familles, ménages »", f"{_CENSUS[1]} “families”"),
        "living_alone": (f"{_CENSUS[0]} « couples, familles, ménages »", f"{_CENSUS[1]} “families”"),
        "working_parents": (
            "fichier détail du recensement (Insee), à tirer vous-même",
            "detail file of the census (Insee), to be drawn up by yourself",
        ),
        "wage_earners": (f"{_CENSUS[0]} « caractéristiques de l'emploi »", f"{_CENSUS[1]} “kinds of employment”"),
        "education": (f"{_CENSUS[0]} « diplômes, formation »", f"{_CENSUS[1]} “diplomas”"),
        "housing": (
            f"{_CENSUS[0]} « logement », ou comparateur de territoires pour les logements vacants",
            f"{_CENSUS[1]} “housing”, or the comparateur for vacant dwellings",
        ),
        "commuting": (f"{_CENSUS[0]} « caractéristiques de l'emploi »", f"{_CENSUS[1]} “kinds of employment”"),
        "income": ("Insee, Filosofi", "Insee, Filosofi"),
        "jobseekers": ("Dares, demandeurs d'emploi par commune", "Dares, jobseekers by commune"),
        "jobseekers.demandeurs_emploi_un_an": (
            "France Travail ou Dares, sur demande : la Dares ne publie pas l'ancienneté par commune",
            "France Travail or Dares, on request: Dares does not publish seniority by commune",
        ),
        "childcare_rates": ("Cnaf, taux de couverture", "Cnaf, coverage rates"),
        "facilities": ("Insee, Base permanente des équipements", "Insee, Base permanente des équipements"),
        "structures": (
            "Les emplois de l'inclusion, ou data.inclusion",
            "Les emplois de l'inclusion, or data.inclusion",
        ),
        "structures.postes": (
            "un fichier à vous : les listes publiées ne donnent pas les postes conventionnés",
            "a file of your own: the published lists do not give the posts that agreements grant",
        ),
        "hiring": ("France Travail, Besoins en main-d'œuvre", "France Travail, hiring projects (BMO)"),
        "basins": (
            "France Travail, composition communale des bassins d'emploi",
            "France Travail, communes of the employment areas",
        ),
    }
)


def brought_by(variable: str) -> tuple[str, str]:
    """
    Name where a column comes from.

    Parameters
    ----------
    variable
        Table and column, such as "births.naissances".

    Returns
    -------
    brought_by
        In French, then in English; a file of the user's own when nothing published gives it.
    """
    return BROUGHT_BY.get(variable, BROUGHT_BY.get(variable.partition(".")[0], OWN))


def conform(name: str, frame: pd.DataFrame, *, whole: bool = True) -> pd.DataFrame:
    """
    Check a tidy table against its contract and index it by its key.

    Parameters
    ----------
    name
        A field of `Tables`, such as "births".
    frame
        The table; its key is a column or the index, its counts are numbers, unknown is NaN.
    whole
        Whether every column that the contract asks for must be there; not for one file of several that make a table.

    Returns
    -------
    conform
        The same figures, indexed by the key, sorted; text columns are text. Columns that may hold a person's contact
        (e-mail, telephone) are left out, and so is a website that is not http or https. The frame is not changed.

    Raises
    ------
    TableError
        If a column is missing, a code malformed, a key duplicated, a count negative, infinite or not a number, a part
        larger than its whole, or a point without place: the message names table, column and first three rows.
    """
    contract = CONTRACTS[name]
    flat = _flatten(name, frame, contract, whole=whole)
    for code in (CODE_COMMUNE, "code_residence", "code_travail"):
        if code in flat.columns:
            check_codes(pd.Index(flat[code].dropna()), where=f"{name}.{code}")
    _check_siret(name, flat)
    out = flat.set_index(list(contract.key)).sort_index()
    check_unique(out.index, where=f"{name}.{'+'.join(contract.key)}")
    texts = {*contract.texts, *contract.optional_texts, CODE_COMMUNE}
    counts = counted(out, contract)
    for column in out.columns:
        if column in texts:
            out[column] = out[column].astype("str")
        elif column in counts:
            out[column] = _numbers(name, out[column])
    if "website" in texts & set(out.columns):
        out["website"] = out["website"].where(out["website"].str.match(r"(?i)https?://\S+$").eq(True))  # noqa: FBT003 - NaN is no link
    _check_parts(name, out, contract)
    if contract.located:
        _check_place(name, out)
    return out


def counted(frame: pd.DataFrame, contract: Contract) -> list[str]:
    """
    Name the columns of a table that are numbers.

    Parameters
    ----------
    frame
        The table.
    contract
        What it promises; one that promises nothing but its key (`references`) takes any column of counts.

    Returns
    -------
    counted
        Names of columns, in the order of the table; a column of `references` without a single figure is text.
    """
    asked = {*contract.numbers, *contract.optional, *(("lon", "lat") if contract.located else ())}
    if asked or contract.texts:
        return [column for column in frame.columns if column in asked]
    others = [column for column in frame.columns if column not in (*contract.key, *contract.optional_texts)]
    return [column for column in others if _has_figures(frame[column])]


def _has_figures(values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values):
        return True
    said = values.dropna().astype("str").str.strip()
    return bool(said.empty or said.str.match(r"[-+]?\d").any())


def _flatten(name: str, frame: pd.DataFrame, contract: Contract, *, whole: bool) -> pd.DataFrame:
    if not isinstance(frame, pd.DataFrame):
        raise TableError(f"{name}: a {type(frame).__name__} is not a table. Give a pandas DataFrame.")
    keys = [level for level in frame.index.names if level in contract.key]
    flat = frame.drop(columns=keys, errors="ignore").reset_index() if keys else frame.copy()
    if flat.columns.has_duplicates:
        twice = flat.columns[flat.columns.duplicated()]
        raise TableError(f"{name}: column {quote(twice)} stands twice. Keep one.")
    needed = [*contract.key, *((*contract.numbers, *contract.texts) if whole else ())]
    missing = [column for column in needed if column not in flat.columns]
    if missing:
        message = (
            f"{name}: column {quote(missing)} is missing. The table has {quote(flat.columns)}; "
            f"its contract asks for {', '.join(needed)}."
        )
        raise TableError(message)
    for column in contract.key:
        empty = flat[column].isna() | flat[column].eq("")
        if empty.any():
            message = f"{name}.{column}: a key is empty on row {flat.index[empty][0]}. Fill or remove it."
            raise TableError(message)
        flat[column] = flat[column].astype("str")
    return flat.drop(columns=[column for column in flat.columns if CONTACTS.fullmatch(str(column))])


def _check_siret(name: str, flat: pd.DataFrame) -> None:
    if SIRET not in CONTRACTS[name].key:
        return
    # A spreadsheet turns 14 digits into 3.39659E+13 or 33965933600012.0: the number is lost, or will not match.
    wrong = flat.loc[flat[SIRET].str.contains(r"[.,]|[eE]\+"), SIRET]
    if len(wrong):
        message = f"{name}.{SIRET}: {quote(wrong)} was turned into a number. Read the column as text (14 digits)."
        raise TableError(message)


def _numbers(name: str, values: pd.Series) -> pd.Series:
    where = f"{name}.{values.name}"
    try:
        numbers = values.astype("float64")
    except (TypeError, ValueError) as error:
        message = f"{where}: {error}. Counts are numbers; leave an unknown figure empty (NaN)."
        raise TableError(message) from error
    signed = values.name in {"lon", "lat"}
    wrong = numbers[numbers.abs().eq(float("inf")) | (numbers.lt(0) & (not signed))]
    if len(wrong):
        message = (
            f"{where}: {quote(wrong)} (row {quote(wrong.index)}) is not a count. Correct the figure or leave it empty."
        )
        raise TableError(message)
    return numbers


def _check_parts(name: str, table: pd.DataFrame, contract: Contract) -> None:
    slack = 0.01  # published counts are rounded to two decimals
    for part, whole in contract.parts:
        if not {part, whole} <= set(table.columns):
            continue
        wrong = table.index[table[part] > table[whole] + slack]
        if len(wrong):
            message = f"{name}.{part} exceeds {name}.{whole} for {quote(wrong)}. Correct the figures."
            raise TableError(message)
    for share in contract.shares:
        if share in table.columns and (table[share] > 1).any():
            wrong = table.index[table[share] > 1]
            message = f"{name}.{share} is above 1 for {quote(wrong)}. It is a share: divide percentages by 100."
            raise TableError(message)


def _check_place(name: str, table: pd.DataFrame) -> None:
    if {"lon", "lat"} <= set(table.columns):
        wrong = table.index[table["lon"].abs().gt(180) | table["lat"].abs().gt(90)]
        if len(wrong):
            message = (
                f"{name}: {quote(wrong)} has no longitude and latitude in degrees (EPSG:4326). Convert the coordinates."
            )
            raise TableError(message)
        # No French commune lies there: in the mainland's latitudes by longitude, and the reverse.
        swapped = table.index[table["lon"].between(*FRENCH_LAT) & table["lat"].between(*FRENCH_LON)]
        if len(swapped):
            message = f"{name}: lon and lat seem swapped for {quote(swapped)}. Exchange the two columns."
            raise TableError(message)
    elif CODE_COMMUNE not in table.columns:
        message = f"{name}: rows have no place. Give columns lon and lat [degrees], or code_commune."
        raise TableError(message)
