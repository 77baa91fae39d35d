"""Instructions of the processor that kernel bodies ask for by name (see `Intrinsic` in engine.primitives.base)."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


@intrinsic
def bits_of(context, number):  # type: ignore[no-untyped-def]
    """float32 -> int32, bit for bit."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


@intrinsic
def float_of_bits(context, bits):  # type: ignore[no-untyped-def]
    """int32 (or a wider whole number, cut to 32 bits) -> float32, bit for bit."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


@intrinsic
def high_product(context, first, second):  # type: ignore[no-untyped-def]
    """Upper word of a product. The compiler's own multiplication of whole numbers is undefined beyond 63 bits."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.lshr(builder.mul(*arguments), ir.Constant(ir.IntType(64), 32))

    return types.int64(types.int64, types.int64), generate


@intrinsic
def low_product(context, first, second):  # type: ignore[no-untyped-def]
    """Lower word of a product."""

    def generate(target, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.and_(builder.mul(*arguments), ir.Constant(ir.IntType(64), 0xFFFFFFFF))

    return types.int64(types.int64, types.int64), generate
