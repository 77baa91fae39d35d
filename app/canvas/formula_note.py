"""The formula of the step just played, with its numbers, beside its node: in free room, and large enough to be read.

It floats over the canvas like the map. Its picture is kept: following the camera costs a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QElapsedTimer, QPointF, QRect, QRectF, QSizeF, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QWidget

from app.canvas.ink import draw_text, ink, width_of
from app.canvas.layer.item import LayerItem
from app.canvas.note_place import FAR, best_place, tail_ends
from app.theme import current_theme
from app.theme.formula import FormulaLayout, Term, terms_of
from app.theme.mathematics import plain_text

if TYPE_CHECKING:
    from app.canvas.view import CanvasView
    from engine.snapshot import Equation, Explanation, Snapshot
    from engine.snapshot import Term as EngineTerm

MOST_LINES = {"forward": 2, "backward": 1, "update": 1}
LARGEST_SHARE = 0.3  # of the view: on a small canvas there would be nothing left to explain
MOST_ROWS = 2  # of a formula that is broken: a note must not hide the drawing that it explains
SYMBOL_SIZE, PADDING, LINE_GAP, CAPTION = 15.0, 12.0, 10.0, 18.0
NARROWEST, WIDEST = 300.0, 520.0  # pixels before a formula is broken
SCALES = (1.0, 1.75)  # least and most: never smaller than at full size, whatever the zoom
READABLE_MS = 80  # steps that follow faster than this cannot be read, and show nothing
SETTLED_MS = 120  # after the camera stands still a better place is looked for
TAIL = 3.0  # half the width that the line to the node takes
NODE_COST, LABEL_COST, WIDGET_COST, OWN_COST = 2.0, 0.5, 1.0, 6.0  # per square pixel covered
FLOATING_COST = 12.0  # of what lies over the window, and would lie over the note
INSIDE_COST = 0.2  # of an opened layer between its neurons


@dataclass(frozen=True)
class Content:
    """What a note says: lines of terms of one part of a node's work; `more` lines are left to the inspector."""

    node: str
    part: str
    lines: tuple[tuple[Term, ...], ...]
    more: int = 0


def content_of(snapshot: Snapshot) -> Content | None:
    """What there is to say about the last step; None before the first one, and of steps without a formula."""
    step, explanation = snapshot.last_step, told_of_step(snapshot)
    if step is None or explanation is None or not explanation.equations:
        return None
    chosen = telling(explanation.equations, MOST_LINES.get(step.part, 1))
    fresh = explanation.state == "current"
    lines = tuple(tuple(terms_of(equation, fresh)) for equation in chosen)
    return Content(step.node, step.part, lines, len(explanation.equations) - len(chosen))


def told_of_step(snapshot: Snapshot) -> Explanation | None:
    """The explanation of the last step: of the row and unit that the inspector follows, where it looks at that node."""
    step = snapshot.last_step
    for explanation in (snapshot.explanation, snapshot.stepped):
        if (
            step is not None
            and explanation is not None
            and (explanation.node, explanation.part) == (step.node, step.part)
        ):
            return explanation
    return None


def telling(equations: Sequence[Equation], most: int) -> Sequence[Equation]:
    """The first lines; means over a batch and factors of one come only where there is nothing else."""
    told = [each for each in equations if not each.caption and not any(_is_one(term) for term in each.terms)]
    return (told or equations)[:most]


def _is_one(term: EngineTerm) -> bool:
    return term.role == "local" and term.latex == "1"


class FormulaNote(QWidget):
    """Shows the content of snapshots beside the stepped node, unless steps follow too fast to be read."""

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view)
        self._view = view
        self.floating: Callable[[], list[QRect]] = list  # what lies over the window, in pixels of the view
        self.content: Content | None = None
        self.is_wanted = True
        self._pending: Content | None = None
        self._moment: object = None
        self._since = QElapsedTimer()
        self._settling = QTimer(self, singleShot=True, interval=READABLE_MS)
        self._settling.timeout.connect(self._show_pending)
        self._picture: QPixmap | None = None
        self._drawn: object = None  # what the picture was drawn for
        self._layouts: list[FormulaLayout] = []
        self._is_cut = False  # some formula goes on in the inspector
        self._own, self._box = QRectF(), QRectF()  # node and paper, in pixels of the view
        self._others: list[QRectF] = []  # other nodes around
        self._offset: tuple[float, float] | None = None
        self._stood = 0.0  # the scale at which it was placed
        self._settling_view = QTimer(self, singleShot=True, interval=SETTLED_MS)
        self._settling_view.timeout.connect(self.place)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        current_theme().changed.connect(self._dress)
        view.canvas.arranged.connect(self.place)
        self.hide()

    # what it says ----------------------------------------------------------------------------------------------------

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Say what the last step did, at once if there is time to read it."""
        moment = (snapshot.iteration, snapshot.last_step)
        if moment != self._moment:
            hurried = self._moment is not None and self._since.isValid() and self._since.elapsed() < READABLE_MS
            self._moment = moment
            self._since.start()
            if hurried:
                self._take(None)
                self._settling.start()
            else:
                self._settling.stop()
        self._pending = content_of(snapshot) if self.is_wanted else None
        if not self._settling.isActive():
            self._show_pending()

    def catch_up(self) -> None:
        """Show now what waits: before a picture is taken."""
        self._settling.stop()
        self._show_pending()

    def set_wanted(self, wanted: bool) -> None:
        """Switch it on or off."""
        self.is_wanted = wanted
        snapshot = self._view.canvas.numbers.snapshot
        self._pending = content_of(snapshot) if wanted and snapshot is not None else None
        self.catch_up()

    def _show_pending(self) -> None:
        self._take(self._pending)

    def _take(self, content: Content | None) -> None:
        if content == self.content:
            return
        if content is None or self.content is None or content.node != self.content.node:
            self._offset = None
        self.content = content
        self._dress()

    def _dress(self) -> None:
        theme = current_theme()
        lines = self.content.lines if self.content is not None else ()
        self._layouts = [FormulaLayout(line, theme, SYMBOL_SIZE) for line in lines]
        for layout in self._layouts:
            layout.arrange(min(WIDEST, max(NARROWEST, self._view.width() / 2)))
        cut = [layout.shorten(MOST_ROWS) for layout in self._layouts]
        self._is_cut = any(cut)
        words = (f"{plain_text(term.latex)} {term.number}".strip() for line in lines for term in line)
        self.setAccessibleName(" ".join(words))
        self._picture = None
        self.place()

    # where it stands -------------------------------------------------------------------------------------------------

    def place(self) -> None:
        """Stand beside the node, where least is covered."""
        self._settling_view.stop()
        if not self._is_in_sight():
            self.hide()
            return
        self._stand(best_place(self._own, self._size(), self._room(), self._obstacles(), self._offset))

    def follow(self) -> None:
        """Stay beside the node while the camera moves; a better place is looked for when it stands still."""
        if not self._is_in_sight():
            self.hide()
            return
        self._settling_view.start()
        left, top = self._offset or (0.0, 0.0)
        box = QRectF(self._own.topLeft() + QPointF(left, top), QSizeF(*self._size()))
        if self._offset is None or self._scale != self._stood or not self._room().contains(box):
            self.place()
        else:
            self._stand(box)

    def _is_in_sight(self) -> bool:
        view = self._view
        if self.content is None or self.content.node not in view.canvas.nodes or not view.canvas.detailed:
            return False
        self._own = self._on_screen(self.content.node)
        width, height = self._size()
        if width * height > LARGEST_SHARE * view.width() * view.height():
            return False
        return QRectF(view.viewport().geometry()).intersects(self._own)

    def _room(self) -> QRectF:
        return QRectF(self._view.viewport().geometry()).adjusted(6, 6, -6, -6)

    def _size(self) -> tuple[float, float]:
        paper, scale = self._paper(), self._scale
        return paper.x() * scale, paper.y() * scale

    def _stand(self, box: QRectF) -> None:
        self._box, self._stood = box, self._scale
        self._offset = (box.left() - self._own.left(), box.top() - self._own.top())
        self.setGeometry(box.united(self._tail()).toAlignedRect().adjusted(-1, -1, 1, 1))
        self.show()
        self.update()

    @property
    def paper(self) -> QRectF:
        """The rectangle it covers, in pixels of the view; empty while it is hidden."""
        return QRectF() if self.isHidden() else QRectF(self._box)

    @property
    def _scale(self) -> float:
        return min(SCALES[1], max(SCALES[0], self._view.zoom))

    def _paper(self) -> QPointF:
        """Width and height at scale 1."""
        width = max([width_of(self._rest, "caption"), *(layout.width for layout in self._layouts)])
        height = sum(layout.height for layout in self._layouts) + LINE_GAP * max(0, len(self._layouts) - 1)
        height += CAPTION if self._rest else 0.0
        return QPointF(ceil(width + 2 * PADDING + 4), ceil(height + 2 * PADDING))

    @property
    def _rest(self) -> str:
        """What the inspector says in full, where this note does not; empty where nothing is left out."""
        if self._is_cut:
            return "in full in the inspector"
        return f"{self.content.more} more in the inspector" if self.content is not None and self.content.more else ""

    def _on_screen(self, name: str) -> QRectF:
        return self._moved(self._view.canvas.area_of(name))

    def _moved(self, area: QRectF) -> QRectF:
        """A rectangle of the scene in pixels of the view."""
        return self._view.viewportTransform().mapRect(area).translated(QPointF(self._view.viewport().pos()))

    def _obstacles(self) -> list[tuple[QRectF, float]]:
        """What had better stay in sight, and what covering a square pixel of it costs."""
        view = self._view
        width, height = self._size()
        reach = self._own.adjusted(-width - FAR, -height - FAR, width + FAR, height + FAR)
        inverted, _ = view.viewportTransform().inverted()
        self._others = []
        found = [(corner, WIDGET_COST) for corner in view.corners()]
        found += [(QRectF(rectangle), FLOATING_COST) for rectangle in self.floating()]
        area = inverted.mapRect(reach)
        for name in view.canvas.areas.within([area]):
            if name in view.canvas.layers:
                found += self._obstacles_inside(view.canvas.layers[name])
                continue
            is_own = self.content is not None and name == self.content.node
            place = self._on_screen(name)
            found.append((place, OWN_COST if is_own else NODE_COST))
            self._others += [] if is_own else [place]
        labels = [label.sceneBoundingRect() for label in view.canvas.labels.values() if label.isVisible()]
        return [*found, *((self._moved(label), LABEL_COST) for label in labels if label.intersects(area))]

    def _obstacles_inside(self, layer: LayerItem) -> list[tuple[QRectF, float]]:
        """Neurons and features of an opened layer: it may be as large as the view, and between them is room."""
        plan = layer.plan
        columns = [column for column in (plan.features, plan.units) if column is not None]
        circles = [column.circle(at) for column in columns for at in range(len(column.centres))]
        found = [(self._moved(layer.mapRectToScene(circle)), OWN_COST) for circle in circles]
        return [*found, (self._on_screen(layer.node_id), INSIDE_COST if circles else NODE_COST)]

    @property
    def has_tail(self) -> bool:
        """Whether a line leads to the node; none does out of an opened layer, nor through another node."""
        if self._box.intersects(self._own):
            return False
        begin, end = tail_ends(self._box, self._own)
        line = QRectF(begin, end).normalized().adjusted(-TAIL, -TAIL, TAIL, TAIL)
        return not any(line.intersects(other) for other in self._others)

    def _tail(self) -> QRectF:
        """The narrow rectangle between paper and node in which the line runs."""
        if not self.has_tail:
            return QRectF(self._box)
        begin, end = tail_ends(self._box, self._own)
        return QRectF(begin, end).normalized().adjusted(-TAIL, -TAIL, TAIL, TAIL)

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """The line to the node, and the kept picture."""
        mode = self._view.mode
        if self.content is None or (mode is not None and mode.needs_sight):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(-QPointF(self.pos()))
        painter.setPen(ink().pen(self.content.part, 1.0))
        if self.has_tail:
            painter.drawLine(*tail_ends(self._box, self._own))
        ratio, scale = self.devicePixelRatioF(), self._scale
        if self._picture is None or self._drawn != (ratio, scale):
            self._drawn = (ratio, scale)
            self._picture = self._draw(ratio, scale)
        painter.drawPixmap(self._box.topLeft(), self._picture)

    def _draw(self, ratio: float, scale: float) -> QPixmap:
        assert self.content is not None
        paper = self._paper()
        picture = QPixmap(ceil(paper.x() * scale * ratio), ceil(paper.y() * scale * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.scale(scale, scale)
        painter.setPen(ink().pen(self.content.part, 1.5))
        painter.setBrush(ink().colour("raised"))
        painter.drawRoundedRect(QRectF(0, 0, paper.x(), paper.y()).adjusted(1, 1, -1, -1), 8, 8)
        top = PADDING
        for layout in self._layouts:
            layout.paint(painter, QPointF(PADDING + 2, top))
            top += layout.height + LINE_GAP
        if self._rest:
            place = QRectF(PADDING + 2, top - LINE_GAP / 2, paper.x(), CAPTION)
            draw_text(painter, place, self._rest, "caption", "text3")
        painter.end()
        return picture
