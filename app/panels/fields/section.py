"""What the pages of the inspector are made of: sections with a head, lines of words, symbols set as mathematics."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.theme import Mathematics, current_theme
from app.theme.mathematics import plain_text

PADDING = 12
SLACK = 6  # the last letter's ink may reach beyond its advance


class Section(QWidget):
    """A head and what belongs to it, with a hairline above.

    body   where the contents go
    aside  a layout at the right of the head, for a note, an icon or a button
    """

    def __init__(self, title: str, note: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Not Maximum: that would cap formulas, which break into more rows where the panel is narrow.
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        column = QVBoxLayout(self)
        column.setContentsMargins(PADDING + 4, 11, PADDING + 4, 13)
        column.setSpacing(8)
        self.title = words(title, "strong")
        self.note = words(note, "caption", wrap=False)
        self.aside = QHBoxLayout()
        self.aside.setSpacing(6)
        self.aside.addWidget(self.title)
        self.aside.addStretch(1)
        self.aside.addWidget(self.note)
        column.addLayout(self.aside)
        if not title:  # a row of what is hidden takes no room
            self.title.hide()
            self.note.hide()
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(8)
        column.addLayout(self.body)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The hairline above."""
        painter = QPainter(self)
        painter.fillRect(0, 0, self.width(), 1, current_theme().colour("border"))


class Symbol(QWidget):
    """A formula on one line, as wide as it is; set when it is first painted."""

    def __init__(self, latex: str, size: float = 13, token: str = "text", width: int | None = None) -> None:
        super().__init__()
        self._latex, self._size, self._token, self._width = latex, size, token, width
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(plain_text(latex))
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        current_theme().changed.connect(self.update)

    def set_latex(self, latex: str) -> None:
        """Show another formula."""
        if latex != self._latex:
            self._latex = latex
            self.setAccessibleName(plain_text(latex))
            self.updateGeometry()
            self.update()

    def _set(self) -> Mathematics:
        return current_theme().mathematics(self._latex, self._size, self._token)

    def sizeHint(self) -> QSize:
        if not self._latex:
            return QSize(self._width or 0, 20)
        size = self._set().size
        width = size.width() if self._width is None else max(self._width, size.width())
        return QSize(int(width) + SLACK, max(20, int(size.height()) + 2))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._latex:
            formula = self._set()
            formula.paint(QPainter(self), 0, (self.height() - formula.size.height()) / 2 + formula.baseline)


def words(text: str, level: str = "2", wrap: bool = True) -> QLabel:
    """A label of a level of the style sheet ("2", "caption", "strong", "number" …)."""
    label = QLabel(text)
    label.setProperty("level", level)
    label.setWordWrap(wrap)
    label.setTextFormat(Qt.TextFormat.PlainText)
    return label


def tool(icon: str, help: str, token: str = "text3", size: int = 14) -> QToolButton:
    """A small quiet button."""
    button = QToolButton()
    button.setFixedSize(22, 22)
    button.setIconSize(QSize(size, size))
    button.setToolTip(help)
    button.setAccessibleName(help)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    current_theme().set_icon(button, icon, token, size)
    return button


def link(text: str, help: str, icon: str = "") -> QToolButton:
    """A button that reads like a word."""
    button = QToolButton()
    button.setText(text)
    button.setToolTip(help)
    button.setStyleSheet("QToolButton { padding: 0 2px; font-size: 11px; border-radius: 3px; }")
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if icon:
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setIconSize(QSize(12, 12))
        current_theme().set_icon(button, icon, "text3", 12)
    return button


def clear(layout: QVBoxLayout | QHBoxLayout) -> None:
    """Take everything out of a layout and let it go."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif item.layout() is not None:
            clear(item.layout())  # type: ignore[arg-type]
