"""Formulas set as mathematics, ready to paint in any size and colour."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Protocol

from PySide6.QtCore import QByteArray, QPointF, QRectF, QSizeF
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.theme.fonts import make_font
from app.theme.typesetting import INK, LONGEST, SIZE, outlines, view_box

SUBSCRIPT, DIGITS = re.compile("(?<=^[A-Za-z])[₀-₉0-9]{1,2}$"), str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SYMBOL = re.compile(r"[A-Za-z](_\{?\w{1,3}\}?)?")


class Mathematics(Protocol):
    """One formula, ready to paint.

    size      QSizeF  width and height, in device-independent pixels
    baseline  float   distance from the top down to the line on which letters stand
    """

    size: QSizeF
    baseline: float

    def paint(self, painter: QPainter, x: float, y: float) -> None:
        """Paint with the left edge at `x` and the baseline at `y`."""


class SetMathematics(Mathematics):
    """A formula as outlines: stays sharp under any zoom, and vector in an SVG export."""

    def __init__(self, svg: str, size: float, colour: str) -> None:
        _left, top, width, height = (number * size / SIZE for number in view_box(svg))
        if not (width > 0 and height > 0):
            raise ValueError("an empty formula")
        self.size = QSizeF(width, height)
        self.baseline = -top
        self._renderer = QSvgRenderer(QByteArray(svg.replace(f'"{INK}"', f'"{colour}"').encode()))

    def paint(self, painter: QPainter, x: float, y: float) -> None:
        """Paint with the left edge at `x` and the baseline at `y`."""
        self._renderer.render(painter, QRectF(QPointF(x, y - self.baseline), self.size))


class PlainMathematics(Mathematics):
    """The readable remains of a formula that could not be set."""

    def __init__(self, text: str, font: QFont, colour: QColor) -> None:
        self.text, self._font, self._colour = text, font, colour
        metrics = QFontMetricsF(font)
        self.size = QSizeF(max(1.0, metrics.horizontalAdvance(text)), metrics.height())
        self.baseline = metrics.ascent()

    def paint(self, painter: QPainter, x: float, y: float) -> None:
        """Paint with the left edge at `x` and the baseline at `y`."""
        painter.save()
        painter.setFont(self._font)
        painter.setPen(self._colour)
        painter.drawText(QPointF(x, y), self.text)
        painter.restore()


@lru_cache(maxsize=2048)
def set_mathematics(latex: str, size: float, colour: str) -> Mathematics:
    """`latex` as mathematics of `size` pixels in `colour` (`#RRGGBB`); as plain text when it cannot be set."""
    try:
        return SetMathematics(outlines(latex), size, colour)
    except Exception:
        # ziamath raises whatever its parsers meet; a half-typed formula must not take the window down.
        font = make_font("formula")
        font.setPixelSize(max(1, round(size)))
        return PlainMathematics(plain_text(latex), font, QColor(colour))


def plain_text(latex: str) -> str:
    """LaTeX without its braces and backslashes, for fallbacks and screen readers: `\\frac{a}{b}` reads `a / b`."""
    text = re.sub(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1 / \2", latex[:LONGEST])
    text = re.sub(r"\\(left|right|[dt]?frac|mathrm|text|operatorname|quad|qquad)(?![a-zA-Z])|\\[,;!: ]", " ", text)
    for name, sign in (("cdot", "·"), ("times", "×"), ("partial", "∂"), ("sum", "Σ"), ("sigma", "σ"), ("varphi", "φ")):
        text = re.sub(rf"\\{name}(?![a-zA-Z])", sign, text)
    return re.sub(r"\s+", " ", re.sub(r"[\\{}$]", "", text)).strip()


def latex_name(name: str) -> str:
    """A name that is a symbol (`h1`, `x_2`, `\\hat y`) as LaTeX; empty for one that is words."""
    name = SUBSCRIPT.sub(lambda found: f"_{{{found[0].translate(DIGITS)}}}", name)
    return name if "\\" in name or (len(name) <= 8 and SYMBOL.fullmatch(name)) else ""
