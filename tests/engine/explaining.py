"""What tests of formulas stand on: networks small and random, their steps, and how an equation is read."""

from __future__ import annotations

import random
import re
from functools import lru_cache
from typing import Any

from app.theme.typesetting import setter
from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.nodes.layers import ACTIVATIONS
from engine.session import Session
from engine.snapshot import Equation, Explanation
from engine.training import optimizer_types
from tests.engine.documents import optimizer_of


def xor_net(*, optimizer: dict | None = None, activation: str = "tanh", loss: str = "mean_squared_error") -> Document:
    graph = Graph()
    x = graph.add("input")
    hidden = graph.add("dense", units=3, activation=activation, title="hidden")
    output = graph.add("dense", units=1, activation="sigmoid")
    target, error = graph.add("target"), graph.add(loss)
    graph.connect(x, hidden)
    graph.connect(hidden, output)
    graph.connect(output, error["prediction"])
    graph.connect(target, error["target"])
    settings = optimizer or {"type": "sgd", "learning_rate": 0.5}
    training = {"loss": error.id, "optimizer": settings, "batch_size": 4, "order": "sequential", "seed": 2}
    return Document(graph, data="xor", precision="float64", training=training)


def step_to(session: Session, part: str, node: str) -> Explanation:
    while True:
        step = session.step()
        assert step is not None
        if (step.part, step.node) == (part, node):
            explanation = session.explain(step, row=1, unit=2)
            assert explanation is not None
            return explanation


def written(equation: Equation) -> str:
    return " ".join(term.latex for term in equation.terms)


def numbers(equation: Equation, role: str) -> list[float | None]:
    return [term.number for term in equation.terms if term.role == role]


def check_terms(equation: Equation) -> None:
    assert equation.terms
    for term in equation.terms:
        assert term.latex and (term.number is not None) == (term.role not in ("operator", "absent")), equation
        assert term.latex.count("{") == term.latex.count("}")
        assert not re.search(r"None|nan\b|\$", term.latex)
        assert is_mathematics(term.latex), term.latex


@lru_cache(maxsize=10_000)
def is_mathematics(latex: str) -> bool:
    """Whether the window sets it as mathematics, and does not show its letters and backslashes as they are."""
    try:
        return "\\" not in setter().tex.tex2mml(latex)
    except Exception:  # whatever its parsers meet
        return False


def random_document(rng: random.Random, loss: str) -> Document:
    graph = Graph()
    target, error = graph.add("target"), graph.add(loss)
    sources = [graph.add("input")]
    for _ in range(rng.randrange(1, 5)):
        activation = rng.choice(ACTIVATIONS)
        kind = rng.choice(["dense", "neuron", "scale"])
        properties: dict[str, Any] = {"units": rng.randrange(1, 9)} if kind == "dense" else {}
        if kind != "scale":
            properties |= {"activation": activation, "use_bias": rng.random() < 0.8}
        node = graph.add(kind, **properties)
        graph.connect(rng.choice(sources), node["x"])
        if kind == "neuron" and graph.refusal(sources[0] + ".value", node["x"]) is None:
            graph.connect(sources[0], node["x"])
        sources.append(node)
    data = rng.choice(["iris", "xor"]) if loss == "softmax_cross_entropy" else "xor"
    last = graph.add("dense", units=3 if data == "iris" else 1, activation=rng.choice(["identity", "sigmoid"]))
    graph.connect(sources[-1], last)
    port = node_types()[loss].inputs[0].name
    graph.connect(last, error[port])
    graph.connect(target, error["target"])
    training = {
        "loss": error.id, "batch_size": rng.choice([0, 1, 3]), "last_batch": rng.choice(["short", "wrap", "drop"]),
        "optimizer": optimizer_of(rng.choice(list(optimizer_types())), 0.05),
    }  # fmt: skip
    return Document(graph, data=data, training=training, precision=rng.choice(["float32", "float64"]))
