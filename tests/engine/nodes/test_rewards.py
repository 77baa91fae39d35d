"""Discounted sums, exploration, running means and traces, against NumPy and the source text's numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.nodes import node_types
from engine.session import Session
from tests.engine.nodes.slopes import Alone
from tests.engine.nodes.test_random import evaluated, played

DRAW = np.random.default_rng(2)
REWARDS = DRAW.normal(size=(3, 5))


def rule(type: str, rows: np.ndarray, second: str, column: int, **properties: Any) -> Session:
    """A rule whose first port takes the first columns of the rows, and whose second port one column."""
    graph = Graph()
    node = graph.add(type, id="rule", **properties)
    first = next(port.name for port in node_types()[type].inputs if port.name != second)
    graph.connect(graph.add("input", columns=tuple(range(column))), node[first])
    graph.connect(graph.add("input", columns=(column,)), node[second])
    data = {"inputs": rows.tolist(), "targets": [[0.0]] * len(rows)}
    document = Document(graph, data, precision="float64", training={"order": "sequential"})
    assert document.check() == []
    return Session(document)


@pytest.mark.parametrize("of", ["following", "preceding"])
def test_a_discounted_sum_is_the_sum_written_out(of):
    wanted = np.zeros((3, 5))
    for t in range(5):
        for k in range(5):
            apart = k - t if of == "following" else t - k
            wanted[:, t] += REWARDS[:, k] * 0.7**apart if apart >= 0 else 0
    node = Alone("discounted_sum", {"x": REWARDS, "factor": 0.7}, of=of)
    np.testing.assert_allclose(node.value(), wanted, rtol=1e-12)
    turned = Alone("discounted_sum", {"x": REWARDS[:, :, None], "factor": 0.7}, of=of, axis=1)
    np.testing.assert_allclose(turned.value()[:, :, 0], wanted, rtol=1e-12)


def test_the_best_action_is_chosen_but_for_a_share_of_tries():
    table = np.tile([[0.1, 0.9, 0.3, 0.2]], (4000, 1))
    chosen = played("epsilon_greedy", table, epsilon=0.4).value("node.y")
    np.testing.assert_allclose(chosen.mean(axis=0), [0.1, 0.7, 0.1, 0.1], atol=0.025)
    np.testing.assert_array_equal(evaluated("epsilon_greedy", table, port="index"), 1)


def test_of_actions_that_are_worth_the_same_any_is_chosen_where_that_is_asked_for():
    table = np.tile([[0.5, 0.9, 0.9, 0.2]], (4000, 1))
    chosen = played("epsilon_greedy", table, epsilon=0.0, ties="random").value("node.y")
    np.testing.assert_allclose(chosen.mean(axis=0), [0, 0.5, 0.5, 0], atol=0.03)
    np.testing.assert_array_equal(played("epsilon_greedy", table, epsilon=0.0).value("node.index"), 1)


@pytest.mark.parametrize("step", ["running mean", "fixed"])
def test_the_mean_of_each_action_follows_its_rewards(step):
    rows = np.array([[0, 1.0], [1, 3.0], [0, 2.0], [2, -1.0], [0, 6.0]])
    session = rule("running_mean", rows, "reward", 1, actions=4, step=step, learning_rate=0.1, start=0.5)
    session.step("iteration")
    mean = session.parameters["rule.mean"][0]
    if step == "running mean":
        np.testing.assert_allclose(mean, [3.0, 3.0, -1.0, 0.5])
    else:
        np.testing.assert_allclose(mean, [0.5 + 0.1 * (9 - 1.5), 0.5 + 0.1 * 2.5, 0.5 - 0.1 * 1.5, 0.5])
    session.step("iteration")
    np.testing.assert_allclose(session.value("rule.count"), [[3, 1, 1, 0]])


# Five states in a row; an episode goes from the third to the right end, where 1 is the reward.
WALK = np.hstack([np.eye(5)[2:], np.array([[0.0], [0.0], [1.0]])])


@pytest.mark.parametrize(
    ("decay", "wanted"), [(0.5, (0.5125, 0.525, 0.55)), (0.9, (0.5405, 0.545, 0.55)), (1.0, (0.55,) * 3)]
)
@pytest.mark.text("07:td-lambda")
def test_numbers_07_td_lambda(decay, wanted):
    settings = {"decay": decay, "discount": 1.0, "learning_rate": 0.1, "initial_weight": [0.5] * 5}
    session = rule("td_lambda", WALK, "reward", 5, **settings)
    session.step("iteration")
    np.testing.assert_allclose(session.parameters["rule.weight"].ravel(), [0.5, 0.5, *wanted], atol=1e-12)


def test_where_an_episode_goes_on_its_last_row_only_tells_what_came_before_is_worth():
    session = rule("td_lambda", WALK, "reward", 5, ends=False, discount=1.0, initial_weight=[0.0, 0, 0, 0, 2.0])
    session.step("iteration")
    np.testing.assert_allclose(session.value("rule.delta").ravel(), [0, 2, 0])
