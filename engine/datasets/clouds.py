"""Two classes of points in the plane, drawn anew for every seed."""

from __future__ import annotations

import numpy as np

from engine.datasets.draws import Draws, Floats
from engine.datasets.logic import TEXTBOOK
from engine.datasets.options import Choice, Real
from engine.datasets.registry import SEED, Table, dataset, noise_deviation, sample_count


def _table(first: Floats, second: Floats, class_names: tuple[str, str], seed: int, noise: float, how: str) -> Table:
    """The rows of the first class, then those of the second; `how` tells how they were drawn."""
    points = np.concatenate([first, second])
    if noise > 0:
        points = points + noise * Draws(seed, "noise").normal(len(points), 2)
        how += f" Normal noise of deviation {noise:g} was added to both coordinates, seed {seed}."
    counted = (
        f"{len(first) + len(second)} points: {len(first)} {class_names[0]}, then {len(second)} {class_names[1]}. {how}"
    )
    classes = np.repeat(np.array([0, 1], dtype=np.int64), [len(first), len(second)])
    return Table(points, classes, ("x1", "x2"), ("label",), "binary", class_names, preparation=(counted,))


@dataset(
    "blobs",
    title="Two blobs",
    help="Two round clouds with a gap between them, as wide or as negative as you like.",
    task="binary",
    source=f"After {TEXTBOOK}, §1.2 and figure 1.4",
    options={
        "samples": sample_count(100),
        "gap": Real(0.5, low=-10, high=10, help="Distance between the circles of one radius; below 0 they overlap."),
        "radius": Real(1.0, low=0, high=10, help="Radius of a disc, or deviation of a normal cloud."),
        "shape": Choice(
            "disc", ("disc", "normal"), help="Evenly filled discs (separable if the gap is positive) or normal clouds."
        ),
        "balance": Real(0.5, low=0.01, high=0.99, help="Share of the points that belong to class 1."),
        "seed": SEED,
    },
)
def blobs(samples: int, gap: float, radius: float, shape: str, balance: float, seed: int) -> Table:
    """Centres at ±(gap/2 + radius) · (1, 1)/√2, class 1 on the positive side.

    disc    centre + radius · √u · (cos 2πv, sin 2πv) with uniform u, v
    normal  centre + radius · (normal, normal); means (1, 1) and (−1, −1) with deviation 1.2 are gap 2√2 − 2.4
    """
    positive = min(max(round(samples * balance), 1), samples - 1)
    centre = (gap / 2 + radius) / np.sqrt(2)
    draws = Draws(seed, "points")
    if shape == "normal":
        around = radius * draws.normal(samples, 2)
    else:
        u, v = draws.uniform(samples, 2).T
        around = radius * np.sqrt(u)[:, None] * np.stack([np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)], axis=1)
    kind = f"discs of radius {radius:g}" if shape == "disc" else f"normal clouds of deviation {radius:g}"
    how = f"Drawn from {kind}, centres {abs(gap + 2 * radius):g} apart, seed {seed}."
    cut = samples - positive
    return _table(around[:cut] - centre, around[cut:] + centre, ("negative", "positive"), seed, 0.0, how)


@dataset(
    "diagonal",
    title="Above or below the diagonal",
    help="Uniform points of the unit square; the true line is x1 = x2.",
    task="binary",
    source=f"{TEXTBOOK}, exercise 1.11",
    labels="-1/+1",
    options={"samples": sample_count(20), "seed": SEED},
)
def diagonal(samples: int, seed: int) -> Table:
    """Uniform points of [0, 1)², class 1 where x1 > x2, in the order drawn."""
    points = Draws(seed, "points").uniform(samples, 2)
    classes = (points[:, 0] > points[:, 1]).astype(np.int64)
    said = f"{samples} points drawn uniformly from the unit square, seed {seed}; {classes.sum()} of them have x1 > x2."
    return Table(points, classes, ("x1", "x2"), ("label",), "binary", ("x1 ≤ x2", "x1 > x2"), preparation=(said,))


@dataset(
    "moons",
    title="Two moons",
    help="Two interleaved half circles: a bent boundary separates them.",
    task="binary",
    source="The formula of scikit-learn's make_moons, with this program's own noise",
    options={"samples": sample_count(200), "noise": noise_deviation(0.1, "both coordinates"), "seed": SEED},
)
def moons(samples: int, noise: float, seed: int) -> Table:
    """t evenly over [0, π]: upper moon (cos t, sin t), class 0; lower moon (1 − cos t, ½ − sin t), class 1."""
    upper, lower = (np.linspace(0, np.pi, count) for count in (samples // 2, samples - samples // 2))
    first = np.stack([np.cos(upper), np.sin(upper)], axis=1)
    second = np.stack([1 - np.cos(lower), 1 - np.sin(lower) - 0.5], axis=1)
    return _table(first, second, ("upper", "lower"), seed, noise, "Evenly spaced along each half circle.")


@dataset(
    "circles",
    title="Two circles",
    help="A ring around a ring: the boundary has to close.",
    task="binary",
    source="The formula of scikit-learn's make_circles, with this program's own noise",
    options={
        "samples": sample_count(200),
        "ratio": Real(0.5, low=0, high=0.99, help="Radius of the inner circle; the outer one has 1."),
        "noise": noise_deviation(0.05, "both coordinates"),
        "seed": SEED,
    },
)
def circles(samples: int, ratio: float, noise: float, seed: int) -> Table:
    """t evenly over [0, 2π): outer circle (cos t, sin t), class 0; inner circle ratio · (cos t, sin t), class 1."""
    outer, inner = (
        np.linspace(0, 2 * np.pi, count, endpoint=False) for count in (samples // 2, samples - samples // 2)
    )
    first = np.stack([np.cos(outer), np.sin(outer)], axis=1)
    second = np.stack([np.cos(inner), np.sin(inner)], axis=1) * ratio
    return _table(first, second, ("outer", "inner"), seed, noise, "Evenly spaced along each circle.")


@dataset(
    "spirals",
    title="Two spirals",
    help="Two arms wound into each other: the hard one of the playgrounds.",
    task="binary",
    source="Archimedean spirals, after Lang & Witbrock 1988",
    options={
        "samples": sample_count(200),
        "turns": Real(1.75, low=0.25, high=5, unit="turns", help="How often each arm winds round the centre."),
        "noise": noise_deviation(0.02, "both coordinates"),
        "seed": SEED,
    },
)
def spirals(samples: int, turns: float, noise: float, seed: int) -> Table:
    """First arm r · (cos a, sin a) with a = 2π · turns · r and r evenly over (0, 1], class 0.

    The second arm, class 1, is the first turned by half a turn round the centre.
    """

    def arm(count: int) -> Floats:
        radius = np.arange(1, count + 1) / count
        angle = 2 * np.pi * turns * radius
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

    how = f"Evenly spaced along {turns:g} turns from the centre to radius 1."
    return _table(arm(samples // 2), -arm(samples - samples // 2), ("first arm", "second arm"), seed, noise, how)
