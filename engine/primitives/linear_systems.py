"""Systems of linear equations, solved by elimination."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, need_real, register
from engine.primitives.batched import batch_product
from engine.primitives.products import product
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text


def row_reduce_shape(x: Value) -> Shape:
    """(…, n, n + m): n equations with m right sides behind them; the shape stays."""
    need_real(x)
    rows, columns = x.shape[-2:] if x.rank >= 2 else (None, None)
    if not isinstance(rows, int) or not isinstance(columns, int) or columns <= rows:
        raise shape_mismatch(
            f"{shape_text(x.shape)} holds no system of equations",
            "Give as many equations as unknowns, and a right side.",
        )
    return x.shape


def row_reduce_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, y, equations, unknowns and right sides together."""
    return (operands[0].offset, result.offset, *result.shape[-2:])


def systems(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in systems."""
    return result.size // (result.shape[-1] * result.shape[-2])


@kernel
def row_reduce_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    n, width = instruction[3], instruction[4]
    for s in range(start, stop):
        x, y = instruction[1] + s * n * width, instruction[2] + s * n * width
        for i in range(n * width):
            arena[y + i] = arena[x + i]
        for k in range(n):
            best, size = k, abs(arena[y + k * width + k])
            for r in range(k + 1, n):
                other = abs(arena[y + r * width + k])
                if other > size:
                    best, size = r, other
            pivot, chosen = y + k * width, y + best * width
            if best != k:
                for c in range(width):
                    kept = arena[pivot + c]
                    arena[pivot + c] = arena[chosen + c]
                    arena[chosen + c] = kept
            head = arena[pivot + k]
            for c in range(width):
                arena[pivot + c] = arena[pivot + c] / head
            for r in range(n):
                if r != k:
                    row, share = y + r * width, arena[y + r * width + k]
                    for c in range(width):
                        arena[row + c] = arena[row + c] - share * arena[pivot + c]


def row_reduce_derivative(x: Value, y: Value, dy: Value) -> list[Value]:
    # A X = B: with Z = A⁻ᵀ dX the derivatives are dB = Z and dA = −Z Xᵀ.
    emit, last = x.program.build.emit, x.rank - 1
    rows, columns = x.shape[-2:]
    axes = (*range(last - 1), last, last - 1)
    turned = emit("permute", emit("slice", x, axis=last, start=0, stop=rows), axes=axes)
    incoming, found = (emit("slice", value, axis=last, start=rows, stop=columns) for value in (dy, y))
    reduced = emit("row_reduce", emit("concat", turned, incoming, axis=last))
    z = emit("slice", reduced, axis=last, start=rows, stop=columns)
    outer = product(z, found, False, True) if x.rank == 2 else batch_product(z, found, False, True)
    return [emit("concat", -outer, z, axis=last)]


row_reduce = register(Primitive(
    name="row_reduce", formula=r"[A \mid B] \to [I \mid A^{-1} B]", shape=row_reduce_shape, body=row_reduce_body,
    derivative=row_reduce_derivative, encode=row_reduce_encode, length=systems,
    source="Gauss–Jordan elimination with the largest pivot of each column; Golub & Van Loan 2013, §3.4",
    convention="no number where the equations depend on each other",
))  # fmt: skip
