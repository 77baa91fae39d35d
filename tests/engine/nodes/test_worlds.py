"""Worlds against simulations written out in NumPy, driven by the same actions; games that go on, end and start anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.problems import ProblemError
from engine.session import Session

CLIFF = "............/............/............/SCCCCCCCCCCG"
MAZE = "S.#T/..C./#..G"
MOVES = {"up, right, down, left": [(-1, 0), (0, 1), (1, 0), (0, -1)], "left, right": [(0, -1), (0, 1)]}


def wandering(type: str, actions: int, games: int, seed: int = 0, **properties: Any) -> Session:
    """Games in which every action is as likely as any other."""
    graph = Graph()
    world = graph.add(type, "world", games=games, **properties)
    moved = graph.add("take_action", "moved")
    logits = graph.add("constant", value=[[0.0] * actions] * games)
    chosen = graph.add("categorical_sample", "chosen")
    score = graph.add("score", "score", window=10**6)
    graph.connect(world["state"], moved["world"])
    graph.connect(logits, chosen)
    graph.connect(chosen["index"], moved["action"])
    graph.connect(moved["onward"], world["next"])
    graph.connect(moved["reward"], score["reward"])
    graph.connect(moved["done"], score["done"])
    document = Document(graph, precision="float64", training={"seed": seed})
    assert document.check() == []
    return Session(document)


def seen(session: Session, moves: int) -> list[tuple[np.ndarray, ...]]:
    """State, action, next state, reward, done and where the games go on, move by move."""
    names = ("world.state", "chosen.index", "moved.next_state", "moved.reward", "moved.done", "moved.onward")
    found = []
    for _ in range(moves):
        session.step("iteration")
        found.append(tuple(np.asarray(session.value(name)) for name in names))
    return found


def walk(rows: list[str], place: int, move: tuple[int, int]) -> tuple[int, float, bool]:
    """One move in a maze, written out: cell, reward, whether the game is over."""
    columns = len(rows[0])
    row, column = place // columns + move[0], place % columns + move[1]
    if not (0 <= row < len(rows) and 0 <= column < columns) or rows[row][column] == "#":
        return place, -1.0, False
    letter = rows[row][column]
    if letter == "C":
        start = next(k for k, cell in enumerate("".join(rows)) if cell == "S")
        return start, -100.0, False
    return row * columns + column, {"G": 7.0, "T": -3.0}.get(letter, -1.0), letter in "GT"


@pytest.mark.parametrize(("layout", "moves"), [(CLIFF, "up, right, down, left"), (MAZE, "up, right, down, left"),
                                               ("T..S..G", "left, right")])  # fmt: skip
def test_a_mouse_walks_through_a_maze_as_a_simulation_does(layout, moves):
    rows = layout.split("/")
    session = wandering(
        "grid_world", len(MOVES[moves]), 6, layout=layout, moves=moves, goal_reward=7.0, trap_reward=-3.0
    )
    start, before = "".join(rows).index("S"), None
    for state, action, following, reward, done, onward in seen(session, 120):
        assert before is None or np.array_equal(state, before)
        for game in range(6):
            place, paid, over = walk(rows, int(state[game].argmax()), MOVES[moves][int(action[game])])
            assert (state[game].sum(), following[game].sum()) == (1, 1)
            assert (following[game].argmax(), reward[game], done[game]) == (place, paid, over)
            assert onward[game].argmax() == (start if over else place)
        before = onward


def test_a_slippery_floor_turns_a_move_aside_as_often_as_it_says():
    rows = [".....", ".....", "..S..", ".....", "....."]
    session = wandering("grid_world", 4, 64, layout="/".join(rows), slip=0.3, break_off=0.5)
    turns = np.zeros(4)
    for state, action, following, *_ in seen(session, 80):
        for game in range(64):
            place = int(state[game].argmax())
            if place != 12:
                continue
            step = int(following[game].argmax()) - place
            went = {-5: 0, 1: 1, 5: 2, -1: 3}[step]
            turns[(went - int(action[game])) % 4] += 1
    np.testing.assert_allclose(turns / turns.sum(), [0.7, 0.15, 0.0, 0.15], atol=0.03)


def test_games_may_start_at_any_free_cell_and_are_broken_off_as_often_as_they_are_told():
    session = wandering("grid_world", 4, 50, layout="..#/...", break_off=0.25)
    broken = [np.any(following != onward, axis=1) for _, _, following, _, _, onward in seen(session, 60)]
    # A game that starts anew where it stood is not seen to be broken off: one of five.
    assert np.mean(broken) == pytest.approx(0.25 * 0.8, abs=0.03)
    states = np.concatenate([state for state, *_ in seen(session, 20)])
    assert set(states.argmax(axis=1)) == {0, 1, 3, 4, 5}


FOLLOWS = [[[1, 2], [0, 0]], [[-1, 2], [1, 1]], [[0, 1], [2, -1]]]
PAYS = [[1.0, 0.0], [2.0, -1.0], [0.5, 3.0]]


def test_a_decision_process_follows_its_tables_and_each_outcome_is_equally_likely():
    session = wandering("decision_process", 2, 40, follows=FOLLOWS, pays=PAYS, begins=-1)
    counts: dict[tuple[int, int], list[int]] = {}
    for state, action, following, reward, done, _ in seen(session, 100):
        for game in range(40):
            key = (int(state[game].argmax()), int(action[game]))
            there = -1 if done[game] else int(following[game].argmax())
            assert there in FOLLOWS[key[0]][key[1]] and reward[game] == PAYS[key[0]][key[1]]
            counts.setdefault(key, []).append(FOLLOWS[key[0]][key[1]].index(there))
    assert len(counts) == 6
    for (state, action), which in counts.items():
        if FOLLOWS[state][action][0] != FOLLOWS[state][action][1]:
            assert np.mean(which) == pytest.approx(0.5, abs=0.1)


def test_pay_spreads_where_it_is_told_to():
    session = wandering(
        "decision_process", 2, 500, follows=[[0, 0]], pays=[[1.0, -2.0]], deviation=[[0.0, 0.5]], begins=0
    )
    paid: list[list[float]] = [[], []]
    for _, action, _, reward, done, _ in seen(session, 8):
        assert not done.any()
        for which in (0, 1):
            paid[which] += list(reward[action == which])
    assert set(paid[0]) == {1.0}
    assert np.mean(paid[1]) == pytest.approx(-2, abs=0.05) and np.std(paid[1]) == pytest.approx(0.5, abs=0.05)


def test_arms_pay_what_they_promise_on_average():
    session = wandering("bandit", 3, 400, means=[1.0, -1.0, 0.3], deviation=0.2)
    paid: list[list[float]] = [[], [], []]
    for state, action, following, reward, *_ in seen(session, 10):
        assert (state == 1).all() and (following == 1).all()
        for arm in range(3):
            paid[arm] += list(reward[action == arm])
    np.testing.assert_allclose([np.mean(each) for each in paid], [1.0, -1.0, 0.3], atol=0.03)
    np.testing.assert_allclose([np.std(each) for each in paid], 0.2, atol=0.02)
    coins = wandering("bandit", 2, 1000, means=[0.2, 0.9], pays="0 or 1")
    tossed = seen(coins, 4)
    assert {float(r) for _, _, _, reward, *_ in tossed for r in reward} == {0.0, 1.0}
    for arm, mean in ((0, 0.2), (1, 0.9)):
        pay = np.concatenate([reward[action == arm] for _, action, _, reward, *_ in tossed])
        assert pay.mean() == pytest.approx(mean, abs=0.04)


def test_means_that_are_drawn_are_those_of_the_seed_and_stay():
    first, again, other = (wandering("bandit", 4, 3, seed, arms=4) for seed in (1, 1, 2))
    for session in (first, again, other):
        session.step("iteration")
    means = first.value("world.means")
    np.testing.assert_array_equal(means, again.value("world.means"))
    assert means.shape == (3, 4) and not np.array_equal(means, other.value("world.means"))
    first.run(5)
    np.testing.assert_array_equal(means, first.value("world.means"))


def swung(state: np.ndarray, action: int) -> np.ndarray:
    """Cart and pole a fiftieth of a second later, as Barto, Sutton & Anderson 1983 have them."""
    x, v, angle, turn = state
    force, whole = 10.0 if action else -10.0, 1.1
    pull = (force + 0.05 * turn**2 * np.sin(angle)) / whole
    falling = (9.8 * np.sin(angle) - np.cos(angle) * pull) / (0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / whole))
    rolling = pull - 0.05 * falling * np.cos(angle) / whole
    return np.array([x + 0.02 * v, v + 0.02 * rolling, angle + 0.02 * turn, turn + 0.02 * falling])


def test_a_pole_falls_as_the_equations_of_motion_say():
    session = wandering("cart_pole", 2, 5, break_off=0.0)
    ended = 0
    for state, action, following, reward, done, onward in seen(session, 120):
        for game in range(5):
            wanted = swung(state[game], int(action[game]))
            np.testing.assert_allclose(following[game], wanted, rtol=1e-12, atol=1e-14)
            over = abs(wanted[0]) > 2.4 or abs(wanted[2]) > np.radians(12)
            assert (reward[game], done[game]) == (1.0, over)
            if over:
                assert (np.abs(onward[game]) <= 0.05).all()
                ended += 1
            else:
                np.testing.assert_array_equal(onward[game], following[game])
    assert ended > 10


def test_a_pole_in_shares_of_what_is_usual_falls_the_same_way():
    plain = wandering("cart_pole", 2, 5, break_off=0.0)
    shares = wandering("cart_pole", 2, 5, break_off=0.0, units="shares", pays="-1 a fall")
    unit = np.array([2.4, 3.0, np.radians(12), 3.0])
    for one, other in zip(seen(plain, 60), seen(shares, 60), strict=True):
        for mine, its in ((one[0], other[0]), (one[2], other[2]), (one[5], other[5])):
            np.testing.assert_allclose(mine, its * unit, rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(other[3], -one[4])


def test_a_step_back_finds_the_games_where_they_stood():
    session = wandering("grid_world", 4, 3, layout=MAZE)
    before = [state for state, *_ in seen(session, 20)]
    for state in reversed(before):
        session.step_back("iteration")
        session.step()
        np.testing.assert_array_equal(session.value("world.state"), state)
        session.step_back()


def test_games_of_other_precision_walk_the_same_way():
    whole = wandering("grid_world", 4, 8, layout=CLIFF)
    document = whole.document.copy()
    document.precision = "float32"
    single = Session(document)
    for one, other in zip(seen(whole, 50), seen(single, 50), strict=True):
        for mine, its in zip(one, other, strict=True):
            np.testing.assert_array_equal(mine, its)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("", "the maze has no cell"),
        ("S../.G", "row 2 of the maze has 2 cells, another one 3"),
        ("S?G", "“?” is no cell of a maze"),
        ("##/#G", "there is no free cell to start from"),
        ("/".join(["." * 40] * 40), "1600 cells are more than 1024"),
    ],
)
def test_a_maze_that_cannot_be_walked_is_refused_with_its_reason(layout, said):
    with pytest.raises(ProblemError) as refused:
        Graph().add("grid_world", layout=layout)
    (problem,) = refused.value.problems
    assert problem.fact == said and problem.mend and problem.path.endswith("properties.layout")


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"follows": [[0, 2]], "pays": [[0, 0]]}, "next states are whole numbers from −1 to 0"),
        ({"follows": [[0, 0]], "pays": [[0]]}, "rewards of the shape (1, 1) belong to next states of (1, 2)"),
        ({"follows": [[0, 0]], "pays": [[0, 0]], "begins": 3}, "there is no state 3 to start from"),
        ({"follows": [0, 0]}, "the table of next states needs a row for each state and a column for each action"),
    ],
)
def test_tables_that_do_not_fit_are_refused_with_their_reason(properties, said):
    graph = Graph()
    graph.add("decision_process", **properties)
    (problem,) = Document(graph).check()
    assert problem.fact == said


def test_what_is_no_world_and_what_is_no_action_is_told():
    graph = Graph()
    world, moved = graph.add("grid_world", games=2), graph.add("take_action")
    graph.connect(world["state"], moved["world"])
    wrong = graph.add("constant", value=[0.0, 0.0, 0.0])
    graph.connect(wrong, moved["action"])
    (problem,) = Document(graph).check()
    assert problem.fact == "actions of shape (3) meet 2 games of one of 4 actions each" and problem.port == "action"
    graph = Graph()
    moved = graph.add("take_action")
    for port in ("world", "action"):
        graph.connect(graph.add("constant", value=[[0.0, 0.0]]), moved[port])
    (problem,) = Document(graph).check()
    assert problem.fact == "this is no world"


def test_what_comes_back_to_a_world_in_another_shape_is_told_and_the_rest_is_played():
    session = wandering("grid_world", 4, 2, layout=MAZE)
    document = session.document.copy()
    document.graph.disconnect("moved.onward", "world.next")
    document.graph.connect("moved.reward", "world.next")
    (problem,) = document.check()
    assert problem.fact == "states of shape (2) come back to games of (2, 12)"
    assert (problem.node, problem.port) == ("world", "next")
    still = Session(document)
    states = [state for state, *_ in seen(still, 5)]
    assert all(np.array_equal(state, states[0]) for state in states)
