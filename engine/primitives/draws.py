"""Random numbers of an iteration, by Philox-4x32-10: every number is a function of key, iteration and place alone.

Nothing is carried from one number to the next, so adding a node changes nobody else's numbers, any piece of an array can
be drawn by itself, and a replayed iteration draws the same. The key is the document's seed with a hash of the node's path.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    high_product,
    kernel,
    low_product,
    no_derivative,
    real,
    register,
    scalar,
    steps,
    whole32,
)
from engine.primitives.elementary import cos_of, log_of, sqrt_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Shape, Value, shape_text

STEP_A = 1  # compiled in: 0 where the operand is a single number
ONCE = 0  # compiled in: whether every iteration draws the same
WORD = 0xFFFFFFFF
STEP_OF_24_BITS = 2.0**-24
STEP_OF_23_BITS = 2.0**-23
Key = int | tuple[int, int]  # of a stream of draws: two words of 32 bits, or one number of up to 64 bits
SOURCE = "Salmon, Moraes, Dror & Shaw 2011: Philox-4x32-10"


@scalar()
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """Four random words of 32 bits, from a counter of four words and a key of two."""
    for _ in range(10):
        high0, low0 = high_product(c0, 0xD2511F53), low_product(c0, 0xD2511F53)
        high1, low1 = high_product(c2, 0xCD9E8D57), low_product(c2, 0xCD9E8D57)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = (k0 + 0x9E3779B9) & WORD, (k1 + 0xBB67AE85) & WORD
    return c0, c1, c2, c3


def key_of(build: Builder, stream: str) -> tuple[int, int]:
    """The key of one stream of the current node, at the current step of time: a hash of both with the document's seed."""
    address = f"{build.origin.node}.{stream}" + (f"@{build.step}" if build.step >= 0 else "")
    seed = (build.seed % (1 << 64)).to_bytes(8, "little")
    number = int.from_bytes(hashlib.blake2b(address.encode(), digest_size=8, key=seed).digest(), "little")
    return number & WORD, number >> 32


def key_words(key: Key) -> tuple[int, int]:
    """A key as two signed 32-bit fields of an instruction."""
    low, high = key if isinstance(key, tuple) else (key & WORD, key >> 32)
    return _signed(low), _signed(high)


def _signed(word: int) -> int:
    word &= WORD
    return word - (1 << 32) if word >> 31 else word


def draw_shape(shape: Shape, key: Key) -> Shape:
    """The shape asked for."""
    return shape


def draw_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """Operands, y, the two words of the key."""
    return (*[region.offset for region in operands], result.offset, *key_words(attributes["key"]))


def lasting_shape(shape: Shape, key: Key, once: bool = False) -> Shape:
    """The shape asked for. `once`: the same draws at every iteration."""
    return shape


def once_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[tuple[str, int], ...]:
    """Whether the iteration takes part."""
    return (("ONCE", 1),) if attributes.get("once") else ()


@kernel
def random_uniform_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, k0, k1 = instruction[1], instruction[2] & WORD, instruction[3] & WORD
    iteration = 0 if ONCE else integers[0] & WORD
    for i in range(start, stop):
        first, _, _, _ = philox(iteration, i, 0, 0, k0, k1)
        arena[y + i] = real(whole32(first >> 8)) * real(STEP_OF_24_BITS)


random_uniform = register(Primitive(
    name="random_uniform", formula=r"y \sim U[0, 1)", shape=lasting_shape,
    body=random_uniform_body, derivative=no_derivative, variant=once_variant,
    encode=draw_encode, source=SOURCE, convention="24 bits, the same number in both precisions",
))  # fmt: skip


@kernel
def random_normal_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, k0, k1 = instruction[1], instruction[2] & WORD, instruction[3] & WORD
    iteration = integers[0] & WORD
    for i in range(start, stop):
        first, second, _, _ = philox(iteration, i, 0, 0, k0, k1)
        chance = real(whole32(first >> 8) + 1) * real(STEP_OF_24_BITS)  # above 0: its logarithm is finite
        angle = real(whole32(second >> 8)) * real(STEP_OF_24_BITS * 2 * math.pi)
        arena[y + i] = sqrt_of(real(-2) * log_of(chance)) * cos_of(angle)


random_normal = register(Primitive(
    name="random_normal", formula=r"y \sim \mathcal{N}(0, 1)", shape=draw_shape, body=random_normal_body,
    derivative=no_derivative, encode=draw_encode, source=f"{SOURCE}; Box & Muller 1958",
    convention="24 bits of radius and of angle: at most 5.77 from 0",
))  # fmt: skip


def bernoulli_shape(chance: Value, shape: Shape, key: Key) -> Shape:
    """The shape asked for; the chance is one number, or one for each entry."""
    if chance.shape not in ((), shape):
        raise shape_mismatch(
            f"{shape_text(chance.shape)} chances meet {shape_text(shape)} draws",
            "Give one chance, or one for each draw.",
        )
    return shape


@kernel
def random_bernoulli_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    p, y, k0, k1 = instruction[1], instruction[2], instruction[3] & WORD, instruction[4] & WORD
    iteration = integers[0] & WORD
    single = arena[p]
    for i in range(start, stop):
        first, _, _, _ = philox(iteration, i, 0, 0, k0, k1)
        chance = arena[p + i] if STEP_A else single
        hit = real(1) if real(whole32(first >> 8)) * real(STEP_OF_24_BITS) < chance else real(0)
        arena[y + i] = hit if chance == chance else chance


random_bernoulli = register(Primitive(
    name="random_bernoulli", formula=r"y = [u < p],\quad u \sim U[0, 1)", shape=bernoulli_shape,
    body=random_bernoulli_body,
    derivative=no_derivative, encode=draw_encode, variant=steps, domain=Interval(0.1, 0.9), source=SOURCE,
))  # fmt: skip


@kernel
def random_gumbel_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, k0, k1 = instruction[1], instruction[2] & WORD, instruction[3] & WORD
    iteration = integers[0] & WORD
    for i in range(start, stop):
        first, _, _, _ = philox(iteration, i, 0, 0, k0, k1)
        # The middle of one of 2²³ steps, exact in float32 too: neither 0 nor 1, so that both logarithms are finite.
        chance = (real(whole32(first >> 9)) + real(0.5)) * real(STEP_OF_23_BITS)
        arena[y + i] = -log_of(-log_of(chance))


random_gumbel = register(Primitive(
    name="random_gumbel", formula=r"y = -\ln(-\ln u),\quad u \sim U(0, 1)", shape=draw_shape, body=random_gumbel_body,
    derivative=no_derivative, encode=draw_encode, source=f"{SOURCE}; Gumbel 1954",
    convention="23 bits: between -2.8 and 16.6",
))  # fmt: skip


def one_piece(operands: Sequence[Region], result: Region) -> int:
    """The work is not cut: every draw may fall on any entry."""
    return 1


def bag_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, the two words of the key, number of entries."""
    return (result.offset, *key_words(attributes["key"]), result.size)


@kernel
def random_bag_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, k0, k1, count = instruction[1], instruction[2] & WORD, instruction[3] & WORD, instruction[4]
    iteration = 0 if ONCE else integers[0] & WORD
    for _ in range(start, stop):
        for i in range(count):
            arena[y + i] = real(0)
        for i in range(count):
            first, _, _, _ = philox(iteration, i, 0, 0, k0, k1)
            arena[y + high_product(first, count)] += real(1)


random_bag = register(Primitive(
    name="random_bag", formula=r"y_i = |\{j \leq n : u_j = i\}|,\quad u_j \sim \{1 \dots n\}", shape=lasting_shape,
    body=random_bag_body, derivative=no_derivative, encode=bag_encode, length=one_piece, variant=once_variant,
    source=f"{SOURCE}; Breiman 1996: bootstrap aggregation",
))  # fmt: skip
