"""The line beside a view's name: parts of a sentence, as many as there is room for."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel

SEPARATOR = " · "
TOO_NARROW = 60  # pixels: of a word cut to three letters nobody learns anything


class ElidedLabel(QLabel):
    """A line of parts, of which only whole ones are shown where there is no room for all; the tooltip has all of it."""

    def setText(self, text: str) -> None:
        super().setText(text)
        self.setToolTip(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        shown = whole_parts(self.text(), self.fontMetrics(), self.width())
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


def whole_parts(text: str, metrics: QFontMetrics, width: int) -> str:
    """As many of the parts as fit, from the first; of a single one its beginning, where that says anything."""
    if width < TOO_NARROW:
        return ""
    parts = text.split(SEPARATOR)
    while len(parts) > 1 and not _fits(SEPARATOR.join(parts), metrics, width):
        parts.pop()
    return metrics.elidedText(SEPARATOR.join(parts), Qt.TextElideMode.ElideRight, width)


def _fits(text: str, metrics: QFontMetrics, width: int) -> bool:
    # Asked of Qt itself: it begins to cut a pixel or two before the text is wider than the room.
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width) == text
