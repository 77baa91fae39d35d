"""The row on top: mark, menus, where you are, command search, problems, theme."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenuBar, QPushButton, QSizePolicy, QToolButton, QWidget

from app.commands import tooltip
from app.panels.problems import count_text
from app.theme import current_theme
from engine.problems import Problem

HEIGHT = 40
WIDEST_TITLE = 280


class TopBar(QFrame):
    """Stands where other programs have a menu bar."""

    gallery_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("top_bar")
        self.setProperty("panel", "surface")
        self.setFixedHeight(HEIGHT)
        self.setStyleSheet("QMenuBar { border: none; background: transparent; padding: 0; }")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 12, 1)
        row.setSpacing(8)
        row.addWidget(self._make_mark())
        name = QLabel("Chainrule")
        name.setProperty("level", "title")
        row.addWidget(name)
        self.menus = QMenuBar()
        self.menus.setNativeMenuBar(False)
        self.menus.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        row.addWidget(self.menus, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        self.crumbs = Breadcrumb()
        self.crumbs.gallery_wanted.connect(self.gallery_wanted)
        row.addWidget(self.crumbs)
        row.addStretch(1)
        self.search = SearchButton()
        self.problems = ProblemButton()
        self.hold = _button("Hold evaluation: edits wait until it is let go", "pin")
        self.hold.setCheckable(True)
        self.hold.hide()
        self.theme = _button("Light or dark", "moon")
        for part in (self.search, self.hold, self.problems, self.theme):
            row.addWidget(part)
        current_theme().changed.connect(self._show_scheme)
        self._show_scheme()

    def _make_mark(self) -> QLabel:
        self._mark = QLabel()
        self._mark.setAccessibleName("Chainrule")
        return self._mark

    def show_place(self, chapter: str, title: str, modified: bool) -> None:
        """Where we are; the chapter gives way where there is no room."""
        self.crumbs.show_place(chapter, title, modified)
        self._fit()

    def show_problems(self, problems: list[Problem]) -> None:
        """How many there are; the title may have to make room for the words."""
        self.problems.show_problems(problems)
        self._fit()

    def show_waiting(self) -> None:
        """Nobody knows yet how many there are."""
        self.problems.show_waiting()
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """See what has room."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """First the chapter gives way, then the words of the search, then the end of the title; the menus never."""
        self.menus.setMinimumWidth(self.menus.sizeHint().width())
        self.search.show_words(True)
        self.crumbs.show_chapter(True)
        self.crumbs.show_title(WIDEST_TITLE)
        if self._excess() > 0:
            self.crumbs.show_chapter(False)
        if self._excess() > 0:
            self.search.show_words(False)
        excess = self._excess()
        if excess > 0:
            self.crumbs.show_title(max(40, self.crumbs.title_width - excess))

    def _excess(self) -> int:
        for layout in (self.crumbs.layout(), self.layout()):
            layout.invalidate()
            layout.activate()
        return self.layout().minimumSize().width() - self.width()

    def paintEvent(self, event: QPaintEvent) -> None:
        """A hairline below."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setPen(current_theme().pen("border"))
        painter.drawLine(0, self.height() - 1, self.width(), self.height() - 1)

    def _show_scheme(self) -> None:
        theme = current_theme()
        self._mark.setPixmap(theme.pixmap("chainrule", "text", 20))
        theme.set_icon(self.theme, "moon" if theme.is_dark else "sun")


class Breadcrumb(QWidget):
    """Gallery › chapter › title; the first leads back."""

    gallery_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        self.gallery = QPushButton("Gallery")
        self.gallery.setProperty("kind", "quiet")
        self.gallery.setStyleSheet("QPushButton { padding: 5px 4px; }")  # as near to its arrow as the others
        self.gallery.setToolTip("Back to the gallery")
        self.gallery.clicked.connect(self.gallery_wanted)
        self._whole = ""
        self._chapter, self._title = QLabel(), QLabel()
        self._chapter.setProperty("level", "2")
        self._title.setProperty("level", "strong")
        self._arrows = [QLabel("›"), QLabel("›")]
        for arrow in self._arrows:
            arrow.setProperty("level", "3")
        for part in (self.gallery, self._arrows[0], self._chapter, self._arrows[1], self._title):
            row.addWidget(part)

    def show_place(self, chapter: str, title: str, modified: bool) -> None:
        """Where we are; an empty title is the gallery itself."""
        self.setVisible(bool(title))
        self._chapter.setText(chapter)
        self.show_chapter(True)
        self._whole = title + (" •" if modified else "")
        self.show_title(WIDEST_TITLE)
        self._title.setToolTip("There are unsaved changes" if modified else title)

    def show_title(self, width: int) -> None:
        """Show as much of the title as has room in a width."""
        metrics = self._title.fontMetrics()
        self._title.setText(metrics.elidedText(self._whole, Qt.TextElideMode.ElideMiddle, width))

    @property
    def title_width(self) -> int:
        """How wide the title stands there."""
        return self._title.sizeHint().width()

    def show_chapter(self, shown: bool) -> None:
        """Show the middle part, if there is one, or leave it out."""
        for part in (self._chapter, self._arrows[1]):
            part.setVisible(shown and bool(self._chapter.text()))

    @property
    def title(self) -> str:
        """What stands last."""
        return self._title.text()


class SearchButton(QPushButton):
    """Looks like a field, opens the command search."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("command_search")
        self.setToolTip(tooltip("Find a command", "Ctrl+K"))
        self.setAccessibleName("Find a command")
        self.setFixedHeight(28)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 0, 4, 0)
        row.setSpacing(8)
        self._glass = QLabel()
        self._words, key = QLabel("Find a command"), QLabel("Ctrl K")
        self._words.setProperty("level", "3")
        key.setProperty("level", "key")
        for part in (self._glass, self._words):
            row.addWidget(part)
        row.addStretch(1)
        row.addWidget(key)
        current_theme().changed.connect(self._paint_glass)
        self._paint_glass()

    def _paint_glass(self) -> None:
        self._glass.setPixmap(current_theme().pixmap("search", "text3", 14))

    def show_words(self, shown: bool) -> None:
        """Say what it is for, or leave that to the glass and the key."""
        self._words.setVisible(shown)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """As wide as in the pictures, narrower in a narrow window."""
        return QSize(232, 28) if not self._words.isHidden() else self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        """Glass and key, and the words where they are shown."""
        return QSize(176 if not self._words.isHidden() else 96, 28)


class ProblemButton(QPushButton):
    """How many problems there are; opens their list."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("problem_count")
        self.setProperty("kind", "quiet")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setIconSize(QSize(14, 14))
        self.show_problems([])

    def show_problems(self, problems: list[Problem]) -> None:
        """Count and colour; the icon says it too."""
        is_error = any(problem.severity == "error" for problem in problems)
        icon, token = (
            ("octagon-alert", "error")
            if is_error
            else ("triangle-alert", "warn")
            if problems
            else ("circle-check", "success")
        )
        current_theme().set_icon(self, icon, token, 14)
        self.setText(f" {count_text(problems)}")
        self.setToolTip("Every problem with its place" if problems else "Everything that is drawn can run")

    def show_waiting(self) -> None:
        """Nobody knows yet: of a large graph that takes a moment."""
        current_theme().set_icon(self, "loader-circle", "text3", 14)
        self.setText(" Checking …")
        self.setToolTip("Shapes and problems of this large graph are being worked out")


def _button(title: str, icon: str) -> QToolButton:
    button = QToolButton()
    button.setToolTip(title)
    button.setAccessibleName(title)
    button.setIconSize(QSize(16, 16))
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    current_theme().set_icon(button, icon)
    return button
