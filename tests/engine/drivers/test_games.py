"""Self-play between iterations: what is remembered, what comes back with a step back, and how strong it becomes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.document import Document
from engine.games import GAMES
from engine.games.search import solved
from engine.games.strength import Strength
from engine.graph import Graph
from engine.session import Session

GAME = GAMES["tic_tac_toe"]
KEPT = ("boards", "lines", "memory_board", "memory_policy", "memory_result", "filled", "written", "strength_log")


def self_play_document(seed: int = 0, units: int = 16, has_heads: bool = True, **properties) -> Document:
    properties = {"games": 8, "simulations": 8, "positions": 16, "memory": 256, "measured_every": 0, **properties}
    graph = Graph()
    graph.add("self_play", "play", **properties)
    moves = GAMES[properties.get("game", "tic_tac_toe")].moves
    graph.add("dense", "trunk", units=units, activation="relu")
    graph.add("dense", "policy", units=moves)
    graph.add("dense", "value", units=1, activation="tanh")
    graph.add("alphazero_loss", "loss")
    wires = [
        ("play.board", "trunk.x"), ("trunk.h", "policy.x"), ("trunk.h", "value.x"), ("policy.h", "loss.logits"),
        ("value.h", "loss.value"), ("play.policy", "loss.policy"), ("play.result", "loss.result"),
    ]  # fmt: skip
    if has_heads:
        wires += [("policy.h", "play.logits"), ("value.h", "play.value")]
    for source, target in wires:
        graph.connect(source, target)
    training = {"loss": "loss", "optimizer": {"type": "adam", "learning_rate": 0.01}, "seed": seed}
    return Document(graph, training=training)


def kept(session: Session) -> dict[str, np.ndarray]:
    weights = session.weights.arrays
    return {address: array for address, array in weights.items() if not address.startswith("training.loss")}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(one[name].tobytes() == other[name].tobytes() for name in one)


def remembered(session: Session) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boards as seen by whose turn it is (1 own, −1 the other's), policies, results; of all that is remembered."""
    arrays = session.weights.arrays
    count = int(arrays["play.filled"])
    planes = arrays["play.memory_board"][:count].reshape(count, 2, -1)
    return planes[:, 0] - planes[:, 1], arrays["play.memory_policy"][:count], arrays["play.memory_result"][:count, 0]


def test_what_is_remembered_are_positions_with_chances_of_legal_moves_and_a_result():
    session = Session(self_play_document(memory=2000))
    session.run(60)
    boards, policies, results = remembered(session)
    assert len(boards) > 500
    stones = boards.sum(axis=1)
    assert set(np.unique(stones)) == {-1, 0}  # whose turn it is has as many stones, or one less
    assert not GAME.winner(boards.astype(np.int8)).any()
    assert policies.sum(axis=1) == pytest.approx(np.ones(len(boards)), abs=1e-5)
    assert (policies[boards != 0] == 0).all()
    assert set(np.unique(results)) <= {-1, 0, 1} and {-1, 1} <= set(np.unique(results))


def test_a_result_is_that_of_the_player_whose_turn_it_was():
    session = Session(self_play_document(games=1, symmetries=False, memory=64, seed=3))
    session.run(1)  # plays until the first game is finished
    boards, _, results = remembered(session)
    plies = np.count_nonzero(boards, axis=1)
    assert plies.tolist() == list(range(len(boards)))
    assert results[-1] >= 0  # who makes the last move has won, or the board is full
    assert results.tolist() == [results[-1] * (-1) ** (len(boards) - 1 - ply) for ply in range(len(boards))]


def test_the_same_seed_plays_the_same_games_and_another_seed_others():
    first, second, other = (Session(self_play_document(seed=seed)) for seed in (0, 0, 1))
    for session in (first, second, other):
        session.run(30)
    assert same(kept(first), kept(second)) and not same(kept(first), kept(other))


def test_steps_play_what_full_speed_plays():
    fast, slow = Session(self_play_document(every=3)), Session(self_play_document(every=3))
    fast.run(13)
    for _ in range(13):
        slow.step("iteration")
    assert same(kept(fast), kept(slow))


def test_a_step_back_brings_back_boards_memory_and_weights():
    session = Session(self_play_document(every=2))
    session.run(20)
    before = kept(session)
    session.run(7)
    after = kept(session)
    for _ in range(7):
        session.step_back("iteration")
    assert same(kept(session), before)
    session.run(7)
    assert same(kept(session), after)


def test_going_back_into_a_begun_iteration_finds_the_games_of_its_beginning():
    session = Session(self_play_document(every=1))
    session.run(5)
    session.step()
    boards = session._machine.view(session.program.sources["play.boards"]).copy()
    session.step()
    session.step_back()
    assert session._machine.view(session.program.sources["play.boards"]).tolist() == boards.tolist()


def test_saved_weights_go_on_with_the_same_games():
    session, other = Session(self_play_document()), Session(self_play_document())
    session.run(25)
    assert other.resume(session.weights) == []
    for each in (session, other):
        each.run(15)
    assert same(kept(session), kept(other))


def test_an_edit_of_the_net_keeps_the_memory():
    session = Session(self_play_document())
    session.run(25)
    memory = kept(session)["play.memory_board"]
    session.edit(self_play_document(units=24), 1)
    assert kept(session)["play.memory_board"].tolist() == memory.tolist()
    session.run(10)
    assert session.problem is None and session.iteration == 35


def test_what_breaks_a_search_off_leaves_everything_as_it_was():
    class Stopped(Exception):
        pass

    session = Session(self_play_document(every=1))
    session.run(4)
    before = kept(session)

    def stop(done: int, of: int) -> None:
        if done == 3:
            raise Stopped

    session.playback.drivers.watch = stop
    for play in (lambda: session.run(1), session.step):
        with pytest.raises(Stopped):
            play()
        assert session.iteration == 4 and same(kept(session), before)
    session.playback.drivers.watch = None
    session.run(1)
    assert session.iteration == 5


def test_without_wires_back_all_moves_are_alike_and_random_games_judge():
    session = Session(self_play_document(has_heads=False, simulations=16))
    session.run(40)
    _, policies, _ = remembered(session)
    assert session.problem is None and len(policies) > 100


@pytest.mark.parametrize("ports", [("logits",), ("logits", "value")])
def test_what_is_wired_back_with_one_number_for_all_positions_is_no_answer(ports):
    loose = self_play_document(has_heads=False, simulations=16)
    for port in ports:
        loose.graph.add("parameter", f"loose_{port}", initial=list(range(GAME.moves)))
        loose.graph.connect(f"loose_{port}.value", f"play.{port}")
    session = Session(loose)
    session.run(40)
    _, policies, _ = remembered(session)
    assert session.problem is None and len(policies) > 100


def test_the_ring_forgets_the_oldest():
    session = Session(self_play_document(memory=50, symmetries=False))
    session.run(80)
    arrays = session.weights.arrays
    assert arrays["play.filled"] == 50 and 0 <= arrays["play.written"] < 50


@pytest.mark.parametrize("game", ["connect_three", "connect_four", "four_in_a_row"])
def test_other_games_are_learned_by_the_same_net(game):
    session = Session(self_play_document(game=game, measured_every=8, games=2))
    session.run(9)
    assert session.problem is None and np.isfinite(session.loss)
    shares = [float(session.value(f"play.{name}")) for name in ("won", "drawn", "lost")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_convolutions_see_the_board_as_two_maps():
    document = self_play_document(form="planes")
    graph = document.graph
    graph.disconnect("play.board", "trunk.x")
    graph.add("conv2d", "maps", filters=4, activation="relu")
    graph.add("reshape", "row", shape=(36,))
    for source, target in (("play.board", "maps.x"), ("maps.h", "row.x"), ("row.y", "trunk.x")):
        graph.connect(source, target)
    session = Session(document)
    session.run(6)
    assert session.problem is None and session.lowered.problems == []
    assert (session.value("play.board").shape, session.value("row").shape) == ((16, 2, 3, 3), (16, 36))


def test_trees_that_would_not_fit_into_memory_are_refused_with_a_sentence():
    problems = self_play_document(games=1024, simulations=2000).check()
    assert "more than fit into memory at once" in problems[0].fact and problems[0].node == "play"


def test_two_players_must_bring_as_many_positions():
    document = self_play_document()
    document.graph.add("value_play", "other", positions=17)
    assert [problem.kind for problem in document.check() if problem.node == "other"] == ["batch"]
    document.graph.nodes["other"].properties["positions"] = 16
    assert document.check() == []


def test_beside_data_a_batch_has_as_many_positions_as_rows():
    document = self_play_document()
    document.data = {"train": "xor"}
    document.graph.add("input", "rows")
    session = Session(document)
    session.run(3)
    assert session.value("play.board").shape == (4, 18)


def value_document(**properties) -> Document:
    graph = Graph()
    graph.add("value_play", "play", **{"games": 4, "positions": 16, "memory": 512, "measured_every": 0, **properties})
    graph.add("dense", "hidden", units=16, activation="relu")
    graph.add("dense", "value", units=1, activation="tanh")
    graph.add("mean_squared_error", "loss")
    for source, target in (
        ("play.board", "hidden.x"), ("hidden.h", "value.x"), ("value.h", "loss.prediction"), ("play.worth", "loss.target"),
        ("value.h", "play.value"),
    ):  # fmt: skip
        graph.connect(source, target)
    return Document(graph, training={"loss": "loss", "optimizer": {"type": "adam", "learning_rate": 0.01}, "seed": 0})


def left_and_worth(session: Session) -> tuple[np.ndarray, np.ndarray]:
    """Boards as seen by who has just moved there (1 own, −1 the other's), and what they were said to be worth."""
    arrays = session.weights.arrays
    count = int(arrays["play.filled"])
    planes = arrays["play.memory_board"][:count].reshape(count, 2, -1)
    return planes[:, 0] - planes[:, 1], arrays["play.memory_worth"][:count, 0]


def test_the_worth_of_a_rollout_is_the_discounted_result_for_who_moved():
    session = Session(value_document(games=1, epsilon=1.0, symmetries=False, discount=0.5))
    session.run(100)
    boards, worth = left_and_worth(session)
    first = np.flatnonzero(np.count_nonzero(boards, axis=1) == 1)
    assert len(first) > 2
    for begin, end in pairwise(first):
        length = end - begin
        result = GAME.winner(boards[end - 1 : end].astype(np.int8))[0]
        assert result in (0, 1)
        expected = [result * (-1) ** (length - 1 - ply) * 0.5 ** ((length - 1 - ply) // 2) for ply in range(length)]
        assert worth[begin:end] == pytest.approx(expected)


@pytest.mark.parametrize("target", ["search", "next"])
def test_a_finished_board_is_worth_its_result_whoever_judges_the_others(target):
    session = Session(value_document(target=target, epsilon=0.5))
    session.run(60)
    boards, worth = left_and_worth(session)
    won = GAME.winner(boards.astype(np.int8)) == 1
    assert won.sum() > 5 and (worth[won] == 1).all() and (np.abs(worth) <= 1).all()
    drawn = boards.all(axis=1) & ~won
    assert (worth[drawn] == 0).all()
    assert len(np.unique(np.round(worth[~won & ~drawn], 3))) > 5


@pytest.mark.parametrize("target", ["result", "search", "next"])
def test_what_plays_by_values_comes_back_with_a_step_back(target):
    session = Session(value_document(target=target, every=2))
    session.run(9)
    before = kept(session)
    session.run(4)
    for _ in range(4):
        session.step_back("iteration")
    assert same(kept(session), before)


def table_document(**properties) -> Document:
    graph = Graph()
    graph.add("monte_carlo_table", "table", **{"games": 16, "measured_every": 0, **properties})
    return Document(graph, training={"seed": 0})


def test_a_table_keeps_averages_of_what_its_moves_came_to():
    session = Session(table_document(start="XX.|OO.|...", opponent="itself", epsilon=1.0, games=128))
    session.run(300)
    values, tried = session.value("table.values"), session.value("table.tried")
    assert tried[2] > 2 and values[2] == 1  # this very move wins
    assert (values[tried == 0] == 0).all() and (np.abs(values) <= 1).all()
    assert tried[[0, 1, 3, 4]].sum() == 0


@pytest.mark.parametrize("opponent", ["random", "perfect", "itself"])
def test_every_game_is_counted_once_for_each_move_that_the_table_made(opponent):
    session = Session(table_document(opponent=opponent, games=20))
    session.run(10)
    # From the empty board it moves in every game, or in every second one.
    assert session.value("table.tried").sum() == 200 / (1 if opponent == "itself" else 2)
    session.run(1)
    before = session.weights.arrays["table.counts"].copy()
    session.run(3)
    for _ in range(3):
        session.step_back("iteration")
    assert session.weights.arrays["table.counts"].tolist() == before.tolist()


def test_against_perfect_play_a_table_never_wins():
    session = Session(table_document(opponent="perfect", epsilon=1.0))
    session.run(40)
    assert session.value("table.values").max() <= 0


def test_strength_is_logged_every_so_often_and_old_measurements_thin_out():
    session = Session(self_play_document(measured_every=5))
    session.run(1)
    assert session.weights.arrays["play.strength_log"][0].sum() == pytest.approx(
        1 + session.weights.arrays["play.latest_beaten"]
    )
    player = session.playback.drivers.players.of("play")
    state = player.views(session._machine)
    for number in range(1, 300):
        player.measure(state, 5 * number, Strength(1, 0, 0, number))
    count, stride = map(int, state["strength_logged"])
    log = state["strength_log"][:count]
    assert (stride, log[-1].tolist()) == (2, [5 * 298, 1, 0, 0, 298])
    assert log[:, 0].tolist() == [10 * k for k in range(count)]


def test_in_seconds_it_learns_to_win_and_seldom_loses():
    session = Session(
        self_play_document(units=64, games=24, simulations=24, positions=64, memory=4096, measured_every=300)
    )
    session.run(1)
    before = float(session.value("play.lost"))
    session.run(300)
    won, lost = (float(session.value(f"play.{name}")) for name in ("won", "lost"))
    assert before > 0.2 and lost < 0.15 and won > 0.65


def test_the_search_of_a_trained_net_plays_perfect_moves():
    session = Session(self_play_document(units=32, games=16, simulations=16, memory=4096, positions=64))
    session.run(120)
    solution = solved("tic_tac_toe")
    boards = np.concatenate(solution.levels[:8])
    boards = boards[~GAME.is_over(boards)]
    boards = boards[np.random.default_rng(0).choice(len(boards), 60, replace=False)]
    player = session.playback.drivers.players.of("play")
    trees = player.trees(session._machine, boards, 161, np.random.default_rng(0), noise=False)
    trees.run(160)
    exact, chosen = solution.move_values(boards), trees.policy(0).argmax(axis=1)
    assert (exact[np.arange(60), chosen] == np.nanmax(exact, axis=1)).mean() > 0.96
