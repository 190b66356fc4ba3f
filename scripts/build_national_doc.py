"""
Write docs/national.md: three analyses of mainland France, from files as their producers publish them.

Usage: python scripts/build_national_doc.py [FOLDER]; FOLDER holds the published files, beside the
repository by default. A test computes the figures again and holds the page against them.
"""

import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

import territoire_geo as tg
from territoire_geo import access
from territoire_geo.columns import SIAE_KINDS
from territoire_geo.loaders import _cut, _folder, _tables
from territoire_geo.loaders._pile import Pile, Whole
from territoire_geo.measures import CAR_KMH, DETOUR
from territoire_geo.travel import communes_of

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "national.md"
PUBLISHED: Final = ROOT.parent / "shared" / "data"
FILES: Final = (
    "insee/base_cc_comparateur_csv.zip",
    "insee/bpe_ens_2019.parquet",
    "siae/siae_itou_2020-12.csv",
)
CARS: Final = "insee/rp2022_motorisation_commune.csv"  # cleaned by a third party: its columns are renamed here

# EPCI (COG 2026) -> its main commune.
SEVEN: Final = {
    "200010650": "39198",
    "247900798": "79329",
    "243500741": "35236",
    "200040715": "38185",
    "200089456": "27375",
    "200017846": "91223",
    "200068500": "59122",
}
# Three more on borders, one in Corsica.
OTHERS: Final = ("200040277", "200068765", "200069425", "242000354")
CRECHE: Final = "D502"
YEARS: Final = 3  # children under three: three average years of births
REACH: Final = 15.0
STEPS: Final = access.steps({5: 1, 10: 0.68, 15: 0.22})
BOUNDS: Final = ["low", "high"]  # they depend on other laws of travel
KNOWN: Final = 0.999  # below it a catchment is said to be partly unknown


# ---- figures -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published:
    """The published files, read once: `wholes` has every table of all of France, `pile` what is told of them."""

    pile: Pile
    wholes: Mapping[str, Whole]


@dataclass(frozen=True)
class Part:
    """A territory alone: its tables, its diagnostic for two needs, and its crèches shared among its children."""

    territory: tg.Territory
    tables: tg.Tables
    diagnostic: tg.Diagnostic
    creches: access.Catchments


def read(published: Path) -> Published:
    """Read the published files, through a folder of links to them."""
    pile = Pile()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in FILES:
            (folder / Path(file).name).symlink_to((published / file).resolve())
        cars = pd.read_csv(published / CARS, dtype={"code_commune": str})
        names = {"menages_total": "menages", "menages_motorises": "menages_voiture"}
        cars.rename(columns=names)[["code_commune", *names.values()]].to_csv(
            folder / "rp2022_motorisation.csv", index=False
        )
        _folder.read_folder(pile, folder)
    wholes = _tables.assembled(pile)
    facilities = wholes["facilities"].frame
    creches = replace(wholes["facilities"], frame=facilities[facilities["code_equipement"] == CRECHE])
    return Published(pile, wholes | {"facilities": creches})


def cut(published: Published, territory: tg.Territory) -> tg.Tables:
    """Cut the tables to a territory, as `load_tables` does."""
    pile = replace(published.pile, notes=list(published.pile.notes))
    return _cut.cut(published.wholes, territory, pile, "published")


def part(published: Published, code: str) -> Part:
    """Diagnose a territory alone, with its automatic buffer, against the norms of France."""
    needs = [need for need in tg.NEEDS if need.id in {"insertion", "mobility"}]
    territory = tg.load_territory(code, needs=needs)
    tables = cut(published, territory)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tg.TerritoireGeoWarning)  # conventions are told in the page
        diagnostic = tg.diagnose(territory, tables, needs=needs, reference="france")
    return Part(territory, tables, diagnostic, creches(territory, tables))


def _table_of(tables: tg.Tables, name: str) -> pd.DataFrame:
    frame: pd.DataFrame | None = getattr(tables, name)
    if frame is None:
        raise tg.TableError(f"{name}: the published files do not give this table. Check {', '.join((*FILES, CARS))}.")
    return frame


def children(tables: tg.Tables) -> "pd.Series[float]":
    """Estimate the children under three: three years of the births from one census to the next [people]."""
    births = _table_of(tables, "births").astype("float64")
    return (births["naissances"] * YEARS / births["annees"]).rename("children")


def creches(territory: tg.Territory, tables: tg.Tables) -> access.Catchments:
    """Share the crèches among the children who reach them (E2SFCA 5/10/15 minutes) [establishments per child]."""
    here = territory.communes.index
    demand = children(tables).reindex(here).dropna()
    facilities = _table_of(tables, "facilities")
    supply = facilities[facilities["code_equipement"] == CRECHE].groupby("code_commune")["nombre"].sum()
    minutes = access.travel_minutes(
        territory.points,
        gpd.GeoSeries(territory.points.loc[supply.index]),
        speed_kmh=CAR_KMH,
        detour=DETOUR,
        max_minutes=REACH,
        area_km2=territory.communes["area_km2"],
    )
    return access.catchments(demand, supply, access.between(minutes, origins=demand.index), STEPS)


def figures(one: Part) -> dict[str, float]:
    """Sum up a territory, by id of column (`GROUPS`): sums, and ratios of sums, over the communes that are known."""
    core = one.territory.core
    places, points = (side.loc[side.index.isin(core)] for side in (one.creches.places, one.creches.points))
    listed = _table_of(one.tables, "structures")
    siae = communes_of(listed[listed.index.get_level_values("kind").isin(SIAE_KINDS)], one.territory)
    insertion = _need(one, "insertion")
    found = {
        "communes": float(len(core)),
        "population": _sum(one, "population", "population"),
        "actifs": _sum(one, "activity", "actifs_15_64"),
        "chomeurs": _sum(one, "activity", "chomeurs_15_64"),
        "menages": _sum(one, "cars", "menages"),
        "siae": float(siae.isin(core).sum()),
        "siae_1000": 1000 * _per_person(insertion),
        "naissances": _sum(one, "births", "naissances"),
        "enfants": float(places["demand"].sum()),
        "creches": float(points["supply"].sum()),
        "creches_100": 100 * _per_person(places),
        "enfants_hors": float(places.loc[~places["reachable"], "demand"].sum()),
    }
    found["taux"] = 100 * found["chomeurs"] / found["actifs"]
    found["sans_voiture"] = found["menages"] - _sum(one, "cars", "menages_voiture")
    found["part_sans_voiture"] = 100 * found["sans_voiture"] / found["menages"]
    for need, row in one.diagnostic.summary().iterrows():
        found |= {f"{need}_{name}": float(row[name]) for name in ("demand", "unmet_people", *BOUNDS, "unmet_units")}
        found[f"{need}_share"] = 100 * float(row["share"])
    return found


def _need(one: Part, need: str) -> pd.DataFrame:
    """Give the figures of a need by commune."""
    coverage = one.diagnostic.coverage
    return coverage[coverage.index.get_level_values("need") == need].droplevel("need")


def _sum(one: Part, table: str, column: str) -> float:
    """Sum a column over the core, NaN when nothing is known."""
    return float(_table_of(one.tables, table)[column].reindex(one.territory.core).sum(min_count=1))


def _per_person(frame: pd.DataFrame) -> float:
    """Average the access over the people: ΣPA/ΣP, where both are known."""
    known = frame.loc[frame["access"].notna() & frame["demand"].notna(), ["demand", "access"]]
    return float(known.prod(axis=1).sum() / known["demand"].sum())


def differing(alone: pd.DataFrame, whole: pd.DataFrame) -> "pd.Series[int]":
    """Count the values of a territory alone that are not those of the whole, to the last bit."""
    there = whole.reindex(alone.index)
    return (alone.ne(there) & ~(alone.isna() & there.isna())).sum()


@dataclass(frozen=True)
class Analysis:
    """What the page tells: France, the territories alone, and what the files count."""

    published: Published
    france: Part
    parts: Mapping[str, Part]


def analyse(published: Path) -> Analysis:
    """Analyse mainland France, then each territory alone."""
    files = read(published)
    return Analysis(files, part(files, "FR"), {code: part(files, code) for code in (*SEVEN, *OTHERS)})


# ---- page ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of the page: its figure, its label in French, how it is written, its formula and its source."""

    id: str
    label: str
    form: str
    formula: str
    source: str


RP18, RP21, RP22 = "Insee, RP 2018", "Insee, RP 2021", "Insee, RP 2022"
LIST, BIRTHS, BPE = "Les emplois de l'inclusion, December 2020", "Insee, état civil 2013-2018", "Insee, BPE 2019"
CARLESS, IAE, CRECHES = f"{RP18}; {RP22}", f"{LIST}; {RP18}", f"{BPE}; {BIRTHS}"
COUNT, TENTH, UNIT, RANGE = "{:,.0f}", "{:,.1f} %", "{:.2f}", "low – high"
SPREAD: Final = "smallest and largest totals of the settings"
CUT_OFF: Final = "Σ P·max(0, 1 − A/T): A jobs within 5 km, T half of the jobs within 20 min by car"
SHORT_OF: Final = "Σ P·max(0, 1 − A/T): T the SIAE per chômeur of France, overseas included"
GROUPS: Final = {
    "People and work": (
        Column("communes", "communes", COUNT, "communes of the EPCI", "Insee, COG 2026"),
        Column("population", "population", COUNT, "sum", RP21),
        Column("actifs", "actifs 15-64", COUNT, "sum of `P18_ACT1564`", RP18),
        Column("chomeurs", "chômeurs 15-64", COUNT, "sum of `P18_CHOM1564`", RP18),
        Column("taux", "taux de chômage (recensement)", TENTH, "Σ chômeurs ÷ Σ actifs", RP18),
    ),
    "Mobilité": (
        Column("menages", "ménages", COUNT, "sum", RP22),
        Column("sans_voiture", "sans voiture", COUNT, "Σ ménages − Σ ménages with a car", RP22),
        Column("part_sans_voiture", "part des ménages", TENTH, "sans voiture ÷ ménages", RP22),
        Column("mobility_demand", "actifs sans voiture (estimation)", COUNT, "Σ actifs × part des ménages", CARLESS),
        Column("mobility_unmet_people", "coupés de l'emploi", COUNT, CUT_OFF, CARLESS),
        Column("mobility_low", "bas – haut", RANGE, SPREAD, CARLESS),
        Column("mobility_share", "part des actifs", TENTH, "coupés de l'emploi ÷ actifs sans voiture", CARLESS),
    ),
    "Insertion": (
        Column("siae", "SIAE situées", COUNT, "ACI, AI, EI and ETTI located in the EPCI", LIST),
        Column("siae_1000", "SIAE à portée pour 1 000 chômeurs", UNIT, "1000 · ΣPA/ΣP: P chômeurs, A by E2SFCA", IAE),
        Column("insertion_unmet_people", "chômeurs non couverts", COUNT, SHORT_OF, IAE),
        Column("insertion_low", "bas – haut", RANGE, SPREAD, IAE),
        Column("insertion_share", "part des chômeurs", TENTH, "chômeurs non couverts ÷ chômeurs", IAE),
        Column("insertion_unmet_units", "SIAE manquantes", UNIT, "Σ P·max(0, T − A)", IAE),
    ),
    "Petite enfance": (
        Column("naissances", "naissances 2013-2018", COUNT, "sum of `NAIS1318`, five years", BIRTHS),
        Column("enfants", "enfants de moins de 3 ans (estimation)", COUNT, "3/5 of these births", BIRTHS),
        Column("creches", "crèches situées", COUNT, "establishments D502 in the EPCI", BPE),
        Column(
            "creches_100", "crèches à portée pour 100 enfants", UNIT, "100 · ΣPA/ΣP: P children, A by E2SFCA", CRECHES
        ),
        Column("enfants_hors", "enfants sans crèche à portée", COUNT, "Σ P where no crèche is within 15 min", CRECHES),
    ),
}
HEAD: Final = """# Mainland France in three analyses

This page is written by `python scripts/build_national_doc.py`, from files as their producers publish them, which the
repository does not carry; a test computes every figure again when they are beside it. It answers three questions for
the {communes} communes of mainland France (Corsica included) at once, then for seven territories:

- **insertion**: the unemployed of the census of 2018 against the SIAE of the list of *Les emplois de l'inclusion* of
  December 2020, {listed} rows;
- **mobility**: the active residents (census of 2018) whose household has no car (census of 2022) against the jobs of
  2018;
- **childcare**: the births of 2013-2018, hence the children under three, against the crèches (D502) of the *Base
  permanente des équipements* of 2019. These files count **establishments, not places**: a crèche of 10 places and one
  of 60 weigh the same, and childminders are not there. It is no coverage rate.

Travel times are conventions: straight line × {detour} at {speed} km/h by car, wrong by some 7 minutes. A structure
counts as one, since the list does not tell its posts. It is a *pré-diagnostic*: figures to open a conversation with.
"""


def page(analysis: Analysis) -> str:
    """Write the page."""
    france = analysis.france
    head = HEAD.format(
        communes=f"{len(france.territory.core):,}",
        listed=f"{len(analysis.published.wholes['structures'].frame):,}",
        detour=f"{DETOUR:g}",
        speed=f"{CAR_KMH:g}",
    )
    parts = (head, _conserved(analysis), _territories(analysis), _checked(analysis), _unknown(france), _alone(analysis))
    return "\n".join(parts)


def _table(header: list[str], rows: list[list[str]]) -> str:
    """Write a table whose first column is text."""
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (header, rule, *rows))


def _conserved(analysis: Analysis) -> str:
    """Tell what was shared out, of the two analyses that share something."""
    france = analysis.france
    reports = {
        "insertion (SIAE; unemployed)": france.diagnostic.conservation.loc["insertion"].to_dict(),
        "childcare (crèches; children)": france.creches.report().to_dict(),
    }
    forms = dict.fromkeys(("supply", "reached", "unreached", "delivered"), "{:,.2f}")
    forms |= dict.fromkeys(("demand", "out_of_reach"), "{:,.0f}")
    rows = [[label, *(form.format(one[name]) for name, form in forms.items())] for label, one in reports.items()]
    structures = analysis.published.wholes["structures"].frame
    here = _table_of(france.tables, "structures")
    siae = here.index.get_level_values("kind").isin(SIAE_KINDS)
    mobility = _need(france, "mobility")
    sums = mobility.loc[mobility["served"].notna(), ["demand", "served", "saturated", "out_of_reach"]].sum()
    header = ["analysis", "supply", "reached", "unreached", "delivered ΣPA", "people", "out of reach"]
    return f"""## What is shared out is conserved

What people get adds up to the supply that somebody reaches, ΣPA = Σ reached S, but for rounding (a relative 1e-9 at
most): nothing is lost, nothing is counted twice.

{_table(header, rows)}
Of the {len(structures):,} rows of the list, {len(structures) - len(here):,} are overseas and {(~siae).sum():,} are GEIQ
or EA, which are not SIAE by law: {siae.sum():,} SIAE remain. The {here["lon"].isna().sum():,} rows of mainland France
without coordinates are placed by their post code and city.

Mobility shares nothing out: a job within reach of two people is within reach of both. Of {sums["demand"]:,.0f} active
residents without a car, {sums["served"]:,.0f} are served, {sums["saturated"]:,.0f} have jobs within reach but too few,
{sums["out_of_reach"]:,.0f} have none.
"""


def _territories(analysis: Analysis) -> str:
    """Tell the seven territories and France, group by group, with formulas and sources."""
    seven = {_name(analysis.parts[code]): figures(analysis.parts[code]) for code in SEVEN}
    told = seven | {"**France métropolitaine**": figures(analysis.france)}
    norm = 1000 * analysis.france.diagnostic.targets["value"].to_dict()["insertion"]
    parts = [
        f"""## Seven territories

EPCI where the organisations work that this library was first written for, or that their territory is named after: the
*Sud Essonne* is taken as the CA Étampois Sud Essonne, the Eure as the CA Seine-Eure, the *Cambrésis* as the CA de
Cambrai (the *pays* of that name has two more EPCI: the CA du Caudrésis et du Catésis and the CC du Pays Solesmois).
Each is diagnosed alone, with the buffer that `load_territory` gives it, against the norm of France:
{norm:.3f} SIAE per 1,000 unemployed. E2SFCA weighs 1, 0.68 and 0.22 up to 10, 20 and 30 minutes for SIAE, up
to 5, 10 and 15 minutes for crèches. Low and high are the smallest and the largest totals under the other laws of travel
and the other weights of the sensitivity. The last row sums the communes whose figures are known.
"""
    ]
    for title, columns in GROUPS.items():
        rows = [[name, *(_cell(column, found) for column in columns)] for name, found in told.items()]
        parts.append(f"### {title}\n\n{_table(['', *(column.label for column in columns)], rows)}")
        parts.append(_formulas(columns))
    return "\n".join(parts)


def _name(one: Part) -> str:
    return f"{one.territory.name} ({one.territory.code})"


def _cell(column: Column, found: Mapping[str, float]) -> str:
    if column.form == RANGE:
        return f"{found[column.id]:,.0f} – {found[column.id.replace('_low', '_high')]:,.0f}"
    return column.form.format(found[column.id])


def _formulas(columns: tuple[Column, ...]) -> str:
    lines = ["| column | formula | source |\n|---|---|---|\n"]
    lines += [f"| {column.label} | {column.formula} | {column.source} |\n" for column in columns]
    return "".join(lines)


def _checked(analysis: Analysis) -> str:
    """Give the published figures of the main communes, to be checked on Insee's site."""
    names = analysis.france.territory.communes["nom_commune"]
    joined = pd.concat(
        [_table_of(analysis.france.tables, name) for name in ("population", "activity", "cars", "income")], axis=1
    )
    main = joined.loc[list(SEVEN.values())].astype("float64")
    told = {
        "population": "{:,.0f}",
        "actifs_15_64": "{:,.0f}",
        "chomeurs_15_64": "{:,.0f}",
        "taux": "{:.2%}",
        "menages": "{:,.0f}",
        "equipes": "{:.2%}",
        "niveau_vie_median": "{:,.0f} €",
        "taux_pauvrete": "{:.0%}",
    }
    main["taux"] = main["chomeurs_15_64"] / main["actifs_15_64"]
    main["equipes"] = main["menages_voiture"] / main["menages"]
    rows = [
        [f"{names[str(code)]} ({code})", *(form.format(row[name]).replace("%", " %") for name, form in told.items())]
        for code, row in main.iterrows()
    ]
    header = ["", "population 2021", "actifs 2018", "chômeurs 2018", "taux", "ménages 2022", "équipés d'une voiture"]
    return f"""## To check on Insee's site

The perimeter of a commune seldom changes, that of an EPCI does: these are figures of the main communes, to compare with
Insee's pages of each (*comparateur de territoires*, *dossier complet*) of the same vintage. Households with a car were
read in a file that a third party cleaned.

{_table([*header, "niveau de vie médian 2019", "taux de pauvreté 2019"], rows)}"""


def _unknown(france: Part) -> str:
    """Tell what is unknown."""
    insertion, mobility = (_need(france, need) for need in ("insertion", "mobility"))
    lost = insertion.index[insertion["unmet_people"].isna()]
    alone = mobility.index[mobility["unmet_people"].isna()].difference(lost)
    births = france.territory.core.difference(france.creches.places.index)
    share = insertion["known_share"].drop(lost)
    partly = share[share < KNOWN]
    names = france.territory.communes["nom_commune"]
    return f"""## What is unknown

Unknown is never zero. In mainland France nothing is told of the insertion and the mobility of {len(lost)} communes:

{_names(names, lost)}
They were re-established after the census that was read, which counts them in the commune that had absorbed them. Births
are unknown in {"the same" if births.equals(lost) else "other"} communes. Mobility is unknown too in:

{_names(names, alone)}
There, jobs are known for less than three quarters of the people around. Around all of them {len(partly):,} communes
have a catchment of insertion that is known in part (`known_share`), for {100 * partly.min():.1f} % of its people at the
least. The files have no figure for the 17 communes of Mayotte: no need is told there.
"""


def _names(names: "pd.Series[str]", codes: pd.Index) -> str:
    return "".join(f"- {names[code]} ({code})\n" for code in codes)


def _alone(analysis: Analysis) -> str:
    """Hold the territories alone against France."""
    france, rows = analysis.france, []
    for one in analysis.parts.values():
        core = one.territory.core
        crossed = one.creches.places[one.creches.places.index.isin(core)]
        counts = [len(core), len(one.territory.communes), differing(crossed, france.creches.places).sum()]
        for need in ("insertion", "mobility"):
            found = differing(_need(one, need), _need(france, need))
            counts += [found.drop(BOUNDS).sum(), found[BOUNDS].sum()]
        rows.append([_name(one), *(f"{count:,}" for count in counts)])
    header = ["", "communes", "with the buffer", "crèches", "insertion", "its low, high", "mobilité", "its low, high"]
    return f"""## A territory alone is France

Each territory is loaded and diagnosed alone, then its values are compared with those of France, to the last bit: the
crèches within reach; then demand, access, target, unmet, served, saturated, out of reach and known share of both needs.
Counted here are the values that differ. The four last territories lie on borders of régions, and in Corsica; a
test holds the same of the CINOR within La Réunion. The buffer follows the default speed: the fast law of the
sensitivity partly leaves it, and misses rivals who live beyond. This changes some low and high values of insertion.

{_table(header, rows)}"""


def main() -> int:
    """Write the page, unless the published files are not there."""
    published = Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED
    if not published.is_dir():
        print(f"{published}: the published files are not here, nothing is written.")
        return 1
    PAGE.write_text(page(analyse(published)), encoding="utf-8")
    print(PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
