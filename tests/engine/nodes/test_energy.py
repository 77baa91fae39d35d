"""Hopfield networks against the catalogue's fixtures of chapter 7: weights, energies, and how places of rest are reached."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.nodes.energy import every_state
from engine.session import Session
from tests.engine.nodes.playing_rules import assert_steps_runs_and_ways_back_agree, session, value

SIX = [[0, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 0, 1]]
LEFT, RIGHT = [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]


def stored(patterns: Any, **properties: Any) -> tuple[np.ndarray, np.ndarray]:
    made = session("hopfield_storage", patterns, **properties)
    made.step("iteration")
    return value(made, "weight"), value(made, "bias")


def recalled(queries: Any, weight: Any, bias: Any, iterations: int = 8, **properties: Any) -> Session:
    made = recall(queries, weight, bias, **properties)
    made.run(iterations)
    return made


def recall(queries: Any, weight: Any, bias: Any, **properties: Any) -> Session:
    numbers = {"initial_weight": np.asarray(weight).tolist(), "initial_bias": np.asarray(bias).tolist()}
    return session("hopfield_recall", queries, **numbers, **properties)


def rests(weight: np.ndarray, bias: np.ndarray, low: float = 0.0) -> set[tuple[int, ...]]:
    """States that a sweep leaves as they are, among all states."""
    states = every_state(len(bias)) * (1 - low) + low
    made = recalled(states, weight, bias, 1, states="0/1" if low == 0 else "-1/+1")
    same = (value(made, "state") == states).all(axis=1)
    return {tuple(int(entry) for entry in row) for row in states[same]}


@pytest.mark.text("05:hopfield-six-bit")
def test_numbers_05_hopfield_six_bit_weights_and_biases():
    weight, bias = stored(SIX)
    assert bias.tolist() == [-2, -2, 0, -2, -2, 0]
    expected = np.zeros((6, 6))
    for i, j, w in [
        (1, 3, 2),
        (2, 3, 2),
        (4, 6, 2),
        (5, 6, 2),
        (3, 6, -4),
        (1, 6, -2),
        (2, 6, -2),
        (3, 4, -2),
        (3, 5, -2),
    ]:
        expected[i - 1, j - 1] = expected[j - 1, i - 1] = w
    np.testing.assert_array_equal(weight, expected)


@pytest.mark.text("05:hopfield-six-bit")
def test_numbers_05_hopfield_six_bit_places_of_rest():
    weight, bias = stored(SIX)
    assert rests(weight, bias) == {tuple(LEFT), tuple(RIGHT)}
    made = recalled([LEFT, RIGHT, *SIX], weight, bias, 1)
    assert value(made, "energy").ravel().tolist() == [0] * 6
    assert value(made, "gap")[0].tolist() == [0, 0, 4, -4, -4, -8]


@pytest.mark.text("05:hopfield-six-bit")
def test_numbers_05_hopfield_six_bit_in_signs_the_minima_are_strict():
    weight, bias = stored(np.array(SIX) * 2 - 1, states="-1/+1", bias="none")
    assert not bias.any()
    signs = np.array([LEFT, RIGHT, *SIX]) * 2 - 1
    made = recall(signs, weight, bias, states="-1/+1", held=[0, 1, 2, 3, 4, 5])
    made.step("iteration")
    assert value(made, "energy").ravel().tolist() == [-20, -20, -12, -12, -12, -12]
    assert value(made, "gap")[0].tolist() == [4, 4, 12, -4, -4, -12]
    assert rests(weight, bias, -1.0) == {tuple(signs[0]), tuple(signs[1])}


@pytest.mark.text("05:hopfield-recall")
def test_numbers_05_hopfield_recall():
    weight, bias = stored(SIX)
    made = recalled([[0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 0]], weight, bias)
    assert value(made, "state").tolist() == [LEFT, RIGHT, LEFT]
    assert value(made, "moved").ravel().tolist() == [0, 0, 0]
    everywhere = recalled(every_state(6), weight, bias)
    ends = [tuple(int(entry) for entry in row) for row in value(everywhere, "state")]
    assert (ends.count(tuple(RIGHT)), ends.count(tuple(LEFT))) == (44, 20)


@pytest.mark.text("05:hopfield-recall")
def test_numbers_05_hopfield_recall_the_energy_goes_down_unit_by_unit():
    weight, bias = stored(SIX)
    made, seen = recall([[0, 0, 0, 1, 0, 0]], weight, bias, order="one in turn"), []
    for _ in range(12):
        made.step("iteration")
        seen.append((float(value(made, "energy")[0, 0]), int(value(made, "moved")[0, 0])))
    # Unit 4 goes off, then units 6, 4 and 5 go on: E 2, 0, 0, 0, 0.
    flips = [0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 1, 0]
    assert seen == [(2 if place < 3 else 0, flip) for place, flip in enumerate(flips)]
    assert value(made, "state").tolist() == [RIGHT]


@pytest.mark.text("05:hopfield-recall")
def test_numbers_05_hopfield_recall_all_at_once_swings_for_ever():
    made = recall([[1, 0]], [[0, 1], [1, 0]], [-0.5, -0.5], order="all at once")
    seen = []
    for _ in range(4):
        made.step("iteration")
        seen.append(value(made, "state")[0].tolist())
    assert seen == [[0, 1], [1, 0], [0, 1], [1, 0]]


@pytest.mark.text("05:hopfield-attribute-completion")
def test_numbers_05_hopfield_attribute_completion():
    weight, bias = stored(SIX)
    starts = [row for row in every_state(6) if (row[0], row[3]) == (1, 0)]
    made = recalled(starts, weight, bias, held=[0, 3])
    ends = {}
    for start, end in zip(starts, value(made, "state"), strict=True):
        ends.setdefault("".join(str(int(entry)) for entry in end), []).append(int(start[5]))
    assert ends == {"111000": [0] * 8, "100011": [1] * 8}


@pytest.mark.text("05:hopfield-merged-minimum")
def test_numbers_05_hopfield_merged_minimum():
    def copies(count: int) -> list[list[int]]:
        rows = np.tile([1, 1, 1, 0, 1, 1, 1, 1, 1, 1], (count, 1))
        for row, place in zip(rows, (9, 8, 7, 6, 5), strict=False):
            row[place] = 0
        return rows.tolist()

    centre = [1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
    for count, deepest, members in ((2, -54, -56), (3, -81, -76), (4, -108, -96), (5, -135, -116)):
        weight, bias = stored(copies(count))
        made = recall([centre, *copies(count)], weight, bias, held=list(range(10)))
        made.step("iteration")
        energies = value(made, "energy").ravel()
        assert energies[0] == deepest and set(energies[1:]) == {members}
        assert rests(weight, bias) == ({tuple(row) for row in copies(2)} if count == 2 else {tuple(centre)})


@pytest.mark.text("05:hopfield-hidden-units")
def test_numbers_05_hopfield_hidden_units():
    codes = [[1, 0], [1, 0], [0, 1], [0, 1]]
    weight, bias = stored(np.hstack([SIX, codes]))
    assert weight[:6, 6].tolist() == [2, 2, 4, -2, -2, -4]
    assert weight[:6, 7].tolist() == [-2, -2, -4, 2, 2, 4] and weight[6, 7] == -4
    for code, end in (([1, 0], LEFT), ([0, 1], RIGHT)):
        starts = np.hstack([every_state(6), np.tile(code, (64, 1))])
        made = recalled(starts, weight, bias, held=[6, 7])
        np.testing.assert_array_equal(value(made, "state")[:, :6], np.tile(end, (64, 1)))
    ends = ["".join(str(int(unit)) for unit in row) for row in value(recalled(every_state(8), weight, bias), "state")]
    assert (ends.count("00011101"), ends.count("11100010")) == (152, 104)


MOVIES = ("Shrek", "Aladdin", "E.T.", "Gandhi", "Nero", "Terminator")
BOB, ALICE, THIRD, MARY = [1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [1, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("users", "gaps", "energies"),
    [([BOB, ALICE], [2, 2, -2, -4, -4, -4], (2, 0)), ([BOB, ALICE, THIRD], [5, 5, 1, -8, -8, -8], (-1, -6))],
)
@pytest.mark.text("05:hopfield-toy-recommender")
def test_numbers_05_hopfield_toy_recommender(users, gaps, energies):
    weight, bias = np.zeros((6, 6)), np.zeros(6)
    for user, seen in zip(users, ([0, 1, 3, 4, 5], [0, 1, 3, 4, 5], range(6)), strict=False):
        w, b = stored([user])
        inside = np.isin(np.arange(6), list(seen))
        weight, bias = weight + w * np.outer(inside, inside), bias + b
    made = recall([MARY], weight, bias, held=[0, 2])
    mary = np.array(MARY)
    before = -mary @ bias - mary @ weight @ mary / 2
    made.run(3)
    assert dict(zip(MOVIES, value(made, "state")[0], strict=True))["Aladdin"] == 1
    assert value(made, "gap")[0].tolist() == gaps
    assert (before, value(made, "energy")[0, 0]) == energies


@pytest.mark.text("05:storkey-rule")
def test_numbers_05_storkey_rule():
    patterns = [[1, 1, -1, -1], [1, -1, 1, -1]]
    hebb, _ = stored(patterns, states="-1/+1", divide="units")
    storkey, _ = stored(patterns, states="-1/+1", rule="Storkey")
    for weight, expected in ((hebb, -0.5), (storkey, -0.75)):
        assert weight[0, 3] == weight[1, 2] == expected
        assert np.count_nonzero(weight) == 4


def test_storkey_recalls_where_hebb_has_forgotten():
    """05:storkey-rule, d = 100, 20 patterns, 10 flipped bits: 100 % against 28 % recalled exactly."""
    random = np.random.default_rng(0)
    patterns = random.choice([-1.0, 1.0], (20, 100))
    noisy = patterns.copy()
    for row in noisy:
        row[random.choice(100, 10, replace=False)] *= -1
    shares = []
    for rule in ("Hebb", "Storkey"):
        weight, bias = stored(patterns, states="-1/+1", rule=rule, bias="none")
        made = recalled(noisy, weight, bias, 20, states="-1/+1")
        shares.append((value(made, "state") == patterns).all(axis=1).mean())
    assert shares[0] < 0.6 and shares[1] > 0.9


@pytest.mark.text("08:hopfield-network")
def test_numbers_08_hopfield_network():
    pattern = np.array([1, 1, 1, -1, -1, -1.0])
    weight, bias = stored([pattern], states="-1/+1", bias="none", divide="units")
    made = recall([[1, -1, 1, -1, -1, -1]], weight, bias, states="-1/+1", tie="keep")
    before = made.parameters["rule.weight"]
    start = np.array([1, -1, 1, -1, -1, -1.0])
    assert -0.5 * start @ before @ start == pytest.approx(-0.833333, abs=5e-7)
    made.step("iteration")
    assert value(made, "state")[0].tolist() == pattern.tolist()
    assert value(made, "energy")[0, 0] == pytest.approx(-2.5)
    assert value(made, "moved")[0, 0] == 1


def test_patterns_are_stored_one_after_the_other_as_a_number_is_dragged():
    made = session("hopfield_storage", SIX, most=1.0)
    made.step("iteration")
    first = value(made, "weight")
    np.testing.assert_array_equal(first, stored(SIX[:1])[0])
    made.set_setting("rule.most", 3.0)
    made.step("iteration")
    np.testing.assert_array_equal(value(made, "weight"), stored(SIX[:3])[0])


@pytest.mark.parametrize("order", ["sweep", "one in turn", "one at random", "steepest"])
def test_the_energy_never_rises_where_units_are_tested_one_by_one(order):
    random = np.random.default_rng(1)
    weight = random.normal(size=(7, 7))
    weight = np.triu(weight, 1) + np.triu(weight, 1).T
    bias = random.normal(size=7)
    made, before = recall(every_state(7), weight, bias, order=order), np.inf
    for _ in range(60):
        made.step("iteration")
        energy = value(made, "energy")
        assert (energy <= before + 1e-12).all()
        before = energy
    states = value(made, "state")
    assert ((states == 1) == (weight @ states.T + bias[:, None] >= 0).T).all()  # at rest


def test_where_batches_come_and_go_every_iteration_begins_at_its_queries():
    weight, bias = stored(SIX)
    numbers = {"initial_weight": weight.tolist(), "initial_bias": bias.tolist()}
    made = session("hopfield_recall", SIX, batch=2, **numbers)
    for rows in (SIX[:2], SIX[2:]) * 2:
        made.step("iteration")
        expected = recalled(rows, weight, bias, 1)
        np.testing.assert_array_equal(value(made, "state"), value(expected, "state"))


def test_more_units_than_can_pull_at_each_other_are_refused():
    graph = Graph()
    graph.connect(graph.add("input", shape=[5000]), graph.add("hopfield_storage"))
    problems = Document(graph).check()
    assert any("5000 units would need 2.5e+07 weights" in str(problem) for problem in problems)


def test_a_unit_that_is_not_there_cannot_be_held():
    graph = Graph()
    node = graph.add("hopfield_recall", held=[7])
    graph.connect(graph.add("input"), node + ".query")
    made = Session(Document(graph, data="xor"))
    (problem,) = made.lowered.problems
    assert "there is no unit 7: there are 2" in str(problem)


@pytest.mark.parametrize("order", ["sweep", "one in turn", "one at random", "all at once"])
def test_stepping_running_and_going_back_agree_bit_for_bit(order):
    weight, bias = stored(SIX)
    assert_steps_runs_and_ways_back_agree(lambda: recall([[0, 1, 0, 1, 0, 1]], weight, bias, order=order), 7)


def test_what_remembers_its_rows_predicts_for_any_number_of_them():
    graph = Graph()
    x = graph.add("input")
    layer, recall_node, loss = (
        graph.add("dense", units=2),
        graph.add("hopfield_recall"),
        graph.add("mean_squared_error"),
    )
    graph.connect(x, layer["x"])
    graph.connect(layer, recall_node["query"])
    graph.connect(layer, loss["prediction"])
    graph.connect(graph.add("target"), loss["target"])
    data = {"inputs": [[0.0, 1.0], [1.0, 0.0]], "targets": [[0.0, 1.0], [1.0, 0.0]]}
    made = Session(
        Document(graph, data={"train": data}, training={"loss": loss.id, "batch_size": 0, "order": "sequential"})
    )
    made.run(2)
    assert made.predict(np.zeros((7, 2))).shape == (7, 2)
    assert made.predict(np.zeros((2, 2))).shape == (2, 2)
