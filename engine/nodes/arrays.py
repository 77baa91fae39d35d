"""Operations on whole arrays: products of matrices, sums over axes, parts, and what is set side by side."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, Dimensions, NodeType, Port, Whole, node_type
from engine.nodes.layers import features_of, side_by_side
from engine.problems import shape_mismatch
from engine.program import Batch, Builder, Value, shape_text

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

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        if self.over == "features":
            features_of(x)
            return build.emit(self.name, x, axes=(x.rank - 1,), keep=True)
        if x.rank == 0:
            raise shape_mismatch("a single number has nothing to go over", "Wire it on without this node.", port="x")
        return build.emit(self.name, x, axes=tuple(range(x.rank)))


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
class Max(Reduction):
    """The largest feature of each example, or of everything; of equal ones the first takes the derivative."""

    name, icon, title = "max", "maximize-2", "largest"
    formula = r"y = \max_i x_i"
    source = "Aggarwal 2023, §2.4.3"


@node_type
class Min(Reduction):
    """The smallest feature of each example, or of everything; of equal ones the first takes the derivative."""

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
    """Rows become columns."""

    name, icon = "transpose", "arrow-left-right"
    formula = r"Y = X^\top"
    source = "linear algebra"
    inputs = (Port("x", "(rows, columns)", symbol="X"),)
    outputs = (Port("y", "(columns, rows)", symbol="Y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit("transpose", values["x"])


@node_type
class Concat(ArrayOperation):
    """Sets the features of everything wired to it side by side, in the order of the wires."""

    name, icon, title = "concat", "combine", "side by side"
    formula = r"y = [x_1, x_2, \dots]"
    source = "block vectors"
    inputs = (Port("x", "(batch, features)", symbol="x", many=True, help="As many wires as you like, in their order."),)
    outputs = (Port("y", "(batch, features)", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return side_by_side(build, values["x"])


@node_type
class Slice(ArrayOperation):
    """Some neighbouring features of each example."""

    name, icon = "slice", "scissors"
    formula = r"y_i = x_{a + i}"
    source = "a part of a vector"
    outputs = (Port("y", "(batch, features)", symbol="y"),)
    start = Whole(0, low=0, unit="features", help="The first feature taken, counted from 0.")
    stop = Whole(
        None, low=1, unit="features", help="The first feature no longer taken; to the last where it is not said."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        width = features_of(x)
        return build.emit("slice", x, axis=x.rank - 1, start=self.start, stop=width if self.stop is None else self.stop)


@node_type
class Reshape(ArrayOperation):
    """The same numbers in another shape; the batch stays as it is."""

    name, icon = "reshape", "table-2"
    formula = r"y = x"
    source = "the same numbers in another shape"
    shape = Dimensions(None, help="Shape of one example; one flat row where it is not said.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        lead = x.shape[:1] if x.rank and isinstance(x.shape[0], Batch) else ()
        shape = self.shape
        if shape is None:
            entries = 1
            for length in x.shape[len(lead) :]:
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
