"""Small scenes and what may be said of them."""

from __future__ import annotations

import numpy as np

from engine.datasets.draws import Draws
from engine.datasets.registry import SEED, Table, dataset, sample_count

SIDE = 3
COLOURS, SHAPES = ("red", "green", "blue"), ("square", "circle")
WORDS = (*COLOURS, *SHAPES, "above", "beside")
BEGIN = len(WORDS)  # the word before the first


def _pairs() -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    """Pairs of cells (pairs, 2) that share a row or a column, the first of them above or to the left."""
    cells = [divmod(cell, SIDE) for cell in range(SIDE * SIDE)]
    return np.array(
        [(a, b) for a, one in enumerate(cells) for b, other in enumerate(cells)
         if a < b and (one[0] == other[0] or one[1] == other[1])]
    )  # fmt: skip


@dataset(
    "scenes",
    title="Scenes with captions",
    help="Two coloured shapes on a board of nine cells, and five words that say what is where.",
    task="regression",
    matter="pictures",
    source="Made for this program; captions word by word as in Aggarwal 2023, §12.2.2",
    options={"samples": sample_count(240), "seed": SEED},
)
def scenes(samples: int, seed: int) -> Table:
    """Inputs (samples, 9 cells + 5 words, 8), targets (samples, 5 words, 7): a 1 in the column of what is meant.

    The first nine rows of an example are cells, row by row: three columns for colours, two for shapes. The other five are
    the words before each place of the caption, the last column for the word that stands before the first. Captions are
    “red square above blue circle”: colour, shape, “above” or “beside”, colour, shape.
    """
    pairs = _pairs()
    draws = Draws(seed, "scenes").uniform(samples, 5)
    cells = pairs[(draws[:, 0] * len(pairs)).astype(np.int64)]
    colours = (draws[:, 1:3] * len(COLOURS)).astype(np.int64)
    shapes = len(COLOURS) + (draws[:, 3:] * len(SHAPES)).astype(np.int64)
    beside = cells[:, 0] // SIDE == cells[:, 1] // SIDE
    relation = WORDS.index("above") + beside
    captions = np.stack([colours[:, 0], shapes[:, 0], relation, colours[:, 1], shapes[:, 1]], axis=1)
    inputs = np.zeros((samples, SIDE * SIDE + captions.shape[1], len(WORDS) + 1))
    rows = np.arange(samples)
    for which in (0, 1):
        inputs[rows, cells[:, which], colours[:, which]] = 1
        inputs[rows, cells[:, which], shapes[:, which]] = 1
    before = np.concatenate([np.full((samples, 1), BEGIN), captions[:, :-1]], axis=1)
    inputs[:, SIDE * SIDE :] = np.eye(len(WORDS) + 1)[before]
    places = [f"cell {cell + 1}" for cell in range(SIDE * SIDE)]
    places += [f"before word {place + 1}" for place in range(captions.shape[1])]
    names = tuple(f"{place}: {word}" for place in places for word in (*WORDS, "begin"))
    wanted = tuple(f"word {place + 1}: {word}" for place in range(captions.shape[1]) for word in WORDS)
    said = f"{samples} scenes of two shapes in one row or column of a board of 3 × 3 cells, seed {seed}."
    return Table(inputs, np.eye(len(WORDS))[captions], names, wanted, "regression", preparation=(said,))
