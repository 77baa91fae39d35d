"""What agents were paid: scores over time, games that are played within one iteration, and what their moves brought."""

from __future__ import annotations

from typing import Any, ClassVar

from engine.nodes.agents import DISCOUNT, DONE, Agent, each, game_over, games_in
from engine.nodes.base import Choice, Flag, Port, Whole, node_type
from engine.nodes.time import InTime, handed_on
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Batch, Value, shape_text

CURVE_BINS = 4096  # of (minimum, maximum, last); when all are full, neighbours merge


@node_type
class Score(Agent):
    """How well an agent does: what a move pays on average, what a whole game brings, and how long it lasts."""

    name, icon, title = "score", "trending-up", "score"
    formula = r"\bar r \leftarrow \bar r + \frac{1}{\min(n, w)}\,(r - \bar r)"
    source = "Aggarwal 2023, §11.2 and §11.3"
    inputs = (Port("reward", "(games)", symbol="r"), DONE)
    outputs = (
        Port("average", "()", symbol=r"\bar r", help="Of what a move pays, over the last ones."),
        Port("gain", "()", symbol="R", help="What a game brought in all, on average over the last that ended."),
        Port("length", "()", symbol="T", help="How many moves such a game lasted."),
        Port("ended", "()", symbol="n", help="How many games have ended."),
    )
    window = Whole(100, low=1, high=10**7, help="How many moves, or games, the averages reach back.")
    curve = Choice("average", ("average", "gain", "length"), help="What is drawn over time.")
    every = Flag(True, help="Whether it is drawn over time at all.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, reward = build.emit, values["reward"]
        games = games_in(reward, "reward")
        reward = each(build, reward, games, "reward")
        over = game_over(build, values["done"], games)
        moves, average = build.state("moves", ()), build.state("average", ())
        now = emit("minimum", moves + 1.0, float(self.window))
        paid = average + (emit("mean", reward, axes=(0,)) - average) / now
        total, steps = build.state("total", (games,)), build.state("steps", (games,))
        brought, lasted = total + reward, steps + 1.0
        finished = emit("sum", over, axes=(0,))
        ended = build.state("ended", ())
        all_ended = ended + finished
        share = finished / emit("maximum", emit("minimum", all_ended, float(self.window)), 1.0)
        share = emit("minimum", share, 1.0)
        scored: dict[str, Value] = {}
        for name, per_game in (("gain", brought), ("length", lasted)):
            known = build.state(name, ())
            mean = emit("sum", over * per_game, axes=(0,)) / emit("maximum", finished, 1.0)
            scored[name] = known + share * (mean - known)
        outputs = {"average": paid, **scored, "ended": all_ended}

        def note() -> None:
            for name, value in outputs.items():
                emit("set_to", build.state(name, ()), value)
            emit("set_to", moves, now)
            for kept, value in ((total, brought), (steps, lasted)):
                emit("set_to", kept, (1.0 - over) * value)
            if self.every:
                node = build.origin.node
                bins = build.source("state", f"{node}.curve_history", (CURVE_BINS, 3), 0.0)
                counters = build.source("state", f"{node}.curve_counters", (3,), 0, kind="whole")
                emit("history_ring", bins, counters, outputs[self.curve])

        build.learn(note)
        return outputs


@node_type
class Rollout(InTime):
    """Where games stand at each of a number of moves that are played in one iteration; no derivative passes."""

    name, title, icon, time = "rollout", "rollout", "route", "delays"
    formula = r"s^{(t)} = x^{(t-1)},\quad s^{(0)} = s_0"
    source = "Aggarwal 2023, §11.4 and §11.6.2: rollouts of at most H moves"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(games, features)", symbol="x", delayed=True, help="“onward” of the node that takes the actions."),
        Port("start", "(games, features)", symbol="s_0", help="“state” of a world."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(games, features), move by move", symbol="s"),)
    steps = Whole(10, low=1, high=1000, unit="moves", help="How many moves are played.")

    def lower(self, build: Builder, **values: Any) -> Value:
        value: Value = handed_on(build, build.emit("stop_gradient", values["start" if build.step == 0 else "x"]))
        return value


@node_type
class Returns(InTime):
    """What every move of a rollout brought in the long run: its reward and all that followed in its game."""

    name, title, icon = "returns", "returns", "trending-down"
    formula = r"R_t = r_t + \gamma\,(1 - d_t)\,R_{t+1}"
    source = "Aggarwal 2023, §11.3 and §11.6.2"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("reward", "(games, moves)", symbol="r", help="Of all steps of a rollout."),
        Port(
            "done", "(games, moves)", symbol="d", optional=True, help="1 where a game ended: what follows is another's."
        ),
        Port(
            "after", "(games) or (games, 1)", symbol="V", optional=True, help="What is expected behind the last move."
        ),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(games, moves)", symbol="R"),)
    discount = DISCOUNT

    def lower(self, build: Builder, **values: Any) -> Value:
        emit, reward, done = build.emit, values["reward"], values["done"]
        if reward.rank != 2 or isinstance(reward.shape[1], Batch) or (done is not None and done.shape != reward.shape):
            fact = f"rewards of shape {shape_text(reward.shape)} are no rollout"
            raise shape_mismatch(fact, "Gather reward and done with “all steps”.", port="reward")
        rows, moves = reward.shape
        discount = build.setting("discount", self.discount)
        column = (rows, 1)
        after = values["after"]
        later: Value | None = None if after is None else emit("reshape", after, shape=column)
        found: list[Value] = []
        for move in reversed(range(moves)):
            paid = emit("slice", reward, axis=1, start=move, stop=move + 1)
            if later is not None:
                counts = discount
                if done is not None:
                    counts = discount * (1.0 - emit("slice", done, axis=1, start=move, stop=move + 1))
                paid = paid + counts * later
            found.insert(0, paid)
            later = paid
        return found[0] if moves == 1 else emit("concat", *found, axis=1)
