"""Vectors of the processor's registers in LLVM's words: what the register tile and the row kernels are written in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from engine.machines.processor import vector_length

VECTOR = vector_length()
_FLOAT, _WHOLE, _WORD = ir.FloatType(), ir.IntType(64), ir.IntType(32)


def not_compiled_in(*arguments: Any) -> None:
    """What a body's names stand for until its module's `names_of` puts in those of a variant."""
    raise NotImplementedError("put in by `names_of`")


@contextmanager
def tight_loop(builder: Any, count: Any) -> Iterator[Any]:
    """A loop whose body stays as it is: done twice at once its sums would not fit into the registers. Gives the number."""
    module, before = builder.module, builder.block
    body, behind = builder.append_basic_block("tight.body"), builder.append_basic_block("tight.behind")
    builder.cbranch(builder.icmp_signed(">", count, count.type(0)), body, behind)
    builder.position_at_end(body)
    number = builder.phi(count.type)
    number.add_incoming(count.type(0), before)
    yield number
    following = builder.add(number, count.type(1))
    number.add_incoming(following, builder.block)
    again = builder.cbranch(builder.icmp_signed("<", following, count), body, behind)
    asked = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    its = ir.MDValue(module, [asked], name=str(len(module.metadata)))
    its.operands = (its, asked)  # a loop's name begins with itself
    again.set_metadata("llvm.loop", its)
    builder.position_at_end(behind)


class Vectors:
    """Operations on vectors of `lanes` floats of the arena, on one builder; `whole` vectors need no mask."""

    def __init__(self, builder: Any, arena: Any, lanes: int = VECTOR, *, whole: bool = False) -> None:
        self.b, self.arena, self.lanes, self.whole = builder, arena, lanes, whole
        module, pointer = builder.module, arena.type
        self.vector, self.words = ir.VectorType(_FLOAT, lanes), ir.VectorType(_WORD, lanes)
        mask = ir.VectorType(ir.IntType(1), lanes)
        suffix = f"v{lanes}f32"
        load = ir.FunctionType(self.vector, [pointer, _WORD, mask, self.vector])
        store = ir.FunctionType(ir.VoidType(), [self.vector, pointer, _WORD, mask])
        fma = ir.FunctionType(self.vector, [self.vector] * 3)
        self._load = cgutils.get_or_insert_function(module, load, f"llvm.masked.load.{suffix}.p0")
        self._store = cgutils.get_or_insert_function(module, store, f"llvm.masked.store.{suffix}.p0")
        self._fma = cgutils.get_or_insert_function(module, fma, f"llvm.fma.{suffix}")
        self.zero = ir.Constant(self.vector, [0.0] * lanes)

    def full(self, number: float) -> Any:
        """A vector of one constant."""
        return ir.Constant(self.vector, [number] * self.lanes)

    def at(self, offset: Any) -> Any:
        """The address of an entry of the arena."""
        return self.b.gep(self.arena, [offset])

    def spread(self, scalar: Any, kind: Any) -> Any:
        """One number in every lane."""
        nothing = ir.Constant(kind, ir.Undefined)
        first = self.b.insert_element(nothing, scalar, ir.Constant(_WORD, 0))
        return self.b.shuffle_vector(first, nothing, ir.Constant(self.words, [0] * self.lanes))

    def mask(self, columns: Any, vector: int) -> Any:
        """Which lanes of a row's vector hold one of its columns; None: all."""
        if self.whole:
            return None
        left = self.b.sub(self.b.trunc(columns, _WORD), ir.Constant(_WORD, vector * self.lanes))
        return self.b.icmp_signed("<", ir.Constant(self.words, list(range(self.lanes))), self.spread(left, self.words))

    def _place(self, offset: Any, vector: int) -> Any:
        place = self.at(self.b.add(offset, _WHOLE(vector * self.lanes)))
        return self.b.bitcast(place, self.vector.as_pointer()) if self.whole else place

    def load(self, offset: Any, vector: int, mask: Any, missing: Any = None) -> Any:
        """A vector from an offset on; where the mask is off, what `missing` holds, or zero."""
        place = self._place(offset, vector)
        if mask is None:
            return self.b.load(place, align=4)
        return self.b.call(self._load, [place, _WORD(4), mask, self.zero if missing is None else missing])

    def store(self, value: Any, offset: Any, vector: int, mask: Any, *, past: bool = False) -> None:
        """Write the lanes that are on; `past` the caches goes a whole vector that fills whole lines."""
        place = self._place(offset, vector)
        if past:
            nontemporal = self.b.module.add_metadata([ir.Constant(_WORD, 1)])
            self.b.store(value, place, align=4 * self.lanes).set_metadata("nontemporal", nontemporal)
            return
        if mask is None:
            self.b.store(value, place, align=4)
        else:
            self.b.call(self._store, [value, place, _WORD(4), mask])

    def fetch(self, offset: Any, vector: int = 0, *, to_write: bool = False) -> None:
        """Let the cache line in which a vector begins be on its way while something else is done."""
        place = self.b.bitcast(self.at(self.b.add(offset, _WHOLE(vector * self.lanes))), ir.IntType(8).as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [place.type, _WORD, _WORD, _WORD])
        prefetch = cgutils.get_or_insert_function(self.b.module, kind, "llvm.prefetch.p0")
        self.b.call(prefetch, [place, _WORD(int(to_write)), _WORD(3), _WORD(1)])

    def multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        """x · y + z, rounded once."""
        return self.b.call(self._fma, [x, y, z])

    def picked(self, sources: Sequence[Any], lanes: Sequence[int]) -> Any:
        """The numbers at these places of several vectors taken as one long one."""
        found = ir.Constant(self.vector, ir.Undefined)
        for number, source in enumerate(sources):
            mine = [lane // self.lanes == number for lane in lanes]
            if any(mine):
                pairs = enumerate(zip(lanes, mine, strict=True))
                order = [self.lanes + lane % self.lanes if here else k for k, (lane, here) in pairs]
                found = self.b.shuffle_vector(found, source, ir.Constant(self.words, order))
        return found

    def reduce(self, join: Callable[[Any, Any], Any], x: Any) -> Any:
        """All lanes made one number: the upper half is joined to the lower one until one lane is left."""
        width = self.lanes
        while width > 1:
            width //= 2
            half = ir.VectorType(_WORD, width)
            lower, upper = [
                self.b.shuffle_vector(x, x, ir.Constant(half, [first + lane for lane in range(width)]))
                for first in (0, width)
            ]
            x = join(lower, upper)
        return self.b.extract_element(x, ir.Constant(_WORD, 0))

    def larger(self, x: Any, y: Any) -> Any:
        """The larger of two, lane by lane; of a NaN and a number either, as the processor likes it."""
        return self.b.select(self.b.fcmp_ordered(">", x, y), x, y)
