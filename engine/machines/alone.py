"""Full speed for one thread: slopes taken by the products before them, and weights turned about where they are at hand."""

from __future__ import annotations

from collections.abc import Sequence

from engine.machines.slopes import sloped_in
from engine.tape import Instruction
from engine.values import root_of


def alone(instructions: Sequence[Instruction], dtype: str) -> list[Instruction]:
    """What one thread plays for these instructions."""
    return turned_early(sloped_in(instructions, lambda entry: True) if dtype == "float32" else instructions)


def turned_early(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Matrices turned about right behind who reads them first: the copies have left the processor when they are read."""
    order: list[list[Instruction]] = [[] for _ in instructions]
    reader: dict[int, int] = {}  # of a value, since it was written last: who reads it first
    for at, entry in enumerate(instructions):
        call = entry.call
        read, written = {root_of(value).index for value in call.operands}, {root_of(call.result).index}
        is_turned = call.primitive.name == "transpose"
        order[reader.get(root_of(call.operands[0]).index, at) if is_turned else at].append(entry)
        for index in read - reader.keys():
            reader[index] = at
        for index in written | {root_of(call.operands[place]).index for place in call.primitive.writes}:
            reader.pop(index, None)
    return [entry for some in order for entry in some]
