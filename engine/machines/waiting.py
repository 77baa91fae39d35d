"""Where two threads that each own half of a tape's units meet: one counts up what it has done, the other waits for it.

A thread's count only grows, and is seen together with all that was written before it. Both threads play the same
instructions, so that each knows from its own count what the other's will be. Imported only to be compiled.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import int64, types
from numba.extending import intrinsic

from engine.machines.player import SPINS, arrive, breathe, hand_on, put, stream
from engine.placement import LINE
from engine.tape import FLAG

NEAR = 4  # of the reserved words, behind those of `engine.tape`: 1 where what is sent may stay in the caches
GONE = 1 << 60  # added to the count of a thread that will not come any more


def names_of(variant: dict[str, int]) -> dict[str, Any]:
    """The bodies' names stand for what they are."""
    return {}


def _word(builder: Any, arena: Any, place: Any) -> Any:
    return builder.bitcast(builder.gep(arena, [place]), ir.IntType(64).as_pointer())


@intrinsic
def count_of(context, arena, place):  # type: ignore[no-untyped-def]
    """A count that the other thread changes, and with it all that it has written before."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load_atomic(_word(builder, *arguments), "acquire", 8)

    return types.int64(types.CPointer(types.float32), types.int64), generate


@intrinsic
def let_see(context, arena, place, count):  # type: ignore[no-untyped-def]
    """Let the other thread see a count, and with it all that was written before."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        arena, place, count = arguments
        builder.store_atomic(count, _word(builder, arena, place), "release", 8)
        return target.get_dummy_value()

    return types.void(types.CPointer(types.float32), types.int64, types.int64), generate


def send(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Copy whole cache lines to where the other thread reads them.

    To processors that share a cache they go through it. Between those that lie far apart to take a line away from the
    other, and to be asked for it again, costs 65 ns a line: past the caches, from memory, lines come in streams.
    """
    here, there = int64(instruction[1]), int64(instruction[2])
    if integers[NEAR] != 0:
        for place in range(start, stop, LINE):
            put(arena, here + place, arena, there + place)
    else:
        for place in range(start, stop, LINE):
            stream(arena, here + place, arena, there + place)
        arrive()


def tell(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Count one more thing as done: the place of this thread's count."""
    mine = int64(instruction[1])
    let_see(arena, mine, count_of(arena, mine) + 1)


def await_other(arena: Any, integers: Any, instruction: Any, start: Any, stop: Any) -> None:
    """Wait until the other thread is no more than some things behind: the places of both counts, how many, the yield's.

    Where it has gone for good this thread raises its own flag, to end with this iteration.
    """
    mine, other, yielding = int64(instruction[1]), int64(instruction[2]), int64(instruction[4])
    wanted = count_of(arena, mine) - instruction[3]
    found, spins = count_of(arena, other), 0
    while found < wanted:
        if spins < SPINS:
            breathe()
        else:
            hand_on(count_of(arena, yielding))
        spins += 1
        found = count_of(arena, other)
    if found >= GONE:
        integers[FLAG] = 1
