"""Learning what positions and moves of a board game are worth: in a table, or by a network that judges what a move left."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from engine.games import GAMES
from engine.games.rules import Array
from engine.games.search import solved
from engine.nodes.base import Choice, Port, Real, Whole, node_type
from engine.nodes.games import LOG, MEASURED, STRENGTH, Remembering, kept
from engine.nodes.games_search import FromPosition
from engine.program import Builder
from engine.values import B, Value

TABLES = ("tic_tac_toe",)  # games with few enough positions


@lru_cache(maxsize=2)
def going_on(game: str) -> tuple[Array, Array]:
    """Positions in which somebody moves, (positions, cells), in the order of their numbers, and the numbers."""
    rules = GAMES[game]
    boards = np.concatenate(solved(game).levels)
    boards = boards[~rules.is_over(boards)]
    numbers = rules.numbers(boards)
    order = np.argsort(numbers)
    return boards[order], numbers[order]


@node_type
class MonteCarloTable(FromPosition):
    """A table of what every move was worth on average in the games that were played out after it."""

    name, title, icon = "monte_carlo_table", "Monte Carlo table", "table-2"
    formula = r"Q(s,a) = \frac{S(s,a)}{N(s,a)},\quad S \leftarrow S \pm \gamma^{r-1}"
    source = "Aggarwal 2023, §11.4.1; r counts own moves to the end, this one included"
    outputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "values", "(moves)", symbol="Q", help="Of the position above: the average for each move, 0 where untried."
        ),
        Port("tried", "(moves)", symbol="N", help="How often each of its moves was made."),
        Port("coverage", "()", help="Share of all pairs of position and move that were met at least once."),
        *STRENGTH,
    )
    game = Choice("tic_tac_toe", TABLES, help="Which game is played: a table needs one with few positions.")
    opponent = Choice(
        "random", ("random", "perfect", "itself"),
        help="Who answers: moves at random, perfect moves, or the same table, which then learns from both sides.",
    )  # fmt: skip
    games = Whole(32, low=1, high=4096, unit="games", help="How many games are played in an iteration, side by side.")
    discount = Real(
        0.9, low=0.0, high=1.0, symbol=r"\gamma", help="How much less a result counts for every own move it lies off."
    )
    epsilon = Real(0.1, low=0.0, high=1.0, symbol=r"\epsilon", help="Share of moves that are made at random.")
    annealed_over = Whole(
        0,
        low=0,
        high=10_000_000,
        unit="iterations",
        help="Over how many iterations that share falls from 1 to ε; 0: it is ε.",
    )
    measured_every = Whole(
        100,
        low=0,
        high=1_000_000,
        unit="iterations",
        help="After how many iterations its strength is measured; 0: never.",
    )

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        moves = self.rules.moves
        self.board  # noqa: B018  (raises where the position cannot be read)
        build.setting("discount", self.discount)
        build.setting("epsilon", self.epsilon)
        pairs = (len(going_on(self.game)[0]), moves)
        kept(build, "sums", pairs)
        kept(build, "counts", pairs)
        kept(build, "strength_log", (LOG, 1 + len(MEASURED)))
        kept(build, "strength_logged", (2,))
        shown = dict.fromkeys(("values", "tried"), (moves,)) | {"coverage": ()}
        found = {n: build.emit("reshape", build.state(f"shown_{n}", shape), shape=shape) for n, shape in shown.items()}
        return found | {n: build.emit("reshape", build.state(f"latest_{n}", ()), shape=()) for n in MEASURED}


@node_type
class ValuePlay(Remembering):
    """Plays by a network that judges what a move leaves behind, and remembers what it should have said."""

    name, title, icon = "value_play", "play by values", "gamepad-2"
    formula = r"a = \arg\max_a v(s_a)"
    source = (
        "Aggarwal 2023, §11.4.2: rollouts; §11.5.5 and §11.11: Samuel's checkers program and TD-Leaf; exercise 11.8"
    )
    inputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "value", "(batch, 1)", symbol="v", late=True, optional=True,
            help="What the network says of a board to who has just moved there. Free: moves are made at random.",
        ),
    )  # fmt: skip
    outputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "board",
            "(batch, …)",
            symbol="s",
            help="Boards after a move: the stones of who made it, then the other's.",
        ),
        Port("worth", "(batch, 1)", kind="target", symbol="t", help="What the network should have said of them."),
        *STRENGTH,
    )
    target = Choice(
        "result", ("result", "search", "next"),
        help="How the game ended, ±γ^(r−1) for r own moves to the end (rollouts), what a search says (Samuel, TD-Leaf), or "
        "what it says itself of the board that follows (temporal differences, TD-Gammon).",
    )  # fmt: skip
    evaluator = Choice(
        "network", ("network", "open_lines"),
        help="Who judges where a search ends: the network itself, or a crude count of the rows that are still open.",
    )  # fmt: skip
    depth = Whole(2, low=0, high=4, unit="moves", help="How far the search looks behind the board that is judged.")
    discount = Real(
        0.9, low=0.0, high=1.0, symbol=r"\gamma", help="How much less a result counts for every own move it lies off."
    )
    epsilon = Real(0.2, low=0.0, high=1.0, symbol=r"\epsilon", help="Share of moves that are made at random.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        build.setting("discount", self.discount)
        build.setting("epsilon", self.epsilon)
        if not build.training:
            worth = build.source("data", f"{build.origin.node}.worth", (B, 1), None)
            return {"board": self.asked(build), "worth": worth, **{name: build.constant(0.0) for name in MEASURED}}
        rules, rows = self.rules, self.drawn_rows(build)
        kept(build, "boards", (self.games, rules.cells))
        kept(build, "lines", (self.games, rules.plies))
        return {
            "board": self.shaped(build, self.remembered(build, "board", 2 * rules.cells, rows)),
            "worth": self.remembered(build, "worth", 1, rows),
            **self.strengths(build),
        }
