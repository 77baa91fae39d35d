"""Numbers, weights and copies that change while training goes on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from engine.sideplan import SidePlan

FORMS = {
    "linear": lambda t: 3 + (1 - 3) * min(t / 4, 1),
    "cosine": lambda t: 1 + (3 - 1) * (1 + math.cos(math.pi * min(t / 4, 1))) / 2,
    "exponential": lambda t: 3 * math.exp(-0.5 * t),
    "inverse": lambda t: 3 / (1 + 0.5 * t),
    "step": lambda t: 3 * 0.5 ** (t // 4),
}


def over(*nodes: tuple[str, dict[str, Any]], rows: Any = ((0.0,), (1.0,))) -> tuple[Document, list[str]]:
    """A document of a chain of nodes, the first of which stands behind the input where it has one."""
    graph = Graph()
    before: Any = graph.add("input")
    ids = []
    for name, properties in nodes:
        node = graph.add(name, **properties)
        if name != "number_schedule" and name != "parameter":
            graph.connect(before, node)
        before = node
        ids.append(node.id)
    data = {"inputs": np.asarray(rows).tolist(), "targets": [[0.0]] * len(rows)}
    return Document(graph, data, training={"order": "sequential"}, precision="float64"), ids


@pytest.mark.parametrize("form", FORMS)
def test_a_schedule_follows_its_formula(form):
    settings = {"form": form, "start": 3.0, "end": 1.0, "length": 4.0, "speed": 0.5, "unit": "iteration"}
    document, (node,) = over(("number_schedule", settings))
    session = Session(document)
    for step in range(7):
        session.step("iteration")
        assert session.value(node) == pytest.approx(FORMS[form](step))


def test_in_evaluation_a_schedule_says_what_it_said_last():
    document, (node,) = over(("number_schedule", {"start": 3.0, "end": 1.0, "length": 4.0, "unit": "iteration"}))
    session = Session(document)
    session.run(3)
    side = SidePlan(document, document.load_data()[0], "float64")
    kept = session.value(f"{node}.now")
    assert kept == pytest.approx(2.0)
    assert side.program.outputs[f"{node}.y"].shape == ()


def test_a_curriculum_begins_with_the_easiest_examples():
    difficulty = [[0.9], [0.1], [0.5], [0.3], [0.7]]
    document, (node,) = over(("curriculum", {"start": 0.2, "length": 4.0, "unit": "iteration"}), rows=difficulty)
    session = Session(document)
    for counted in (1, 2, 3, 4, 5, 5):
        session.step("iteration")
        wanted = (np.argsort(np.argsort(np.ravel(difficulty))) < counted).astype(float)
        np.testing.assert_array_equal(session.value(node), wanted)


def learning(**properties: Any) -> tuple[Session, str]:
    """A weight that moves by 1 an iteration, and its copy."""
    graph = Graph()
    x, weight = graph.add("input"), graph.add("parameter", initial=[[0.0]])
    copy, layer = graph.add("lagging_copy", **properties), graph.add("dense", units=1, use_bias=False)
    other, goal = graph.add("dense", units=1, use_bias=False), graph.add("mean", over="all")
    graph.connect(weight, copy)
    graph.connect(x, layer["x"])
    graph.connect(weight, layer["weight"])
    graph.connect(x, other["x"])
    graph.connect(copy, other["weight"])
    graph.connect(layer, goal)
    training = {"loss": goal.id, "optimizer": {"type": "sgd", "learning_rate": 1.0}, "order": "sequential"}
    data = {"inputs": [[-1.0], [-1.0]], "targets": [[0.0], [0.0]]}
    document = Document(graph, data, training=training, precision="float64")
    assert document.check() == []
    return Session(document), copy.id


def test_a_copy_stays_the_same_until_its_time_has_come():
    session, copy = learning(every=3)
    seen = []
    for _ in range(8):
        session.step("iteration")
        seen.append(float(session.value(copy)[0, 0]))
    assert seen == [0, 0, 0, 3, 3, 3, 6, 6]


def test_a_moving_copy_follows_by_a_share_of_the_way():
    session, copy = learning(form="moving", share=0.5)
    kept, seen = 0.0, []
    for step in range(5):
        session.step("iteration")
        seen.append(float(session.value(copy)[0, 0]))
        assert seen[-1] == pytest.approx(kept)
        kept += 0.5 * (step + 1 - kept)


def test_no_derivative_passes_a_copy():
    session = learning(every=3)[0]
    session.run(4)
    assert session.parameters["parameter_1.value"].item() == pytest.approx(4.0)


def test_what_changes_with_the_examples_has_no_copy():
    document, (node,) = over(("lagging_copy", {}))
    (problem,) = [p for p in document.check() if p.node == node]
    assert "nothing of it can be kept" in problem.fact
