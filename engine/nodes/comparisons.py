"""Statements about numbers: 1 where they hold, 0 where they do not, and a choice by them."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import NodeType, Port, node_type
from engine.program import Builder
from engine.values import Value

FREE = "Free: the number you set. Wired: from there."


class Comparison(NodeType):
    """1 where a statement about two numbers holds, else 0; no derivative passes. Class numbers count as numbers."""

    category = "Comparisons"
    inputs: ClassVar[tuple[Port, ...]] = (Port("a", symbol="a"), Port("b", symbol="b", default=0.0, help=FREE))
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        a, b = [x if x.kind == "real" else build.emit("to_real", x) for x in (values["a"], values["b"])]
        return self.compare(build, a, b)

    def compare(self, build: Builder, a: Value, b: Value) -> Value:
        """The statement, as 1 or 0."""
        return build.emit(self.name, a, b)


@node_type
class Greater(Comparison):
    """1 where the first number is larger than the second, else 0."""

    name, icon = "greater", "chevron-right"
    formula = r"y = [\,a > b\,]"
    source = "Aggarwal 2023, eq. 3.15: an indicator"


@node_type
class AtLeast(Comparison):
    """1 where the first number is at least as large as the second, else 0."""

    name, icon, title = "at_least", "chevrons-right", "at least"
    formula = r"y = [\,a \geq b\,]"
    source = "Aggarwal 2023, eq. 3.15: an indicator"


@node_type
class Less(Comparison):
    """1 where the first number is smaller than the second, else 0."""

    name, icon = "less", "chevron-left"
    formula = r"y = [\,a < b\,]"
    source = "Aggarwal 2023, eq. 3.15: an indicator"

    def compare(self, build: Builder, a: Value, b: Value) -> Value:
        return build.emit("greater", b, a)


@node_type
class AtMost(Comparison):
    """1 where the first number is at most as large as the second, else 0."""

    name, icon, title = "at_most", "chevrons-left", "at most"
    formula = r"y = [\,a \leq b\,]"
    source = "Aggarwal 2023, eq. 3.15: an indicator"

    def compare(self, build: Builder, a: Value, b: Value) -> Value:
        return build.emit("at_least", b, a)


@node_type
class Equal(Comparison):
    """1 where two numbers are the same, else 0."""

    name, icon = "equal", "equal"
    formula = r"y = [\,a = b\,]"
    source = "Aggarwal 2023, §1.2: what a count of mistakes asks"

    def compare(self, build: Builder, a: Value, b: Value) -> Value:
        # The primitive only measures and refuses a derivative; as a mask it is a constant.
        return build.emit("stop_gradient", build.emit("equal", a, b))


@node_type
class NotEqual(Equal):
    """1 where two numbers differ, else 0."""

    name, icon, title = "not_equal", "diff", "not equal"
    formula = r"y = [\,a \neq b\,]"

    def compare(self, build: Builder, a: Value, b: Value) -> Value:
        return 1 - super().compare(build, a, b)


@node_type
class Where(NodeType):
    """One of two numbers, chosen by the sign of a third; the derivative goes to the chosen one alone."""

    name, category, icon = "where", "Comparisons", "git-branch"
    formula = r"y = a \text{ if } c > 0,\quad b \text{ else}"
    source = "definition by cases"
    inputs = (
        Port("condition", symbol="c", help="Above 0: the first. 0 or below: the second."),
        Port("a", symbol="a", default=1.0, help=FREE),
        Port("b", symbol="b", default=0.0, help=FREE),
    )
    outputs = (Port("y", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit("where", values["condition"], values["a"], values["b"])
