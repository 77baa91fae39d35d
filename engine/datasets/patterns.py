"""Patterns of 0 and 1, clouds, a ring and colours: what energy-based networks, prototypes and maps learn from."""

from __future__ import annotations

import numpy as np

from engine.datasets.draws import Draws, Floats
from engine.datasets.logic import TEXTBOOK
from engine.datasets.options import Choice, Real, Whole
from engine.datasets.registry import SEED, Table, dataset, noise_deviation, sample_count

STATES = Choice("0/1", ("0/1", "-1/+1"), help="The numbers that stand for dark and bright.")


def _pixels(side: int) -> tuple[str, ...]:
    return tuple(f"row {row + 1} column {column + 1}" for row in range(side) for column in range(side))


def _written(bits: Floats, states: str) -> Floats:
    return bits if states == "0/1" else 2 * bits - 1


@dataset(
    "bars_and_stripes",
    title="Bars and stripes",
    help="All small squares whose columns, or whose rows, are each wholly bright or dark.",
    task="binary",
    matter="pictures",
    source="MacKay 2003, Information Theory, Inference, and Learning Algorithms, §43",
    options={
        "side": Whole(3, low=2, high=6, unit="pixels", help="Height and width of a square."),
        "states": STATES,
    },
)
def bars_and_stripes(side: int, states: str) -> Table:
    """2 · 2^side − 2 different squares: stripes (rows alike inside), class 0, then bars; all dark and all bright once."""
    lines = (np.arange(2**side)[:, None] >> np.arange(side)[::-1]) & 1
    stripes = np.repeat(lines, side, axis=1)
    bars = np.tile(lines[1:-1], (1, side))
    rows = np.concatenate([stripes, bars]).astype(np.float64)
    said = f"{len(rows)} squares of {side} × {side}: {len(stripes)} of stripes, then {len(bars)} of bars."
    classes = np.repeat(np.array([0, 1], np.int64), [len(stripes), len(bars)])
    return Table(
        _written(rows, states), classes, _pixels(side), ("label",), "binary", ("stripes", "bars"), preparation=(said,)
    )


LETTERS = {
    "A": "01110 10001 11111 10001 10001", "C": "01111 10000 10000 10000 01111", "H": "10001 10001 11111 10001 10001",
    "L": "10000 10000 10000 10000 11111", "T": "11111 00100 00100 00100 00100", "X": "10001 01010 00100 01010 10001",
}  # fmt: skip


@dataset(
    "letters",
    title="Letters of 5 × 5 pixels",
    help="A few letters drawn in 25 pixels, as they are or with some pixels flipped.",
    task="classes",
    matter="pictures",
    source="Drawn for this program; the experiment is that of Hopfield networks",
    options={
        "letters": Choice("T L X", ("T L X", "T L", "A C H L T X"), help="Which letters there are."),
        "samples": sample_count(3),
        "flipped": Whole(0, low=0, high=25, unit="pixels", help="How many pixels of each one are flipped at random."),
        "states": STATES,
        "seed": SEED,
    },
)
def letters(letters: str, samples: int, flipped: int, states: str, seed: int) -> Table:
    """The letters in turn; `flipped` different pixels of every row are turned round."""
    names = tuple(letters.split())
    clean = np.array([[int(bit) for bit in LETTERS[name].replace(" ", "")] for name in names], np.float64)
    classes = np.arange(samples, dtype=np.int64) % len(names)
    rows = clean[classes]
    lots = Draws(seed, "flips").uniform(samples, 25)
    turned = np.argsort(lots, axis=1, kind="stable")[:, :flipped]
    at = np.arange(len(rows))[:, None]
    rows[at, turned] = 1 - rows[at, turned]
    said = f"{samples} pictures of 5 × 5 pixels, {', '.join(names)} in turn"
    said += f", {flipped} pixels of each flipped, seed {seed}." if flipped else "."
    kept = names[: min(samples, len(names))]
    return Table(_written(rows, states), classes, _pixels(5), ("letter",), "classes", kept, preparation=(said,))


DAYS = {"1100": 40, "0011": 40, "1111": 10, "1000": 5, "0001": 5}


@dataset(
    "ice_cream",
    title="Days with ice-cream",
    help="Which of four kinds of ice-cream were bought on each of a hundred days.",
    task="binary",
    source=f"Made up after {TEXTBOOK}, §7.4 and figure 7.3",
    options={},
)
def ice_cream() -> Table:
    """40 days of cones and sundae, 40 of popsicles and cups, 10 of all four, 5 of cones alone, 5 of cups alone."""
    rows = np.array([[int(bit) for bit in day] for day, count in DAYS.items() for _ in range(count)], np.float64)
    classes = (rows[:, 0] < rows[:, 3]).astype(np.int64)
    said = "100 made-up days: 40 cones and sundae, 40 popsicles and cups, 10 all four, 5 cones alone, 5 cups alone."
    names = ("cones", "sundae", "popsicles", "cups")
    return Table(rows, classes, names, ("label",), "binary", ("cones sold", "cups only"), preparation=(said,))


@dataset(
    "clusters",
    title="Round clusters",
    help="Clouds of points around centres on a circle, as many as you like.",
    task="classes",
    source="Normal clouds, for k-means and competition",
    options={
        "samples": sample_count(150),
        "clusters": Whole(3, low=1, high=12, unit="clusters", help="How many clouds there are."),
        "deviation": Real(0.2, low=0, high=10, help="Deviation of each cloud in both coordinates."),
        "seed": SEED,
    },
)
def clusters(samples: int, clusters: int, deviation: float, seed: int) -> Table:
    """Centres (cos a, sin a) with a = 2π k / clusters + π/2; rows of cluster 0, 1, 2 … in turn."""
    classes = np.arange(samples, dtype=np.int64) % clusters
    angles = 2 * np.pi * classes / clusters + np.pi / 2
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) + deviation * Draws(seed, "points").normal(samples, 2)
    said = (
        f"{samples} points in {clusters} normal clouds of deviation {deviation:g} on a circle of radius 1, seed {seed}."
    )
    names = tuple(f"cluster {number}" for number in range(clusters))
    kept = min(samples, clusters)
    return Table(points, classes, ("x1", "x2"), ("cluster",), "classes", names[:kept], preparation=(said,))


@dataset(
    "corners",
    title="Four clusters at the corners",
    help="Clouds at the corners of a square whose classes alternate: no straight line parts them.",
    task="binary",
    source=f"After {TEXTBOOK}, figures 1.4 and 6.2",
    labels="-1/+1",
    options={
        "samples": sample_count(200),
        "side": Real(4.0, low=0.1, high=100, help="Side of the square."),
        "deviation": Real(0.6, low=0, high=10, help="Deviation of each cloud in both coordinates."),
        "seed": SEED,
    },
)
def corners(samples: int, side: float, deviation: float, seed: int) -> Table:
    """Corners (0, 0), (1, 0), (1, 1), (0, 1) · side in turn; class 1 at the first and third."""
    corner = np.arange(samples) % 4
    places = side * np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    points = places[corner] + deviation * Draws(seed, "points").normal(samples, 2)
    classes = (corner % 2 == 0).astype(np.int64)
    said = f"{samples} points in four normal clouds of deviation {deviation:g} at the corners of a square, seed {seed}."
    return Table(points, classes, ("x1", "x2"), ("label",), "binary", ("negative", "positive"), preparation=(said,))


@dataset(
    "ring",
    title="A ring",
    help="Points on a circle: a map with two ends has to bend round it.",
    task="regression",
    source="Uniform angles, for maps that organise themselves",
    options={"samples": sample_count(300), "noise": noise_deviation(0.03, "both coordinates"), "seed": SEED},
)
def ring(samples: int, noise: float, seed: int) -> Table:
    """(cos a, sin a) with uniform a in [0, 2π); the target is a / 2π."""
    turn = Draws(seed, "points").uniform(samples, 1)
    points = np.concatenate([np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)], axis=1)
    if noise > 0:
        points = points + noise * Draws(seed, "noise").normal(samples, 2)
    said = (
        f"{samples} points on a circle of radius 1 at uniform angles, normal noise of deviation {noise:g}, seed {seed}."
    )
    return Table(points, turn, ("x1", "x2"), ("turn",), "regression", preparation=(said,))


COLOURS = ("red", "green", "blue")


@dataset(
    "colours",
    title="Colours",
    help="Colours as shares of red, green and blue, drawn evenly from the cube.",
    task="classes",
    source="Uniform colours, the usual data of Kohonen maps",
    options={"samples": sample_count(400), "seed": SEED},
)
def colours(samples: int, seed: int) -> Table:
    """Uniform points of [0, 1)³; the class is the largest share."""
    points = Draws(seed, "points").uniform(samples, 3)
    classes = points.argmax(axis=1).astype(np.int64)
    said = f"{samples} colours drawn uniformly from the cube of red, green and blue, seed {seed}."
    return Table(points, classes, COLOURS, ("largest",), "classes", COLOURS, preparation=(said,))


@dataset(
    "few_of_many",
    title="Few of many features",
    help="Features of 0 and 1 of which only the first few matter: true where one of these is 1.",
    task="binary",
    source="For Winnow, after Littlestone 1988",
    labels="-1/+1",
    options={
        "samples": sample_count(400),
        "features": Whole(100, low=1, high=1000, unit="features", help="How many features there are."),
        "relevant": Whole(3, low=1, high=1000, unit="features", help="How many of them matter, from the first on."),
        "share": Real(0.1, low=0, high=1, help="The chance of each feature to be 1."),
        "seed": SEED,
    },
)
def few_of_many(samples: int, features: int, relevant: int, share: float, seed: int) -> Table:
    """Each feature is 1 with the chance `share`; class 1 where any of the first `relevant` ones is."""
    rows = (Draws(seed, "features").uniform(samples, features) < share).astype(np.float64)
    classes = np.asarray(rows[:, :relevant].any(axis=1), np.int64)
    matter = min(relevant, features)
    said = f"{samples} rows of {features} features, 1 with chance {share:g}, seed {seed}; the first {matter} matter."
    names = tuple(f"x{number + 1}" for number in range(features))
    return Table(rows, classes, names, ("label",), "binary", ("none", "some"), preparation=(said,))
