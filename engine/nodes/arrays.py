"""Operations on whole arrays: products of matrices, sums over axes, parts, and what is set side by side."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, Dimensions, NodeType, Port, Real, Whole, node_type
from engine.nodes.layers import features_of, side_by_side
from engine.nodes.rows import axis_of, axis_property, example_of, reordered, with_axis
from engine.nodes.scalar import TIES
from engine.primitives.axes import over_axes
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Dim, Value, shape_text

X, Y = Port("x", symbol="x"), Port("y", symbol="y")


class ArrayOperation(NodeType):
    """An operation on one array."""

    category = "Arrays"
    inputs: ClassVar[tuple[Port, ...]] = (X,)
    outputs: ClassVar[tuple[Port, ...]] = (Y,)


class Reduction(ArrayOperation):
    """One number out of many: over the features of each example, or over everything."""

    outputs = (Port("y", "(batch, 1) or ()", symbol="y"),)
    over = Choice(
        "features", ("features", "all"), help="Over the features of each example, or over everything there is."
    )
    axes = Dimensions(
        None, low=0, high=7, help="Over these axes, counted from 0 (the batch); as “over” tells where it is not said."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        if self.axes:
            gone = {axis_of(x, axis) for axis in self.axes}
            kept = over_axes(self.name, x, sorted(gone), **self.attributes())
            return build.emit("reshape", kept, shape=tuple([d for i, d in enumerate(x.shape) if i not in gone]))
        if self.over == "features":
            features_of(x)
            return build.emit(self.name, x, axes=(x.rank - 1,), keep=True, **self.attributes())
        if x.rank == 0:
            raise shape_mismatch("a single number has nothing to go over", "Wire it on without this node.", port="x")
        return build.emit(self.name, x, axes=tuple(range(x.rank)), **self.attributes())

    def attributes(self) -> dict[str, Any]:
        """What the primitive is told besides the axes."""
        return {}


class ExtremeOf(Reduction):
    """The largest or the smallest out of many."""

    ties = TIES

    def attributes(self) -> dict[str, Any]:
        return {"ties": "shared"} if self.ties == "shared" else {}


@node_type
class Sum(Reduction):
    """Adds up the features of each example, or everything."""

    name, icon = "sum", "sigma"
    formula = r"y = \sum_i x_i"
    source = "Aggarwal 2023, §2.3.2"


@node_type
class Mean(Reduction):
    """The average of the features of each example, or of everything."""

    name, icon = "mean", "equal"
    formula = r"y = \frac{1}{n} \sum_i x_i"
    source = "Aggarwal 2023, §2.6.1"


@node_type
class Max(ExtremeOf):
    """The largest feature of each example, or of everything."""

    name, icon, title = "max", "maximize-2", "largest"
    formula = r"y = \max_i x_i"
    source = "Aggarwal 2023, §2.4.3"


@node_type
class Min(ExtremeOf):
    """The smallest feature of each example, or of everything."""

    name, icon, title = "min", "minimize-2", "smallest"
    formula = r"y = \min_i x_i"
    source = "as the largest"


@node_type
class Matmul(ArrayOperation):
    """The product of two matrices: rows of the first by columns of the second."""

    name, icon, title = "matmul", "grid-3x3", "matrix product"
    formula = r"Y = A B"
    source = "Aggarwal 2023, §2.5.1"
    inputs = (Port("a", "(batch, depth)", symbol="A"), Port("b", "(depth, columns)", symbol="B"))
    outputs = (Port("y", "(batch, columns)", symbol="Y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        a, b = values["a"], values["b"]
        if a.rank >= 1 and b.rank == 2 and a.shape[-1] != b.shape[0]:
            fact = f"rows of {a.shape[-1]} numbers meet columns of {b.shape[0]}"
            raise shape_mismatch(
                fact, "The last axis of a and the first of b must agree; a transpose may help.", port="b"
            )
        return build.emit("matmul", a, b)


@node_type
class Transpose(ArrayOperation):
    """Rows become columns, or the axes of an array take another order."""

    name, icon = "transpose", "arrow-left-right"
    formula = r"Y = X^\top"
    source = "linear algebra"
    inputs = (Port("x", "(rows, columns)", symbol="X"),)
    outputs = (Port("y", "(columns, rows)", symbol="Y"),)
    axes = Dimensions(
        None, low=0, high=7, help="The axes in their new order, counted from 0; of a matrix it may be left out."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        if self.axes is None:
            return build.emit("transpose", values["x"])
        return reordered(build, values["x"], self.axes)


@node_type
class Concat(ArrayOperation):
    """Sets everything wired to it side by side, in the order of the wires."""

    name, icon, title = "concat", "combine", "side by side"
    formula = r"y = [x_1, x_2, \dots]"
    source = "block vectors"
    inputs = (Port("x", "(batch, features)", symbol="x", many=True, help="As many wires as you like, in their order."),)
    outputs = (Port("y", "(batch, features)", symbol="y"),)
    axis = axis_property("The axis along which they are joined")

    def lower(self, build: Builder, **values: Any) -> Value:
        parts = values["x"]
        if self.axis is None:
            return side_by_side(build, parts)
        return build.emit("concat", *parts, axis=axis_of(parts[0], self.axis))


@node_type
class Split(ArrayOperation):
    """Cuts an axis in two: the first entries, and the rest."""

    name, icon = "split", "split"
    formula = r"[y_1, y_2] = x"
    source = "block vectors"
    outputs = (
        Port("first", "(batch, features)", symbol="y_1"),
        Port("rest", "(batch, features)", symbol="y_2"),
    )
    at = Whole(1, low=1, help="How many entries the first part has.")
    axis = axis_property("The axis that is cut")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        axis = axis_of(x, self.axis)
        length = x.shape[axis]
        if not isinstance(length, int) or self.at >= length:
            raise shape_mismatch(
                f"an axis of {length} entries cannot be cut behind entry {self.at}",
                f"Set “at” to 1 to {length - 1}." if isinstance(length, int) and length > 1 else "Cut another axis.",
                port="x",
            )
        return {
            "first": build.emit("slice", x, axis=axis, start=0, stop=self.at),
            "rest": build.emit("slice", x, axis=axis, start=self.at, stop=length),
        }


@node_type
class Slice(ArrayOperation):
    """Some neighbouring features of each example, or entries of another axis."""

    name, icon = "slice", "scissors"
    formula = r"y_i = x_{a + i}"
    source = "a part of a vector"
    outputs = (Port("y", "(batch, features)", symbol="y"),)
    start = Whole(0, low=0, unit="features", help="The first feature taken, counted from 0.")
    stop = Whole(
        None, low=1, unit="features", help="The first feature no longer taken; to the last where it is not said."
    )
    axis = axis_property("The axis that is cut")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        axis = axis_of(x, self.axis)
        width: Dim = features_of(x) if self.axis is None else x.shape[axis]
        return build.emit("slice", x, axis=axis, start=self.start, stop=width if self.stop is None else self.stop)


@node_type
class Pad(ArrayOperation):
    """Makes an axis longer at its ends: by a number, by the last entry, or by what lies at the other end."""

    name, icon = "pad", "frame"
    formula = r"y = [\,c \dots c,\; x,\; c \dots c\,]"
    source = "Aggarwal 2023, §9.2.1"
    before = Whole(1, low=0, high=4096, unit="entries", help="How many entries are put before.")
    after = Whole(1, low=0, high=4096, unit="entries", help="How many entries are put behind.")
    mode = Choice(
        "constant", ("constant", "edge", "circular"),
        help="What is put there: the number “value”, the entry at the edge, or the entries from the other end.",
    )  # fmt: skip
    value = Real(0.0, symbol="c", help="The number put there, where the mode is “constant”.")
    axis = axis_property("The axis that grows")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        axis = axis_of(x, self.axis)
        parts = [*self._end(build, x, axis, self.before, True), x, *self._end(build, x, axis, self.after, False)]
        return build.emit("concat", *parts, axis=axis)

    def _end(self, build: Builder, x: Value, axis: int, entries: int, first: bool) -> list[Value]:
        if entries == 0:
            return []
        shape = with_axis(x, axis, entries)
        if self.mode == "constant":
            return [build.emit("broadcast", build.setting("value", self.value), shape=shape)]
        length = x.shape[axis]
        if not isinstance(length, int):
            raise shape_mismatch("the batch cannot be padded from its own examples", "Choose another axis.", port="x")
        if self.mode == "edge":
            start = 0 if first else length - 1
            return [
                build.emit("broadcast", build.emit("slice", x, axis=axis, start=start, stop=start + 1), shape=shape)
            ]
        if entries > length:
            raise shape_mismatch(
                f"{entries} entries from the other end are asked for, and there are {length}", "Put fewer.", port="x"
            )
        start = length - entries if first else 0
        return [build.emit("slice", x, axis=axis, start=start, stop=start + entries)]


@node_type
class Tile(ArrayOperation):
    """Repeats an axis: the whole of it over and over, or each entry several times."""

    name, icon = "tile", "layout-grid"
    formula = r"y = [x, x, \dots]"
    source = "repetition"
    times = Whole(2, low=1, high=4096, unit="copies", help="How many copies there are in the end.")
    each = Choice("whole", ("whole", "entry"), help="The whole axis over and over (1 2 1 2), or each entry (1 1 2 2).")
    axis = axis_property("The axis that is repeated")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        axis = axis_of(x, self.axis)
        length = x.shape[axis]
        if not isinstance(length, int):
            raise shape_mismatch("the batch cannot be repeated", "Choose another axis, or larger batches.", port="x")
        lone, copies = (
            ((1, length), (self.times, length)) if self.each == "whole" else ((length, 1), (length, self.times))
        )
        apart = build.emit("reshape", x, shape=with_axis(x, axis, *lone))
        copied = build.emit("broadcast", apart, shape=with_axis(x, axis, *copies))
        return build.emit("reshape", copied, shape=with_axis(x, axis, length * self.times))


@node_type
class Reshape(ArrayOperation):
    """The same numbers in another shape; the batch stays as it is."""

    name, icon = "reshape", "table-2"
    formula = r"y = x"
    source = "the same numbers in another shape"
    shape = Dimensions(None, help="Shape of one example; one flat row where it is not said.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        lead, example = example_of(x)
        shape = self.shape
        if shape is None:
            entries = 1
            for length in example:
                if not isinstance(length, int):
                    raise shape_mismatch(f"{shape_text(x.shape)} cannot be laid out as one row", port="x")
                entries *= length
            shape = (entries,)
        return build.emit("reshape", x, shape=(*lead, *shape))


@node_type
class StopGradient(ArrayOperation):
    """Lets values through and stops derivatives: what lies behind it does not learn through it."""

    name, icon, title = "stop_gradient", "circle-slash", "stop gradient"
    formula = r"y = x,\quad \frac{\partial y}{\partial x} := 0"
    source = "Aggarwal 2023, §11.4"

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit("stop_gradient", values["x"])
