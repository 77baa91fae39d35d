"""Numbers and weights that change while training goes on: schedules, curricula, copies that lag behind."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.base import Choice, NodeType, Port, Real, Whole, node_type
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Batch, Value, shape_text

UNIT = Choice("epoch", ("epoch", "iteration"), help="What t counts: whole passes over the data, or updates.")
FORMS = ("linear", "cosine", "exponential", "inverse", "step")


def kept_between(build: Builder, now: Value) -> Value:
    """In training the number of the moment, which is noted; in evaluation what was noted last."""
    noted = build.state("now", ())

    def note() -> None:
        build.emit("set_to", noted, now)

    build.learn(note)
    return now


@node_type
class NumberSchedule(NodeType):
    """A number that moves from a start to an end while training goes on: of a noise, a temperature, a share."""

    name, category, icon, title = "number_schedule", "Data", "trending-down", "schedule"
    formula = r"y_t = a + (b - a)\,\min(t / T, 1)"
    source = "Aggarwal 2023, §2.6.2, §5.8 and §11.2"
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "()", symbol="y", help="The same for every example."),)
    form = Choice(
        "linear", FORMS,
        help="Evenly or along half a wave from a to b; or from a towards 0: a e^(−kt), a / (1 + kt), or times k every T.",
    )  # fmt: skip
    start = Real(1.0, symbol="a", help="The number at the beginning.")
    end = Real(0.0, symbol="b", help="The number in the end (of a line and a wave).")
    length = Real(10.0, low=1.0, high=1e7, symbol="T", help="When the end is reached, or how long a step lasts.")
    speed = Real(
        0.1, low=0.0, high=100.0, symbol="k", help="How fast it falls; of steps what each multiplies it by."
    )  # fmt: skip
    unit = UNIT

    def lower(self, build: Builder, **values: Any) -> Value:
        if not build.training:
            return build.emit("reshape", build.state("now", ()), shape=())
        a, b, length, speed = (build.setting(name, getattr(self, name)) for name in ("start", "end", "length", "speed"))
        calls: dict[str, tuple[str, tuple[Value, ...]]] = {
            "linear": ("linear_ramp", (b, a, length)), "cosine": ("cosine_decay", (a, length, b)),
            "exponential": ("exponential_decay", (a, speed)), "inverse": ("inverse_decay", (a, speed)),
            "step": ("step_decay", (a, speed, length)),
        }  # fmt: skip
        name, operands = calls[self.form]
        return kept_between(build, build.emit(name, *operands, unit=self.unit))


@node_type
class Curriculum(NodeType):
    """Lets the easiest examples count first, and more and more of the others: weights for a loss."""

    name, category, icon = "curriculum", "Data", "graduation-cap"
    formula = r"w_i = [\,d_i \text{ is among the } \lceil s_t n \rceil \text{ least}\,]"
    source = "Aggarwal 2023, §5.8; Bengio et al. 2009"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("difficulty", "(batch) or (batch, 1)", symbol="d", help="How hard each example is; the least comes first."),
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("weight", "(batch)", symbol="w", help="1 or 0; 1 for every example in evaluation."),
    )
    start = Real(0.2, low=0.0, high=1.0, symbol="s_0", help="The share of the batch that counts at the beginning.")
    length = Real(10.0, low=1.0, high=1e7, symbol="T", help="When all examples count.")
    unit = UNIT

    def lower(self, build: Builder, **values: Any) -> Value:
        difficulty: Value = values["difficulty"]
        if difficulty.rank < 1 or difficulty.kind != "real" or difficulty.shape[1:] not in ((), (1,)):
            fact = f"{shape_text(difficulty.shape)} does not hold one number for each example"
            raise shape_mismatch(fact, "Give one difficulty for each.", port="difficulty")
        rows = difficulty.shape[0]
        if not build.training:
            return build.emit("broadcast", build.constant(1.0), shape=(rows,))
        start, length = build.setting("start", self.start), build.setting("length", self.length)
        share = build.emit("linear_ramp", build.constant(1.0), start, length, unit=self.unit)
        easiest = build.emit("winners", -build.emit("reshape", difficulty, shape=(1, rows)), share, share=True)
        return build.emit("reshape", easiest, shape=(rows,))


@node_type
class LaggingCopy(NodeType):
    """Parameters as they were: a copy taken every so often, or one that follows slowly. No derivative passes."""

    name, category, icon, title = "lagging_copy", "Parameters", "copy", "lagging copy"
    formula = (
        r"\bar w \leftarrow w \text{ every } k \text{ iterations},\quad \bar w \leftarrow \bar w + \tau\,(w - \bar w)"
    )
    source = "Mnih et al. 2015: target network; Lillicrap et al. 2016; van Hasselt et al. 2016: double Q"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("w", "any without a batch", symbol="w", help="A parameter node. Wire the copy to a layer's weight."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("copy", "any", kind="parameter", symbol=r"\bar w"),)
    form = Choice(
        "periodic", ("periodic", "moving"), help="A copy every k iterations, or a share of the way each time."
    )
    every = Whole(100, low=1, high=10**7, unit="iterations", help="How long a copy stays the same.")
    share = Real(0.01, low=0.0, high=1.0, symbol=r"\tau", help="The share of the way that a moving copy goes.")

    def lower(self, build: Builder, **values: Any) -> Value:
        w: Value = values["w"]
        if w.kind != "real" or any(isinstance(length, Batch) for length in w.shape):
            fact = f"{shape_text(w.shape)} changes with the examples, nothing of it can be kept"
            raise shape_mismatch(fact, "Wire it to a parameter.", port="w")
        begun, kept = build.state("begun", ()), build.state("kept", tuple(w.shape))
        copy = build.emit("stop_gradient", build.emit("where", begun, kept, w))
        build.learn(lambda: self._follow(build, w, copy, kept, begun))
        return copy

    def _follow(self, build: Builder, w: Value, copy: Value, kept: Value, begun: Value) -> None:
        emit = build.emit
        if self.form == "moving":
            emit("set_to", kept, copy + build.setting("share", self.share) * (w - copy))
        else:
            waited = build.state("waited", ())
            now = waited + 1.0
            due = emit("at_least", now, float(self.every))
            emit("set_to", kept, emit("where", due, w, copy))
            emit("set_to", waited, emit("where", due, 0.0, now))
        emit("set_to", begun, build.constant(1.0))
