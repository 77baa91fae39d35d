"""The numbers of a session, entry by entry, as they took part in the last iteration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.values import Batch, Value, resolve

if TYPE_CHECKING:
    from engine.session import Session

Array = np.ndarray[Any, np.dtype[Any]]
Entry = tuple[int, ...]
Index = tuple[int | slice, ...]


class Live:
    """Reads a session's memory. `None` stands for what was not computed yet: it is never told as 0.

    A parameter that an update has changed since is read as it was before, so that forward and backward formulas hold.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.program = session.program
        self.batch = session.rows_played

    def shape(self, value: Value) -> tuple[int, ...]:
        """The shape in numbers, for the rows of the batch played last."""
        return resolve(value.shape, self.batch)

    def array(self, value: Value) -> Array | None:
        """The numbers that took part: a view, valid until the next step."""
        before = self.session.before_update(value)
        if before is not None:
            return before
        now, call = self.now(value), value.call
        if now is None or call is None or not call.primitive.is_view:
            return now
        origin = self.array(call.operands[0])  # a view of a parameter shows what stood there before as well
        return now if origin is None else origin.reshape(now.shape)

    def now(self, value: Value) -> Array | None:
        """The numbers as they are in memory."""
        if self.session.tape.places[value.index] is None or self.session.state_of(value) == "absent":
            return None
        return self.session.memory_of(value, self.shape(value))

    def number(self, value: Value, entry: Entry) -> float | None:
        """One entry that took part."""
        array = self.array(value)
        return None if array is None else float(array[entry])

    def gradient(self, value: Value, phase: int) -> Array | None:
        """The derivative of a phase's loss by a value, None where it was not computed."""
        found = self.program.gradients[phase].get(value.index) if phase < len(self.program.gradients) else None
        if found is None or self.session.tape.places[found.index] is None:
            return None
        if self.session.gradient_state(found) == "absent":
            return None
        return self.session.memory_of(found, self.shape(found))

    def entry(self, value: Value, row: int, unit: int) -> Entry:
        """The entry that stands for a row of the batch and a unit of the rest, both brought into range."""
        shape = self.shape(value)
        if not shape:
            return ()
        if isinstance(value.shape[0], Batch):
            rest = shape[1:]
            return (min(max(row, 0), shape[0] - 1), *unravel(unit, rest))
        return unravel(unit, shape)


def unravel(position: int, shape: tuple[int, ...]) -> Entry:
    """A flat position as an entry, brought into range."""
    size = int(np.prod(shape)) if shape else 1
    position = min(max(position, 0), max(size - 1, 0))
    entry: list[int] = []
    for length in reversed(shape):
        entry.append(position % max(1, length))
        position //= max(1, length)
    return tuple(reversed(entry))


def ravel(entry: Entry, shape: tuple[int, ...]) -> int:
    """An entry as a flat position."""
    position = 0
    for index, length in zip(entry, shape, strict=True):
        position = position * length + index
    return position
