"""Two networks against each other, from noise to a distribution: phases, shared parameters, draws and losses together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.document import Document
from engine.graph import Graph, NodeRef
from engine.session import Session

MEAN, DEVIATION = 4.0, 0.5
ROWS = np.random.default_rng(0).normal(MEAN, DEVIATION, (256, 1))
SHARED = ("w1", "b1", "w2", "b2")


def judge(graph: Graph, name: str, source: NodeRef) -> NodeRef:
    """The discriminator on another source: two layers that share their parameters with all others."""
    hidden, score = graph.add("dense", f"{name}_hidden", units=8, activation="tanh"), graph.add("dense", name, units=1)
    graph.connect(source, hidden["x"])
    graph.connect(hidden, score["x"])
    for node, (weight, bias) in ((hidden, SHARED[:2]), (score, SHARED[2:])):
        graph.connect(weight, node["weight"])
        graph.connect(bias, node["bias"])
    return score


def players(form: str, precision: str = "float32") -> Document:
    """A line from noise to numbers, judged by 8 tanh units; the critic of `wasserstein` pays for steep slopes."""
    graph, critic = Graph(), form == "wasserstein"
    real, noise, generator = (
        graph.add("input"),
        graph.add("noise", shape=(1,)),
        graph.add("dense", "generator", units=1),
    )
    graph.connect(noise, generator)
    for name, shape in zip(SHARED, ((1, 8), (8,), (8, 1), (1,)), strict=True):
        graph.add("parameter", name, shape=shape, initialiser="glorot_uniform" if name[0] == "w" else "zeros")
    discriminator = graph.add("discriminator_loss", "judged", form=form if critic else "cross_entropy")
    fooled = graph.add("generator_loss", "fooled", form=form)
    fake = judge(graph, "fake", generator)
    graph.connect(judge(graph, "real", real), discriminator["real"])
    graph.connect(fake, discriminator["fake"])
    graph.connect(fake, fooled["fake"])
    if critic:
        between, penalty, both = (
            graph.add("random_mixture"),
            graph.add("gradient_penalty", side="above"),
            graph.add("add", "both"),
        )
        graph.connect(real, between["a"])
        graph.connect(generator, between["b"])
        graph.connect(judge(graph, "middle", between), penalty["y"])
        graph.connect(between, penalty["x"])
        graph.connect(discriminator, both["x"])
        graph.connect(penalty, both["x"])
    phases: list[dict[str, Any]] = [
        {"name": "judge", "minimise": "both" if critic else "judged", "parameters": list(SHARED), "times": 3 if critic else 1},
        {"name": "fool", "minimise": "fooled", "parameters": ["generator"], "times": 1},
    ]  # fmt: skip
    for phase, rate in zip(phases, (0.01, 0.003 if critic else 0.01), strict=True):
        phase["optimizer"] = {"type": "adam", "learning_rate": rate}
    data = {"inputs": ROWS.tolist(), "targets": [[0.0]] * len(ROWS), "task": "regression"}
    training = {"batch_size": 64, "seed": 1, "turns": "in_turn", "phases": phases}
    document = Document(graph, data={"train": data}, training=training, precision=precision)
    assert document.check() == []
    return document


def made(session: Session) -> tuple[float, float]:
    """Mean and deviation of what the generator makes of standard normal numbers."""
    parameters = session.parameters
    return float(parameters["generator.bias"][0]), abs(float(parameters["generator.weight"][0, 0]))


@pytest.mark.parametrize("form", ["non_saturating", "minimax"])
def test_a_generator_finds_where_the_data_lie(form):
    session = Session(players(form))
    session.run(4000)
    assert session.problem is None
    assert made(session)[0] == pytest.approx(MEAN, abs=0.8)


def test_a_critic_with_a_gradient_penalty_shows_the_width_of_the_data_too():
    session = Session(players("wasserstein"))
    session.run(16_000)
    assert session.problem is None
    mean, deviation = made(session)
    assert mean == pytest.approx(MEAN, abs=0.3)
    assert deviation == pytest.approx(DEVIATION, abs=0.2)


def test_the_derivative_of_a_penalty_by_what_three_networks_share_is_exact():
    session = Session(players("wasserstein", "float64"))
    draw = np.random.default_rng(5)
    start = {key: array + 0.3 * draw.normal(size=array.shape) for key, array in session.parameters.items()}

    def loss_at(parameters: dict[str, np.ndarray]) -> float:
        session.reset()
        for key, array in parameters.items():
            session.set_parameter(key, array)
        while session.next_step.part in ("batch", "forward", "backward"):
            session.step()
        return float(session.value("both"))

    loss_at(start)
    found = {key: session.gradient(key) for key in ("w1.value", "b1.value", "w2.value")}
    for key, slope in found.items():
        expected = np.zeros_like(slope)
        for place in np.ndindex(slope.shape):
            moved = [{**start, key: start[key].copy()} for _ in range(2)]
            moved[0][key][place] += 1e-5
            moved[1][key][place] -= 1e-5
            expected[place] = (loss_at(moved[0]) - loss_at(moved[1])) / 2e-5
        np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-8)


def test_stepping_through_turns_draws_what_running_draws():
    stepped, ran = Session(players("wasserstein")), Session(players("wasserstein"))
    for _ in range(9):
        stepped.step("iteration")
    ran.run(9)
    for key, array in ran.parameters.items():
        assert stepped.parameters[key].tobytes() == array.tobytes()


def test_a_variational_autoencoder_draws_its_codes_and_learns_through_them():
    graph = Graph()
    x, mean, spread = graph.add("input"), graph.add("dense", "mean", units=1), graph.add("dense", "spread", units=1)
    code, back = graph.add("gaussian_sample", "code"), graph.add("dense", "back", units=2)
    error, apart, both = graph.add("squared_error"), graph.add("gaussian_kl"), graph.add("add", "both")
    for begin, end in (
        (x, mean), (x, spread), (mean, code["mean"]), (spread, code["spread"]), (code, back), (back, error["prediction"]),
        (x, error["target"]), (mean, apart["mean"]), (spread, apart["spread"]), (error, both["x"]), (apart, both["x"]),
    ):  # fmt: skip
        graph.connect(begin, end)
    along = np.random.default_rng(2).normal(size=(200, 1)) * 3
    rows = along @ [[0.8, 0.6]] + [1.0, -1.0]
    data = {"inputs": rows.tolist(), "targets": [[0.0]] * 200, "task": "regression"}
    training = {"loss": "both", "optimizer": {"type": "adam", "learning_rate": 0.01}, "batch_size": 50, "seed": 3}
    session = Session(Document(graph, data={"train": data}, training=training))
    session.run(6000)
    assert session.problem is None
    # Of a line of variance 9 the best linear code keeps ½ of noise: a decoder as long as √(9 − ½), and a spread of ½/9.
    back_weight = session.parameters["back.weight"][0]
    assert np.linalg.norm(back_weight) == pytest.approx((along.var() - 0.5) ** 0.5, rel=0.1)
    assert abs(back_weight @ [0.8, 0.6]) == pytest.approx(np.linalg.norm(back_weight), rel=1e-2)
    assert np.exp(session.value("spread").mean()) == pytest.approx(0.5 / along.var(), rel=0.25)


@pytest.mark.parametrize("form", ["non_saturating", "wasserstein"])
def test_a_turn_reads_nothing_that_only_another_turn_has_computed(form):
    session = Session(players(form))
    read = 0
    for turn in session.tape.fast.turns:
        begin, end = turn.full[:2]
        calls = [instruction.call for instruction in session.tape.fast.instructions[begin:end]]
        made_here = {call.result.index for call in calls}
        for call in calls:
            for operand in call.operands:
                if operand.call is not None and operand.call.primitive.name == "transpose":
                    assert operand.index in made_here, call
                    read += 1
    assert read > 1, "both turns read copies of matrices"


def test_going_back_through_turns_restores_every_bit():
    session = Session(players("non_saturating"))
    session.run(3)
    seen = []
    while session.iteration < 7:
        seen.append((session.iteration, {key: array.tobytes() for key, array in session._lasting().items()}))
        session.step("iteration")
    for iteration, bits in reversed(seen):
        session.step_back("iteration")
        assert session.iteration == iteration
        assert {key: array.tobytes() for key, array in session._lasting().items()} == bits
