"""What agents keep from move to move, against NumPy; what they learn, against values found by other ways."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.grouping import grouped, replaced
from engine.session import Session
from tests.engine.nodes.slopes import Alone

WALK = {"layout": "T..S..G", "moves": "left, right", "step_reward": 0.0, "goal_reward": 1.0, "trap_reward": 0.0}


def opened(graph: Graph, **training) -> Session:
    document = Document(graph, precision="float64", training=training)
    assert document.check() == []
    return Session(document)


def playing(type: str, actions: int, games: int, **properties) -> Graph:
    """Games that are played at random."""
    graph = Graph()
    world, moved = graph.add(type, "world", games=games, **properties), graph.add("take_action", "moved")
    logits = graph.add("constant", "even", value=[[0.0] * actions] * games)
    chosen = graph.add("categorical_sample", "chosen")
    graph.connect(world["state"], moved["world"])
    graph.connect(logits, chosen)
    graph.connect(chosen["index"], moved["action"])
    graph.connect(moved["onward"], world["next"])
    return graph


def values_of(session: Session, names: tuple[str, ...], moves: int) -> list[list[np.ndarray]]:
    """Values of each iteration."""
    found = []
    for _ in range(moves):
        session.step("iteration")
        found.append([np.asarray(session.value(name)) for name in names])
    return found


def test_what_arms_paid_is_their_mean_their_deviation_and_their_count():
    graph = playing("bandit", 3, 4, means=[1.0, 2.0, -1.0])
    known = graph.add("arm_statistics", "known", stop_after=25)
    graph.connect("world.state", known["world"])
    graph.connect("chosen.index", known["action"])
    graph.connect("moved.reward", known["reward"])
    names = ("chosen.index", "moved.reward", "known.mean", "known.deviation", "known.count")
    told: list[list[list[float]]] = [[[] for _ in range(3)] for _ in range(4)]
    for move, (action, reward, mean, deviation, count) in enumerate(values_of(opened(graph), names, 40)):
        for game, arm in product(range(4), range(3)):
            pays = told[game][arm]
            assert count[game, arm] == len(pays)
            assert mean[game, arm] == pytest.approx(np.mean(pays) if pays else 0.0, rel=1e-12)
            assert deviation[game, arm] == pytest.approx(np.std(pays, ddof=1) if len(pays) > 1 else 0.0, rel=1e-9)
        if move < 25:
            for game in range(4):
                told[game][action[game]].append(float(reward[game]))


def test_an_upper_bound_adds_to_the_mean_what_few_pulls_leave_open():
    mean, deviation, count = np.array([[1.0, 2.0, 3.0]]), np.array([[0.5, 0.0, 0.2]]), np.array([[4.0, 9.0, 1.0]])
    node = Alone("upper_bound", {"mean": mean, "deviation": deviation, "count": count}, width=3.0, least_deviation=0.1)
    np.testing.assert_allclose(node.value(), [[1 + 3 * 0.5 / 2, 2 + 3 * 0.1 / 3, 1e6 - 1]])


@pytest.mark.parametrize("width", [1.0, 3.0])
@pytest.mark.text("07:bandit-upper-bound")
def test_numbers_07_bandit_upper_bound(width):
    graph = Graph()
    world, known, bound = (
        graph.add("bandit", "world", games=100), graph.add("arm_statistics", "known"), graph.add("upper_bound", width=width)
    )  # fmt: skip
    best, moved = graph.add("argmax", "best"), graph.add("take_action", "moved")
    score = graph.add("score", "score", window=1000)
    graph.connect(world["state"], known["world"])
    for port in ("mean", "deviation", "count"):
        graph.connect(known[port], bound[port])
    graph.connect(bound, best)
    graph.connect(world["state"], moved["world"])
    graph.connect(best, moved["action"])
    graph.connect(best, known["action"])
    graph.connect(moved["reward"], known["reward"])
    graph.connect(moved["reward"], score["reward"])
    session = opened(graph, seed=3)
    session.run(1000)
    means = session.value("world.means")
    chosen, oracle = session.value("best.index"), means.max(axis=1).mean()
    # The catalogue's figures are of 200 other seeds: 0.05 to 0.1 below the oracle, the best arm in four of five runs.
    assert 0.03 < oracle - float(session.value("score.average")) < 0.16
    assert np.mean(chosen == means.argmax(axis=1)) > 0.65


def test_a_trace_fades_from_move_to_move_and_ends_with_its_game():
    graph = playing("grid_world", 2, 3, **WALK)
    trace = graph.add("eligibility_trace", "trace", discount=0.9, decay=0.5)
    graph.connect("world.state", trace["x"])
    graph.connect("moved.done", trace["done"])
    wanted = np.zeros((3, 7))
    for state, done, found in values_of(opened(graph), ("world.state", "moved.done", "trace.trace"), 80):
        wanted = 0.45 * wanted + state
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
        wanted[done > 0] = 0


@pytest.mark.parametrize("moves", [1, 2, 4])
def test_a_window_tells_what_the_next_moves_of_a_game_brought_and_no_other_games(moves):
    graph = playing("grid_world", 2, 3, **{**WALK, "step_reward": -0.5})
    window = graph.add("n_step_window", "window", moves=moves, discount=0.9)
    graph.connect("world.state", window["x"])
    graph.connect("moved.reward", window["reward"])
    graph.connect("moved.done", window["done"])
    names = (
        "world.state",
        "moved.reward",
        "moved.done",
        "window.before",
        "window.gain",
        "window.ended",
        "window.weight",
    )
    rows = values_of(opened(graph), names, 60)
    for now in range(moves - 1, 60):
        first = now - moves + 1
        np.testing.assert_array_equal(rows[now][3], rows[first][0])
        for game in range(3):
            gain, weight = 0.0, 1.0
            for move in range(first, now + 1):
                gain += weight * rows[move][1][game]
                weight *= 0.9 * (1 - rows[move][2][game])
            assert rows[now][4][game] == pytest.approx(gain, rel=1e-12)
            assert (rows[now][5][game], rows[now][6][game]) == (weight == 0, pytest.approx(weight))


@pytest.mark.text("07:td-n-step")
def test_numbers_07_td_n_step():
    delta = 1 + 0.9 * 0 + 0.9**2 * 0.5 - 0.3
    assert delta == pytest.approx(1.105)
    graph = Graph()
    world, window = graph.add("decision_process", "world", follows=[[1], [2], [2]], pays=[[1], [0], [0]]), None
    moved, none = graph.add("take_action", "moved"), graph.add("constant", value=[0.0])
    window = graph.add("n_step_window", "window", moves=2, discount=0.9)
    now, later = (graph.add("dense", name, units=1, use_bias=False) for name in ("now", "later"))
    shared = graph.add("parameter", "v", shape=(3, 1), initial=[[0.3], [0.7], [0.5]])
    graph.connect(world, moved["world"])
    graph.connect(none, moved["action"])
    graph.connect(moved["onward"], world["next"])
    graph.connect(world, window["x"])
    graph.connect(moved["reward"], window["reward"])
    graph.connect(window["before"], now)
    graph.connect(moved["next_state"], later["x"])
    for layer in (now, later):
        graph.connect(shared, layer["weight"])
    session = opened(graph)
    session.run(1)
    while session.next_step.part == "forward":
        session.step()
    value, after = session.value("now").item(), session.value("later").item()
    gain, weight = session.value("window.gain").item(), session.value("window.weight").item()
    assert (value, after) == (0.3, 0.5) and gain + weight * after - value == pytest.approx(1.105)


def test_a_replay_memory_tells_moves_again_that_were_made_and_forgets_the_oldest():
    graph = playing("grid_world", 4, 2, layout="....../......")
    memory = graph.add("replay", "memory", capacity=20, rows=64)
    for source, port in (("world.state", "state"), ("chosen.index", "action"), ("moved.reward", "reward"),
                         ("moved.next_state", "next_state"), ("moved.done", "done")):  # fmt: skip
        graph.connect(source, memory[port])
    came = ("world.state", "chosen.index", "moved.reward", "moved.next_state", "moved.done")
    told = ("memory.before", "memory.acted", "memory.paid", "memory.after", "memory.ended")
    known: list[tuple] = []
    session = opened(graph)
    for iteration in range(30):
        session.step("iteration")
        made = [session.value(name) for name in came]
        known += [tuple(np.ravel(part[game]).tolist() for part in made) for game in range(2)]
        known = known[-20:]
        again = [session.value(name) for name in told]
        rows = [tuple(np.ravel(part[row]).tolist() for part in again) for row in range(64)]
        assert set(map(str, rows)) <= set(map(str, known))
        assert session.value("memory.filled") == min(2 * iteration + 2, 20)
    assert len(set(map(str, rows))) > 10


def test_returns_add_up_what_follows_in_the_same_game():
    draw = np.random.default_rng(3)
    reward, done, after = draw.normal(size=(5, 6)), (draw.random((5, 6)) < 0.3) * 1.0, draw.normal(size=(5, 1))
    wanted, later = np.zeros((5, 6)), after[:, 0]
    for move in reversed(range(6)):
        later = wanted[:, move] = reward[:, move] + 0.8 * (1 - done[:, move]) * later
    node = Alone("returns", {"reward": reward, "done": done, "after": after}, discount=0.8)
    np.testing.assert_allclose(node.value(), wanted, rtol=1e-12)


@pytest.mark.text("07:rl-agent-environment-loop")
def test_numbers_07_rl_agent_environment_loop():
    node = Alone("returns", {"reward": np.array([[1.0, 2.0, 3.0]])}, discount=0.9)
    assert node.value()[0, 0] == pytest.approx(5.23)


def test_a_score_tells_what_moves_and_games_brought():
    graph = playing("grid_world", 2, 3, **{**WALK, "step_reward": -0.5})
    score = graph.add("score", "score", window=4, curve="gain")
    graph.connect("moved.reward", score["reward"])
    graph.connect("moved.done", score["done"])
    names = ("moved.reward", "moved.done", "score.average", "score.gain", "score.length", "score.ended")
    total, steps, ended, gain, length, average = np.zeros(3), np.zeros(3), 0.0, 0.0, 0.0, 0.0
    session = opened(graph)
    for move, (reward, done, *told) in enumerate(values_of(session, names, 60)):
        average += (reward.mean() - average) / min(move + 1, 4)
        total, steps, over = total + reward, steps + 1, done > 0
        if over.any():
            ended += over.sum()
            share = min(over.sum() / min(ended, 4), 1)
            gain += share * (total[over].mean() - gain)
            length += share * (steps[over].mean() - length)
        total[over], steps[over] = 0, 0
        np.testing.assert_allclose(np.array(told), [average, gain, length, ended], rtol=1e-12)
    curve = session.snapshot().history["score.curve"]
    assert curve[-1].tolist() == [59.0, pytest.approx(gain)] and len(curve) == 60


def test_what_is_kept_until_next_time_is_what_came_in_last_time():
    graph = playing("grid_world", 4, 2, layout="S../..G")
    kept = graph.add("until_next_time", "kept", shape=(2, 6), initial=0.5)
    graph.connect("moved.next_state", kept["x"])
    before = np.full((2, 6), 0.5)
    for state, found in values_of(opened(graph), ("moved.next_state", "kept.y"), 10):
        np.testing.assert_array_equal(found, before)
        before = state


def test_what_changes_with_the_batch_cannot_be_remembered_and_is_told():
    graph = Graph()
    x, trace = graph.add("input", shape=(2,)), graph.add("eligibility_trace")
    graph.connect(x, trace["x"])
    (problem,) = Document(graph, {"inputs": [[0.0, 1.0]], "targets": [[0.0]]}).check()
    assert "holds no games that could be remembered" in problem.fact


# what is learned -----------------------------------------------------------------------------------------------------

ROOM = "S...T/.##.C/....G"
TABLE = {"layout": ROOM, "goal_reward": 10.0, "trap_reward": -10.0, "cliff_reward": -20.0, "starts_at": "anywhere"}


def best_values(rows: list[str], discount: float) -> np.ndarray:
    """Q of every cell and action by value iteration, written out."""
    letters, columns = "".join(rows), len(rows[0])
    q = np.zeros((len(letters), 4))
    free = [place for place, letter in enumerate(letters) if letter in ".SC"]
    for _ in range(200):
        before = q.copy()
        for place in free:
            for action, (down, right) in enumerate([(-1, 0), (0, 1), (1, 0), (0, -1)]):
                row, column = place // columns + down, place % columns + right
                there = row * columns + column
                if not (0 <= row < len(rows) and 0 <= column < columns) or letters[there] == "#":
                    q[place, action] = -1 + discount * before[place].max()
                elif letters[there] in "GT":
                    q[place, action] = 10.0 if letters[there] == "G" else -10.0
                elif letters[there] == "C":
                    q[place, action] = np.nan  # leads to a start, which is any cell
                else:
                    q[place, action] = -1 + discount * before[there].max()
        starts = [place for place in free if letters[place] != "C"]
        q[np.isnan(q)] = -20 + discount * np.mean([q[place][~np.isnan(q[place])].max() for place in starts])
    return q


def q_learner(games: int, **properties) -> Graph:
    graph = Graph()
    world, moved = graph.add("grid_world", "world", games=games, **properties), graph.add("take_action", "moved")
    cells = len(str(properties["layout"]).replace("/", ""))
    table = graph.add("parameter", "table", shape=(cells, 4), initialiser="zeros")
    now, later = (graph.add("dense", name, units=4, use_bias=False) for name in ("now", "later"))
    greedy, error = graph.add("epsilon_greedy", "greedy", epsilon=0.3), graph.add("td_error", "error", half=True)
    for source, target in (
        (world, now["x"]), (world, moved["world"]), (table, now["weight"]), (table, later["weight"]),
        (now, greedy["values"]), (greedy["index"], moved["action"]), (moved["next_state"], later["x"]),
        (moved["onward"], world["next"]), (now, error["value"]), (later, error["next_value"]),
        (greedy["index"], error["action"]), (moved["reward"], error["reward"]), (moved["done"], error["done"]),
    ):  # fmt: skip
        graph.connect(source, target)
    graph.nodes["error"].properties |= {"discount": 0.9, "reduction": "sum"}
    return graph


def test_q_learning_finds_the_values_that_value_iteration_finds():
    layout = ROOM.replace("C", ".")  # nothing is left to chance: any rate leads to the exact values
    session = opened(
        q_learner(1, **{**TABLE, "layout": layout}), loss="error", optimizer={"type": "sgd", "learning_rate": 0.5}
    )
    session.run(12_000)
    wanted = best_values(layout.split("/"), 0.9)
    visited = [place for place, letter in enumerate(layout.replace("/", "")) if letter in ".S"]
    np.testing.assert_allclose(session.parameters["table.value"][visited], wanted[visited], atol=1e-3)


@pytest.mark.text("07:q-learning-tabular")
def test_numbers_07_q_learning_tabular():
    graph = Graph()
    world = graph.add("decision_process", "world", follows=[[1, 1], [-1, -1]], pays=[[1.0, 1.0], [0.0, 0.0]])
    moved, table = graph.add("take_action"), graph.add("parameter", "table", initial=[[0.5, 0.0], [2.0, -1.0]])
    now, later = (graph.add("dense", name, units=2, use_bias=False) for name in ("now", "later"))
    best, error = graph.add("argmax"), graph.add("td_error", "error", half=True, discount=0.9)
    for source, target in (
        (world, now["x"]), (world, moved["world"]), (table, now["weight"]), (table, later["weight"]), (now, best),
        (best, moved["action"]), (moved["next_state"], later["x"]), (now, error["value"]), (later, error["next_value"]),
        (best, error["action"]), (moved["reward"], error["reward"]), (moved["done"], error["done"]),
    ):  # fmt: skip
        graph.connect(source, target)
    session = opened(graph, loss="error", optimizer={"type": "sgd", "learning_rate": 0.1})
    session.step("iteration")
    assert session.parameters["table.value"][0, 0] == pytest.approx(0.73)


CORRIDOR: dict[str, Any] = {"follows": [[0, 1], [0, 2], [1, -1]], "pays": [[-0.2, 0.1], [0.3, 0.0], [0.0, 1.0]]}
STEPS, DISCOUNT = 4, 0.8


def rollouts(games: int, **reinforce) -> Graph:
    """Rollouts of a few moves by a softmax table, and REINFORCE on their returns."""
    graph = Graph()
    world = graph.add("decision_process", "world", games=games, **CORRIDOR)
    along, moved = graph.add("rollout", "along", steps=STEPS), graph.add("take_action", "moved")
    logits = graph.add(
        "dense", "logits", units=2, use_bias=False, initial_weight=[[0.2, -0.1], [0.0, 0.4], [-0.3, 0.1]]
    )
    chosen = graph.add("categorical_sample", "chosen")
    for source, target in ((world, along["start"]), (along, logits), (logits, chosen), (world, moved["world"]),
                           (along, moved["at"]), (chosen["y"], moved["action"]), (moved["onward"], along["x"])):  # fmt: skip
        graph.connect(source, target)
    gathered = {}
    for name, source in (
        ("scores", "logits.h"),
        ("acts", "chosen.y"),
        ("rewards", "moved.reward"),
        ("ends", "moved.done"),
    ):
        gathered[name] = graph.add("all_steps", name)
        graph.connect(source, gathered[name])
    returns = graph.add("returns", "returns", discount=DISCOUNT)
    loss = graph.add("reinforce", "loss", **reinforce)
    for source, target in (
        (gathered["rewards"], returns["reward"]), (gathered["ends"], returns["done"]), (gathered["scores"], loss["logits"]),
        (gathered["acts"], loss["action"]), (returns, loss["reward"]),
    ):  # fmt: skip
        graph.connect(source, target)
    return graph


def enumerated(weight: np.ndarray) -> np.ndarray:
    """The gradient of Σ over moves of the return from there, by all action sequences written out."""
    follows, pays = np.array(CORRIDOR["follows"]), np.array(CORRIDOR["pays"])
    chances = np.exp(weight) / np.exp(weight).sum(axis=1, keepdims=True)
    total = np.zeros_like(weight)
    for actions in product(range(2), repeat=STEPS):
        state, chance, path = 0, 1.0, []
        for action in actions:
            path.append((state, action, pays[state, action], follows[state, action] < 0))
            chance *= chances[state, action]
            state = max(follows[state, action], 0)
        later = 0.0
        for state, action, paid, over in reversed(path):
            later = paid + DISCOUNT * (0.0 if over else later)
            slope = -chances[state]
            slope = slope + np.eye(2)[action]
            total[state] += chance * later * slope
    return total


def test_the_gradient_of_reinforce_is_on_average_what_enumeration_says():
    session = opened(rollouts(4000, reduction="sum"), loss="loss", optimizer={"type": "sgd", "learning_rate": 0.0})
    found = []
    for _ in range(10):
        session.step("iteration")
        found.append(-session.gradient("logits.weight") / 4000)
    wanted = enumerated(np.array([[0.2, -0.1], [0.0, 0.4], [-0.3, 0.1]]))
    spread = np.std(found, axis=0) / np.sqrt(len(found))
    assert (np.abs(np.mean(found, axis=0) - wanted) < 4 * spread + 1e-3).all()
    assert np.abs(wanted).max() > 0.1


def test_a_rollout_goes_on_where_the_last_move_led_and_starts_where_its_world_stands():
    session = opened(rollouts(5), loss="loss", optimizer={"type": "sgd", "learning_rate": 0.0})
    session.step("iteration")
    np.testing.assert_array_equal(session.value("along.y@0"), session.value("world.state"))
    for step in range(1, STEPS):
        np.testing.assert_array_equal(session.value(f"along.y@{step}"), session.value(f"moved.onward@{step - 1}"))
    assert session.value("scores").shape == (5, STEPS, 2)


def test_arms_are_known_of_worlds_alone():
    graph = Graph()
    known = graph.add("arm_statistics")
    for port in ("world", "action", "reward"):
        graph.connect(graph.add("constant", value=[0.0]), known[port])
    problems = Document(graph).check()
    assert [problem.fact for problem in problems] == ["this is no world with arms"]


@pytest.mark.parametrize(
    "chosen", [["world"], ["world", "now"], ["moved", "greedy"], ["now", "greedy", "moved", "later"]]
)
def test_parts_of_a_loop_can_be_grouped_and_the_games_go_on(chosen):
    training = {"loss": "error", "optimizer": {"type": "sgd", "learning_rate": 0.5}}
    document = Document(q_learner(2, **TABLE), precision="float64", training=training)
    moved = grouped(document.graph, chosen)
    document.training = replaced(document.training, moved)
    assert document.check() == []
    session = Session(document)
    rows = values_of(session, (moved.address("world.state"), moved.address("moved.onward")), 30)
    for (_, onward), (state, _) in pairwise(rows):
        np.testing.assert_array_equal(onward, state)
    assert np.ptp(session.parameters[moved.address("table.value")]) > 0
