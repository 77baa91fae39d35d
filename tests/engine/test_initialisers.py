"""Where parameters start: the spread that each rule promises, and the same numbers from the same seed."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest

from engine import Document, Graph, Session
from engine.initialisers import INITIALISERS, stream
from tests.texts.drawing import Drawing, forward, table, value

EACH = pytest.mark.parametrize("name", INITIALISERS)
# Standard deviation for 300 features and 200 units.
SPREAD = {
    "glorot_uniform": math.sqrt(2 / 500), "glorot_normal": math.sqrt(2 / 500), "he_normal": math.sqrt(2 / 300),
    "he_uniform": math.sqrt(2 / 300), "lecun_normal": math.sqrt(1 / 300), "lecun_uniform": math.sqrt(1 / 300),
    "fan_in_normal": math.sqrt(1 / 300), "fan_in_uniform": math.sqrt(1 / 900), "fan_out_normal": math.sqrt(1 / 200),
    "normal": 0.1, "small_normal": 0.01,
    "standard_normal": 1.0, "uniform": math.sqrt(1 / 3), "orthogonal": math.sqrt(1 / 300),
}  # fmt: skip


def drawn(name: str, shape: tuple[int, ...], seed: int = 0, address: str = "dense_1.weight") -> np.ndarray:
    return INITIALISERS[name](shape, stream(seed, address))


@pytest.mark.parametrize("name", SPREAD)
def test_weights_are_spread_as_the_rule_says(name):
    w = drawn(name, (300, 200))
    assert w.std() == pytest.approx(SPREAD[name], rel=0.02)
    assert abs(w.mean()) < 0.02 * SPREAD[name]


@pytest.mark.parametrize("name", [name for name in SPREAD if "uniform" in name])
def test_a_uniform_start_fills_its_interval_and_no_more(name):
    w, reach = drawn(name, (300, 200)), SPREAD[name] * math.sqrt(3)
    assert 0.999 * reach < np.abs(w).max() <= reach


@pytest.mark.parametrize(
    ("fans", "deviation"), [((64, 32), 0.1443375673), ((784, 100), 0.0475651494), ((100, 100), 0.1)]
)
@pytest.mark.text("01:initialisation", "03:init-glorot")
def test_glorot_as_printed(fans, deviation):
    ratio = drawn("glorot_normal", fans) / stream(0, "dense_1.weight").standard_normal(fans)
    np.testing.assert_allclose(ratio, deviation, rtol=1e-9)
    assert drawn("glorot_uniform", (1000, 1000)).std() == pytest.approx(math.sqrt(1 / 1000), rel=0.01)


@pytest.mark.text("03:init-fan-in")
def test_the_fan_in_rule_as_printed():
    w = drawn("fan_in_normal", (100, 7))
    np.testing.assert_allclose(w / stream(0, "dense_1.weight").standard_normal((100, 7)), 0.1, rtol=1e-12)


@pytest.mark.parametrize(("inputs", "fixed"), [(2, 0.014), (100, 0.099)])
@pytest.mark.text("01:initialisation")
def test_a_fixed_spread_lets_outputs_grow_with_the_inputs_and_a_scaled_one_does_not(inputs, fixed):
    x = np.random.default_rng(0).standard_normal((4000, inputs))
    for name, spread in (("small_normal", fixed), ("fan_in_normal", 1.0), ("fan_in_uniform", 0.58)):
        outputs = x @ drawn(name, (inputs, 400))
        assert outputs.std() == pytest.approx(spread, rel=0.06)


@pytest.mark.parametrize(
    ("activation", "deviation", "spreads"),
    [
        ("tanh", 0.01, (0.079, 3.5e-6, 1e-11, 1e-22)),
        ("tanh", 1 / 8, (0.63, 0.34, 0.22, 0.13)),
        ("tanh", 0.5, (0.90, 0.89, 0.88, 0.89)),
        ("identity", 0.5, (4.0, 1.1e3, 1.1e6, 8.9e11)),
    ],
)
@pytest.mark.text("01:initialisation")
def test_through_twenty_layers_values_fade_keep_their_size_saturate_or_explode(activation, deviation, spreads):
    g = Drawing()
    before = g.add("input")
    for layer in range(1, 21):
        before = g.put(
            "dense", before, id=f"layer_{layer}", units=64, activation=activation, use_bias=False, initialiser="normal",
            initial_scale=10 * deviation,
        )  # fmt: skip
    session = forward(g.session(data=table(np.random.default_rng(0).standard_normal((200, 64)))))
    found = [np.std(value(session, f"layer_{layer}")) for layer in (1, 5, 10, 20)]
    np.testing.assert_allclose(found, spreads, rtol=0.1)


@pytest.mark.text("08:weight-init-variance")
def test_a_start_by_fan_out_keeps_derivatives_and_one_by_fan_in_keeps_values():
    draw, wide, narrow = np.random.default_rng(0), 400, 100
    for name, forward_kept, backward_kept in (("fan_in_normal", True, False), ("fan_out_normal", False, True)):
        w = drawn(name, (wide, narrow))
        values, slopes = draw.standard_normal((2000, wide)) @ w, draw.standard_normal((2000, narrow)) @ w.T
        assert (values.std() == pytest.approx(1, rel=0.05)) == forward_kept
        assert (slopes.std() == pytest.approx(1, rel=0.05)) == backward_kept


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (3, 2, 4)])
def test_an_orthogonal_start_keeps_lengths(shape):
    w = drawn("orthogonal", shape).reshape(-1, shape[-1])
    short = w.T @ w if w.shape[0] >= w.shape[1] else w @ w.T
    np.testing.assert_allclose(short, np.eye(len(short)), atol=1e-12)


def test_an_orthogonal_start_favours_no_direction():
    first = np.array([drawn("orthogonal", (2, 2), seed)[0, 0] for seed in range(400)])
    assert abs(first.mean()) < 0.1 and 0.4 < (first > 0).mean() < 0.6


def test_an_identity_start_hands_its_input_on():
    np.testing.assert_array_equal(drawn("identity", (3, 3)), np.eye(3))
    np.testing.assert_array_equal(drawn("identity", (3, 5)), np.eye(3, 5))


@EACH
@pytest.mark.parametrize("shape", [(), (1,), (5,), (3, 4), (2, 3, 4), (2, 3, 4, 5)])
def test_every_start_has_the_shape_asked_for_and_is_finite(name, shape):
    w = drawn(name, shape)
    assert w.shape == shape and np.isfinite(w).all()


@EACH
def test_a_start_depends_on_seed_and_address_alone(name):
    w = drawn(name, (5, 4))
    np.testing.assert_array_equal(w, drawn(name, (5, 4)))
    if name not in ("zeros", "ones", "identity"):
        assert not np.array_equal(w, drawn(name, (5, 4), seed=1))
        assert not np.array_equal(w, drawn(name, (5, 4), address="dense_2.weight"))
    assert inspect.getdoc(INITIALISERS[name])


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("glorot_uniform", -0.42048537653647555, 0.3009213950832348),
        ("he_normal", 0.9670420487861069, 0.2694339475226442),
        ("fan_in_normal", 0.6838019903891883, 0.19051857137512213),
        ("normal", 0.11843797896707993, 0.03299878454071491),
        ("uniform", -0.38384887638346865, 0.27470239353835324),
        ("zeros", 0.0, 0.0),
    ],
)
def test_starts_that_presets_are_built_on_never_change(name, first, last):
    w = drawn(name, (3, 2), 7)
    assert (w[0, 0], w[2, 1]) == (first, last)


@EACH
def test_every_start_can_be_chosen_for_a_layer(name):
    graph = Graph()
    x, h = graph.add("input", shape=(3,)), graph.add("dense", units=3, initialiser=name)
    graph.connect(x, h)
    session = Session(Document(graph, training={"seed": 4}, precision="float64"))
    np.testing.assert_array_equal(session.parameters["dense_1.weight"], drawn(name, (3, 3), 4))


@pytest.mark.parametrize("start", [0.0, 0.5])
@pytest.mark.text("01:symmetry-breaking")
def test_units_that_start_alike_stay_alike(start):
    graph = Graph()
    x, t = graph.add("input", shape=(2,)), graph.add("target", shape=(1,))
    h = graph.add("dense", units=2, activation="tanh", use_bias=False, initial_weight=start)
    y = graph.add("dense", units=1, use_bias=False, initial_weight=start)
    e = graph.add("squared_error")
    graph.connect(x, h)
    graph.connect(h, y)
    graph.connect(y, e["prediction"])
    graph.connect(t, e["target"])
    plan = {"loss": e.id, "optimizer": {"type": "sgd", "learning_rate": 0.1}}
    data = {"inputs": np.array([[1.0, -2.0]]), "targets": np.array([[1.0]])}
    session = Session(Document(graph, data=data, training=plan, precision="float64"))
    session.run(3)
    hidden, out = session.parameters["dense_1.weight"], session.parameters["dense_2.weight"]
    row, weight = ((0.728393, 0.043215), 0.434372) if start else ((0.0, 0.0), 0.0)
    np.testing.assert_allclose(hidden.T, [row, row], atol=6e-7)
    np.testing.assert_allclose(out[:, 0], [weight, weight], atol=6e-7)


@pytest.mark.text("05:echo-state-network")
def test_a_reservoir_neither_grows_nor_fades():
    w = drawn("unit_spectral_radius", (40, 40))
    assert np.abs(np.linalg.eigvals(w)).max() == pytest.approx(1)
    assert np.linalg.svd(drawn("unit_spectral_radius", (30, 7)))[1].max() == pytest.approx(1)


def test_a_truncated_normal_ends_at_two_deviations():
    w = drawn("truncated_normal", (300, 200))
    assert 0.039 < np.abs(w).max() <= 0.04
    assert w.std() == pytest.approx(0.02 * 0.8796, rel=0.02)


@pytest.mark.parametrize("type", ["dense", "neuron", "conv2d", "parameter"])
def test_a_start_is_multiplied_by_a_scale(type):
    def start(scale: float) -> np.ndarray:
        graph = Graph()
        more: dict[str, Any] = {"shape": (3, 2)} if type == "parameter" else {}
        node = graph.add(type, initial_scale=scale, **more)
        if type != "parameter":
            graph.connect(graph.add("input"), node)
        inputs = np.ones((2, 1, 4, 4)) if type == "conv2d" else np.ones((2, 3))
        return next(iter(Session(Document(graph, {"inputs": inputs, "targets": [[0.0]] * 2})).parameters.values()))

    np.testing.assert_allclose(start(2.5), 2.5 * start(1.0), rtol=1e-6)
    assert not start(0.0).any()
