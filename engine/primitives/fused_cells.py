"""What the fusing pass puts in place of a step of a recurrent cell: its sums, bent or not, and the gates of an LSTM cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.activations import sigmoid_of, tanh_of
from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    Variant,
    kernel,
    real,
    register,
    rows_of_result,
)
from engine.primitives.fused import bend_variant, bent, linear_body, linear_encode, linear_shape
from engine.primitives.products import matmul_encode, matmul_shape
from engine.values import Shape, Value

BEND = 0  # compiled in: what bends the sums, by its place in `BENDS`
CARRIED = SENT = 0  # compiled in: 1 where a later step's slope comes in; where one goes out to the step before


def onto_shape(begin: Value, a: Value, b: Value, **attributes: Any) -> Shape:
    """The shape of the product, and of what it is added to."""
    return matmul_shape(a, b)


def onto_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for a product, and the offset of what it is added to."""
    return (*matmul_encode(operands[1:], result, attributes), operands[0].offset)


@kernel
def matmul_onto_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    columns, depth = instruction[5], instruction[6]
    a_row, a_depth, b_depth, begin = instruction[7], instruction[8], instruction[9], instruction[11]
    for r in range(start, stop):
        row, out = a + r * a_row, y + r * columns
        for c in range(columns):
            arena[out + c] = arena[begin + r * columns + c]
        for k in range(depth):
            x, line = arena[row + k * a_depth], b + k * b_depth
            for c in range(columns):
                arena[out + c] = arena[out + c] + x * arena[line + c]
        if BEND > 0:
            for c in range(columns):
                arena[out + c] = bent(arena[out + c], BEND)


matmul_onto = register(Primitive(
    name="matmul_onto", formula=r"Y = S + A B", shape=onto_shape, body=matmul_onto_body, encode=onto_encode,
    length=rows_of_result, is_fused=True, source="matmul, add",
))  # fmt: skip


linear_bent = register(Primitive(
    name="linear_bent", formula=r"Y = \varphi(X W + b)", shape=linear_shape, body=linear_body, encode=linear_encode,
    length=rows_of_result, variant=bend_variant, is_fused=True, source="matmul, broadcast, add, tanh or sigmoid",
))  # fmt: skip


matmul_onto_bent = register(Primitive(
    name="matmul_onto_bent", formula=r"Y = \varphi(S + A B)", shape=onto_shape, body=matmul_onto_body,
    encode=onto_encode, length=rows_of_result, variant=bend_variant, is_fused=True,
    source="matmul, add, tanh or sigmoid",
))  # fmt: skip


def cell_shape(x: Value, weight: Value, bias: Value, h: Value, recurrent: Value, **attributes: Any) -> Shape:
    """(batch, units): that of h by its weights."""
    return matmul_shape(h, recurrent)


def cell_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """As for the product of h and its weights, then the bias, x, its weights, how many features x has, the step of its rows.

    In place of x its whole sequence may be there, with so many entries of each example `before` those that are read.
    """
    x, weight, bias, h, recurrent = operands
    product = matmul_encode([h, recurrent], result, attributes)
    begin = x.offset + attributes.get("before", 0)
    return (*product, bias.offset, begin, weight.offset, weight.shape[0], x.size // x.shape[0])


@kernel
def cell_sums_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    h, u, y = instruction[1], instruction[2], instruction[3]
    columns, depth, h_row, u_depth = instruction[5], instruction[6], instruction[7], instruction[9]
    bias, x, w, features = instruction[11], instruction[12], instruction[13], instruction[14]
    x_row = instruction[15]
    for r in range(start, stop):
        out = y + r * columns
        for c in range(columns):
            arena[out + c] = arena[bias + c]
        for k in range(features):
            number, line = arena[x + r * x_row + k], w + k * columns
            for c in range(columns):
                arena[out + c] = arena[out + c] + number * arena[line + c]
        for k in range(depth):
            number, line = arena[h + r * h_row + k], u + k * u_depth
            for c in range(columns):
                arena[out + c] = arena[out + c] + number * arena[line + c]
        if BEND > 0:
            for c in range(columns):
                arena[out + c] = bent(arena[out + c], BEND)


cell_sums = register(Primitive(
    name="cell_sums", formula=r"Y = \varphi(X W + b + H U)", shape=cell_shape, body=cell_sums_body, encode=cell_encode,
    length=rows_of_result, variant=bend_variant, is_fused=True,
    source="matmul, broadcast, add, matmul, add, tanh or sigmoid or nothing",
))  # fmt: skip


def state_shape(z: Value, before: Value, *written: Value) -> Shape:
    """(batch, units)."""
    return before.shape


def step_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """z, c⁻, then written: i, f, o, candidate, c, tanh c and h; units."""
    return (*[region.offset for region in operands], result.offset, result.shape[-1])


@kernel
def lstm_step_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    units = instruction[10]
    for r in range(start, stop):
        z = instruction[1] + r * 4 * units
        for u in range(units):
            at = r * units + u
            i, f = sigmoid_of(arena[z + u]), sigmoid_of(arena[z + units + u])
            o, candidate = sigmoid_of(arena[z + 2 * units + u]), tanh_of(arena[z + 3 * units + u])
            c = f * arena[instruction[2] + at] + i * candidate
            bent = tanh_of(c)
            arena[instruction[3] + at] = i
            arena[instruction[4] + at] = f
            arena[instruction[5] + at] = o
            arena[instruction[6] + at] = candidate
            arena[instruction[7] + at] = c
            arena[instruction[8] + at] = bent
            arena[instruction[9] + at] = o * bent


lstm_step = register(Primitive(
    name="lstm_step",
    formula=r"h = \sigma(z_o) \odot \tanh\left(\sigma(z_f) \odot c^{-} + \sigma(z_i) \odot \tanh z_c\right)",
    shape=state_shape, body=lstm_step_body, encode=step_encode, length=rows_of_result, is_fused=True,
    source="slice, sigmoid, tanh, multiply, add",
))  # fmt: skip


def step_gradient_shape(dh: Value, *others: Value, carried: bool, sent: bool) -> Shape:
    """(batch, 4 · units)."""
    units = dh.shape[-1]
    assert isinstance(units, int), "a state has a width"
    return (*dh.shape[:-1], 4 * units)


def step_gradient_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """dh, i, f, o, candidate, c⁻, tanh c, dz (written), units, dc of the next step (0: none), dc⁻ (written; 0: none)."""
    known = [region.offset for region in operands[:7]]
    more = [region.offset for region in operands[7:]]
    carried = more.pop(0) if attributes["carried"] else 0
    sent = more.pop(0) if attributes["sent"] else 0
    return (*known, result.offset, operands[0].shape[-1], carried, sent)


def step_gradient_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Which neighbours in time there are is compiled in."""
    return (("CARRIED", int(attributes["carried"])), ("SENT", int(attributes["sent"])))


@kernel
def lstm_step_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    units = instruction[9]
    for r in range(start, stop):
        z = instruction[8] + r * 4 * units
        for u in range(units):
            at = r * units + u
            dh, i, f = arena[instruction[1] + at], arena[instruction[2] + at], arena[instruction[3] + at]
            o, candidate = arena[instruction[4] + at], arena[instruction[5] + at]
            before, bent = arena[instruction[6] + at], arena[instruction[7] + at]
            dc = dh * o * (real(1) - bent * bent)
            if CARRIED:
                dc = arena[instruction[10] + at] + dc
            arena[z + u] = dc * candidate * (i * (real(1) - i))
            arena[z + units + u] = dc * before * (f * (real(1) - f))
            arena[z + 2 * units + u] = dh * bent * (o * (real(1) - o))
            arena[z + 3 * units + u] = dc * i * (real(1) - candidate * candidate)
            if SENT:
                arena[instruction[11] + at] = dc * f


lstm_step_gradient = register(Primitive(
    name="lstm_step_gradient",
    formula=r"\mathrm{d}c = \mathrm{d}c^{+} f^{+} + \mathrm{d}h\,o\,(1 - \tanh^2 c),\quad"
    r" \mathrm{d}z_i = \mathrm{d}c\,\tilde c\,i(1 - i),\; \dots",
    shape=step_gradient_shape, body=lstm_step_gradient_body, encode=step_gradient_encode, length=rows_of_result,
    variant=step_gradient_variant, is_fused=True, source="multiply, subtract, total, place",
))  # fmt: skip
