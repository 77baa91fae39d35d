"""What changes while the graph runs, apart from the cached body of a node: numbers, picture, border of state and phase."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, NamedTuple
from weakref import proxy

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from app.canvas.geometry import LABELLED_FROM, Geometry
from app.canvas.ink import draw_chevron, draw_icon, draw_text, elided, font, ink, width_of
from app.canvas.ports import draw_port
from app.canvas.readings import Strip, Words
from app.canvas.resting import leave
from app.theme.numbers import NOT_COMPUTED, number_text

if TYPE_CHECKING:
    from app.canvas.figures import Sheet
    from app.canvas.node_item import DrawnNode, NodeItem

TEXT_FROM, DETAIL_FROM = 0.42, 0.25  # zoom below which there is no text, no item of one's own
DASH = Words(NOT_COMPUTED, "text3")
HALO, LABEL = 7.0, 56.0
ICONS = {
    "wrong": ("triangle-alert", "error"), "born": ("triangle-alert", "error"), "muted": ("ban", "text3"),
    "bypassed": ("corner-down-right", "text2"), "update": ("square", "update"), "stale": ("history", "text3"),
    "frozen": ("snowflake", "c_data"), "pinned": ("pin", "text3"),
}  # fmt: skip


class LiveState(NamedTuple):
    """Everything about a node that a snapshot or the mouse can change; equal states are not painted again."""

    value: Words = DASH
    gradient: Words = DASH
    strip: Strip | None = None
    bias: Words | None = None
    updated: tuple[float, float] | None = None  # a single parameter before and after the update just played
    focused: str = ""  # the port or parameter whose value has the focus ring
    # From here on: what is painted with the body of a node that rests. All else are figures.
    phase: str = ""  # of the step just played: forward, backward, update
    stale: bool = False
    born: bool = False  # a number that is not finite was born here
    reason: str = ""  # what is wrong with the node
    selected: bool = False
    hovered: bool = False
    ringed: frozenset[str] | None = None  # the port that the keyboard is at
    stops: bool = False  # playing stands still here
    lit: frozenset[str] | None = None  # ports that would take the wire being pulled; None: no wire is pulled


RESTING_FROM = LiveState._fields.index("phase")


def labelled(state: LiveState, geometry: Geometry) -> tuple[bool, bool]:
    """Whether there is room for the words before value and gradient: a number goes before its label."""
    if geometry.size[0] < LABELLED_FROM:
        return False, False
    room = geometry.value_line.width() - 16 - LABEL
    return width_of(state.value.text, "number") <= room, width_of(state.gradient.text, "number") <= room


def zoom_of(painter: QPainter) -> float:
    """Device-independent pixels per unit of the scene (the ratio of a fine screen is no part of a world transform)."""
    return QStyleOptionGraphicsItem.levelOfDetailFromTransform(painter.worldTransform())


def boost_at(zoom: float) -> float:
    """How much larger numbers of neurons and weights are drawn so that they can still be read at a small zoom.

    In steps of a quarter: each step lays the labels out anew.
    """
    return min(2.25, max(1.0, ceil(4 * 0.88 / zoom) / 4))


@contextmanager
def enlarged(painter: QPainter, anchor: QPointF, boost: float) -> Iterator[None]:
    """Paint larger around a point."""
    if boost == 1.0:
        yield
        return
    painter.save()
    painter.translate(anchor)
    painter.scale(boost, boost)
    painter.translate(-anchor)
    yield
    painter.restore()


class RestingLive:
    """The live state of a node whose body the backdrop paints, and whose figures are written with those of others."""

    def __init__(self, node: NodeItem) -> None:
        self._node: NodeItem = proxy(node)  # a cycle would keep what left the scene until garbage is collected
        self.state = LiveState()
        self._looks: tuple[object, ...] = ()
        self.named = (True, True)  # whether there is room for the words before value and gradient

    def show_state(self, state: LiveState) -> None:
        """Paint another state, at the next frame."""
        if state == self.state:
            return
        self.state = state
        # A word that once gave way to its number stays away until an edit: it would come and go with every digit.
        value, gradient = labelled(state, self._node.geometry)
        self.named = self.named[0] and value, self.named[1] and gradient
        looks = (*state[RESTING_FROM:], state.strip is None, self.named)
        if looks != self._looks:
            self._looks = looks
            self._node.update()
        else:
            self._node.rewrite()

    def geometry_changes(self) -> None:
        """The node is about to change its size."""
        self.named = (True, True)

    def update(self) -> None:
        """The node has changed, and tells the scene itself."""
        self.named = labelled(self.state, self._node.geometry)


class LiveLayer(QGraphicsItem):
    """Paints a LiveState over the body of its node."""

    def __init__(self, node: DrawnNode) -> None:
        super().__init__(node)
        self.node = node
        self.state = LiveState()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        # A cache of its own: panning copies pictures, and a new number does not paint the body again.
        self.setCacheMode(QGraphicsItem.CacheMode.DeviceCoordinateCache)

    def show_state(self, state: LiveState) -> None:
        """Paint another state, at the next frame."""
        if state != self.state:
            self.state = state
            self.update()

    def geometry_changes(self) -> None:
        """The node is about to change its size."""
        leave(self)
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        """The node with its halo."""
        return self.node.boundingRect()

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Halo and border, then numbers where they can be read."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.node.paint_live(painter, self.state, zoom_of(painter))


def border_token(state: LiveState, flags: frozenset[str]) -> tuple[str, float]:
    """Colour and width of the border: faults before phases before the mouse."""
    if state.reason or state.born:
        return "error", 1.0
    if state.phase:
        return state.phase, 1.5
    return ("border_strong" if state.hovered or "bypassed" in flags else "border"), 1.0


def draw_border(painter: QPainter, rectangle: QRectF, radius: float, state: LiveState, flags: frozenset[str]) -> None:
    """The border of a rectangular node with the soft halo of its phase and the ring of the selection."""
    token, width = border_token(state, flags)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if state.phase and token == state.phase:
        for grown, alpha in ((2.0, 0.30), (4.0, 0.14), (6.0, 0.07)):
            painter.setPen(_wide(token, 2.0, alpha))
            painter.drawRoundedRect(rectangle.adjusted(-grown, -grown, grown, grown), radius + grown, radius + grown)
    dashed = flags & {"muted", "bypassed"}
    painter.setPen(ink().pen(token, width, Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine))
    painter.drawRoundedRect(rectangle, radius, radius)
    if state.selected:
        painter.setPen(ink().pen("accent", 2.0))
        painter.drawRoundedRect(rectangle.adjusted(-2, -2, 2, 2), radius + 2, radius + 2)
    if state.stops:
        draw_stop(painter, rectangle)


def _wide(token: str, width: float, alpha: float) -> QPen:
    return QPen(ink().colour(token, alpha), width)


def state_icon(state: LiveState, flags: frozenset[str]) -> str:
    """The one icon that says most about the state; empty at rest."""
    if state.reason:
        return "wrong"
    if state.born:
        return "born"
    for flag in ("muted", "bypassed"):
        if flag in flags:
            return flag
    if state.phase:
        return state.phase
    if state.stale:
        return "stale"
    return next((flag for flag in ("frozen", "pinned") if flag in flags), "")


def draw_corner(painter: QPainter, geometry: Geometry, state: LiveState, flags: frozenset[str]) -> None:
    """The mark in the upper right corner: the state, or the chevron that folds."""
    name = "" if state.hovered else state_icon(state, flags)
    centre = geometry.fold.center()
    if name in ("forward", "backward"):
        draw_chevron(painter, centre, 3.5, name, name == "backward")
    elif name:
        icon, token = ICONS[name]
        draw_icon(painter, centre.x() - 7, centre.y() - 7, icon, token)
    else:
        painter.setPen(ink().pen("text3", 1.2))
        x, y, down = centre.x(), centre.y(), -2.0 if "collapsed" in flags else 2.0
        points = [QPointF(x - 3.5, y - 2), QPointF(x, y + 2), QPointF(x + 3.5, y - 2)]
        painter.drawPolyline(
            points if down > 0 else [QPointF(x - 2, y - 3.5), QPointF(x + 2, y), QPointF(x - 2, y + 3.5)]
        )


def draw_resting_lines(painter: QPainter, node: NodeItem) -> None:
    """What rests in the lines of value and gradient: their chevrons and words, or what is wrong with the node."""
    geometry, state, flags = node.geometry, node.live.state, node.node.flags
    if state.reason:
        _draw_reason(painter, geometry, state.reason)
        return
    lines = zip((geometry.value_line, geometry.gradient_line), ("value", "gradient"), node.live.named, strict=True)
    for line, word, is_named in lines:
        backward = word == "gradient"
        token = ("backward" if backward else "forward") if "muted" not in flags else "text3"
        draw_chevron(painter, QPointF(line.left() + 4, line.center().y()), 3.0, token, backward)
        if is_named:
            draw_text(painter, line.adjusted(16, 0, 0, 0), word, "body", "text3" if "muted" in flags else "text2")


def shown_words(state: LiveState, flags: frozenset[str]) -> tuple[Words, Words]:
    """What stands for value and gradient, whatever the numbers are where a flag decides."""
    if "muted" in flags:
        return Words("0", "text3"), DASH
    if "bypassed" in flags:
        return state.value, Words("passed on", "text2")
    if "frozen" in flags:
        return state.value, Words("frozen", "text2")
    return state.value, state.gradient


def write_lines(sheet: Sheet, node: NodeItem) -> None:
    """The value and the gradient behind their chevrons."""
    geometry, state = node.geometry, node.live.state
    if state.reason:
        return
    lines = zip(
        (geometry.value_line, geometry.gradient_line), shown_words(state, node.node.flags), node.live.named, strict=True
    )
    for at, (line, words, is_named) in enumerate(lines):
        rest = line.adjusted(16 + (LABEL if is_named else 0), 0, 0, 0)
        if not at and state.updated is not None:
            _write_update(sheet, rest, state.updated)
            continue
        role = "number" if words.token != "text2" else "caption"
        sheet.write(rest, elided(words.text, role, rest.width()), role, words.token)
        if state.focused and not at:
            ring = focus_ring(rest, words.text)
            sheet.draw(ring.adjusted(-2, -2, 2, 2), partial(draw_focus, rest=rest, text=words.text))


def _draw_reason(painter: QPainter, geometry: Geometry, reason: str) -> None:
    """What is wrong, where the numbers would stand; the tooltip has all of a long one."""
    place = geometry.value_line.united(geometry.gradient_line)
    painter.setFont(font("caption"))
    painter.setPen(ink().colour("error"))
    painter.drawText(place, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignVCenter, reason)


def _write_update(sheet: Sheet, rest: QRectF, updated: tuple[float, float]) -> None:
    before, after = (number_text(number) for number in updated)
    sheet.write(rest, before, "number", "text2")
    rest = rest.adjusted(width_of(before, "number") + 4, 0, 0, 0)
    sheet.write(rest, "→", "number", "update")
    sheet.write(rest.adjusted(width_of("→", "number") + 4, 0, 0, 0), after, "number", "text")


def focus_ring(rest: QRectF, text: str) -> QRectF:
    """Where the ring around a number runs."""
    return QRectF(rest.left() - 4, rest.top(), width_of(text, "number") + 8, rest.height())


def draw_focus(painter: QPainter, rest: QRectF, text: str) -> None:
    """The ring around the number that ↑ and ↓ change."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(ink().pen("focus", 2.0))
    painter.drawRoundedRect(focus_ring(rest, text), 4, 4)


def draw_empty_strip(painter: QPainter, place: QRectF) -> None:
    """The field of a heat strip with a dash, before anything was computed."""
    painter.setPen(ink().pen("border"))
    painter.setBrush(ink().colour("canvas"))
    painter.drawRoundedRect(place, 3, 3)
    draw_text(painter, place, NOT_COMPUTED, "number_small", "text3", "middle")


def write_strip(sheet: Sheet, place: QRectF, strip: Strip) -> None:
    """The heat strip with its level and extremes."""
    sheet.show(place, strip)
    caption = QRectF(place.left(), place.bottom() + 1, place.width(), 16)
    extremes, level = strip.words
    if width_of(extremes, "number_small") + width_of(level, "number_small") + 8 < place.width():
        sheet.write(caption, level, "number_small", "text3", "right")
    sheet.write(caption, extremes, "number_small", "text3")


def draw_glow(painter: QPainter, node: DrawnNode, lit: frozenset[str]) -> None:
    """While a wire is pulled: ports that would take it light up, the others step back."""
    for port in node.ports:
        if port.address in lit:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(ink().pen("accent", 2.0))
            painter.drawEllipse(port.point, 9, 9)
            draw_port(painter, port.point, port.kind, port.rank, port.wired)
        elif port.shown:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(ink().colour("canvas", 0.75))
            painter.drawEllipse(port.point, 8, 8)


def draw_stop(painter: QPainter, body: QRectF) -> None:
    """The mark of a node at which playing stands still: a dot on its upper left corner."""
    painter.setPen(ink().pen("canvas", 1.5))
    painter.setBrush(ink().colour("error"))
    painter.drawEllipse(body.topLeft() + QPointF(3, 3), 5.5, 5.5)


def draw_ringed(painter: QPainter, node: DrawnNode, ringed: frozenset[str]) -> None:
    """The ring of the keyboard around a port."""
    for port in node.ports:
        if port.address in ringed:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(ink().pen("focus", 2.0))
            painter.drawEllipse(port.point, 9, 9)


def draw_bypass(painter: QPainter, node: DrawnNode) -> None:
    """The wire that is drawn through a bypassed node."""
    begin = next((port.point for port in node.ports if port.is_input), None)
    end = next((port.point for port in node.ports if not port.is_input), None)
    if begin is None or end is None:
        return
    path = QPainterPath(begin)
    path.cubicTo((begin + end) / 2, (begin + end) / 2, end)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(ink().pen("text2", 1.0, Qt.PenStyle.DotLine))
    painter.drawPath(path)
