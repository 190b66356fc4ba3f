"""Rows and cells that people, spreadsheets and bad luck change: added, lost, repeated, marked, cut."""

import csv
import re
from dataclasses import replace

from _mutations import Law, Mutant, Style, edited, every, figures, mutation, text, written
from territoire_geo.cog import ARRONDISSEMENTS

# ------------------------------------------------------------ rows


@mutation
def shuffle_rows(sample, rng):
    return written(replace(sample, rows=tuple(rng.sample(sample.rows, len(sample.rows)))), Law.SAME)


@mutation
def repeat_rows(sample, rng):
    again = rng.sample(sample.rows, rng.randint(1, min(5, len(sample.rows))))
    rows = rng.sample([*sample.rows, *again], len(sample.rows) + len(again))
    return written(replace(sample, rows=tuple(rows)), Law.ANY if sample.alike else Law.KEPT)


@mutation
def contradict_a_row(sample, rng):
    cells = figures(sample, sample.counts)
    if not cells or sample.alike:
        return None
    row, column = rng.choice(cells)
    other = edited(sample, row, column, str(rng.randint(1, 99))).rows[row]
    return written(replace(sample, rows=(*sample.rows, other)), Law.KEPT)


@mutation
def repeat_header(sample, rng):
    at = rng.randrange(len(sample.rows) + 1)
    return written(replace(sample, rows=(*sample.rows[:at], sample.header, *sample.rows[at:])), Law.KEPT)


@mutation
def say_more(sample, rng):
    """A title, a remark, a line for the spreadsheet."""
    said = rng.choice(["Source : Insee", "sep=;", "# 2024", "Total", "Champ : France ; hors Mayotte", "Note, 2024"])
    said += sample.separator * rng.choice([0, 1, len(sample.header) - 1])
    content = text(sample)
    return Mutant((f"{said}\n{content}" if rng.random() < 0.5 else f"{content}{said}\n").encode(), Law.KEPT)


@mutation
def lose_rows(sample, rng):
    kept = tuple(row for row in sample.rows if rng.random() < 0.7)
    return written(replace(sample, rows=kept), Law.LESS)


@mutation
def extra_cell(sample, rng):
    row = rng.randrange(-1, len(sample.rows))
    cells = list(sample.header if row < 0 else sample.rows[row])
    cells.insert(rng.randrange(len(cells) + 1), rng.choice(["7", "x", "0,5", ""]))
    if row < 0:
        return written(replace(sample, header=tuple(cells)), Law.KEPT)
    return written(replace(sample, rows=(*sample.rows[:row], tuple(cells), *sample.rows[row + 1 :])), Law.KEPT)


@mutation
def missing_cell(sample, rng):
    row = rng.randrange(len(sample.rows))
    cells = list(sample.rows[row])
    del cells[rng.randrange(len(cells))]
    return written(replace(sample, rows=(*sample.rows[:row], tuple(cells), *sample.rows[row + 1 :])), Law.KEPT)


@mutation
def cut_a_line(sample, rng):
    """A row loses its end, one separator at least."""
    at = rng.randrange(len(sample.rows))
    cells = sample.rows[at][: rng.randint(1, len(sample.header) - 1)]
    cells = (*cells[:-1], cells[-1][: rng.randint(0, len(cells[-1]))])
    if not any(cell.strip() for cell in cells):
        return None
    return written(replace(sample, rows=(*sample.rows[:at], cells, *sample.rows[at + 1 :])), Law.KEPT)


@mutation
def cut_the_file(sample, rng):
    content = text(sample, Style(newline=rng.choice(["\n", "\r\n"])))
    encoding = rng.choice(["utf-8", "utf-8", "utf-16"])
    data = content.encode(encoding)
    size = rng.randrange(len(data))
    tail = data[:size].decode(encoding, errors="ignore").rpartition("\n")[2]
    return Mutant(data[:size], Law.LESS, last=tail.count(sample.separator) >= len(sample.header) - 1)


# ------------------------------------------------------------ cells

MARKS = {
    "s": "secret", "S": "secret", "*": "secret", "secret": "secret", " s ": "secret", "so": "sans objet",
    "s.o.": "sans objet", "sans objet": "sans objet", "nd": "", "": "", "N/A": "", "NULL": "", "n/d": "", "NaN": "",
}  # fmt: skip
ODD = (
    "-5", "inf", "-inf", "1e999", "Infinity", "-1e-3", "12%", "<5", "~10", "10?", "1 2", "12 345 6", "1,2,3", "1.2.3",
    "10-20", "=1+1", "=SOMME(B2:B9)", "#REF!", "#N/A", "'12", "１２", "1\u200b0", "0x10", "1_000", "TRUE",
    "10/12/2024", "10-Dec", "1:30", "∞", "..", "…", "?", "12 345,6 7", "12\ufffd", "1\n2", "--5", "1e", "é", "c", "-",
)  # fmt: skip


@mutation
def mark(sample, rng):
    # An arrondissement beside its commune is not read.
    cells = [cell for cell in figures(sample, sample.counts) if sample.rows[cell[0]][0] not in ARRONDISSEMENTS]
    if not cells:
        return None
    said = rng.choice(list(MARKS))
    if sample.plain and not said.strip():
        return None
    withheld = sample.pinned and not said.strip()  # Melodi leaves a secret blank
    absence = "secret" if withheld and "OBS_VALUE" in sample.header else MARKS[said]
    return replace(written(edited(sample, *rng.choice(cells), said), Law.MARKED), absence=absence)


@mutation
def mark_elsewhere(sample, rng):
    column = rng.choice([name for name in sample.header if name not in sample.counts])
    said = edited(sample, rng.randrange(len(sample.rows)), column, rng.choice(list(MARKS)))
    return written(said, Law.LESS)


@mutation
def odd_figure(sample, rng):
    cells = figures(sample, sample.counts)
    return written(edited(sample, *rng.choice(cells), rng.choice(ODD)), Law.KEPT) if cells else None


@mutation
def odd_place(sample, rng):
    cells = figures(sample, sample.points)
    odd = rng.choice([odd for odd in ODD if odd not in {"-5", "-1e-3"}])
    return written(edited(sample, *rng.choice(cells), odd), Law.LESS) if cells else None


@mutation
def negatives_that_cancel(sample, rng):
    """A negative part is hidden by the sum."""
    cells = figures(sample, sample.counts)
    row, column = rng.choice(cells) if cells else (0, "")
    return written(edited(sample, row, column, "-1"), Law.KEPT) if cells else None


CODES = {
    "zeros": lambda code: code.lstrip("0"),
    "float": lambda code: re.sub(r"^0*(\d+)$", r"\1.0", code),
    "comma": lambda code: re.sub(r"^0*(\d+)$", r"\1,0", code),
    "power": lambda code: f"{float(code):.4E}" if code.isdecimal() else code,
    "quote": lambda code: f"'{code}",
    "formula": lambda code: f'="{code}"',
    "space": lambda code: f"{code[:2]} {code[2:]}",
    "wide": lambda code: f"0{code}" if len(code) > 4 else code,
    "lower": lambda code: code.lower(),
    "blank": lambda _: "",
    "thin": lambda code: f"{code}\u200b",
}


@mutation
def damage_codes(sample, rng):
    if not sample.codes:
        return None
    column, way = rng.choice(sample.codes), rng.choice(list(CODES))
    if rng.random() < 0.5:
        return written(every(sample, (column,), CODES[way]), Law.LESS)
    row = rng.randrange(len(sample.rows))
    code = sample.rows[row][sample.header.index(column)]
    return written(edited(sample, row, column, CODES[way](code)), Law.LESS)


def _quotes(content, separator, rng):
    for _ in range(rng.choice([1, 2, 2, 3, 4])):
        starts = [0, *(found.end() for found in re.finditer(f"[\n{separator}]", content))]
        at = rng.choice(starts) if rng.random() < 0.7 else rng.randrange(len(content))
        content = content[:at] + '"' + content[at:]
    return content


@mutation
def stray_quotes(sample, rng):
    head, _, rows = text(sample).partition("\n")
    content = f"{head}\n{_quotes(rows, sample.separator, rng)}"
    return Mutant(content.encode(), Law.LESS if sample.pinned else Law.KEPT)


@mutation
def stray_quotes_in_the_header(sample, rng):
    head, _, rows = text(sample).partition("\n")
    return Mutant(f"{_quotes(head, sample.separator, rng)}\n{rows}".encode(), Law.LESS)


@mutation
def quote_everything(sample, rng):
    return written(sample, Law.SAME, quoting=csv.QUOTE_ALL, separator=rng.choice(";,\t"))


@mutation
def nul_bytes(sample, rng):
    content = bytearray(text(sample), "utf-8")
    encoding = rng.choice(["utf-8", "utf-16"])
    at = rng.randrange(len(content))
    content[at : at + rng.randint(0, 1)] = b"\0" * rng.randint(1, 600)
    return Mutant(content.decode(errors="replace").encode(encoding), Law.KEPT)


@mutation
def huge_cell(sample, rng):
    size = rng.choice([200_000, 1_000_000, 10_000_000])
    some = rng.choice(["x", "9", "é ", '"', "a\n", sample.separator, "1 ", "0"])
    row, column = rng.randrange(len(sample.rows)), rng.choice(sample.header)
    return written(edited(sample, row, column, (some * size)[:size]), Law.LESS)


# ------------------------------------------------------------ nothing, or something else


@mutation
def nothing(sample, rng):
    head = sample.separator.join(sample.header)
    empty = ["", "\ufeff", "\n", " \n\t\n", head, f"{head}\n", f"{head}\n\n\n", sample.separator * 5, '"', "\0", "\r"]
    return Mutant(rng.choice(empty).encode(rng.choice(["utf-8", "utf-16"])), Law.LESS)


@mutation
def something_else(sample, rng):
    content = text(sample).encode()
    noise = bytes(rng.randrange(256) for _ in range(len(content)))
    page = b"<!DOCTYPE html><html><body>503</body></html>"
    suffix = rng.choice([".csv", ".txt", ".parquet", ".xlsx", ".xls", ".zip"])
    if suffix in {".csv", ".txt"}:
        return Mutant(rng.choice([noise, page, b"PK\3\4" + content, b'{"a": [1, 2]}']), Law.LESS, suffix)
    return Mutant(rng.choice([noise, page, content, b"PAR1" + noise + b"PAR1", b"PK\3\4" + noise]), Law.LESS, suffix)
