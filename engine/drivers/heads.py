"""The drawn network as a judge of positions: its forward part on a machine of its own, for many boards at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.drivers.asking import Array
from engine.lowering import lower
from engine.machines.cpu import CpuMachine
from engine.program import Program
from engine.tape import initial_array, plan
from engine.values import B, Value

if TYPE_CHECKING:
    from engine.datasets import Dataset
    from engine.document import Document


class Heads:
    """Some outputs of a document's network for boards that somebody asks about, by the parameters of the live machine.

    source   the address of the data source that the boards are written to (see `engine.nodes.games.Remembering.asked`)
    outputs  addresses (`node.port`); those that the drawing does not soundly give for each board are answered by None
    rows     as many boards are evaluated at once: always, so that a board's answer does not hang on its company
    machine  what they are evaluated on
    """

    def __init__(
        self, document: Document, dataset: Dataset | None, node: str, outputs: tuple[str, ...], rows: int, dtype: str
    ) -> None:
        program = lower(document, dataset, mode="evaluate", parts=("forward",)).program
        given = [program.outputs.get(program.meant(address)) for address in outputs]
        wanted = [value if value is not None and value.shape[:1] == (B,) else None for value in given]
        board = program.outputs[f"{node}.board"]
        _keep_only(program, [*[value for value in wanted if value is not None], board])
        self._rows, self._board = rows, board
        self.machine = CpuMachine(plan(program, rows, dtype=dtype))
        self.machine.set_epoch(1, 1)
        self._sources = {a: v for a, v in program.sources.items() if self.machine.tape.places[v.index] is not None}
        for value in self._sources.values():
            view = self.machine.view(value)
            view[...] = initial_array(value, view.shape, view.dtype)
        self._asked = self._table(board)
        self._answers = [None if value is None else self._table(value) for value in wanted]

    def _table(self, value: Value) -> Array:
        """(rows, numbers) Where a value lies."""
        return self.machine.view(value).reshape(self._rows, -1)

    def stand_at(self, live: CpuMachine) -> None:
        """Answer from now on by the numbers of the live machine."""
        for address, value in self._sources.items():
            other = live.tape.program.sources.get(address)
            if value is self._board or other is None or live.tape.places[other.index] is None:
                continue
            numbers, view = live.view(other), self.machine.view(value)
            if numbers.shape == view.shape:
                view[...] = numbers
        self.machine.clock[:] = live.clock

    def __call__(self, boards: Array) -> list[Array | None]:
        """Each output for some positions, (n, numbers) in float64; `boards` come in any shape that holds their numbers."""
        count = len(boards)
        flat = boards.reshape(count, -1)
        answers = [None if view is None else np.empty((count, view.shape[1])) for view in self._answers]
        for begin in range(0, count, self._rows):
            part = flat[begin : begin + self._rows]
            self._asked[: len(part)] = part
            self.machine.play_once(shown=False)
            self.machine.lower_flag()
            for answer, view in zip(answers, self._answers, strict=True):
                if answer is not None and view is not None:
                    answer[begin : begin + len(part)] = view[: len(part)]
        return answers


def _keep_only(program: Program, roots: list[Value]) -> None:
    """Leave only what the roots need."""
    needed, calls = {root.index for root in roots}, []
    for call in reversed(program.calls):
        if call.result.index in needed and not call.primitive.writes:
            calls.append(call)
            needed.update([operand.index for operand in call.operands])
    program.calls = calls[::-1]
    program.outputs = {f"head_{place}": root for place, root in enumerate(roots)}
    program.steps = list(dict.fromkeys([call.origin for call in program.calls]))
