"""Where the neurons of an opened layer stand, and where its weights come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from PySide6.QtCore import QPointF, QRectF

from app.canvas.wiring import Shapes, Wiring
from engine.graph import Node, Wire

MOST_NEURONS = 64  # on either side; of more the weights are shown as a matrix
HEADER, PAD = 28.0, 16.0
LEFT, RIGHT = 28.0, 20.0  # from the port to the features, from the neurons to the port
MOST_LABELLED = 24  # weights that bear their number at all times
WIDEST_PITCH = 24.0
WORDS = 80.0  # beside circles too small to hold their number
LARGEST_MATRIX = (560.0, 420.0)
LARGEST_CELL, SMALLEST_CELL = 12.0, 0.75


@dataclass(frozen=True)
class Grade:
    """How circles of one size are set out: `words` says where their numbers are, as far as there is room for them.

    words   around (name and bias above, gradient below), beside, or none
    """

    most: int
    across: float
    pitch: float
    words: str


UNITS = (Grade(5, 76.0, 132.0, "around"), Grade(10, 40.0, 56.0, "beside"), Grade(24, 24.0, 36.0, "beside"),
         Grade(MOST_NEURONS, 11.0, 15.0, "none"))  # fmt: skip
FEATURES = (Grade(5, 52.0, 84.0, "around"), Grade(10, 40.0, 56.0, "inside"), Grade(24, 24.0, 36.0, "beside"),
            Grade(MOST_NEURONS, 11.0, 15.0, "none"))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Column:
    """Circles below each other: their centres (count, 2) in pixels of the item."""

    grade: Grade
    centres: np.ndarray

    def circle(self, index: int) -> QRectF:
        """One of them."""
        x, y = self.centres[index]
        across = self.grade.across
        return QRectF(x - across / 2, y - across / 2, across, across)


@dataclass(frozen=True)
class LayerPlan:
    """The places of one opened layer.

    size        of its frame
    source      address of what feeds it; empty where nothing does
    shape       of the weights: features × units
    units       its neurons
    features    what feeds it, as far as that is drawn here; None where lines come from the layer before
    matrix      where the weights stand where there are too many for lines
    before      the opened layer at whose neurons the lines begin; empty where there is none
    depth       how many opened layers come before it without a gap
    weight, bias   the addresses of its parameters; empty where it has none
    """

    size: tuple[float, float]
    source: str
    shape: tuple[int, int]
    units: Column | None = None
    features: Column | None = None
    matrix: QRectF | None = None
    before: str = ""
    depth: int = 0
    weight: str = ""
    bias: str = ""


def is_layer(node: Node) -> bool:
    """Whether a node can be opened into neurons."""
    return node.type == "dense"


def is_opened(node: Node) -> bool:
    """Whether a node is drawn as its neurons."""
    return is_layer(node) and "opened" in node.flags and "collapsed" not in node.flags


def plan_layer(wiring: Wiring, node: Node, shapes: Shapes, least_width: float) -> LayerPlan:
    """Set out the neurons of a layer."""
    wire = next(iter(wiring.wires_into(node.id, "x")), None)
    shape = _shape(wire, node, shapes)
    bare = LayerPlan(
        (least_width, HEADER),
        wire.source if wire else "",
        shape,
        weight=_parameter(wiring, node, "weight"),
        bias=_parameter(wiring, node, "bias") if node.properties.get("use_bias", True) else "",
    )
    if max(shape) > MOST_NEURONS:
        return _with_matrix(bare)
    before = _layer_before(wiring, wire, shape, shapes)
    depth = 1 + _depth(wiring, before, shapes) if before else 0
    return _with_neurons(replace(bare, before=before, depth=depth))


def _with_matrix(plan: LayerPlan) -> LayerPlan:
    place = _matrix_place(plan.shape)
    width = max(plan.size[0], place.width() + 2 * PAD)
    place.moveLeft((width - place.width()) / 2)
    return replace(plan, size=(width, place.bottom() + PAD + 24), matrix=place)


def _with_neurons(plan: LayerPlan) -> LayerPlan:
    """The neurons at the right end of the frame; what feeds them at the left, where no layer is before."""
    count, units = plan.shape[1], _grade(UNITS, plan.shape[1])
    shows_features = not plan.before and plan.shape[0] > 0
    features = _grade(FEATURES, plan.shape[0])
    rows = max(units.pitch * count, features.pitch * plan.shape[0] if shows_features else 0.0)
    height = HEADER + 2 * PAD + rows
    if units.words == "none":  # beside a taller column there is room to tell them apart
        units = replace(units, pitch=max(units.pitch, min(WIDEST_PITCH, rows / max(1, count))))
    middle = HEADER + (height - HEADER) / 2
    right = {"around": RIGHT + 14.0, "beside": WORDS + RIGHT, "none": RIGHT}[units.words]
    if not shows_features:
        wished = PAD + (14.0 if units.words == "around" else 0.0) + units.across + right
        width = max(plan.size[0], wished)
        neurons = _column(units, count, width - right - units.across / 2 - (width - wished) / 2, middle)
        return replace(plan, size=(width, height), units=neurons)
    left = LEFT + (WORDS if features.words == "beside" else 0.0)
    width = max(plan.size[0], left + features.across + room_for_lines(plan.shape) + units.across + right)
    return replace(
        plan,
        size=(width, height),
        units=_column(units, count, width - right - units.across / 2, middle),
        features=_column(features, plan.shape[0], left + features.across / 2, middle),
    )


def room_for_lines(shape: tuple[int, int]) -> float:
    """How far apart the two ends of the weights' lines stand: room for labels, or the more lines the farther."""
    return 210.0 if shape[0] * shape[1] <= MOST_LABELLED else 150.0 + 3.0 * max(shape)


def _grade(grades: Iterable[Grade], count: int) -> Grade:
    return next(grade for grade in grades if count <= grade.most)


def _column(grade: Grade, count: int, x: float, middle: float) -> Column:
    ys = middle + grade.pitch * (np.arange(count) - (count - 1) / 2)
    return Column(grade, np.stack([np.full(count, x), ys], axis=1))


def _matrix_place(shape: tuple[int, int]) -> QRectF:
    """Features to the right, units downwards, in square cells."""
    columns, rows = max(1, shape[0]), max(1, shape[1])
    cell = min(LARGEST_CELL, LARGEST_MATRIX[0] / columns, LARGEST_MATRIX[1] / rows)
    cell = max(SMALLEST_CELL, cell)
    return QRectF(PAD, HEADER + PAD, ceil(cell * columns), ceil(cell * rows))


def _shape(wire: Wire | None, node: Node, shapes: Shapes) -> tuple[int, int]:
    """Features × units; a size that is not known yet counts as none."""
    last = (shapes.get(wire.source, ()) or ("",))[-1] if wire else ""
    units = (shapes.get(f"{node.id}.h", ()) or (node.properties.get("units", 4),))[-1]
    return last if isinstance(last, int) else 0, units if isinstance(units, int) else 0


def _parameter(wiring: Wiring, node: Node, port: str) -> str:
    wire = next(iter(wiring.wires_into(node.id, port)), None)
    return wire.source if wire else f"{node.id}.{port}"


def _layer_before(wiring: Wiring, wire: Wire | None, shape: tuple[int, int], shapes: Shapes) -> str:
    """The layer right before, where its neurons are drawn and this one takes all of them."""
    if wire is None or wire.muted:
        return ""
    node = wiring.nodes[wire.source_node]
    if not is_opened(node) or node.flags & {"muted", "bypassed"}:
        return ""
    into = next(iter(wiring.wires_into(node.id, "x")), None)
    size = _shape(into, node, shapes)
    return node.id if max(size) <= MOST_NEURONS and size[1] == shape[0] else ""


def _depth(wiring: Wiring, name: str, shapes: Shapes) -> int:
    depth, seen = 0, {name}
    while True:
        node = wiring.nodes[name]
        wire = next(iter(wiring.wires_into(name, "x")), None)
        name = _layer_before(wiring, wire, _shape(wire, node, shapes), shapes)
        if not name or name in seen:
            return depth
        seen.add(name)
        depth += 1


def followers(wiring: Wiring, names: Iterable[str]) -> set[str]:
    """Opened layers that are fed by these nodes: their lines may begin somewhere else now."""
    fed = {wire.target_node for name in names for wire in wiring.wires_out_of(name) if wire.target_port == "x"}
    return {name for name in fed if name in wiring.nodes and is_opened(wiring.nodes[name])}


def ports_of(plan: LayerPlan) -> tuple[dict[str, QPointF], dict[str, QPointF]]:
    """Where the ports stand: data at half height, parameters below."""
    width, height = plan.size
    middle = HEADER + (height - HEADER) / 2
    inputs = {"x": QPointF(0, middle), "weight": QPointF(0, height - 36), "bias": QPointF(0, height - 14)}
    return inputs, {"h": QPointF(width, middle)}
