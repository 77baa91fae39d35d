"""Vectors against vectors: inner and outer products, lengths, distances, angles, and many matrices at once."""

from __future__ import annotations

from typing import Any

from engine.nodes.arrays import ArrayOperation
from engine.nodes.base import Choice, Flag, Port, Real, node_type
from engine.nodes.layers import features_of
from engine.nodes.rows import in_one_row
from engine.problems import ShapeMismatch, shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

A, B_PORT = Port("a", "(batch, features)", symbol="a"), Port("b", "(batch, features)", symbol="b")
ONE_EACH = Port(
    "y", "(batch, 1) or ()", symbol="y", help="One number for each example; of two lone vectors a single one."
)
NORMS = ("l2", "l1", "squared", "max")
DISTANCES = {"euclidean": "l2", "manhattan": "l1", "squared_euclidean": "squared", "chebyshev": "max"}


def length_of(build: Builder, x: Value, kind: str) -> Value:
    """A norm of each row, in an axis of 1."""
    last = (x.rank - 1,)
    if kind == "l2":
        return build.emit("norm", x)
    if kind == "squared":
        return build.emit("sum", x * x, axes=last, keep=True)
    return build.emit("sum" if kind == "l1" else "max", build.emit("absolute", x), axes=last, keep=True)


def one_each(build: Builder, y: Value) -> Value:
    """One number for each example as it is, (…, 1); that of lone vectors, (1), as the single number it is."""
    return build.emit("reshape", y, shape=()) if y.rank == 1 else y


def paired(build: Builder, name: str, values: dict[str, Any]) -> Value:
    """Two operands with features, combined number by number. Raises `ShapeMismatch` at the second port."""
    for port in ("a", "b"):
        try:
            features_of(values[port])
        except ShapeMismatch as error:
            raise error.at(port=port) from None
    try:
        return build.emit(name, values["a"], values["b"])
    except ShapeMismatch as error:
        raise error.at(port="b") from None


@node_type
class Dot(ArrayOperation):
    """The inner product of two vectors: how far they agree."""

    name, icon, title = "dot", "circle-dot", "dot product"
    formula = r"y = \sum_i a_i b_i"
    source = "Aggarwal 2023, §3.5"
    inputs, outputs = (A, B_PORT), (ONE_EACH,)

    def lower(self, build: Builder, **values: Any) -> Value:
        product = paired(build, "multiply", values)
        return build.emit("sum", product, axes=(product.rank - 1,), keep=product.rank > 1)


@node_type
class Outer(ArrayOperation):
    """Every number of one vector times every number of the other."""

    name, icon, title = "outer", "grid-2x2", "outer product"
    formula = r"Y = a\,b^\top"
    source = "linear algebra"
    inputs = (A, Port("b", "(batch, columns)", symbol="b"))
    outputs = (Port("y", "(batch, features, columns)", symbol="Y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        a, b = values["a"], values["b"]
        if a.rank < 1 or b.rank < 1 or a.shape[:-1] != b.shape[:-1]:
            raise shape_mismatch(
                f"vectors {shape_text(a.shape)} and {shape_text(b.shape)} have no outer product",
                "All but their last axes must agree.", port="b",
            )  # fmt: skip
        column = build.emit("reshape", a, shape=(*a.shape, 1))
        return column * build.emit("reshape", b, shape=(*b.shape[:-1], 1, b.shape[-1]))


@node_type
class BatchedMatmul(ArrayOperation):
    """A product of two matrices for each example: queries by keys, weights by values."""

    name, icon, title = "batched_matmul", "square-stack", "batched matrix product"
    formula = r"Y_n = A_n B_n"
    source = "Aggarwal 2023, §12.2.5.2"
    inputs = (Port("a", "(batch, rows, depth)", symbol="A"), Port("b", "(batch, depth, columns)", symbol="B"))
    outputs = (Port("y", "(batch, rows, columns)", symbol="Y"),)
    transpose_a = Flag(False, help="Whether the first matrices are turned: columns for rows.")
    transpose_b = Flag(False, help="Whether the second matrices are turned: columns for rows.")

    def lower(self, build: Builder, **values: Any) -> Value:
        flags = {name: True for name in ("transpose_a", "transpose_b") if getattr(self, name)}
        try:
            return build.emit("batch_matmul", values["a"], values["b"], **flags)
        except ShapeMismatch as error:
            raise error.at(port="b") from None


@node_type
class Norm(ArrayOperation):
    """How long a vector is; at the zero vector its slope is taken as 0."""

    name, icon = "norm", "move-diagonal"
    formula = r"y = \lVert x \rVert"
    source = "Aggarwal 2023, §5.4; Euclidean, sum, squared and largest"
    inputs = (Port("x", "(batch, features)", symbol="x"),)
    outputs = (Port("y", "(batch, 1) or ()", symbol="y"),)
    kind = Choice(
        "l2", NORMS, help="Root of the sum of squares, sum of sizes, sum of squares without the root, or largest size."
    )
    over = Choice("features", ("features", "all"), help="Of the features of each example, or of everything there is.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        if self.over == "all":
            return build.emit("reshape", length_of(build, in_one_row(build, x), self.kind), shape=())
        features_of(x)
        return length_of(build, x, self.kind)


@node_type
class Normalise(ArrayOperation):
    """Divides the features of each example by their length or by their sum."""

    name, icon = "normalise", "scale"
    formula = r"y = \frac{x}{\lVert x \rVert}"
    source = "Aggarwal 2023, §6, exercise 12"
    inputs = (Port("x", "(batch, features)", symbol="x"),)
    outputs = (Port("y", "(batch, features)", symbol="y"),)
    kind = Choice("l2", ("l2", "l1", "max", "sum"), help="What they are divided by: a norm, or their plain sum.")
    epsilon = Real(
        1e-12, low=0.0, high=1.0, symbol=r"\varepsilon",
        help="The least length divided by: it keeps the zero vector at 0. A plain sum is divided by as it is.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        features_of(x)
        if self.kind == "sum":
            return x / build.emit("sum", x, axes=(x.rank - 1,), keep=True)
        least = build.setting("epsilon", self.epsilon)
        return x / build.emit("maximum", length_of(build, x, self.kind), least)


@node_type
class Distance(ArrayOperation):
    """How far two vectors are apart; where they meet its slope is taken as 0."""

    name, icon = "distance", "route"
    formula = r"y = \lVert a - b \rVert"
    source = "Aggarwal 2023, §6.2 and §12.6"
    inputs, outputs = (A, B_PORT), (ONE_EACH,)
    kind = Choice(
        "euclidean", tuple(DISTANCES),
        help="Straight line, sum along the axes, square of the straight line, or largest along one axis.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        return one_each(build, length_of(build, paired(build, "subtract", values), DISTANCES[self.kind]))


@node_type
class Cosine(ArrayOperation):
    """The cosine of the angle between two vectors: 1 where they point the same way, 0 at a right angle."""

    name, icon, title = "cosine", "tangent", "cosine similarity"
    formula = r"y = \frac{a \cdot b}{\lVert a \rVert \lVert b \rVert}"
    source = "Aggarwal 2023, eq. 12.14"
    inputs, outputs = (A, B_PORT), (ONE_EACH,)
    form = Choice("similarity", ("similarity", "distance"), help="The cosine itself, or 1 minus the cosine.")
    epsilon = Real(
        1e-8, low=0.0, high=1.0, symbol=r"\varepsilon",
        help="The least product of lengths divided by: with a zero vector the cosine is 0.",
    )  # fmt: skip

    def lower(self, build: Builder, **values: Any) -> Value:
        product = paired(build, "multiply", values)
        agreement = build.emit("sum", product, axes=(product.rank - 1,), keep=True)
        lengths = build.emit("norm", values["a"]) * build.emit("norm", values["b"])
        cosine = agreement / build.emit("maximum", lengths, build.setting("epsilon", self.epsilon))
        return one_each(build, 1 - cosine if self.form == "distance" else cosine)
