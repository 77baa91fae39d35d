"""Nodes that cut, join, repeat, order, choose and measure arrays: their numbers, and their sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial import distance

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.session import Session
from tests.engine.nodes.drawing import ROWS, SIGNED, answer, document, refusal

SQUARE = SIGNED[:, :2]


def played(build: Any, table: Any = SIGNED, **training: Any) -> Session:
    """A session of a graph that `build(graph, input)` completes, after one iteration in float64."""
    graph = Graph()
    build(graph, graph.add("input"))
    made = document(graph, table)
    assert made.check() == []
    session = Session(made, dtype="float64")
    session.step("iteration")
    return session


@pytest.mark.parametrize(
    ("type", "properties", "expected"),
    [
        ("transpose", {"axes": [1, 0]}, SIGNED.T),
        ("split", {"at": 2}, SIGNED[:, :2]),
        ("slice", {"start": 1, "axis": 1}, SIGNED[:, 1:]),
        ("pad", {}, np.pad(SIGNED, [(0, 0), (1, 1)])),
        ("pad", {"before": 0, "after": 2, "value": 7.5}, np.pad(SIGNED, [(0, 0), (0, 2)], constant_values=7.5)),
        ("pad", {"before": 2, "after": 1, "mode": "edge"}, np.pad(SIGNED, [(0, 0), (2, 1)], "edge")),
        ("pad", {"before": 2, "after": 3, "mode": "circular"}, np.pad(SIGNED, [(0, 0), (2, 3)], "wrap")),
        ("pad", {"before": 0, "after": 0}, SIGNED),
        ("tile", {"times": 3}, np.tile(SIGNED, (1, 3))),
        ("tile", {"times": 2, "each": "entry"}, np.repeat(SIGNED, 2, axis=1)),
        ("sum", {"axes": [0]}, SIGNED.sum(axis=0)),
        ("mean", {"axes": [0, 1]}, SIGNED.mean()),
        ("max", {"axes": [1]}, SIGNED.max(axis=1)),
        ("top_k", {"k": 2}, -np.sort(-SIGNED, axis=1)[:, :2]),
        ("sort", {}, np.sort(SIGNED, axis=1)),
        ("sort", {"order": "descending"}, -np.sort(-SIGNED, axis=1)),
        ("argmax", {}, SIGNED.argmax(axis=1)),
        ("argmin", {}, SIGNED.argmin(axis=1)),
        ("cumulative_sum", {}, np.cumsum(SIGNED, axis=1)),
        ("cumulative_sum", {"reverse": True}, np.cumsum(SIGNED[:, ::-1], axis=1)[:, ::-1]),
        ("cumulative_sum", {"exclusive": True}, np.cumsum(SIGNED, axis=1) - SIGNED),
        ("norm", {}, np.linalg.norm(SIGNED, axis=1, keepdims=True)),
        ("norm", {"kind": "l1"}, np.abs(SIGNED).sum(axis=1, keepdims=True)),
        ("norm", {"kind": "squared"}, (SIGNED**2).sum(axis=1, keepdims=True)),
        ("norm", {"kind": "max"}, np.abs(SIGNED).max(axis=1, keepdims=True)),
        ("norm", {"over": "all"}, np.linalg.norm(SIGNED)),
        ("normalise", {}, SIGNED / np.linalg.norm(SIGNED, axis=1, keepdims=True)),
        ("normalise", {"kind": "l1"}, SIGNED / np.abs(SIGNED).sum(axis=1, keepdims=True)),
        ("normalise", {"kind": "max"}, SIGNED / np.abs(SIGNED).max(axis=1, keepdims=True)),
        ("normalise", {"kind": "sum"}, SIGNED / SIGNED.sum(axis=1, keepdims=True)),
        ("greater", {}, SIGNED > 0),
        ("at_least", {}, SIGNED >= 0),
        ("less", {"b": 0.25}, SIGNED < 0.25),
        ("at_most", {"b": 0.25}, SIGNED <= 0.25),
        ("equal", {"b": 0.25}, SIGNED == 0.25),
        ("not_equal", {"b": 0.25}, SIGNED != 0.25),
        ("where", {"a": 2.0, "b": -3.0}, np.where(SIGNED > 0, 2, -3)),
    ],
)
def test_a_node_of_one_input_answers_what_numpy_says(type, properties, expected):
    np.testing.assert_allclose(answer(type, SIGNED, **properties), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("type", "properties", "port", "expected"),
    [
        ("split", {"at": 2}, "rest", SIGNED[:, 2:]),
        ("top_k", {"k": 2}, "index", np.argsort(-SIGNED, axis=1, kind="stable")[:, :2]),
        ("sort", {}, "index", np.argsort(SIGNED, axis=1, kind="stable")),
    ],
)
def test_the_other_outputs_of_a_node(type, properties, port, expected):
    np.testing.assert_array_equal(answer(type, SIGNED, port=port, **properties), expected)


@pytest.mark.parametrize(
    ("type", "properties", "expected"),
    [
        ("dot", {}, np.sum(SIGNED**2, axis=1, keepdims=True)),
        ("outer", {}, np.einsum("bi,bj->bij", SIGNED, SIGNED)),
        ("distance", {}, np.zeros((3, 1))),
        ("cosine", {}, np.ones((3, 1))),
        ("cosine", {"form": "distance"}, np.zeros((3, 1))),
        ("where", {"b": -3.0}, np.where(SIGNED > 0, SIGNED, -3)),
    ],
)
def test_a_node_of_two_inputs_takes_them_in_their_order(type, properties, expected):
    np.testing.assert_allclose(answer(type, SIGNED, 2, **properties), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("type", "properties", "second"),
    [
        ("distance", {}, distance.euclidean),
        ("distance", {"kind": "manhattan"}, distance.cityblock),
        ("distance", {"kind": "squared_euclidean"}, distance.sqeuclidean),
        ("distance", {"kind": "chebyshev"}, distance.chebyshev),
        ("cosine", {"form": "distance"}, distance.cosine),
        ("dot", {}, np.dot),
    ],
)
def test_distances_and_angles_to_a_prototype_are_those_of_scipy(type, properties, second):
    prototype = [1.0, -2.0, 0.5]

    def build(graph: Graph, x: Any) -> None:
        center, node = graph.add("parameter", initial=prototype), graph.add(type, "node", **properties)
        graph.connect(x, node["a"])
        graph.connect(center, node["b"])

    value = played(build).value("node")
    np.testing.assert_allclose(value[:, 0], [second(row, prototype) for row in SIGNED], rtol=1e-12)


def test_queries_meet_keys_in_a_product_for_each_example():
    def build(graph: Graph, x: Any) -> None:
        rows, node = graph.add("reshape", shape=[3, 1]), graph.add("batched_matmul", "node", transpose_b=True)
        graph.connect(x, rows)
        graph.connect(rows, node["a"])
        copy = graph.add("identity")
        graph.connect(rows, copy)
        graph.connect(copy, node["b"])

    np.testing.assert_allclose(played(build).value("node"), np.einsum("bi,bj->bij", SIGNED, SIGNED), rtol=1e-12)


def test_axes_of_an_array_can_be_reordered_joined_and_run_along():
    def build(graph: Graph, x: Any) -> None:
        cube = graph.add("reshape", "cube", shape=[3, 1])
        graph.connect(x, cube)
        turned, run = graph.add("transpose", "turned", axes=[0, 2, 1]), graph.add("cumulative_sum", "run", axis=1)
        joined, copy = graph.add("concat", "joined", axis=1), graph.add("identity")
        graph.connect(cube, turned)
        graph.connect(cube, run)
        graph.connect(cube, joined)
        graph.connect(cube, copy)
        graph.connect(copy, joined)

    session = played(build)
    np.testing.assert_array_equal(session.value("turned"), SIGNED[:, None, :])
    np.testing.assert_allclose(session.value("run")[:, :, 0], np.cumsum(SIGNED, axis=1))
    np.testing.assert_array_equal(session.value("joined")[:, :, 0], np.concatenate([SIGNED, SIGNED], axis=1))


def test_rows_of_a_table_are_taken_by_number_and_added_back():
    table = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]

    def build(graph: Graph, x: Any) -> None:
        matrix, rows = graph.add("parameter", "table", initial=table), graph.add("reshape", shape=[])
        taken, put = graph.add("gather", "taken"), graph.add("scatter_add", "put", length=3)
        graph.connect(x, rows)
        graph.connect(matrix, taken["table"])
        graph.connect(rows, taken["rows"])
        graph.connect(taken, put["x"])
        graph.connect(rows, put["rows"])

    session = played(build, [[2.0], [0.0], [2.2]])
    np.testing.assert_array_equal(session.value("taken"), [[5, 6], [1, 2], [5, 6]])
    np.testing.assert_array_equal(session.value("put"), [[1, 2], [0, 0], [10, 12]])


def test_class_numbers_become_columns_and_numbers():
    def build(graph: Graph, x: Any) -> None:
        best, columns, number = (
            graph.add("argmax"),
            graph.add("one_hot", "columns", classes=3),
            graph.add("to_real", "n"),
        )
        same = graph.add("equal", "same", b=1.0)
        graph.connect(x, best)
        graph.connect(best, columns)
        graph.connect(best, number)
        graph.connect(best, same["a"])

    session = played(build)
    np.testing.assert_array_equal(session.value("columns"), np.eye(3)[SIGNED.argmax(axis=1)])
    np.testing.assert_array_equal(session.value("n"), SIGNED.argmax(axis=1))
    np.testing.assert_array_equal(session.value("same"), SIGNED.argmax(axis=1) == 1)


def test_zero_vectors_have_no_direction_and_no_slope():
    def build(graph: Graph, x: Any) -> None:
        for type in ("normalise", "cosine", "norm"):
            node = graph.add(type, type)
            for port in [port.name for port in node_types()[type].inputs]:
                copy = graph.add("identity")
                graph.connect(x, copy)
                graph.connect(copy, node[port])

    session = played(build, np.zeros((2, 3)))
    assert session.value("normalise").tolist() == [[0, 0, 0]] * 2
    assert session.value("cosine").tolist() == [[0]] * 2
    assert session.value("norm").tolist() == [[0]] * 2


SMOOTH = ["top_k", "sort", "cumulative_sum", "norm", "normalise", "tile", "pad", "split", "where"]
OPERANDS = {"where": ("a", "condition")}


@pytest.mark.parametrize("type", [*SMOOTH, "distance", "cosine", "dot", "outer"])
def test_a_weight_before_the_node_learns_through_it(type):
    session = Session(learning_through(type), dtype="float64")
    session.step("iteration")
    gradient = session.gradient("before.weight")
    for at in [(0, 0), (1, 2)]:
        assert gradient[at] == pytest.approx(difference(type, at), rel=1e-6, abs=1e-9)


def learning_through(type: str, weight: np.ndarray | None = None) -> Document:
    """Inputs, a layer, the node (the inputs as its second operand), and the sum of squares behind it."""
    start = np.array([[0.3, -1.2, 0.8], [0.9, 0.4, -0.7], [-0.5, 0.6, 1.1]]) if weight is None else weight
    graph = Graph()
    x, layer = graph.add("input"), graph.add("dense", "before", units=3, initial_weight=start.tolist())
    node, square, goal = graph.add(type, "node"), graph.add("square"), graph.add("sum", "goal", over="all")
    graph.connect(x, layer)
    ports = OPERANDS.get(type) or [port.name for port in node_types()[type].inputs]
    for port, source in zip(ports, (layer, x), strict=False):
        graph.connect(source, node[port])
    graph.connect(node[node_types()[type].outputs[0].name], square)
    graph.connect(square, goal)
    made = document(graph, ROWS)
    return Document(graph, data=made.data, training={"loss": "goal", "batch_size": 3, "order": "sequential"})


def difference(type: str, at: tuple[int, int]) -> float:
    """A central difference of the loss by one weight."""
    losses = []
    for step in (1e-5, -1e-5):
        session = Session(learning_through(type), dtype="float64")
        weight = session.parameters["before.weight"].copy()
        weight[at] += step
        session.set_parameter("before.weight", weight)
        session.step("iteration")
        assert session.loss is not None
        losses.append(session.loss)
    return (losses[0] - losses[1]) / 2e-5


@pytest.mark.parametrize(
    ("type", "properties", "sentence"),
    [
        ("split", {"at": 3}, "an axis of 3 entries cannot be cut behind entry 3. Set “at” to 1 to 2."),
        ("split", {"axis": 0}, "an axis of batch entries cannot be cut behind entry 1. Cut another axis."),
        ("concat", {"axis": 0}, "the batch cannot be cut or joined"),
        ("slice", {"axis": 5}, "(batch, 3) has no axis 5. Axes count from 0 to 1."),
        ("transpose", {"axes": [1, 1]}, "1, 1 is no order of the 2 axes of (batch, 3). Name each of 0 to 1 once."),
        ("sum", {"axes": [4]}, "(batch, 3) has no axis 4"),
        ("tile", {"axis": 0}, "the batch cannot be repeated. Choose another axis, or larger batches."),
        ("pad", {"mode": "circular", "before": 4}, "4 entries from the other end are asked for, and there are 3"),
        ("pad", {"mode": "edge", "axis": 0}, "the batch cannot be padded from its own examples"),
        ("top_k", {"k": 4}, "4 of 3 numbers cannot be taken. Take 1 to 3."),
        ("cumulative_sum", {"axis": 0}, "a sum that runs over the batch would mix its examples"),
        ("to_real", {}, "these are real numbers already. Wire them on without this node."),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(type, properties, sentence):
    assert sentence in refusal(type, ROWS, **properties)


@pytest.mark.parametrize(
    ("type", "port", "sentence"),
    [
        ("dot", "b", "shapes (batch, 3) and (4) do not fit together"),
        ("cosine", "b", "shapes (batch, 3) and (4) do not fit together"),
        ("outer", "b", "vectors (batch, 3) and (4) have no outer product"),
        ("batched_matmul", "b", "as many matrices are needed on both sides"),
    ],
)
def test_vectors_that_do_not_meet_are_told_at_the_second_port(type, port, sentence):
    graph = Graph()
    data, other, node = graph.add("input"), graph.add("parameter", shape=(4,)), graph.add(type)
    graph.connect(data, node["a"])
    graph.connect(other, node["b"])
    (problem,) = document(graph, ROWS).check()
    assert sentence in problem.fact
    assert (problem.node, problem.port) == (node.id, port)


@pytest.mark.parametrize(
    ("type", "properties", "expected"),
    [("dot", {}, 0.5), ("distance", {}, 6.5**0.5), ("cosine", {"form": "distance"}, 1 - 0.5 / (2.25 * 5.25) ** 0.5)],
)
def test_two_vectors_without_a_batch_give_a_single_number_that_can_be_minimised(type, properties, expected):
    graph = Graph()
    for name, numbers in (("a", [1.0, 0.5, -1.0]), ("b", [-1.0, 2.0, -0.5])):
        graph.add("parameter", id=name, initial=numbers)
    node = graph.add(type, id="node", **properties)
    graph.connect("a", node["a"])
    graph.connect("b", node["b"])
    session = Session(Document(graph, training={"loss": "node"}), dtype="float64")
    session.step("iteration")
    assert session.value("node").shape == () and session.gradient("a").shape == (3,)
    assert float(session.value("node")) == pytest.approx(expected)
