"""Graphs of up to forty nodes, dealt from all node types: stepped as run, first and second derivatives as differences say."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest

from engine import Document, Graph, Session
from engine.analysis.curvature import Curvature
from engine.analysis.gradient_check import gradient_check
from engine.graph import Node
from engine.nodes import node_types
from engine.values import B
from tests.engine.every_type import document_around
from tests.engine.test_session import assert_same, everything

MOST = 40
TYPES = [name for name, kind in node_types().items() if kind.inputs and kind.outputs]
ROWS = {"inputs": [[0.31, -0.62], [-1.17, 0.45], [0.88, 1.29], [-0.53, -1.94]], "targets": [[0], [1], [1], [0]]}
DRAWN = {"train": {**ROWS, "task": "regression"}}
# Their derivatives are others than those of their values, by what they are for.
OTHERWISE = {
    "stop_gradient": "nothing comes back",
    "quantise": "the derivative goes straight through the steps",
    "td_error": "the value to be met is taken as given",
    "rollout": "nothing comes back to the state before",
    "glimpse": "nothing comes back to the place that is looked at",
}


@cache
def surroundings(name: str) -> tuple[Document, str, bool]:
    """A node between dense layers as other tests draw it, its answer, and whether that is a row for each example."""
    document = document_around(name)
    objective = document.training.phases[0].minimise.partition(".")[0]
    into = document.graph.wires_into(objective)
    kind = document.graph.nodes[objective].kind
    assert kind is not None
    answer = into[0].source if objective.startswith("goal") else f"{objective}.{kind.outputs[0].name}"
    value = Session(document).program.outputs[answer]
    return document, answer, value.kind == "real" and len(value.shape) > 0 and value.shape[0] == B


def has_slopes(name: str) -> bool:
    """Whether its derivatives are those of its values, so that differences tell them."""
    return name not in OTHERWISE and node_types()[name].category not in ("Metrics", "Learning rules", "Worlds")


class Growing:
    """A graph to which one piece after the other is added, each fed by the data and by pieces before it."""

    def __init__(self, seed: int) -> None:
        self.draw, self.graph, self.goals = random.Random(seed), Graph(), list[str]()
        self.sources = [f"{self.graph.add('input')}.value"]
        self.graph.add("target")

    def add(self, name: str, number: int) -> None:
        """A node of that type with what stands around it."""
        document, answer, is_row = surroundings(name)
        ids: dict[str, str] = {"input_1": "input_1", "target_1": "target_1"}
        for node in document.graph:
            if node.id not in ids:
                ids[str(node.id)] = f"n{number}_{node.id}"
                self.graph.add(node.type, f"n{number}_{node.id}", **node.properties | self._bias(node))
        for wire in document.graph.wires:
            begin, port = wire.source.split(".")
            begin = self._source(name) if begin == "input_1" else f"{ids[str(begin)]}.{port}"
            self.graph.connect(begin, f"{ids[str(wire.target_node)]}.{wire.target.partition('.')[2]}")
        if not has_slopes(name):
            return
        goal = document.training.phases[0].minimise.partition(".")[0]
        answering, port = answer.split(".")
        mine = f"{ids[answering]}.{port}"
        self.goals.append(ids[goal] if goal.startswith("goal") else mine)
        if is_row:
            flat = self.graph.add("reshape", f"n{number}_flat")
            self.graph.connect(mine, flat)
            self.sources.append(f"{flat}.y")

    def _bias(self, node: Node) -> dict[str, object]:
        """No two features are ever the same: between equal numbers a maximum has no derivative."""
        if node.id != "before":
            return {}
        return {"initial_bias": [self.draw.uniform(-1, 1) for _ in range(node.properties["units"])]}

    def _source(self, name: str) -> str:
        """One of the last values; of the data for a rule, which may find no answer where features depend on each other."""
        return self.draw.choice(self.sources[-4:]) if has_slopes(name) else self.sources[0]

    def document(self) -> Document:
        """All answers added up, to be made small."""
        total = self.graph.add("add", "all")
        for goal in self.goals:
            self.graph.connect(goal, total)
        training = {
            "loss": "all",
            "batch_size": 4,
            "order": "sequential",
            "optimizer": {"type": "adam", "learning_rate": 0.01},
        }
        return Document(self.graph, data=DRAWN, precision="float64", training=training)


def deals() -> list[list[str]]:
    """All types, shuffled, in graphs of up to forty nodes."""
    names, found, count = list(TYPES), list[list[str]](), MOST
    random.Random(7).shuffle(names)
    for name in names:
        nodes = len(surroundings(name)[0].graph.nodes) - 1
        if count + nodes > MOST:
            found.append([])
            count = 3
        found[-1].append(name)
        count += nodes
    return found


DEALS = deals()


@pytest.mark.parametrize("deal", DEALS, ids=lambda deal: deal[0])
def test_a_graph_of_many_types_steps_as_it_runs(deal):
    growing = Growing(len(deal[0]))
    for number, name in enumerate(deal):
        growing.add(name, number)
    document = growing.document()
    assert document.check() == []
    assert len(document.graph.nodes) <= MOST
    stepped, ran = Session(document), Session(document)
    ran.program.verify()
    for _ in range(3 * len(stepped.steps)):
        stepped.step("node")
    ran.run(3)
    assert stepped.problem is None and np.isfinite(ran.loss)
    assert_same(everything(stepped), everything(ran))
    assert gradient_check(ran, sample=40).failed == ()
    curvature = Curvature(ran)
    way = np.random.default_rng(len(deal)).normal(size=curvature.size)
    ends = [curvature.gradient(curvature.point + step * way) for step in (-1e-6, 1e-6)]
    product = curvature.product(way)
    np.testing.assert_allclose(product, (ends[1] - ends[0]) / 2e-6, rtol=1e-5, atol=1e-6 * np.abs(product).max())


@pytest.mark.parametrize("name", [name for name in TYPES if has_slopes(name)])
def test_a_node_of_every_type_has_the_slopes_that_differences_tell(name):
    document = document_around(name)
    document.data = DRAWN
    session = Session(document)
    session.step("iteration")
    assert gradient_check(session, sample=12).failed == ()
