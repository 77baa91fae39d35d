"""Surfaces that drivers are tested on: as formulas answered by hand, and as drawn documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine import Document, Graph, Session
from engine.drivers import DRIVERS, Sight, decide
from engine.drivers.asking import Counted, GaussNewton, Loss, Product, Slope
from engine.training import DriverType, optimizer_types


@dataclass
class Formula:
    """A loss with its gradient and Hessian, and a driver that walks on it."""

    loss: Callable[[Any], float]
    slope: Callable[[Any], Any]
    hessian: Callable[[Any], Any]

    def start(self, name: str, point: Any, **settings: Any) -> Sight:
        """What a driver sees at the beginning, with its defaults and the settings named."""
        kind = optimizer_types()[name]
        assert isinstance(kind, DriverType)
        chosen = {key: settings.get(key, field.default) for key, field in kind.settings.items()}
        words = {key: word for key, word in chosen.items() if not kind.settings[key].is_number}
        numbers = {key: float(number) for key, number in chosen.items() if kind.settings[key].is_number}
        at = np.array(point, float)
        memory = {key: np.zeros(size(at.size, words)) for key, size in kind.memory.items()}
        return Sight(at, self.loss(at), self.slope(at), np.zeros(at.size), memory, numbers, words)

    def decided(self, name: str, sight: Sight) -> Counted:
        """One decision."""

        return decide(DRIVERS[name], sight, lambda request: self.answer(request, sight.point))

    def answer(self, request: Any, at: Any) -> Any:
        """What a driver asks for; products are taken at a point."""
        match request:
            case Loss(point):
                return self.loss(point)
            case Slope(point):
                return self.slope(point)
            case Product(vector) | GaussNewton(vector):
                return self.hessian(at) @ vector
        return []  # no layers

    def walk(self, name: str, point: Any, steps: int, **settings: Any) -> list[tuple[Any, Counted, Sight]]:
        """Points behind each step, decisions, and what was seen."""
        sight, trail = self.start(name, point, **settings), []
        for iteration in range(steps):
            counted = self.decided(name, sight)
            at = sight.point + counted.decision.length * sight.numbers["step_length"] * counted.decision.direction
            trail.append((at, counted, sight))
            sight = replace(
                sight, point=at, loss=self.loss(at), slope=self.slope(at), previous=counted.decision.direction,
                iteration=iteration + 1,
            )  # fmt: skip
        return trail


def bowl(hessian: Any, pull: Any = None) -> Formula:
    """½ wᵀHw − bᵀw."""
    matrix = np.array(hessian, float)
    b = np.zeros(len(matrix)) if pull is None else np.array(pull, float)
    return Formula(lambda w: float(w @ matrix @ w / 2 - b @ w), lambda w: matrix @ w - b, lambda w: matrix)


def random_bowl(size: int, seed: int) -> tuple[Formula, Any, Any]:
    """A bowl with its Hessian and its bottom."""
    draw = np.random.default_rng(seed)
    root = draw.normal(size=(size, size))
    hessian, bottom = root @ root.T + size * np.eye(size), draw.normal(size=size)
    return bowl(hessian, hessian @ bottom), hessian, bottom


def drawn(emit: Callable[[Graph, list[Any]], Any], start: list[float], optimizer: dict[str, Any]) -> Session:
    """A session on parameters `w_1`, `w_2` … and the loss that `emit` makes of them, in float64."""
    graph = Graph()
    loss = emit(graph, [graph.add("parameter", id=f"w_{k + 1}", initial=number) for k, number in enumerate(start)])
    return Session(Document(graph, training={"loss": loss.id, "optimizer": optimizer}, precision="float64"))


def point_of(session: Session) -> Any:
    return np.array([float(array) for array in session.parameters.values()])


def chain(graph: Graph, kind: str, *before: Any, **properties: Any) -> Any:
    node = graph.add(kind, **properties)
    for one in before:
        graph.connect(one, node["x"] if kind == "add" else node)
    return node


def elliptical_bowl(graph: Graph, w: list[Any]) -> Any:
    """J = w₁² + 4 w₂²."""
    squares = [chain(graph, "square", one) for one in w]
    return chain(graph, "add", squares[0], chain(graph, "scale", squares[1], factor=4.0))


def bowl_minus_cosine(graph: Graph, w: list[Any]) -> Any:
    """J = w₁² + 4 w₂² − cos(w₁ + w₂)."""
    cosine = chain(graph, "cos", chain(graph, "add", *w))
    return chain(graph, "add", elliptical_bowl(graph, w), chain(graph, "negate", cosine))


def riding_saddle(graph: Graph, w: list[Any]) -> Any:
    """g = x² − y²."""
    squares = [chain(graph, "square", one) for one in w]
    return chain(graph, "add", squares[0], chain(graph, "negate", squares[1]))


def cubes(graph: Graph, w: list[Any]) -> Any:
    """h = x³ + y³ (or x³ alone)."""
    powers = [chain(graph, "power", one, exponent=3.0) for one in w]
    return chain(graph, "add", *powers)
