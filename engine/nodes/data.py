"""Where values come from: the inputs and targets of the data, constants, and parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.initialisers import INITIALISERS, scaled
from engine.nodes.base import Choice, Dimensions, NodeType, Numbers, Port, Real, node_type
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Value

INITIAL_SCALE = Real(
    1.0, low=0.0, high=1e6, is_slot=False,
    help="What the drawn start is multiplied by: too small a start and signals fade, too large and they explode.",
)  # fmt: skip


@node_type
class Input(NodeType):
    """The features of the examples in this batch."""

    name, category, icon = "input", "Data", "log-in"
    formula = r"x"
    source = "Aggarwal 2023, §1.2"
    outputs = (Port("value", "(batch, features)", symbol="x"),)
    shape = Dimensions(None, help="Shape of one example; found from the data where it is not said.")
    columns = Dimensions(None, low=0, help="Which features, counted from 0; all where it is not said.")

    def lower(self, build: Builder, **values: Any) -> Value:
        return _columns(build, build.feed("inputs", self.shape), self.columns)


@node_type
class Target(NodeType):
    """What the network should answer for the examples in this batch."""

    name, category, icon = "target", "Data", "target"
    formula = r"t"
    source = "Aggarwal 2023, §1.2"
    outputs = (Port("value", "(batch, units) or (batch)", kind="target", symbol="t"),)
    shape = Dimensions(None, help="Shape of one target; found from the data where it is not said.")
    columns = Dimensions(None, low=0, help="Which columns, counted from 0; all where it is not said.")

    def lower(self, build: Builder, **values: Any) -> Value:
        return _columns(build, build.feed("targets", self.shape), self.columns)


def _columns(build: Builder, value: Value, columns: tuple[int, ...] | None) -> Value:
    if not columns:
        return value
    width = value.shape[-1]
    if value.rank < 2 or not isinstance(width, int):
        raise shape_mismatch("this data has no columns to choose from", "Leave “columns” empty.")
    for column in columns:
        if column >= width:
            raise shape_mismatch(
                f"there is no column {column}: the data has {width}", f"Columns count from 0 to {width - 1}."
            )
    if columns == tuple(range(width)):
        return value
    parts = [build.emit("slice", value, axis=value.rank - 1, start=column, stop=column + 1) for column in columns]
    return parts[0] if len(parts) == 1 else build.emit("concat", *parts, axis=value.rank - 1)


@node_type
class Constant(NodeType):
    """A number, or a list of numbers, that you can drag."""

    name, category, icon = "constant", "Data", "hash"
    formula = r"c"
    outputs = (Port("value", "any", symbol="c"),)
    value = Numbers(1.0, help="The number, or a list of numbers.")

    def lower(self, build: Builder, **values: Any) -> Value:
        array = np.asarray(self.value, np.float64)
        return build.source("constant", f"{build.origin.node}.value", array.shape, array, trainable=True)


@node_type
class Parameter(NodeType):
    """Numbers that learn; wire it to several layers and they share it."""

    name, category, icon = "parameter", "Parameters", "sliders-horizontal"
    formula = r"\theta"
    source = "Aggarwal 2023, §2.6.6"
    outputs = (Port("value", "any", kind="parameter", symbol=r"\theta"),)
    shape = Dimensions(None, help="Shape of the array; empty for one number.")
    initial = Numbers(None, help="Where it starts: a number, or a list of numbers of that shape.")
    initialiser = Choice(
        "glorot_uniform", tuple(INITIALISERS), help="How the start is drawn where no numbers are given."
    )

    initial_scale = INITIAL_SCALE

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.parameter("value", *start_of(self.shape, self.initial, self.initialiser, self.initial_scale))


def start_of(
    shape: tuple[int, ...] | None, initial: Any, initialiser: str, scale: float = 1.0
) -> tuple[tuple[int, ...], Any]:
    """Shape and start of a parameter: the numbers given (spread over the shape), else the initialiser, times a scale."""
    if initial is None:
        return shape or (), scaled(initialiser, scale)
    array = np.asarray(initial, np.float64)
    if shape is None:
        return array.shape, array
    try:
        return shape, np.broadcast_to(array, shape)
    except ValueError:
        fact = f"the initial numbers have the shape {array.shape}, the parameter {shape}"
        raise ProblemError(
            Problem(fact, "Make them agree, or leave one of them empty.", path="properties.initial", kind="shape")
        ) from None


@node_type
class Scale(NodeType):
    """A number times the input; the number can be dragged."""

    name, category, icon = "scale", "Maths", "x"
    formula = r"y = k x"
    inputs = (Port("x", symbol="x"),)
    outputs = (Port("y", symbol="y"),)
    factor = Real(1.0, symbol="k", help="What the input is multiplied by.")

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit("multiply", values["x"], build.setting("factor", self.factor))
