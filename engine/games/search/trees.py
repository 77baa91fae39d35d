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
        # Views of all trees' places one after the other: a row is found by one number, in half of the time.
        by_edge = (self.visits, self.total, self.prior)
        self._visits, self._total, self._prior = (part.reshape(-1, moves) for part in by_edge)
        self._boards = self.boards.reshape(-1, game.cells)
        self.boards[:, ROOT] = boards
        self._settle(np.arange(games), np.zeros(games, np.intp), boards)
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
        shares = chances / np.maximum(sums, 1e-9)
        if (sums > 1e-9).all():
            return shares, values
        return np.where(sums > 1e-9, shares, legal / np.maximum(legal.sum(axis=1, keepdims=True), 1)), values

    def _settle(self, games: Array, places: Array, boards: Array) -> None:
        """Say of new positions whether the game is over there."""
        lost, full = self.game.winner(boards) != 0, boards.all(axis=1)
        self.worth[games, places] = np.where(lost, -1.0, np.where(full, 0.0, np.nan))

    # growing ---------------------------------------------------------------------------------

    def simulate(self) -> None:
        """One simulation in every game that is not over at its root."""
        going = np.flatnonzero(np.isnan(self.worth[:, ROOT]))
        if not len(going):
            return
        path: list[tuple[Array, Array]] = []  # games, and the edges they took
        ends: list[tuple[Array, Array]] = []  # edges that lead nowhere yet
        leaf = np.zeros(len(self.boards), np.intp)
        at, room = leaf[going], self.worth.shape[1]
        while len(going):
            places = going * room + at
            edges = places * self.game.moves + self._choice(places)
            path.append((going, edges))
            leaf[going] = at = self.child.take(edges)
            is_new = at == NONE
            if is_new.any():
                ends.append((going[is_new], edges[is_new]))
                going, at = going[~is_new], at[~is_new]
            goes_on = np.isnan(self.worth.take(going * room + at))
            going, at = going[goes_on], at[goes_on]
        fresh = np.zeros(0, np.intp)
        if ends:
            fresh, edges = map(np.concatenate, zip(*ends, strict=True))
            leaf[fresh] = self._grow(fresh, edges)
        self._back_up(path, self._found(leaf, fresh))

    def _choice(self, places: Array) -> Array:
        """(places) The move that is tried next at some positions, counted through all trees."""
        visits, prior = self._visits.take(places, axis=0), self._prior.take(places, axis=0)
        tried = visits.sum(axis=1, keepdims=True)
        scores = _means(visits, self._total.take(places, axis=0)) + self._bonus(visits, prior, tried)
        if not tried.all():  # where ΣN = 0 the bonus of all moves is 0: the likeliest move goes first
            scores = np.where(tried == 0, prior, scores)
        np.copyto(scores, -np.inf, where=~self.game.is_legal(self._boards.take(places, axis=0)))
        return np.asarray(scores.argmax(axis=1))

    def means(self, games: Array, at: Array) -> Array:
        """(…, moves) Q of some positions' edges: 0 where nothing was found yet."""
        return _means(self.visits[games, at], self.total[games, at])

    def bonus(self, games: Array, at: Array) -> Array:
        """(…, moves) What is added to Q for moves that are likely and seldom tried."""
        visits = self.visits[games, at]
        return self._bonus(visits, self.prior[games, at], visits.sum(axis=-1, keepdims=True))

    def _bonus(self, visits: Array, prior: Array, tried: Array) -> Array:
        """What `tried` says is how often any move was."""
        if self.settings.exploration <= 0:
            return np.asarray(prior / (visits + 1))
        return np.asarray(self.settings.exploration * prior * np.sqrt(tried) / (visits + 1))

    def scores(self, games: Array, at: Array) -> Array:
        """(…, moves) u = Q + bonus of some positions' edges."""
        return self.means(games, at) + self.bonus(games, at)

    def _grow(self, games: Array, edges: Array) -> Array:
        """(games) Where the tree of each of some games has room for the position behind an edge, which is put there."""
        places = self.count[games]
        before, moves = np.divmod(edges, self.game.moves)
        boards = self.game.play(self._boards.take(before, axis=0), moves)
        self.boards[games, places] = boards
        self.child.reshape(-1)[edges] = places
        self.count[games] += 1
        self._settle(games, places, boards)
        return places

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

    def _back_up(self, path: list[tuple[Array, Array]], found: Array) -> None:
        """Count all edges of a simulation: none is met twice, and the last of a game leads to what was found."""
        games, edges = map(np.concatenate, zip(*path, strict=True))
        depths = np.repeat(np.arange(len(path)), [len(going) for going, _ in path])
        above = np.bincount(games, minlength=len(found))[games] - depths
        self._visits.reshape(-1)[edges] += 1
        self._total.reshape(-1)[edges] += (1 - 2 * (above & 1)) * found[games]

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


def _means(visits: Array, total: Array) -> Array:
    """Q, and 0 where N is 0."""
    return np.asarray(total / np.maximum(visits, 1))


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
