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
from engine.games.search.growing import NO_ROOM, back_up_body, descend_body, worktop

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
        self.game, self.judge, self.settings, self.draw = game, judge, settings, draw
        self._top = worktop(game, len(boards), room)
        numbers, wholes = self._top.numbers, self._top.wholes
        self.visits, self.total, self.prior = numbers["visits"], numbers["total"], numbers["prior"]
        self.worth, self.child, self.count = numbers["worth"], wholes["child"], wholes["count"]
        self.child[...], self.worth[...], self.count[...] = NONE, np.nan, 1
        wholes["lines"][...] = (1 << game.lines).sum(axis=1)
        self._set_stones(slice(ROOT, ROOT + 1), boards[:, None])
        lost, full = game.winner(boards) != 0, boards.all(axis=1)
        self.worth[:, ROOT] = np.where(lost, -1.0, np.where(full, 0.0, np.nan))
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

    @property
    def boards(self) -> Array:
        """Read from the stones of each player; a copy."""
        bits = np.arange(self.game.cells)
        first, second = (self._top.wholes[name][..., None] >> bits & 1 for name in ("first", "second"))
        return np.asarray(first - second, np.int8)

    def _set_stones(self, places: slice, boards: Array) -> None:
        """Put positions (games, places, cells) down."""
        bits = 1 << np.arange(self.game.cells)
        self._top.wholes["first"][:, places] = (boards > 0) @ bits
        self._top.wholes["second"][:, places] = (boards < 0) @ bits

    # growing ---------------------------------------------------------------------------------

    def simulate(self) -> None:
        """One simulation in every game that is not over at its root. Raises IndexError where a tree has no room for it."""
        top, games, asked = self._top, len(self.worth), self._top.wholes["asked"]
        top.numbers["exploration"][0] = self.settings.exploration
        top.play(descend_body, games)
        if asked.any():
            if asked.min() == NO_ROOM:
                raise IndexError("a tree has no room for another position")
            self._ask()
        top.play(back_up_body, games)

    def _ask(self) -> None:
        """Have the leaves judged. All boards are, also those that need it not: the judge always sees as many."""
        boards = self._top.wholes["seen"]
        chances, values = self._judged(boards)
        share = self.settings.rollouts
        if share > 0:
            values = share * rolled_out(self.game, boards, self.draw) + (1 - share) * values
        self._top.numbers["chances"][...], self._top.numbers["judged"][...] = chances, values

    def means(self, games: Array, at: Array) -> Array:
        """(…, moves) Q of some positions' edges: 0 where nothing was found yet."""
        return np.asarray(self.total[games, at] / np.maximum(self.visits[games, at], 1))

    def bonus(self, games: Array, at: Array) -> Array:
        """(…, moves) What is added to Q for moves that are likely and seldom tried."""
        visits, prior = self.visits[games, at], self.prior[games, at]
        if self.settings.exploration <= 0:
            return np.asarray(prior / (visits + 1))
        tried = visits.sum(axis=-1, keepdims=True)
        return np.asarray(self.settings.exploration * prior * np.sqrt(tried) / (visits + 1))

    def scores(self, games: Array, at: Array) -> Array:
        """(…, moves) u = Q + bonus of some positions' edges."""
        return self.means(games, at) + self.bonus(games, at)

    @property
    def parts(self) -> dict[str, Array]:
        """All that the trees consist of, by name."""
        return {name: getattr(self, name) for name in PARTS}

    def take(self, parts: Mapping[str, Array]) -> None:
        """Go on from such parts, which are copied."""
        for name in PARTS:
            if name == "boards":
                self._set_stones(slice(None), parts[name].reshape(*self.worth.shape, self.game.cells))
            else:
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
