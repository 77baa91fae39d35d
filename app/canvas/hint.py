"""The hint at the cursor: why a wire is refused, what a drag does."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget

from app.canvas.ink import font, ink

WIDEST = 340


class Hint(QLabel):
    """A line or two of text beside the cursor; it never takes the mouse."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._bad = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFont(font("caption"))
        self.setContentsMargins(8, 4, 8, 4)
        self.setWordWrap(True)
        self.hide()

    def say(self, text: str, place: QPoint, bad: bool) -> None:
        """Show a text right of a place (pixels of the parent), within the parent; an empty text hides it."""
        self._bad = bad
        self.setText(text)
        if not text:
            self.hide()
            return
        self.setStyleSheet(f"color: {ink().colour('error' if bad else 'text').name()}")
        width = min(WIDEST, self.fontMetrics().horizontalAdvance(text) + 20)
        self.resize(width, self.heightForWidth(width))
        parent = self.parentWidget()
        assert parent is not None
        x = min(place.x() + 18, parent.width() - self.width() - 4)
        y = place.y() + 14 if place.y() + 14 + self.height() < parent.height() else place.y() - 14 - self.height()
        self.move(max(4, x), max(4, y))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Its own paper: the style sheet of the application says nothing about hints."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(ink().colour("raised"))
        painter.setPen(ink().pen("error" if self._bad else "border_strong"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 6, 6)
        painter.end()
        super().paintEvent(event)
