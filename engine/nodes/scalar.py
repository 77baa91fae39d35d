"""Operations on numbers one by one: arithmetic, elementary functions, larger and smaller."""

from __future__ import annotations

from functools import reduce
from typing import Any, ClassVar

from engine.nodes.base import Choice, NodeType, Port, node_type
from engine.problems import ShapeMismatch
from engine.program import Builder
from engine.values import Value

X, Y = Port("x", symbol="x"), Port("y", symbol="y")
A, B_PORT = Port("a", symbol="a"), Port("b", symbol="b")
MANY = Port("x", symbol="x", many=True, help="As many wires as you like.")


class Operation(NodeType):
    """A primitive of the same name, applied to the inputs in their order."""

    category = "Maths"
    outputs = (Y,)

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit(self.name, *[values[port.name] for port in self.inputs])


def pairwise(build: Builder, name: str, operands: list[Value]) -> Value:
    """Operands combined from left to right. Raises `ShapeMismatch` at the port that takes many wires."""
    try:
        return reduce(lambda first, second: build.emit(name, first, second), operands)
    except ShapeMismatch as error:
        raise error.at(port="x") from None


@node_type
class Add(Operation):
    """The sum of everything wired to it."""

    name, icon = "add", "plus"
    formula = r"y = \sum_i x_i"
    source = "Aggarwal 2023, §2.3.2"
    inputs = (MANY,)

    def lower(self, build: Builder, **values: Any) -> Value:
        addends = values["x"]
        if len(addends) > 2 and len({addend.shape for addend in addends}) == 1:
            return build.emit("total", *addends)
        return pairwise(build, "add", addends)


@node_type
class Subtract(Operation):
    """The first number without the second."""

    name, icon = "subtract", "minus"
    formula = r"y = a - b"
    source = "Aggarwal 2023, §2.3"
    inputs = (A, B_PORT)


@node_type
class Multiply(Operation):
    """The product of everything wired to it, number by number."""

    name, icon = "multiply", "x"
    formula = r"y = \prod_i x_i"
    source = "Aggarwal 2023, §2.3.2"
    inputs = (MANY,)

    def lower(self, build: Builder, **values: Any) -> Value:
        return pairwise(build, "multiply", values["x"])


@node_type
class Divide(Operation):
    """The first number divided by the second."""

    name, icon = "divide", "divide"
    formula = r"y = \frac{a}{b}"
    source = "quotient rule"
    inputs = (A, B_PORT)


@node_type
class Power(Operation):
    """A number to the power of an exponent, which can be dragged or wired."""

    name, icon = "power", "superscript"
    formula = r"y = a^b"
    source = "power rule"
    inputs = (A, Port("exponent", symbol="b", default=2.0, help="Free: the number you set. Wired: from there."))


@node_type
class Square(Operation):
    """A number times itself."""

    name, icon = "square", "superscript"
    formula = r"y = x^2"
    source = "power rule"
    inputs = (X,)

    def lower(self, build: Builder, **values: Any) -> Value:
        return build.emit("multiply", values["x"], values["x"])


@node_type
class Negate(Operation):
    """The number with the other sign."""

    name, icon = "negate", "diff"
    formula = r"y = -x"
    source = "sum rule"
    inputs = (X,)


@node_type
class Exp(Operation):
    """Euler's number to the power of the input."""

    name, icon, title = "exp", "trending-up", "exponential"
    formula = r"y = e^x"
    source = "calculus"
    inputs = (X,)


@node_type
class Log(Operation):
    """The natural logarithm; minus infinity at 0, no number below."""

    name, icon, title = "log", "spline", "logarithm"
    formula = r"y = \ln x"
    source = "calculus"
    inputs = (X,)


@node_type
class Sqrt(Operation):
    """The square root; no number below 0."""

    name, icon, title = "sqrt", "radical", "square root"
    formula = r"y = \sqrt{x}"
    source = "calculus"
    inputs = (X,)


@node_type
class Sin(Operation):
    """The sine of an angle in radians."""

    name, icon, title = "sin", "waves", "sine"
    formula = r"y = \sin x"
    source = "calculus"
    inputs = (X,)


@node_type
class Cos(Operation):
    """The cosine of an angle in radians."""

    name, icon, title = "cos", "waves", "cosine"
    formula = r"y = \cos x"
    source = "calculus"
    inputs = (X,)


@node_type
class Erf(Operation):
    """The error function: from −1 to 1, twice the area under a bell from 0 to the input."""

    name, icon, title = "erf", "chart-spline", "error function"
    formula = r"y = \mathrm{erf}\,x"
    source = "Abramowitz & Stegun 1964, 7.1.1"
    inputs = (X,)


@node_type
class Absolute(Operation):
    """The size of a number without its sign; its slope at 0 is taken as 0."""

    name, icon, title = "absolute", "flip-horizontal-2", "absolute value"
    formula = r"y = |x|"
    source = "calculus"
    inputs = (X,)


TIES = Choice(
    "first",
    ("first", "shared"),
    help="Of equal numbers the first takes the whole derivative, or all take equal shares.",
)


class Extreme(Operation):
    """One of two numbers, by their size."""

    inputs: ClassVar[tuple[Port, ...]] = (
        A, Port("b", symbol="b", default=0.0, help="Free: the number you set. Wired: from there."),
    )  # fmt: skip
    ties = TIES

    def lower(self, build: Builder, **values: Any) -> Value:
        shared = {"ties": "shared"} if self.ties == "shared" else {}
        return build.emit(self.name, values["a"], values["b"], **shared)


@node_type
class Maximum(Extreme):
    """The larger of two numbers."""

    name, icon = "maximum", "maximize-2"
    formula = r"y = \max(a, b)"
    source = "Aggarwal 2023, §2.4.3"


@node_type
class Minimum(Extreme):
    """The smaller of two numbers."""

    name, icon = "minimum", "minimize-2"
    formula = r"y = \min(a, b)"
    source = "Aggarwal 2023, §2.4.3"
