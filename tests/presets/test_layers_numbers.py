"""What layers can and cannot do, on the presets themselves; the catalogue's entry stands in each test's name."""

from __future__ import annotations

import numpy as np
import pytest

from engine.session import Session
from tests.presets.gallery import column, played, preset


@pytest.mark.text("01:linear-collapse")
def test_numbers_01_linear_collapse():
    session = played(preset("linear-collapse"))
    np.testing.assert_array_equal(session.value("product.y"), [[-1], [-2]])
    assert session.value("layer3.h")[0] == session.value("one.h")[0] == -3
    assert not session.value("difference.y").any()


def test_a_deep_linear_network_stays_one_layer_while_it_learns():
    session = Session(preset("linear-collapse"))
    for _ in range(5):
        session.run(50)
        answers = session.predict([[0.3, -0.7], [2, 1], [-1, 1]])
        parameters = session.parameters
        product = parameters["w1.value"] @ parameters["w2.value"] @ parameters["w3.value"]
        np.testing.assert_allclose(answers, np.array([[0.3, -0.7], [2, 1], [-1, 1]]) @ product, rtol=1e-12)


def bent(activation: str) -> Session:
    document = preset("linear-collapse")
    document.graph.nodes["layer1"].properties["activation"] = activation
    return Session(document)


def test_a_bend_in_layer_1_of_linear_collapse_sinks_below_the_floor_of_every_line():
    session = bent("tanh")
    session.run(1000)
    assert session.evaluate("train")["loss"] < 0.2 < 2 / 9
    session.step("phase")
    assert np.abs(session.value("difference.y")).max() > 0.01


def test_a_fold_in_layer_1_of_linear_collapse_fits_the_three_points():
    session = bent("relu")
    for name, numbers in (("w1", [[1, -1], [0, 0]]), ("w2", [[1, 0], [0, 1]]), ("w3", [[1], [1]])):
        session.set_parameter(f"{name}.value", numbers)
    assert session.evaluate("train") == {"loss": 0, "accuracy": 1}


WEIGHTS = ("h1.weight", "h2.weight", "output.weight")


@pytest.mark.text("01:symmetry-breaking")
def test_numbers_01_symmetry_breaking():
    session = Session(preset("symmetry-breaking"))
    session.run(3)
    for name in ("h1.weight", "h2.weight"):
        np.testing.assert_allclose(session.parameters[name], column(0.728393, 0.043215), rtol=0, atol=5e-7)
    np.testing.assert_allclose(session.parameters["output.weight"], column(0.434372, 0.434372), rtol=0, atol=5e-7)
    session.run(97)
    np.testing.assert_array_equal(session.parameters["h1.weight"], session.parameters["h2.weight"])


@pytest.mark.text("01:symmetry-breaking")
def test_numbers_01_symmetry_breaking_from_zero():
    session = Session(preset("symmetry-breaking"))
    for name in WEIGHTS:
        session.set_parameter(name, np.zeros((2, 1)))
    session.run(100)
    assert not any(session.parameters[name].any() for name in WEIGHTS)
    assert session.evaluate("train")["loss"] == 1


def test_a_nudge_parts_the_two_neurons_of_symmetry_breaking_for_good():
    session = Session(preset("symmetry-breaking"))
    session.set_parameter("h1.weight", column(0.6, 0.5))
    for _ in range(20):
        session.run(5)
        assert (session.parameters["h1.weight"] != session.parameters["h2.weight"]).all()
        assert session.parameters["output.weight"][0] != session.parameters["output.weight"][1]
    assert session.evaluate("train")["loss"] < 1e-12


def steps_for(count: int, slope: float) -> Session:
    """The construction of the preset with that many steps, one in the middle of each part of [0, 1]."""
    document = preset("universal-approximation")
    edges = np.sin(2 * np.pi * np.arange(count + 1) / count)
    nodes = document.graph.nodes
    nodes["centres"].properties["initial"] = ((np.arange(count) + 0.5) / count).tolist()
    nodes["slope"].properties["factor"] = slope
    nodes["curve"].properties["initial_weight"] = np.diff(edges)[:, None].tolist()
    return Session(document)


def worst(session: Session) -> float:
    x = np.arange(4001)[:, None] / 4000
    return float(np.abs(session.predict(x) - np.sin(2 * np.pi * x)).max())


@pytest.mark.parametrize(
    ("count", "error", "half_a_digit"), [(10, 0.0544, 5e-5), (20, 0.0236, 5e-5), (50, 0.00958, 5e-6), (100, 0.00480, 5e-6)]
)  # fmt: skip
@pytest.mark.text("01:universal-approximation")
def test_numbers_01_universal_approximation(count, error, half_a_digit):
    assert worst(steps_for(count, 5 * count)) == pytest.approx(error, abs=half_a_digit)


@pytest.mark.parametrize(("count", "error"), [(10, 0.3090), (20, 0.1564), (50, 0.0628), (100, 0.0314)])
@pytest.mark.text("01:universal-approximation")
def test_numbers_01_universal_approximation_by_hard_steps(count, error):
    session = steps_for(count, 1e12)
    beside = (np.arange(count)[:, None] + 0.5) / count - 1e-9  # the error is reached at a jump, from one side of it
    found = np.abs(session.predict(beside) - np.sin(2 * np.pi * beside)).max()
    assert found == pytest.approx(error, abs=5e-5)
    assert found == pytest.approx(np.sin(np.pi / count), abs=1e-6)


def test_the_steps_of_universal_approximation_are_those_of_the_construction():
    session, built = Session(preset("universal-approximation")), steps_for(10, 50)
    for name, array in session.parameters.items():
        np.testing.assert_allclose(array, built.parameters[name], rtol=0, atol=1e-12)
    assert worst(session) == pytest.approx(0.0544, abs=5e-5)


def test_a_steeper_slope_makes_a_staircase_of_universal_approximation():
    session = Session(preset("universal-approximation"))
    errors = []
    for slope in (10, 50, 1000):
        session.set_setting("slope.factor", slope)
        errors.append(worst(session))
    assert errors[1] < 0.06 < min(errors[0], errors[2])


def bends(v: float) -> Session:
    """The gallery with that v, forward and backward part played."""
    session = Session(preset("activation-gallery"))
    session.set_parameter("v.value", v)
    session.step("phase")
    session.step("phase")
    return session


@pytest.mark.parametrize(
    ("bend", "v", "number"),
    [
        ("sigmoid.h", 1, 0.7310585786),
        ("sigmoid.h", -1, 0.2689414214),
        ("sigmoid.h", 0, 0.5),
        ("tanh.h", 1, 0.7615941560),
        ("tanh.h", 0.7, 0.6043677771),
        ("identity.h", -3, -3),
        ("sign.h", -3, -1),
        ("relu.h", -3, 0),
        ("hard_tanh.h", -3, -1),
        ("hard_tanh.h", 0.5, 0.5),
    ],
)
@pytest.mark.text("01:activation-gallery")
def test_numbers_01_activation_gallery(bend, v, number):
    assert float(bends(v).value(bend)) == pytest.approx(number, abs=5e-11)


@pytest.mark.parametrize(("v", "number"), [(1, 1.050701), (-1, -1.111331), (-40, -1.758099)])
@pytest.mark.text("08:activation-gallery")
def test_numbers_08_activation_gallery_selu(v, number):
    assert float(bends(v).value("selu.y")) == pytest.approx(number, abs=5e-7)


SLOPES = {
    0: {
        "identity": 1,
        "sign": None,
        "sigmoid": 0.25,
        "tanh": 1,
    },  # the kinks of the others lie at 0; a sign sends nothing
    0.5: {"identity": 1, "sign": None, "relu": 1, "hard_tanh": 1, "elu": 1},
    -2: {"identity": 1, "sign": None, "relu": 0, "hard_tanh": 0},
}


@pytest.mark.parametrize("v", SLOPES)
@pytest.mark.text("01:activation-gallery")
def test_numbers_01_activation_gallery_slopes(v):
    """What each bend alone sends back to v, where a 1 arrives at it."""
    for bend, slope in SLOPES[v].items():
        document = preset("activation-gallery")
        for wire in document.graph.wires_into("total"):
            document.graph.disconnect(wire.source, wire.target)
        document.graph.connect(f"{bend}.h", "total.x")
        session = Session(document)
        session.set_parameter("v.value", v)
        session.step("phase")
        session.step("phase")
        assert session.gradient("v.value") == slope


def test_the_slopes_of_the_activation_gallery_add_up_at_v():
    sigmoid, tanh = 0.0024665093, 0.0000245765
    assert float(bends(6).gradient("v.value")) == pytest.approx(1 + sigmoid + tanh + 1 + 1.0507009874, abs=1e-9)


@pytest.mark.parametrize("v", [-7, -0.3, 0, 0.7, 6])
def test_tanh_of_the_activation_gallery_is_a_stretched_sigmoid(v):
    session = bends(v)
    assert float(session.value("difference.y")) == pytest.approx(0, abs=1e-15)
    assert float(session.value("sigmoid.h")) + float(bends(-v).value("sigmoid.h")) == pytest.approx(1, abs=1e-15)
