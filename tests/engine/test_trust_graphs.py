"""Whatever is drawn: what is sound is played right, what is not leaves no trace, and stepping is running."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from engine import Document, Graph, ProblemError, Session
from engine.lowering import lower
from engine.nodes import node_types
from tests.engine.documents import xor_document
from tests.engine.test_session import assert_same, everything
from tests.engine.test_trust_numbers import assert_laid_out


def with_a_broken_node(document: Document, kind: str) -> Document:
    """The same drawing with a node in front that cannot be lowered, after it has begun to."""
    twin = document.copy()
    old, twin.graph = twin.graph, Graph()
    graph = twin.graph
    if kind == "columns":
        graph.add("target", id="broken", columns=(5,))
    else:
        x, t = graph.add("input", id="x0"), graph.add("target", id="t0")
        if kind == "bypass":
            node = graph.add("squared_error", id="broken", half=True)
        else:
            node = graph.add("concat", id="broken")
        if kind == "bypass":
            graph.connect(x, node["prediction"])
            graph.connect(t, node["target"])
        else:
            graph.connect(t, node["x"])
            graph.connect(x, node["x"])
            graph.wires = [replace(wire, muted=True) for wire in graph.wires]
            graph.connect("broken", graph.add("dense", id="behind", features=9))
    graph.nodes.update(old.nodes)
    graph.wires += old.wires
    return twin


@pytest.mark.parametrize("kind", ["columns", "bypass", "wire"])
def test_a_node_that_cannot_be_played_changes_no_number_of_the_others(kind):
    document = xor_document(batch_size=3)
    session, other = Session(with_a_broken_node(document, kind)), Session(document)
    if kind != "wire":
        assert session.lowered.problems
    session.program.verify()
    session.run(7)
    other.run(7)
    assert_same(session.parameters, other.parameters)
    assert session.loss == other.loss


def test_numbers_that_a_failed_node_shares_with_others_still_hold():
    graph = Graph()
    x, t = graph.add("input"), graph.add("target")
    layer = graph.add("dense", units=1)
    broken, error = graph.add("hinge"), graph.add("hinge")
    graph.connect(x, layer)
    for node in (broken, error):
        graph.connect(layer, node["prediction"])
        graph.connect(t, node["target"])
    graph.nodes[broken].flags = frozenset({"bypassed"})  # (batch, 1) cannot pass in place of one number
    data = {"inputs": [[0.5], [-0.2]], "targets": [[1.0], [-1.0]], "task": "regression"}
    session = Session(Document(graph, data=data, training={"loss": error.id, "order": "sequential"}), dtype="float64")
    weight, bias = session.parameters["dense_1.weight"], session.parameters["dense_1.bias"]
    inputs, labels = np.array(data["inputs"]), np.array(data["targets"])
    session.step("phase")
    margin = 1 - labels * (inputs @ weight + bias)
    assert session.loss == pytest.approx(np.maximum(margin, 0).mean(), rel=1e-14) and session.loss > 0
    session.step("phase")
    np.testing.assert_allclose(
        session.gradient("dense_1.weight"), -(inputs.T @ (labels * (margin > 0))) / 2, rtol=1e-14
    )


def random_document(seed: int) -> Document:
    """Nodes of every type, wired at random, some muted, frozen or bypassed, under two objectives."""
    draw, numbers = random.Random(seed), np.random.default_rng(seed)
    graph = Graph()
    graph.add("input")
    graph.add("target")
    outputs = ["input_1.value", "target_1.value"]
    for _ in range(draw.randint(3, 14)):
        kind = draw.choice(list(node_types().values()))
        said = {name: draw.choice(entry.options) for name, entry in kind.properties().items()
                if hasattr(entry, "options") and draw.random() < 0.5}  # fmt: skip
        if kind.name == "parameter":
            said["shape"] = draw.choice([(), (1,), (2,), (2, 2)])
        node = graph.add(kind.name, **said)
        for port in kind.inputs:
            for _ in range(draw.randint(1, 3) if port.many else 1):
                source, target = draw.choice(outputs), node[port.name]
                if graph.refusal(source, target) is None and (not port.may_stay_free or draw.random() < 0.3):
                    graph.connect(source, target)
        outputs += [f"{node}.{port.name}" for port in kind.outputs]
    loss = graph.add("mean", over="all")
    graph.connect(draw.choice(outputs), loss)
    for drawn in graph:
        if draw.random() < 0.08:
            drawn.flags = frozenset({draw.choice(["muted", "frozen", "bypassed"])})
    graph.wires = [replace(wire, muted=draw.random() < 0.05) for wire in graph.wires]
    rows, columns = draw.choice([1, 3, 7]), draw.choice([1, 2])
    data = {"inputs": numbers.normal(size=(rows, 2)), "targets": numbers.choice([-1.0, 1.0], size=(rows, columns)),
            "task": "regression"}  # fmt: skip
    optimizer = {"type": draw.choice(["sgd", "momentum", "nesterov", "adam"]), "learning_rate": 0.01}
    phases = [{"name": "any", "minimise": draw.choice(list(graph.nodes))},
              {"name": "mean", draw.choice(["minimise", "maximise"]): loss.id, "optimizer": optimizer}]  # fmt: skip
    plan = {"phases": phases, "batch_size": draw.choice([0, 1, 2, 3]), "order": draw.choice(["shuffled", "sequential"]),
            "last_batch": draw.choice(["short", "drop", "wrap"])}  # fmt: skip
    return Document(graph, data=data, training=plan, precision=draw.choice(["float32", "float64"]))


@pytest.mark.parametrize("seed", range(80))
def test_random_graphs_of_all_node_types_step_as_they_run_and_come_back(seed):
    document = random_document(seed)
    document.check()
    lower(document, document.load_data()[0]).program.verify()
    try:
        running, stepped = Session(document), Session(document)
    except ProblemError as error:
        assert error.problems
        return
    assert_laid_out(running)
    running.run(4)
    for _ in range(4 * len(stepped.steps)):
        stepped.step()
    if stepped.problem is not None:
        running.step_back()
        running.snapshot()
        return
    assert_same(everything(running), everything(stepped))
    trail = []
    while len(trail) < len(stepped.steps) + 2 and stepped.problem is None:
        trail.append(everything(stepped))
        stepped.step()
        stepped.explain()
    for seen in reversed(trail):
        stepped.step_back()
        assert_same(everything(stepped), seen)
    running.evaluate("train")
