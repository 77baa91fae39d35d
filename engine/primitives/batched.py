"""Products of many matrices at once, and axes in another order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Primitive,
    Region,
    kernel,
    need_real,
    real,
    register,
    rows_of_result,
)
from engine.primitives.products import matmul_variant
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

TRANSPOSE_A = TRANSPOSE_B = 0  # compiled in


def batch_matmul_shape(a: Value, b: Value, transpose_a: bool = False, transpose_b: bool = False) -> Shape:
    """(…, rows, depth) by (…, depth, columns): a product for each of the matrices."""
    need_real(a, b)
    if a.rank < 3 or a.rank != b.rank or a.shape[:-2] != b.shape[:-2]:
        raise shape_mismatch(
            f"as many matrices are needed on both sides, not {shape_text(a.shape)} and {shape_text(b.shape)}",
            "For one matrix that all share use a matrix product.",
        )
    rows, depth = a.shape[:-3:-1] if transpose_a else a.shape[-2:]
    b_depth, columns = b.shape[:-3:-1] if transpose_b else b.shape[-2:]
    if depth != b_depth:
        raise shape_mismatch(f"rows of {depth} numbers meet columns of {b_depth}", "These two lengths must agree.")
    return (*a.shape[:-2], rows, columns)


def batch_matmul_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """a, b, y, rows, columns, depth of one product; matrices in a group; then of a, b and y the steps from a group to the
    next, from a matrix to the next and from a row to the next."""
    a, b = operands
    apart = attributes.get("apart", "")
    rows, columns = (result.shape[-3] if "y" in apart else result.shape[-2]), result.shape[-1]
    depth = a.shape[-1]
    if attributes.get("transpose_a"):
        depth = a.shape[-3 if "a" in apart else -2]
    group = result.shape[-2] if "y" in apart else result.shape[-3]
    steps = [_steps(region.shape, name in apart) for name, region in (("a", a), ("b", b), ("y", result))]
    return (a.offset, b.offset, result.offset, rows, columns, depth, group, *itertools.chain(*steps))


def _steps(shape: Sequence[int], is_apart: bool) -> tuple[int, int, int]:
    """From a group of matrices to the next, from a matrix to the next, from a row to the next."""
    group, width = math.prod(shape[-3:]), shape[-1]
    return (group, width, shape[-2] * width) if is_apart else (group, shape[-2] * width, width)


@kernel
def batch_matmul_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    rows, columns, depth, group = instruction[4], instruction[5], instruction[6], instruction[7]
    a_row, b_row, step = instruction[10], instruction[13], instruction[10] if TRANSPOSE_A else 1
    for r in range(start, stop):
        matrix, row = r // rows, r % rows
        outer, inner = matrix // group, matrix % group
        a = instruction[1] + outer * instruction[8] + inner * instruction[9] + (row if TRANSPOSE_A else row * a_row)
        b = instruction[2] + outer * instruction[11] + inner * instruction[12]
        out = instruction[3] + outer * instruction[14] + inner * instruction[15] + row * instruction[16]
        if TRANSPOSE_B:
            for block in range(columns // 4):  # four sums at a time: each number of A is read once for all of them
                begin = b + 4 * block * b_row
                t0, t1, t2, t3 = real(0), real(0), real(0), real(0)
                for k in range(depth):
                    x, i = arena[a + k * step], begin + k
                    t0 += x * arena[i]
                    t1 += x * arena[i + b_row]
                    t2 += x * arena[i + 2 * b_row]
                    t3 += x * arena[i + 3 * b_row]
                c = out + 4 * block
                arena[c], arena[c + 1], arena[c + 2], arena[c + 3] = t0, t1, t2, t3
            for c in range(columns - columns % 4, columns):
                total, begin = real(0), b + c * b_row
                for k in range(depth):
                    total += arena[a + k * step] * arena[begin + k]
                arena[out + c] = total
        else:
            for c in range(columns):
                arena[out + c] = real(0)
            for block in range(depth // 4):  # four rows of B for each pass over the result: a third of the traffic
                k, begin = 4 * block, b + 4 * block * b_row
                x0, x1 = arena[a + k * step], arena[a + (k + 1) * step]
                x2, x3 = arena[a + (k + 2) * step], arena[a + (k + 3) * step]
                for c in range(columns):
                    i = begin + c
                    first = x0 * arena[i] + x1 * arena[i + b_row]
                    last = x2 * arena[i + 2 * b_row] + x3 * arena[i + 3 * b_row]
                    arena[out + c] = arena[out + c] + (first + last)
            for k in range(depth - depth % 4, depth):
                x, begin = arena[a + k * step], b + k * b_row
                for c in range(columns):
                    arena[out + c] = arena[out + c] + x * arena[begin + c]


def batch_matmul_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    attributes = y.call.attributes if y.call else {}
    transpose_a, transpose_b = bool(attributes.get("transpose_a")), bool(attributes.get("transpose_b"))
    # Y = A B, so dA = dY Bᵀ and dB = Aᵀ dY; a transposed operand's derivative is the transposed product.
    da = batch_product(b, dy, transpose_b, True) if transpose_a else batch_product(dy, b, False, not transpose_b)
    db = batch_product(dy, a, True, transpose_a) if transpose_b else batch_product(a, dy, not transpose_a, False)
    return [da, db]


def batch_product(a: Value, b: Value, transpose_a: bool, transpose_b: bool) -> Value:
    """A product for each of the matrices; only what is transposed is said, so that equal products look equal."""
    flags = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    return a.program.build.emit("batch_matmul", a, b, **{name: True for name, flag in flags.items() if flag})


batch_matmul = register(Primitive(
    name="batch_matmul", formula=r"Y_n = A_n B_n", shape=batch_matmul_shape, body=batch_matmul_body,
    derivative=batch_matmul_derivative, encode=batch_matmul_encode, length=rows_of_result, variant=matmul_variant,
    source="Aggarwal 2023, §12.2.5.2",
))  # fmt: skip


def swapped(shape: Shape, is_apart: bool) -> Shape:
    """(…, groups, rows, width) of matrices whose rows lie (…, rows, groups, width), and back."""
    return (*shape[:-3], shape[-2], shape[-3], shape[-1]) if is_apart else shape


def apart_shape(a: Value, b: Value, apart: str, transpose_a: bool = False, transpose_b: bool = False) -> Shape:
    """As of a product of matrices whose rows lie together; `apart` names those of a, b and y whose rows do not."""
    *groups, rows, depth = swapped(a.shape, "a" in apart)
    *_, b_rows, b_columns = swapped(b.shape, "b" in apart)
    return swapped((*groups, depth if transpose_a else rows, b_rows if transpose_b else b_columns), "y" in apart)


batch_matmul_apart = register(Primitive(
    name="batch_matmul_apart", formula=r"Y_n = A_n B_n", shape=apart_shape, body=batch_matmul_body,
    encode=batch_matmul_encode, length=rows_of_result, variant=matmul_variant, is_fused=True,
    source="permute, permute, batch_matmul, permute",
    convention="a matrix of each head: their rows lie side by side, those of one step of time together",
))  # fmt: skip


def permute_shape(x: Value, axes: tuple[int, ...]) -> Shape:
    """The axes in the order named, counted from 0."""
    need_real(x)
    if sorted(axes) != list(range(x.rank)):
        raise shape_mismatch(
            f"{', '.join(map(str, axes)) or 'nothing'} is no order of the {x.rank} axes of {shape_text(x.shape)}",
            f"Name each of 0 to {x.rank - 1} once." if x.rank else "A single number has no axes.",
        )
    return tuple([x.shape[axis] for axis in axes])


def permute_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, rank, then per axis of the result its length and the operand's step along it."""
    shape, axes = operands[0].shape, attributes["axes"]
    steps = [math.prod(shape[axis + 1 :]) for axis in axes]
    pairs = zip(result.shape, steps, strict=True) if axes else [(1, 1)]
    return (operands[0].offset, result.offset, max(1, len(axes)), *[number for pair in pairs for number in pair])


@kernel
def permute_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, rank = instruction[1], instruction[2], instruction[3]
    inner, step = instruction[2 + 2 * rank], instruction[3 + 2 * rank]
    rows, between = (instruction[2 * rank], instruction[1 + 2 * rank]) if rank > 1 else (1, 0)
    row = start
    while row < stop:
        rest, begin = row, x
        for before in range(1, rank):
            axis = rank - 1 - before
            length = instruction[4 + 2 * axis]
            begin += (rest % length) * instruction[5 + 2 * axis]
            rest //= length
        out = y + row * inner
        if step == 1:
            for i in range(inner):
                arena[out + i] = arena[begin + i]
            row += 1
        else:
            # Sixteen rows at a time: what one column brings into the cache serves the next ones too.
            some = rows - row % rows
            some = some if some < 16 else 16
            some = some if some < stop - row else stop - row
            for i in range(inner):
                for r in range(some):
                    arena[out + r * inner + i] = arena[begin + r * between + i * step]
            row += some


def permute_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    axes = y.call.attributes["axes"] if y.call else ()
    return [x.program.build.emit("permute", dy, axes=tuple([axes.index(axis) for axis in range(len(axes))]))]


permute = register(Primitive(
    name="permute", formula=r"y_{i_{\pi(1)}, i_{\pi(2)}, \dots} = x_{i_1, i_2, \dots}", shape=permute_shape,
    body=permute_body, derivative=permute_derivative, encode=permute_encode, length=rows_of_result,
    source="the same numbers, their axes in another order",
))  # fmt: skip
