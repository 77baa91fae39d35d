"""Slopes of a tanh in the registers of the product before it.

At full speed a product that only goes back through a tanh leaves its registers multiplied by that tanh's slope, with the bits
of the two instructions that stepping plays: where one thread plays all such products, where two do what a recurrent cell
sends back to the step before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from engine.machines.splits import adds_halves
from engine.machines.unlisted import unlisted
from engine.primitives.base import Kernel, rows_of_result
from engine.primitives.fused import linear_encode, linear_shape
from engine.tape import Instruction, Section, Tape, TapeCode, Turn
from engine.values import Call, root_of

BODY = Kernel("matmul_sloped", "engine.machines.products:wide")  # of several, see `engine.machines.bodies`
SLOPED = unlisted(
    "matmul_sloped", r"Y = A B \odot (1 - H \odot H)", BODY,
    shape=linear_shape, encode=linear_encode, length=rows_of_result,
)  # fmt: skip


def sloped(tape: Tape) -> TapeCode:
    """Full speed with slopes of a cell's tanh taken by the products before them."""
    code, instructions = tape.fast, list[Instruction]()
    if tape.dtype != "float32":
        return code
    sections: dict[int, Section] = {}
    for section in {section.begin: section for turn in code.turns for section in turn}.values():
        begin = len(instructions)
        instructions += sloped_in(code.instructions[section.begin : section.end], _is_in_time)
        sections[section.begin] = Section(begin, len(instructions))
    return TapeCode(instructions, [Turn(sections[turn.full.begin], sections[turn.short.begin]) for turn in code.turns])


def sloped_in(instructions: Sequence[Instruction], may_be: Callable[[Instruction], bool]) -> list[Instruction]:
    """The instructions of a section, with slopes taken by the products before them where both may be joined."""
    found = [entry for entry in instructions if entry.call.primitive.name == "tanh_gradient" and may_be(entry)]
    if not found:
        return list(instructions)
    readers = Counter([root_of(value) for entry in instructions for value in entry.call.operands])
    products = {entry.call.result: entry for entry in instructions if _is_added_up(entry) and may_be(entry)}
    instead: dict[Instruction, Instruction | None] = {}
    for entry in found:
        incoming = root_of(entry.call.operands[1])
        product = products.get(incoming)
        if product is not None and readers[incoming] == 1 and product.call.origin.phase == entry.call.origin.phase:
            # What the tanh has come to was there before anything was sent back.
            instead[product], instead[entry] = _joined(product, entry), None
    played = [instead.get(entry, entry) for entry in instructions]
    return [entry for entry in played if entry is not None]


def _is_in_time(entry: Instruction) -> bool:
    return entry.call.origin.time >= 0 and not entry.variant


def _is_added_up(entry: Instruction) -> bool:
    """Whether it is a product that is summed as it would be with a slope behind it."""
    if entry.call.primitive.name != "matmul":
        return False
    columns, depth, b_column = entry.fields[4], entry.fields[5], entry.fields[9]
    return columns > 1 and b_column == 1 and not adds_halves(columns, depth)


def _joined(product: Instruction, slope: Instruction) -> Instruction:
    bent, _, result = slope.fields
    call = Call(SLOPED, (*product.call.operands, slope.call.operands[0]), {}, slope.call.origin)
    call.result = slope.call.result
    return product._replace(
        kernel=BODY, fields=(*product.fields[:2], result, *product.fields[3:], bent),
        origins=(*product.origins, *slope.origins), call=call,
    )  # fmt: skip
