"""What the fusing pass puts in place of gradients that are summed over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import Arena, Code, Integers, Primitive, Region, kernel, real, register, rows_of_result
from engine.primitives.products import matmul_shape
from engine.values import Shape, Value

LEAST_PART = 8  # examples


def products_shape(*operands: Value, **attributes: Any) -> Shape:
    """(features, units), of any pair of (batch, features) and (batch, units)."""
    return matmul_shape(operands[0], operands[1], transpose_a=True)


def parts_of(batch: int) -> tuple[int, ...]:
    """The examples of each of the parts that a sum over examples is made of: two halves, or everything where there are few."""
    return (batch - batch // 2, batch // 2) if batch >= 2 * LEAST_PART else (batch,)


def rows_of_parts(rows: int, each: int) -> tuple[int, ...]:
    """The rows of each part where an example has several."""
    return tuple([examples * each for examples in parts_of(rows // each)])


def products_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """w, rows, columns; number of parts, the depth of the first and of the second (0: there is none); where Σ dy goes
    (written; 0: nowhere), number of pairs, the step of x's rows, then of each pair x and dy.

    An example may have several `rows` in x and dy. In place of each x its whole sequence may be there, with so many entries
    of each example `before` those that are read.
    """
    x = operands[0]
    pairs = operands[:-1] if attributes["sums"] else operands
    sums = operands[-1].offset if attributes["sums"] else 0
    parts = rows_of_parts(x.shape[0], attributes.get("rows", 1))
    sizes = (*result.shape, len(parts), parts[0], x.shape[0] - parts[0])
    offsets = [region.offset for region in pairs]
    for pair, entries in enumerate(attributes.get("before", ())):
        offsets[2 * pair] += entries
    return (result.offset, *sizes, sums, len(pairs) // 2, x.size // x.shape[0], *offsets)


def own_part(fields: Sequence[int], part: int) -> tuple[int, ...]:
    """Fields of the sum over one of two parts alone."""
    w, rows, columns, _, first, rest, *others, step, pairs = *fields[:9], fields[9:]
    if part:
        pairs = [offset + first * (columns if place % 2 else step) for place, offset in enumerate(pairs)]
    return (w, rows, columns, 1, rest if part else first, 0, *others, step, *pairs)


def sums_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Whether Σ dy is asked for is compiled in."""
    return (("SUMS", 1),) if attributes["sums"] else ()


SUMS = 0  # compiled in: 1 where Σ dy is asked for


@kernel
def products_total_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, columns = instruction[1], instruction[3]
    first, rest = instruction[5], instruction[6]
    sums, pairs, step = instruction[7], instruction[8], instruction[9]
    for r in range(start, stop):
        out = w + r * columns
        for c in range(columns):
            arena[out + c] = real(0)
        for p in range(pairs):
            x, dy = instruction[10 + 2 * p], instruction[11 + 2 * p]
            for k in range(first + rest):
                factor, begin = arena[x + k * step + r], dy + k * columns
                for c in range(columns):
                    arena[out + c] = arena[out + c] + factor * arena[begin + c]
    if SUMS and start == 0:  # whoever computes the first row sums the slopes as well
        for c in range(columns):
            arena[sums + c] = real(0)
        for p in range(pairs):
            for k in range(first + rest):
                begin = instruction[11 + 2 * p] + k * columns
                for c in range(columns):
                    arena[sums + c] = arena[sums + c] + arena[begin + c]


products_total = register(Primitive(
    name="products_total",
    formula=r"\mathrm{d}W = \sum_t X_t^\top \mathrm{d}Y_t,\quad \mathrm{d}b = \sum_{t,i} \mathrm{d}Y_{t,i}",
    shape=products_shape, body=products_total_body, encode=products_encode, length=rows_of_result, variant=sums_variant,
    is_fused=True, source="matmul, total, sum, total",
))  # fmt: skip
