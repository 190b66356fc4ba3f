"""What happens to files on their way to a user: edited by hand, saved by a spreadsheet, cut, damaged, packed again."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from random import Random

from _samples import Sample


class Law(Enum):
    """What may come of a file, besides a `TerritoireGeoError`, or being told as not recognised, where not `SAME`."""

    SAME = auto()  # the same tables, texts and states of absence too; never refused
    KEPT = auto()  # refused, else the same rows and figures
    LESS = auto()  # rows, columns or figures may be missing; what is there is right
    MARKED = auto()  # a figure is missing, and its state says why
    ANY = auto()  # the format has no checksum: a figure may be wrong, the error is still ours


@dataclass(frozen=True)
class Mutant:
    """
    A file, and what may come of it.

    `absence` is the state of what is missing, `last` tells that the last figure of the file may be cut.
    """

    content: bytes
    law: Law
    suffix: str = ".csv"
    absence: str = ""
    last: bool = False


Mutation = Callable[[Sample, Random], Mutant | None]
MUTATIONS: dict[str, Mutation] = {}


def mutation(function: Mutation) -> Mutation:
    MUTATIONS[function.__name__] = function
    return function


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    separator: str = ""
    newline: str = "\n"
    encoding: str = "utf-8"
    quoting: int = csv.QUOTE_MINIMAL


def text(sample: Sample, style: Style = Style()) -> str:
    sink = io.StringIO(newline="")
    separator = style.separator or sample.separator
    quoting = csv.QUOTE_ALL if style.newline == "\r" else style.quoting  # else a cell with "\n" has no quotes
    writer = csv.writer(sink, delimiter=separator, lineterminator=style.newline, quoting=quoting)
    writer.writerows([sample.header, *sample.rows])
    return sink.getvalue()


def written(sample: Sample, law: Law, **style) -> Mutant:
    return Mutant(text(sample, Style(**style)).encode(style.get("encoding", "utf-8")), law)


def edited(sample: Sample, row: int, column: str, cell: str) -> Sample:
    place = sample.header.index(column)
    cells = (*sample.rows[row][:place], cell, *sample.rows[row][place + 1 :])
    return replace(sample, rows=(*sample.rows[:row], cells, *sample.rows[row + 1 :]))


def every(sample: Sample, columns: tuple[str, ...], change: Callable[[str], str]) -> Sample:
    places = {sample.header.index(column) for column in columns}
    rows = tuple(tuple(change(cell) if at in places else cell for at, cell in enumerate(row)) for row in sample.rows)
    return replace(sample, rows=rows)


def figures(sample: Sample, columns: tuple[str, ...]) -> list[tuple[int, str]]:
    """Cells of some columns that hold a figure."""
    places = [(column, sample.header.index(column)) for column in columns]
    return [(at, column) for at, row in enumerate(sample.rows) for column, place in places if row[place][:1].isdigit()]


# ------------------------------------------------------------ columns


@mutation
def drop_column(sample, rng):
    place = rng.randrange(len(sample.header))
    rows = tuple(row[:place] + row[place + 1 :] for row in sample.rows)
    left = replace(sample, header=sample.header[:place] + sample.header[place + 1 :], rows=rows)
    return Mutant(text(left).encode(), Law.LESS)


@mutation
def rename_column(sample, rng):
    place = rng.randrange(len(sample.header))
    name = sample.header[place]
    other = rng.choice([name + "_", name[:-1], name.lower(), name.upper(), f" {name} ", f"{name}.1", "x", f'"{name}"'])
    header = (*sample.header[:place], other, *sample.header[place + 1 :])
    return Mutant(text(replace(sample, header=header)).encode(), Law.LESS)


@mutation
def lose_label(sample, rng):
    place = rng.randrange(len(sample.header))
    header = (*sample.header[:place], "", *sample.header[place + 1 :])
    return Mutant(text(replace(sample, header=header)).encode(), Law.LESS)


@mutation
def repeat_label(sample, rng):
    one, other = rng.sample(range(len(sample.header)), 2)
    header = tuple(sample.header[one] if at == other else name for at, name in enumerate(sample.header))
    return Mutant(text(replace(sample, header=header)).encode(), Law.LESS)


@mutation
def shuffle_columns(sample, rng):
    order = rng.sample(range(len(sample.header)), len(sample.header))
    rows = tuple(tuple(row[at] for at in order) for row in sample.rows)
    shuffled = replace(sample, header=tuple(sample.header[at] for at in order), rows=rows)
    return written(shuffled, Law.SAME)


@mutation
def shorten_header(sample, rng):
    if not any(row[-1].strip() for row in sample.rows):
        return None  # rows may have a separator more than the header: nothing tells which label is lost
    place = rng.randrange(len(sample.header))
    header = sample.header[:place] + sample.header[place + 1 :]
    return Mutant(text(replace(sample, header=header)).encode(), Law.KEPT)


@mutation
def trailing_columns(sample, rng):
    more = ("",) * rng.randint(1, 30)
    wide = replace(sample, header=sample.header + more, rows=tuple(row + more for row in sample.rows))
    return written(wide, Law.SAME)


@mutation
def trailing_columns_and_commas(sample, rng):
    more = ("",) * rng.randint(1, 30)
    wide = replace(sample, header=sample.header + more, rows=tuple(row + more for row in sample.rows))
    return Mutant(_commas(wide), Law.KEPT)


# ------------------------------------------------------------ separators and decimals


@mutation
def swap_separator(sample, rng):
    return written(sample, Law.SAME, separator=rng.choice(";,\t"), newline=rng.choice(["\n", "\r\n"]))


@mutation
def replace_separator(sample, rng):
    other = rng.choice([one for one in ";,\t|" if one != sample.separator])
    return Mutant(text(sample).replace(sample.separator, other).encode(), Law.KEPT)


@mutation
def replace_separator_of_rows(sample, rng):
    other = rng.choice([one for one in ";,\t" if one != sample.separator])
    head, _, rows = text(sample).partition("\n")
    return Mutant(f"{head}\n{rows.replace(sample.separator, other)}".encode(), Law.KEPT)


def _commas(sample: Sample) -> bytes:
    """Decimal commas, then commas as separators, without a quote."""
    decimal = every(sample, sample.counts + sample.points, lambda cell: cell.replace(".", ","))
    return "\n".join(",".join(row) for row in (decimal.header, *decimal.rows)).encode()


@mutation
def decimal_commas_and_commas(sample, _):
    return Mutant(_commas(sample), Law.KEPT)


@mutation
def decimal_commas(sample, rng):
    columns = sample.counts + sample.points
    if not columns:
        return None
    decimal = every(sample, columns, lambda cell: cell.replace(".", ","))
    return written(decimal, Law.SAME, separator=rng.choice(";,\t"))


@mutation
def thousands(sample, rng):
    space = rng.choice(["\u00a0", "\u202f", "\u2009", " "])
    grouped = every(
        sample, sample.counts, lambda cell: f"{int(cell):,}".replace(",", space) if cell.isdecimal() else cell
    )
    return written(grouped, Law.SAME) if grouped != sample else None


@mutation
def foreign_thousands(sample, rng):
    mark = rng.choice([",", "'", "_", "\u2019"])  # a point is a decimal point
    grouped = every(
        sample, sample.counts, lambda cell: f"{int(cell):,}".replace(",", mark) if cell.isdecimal() else cell
    )
    return written(grouped, Law.KEPT) if grouped != sample else None


@mutation
def spaces_around(sample, rng):
    space = rng.choice([" ", "\u00a0", "\u202f", "  "])
    columns = sample.counts + sample.points + sample.codes
    return written(every(sample, columns, lambda cell: f"{space}{cell}{space}" if cell else cell), Law.SAME)


# ------------------------------------------------------------ encodings and ends of lines


@mutation
def encode(sample, rng):
    encoding = rng.choice(["utf-8-sig", "utf-16", "utf-8"])
    return written(sample, Law.SAME, encoding=encoding, newline=rng.choice(["\n", "\r\n"]))


@mutation
def encode_for_windows(sample, rng):
    try:
        return written(sample, Law.SAME, encoding=rng.choice(["cp1252", "latin-1"]))
    except UnicodeEncodeError:
        return None


@mutation
def encode_rarely(sample, rng):
    encoding = rng.choice(["utf-16-le", "utf-16-be", "utf-32", "utf-7", "cp850", "mac-roman", "cp037"])
    return Mutant(text(sample).encode(encoding, errors="replace"), Law.KEPT)


@mutation
def mojibake(sample, rng):
    wrong = text(sample).encode().decode(rng.choice(["latin-1", "mac-roman", "cp850"]))
    return Mutant(wrong.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"])), Law.KEPT)


@mutation
def half_recoded(sample, rng):
    """Two files put together, of two encodings."""
    lines = text(sample).splitlines(keepends=True)
    at = rng.randrange(len(lines))
    parts = "".join(lines[:at]).encode(), "".join(lines[at:]).encode("cp1252", errors="replace")
    return Mutant(b"".join(parts), Law.KEPT)


@mutation
def stray_bom(sample, rng):
    content = text(sample).encode()
    at = rng.choice([0, *(end.end() for end in re.finditer(b"\n", content))])
    bom = "\ufeff".encode() * rng.randint(1, 2)
    return Mutant(content[:at] + bom + content[at:], Law.LESS)


@mutation
def lines_end_otherwise(sample, rng):
    return written(sample, Law.SAME, newline=rng.choice(["\r", "\r\n", "\n"]), separator=rng.choice(";,\t"))


@mutation
def lines_end_in_many_ways(sample, rng):
    lines = text(sample).splitlines() if not any("\n" in cell for row in sample.rows for cell in row) else []
    ends = "".join(line + rng.choice(["\r", "\n", "\r\n", "\r\r\n", "\n\n"]) for line in lines)
    return Mutant(ends.encode(), Law.SAME) if lines else None


@mutation
def blank_lines(sample, rng):
    blank = ["", " ", sample.separator * (len(sample.header) - 1), sample.separator * rng.randint(1, 50), "\u00a0"]
    out = []
    for row in csv.reader(io.StringIO(text(sample), newline=""), delimiter=sample.separator):
        sink = io.StringIO()
        csv.writer(sink, delimiter=sample.separator, lineterminator="\n").writerow(row)
        out += [sink.getvalue(), *(rng.choice(blank) + "\n" for _ in range(rng.choice([0, 0, 1, 3])))]
    return Mutant(("\n" * rng.randint(0, 2) + "".join(out)).encode(), Law.SAME)
