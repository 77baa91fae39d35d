"""What NumPy and SciPy say to products, sums over axes, and what rearranges arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import special

from engine.primitives.base import Primitive
from tests.references.registry import (
    ANY,
    Array,
    Case,
    Draw,
    Drawing,
    generator,
    intervals_of,
    numbers,
    reference,
    seldom,
    shapes,
    whole_numbers,
)


def product(draw: Draw, primitive: Primitive) -> Case:
    """Matrices that fit, either of them transposed or not; without a transpose the first may have more axes, or one."""
    rows, depth, columns = [draw(st.integers(1, 19)) for _ in range(3)]
    attributes = {name: True for name in ("transpose_a", "transpose_b") if draw(st.booleans())}
    a = (depth, rows) if "transpose_a" in attributes else (rows, depth)
    if not attributes:
        a = (*draw(shapes(0, 2)), depth)
    b = (columns, depth) if "transpose_b" in attributes else (depth, columns)
    return Case(numbers(draw, [(a, ANY), (b, ANY)]), attributes)


@reference("matmul", product)
def matmul(a, b, transpose_a=False, transpose_b=False):
    return (a.T if transpose_a else a) @ (b.T if transpose_b else b)


def products(draw: Draw, primitive: Primitive) -> Case:
    """As many matrices on both sides, either of them transposed or not."""
    rows, depth, columns = [draw(st.integers(1, 9)) for _ in range(3)]
    many = draw(shapes(1, 2, 3))
    attributes = {name: True for name in ("transpose_a", "transpose_b") if draw(st.booleans())}
    a = (depth, rows) if "transpose_a" in attributes else (rows, depth)
    b = (columns, depth) if "transpose_b" in attributes else (depth, columns)
    return Case(numbers(draw, [((*many, *a), ANY), ((*many, *b), ANY)]), attributes)


@reference("batch_matmul", products)
def batch_matmul(a, b, transpose_a=False, transpose_b=False):
    return np.einsum(f"...{'ki' if transpose_a else 'ik'},...{'jk' if transpose_b else 'kj'}->...ij", a, b)


def products_apart(draw: Draw, primitive: Primitive) -> Case:
    """Products of which a, b or y may lie with the rows of a group of matrices side by side."""
    case = products(draw, primitive)
    group = draw(st.integers(1, 3))
    operands = [np.stack([x.reshape(-1, *x.shape[-2:])] * group, axis=1) for x in case.operands]
    operands = [x * np.arange(1, group + 1).reshape(-1, 1, 1) for x in operands]
    apart = "".join([name for name in "aby" if draw(st.booleans())])
    operands = [x.swapaxes(1, 2).copy() if name in apart else x for name, x in zip("ab", operands, strict=True)]
    return Case(operands, {**case.attributes, "apart": apart})


@reference("batch_matmul_apart", products_apart)
def batch_matmul_apart(a, b, apart, transpose_a=False, transpose_b=False):
    a, b = (x.swapaxes(-2, -3) if name in apart else x for name, x in zip("ab", (a, b), strict=True))
    y = batch_matmul(a, b, transpose_a, transpose_b)
    return y.swapaxes(-2, -3) if "y" in apart else y


def axes_in_some_order(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(0, 4))
    return Case(numbers(draw, [(shape, ANY)]), {"axes": tuple(draw(st.permutations(range(len(shape)))))})


@reference("permute", axes_in_some_order)
def permute(x, axes):
    return np.transpose(x, axes)


def shaped(low: int, high: int, **attributes: st.SearchStrategy[Any]) -> Drawing:
    """One operand of low to high axes."""

    def drawing(draw: Draw, primitive: Primitive) -> Case:
        (x,) = numbers(draw, [(draw(shapes(low, high)), intervals_of(primitive, 1)[0])])
        return Case([x], {name: draw(strategy) for name, strategy in attributes.items()})

    return drawing


reference("transpose", shaped(2, 2))(lambda x: x.T)
reference("stop_gradient", shaped(0, 3))(lambda x: x)


def another_shape(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes())
    (x,) = numbers(draw, [(shape, ANY)])
    return Case([x], {"shape": draw(st.sampled_from([(x.size,), (1, x.size), shape[::-1], (*shape, 1)]))})


@reference("reshape", another_shape)
def reshape(x, shape):
    return x.reshape(shape)


def side_by_side(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1))
    axis = draw(st.integers(0, len(shape) - 1))
    lengths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    return Case(numbers(draw, [((*shape[:axis], n, *shape[axis + 1 :]), ANY) for n in lengths]), {"axis": axis})


@reference("concat", side_by_side)
def concat(*parts, axis):
    return np.concatenate(parts, axis)


def part_of_an_axis(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1))
    axis = draw(st.integers(0, len(shape) - 1))
    start = draw(st.integers(0, shape[axis] - 1))
    stop = draw(st.integers(start + 1, shape[axis]))
    return Case(numbers(draw, [(shape, ANY)]), {"axis": axis, "start": start, "stop": stop})


@reference("slice", part_of_an_axis)
def slice_(x, axis, start, stop):
    return np.take(x, range(start, stop), axis)


def room_on_an_axis(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1))
    axis, start = draw(st.integers(0, len(shape) - 1)), draw(st.integers(0, 3))
    length = start + shape[axis] + draw(st.integers(0, 3))
    return Case(numbers(draw, [(shape, ANY)]), {"axis": axis, "start": start, "length": length})


@reference("place", room_on_an_axis)
def place(x, axis, start, length):
    margins = [(0, 0)] * x.ndim
    margins[axis] = (start, length - start - x.shape[axis])
    return np.pad(x, margins)


def neighbouring_axes(draw: Draw, primitive: Primitive) -> Case:
    shape = draw(shapes(1, 4))
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    attributes = {"axes": tuple(range(first, last + 1)), "keep": draw(st.booleans())}
    return Case(numbers(draw, [(shape, intervals_of(primitive, 1)[0])]), attributes)


@reference("sum", neighbouring_axes)
def sum_(x, axes, keep):
    return np.sum(x, axes, keepdims=keep)


@reference("mean", neighbouring_axes)
def mean(x, axes, keep):
    return np.mean(x, axes, keepdims=keep)


@reference("max", neighbouring_axes)
def max_(x, axes, keep):
    return np.max(x, axes, keepdims=keep)


@reference("min", neighbouring_axes)
def min_(x, axes, keep):
    return np.min(x, axes, keepdims=keep)


def chosen_entries(draw: Draw, primitive: Primitive) -> Case:
    """Few different numbers, so that there are ties, and one number out of each group."""
    shape = draw(shapes(1, 4))
    first = draw(st.integers(0, len(shape) - 1))
    axes = tuple(range(first, draw(st.integers(first, len(shape) - 1)) + 1))
    x = generator(draw).integers(0, 3, shape)
    return Case([np.asarray(x, np.float64), np.asarray(np.max(x, axes), np.float64)], {"axes": axes})


@reference("first_equal", chosen_entries)
def first_equal(x, y, axes):
    group = int(np.prod([x.shape[axis] for axis in axes]))
    rows = np.moveaxis(x.reshape(*x.shape[: axes[0]], group, *x.shape[axes[-1] + 1 :]), axes[0], -1)
    marks = np.zeros(rows.shape)
    for place in np.ndindex(y.shape):
        if np.isnan(y[place]):
            marks[place] = np.nan
        else:
            marks[place][np.flatnonzero(rows[place] == y[place])[:1]] = 1
    return np.moveaxis(marks, -1, axes[0]).reshape(x.shape)


def wider_shape(draw: Draw, primitive: Primitive) -> Case:
    wide = draw(shapes(0, 4))
    skipped = draw(st.integers(0, len(wide)))
    narrow = tuple([length if draw(st.booleans()) else 1 for length in wide])[skipped:]
    return Case(numbers(draw, [(narrow, ANY)]), {"shape": wide})


@reference("broadcast", wider_shape)
def broadcast(x, shape):
    return np.broadcast_to(x, shape)


@reference("spread", wider_shape)
def spread(x, shape):
    return np.broadcast_to(x, shape) / (np.prod(shape) / x.size)


reference("norm", shaped(1, 3))(lambda x: np.linalg.norm(x, axis=-1, keepdims=True))
reference("softmax", shaped(1, 3))(lambda x: special.softmax(x, axis=-1))
reference("log_softmax", shaped(1, 3))(lambda x: special.log_softmax(x, axis=-1))
reference("argmax", shaped(1, 3))(lambda x: np.argmax(x, axis=-1))


def class_numbers(draw: Draw, rows: tuple[int, ...], classes: int) -> Array:
    """Class numbers, a few of them beyond the classes there are."""
    beyond = seldom(draw)
    return whole_numbers(draw, -1 if beyond else 0, classes + beyond, rows)


def rows_with_classes(draw: Draw, primitive: Primitive) -> Case:
    rows, classes = draw(shapes(0, 2)), draw(st.integers(1, 5))
    return Case([*numbers(draw, [((*rows, classes), ANY)]), class_numbers(draw, rows, classes)])


@reference("pick", rows_with_classes)
def pick(x, index):
    known = (index >= 0) & (index < x.shape[-1])
    return np.where(known, np.take_along_axis(x, np.where(known, index, 0)[..., None], -1)[..., 0], np.nan)


def numbers_with_classes(draw: Draw, primitive: Primitive) -> Case:
    rows, classes = draw(shapes(0, 2)), draw(st.integers(1, 5))
    return Case([*numbers(draw, [(rows, ANY)]), class_numbers(draw, rows, classes)], {"classes": classes})


@reference("unpick", numbers_with_classes)
def unpick(x, index, classes):
    known = ((index >= 0) & (index < classes))[..., None]
    return np.where(known, np.where(np.arange(classes) == index[..., None], x[..., None], 0.0), np.nan)


def only_classes(draw: Draw, primitive: Primitive) -> Case:
    classes = draw(st.integers(1, 5))
    return Case([class_numbers(draw, draw(shapes(0, 2)), classes)], {"classes": classes})


@reference("one_hot", only_classes)
def one_hot(index, classes):
    known = ((index >= 0) & (index < classes))[..., None]
    return np.where(known, np.eye(classes)[np.clip(index, 0, classes - 1)], np.nan)


@reference("to_whole", shaped(0, 3))
def to_whole(x):
    rounded = np.floor(x + 0.5)
    return np.where((rounded >= 0) & (rounded < 2e9), rounded, -1).astype(np.int32)


def whole(draw: Draw, primitive: Primitive) -> Case:
    return Case([whole_numbers(draw, -9, 9, draw(shapes()))])


reference("to_real", whole)(lambda x: x * 1.0)
