"""Games in which two players set stones by turns and win with a row of them. All functions take many boards at once.

A board is a row of cells, from the upper left to the lower right: 1 is a stone of the first player (X), −1 of the second
(O), 0 is free. Whose turn it is follows from the number of stones. Nobody passes, and no stone ever moves.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from engine.problems import Problem, ProblemError

Array = np.ndarray[Any, np.dtype[Any]]
STONES = {"X": 1, "O": -1, ".": 0}
LETTERS = {number: letter for letter, number in STONES.items()}


class Game:
    """A row of `length` stones wins on a grid; where stones drop, a move is a column and its stone falls to the bottom."""

    def __init__(self, name: str, title: str, rows: int, columns: int, length: int, *, drops: bool = False) -> None:
        self.name, self.title = name, title
        self.rows, self.columns, self.length, self.drops = rows, columns, length, drops
        self.cells = rows * columns
        self.moves = columns if drops else self.cells
        self.plies = self.cells  # of the longest game

    @cached_property
    def lines(self) -> Array:
        """(lines, length) The cells of every row that wins."""
        found = []
        for row in range(self.rows):
            for column in range(self.columns):
                for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                    last_row, last_column = row + down * (self.length - 1), column + right * (self.length - 1)
                    if last_row < self.rows and 0 <= last_column < self.columns:
                        steps = range(self.length)
                        found.append([(row + down * k) * self.columns + column + right * k for k in steps])
        return np.array(found, np.intp)

    @cached_property
    def symmetries(self) -> list[tuple[Array, Array]]:
        """Turns and reflections that change no game, the identity first: cells, and moves, each as (…)[place] → place."""
        grid = np.arange(self.cells).reshape(self.rows, self.columns)
        if self.drops:
            mirrored = grid[:, ::-1]
            return [(grid.ravel(), np.arange(self.moves)), (mirrored.ravel(), np.arange(self.moves)[::-1])]
        turns = range(4) if self.rows == self.columns else (0, 2)
        seen = [np.rot90(one, turn).ravel() for one in (grid, grid[:, ::-1]) for turn in turns]
        return [(cells, cells) for cells in seen]

    # boards ----------------------------------------------------------------------------------

    def start(self, games: int = 1) -> Array:
        """(games, cells) Empty boards."""
        return np.zeros((games, self.cells), np.int8)

    def mover(self, boards: Array) -> Array:
        """(games) Whose turn it is, 1 or −1."""
        return np.asarray(1 - 2 * (boards.sum(axis=1) & 1))

    def winner(self, boards: Array) -> Array:
        """(games) 1 or −1 where that player has a row, else 0."""
        sums = boards[:, self.lines].sum(axis=2, dtype=np.int8)
        return np.asarray((sums == self.length).any(axis=1).astype(np.int8) - (sums == -self.length).any(axis=1))

    def is_over(self, boards: Array) -> Array:
        """(games) Whether somebody has won, or nothing is free."""
        return np.asarray((self.winner(boards) != 0) | boards.all(axis=1))

    def is_legal(self, boards: Array) -> Array:
        """(games, moves) Whether a move finds a free cell; whether the game is over is not asked."""
        return np.asarray(boards[:, : self.moves] == 0)

    def play(self, boards: Array, moves: Array) -> Array:
        """(games, cells) The boards after one move on each, which must be legal."""
        after, games = boards.copy(), np.arange(len(boards))
        cells = moves
        if self.drops:
            grid = boards.reshape(-1, self.rows, self.columns)
            free = np.count_nonzero(grid[games, :, moves] == 0, axis=1)
            cells = (free - 1) * self.columns + moves
        after[games, cells] = self.mover(boards)
        return after

    def planes(self, boards: Array, viewer: Array | None = None) -> Array:
        """(games, 2, rows, columns) One plane of the viewer's stones, one of the other's. The viewer is whose turn it is."""
        own = boards * (self.mover(boards) if viewer is None else viewer)[:, None]
        planes = np.empty((len(boards), 2, self.cells))
        np.greater(own, 0, out=planes[:, 0])
        np.less(own, 0, out=planes[:, 1])
        return planes.reshape(-1, 2, self.rows, self.columns)

    def numbers(self, boards: Array) -> Array:
        """(games) A number for each filling of the board, below 3 to the power of the cells."""
        powers = 3 ** np.arange(self.cells, dtype=np.int64)
        return np.asarray((boards.astype(np.int64) + 1) @ powers)

    # boards in writing -----------------------------------------------------------------------

    def read(self, text: str) -> Array:
        """(1, cells) A board written as `X..|OOX|...`; an empty text is the empty board.

        Raises `ProblemError` where it has another form, or no game leads there.
        """
        letters = "".join(text.upper().split()).replace("|", "").replace("-", ".").replace("_", ".")
        if not letters:
            return self.start()
        if len(letters) != self.cells or not set(letters) <= STONES.keys():
            example = "|".join(["." * self.columns] * self.rows)
            fact = f"“{text}” is no board of {self.rows} rows of {self.columns} cells"
            raise ProblemError(Problem(fact, f"Write X, O and dots row by row, as in “{example}”.", kind="property"))
        board = np.array([[STONES[letter] for letter in letters]], np.int8)
        if board.sum() not in (0, 1):
            fact = f"on “{text}” are {letters.count('X')} X and {letters.count('O')} O"
            raise ProblemError(Problem(fact, "X begins, and they take turns.", kind="property"))
        if self.drops and self._floats(board):
            raise ProblemError(Problem(f"on “{text}” a stone hangs in the air", "Stones fall down.", kind="property"))
        return board

    def _floats(self, board: Array) -> bool:
        filled = board.reshape(self.rows, self.columns) != 0
        return bool((filled[:-1] & ~filled[1:]).any())

    def write(self, board: Array) -> str:
        """One board as `read` takes it."""
        rows = np.asarray(board, int).reshape(self.rows, self.columns)
        return "|".join("".join(LETTERS[int(cell)] for cell in row) for row in rows)


GAMES: dict[str, Game] = {
    game.name: game
    for game in (
        Game("tic_tac_toe", "tic-tac-toe", 3, 3, 3),
        Game("connect_three", "connect three", 4, 4, 3, drops=True),
        Game("connect_four", "connect four, small", 4, 5, 4, drops=True),
        Game("four_in_a_row", "four in a row", 4, 4, 4),
    )
}
