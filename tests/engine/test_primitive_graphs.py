"""Graphs of forty operations, dealt from all primitives: values, first and second derivatives, both precisions.

Every operand is what the primitive's own reference draws for it, moved a little by earlier values of the graph, so that
derivatives travel through all of them. Moves stay smaller than what lies between two numbers or next to a kink.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.machines.cpu import CpuMachine
from engine.primitives import all_primitives
from engine.primitives.base import Interval, Primitive
from engine.program import Builder
from engine.values import Value
from tests.engine.primitives.playing import Array, build, finish, start
from tests.engine.test_differentiate import BY_DECISION, along, total_of
from tests.references.registry import Case, all_references

REFERENCES = all_references()
NODES = 40
ITERATION, EPOCH = 3, 2
STEP = 1e-4
PLAYED = list(all_primitives())
DEALS = -(-2 * len(PLAYED) // NODES)
SMOOTH = {
    "matmul", "linear", "batch_matmul", "sum", "mean", "softmax", "log_softmax", "log_sum_exp", "softmax_cross_entropy",
    "transpose", "permute", "reshape", "concat", "slice", "place", "broadcast", "convolution", "total", "cumulative_sum",
}  # fmt: skip


def deal(number: int) -> list[Primitive]:
    """Forty primitives; all deals together hold each of them twice at least."""
    deck: list[Primitive] = []
    while len(deck) < NODES * (number + 1):
        once = list(PLAYED)
        random.Random(len(deck)).shuffle(once)
        deck += once
    return deck[NODES * number : NODES * (number + 1)]


def test_every_primitive_there_is_is_dealt_twice():
    dealt = [primitive.name for number in range(DEALS) for primitive in deal(number)]
    assert min(dealt.count(primitive.name) for primitive in all_primitives()) >= 2
    assert len(dealt) == NODES * DEALS


JUMPS = {"first_equal"}  # its operands are drawn equal in places: whatever moves one of them makes its answer jump
Move = tuple[int, float, Array]  # which earlier value, how far, (its entries, the operand's entries)


@dataclass
class Node:
    """A call: its numbers, how far earlier values move each operand, and by which mixture of them."""

    primitive: Primitive
    case: Case
    moves: list[Move | None]


@dataclass
class Drawn:
    """A graph, and what the references answer for it."""

    nodes: list[Node] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)  # of the nodes that derivatives may pass through
    answers: list[list[Array]] = field(default_factory=list)  # of all nodes: the result, or what an update has written

    def add(self, primitive: Primitive, case: Case, draw: np.random.Generator) -> None:
        """One more call, its operands moved by what is there already."""
        operands: list[Array] = []
        moves: list[Move | None] = []
        for place, operand in enumerate(case.operands):
            may_move = operand.dtype.kind == "f" and operand.size and primitive.name not in JUMPS
            may_move = may_move and place not in primitive.writes
            reach = room(primitive, operand, place) if may_move else 0.0
            if not reach or not self.values:
                operands.append(operand)
                moves.append(None)
                continue
            chosen = int(draw.integers(max(0, len(self.values) - 6), len(self.values)))
            entries = self.values[chosen].size
            steep = max(
                1.0, float(np.max(np.abs(self.values[chosen])))
            )  # what is large must not switch a tanh to and fro
            mixture = draw.normal(size=(entries, operand.size)) / (np.sqrt(entries) * steep)
            moved = np.tanh(self.values[chosen].reshape(1, -1) @ mixture).reshape(operand.shape)
            operands.append(operand + reach * moved)
            moves.append((chosen, reach, mixture))
        answer = answered(primitive, case._replace(operands=operands))
        self.nodes.append(Node(primitive, case, moves))
        self.answers.append(answer)
        if passes(primitive, answer):
            self.values += answer


def passes(primitive: Primitive, answer: list[Array]) -> bool:
    """Whether a derivative goes through: a rule, and numbers of its own (what is out of range answers NaN)."""
    has_rule = primitive.derivative is not None and primitive.name not in {*BY_DECISION, *JUMPS}
    if not has_rule or primitive.kind != "real" or primitive.writes:
        return False
    return answer[0].size > 0 and bool(np.isfinite(answer[0]).all())


def room(primitive: Primitive, operand: Array, place: int) -> float:
    """How far all entries may move at once: a part of the way to a neighbour, to a kink, or to the end of the domain."""
    domain = primitive.domain
    intervals = [domain] if isinstance(domain, Interval) else list(domain)
    interval = intervals[min(place, len(intervals) - 1)]
    entries = np.sort(operand.reshape(-1))
    marks = [interval.low, interval.high, *interval.kinks]
    ways = [float(np.min(np.abs(entries - mark))) for mark in marks if np.isfinite(mark)]
    is_loose = (primitive.is_elementwise or primitive.name in SMOOTH) and not interval.kinks
    if not is_loose and entries.size > 1:
        ways.append(float(np.min(np.diff(entries))))
    return 0.3 * min([*ways, 1.0])


def answered(primitive: Primitive, case: Case) -> list[Array]:
    """What the reference says: the result, or one array for each operand that an update writes."""
    compute = REFERENCES[primitive.name].compute
    clock = {"iteration": ITERATION, "epoch": EPOCH, "batch": 1}
    wanted = compute.__code__.co_varnames[: compute.__code__.co_argcount]
    asked = {name: clock[name] for name in wanted if name in clock}
    with np.errstate(all="ignore"):
        found = compute(*case.operands, **case.attributes, **asked)
    return [np.asarray(entry) for entry in (found if isinstance(found, tuple) else (found,))]


class Played:
    """The graph in the engine: all values, a loss of them, its slope along v and that slope's slope along u."""

    def __init__(self, drawn: Drawn, seed: int) -> None:
        draw = np.random.default_rng(seed)
        self.numbers = [np.asarray(operand) for node in drawn.nodes for operand in node.case.operands]
        self.reals = [k for k, operand in enumerate(self.numbers) if operand.dtype.kind == "f" and operand.size]
        self.v, self.u = [[draw.uniform(-1, 1, self.numbers[k].shape) for k in self.reals] for _ in range(2)]
        given = [*self.numbers, *self.v, *self.u]

        def recipe(emit: Builder, values: list[Value]) -> list[Value]:
            results, loss = self._emitted(emit, drawn, list(values[: len(self.numbers)]), draw)
            moving = [values[k] for k in self.reals]
            count = len(self.numbers)
            slope = along(emit, loss, moving, values[count : count + len(moving)])
            bend = along(emit, slope, moving, values[count + len(moving) :])
            return [loss, slope, bend, *results]

        self.bench, self.given = build(recipe, given), given
        self.machines: dict[str, CpuMachine] = {}

    def _emitted(self, emit: Builder, drawn: Drawn, operands: list[Value], draw: Any) -> tuple[list[Value], Value]:
        results: list[Value] = []
        through: list[Value] = []
        loss = emit.constant(0.0)
        for node, answer in zip(drawn.nodes, drawn.answers, strict=True):
            mine = [operands.pop(0) for _ in node.moves]
            for place, move in enumerate(node.moves):
                if move is not None:
                    mine[place] = self._moved(emit, mine[place], through[move[0]], *move[1:])
            result = emit.emit(node.primitive.name, *mine, **node.case.attributes)
            results += [mine[k] for k in node.primitive.writes] or [result]
            if passes(node.primitive, answer):
                through.append(result)
                shape = answer[0].shape
                weights = emit.source("constant", f"w{len(results)}", shape, draw.uniform(0.5, 1.5, shape))
                loss = loss + total_of(emit, result * weights)
        return results, loss

    def _moved(self, emit: Builder, operand: Value, by: Value, reach: float, mixture: Array) -> Value:
        weights = emit.source("constant", f"m{len(emit.program.values)}", mixture.shape, mixture)
        flat = emit.emit("reshape", by, shape=(1, mixture.shape[0]))
        mixed = emit.emit("tanh", emit.emit("matmul", flat, weights))
        return operand + reach * emit.emit("reshape", mixed, shape=operand.shape)

    def at(self, step: float, direction: Sequence[Array], dtype: str = "float64") -> list[Array]:
        """Everything, at numbers moved along a direction."""
        machine = self.machines.get(dtype) or start(self.bench, self.given, dtype)
        self.machines[dtype] = machine
        machine.clock[:2] = ITERATION, EPOCH
        for k, way in zip(self.reals, direction, strict=True):
            place = self.bench.operands[k]
            if machine.tape.places[place.index] is not None:
                machine.view(place)[...] = self.numbers[k] + step * way
        return finish(self.bench, machine)

    def difference(self, which: int, direction: Sequence[Array]) -> float:
        """A central difference of fourth order of the loss (0) or the slope (1)."""
        ends = [float(self.at(k * STEP, direction)[which]) for k in (-2, -1, 1, 2)]
        return (ends[0] - 8 * ends[1] + 8 * ends[2] - ends[3]) / (12 * STEP)


@pytest.mark.parametrize("number", range(DEALS))
@settings(
    max_examples=2, derandomize=True, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_graphs_of_forty_operations_agree_with_their_references_and_with_differences(number, data):
    seed = data.draw(st.integers(0, 2**32 - 1))
    draw, drawn = np.random.default_rng(seed), Drawn()
    for primitive in deal(number):
        drawn.add(primitive, REFERENCES[primitive.name].draw(data.draw, primitive), draw)
    played = Played(drawn, seed)
    loss, slope, bend, *values = played.at(0, played.v)
    names = [node.primitive.name for node, found in zip(drawn.nodes, drawn.answers, strict=True) for _ in found]
    for name, mine, its in zip(names, values, [entry for found in drawn.answers for entry in found], strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-10, atol=1e-10, err_msg=name)
    assert np.isfinite(loss)
    assert slope == pytest.approx(played.difference(0, played.v), rel=1e-6, abs=1e-8)
    assert bend == pytest.approx(played.difference(1, played.u), rel=1e-6, abs=1e-8)
    _, rough_slope, _, *rough_values = played.at(0, played.v, "float32")
    assert rough_slope == pytest.approx(slope, rel=1e-5, abs=1e-5)
    for name, rough, fine in zip(names, rough_values, values, strict=True):
        np.testing.assert_allclose(rough, fine, rtol=2e-5, atol=2e-5, err_msg=name)
