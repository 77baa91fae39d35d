"""The register tile: a few rows by one or two vectors of columns, kept in registers through the whole reduction.

Every float32 product goes through it: ragged edges by masked loads and stores, operand A read with any strides, rows of B
contiguous. Written as vector IR, because LLVM does not find it in plain loops. `tile(rows, vectors)` gives an intrinsic

    (arena, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, bias)
    c[r, :columns] = bias + sum over k < depth of a[r·a_row + k·a_depth] · b[k·b_depth : + columns]      r < rows

with offsets into the arena, columns ≤ vectors · lanes, and bias −1 for none. `pairs_tile` sums over several A and B as well,
whose offsets stand in the code. Imported when a product is compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.curves import bent, rectifier_slope, tanh_slope
from engine.machines.vectors import VECTOR, Vectors, tight_loop

_WHOLE = ir.IntType(64)
BENT = 2  # vectors at once: the processor sees no further than a few of them, each of which waits for itself


class Form(NamedTuple):
    """What a tile is compiled for.

    ways       the reduction runs in so many sums side by side: short tiles wait less for their own last addition
    with_sums  the last argument is no bias but the place for the sums of B's columns
    lanes      floats in a vector: narrow results go through narrow registers, two of which are worked on at once
    whole      columns = vectors · lanes: no masks, and what is stored can be read again before it has left the processor
    onto       the last argument is a matrix in rows of c_row: each row of the result begins with its own
    halves     the result is the sum of two: bias and first half of the depth, second half of the depth
    bend       what bends the result before it leaves the registers: 1 a tanh, 2 a sigmoid, 3 a rectifier
    gate       the last argument is a matrix in rows of c_row: what is not above 0 there is multiplied by 0, a rectifier's
               slope; 2: and what stands at c is where the sums begin; 3: what a tanh has made, whose slope is taken
    descends   the last argument is where a rate lies: c is moved against the sums, as `sgd_update` moves parameters, and
               the intrinsic gives 1 where what it writes is not finite
    past       what is stored goes past the caches, where `whole` vectors are cache lines: another processor reads it, and
               to take a line away from it costs more than a short sum
    """

    rows: int
    vectors: int
    ways: int = 1
    with_sums: bool = False
    lanes: int = VECTOR
    whole: bool = False
    onto: bool = False
    bend: int = 0
    halves: bool = False
    gate: int = 0
    descends: bool = False
    past: bool = False


class _Pairs(NamedTuple):
    """A and B are but shifts, to be added to each pair of `count` offsets from place `first` of the code on.

    What is summed over all pairs is the depth alone; with two `parts` then `rest` more of it, and the two sums are added.
    """

    code: Any
    first: Any
    count: Any
    parts: Any
    rest: Any

    def __call__(self, builder: Any, number: Any, part: int) -> Any:
        place = builder.add(self.first, builder.add(builder.mul(number, _WHOLE(2)), _WHOLE(part)))
        return builder.sext(builder.load(builder.gep(self.code, [place])), _WHOLE)


class _Before(NamedTuple):
    """A product that comes first: both are summed in the same registers, one behind the other."""

    a: Any
    b: Any
    a_row: Any
    a_depth: Any
    b_depth: Any
    depth: Any


def _emit(form: Form, builder: Any, arguments: Any, pairs: _Pairs | None = None, before: _Before | None = None) -> Any:
    rows, vectors, ways, with_sums = form[:4]
    ways = 2 if form.halves else ways
    arena, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, extra = arguments
    emit = Vectors(builder, arena, form.lanes, whole=form.whole)
    masks = [emit.mask(columns, v) for v in range(vectors)]
    lines_summed = rows + with_sums  # the sums of B's columns are one more row, with a factor of 1
    sums = [
        [[cgutils.alloca_once(builder, emit.vector) for _ in range(vectors)] for _ in range(lines_summed)]
        for _ in range(ways)
    ]
    has_bias = builder.icmp_signed(">=", extra, _WHOLE(0))

    def row_of(matrix: Any, row: int, v: int) -> Any:
        return emit.load(builder.add(matrix, builder.mul(_WHOLE(row), c_row)), v, masks[v])

    onto = c if form.gate == 2 else extra if form.onto else None  # where each row begins with one of its own
    for v in range(vectors):
        start = emit.zero
        if not (with_sums or form.onto or form.gate or form.descends):
            # Without a bias B is read instead and thrown away: any address that may be read will do.
            start = emit.load(builder.select(has_bias, extra, b if pairs is None else c), v, masks[v])
            start = builder.select(has_bias, start, emit.zero)
        for way in range(ways):
            for r in range(lines_summed):
                if onto is not None and not way:
                    start = row_of(onto, r, v)
                builder.store(emit.zero if way else start, sums[way][r][v])
    row_offsets = [builder.mul(_WHOLE(r), a_row) for r in range(rows)]
    for r in range(rows if form.descends else 0):
        for v in range(vectors):  # what is moved comes nearer while the sums are found
            emit.fetch(builder.add(c, builder.mul(_WHOLE(r), c_row)), v, to_write=True)

    def add_up(
        k: Any, way: int, a: Any = a, b: Any = b, steps: Any = (a_depth, b_depth), row_offsets: Any = row_offsets
    ) -> None:
        left, right = (builder.add(begin, builder.mul(k, step)) for begin, step in zip((a, b), steps, strict=True))
        lines = [emit.load(right, v, masks[v]) for v in range(vectors)]
        for r in range(rows):
            x = emit.spread(builder.load(emit.at(builder.add(left, row_offsets[r]))), emit.vector)
            for v in range(vectors):
                builder.store(emit.multiply_add(x, lines[v], builder.load(sums[way][r][v])), sums[way][r][v])
        for v in range(vectors if with_sums else 0):
            # Not a plain addition: the compiler is free to add those up in another order, in some tiles but not in all.
            total = emit.multiply_add(lines[v], emit.full(1.0), builder.load(sums[way][rows][v]))
            builder.store(total, sums[way][rows][v])

    if before is not None:
        offsets = [builder.mul(_WHOLE(r), before.a_row) for r in range(rows)]
        with tight_loop(builder, before.depth) as k:
            add_up(k, 0, before.a, before.b, (before.a_depth, before.b_depth), offsets)
    if pairs is not None:
        _add_parts(
            builder, emit, pairs, depth, (a, b), (a_depth, b_depth), [place for row in sums[0] for place in row], add_up
        )
        depth = _WHOLE(0)
    whole = builder.udiv(depth, _WHOLE(ways)) if ways > 1 else depth
    with tight_loop(builder, whole) as k:
        for way in range(ways):
            begun = builder.mul(whole, _WHOLE(way)) if form.halves else builder.mul(k, _WHOLE(ways))
            add_up(builder.add(begun, k if form.halves else _WHOLE(way)), way)
    if ways > 1 and not form.halves:
        begun = builder.mul(whole, _WHOLE(ways))
        with cgutils.for_range(builder, builder.sub(depth, begun)) as loop:
            add_up(builder.add(begun, loop.index), 0)
    step = _Step(emit, extra) if form.descends else None
    some = max(1, BENT // vectors)
    for r in range(0, lines_summed, some):
        places = [(row, v) for row in range(r, min(r + some, lines_summed)) for v in range(vectors)]
        totals = [builder.load(sums[0][row][v]) for row, v in places]
        for way in range(1, ways):
            # As above, not a plain addition.
            more = [builder.load(sums[way][row][v]) for row, v in places]
            totals = [emit.multiply_add(x, emit.full(1.0), total) for x, total in zip(more, totals, strict=True)]
        if form.bend:
            totals = bent(emit, form.bend, totals)
        for total, (row, v) in zip(totals, places, strict=True):
            place = extra if row == rows else builder.add(c, builder.mul(_WHOLE(row), c_row))
            if form.gate:
                slope = tanh_slope if form.gate == 3 else rectifier_slope
                total = builder.fmul(total, slope(emit, row_of(extra, row, v)))
            if step is not None:
                total = step(emit.load(place, v, masks[v]), total)
            emit.store(total, place, v, masks[v], past=form.past)
    return step.flag() if step is not None else _WHOLE(0)


class _Step:
    """A step of `sgd_update`, vector by vector, rounded as there; and what it has written, times 0, added up."""

    def __init__(self, emit: Vectors, rate: Any) -> None:
        self._emit, self._watched = emit, emit.zero
        self._rate = emit.spread(emit.b.load(emit.at(rate)), emit.vector)

    def __call__(self, old: Any, slope: Any) -> Any:
        emit, b = self._emit, self._emit.b
        step = b.fmul(self._rate, slope)
        new = b.select(b.fcmp_unordered("!=", step, emit.zero), b.fsub(old, step), old)
        self._watched = b.fadd(self._watched, b.fmul(new, emit.zero))
        return new

    def flag(self) -> Any:
        """1 where something written is not finite."""
        b = self._emit.b
        found = b.fcmp_unordered("uno", self._watched, self._watched)
        lanes = b.bitcast(found, ir.IntType(self._emit.lanes))
        return b.zext(b.icmp_unsigned("!=", lanes, lanes.type(0)), _WHOLE)


def _add_parts(
    builder: Any, emit: Vectors, pairs: _Pairs, depth: Any, shifts: Any, steps: Any, sums: Sequence[Any], add_up: Any
) -> None:
    """Each part is summed by itself over all pairs, from zero on: so whoever sums only one of them finds its bits."""
    totals = [cgutils.alloca_once(builder, emit.vector) for _ in sums]
    for total in totals:
        builder.store(emit.full(-0.0), total)  # what may be added to any number and leaves it as it is
    with cgutils.for_range(builder, pairs.parts) as part:
        for place in sums:
            builder.store(emit.zero, place)
        first = builder.icmp_signed("==", part.index, _WHOLE(0))
        begun = builder.select(first, _WHOLE(0), depth)
        own = [builder.add(shift, builder.mul(begun, step)) for shift, step in zip(shifts, steps, strict=True)]
        length = builder.select(first, depth, pairs.rest)
        with cgutils.for_range(builder, pairs.count) as pair:
            left, right = (builder.add(shift, pairs(builder, pair.index, n)) for n, shift in enumerate(own))
            with tight_loop(builder, length) as k:
                add_up(k, 0, left, right)
        for total, place in zip(totals, sums, strict=True):
            builder.store(builder.fadd(builder.load(total), builder.load(place)), total)
    for total, place in zip(totals, sums, strict=True):
        builder.store(builder.load(total), place)


@cache
def tile(*fields: Any, **named: Any) -> Any:
    """The intrinsic for a tile of that `Form`."""
    form = Form(*fields, **named)

    def typed(context, arena, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, extra):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            return _emit(form, builder, arguments)

        return types.int64(types.CPointer(types.float32), *[types.int64] * 10), generate

    return intrinsic(typed)


@cache
def tile_behind(*fields: Any, **named: Any) -> Any:
    """The intrinsic for a tile of that `Form` behind a first product; six more arguments behind the arena, see `_Before`."""
    form = Form(*fields, **named)

    def typed(  # type: ignore[no-untyped-def]
        context,
        arena,
        x,
        w,
        x_row,
        x_depth,
        w_depth,
        length,
        a,
        b,
        c,
        a_row,
        c_row,
        columns,
        depth,
        a_depth,
        b_depth,
        extra,
    ):
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            _emit(form, builder, (arguments[0], *arguments[7:]), before=_Before(*arguments[1:7]))
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 16), generate

    return intrinsic(typed)


@cache
def pairs_tile(*fields: Any, **named: Any) -> Any:
    """The intrinsic for a tile of that `Form` over pairs; five more arguments behind the arena, see `_Pairs`."""
    form = Form(*fields, **named)

    def typed(  # type: ignore[no-untyped-def]
        context, arena, code, first, count, parts, rest, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, extra
    ):
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            _emit(form, builder, (arguments[0], *arguments[6:]), _Pairs(*arguments[1:6]))
            return target.get_dummy_value()

        whole = types.int64
        return types.void(types.CPointer(types.float32), types.CPointer(types.int32), *[whole] * 14), generate

    return intrinsic(typed)
