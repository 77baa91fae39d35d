"""Exact values, by hand and by search that knows nothing of the solution."""

from __future__ import annotations

import numpy as np
import pytest

from engine.games import GAMES
from engine.games.search import AlphaBeta, Solution, is_solvable, look_ahead, minimax, solved
from engine.games.strength import greedy, strength
from engine.problems import ProblemError

GAME = GAMES["tic_tac_toe"]
NAN = np.nan


@pytest.mark.parametrize(
    ("board", "values"),
    [
        ("X..|OOX|...", [NAN, 0, 0.9, NAN, NAN, NAN, 0, 0, 0]),
        ("X.O|...|...", [NAN, -0.81, NAN, 0.81, 0, 0, 0.81, 0, 0.81]),
        ("...|...|...", [0] * 9),
        ("X..|...|...", [NAN, -0.81, -0.81, -0.81, 0, -0.81, -0.81, -0.81, -0.81]),
        ("XX.|OO.|...", [NAN, NAN, 1, NAN, NAN, 0, -1, -1, -1]),
    ],
)
def test_a_trap_is_worth_less_the_more_moves_it_takes(board, values):
    assert Solution(GAME, 0.9).move_values(GAME.read(board))[0] == pytest.approx(values, nan_ok=True)


def test_two_thirds_of_the_positions_after_one_move_each_are_won_for_x():
    solution = Solution(GAME)
    boards = solution.levels[2]
    assert (len(boards), int((solution.values(boards) == 1).sum())) == (72, 48)


def test_pruning_changes_no_value_and_looks_at_a_part_of_the_tree():
    solution, draw = Solution(GAME), np.random.default_rng(2)
    boards = np.concatenate(solution.levels[4:])
    for board in boards[draw.choice(len(boards), 40, replace=False)]:
        whole, pruned = AlphaBeta(GAME, prunes=False), AlphaBeta(GAME)
        value = solution.values(board[None])[0]
        assert whole.value(board, 9) == pruned.value(board, 9) == value
        assert pruned.positions <= whole.positions
        assert look_ahead(GAME, board[None], 9, lambda leaves: np.full(len(leaves), np.nan))[0] == value


def test_alpha_beta_looks_at_a_thirtieth_of_all_positions_of_the_tree():
    pruned = AlphaBeta(GAME)
    assert (pruned.value(GAME.start()[0], 9), pruned.positions) == (0, 18_297)  # of 549,946


def test_at_the_depth_the_evaluator_is_asked_for_whose_turn_it_is():
    asked = []

    def evaluate(boards):
        asked.append(boards)
        return np.full(len(boards), 0.25)

    assert look_ahead(GAME, GAME.start(2), 1, evaluate).tolist() == [-0.25, -0.25]
    assert look_ahead(GAME, GAME.start(1), 2, evaluate).tolist() == [0.25]
    assert [len(boards) for boards in asked] == [18, 72]


def test_connect_three_is_won_by_who_begins():
    solution = Solution(GAMES["connect_three"])
    assert (solution.positions, solution.values(solution.game.start())[0]) == (41_750, 1)


def test_a_game_that_is_too_large_is_refused_with_a_sentence(monkeypatch):
    monkeypatch.setattr("engine.games.search.minimax.MOST_POSITIONS", 5000)
    with pytest.raises(ProblemError, match="four in a row has more than 5,000 positions"):
        Solution(GAMES["four_in_a_row"])


@pytest.mark.parametrize("name", sorted(GAMES))
def test_a_game_that_is_called_solvable_is_solved(name):
    assert is_solvable(GAMES[name]) == (name in ("tic_tac_toe", "connect_three"))
    if is_solvable(GAMES[name]):
        assert solved(name).positions == solved(name, 0.5).positions


def test_to_find_out_that_a_game_is_too_large_is_done_once(monkeypatch):
    monkeypatch.setattr("engine.games.search.minimax.MOST_POSITIONS", 1000)
    minimax._solution.cache_clear()
    for _ in range(2):
        with pytest.raises(ProblemError, match="Choose a smaller game"):
            solved("connect_three")
    assert minimax._solution.cache_info().misses == 1
    minimax._solution.cache_clear()


def test_perfect_play_is_never_beaten_and_the_first_free_cell_often():
    solution = Solution(GAME)
    perfect = strength(GAME, lambda boards: greedy(GAME, np.nan_to_num(solution.move_values(boards), nan=-9), boards))
    first = strength(GAME, lambda boards: greedy(GAME, np.zeros((len(boards), 9)), boards))
    assert (perfect.lost, perfect.beaten) == (0, 0)
    assert perfect.won + perfect.drawn == pytest.approx(1)
    assert first.beaten > 50 and first.won + first.drawn + first.lost == pytest.approx(1)


def test_strength_is_what_very_many_games_against_a_random_player_come_to():
    draw, games = np.random.default_rng(3), 4000
    exact = strength(GAME, lambda boards: greedy(GAME, np.zeros((len(boards), 9)), boards))
    ends = []
    for side in (1, -1):
        boards = GAME.start(games // 2)
        for ply in range(9):
            going = np.flatnonzero(~GAME.is_over(boards))
            legal = GAME.is_legal(boards[going]).astype(float)
            scores = np.zeros_like(legal) if (ply % 2 == 0) == (side == 1) else draw.random(legal.shape)
            boards[going] = GAME.play(boards[going], greedy(GAME, scores, boards[going]))
        ends.append(GAME.winner(boards) * side)
    shares = [float(np.mean(np.concatenate(ends) == end)) for end in (1, 0, -1)]
    assert shares == pytest.approx([exact.won, exact.drawn, exact.lost], abs=0.03)
