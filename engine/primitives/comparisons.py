"""Operations that compare: sign, absolute value, larger and smaller of two, 1 or 0 for a statement, a choice by it."""

from __future__ import annotations

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    joint,
    kernel,
    no_derivative,
    real,
    register,
    same,
    steps,
)
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

STEP_A = STEP_B = STEP_C = 1  # compiled in: 0 where the operand is a single number
BENT = Interval(-3, 3, (0.0,))
APART = (Interval(ties=True), Interval(ties=True))


@kernel
def sign_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        result = real(1) if v > real(0) else (real(-1) if v < real(0) else v * real(0))
        arena[y + i] = result


sign = register(Primitive(
    name="sign", formula=r"y = \mathrm{sign}\,x", shape=same, body=sign_body, derivative=no_derivative,
    domain=Interval(-3, 3, (0.0,)), source="Aggarwal 2023, eq. 1.1",
    convention="0 at x = 0 (the text leaves it open), and slope 0 there",
))  # fmt: skip


@kernel
def absolute_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y = instruction[1], instruction[2]
    for i in range(start, stop):
        v = arena[x + i]
        arena[y + i] = -v if v < real(0) else v


def absolute_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy * x.program.build.emit("sign", x)]


absolute = register(Primitive(
    name="absolute", formula=r"y = |x|", shape=same, body=absolute_body, derivative=absolute_derivative,
    domain=Interval(-3, 3, (0.0,)), source="calculus", convention="slope 0 at x = 0",
))  # fmt: skip


@kernel
def maximum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        u, v = arena[a + i * STEP_A], arena[b + i * STEP_B]
        larger = u if u >= v else v
        arena[y + i] = larger if u == u else u


def maximum_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    first = dy * first_wins(a, b, y)
    return [first, dy - first]


def first_wins(larger: Value, smaller: Value, y: Value) -> Value:
    """1 where the derivative is the first operand's, 0 where it is the second's; ½ where ties are shared."""
    emit, wins = larger.program.build.emit, larger.program.build.emit("at_least", larger, smaller)
    if y.call is None or y.call.attributes.get("ties", "first") == "first":
        return wins
    return 0.5 * (wins + emit("greater", larger, smaller))


maximum = register(Primitive(
    name="maximum", formula=r"y = \max(a, b)", shape=joint, body=maximum_body, derivative=maximum_derivative,
    variant=steps, is_elementwise=True, domain=APART, source="Aggarwal 2023, §2.4.3",
    convention="of two equal numbers the first is taken; with shared ties each half of the derivative",
))  # fmt: skip


@kernel
def minimum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        u, v = arena[a + i * STEP_A], arena[b + i * STEP_B]
        smaller = u if u <= v else v
        arena[y + i] = smaller if u == u else u


def minimum_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    first = dy * first_wins(b, a, y)
    return [first, dy - first]


minimum = register(Primitive(
    name="minimum", formula=r"y = \min(a, b)", shape=joint, body=minimum_body, derivative=minimum_derivative,
    variant=steps, is_elementwise=True, domain=APART, source="as the maximum",
    convention="of two equal numbers the first is taken; with shared ties each half of the derivative",
))  # fmt: skip


@kernel
def at_least_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        u, v = arena[a + i * STEP_A], arena[b + i * STEP_B]
        unequal = real(0) if u < v else u + v  # neither less nor at least: one of them is NaN, and so is the sum
        arena[y + i] = real(1) if u >= v else unequal


at_least = register(Primitive(
    name="at_least", formula=r"y = [a \geq b]", shape=joint, body=at_least_body, derivative=no_derivative,
    variant=steps, is_elementwise=True, domain=APART, source="the slope of a maximum", convention="1 for equal numbers",
))  # fmt: skip


@kernel
def greater_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        u, v = arena[a + i * STEP_A], arena[b + i * STEP_B]
        unequal = real(0) if u <= v else u + v
        arena[y + i] = real(1) if u > v else unequal


greater = register(Primitive(
    name="greater", formula=r"y = [a > b]", shape=joint, body=greater_body, derivative=no_derivative,
    variant=steps, is_elementwise=True, domain=APART, source="the slope of a hard tanh",
    convention="0 for equal numbers",
))  # fmt: skip


@kernel
def where_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    c, a, b, y = instruction[1], instruction[2], instruction[3], instruction[4]
    for i in range(start, stop):
        w, u, v = arena[c + i * STEP_A], arena[a + i * STEP_B], arena[b + i * STEP_C]
        chosen = u if w > real(0) else v
        arena[y + i] = chosen if w == w else w


def where_derivative(c: Value, a: Value, b: Value, y: Value, dy: Value) -> list[Value | None]:
    # Chosen again, not multiplied by 0 and 1: an infinite derivative on the way not taken stays out.
    emit = c.program.build.emit
    return [None, emit("where", c, dy, 0.0), emit("where", c, 0.0, dy)]


where = register(Primitive(
    name="where", formula=r"y = a \text{ if } c > 0,\quad b \text{ else}", shape=joint, body=where_body,
    derivative=where_derivative, variant=steps, is_elementwise=True, domain=(BENT, Interval(), Interval()),
    source="definition by cases", convention="b where c = 0; a NaN in what is not chosen stays out",
))  # fmt: skip


@kernel
def equal_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        u, v = arena[a + i * STEP_A], arena[b + i * STEP_B]
        differs = real(0) if u < v or u > v else u + v
        arena[y + i] = real(1) if u == v else differs


equal = register(Primitive(
    name="equal", formula=r"y = [a = b]", shape=joint,
    body=equal_body, variant=steps, is_elementwise=True, domain=APART,
    source="what an accuracy counts", convention="NaN where an operand is NaN; it measures, it has no derivative",
))  # fmt: skip


@kernel
def equal_whole_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    for i in range(start, stop):
        arena[y + i] = real(1) if integers[a + i] == integers[b + i] else real(0)


def class_shape(a: Value, b: Value) -> Shape:
    """Class numbers of one shape."""
    if a.shape != b.shape or a.kind != "whole" or b.kind != "whole":
        raise shape_mismatch(
            f"{shape_text(a.shape)} class numbers meet {shape_text(b.shape)}", "Give class numbers of one shape."
        )
    return a.shape


equal_whole = register(Primitive(
    name="equal_whole", formula=r"y = [a = b]", shape=class_shape, body=equal_whole_body,
    source="what an accuracy counts", convention="of class numbers; it measures, it has no derivative",
))  # fmt: skip
