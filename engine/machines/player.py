"""The native loops: call kernels by address, one step or a million iterations. Imported only to be compiled."""

from __future__ import annotations

from llvmlite import ir
from numba import cfunc, types
from numba.extending import intrinsic

from engine.machines.objects import KEEPS
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


_WHOLES, _WORDS, _NUMBER = types.CPointer(types.int64), types.CPointer(types.int32), types.int64
# kernels, arena, integers, code, starts, lengths: what both loops are handed first, as addresses.
_MEMORY = (_WHOLES, _NUMBER, _NUMBER, _NUMBER, _WHOLES, _WHOLES)


@cfunc(types.void(*_MEMORY, _NUMBER, _NUMBER), cache=not KEEPS, error_model="numpy")
def play(kernels, arena, integers, code, starts, lengths, begin, end):  # type: ignore[no-untyped-def]
    """Play instructions [begin, end) once."""
    for pc in range(begin, end):
        call_kernel(kernels[pc], arena, integers, code + 4 * starts[pc], 0, lengths[pc])


@cfunc(types.int64(*_MEMORY, _WORDS, _WHOLES, _WHOLES, _NUMBER), cache=not KEEPS, error_model="numpy")
def iterate(kernels, arena, integers, code, starts, lengths, words, clock, schedule, times):  # type: ignore[no-untyped-def]
    """Play whole iterations until `times` are done or a kernel raises the flag; returns how many were done.

    words     the integers once more, as numbers
    clock     iteration, epoch, iteration within the epoch, kept here and shown to kernels in `words`
    schedule  begin and end of the full section, begin and end of the short one, full iterations an epoch, all iterations
              an epoch, rows a batch
    """
    done = 0
    while done < times:
        words[ITERATION] = clock[0] & 0x7FFFFFFF
        words[EPOCH] = clock[1] & 0x7FFFFFFF
        words[ROW] = clock[2] * schedule[6]
        short = clock[2] >= schedule[4]
        begin = schedule[2] if short else schedule[0]
        end = schedule[3] if short else schedule[1]
        for pc in range(begin, end):
            call_kernel(kernels[pc], arena, integers, code + 4 * starts[pc], 0, lengths[pc])
        done += 1
        clock[0] += 1
        clock[2] += 1
        if clock[2] >= schedule[5]:
            clock[2] = 0
            clock[1] += 1
        if words[FLAG] != 0:
            break
    return done
