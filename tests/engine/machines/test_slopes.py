"""Slopes of a cell's tanh taken in the registers of the product before: of which products, and with whose bits."""

from __future__ import annotations

import pytest

from engine import Document, Graph, Session
from engine.machines import cpu, lanes, twins
from engine.machines.slopes import sloped
from tests.engine.documents import recurrent

STEPS = 5


def names(code) -> list[str]:
    return [entry.call.primitive.name for entry in code.instructions]


def with_units(units: int, **properties) -> Document:
    """A plain cell of so many units over five steps, and a layer on its last state."""
    document = recurrent("rnn_cell", **properties)
    for name in ("rnn_cell_1", "delay_1"):
        node = document.graph.nodes[name]
        node.properties |= {"units": units} if name == "rnn_cell_1" else {"shape": (units,)}
    return document


@pytest.fixture
def shared(monkeypatch):
    """Whatever can be played by twins is."""
    monkeypatch.setattr(twins, "WORTH_NS", -1e9)
    monkeypatch.setattr(cpu, "available", lambda: 2)
    monkeypatch.setattr(lanes.Pace, "choose", lambda pace, times: (True, times))


@pytest.mark.parametrize("units", [6, 16, 33])
def test_the_bits_are_those_of_a_product_and_a_slope_apart(shared, units):
    stepped, run = (Session(with_units(units, rows=21, batch_size=16)) for _ in range(2))
    played = names(sloped(run.tape))
    assert played.count("tanh_gradient") + played.count("matmul_sloped") == 2 * STEPS
    assert played.count("matmul_sloped") == 2 * (STEPS - 1)
    while stepped.iteration < 5:
        stepped.step("node")
    assert run.playback.machine._pair is not None
    assert run.run(5) == 5
    for name, numbers in run.parameters.items():
        assert numbers.tobytes() == stepped.parameters[name].tobytes(), name


def test_slopes_are_taken_by_the_products_of_a_cell_alone():
    assert names(sloped(Session(with_units(6)).tape)).count("matmul_sloped") == STEPS - 1
    graph = Graph()
    last = graph.add("input")
    for _ in range(2):
        layer = graph.add("dense", units=6, activation="tanh")
        graph.connect(last, layer)
        last = layer
    target, loss = graph.add("target"), graph.add("mean_squared_error")
    graph.connect(last, loss["prediction"])
    graph.connect(target, loss["target"])
    data = {"train": {"inputs": [[0.0, 1.0]], "targets": [[0.0] * 6], "task": "regression"}}
    tape = Session(Document(graph, data, {"loss": loss.id, "seed": 0})).tape
    assert "tanh_gradient" in names(tape.fast)
    assert sloped(tape).instructions == tape.fast.instructions
