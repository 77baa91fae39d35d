"""The CPU's float32 bodies for short rows, as the classes of an example: a row is one vector, several are done together.

What a row is compared with and divided by is found for all of them at once: neighbouring lanes are joined, first those of
one row and of the next, until each row has one lane left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.extending import intrinsic

from engine.machines.curves import exp_below_0, log_above_1
from engine.machines.vectors import VECTOR, Vectors

_INFINITY, _NAN = float("inf"), float("nan")
_FLOAT, _WHOLE, _WORD = ir.FloatType(), ir.IntType(64), ir.IntType(32)
GROUP = min(8, VECTOR)  # rows


def _halves(builder: Any, x: Any, y: Any, lanes: int) -> tuple[Any, Any]:
    """Every second lane of two vectors taken as one: the even ones, the odd ones."""

    def every_second(first: int) -> Any:
        return ir.Constant(ir.VectorType(_WORD, lanes), [first + 2 * lane for lane in range(lanes)])

    return builder.shuffle_vector(x, y, every_second(0)), builder.shuffle_vector(x, y, every_second(1))


def each_row(builder: Any, join: Callable[[Any, Any], Any], rows: Sequence[Any], lanes: int) -> Any:
    """All lanes of each row made one number: a vector of as many numbers as there are rows."""
    left = list(rows)
    while len(left) > 1:
        left = [join(*_halves(builder, *pair, lanes)) for pair in zip(left[::2], left[1::2], strict=True)]
    (found,) = left
    while lanes > len(rows):
        lanes //= 2
        found = join(*_halves(builder, found, found, lanes))
    return found


def _rows(with_loss: bool, ragged: bool) -> Any:
    """Intrinsic `(arena, integers, z, t, p, y, columns, rows)`: p = softmax z of GROUP rows, or of `rows` where it is ragged.

    With loss also y = ln Σ e^z - z_t for the classes t, NaN where there is no such class. Offsets are those of the first row.
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, integers, z, t, p, y, columns, count = arguments
        b, v = builder, Vectors(builder, arena)
        few = Vectors(builder, arena, GROUP, whole=not ragged)
        mask = v.mask(columns, 0)
        numbers = [_WHOLE(row) for row in range(GROUP)]
        if ragged:  # the first row once more in place of one that is not there
            numbers = [b.select(b.icmp_signed("<", number, count), number, _WHOLE(0)) for number in numbers]
        shifts = [b.mul(number, columns) for number in numbers]
        rows = [v.load(b.add(z, shift), 0, mask, v.full(-_INFINITY)) for shift in shifts]
        largest = each_row(b, v.larger, rows, v.lanes)

        def spread(vector: Any, row: int) -> Any:
            return b.shuffle_vector(vector, vector, ir.Constant(v.words, [row] * v.lanes))

        grown = [exp_below_0(v, b.fsub(row, spread(largest, number))) for number, row in enumerate(rows)]
        sums = each_row(b, b.fadd, grown, v.lanes)
        shares = b.fdiv(few.full(1.0), sums)
        for number, (row, shift) in enumerate(zip(grown, shifts, strict=True)):
            v.store(b.fmul(row, spread(shares, number)), b.add(p, shift), 0, mask)
        if with_loss:
            wanted = few.full(_NAN)
            for row, (number, shift) in enumerate(zip(numbers, shifts, strict=True)):
                chosen = b.sext(b.load(b.gep(integers, [b.add(t, number)])), _WHOLE)
                inside = b.icmp_unsigned("<", chosen, columns)
                score = b.load(v.at(b.add(b.add(z, shift), b.select(inside, chosen, _WHOLE(0)))), align=4)
                score = b.select(inside, score, ir.Constant(_FLOAT, _NAN))
                wanted = b.insert_element(wanted, score, ir.Constant(_WORD, row))
            few.store(b.fadd(log_above_1(few, sums), b.fsub(largest, wanted)), y, 0, few.mask(count, 0))
        return target.get_dummy_value()

    def typed(context, arena, integers, z, t, p, y, columns, rows):  # type: ignore[no-untyped-def]
        whole = types.int64
        return types.void(types.CPointer(types.float32), types.CPointer(types.int32), *[whole] * 6), generate

    return intrinsic(typed)


_softmax_rows, _softmax_rest = _rows(False, False), _rows(False, True)
_loss_rows, _loss_rest = _rows(True, False), _rows(True, True)


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """Nothing is compiled in."""
    return {}


def softmax(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of a softmax over no more numbers than a vector has lanes."""
    x, y, width = int64(instruction[1]), int64(instruction[2]), int64(instruction[3])
    i, none, many = int64(start), int64(0), int64(GROUP)
    while i + GROUP <= stop:
        _softmax_rows(arena, integers, x + i * width, none, y + i * width, none, width, many)
        i += GROUP
    if i < stop:
        _softmax_rest(arena, integers, x + i * width, none, y + i * width, none, width, stop - i)


def class_cross_entropy_softmax(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Rows [start, stop) of -ln p_t and of the softmax p, for no more classes than a vector has lanes."""
    z, t, p, y, classes = (
        int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4]), int64(instruction[5])
    )  # fmt: skip
    i, many = int64(start), int64(GROUP)
    while i + GROUP <= stop:
        _loss_rows(arena, integers, z + i * classes, t + i, p + i * classes, y + i, classes, many)
        i += GROUP
    if i < stop:
        _loss_rest(arena, integers, z + i * classes, t + i, p + i * classes, y + i, classes, stop - i)
