"""Where everything is, in arrays: what lies in a part of the scene is found without asking item after item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QRectF

PIECES = 8  # of a curve, each with a box of its own: the box of a whole curve is mostly empty
SLACK = 8.0  # pixels around a wire: the band of a phase


class Rows:
    """Names with a row of numbers each, in the order in which they came."""

    def __init__(self, width: int) -> None:
        self._width = width
        self.version = 0  # grows with every change
        self.clear()

    def clear(self) -> None:
        """Nothing is there."""
        self._rows: dict[str, int] = {}
        self._names: list[str] = []
        self.numbers = np.zeros((0, self._width))
        self.version += 1

    def put(self, names: Sequence[str], numbers: np.ndarray) -> None:
        """Give names their numbers, an array (names, width); those not yet known come last."""
        self.version += 1
        new = [name for name in names if name not in self._rows]
        if new:
            first = len(self._names)
            self._rows.update({name: first + at for at, name in enumerate(new)})
            self._names += new
            self.numbers = np.concatenate([self.numbers, np.zeros((len(new), self._width))])
        self.numbers[[self._rows[name] for name in names]] = numbers

    def drop(self, names: Iterable[str]) -> None:
        """Forget names."""
        gone = {name for name in names if name in self._rows}
        if gone:
            self.version += 1
            kept = [name for name in self._names if name not in gone]
            self.numbers = self.numbers[[self._rows[name] for name in kept]]
            self._names, self._rows = kept, {name: at for at, name in enumerate(kept)}

    @property
    def names(self) -> list[str]:
        """Whatever has a row."""
        return list(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._rows

    def of(self, name: str) -> np.ndarray:
        """The numbers of a name."""
        return self.numbers[self._rows[name]]

    def of_all(self, names: Sequence[str]) -> np.ndarray:
        """The numbers of some names, a row each."""
        return self.numbers[[self._rows[name] for name in names]]

    def where(self, chosen: np.ndarray) -> list[str]:
        """The names of chosen rows (a mask)."""
        return [self._names[row] for row in np.flatnonzero(chosen)]


class Areas(Rows):
    """Rectangles by name: left, top, right, bottom."""

    def __init__(self) -> None:
        super().__init__(4)

    def place(self, areas: Mapping[str, tuple[float, float, float, float]]) -> None:
        """Things have come or moved."""
        if areas:
            self.put(list(areas), np.array(list(areas.values())))

    def within(self, areas: Iterable[QRectF]) -> list[str]:
        """What touches one of some areas, in the order in which it came."""
        return self.where(touching(self.numbers, areas))

    def corner(self, name: str) -> tuple[float, float]:
        """The upper left corner of one thing."""
        left, top, _, _ = self.of(name).tolist()
        return left, top

    def corners(self, names: Sequence[str]) -> list[tuple[float, float]]:
        """The upper left corners of many."""
        return list(map(tuple, self.of_all(names)[:, :2].tolist()))

    @property
    def whole(self) -> QRectF:
        """The rectangle around everything; empty where there is nothing."""
        if not len(self.numbers):
            return QRectF()
        left, top = map(float, self.numbers[:, :2].min(axis=0))
        right, bottom = map(float, self.numbers[:, 2:].max(axis=0))
        return QRectF(left, top, right - left, bottom - top)


class Runs:
    """Wires by name: begin x, y, end x, y, how far the curve bends (0 for straight ones), and how far it sags.

    A wire that is led in several runs, over dots or with right angles, has a row for each of them.
    """

    def __init__(self) -> None:
        self._rows, self._boxes = Rows(6), Rows(4 * PIECES)
        self._parts: dict[str, list[str]] = {}  # the rows of wires that have several

    def clear(self) -> None:
        """No wires."""
        self._rows.clear()
        self._boxes.clear()
        self._parts.clear()

    def drop(self, names: Iterable[str]) -> None:
        """Wires have gone."""
        gone = [row for name in names for row in self._parts.pop(name, [name])]
        self._rows.drop(gone)
        self._boxes.drop(gone)

    def place(self, wires: Mapping[str, Sequence[tuple[float, float, float, float, float, float]]]) -> None:
        """Wires have come or run elsewhere."""
        if not wires:
            return
        self.drop([name for name, runs in wires.items() if name in self._parts or len(runs) > 1])
        rows = {}
        for name, runs in wires.items():
            if len(runs) == 1:
                rows[name] = runs[0]
            else:
                parts = self._parts[name] = [f"{name}#{at}" for at in range(len(runs))]
                rows.update(zip(parts, runs, strict=True))
        names, numbers = list(rows), np.array(list(rows.values()))
        self._rows.put(names, numbers)
        self._boxes.put(names, _boxes(numbers))

    def within(self, areas: Iterable[QRectF]) -> list[str]:
        """Wires that run through one of some areas, or nearly."""
        boxes = self._boxes.numbers.reshape(-1, PIECES, 4)
        return self._wires(self._rows.where(touching(boxes, areas).any(axis=1)))

    @property
    def names(self) -> list[str]:
        """All wires."""
        return self._wires(self._rows.names)

    def _wires(self, rows: list[str]) -> list[str]:
        return list(dict.fromkeys(row.partition("#")[0] for row in rows)) if self._parts else rows

    def chords(self, areas: Iterable[QRectF], shortest: float) -> np.ndarray:
        """Begin and end, (wires, 4), of wires whose ends lie apart and whose chord may touch one of some areas."""
        ends = self._rows.numbers[:, :4]
        ends = ends[np.abs(ends[:, :2] - ends[:, 2:]).sum(axis=1) > shortest]
        around = np.concatenate([np.minimum(ends[:, :2], ends[:, 2:]), np.maximum(ends[:, :2], ends[:, 2:])], axis=1)
        return ends[touching(around, areas)]


def touching(boxes: np.ndarray, areas: Iterable[QRectF]) -> Any:
    """Which of some boxes (…, 4: left, top, right, bottom) touch one of some areas."""
    left, top, right, bottom = np.moveaxis(boxes, -1, 0)
    found = np.zeros(boxes.shape[:-1], bool)
    for area in areas:
        found |= (left <= area.right()) & (right >= area.left()) & (top <= area.bottom()) & (bottom >= area.top())
    return found


def _boxes(runs: np.ndarray) -> np.ndarray:
    """The boxes of the pieces of each curve: (wires, 4 * PIECES)."""
    share = np.linspace(0, 1, PIECES + 1)[None, :]
    x0, y0, x1, y1, bend, sag = (column[:, None] for column in runs.T)
    smooth = share**2 * (3 - 2 * share)
    leave, arrive = 3 * share * (1 - share) ** 2, 3 * share**2 * (1 - share)
    across = np.where(bend > 0, x0 + (x1 - x0) * smooth + bend * (leave - arrive), x0 + (x1 - x0) * share)
    down = y0 + (y1 - y0) * np.where(bend > 0, smooth, share)
    # Between two samples a curve may swing out a little further than its chord.
    slack = SLACK + bend / PIECES
    parts = [
        np.minimum(across[:, :-1], across[:, 1:]) - slack, np.minimum(down[:, :-1], down[:, 1:]) - SLACK,
        np.maximum(across[:, :-1], across[:, 1:]) + slack, np.maximum(down[:, :-1], down[:, 1:]) + SLACK,
    ]  # fmt: skip
    boxes = np.stack(parts, axis=-1)
    back = runs[:, 5] > 0  # around all of the wire: there are few of these
    if back.any():
        near = bend + SLACK
        whole = [x1 - near, np.minimum(y0, y1) - SLACK, x0 + near, np.maximum(y0, y1) + sag + SLACK]
        boxes[back] = np.stack(whole, axis=-1)[back]
    return boxes.reshape(len(runs), -1)
