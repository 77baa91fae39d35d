"""Pictures of one or two simple shapes, with their kind, their box or their pixels as targets."""

from __future__ import annotations

import numpy as np

from engine.datasets.draws import Draws, Floats, Indices
from engine.datasets.options import Choice, Whole
from engine.datasets.registry import SEED, Table, dataset, noise_deviation, sample_count

KINDS = ("square", "disc", "cross")
BOX = ("top", "left", "height", "width")


def _drawn(kind: int, size: int) -> Floats:
    """A shape (size, size) that touches all four sides: full, round, or two lines through the middle."""
    if kind == 0:
        return np.ones((size, size))
    apart = np.abs(np.arange(size) - (size - 1) / 2)
    if kind == 1:
        return np.asarray(apart[:, None] ** 2 + apart**2 <= (size / 2) ** 2 - 0.2, np.float64)
    middle = apart <= (0.5 if size % 2 == 0 else 0)
    return np.asarray(middle[:, None] | middle, np.float64)


@dataset(
    "shapes",
    title="Shapes in a picture",
    help="A square, a disc or a cross somewhere in a small picture: what it is, where it is, or which pixels are its own.",
    task="any",
    matter="pictures",
    source="Made for this program; the tasks are those of Aggarwal 2023, §9.2.5 and §9.6.2",
    options={
        "samples": sample_count(300),
        "side": Whole(12, low=6, high=64, unit="pixels", help="Height and width of a picture."),
        "smallest": Whole(4, low=3, high=32, unit="pixels", help="Least height and width of a shape."),
        "largest": Whole(6, low=3, high=32, unit="pixels", help="Greatest height and width; never more than half."),
        "wanted": Choice(
            "kind", ("kind", "box", "both", "pixels"),
            help="kind: its class. box: its upper row, left column, height and width, as shares of the side. both: a "
            "column for each kind, then the box. pixels: two shapes in each picture, 1 where a pixel belongs to a square.",
        ),
        "noise": noise_deviation(0.0, "all pixels"),
        "seed": SEED,
    },
)  # fmt: skip
def shapes(samples: int, side: int, smallest: int, largest: int, wanted: str, noise: float, seed: int) -> Table:
    """Inputs (samples, 1, side, side), 1 inside a shape; kinds in turn, sizes and places drawn evenly.

    With `pixels` a square and another shape share the picture, left and right of its middle or the other way round.
    """
    least = min(smallest, side // 2)
    sizes_allowed = max(1, min(largest, side // 2) - least + 1)
    draws = Draws(seed, "shapes").uniform(samples, 2, 4)
    kinds = np.arange(samples, dtype=np.int64) % len(KINDS)
    pictures, masks = np.zeros((samples, 1, side, side)), np.zeros((samples, 1, side, side))
    boxes = np.zeros((samples, 4))
    pair = wanted == "pixels"
    for row in range(samples):
        left_first = draws[row, 0, 3] < 0.5
        for which in range(2 if pair else 1):
            kind = int((0 if which == 0 else 1 + row % 2) if pair else kinds[row])
            size = least + int(draws[row, which, 0] * sizes_allowed)
            room = side // 2 if pair else side
            begin = 0 if not pair or (which == 0) == left_first else side - room
            top = int(draws[row, which, 1] * (side - size + 1))
            left = begin + int(draws[row, which, 2] * (room - size + 1))
            pictures[row, 0, top : top + size, left : left + size] += _drawn(kind, size)
            boxes[row] = np.array([top, left, size, size]) / side
            if kind == 0:
                masks[row, 0, top : top + size, left : left + size] = 1
    if noise > 0:
        pictures += noise * Draws(seed, "noise").normal(*pictures.shape)
    names = tuple(f"row {row + 1} column {column + 1}" for row in range(side) for column in range(side))
    said = f"{samples} pictures of {side} × {side} pixels, {' and '.join(_counted(pair))}, seed {seed}."
    if wanted == "kind":
        return Table(pictures, kinds, names, ("shape",), "classes", KINDS[: min(samples, 3)], preparation=(said,))
    targets, columns = _targets(wanted, kinds, boxes, masks, names)
    return Table(pictures, targets, names, columns, "regression", preparation=(said,))


def _counted(pair: bool) -> tuple[str, ...]:
    return ("a square", "a disc or a cross in each") if pair else ("a square, a disc or a cross in each",)


def _targets(
    wanted: str, kinds: Indices, boxes: Floats, masks: Floats, names: tuple[str, ...]
) -> tuple[Floats, tuple[str, ...]]:
    if wanted == "pixels":
        return masks, names
    if wanted == "box":
        return boxes, BOX
    return np.concatenate([np.eye(len(KINDS))[kinds], boxes], axis=1), (*KINDS, *BOX)
