"""A node type lowered by itself on arrays: its value, its derivatives, and both against central differences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.differentiate import gradients
from engine.machines.cpu import CpuMachine
from engine.nodes import node_types
from engine.program import Builder
from engine.values import B, Shape, Value
from tests.engine.primitives.playing import Array, Bench, build, finish, start

Operands = Mapping[str, Any]


class Alone:
    """A node with arrays at its ports, the rows of which are the batch; numbers at a port are numbers there."""

    def __init__(self, type: str, operands: Operands, dtype: str = "float64", **properties: Any) -> None:
        self.kind = node_types()[type]
        sound, problems = self.kind.check_properties(properties)
        assert not problems, problems
        self.node = self.kind(sound)
        self.operands = {port: np.asarray(array) for port, array in operands.items()}
        self.rows = next((len(array) for array in self.operands.values() if array.ndim), 1)
        self.dtype = dtype

    def lowered(self, build_: Builder, values: list[Value]) -> dict[str, Value]:
        """The node's outputs by port."""
        wired: dict[str, Value | None] = dict(zip(self.operands, values, strict=True))
        for port in self.kind.inputs:
            if port.default is not None and port.name not in wired:
                wired[port.name] = build_.setting(port.name, port.default)
            wired.setdefault(port.name, None)
        answer = self.node.lower(build_, **wired)
        return answer if isinstance(answer, dict) else {self.kind.outputs[0].name: answer}

    def _play(self, recipe: Any, extra: list[Array] | None = None) -> list[Array]:
        arrays = [*self.operands.values(), *(extra or [])]
        shapes: list[Shape] = [(B, *array.shape[1:]) if array.ndim else () for array in arrays]
        bench: Bench = build(recipe, arrays, shapes)
        machine: CpuMachine = start(bench, arrays, self.dtype, batch=self.rows)
        for value in bench.program.values:
            if value.source is not None and value.source.role == "setting" and machine.tape.places[value.index]:
                machine.view(value)[...] = value.source.initial
        return finish(bench, machine)

    def value(self, port: str = "") -> Array:
        """What the node says at a port, the first where none is named."""
        name = port or self.kind.outputs[0].name
        return self._play(lambda b, v: self.lowered(b, v)[name])[0]

    @property
    def real(self) -> list[str]:
        """Ports that a derivative may go back to."""
        return [port for port, array in self.operands.items() if array.dtype.kind == "f"]

    def slopes(self, *ports: str) -> dict[str, Array]:
        """The derivative of the node's number by each of these ports."""
        wanted = ports or tuple(self.real)

        def recipe(b: Builder, values: list[Value]) -> list[Value]:
            named = dict(zip(self.operands, values, strict=True))
            loss = next(iter(self.lowered(b, values).values()))
            found = gradients(b.program, loss, [named[port] for port in wanted])
            return [found.get(named[port].index, b.zeros_like(named[port])) for port in wanted]

        return dict(zip(wanted, self._play(recipe), strict=True))

    def bend(self, directions: Mapping[str, Array], *ports: str) -> dict[str, Array]:
        """The derivative of the slope along these directions, by each of these ports."""

        def recipe(b: Builder, values: list[Value]) -> list[Value]:
            count = len(self.operands)
            named = dict(zip(self.operands, values[:count], strict=True))
            loss = next(iter(self.lowered(b, values[:count]).values()))
            found = gradients(b.program, loss, [named[port] for port in ports])
            along = b.constant(0.0)
            for port, direction in zip(directions, values[count:], strict=True):
                if named[port].index in found:
                    terms = found[named[port].index] * direction
                    along = along + (b.emit("sum", terms, axes=tuple(range(terms.rank))) if terms.rank else terms)
            again = gradients(b.program, along, [named[port] for port in ports])
            return [again.get(named[port].index, b.zeros_like(named[port])) for port in ports]

        return dict(zip(ports, self._play(recipe, list(directions.values())), strict=True))

    def moved(self, port: str, by: Array) -> Alone:
        """The same with one operand moved."""
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__, operands={**self.operands, port: self.operands[port] + by})
        return copy


def check_derivatives(node: Alone, *ports: str) -> None:
    """First and second derivatives against central differences, in float64."""
    wanted, draw, step = ports or tuple(node.real), np.random.default_rng(8), 1e-5
    slopes = node.slopes(*wanted)
    for port in wanted:
        expected = np.zeros_like(node.operands[port])
        for place in np.ndindex(expected.shape):
            by = np.zeros_like(expected)
            by[place] = step
            expected[place] = (node.moved(port, by).value() - node.moved(port, -by).value()) / (2 * step)
        np.testing.assert_allclose(slopes[port], expected, rtol=1e-6, atol=1e-8)
    for port in wanted:
        direction = draw.normal(size=node.operands[port].shape)
        bent = node.bend({port: direction}, *wanted)
        further, nearer = (node.moved(port, sign * step * direction).slopes(*wanted) for sign in (1, -1))
        for other in wanted:
            expected = (further[other] - nearer[other]) / (2 * step)
            np.testing.assert_allclose(bent[other], expected, rtol=1e-5, atol=1e-7)
