"""What can be drawn into a file. Each knows its size, takes snapshots, and paints itself on any painter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QGraphicsItem, QGraphicsView, QWidget

from app.canvas.camera import LARGEST, MARGIN, SMALLEST
from app.canvas.scene import CanvasScene
from app.editor import Editor
from app.theme import current_theme
from engine.problems import Problem, ProblemError

if TYPE_CHECKING:
    from app.runner import Runner
    from app.views import View
    from engine.document import Document
    from engine.snapshot import Snapshot

VIEW_SIZE = (720, 460)  # of a view for which nobody asked a size


class Subject(Protocol):
    """Something that sits for its picture.

    size     of the picture, in device-independent pixels
    drawing  the size in which it paints itself: another one than `size` only where it is drawn in vectors
    """

    size: QSize
    drawing: QSizeF

    @property
    def is_waiting(self) -> bool:
        """Whether something of the moment last shown is still on its way."""

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Take the numbers of a moment."""

    def paint(self, painter: QPainter) -> None:
        """Paint, from (0, 0) to `drawing`."""

    def close(self) -> None:
        """Let go of everything."""


class CanvasSubject:
    """The whole graph of a document, on a scene of its own and without the grid.

    size      the picture's; None is the graph's own at full size
    vector    drawn at full size and in full detail, whatever the picture's size
    """

    is_waiting = False

    def __init__(self, document: Document, size: tuple[int, int] | None = None, vector: bool = False) -> None:
        self.editor = Editor(document)
        self.editor.check_now()  # shapes decide how large nodes are
        self._scene = scene = CanvasScene(self.editor)
        scene.has_grid = False
        scene.reduced_motion = scene.marks.reduced_motion = True
        area = scene.content_area()
        if area.isEmpty():
            raise ProblemError(Problem("the canvas is empty", "Place a node first.", kind="empty"))
        area = area.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        self.size = QSize(*size) if size is not None else area.size().toSize()
        zoom = min(self.size.width() / area.width(), self.size.height() / area.height())
        zoom = max(SMALLEST, min(LARGEST, zoom))
        self._area = QRectF(0, 0, self.size.width() / zoom, self.size.height() / zoom)
        self._area.moveCenter(area.center())
        self.drawing = self._area.size() if vector else QSizeF(self.size)
        scene.show_zoom(1.0 if vector else zoom)
        _forget_caches(scene.items())

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Nodes, wires and weights take their numbers."""
        self._scene.numbers.show(snapshot)

    def paint(self, painter: QPainter) -> None:
        """The graph in the middle."""
        self._scene.settle()
        self._scene.render(painter, QRectF(0, 0, self.drawing.width(), self.drawing.height()), self._area)

    def close(self) -> None:
        """The scene goes with its editor."""
        _delete(self.editor)


class WidgetSubject:
    """A widget as it stands on the screen, or would."""

    def __init__(self, widget: QWidget) -> None:
        self._widget = widget
        self.size = widget.size()
        self.drawing = QSizeF(self.size)

    @property
    def is_waiting(self) -> bool:
        """Never: it shows what it shows."""
        return False

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Whoever owns the widget feeds it."""

    def paint(self, painter: QPainter) -> None:
        """The widget and all its children."""
        with uncached(self._widget):
            self._widget.render(painter, QPoint(0, 0))

    def close(self) -> None:
        """It is not ours."""


class LiveViewSubject(WidgetSubject):
    """A view of the window with its head, wherever that is, and without anything to press."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self._view = view
        self.size = view.picture_size
        self.drawing = QSizeF(self.size)

    def paint(self, painter: QPainter) -> None:
        """Head and body."""
        painter.fillRect(QRectF(0, 0, self.drawing.width(), self.drawing.height()), current_theme().colour("surface"))
        self._view.paint_picture(painter)


class ViewSubject(LiveViewSubject):
    """A view of a document on a runner of its own, never shown on a screen. Raises `ProblemError` for an unknown name."""

    def __init__(self, document: Document, name: str, runner: Runner, size: tuple[int, int] | None = None) -> None:
        from app.views import VIEWS
        from engine.problems import did_you_mean

        if name not in VIEWS:
            mend = did_you_mean(name, VIEWS) or f"There are: {', '.join(VIEWS)}."
            raise ProblemError(Problem(f"no view is called “{name}”", mend, kind="unknown"))
        self.editor = Editor(document)
        view = VIEWS[name](self.editor, runner)
        view.take_settings()  # what the document says of a view of this kind
        view.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        view.resize(QSize(*(size or VIEW_SIZE)))
        view.show()
        super().__init__(view)

    @property
    def is_waiting(self) -> bool:
        """Whether a prediction or a surface is still being computed."""
        return self._view.is_waiting

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """The view's numbers, or its sentence where it has none."""
        self._view.show_snapshot(snapshot)

    def close(self) -> None:
        """View and editor go."""
        self._view.hide()
        _delete(self._view)
        _delete(self.editor)


@contextmanager
def uncached(widget: QWidget) -> Iterator[None]:
    """Let canvases paint their items anew: their caches hold pixels for the screen, and none for a vector."""
    views = [widget, *widget.findChildren(QGraphicsView)]
    items = [item for view in views if isinstance(view, QGraphicsView) for item in view.scene().items()]
    kept = [(item, item.cacheMode()) for item in items]
    _forget_caches(items)
    try:
        yield
    finally:
        for item, mode in kept:
            item.setCacheMode(mode)


def _forget_caches(items: list[QGraphicsItem]) -> None:
    for item in items:
        item.setCacheMode(QGraphicsItem.CacheMode.NoCache)


def _delete(thing: QWidget | Editor) -> None:
    thing.deleteLater()
    QApplication.sendPostedEvents(thing, QEvent.Type.DeferredDelete)
