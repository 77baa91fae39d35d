"""Losses that hold derivatives, and the two players' losses: against formulas, central differences and worked numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

from engine.document import Document
from engine.graph import Graph
from engine.session import Session
from tests.engine.nodes.slopes import Alone, check_derivatives

DRAW = np.random.default_rng(43)
X = DRAW.normal(size=(4, 3))
WEIGHT, SECOND = DRAW.normal(size=(3, 2)), DRAW.normal(size=(2, 1))


def network(penalty: str, activation: str, units: int = 2, x=X, weight=WEIGHT, rate=0.0, **properties: Any) -> Document:
    """Features, a hidden layer, and for a critic a score behind it; the penalty is all that is minimised."""
    graph = Graph()
    data = graph.add("input")
    hidden = graph.add(
        "dense", "hidden", units=units, activation=activation, initial_weight=np.asarray(weight).tolist(),
        initial_bias=[0.1] * units if penalty == "gradient_penalty" else [0.0] * units,
    )  # fmt: skip
    graph.connect(data, hidden)
    node = graph.add(penalty, "penalty", **properties)
    if penalty == "gradient_penalty":
        score = graph.add("dense", "score", units=1, initial_weight=SECOND.tolist())
        graph.connect(hidden, score)
        graph.connect(score, node["y"])
    else:
        graph.connect(hidden, node["h"])
    graph.connect(data, node["x"])
    training = {"loss": "penalty", "optimizer": {"type": "sgd", "learning_rate": rate}, "order": "sequential"}
    rows = {"inputs": np.asarray(x).tolist(), "targets": [[0.0]] * len(x)}
    return Document(graph, data={"train": rows}, training=training, precision="float64")


def played(document: Document) -> Session:
    assert document.check() == []
    session = Session(document)
    session.program.verify()
    session.step("iteration")
    return session


def by_differences(session: Session, key: str, step: float = 1e-5) -> np.ndarray:
    start = session.parameters[key]
    slope = np.zeros_like(start)
    for place in np.ndindex(start.shape):
        losses = []
        for sign in (1, -1):
            moved = start.copy()
            moved[place] += sign * step
            session.set_parameter(key, moved)
            losses.append(session.evaluate("train")["loss"])
        slope[place] = (losses[0] - losses[1]) / (2 * step)
    session.set_parameter(key, start)
    return slope


BENDS = {
    "sigmoid": lambda a: special.expit(a) * (1 - special.expit(a)),
    "tanh": lambda a: 1 - np.tanh(a) ** 2,
    "relu": lambda a: (a > 0).astype(float),
    "identity": np.ones_like,
}


@pytest.mark.parametrize("activation", BENDS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_contractive_penalty_is_the_sum_of_all_squared_derivatives(activation, reduction):
    session = played(network("contractive_penalty", activation, strength=0.3, reduction=reduction))
    jacobians = BENDS[activation](X @ WEIGHT)[:, :, None] * WEIGHT.T[None]
    expected = 0.15 * (jacobians**2).sum() / (4 if reduction == "mean" else 1)
    assert session.loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("penalty", ["contractive_penalty", "gradient_penalty"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", "gelu"])
def test_penalties_on_derivatives_are_differentiated_exactly(penalty, activation):
    session = played(network(penalty, activation))
    for key in ("hidden.weight", "hidden.bias"):
        np.testing.assert_allclose(session.gradient(key), by_differences(session, key), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("side", "cost"), [("both", lambda d: d**2), ("above", lambda d: np.maximum(d, 0) ** 2)])
def test_the_gradient_penalty_compares_the_length_of_each_examples_slope(side, cost):
    session = played(network("gradient_penalty", "tanh", side=side, length=0.8))
    slopes = (SECOND[:, 0] * (1 - np.tanh(X @ WEIGHT + 0.1) ** 2)) @ WEIGHT.T
    expected = 10 * np.mean(cost(np.linalg.norm(slopes, axis=1) - 0.8))
    assert session.loss == pytest.approx(expected, rel=1e-12)


def test_a_penalty_learns_as_it_steps_and_leaves_no_work_undone():
    made = network("contractive_penalty", "sigmoid", rate=0.5)
    stepped, ran = Session(made), Session(made)
    for _ in range(3):
        stepped.step("iteration")
    ran.run(3)
    assert ran.parameters["hidden.weight"].tobytes() == stepped.parameters["hidden.weight"].tobytes()
    used = {operand.index for call in ran.program.calls for operand in call.operands}
    kept = {value.index for value in [*ran.program.outputs.values(), *ran.program.losses]}
    kept |= {value.index for found in ran.program.gradients for value in found.values()}
    mine = [c for c in ran.program.calls if c.origin.node == "penalty" and c.origin.part == "forward"]
    assert all(call.result.index in used | kept for call in mine)


def derivative(expression: str) -> tuple[Graph, str]:
    graph = Graph()
    x, node = graph.add("input"), graph.add("derivative", "node")
    bend = graph.add(expression)
    graph.connect(x, bend)
    graph.connect(bend, node["y"])
    graph.connect(x, node["x"])
    return graph, node.id


def values(graph: Graph, *names: str, x=X) -> list[np.ndarray]:
    rows = {"inputs": np.asarray(x).tolist(), "targets": [[0.0]] * len(x)}
    document = Document(graph, data={"train": rows}, training={"order": "sequential"}, precision="float64")
    assert document.check() == []
    session = Session(document)
    session.step("iteration")
    return [np.asarray(session.value(name)) for name in names]


def test_a_derivative_is_a_value_that_can_be_drawn():
    graph, node = derivative("tanh")
    np.testing.assert_allclose(values(graph, node)[0], 1 - np.tanh(X) ** 2, rtol=1e-12)


def test_a_derivative_of_a_derivative_of_a_derivative():
    graph, node = derivative("tanh")
    for name in ("second", "third"):
        again = graph.add("derivative", name)
        graph.connect(graph.nodes[node].id + ".g", again["y"])
        graph.connect("input_1.value", again["x"])
        node = name
    t = np.tanh(X)
    first = 1 - t**2
    second, third = values(graph, "second", "third")
    np.testing.assert_allclose(second, -2 * t * first, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(third, -2 * first**2 + 4 * t**2 * first, rtol=1e-11, atol=1e-14)


def test_a_derivative_by_what_leads_nowhere_is_refused():
    graph, _ = derivative("tanh")
    other = graph.add("identity")
    graph.connect("input_1.value", other)
    graph.disconnect("input_1.value", "node.x")
    graph.connect(other, "node.x")
    (problem,) = Document(graph, data={"train": {"inputs": X.tolist(), "targets": [[0.0]] * 4}}).check()
    assert (problem.node, problem.port) == ("node", "x")
    assert "does not depend" in problem.fact


def test_too_many_units_for_a_jacobian_are_told():
    (problem,) = network("contractive_penalty", "tanh", units=300, weight=np.ones((3, 300))).check()
    assert "300 units" in problem.fact and problem.node == "penalty"


# two players ---------------------------------------------------------------------------------------------

SCORES, OTHERS = DRAW.normal(size=(4, 1)) * 2, DRAW.normal(size=(4, 1)) * 2
P, Q = special.expit(SCORES), special.expit(OTHERS)
PLAYERS = [
    ("discriminator_loss", {"real": SCORES, "fake": OTHERS}, {}, -np.log(P) - np.log(1 - Q)),
    ("discriminator_loss", {"real": P, "fake": Q}, {"scores_are": "probabilities"}, -np.log(P) - np.log(1 - Q)),
    ("discriminator_loss", {"real": SCORES, "fake": OTHERS}, {"form": "wasserstein"}, OTHERS - SCORES),
    ("generator_loss", {"fake": OTHERS}, {}, -np.log(Q)),
    ("generator_loss", {"fake": OTHERS}, {"form": "minimax"}, np.log(1 - Q)),
    ("generator_loss", {"fake": Q}, {"scores_are": "probabilities"}, -np.log(Q)),
    ("generator_loss", {"fake": Q}, {"scores_are": "probabilities", "form": "minimax"}, np.log(1 - Q)),
    ("generator_loss", {"fake": OTHERS}, {"form": "wasserstein"}, -OTHERS),
]


@pytest.mark.parametrize(("type", "operands", "properties", "terms"), PLAYERS)
@pytest.mark.parametrize(("reduction", "reduce"), [("mean", np.mean), ("sum", np.sum)])
def test_a_players_loss_is_what_its_formula_says(type, operands, properties, terms, reduction, reduce):
    node = Alone(type, operands, reduction=reduction, **properties)
    assert node.value() == pytest.approx(reduce(terms), rel=1e-12)
    check_derivatives(node)


def test_scores_of_any_size_are_safe():
    sure = Alone("discriminator_loss", {"real": [[900.0]], "fake": [[-900.0]]}, "float32")
    wrong = Alone("discriminator_loss", {"real": [[-900.0]], "fake": [[900.0]]}, "float32")
    assert (sure.value(), wrong.value()) == (0, 1800)


# worked numbers ------------------------------------------------------------------------------------------

ENCODER = np.array([[0.5, -1.0], [1.0, 0.25], [-0.5, 0.75]])
DECODER = np.array([[0.2, 0.6, -0.3], [-0.4, 0.1, 0.5]])  # as the dense layer holds it: a row for each hidden unit
EXAMPLE = [[1.0, 0.5, -1.0]]


def autoencoder(activation: str) -> Session:
    graph = Graph()
    x = graph.add("input")
    code = graph.add("dense", "code", units=2, activation=activation, use_bias=False, initial_weight=ENCODER.tolist())
    back = graph.add("dense", "back", units=3, use_bias=False, initial_weight=DECODER.tolist())
    error = graph.add("squared_error", "error")
    penalty, both = graph.add("contractive_penalty", "penalty", strength=0.2), graph.add("add", "both")
    for begin, end in (
        (x, code), (code, back), (back, error["prediction"]), (x, error["target"]), (code, penalty["h"]),
        (x, penalty["x"]), (error, both["x"]), (penalty, both["x"]),
    ):  # fmt: skip
        graph.connect(begin, end)
    training = {"loss": "both", "optimizer": {"type": "sgd", "learning_rate": 0.0}, "order": "sequential"}
    rows = {"inputs": EXAMPLE, "targets": [[0.0]]}
    return played(Document(graph, data={"train": rows}, training=training, precision="float64"))


@pytest.mark.text("04:contractive-autoencoder")
def test_numbers_04_contractive_autoencoder():
    session = autoencoder("sigmoid")
    assert session.value("code")[0] == pytest.approx([0.817574, 0.164516], abs=5e-7)
    assert session.value("error") == pytest.approx(1.514725, abs=5e-7)
    assert session.value("penalty") == pytest.approx(0.2 * 0.032034, abs=2e-7)
    assert session.loss == pytest.approx(1.521131, abs=1e-6)
    expected = [[-0.129491, 0.214795], [-0.061409, 0.110231], [0.129491, -0.215739]]
    np.testing.assert_allclose(session.gradient("code.weight"), expected, atol=1e-6)


@pytest.mark.text("04:contractive-relu-autoencoder")
def test_numbers_04_contractive_relu_autoencoder():
    session = autoencoder("relu")
    assert session.value("error") == pytest.approx(0.9525)
    assert session.value("penalty") == pytest.approx(0.2 * 0.75)
    assert session.loss == pytest.approx(1.1025)
    expected = [[-0.03, 0], [0.135, 0], [0.03, 0]]
    np.testing.assert_allclose(session.gradient("code.weight"), expected, atol=1e-12)


@pytest.mark.text("04:linear-contractive-autoencoder")
def test_numbers_04_linear_contractive_autoencoder():
    session = autoencoder("identity")
    assert session.value("error") == pytest.approx(0.127812, abs=1e-6)
    assert session.value("penalty") == pytest.approx(0.2 * 1.5625)
    assert session.loss == pytest.approx(0.440313, abs=1e-6)


@pytest.mark.text("08:contractive-autoencoder")
def test_numbers_08_contractive_autoencoder():
    made = network(
        "contractive_penalty", "sigmoid", x=[[0.5, -0.5]], weight=[[1.0, 0.0], [2.0, -1.0]], strength=1.0, half=False
    )
    session = played(made)
    assert session.value("hidden")[0] == pytest.approx([0.377541, 0.622459], abs=5e-7)
    assert session.loss == pytest.approx(0.331360, abs=5e-7)


@pytest.mark.text("07:gan")
def test_numbers_07_gan_where_the_discriminator_cannot_tell():
    even = {"real": np.full((5, 1), 0.5), "fake": np.full((5, 1), 0.5)}
    node = Alone("discriminator_loss", even, reduction="sum", scores_are="probabilities")
    assert -node.value() == pytest.approx(-1.3863 * 5, abs=5e-4)


@pytest.mark.text("08:gan")
def test_numbers_08_gan_value_at_equilibrium():
    assert -Alone("discriminator_loss", {"real": [[0.0]], "fake": [[0.0]]}).value() == pytest.approx(
        -1.386294, abs=5e-7
    )


@pytest.mark.parametrize(("share", "minimax", "other"), [(0.01, -0.01, -0.99), (0.1, -0.1, -0.9), (0.5, -0.5, -0.5)])
@pytest.mark.text("07:gan-nonsaturating")
def test_numbers_07_gan_nonsaturating(share, minimax, other):
    score = {"fake": [[float(special.logit(share))]]}
    slopes = [
        Alone("generator_loss", score, form=form).slopes()["fake"][0, 0] for form in ("minimax", "non_saturating")
    ]
    assert slopes == pytest.approx([minimax, other])


@pytest.mark.parametrize(
    ("score", "minimax", "other"),
    [(-5, -0.006693, -0.993307), (-2, -0.119203, -0.880797), (0, -0.5, -0.5), (2, -0.880797, -0.119203)],
)
@pytest.mark.text("08:nonsaturating-gan-loss")
def test_numbers_08_nonsaturating_gan_loss(score, minimax, other):
    fake = {"fake": [[float(score)]]}
    slopes = [Alone("generator_loss", fake, form=form).slopes()["fake"][0, 0] for form in ("minimax", "non_saturating")]
    assert slopes == pytest.approx([minimax, other], abs=5e-7)
