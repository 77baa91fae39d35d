"""Games played by a network that judges positions, which it learns from their ends or from what a search says."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.drivers.asking import Array, Watch
from engine.drivers.players import Learning, View, player
from engine.games import Game
from engine.games.search import look_ahead
from engine.games.search.trees import drawn_moves
from engine.games.strength import greedy, strength
from engine.machines.cpu import CpuMachine
from engine.nodes.games_values import ValuePlay


@player
class ValuePlayer(Learning):
    """Makes the move behind which the network likes the board best, or one at random."""

    kind = ValuePlay
    ports = ("value",)

    def play(self, machine: CpuMachine, watch: Watch) -> None:
        state, iteration = self.views(machine), int(machine.clock[0])
        if iteration % self.settings.every == 0:
            boards, lines = state["boards"].astype(np.int8), state["lines"].astype(int)
            draw = self.draw(iteration, "games")
            told: list[tuple[Array, Array, Array]] = []
            while not told:
                watch(0, 1)
                boards, lines, told = self._move_on(machine, boards, lines, draw)
                if int(state["filled"]):
                    break
            state["boards"][...], state["lines"][...] = boards, lines
            for after, viewers, worth in told:
                self._remember(state, after, viewers, worth)
        every = self.settings.measured_every
        if every and iteration % every == 0:
            self.measure(state, iteration, strength(self.game, lambda boards: self.choose(machine, boards)))

    # judging ---------------------------------------------------------------------------------

    def judged(self, machine: CpuMachine, boards: Array, viewers: Array) -> Array:
        """(n) What the network says of boards to the players who have just moved there; 0 without a network."""
        (values,) = self.heads(machine)(self.game.planes(boards, viewers))
        return np.zeros(len(boards)) if values is None else np.nan_to_num(values[:, 0])

    def scores(self, machine: CpuMachine, boards: Array) -> Array:
        """(n, moves) What the network says of the boards behind all moves, to who makes them."""
        found = np.full((len(boards), self.game.moves), -np.inf)
        rows, moves = np.nonzero(self.game.is_legal(boards))
        after = self.game.play(boards[rows], moves)
        values = self.judged(machine, after, self.game.mover(boards)[rows])
        found[rows, moves] = values
        return found

    def choose(self, machine: CpuMachine, boards: Array) -> Array:
        """(n) The move that the network likes best."""
        return greedy(self.game, self.scores(machine, boards), boards)

    def look(self, machine: CpuMachine, board: Array, simulations: int) -> View:
        """What the network says of the boards behind all moves."""
        scores = self.scores(machine, board)
        return View({"network": scores[0]}, (), int(greedy(self.game, scores, board)[0]))

    # playing ---------------------------------------------------------------------------------

    def _move_on(
        self, machine: CpuMachine, boards: Array, lines: Array, draw: Any
    ) -> tuple[Array, Array, list[tuple[Array, Array, Array]]]:
        """One move in every game, and what is to be remembered: boards, who looks at them, and what they are worth."""
        epsilon, games = float(self.views(machine)["epsilon"]), np.arange(len(boards))
        at_random = draw.random(len(boards)) < epsilon
        moves = np.where(at_random, drawn_moves(self.game.is_legal(boards), draw), self.choose(machine, boards))
        plies, movers = np.count_nonzero(boards, axis=1), self.game.mover(boards)
        after, lines = self.game.play(boards, moves), lines.copy()
        lines[games, plies] = moves + 1
        told = []
        if self.settings.target == "search":
            told.append((after.copy(), movers, self._searched(machine, after)))
        elif self.settings.target == "next":
            told += self._one_move_later(machine, boards, after)
        for ended in np.flatnonzero(self.game.is_over(after)):
            if self.settings.target == "result":
                told.append(self._replayed(machine, lines[ended]))
            after[ended], lines[ended] = 0, 0
        return after, lines, told

    def _searched(self, machine: CpuMachine, boards: Array) -> Array:
        """(n) Minimax from boards, for who has just moved there."""

        def evaluate(leaves: Array) -> Array:
            if self.settings.evaluator == "open_lines":
                return open_lines(self.game, leaves)
            return -self.judged(machine, leaves, -self.game.mover(leaves))

        return -look_ahead(self.game, boards, self.settings.depth, evaluate)

    def _one_move_later(self, machine: CpuMachine, before: Array, after: Array) -> list[tuple[Array, Array, Array]]:
        """Boards that were left a move ago, for who left them, by what the other player made of them; and finished ones."""
        ended, movers = self.game.is_over(after), self.game.mover(before)
        result = self.game.winner(after) * movers.astype(np.float64)
        worth = np.where(ended, result, self.judged(machine, after, movers))
        begun = before.any(axis=1)
        told = [(before[begun], -movers[begun], -worth[begun])]
        if ended.any():
            told.append((after[ended], movers[ended], result[ended]))
        return [part for part in told if len(part[0])]

    def _replayed(self, machine: CpuMachine, line: Array) -> tuple[Array, Array, Array]:
        """The boards of a finished game with ±γ^(r−1), r own moves before its end, the one that led here included."""
        discount = float(self.views(machine)["discount"])
        moves = line[line > 0] - 1
        board, boards = self.game.start(), []
        for move in moves:
            board = self.game.play(board, np.array([move]))
            boards.append(board)
        plies = np.arange(len(moves))
        viewers = 1 - 2 * (plies % 2)
        left = (len(moves) - 1 - plies) // 2 + 1
        return np.concatenate(boards), viewers, self.game.winner(board)[0] * viewers * discount ** (left - 1.0)

    def _remember(self, state: dict[str, Array], boards: Array, viewers: Array, worth: Array) -> None:
        for turned, _ in self.twins(boards):
            planes = self.game.planes(turned, viewers).reshape(len(turned), -1)
            self.remember(state, {"board": planes, "worth": worth[:, None]})


def open_lines(game: Game, boards: Array) -> Array:
    """(n) A crude judgement for whose turn it is: rows that only it can still fill, less those of the other, as a share."""
    stones = boards[:, game.lines] * game.mover(boards)[:, None, None]
    own, other = (stones >= 0).all(axis=2).sum(axis=1), (stones <= 0).all(axis=2).sum(axis=1)
    return np.asarray((own - other) / len(game.lines))
