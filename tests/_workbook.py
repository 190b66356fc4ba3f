"""A spreadsheet written by hand, cell by cell, so that tests say what a cell holds: text, number, error."""

import io
import zipfile
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DECLARATION = '<?xml version="1.0"?>'
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def workbook(sheets):
    """Build an .xlsx from {name: rows}; None is no cell, a text that begins with # is an error."""
    links = [(f"r{rank}", f"sheet{rank}.xml", name) for rank, name in enumerate(sheets)]
    listed = "".join(
        f'<sheet name="{escape(name)}" sheetId="{rank}" r:id="{link}"/>'
        for rank, (link, _, name) in enumerate(links, 1)
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": _relations([("r", "officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            [(link, "worksheet", f"worksheets/{file}") for link, file, _ in links]
        ),
    }
    for (_, file, _), rows in zip(links, sheets.values(), strict=True):
        written = "".join(f'<row r="{rank}">{_row(rank, row)}</row>' for rank, row in enumerate(rows, 1))
        parts[f"xl/worksheets/{file}"] = f"<worksheet {MAIN}><sheetData>{written}</sheetData></worksheet>"
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, DECLARATION + content)
    return sink.getvalue()


def _relations(links):
    listed = "".join(
        f'<Relationship Id="{link}" Type="{OFFICE}/{kind}" Target="{target}"/>' for link, kind, target in links
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def _row(rank, cells):
    return "".join(_cell(f"{LETTERS[place]}{rank}", cell) for place, cell in enumerate(cells) if cell is not None)


def _cell(place, cell):
    if not isinstance(cell, str):
        return f'<c r="{place}"><v>{cell!r}</v></c>'
    if cell.startswith("#"):
        return f'<c r="{place}" t="e"><v>{cell}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'


def titled(labels, codes, *rows):
    """Rows as Insee lays them out: four titles, labels on row 5, codes on row 6."""
    return [["Données", None], ["France - Communes"], ["Mise en ligne le 18/03/2022"], ["©Insee"], labels, codes, *rows]
