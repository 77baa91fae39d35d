"""Where everything on a node stands, in its own pixels: worked out once per node and edit, read by painting and picking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from PySide6.QtCore import QPointF, QRectF

from app.canvas.ink import width_of
from app.canvas.layer.plan import HEADER as HEADER
from app.canvas.layer.plan import LayerPlan, is_opened, plan_layer, ports_of
from app.canvas.readings import FEW
from app.canvas.wiring import Shapes, Wiring
from app.theme import current_theme
from app.theme.numbers import number_text
from engine.graph import Node
from engine.nodes import NodeType, Numbers, Port, Real, Whole

ROW, LINE, PICTURE, CAPTION = 24.0, 20.0, 30.0, 16.0
SIDE, PAD = 16.0, 10.0
NARROWEST, WIDEST, STEP = 120.0, 312.0, 24.0
NEURON, INPUT_CIRCLE, NAME_ROW, GRADIENT_ROW = 76.0, 52.0, 24.0, 20.0
FORMULA_SIZE = 13.0
LABELLED_FROM = 168.0  # pixels: from this width on the lines say "value" and "gradient"


@dataclass(frozen=True)
class FieldRow:
    """An inline field (or only the name of an input): property or port name, label, text, where it stands."""

    name: str
    label: str
    text: str | None
    rectangle: QRectF

    @property
    def box(self) -> QRectF:
        """The field itself: the right-hand part of its row."""
        left = self.rectangle.left() + max(56.0, width_of(self.label, "body") + 12.0)
        return QRectF(left, self.rectangle.top() + 2, self.rectangle.right() - left, LINE)


@dataclass(frozen=True)
class Geometry:
    """All places of one node, relative to its upper left corner.

    `circle` is set for neurons and single inputs, `layer` for layers that are opened into their neurons.
    """

    size: tuple[float, float]
    inputs: Mapping[str, QPointF]
    outputs: Mapping[str, QPointF]
    circle: QRectF | None = None
    formula: QPointF | None = None
    fields: tuple[FieldRow, ...] = ()
    picture: QRectF | None = None
    pictured: str = ""  # what the picture shows: a parameter or an output of the node
    rule: float = 0.0  # y of the line above the numbers; 0 where the node is folded
    subtitle: str = ""
    spare: frozenset[str] = field(default=frozenset())  # optional ports: shown when they are wired or asked for
    layer: LayerPlan | None = None

    @cached_property
    def body(self) -> QRectF:
        """The node's rectangle (for circles: the circle's)."""
        return self.circle if self.circle is not None else QRectF(0, 0, *self.size)

    @cached_property
    def fold(self) -> QRectF:
        """Where a click folds the node."""
        return QRectF(self.size[0] - 28, 0, 28, HEADER)

    @cached_property
    def value_line(self) -> QRectF:
        """The line of the value."""
        return QRectF(SIDE - 4, self.rule + 4, self.size[0] - 2 * SIDE + 8, LINE)

    @cached_property
    def gradient_line(self) -> QRectF:
        """The line of the gradient."""
        return self.value_line.translated(0, LINE)

    @cached_property
    def arrivals(self) -> dict[str, tuple[float, float]]:
        """Where wires arrive, as plain numbers: a large graph asks thousands of times."""
        return {name: (point.x(), point.y()) for name, point in self.inputs.items()}

    @cached_property
    def departures(self) -> dict[str, tuple[float, float]]:
        """Where wires leave."""
        return {name: (point.x(), point.y()) for name, point in self.outputs.items()}

    def port(self, name: str) -> QPointF | None:
        """The place of a port, whichever side it is on."""
        return self.inputs.get(name) or self.outputs.get(name)


def shown_name(node: Node) -> str:
    """What stands in the header: the title, or the id in words."""
    return node.title or node.id.replace("_", " ")


def is_neuron(node: Node) -> bool:
    """Whether the node is drawn as a neuron."""
    return node.type == "neuron"


def is_single_input(node: Node) -> bool:
    """Whether the node is one feature of the data, drawn as a small circle."""
    return node.type == "input" and len(node.properties.get("columns") or ()) == 1


def measure(wiring: Wiring, node: Node, shapes: Shapes) -> Geometry:
    """The geometry of a node as it is now. Nodes that are set out alike share one."""
    kind = node.kind
    if kind is None:
        return _unknown(wiring, node)
    if is_neuron(node) or is_single_input(node):
        return _round(node, kind)
    if is_opened(node):
        return _opened(wiring, node, kind, shapes)
    subtitle = _subtitle(node, kind)
    header = _snapped(_header_width(node, subtitle))
    if "collapsed" in node.flags:
        return _collapsed(kind, header, subtitle)  # type: ignore[arg-type]  # a class is hashed as any object is
    wired = frozenset([wire.target_port for wire in wiring.wires_into(node.id)])
    pictured, formula = _pictured(node, kind, wired, shapes), kind.formula_with(node.properties)
    rows = _rows(node, kind, wired)
    if "trimmed" in node.flags:
        rows = tuple([row for row in rows if kind.input(row[0]) is None or row[0] in wired])
    return _column(kind, formula, header, subtitle, rows, pictured)  # type: ignore[arg-type]  # the same


def _unknown(wiring: Wiring, node: Node) -> Geometry:
    """A node of a type that this version does not know: its wires tell its ports."""
    inputs = dict.fromkeys(wire.target_port for wire in wiring.wires_into(node.id))
    outputs = dict.fromkeys(wire.source_port for wire in wiring.wires_out_of(node.id))
    width = _snapped(_header_width(node, node.type))
    height = HEADER + max(LINE, ROW * max(len(inputs), len(outputs))) + PAD
    return Geometry((width, height), _down(inputs, 0.0), _down(outputs, width), rule=HEADER, subtitle=node.type)


def _down(names: Mapping[str, Any], x: float) -> dict[str, QPointF]:
    return {name: QPointF(x, HEADER + PAD + 12 + ROW * at) for at, name in enumerate(names)}


def _round(node: Node, kind: type[NodeType]) -> Geometry:
    across = NEURON if is_neuron(node) else INPUT_CIRCLE
    circle = QRectF(0, NAME_ROW, across, across)
    middle = circle.center().y()
    spare = [port.name for port in kind.inputs if port.optional]
    inputs = {port.name: QPointF(0, middle) for port in kind.inputs if port.name not in spare}
    for at, name in enumerate(spare):  # along the lower left of the circle, out of the way of the wires
        inputs[name] = QPointF(across * (0.18 + 0.2 * at), NAME_ROW + across * (0.89 + 0.08 * at))
    outputs = {port.name: QPointF(across, middle) for port in kind.outputs}
    size = (across, NAME_ROW + across + (GRADIENT_ROW if is_neuron(node) else 0.0))
    return Geometry(size, inputs, outputs, circle=circle, spare=frozenset(spare))


def _opened(wiring: Wiring, node: Node, kind: type[NodeType], shapes: Shapes) -> Geometry:
    subtitle = _subtitle(node, kind)
    plan = plan_layer(wiring, node, shapes, _snapped(_header_width(node, subtitle)))
    inputs, outputs = ports_of(plan)
    spare = frozenset(port.name for port in kind.inputs if port.optional)
    return Geometry(plan.size, inputs, outputs, subtitle=subtitle, spare=spare, layer=plan)


@lru_cache(maxsize=1024)
def _collapsed(kind: type[NodeType], width: float, subtitle: str) -> Geometry:
    inputs = {port.name: QPointF(0, _spread(at, len(kind.inputs))) for at, port in enumerate(kind.inputs)}
    outputs = {port.name: QPointF(width, _spread(at, len(kind.outputs))) for at, port in enumerate(kind.outputs)}
    spare = frozenset(port.name for port in kind.inputs if port.optional)
    return Geometry((width, HEADER), inputs, outputs, subtitle=subtitle, spare=spare)


def _spread(at: int, count: int) -> float:
    return HEADER * (at + 1) / (count + 1)


def _subtitle(node: Node, kind: type[NodeType]) -> str:
    """The type, with the activation where there is one; empty where the name already says it."""
    parts = [] if shown_name(node).startswith(kind.title) else [kind.title]
    activation = node.properties.get("activation")
    return " · ".join(parts + ([str(activation)] if activation and activation != "identity" else []))


def _header_width(node: Node, subtitle: str) -> float:
    words = width_of(shown_name(node), "strong") + (12 + width_of(subtitle, "caption") if subtitle else 0)
    return SIDE + 14 + 8 + words + 8 + 28


def _snapped(width: float) -> float:
    steps = max(0, -int(-(width - NARROWEST) // STEP))
    return min(WIDEST, NARROWEST + STEP * steps)


Row = tuple[str, str, str | None]  # name, label, and the text of the field; None where there is none


@lru_cache(maxsize=4096)
def _column(
    kind: type[NodeType], formula: str, least: float, subtitle: str, rows: tuple[Row, ...], pictured: str
) -> Geometry:
    return _Column(kind, formula, least, subtitle, rows, pictured).geometry()


class _Column:
    """Stacks the rows of a rectangular node from the header down."""

    def __init__(
        self, kind: type[NodeType], formula: str, least: float, subtitle: str, rows: tuple[Row, ...], pictured: str
    ) -> None:
        self.kind, self.subtitle, self.rows, self.pictured = kind, subtitle, rows, pictured
        self.formula = current_theme().mathematics(formula, FORMULA_SIZE) if formula else None
        if self.formula is not None and self.formula.size.width() > WIDEST - 2 * SIDE:
            self.formula = None  # only where there is room
        self.width = max(least, _snapped(self._wish()))

    def _wish(self) -> float:
        wishes = [192.0 if self.pictured else 0.0]
        if self.formula is not None:
            wishes.append(self.formula.size.width() + 2 * SIDE)
        wishes.extend(
            2 * SIDE + width_of(label, "body") + (76 if text is not None else 0) for _, label, text in self.rows
        )
        return max(wishes)

    def geometry(self) -> Geometry:
        y = HEADER + PAD
        formula, first = None, y + 12
        if self.formula is not None:
            height = max(ROW, self.formula.size.height() + 4)
            formula = QPointF(SIDE, y + (height - self.formula.size.height()) / 2 + self.formula.baseline)
            first = y + height / 2
            y += height + 2
        fields = []
        for name, label, text in self.rows:
            fields.append(FieldRow(name, label, text, QRectF(SIDE, y, self.width - 2 * SIDE, ROW)))
            y += ROW
        picture = QRectF(SIDE, y + 4, self.width - 2 * SIDE, PICTURE) if self.pictured else None
        y += PICTURE + CAPTION + 6 if picture else 0
        rows = {row.name: row.rectangle.center().y() for row in fields}
        inputs = self._ports(self.kind.inputs, 0.0, first, rows)
        outputs = self._ports(self.kind.outputs, self.width, first, {})
        lowest = max([point.y() for point in (*inputs.values(), *outputs.values())], default=0.0)
        rule = max(y + 4, lowest + 12)
        spare = frozenset(port.name for port in self.kind.inputs if port.optional)
        return Geometry(
            (self.width, rule + 4 + 2 * LINE + 6), inputs, outputs, None, formula, tuple(fields), picture,
            self.pictured, rule, self.subtitle, spare,
        )  # fmt: skip

    def _ports(self, ports: tuple[Port, ...], x: float, first: float, rows: Mapping[str, float]) -> dict[str, QPointF]:
        """Ports with a row stand at it, the others follow from the first row down."""
        places, at = {}, 0
        for port in ports:
            if port.name in rows:
                places[port.name] = QPointF(x, rows[port.name])
            else:
                places[port.name] = QPointF(x, first + ROW * at)
                at += 1
        return places


def _rows(node: Node, kind: type[NodeType], wired: frozenset[str]) -> tuple[Row, ...]:
    """Rows between formula and picture; where a wire or a required value is, a row has no field."""
    try:
        return _rows_of(kind, wired, tuple(node.properties.items()))  # type: ignore[arg-type]  # as above
    except TypeError:  # a list among the properties
        return _rows_of.__wrapped__(kind, wired, tuple(node.properties.items()))


@lru_cache(maxsize=4096)
def _rows_of(kind: type[NodeType], wired: frozenset[str], values: tuple[tuple[str, Any], ...]) -> tuple[Row, ...]:
    properties = dict(values)
    needed = [port for port in kind.inputs if not port.may_stay_free and not port.many]
    rows: list[Row] = []
    for port in kind.inputs:
        free = port.default is not None and port.name not in wired
        if port.default is not None or (len(needed) > 1 and port in needed):
            value = properties.get(port.name, port.default) if free else None
            rows.append((port.name, port.name.replace("_", " "), number_text(value) if free else None))
    known = kind.properties()
    ports = {port.name for port in kind.inputs}
    for name in _shown_properties(kind, properties):
        if name not in ports:
            rows.append((name, name.replace("_", " "), number_text(properties.get(name, known[name].default))))
    return tuple(rows)


def _shown_properties(kind: type[NodeType], properties: Mapping[str, Any]) -> list[str]:
    """The first size and the first two numbers that are felt at once: what one changes most; the inspector has the rest."""
    known = kind.properties()
    sizes = [name for name, entry in known.items() if isinstance(entry, Whole) and entry.default is not None]
    numbers = [name for name, entry in known.items() if isinstance(entry, Real) and entry.is_slot]
    scalars = [
        name
        for name, entry in known.items()
        if isinstance(entry, Numbers) and isinstance(properties.get(name, entry.default), int | float)
    ]
    return sizes[:1] + numbers[:2] + scalars[:1]


def shown_value(node: Node, kind: type[NodeType] | None) -> str:
    """What a node shows as its value: its first output, or what a port hands on, though it leaves elsewhere."""
    if kind is None:
        return ""
    return kind.outputs[0].name if kind.outputs else "value" if node.type == "port_out" else ""


def _pictured(node: Node, kind: type[NodeType], wired: frozenset[str], shapes: Shapes) -> str:
    """What the heat strip shows: the node's own weights, else its first output where that is an array."""
    own = kind.input("weight")
    if own is not None and own.kind == "parameter" and "weight" not in wired:
        return "weight"
    if not (name := shown_value(node, kind)):
        return ""
    shape = shapes.get(f"{node.id}.{name}", ())
    several = len(shape) > 1 or (len(shape) == 1 and (node.type == "parameter" or not _is_written(shape[0])))
    return name if several and shape[-1] != 1 else ""


def _is_written(length: Any) -> bool:
    """Whether the numbers of a vector stand on the node; of one with a number for every example nobody knows how many."""
    return isinstance(length, int) and length <= FEW
