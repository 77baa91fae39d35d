"""Losses that learn from rewards: formulas, what counts as a constant, and the worked numbers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from engine.problems import ShapeMismatch
from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(45)
LOGITS, REWARD = DRAW.normal(size=(5, 3)), DRAW.normal(size=5)
ACTIONS = np.array([2, 0, 1, 1, 0], np.int32)
TAKEN = np.eye(3)[ACTIONS]
VALUES, LATER = DRAW.normal(size=(5, 3)), DRAW.normal(size=(5, 3))
ROWS = np.arange(5)

FORMS = pytest.mark.parametrize(
    "action", [ACTIONS, TAKEN, ACTIONS.astype(float), ACTIONS.astype(float)[:, None]],
    ids=["numbers", "columns", "real numbers", "a column of numbers"],
)  # fmt: skip


@FORMS
@pytest.mark.parametrize("reward", [REWARD, REWARD[:, None]], ids=["row", "column"])
def test_reinforce_weighs_the_surprise_at_an_action_by_its_reward(action, reward):
    node = Alone("reinforce", {"logits": LOGITS, "action": action, "reward": reward, "baseline": 0.3})
    chance = special.log_softmax(LOGITS, axis=1)[ROWS, ACTIONS]
    assert node.value() == pytest.approx(-np.mean((REWARD - 0.3) * chance), rel=1e-12)
    expected = -(REWARD - 0.3)[:, None] * (TAKEN - special.softmax(LOGITS, axis=1)) / 5
    np.testing.assert_allclose(node.slopes("logits")["logits"], expected, rtol=1e-10, atol=1e-14)
    check_derivatives(node, "logits")


def test_rewards_and_baselines_are_constants_to_the_derivative():
    node = Alone("reinforce", {"logits": LOGITS, "action": ACTIONS, "reward": REWARD, "baseline": REWARD / 2})
    assert not any(slope.any() for slope in node.slopes("reward", "baseline").values())


def test_the_surrogates_slope_is_that_of_the_expected_reward():
    gains, p = np.array([1.0, -2.0, 0.5]), special.softmax(LOGITS[0])
    each = [
        Alone("reinforce", {"logits": LOGITS[:1], "action": np.array([a], np.int32), "reward": gains[[a]]}).slopes(
            "logits"
        )
        for a in range(3)
    ]
    expected = sum(chance * slope["logits"][0] for chance, slope in zip(p, each, strict=True))
    np.testing.assert_allclose(-expected, p * (gains - p @ gains), rtol=1e-10)


def moment(**more) -> dict:
    return {"value": VALUES, "reward": REWARD, "next_value": LATER, "action": ACTIONS, **more}


@FORMS
def test_a_temporal_difference_compares_a_value_with_what_comes_next(action):
    node = Alone("td_error", moment(action=action), discount=0.8)
    error = REWARD + 0.8 * LATER.max(axis=1) - VALUES[ROWS, ACTIONS]
    np.testing.assert_allclose(node.value("error"), error, rtol=1e-12)
    assert node.value() == pytest.approx(np.mean(error**2), rel=1e-12)
    slopes = node.slopes("value", "next_value")
    np.testing.assert_allclose(slopes["value"], -2 * error[:, None] * TAKEN / 5, rtol=1e-12)
    assert not slopes["next_value"].any()


def test_the_next_value_may_learn_too():
    node = Alone("td_error", moment(), target="differentiated")
    assert node.slopes("next_value")["next_value"].any()
    check_derivatives(node, "value", "next_value", "reward")
    check_derivatives(Alone("td_error", moment()), "value")


def test_half_a_squared_difference_has_the_error_as_its_slope():
    node = Alone("td_error", moment(), half=True, reduction="sum")
    np.testing.assert_allclose(-node.slopes("value")["value"][ROWS, ACTIONS], node.value("error"), rtol=1e-12)


def test_nothing_comes_after_the_end_of_an_episode():
    done = np.array([1.0, 0, 0, 1, 0])
    error = Alone("td_error", moment(done=done)).value("error")
    expected = REWARD + 0.9 * (1 - done) * LATER.max(axis=1) - VALUES[ROWS, ACTIONS]
    np.testing.assert_allclose(error, expected, rtol=1e-12)


def test_the_next_action_may_choose_the_next_value():
    error = Alone("td_error", moment(chooser=np.eye(3)[[1, 1, 0, 2, 2]])).value("error")
    np.testing.assert_allclose(error, REWARD + 0.9 * LATER[ROWS, [1, 1, 0, 2, 2]] - VALUES[ROWS, ACTIONS], rtol=1e-12)


def test_values_of_states_need_no_action():
    states = {"value": VALUES[:, :1], "reward": REWARD, "next_value": LATER[:, :1]}
    np.testing.assert_allclose(
        Alone("td_error", states).value("error"), REWARD + 0.9 * LATER[:, 0] - VALUES[:, 0], rtol=1e-12
    )


def test_values_of_actions_ask_which_was_taken():
    with pytest.raises(ShapeMismatch, match="which was taken"):
        Alone("td_error", {"value": VALUES, "reward": REWARD, "next_value": LATER}).value()


# worked numbers ------------------------------------------------------------------------------------------


@pytest.mark.text("07:reinforce-up-example")
def test_numbers_07_reinforce_up_example():
    logits = np.log([[0.2, 0.3, 0.4, 0.1]])
    operands = {"logits": logits, "action": np.array([0], np.int32), "reward": [1.0], "baseline": 0.17}
    node = Alone("reinforce", operands)
    assert -node.value() == pytest.approx(-1.33583, abs=5e-6)
    expected = [0.664, -0.83 * 0.3, -0.83 * 0.4, -0.83 * 0.1]
    np.testing.assert_allclose(-node.slopes("logits")["logits"][0], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("baseline", "variance"), [(0.0, 0.1024), (0.17, 0.0635), (0.2, 0.0576), (0.5, 0.0144), (0.8, 0)]
)
@pytest.mark.text("07:reinforce-baseline")
def test_numbers_07_reinforce_baseline(baseline, variance):
    logits, chance, samples = np.log([[0.2, 0.8]]), [0.2, 0.8], []
    for action, reward in enumerate([1.0, 0.0]):
        operands = {"logits": logits, "action": np.array([action], np.int32), "reward": [reward], "baseline": baseline}
        samples.append(-Alone("reinforce", operands).slopes("logits")["logits"][0, 0])
    mean = np.dot(chance, samples)
    assert mean == pytest.approx(0.16)
    assert np.dot(chance, np.square(samples)) - mean**2 == pytest.approx(variance, abs=5e-5)


@pytest.mark.text("08:reinforce")
def test_numbers_08_reinforce():
    operands = {"logits": [[1.0, 2.0, 3.0]], "action": np.array([0], np.int32), "reward": [1.0]}
    slope = -Alone("reinforce", operands).slopes("logits")["logits"][0]
    assert slope == pytest.approx([0.909969, -0.244728, -0.665241], abs=5e-7)


@pytest.mark.text("07:td-n-step")
def test_numbers_07_td_n_step_as_one_step_of_what_was_gathered():
    gathered = {"value": [[0.3]], "reward": [1 + 0.9 * 0.0], "next_value": [[0.5]]}
    assert Alone("td_error", gathered, discount=0.81).value("error")[0] == pytest.approx(1.105)


@pytest.mark.text("08:double-q-learning")
def test_numbers_08_double_q_learning():
    operands = {"value": [[0.0]], "reward": [0.0], "next_value": [[3.0, 0.5]]}
    assert Alone("td_error", operands).value("error")[0] == pytest.approx(2.7)
    assert Alone("td_error", {**operands, "chooser": [[1.0, 2.0]]}).value("error")[0] == pytest.approx(0.45)


@pytest.mark.text("08:td-learning")
def test_numbers_08_td_learning():
    values = [0.0, 0.0, 0.0, 0.0, 0.0]  # the last one is behind the goal
    for state in (3, 2, 1, 0):
        reward = 1.0 if state == 3 else 0.0
        operands = {"value": [[values[state]]], "reward": [reward], "next_value": [[values[state + 1]]]}
        values[state] += float(Alone("td_error", operands).value("error")[0])
    assert values[:4] == pytest.approx([0.729, 0.81, 0.9, 1])


@pytest.mark.text("08:dqn")
def test_numbers_08_dqn():
    operands = {"value": [[0.0]], "reward": [0.0], "next_value": [[3.0, 0.5]]}
    assert Alone("td_error", operands).value() == pytest.approx(2.7**2)


@pytest.mark.text("07:q-learning-tabular")
def test_numbers_07_q_learning_tabular():
    operands = {"value": [[0.5]], "reward": [1.0], "next_value": [[2.0, -1.0]]}
    error = Alone("td_error", operands, half=True, reduction="sum")
    assert 0.5 - 0.1 * error.slopes("value")["value"][0, 0] == pytest.approx(0.73)


@pytest.mark.text("07:td0-state-value")
def test_numbers_07_td0_state_value():
    # C to D to E to the right exit, which pays 1: only the value of E moves.
    episode = {"value": [[0.5]] * 3, "reward": [0.0, 0.0, 1.0], "next_value": [[0.5]] * 3, "done": [0.0, 0.0, 1.0]}
    node = Alone("td_error", episode, discount=1.0, half=True, reduction="sum")
    np.testing.assert_allclose(0.5 - 0.1 * node.slopes("value")["value"][:, 0], [0.5, 0.5, 0.55])


@pytest.mark.parametrize(("reduction", "share"), [("mean", 5), ("sum", 1)])
def test_alphazeros_loss_is_a_squared_error_beside_a_cross_entropy(reduction, share):
    worth, policy, result = DRAW.normal(size=(5, 1)), special.softmax(LATER, axis=1), np.sign(REWARD)[:, None]
    operands = {"logits": LOGITS, "value": worth, "policy": policy, "result": result}
    node = Alone("alphazero_loss", operands, reduction=reduction)
    squares = np.sum((worth - result) ** 2) / share
    surprise = -np.sum(policy * special.log_softmax(LOGITS, axis=1)) / share
    found = [node.value(port) for port in ("loss", "value_loss", "policy_loss")]
    np.testing.assert_allclose(found, [squares + surprise, squares, surprise], rtol=1e-12)
    slopes = node.slopes("logits", "value")
    np.testing.assert_allclose(slopes["value"], 2 * (worth - result) / share, rtol=1e-12)
    np.testing.assert_allclose(slopes["logits"], (special.softmax(LOGITS, axis=1) - policy) / share, atol=1e-15)
    check_derivatives(node, "logits", "value")
