"""Normalisations: the catalogue's worked numbers, running statistics in training and evaluation, and the sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.drawing import answer, refusal

FOUR = np.array([[1.0], [2.0], [3.0], [4.0]])
HATS = np.array([-1.341640786, -0.447213595, 0.447213595, 1.341640786])


def net(
    rows: Any, targets: Any, type: str = "batch_normalisation", rate: float = 0.0, batch: int = 4, **properties: Any
) -> Session:
    """Rows through a normalisation to a loss Σ target · y, so that the derivative that comes in is the target."""
    graph = Graph()
    x, node = (
        graph.add("parameter", "rows", shape=np.shape(rows), initial=np.asarray(rows).tolist()),
        graph.add(type, "norm", **properties),
    )
    target, product, loss = (
        graph.add("constant", value=np.asarray(targets).tolist()),
        graph.add("multiply"),
        graph.add("sum", over="all"),
    )
    for source, place in ((x, node), (node, product), (target, product), (product, loss)):
        graph.connect(source, place)
    document = Document(graph, training={"loss": loss, "optimizer": {"type": "sgd", "learning_rate": rate}})
    assert document.check() == []
    session = Session(document, dtype="float64")
    session.step("iteration")
    return session


@pytest.mark.parametrize(
    ("epsilon", "expected", "back"),
    [
        (0.0, [-2.183281573, -0.394427191, 1.394427191, 3.183281573], [-1.252198067, 1.967739820, -0.178885438, -0.536656315]),
        (1e-5, [-2.18327084, -0.39442361, 1.39442361, 3.18327084], [-1.25217589, 1.96773767, -0.17889045, -0.53667134]),
    ],
)  # fmt: skip
@pytest.mark.text("03:batch-norm-node", "03:batch-norm-backward")
def test_numbers_03_batch_norm_node_and_backward(epsilon, expected, back):
    session = net(FOUR, [[1.0], [2.0], [0.0], [-1.0]], epsilon=epsilon, initial_scale=2.0, initial_shift=0.5)
    np.testing.assert_allclose(session.value("norm")[:, 0], expected, atol=5e-9)
    np.testing.assert_allclose(session.gradient("rows.value")[:, 0], back, atol=5e-9)
    assert session.gradient("norm.shift") == pytest.approx([2])
    if epsilon == 0:
        assert session.gradient("norm.scale") == pytest.approx([-3.577708764], abs=5e-10)


@pytest.mark.text("03:layer-norm")
def test_numbers_03_layer_norm():
    found = answer("layer_normalisation", FOUR.T, epsilon=0.0)
    np.testing.assert_allclose(found[0], HATS, atol=5e-10)


@pytest.mark.text("05:layer-normalisation")
def test_numbers_05_layer_normalisation():
    found = answer("layer_normalisation", [[1.0, 2.0, 4.0, 5.0]], epsilon=0.0)
    np.testing.assert_allclose(found[0], [-1.264911, -0.632456, 0.632456, 1.264911], atol=5e-7)


def test_epsilon_may_stand_behind_the_root():
    found = answer("layer_normalisation", FOUR.T, epsilon=0.5, epsilon_place="outside", learned=False)
    np.testing.assert_allclose(found[0], (FOUR[:, 0] - 2.5) / (np.sqrt(1.25) + 0.5))


@pytest.mark.text("03:biblio-weight-norm")
def test_numbers_03_biblio_weight_norm():
    session = net([[3.0], [4.0]], [[1.0], [0.0]], "weight_normalisation", initial_gain=10.0)
    np.testing.assert_allclose(session.value("norm")[:, 0], [6, 8])
    assert session.gradient("norm.gain") == pytest.approx([0.6])
    np.testing.assert_allclose(session.gradient("rows.value")[:, 0], [1.28, -0.96])


def test_filters_are_normalised_one_by_one():
    filters = np.random.default_rng(0).normal(size=(3, 2, 2, 2))
    session = net(filters, np.ones_like(filters), "weight_normalisation", units="first")
    np.testing.assert_allclose((session.value("norm") ** 2).sum((1, 2, 3)), 1)


MAPS = np.random.default_rng(2).normal(2, 3, size=(5, 4, 3, 2))


def test_what_is_averaged_over():
    for type, properties, axes, shape in (
        ("batch_normalisation", {}, (0, 2, 3), MAPS.shape),
        ("layer_normalisation", {"over": "example"}, (1, 2, 3), MAPS.shape),
        ("layer_normalisation", {}, (3,), MAPS.shape),
        ("group_normalisation", {"groups": 2}, (2, 3, 4), (5, 2, 2, 3, 2)),
        ("group_normalisation", {"groups": 4}, (3, 4), (5, 4, 1, 3, 2)),
    ):
        x = MAPS.reshape(shape)
        axes = tuple(axes)
        expected = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + 1e-5)
        np.testing.assert_allclose(
            answer(type, MAPS, **properties), expected.reshape(MAPS.shape), rtol=1e-12, atol=1e-12
        )


def test_neighbouring_maps_damp_each_other():
    found = answer("local_response_normalisation", MAPS, size=3, alpha=0.5, constant=1.0, beta=0.75)
    padded = np.pad(MAPS**2, [(0, 0), (1, 1), (0, 0), (0, 0)])
    around = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    np.testing.assert_allclose(found, MAPS / (1 + 0.5 * around) ** 0.75, rtol=1e-12)
    mean = answer("local_response_normalisation", MAPS, size=3, alpha=1.5, constant=1.0, over="mean")
    np.testing.assert_allclose(mean, found, rtol=1e-12)


def learner(**properties: Any) -> Session:
    """A net that learns rows of very different scales, four at a time."""
    random = np.random.default_rng(3)
    inputs = random.normal([3, -100], [1, 20], size=(12, 2))
    graph = Graph()
    x, norm, layer = (
        graph.add("input"),
        graph.add("batch_normalisation", "norm", **properties),
        graph.add("dense", units=1),
    )
    target, loss = graph.add("target"), graph.add("mean_squared_error")
    for source, place in ((x, norm), (norm, layer), (layer, loss + ".prediction"), (target, loss + ".target")):
        graph.connect(source, place)
    data = {"train": {"inputs": inputs.tolist(), "targets": (inputs @ [[1.0], [0.05]]).tolist()}}
    training = {
        "loss": loss, "batch_size": 4, "order": "sequential", "optimizer": {"type": "sgd", "learning_rate": 0.1}, "seed": 0,
    }  # fmt: skip
    return Session(Document(graph, data=data, training=training), dtype="float64")


def lasting(session: Session) -> dict[str, np.ndarray]:
    return {name: array.copy() for name, array in session._lasting().items() if "running" in name}


def test_running_statistics_follow_the_batches_and_serve_where_nothing_is_learned():
    session = learner(share=0.25)
    rows = session.dataset.inputs[session.dataset.train_rows]
    mean, variance = np.zeros(2), np.ones(2)
    for begin in (0, 4, 8):
        batch = rows[begin : begin + 4]
        mean, variance = mean + 0.25 * (batch.mean(0) - mean), variance + 0.25 * (batch.var(0) - variance)
    session.run(3)
    np.testing.assert_allclose(lasting(session)["norm.running_mean"], mean)
    np.testing.assert_allclose(lasting(session)["norm.running_variance"], variance)
    parameters = session.parameters
    hats = (rows - mean) / np.sqrt(variance + 1e-5) * parameters["norm.scale"] + parameters["norm.shift"]
    expected = hats @ parameters["dense_1.weight"] + parameters["dense_1.bias"]
    np.testing.assert_allclose(session.predict(rows), expected, rtol=1e-10)
    np.testing.assert_allclose(session.predict(rows[:1]), expected[:1], rtol=1e-10)


def test_frozen_statistics_are_used_in_training_and_stay():
    session = learner(statistics="running")
    before = lasting(session)
    session.step("iteration")
    session.run(5)
    assert all(np.array_equal(before[name], array) for name, array in lasting(session).items())


def test_steps_back_restore_the_running_statistics_bit_by_bit():
    session, seen = learner(), []
    session.run(2)
    for _ in range(2 * len(session.steps) + 3):
        seen.append({name: array.tobytes() for name, array in session._lasting().items()})
        session.step()
    for expected in reversed(seen):
        session.step_back()
        assert {name: array.tobytes() for name, array in session._lasting().items()} == expected


def test_stepping_and_running_keep_the_same_statistics():
    stepped, ran = learner(), learner()
    while stepped.iteration < 20:
        stepped.step("node")
    ran.run(20)
    assert all(array.tobytes() == lasting(ran)[name].tobytes() for name, array in lasting(stepped).items())


def test_a_net_learns_through_a_batch_normalisation():
    session = learner()
    session.run(300)
    assert session.evaluate("train")["loss"] < 0.2


@pytest.mark.parametrize(
    ("type", "table", "properties", "sentence"),
    [
        ("batch_normalisation", np.ones((2, 3)), {"axis": 2}, "(batch, 3) has no channels on axis 2"),
        ("group_normalisation", np.ones((2, 3)), {"groups": 2}, "3 channels make no 2 equal groups"),
        (
            "local_response_normalisation",
            np.ones((2, 3)),
            {},
            "maps are (batch, channels, height, width), not (batch, 3)",
        ),
    ],
)
def test_what_does_not_fit_is_said_with_a_mend(type, table, properties, sentence):
    assert sentence in refusal(type, table, **properties)
