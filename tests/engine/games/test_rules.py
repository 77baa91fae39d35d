"""Rules of the games, against enumeration by plain Python that knows nothing of them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.games import GAMES
from engine.games.search.minimax import positions_of
from engine.problems import ProblemError

LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
TIC_TAC_TOE = GAMES["tic_tac_toe"]


def plain_winner(board: tuple[int, ...]) -> int:
    return next((board[a] for a, b, c in LINES if board[a] and board[a] == board[b] == board[c]), 0)


def plainly_reached() -> dict[tuple[int, ...], int]:
    """Every position of tic-tac-toe that can be reached, with the number of games that go on from it."""
    games: dict[tuple[int, ...], int] = {}

    def count(board: tuple[int, ...], mover: int) -> int:
        if board not in games:
            if plain_winner(board) or 0 not in board:
                games[board] = 1
            else:
                after = [(*board[:k], mover, *board[k + 1 :]) for k in range(9) if not board[k]]
                games[board] = sum(count(one, -mover) for one in after)
        return games[board]

    count((0,) * 9, 1)
    return games


def test_tic_tac_toe_has_the_positions_and_games_that_plain_counting_finds():
    games = plainly_reached()
    levels = positions_of(TIC_TAC_TOE)
    assert {tuple(map(int, board)) for level in levels for board in level} == set(games)
    assert (len(games), games[(0,) * 9]) == (5478, 255_168)


def test_the_ends_of_tic_tac_toe_are_counted_as_the_catalogue_counts_them():
    boards = np.concatenate(positions_of(TIC_TAC_TOE))
    over, winner = TIC_TAC_TOE.is_over(boards), TIC_TAC_TOE.winner(boards)
    assert [int(n) for n in (over.sum(), (winner == 1).sum(), (winner == -1).sum())] == [958, 626, 316]
    assert int((over & (winner == 0)).sum()) == 16
    going = boards[~over]
    pairs = TIC_TAC_TOE.is_legal(going).sum(axis=1)
    assert [len(going), int(pairs.sum())] == [4520, 16_167]
    is_x = TIC_TAC_TOE.mover(going) == 1
    assert [int(is_x.sum()), int(pairs[is_x].sum())] == [2423, 8631]


def test_winners_agree_with_plain_looking_at_every_position():
    boards = np.concatenate(positions_of(TIC_TAC_TOE))
    assert TIC_TAC_TOE.winner(boards).tolist() == [plain_winner(tuple(map(int, board))) for board in boards]


def test_a_dropped_stone_falls_onto_the_highest_one_of_its_column():
    game = GAMES["connect_three"]
    board = game.start()
    for column in (1, 1, 2, 1, 1):
        board = game.play(board, np.array([column]))
    assert game.write(board[0]) == ".X..|.O..|.O..|.XX."
    assert game.is_legal(board)[0].tolist() == [True, False, True, True]
    assert game.winner(game.play(game.play(board, np.array([0])), np.array([3])))[0] == 1


@pytest.mark.parametrize("name", sorted(GAMES))
def test_random_games_end_with_a_row_or_a_full_board_and_never_move_a_stone(name):
    game, draw = GAMES[name], np.random.default_rng(0)
    for _ in range(30):
        board = game.start()
        while not game.is_over(board)[0]:
            mover = int(game.mover(board)[0])
            moves = np.flatnonzero(game.is_legal(board)[0])
            after = game.play(board, draw.choice(moves, 1))
            changed = np.flatnonzero(after[0] != board[0])
            assert len(changed) == 1 and board[0, changed[0]] == 0 and after[0, changed[0]] == mover
            board = after
        grid = board[0].reshape(game.rows, game.columns)
        assert int(game.winner(board)[0]) == winner_by_walking(grid, game.length)
        assert game.winner(board)[0] or board.all()


def winner_by_walking(grid: np.ndarray, length: int) -> int:
    rows, columns = grid.shape
    for row in range(rows):
        for column in range(columns):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                cells = [(row + k * down, column + k * right) for k in range(length)]
                if all(0 <= r < rows and 0 <= c < columns for r, c in cells):
                    stones = {int(grid[cell]) for cell in cells}
                    if len(stones) == 1 and stones != {0}:
                        return stones.pop()
    return 0


@pytest.mark.parametrize("name", sorted(GAMES))
def test_a_turned_game_is_the_same_game(name):
    game, draw = GAMES[name], np.random.default_rng(1)
    board = game.start()
    while not game.is_over(board)[0]:
        move = draw.choice(np.flatnonzero(game.is_legal(board)[0]), 1)
        after = game.play(board, move)
        for cells, moves in game.symmetries:
            turned = np.flatnonzero(moves == move[0])
            assert game.play(board[:, cells], turned).tolist() == after[:, cells].tolist()
            assert game.winner(after[:, cells])[0] == game.winner(after)[0]
        board = after


def test_a_square_board_has_eight_symmetries_all_different():
    assert len({tuple(cells) for cells, _ in TIC_TAC_TOE.symmetries}) == 8


def test_planes_show_the_movers_stones_first():
    planes = TIC_TAC_TOE.planes(TIC_TAC_TOE.read("X..|.O.|..X"))
    assert planes.shape == (1, 2, 3, 3)
    assert planes[0, 0].tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]  # O moves
    assert planes[0, 1].tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("tic_tac_toe", "X.", "is no board of 3 rows of 3 cells"),
        ("tic_tac_toe", "XX.|...|...", "are 2 X and 0 O"),
        ("connect_three", "X...|....|....|....", "a stone hangs in the air"),
    ],
)
def test_a_board_that_cannot_be_is_refused_with_a_sentence(name, text, said):
    with pytest.raises(ProblemError, match=said):
        GAMES[name].read(text)


def test_reading_is_the_inverse_of_writing():
    for level in positions_of(TIC_TAC_TOE)[::3]:
        for board in level[:20]:
            assert TIC_TAC_TOE.read(TIC_TAC_TOE.write(board)).tolist() == [board.tolist()]
