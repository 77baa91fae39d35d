"""Numbers brought to a common scale: over the batch, the features, groups of channels, neighbouring maps; and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.convolution import MAPS, sides_of
from engine.nodes.data import start_of
from engine.nodes.layers import features_of
from engine.nodes.rows import axis_of, example_of
from engine.primitives.axes import over_axes
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Shape, Value, count, shape_text

X = Port("x", "(batch, features) or " + MAPS, symbol="x")
Y = Port("y", "as x", symbol="y")


class Normalisation(NodeType):
    """What all of them share: the number that keeps a scale from 0, and a scale and a shift that are learned."""

    category = "Normalisation"
    inputs: ClassVar[tuple[Port, ...]] = (X,)
    outputs: ClassVar[tuple[Port, ...]] = (Y,)
    epsilon = Real(1e-5, low=0.0, high=1.0, symbol=r"\epsilon", help="Keeps what is divided by away from 0.")
    epsilon_place = Choice(
        "inside", ("inside", "outside"), help="Added to the variance inside the root, or to the deviation behind it."
    )
    learned = Flag(True, help="Whether a scale γ and a shift β are learned behind it.")
    initial_scale = Numbers(None, help="Scales γ to start from; 1 where nothing is said.")
    initial_shift = Numbers(None, help="Shifts β to start from; 0 where nothing is said.")

    def deviation(self, build: Builder, variance: Value) -> Value:
        """√(σ² + ε), or σ + ε."""
        epsilon = build.setting("epsilon", self.epsilon)
        if self.epsilon_place == "outside":
            return build.emit("sqrt", variance) + epsilon
        return build.emit("sqrt", variance + epsilon)

    def standardised(self, build: Builder, x: Value, axes: Sequence[int]) -> tuple[Value, Value, Value]:
        """(x − μ) / σ over some axes, and mean and variance with ones in these axes' place; the variance divides by n."""
        mean = over_axes("mean", x, axes)
        centred = x - mean
        variance = over_axes("mean", centred * centred, axes)
        return centred / self.deviation(build, variance), mean, variance

    def rescaled(self, build: Builder, x: Value, shape: tuple[int, ...], wide: Shape) -> Value:
        """γ x + β, with parameters of a shape of their own that is laid out as `wide`."""
        if not self.learned:
            return x
        for name, numbers, start, join in (
            ("scale", self.initial_scale, "ones", "multiply"),
            ("shift", self.initial_shift, "zeros", "add"),
        ):
            learned = build.parameter(name, *start_of(shape, numbers, start))
            x = build.emit(join, x, learned if wide == shape else build.emit("reshape", learned, shape=wide))
        return x


def channels_of(x: Value, axis: int) -> tuple[int, Shape]:
    """The length of the axis of channels, and a shape that spreads one number for each. Raises `ShapeMismatch`."""
    length = x.shape[axis] if axis < x.rank else None
    if x.kind != "real" or axis == 0 or not isinstance(length, int):
        raise shape_mismatch(
            f"{shape_text(x.shape)} has no channels on axis {axis}",
            "Set “axis” to that of features or channels.",
            port="x",
        )
    return length, tuple([length if i == axis else 1 for i in range(x.rank)])


@node_type
class BatchNormalisation(Normalisation):
    """Gives each channel mean 0 and deviation 1 over the batch; behind training, by the running statistics it kept."""

    name, icon, title = "batch_normalisation", "chart-area", "batch normalisation"
    formula = r"y = \gamma \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \epsilon}} + \beta"
    source = "Aggarwal 2023, §4.8, eqs 4.23 to 4.26"
    statistics = Choice(
        "batch", ("batch", "running"),
        help="In training: those of the batch, which the running ones follow; or the running ones, which then stay.",
    )  # fmt: skip
    share = Real(0.1, low=0.0, high=1.0, help="How far the running statistics move towards those of each batch.")
    axis = Whole(1, low=1, high=7, help="The axis of features or channels, counted from 0 (the batch).")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        channels, wide = channels_of(x, self.axis)
        running = {
            "mean": build.state("running_mean", (channels,)),
            "variance": build.state("running_variance", (channels,), 1.0),
        }
        if build.training and self.statistics == "batch":
            axes = [i for i in range(x.rank) if i != self.axis]
            y, mean, variance = self.standardised(build, x, axes)
            for kept, found in ((running["mean"], mean), (running["variance"], variance)):
                flat = build.emit("reshape", found, shape=(channels,))
                build.emit("average_towards", kept, flat, build.setting("share", self.share))
        else:
            mean, variance = [build.emit("reshape", kept, shape=wide) for kept in running.values()]
            y = (x - mean) / self.deviation(build, variance)
        return self.rescaled(build, y, (channels,), wide)


@node_type
class LayerNormalisation(Normalisation):
    """Gives each example mean 0 and deviation 1 over its features: no other example takes part."""

    name, icon, title = "layer_normalisation", "rows-3", "layer normalisation"
    formula = r"y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta"
    source = "Aggarwal 2023, §4.8 and §8.3.1, eq. 8.7"
    over = Choice("features", ("features", "example"), help="Over the last axis, or over everything an example has.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        width = features_of(x)
        if self.over == "features":
            y, _, _ = self.standardised(build, x, (x.rank - 1,))
            return self.rescaled(build, y, (width,), (width,))
        lead, example = example_of(x)
        whole = tuple([length for length in example if isinstance(length, int)])
        y, _, _ = self.standardised(build, x, range(len(lead), x.rank))
        return self.rescaled(build, y, whole, whole)


@node_type
class GroupNormalisation(Normalisation):
    """Gives each group of channels of each example mean 0 and deviation 1; as many groups as channels: every map alone."""

    name, icon, title = "group_normalisation", "group", "group normalisation"
    formula = r"y = \gamma \frac{x - \mu_g}{\sqrt{\sigma_g^2 + \epsilon}} + \beta"
    source = "Wu & He 2018; with one channel a group: Ulyanov et al. 2016 (instance normalisation)"
    groups = Whole(1, low=1, high=65536, unit="groups", help="How many groups the channels are parted into.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        channels, wide = channels_of(x, 1)
        if channels % self.groups:
            raise shape_mismatch(
                f"{channels} channels make no {self.groups} equal groups", f"Set “groups” to a divisor of {channels}.",
                port="x",
            )  # fmt: skip
        inside = count(x.shape[1:])
        assert isinstance(inside, int)
        parted = build.emit("reshape", x, shape=(x.shape[0], self.groups, inside // self.groups))
        y, _, _ = self.standardised(build, parted, (2,))
        return self.rescaled(build, build.emit("reshape", y, shape=x.shape), (channels,), wide)


@node_type
class LocalResponseNormalisation(NodeType):
    """Damps each cell by what neighbouring maps show at its place: strong maps silence those beside them."""

    name, category, icon = "local_response_normalisation", "Normalisation", "volume-x"
    title = "local response normalisation"
    formula = r"y_k = \frac{x_k}{\left(\kappa + \alpha \sum_{l \approx k} x_l^2\right)^{\beta}}"
    source = "Krizhevsky, Sutskever & Hinton 2012, §3.3; named in Aggarwal 2023, §9.4.1"
    inputs = (Port("x", MAPS, symbol="x"),)
    outputs = (Y,)
    size = Whole(
        5, low=1, high=1024, unit="maps", help="How many neighbouring maps are looked at, this one in the middle."
    )
    constant = Real(2.0, low=0.0, symbol=r"\kappa", help="What is added to the sum.")
    alpha = Real(1e-4, low=0.0, symbol=r"\alpha", help="How much the neighbours count.")
    beta = Real(0.75, low=0.0, high=10.0, symbol=r"\beta", help="The power that their sum is raised to.")
    over = Choice(
        "sum", ("sum", "mean"), help="Over the sum of squares, as printed, or over their mean, as in libraries."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        height, width = sides_of(x)
        squares = build.emit("reshape", x * x, shape=(x.shape[0], 1, x.shape[1], height * width))
        margins = ((self.size - 1) // 2, self.size // 2, 0, 0)
        around = build.emit("window_mean", squares, window=(self.size, 1), stride=(1, 1), padding=margins)
        if self.over == "sum":
            around = around * float(self.size)
        damped = build.setting("constant", self.constant) + build.setting("alpha", self.alpha) * around
        power = build.emit("power", damped, build.setting("beta", self.beta))
        return x / build.emit("reshape", power, shape=x.shape)


@node_type
class WeightNormalisation(NodeType):
    """Parts weights into length and direction: each unit's weights are made as long as a gain that is learned."""

    name, category, icon, title = "weight_normalisation", "Normalisation", "scale", "weight normalisation"
    formula = r"w = g \frac{v}{\lVert v \rVert}"
    source = "Salimans & Kingma 2016; Aggarwal 2023, §4.11"
    inputs = (Port("v", "(features, units)", kind="parameter", symbol="v", help="A parameter: the direction."),)
    outputs = (Port("w", "(features, units)", kind="parameter", symbol="w", help="Wire it to a layer's weight."),)
    units = Choice(
        "last", ("last", "first"), help="Whether units are on the last axis (dense layers) or the first (filters)."
    )
    initial_gain = Numbers(
        None, help="Lengths g to start from, one per unit (or one for all); 1 where nothing is said."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        v: Value = values["v"]
        axis = 0 if self.units == "first" else axis_of(v, None, "v")
        units = v.shape[axis] if v.rank else None
        if v.rank < 2 or not isinstance(units, int):
            raise shape_mismatch(
                f"weights have an axis of units and others, not {shape_text(v.shape)}",
                "Wire in a parameter (features, units).", port="v",
            )  # fmt: skip
        squared = over_axes("sum", v * v, [i for i in range(v.rank) if i != axis])
        gain = build.parameter("gain", *start_of((units,), self.initial_gain, "ones"))
        wide = tuple([units if i == axis else 1 for i in range(v.rank)])
        return v * (build.emit("reshape", gain, shape=wide) / build.emit("sqrt", squared))
