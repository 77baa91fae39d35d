"""Worlds that an agent acts in: they keep where games stand, and say what an action leads to.

A world node gives the state of many games side by side; behind the agent, `take_action` asks the world what follows, and a
wire back to the world lets the games go on. A game that is done starts anew by itself.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import numpy as np

from engine.initialisers import Array
from engine.nodes.base import Choice, NodeType, Numbers, Port, Real, Whole, node_type
from engine.nodes.ordering import whole_numbers
from engine.primitives.draws import key_of
from engine.problems import Problem, ProblemError, shape_mismatch
from engine.program import Builder
from engine.values import Shape, Value, shape_text


class Moved(NamedTuple):
    """What an action came to, for each game.

    following  (games, features)  the state that it led to
    reward     (games)
    done       (games)            1 where the game ended, else 0
    onward     (games, features)  the state that the game goes on from: of one that ended, where it starts anew
    """

    following: Value
    reward: Value
    done: Value
    onward: Value


class World(NodeType):
    """Where games stand. Subclasses say how a state looks, where games start, and what an action leads to."""

    category = "Worlds"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "next", "(games, features)", late=True, optional=True,
            help="Where the games go on, from “onward” of take action. Free: they stand still.",
        ),
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("state", "(games, features)", symbol="s", help="One row for each game."),
    )
    games = Whole(1, low=1, high=65536, unit="games", help="How many games are played side by side.")

    node = ""  # the id that it was lowered as

    @property
    def features(self) -> int:
        """How many numbers a state has."""
        raise TypeError(f"{type(self).__name__} does not say how large a state is")

    @property
    def actions(self) -> int:
        """How many actions there are; 0 where an action is any number."""
        raise TypeError(f"{type(self).__name__} does not say what can be done")

    def start(self, shape: tuple[int, ...], draw: np.random.Generator) -> Array:
        """The states that games begin with, (games, features)."""
        raise TypeError(f"{type(self).__name__} does not say where games start")

    def move(self, build: Builder, state: Value, action: Value) -> Moved:
        """What an action leads to; `action` is a class number for each game, or (games, 1) real numbers."""
        raise TypeError(f"{type(self).__name__} does not say what an action leads to")

    def number(self, build: Builder, name: str) -> Value:
        """A number of the world that can be dragged, for whoever takes actions in it."""
        return build.source("setting", f"{self.node}.{name}", (), getattr(self, name))

    def others(self, build: Builder) -> dict[str, Value]:
        """What else the node tells of itself."""
        return {}

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        self.node, shape = build.origin.node, (self.games, self.features)
        build.worlds[self.node] = self
        kept = build.source("state", f"{self.node}.kept", shape, self.start)

        def go_on() -> None:
            following = build.late.get("next")
            if following is None:
                return
            if following.shape != shape:
                fact = f"states of shape {shape_text(following.shape)} come back to games of {shape_text(shape)}"
                raise shape_mismatch(fact, "Wire “onward” of the node that takes actions in this world.", port="next")
            build.emit("set_to", kept, following)

        build.learn(go_on)
        return {"state": 1.0 * kept, **self.others(build)}  # a value of its own: where games stood before the move


@node_type
class TakeAction(NodeType):
    """Plays one action in each game, and tells what came of it: the reward and the state that follows."""

    name, category, icon, title = "take_action", "Worlds", "play", "take action"
    formula = r"s_{t+1}, r_t = \delta(s_t, a_t)"
    source = "Aggarwal 2023, §11.3: the reward of action t bears the number t"
    looks_back = True
    inputs = (
        Port("world", "(games, features)", symbol="s", help="“state” of a world: which one it is, and where games stand."),
        Port("action", "(games)", kind="index", symbol="a", help="The number of each action, or a column for each with 1."),
        Port(
            "at", "(games, features)", optional=True,
            help="Free: the games stand where the world says. Wired: there, as along a rollout.",
        ),
    )  # fmt: skip
    outputs = (
        Port("next_state", "(games, features)", symbol="s'"),
        Port("reward", "(games)", symbol="r"),
        Port("done", "(games)", symbol="d", help="1 where this action ended the game."),
        Port("onward", "(games, features)", help="Where the game goes on: as the next state, or at a start."),
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        came, at = values["world"], values["at"]
        owner = came.call.origin.node if came.call is not None else ""
        world = build.worlds.get(owner)
        build.is_local = False  # it hangs on the world's properties
        if world is None:
            raise shape_mismatch("this is no world", "Wire the “state” of a node from “Worlds” to it.", port="world")
        state = came if at is None else at
        if state.shape != came.shape:
            fact = f"states of shape {shape_text(state.shape)} meet a world of {shape_text(came.shape)}"
            raise shape_mismatch(fact, "Let the rollout start at the state of the same world.", port="at")
        moved = world.move(build, state, actions_of(build, values["action"], world))
        return {"next_state": moved.following, "reward": moved.reward, "done": moved.done, "onward": moved.onward}


def actions_of(build: Builder, action: Value, world: World) -> Value:
    """The number of one action for each game (games), or any number for each (games, 1). Raises `ShapeMismatch`."""
    games, count = world.games, world.actions
    if not count:
        if action.kind == "real" and action.shape in ((games,), (games, 1)):
            return build.emit("reshape", action, shape=(games, 1))
    elif action.shape == (games, count) and action.kind == "real" and count > 1:
        return build.emit("argmax", action)
    elif action.shape in ((games,), (games, 1)):
        return whole_numbers(build, build.emit("reshape", action, shape=(games,)) if action.rank == 2 else action)
    kinds = f"one of {count} actions" if count else "one number"
    fact = f"actions of shape {shape_text(action.shape)} meet {games} game{'s' * (games > 1)} of {kinds} each"
    raise shape_mismatch(fact, "Let each game have one action, or set “games” of the world.", port="action")


def uniform(build: Builder, shape: Shape, stream: str) -> Value:
    """Uniform numbers of a stream of this node's own."""
    return build.emit("random_uniform", shape=shape, key=key_of(build, stream))


def place_of(build: Builder, state: Value) -> Value:
    """Which state each game is in, (games), as real numbers."""
    return build.emit("to_real", build.emit("argmax", state))


def one_of(build: Builder, count: int, games: int, stream: str) -> Value:
    """A number from 0 to `count` − 1 for each game, all equally likely; real, to be rounded."""
    return count * uniform(build, (games,), stream) - 0.5


def hot(build: Builder, number: Value, classes: int) -> Value:
    """A column for each class: 1 in the one that a real number names."""
    return build.emit("one_hot", whole_numbers(build, number), classes=classes)


def looked_up(build: Builder, name: str, table: Array, row: Value) -> list[Value]:
    """The columns of a row of a constant table for each game, (games) each."""
    kept = build.source("constant", f"{build.origin.node}.{name}", table.shape, table)
    rows = build.emit("gather_rows", kept, whole_numbers(build, row))
    games = rows.shape[:1]
    return [
        build.emit("reshape", build.emit("slice", rows, axis=1, start=column, stop=column + 1), shape=games)
        for column in range(table.shape[1])
    ]


def standard_normal(shape: tuple[int, ...], draw: np.random.Generator) -> Array:
    """Normal numbers with deviation 1."""
    return draw.standard_normal(shape)


@node_type
class Bandit(World):
    """Slot machines in a row: every pull of an arm pays at random, and what it pays on average is to be found out."""

    name, icon, title = "bandit", "dices", "slot machines"
    formula = r"r \sim \mathcal{N}(\mu_a, \sigma)"
    source = "Aggarwal 2023, §11.2: multi-armed bandits"
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("state", "(games, 1)", symbol="s", help="Always 1: nothing changes from pull to pull."),
        Port("means", "(games, arms)", symbol=r"\mu", help="What each arm pays on average. An agent must not see it."),
    )
    arms = Whole(10, low=2, high=1000, unit="arms", help="How many arms there are, where their means are drawn.")
    means = Numbers(None, help="What each arm pays on average. Empty: drawn for every game, normal with deviation 1.")
    pays = Choice("normal", ("normal", "0 or 1"), help="Around its mean, or 1 as often as its mean says and else 0.")
    deviation = Real(1.0, low=0.0, high=1e6, symbol=r"\sigma", help="How far a normal pay lies from its mean.")

    @property
    def features(self) -> int:
        return 1

    @property
    def actions(self) -> int:
        return self.arms if self.means is None else int(np.size(self.means))

    def start(self, shape: tuple[int, ...], draw: np.random.Generator) -> Array:
        return np.ones(shape)

    def others(self, build: Builder) -> dict[str, Value]:
        shape = (self.games, self.actions)
        if self.actions < 2:
            raise ProblemError(
                Problem("one arm leaves no choice", "Give “means” two numbers or more.", kind="property")
            )
        told = None if self.means is None else np.ravel(np.asarray(self.means, np.float64))
        means = standard_normal if told is None else np.broadcast_to(told, shape)
        kept = build.source("state", f"{build.origin.node}.means", shape, means)
        return {"means": 1.0 * kept}

    def move(self, build: Builder, state: Value, action: Value) -> Moved:
        emit, rows = build.emit, (self.games,)
        mean = emit("pick", build.program.sources[f"{self.node}.means"], action)
        if self.pays == "normal":
            noise = emit("random_normal", shape=rows, key=key_of(build, "pay"))
            reward = mean + self.number(build, "deviation") * noise
        else:
            reward = emit("greater", mean, uniform(build, rows, "pay"))
        stays = emit("reshape", state, shape=state.shape)
        return Moved(stays, reward, emit("broadcast", build.constant(0.0), shape=rows), stays)


@node_type
class CartPole(World):
    """A pole on a cart that must not fall: push the cart to the left or to the right."""

    name, icon, title = "cart_pole", "move", "cart and pole"
    formula = r"s = (x, \dot x, \theta, \dot\theta)"
    source = "Barto, Sutton & Anderson 1983; a stand-in for the robots of Aggarwal 2023, §11.8.2"
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("state", "(games, 4)", symbol="s", help="Place and speed of the cart, angle and speed of the pole."),
    )
    force = Real(
        10.0, low=0.1, high=100.0, unit="N", symbol="F", help="How hard a push is; action 0 pushes to the left."
    )
    break_off = Real(
        0.002, low=0.0, high=1.0, is_slot=False,
        help="How likely a game is broken off after a move and begun anew, without being done.",
    )  # fmt: skip

    pays = Choice("1 a move", ("1 a move", "-1 a fall"), help="What is paid: every move that is survived, or the end.")
    units = Choice(
        "m and rad", ("m and rad", "shares"),
        help="What states are measured in: metres, radians and seconds, or shares of what is usual, which suits nets.",
    )  # fmt: skip

    USUAL = (2.4, 3.0, 12 * np.pi / 180, 3.0)  # a share of 1, of each number of a state
    MASS, POLE, HALF, GRAVITY, STEP = 1.0, 0.1, 0.5, 9.8, 0.02  # kg, kg, m, m/s², s
    FARTHEST, STEEPEST = 2.4, 12 * np.pi / 180  # m, rad

    @property
    def features(self) -> int:
        return 4

    @property
    def actions(self) -> int:
        return 2

    def start(self, shape: tuple[int, ...], draw: np.random.Generator) -> Array:
        states: Array = draw.uniform(-0.05, 0.05, shape) / self.unit
        return states

    @property
    def unit(self) -> Array:
        """What the numbers of a state are multiplied by, to be metres, radians and seconds."""
        return np.array(self.USUAL if self.units == "shares" else (1.0, 1.0, 1.0, 1.0))

    def move(self, build: Builder, state: Value, action: Value) -> Moved:
        emit, games = build.emit, self.games
        unit = build.source("constant", f"{build.origin.node}.unit", (1, 4), self.unit[None])
        if self.units == "shares":
            state = state * unit
        x, v, angle, turn = [emit("slice", state, axis=1, start=place, stop=place + 1) for place in range(4)]
        push = emit("reshape", (2.0 * emit("to_real", action) - 1.0) * self.number(build, "force"), shape=(games, 1))
        sine, cosine, whole = emit("sin", angle), emit("cos", angle), self.MASS + self.POLE
        pull = (push + self.POLE * self.HALF * turn * turn * sine) / whole
        lever = self.HALF * (4.0 / 3.0 - self.POLE / whole * cosine * cosine)
        falling = (self.GRAVITY * sine - cosine * pull) / lever
        rolling = pull - self.POLE * self.HALF / whole * falling * cosine
        step = self.STEP
        following = emit("concat", x + step * v, v + step * rolling, angle + step * turn, turn + step * falling, axis=1)
        far = emit("greater", emit("absolute", x + step * v), self.FARTHEST)
        steep = emit("greater", emit("absolute", angle + step * turn), self.STEEPEST)
        done = emit("reshape", emit("maximum", far, steep), shape=(games,))
        anew = 0.1 * uniform(build, (games, 4), "start") - 0.05
        over = emit("maximum", done, broken_off(build, self.break_off, games))
        onward = emit("where", spread_over(build, over, 4), anew, following)
        if self.units == "shares":
            following, onward = following / unit, onward / unit
        reward = (
            emit("negate", done) if self.pays == "-1 a fall" else emit("broadcast", build.constant(1.0), shape=(games,))
        )
        return Moved(following, reward, done, onward)


def broken_off(build: Builder, chance: float, games: int) -> Value:
    """1 where chance breaks a game off, else 0."""
    return build.emit("greater", chance, uniform(build, (games,), "break"))


def spread_over(build: Builder, mark: Value, width: int) -> Value:
    """One number for each game in every column, so that whole rows can be chosen by it."""
    games = mark.shape[0]
    return build.emit("broadcast", build.emit("reshape", mark, shape=(games, 1)), shape=(games, width))
