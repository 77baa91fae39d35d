"""The CPU's float32 bodies for short rows, as the classes of an example: as many rows at once as a vector has lanes.

They are turned about in the registers, so that a lane is a row and a vector is a class: what a row is compared with and
divided by needs no neighbouring lanes, and no work is done for lanes that hold no class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.curves import exp_below_0, log_above_1
from engine.machines.vectors import VECTOR, Vectors, tight_loop

_INFINITY, _NAN = float("inf"), float("nan")
_WHOLE, _WORD = ir.IntType(64), ir.IntType(32)
GROUP = VECTOR  # rows


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


def turned(v: Vectors, rows: Sequence[Any]) -> list[Any]:
    """Columns of as many rows as a vector has lanes: blocks off the diagonal change places, halves first."""
    found, lanes = list(rows), range(v.lanes)
    step = v.lanes // 2
    while step:
        upper = [lane if not lane & step else v.lanes + lane - step for lane in lanes]
        lower = [lane + step if not lane & step else v.lanes + lane for lane in lanes]
        for row in lanes:
            if not row & step:
                pair = found[row], found[row + step]
                found[row], found[row + step] = [
                    v.b.shuffle_vector(*pair, ir.Constant(v.words, order)) for order in (upper, lower)
                ]
        step //= 2
    return found


def _rows(with_loss: bool, ragged: bool) -> Any:
    """Intrinsic `(arena, integers, z, t, p, y, columns, rows)`: p = softmax z of GROUP rows, or of `rows` where it is ragged.

    With loss also y = ln Σ e^z - z_t for the classes t, NaN where there is no such class. Offsets are those of the first row.
    """

    def generate(target: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        arena, integers, z, t, p, y, columns, count = arguments
        b, v = builder, Vectors(builder, arena, whole=True)
        numbers = [_WHOLE(row) for row in range(GROUP)]
        if ragged:  # the first row once more in place of one that is not there
            numbers = [b.select(b.icmp_signed("<", number, count), number, _WHOLE(0)) for number in numbers]
        shifts = [b.mul(number, columns) for number in numbers]
        # Without masks: what lies behind a row comes along as classes that nobody asks for.
        classes = cgutils.alloca_once(b, ir.ArrayType(v.vector, GROUP))
        for number, scores in enumerate(turned(v, [v.load(b.add(z, shift), 0, None) for shift in shifts])):
            b.store(scores, b.gep(classes, [_WORD(0), _WORD(number)]))

        def of_class(number: Any) -> Any:
            return b.gep(classes, [_WHOLE(0), number])

        largest, total, wanted = [cgutils.alloca_once_value(b, v.full(start)) for start in (-_INFINITY, 0.0, _NAN)]
        with tight_loop(b, columns) as number:
            b.store(v.larger(b.load(of_class(number)), b.load(largest)), largest)
        chosen = b.load(b.bitcast(b.gep(integers, [t]), v.words.as_pointer()), align=4) if with_loss else None
        with tight_loop(b, columns) as number:
            scores = b.load(of_class(number))
            grown = exp_below_0(v, b.fsub(scores, b.load(largest)))
            b.store(grown, of_class(number))
            b.store(b.fadd(b.load(total), grown), total)
            if with_loss:
                is_chosen = b.icmp_signed("==", chosen, v.spread(b.trunc(number, _WORD), v.words))
                b.store(b.select(is_chosen, scores, b.load(wanted)), wanted)
        sums = b.load(total)
        share = b.fdiv(v.full(1.0), sums)
        shares = [b.fmul(b.load(of_class(_WHOLE(number))), share) for number in range(GROUP)]
        ends = Vectors(b, arena)
        mask = ends.mask(columns, 0)
        for row, shift in zip(turned(v, shares), shifts, strict=True):
            ends.store(row, b.add(p, shift), 0, mask)
        if with_loss:
            loss = b.fadd(log_above_1(v, sums), b.fsub(b.load(largest), b.load(wanted)))
            (ends if ragged else v).store(loss, y, 0, ends.mask(count, 0) if ragged else None)
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
