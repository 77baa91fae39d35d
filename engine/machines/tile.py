"""The register tile: a few rows by one or two vectors of columns, kept in registers through the whole reduction.

Every float32 product goes through it: ragged edges by masked loads and stores, operand A read with any strides, rows of B
contiguous. Written as vector IR, because LLVM does not find it in plain loops. `tile(rows, vectors)` gives an intrinsic

    (arena, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, bias)
    c[r, :columns] = bias + sum over k < depth of a[r·a_row + k·a_depth] · b[k·b_depth : + columns]      r < rows

with offsets into the arena, columns ≤ vectors · VECTOR, and bias −1 for none. Imported when a product is compiled.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.processor import vector_length

VECTOR = vector_length()
_FLOAT, _WHOLE, _WORD = ir.FloatType(), ir.IntType(64), ir.IntType(32)
_VECTOR = ir.VectorType(_FLOAT, VECTOR)
_MASK = ir.VectorType(ir.IntType(1), VECTOR)
_WORDS = ir.VectorType(_WORD, VECTOR)


class _Emitter:
    """The few vector operations a tile is made of, on one builder."""

    def __init__(self, builder: Any, arena: Any) -> None:
        self.b, self.arena = builder, arena
        module, pointer = builder.module, arena.type
        suffix = f"v{VECTOR}f32"
        load = ir.FunctionType(_VECTOR, [pointer, _WORD, _MASK, _VECTOR])
        store = ir.FunctionType(ir.VoidType(), [_VECTOR, pointer, _WORD, _MASK])
        self._load = cgutils.get_or_insert_function(module, load, f"llvm.masked.load.{suffix}.p0")
        self._store = cgutils.get_or_insert_function(module, store, f"llvm.masked.store.{suffix}.p0")
        self._fma = cgutils.get_or_insert_function(
            module, ir.FunctionType(_VECTOR, [_VECTOR] * 3), f"llvm.fma.{suffix}"
        )
        self.zero = ir.Constant(_VECTOR, [0.0] * VECTOR)

    def at(self, offset: Any) -> Any:
        return self.b.gep(self.arena, [offset])

    def spread(self, scalar: Any, kind: Any) -> Any:
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.b.insert_element(nothing, scalar, ir.Constant(_WORD, 0))
        return self.b.shuffle_vector(first, nothing, ir.Constant(_WORDS, [0] * VECTOR))

    def mask(self, columns: Any, vector: int) -> Any:
        left = self.b.sub(self.b.trunc(columns, _WORD), ir.Constant(_WORD, vector * VECTOR))
        return self.b.icmp_signed("<", ir.Constant(_WORDS, list(range(VECTOR))), self.spread(left, _WORDS))

    def load(self, offset: Any, vector: int, mask: Any) -> Any:
        place = self.at(self.b.add(offset, _WHOLE(vector * VECTOR)))
        return self.b.call(self._load, [place, _WORD(4), mask, self.zero])

    def store(self, value: Any, offset: Any, vector: int, mask: Any) -> None:
        self.b.call(self._store, [value, self.at(self.b.add(offset, _WHOLE(vector * VECTOR))), _WORD(4), mask])

    def multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        return self.b.call(self._fma, [x, y, z])


def _emit(rows: int, vectors: int, ways: int, with_sums: bool, builder: Any, arguments: Any) -> None:
    arena, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, extra = arguments
    emit = _Emitter(builder, arena)
    masks = [emit.mask(columns, v) for v in range(vectors)]
    lines_summed = rows + with_sums  # the sums of B's columns are one more row, with a factor of 1
    sums = [
        [[cgutils.alloca_once(builder, _VECTOR) for _ in range(vectors)] for _ in range(lines_summed)]
        for _ in range(ways)
    ]
    has_bias = builder.icmp_signed(">=", extra, _WHOLE(0))
    for v in range(vectors):
        start = emit.zero
        if not with_sums:
            # Without a bias B is read instead and thrown away: any address that may be read will do.
            start = emit.load(builder.select(has_bias, extra, b), v, masks[v])
            start = builder.select(has_bias, start, emit.zero)
        for way in range(ways):
            for r in range(lines_summed):
                builder.store(emit.zero if way else start, sums[way][r][v])
    row_offsets = [builder.mul(_WHOLE(r), a_row) for r in range(rows)]

    def add_up(k: Any, way: int) -> None:
        left = builder.add(a, builder.mul(k, a_depth))
        right = builder.add(b, builder.mul(k, b_depth))
        lines = [emit.load(right, v, masks[v]) for v in range(vectors)]
        for r in range(rows):
            x = emit.spread(builder.load(emit.at(builder.add(left, row_offsets[r]))), _VECTOR)
            for v in range(vectors):
                builder.store(emit.multiply_add(x, lines[v], builder.load(sums[way][r][v])), sums[way][r][v])
        for v in range(vectors if with_sums else 0):
            builder.store(builder.fadd(lines[v], builder.load(sums[way][rows][v])), sums[way][rows][v])

    whole = builder.udiv(depth, _WHOLE(ways)) if ways > 1 else depth
    with cgutils.for_range(builder, whole) as loop:
        for way in range(ways):
            add_up(builder.add(builder.mul(loop.index, _WHOLE(ways)), _WHOLE(way)), way)
    if ways > 1:
        begun = builder.mul(whole, _WHOLE(ways))
        with cgutils.for_range(builder, builder.sub(depth, begun)) as loop:
            add_up(builder.add(begun, loop.index), 0)
    for r in range(lines_summed):
        place = extra if r == rows else builder.add(c, builder.mul(_WHOLE(r), c_row))
        for v in range(vectors):
            total = builder.load(sums[0][r][v])
            for way in range(1, ways):
                total = builder.fadd(total, builder.load(sums[way][r][v]))
            emit.store(total, place, v, masks[v])


@cache
def tile(rows: int, vectors: int, *, ways: int = 1, with_sums: bool = False) -> Any:
    """The intrinsic for a tile of that many rows and vectors of columns.

    ways       the reduction runs in so many sums side by side: short tiles wait less for their own last addition
    with_sums  the last argument is no bias but the place for the sums of B's columns
    """

    def typed(context, arena, a, b, c, a_row, c_row, columns, depth, a_depth, b_depth, extra):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            _emit(rows, vectors, ways, with_sums, builder, arguments)
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 10), generate

    return intrinsic(typed)
