"""Weights made fewer or coarser: pruned, quantised, shared by hashing."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.initialisers import INITIALISERS, stream
from engine.nodes.base import Choice, Dimensions, NodeType, Port, Real, Whole, node_type
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Batch, Value, count, shape_text

WEIGHTS = Port("w", "any without a batch", symbol="w", help="A parameter node.")
SOURCE = "Aggarwal 2023, §4.9.3 and §12.7.2; Han et al. 2015"


def entries_of(w: Value) -> int:
    """How many weights there are. Raises `ShapeMismatch` where they change with the examples."""
    if w.kind != "real" or any(isinstance(length, Batch) for length in w.shape):
        raise shape_mismatch(f"{shape_text(w.shape)} holds no weights", "Wire it to a parameter.", port="w")
    entries = count(w.shape)
    assert isinstance(entries, int)
    return entries


class Compressed(NodeType):
    """Weights in a smaller form; wire it between a parameter and a layer's weight."""

    category, icon, source = "Parameters", "shrink", SOURCE
    inputs: ClassVar[tuple[Port, ...]] = (WEIGHTS,)
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "as the weights", kind="parameter", symbol="w'"),)


@node_type
class MagnitudeMask(Compressed):
    """Sets small weights to 0, and lets them learn no more: pruning."""

    name, title, icon = "magnitude_mask", "magnitude mask", "scissors"
    formula = r"w'_i = w_i\,[\,|w_i| \geq \theta\,]"
    outputs: ClassVar[tuple[Port, ...]] = (
        *Compressed.outputs,
        Port("mask", "as the weights", symbol="m", help="1 where a weight is kept."),
    )
    by = Choice("threshold", ("threshold", "share"), help="All below a size go, or a share of them: the smallest.")
    threshold = Real(1e-6, low=0.0, high=1e6, symbol=r"\theta", help="The least size that is kept.")
    share = Real(0.5, low=0.0, high=0.999, help="The share of the weights that goes.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        w: Value = values["w"]
        entries = entries_of(w)
        size = build.emit("absolute", w)
        if self.by == "threshold":
            mask = build.emit("at_least", size, build.setting("threshold", self.threshold))
        else:
            row = build.emit("reshape", size, shape=(entries,))
            kept = build.emit("winners", row, 1.0 - build.setting("share", self.share), share=True)
            mask = build.emit("reshape", kept, shape=w.shape)
        return {"y": w * mask, "mask": mask}


@node_type
class Quantise(Compressed):
    """Rounds weights to a few evenly spaced numbers; derivatives pass as if it did not."""

    name, icon = "quantise", "tally-5"
    formula = r"w' = a + s \left\lfloor \frac{w - a}{s} + \tfrac12 \right\rfloor,\quad s = \frac{b - a}{2^k - 1}"
    bits = Whole(4, low=1, high=16, unit="bits", help="How many bits each weight has: 2 to this power are the numbers.")

    def lower(self, build: Builder, **values: Any) -> Value:
        w: Value = values["w"]
        entries = entries_of(w)
        emit, fixed = build.emit, build.emit("stop_gradient", w)
        row = emit("reshape", fixed, shape=(entries,))
        low, high = emit("min", row, axes=(0,)), emit("max", row, axes=(0,))
        step = (high - low) * (1.0 / (2**self.bits - 1))
        step = emit("where", step, step, 1.0)  # weights that are all alike stay as they are
        level = emit("to_real", emit("to_whole", (fixed - low) / step))
        return (low + step * level) + (w - fixed)


@node_type
class HashedWeights(NodeType):
    """A large table of weights made of few: a hash says which of them stands where."""

    name, category, icon, title = "hashed_weights", "Parameters", "hash", "hashed weights"
    formula = r"W_{ij} = w_{h(i, j)}"
    source = "Chen et al. 2015; Aggarwal 2023, §4.9.3"
    outputs: ClassVar[tuple[Port, ...]] = (Port("weight", "any", kind="parameter", symbol="W"),)
    shape = Dimensions((4, 4), help="The shape of the table.")
    buckets = Whole(8, low=1, high=10**6, unit="weights", help="How many weights there are in truth.")
    initialiser = Choice("normal", tuple(INITIALISERS), help="How these start.")

    def lower(self, build: Builder, **values: Any) -> Value:
        shape = self.shape or ()
        if not 1 <= int(count(shape)) <= 10**7:  # type: ignore[arg-type]
            raise ProblemError(Problem(f"a table of {shape_text(shape)} is too large", path="properties.shape"))
        node = build.origin.node
        weights = build.parameter("weight", (self.buckets,), INITIALISERS[self.initialiser])
        table = stream(build.seed, f"{node}.hash").integers(0, self.buckets, shape)
        rows = build.emit("to_whole", build.source("constant", f"{node}.hash", shape, table.astype(float)))
        return build.emit("gather_rows", weights, rows)
