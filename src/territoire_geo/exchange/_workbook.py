"""A diagnostic as one Excel workbook, made to be read: what it is, a sheet by table, sources and dictionary."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

import pandas as pd
from xlsxwriter import Workbook

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.exchange._csv import FORMULA
from territoire_geo.exchange._entries import MINUTES, PEOPLE, SHARE
from territoire_geo.exchange._frames import TEXT, WHOLE, YES_NO, kind_of

ROWS: Final = 1_048_576 - 2  # what a sheet of Excel holds under the two lines of its header
LONGEST: Final = 32_767  # units of UTF-16 in a cell of Excel
CUT: Final = " […] (texte coupé : entier dans le CSV)"
ILLEGAL: Final = re.compile("[\ud800-\udfff\ufffe\uffff]")  # XML has no form for them; XlsxWriter escapes the others
DANGEROUS: Final = re.compile(FORMULA)
CREATED: Final = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # no date: same diagnostic, same bytes
OPTIONS: Final = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": False,
}
TITLES: Final[Mapping[str, str]] = {
    "synthese": "Synthèse", "couverture": "Couverture", "mesures": "Mesures", "structures": "Structures",
    "portee": "Portée", "inconnus": "Inconnus", "definitions": "Définitions", "priorites": "Priorités",
    "propositions": "Propositions", "comparaison": "Comparaison", "indicateurs": "Indicateurs", "sources": "Sources",
    "dictionnaire": "Dictionnaire",
}  # fmt: skip
TOLD: Final[Mapping[str, str]] = {
    "synthese": "une ligne par besoin : combien de personnes, et ce qui manque",
    "couverture": "une ligne par commune et par besoin",
    "mesures": "une ligne par commune, une colonne par mesure",
    "structures": "les structures, et les besoins auxquels elles répondent",
    "portee": "les structures à portée de chaque commune, par besoin",
    "inconnus": "chaque chiffre qui manque, et pourquoi",
    "definitions": "libellé, unité, formule et sources des mesures ; valeur du territoire et de la référence",
    "priorites": "rang des communes, et jusqu'où il tient",
    "propositions": "ce que les chiffres suggèrent de discuter",
    "comparaison": "le territoire à côté de son EPCI, du département, de la région et de la France",
    "indicateurs": "la liste entière : calculés, ou pourquoi non",
    "sources": "producteur, titre, millésime, licence, page, tables",
    "dictionnaire": "chaque colonne : sens, type, unité, ce que dit une cellule vide",
}
# Our own estimates of people under five, once rounded, are not told to the unit; the figure stays in the cell.
ESTIMATE: Final = '[=0]0;[<5]"<5";#,##0'
BY_UNIT: Final[Mapping[str, str]] = {
    PEOPLE: ESTIMATE, SHARE: "0.0 %", MINUTES: "0", "minutes": "0", "%": "0.0", "degrés (WGS 84)": "0.00000",
    "de 0 à 100": "0.0", "points de score": "0.0", "rang": "0", "de 0 à 1": "0.00", "année": "0", "numéro": "0",
}  # fmt: skip
WIDE: Final = 60


def workbook(diagnostic: Diagnostic, tables: Mapping[str, pd.DataFrame]) -> bytes:
    """
    Write a diagnostic as an Excel workbook.

    Above each table stand two lines that do not scroll: the names of the columns in the other files, small, then their
    French labels, which bear the filters; a table longer than a sheet goes on in the next sheet.

    Parameters
    ----------
    diagnostic
        What `diagnose` returned.
    tables
        From `frames`, and the dictionary.

    Returns
    -------
    workbook
        The file; the same diagnostic gives the same bytes.
    """
    out = BytesIO()
    book = Workbook(out, OPTIONS)
    book.set_properties({"title": f"Diagnostic : {diagnostic.territory.name}"[:255], "created": CREATED})
    styles = _Styles(book)
    front = book.add_worksheet("Lisez-moi")
    cut = 0
    for name, table in tables.items():
        entries = tables["dictionnaire"].query("table == @name").set_index("column")
        for title, part in _sheets(name, table):
            cut += _sheet(book.add_worksheet(title), part, entries, styles)
    _front(front, diagnostic, list(tables), cut, styles)
    book.close()
    return out.getvalue()


class _Styles:
    """The formats of a workbook, made once each."""

    def __init__(self, book: Workbook) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, object], ...], Any] = {}

    def of(self, **options: object) -> Any:  # noqa: ANN401 - XlsxWriter has no types
        key = tuple(sorted(options.items()))
        if key not in self._made:
            base = {"font_name": "Calibri", "font_size": 11, "valign": "top"}
            self._made[key] = self._book.add_format(base | options)
        return self._made[key]


def _sheets(name: str, table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    title = TITLES[name]
    for place, start in enumerate(range(0, max(len(table), 1), ROWS), start=1):
        yield (title if place == 1 else f"{title} ({place})"), table.iloc[start : start + ROWS]


def _sheet(sheet: Any, table: pd.DataFrame, entries: pd.DataFrame, styles: _Styles) -> int:  # noqa: ANN401 - as above
    """Write a table under its two lines of header; give how many texts were cut."""
    machine = styles.of(font_size=8, font_color="#767676")
    head = styles.of(bold=True, font_color="#FFFFFF", bg_color="#24506B", text_wrap=True, valign="vcenter", border=1,
                     border_color="#FFFFFF")  # fmt: skip
    cut = 0
    for place, column in enumerate(table.columns):
        known = entries.loc[column] if column in entries.index else None
        label = column if known is None else str(known["label"])
        unit = "" if known is None or pd.isna(known["unit"]) else str(known["unit"])
        shown = f"{label} ({unit})" if unit and not unit.startswith("voir") else label
        sheet.write_string(0, place, _fit(column)[0], machine)
        sheet.write_string(1, place, _fit(shown[:1].upper() + shown[1:])[0], head)
        cut += _column(sheet, place, table[column], unit, styles)
    sheet.set_row(1, 62)
    sheet.freeze_panes(2, _held(table))
    if len(table.columns):
        sheet.autofilter(1, 0, max(len(table) + 1, 2), len(table.columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(1)
    sheet.set_footer("&L&A&R&P / &N")
    return cut


def _held(table: pd.DataFrame) -> int:
    """Columns that stay in sight: the commune."""
    return 2 if list(table.columns[:2]) == ["code_commune", "nom_commune"] else 1


def _column(sheet: Any, place: int, values: pd.Series, unit: str, styles: _Styles) -> int:  # noqa: ANN401 - as above
    kind, cut = kind_of(values), 0
    known = [(row, value) for row, value in enumerate(values.tolist(), start=2) if not pd.isna(value)]
    if kind == TEXT:
        longest = values.str.len().quantile(0.9) if known else 0
        width = min(max(12.0, 1.1 * float(longest)), WIDE)
        plain = styles.of(text_wrap=longest > WIDE, num_format="@")
        quoted = styles.of(text_wrap=longest > WIDE, num_format="@", quote_prefix=True)
        for row, value in known:
            text, short = _fit(value)
            cut += short
            # Excel keeps such a text a text even when someone edits the cell.
            sheet.write_string(row, place, text, quoted if text and DANGEROUS.fullmatch(text) else plain)
    elif kind == YES_NO:
        width = 12.0
        for row, value in known:
            sheet.write_string(row, place, "oui" if value else "non", styles.of())
    else:
        width = 13.0
        number = styles.of(num_format=_format(kind, unit, values))
        for row, value in known:
            if abs(value) == float("inf"):
                sheet.write_string(row, place, "infini" if value > 0 else "-infini", styles.of())
            else:
                sheet.write_number(row, place, value, number)
    sheet.set_column(place, place, width)
    return cut


def _format(kind: str, unit: str, values: pd.Series) -> str:
    if unit in BY_UNIT and not (unit == PEOPLE and values.name not in ESTIMATED and "people" not in str(values.name)):
        return BY_UNIT[unit]
    if kind == WHOLE:
        return "#,##0"
    largest = values.abs().max()
    if pd.isna(largest) or largest >= 100:  # noqa: PLR2004 - no decimal where it says nothing
        return "#,##0"
    return "0.00" if largest >= 1 else "General"


ESTIMATED: Final = frozenset({"demand", "low", "high", "served", "saturated", "out_of_reach"})


def _fit(text: str) -> tuple[str, bool]:
    """Give a text that a cell can hold, and whether it was cut."""
    legal = ILLEGAL.sub("\ufffd", text)
    if 2 * len(legal) <= LONGEST or len(legal.encode("utf-16-le")) <= 2 * LONGEST:
        return legal, False
    room = 2 * (LONGEST - len(CUT))
    return legal.encode("utf-16-le")[:room].decode("utf-16-le", errors="ignore") + CUT, True


def _front(sheet: Any, diagnostic: Diagnostic, names: list[str], cut: int, styles: _Styles) -> None:  # noqa: ANN401 - as above
    territory = diagnostic.territory
    body, strong = styles.of(text_wrap=True), styles.of(bold=True, text_wrap=True)
    head = styles.of(bold=True, font_size=14, font_color="#24506B", bottom=1, bottom_color="#24506B")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 100)
    sheet.set_row(0, 32)
    sheet.write_string(0, 0, _fit(territory.name)[0], styles.of(bold=True, font_size=20, font_color="#24506B"))
    row = 1
    for title, lines in _told(diagnostic, names, cut):
        row += 1
        sheet.set_row(row, 24)
        sheet.write_string(row, 0, title, head)
        sheet.write_blank(row, 1, None, head)
        for term, text in lines:
            row += 1
            shown = _fit(text)[0]
            if term in names:
                sheet.write_url(row, 0, f"internal:'{TITLES[term]}'!A1", strong, TITLES[term])
            else:
                sheet.write_string(row, 0, term, strong)
            sheet.write_string(row, 1, shown, body)
            sheet.set_row(row, 15 * max(1, -(-len(shown) // 105)))
        row += 1
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _told(diagnostic: Diagnostic, names: list[str], cut: int) -> list[tuple[str, list[tuple[str, str]]]]:
    territory = diagnostic.territory
    what = [
        (
            "Ce que c'est",
            "Un pré-diagnostic : des chiffres publics pour préparer la discussion, à confirmer sur le terrain.",
        ),
        ("Territoire", f"{territory.name}, {len(territory.core)} communes (codes de {territory.cog_year})."),
        ("Méthode", "Besoins non couverts, commune par commune, face aux structures à portée."),
    ]
    read = [
        (
            "Cellule vide",
            "Le chiffre est inconnu : ce n'est pas zéro. « État » et la feuille « Inconnus » disent pourquoi.",
        ),
        ("<5", "Une de nos estimations, sous cinq personnes : la cellule garde la valeur, à ne pas citer à l'unité."),
        ("Estimations", "Les personnes sont des ordres de grandeur, à citer avec leurs valeurs basse et haute."),
        (
            "En-têtes",
            "La première ligne, en petit, est le nom de la colonne dans les autres fichiers ; la seconde, son libellé.",
        ),
    ]
    if cut:
        read.append(("Textes coupés", f"{cut} : trop longs pour une cellule d'Excel, entiers dans les fichiers CSV."))
    approximations = [("•", note.fr) for note in diagnostic.warnings] or [("•", "Aucune n'a été signalée.")]
    return [
        ("Présentation", what),
        ("Feuilles", [(name, TOLD[name]) for name in names]),
        ("Lecture", read),
        ("Approximations et limites", approximations),
    ]
