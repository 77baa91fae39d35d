"""Results as text: a table with aligned columns, and numbers short enough to compare by eye."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest entry; the first is set left, numbers right."""
    widths = [max(len(line[place]) for line in [head, *rows]) for place in range(len(head))]
    right = [place > 0 and all(_is_number(row[place]) for row in rows) for place in range(len(head))]

    def line(entries: Sequence[str]) -> str:
        cells = (e.rjust(w) if r else e.ljust(w) for e, w, r in zip(entries, widths, right, strict=True))
        return "  ".join(cells).rstrip()

    return "\n".join([line(head), line(["─" * width for width in widths]), *(line(row) for row in rows)])


def _is_number(entry: str) -> bool:
    return entry in ("", "–") or entry[:1].isdigit() or entry[:1] in "−-<≥≤×"


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits; a dash where there is none."""
    if value is None:
        return "–"
    size = abs(value)
    text = (
        f"{value:.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2f}"
        if size >= 1
        else f"{value:.3f}"
    )
    return f"{text} {unit}" if unit else text


def verdict(value: float | None, goal: float | None, *, at_most: bool = False) -> str:
    """Whether a goal is met, in one word; a dash where there is no goal or no value."""
    if value is None or goal is None:
        return "–"
    return "met" if (value <= goal if at_most else value >= goal) else "missed"
