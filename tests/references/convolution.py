"""What SciPy and plain loops say to windows over maps."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import strategies as st
from scipy import signal

from engine.primitives.base import Primitive
from tests.references.registry import ANY, Array, Case, Draw, numbers, reference, seldom, whole_numbers


class Windows:
    """Windows over a plane, as lists of (cell of the result, tap of the filter, cell of the map)."""

    def __init__(self, size, kernel, stride, padding, dilation=(1, 1)) -> None:
        top, bottom, left, right = padding
        reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
        padded = (size[0] + top + bottom, size[1] + left + right)
        self.count = tuple([(p - r) // s + 1 for p, r, s in zip(padded, reach, stride, strict=True)])
        self.links = []
        for i, j, r, s in product(*map(range, (*self.count, *kernel))):
            u, v = i * stride[0] + r * dilation[0] - top, j * stride[1] + s * dilation[1] - left
            if 0 <= u < size[0] and 0 <= v < size[1]:
                self.links.append(((i, j), (r, s), (u, v)))


def windows_over_maps(draw: Draw) -> tuple[tuple[int, int], tuple[int, int], dict]:
    """Size of a map, a kernel that fits, and the attributes that say how it moves."""
    kernel = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2)]))
    stride = draw(st.sampled_from([(1, 1), (1, 1), (2, 2), (1, 3), (2, 1)]))
    padding = tuple([draw(st.integers(0, 2)) for _ in range(4)])
    size = tuple([draw(st.integers(d * (k - 1) + 1, 9)) for k, d in zip(kernel, dilation, strict=True)])
    return size, kernel, {"stride": stride, "padding": padding, "dilation": dilation}


def channels_in_groups(draw: Draw) -> tuple[int, int, int]:
    """Groups, channels of a group, filters of a group."""
    return draw(st.sampled_from([1, 1, 1, 2, 3])), draw(st.integers(1, 3)), draw(st.sampled_from([1, 2, 3, 9]))


def maps_and_filters(draw: Draw, primitive: Primitive) -> Case:
    size, kernel, attributes = windows_over_maps(draw)
    groups, depth, filters = channels_in_groups(draw)
    shapes: list[tuple[int, ...]] = [(draw(st.integers(1, 4)), groups * depth, *size)]
    shapes.append((groups * filters, depth, *kernel))
    if draw(st.booleans()):
        shapes.append((groups * filters,))
    return Case(numbers(draw, [(shape, ANY) for shape in shapes]), {**attributes, "groups": groups})


def of_groups(x: Array, w: Array, groups: int, filters: bool = True):
    """(image, channel of x, filter, channel of the filter) of all that belong together."""
    depth, group = w.shape[1], w.shape[0] // groups
    for n, p, k in product(range(len(x)), range(w.shape[0]), range(depth)):
        yield n, p // group * depth + k, p, k


@reference("convolution", maps_and_filters)
def convolution(x, w, bias=None, *, stride, padding, dilation, groups):
    known = Windows(x.shape[2:], w.shape[2:], stride, padding, dilation)
    y = np.zeros((len(x), len(w), *known.count))
    if np.isfinite(w).all() and np.isfinite(x).all():  # by SciPy: a filter with holes, all windows, then some of them
        top, bottom, left, right = padding
        padded = np.pad(x, [(0, 0), (0, 0), (top, bottom), (left, right)])
        spaced = np.zeros((*w.shape[:2], *[d * (k - 1) + 1 for d, k in zip(dilation, w.shape[2:], strict=True)]))
        spaced[..., :: dilation[0], :: dilation[1]] = w
        for n, c, p, k in of_groups(x, w, groups):
            every = signal.correlate2d(padded[n, c], spaced[p, k], "valid")
            y[n, p] += every[:: stride[0], :: stride[1]]
    else:
        for n, c, p, k in of_groups(x, w, groups):
            for cell, tap, source in known.links:
                y[n, p][cell] += w[p, k][tap] * x[n, c][source]
    return y if bias is None else y + bias[:, None, None]


def results_and_filters(draw: Draw, primitive: Primitive) -> Case:
    size, kernel, attributes = windows_over_maps(draw)
    groups, depth, filters = channels_in_groups(draw)
    count = Windows(size, kernel, **attributes).count
    shapes = [(draw(st.integers(1, 4)), groups * filters, *count), (groups * filters, depth, *kernel)]
    operands = numbers(draw, [(shape, ANY) for shape in shapes])
    return Case(operands, {**attributes, "groups": groups, "size": size})


@reference("transposed_convolution", results_and_filters)
def transposed_convolution(y, w, *, size, stride, padding, dilation, groups):
    x = np.zeros((len(y), w.shape[1] * groups, *size))
    known = Windows(size, w.shape[2:], stride, padding, dilation)
    for n, c, p, k in of_groups(y, w, groups):
        for cell, tap, target in known.links:
            x[n, c][target] += w[p, k][tap] * y[n, p][cell]
    return x


def maps_and_results(draw: Draw, primitive: Primitive) -> Case:
    size, kernel, attributes = windows_over_maps(draw)
    groups, depth, filters = channels_in_groups(draw)
    count, images = Windows(size, kernel, **attributes).count, draw(st.integers(1, 4))
    shapes = [(images, groups * depth, *size), (images, groups * filters, *count)]
    operands = numbers(draw, [(shape, ANY) for shape in shapes])
    return Case(operands, {**attributes, "groups": groups, "kernel": kernel})


@reference("filter_correlation", maps_and_results)
def filter_correlation(x, y, *, kernel, stride, padding, dilation, groups):
    w = np.zeros((y.shape[1], x.shape[1] // groups, *kernel))
    known = Windows(x.shape[2:], kernel, stride, padding, dilation)
    for n, c, p, k in of_groups(x, w, groups):
        for cell, tap, source in known.links:
            w[p, k][tap] += y[n, p][cell] * x[n, c][source]
    return w


def pools(draw: Draw) -> tuple[tuple[int, int], dict]:
    """Size of a map and the attributes of windows of which none lies beside it."""
    if draw(st.booleans()):  # the usual ones, which have a loop of their own
        size = (draw(st.integers(2, 8)), draw(st.integers(2, 8)))
        stride = draw(st.sampled_from([(2, 2), (1, 1), (2, 1)]))
        return size, {"window": (2, 2), "stride": stride, "padding": (0, 0, 0, 0)}
    window = (draw(st.integers(1, 3)), draw(st.integers(1, 4)))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    size = tuple([draw(st.integers(max(length, step), 8)) for length, step in zip(window, stride, strict=True)])
    before = [draw(st.integers(0, min(1, length - 1))) for length in window]
    after = [draw(st.integers(0, min(1, length - 1))) for length in window]
    padding = (before[0], after[0], before[1], after[1])
    return size, {"window": window, "stride": stride, "padding": padding}


def maps_in_windows(draw: Draw, primitive: Primitive) -> Case:
    size, attributes = pools(draw)
    if primitive.name == "window_mean" and draw(st.booleans()):
        attributes["inside"] = True
    return Case(numbers(draw, [((draw(st.integers(1, 3)), draw(st.integers(1, 3)), *size), ANY)]), attributes)


def cells_by_window(size, window, stride, padding) -> dict:
    known = Windows(size, window, stride, padding)
    cells: dict = {}
    for cell, _, source in known.links:
        cells.setdefault(cell, []).append(source)
    return cells


@reference("window_choice", maps_in_windows)
def window_choice(x, *, window, stride, padding):
    cells = cells_by_window(x.shape[2:], window, stride, padding)
    places = np.zeros((*x.shape[:2], *Windows(x.shape[2:], window, stride, padding).count), np.int32)
    for n, c in np.ndindex(x.shape[:2]):
        for cell, inside in cells.items():
            best = int(np.argmax([x[n, c][source] for source in inside]))
            places[n, c][cell] = np.ravel_multi_index(inside[best], x.shape[2:])
    return places


def maps_and_places(draw: Draw, primitive: Primitive) -> Case:
    planes, size = (
        (draw(st.integers(1, 3)), draw(st.integers(1, 3))),
        (draw(st.integers(1, 5)), draw(st.integers(1, 5))),
    )
    beyond = seldom(draw)
    few = (draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    places = whole_numbers(draw, -beyond, size[0] * size[1] + beyond, (*planes, *few))
    if primitive.name == "window_put":
        return Case([*numbers(draw, [((*planes, *few), ANY)]), places], {"size": size})
    return Case([*numbers(draw, [((*planes, *size), ANY)]), places], {"zero": True} if draw(st.booleans()) else {})


@reference("window_take", maps_and_places)
def window_take(x, places, zero=False):
    nothing = np.full((*x.shape[:2], 2), 0.0 if zero else np.nan)
    flat = np.concatenate([x.reshape(*x.shape[:2], -1), nothing], axis=2)
    known = np.where(places < 0, flat.shape[2] - 1, places).reshape(*x.shape[:2], -1)
    return np.take_along_axis(flat, known, axis=2).reshape(places.shape)


@reference("window_put", maps_and_places)
def window_put(y, places, size):
    x = np.zeros((*y.shape[:2], *size))
    for at in np.ndindex(y.shape):
        if 0 <= places[at] < size[0] * size[1]:
            x[at[:2]].flat[places[at]] += y[at]
    return x


@reference("window_mean", maps_in_windows)
def window_mean(x, *, window, stride, padding, inside=False):
    y = np.zeros((*x.shape[:2], *Windows(x.shape[2:], window, stride, padding).count))
    for cell, sources in cells_by_window(x.shape[2:], window, stride, padding).items():
        total = sum(x[:, :, u, v] for u, v in sources)
        y[:, :, cell[0], cell[1]] = total / (len(sources) if inside else window[0] * window[1])
    return y


def cells_of_windows(draw: Draw, primitive: Primitive) -> Case:
    size, attributes = pools(draw)
    count = Windows(size, **{"kernel": attributes["window"], **{k: attributes[k] for k in ("stride", "padding")}}).count
    if draw(st.booleans()):
        attributes["inside"] = True
    operands = numbers(draw, [((draw(st.integers(1, 3)), draw(st.integers(1, 3)), *count), ANY)])
    return Case(operands, {**attributes, "size": size})


@reference("window_spread", cells_of_windows)
def window_spread(y, *, size, window, stride, padding, inside=False):
    x = np.zeros((*y.shape[:2], *size))
    for cell, targets in cells_by_window(size, window, stride, padding).items():
        for u, v in targets:
            x[:, :, u, v] += y[:, :, cell[0], cell[1]] / (len(targets) if inside else window[0] * window[1])
    return x
