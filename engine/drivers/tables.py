"""Games whose moves are credited in a table, when they are over."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.drivers.asking import Array, Watch
from engine.drivers.players import Player, View, player
from engine.games.search import solved
from engine.games.search.trees import drawn_moves
from engine.games.strength import greedy, strength
from engine.machines.cpu import CpuMachine
from engine.nodes.games_values import MonteCarloTable, going_on

TIE = 1e-9  # equal values are told apart by a draw


@player
class TablePlayer(Player):
    """Plays whole games side by side, and credits what the table's player did in them."""

    kind = MonteCarloTable

    def until_due(self, iteration: int) -> int:
        """It plays before every iteration."""
        return 0

    def play(self, machine: CpuMachine, watch: Watch) -> None:
        state, iteration = self.views(machine), int(machine.clock[0])
        sums, counts = state["sums"].astype(np.float64), state["counts"].astype(np.float64)
        watch(0, 1)
        self._credit(sums, counts, float(state["discount"]), *self._games(sums, counts, state, iteration))
        state["sums"][...], state["counts"][...] = sums, counts
        place = self.places(self.settings.board)
        state["shown_values"][...] = self.values(sums, counts, place)[0]
        state["shown_tried"][...] = counts[place[0]]
        state["shown_coverage"][...] = np.count_nonzero(counts) / self.pairs
        every = self.settings.measured_every
        if every and iteration % every == 0:
            values = self.values(sums, counts, np.arange(len(sums)))
            choose = lambda boards: greedy(self.game, values[self.places(boards)], boards)  # noqa: E731
            self.measure(state, iteration, strength(self.game, choose))

    def look(self, machine: CpuMachine, board: Array, simulations: int) -> View:
        """The rows of the table."""
        state, place = self.views(machine), self.places(board)
        values = self.values(state["sums"], state["counts"], place)
        tried = state["counts"][place][0]
        shown = np.where(tried > 0, values[0], np.nan)
        share = tried / max(tried.sum(), 1.0)
        return View({"table": shown, "tried": share}, ("tried",), int(greedy(self.game, values, board)[0]))

    @property
    def pairs(self) -> int:
        """How many pairs of a position and a move there are: of those that the table's player can meet."""
        return int(self.game.is_legal(going_on(self.game.name)[0]).sum())

    def places(self, boards: Array) -> Array:
        """(n) The rows of the table for some positions."""
        return np.searchsorted(going_on(self.game.name)[1], self.game.numbers(boards))

    def values(self, sums: Array, counts: Array, places: Array) -> Array:
        """(n, moves) The averages; 0 for what was never tried."""
        return np.asarray(sums[places] / np.maximum(counts[places], 1))

    def share_at_random(self, state: dict[str, Array], iteration: int) -> float:
        """ε of this iteration."""
        epsilon, over = float(state["epsilon"]), self.settings.annealed_over
        return epsilon if iteration >= over else 1 + (epsilon - 1) * iteration / over

    def _games(
        self, sums: Array, counts: Array, state: dict[str, Array], iteration: int
    ) -> tuple[list[tuple[Array, Array, Array]], Array, Array]:
        """Whole games: of every ply which games went on, from which row of the table, by which move; winners and lengths."""
        draw, count = self.draw(iteration, "games"), self.settings.games
        share = self.share_at_random(state, iteration)
        boards, lengths = self.game.start(count), np.zeros(count, int)
        plies: list[tuple[Array, Array, Array]] = []
        for ply in range(self.game.plies):
            going = np.flatnonzero(~self.game.is_over(boards))
            if not len(going):
                break
            places = self.places(boards[going])
            moves = self._moves(boards[going], self.values(sums, counts, places), share, draw)
            if self.settings.opponent != "itself":
                answers = self._answers(boards[going], draw)
                moves = np.where(going % 2 == ply % 2, moves, answers)  # in every second game it moves second
            plies.append((going, places, moves))
            boards[going] = self.game.play(boards[going], moves)
            lengths[going] = ply + 1
        return plies, self.game.winner(boards), lengths

    def _moves(self, boards: Array, values: Array, share: float, draw: Any) -> Array:
        legal = self.game.is_legal(boards)
        best = greedy(self.game, values + TIE * draw.random(values.shape), boards)
        return np.where(draw.random(len(boards)) < share, drawn_moves(legal, draw), best)

    def _answers(self, boards: Array, draw: Any) -> Array:
        chances = self.game.is_legal(boards)
        if self.settings.opponent == "perfect":
            worth = np.where(chances, solved(self.game.name).move_values(boards), -np.inf)
            chances = worth == worth.max(axis=1, keepdims=True)
        return drawn_moves(chances, draw)

    def _credit(
        self,
        sums: Array,
        counts: Array,
        discount: float,
        plies: list[tuple[Array, Array, Array]],
        winner: Array,
        lengths: Array,
    ) -> None:
        """Add ±γ^(r−1) to every pair that was met, where r own moves were left, this one included."""
        for ply, (going, places, moves) in enumerate(plies):
            learns = np.ones(len(going), bool) if self.settings.opponent == "itself" else going % 2 == ply % 2
            games, rows, made = going[learns], places[learns], moves[learns]
            left = (lengths[games] - 1 - ply) // 2 + 1
            mover = 1 if ply % 2 == 0 else -1
            np.add.at(sums, (rows, made), winner[games] * mover * discount ** (left - 1))
            np.add.at(counts, (rows, made), 1)
