"""Where wires run: from port to port, over dots, curved, straight or with right angles."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainterPath

from app.canvas.geometry import Geometry
from app.canvas.neuron_item import edge_point
from app.canvas.node_item import is_delayed, port_of
from engine.graph import Node

Place = tuple[float, float]
BEND_LEAST, BEND_MOST = 36.0, 220.0
BELOW, APART = 20.0, 12.0  # of a wire that goes back in time: under the nodes, and from the next such wire
STUB = 16.0  # pixels that a wire with right angles leads straight out of a port and into one
STYLES = CURVED, STRAIGHT, ANGLED = "curved", "straight", "angled"


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

    @property
    def area(self) -> QRectF:
        """What it may cover, with room for the band of a phase."""
        left, right = min(self.begin_x, self.end_x - self.bend), max(self.begin_x + self.bend, self.end_x)
        top, bottom = min(self.begin_y, self.end_y), self.lane
        return QRectF(left - 8, top - 8, right - left + 16, bottom - top + 16)

    def lengthen(self, path: QPainterPath) -> None:
        """Add the curve to a path that has come to its beginning."""
        begin, end = QPointF(self.begin_x, self.begin_y), QPointF(self.end_x, self.end_y)
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


Gap = tuple[Run, ...]  # from a port or dot to the next; with right angles each stretch is a run
NOWHERE: tuple[Gap, ...] = ((Run(0.0, 0.0, 0.0, 0.0, 0.0),),)


def path_of(runs: Sequence[Run]) -> QPainterPath:
    """Runs, each of which begins where the one before ends, as one curve."""
    path = QPainterPath(QPointF(runs[0].begin_x, runs[0].begin_y))
    for run in runs:
        run.lengthen(path)
    return path


def curved(begin_x: float, begin_y: float, end_x: float, end_y: float) -> Run:
    """A run that leaves to the right and arrives from the left."""
    across = end_x - begin_x
    bend = min(BEND_MOST, max(BEND_LEAST, abs(across) / 2))
    if across >= 0:
        bend = min(bend, max(across, BEND_LEAST / 2))
    return Run(begin_x, begin_y, end_x, end_y, bend)


def loose_path(begin: QPointF, end: QPointF, style: str) -> QPainterPath:
    """A wire of which an end is in the hand."""
    ends = (begin.x(), begin.y()), (end.x(), end.y())
    return path_of(_gap(*ends, style, is_port=True))


class Stand(NamedTuple):
    """A drawn node and where it stands: what wires begin and end at."""

    node: Node
    geometry: Geometry
    x: float
    y: float


def route(
    source: Stand, out: str, target: Stand, into: str, dots: Sequence[Place] = (), style: str = CURVED
) -> tuple[Gap, ...]:
    """From port to port over dots; between circles straight from edge to edge, as networks are drawn in books."""
    run = _direct(source, out, target, into, dots)
    if not dots and (style == CURVED or not run.bend or run.sag):
        return ((run,),)
    places = [(run.begin_x, run.begin_y), *dots, (run.end_x, run.end_y)]
    style, last = style if run.bend else STRAIGHT, len(places) - 2
    return tuple([_gap(*ends, style, is_port=at in (0, last)) for at, ends in enumerate(pairwise(places))])


def _direct(source: Stand, out: str, target: Stand, into: str, dots: Sequence[Place]) -> Run:
    """From port to port without a stop; circles are left towards the first dot, and met from the last."""
    begins, ends = source.geometry, target.geometry
    if begins.circle is not None and ends.circle is not None and _leads_to_inputs(target.node, into):
        corner, other = QPointF(source.x, source.y), QPointF(target.x, target.y)
        towards = QPointF(*dots[0]) if dots else other + ends.circle.center()
        before = QPointF(*dots[-1]) if dots else corner + begins.circle.center()
        first, last = edge_point(begins, corner, towards), edge_point(ends, other, before)
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


def _gap(begin: Place, end: Place, style: str, is_port: bool) -> Gap:
    """From one stop to the next. Ports are left to the right and met from the left; dots on any side."""
    across = end[0] - begin[0]
    if style == CURVED and (is_port or across >= 0):
        return (curved(*begin, *end),)
    if style != ANGLED:
        return (Run(*begin, *end, 0.0),)
    stub = STUB if is_port and across < 2 * STUB else across / 2
    middle = (begin[1] + end[1]) / 2
    corners = [begin, (begin[0] + stub, begin[1])]
    if is_port and across < 2 * STUB:
        corners += [(begin[0] + stub, middle), (end[0] - stub, middle)]
    corners += [(end[0] - stub, end[1]), end]
    return tuple([Run(*first, *last, 0.0) for first, last in pairwise(corners) if first != last]) or (
        Run(*begin, *end, 0.0),
    )


def _leads_to_inputs(node: Node, name: str) -> bool:
    port = port_of(node.kind, name, True)
    return port is None or port.kind != "parameter"
