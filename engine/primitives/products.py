"""Products of matrices, and the transpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    Variant,
    kernel,
    need_real,
    real,
    register,
    rows_of_result,
)
from engine.problems import shape_mismatch
from engine.values import Shape, Value, count, shape_text

TRANSPOSE_A = TRANSPOSE_B = 0  # compiled in


def matmul_shape(a: Value, b: Value, transpose_a: bool = False, transpose_b: bool = False) -> Shape:
    """(rows…, depth) by (depth, columns): all but the last axis of `a` are rows."""
    need_real(a, b)
    if b.rank != 2 or a.rank < 1 or ((transpose_a or transpose_b) and a.rank != 2):
        raise shape_mismatch(f"a product needs matrices, not {shape_text(a.shape)} and {shape_text(b.shape)}")
    a_shape = (a.shape[1], a.shape[0]) if transpose_a else a.shape
    depth, columns = (b.shape[1], b.shape[0]) if transpose_b else b.shape
    if a_shape[-1] != depth:
        raise shape_mismatch(f"{a_shape[-1]} features meet a layer for {depth}", f"Give it {depth} features.")
    return (*a_shape[:-1], columns)


def matmul_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """a, b, y, rows, columns, depth, then the steps of a (row, depth) and of b (depth, column)."""
    a, b = operands
    columns = result.shape[-1]
    rows = result.size // max(1, columns)
    if attributes.get("transpose_a"):
        depth, a_row, a_depth = a.shape[0], 1, a.shape[1]
    else:
        depth, a_row, a_depth = a.shape[-1], a.shape[-1], 1
    b_depth, b_column = (1, b.shape[1]) if attributes.get("transpose_b") else (b.shape[1], 1)
    return (a.offset, b.offset, result.offset, rows, columns, depth, a_row, a_depth, b_depth, b_column)


def matmul_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """Steps of 1 are compiled in: only loops over neighbours vectorise."""
    names = ("transpose_a", "transpose_b")
    return tuple([(name.upper(), 1) for name in names if attributes.get(name)])


@kernel
def matmul_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    columns, depth = instruction[5], instruction[6]
    a_row, a_depth = (1, instruction[8]) if TRANSPOSE_A else (instruction[7], 1)
    for r in range(start, stop):
        row, out = a + r * a_row, y + r * columns
        if TRANSPOSE_B:
            for c in range(columns):
                total, begin = real(0), b + c * depth
                for k in range(depth):
                    total += arena[row + k * a_depth] * arena[begin + k]
                arena[out + c] = total
        else:
            x = arena[row]
            for c in range(columns):
                arena[out + c] = x * arena[b + c]
            for k in range(1, depth):
                x, begin = arena[row + k * a_depth], b + k * columns
                for c in range(columns):
                    arena[out + c] = arena[out + c] + x * arena[begin + c]


def matmul_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    attributes = y.call.attributes if y.call else {}
    transpose_a, transpose_b = bool(attributes.get("transpose_a")), bool(attributes.get("transpose_b"))
    flat, dy = flattened(a), flattened(dy)
    # Y = A B, so dA = dY Bᵀ and dB = Aᵀ dY; a transposed operand's derivative is the transposed product.
    da = product(b, dy, transpose_b, True) if transpose_a else product(dy, b, False, not transpose_b)
    db = product(dy, flat, True, transpose_a) if transpose_b else product(flat, dy, not transpose_a, False)
    return [da if da.shape == a.shape else a.program.build.emit("reshape", da, shape=a.shape), db]


def product(a: Value, b: Value, transpose_a: bool, transpose_b: bool) -> Value:
    """A product of matrices; only what is transposed is said, so that equal products look equal."""
    flags = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    return a.program.build.emit("matmul", a, b, **{name: True for name, flag in flags.items() if flag})


def flattened(x: Value) -> Value:
    """The same numbers as rows of the last axis."""
    if x.rank == 2:
        return x
    return x.program.build.emit("reshape", x, shape=(count(x.shape[:-1]), x.shape[-1]))


matmul = register(Primitive(
    name="matmul", formula=r"Y = A B", shape=matmul_shape, body=matmul_body, derivative=matmul_derivative,
    encode=matmul_encode, length=rows_of_result, variant=matmul_variant, source="Aggarwal 2023, §2.5.1",
))  # fmt: skip


def transpose_shape(x: Value) -> Shape:
    """The two axes change places."""
    need_real(x)
    if x.rank != 2:
        raise shape_mismatch(f"only a matrix can be transposed, not {shape_text(x.shape)}")
    return (x.shape[1], x.shape[0])


def transpose_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, columns of x (= rows of y), rows of x."""
    return (operands[0].offset, result.offset, operands[0].shape[1], operands[0].shape[0])


@kernel
def transpose_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, columns, rows = instruction[1], instruction[2], instruction[3], instruction[4]
    first = 0
    while first < rows:  # sixteen rows at a time: what one column brings into the cache serves the next ones too
        last = first + 16 if first + 16 < rows else rows
        for c in range(start, stop):
            out, begin = y + c * rows, x + c
            for r in range(first, last):
                arena[out + r] = arena[begin + r * columns]
        first = last


def transpose_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [x.program.build.emit("transpose", dy)]


transpose = register(Primitive(
    name="transpose", formula=r"Y = X^\top", shape=transpose_shape,
    body=transpose_body, derivative=transpose_derivative,
    encode=transpose_encode, length=rows_of_result, source="linear algebra",
))  # fmt: skip
