"""Time: sequences taken apart and put together again, and the delay through which a network remembers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Dimensions, NodeType, Port, Real, Whole, node_type
from engine.problems import ShapeMismatch, shape_mismatch
from engine.program import Builder
from engine.values import B, Value, shape_text

SEQUENCE = Port("x", "(batch, time, features)", symbol="X")
STEP = Port("x", "(batch, features)", symbol="x")
LENGTHS = Port(
    "lengths", "(batch) or (batch, 1)", kind="index", symbol="T", optional=True,
    help="How many steps each example has; the others do not count. Free: all of them.",
)  # fmt: skip


class InTime(NodeType):
    """A node that has to do with steps of time."""

    category = "Time"


@node_type
class EachStep(InTime):
    """Takes a sequence apart: what stands behind it is computed once for every step of time."""

    name, title, icon, time = "each_step", "each step", "timer", "opens"
    formula = r"x^{(t)} = X_{:, t}"
    source = "Aggarwal 2023, §8.2"
    inputs: ClassVar[tuple[Port, ...]] = (SEQUENCE,)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, features) at each step", symbol="x"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        if x.rank < 2 or not isinstance(x.shape[1], int):
            raise shape_mismatch(
                f"a sequence has the shape (batch, time, …), not {shape_text(x.shape)}",
                "Give the input a shape with time first, as (steps, features).",
                port="x",
            )
        part = build.emit("slice", x, axis=1, start=build.step, stop=build.step + 1)
        rest = x.shape[2:] or (1,)
        return build.emit("reshape", part, shape=(x.shape[0], *rest))


@node_type
class Delay(InTime):
    """Hands on what came in one step of time ago: the memory of a recurrent network."""

    name, title, icon, time = "delay", "delay", "timer", "delays"
    formula = r"y^{(t)} = x^{(t-1)},\quad y^{(0)} = y_0"
    source = "Aggarwal 2023, §8.2.1"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, features)", symbol="x", delayed=True),
        Port("start", "(batch, features)", symbol="y_0", help="What stands before the first step.", optional=True),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, features), one step late", symbol="y"),)
    shape = Dimensions((8,), help="Of what is remembered for each example; not needed where “start” is connected.")
    initial = Real(0.0, help="The number that fills the memory before the first step.")
    truncate = Whole(
        0,
        low=0,
        high=1000,
        help="Every so many steps no derivative passes back through the delay; 0: it always passes.",
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        before: Value | None = values["x"]
        start: Value | None = values["start"]
        if before is None:
            if start is not None:
                return handed_on(build, start)
            return build.emit("broadcast", build.setting("initial", self.initial), shape=(B, *self.shape))
        first = build.program.outputs[f"{build.origin.node}.y@0"]
        if before.shape != first.shape:
            raise shape_mismatch(
                f"the delay began with {shape_text(first.shape)}, and {shape_text(before.shape)} comes back to it",
                "Set its “shape” to that of what comes in.",
                port="x",
            )
        if self.truncate and build.step % self.truncate == 0:
            return build.emit("stop_gradient", before)
        return handed_on(build, before)


class Gathering(InTime):
    """Makes one value of what all steps of time gave."""

    time = "closes"
    inputs: ClassVar[tuple[Port, ...]] = (STEP,)


class Masked(Gathering):
    """Gathers only the steps that an example has, where it is told how many these are."""

    inputs: ClassVar[tuple[Port, ...]] = (STEP, LENGTHS)

    def within(self, build: Builder, steps: list[Value], lengths: Value) -> list[Value]:
        """For each step 1 where an example still has it, else 0, in the shape of the step."""
        if lengths.kind != "real":
            lengths = build.emit("to_real", lengths)
        for step in steps:
            if not step.rank or step.shape[0] != lengths.shape[:1][0]:
                raise shape_mismatch(
                    f"steps of shape {shape_text(step.shape)} belong to no single example",
                    "Gather numbers that each example has of its own, and take the loss of them behind this node.",
                    port="lengths",
                )
        each = build.emit("reshape", lengths, shape=(steps[0].shape[0], *[1] * (steps[0].rank - 1)))
        places = [build.emit("greater", each, float(time)) for time in range(len(steps))]
        return [build.emit("broadcast", place, shape=steps[0].shape) for place in places]

    def lengths_of(self, values: dict[str, Any]) -> Value | None:
        """One length for each example, or None. Raises `ShapeMismatch` where there are more."""
        return one_length_each(values.get("lengths"))


@node_type
class AllSteps(Masked):
    """Puts the values of all steps of time side by side, as a sequence."""

    name, title, icon = "all_steps", "all steps", "timer"
    formula = r"Y_{:, t} = x^{(t)}"
    source = "Aggarwal 2023, §8.2"
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, time, features)", symbol="Y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        found, lengths = values["x"], self.lengths_of(values)
        if lengths is not None:  # zeros stand where an example has ended
            marks = self.within(build, found, lengths)
            found = [build.emit("where", there, step, 0.0) for step, there in zip(found, marks, strict=True)]
        steps = [_as_step(build, value) for value in found]
        return steps[0] if len(steps) == 1 else build.emit("concat", *steps, axis=1)


@node_type
class LastStep(Masked):
    """The value of the last step of time: what a network has made of the whole sequence."""

    name, title, icon = "last_step", "last step", "timer"
    formula = r"y = x^{(T)}"
    source = "Aggarwal 2023, §8.2"
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, features)", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        steps, lengths = values["x"], self.lengths_of(values)
        last: Value = steps[-1]
        if lengths is None:
            return handed_on(build, last)
        last = steps[0]
        for step, there in list(zip(steps, self.within(build, steps, lengths), strict=True))[1:]:
            last = build.emit("where", there, step, last)
        return last


@node_type
class SumOverSteps(Masked):
    """The sum over all steps of time, as of a loss at each of them."""

    name, title, icon = "sum_over_steps", "sum over steps", "timer"
    formula = r"y = \sum_t x^{(t)}"
    source = "Aggarwal 2023, §8.2.2"
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "as one step", symbol="L"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        return self.sum(build, values)

    def sum(self, build: Builder, values: dict[str, Any]) -> Value:
        """The sum of the steps that count."""
        steps, lengths = values["x"], self.lengths_of(values)
        if lengths is not None:
            marks = self.within(build, steps, lengths)
            steps = [build.emit("where", there, step, 0.0) for step, there in zip(steps, marks, strict=True)]
        only: Value = steps[0]
        return only if len(steps) == 1 else build.emit("total", *steps)


@node_type
class MeanOverSteps(SumOverSteps):
    """The mean over all steps of time."""

    name, title, icon = "mean_over_steps", "mean over steps", "timer"
    formula = r"y = \frac{1}{T} \sum_t x^{(t)}"
    source = "Aggarwal 2023, §8.2.2"
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "as one step", symbol="y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        total, lengths = self.sum(build, values), self.lengths_of(values)
        if lengths is None:
            steps = len(values["x"])
            return total if steps == 1 else total * (1.0 / steps)
        if lengths.kind != "real":
            lengths = build.emit("to_real", lengths)
        counted = build.emit("maximum", build.emit("minimum", lengths, float(len(values["x"]))), 1.0)
        return total / build.emit("reshape", counted, shape=(total.shape[0], *[1] * (total.rank - 1)))


@node_type
class Reverse(InTime):
    """Reads a sequence from its end, as the second half of a bidirectional network does; once more, it is as it was."""

    name, title, icon = "reverse", "reverse in time", "flip-horizontal-2"
    formula = r"Y_{:, t} = X_{:, T + 1 - t}"
    source = "Aggarwal 2023, §8.2.3"
    inputs: ClassVar[tuple[Port, ...]] = (SEQUENCE, LENGTHS)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, time, features)", symbol="Y"),)

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        lengths = one_length_each(values.get("lengths"))
        if x.rank < 2 or not isinstance(x.shape[1], int):
            raise shape_mismatch(
                f"a sequence has the shape (batch, time, …), not {shape_text(x.shape)}",
                "Wire it to a sequence: one in the data, or what “all steps” gathers.",
                port="x",
            )
        if lengths is None:
            return build.emit("reverse", x, axis=1)
        real = build.emit("to_real", lengths) if lengths.kind == "whole" else lengths
        try:
            return build.emit("reverse_within", x, build.emit("reshape", real, shape=lengths.shape[:1]))
        except ShapeMismatch as error:
            raise error.at(port="lengths") from None


@node_type
class LengthMask(InTime):
    """1 for each step that a sequence has, 0 behind its end: what attention may look at, and how much a loss counts."""

    name, title, icon = "length_mask", "length mask", "timer"
    formula = r"m_t = [\,t \leq T\,]"
    source = "padding mask: Vaswani et al. 2017"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("lengths", LENGTHS.shape, "index", "T", "How many steps each example has."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("mask", "(batch, steps)", symbol="m"),)
    count = Whole(8, low=1, high=100_000, unit="steps", help="How many steps the sequences have with their padding.")

    def lower(self, build: Builder, **values: Any) -> Value:
        lengths = one_length_each(values["lengths"])
        assert lengths is not None
        if lengths.kind == "whole":
            lengths = build.emit("to_real", lengths)
        places = np.arange(float(self.count))[None]
        table = build.source("constant", f"{build.origin.node}.places", places.shape, places)
        return build.emit("greater", build.emit("reshape", lengths, shape=(lengths.shape[0], 1)), table)


def one_length_each(lengths: Value | None) -> Value | None:
    """One length for each example, or None. Raises `ShapeMismatch` where there are more."""
    if lengths is None or lengths.rank == 1 or (lengths.rank == 2 and lengths.shape[1] == 1):
        return lengths
    raise shape_mismatch(
        f"one length for each example is needed, not {shape_text(lengths.shape)}",
        "Take one column of it.",
        port="lengths",
    )


def handed_on(build: Builder, value: Value) -> Value:
    """The same numbers under a name of their own, so that what comes back here is told apart from what else they get."""
    return build.emit("reshape", value, shape=value.shape)


def _as_step(build: Builder, value: Value) -> Value:
    """A value with an axis of length 1 for time behind the batch."""
    if not value.rank:
        raise shape_mismatch("a single number has no place in a sequence", "Sum it over the steps instead.", port="x")
    return build.emit("reshape", value, shape=(value.shape[0], 1, *value.shape[1:]))
