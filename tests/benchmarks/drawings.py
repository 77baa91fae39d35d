"""Documents of a given number of nodes, as people draw them: towers of layers, and nets of single neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from engine import Document, Graph

ROWS = 200
MOONS = {"train": {"name": "moons", "samples": ROWS}}
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
        for source in sources:
            self.graph.connect(source, name)
        return name

    def loss(self, type: str, prediction: str, target: str) -> str:
        name = self.node(type)
        self.graph.connect(prediction, f"{name}.prediction")
        self.graph.connect(target, f"{name}.target")
        return name


def _document(graph: Graph, loss: str) -> Document:
    optimizer = {"type": "sgd", "learning_rate": 0.001}
    return Document(graph, dict(MOONS), {"loss": loss, "optimizer": optimizer, "batch_size": 10, "seed": 0})


def layers(nodes: int) -> Document:
    """Towers of six: dense layers of 8 (tanh, ReLU, sigmoid in turn) and scalings, joined by a neuron under a loss.

    Three more losses and a count of mistakes look at the same prediction.
    """
    pen = _Pen()
    inputs, target = pen.node("input"), pen.node("target")
    tops: list[str] = []
    while len(pen.graph.nodes) < nodes - 6:
        height = min(6, nodes - 6 - len(pen.graph.nodes))
        tops.append(_tower(pen, inputs, height))
    prediction = pen.node("neuron", *tops, activation="sigmoid")
    loss = pen.loss("binary_cross_entropy", prediction, target)
    for other in ("mean_squared_error", "absolute_error", "squared_error", "mistakes"):
        pen.loss(other, prediction, target)
    return _document(pen.graph, loss)


def _tower(pen: _Pen, inputs: str, height: int) -> str:
    last = inputs
    for place in range(height):
        if place % 3 == 2:
            last = pen.node("scale", last, factor=0.5)
        else:
            last = pen.node("dense", last, units=8, activation=("tanh", "relu", "", "sigmoid")[place % 6 % 4])
    return last


def neurons(nodes: int) -> Document:
    """Single neurons, each wired to two earlier ones, under one loss: as one draws a graph of scalars."""
    pen = _Pen()
    inputs, target = pen.node("input"), pen.node("target")
    every = [pen.node("neuron", inputs, activation="tanh") for _ in range(2)]
    while len(pen.graph.nodes) < nodes - 2:
        far = every[max(0, len(every) - 2 - len(every) % 7)]
        every.append(pen.node("neuron", every[-1], far if far != every[-1] else every[0], activation="tanh"))
    prediction = pen.node("neuron", every[-1], every[-2], activation="sigmoid")
    return _document(pen.graph, pen.loss("binary_cross_entropy", prediction, target))


def drawings() -> list[Drawing]:
    """What edits are measured on."""
    return [
        Drawing("50 nodes, layers", layers(50), _edits(layers(50), "dense_1", "dense")),
        Drawing("50 neurons", neurons(50), _edits(neurons(50), "", "neuron")),
        Drawing("1000 neurons", neurons(1000), _edits(neurons(1000), "", "neuron")),
    ]


def _edits(base: Document, wider: str, added: str) -> tuple[Edit, ...]:
    def changed(change: Callable[[Graph], object]) -> Document:
        twin = base.copy()
        change(twin.graph)
        return twin

    def add(graph: Graph) -> None:
        source = next(node.id for node in graph if node.type == added)
        graph.connect(source, graph.add(added, position=(0.0, -LINE)))

    def widen(graph: Graph) -> None:
        graph.nodes[wider].properties["units"] = 12

    def cut(graph: Graph) -> None:
        wire = next(wire for wire in graph.wires if wire.order == 1)
        graph.disconnect(wire.source, wire.target)

    found = [Edit("add a node", changed(add)), Edit("cut a wire", changed(cut))]
    return (*found, Edit("change a width", changed(widen))) if wider else tuple(found)
