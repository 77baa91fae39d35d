"""The body of a run of instructions on single numbers. Imported when it is compiled."""

from __future__ import annotations

from typing import Any

from engine.machines.runs import OPERATIONS
from engine.primitives.activations import sigmoid_of, tanh_of
from engine.primitives.base import real
from engine.primitives.elementary import exp_of, log_of

ADD, SUBTRACT, MULTIPLY, TANH, TANH_GRADIENT, DIVIDE, NEGATE, SIGMOID, SIGMOID_GRADIENT, RELU, EXP, LOG = (
    OPERATIONS.values()
)


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """Nothing is compiled in."""
    return {}


def run(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Group by group; the members of a group do not wait for each other. Each operation as the primitive of its name has it."""
    at = 2
    for _ in range(instruction[1]):
        operation, count = instruction[at], instruction[at + 1]
        at += 2
        if operation == ADD:
            for k in range(at, at + 3 * count, 3):
                a, b = instruction[k], instruction[k + 1]
                arena[instruction[k + 2]] = arena[a] + arena[b]
        elif operation == SUBTRACT:
            for k in range(at, at + 3 * count, 3):
                a, b = instruction[k], instruction[k + 1]
                arena[instruction[k + 2]] = arena[a] - arena[b]
        elif operation == MULTIPLY:
            for k in range(at, at + 3 * count, 3):
                a, b = instruction[k], instruction[k + 1]
                arena[instruction[k + 2]] = arena[a] * arena[b]
        elif operation == TANH:
            for k in range(at, at + 3 * count, 3):
                a = instruction[k]
                arena[instruction[k + 2]] = tanh_of(arena[a])
        elif operation == TANH_GRADIENT:
            for k in range(at, at + 3 * count, 3):
                a, b = instruction[k], instruction[k + 1]
                arena[instruction[k + 2]] = arena[b] * (real(1) - arena[a] * arena[a])
        elif operation == DIVIDE:
            for k in range(at, at + 3 * count, 3):
                a, b = instruction[k], instruction[k + 1]
                arena[instruction[k + 2]] = arena[a] / arena[b]
        elif operation == NEGATE:
            for k in range(at, at + 3 * count, 3):
                a = instruction[k]
                arena[instruction[k + 2]] = -arena[a]
        elif operation == SIGMOID:
            for k in range(at, at + 3 * count, 3):
                a = instruction[k]
                arena[instruction[k + 2]] = sigmoid_of(arena[a])
        elif operation == SIGMOID_GRADIENT:
            for k in range(at, at + 3 * count, 3):
                a, b = instruction[k], instruction[k + 1]
                arena[instruction[k + 2]] = arena[b] * (arena[a] * (real(1) - arena[a]))
        elif operation == RELU:
            for k in range(at, at + 3 * count, 3):
                a = instruction[k]
                arena[instruction[k + 2]] = real(0) if arena[a] < real(0) else arena[a]
        elif operation == EXP:
            for k in range(at, at + 3 * count, 3):
                a = instruction[k]
                arena[instruction[k + 2]] = exp_of(arena[a])
        elif operation == LOG:
            for k in range(at, at + 3 * count, 3):
                a = instruction[k]
                arena[instruction[k + 2]] = log_of(arena[a])
        at += 3 * count
