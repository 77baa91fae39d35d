"""Primitives that combine or rearrange whole arrays: products, sums over axes, spreading, views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, real, register, same
from engine.problems import shape_mismatch
from engine.program import Dim, Shape, Value, count, shape_text

# ---- products ---------------------------------------------------------------------------------------------------------


def matmul_shape(a: Value, b: Value, transpose_a: bool = False, transpose_b: bool = False) -> Shape:
    """(rows…, depth) by (depth, columns): all but the last axis of `a` are rows."""
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


def rows_of_result(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in rows of the result."""
    return result.size // max(1, result.shape[-1])


@kernel
def matmul_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    a, b, y = instruction[1], instruction[2], instruction[3]
    columns, depth = instruction[5], instruction[6]
    a_row, a_depth, b_depth, b_column = instruction[7], instruction[8], instruction[9], instruction[10]
    for r in range(start, stop):
        row, out = a + r * a_row, y + r * columns
        for c in range(columns):
            arena[out + c] = real(0)
        for k in range(depth):
            x, begin = arena[row + k * a_depth], b + k * b_depth
            for c in range(columns):
                arena[out + c] = arena[out + c] + x * arena[begin + c * b_column]


def matmul_derivative(a: Value, b: Value, y: Value, dy: Value) -> list[Value]:
    emit, attributes = a.program.build.emit, y.call.attributes if y.call else {}
    transpose_a, transpose_b = bool(attributes.get("transpose_a")), bool(attributes.get("transpose_b"))
    flat_a, flat_dy = flattened(a), flattened(dy)
    if transpose_b:
        da = emit("matmul", flat_dy, b)
        db = emit("matmul", flat_dy, flat_a) if transpose_a else emit("matmul", flat_dy, flat_a, transpose_a=True)
        if transpose_a:
            db = emit("matmul", emit("transpose", flat_dy), emit("transpose", flat_a))
    else:
        da = emit("matmul", flat_dy, b, transpose_b=True)
        db = emit("matmul", flat_a, flat_dy) if transpose_a else emit("matmul", flat_a, flat_dy, transpose_a=True)
    if transpose_a:
        da = emit("transpose", da)
    return [da if da.shape == a.shape else emit("reshape", da, shape=a.shape), db]


def flattened(x: Value) -> Value:
    """The same numbers as rows of the last axis."""
    if x.rank == 2:
        return x
    return x.program.build.emit("reshape", x, shape=(count(x.shape[:-1]), x.shape[-1]))


matmul = register(Primitive(
    name="matmul", formula=r"Y = A B", shape=matmul_shape, body=matmul_body, derivative=matmul_derivative,
    encode=matmul_encode, length=rows_of_result, source="Aggarwal 2023, §2.5.1",
))  # fmt: skip


def transpose_shape(x: Value) -> Shape:
    """The two axes change places."""
    if x.rank != 2:
        raise shape_mismatch(f"only a matrix can be transposed, not {shape_text(x.shape)}")
    return (x.shape[1], x.shape[0])


def transpose_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, columns of x (= rows of y), rows of x."""
    return (operands[0].offset, result.offset, operands[0].shape[1], operands[0].shape[0])


@kernel
def transpose_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, columns, rows = instruction[1], instruction[2], instruction[3], instruction[4]
    for c in range(start, stop):
        for r in range(rows):
            arena[y + c * rows + r] = arena[x + r * columns + c]


def transpose_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [x.program.build.emit("transpose", dy)]


transpose = register(Primitive(
    name="transpose", formula=r"Y = X^\top", shape=transpose_shape, body=transpose_body, derivative=transpose_derivative,
    encode=transpose_encode, length=lambda operands, result: result.shape[0], source="linear algebra",
))  # fmt: skip

# ---- views ------------------------------------------------------------------------------------------------------------


def reshape_shape(x: Value, shape: Shape) -> Shape:
    """Any shape with as many entries."""
    if count(shape) != count(x.shape):
        raise shape_mismatch(f"{shape_text(x.shape)} cannot be laid out as {shape_text(shape)}", "The number of entries must agree.")
    return shape


def reshape_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [x.program.build.emit("reshape", dy, shape=x.shape)]


reshape = register(Primitive(
    name="reshape", formula=r"y = x", shape=reshape_shape, derivative=reshape_derivative, is_view=True,
    source="the same numbers in another shape",
))  # fmt: skip

# ---- sums over axes, and spreading over them ----------------------------------------------------------------------------


def reduced(x: Value, axes: tuple[int, ...], keep: bool = False) -> Shape:
    """The shape without the axes named (`keep`: with ones in their place). Axes count from 0 and lie side by side."""
    if not axes or axes[-1] >= x.rank or axes != tuple(range(axes[0], axes[-1] + 1)):
        raise shape_mismatch(f"{shape_text(x.shape)} has no neighbouring axes {axes}")
    return tuple([1 if i in axes else dim for i, dim in enumerate(x.shape) if keep or i not in axes])


def reduce_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, entries summed (the middle axes), entries behind them."""
    shape, axes = operands[0].shape, attributes["axes"]
    return (operands[0].offset, result.offset, math.prod(shape[axes[0] : axes[-1] + 1]), math.prod(shape[axes[-1] + 1 :]))


@kernel
def sum_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, middle, inner = instruction[1], instruction[2], instruction[3], instruction[4]
    if inner == 1:
        for o in range(start, stop):
            total, begin = real(0), x + o * middle
            for k in range(middle):
                total += arena[begin + k]
            arena[y + o] = total
    else:
        for i in range(start, stop):
            arena[y + i] = real(0)
        outer, last = start // inner, (stop - 1) // inner
        while outer <= last:
            low = start if start > outer * inner else outer * inner
            high = stop if stop < (outer + 1) * inner else (outer + 1) * inner
            for k in range(middle):
                shift = x + (outer * (middle - 1) + k) * inner
                for i in range(low, high):
                    arena[y + i] = arena[y + i] + arena[shift + i]
            outer += 1


def sum_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [spread_back("broadcast", x, y, dy)]


def spread_back(name: str, x: Value, y: Value, dy: Value) -> Value:
    """An incoming derivative, spread over the axes that were reduced."""
    emit, axes = x.program.build.emit, y.call.attributes["axes"] if y.call else ()
    wide = tuple([1 if i in axes else dim for i, dim in enumerate(x.shape)])
    if dy.shape != wide:
        dy = emit("reshape", dy, shape=wide)
    return emit(name, dy, shape=x.shape)


sum_ = register(Primitive(
    name="sum", formula=r"y = \sum_i x_i", shape=reduced, body=sum_body, derivative=sum_derivative, encode=reduce_encode,
    source="Aggarwal 2023, §2.3.2",
))  # fmt: skip


@kernel
def mean_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, middle, inner = instruction[1], instruction[2], instruction[3], instruction[4]
    share = real(middle)
    for o in range(start, stop):
        total, begin = real(0), x + (o // inner) * middle * inner + o % inner
        for k in range(middle):
            total += arena[begin + k * inner]
        arena[y + o] = total / share


def mean_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [spread_back("spread", x, y, dy)]


mean = register(Primitive(
    name="mean", formula=r"y = \frac{1}{n}\sum_i x_i", shape=reduced, body=mean_body, derivative=mean_derivative,
    encode=reduce_encode, source="Aggarwal 2023, §2.6.1",
))  # fmt: skip


def spread_shape(x: Value, shape: Shape) -> Shape:
    """The shape asked for, if every axis of the operand is 1 or agrees."""
    lead = len(shape) - x.rank
    if lead < 0 or any(mine not in (1, its) for mine, its in zip(x.shape, shape[max(lead, 0) :], strict=True)):
        raise shape_mismatch(f"{shape_text(x.shape)} cannot be spread over {shape_text(shape)}")
    return shape


def spread_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, number of copies, rank, then per axis of the result its length and the operand's step (0: repeated)."""
    x = operands[0]
    lead = len(result.shape) - len(x.shape)
    fields: list[int] = []
    step = 1
    for axis in reversed(range(len(result.shape))):
        length = x.shape[axis - lead] if axis >= lead else 1
        fields = [result.shape[axis], 0 if length == 1 else step, *fields]
        step *= length
    return (x.offset, result.offset, result.size // max(1, x.size), len(result.shape), *fields)


@kernel
def broadcast_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, rank = instruction[1], instruction[2], instruction[4]
    inner, step = (instruction[3 + 2 * rank], instruction[4 + 2 * rank]) if rank > 0 else (1, 0)
    outer = start // inner
    while outer * inner < stop:
        rest, begin = outer, x
        for axis in range(rank - 2, -1, -1):
            length = instruction[5 + 2 * axis]
            begin += (rest % length) * instruction[6 + 2 * axis]
            rest //= length
        low = start - outer * inner if start > outer * inner else 0
        high = stop - outer * inner if stop < (outer + 1) * inner else inner
        out = y + outer * inner
        if step == 0:
            value = arena[begin]
            for i in range(low, high):
                arena[out + i] = value
        else:
            for i in range(low, high):
                arena[out + i] = arena[begin + i]
        outer += 1


@kernel
def spread_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    x, y, rank = instruction[1], instruction[2], instruction[4]
    share = real(1) / real(instruction[3])
    inner, step = (instruction[3 + 2 * rank], instruction[4 + 2 * rank]) if rank > 0 else (1, 0)
    outer = start // inner
    while outer * inner < stop:
        rest, begin = outer, x
        for axis in range(rank - 2, -1, -1):
            length = instruction[5 + 2 * axis]
            begin += (rest % length) * instruction[6 + 2 * axis]
            rest //= length
        low = start - outer * inner if start > outer * inner else 0
        high = stop - outer * inner if stop < (outer + 1) * inner else inner
        out = y + outer * inner
        for i in range(low, high):
            arena[out + i] = arena[begin + i * step] * share
        outer += 1


def broadcast_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    return [dy]  # the differentiation sums over the axes that were repeated


def spread_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    emit, lead = x.program.build.emit, y.rank - x.rank
    axes = tuple([i for i, dim in enumerate(y.shape) if i < lead or x.shape[i - lead] != dim])
    return [emit("mean", dy, axes=axes, keep=True)] if axes else [dy]


broadcast = register(Primitive(
    name="broadcast", formula=r"y = x", shape=spread_shape, body=broadcast_body, derivative=broadcast_derivative,
    encode=spread_encode, source="the same number at several places",
))  # fmt: skip
spread = register(Primitive(
    name="spread", formula=r"y = \frac{x}{n}", shape=spread_shape, body=spread_body, derivative=spread_derivative,
    encode=spread_encode, source="what a mean sends back: an equal share",
))  # fmt: skip

# ---- where paths meet ---------------------------------------------------------------------------------------------------


def total_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, number of addends, their offsets."""
    return (result.offset, len(operands), *[region.offset for region in operands])


def total_shape(*operands: Value) -> Shape:
    """All addends have one shape."""
    if any(operand.shape != operands[0].shape for operand in operands):
        raise shape_mismatch("addends of different shapes: " + ", ".join(shape_text(operand.shape) for operand in operands))
    return operands[0].shape


@kernel
def total_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, addends = instruction[1], instruction[2]
    a, b = instruction[3], instruction[4]
    for i in range(start, stop):
        arena[y + i] = arena[a + i] + arena[b + i]
    for k in range(2, addends):
        x = instruction[3 + k]
        for i in range(start, stop):
            arena[y + i] = arena[y + i] + arena[x + i]


def total_derivative(*values: Value) -> list[Value]:
    *addends, _, dy = values
    return [dy for _ in addends]


total = register(Primitive(
    name="total", formula=r"y = \sum_k x_k", shape=total_shape, body=total_body, derivative=total_derivative,
    encode=total_encode, source="Aggarwal 2023, §2.3.2, pathwise aggregation",
))  # fmt: skip
