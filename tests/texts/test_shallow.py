"""Worked numbers of chapters 3 and 6: closed forms, affinities of words and nodes, radial basis functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine import Session
from engine.analysis.sensitivity import jacobian
from tests.texts.drawing import Drawing, both_ways, forward, gradient, table, value

# The toy data of the catalogue; a last feature of 1 stands for the bias.
TOY4 = ([[2, 1, 1], [1, -1, 1], [-1, -1, 1], [-2, 0.5, 1]], [1, 1, -1, -1])
LINE3 = ([[1, 1], [2, 1], [3, 1]], [1, 2, 2])
M53 = np.array([[1, 2, 0], [2, 4, 1], [3, 6, 1], [0, 1, 5], [1, 0, 4]], float)
NEWTON = {"optimizer": {"type": "newton"}}


def ridge(inputs: Any, targets: Any, strength: float, **training: Any) -> Session:
    """½ ‖Dw − y‖² + ½ λ ‖w‖², drawn as a graph, from w = 0."""
    goal = np.asarray(targets, float).reshape(len(inputs), -1)
    g = Drawing()
    w = g.learned(np.zeros((len(inputs[0]), goal.shape[1])), "w")
    output = g.put("dense", g.add("input"), w, units=goal.shape[1], use_bias=False)
    error = g.put("squared_error", output, g.add("target"), half=True, reduction="sum", id="error")
    size = g.put("scale", g.total(g.put("square", w)), factor=strength / 2)
    return g.session(g.put("add", error, size), table(inputs, goal), **training)


def solved(inputs: Any, targets: Any, strength: float = 0.0) -> np.ndarray:
    session = ridge(inputs, targets, strength, **NEWTON)
    session.run(1)
    return session.parameters["w.value"]


@pytest.mark.parametrize(
    ("data", "strength", "expected"),
    [
        (TOY4, 0.0, [0.603239, -0.032389, -0.004049]),
        (TOY4, 1.0, [0.546460, -0.011062, -0.001106]),
        (LINE3, 0.0, [0.5, 0.666667]),
        (LINE3, 1.0, [0.583333, 0.375]),
    ],
)
@pytest.mark.text("02:least-squares-closed-form")
def test_one_step_of_newtons_method_is_the_closed_form(data, strength, expected):
    np.testing.assert_allclose(solved(*data, strength)[:, 0], expected, atol=5e-7)


@pytest.mark.text("02:least-squares-closed-form")
def test_what_is_left_of_the_errors_and_the_pseudo_inverse():
    session = ridge(*TOY4, 0.0, **NEWTON)
    session.run(1)
    forward(session)
    assert 2 * session.loss == pytest.approx(0.396761, abs=5e-7)
    pseudo_inverse = solved(LINE3[0], np.eye(3))
    np.testing.assert_allclose(pseudo_inverse, [[-0.5, 0, 0.5], [1.333333, 0.333333, -0.666667]], atol=5e-7)


def test_features_that_repeat_each_other_are_told_with_what_helps():
    g = Drawing()
    g.put("least_squares", g.add("input"), g.add("target"))
    session = g.session(data=table([[1, 1], [2, 2], [3, 3]], [0, 1, 2]))
    session.run(1)
    assert session.problem is not None and session.problem.node == "least_squares_1"
    assert "depend on each other" in session.problem.mend and "strength above 0" in session.problem.mend


@pytest.mark.text("02:l2-shrinkage")
def test_shrinking_at_every_sample_is_a_ridge_of_that_strength_times_the_rows():
    g = Drawing()
    output = g.put("dense", g.add("input"), units=1, use_bias=False, initial_weight=[[0.0], [0.0]], id="y")
    error = g.put("squared_error", output, g.add("target"), half=True, reduction="sum")
    session = g.session(
        error, table(*LINE3), batch_size=1, optimizer={"type": "sgd", "learning_rate": 1e-3},
        penalty={"type": "weight_decay", "strength": 0.1},
    )  # fmt: skip
    session.run(30_000)
    found = session.parameters["y.weight"][:, 0]
    np.testing.assert_allclose(found, [0.5630, 0.4915], atol=2e-3)
    np.testing.assert_allclose(solved(*LINE3, 0.3)[:, 0], [0.5630, 0.4915], atol=5e-5)


@pytest.mark.parametrize("form", ["weight_decay", "l2"])
@pytest.mark.text("02:l2-shrinkage")
def test_shrinking_is_the_step_of_half_the_strength_times_the_squares(form):
    g = Drawing()
    w = g.learned([2.0, -3.0], "w")
    zero = g.put("scale", g.total(w), factor=0.0)
    convention = {"convention": "half"} if form == "l2" else {}
    session = g.session(
        zero, optimizer={"type": "sgd", "learning_rate": 0.1}, penalty={"type": form, "strength": 0.5, **convention}
    )
    session.run(1)
    np.testing.assert_allclose(session.parameters["w.value"], [2 * 0.95, -3 * 0.95], rtol=1e-14)


@pytest.mark.text("02:irls-and-gis")
def test_newtons_method_on_a_logistic_model_reweights_least_squares():
    g = Drawing()
    logits = g.put("dense", g.add("input"), units=1, initial_weight=[[0.0]], id="y")
    error = g.put("logistic_cross_entropy", logits, g.add("target"), reduction="sum")
    session = g.session(error, table([[-2], [-1], [0], [1], [2]], [0, 0, 1, 0, 1]), **NEWTON)
    steps = [(0.8, -0.4), (1.039750, -0.579656), (1.088577, -0.621041), (1.090423, -0.622688), (1.090426, -0.622690)]
    for expected in steps:
        session.run(1)
        found = [float(session.parameters[f"y.{name}"].item()) for name in ("weight", "bias")]
        assert found == pytest.approx(expected, abs=5.1e-7)
    assert forward(session).loss == pytest.approx(2.421967, abs=5e-7)


def autoencoder(units: int) -> tuple[Drawing, Any, Any]:
    """A drawing with the rows of M53, and random starts for a decoder (units, 3) and an encoder."""
    draw = np.random.default_rng(units)
    return Drawing(), draw.normal(size=(units, 3)), draw.normal(size=(3, units))


@pytest.mark.parametrize(("at_zero", "weights"), [("right", [0, 0, 0]), ("mistake", [2, 1, 1])])
@pytest.mark.text("02:ch3-ch6-conventions")
def test_a_perceptron_that_starts_at_zero_moves_only_where_a_score_of_zero_is_a_mistake(at_zero, weights):
    g = Drawing()
    score = g.put("dense", g.add("input"), units=1, use_bias=False, initial_weight=[[0.0]] * 3, id="score")
    loss = g.put("perceptron_criterion", score, g.add("target"), at_zero=at_zero)
    session = g.session(loss, table(*TOY4), batch_size=1, optimizer={"type": "sgd", "learning_rate": 1.0})
    session.run(5 * 4)
    np.testing.assert_array_equal(session.parameters["score.weight"][:, 0], weights)


@pytest.mark.parametrize(("units", "loss"), [(1, 35.630551), (2, 0.952261)])
@pytest.mark.text("02:encoder-pseudoinverse", "02:linear-autoencoder-mf")
def test_a_trained_linear_encoder_is_the_pseudo_inverse_of_its_decoder(units, loss):
    g, decoder, encoder = autoencoder(units)
    x = g.add("input")
    code = g.put("dense", x, units=units, use_bias=False, initial_weight=encoder.tolist(), id="encoder")
    back = g.put("dense", code, units=3, use_bias=False, initial_weight=decoder.tolist(), id="decoder")
    error = g.put("squared_error", back, x, reduction="sum")
    session = g.session(error, table(M53), optimizer={"type": "levenberg_marquardt"})
    session.run(120)
    assert forward(session).loss == pytest.approx(loss, abs=5e-7)
    found = session.parameters
    np.testing.assert_allclose(found["encoder.weight"], np.linalg.pinv(found["decoder.weight"]), atol=3e-14)


@pytest.mark.parametrize(("units", "loss"), [(1, 35.630551), (2, 0.952261)])
@pytest.mark.text("02:weight-tying", "02:tied-autoencoder")
def test_a_tied_decoder_becomes_orthonormal(units, loss):
    g, decoder, _ = autoencoder(units)
    x = g.add("input")
    v = g.learned(decoder.T, "v")
    code = g.put("matmul", x, v, id="code")
    error = g.put("squared_error", g.put("matmul", code, g.put("transpose", v)), x, reduction="sum")
    session = g.session(error, table(M53), optimizer={"type": "bfgs"})
    session.run(60)
    assert forward(session).loss == pytest.approx(loss, abs=5e-7)
    weight = session.parameters["v.value"]
    np.testing.assert_allclose(weight.T @ weight, np.eye(units), atol=1e-7)
    spread = np.linalg.eigvalsh(value(session, "code").T @ value(session, "code"))
    np.testing.assert_allclose(spread[::-1], [8.908953**2, 5.888828**2][:units], rtol=1e-6)
    if units == 2:  # the gram of the codes turns with the start; its invariants are those of the printed one
        np.testing.assert_allclose(
            [spread.sum(), spread.prod()], [66.435 + 47.612, 66.435 * 47.612 - 20.267**2], rtol=2e-5
        )


@pytest.mark.text("02:weight-tying", "02:cbow")
def test_words_of_one_context_share_their_embeddings():
    g = Drawing()
    u = g.learned([[1, 0], [0, 1], [0.5, 0.5], [-1, 1]], "u")
    v = g.learned([[0.5, 0], [1, 1], [0, -0.5], [-0.5, 0.5]], "v")
    context = g.held([[0.5, 0, 0.5, 0]])  # words 1 and 3, averaged
    h = g.put("matmul", context, u, id="h")
    scores = g.put("matmul", h, g.put("transpose", v), id="scores")
    log = g.put("log_softmax", scores)
    loss = g.put("negate", g.put("dot", log, g.held([[0, 1, 0, 0]])))
    session = both_ways(g.session(g.total(loss), optimizer={"type": "sgd", "learning_rate": 0.1}))
    np.testing.assert_allclose(value(session, "h"), [[0.75, 0.25]])
    np.testing.assert_allclose(value(session, "scores"), [[0.375, 1, -0.125, -0.25]])
    assert session.loss == pytest.approx(0.763801, abs=5e-7)
    errors = -gradient(session, "scores")
    np.testing.assert_allclose(errors, [[-0.249374, 0.534108, -0.151253, -0.133480]], atol=5e-7)
    np.testing.assert_allclose(-gradient(session, "h"), [[0.476161, 0.542994]], atol=5e-7)
    session.run(1)
    np.testing.assert_allclose(
        session.parameters["u.value"][[0, 2]], [[1.023808, 0.027150], [0.523808, 0.527150]], atol=5e-7
    )
    np.testing.assert_allclose(
        session.parameters["v.value"],
        [[0.481297, -0.006234], [1.040058, 1.013353], [-0.011344, -0.503781], [-0.510011, 0.496663]], atol=5.1e-7,
    )  # fmt: skip
    assert forward(session).loss == pytest.approx(0.713673, abs=5e-7)


@pytest.mark.text("02:word-context-matrix")
def test_neighbouring_words_are_counted_by_a_product_of_one_hot_rows():
    words = ["the", "cat", "sat", "on", "the", "mat"]
    vocabulary = list(dict.fromkeys(words))
    g = Drawing()
    text = g.held([[float(word == entry) for entry in vocabulary] for word in words])
    before, after = g.put("slice", text, axis=0, stop=5), g.put("slice", text, axis=0, start=1)
    follows = g.put("matmul", g.put("transpose", before), after)
    counts = g.put("add", follows, g.put("transpose", follows))
    found = value(forward(g.session()), counts)
    counted = {f"{vocabulary[i]}-{vocabulary[j]}": found[i, j] for i, j in zip(*np.nonzero(found), strict=True)}
    pairs = {("the", "cat"), ("cat", "sat"), ("sat", "on"), ("on", "the"), ("the", "mat")}
    assert counted == {f"{one}-{other}": 1.0 for pair in pairs for one, other in (pair, pair[::-1])}


GRAPH5 = np.zeros((5, 5))
for one, other in ((1, 2), (1, 3), (2, 3), (3, 4), (4, 5)):
    GRAPH5[one - 1, other - 1] = GRAPH5[other - 1, one - 1] = 1


@pytest.mark.text("02:multi-hop-affinity")
def test_walks_of_two_steps():
    g = Drawing()
    a = g.held(GRAPH5)
    g.put("matmul", a, a, id="walks")
    chances = g.put("divide", a, g.held(GRAPH5.sum(axis=1, keepdims=True)))
    both = g.put("add", chances, g.put("matmul", chances, chances))
    session = forward(g.session())
    assert value(session, "walks")[2, 2] == 3
    np.testing.assert_allclose(value(session, both)[0], [0.416667, 0.666667, 0.75, 0.166667, 0], atol=5e-7)


@pytest.mark.text("02:link-prediction-affinities")
def test_affinities_of_nodes_by_their_neighbours():
    degrees = GRAPH5.sum(axis=1, keepdims=True)
    g = Drawing()
    a, degree = g.held(GRAPH5), g.held(degrees)
    common = g.put("matmul", a, a)
    either = g.put("subtract", g.put("add", degree, g.put("transpose", degree)), common)
    jaccard = g.put("divide", common, either)
    rarity = g.put("divide", a, g.put("log", g.held(np.maximum(degrees, 2).T)))  # a leaf lies between no two nodes
    adamic_adar = g.put("matmul", rarity, a)
    step = g.put("scale", a, factor=0.1)
    walks = step
    for _ in range(30):
        walks = g.put("add", step, g.put("matmul", step, walks))
    session = forward(g.session())
    assert [value(session, jaccard)[i, j] for i, j in ((0, 1), (0, 2), (2, 4))] == pytest.approx([1 / 3, 0.25, 1 / 3])
    found = [value(session, adamic_adar)[0, j] for j in (1, 2, 3)]
    assert found == pytest.approx([0.910239, 1.442695, 0.910239], abs=5e-7)
    katz = [value(session, walks)[i, j] for i, j in ((0, 1), (2, 3), (0, 4))]
    assert katz == pytest.approx([0.113768, 0.104384, 0.001160], abs=5e-7)


def radial(inputs: Any, targets: Any, strength: float, bias: bool, **units: Any) -> Session:
    """Gaussian units and a linear output solved by one Newton step; the units stay."""
    g = Drawing()
    hidden = g.put("gaussian_units", g.add("input"), units=2, learn_prototypes=False, id="hidden", **units)
    w = g.learned([[0.0], [0.0]], "w")
    output = g.put("dense", hidden["h"], w, *([g.learned([0.0], "b")] if bias else []), units=1, use_bias=bias)
    error = g.put("squared_error", output, g.add("target"), half=True, reduction="sum")
    loss = g.put("add", error, g.put("scale", g.total(g.put("square", w)), factor=strength / 2))
    learned = ["w", "b"] if bias else ["w"]
    phase = {"name": "main", "minimise": str(loss), "parameters": learned, "optimizer": {"type": "newton"}}
    session = g.session(data=table(inputs, targets), phases=[phase])
    session.run(1)
    return forward(session)


@pytest.mark.parametrize(
    ("strength", "expected"), [(0.0, (0.325172, 1.335676)), (0.1, (0.403085, 1.106724)), (1.0, (0.429928, 0.521449))]
)
@pytest.mark.text("02:rbf-output-ridge")
def test_output_weights_of_radial_units_in_closed_form(strength, expected):
    session = radial(
        [[0], [1], [2]], [1, 0, 2], strength, False, initial_prototypes=[[0.5], [1.5]], initial_width=[1.0, 0.5]
    )
    activations = [[0.882497, 0.011109], [0.882497, 0.606531], [0.324652, 0.606531]]
    np.testing.assert_allclose(value(session, "hidden.h"), activations, atol=5e-7)
    np.testing.assert_allclose(session.parameters["w.value"][:, 0], expected, atol=5e-7)


@pytest.mark.text("02:rbf-bias-unit")
def test_without_a_unit_that_is_always_on_two_prototypes_do_not_fit_xor():
    points, labels = [[0, 0], [1, 0], [0, 1], [1, 1]], [-1, 1, 1, -1]
    fitted = radial(points, labels, 0.0, True, initial_prototypes=[[0, 0], [1, 1]])
    assert fitted.loss == pytest.approx(0, abs=1e-20)
    np.testing.assert_allclose(fitted.parameters["w.value"][:, 0], [-12.918384] * 2, atol=5e-7)
    np.testing.assert_allclose(fitted.parameters["b.value"], [16.670792], atol=5e-7)
    assert radial(points, labels, 0.0, False, initial_prototypes=[[0, 0], [1, 1]]).loss > 1.9


@pytest.mark.text("02:rbf-input-sensitivity")
def test_a_radial_unit_by_its_inputs():
    g = Drawing()
    g.put("gaussian_units", g.add("input"), units=1, initial_prototypes=[[0, 0]], initial_width=2.0, id="h")
    session = forward(g.session(data=table([[1, 2]])))
    assert value(session, "h.h").item() == pytest.approx(0.535261, abs=5e-7)
    found = jacobian(session, "h.h", "data.inputs").matrix
    np.testing.assert_allclose(found, [[-0.133815, -0.267631]], atol=5.1e-7)
