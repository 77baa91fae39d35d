"""The table of ports: what comes in, what goes out, in which shape, with value and gradient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.theme import current_theme, kind_token
from app.theme.numbers import NOT_COMPUTED, number_text, shape_text, spread_text

if TYPE_CHECKING:
    from engine.graph import Graph, Node
    from engine.nodes import NodeType
    from engine.snapshot import Reading, Snapshot

HEAD, LINE = 20, 23
NAME, SHAPE, GAP = 84.0, 34.0, 10.0  # pixels: most for a name, least for a shape, between columns
RIGHT, LEFT, MIDDLE = Qt.AlignmentFlag.AlignRight, Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class PortRow:
    """One port as a person reads it. `address` is where its value stands in a snapshot, empty where nothing comes."""

    name: str
    latex: str
    kind: str
    help: str
    address: str
    shape: str = ""
    value: str = NOT_COMPUTED
    gradient: str = NOT_COMPUTED
    value_token: str = "text3"
    gradient_token: str = "text3"


def rows_of(graph: Graph, node: Node, kind: type[NodeType]) -> list[PortRow]:
    """The ports of a node in order, inputs first; an input that takes several wires has a row for each."""
    rows = []
    for port in kind.inputs:
        wires = graph.wires_into(node.id, port.name)
        latex = port.symbol or port.name.replace("_", r"\_")
        for place, wire in enumerate(wires, 1):
            shown = f"{latex}_{{{place}}}" if len(wires) > 1 else latex
            rows.append(PortRow(port.name, shown, port.kind, port.help, wire.source))
        if not wires:
            rows.append(PortRow(port.name, latex, port.kind, port.help, f"{node.id}.{port.name}"))
    for out in kind.outputs:
        address = f"{node.id}.{out.name}"
        rows.append(PortRow(out.name, out.symbol or out.name.replace("_", r"\_"), out.kind, out.help, address))
    return rows


def reading_text(reading: Reading | None, signed: bool = False) -> str:
    """A number, mean ± deviation of several, or a dash."""
    if reading is None or reading.state == "absent":
        return NOT_COMPUTED
    count = 1
    for length in reading.shape:
        count *= length
    return number_text(reading.mean, signed) if count == 1 else spread_text(reading.mean, reading.deviation)


class PortTable(QWidget):
    """Paints the rows; one widget, because a snapshot brings new numbers sixty times a second."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[PortRow] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        current_theme().changed.connect(self.update)

    def set_rows(self, rows: Iterable[PortRow]) -> None:
        """Show other ports."""
        self.rows = list(rows)
        self.updateGeometry()
        self.update()

    def show_snapshot(self, snapshot: Snapshot | None, shapes: dict[str, tuple], shared: set[str]) -> None:
        """Fill in the numbers. `shared` are outputs that several wires leave: the gradient there is not this port's."""
        self.rows = [filled(row, snapshot, shapes, shared) for row in self.rows]
        self.setAccessibleName(
            "; ".join(f"{r.name} {r.shape} value {r.value} gradient {r.gradient}" for r in self.rows)
        )
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, HEAD + LINE * len(self.rows))

    def minimumSizeHint(self) -> QSize:
        return QSize(200, HEAD + LINE * len(self.rows))

    def _columns(self) -> Sequence[tuple[float, float, Qt.AlignmentFlag]]:
        """Left edge, width, alignment of port, shape, value, gradient: numbers have what shapes leave."""
        metrics = QFontMetricsF(current_theme().font("number"))
        shape = max([SHAPE, *(metrics.horizontalAdvance(row.shape) for row in self.rows)])
        name = max(NAME / 2, min(NAME, self.width() - shape - 2 * GAP - 2 * self._widest_number()))
        first = name + GAP / 2 + shape + GAP / 2
        numbers = (self.width() - first - GAP) / 2
        second = first + numbers + GAP
        return (0, name, LEFT), (name + GAP / 2, shape, LEFT), (first, numbers, RIGHT), (second, numbers, RIGHT)

    def _widest_number(self) -> float:
        metrics = QFontMetricsF(current_theme().font("number_small"))
        return max(
            (metrics.horizontalAdvance(text) for row in self.rows for text in (row.value, row.gradient)), default=0
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, painter, columns = current_theme(), QPainter(self), self._columns()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(theme.font("caption"))
        painter.setPen(theme.colour("text3"))
        for title, (left, width, side) in zip(("port", "shape", "value", "gradient"), columns, strict=True):
            painter.drawText(QRectF(left, 0, width, HEAD - 2), side | MIDDLE, title)
        for index, row in enumerate(self.rows):
            top = HEAD + index * LINE
            self._paint_symbol(painter, row, top, columns[0][1])
            texts = (row.shape, "text3"), (row.value, row.value_token), (row.gradient, row.gradient_token)
            for (text, token), (left, width, side) in zip(texts, columns[1:], strict=True):
                font = theme.font("number_small" if "±" in text or len(text) > 7 else "number")
                painter.setFont(font)
                painter.setPen(theme.colour(token))
                shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, width + 1)
                painter.drawText(QRectF(left, top, width, LINE), side | MIDDLE, shown)

    def _paint_symbol(self, painter: QPainter, row: PortRow, top: float, width: float) -> None:
        theme = current_theme()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour(kind_token(row.kind)))
        painter.drawEllipse(QRectF(0, top + LINE / 2 - 3, 6, 6))
        formula = theme.mathematics(row.latex, 13)
        formula.paint(painter, 14, top + (LINE - formula.size.height()) / 2 + formula.baseline)
        room = width - 14 - formula.size.width() - 6
        metrics = QFontMetricsF(theme.font("caption"))
        if row.latex != row.name and metrics.horizontalAdvance(row.name) <= room:
            painter.setFont(theme.font("caption"))
            painter.setPen(theme.colour("text3"))
            painter.drawText(QRectF(20 + formula.size.width(), top, room, LINE), LEFT | MIDDLE, row.name)

    def event(self, event: QEvent) -> bool:
        """The tooltip of a row: the port's name, its kind and its help."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = int((event.pos().y() - HEAD) // LINE)
            row = self.rows[index] if 0 <= index < len(self.rows) else None
            QToolTip.showText(event.globalPos(), f"{row.name} ({row.kind}) {row.help}".strip() if row else "", self)
            return True
        return super().event(event)


def filled(row: PortRow, snapshot: Snapshot | None, shapes: dict[str, tuple], shared: set[str]) -> PortRow:
    """The row with shape and numbers of this moment."""
    from dataclasses import replace

    value = gradient = None
    if snapshot is not None:
        value = snapshot.values.get(row.address) or snapshot.parameters.get(row.address)
        gradient = None if row.address in shared else snapshot.gradients.get(row.address)
    known = shapes.get(row.address) or (value.shape if value is not None else None)
    return replace(
        row,
        shape=shape_text([str(length).replace("batch", "B") for length in known])
        if known is not None
        else NOT_COMPUTED,
        value=reading_text(value),
        gradient=reading_text(gradient, signed=True),
        value_token=state_token(value, "text"),
        gradient_token=state_token(gradient, "backward"),
    )


def state_token(reading: Reading | None, fresh: str) -> str:
    """The colour of a reading: grey where it is of a former iteration or was never computed."""
    if reading is None or reading.state != "current":
        return "text3"
    return fresh if reading.is_finite else "error"
