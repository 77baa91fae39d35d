"""The mouse on the canvas: one interaction at a time has it; hints stand at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QHelpEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QGraphicsView, QToolTip, QWidget

from app.canvas.actions import attempt
from app.canvas.backdrop import Backdrop
from app.canvas.camera import Camera
from app.canvas.drops import DropHand
from app.canvas.held_key import HeldKey
from app.canvas.hint import Hint
from app.canvas.hits import LAYER_PARTS, Hit, hit_at
from app.canvas.interactions.base import Interaction
from app.canvas.interactions.choose import begin_left, begin_right, lead_over
from app.canvas.interactions.pan import Pan
from app.canvas.peek import range_words
from app.canvas.scene import CanvasScene
from app.canvas.search_box import SearchBox
from app.editor import Change, Editor
from engine.problems import ProblemError

if TYPE_CHECKING:
    from app.canvas.view import CanvasView

HINT_MS = 4000
WHEEL_STEP = 1.15  # zoom for one notch of the wheel


class GestureView(QGraphicsView):
    """Hands presses, moves and releases to the interaction that `choose` picks; everything is undone by `cancel`.

    Only ever built as a CanvasView, which adds numbers, keyboard and editing in place; interactions see it as that.
    """

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor: Editor = editor
        self.canvas = CanvasScene(editor)
        self.backdrop = Backdrop(self, self.canvas)
        self.mode: Interaction | None = None
        self.search: SearchBox | None = None
        self.whole = cast("CanvasView", self)
        self.camera = Camera(self.whole)
        self.wheel_pans = self.snap_to_grid = self.makes_room = False  # habits that a person may choose
        self._position = QPoint(-1, -1)  # of the mouse, in pixels of the viewport
        self._pressed_at = QPoint()
        self._space_held = self.cut_held = False  # Space or Y: a drag pans, or cuts wires
        self.align_key = HeldKey(self)  # A: a drag sets the selection in line
        self._hovered = Hit("empty")
        self._set_up_widget()
        self._drops = DropHand(self)
        editor.changed.connect(self._let_go)
        editor.path_changed.connect(lambda _: self.cancel())  # undo may lead to another level while the mouse is down
        self._hint = Hint(self.viewport())
        self._hint_timer = QTimer(self, singleShot=True, interval=HINT_MS)
        self._hint_timer.timeout.connect(lambda: self.show_hint(""))

    def _set_up_widget(self) -> None:
        self.setScene(self.canvas)
        self.setFrameShape(QGraphicsView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState, False)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.SmartViewportUpdate)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setResizeAnchor(QGraphicsView.ViewportAnchor.NoAnchor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.viewport().setMouseTracking(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)

    @property
    def zoom(self) -> float:
        """Pixels on screen per pixel of the scene."""
        return self.transform().m11()

    # hints -----------------------------------------------------------------------------------------------------------

    def hint(self) -> str:
        """The text at the cursor; empty where there is none."""
        return self._hint.text() if self._hint.isVisible() else ""

    def show_hint(self, text: str, bad: bool = False) -> None:
        """Show a text at the cursor until the next one."""
        self._hint_timer.stop()
        self._hint.say(text, self._last_position(), bad)

    def tell(self, error: Exception) -> None:
        """Show why something was refused, for a while."""
        words = (
            [f"{p.fact.rstrip('.')}. {p.mend}".strip() for p in error.problems]
            if isinstance(error, ProblemError)
            else []
        )
        self.show_hint(words[0] if words else str(error), bad=True)
        self._hint_timer.start()

    def _last_position(self) -> QPoint:
        return self._position if self._position.x() >= 0 else self.viewport().rect().center()

    def cursor_point(self) -> QPointF:
        """Where the mouse is on the scene, or the middle of the view while it is elsewhere."""
        inside = self.viewport().rect().contains(self._last_position())
        return self.mapToScene(self._last_position() if inside else self.viewport().rect().center())

    # the mouse -------------------------------------------------------------------------------------------------------

    def hit(self, point: QPointF) -> Hit:
        """What lies at a point of the scene."""
        return hit_at(self.canvas, point, self.zoom)

    def begin(self, mode: Interaction | None) -> None:
        """Hand the mouse to a mode."""
        self.mode = mode
        self.whole.formula_note.update()
        if mode is not None and mode.cursor is not None:
            self.viewport().setCursor(mode.cursor)

    def settle_mode(self) -> None:
        """Take the mouse back from a mode that is done."""
        if self.mode is not None and self.mode.done:
            self.mode = None
            self.whole.formula_note.update()
            self.viewport().unsetCursor()
            self.look_again()

    def _let_go(self, change: Change) -> None:
        """Undo by a key while the mouse is down may take away what the hand holds."""
        if self.mode is not None and not self.mode.done and change.touches("node_removed", "wire_removed"):
            self.cancel()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture, or go on with one that takes several presses."""
        self._position = self._pressed_at = event.position().toPoint()
        point = self.mapToScene(self._pressed_at)
        if self.search is not None:
            self.search.close_box()
        if self.mode is not None:
            if event.button() == Qt.MouseButton.LeftButton:
                attempt(self.whole, lambda _: self.mode.press(point, event.modifiers()) if self.mode else None)
            else:
                self.cancel()
        elif event.button() == Qt.MouseButton.MiddleButton or (
            self._space_held and event.button() == Qt.MouseButton.LeftButton
        ):
            self.begin(Pan(self.whole, point))
        elif event.button() == Qt.MouseButton.LeftButton:
            attempt(self.whole, lambda _: self.begin(begin_left(self.whole, point, event.modifiers())))
        elif event.button() == Qt.MouseButton.RightButton:
            self.begin(begin_right(self.whole, point, event.modifiers()))
        self.settle_mode()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with the gesture, or light what lies under the mouse."""
        self._position = event.position().toPoint()
        if self.mode is None:
            self._hover(self.hit(self.mapToScene(self._position)))
            return
        mode = self.mode
        if not mode.travelled:
            distance = (self._position - self._pressed_at).manhattanLength()
            mode.travelled = distance >= QApplication.startDragDistance() // 2
        attempt(self.whole, lambda _: mode.move(self.mapToScene(self._position), event.modifiers()))
        self.settle_mode()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish the gesture."""
        self._position = event.position().toPoint()
        if self.mode is not None:
            mode = self.mode
            attempt(self.whole, lambda _: mode.release(self.mapToScene(self._position), event.modifiers()))
            self.settle_mode()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Empty canvas: search. Wire: a dot. Title: rename. Note: write. Layer: open, or close. Others: tell who shows them."""
        self._position = event.position().toPoint()
        point = self.mapToScene(self._position)
        hit = self.hit(point)
        if event.button() != Qt.MouseButton.LeftButton or hit.kind in (
            "port",
            "weight",
            "field",
            "fold",
            "line",
            "bias",
        ):
            self.mousePressEvent(event)
            return
        self.cancel()
        if hit.kind == "empty":
            self.whole.open_search(point)
        elif hit.kind == "wire":
            attempt(self.whole, lambda _: lead_over(self.whole, point, hit.name))
        elif hit.kind in ("node", "value", "feature", "note", "frame"):
            self.editor.select([hit.name])
            on_header = hit.kind in ("note", "frame") or point.y() - self.canvas.area_of(hit.name).top() <= 28
            self.whole.rename() if on_header else self.whole.open_node(hit.name)
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; two fingers on a touch pad (or the setting) pan."""
        fingers = not event.pixelDelta().isNull() and event.device().type().name == "TouchPad"
        if (fingers or self.wheel_pans) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            delta = event.pixelDelta() if fingers else event.angleDelta() / 2
            self.whole.pan_by(QPointF(delta) / self.zoom)
        else:
            self.camera.zoom_at(event.position(), 1.15 ** (event.angleDelta().y() / 120))
        event.accept()

    def _hover(self, hit: Hit) -> None:
        if hit == self._hovered:
            return
        self.whole.peek_at(hit)
        old, self._hovered = self._hovered, hit
        for was, on in ((old, False), (hit, True)):
            name = was.name.partition(".")[0]
            if was.kind in LAYER_PARTS:
                self._point_at(was, on)
            elif was.kind == "weight" and was.name in self.canvas.labels:
                self.canvas.labels[was.name].hovered = on
                self.canvas.labels[was.name].update()
            elif was.kind == "wire":
                self.canvas.light_run(
                    self.canvas.wires[was.name].wire.source if on and was.name in self.canvas.wires else ""
                )
            elif was.kind == "port":
                self._light_port(was, on)
            elif name in self.canvas.nodes:
                self.canvas.nodes[name].show_state(hovered=on)
        vertical = hit.kind in ("weight", "value", "line", "bias") or (hit.kind == "field" and hit.field is not None)
        self.viewport().setCursor(Qt.CursorShape.SizeVerCursor if vertical else Qt.CursorShape.ArrowCursor)

    def _light_port(self, hit: Hit, on: bool) -> None:
        """Light all wires that carry what comes out of a port, or in at it."""
        wires = (
            self.canvas.graph.wires_into(*hit.name.split(".", 1)) if hit.port is not None and hit.port.is_input else []
        )
        self.canvas.light_run((wires[-1].source if wires else hit.name) if on else "")
        if (name := hit.name.partition(".")[0]) in self.canvas.nodes:
            self.canvas.nodes[name].show_state(hovered=on)

    def _point_at(self, hit: Hit, on: bool) -> None:
        """Light a weight or neuron of an opened layer, and say what it is."""
        if (layer := self.canvas.layers.get(hit.name)) is None:
            return
        layer.point_at(hit.kind if on else "", hit.index if on else -1)
        self.show_hint(self.canvas.layers.words_of(hit) if on else "")

    def look_again(self) -> None:
        """The camera has moved, or numbers have changed: what is said about a part of a layer follows."""
        if self.mode is None and self._hovered.kind in LAYER_PARTS:
            hit = self.hit(self.mapToScene(self._position))
            if hit == self._hovered:
                self._point_at(hit, True)
            else:
                self._hover(hit)

    def viewportEvent(self, event: QEvent) -> bool:
        """Two fingers that part zoom; tooltips say what a port is, and why a node is faulty."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.camera.zoom_at(event.position(), 1.0 + event.value())
            return True
        if event.type() == QEvent.Type.ToolTip:
            position = cast(QHelpEvent, event).pos()
            hit = self.hit(self.mapToScene(position))
            text = ""
            if hit.port is not None:
                text = "<br>".join(part for part in (hit.port.tip, range_words(self.canvas, hit.name)) if part)
            if not text and hit.name in self.canvas.nodes:
                text = self.canvas.nodes[hit.name].live.state.reason
            QToolTip.showText(self.viewport().mapToGlobal(position), text, self.viewport())
            return True
        return super().viewportEvent(event)

    def cancel(self) -> None:
        """Esc: undo exactly the gesture in hand."""
        if self.mode is not None:
            self.mode.cancel()
            self.mode.done = True
            self.settle_mode()
        self.show_hint("")

    # things dropped from the palette ---------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A node type from the palette; files go on to the window."""
        event.setAccepted(self._drops.enter(event.mimeData()))

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Light the wire into which the node would be inserted."""
        self._drops.move(self.mapToScene(event.position().toPoint()), event.modifiers())
        event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """As if nothing had been here."""
        self._drops.leave()

    def dropEvent(self, event: QDropEvent) -> None:
        """Place the node."""
        point = self.mapToScene(event.position().toPoint())
        attempt(self.whole, lambda _: self._drops.drop(event.mimeData(), point))
        event.acceptProposedAction()
        self.setFocus()
