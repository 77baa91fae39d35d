"""How strong a player is, without chance: played against all answers that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.games.rules import Array, Game

Choose = Callable[[Array], Array]  # boards (n, cells) -> legal moves (n)
MOST_BOARDS = 20_000  # of one ply: beyond it only the likeliest are followed


class Strength(NamedTuple):
    """Shares of games that a player who never hesitates wins, draws and loses against somebody who moves at random.

    They are exact: every answer is followed, weighted by its chance. Half of the games are begun by the player.
    beaten  in how many different final positions it has lost; 0 is the proof that nobody can beat it
    """

    won: float
    drawn: float
    lost: float
    beaten: int


def strength(game: Game, choose: Choose) -> Strength:
    """Play both sides against every line that an opponent can choose."""
    sides = [_as_player(game, choose, side) for side in (1, -1)]
    won, drawn, lost = (sum(side[place] for side in sides) / 2 for place in range(3))
    return Strength(won, drawn, lost, int(sum(side[3] for side in sides)))


def _as_player(game: Game, choose: Choose, side: int) -> tuple[float, float, float, int]:
    boards, chances = game.start(), np.ones(1)
    won = drawn = lost = 0.0
    beaten, mover = 0, 1
    while len(boards):
        boards, chances = _moved(game, boards, chances, choose(boards) if mover == side else None)
        winner = game.winner(boards)
        won += float(chances[winner == side].sum())
        lost += float(chances[winner == -side].sum())
        beaten += int(np.count_nonzero(winner == -side))
        is_full = boards.all(axis=1)
        drawn += float(chances[(winner == 0) & is_full].sum())
        goes_on = (winner == 0) & ~is_full
        boards, chances, mover = boards[goes_on], chances[goes_on], -mover
    return won, drawn, lost, beaten


def _moved(game: Game, boards: Array, chances: Array, chosen: Array | None) -> tuple[Array, Array]:
    """The positions after one ply, each once, with their chances: by the chosen moves, or by all that are legal."""
    if chosen is None:
        legal = game.is_legal(boards)
        rows, moves = np.nonzero(legal)
        chances = (chances / legal.sum(axis=1))[rows]
    else:
        rows, moves = np.arange(len(boards)), chosen
    after = game.play(boards[rows], moves)
    _, first, place = np.unique(game.numbers(after), return_index=True, return_inverse=True)
    sums = np.bincount(place.ravel(), chances, minlength=len(first))
    if len(first) > MOST_BOARDS:
        kept = np.sort(np.argsort(-sums, kind="stable")[:MOST_BOARDS])
        first, sums = first[kept], sums[kept] / sums[kept].sum() * sums.sum()
    return after[first], sums


def greedy(game: Game, scores: Array, boards: Array) -> Array:
    """(n) The legal move with the highest score (n, moves), the first of equal ones."""
    return np.asarray(np.where(game.is_legal(boards), scores, -np.inf).argmax(axis=1))
