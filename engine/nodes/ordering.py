"""Which come first, which are taken: sorting, largest entries, rows of a table by their numbers, running sums."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.arrays import ArrayOperation
from engine.nodes.base import Choice, Flag, Port, Whole, node_type
from engine.nodes.layers import features_of
from engine.nodes.rows import along, axis_of, axis_property
from engine.problems import ShapeMismatch, shape_mismatch
from engine.program import Builder
from engine.values import Value

ROWS = Port("x", "(batch, features)", symbol="x")
INDEX = Port("index", "(batch)", kind="index", symbol="i", help="Counted from 0.")


def whole_numbers(build: Builder, value: Value) -> Value:
    """Class or row numbers as they are; real numbers are rounded to the nearest."""
    return value if value.kind == "whole" else build.emit("to_whole", value)


@node_type
class TopK(ArrayOperation):
    """The largest features of each example, the largest first; of equal ones the first."""

    name, icon, title = "top_k", "list", "top k"
    formula = r"y_1 \geq y_2 \geq \dots \geq y_k"
    source = "Aggarwal 2023, §10.5"
    inputs = (ROWS,)
    outputs = (
        Port("y", "(batch, k)", symbol="y"),
        Port("index", "(batch, k)", kind="index", symbol="i", help="Where they stood, counted from 0."),
    )
    k = Whole(1, low=1, high=65536, unit="features", help="How many are taken.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        features_of(x)
        index = build.emit("order", x, keep=self.k)
        return {"y": build.emit("take_along", x, index), "index": index}


@node_type
class Sort(ArrayOperation):
    """The features of each example by their size; of equal ones the first comes first."""

    name, icon = "sort", "arrow-up"
    formula = r"y_1 \leq y_2 \leq \dots"
    source = "order statistics"
    inputs = (ROWS,)
    outputs = (
        Port("y", "(batch, features)", symbol="y"),
        Port("index", "(batch, features)", kind="index", symbol="i", help="Where they stood, counted from 0."),
    )
    order = Choice("ascending", ("ascending", "descending"), help="The smallest or the largest first.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        x = values["x"]
        features_of(x)
        index = build.emit("order", x, largest=self.order == "descending")
        return {"y": build.emit("take_along", x, index), "index": index}


class Winner(ArrayOperation):
    """The place of one feature of each example."""

    inputs: ClassVar[tuple[Port, ...]] = (ROWS,)
    outputs: ClassVar[tuple[Port, ...]] = (INDEX,)


@node_type
class Argmax(Winner):
    """Which feature of each example is the largest; of equal ones the first. No derivative passes."""

    name, icon = "argmax", "arrow-up"
    formula = r"i = \arg\max_j x_j"
    source = "Aggarwal 2023, §3.3.1"

    def lower(self, build: Builder, **values: Any) -> Value:
        features_of(values["x"])
        return build.emit("argmax", values["x"])


@node_type
class Argmin(Winner):
    """Which feature of each example is the smallest; of equal ones the first. No derivative passes."""

    name, icon = "argmin", "arrow-down"
    formula = r"i = \arg\min_j x_j"
    source = "Aggarwal 2023, §12.6"

    def lower(self, build: Builder, **values: Any) -> Value:
        features_of(values["x"])
        return build.emit("argmax", -values["x"])


@node_type
class Gather(ArrayOperation):
    """Rows of a table by their numbers; no such row is no number."""

    name, icon = "gather", "table"
    formula = r"y_i = X_{r_i}"
    source = "Aggarwal 2023, eq. 3.43"
    inputs = (
        Port("table", "(rows, features)", symbol="X"),
        Port("rows", "(batch)", kind="index", symbol="r", help="Row numbers from 0; real numbers are rounded."),
    )
    outputs = (Port("y", "(batch, features)", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        try:
            return build.emit("gather_rows", values["table"], whole_numbers(build, values["rows"]))
        except ShapeMismatch as error:
            raise error.at(port="table") from None


@node_type
class ScatterAdd(ArrayOperation):
    """Adds rows into a table of zeros at the numbers given; rows of one number are added up, others fall away."""

    name, icon, title = "scatter_add", "table-2", "scatter-add"
    formula = r"Y_r = \sum_{i : r_i = r} x_i"
    source = "what a gather sends back: Aggarwal 2023, §3.5"
    inputs = (
        Port("x", "(batch, features)", symbol="x"),
        Port("rows", "(batch)", kind="index", symbol="r", help="Row numbers from 0; real numbers are rounded."),
    )
    outputs = (Port("y", "(length, features)", symbol="Y"),)
    length = Whole(4, low=1, high=10**6, unit="rows", help="How many rows the table has.")

    def lower(self, build: Builder, **values: Any) -> Value:
        try:
            return build.emit("scatter_rows", values["x"], whole_numbers(build, values["rows"]), length=self.length)
        except ShapeMismatch as error:
            raise error.at(port="rows") from None


@node_type
class OneHot(ArrayOperation):
    """A column for each class: 1 in the one named, 0 in the others; no such class is no number."""

    name, icon, title = "one_hot", "binary", "one-hot"
    formula = r"y_j = [\,j = c\,]"
    source = "Aggarwal 2023, §1.6"
    inputs = (Port("c", "(batch)", kind="index", symbol="c", help="Class numbers from 0; real numbers are rounded."),)
    outputs = (Port("y", "(batch, classes)", symbol="y"),)
    classes = Whole(10, low=1, high=65536, unit="classes", help="How many columns there are.")

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit("one_hot", whole_numbers(build, values["c"]), classes=self.classes)


@node_type
class AsNumbers(ArrayOperation):
    """Class or row numbers as numbers to calculate with; no derivative passes."""

    name, icon, title = "to_real", "hash", "as numbers"
    formula = r"y = i"
    source = "class numbers as numbers"
    inputs = (Port("index", "(batch)", kind="index", symbol="i"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        try:
            return build.emit("to_real", values["index"])
        except ShapeMismatch as error:
            raise error.at(port="index") from None


@node_type
class CumulativeSum(ArrayOperation):
    """Running sums along an axis: each entry and all before it."""

    name, icon, title = "cumulative_sum", "trending-up", "cumulative sum"
    formula = r"y_i = \sum_{j \leq i} x_j"
    source = "Aggarwal 2023, §11.3: a return without discount, run from the end"
    inputs = (ROWS,)
    outputs = (Port("y", "(batch, features)", symbol="y"),)
    reverse = Flag(False, help="Whether it runs from the end: each entry and all behind it.")
    exclusive = Flag(False, help="Whether an entry is left out of its own sum.")
    axis = axis_property("The axis it runs along")

    def lower(self, build: Builder, **values: Any) -> Value:
        x = values["x"]
        axis = axis_of(x, self.axis)
        if not isinstance(x.shape[axis], int):
            raise shape_mismatch(
                "a sum that runs over the batch would mix its examples", "Choose another axis.", port="x"
            )
        flags = {name: True for name in ("reverse", "exclusive") if getattr(self, name)}
        return along(build, x, axis, lambda rows: build.emit("cumulative_sum", rows, **flags))
