"""Operations of the texts that are drawn as graphs of several nodes: what they answer, and that their derivatives hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from engine.analysis.gradient_check import gradient_check
from engine.document import Document
from engine.graph import Graph
from engine.session import Session

EDGES = [[0, 1], [0, 2], [1, 2], [2, 3], [3, 4], [3, 5], [4, 5]]
ROWS = np.random.default_rng(4).normal(size=(6, 3))


def wired(graph: Graph, *wires: tuple[Any, Any]) -> None:
    for source, sink in wires:
        graph.connect(source, sink)


def played(graph: Graph, loss: Any, inputs: Any, targets: Any = None, **training: Any) -> Session:
    rows = np.asarray(inputs, float)
    wanted = np.zeros((len(rows), 1)) if targets is None else np.asarray(targets)
    task = "classes" if wanted.dtype.kind == "i" else "regression"
    data = {"inputs": rows.tolist(), "targets": wanted.tolist(), "task": task}
    plan = {"loss": str(loss), "order": "sequential", "optimizer": {"type": "sgd", "learning_rate": 0.1}, **training}
    document = Document(graph, data, training=plan, precision="float64")
    assert document.check() == []
    return Session(document)


@pytest.mark.text("07:graph-attention", "06:graph-attention-pointer")
def test_graph_attention_is_a_softmax_over_the_edges_into_a_node():
    graph = Graph()
    h, pairs = graph.add("input"), graph.add("edges", edges=EDGES, loops=True)
    turned = graph.add("dense", "turned", units=2, use_bias=False)
    begins, ends, both = graph.add("gather"), graph.add("gather"), graph.add("concat")
    score = graph.add("dense", "score", units=1, use_bias=False, activation="leaky_relu")
    shares, heard = graph.add("edge_softmax"), graph.add("neighbours", aggregate="sum")
    square, loss = graph.add("square"), graph.add("mean", over="all")
    wired(
        graph, (h, turned), (turned, begins["table"]), (pairs["source"], begins["rows"]), (turned, ends["table"]),
        (pairs["target"], ends["rows"]), (ends, both), (begins, both), (both, score), (turned, shares["h"]),
        (score, shares["score"]), (pairs["target"], shares["target"]), (turned, heard["h"]),
        (pairs["source"], heard["source"]), (pairs["target"], heard["target"]), (shares, heard["weight"]),
        (heard, square), (square, loss),
    )  # fmt: skip
    session = played(graph, loss, ROWS)
    session.step("phase")
    w, a = session.parameters["turned.weight"], session.parameters["score.weight"][:, 0]
    z = ROWS @ w
    joined = np.eye(6, dtype=bool)
    for i, j in EDGES:
        joined[i, j] = joined[j, i] = True
    scores = (z @ a[:2])[:, None] + (z @ a[2:])[None]
    scores = np.where(scores > 0, scores, 0.01 * scores)
    shares_wanted = special.softmax(np.where(joined, scores, -np.inf), axis=1)
    np.testing.assert_allclose(session.value(heard), shares_wanted @ z, rtol=1e-9)
    assert gradient_check(session).passed


def convolutional(graph: Graph, h: Any, pairs: Any, hidden: int) -> Any:
    """Two graph convolutions behind h, each the weighed sum of its neighbours and itself, through a layer."""
    spread = graph.add("degree_normalisation")
    wired(graph, (h, spread["h"]), (pairs["source"], spread["source"]), (pairs["target"], spread["target"]))
    before = h
    for layer, units, activation in (("first", hidden, "tanh"), ("second", 2, "identity")):
        turned = graph.add("dense", layer, units=units, use_bias=False, activation=activation)
        heard, own = graph.add("neighbours", aggregate="sum"), graph.add("add")
        wired(
            graph, (before, heard["h"]), (pairs["source"], heard["source"]), (pairs["target"], heard["target"]),
            (spread, heard["weight"]), (before, own), (heard, own), (own, turned),
        )  # fmt: skip
        before = turned
    return before


@pytest.mark.text("06:graph-convolution")
def test_a_graph_convolution_tells_the_karate_club_apart_by_its_two_leaders():
    graph = Graph()
    x, t, pairs = graph.add("input"), graph.add("target"), graph.add("edges", graph="karate_club")
    members, leaders = graph.add("slice", stop=34), graph.add("slice", start=34)
    error = graph.add("weighted_cross_entropy", "error")
    wired(graph, (x, members), (x, leaders))
    answer = convolutional(graph, members, pairs, 8)
    wired(graph, (answer, error["logits"]), (t, error["target"]), (leaders, error["weight"]))
    right = []
    for seed in range(10):
        plan = {
            "loss": "error",
            "order": "sequential",
            "seed": seed,
            "optimizer": {"type": "adam", "learning_rate": 0.02},
        }
        session = Session(Document(graph, data="karate_club", training=plan, precision="float64"))
        session.run(150)
        clubs = session.document.load_data()[0].targets
        right.append((session.value("second").argmax(axis=1) == clubs)[1:33].mean())
    assert np.mean(right) == pytest.approx(0.963, abs=0.02)
    assert gradient_check(session).passed


@pytest.mark.text("06:diffpool")
def test_a_graph_is_pooled_by_an_assignment_that_is_learned():
    graph = Graph()
    x = graph.add("input")
    joined, features = graph.add("slice", stop=16), graph.add("slice", start=16)
    a, f = graph.add("reshape", shape=(4, 4)), graph.add("reshape", shape=(4, 3))
    logits, shares = graph.add("dense", "assign", units=2), graph.add("softmax")
    pooled, part = graph.add("batched_matmul", transpose_a=True), graph.add("batched_matmul", transpose_a=True)
    whole, square, loss = graph.add("batched_matmul"), graph.add("square"), graph.add("mean", over="all")
    other, both = graph.add("square"), graph.add("add")
    small = graph.add("mean", over="all")
    wired(
        graph, (x, joined), (x, features), (joined, a), (features, f), (f, logits), (logits, shares),
        (shares, pooled["a"]), (f, pooled["b"]), (shares, part["a"]), (a, part["b"]), (part, whole["a"]),
        (shares, whole["b"]), (whole, square), (square, loss), (pooled, other), (other, small), (loss, both),
        (small, both),
    )  # fmt: skip
    draw = np.random.default_rng(2)
    session = played(graph, both, draw.normal(size=(3, 28)))
    session.step("phase")
    s, table = session.value(shares), session.value(a)
    np.testing.assert_allclose(session.value(whole), np.swapaxes(s, 1, 2) @ table @ s, rtol=1e-9)
    np.testing.assert_allclose(session.value(pooled), np.swapaxes(s, 1, 2) @ session.value(f), rtol=1e-9)
    assert gradient_check(session).passed


@pytest.mark.text("06:highway-conv-network")
def test_a_highway_lets_its_input_through_where_its_gate_is_shut():
    graph = Graph()
    x = graph.add("input")
    bent = graph.add("dense", "bent", units=3, activation="relu")
    gate = graph.add("dense", "gate", units=3, activation="sigmoid", initial_bias=-100.0)
    shut, new, kept, both = graph.add("subtract"), graph.add("multiply"), graph.add("multiply"), graph.add("add")
    one, loss = graph.add("constant", value=1.0), graph.add("mean", over="all")
    wired(
        graph, (x, bent), (x, gate), (one, shut["a"]), (gate, shut["b"]), (bent, new), (gate, new), (x, kept),
        (shut, kept), (new, both), (kept, both), (both, loss),
    )  # fmt: skip
    session = played(graph, loss, ROWS)
    session.step("phase")
    np.testing.assert_allclose(session.value(both), ROWS, atol=1e-12)


@pytest.mark.text("07:fgsm")
def test_an_attack_steps_along_the_sign_of_the_slope():
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    score, error = graph.add("dense", "score", units=1), graph.add("squared_error", "error", reduction="sum")
    slope, sign, step, moved = (
        graph.add("derivative"),
        graph.add("sign"),
        graph.add("scale", factor=0.1),
        graph.add("add"),
    )
    wired(
        graph, (x, score), (score, error["prediction"]), (t, error["target"]), (error, slope["y"]), (x, slope["x"]),
        (slope, sign), (sign, step), (x, moved), (step, moved),
    )  # fmt: skip
    session = played(graph, error, ROWS, np.ones((6, 1)))
    session.step("phase")
    w, b = session.parameters["score.weight"], session.parameters["score.bias"]
    wanted = ROWS + 0.1 * np.sign(2 * (ROWS @ w + b - 1) @ w.T)
    np.testing.assert_allclose(session.value(moved), wanted)
