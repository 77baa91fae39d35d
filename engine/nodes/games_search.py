"""Looking ahead from one position of a board game: exactly, some moves deep, or by a tree that grows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from engine.games.rules import Array
from engine.games.search import AlphaBeta, is_solvable, look_ahead, solved
from engine.nodes.base import Flag, Numbers, Port, Real, Text, Whole, node_type
from engine.nodes.games import GameNode, kept
from engine.problems import Problem, ProblemError
from engine.program import Builder
from engine.values import B, Value

START = Text(
    "", longest=100, help="The board, row by row: X, O and dots, as in X..|OOX|... ; nothing: the empty board."
)
TREE = ("visits", "total", "prior", "child")  # parts of a tree with a number for every edge


def known(build: Builder, name: str, numbers: Array) -> Value:
    """Numbers that are known before anything is played, as a value of the current node."""
    source = build.source("constant", f"{build.origin.node}.{name}", numbers.shape, numbers)
    return build.emit("reshape", source, shape=numbers.shape)


class FromPosition(GameNode):
    """A node that looks at one position."""

    start = START

    @property
    def board(self) -> Array:
        """(1, cells) The position. Raises `ProblemError` where it cannot be read, or the game is over there."""
        try:
            board = self.rules.read(self.start)
        except ProblemError as error:
            problem = error.problems[0]
            raise ProblemError(Problem(problem.fact, problem.mend, path="properties.start", kind="property")) from None
        if self.rules.is_over(board)[0]:
            fact = f"on “{self.start}” the game is over"
            raise ProblemError(Problem(fact, "Take a stone away.", path="properties.start", kind="property"))
        return board


@node_type
class MinimaxValues(FromPosition):
    """What every move is worth when both players see everything that follows."""

    name, title, icon = "minimax", "minimax", "git-branch"
    formula = r"v(s) = \max_a -v(s_a)"
    source = "Aggarwal 2023, §11.7 and §11.4.1, where a win after r own moves is worth γ^(r−1)"
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("values", "(moves)", symbol="v", help="One for each move; 0 where there is none, as for a draw."),
        Port("legal", "(moves)", help="1 where the move can be made, else 0."),
        Port("best", "()", help="The largest value of a move that can be made."),
        Port(
            "looked_at",
            "()",
            help="How many positions were looked at, where the depth is limited; else all of the game.",
        ),
    )
    discount = Real(
        0.9,
        low=0.01,
        high=1.0,
        symbol=r"\gamma",
        is_slot=False,
        help="How much less a win counts for every move it lies off.",
    )
    depth = Whole(
        0,
        low=0,
        high=4,
        unit="moves",
        help="How far it looks; beyond that everything is a draw. 0: to the end of the game.",
    )
    prunes = Flag(True, help="Where the depth is limited: whether lines are left out that cannot matter (alpha-beta).")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        game, board = self.rules, self.board
        legal = game.is_legal(board)[0]
        if self.depth:
            moves = np.flatnonzero(legal)
            after = game.play(np.repeat(board, len(moves), axis=0), moves)
            worth = np.zeros(game.moves)
            worth[moves] = -look_ahead(game, after, self.depth - 1, lambda leaves: np.zeros(len(leaves))) + 0.0
            search = AlphaBeta(game, prunes=self.prunes)
            search.value(board[0], self.depth)
            looked_at = search.positions
        else:
            if not is_solvable(game):
                fact = f"{game.title} has too many positions: nobody solves it here to the end"
                raise ProblemError(Problem(fact, "Limit the depth.", path="properties.depth", kind="size"))
            solution = solved(game.name, self.discount)
            worth, looked_at = np.nan_to_num(solution.move_values(board)[0]), solution.positions
        found = {
            "values": worth,
            "legal": legal.astype(float),
            "best": worth[legal].max(),
            "looked_at": float(looked_at),
        }
        return {name: known(build, f"{name}_found", np.asarray(numbers)) for name, numbers in found.items()}


@node_type
class TreeSearch(FromPosition):
    """Monte Carlo tree search from one position: every iteration adds some simulations to one and the same tree."""

    name, title, icon = "tree_search", "tree search", "git-branch"
    formula = r"u_a = Q_a + K P_a \frac{\sqrt{\sum_b N_b}}{N_a + 1}"
    source = "Aggarwal 2023, §11.7, eq. 11.28, and §11.8.1 for rollouts and values mixed"
    inputs: ClassVar[tuple[Port, ...]] = (
        Port(
            "logits",
            "(batch, moves)",
            symbol="z",
            late=True,
            optional=True,
            help="A network's scores of the moves.",
        ),
        Port("value", "(batch, 1)", symbol="v", late=True, optional=True, help="A network's value. Free: 0."),
    )
    outputs: ClassVar[tuple[Port, ...]] = (
        Port("visits", "(moves)", symbol="N", help="How often each move was tried from the position."),
        Port("mean", "(moves)", symbol="Q", help="The average of what was found behind each move."),
        Port("prior", "(moves)", symbol="P", help="How likely each move is before any search."),
        Port("bonus", "(moves)", symbol="U", help="What is added for moves that are likely and seldom tried."),
        Port("policy", "(moves)", symbol=r"\pi", help="Visits in proportion, bent by the temperature."),
        Port(
            "board", "(batch, …)", symbol="s", help="The position as a network sees it: wire it where a network judges."
        ),
    )
    simulations = Whole(1, low=1, high=1000, unit="simulations", help="How many an iteration adds.")
    room = Whole(512, low=2, high=5000, unit="positions", help="How large the tree may become; then it grows no more.")
    exploration = Real(
        1.5, low=0.0, high=100.0, symbol="K",
        help="How much likely and seldom tried moves are favoured. 0: K = 1/√ΣN, as in AlphaGo.",
    )  # fmt: skip
    rollouts = Real(
        1.0,
        low=0.0,
        high=1.0,
        symbol=r"\beta",
        help="Share of a random game's end in the worth of a new position; the rest is v.",
    )
    temperature = Real(1.0, low=0.0, high=10.0, symbol=r"\tau", help="How evenly the policy follows the visits.")
    priors = Numbers(None, help="Chances of the moves at the root, one each; empty: as the network says, or all alike.")

    def lower(self, build: Builder, **values: Any) -> dict[str, Value]:
        game, moves = self.rules, self.rules.moves
        for name in ("exploration", "rollouts", "temperature"):
            build.setting(name, getattr(self, name))
        board = self.board
        if self.priors is not None and np.shape(self.priors) != (moves,):
            fact = f"{np.size(self.priors)} chances are given, and there are {moves} moves"
            raise ProblemError(Problem(fact, "Give one for each.", path="properties.priors", kind="property"))
        if not build.training:
            zeros = [
                build.zeros_like(build.source("data", f"{build.origin.node}.moves", (moves,), None)) for _ in range(5)
            ]
            planes = build.source("data", f"{build.origin.node}.board", (B, 2 * game.cells), None)
            return dict(zip(("board", "visits", "mean", "prior", "bonus", "policy"), [planes, *zeros], strict=True))
        for name in TREE:
            kept(build, name, (self.room, moves))
        kept(build, "boards", (self.room, game.cells))
        kept(build, "worth", (self.room,))
        kept(build, "count", (1,))
        seen = {
            name: self._shown(build, f"root_{name}", moves) for name in ("visits", "mean", "prior", "bonus", "policy")
        }
        seen_by_mover = game.planes(board).reshape(1, -1)
        row = known(build, "planes", seen_by_mover)
        return {**seen, "board": build.emit("broadcast", row, shape=(B, 2 * game.cells))}

    def _shown(self, build: Builder, name: str, moves: int) -> Value:
        return build.emit("reshape", build.state(name, (moves,)), shape=(moves,))
