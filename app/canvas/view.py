"""The canvas widget: looks at the scene, hands the mouse to one interaction at a time, keeps the camera."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QElapsedTimer, QEvent, QPointF, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.canvas.actions import make_actions, make_menu
from app.canvas.asking_view import AskingView
from app.canvas.breadcrumbs import Breadcrumbs
from app.canvas.corner_widgets import Minimap, ZoomControl
from app.canvas.formula_note import FormulaNote
from app.canvas.hits import Hit
from app.canvas.interactions.base import NO_MODIFIER
from app.canvas.keyboard import KeyboardHand
from app.canvas.layer.opening import open_or_close
from app.canvas.layer.plan import is_layer
from app.canvas.peek import Peek
from app.canvas.rename import edit_field, rename
from app.editor import Editor
from engine.composites import composite_of

FRAME_MS = 16
LONGEST_GAP_MS = 250  # between two frames, however dear they are
HINT_MS = 4000


class CanvasView(AskingView):
    """The canvas of an editor.

    `show_snapshot` takes numbers (at most one repaint a frame). `parameter_dragged(key, array)` tells a parameter that
    is being dragged; the release is a step of the editor. Player's keys (arrows, Space, R) are left to the window.
    """

    parameter_dragged = Signal(str, object)
    node_opened = Signal(str)  # double click on the body of a node that is no layer, or Enter on it
    composite_kept = Signal(str)  # the id of a composite that is wanted in every document
    composite_dropped = Signal(str)  # the title of one that is not wanted there any more
    emptied = Signal()  # a click on the empty canvas, whether or not something was selected
    unit_touched = Signal(str, int)  # a neuron of an opened layer, or a weight into it
    run_to_asked = Signal(str)  # a node of the document that the run is to come to
    stops_changed = Signal(object)  # set[str] of the document's nodes at which playing stands still
    resized = Signal()
    painted = Signal()  # once for each time that `tell_when_painted` asked for it
    zoom_changed = Signal(float)
    no_modifiers = NO_MODIFIER

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(editor, parent)
        self.follows_steps = True  # not while it plays: then steps are too many to look at each
        self.typing: QWidget | None = None  # the line or note that is being typed in place
        self._pending: Any = None
        self._is_awaited = False  # somebody waits for the next picture
        self._since_frame = QElapsedTimer()
        self._showing_ms = self._cost_ms = 0  # of the last frame: handing numbers out, and all of it
        self._frame = QTimer(self, singleShot=True)
        self._frame.timeout.connect(self._show_pending)
        self.hand: KeyboardHand = KeyboardHand(self)
        self.minimap, self.zoom_control = Minimap(self), ZoomControl(self)
        self.breadcrumbs = Breadcrumbs(self)
        self.formula_note = FormulaNote(self)
        self.peek, self.peeks = Peek(self), False  # whether V is held
        self.commands = make_actions(self)
        self.align_key.tapped.connect(self.commands["align"].trigger)
        self.canvas.arranged.connect(self.minimap.refresh)
        editor.selection_changed.connect(self._selection_moved)
        editor.path_changed.connect(self.camera.moved_to)

    # numbers ---------------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Any) -> None:
        """Show the numbers of a snapshot, now or with the next frame; only the newest counts."""
        self._pending = snapshot
        # Where a frame is dear, as much time again stays free for the mouse and for the rest of the window.
        gap = min(LONGEST_GAP_MS, max(FRAME_MS, 2 * self._cost_ms))
        elapsed = self._since_frame.elapsed() if self._since_frame.isValid() else gap
        if elapsed >= gap:
            self._show_pending()
        elif not self._frame.isActive():
            self._frame.start(gap - elapsed)

    def catch_up(self) -> None:
        """Show a snapshot that waits for its frame now: before a picture is taken."""
        self._frame.stop()
        self._show_pending()
        self.canvas.numbers.catch_up()
        self.formula_note.catch_up()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and keep count of what it costs."""
        clock = QElapsedTimer()
        clock.start()
        super().paintEvent(event)
        if self._is_awaited:
            self._is_awaited = False
            self.painted.emit()
        self._cost_ms = self._showing_ms + clock.elapsed()

    def tell_when_painted(self) -> None:
        """Have `painted` tell when the canvas, as it is now, has been painted."""
        self._is_awaited = True
        self.viewport().update()

    def drawBackground(self, painter: QPainter, rectangle: QRectF | QRect) -> None:
        """Copy what rests, where the view paints itself; a picture of it at another scale is painted straight."""
        if painter.worldTransform() == self.viewportTransform():
            self.backdrop.paint(painter)
        else:
            super().drawBackground(painter, rectangle)

    def _show_pending(self) -> None:
        if self._pending is not None:
            snapshot, self._pending = self._pending, None
            self._since_frame.start()
            before = self.canvas.numbers.snapshot
            self.canvas.numbers.show(snapshot)
            self.look_again()
            self.formula_note.show_snapshot(snapshot)
            self._showing_ms = self._since_frame.elapsed()
            last = before.last_step if before is not None else None
            if snapshot.last_step != last:
                self.minimap.refresh()
                self._follow(last, snapshot.last_step)

    def _follow(self, last: Any, step: Any) -> None:
        """A single step was played by hand: its node comes into sight. Whole phases and iterations move nothing."""
        is_single = step is not None and (step.index == 0 or (last is not None and abs(step.index - last.index) == 1))
        if is_single and self.follows_steps and self.mode is None and step.node in self.canvas.nodes:
            self.camera.reveal(self.canvas.area_of(step.node), glide=True)

    @property
    def reduced_motion(self) -> bool:
        """Whether states change at once and marks stand still."""
        return self.canvas.reduced_motion

    @reduced_motion.setter
    def reduced_motion(self, reduced: bool) -> None:
        self.canvas.reduced_motion = self.canvas.marks.reduced_motion = reduced

    # the camera ------------------------------------------------------------------------------------------------------

    def visible_area(self) -> QRectF:
        """The part of the scene in view."""
        return self.mapToScene(self.viewport().rect()).boundingRect()

    def fit(self) -> None:
        """Show everything."""
        self.camera.fit_all()

    def show_beginning(self) -> None:
        """Show a graph that was just opened."""
        self.camera.begin()

    def fit_selection(self) -> None:
        """Show the selection, or everything where nothing is selected."""
        self.camera.fit(self.canvas.content_area(self.editor.selection or None))

    def frame_thing(self, name: str) -> None:
        """Select a node, frame or note and bring it to the middle."""
        self.editor.select([name])
        self.camera.centre_at(self.canvas.area_of(name).center())

    def centre_at(self, point: QPointF) -> None:
        """Bring a point of the scene to the middle."""
        self.camera.centre_at(point)

    def bring_into_view(self) -> None:
        """Move the view just so far that the selection is seen."""
        self.camera.reveal(self.canvas.content_area(self.editor.selection))

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
        self.formula_note.follow()
        self.look_again()
        self.zoom_changed.emit(self.zoom)

    def corners(self) -> list[QRectF]:
        """What lies over the canvas (pixels of the view) and should cover nothing when everything is fitted in."""
        shown = [QRectF(widget.geometry()) for widget in (self.minimap, self.zoom_control) if not widget.isHidden()]
        return shown if self.breadcrumbs.isHidden() else [*shown, QRectF(self.breadcrumbs.place)]

    def toggle_minimap(self) -> None:
        """Show or hide the map."""
        self.minimap.setVisible(not self.minimap.isVisible())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The corner widgets stay in their corners; a first size shows the whole graph."""
        super().resizeEvent(event)
        margin = 16
        self.zoom_control.adjustSize()
        self.zoom_control.move(margin, self.height() - self.zoom_control.height() - margin)
        self.minimap.fit_to(self.width())
        self.minimap.move(self.width() - self.minimap.width() - margin, self.height() - self.minimap.height() - margin)
        self.camera.resized()
        self.resized.emit()

    # the keyboard ----------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """The key that aligns is no shortcut while it may become a stroke: a tap is told from it when the key is let go."""
        if isinstance(event, QKeyEvent) and self._aligns(event) and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def _aligns(self, event: QKeyEvent) -> bool:
        """Whether it is the plain key that aligns, whichever a person chose for that."""
        return not event.modifiers() and QKeySequence(event.key()) in self.commands["align"].shortcuts()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc, Enter on a port, ↑ and ↓ on a value; what is not ours goes on to the window."""
        key, modifiers = event.key(), event.modifiers()
        if key == Qt.Key.Key_Space:
            self._space_held = True
            event.ignore()
            return
        if key == Qt.Key.Key_Y and not modifiers:
            self.cut_held = True
            return
        if key == Qt.Key.Key_V and not modifiers:
            self.peeks = True
            self.peek_at(self._hovered)
            return
        if self._aligns(event):
            self.align_key.press()
            return
        factor = 0.1 if modifiers & Qt.KeyboardModifier.ShiftModifier else 1.0
        handled = False
        if key == Qt.Key.Key_Escape and self.mode is not None:
            self.cancel()
            handled = True
        elif key == Qt.Key.Key_Escape and self.editor.path:
            self.editor.leave()
            handled = True
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            handled = self.hand.begin_wire() or self._open_selected()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            handled = self.hand.turn(factor if key == Qt.Key.Key_Up else -factor)
        event.setAccepted(handled)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space or Y is let go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = False
        if event.key() == Qt.Key.Key_Y and not event.isAutoRepeat():
            self.cut_held = False
        if event.key() == Qt.Key.Key_V and not event.isAutoRepeat():
            self._peek_no_more()
        if self._aligns(event) and not event.isAutoRepeat():
            self.align_key.release()
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A key that is let go elsewhere is not held for ever."""
        self._space_held = self.cut_held = False
        self._peek_no_more()
        self.align_key.forget()
        super().focusOutEvent(event)

    def peek_at(self, hit: Hit) -> None:
        """While V is held: what passes the port under the mouse, or the one that the keyboard is at."""
        if self.peeks:
            port = hit.port or self.hand.current_port()
            self.peek.look_at(port.address if port is not None else "", self._last_position())

    def _peek_no_more(self) -> None:
        self.peeks = False
        self.peek.hide()

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

    def select_all(self) -> None:
        """Select every node, note and dot."""
        graph = self.canvas.graph
        self.editor.select([*graph.nodes, *graph.notes, *graph.dots])

    def rename(self) -> None:
        """Type a new title (or a note's text) in place."""
        rename(self)

    def edit_field(self, node: str, name: str) -> None:
        """Type a number in place."""
        edit_field(self, node, name)

    def rectangle_on_screen(self, area: QRectF) -> QRect:
        """A rectangle of the scene in pixels of the viewport."""
        return self.mapFromScene(area).boundingRect()

    def _open_selected(self) -> bool:
        """Enter on a node: into a layer and out of it, or to whoever shows nodes. False: not one node is selected."""
        if (node := self.hand.node) is None:
            return False
        self.open_node(node)
        return True

    def open_node(self, name: str) -> None:
        """Go into a composite, open a layer into its neurons, or close it; other nodes are told to whoever shows nodes."""
        if composite_of(self.canvas.graph.nodes[name]) is not None:
            self.editor.enter(name)
        elif is_layer(self.canvas.graph.nodes[name]):
            open_or_close(self, [name])
        else:
            self.node_opened.emit(name)

    def focus_value(self, key: str, index: int) -> None:
        """Let ↑ and ↓ change one entry of a parameter."""
        self.canvas.numbers.focus_index = index
        self.editor.set_focus(key)
        self.canvas.numbers.refresh([key.partition(".")[0]])

    def array_of(self, key: str) -> np.ndarray | None:
        """The numbers of a parameter as last shown."""
        snapshot = self.canvas.numbers.snapshot
        reading = snapshot.parameters.get(key) if snapshot is not None else None
        return None if reading is None or reading.array is None else np.array(reading.array, float)
