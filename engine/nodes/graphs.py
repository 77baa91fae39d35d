"""Graphs as data: nodes are the rows of the batch, edges say whose neighbour each is; neighbours are gathered and added."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Whole, node_type
from engine.nodes.energy import comes_and_goes
from engine.nodes.known_graphs import KNOWN
from engine.nodes.ordering import whole_numbers
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Dim, Value, shape_text

H = Port("h", "(batch, features)", symbol="h", help="A row for each node: the batch is the whole graph, in its order.")
SENDER = Port("source", "(edges)", kind="index", symbol="j", help="Where each edge begins: a row number from 0.")
RECEIVER = Port("target", "(edges)", kind="index", symbol="i", help="Where each edge ends: a row number from 0.")
WEIGHT = Port("weight", "(edges)", symbol="c", help="How much each edge counts.")
FREE_WEIGHT = Port(
    "weight", "(edges)", symbol="c", optional=True, help="How much each edge counts. Free: all alike."
)  # fmt: skip
MESSAGE = "(batch, features)"


class OnGraph(NodeType):
    """A node that has to do with edges between rows of the batch."""

    category, icon = "Graphs", "share-2"


@node_type
class Edges(OnGraph):
    """Which nodes of a graph are neighbours: pairs of their numbers."""

    name, icon = "edges", "waypoints"
    formula = r"E = \{(j, i)\}"
    source = "Aggarwal 2023, §10.1"
    outputs: ClassVar[tuple[Port, ...]] = (SENDER, RECEIVER)
    graph = Choice("typed", ("typed", *KNOWN), help="The pairs typed below, or those of a graph that is known by name.")
    edges = Numbers([[0, 1], [1, 2], [2, 0]], help="Pairs of node numbers, counted from 0: from where, to where.")
    direction = Choice(
        "both", ("both", "forwards", "backwards"),
        help="Whether each pair joins both ways, as it is written, or the other way round (a directed graph's two sums).",
    )  # fmt: skip
    loops = Flag(False, help="Whether every node is its own neighbour as well.")
    nodes = Whole(
        None, low=1, high=10**6, unit="nodes", help="How many nodes there are; found from the pairs if not said."
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        pairs = self._pairs()
        named = build.origin.node
        return {
            port: build.emit("to_whole", build.source("constant", f"{named}.{port}", (len(pairs),), pairs[:, side]))
            for side, port in enumerate(("source", "target"))
        }

    def _pairs(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        members, known = KNOWN.get(self.graph, (None, self.edges))
        pairs = np.asarray(known, np.float64)
        if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs < 0).any() or (pairs % 1 != 0).any():
            raise ProblemError(
                Problem(
                    "an edge joins two nodes", "Write a list of pairs of whole numbers from 0.", path="properties.edges"
                )
            )
        nodes = self.nodes or members or int(pairs.max()) + 1
        if pairs.max() >= nodes:
            fact = f"node {int(pairs.max())} is named, and there are {nodes} nodes"
            raise ProblemError(Problem(fact, "Nodes count from 0.", path="properties.edges"))
        ways = {
            "forwards": [pairs],
            "backwards": [pairs[:, ::-1]],
            "both": [pairs, pairs[pairs[:, 0] != pairs[:, 1], ::-1]],
        }
        every = ways[self.direction] + ([np.repeat(np.arange(nodes)[:, None], 2, axis=1)] if self.loops else [])
        return np.concatenate(every).astype(np.float64)


def rows_of_graph(build: Builder, h: Value) -> Dim:
    """How many nodes there are. Raises `ShapeMismatch` where rows have no features, or come and go."""
    if h.rank != 2 or h.kind != "real":
        raise shape_mismatch(
            f"a graph has a row of features for each node, not {shape_text(h.shape)}", "Put a reshape before it.", port="h"
        )  # fmt: skip
    if comes_and_goes(build, h):
        raise shape_mismatch(
            "edges name nodes by their row, and other rows stand in every batch",
            "Set the batch size to all rows, and their order to sequential.",
            port="h",
        )
    return h.shape[0]


def ends_of(build: Builder, values: dict[str, Any]) -> tuple[Value, Value]:
    """The numbers of senders and receivers. Raises `ShapeMismatch` where they are not as many."""
    source, target = whole_numbers(build, values["source"]), whole_numbers(build, values["target"])
    if source.rank != 1 or source.shape != target.shape:
        fact = f"{shape_text(source.shape)} beginnings meet {shape_text(target.shape)} ends"
        raise shape_mismatch(fact, "Wire both to the same “edges”.", port="target")
    return source, target


def column_of(build: Builder, weight: Value, edges: Value) -> Value:
    """One number for each edge, as a column. Raises `ShapeMismatch`."""
    if weight.kind != "real" or weight.shape not in (edges.shape, (*edges.shape, 1)):
        fact = f"{shape_text(weight.shape)} does not hold one number for each of {shape_text(edges.shape)} edges"
        raise shape_mismatch(fact, "Give one weight for each edge.", port="weight")
    return build.emit("reshape", weight, shape=(*edges.shape, 1))


def grouped_sum(build: Builder, x: Value, group: Value, length: Dim) -> Value:
    """The rows of each group, added up."""
    return build.emit("scatter_rows", x, group, length=length)


def members(build: Builder, group: Value, length: Dim) -> Value:
    """How many rows each group has, as a column."""
    ones = build.emit("broadcast", build.constant(1.0), shape=(*group.shape, 1))
    return grouped_sum(build, ones, group, length)


def grouped_mean(build: Builder, x: Value, group: Value, length: Dim) -> Value:
    """The mean of the rows of each group; 0 for one without rows."""
    return grouped_sum(build, x, group, length) / build.emit("maximum", members(build, group, length), 1.0)


def grouped_max(build: Builder, x: Value, group: Value, length: Dim) -> Value:
    """The largest of each column among the rows of each group; 0 for one without rows."""
    places = build.emit("segment_argmax", x, group, length=length)
    largest = build.emit("transpose", build.emit("take_along", build.emit("transpose", x), places))
    some = build.emit("broadcast", members(build, group, length), shape=largest.shape)
    return build.emit("where", some, largest, 0.0)


GROUPED: dict[str, Callable[[Builder, Value, Value, Dim], Value]] = {
    "mean": grouped_mean, "sum": grouped_sum, "max": grouped_max,
}  # fmt: skip


@node_type
class Neighbours(OnGraph):
    """What the neighbours of each node say: the mean of their rows, the sum, or the largest of each feature."""

    name = "neighbours"
    formula = r"m_i = \frac{1}{|A(i)|} \sum_{j \in A(i)} h_j"
    source = "Aggarwal 2023, §10.3.1 to §10.3.4"
    inputs: ClassVar[tuple[Port, ...]] = (H, SENDER, RECEIVER, FREE_WEIGHT)
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("m", MESSAGE, symbol="m", help="A row for each node; zeros where it has no neighbour."),
    )
    aggregate = Choice(
        "mean", ("mean", "sum", "max"),
        help="Mean (with weights: their weighted mean), sum, or the largest of each feature.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        h: Value = values["h"]
        length = rows_of_graph(build, h)
        source, target = ends_of(build, values)
        sent = build.emit("gather_rows", h, source)
        if values["weight"] is None:
            return GROUPED[self.aggregate](build, sent, target, length)
        weight = column_of(build, values["weight"], target)
        if self.aggregate != "mean":
            return GROUPED[self.aggregate](build, weight * sent, target, length)
        total = grouped_sum(build, weight, target, length)
        weighed = grouped_sum(build, weight * sent, target, length)
        return weighed / build.emit("where", total, total, 1.0)  # a node without neighbours hears 0, not 0/0


@node_type
class EdgeSoftmax(OnGraph):
    """Turns a score for each edge into a share: the edges into one node together weigh 1."""

    name, icon, title = "edge_softmax", "percent", "softmax over edges"
    formula = r"\alpha_{ij} = \frac{e^{s_{ij}}}{\sum_{k \in A(i)} e^{s_{ik}}}"
    source = "Aggarwal 2023, §12.2.8; Veličković et al. 2018: graph attention"
    inputs: ClassVar[tuple[Port, ...]] = (
        H,
        Port("score", "(edges)", symbol="s", help="How much each edge matters, any number."),
        RECEIVER,
    )
    outputs: ClassVar[tuple[Port, ...]] = (WEIGHT,)

    def lower(self, build: Builder, **values: Any) -> Value:
        length = rows_of_graph(build, values["h"])
        target = whole_numbers(build, values["target"])
        score = column_of(build, values["score"], target)
        # The largest score of each node goes off first: any number could, the shares stay the same.
        largest = build.emit("stop_gradient", grouped_max(build, score, target, length))
        power = build.emit("exp", score - build.emit("gather_rows", largest, target))
        total = build.emit("gather_rows", grouped_sum(build, power, target, length), target)
        return build.emit("reshape", power / total, shape=target.shape)


@node_type
class DegreeNormalisation(OnGraph):
    """Weighs edges by how many their ends have, so that a node with many neighbours does not drown the others."""

    name, icon, title = "degree_normalisation", "scale", "degree normalisation"
    formula = r"c_{ij} = \frac{1}{\sqrt{|A(i)|\,|A(j)|}}"
    source = "Aggarwal 2023, §10.3.2 and eq. 12.11; Kipf & Welling 2017"
    inputs: ClassVar[tuple[Port, ...]] = (H, SENDER, RECEIVER)
    outputs: ClassVar[tuple[Port, ...]] = (WEIGHT,)
    form = Choice(
        "symmetric", ("symmetric", "receiver"),
        help="One through the root of both degrees, or one through the receiver's: then a sum is a mean.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        length = rows_of_graph(build, values["h"])
        source, target = ends_of(build, values)
        arriving = build.emit("gather_rows", members(build, target, length), target)
        if self.form == "receiver":
            weight = 1.0 / arriving
        else:
            leaving = build.emit("gather_rows", members(build, source, length), source)
            weight = 1.0 / build.emit("sqrt", arriving * leaving)
        return build.emit("reshape", weight, shape=target.shape)


@node_type
class Readout(OnGraph):
    """One row for a whole graph, or for each of several: the mean of its nodes, their sum, or the largest."""

    name, icon = "readout", "merge"
    formula = r"r_g = \frac{1}{n_g} \sum_{i \in g} h_i"
    source = "Aggarwal 2023, §10.5"
    inputs: ClassVar[tuple[Port, ...]] = (
        H,
        Port(
            "graph", "(batch)", kind="index", symbol="g", optional=True,
            help="To which graph each node belongs, counted from 0. Free: there is one graph.",
        ),
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(graphs, features)", symbol="r"),)
    graphs = Whole(1, low=1, high=65536, unit="graphs", help="How many graphs the nodes belong to.")
    aggregate = Choice("mean", ("mean", "sum", "max"), help="Mean, sum, or the largest of each feature.")

    def lower(self, build: Builder, **values: Any) -> Value:
        h: Value = values["h"]
        rows_of_graph(build, h)
        if values["graph"] is None:
            if self.graphs != 1:
                fact = f"nothing says which of {self.graphs} graphs a node belongs to"
                raise shape_mismatch(fact, "Wire the graph's number of each node, or set “graphs” to 1.", port="graph")
            return build.emit(self.aggregate, h, axes=(0,), keep=True)
        group = whole_numbers(build, values["graph"])
        if group.shape == (h.shape[0], 1):
            group = whole_numbers(build, build.emit("reshape", values["graph"], shape=h.shape[:1]))
        if group.shape != h.shape[:1]:
            fact = f"{shape_text(group.shape)} numbers of graphs meet {shape_text(h.shape)} nodes"
            raise shape_mismatch(fact, "Give one number for each node.", port="graph")
        return GROUPED[self.aggregate](build, h, group, self.graphs)
