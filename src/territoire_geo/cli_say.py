"""What the command prints of a diagnostic, in French and in English."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import numpy as np

from territoire_geo.diagnostic import Diagnostic
from territoire_geo.measures import Need
from territoire_geo.sentences import FEW

if TYPE_CHECKING:
    import pandas as pd

NOT_FIGURES: Final = ("references", "base_nationale")  # sums of the other sources; codes and polygons
THIN: Final = "\u202f"  # French thousands
TEXTS: Final = {
    "fr": {
        "title": "Diagnostic partagé : {name}, {core} ({all} avec le voisinage, {km} km)",
        "columns": "Besoin|Public|Non couvert|bas – haut|Part|Manque",
        "unknown": "inconnu",
        "unknown_communes": "{n} : inconnu",
        "warnings": "À savoir :",
        "files": "Écrit dans {folder} :",
        "figures": "Pré-diagnostic : chiffres publiés ({vintages}) ; {travel}. "
        "Il prépare la discussion, il ne la remplace pas.",
        "convention": "temps de trajet approchés à vol d'oiseau",
        "table": "temps de trajet lus dans votre table",
        "few": "< 5",
        "changed": "Depuis le dernier usage de cette recette :",
    },
    "en": {
        "title": "Shared diagnostic: {name}, {core} ({all} with the buffer, {km} km)",
        "columns": "Need|People|Unmet|low – high|Share|Missing",
        "unknown": "unknown",
        "unknown_communes": "{n}: unknown",
        "warnings": "Good to know:",
        "files": "Written to {folder}:",
        "figures": "Pre-diagnostic: published figures ({vintages}); {travel}. "
        "It prepares the discussion, it does not replace it.",
        "convention": "approximate straight-line travel times",
        "table": "travel times read from your table",
        "few": "< 5",
        "changed": "Since this recipe was last used:",
    },
}


def say_files(diagnostic: Diagnostic, out: Path, files: Sequence[Path], lang: str) -> None:
    """
    Print what was written, and what the figures are.

    Parameters
    ----------
    diagnostic
        What was computed.
    out
        The folder.
    files
        As seen from it.
    lang
        "fr" or "en".
    """
    echo(TEXTS[lang]["files"].format(folder=out.resolve()))
    for path in files:
        echo(f"  {path}  ({number((out / path).stat().st_size / 1000, lang)} ko)")
    echo(_figures(diagnostic, lang))


def say_changed(sentences: Sequence[str], lang: str) -> None:
    """
    Print what is not as it was when the recipe was last used.

    Parameters
    ----------
    sentences
        One by difference; nothing is printed without any.
    lang
        "fr" or "en".
    """
    if not sentences:
        return
    echo(TEXTS[lang]["changed"])
    for sentence in sentences:
        echo(f"  - {sentence}")
    echo("")


def echo(text: str, *, err: bool = False) -> None:
    """
    Print, whatever the terminal can write: Windows still pipes in cp1252, which has no narrow no-break space.

    Parameters
    ----------
    text
        A line, or several.
    err
        Whether it goes to standard error.
    """
    encoding = (sys.stderr if err else sys.stdout).encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace(THIN, "\u00a0").encode(encoding, errors="replace").decode(encoding)
    click.echo(text, err=err)


def _figures(diagnostic: Diagnostic, lang: str) -> str:
    texts = TEXTS[lang]
    vintages = dict.fromkeys(
        f"{s.producer} {s.millesime or s.title}" for s in diagnostic.sources if s.id not in NOT_FIGURES
    )
    by_table = diagnostic.settings["travel"]
    known = isinstance(by_table, Mapping) and by_table.get("car") == "table"
    return texts["figures"].format(vintages=", ".join(vintages), travel=texts["table" if known else "convention"])


def say_figures(diagnostic: Diagnostic, lang: str) -> None:
    """
    Print the needs in one table, then what a reader must know.

    Parameters
    ----------
    diagnostic
        What was computed.
    lang
        "fr" or "en".
    """
    texts, territory = TEXTS[lang], diagnostic.territory
    km = number(territory.buffer_km, lang)
    title = texts["title"].format(
        name=territory.name, core=_communes(len(territory.core)), all=len(territory.communes), km=km
    )
    echo(f"{title}\n")
    summary = diagnostic.summary()
    rows = [
        texts["columns"].split("|"),
        *(_row(row, need, lang) for need, (_, row) in zip(diagnostic.needs, summary.iterrows(), strict=True)),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if i in {0, 5} else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        echo("  ".join(cells).rstrip())
    echo(f"\n{texts['warnings']}")
    for note in diagnostic.warnings:
        echo(f"  - {note.fr if lang == 'fr' else note.en}")
    echo("")


def _row(row: "pd.Series[Any]", need: Need, lang: str) -> list[str]:
    texts = TEXTS[lang]
    french = lang == "fr"
    people = [_people(row[column], lang) for column in ("demand", "unmet_people", "low", "high")]
    share = texts["unknown"] if np.isnan(row["share"]) else f"{number(100 * row['share'], lang, digits=1)}\u00a0%"
    units, unit = row["unmet_units"], need.gap_unit if french else need.gap_unit_en
    missing = "" if need.mode == "bike" or np.isnan(units) else f"{_amount(units, lang)} {unit}"
    if row["unknown"]:
        missing += f" ({texts['unknown_communes'].format(n=_communes(row['unknown']))})"
    label = need.label if french else need.label_en
    return [label, people[0], people[1], f"{people[2]} – {people[3]}", share, missing.strip()]


def _communes(count: int) -> str:
    return f"{count} commune{'s' if count > 1 else ''}"


def _people(value: float, lang: str) -> str:
    if np.isnan(value):
        return TEXTS[lang]["unknown"]
    return TEXTS[lang]["few"] if 0 < value < FEW else number(value, lang)


def _amount(value: float, lang: str) -> str:
    return number(value, lang, digits=0 if value >= FEW else 2)


def number(value: float, lang: str, *, digits: int = 0) -> str:
    """
    Write a number as its readers do.

    Parameters
    ----------
    value
        The number.
    lang
        "fr" or "en".
    digits
        After the mark.

    Returns
    -------
    number
        Such as 2 846,5 or 2,846.5.
    """
    text = f"{value:,.{digits}f}"
    return text if lang == "en" else text.replace(",", THIN).replace(".", ",")
