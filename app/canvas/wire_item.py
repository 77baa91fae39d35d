"""A wire: a hairline in the colour of its kind, or of its weight where it ends in a neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen

from app.canvas.geometry import Geometry
from app.canvas.ink import ink
from app.canvas.long_curve import LongCurve, is_long, long_curves, paths_within
from app.canvas.neuron_item import edge_point
from app.canvas.node_item import is_delayed, port_of
from app.editor import wire_id
from engine.graph import Node, Wire

PICK = 6.0  # pixels around the line that still hit it
BEND_LEAST, BEND_MOST = 36.0, 220.0
BELOW, APART = 20.0, 12.0  # of a wire that goes back in time: under the nodes, and from the next such wire
FADED = 0.15  # opacity of a wire whose end is in the hand


class Run(NamedTuple):
    """Where a wire begins and ends on the scene, and how far it leaves to the right; without a bend it is straight.

    sag  of a wire that runs back below the nodes: how far below the lower of its ends; 0 for all others
    """

    begin_x: float
    begin_y: float
    end_x: float
    end_y: float
    bend: float
    sag: float = 0.0

    @property
    def lane(self) -> float:
        """How low it runs."""
        return max(self.begin_y, self.end_y) + self.sag

    def path(self) -> QPainterPath:
        """The curve."""
        begin, end = QPointF(self.begin_x, self.begin_y), QPointF(self.end_x, self.end_y)
        path = QPainterPath(begin)
        if self.sag:
            aside, lane = QPointF(self.bend, 0), self.lane
            right, left = QPointF(self.begin_x, lane), QPointF(self.end_x, lane)
            path.cubicTo(begin + aside, right + aside, right)
            path.lineTo(left)
            path.cubicTo(left - aside, end - aside, end)
        elif self.bend:
            path.cubicTo(begin + QPointF(self.bend, 0), end - QPointF(self.bend, 0), end)
        else:
            path.lineTo(end)
        return path


NOWHERE = Run(0.0, 0.0, 0.0, 0.0, 0.0)


def curved(begin_x: float, begin_y: float, end_x: float, end_y: float) -> Run:
    """A run that leaves to the right and arrives from the left."""
    across = end_x - begin_x
    bend = min(BEND_MOST, max(BEND_LEAST, abs(across) / 2))
    if across >= 0:
        bend = min(bend, max(across, BEND_LEAST / 2))
    return Run(begin_x, begin_y, end_x, end_y, bend)


def bezier(begin: QPointF, end: QPointF) -> QPainterPath:
    """A curve that leaves to the right and arrives from the left."""
    return curved(begin.x(), begin.y(), end.x(), end.y()).path()


class Stand(NamedTuple):
    """A drawn node and where it stands: what wires begin and end at."""

    node: Node
    geometry: Geometry
    x: float
    y: float


def route(source: Stand, out: str, target: Stand, into: str) -> Run:
    """From port to port; between circles straight from edge to edge, as networks are drawn in books."""
    begins, ends = source.geometry, target.geometry
    if begins.circle is not None and ends.circle is not None and _leads_to_inputs(target.node, into):
        corner, other = QPointF(source.x, source.y), QPointF(target.x, target.y)
        first = edge_point(begins, corner, other + ends.circle.center())
        last = edge_point(ends, other, corner + begins.circle.center())
        return Run(first.x(), first.y(), last.x(), last.y(), 0.0)
    across, down = begins.departures.get(out) or (begins.size[0], 0.0)
    right, below = ends.arrivals.get(into) or (0.0, 0.0)
    run = curved(source.x + across, source.y + down, target.x + right, target.y + below)
    if run.begin_x <= run.end_x or not is_delayed(target.node.kind, into):
        return run
    bottom = max(source.y + begins.size[1], target.y + ends.size[1])
    place = list(begins.outputs).index(out) if out in begins.outputs else 0
    lane = bottom + BELOW + APART * place
    return run._replace(bend=BEND_LEAST, sag=lane - max(run.begin_y, run.end_y))


def _leads_to_inputs(node: Node, name: str) -> bool:
    port = port_of(node.kind, name, True)
    return port is None or port.kind != "parameter"


class WireItem:
    """One wire as drawn; its looks are set by the scene, and the backdrop paints it. No item of Qt's: there are many."""

    def __init__(self, wire: Wire, kind: str, disturb: Callable[[WireItem], None]) -> None:
        self.wire, self.kind = wire, kind
        self.wire_id = wire_id(wire)
        self.run = NOWHERE
        self.weight: float | None = None
        self.phase = ""
        self.selected = self.hovered = self.doomed = self.faded = False
        self.replaced = False  # an opened layer draws its weights instead, line by line
        self.rests, self.is_long = self._rests(), False
        self._disturb = disturb
        self._path: QPainterPath | None = None
        self.long: LongCurve | None = None  # cut when it is first painted, with all others of its length

    @property
    def path(self) -> QPainterPath:
        """The curve, made when it is first asked for: most wires are never near the view."""
        if self._path is None:
            self._path = self.run.path()
        return self._path

    def set_run(self, run: Run) -> None:
        """Run elsewhere."""
        if run != self.run:
            if self.run is not NOWHERE:
                self.update()
            self.run, self._path, self.long = run, None, None
            self.is_long = is_long(run) and not self.wire.muted
            self.update()

    def show_as(self, **looks: object) -> None:
        """Change the looks: weight, phase, selected, hovered, doomed (about to be cut), faded (its end is in the hand),
        replaced (by the lines of a layer)."""
        if any(getattr(self, name) != look for name, look in looks.items()):
            before = self._looks()
            for name, look in looks.items():
                setattr(self, name, look)
            self.rests = self._rests()
            if self._looks() != before:
                self.update()

    def _rests(self) -> bool:
        """Whether it looks like all wires of its kind."""
        stands_out = self.selected or self.hovered or self.doomed or self.faded or self.replaced or self.phase
        return not stands_out and self.weight is None and not self.wire.muted

    def _looks(self) -> tuple[object, ...]:
        return (self.pen(), self.phase, self.selected, self.faded)

    def update(self) -> None:
        """Have it painted anew."""
        self._disturb(self)

    def boundingRect(self) -> QRectF:
        """What it may cover, with room for the band of a phase."""
        run, bend = self.run, self.run.bend
        left, right = min(run.begin_x, run.end_x - bend), max(run.begin_x + bend, run.end_x)
        top, bottom = min(run.begin_y, run.end_y), run.lane
        return QRectF(left - 8, top - 8, right - left + 16, bottom - top + 16)

    def hit_area(self, reach: float, near: QRectF) -> QPainterPath:
        """All within `reach` of the line, as far as it comes near an area."""
        stroker = QPainterPathStroker()
        stroker.setWidth(2 * reach)
        return stroker.createStroke(paths_of([self], [near])[0])

    @property
    def is_plain(self) -> bool:
        """Whether it is a single hairline."""
        return not (self.selected or self.faded or self.phase == "backward")

    def paint(self, painter: QPainter) -> None:
        """One hairline; thick only where it says something."""
        painter.setOpacity(FADED if self.faded else 1.0)
        if self.phase == "backward":
            band = QPen(ink().colour("backward", 0.22), 7.0)
            band.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(band)
            painter.drawPath(self.path)
        painter.setPen(self.pen())
        if self.selected and not self.doomed:
            # Two hairlines: one wide antialiased curve costs several times as much.
            painter.drawPath(self.path.translated(0, -1))
            painter.drawPath(self.path.translated(0, 1))
        else:
            painter.drawPath(self.path)
        painter.setOpacity(1.0)

    def pen(self) -> QPen:
        """The hairline in the colour of what is most worth saying."""
        if self.doomed:
            return ink().pen("error", 1.0)
        style = Qt.PenStyle.DashLine if self.wire.muted else Qt.PenStyle.SolidLine
        if self.selected:
            return ink().pen("accent", 1.0, style)
        if self.hovered:
            return ink().pen("text", 1.0, style)
        if self.phase in ("forward", "backward"):
            return ink().pen(self.phase, 1.0, style)
        if self.weight is not None:
            strength = round(0.3 + 0.7 * min(1.0, abs(self.weight)), 1)
            return ink().pen("neg" if self.weight < 0 else "pos", 1.0, style, strength)
        return ink().pen(f"k_{self.kind}", 1.0, style, 0.2 if self.replaced else 0.85)


def paths_of(wires: Sequence[WireItem], areas: Sequence[QRectF]) -> list[QPainterPath]:
    """The curves of wires; of long ones what comes near some areas. Dashes begin with the wire, so that is left whole."""
    long = [wire for wire in wires if wire.is_long]
    if uncut := [wire for wire in long if wire.long is None]:
        for wire, curve in zip(uncut, long_curves([wire.run for wire in uncut]), strict=True):
            wire.long = curve
    parts = iter(paths_within([wire.long for wire in long if wire.long is not None], areas))
    return [next(parts) if wire.is_long else wire.path for wire in wires]


def paint_wires(painter: QPainter, wires: Sequence[WireItem], areas: Sequence[QRectF]) -> None:
    """Many wires, as far as they come near some areas; a pen is set only where it differs from the one before."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    drawn_with, draw = None, painter.drawPath
    at_rest: dict[str, QPen] = {}
    for wire, path in zip(wires, paths_of(wires, areas), strict=True):
        if wire.rests and wire.kind in at_rest:
            pen = at_rest[wire.kind]
        elif not wire.is_plain:
            wire.paint(painter)
            drawn_with = None
            continue
        else:
            pen = wire.pen()
            if wire.rests:
                at_rest[wire.kind] = pen
        if pen is not drawn_with:
            painter.setPen(pen)
            drawn_with = pen
        draw(path)
