"""Networks of units that pull at each other: a sweep that tests one unit after another, and what stores patterns in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.primitives.activations import sigmoid_of
from engine.primitives.base import (
    Arena,
    Code,
    Integers,
    Interval,
    Primitive,
    Region,
    Variant,
    kernel,
    need_real,
    real,
    register,
    rows_of_result,
)
from engine.primitives.monitors import once
from engine.problems import shape_mismatch
from engine.values import Shape, Value, shape_text

SIGNED = KEEP = DRAWN = (
    0  # compiled in: units of −1/+1 (else 0/1); a gap of 0 keeps a unit (else sets it); drawn by chance
)
ANY = Interval()
SOURCE = "Aggarwal 2023, eqs 7.2, 7.3 and 7.6"


def settle_shape(
    state: Value, weight: Value, bias: Value, free: Value, *chance: Value, signed: bool = False, keep: bool = False
) -> Shape:
    """Rows of units; `chance` is nothing, or a temperature and a uniform draw for each unit of each row."""
    need_real(state, weight, bias, free, *chance)
    units = state.shape[-1] if state.rank == 2 else None
    if not isinstance(units, int) or weight.shape != (units, units) or bias.shape != (units,):
        raise shape_mismatch(
            f"units of {shape_text(state.shape)} meet weights of {shape_text(weight.shape)} and biases of "
            f"{shape_text(bias.shape)}", "Give one weight for each pair of units, and one bias for each unit.",
        )  # fmt: skip
    if free.shape != state.shape or (chance and chance[1].shape != state.shape):
        raise shape_mismatch(f"{shape_text(free.shape)} marks meet units of {shape_text(state.shape)}")
    return state.shape


def settle_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """state, weight, bias, free, y, units, then temperature and draws where there are any."""
    offsets = [region.offset for region in operands]
    return (*offsets[:4], result.offset, result.shape[-1], *offsets[4:])


def settle_variant(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> Variant:
    """How a unit answers to its gap."""
    flags = {"SIGNED": attributes.get("signed"), "KEEP": attributes.get("keep"), "DRAWN": len(operands) > 4}
    return tuple([(name, 1) for name, flag in flags.items() if flag])


@kernel
def settle_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    weight, bias, units = instruction[2], instruction[3], instruction[6]
    low = real(-1) if SIGNED else real(0)
    for r in range(start, stop):
        x, free, y = instruction[1] + r * units, instruction[4] + r * units, instruction[5] + r * units
        for i in range(units):
            arena[y + i] = arena[x + i]
        for i in range(units):
            if arena[free + i] > real(0):
                column, before = weight + i * units, arena[y + i]
                gap = arena[bias + i] - arena[column + i] * before
                for j in range(units):
                    gap += arena[column + j] * arena[y + j]
                if DRAWN:
                    gain = (gap + gap if SIGNED else gap) / arena[instruction[7]]
                    chosen = real(1) if arena[instruction[8] + r * units + i] < sigmoid_of(gain) else low
                else:
                    tie = before if KEEP else real(1)
                    chosen = real(1) if gap > real(0) else (low if gap < real(0) else tie)
                arena[y + i] = chosen if gap == gap else gap


settle = register(Primitive(
    name="settle", formula=r"s_i \leftarrow [\,b_i + \textstyle\sum_{j \neq i} w_{ij} s_j \geq 0\,],\quad i = 1, 2, \dots",
    shape=settle_shape, body=settle_body, encode=settle_encode, length=rows_of_result,
    variant=settle_variant, domain=(ANY, ANY, ANY, Interval(-1, 1, (0.0,)), Interval(0.5, 2.0), Interval(0.0, 1.0)),
    source=SOURCE,
    convention="each row by itself, its units in their order, those that are free; no derivative",
))  # fmt: skip


def first_rows_shape(x: Value, most: Value) -> Shape:
    """The shape of `x`; `most` is one number."""
    need_real(x, most)
    if x.rank < 1 or most.shape != ():
        raise shape_mismatch(f"{shape_text(x.shape)} has no first rows, or their number is no single number")
    return x.shape


def first_rows_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, most, y, numbers in a row."""
    return (operands[0].offset, operands[1].offset, result.offset, result.size // max(1, result.shape[0]))


def leading_rows(operands: Sequence[Region], result: Region) -> int:
    """The work is counted in entries of the first axis."""
    return result.shape[0]


@kernel
def first_rows_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    most, width = arena[instruction[2]], instruction[4]
    rest = most if most != most else real(0)
    for r in range(start, stop):
        taken = real(r) < most
        for i in range(r * width, (r + 1) * width):
            arena[instruction[3] + i] = arena[instruction[1] + i] if taken else rest


def first_rows_derivative(x: Value, most: Value, y: Value, dy: Value) -> list[Value | None]:
    return [x.program.build.emit("first_rows", dy, most), None]


first_rows = register(Primitive(
    name="first_rows", formula=r"y_n = x_n \text{ if } n < k,\quad 0 \text{ else}", shape=first_rows_shape,
    body=first_rows_body, derivative=first_rows_derivative, encode=first_rows_encode, length=leading_rows,
    domain=(ANY, Interval(0.0, 4.0, (1.0, 2.0, 3.0))), source="patterns that are stored one after the other",
    convention="n counts from 0; a k between two whole numbers counts as the one above",
))  # fmt: skip


def storkey_shape(x: Value) -> Shape:
    """One weight for each pair of the columns of `x`."""
    need_real(x)
    if x.rank != 2 or not isinstance(x.shape[1], int):
        raise shape_mismatch(f"patterns lie in rows, and {shape_text(x.shape)} has none", "Put a reshape before it.")
    return (x.shape[1], x.shape[1])


def storkey_encode(operands: Sequence[Region], result: Region, attributes: dict[str, Any]) -> tuple[int, ...]:
    """x, w, rows of x, units."""
    return (operands[0].offset, result.offset, operands[0].shape[0], result.shape[0])


@kernel
def storkey_body(arena: Arena, integers: Integers, instruction: Code, start: int, stop: int) -> None:
    w, rows, d = instruction[2], instruction[3], instruction[4]
    for _ in range(start, stop):
        for i in range(d * d):
            arena[w + i] = real(0)
        for r in range(rows):
            x = instruction[1] + r * d
            for i in range(d):  # the diagonal, 0 in the end, holds the pull at each unit while a pattern is stored
                pull, row = real(0), w + i * d
                for j in range(d):
                    pull += arena[row + j] * arena[x + j] if j != i else real(0)
                arena[row + i] = pull
            for i in range(d):
                for j in range(i):
                    u, v, old = arena[x + i], arena[x + j], arena[w + i * d + j]
                    # What both units pull without each other: h_ij and h_ji.
                    mine, other = arena[w + i * d + i] - old * v, arena[w + j * d + j] - old * u
                    new = old + (u * v - u * other - mine * v) / real(d)
                    arena[w + i * d + j] = new
                    arena[w + j * d + i] = new
        for i in range(d):
            arena[w + i * d + i] = real(0)


storkey = register(Primitive(
    name="storkey",
    formula=r"w_{ij} \leftarrow w_{ij} + \tfrac{1}{d}(x_i x_j - x_i h_{ji} - h_{ij} x_j)",
    shape=storkey_shape, body=storkey_body, encode=storkey_encode, length=once,
    source="Storkey 1997, named in Aggarwal 2023, §7.2.1",
    convention="one pattern after the other, from weights of 0; h_ij sums w_ik x_k over all k but i and j; no diagonal",
))  # fmt: skip
