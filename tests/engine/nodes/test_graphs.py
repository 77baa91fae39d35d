"""Edges and neighbours, against the source text's numbers and NumPy; entries stand in the names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.nodes.known_graphs import KARATE, KARATE_MEMBERS
from engine.session import Session
from tests.engine.nodes.slopes import Alone, check_derivatives

EDGES = [[0, 1], [0, 2], [1, 2], [2, 3], [3, 4]]
H = [[1, 0], [0, 1], [1, 1], [2, -1], [-1, 2]]
WN, BN = np.array([[0.5, -0.3], [0.2, 0.8]]), np.array([[0.4, 0.1], [-0.6, 0.7]])


def on_graph(type: str, *, edges: Any = EDGES, weighed: bool = False, **properties: Any) -> np.ndarray:
    """What a node says to the five nodes of the text's graph."""
    made = document(type, edges=edges, weighed=weighed, **properties)
    assert made.check() == []
    session = Session(made)
    session.program.verify()
    session.step("iteration")
    found = session.value(f"{type}_1")
    assert found is not None
    return found


def document(type: str, *, edges: Any = EDGES, weighed: bool = False, batch: int = 0, **properties: Any) -> Document:
    graph = Graph()
    direction = properties.pop("direction", "both")
    loops = properties.pop("loops", False)
    h, pairs = graph.add("input"), graph.add("edges", edges=edges, direction=direction, loops=loops, nodes=5)
    node = graph.add(type, **properties)
    graph.connect(h, node["h"])
    for port in ("source", "target"):
        if node_types()[type].input(port):
            graph.connect(pairs[port], node[port])
    if weighed:
        weights = graph.add("degree_normalisation")
        for begin, end in ((h, "h"), (pairs["source"], "source"), (pairs["target"], "target")):
            graph.connect(begin, weights[end])
        graph.connect(weights, node["weight"])
    data = {"inputs": H, "targets": [[0.0]] * 5}
    return Document(graph, data, precision="float64", training={"order": "sequential", "batch_size": batch})


@pytest.mark.text("06:neighbourhood-aggregation")
def test_numbers_06_neighbourhood_aggregation():
    means = on_graph("neighbours")
    np.testing.assert_allclose(means, [(0.5, 1), (1, 0.5), (1, 0), (0, 1.5), (2, -1)])
    sums = means @ WN.T + np.asarray(H) @ BN.T
    np.testing.assert_allclose(sums, [(0.35, 0.3), (0.45, 1.3), (1, 0.3), (0.25, -0.7), (1.1, 1.6)], atol=1e-12)


@pytest.mark.text("06:graph-convolution")
def test_numbers_06_graph_convolution():
    heard = np.asarray(H) + on_graph("neighbours", aggregate="sum", weighed=True)
    wanted = [(1.408248, 0.908248), (0.908248, 1.408248), (2.224745, 1), (1.701142, 0.822462), (0.414214, 1.292893)]
    np.testing.assert_allclose(heard, wanted, atol=1e-6)


@pytest.mark.text("06:graph-convolution")
def test_edges_weigh_as_the_degrees_of_their_ends_say():
    weights = on_graph("degree_normalisation", direction="both")
    np.testing.assert_allclose(weights[:5], [0.5, 0.408248, 0.408248, 0.408248, 0.707107], atol=1e-6)
    np.testing.assert_allclose(weights[5:], weights[:5])


def test_weights_by_the_receivers_degree_make_a_mean_of_a_sum():
    receivers = [to for _, to in EDGES] + [begin for begin, _ in EDGES]
    shares = on_graph("degree_normalisation", form="receiver")
    np.testing.assert_allclose(shares, 1 / np.array([2, 2, 3, 2, 1])[receivers])


def test_the_largest_of_the_neighbours_is_taken_feature_by_feature():
    np.testing.assert_allclose(on_graph("neighbours", aggregate="max"), [(1, 1), (1, 1), (2, 1), (1, 2), (2, -1)])


def test_a_node_without_neighbours_hears_zeros():
    for aggregate in ("mean", "sum", "max"):
        found = on_graph("neighbours", edges=[[0, 1]], direction="forwards", aggregate=aggregate)
        np.testing.assert_allclose(found, [(0, 0), (1, 0), (0, 0), (0, 0), (0, 0)])
    weighed = on_graph("neighbours", edges=[[0, 1]], direction="forwards", weighed=True)
    assert np.isfinite(weighed[1:]).all()


def test_a_node_that_is_its_own_neighbour_hears_itself():
    found = on_graph("neighbours", aggregate="sum", loops=True)
    np.testing.assert_allclose(found, on_graph("neighbours", aggregate="sum") + np.asarray(H))


def test_a_directed_graph_is_heard_from_both_ends():
    sums = [on_graph("neighbours", aggregate="sum", direction=way) for way in ("forwards", "backwards", "both")]
    np.testing.assert_allclose(sums[0] + sums[1], sums[2])
    np.testing.assert_allclose(sums[0], [(0, 0), (1, 0), (1, 1), (1, 1), (2, -1)])


def test_a_graph_is_read_out_as_one_row():
    for aggregate, wanted in (("mean", np.mean), ("sum", np.sum), ("max", np.max)):
        np.testing.assert_allclose(on_graph("readout", aggregate=aggregate), wanted(H, axis=0, keepdims=True))


DIRECTED = {"h": np.asarray(H) * 1.0 + 0.1 * np.arange(5)[:, None], "source": np.array([0, 2, 1, 4, 3], np.int32),
            "target": np.array([2, 1, 2, 2, 4], np.int32)}  # fmt: skip
WEIGHTS = np.array([0.5, 2.0, 1.5, 0.25, 3.0])


class Summed(Alone):
    """A node of whose first output the squares are added up to one number."""

    def lowered(self, build, values):
        first = next(iter(super().lowered(build, values).values()))
        return {self.kind.outputs[0].name: build.emit("sum", first * first, axes=tuple(range(first.rank)))}


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
@pytest.mark.parametrize("weighed", [False, True])
def test_neighbours_send_their_derivatives_back(aggregate, weighed):
    operands = {**DIRECTED, "weight": WEIGHTS} if weighed else DIRECTED
    check_derivatives(Summed("neighbours", operands, aggregate=aggregate))


@pytest.mark.text("07:graph-attention")
def test_numbers_07_graph_attention():
    # A path of three nodes that are their own neighbours: edges (1 1), (2 1), (1 2), (2 2), (3 2), (2 3), (3 3).
    begin, end = np.array([0, 1, 0, 1, 2, 1, 2]), np.array([0, 0, 1, 1, 1, 2, 2])
    h = np.array([1.0, 2.0, 4.0])
    rows = np.concatenate([h, np.zeros(4)])[:, None]  # as many rows as edges; those behind the third are no nodes
    operands = {"h": rows, "target": end.astype(np.int32)}
    shares = Alone("edge_softmax", {**operands, "score": np.maximum(0.5 * (h[end] + h[begin]), 0)}).value()
    np.testing.assert_allclose(shares, (0.3775, 0.6225, 0.1402, 0.2312, 0.6285, 0.2689, 0.7311), atol=5e-5)
    heard = {**operands, "source": begin.astype(np.int32), "weight": shares}
    found = Alone("neighbours", heard, aggregate="sum").value().ravel()[:3]
    np.testing.assert_allclose(found, (1.6225, 3.1168, 3.4621), atol=5e-5)
    for slope, wanted in ((0.0, (0.5, 0.5)), (0.2, (0.5498, 0.4502))):
        apart = h[end] - h[begin]
        scores = np.where(apart > 0, apart, slope * apart)
        np.testing.assert_allclose(Alone("edge_softmax", {**operands, "score": scores}).value()[:2], wanted, atol=5e-5)


def test_shares_of_edges_add_up_to_one_and_send_their_derivatives_back():
    operands = {"h": DIRECTED["h"], "score": np.array([1.0, -2.0, 3.0, 0.5, 700.0]), "target": DIRECTED["target"]}
    shares = Alone("edge_softmax", operands).value()  # a score of 700 would overflow
    group = operands["score"][[0, 2, 3]]
    np.testing.assert_allclose(shares[[0, 2, 3]], np.exp(group) / np.exp(group).sum())
    np.testing.assert_allclose(shares[[1, 4]], 1)
    check_derivatives(Summed("edge_softmax", operands))


def test_several_graphs_are_read_out_one_by_one():
    operands = {"h": DIRECTED["h"], "graph": np.array([0, 1, 1, 0, 1], np.int32)}
    for aggregate, wanted in (("mean", np.mean), ("sum", np.sum), ("max", np.max)):
        node = Alone("readout", operands, graphs=2, aggregate=aggregate)
        rows = [wanted(operands["h"][operands["graph"] == g], axis=0) for g in range(2)]
        np.testing.assert_allclose(node.value(), rows)


def test_a_graph_whose_rows_come_and_go_is_refused_with_the_mend():
    (problem,) = [p for p in document("neighbours", batch=2).check() if p.node == "neighbours_1"]
    assert problem.fact == "edges name nodes by their row, and other rows stand in every batch"
    assert problem.mend == "Set the batch size to all rows, and their order to sequential."


@pytest.mark.parametrize(("edges", "said"), [([[0, 9]], "node 9 is named"), ([1, 2], "an edge joins two nodes")])
def test_edges_that_join_nothing_are_refused(edges, said):
    assert any(said in str(problem) for problem in document("neighbours", edges=edges).check())


@pytest.mark.text("06:sum-versus-mean-aggregation")
def test_numbers_06_the_karate_club():
    pairs = np.array(KARATE)
    joined = np.zeros((KARATE_MEMBERS, KARATE_MEMBERS))
    joined[pairs[:, 0], pairs[:, 1]] = joined[pairs[:, 1], pairs[:, 0]] = 1
    assert len(pairs) == 78 and joined.sum() == 156
    assert np.linalg.eigvalsh(joined)[-1] == pytest.approx(6.7257, abs=5e-5)
    assert (joined.sum(axis=0).min(), joined.sum(axis=0).max()) == (1, 17)
    graph = Graph()
    h, edges, node = (
        graph.add("input"),
        graph.add("edges", graph="karate_club"),
        graph.add("neighbours", aggregate="sum"),
    )
    for source, sink in ((h, node["h"]), (edges["source"], node["source"]), (edges["target"], node["target"])):
        graph.connect(source, sink)
    document = Document(graph, data="karate_club", precision="float64", training={"order": "sequential"})
    assert document.check() == []
    session = Session(document)
    session.step("iteration")
    np.testing.assert_array_equal(session.value(node)[:, :34], joined)
