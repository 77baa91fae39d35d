"""Monte Carlo tree search: its numbers by hand, and its moves against exact play."""

from __future__ import annotations

import numpy as np
import pytest

from engine.games import GAMES
from engine.games.search import Settings, Solution, Trees
from engine.games.search.trees import drawn_moves, rolled_out, sharpened
from tests.engine.games.numpy_trees import NumpyTrees

GAME = GAMES["tic_tac_toe"]
ROLLING = Settings(exploration=2.0, rollouts=1.0)


def even(boards):
    return np.ones((len(boards), GAME.moves)), np.zeros(len(boards))


def grown(boards, simulations, settings=ROLLING, judge=even, seed=0, room=None):
    trees = Trees(GAME, boards, room or simulations + 1, judge, settings, np.random.default_rng(seed))
    trees.run(simulations)
    return trees


def test_the_score_is_that_of_equation_11_28_and_of_alphago():
    trees = grown(GAME.start(), 0, Settings(exploration=1.0))
    trees.visits[0, 0] = [9, 91, 0, 0, 0, 0, 0, 0, 0]
    trees.total[0, 0, 0], trees.prior[0, 0, 0] = 0.5 * 9, 0.2
    roots = np.zeros(1, int), np.zeros(1, int)
    assert trees.scores(*roots)[0, 0] == pytest.approx(0.7)
    trees.settings = Settings(exploration=0.0)
    assert trees.scores(*roots)[0, 0] == pytest.approx(0.52)


@pytest.mark.parametrize(
    ("temperature", "chances"),
    [(1, [0.8, 0.15, 0.05]), (0.5, [0.9624, 0.0338, 0.0038]), (2, [0.5942, 0.2573, 0.1485]), (0, [1, 0, 0])],
)
def test_temperature_bends_visits_into_chances(temperature, chances):
    assert sharpened(np.array([[80.0, 15, 5]]), temperature)[0] == pytest.approx(chances, abs=5e-5)


def test_a_few_simulations_by_hand():
    # Two free cells: O wins at once on 8, and on 7 lets the board become full.
    board = GAME.read("OXX|XOO|X..")
    chances = np.zeros((1, 9))
    chances[0, [7, 8]] = 0.75, 0.25

    def judge(boards):
        return np.repeat(chances, len(boards), axis=0), np.full(len(boards), 0.4)

    trees = grown(board, 1, Settings(exploration=1.0), judge, room=4)
    # ΣN is 0, so the likeliest goes first: 7. X would move, and 0.4 for X is −0.4 for O.
    assert trees.visits[0, 0, [7, 8]].tolist() == [1, 0]
    assert trees.total[0, 0, 7] == pytest.approx(-0.4)
    # u(7) = −0.4 + 0.75 · 1/2 = −0.025, u(8) = 0 + 0.25 · 1/1: the winning move is next, and worth 1.
    trees.simulate()
    assert trees.visits[0, 0, [7, 8]].tolist() == [1, 1]
    assert trees.total[0, 0, 8] == 1
    trees.run(8)
    assert trees.visits[0, 0, [7, 8]].tolist() == [1, 9]
    assert trees.total[0, 0, 8] == 9
    assert trees.policy()[0, [7, 8]] == pytest.approx([0.1, 0.9])
    assert trees.values[0] == pytest.approx((9 - 0.4) / 10)


def test_every_edge_was_visited_as_often_as_what_lies_below_it_and_once_more():
    trees = grown(GAME.start(2), 120)
    for game in range(2):
        assert trees.visits[game, 0].sum() == 120
        for place in range(trees.count[game]):
            for move in range(9):
                child = trees.child[game, place, move]
                if child >= 0 and np.isnan(trees.worth[game, child]):
                    assert trees.visits[game, place, move] == trees.visits[game, child].sum() + 1
        assert np.abs(trees.total[game]).sum() <= trees.visits[game].sum()


def test_a_tree_without_noise_finds_a_best_move():
    solution = Solution(GAME)
    boards = np.concatenate(solution.levels[3:8])
    boards = boards[~GAME.is_over(boards)]
    boards = boards[np.random.default_rng(0).choice(len(boards), 150, replace=False)]
    exact = solution.move_values(boards)
    moves = grown(boards, 400).policy(0).argmax(axis=1)
    found = exact[np.arange(len(boards)), moves] == np.nanmax(exact, axis=1)
    assert found.mean() > 0.98


def test_from_the_empty_board_the_centre_is_looked_at_most():
    visits = grown(GAME.start(), 1000).visits[0, 0]
    assert visits.argmax() == 4 and visits[4] > 500


def test_more_simulations_lose_less_against_perfect_play():
    solution, losses = Solution(GAME), []
    for simulations in (5, 200):
        boards = GAME.start(40)
        while (going := np.flatnonzero(~GAME.is_over(boards))).size:
            if GAME.mover(boards[going])[0] == 1:
                moves = grown(boards[going], simulations).policy(0).argmax(axis=1)
            else:
                values = solution.move_values(boards[going])
                best = values == np.nanmax(values, axis=1, keepdims=True)
                moves = drawn_moves(best, np.random.default_rng(len(going)))
            boards[going] = GAME.play(boards[going], moves)
        losses.append(int((GAME.winner(boards) == -1).sum()))
    assert losses[0] > 10 and losses[1] == 0


def test_the_same_seed_grows_the_same_trees_and_noise_goes_to_legal_moves_alone():
    settings, board = Settings(1.5, 0.5, 0.25, 1.0), GAME.read("X..|.O.|...")
    first, second, other = (grown(board, 60, settings, seed=seed) for seed in (1, 1, 2))
    assert first.visits.tobytes() == second.visits.tobytes() and first.visits.tobytes() != other.visits.tobytes()
    assert first.prior[0, 0].sum() == pytest.approx(1) and first.prior[0, 0, [0, 4]].tolist() == [0, 0]


def test_games_side_by_side_are_the_games_alone():
    boards = np.concatenate([GAME.read("X..|.O.|..."), GAME.start(), GAME.read("XO.|...|...")])
    settings = Settings(exploration=1.5)
    together = grown(boards, 80, settings)
    for game in range(3):
        alone = grown(boards[game : game + 1], 80, settings)
        assert alone.visits[0].tolist() == together.visits[game].tolist()


def some_boards(game, draw):
    """Positions of games played at random to various lengths, some to their end."""
    boards = game.start(12)
    for ply in range(game.plies):
        going = np.flatnonzero(~game.is_over(boards) & (draw.random(12) < 0.8))
        if len(going) and ply < 8:
            moves = drawn_moves(game.is_legal(boards[going]), draw)
            boards[going] = game.play(boards[going], moves)
    return boards


@pytest.mark.parametrize("settings", [Settings(3.0, 0.0, 0.25), Settings(0.0, 1.0), Settings(1.5, 0.5)], ids=str)
@pytest.mark.parametrize("game", GAMES.values(), ids=lambda game: game.name)
def test_kernels_grow_the_trees_that_numpy_grows_bit_for_bit(game, settings):
    draw = np.random.default_rng(len(game.name))
    boards, weights, values = (
        some_boards(game, draw),
        draw.normal(size=(game.cells, game.moves)),
        draw.normal(size=game.cells),
    )

    def judge(boards):
        return np.exp(boards @ weights), np.tanh(boards @ values)

    one, other = (
        kind(game, boards, 41, judge, settings, np.random.default_rng(1)) for kind in (Trees, NumpyTrees)
    )  # fmt: skip
    for trees in (one, other):
        trees.run(40)
    assert {name: part.tobytes() for name, part in one.parts.items()} == {
        name: part.tobytes() for name, part in other.parts.items()
    }
    assert one.count.max() > 20


def test_a_tree_without_room_says_so():
    with pytest.raises(IndexError, match="no room"):
        grown(np.concatenate([GAME.read("XO.|...|..."), GAME.read("OXX|XOO|X..")]), 40, room=30)


def test_a_finished_game_grows_no_tree():
    trees = grown(np.concatenate([GAME.read("XXX|OO.|..."), GAME.start()]), 10)
    assert trees.visits[0].sum() == 0 and trees.policy()[0].tolist() == [0] * 9
    assert trees.visits[1, 0].sum() == 10


def test_random_games_end_as_often_won_as_a_random_first_player_wins():
    ends = rolled_out(GAME, GAME.start(20_000), np.random.default_rng(0))
    # 0.585 won, 0.288 lost, 0.127 drawn by two who move at random.
    assert [float((ends == end).mean()) for end in (1, -1, 0)] == pytest.approx([0.585, 0.288, 0.127], abs=0.012)


def test_moves_are_drawn_in_proportion_and_never_where_the_chance_is_0():
    chances = np.repeat([[0.0, 1.0, 0.0, 3.0]], 20_000, axis=0)
    moves = drawn_moves(chances, np.random.default_rng(0))
    assert set(moves.tolist()) == {1, 3} and (moves == 3).mean() == pytest.approx(0.75, abs=0.01)
