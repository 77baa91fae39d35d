"""Finding an axis and working along it: what several families of nodes share."""

from __future__ import annotations

from collections.abc import Callable

from engine.nodes.base import Whole
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Batch, Dim, Shape, Value, count, shape_text


def axis_property(what: str) -> Whole:
    """Which axis; `what` is the first half of the sentence that helps."""
    return Whole(None, low=0, high=7, help=f"{what}, counted from 0 (the batch); the last where it is not said.")


def axis_of(x: Value, axis: int | None, port: str = "x") -> int:
    """The axis meant. Raises `ShapeMismatch` where there is none."""
    if x.rank == 0:
        raise shape_mismatch("a single number has no axes", "Give it a row of numbers.", port=port)
    if axis is not None and axis >= x.rank:
        raise shape_mismatch(
            f"{shape_text(x.shape)} has no axis {axis}", f"Axes count from 0 to {x.rank - 1}.", port=port
        )
    return x.rank - 1 if axis is None else axis


def along(build: Builder, x: Value, axis: int, work: Callable[[Value], Value]) -> Value:
    """What `work` makes of the rows along an axis, in the axes' old order."""
    if axis == x.rank - 1:
        return work(x)
    # Last and back: the same exchange both ways.
    order = tuple([x.rank - 1 if at == axis else axis if at == x.rank - 1 else at for at in range(x.rank)])
    return reordered(build, work(reordered(build, x, order)), order)


def reordered(build: Builder, x: Value, axes: tuple[int, ...]) -> Value:
    """The axes in another order; of a matrix by the transpose, which takes half the time."""
    return build.emit("transpose", x) if axes == (1, 0) and x.rank == 2 else build.emit("permute", x, axes=axes)


def example_of(x: Value) -> tuple[Shape, Shape]:
    """The shape in two parts: the batch, where there is one, and one example."""
    lead = x.shape[:1] if x.rank and isinstance(x.shape[0], Batch) else ()
    return lead, x.shape[len(lead) :]


def in_one_row(build: Builder, x: Value) -> Value:
    """Everything there is, in one row."""
    return build.emit("reshape", x, shape=(count(x.shape),))


def with_axis(x: Value, axis: int, *lengths: Dim) -> Shape:
    """The shape with other lengths in an axis's place."""
    return (*x.shape[:axis], *lengths, *x.shape[axis + 1 :])
