"""Cells of text become numbers, words or nothing: which sign is the decimal one, and what a column holds."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.datasets.csv_text import BadLine, Question, Row
from engine.datasets.draws import Floats

Kind = Literal["numbers", "words", "nothing"]
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "missing"})
MOSTLY = 0.9  # of the cells are numbers: then it is a column of numbers with slips
POINT_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(e[+-]?\d+)?", re.IGNORECASE)
DECIMALS = {"point": "1.5", "comma": "1,5"}
SAMPLE = 2000  # cells that are looked at to find the decimal sign


@dataclass(frozen=True, slots=True)
class Column:
    """What stands below one heading.

    numbers   (rows,) float64, NaN where a cell is missing or is no number; None for words
    missing   (rows,) whether nothing stands there; bad: (rows,) whether something does that is no finite number
    words     the different words in alphabetical order; counts: how often each number or word stands there
    """

    name: str
    kind: Kind
    cells: Sequence[str]
    numbers: Floats | None
    missing: np.ndarray[tuple[int], np.dtype[np.bool_]]
    bad: np.ndarray[tuple[int], np.dtype[np.bool_]]
    words: tuple[str, ...] = ()

    @property
    def known(self) -> Floats:
        """The numbers that are there."""
        assert self.numbers is not None, "only columns of numbers have them"
        return self.numbers[~(self.missing | self.bad)]


def is_number(cell: str, comma: bool = False) -> bool:
    """Whether a cell is a finite number."""
    return math.isfinite(number_in(cell, comma))


def number_in(cell: str, comma: bool = False) -> float:
    """The number that a cell says; NaN where it says none. Groups of three digits may be parted."""
    text = cell.replace("\u2212", "-").replace("\u00a0", "").replace("\u202f", "")
    if comma:
        text = (text.replace(".", "") if COMMA_GROUPS.fullmatch(text) else text).replace(",", ".")
    elif "," in text and POINT_GROUPS.fullmatch(text):
        text = text.replace(",", "")
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def decimal_question(cells: Sequence[str], answer: str | None) -> Question:
    """Which sign parts the whole from the fraction."""
    seen = [cell for cell in cells[:SAMPLE] if "," in cell or "." in cell]
    points = [cell for cell in seen if DECIMAL_POINT.fullmatch(cell)]
    commas = [cell for cell in seen if DECIMAL_COMMA.fullmatch(cell)]
    found = "comma" if len(commas) > len(points) else "point"
    mine, groups = (commas, POINT_GROUPS) if found == "comma" else (points, COMMA_GROUPS)
    fact = f"“{mine[0]}” has a decimal {found}." if mine else "No number has a fraction."
    is_open = bool(mine) and all(groups.fullmatch(cell) for cell in mine)
    if is_open:
        other = mine[0].replace(",", "").replace(".", "")
        fact = f"“{mine[0]}” may be a fraction, or {other}: its groups of three digits would be parted."
        if found == "point":  # the usual thing in most files: no doubt where nothing speaks against it
            is_open = False
    if points and commas:
        is_open, fact = True, f"“{points[0]}” and “{commas[0]}” both stand there."
    chosen = answer if answer in DECIMALS else found
    choices = (("point", "Point  1.5"), ("comma", "Comma  1,5"))
    return Question("decimal", "Decimal sign", fact, chosen, choices, is_open and not answer)


def column_of(name: str, cells: Sequence[str], comma: bool, as_words: bool = False) -> Column:
    """What the cells of a column are."""
    numbers = _all_numbers(cells) if not comma else None
    if numbers is None:
        numbers = np.array([number_in(cell, comma) for cell in cells], dtype=np.float64)
    odd = np.flatnonzero(~np.isfinite(numbers))
    missing = np.zeros(len(cells), dtype=bool)
    missing[odd] = [cells[place].casefold() in MISSING for place in odd.tolist()]
    bad = ~np.isfinite(numbers) & ~missing
    there = int(len(cells) - missing.sum())
    if not there:
        return Column(name, "nothing", cells, None, missing, bad)
    if not as_words and bad.sum() <= (1 - MOSTLY) * there:
        numbers[missing | bad] = np.nan
        return Column(name, "numbers", cells, numbers, missing, bad)
    if as_words:
        missing = np.array([cell.casefold() in MISSING for cell in cells], dtype=bool)
    words = {cell for cell, gone in zip(cells, missing.tolist(), strict=True) if not gone}
    return Column(name, "words", cells, None, missing, np.zeros(len(cells), dtype=bool), tuple(sorted(words)))


def _all_numbers(cells: Sequence[str]) -> Floats | None:
    """All cells at once where each is written as Python writes numbers; None where one is not."""
    try:
        numbers = np.array(list(map(float, cells)), dtype=np.float64)
    except ValueError:
        return None
    return None if any("_" in cell for cell in cells) else numbers


def even_rows(rows: list[Row], bad: list[BadLine]) -> tuple[list[Row], list[BadLine]]:
    """Rows of one width, and what was wrong with the others. Empty cells behind the last heading say nothing."""
    width = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    first = rows[0]
    if len(first.cells) == width - 1 and len(rows) > 1 and not any(map(is_number, first.cells)):
        rows = [Row(first.line, ["", *first.cells]), *rows[1:]]  # as R writes a table with names of rows
    kept, told = [], list(bad)
    for row in rows:
        cells = row.cells
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        if len(cells) == width:
            kept.append(Row(row.line, cells))
        else:
            count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            told.append(BadLine(row.line, f"it has {count}, and there are {width} columns"))
    while width > 1 and not any(row.cells[width - 1] for row in kept):
        width -= 1
        kept = [Row(row.line, row.cells[:width]) for row in kept]
    return kept, told


def counts_lines(numbers: Floats) -> bool:
    """Whether these are the numbers of lines, some of which may have gone."""
    steps = np.diff(numbers)
    return bool(np.all(steps >= 1) and np.all(steps == np.round(steps)) and steps.sum() < 2 * len(numbers))


def holds(column: Column) -> str:
    """What a column is, in a few words."""
    if column.kind == "nothing":
        return "nothing"
    if column.numbers is None:
        return f"{len(column.words):,} words" if len(column.words) != 1 else "1 word"
    return f"{column.known.min():.4g} to {column.known.max():.4g}"
