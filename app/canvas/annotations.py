"""Frames around nodes and sticky notes with mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.canvas.colours import known
from app.canvas.ink import draw_text, font, ink, metrics, width_of
from app.canvas.live import TEXT_FROM, zoom_of
from app.canvas.resting import Resting
from app.theme import Mathematics, current_theme
from engine.graph import Frame, Note

TINT = 0.08  # of a frame's colour, on the canvas
FRAMES_Z, NOTES_Z = -10.0, 8.0
MARGIN, TITLE, NOTE_PAD, LINE = 20.0, 28.0, 12.0, 18.0


class FrameItem(Resting):
    """A titled box; its title is the handle."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame
        self.area = QRectF()
        self.selected = False
        self.setZValue(FRAMES_Z)

    def surround(self, frame: Frame, places: Iterable[QRectF]) -> None:
        """Draw around these rectangles (scene pixels)."""
        area = QRectF()
        for place in places:
            area = area.united(place)
        area = area.adjusted(-MARGIN, -MARGIN - TITLE + 8, MARGIN, MARGIN) if not area.isNull() else QRectF()
        if (frame, area) == (self.frame, self.area):
            return
        self.prepareGeometryChange()
        self.frame, self.area = frame, area
        self.update()

    def show_selected(self, selected: bool) -> None:
        """Show whether the frame is selected."""
        if selected != self.selected:
            self.selected = selected
            self.update()

    @property
    def title_area(self) -> QRectF:
        """Where a press takes hold of the frame."""
        return QRectF(self.area.left(), self.area.top(), self.area.width(), TITLE)

    def boundingRect(self) -> QRectF:
        """The box with its border."""
        return self.area.adjusted(-2, -2, 2, 2)

    def shape(self) -> QPainterPath:
        """Only the title counts for the mouse: inside, one draws rubber bands."""
        path = QPainterPath()
        path.addRect(self.title_area)
        return path

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """A faint box, title and count."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(ink().pen("accent", 2.0) if self.selected else ink().pen(known(self.frame.colour) or "border"))
        painter.setBrush(ink().colour("surface", 0.55))
        painter.drawRoundedRect(self.area, 10, 10)
        if chosen := known(self.frame.colour):
            painter.setBrush(ink().colour(chosen, TINT))
            painter.drawRoundedRect(self.area, 10, 10)
        if zoom_of(painter) < TEXT_FROM:
            return
        title = self.frame.title or "frame"
        row = self.title_area.adjusted(12, 0, -12, 0)
        draw_text(painter, row, title, "strong", "text" if self.frame.title else "text3")
        count = f"{len(self.frame.nodes)} node{'s' * (len(self.frame.nodes) != 1)}"
        if width_of(title, "strong") + width_of(count, "caption") + 12 < row.width():
            draw_text(painter, row.adjusted(width_of(title, "strong") + 10, 0, 0, 0), count, "caption", "text3")


class NoteItem(Resting):
    """A sticky note: words, and LaTeX between dollar signs."""

    def __init__(self, note: Note) -> None:
        super().__init__()
        self.note = note
        self.selected = False
        self._height = 0.0
        self.setZValue(NOTES_Z)

    def take(self, note: Note) -> None:
        """Show the note as the document has it now; it grows with its text."""
        self.prepareGeometryChange()
        self.note = note
        rows = _wrapped(note.text, note.size[0] - 2 * NOTE_PAD)
        self._height = max(note.size[1] if not note.text else 0.0, sum(_row_height(row) for row in rows) + 2 * NOTE_PAD)
        self.setPos(*note.position)
        self.update()

    def show_selected(self, selected: bool) -> None:
        """Show whether the note is selected."""
        if selected != self.selected:
            self.selected = selected
            self.update()

    @property
    def area(self) -> QRectF:
        """The note's rectangle on the scene."""
        return QRectF(self.pos().x(), self.pos().y(), self.note.size[0], self._height)

    def boundingRect(self) -> QRectF:
        """The note with its border."""
        return QRectF(0, 0, self.note.size[0], self._height).adjusted(-3, -3, 3, 3)

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Tinted paper, then row after row."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(0, 0, self.note.size[0], self._height)
        painter.setBrush(ink().colour("raised"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawRoundedRect(area, 6, 6)
        painter.setBrush(ink().colour("warn", 0.14))
        painter.setPen(ink().pen("accent", 2.0) if self.selected else ink().pen("warn", 1.0, alpha=0.5))
        painter.drawRoundedRect(area, 6, 6)
        if zoom_of(painter) < TEXT_FROM:
            return
        if not self.note.text:
            draw_text(painter, area.adjusted(NOTE_PAD, 0, 0, 0), "Double-click to write", "body", "text3")
        y = NOTE_PAD
        for row in _wrapped(self.note.text, area.width() - 2 * NOTE_PAD):
            height = _row_height(row)
            _paint_row(painter, row, y + (height + metrics("body").ascent() - metrics("body").descent()) / 2)
            y += height


def _wrapped(text: str, width: float) -> list[list[str | Mathematics]]:
    """Rows of words and formulas that fit into a width."""
    rows: list[list[str | Mathematics]] = []
    for paragraph in text.split("\n"):
        row: list[str | Mathematics] = []
        used = 0.0
        for piece in _pieces(paragraph):
            wide = _width(piece)
            if row and used + wide > width:
                rows.append(row)
                row, used = [], 0.0
            row.append(piece)
            used += wide
        rows.append(row)
    return rows


def _pieces(paragraph: str) -> Iterable[str | Mathematics]:
    for at, part in enumerate(re.split(r"\$([^$]+)\$", paragraph)):
        if at % 2:
            yield current_theme().mathematics(part, 13)
        else:
            yield from re.findall(r"\S+\s*|\s+", part)


def _width(piece: str | Mathematics) -> float:
    return width_of(piece, "body") if isinstance(piece, str) else piece.size.width() + 4


def _row_height(row: list[str | Mathematics]) -> float:
    return max([LINE, *(piece.size.height() + 6 for piece in row if not isinstance(piece, str))])


def _paint_row(painter: QPainter, row: list[str | Mathematics], baseline: float) -> None:
    x = NOTE_PAD
    for piece in row:
        if isinstance(piece, str):
            painter.setFont(font("body"))
            painter.setPen(ink().colour("text"))
            painter.drawText(QPointF(x, baseline), piece)
        else:
            piece.paint(painter, x, baseline)
        x += _width(piece)
