"""Worlds with a few states: mazes drawn as text, and decision processes typed as tables. A state is one-hot."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from engine.initialisers import Array
from engine.nodes.base import Choice, Numbers, Port, Real, Text, Whole, node_type
from engine.nodes.worlds import Moved, World, broken_off, hot, looked_up, one_of, place_of, spread_over, uniform
from engine.primitives.draws import key_of
from engine.problems import Problem, ProblemError
from engine.program import Builder
from engine.values import Value

MOST_CELLS = 1024
FREE, WALL, START, GOAL, TRAP, CLIFF = ".#SGTC"
MEANING = "“.” free, “#” wall, “S” start, “G” goal, “T” trap (the game ends), “C” cliff (back to a start)"
PAID = ("step", "goal", "trap", "cliff")
STEPS = {"up, right, down, left": ((-1, 0), (0, 1), (1, 0), (0, -1)), "left, right": ((0, -1), (0, 1))}


def rows_of_layout(text: str) -> list[str]:
    """The rows of a maze that is typed with “/” or line breaks between them."""
    return [row.strip() for row in text.replace("/", "\n").splitlines() if row.strip()]


class Layout(Text):
    """A maze, a letter for each cell."""

    def check(self, value: Any) -> str:
        text = super().check(value)
        rows = rows_of_layout(text)
        if not rows:
            raise self.refuse("the maze has no cell", f"Type its rows with “/” between them: {MEANING}.")
        if len({len(row) for row in rows}) > 1:
            longest = max(map(len, rows))
            short = next(number for number, row in enumerate(rows, 1) if len(row) < longest)
            fact = f"row {short} of the maze has {len(rows[short - 1])} cells, another one {longest}"
            raise self.refuse(fact, "Give all rows as many.")
        strange = sorted({*"".join(rows)} - {FREE, WALL, START, GOAL, TRAP, CLIFF})
        if strange:
            raise self.refuse(f"“{strange[0]}” is no cell of a maze", f"Cells are {MEANING}.")
        if len(rows) * len(rows[0]) > MOST_CELLS:
            raise self.refuse(f"{len(rows) * len(rows[0])} cells are more than {MOST_CELLS}", "Draw a smaller maze.")
        if not any(letter in FREE + START for row in rows for letter in row):
            raise self.refuse("there is no free cell to start from", "Type an “S” where games start.")
        return text


class Tabular(World):
    """A world with numbered states and what each action leads to, as tables."""

    outputs: ClassVar[tuple[Port, ...]] = (
        Port("state", "(games, states)", symbol="s", help="A column for each state: 1 in the one a game is in."),
    )
    break_off = Real(
        0.0, low=0.0, high=1.0, is_slot=False,
        help="How likely a game is broken off after a move and begun anew, without being done.",
    )  # fmt: skip

    @property
    def states(self) -> int:
        """How many there are."""
        raise TypeError(f"{type(self).__name__} does not say how many states it has")

    def starts(self) -> Array:
        """The states that games start from, all equally likely."""
        raise TypeError(f"{type(self).__name__} does not say where games start")

    @property
    def features(self) -> int:
        return self.states

    def start(self, shape: tuple[int, ...], draw: np.random.Generator) -> Array:
        states: Array = np.eye(shape[1])[draw.choice(self.starts(), shape[0])]
        return states

    def begun(self, build: Builder) -> Value:
        """Where games start anew, (games), as real numbers."""
        starts = self.starts()
        if len(starts) == 1:
            return build.emit("broadcast", build.constant(float(starts[0])), shape=(self.games,))
        lot = one_of(build, len(starts), self.games, "start")
        (place,) = looked_up(build, "starts", starts[:, None].astype(np.float64), lot)
        return place

    def gone(self, build: Builder, following: Value, reward: Value, done: Value) -> Moved:
        """States by number as columns, and games that are over begun anew."""
        anew = hot(build, self.begun(build), self.states)
        state = hot(build, following, self.states)
        over = done
        if self.break_off:
            over = build.emit("maximum", done, broken_off(build, self.break_off, self.games))
        onward = build.emit("where", spread_over(build, over, self.states), anew, state)
        return Moved(state, reward, done, onward)


@node_type
class GridWorld(Tabular):
    """A maze: a mouse goes from cell to cell, looking for the goal. Type the maze as text."""

    name, icon, title = "grid_world", "grid-3x3", "maze"
    formula = r"s_{t+1} = \delta(s_t, a_t)"
    source = "Aggarwal 2023, §11.3: the mouse in a maze, and the robot near a cliff"
    layout = Layout(
        "S..#/.#../...G", longest=2000, help=f"The rows of the maze with “/” between them: {MEANING}.",
    )  # fmt: skip
    moves = Choice("up, right, down, left", tuple(STEPS), help="The actions, counted from 0. Into a wall: it stays.")
    step_reward = Real(-1.0, low=-1e6, high=1e6, help="What every move pays.")
    goal_reward = Real(0.0, low=-1e6, high=1e6, help="What the move into a goal pays, in place of it.")
    trap_reward = Real(-1.0, low=-1e6, high=1e6, help="What the move into a trap pays.")
    cliff_reward = Real(-100.0, low=-1e6, high=1e6, help="What the move over a cliff pays; it leads back to a start.")
    slip = Real(
        0.0, low=0.0, high=1.0, is_slot=False,
        help="How likely a move goes to one side of where it should, each side half.",
    )  # fmt: skip
    starts_at = Choice("S", ("S", "anywhere"), help="At the cells S, or at any free one; without an S: anywhere.")

    @cached_property
    def cells(self) -> list[str]:
        """The letters of all cells, row by row."""
        return [letter for row in rows_of_layout(self.layout) for letter in row]

    @property
    def columns(self) -> int:
        """Cells in a row."""
        return len(rows_of_layout(self.layout)[0])

    @property
    def states(self) -> int:
        return len(self.cells)

    @property
    def actions(self) -> int:
        return len(STEPS[self.moves])

    def starts(self) -> Array:
        marked = [place for place, letter in enumerate(self.cells) if letter == START]
        free = [place for place, letter in enumerate(self.cells) if letter in FREE + START]
        return np.array(marked if marked and self.starts_at == "S" else free)

    def table(self) -> Array:
        """(states · actions, 4): the next cell, whether it is a goal, a trap, a cliff, for each cell and action."""
        rows, columns = self.states // self.columns, self.columns
        found = np.zeros((self.states, self.actions, 4))
        for place, letter in enumerate(self.cells):
            for action, (down, right) in enumerate(STEPS[self.moves]):
                row, column = place // columns + down, place % columns + right
                there = row * columns + column
                stays = letter in WALL + GOAL + TRAP or not (0 <= row < rows and 0 <= column < columns)
                if stays or self.cells[there] == WALL:
                    there = place
                kind = self.cells[there] if there != place else FREE
                found[place, action] = there, kind == GOAL, kind == TRAP, kind == CLIFF
        return found.reshape(-1, 4)

    def move(self, build: Builder, state: Value, action: Value) -> Moved:
        emit, games = build.emit, self.games
        taken = emit("to_real", action)
        if self.slip:
            taken = self._slipped(build, taken)
        row = self.actions * place_of(build, state) + taken
        there, goal, trap, cliff = looked_up(build, "table", self.table(), row)
        step, into_goal, into_trap, over = [self.number(build, f"{name}_reward") for name in PAID]
        reward = emit("where", goal, into_goal, emit("where", trap, into_trap, emit("where", cliff, over, step)))
        if CLIFF in self.cells:
            there = emit("where", cliff, self.begun(build), there)
        return self.gone(build, there, emit("reshape", reward, shape=(games,)), emit("maximum", goal, trap))

    def _slipped(self, build: Builder, taken: Value) -> Value:
        """The action that is really played: of four that lie in a circle, the one before or behind, now and then."""
        emit, lot = build.emit, uniform(build, (self.games,), "slip")
        if self.actions == 2:
            return emit("where", emit("greater", self.slip, lot), 1.0 - taken, taken)
        side = emit("where", emit("greater", self.slip / 2, lot), 1.0, emit("greater", self.slip, lot) * -1.0)
        turned = taken + side
        turned = emit("where", emit("greater", turned, 3.5), 0.0, turned)
        return emit("where", emit("greater", -0.5, turned), 3.0, turned)


@node_type
class DecisionProcess(Tabular):
    """A world typed as tables: for every state and action the state that follows, and what that pays."""

    name, icon, title = "decision_process", "table-2", "decision process"
    formula = r"s_{t+1} = \delta(s_t, a_t),\quad r_t = \mathcal{R}(s_t, a_t)"
    source = "Aggarwal 2023, §11.3: Markov decision processes"
    follows = Numbers(
        [[0, 1], [0, -1]],
        help="Rows are states, columns actions: the number of the next state, or −1 where the game ends. A list in place "
        "of a number: all its entries are equally likely.",
    )  # fmt: skip
    pays = Numbers([[0, 0], [0, 1]], help="What each action pays in each state; in the form of the table of states.")
    deviation = Numbers(
        0.0, help="How far pay lies from that: the deviation of a normal number, one for all or a table."
    )
    begins = Whole(0, low=-1, high=65535, help="The state that games start from; −1: any.")

    @cached_property
    def tables(self) -> tuple[Array, Array, Array]:
        """Next states, rewards and deviations, (states, actions, outcomes). Raises `ProblemError` where they do not fit."""
        follows, pays = np.asarray(self.follows, np.float64), np.asarray(self.pays, np.float64)
        if follows.ndim not in (2, 3) or follows.shape[1] < 1:
            raise self._wrong("the table of next states needs a row for each state and a column for each action")
        if pays.shape not in (follows.shape, follows.shape[:2]):
            raise self._wrong(f"rewards of the shape {pays.shape} belong to next states of {follows.shape}")
        if (follows % 1 != 0).any() or follows.min() < -1 or follows.max() >= len(follows):
            raise self._wrong(f"next states are whole numbers from −1 to {len(follows) - 1}")
        if self.begins >= len(follows):
            raise self._wrong(f"there is no state {self.begins} to start from")
        spread = np.asarray(self.deviation, np.float64)
        if spread.shape not in ((), follows.shape, follows.shape[:2]) or spread.min() < 0:
            raise self._wrong("deviations are one number, or a table like that of the next states, and none is below 0")
        outcomes = follows.shape[2] if follows.ndim == 3 else 1
        whole = (*follows.shape[:2], outcomes)
        follows, pays, spread = [
            np.broadcast_to(table[:, :, None] if table.ndim == 2 else table, whole) for table in (follows, pays, spread)
        ]
        return follows, pays, spread

    @staticmethod
    def _wrong(fact: str) -> ProblemError:
        mend = "States count from 0; −1 is the end."
        return ProblemError(Problem(fact, mend, path="properties.follows", kind="property"))

    @property
    def states(self) -> int:
        return len(self.tables[0])

    @property
    def actions(self) -> int:
        return int(self.tables[0].shape[1])

    def starts(self) -> Array:
        return np.arange(self.states) if self.begins < 0 else np.array([self.begins])

    def move(self, build: Builder, state: Value, action: Value) -> Moved:
        emit, games = build.emit, self.games
        follows, pays, spread = self.tables
        place = place_of(build, state)
        row = self.actions * place + emit("to_real", action)
        if follows.shape[2] > 1:
            lot = emit("to_real", emit("to_whole", one_of(build, follows.shape[2], games, "outcome")))
            row = float(follows.shape[2]) * row + lot
        table = np.stack([follows.ravel(), pays.ravel(), spread.ravel()], axis=1)
        there, reward, deviation = looked_up(build, "table", table, row)
        if spread.any():
            reward = reward + deviation * emit("random_normal", shape=(games,), key=key_of(build, "pay"))
        done = emit("greater", 0.0, there)
        return self.gone(build, emit("maximum", there, 0.0), reward, done)
