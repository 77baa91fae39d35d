"""The tour: a bubble beside what it speaks of, one page at a time, that waits for you to do it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMargins, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.commands import Command, Commands, key_text
from app.theme import current_theme

if TYPE_CHECKING:
    from engine.snapshot import Snapshot

WIDTH = 352
POINTER = 10
AWAY = 14  # from what it points at
RASTER = 20  # pixels between the places that are tried where none beside the target is free
NODE_WEIGHT, PANEL_WEIGHT = 20.0, 0.3  # how bad it is to hide a pixel
TARGET_WEIGHT, VIEW_WEIGHT = 200.0, 1.5  # of what a page speaks of; of a view that shows something
FORMULA_WEIGHT, CANVAS_WEIGHT = 6.0, 1.2  # of an inspector that shows a node; of a small canvas
CORNER_WEIGHT = 10.0  # of map and zoom
AWKWARD = 20_000.0  # hidden pixels that are as bad as standing anywhere but beside the target
PIXELS_PER_STEP = 40.0  # hidden ones that are as bad as standing one pixel farther away
WORDS = {
    "step": "run.step", "step back": "run.back", "play": "run.play", "pause": "run.play", "reset": "run.reset",
    "iteration": "run.iteration", "epoch": "run.epoch", "phase": "run.phase",
}  # fmt: skip
PURPOSES = {  # in few words; else the title says it
    "run.play": "to play", "run.reset": "to begin anew", "run.reseed": "to draw anew", "run.phase": "for a phase",
    "run.iteration": "for an iteration", "run.epoch": "for an epoch",
}  # fmt: skip
BUTTONS = {"run.play": "Play", "run.reset": "Reset", "run.reseed": "Start anew"}


class TourBubble(QWidget):
    """Shows the pages of `document.tour`: title, text, show (id of a node, or a panel) and press (a key or an action).

    locate   where, in the parent's coordinates, something to show stands; None where it is not visible
    room     where the bubble may stand; keep_clear: what it had better not cover, with how bad that is
    finished comes when the last page was left or the bubble closed
    """

    finished = Signal()
    page_shown = Signal(object)  # the page
    placed = Signal()  # it stands somewhere, or stands there no more

    def __init__(
        self,
        parent: QWidget,
        commands: Commands,
        locate: Callable[[str], QRect | None],
        room: Callable[[], QRect],
        keep_clear: Callable[[], list[tuple[QRect, float]]],
    ) -> None:
        super().__init__(parent)
        self._commands, self._locate, self._room, self._keep_clear = commands, locate, room, keep_clear
        self._pages: list[dict[str, Any]] = []
        self._page = 0
        self._target: QRect | None = None
        self._snapshot: Snapshot | None = None
        self._step_kind = "node"  # what → plays
        self._asked: Command | None = None  # by the page
        self._left = 1  # presses until the page has shown what it speaks of
        self._awaits_room = False  # what it is to stand beside is still being laid out
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._build()
        commands.performed.connect(self._follow)
        current_theme().changed.connect(self.update)
        self.hide()

    def _build(self) -> None:
        self._title = _label("title")
        self._count = _label("caption")
        self._text = _label("2")
        self._text.setWordWrap(True)
        self._before, self._key, self._after = _label("2"), _label("key"), _label("2")
        self.back = QPushButton("Back")
        self.back.setProperty("kind", "quiet")
        self.back.clicked.connect(self.go_back)
        self.next = QPushButton("Step")
        self.next.setProperty("kind", "primary")
        self.next.clicked.connect(self._press)
        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._count)
        head.addWidget(self._make_close())
        foot = QHBoxLayout()
        foot.setSpacing(6)
        for part in (self._before, self._key, self._after):
            foot.addWidget(part, 0, Qt.AlignmentFlag.AlignVCenter)
        foot.addStretch(1)
        foot.addWidget(self.back)
        foot.addWidget(self.next)
        column = QVBoxLayout(self)
        column.setContentsMargins(16 + POINTER, 14 + POINTER, 16 + POINTER, 12 + POINTER)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self._text)
        column.addSpacing(4)
        column.addLayout(foot)

    def _make_close(self) -> QToolButton:
        self.close_button = QToolButton()
        self.close_button.setFixedSize(22, 22)
        self.close_button.setToolTip("Close the tour  (Esc)")
        self.close_button.setAccessibleName("Close the tour")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.clicked.connect(self.stop)
        current_theme().set_icon(self.close_button, "x", "text3", 14)
        return self.close_button

    # pages -----------------------------------------------------------------------------------------------------------

    @property
    def page(self) -> int:
        """Number of the page that is shown, from 0."""
        return self._page

    def start(self, pages: list[dict[str, Any]], at: int = 0, *, when_settled: bool = False) -> None:
        """Show a page, the first one as a rule; nothing happens without pages.

        when_settled  nobody sees the bubble before `settle`: it would stand somewhere and jump as the window is laid out
        """
        self._awaits_room = when_settled
        self._pages = [page for page in pages if isinstance(page, dict)]
        self._page = max(0, min(at, len(self._pages) - 1))
        if self._pages:
            self._show_page()
        else:
            self.hide()

    def stop(self) -> None:
        """Close the bubble."""
        if self.isVisible():
            self.hide()
            self.finished.emit()

    def go_on(self) -> None:
        """The next page; behind the last one the tour ends."""
        if self._page + 1 >= len(self._pages):
            self.stop()
        else:
            self._page += 1
            self._show_page()

    def go_back(self) -> None:
        """The page before."""
        self._page = max(0, self._page - 1)
        self._show_page()

    def _show_page(self) -> None:
        page = self._pages[self._page]
        self._title.setText(str(page.get("title", "")))
        self._count.setText(f"{self._page + 1} of {len(self._pages)}")
        self._text.setText(str(page.get("text", "")))
        self._asked = command = self._command()
        key = command.key if command is not None else key_text(str(page.get("press") or ""))
        self._before.setText("Press" if key else "")
        self._key.setText(key)
        for part in (self._before, self._key):
            part.setVisible(bool(key))
        self._count_presses()
        self.back.setVisible(self._page > 0)
        self.next.setText(self._word(command))
        self.show()
        self.raise_()
        self.page_shown.emit(page)
        self.place()

    def _word(self, command: Command | None) -> str:
        """What the button does, in a word."""
        if command is not None:
            return BUTTONS.get(command.id, "Step")
        return "Done" if self._page + 1 == len(self._pages) else "Next"

    def _command(self) -> Command | None:
        """The command that the page asks for, by id, key or word."""
        wanted = str(self._pages[self._page].get("press") or "").strip()
        if not wanted:
            return None
        wanted = WORDS.get(wanted.lower(), wanted)
        shown = key_text(wanted).lower()
        for command in self._commands:
            if command.id == wanted or shown in [key_text(key).lower() for key in command.shortcuts]:
                return command
            if wanted.lower() == command.key.lower():
                return command
        return None

    def _press(self) -> None:
        """The button does what the page asks for, as the key would: all steps up to the node it speaks of."""
        command = self._command()
        if command is not None and self._commands.action(command.id).isEnabled():
            for _ in range(self._left):
                self._commands.run(command.id)  # `_follow` turns the page
        else:
            self.go_on()

    def _follow(self, command_id: str) -> None:
        command = self._command() if self.isVisible() else None
        if command is None or command.id != command_id:
            return
        if self._left > 1:
            self._say_presses(self._left - 1)
        else:
            self.go_on()

    # steps -----------------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Where the run stands: a page that asks for a step waits until the node it speaks of has worked."""
        self._snapshot = snapshot
        if self.isVisible():
            self._count_presses()

    def note_step_kind(self, kind: str) -> None:
        """What a press of → plays from now on."""
        self._step_kind = kind
        if self.isVisible():
            self._count_presses()

    def _count_presses(self) -> None:
        page, command = self._pages[self._page], self._asked
        is_counted = command is not None and command.id == WORDS["step"] and self._step_kind == "node"
        shown = str(page.get("show") or "").partition(".")[0]
        self._say_presses(steps_until(self._snapshot, shown) if is_counted and self._snapshot is not None else 1)

    def _say_presses(self, count: int) -> None:
        self._left, command = count, self._asked
        often = f", {count} times" if count > 1 else ""
        purpose = "" if command is None else PURPOSES.get(command.id, f"to {command.title.lower()}")
        self._after.setText(f"{purpose}{often}" if self._key.text() else "")

    # place -----------------------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Beside its target where there is room, never outside the window."""
        if not self._pages or not self.isVisible():
            return
        self.layout().activate()
        self.setFixedWidth(max(WIDTH + 2 * POINTER, self.layout().minimumSize().width()))
        self.layout().activate()
        size = QSize(self.width(), max(self.sizeHint().height(), self.heightForWidth(self.width())))
        if self._awaits_room:
            self.setGeometry(QRect(-QPoint(size.width(), size.height()), size))  # outside
            return
        room = self._room().adjusted(-POINTER, -POINTER, POINTER, POINTER)  # the pointer may lie on its edge
        self._target = self._locate(str(self._pages[self._page].get("show") or ""))
        self.setGeometry(QRect(bubble_corner(size, self._target, room, self._keep_clear()), size))
        self.update()
        self.placed.emit()

    def settle(self) -> None:
        """All around has its place: stand there."""
        self._awaits_room = False
        self.place()

    def hideEvent(self, event: QHideEvent) -> None:
        """There is room again."""
        super().hideEvent(event)
        self.placed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.stop()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A round frame in the accent with a pointer to the target."""
        theme = current_theme()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        body = QRectF(self.rect()).adjusted(POINTER, POINTER, -POINTER, -POINTER)
        painter.setPen(theme.pen("accent"))
        painter.setBrush(theme.colour("raised"))
        painter.drawRoundedRect(body, theme.radius.node, theme.radius.node)
        pointer = self._pointer(body)
        if pointer is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(pointer)
            painter.setPen(theme.pen("accent"))
            painter.drawPolyline(pointer)

    def _pointer(self, body: QRectF) -> QPolygonF | None:
        bubble = self.geometry().adjusted(POINTER, POINTER, -POINTER, -POINTER)
        # From afar it would point at whatever stands between.
        corner = np.array([bubble.topLeft().toTuple()])
        if self._target is None or distances(corner, bubble.size(), self._target) > 3 * AWAY:
            return None
        to = QPointF(self._target.center() - self.pos())
        y = min(max(to.y(), body.top() + 20), body.bottom() - 20)
        x = min(max(to.x(), body.left() + 20), body.right() - 20)
        half = POINTER - 3
        if self._target.right() - self.x() <= body.left():
            edge, tip, along = body.left(), 2.0, None
        elif self._target.left() - self.x() >= body.right():
            edge, tip, along = body.right(), self.width() - 2.0, None
        elif self._target.bottom() - self.y() <= body.top():
            edge, tip, along = body.top(), 2.0, x
        elif self._target.top() - self.y() >= body.bottom():
            edge, tip, along = body.bottom(), self.height() - 2.0, x
        else:
            return None
        if along is None:
            return QPolygonF([QPointF(edge, y - half), QPointF(tip, y), QPointF(edge, y + half)])
        return QPolygonF([QPointF(x - half, edge), QPointF(x, tip), QPointF(x + half, edge)])


def steps_until(snapshot: Snapshot, node: str) -> int:
    """How many steps there are until a node has worked, it included; 1 where it has no more to do in this phase."""
    following = snapshot.next_step
    if following is None:
        return 1
    ahead = [
        step for step in snapshot.steps
        if step.index >= following.index and (step.part, step.phase) == (following.part, following.phase)
    ]  # fmt: skip
    inner = f"{node}/"  # of a composite the nodes in it work
    return next((at for at, step in enumerate(ahead, 1) if step.node == node or step.node.startswith(inner)), 1)


def bubble_corner(size: QSize, target: QRect | None, room: QRect, others: Sequence[tuple[QRect, float]] = ()) -> QPoint:
    """Upper left corner of a bubble: beside its target where it covers least of the others, inside the room."""
    if target is None or not target.intersects(room):
        return QPoint(room.center().x() - size.width() // 2, room.bottom() - size.height())
    gap = AWAY - POINTER
    y, x = target.center().y() - size.height() // 2, target.center().x() - size.width() // 2
    right, left = QPoint(target.right() + gap, y), QPoint(target.left() - gap - size.width(), y)
    below, above = QPoint(x, target.bottom() + gap), QPoint(x, target.top() - gap - size.height())
    beside = [_inside(corner, size, room).toTuple() for corner in (right, below, left, above)]
    across = _tried(room.left(), room.right() - size.width())
    down = _tried(room.top(), room.bottom() - size.height())
    anywhere = np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)
    corners = np.vstack([beside, anywhere])
    places = [(each.getRect(), weight) for each, weight in ((target, TARGET_WEIGHT), *others) if each.intersects(room)]
    weights = np.array([weight for _, weight in places], dtype=float)
    # The pointer hides nothing.
    papers, paper = corners + POINTER, size.shrunkBy(QMargins(POINTER, POINTER, POINTER, POINTER))
    badness = covered(papers, paper, np.array([rect for rect, _ in places], dtype=float)) @ weights
    badness[len(beside) :] += AWKWARD + PIXELS_PER_STEP * distances(papers, paper, target)[len(beside) :]
    return QPoint(*corners[int(badness.argmin())].tolist())


def _tried(first: int, last: int) -> NDArray[np.int_]:
    """Pixels from the first to the last, both among them: at an edge there is often just room enough."""
    return np.append(np.arange(first, max(first, last), RASTER), max(first, last))


def covered(corners: NDArray[np.int_], size: QSize, areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, k) Pixels that a paper at each of corners (n, 2) hides of each of areas (k, 4) of left, top, width and height."""
    low, high = areas[:, :2], areas[:, :2] + areas[:, 2:]
    sides = np.minimum(high, corners[:, None] + size.toTuple()) - np.maximum(low, corners[:, None])
    return np.asarray(np.prod(np.maximum(sides, 0.0), axis=2))


def distances(corners: NDArray[np.int_], size: QSize, target: QRect) -> NDArray[np.int_]:
    """(n) Pixels between the edges of a paper at each of corners (n, 2) and a rectangle, across and down together."""
    ends = corners + size.toTuple() - 1
    before = target.topLeft().toTuple() - ends
    behind = corners - target.bottomRight().toTuple()
    return np.asarray(np.maximum(np.maximum(before, behind), 0).sum(axis=1))


def _inside(corner: QPoint, size: QSize, room: QRect) -> QPoint:
    x = max(room.left(), min(corner.x(), room.right() - size.width()))
    y = max(room.top(), min(corner.y(), room.bottom() - size.height()))
    return QPoint(x, y)


def _label(level: str) -> QLabel:
    label = QLabel()
    label.setProperty("level", level)
    return label
