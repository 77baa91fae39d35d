"""Self-play by tree search: all games go on by one move at a time, and finished ones are remembered."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.drivers.asking import Array, Watch
from engine.drivers.players import Learning, Searching, View, player
from engine.games import Game
from engine.games.search import Settings, Trees
from engine.games.search.trees import drawn_moves
from engine.games.strength import greedy, strength
from engine.machines.cpu import CpuMachine
from engine.nodes.games import SelfPlay


@player
class SelfPlayer(Searching, Learning):
    """Plays against itself: every move is searched, and drawn by how often the search tried it."""

    kind = SelfPlay

    def play(self, machine: CpuMachine, watch: Watch) -> None:
        state, iteration = self.views(machine), int(machine.clock[0])
        if iteration % self.settings.every == 0:
            games = _Games(state["boards"].astype(np.int8), state["lines"].copy())
            finished: list[dict[str, Array]] = []
            draw, known = self.draw(iteration, "games"), int(state["filled"])
            while True:
                finished += self._move_on(machine, games, draw, watch)
                # At the very beginning nothing is remembered yet: then it plays until there is something to learn from.
                if known + sum(len(part["board"]) for part in finished):
                    break
            state["boards"][...], state["lines"][...] = games.boards, games.lines
            for part in finished:
                self.remember(state, part)
        every = self.settings.measured_every
        if every and iteration % every == 0:
            self.measure(state, iteration, strength(self.game, lambda boards: self.choose(machine, boards)))

    def choose(self, machine: CpuMachine, boards: Array) -> Array:
        """(n) The move that the network likes best, without any search."""
        logits, _ = self.judged(self.heads(machine), boards)
        return greedy(self.game, logits, boards)

    def trees(self, machine: CpuMachine, boards: Array, room: int, draw: Any, *, noise: bool = True) -> Trees:
        """Trees that have not grown yet, judged by the network of this moment."""
        numbers = {
            name: float(self.views(machine)[name]) for name in ("exploration", "rollouts", "noise", "concentration")
        }
        settings = Settings(
            numbers["exploration"], numbers["rollouts"] if self.has_value else 1.0,
            numbers["noise"] if noise else 0.0, numbers["concentration"],
        )  # fmt: skip
        return Trees(self.game, boards, room, self.judge(machine), settings, draw)

    def look(self, machine: CpuMachine, board: Array, simulations: int) -> View:
        """Network and search, without noise."""
        trees = self.trees(machine, board, simulations + 1, self.draw(int(machine.clock[0]), "look"), noise=False)
        trees.run(simulations)
        return self.seen(machine, board, trees)

    def _move_on(self, machine: CpuMachine, games: _Games, draw: Any, watch: Watch) -> list[dict[str, Array]]:
        """One move in every game; what is to be remembered of those that ended, which begin anew."""
        simulations = self.settings.simulations
        trees = self.trees(machine, games.boards, simulations + 1, draw)
        for done in range(simulations):
            watch(done, simulations)
            trees.simulate()
        policy = trees.policy(float(self.views(machine)["temperature"]))
        plies = np.count_nonzero(games.boards, axis=1)
        moves = np.where(plies < self.settings.opening, drawn_moves(policy, draw), trees.policy(0.0).argmax(axis=1))
        games.move(self.game, moves, policy)
        return [self._told(games, ended) for ended in np.flatnonzero(self.game.is_over(games.boards))]

    def _told(self, games: _Games, ended: Any) -> dict[str, Array]:
        boards, policies, result = games.take(self.game, ended)
        movers = self.game.mover(boards)
        twins = [
            {"board": self.game.planes(turned).reshape(len(turned), -1), "policy": policies[:, moves],
             "result": (result * movers)[:, None]}
            for turned, moves in self.twins(boards)
        ]  # fmt: skip
        return {name: np.concatenate([twin[name] for twin in twins]) for name in twins[0]}


class _Games:
    """Games that are going on: boards, and of each the moves so far (counted from 1) with what the search found."""

    def __init__(self, boards: Array, lines: Array) -> None:
        self.boards, self.lines = boards, lines

    def move(self, game: Game, moves: Array, policy: Array) -> None:
        plies, games = np.count_nonzero(self.boards, axis=1), np.arange(len(moves))
        self.lines[games, plies, 0] = moves + 1
        self.lines[games, plies, 1:] = policy
        self.boards = game.play(self.boards, moves)

    def take(self, game: Game, ended: Any) -> tuple[Array, Array, int]:
        """Positions, policies and winner of a finished game, which begins anew."""
        plies = int(np.count_nonzero(self.boards[ended]))
        moves = self.lines[ended, :plies, 0].astype(int) - 1
        board, boards = game.start(), []
        for move in moves:
            boards.append(board)
            board = game.play(board, np.array([move]))
        policies, result = self.lines[ended, :plies, 1:].copy(), int(game.winner(board)[0])
        self.boards[ended], self.lines[ended] = 0, 0
        return np.concatenate(boards), policies, result
