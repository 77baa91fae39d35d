"""What every view has: a head that says what is shown and for which iteration, a body, and a sentence where it is empty."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import current_theme
from app.theme.target import painting_into
from app.views.caption import SEPARATOR, ElidedLabel
from app.views.wanted import entries_of, listed
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.editor import Change, Editor
    from app.runner import Runner
    from engine.snapshot import Snapshot

STALE_AFTER_MS = 250  # an edit is followed by its snapshot within a few frames: greying out for so short would flicker
EXPORT_SCALE = 2.0
EXPORT_FILTER = "PNG (*.png);;SVG (text stays text) (*.svg);;JPEG (*.jpg *.jpeg)"
NARROWEST = 270  # pixels of a head, whatever it holds
TEAR_OFF, PUT_BACK = "Tear off into a window", "Put back into the window"


class View(QFrame):
    """A live picture fed by snapshots. Subclasses build a body once and then only feed it.

    kind          its type in a document; id: its name there, another one where a type is open more than once
    several       whether it makes sense to open more than one
    title, icon   what the head says
    make_body     called when the view is first fed or shown, never before
    feed          hands a snapshot to the body; returns why there is nothing to see, or an empty text
    recall        takes over what the document remembers (`settings`), as `remember` wrote it
    """

    kind: ClassVar[str] = ""
    several: ClassVar[bool] = False
    title: ClassVar[str] = ""
    icon: ClassVar[str] = "chart-line"

    renamed = Signal(str)
    filled = Signal()  # there is something to see where there was nothing
    tear_wanted = Signal()
    close_wanted = Signal()

    def __init__(self, editor: Editor, runner: Runner | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor, self.runner = editor, runner
        self.id = self.kind
        self._recalled: dict[str, Any] = {}
        self.snapshot: Snapshot | None = None
        self._body: QWidget | None = None
        self._reason = "Nothing is computed yet. Press → to step, or Space to play."
        self.setProperty("panel", "surface")
        self.setMinimumSize(180, 120)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self.head = self._make_head()
        self._column.addWidget(self.head)
        self._empty = QLabel(self._reason)
        self._empty.setProperty("level", "3")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setContentsMargins(24, 0, 24, 24)
        self._column.addWidget(self._empty, 1)
        self._veil = Veil(self)
        self._going_stale = QTimer(self, singleShot=True, interval=STALE_AFTER_MS)
        self._going_stale.timeout.connect(self._show_stale)
        editor.changed.connect(self._follow)

    def _make_head(self) -> Head:
        head = Head()
        head.setProperty("panel", "surface")
        row = QHBoxLayout(head)
        row.setContentsMargins(12, 7, 8, 5)
        row.setSpacing(8)
        self._icon = QLabel()
        self._name = QLabel(self.title)
        self._name.setProperty("level", "strong")
        self.subtitle = ElidedLabel()
        self.subtitle.setProperty("level", "caption")
        self.subtitle.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.export_button = self._tool("download", "Export as PNG, SVG or JPEG …", self.export)
        self.tear_button = self._tool("external-link", TEAR_OFF, self.tear_wanted)
        self.close_button = self._tool("x", "Close this view", self.close_wanted)
        row.addWidget(self._icon)
        row.addWidget(self._name)
        row.addWidget(self.subtitle, 1)
        for part in (self.export_button, self.tear_button, self.close_button):
            row.addWidget(part)
        self._head = row
        self._paint_icon()
        current_theme().changed.connect(self._paint_icon)
        return head

    def rename(self, title: str) -> None:
        """Let the head say something else."""
        if title != self._name.text():
            self._name.setText(title)
            self.renamed.emit(self.label)

    def show_name(self, on: bool) -> None:
        """Leave the name out of the head where a tab bears it."""
        self._name.setVisible(on)

    @property
    def label(self) -> str:
        """What a tab or a window of this view is called."""
        return self._name.text()

    def show_torn_off(self, on: bool) -> None:
        """Say what the button does now."""
        help = PUT_BACK if on else TEAR_OFF
        self.tear_button.setToolTip(help)
        self.tear_button.setAccessibleName(help)
        current_theme().set_icon(self.tear_button, "panel-bottom" if on else "external-link", "text3", 15)

    def add_tool(self, control: QWidget) -> None:
        """Put a button or a choice of the view's own before export and tear-off."""
        self._head.insertWidget(self._head.indexOf(self.export_button), control)

    def _tool(self, icon: str, help: str, act: object) -> QToolButton:
        button = QToolButton()
        button.setFixedSize(24, 24)
        button.setIconSize(QSize(15, 15))
        button.setToolTip(help)
        button.setAccessibleName(help)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(act)
        current_theme().set_icon(button, icon, "text3", 15)
        return button

    def _paint_icon(self) -> None:
        self._icon.setPixmap(current_theme().pixmap(self.icon, "text3", 15))

    def sizeHint(self) -> QSize:
        return QSize(420, 300)

    # for subclasses --------------------------------------------------------------------------------------------------

    def make_body(self) -> QWidget:
        """The widget that paints."""
        raise TypeError(f"{type(self).__name__} does not say what it paints with")

    def feed(self, snapshot: Snapshot) -> str:
        """Hand the numbers on; the sentence that says why there is nothing to see, if so."""
        raise TypeError(f"{type(self).__name__} does not say what it shows")

    def peek(self, snapshot: Snapshot) -> None:
        """A snapshot came while it cannot be seen: take what its name needs, and no more."""

    @property
    def describes_first(self) -> bool:
        """Whether that is said before the iteration, and left away last."""
        return False

    def describe(self, snapshot: Snapshot) -> str:
        """What the subtitle says beside the iteration."""
        return ""

    def document_changed(self, change: Change) -> None:
        """An edit happened; the next snapshot brings its numbers."""

    def recall(self) -> None:
        """Other settings are in the document: look so."""

    # settings, which the document keeps ------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """What the document remembers of this view; empty where it does not show it."""
        return entries_of(self.editor.document.views).get(self.id, {})

    def remember(self, text: str, **settings: Any) -> None:
        """Write settings into the document, as one step called `text`; nothing where it does not show this view."""
        entries = entries_of(self.editor.document.views)
        if self.id in entries:
            changed = {**entries[self.id], **settings}
            self._recalled = changed
            self.editor.set_attribute("views", listed({**entries, self.id: changed}), text)

    # showing ---------------------------------------------------------------------------------------------------------

    @property
    def body(self) -> QWidget:
        """The painting widget, made on first use."""
        if self._body is None:
            self._body = self.make_body()
            self._column.addWidget(self._body, 1)
            self._veil.raise_()
        return self._body

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """The numbers of another moment."""
        self.snapshot = snapshot
        body = self.body
        self.set_reason(self.feed(snapshot))
        body.update()
        if snapshot.revision >= self.editor.revision:
            self._going_stale.stop()
            self._veil.hide()
        elif not self._going_stale.isActive():
            self._going_stale.start()
        self._say()

    def set_reason(self, reason: str) -> None:
        """Why the view is empty; an empty text shows the body."""
        if self._reason and not reason:
            self.filled.emit()
        self._reason = reason
        if self._empty.text() != reason:
            self._empty.setText(reason)
        self._empty.setVisible(bool(reason))
        if self._body is not None:
            self._body.setVisible(not reason)

    @property
    def reason(self) -> str:
        """Why there is nothing to see; empty while there is."""
        return self._reason

    @property
    def is_stale(self) -> bool:
        """Whether what is shown was computed for an earlier graph, and shown as such."""
        return not self._veil.isHidden()

    @property
    def is_waiting(self) -> bool:
        """Whether an answer is on its way without which the picture is not that of the moment last shown."""
        return False

    def _say(self) -> None:
        if self.snapshot is None:
            return
        count = f"{self.snapshot.iteration:,}".replace(",", "\u202f")
        parts = [f"iteration {count}", "of an earlier graph" if self.is_stale else "", self.describe(self.snapshot)]
        if self.describes_first:
            parts.reverse()
        text = SEPARATOR.join(part for part in parts if part)
        if self.subtitle.text() != text:
            self.subtitle.setText(text)

    def _follow(self, change: Change) -> None:
        if "reset" in change.kinds:
            self.snapshot = None
            self._going_stale.stop()
            self._veil.hide()
            self.subtitle.clear()
            self.set_reason("Nothing is computed yet. Press → to step, or Space to play.")
        elif self.snapshot is not None and self.snapshot.revision < self.editor.revision:
            self._going_stale.start()
        self.document_changed(change)
        if "reset" in change.kinds or change.touches("views"):
            self.take_settings()

    def take_settings(self) -> None:
        """Recall what the document remembers, unless that is what is shown."""
        settings = {key: value for key, value in self.settings.items() if key != "place"}
        if settings != self._recalled:
            self._recalled = settings
            self.recall()

    def _show_stale(self) -> None:
        self._veil.setGeometry(self._below_head())
        self._veil.setVisible(self.snapshot is not None and self.snapshot.revision < self.editor.revision)
        self._veil.raise_()
        self._say()

    def _below_head(self) -> QRect:
        return self.rect().adjusted(0, self.head.height() if self.isAncestorOf(self.head) else 0, 0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._veil.setGeometry(self._below_head())

    # taking away -----------------------------------------------------------------------------------------------------

    def picture(self, scale: float = EXPORT_SCALE) -> QPixmap:
        """The view as a picture, head included but nothing to press, `scale` pixels for one of the screen."""
        pixmap = QPixmap(self.picture_size * scale)
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(current_theme().colour("surface"))
        painter = QPainter(pixmap)
        with painting_into("pixels"):
            self.paint_picture(painter)
        painter.end()
        return pixmap

    @property
    def picture_size(self) -> QSize:
        """Of the view with its head, which may be a tab elsewhere."""
        return QSize(self.width(), self.height() + self._height_of_head())

    def paint_picture(self, painter: QPainter) -> None:
        """Paint the picture with any painter, from its upper left corner."""
        above = self._height_of_head()
        with self._without_controls():
            if above:
                self.head.render(painter, QPoint(0, 0))
            self.render(painter, QPoint(0, above))

    def _height_of_head(self) -> int:
        return 0 if self.isAncestorOf(self.head) else self.head.height()

    @contextmanager
    def _without_controls(self) -> Iterator[None]:
        """Only what can be read, its name in full."""
        pressed = [*self._controls_in(self.head), *self._controls_in(self)]
        name, is_hidden = self._name.text(), self._name.isHidden()
        self._name.setText(self.label)
        self._name.show()
        self._hide(pressed, True)
        yield
        self._name.setText(name)
        self._name.setHidden(is_hidden)
        self._hide(pressed, False)

    def _hide(self, controls: list[QWidget], hidden: bool) -> None:
        for control in controls:
            control.setHidden(hidden)
        for layout in (self._head, self._column):
            layout.activate()

    def _controls_in(self, part: QWidget) -> list[QWidget]:
        found: list[QWidget] = [*part.findChildren(QAbstractButton), *part.findChildren(QComboBox)]
        return [each for each in found if not each.isHidden() and not (self._body and self._body.isAncestorOf(each))]

    def export(self) -> None:
        """Ask for a file and write the picture there, in the format that its name says."""
        from app.capture.pictures import save_picture  # it knows of views in its turn
        from app.capture.subjects import LiveViewSubject

        name = self.title.lower().replace(" ", "-")
        suggestion = str(Path.home() / f"{self.editor.document.id}-{name}.png")
        chosen, kind = QFileDialog.getSaveFileName(self.window(), f"Export {self.title}", suggestion, EXPORT_FILTER)
        if not chosen:
            return
        path = Path(chosen)
        if not path.suffix:
            path = path.with_suffix(".svg" if kind.startswith("SVG") else ".jpg" if kind.startswith("JPEG") else ".png")
        try:
            save_picture(LiveViewSubject(self), path, EXPORT_SCALE, self.label)
        except ProblemError as error:
            self.subtitle.setText(str(error.problems[0]))


class Head(QFrame):
    """The row on top. Where it is wide it may hold more than fits into a narrow one: that must not keep it wide."""

    def minimumSizeHint(self) -> QSize:
        """Room for a name and three buttons."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), NARROWEST), hint.height())


class Veil(QWidget):
    """Lies over a view that shows an earlier graph."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Of an earlier graph")
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.fillRect(self.rect(), theme.colour("surface", 0.62))
        painter.drawPixmap(self.width() - 28, 8, theme.pixmap("clock", "text2", 16))
