"""One tree that grows from iteration to iteration, with all its parts in states of the tape."""

from __future__ import annotations

import numpy as np

from engine.drivers.asking import Array, Watch
from engine.drivers.players import Searching, View, player
from engine.games.search import Settings, Trees
from engine.machines.cpu import CpuMachine
from engine.nodes.games_search import TreeSearch

GOES_ON = 2.0  # what stands for “not over” where a state says what a position is worth
ROOT = np.zeros(1, np.intp), np.zeros(1, np.intp)


@player
class TreePlayer(Searching):
    """Adds simulations to its tree, and shows what stands at the root."""

    kind = TreeSearch

    def until_due(self, iteration: int) -> int:
        """It searches before every iteration."""
        return 0

    def play(self, machine: CpuMachine, watch: Watch) -> None:
        state, iteration = self.views(machine), int(machine.clock[0])
        trees = self.tree(machine, iteration)
        for done in range(self.settings.simulations):
            watch(done, self.settings.simulations)
            if trees.count[0] == self.settings.room:
                break
            trees.simulate()
        for name, part in trees.parts.items():
            state[name][...] = np.where(np.isnan(part), GOES_ON, part).reshape(state[name].shape)
        shown = {
            "visits": trees.visits[ROOT], "mean": trees.means(*ROOT), "prior": trees.prior[ROOT],
            "bonus": trees.bonus(*ROOT), "policy": trees.policy(float(state["temperature"])),
        }  # fmt: skip
        for name, numbers in shown.items():
            state[f"root_{name}"][...] = numbers[0]

    def tree(self, machine: CpuMachine, iteration: int) -> Trees:
        """The tree as it stands; a new one where there is none of this position yet."""
        state, board = self.views(machine), self.settings.board
        rollouts = float(state["rollouts"])
        settings = Settings(float(state["exploration"]), rollouts)
        trees = Trees(
            self.game, board, self.settings.room, self.judge(machine), settings, self.draw(iteration, "rollouts")
        )
        if self.settings.priors is not None:
            trees.prior[ROOT] = self._given(board)
        if state["count"][0] and (state["boards"][0] == board[0]).all():
            worth = np.where(state["worth"] == GOES_ON, np.nan, state["worth"])
            trees.take({**{name: state[name] for name in trees.parts}, "worth": worth})
        return trees

    def look(self, machine: CpuMachine, board: Array, simulations: int) -> View:
        """The tree as it stands, or one that is grown for another position."""
        if (board == self.settings.board).all():
            return self.seen(machine, board, self.tree(machine, int(machine.clock[0])))
        state = self.views(machine)
        settings = Settings(float(state["exploration"]), float(state["rollouts"]))
        draw = self.draw(int(machine.clock[0]), "look")
        trees = Trees(self.game, board, simulations + 1, self.judge(machine), settings, draw)
        trees.run(simulations)
        return self.seen(machine, board, trees)

    def _given(self, board: Array) -> Array:
        legal = self.game.is_legal(board)
        given = np.maximum(np.asarray(self.settings.priors, np.float64), 0) * legal
        return np.asarray(given / given.sum() if given.sum() else legal / legal.sum())
