"""Trees that grow by NumPy, all of them by one position at a time: what the kernels are held to, bit for bit."""

from __future__ import annotations

import numpy as np

from engine.games.search import Trees
from engine.games.search.trees import NONE, ROOT, rolled_out


class NumpyTrees(Trees):
    """The same trees, grown without kernels."""

    def simulate(self):
        going, at = np.flatnonzero(np.isnan(self.worth[:, ROOT])), ROOT
        leaf, path, fresh = np.zeros(len(self.worth), np.intp), [], []
        at = leaf[going]
        while len(going):
            moves = self.choice(going, at)
            path.append((going, at, moves))
            after = self.child[going, at, moves]
            is_new = after == NONE
            after[is_new] = self.grow(going[is_new], at[is_new], moves[is_new])
            fresh += going[is_new].tolist()
            leaf[going] = after
            goes_on = np.isnan(self.worth[going, after]) & ~is_new
            going, at = going[goes_on], after[goes_on]
        if path:
            self.back_up(path, self.found(leaf, np.array(fresh, np.intp)))

    def choice(self, games, at):
        """(games) The move that is tried next."""
        tried = self.visits[games, at].sum(axis=1, keepdims=True)
        scores = np.where(tried == 0, self.prior[games, at], self.scores(games, at))
        return np.where(self.game.is_legal(self.boards[games, at]), scores, -np.inf).argmax(axis=1)

    def grow(self, games, at, moves):
        """(games) Where what follows a move was put."""
        places, boards = self.count[games].copy(), self.game.play(self.boards[games, at], moves)
        everything = self.boards
        everything[games, places] = boards
        self._set_stones(slice(None), everything)
        self.child[games, at, moves] = places
        self.count[games] += 1
        lost, full = self.game.winner(boards) != 0, boards.all(axis=1)
        self.worth[games, places] = np.where(lost, -1.0, np.where(full, 0.0, np.nan))
        return places

    def found(self, leaf, fresh):
        """(games) What each leaf is worth to whose turn it is there; of fresh ones the judge is asked."""
        games = np.arange(len(leaf))
        worth = self.worth[games, leaf]
        asked = fresh[np.isnan(worth[fresh])]
        if len(asked):
            boards = self.boards[games, leaf]
            chances, values = self._judged(boards)
            self.prior[asked, leaf[asked]] = chances[asked]
            share = self.settings.rollouts
            if share > 0:
                values = share * rolled_out(self.game, boards, self.draw) + (1 - share) * values
            worth[asked] = values[asked]
        return worth

    def back_up(self, path, found):
        """Count all edges of a simulation, the last ones first."""
        sign = np.ones(len(found))
        for games, at, moves in reversed(path):
            sign[games] = -sign[games]
            self.visits[games, at, moves] += 1
            self.total[games, at, moves] += sign[games] * found[games]
