"""Attention, embeddings and transformer blocks against the source text's numbers and autograd; entries stand in the names."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

from engine.document import Document
from engine.graph import Graph
from engine.nodes.embeddings import waves
from engine.session import Session

WORDS = np.array([[[1.0, 0], [0, 1], [1, 1]]])  # the three vectors of the text
QUERY = np.array([[2.0, 1.0]])


def played(graph: Graph, goal: str, inputs, targets=None) -> Session:
    targets = np.zeros((len(inputs), 1)) if targets is None else targets
    data = {"train": {"inputs": np.asarray(inputs, float), "targets": np.asarray(targets, float)}}
    document = Document(graph, data, {"loss": goal, "batch_size": len(inputs)}, precision="float64")
    assert document.check() == []
    session = Session(document)
    for step in session.steps:
        if step.part != "update":
            session.step()
    return session


def squares_of(graph: Graph, output: str) -> str:
    square, goal = graph.add("square"), graph.add("sum", over="all")
    graph.connect(output, square)
    graph.connect(square, goal)
    return goal


def asked(**properties) -> Session:
    """The three words as keys and values, the query of the text."""
    graph = Graph()
    words, query, node = graph.add("input"), graph.add("target"), graph.add("attention", **properties)
    graph.connect(query, node["query"])
    graph.connect(words, node["key"])
    return played(graph, squares_of(graph, node["y"]), WORDS, QUERY)


def attending(type: str, sequence=WORDS, **properties) -> Session:
    """Self-attention over a sequence."""
    graph = Graph()
    words, node = graph.add("input"), graph.add(type, **properties)
    for port in ("query", "key") if type == "attention" else ("query",):
        graph.connect(words, node[port])
    return played(graph, squares_of(graph, node["y"]), sequence)


@pytest.mark.text("07:luong-attention")
def test_numbers_07_luong_attention():
    session = asked(score="dot")
    np.testing.assert_allclose(session.value("attention_1.weights"), [[0.2447, 0.0900, 0.6652]], atol=5e-5)
    np.testing.assert_allclose(session.value("attention_1.y"), [[0.9100, 0.7553]], atol=5e-5)


@pytest.mark.text("07:attention-scores")
def test_numbers_07_attention_scores():
    general = asked(score="general", initial_weight=[[1, 0], [0, 2]])
    np.testing.assert_allclose(general.value("attention_1.weights"), [[0.1065, 0.1065, 0.7870]], atol=5e-5)
    stacked = np.concatenate([np.eye(2), np.eye(2)])
    additive = asked(score="additive", units=2, initial_weight=stacked.tolist(), initial_vector=[1, 1])
    np.testing.assert_allclose(additive.value("attention_1.weights"), [[0.2931, 0.3479, 0.3589]], atol=5e-5)


@pytest.mark.text("07:self-attention-plain")
def test_numbers_07_self_attention_plain():
    session = attending("attention", score="dot")
    rows = [[0.4223, 0.1554, 0.4223], [0.1554, 0.4223, 0.4223], [0.2119, 0.2119, 0.5761]]
    np.testing.assert_allclose(session.value("attention_1.weights")[0], rows, atol=7e-5)
    mixed = [[0.8446, 0.5777], [0.5777, 0.8446], [0.7881, 0.7881]]
    np.testing.assert_allclose(session.value("attention_1.y")[0], mixed, atol=7e-5)


@pytest.mark.text("07:scaled-dot-product-attention")
def test_numbers_07_scaled_dot_product_attention():
    weights = attending("attention").value("attention_1.weights")[0]
    np.testing.assert_allclose(weights[[0, 2]], [[0.4011, 0.1978, 0.4011], [0.2483, 0.2483, 0.5035]], atol=7e-5)


@pytest.mark.text("07:transformer-decoder")
def test_numbers_07_transformer_decoder_mask():
    weights = attending("attention", score="dot", causal=True).value("attention_1.weights")[0]
    np.testing.assert_allclose(weights, [[1, 0, 0], [0.2689, 0.7311, 0], [0.2119, 0.2119, 0.5761]], atol=7e-5)
    assert weights[0, 1] == weights[0, 2] == weights[1, 2] == 0


@pytest.mark.text("07:positional-encoding")
def test_numbers_07_positional_encoding():
    wanted = [
        (0, 1, 0, 1), (0.841471, 0.540302, 0.010000, 0.999950), (0.909297, -0.416147, 0.019999, 0.999800),
        (0.141120, -0.989992, 0.029996, 0.999550),
    ]  # fmt: skip
    np.testing.assert_allclose(waves(4, 4, 10000), wanted, atol=7e-7)
    table = waves(24, 16, 10000)
    np.testing.assert_allclose([table[t] @ table[t + 3] for t in (0, 5, 20)], 5.5431, atol=5e-5)
    np.testing.assert_allclose(np.sum(table**2, axis=1), 8)
    graph = Graph()
    words, node = graph.add("input"), graph.add("positional_encoding")
    graph.connect(words, node)
    session = played(graph, squares_of(graph, node), np.zeros((2, 4, 4)))
    np.testing.assert_allclose(session.value(node), np.broadcast_to(waves(4, 4, 10000), (2, 4, 4)))


@pytest.mark.parametrize("type", ("attention", "multi_head_attention"))
@pytest.mark.text("07:permutation-equivariance")
def test_numbers_07_permutation_equivariance(type):
    words = np.random.default_rng(1).normal(size=(2, 5, 4))
    order = [3, 0, 4, 1, 2]
    plain, permuted = attending(type, words), attending(type, words[:, order])
    np.testing.assert_allclose(plain.value(f"{type}_1.y")[:, order], permuted.value(f"{type}_1.y"), rtol=1e-12)


def test_padding_gets_no_weight_and_no_derivative():
    graph = Graph()
    words, there, node = graph.add("input"), graph.add("target"), graph.add("multi_head_attention")
    graph.connect(words, node["query"])
    graph.connect(there, node["mask"])
    sequence = np.random.default_rng(2).normal(size=(2, 4, 4))
    session = played(graph, squares_of(graph, node["y"]), sequence, [[1, 1, 0, 0], [1, 1, 1, 1]])
    weights = session.value(f"{node.id}.weights")
    assert not weights[0, :, :, 2:].any() and weights[1].all()
    np.testing.assert_allclose(weights.sum(axis=3), 1)


def softmax(z):
    e = anp.exp(z - anp.max(z, axis=-1, keepdims=True))
    return e / anp.sum(e, axis=-1, keepdims=True)


def heads_by_hand(p, prefix, query, key, heads, causal):
    def parts(x, name):
        y = x @ p[f"{prefix}{name}_weight"]
        return anp.transpose(anp.reshape(y, (*x.shape[:2], heads, -1)), (0, 2, 1, 3))

    q, k, v = parts(query, "query"), parts(key, "key"), parts(key, "value")
    scores = q @ anp.swapaxes(k, 2, 3) / anp.sqrt(q.shape[-1])
    if causal:
        scores = scores + anp.triu(anp.full(scores.shape[-2:], -1e9), 1)
    mixed = anp.transpose(softmax(scores) @ v, (0, 2, 1, 3))
    return anp.reshape(mixed, (*query.shape[:2], -1)) @ p[f"{prefix}output_weight"]


def normal(p, name, x):
    centred = x - anp.mean(x, axis=-1, keepdims=True)
    scaled = centred / anp.sqrt(anp.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    return scaled * p[f"{name}_gain"] + p[f"{name}_shift"]


def block_by_hand(p, x, memory, norm, causal):
    def part(x, name, work):
        return normal(p, name, x + work(x)) if norm == "after" else x + work(normal(p, name, x))

    x = part(x, "self", lambda z: heads_by_hand(p, "self_", z, z, 2, causal))
    if memory is not None:
        x = part(x, "cross", lambda z: heads_by_hand(p, "cross_", z, memory, 2, False))
    return part(x, "network", lambda z: anp.tanh(z @ p["in_weight"] + p["in_bias"]) @ p["out_weight"] + p["out_bias"])


@pytest.mark.parametrize("norm", ("after", "before"))
@pytest.mark.parametrize("type", ("transformer_encoder", "transformer_decoder"))
def test_transformer_blocks_agree_with_autograd(type, norm):
    draw, graph = np.random.default_rng(3), Graph()
    x, other = graph.add("input", shape=(3, 4)), graph.add("target")
    node = graph.add(type, norm=norm, activation="tanh", hidden=5)
    graph.connect(x, node["x"])
    inputs, memory = draw.normal(size=(2, 3, 4)), draw.normal(size=(2, 6, 4))
    if type == "transformer_decoder":
        graph.connect(other, node["memory"])
    goal = squares_of(graph, node["y"])
    document = Document(
        graph, {"inputs": inputs, "targets": memory}, {"loss": goal, "batch_size": 2}, precision="float64"
    )
    assert document.check() == []
    session = Session(document)
    for address, array in session.parameters.items():
        session.set_parameter(address, array + 0.2 * draw.normal(size=array.shape))
    for step in session.steps:
        if step.part != "update":
            session.step()
    parameters = {address.partition(".")[2]: array for address, array in session.parameters.items()}
    looks_at = memory if type == "transformer_decoder" else None

    def error(parameters):
        return anp.sum(block_by_hand(parameters, inputs, looks_at, norm, type == "transformer_decoder") ** 2)

    assert session.loss == pytest.approx(error(parameters), rel=1e-12)
    for name, slope in grad(error)(parameters).items():
        np.testing.assert_allclose(session.gradient(f"{node.id}.{name}"), slope, rtol=1e-8, atol=1e-11)


@pytest.mark.text("07:transformer-encoder")
def test_numbers_07_transformer_encoder_weights():
    graph = Graph()
    x, node = graph.add("input", shape=(2, 512)), graph.add("transformer_encoder", heads=8, use_bias=False)
    graph.connect(x, node["x"])
    session = Session(Document(graph, {"inputs": np.zeros((1, 2, 512)), "targets": np.zeros((1, 1))}))
    matrices = sum(array.size for array in session.parameters.values() if array.ndim == 2)
    assert matrices == 3_145_728 == 12 * 512**2


def test_an_embedding_adds_up_what_comes_back_for_a_symbol_that_stands_twice():
    graph = Graph()
    symbols, node = graph.add("input", shape=(4,)), graph.add("embedding", symbols=3, units=2)
    graph.connect(symbols, node["x"])
    session = played(graph, squares_of(graph, node), [[0, 2, 2, 0], [2, 2, 2, 0]])
    table = session.parameters[f"{node.id}.weight"]
    assert session.value(node).shape == (2, 4, 2)
    np.testing.assert_array_equal(session.value(node)[0], table[[0, 2, 2, 0]])
    np.testing.assert_allclose(session.gradient(f"{node.id}.weight"), 2 * table * [[3], [0], [5]])


def test_an_embedding_works_at_each_step_of_time_too():
    graph = Graph()
    symbols, each, node = graph.add("input", shape=(4,)), graph.add("each_step"), graph.add("embedding", symbols=3)
    every = graph.add("all_steps")
    graph.connect(symbols, each)
    graph.connect(each, node["x"])
    graph.connect(node, every)
    session = played(graph, squares_of(graph, every), [[0, 2, 2, 0]])
    np.testing.assert_array_equal(session.value(every)[0], session.parameters[f"{node.id}.weight"][[0, 2, 2, 0]])


def problems_of(type: str, inputs, ports=("query",), **properties) -> str:
    graph = Graph()
    x, node = graph.add("input"), graph.add(type, **properties)
    for port in ports:
        graph.connect(x, node[port])
    data = {"inputs": np.asarray(inputs, float), "targets": np.zeros((len(inputs), 1))}
    return " ".join(map(str, Document(graph, data).check()))


def test_what_does_not_fit_is_told():
    assert "shared out among 3 heads" in problems_of("multi_head_attention", np.zeros((1, 2, 4)), heads=3)
    assert "(batch, time, features)" in problems_of("multi_head_attention", np.zeros((1, 4)))
    assert "(batch, time, features)" in problems_of("positional_encoding", np.zeros((1, 4)), ("x",))
    graph = Graph()
    x, target, node = graph.add("input"), graph.add("target"), graph.add("attention")
    graph.connect(target, node["query"])
    graph.connect(x, node["key"])
    found = Document(graph, {"inputs": np.zeros((1, 2, 4)), "targets": np.zeros((1, 3))}).check()
    assert "queries of 3 features meet keys of 4" in " ".join(map(str, found))
