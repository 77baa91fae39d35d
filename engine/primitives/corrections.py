"""What is done to gradients before a step, to parameters around it, and to the mean of parameters after it.

Each keeps what it was given: a gradient stays as it was found, and a parameter that is moved twice in one update leaves
its number between the two behind. So every line of an update can be shown with its own numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    Variant,
    encode_update,
    kernel,
    need_real,
    real,
    register,
)
from engine.primitives.draws import WORD, Key, key_words, philox
from engine.primitives.elementary import sqrt_of
from engine.primitives.updates import ANY, RATE, SHARE, walking
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

WHOLE = 0  # compiled in: 1 where the penalty is λ w², without the half
LATE = 0  # compiled in: 1 where parameters fade behind the step
KINKED = Interval(kinks=(0.0,))


def whole_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The body for λ/2 w², or for λ w²."""
    return (("WHOLE", 1),) if attributes.get("whole") else ()


def squared_shape(*operands: Value, whole: bool = False) -> Shape:
    """As of every update on gradients, parameters and settings."""
    return walking(3)(*operands)


@kernel
def l2_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, g, w = instruction[1], instruction[2], instruction[3]
    strength = arena[instruction[4]]
    if WHOLE:
        strength = strength + strength
    for i in range(start, stop):
        arena[y + i] = arena[g + i] + strength * arena[w + i]


l2_gradient = register(Primitive(
    name="l2_gradient", formula=r"\tilde g = g + \lambda w", shape=squared_shape, body=l2_gradient_body,
    encode=encode_update, variant=whole_variant, writes=(0,), walks=3, domain=(ANY, ANY, ANY, SHARE),
    source="Aggarwal 2023, §2.6.4 and §5.4", convention="of λ/2 w²; `whole`: of λ w², which is g + 2λw",
))  # fmt: skip


@kernel
def l1_gradient_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, g, w = instruction[1], instruction[2], instruction[3]
    strength = arena[instruction[4]]
    for i in range(start, stop):
        number = arena[w + i]
        rising = strength if number > real(0) else number * real(0)  # NaN stays NaN
        arena[y + i] = arena[g + i] + (-strength if number < real(0) else rising)


l1_gradient = register(Primitive(
    name="l1_gradient", formula=r"\tilde g = g + \lambda\,\mathrm{sign}(w)", shape=walking(3), body=l1_gradient_body,
    encode=encode_update, writes=(0,), walks=3, domain=(ANY, ANY, KINKED, SHARE),
    source="Aggarwal 2023, §5.4.2", convention="at w = 0 the sign is 0",
))  # fmt: skip


def drawn_shape(total: Value, slope: Value, w: Value, strength: Value, key: Key) -> Shape:
    """As of every update on gradients, parameters and settings."""
    return walking(3)(total, slope, w, strength)


def drawn_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """Operands, the two words of the key."""
    return (*encode_update(operands, result, attributes), *key_words(attributes["key"]))


@kernel
def l1_gradient_drawn_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, g, w = instruction[1], instruction[2], instruction[3]
    strength, k0, k1 = arena[instruction[4]], instruction[5] & WORD, instruction[6] & WORD
    iteration = integers[0] & WORD
    for i in range(start, stop):
        number = arena[w + i]
        first, _, _, _ = philox(iteration, i, 0, 0, k0, k1)
        falls = number < real(0) or (number == real(0) and first >> 31 == 0)
        pull = -strength if falls else strength
        arena[y + i] = arena[g + i] + (pull if number == number else number)  # NaN stays NaN


l1_gradient_drawn = register(Primitive(
    name="l1_gradient_drawn", formula=r"\tilde g = g + \lambda s(w)", shape=drawn_shape, body=l1_gradient_drawn_body,
    encode=drawn_encode, writes=(0,), walks=3, domain=(ANY, ANY, KINKED, SHARE), source="Aggarwal 2023, §5.4.2",
    convention="s(w) is the sign of w; at w = 0 it is −1 or 1, drawn anew at every iteration",
))  # fmt: skip


@kernel
def clip_value_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, g, low, high = instruction[1], instruction[2], arena[instruction[3]], arena[instruction[4]]
    for i in range(start, stop):
        slope = arena[g + i]
        capped = high if slope > high else slope
        arena[y + i] = low if slope < low else capped


clip_value = register(Primitive(
    name="clip_value", formula=r"\tilde g = \min(\max(g, a), b)", shape=walking(2), body=clip_value_body,
    encode=encode_update, writes=(0,), walks=2, domain=(ANY, ANY, Interval(-1, -0.5), Interval(0.5, 1)),
    source="Aggarwal 2023, §4.5.6",
))  # fmt: skip


def norm_shape(*gradients: Value) -> Shape:
    """One number, over all numbers of all operands."""
    need_real(*gradients)
    return ()


def norm_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """y, number of operands, then offset and number of entries of each."""
    pairs = [number for region in operands for number in (region.offset, region.size)]
    return (result.offset, len(operands), *pairs)


def once(operands: Sequence[Region], result: Region) -> int:
    """One piece of work: the sum is never split, so that one lane and two make the same bits."""
    return 1


@kernel
def gradient_norm_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, operands = instruction[1], instruction[2]
    for _ in range(start, stop):
        total = real(0)
        for k in range(operands):
            x = instruction[3 + 2 * k]
            for i in range(instruction[4 + 2 * k]):
                total += arena[x + i] * arena[x + i]
        largest = real(1)
        if total - total != real(0):  # squares overflow long before the numbers themselves: once more, scaled
            largest, total = real(0), real(0)
            for k in range(operands):
                x = instruction[3 + 2 * k]
                for i in range(instruction[4 + 2 * k]):
                    far = arena[x + i] if arena[x + i] > real(0) else -arena[x + i]
                    largest = far if far > largest else largest
            for k in range(operands):
                x = instruction[3 + 2 * k]
                for i in range(instruction[4 + 2 * k]):
                    share = arena[x + i] / largest
                    total += share * share
        arena[y] = largest * sqrt_of(total)


gradient_norm = register(Primitive(
    name="gradient_norm", formula=r"\lVert g \rVert = \sqrt{\sum_i g_i^2}", shape=norm_shape, body=gradient_norm_body,
    encode=norm_encode, length=once, source="Aggarwal 2023, §4.5.6", convention="over all parameters of a phase together",
))  # fmt: skip


@kernel
def clip_norm_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, g, norm, threshold = instruction[1], instruction[2], arena[instruction[3]], arena[instruction[4]]
    share = threshold / norm if norm > threshold else real(1)
    for i in range(start, stop):
        arena[y + i] = arena[g + i] * share


clip_norm = register(Primitive(
    name="clip_norm", formula=r"\tilde g = g \cdot \min\left(1, \frac{c}{\lVert g \rVert}\right)", shape=walking(2),
    body=clip_norm_body, encode=encode_update, writes=(0,), walks=2, domain=(ANY, ANY, Interval(0.5, 3), Interval(0.5, 3)),
    source="Aggarwal 2023, §4.5.6 and §8.2", convention="a norm up to the threshold leaves every gradient as it is",
))  # fmt: skip


@kernel
def unit_norm_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, g, norm = instruction[1], instruction[2], arena[instruction[3]]
    share = real(1) / norm if norm > real(0) else real(1)
    for i in range(start, stop):
        arena[y + i] = arena[g + i] * share


unit_norm = register(Primitive(
    name="unit_norm", formula=r"\tilde g = \frac{g}{\lVert g \rVert}", shape=walking(2), body=unit_norm_body,
    encode=encode_update, writes=(0,), walks=2, domain=(ANY, ANY, Interval(0.5, 3)), source="Aggarwal 2023, §4.5.6",
    convention="every gradient becomes 1 long, small ones as well; one of length 0 stays 0",
))  # fmt: skip


def late_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """The body for parameters that fade behind the step."""
    return (("LATE", 1),)


@kernel
def weight_decay_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, y = instruction[1], instruction[2]
    share = arena[instruction[3]] * arena[instruction[4]]
    for i in range(start, stop):
        old = arena[w + i]
        step = share * old
        decayed = old - step if step != real(0) else old
        arena[y + i] = old if LATE else decayed
        arena[w + i] = decayed


weight_decay = register(Primitive(
    name="weight_decay", formula=r"w \leftarrow w\,(1 - \eta\lambda)", shape=walking(2), body=weight_decay_body,
    encode=encode_update, writes=(0, 1), walks=2, domain=(ANY, ANY, RATE, SHARE), source="Aggarwal 2023, eqs 2.33 and 2.34",
    convention="before the step; the second operand keeps what it left, which the step begins from",
))  # fmt: skip

late_weight_decay = register(Primitive(
    name="late_weight_decay", formula=r"w \leftarrow w\,(1 - \eta\lambda)", shape=walking(2), body=weight_decay_body,
    encode=encode_update, variant=late_variant, writes=(0, 1), walks=2, domain=(ANY, ANY, RATE, SHARE),
    source="Aggarwal 2023, §3.3.2", convention="behind the step; the second operand keeps the number before",
))  # fmt: skip


@kernel
def soft_threshold_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, y = instruction[1], instruction[2]
    reach = arena[instruction[3]] * arena[instruction[4]]
    for i in range(start, stop):
        old = arena[w + i]
        inside = old if reach == real(0) else (old + reach) * real(0)  # NaN stays NaN
        below = old + reach if old < -reach else inside
        arena[y + i] = old
        arena[w + i] = old - reach if old > reach else below


soft_threshold = register(Primitive(
    name="soft_threshold", formula=r"w \leftarrow \mathrm{sign}(w)\,\max(|w| - \eta\lambda, 0)", shape=walking(2),
    body=soft_threshold_body, encode=encode_update, writes=(0, 1), walks=2, domain=(ANY, ANY, RATE, SHARE),
    source="Aggarwal 2023, §5.4.2: L1 that makes weights exactly 0",
    convention="behind the step; the second operand keeps the number before",
))  # fmt: skip


@kernel
def keep_positive_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, y = instruction[1], instruction[2]
    for i in range(start, stop):
        old = arena[w + i]
        arena[y + i] = old
        arena[w + i] = real(0) if old < real(0) else old


keep_positive = register(Primitive(
    name="keep_positive", formula=r"w \leftarrow \max(w, 0)", shape=walking(2), body=keep_positive_body,
    encode=encode_update, writes=(0, 1), walks=2, domain=(KINKED, ANY), source="projected gradient descent",
    convention="behind the step; the second operand keeps the number before",
))  # fmt: skip


def columns_shape(w: Value, before: Value, norms: Value, limit: Value) -> Shape:
    """A matrix of one column per unit, what keeps it, a number for each column, and one number."""
    if w.rank != 2 or norms.shape != w.shape[1:]:
        raise shape_mismatch(f"units are columns of a matrix, not {shape_text(w.shape)} with {shape_text(norms.shape)}")
    need_real(norms)
    return walking(2)(w, before, limit)


def columns_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """w, before, norms, limit, rows, columns."""
    return (*encode_update(operands, result, attributes), *operands[0].shape)


def columns_of(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in columns."""
    return operands[0].shape[1]


@kernel
def column_norm_limit_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, y, norms, limit = instruction[1], instruction[2], instruction[3], arena[instruction[4]]
    rows, columns = instruction[5], instruction[6]
    for j in range(start, stop):
        arena[norms + j] = real(0)
    for k in range(rows):  # row by row: neighbours in memory are neighbours in a row
        shift = k * columns
        for j in range(start, stop):
            old = arena[w + shift + j]
            arena[y + shift + j] = old
            arena[norms + j] = arena[norms + j] + old * old
    for j in range(start, stop):
        arena[norms + j] = sqrt_of(arena[norms + j])
    for k in range(rows):
        shift = k * columns
        for j in range(start, stop):
            norm = arena[norms + j]
            # A norm that overflowed limits nothing: weights would vanish in silence, and so they overflow in the open.
            is_long = norm > limit and norm - norm == real(0)
            arena[w + shift + j] = arena[w + shift + j] * (limit / norm if is_long else real(1))


column_norm_limit = register(Primitive(
    name="column_norm_limit", formula=r"w_j \leftarrow w_j \cdot \min\left(1, \frac{c}{\lVert w_j \rVert}\right)",
    shape=columns_shape, body=column_norm_limit_body, encode=columns_encode, length=columns_of, writes=(0, 1, 2),
    domain=(ANY, ANY, ANY, Interval(0.5, 3)), source="Aggarwal 2023, §5.5.4: c is 3 or 4",
    convention="the weights into one unit are one vector; the other operands keep the numbers before, and their norms",
))  # fmt: skip


@kernel
def count_up_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    for i in range(start, stop):
        arena[instruction[1] + i] = arena[instruction[1] + i] + real(1)


count_up = register(Primitive(
    name="count_up", formula=r"n \leftarrow n + 1", shape=walking(1), body=count_up_body, encode=encode_update,
    writes=(0,), domain=(ANY,), source="Aggarwal 2023, §4.5.7: how many parameters a mean is of",
))  # fmt: skip


@kernel
def average_towards_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    y, w, share = instruction[1], instruction[2], arena[instruction[3]]
    for i in range(start, stop):
        arena[y + i] = arena[y + i] + share * (arena[w + i] - arena[y + i])


average_towards = register(Primitive(
    name="average_towards", formula=r"\bar w \leftarrow \bar w + s\,(w - \bar w)", shape=walking(2),
    body=average_towards_body, encode=encode_update, writes=(0,), walks=2, domain=(ANY, ANY, SHARE),
    source="Aggarwal 2023, eq. 4.10 and §4.5.7; Polyak & Juditsky 1992",
    convention="the share s makes it a mean of all parameters so far (1/t), or one that forgets (1 − β)",
))  # fmt: skip
