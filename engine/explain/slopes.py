"""Values and local derivatives of a stage, computed by the engine: its calls on single entries, differentiated and played.

The derivative of a tree is the derivative program of the tree, played with an incoming derivative of 1. No formula is
written a second time here, and nothing is a finite difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from engine.differentiate import gradients
from engine.explain.live import Array, Index, Live
from engine.explain.trees import Leaf, Operation, Products, Reduction, Tree, Whole, spots
from engine.machines.cpu import CpuMachine
from engine.problems import ProblemError
from engine.program import Program
from engine.tape import initial_array, plan
from engine.values import Batch, Origin, Value, resolve


class Slot(NamedTuple):
    """Numbers that a stage reads: a value's entries at `spot`, in the shape the stage wants.

    side  0 or 1: the same entries as left and as right factors are two slots, each with its own derivative
    """

    value: Value
    spot: Index
    shape: tuple[int, ...]
    side: int = 0

    def read(self, live: Live) -> Array | None:
        """The numbers, None where they were not computed."""
        array = live.array(self.value)
        return None if array is None else array[self.spot].reshape(self.shape)


def is_literal(leaf: Leaf) -> bool:
    """A number that is part of the formula."""
    source = leaf.value.source
    return source is not None and source.role == "constant" and source.address.startswith("=")


class Slots:
    """The slots of a tree, and a key that is equal for trees which one plan can compute."""

    def __init__(self, tree: Tree, live: Live) -> None:
        self.live = live
        self.slots: list[Slot] = []
        self._place: dict[tuple[int, Any, int], int] = {}
        self.key = (self._key(tree), live.session.dtype)

    def find(self, leaf: Leaf) -> int | None:
        """The place of a single entry among the slots."""
        return self._place.get((leaf.value.index, leaf.entry, 0))

    def find_row(self, value: Value, index: Index, side: int) -> int | None:
        """The place of the factors on one side of a sum of products."""
        sought = (value.index, index, side)
        return next((i for i, s in enumerate(self.slots) if (s.value.index, s.spot, s.side) == sought), None)

    def _add(self, value: Value, index: Index, shape: tuple[int, ...], side: int = 0) -> int:
        mark = (value.index, tuple([(i.start, i.stop, i.step) if isinstance(i, slice) else i for i in index]), side)
        if mark not in self._place:
            self._place[mark] = len(self.slots)
            self.slots.append(Slot(value, index, shape, side))
        return self._place[mark]

    def _key(self, tree: Tree) -> Any:
        if isinstance(tree, Leaf):
            if is_literal(tree):
                return ("number", tree.value.source and tree.value.source.initial)
            return ("leaf", self._add(tree.value, tree.entry, ()))
        name = (tree.call.primitive.name, tree.call.result.index)
        if isinstance(tree, Operation):
            return (*name, tuple([self._key(operand) for operand in tree.operands]))
        if isinstance(tree, Products):
            left, right = tree.call.operands[:2]
            depth = math.prod(map(len, spots(tree.left, self.live.shape(left))))
            factors = self._add(left, tree.left, (1, depth)), self._add(right, tree.right, (depth, 1), 1)
            return (*name, depth, *factors, *([self._key(tree.bias)] if tree.bias else []))
        if isinstance(tree, Reduction):
            (operand,) = tree.call.operands
            shape = self.live.shape(operand)
            length = int(np.prod([shape[axis] for axis in tree.call.attributes["axes"]]))
            return (*name, length, self._add(operand, tree.index, (length,)))
        shapes = []
        places = []
        for operand, index in zip(tree.call.operands, tree.indices, strict=True):
            shape = self.live.shape(operand)
            shapes.append((1, *shape[1:]) if tree.rowwise and shape else shape)
            places.append(self._add(operand, index, shapes[-1]))
        return (*name, tuple(shapes), tuple(places), tree.position)


class LocalPlan:
    """A stage on a plan of its own: as many numbers as it has operands, one result, its derivatives."""

    def __init__(self, tree: Tree, slots: Slots) -> None:
        self._tree, self._slots = tree, slots
        self.found: dict[int, Value] = {}
        self._build()
        try:
            wanted = [source for source in self.sources if source.kind == "real"]
            found = gradients(self.program, self.root, wanted)
            self.slopes = [found.get(source.index) for source in self.sources]
        except ProblemError:  # an operation without a derivative: there is a value, and no slope
            self._build()
            self.slopes = [None for _ in self.sources]
        for place, slope in enumerate(self.slopes):
            if slope is not None:
                self.program.outputs[f"slope.{place}"] = slope
        self._machine = CpuMachine(plan(self.program, 1, dtype=slots.live.session.dtype))
        for value in self.program.sources.values():
            if self._machine.tape.places[value.index] is not None:
                view = self._machine.view(value)
                view[...] = initial_array(value, view.shape, view.dtype)
        self._inputs = [self._machine.view(source) for source in self.sources]
        self._outputs = [None if slope is None else self._machine.view(slope) for slope in self.slopes]

    def play(self, numbers: Sequence[Array]) -> tuple[float, list[Array | None]]:
        """The stage's value for these numbers, and its derivative by each of them (None: none flows there)."""
        for view, array in zip(self._inputs, numbers, strict=True):
            view[...] = array
        self._machine.play_once()
        value = self._machine.view(self.root).reshape(-1)[0]
        return float(value), [None if slope is None else slope.copy() for slope in self._outputs]

    def _build(self) -> None:
        self.program = Program()
        self.program.steps = [Origin("", "forward"), Origin("", "backward")]
        build = self.program.build
        self.sources = [
            build.source("data", f"slot{place}", slot.shape, None, kind=slot.value.kind, trainable=True)
            for place, slot in enumerate(self._slots.slots)
        ]
        self.root = self._emit(self._tree)
        self.program.outputs["value.value"] = self.root

    def _emit(self, tree: Tree) -> Value:
        build = self.program.build
        if isinstance(tree, Leaf):
            if is_literal(tree):
                return build.constant(float(tree.value.source.initial if tree.value.source else 0.0))
            place = self._slots.find(tree)
            assert place is not None
            return self.sources[place]
        call = tree.call
        name, attributes = call.primitive.name, call.attributes
        if isinstance(tree, Operation):
            value = build.emit(name, *[self._emit(operand) for operand in tree.operands], **attributes)
        elif isinstance(tree, Products):
            left, right = self._slice(call.operands[0], tree.left), self._slice(call.operands[1], tree.right, 1)
            value = build.emit("reshape", build.emit("matmul", left, right), shape=())
            value = value + self._emit(tree.bias) if tree.bias else value
        elif isinstance(tree, Reduction):
            ties = {word: attributes[word] for word in ("ties",) if word in attributes}
            value = build.emit(name, self._slice(call.operands[0], tree.index), axes=(0,), **ties)
        else:
            value = self._one_of(tree)
        if value.call is not None:
            value.call.rule = call.rule
        return value

    def _slice(self, value: Value, index: Index, side: int = 0) -> Value:
        place = self._slots.find_row(value, index, side)
        assert place is not None
        return self.sources[place]

    def _one_of(self, tree: Whole) -> Value:
        build = self.program.build
        operands = [
            self._slice(operand, index) for operand, index in zip(tree.call.operands, tree.indices, strict=True)
        ]
        whole = build.emit(tree.call.primitive.name, *operands, **self._settled(tree))
        size = int(np.prod([dim for dim in whole.shape if isinstance(dim, int)]))
        flat = build.emit("reshape", whole, shape=(size,))
        part = build.emit("slice", flat, axis=0, start=tree.position, stop=tree.position + 1)
        return build.emit("reshape", part, shape=())

    def _settled(self, tree: Whole) -> dict[str, Any]:
        """The attributes with shapes in numbers: a plan for one entry knows no batch."""
        rows = 1 if tree.rowwise else self._slots.live.batch
        settled = {}
        for name, attribute in tree.call.attributes.items():
            whole = isinstance(attribute, tuple) and any(isinstance(entry, Batch) for entry in attribute)
            settled[name] = resolve(attribute, rows) if whole else attribute
        return settled
