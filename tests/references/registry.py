"""Second witnesses: what each primitive should answer, written without a line of the engine's own arithmetic.

A reference is a function of arrays (NumPy, SciPy, plain Python) with the primitive's name, and a way to draw its operands.
Modules in this folder register theirs by importing `reference`; the tests find them by the primitive's name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from engine.primitives.base import Interval, Primitive

Array = np.ndarray[Any, np.dtype[Any]]
Draw = Callable[[st.SearchStrategy[Any]], Any]
ANY = Interval()


class Case(NamedTuple):
    """Operands and attributes of one call; iteration, epoch and rows a batch where it depends on them."""

    operands: list[Array]
    attributes: dict[str, Any] = {}
    iteration: int = 0
    epoch: int = 0
    batch: int = 1


Drawing = Callable[[Draw, Primitive], Case]


class Reference(NamedTuple):
    """`compute(*operands, **attributes)` answers the result, or one array for each operand that an update writes."""

    compute: Callable[..., Any]
    draw: Drawing
    arity: int = 0  # of an operation on numbers one by one, whose operands are drawn by `alike`; else 0


_references: dict[str, Reference] = {}


def reference(name: str, draw: Drawing | None = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register the decorated function as the second witness of a primitive."""

    def add(compute: Callable[..., Any]) -> Callable[..., Any]:
        assert name not in _references, f"two references for {name}"
        kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
        arity = sum(
            parameter.kind in kinds for parameter in signature(compute, follow_wrapped=False).parameters.values()
        )
        one_by_one = Reference(compute, lambda drawing, primitive: alike(drawing, primitive, arity), arity)
        _references[name] = Reference(compute, draw) if draw else one_by_one
        return compute

    return add


def all_references() -> dict[str, Reference]:
    """Every reference by the primitive's name."""
    for path in sorted(Path(__file__).parent.glob("*.py")):
        import_module(f"tests.references.{path.stem}")
    return _references


def intervals_of(primitive: Primitive, arity: int) -> list[Interval]:
    """The domain of each operand."""
    domain = primitive.domain
    return [domain] * arity if isinstance(domain, Interval) else list(domain)


SMALL: dict[int, int] = {}
LARGE = {1: 90, 2: 40, 3: 17, 4: 8}  # by the most axes: several vectors long, and ragged
_sides = SMALL


@contextmanager
def larger() -> Iterator[None]:
    """Shapes drawn within have long axes, which bodies written in vectors take otherwise than short ones."""
    global _sides
    _sides = LARGE
    try:
        yield
    finally:
        _sides = SMALL


def shapes(low: int = 0, high: int = 3, side: int = 4) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes of low to high axes."""
    return st.lists(st.integers(1, _sides.get(high, side)), min_size=low, max_size=high).map(tuple)


def generator(draw: Draw) -> np.random.Generator:
    """Random numbers that hypothesis can repeat."""
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def seldom(draw: Draw) -> bool:
    """Once in a while: for cases whose answers are NaN, of which derivatives say nothing."""
    return draw(st.sampled_from([False, False, False, True]))


def whole_numbers(draw: Draw, low: int, high: int, shape: tuple[int, ...]) -> Array:
    """Class or row numbers, low ≤ number < high."""
    return np.asarray(generator(draw).integers(low, high, shape), np.int32)


def numbers(draw: Draw, wanted: Sequence[tuple[tuple[int, ...], Interval]]) -> list[Array]:
    """Arrays of these shapes within their intervals: no two numbers close to each other, none close to a kink.

    Central differences step by a thousandth, so that all of an interval's numbers keep several of these apart.
    """
    random = generator(draw)
    pools: dict[Interval, list[float]] = {}
    for interval in {interval for _, interval in wanted}:
        count = sum(int(np.prod(shape)) for shape, owner in wanted if owner == interval)
        grid = np.linspace(interval.low, interval.high, count + 2)[1:-1]
        jitter = 0.2 * (interval.high - interval.low) / (count + 1)
        values = random.permutation(grid + random.uniform(-jitter, jitter, count))
        pools[interval] = list(_away_from(interval.kinks, values))
    arrays = []
    for shape, interval in wanted:
        pool, size = pools[interval], int(np.prod(shape))
        arrays.append(np.array(pool[:size], np.float64).reshape(shape))
        del pool[:size]
    return arrays


def _away_from(kinks: Sequence[float], values: Array) -> Array:
    """The same numbers in the same order, none within a twentieth of a kink: what is near one is pressed together a little."""
    if not kinks:
        return values
    knots = np.sort(kinks)
    reach = np.diff(knots).min() / 2 if len(knots) > 1 else 0.5
    margin = min(0.05, reach / 2)
    nearest = knots[np.abs(values[:, None] - knots).argmin(axis=1)]
    far = np.abs(values - nearest)
    moved = np.where(far < reach, margin + far * (1 - margin / reach), far)
    result: Array = nearest + np.where(values >= nearest, moved, -moved)
    return result


def alike(draw: Draw, primitive: Primitive, arity: int) -> Case:
    """Operands of one shape; where the primitive broadcasts, some are lone numbers or have axes of 1 or lack some."""
    shape = draw(shapes())
    intervals = intervals_of(primitive, arity)
    operand_shapes = [shape] * len(intervals)
    if primitive.is_elementwise and len(intervals) > 1:
        operand_shapes = [draw(narrower(shape)) for _ in intervals]
        operand_shapes[draw(st.integers(0, len(intervals) - 1))] = shape
    return Case(numbers(draw, list(zip(operand_shapes, intervals, strict=True))))


def narrower(shape: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes that broadcast to this one: itself, a lone number, axes of 1, leading axes left out."""

    def thin(choices: tuple[int, list[bool]]) -> tuple[int, ...]:
        skipped, keep = choices
        return tuple([length if kept else 1 for length, kept in zip(shape, keep, strict=True)][skipped:])

    some = st.tuples(st.integers(0, len(shape)), st.lists(st.booleans(), min_size=len(shape), max_size=len(shape)))
    return st.one_of(st.just(shape), st.just(()), some.map(thin))


def same_shape(*intervals: Interval) -> Drawing:
    """Draws one array of a common shape from each interval (the primitive's domain where none is given)."""

    def drawing(draw: Draw, primitive: Primitive) -> Case:
        shape = draw(shapes(1))
        wanted = intervals or tuple(intervals_of(primitive, 1))
        return Case(numbers(draw, [(shape, interval) for interval in wanted]))

    return drawing
