"""A wire: a hairline in the colour of its kind, or of its weight where it ends in a neuron."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import hypot

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPainterPathStroker, QPen

from app.canvas.ink import ink
from app.canvas.long_curve import LongCurve, is_long, long_curves, paths_within
from app.canvas.routes import NOWHERE, Gap, path_of
from app.editor import wire_id
from engine.graph import Wire

PICK = 6.0  # pixels around the line that still hit it
SAMPLES = 32  # places on a curve that are measured from
FADED = 0.15  # opacity of a wire whose end is in the hand


class WireItem:
    """One wire as drawn; its looks are set by the scene, and the backdrop paints it. No item of Qt's: there are many."""

    def __init__(self, wire: Wire, kind: str, disturb: Callable[[WireItem], None]) -> None:
        self.wire, self.kind = wire, kind
        self.wire_id = wire_id(wire)
        self.gaps: tuple[Gap, ...] = NOWHERE
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
            self._path = path_of(self.runs)
        return self._path

    @property
    def runs(self) -> Gap:
        """All of it, from its source to its target."""
        return self.gaps[0] if len(self.gaps) == 1 else tuple([run for gap in self.gaps for run in gap])

    def lead(self, gaps: tuple[Gap, ...]) -> None:
        """Run elsewhere."""
        if gaps != self.gaps:
            if self.gaps is not NOWHERE:
                self.update()
            self.gaps, self._path, self.long = gaps, None, None
            self.is_long = len(runs := self.runs) == 1 and is_long(runs[0]) and not self.wire.muted
            self.update()

    def gap_at(self, point: QPointF) -> int:
        """How many of its dots it has passed where it comes nearest to a point."""
        if len(self.gaps) == 1:
            return 0
        away = [_distance(path_of(gap), point) for gap in self.gaps]
        return away.index(min(away))

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
        return not (self.stands_out or self.replaced or self.wire.muted) and self.weight is None

    @property
    def stands_out(self) -> bool:
        """Whether somebody points at it or does something with it, or the step just played used it."""
        return bool(self.selected or self.hovered or self.doomed or self.faded or self.phase)

    def _looks(self) -> tuple[object, ...]:
        return (self.pen(), self.phase, self.selected, self.faded)

    def update(self) -> None:
        """Have it painted anew."""
        self._disturb(self)

    def boundingRect(self) -> QRectF:
        """What it may cover, with room for the band of a phase."""
        area = QRectF()
        for run in self.runs:
            area = area.united(run.area)
        return area

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


def _distance(path: QPainterPath, point: QPointF) -> float:
    """How far a point lies from a curve, near enough."""
    places = [path.pointAtPercent(at / SAMPLES) for at in range(SAMPLES + 1)]
    return min(hypot(place.x() - point.x(), place.y() - point.y()) for place in places)


def paths_of(wires: Sequence[WireItem], areas: Sequence[QRectF]) -> list[QPainterPath]:
    """The curves of wires; of long ones what comes near some areas. Dashes begin with the wire, so that is left whole."""
    long = [wire for wire in wires if wire.is_long]
    if uncut := [wire for wire in long if wire.long is None]:
        for wire, curve in zip(uncut, long_curves([wire.runs[0] for wire in uncut]), strict=True):
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
