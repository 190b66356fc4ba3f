"""The styles with which QGIS opens the layers: the classes and colours of the map, a shape by kind of structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.etree.ElementTree import Element, SubElement, tostring

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from territoire_geo.diagnostic import Diagnostic

# The map's own, which lives in a layer that this one may not import: a test holds them equal.
BREAKS: Final = (10.0, 25.0, 50.0, 75.0)
COLOURS: Final = ("#ffffcc", "#a1dab4", "#41b6c4", "#2c7fb8", "#253494")
AROUND, EDGE, HATCH, INK = "#eceae4", "#b4b9c2", "#7b8494", "#1a202c"
NOBODY: Final = "aucune personne concernée"
KINDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "ACI": ("Atelier ou chantier d’insertion", "square", "#ee6677"),
    "AI": ("Association intermédiaire", "circle", "#4477aa"),
    "EI": ("Entreprise d’insertion", "diamond", "#228833"),
    "EITI": ("Entreprise d’insertion par le travail indépendant", "pentagon", "#ccbb44"),
    "ETTI": ("Entreprise de travail temporaire d’insertion", "triangle", "#66ccee"),
    "GEIQ": ("Groupement d’employeurs (GEIQ)", "hexagon", "#aa3377"),
    "EA": ("Entreprise adaptée", "octagon", "#777777"),
}
STATUSES: Final[Mapping[str, tuple[str, str, str]]] = {
    "a_verifier": ("À vérifier", "circle", "#eebb33"),
    "accord": ("Accord", "circle", "#228833"),
    "conteste": ("Contesté", "circle", "#cc3311"),
}
ALIASES: Final[Mapping[str, str]] = {
    "code_commune": "Code de la commune", "nom_commune": "Commune", "code_epci": "EPCI",
    "code_departement": "Département", "code_region": "Région", "population": "Population",
    "in_core": "Dans le territoire", "area_km2": "Superficie (km²)", "name": "Nom", "kind": "Type", "naf": "Activité",
    "is_siae": "SIAE", "address": "Adresse", "post_code": "Code postal", "city": "Ville", "website": "Site",
    "item": "Chiffre", "value": "Valeur", "unit": "Unité", "state": "État", "label": "Libellé",
    "college": "Collège", "need": "Besoin", "weight": "Poids", "conflit": "En conflit", "fichiers": "Fichiers",
    "statut": "Statut", "texte": "Note", "theme": "Thème", "cree": "Créée le", "modifie": "Modifiée le",
    "key": "Clé", "value_json": "Valeur",
}  # fmt: skip
FIXED_DATE: Final = "1970-01-01T00:00:00.000Z"  # the date of writing would change the bytes
_TOP: Final = 100.0
_JUST_UNDER: Final = 0.01  # shares are rounded to 0.1 %, and a class does not hold its upper bound


def styles(diagnostic: Diagnostic, columns: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """
    Style the layers, in the table that QGIS reads.

    Parameters
    ----------
    diagnostic
        Gives the needs.
    columns
        Layer -> its columns.

    Returns
    -------
    styles
        A row by style: the communes have one by need, the first of which is opened.
    """
    # A need and a measure may bear the same words: they come after, each in its own column.
    words = {one.id: one.label for one in diagnostic.definitions.values()}
    for need in diagnostic.needs:
        words |= {
            f"{need.id}_unmet_people": f"{need.label} : besoin non couvert (personnes)",
            f"{need.id}_unmet_share": f"{need.label} : part non couverte (0 à 1)",
            f"people_{need.id}": f"{need.label} : personnes à portée",
        }
    structures_words = {need.id: need.label for need in diagnostic.needs} | words
    rows = []
    for rank, need in enumerate(diagnostic.needs):
        document = _document(_shares(need.id), columns["communes"], words)
        rows.append(("communes", f"{need.label} : part non couverte", document, rank == 0, need.unmet))
    signs = {
        "structures": ("Structures par type", "kind", KINDS, structures_words),
        "notes": ("Notes par statut", "statut", STATUSES, {}),
    }
    for layer, (name, column, kinds, said) in signs.items():
        document = _document(_categories(column, kinds), columns[layer], said)
        rows.append((layer, name, document, True, ""))
    rows += [
        (layer, "Libellés", _document(None, columns[layer], {}), True, "")
        for layer in ("indicateurs_long", "seance", "meta")
    ]
    frame = pd.DataFrame(rows, columns=["f_table_name", "styleName", "styleQML", "useAsDefault", "description"])
    shaped = frame["f_table_name"].isin(["communes", "structures", "notes"])
    return frame.assign(f_geometry_column=shaped.map({True: "geom", False: ""}))


def _document(renderer: Element | None, columns: Sequence[str], words: Mapping[str, str]) -> str:
    root = Element("qgis", version="3.22.0", styleCategories="Symbology|Fields|Rendering")
    if renderer is not None:
        root.append(renderer)
        SubElement(root, "layerGeometryType").text = "2" if renderer.get("type") == "graduatedSymbol" else "0"
    aliases = SubElement(root, "aliases")
    for rank, column in enumerate(columns):
        name = words.get(column, ALIASES.get(column, ""))
        if name:
            SubElement(aliases, "alias", index=str(rank + 1), field=column, name=_drawable(name))
    body = tostring(root, encoding="unicode")
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{body}"


def _shares(need: str) -> Element:
    """Grade the unmet share; what is no share stands below zero: nobody, unknown, the buffer."""
    share, people = _quoted(f"{need}_unmet_share"), _quoted(f"{need}_unmet_people")
    expression = (
        f'CASE WHEN NOT "in_core" THEN -1 WHEN {share} IS NOT NULL THEN round(100 * {share}, 1) '
        f"WHEN {people} = 0 THEN -3 ELSE -2 END"
    )
    root = Element(
        "renderer-v2",
        {"type": "graduatedSymbol", "attr": expression, "graduatedMethod": "GraduatedColor", "symbollevels": "0",
         "enableorderby": "0", "forceraster": "0"},
    )  # fmt: skip
    bounds = [0.0, *BREAKS, _TOP]
    classes: list[tuple[float, float, str, list[dict[str, str]]]] = []
    for rank, colour in enumerate(COLOURS):
        last = rank == len(COLOURS) - 1
        upper = bounds[rank + 1] if last else bounds[rank + 1] - _JUST_UNDER
        label = f"{bounds[rank]:.0f} à {bounds[rank + 1]:.0f}\N{NO-BREAK SPACE}%"
        classes.append((bounds[rank], upper, label, [_fill(colour)]))
    classes.append((-3.5, -2.5, NOBODY, [_fill("#ffffff")]))
    classes.append((-2.5, -1.5, "inconnu", [_fill("#ffffff"), _fill(HATCH, style="b_diagonal")]))
    classes.append((-1.5, -0.5, "voisinage", [_fill(AROUND)]))
    ranges, symbols = SubElement(root, "ranges"), SubElement(root, "symbols")
    for rank, (lower, upper, label, layers) in enumerate(classes):
        SubElement(
            ranges, "range", lower=f"{lower:.6f}", upper=f"{upper:.6f}", label=label, symbol=str(rank), render="true"
        )
        symbols.append(_symbol("fill", str(rank), [("SimpleFill", layer) for layer in layers]))
    source = SubElement(root, "source-symbol")
    source.append(_symbol("fill", "0", [("SimpleFill", _fill(AROUND))]))
    return root


def _categories(column: str, kinds: Mapping[str, tuple[str, str, str]]) -> Element:
    root = Element(
        "renderer-v2",
        {"type": "categorizedSymbol", "attr": column, "symbollevels": "0", "enableorderby": "0", "forceraster": "0"},
    )
    categories, symbols = SubElement(root, "categories"), SubElement(root, "symbols")
    others = {"": ("autre", "star", "#bbbbbb")}
    for rank, (value, (label, shape, colour)) in enumerate({**kinds, **others}.items()):
        SubElement(categories, "category", value=value, label=label, symbol=str(rank), render="true", type="string")
        marker = {
            "name": shape, "color": _rgb(colour), "outline_color": _rgb(INK), "outline_style": "solid",
            "outline_width": "0.3", "outline_width_unit": "MM", "size": "3.4", "size_unit": "MM",
        }  # fmt: skip
        symbols.append(_symbol("marker", str(rank), [("SimpleMarker", marker)]))
    return root


def _symbol(kind: str, name: str, layers: Sequence[tuple[str, Mapping[str, str]]]) -> Element:
    root = Element("symbol", {"type": kind, "name": name, "alpha": "1", "clip_to_extent": "1", "force_rhr": "0"})
    for class_, given in layers:
        layer = SubElement(root, "layer", {"class": class_, "enabled": "1", "locked": "0", "pass": "0"})
        options = SubElement(layer, "Option", type="Map")
        for key, value in given.items():
            SubElement(options, "Option", type="QString", name=key, value=value)
    return root


def _fill(colour: str, *, style: str = "solid") -> dict[str, str]:
    return {
        "color": _rgb(colour), "style": style, "outline_color": _rgb(EDGE), "outline_style": "solid",
        "outline_width": "0.1", "outline_width_unit": "MM", "joinstyle": "bevel",
    }  # fmt: skip


def _rgb(colour: str) -> str:
    return ",".join(str(part) for part in (*bytes.fromhex(colour[1:]), 255))


def _quoted(column: str) -> str:
    """Write a column in an expression of QGIS."""
    return '"{}"'.format(column.replace('"', '""'))


def _drawable(text: str) -> str:
    """Leave out what XML cannot hold: a label comes from a file."""
    return "".join(one for one in text if one.isprintable())
