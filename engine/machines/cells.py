"""The CPU's float32 bodies of a step of an LSTM cell: all gates of some units at a time, in registers."""

from __future__ import annotations

from functools import cache
from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.extending import intrinsic

from engine.machines.curves import sigmoid, tanh
from engine.machines.vectors import VECTOR, Vectors, not_compiled_in

LANES = VECTOR  # compiled in: units at a time
CARRIED = SENT = 0  # compiled in: see engine.primitives.fused_cells
_WHOLE = ir.IntType(64)


def _forward(v: Vectors, mask: Any, z: Any, units: Any, at: Any, places: list[Any]) -> None:
    b = v.b
    sums = [v.load(b.add(z, b.mul(units, _WHOLE(gate))), 0, mask) for gate in range(4)]
    before, *out = [b.add(place, at) for place in places]
    i, f, o = (sigmoid(v, x) for x in sums[:3])
    candidate = tanh(v, sums[3])
    memory = v.multiply_add(f, v.load(before, 0, mask), b.fmul(i, candidate))
    bent = tanh(v, memory)
    for number, place in zip((i, f, o, candidate, memory, bent, b.fmul(o, bent)), out, strict=True):
        v.store(number, place, 0, mask)


def _backward(v: Vectors, mask: Any, z: Any, units: Any, at: Any, places: list[Any], carried: bool, sent: bool) -> None:
    b, one = v.b, v.full(1.0)
    *known, carrying, sending = [b.add(place, at) for place in places]
    dh, i, f, o, candidate, before, bent = [v.load(place, 0, mask) for place in known]

    def less(x: Any, y: Any) -> Any:
        return b.fsub(one, b.fmul(x, y))

    dc = b.fmul(b.fmul(dh, o), less(bent, bent))
    if carried:
        dc = b.fadd(v.load(carrying, 0, mask), dc)
    slopes = (
        b.fmul(b.fmul(dc, candidate), b.fmul(i, b.fsub(one, i))),
        b.fmul(b.fmul(dc, before), b.fmul(f, b.fsub(one, f))),
        b.fmul(b.fmul(dh, bent), b.fmul(o, b.fsub(one, o))),
        b.fmul(b.fmul(dc, i), less(candidate, candidate)),
    )
    for gate, slope in enumerate(slopes):
        v.store(slope, b.add(z, b.mul(units, _WHOLE(gate))), 0, mask)
    if sent:
        v.store(b.fmul(dc, f), sending, 0, mask)


@cache
def _some_units(work: Any, lanes: int, whole: bool, *more: bool) -> Any:
    """Intrinsic `(arena, z, units, at, left, places)`: some units of an example; of its sums and numbers, where they begin."""

    def typed(context, arena, z, units, at, left, places):  # type: ignore[no-untyped-def]
        def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
            arena, z, units, at, left, places = arguments
            v = Vectors(builder, arena, lanes, whole=whole)
            offsets = [builder.extract_value(places, place) for place in range(len(signature.args[5]))]
            work(v, v.mask(left, 0), z, units, at, offsets, *more)
            return target.get_dummy_value()

        return types.void(types.CPointer(types.float32), *[types.int64] * 4, places), generate

    return intrinsic(typed)


_forward_some = _backward_some = not_compiled_in


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """What the bodies' names stand for in a variant: LANES units at a time (WHOLE: never fewer)."""
    lanes, whole = variant["LANES"], bool(variant["WHOLE"])
    if "CARRIED" not in variant:
        return {"_forward_some": _some_units(_forward, lanes, whole)}
    neighbours = bool(variant["CARRIED"]), bool(variant["SENT"])
    return {"_backward_some": _some_units(_backward, lanes, whole, *neighbours)}


def lstm_step(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Examples [start, stop) of the gates, the memory and the state."""
    z, units = int64(instruction[1]), int64(instruction[10])
    places = (
        int64(instruction[2]), int64(instruction[3]), int64(instruction[4]), int64(instruction[5]), int64(instruction[6]),
        int64(instruction[7]), int64(instruction[8]), int64(instruction[9]),
    )  # fmt: skip
    for r in range(start, stop):
        u = int64(0)
        while u < units:
            _forward_some(arena, z + r * 4 * units + u, units, r * units + u, units - u, places)
            u += LANES


def lstm_step_gradient(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Examples [start, stop) of what the sums are sent, and what the memory sends to the step before."""
    z, units = int64(instruction[8]), int64(instruction[9])
    places = (
        int64(instruction[1]), int64(instruction[2]), int64(instruction[3]), int64(instruction[4]), int64(instruction[5]),
        int64(instruction[6]), int64(instruction[7]), int64(instruction[10]), int64(instruction[11]),
    )  # fmt: skip
    for r in range(start, stop):
        u = int64(0)
        while u < units:
            _backward_some(arena, z + r * 4 * units + u, units, r * units + u, units - u, places)
            u += LANES
