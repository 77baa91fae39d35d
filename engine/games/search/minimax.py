"""Exact values by minimax: of every position of a small game at once, or some moves ahead with an evaluator behind them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from engine.games.rules import GAMES, Array, Game
from engine.problems import Problem, ProblemError

Evaluate = Callable[[Array], Array]  # boards (n, cells) -> value in [−1, 1] for whose turn it is
MOST_CELLS = 9  # of a game that is solved without being asked to; where stones drop, of twice as many
MOST_POSITIONS = 400_000  # that a solution holds: beyond it takes seconds and more memory than it is worth


class Solution:
    """A game solved from its end: every position that can be reached, and what it is worth.

    A value is that of whose turn it is: γ^(r − 1) where the winner needs r moves of its own, whoever that is, its opposite
    where the other wins, 0 for a draw. With γ = 1 these are 1, 0 and −1.
    Raises `ProblemError` where the game has too many positions.
    """

    def __init__(self, game: Game, discount: float = 1.0) -> None:
        self.game, self.discount = game, discount
        self.levels = positions_of(game)  # by ply: (positions, cells), in the order of their numbers
        self._numbers = [game.numbers(level) for level in self.levels]
        self._values: list[Array] = [np.zeros(0)] * len(self.levels)
        for ply in reversed(range(len(self.levels))):
            self._values[ply] = self._solved(ply)

    @property
    def positions(self) -> int:
        """How many positions can be reached."""
        return sum(map(len, self.levels))

    def _solved(self, ply: int) -> Array:
        boards = self.levels[ply]
        lost = self.game.winner(boards) != 0
        values = np.where(lost, -1.0, 0.0)
        going = np.flatnonzero(~lost & ~boards.all(axis=1))
        if len(going):
            values[going] = np.nanmax(self.move_values(boards[going]), axis=1)
        return values

    def values(self, boards: Array) -> Array:
        """(n) What positions are worth to whose turn it is; all of them must be reachable."""
        plies = np.count_nonzero(boards, axis=1)
        numbers, found = self.game.numbers(boards), np.zeros(len(boards))
        for ply in np.unique(plies):
            mine = plies == ply
            found[mine] = self._values[ply][np.searchsorted(self._numbers[ply], numbers[mine])]
        return found

    def move_values(self, boards: Array) -> Array:
        """(n, moves) What each move is worth to whose turn it is; NaN where there is none."""
        found = np.full((len(boards), self.game.moves), np.nan)
        rows, moves = np.nonzero(self.game.is_legal(boards))
        after = self.game.play(boards[rows], moves)
        values = self.values(after)
        # A win lies one move of the winner's own further off, unless this very move is it. A loss is counted in the moves
        # of the other player, who moves next.
        won = self.game.winner(after) != 0
        found[rows, moves] = np.where(won | (values > 0), -values, -self.discount * values) + 0.0
        return found


@lru_cache(maxsize=8)
def _solution(name: str, discount: float) -> Solution | ProblemError:
    try:
        return Solution(GAMES[name], discount)
    except ProblemError as error:
        return error  # finding out takes seconds, and is remembered as well


def solved(name: str, discount: float = 1.0) -> Solution:
    """The solution of a game by name, kept for whoever asks next. Raises `ProblemError` where the game is too large."""
    found = _solution(name, discount)
    if isinstance(found, ProblemError):
        raise ProblemError(*found.problems)
    return found


def is_solvable(game: Game) -> bool:
    """Whether `solved` answers at once: of larger games it is not even tried."""
    return game.cells <= MOST_CELLS * (2 if game.drops else 1)


def positions_of(game: Game) -> list[Array]:
    """The positions that games lead to, by the number of stones. Raises `ProblemError` where there are too many."""
    levels, total = [game.start()], 1
    while len(levels) <= game.plies:
        boards = levels[-1][game.winner(levels[-1]) == 0]
        rows, moves = np.nonzero(game.is_legal(boards))
        if not len(rows):
            break
        after = game.play(boards[rows], moves)
        _, first = np.unique(game.numbers(after), return_index=True)
        levels.append(after[first])
        total += len(first)
        if total > MOST_POSITIONS:
            fact = f"{game.title} has more than {MOST_POSITIONS:,} positions: nobody solves it here exactly"
            raise ProblemError(Problem(fact, "Choose a smaller game.", kind="size"))
    return levels


def look_ahead(game: Game, boards: Array, depth: int, evaluate: Evaluate) -> Array:
    """(games) The values of boards for whose turn it is, by minimax `depth` moves ahead: all leaves are evaluated at once.

    A finished game is worth −1 to whose turn it would be where it is lost, or 0; nothing is pruned.
    """
    lost, full = game.winner(boards) != 0, boards.all(axis=1)
    values = np.where(lost, -1.0, 0.0)
    going = np.flatnonzero(~lost & ~full)
    if not len(going):
        return values
    if depth == 0:
        values[going] = evaluate(boards[going])
        return values
    rows, moves = np.nonzero(game.is_legal(boards[going]))
    after = look_ahead(game, game.play(boards[going][rows], moves), depth - 1, evaluate)
    best = np.full(len(going), -np.inf)
    np.maximum.at(best, rows, -after)
    values[going] = best
    return values


class AlphaBeta:
    """One position after the other, `depth` moves ahead, without what cannot matter; `positions` counts those looked at."""

    def __init__(self, game: Game, evaluate: Evaluate | None = None, *, prunes: bool = True) -> None:
        self.game, self.evaluate, self.prunes = game, evaluate, prunes
        self.positions = 0

    def value(self, board: Array, depth: int, low: float = -np.inf, high: float = np.inf) -> float:
        """The value of a board (cells) for whose turn it is; at the depth what the evaluator says, or 0."""
        self.positions += 1
        boards = board[None]
        if self.game.winner(boards)[0]:
            return -1.0
        if board.all():
            return 0.0
        if depth == 0:
            return 0.0 if self.evaluate is None else float(self.evaluate(boards)[0])
        best = -np.inf
        for move in np.flatnonzero(self.game.is_legal(boards)[0]):
            after = self.game.play(boards, np.array([move]))[0]
            best = max(best, -self.value(after, depth - 1, -high, -low))
            low = max(low, best)
            if self.prunes and low >= high:
                break  # the opponent would not let it come to this
        return best
