"""What the gallery is made of: a card for a document, a row of the side bar; buttons, for keys and screen readers."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPixmap,
)
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.library import Preset
from app.panels.thumbnails import thumbnail
from app.theme import current_theme

if TYPE_CHECKING:
    from app.panels.rehearsal import Scene

TEXT_HEIGHT = 102
PICTURE_SHARE = 0.42  # height of the picture by its width
LINE = 18
KEPT_PICTURES = 96  # of cards that were painted last; all of them would take 75 MB, four times that on a fine screen
BY_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


class HoverButton(QAbstractButton):
    """A button that paints itself and knows whether the mouse is over it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        current_theme().changed.connect(self.update)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Paint the hover."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Paint the rest state."""
        super().leaveEvent(event)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter presses as Space does; arrows are left to whoever arranges the buttons."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == Qt.Key.Key_Space:
            super().keyPressEvent(event)
        else:
            event.ignore()


def card_height(width: int) -> int:
    """Picture, which keeps its proportions, and text."""
    return round(PICTURE_SHARE * width) + TEXT_HEIGHT


class Card(HoverButton):
    """One preset: picture, title, question, size and marks. The picture moves while it is shown scenes."""

    looked_at = Signal(bool)  # the pointer or the keyboard came, or has left

    def __init__(self, preset: Preset, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preset = preset
        self.scene: Scene | None = None
        self._is_dressed = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def dress(self) -> None:
        """Say what it is. That takes the preset's file: hundreds of them before the first picture would be waited for."""
        if not self._is_dressed:
            self._is_dressed, preset = True, self.preset
            self.setText(preset.title)
            self.setAccessibleName(f"{preset.title}. {preset.question}")
            self.setToolTip(f"{preset.title}: {preset.question}  (Enter)")

    @cached_property
    def _size_text(self) -> str:
        return self.preset.size  # found when it is painted: it may ask for the data

    def show_scene(self, scene: Scene | None) -> None:
        """Show a moment of the preset as it plays; None: the picture at rest."""
        self.scene = scene
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        """The pointer is here."""
        super().enterEvent(event)
        self.looked_at.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        """The pointer has left."""
        super().leaveEvent(event)
        self.looked_at.emit(False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard is here; nothing begins where the window put it by itself."""
        super().focusInEvent(event)
        if event.reason() in BY_KEYBOARD:
            self.looked_at.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The keyboard has left."""
        super().focusOutEvent(event)
        self.looked_at.emit(False)

    def heightForWidth(self, width: int) -> int:
        """As high as every card of that width."""
        return card_height(width)

    def sizeHint(self) -> QSize:
        """A card of the usual width."""
        return QSize(260, self.heightForWidth(260))

    def minimumSizeHint(self) -> QSize:
        """As narrow as a title stays readable."""
        return QSize(180, self.heightForWidth(180))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Everything, clipped to the round border."""
        self.dress()
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        outline = QPainterPath()
        outline.addRoundedRect(frame, theme.radius.node, theme.radius.node)
        painter.fillPath(outline, theme.colour("hover" if self.isDown() else "raised"))
        painter.save()
        painter.setClipPath(outline)
        picture = QRectF(frame.left(), frame.top(), frame.width(), frame.height() - TEXT_HEIGHT)
        painter.drawPixmap(picture.topLeft(), self._picture_of(picture.size()))
        painter.setPen(theme.pen("border"))
        painter.drawLine(picture.bottomLeft(), picture.bottomRight())
        painter.restore()
        self._paint_words(painter, QRectF(frame.left(), picture.bottom(), frame.width(), TEXT_HEIGHT))
        focused, hovered = self.hasFocus(), self.underMouse()
        painter.setPen(
            theme.pen("accent" if focused else "border_strong" if hovered else "border", 2 if focused else 1)
        )
        painter.drawPath(outline)

    def _picture_of(self, size: QSizeF) -> QPixmap:
        ratio = self.devicePixelRatioF()
        if self.scene is not None:
            return thumbnail(self.preset.json, size, ratio, self.scene)
        return _picture(self.preset, size.toTuple(), ratio, current_theme().is_dark)

    def _paint_words(self, painter: QPainter, area: QRectF) -> None:
        theme = current_theme()
        inner = area.adjusted(14, 10, -14, -8)
        line = QRectF(inner.left(), inner.top(), inner.width(), LINE)
        _paint_line(painter, line, self.preset.title, "title", "text")
        for at, words in enumerate(two_lines(self.preset.question, QFontMetricsF(theme.font("body")), line.width())):
            _paint_line(painter, line.translated(0, 20 + (LINE - 1) * at), words, "body", "text2")
        marks = line.translated(0, 62)
        painter.setFont(theme.font("number_small"))
        painter.setPen(theme.colour("text3"))
        painter.drawText(marks, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._size_text)
        x = inner.left()
        for word, icon in self._marks():
            painter.drawPixmap(round(x), round(marks.top() + 2), theme.pixmap(icon, "text3", 14))
            place = QRectF(x + 19, marks.top(), inner.right() - x - 19, LINE)
            _paint_line(painter, place, word, "caption", "text3")
            x += 19 + QFontMetricsF(theme.font("caption")).horizontalAdvance(word) + 16

    def _marks(self) -> list[tuple[str, str]]:
        marks = []
        if self.preset.has_tour:
            marks.append(("tour", "route"))
        if self.preset.is_step_by_step:
            marks.append(("step by step", "step-forward"))
        return marks


@lru_cache(maxsize=KEPT_PICTURES)
def _picture(preset: Preset, size: tuple[float, float], ratio: float, is_dark: bool) -> QPixmap:
    """The card at rest; `is_dark` only tells pictures of two schemes apart."""
    return thumbnail(preset.json, QSizeF(*size), ratio)


class SideRow(HoverButton):
    """A row of the side bar: icon, words, a count or a second line."""

    def __init__(self, text: str, icon: str, count: int | None = None, below: str = "") -> None:
        super().__init__()
        self.setText(text)
        self._icon, self._count, self._below = icon, count, below
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"{text}, {count} examples" if count is not None else f"{text}, {below}")

    def sizeHint(self) -> QSize:
        """One line or two."""
        return QSize(200, 44 if self._below else 30)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A soft ground where chosen, with an edge that does not rely on colour."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(theme.pen("focus") if self.hasFocus() else Qt.PenStyle.NoPen)
        chosen = self.isChecked()
        if chosen or self.underMouse() or self.hasFocus():
            painter.setBrush(theme.colour("selection" if chosen else "hover"))
            painter.drawRoundedRect(frame, theme.radius.field, theme.radius.field)
        if chosen:
            painter.fillRect(QRectF(0, 4, 2, self.height() - 8), theme.colour("accent"))
        first = QRectF(38, 6 if self._below else (self.height() - LINE) / 2, self.width() - 50, LINE)
        painter.drawPixmap(12, round(first.top() + 1), theme.pixmap(self._icon, "text" if chosen else "text2", 16))
        if self._count is not None:
            painter.setFont(theme.font("number_small"))
            painter.setPen(theme.colour("text3"))
            painter.drawText(first, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(self._count))
        role, token = ("strong", "text") if chosen else ("body", "text" if self._below else "text2")
        _paint_line(painter, first.adjusted(0, 0, -28 if self._count is not None else 0, 0), self.text(), role, token)
        if self._below:
            _paint_line(painter, first.translated(0, 16), self._below, "caption", "text3")


def two_lines(text: str, metrics: QFontMetricsF, width: float) -> list[str]:
    """A sentence in at most two lines, broken between words; the second holds the rest, however long."""
    words = text.split()
    first = words[:1]
    for word in words[1:]:
        if metrics.horizontalAdvance(" ".join([*first, word])) > width:
            break
        first.append(word)
    rest = words[len(first) :]
    return [" ".join(part) for part in (first, rest) if part]


def _paint_line(painter: QPainter, area: QRectF, text: str, role: str, token: str) -> None:
    """One line of text, shortened with an ellipsis where it must be."""
    theme = current_theme()
    font = theme.font(role)
    shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, area.width())
    painter.setFont(font)
    painter.setPen(theme.colour(token))
    painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
