"""Boltzmann machines against the catalogue's fixtures and against everything summed over all states in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph
from engine.nodes.energy import every_state
from engine.session import Session
from tests.engine.nodes.playing_rules import (
    assert_steps_runs_and_ways_back_agree,
    document,
    lasting,
    session,
    value,
)

W = np.array([[1, 0, -0.5], [1, 0.5, -0.5], [-0.5, 0, 1], [-0.5, 0.5, 1]])
VISIBLE, HIDDEN = np.array([-0.2, 0.1, -0.1, 0.2]), np.array([-0.3, 0, -0.2])
ROWS = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]]
NUMBERS = {
    "hidden": 3, "initial_weight": W.tolist(), "initial_visible_bias": VISIBLE.tolist(), "initial_hidden_bias": HIDDEN.tolist(),
}  # fmt: skip


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def rbm43(rows: Any = ROWS, **properties: Any) -> Session:
    return session("restricted_boltzmann_machine", rows, **NUMBERS, **properties)


def moved(made: Session, name: str, before: Any) -> np.ndarray:
    return made.parameters[f"rule.{name}"] - before


@pytest.mark.text("05:rbm")
def test_numbers_05_rbm():
    made = rbm43([[1, 1, 0, 0]])
    made.step("phase")
    assert value(made, "hidden")[0] == pytest.approx([0.845535, 0.622459, 0.231475], abs=5e-7)
    assert value(made, "free_energy")[0, 0] == pytest.approx(-3.005145481, abs=5e-10)
    log_z = -float(value(made, "free_energy")[0, 0]) - float(value(made, "log_likelihood"))
    assert log_z == pytest.approx(5.705144693, abs=5e-10)
    assert np.exp(float(value(made, "log_likelihood"))) == pytest.approx(0.0672055657, abs=5e-11)


@pytest.mark.text("05:rbm-outlier-detection")
def test_numbers_05_rbm_outlier_detection():
    made = rbm43(every_state(4))
    made.step("phase")
    free = dict(
        zip(
            ["".join(map(str, row.astype(int))) for row in every_state(4)],
            value(made, "free_energy").ravel(),
            strict=True,
        )
    )
    expected = {
        "0000": -1.845641,
        "1000": -1.999519,
        "1010": -2.045641,
        "0010": -2.135349,
        "0111": -3.608625,
        "1111": -3.587548,
    }
    assert {name: free[name] for name in expected} == pytest.approx(expected, abs=5e-7)
    ranked = sorted(free, key=free.__getitem__)
    assert ranked[:2] == ["0111", "1111"] and ranked[-4:] == ["0010", "1010", "1000", "0000"]


@pytest.mark.parametrize("wide", [False, True], ids=["hidden enumerated", "visible enumerated"])
@pytest.mark.text("05:rbm-exact-gradient")
def test_numbers_05_rbm_exact_gradient(wide):
    more = {}
    if wide:  # two hidden units that no weight reaches: the machine is the same, and its visible side the smaller one
        weight = np.hstack([W, np.zeros((4, 2))])
        more = {"hidden": 5, "initial_weight": weight.tolist(), "initial_hidden_bias": [*HIDDEN, 0, 0]}
    made = session("restricted_boltzmann_machine", ROWS, **{**NUMBERS, **more}, method="exact", learning_rate=1.0)
    made.step("iteration")
    assert float(value(made, "log_likelihood")) == pytest.approx(-2.5691172396, abs=5e-11)
    expected = [
        (0.07587, -0.026622, -0.157099), (0.141894, 0.040722, -0.10083), (-0.21725, -0.207867, -0.177214),
        (-0.159476, -0.136513, -0.10707),
    ]  # fmt: skip
    np.testing.assert_allclose(made.parameters["rule.weight"][:, :3] - W, expected, atol=5e-7)


def test_the_exact_gradient_is_the_slope_of_the_likelihood():
    def likelihood(weight: Any, visible: Any, hidden: Any) -> float:
        def free(v: Any) -> Any:
            return -v @ visible - np.log1p(np.exp(hidden + v @ weight)).sum(axis=1)

        return float((-free(np.array(ROWS, float))).mean() - np.log(np.exp(-free(every_state(4))).sum()))

    made = rbm43(method="exact", learning_rate=1.0)
    made.step("iteration")
    start = (W, VISIBLE, HIDDEN)
    for which, name in enumerate(("weight", "visible_bias", "hidden_bias")):
        found = moved(made, name, start[which])
        for place in np.ndindex(found.shape):
            ends = []
            for step in (1e-5, -1e-5):
                shifted = [array.astype(float).copy() for array in start]
                shifted[which][place] += step
                ends.append(likelihood(*shifted))
            assert found[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8)


def with_sample(wanted: list[float], **properties: Any) -> Session:
    """The machine at v₀ = 1100 under a seed that draws this hidden sample."""
    for seed in range(200):
        made = rbm43([[1, 1, 0, 0]], seed=seed, **properties)
        made.step("iteration")
        if value(made, "sample")[0].tolist() == wanted:
            return made
    raise AssertionError(f"{wanted} was never drawn")


@pytest.mark.text("05:contrastive-divergence")
def test_numbers_05_contrastive_divergence():
    made = with_sample([1, 1, 0], learning_rate=0.1)
    assert value(made, "fantasy")[0] == pytest.approx([0.689974, 0.832018, 0.354344, 0.549834], abs=5e-7)
    expected = [
        (0.037394, 0.016282, -0.010371), (0.027685, 0.006819, -0.017272), (-0.024219, -0.023605, -0.017214),
        (-0.037581, -0.036628, -0.026711),
    ]  # fmt: skip
    np.testing.assert_allclose(moved(made, "weight", W), expected, atol=6e-7)
    assert moved(made, "visible_bias", VISIBLE) == pytest.approx([0.031003, 0.016798, -0.035434, -0.054983], abs=6e-7)
    assert moved(made, "hidden_bias", HIDDEN) == pytest.approx([0.016203, -0.004371, -0.025432], abs=6e-7)


@pytest.mark.text("05:contrastive-divergence")
def test_numbers_05_contrastive_divergence_all_probabilities():
    made = rbm43([[1, 1, 0, 0]], sampling="nothing", learning_rate=0.1)
    made.step("iteration")
    assert value(made, "fantasy")[0] == pytest.approx([0.629436, 0.757868, 0.427688, 0.579309], abs=5e-7)
    assert moved(made, "weight", W)[0, 0] == pytest.approx(0.044147, abs=5e-7)


@pytest.mark.text("08:rbm")
def test_numbers_08_rbm():
    numbers = {
        "hidden": 1,
        "initial_weight": [[1], [-2]],
        "initial_visible_bias": [0.5, -0.5],
        "initial_hidden_bias": [0.2],
    }
    made = session("restricted_boltzmann_machine", [[0, 0], [0, 1], [1, 0], [1, 1]], **numbers)
    made.step("phase")
    assert value(made, "hidden").ravel() == pytest.approx([0.549834, 0.141851, 0.768525, 0.310026], abs=5e-7)
    one = session("restricted_boltzmann_machine", [[1, 0]], **numbers, method="exact", learning_rate=1.0)
    one.step("iteration")
    assert float(value(one, "log_likelihood")) == pytest.approx(-0.479081, abs=5e-7)
    assert moved(one, "weight", [[1], [-2]]).ravel() == pytest.approx([0.253466, -0.047789], abs=5e-7)
    log_z = -float(value(one, "free_energy")[0, 0]) - float(value(one, "log_likelihood"))
    assert np.exp(log_z) == pytest.approx(11.500190, abs=5e-6)


def test_the_mean_step_of_sampled_cd_1_is_its_expectation():
    """08:contrastive-divergence: (0.221703, −0.037830); 4,000 copies of the row and ten iterations at a rate of 0."""
    numbers = {
        "hidden": 1,
        "initial_weight": [[1], [-2]],
        "initial_visible_bias": [0.5, -0.5],
        "initial_hidden_bias": [0.2],
    }
    steps = []
    for seed in range(10):
        made = session(
            "restricted_boltzmann_machine", [[1, 0]] * 4000, **numbers, sampling="everything", learning_rate=1.0, seed=seed
        )  # fmt: skip
        made.step("iteration")
        steps.append(moved(made, "weight", [[1], [-2]]).ravel())
    assert np.mean(steps, axis=0) == pytest.approx([0.221703, -0.037830], abs=0.01)  # deviation of the mean about 0.003


def days() -> list[list[int]]:
    """05:rbm-ice-cream-trucks: 100 synthetic days."""
    counts = {(1, 1, 0, 0): 40, (0, 0, 1, 1): 40, (1, 1, 1, 1): 10, (1, 0, 0, 0): 5, (0, 0, 0, 1): 5}
    return [list(day) for day, count in counts.items() for _ in range(count)]


@pytest.mark.parametrize(
    ("method", "least"), [("exact", -1.45), ("contrastive divergence", -1.5), ("persistent", -1.6)]
)
def test_every_method_climbs_the_likelihood_of_the_ice_cream_days(method, least):
    made = session("restricted_boltzmann_machine", days(), hidden=3, method=method, chains=100, learning_rate=0.1)
    made.step("phase")
    assert float(value(made, "log_likelihood")) == pytest.approx(-2.7626, abs=0.02)
    made.run(3000)
    made.step("phase")
    assert least < float(value(made, "log_likelihood")) < -1.2629  # the data's own entropy is the ceiling


def test_visible_biases_start_at_the_log_odds_of_the_data():
    made = session("restricted_boltzmann_machine", [[1, 0], [1, 0], [1, 1], [0, 0]], visible_start="log odds")
    assert made.parameters["rule.visible_bias"] == pytest.approx([np.log(3), -np.log(3)])
    still = session("restricted_boltzmann_machine", [[1, 0]] * 3, visible_start="log odds")
    assert still.parameters["rule.visible_bias"] == pytest.approx([np.log(99), -np.log(99)])


B3 = {"initial_weight": [[0, 0.5, -0.4], [0, 0, 0.8], [0, 0, 0]], "initial_bias": [0.1, -0.2, 0.3]}
P3 = np.array([0.08177, 0.110379, 0.066948, 0.201123, 0.09037, 0.08177, 0.121987, 0.245652])


@pytest.mark.text("05:boltzmann-learning")
def test_numbers_05_boltzmann_learning():
    made = session("boltzmann_machine", [[1, 1], [0, 0]], hidden=1, learning_rate=1.0, **B3)
    made.step("iteration")
    assert float(value(made, "log_likelihood")) == pytest.approx(-1.3250685062, abs=5e-11)
    step = moved(made, "weight", B3["initial_weight"])
    found = [step[0, 1], step[0, 2], step[1, 2]]
    assert found == pytest.approx([0.1323607439, 0.0066713647, -0.1126810618], abs=5e-11)
    assert moved(made, "bias", B3["initial_bias"]) == pytest.approx([-0.03978, -0.13571, -0.017609], abs=6e-6)


@pytest.mark.text("05:boltzmann-learning")
def test_numbers_05_boltzmann_learning_exact_ascent():
    made = session("boltzmann_machine", [[1, 1], [0, 0]], hidden=1, learning_rate=0.5, **B3)
    expected, reached = {1: -1.300667, 10: -1.156455, 100: -0.801061, 1000: -0.701578, 2000: -0.697067}, {}
    for steps in expected:
        made.run(steps - made.iteration)
        made.step("phase")
        reached[steps] = float(value(made, "log_likelihood"))
    assert reached == pytest.approx(expected, abs=5e-7)


def test_hidden_units_that_pull_at_each_other_have_the_gradient_of_the_likelihood():
    random = np.random.default_rng(0)
    weight, bias, rows = (
        np.triu(random.normal(size=(5, 5)), 1),
        random.normal(size=5),
        np.array([[1, 0], [1, 1], [0, 1.0]]),
    )
    states = every_state(5)

    def likelihood(weight: Any, bias: Any) -> float:
        chances = np.exp((states @ weight * states).sum(axis=1) + states @ bias)
        chances /= chances.sum()
        return float(np.mean([np.log(chances[(states[:, :2] == row).all(axis=1)].sum()) for row in rows]))

    made = session(
        "boltzmann_machine", rows, hidden=3, learning_rate=1.0, initial_weight=weight.tolist(), initial_bias=bias.tolist()
    )  # fmt: skip
    made.step("iteration")
    assert float(value(made, "log_likelihood")) == pytest.approx(likelihood(weight, bias), abs=1e-12)
    found = moved(made, "weight", weight)
    for place in zip(*np.triu_indices(5, 1), strict=True):
        ends = []
        for step in (1e-5, -1e-5):
            shifted = weight.copy()
            shifted[place] += step
            ends.append(likelihood(shifted, bias))
        assert found[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-8)


@pytest.mark.text("05:boltzmann-machine")
def test_numbers_05_boltzmann_machine_gibbs_samples_have_its_distribution():
    """05:gibbs-sampling: from three sweeps on within 0.0004 of BM3's distribution; 4,000 chains and 25 sweeps after 5."""
    made = session(
        "boltzmann_machine", [[1, 1]], hidden=1, method="sampled", chains=4000, learning_rate=0.0, **B3
    )  # fmt: skip
    made.run(5)
    counts = np.zeros(8)
    for _ in range(25):
        made.run(1)
        counts += np.bincount((value(made, "free") @ [4, 2, 1]).astype(int), minlength=8)
    assert abs(counts / counts.sum() - P3).sum() / 2 < 0.01  # of 100,000 draws about 0.004 is to be expected
    means = (every_state(3).T @ (counts / counts.sum())).tolist()
    assert means == pytest.approx([0.53978, 0.63571, 0.638924], abs=0.01)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("gap", [-1.0, 0.0, 1.0])
@pytest.mark.text("08:boltzmann-machine")
def test_numbers_08_boltzmann_machine_chance_by_gap_and_temperature(temperature, gap):
    made = session(
        "boltzmann_machine", [[1]], hidden=0, method="sampled", chains=4000, learning_rate=0.0, temperature=temperature,
        initial_bias=[gap], initial_weight=[[0]],
    )  # fmt: skip
    total = 0.0
    for _ in range(10):
        made.run(1)
        total += float(value(made, "free").mean()) / 10
    printed = {(1, 0.5): 0.8808, (1, 1): 0.7311, (1, 4): 0.5622, (-1, 0.5): 0.1192, (-1, 1): 0.2689, (-1, 4): 0.4378}
    assert total == pytest.approx(printed.get((gap, temperature), 0.5), abs=0.012)


def test_sampled_statistics_climb_towards_the_bound_as_exact_ones_do():
    made = session(
        "boltzmann_machine", [[1, 1], [0, 0]] * 50, hidden=1, method="sampled", sweeps=3, chains=100, learning_rate=0.1, **B3
    )  # fmt: skip
    made.run(2000)
    made.step("phase")
    assert -0.85 < float(value(made, "log_likelihood")) < -np.log(2)


def test_too_many_units_are_not_enumerated():
    made = Session(document("boltzmann_machine", np.zeros((2, 13)), hidden=0))
    (problem,) = made.lowered.problems
    assert "13 units have 8.19e+03 states" in str(problem) and "Choose “sampled”" in str(problem)


@pytest.mark.parametrize(
    ("rule", "properties"),
    [
        ("restricted_boltzmann_machine", {"steps": 2}),
        ("restricted_boltzmann_machine", {"method": "persistent", "sampling": "everything"}),
        ("boltzmann_machine", {"method": "sampled", "hidden": 2}),
    ],
)
def test_stepping_running_and_going_back_agree_bit_for_bit(rule, properties):
    assert_steps_runs_and_ways_back_agree(lambda: session(rule, ROWS, batch=2, **properties), 5)
    assert lasting(session(rule, ROWS, batch=2, **properties)) == lasting(session(rule, ROWS, batch=2, **properties))


def unrolled(parameters: Any) -> Session:
    """A machine whose weights a decoder shares, and a phase that brings down what the reconstruction misses."""
    graph = Graph()
    graph.add("input", "x")
    graph.add("restricted_boltzmann_machine", "machine", hidden=2, sampling="nothing")
    graph.add("transpose", "turned")
    graph.add("dense", "back", units=4, activation="sigmoid")
    graph.add("binary_cross_entropy", "loss")
    for one, other in (
        ("x.value", "machine.x"), ("machine.weight", "turned.x"), ("machine.hidden", "back.x"), ("turned.y", "back.weight"),
        ("machine.visible_bias", "back.bias"), ("back.h", "loss.prediction"), ("x.value", "loss.target"),
    ):  # fmt: skip
        graph.connect(one, other)
    phase = {
        "name": "main", "minimise": "loss", "parameters": parameters, "optimizer": {"type": "sgd", "learning_rate": 1.0},
    }  # fmt: skip
    data = {"inputs": [[1, 1, 0, 0], [0, 0, 1, 1]], "targets": [[0], [0]], "task": "regression"}
    return Session(Document(graph, data, {"seed": 0, "batch_size": 0, "phases": [phase]}), dtype="float64")


def test_a_decoder_that_shares_its_weights_gives_its_reconstruction():
    made = unrolled("all")
    made.run(20)
    made.step("phase")
    np.testing.assert_allclose(made.value("back.h"), made.value("machine.reconstruction"), atol=1e-14)


def test_a_phase_that_names_the_machine_tunes_it_by_the_derivative_and_not_by_its_rule():
    ruled, tuned = unrolled("all"), unrolled(["machine"])
    for made in (ruled, tuned):
        assert [step.part for step in made.steps if step.node == "machine"].count("update") == 1
    while tuned.next_step is not None and tuned.next_step.part != "update":
        tuned.step()
    wanted = tuned.parameters["machine.weight"] - tuned.gradient("machine.weight")
    tuned.step("iteration")
    np.testing.assert_allclose(tuned.parameters["machine.weight"], wanted, atol=1e-15)
    ruled.run(300)
    tuned.run(300)
    assert tuned.evaluate("train")["loss"] < 0.1
    assert not np.allclose(ruled.parameters["machine.weight"], tuned.parameters["machine.weight"], atol=0.1)
