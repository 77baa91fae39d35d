"""Documents of a given number of nodes, as people draw them: towers of layers, and nets of single neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine import Document, Graph
from engine.graph import Wire

ROWS = 200
MOONS = {"train": {"name": "moons", "samples": ROWS}}
TOWER: tuple[tuple[str, dict[str, Any]], ...] = (
    ("dense", {"units": 8}), ("tanh", {}), ("dense", {"units": 8}), ("relu", {}), ("scale", {"factor": 0.5}),
)  # fmt: skip
COLUMN, LINE, LINES = 240.0, 180.0, 10  # pixels between nodes, and nodes above one another


class Edit(NamedTuple):
    """One thing a person does to a document."""

    name: str
    document: Document


class Drawing(NamedTuple):
    """A document and edits of it, each a document of its own."""

    name: str
    document: Document
    edits: tuple[Edit, ...]


class _Pen:
    """Adds nodes in columns of ten."""

    def __init__(self) -> None:
        self.graph = Graph()

    def node(self, type: str, *sources: str, **properties: Any) -> str:
        column, line = divmod(len(self.graph.nodes), LINES)
        name = self.graph.add(type, position=(COLUMN * column, LINE * line), **properties)
        # Not by `connect`, which looks through the whole graph for a cycle: here every wire leads to a newer node.
        self.graph.wires += [_wire(self.graph, source, name, at) for at, source in enumerate(sources)]
        return name

    def loss(self, type: str, prediction: str, target: str) -> str:
        name = self.node(type)
        self.graph.connect(prediction, f"{name}.prediction")
        self.graph.connect(target, f"{name}.target")
        return name


def _wire(graph: Graph, source: str, target: str, at: int) -> Wire:
    """From the only output of a node to the input that takes many, or to the input number `at` of those needed."""
    leaves, takes = graph.nodes[source].kind, graph.nodes[target].kind
    assert leaves is not None and takes is not None
    needed = [port for port in takes.inputs if not port.may_stay_free] or list(takes.inputs)
    port, order = (needed[0], at) if needed[0].many else (needed[at], 0)
    return Wire(f"{source}.{leaves.outputs[0].name}", f"{target}.{port.name}", order)


def _document(graph: Graph, loss: str) -> Document:
    optimizer = {"type": "sgd", "learning_rate": 0.001}
    return Document(graph, dict(MOONS), {"loss": loss, "optimizer": optimizer, "batch_size": 10, "seed": 0})


def layers(nodes: int) -> Document:
    """Towers of five (layer, activation, layer, activation, scaling), joined by a neuron under a loss.

    Three more losses and a count of mistakes look at the same prediction.
    """
    pen = _Pen()
    inputs, target = pen.node("input"), pen.node("target")
    tops: list[str] = []
    while len(pen.graph.nodes) < nodes - 6:
        tops.append(_tower(pen, inputs, nodes - 6 - len(pen.graph.nodes)))
    prediction = pen.node("neuron", *tops, activation="sigmoid")
    loss = pen.loss("binary_cross_entropy", prediction, target)
    for other in ("mean_squared_error", "absolute_error", "squared_error", "mistakes"):
        pen.loss(other, prediction, target)
    return _document(pen.graph, loss)


def _tower(pen: _Pen, inputs: str, room: int) -> str:
    last = inputs
    for type, properties in TOWER[:room]:
        last = pen.node(type, last, **properties)
    return last


def neurons(nodes: int) -> Document:
    """Single neurons, each wired to two earlier ones, under one loss."""
    pen = _Pen()
    inputs, target = pen.node("input"), pen.node("target")
    every = [pen.node("neuron", inputs, activation="tanh") for _ in range(2)]
    while len(pen.graph.nodes) < nodes - 2:
        far = every[max(0, len(every) - 2 - len(every) % 7)]
        every.append(pen.node("neuron", every[-1], far if far != every[-1] else every[0], activation="tanh"))
    prediction = pen.node("neuron", every[-1], every[-2], activation="sigmoid")
    return _document(pen.graph, pen.loss("binary_cross_entropy", prediction, target))


def scalars(nodes: int) -> Document:
    """Sums and products of single numbers, each squashed by a tanh, over a few parameters; the last sum is minimised."""
    pen = _Pen()
    draw = np.random.default_rng(0)
    every = [pen.node("parameter", shape=(), initial=float(draw.normal())) for _ in range(max(4, nodes // 16))]
    while len(pen.graph.nodes) < nodes - 1:
        first, second = every[-1], every[int(draw.integers(0, len(every) - 1))]
        every.append(pen.node(("add", "multiply")[int(draw.integers(0, 2))], first, second))
        if len(pen.graph.nodes) < nodes - 1:
            every.append(pen.node("tanh", every[-1]))
    return _document(pen.graph, pen.node("add", *every[-15::2]))


def drawings() -> list[Drawing]:
    """What edits are measured on."""
    found = []
    for name, document, added in (
        ("50 nodes, layers", layers(50), "dense"),
        ("50 neurons", neurons(50), "neuron"),
        ("50 scalar nodes", scalars(50), "tanh"),
        ("1000 scalar nodes", scalars(1000), "tanh"),
    ):
        found.append(Drawing(name, document, _edits(document, added)))
    return found


def _edits(base: Document, added: str) -> tuple[Edit, ...]:
    def changed(change: Callable[[Graph], object]) -> Document:
        twin = base.copy()
        change(twin.graph)
        return twin

    def add(graph: Graph) -> None:
        source = next(wire.source for wire in graph.wires if wire.target_node.startswith(added))
        graph.connect(source, graph.add(added, position=(0.0, -LINE)))

    def cut(graph: Graph) -> None:
        wire = next(wire for wire in graph.wires if wire.order == 1)
        graph.disconnect(wire.source, wire.target)

    def widen(graph: Graph) -> None:
        graph.nodes["dense_1"].properties["units"] = 12

    found = [Edit("add a node", changed(add)), Edit("cut a wire", changed(cut))]
    return (*found, Edit("change a width", changed(widen))) if "dense_1" in base.graph.nodes else tuple(found)
