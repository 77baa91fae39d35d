"""Type: Inter for words, JetBrains Mono for every number, both from the package, none from the system."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

from PySide6.QtGui import QFont, QFontDatabase

WORDS, NUMBERS = "Inter", "JetBrains Mono"


class Role(NamedTuple):
    """What a text is for decides its family, its size in pixels at 100 % and its weight."""

    family: str
    size: int
    weight: QFont.Weight = QFont.Weight.Normal


ROLES = {
    "display": Role(WORDS, 26, QFont.Weight.DemiBold),
    "heading": Role(WORDS, 15, QFont.Weight.DemiBold),
    "title": Role(WORDS, 13, QFont.Weight.DemiBold),
    "body": Role(WORDS, 12),
    "medium": Role(WORDS, 12, QFont.Weight.Medium),
    "strong": Role(WORDS, 12, QFont.Weight.DemiBold),
    "caption": Role(WORDS, 11),
    "caption_strong": Role(WORDS, 11, QFont.Weight.DemiBold),
    "number": Role(NUMBERS, 12),
    "number_strong": Role(NUMBERS, 12, QFont.Weight.DemiBold),
    "number_large": Role(NUMBERS, 13),
    "number_small": Role(NUMBERS, 11),
    "formula": Role(WORDS, 13),
}


@cache
def load_fonts() -> tuple[str, ...]:
    """Make the bundled fonts known to Qt, once per process; the families that it found in them."""
    families: set[str] = set()
    for entry in sorted(files("resources").joinpath("fonts").iterdir(), key=lambda each: each.name):
        if entry.name.endswith(".ttf"):
            number = QFontDatabase.addApplicationFontFromData(entry.read_bytes())
            families.update(QFontDatabase.applicationFontFamilies(number))
    return tuple(sorted(families))


def make_font(role: str) -> QFont:
    """The font for a role of ROLES."""
    load_fonts()
    family, size, weight = ROLES[role]
    font = QFont(family)
    font.setPixelSize(size)
    font.setWeight(weight)
    if family == NUMBERS:
        font.setStyleHint(QFont.StyleHint.Monospace)
        # Ligatures would join the minus of "->" or "1e-5" with its neighbour and let numbers dance.
        for feature in ("liga", "calt"):
            font.setFeature(QFont.Tag(feature), 0)
    return font
