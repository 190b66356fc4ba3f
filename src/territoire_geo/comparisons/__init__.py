"""Two diagnostics compared: what changed, by commune and by need, and why."""

from territoire_geo.comparisons._causes import CAUSES, WORDS
from territoire_geo.comparisons._changes import parts
from territoire_geo.comparisons._compare import compare
from territoire_geo.comparisons._record import Comparison
from territoire_geo.comparisons._sheets import changes_table, figures_table, why_table
from territoire_geo.comparisons._told import Told, cause_words, sentences_of
from territoire_geo.comparisons._why import Why

__all__ = [
    "CAUSES", "WORDS", "Comparison", "Told", "Why", "cause_words", "changes_table", "compare", "figures_table", "parts",
    "sentences_of", "why_table",
]  # fmt: skip
