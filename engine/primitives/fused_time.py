"""What the fusing pass puts in place of gradients that are summed over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, real, register, rows_of_result
from engine.primitives.products import matmul_shape
from engine.program import Shape, Value


def products_shape(*operands: Value, **attributes: Any) -> Shape:
    """(features, units), of any pair of (batch, features) and (batch, units)."""
    return matmul_shape(operands[0], operands[1], transpose_a=True)


def products_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """w, rows, columns, depth, where Σ dy goes (written; 0: nowhere), number of pairs, then of each pair x and dy."""
    x, dy = operands[:2]
    pairs = operands[:-1] if attributes["sums"] else operands
    sums = operands[-1].offset if attributes["sums"] else 0
    sizes = (x.shape[1], dy.shape[1], x.shape[0])
    return (result.offset, *sizes, sums, len(pairs) // 2, *[region.offset for region in pairs])


def sums_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Whether Σ dy is asked for is compiled in."""
    return (("SUMS", 1),) if attributes["sums"] else ()


SUMS = 0  # compiled in: 1 where Σ dy is asked for


@kernel
def products_total_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, rows, columns, depth = instruction[1], instruction[2], instruction[3], instruction[4]
    sums, pairs = instruction[5], instruction[6]
    for r in range(start, stop):
        out = w + r * columns
        for c in range(columns):
            arena[out + c] = real(0)
        for p in range(pairs):
            x, dy = instruction[7 + 2 * p], instruction[8 + 2 * p]
            for k in range(depth):
                factor, begin = arena[x + k * rows + r], dy + k * columns
                for c in range(columns):
                    arena[out + c] = arena[out + c] + factor * arena[begin + c]
    if SUMS and start == 0:  # whoever computes the first row sums the slopes as well
        for c in range(columns):
            arena[sums + c] = real(0)
        for p in range(pairs):
            for k in range(depth):
                begin = instruction[8 + 2 * p] + k * columns
                for c in range(columns):
                    arena[sums + c] = arena[sums + c] + arena[begin + c]


products_total = register(Primitive(
    name="products_total",
    formula=r"\mathrm{d}W = \sum_t X_t^\top \mathrm{d}Y_t,\quad \mathrm{d}b = \sum_{t,i} \mathrm{d}Y_{t,i}",
    shape=products_shape, body=products_total_body, encode=products_encode, length=rows_of_result, variant=sums_variant,
    is_fused=True, source="matmul, total, sum, total",
))  # fmt: skip
