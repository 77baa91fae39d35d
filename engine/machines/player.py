"""The native loops: call kernels by address, one step or a million iterations. Imported only to be compiled."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cached_property
from typing import Any

from llvmlite import ir
from numba import cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from engine.machines.compiling import INLINED, KernelCompiler
from engine.machines.objects import KEEPS
from engine.placement import LINE
from engine.tape import EPOCH, FLAG, ITERATION, ROW


@intrinsic
def call_kernel(context, address, arena, integers, instruction, start, stop):  # type: ignore[no-untyped-def]
    """Call the compiled body at `address`; arena, integers and instruction are addresses too."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        byte_pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.VoidType(), [byte_pointer] * 3 + [ir.IntType(64)] * 2)
        pointers = [builder.inttoptr(argument, byte_pointer) for argument in arguments[1:4]]
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), [*pointers, arguments[4], arguments[5]])
        return target.get_dummy_value()

    whole = types.int64
    return types.void(whole, whole, whole, whole, whole, whole), generate


@intrinsic
def read_whole(context, address, place):  # type: ignore[no-untyped-def]
    """An entry of an array of 64-bit whole numbers that is known by its address."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        begin = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load(builder.gep(begin, [arguments[1]]))

    return types.int64(types.int64, types.int64), generate


@njit(**INLINED)
def tell_time(words, clock, schedule, turn):  # type: ignore[no-untyped-def]
    """Show kernels the time of the iteration that begins; where its section stands in the schedule."""
    words[ITERATION] = clock[0] & 0x7FFFFFFF
    words[EPOCH] = clock[1] & 0x7FFFFFFF
    words[ROW] = clock[2] * schedule[2]
    return 4 + 4 * turn + (2 if clock[2] >= schedule[0] else 0)


@njit(**INLINED)
def go_on(clock, schedule, turn):  # type: ignore[no-untyped-def]
    """An iteration is done; whose turn is next."""
    clock[0] += 1
    clock[2] += 1
    if clock[2] >= schedule[1]:
        clock[2] = 0
        clock[1] += 1
    return turn + 1 if turn + 1 < schedule[3] else 0


class Loop:
    """A native loop, compiled when it is first asked for: a step needs one of them."""

    def __init__(self, function: Callable[..., Any], signature: Any) -> None:
        self._function, self._signature = function, signature

    @cached_property
    def compiled(self) -> Any:
        """What Numba makes of it, with its `address`."""
        options = {"error_model": "numpy", "pipeline_class": KernelCompiler}
        return cfunc(self._signature, cache=not KEEPS, **options)(self._function)


def loop(signature: Any) -> Callable[[Callable[..., Any]], Loop]:
    """Record a loop with the types that it is called with."""
    return lambda function: Loop(function, signature)


_WHOLES, _WORDS, _NUMBER = types.CPointer(types.int64), types.CPointer(types.int32), types.int64
# kernels, arena, integers, code, starts, lengths: what both loops are handed first, as addresses.
_MEMORY = (_WHOLES, _NUMBER, _NUMBER, _NUMBER, _WHOLES, _WHOLES)


@loop(types.void(*_MEMORY, _NUMBER, _NUMBER))
def play(kernels, arena, integers, code, starts, lengths, begin, end):  # type: ignore[no-untyped-def]
    """Play instructions [begin, end) once."""
    for pc in range(begin, end):
        call_kernel(kernels[pc], arena, integers, code + 4 * starts[pc], 0, lengths[pc])


@loop(types.int64(*_MEMORY, _WORDS, _WHOLES, _WHOLES, _NUMBER))
def iterate(kernels, arena, integers, code, starts, lengths, words, clock, schedule, times):  # type: ignore[no-untyped-def]
    """Play whole iterations until `times` are done or a kernel raises the flag; returns how many were done.

    words     the integers once more, as numbers
    clock     iteration, epoch, iteration within the epoch, kept here and shown to kernels in `words`
    schedule  full iterations an epoch, all iterations an epoch, rows a batch, number of turns; then of each turn begin and
              end of its full section, begin and end of its short one
    """
    done, turn = 0, clock[0] % schedule[3]
    while done < times:
        at = tell_time(words, clock, schedule, turn)
        begin, end = schedule[at], schedule[at + 1]
        for pc in range(begin, end):
            call_kernel(kernels[pc], arena, integers, code + 4 * starts[pc], 0, lengths[pc])
        done += 1
        turn = go_on(clock, schedule, turn)
        if words[FLAG] != 0:
            break
    return done


SPINS = (
    2_000  # looks at a word that another thread will change, some ten microseconds, before the processor is handed on
)
STOP = -1  # in place of work: the helper may go
# Of what lies open in one word: the first piece that nobody has, the end of those that nobody has, the instruction's place,
# then which work it is, counted. The first thread takes pieces from the front and the helper from the back, so that from
# one instruction to the next each meets the numbers that it has computed itself.
PIECE_BITS, PLACE_BITS = 4, 24
OPEN_BITS = 2 * PIECE_BITS
_HINTS = {"x86_64": "llvm.x86.sse2.pause", "AMD64": "llvm.x86.sse2.pause"}
_FENCES = {"x86_64": "llvm.x86.sse.sfence", "AMD64": "llvm.x86.sse.sfence"}


def _word(builder: Any, address: Any) -> Any:
    return builder.inttoptr(address, ir.IntType(64).as_pointer())


def instruct(builder: Any, words: dict[str, str]) -> None:
    """An instruction without operands, by the kind of processor that has it; elsewhere nothing."""
    word = words.get(platform.machine())
    if word:
        kind = ir.FunctionType(ir.VoidType(), [])
        builder.call(cgutils.get_or_insert_function(builder.module, kind, word), [])


@intrinsic
def say(context, address, number):  # type: ignore[no-untyped-def]
    """Let the other thread see a number, and with it all that was written before."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store_atomic(arguments[1], _word(builder, arguments[0]), "release", 8)
        return target.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def see(context, address):  # type: ignore[no-untyped-def]
    """A number that the other thread changes, and with it all that it has written before."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.load_atomic(_word(builder, arguments[0]), "acquire", 8)

    return types.int64(types.int64), generate


@intrinsic
def claim(context, address, number, following):  # type: ignore[no-untyped-def]
    """Put the following number into a word if it still holds that one: 1 if this thread was the one to do so."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        place = _word(builder, arguments[0])
        found = builder.cmpxchg(place, arguments[1], arguments[2], "acq_rel", "acquire")
        return builder.zext(builder.extract_value(found, 1), ir.IntType(64))

    return types.int64(types.int64, types.int64, types.int64), generate


@intrinsic
def count_up(context, address):  # type: ignore[no-untyped-def]
    """Add 1 to a word that both threads count in."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.atomic_rmw("add", _word(builder, arguments[0]), ir.Constant(ir.IntType(64), 1), "acq_rel")
        return target.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def breathe(context):  # type: ignore[no-untyped-def]
    """Tell the processor that this loop only waits."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        instruct(builder, _HINTS)
        return target.get_dummy_value()

    return types.void(), generate


def _line(builder: Any, arguments: Any) -> tuple[Any, Any]:
    """As many floats as a cache line holds, read where a copy begins, and where they go; that line is whole."""
    source, here, goal, there = arguments
    line = ir.VectorType(ir.FloatType(), LINE).as_pointer()
    found = builder.load(builder.bitcast(builder.gep(source, [here]), line), align=4)
    return found, builder.bitcast(builder.gep(goal, [there]), line)


@intrinsic
def stream(context, source, here, goal, there):  # type: ignore[no-untyped-def]
    """Send a cache line to memory, past the caches."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        store = builder.store(*_line(builder, arguments), align=4 * LINE)
        store.set_metadata("nontemporal", builder.module.add_metadata([ir.Constant(ir.IntType(32), 1)]))
        return target.get_dummy_value()

    floats = types.CPointer(types.float32)
    return types.void(floats, types.int64, floats, types.int64), generate


@intrinsic
def put(context, source, here, goal, there):  # type: ignore[no-untyped-def]
    """Copy a cache line, which stays in this processor's caches until another asks for it."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        builder.store(*_line(builder, arguments), align=4 * LINE)
        return target.get_dummy_value()

    floats = types.CPointer(types.float32)
    return types.void(floats, types.int64, floats, types.int64), generate


@intrinsic
def arrive(context):  # type: ignore[no-untyped-def]
    """Go on when all that was sent has arrived; where no such word is needed telling says it too."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        instruct(builder, _FENCES)
        return target.get_dummy_value()

    return types.void(), generate


@intrinsic
def hand_on(context, address):  # type: ignore[no-untyped-def]
    """Call the system's yield by its address."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        function = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), [])
        return target.get_dummy_value()

    return types.void(types.int64), generate


@njit(**INLINED)
def wait(spins, yielding):  # type: ignore[no-untyped-def]
    """One look more was in vain."""
    if spins < SPINS:
        breathe()
    else:
        hand_on(yielding)


@njit(**INLINED)
def work_off(kernels, arena, integers, code, starts, lengths, sharing, found, helps):  # type: ignore[no-untyped-def]
    """Claim a piece of the work found in the word and do it, who `helps` the last one; who comes too late does nothing.

    1 if done.
    """
    mask = (1 << PIECE_BITS) - 1
    first, end = found & mask, (found >> PIECE_BITS) & mask
    if first >= end or claim(sharing[0], found, found - (1 << PIECE_BITS) if helps else found + 1) == 0:
        return 0
    pc = (found >> OPEN_BITS) & ((1 << PLACE_BITS) - 1)
    piece, pieces = (end - 1 if helps else first), read_whole(sharing[3], pc)
    for at in range(pc, pc + read_whole(sharing[5], pc)):
        size = read_whole(sharing[4], at)
        begin = piece * size
        end = begin + size if piece + 1 < pieces else lengths[at]
        if begin < end:
            call_kernel(kernels[at], arena, integers, code + 4 * starts[at], begin, end)
    count_up(sharing[1])
    return 1


@loop(types.void(*_MEMORY, _WHOLES))
def help_out(kernels, arena, integers, code, starts, lengths, sharing):  # type: ignore[no-untyped-def]
    """What a second thread does while `iterate_shared` runs: take pieces of work that lie open, until told to stop.

    sharing  addresses: the word that says what lies open, how many pieces of it are done, the system's yield, and by
             instruction the number of its pieces, the outputs in one, and how many instructions a piece goes through
    """
    spins = 0
    while True:
        found = see(sharing[0])
        if found == STOP:
            return
        if work_off(kernels, arena, integers, code, starts, lengths, sharing, found, True) != 0:
            spins = 0
        else:
            wait(spins, sharing[2])
            spins += 1


@loop(types.int64(*_MEMORY, _WORDS, _WHOLES, _WHOLES, _NUMBER, _WHOLES))
def iterate_shared(kernels, arena, integers, code, starts, lengths, words, clock, schedule, times, sharing):  # type: ignore[no-untyped-def]
    """As `iterate`, but dear instructions lie open in pieces, which `help_out` takes from as well; `sharing` as there.

    This thread never waits for a helper to begin: where none comes it does all pieces itself.
    """
    done, turn, order = 0, clock[0] % schedule[3], 0
    while done < times:
        at = tell_time(words, clock, schedule, turn)
        begin, end = schedule[at], schedule[at + 1]
        pc = begin
        while pc < end:
            pieces = read_whole(sharing[3], pc)
            if pieces <= 1:
                call_kernel(kernels[pc], arena, integers, code + 4 * starts[pc], 0, lengths[pc])
                pc += 1
                continue
            order = (order + 1) & 0x3FFFFFFF
            found = (order << (OPEN_BITS + PLACE_BITS)) | (pc << OPEN_BITS) | (pieces << PIECE_BITS)
            say(sharing[1], 0)
            say(sharing[0], found)
            while found & ((1 << PIECE_BITS) - 1) < (found >> PIECE_BITS) & ((1 << PIECE_BITS) - 1):
                work_off(kernels, arena, integers, code, starts, lengths, sharing, found, False)
                found = see(sharing[0])
            spins = 0
            while see(sharing[1]) < pieces:
                wait(spins, sharing[2])
                spins += 1
            pc += read_whole(sharing[5], pc)
        done += 1
        turn = go_on(clock, schedule, turn)
        if words[FLAG] != 0:
            break
    say(sharing[0], STOP)
    return done


@njit(**INLINED)
def lines_of(count):  # type: ignore[no-untyped-def]
    """Floats in as many whole cache lines as these fill."""
    return (count + LINE - 1) // LINE * LINE


_NUMBERS = types.CPointer(types.float32)
POST_FIELDS, STAGE_FIELDS, ADDED = 6, 4, 1  # as `engine.machines.twins` has them
_TWIN = (_WHOLES, _WHOLES, _NUMBERS, _WORDS, _WHOLES, _WHOLES, _NUMBER, *[_WHOLES] * 3, _NUMBERS, _NUMBERS)


@loop(types.int64(*_MEMORY, *_TWIN))
def iterate_twin(  # type: ignore[no-untyped-def]
    kernels, arena, integers, code, starts, lengths, firsts, lasts, numbers, words,
    clock, schedule, times, meeting, stages, posts, mine, its,
):  # fmt: skip
    """As `iterate`, for one of two threads that play the same instructions: of each the outputs from `firsts` to `lasts`.

    numbers, words  arena and integers once more, as what they hold
    schedule        as there, but with stages in place of instructions
    meeting         addresses of the word in which this thread counts the meetings it has come to, of the other's and of
                    the system's yield; and how much a box holds
    stages, posts   rows of whole numbers, see `engine.machines.twins`
    mine, its       two boxes behind each other that this thread fills in turn, and those that the other fills
    """
    done, turn, met = 0, clock[0] % schedule[3], 0
    while done < times:
        at = tell_time(words, clock, schedule, turn)
        for stage in range(schedule[at], schedule[at + 1]):
            row = STAGE_FIELDS * stage
            begin, end = stages[row + 2], stages[row + 3]
            # Who fills this box again has met the other in between, who had emptied it by then.
            box = met % 2 * meeting[3]
            to, post = box, begin
            for pc in range(stages[row], stages[row + 1]):
                call_kernel(kernels[pc], arena, integers, code + 4 * starts[pc], firsts[pc], lasts[pc])
                while post < end and posts[POST_FIELDS * post + 5] == pc:
                    sent, count = posts[POST_FIELDS * post + 1], posts[POST_FIELDS * post + 2]
                    for i in range(0, count, LINE):
                        stream(numbers, sent + i, mine, to + i)
                    to += lines_of(count)
                    post += 1
            if begin == end:
                continue
            arrive()
            met += 1
            say(meeting[0], met)
            spins = 0
            while see(meeting[1]) < met:
                wait(spins, meeting[2])
                spins += 1
            for post in range(begin, end):
                kind, to, count = (
                    posts[POST_FIELDS * post],
                    posts[POST_FIELDS * post + 3],
                    posts[POST_FIELDS * post + 4],
                )
                if kind == ADDED:
                    for i in range(count):
                        numbers[to + i] += its[box + i]
                else:
                    for i in range(count):
                        numbers[to + i] = its[box + i]
                box += lines_of(count)
        done += 1
        turn = go_on(clock, schedule, turn)
        if words[FLAG] != 0:
            break
    return done


@loop(types.int64(_NUMBERS, _NUMBERS, _WHOLES, _NUMBER))
def take_over(mine, its, runs, count):  # type: ignore[no-untyped-def]
    """Copy runs of numbers that begin and are as long as `runs` says, pair by pair, from another memory."""
    for run in range(count):
        begin = runs[2 * run]
        for i in range(begin, begin + runs[2 * run + 1]):
            mine[i] = its[i]
    return count
