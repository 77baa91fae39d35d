"""Monte Carlo tree search in many games side by side: every simulation adds one position to the tree of each.

From the root a simulation goes down by the largest u(s,a) = Q(s,a) + K P(s,a) √ΣN(s,b) / (N(s,a) + 1) (Aggarwal 2023,
eq. 11.28) until it meets a new position. That is evaluated, and on all edges of the way N grows by 1 and Q becomes the
average of what was found below. What is good for one player is bad for the other, so signs turn at every move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.games.rules import Array, Game

# boards (games, cells) -> chances of moves (games, moves) and values (games) in [−1, 1] for whose turn it is
Judge = Callable[[Array], tuple[Array, Array]]
ROOT = 0
NONE = -1
PARTS = ("visits", "total", "prior", "child", "boards", "worth", "count")


class Settings(NamedTuple):
    """How a tree grows.

    exploration  K, the weight of the bonus; 0 and below: 1/√ΣN, which leaves u = Q + P/(N + 1), as in AlphaGo
    rollouts     β, the share of a random game to its end in a leaf's value; the rest is the judge's
    noise        the share of Dirichlet noise in the chances at the root, and its concentration
    """

    exploration: float = 1.5
    rollouts: float = 0.0
    noise: float = 0.0
    concentration: float = 1.0


class Trees:
    """One tree for each of some boards, with room for `room` positions each.

    visits, total, prior  (games, room, moves)  N, the sum of what was found below (N times Q), and P of every edge
    child                 (games, room, moves)  where an edge leads, −1: nowhere yet
    boards                (games, room, cells)  the positions, the root's first
    worth                 (games, room)         of a finished game: −1 or 0 for whose turn it would be; NaN: it goes on
    count                 (games)               positions so far
    """

    def __init__(self, game: Game, boards: Array, room: int, judge: Judge, settings: Settings, draw: Any) -> None:
        games, moves = len(boards), game.moves
        self.game, self.judge, self.settings, self.draw = game, judge, settings, draw
        self.visits = np.zeros((games, room, moves))
        self.total, self.prior = np.zeros_like(self.visits), np.zeros_like(self.visits)
        self.child = np.full((games, room, moves), NONE)
        self.boards = np.zeros((games, room, game.cells), np.int8)
        self.worth = np.full((games, room), np.nan)
        self.count = np.ones(games, np.intp)
        self.boards[:, ROOT] = boards
        self._settle(np.arange(games), np.zeros(games, np.intp))
        chances, self.root_value = self._judged(boards)
        self.prior[:, ROOT] = self._noisy(chances, boards)

    def _noisy(self, chances: Array, boards: Array) -> Array:
        share = self.settings.noise
        if share <= 0:
            return chances
        drawn = self.draw.standard_gamma(self.settings.concentration, chances.shape) * self.game.is_legal(boards)
        sums = drawn.sum(axis=1, keepdims=True)
        noise = np.divide(drawn, sums, out=chances.copy(), where=sums > 0)
        return np.asarray((1 - share) * chances + share * noise)

    def _judged(self, boards: Array) -> tuple[Array, Array]:
        """Chances of the legal moves alone, which add up to 1, and values."""
        chances, values = self.judge(boards)
        legal = self.game.is_legal(boards)
        chances = np.where(legal, chances, 0.0)
        sums = chances.sum(axis=1, keepdims=True)
        even = legal / np.maximum(legal.sum(axis=1, keepdims=True), 1)
        return np.where(sums > 1e-9, chances / np.maximum(sums, 1e-9), even), values

    def _settle(self, games: Array, places: Array) -> None:
        """Say of new positions whether the game is over there."""
        boards = self.boards[games, places]
        lost, full = self.game.winner(boards) != 0, boards.all(axis=1)
        self.worth[games, places] = np.where(lost, -1.0, np.where(full, 0.0, np.nan))

    # growing ---------------------------------------------------------------------------------

    def simulate(self) -> None:
        """One simulation in every game that is not over at its root."""
        going = np.flatnonzero(np.isnan(self.worth[:, ROOT]))
        if not len(going):
            return
        path: list[tuple[Array, Array, Array]] = []
        ends: list[tuple[Array, Array, Array]] = []  # edges that lead nowhere yet
        leaf = np.zeros(len(self.boards), np.intp)
        at = leaf[going]
        while len(going):
            move = self._choice(going, at)
            path.append((going, at, move))
            child = self.child[going, at, move]
            is_new = child == NONE
            ends.append((going[is_new], at[is_new], move[is_new]))
            leaf[going] = child
            goes_on = ~is_new & np.isnan(self.worth[going, child])
            going, at = going[goes_on], child[goes_on]
        fresh = self._grow(*map(np.concatenate, zip(*ends, strict=True)))
        leaf[fresh] = self.count[fresh] - 1
        self._back_up(path, leaf, self._found(leaf, fresh))

    def _choice(self, games: Array, at: Array) -> Array:
        # Where ΣN = 0 the bonus of all moves is 0: the likeliest move goes first.
        scores = self.scores(games, at)
        unseen = self.visits[games, at].sum(axis=1) == 0
        scores[unseen] = self.prior[games[unseen], at[unseen]]
        scores[~self.game.is_legal(self.boards[games, at])] = -np.inf
        return np.asarray(scores.argmax(axis=1))

    def means(self, games: Array, at: Array) -> Array:
        """(…, moves) Q of some positions' edges: 0 where nothing was found yet."""
        return np.asarray(self.total[games, at] / np.maximum(self.visits[games, at], 1))

    def bonus(self, games: Array, at: Array) -> Array:
        """(…, moves) What is added to Q for moves that are likely and seldom tried."""
        visits, prior = self.visits[games, at], self.prior[games, at]
        if self.settings.exploration <= 0:
            return np.asarray(prior / (visits + 1))
        root = np.sqrt(visits.sum(axis=-1, keepdims=True))
        return np.asarray(self.settings.exploration * prior * root / (visits + 1))

    def scores(self, games: Array, at: Array) -> Array:
        """(…, moves) u = Q + bonus of some positions' edges."""
        return self.means(games, at) + self.bonus(games, at)

    def _grow(self, games: Array, at: Array, move: Array) -> Array:
        """Add the position behind an edge to the tree of each of some games; which games these are."""
        places = self.count[games]
        self.boards[games, places] = self.game.play(self.boards[games, at], move)
        self.child[games, at, move] = places
        self.count[games] += 1
        self._settle(games, places)
        return games

    def _found(self, leaf: Array, fresh: Array) -> Array:
        """(games) What each leaf is worth to whose turn it is there; of fresh ones the judge is asked."""
        games = np.arange(len(leaf))
        worth = self.worth[games, leaf]
        asked = fresh[np.isnan(worth[fresh])]
        if len(asked):
            # All boards are judged, also those that need it not: the judge always sees as many.
            boards = self.boards[games, leaf]
            chances, values = self._judged(boards)
            self.prior[asked, leaf[asked]] = chances[asked]
            share = self.settings.rollouts
            if share > 0:
                values = share * rolled_out(self.game, boards, self.draw) + (1 - share) * values
            worth[asked] = values[asked]
        return np.asarray(np.where(np.isnan(worth), 0.0, worth))

    def _back_up(self, path: list[tuple[Array, Array, Array]], leaf: Array, found: Array) -> None:
        lengths = np.zeros(len(leaf), np.intp)
        for games, _, _ in path:
            lengths[games] += 1
        for depth, (games, at, move) in enumerate(path):
            sign = 1 - 2 * ((lengths[games] - depth) & 1)
            self.visits[games, at, move] += 1
            self.total[games, at, move] += sign * found[games]

    @property
    def parts(self) -> dict[str, Array]:
        """All that the trees consist of, by name."""
        return {name: getattr(self, name) for name in PARTS}

    def take(self, parts: Mapping[str, Array]) -> None:
        """Go on from such parts, which are copied."""
        for name in PARTS:
            mine = getattr(self, name)
            mine[...] = parts[name].reshape(mine.shape)

    def run(self, simulations: int) -> None:
        """Several simulations."""
        for _ in range(simulations):
            self.simulate()

    # what is read from them ------------------------------------------------------------------

    def policy(self, temperature: float = 1.0) -> Array:
        """(games, moves) π ∝ N^(1/τ) at the roots; temperature 0: all on the most visited move."""
        return sharpened(self.visits[:, ROOT], temperature)

    @property
    def values(self) -> Array:
        """(games) The average of all that was found below the roots, for whose turn it is there."""
        visits = self.visits[:, ROOT].sum(axis=1)
        return np.asarray(
            np.where(visits > 0, self.total[:, ROOT].sum(axis=1) / np.maximum(visits, 1), self.root_value)
        )


def sharpened(visits: Array, temperature: float) -> Array:
    """(games, moves) Chances in proportion to N^(1/τ); with τ = 0 the first of the largest has them all.

    Rows without visits stay 0.
    """
    if temperature <= 0:
        best = np.zeros(visits.shape)
        best[np.arange(len(visits)), visits.argmax(axis=1)] = visits.max(axis=1) > 0
        return best
    largest = np.maximum(visits.max(axis=1, keepdims=True), 1)
    powers = (visits / largest) ** (1 / temperature)
    return np.asarray(powers / np.maximum(powers.sum(axis=1, keepdims=True), 1e-300))


def rolled_out(game: Game, boards: Array, draw: Any) -> Array:
    """(games) How random games from here end, for whose turn it is now: 1 won, −1 lost, 0 drawn."""
    viewer, now = game.mover(boards), boards.copy()
    for _ in range(game.plies):
        going = np.flatnonzero(~game.is_over(now))
        if not len(going):
            break
        now[going] = game.play(now[going], drawn_moves(game.is_legal(now[going]), draw))
    return np.asarray(game.winner(now) * viewer, np.float64)


def drawn_moves(chances: Array, draw: Any) -> Array:
    """(games) A move for each row of chances, which need not add up to 1."""
    sums = np.cumsum(chances, axis=1, dtype=np.float64)
    # The last addend may round: without the minimum a draw close to 1 could fall behind all moves.
    points = np.minimum(draw.random(len(chances)) * sums[:, -1], np.nextafter(sums[:, -1], 0))
    return np.asarray((sums <= points[:, None]).sum(axis=1))
