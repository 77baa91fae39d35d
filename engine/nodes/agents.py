"""What an agent keeps from move to move: what arms have paid, traces of states, and what it is told again later."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.nodes.base import Dimensions, NodeType, Port, Real, Whole, node_type
from engine.nodes.losses import number_each
from engine.nodes.losses_reward import ACTION
from engine.nodes.prototypes import rows_of_features
from engine.nodes.worlds import hot, spread_over, uniform
from engine.problems import shape_mismatch
from engine.program import Builder
from engine.values import Value, shape_text

FIRST = 1e6  # more than any arm pays: those that must be tried come first
DONE = Port("done", "(games)", symbol="d", optional=True, help="1 where the game ended.")
DISCOUNT = Real(0.9, low=0.0, high=1.0, symbol=r"\gamma", help="How much what comes one move later counts.")


class Agent(NodeType):
    """A part of an agent that is neither a layer nor a loss."""

    category = "Worlds"


def games_in(x: Value, port: str) -> int:
    """How many games are played side by side. Raises `ShapeMismatch` where that changes with the batch."""
    games = x.shape[0] if x.rank else None
    if x.kind != "real" or not isinstance(games, int):
        fact = f"{shape_text(x.shape)} holds no games that could be remembered"
        raise shape_mismatch(fact, "Wire it to what comes from a world.", port=port)
    return games


def each(build: Builder, value: Value, games: int, port: str) -> Value:
    """One number for each game, (games). Raises `ShapeMismatch`."""
    like = build.emit("broadcast", build.constant(0.0), shape=(games,))
    return number_each(build, value if value.kind == "real" else build.emit("to_real", value), like, port)


def game_over(build: Builder, done: Value | None, games: int) -> Value:
    """1 for each game that has come to its end, (games); 0 for all of them where nothing says so. Raises `ShapeMismatch`."""
    if done is None:
        return build.emit("broadcast", build.constant(0.0), shape=(games,))
    return each(build, done, games, "done")


def numbered(build: Builder, action: Value, games: int) -> Value:
    """The number of each game's action, (games), as real numbers. Raises `ShapeMismatch`."""
    if action.kind == "real" and action.rank == 2 and action.shape[1] != 1:
        action = build.emit("argmax", action)
    return each(build, action, games, "action")


@node_type
class UntilNextTime(Agent):
    """Keeps what comes in, and gives it out in the next iteration: an action that was chosen ahead, for instance."""

    name, icon, title = "until_next_time", "clock", "until next time"
    formula = r"y \leftarrow x"
    source = "Aggarwal 2023, §11.5.4: SARSA plays the very action that its target was made with"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", "(games, features)", symbol="x", late=True, help="Read at the end of an iteration."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (Port("y", "(games, features)", symbol="y"),)
    shape = Dimensions((1, 4), help="Of the whole array: games first.")
    initial = Real(0.0, low=-1e9, high=1e9, is_slot=False, help="What it gives out in the first iteration.")

    def lower(self, build: Builder, **values: Any) -> Value:
        kept = build.state("kept", self.shape, self.initial)

        def keep() -> None:
            x = build.late["x"]
            if x.shape != self.shape:
                fact = f"{shape_text(x.shape)} comes in where {shape_text(self.shape)} is kept"
                raise shape_mismatch(fact, "Set “shape” to what comes in.", port="x")
            build.emit("set_to", kept, x if x.kind == "real" else build.emit("to_real", x))

        build.learn(keep)
        return 1.0 * kept


@node_type
class ArmStatistics(Agent):
    """What each arm has paid so far: its mean, its deviation, and how often it was pulled, for each game by itself."""

    name, icon, title = "arm_statistics", "chart-no-axes-column", "what arms paid"
    formula = r"Q_a \leftarrow Q_a + \frac{1}{n_a}\,(r - Q_a)"
    source = "Aggarwal 2023, §11.2"
    inputs = (
        Port("world", "(games, features)", help="“state” of the world that is played: how many games and actions it has."),
        Port(ACTION.name, "(games)", ACTION.kind, ACTION.symbol, "Read once the action was taken.", late=True),
        Port("reward", "(games)", symbol="r", late=True, help="What it paid."),
    )  # fmt: skip
    outputs = (
        Port("mean", "(games, arms)", symbol="Q"),
        Port(
            "deviation", "(games, arms)", symbol=r"\sigma", help="Of the sample: with n − 1; 0 before the second pull."
        ),
        Port("count", "(games, arms)", symbol="n"),
    )
    stop_after = Whole(0, low=0, high=10**9, unit="pulls", help="After so many pulls nothing more is noted. 0: never.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, came = build.emit, values["world"]
        world = build.worlds.get(came.call.origin.node if came.call is not None else "")
        if world is None or world.actions < 2:
            raise shape_mismatch("this is no world with arms", "Wire the “state” of slot machines to it.", port="world")
        shape = (world.games, world.actions)
        mean, square, count = [build.state(name, shape) for name in ("mean", "square", "count")]

        def learn() -> None:
            action, reward = build.late["action"], build.late["reward"]
            taken = hot(build, numbered(build, action, world.games), world.actions)
            if self.stop_after:
                pulls = emit("sum", count, axes=(1,), keep=True)
                taken = taken * emit("broadcast", emit("greater", float(self.stop_after), pulls), shape=shape)
            now = count + taken
            paid = spread_over(build, each(build, reward, world.games, "reward"), world.actions)
            apart = taken * (paid - mean)  # Welford 1962: no sum of squares that could cancel
            step = apart / emit("maximum", now, 1.0)
            emit("add_to", square, apart * (taken * (paid - mean) - step))
            emit("set_to", mean, mean + step)
            emit("set_to", count, now)

        build.learn(learn)
        deviation = emit("sqrt", square / emit("maximum", count - 1.0, 1.0))
        return {"mean": 1.0 * mean, "deviation": deviation, "count": 1.0 * count}


@node_type
class UpperBound(Agent):
    """How much each arm may be worth at best: its mean, and the more the fewer pulls it has had."""

    name, icon, title = "upper_bound", "trending-up", "upper bound"
    formula = r"U_a = Q_a + K\,\frac{\sigma_a}{\sqrt{n_a}}"
    source = "Aggarwal 2023, eq. 11.1"
    inputs = (
        Port("mean", "(games, arms)", symbol="Q"),
        Port("deviation", "(games, arms)", symbol=r"\sigma"),
        Port("count", "(games, arms)", symbol="n"),
    )
    outputs = (Port("bound", "(games, arms)", symbol="U", help="Choose the arm whose bound is the largest."),)
    width = Real(
        3.0, low=0.0, high=1000.0, symbol="K", help="How far above its mean an arm is believed to be possible."
    )
    forced = Whole(
        2, low=1, high=10**6, unit="pulls", help="How often every arm is pulled before anything is believed."
    )
    least_deviation = Real(
        0.0, low=0.0, high=1e6, help="Deviations count as at least that: with 0 and 1 a few equal pays say 0."
    )

    def lower(self, build: Builder, **values: Any) -> Value:
        emit, mean, count = build.emit, values["mean"], values["count"]
        if not mean.shape == values["deviation"].shape == count.shape:
            raise shape_mismatch("mean, deviation and count belong to other arms", "Wire all three from one node.")
        spread = emit("maximum", values["deviation"], build.setting("least_deviation", self.least_deviation))
        width = build.setting("width", self.width)
        bound = mean + width * spread / emit("sqrt", emit("maximum", count, 1.0))
        return emit("where", emit("greater", float(self.forced), count), FIRST - count, bound)


@node_type
class EligibilityTrace(Agent):
    """A memory of the states of a game that fades from move to move: who is still to be credited."""

    name, icon, title = "eligibility_trace", "history", "eligibility trace"
    formula = r"z_t = \lambda\gamma\,z_{t-1} + x_t"
    source = "Aggarwal 2023, eq. 11.19; Sutton 1988"
    inputs = (
        Port("x", "(games, features)", symbol="x", help="States, or whatever the gradient of a value is."),
        Port(
            "done", "(games)", symbol="d", late=True, optional=True, help="1 where the game ended: it is all forgotten."
        ),
    )
    outputs = (Port("trace", "(games, features)", symbol="z"),)
    discount = DISCOUNT
    decay = Real(0.8, low=0.0, high=1.0, symbol=r"\lambda", help="How much of it is left one move later, beside γ.")

    def lower(self, build: Builder, **values: Any) -> Value:
        x: Value = values["x"]
        games, width = games_in(x, "x"), rows_of_features(x)
        kept = build.state("kept", (games, width))
        fading = build.setting("discount", self.discount) * build.setting("decay", self.decay)
        trace: Value = fading * kept + x

        def keep() -> None:
            done = build.late.get("done")
            if done is None:
                build.emit("set_to", kept, trace)
                return
            over = spread_over(build, each(build, done, games, "done"), width)
            build.emit("set_to", kept, build.emit("where", over, 0.0, trace))

        build.learn(keep)
        return trace


@node_type
class NStepWindow(Agent):
    """Looks at a state again n moves later, when it is known what these moves brought: returns over n steps."""

    name, icon, title = "n_step_window", "skip-back", "n-step window"
    formula = r"R = \sum_{i<n} \gamma^i\,r_{t+i}"
    source = "Aggarwal 2023, §11.5.5 and exercise 7; §11.5.4"
    inputs = (
        Port("x", "(games, features)", symbol="s_t", help="The state before the move, or state and action."),
        Port("reward", "(games)", symbol="r"),
        DONE,
    )
    outputs = (
        Port("before", "(games, features)", symbol="s_t", help="What came in n − 1 moves ago; 0 where there was none."),
        Port("gain", "(games)", symbol="R", help="The rewards since then, up to the end of its game."),
        Port("ended", "(games)", symbol="d", help="1 where its game has ended since: nothing follows."),
        Port(
            "weight",
            "(games)",
            symbol=r"\gamma^n",
            help="How much the value of the state that follows counts; 0 at an end.",
        ),
    )
    moves = Whole(2, low=1, high=1000, unit="moves", help="n: how many rewards are added up.")
    discount = DISCOUNT

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, x, n = build.emit, values["x"], self.moves
        games, width = games_in(x, "x"), rows_of_features(x)
        reward = each(build, values["reward"], games, "reward")
        none = emit("broadcast", build.constant(0.0), shape=(games,))
        done = none if values["done"] is None else each(build, values["done"], games, "done")
        row = emit("concat", x, _column(build, reward), _column(build, done), axis=1)
        entries = width + 2
        if n > 1:
            kept = build.state("kept", (games, (n - 1) * entries))
            window = emit("concat", kept, row, axis=1)

            def shift() -> None:
                emit("set_to", kept, emit("slice", window, axis=1, start=entries, stop=n * entries))

            build.learn(shift)
        else:
            window = row
        discount, gain, left = build.setting("discount", self.discount), none, none + 1.0
        for place in range(n):
            begin = place * entries + width
            paid, over = [
                emit("reshape", emit("slice", window, axis=1, start=at, stop=at + 1), shape=(games,))
                for at in (begin, begin + 1)
            ]
            gain = gain + left * paid
            left = left * discount * (1.0 - over)
        before = emit("slice", window, axis=1, start=0, stop=width)
        ended = emit("equal", left, 0.0)
        return {"before": before, "gain": gain, "ended": ended, "weight": left}


def _column(build: Builder, value: Value) -> Value:
    return build.emit("reshape", value, shape=(value.shape[0], 1))


@node_type
class Replay(Agent):
    """Remembers moves, and tells some of them again, drawn at random: so neighbours in time are not learned together."""

    name, icon, title = "replay", "refresh-cw", "replay memory"
    formula = r"(s, a, r, s', d) \sim U(M)"
    source = "Lin 1992; Mnih et al. 2015: deep Q-learning with experience replay"
    inputs = (
        Port("state", "(games, features)", symbol="s", help="The state before the move."),
        Port("action", "(games)", kind="index", symbol="a"),
        Port("reward", "(games)", symbol="r"),
        Port("next_state", "(games, features)", symbol="s'"),
        DONE,
    )
    outputs = (
        Port("before", "(rows, features)", symbol="s"),
        Port("acted", "(rows)", kind="index", symbol="a"),
        Port("paid", "(rows)", symbol="r"),
        Port("after", "(rows, features)", symbol="s'"),
        Port("ended", "(rows)", symbol="d"),
        Port("filled", "()", help="How many moves are remembered."),
    )
    capacity = Whole(500, low=1, high=20_000, unit="moves", help="How many are remembered; then the oldest goes first.")
    rows = Whole(16, low=1, high=4096, unit="moves", help="How many are told again in each iteration.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        emit, state, after = build.emit, values["state"], values["next_state"]
        games, width = games_in(state, "state"), rows_of_features(state)
        if after.shape != state.shape:
            fact = f"states of shape {shape_text(state.shape)} are followed by {shape_text(after.shape)}"
            raise shape_mismatch(fact, "Wire “next state” of the node that takes the actions.", port="next_state")
        action, reward = numbered(build, values["action"], games), each(build, values["reward"], games, "reward")
        done = game_over(build, values["done"], games)
        columns = [_column(build, one) for one in (action, reward, done)]
        now = emit("concat", state, after, *columns, axis=1)
        entries = 2 * width + 3
        shelves = max(1, self.capacity // games)  # one shelf holds a move of every game
        kept = build.state("kept", (shelves, games * entries))
        place, held = build.state("place", ()), build.state("held", ())
        written = self._written(build, kept, place, now, shelves)
        following, full = place + 1.0, emit("minimum", held + 1.0, float(shelves))

        def remember() -> None:
            emit("set_to", kept, written)
            emit("set_to", place, emit("where", emit("at_least", following, float(shelves)), 0.0, following))
            emit("set_to", held, full)

        build.learn(remember)
        filled = full * float(games)
        table = emit("reshape", written, shape=(shelves * games, entries))
        return {**self._told_again(build, table, filled, width), "filled": filled}

    def _told_again(self, build: Builder, table: Value, filled: Value, width: int) -> dict[str, Value]:
        """Moves drawn from the memory, a row each: state, state after it, action, pay, and whether that was the end."""
        emit, entries = build.emit, 2 * width + 3
        drawn = emit("to_whole", filled * uniform(build, (self.rows,), "which") - 0.5)
        found = emit("stop_gradient", emit("gather_rows", table, drawn))
        before, later = [emit("slice", found, axis=1, start=at, stop=at + width) for at in (0, width)]
        acted, paid, over = [
            emit("reshape", emit("slice", found, axis=1, start=at, stop=at + 1), shape=(self.rows,))
            for at in range(2 * width, entries)
        ]
        return {"before": before, "acted": emit("to_whole", acted), "paid": paid, "after": later, "ended": over}

    @staticmethod
    def _written(build: Builder, kept: Value, place: Value, now: Value, shelves: int) -> Value:
        """The memory with this move on its shelf."""
        emit, numbers = build.emit, np.arange(float(shelves))[:, None]
        places = build.source("constant", f"{build.origin.node}.places", (shelves, 1), numbers)
        here = emit("broadcast", emit("equal", places, place), shape=kept.shape)
        row = emit("broadcast", emit("reshape", now, shape=(1, kept.shape[1])), shape=kept.shape)
        return emit("where", here, row, kept)
