"""What the tests of the window share: a document that trains, a theme, a runner that is always closed."""

import pytest

from app.runner import Runner
from app.theme import current_theme
from engine.document import Document
from engine.graph import Graph


@pytest.fixture(autouse=True)
def theme(qapp):
    found = current_theme()
    found.apply(qapp)
    found.set_scheme("dark")
    return found


@pytest.fixture
def document():
    """XOR by four tanh units: ten steps an iteration."""
    graph = Graph()
    x = graph.add("input", id="input_1", shape=(2,), position=(0, 0))
    hidden = graph.add("dense", id="hidden", title="hidden", units=4, activation="tanh", position=(240, 0))
    output = graph.add("dense", id="output", title="output", units=1, activation="sigmoid", position=(520, 0))
    target = graph.add("target", id="target_1", shape=(1,), position=(520, 240))
    loss = graph.add("binary_cross_entropy", id="loss", title="loss", position=(800, 0))
    graph.connect(x, hidden)
    graph.connect(hidden, output)
    graph.connect(output, loss["prediction"])
    graph.connect(target, loss["target"])
    training = {"loss": "loss", "optimizer": {"type": "adam", "learning_rate": 0.05}, "batch_size": 4, "seed": 0}
    return Document(graph, "xor", training, id="xor", title="XOR needs a hidden layer")


@pytest.fixture
def runner(qapp):
    """A runner whose thread does not outlive the test."""
    made = Runner()
    yield made
    made.close()
    assert not made.is_alive
