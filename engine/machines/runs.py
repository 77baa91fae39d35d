"""Neighbouring instructions on single numbers, played by one kernel: what may be done at once is sorted by operation.

A call and a guess of the processor less for each. Only at full speed: stepping plays every instruction by itself, and
both make the same bits, because each operation still has the same operands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine.machines.alone import alone
from engine.primitives.base import Kernel, Variant
from engine.tape import Instruction, Section, TapeCode, Turn

RUN = Kernel("scalar_run", "engine.machines.scalars:run")
WATCHING = frozenset({"sgd_update_body", "momentum_update_body", "nesterov_update_body", "adam_update_body"})
WATCHED = ("WATCHED", 1)  # what updates are compiled with that raise the flag by themselves
SHORTEST = 3  # instructions that are worth a run
# What the run's body does, by the number it is told: see `engine.machines.scalars.run`.
OPERATIONS = {
    "add": 0, "subtract": 1, "multiply": 2, "tanh": 3, "tanh_gradient": 4, "divide": 5, "negate": 6, "sigmoid": 7,
    "sigmoid_gradient": 8, "relu": 9, "exp": 10, "log": 11,
}  # fmt: skip
_ADD = OPERATIONS["add"]


class Played(NamedTuple):
    """What the machine plays for an instruction, or for `others` as well; `more` is added to the kernel's variant."""

    first: Instruction
    fields: Sequence[int]
    is_run: bool
    more: Variant = ()
    others: tuple[Instruction, ...] = ()


class Joined(NamedTuple):
    """A code with its runs joined, and its turns in the new count."""

    played: list[Played]
    turns: list[Turn]


def joined(code: TapeCode, *, runs: bool = True, dtype: str = "") -> Joined:
    """The same work with runs in place of neighbouring instructions on single numbers; or without, updates that watch alone.

    With a dtype it is rearranged for one thread before, see `engine.machines.alone`.
    """
    played: list[Played] = []
    sections: dict[int, Section] = {}
    for section in {section.begin: section for turn in code.turns for section in turn}.values():
        begin = len(played)
        instructions: Sequence[Instruction] = code.instructions[section.begin : section.end]
        _join(alone(instructions, dtype) if dtype else instructions, played, runs)
        sections[section.begin] = Section(begin, len(played))
    return Joined(played, [Turn(sections[turn.full.begin], sections[turn.short.begin]) for turn in code.turns])


def _join(instructions: Iterable[Instruction], played: list[Played], runs: bool) -> None:
    waiting: list[Instruction] = []
    for entry in instructions:
        if _watches_last(entry, played) and not waiting:
            played[-1] = played[-1]._replace(more=(WATCHED,), others=(entry,))
            continue
        if runs and entry.length == 1 and entry.call.primitive.name in (*OPERATIONS, "total"):
            waiting.append(entry)
            continue
        _let_go(waiting, played)
        played.append(Played(entry, entry.fields, False))
    _let_go(waiting, played)


def _watches_last(entry: Instruction, played: Sequence[Played]) -> bool:
    """Whether a flag looks at just the parameters that the update before it has written: the update can do so itself."""
    if entry.call.primitive.name != "non_finite_flag" or not played or played[-1].more:
        return False
    before = played[-1].first
    return before.kernel.name in WATCHING and (before.fields[0], before.length) == (entry.fields[0], entry.length)


def _let_go(waiting: list[Instruction], played: list[Played]) -> None:
    if len(waiting) < SHORTEST:
        played.extend([Played(entry, entry.fields, False) for entry in waiting])
    else:
        operations = [operation for entry in waiting for operation in _operations(entry)]
        played.append(Played(waiting[0], _grouped(operations), True, others=tuple(waiting[1:])))
    waiting.clear()


class _Operation(NamedTuple):
    number: int
    first: int
    second: int
    result: int


def _operations(entry: Instruction) -> list[_Operation]:
    name, fields = entry.call.primitive.name, entry.fields
    if name == "total":
        result, _, first, second, *others = fields
        return [_Operation(_ADD, first, second, result), *[_Operation(_ADD, result, other, result) for other in others]]
    return [_Operation(OPERATIONS[name], fields[0], fields[-2] if len(fields) > 2 else fields[0], fields[-1])]


def _grouped(operations: Sequence[_Operation]) -> list[int]:
    """Fields of the run: how many groups; of each its operation, how many, and three places for each of them."""
    groups: dict[tuple[int, int], list[_Operation]] = {}
    for level, operation in zip(_levels(operations), operations, strict=True):
        groups.setdefault((level, operation.number), []).append(operation)
    fields = [len(groups)]
    for (_, number), members in sorted(groups.items()):
        fields += [number, len(members)]
        fields += [place for member in members for place in member[1:]]
    return fields


def _levels(operations: Sequence[_Operation]) -> list[int]:
    """How many operations each waits for, one after the other: for who writes what it needs, or still reads what it writes."""
    written: dict[int, int] = {}
    read: dict[int, int] = {}
    levels = []
    for _, first, second, result in operations:
        before = max(written.get(first, -1), written.get(second, -1), written.get(result, -1), read.get(result, -1))
        level = before + 1
        written[result] = level
        for place in (first, second):
            read[place] = max(level, read.get(place, -1))
        levels.append(level)
    return levels
