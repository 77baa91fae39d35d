"""What the compiler made of float32 kernels: vectors in elementwise loops, and no call into a library anywhere."""

from __future__ import annotations

import math
import re
from functools import cache

import pytest

from engine.machines.compiling import FAST_BY_DTYPE, specialised
from engine.machines.objects import undefined_symbols
from engine.primitives import all_primitives
from engine.primitives.base import Kernel, Primitive, Variant, kernel

# What a loop that copies or clears may become, and the names every object carries.
ALLOWED = {"memset", "memcpy", "memmove", ""}
BODIES = {p.body.name: p for p in all_primitives() if p.body is not None}
# One number alone, or neighbours that depend on each other: nothing to vectorise.
ELEMENTWISE = [
    p
    for p in BODIES.values()
    if p.kind == "real" and (p.is_elementwise or p.walks or p.shape.__name__ == "same") and p.encode.__name__ != "row_encode"
]  # fmt: skip
ARITHMETIC = re.compile(
    r"(?:fadd|fsub|fmul|fdiv|fcmp|fneg|@llvm\.sqrt)[^\n]*<(?:4|8|16) x float>|select <(?:4|8|16) x i1>"
)
MOVES = {"hand_on"}  # whole vectors, and nothing is computed
MOVING = re.compile(r"store <(?:4|8|16) x float>|@llvm\.mem(?:cpy|move)")


@cache
def compiled(kernel: Kernel, variant: Variant = ()):
    """The compiled body, not from the cache: an object that was loaded has no text to look at."""
    from numba import cfunc, types

    number, word = types.CPointer(types.float32), types.CPointer(types.int32)
    signature = types.void(number, word, word, types.int64, types.int64)
    function = specialised(kernel.function, dict(variant), "float32", f"{kernel.name}_looked_at")
    return cfunc(signature, fastmath=FAST_BY_DTYPE["float32"], error_model="numpy")(function)


@pytest.mark.parametrize("primitive", ELEMENTWISE, ids=str)
def test_an_elementwise_loop_holds_vector_arithmetic(primitive: Primitive):
    assert primitive.body is not None
    wanted = MOVING if primitive.name in MOVES else ARITHMETIC
    assert wanted.search(compiled(primitive.body).inspect_llvm())


@pytest.mark.parametrize("primitive", BODIES.values(), ids=str)
def test_a_float32_kernel_calls_no_library(primitive: Primitive):
    assert primitive.body is not None
    library = compiled(primitive.body)._library
    assert undefined_symbols(library._get_compiled_object()) <= ALLOWED


def test_both_checks_notice_a_library_call():
    # A scalar that has no float32 version of its own falls back to the C library.
    @kernel
    def slow_body(arena, integers, instruction, start, stop):
        x, y = instruction[1], instruction[2]
        for i in range(start, stop):
            arena[y + i] = math.erf(arena[x + i])

    assert "erff" in undefined_symbols(compiled(slow_body)._library._get_compiled_object())
    assert not ARITHMETIC.search(compiled(slow_body).inspect_llvm())
