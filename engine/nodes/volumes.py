"""Filters that slide through volumes: over time and picture, or through a scan."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, Dimensions, Port, Whole, node_type
from engine.nodes.convolution import BIAS, PADDING_HELP, PADDINGS, FilterLayer, ends, windowed
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

VOLUMES = "(batch, channels, depth, height, width)"
Triple = tuple[int, int, int]


def triple(numbers: tuple[int, ...] | None, name: str) -> Triple:
    """Depth, rows and columns out of three numbers, or of one for all. Raises `ProblemError` for any other count."""
    if numbers is None or len(numbers) not in (1, 3):
        fact = f"“{name}” holds {len(numbers or ())} numbers"
        mend = "Give one for depth, rows and columns each, or one for all."
        raise ProblemError(Problem(fact, mend, path=f"properties.{name}", kind="property"))
    return numbers[0], numbers[-2] if len(numbers) == 3 else numbers[0], numbers[-1]


@node_type
class Conv3d(FilterLayer):
    """Slides filters through volumes: each cell of the result is one block weighed by one filter."""

    name, icon, title = "conv3d", "cuboid", "convolution in space"
    formula = r"h_{p,t,i,j} = \varphi\left(b_p + \sum_{k,q,r,s} w_{p,k,q,r,s}\, x_{k,\,t+q,\,i+r,\,j+s}\right)"
    source = "Aggarwal 2023, §9.6.5"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", VOLUMES, symbol="x"),
        Port(
            "weight", "(filters, channels, depth, rows, columns)", kind="parameter", symbol="W", optional=True,
            help="Free: the layer's own. Wired: shared.",
        ),
        BIAS,
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (Port("h", "(batch, filters, depth, height, width)", symbol="h"),)
    kernel = Dimensions((3, 3, 3), high=256, help="Depth, rows and columns of a filter, or one number for all.")
    stride = Dimensions((1, 1, 1), high=256, help="How many cells the block moves at a time, or one number for all.")
    padding = Choice("same", PADDINGS, help=PADDING_HELP)
    cells = Whole(0, low=0, high=256, unit="cells", help="Cells put on every side, where the padding is “cells”.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x, emit = values["x"], build.emit
        size = self._size(x)
        channels = x.shape[1]
        stride = triple(self.stride, "stride")
        w = self.weight(build, values.get("weight"), (self.filters, channels, *triple(self.kernel, "kernel")))
        if w.shape[1] != channels:
            fact = f"filters for {w.shape[1]} channels meet a volume of {channels}"
            raise shape_mismatch(fact, f"Give them {channels} channels.", port="weight")
        filters, _, *sides = [int(length) for length in w.shape]  # type: ignore[arg-type]
        margins = [ends(self.padding, self.cells, size[k], sides[k] - 1, stride[k]) for k in range(3)]
        x = self._lengthened(build, x, *margins[0])
        depth = size[0] + sum(margins[0])
        layers = (depth - sides[0]) // stride[0] + 1
        if layers < 1:
            raise shape_mismatch(f"a filter {sides[0]} deep meets {depth} layers", "Take a smaller one.", port="x")
        # A layer of the result is a convolution of as many layers as a filter is deep, side by side as channels.
        flat = emit("reshape", w, shape=(filters, channels * sides[0], *sides[1:]))
        bias = self.bias(build, values.get("bias"), filters)
        found = []
        for layer in range(layers):
            begin = layer * stride[0]
            block = emit("slice", x, axis=2, start=begin, stop=begin + sides[0])
            maps = emit("reshape", block, shape=(x.shape[0], channels * sides[0], *size[1:]))
            z = windowed(
                build, "convolution", *([maps, flat] if bias is None else [maps, flat, bias]), stride=stride[1:],
                padding=(*margins[1], *margins[2]), dilation=(1, 1), groups=1,
            )  # fmt: skip
            found.append(emit("reshape", z, shape=(*z.shape[:2], 1, *z.shape[2:])))
        return build.apply(self.activation, found[0] if layers == 1 else emit("concat", *found, axis=2))

    @staticmethod
    def _size(x: Value) -> Triple:
        lengths = x.shape[1:] if x.rank == 5 and x.kind == "real" else ()
        if not lengths or not all(isinstance(length, int) for length in lengths):
            mend = "Put a reshape to [channels, depth, height, width] before it."
            raise shape_mismatch(f"volumes are {VOLUMES}, not {shape_text(x.shape)}", mend, port="x")
        depth, height, width = (int(length) for length in lengths[1:])  # type: ignore[arg-type]
        return depth, height, width

    @staticmethod
    def _lengthened(build: Builder, x: Value, before: int, after: int) -> Value:
        """Layers of zeros in front of a volume and behind it."""
        zeros = [
            [build.emit("broadcast", build.constant(0.0), shape=(*x.shape[:2], count, *x.shape[3:]))] if count else []
            for count in (before, after)
        ]
        parts = [*zeros[0], x, *zeros[1]]
        return x if len(parts) == 1 else build.emit("concat", *parts, axis=2)
