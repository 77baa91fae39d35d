"""Learning vector quantisation against its rules written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.nodes.playing_rules import document, session, value

ROWS = np.array([[0.0, 0.0], [1.0, 0.2], [3.0, 3.0], [2.6, 3.5], [0.4, 1.0]])
LABELS = np.array([[-1.0], [-1.0], [1.0], [1.0], [-1.0]])
STARTS = [[0.5, 0.5], [2.0, 0.0], [2.0, 2.0], [1.2, 0.4]]


@pytest.mark.parametrize("row", range(5))
def test_the_nearest_prototype_moves_to_its_own_class_and_away_from_others(row):
    x, t = ROWS[row : row + 1], LABELS[row : row + 1]
    played = session("learning_vector_quantisation", x, t, each=2, initial_prototypes=STARTS, learning_rate=0.2)
    wanted, owners = np.array(STARTS), np.array([0, 0, 1, 1])
    winner = np.linalg.norm(wanted - x, axis=1).argmin()
    way = 1 if owners[winner] == (t[0, 0] > 0) else -1
    wanted[winner] += way * 0.2 * (x[0] - wanted[winner])
    played.step("iteration")
    np.testing.assert_allclose(played.parameters["rule.prototypes"], wanted)
    assert value(played, "prediction").tolist() == [owners[winner]]
    assert value(played, "error") == (way < 0)


@pytest.mark.parametrize(("x", "moves"), [(1.5, True), (1.9, True), (2.5, False), (0.2, False)])
def test_two_prototypes_move_where_an_example_lies_between_them(x, moves):
    settings = {"form": "LVQ2.1", "initial_prototypes": [[1.0], [2.1]], "learning_rate": 0.5, "window": 0.3}
    played = session("learning_vector_quantisation", [[x]], [[1.0]], **{**settings, "window": 0.9 if x == 1.9 else 0.3})
    played.step("iteration")
    wanted = [1.0 - 0.5 * (x - 1.0), 2.1 + 0.5 * (x - 2.1)] if moves else [1.0, 2.1]
    np.testing.assert_allclose(played.parameters["rule.prototypes"].ravel(), wanted)


def test_two_prototypes_stay_where_a_third_one_is_nearer():
    settings = {"form": "LVQ2.1", "each": 2, "initial_prototypes": [[1.0], [1.45], [2.0], [1.4]], "window": 1.0}
    before = session("learning_vector_quantisation", [[1.3]], [[-1.0]], **settings)
    before.step("iteration")
    moved = before.parameters["rule.prototypes"].ravel()
    assert moved[0] == 1.0 and moved[2] == 2.0
    assert moved[1] != 1.45 and moved[3] != 1.4


def test_prototypes_start_at_rows_of_their_class_and_learn_to_tell_classes_apart():
    draw = np.random.default_rng(0)
    rows = np.vstack([draw.normal(0, 0.5, (40, 2)), draw.normal(3, 0.5, (40, 2)), draw.normal((0, 3), 0.5, (40, 2))])
    classes = np.eye(3)[np.repeat([0, 1, 2], 40)]
    played = session("learning_vector_quantisation", rows, classes, classes=3, each=2)
    start = played.parameters["rule.prototypes"]
    for unit, prototype in enumerate(start):
        assert any(np.array_equal(prototype, row) for row in rows[40 * (unit // 2) : 40 * (unit // 2 + 1)])
    played.run(50)
    assert value(played, "error") == 0


def test_more_classes_than_prototypes_are_refused_with_the_mend():
    made = document("learning_vector_quantisation", ROWS, LABELS, classes=3)
    assert any("meet 3 classes" in str(problem) for problem in made.check())
