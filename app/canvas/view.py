"""The canvas widget: looks at the scene, hands the mouse to one interaction at a time, keeps the camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QPoint, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QCursor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGraphicsView, QToolTip, QWidget

from app.canvas.actions import attempt, make_actions, make_menu
from app.canvas.camera import Camera
from app.canvas.corner_widgets import Minimap, ZoomControl
from app.canvas.hint import Hint
from app.canvas.hits import Hit, hit_at
from app.canvas.interactions.base import NO_MODIFIER, Interaction
from app.canvas.interactions.choose import begin_left, begin_right
from app.canvas.interactions.pan import Pan
from app.canvas.keyboard import KeyboardHand
from app.canvas.rename import edit_field, rename
from app.canvas.scene import CanvasScene
from app.canvas.search_box import SearchBox
from app.editor import Editor
from engine.problems import ProblemError

FRAME_MS = 16
HINT_MS = 4000


class CanvasView(QGraphicsView):
    """The canvas of an editor.

    `show_snapshot` takes numbers (at most one repaint a frame). `parameter_dragged(key, array)` tells a parameter that
    is being dragged; the release is a step of the editor. Player's keys (arrows, Space, R) are left to the window.
    """

    parameter_dragged = Signal(str, object)
    node_opened = Signal(str)  # double click on a node's body
    zoom_changed = Signal(float)
    no_modifiers = NO_MODIFIER

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.editor: Editor = editor
        self._position = QPoint(-1, -1)  # of the mouse, in pixels of the viewport
        self.canvas = CanvasScene(editor)
        self.mode: Interaction | None = None
        self.snap_to_grid = False
        self.wheel_pans = False
        self.focus_index = 0
        self._pressed_at = QPoint()
        self._space_held = False
        self._hovered = Hit("empty")
        self._pending: Any = None
        self._since_frame = QElapsedTimer()
        self._showing_ms = self._cost_ms = 0  # of the last frame: handing numbers out, and all of it
        self._frame = QTimer(self, singleShot=True)
        self._frame.timeout.connect(self._show_pending)
        self._set_up_widget()
        self.camera = Camera(self)
        self.hand = KeyboardHand(self)
        self.search: SearchBox | None = None
        self.typing: QWidget | None = None  # the line or note that is being typed in place
        self._hint = Hint(self.viewport())
        self._hint_timer = QTimer(self, singleShot=True, interval=HINT_MS)
        self._hint_timer.timeout.connect(lambda: self.show_hint(""))
        self.minimap, self.zoom_control = Minimap(self), ZoomControl(self)
        self.commands = make_actions(self)
        self.canvas.arranged.connect(self.minimap.refresh)
        editor.selection_changed.connect(self._selection_moved)

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

    # numbers ---------------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Any) -> None:
        """Show the numbers of a snapshot, now or with the next frame; only the newest counts."""
        self._pending = snapshot
        # Where a frame is dear, as much time again stays free for the mouse and for the rest of the window.
        gap = max(FRAME_MS, 2 * self._cost_ms)
        elapsed = self._since_frame.elapsed() if self._since_frame.isValid() else gap
        if elapsed >= gap:
            self._show_pending()
        elif not self._frame.isActive():
            self._frame.start(gap - elapsed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and keep count of what it costs."""
        clock = QElapsedTimer()
        clock.start()
        super().paintEvent(event)
        self._cost_ms = self._showing_ms + clock.elapsed()

    def _show_pending(self) -> None:
        if self._pending is not None:
            snapshot, self._pending = self._pending, None
            self._since_frame.start()
            before = self.canvas.numbers.snapshot
            self.canvas.numbers.show(snapshot)
            self._showing_ms = self._since_frame.elapsed()
            if snapshot.last_step != (before.last_step if before is not None else None):
                self.minimap.refresh()

    @property
    def reduced_motion(self) -> bool:
        """Whether states change at once and marks stand still."""
        return self.canvas.reduced_motion

    @reduced_motion.setter
    def reduced_motion(self, reduced: bool) -> None:
        self.canvas.reduced_motion = self.canvas.marks.reduced_motion = reduced

    # the camera ------------------------------------------------------------------------------------------------------

    @property
    def zoom(self) -> float:
        """Pixels on screen per pixel of the scene."""
        return self.transform().m11()

    def visible_area(self) -> QRectF:
        """The part of the scene in view."""
        return self.mapToScene(self.viewport().rect()).boundingRect()

    def fit(self) -> None:
        """Show everything."""
        self.camera.fit(self.canvas.content_area())

    def fit_selection(self) -> None:
        """Show the selection, or everything where nothing is selected."""
        self.camera.fit(self.canvas.content_area(self.editor.selection or None))

    def frame_node(self, node_id: str) -> None:
        """Select a node and bring it to the middle."""
        self.editor.select([node_id])
        self.camera.centre_at(self.canvas.area_of(node_id).center())

    def centre_at(self, point: QPointF) -> None:
        """Bring a point of the scene to the middle."""
        self.camera.centre_at(point)

    def bring_into_view(self) -> None:
        """Move the view just so far that the selection is seen."""
        area = self.canvas.content_area(self.editor.selection)
        if not area.isNull() and not self.visible_area().contains(area):
            self.camera.centre_at(area.center())

    def pan_by(self, offset: QPointF) -> None:
        """Move the scene under the mouse."""
        self.camera.pan_by(offset)

    def zoom_by(self, factor: float) -> None:
        """Zoom around the middle of the view."""
        self.camera.zoom_at(QPointF(self.viewport().rect().center()), factor)

    def previous_view(self) -> None:
        """Go back to what was in view before the last jump."""
        self.camera.back()

    def camera_moved(self) -> None:
        """What hangs on the camera follows."""
        self.canvas.show_zoom(self.zoom)
        self.zoom_control.show_zoom(self.zoom)
        self.minimap.update()
        if self.canvas.detailed:
            self.canvas.numbers.refresh(self.canvas.seen())
        self.zoom_changed.emit(self.zoom)

    def toggle_minimap(self) -> None:
        """Show or hide the map."""
        self.minimap.setVisible(not self.minimap.isVisible())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The corner widgets stay in their corners; a first size shows the whole graph."""
        super().resizeEvent(event)
        margin = 16
        self.zoom_control.adjustSize()
        self.zoom_control.move(margin, self.height() - self.zoom_control.height() - margin)
        self.minimap.move(self.width() - self.minimap.width() - margin, self.height() - self.minimap.height() - margin)
        self.camera.resized()

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
        if mode is not None and mode.cursor is not None:
            self.viewport().setCursor(mode.cursor)

    def settle_mode(self) -> None:
        """Take the mouse back from a mode that is done."""
        if self.mode is not None and self.mode.done:
            self.mode = None
            self.viewport().unsetCursor()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a gesture, or go on with one that takes several presses."""
        self._position = self._pressed_at = event.position().toPoint()
        point = self.mapToScene(self._pressed_at)
        if self.search is not None:
            self.search.close_box()
        if self.mode is not None:
            if event.button() == Qt.MouseButton.LeftButton:
                attempt(self, lambda _: self.mode.press(point, event.modifiers()) if self.mode else None)
            else:
                self.cancel()
        elif event.button() == Qt.MouseButton.MiddleButton or (
            self._space_held and event.button() == Qt.MouseButton.LeftButton
        ):
            self.begin(Pan(self, point))
        elif event.button() == Qt.MouseButton.LeftButton:
            attempt(self, lambda _: self.begin(begin_left(self, point, event.modifiers())))
        elif event.button() == Qt.MouseButton.RightButton:
            self.begin(begin_right(self, point, event.modifiers()))
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
        attempt(self, lambda _: mode.move(self.mapToScene(self._position), event.modifiers()))
        self.settle_mode()
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish the gesture."""
        self._position = event.position().toPoint()
        if self.mode is not None:
            mode = self.mode
            attempt(self, lambda _: mode.release(self.mapToScene(self._position), event.modifiers()))
            self.settle_mode()
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Empty canvas: search. Title: rename. Note: write. Body of a node: tell whoever opens nodes."""
        self._position = event.position().toPoint()
        point = self.mapToScene(self._position)
        hit = self.hit(point)
        if event.button() != Qt.MouseButton.LeftButton or hit.kind in ("port", "weight", "field", "fold"):
            self.mousePressEvent(event)
            return
        self.cancel()
        if hit.kind == "empty":
            self.open_search(point)
        elif hit.kind in ("node", "value", "note", "frame"):
            self.editor.select([hit.name])
            on_header = hit.kind in ("note", "frame") or point.y() - self.canvas.area_of(hit.name).top() <= 28
            self.rename() if on_header else self.node_opened.emit(hit.name)
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom at the cursor; two fingers on a touch pad (or the setting) pan."""
        fingers = not event.pixelDelta().isNull() and event.device().type().name == "TouchPad"
        if (fingers or self.wheel_pans) and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            delta = event.pixelDelta() if fingers else event.angleDelta() / 2
            self.pan_by(QPointF(delta) / self.zoom)
        else:
            self.camera.zoom_at(event.position(), 1.15 ** (event.angleDelta().y() / 120))
        event.accept()

    def _hover(self, hit: Hit) -> None:
        if hit == self._hovered:
            return
        old, self._hovered = self._hovered, hit
        for was, on in ((old, False), (hit, True)):
            name = was.name.partition(".")[0]
            if was.kind == "weight" and was.name in self.canvas.labels:
                self.canvas.labels[was.name].hovered = on
                self.canvas.labels[was.name].update()
            elif was.kind == "wire" and was.name in self.canvas.wires:
                self.canvas.wires[was.name].show_as(hovered=on)
            elif name in self.canvas.nodes:
                self.canvas.nodes[name].show_state(hovered=on)
        vertical = hit.kind in ("weight", "value") or (hit.kind == "field" and hit.field is not None)
        self.viewport().setCursor(Qt.CursorShape.SizeVerCursor if vertical else Qt.CursorShape.ArrowCursor)

    def viewportEvent(self, event: QEvent) -> bool:
        """Tooltips say what a port is, and why a node is faulty."""
        if event.type() == QEvent.Type.ToolTip:
            position = self.viewport().mapFromGlobal(QCursor.pos()) if not hasattr(event, "pos") else event.pos()
            hit = self.hit(self.mapToScene(position))
            text = hit.port.tip if hit.port is not None else ""
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

    def open_menu(self, point: QPointF) -> None:
        """The context menu; what lies under the mouse is selected first."""
        hit = self.hit(point)
        name = hit.name.partition(".")[0] if hit.kind != "wire" else hit.name
        if hit.kind == "empty":
            self.editor.select([])
        elif name not in self.editor.selection:
            self.editor.select([name])
        self.menu = make_menu(self, point)
        self.menu.popup(self.viewport().mapToGlobal(self.mapFromScene(point)))

    # the keyboard ----------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, Enter on a port, ↑ and ↓ on a value; what is not ours goes on to the window."""
        key, modifiers = event.key(), event.modifiers()
        if key == Qt.Key.Key_Space:
            self._space_held = True
            event.ignore()
            return
        factor = 0.1 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        handled = False
        if key == Qt.Key.Key_Escape and self.mode is not None:
            self.cancel()
            handled = True
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            handled = self.hand.begin_wire()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            handled = self.hand.turn(factor if key == Qt.Key.Key_Up else -factor)
        event.setAccepted(handled)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = False
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A key that is let go elsewhere is not held for ever."""
        self._space_held = False
        super().focusOutEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab belongs to the canvas; Shift+Tab walks the ports back."""
        if not forward and self.hand.node is not None:
            self.hand.next_port(-1)
        return True

    def tab(self) -> None:
        """Walk the ports of the selected node, or search where none is selected."""
        if self.hand.node is not None:
            self.hand.next_port()
        else:
            self.open_search(self.cursor_point())

    def walk(self, across: int, down: int) -> None:
        """Move the selection along wires."""
        self.hand.walk(across, down)

    def show_port_focus(self) -> None:
        """Light the port that the keyboard is at, and say what it is."""
        port = self.hand.current_port()
        self.canvas.light_focus(port.address if port is not None else None)
        if port is not None:
            self._position = self.mapFromScene(self.canvas.nodes[self.hand.node or ""].pos() + port.point)
            if self.mode is not None:
                self.mode.move(self.mapToScene(self._position), NO_MODIFIER)
            else:
                self.show_hint(port.address.replace(".", " · "))

    def _selection_moved(self, _: object) -> None:
        self.hand.port = None
        self.canvas.light_focus(None)

    # editing in place ------------------------------------------------------------------------------------------------

    def select_all(self) -> None:
        """Select every node and note."""
        self.editor.select([*self.canvas.graph.nodes, *self.canvas.graph.notes])

    def rename(self) -> None:
        """Type a new title (or a note's text) in place."""
        rename(self)

    def edit_field(self, node: str, name: str) -> None:
        """Type a number in place."""
        edit_field(self, node, name)

    def rectangle_on_screen(self, area: QRectF) -> QRect:
        """A rectangle of the scene in pixels of the viewport."""
        return self.mapFromScene(area).boundingRect()

    def open_search(self, point: QPointF, wire_from: str | None = None, wire_to: str | None = None) -> None:
        """Ask which node to add at a point; only types that fit the wire, where there is one."""
        types = self.editor.fitting_types(wire_from, wire_to)
        address = (wire_from or wire_to or "").replace(".", " · ")
        caption = f"What takes {address}" if wire_from else f"What can feed {address}" if wire_to else ""
        self.search = box = SearchBox(self.viewport(), types, caption)

        def add(name: str) -> None:
            place = (round(point.x()), round(point.y() - 20))
            attempt(self, lambda _: self.editor.select([self.editor.add_node(name, place, wire_from, wire_to)]))

        box.chosen.connect(add)
        box.closed.connect(self._search_closed)
        box.open_at(self.mapFromScene(point))

    def _search_closed(self) -> None:
        self.search = None
        self.setFocus()

    def array_of(self, key: str) -> np.ndarray | None:
        """The numbers of a parameter as last shown."""
        snapshot = self.canvas.numbers.snapshot
        reading = snapshot.parameters.get(key) if snapshot is not None else None
        return None if reading is None or reading.array is None else np.array(reading.array, float)
