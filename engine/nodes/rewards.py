"""What an agent sums up and tries out: discounted returns, running means, exploration, traces."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.arrays import ArrayOperation
from engine.nodes.base import Choice, Flag, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.data import start_of
from engine.nodes.losses import number_each
from engine.nodes.losses_reward import ACTION
from engine.nodes.ordering import whole_numbers
from engine.nodes.prototypes import rows_of_features
from engine.nodes.random import Random, classes_of
from engine.nodes.rows import along, axis_of, axis_property
from engine.primitives.draws import key_of
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

VALUES = Port("values", "(batch, actions)", symbol="Q", help="What each action is worth.")


@node_type
class DiscountedSum(ArrayOperation):
    """Adds up all that follows, each step counting less: the return of rewards, or the trace of what went before."""

    name, icon, title = "discounted_sum", "trending-down", "discounted sum"
    formula = r"y_t = x_t + \gamma\,y_{t+1}"
    source = "Aggarwal 2023, §11.3 and eq. 11.2; of temporal differences, with γλ: Schulman et al. 2016 (GAE)"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(batch, time)", symbol="x"),
        Port("factor", "()", symbol=r"\gamma", default=0.9, help="How much one step further off counts."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(batch, time)", symbol="y"),)
    of = Choice("following", ("following", "preceding"), help="All that comes later, or all that came before.")
    axis = axis_property("The axis that time runs along")

    def lower(self, build: Builder, **values: Any) -> Value:
        x, factor = values["x"], values["factor"]
        flags = {"reverse": True} if self.of == "following" else {}
        return along(build, x, axis_of(x, self.axis), lambda rows: build.emit("discounted_sum", rows, factor, **flags))


@node_type
class EpsilonGreedy(Random):
    """Chooses the action that is worth most, and now and then any: so that nothing better is missed for ever."""

    name, title = "epsilon_greedy", "epsilon-greedy"
    formula = r"a = \arg\max_a Q_a \text{ with } 1 - \epsilon,\quad \text{any with } \epsilon"
    source = "Aggarwal 2023, §11.2; Watkins 1989"
    inputs: ClassVar[tuple[Port, ...]] = (
        VALUES,
        Port("epsilon", "()", symbol=r"\epsilon", default=0.1, help="How often any action is tried: wire a schedule."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("y", "(batch, actions)", symbol="y", help="A column for each action: 1 in the one chosen."),
        Port("index", "(batch)", kind="index", symbol="a", help="The action chosen, counted from 0."),
    )
    ties = Choice("first", ("first", "random"), help="Of actions that are worth the same: the first, or any of them.")
    evaluation = Choice("greedy", ("greedy", "sample"), help="What it answers when it is evaluated.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, worth = build.emit, values["values"]
        actions = classes_of(worth)
        best = worth
        if self.ties == "random":
            highest = emit("max", worth, axes=(worth.rank - 1,), keep=True)
            lot = emit("random_uniform", shape=worth.shape, key=key_of(build, "ties"))
            best = emit("where", emit("at_least", worth, highest), 1.0 + lot, 0.0)
        index = emit("argmax", best)
        if build.training or self.evaluation == "sample":
            rows = worth.shape[:-1]
            lots = emit("random_uniform", shape=rows, key=key_of(build, "whether"))
            which = actions * emit("random_uniform", shape=rows, key=key_of(build, "which")) - 0.5
            tried = emit("greater", values["epsilon"], lots)
            index = emit("to_whole", emit("where", tried, which, emit("to_real", index)))
        return {"y": emit("one_hot", index, classes=actions), "index": index}


@node_type
class RunningMean(NodeType):
    """What each action has brought on average so far, or lately."""

    name, category, icon, title = "running_mean", "Learning rules", "chart-no-axes-column", "running mean of rewards"
    formula = r"Q_a \leftarrow Q_a + \frac{1}{n_a}\,(r - Q_a)"
    source = "Aggarwal 2023, §11.2: multi-armed bandits"
    inputs = (ACTION, Port("reward", "(batch)", symbol="r"))
    outputs = (
        Port("values", "(1, actions)", symbol="Q", help="The means before this batch."),
        Port("count", "(1, actions)", symbol="n", help="How often each action was taken before."),
    )
    actions = Whole(4, low=1, high=65536, unit="actions", help="How many actions there are.")
    step = Choice(
        "running mean", ("running mean", "fixed"), help="1 / n: the mean of all; or a fixed share: the latest."
    )
    learning_rate = Real(0.1, low=0.0, high=1.0, symbol=r"\alpha", help="The fixed share, per reward.")
    start = Numbers(0.0, help="What is expected of each action before it was tried: one number, or one each.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, shape = build.emit, (1, self.actions)
        mean = build.parameter("mean", *start_of(shape, self.start, "zeros"))
        count = build.state("count", shape)
        action, reward = values["action"], values["reward"]
        if action.rank == 2 and action.shape[1] == 1:
            action = emit(
                "reshape", action if action.kind == "real" else emit("to_real", action), shape=action.shape[:1]
            )
        if action.shape[1:] == shape[1:]:
            taken = action
        elif action.rank == 1:
            taken = emit("one_hot", whole_numbers(build, action), classes=self.actions)
        else:
            fact = f"actions of shape {shape_text(action.shape)} meet {self.actions} means"
            raise shape_mismatch(fact, "Give the number of one action for each reward.", port="action")
        each = number_each(build, reward, emit("sum", taken, axes=(1,)), "reward")

        def learn() -> None:
            brought = emit("matmul", emit("reshape", each, shape=(1, each.shape[0])), taken)
            now = emit("sum", taken, axes=(0,), keep=True)
            emit("add_to", count, now)
            pace: Any = build.setting("learning_rate", self.learning_rate)
            if self.step == "running mean":
                pace = 1.0 / emit("maximum", count, 1.0)
            emit("add_to", mean, pace * (brought - now * mean))

        build.learn(learn)
        return {"values": 1.0 * mean, "count": 1.0 * count}


@node_type
class TemporalDifferenceLambda(NodeType):
    """Learns what states are worth from an episode: every error reaches back along a trace that fades."""

    name, category, icon, title = "td_lambda", "Learning rules", "history", "TD(λ)"
    formula = r"w \leftarrow w + \alpha \sum_t \delta_t z_t,\quad z_t = \lambda\gamma\,z_{t-1} + x_t"
    source = "Aggarwal 2023, eqs 11.17 to 11.19; Sutton 1988"
    measures = ("error",)
    inputs = (
        Port("x", "(batch, features)", symbol="x", help="The states of one episode, a row each, in their order."),
        Port("reward", "(batch)", symbol="r", help="What followed on each state."),
    )
    outputs = (
        Port("value", "(batch, 1)", symbol="V", help="What each state is worth: a weighted sum."),
        Port("delta", "(batch, 1)", symbol=r"\delta", help="Reward and next value, less the value."),
        Port("trace", "(batch, features)", symbol="z"),
        Port("error", "()", symbol="E", help="Mean square of δ."),
    )
    discount = Real(0.9, low=0.0, high=1.0, symbol=r"\gamma", help="How much the next value counts.")
    decay = Real(0.8, low=0.0, high=1.0, symbol=r"\lambda", help="How far an error reaches back; 0: to its own state.")
    learning_rate = Real(0.1, low=0.0, high=1000.0, symbol=r"\alpha", help="How much of an error moves the weights.")
    initial_weight = Numbers(None, help="Weights to start from, one per feature.")
    ends = Flag(True, help="Whether nothing comes after the last row; else it only tells what came before is worth.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, x = build.emit, values["x"]
        width = rows_of_features(x)
        start = self.initial_weight
        column = None if start is None else np.reshape(np.asarray(start, np.float64), (-1, 1))
        weight = build.parameter("weight", *start_of((width, 1), column, "zeros"))
        value: Value = x @ weight
        flat = emit("reshape", value, shape=x.shape[:1])
        reward = number_each(build, values["reward"], flat, "reward")
        discount, decay = build.setting("discount", self.discount), build.setting("decay", self.decay)
        after, last = self._next(build, flat)
        known = 1.0 - last if not self.ends else 1.0
        delta = emit("reshape", known * (reward + discount * after - flat), shape=value.shape)
        trace = emit("transpose", emit("discounted_sum", emit("transpose", x), discount * decay))

        def learn() -> None:
            push = emit("matmul", trace, delta, transpose_a=True)
            emit("add_to", weight, build.setting("learning_rate", self.learning_rate) * push)

        build.learn(learn)
        return {"value": value, "delta": delta, "trace": trace, "error": emit("mean", delta * delta, axes=(0, 1))}

    @staticmethod
    def _next(build: Builder, value: Value) -> tuple[Value, Value]:
        """The value of the row behind each, 0 behind the last; and 1 for the last row, else 0."""
        emit, row = build.emit, (1, value.shape[0])
        ones = emit("broadcast", build.constant(1.0), shape=row)
        place = emit("discounted_sum", ones, build.constant(1.0))  # 1, 2, 3 … from the first row on
        back = emit("discounted_sum", ones, build.constant(1.0), reverse=True)
        last = emit("reshape", emit("equal", back, 1.0), shape=value.shape)
        number = emit("to_whole", emit("reshape", place, shape=value.shape) - last)
        return emit("where", last, 0.0, emit("gather_rows", value, number)), last
